/// Decides how solvers are built: heat as a boundary step and an explicit step over the field of
/// the tick before, under the boundary contract of the program.
#include "lang/elab_core.h"

static const char *const faces[] = {"x0", "x1", "y0", "y1"};

static void check_word(KrElab *e, const KrVal *record, const char *name, const char *words,
                       KrSpan span) {
  const KrVal *val = kr_val_field(record, kr_text_from(name));
  if (val == NULL) return;
  KrArg arg = {.span = span, .val = *val, .ready = true};
  uint32_t choice;
  kr_arg_word(e, &arg, words, kr_text_print(e->arena, "`%s` of a boundary contract", name),
              &choice);
}

static bool is_known_field(KrText name) {
  static const char *const names[] = {"apply", "mode", "x0", "x1", "y0", "y1", "z0", "z1"};
  for (int i = 0; i < 8; i++)
    if (kr_text_is(name, names[i])) return true;
  return false;
}

static KrVal declare_contract(KrElab *e, KrText solver, const KrVal *record, KrSpan span) {
  if (record->kind != KR_VAL_RECORD) {
    if (record->kind != KR_VAL_POISON)
      kr_diagnose(e->list, KR_ERROR, span,
                  "write `solver.declare_contract(BoundaryContract{apply: pre, mode: ghost})`",
                  "a boundary contract is needed, this is %s", kr_val_kind_text(record));
    return kr_val_none();
  }
  for (uint32_t i = 0; i < record->as.items.n; i++)
    if (!is_known_field(record->as.items.names[i]))
      kr_diagnose(e->list, KR_ERROR, span, "it has apply, mode, x0, x1, y0, y1",
                  "a boundary contract has no field `%t`", record->as.items.names[i]);
  check_word(e, record, "apply", "pre|post|both", span);
  check_word(e, record, "mode", "ghost|mirror", span);
  for (uint32_t i = 0; i < e->n_contracts; i++) {
    if (!kr_text_equal(e->contract_names[i], solver)) continue;
    kr_diagnose(e->list, KR_ERROR, span, "put all rules into one contract",
                "a second boundary contract for %s",
                solver.n > 0 ? kr_text_string(e->arena, solver) : "every solver");
    return kr_val_none();
  }
  KR_PUSH(e->arena, e->contracts, e->n_contracts, e->cap_contracts, *record);
  uint32_t n = e->n_contracts - 1;
  KR_PUSH(e->arena, e->contract_names, n, e->cap_contract_names, solver);
  return kr_val_none();
}

/// The contract of one solver: its own, else the program's.
static const KrVal *find_contract(const KrElab *e, KrText solver) {
  const KrVal *found = NULL;
  for (uint32_t i = 0; i < e->n_contracts; i++) {
    if (e->contract_names[i].n == 0 && found == NULL) found = &e->contracts[i];
    if (kr_text_equal(e->contract_names[i], solver)) found = &e->contracts[i];
  }
  return found;
}

static void add_arg(KrArgs *args, const char *name, KrVal val, KrSpan span) {
  args->at[args->n++] = (KrArg){.name = name == NULL ? (KrText){NULL, 0} : kr_text_from(name),
                                .span = span,
                                .val = val,
                                .ready = true};
}

/// The boundary row over `field` with the contract's rules.
static KrVal apply_boundary(KrElab *e, const char *row, const KrVal *contract, KrVal field,
                            const KrVal *dx, KrSpan span) {
  KrArgs args = {KR_NEW_ARRAY(e->arena, KrArg, 12), 0};
  add_arg(&args, NULL, field, span);
  if (dx != NULL) add_arg(&args, "dx", *dx, span);
  for (int i = 0; i < 4 && contract != NULL; i++) {
    const KrVal *face = kr_val_field(contract, kr_text_from(faces[i]));
    if (face == NULL) continue;
    bool pair = face->kind == KR_VAL_TUPLE;
    add_arg(&args, faces[i], pair ? face->as.items.at[0] : *face, span);
    if (pair && face->as.items.at[1].kind != KR_VAL_NONE)
      add_arg(&args, kr_text_print(e->arena, "%s_value", faces[i]), face->as.items.at[1], span);
  }
  const KrVal *mode = contract == NULL ? NULL : kr_val_field(contract, KR_TEXT("mode"));
  if (mode != NULL) add_arg(&args, "mode", *mode, span);
  return kr_call_op(e, kr_text_from(row), args, span);
}

static bool has_row(const char *name) { return kr_registry_find(kr_text_from(name), 0) != NULL; }

static KrVal call_heat(KrElab *e, KrArgs args, KrSpan span) {
  static const char *const names[] = {"init", "alpha", "dx", NULL};
  KrArg *slots[3];
  if (!kr_bind_args(e, args, names, slots, "solver.heat", span)) return kr_val_poison();
  if (slots[0] == NULL || !has_row("solver.heat_step")) {
    kr_diagnose(e->list, KR_ERROR, span, "write `solver.heat(init=field.zeros(64), alpha=0.1)`",
                "`solver.heat` needs its first field `init`");
    return kr_val_poison();
  }
  KrVal init = *kr_arg_value(e, slots[0]);
  if (init.kind == KR_VAL_POISON || e->now.flow == NULL) return kr_val_poison();
  if (init.kind != KR_VAL_STREAM || init.type.shape != KR_SHAPE_FIELD) {
    kr_diagnose(e->list, KR_ERROR, slots[0]->span,
                "make one: `field.zeros(64)`, `field.from_fn(64, 64, |x, y| …)`",
                "`init` of `solver.heat` is a field, this is %s", kr_val_kind_text(&init));
    return kr_val_poison();
  }
  const KrVal *dx = slots[2] != NULL ? kr_arg_value(e, slots[2]) : NULL;
  const KrVal *contract = find_contract(e, e->now.label);
  const KrVal *apply = contract == NULL ? NULL : kr_val_field(contract, KR_TEXT("apply"));
  bool post = apply != NULL && apply->kind == KR_VAL_STRING && !kr_text_is(apply->as.text, "pre");
  KrNode node = {.kind = KR_NODE_PREV, .type = init.type, .n_in = 2, .value.elem = init.type.elem};
  node.in = KR_NEW_ARRAY(e->arena, KrRef, 2);
  node.in[0] = (KrRef){KR_NONE, 0};
  node.in[1] = init.as.ref;
  KrRef before = kr_emit_node(e, node, "solver.heat", span);
  KrVal field = kr_val_stream(before, init.type);
  field = apply_boundary(e, "solver.boundary", contract, field, dx, span);
  if (field.kind == KR_VAL_POISON) return field;
  KrArgs step = {KR_NEW_ARRAY(e->arena, KrArg, 3), 0};
  add_arg(&step, NULL, field, span);
  if (slots[1] != NULL) add_arg(&step, "alpha", *kr_arg_value(e, slots[1]), span);
  if (dx != NULL) add_arg(&step, "dx", *dx, span);
  field = kr_call_op(e, KR_TEXT("solver.heat_step"), step, span);
  if (post && field.kind != KR_VAL_POISON)
    field = apply_boundary(e, "solver.enforce", contract, field, dx, span);
  if (field.kind == KR_VAL_STREAM) e->graph->nodes[before.node].in[0] = field.as.ref;
  return field;
}

bool kr_call_solver(KrElab *e, KrText name, KrArgs args, KrSpan span, KrVal *result) {
  bool bare = kr_text_is(name, "declare_contract");
  if ((bare || kr_text_is(name, "solver.declare_contract")) && args.n == 1)
    *result = declare_contract(e, (KrText){"", 0}, kr_arg_value(e, &args.at[0]), span);
  else if (kr_text_is(name, "solver.NAME.declare_contract") && args.n == 2)
    *result = declare_contract(e, args.at[0].val.as.text, kr_arg_value(e, &args.at[1]), span);
  else if (kr_text_is(name, "solver.heat"))
    *result = call_heat(e, args, span);
  else if (kr_call_field(e, name, args, span, result))
    return true;
  else
    return false;
  return true;
}

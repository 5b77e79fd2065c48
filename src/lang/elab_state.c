/// Decides what states are: their type and first value, reads as of before the tick, one writer.
#include "lang/elab_core.h"

static const char *line_hint(KrElab *e, const char *text, KrSpan span) {
  KrPlace place = kr_source_place(&e->list->sources[span.file], span.begin);
  return kr_text_print(e->arena, "%s %t:%u:%u", text, e->list->sources[span.file].name, place.line,
                       place.column);
}

static bool read_options(KrElab *e, const KrAst *ast, KrState *state, bool *latest) {
  static const char *const words = "sum|min|max|last";
  bool ok = true;
  for (uint32_t i = 2; i < ast->n; i++) {
    const KrAst *option = ast->at[i];
    if (option == NULL || option->n == 0 || option->at[0] == NULL) continue;
    KrArg arg = {.ast = option->at[0], .span = option->span};
    uint32_t word = 0;
    if (kr_text_is(option->text, "merge")) {
      ok = kr_arg_word(e, &arg, words, "`merge`", &word) && ok;
      state->merge = (KrMerge)(KR_MERGE_SUM + word);
    } else if (kr_text_is(option->text, "read")) {
      ok = kr_arg_word(e, &arg, "latest|before", "`read`", &word) && ok;
      *latest = word == 0;
    } else {
      kr_diagnose(e->list, KR_ERROR, option->span,
                  "write `@state(merge=sum)` or `@state(read=latest)`",
                  "a state's options are merge= and read=");
      ok = false;
    }
  }
  if (state->merge == KR_MERGE_NONE || !*latest) return ok;
  kr_diagnose(e->list, KR_ERROR, ast->name_span, "choose one of them",
              "`merge` and `read=latest` do not go together");
  return false;
}

static bool initial_state(KrElab *e, const KrVal *init, const KrSpec *spec, KrSpan span,
                          KrState *state, KrDim *dim) {
  bool untyped = spec->kind == KR_SPEC_ANY;
  KrElem elem = !untyped ? spec->elem : init->kind == KR_VAL_BOOL ? KR_ELEM_BOOL : e->now.real;
  state->type = KR_TYPE_SCALAR(elem);
  state->init = (KrConst){.elem = elem};
  if (init->kind == KR_VAL_POISON) return false;
  *dim = kr_dim_join(spec->dim, init->dim);
  if (!kr_dim_fits(&spec->dim, &init->dim)) {
    kr_diagnose(e->list, KR_ERROR, span, "give the value in the declared unit",
                "declared in %s, this is in %s", kr_dim_text(e, &spec->dim),
                kr_dim_text(e, &init->dim));
    return false;
  }
  if (!spec->dim.known) *dim = (KrDim){0};
  if (init->kind == KR_VAL_BOOL && elem == KR_ELEM_BOOL) {
    state->init.as.b = init->as.boolean;
    return true;
  }
  if (init->kind == KR_VAL_NUMBER && elem != KR_ELEM_BOOL)
    return kr_number_const(e, &init->as.number, elem, span, &state->init);
  kr_diagnose(e->list, KR_ERROR, span, "write a constant, or assign it inside a flow",
              "a %s state begins with a constant %s, this is %s", kr_elem_text(elem),
              elem == KR_ELEM_BOOL ? "bool" : "number", kr_val_kind_text(init));
  return false;
}

static KrText state_name(KrElab *e, KrText name) {
  if (e->now.flow == NULL) return name;
  KrText base =
      kr_text_from(kr_text_print(e->arena, "%t.%t%t", e->now.flow->name, name, e->now.copies));
  bool found;
  uint32_t *n = kr_map_slot(e, &e->ordinals, base, &found);
  if ((*n)++ == 0) return base;
  return kr_text_from(kr_text_print(e->arena, "%t#%u", base, *n - 1));
}

void kr_var_declare(KrElab *e, const KrAst *ast, KrBinding *binding) {
  KrState state = {.origin = kr_span_origin(ast->name_span)};
  KrVar var = {.name = ast->text, .span = ast->name_span, .written = {KR_NONE, 0}};
  KrSpec spec;
  bool ok = kr_spec_read(e, ast->at[0], &spec) && read_options(e, ast, &state, &var.latest);
  if (ok && spec.kind != KR_SPEC_SCALAR && spec.kind != KR_SPEC_ANY) {
    kr_diagnose(e->list, KR_ERROR, ast->at[0]->span, "use one state for each number",
                "a state is a number or a bool");
    ok = false;
  }
  KrVal init = kr_elab_value(e, ast->at[1]);
  KrSpan span = ast->at[1] != NULL ? ast->at[1]->span : ast->span;
  ok = ok && initial_state(e, &init, &spec, span, &state, &var.dim);
  if (!ok) {
    binding->val = kr_val_poison();
    binding->state = KR_BIND_READY;
    return;
  }
  state.name = state_name(e, ast->text);
  var.index = e->graph->n_states;
  KR_PUSH(e->arena, e->graph->states, e->graph->n_states, e->graph->cap_states, state);
  e->n_latest += var.latest;
  binding->is_state = true;
  binding->state = KR_BIND_READY;
  binding->var = e->n_vars;
  KR_PUSH(e->arena, e->vars, e->n_vars, e->cap_vars, var);
}

static bool excludes(const KrCond *a, const KrCond *b) {
  for (; a != NULL; a = a->outer)
    for (const KrCond *c = b; c != NULL; c = c->outer)
      if (a->copy == c->copy && a->negated != c->negated) return true;
  return false;
}

/// A write of this flow that may have happened in this tick already.
static bool wrote(const KrVar *var, const KrContext *now) {
  for (uint32_t i = var->n_writes; i-- > 0;)
    if (var->writes[i].flow == now->flow && !excludes(var->writes[i].cond, now->cond)) return true;
  return false;
}

static KrVal old_value(KrElab *e, KrVar *var, KrSpan span) {
  KrType type = e->graph->states[var->index].type;
  if (var->reader != e->now.flow) {
    KrNode node = {.kind = KR_NODE_STATE_READ, .type = type, .state = var->index};
    var->read = kr_emit_node(e, node, kr_text_string(e->arena, var->name), span);
    var->reader = e->now.flow;
  }
  KrVal val = kr_val_stream(var->read, type);
  val.dim = var->dim;
  return val;
}

KrVal kr_var_read(KrElab *e, uint32_t index, KrSpan span) {
  KrVar *var = &e->vars[index];
  if (e->now.flow == NULL || e->now.in_function) {
    kr_diagnose(e->list, KR_ERROR, span, "read it inside a flow", "the state `%t` has no rate here",
                var->name);
    return kr_val_poison();
  }
  if (var->latest && var->writer == e->now.flow) return var->value;
  if (e->graph->states[var->index].merge == KR_MERGE_NONE && wrote(var, &e->now))
    kr_diagnose(e->list, KR_WARNING, span, "declare it `@state(read=latest)` to see the new value",
                "`%t` is read after it is written: this is the value of before the tick",
                var->name);
  return old_value(e, var, span);
}

static bool check_twice(KrElab *e, const KrVar *var, KrSpan span) {
  if (var->latest || e->graph->states[var->index].merge != KR_MERGE_NONE) return true;
  for (uint32_t i = 0; i < var->n_writes; i++) {
    if (var->writes[i].flow != e->now.flow || excludes(var->writes[i].cond, e->now.cond)) continue;
    kr_diagnose(e->list, KR_ERROR, span, line_hint(e, "the first write is at", var->writes[i].span),
                "`%t` is assigned twice in one tick", var->name);
    return false;
  }
  return true;
}

static void emit_write(KrElab *e, const KrVar *var, KrRef value, KrRef cond, KrSpan span) {
  KrNode node = {.kind = KR_NODE_STATE_WRITE,
                 .type = e->graph->states[var->index].type,
                 .state = var->index,
                 .n_in = 2};
  node.in = KR_NEW_ARRAY(e->arena, KrRef, 2);
  node.in[0] = value;
  node.in[1] = cond;
  KrRef ref = kr_emit_node(e, node, kr_text_string(e->arena, var->name), span);
  e->graph->nodes[ref.node].n_out = 0;
}

/// The value as of now and whether anything was written, as streams.
static void write_latest(KrElab *e, KrVar *var, KrVal val, KrSpan span) {
  KrRef cond = kr_elab_condition(e, span);
  KrType boolean = KR_TYPE_SCALAR(KR_ELEM_BOOL);
  bool first = var->writer != e->now.flow;
  KrVal before = first ? old_value(e, var, span) : var->value;
  if (cond.node == KR_NONE) {
    var->value = val;
    var->always = true;
  } else {
    var->value = kr_elab_select(e, cond, val, before, span);
    if (first) {
      var->written = cond;
      var->always = false;
    } else if (!var->always) {
      KrVal in[2] = {kr_val_stream(var->written, boolean), kr_val_stream(cond, boolean)};
      var->written = kr_emit_op(e, "or", KR_ELEM_BOOL, boolean, in, 2, span);
    }
  }
  var->value.dim = var->dim;
  var->writer = e->now.flow;
}

void kr_vars_finish(KrElab *e) {
  for (uint32_t i = 0; i < e->n_vars && e->n_latest > 0; i++) {
    KrVar *var = &e->vars[i];
    if (var->writer != e->now.flow || var->value.kind != KR_VAL_STREAM) continue;
    KrRef always = {KR_NONE, 0};
    emit_write(e, var, var->value.as.ref, var->always ? always : var->written, var->span);
  }
}

static KrBinding *find_target(KrElab *e, const KrAst *target) {
  for (KrScope *scope = e->now.scope; scope != NULL && target->kind == KR_AST_NAME;
       scope = scope->parent) {
    KrBinding *binding = kr_scope_find(scope, target->text);
    if (binding != NULL) return binding;
  }
  return NULL;
}

void kr_var_assign(KrElab *e, const KrAst *ast) {
  const KrAst *target = ast->at[0];
  if (target == NULL) return;
  KrBinding *binding = find_target(e, target);
  if (binding == NULL || !binding->is_state || e->now.flow == NULL) {
    bool poisoned =
        binding != NULL && binding->state == KR_BIND_READY && binding->val.kind == KR_VAL_POISON;
    if (!poisoned)
      kr_diagnose(e->list, KR_ERROR, target->span, "declare it with `let` or `@state`",
                  target->kind == KR_AST_NAME ? "`%t` cannot be assigned: it is no state in sight"
                                              : "only a state can be assigned",
                  target->text);
    kr_elab_expr(e, ast->at[1]);
    return;
  }
  KrVar *var = &e->vars[binding->var];
  KrElem elem = e->graph->states[var->index].type.elem, real = e->now.real;
  KrText label = e->now.label;
  if (kr_elem_is_real(elem)) e->now.real = elem;
  e->now.label = var->name;
  KrVal val = kr_elab_value(e, ast->at[1]);
  e->now.real = real;
  KrSpan span = ast->at[1] != NULL ? ast->at[1]->span : ast->span;
  if (!kr_dim_fits(&val.dim, &var->dim))
    kr_diagnose(e->list, KR_ERROR, span, "give the value in the state's unit",
                "`%t` is in %s, this is in %s", var->name, kr_dim_text(e, &var->dim),
                kr_dim_text(e, &val.dim));
  bool ok = check_twice(e, &e->vars[binding->var], target->span);
  if (val.kind != KR_VAL_POISON) val = kr_to_elem(e, val, elem, span);
  var = &e->vars[binding->var];
  KrWrite write = {binding->var, target->span, e->now.flow, e->now.cond, var->n_writes};
  KR_PUSH(e->arena, var->writes, var->n_writes, var->cap_writes, write);
  if (ok && val.kind != KR_VAL_POISON) {
    if (var->latest)
      write_latest(e, var, val, ast->span);
    else
      emit_write(e, var, val.as.ref, kr_elab_condition(e, ast->span), ast->span);
  }
  e->now.label = label;
}

static bool is_before(KrSpan a, KrSpan b) {
  return a.file != b.file ? a.file < b.file : a.begin < b.begin;
}

/// Two flows may not assign one state; the earlier in the text is the first.
void kr_check_writers(KrElab *e) {
  for (uint32_t i = 0; i < e->n_vars; i++) {
    const KrVar *var = &e->vars[i];
    if (var->n_writes < 2 || e->graph->states[var->index].merge != KR_MERGE_NONE) continue;
    const KrWrite *first = &var->writes[0];
    for (uint32_t k = 1; k < var->n_writes; k++)
      if (is_before(var->writes[k].span, first->span)) first = &var->writes[k];
    for (uint32_t k = 0; k < var->n_writes; k++) {
      const KrWrite *write = &var->writes[k];
      if (write->flow == first->flow) continue;
      kr_diagnose(e->list, KR_ERROR, write->span,
                  kr_text_print(e->arena, "%s; or declare `@state(merge=sum|min|max|last)`",
                                line_hint(e, "the first write is at", first->span)),
                  "the flows `%t` and `%t` both assign `%t`", first->flow->name, write->flow->name,
                  var->name);
    }
  }
}

/// Decides what a declared type asks of a value, and how records are made.
#include "lang/elab_core.h"

static bool find_elem(KrText name, KrElem *elem) {
  for (int i = 0; i < KR_N_ELEMS; i++) {
    *elem = (KrElem)i;
    if (kr_text_is(name, kr_elem_text(*elem))) return true;
  }
  return false;
}

static bool is_known_type(KrText name) {
  static const char *const names[] = {
      "Vec2",     "Vec3",  "Vec4", "Field1D", "Field2D",          "Field3D",
      "Spectrum", "Image", "Note", "Bang",    "BoundaryContract", "1D",
      "2D",       "3D",    "D"};
  for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (kr_text_is(name, names[i])) return true;
  return false;
}

static bool read_struct(KrElab *e, const KrAst *type, KrSpec *spec) {
  const uint32_t *index = kr_map_find(&e->struct_names, type->text);
  if (index != NULL) {
    spec->kind = KR_SPEC_STRUCT;
    spec->name = type->text;
    spec->ast = e->structs[*index];
    return true;
  }
  spec->kind = KR_SPEC_OTHER;
  if (is_known_type(type->text)) return true;
  kr_diagnose(e->list, KR_ERROR, type->name_span,
              "the types are bool i32 i64 u32 u64 f32 f64 str, structs, lists, tuples, Stream, Evt",
              "unknown type `%t`", type->text);
  return false;
}

bool kr_spec_read(KrElab *e, const KrAst *type, KrSpec *spec) {
  *spec = (KrSpec){.kind = KR_SPEC_ANY, .scale = KR_RATIO_ONE, .ast = type};
  if (type == NULL) return true;
  if (type->kind != KR_AST_TYPE) {
    spec->kind = type->kind == KR_AST_TYPE_LIST ? KR_SPEC_LIST : KR_SPEC_TUPLE;
    return true;
  }
  if (kr_text_is(type->text, "Stream") && type->n > 1 && type->at[1] != NULL)
    return kr_spec_read(e, type->at[1], spec);
  if (kr_text_is(type->text, "Evt") || kr_text_is(type->text, "Stream")) {
    spec->kind = kr_text_is(type->text, "Evt") ? KR_SPEC_EVENTS : KR_SPEC_OTHER;
    return true;
  }
  if (type->n > 0 && type->at[0] != NULL &&
      !kr_unit_find(e, type->at[0]->text, type->at[0]->span, &spec->dim, &spec->scale))
    return false;
  if (find_elem(type->text, &spec->elem)) {
    spec->kind = KR_SPEC_SCALAR;
    return true;
  }
  if (kr_text_is(type->text, "str")) {
    spec->kind = KR_SPEC_OTHER;
    return true;
  }
  return read_struct(e, type, spec);
}

KrElem kr_spec_real(const KrElab *e, const KrSpec *spec) {
  return spec->kind == KR_SPEC_SCALAR && kr_elem_is_real(spec->elem) ? spec->elem : e->now.real;
}

static bool is_exact_in(const KrRatio *ratio, KrElem elem) {
  int64_t limit = elem == KR_ELEM_F32 ? INT64_C(1) << 24 : INT64_C(1) << 53;
  return (ratio->den & (ratio->den - 1)) == 0 && ratio->num <= limit && ratio->num >= -limit &&
         ratio->den <= limit;
}

/// A number of a declared type: rounded to it, still a constant.
static KrVal typed_number(KrElab *e, const KrVal *val, KrElem elem, KrSpan span) {
  KrConst value;
  if (!kr_number_const(e, &val->as.number, elem, span, &value)) return kr_val_poison();
  KrVal out = *val;
  KrNumber *number = &out.as.number;
  if (elem == KR_ELEM_U64 && value.as.u64 > INT64_MAX && e->now.flow != NULL)
    return kr_to_elem(e, *val, elem, span); // beyond the exact constants
  if (!kr_elem_is_real(elem)) {
    int64_t whole = elem == KR_ELEM_I32   ? value.as.i32
                    : elem == KR_ELEM_U32 ? (int64_t)value.as.u32
                                          : value.as.i64;
    out = kr_val_exact(kr_ratio_of(whole));
  } else {
    number->value = elem == KR_ELEM_F32 ? (double)value.as.f32 : value.as.f64;
    if (!number->exact || !is_exact_in(&number->ratio, elem)) {
      if (number->exact) number->lost = "a declared real type";
      number->exact = false;
    }
  }
  out.as.number.typed = true;
  out.as.number.elem = elem;
  return out;
}

static KrVal convert_scalar(KrElab *e, KrVal val, const KrSpec *spec, KrSpan span) {
  if (val.kind == KR_VAL_NUMBER && !val.dim.known && spec->scale.num != spec->scale.den) {
    KrVal scale = kr_val_exact(spec->scale);
    val = kr_fold_binary(e, '*', &val, &scale, span);
  }
  if (!kr_dim_fits(&val.dim, &spec->dim)) {
    kr_diagnose(e->list, KR_ERROR, span, "give the value in the declared unit",
                "declared in %s, this is in %s", kr_dim_text(e, &spec->dim),
                kr_dim_text(e, &val.dim));
    return kr_val_poison();
  }
  KrDim dim = kr_dim_join(val.dim, spec->dim);
  if (val.kind == KR_VAL_NUMBER && spec->elem != KR_ELEM_BOOL)
    val = typed_number(e, &val, spec->elem, span);
  else if (val.kind == KR_VAL_BOOL && spec->elem == KR_ELEM_BOOL)
    return val;
  else if (val.kind != KR_VAL_GATE || val.type.elem != spec->elem)
    val = kr_to_elem(e, val, spec->elem, span);
  val.dim = dim;
  return val;
}

static KrVal convert_items(KrElab *e, KrVal val, const KrSpec *spec, KrSpan span) {
  bool tuple = spec->kind == KR_SPEC_TUPLE;
  if (val.kind != (tuple ? KR_VAL_TUPLE : KR_VAL_LIST) ||
      (tuple && val.as.items.n != spec->ast->n)) {
    kr_diagnose(e->list, KR_ERROR, span, "make value and type agree",
                "the declared type is a %s, this is %s", tuple ? "tuple of another length" : "list",
                kr_val_kind_text(&val));
    return kr_val_poison();
  }
  int64_t whole;
  if (!tuple && spec->ast->n > 1 && spec->ast->at[1] != NULL) {
    KrVal n = kr_elab_value(e, spec->ast->at[1]);
    if (!kr_need_whole(e, &n, "a list's length", span, &whole)) return kr_val_poison();
    if (whole != (int64_t)val.as.items.n)
      kr_diagnose(e->list, KR_ERROR, span, "make value and type agree",
                  "declared with %lld items, this has %u", (long long)whole, val.as.items.n);
  }
  KrVal out = kr_val_items(val.kind, KR_NEW_ARRAY(e->arena, KrVal, val.as.items.n), val.as.items.n);
  for (uint32_t i = 0; i < val.as.items.n; i++) {
    KrSpec item;
    if (!kr_spec_read(e, spec->ast->at[tuple ? i : 0], &item)) return kr_val_poison();
    out.as.items.at[i] = kr_spec_convert(e, val.as.items.at[i], &item, span);
  }
  return out;
}

static void report_field(KrElab *e, KrText record, KrText name, const KrAst *declared,
                         KrSpan span) {
  KrText best = {NULL, 0};
  uint32_t distance = 3;
  for (uint32_t i = 0; i < declared->n; i++) {
    uint32_t d = kr_text_distance(name, declared->at[i]->text);
    if (d < distance && d < name.n) {
      distance = d;
      best = declared->at[i]->text;
    }
  }
  kr_diagnose(e->list, KR_ERROR, span,
              best.n > 0 ? kr_text_print(e->arena, "did you mean `%t`?", best)
                         : "name a declared field",
              "`%t` has no field `%t`", record, name);
}

static KrVal convert_struct(KrElab *e, KrVal val, const KrSpec *spec, KrSpan span) {
  if (val.kind != KR_VAL_RECORD) {
    kr_diagnose(e->list, KR_ERROR, span, "write the record with its name and fields",
                "a `%t` is needed, this is %s", spec->name, kr_val_kind_text(&val));
    return kr_val_poison();
  }
  const KrAst *declared = spec->ast;
  for (uint32_t i = 0; i < val.as.items.n; i++) {
    bool known = false;
    for (uint32_t k = 0; k < declared->n; k++)
      known = known || kr_text_equal(declared->at[k]->text, val.as.items.names[i]);
    if (!known) report_field(e, spec->name, val.as.items.names[i], declared, span);
  }
  KrVal out = kr_val_items(KR_VAL_RECORD, KR_NEW_ARRAY(e->arena, KrVal, declared->n), declared->n);
  out.as.items.names = KR_NEW_ARRAY(e->arena, KrText, declared->n);
  out.as.items.type = spec->name;
  for (uint32_t k = 0; k < declared->n; k++) {
    const KrVal *field = kr_val_field(&val, declared->at[k]->text);
    out.as.items.names[k] = declared->at[k]->text;
    KrSpec type;
    if (field == NULL) {
      kr_diagnose(e->list, KR_ERROR, span, "a record of a struct gives all fields",
                  "the field `%t` of `%t` is missing", declared->at[k]->text, spec->name);
      out.as.items.at[k] = kr_val_poison();
    } else if (kr_spec_read(e, declared->at[k]->n > 0 ? declared->at[k]->at[0] : NULL, &type)) {
      out.as.items.at[k] = kr_spec_convert(e, *field, &type, span);
    }
  }
  return out;
}

KrVal kr_spec_convert(KrElab *e, KrVal val, const KrSpec *spec, KrSpan span) {
  if (spec->kind == KR_SPEC_ANY) return val;
  if (val.kind == KR_VAL_FOREIGN && e->now.flow != NULL) val = kr_read_foreign(e, &val, span);
  if (val.kind == KR_VAL_HOLD && spec->kind == KR_SPEC_SCALAR)
    val = kr_hold_read(e, &val, (KrText){NULL, 0}, span);
  if (val.kind == KR_VAL_POISON) return val;
  switch (spec->kind) {
  case KR_SPEC_SCALAR: return convert_scalar(e, val, spec, span);
  case KR_SPEC_TUPLE:
  case KR_SPEC_LIST: return convert_items(e, val, spec, span);
  case KR_SPEC_STRUCT: return convert_struct(e, val, spec, span);
  case KR_SPEC_EVENTS:
    if (val.kind == KR_VAL_EVENTS) return val;
    kr_diagnose(e->list, KR_ERROR, span, "write `event.from_list([…])`",
                "an event stream is needed, this is %s", kr_val_kind_text(&val));
    return kr_val_poison();
  default: return val;
  }
}

static void put_field(KrElab *e, KrItems *items, uint32_t *cap, KrText name, KrVal val) {
  for (uint32_t i = 0; i < items->n; i++) {
    if (!kr_text_equal(items->names[i], name)) continue;
    items->at[i] = val;
    return;
  }
  if (items->n == *cap) {
    size_t cap_at = *cap, cap_names = *cap;
    items->at = kr_arena_grow(e->arena, items->at, items->n, &cap_at, sizeof(KrVal));
    items->names = kr_arena_grow(e->arena, items->names, items->n, &cap_names, sizeof(KrText));
    *cap = (uint32_t)(cap_at < cap_names ? cap_at : cap_names);
  }
  items->at[items->n] = val;
  items->names[items->n++] = name;
}

/// Faces and words of a boundary contract are no names: `pre`, `dirichlet(1)`.
static KrVal contract_word(KrElab *e, const KrAst *ast) {
  if (ast->kind == KR_AST_NAME) return kr_val_text(ast->text);
  if (ast->kind != KR_AST_CALL || ast->at[0] == NULL || ast->at[0]->kind != KR_AST_NAME)
    return kr_elab_value(e, ast);
  KrVal *pair = KR_NEW_ARRAY(e->arena, KrVal, 2);
  pair[0] = kr_val_text(ast->at[0]->text);
  pair[1] = ast->n > 1 && ast->at[1] != NULL && ast->at[1]->n > 0
                ? kr_elab_value(e, ast->at[1]->at[0])
                : kr_val_none();
  return kr_val_items(KR_VAL_TUPLE, pair, 2);
}

static void put_spread(KrElab *e, KrItems *items, uint32_t *cap, const KrAst *ast) {
  KrVal val = kr_elab_value(e, ast->at[0]);
  if (val.kind == KR_VAL_POISON) return;
  if (val.kind != KR_VAL_RECORD) {
    kr_diagnose(e->list, KR_ERROR, ast->span, "spread a record: `{..note, vel: 1}`",
                "`..` wants a record, this is %s", kr_val_kind_text(&val));
    return;
  }
  if (items->type.n == 0) items->type = val.as.items.type;
  for (uint32_t i = 0; i < val.as.items.n; i++)
    put_field(e, items, cap, val.as.items.names[i], val.as.items.at[i]);
}

// Other fields are parameters of the synth that plays the note; these are slips of the pen.
static void check_note(KrElab *e, const KrItems *items, const KrAst *ast) {
  static const char *const known[] = {"freq", "pitch"};
  for (uint32_t i = 0; i < items->n; i++)
    for (int k = 0; k < 2; k++)
      if (kr_text_distance(items->names[i], kr_text_from(known[k])) == 1)
        kr_diagnose(e->list, KR_ERROR, ast->span,
                    kr_text_print(e->arena, "did you mean `%s`?", known[k]),
                    "`Note` has no field `%t`", items->names[i]);
}

KrText kr_note_field(KrText name) {
  if (kr_text_is(name, "pitch")) return KR_TEXT("freq");
  return kr_text_is(name, "duration") ? KR_TEXT("dur") : name;
}

KrVal kr_make_record(KrElab *e, const KrAst *ast) {
  KrItems items = {0};
  uint32_t cap = 0;
  if (ast->n > 0 && ast->at[0] != NULL) items.type = ast->at[0]->text;
  bool note = kr_text_is(items.type, "Note"), contract = kr_text_is(items.type, "BoundaryContract");
  for (uint32_t i = 1; i < ast->n; i++) {
    const KrAst *field = ast->at[i];
    if (field == NULL || field->n == 0 || field->at[0] == NULL) continue;
    if (field->kind == KR_AST_SPREAD) {
      put_spread(e, &items, &cap, field);
      continue;
    }
    KrText name = note ? kr_note_field(field->text) : field->text;
    const KrAst *value = field->at[0];
    if (value->kind == KR_AST_NAME && kr_text_is(value->text, "none") &&
        !kr_name_is_user(e, value->text))
      continue;
    put_field(e, &items, &cap, name, contract ? contract_word(e, value) : kr_elab_value(e, value));
  }
  if (note) check_note(e, &items, ast);
  KrVal val = {.kind = KR_VAL_RECORD, .as.items = items};
  const uint32_t *declared = kr_map_find(&e->struct_names, items.type);
  if (declared == NULL) return val;
  KrSpec spec = {.kind = KR_SPEC_STRUCT, .name = items.type, .ast = e->structs[*declared]};
  return kr_spec_convert(e, val, &spec, ast->span);
}

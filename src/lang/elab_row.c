/// Decides how arguments become the inputs and compile-time values of one row of the registry.
#include "base/number.h"
#include "lang/elab_core.h"
#include <string.h>

/// A call of one row being put together.
typedef struct Call {
  const KrOp *op;
  KrSpan span;
  KrArg *slots[KR_MAX_PORTS + 1];
  KrVal vals[KR_MAX_PORTS]; ///< of ports that take numbers, streams or blocks
  uint32_t n_ports;
  KrElem elem;
  KrPortValue *port;
  KrRef *in;
  uint32_t n_in;
  bool failed;
} Call;

static bool is_value_port(KrPortKind kind) {
  return kind != KR_PORT_CHOICE && kind != KR_PORT_TEXT && kind != KR_PORT_POINTS &&
         kind != KR_PORT_ASSET;
}

static bool is_block_port(KrPortKind kind) {
  return kind == KR_PORT_VECTOR || kind == KR_PORT_SPECTRUM || kind == KR_PORT_IMAGE ||
         kind == KR_PORT_FIELD;
}

static KrSpan slot_span(const Call *call, uint32_t i) {
  return call->slots[i] != NULL ? call->slots[i]->span : call->span;
}

/// A default as written in the registry: `10ms`, `0.7`, `true`.
static KrVal preset_value(KrElab *e, const KrPort *port, KrSpan span) {
  KrText text = kr_text_from(port->preset);
  if (kr_text_is(text, "true") || kr_text_is(text, "false")) return kr_val_bool(text.at[0] == 't');
  KrText digits = text, unit = {NULL, 0};
  bool negative = text.n > 0 && text.at[0] == '-';
  digits.at += negative, digits.n -= negative;
  for (size_t i = 0; i < digits.n; i++) {
    char c = digits.at[i];
    bool exponent =
        c == 'e' && i + 1 < digits.n &&
        (digits.at[i + 1] == '-' || (digits.at[i + 1] >= '0' && digits.at[i + 1] <= '9'));
    if ((c >= '0' && c <= '9') || c == '.' || c == '-' || c == '/' || exponent) continue;
    unit = (KrText){digits.at + i, digits.n - i};
    digits.n = i;
  }
  bool exact;
  KrRatio ratio = KR_RATIO_ZERO, scale = KR_RATIO_ONE;
  double value;
  KrDim dim = {0};
  if (!kr_number_parse(digits, &exact, &ratio.num, &ratio.den, &value) || !exact)
    return kr_val_none();
  if (unit.n > 0 && !kr_unit_find(e, unit, span, &dim, &scale)) return kr_val_poison();
  if (negative) ratio = kr_ratio_negate(ratio);
  if (kr_ratio_mul(ratio, scale, &ratio) != KR_OK) return kr_val_poison();
  KrVal val = kr_val_exact(ratio);
  val.dim = dim;
  return val;
}

static KrVal block_value(KrElab *e, Call *call, uint32_t i) {
  KrArg *arg = call->slots[i];
  const KrVal *val = kr_arg_value(e, arg);
  bool scalar = val->kind == KR_VAL_FOREIGN
                    ? val->as.foreign.inner->kind != KR_VAL_STREAM ||
                          val->as.foreign.inner->type.shape == KR_SHAPE_SCALAR
                    : val->kind != KR_VAL_STREAM || val->type.shape == KR_SHAPE_SCALAR;
  if (val->kind == KR_VAL_POISON || call->op->in[i].kind != KR_PORT_VECTOR || !scalar)
    return val->kind == KR_VAL_FOREIGN ? kr_read_foreign(e, val, arg->span) : *val;
  for (uint32_t k = 0; k < call->n_ports; k++) {
    if (strcmp(call->op->in[k].name, "size") != 0) continue;
    KrVal size = call->slots[k] != NULL ? *kr_arg_value(e, call->slots[k])
                                        : preset_value(e, &call->op->in[k], call->span);
    int64_t n;
    KrType type;
    if (!kr_need_whole(e, &size, "the size", slot_span(call, k), &n)) return kr_val_poison();
    if (n < 1 || n > 1 << 24) {
      kr_diagnose(e->list, KR_ERROR, slot_span(call, k), "write for example `size=1024`",
                  "the size must be 1 to 16777216");
      return kr_val_poison();
    }
    KrRef ref = kr_emit_history(e, arg, (uint32_t)n, arg->span, &type);
    return ref.node == KR_NONE ? kr_val_poison() : kr_val_stream(ref, type);
  }
  return kr_val_is_constant(val) ? *val : kr_to_stream(e, *val, arg->span);
}

/// Index below `i` of the port that a default names, else `i`.
static uint32_t find_named(const Call *call, uint32_t i) {
  for (uint32_t k = 0; k < i; k++)
    if (strcmp(call->op->in[k].name, call->op->in[i].preset) == 0) return k;
  return i;
}

static KrVal port_value(KrElab *e, Call *call, uint32_t i) {
  const KrPort *port = &call->op->in[i];
  if (call->slots[i] == NULL) {
    if (port->preset != NULL && find_named(call, i) < i) return call->vals[find_named(call, i)];
    if (port->preset != NULL) return preset_value(e, port, call->span);
    kr_diagnose(e->list, KR_ERROR, call->span,
                port->doc == NULL ? "see `kairo ops`"
                                  : kr_text_print(e->arena, "%s: %s", port->name, port->doc),
                "`%s` needs its argument `%s`", call->op->name, port->name);
    return kr_val_poison();
  }
  if (is_block_port(port->kind)) return block_value(e, call, i);
  const KrAst *ast = call->slots[i]->ast;
  if (port->kind == KR_PORT_CONST && port->choices != NULL && ast != NULL &&
      ast->kind == KR_AST_NAME && kr_text_is(ast->text, port->choices))
    return kr_val_none();
  KrVal val = *kr_arg_value(e, call->slots[i]);
  KrSpan span = call->slots[i]->span;
  int64_t key;
  if (val.kind == KR_VAL_FOREIGN) val = kr_read_foreign(e, &val, span);
  if (val.kind == KR_VAL_HOLD) val = kr_hold_read(e, &val, (KrText){NULL, 0}, span);
  if (val.kind == KR_VAL_STRING && kr_note_number(val.as.text, &key))
    val = kr_val_exact(kr_ratio_of(key));
  if (val.kind == KR_VAL_GATE && port->kind != KR_PORT_GATE) {
    KrDim dim = val.dim;
    val = kr_val_stream(val.as.gate[0], val.type);
    val.dim = dim;
  }
  if (val.kind != KR_VAL_NONE) return val;
  kr_diagnose(e->list, KR_ERROR, span, "statements have no value", "this has no value");
  return kr_val_poison();
}

static bool read_values(KrElab *e, Call *call) {
  for (uint32_t i = 0; i < call->n_ports; i++) {
    if (!is_value_port(call->op->in[i].kind)) continue;
    call->vals[i] = port_value(e, call, i);
    if (call->vals[i].kind == KR_VAL_POISON) call->failed = true;
  }
  return !call->failed;
}

/// Units of the ports that have one; the others must agree with one another.
static bool fit_units(KrElab *e, Call *call, KrDim *dim) {
  *dim = (KrDim){0};
  for (uint32_t i = 0; i < call->n_ports; i++) {
    const KrPort *port = &call->op->in[i];
    KrVal *val = &call->vals[i];
    if (!is_value_port(port->kind) || val->kind == KR_VAL_NONE || is_block_port(port->kind))
      continue;
    if (port->unit != NULL) {
      const char *what = kr_text_print(e->arena, "`%s` of `%s`", port->name, call->op->name);
      if (!kr_unit_fit(e, val, port->unit, what, slot_span(call, i))) return false;
    } else if (port->kind == KR_PORT_SIGNAL) {
      if (!kr_dim_fits(dim, &val->dim)) {
        kr_diagnose(e->list, KR_ERROR, slot_span(call, i), "its arguments need the same unit",
                    "`%s` of %s and %s", call->op->name, kr_dim_text(e, dim),
                    kr_dim_text(e, &val->dim));
        return false;
      }
      *dim = kr_dim_join(*dim, val->dim);
    }
  }
  return true;
}

/// Dimension of a result: that of the plain signals, but for rows that make another one of it.
static KrDim result_dim(const KrOp *op, KrDim dim) {
  static const struct {
    const char *name;
    int base, exponent; ///< base -1: none; -2: half
  } rows[] = {{"sqrt", -2, 0},           {"sign", -1, 0},        {"atan2", -1, 0},
              {"smoothstep", -1, 0},     {"mtof", KR_DIM_S, -1}, {"db", KR_DIM_DB, 1},
              {"zero_crossings", -1, 0}, {"colorize", -1, 0},    {"onset", -1, 0},
              {"pitch", KR_DIM_S, -1}};
  for (uint32_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    if (strcmp(op->name, rows[i].name) != 0) continue;
    bool ok = true;
    KrDim half = kr_dim_power(dim, 1, 2, &ok);
    if (rows[i].base == -2) return ok ? half : (KrDim){0};
    return rows[i].base < 0 ? (KrDim){0} : kr_dim_of(rows[i].base, rows[i].exponent);
  }
  return dim;
}

static bool all_constant(const KrElab *e, const Call *call) {
  if (!(call->op->flags & KR_OP_ELEMENTWISE) || call->op->run[KR_ELEM_F64] == NULL) return false;
  for (uint32_t i = 0; i < call->n_ports; i++) {
    if (call->op->in[i].kind != KR_PORT_SIGNAL || call->vals[i].kind != KR_VAL_NUMBER) return false;
    if (call->vals[i].as.number.typed && e->now.flow != NULL) return false;
  }
  return call->n_ports > 0;
}

static KrVal fold_row(KrElab *e, Call *call, KrDim dim) {
  KrVal result;
  const char *name = kr_text_print(e->arena, "`%s`", call->op->name);
  if (kr_fold_call(e, kr_text_from(call->op->name), call->vals, call->n_ports, call->span, &result))
    return result;
  double values[KR_MAX_PORTS], out = 0;
  const void *in[KR_MAX_PORTS];
  KrType types[KR_MAX_PORTS], type = KR_TYPE_SCALAR(KR_ELEM_F64);
  for (uint32_t i = 0; i < call->n_ports; i++) {
    values[i] = call->vals[i].as.number.value;
    in[i] = &values[i];
    types[i] = type;
    if (!call->vals[i].as.number.exact) name = call->vals[i].as.number.lost;
  }
  void *outs[1] = {&out};
  KrFault fault = {0};
  KrCall run = {
      .n = 1, .lanes = 1, .in = in, .out = outs, .in_type = types, .type = &type, .fault = &fault};
  call->op->run[KR_ELEM_F64](&run);
  result = kr_val_inexact(e, out, name, call->span);
  result.dim = result_dim(call->op, dim);
  return result;
}

static bool find_tuple(const Call *call, uint32_t *n) {
  for (uint32_t i = 0; i < call->n_ports; i++) {
    KrPortKind kind = call->op->in[i].kind;
    if (kind != KR_PORT_SIGNAL && kind != KR_PORT_GATE) continue;
    if (call->vals[i].kind != KR_VAL_TUPLE) continue;
    *n = call->vals[i].as.items.n;
    return true;
  }
  return false;
}

static KrVal finish_call(KrElab *e, Call *call);

/// A row applied to a tuple is applied to each of its items.
static KrVal map_tuple(KrElab *e, const Call *call, uint32_t n) {
  if (kr_op_outs(call->op) > 1) {
    kr_diagnose(e->list, KR_ERROR, call->span, "call it for every channel: `x.0`, `x.1`, …",
                "`%s` makes %u channels itself, this is a tuple of %u", call->op->name,
                (unsigned)kr_op_outs(call->op), n);
    return kr_val_poison();
  }
  KrVal out = kr_val_items(KR_VAL_TUPLE, KR_NEW_ARRAY(e->arena, KrVal, n), n);
  for (uint32_t k = 0; k < n; k++) {
    Call one = *call;
    for (uint32_t i = 0; i < call->n_ports; i++) {
      if (!is_value_port(call->op->in[i].kind) || call->vals[i].kind != KR_VAL_TUPLE) continue;
      if (call->vals[i].as.items.n != n) {
        kr_diagnose(e->list, KR_ERROR, slot_span(call, i), "give tuples of the same length",
                    "tuples of %u and %u items", n, call->vals[i].as.items.n);
        return kr_val_poison();
      }
      one.vals[i] = call->vals[i].as.items.at[k];
    }
    out.as.items.at[k] = finish_call(e, &one);
  }
  return out;
}

static bool choose_elem(KrElab *e, Call *call) {
  KrVal signals[KR_MAX_PORTS];
  uint32_t n = 0;
  call->elem = e->now.real;
  bool integers = call->op->run[KR_ELEM_I64] != NULL, vectors = false;
  for (uint32_t i = 0; i < call->n_ports; i++) {
    const KrVal *val = &call->vals[i];
    KrPortKind kind = call->op->in[i].kind;
    if (is_block_port(kind) && val->kind == KR_VAL_STREAM && kr_elem_is_real(val->type.elem) &&
        !vectors) {
      call->elem = val->type.elem;
      vectors = true;
    }
    if (kind != KR_PORT_SIGNAL) continue;
    bool scalar = val->kind == KR_VAL_NUMBER ||
                  (val->kind == KR_VAL_STREAM && val->type.shape == KR_SHAPE_SCALAR &&
                   val->type.elem != KR_ELEM_BOOL);
    if (scalar) {
      signals[n++] = *val;
      continue;
    }
    kr_diagnose(e->list, KR_ERROR, slot_span(call, i), kr_val_number_hint(val),
                "`%s` of `%s` is a number, this is %s", call->op->in[i].name, call->op->name,
                val->kind == KR_VAL_STREAM
                    ? val->type.elem == KR_ELEM_BOOL && val->type.shape == KR_SHAPE_SCALAR
                          ? "a bool"
                          : "a block of values"
                    : kr_val_kind_text(val));
    return false;
  }
  if (vectors) return true;
  return kr_unify(e, signals, n, integers, &call->elem, call->span);
}

static void set_const(KrPortValue *port, const KrNumber *number) {
  *port = (KrPortValue){.kind = KR_VALUE_CONST,
                        .exact = number->exact,
                        .ratio = number->ratio,
                        .value = number->value};
}

static bool put_input(KrElab *e, Call *call, uint32_t i, KrElem elem) {
  KrVal val = call->vals[i];
  KrVal stream = kr_to_elem(e, val, elem, slot_span(call, i));
  if (stream.kind == KR_VAL_POISON) return false;
  call->port[i] = (KrPortValue){.kind = KR_VALUE_STREAM, .type = stream.type};
  if (val.kind == KR_VAL_NUMBER && !val.as.number.typed) set_const(&call->port[i], &val.as.number);
  if (val.kind == KR_VAL_BOOL) {
    KrVal number = kr_val_exact(kr_ratio_of(val.as.boolean));
    set_const(&call->port[i], &number.as.number);
  }
  call->in[call->n_in++] = stream.as.ref;
  return true;
}

static bool put_int(KrElab *e, Call *call, uint32_t i) {
  const KrVal *val = &call->vals[i];
  int64_t whole;
  const char *what = kr_text_print(e->arena, "`%s` of `%s`", call->op->in[i].name, call->op->name);
  if (val->kind == KR_VAL_NUMBER && !kr_need_whole(e, val, what, slot_span(call, i), &whole))
    return false;
  if (val->kind == KR_VAL_STREAM && kr_elem_is_real(val->type.elem)) {
    kr_diagnose(e->list, KR_ERROR, slot_span(call, i), "declare it: `let n: i64 = …`",
                "%s must be an integer", what);
    return false;
  }
  return put_input(e, call, i, KR_ELEM_I64);
}

static bool put_gate(KrElab *e, Call *call, uint32_t i) {
  KrVal val = call->vals[i];
  KrRef none = {KR_NONE, 0};
  if (val.kind == KR_VAL_STREAM && val.type.elem == KR_ELEM_BOOL &&
      val.type.shape == KR_SHAPE_SCALAR) {
    KrType type = KR_TYPE_SCALAR(call->elem);
    call->vals[i] = kr_val_stream(
        kr_emit_op(e, "convert", KR_ELEM_BOOL, type, &val, 1, slot_span(call, i)), type);
  }
  if (!put_input(e, call, i, call->elem)) return false;
  for (int k = 1; k < 4; k++) {
    KrRef ref = val.kind == KR_VAL_GATE ? val.as.gate[k] : none;
    if (k > 1 && ref.node != KR_NONE && val.type.elem != call->elem) {
      KrVal part = kr_val_stream(ref, val.type);
      ref = kr_to_elem(e, part, call->elem, slot_span(call, i)).as.ref;
    }
    call->in[call->n_in++] = ref;
  }
  return true;
}

/// `sum` and `mean` of a field take a vector too: a row of cells.
static bool sums_vector(const KrOp *op) {
  return strcmp(op->name, "sum") == 0 || strcmp(op->name, "mean") == 0;
}

static bool put_block(KrElab *e, Call *call, uint32_t i) {
  static const struct {
    KrPortKind kind;
    KrShape shape;
    const char *text;
  } kinds[] = {{KR_PORT_VECTOR, KR_SHAPE_VECTOR, "a vector: `history(x, n)`"},
               {KR_PORT_SPECTRUM, KR_SHAPE_SPECTRUM, "a spectrum: `fft(x)`"},
               {KR_PORT_IMAGE, KR_SHAPE_IMAGE, "a picture"},
               {KR_PORT_FIELD, KR_SHAPE_FIELD, "a field"}};
  const KrVal *val = &call->vals[i];
  for (int k = 0; k < 4; k++) {
    if (kinds[k].kind != call->op->in[i].kind) continue;
    if (val->kind == KR_VAL_STREAM && val->type.shape == kinds[k].shape) break;
    if (val->kind == KR_VAL_STREAM && sums_vector(call->op) && val->type.shape == KR_SHAPE_VECTOR)
      break;
    kr_diagnose(e->list, KR_ERROR, slot_span(call, i), "see `kairo ops`", "`%s` of `%s` is %s",
                call->op->in[i].name, call->op->name, kinds[k].text);
    return false;
  }
  call->port[i] = (KrPortValue){.kind = KR_VALUE_STREAM, .type = val->type};
  call->in[call->n_in++] = val->as.ref;
  return true;
}

static bool put_const(KrElab *e, Call *call, uint32_t i) {
  const KrPort *port = &call->op->in[i];
  const KrVal *val = &call->vals[i];
  if (val->kind == KR_VAL_BOOL) {
    KrVal number = kr_val_exact(kr_ratio_of(val->as.boolean));
    set_const(&call->port[i], &number.as.number);
    return true;
  }
  if (val->kind == KR_VAL_NONE) { // a word, `auto`
    call->port[i] = (KrPortValue){.kind = KR_VALUE_CHOICE};
    return true;
  }
  const char *what = kr_text_print(e->arena, "`%s` of `%s`", port->name, call->op->name);
  KrRatio ratio;
  bool timed =
      port->unit != NULL && (strcmp(port->unit, "s") == 0 || strcmp(port->unit, "beats") == 0);
  if (timed && !kr_need_exact(e, val, NULL, what, slot_span(call, i), &ratio)) return false;
  if (val->kind != KR_VAL_NUMBER) {
    kr_diagnose(e->list, KR_ERROR, slot_span(call, i),
                "it must be known when the program is prepared",
                "%s must be a constant, this is %s", what, kr_val_kind_text(val));
    return false;
  }
  set_const(&call->port[i], &val->as.number);
  return true;
}

static bool put_choice(KrElab *e, Call *call, uint32_t i) {
  const KrPort *port = &call->op->in[i];
  KrArg preset = {.span = call->span, .ready = true};
  KrArg *arg = call->slots[i] != NULL ? call->slots[i] : &preset;
  if (call->slots[i] == NULL) {
    if (port->preset == NULL) return port_value(e, call, i).kind != KR_VAL_POISON;
    preset.val = kr_val_text(kr_text_from(port->preset));
  }
  call->port[i].kind = KR_VALUE_CHOICE;
  const char *what = kr_text_print(e->arena, "`%s` of `%s`", port->name, call->op->name);
  return kr_arg_word(e, arg, port->choices, what, &call->port[i].choice);
}

static bool put_text(KrElab *e, Call *call, uint32_t i) {
  const KrPort *port = &call->op->in[i];
  KrVal val = call->slots[i] != NULL ? *kr_arg_value(e, call->slots[i])
              : port->preset != NULL ? kr_val_text(kr_text_from(port->preset))
                                     : port_value(e, call, i);
  if (val.kind == KR_VAL_POISON) return false;
  if (val.kind != KR_VAL_STRING) {
    kr_diagnose(e->list, KR_ERROR, slot_span(call, i), "write it between quotes",
                "`%s` of `%s` is a string, this is %s", port->name, call->op->name,
                kr_val_kind_text(&val));
    return false;
  }
  call->port[i].kind = KR_VALUE_TEXT;
  call->port[i].text = val.as.text;
  if (port->kind != KR_PORT_ASSET) return true;
  call->port[i].kind = KR_VALUE_ASSET;
  call->port[i].audio = kr_load_audio(e, val.as.text, slot_span(call, i));
  return call->port[i].audio != NULL;
}

static bool put_point(KrElab *e, const KrVal *val, double *to, KrSpan span) {
  KrVal number = *val;
  if (number.kind == KR_VAL_BOOL) number = kr_val_exact(kr_ratio_of(number.as.boolean));
  if (number.kind != KR_VAL_NUMBER) {
    if (number.kind != KR_VAL_POISON)
      kr_diagnose(e->list, KR_ERROR, span, "write `[1, 2, 3]` or `[(0s, 0), (1s, 1)]`",
                  "a list of constant numbers is needed");
    return false;
  }
  *to = number.as.number.value;
  return true;
}

static bool put_points(KrElab *e, Call *call, uint32_t i) {
  KrSpan span = slot_span(call, i);
  KrVal list = kr_val_poison();
  if (call->slots[i] == NULL) return port_value(e, call, i).kind != KR_VAL_POISON;
  if (!kr_list_of(e, *kr_arg_value(e, call->slots[i]), span, &list)) return false;
  uint32_t n = list.as.items.n;
  uint32_t columns =
      n > 0 && list.as.items.at[0].kind == KR_VAL_TUPLE ? list.as.items.at[0].as.items.n : 1;
  double *points = KR_NEW_ARRAY(e->arena, double, (size_t)n *columns);
  for (uint32_t k = 0; k < n; k++) {
    const KrVal *row = &list.as.items.at[k];
    bool tuple = row->kind == KR_VAL_TUPLE;
    if ((tuple ? row->as.items.n : 1) != columns) {
      kr_diagnose(e->list, KR_ERROR, span, "give all rows the same length",
                  "the rows of the list have different lengths");
      return false;
    }
    for (uint32_t c = 0; c < columns; c++)
      if (!put_point(e, tuple ? &row->as.items.at[c] : row, &points[k * columns + c], span))
        return false;
  }
  call->port[i] =
      (KrPortValue){.kind = KR_VALUE_POINTS, .points = points, .n_points = n, .n_columns = columns};
  return true;
}

static bool put_port(KrElab *e, Call *call, uint32_t i) {
  switch (call->op->in[i].kind) {
  case KR_PORT_SIGNAL: return put_input(e, call, i, call->elem);
  case KR_PORT_INT: return put_int(e, call, i);
  case KR_PORT_BOOL: return put_input(e, call, i, KR_ELEM_BOOL);
  case KR_PORT_GATE: return put_gate(e, call, i);
  case KR_PORT_CONST: return put_const(e, call, i);
  case KR_PORT_CHOICE: return put_choice(e, call, i);
  case KR_PORT_TEXT:
  case KR_PORT_ASSET: return put_text(e, call, i);
  case KR_PORT_POINTS: return put_points(e, call, i);
  case KR_PORT_VECTOR:
  case KR_PORT_SPECTRUM:
  case KR_PORT_IMAGE:
  case KR_PORT_FIELD: return put_block(e, call, i);
  default: return false;
  }
}

static bool find_type(KrElab *e, const Call *call, KrType *type) {
  const KrOp *op = call->op;
  *type = KR_TYPE_SCALAR(op->flags & KR_OP_INTEGER_RESULT_BOOL ? KR_ELEM_BOOL : call->elem);
  if (op->type == NULL) return true;
  const char *message = NULL;
  KrPrep prep = {.op = op,
                 .elem = call->elem,
                 .port = call->port,
                 .type = *type,
                 .seed = e->graph->seed,
                 .lanes = 1,
                 .arena = e->arena,
                 .dt = KR_RATIO_ONE};
  if (e->now.flow != NULL) prep.dt = e->graph->flows[e->now.flow->index].clock.dt;
  if (op->type(&prep, type, &message) == KR_OK) return true;
  kr_diagnose(e->list, KR_ERROR, call->span, "see `kairo ops`", "`%s`: %s", op->name,
              message != NULL ? message : "these arguments do not go together");
  return false;
}

void kr_note_release(KrElab *e, KrRatio seconds) {
  if (kr_ratio_compare(seconds, e->graph->longest_release) > 0) e->graph->longest_release = seconds;
}

static void note_releases(KrElab *e, const Call *call) {
  for (uint32_t i = 0; i < call->n_ports; i++)
    if (strcmp(call->op->in[i].name, "release") == 0 && call->port[i].kind == KR_VALUE_CONST &&
        call->port[i].exact)
      kr_note_release(e, call->port[i].ratio);
}

// A constant frequency above half the rate is heard as another one.
static void warn_of_folding(KrElab *e, const Call *call) {
  if (e->now.flow == NULL) return;
  const KrFlow *flow = &e->graph->flows[e->now.flow->index];
  const double dt = (double)flow->clock.dt.num / (double)flow->clock.dt.den;
  const double half = (flow->substeps > 1 ? flow->substeps : 1) / (2 * dt);
  for (uint32_t i = 0; i < call->n_ports; i++) {
    const KrPortValue *port = &call->port[i];
    const char *range = call->op->in[i].range;
    if (port->kind != KR_VALUE_CONST || range == NULL || strcmp(range, KR_RANGE_TO_HALF) != 0)
      continue;
    if (port->value >= -half && port->value <= half) continue;
    kr_diagnose(e->list, KR_WARNING, slot_span(call, i), "keep it below, or run the flow faster",
                "%g Hz is above half the rate of the flow, %g Hz: it folds back", port->value,
                half);
  }
}

static KrVal emit_row(KrElab *e, Call *call, KrDim dim) {
  call->port = KR_NEW_ARRAY(e->arena, KrPortValue, call->n_ports);
  call->in = KR_NEW_ARRAY(e->arena, KrRef, call->n_ports * 4);
  for (uint32_t i = 0; i < call->n_ports; i++)
    if (!put_port(e, call, i)) call->failed = true;
  if (call->failed) return kr_val_poison();
  if (kr_elem_is_real(call->elem) && call->op->run[call->elem] == NULL) {
    kr_diagnose(e->list, KR_ERROR, call->span, "see `kairo ops`", "`%s` does not work on %s",
                call->op->name, kr_elem_text(call->elem));
    return kr_val_poison();
  }
  if (e->now.in_function && !(call->op->flags & KR_OP_ELEMENTWISE)) {
    kr_diagnose(e->list, KR_ERROR, call->span, "use it on a signal inside a flow",
                "a function over events is plain arithmetic: `%s` runs from tick to tick",
                call->op->name);
    return kr_val_poison();
  }
  KrNode node = {.kind = KR_NODE_OP,
                 .op = call->op,
                 .elem = call->elem,
                 .in = call->in,
                 .n_in = call->n_in,
                 .port = call->port,
                 .n_out = kr_op_outs(call->op)};
  if (!find_type(e, call, &node.type)) return kr_val_poison();
  note_releases(e, call);
  warn_of_folding(e, call);
  KrRef ref = kr_emit_node(e, node, call->op->name, call->span);
  KrVal first = kr_val_stream(ref, node.type);
  first.dim = node.type.shape == KR_SHAPE_SCALAR ? result_dim(call->op, dim) : (KrDim){0};
  if (node.n_out == 1) return first;
  KrVal out = kr_val_items(KR_VAL_TUPLE, KR_NEW_ARRAY(e->arena, KrVal, node.n_out), node.n_out);
  for (uint32_t i = 0; i < node.n_out; i++) {
    out.as.items.at[i] = first;
    out.as.items.at[i].as.ref.port = i;
  }
  return out;
}

static KrVal finish_call(KrElab *e, Call *call) {
  uint32_t n;
  KrDim dim;
  if (find_tuple(call, &n)) return map_tuple(e, call, n);
  if (!fit_units(e, call, &dim)) return kr_val_poison();
  if (all_constant(e, call)) return fold_row(e, call, dim);
  if (e->now.flow == NULL && !e->now.in_function) {
    kr_diagnose(e->list, KR_ERROR, call->span, "put it into a flow, which gives it a rate",
                "`%s` makes a stream, which has no rate at top level", call->op->name);
    return kr_val_poison();
  }
  if (!choose_elem(e, call)) return kr_val_poison();
  if (call->op->run[call->elem] == NULL && !kr_elem_is_real(call->elem)) call->elem = e->now.real;
  return emit_row(e, call, dim);
}

static KrShape shape_of(const KrVal *val) {
  const KrVal *inner = val->kind == KR_VAL_FOREIGN ? val->as.foreign.inner : val;
  return inner->kind == KR_VAL_STREAM ? inner->type.shape : KR_SHAPE_SCALAR;
}

static bool row_takes(const KrOp *op, KrShape shape, uint32_t n_args) {
  if (n_args > kr_op_ports(op)) return false;
  switch (op->in[0].kind) {
  case KR_PORT_SIGNAL:
  case KR_PORT_GATE:
  case KR_PORT_BOOL:
  case KR_PORT_INT: return shape == KR_SHAPE_SCALAR;
  case KR_PORT_VECTOR: return shape == KR_SHAPE_VECTOR || shape == KR_SHAPE_SCALAR;
  case KR_PORT_SPECTRUM: return shape == KR_SHAPE_SPECTRUM;
  case KR_PORT_IMAGE: return shape == KR_SHAPE_IMAGE;
  case KR_PORT_FIELD:
    return shape == KR_SHAPE_FIELD || (shape == KR_SHAPE_VECTOR && sums_vector(op));
  default: return true;
  }
}

/// A level in dB goes to the row whose port is one, and only there.
static bool row_fits_levels(KrElab *e, const KrOp *op, KrArgs args) {
  for (uint32_t i = 0; i < args.n; i++) {
    uint32_t port = i;
    for (uint32_t k = 0; args.at[i].name.n > 0 && k < kr_op_ports(op); k++)
      if (kr_text_is(args.at[i].name, op->in[k].name)) port = k;
    const char *unit = port < kr_op_ports(op) ? op->in[port].unit : NULL;
    if (unit == NULL || op->in[port].kind != KR_PORT_SIGNAL) continue;
    const KrVal *val = kr_arg_value(e, &args.at[i]);
    const KrDim *dim = val->kind == KR_VAL_FOREIGN ? &val->as.foreign.inner->dim : &val->dim;
    bool is_level = dim->known && dim->exp[KR_DIM_DB] != 0;
    if (is_level != (strcmp(unit, "dB") == 0)) return false;
  }
  return true;
}

static bool is_pair(KrElab *e, KrArgs args) {
  const KrVal *val = args.n > 0 ? kr_arg_value(e, &args.at[0]) : NULL;
  if (val != NULL && val->kind == KR_VAL_FOREIGN) val = val->as.foreign.inner;
  return val != NULL && val->kind == KR_VAL_TUPLE && val->as.items.n == 2;
}

/// A row of two channels takes a pair, unless an argument is for the row of one alone.
static bool row_takes_pair(const KrOp *op, KrArgs args) {
  if (args.n >= kr_op_ports(op)) return false;
  for (uint32_t i = 0; i < args.n; i++) {
    bool known = args.at[i].name.n == 0;
    for (uint32_t k = 0; k + 1 < kr_op_ports(op) && !known; k++)
      known = kr_text_is(args.at[i].name, op->in[k].name);
    if (!known) return false;
  }
  return true;
}

/// Rows of one name differ by the shape of their first argument, by taking a level in dB, or by
/// taking two channels.
static const KrOp *choose_row(KrElab *e, KrText name, KrArgs args) {
  const KrOp *first = NULL, *taken = NULL, *op;
  bool several = kr_registry_find(name, 1) != NULL;
  KrShape shape = several && args.n > 0 ? shape_of(kr_arg_value(e, &args.at[0])) : KR_SHAPE_SCALAR;
  for (uint32_t i = 0; several && (op = kr_registry_find(name, i)) != NULL; i++)
    if ((op->flags & KR_OP_PAIR) != 0 && is_pair(e, args) && row_takes_pair(op, args)) return op;
  for (uint32_t i = 0; (op = kr_registry_find(name, i)) != NULL; i++) {
    if (op->core != KR_CORE_NONE && op->core != KR_CORE_FFT) continue;
    if (op->flags & KR_OP_PAIR) continue;
    if (!several || !row_takes(op, shape, args.n)) {
      if (first == NULL) first = op;
      continue;
    }
    if (row_fits_levels(e, op, args)) return op;
    if (taken == NULL) taken = op;
  }
  if (taken != NULL) return taken;
  return first != NULL ? first : kr_registry_find(name, 0);
}

/// The port `channel` of a row that plays a file of several channels, when it is left at `all`;
/// else KR_NONE.
static uint32_t find_channels(KrElab *e, Call *call, uint32_t *n) {
  uint32_t found = KR_NONE;
  *n = 0;
  for (uint32_t i = 0; i < call->n_ports; i++) {
    if (strcmp(call->op->in[i].name, "channel") == 0 && call->vals[i].kind == KR_VAL_NONE)
      found = i;
    if (call->op->in[i].kind != KR_PORT_ASSET || call->slots[i] == NULL) continue;
    const KrVal *path = kr_arg_value(e, call->slots[i]);
    const KrAssetAudio *audio =
        path->kind == KR_VAL_STRING ? kr_load_audio(e, path->as.text, slot_span(call, i)) : NULL;
    if (audio != NULL) *n = audio->n_channels;
  }
  return *n > 1 ? found : KR_NONE;
}

/// One copy of the row a channel, together a tuple.
static KrVal call_channels(KrElab *e, const Call *call, uint32_t port, uint32_t n) {
  KrVal out = kr_val_items(KR_VAL_TUPLE, KR_NEW_ARRAY(e->arena, KrVal, n), n);
  for (uint32_t k = 0; k < n; k++) {
    Call one = *call;
    one.vals[port] = kr_val_exact(kr_ratio_of(k));
    out.as.items.at[k] = finish_call(e, &one);
  }
  return out;
}

KrVal kr_call_op(KrElab *e, KrText name, KrArgs args, KrSpan span) {
  Call call = {.op = choose_row(e, name, args), .span = span};
  const char *names[KR_MAX_PORTS + 1] = {NULL};
  if ((call.op->core != KR_CORE_NONE && call.op->core != KR_CORE_FFT) ||
      (call.op->flags & KR_OP_OPERATOR)) {
    kr_diagnose(e->list, KR_ERROR, span, "see `kairo ops`",
                call.op->core == KR_CORE_LATER ? "`%t` is not available yet"
                                               : "`%t` cannot be called here",
                name);
    return kr_val_poison();
  }
  call.n_ports = kr_op_ports(call.op);
  for (uint32_t i = 0; i < call.n_ports; i++) names[i] = call.op->in[i].name;
  if (!kr_bind_args(e, args, names, call.slots, call.op->name, span)) return kr_val_poison();
  if (!read_values(e, &call)) return kr_val_poison();
  if ((call.op->flags & KR_OP_PAIR) != 0 && call.vals[0].kind == KR_VAL_TUPLE) {
    call.vals[call.n_ports - 1] = call.vals[0].as.items.at[1];
    call.vals[0] = call.vals[0].as.items.at[0];
  }
  uint32_t n_channels, port = find_channels(e, &call, &n_channels);
  return port != KR_NONE ? call_channels(e, &call, port, n_channels) : finish_call(e, &call);
}

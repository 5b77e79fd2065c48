/// Decides how values become nodes: constants, conversions, reads of other flows, paths, forward
/// references.
#include "lang/elab_core.h"

KrSpan kr_origin_span(KrOrigin origin) { return (KrSpan){origin.file, origin.begin, origin.end}; }
KrOrigin kr_span_origin(KrSpan span) { return (KrOrigin){span.file, span.begin, span.end}; }

/// flow/label/name#ordinal[copy]; the ordinal counts equal names in one place.
KrText kr_emit_path(KrElab *e, const char *name) {
  KrText flow = e->now.flow != NULL ? e->now.flow->name : KR_TEXT("events");
  KrText label = e->now.label.n > 0 ? e->now.label : KR_TEXT("out");
  char *key = kr_text_print(e->arena, "%t/%t/%s%t", flow, label, name, e->now.copies);
  bool found;
  uint32_t *ordinal = kr_map_slot(e, &e->ordinals, kr_text_from(key), &found);
  uint32_t n = (*ordinal)++;
  return kr_text_from(
      kr_text_print(e->arena, "%t/%t/%s#%u%t", flow, label, name, n, e->now.copies));
}

KrRef kr_emit_node(KrElab *e, KrNode node, const char *name, KrSpan span) {
  KrRef hoisted;
  if (kr_body_hoists(e, &node, name, span, &hoisted)) return hoisted;
  uint32_t limit = e->options->max_nodes == 0 ? 4000000 : e->options->max_nodes;
  if (e->graph->n_nodes >= limit) {
    kr_diagnose(e->list, KR_ERROR, span, "unroll less", "the program has more than %u nodes",
                limit);
    longjmp(e->stop, 1);
  }
  node.flow = e->now.flow == NULL || e->now.in_function ? KR_NONE : e->now.flow->index;
  node.origin = kr_span_origin(span);
  node.path = name != NULL ? kr_emit_path(e, name) : (KrText){"", 0};
  if (node.n_out == 0) node.n_out = 1;
  uint32_t index = kr_graph_add_node(e->graph, &node);
  if (e->now.in_function)
    KR_PUSH(e->arena, e->function_nodes, e->n_function_nodes, e->cap_function_nodes, index);
  return (KrRef){index, 0};
}

/// One node per value, type and flow.
KrRef kr_emit_const(KrElab *e, KrConst value) {
  KrNode node = {.kind = KR_NODE_CONST, .type = KR_TYPE_SCALAR(value.elem), .value = value};
  if (e->now.in_function || e->now.flow == NULL) return kr_emit_node(e, node, NULL, (KrSpan){0});
  uint64_t bits = value.elem == KR_ELEM_BOOL       ? value.as.b
                  : kr_elem_bytes(value.elem) == 4 ? value.as.u32
                                                   : value.as.u64;
  uint32_t words[4] = {e->now.flow->index, (uint32_t)value.elem, (uint32_t)bits,
                       (uint32_t)(bits >> 32)};
  bool found;
  uint32_t *slot =
      kr_map_slot(e, &e->constants, (KrText){(const char *)words, sizeof words}, &found);
  if (found) return (KrRef){*slot, 0};
  KrRef ref = kr_emit_node(e, node, NULL, e->now.flow->span);
  *slot = ref.node;
  return ref;
}

KrRef kr_emit_bool(KrElab *e, bool value) {
  return kr_emit_const(e, (KrConst){.elem = KR_ELEM_BOOL, .as.b = value});
}

static bool need_flow(KrElab *e, KrSpan span) {
  if (e->now.flow != NULL || e->now.in_function) return true;
  kr_diagnose(e->list, KR_ERROR, span, "put it into a flow, which gives it a rate",
              "a stream has no rate here: only constants, events and functions stand at top level");
  return false;
}

static void fill_port(KrPortValue *port, const KrVal *val) {
  if (val->kind == KR_VAL_NUMBER) {
    const KrNumber *number = &val->as.number;
    *port = (KrPortValue){.kind = KR_VALUE_CONST,
                          .exact = number->exact,
                          .ratio = number->ratio,
                          .value = number->value};
  } else {
    *port = (KrPortValue){.kind = KR_VALUE_STREAM, .type = val->type};
  }
}

/// An infix or inserted operator: `in` are streams in the types its kernel wants.
KrRef kr_emit_op(KrElab *e, const char *name, KrElem elem, KrType type, const KrVal *in, uint32_t n,
                 KrSpan span) {
  const KrOp *op = kr_registry_find(kr_text_from(name), 0);
  if (op == NULL || !need_flow(e, span)) {
    if (op == NULL)
      kr_diagnose(e->list, KR_ERROR, span, "this is a fault of Kairo: please report it",
                  "there is no operator `%s`", name);
    return (KrRef){KR_NONE, 0};
  }
  uint32_t n_ports = kr_op_ports(op);
  KrNode node = {.kind = KR_NODE_OP, .op = op, .elem = elem, .type = type, .n_in = n_ports};
  node.in = KR_NEW_ARRAY(e->arena, KrRef, n_ports);
  node.port = KR_NEW_ARRAY(e->arena, KrPortValue, n_ports);
  for (uint32_t i = 0; i < n_ports; i++) {
    node.in[i] = i < n ? in[i].as.ref : (KrRef){KR_NONE, 0};
    if (i < n) fill_port(&node.port[i], &in[i]);
  }
  return kr_emit_node(e, node, name, span);
}

static KrVal stream_of_const(KrElab *e, KrConst value, KrDim dim) {
  KrVal val = kr_val_stream(kr_emit_const(e, value), KR_TYPE_SCALAR(value.elem));
  val.dim = dim;
  return val;
}

KrVal kr_to_elem(KrElab *e, KrVal val, KrElem elem, KrSpan span) {
  if (val.kind == KR_VAL_FOREIGN) val = kr_read_foreign(e, &val, span);
  if (val.kind == KR_VAL_HOLD) val = kr_hold_read(e, &val, (KrText){NULL, 0}, span);
  if (val.kind == KR_VAL_POISON || !need_flow(e, span)) return kr_val_poison();
  if (val.kind == KR_VAL_GATE) {
    KrDim dim = val.dim;
    val = kr_val_stream(val.as.gate[0], val.type);
    val.dim = dim;
  }
  if (val.kind == KR_VAL_BOOL && elem == KR_ELEM_BOOL)
    return stream_of_const(e, (KrConst){.elem = elem, .as.b = val.as.boolean}, val.dim);
  KrConst value;
  if (val.kind == KR_VAL_NUMBER && elem != KR_ELEM_BOOL) {
    if (!kr_number_const(e, &val.as.number, elem, span, &value)) return kr_val_poison();
    return stream_of_const(e, value, val.dim);
  }
  bool is_bool =
      val.kind == KR_VAL_BOOL || (val.kind == KR_VAL_STREAM && val.type.elem == KR_ELEM_BOOL);
  if ((val.kind != KR_VAL_STREAM || val.type.shape != KR_SHAPE_SCALAR) ||
      is_bool != (elem == KR_ELEM_BOOL)) {
    const char *what = is_bool                                                          ? "a bool"
                       : val.kind == KR_VAL_STREAM && val.type.shape == KR_SHAPE_SCALAR ? "a number"
                       : val.kind == KR_VAL_STREAM ? "a block of values"
                                                   : kr_val_kind_text(&val);
    kr_diagnose(e->list, KR_ERROR, span,
                is_bool ? "write `if b then 1 else 0` to make a number of it"
                        : "compare it, as in `x > 0`, or name a number",
                "%s stands where %s is needed", what, elem == KR_ELEM_BOOL ? "a bool" : "a number");
    return kr_val_poison();
  }
  if (val.type.elem == elem) return val;
  KrVal out =
      kr_val_stream(kr_emit_op(e, "convert", val.type.elem, KR_TYPE_SCALAR(elem), &val, 1, span),
                    KR_TYPE_SCALAR(elem));
  out.dim = val.dim;
  return out;
}

KrVal kr_to_stream(KrElab *e, KrVal val, KrSpan span) {
  if (val.kind == KR_VAL_FOREIGN) val = kr_read_foreign(e, &val, span);
  if (val.kind == KR_VAL_HOLD) val = kr_hold_read(e, &val, (KrText){NULL, 0}, span);
  if (val.kind == KR_VAL_STREAM || val.kind == KR_VAL_POISON) return val;
  if (val.kind == KR_VAL_BOOL) return kr_to_elem(e, val, KR_ELEM_BOOL, span);
  if (val.kind == KR_VAL_NUMBER)
    return kr_to_elem(e, val, val.as.number.typed ? val.as.number.elem : e->now.real, span);
  if (val.kind == KR_VAL_GATE) return kr_to_elem(e, val, val.type.elem, span);
  kr_diagnose(e->list, KR_ERROR, span, "name a number: a field, an item, an output",
              "%s stands where a stream is needed", kr_val_kind_text(&val));
  return kr_val_poison();
}

KrRef kr_to_bool(KrElab *e, KrVal val, const char *what, KrSpan span) {
  if (val.kind == KR_VAL_FOREIGN) val = kr_read_foreign(e, &val, span);
  if (val.kind == KR_VAL_POISON) return (KrRef){KR_NONE, 0};
  if (val.kind == KR_VAL_BOOL) return kr_emit_bool(e, val.as.boolean);
  if (val.kind == KR_VAL_STREAM && val.type.elem == KR_ELEM_BOOL &&
      val.type.shape == KR_SHAPE_SCALAR)
    return val.as.ref;
  kr_diagnose(e->list, KR_ERROR, span, "compare it, as in `x > 0`", "%s must be a bool, this is %s",
              what, val.kind == KR_VAL_STREAM ? "a number" : kr_val_kind_text(&val));
  return (KrRef){KR_NONE, 0};
}

static KrElem wider(KrElem a, KrElem b) { return kr_elem_bytes(a) >= kr_elem_bytes(b) ? a : b; }
static bool is_signed(KrElem elem) { return elem == KR_ELEM_I32 || elem == KR_ELEM_I64; }

/// Integer type of an operand, or the real one it makes the others.
static KrElem natural_elem(const KrElab *e, const KrVal *val) {
  if (val->kind == KR_VAL_NUMBER)
    return val->as.number.typed && !kr_elem_is_real(val->as.number.elem) ? val->as.number.elem
                                                                         : e->now.real;
  return kr_elem_is_real(val->type.elem) ? e->now.real : val->type.elem;
}

bool kr_unify(KrElab *e, const KrVal *at, uint32_t n, bool integers, KrElem *elem, KrSpan span) {
  bool any = false, real = !integers;
  *elem = e->now.real;
  for (uint32_t i = 0; i < n; i++) {
    if (at[i].kind == KR_VAL_NUMBER && !at[i].as.number.typed) continue;
    KrElem own = natural_elem(e, &at[i]);
    if (kr_elem_is_real(own)) {
      real = true;
      continue;
    }
    if (any && is_signed(own) != is_signed(*elem) && integers) {
      kr_diagnose(e->list, KR_ERROR, span, "convert one of them with a typed `let`",
                  "%s meets %s: signed and unsigned integers do not mix", kr_elem_text(*elem),
                  kr_elem_text(own));
      return false;
    }
    *elem = any ? wider(*elem, own) : own;
    any = true;
  }
  for (uint32_t i = 0; i < n && any; i++)
    if (at[i].kind == KR_VAL_NUMBER && !at[i].as.number.typed &&
        !kr_number_fits(&at[i].as.number, *elem))
      real = true;
  if (!any || real) *elem = e->now.real;
  return true;
}

KrRef kr_forward_new(KrElab *e, KrBinding *binding, KrFlowInfo *flow, KrType type, KrSpan span) {
  KrForward forward = {
      .binding = binding, .flow = flow, .type = type, .span = span, .next = KR_NONE};
  uint32_t index = e->n_forwards;
  if (binding != NULL) {
    forward.next = binding->forward;
    binding->forward = index;
  }
  KR_PUSH(e->arena, e->forwards, e->n_forwards, e->cap_forwards, forward);
  return (KrRef){KR_FORWARD + index, 0};
}

/// Gives every forward reference of one binding its stream, in the flow that made it.
void kr_forward_resolve(KrElab *e, uint32_t first, const KrVal *val) {
  for (uint32_t i = first; i != KR_NONE; i = e->forwards[i].next) {
    KrVal stream = *val;
    KrType type = e->forwards[i].type;
    KrSpan span = e->forwards[i].span;
    e->forwards[i].resolved = true;
    if (stream.kind == KR_VAL_NUMBER || stream.kind == KR_VAL_GATE)
      stream = kr_to_elem(e, stream, type.elem, span);
    else if (stream.kind == KR_VAL_BOOL)
      stream = kr_to_stream(e, stream, span);
    if (stream.kind == KR_VAL_POISON) continue;
    if (stream.kind != KR_VAL_STREAM || !kr_type_equal(&stream.type, &type)) {
      kr_diagnose(e->list, KR_ERROR, span,
                  stream.kind == KR_VAL_STREAM && stream.type.shape == KR_SHAPE_SCALAR
                      ? kr_text_print(e->arena, "declare it: `let name: %s = …`",
                                      kr_elem_text(stream.type.elem))
                      : "only a scalar stream can be used before it is known",
                  "this was read as %s before its type was known", kr_elem_text(type.elem));
      continue;
    }
    e->forwards[i].ref = stream.as.ref;
  }
}

static bool same_clock(const KrElab *e, const KrFlowInfo *a, const KrFlowInfo *b) {
  const KrClock *x = &e->graph->flows[a->index].clock, *y = &e->graph->flows[b->index].clock;
  return kr_ratio_compare(x->dt, y->dt) == 0 && kr_ratio_compare(x->phase, y->phase) == 0;
}

static const char *rate_text(KrElab *e, const KrFlowInfo *flow) {
  KrRatio dt = e->graph->flows[flow->index].clock.dt;
  return kr_text_print(e->arena, "%r Hz", dt.den, dt.num);
}

static void report_bare_read(KrElab *e, const KrVal *foreign, bool whole, KrSpan span) {
  const KrFlow *reader = &e->graph->flows[e->now.flow->index];
  const char *text =
      kr_text_print(e->arena, "resample(%t, to=%s, mode=%s)", foreign->as.foreign.name,
                    kr_class_text(reader->cls), whole ? "nearest" : "linear");
  kr_diagnose(e->list, KR_ERROR, span, kr_text_print(e->arena, "write `%s`", text),
              "`%t` ticks at %s%s, this flow at %s: write `%s`", foreign->as.foreign.name,
              rate_text(e, foreign->as.foreign.flow),
              kr_ratio_compare(e->graph->flows[foreign->as.foreign.flow->index].clock.dt,
                               reader->clock.dt) == 0
                  ? " with another phase"
                  : "",
              rate_text(e, e->now.flow), text);
}

static KrVal read_value(KrElab *e, const KrVal *inner, KrSpan span) {
  KrVal out = *inner;
  if (inner->kind == KR_VAL_STREAM) {
    KrNode node = {.kind = KR_NODE_READ, .type = inner->type, .source = inner->as.ref};
    out.as.ref = kr_emit_node(e, node, "read", span);
    if (inner->type.shape == KR_SHAPE_SCALAR && kr_elem_is_real(inner->type.elem))
      out = kr_to_elem(e, out, e->now.real, span);
  } else if (inner->kind == KR_VAL_GATE) {
    for (int i = 0; i < 4; i++) {
      KrNode node = {.kind = KR_NODE_READ, .type = inner->type, .source = inner->as.gate[i]};
      if (i == 1) node.type.elem = KR_ELEM_BOOL;
      out.as.gate[i] = inner->as.gate[i].node == KR_NONE ? inner->as.gate[i]
                                                         : kr_emit_node(e, node, "read", span);
    }
  } else if (inner->kind == KR_VAL_TUPLE || inner->kind == KR_VAL_LIST ||
             inner->kind == KR_VAL_RECORD) {
    out.as.items.at = KR_NEW_ARRAY(e->arena, KrVal, inner->as.items.n);
    for (uint32_t i = 0; i < inner->as.items.n; i++)
      out.as.items.at[i] = read_value(e, &inner->as.items.at[i], span);
  } else if (inner->kind == KR_VAL_NUMBER) {
    // outside its flow an untyped constant is a stream of that flow's real type
    out = kr_to_stream(e, out, span);
  }
  return out;
}

static bool contains_stream(const KrVal *val, bool *whole) {
  if (val->kind == KR_VAL_STREAM) {
    *whole = !kr_elem_is_real(val->type.elem);
    return true;
  }
  if (val->kind == KR_VAL_GATE || val->kind == KR_VAL_NUMBER) return true;
  if (val->kind == KR_VAL_TUPLE || val->kind == KR_VAL_LIST || val->kind == KR_VAL_RECORD)
    for (uint32_t i = 0; i < val->as.items.n; i++)
      if (contains_stream(&val->as.items.at[i], whole)) return true;
  return false;
}

/// The constants of a named value as streams of the flow they are named in.
KrVal kr_freeze(KrElab *e, KrFlowInfo *flow, const KrVal *inner, KrSpan span) {
  KrContext saved = e->now;
  e->now =
      (KrContext){.flow = flow, .scope = flow->scope, .real = e->graph->flows[flow->index].real};
  KrVal out = *inner;
  if (inner->kind == KR_VAL_NUMBER || inner->kind == KR_VAL_BOOL) {
    out = kr_to_stream(e, out, span);
  } else if (inner->kind == KR_VAL_TUPLE || inner->kind == KR_VAL_LIST ||
             inner->kind == KR_VAL_RECORD) {
    out.as.items.at = KR_NEW_ARRAY(e->arena, KrVal, inner->as.items.n);
    for (uint32_t i = 0; i < inner->as.items.n; i++)
      out.as.items.at[i] = kr_freeze(e, flow, &inner->as.items.at[i], span);
  }
  e->now = saved;
  return out;
}

KrVal kr_read_foreign(KrElab *e, const KrVal *foreign, KrSpan span) {
  bool whole = false;
  KrVal inner = *foreign->as.foreign.inner;
  if (!contains_stream(&inner, &whole)) return inner;
  if (!need_flow(e, span)) return kr_val_poison();
  if (e->now.in_function) {
    kr_diagnose(e->list, KR_ERROR, span, "give the value to `event.from_signal` as a payload field",
                "a function over events cannot read the stream `%t`", foreign->as.foreign.name);
    return kr_val_poison();
  }
  if (!same_clock(e, foreign->as.foreign.flow, e->now.flow)) {
    report_bare_read(e, foreign, whole, span);
    return kr_val_poison();
  }
  inner = kr_freeze(e, foreign->as.foreign.flow, &inner, span);
  return read_value(e, &inner, span);
}

/// Decides how streams are read across rates and across time: resample, windows, history, prev.
#include "lang/elab_core.h"

/// A stream a crossing reads, in this flow or another one.
typedef struct Source {
  KrRef ref;
  KrType type;
  KrDim dim;
  KrFlowInfo *flow; ///< NULL: this flow
} Source;

static bool source_of(KrElab *e, const KrVal *val, KrFlowInfo *flow, bool blocks, KrSpan span,
                      Source *source) {
  KrVal inner = *val;
  if (flow != NULL) inner = kr_freeze(e, flow, val, span);
  if (flow == NULL && (inner.kind == KR_VAL_HOLD || inner.kind == KR_VAL_GATE))
    inner = kr_to_stream(e, inner, span);
  if (inner.kind == KR_VAL_GATE) {
    KrType type = inner.type;
    inner = kr_val_stream(inner.as.gate[0], type);
  }
  if (inner.kind == KR_VAL_POISON) return false;
  if (inner.kind != KR_VAL_STREAM || (!blocks && inner.type.shape != KR_SHAPE_SCALAR)) {
    kr_diagnose(e->list, KR_ERROR, span, "name a stream of another flow",
                "a stream of numbers is needed, this is %s",
                inner.kind == KR_VAL_STREAM ? "a block of values" : kr_val_kind_text(&inner));
    return false;
  }
  *source = (Source){inner.as.ref, inner.type, inner.dim, flow};
  return true;
}

static bool need_flow(KrElab *e, KrText name, KrSpan span) {
  if (e->now.flow != NULL && !e->now.in_function) return true;
  kr_diagnose(e->list, KR_ERROR, span, "put it into a flow, which gives it a rate",
              "`%t` makes a stream, which has no rate here", name);
  return false;
}

static const KrVal *inner_of(const KrVal *val, KrFlowInfo **flow) {
  *flow = val->kind == KR_VAL_FOREIGN ? val->as.foreign.flow : NULL;
  return val->kind == KR_VAL_FOREIGN ? val->as.foreign.inner : val;
}

/// `to=` is the reader's own class or flow.
static bool check_target(KrElab *e, KrArg *arg) {
  if (arg == NULL) return true;
  const KrFlow *reader = &e->graph->flows[e->now.flow->index];
  bool word =
      arg->ast != NULL && (arg->ast->kind == KR_AST_NAME || arg->ast->kind == KR_AST_STRING);
  KrRateClass cls;
  if (word && kr_class_find(arg->ast->text, &cls)) {
    if (cls == reader->cls) return true;
  } else if (word && kr_text_equal(arg->ast->text, reader->name)) {
    return true;
  } else if (!word) {
    kr_diagnose(e->list, KR_ERROR, arg->span,
                "write `to=audio`, `to=control`, `to=visual` or `to=sim`",
                "`to` is a rate class or this flow's name");
    return false;
  }
  kr_diagnose(e->list, KR_ERROR, arg->span,
              kr_text_print(e->arena, "write `to=%s`", kr_class_text(reader->cls)),
              "`to=%t`, but this flow is %s: a stream is read at the reader's own rate",
              arg->ast->text, kr_class_text(reader->cls));
  return false;
}

typedef struct Crossing {
  bool has_mode, causal;
  uint32_t mode;
  KrText name;
  KrSpan span;
} Crossing;

static KrVal cross(KrElab *e, const KrVal *val, KrFlowInfo *flow, const Crossing *how);

static KrVal cross_items(KrElab *e, const KrVal *val, KrFlowInfo *flow, const Crossing *how) {
  KrVal out = *val;
  out.as.items.at = KR_NEW_ARRAY(e->arena, KrVal, val->as.items.n);
  for (uint32_t i = 0; i < val->as.items.n; i++)
    out.as.items.at[i] = cross(e, &val->as.items.at[i], flow, how);
  return out;
}

static void warn_aliasing(KrElab *e, const KrFlowInfo *flow, const Crossing *how) {
  const KrFlow *source = &e->graph->flows[flow->index],
               *reader = &e->graph->flows[e->now.flow->index];
  if (kr_ratio_compare(source->clock.dt, reader->clock.dt) >= 0) return;
  kr_diagnose(e->list, KR_WARNING, how->span,
              "use a window operator (`mean`, `rms`, …) or mode=sinc",
              "`nearest` reads a faster stream: what it skips aliases");
}

static KrVal cross(KrElab *e, const KrVal *val, KrFlowInfo *flow, const Crossing *how) {
  if (val->kind == KR_VAL_TUPLE || val->kind == KR_VAL_LIST || val->kind == KR_VAL_RECORD)
    return cross_items(e, val, flow, how);
  Source source;
  if (!source_of(e, val, flow, true, how->span, &source)) return kr_val_poison();
  bool whole = !kr_elem_is_real(source.type.elem);
  bool block = source.type.shape != KR_SHAPE_SCALAR;
  uint32_t mode = how->has_mode ? how->mode : KR_MODE_NEAREST;
  if (block && mode != KR_MODE_NEAREST) {
    kr_diagnose(e->list, KR_ERROR, how->span, "use mode=nearest",
                "only streams of numbers can be interpolated");
    return kr_val_poison();
  }
  if (mode != KR_MODE_NEAREST && source.type.elem == KR_ELEM_BOOL) {
    kr_diagnose(e->list, KR_ERROR, how->span, "use mode=nearest",
                "a bool stream cannot be interpolated");
    return kr_val_poison();
  }
  if (flow == NULL) { // of this flow: every tick falls on a tick
    KrVal own = kr_val_stream(source.ref, source.type);
    own.dim = source.dim;
    return block || (whole && mode == KR_MODE_NEAREST) ? own
                                                       : kr_to_elem(e, own, e->now.real, how->span);
  }
  if (mode == KR_MODE_NEAREST && !block) warn_aliasing(e, flow, how);
  KrType type =
      block || (mode == KR_MODE_NEAREST && whole) ? source.type : KR_TYPE_SCALAR(e->now.real);
  KrNode node = {.kind = KR_NODE_CROSS,
                 .type = type,
                 .source = source.ref,
                 .mode = (KrMode)mode,
                 .causal = how->causal};
  KrVal out = kr_val_stream(kr_emit_node(e, node, "resample", how->span), type);
  out.dim = source.dim;
  return out;
}

static KrVal call_resample(KrElab *e, KrArgs args, KrSpan span) {
  static const char *const names[] = {"x", "to", "mode", "align", NULL};
  KrArg *slots[4];
  uint32_t mode = 0, align = 0;
  if (!need_flow(e, KR_TEXT("resample"), span)) return kr_val_poison();
  if (!kr_bind_args(e, args, names, slots, "resample", span)) return kr_val_poison();
  bool ok = slots[0] != NULL && check_target(e, slots[1]);
  if (slots[0] == NULL)
    kr_diagnose(e->list, KR_ERROR, span, "write `resample(name, to=audio, mode=linear)`",
                "`resample` needs the stream to read");
  if (slots[2] != NULL)
    ok =
        kr_arg_word(e, slots[2], "nearest|linear|cubic|sinc|hold", "`mode` of `resample`", &mode) &&
        ok;
  if (slots[3] != NULL)
    ok = kr_arg_word(e, slots[3], "exact|causal", "`align` of `resample`", &align) && ok;
  if (!ok) return kr_val_poison();
  Crossing how = {
      slots[2] != NULL, align == 1, mode == 4 ? KR_MODE_NEAREST : mode, {NULL, 0}, span};
  KrVal val = *kr_arg_value(e, slots[0]);
  KrFlowInfo *flow;
  if (val.kind == KR_VAL_POISON) return val;
  const KrVal *inner = inner_of(&val, &flow);
  const KrAst *ast = slots[0]->ast;
  bool named = ast == NULL || ast->kind == KR_AST_NAME || ast->kind == KR_AST_MEMBER ||
               ast->kind == KR_AST_INDEX;
  if (flow == NULL && (!named || kr_val_is_constant(inner))) {
    kr_diagnose(e->list, KR_ERROR, slots[0]->span, "give it a name with `let` in its own flow",
                "`resample` reads a stream by its name");
    return kr_val_poison();
  }
  return cross(e, inner, flow, &how);
}

static const char *const reduce_names[] = {"mean", "rms", "peak", "min", "max", "sum", "count"};

static KrType window_type(const KrElab *e, KrReduce reduce, KrElem elem) {
  bool whole = !kr_elem_is_real(elem);
  if (reduce == KR_REDUCE_COUNT || (reduce == KR_REDUCE_SUM && whole))
    return KR_TYPE_SCALAR(KR_ELEM_I64);
  bool keeps = reduce == KR_REDUCE_PEAK || reduce == KR_REDUCE_MIN || reduce == KR_REDUCE_MAX;
  return KR_TYPE_SCALAR(keeps && whole ? elem : e->now.real);
}

static KrVal reduce_value(KrElab *e, const KrVal *val, KrFlowInfo *flow, KrReduce reduce,
                          KrRatio window, KrSpan span) {
  if (val->kind == KR_VAL_TUPLE) {
    KrVal out = *val;
    out.as.items.at = KR_NEW_ARRAY(e->arena, KrVal, val->as.items.n);
    for (uint32_t i = 0; i < val->as.items.n; i++)
      out.as.items.at[i] = reduce_value(e, &val->as.items.at[i], flow, reduce, window, span);
    return out;
  }
  Source source;
  if (!source_of(e, val, flow, false, span, &source)) return kr_val_poison();
  if (source.type.elem == KR_ELEM_BOOL && reduce != KR_REDUCE_COUNT) {
    kr_diagnose(e->list, KR_ERROR, span, "write `if b then 1 else 0` to make a number of it",
                "`%s` wants numbers, this is a bool", reduce_names[reduce]);
    return kr_val_poison();
  }
  KrNode node = {.kind = KR_NODE_WINDOW,
                 .type = window_type(e, reduce, source.type.elem),
                 .source = source.ref,
                 .reduce = reduce,
                 .window = window};
  KrVal out = kr_val_stream(kr_emit_node(e, node, reduce_names[reduce], span), node.type);
  if (reduce != KR_REDUCE_COUNT) out.dim = source.dim;
  return out;
}

static KrVal call_window(KrElab *e, KrReduce reduce, KrArgs args, KrSpan span) {
  static const char *const names[] = {"x", "window", NULL};
  KrArg *slots[2];
  const char *what = reduce_names[reduce];
  if (!need_flow(e, kr_text_from(what), span)) return kr_val_poison();
  if (!kr_bind_args(e, args, names, slots, what, span)) return kr_val_poison();
  if (slots[0] == NULL) {
    kr_diagnose(e->list, KR_ERROR, span, "write for example `rms(name, window=100ms)`",
                "`%s` needs a stream", what);
    return kr_val_poison();
  }
  KrVal val = *kr_arg_value(e, slots[0]);
  if (val.kind == KR_VAL_POISON) return val;
  KrFlowInfo *flow;
  const KrVal *inner = inner_of(&val, &flow);
  KrRatio window = e->graph->flows[e->now.flow->index].clock.dt;
  if (slots[1] != NULL) {
    KrVal width = *kr_arg_value(e, slots[1]);
    if (!kr_seconds(e, &width, "`window`", slots[1]->span, &window)) return kr_val_poison();
    if (window.num <= 0) {
      kr_diagnose(e->list, KR_ERROR, slots[1]->span, "write for example `window=100ms`",
                  "`window` must be greater than 0");
      return kr_val_poison();
    }
  } else if (flow == NULL || kr_ratio_compare(e->graph->flows[flow->index].clock.dt, window) == 0) {
    kr_diagnose(e->list, KR_ERROR, span,
                kr_text_print(e->arena, "write `%s(x, window=100ms)`", what),
                "`%s` of a stream of this rate needs `window=`", what);
    return kr_val_poison();
  }
  if (slots[1] == NULL) window = KR_RATIO_ZERO;
  if (flow == NULL && kr_val_is_constant(inner)) val = kr_to_stream(e, val, span), inner = &val;
  return reduce_value(e, inner, flow, reduce, window, span);
}

KrRef kr_emit_history(KrElab *e, KrArg *arg, uint32_t n, KrSpan span, KrType *type) {
  const KrRef none = {KR_NONE, 0};
  KrVal val = *kr_arg_value(e, arg);
  if (val.kind == KR_VAL_POISON || !need_flow(e, KR_TEXT("history"), span)) return none;
  KrFlowInfo *flow;
  const KrVal *inner = inner_of(&val, &flow);
  Source source;
  KrVal stream;
  if (flow == NULL && kr_val_is_constant(inner)) {
    stream = kr_to_stream(e, val, span);
    inner = &stream;
  }
  if (!source_of(e, inner, flow, false, span, &source)) return none;
  if (source.type.elem == KR_ELEM_BOOL) {
    kr_diagnose(e->list, KR_ERROR, span, "write `if b then 1 else 0` to make a number of it",
                "a history wants numbers, this is a bool");
    return none;
  }
  *type = (KrType){e->now.real, KR_SHAPE_VECTOR, {n, 1, 1}};
  KrNode node = {.kind = KR_NODE_HISTORY, .type = *type, .source = source.ref};
  return kr_emit_node(e, node, "history", span);
}

static KrVal call_history(KrElab *e, KrArgs args, KrSpan span) {
  static const char *const names[] = {"x", "n", NULL};
  KrArg *slots[2];
  int64_t n;
  KrType type;
  if (!kr_bind_args(e, args, names, slots, "history", span)) return kr_val_poison();
  if (slots[0] == NULL || slots[1] == NULL) {
    kr_diagnose(e->list, KR_ERROR, span, "write `history(x, 1024)`",
                "`history` needs a stream and a number of ticks");
    return kr_val_poison();
  }
  KrVal count = *kr_arg_value(e, slots[1]);
  if (!kr_need_whole(e, &count, "`n` of `history`", slots[1]->span, &n)) return kr_val_poison();
  if (n < 1 || n > 1 << 24) {
    kr_diagnose(e->list, KR_ERROR, slots[1]->span, "write `history(x, 1024)`",
                "`n` of `history` must be 1 to 16777216");
    return kr_val_poison();
  }
  KrRef ref = kr_emit_history(e, slots[0], (uint32_t)n, span, &type);
  return ref.node == KR_NONE ? kr_val_poison() : kr_val_stream(ref, type);
}

static KrVal prev_value(KrElab *e, KrVal val, const KrVal *init, KrSpan span);

static KrVal prev_items(KrElab *e, KrVal val, const KrVal *init, KrSpan span) {
  KrVal out = val;
  out.as.items.at = KR_NEW_ARRAY(e->arena, KrVal, val.as.items.n);
  for (uint32_t i = 0; i < val.as.items.n; i++) {
    const KrVal *own = init;
    if (init != NULL && init->kind == KR_VAL_RECORD && val.kind == KR_VAL_RECORD)
      own = kr_val_field(init, val.as.items.names[i]);
    else if (init != NULL && init->kind == val.kind && i < init->as.items.n)
      own = &init->as.items.at[i];
    out.as.items.at[i] = prev_value(e, val.as.items.at[i], own, span);
  }
  return out;
}

static bool initial_value(KrElab *e, const KrVal *init, KrElem elem, KrSpan span, KrConst *out) {
  *out = (KrConst){.elem = elem};
  if (init == NULL || init->kind == KR_VAL_NONE) return true;
  if (init->kind == KR_VAL_BOOL && elem == KR_ELEM_BOOL) {
    out->as.b = init->as.boolean;
    return true;
  }
  if (init->kind == KR_VAL_NUMBER && elem != KR_ELEM_BOOL)
    return kr_number_const(e, &init->as.number, elem, span, out);
  if (init->kind != KR_VAL_POISON)
    kr_diagnose(e->list, KR_ERROR, span, "write for example `prev(x, init=0)`",
                "`init` must be a constant %s, this is %s",
                elem == KR_ELEM_BOOL ? "bool" : "number", kr_val_kind_text(init));
  return false;
}

static KrVal prev_value(KrElab *e, KrVal val, const KrVal *init, KrSpan span) {
  if (val.kind == KR_VAL_TUPLE || val.kind == KR_VAL_LIST || val.kind == KR_VAL_RECORD)
    return prev_items(e, val, init, span);
  KrVal stream = kr_to_stream(e, val, span);
  if (stream.kind == KR_VAL_POISON) return stream;
  KrNode node = {.kind = KR_NODE_PREV, .type = stream.type, .n_in = 1};
  node.in = KR_NEW_ARRAY(e->arena, KrRef, 1);
  node.in[0] = stream.as.ref;
  if (init != NULL && !kr_dim_fits(&stream.dim, &init->dim)) {
    kr_diagnose(e->list, KR_ERROR, span, "give both the same unit",
                "`init` is in %s, the stream in %s", kr_dim_text(e, &init->dim),
                kr_dim_text(e, &stream.dim));
    return kr_val_poison();
  }
  if (!initial_value(e, init, stream.type.elem, span, &node.value)) return kr_val_poison();
  KrVal out = kr_val_stream(kr_emit_node(e, node, "prev", span), stream.type);
  out.dim = stream.dim;
  return out;
}

static KrVal call_prev(KrElab *e, KrArgs args, KrSpan span) {
  static const char *const names[] = {"x", "init", NULL};
  KrArg *slots[2];
  if (!need_flow(e, KR_TEXT("prev"), span)) return kr_val_poison();
  if (!kr_bind_args(e, args, names, slots, "prev", span)) return kr_val_poison();
  if (slots[0] == NULL) {
    kr_diagnose(e->list, KR_ERROR, span, "write `prev(x)`", "`prev` needs a stream");
    return kr_val_poison();
  }
  bool outer = e->now.in_prev;
  e->now.in_prev = true;
  KrVal val = *kr_arg_value(e, slots[0]);
  if (val.kind == KR_VAL_FOREIGN) val = kr_read_foreign(e, &val, slots[0]->span);
  e->now.in_prev = outer;
  KrVal init = kr_val_none();
  if (slots[1] != NULL) init = *kr_arg_value(e, slots[1]);
  if (val.kind == KR_VAL_POISON || init.kind == KR_VAL_POISON) return kr_val_poison();
  return prev_value(e, val, init.kind == KR_VAL_NONE ? NULL : &init, span);
}

static KrVal call_select(KrElab *e, KrArgs args, KrSpan span) {
  static const char *const names[] = {"cond", "a", "b", NULL};
  KrArg *slots[3];
  if (!kr_bind_args(e, args, names, slots, "select", span)) return kr_val_poison();
  if (slots[0] == NULL || slots[1] == NULL || slots[2] == NULL) {
    kr_diagnose(e->list, KR_ERROR, span, "write `select(x > 0, a, b)`",
                "`select` needs a condition and two values");
    return kr_val_poison();
  }
  if (slots[0]->ast != NULL && slots[1]->ast != NULL && slots[2]->ast != NULL) {
    const KrAst *parts[3] = {slots[0]->ast, slots[1]->ast, slots[2]->ast};
    return kr_elab_if(e, parts[0], parts, false);
  }
  KrVal cond = *kr_arg_value(e, slots[0]);
  if (cond.kind == KR_VAL_BOOL) return *kr_arg_value(e, slots[cond.as.boolean ? 1 : 2]);
  KrRef ref = kr_to_bool(e, cond, "a condition", slots[0]->span);
  if (ref.node == KR_NONE) return kr_val_poison();
  return kr_elab_select(e, ref, *kr_arg_value(e, slots[1]), *kr_arg_value(e, slots[2]), span);
}

/// div(a, b): floor division; of integers a node that knows when it is selected.
static KrVal call_div(KrElab *e, KrArgs args, KrSpan span) {
  static const char *const names[] = {"a", "b", NULL};
  KrArg *slots[2];
  if (!kr_bind_args(e, args, names, slots, "div", span)) return kr_val_poison();
  if (slots[0] == NULL || slots[1] == NULL) {
    kr_diagnose(e->list, KR_ERROR, span, "write `div(a, b)`", "`div` needs two numbers");
    return kr_val_poison();
  }
  KrVal in[3], out;
  for (int i = 0; i < 2; i++) {
    in[i] = *kr_arg_value(e, slots[i]);
    if (in[i].kind != KR_VAL_NUMBER) in[i] = kr_to_stream(e, in[i], slots[i]->span);
    if (in[i].kind == KR_VAL_POISON) return in[i];
    if (in[i].kind == KR_VAL_STREAM &&
        (in[i].type.elem == KR_ELEM_BOOL || in[i].type.shape != KR_SHAPE_SCALAR)) {
      kr_diagnose(e->list, KR_ERROR, slots[i]->span,
                  "write `if b then 1 else 0` to make a number of a bool", "`div` wants numbers");
      return kr_val_poison();
    }
  }
  bool typed = in[0].as.number.typed || in[1].as.number.typed;
  bool constant = in[0].kind == KR_VAL_NUMBER && in[1].kind == KR_VAL_NUMBER;
  if (constant && !(typed && e->now.flow != NULL) &&
      kr_fold_call(e, KR_TEXT("div"), in, 2, span, &out))
    return out;
  KrElem elem;
  if (!kr_unify(e, in, 2, true, &elem, span)) return kr_val_poison();
  if (kr_elem_is_real(elem)) { // floor(a / b)
    KrArg quotient = {
        .span = span, .val = kr_elab_binary(e, KR_TEXT("/"), in[0], in[1], span), .ready = true};
    return kr_call_op(e, KR_TEXT("floor"), (KrArgs){&quotient, 1}, span);
  }
  KrDim dim = kr_dim_combine(in[0].dim, in[1].dim, -1);
  for (int i = 0; i < 2; i++) {
    in[i] = kr_to_elem(e, in[i], elem, span);
    if (in[i].kind == KR_VAL_POISON) return in[i];
  }
  KrRef when = kr_elab_condition(e, span);
  if (when.node == KR_NONE) when = kr_emit_bool(e, true);
  in[2] = kr_val_stream(when, KR_TYPE_SCALAR(KR_ELEM_BOOL));
  out = kr_val_stream(kr_emit_op(e, "idiv", elem, KR_TYPE_SCALAR(elem), in, 3, span),
                      KR_TYPE_SCALAR(elem));
  out.dim = dim;
  return out;
}

static bool find_reduce(KrText name, KrArgs args, KrReduce *reduce) {
  for (uint32_t i = 0; i < sizeof reduce_names / sizeof reduce_names[0]; i++) {
    if (!kr_text_is(name, reduce_names[i])) continue;
    *reduce = (KrReduce)i;
    if (*reduce != KR_REDUCE_MIN && *reduce != KR_REDUCE_MAX) return true;
    bool window = args.n == 1;
    for (uint32_t k = 0; k < args.n; k++) window = window || kr_text_is(args.at[k].name, "window");
    return window;
  }
  return false;
}

/// Blocks have rows of their own under the names of windows (`sum` of a field).
static bool is_block(KrElab *e, KrArgs args) {
  const KrVal *val = args.n > 0 ? kr_arg_value(e, &args.at[0]) : NULL;
  if (val == NULL) return false;
  if (val->kind == KR_VAL_FOREIGN) val = val->as.foreign.inner;
  return val->kind == KR_VAL_STREAM && val->type.shape != KR_SHAPE_SCALAR;
}

bool kr_call_stream(KrElab *e, KrText name, KrArgs args, KrSpan span, KrVal *result) {
  KrReduce reduce;
  if (kr_text_is(name, "resample"))
    *result = call_resample(e, args, span);
  else if (kr_text_is(name, "prev"))
    *result = call_prev(e, args, span);
  else if (kr_text_is(name, "history"))
    *result = call_history(e, args, span);
  else if (kr_text_is(name, "select"))
    *result = call_select(e, args, span);
  else if (kr_text_is(name, "div"))
    *result = call_div(e, args, span);
  else if (find_reduce(name, args, &reduce) && !is_block(e, args))
    *result = call_window(e, reduce, args, span);
  else
    return false;
  return true;
}

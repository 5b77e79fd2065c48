/// Decides the methods of compile-time lists: unrolling, folding, sums in the fixed order.
#include "lang/elab_core.h"

void kr_count_unrolled(KrElab *e, uint64_t n, KrSpan span) {
  uint32_t limit = e->options->max_unroll == 0 ? 1000000 : e->options->max_unroll;
  if (n <= limit && e->n_unrolled + n <= limit) {
    e->n_unrolled += (uint32_t)n;
    return;
  }
  kr_diagnose(e->list, KR_ERROR, span, "use a shorter list",
              "lists and functions unroll to more than %u copies", limit);
  longjmp(e->stop, 1);
}

bool kr_list_of(KrElab *e, KrVal val, KrSpan span, KrVal *list) {
  *list = val;
  if (val.kind == KR_VAL_LIST || val.kind == KR_VAL_TUPLE) return true;
  if (val.kind != KR_VAL_POISON)
    kr_diagnose(e->list, KR_ERROR, span, "write `[a, b]` or `[0..n]`",
                "a list is needed, this is %s", kr_val_kind_text(&val));
  return false;
}

static uint32_t count_params(const KrVal *fn) {
  if (fn->kind != KR_VAL_FN) return 1;
  return fn->as.fn.ast->n - (fn->as.fn.ast->kind == KR_AST_FN ? 2 : 1);
}

/// Calls `fn` with `n` values; a tuple is spread over a function of as many parameters.
static KrVal call_with(KrElab *e, const KrVal *fn, const KrVal *vals, uint32_t n, KrSpan span) {
  bool spread = n == 1 && vals[0].kind == KR_VAL_TUPLE && count_params(fn) > 1 &&
                count_params(fn) == vals[0].as.items.n;
  const KrVal *from = spread ? vals[0].as.items.at : vals;
  KrArgs args = {NULL, spread ? vals[0].as.items.n : n};
  args.at = KR_NEW_ARRAY(e->arena, KrArg, args.n);
  for (uint32_t i = 0; i < args.n; i++)
    args.at[i] = (KrArg){.span = span, .val = from[i], .ready = true};
  return kr_apply(e, fn, args, span);
}

static KrText copy_text(KrElab *e, KrText copies, uint32_t index) {
  return kr_text_from(kr_text_print(e->arena, "%t[%u]", copies, index));
}

KrVal kr_unroll(KrElab *e, const KrVal *list, const KrVal *fn, KrSpan span) {
  uint32_t n = list->as.items.n;
  KrText copies = e->now.copies;
  kr_count_unrolled(e, n, span);
  KrVal out = kr_val_items(KR_VAL_LIST, KR_NEW_ARRAY(e->arena, KrVal, n), n);
  for (uint32_t i = 0; i < n; i++) {
    e->now.copies = copy_text(e, copies, i);
    KrVal val = call_with(e, fn, &list->as.items.at[i], 1, span);
    if (val.kind == KR_VAL_FOREIGN && e->now.flow != NULL) val = kr_read_foreign(e, &val, span);
    out.as.items.at[i] = val;
  }
  e->now.copies = copies;
  return out;
}

static KrVal filter_list(KrElab *e, const KrVal *list, const KrVal *fn, KrSpan span) {
  KrVal kept = kr_unroll(e, list, fn, span);
  KrVal out = kr_val_items(KR_VAL_LIST, KR_NEW_ARRAY(e->arena, KrVal, kept.as.items.n), 0);
  for (uint32_t i = 0; i < kept.as.items.n; i++) {
    const KrVal *keep = &kept.as.items.at[i];
    if (keep->kind == KR_VAL_BOOL) {
      if (keep->as.boolean) out.as.items.at[out.as.items.n++] = list->as.items.at[i];
      continue;
    }
    if (keep->kind != KR_VAL_POISON)
      kr_diagnose(e->list, KR_ERROR, span, "streams cannot decide how long a list is",
                  "a list is filtered by a constant bool, this is %s", kr_val_kind_text(keep));
    return kr_val_poison();
  }
  return out;
}

static KrVal fold_list(KrElab *e, const KrVal *list, KrVal acc, const KrVal *fn, KrSpan span) {
  KrText copies = e->now.copies;
  kr_count_unrolled(e, list->as.items.n, span);
  for (uint32_t i = 0; i < list->as.items.n; i++) {
    KrVal pair[2] = {acc, list->as.items.at[i]};
    e->now.copies = copy_text(e, copies, i);
    acc = call_with(e, fn, pair, 2, span);
  }
  e->now.copies = copies;
  return acc;
}

static KrVal zip_lists(KrElab *e, const KrVal *a, const KrVal *b) {
  uint32_t n = a->as.items.n < b->as.items.n ? a->as.items.n : b->as.items.n;
  KrVal out = kr_val_items(KR_VAL_LIST, KR_NEW_ARRAY(e->arena, KrVal, n), n);
  for (uint32_t i = 0; i < n; i++) {
    KrVal *pair = KR_NEW_ARRAY(e->arena, KrVal, 2);
    pair[0] = a->as.items.at[i];
    pair[1] = b->as.items.at[i];
    out.as.items.at[i] = kr_val_items(KR_VAL_TUPLE, pair, 2);
  }
  return out;
}

static KrVal sum_values(KrElab *e, const KrVal *at, uint32_t n, KrSpan span);

/// Tuples are summed item by item.
static KrVal sum_tuples(KrElab *e, const KrVal *at, uint32_t n, KrSpan span) {
  uint32_t width = at[0].as.items.n;
  KrVal out = kr_val_items(KR_VAL_TUPLE, KR_NEW_ARRAY(e->arena, KrVal, width), width);
  KrVal *column = KR_NEW_ARRAY(e->arena, KrVal, n);
  for (uint32_t c = 0; c < width; c++) {
    for (uint32_t i = 0; i < n; i++) {
      if (at[i].kind != KR_VAL_TUPLE || at[i].as.items.n != width) {
        kr_diagnose(e->list, KR_ERROR, span, "give all items the same shape",
                    "the items of the list have different shapes");
        return kr_val_poison();
      }
      column[i] = at[i].as.items.at[c];
    }
    out.as.items.at[c] = sum_values(e, column, n, span);
  }
  return out;
}

static KrVal chain_values(KrElab *e, KrText op, const KrVal *at, uint32_t n, KrSpan span) {
  KrVal val = at[0];
  for (uint32_t i = 1; i < n; i++) val = kr_elab_binary(e, op, val, at[i], span);
  return val;
}

static KrVal sum_values(KrElab *e, const KrVal *at, uint32_t n, KrSpan span) {
  if (n == 0) return kr_val_exact(KR_RATIO_ZERO);
  if (at[0].kind == KR_VAL_TUPLE) return sum_tuples(e, at, n, span);
  KrVal *in = KR_NEW_ARRAY(e->arena, KrVal, n);
  KrDim dim = {0};
  bool constant = true;
  for (uint32_t i = 0; i < n; i++) {
    in[i] = at[i];
    constant = constant && at[i].kind == KR_VAL_NUMBER && !at[i].as.number.typed;
    if (at[i].kind == KR_VAL_POISON) return at[i];
    if (at[i].kind != KR_VAL_NUMBER) in[i] = kr_to_stream(e, at[i], span);
    if (in[i].kind == KR_VAL_POISON) return in[i];
    if (in[i].kind == KR_VAL_STREAM &&
        (in[i].type.elem == KR_ELEM_BOOL || in[i].type.shape != KR_SHAPE_SCALAR)) {
      kr_diagnose(e->list, KR_ERROR, span, "sum numbers or tuples of numbers",
                  "a sum wants numbers");
      return kr_val_poison();
    }
    if (!kr_dim_fits(&dim, &in[i].dim)) {
      kr_diagnose(e->list, KR_ERROR, span, "all items need the same unit", "a sum of %s and %s",
                  kr_dim_text(e, &dim), kr_dim_text(e, &in[i].dim));
      return kr_val_poison();
    }
    dim = kr_dim_join(dim, in[i].dim);
  }
  KrElem elem;
  if (constant) return chain_values(e, KR_TEXT("+"), at, n, span);
  if (!kr_unify(e, in, n, true, &elem, span)) return kr_val_poison();
  if (!kr_elem_is_real(elem)) return chain_values(e, KR_TEXT("+"), in, n, span);
  KrNode node = {.kind = KR_NODE_SUM, .type = KR_TYPE_SCALAR(elem), .n_in = n};
  node.in = KR_NEW_ARRAY(e->arena, KrRef, n);
  for (uint32_t i = 0; i < n; i++) node.in[i] = kr_to_elem(e, in[i], elem, span).as.ref;
  KrVal out = kr_val_stream(kr_emit_node(e, node, "sum", span), node.type);
  out.dim = dim;
  return out;
}

static KrVal extreme_value(KrElab *e, KrText name, const KrVal *list, KrSpan span) {
  if (list->as.items.n == 0) {
    kr_diagnose(e->list, KR_ERROR, span, "test its `len()` first", "`%t` of an empty list", name);
    return kr_val_poison();
  }
  KrVal val = list->as.items.at[0];
  for (uint32_t i = 1; i < list->as.items.n; i++) {
    KrArg pair[2] = {{.span = span, .val = val, .ready = true},
                     {.span = span, .val = list->as.items.at[i], .ready = true}};
    val = kr_call_op(e, name, (KrArgs){pair, 2}, span);
  }
  return val;
}

static bool arity(KrElab *e, KrText name, KrArgs args, uint32_t n, KrSpan span) {
  if (args.n == n) return true;
  kr_diagnose(e->list, KR_ERROR, span, "see `kairo ops`",
              "`%t` of a list takes %u arguments, here are %u", name, n - 1, args.n - 1);
  return false;
}

static KrVal mean_value(KrElab *e, const KrVal *list, KrSpan span) {
  KrVal sum = sum_values(e, list->as.items.at, list->as.items.n, span);
  KrVal n = kr_val_exact(kr_ratio_of((int64_t)list->as.items.n));
  return kr_elab_binary(e, KR_TEXT("/"), sum, n, span);
}

static KrVal call_method(KrElab *e, KrText name, KrArgs args, const KrVal *list, KrSpan span,
                         bool *mine) {
  KrVal fn;
  if (kr_text_is(name, "map") || kr_text_is(name, "filter")) {
    if (!arity(e, name, args, 2, span)) return kr_val_poison();
    fn = *kr_arg_value(e, &args.at[1]);
    return name.at[0] == 'm' ? kr_unroll(e, list, &fn, span) : filter_list(e, list, &fn, span);
  }
  if (kr_text_is(name, "fold")) {
    if (!arity(e, name, args, 3, span)) return kr_val_poison();
    fn = *kr_arg_value(e, &args.at[2]);
    return fold_list(e, list, *kr_arg_value(e, &args.at[1]), &fn, span);
  }
  if (kr_text_is(name, "zip")) {
    KrVal other;
    if (!arity(e, name, args, 2, span) ||
        !kr_list_of(e, *kr_arg_value(e, &args.at[1]), args.at[1].span, &other))
      return kr_val_poison();
    return zip_lists(e, list, &other);
  }
  if (kr_text_is(name, "len") && args.n == 1)
    return kr_val_exact(kr_ratio_of((int64_t)list->as.items.n));
  if ((kr_text_is(name, "sum") || kr_text_is(name, "mix")) && args.n == 1)
    return sum_values(e, list->as.items.at, list->as.items.n, span);
  if (kr_text_is(name, "mean") && args.n == 1) return mean_value(e, list, span);
  if ((kr_text_is(name, "min") || kr_text_is(name, "max")) && args.n == 1)
    return extreme_value(e, name, list, span);
  *mine = false;
  return kr_val_poison();
}

bool kr_call_list(KrElab *e, KrText name, KrArgs args, KrSpan span, KrVal *result) {
  static const char *const names[] = {"map", "filter", "fold", "zip", "len",
                                      "sum", "mean",   "min",  "max", "mix"};
  bool known = false;
  for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++)
    known = known || kr_text_is(name, names[i]);
  if (!known || args.n == 0 || args.at[0].name.n > 0) return false;
  const KrVal *first = kr_arg_value(e, &args.at[0]);
  KrVal list = *first;
  if (first->kind == KR_VAL_FOREIGN && first->as.foreign.inner->kind == KR_VAL_LIST)
    list = kr_read_foreign(e, first, args.at[0].span);
  if (list.kind != KR_VAL_LIST) return false;
  bool mine = true;
  *result = call_method(e, name, args, &list, span, &mine);
  return mine;
}

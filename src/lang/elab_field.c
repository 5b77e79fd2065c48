/// Decides first fields: zeros, ones, fill and from_fn, whose cells are known before the start.
#include "lang/elab_core.h"
#include <string.h>

static KrArg given(KrVal val, const char *name, KrSpan span) {
  return (KrArg){.name = kr_text_from(name), .span = span, .val = val, .ready = true};
}

static KrVal make_field(KrElab *e, KrVal values, KrVal width, KrVal height, KrSpan span) {
  KrArg args[3] = {given(values, "values", span), given(width, "width", span),
                   given(height, "height", span)};
  return kr_call_op(e, KR_TEXT("field.cells"), (KrArgs){args, 3}, span);
}

static KrVal fill_field(KrElab *e, KrArgs args, uint32_t n_sides, KrVal value, KrSpan span) {
  KrVal *one = KR_NEW(e->arena, KrVal);
  *one = value;
  KrVal sides[2] = {kr_val_exact(KR_RATIO_ONE), kr_val_exact(KR_RATIO_ONE)};
  for (uint32_t i = 0; i < n_sides; i++) {
    sides[i] = *kr_arg_value(e, &args.at[i]);
    if (sides[i].kind == KR_VAL_POISON) return sides[i];
  }
  return make_field(e, kr_val_items(KR_VAL_LIST, one, 1), sides[0], sides[1], span);
}

static KrVal call_cell(KrElab *e, const KrVal *fn, int64_t x, int64_t y, uint32_t n, KrSpan span) {
  KrArg args[2] = {given(kr_val_exact(kr_ratio_of(x)), "", span),
                   given(kr_val_exact(kr_ratio_of(y)), "", span)};
  return kr_apply(e, fn, (KrArgs){args, n}, span);
}

static KrVal from_function(KrElab *e, KrArgs args, uint32_t n_sides, KrSpan span) {
  int64_t sides[2] = {1, 1};
  for (uint32_t i = 0; i < n_sides; i++) {
    const KrVal *val = kr_arg_value(e, &args.at[i]);
    if (!kr_need_whole(e, val, "a field's size", args.at[i].span, &sides[i]))
      return kr_val_poison();
    if (sides[i] >= 1 && sides[i] <= 16384) continue;
    kr_diagnose(e->list, KR_ERROR, args.at[i].span, "1 to 16384 cells",
                "the field's size is out of range");
    return kr_val_poison();
  }
  KrVal fn = *kr_arg_value(e, &args.at[n_sides]);
  if (fn.kind == KR_VAL_POISON) return fn;
  uint64_t n = (uint64_t)sides[0] * (uint64_t)sides[1];
  kr_count_unrolled(e, n, span);
  KrVal list = kr_val_items(KR_VAL_LIST, KR_NEW_ARRAY(e->arena, KrVal, n), (uint32_t)n);
  for (uint64_t i = 0; i < n; i++) {
    KrVal cell = call_cell(e, &fn, (int64_t)i % sides[0], (int64_t)i / sides[0], n_sides, span);
    if (cell.kind == KR_VAL_POISON) return cell;
    list.as.items.at[i] = cell;
  }
  return make_field(e, list, kr_val_exact(kr_ratio_of(sides[0])),
                    kr_val_exact(kr_ratio_of(sides[1])), span);
}

static bool check_count(KrElab *e, KrText name, KrArgs args, uint32_t extra, KrSpan span) {
  bool named = false;
  for (uint32_t i = 0; i < args.n; i++) named = named || args.at[i].name.n > 0;
  if (!named && args.n >= 1 + extra && args.n <= 2 + extra) return true;
  const char *last = extra == 0 ? "" : kr_text_is(name, "fill") ? ", value" : ", |x, y| value";
  kr_diagnose(e->list, KR_ERROR, span,
              kr_text_print(e->arena, "write `%t(width%s)` or `%t(width, height%s)`", name, last,
                            name, last),
              "`%t` takes the field's width and height%s", name,
              extra == 0 ? "" : ", then its content");
  return false;
}

bool kr_call_field(KrElab *e, KrText name, KrArgs args, KrSpan span, KrVal *result) {
  const KrText prefix = KR_TEXT("field.");
  if (name.n > prefix.n && memcmp(name.at, prefix.at, prefix.n) == 0)
    name = (KrText){name.at + prefix.n, name.n - prefix.n};
  bool zeros = kr_text_is(name, "zeros"), ones = kr_text_is(name, "ones");
  bool fill = kr_text_is(name, "fill"), from_fn = kr_text_is(name, "from_fn");
  if (!zeros && !ones && !fill && !from_fn) return false;
  uint32_t extra = fill || from_fn ? 1 : 0;
  *result = kr_val_poison();
  if (!check_count(e, name, args, extra, span)) return true;
  uint32_t n_sides = args.n - extra;
  if (from_fn)
    *result = from_function(e, args, n_sides, span);
  else
    *result = fill_field(
        e, args, n_sides,
        fill ? *kr_arg_value(e, &args.at[n_sides]) : kr_val_exact(kr_ratio_of(ones)), span);
  return true;
}

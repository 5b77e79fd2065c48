/// Decides what compile-time values are and how constants fold: exactly while they can, else in
/// f64.
#include "lang/elab_core.h"
#include "math/elementary.h"
#include "math/real.h"

KrVal kr_val_poison(void) { return (KrVal){.kind = KR_VAL_POISON}; }
KrVal kr_val_none(void) { return (KrVal){.kind = KR_VAL_NONE}; }
KrVal kr_val_bool(bool value) { return (KrVal){.kind = KR_VAL_BOOL, .as.boolean = value}; }
KrVal kr_val_text(KrText text) { return (KrVal){.kind = KR_VAL_STRING, .as.text = text}; }

double kr_ratio_to_f64(KrRatio ratio) {
  bool negative = ratio.num < 0;
  uint64_t magnitude = negative ? 0 - (uint64_t)ratio.num : (uint64_t)ratio.num;
  return kr_wide_to_f64(negative && magnitude != 0, (KrU128){magnitude, 0},
                        (KrU128){(uint64_t)ratio.den, 0});
}

KrVal kr_val_exact(KrRatio ratio) {
  return (KrVal){.kind = KR_VAL_NUMBER,
                 .as.number = {.exact = true, .ratio = ratio, .value = kr_ratio_to_f64(ratio)}};
}

/// There is no negative zero, infinity or NaN among constants.
KrVal kr_val_inexact(KrElab *e, double value, const char *lost, KrSpan span) {
  if (!(value - value == 0)) {
    kr_diagnose(e->list, KR_ERROR, span,
                value == value ? "stay below 1.8e308" : "the function has no value there",
                value == value ? "the constant is too large (%s)"
                               : "the constant is not a number (%s)",
                lost);
    return kr_val_poison();
  }
  return (KrVal){
      .kind = KR_VAL_NUMBER,
      .as.number = {.value = value == 0 ? 0 : value, .ratio = KR_RATIO_ZERO, .lost = lost}};
}

KrVal kr_val_stream(KrRef ref, KrType type) {
  return (KrVal){.kind = KR_VAL_STREAM, .type = type, .as.ref = ref};
}

KrVal kr_val_items(KrValKind kind, KrVal *at, uint32_t n) {
  return (KrVal){.kind = kind, .as.items = {.at = at, .n = n}};
}

bool kr_val_is_constant(const KrVal *val) {
  return val->kind == KR_VAL_NUMBER || val->kind == KR_VAL_BOOL;
}

const char *kr_val_number_hint(const KrVal *val) {
  switch (val->kind) {
  case KR_VAL_FN:
  case KR_VAL_OP: return "call it: `name(…)`";
  case KR_VAL_EVENTS: return "write `.to_signal(mode=hold)` to make a stream of it";
  case KR_VAL_RECORD: return "name one of its fields";
  case KR_VAL_LIST: return "name one of its items, or `.sum()`";
  case KR_VAL_STRING: return "write the number without quotes";
  case KR_VAL_BOOL: return "write `if b then 1 else 0` to make a number of it";
  default: return "name one number of it: a field, an item, an output";
  }
}

const char *kr_val_kind_text(const KrVal *val) {
  static const char *const text[] = {
      [KR_VAL_POISON] = "an error",      [KR_VAL_NONE] = "a statement without value",
      [KR_VAL_NUMBER] = "a number",      [KR_VAL_BOOL] = "a bool",
      [KR_VAL_STRING] = "a string",      [KR_VAL_STREAM] = "a stream",
      [KR_VAL_GATE] = "a gate",          [KR_VAL_RECORD] = "a record",
      [KR_VAL_TUPLE] = "a tuple",        [KR_VAL_LIST] = "a list",
      [KR_VAL_FN] = "a function",        [KR_VAL_SYNTH] = "a synth",
      [KR_VAL_OP] = "a function",        [KR_VAL_EVENTS] = "an event stream",
      [KR_VAL_HOLD] = "a held payload",  [KR_VAL_FOREIGN] = "a stream",
      [KR_VAL_OFF] = "an off(key)",      [KR_VAL_RANDOM] = "a random source",

      [KR_VAL_NAMESPACE] = "a namespace"};
  return text[val->kind];
}

const KrVal *kr_val_field(const KrVal *record, KrText name) {
  for (uint32_t i = 0; i < record->as.items.n; i++)
    if (kr_text_equal(record->as.items.names[i], name)) return &record->as.items.at[i];
  return kr_text_is(name, "time") ? record->as.items.time : NULL;
}

static uint64_t hash_text(KrText text) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325); // FNV-1a, 64 bits
  for (size_t i = 0; i < text.n; i++)
    hash = (hash ^ (unsigned char)text.at[i]) * UINT64_C(0x100000001b3);
  return hash ^ hash >> 29;
}

static KrMapSlot *probe_map(const KrMap *map, KrText key) {
  uint32_t i = (uint32_t)hash_text(key) & (map->size - 1);
  while (map->slots[i].key.at != NULL && !kr_text_equal(map->slots[i].key, key))
    i = (i + 1) & (map->size - 1);
  return &map->slots[i];
}

static void grow_map(KrElab *e, KrMap *map) {
  KrMap larger = {NULL, map->n, map->size == 0 ? 64 : map->size * 2};
  larger.slots = KR_NEW_ARRAY(e->arena, KrMapSlot, larger.size);
  for (uint32_t i = 0; i < map->size; i++)
    if (map->slots[i].key.at != NULL) *probe_map(&larger, map->slots[i].key) = map->slots[i];
  *map = larger;
}

uint32_t *kr_map_slot(KrElab *e, KrMap *map, KrText key, bool *found) {
  if (map->n * 2 >= map->size) grow_map(e, map);
  KrMapSlot *slot = probe_map(map, key);
  *found = slot->key.at != NULL;
  if (!*found) {
    slot->key = (KrText){kr_text_string(e->arena, key), key.n};
    map->n++;
  }
  return &slot->value;
}

const uint32_t *kr_map_find(const KrMap *map, KrText key) {
  if (map->n == 0) return NULL;
  const KrMapSlot *slot = probe_map(map, key);
  return slot->key.at == NULL ? NULL : &slot->value;
}

static uint64_t magnitude_of(int64_t value) {
  return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

/// a + b, a - b of exact values, rounded once.
static double round_sum(KrRatio a, KrRatio b, bool subtract) {
  KrU128 p = kr_wide_mul(magnitude_of(a.num), (uint64_t)b.den);
  KrU128 q = kr_wide_mul(magnitude_of(b.num), (uint64_t)a.den);
  bool p_negative = a.num < 0, q_negative = (b.num < 0) != subtract;
  KrU128 den = kr_wide_mul((uint64_t)a.den, (uint64_t)b.den);
  if (p_negative == q_negative) return kr_wide_to_f64(p_negative, kr_wide_add(p, q), den);
  if (kr_wide_compare(p, q) >= 0) return kr_wide_to_f64(p_negative, kr_wide_sub(p, q), den);
  return kr_wide_to_f64(q_negative, kr_wide_sub(q, p), den);
}

static double round_product(KrRatio a, KrRatio b) {
  return kr_wide_to_f64((a.num < 0) != (b.num < 0),
                        kr_wide_mul(magnitude_of(a.num), magnitude_of(b.num)),
                        kr_wide_mul((uint64_t)a.den, (uint64_t)b.den));
}

static double round_quotient(KrRatio a, KrRatio b) {
  return kr_wide_to_f64((a.num < 0) != (b.num < 0),
                        kr_wide_mul(magnitude_of(a.num), (uint64_t)b.den),
                        kr_wide_mul((uint64_t)a.den, magnitude_of(b.num)));
}

static KrStatus mod_ratio(KrRatio a, KrRatio b, KrRatio *result) {
  KrRatio quotient, product;
  KR_TRY(kr_ratio_div(a, b, &quotient));
  KR_TRY(kr_ratio_mul(b, kr_ratio_of(kr_ratio_floor(quotient)), &product));
  return kr_ratio_sub(a, product, result);
}

static KrStatus pow_ratio(KrRatio a, KrRatio b, KrRatio *result) {
  if (b.den != 1 || b.num > INT32_MAX || b.num < -INT32_MAX) return KR_ERROR_OVERFLOW;
  return kr_ratio_pow(a, (int32_t)b.num, result);
}

static double fold_inexact(char op, double a, double b) {
  switch (op) {
  case '+': return a + b;
  case '-': return a - b;
  case '*': return a * b;
  case '/': return a / b;
  case '%': return kr_f64_mod(a, b);
  default: return kr_f64_pow(a, b);
  }
}

static KrStatus fold_exact(char op, KrRatio a, KrRatio b, KrRatio *result, double *rounded) {
  KrStatus status;
  switch (op) {
  case '+':
    status = kr_ratio_add(a, b, result);
    if (status != KR_OK) *rounded = round_sum(a, b, false);
    return status;
  case '-':
    status = kr_ratio_sub(a, b, result);
    if (status != KR_OK) *rounded = round_sum(a, b, true);
    return status;
  case '*':
    status = kr_ratio_mul(a, b, result);
    if (status != KR_OK) *rounded = round_product(a, b);
    return status;
  case '/':
    status = kr_ratio_div(a, b, result);
    if (status != KR_OK) *rounded = round_quotient(a, b);
    return status;
  case '%':
    status = mod_ratio(a, b, result);
    if (status != KR_OK) *rounded = kr_f64_mod(kr_ratio_to_f64(a), kr_ratio_to_f64(b));
    return status;
  default:
    status = pow_ratio(a, b, result);
    if (status != KR_OK) *rounded = kr_power_to_f64(a, b);
    return status;
  }
}

static bool fold_dim(KrElab *e, char op, const KrVal *a, const KrVal *b, KrSpan span, KrDim *dim) {
  bool ok = true;
  if (op == '*' || op == '/') {
    *dim = kr_dim_combine(a->dim, b->dim, op == '*' ? 1 : -1);
  } else if (op == '^') {
    const KrNumber *n = &b->as.number;
    bool small = n->exact && n->ratio.num < 100 && n->ratio.num > -100 && n->ratio.den < 100;
    *dim = small ? kr_dim_power(a->dim, (int)n->ratio.num, (int)n->ratio.den, &ok) : a->dim;
    ok = ok && (small || kr_dim_is_plain(&a->dim)) && kr_dim_is_plain(&b->dim);
    if (!ok)
      kr_diagnose(e->list, KR_ERROR, span, "divide by the unit first, as in `x / 1Hz`",
                  "`^` cannot raise %s to this exponent", kr_dim_text(e, &a->dim));
  } else {
    ok = kr_dim_fits(&a->dim, &b->dim);
    *dim = kr_dim_join(a->dim, b->dim);
    if (!ok)
      kr_diagnose(e->list, KR_ERROR, span, "both sides need the same unit", "`%c` of %s and %s", op,
                  kr_dim_text(e, &a->dim), kr_dim_text(e, &b->dim));
  }
  return ok;
}

KrVal kr_fold_binary(KrElab *e, char op, const KrVal *a, const KrVal *b, KrSpan span) {
  const KrNumber *x = &a->as.number, *y = &b->as.number;
  KrDim dim;
  if (!fold_dim(e, op, a, b, span, &dim)) return kr_val_poison();
  bool zero = y->exact ? y->ratio.num == 0 : y->value == 0;
  bool base_zero = x->exact ? x->ratio.num == 0 : x->value == 0;
  if (((op == '/' || op == '%') && zero) || (op == '^' && base_zero && y->value < 0)) {
    kr_diagnose(e->list, KR_ERROR, span, "test the divisor first", "division by zero");
    return kr_val_poison();
  }
  KrRatio ratio;
  double rounded = 0;
  KrVal result;
  if (x->exact && y->exact && fold_exact(op, x->ratio, y->ratio, &ratio, &rounded) == KR_OK) {
    result = kr_val_exact(ratio);
  } else {
    char name[4] = {'`', op, '`', 0};
    const char *lost = !x->exact   ? x->lost
                       : !y->exact ? y->lost
                                   : kr_text_print(e->arena, "%s", name);
    if (!x->exact || !y->exact) rounded = fold_inexact(op, x->value, y->value);
    result = kr_val_inexact(e, rounded, lost, span);
  }
  result.dim = dim;
  return result;
}

KrVal kr_fold_negate(KrElab *e, const KrVal *a, KrSpan span) {
  KrVal zero = kr_val_exact(KR_RATIO_ZERO);
  return kr_fold_binary(e, '-', &zero, a, span);
}

static bool fold_rounding(KrText name, KrRatio x, KrRatio *result) {
  if (kr_text_is(name, "floor"))
    *result = kr_ratio_of(kr_ratio_floor(x));
  else if (kr_text_is(name, "ceil"))
    *result = kr_ratio_of(kr_ratio_ceil(x));
  else if (kr_text_is(name, "round"))
    *result = kr_ratio_of(kr_ratio_round(x));
  else if (kr_text_is(name, "abs") && x.num > INT64_MIN)
    *result = x.num < 0 ? kr_ratio_negate(x) : x;
  else
    return false;
  return true;
}

bool kr_fold_call(KrElab *e, KrText name, const KrVal *at, uint32_t n, KrSpan span, KrVal *result) {
  for (uint32_t i = 0; i < n; i++)
    if (at[i].kind != KR_VAL_NUMBER || !at[i].as.number.exact) return false;
  KrRatio ratio;
  if (n == 1 && fold_rounding(name, at[0].as.number.ratio, &ratio)) {
    *result = kr_val_exact(ratio);
    result->dim = at[0].dim;
    return true;
  }
  if (n != 2) return false;
  if (kr_text_is(name, "div")) {
    *result = kr_fold_binary(e, '/', &at[0], &at[1], span);
    if (result->kind == KR_VAL_NUMBER && result->as.number.exact) {
      KrDim dim = result->dim;
      *result = kr_val_exact(kr_ratio_of(kr_ratio_floor(result->as.number.ratio)));
      result->dim = dim;
    }
    return true;
  }
  bool least = kr_text_is(name, "min");
  if (!least && !kr_text_is(name, "max")) return false;
  if (!kr_dim_fits(&at[0].dim, &at[1].dim)) return false;
  int order = kr_ratio_compare(at[0].as.number.ratio, at[1].as.number.ratio);
  *result = (order <= 0) == least ? at[0] : at[1];
  result->dim = kr_dim_join(at[0].dim, at[1].dim);
  return true;
}

bool kr_fold_compare(KrText op, const KrVal *a, const KrVal *b) {
  const KrNumber *x = &a->as.number, *y = &b->as.number;
  int order = x->exact && y->exact ? kr_ratio_compare(x->ratio, y->ratio)
                                   : (x->value > y->value) - (x->value < y->value);
  if (kr_text_is(op, "==")) return order == 0;
  if (kr_text_is(op, "!=")) return order != 0;
  if (kr_text_is(op, "<")) return order < 0;
  if (kr_text_is(op, "<=")) return order <= 0;
  if (kr_text_is(op, ">")) return order > 0;
  return order >= 0;
}

static bool bounds_of(KrElem elem, int64_t *least, int64_t *most) {
  *least = elem == KR_ELEM_I32 ? INT32_MIN : elem == KR_ELEM_I64 ? INT64_MIN : 0;
  *most = elem == KR_ELEM_I32 ? INT32_MAX : elem == KR_ELEM_U32 ? UINT32_MAX : INT64_MAX;
  return elem != KR_ELEM_BOOL && !kr_elem_is_real(elem);
}

bool kr_number_fits(const KrNumber *number, KrElem elem) {
  int64_t least, most;
  return bounds_of(elem, &least, &most) && number->exact && number->ratio.den == 1 &&
         number->ratio.num >= least && number->ratio.num <= most;
}

/// Real to integer: toward zero, saturating.
static KrConst integer_of(const KrNumber *number, KrElem elem) {
  KrConst out = {.elem = elem};
  int64_t least, most, whole;
  bounds_of(elem, &least, &most);
  if (number->exact)
    whole = number->ratio.num / number->ratio.den;
  else
    whole = kr_f64_to_i64(number->value);
  if (elem == KR_ELEM_U64) {
    out.as.u64 = number->exact ? (whole < 0 ? 0 : (uint64_t)whole) : kr_f64_to_u64(number->value);
    return out;
  }
  whole = whole < least ? least : whole > most ? most : whole;
  if (elem == KR_ELEM_I64)
    out.as.i64 = whole;
  else if (elem == KR_ELEM_I32)
    out.as.i32 = (int32_t)whole;
  else
    out.as.u32 = (uint32_t)whole;
  return out;
}

bool kr_number_const(KrElab *e, const KrNumber *number, KrElem elem, KrSpan span, KrConst *out) {
  *out = (KrConst){.elem = elem};
  if (!kr_elem_is_real(elem)) {
    *out = integer_of(number, elem);
    return true;
  }
  if (elem == KR_ELEM_F64) {
    out->as.f64 = number->value;
    return true;
  }
  const KrRatio *r = &number->ratio;
  out->as.f32 = number->exact ? kr_wide_to_f32(r->num < 0, (KrU128){magnitude_of(r->num), 0},
                                               (KrU128){(uint64_t)r->den, 0})
                              : (float)number->value;
  if (out->as.f32 - out->as.f32 == 0) {
    if (out->as.f32 == 0) out->as.f32 = 0;
    return true;
  }
  kr_diagnose(e->list, KR_ERROR, span, "use a flow with @real=f64",
              "the constant %g is too large for f32", number->value);
  return false;
}

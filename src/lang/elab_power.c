/// Decides integer powers of exact numbers whose result is not exact any more: rounded once from
/// the exact value, by long multiplication and division.
#include "base/round.h"
#include "lang/elab_core.h"
#include "math/elementary.h"

enum { MAX_LIMBS = 4096 };

typedef struct Big {
  uint32_t *limb;
  uint32_t n;
} Big;

static void multiply_big(Big *big, uint32_t factor) {
  uint64_t carry = 0;
  for (uint32_t i = 0; i < big->n; i++) {
    carry += (uint64_t)big->limb[i] * factor;
    big->limb[i] = (uint32_t)carry;
    carry >>= 32;
  }
  if (carry != 0) big->limb[big->n++] = (uint32_t)carry;
}

/// big * factor for 64-bit factors, by way of a shifted copy.
static void multiply_wide(Big *big, uint64_t factor, uint32_t *scratch) {
  uint32_t high = (uint32_t)(factor >> 32);
  Big upper = {scratch, big->n};
  for (uint32_t i = 0; i < big->n; i++) upper.limb[i] = big->limb[i];
  multiply_big(big, (uint32_t)factor);
  if (high == 0) return;
  multiply_big(&upper, high);
  for (uint32_t i = big->n; i < upper.n + 2; i++) big->limb[i] = 0;
  uint64_t carry = 0;
  uint32_t i = 0;
  for (; i < upper.n || carry != 0; i++) {
    carry += (uint64_t)big->limb[i + 1] + (i < upper.n ? upper.limb[i] : 0);
    big->limb[i + 1] = (uint32_t)carry;
    carry >>= 32;
  }
  if (i + 1 > big->n) big->n = i + 1;
  while (big->n > 1 && big->limb[big->n - 1] == 0) big->n--;
}

static uint32_t bits_of(const Big *big) {
  uint32_t top = big->limb[big->n - 1];
  return top == 0 ? 0 : big->n * 32 - (uint32_t)__builtin_clz(top);
}

static void shift_left(Big *big, uint32_t n_bits) {
  uint32_t limbs = n_bits / 32, bits = n_bits % 32;
  for (uint32_t i = big->n + limbs + 1; i-- > 0;) {
    uint64_t low = i >= limbs + 1 && i - limbs - 1 < big->n ? big->limb[i - limbs - 1] : 0;
    uint64_t high = i >= limbs && i - limbs < big->n ? big->limb[i - limbs] : 0;
    big->limb[i] = (uint32_t)(((high << 32 | low) << bits) >> 32);
  }
  big->n += limbs + 1;
  while (big->n > 1 && big->limb[big->n - 1] == 0) big->n--;
}

static int compare_big(const Big *a, const Big *b) {
  if (a->n != b->n) return a->n < b->n ? -1 : 1;
  for (uint32_t i = a->n; i-- > 0;)
    if (a->limb[i] != b->limb[i]) return a->limb[i] < b->limb[i] ? -1 : 1;
  return 0;
}

static void subtract_big(Big *a, const Big *b) {
  int64_t borrow = 0;
  for (uint32_t i = 0; i < a->n; i++) {
    int64_t rest = (int64_t)a->limb[i] - (i < b->n ? (int64_t)b->limb[i] : 0) + borrow;
    a->limb[i] = (uint32_t)rest;
    borrow = rest < 0 ? -1 : 0;
  }
  while (a->n > 1 && a->limb[a->n - 1] == 0) a->n--;
}

static bool raise_big(Big *big, uint64_t base, uint32_t exponent, uint32_t *scratch) {
  big->limb[0] = 1;
  big->n = 1;
  for (uint32_t i = 0; i < exponent; i++) {
    if (big->n + 4 > MAX_LIMBS / 2) return false;
    multiply_wide(big, base, scratch);
  }
  return true;
}

/// num / den: 64 quotient bits, then whether a rest is left.
static double divide_big(Big *num, Big *den, bool negative) {
  int exponent = (int)bits_of(num) - (int)bits_of(den);
  if (exponent > 0) shift_left(den, (uint32_t)exponent);
  if (exponent < 0) shift_left(num, (uint32_t)-exponent);
  uint64_t bits = 0;
  for (int i = 0; i < 64; i++) {
    bits <<= 1;
    if (compare_big(num, den) >= 0) {
      subtract_big(num, den);
      bits |= 1;
    }
    shift_left(num, 1);
  }
  bool sticky = num->n > 1 || num->limb[0] != 0;
  return kr_round_f64(negative, bits, sticky, exponent - 63);
}

double kr_power_to_f64(KrRatio a, KrRatio b) {
  double fallback = kr_f64_pow(kr_ratio_to_f64(a), kr_ratio_to_f64(b));
  if (b.den != 1 || b.num > 4096 || b.num < -4096 || a.num == 0) return fallback;
  static const uint32_t size = MAX_LIMBS;
  uint32_t num_limbs[MAX_LIMBS], den_limbs[MAX_LIMBS], scratch[MAX_LIMBS];
  Big num = {num_limbs, 0}, den = {den_limbs, 0};
  uint64_t top = a.num < 0 ? 0 - (uint64_t)a.num : (uint64_t)a.num, bottom = (uint64_t)a.den;
  uint32_t exponent = (uint32_t)(b.num < 0 ? -b.num : b.num);
  if (b.num < 0) {
    uint64_t swap = top;
    top = bottom;
    bottom = swap;
  }
  if (!raise_big(&num, top, exponent, scratch) || !raise_big(&den, bottom, exponent, scratch))
    return fallback;
  uint32_t apart =
      bits_of(&num) > bits_of(&den) ? bits_of(&num) - bits_of(&den) : bits_of(&den) - bits_of(&num);
  if ((apart + 128) / 32 + num.n + den.n + 4 > size) return fallback;
  return divide_big(&num, &den, a.num < 0 && (exponent & 1) != 0);
}

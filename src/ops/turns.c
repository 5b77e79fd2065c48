// How a constant frequency or phase becomes a 64-bit fraction of a turn: long division, no floats.
#include "ops/turns.h"
#include <string.h>

typedef struct Quotient {
  uint64_t low; // floor(num * 2^shift / den) modulo 2^64
  KrU128 rest;
} Quotient;

// num, den < 2^127.
static Quotient divide(KrU128 num, KrU128 den, unsigned shift) {
  Quotient q;
  q.low = kr_wide_div(num, den, &q.rest).low;
  for (unsigned i = 0; i < shift; i++) {
    q.rest = kr_wide_shift_left(q.rest, 1);
    bool bit = kr_wide_compare(q.rest, den) >= 0;
    if (bit) q.rest = kr_wide_sub(q.rest, den);
    q.low = q.low << 1 | bit;
  }
  return q;
}

static uint64_t round_quotient(Quotient q, KrU128 den, bool up, bool negative) {
  bool some = q.rest.low != 0 || q.rest.high != 0;
  bool half = kr_wide_compare(kr_wide_shift_left(q.rest, 1), den) >= 0;
  // "Up" of a negative number is toward zero.
  bool more = up ? some && !negative : half;
  uint64_t result = q.low + more;
  return negative ? 0 - result : result;
}

static uint64_t magnitude(int64_t x) { return x < 0 ? 0 - (uint64_t)x : (uint64_t)x; }

uint64_t kr_turns_of_ratio(KrRatio freq, KrRatio dt, bool up) {
  KrU128 num = kr_wide_mul(magnitude(freq.num), magnitude(dt.num));
  KrU128 den = kr_wide_mul((uint64_t)freq.den, (uint64_t)dt.den);
  return round_quotient(divide(num, den, 64), den, up, freq.num < 0);
}

uint64_t kr_turns_of_real(double freq, KrRatio dt, bool up) {
  uint64_t bits;
  memcpy(&bits, &freq, sizeof bits);
  int exponent = (int)(bits >> 52 & 0x7ff);
  if (exponent == 0x7ff) return 0;
  uint64_t mantissa = bits & ((UINT64_C(1) << 52) - 1);
  if (exponent == 0)
    exponent = 1;
  else
    mantissa |= UINT64_C(1) << 52;
  // freq = mantissa * 2^(exponent - 1075); the phase wants 2^64 times that.
  int shift = exponent - 1075 + 64;
  KrU128 num = kr_wide_mul(mantissa, magnitude(dt.num));
  KrU128 den = {(uint64_t)dt.den, 0};
  bool negative = (bits >> 63) != 0;
  if (shift >= 0) return round_quotient(divide(num, den, (unsigned)shift), den, up, negative);
  // Below 2^-64 of a turn nothing but "up" is left.
  if (shift < -60) {
    if (shift < -126) return up && mantissa != 0 && !negative ? 1 : 0;
    KrU128 rest, q = kr_wide_div(num, den, &rest);
    KrU128 whole = kr_wide_shift_right(q, (unsigned)-shift);
    KrU128 cut = kr_wide_sub(q, kr_wide_shift_left(whole, (unsigned)-shift));
    bool half = kr_wide_compare(kr_wide_shift_left(cut, 1),
                                kr_wide_shift_left((KrU128){1, 0}, (unsigned)-shift)) >= 0;
    bool some = cut.low != 0 || cut.high != 0 || rest.low != 0 || rest.high != 0;
    uint64_t result = whole.low + (up ? some && !negative : half);
    return negative ? 0 - result : result;
  }
  den = kr_wide_shift_left(den, (unsigned)-shift);
  return round_quotient(divide(num, den, 0), den, up, negative);
}

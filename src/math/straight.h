/// Exponentials and logarithms in f64 for ordinary inputs, without branches, so that loops over
/// them vectorise: the operations of src/math/exponential.c in the same order, hence the same bits.
/// Internal to src/math.
///
/// kr_straight_NAME(x, &y): true when x is ordinary and y the result.
#ifndef KR_MATH_STRAIGHT_H
#define KR_MATH_STRAIGHT_H
#include "math/elementary_table.h"
#include "math/real.h"
#include <stdbool.h>

// Nearest whole number, half away from zero, |x| < 2^51.
static inline double straight_round(double x) {
  double a = __builtin_fabs(x), r = (a + 0x1p52) - 0x1p52;
  uint64_t up = 0 - (uint64_t)(a - r >= 0.5);
  r += kr_f64_from_bits(up & UINT64_C(0x3ff0000000000000));
  return __builtin_copysign(r, x);
}

// 2^(steps/64) * e^r, |steps| < 2^16
static inline double straight_exp_step(double steps, double r) {
  uint64_t bits = kr_f64_to_bits(steps + 0x1.8p52), i = bits & 63;
  double p = r * r * (1.0 / 2 + r * (1.0 / 6 + r * (1.0 / 24 + r * (1.0 / 120 + r * (1.0 / 720)))));
  double y = EXP2_TABLE[i].hi + (EXP2_TABLE[i].lo + EXP2_TABLE[i].hi * (r + p));
  return y * kr_f64_from_bits(((bits - i) << 46) + (UINT64_C(1023) << 52));
}
static inline bool kr_straight_exp(double x, double *y) {
  double steps = straight_round(x * INV_LN2_64.hi);
  *y = straight_exp_step(steps, (x - steps * LN2_64.hi) - steps * LN2_64.lo);
  return __builtin_fabs(x) < 700;
}
static inline bool kr_straight_exp2(double x, double *y) {
  double steps = straight_round(x * 64);
  *y = straight_exp_step(steps, (x - steps * 0x1p-6) * LN2.hi);
  return __builtin_fabs(x) < 1000;
}

// ln x of a normal x > 0
static inline KrPair straight_log_pair(double x) {
  uint64_t bits = kr_f64_to_bits(x), from = bits - UINT64_C(0x3fe6000000000000);
  uint64_t exponent = (from + (UINT64_C(1024) << 52)) >> 52, i = from >> 45 & 127;
  double k = kr_f64_from_bits(exponent | UINT64_C(0x433) << 52) - (0x1p52 + 1024);
  double z = kr_f64_from_bits(bits - (from & UINT64_C(0xfff0000000000000)));
  double inverse = LOG_TABLE[i].inverse;
  double zh = kr_f64_from_bits(kr_f64_to_bits(z) & UINT64_C(0xfffffffff8000000));
  KrPair r = kr_pair_fast_sum(zh * inverse - 1, (z - zh) * inverse);
  KrPair square = kr_pair_product(r.hi, r.hi);
  double t = r.hi;
  double p = 1.0 / 7 - t * (1.0 / 8 - t * (1.0 / 9 - t * (1.0 / 10)));
  p = 1.0 / 3 - t * (1.0 / 4 - t * (1.0 / 5 - t * (1.0 / 6 - t * p)));
  KrPair a = kr_pair_sum(k * LN2_EXACT.hi + LOG_TABLE[i].log.hi, r.hi);
  KrPair b = kr_pair_sum(a.hi, -0.5 * square.hi);
  double low = r.lo - r.hi * r.lo - 0.5 * square.lo + (k * LN2_EXACT.lo + LOG_TABLE[i].log.lo) +
               t * square.hi * p;
  return kr_pair_fast_sum(b.hi, a.lo + b.lo + low);
}
static inline bool straight_can_log(double x) {
  return (x >= 0x1p-1022) & (x <= 0x1.fffffffffffffp1023);
}
static inline bool kr_straight_log(double x, double *y) {
  *y = straight_log_pair(x).hi;
  return straight_can_log(x);
}
static inline bool kr_straight_log2(double x, double *y) {
  *y = kr_pair_mul(straight_log_pair(x), INV_LN2).hi;
  return straight_can_log(x);
}
static inline bool kr_straight_log10(double x, double *y) {
  *y = kr_pair_mul(straight_log_pair(x), INV_LN10).hi;
  return straight_can_log(x);
}
static inline bool kr_straight_db(double x, double *y) {
  *y = kr_pair_mul(straight_log_pair(x), DECIBELS).hi;
  return straight_can_log(x);
}
#endif

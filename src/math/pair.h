/// Sums of two doubles: about 106 bits out of IEEE + - * / alone (Dekker 1971; Shewchuk 1997, 2-4).
/// Internal to src/math. |hi| < 2^996 and no part of a product below 2^-1022.
#ifndef KR_MATH_PAIR_H
#define KR_MATH_PAIR_H
#include <stdint.h>

typedef struct KrPair {
  double hi, lo; ///< |lo| a few units in the last place of hi at most
} KrPair;

/// a + b exactly.
static inline KrPair kr_pair_sum(double a, double b) {
  double s = a + b, t = s - a;
  return (KrPair){s, (a - (s - t)) + (b - t)};
}
/// a + b exactly when |a| >= |b| or a == 0.
static inline KrPair kr_pair_fast_sum(double a, double b) {
  double s = a + b;
  return (KrPair){s, b - (s - a)};
}
/// 26 bits and the rest.
static inline KrPair kr_pair_split(double a) {
  double c = 0x8000001p0 * a, hi = c - (c - a);
  return (KrPair){hi, a - hi};
}
/// a * b exactly.
static inline KrPair kr_pair_product(double a, double b) {
  KrPair x = kr_pair_split(a), y = kr_pair_split(b);
  double p = a * b;
  return (KrPair){p, ((x.hi * y.hi - p) + x.hi * y.lo + x.lo * y.hi) + x.lo * y.lo};
}
static inline KrPair kr_pair_add(KrPair a, KrPair b) {
  KrPair s = kr_pair_sum(a.hi, b.hi);
  return kr_pair_fast_sum(s.hi, s.lo + (a.lo + b.lo));
}
static inline KrPair kr_pair_mul(KrPair a, KrPair b) {
  KrPair p = kr_pair_product(a.hi, b.hi);
  return kr_pair_fast_sum(p.hi, p.lo + (a.hi * b.lo + a.lo * b.hi));
}
static inline KrPair kr_pair_div(KrPair a, KrPair b) {
  double q = a.hi / b.hi;
  KrPair p = kr_pair_product(q, b.hi);
  return kr_pair_fast_sum(q, ((a.hi - p.hi) - p.lo + a.lo - q * b.lo) / b.hi);
}
/// Root of a positive number.
static inline KrPair kr_pair_sqrt(KrPair a) {
  double s = __builtin_sqrt(a.hi);
  KrPair p = kr_pair_product(s, s);
  return kr_pair_fast_sum(s, ((a.hi - p.hi) - p.lo + a.lo) / (2 * s));
}
static inline KrPair kr_pair_negate(KrPair a) { return (KrPair){-a.hi, -a.lo}; }
#endif

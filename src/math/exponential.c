// Exponentials, logarithms, powers and hyperbolic functions in f64. Exponential: 2^(k/64) from a
// table times a Taylor sum; logarithm: slice of a table, then a Taylor sum, both carried as pairs
// so that only the last addition rounds visibly (Tang 1989, 1990).
#include "math/elementary.h"
#include "math/elementary_table.h"
#include "math/real.h"

#define INFINITE __builtin_inf()

// A value times 2^scale; 1 <= value < 2.
typedef struct Scaled {
  KrPair value;
  int scale;
} Scaled;

// Two steps, so that neither factor leaves the normal range; |scale| <= 2040.
static double scale_by(double x, int scale) {
  int half = scale / 2, rest = scale - half;
  x *= kr_f64_from_bits((uint64_t)(1023 + half) << 52);
  return x * kr_f64_from_bits((uint64_t)(1023 + rest) << 52);
}

static double round_scaled(Scaled x) { return scale_by(x.value.hi + x.value.lo, x.scale); }

// The pair itself; |scale| <= 1000.
static KrPair unscale(Scaled x) {
  double power = kr_f64_from_bits((uint64_t)(1023 + x.scale) << 52);
  return (KrPair){x.value.hi * power, x.value.lo * power};
}

// 2^(steps/64) * e^r, |r| <= 0.0055. Relative error below 2^-60.
static Scaled exp_step(double steps, double r) {
  int k = (int)steps, i = k & 63;
  double p = r * r * (1.0 / 2 + r * (1.0 / 6 + r * (1.0 / 24 + r * (1.0 / 120 + r * (1.0 / 720)))));
  KrPair t = EXP2_TABLE[i];
  double low = t.lo + t.hi * (r + p);
  return (Scaled){kr_pair_fast_sum(t.hi, low), (k - i) / 64};
}

// e^(x.hi + x.lo), |x.hi| <= 1400.
static Scaled exp_pair(KrPair x) {
  double steps = kr_f64_round(x.hi * INV_LN2_64.hi);
  double r = (x.hi - steps * LN2_64.hi) - (steps * LN2_64.lo - x.lo);
  return exp_step(steps, r);
}

// 2^(x.hi + x.lo), |x.hi| <= 2000.
static Scaled exp2_pair(KrPair x) {
  double steps = kr_f64_round(x.hi * 64);
  double r = (x.hi - steps * 0x1p-6) * LN2.hi + x.lo * LN2.hi;
  return exp_step(steps, r);
}

static double limit(double x, double bound) { return x > bound ? bound : x < -bound ? -bound : x; }

double kr_f64_exp(double x) {
  if (x != x) return kr_f64_nan();
  return round_scaled(exp_pair((KrPair){limit(x, 1000), 0}));
}

double kr_f64_exp2(double x) {
  if (x != x) return kr_f64_nan();
  return round_scaled(exp2_pair((KrPair){limit(x, 1500), 0}));
}

// ln x of a positive finite x, relative error below 2^-65.
static KrPair log_pair(double x) {
  uint64_t bits = kr_f64_to_bits(x);
  int k = 0;
  if (bits < UINT64_C(1) << 52) {
    bits = kr_f64_to_bits(x * 0x1p54);
    k = -54;
  }
  uint64_t from = bits - UINT64_C(0x3fe6000000000000);
  k += (int)((int64_t)from >> 52);
  double z = kr_f64_from_bits(bits - (from & UINT64_C(0xfff0000000000000)));
  double inverse = LOG_TABLE[from >> 45 & 127].inverse;
  KrPair c = LOG_TABLE[from >> 45 & 127].log;
  // z in 26 bits and the rest, so that z * inverse - 1 is exact as a pair.
  double zh = kr_f64_from_bits(kr_f64_to_bits(z) & UINT64_C(0xfffffffff8000000));
  KrPair r = kr_pair_fast_sum(zh * inverse - 1, (z - zh) * inverse);
  KrPair square = kr_pair_product(r.hi, r.hi);
  double t = r.hi;
  double p = 1.0 / 7 - t * (1.0 / 8 - t * (1.0 / 9 - t * (1.0 / 10)));
  p = 1.0 / 3 - t * (1.0 / 4 - t * (1.0 / 5 - t * (1.0 / 6 - t * p)));
  KrPair a = kr_pair_sum(k * LN2_EXACT.hi + c.hi, r.hi);
  KrPair b = kr_pair_sum(a.hi, -0.5 * square.hi);
  double low = r.lo - r.hi * r.lo - 0.5 * square.lo + (k * LN2_EXACT.lo + c.lo) + t * square.hi * p;
  return kr_pair_fast_sum(b.hi, a.lo + b.lo + low);
}

// The logarithms of what has none: true when *y is the answer.
static bool log_special(double x, double *y) {
  if (x > 0 && x < INFINITE) return false;
  *y = x == 0 ? -INFINITE : x > 0 ? INFINITE : kr_f64_nan();
  return true;
}

double kr_f64_log(double x) {
  double y;
  return log_special(x, &y) ? y : log_pair(x).hi;
}

double kr_f64_log2(double x) {
  double y;
  return log_special(x, &y) ? y : kr_pair_mul(log_pair(x), INV_LN2).hi;
}

double kr_f64_log10(double x) {
  double y;
  return log_special(x, &y) ? y : kr_pair_mul(log_pair(x), INV_LN10).hi;
}

double kr_f64_db(double x) {
  double y;
  return log_special(x, &y) ? y : kr_pair_mul(log_pair(x), DECIBELS).hi;
}

// 12 log2(x / f0), f0 the frequency of key 0; x far out is brought near in steps of 600 octaves.
double kr_f64_ftom(double x) {
  double y, keys = 0;
  if (log_special(x, &y)) return y;
  if (x > 0x1p500) x *= 0x1p-600, keys = 7200;
  if (x < 0x1p-500) x *= 0x1p600, keys = -7200;
  KrPair ratio = kr_pair_div((KrPair){x, 0}, HZ_OF_KEY_0);
  KrPair l = kr_pair_add(log_pair(ratio.hi), (KrPair){ratio.lo / ratio.hi, 0});
  return kr_pair_add((KrPair){keys, 0}, kr_pair_mul(l, SEMITONES)).hi;
}

double kr_f64_mtof(double x) {
  if (x != x) return kr_f64_nan();
  KrPair octaves = kr_pair_div(kr_pair_sum(limit(x, 0x1p14), -69), (KrPair){12, 0});
  Scaled y = exp2_pair(octaves);
  KrPair hz = kr_pair_mul(y.value, (KrPair){440, 0});
  return scale_by(hz.hi, y.scale);
}

double kr_f64_lin(double x) {
  if (x != x) return kr_f64_nan();
  x = limit(x, 8000);
  if (kr_f64_abs(x) < 0x1p-60) return 1;
  return round_scaled(exp2_pair(kr_pair_mul((KrPair){x, 0}, LOG2_OF_1DB)));
}

// x^y for x > 0 finite, y finite and not 0.
static double pow_positive(double x, double y) {
  double size = kr_f64_abs(y);
  if (x == 1 || size < 0x1p-65) return 1;
  // |ln x| >= 2^-53, so the power is out of range beyond 2^64.
  if (size > 0x1p64) return (x > 1) == (y > 0) ? INFINITE : 0;
  KrPair l = log_pair(x), p = kr_pair_product(l.hi, y);
  if (kr_f64_abs(p.hi) > 1000) return p.hi > 0 ? INFINITE : 0;
  return round_scaled(exp_pair((KrPair){p.hi, p.lo + l.lo * y}));
}

// Powers of 0 and infinity, and powers to infinity; C17 F.10.4.4.
static double pow_limit(double x, double y, bool odd) {
  double size = kr_f64_abs(x);
  if (y == INFINITE || y == -INFINITE) return size == 1 ? 1 : (size > 1) == (y > 0) ? INFINITE : 0;
  double r = (size > 1) == (y > 0) ? INFINITE : 0;
  return odd ? kr_f64_copysign(r, x) : r;
}

double kr_f64_pow(double x, double y) {
  if (x == 1 || y == 0) return 1;
  if (x != x || y != y) return kr_f64_nan();
  double half = y * 0.5, size = kr_f64_abs(x);
  bool whole = kr_f64_trunc(y) == y, odd = whole && kr_f64_trunc(half) != half;
  if (size == 0 || size == INFINITE || kr_f64_abs(y) == INFINITE) return pow_limit(x, y, odd);
  if (x < 0 && !whole) return kr_f64_nan();
  double r = pow_positive(size, y);
  return x < 0 && odd ? -r : r;
}

// 1 / e^x from e^x.
static KrPair invert(KrPair e) { return kr_pair_div((KrPair){1, 0}, e); }

// sinh x / x - 1 and cosh x - 1 over x^2 as Taylor sums, z = x^2 <= 1.
static double sinh_sum(double z) {
  double p =
      1.0 / 39916800 +
      z * (1.0 / 6227020800 + z * (1.0 / 1307674368000 +
                                   z * (1.0 / 355687428096000 + z * (1.0 / 121645100408832000))));
  return 1.0 / 6 + z * (1.0 / 120 + z * (1.0 / 5040 + z * (1.0 / 362880 + z * p)));
}
static double cosh_sum(double z) {
  double p =
      1.0 / 3628800 +
      z * (1.0 / 479001600 +
           z * (1.0 / 87178291200 + z * (1.0 / 20922789888000 + z * (1.0 / 6402373705728000))));
  return 1.0 / 2 + z * (1.0 / 24 + z * (1.0 / 720 + z * (1.0 / 40320 + z * p)));
}

double kr_f64_sinh(double x) {
  if (x != x) return kr_f64_nan();
  double a = kr_f64_abs(x), z = a * a;
  if (a < 0x1p-27) return x;
  if (a < 1) return x + x * z * sinh_sum(z);
  Scaled e = exp_pair((KrPair){limit(a, 1000), 0});
  e.scale--;
  double r = a > 40 ? round_scaled(e) : 0;
  if (a <= 40) {
    KrPair up = unscale(e), down = invert(up);
    r = kr_pair_add(up, (KrPair){-0.25 * down.hi, -0.25 * down.lo}).hi;
  }
  return kr_f64_copysign(r, x);
}

double kr_f64_cosh(double x) {
  if (x != x) return kr_f64_nan();
  double a = kr_f64_abs(x);
  Scaled e = exp_pair((KrPair){limit(a, 1000), 0});
  e.scale--;
  if (a > 40) return round_scaled(e);
  KrPair up = unscale(e), down = invert(up);
  return kr_pair_add(up, (KrPair){0.25 * down.hi, 0.25 * down.lo}).hi;
}

double kr_f64_tanh(double x) {
  if (x != x) return kr_f64_nan();
  double a = kr_f64_abs(x), z = a * a, r = 1;
  if (a < 0x1p-27) return x;
  if (a < 0.5) {
    KrPair s = kr_pair_fast_sum(a, a * z * sinh_sum(z)), c = kr_pair_fast_sum(1, z * cosh_sum(z));
    r = kr_pair_div(s, c).hi;
  } else if (a < 22) {
    KrPair e = kr_pair_add(unscale(exp_pair((KrPair){2 * a, 0})), (KrPair){1, 0});
    KrPair q = kr_pair_div((KrPair){-2, 0}, e);
    r = kr_pair_add((KrPair){1, 0}, q).hi;
  }
  return kr_f64_copysign(r, x);
}

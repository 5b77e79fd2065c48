// Circular functions and their inverses in f64. Reduction by pi/2 in four parts (Cody and Waite
// 1980), beyond 2^20 with the digits of 2/pi (Payne and Hanek 1983), then Taylor sums; arcs by a
// table of atan(i/64) and the addition theorem on pairs.
#include "base/wide.h"
#include "math/elementary.h"
#include "math/elementary_table.h"
#include "math/real.h"

#define INFINITE __builtin_inf()

// An angle of quarter * pi/2 + rest, |rest| <= pi/4 and a little.
typedef struct Angle {
  KrPair rest;
  unsigned quarter; ///< mod 4
} Angle;

// |x| < 2^20 * pi/2: the products with the first three parts are exact.
static Angle reduce_near(double x) {
  double k = kr_f64_round(x * TWO_OVER_PI);
  KrPair a = kr_pair_sum(x - k * HALF_PI_PARTS[0], -k * HALF_PI_PARTS[1]);
  KrPair b = kr_pair_sum(a.hi, -k * HALF_PI_PARTS[2]);
  KrPair rest = kr_pair_fast_sum(b.hi, (a.lo + b.lo) - k * HALF_PI_PARTS[3]);
  return (Angle){rest, (unsigned)(int)k & 3};
}

// mantissa * (256 digits of 2/pi from `digit` on), mod 2^256; word 0 is the lowest.
static void multiply_digits(uint64_t mantissa, unsigned digit, uint64_t product[4]) {
  unsigned word = digit / 64, shift = digit % 64;
  uint64_t carry = 0;
  for (unsigned i = 0; i < 4; i++) {
    uint64_t high = TWO_OVER_PI_DIGITS[word + 3 - i], low = TWO_OVER_PI_DIGITS[word + 4 - i];
    KrU128 p = kr_wide_mul(mantissa, shift ? high << shift | low >> (64 - shift) : high);
    product[i] = p.low + carry;
    carry = p.high + (product[i] < carry);
  }
}

// The top 106 bits of a positive fraction of 192 bits, as a pair.
static KrPair fraction_to_pair(uint64_t a, uint64_t b, uint64_t c) {
  double scale = 1;
  if (a == 0) {
    a = b, b = c, c = 0;
    scale = 0x1p-64;
  }
  unsigned zeros = a ? (unsigned)__builtin_clzll(a) : 63;
  if (zeros) {
    a = a << zeros | b >> (64 - zeros);
    b = b << zeros | c >> (64 - zeros);
  }
  scale *= kr_f64_from_bits((uint64_t)(1023 - zeros) << 52);
  double hi = (double)(a >> 11) * 0x1p-53, lo = (double)((a & 2047) << 42 | b >> 22) * 0x1p-106;
  return (KrPair){hi * scale, lo * scale};
}

// x finite, |x| >= 2^20. The two top bits of x * 2/pi mod 4 are the quarter; the rest is at least
// 2^-62, and 192 of its 254 bits are kept.
static Angle reduce_far(double x) {
  uint64_t bits = kr_f64_to_bits(x), p[4];
  int exponent = (int)(bits >> 52 & 2047) - 1075;
  uint64_t mantissa = (bits & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1) << 52;
  // Digit i (from 1) of 2/pi is at index 63 + i of the array; digits below exponent - 1 give whole
  // turns.
  multiply_digits(mantissa, (unsigned)(exponent - 1 + 63), p);
  unsigned quarter = (unsigned)(p[3] >> 62);
  uint64_t a = p[3] << 2 | p[2] >> 62, b = p[2] << 2 | p[1] >> 62, c = p[1] << 2 | p[0] >> 62;
  bool above = a >> 63;
  if (above) {
    quarter++;
    c = ~c, b = ~b, a = ~a;
  }
  KrPair rest = kr_pair_mul(fraction_to_pair(a, b, c), HALF_PI);
  bool minus = bits >> 63;
  if (above != minus) rest = kr_pair_negate(rest);
  return (Angle){rest, (minus ? 0 - quarter : quarter) & 3};
}

static Angle reduce(double x) { return kr_f64_abs(x) < 0x1p20 ? reduce_near(x) : reduce_far(x); }

// x turns; |x| >= 2^-40 or 0, finite.
static Angle reduce_turns(double x) {
  x = x - kr_f64_trunc(x);
  double k = kr_f64_round(4 * x), f = x - k * 0.25;
  return (Angle){kr_pair_mul((KrPair){f, 0}, TWO_PI), (unsigned)(int)k & 3};
}

// Taylor sums; sin r = r + sin_tail, |r| < 0.8.
static double sin_tail(KrPair r) {
  double z = r.hi * r.hi;
  double p = 1.0 / 39916800 -
             z * (1.0 / 6227020800 - z * (1.0 / 1307674368000 - z * (1.0 / 355687428096000)));
  p = 1.0 / 6 - z * (1.0 / 120 - z * (1.0 / 5040 - z * (1.0 / 362880 - z * p)));
  return r.lo * (1 - 0.5 * z) - r.hi * z * p;
}

static KrPair sin_pair(KrPair r) { return kr_pair_fast_sum(r.hi, sin_tail(r)); }

// The square of r.hi is split so that 1 - r^2/2 loses nothing.
static KrPair cos_pair(KrPair r) {
  double z = r.hi * r.hi;
  double p =
      1.0 / 3628800 -
      z * (1.0 / 479001600 -
           z * (1.0 / 87178291200 - z * (1.0 / 20922789888000 - z * (1.0 / 6402373705728000))));
  p = 1.0 / 24 - z * (1.0 / 720 - z * (1.0 / 40320 - z * p));
  double top = kr_f64_from_bits(kr_f64_to_bits(r.hi) & UINT64_C(0xfffffffff8000000));
  KrPair one = kr_pair_fast_sum(1, -0.5 * top * top);
  double low = z * z * p - 0.5 * (r.hi - top) * (r.hi + top) - r.hi * r.lo;
  return kr_pair_fast_sum(one.hi, one.lo + low);
}

static KrPair sin_at(Angle a) {
  KrPair r = a.quarter & 1 ? cos_pair(a.rest) : sin_pair(a.rest);
  return a.quarter & 2 ? kr_pair_negate(r) : r;
}

static KrPair cos_at(Angle a) {
  a.quarter++;
  return sin_at(a);
}

double kr_f64_sin(double x) {
  double size = kr_f64_abs(x);
  if (size < 0x1p-27) return x;
  return size < INFINITE ? sin_at(reduce(x)).hi : kr_f64_nan();
}

double kr_f64_cos(double x) {
  double size = kr_f64_abs(x);
  if (size < 0x1p-27) return 1;
  return size < INFINITE ? cos_at(reduce(x)).hi : kr_f64_nan();
}

// sin with r^3/6 as a pair: what a quotient needs to stay clear of 1 ulp.
static KrPair sin_pair_closely(KrPair r) {
  const KrPair sixth = {-0x1.5555555555555p-3, -0x1.5555555555555p-57};
  KrPair square = kr_pair_product(r.hi, r.hi), cube = kr_pair_product(r.hi, square.hi);
  cube.lo += r.hi * square.lo;
  double z = square.hi;
  double p = 1.0 / 39916800 -
             z * (1.0 / 6227020800 - z * (1.0 / 1307674368000 - z * (1.0 / 355687428096000)));
  p = 1.0 / 120 - z * (1.0 / 5040 - z * (1.0 / 362880 - z * p));
  KrPair rest = {r.hi, r.lo * (1 - 0.5 * z) + cube.hi * z * p};
  return kr_pair_add(rest, kr_pair_mul(cube, sixth));
}

double kr_f64_tan(double x) {
  double size = kr_f64_abs(x);
  if (size < 0x1p-27) return x;
  if (!(size < INFINITE)) return kr_f64_nan();
  Angle a = reduce(x);
  KrPair s = sin_pair_closely(a.rest), c = cos_pair(a.rest);
  return a.quarter & 1 ? -kr_pair_div(c, s).hi : kr_pair_div(s, c).hi;
}

double kr_f64_sin_turns(double x) {
  double size = kr_f64_abs(x);
  if (x == 0) return x;
  if (size < 0x1p-40) return kr_pair_mul((KrPair){x * 0x1p200, 0}, TWO_PI).hi * 0x1p-200;
  if (!(size < INFINITE)) return kr_f64_nan();
  double r = sin_at(reduce_turns(x)).hi;
  return r == 0 ? kr_f64_copysign(r, x) : r;
}

double kr_f64_cos_turns(double x) {
  if (!(kr_f64_abs(x) < INFINITE)) return kr_f64_nan();
  return kr_f64_abs(x) < 0x1p-40 ? 1 : cos_at(reduce_turns(x)).hi + 0.0;
}

void kr_f64_sincos_turns(double x, double *sine, double *cosine) {
  *sine = kr_f64_sin_turns(x);
  *cosine = kr_f64_cos_turns(x);
}

// atan(y / x), 0 <= y <= x and a little, neither below 2^-500 unless 0.
static KrPair atan_pair(KrPair y, KrPair x) {
  int i = (int)(y.hi / x.hi * 64 + 0.5);
  double c = i * 0x1p-6;
  // (y - c x) / (x + c y); c has 7 bits, so its products with half a mantissa are exact.
  KrPair half = kr_pair_split(x.hi), s = kr_pair_sum(y.hi, -c * half.hi);
  KrPair t = kr_pair_sum(s.hi, -c * half.lo), u = kr_pair_sum(x.hi, c * y.hi);
  KrPair num = {t.hi, s.lo + t.lo + y.lo - c * x.lo}, den = {u.hi, u.lo + x.lo + c * y.lo};
  KrPair q = kr_pair_div(num, den);
  double z = q.hi * q.hi;
  double p = 1.0 / 3 - z * (1.0 / 5 - z * (1.0 / 7 - z * (1.0 / 9 - z * (1.0 / 11))));
  KrPair sum = kr_pair_sum(ATAN_TABLE[i].hi, q.hi);
  return kr_pair_fast_sum(sum.hi, sum.lo + (ATAN_TABLE[i].lo + q.lo - q.hi * z * p));
}

// Angle of (x, y) in 0..pi; y >= 0, |x| and y within a factor 2^70 and far from the limits.
static KrPair arc(KrPair y, KrPair x) {
  KrPair size = x.hi < 0 ? kr_pair_negate(x) : x;
  KrPair a;
  if (y.hi <= size.hi)
    a = atan_pair(y, size);
  else
    a = kr_pair_add(HALF_PI, kr_pair_negate(atan_pair(size, y)));
  return x.hi < 0 ? kr_pair_add(PI, kr_pair_negate(a)) : a;
}

double kr_f64_atan(double x) {
  double a = kr_f64_abs(x);
  if (x != x) return kr_f64_nan();
  if (a < 0x1p-27) return x;
  double r = a > 0x1p60 ? HALF_PI.hi : arc((KrPair){a, 0}, (KrPair){1, 0}).hi;
  return kr_f64_copysign(r, x);
}

// sqrt(1 - x^2), 2^-500 < |x| <= 1.
static KrPair other_leg(double x) {
  KrPair square = kr_pair_product(x, x), rest = kr_pair_sum(1, -square.hi);
  rest = kr_pair_fast_sum(rest.hi, rest.lo - square.lo);
  return rest.hi == 0 ? rest : kr_pair_sqrt(rest);
}

double kr_f64_asin(double x) {
  double a = kr_f64_abs(x);
  if (!(a <= 1)) return kr_f64_nan();
  if (a < 0x1p-27) return x;
  return kr_f64_copysign(arc((KrPair){a, 0}, other_leg(a)).hi, x);
}

double kr_f64_acos(double x) {
  double a = kr_f64_abs(x);
  if (!(a <= 1)) return kr_f64_nan();
  if (a < 0x1p-60) return HALF_PI.hi;
  return arc(other_leg(a), (KrPair){x, 0}).hi;
}

// Exponent of a positive finite number, its leading bit counting as 1.
static int exponent_of(double x) {
  uint64_t bits = kr_f64_to_bits(x);
  if (bits < UINT64_C(1) << 52) return (int)(kr_f64_to_bits(x * 0x1p54) >> 52) - 1023 - 54;
  return (int)(bits >> 52) - 1023;
}

// x * 2^-exponent of x, or of a number at most 70 binades larger.
static double unscale(double x, int exponent) {
  int half = exponent / 2, rest = exponent - half;
  x *= kr_f64_from_bits((uint64_t)(1023 - half) << 52);
  return x * kr_f64_from_bits((uint64_t)(1023 - rest) << 52);
}

// Angle of (x, y) in 0..pi where one of them is 0, infinite, or 2^65 times the other.
static double arc_limit(double y, double x) {
  double size = kr_f64_abs(x);
  bool minus = kr_f64_to_bits(x) >> 63;
  if (y == INFINITE && size == INFINITE) // 3/4 and 1/4 of pi
    return minus ? 0x1.2d97c7f3321d2p1 : 0x1.921fb54442d18p-1;
  if (y > size) return HALF_PI.hi;
  if (minus) return PI.hi;
  return y == 0 ? 0 : y / x;
}

double kr_f64_atan2(double y, double x) {
  if (x != x || y != y) return kr_f64_nan();
  double a = kr_f64_abs(y), size = kr_f64_abs(x);
  if (a == 0 || size == 0 || a == INFINITE || size == INFINITE)
    return kr_f64_copysign(arc_limit(a, x), y);
  int ey = exponent_of(a), ex = exponent_of(size), e = ey > ex ? ey : ex;
  if (ey - ex > 65 || ex - ey > 65) return kr_f64_copysign(arc_limit(a, x), y);
  return kr_f64_copysign(arc((KrPair){unscale(a, e), 0}, (KrPair){unscale(x, e), 0}).hi, y);
}

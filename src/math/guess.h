/// The f32 functions once more, short: f64 arithmetic without branches, relative error below
/// KR_GUESS_ERROR, so that loops over them vectorise. Where the error cannot move the rounding to
/// f32 the rounded guess is the correctly rounded result; elsewhere (one input in 2000, and special
/// ones) the guess says so and src/math/elementary.c decides. Internal to src/math.
///
/// kr_guess_NAME(x, &y): true when y is the result.
#ifndef KR_MATH_GUESS_H
#define KR_MATH_GUESS_H
#include "math/guess_table.h"
#include "math/real.h"

#define KR_GUESS_ERROR 0x1p-36

/// Do all numbers within the error of y round to one f32? NaN does not.
static inline bool guess_settle(double y, float *result) {
  float low = (float)(y * (1 - KR_GUESS_ERROR)), high = (float)(y * (1 + KR_GUESS_ERROR));
  *result = low;
  return low == high;
}

// Both, without a branch.
static inline bool guess_both(bool a, bool b) { return a & b; }

// The same for an odd function, from the result of |x|.
static inline bool guess_settle_odd(double y, float x, float *result) {
  bool sure = guess_settle(y, result);
  *result = __builtin_copysignf(*result, x);
  return sure;
}

// a where the mask is ones, b where it is zeros: no branch, which would keep loops from becoming
// vectors.
static inline double guess_mix(uint64_t mask, double a, double b) {
  return kr_f64_from_bits((kr_f64_to_bits(a) & mask) | (kr_f64_to_bits(b) & ~mask));
}
static inline double guess_pick(bool cond, double a, double b) {
  return guess_mix(0 - (uint64_t)cond, a, b);
}

// Sums of c[i] z^i, paired so that the longest chain is short.
static inline double guess_sum4(const double *c, double z) {
  return (c[0] + c[1] * z) + (c[2] + c[3] * z) * (z * z);
}
static inline double guess_sum5(const double *c, double z) {
  double w = z * z;
  return (c[0] + c[1] * z) + ((c[2] + c[3] * z) + c[4] * w) * w;
}
static inline double guess_sum6(const double *c, double z) {
  double w = z * z;
  return (c[0] + c[1] * z) + ((c[2] + c[3] * z) + (c[4] + c[5] * z) * w) * w;
}
static inline double guess_sum8(const double *c, double z) {
  double w = z * z;
  return guess_sum4(c, z) + guess_sum4(c + 4, z) * (w * w);
}
static inline double guess_sum9(const double *c, double z) {
  double w = z * z;
  return guess_sum4(c, z) + guess_sum5(c + 4, z) * (w * w);
}

// Adding and taking away 1.5 * 2^52 rounds to a whole number, whose low bits are then the low bits
// of the sum.
#define GUESS_SHIFT 0x1.8p52

// sin r of |r| <= pi/2, with the sign turned where the lowest bit of `turns` is set. The product
// keeps the sign of a zero.
static inline double guess_half_wave(double r, double turns) {
  double z = r * r;
  double s = r * kr_f64_from_bits(kr_f64_to_bits(turns) << 63 | UINT64_C(1023) << 52);
  return s * (1 + z * guess_sum6(GUESS_SIN, z));
}

// x - k pi with k = whole + part; pi in 33 bits and the rest, exact products with the first for
// |x| < 2^17.
static inline double guess_reduce(double x, double k) {
  return (x - k * 0x1.921fb544p+1) - k * 0x1.0b4611a626331p-33;
}

static inline bool kr_guess_sin(float at, float *y) {
  double x = (double)at, turns = x * 0x1.45f306dc9c883p-2 + GUESS_SHIFT;
  double r = guess_reduce(x, turns - GUESS_SHIFT);
  return guess_settle(guess_half_wave(r, turns), y) & (__builtin_fabsf(at) < 0x1p17f);
}

// cos x = sin(x + pi/2)
static inline bool kr_guess_cos(float at, float *y) {
  double x = (double)__builtin_fabsf(at), turns = (x * 0x1.45f306dc9c883p-2 + 0.5) + GUESS_SHIFT;
  double r = guess_reduce(x, (turns - GUESS_SHIFT) - 0.5);
  return guess_settle(guess_half_wave(r, turns), y) & (__builtin_fabsf(at) < 0x1p17f);
}

// Quotient of the two waves at |r| <= pi/4; beyond, of the cosine and the sine turned round.
static inline double guess_quotient(double r, double turns) {
  double z = r * r;
  double s = r * (1 + z * guess_sum6(GUESS_SIN, z)), c = 1 + z * guess_sum5(GUESS_COS, z);
  uint64_t odd = kr_f64_to_bits(turns) & 1, mask = 0 - odd;
  uint64_t sine = kr_f64_to_bits(s), cosine = kr_f64_to_bits(c), swap = (sine ^ cosine) & mask;
  return kr_f64_from_bits(sine ^ swap ^ odd << 63) / kr_f64_from_bits(cosine ^ swap);
}
static inline bool kr_guess_tan(float at, float *y) {
  double x = (double)at, turns = x * 0x1.45f306dc9c883p-1 + GUESS_SHIFT;
  double r = guess_reduce(x, (turns - GUESS_SHIFT) * 0.5);
  return guess_settle(guess_quotient(r, turns), y) & (__builtin_fabsf(at) < 0x1p17f);
}

// The same three from 2^17 on: x / pi = m 2^i / pi with m of 24 bits, less a multiple of 2.
typedef struct GuessFar {
  double m;
  const double *part;
} GuessFar;
static inline GuessFar guess_far(float x) {
  uint32_t bits = kr_f32_to_bits(x);
  float m = kr_f32_from_bits((bits & UINT32_C(0x807fffff)) | UINT32_C(150) << 23);
  return (GuessFar){(double)m, GUESS_FAR[(bits >> 23 & 255) - 144]};
}
// x / pi, near enough to choose a whole number, and x - k pi with that one.
static inline double guess_far_turns(GuessFar x) { return x.m * x.part[0] + x.m * x.part[1]; }
static inline double guess_reduce_far(GuessFar x, double k) {
  return (((x.m * x.part[0] - k) + x.m * x.part[1]) + x.m * x.part[2]) * 0x1.921fb54442d18p+1;
}
static inline bool guess_is_far(float x) {
  float a = __builtin_fabsf(x);
  return a >= 0x1p17f && a <= 0x1.fffffep127f;
}
static inline bool kr_guess_far_sin(float at, float *y) {
  if (!guess_is_far(at)) return false;
  GuessFar x = guess_far(at);
  double turns = guess_far_turns(x) + GUESS_SHIFT;
  return guess_settle(guess_half_wave(guess_reduce_far(x, turns - GUESS_SHIFT), turns), y);
}
static inline bool kr_guess_far_cos(float at, float *y) {
  if (!guess_is_far(at)) return false;
  GuessFar x = guess_far(__builtin_fabsf(at));
  double turns = (guess_far_turns(x) + 0.5) + GUESS_SHIFT;
  double r = guess_reduce_far(x, (turns - GUESS_SHIFT) - 0.5);
  return guess_settle(guess_half_wave(r, turns), y);
}
static inline bool kr_guess_far_tan(float at, float *y) {
  if (!guess_is_far(at)) return false;
  GuessFar x = guess_far(at);
  double turns = guess_far_turns(x) * 2 + GUESS_SHIFT;
  double r = guess_reduce_far(x, (turns - GUESS_SHIFT) * 0.5);
  return guess_settle(guess_quotient(r, turns), y);
}

// Whole turns leave exactly; a zero is made positive, then takes the sign of x.
static inline bool kr_guess_sin_turns(float at, float *y) {
  double x = (double)__builtin_fabsf(at), turns = x * 2 + GUESS_SHIFT;
  double r = (x - (turns - GUESS_SHIFT) * 0.5) * 0x1.921fb54442d18p+2;
  float size;
  bool sure = guess_settle(guess_half_wave(r, turns) + 0.0, &size);
  *y = size * __builtin_copysignf(1, at);
  return sure & (__builtin_fabsf(at) < 0x1p30f);
}
static inline bool kr_guess_cos_turns(float at, float *y) {
  double x = (double)__builtin_fabsf(at), turns = (x * 2 + 0.5) + GUESS_SHIFT;
  double r = (x - ((turns - GUESS_SHIFT) - 0.5) * 0.5) * 0x1.921fb54442d18p+2;
  return guess_settle(guess_half_wave(r, turns) + 0.0, y) & (__builtin_fabsf(at) < 0x1p30f);
}

// 2^t = power + excess, power whole, |t| < 1000.
typedef struct GuessPower {
  double power, excess;
} GuessPower;
static inline GuessPower guess_power(double t) {
  double shifted = t + GUESS_SHIFT, f = t - (shifted - GUESS_SHIFT);
  double power = kr_f64_from_bits((kr_f64_to_bits(shifted) << 52) + (UINT64_C(1023) << 52));
  return (GuessPower){power, (f * power) * guess_sum8(GUESS_EXP2, f)};
}
static inline double guess_exp2(double t) {
  GuessPower p = guess_power(t);
  return p.power + p.excess;
}

static inline bool kr_guess_exp2(float x, float *y) {
  return guess_settle(guess_exp2((double)x), y) & (__builtin_fabsf(x) < 1000);
}
static inline bool kr_guess_exp(float x, float *y) {
  return guess_settle(guess_exp2((double)x * 0x1.71547652b82fep+0), y) & (__builtin_fabsf(x) < 600);
}
static inline bool kr_guess_lin(float x, float *y) {
  return guess_settle(guess_exp2((double)x * 0x1.542a5a12e1c5bp-3), y) &
         (__builtin_fabsf(x) < 5000);
}
static inline bool kr_guess_mtof(float x, float *y) {
  double t = (double)x * 0x1.5555555555555p-4 + 0x1.84039858000b3p+1;
  return guess_settle(guess_exp2(t), y) & (__builtin_fabsf(x) < 10000);
}

// e = 2^t - 1 without loss near 0 (and -0 stays): tanh(x) = e / (e + 2) with t = 2 x / ln 2, sinh x
// = (e + e / (e + 1)) / 2 with t = x / ln 2.
static inline bool kr_guess_tanh(float x, float *y) {
  GuessPower p = guess_power((double)x * 0x1.71547652b82fep+1);
  double e = p.excess - (1 - p.power);
  return guess_settle(e / (p.excess + (1 + p.power)), y) & (__builtin_fabsf(x) < 300);
}
static inline bool kr_guess_sinh(float x, float *y) {
  GuessPower p = guess_power((double)__builtin_fabsf(x) * 0x1.71547652b82fep+0);
  double e = p.excess - (1 - p.power);
  return guess_settle_odd(0.5 * (e + e / (p.excess + p.power)), x, y) & (__builtin_fabsf(x) < 600);
}
static inline bool kr_guess_cosh(float x, float *y) {
  double e = guess_exp2((double)__builtin_fabsf(x) * 0x1.71547652b82fep+0);
  return guess_settle(0.5 * (e + 1 / e), y) & (__builtin_fabsf(x) < 600);
}

// Logarithm of x > 0 with `octave` for 2: exponent and mantissa in sqrt 1/2 .. sqrt 2, whose
// logarithm is that of (1 + s) / (1 - s).
static inline double guess_log(double x, const double *c, double octave) {
  const uint64_t root = UINT64_C(0x3fe6a09e667f3bcd), exponent = UINT64_C(0x7ff) << 52;
  uint64_t bits = kr_f64_to_bits(x) + ((UINT64_C(1023) << 52) - root);
  double k = kr_f64_from_bits(bits >> 52 | UINT64_C(0x433) << 52) - (0x1p52 + 1023);
  double m = kr_f64_from_bits((bits & ~exponent) + root), s = (m - 1) / (m + 1), z = s * s;
  return k * octave + s * guess_sum6(c, z);
}
static inline bool guess_can_log(float x) { return (x > 0) & (x <= 0x1.fffffep127f); }
static inline bool kr_guess_log(float x, float *y) {
  return guess_both(guess_settle(guess_log((double)x, GUESS_LOG, 0x1.62e42fefa39efp-1), y),
                    guess_can_log(x));
}
static inline bool kr_guess_log2(float x, float *y) {
  return guess_both(guess_settle(guess_log((double)x, GUESS_LOG2, 1), y), guess_can_log(x));
}
static inline bool kr_guess_log10(float x, float *y) {
  return guess_both(guess_settle(guess_log((double)x, GUESS_LOG10, 0x1.34413509f79ffp-2), y),
                    guess_can_log(x));
}
static inline bool kr_guess_db(float x, float *y) {
  return guess_both(guess_settle(guess_log((double)x, GUESS_DB, 0x1.8151824c7587fp+2), y),
                    guess_can_log(x));
}
// Near key 0 the sum cancels.
static inline bool kr_guess_ftom(float x, float *y) {
  double key = guess_log((double)x, GUESS_FTOM, 12) - 0x1.2302b24200086p+5;
  bool sure = guess_both(guess_settle(key, y), guess_can_log(x));
  return sure & (__builtin_fabsf(*y) > 0.0625f);
}

// atan of a >= 0, a = num / den: atan t, pi/4 + atan t or pi/2 + atan t with |t| <= sqrt 2 - 1.
static inline double guess_atan(double num, double den) {
  // Signs of differences, as masks: two comparisons keep GCC from vectors at x86-64's baseline.
  uint64_t low = 0 - (kr_f64_to_bits(num - den * 0x1.a827999fcef32p-2) >> 63);
  uint64_t high = 0 - (kr_f64_to_bits(den * 0x1.3504f333f9de6p+1 - num) >> 63);
  double base = guess_mix(low, 0, guess_mix(high, 0x1.921fb54442d18p+0, 0x1.921fb54442d18p-1));
  double top = guess_mix(low, num, guess_mix(high, -den, num - den));
  double bottom = guess_mix(low, den, guess_mix(high, num, num + den));
  double t = top / bottom, z = t * t;
  return base + (t + t * (z * guess_sum8(GUESS_ATAN, z)));
}
static inline bool kr_guess_atan(float x, float *y) {
  return guess_settle_odd(guess_atan((double)__builtin_fabsf(x), 1), x, y);
}

// asin of 0..1 as base + slope p, p the asin of at most 1/2.
typedef struct GuessArc {
  double p;
  bool far;
} GuessArc;
static inline GuessArc guess_arc(double a) {
  bool far = a > 0.5;
  double half = 0.5 - 0.5 * a, z = guess_pick(far, half, a * a), root = __builtin_sqrt(z);
  double w = guess_pick(far, root, a);
  return (GuessArc){w + w * (z * guess_sum9(GUESS_ASIN, z)), far};
}
static inline bool kr_guess_asin(float x, float *y) {
  GuessArc arc = guess_arc((double)__builtin_fabsf(x));
  return guess_settle_odd(guess_pick(arc.far, 0x1.921fb54442d18p+0 - 2 * arc.p, arc.p), x, y);
}
static inline bool kr_guess_acos(float x, float *y) {
  GuessArc arc = guess_arc((double)__builtin_fabsf(x));
  double far = guess_pick(x < 0, 0x1.921fb54442d18p+1 - 2 * arc.p, 2 * arc.p);
  double near = 0x1.921fb54442d18p+0 - (double)__builtin_copysignf(1, x) * arc.p;
  return guess_settle(guess_pick(arc.far, far, near), y);
}

// 2^(y log2 x), x > 0; the error of the logarithm grows up to 150-fold.
static inline bool kr_guess_pow(float x, float y, float *power) {
  double t = (double)y * guess_log((double)x, GUESS_LOG2, 1);
  bool sure = guess_both(guess_settle(guess_exp2(t), power), guess_can_log(x));
  return sure & (__builtin_fabs(t) < 1000);
}
static inline bool kr_guess_atan2(float y, float x, float *angle) {
  double a = guess_atan((double)__builtin_fabsf(y), (double)__builtin_fabsf(x));
  return guess_settle_odd(guess_pick(x < 0, 0x1.921fb54442d18p+1 - a, a), y, angle);
}
#endif

// The claims, compiled once plain and, where libmvec is there, once with its vectors of four.
#include "prove/claim.h"
#include <math.h>

#ifdef PROVE_WIDE
#define CLAIMS CLAIMS_WIDE
#define ULPS 0x1p-50
typedef double Four __attribute__((vector_size(32), may_alias, aligned(8)));
#define EACH(function)                                                                             \
  Four _ZGVdN4v_##function(Four x);                                                                \
  static void each_##function(const double *x, double *y) {                                        \
    for (size_t i = 0; i < N_BLOCK; i += 4)                                                        \
      *(Four *)(y + i) = _ZGVdN4v_##function(*(const Four *)(x + i));                              \
  }
#else
#define CLAIMS CLAIMS_PLAIN
#define ULPS 0x1p-51
#define EACH(function)                                                                             \
  static void each_##function(const double *x, double *y) {                                        \
    for (size_t i = 0; i < N_BLOCK; i++) y[i] = function(x[i]);                                    \
  }
#endif
EACH(sin)
EACH(cos)
EACH(tan)
EACH(asin)
EACH(acos)
EACH(atan)
EACH(sinh)
EACH(cosh)
EACH(tanh)
EACH(exp)
EACH(exp2)
EACH(log)
EACH(log2)
EACH(log10)

// The function of an expression in x, then an expression in x and y.
#define FILL(name, function, before, after)                                                        \
  static void fill_##name(const double *from, double *to) {                                        \
    static _Thread_local double inner[N_BLOCK];                                                    \
    for (size_t i = 0; i < N_BLOCK; i++) {                                                         \
      double x = from[i];                                                                          \
      inner[i] = before;                                                                           \
    }                                                                                              \
    each_##function(inner, to);                                                                    \
    for (size_t i = 0; i < N_BLOCK; i++) {                                                         \
      double x = from[i], y = to[i];                                                               \
      (void)x;                                                                                     \
      to[i] = after;                                                                               \
    }                                                                                              \
  }

// Fractions of a turn and their parts are exact; sin(pi k + r) = +-sin r.
static inline double part_of(double turns) { return turns - rint(2 * turns) / 2; }
static inline double sign_of(double turns) {
  double k = rint(2 * turns);
  return k == 2 * rint(k / 2) ? 1 : -1;
}
static inline double fraction(double x) { return x - trunc(x); }
static inline double with_zero_of(double y, double x) { return y == 0 ? copysign(y, x) : y; }
// A tiny turn is lost beside the quarter, where the cosine is 1.
static inline double quarter_on(double x) {
  double t = fabs(fraction(x));
  return t < 0.5 ? 0.25 - t : t - 0.75;
}
#define TWO_PI 6.283185307179586
FILL(sin_turns, sin, TWO_PI *part_of(fraction(x)), with_zero_of(y *sign_of(fraction(x)), x))
FILL(cos_turns, sin, TWO_PI *quarter_on(x), y + 0.0)
FILL(mtof, exp2, (x - 69) / 12, 440 * y)
FILL(ftom, log2, x / 440, 69 + 12 * y)
FILL(db, log10, x, 20 * y)
FILL(lin, exp2, x * 0x1.542a5a12e1c5bp-3, y) // log2(10) / 20

static void fill_pow(const double *x, double *y) {
  for (size_t i = 0; i < N_BLOCK; i++) y[i] = pow(x[2 * i], x[2 * i + 1]);
}
static void fill_atan2(const double *x, double *y) {
  for (size_t i = 0; i < N_BLOCK; i++) y[i] = atan2(x[2 * i], x[2 * i + 1]);
}

// mtof and lin: the rounding of the exponent grows with it, up to 170 octaves, and doubles end at
// 2^-1074; ftom: the parts of the sum are up to 140 where it cancels.
const Claim CLAIMS[] = {
    {each_sin, ULPS, 0},
    {each_cos, ULPS, 0},
    {each_tan, ULPS, 0},
    {fill_sin_turns, 2 * ULPS, 0},
    {fill_cos_turns, 2 * ULPS, 0},
    {each_asin, ULPS, 0},
    {each_acos, ULPS, 0},
    {each_atan, ULPS, 0},
    {each_sinh, ULPS, 0},
    {each_cosh, ULPS, 0},
    {each_tanh, ULPS, 0},
    {each_exp, ULPS, 0x1p-1000},
    {each_exp2, ULPS, 0x1p-1000},
    {each_log, ULPS, 0},
    {each_log2, ULPS, 0},
    {each_log10, ULPS, 0},
    {fill_mtof, 0x1p-43, 0x1p-1000},
    {fill_ftom, ULPS, 0x1p-43},
    {fill_db, 2 * ULPS, 0},
    {fill_lin, 0x1p-43, 0x1p-1000},
    {fill_pow, 0x1p-51, 0x1p-1000},
    {fill_atan2, 0x1p-51, 0x1p-1000},
};

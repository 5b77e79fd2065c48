/// MPFR forms of the elementary functions and the distance of a result from them; tests only.
#ifndef KR_TEST_MATH_REFERENCE_H
#define KR_TEST_MATH_REFERENCE_H
#include "math/elementary.h"
#include "math/real.h"
#include <mpfr.h>
#include <string.h>

typedef struct Reference {
  const char *name;
  float (*f32)(float);
  double (*f64)(double);
  int (*exact)(mpfr_t y, const mpfr_t x, mpfr_rnd_t rnd); ///< to the precision of y
  int symmetry;                                           ///< 1 even, -1 odd, 0 neither
} Reference;

static inline int reference_turns(mpfr_t y, const mpfr_t x, mpfr_rnd_t rnd, bool sine) {
  // x - trunc(x), exactly; whole eighths exactly.
  mpfr_t t, pi;
  if (!mpfr_number_p(x)) {
    mpfr_set_nan(y);
    return 0;
  }
  mpfr_init2(t, 1300);
  mpfr_init2(pi, mpfr_get_prec(y) + 80);
  mpfr_frac(t, x, MPFR_RNDN);
  mpfr_mul_ui(t, t, 4, MPFR_RNDN);
  bool whole = mpfr_integer_p(t);
  long quarter = whole ? (mpfr_get_si(t, MPFR_RNDN) + 4) % 4 : 0;
  int r = 0;
  if (whole) {
    static const int sines[4] = {0, 1, 0, -1}, cosines[4] = {1, 0, -1, 0};
    r = mpfr_set_si(y, sine ? sines[quarter] : cosines[quarter], rnd);
    if (sine && mpfr_zero_p(y)) mpfr_setsign(y, y, mpfr_signbit(x), rnd);
  } else {
    mpfr_const_pi(pi, MPFR_RNDN);
    mpfr_prec_round(t, mpfr_get_prec(y) + 80, MPFR_RNDN);
    mpfr_mul(t, t, pi, MPFR_RNDN);
    mpfr_div_ui(t, t, 2, MPFR_RNDN);
    r = sine ? mpfr_sin(y, t, rnd) : mpfr_cos(y, t, rnd);
  }
  mpfr_clear(t);
  mpfr_clear(pi);
  return r;
}
static inline int reference_sin_turns(mpfr_t y, const mpfr_t x, mpfr_rnd_t rnd) {
  return reference_turns(y, x, rnd, true);
}
static inline int reference_cos_turns(mpfr_t y, const mpfr_t x, mpfr_rnd_t rnd) {
  return reference_turns(y, x, rnd, false);
}
static inline int reference_mtof(mpfr_t y, const mpfr_t x, mpfr_rnd_t rnd) {
  mpfr_t t;
  mpfr_init2(t, 1300);
  mpfr_sub_ui(t, x, 69, MPFR_RNDN);
  mpfr_prec_round(t, mpfr_get_prec(y) + 80, MPFR_RNDN);
  mpfr_div_ui(t, t, 12, MPFR_RNDN);
  mpfr_exp2(t, t, MPFR_RNDN);
  int r = mpfr_mul_ui(y, t, 440, rnd);
  mpfr_clear(t);
  return r;
}
static inline int reference_ftom(mpfr_t y, const mpfr_t x, mpfr_rnd_t rnd) {
  mpfr_t t;
  mpfr_init2(t, mpfr_get_prec(y) + 80);
  mpfr_div_ui(t, x, 440, MPFR_RNDN);
  mpfr_log2(t, t, MPFR_RNDN);
  mpfr_mul_ui(t, t, 12, MPFR_RNDN);
  int r = mpfr_add_ui(y, t, 69, rnd);
  mpfr_clear(t);
  return r;
}
static inline int reference_db(mpfr_t y, const mpfr_t x, mpfr_rnd_t rnd) {
  mpfr_t t;
  mpfr_init2(t, mpfr_get_prec(y) + 80);
  mpfr_log10(t, x, MPFR_RNDN);
  int r = mpfr_mul_ui(y, t, 20, rnd);
  mpfr_clear(t);
  return r;
}
static inline int reference_lin(mpfr_t y, const mpfr_t x, mpfr_rnd_t rnd) {
  mpfr_t t;
  mpfr_init2(t, mpfr_get_prec(y) + 80);
  mpfr_div_ui(t, x, 20, MPFR_RNDN);
  int r = mpfr_exp10(y, t, rnd);
  mpfr_clear(t);
  return r;
}

#define REFERENCE(name, exact, symmetry)                                                           \
  { #name, kr_f32_##name, kr_f64_##name, exact, symmetry }
static const Reference REFERENCES[] = {
    REFERENCE(sin, mpfr_sin, -1),
    REFERENCE(cos, mpfr_cos, 1),
    REFERENCE(tan, mpfr_tan, -1),
    REFERENCE(sin_turns, reference_sin_turns, -1),
    REFERENCE(cos_turns, reference_cos_turns, 1),
    REFERENCE(asin, mpfr_asin, -1),
    REFERENCE(acos, mpfr_acos, 0),
    REFERENCE(atan, mpfr_atan, -1),
    REFERENCE(sinh, mpfr_sinh, -1),
    REFERENCE(cosh, mpfr_cosh, 1),
    REFERENCE(tanh, mpfr_tanh, -1),
    REFERENCE(exp, mpfr_exp, 0),
    REFERENCE(exp2, mpfr_exp2, 0),
    REFERENCE(log, mpfr_log, 0),
    REFERENCE(log2, mpfr_log2, 0),
    REFERENCE(log10, mpfr_log10, 0),
    REFERENCE(mtof, reference_mtof, 0),
    REFERENCE(ftom, reference_ftom, 0),
    REFERENCE(db, reference_db, 0),
    REFERENCE(lin, reference_lin, 0),
};
#undef REFERENCE
enum { N_REFERENCES = sizeof REFERENCES / sizeof *REFERENCES };

/// Distance of `got` from y in units in the last place of the double nearest to y.
static inline double reference_ulps(double got, const mpfr_t y) {
  double near = mpfr_get_d(y, MPFR_RNDN);
  if (near != near || got != got) return near != near && got != got ? 0 : 1e300;
  if (near - near != 0 || got - got != 0) return near == got ? 0 : 1e300;
  if (near == 0 && got == 0) return 0;
  uint64_t exponent = kr_f64_to_bits(kr_f64_abs(near)) >> 52;
  mpfr_t d;
  mpfr_init2(d, 200);
  mpfr_sub_d(d, y, got, MPFR_RNDN);
  mpfr_mul_2si(d, d, exponent > 1 ? 1075 - (long)exponent : 1074, MPFR_RNDN);
  double r = kr_f64_abs(mpfr_get_d(d, MPFR_RNDN));
  mpfr_clear(d);
  return r;
}
#endif

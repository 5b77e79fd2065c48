// The f64 functions against MPFR: at most 1 ulp off on structured inputs over the whole range,
// special values as C17 Annex F. `test_math N` tries N inputs a function.
#include "unit/math_inputs.h"
#include "unit/math_reference.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <math.h>

static long n_inputs = 100000;
static uint64_t state = UINT64_C(0x2545f4914f6cdd1d);
static uint64_t next(void) { return inputs_next(&state); }
static double signed_unit(void) { return inputs_unit(&state); }
static double spread(int low, int high) { return inputs_spread(&state, low, high); }
static double draw_input(long i) { return inputs_draw(&state, (uint64_t)i); }

static void results_are_within_one_ulp(void **unused) {
  (void)unused;
  mpfr_t x, y;
  mpfr_init2(x, 53);
  mpfr_init2(y, 120);
  for (int f = 0; f < N_REFERENCES; f++) {
    double worst = 0, at = 0;
    for (long i = 0; i < n_inputs; i++) {
      double input = draw_input(i);
      mpfr_set_d(x, input, MPFR_RNDN);
      REFERENCES[f].exact(y, x, MPFR_RNDN);
      double ulps = reference_ulps(REFERENCES[f].f64(input), y);
      if (ulps > worst) worst = ulps, at = input;
    }
    if (n_inputs != 100000 || worst > 1)
      printf("%-10s %.4f ulp at %a\n", REFERENCES[f].name, worst, at);
    assert_true(worst <= 1);
  }
  mpfr_clear(x);
  mpfr_clear(y);
}

static void reduction_holds_next_to_multiples_of_pi(void **unused) {
  (void)unused;
  // The doubles nearest to a multiple of pi/2 in their binades and the worst of all (Muller,
  // Elementary Functions, 11.3.2), made here from the convergents k * 2^e of MPFR's pi.
  mpfr_t x, y, pi;
  mpfr_init2(x, 53);
  mpfr_init2(y, 1400);
  mpfr_init2(pi, 1400);
  mpfr_const_pi(pi, MPFR_RNDN);
  const double worst[] = {0x1.6ac5b262ca1ffp849,
                          0x1.921fb54442d18p0,
                          0x1.2d97c7f3321d2p1,
                          0x1p20,
                          0x1.fffffffffffffp19,
                          0x1.fffffffffffffp1023,
                          0x1p1023};
  for (size_t i = 0; i < 4000; i++) {
    double input = i < 7 ? worst[i] : 0;
    if (i >= 7) { // nearest double to an odd multiple of pi/4 or a multiple of pi/2
      mpfr_mul_ui(y, pi, next() >> (next() % 60) | 1, MPFR_RNDN);
      mpfr_mul_2si(y, y, (long)(next() % 900) - 2, MPFR_RNDN);
      input = mpfr_get_d(y, MPFR_RNDN);
    }
    mpfr_set_d(x, input, MPFR_RNDN);
    for (int f = 0; f < 3; f++) {
      mpfr_prec_round(y, 150, MPFR_RNDN);
      REFERENCES[f].exact(y, x, MPFR_RNDN);
      assert_true(reference_ulps(REFERENCES[f].f64(input), y) <= 1);
      assert_true(reference_ulps(REFERENCES[f].f64(-input), y) <= 1 || REFERENCES[f].symmetry < 0);
      mpfr_set_prec(y, 1400);
    }
  }
  mpfr_clear(x);
  mpfr_clear(y);
  mpfr_clear(pi);
}

static double pow_ulps(double a, double b, mpfr_t x, mpfr_t y, mpfr_t z) {
  mpfr_set_d(x, a, MPFR_RNDN);
  mpfr_set_d(y, b, MPFR_RNDN);
  mpfr_pow(z, x, y, MPFR_RNDN);
  return reference_ulps(kr_f64_pow(a, b), z);
}

static double atan2_ulps(double a, double b, mpfr_t x, mpfr_t y, mpfr_t z) {
  mpfr_set_d(x, a, MPFR_RNDN);
  mpfr_set_d(y, b, MPFR_RNDN);
  mpfr_atan2(z, x, y, MPFR_RNDN);
  return reference_ulps(kr_f64_atan2(a, b), z);
}

static void pow_and_atan2_are_within_one_ulp(void **unused) {
  (void)unused;
  mpfr_t x, y, z;
  mpfr_inits2(53, x, y, (mpfr_ptr)0);
  mpfr_init2(z, 120);
  for (long i = 0; i < n_inputs; i++) {
    double a = draw_input(i), b = draw_input((long)(next() % 14)), positive = kr_f64_abs(a);
    assert_true(pow_ulps(a, b, x, y, z) <= 1);
    // Exponents for which the power is in range, up to both ends.
    double l = kr_f64_log2(positive);
    if (l - l == 0 && l != 0)
      assert_true(pow_ulps(positive, signed_unit() * 1075 / l, x, y, z) <= 1);
    assert_true(pow_ulps(1 + spread(-52, -1), spread(0, 60), x, y, z) <= 1);
    assert_true(pow_ulps(spread(0, 5), (double)((int)(next() % 41) - 20), x, y, z) <= 1);
    assert_true(atan2_ulps(a, b, x, y, z) <= 1);
    assert_true(atan2_ulps(a, a * spread(-70, 70), x, y, z) <= 1);
    assert_true(atan2_ulps(signed_unit(), signed_unit(), x, y, z) <= 1);
  }
  mpfr_clears(x, y, z, (mpfr_ptr)0);
}

static void f32_pow_and_atan2_are_within_one_ulp(void **unused) {
  (void)unused;
  mpfr_t x, y, z;
  mpfr_inits2(24, x, y, (mpfr_ptr)0);
  mpfr_init2(z, 100);
  for (long i = 0; i < n_inputs; i++) {
    float a = (float)draw_input(i), b = (float)draw_input((long)(next() % 14));
    for (int f = 0; f < 2; f++) {
      mpfr_set_flt(x, a, MPFR_RNDN);
      mpfr_set_flt(y, b, MPFR_RNDN);
      (f ? mpfr_atan2 : mpfr_pow)(z, x, y, MPFR_RNDN);
      float want = mpfr_get_flt(z, MPFR_RNDN), got = f ? kr_f32_atan2(a, b) : kr_f32_pow(a, b);
      int64_t apart =
          (int64_t)kr_f32_to_bits(kr_f32_canonical(want)) - (int64_t)kr_f32_to_bits(got);
      assert_true(apart >= -1 && apart <= 1);
    }
  }
  mpfr_clears(x, y, z, (mpfr_ptr)0);
}

static void assert_same(double got, double want) {
  uint64_t nan = KR_F64_NAN_BITS;
  assert_int_equal(kr_f64_to_bits(got), want != want ? nan : kr_f64_to_bits(want));
}

// Rows of Annex F.10 where the result is exact: both precisions.
static void special_values_are_those_of_annex_f(void **unused) {
  (void)unused;
  const double inf = (double)INFINITY, nan = (double)NAN;
  const struct {
    const char *name;
    double x, want;
  } rows[] = {
      {"sin", 0, 0},
      {"sin", -0.0, -0.0},
      {"sin", inf, nan},
      {"sin", -inf, nan},
      {"cos", 0, 1},
      {"cos", inf, nan},
      {"tan", -0.0, -0.0},
      {"tan", inf, nan},
      {"sin_turns", -0.0, -0.0},
      {"sin_turns", 0.5, 0},
      {"sin_turns", -1, -0.0},
      {"sin_turns", 0.25, 1},
      {"sin_turns", 0.75, -1},
      {"sin_turns", 0x1p80, 0},
      {"sin_turns", inf, nan},
      {"cos_turns", 0.25, 0},
      {"cos_turns", -0.75, 0},
      {"cos_turns", 0.5, -1},
      {"cos_turns", 1e6, 1},
      {"cos_turns", -inf, nan},
      {"asin", -0.0, -0.0},
      {"asin", 1.5, nan},
      {"asin", -inf, nan},
      {"acos", 1, 0},
      {"acos", -1.0001, nan},
      {"acos", inf, nan},
      {"atan", -0.0, -0.0},
      {"sinh", -0.0, -0.0},
      {"sinh", inf, inf},
      {"sinh", -inf, -inf},
      {"sinh", 1e6, inf},
      {"cosh", 0, 1},
      {"cosh", -inf, inf},
      {"cosh", -1e6, inf},
      {"tanh", -0.0, -0.0},
      {"tanh", inf, 1},
      {"tanh", -inf, -1},
      {"tanh", 1e9, 1},
      {"exp", 0, 1},
      {"exp", -0.0, 1},
      {"exp", inf, inf},
      {"exp", -inf, 0},
      {"exp", 1e9, inf},
      {"exp", -1e9, 0},
      {"exp2", 10, 1024},
      {"exp2", -3, 0.125},
      {"exp2", 5000, inf},
      {"exp2", -inf, 0},
      {"log", 1, 0},
      {"log", 0, -inf},
      {"log", -0.0, -inf},
      {"log", -1, nan},
      {"log", inf, inf},
      {"log2", 8, 3},
      {"log2", 0x1p-126, -126},
      {"log2", 0, -inf},
      {"log2", -inf, nan},
      {"log10", 1e10, 10},
      {"log10", 1, 0},
      {"log10", -0.0, -inf},
      {"log10", inf, inf},
      {"mtof", 69, 440},
      {"mtof", 81, 880},
      {"mtof", -inf, 0},
      {"mtof", inf, inf},
      {"ftom", 440, 69},
      {"ftom", 55, 33},
      {"ftom", 0, -inf},
      {"ftom", -1, nan},
      {"db", 1, 0},
      {"db", 10, 20},
      {"db", 1000, 60},
      {"db", 0, -inf},
      {"db", -1, nan},
      {"db", inf, inf},
      {"lin", 0, 1},
      {"lin", 20, 10},
      {"lin", 60, 1000},
      {"lin", -inf, 0},
      {"lin", inf, inf},
  };
  for (int f = 0; f < N_REFERENCES; f++) {
    assert_same(REFERENCES[f].f64(nan), nan);
    assert_same(REFERENCES[f].f64(-nan), nan);
    assert_int_equal(kr_f32_to_bits(REFERENCES[f].f32(-NAN)), KR_F32_NAN_BITS);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
      if (strcmp(rows[i].name, REFERENCES[f].name) == 0) {
        assert_same(REFERENCES[f].f64(rows[i].x), rows[i].want);
        assert_same((double)REFERENCES[f].f32((float)rows[i].x), rows[i].want);
      }
  }
}

static void special_powers_and_angles_are_those_of_annex_f(void **unused) {
  (void)unused;
  const double inf = (double)INFINITY, nan = (double)NAN;
  const double values[] = {0,          -0.0,
                           1,          -1,
                           2,          -2,
                           3,          -3,
                           0.5,        -0.5,
                           2.5,        -2.5,
                           inf,        -inf,
                           nan,        0x1p-1074,
                           -0x1p-1074, 0x1.fffffffffffffp1023,
                           0x1p53,     0x1.0000000000001p52,
                           -7,         1 - 0x1p-53};
  const size_t n = sizeof values / sizeof *values;
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++) { // the host's libm for exact and special cases only
      double a = values[i], b = values[j], p = pow(a, b), t = atan2(a, b);
      if (p != p || p - p != 0 || p == 0 || p == 1 || p == -1) assert_same(kr_f64_pow(a, b), p);
      assert_true(t == 0 || t - t != 0 || fabs(kr_f64_atan2(a, b) - t) <= fabs(t) * 0x1p-52);
      if (t != t || t == 0) assert_same(kr_f64_atan2(a, b), t);
      float p32 = powf((float)a, (float)b);
      if (p32 != p32 || p32 - p32 != 0 || p32 == 0)
        assert_same((double)kr_f32_pow((float)a, (float)b), (double)p32);
    }
}

int main(int argc, char **argv) {
  if (argc > 1) n_inputs = atol(argv[1]);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(results_are_within_one_ulp),
      cmocka_unit_test(reduction_holds_next_to_multiples_of_pi),
      cmocka_unit_test(pow_and_atan2_are_within_one_ulp),
      cmocka_unit_test(f32_pow_and_atan2_are_within_one_ulp),
      cmocka_unit_test(special_values_are_those_of_annex_f),
      cmocka_unit_test(special_powers_and_angles_are_those_of_annex_f),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

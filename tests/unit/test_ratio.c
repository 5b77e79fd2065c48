/// Ratios against GMP: every operation, its value and when it overflows.
#include "time/ratio.h"
#include "unit/model.h"

static KrRatio draw_ratio(uint64_t *seed) {
  KrRatio ratio;
  int64_t num = (int64_t)draw_bits(seed, 63), den = (int64_t)draw_bits(seed, 63) + 1;
  if (den < 0) den = INT64_MAX;
  if ((draw(seed) & 1) != 0) num = -num;
  assert_int_equal(kr_ratio_make(num, den, &ratio), KR_OK);
  return ratio;
}

static void model_lcm(mpq_t r, const mpq_t a, const mpq_t b) {
  mpz_lcm(mpq_numref(r), mpq_numref(a), mpq_numref(b));
  mpz_gcd(mpq_denref(r), mpq_denref(a), mpq_denref(b));
}

static void model_gcd(mpq_t r, const mpq_t a, const mpq_t b) {
  mpz_gcd(mpq_numref(r), mpq_numref(a), mpq_numref(b));
  mpz_lcm(mpq_denref(r), mpq_denref(a), mpq_denref(b));
}

static void expect(KrStatus status, KrRatio result, const mpq_t model) {
  if (!model_fits_ratio(model)) {
    assert_int_equal(status, KR_ERROR_OVERFLOW);
    return;
  }
  assert_int_equal(status, KR_OK);
  assert_int_equal(result.num, model_get_i64(mpq_numref(model)));
  assert_int_equal(result.den, model_get_i64(mpq_denref(model)));
}

static void arithmetic_equals_the_model(void **state) {
  (void)state;
  uint64_t seed = 1, n_fits = 0, n_overflows = 0;
  mpq_t a, b, r;
  mpq_inits(a, b, r, NULL);
  for (int i = 0; i < 1000000; i++) {
    KrRatio x = draw_ratio(&seed), y = draw_ratio(&seed), z = {0, 1};
    model_set_ratio(a, x.num, x.den);
    model_set_ratio(b, y.num, y.den);
    KrStatus status = KR_OK;
    bool positive = x.num > 0 && y.num > 0;
    switch (i % 6) {
    case 0:
      mpq_add(r, a, b);
      status = kr_ratio_add(x, y, &z);
      break;
    case 1:
      mpq_sub(r, a, b);
      status = kr_ratio_sub(x, y, &z);
      break;
    case 2:
      mpq_mul(r, a, b);
      status = kr_ratio_mul(x, y, &z);
      break;
    case 3:
      if (y.num == 0) {
        assert_int_equal(kr_ratio_div(x, y, &z), KR_ERROR_ARGUMENT);
        continue;
      }
      mpq_div(r, a, b);
      status = kr_ratio_div(x, y, &z);
      break;
    case 4:
      status = kr_ratio_lcm(x, y, &z);
      if (positive) model_lcm(r, a, b);
      break;
    default:
      status = kr_ratio_gcd(x, y, &z);
      if (positive) model_gcd(r, a, b);
      break;
    }
    if (i % 6 >= 4 && !positive) {
      assert_int_equal(status, KR_ERROR_ARGUMENT);
      continue;
    }
    expect(status, z, r);
    n_fits += status == KR_OK;
    n_overflows += status != KR_OK;
  }
  assert_true(n_fits > 100000 && n_overflows > 100000);
  mpq_clears(a, b, r, NULL);
}

static void comparing_and_rounding_equal_the_model(void **state) {
  (void)state;
  uint64_t seed = 2;
  mpq_t a, b, half;
  mpz_t z;
  mpq_inits(a, b, half, NULL);
  mpz_init(z);
  for (int i = 0; i < 300000; i++) {
    KrRatio x = draw_ratio(&seed), y = draw_ratio(&seed);
    if (i % 3 == 0) y = (KrRatio){x.num, x.den};
    if (i % 3 == 1 && kr_ratio_make(x.num, x.den == INT64_MAX ? 1 : x.den + 1, &y) != KR_OK) y = x;
    model_set_ratio(a, x.num, x.den);
    model_set_ratio(b, y.num, y.den);
    int order = mpq_cmp(a, b);
    assert_int_equal(kr_ratio_compare(x, y), (order > 0) - (order < 0));
    model_floor(z, a);
    assert_int_equal(kr_ratio_floor(x), model_get_i64(z));
    mpz_cdiv_q(z, mpq_numref(a), mpq_denref(a));
    assert_int_equal(kr_ratio_ceil(x), model_get_i64(z));
    // Half away from zero: floor(|x| + 1/2) with the sign of x.
    mpq_set_ui(half, 1, 2);
    mpq_abs(b, a);
    mpq_add(b, b, half);
    model_floor(z, b);
    if (x.num < 0) mpz_neg(z, z);
    assert_int_equal(kr_ratio_round(x), model_get_i64(z));
  }
  mpq_clears(a, b, half, NULL);
  mpz_clear(z);
}

static void powers_equal_the_model(void **state) {
  (void)state;
  uint64_t seed = 3, n_fits = 0;
  mpq_t r;
  mpq_init(r);
  for (int i = 0; i < 50000; i++) {
    KrRatio x = {(int64_t)draw_bits(&seed, 20), 1}, z;
    assert_int_equal(kr_ratio_make(x.num, (int64_t)draw_bits(&seed, 20) + 1, &x), KR_OK);
    int32_t exponent = (int32_t)draw_below(&seed, 80) - 40;
    unsigned n = (unsigned)(exponent < 0 ? -exponent : exponent);
    if (i % 2 != 0) x = kr_ratio_negate(x);
    if (x.num == 0 && exponent < 0) {
      assert_int_equal(kr_ratio_pow(x, exponent, &z), KR_ERROR_ARGUMENT);
      continue;
    }
    model_set_ratio(r, x.num, x.den);
    if (exponent < 0) mpq_inv(r, r);
    mpz_pow_ui(mpq_numref(r), mpq_numref(r), n);
    mpz_pow_ui(mpq_denref(r), mpq_denref(r), n);
    KrStatus status = kr_ratio_pow(x, exponent, &z);
    expect(status, z, r);
    n_fits += status == KR_OK;
  }
  assert_true(n_fits > 1000);
  mpq_clear(r);
}

static void the_ends_of_the_range_are_exact(void **state) {
  (void)state;
  KrRatio r = {7, 9};
  assert_int_equal(kr_ratio_make(1, 0, &r), KR_ERROR_ARGUMENT);
  assert_int_equal(kr_ratio_make(INT64_MIN, 1, &r), KR_ERROR_OVERFLOW);
  assert_int_equal(kr_ratio_make(1, INT64_MIN, &r), KR_ERROR_OVERFLOW);
  assert_true(r.num == 7 && r.den == 9);
  assert_int_equal(kr_ratio_make(INT64_MIN, INT64_MIN, &r), KR_OK);
  assert_true(r.num == 1 && r.den == 1);
  assert_int_equal(kr_ratio_make(INT64_MIN, 6, &r), KR_OK);
  assert_true(r.num == INT64_MIN / 2 && r.den == 3);
  assert_int_equal(kr_ratio_make(0, INT64_MIN, &r), KR_OK);
  assert_true(r.num == 0 && r.den == 1);
  assert_int_equal(kr_ratio_make(6, -4, &r), KR_OK);
  assert_true(r.num == -3 && r.den == 2);
  assert_int_equal(kr_ratio_sub(kr_ratio_of(-1), kr_ratio_of(INT64_MIN), &r), KR_OK);
  assert_true(r.num == INT64_MAX && r.den == 1);
  assert_int_equal(kr_ratio_sub(kr_ratio_of(0), kr_ratio_of(INT64_MIN), &r), KR_ERROR_OVERFLOW);
  assert_int_equal(kr_ratio_compare(kr_ratio_of(INT64_MIN), kr_ratio_of(INT64_MAX)), -1);
  assert_int_equal(kr_ratio_round((KrRatio){INT64_MAX, 2}), INT64_MAX / 2 + 1);
  assert_int_equal(kr_ratio_round((KrRatio){-5, 2}), -3);
  // 2^62 = (2^31)^2: the square beyond it is never needed.
  assert_int_equal(kr_ratio_pow(kr_ratio_of(INT64_C(1) << 31), 2, &r), KR_OK);
  assert_true(r.num == INT64_C(1) << 62);
  assert_int_equal(kr_ratio_pow(kr_ratio_of(0), 0, &r), KR_OK);
  assert_true(r.num == 1 && r.den == 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(arithmetic_equals_the_model),
      cmocka_unit_test(comparing_and_rounding_equal_the_model),
      cmocka_unit_test(powers_equal_the_model),
      cmocka_unit_test(the_ends_of_the_range_are_exact),
  };
  return cmocka_run_group_tests_name("ratio", tests, NULL, NULL);
}

// Scalar helpers of math/real.h and the fixed-order sums.
#include "math/real.h"
#include "math/sum.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

static uint64_t state = UINT64_C(0x9e3779b97f4a7c15);
static uint64_t next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

static void assert_same_f32(float a, float b) {
  assert_int_equal(kr_f32_to_bits(kr_f32_canonical(a)), kr_f32_to_bits(kr_f32_canonical(b)));
}
static void assert_same_f64(double a, double b) {
  assert_int_equal(kr_f64_to_bits(kr_f64_canonical(a)), kr_f64_to_bits(kr_f64_canonical(b)));
}

static void check_rounding(double x) {
  float f = (float)x;
  assert_same_f64(kr_f64_floor(x), floor(x));
  assert_same_f64(kr_f64_ceil(x), ceil(x));
  assert_same_f64(kr_f64_trunc(x), trunc(x));
  assert_same_f64(kr_f64_round(x), round(x));
  assert_same_f64(kr_f64_abs(x), fabs(x));
  assert_same_f32(kr_f32_floor(f), floorf(f));
  assert_same_f32(kr_f32_ceil(f), ceilf(f));
  assert_same_f32(kr_f32_trunc(f), truncf(f));
  assert_same_f32(kr_f32_round(f), roundf(f));
  assert_same_f32(kr_f32_abs(f), fabsf(f));
}

static void rounding_agrees_with_the_standard(void **unused) {
  (void)unused;
  const double fixed[] = {0.0,     -0.0,      0.5,          -0.5,         0.49999999999999994,
                          1.5,     2.5,       -2.5,         INFINITY,     -INFINITY,
                          NAN,     0x1p52,    0x1p52 - 0.5, 0x1p51 + 0.5, 0x1p23 - 0.5,
                          -0x1p23, 0x1p-1074, 8388607.5,    4194303.75};
  for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
    check_rounding(fixed[i]);
    check_rounding(-fixed[i]);
  }
  for (int i = 0; i < 1000000; i++) {
    uint64_t bits = next();
    check_rounding(kr_f64_from_bits(bits));
    check_rounding((double)(int64_t)bits * 0x1p-40);
    check_rounding((double)kr_f32_from_bits((uint32_t)bits));
    check_rounding((double)(int16_t)bits * 0.5);
  }
}

static void a_zero_result_keeps_the_sign(void **unused) {
  (void)unused;
  assert_same_f64(kr_f64_ceil(-0.25), -0.0);
  assert_same_f32(kr_f32_round(-0.25f), -0.0f);
  assert_same_f64(kr_f64_floor(0.25), 0.0);
  assert_same_f64(kr_f64_floor(-0.0), -0.0);
}

static void minimum_and_maximum_are_those_of_ieee_2019(void **unused) {
  (void)unused;
  const float values[] = {-INFINITY, -1, -0x1p-149f, -0.0f, 0.0f, 0x1p-149f, 2, INFINITY};
  for (size_t i = 0; i < 8; i++)
    for (size_t j = 0; j < 8; j++) {
      assert_same_f32(kr_f32_min(values[i], values[j]), values[i < j ? i : j]);
      assert_same_f32(kr_f32_max(values[i], values[j]), values[i > j ? i : j]);
      assert_same_f64(kr_f64_min((double)values[i], (double)values[j]),
                      (double)values[i < j ? i : j]);
      assert_same_f64(kr_f64_max((double)values[i], (double)values[j]),
                      (double)values[i > j ? i : j]);
    }
  assert_int_equal(kr_f32_to_bits(kr_f32_min(-NAN, 1)), KR_F32_NAN_BITS);
  assert_int_equal(kr_f32_to_bits(kr_f32_max(1, NAN)), KR_F32_NAN_BITS);
  assert_int_equal(kr_f64_to_bits(kr_f64_max(-NAN, (double)INFINITY)), KR_F64_NAN_BITS);
  assert_int_equal(kr_f64_to_bits(kr_f64_min(1, NAN)), KR_F64_NAN_BITS);
}

static void remainder_sign_clamp_and_flush(void **unused) {
  (void)unused;
  assert_same_f64(kr_f64_mod(-1, 3), 2);
  assert_same_f64(kr_f64_mod(1, -3), -2);
  assert_same_f32(kr_f32_mod(7.5f, 2), 1.5f);
  assert_same_f64(kr_f64_mod(1, 0), NAN);
  assert_same_f64(kr_f64_fract(-0.25), 0.75);
  assert_same_f32(kr_f32_fract(3.5f), 0.5f);
  assert_same_f64(kr_f64_sign(-3), -1);
  assert_same_f64(kr_f64_sign(-0.0), -0.0);
  assert_same_f32(kr_f32_sign(2), 1);
  assert_same_f32(kr_f32_sign(NAN), NAN);
  assert_same_f32(kr_f32_clamp(5, 0, 1), 1);
  assert_same_f32(kr_f32_clamp(-5, 0, 1), 0);
  assert_same_f64(kr_f64_clamp(NAN, 0, 1), NAN);
  assert_same_f32(kr_f32_flush(0x1.fffffep-101f), 0);
  assert_same_f32(kr_f32_flush(-0x1p-100f), -0x1p-100f);
  assert_same_f64(kr_f64_flush(-0x1.fp-101), 0);
  assert_same_f64(kr_f64_flush(NAN), NAN);
  assert_same_f64(kr_f64_sqrt(-1), NAN);
  assert_same_f64(kr_f64_sqrt(-0.0), -0.0);
  assert_same_f32(kr_f32_sqrt(2), 0x1.6a09e6p0f);
  assert_true(kr_f32_is_nan(NAN) && !kr_f64_is_nan((double)INFINITY));
}

static void conversions_saturate(void **unused) {
  (void)unused;
  assert_int_equal(kr_f64_to_i32(2147483647.9), INT32_MAX);
  assert_int_equal(kr_f64_to_i32(-2147483648.9), INT32_MIN);
  assert_int_equal(kr_f64_to_i32(-2147483647.9), -INT32_MAX);
  assert_int_equal(kr_f64_to_i32(-1.9), -1);
  assert_int_equal(kr_f64_to_i32(1e300), INT32_MAX);
  assert_int_equal(kr_f64_to_i32(NAN), 0);
  assert_int_equal(kr_f32_to_i32(-3e9f), INT32_MIN);
  assert_int_equal(kr_f32_to_i32(0x1.fffffep30f), 0x7fffff80);
  assert_true(kr_f32_to_i32(0x1p31f) == INT32_MAX && kr_f32_to_i32(-0x1p31f) == INT32_MIN);
  assert_true(kr_f32_to_i64(-0x1p63f) == INT64_MIN && kr_f32_to_i64(INFINITY) == INT64_MAX);
  assert_true(kr_f64_to_i64(0x1p63) == INT64_MAX && kr_f64_to_i64(-0x1p63) == INT64_MIN);
  assert_true(kr_f64_to_i64(-0x1.fffffffffffffp62) == -INT64_C(0x7ffffffffffffc00));
  assert_true(kr_f64_to_u32(-0.9) == 0 && kr_f64_to_u32(-5) == 0 &&
              kr_f64_to_u32(4294967295.5) == UINT32_MAX);
  assert_true(kr_f64_to_u32(3.99) == 3 && kr_f32_to_u32(NAN) == 0 &&
              kr_f32_to_u32(1e20f) == UINT32_MAX);
  assert_true(kr_f64_to_u64(0x1.8p63) == UINT64_C(3) << 62 && kr_f64_to_u64(1e30) == UINT64_MAX);
  assert_true(kr_f32_to_u64(-1) == 0 && kr_f32_to_u64(0x1p40f) == UINT64_C(1) << 40);
}

// The definition, written out: column by column, chunk by chunk.
static float sum_by_definition(const float *at, size_t n) {
  float total[16] = {0};
  for (size_t chunk = 0; chunk * 128 < n; chunk++)
    for (size_t l = 0; l < 16; l++) {
      float column = 0;
      for (size_t i = chunk * 128 + l; i < n && i < (chunk + 1) * 128; i += 16) column += at[i];
      total[l] += column;
    }
  for (size_t width = 8; width; width /= 2)
    for (size_t l = 0; l < width; l++) total[l] += total[l + width];
  return total[0];
}

static void sums_follow_the_definition(void **unused) {
  (void)unused;
  enum { MAX = 1000 };
  float at[MAX], spread[3 * MAX];
  double wide[MAX];
  for (size_t n = 0; n < MAX; n += n < 300 ? 1 : 37) {
    KrSumF32 sum;
    KrSumF64 sum64;
    kr_sum_f32_begin(&sum);
    kr_sum_f64_begin(&sum64);
    for (size_t i = 0; i < n; i++) {
      at[i] = spread[3 * i] = (float)(int32_t)next() * (next() % 2 ? 1 : 0x1p-20f);
      wide[i] = (double)(int16_t)next();
      kr_sum_f32_add(&sum, at[i]);
      kr_sum_f64_add(&sum64, wide[i]);
    }
    float want = sum_by_definition(at, n);
    assert_same_f32(kr_sum_f32(at, n, 1), want);
    assert_same_f32(kr_sum_f32(spread, n, 3), want);
    assert_same_f32(kr_sum_f32_end(&sum), want);
    double whole = 0; // whole numbers: every order gives the same
    for (size_t i = 0; i < n; i++) whole += wide[i];
    assert_same_f64(kr_sum_f64(wide, n, 1), whole);
    assert_same_f64(kr_sum_f64_end(&sum64), whole);
  }
  const float minus[1] = {-0.0f};
  assert_same_f32(kr_sum_f32(minus, 1, 1), 0.0f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rounding_agrees_with_the_standard),
      cmocka_unit_test(a_zero_result_keeps_the_sign),
      cmocka_unit_test(minimum_and_maximum_are_those_of_ieee_2019),
      cmocka_unit_test(remainder_sign_clamp_and_flush),
      cmocka_unit_test(conversions_saturate),
      cmocka_unit_test(sums_follow_the_definition),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/// 128-bit integers: the native form, the portable form and GMP agree; quotients round correctly.
#include "base/wide.h"
#include "unit/model.h"
#include <math.h>
#include <string.h>

// The portable form once more under other names, types included.
#undef KR_BASE_WIDE_H
#define KR_WIDE_PORTABLE
#define KrU128 PortableU128
#define kr_wide_mul portable_mul
#define kr_wide_add portable_add
#define kr_wide_sub portable_sub
#define kr_wide_compare portable_compare
#define kr_wide_shift_left portable_shift_left
#define kr_wide_shift_right portable_shift_right
#define kr_wide_div portable_div
#define kr_wide_gcd portable_wide_gcd
#define kr_wide_bits portable_bits
#define kr_muldiv_floor portable_muldiv_floor
#define kr_gcd portable_gcd
#define kr_add_i64 portable_add_i64
#define kr_sub_i64 portable_sub_i64
#define kr_mul_i64 portable_mul_i64
#define kr_wide_to_f64 portable_to_f64
#define kr_wide_to_f32 portable_to_f32
#include "base/wide.c"
#undef KrU128
#undef kr_wide_mul
#undef kr_wide_add
#undef kr_wide_sub
#undef kr_wide_compare
#undef kr_wide_shift_left
#undef kr_wide_shift_right
#undef kr_wide_div
#undef kr_wide_gcd
#undef kr_wide_bits
#undef kr_muldiv_floor
#undef kr_gcd
#undef kr_add_i64
#undef kr_sub_i64
#undef kr_mul_i64
#undef kr_wide_to_f64
#undef kr_wide_to_f32

static PortableU128 to_portable(KrU128 a) { return (PortableU128){a.low, a.high}; }

static KrU128 draw_wide(uint64_t *seed) {
  KrU128 a = {draw(seed), draw(seed)};
  return kr_wide_shift_right(a, (unsigned)draw_below(seed, 128));
}

static void to_model(mpz_t z, KrU128 a) {
  mpz_import(z, 2, -1, sizeof(uint64_t), 0, 0, (uint64_t[2]){a.low, a.high});
}

/// native = portable = model mod 2^128.
static void expect(KrU128 native, PortableU128 portable, mpz_t model) {
  mpz_t z;
  mpz_init(z);
  mpz_fdiv_r_2exp(model, model, 128);
  to_model(z, native);
  assert_int_equal(mpz_cmp(z, model), 0);
  assert_true(native.low == portable.low && native.high == portable.high);
  mpz_clear(z);
}

static void both_forms_equal_the_model(void **state) {
  (void)state;
  uint64_t seed = 21;
  mpz_t x, y, z;
  mpz_inits(x, y, z, NULL);
  for (int i = 0; i < 300000; i++) {
    KrU128 a = draw_wide(&seed), b = draw_wide(&seed), rest;
    PortableU128 c = to_portable(a), d = to_portable(b), over;
    unsigned n = (unsigned)draw_below(&seed, 128);
    if (i % 8 == 0) b = a, d = c;
    to_model(x, a);
    to_model(y, b);
    mpz_add(z, x, y);
    expect(kr_wide_add(a, b), portable_add(c, d), z);
    mpz_sub(z, x, y);
    expect(kr_wide_sub(a, b), portable_sub(c, d), z);
    mpz_mul_2exp(z, x, n);
    expect(kr_wide_shift_left(a, n), portable_shift_left(c, n), z);
    mpz_fdiv_q_2exp(z, x, n);
    expect(kr_wide_shift_right(a, n), portable_shift_right(c, n), z);
    mpz_gcd(z, x, y);
    expect(kr_wide_gcd(a, b), portable_wide_gcd(c, d), z);
    int order = mpz_cmp(x, y);
    assert_int_equal(kr_wide_compare(a, b), (order > 0) - (order < 0));
    assert_int_equal(portable_compare(c, d), kr_wide_compare(a, b));
    assert_int_equal(kr_wide_bits(a), mpz_sgn(x) == 0 ? 0 : mpz_sizeinbase(x, 2));
    assert_int_equal(portable_bits(c), kr_wide_bits(a));
    model_set_u64(x, a.low);
    model_set_u64(y, b.low);
    mpz_mul(z, x, y);
    expect(kr_wide_mul(a.low, b.low), portable_mul(a.low, b.low), z);
    mpz_gcd(z, x, y);
    model_set_u64(x, kr_gcd(a.low, b.low));
    assert_int_equal(mpz_cmp(x, z), 0);
    assert_int_equal(kr_gcd(a.low, b.low), portable_gcd(a.low, b.low));
    if ((b.low | b.high) == 0) continue;
    to_model(x, a);
    to_model(y, b);
    mpz_fdiv_qr(z, x, x, y);
    KrU128 quotient = kr_wide_div(a, b, &rest);
    PortableU128 quotient2 = portable_div(c, d, &over);
    expect(quotient, quotient2, z);
    expect(rest, over, x);
  }
  mpz_clears(x, y, z, NULL);
}

static void muldiv_equals_the_model(void **state) {
  (void)state;
  uint64_t seed = 22, n_fits = 0;
  mpz_t x, y, z, r;
  mpz_inits(x, y, z, r, NULL);
  for (int i = 0; i < 300000; i++) {
    int64_t a = (int64_t)draw_bits(&seed, 64), result = 5, result2 = 5;
    uint64_t b = draw_bits(&seed, 64), c = draw_bits(&seed, 64), rest = 0, rest2 = 0;
    if (c == 0) c = 1;
    model_set_i64(x, a);
    model_set_u64(y, b);
    mpz_mul(x, x, y);
    model_set_u64(y, c);
    mpz_fdiv_qr(z, r, x, y);
    model_set_i64(x, INT64_MIN);
    bool fits = model_fits(z) || mpz_cmp(z, x) == 0;
    assert_int_equal(kr_muldiv_floor(a, b, c, &result, &rest), fits);
    assert_int_equal(portable_muldiv_floor(a, b, c, &result2, &rest2), fits);
    n_fits += fits;
    if (!fits) continue;
    model_set_u64(y, rest);
    assert_int_equal(mpz_cmp(y, r), 0);
    assert_true(result == model_get_i64(z) && result2 == result && rest2 == rest);
  }
  assert_true(n_fits > 50000 && n_fits < 290000);
  mpz_clears(x, y, z, r, NULL);
}

static void checked_arithmetic_refuses_overflow(void **state) {
  (void)state;
  int64_t r = 7;
  assert_false(kr_add_i64(INT64_MAX, 1, &r));
  assert_false(kr_sub_i64(INT64_MIN, 1, &r));
  assert_false(kr_mul_i64(INT64_MIN, -1, &r));
  assert_int_equal(r, 7);
  assert_true(kr_add_i64(INT64_MAX, INT64_MIN, &r) && r == -1);
  assert_true(kr_sub_i64(-1, INT64_MIN, &r) && r == INT64_MAX);
  assert_true(kr_mul_i64(INT64_C(1) << 31, -(INT64_C(1) << 32), &r) && r == INT64_MIN);
}

/// v is a nearest float to q when no neighbour is nearer, and even when one is as near.
static void expect_nearest(double v, double below, double above, bool is_even, const mpq_t q) {
  mpq_t error, other;
  mpq_inits(error, other, NULL);
  mpq_set_d(error, v);
  mpq_sub(error, error, q);
  mpq_abs(error, error);
  for (int i = 0; i < 2; i++) {
    mpq_set_d(other, i == 0 ? below : above);
    mpq_sub(other, other, q);
    mpq_abs(other, other);
    int order = mpq_cmp(error, other);
    assert_true(order < 0 || (order == 0 && is_even));
  }
  mpq_clears(error, other, NULL);
}

/// The neighbour of v >= 0: one encoding up or down; below zero the least negative number.
static double step_f64(double v, int step) {
  uint64_t code;
  if (v == 0 && step < 0) return -0x1p-1074;
  memcpy(&code, &v, sizeof code);
  code += (uint64_t)(int64_t)step;
  memcpy(&v, &code, sizeof v);
  return v;
}

static float step_f32(float v, int step) {
  uint32_t code;
  if (v == 0 && step < 0) return -0x1p-149f;
  memcpy(&code, &v, sizeof code);
  code += (uint32_t)step;
  memcpy(&v, &code, sizeof v);
  return v;
}

static void expect_f64(KrU128 num, KrU128 den, const mpq_t q) {
  uint64_t code;
  double v = kr_wide_to_f64(false, num, den);
  memcpy(&code, &v, sizeof code);
  expect_nearest(v, step_f64(v, -1), step_f64(v, 1), (code & 1) == 0, q);
  assert_true(v == portable_to_f64(false, to_portable(num), to_portable(den)));
  assert_true(-v == kr_wide_to_f64(true, num, den));
}

static void expect_f32(KrU128 num, KrU128 den, const mpq_t q) {
  uint32_t code;
  float v = kr_wide_to_f32(false, num, den);
  memcpy(&code, &v, sizeof code);
  if (isinf(v)) {
    mpq_t bound;
    mpq_init(bound);
    mpq_set_d(bound, 0x1.ffffffp127);
    assert_true(mpq_cmp(q, bound) >= 0);
    mpq_clear(bound);
  } else {
    double above = isinf(step_f32(v, 1)) ? 0x1p128 : (double)step_f32(v, 1);
    expect_nearest((double)v, (double)step_f32(v, -1), above, (code & 1) == 0, q);
  }
  assert_true(v == portable_to_f32(false, to_portable(num), to_portable(den)));
}

static void quotients_round_to_the_nearest_float(void **state) {
  (void)state;
  uint64_t seed = 23, n_subnormal = 0;
  mpq_t q;
  mpq_init(q);
  for (int i = 0; i < 400000; i++) {
    KrU128 num = draw_wide(&seed), den = draw_wide(&seed);
    // Positions in a cell, midpoints of floats, and the least quotients there are.
    if (i % 4 == 0) den = (KrU128){draw_bits(&seed, 63) + 1, 0}, num = (KrU128){draw(&seed), 0};
    if (i % 4 == 1) {
      unsigned n = i % 8 == 1 ? 54 : 25;
      num = (KrU128){(UINT64_C(1) << (n - 1)) | draw(&seed) >> (64 - n + 1) | 1, 0};
      num = kr_wide_shift_left(num, (unsigned)draw_below(&seed, 128 - n));
      den = kr_wide_shift_left((KrU128){1, 0}, (unsigned)draw_below(&seed, 128));
    }
    if (i % 4 == 2) {
      num = (KrU128){draw_bits(&seed, 4) + 1, 0};
      den.high |= UINT64_C(1) << 63;
    }
    if ((den.low | den.high) == 0) den.low = 1;
    to_model(mpq_numref(q), num);
    to_model(mpq_denref(q), den);
    mpq_canonicalize(q);
    expect_f64(num, den, q);
    expect_f32(num, den, q);
    float v = kr_wide_to_f32(false, num, den);
    n_subnormal += v != 0 && !isnormal(v) && !isinf(v);
  }
  assert_true(n_subnormal > 10000);
  mpq_clear(q);
}

static void quotients_keep_the_sign_of_zero(void **state) {
  (void)state;
  KrU128 zero = {0, 0}, one = {1, 0};
  assert_true(signbit(kr_wide_to_f64(true, zero, one)) != 0);
  assert_true(signbit(kr_wide_to_f64(false, zero, one)) == 0);
  assert_true(signbit(kr_wide_to_f32(true, zero, (KrU128){0, 1})) != 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(both_forms_equal_the_model),
      cmocka_unit_test(muldiv_equals_the_model),
      cmocka_unit_test(checked_arithmetic_refuses_overflow),
      cmocka_unit_test(quotients_round_to_the_nearest_float),
      cmocka_unit_test(quotients_keep_the_sign_of_zero),
  };
  return cmocka_run_group_tests_name("wide", tests, NULL, NULL);
}

// Many values at once: the bits of one by one, whatever the count, the place and the neighbours,
// at every vector level. tests/prove tries many more values.
#include "math/many.h"
#include "math/real.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { N_VALUES = 64, MAX_COUNT = 45 };

#define LEVEL_TABLE(suffix, name) [KR_LEVEL_##name] = &kr_many_##suffix,
static const KrMany *const MANY[KR_N_LEVELS] = {KR_LEVEL_LIST(LEVEL_TABLE)};
#define ONE_F32(name, doc) kr_f32_##name,
#define ONE_F64(name, doc) kr_f64_##name,
static float (*const ONE32[])(float) = {KR_ELEMENTARY_LIST(ONE_F32)};
static double (*const ONE64[])(double) = {KR_ELEMENTARY_LIST(ONE_F64)};

// Ordinary values with special ones strewn in.
static double value(uint32_t i) {
  const double special[] = {
      0,      -0.0, 1,     -1,  0.5,  __builtin_inf(), -__builtin_inf(), 1e-40,
      -1e-40, 1e30, -1e30, 150, -150, 0x1p-149,        kr_f64_nan()};
  if (i % 5 == 3) return special[i / 5 % (sizeof special / sizeof *special)];
  return (double)((int32_t)(i * UINT32_C(2654435761)) % 4000) * 0x1.3p-9;
}

static void check_f32(int level, uint32_t f, uint32_t first, size_t count) {
  float x[N_VALUES], out[N_VALUES];
  for (uint32_t i = 0; i < N_VALUES; i++) x[i] = (float)value(first + i), out[i] = 99;
  MANY[level]->f32[f](x + first % 5, out + first % 3, count);
  for (size_t i = 0; i < N_VALUES; i++) {
    bool inside = i >= first % 3 && i < first % 3 + count;
    float want = inside ? ONE32[f](x[i - first % 3 + first % 5]) : 99;
    assert_int_equal(kr_f32_to_bits(out[i]), kr_f32_to_bits(want));
  }
}

static void check_f64(int level, uint32_t f, uint32_t first, size_t count) {
  double x[N_VALUES], out[N_VALUES];
  for (uint32_t i = 0; i < N_VALUES; i++) x[i] = value(first + i), out[i] = 99;
  MANY[level]->f64[f](x + first % 5, out + first % 3, count);
  for (size_t i = 0; i < N_VALUES; i++) {
    bool inside = i >= first % 3 && i < first % 3 + count;
    double want = inside ? ONE64[f](x[i - first % 3 + first % 5]) : 99;
    assert_true(kr_f64_to_bits(out[i]) == kr_f64_to_bits(want));
  }
}

static void any_count_gives_the_bits_of_one_by_one(void **unused) {
  (void)unused;
  for (int level = KR_LEVEL_GENERIC; level < KR_N_LEVELS; level++) {
    if (!kr_level_is_supported((KrLevel)level)) continue;
    for (uint32_t f = 0; f < KR_N_ELEMENTARY; f++)
      for (size_t count = 0; count <= MAX_COUNT; count++) {
        check_f32(level, f, (uint32_t)count * 7 + f, count);
        check_f64(level, f, (uint32_t)count * 7 + f, count);
      }
  }
}

static void pairs_give_the_bits_of_one_by_one(void **unused) {
  (void)unused;
  float a[N_VALUES], b[N_VALUES], out[N_VALUES];
  double wide_a[N_VALUES], wide_b[N_VALUES], wide[N_VALUES];
  for (uint32_t i = 0; i < N_VALUES; i++) {
    wide_a[i] = value(i), wide_b[i] = value(5 * i + 2);
    a[i] = (float)wide_a[i], b[i] = (float)wide_b[i];
  }
  for (int level = KR_LEVEL_GENERIC; level < KR_N_LEVELS; level++) {
    if (!kr_level_is_supported((KrLevel)level)) continue;
    for (size_t n = 0; n <= N_VALUES; n++)
      for (int which = 0; which < 2; which++) {
        const KrMany *many = MANY[level];
        (which ? many->atan2_f32 : many->pow_f32)(a, b, out, n);
        (which ? many->atan2_f64 : many->pow_f64)(wide_a, wide_b, wide, n);
        for (size_t i = 0; i < n; i++) {
          float want = which ? kr_f32_atan2(a[i], b[i]) : kr_f32_pow(a[i], b[i]);
          double w = which ? kr_f64_atan2(wide_a[i], wide_b[i]) : kr_f64_pow(wide_a[i], wide_b[i]);
          assert_int_equal(kr_f32_to_bits(out[i]), kr_f32_to_bits(want));
          assert_true(kr_f64_to_bits(wide[i]) == kr_f64_to_bits(w));
        }
      }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_count_gives_the_bits_of_one_by_one),
      cmocka_unit_test(pairs_give_the_bits_of_one_by_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

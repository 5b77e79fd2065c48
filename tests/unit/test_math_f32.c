// The f32 functions are correctly rounded: a stratified sweep of all inputs, dense around hard
// regions, against MPFR. `test_math_f32 STEP [NAME]` tries every STEP-th input (1 is all of them,
// half a day).
#include "math/hard_table.h"
#include "unit/math_reference.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static uint64_t step = 16381; // a prime, so that low bits vary
static const char *only;
static mpfr_t x, y;

// 64 bits first; more where that does not decide.
static float round_exactly(const Reference *r, float input) {
  mpfr_set_flt(x, input, MPFR_RNDN);
  mpfr_set_prec(y, 64);
  r->exact(y, x, MPFR_RNDN);
  double rough = mpfr_get_d(y, MPFR_RNDN), slack = kr_f64_abs(rough) * 0x1p-51;
  if (rough - rough != 0 || (float)(rough - slack) == (float)(rough + slack)) return (float)rough;
  mpfr_set_prec(y, 150);
  r->exact(y, x, MPFR_RNDN);
  return mpfr_get_flt(y, MPFR_RNDN);
}

static void check(const Reference *r, uint32_t bits) {
  float input = kr_f32_from_bits(bits);
  float want = kr_f32_canonical(round_exactly(r, input)), got = r->f32(input);
  if (kr_f32_to_bits(want) != kr_f32_to_bits(got))
    fail_msg("%s(%a) is %a, not %a", r->name, (double)input, (double)want, (double)got);
}

static void all_strata_are_correctly_rounded(void **unused) {
  (void)unused;
  for (uint32_t f = 0; f < N_REFERENCES; f++)
    if (!only || !strcmp(only, REFERENCES[f].name))
      for (uint64_t bits = f * 1009; bits <= UINT32_MAX; bits += step)
        check(&REFERENCES[f], (uint32_t)bits);
}

// Neighbours of 0, 1, whole numbers, ends of ranges, multiples of pi/4 and the largest numbers.
static void edges_are_correctly_rounded(void **unused) {
  (void)unused;
  const float edges[] = {0,
                         0x1p-149f,
                         0x1p-126f,
                         0x1p-27f,
                         0x1p-24f,
                         0x1p-12f,
                         0.25f,
                         0.5f,
                         1,
                         2,
                         10,
                         20,
                         40,
                         69,
                         88.722839f,
                         89.415985f,
                         103.97208f,
                         126,
                         127,
                         128,
                         149,
                         150,
                         440,
                         8.1757989f,
                         0.78539816f,
                         1.5707964f,
                         3.1415927f,
                         6.2831855f,
                         0x1p20f,
                         0x1p23f,
                         0x1p24f,
                         0x1.fffffep127f,
                         0x1.6ac5b2p86f,
                         770.6f,
                         1606,
                         -1500};
  for (int f = 0; f < N_REFERENCES; f++)
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++)
      for (uint32_t j = 0; j < 65; j++) {
        uint32_t bits = kr_f32_to_bits(edges[i]) + j - 32;
        check(&REFERENCES[f], bits);
        check(&REFERENCES[f], bits ^ UINT32_C(0x80000000));
      }
}

static void multiples_of_quarter_pi_are_correctly_rounded(void **unused) {
  (void)unused;
  for (uint32_t i = 1; i < 20000; i++)
    for (int f = 0; f < 3; f++)
      check(&REFERENCES[f], kr_f32_to_bits((float)(i * (i % 64 + 1) * 0x1.921fb54442d18p-1)));
}

static void hard_inputs_are_correctly_rounded(void **unused) {
  (void)unused;
#define HARD(name, doc) HARD_##name,
  static const Hard *const tables[] = {KR_ELEMENTARY_LIST(HARD)};
#undef HARD
  for (int f = 0; f < N_REFERENCES; f++)
    for (const Hard *h = tables[f]; h->x != UINT32_MAX; h++) {
      assert_true(h[0].x < h[1].x);
      check(&REFERENCES[f], h->x);
      if (REFERENCES[f].symmetry) check(&REFERENCES[f], h->x ^ UINT32_C(0x80000000));
    }
}

int main(int argc, char **argv) {
  if (argc > 1) step = strtoull(argv[1], NULL, 10);
  if (argc > 2) only = argv[2];
  mpfr_init2(x, 24);
  mpfr_init2(y, 64);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_strata_are_correctly_rounded),
      cmocka_unit_test(edges_are_correctly_rounded),
      cmocka_unit_test(multiples_of_quarter_pi_are_correctly_rounded),
      cmocka_unit_test(hard_inputs_are_correctly_rounded),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  mpfr_clears(x, y, (mpfr_ptr)0);
  return failed;
}

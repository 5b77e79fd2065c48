// The short form of scripts/prove, and the sweeps themselves: they must see a wrong result.
// test_prove DIGESTS
#include "math/real.h"
#include "prove/sweep.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *digests;
static const char *const NAMES[] = {
#define NAME(name, doc) #name,
    KR_ELEMENTARY_LIST(NAME)
#undef NAME
        "pow",
    "atan2"};
enum { N_NAMES = sizeof NAMES / sizeof *NAMES };

// The committed digest of `name strata`.
static void find_digest(const char *name, char want[65]) {
  char who[64], unit[64], text[128];
  FILE *file = fopen(digests, "r");
  assert_non_null(file);
  strcpy(want, "none");
  while (fscanf(file, "%63s %63s %127s", who, unit, text) == 3)
    if (!strcmp(who, name) && !strcmp(unit, "strata") && strlen(text) == 64) strcpy(want, text);
  fclose(file);
}

static void assert_holds(const char *name, const Outcome *outcome) {
  char want[65], got[65];
  if (outcome->n_wrong)
    fail_msg("%llu wrong, the first: %s", (unsigned long long)outcome->n_wrong, outcome->first);
  find_digest(name, want);
  kr_digest_text(&outcome->digest, got);
  if (strcmp(want, got) != 0) fail_msg("%s strata %s, not %s", name, got, want);
}

static void one_input_in_4096_is_correctly_rounded_at_every_level(void **unused) {
  (void)unused;
  for (size_t i = 0; i < N_NAMES; i++) {
    Subject subject;
    Outcome outcome;
    assert_true(subject_find(NAMES[i], &subject));
    if (subject_is_pair(&subject)) continue;
    sweep_f32(&subject, STRATA, &outcome);
    assert_holds(NAMES[i], &outcome);
  }
}

static void the_bound_of_the_first_stage_holds(void **unused) {
  (void)unused;
  for (size_t i = 0; i < N_NAMES; i++) {
    Subject subject;
    Outcome outcome;
    assert_true(subject_find(NAMES[i], &subject));
    if (subject_is_pair(&subject)) continue;
    check_bound(&subject, 20000, &outcome);
    if (outcome.n_wrong) fail_msg("%s", outcome.first);
    assert_true(outcome.worst < 1 && outcome.worst > 0);
  }
}

static void powers_and_angles_are_within_one_ulp_at_every_level(void **unused) {
  (void)unused;
  for (size_t i = 0; i < N_NAMES; i++) {
    Subject subject;
    Outcome outcome;
    assert_true(subject_find(NAMES[i], &subject));
    if (!subject_is_pair(&subject)) continue;
    sweep_pairs_f32(&subject, STRATA, &outcome);
    assert_holds(NAMES[i], &outcome);
  }
}

static void doubles_are_within_one_ulp_at_every_level(void **unused) {
  (void)unused;
  for (size_t i = 0; i < N_NAMES; i++) {
    Subject subject;
    Outcome outcome;
    char name[32];
    assert_true(subject_find(NAMES[i], &subject));
    sweep_f64(&subject, STRATA, &outcome);
    snprintf(name, sizeof name, "f64-%s", NAMES[i]);
    assert_holds(name, &outcome);
  }
}

// Wrong in one result of 2^20, by one unit in the last place.
static const uint32_t PLANTED = UINT32_C(0x3f3214d7);
static bool is_planted(float x) { return kr_f32_to_bits(x) >> 12 == PLANTED >> 12; }
static float next_up(float y) { return kr_f32_from_bits(kr_f32_to_bits(y) + 1); }
static float wrong_sin(float x) { return is_planted(x) ? next_up(kr_f32_sin(x)) : kr_f32_sin(x); }
static void wrong_sin_many(const float *restrict x, float *restrict out, size_t n) {
  for (size_t i = 0; i < n; i++) out[i] = wrong_sin(x[i]);
}
static float wrong_pow(float x, float y) {
  return is_planted(x) ? next_up(next_up(kr_f32_pow(x, y))) : kr_f32_pow(x, y);
}
static double wrong_exp(double x) {
  double y = kr_f64_exp(x);
  return x > 1 && x < 1.5 ? y * (1 + 0x1p-51) : y;
}

static void a_result_off_by_one_bit_is_seen(void **unused) {
  (void)unused;
  Subject subject;
  Outcome outcome;
  assert_true(subject_find("sin", &subject));
  memset(subject.many_f32, 0, sizeof subject.many_f32);
  subject.f32 = wrong_sin;
  sweep_f32(&subject, STRATA, &outcome);
  assert_int_equal(outcome.n_wrong, 1);
  assert_non_null(strstr(outcome.first, "sin(0x1.6"));
}

static void a_vector_result_off_by_one_bit_is_seen(void **unused) {
  (void)unused;
  Subject subject;
  Outcome outcome;
  assert_true(subject_find("sin", &subject));
  subject.many_f32[KR_LEVEL_GENERIC] = wrong_sin_many;
  sweep_f32(&subject, STRATA, &outcome);
  assert_int_equal(outcome.n_wrong, 1);
  assert_non_null(strstr(outcome.first, "generic(0x1.6"));
}

static void a_wrong_bound_is_seen(void **unused) {
  (void)unused;
  Subject subject;
  Outcome outcome;
  assert_true(subject_find("sin", &subject));
  subject.name = "cos"; // asked for with the claim of another function
  check_bound(&subject, 20000, &outcome);
  assert_int_equal(outcome.n_wrong, 0);
  subject.f32 = wrong_sin;
  subject.name = "tan";
  sweep_f32(&subject, STRATA, &outcome);
  assert_true(outcome.n_wrong > 100000);
}

static void wrong_powers_and_doubles_are_seen(void **unused) {
  (void)unused;
  Subject subject;
  Outcome outcome;
  assert_true(subject_find("exp", &subject));
  subject.f64 = wrong_exp;
  memset(subject.many_f64, 0, sizeof subject.many_f64);
  sweep_f64(&subject, STRATA, &outcome);
  assert_true(outcome.n_wrong > 0);
  assert_true(subject_find("pow", &subject));
  subject.pair_f32 = wrong_pow;
  memset(subject.pairs_f32, 0, sizeof subject.pairs_f32);
  sweep_pairs_f32(&subject, STRATA, &outcome);
  assert_true(outcome.n_wrong > 0);
}

int main(int argc, char **argv) {
  digests = argc > 1 ? argv[1] : "tests/prove/digests.txt";
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_input_in_4096_is_correctly_rounded_at_every_level),
      cmocka_unit_test(the_bound_of_the_first_stage_holds),
      cmocka_unit_test(powers_and_angles_are_within_one_ulp_at_every_level),
      cmocka_unit_test(doubles_are_within_one_ulp_at_every_level),
      cmocka_unit_test(a_result_off_by_one_bit_is_seen),
      cmocka_unit_test(a_vector_result_off_by_one_bit_is_seen),
      cmocka_unit_test(a_wrong_bound_is_seen),
      cmocka_unit_test(wrong_powers_and_doubles_are_seen),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/// The tempo map against GMP: exact inside a segment, one rounding at a change.
#include "time/tempo.h"
#include "unit/model.h"

static KrRatio ratio(int64_t num, int64_t den) {
  KrRatio r;
  assert_int_equal(kr_ratio_make(num, den, &r), KR_OK);
  return r;
}

static void assert_ratio(KrRatio r, int64_t num, int64_t den) {
  assert_int_equal(r.num, num);
  assert_int_equal(r.den, den);
}

static void beats_and_times_are_exact_in_a_segment(void **state) {
  (void)state;
  // 120 bpm, at 2 s 90 bpm, at 4 s 500001 microseconds a beat.
  KrTempoSegment segments[3] = {{KR_RATIO_ZERO, KR_RATIO_ZERO, {2, 1}}};
  KrTempoMap map = {segments, 3};
  KrRatio r;
  assert_int_equal(kr_tempo_change(&segments[0], ratio(2, 1), ratio(3, 2), &segments[1]), KR_OK);
  assert_ratio(segments[1].beat, 4, 1);
  assert_int_equal(kr_tempo_change(&segments[1], ratio(4, 1), ratio(1000000, 500001), &segments[2]),
                   KR_OK);
  assert_ratio(segments[2].beat, 7, 1);
  assert_int_equal(kr_tempo_beat(&map, ratio(1, 3), &r), KR_OK);
  assert_ratio(r, 2, 3);
  assert_int_equal(kr_tempo_time(&map, ratio(5, 1), &r), KR_OK);
  assert_ratio(r, 8, 3);
  assert_int_equal(kr_tempo_beat(&map, ratio(4, 1), &r), KR_OK);
  assert_ratio(r, 7, 1);
  assert_int_equal(kr_tempo_time(&map, ratio(8, 1), &r), KR_OK);
  assert_ratio(r, 4500001, 1000000);
  assert_int_equal(kr_tempo_beat(&map, ratio(-1, 1), &r), KR_OK);
  assert_ratio(r, -2, 1);
  map.n = 0;
  assert_int_equal(kr_tempo_time(&map, KR_RATIO_ZERO, &r), KR_ERROR_ARGUMENT);
  assert_int_equal(kr_tempo_beat(&map, KR_RATIO_ZERO, &r), KR_ERROR_ARGUMENT);
}

static void impossible_changes_are_refused(void **state) {
  (void)state;
  KrTempoSegment first = {ratio(1, 1), ratio(1, 1), ratio(1, 1)}, next;
  assert_int_equal(kr_tempo_change(&first, KR_RATIO_ZERO, ratio(1, 1), &next), KR_ERROR_ARGUMENT);
  assert_int_equal(kr_tempo_change(&first, ratio(2, 1), KR_RATIO_ZERO, &next), KR_ERROR_ARGUMENT);
  first.beats_per_second = ratio(INT64_MAX, 1);
  assert_int_equal(kr_tempo_change(&first, ratio(100, 1), ratio(1, 1), &next), KR_ERROR_OVERFLOW);
}

/// beat + (time - last) * tempo, to a multiple of 2^-32 only when the denominator passes 2^32.
static bool model_beat(mpq_t beat, const KrTempoSegment *last, KrRatio time) {
  mpq_t x, y;
  mpz_t bound;
  mpq_inits(x, y, NULL);
  mpz_init_set_ui(bound, 1);
  mpz_mul_2exp(bound, bound, 32);
  model_set_ratio(x, time.num, time.den);
  model_set_ratio(y, last->time.num, last->time.den);
  mpq_sub(x, x, y);
  model_set_ratio(y, last->beats_per_second.num, last->beats_per_second.den);
  mpq_mul(x, x, y);
  model_set_ratio(y, last->beat.num, last->beat.den);
  mpq_add(beat, x, y);
  bool rounds = mpz_cmp(mpq_denref(beat), bound) > 0;
  if (rounds) {
    mpq_mul_2exp(beat, beat, 33);
    model_floor(mpq_numref(x), beat);
    mpz_add_ui(mpq_numref(x), mpq_numref(x), 1);
    mpz_fdiv_q_2exp(mpq_numref(x), mpq_numref(x), 1);
    mpq_set_z(beat, mpq_numref(x));
    mpq_div_2exp(beat, beat, 32);
  }
  mpq_clears(x, y, NULL);
  mpz_clear(bound);
  return rounds;
}

static void random_changes_equal_the_model(void **state) {
  (void)state;
  uint64_t seed = 31, n_exact = 0, n_rounded = 0;
  mpq_t beat;
  mpq_init(beat);
  for (int i = 0; i < 100000; i++) {
    unsigned den_bits = i % 2 != 0 ? 12 : 40;
    KrTempoSegment last = {
        ratio((int64_t)draw_bits(&seed, 20), 48000),
        ratio((int64_t)draw_bits(&seed, 40), (int64_t)draw_bits(&seed, 31) + 1),
        ratio((int64_t)draw_bits(&seed, den_bits) + 1, (int64_t)draw_bits(&seed, den_bits) + 1)};
    KrTempoSegment next;
    KrRatio time, since = ratio((int64_t)draw_bits(&seed, 20),
                                i % 3 != 0 ? 44100 : (int64_t)draw_bits(&seed, 36) + 1);
    if (kr_ratio_add(last.time, since, &time) != KR_OK) continue;
    bool rounds = model_beat(beat, &last, time);
    KrStatus status = kr_tempo_change(&last, time, ratio(2, 1), &next);
    if (!model_fits_ratio(beat)) {
      assert_int_equal(status, KR_ERROR_OVERFLOW);
      continue;
    }
    assert_int_equal(status, KR_OK);
    assert_ratio(next.beat, model_get_i64(mpq_numref(beat)), model_get_i64(mpq_denref(beat)));
    assert_int_equal(kr_ratio_compare(next.time, time), 0);
    n_rounded += rounds;
    n_exact += !rounds;
  }
  assert_true(n_exact > 10000 && n_rounded > 10000);
  mpq_clear(beat);
}

/// A year of frames at 30000/1001 Hz under a tempo of 500001 microseconds a beat.
static void nothing_grows_over_a_year(void **state) {
  (void)state;
  KrTempoSegment segment = {KR_RATIO_ZERO, KR_RATIO_ZERO, {1000000, 500001}};
  KrTempoMap map = {&segment, 1};
  for (int64_t frame = 0; frame < INT64_C(31557600) * 30; frame += 9999991) {
    KrRatio time = ratio(frame * 1001, 30000), beat, back;
    assert_int_equal(kr_tempo_beat(&map, time, &beat), KR_OK);
    assert_int_equal(kr_tempo_time(&map, beat, &back), KR_OK);
    assert_ratio(back, time.num, time.den);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(beats_and_times_are_exact_in_a_segment),
      cmocka_unit_test(impossible_changes_are_refused),
      cmocka_unit_test(random_changes_equal_the_model),
      cmocka_unit_test(nothing_grows_over_a_year),
  };
  return cmocka_run_group_tests_name("tempo", tests, NULL, NULL);
}

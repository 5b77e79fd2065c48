/// Ticks and grids against GMP: positions of every millisecond, of random and of all small rates.
#include "time/grid.h"
#include "unit/model.h"

static KrRatio ratio(int64_t num, int64_t den) {
  KrRatio r;
  assert_int_equal(kr_ratio_make(num, den, &r), KR_OK);
  return r;
}

static KrClock clock_of(int64_t rate_num, int64_t rate_den) {
  return (KrClock){ratio(rate_den, rate_num), KR_RATIO_ZERO};
}

static void assert_ratio(KrRatio r, int64_t num, int64_t den) {
  assert_int_equal(r.num, num);
  assert_int_equal(r.den, den);
}

static KrRatio draw_time(uint64_t *seed, unsigned num_bits, unsigned den_bits, int64_t least) {
  return ratio((int64_t)draw_bits(seed, num_bits) + least, (int64_t)draw_bits(seed, den_bits) + 1);
}

static void every_millisecond_is_on_its_sample(void **state) {
  (void)state;
  static const int64_t rates[5][2] = {{48000, 1}, {44100, 1}, {100, 1}, {60, 1}, {30000, 1001}};
  mpz_t z, rest;
  mpz_inits(z, rest, NULL);
  for (int r = 0; r < 5; r++) {
    KrClock clock = clock_of(rates[r][0], rates[r][1]);
    for (int64_t ms = 0; ms < 1000000; ms++) {
      int64_t tick = -1, above = -1;
      KrRatio residual;
      KrRatio time = ratio(ms, 1000);
      assert_int_equal(kr_clock_floor(&clock, time, &tick, &residual), KR_OK);
      assert_int_equal(kr_clock_ceil(&clock, time, &above), KR_OK);
      model_set_i64(z, ms * rates[r][0]);
      mpz_fdiv_qr_ui(z, rest, z, (unsigned long)(1000 * rates[r][1]));
      assert_int_equal(tick, mpz_get_si(z));
      assert_int_equal(above, mpz_get_si(z) + (mpz_sgn(rest) != 0));
      // residual = rest / (1000 rate_den)
      assert_int_equal(residual.num * 1000 * rates[r][1], mpz_get_si(rest) * residual.den);
    }
  }
  mpz_clears(z, rest, NULL);
}

static void known_times_are_on_known_samples(void **state) {
  (void)state;
  static const int64_t cases[][5] = {
      {9, 1000, 48000, 1, 432},  {29, 100, 48000, 1, 13920}, {57, 100, 48000, 1, 27360},
      {1, 2, 48000, 1, 24000},   {1, 2, 30000, 1001, 14},    {3600, 1, 48000, 1, 172800000},
      {-1, 48000, 48000, 1, -1}, {-1, 96000, 48000, 1, -1},  {1001, 30000, 30000, 1001, 1}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const int64_t *c = cases[i];
    KrClock clock = clock_of(c[2], c[3]);
    int64_t tick;
    assert_int_equal(kr_clock_floor(&clock, ratio(c[0], c[1]), &tick, NULL), KR_OK);
    assert_int_equal(tick, c[4]);
  }
  KrClock audio = clock_of(48000, 1);
  KrRatio time;
  assert_int_equal(kr_clock_time(&audio, 172800000, &time), KR_OK);
  assert_ratio(time, 3600, 1);
}

/// Any rate, phase and tick up to 10^15: its time, and back.
static void random_ticks_equal_the_model(void **state) {
  (void)state;
  uint64_t seed = 11, n_fits = 0, n_overflows = 0;
  mpq_t dt, phase, tick_q, time_q;
  mpq_inits(dt, phase, tick_q, time_q, NULL);
  for (int i = 0; i < 1000000; i++) {
    KrClock clock = {ratio((int64_t)draw_bits(&seed, 12) + 1, (int64_t)draw_bits(&seed, 20) + 1),
                     ratio((int64_t)draw_bits(&seed, 20), (int64_t)draw_bits(&seed, 16) + 1)};
    int64_t n = (int64_t)draw_below(&seed, UINT64_C(1000000000000001)), tick;
    KrRatio time, residual;
    model_set_ratio(dt, clock.dt.num, clock.dt.den);
    model_set_ratio(phase, clock.phase.num, clock.phase.den);
    model_set_ratio(tick_q, n, 1);
    mpq_mul(time_q, dt, tick_q);
    bool fits = model_fits_ratio(time_q);
    mpq_add(time_q, time_q, phase);
    fits = fits && model_fits_ratio(time_q);
    KrStatus status = kr_clock_time(&clock, n, &time);
    assert_int_equal(status, fits ? KR_OK : KR_ERROR_OVERFLOW);
    n_fits += fits;
    n_overflows += !fits;
    if (!fits) continue;
    assert_ratio(time, model_get_i64(mpq_numref(time_q)), model_get_i64(mpq_denref(time_q)));
    assert_int_equal(kr_clock_floor(&clock, time, &tick, &residual), KR_OK);
    assert_int_equal(tick, n);
    assert_ratio(residual, 0, 1);
    assert_int_equal(kr_clock_ceil(&clock, time, &tick), KR_OK);
    assert_int_equal(tick, n);
  }
  assert_true(n_fits > 500000 && n_overflows > 1000);
  mpq_clears(dt, phase, tick_q, time_q, NULL);
}

/// (time - phase) / dt of any time, before phase and zero too.
static void random_times_equal_the_model(void **state) {
  (void)state;
  uint64_t seed = 12, n_overflows = 0;
  mpq_t dt, q, phase, whole;
  mpz_t z;
  mpq_inits(dt, q, phase, whole, NULL);
  mpz_init(z);
  for (int i = 0; i < 300000; i++) {
    KrClock clock = {ratio((int64_t)draw_bits(&seed, 30) + 1, (int64_t)draw_bits(&seed, 30) + 1),
                     ratio((int64_t)draw_bits(&seed, 30), (int64_t)draw_bits(&seed, 20) + 1)};
    KrRatio time = ratio((int64_t)draw_bits(&seed, 62) * (i % 2 ? 1 : -1),
                         (int64_t)draw_bits(&seed, i % 3 ? 20 : 62) + 1);
    KrRatio residual;
    int64_t tick = 0, above = 0;
    model_set_ratio(q, time.num, time.den);
    model_set_ratio(phase, clock.phase.num, clock.phase.den);
    model_set_ratio(dt, clock.dt.num, clock.dt.den);
    mpq_sub(q, q, phase);
    bool fits = model_fits_ratio(q);
    mpq_div(q, q, dt);
    model_floor(z, q);
    fits = fits && model_fits(z);
    KrStatus status = kr_clock_floor(&clock, time, &tick, NULL);
    assert_int_equal(status, fits ? KR_OK : KR_ERROR_OVERFLOW);
    n_overflows += !fits;
    if (!fits) continue;
    assert_int_equal(tick, model_get_i64(z));
    mpq_set_z(whole, z);
    mpq_sub(whole, q, whole);
    status = kr_clock_floor(&clock, time, &tick, &residual);
    assert_int_equal(status, model_fits_ratio(whole) ? KR_OK : KR_ERROR_OVERFLOW);
    if (status == KR_OK) {
      assert_ratio(residual, model_get_i64(mpq_numref(whole)), model_get_i64(mpq_denref(whole)));
    }
    mpz_cdiv_q(z, mpq_numref(q), mpq_denref(q));
    if (model_fits(z)) {
      assert_int_equal(kr_clock_ceil(&clock, time, &above), KR_OK);
      assert_int_equal(above, model_get_i64(z));
    }
  }
  assert_true(n_overflows > 1000 && n_overflows < 200000);
  mpq_clears(dt, q, phase, whole, NULL);
  mpz_clear(z);
}

/// All rates a/b and phases p/q with a, b, q <= 32 and p < q: the first ticks, their inverse, the
/// times half way between them, and the grid.
static void small_rates_with_all_phases_are_exact(void **state) {
  (void)state;
  for (int64_t a = 1; a <= 32; a++) {
    for (int64_t b = 1; b <= 32; b++) {
      for (int64_t q = 1; q <= 32; q++) {
        for (int64_t p = 0; p < q; p++) {
          if (p != 0 && kr_gcd((uint64_t)p, (uint64_t)q) != 1) continue;
          if (p == 0 && q != 1) continue;
          KrClock clock = {ratio(b, a), ratio(p, q)};
          KrGrid grid;
          int64_t dt_ticks, phase_ticks, tick, n;
          assert_int_equal(kr_grid_make(&clock, 1, &grid, NULL, NULL), KR_OK);
          assert_int_equal(kr_grid_ticks(&grid, clock.dt, &dt_ticks), KR_OK);
          assert_int_equal(kr_grid_ticks(&grid, clock.phase, &phase_ticks), KR_OK);
          for (int64_t k = -2; k <= 3; k++) {
            KrRatio time, residual;
            assert_int_equal(kr_clock_time(&clock, k, &time), KR_OK);
            assert_ratio(time, ratio(p * a + k * b * q, q * a).num,
                         ratio(p * a + k * b * q, q * a).den);
            assert_int_equal(kr_grid_ticks(&grid, time, &tick), KR_OK);
            assert_int_equal(tick, phase_ticks + k * dt_ticks);
            KrRatio between = ratio(2 * p * a + (2 * k + 1) * b * q, 2 * q * a);
            assert_int_equal(kr_clock_floor(&clock, between, &tick, &residual), KR_OK);
            assert_int_equal(tick, k);
            assert_ratio(residual, 1, 2);
            assert_int_equal(kr_clock_count(&clock, KR_RATIO_ZERO, between, &n), KR_OK);
            assert_int_equal(n, k < 0 ? 0 : k + 1);
            assert_int_equal(kr_clock_count(&clock, time, between, &n), KR_OK);
            assert_int_equal(n, k >= 0);
            assert_int_equal(kr_clock_count(&clock, time, time, &n), KR_OK);
            assert_int_equal(n, 0);
          }
        }
      }
    }
  }
}

/// The grid of two rates holds both periods as whole numbers without a common factor, and the
/// hyperperiod is their least common multiple.
static void grids_of_all_small_pairs_are_the_coarsest(void **state) {
  (void)state;
  KrClock clocks[2];
  for (int64_t i = 0; i < 32 * 32; i++) {
    for (int64_t j = 0; j <= i; j++) {
      KrGrid grid;
      int64_t x, y, h;
      clocks[0] = clock_of(i % 32 + 1, i / 32 + 1);
      clocks[1] = clock_of(j % 32 + 1, j / 32 + 1);
      assert_int_equal(kr_grid_make(clocks, 2, &grid, NULL, NULL), KR_OK);
      assert_int_equal(kr_grid_ticks(&grid, clocks[0].dt, &x), KR_OK);
      assert_int_equal(kr_grid_ticks(&grid, clocks[1].dt, &y), KR_OK);
      assert_int_equal(kr_grid_ticks(&grid, grid.hyperperiod, &h), KR_OK);
      uint64_t g = kr_gcd((uint64_t)x, (uint64_t)y);
      assert_int_equal(g, 1);
      assert_int_equal(h, x * y);
    }
  }
}

typedef struct RateCase {
  int64_t rates[4][2]; ///< num, den; num 0 ends the list
  int64_t frequency, hyper_num, hyper_den, ticks[4];
} RateCase;

static void the_rate_table_holds(void **state) {
  (void)state;
  static const RateCase cases[] = {
      {{{48000, 1}, {100, 1}, {60, 1}}, 48000, 1, 20, {2400, 5, 3}},
      {{{48000, 1}, {44100, 1}}, 7056000, 1, 300, {160, 147}},
      {{{48000, 1}, {30000, 1001}}, 240000, 1001, 6000, {8008, 5}},
      {{{48000, 1}, {100, 1}, {60, 1}, {10000, 107}}, 240000, 107, 20, {256800, 535, 321, 500}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    KrClock clocks[4];
    KrGrid grid;
    uint32_t n = 0;
    for (; n < 4 && cases[i].rates[n][0] != 0; n++) {
      clocks[n] = clock_of(cases[i].rates[n][0], cases[i].rates[n][1]);
    }
    assert_int_equal(kr_grid_make(clocks, n, &grid, NULL, NULL), KR_OK);
    assert_ratio(grid.frequency, cases[i].frequency, 1);
    assert_ratio(grid.hyperperiod, cases[i].hyper_num, cases[i].hyper_den);
    for (uint32_t j = 0; j < n; j++) {
      int64_t count;
      assert_int_equal(kr_clock_count(&clocks[j], KR_RATIO_ZERO, grid.hyperperiod, &count), KR_OK);
      assert_int_equal(count, cases[i].ticks[j]);
    }
  }
}

static void phases_refine_the_grid(void **state) {
  (void)state;
  KrClock clocks[2] = {clock_of(48000, 1), clock_of(100, 1)};
  KrGrid grid;
  int64_t ticks;
  clocks[1].phase = ratio(1, 7);
  assert_int_equal(kr_grid_make(clocks, 2, &grid, NULL, NULL), KR_OK);
  assert_ratio(grid.frequency, 336000, 1);
  assert_ratio(grid.hyperperiod, 1, 100);
  assert_int_equal(kr_grid_ticks(&grid, ratio(1, 11), &ticks), KR_ERROR_ARGUMENT);
  assert_int_equal(kr_grid_ticks(&grid, ratio(INT64_MAX, 1), &ticks), KR_ERROR_OVERFLOW);
  clocks[1].phase = ratio(-1, 7);
  assert_int_equal(kr_grid_make(clocks, 2, &grid, NULL, NULL), KR_ERROR_ARGUMENT);
  clocks[1] = (KrClock){KR_RATIO_ZERO, KR_RATIO_ZERO};
  assert_int_equal(kr_grid_make(clocks, 2, &grid, NULL, NULL), KR_ERROR_ARGUMENT);
}

static void clocks_without_common_grid_are_named(void **state) {
  (void)state;
  // floor((2^63 - 1) / 3155760000) = 2922710230 Hz is the last grid admitted.
  KrClock edge = clock_of(2922710230, 1);
  KrGrid grid;
  uint32_t a = 9, b = 9;
  assert_int_equal(kr_grid_make(&edge, 1, &grid, &a, &b), KR_OK);
  edge = clock_of(2922710231, 1);
  assert_int_equal(kr_grid_make(&edge, 1, &grid, &a, &b), KR_ERROR_LIMIT);
  assert_true(a == 0 && b == 0);
  KrClock clocks[4] = {clock_of(48000, 1), clock_of(100, 1), clock_of(99991, 1),
                       clock_of(99989, 1)};
  assert_int_equal(kr_grid_make(clocks, 2, &grid, &a, &b), KR_OK);
  assert_int_equal(kr_grid_make(clocks, 4, &grid, &a, &b), KR_ERROR_LIMIT);
  assert_true(a == 0 && b == 2);
  assert_int_equal(kr_grid_make(clocks + 1, 3, &grid, &a, &b), KR_ERROR_LIMIT);
  assert_true(a == 1 && b == 2);
  assert_int_equal(kr_grid_make(clocks, 0, &grid, &a, &b), KR_ERROR_ARGUMENT);
}

static void the_nearest_dt_is_admitted_and_near(void **state) {
  (void)state;
  KrClock clocks[4] = {clock_of(48000, 1), clock_of(100, 1), clock_of(60, 1)};
  KrRatio dt;
  KrGrid grid;
  // An admitted dt is its own nearest.
  assert_int_equal(kr_grid_nearest_dt(clocks, 3, ratio(107, 10000), &dt), KR_OK);
  assert_ratio(dt, 107, 10000);
  assert_int_equal(kr_grid_nearest_dt(clocks, 3, ratio(1, INT64_C(1000000000000)), &dt), KR_OK);
  assert_int_equal(kr_grid_nearest_dt(clocks, 3, KR_RATIO_ZERO, &dt), KR_ERROR_ARGUMENT);
  uint64_t seed = 13;
  mpq_t wanted_q, found_q, bound;
  mpq_inits(wanted_q, found_q, bound, NULL);
  mpq_set_ui(bound, 1, 1000000000);
  for (int i = 0; i < 3000; i++) {
    KrRatio wanted = draw_time(&seed, 30, 45, 1);
    assert_int_equal(kr_grid_nearest_dt(clocks, 3, wanted, &dt), KR_OK);
    clocks[3] = (KrClock){dt, KR_RATIO_ZERO};
    assert_int_equal(kr_grid_make(clocks, 4, &grid, NULL, NULL), KR_OK);
    // The finest admitted grid is finer than half of 2922710230 Hz.
    model_set_ratio(wanted_q, wanted.num, wanted.den);
    model_set_ratio(found_q, dt.num, dt.den);
    mpq_sub(found_q, found_q, wanted_q);
    mpq_abs(found_q, found_q);
    assert_true(mpq_cmp(found_q, bound) < 0);
  }
  clocks[3] = clock_of(99991, 1);
  assert_int_equal(kr_grid_nearest_dt(clocks, 4, ratio(1, 100), &dt), KR_ERROR_NOT_FOUND);
  mpq_clears(wanted_q, found_q, bound, NULL);
}

/// The position at one reader tick, and a run of steps, each compared as an exact fraction.
static void the_stepper_equals_the_model(void **state) {
  (void)state;
  uint64_t seed = 14, n_fits = 0;
  mpq_t x, y;
  mpz_t z;
  mpq_inits(x, y, NULL);
  mpz_init(z);
  for (int i = 0; i < 100000; i++) {
    KrClock reader = {draw_time(&seed, 10, 16, 1), draw_time(&seed, 8, 8, 0)};
    KrClock source = {draw_time(&seed, 10, 16, 1), draw_time(&seed, 8, 8, 0)};
    KrRatio shift = draw_time(&seed, 8, 8, 0);
    int64_t tick = (int64_t)draw_bits(&seed, 40) * (i % 4 == 0 ? -1 : 1);
    KrStepper stepper;
    if (kr_stepper_init(&stepper, &reader, &source, shift, tick) != KR_OK) continue;
    n_fits++;
    for (int64_t j = tick; j < tick + 20; j++) {
      model_set_ratio(x, reader.dt.num, reader.dt.den);
      model_set_ratio(y, j, 1);
      mpq_mul(x, x, y);
      model_set_ratio(y, reader.phase.num, reader.phase.den);
      mpq_add(x, x, y);
      model_set_ratio(y, source.phase.num, source.phase.den);
      mpq_sub(x, x, y);
      model_set_ratio(y, shift.num, shift.den);
      mpq_sub(x, x, y);
      model_set_ratio(y, source.dt.num, source.dt.den);
      mpq_div(x, x, y);
      model_floor(z, x);
      assert_int_equal(stepper.k, model_get_i64(z));
      assert_true(stepper.rest < stepper.den);
      mpq_set_z(y, z);
      mpq_sub(x, x, y);
      model_set_ratio(y, (int64_t)stepper.rest, (int64_t)stepper.den);
      assert_true(mpq_equal(x, y));
      kr_stepper_next(&stepper);
    }
  }
  assert_true(n_fits > 90000);
  mpq_clears(x, y, NULL);
  mpz_clear(z);
}

static void the_stepper_reports_overflow(void **state) {
  (void)state;
  KrClock audio = clock_of(48000, 1), slow = clock_of(1, 1000);
  KrStepper stepper;
  assert_int_equal(kr_stepper_init(&stepper, &slow, &audio, KR_RATIO_ZERO, 1000), KR_OK);
  assert_int_equal(stepper.k, INT64_C(48000) * 1000 * 1000);
  assert_int_equal(kr_stepper_init(&stepper, &slow, &audio, KR_RATIO_ZERO, INT64_MAX / 1000),
                   KR_ERROR_OVERFLOW);
  KrClock odd = {ratio(1, INT64_C(4000000007)), KR_RATIO_ZERO};
  KrClock odder = {ratio(INT64_C(4000000009), 1), KR_RATIO_ZERO};
  assert_int_equal(kr_stepper_init(&stepper, &odd, &odder, KR_RATIO_ZERO, 0), KR_ERROR_OVERFLOW);
}

static void a_place_is_the_floor_in_any_terms(void **state) {
  (void)state;
  static const KrClock clocks[] = {
      {{1, 48000}, {0, 1}}, {{7, 44100}, {0, 1}}, {{3, 1000}, {1, 7}}, {{1, 96000}, {0, 1}}};
  uint64_t seed = 1;
  for (int i = 0; i < 20000; i++) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    const KrClock *clock = &clocks[seed >> 62];
    const int64_t den = 1 + (int64_t)(seed >> 8 & 0xffff), num = (int64_t)(seed >> 24 & 0x3fffffff);
    const KrRatio any = {num, den};
    KrRatio lowest, floor_rest, rest;
    int64_t floor_tick, tick;
    assert_int_equal(kr_ratio_make(num, den, &lowest), KR_OK);
    assert_int_equal(kr_clock_floor(clock, lowest, &floor_tick, &floor_rest), KR_OK);
    assert_int_equal(kr_clock_place(clock, any, &tick, &rest), KR_OK);
    assert_int_equal(tick, floor_tick);
    assert_int_equal(kr_ratio_compare(rest, floor_rest), 0);
    assert_true(rest.num >= 0 && rest.num < rest.den);
    assert_true(rest.num != 0 || rest.den == 1);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_millisecond_is_on_its_sample),
      cmocka_unit_test(known_times_are_on_known_samples),
      cmocka_unit_test(random_ticks_equal_the_model),
      cmocka_unit_test(random_times_equal_the_model),
      cmocka_unit_test(small_rates_with_all_phases_are_exact),
      cmocka_unit_test(grids_of_all_small_pairs_are_the_coarsest),
      cmocka_unit_test(the_rate_table_holds),
      cmocka_unit_test(phases_refine_the_grid),
      cmocka_unit_test(clocks_without_common_grid_are_named),
      cmocka_unit_test(the_nearest_dt_is_admitted_and_near),
      cmocka_unit_test(the_stepper_equals_the_model),
      cmocka_unit_test(a_place_is_the_floor_in_any_terms),
      cmocka_unit_test(the_stepper_reports_overflow),
  };
  return cmocka_run_group_tests_name("grid", tests, NULL, NULL);
}

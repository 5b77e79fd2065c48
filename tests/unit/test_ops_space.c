// Rooms and grains: how long they sound, what they give back of silence, noise and broken numbers.
#include "op_wave.h"
#include <math.h>

static const double pi = 3.14159265358979323846;
enum { MANY = 48000 * 4 };
static double x[MANY], y[MANY], left[MANY], right[MANY];

static void fill_impulse(void) {
  memset(x, 0, sizeof x);
  x[0] = 1;
}
static void fill_noise(double *at, uint64_t seed, double low, double high) {
  for (int i = 0; i < MANY; i++) at[i] = rig_uniform(&seed, low, high);
}
static void run_room(Wave *wave, uint32_t n) {
  double *out[2] = {left, right};
  wave_prepare(wave);
  wave_run(wave, n, out);
  wave_deinit(wave);
}

// Seconds per 60 dB between -5 and -35 dB of the energy that is still to come (Schroeder 1965).
static double fade_time(const double *at, uint32_t n) {
  static double rest[MANY + 1];
  uint32_t from = 0, to = 0;
  rest[n] = 0;
  for (uint32_t i = n; i-- > 0;) rest[i] = rest[i + 1] + at[i] * at[i];
  while (10 * log10(rest[from] / rest[0]) > -5) from++;
  while (10 * log10(rest[to] / rest[0]) > -35) to++;
  return (to - from) / 48000.0 * 2;
}

static void a_network_fades_by_60_dB_in_the_time_given(void **state) {
  (void)state;
  static const double times[] = {0.3, 1, 2, 4}, sizes[] = {0.2, 0.5, 1};
  for (int k = 0; k < 4; k++)
    for (int s = 0; s < 3; s++) {
      Wave wave;
      fill_impulse();
      wave_init(&wave, "fdn", 0);
      wave_input(&wave, "x", x), wave_set(&wave, "mix", 1), wave_set(&wave, "damping", 0);
      wave_set(&wave, "time", times[k]), wave_set(&wave, "size", sizes[s]);
      run_room(&wave, MANY);
      double l = fade_time(left, MANY) / times[k], r = fade_time(right, MANY) / times[k];
      if (fabs(l - 1) > 0.1 || fabs(r - 1) > 0.1)
        fail_msg("%g s at size %g: %g and %g of it", times[k], sizes[s], l, r);
    }
}

static void damping_shortens_high_tones_alone(void **state) {
  (void)state;
  double faded[2][2];
  for (int damped = 0; damped < 2; damped++)
    for (int high = 0; high < 2; high++) {
      Wave wave;
      double freq = high ? 12000 : 150;
      memset(x, 0, sizeof x);
      for (int i = 0; i < 4800; i++) x[i] = sin(2 * pi * freq * i / 48000) * sin(pi * i / 4800);
      wave_init(&wave, "fdn", 0);
      wave_input(&wave, "x", x), wave_set(&wave, "mix", 1);
      wave_set(&wave, "damping", damped ? 0.7 : 0), wave_set(&wave, "time", 1.5);
      run_room(&wave, MANY);
      faded[damped][high] = fade_time(left + 4800, MANY - 4800);
    }
  assert_true(fabs(faded[1][0] / faded[0][0] - 1) < 0.15);
  assert_true(faded[1][1] < 0.6 * faded[0][1]);
}

static void a_reverb_has_the_combs_of_freeverb(void **state) {
  (void)state;
  Wave wave;
  fill_impulse();
  wave_init(&wave, "reverb", 0);
  wave.rig.dt = (KrRatio){1, 44100};
  wave_input(&wave, "x", x), wave_set(&wave, "mix", 1), wave_set(&wave, "damping", 0);
  run_room(&wave, 44100);
  // All-passes pass the first arrivals with the sign of (-1)^4 at once.
  for (int i = 0; i < 1116; i++) assert_true(left[i] == 0);
  assert_true(fabs(left[1116] - 2 * 0.03) < 1e-12 && fabs(right[1139] - 2 * 0.03) < 1e-12);
  assert_true(right[1138] == 0);
  double feedback = 0.7 + 0.28 * 0.5, expected = 3 * (1370 / 44100.0) / -log10(feedback);
  double measured = fade_time(left, 44100) * 48000 / 44100;
  assert_true(measured > 0.7 * expected && measured < 1.3 * expected);
}

static const char *const rooms[] = {"reverb", "fdn"};

static void rooms_are_silent_dry_and_of_two_channels(void **state) {
  (void)state;
  for (int k = 0; k < 2; k++) {
    Wave one, two;
    memset(x, 0, sizeof x);
    wave_init(&one, rooms[k], 0);
    wave_input(&one, "x", x);
    run_room(&one, 20000);
    for (int i = 0; i < 20000; i++) assert_true(left[i] == 0 && right[i] == 0);
    fill_noise(x, 3, -1, 1);
    fill_noise(y, 4, -1, 1);
    wave_init(&one, rooms[k], 0);
    wave_input(&one, "x", x), wave_set(&one, "mix", 0);
    run_room(&one, 20000);
    for (int i = 0; i < 20000; i++) assert_true(left[i] == x[i] && right[i] == x[i]);
    wave_init(&two, rooms[k], 1);
    wave_input(&two, "x", x), wave_input(&two, "right", y), wave_set(&two, "mix", 0);
    run_room(&two, 20000);
    for (int i = 0; i < 20000; i++) assert_true(left[i] == x[i] && right[i] == y[i]);
  }
}

static void rooms_stay_bounded_and_forget_what_is_broken(void **state) {
  (void)state;
  static double settings[4][MANY];
  static const char *const names[2][4] = {{"size", "damping", "mix", "mix"},
                                          {"time", "damping", "size", "mix"}};
  for (int k = 0; k < 2; k++) {
    Wave wave;
    double most = 0;
    fill_noise(x, 5, -1, 1);
    for (int i = 0; i < 4; i++) fill_noise(settings[i], 6 + (uint64_t)i, -0.5, 1.5);
    for (int i = 0; i < 40000; i += 4000) x[i] = i % 8000 ? NAN : INFINITY;
    for (int i = 0; i < 4; i++) settings[i][5000 + i] = NAN, settings[i][6000] = -INFINITY;
    wave_init(&wave, rooms[k], 0);
    wave_input(&wave, "x", x);
    for (int i = 0; i < 4; i++) wave_input(&wave, names[k][i], settings[i]);
    run_room(&wave, MANY);
    for (int i = 50000; i < MANY; i++) most = fmax(most, fmax(fabs(left[i]), fabs(right[i])));
    assert_true(most > 0.1 && most < 100);
  }
}

static float frames[48000];
static const KrAssetAudio audio = {frames, 48000, 1, 48000, true, {{0}}};
static void open_cloud(Wave *wave) {
  wave_init(wave, "granular", 0);
  wave->rig.port[0] = (KrPortValue){.kind = KR_VALUE_ASSET, .audio = &audio};
}

static void grains_are_windows_of_the_file_where_the_clock_says(void **state) {
  (void)state;
  double *out[1] = {y};
  Wave wave;
  for (int i = 0; i < 48000; i++) frames[i] = (float)(1 + 0.25 * sin(i * 0.01));
  open_cloud(&wave);
  wave_set(&wave, "rate", 70), wave_set(&wave, "size", 0.01), wave_set(&wave, "position", 0.5);
  wave_prepare(&wave);
  wave_run(&wave, 48000, out);
  for (int i = 0; i < 48000; i++) {
    double since = fmod(i, 48000 / 70.0), w = sin(pi * since / 480), place = 24000 + since;
    double expected = since < 480 ? w * w * (1 + 0.25 * sin(place * 0.01)) : 0;
    if (fabs(y[i] - expected) > 1e-5) fail_msg("tick %d: %g, not %g", i, y[i], expected);
  }
  wave_deinit(&wave);
}

// The level of a file's tone in one long grain, as the root of the mean square below the window.
static double tone_in_a_grain(double hz, double speed) {
  double *out[1] = {y}, sum = 0;
  Wave wave;
  for (int i = 0; i < 48000; i++) frames[i] = (float)sin(2 * pi * hz / 48000 * i);
  open_cloud(&wave);
  wave_set(&wave, "rate", 1), wave_set(&wave, "size", 1), wave_set(&wave, "speed", speed);
  wave_prepare(&wave);
  wave_run(&wave, 30000, out);
  for (int i = 14800; i < 19800; i++) { // away from the ends of the file
    double w = sin(pi * i / 48000);
    sum += y[i] / (w * w) * (y[i] / (w * w));
  }
  wave_deinit(&wave);
  return sqrt(2 * sum / 5000);
}
static void what_a_fast_grain_moves_beyond_half_the_rate_is_left_out(void **state) {
  (void)state;
  static const double speeds[] = {-1.3, 1.9, 2.05, -3.3, 7.2};
  for (size_t i = 0; i < sizeof speeds / sizeof *speeds; i++) {
    double size = fabs(speeds[i]);
    double kept = tone_in_a_grain(floor(14000 / size), speeds[i]);
    double left_out = tone_in_a_grain(floor(29000 / size), speeds[i]);
    assert_true(fabs(20 * log10(kept)) < 0.05);
    assert_true(20 * log10(left_out) < -68);
  }
}

static void a_cloud_in_a_voice_begins_between_two_ticks(void **state) {
  (void)state;
  Wave wave;
  for (int i = 0; i < 48000; i++) frames[i] = 1;
  open_cloud(&wave);
  wave_set(&wave, "rate", 70), wave_set(&wave, "size", 0.01);
  wave_prepare(&wave);
  wave_run_late(&wave, 0.375, 4000, y);
  for (int i = 1; i < 4000; i++) {
    double since = fmod(i - 0.375, 48000 / 70.0), w = sin(pi * since / 480);
    assert_true(fabs(y[i] - (since < 480 ? w * w : 0)) < 1e-5);
  }
  wave_deinit(&wave);
}

static void overlapping_grains_of_a_steady_file_are_steady(void **state) {
  (void)state;
  double *out[1] = {y};
  Wave wave;
  for (int i = 0; i < 48000; i++) frames[i] = 1;
  open_cloud(&wave);
  wave_set(&wave, "rate", 10000), wave_set(&wave, "size", 0.005), wave_set(&wave, "spread", 1);
  wave_set(&wave, "detune", 0.5);
  wave_prepare(&wave);
  wave_run(&wave, 48000, out);
  // Fifty grains, each on the average half of it.
  for (int i = 1000; i < 48000; i++) assert_true(fabs(y[i] - 25) < 0.01);
  wave_deinit(&wave);
}

static void clouds_stay_bounded_under_wild_settings(void **state) {
  (void)state;
  static const char *const names[] = {"rate",   "size",   "position", "speed",
                                      "spread", "jitter", "detune"};
  static double settings[7][MANY];
  double *out[1] = {y};
  Wave wave;
  for (int i = 0; i < 48000; i++) frames[i] = (float)sin(i * 0.3);
  open_cloud(&wave);
  for (int k = 0; k < 7; k++) {
    uint64_t seed = 11 + (uint64_t)k;
    for (int i = 0; i < MANY; i++)
      settings[k][i] = rig_uniform(&seed, -1, 1) * pow(10, rig_uniform(&seed, -4, k == 0 ? 6 : 2));
    for (int i = 0; i < MANY; i += 977) settings[k][i] = i % 2 ? NAN : INFINITY;
    wave_input(&wave, names[k], settings[k]);
  }
  wave_prepare(&wave);
  wave_run(&wave, MANY, out);
  double most = 0;
  for (int i = 0; i < MANY; i++) most = fmax(most, fabs(y[i]));
  assert_true(most > 0.5 && most < 150);
  wave_deinit(&wave);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_network_fades_by_60_dB_in_the_time_given),
      cmocka_unit_test(damping_shortens_high_tones_alone),
      cmocka_unit_test(a_reverb_has_the_combs_of_freeverb),
      cmocka_unit_test(rooms_are_silent_dry_and_of_two_channels),
      cmocka_unit_test(rooms_stay_bounded_and_forget_what_is_broken),
      cmocka_unit_test(grains_are_windows_of_the_file_where_the_clock_says),
      cmocka_unit_test(what_a_fast_grain_moves_beyond_half_the_rate_is_left_out),
      cmocka_unit_test(a_cloud_in_a_voice_begins_between_two_ticks),
      cmocka_unit_test(overlapping_grains_of_a_steady_file_are_steady),
      cmocka_unit_test(clouds_stay_bounded_under_wild_settings),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

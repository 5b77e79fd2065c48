// Oscillators against their formulas: phase, accuracy, alias products, impulses; random numbers.
#include "op_rig.h"

#include <math.h>

#include "math/philox.h"
#include "ops/turns.h"

static void run_constant(const char *name, KrElem elem, KrPortValue freq, uint32_t n, void *out) {
  Rig rig;
  rig_init(&rig, name, elem, 1);
  rig.port[0] = freq;
  rig.port[0].type = KR_TYPE_SCALAR(elem);
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  double zeros[KR_TILE] = {0};
  const void *in[3] = {zeros, zeros, zeros};
  for (uint32_t done = 0; done < n; done += KR_TILE) {
    void *to[1] = {(char *)out + (size_t)done * kr_elem_bytes(elem)};
    uint32_t part = n - done < KR_TILE ? n - done : KR_TILE;
    // `width` of a pulse is held at its preset.
    float half32[2] = {0.5f, 0};
    double half64 = 0.5;
    if (strcmp(name, "pulse") == 0) in[1] = elem == KR_ELEM_F32 ? (void *)half32 : (void *)&half64;
    rig_run(&rig, done, part, 7, in, to);
  }
  rig_deinit(&rig);
}

static void a_constant_increment_is_the_exact_ratio_rounded_to_nearest(void **state) {
  (void)state;
  KrRatio dt = {1, 48000};
  // 2^64 * 440 / 48000 = 169095211587603...: computed with 128 bits here.
  KrU128 rest, q = kr_wide_div((KrU128){0, 440}, (KrU128){48000, 0}, &rest);
  uint64_t expected = q.low + (rest.low * 2 >= 48000);
  assert_true(kr_turns_of_ratio((KrRatio){440, 1}, dt, false) == expected);
  assert_true(kr_turns_of_real(440.0, dt, false) == expected);
  assert_true(kr_turns_of_ratio((KrRatio){-440, 1}, dt, false) == 0 - expected);
  assert_true(kr_turns_of_ratio((KrRatio){48000, 1}, dt, false) == 0);
  assert_true(kr_turns_of_ratio((KrRatio){24000, 1}, dt, false) == UINT64_C(1) << 63);
  assert_true(kr_turns_of_real(0.1, dt, true) == kr_turns_of_real(0.1, dt, false) + 1 ||
              kr_turns_of_real(0.1, dt, true) == kr_turns_of_real(0.1, dt, false));
  assert_true(kr_turns_of_real(0x1p-40, KR_RATIO_ONE, false) == UINT64_C(1) << 24);
  assert_true(kr_turns_of_real(0x1p-70, KR_RATIO_ONE, false) == 0);
  assert_true(kr_turns_of_real(0x1p-70, KR_RATIO_ONE, true) == 1);
  assert_true(kr_turns_of_real(0x1.8p-64, KR_RATIO_ONE, false) == 2);
  assert_true(kr_turns_of_real(0x1p-150, (KrRatio){1, 3}, true) == 1);
  assert_true(kr_turns_of_real(INFINITY, dt, false) == 0);
}

static void a_sine_follows_the_formula(void **state) {
  (void)state;
  enum { N = 48000 };
  float *f32 = malloc(N * sizeof *f32);
  double *f64 = malloc(N * sizeof *f64);
  const long freqs[] = {1, 440, 997, 12345, 23999, -440};
  for (size_t k = 0; k < sizeof freqs / sizeof *freqs; k++) {
    run_constant("sine", KR_ELEM_F32, rig_number(freqs[k], 1), N, f32);
    run_constant("sine", KR_ELEM_F64, rig_number(freqs[k], 1), N, f64);
    assert_true(f32[0] == 0 && f64[0] == 0);
    for (long i = 0; i < N; i++) {
      long double turns = (long double)((freqs[k] * i) % 48000) / 48000;
      double expected = (double)sinl(2 * 3.14159265358979323846264L * turns);
      assert_true(fabs((double)f32[i] - expected) <= 2.5e-7);
      // The increment is rounded once: half a unit of 2^-64 turns a tick.
      assert_true(fabs(f64[i] - expected) <= 1e-15 + (double)i * 0x1p-65 * 6.3);
    }
  }
  free(f32);
  free(f64);
}

static void a_phasor_is_the_fraction_of_n_f_dt(void **state) {
  (void)state;
  float out[4800];
  run_constant("phasor", KR_ELEM_F32, rig_number(480, 1), 4800, out);
  for (int i = 0; i < 4800; i++) {
    double expected = (i % 100) / 100.0;
    assert_true(fabs((double)out[i] - expected) <= 0x1p-24);
    assert_true(out[i] < 1 && (i % 100 != 0 || out[i] == 0));
  }
}

static void an_impulse_stands_at_every_wrap_and_never_late(void **state) {
  (void)state;
  enum { N = 96000 };
  float *out = malloc(N * sizeof *out);
  const long periods[] = {1, 2, 3, 7, 100, 479, 480, 48000};
  for (size_t k = 0; k < sizeof periods / sizeof *periods; k++) {
    run_constant("impulse", KR_ELEM_F32, rig_number(48000, periods[k]), N, out);
    for (long i = 0; i < N; i++) assert_true(out[i] == (i % periods[k] == 0 ? 1.0f : 0.0f));
  }
  // 29.97 frames a second: tick ceil(k * 48000 * 1001 / 30000)
  run_constant("impulse", KR_ELEM_F32, rig_number(30000, 1001), N, out);
  for (long i = 0, k = 0; i < N; i++) {
    long due = (k * 8008 + 4) / 5;
    assert_true(out[i] == (i == due ? 1.0f : 0.0f));
    k += i == due;
  }
  free(out);
}

static void a_frequency_stream_steps_by_its_rounded_product(void **state) {
  (void)state;
  enum { N = 200 };
  Rig rig;
  rig_init(&rig, "phasor", KR_ELEM_F32, 1);
  rig.port[0] = rig_stream(KR_TYPE_SCALAR(KR_ELEM_F32));
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  float freq[N], out[N];
  uint64_t seed = 3;
  for (int i = 0; i < N; i++) freq[i] = (float)rig_uniform(&seed, -30000, 60000);
  freq[7] = NAN;
  const void *in[1] = {freq};
  rig_signal(&rig, N, in, 1, out);
  uint64_t phase = 0;
  for (int i = 0; i < N; i++) {
    uint64_t rounded = phase + (UINT64_C(1) << 39);
    assert_true(out[i] == (float)(rounded >> 40) * 0x1p-24f);
    float product = freq[i] * (float)(4294967296.0 / 48000);
    int64_t step = product >= 0x1p31f    ? INT32_MAX
                   : product <= -0x1p31f ? INT32_MIN
                   : product == product  ? (int64_t)product
                                         : 0;
    phase += (uint64_t)step << 32;
  }
  rig_deinit(&rig);
}

static void a_phase_in_turns_is_added_when_read(void **state) {
  (void)state;
  Rig rig;
  rig_init(&rig, "sine", KR_ELEM_F64, 1);
  rig.port[0] = rig_number(480, 1);
  rig.port[1] = rig_stream(KR_TYPE_SCALAR(KR_ELEM_F64));
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  double freq[100], phase[100], out[100];
  uint64_t seed = 5;
  for (int i = 0; i < 100; i++) freq[i] = 480, phase[i] = rig_uniform(&seed, -3, 3);
  const void *in[2] = {freq, phase};
  rig_signal(&rig, 100, in, 2, out);
  for (int i = 0; i < 100; i++)
    assert_true(fabs(out[i] - sin(6.283185307179586 * (i / 100.0 + phase[i]))) < 1e-14);
  rig_deinit(&rig);
}

// Magnitude of frequency `hz` in one second at 48 kHz, 1 for a sine of amplitude 1.
static double level_at(const float *x, long hz) {
  double re = 0, im = 0;
  for (long i = 0; i < 48000; i++) {
    double angle = 2 * 3.14159265358979323846 * (double)((hz * i) % 48000) / 48000;
    re += (double)x[i] * cos(angle);
    im += (double)x[i] * sin(angle);
  }
  return sqrt(re * re + im * im) / 24000;
}

// Every image of a partial above 24 kHz that falls below 15 kHz, against the fundamental.
static double worst_alias(const float *x, long f) {
  double fundamental = level_at(x, f), worst = 0;
  for (long k = 24000 / f + 1; k * f < 240000; k++) {
    long hz = k * f % 48000;
    hz = hz > 24000 ? 48000 - hz : hz;
    if (hz >= 15000 || hz % f == 0) continue;
    double level = level_at(x, hz);
    worst = level > worst ? level : worst;
  }
  return 20 * log10(worst / fundamental);
}

static void band_limited_shapes_have_their_partials_and_few_images(void **state) {
  (void)state;
  float *x = malloc(48000 * sizeof *x);
  const double pi = 3.14159265358979323846;
  run_constant("saw", KR_ELEM_F32, rig_number(997, 1), 48000, x);
  assert_true(worst_alias(x, 997) < -78);
  for (long k = 1; k <= 12; k++) {
    double db = 20 * log10(level_at(x, k * 997) * pi * (double)k / 2);
    assert_true(fabs(db) < 0.75);
  }
  run_constant("square", KR_ELEM_F32, rig_number(997, 1), 48000, x);
  assert_true(worst_alias(x, 997) < -78);
  for (long k = 1; k <= 11; k += 2)
    assert_true(fabs(20 * log10(level_at(x, k * 997) * pi * (double)k / 4)) < 0.75);
  run_constant("tri", KR_ELEM_F32, rig_number(997, 1), 48000, x);
  assert_true(worst_alias(x, 997) < -78);
  for (long k = 1; k <= 11; k += 2)
    assert_true(fabs(20 * log10(level_at(x, k * 997) * pi * pi * (double)(k * k) / 8)) < 0.75);
  run_constant("pulse", KR_ELEM_F32, rig_number(997, 1), 48000, x);
  assert_true(worst_alias(x, 997) < -78);
  // Far up only the fundamental is left below half the rate.
  run_constant("saw", KR_ELEM_F32, rig_number(7001, 1), 48000, x);
  assert_true(worst_alias(x, 7001) < -45);
  free(x);
}

static void run_high(const char *name, KrElem elem, long hz, uint32_t n, void *out) {
  Rig rig;
  rig_init(&rig, name, elem, 1);
  rig.port[0] = rig_number(hz, 1);
  rig_port(&rig, "quality")->choice = 1;
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  double zeros[KR_TILE] = {0}, width = 0.3;
  float half = 0.3f;
  bool is_pulse = strcmp(name, "pulse") == 0;
  const void *width_at = elem == KR_ELEM_F32 ? (const void *)&half : (const void *)&width;
  size_t bytes = kr_elem_bytes(elem);
  for (uint32_t t = 0; t < n; t += KR_TILE) {
    const void *in[3] = {zeros, is_pulse ? width_at : zeros, zeros};
    void *to[1] = {(char *)out + t * bytes};
    rig_run(&rig, t, n - t < KR_TILE ? n - t : KR_TILE, 7, in, to);
  }
  rig_deinit(&rig);
}

static void high_quality_has_images_90_db_down(void **state) {
  (void)state;
  float *x = malloc(48000 * sizeof *x);
  const char *const names[] = {"saw", "square", "tri", "pulse"};
  for (int k = 0; k < 4; k++) {
    run_high(names[k], KR_ELEM_F32, 997, 48000, x);
    double worst = worst_alias(x, 997);
    if (worst > -90) fail_msg("%s: %.1f dB", names[k], worst);
  }
  const double pi = 3.14159265358979323846;
  run_high("saw", KR_ELEM_F32, 997, 48000, x);
  for (long k = 1; k <= 12; k++)
    assert_true(fabs(20 * log10(level_at(x, k * 997) * pi * (double)k / 2)) < 0.25);
  run_high("tri", KR_ELEM_F32, 997, 48000, x);
  for (long k = 1; k <= 11; k += 2)
    assert_true(fabs(20 * log10(level_at(x, k * 997) * pi * pi * (double)(k * k) / 8)) < 0.25);
  free(x);
}

static void shapes_start_at_phase_zero_and_stay_near_one(void **state) {
  (void)state;
  float x[480];
  const char *const names[] = {"saw", "square", "tri", "pulse"};
  for (int k = 0; k < 4; k++) {
    run_constant(names[k], KR_ELEM_F32, rig_number(100, 1), 480, x);
    assert_true(fabsf(x[0]) < 1e-6f);
    for (int i = 0; i < 480; i++) assert_true(fabsf(x[i]) < 1.25f);
  }
  run_constant("saw", KR_ELEM_F32, rig_number(100, 1), 480, x);
  assert_true(fabsf(x[120] - -0.5f) < 1e-6f);
  run_constant("tri", KR_ELEM_F32, rig_number(100, 1), 480, x);
  assert_true(fabsf(x[60] - 0.5f) < 1e-6f);
  run_constant("square", KR_ELEM_F32, rig_number(100, 1), 480, x);
  assert_true(x[120] == 1.0f && x[360] == -1.0f);
  run_constant("saw", KR_ELEM_F32, rig_number(0, 1), 480, x);
  for (int i = 0; i < 480; i++) assert_true(x[i] == 0);
}

static void an_lfo_has_the_plain_shapes(void **state) {
  (void)state;
  const char *const shapes[] = {"sine", "tri", "saw", "square"};
  for (uint32_t k = 0; k < 4; k++) {
    Rig rig;
    rig_init(&rig, "lfo", KR_ELEM_F64, 1);
    rig.port[0] = rig_number(480, 1);
    rig.port[1].choice = rig_choice(&rig.op->in[1], shapes[k]);
    assert_int_equal(rig_prepare(&rig, 0), KR_OK);
    double zeros[100] = {0}, out[100];
    const void *in[2] = {zeros, zeros};
    rig_signal(&rig, 100, in, 2, out);
    for (int i = 0; i < 100; i++) {
      double p = i / 100.0, tri = p < 0.25 ? 4 * p : p < 0.75 ? 2 - 4 * p : 4 * p - 4;
      double expected[] = {sin(6.283185307179586 * p), tri, 2 * p - 1, p < 0.5 ? 1 : -1};
      if (k == 3 && i == 50) continue; // the edge lies within a rounding of the increment
      assert_true(fabs(out[i] - expected[k]) < 1e-14);
    }
    rig_deinit(&rig);
  }
}

static void random_numbers_are_those_of_their_tick(void **state) {
  (void)state;
  const char *const names[] = {"noise", "random.uniform", "random.normal"};
  KrRandomKey key = kr_random_key(42, 7);
  for (int k = 0; k < 3; k++) {
    Rig rig;
    rig_init(&rig, names[k], KR_ELEM_F64, 1);
    rig.port[0] = rig_number(7, 1);
    assert_int_equal(rig_prepare(&rig, 3), KR_OK);
    KrText path = kr_text_from(kr_text_print(&rig.arena, "rig/%s[3]", names[k]));
    uint32_t stream = kr_random_stream(path, 0, false);
    double low = k == 1 ? -2 : 10, high = k == 1 ? 6 : 3, out[20];
    const void *in[2] = {&low, &high};
    void *to[1] = {out};
    rig_run(&rig, 1000, 20, 3, in, to);
    for (uint64_t i = 0; i < 20; i++) {
      KrRandomWords words = kr_random_words(key, 1000 + i, 0, stream);
      double u = kr_random_uniform_f64(words);
      double expected[] = {2 * u - 1, -2 + u * 8, 10 + 3 * kr_random_normal_f64(words)};
      assert_true(out[i] == expected[k]);
    }
    rig_deinit(&rig);
  }
}

// Noise of `lanes` lanes at one level against the bare generator, ticks from `start` on.
static void expect_noise(KrElem elem, uint32_t lanes, KrLevel level, uint64_t start) {
  enum { N = 53 };
  double wide[N * KR_LANES];
  float narrow[N * KR_LANES];
  void *to[1] = {elem == KR_ELEM_F32 ? (void *)narrow : (void *)wide};
  KrRandomKey key = kr_random_key(42, 7);
  Rig rig;
  rig_init(&rig, "noise", elem, lanes);
  rig.level = level;
  rig.port[0] = rig_number(7, 1);
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  rig_run(&rig, (int64_t)start, N, 0, NULL, to);
  for (uint32_t l = 0; l < lanes; l++) {
    KrText path = kr_text_from(kr_text_print(&rig.arena, "rig/noise[%u]", (unsigned)l));
    uint32_t stream = kr_random_stream(path, 0, false);
    for (uint32_t i = 0; i < N; i++) {
      KrRandomWords words = kr_random_words(key, start + i, 0, stream);
      double u =
          elem == KR_ELEM_F32 ? (double)kr_random_uniform_f32(words) : kr_random_uniform_f64(words);
      double x = elem == KR_ELEM_F32 ? (double)narrow[i * lanes + l] : wide[i * lanes + l];
      assert_true(x == 2 * u - 1);
    }
  }
  rig_deinit(&rig);
}

static void noise_passes_two_to_the_32_ticks_at_every_level(void **state) {
  (void)state;
  for (int level = KR_LEVEL_GENERIC; level < KR_N_LEVELS; level++) {
    if (!kr_level_is_supported((KrLevel)level)) continue;
    for (uint32_t lanes = 1; lanes <= KR_LANES; lanes += KR_LANES - 1)
      for (KrElem elem = KR_ELEM_F32; elem <= KR_ELEM_F64; elem++) {
        expect_noise(elem, lanes, (KrLevel)level, 0);
        expect_noise(elem, lanes, (KrLevel)level, (UINT64_C(1) << 32) - 23);
        expect_noise(elem, lanes, (KrLevel)level, (UINT64_C(5) << 32) + 1000);
      }
  }
}

static void a_choice_takes_every_value_of_its_list(void **state) {
  (void)state;
  const double list[3] = {1, 4, 9};
  Rig rig;
  rig_init(&rig, "random.choice", KR_ELEM_F32, 1);
  rig.port[1] =
      (KrPortValue){.kind = KR_VALUE_POINTS, .points = list, .n_points = 3, .n_columns = 1};
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  float out[3000];
  int n[10] = {0};
  rig_signal(&rig, 3000, NULL, 0, out);
  for (int i = 0; i < 3000; i++) n[(int)out[i]]++;
  assert_int_equal(n[1] + n[4] + n[9], 3000);
  assert_true(n[1] > 900 && n[4] > 900 && n[9] > 900);
  rig_deinit(&rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_constant_increment_is_the_exact_ratio_rounded_to_nearest),
      cmocka_unit_test(a_sine_follows_the_formula),
      cmocka_unit_test(a_phasor_is_the_fraction_of_n_f_dt),
      cmocka_unit_test(an_impulse_stands_at_every_wrap_and_never_late),
      cmocka_unit_test(a_frequency_stream_steps_by_its_rounded_product),
      cmocka_unit_test(a_phase_in_turns_is_added_when_read),
      cmocka_unit_test(band_limited_shapes_have_their_partials_and_few_images),
      cmocka_unit_test(high_quality_has_images_90_db_down),
      cmocka_unit_test(shapes_start_at_phase_zero_and_stay_near_one),
      cmocka_unit_test(an_lfo_has_the_plain_shapes),
      cmocka_unit_test(random_numbers_are_those_of_their_tick),
      cmocka_unit_test(noise_passes_two_to_the_32_ticks_at_every_level),
      cmocka_unit_test(a_choice_takes_every_value_of_its_list),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

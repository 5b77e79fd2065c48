// Analysis of sounds whose pitch, bands and beginnings are known.
#include "op_wave.h"
#include <math.h>

static const double pi = 3.14159265358979323846;
enum { MANY = 48000 };
static double x[MANY], y[MANY];

static void run(Wave *wave, uint32_t n) {
  double *out[1] = {y};
  wave_prepare(wave);
  wave_run(wave, n, out);
  wave_deinit(wave);
}

static void pitch_is_within_a_percent_from_60_Hz_to_2_kHz(void **state) {
  (void)state;
  double most = 0;
  for (double freq = 60; freq <= 2000; freq *= 1.173)
    for (int shape = 0; shape < 3; shape++) {
      Wave wave;
      for (int i = 0; i < MANY; i++) {
        double turn = fmod(freq * i / 48000, 1);
        x[i] = shape == 0 ? 0.1 * sin(2 * pi * turn) : shape == 1 ? turn - 0.5 : turn < 0.3;
      }
      wave_init(&wave, "pitch", 0);
      wave_input(&wave, "x", x);
      run(&wave, 8192);
      for (int i = 4096; i < 8192; i++) {
        most = fmax(most, fabs(y[i] / freq - 1));
        if (fabs(y[i] / freq - 1) > 0.01) fail_msg("%g Hz found as %g", freq, y[i]);
      }
    }
  print_message("pitch: error up to %.3f %%\n", 100 * most);
}

static void noise_and_silence_have_no_pitch(void **state) {
  (void)state;
  uint64_t seed = 9;
  for (int silent = 0; silent < 2; silent++) {
    Wave wave;
    for (int i = 0; i < MANY; i++) x[i] = silent ? 0 : rig_uniform(&seed, -1, 1);
    x[100] = NAN, x[200] = INFINITY;
    wave_init(&wave, "pitch", 0);
    wave_input(&wave, "x", x);
    run(&wave, MANY);
    for (int i = 0; i < MANY; i++) assert_true(y[i] == 0);
  }
}

static void onsets_are_found_once_within_30_ms(void **state) {
  (void)state;
  static const int at[] = {3000, 12000, 21500, 36000};
  for (int noisy = 0; noisy < 2; noisy++) {
    Wave wave;
    uint64_t seed = 5;
    for (int i = 0; i < MANY; i++) x[i] = noisy ? rig_uniform(&seed, -0.01, 0.01) : 0;
    for (int k = 0; k < 4; k++)
      for (int i = at[k]; i < MANY; i++)
        x[i] += exp(-(i - at[k]) / 9600.0) * sin(2 * pi * (300 + 170 * k) * (i - at[k]) / 48000.0);
    wave_init(&wave, "onset", 0);
    wave_input(&wave, "x", x);
    run(&wave, MANY);
    int n = 0;
    for (int i = 0; i < MANY; i++) {
      if (y[i] == 0 || (noisy && i < 1440)) continue; // the noise itself begins, too
      assert_true(n < 4 && y[i] == 1 && i >= at[n] && i < at[n] + 1440);
      n++;
    }
    assert_int_equal(n, 4);
  }
}

static void crossings_count_changes_of_sign_in_the_window(void **state) {
  (void)state;
  Wave wave;
  for (int i = 0; i < MANY; i++) x[i] = sin(2 * pi * 1000 * i / 48000.0 + 0.1);
  for (int i = 20000; i < 30000; i++) x[i] = 0;
  wave_init(&wave, "zero_crossings", 0);
  wave_input(&wave, "x", x);
  run(&wave, MANY);
  for (int i = 500; i < 20000; i++) assert_true(y[i] == 20);
  for (int i = 20480; i < 30000; i++) assert_true(y[i] == 0);
}

enum { SIZE = 1024, BINS = SIZE / 2 + 1, BANDS = 20 };
static double spectrum[2][2 * BINS], bands[2][BANDS], logs[2][BINS];
static void run_block(Rig *rig, const char *name, uint32_t nth, KrType in, void *out) {
  rig_init_op(rig, kr_registry_find(kr_text_from(name), nth), KR_ELEM_F64, 1);
  rig->port[0] = rig_stream(in);
  for (uint32_t i = 0; i < kr_op_ports(rig->op); i++)
    if (strcmp(rig->op->in[i].name, "bands") == 0) rig->port[i] = rig_number(BANDS, 1);
  assert_int_equal(rig_prepare(rig, 0), KR_OK);
  const void *at[1] = {spectrum};
  void *to[1] = {out};
  rig_run(rig, 0, 2, 0, at, to);
  rig_deinit(rig);
}

static void bands_in_mel_take_every_energy_once(void **state) {
  (void)state;
  Rig rig;
  KrType type = {KR_ELEM_F64, KR_SHAPE_SPECTRUM, {BINS, SIZE, 1}};
  memset(spectrum, 0, sizeof spectrum);
  spectrum[0][2 * 100] = 3, spectrum[0][2 * 100 + 1] = 4; // 4687.5 Hz
  for (int k = 0; k < BINS; k++) spectrum[1][2 * k] = 1;
  run_block(&rig, "mel", 0, type, bands);
  double mel = 2595 * log10(1 + 4687.5 / 700), step = 2595 * log10(1 + 24000 / 700.0) / (BANDS + 1);
  double place = mel / step;
  for (int b = 0; b < BANDS; b++) {
    double weight = fmax(0, 1 - fabs(place - (b + 1)));
    assert_true(fabs(bands[0][b] - 25 * weight) < 1e-9);
    assert_true(b == 0 || bands[1][b] > bands[1][b - 1] * 0.7);
  }
  run_block(&rig, "log", 1, type, logs);
  assert_true(fabs(logs[0][100] - log(5)) < 1e-12 && fabs(logs[0][99] + 100 * log(2)) < 1e-9);
}

static void flux_is_the_sum_of_rises_until_the_next_spectrum(void **state) {
  (void)state;
  Rig rig;
  KrType type = {KR_ELEM_F64, KR_SHAPE_SPECTRUM, {BINS, SIZE, 1}};
  double out[4];
  static double blocks[4][2 * BINS];
  rig_init_op(&rig, kr_registry_find(KR_TEXT("flux"), 0), KR_ELEM_F64, 1);
  rig.port[0] = rig_stream(type);
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  for (int t = 1; t < 4; t++) blocks[t][10] = 3, blocks[t][21] = -4, blocks[t][40] = t == 3 ? 2 : 0;
  blocks[3][10] = 1;
  const void *at[1] = {blocks};
  void *to[1] = {out};
  rig_run(&rig, 0, 4, 0, at, to);
  assert_true(out[0] == 0 && out[1] == 7 && out[2] == 7 && out[3] == 2);
  rig_deinit(&rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pitch_is_within_a_percent_from_60_Hz_to_2_kHz),
      cmocka_unit_test(noise_and_silence_have_no_pitch),
      cmocka_unit_test(onsets_are_found_once_within_30_ms),
      cmocka_unit_test(crossings_count_changes_of_sign_in_the_window),
      cmocka_unit_test(bands_in_mel_take_every_energy_once),
      cmocka_unit_test(flux_is_the_sum_of_rises_until_the_next_spectrum),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

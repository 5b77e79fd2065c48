// Frequency modulation, wavetables and the string against their formulas and by measurement.
#include "math/fft.h"
#include "op_run.h"

#include <math.h>

enum { N = 48000 };
static const double pi = 3.14159265358979323846;
static double x[N], out[N], gate[N], onset[N], late[N];
#define EACH_REAL(elem) for (KrElem elem = KR_ELEM_F32; elem <= KR_ELEM_F64; elem++)

// |sum| of `y` under a Hann window at `hz`: of a sine of amplitude 1 there, 1.
static double level_at(const double *y, int n, double hz) {
  double re = 0, im = 0;
  for (int t = 0; t < n; t++) {
    double angle = 2 * pi * fmod(hz * t, 48000) / 48000, w = 1 - cos(2 * pi * (t + 0.5) / n);
    re += w * y[t] * cos(angle);
    im += w * y[t] * sin(angle);
  }
  return 2 * hypot(re, im) / n;
}
// Where the level is greatest near `hz`, by golden section.
static double find_partial(const double *y, int n, double hz) {
  double low = hz * 0.99, high = hz * 1.01;
  for (int i = 0; i < 24; i++) {
    double a = high - (high - low) * 0.618, b = low + (high - low) * 0.618;
    if (level_at(y, n, a) > level_at(y, n, b))
      high = b;
    else
      low = a;
  }
  return (low + high) / 2;
}

static void two_operators_follow_their_formula(void **state) {
  (void)state;
  for (int t = 0; t < N; t++) x[t] = 3 * sin(t * 0.001);
  const double ratios[] = {1, 0.5, 3.5}, feedbacks[] = {0, 0.8};
  EACH_REAL(elem)
  for (int k = 0; k < 6; k++) {
    const Arg args[] = {{.name = "freq", .value = 440},
                        {.name = "ratio", .value = ratios[k / 2]},
                        {.name = "index", .signal = x},
                        {.name = "feedback", .value = feedbacks[k % 2]},
                        {0}};
    double one = 0, two = 0;
    run_op("fm", elem, 4800, args, out);
    for (int t = 0; t < 4800; t++) {
      double modulator =
          sin(2 * pi * 440 * ratios[k / 2] * t / 48000 + feedbacks[k % 2] * (one + two) / 2);
      two = one, one = modulator;
      double expected = sin(2 * pi * 440.0 * t / 48000 + x[t] * modulator);
      assert_true(fabs(out[t] - expected) < (elem == KR_ELEM_F32 ? 3e-5 : 1e-12));
    }
  }
}

static void a_moving_frequency_moves_both_operators(void **state) {
  (void)state;
  for (int t = 0; t < 4800; t++) x[t] = 200 + t * 0.05;
  const Arg args[] = {{.name = "freq", .signal = x}, {.name = "ratio", .value = 2}, {0}};
  double phase = 0, other = 0;
  run_op("fm", KR_ELEM_F64, 4800, args, out);
  for (int t = 0; t < 4800; t++) {
    assert_true(fabs(out[t] - sin(2 * pi * phase + sin(2 * pi * other))) < 1e-9);
    phase += x[t] / 48000, other += 2 * x[t] / 48000;
  }
}

static double cycle[2 * 64];
static void play_table(KrElem elem, uint32_t n_cycles, double freq, const double *position,
                       double *to) {
  Run run;
  const Arg args[] = {
      {.name = "freq", .value = freq}, {.name = "position", .signal = position}, {0}};
  run_init(&run, "wavetable", elem, N, args);
  run.rig.port[0] = (KrPortValue){.kind = KR_VALUE_POINTS, .points = cycle};
  run.rig.port[0].n_points = n_cycles == 1 ? 64 : n_cycles;
  run.rig.port[0].n_columns = n_cycles == 1 ? 1 : 64;
  assert_int_equal(rig_prepare(&run.rig, 0), KR_OK);
  run_ticks(&run, &to);
  rig_deinit(&run.rig);
}

static void a_cycle_of_sines_comes_back_at_any_frequency(void **state) {
  (void)state;
  for (int i = 0; i < 64; i++)
    cycle[i] = sin(2 * pi * i / 64) + 0.5 * cos(2 * pi * 3 * i / 64) + 0.25;
  const double freqs[] = {3, 110, 997, 2500};
  EACH_REAL(elem)
  for (int k = 0; k < 4; k++) {
    play_table(elem, 1, freqs[k], NULL, out);
    for (int t = 0; t < N; t++) {
      double turns = freqs[k] * t / 48000;
      double expected = sin(2 * pi * turns) + 0.5 * cos(2 * pi * 3 * turns) + 0.25;
      assert_true(fabs(out[t] - expected) < 1e-3);
    }
  }
}

// Of a saw: every harmonic up to a third of the rate, and nothing between them below that.
static void a_table_has_its_harmonics_and_no_images(void **state) {
  (void)state;
  for (int i = 0; i < 64; i++) cycle[i] = i == 0 ? 0 : 1 - i / 32.0;
  const double freqs[] = {375, 1210, 2930, 5170, 9010};
  double true_level[33];
  for (int h = 1; h <= 32; h++) {
    true_level[h] = 0;
    for (int i = 0; i < 64; i++) true_level[h] += cycle[i] * sin(2 * pi * h * i / 64) / 32;
  }
  for (int k = 0; k < 5; k++) {
    play_table(KR_ELEM_F32, 1, freqs[k], NULL, out);
    for (int h = 1; h <= 32 && h * freqs[k] < 16000; h++)
      assert_true(fabs(level_at(out, N, h * freqs[k]) - true_level[h]) < 2e-3);
    for (double hz = 60; hz < 16000; hz += 97.3) {
      double from = fabs(remainder(hz, freqs[k]));
      if (from > 8) assert_true(level_at(out, N, hz) < 6e-4);
    }
  }
}

static void position_crosses_from_cycle_to_cycle(void **state) {
  (void)state;
  for (int i = 0; i < 64; i++)
    cycle[i] = sin(2 * pi * i / 64), cycle[64 + i] = cos(2 * pi * i / 64);
  for (int t = 0; t < N; t++) x[t] = t / (double)N;
  play_table(KR_ELEM_F64, 2, 100, x, out);
  for (int t = 0; t < N; t++) {
    double a = 2 * pi * 100 * t / 48000;
    assert_true(fabs(out[t] - (sin(a) + x[t] * (cos(a) - sin(a)))) < 2e-3);
  }
}

static void a_list_that_is_no_table_is_refused(void **state) {
  (void)state;
  Rig rig;
  rig_init(&rig, "wavetable", KR_ELEM_F32, 1);
  rig.port[0] =
      (KrPortValue){.kind = KR_VALUE_POINTS, .points = cycle, .n_points = 1, .n_columns = 1};
  assert_int_equal(rig_prepare(&rig, 0), KR_ERROR_ARGUMENT);
  assert_non_null(rig.message);
  rig_deinit(&rig);
}

static void pluck_string(KrElem elem, double freq, double damp, double decay) {
  const Arg args[] = {{.name = "gate", .signal = gate},
                      {.name = "freq", .value = freq},
                      {.name = "damp", .value = damp},
                      {.name = "decay", .value = decay},
                      {.name = "onset", .signal = onset},
                      {.name = "late", .signal = late},
                      {0}};
  run_op("pluck", elem, N, args, out);
}
static void hold_gate(double residual) {
  for (int t = 0; t < N; t++) gate[t] = 1, onset[t] = late[t] = 0;
  onset[0] = 1, late[0] = residual;
}

static void a_string_is_in_tune(void **state) {
  (void)state;
  hold_gate(0);
  EACH_REAL(elem)
  for (double hz = 41.2; hz < 3000; hz *= 1.67) {
    pluck_string(elem, hz, 0.1, 20);
    double cents = 1200 * log2(find_partial(out, N, hz) / hz);
    if (getenv("FX_SHOW")) printf("%s %8.1f Hz: %+.3f cents\n", kr_elem_text(elem), hz, cents);
    assert_true(fabs(cents) < 1);
  }
}

static double loudness(int from, int to) {
  double sum = 0;
  for (int t = from; t < to; t++) sum += out[t] * out[t];
  return 10 * log10(sum / (to - from) + 1e-30);
}
static void a_string_decays_as_told_and_ends(void **state) {
  (void)state;
  hold_gate(0);
  pluck_string(KR_ELEM_F64, 200, 0, 1.0);
  assert_true(fabs(loudness(2400, 4800) - loudness(26400, 28800) - 30) < 2);
  for (int t = 24000; t < N; t++) gate[t] = 0;
  const Arg args[] = {{.name = "gate", .signal = gate},
                      {.name = "freq", .value = 200},
                      {.name = "damp", .value = 0.2},
                      {.name = "release", .value = 0.1},
                      {0}};
  run_op("pluck", KR_ELEM_F32, N, args, out);
  assert_true(loudness(23000, 24000) > -60);
  for (int t = 24000 + 8000; t < N; t++) assert_true(out[t] == 0);
}

// Noise of the same ticks, later by the residual.
static void a_late_onset_moves_the_noise(void **state) {
  (void)state;
  double centre[5];
  for (int k = 0; k < 5; k++) {
    double sum = 0, first = 0;
    hold_gate(k / 5.0);
    pluck_string(KR_ELEM_F64, 4000, 0, 0.001);
    for (int t = 0; t < 13; t++) sum += fabs(out[t]), first += t * fabs(out[t]);
    centre[k] = first / sum;
    assert_true(out[0] != 0);
  }
  for (int k = 1; k < 5; k++) assert_true(centre[k] > centre[k - 1]);
}

// In a voice the first value is whole, the voice crosses over; what circulates is not; it says when
// it fell silent.
static void a_string_in_a_voice_leaves_the_onset_to_it(void **state) {
  (void)state;
  static double plain[N];
  hold_gate(0.25);
  pluck_string(KR_ELEM_F64, 500, 0.5, 0.05);
  memcpy(plain, out, sizeof plain);
  const Arg args[] = {{.name = "gate", .signal = gate},
                      {.name = "freq", .value = 500},
                      {.name = "damp", .value = 0.5},
                      {.name = "decay", .value = 0.05},
                      {.name = "onset", .signal = onset},
                      {.name = "late", .signal = late},
                      {0}};
  Run run;
  run_init(&run, "pluck", KR_ELEM_F64, N, args);
  assert_int_equal(rig_prepare(&run.rig, 0), KR_OK);
  int64_t silent = run_voice(&run, 0.25, out);
  rig_deinit(&run.rig);
  assert_true(out[0] * 0.75 == plain[0]);
  for (int t = 1; t < silent; t++) assert_true(out[t] == plain[t]);
  assert_true(silent > 2400 && silent < 9600 && out[silent] == 0);
}

static void a_string_stays_finite_and_bounded(void **state) {
  (void)state;
  static double freq[N], damp[N], decay[N];
  uint64_t seed = 8;
  for (int t = 0; t < N; t++) {
    gate[t] = t % 5000 < 3000, onset[t] = t % 2500 == 0, late[t] = 0.3;
    freq[t] = rig_uniform(&seed, -100, 30000);
    damp[t] = rig_uniform(&seed, -1, 2);
    decay[t] = rig_uniform(&seed, -1, 50);
  }
  freq[100] = (double)NAN, damp[200] = (double)NAN, decay[300] = (double)INFINITY;
  const Arg args[] = {{.name = "gate", .signal = gate},
                      {.name = "freq", .signal = freq},
                      {.name = "damp", .signal = damp},
                      {.name = "decay", .signal = decay},
                      {.name = "onset", .signal = onset},
                      {.name = "late", .signal = late},
                      {0}};
  EACH_REAL(elem) {
    run_op("pluck", elem, N, args, out);
    for (int t = 0; t < N; t++) assert_true(fabs(out[t]) < 4);
  }
  memset(gate, 0, sizeof gate), memset(onset, 0, sizeof onset);
  run_op("pluck", KR_ELEM_F32, N, args, out);
  for (int t = 0; t < N; t++) assert_true(out[t] == 0);
}

// Power of an octave from bin `first` on, averaged over all parts.
enum { PART = 8192, N_PARTS = 40 };
static void measure_octaves(const char *color, KrElem elem, double *octave, double *power) {
  static double noise[PART * N_PARTS], re[PART / 2 + 1], im[PART / 2 + 1], work[2 * PART];
  const Arg args[] = {{.name = "color", .word = color}, {0}};
  KrArena arena;
  kr_arena_init(&arena, NULL);
  KrRfft *plan = kr_rfft_prepare(&arena, PART, sizeof *noise);
  run_op("noise", elem, PART * N_PARTS, args, noise);
  *power = 0;
  for (int i = 0; i < PART * N_PARTS; i++) *power += noise[i] * noise[i] / (PART * N_PARTS);
  for (int o = 0; o < 9; o++) octave[o] = 0;
  for (int i = 0; i < N_PARTS; i++) {
    double *part = noise + (size_t)i * PART;
    for (int t = 0; t < PART; t++) part[t] *= 1 - cos(2 * pi * (t + 0.5) / PART);
    kr_rfft_f64_forward_generic(plan, part, re, im, work);
    for (int o = 0, k = 8; o < 9; o++)
      for (int end = 2 * k; k < end; k++) octave[o] += re[k] * re[k] + im[k] * im[k];
  }
  kr_arena_deinit(&arena);
}
static void colours_of_noise_have_their_slopes(void **state) {
  (void)state;
  const char *const colors[] = {"white", "pink", "brown"};
  // An octave is twice as wide as the one below it.
  const double slopes[] = {3.01, 0, -3.01}, levels[] = {1 / sqrt(3), 0.23, 0.23};
  EACH_REAL(elem)
  for (int k = 0; k < 3; k++) {
    double octave[9], power;
    measure_octaves(colors[k], elem, octave, &power);
    assert_true(fabs(sqrt(power) / levels[k] - 1) < 0.1);
    for (int o = 1; o < 8; o++) {
      double step = 10 * log10(octave[o] / octave[o - 1]);
      assert_true(fabs(step - slopes[k]) < (o < 3 ? 1 : 0.5));
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(colours_of_noise_have_their_slopes),
      cmocka_unit_test(two_operators_follow_their_formula),
      cmocka_unit_test(a_moving_frequency_moves_both_operators),
      cmocka_unit_test(a_cycle_of_sines_comes_back_at_any_frequency),
      cmocka_unit_test(a_table_has_its_harmonics_and_no_images),
      cmocka_unit_test(position_crosses_from_cycle_to_cycle),
      cmocka_unit_test(a_list_that_is_no_table_is_refused),
      cmocka_unit_test(a_string_is_in_tune),
      cmocka_unit_test(a_string_decays_as_told_and_ends),
      cmocka_unit_test(a_late_onset_moves_the_noise),
      cmocka_unit_test(a_string_in_a_voice_leaves_the_onset_to_it),
      cmocka_unit_test(a_string_stays_finite_and_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

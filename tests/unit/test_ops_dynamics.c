// Compressor and limiter against their curves; nothing passes the ceiling.
#include "math/elementary.h"
#include "op_wave.h"
#include <math.h>

static const double pi = 3.14159265358979323846;
enum { MANY = 48000 };
static double x[MANY], z[MANY], left[MANY], right[MANY], ceiling[MANY], release[MANY];

static void run(Wave *wave, uint32_t n) {
  double *out[2] = {left, right};
  wave_prepare(wave);
  wave_run(wave, n, out);
  wave_deinit(wave);
}

// Static curve with a knee (Giannoulis, Massberg and Reiss 2012, eq. 4), dB to dB.
static double curve(double level, double threshold, double ratio, double knee) {
  double over = level - threshold;
  if (2 * over < -knee) return level;
  if (2 * fabs(over) <= knee) return level + (1 / ratio - 1) * pow(over + knee / 2, 2) / (2 * knee);
  return threshold + over / ratio;
}

static void a_compressor_has_its_static_curve(void **state) {
  (void)state;
  for (double level = -60; level <= 6; level += 3) {
    Wave wave;
    for (int i = 0; i < MANY; i++) x[i] = pow(10, level / 20);
    wave_init(&wave, "compressor", 0);
    wave_input(&wave, "x", x), wave_input(&wave, "sidechain", x);
    wave_set(&wave, "threshold", -20), wave_set(&wave, "knee", 6), wave_set(&wave, "makeup", 3);
    run(&wave, MANY);
    assert_true(fabs(20 * log10(left[MANY - 1]) - curve(level, -20, 4, 6) - 3) < 1e-4);
  }
}

static void attack_and_release_are_time_constants(void **state) {
  (void)state;
  Wave wave;
  for (int i = 0; i < MANY; i++) x[i] = i >= 4800 && i < 24000 ? 1 : 1e-3;
  wave_init(&wave, "compressor", 0);
  wave_input(&wave, "x", x), wave_input(&wave, "sidechain", x);
  wave_set(&wave, "attack", 0.01), wave_set(&wave, "release", 0.1);
  run(&wave, MANY);
  // 15 dB of gain in the end; 63 % of them a time constant later.
  double part = 1 - exp(-1);
  assert_true(fabs(20 * log10(left[4800 + 479]) + 15 * part) < 0.1);
  assert_true(fabs(20 * log10(left[24000 + 4799] / 1e-3) + 15 * (1 - part)) < 0.1);
}

// By the louder one, whichever that is, with settings that stand and that move.
static void a_pair_is_turned_down_together(void **state) {
  (void)state;
  for (int i = 0; i < MANY; i++)
    x[i] = sin(i * 0.05), z[i] = 0.01 * sin(i * 0.07), ceiling[i] = -20;
  for (int trial = 0; trial < 4; trial++) {
    Wave wave;
    const bool swapped = trial % 2 == 1;
    wave_init(&wave, "compressor", 1);
    wave_input(&wave, "x", swapped ? z : x), wave_input(&wave, "right", swapped ? x : z);
    if (trial >= 2) wave_input(&wave, "threshold", ceiling);
    run(&wave, MANY);
    const double *loud = swapped ? right : left, *soft = swapped ? left : right;
    for (int i = 0; i < MANY; i++)
      if (fabs(x[i]) > 0.1 && fabs(z[i]) > 1e-3)
        assert_true(fabs(loud[i] / x[i] - soft[i] / z[i]) < 1e-9);
    assert_true(fabs(soft[MANY - 2]) < 0.5 * fabs(z[MANY - 2]));
  }
}

static void nothing_passes_the_ceiling(void **state) {
  (void)state;
  for (int trial = 0; trial < 6; trial++) {
    Wave wave;
    uint64_t seed = 3 + (uint64_t)trial;
    for (int i = 0; i < MANY; i++) {
      x[i] = rig_uniform(&seed, -1, 1) * pow(10, rig_uniform(&seed, -2, 2));
      z[i] = rig_uniform(&seed, -3, 3);
      ceiling[i] = -6 + 5 * sin(i * 0.001);
      release[i] = rig_uniform(&seed, -0.1, 0.2);
      const double broken[] = {(double)NAN, (double)INFINITY, 1e300};
      if (rig_random(&seed) % 500 == 0) x[i] = broken[i % 3];
    }
    wave_init(&wave, "limiter", (uint32_t)trial % 2);
    wave_input(&wave, "x", x), wave_input(&wave, "ceiling", ceiling);
    wave_input(&wave, "release", release);
    if (trial % 2) wave_input(&wave, "right", z);
    wave_set(&wave, "lookahead", trial < 2 ? 0 : 0.002 * trial);
    run(&wave, MANY);
    for (int i = 0; i < MANY; i++) {
      double most = kr_f64_lin(ceiling[i]);
      assert_true(fabs(left[i]) <= most && (trial % 2 == 0 || fabs(right[i]) <= most));
    }
  }
}

static void below_the_ceiling_a_limiter_is_a_delay(void **state) {
  (void)state;
  Wave wave;
  for (int i = 0; i < MANY; i++) x[i] = 0.5 * sin(i * 0.05);
  wave_init(&wave, "limiter", 0);
  wave_input(&wave, "x", x);
  run(&wave, MANY);
  for (int i = 0; i < MANY; i++) assert_true(left[i] == (i < 96 ? 0 : x[i - 96]));
}

// A burst is turned down without being cut: what is left is the same sine, smaller.
static void a_burst_is_turned_down_without_clipping(void **state) {
  (void)state;
  Wave wave;
  double dot = 0, energy = 0, own = 0;
  for (int i = 0; i < MANY; i++)
    x[i] = (i > 10000 && i < 30000 ? 2 : 0.2) * sin(2 * pi * 997 * i / 48000.0);
  wave_init(&wave, "limiter", 0);
  wave_input(&wave, "x", x), wave_set(&wave, "ceiling", 0);
  wave_set(&wave, "release", 0.2), wave_set(&wave, "lookahead", 0.005);
  run(&wave, MANY);
  for (int i = 20000; i < 29000; i++) {
    double before = x[i - 240];
    dot += before * left[i], energy += before * before, own += left[i] * left[i];
  }
  double rest = own - dot * dot / energy;
  assert_true(dot / energy > 0.45 && dot / energy <= 0.5001);
  assert_true(rest / own < 1e-5); // 50 dB
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_compressor_has_its_static_curve),
      cmocka_unit_test(attack_and_release_are_time_constants),
      cmocka_unit_test(a_pair_is_turned_down_together),
      cmocka_unit_test(nothing_passes_the_ceiling),
      cmocka_unit_test(below_the_ceiling_a_limiter_is_a_delay),
      cmocka_unit_test(a_burst_is_turned_down_without_clipping),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

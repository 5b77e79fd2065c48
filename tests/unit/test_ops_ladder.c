// The ladder, the filter between its outputs and the equaliser: tuning, responses, bounds.
#include "op_response.h"
#include "op_run.h"

#include <math.h>

enum { N = 96000 };
static const double pi = 3.14159265358979323846;
static double x[N], out[N], same[N], moving[3][N];
#define EACH_REAL(elem) for (KrElem elem = KR_ELEM_F32; elem <= KR_ELEM_F64; elem++)

static double cents(double ratio) { return 1200 * log2(ratio); }
static void strike(double level) {
  memset(x, 0, sizeof x);
  x[0] = level;
}
// Frequency between the first and last rise through 0 of the second half.
static double frequency(const double *y) {
  double first = -1, last = -1;
  int n = -1;
  for (int t = N / 2; t < N; t++)
    if (y[t - 1] < 0 && y[t] >= 0) {
      last = t - y[t] / (y[t] - y[t - 1]);
      if (n++ < 0) first = last;
    }
  return n < 1 ? 0 : n * 48000.0 / (last - first);
}
static double peak(const double *y, int from, int to) {
  double most = 0;
  for (int t = from; t < to; t++) most = fmax(most, fabs(y[t]));
  return most;
}
static void a_ladder_sounds_by_itself_in_tune(void **state) {
  (void)state;
  double worst = 0;
  strike(1);
  EACH_REAL(elem)
  for (double hz = 50; hz < 10001; hz *= pow(200, 1.0 / 12)) {
    const Arg args[] = {{.name = "x", .signal = x},
                        {.name = "cutoff", .value = hz},
                        {.name = "res", .value = 1},
                        {0}};
    run_op("ladder", elem, N, args, out);
    double off = cents(frequency(out) / hz), level = peak(out, N - 4800, N);
    worst = fmax(worst, fabs(off));
    assert_true(level > 0.2 && level < 0.5);
  }
  assert_true(worst < 0.2);
}

static void a_ladder_has_a_quarter_at_its_cutoff(void **state) {
  (void)state;
  EACH_REAL(elem)
  for (double hz = 50; hz < 20000; hz *= 3.7) {
    strike(0.001);
    const Arg args[] = {{.name = "x", .signal = x}, {.name = "cutoff", .value = hz}, {0}};
    run_op("ladder", elem, N, args, out);
    double gain = response_at(out, 48000, hz) / 0.001;
    // |H| falls as 1/f^2 there.
    assert_true(fabs(cents(sqrt(4 * gain))) < 0.1);
    for (double at = 30; at < 22000; at *= 5.3) {
      double w = tan(pi * at / 48000) / tan(pi * hz / 48000);
      assert_true(fabs(response_at(out, 48000, at) / 0.001 - pow(1 + w * w, -2)) < 1e-3);
    }
  }
}

static void a_ladder_saturates_where_its_drive_says(void **state) {
  (void)state;
  for (int t = 0; t < N; t++) x[t] = 1000;
  const double drives[] = {0.1, 1, 10};
  for (int k = 0; k < 3; k++) {
    const Arg args[] = {{.name = "x", .signal = x},
                        {.name = "cutoff", .value = 1000},
                        {.name = "drive", .value = drives[k]},
                        {0}};
    run_op("ladder", KR_ELEM_F64, 4800, args, out);
    assert_true(fabs(out[4799] - 2 / drives[k]) < 1e-6 / drives[k]);
  }
}

static void random_motion_of_every_input_stays_bounded(void **state) {
  (void)state;
  const char *const names[] = {"ladder", "svf_morph", "eq3"};
  uint64_t seed = 3;
  for (int t = 0; t < N; t++) {
    x[t] = rig_uniform(&seed, -1, 1);
    moving[0][t] = rig_uniform(&seed, -1000, 30000);
    moving[1][t] = rig_uniform(&seed, -0.5, 1.5);
    moving[2][t] = rig_uniform(&seed, 0.5, 2);
  }
  EACH_REAL(elem)
  for (int k = 0; k < 3; k++) {
    const Arg args[] = {{.name = "x", .signal = x},
                        {.name = "cutoff", .signal = moving[0]},
                        {.name = "low_freq", .signal = moving[0]},
                        {.name = "res", .signal = moving[1]},
                        {.name = "q", .signal = moving[2]},
                        {.name = "morph", .signal = moving[1]},
                        {.name = "drive", .signal = moving[2]},
                        {.name = "low", .signal = moving[1]},
                        {0}};
    run_op(names[k], elem, N, args, out);
    assert_true(peak(out, 0, N) < 20 && peak(out, N / 2, N) > 0.01);
  }
}

static void what_is_not_finite_leaves_and_silence_stays(void **state) {
  (void)state;
  const char *const names[] = {"ladder", "svf_morph", "eq3"};
  for (int k = 0; k < 3; k++) {
    strike(0);
    const Arg args[] = {{.name = "x", .signal = x},
                        {.name = "cutoff", .value = 800},
                        {.name = "res", .value = 1},
                        {.name = "morph", .value = 1},
                        {0}};
    run_op(names[k], KR_ELEM_F32, 4800, args, out);
    assert_true(peak(out, 0, 4800) == 0);
    x[100] = (double)NAN, x[200] = (double)INFINITY, x[300] = -1e300;
    run_op(names[k], KR_ELEM_F32, 4800, args, out);
    for (int t = 0; t < 4800; t++)
      assert_true(isfinite(out[t]) || (k > 0 && t % 100 == 0 && t < 400));
  }
}

static void morph_goes_over_the_three_outputs(void **state) {
  (void)state;
  const char *const modes[] = {"lp", "bp", "hp"};
  uint64_t seed = 4;
  for (int t = 0; t < N; t++) x[t] = rig_uniform(&seed, -1, 1);
  for (int k = 0; k < 3; k++) {
    const Arg args[] = {{.name = "x", .signal = x},         {.name = "cutoff", .value = 900},
                        {.name = "q", .value = 3},          {.name = "morph", .value = k},
                        {.name = "mode", .word = modes[k]}, {0}};
    run_op("svf_morph", KR_ELEM_F64, 4800, args, out);
    run_op("svf", KR_ELEM_F64, 4800, args, same);
    for (int t = 0; t < 4800; t++) assert_true(fabs(out[t] - same[t]) < 1e-12);
  }
}

static void an_equaliser_has_its_levels(void **state) {
  (void)state;
  strike(1);
  const Arg flat[] = {{.name = "x", .signal = x}, {0}};
  run_op("eq3", KR_ELEM_F32, 48000, flat, out);
  assert_memory_equal(out, x, 48000 * sizeof *x);
  const Arg args[] = {{.name = "x", .signal = x},
                      {.name = "low", .value = 6},
                      {.name = "mid", .value = -12},
                      {.name = "high", .value = 3},
                      {.name = "low_freq", .value = 100},
                      {.name = "high_freq", .value = 6000},
                      {0}};
  EACH_REAL(elem) {
    run_op("eq3", elem, N, args, out);
    assert_true(fabs(20 * log10(response_at(out, 48000, 2)) - 6) < 0.05);
    assert_true(fabs(20 * log10(response_at(out, 48000, 100)) + 3) < 0.05);
    assert_true(fabs(20 * log10(response_at(out, 48000, 800)) + 12) < 0.1);
    assert_true(fabs(20 * log10(response_at(out, 48000, 6000)) + 4.5) < 0.05);
    assert_true(fabs(20 * log10(response_at(out, 48000, 23500)) - 3) < 0.05);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_ladder_sounds_by_itself_in_tune),
      cmocka_unit_test(a_ladder_has_a_quarter_at_its_cutoff),
      cmocka_unit_test(a_ladder_saturates_where_its_drive_says),
      cmocka_unit_test(random_motion_of_every_input_stays_bounded),
      cmocka_unit_test(what_is_not_finite_leaves_and_silence_stays),
      cmocka_unit_test(morph_goes_over_the_three_outputs),
      cmocka_unit_test(an_equaliser_has_its_levels),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

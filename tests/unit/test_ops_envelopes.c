// Envelopes and control signals against closed forms, residuals included.
#include "op_rig.h"

#include <math.h>

enum { N = 400 };

typedef struct Gate {
  double gate[N], onset_residual[N], release_residual[N];
  uint8_t onset[N];
} Gate;

// At 1000 ticks a second; constants in seconds.
static void run_adsr(const Gate *gate, bool carries, const double times[4], double curve,
                     double *out) {
  Rig rig;
  double attack[N], decay[N], sustain[N], release[N];
  for (int i = 0; i < N; i++)
    attack[i] = times[0], decay[i] = times[1], sustain[i] = times[2], release[i] = times[3];
  rig_init(&rig, "adsr", KR_ELEM_F64, 1);
  rig.dt = (KrRatio){1, 1000};
  rig_port(&rig, "curve")->value = curve;
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  rig.in_type[0] = KR_TYPE_SCALAR(KR_ELEM_F64);
  rig.in_type[1] = KR_TYPE_SCALAR(KR_ELEM_BOOL);
  for (int i = 2; i < 8; i++) rig.in_type[i] = rig.in_type[0];
  const void *in[8] = {gate->gate,
                       carries ? gate->onset : NULL,
                       carries ? gate->onset_residual : NULL,
                       carries ? gate->release_residual : NULL,
                       attack,
                       decay,
                       sustain,
                       release};
  rig_signal(&rig, N, in, 8, out);
  rig_deinit(&rig);
}

static void near(double is, double expected, int tick) {
  if (!(fabs(is - expected) < 1e-9)) fail_msg("tick %d: %.12g, not %.12g", tick, is, expected);
}

// Attack 20 ms from `from`, decay 50 ms to 0.5, at an age in ticks.
static double held(double from, double age) {
  age = age > 0 ? age : 0;
  if (age < 20) return from + (1 - from) * age / 20;
  return age < 70 ? 1 - 0.5 * (age - 20) / 50 : 0.5;
}
static const double times[4] = {0.02, 0.05, 0.5, 0.1};

static void a_plain_gate_starts_at_its_rise_and_ends_at_its_fall(void **state) {
  (void)state;
  static Gate gate;
  double out[N];
  memset(&gate, 0, sizeof gate);
  for (int i = 10; i < 150; i++) gate.gate[i] = 0.8;
  run_adsr(&gate, false, times, 0, out);
  for (int i = 0; i < N; i++) {
    double expected = i < 10 ? 0 : held(0, i - 10);
    if (i >= 150) expected = i < 250 ? 0.5 - 0.5 * (i - 150) / 100 : 0;
    near(out[i], expected, i);
  }
}

static void an_onset_between_ticks_has_the_age_since_it(void **state) {
  (void)state;
  static Gate gate;
  double out[N];
  memset(&gate, 0, sizeof gate);
  for (int i = 10; i < 150; i++) gate.gate[i] = 1;
  gate.onset[10] = 1;
  gate.onset_residual[10] = 0.25;
  gate.release_residual[150] = 0.75;
  run_adsr(&gate, true, times, 0, out);
  for (int i = 0; i < 150; i++) near(out[i], i < 10 ? 0 : held(0, i - 10.25), i);
  for (int i = 150; i < 252; i++) {
    double age = i - 150.75 > 0 ? i - 150.75 : 0;
    near(out[i], age < 100 ? 0.5 - 0.5 * age / 100 : 0, i);
  }
}

static void an_onset_restarts_from_the_present_level_while_the_gate_stays(void **state) {
  (void)state;
  static Gate gate;
  double out[N];
  memset(&gate, 0, sizeof gate);
  for (int i = 0; i < N; i++) gate.gate[i] = 1;
  gate.onset[0] = gate.onset[100] = gate.onset[110] = 1;
  gate.onset_residual[110] = 0.5;
  run_adsr(&gate, true, times, 0, out);
  for (int i = 0; i < 100; i++) near(out[i], held(0, i), i);
  for (int i = 100; i < 110; i++) near(out[i], held(0.5, i - 100), i);
  double level = held(0.5, 10);
  near(out[110], level, 110);
  for (int i = 111; i < N; i++) near(out[i], held(level, i - 110.5), i);
}

// With no attack the jump to 1 is shared out: old r + new (1 - r).
static void a_jump_between_ticks_crosses_over_by_its_residual(void **state) {
  (void)state;
  static Gate gate;
  double out[N];
  const double steps[4] = {0, 0, 1, 0};
  memset(&gate, 0, sizeof gate);
  for (int i = 10; i < 20; i++) gate.gate[i] = 1;
  gate.onset[10] = 1;
  gate.onset_residual[10] = 0.25;
  gate.release_residual[20] = 0.125;
  run_adsr(&gate, true, steps, 0, out);
  near(out[9], 0, 9);
  near(out[10], 0.75, 10);
  near(out[11], 1, 11);
  near(out[20], 0.125, 20);
  near(out[21], 0, 21);
}

static void a_curve_bends_each_segment_between_the_same_ends(void **state) {
  (void)state;
  static Gate gate;
  double out[N];
  memset(&gate, 0, sizeof gate);
  for (int i = 0; i < 200; i++) gate.gate[i] = 1;
  for (double c = -4; c <= 4; c += 8) {
    run_adsr(&gate, false, times, c, out);
    for (int i = 0; i < 20; i++) near(out[i], expm1(c * i / 20) / expm1(c), i);
    for (int i = 20; i < 70; i++) near(out[i], 1 - 0.5 * expm1(c * (i - 20) / 50) / expm1(c), i);
    for (int i = 200; i < 300; i++)
      near(out[i], 0.5 - 0.5 * expm1(c * (i - 200) / 100) / expm1(c), i);
  }
}

static void ar_holds_and_perc_does_not(void **state) {
  (void)state;
  const char *const names[] = {"ar", "perc"};
  for (int k = 0; k < 2; k++) {
    Rig rig;
    double gate[N] = {0}, attack[N], release[N], out[N];
    for (int i = 0; i < N; i++) gate[i] = i < 100, attack[i] = 0.01, release[i] = 0.1;
    rig_init(&rig, names[k], KR_ELEM_F64, 1);
    rig.dt = (KrRatio){1, 1000};
    assert_int_equal(rig_prepare(&rig, 0), KR_OK);
    for (int i = 0; i < 6; i++) rig.in_type[i] = KR_TYPE_SCALAR(KR_ELEM_F64);
    const void *in[6] = {gate, NULL, NULL, NULL, attack, release};
    rig_signal(&rig, N, in, 6, out);
    int end = k == 0 ? 100 : 10;
    for (int i = 0; i < N; i++)
      near(out[i], i < 10 ? i / 10.0 : i < end ? 1 : i < end + 100 ? 1 - (i - end) / 100.0 : 0, i);
    rig_deinit(&rig);
  }
}

static void lines_pass_through_their_points(void **state) {
  (void)state;
  const double list[] = {0.01, 1, 0.02, 3, 0.02, -1, 0.05, 2};
  Rig rig;
  double out[N];
  rig_init(&rig, "linseg", KR_ELEM_F64, 1);
  rig.dt = (KrRatio){1, 1000};
  rig.port[0] =
      (KrPortValue){.kind = KR_VALUE_POINTS, .points = list, .n_points = 4, .n_columns = 2};
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  rig_signal(&rig, N, NULL, 0, out);
  for (int i = 0; i < N; i++)
    near(out[i], i < 10 ? 1 : i < 20 ? 1 + (i - 10) / 5.0 : i < 50 ? -1 + (i - 20) / 10.0 : 2, i);
  rig_deinit(&rig);
  const double back[] = {0.02, 1, 0.01, 3};
  rig_init(&rig, "linseg", KR_ELEM_F64, 1);
  rig.port[0] =
      (KrPortValue){.kind = KR_VALUE_POINTS, .points = back, .n_points = 2, .n_columns = 2};
  assert_int_equal(rig_prepare(&rig, 0), KR_ERROR_ARGUMENT);
  assert_non_null(rig.message);
  rig_deinit(&rig);
}

// Runs a row of control over x and up to two constants.
static void run_control(const char *name, const double *x, double a, double b, double *out) {
  Rig rig;
  double first[N], second[N];
  for (int i = 0; i < N; i++) first[i] = a, second[i] = b;
  rig_init(&rig, name, KR_ELEM_F64, 1);
  rig.dt = (KrRatio){1, 1000};
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  const void *in[3] = {x, first, second};
  rig_signal(&rig, N, in, 3, out);
  rig_deinit(&rig);
}

static void smoothing_follows_its_exponential(void **state) {
  (void)state;
  double x[N], out[N];
  for (int i = 0; i < N; i++) x[i] = i < 100 ? 2 : 5;
  run_control("smooth", x, 0.03, 0, out);
  for (int i = 0; i < N; i++) near(out[i], i < 100 ? 2 : 5 - 3 * exp(-(i - 99) / 30.0), i);
  run_control("lag", x, 0.1, 0, out);
  near(out[199], 5 - 3 * 0.001, 199);
  run_control("smooth", x, 0, 0, out);
  near(out[100], 5, 100);
  run_control("slew", x, 100, 50, out);
  for (int i = 0; i < N; i++) near(out[i], i < 100 ? 2 : i < 130 ? 2 + (i - 99) * 0.1 : 5, i);
}

static void smoothing_recovers_from_nan_in_one_tick(void **state) {
  (void)state;
  double x[N], out[N];
  for (int i = 0; i < N; i++) x[i] = i == 50 ? (double)NAN : 1;
  run_control("smooth", x, 0.03, 0, out);
  assert_true(out[50] != out[50]);
  near(out[51], 1 - exp(-1 / 30.0), 51);
}

static void a_ramp_is_a_line_that_ends(void **state) {
  (void)state;
  Rig rig;
  double from[N], to[N], out[N];
  for (int i = 0; i < N; i++) from[i] = -1, to[i] = 3;
  rig_init(&rig, "ramp", KR_ELEM_F64, 1);
  rig.dt = (KrRatio){1, 1000};
  *rig_port(&rig, "time") = rig_number(1, 5);
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  const void *in[2] = {from, to};
  rig_signal(&rig, N, in, 2, out);
  for (int i = 0; i < N; i++) near(out[i], i < 200 ? -1 + i / 50.0 : 3, i);
  rig_deinit(&rig);
}

static void triggers_act_in_the_tick_of_the_rise(void **state) {
  (void)state;
  double trig[N], x[N], out[N];
  for (int i = 0; i < N; i++) trig[i] = i % 10 < 3 && i >= 10 ? 0.5 : -1, x[i] = i;
  run_control("trigger", trig, 0, 0, out);
  for (int i = 0; i < N; i++) assert_true(out[i] == (i >= 10 && i % 10 == 0));
  Rig rig;
  int64_t counts[N];
  rig_init(&rig, "counter", KR_ELEM_F64, 1);
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  assert_int_equal(rig.type.elem, KR_ELEM_I64);
  const void *in[1] = {trig};
  rig_signal(&rig, N, in, 1, counts);
  for (int i = 0; i < N; i++) assert_int_equal(counts[i], i / 10);
  rig_deinit(&rig);
  rig_init(&rig, "sample_and_hold", KR_ELEM_F64, 1);
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  const void *both[2] = {x, trig};
  rig_signal(&rig, N, both, 2, out);
  for (int i = 0; i < N; i++) assert_true(out[i] == (i < 10 ? 0 : i - i % 10));
  rig_deinit(&rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_plain_gate_starts_at_its_rise_and_ends_at_its_fall),
      cmocka_unit_test(an_onset_between_ticks_has_the_age_since_it),
      cmocka_unit_test(an_onset_restarts_from_the_present_level_while_the_gate_stays),
      cmocka_unit_test(a_jump_between_ticks_crosses_over_by_its_residual),
      cmocka_unit_test(a_curve_bends_each_segment_between_the_same_ends),
      cmocka_unit_test(ar_holds_and_perc_does_not),
      cmocka_unit_test(lines_pass_through_their_points),
      cmocka_unit_test(smoothing_follows_its_exponential),
      cmocka_unit_test(smoothing_recovers_from_nan_in_one_tick),
      cmocka_unit_test(a_ramp_is_a_line_that_ends),
      cmocka_unit_test(triggers_act_in_the_tick_of_the_rise),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

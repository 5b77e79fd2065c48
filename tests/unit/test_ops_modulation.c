// Effects that move in time against their formulas, and at the limits of their loops.
#include "op_response.h"
#include "op_run.h"

#include <math.h>

enum { N = 48000 };
static const double pi = 3.14159265358979323846;
static double x[N], out[N], moving[3][N];
static const char *const names[] = {"chorus", "flanger", "phaser", "echo", "tape"};
#define EACH_REAL(elem) for (KrElem elem = KR_ELEM_F32; elem <= KR_ELEM_F64; elem++)

static void strike(void) {
  memset(x, 0, sizeof x);
  x[0] = 1;
}
static void an_echo_comes_back_through_its_low_pass(void **state) {
  (void)state;
  strike();
  const Arg args[] = {{.name = "x", .signal = x},         {.name = "time", .value = 0.01},
                      {.name = "feedback", .value = 0.5}, {.name = "cutoff", .value = 3000},
                      {.name = "mix", .value = 0.25},     {0}};
  double line[4800] = {0}, low = 0, part = 1 - exp(-2 * pi * 3000 / 48000);
  EACH_REAL(elem) {
    low = 0;
    run_op("echo", elem, 4800, args, out);
    for (int t = 0; t < 4800; t++) {
      low += part * ((t < 480 ? 0 : line[t - 480]) - low);
      line[t] = x[t] + 0.5 * low;
      assert_true(fabs(out[t] - (0.75 * x[t] + 0.25 * low)) < (elem == KR_ELEM_F32 ? 1e-6 : 1e-12));
    }
  }
}

static void a_flanger_reads_a_place_that_moves(void **state) {
  (void)state;
  // Of a straight line every interpolation is exact.
  for (int t = 0; t < N; t++) x[t] = t * 0.001;
  const Arg args[] = {{.name = "x", .signal = x},       {.name = "delay", .value = 0.004},
                      {.name = "depth", .value = 0.5},  {.name = "rate", .value = 3},
                      {.name = "feedback", .value = 0}, {.name = "mix", .value = 1},
                      {.name = "phase", .value = 0.25}, {0}};
  run_op("flanger", KR_ELEM_F64, N, args, out);
  for (int t = 400; t < N; t++) {
    double back = 192 * (1 - 0.5 * 0.5 * (1 - sin(2 * pi * (3.0 * t / 48000 + 0.25))));
    assert_true(fabs(out[t] - (t - back) * 0.001) < 1e-9);
  }
}

static void a_chorus_is_the_sum_of_its_voices(void **state) {
  (void)state;
  for (int t = 0; t < N; t++) x[t] = t * 0.001;
  const Arg args[] = {{.name = "x", .signal = x},      {.name = "rate", .value = 2},
                      {.name = "depth", .value = 0.8}, {.name = "mix", .value = 1},
                      {.name = "voices", .value = 4},  {0}};
  run_op("chorus", KR_ELEM_F64, N, args, out);
  for (int t = 1000; t < N; t++) {
    double sum = 0;
    for (int i = 0; i < 4; i++)
      sum += t - 48000 * (0.01 + 0.8 * 0.004 * (1 + sin(2 * pi * (2.0 * t / 48000 + i / 4.0))));
    assert_true(fabs(out[t] - sum * 0.001 / 2) < 1e-6);
  }
}

// Feedback 0, at rest: all-passes, so that equal parts of both cancel where they turn by pi.
static void a_phaser_at_rest_is_all_pass_with_notches(void **state) {
  (void)state;
  strike();
  const Arg whole[] = {{.name = "x", .signal = x},     {.name = "rate", .value = 0},
                       {.name = "depth", .value = 0},  {.name = "feedback", .value = 0},
                       {.name = "mix", .value = 1},    {.name = "cutoff", .value = 1000},
                       {.name = "stages", .value = 4}, {0}};
  const Arg half[] = {{.name = "x", .signal = x},
                      {.name = "rate", .value = 0},
                      {.name = "depth", .value = 0},
                      {.name = "feedback", .value = 0},
                      {.name = "cutoff", .value = 1000},
                      {.name = "stages", .value = 4},
                      {0}};
  EACH_REAL(elem) {
    run_op("phaser", elem, N, whole, out);
    for (double hz = 30; hz < 20000; hz *= 2.7)
      assert_true(fabs(response_at(out, N, hz) - 1) < 1e-4);
    run_op("phaser", elem, N, half, out);
    // 4 times 2 atan(w) = pi and 3 pi.
    for (int k = 1; k <= 3; k += 2) {
      double w = tan(k * pi / 8) * tan(pi * 1000 / 48000);
      assert_true(response_at(out, N, 48000 / pi * atan(w)) < 1e-4);
    }
    assert_true(fabs(response_at(out, N, 1000) - 1) < 1e-4);
  }
}
static void feedback_of_a_phaser_has_no_delay(void **state) {
  (void)state;
  strike();
  const Arg args[] = {{.name = "x", .signal = x},     {.name = "rate", .value = 0},
                      {.name = "depth", .value = 0},  {.name = "feedback", .value = 0.7},
                      {.name = "mix", .value = 1},    {.name = "cutoff", .value = 1000},
                      {.name = "stages", .value = 2}, {0}};
  run_op("phaser", KR_ELEM_F64, N, args, out);
  for (double hz = 30; hz < 20000; hz *= 1.9) {
    double turn = -4 * atan(tan(pi * hz / 48000) / tan(pi * 1000 / 48000));
    double expected = 1 / hypot(1 - 0.7 * cos(turn), 0.7 * sin(turn));
    assert_true(fabs(response_at(out, N, hz) - expected) < 1e-6);
  }
}

static void a_tape_wobbles_around_its_time(void **state) {
  (void)state;
  for (int t = 0; t < N; t++) x[t] = 0.01 * sin(2 * pi * 500 * t / 48000);
  const Arg still[] = {{.name = "x", .signal = x},          {.name = "time", .value = 0.1},
                       {.name = "feedback", .value = 0},    {.name = "wow", .value = 0},
                       {.name = "flutter", .value = 0},     {.name = "mix", .value = 1},
                       {.name = "cutoff", .value = 100000}, {0}};
  run_op("tape", KR_ELEM_F64, N, still, out);
  // The high-pass of 40 Hz turns 500 Hz by 40/500.
  for (int t = 24000; t < N; t++) assert_true(fabs(out[t] - x[t - 4800]) < 1.1e-3);
  const Arg loud[] = {{.name = "x", .value = 1000},       {.name = "time", .value = 0.1},
                      {.name = "feedback", .value = 1.2}, {.name = "drive", .value = 2},
                      {.name = "mix", .value = 1},        {0}};
  run_op("tape", KR_ELEM_F32, N, loud, out);
  double most = 0;
  for (int t = 0; t < N; t++) most = fmax(most, fabs(out[t]));
  assert_true(most < 1.3 && most > 0.3);
}

static void loops_stay_bounded_whatever_moves(void **state) {
  (void)state;
  uint64_t seed = 7;
  for (int t = 0; t < N; t++) {
    x[t] = rig_uniform(&seed, -1, 1);
    moving[0][t] = rig_uniform(&seed, -0.01, 0.05);
    moving[1][t] = rig_uniform(&seed, -3, 3);
    moving[2][t] = rig_uniform(&seed, -1000, 30000);
  }
  EACH_REAL(elem)
  for (int k = 0; k < 5; k++)
    for (int most = 0; most < 2; most++) {
      const Arg args[] = {{.name = "x", .signal = x},
                          {.name = "time", .signal = moving[0]},
                          {.name = "delay", .signal = moving[0]},
                          {.name = "depth", .signal = moving[1]},
                          {.name = "cutoff", .signal = moving[2]},
                          {.name = "rate", .signal = moving[2]},
                          {.name = "wow", .signal = moving[1]},
                          {.name = "drive", .signal = moving[1]},
                          {.name = "feedback", .value = 2, .signal = most ? NULL : moving[1]},
                          {.name = "mix", .value = 1},
                          {0}};
      run_op(names[k], elem, N, args, out);
      double peak = 0, late = 0;
      for (int t = 0; t < N; t++) peak = fmax(peak, fabs(out[t]));
      for (int t = N / 2; t < N; t++) late = fmax(late, fabs(out[t]));
      assert_true(peak <= (k == 3 ? 101 : 40) && late > 0.01);
    }
}

static void silence_stays_and_what_is_not_finite_goes(void **state) {
  (void)state;
  for (int k = 0; k < 5; k++) {
    memset(x, 0, sizeof x);
    const Arg args[] = {{.name = "x", .signal = x},
                        {.name = "time", .value = 0.01},
                        {.name = "mix", .value = 1},
                        {0}};
    run_op(names[k], KR_ELEM_F32, N, args, out);
    for (int t = 0; t < N; t++) assert_true(out[t] == 0);
    x[10] = (double)NAN, x[11] = (double)INFINITY, x[12] = -(double)INFINITY, x[13] = 1;
    run_op(names[k], KR_ELEM_F32, N, args, out);
    for (int t = 13; t < N; t++) assert_true(isfinite(out[t]) && fabs(out[t]) < 4);
  }
}

static void counts_out_of_range_are_refused(void **state) {
  (void)state;
  const struct {
    const char *name, *port;
    double value;
  } bad[] = {{"chorus", "voices", 0},  {"chorus", "voices", 9},  {"chorus", "voices", 1.5},
             {"phaser", "stages", 13}, {"phaser", "stages", -1}, {"echo", "max", 0},
             {"tape", "max", 1e6}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    Rig rig;
    rig_init(&rig, bad[i].name, KR_ELEM_F32, 1);
    *rig_port(&rig, bad[i].port) = rig_number((int64_t)(bad[i].value * 10), 10);
    assert_int_equal(rig_prepare(&rig, 0), KR_ERROR_ARGUMENT);
    assert_non_null(rig.message);
    rig_deinit(&rig);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_echo_comes_back_through_its_low_pass),
      cmocka_unit_test(a_flanger_reads_a_place_that_moves),
      cmocka_unit_test(a_chorus_is_the_sum_of_its_voices),
      cmocka_unit_test(a_phaser_at_rest_is_all_pass_with_notches),
      cmocka_unit_test(feedback_of_a_phaser_has_no_delay),
      cmocka_unit_test(a_tape_wobbles_around_its_time),
      cmocka_unit_test(loops_stay_bounded_whatever_moves),
      cmocka_unit_test(silence_stays_and_what_is_not_finite_goes),
      cmocka_unit_test(counts_out_of_range_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

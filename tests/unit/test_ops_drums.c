// Drums: they begin where the onset is, end, and do not jump.
#include "op_run.h"

#include <math.h>

enum { N = 48000 };
static const double pi = 3.14159265358979323846;
static double gate[N], onset[N], late[N], out[N], same[N];
static const char *const names[] = {"kick", "snare", "hat"};
#define EACH_REAL(elem) for (KrElem elem = KR_ELEM_F32; elem <= KR_ELEM_F64; elem++)

static void strike(const int *at, int n, double residual) {
  memset(gate, 0, sizeof gate), memset(onset, 0, sizeof onset), memset(late, 0, sizeof late);
  for (int i = 0; i < n; i++) gate[at[i]] = onset[at[i]] = 1, late[at[i]] = residual;
}
#define STRUCK                                                                                     \
  {.name = "gate", .signal = gate}, {.name = "onset", .signal = onset}, {                          \
    .name = "late", .signal = late                                                                 \
  }

static void a_kick_follows_its_formula(void **state) {
  (void)state;
  const double residuals[] = {0, 0.4};
  EACH_REAL(elem)
  for (int k = 0; k < 2; k++) {
    double r = residuals[k], phase = 0;
    strike((int[]){100}, 1, r);
    const Arg args[] = {STRUCK,
                        {.name = "freq", .value = 60},
                        {.name = "punch", .value = 4},
                        {.name = "bend", .value = 0.02},
                        {.name = "decay", .value = 0.2},
                        {.name = "click", .value = 0},
                        {.name = "drive", .value = 2},
                        {0}};
    run_op("kick", elem, N, args, out);
    for (int t = 0; t < 100; t++) assert_true(out[t] == 0);
    for (int t = 100; t < N; t++) {
      double age = fmax(0, t - 100 - r), seconds = age / 48000;
      double level = fmax(0, (exp(-6 * seconds / 0.2) - exp(-6)) / (1 - exp(-6)));
      double expected = tanh(2 * level * sin(2 * pi * phase)) / tanh(2);
      assert_true(fabs(out[t] - expected) < 1e-3);
      phase += 60 * (1 + 4 * exp(-seconds / 0.02)) / 48000 * (t == 100 ? 1 - r : 1);
      if (age > 0.2 * 48000) assert_true(out[t] == 0);
    }
  }
}

static void a_hit_begins_at_its_tick_and_ends(void **state) {
  (void)state;
  strike((int[]){7}, 1, 0.25);
  const Arg args[] = {STRUCK, {0}};
  for (int k = 0; k < 3; k++) {
    double most = 0;
    run_op(names[k], KR_ELEM_F32, N, args, out);
    for (int t = 0; t < N; t++) most = fmax(most, fabs(out[t]));
    assert_true(most > 0.2 && most < 1.5);
    for (int t = 0; t < 7; t++) assert_true(out[t] == 0);
    assert_true(out[8] != 0);
    for (int t = 24000; t < N; t++) assert_true(out[t] == 0);
  }
}

static void a_gate_without_events_strikes_when_it_rises(void **state) {
  (void)state;
  strike((int[]){50, 20000}, 2, 0);
  const Arg carries[] = {STRUCK, {0}}, rises[] = {{.name = "gate", .signal = gate}, {0}};
  for (int k = 0; k < 3; k++) {
    run_op(names[k], KR_ELEM_F64, N, carries, out);
    run_op(names[k], KR_ELEM_F64, N, rises, same);
    assert_memory_equal(out, same, sizeof out);
  }
}

// Low tones: a jump would be seen against their slope.
static void a_new_hit_does_not_jump(void **state) {
  (void)state;
  double most = 0;
  for (int at = 1000; at < 1400; at += 37) {
    strike((int[]){10, at}, 2, 0.5);
    const Arg args[] = {STRUCK,
                        {.name = "freq", .value = 50},
                        {.name = "punch", .value = 0},
                        {.name = "click", .value = 0},
                        {0}};
    run_op("kick", KR_ELEM_F64, 4800, args, out);
    for (int t = 1; t < 4800; t++) most = fmax(most, fabs(out[t] - out[t - 1]));
  }
  assert_true(most < 0.03);
}

static void a_voice_hears_when_a_drum_ends(void **state) {
  (void)state;
  static float sound[N];
  for (int k = 0; k < 3; k++) {
    Run run;
    strike((int[]){0}, 1, 0.5);
    const Arg args[] = {STRUCK, {0}};
    run_init(&run, names[k], KR_ELEM_F32, N, args);
    assert_int_equal(rig_prepare(&run.rig, 0), KR_OK);
    int64_t silent = run_voice(&run, 0.5, sound);
    rig_deinit(&run.rig);
    assert_true(silent > 480 && silent < 24000);
    assert_true(sound[silent] == 0 && fabs((double)sound[silent - 1]) < 1e-3);
    assert_true(fabs((double)sound[silent - 1]) + fabs((double)sound[silent - 2]) > 0);
  }
}

static void random_motion_stays_bounded(void **state) {
  (void)state;
  static double freq[N], time[N], other[N];
  uint64_t seed = 6;
  strike((int[]){0, 300, 9000, 9001, 30000}, 5, 0.9);
  for (int t = 0; t < N; t++) {
    freq[t] = rig_uniform(&seed, -1000, 40000);
    time[t] = rig_uniform(&seed, -1, 3);
    other[t] = rig_uniform(&seed, -1, 9);
  }
  freq[500] = (double)NAN, time[700] = (double)NAN, other[900] = (double)INFINITY;
  const Arg args[] = {STRUCK,
                      {.name = "freq", .signal = freq},
                      {.name = "cutoff", .signal = freq},
                      {.name = "decay", .signal = time},
                      {.name = "bend", .signal = time},
                      {.name = "body", .signal = time},
                      {.name = "tone", .signal = other},
                      {.name = "drive", .signal = other},
                      {.name = "punch", .signal = other},
                      {0}};
  EACH_REAL(elem)
  for (int k = 0; k < 3; k++) {
    run_op(names[k], elem, N, args, out);
    for (int t = 0; t < N; t++) assert_true(fabs(out[t]) < 20);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_kick_follows_its_formula),
      cmocka_unit_test(a_hit_begins_at_its_tick_and_ends),
      cmocka_unit_test(a_gate_without_events_strikes_when_it_rises),
      cmocka_unit_test(a_new_hit_does_not_jump),
      cmocka_unit_test(a_voice_hears_when_a_drum_ends),
      cmocka_unit_test(random_motion_stays_bounded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// Filters, delays, levels and sample players against transfer functions and direct formulas.
#include "op_response.h"
#include "op_rig.h"

#include <math.h>

enum { N = 48000 };
static const double pi = 3.14159265358979323846;

typedef struct Arg {
  const char *name;
  double value;
} Arg;

// n ticks at 48 kHz of a row with constant other inputs; ports not named keep their preset.
static void run_row(const char *name, KrElem elem, const void *x, uint32_t n, const Arg *args,
                    const char *mode, void *out) {
  Rig rig;
  rig_init(&rig, name, elem, 1);
  if (mode != NULL) rig.port[3].choice = rig_choice(&rig.op->in[3], mode);
  double held64[8] = {0};
  float held32[8] = {0};
  uint64_t held = 0;
  const void *in[8] = {x};
  uint32_t input = 1;
  for (uint32_t i = 1; i < kr_op_ports(rig.op); i++) {
    for (const Arg *arg = args; arg != NULL && arg->name != NULL; arg++)
      if (strcmp(arg->name, rig.op->in[i].name) == 0)
        rig.port[i] =
            rig_number((int64_t)(arg->value * 1e6 + (arg->value < 0 ? -0.5 : 0.5)), 1000000);
    if (kr_op_inputs(rig.op, i) == 0) continue;
    held64[input] = rig.port[i].value;
    held32[input] = (float)held64[input];
    in[input] = elem == KR_ELEM_F32 ? (void *)&held32[input] : (void *)&held64[input];
    held |= UINT64_C(1) << input++;
  }
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  for (uint32_t done = 0; done < n; done += KR_TILE) {
    void *to[1] = {(char *)out + (size_t)done * kr_elem_bytes(elem)};
    in[0] = (const char *)x + (size_t)done * kr_elem_bytes(elem);
    rig_run(&rig, done, n - done < KR_TILE ? n - done : KR_TILE, held, in, to);
  }
  rig_deinit(&rig);
}

// The analog prototype at the frequency the trapezoidal rule maps `hz` to: s = i w, its denominator
// is 1 - w^2 + i w / q.
static double prototype(const char *mode, double hz, double cutoff, double q) {
  double w = tan(pi * hz / 48000) / tan(pi * cutoff / 48000);
  double den = hypot(1 - w * w, w / q);
  if (strcmp(mode, "lp") == 0) return 1 / den;
  if (strcmp(mode, "hp") == 0) return w * w / den;
  if (strcmp(mode, "bp") == 0) return w / q / den;
  return fabs(1 - w * w) / den;
}

static void second_order_filters_have_their_transfer_function(void **state) {
  (void)state;
  const char *const modes[] = {"lp", "hp", "bp", "notch"};
  const char *const names[] = {"lowpass", "highpass", "bandpass", "notch"};
  double *x = calloc(N, sizeof *x), *h = malloc(N * sizeof *h), *same = malloc(N * sizeof *same);
  float *x32 = calloc(N, sizeof *x32), *h32 = malloc(N * sizeof *h32);
  x[0] = 1, x32[0] = 1;
  for (int m = 0; m < 4; m++)
    for (double cutoff = 100; cutoff < 20000; cutoff *= 5) {
      const Arg args[] = {{"cutoff", cutoff}, {"q", 2.5}, {NULL, 0}};
      run_row("svf", KR_ELEM_F64, x, 24000, args, modes[m], h);
      run_row(names[m], KR_ELEM_F64, x, 24000, args, NULL, same);
      assert_memory_equal(h, same, 24000 * sizeof *h);
      for (double hz = 20; hz < 23000; hz *= 1.7)
        assert_true(fabs(response_at(h, 24000, hz) - prototype(modes[m], hz, cutoff, 2.5)) < 1e-9);
      run_row("svf", KR_ELEM_F32, x32, 24000, args, modes[m], h32);
      for (int i = 0; i < 24000; i++) h[i] = (double)h32[i];
      for (double hz = 20; hz < 23000; hz *= 1.7)
        assert_true(fabs(response_at(h, 24000, hz) - prototype(modes[m], hz, cutoff, 2.5)) < 3e-4);
    }
  free(x), free(h), free(same), free(x32), free(h32);
}

static void cutoff_outside_its_range_is_limited_and_nan_leaves_in_one_tick(void **state) {
  (void)state;
  double x[300], out[300];
  for (int i = 0; i < 300; i++) x[i] = i == 100 ? (double)NAN : sin(i * 0.1);
  const double cutoffs[] = {-5, 0, 1e9, 30000};
  for (int k = 0; k < 4; k++) {
    const Arg args[] = {{"cutoff", cutoffs[k]}, {"q", 0}, {NULL, 0}};
    run_row("lowpass", KR_ELEM_F64, x, 300, args, NULL, out);
    for (int i = 0; i < 300; i++) assert_true(i == 100 || fabs(out[i]) < 100);
  }
}

static void states_below_2_to_the_minus_100_become_zero(void **state) {
  (void)state;
  double *x = calloc(N, sizeof *x), *out = malloc(N * sizeof *out);
  x[0] = 1;
  const Arg args[] = {{"cutoff", 4000}, {NULL, 0}};
  run_row("onepole", KR_ELEM_F64, x, N, args, NULL, out);
  for (int i = 0; i < N; i++) assert_true(out[i] == 0 || fabs(out[i]) > 0x1p-103);
  assert_true(out[N - 1] == 0);
  free(x), free(out);
}

static void one_pole_filters_follow_their_recurrence(void **state) {
  (void)state;
  double x[500], out[500], y = 0, before = 0;
  uint64_t seed = 9;
  for (int i = 0; i < 500; i++) x[i] = rig_uniform(&seed, -1, 1);
  const Arg args[] = {{"cutoff", 1000}, {NULL, 0}};
  run_row("onepole", KR_ELEM_F64, x, 500, args, NULL, out);
  for (int i = 0; i < 500; i++) {
    y += (1 - exp(-2 * pi * 1000 / 48000)) * (x[i] - y);
    assert_true(fabs(out[i] - y) < 1e-12);
  }
  run_row("dcblock", KR_ELEM_F64, x, 500, args, NULL, out);
  y = 0;
  for (int i = 0; i < 500; i++) {
    y = x[i] - before + exp(-2 * pi * 1000 / 48000) * y;
    before = x[i];
    assert_true(fabs(out[i] - y) < 1e-12);
  }
  const Arg coefs[] = {{"b0", 0.5},   {"b1", -0.25}, {"b2", 0.125},
                       {"a1", -0.75}, {"a2", 0.5},   {NULL, 0}};
  run_row("biquad", KR_ELEM_F64, x, 500, coefs, NULL, out);
  for (int i = 0; i < 500; i++) {
    double expected = 0.5 * x[i];
    if (i > 0) expected += -0.25 * x[i - 1] + 0.75 * out[i - 1];
    if (i > 1) expected += 0.125 * x[i - 2] - 0.5 * out[i - 2];
    assert_true(fabs(out[i] - expected) < 1e-12);
  }
}

static void delays_are_exact_in_ticks(void **state) {
  (void)state;
  double x[500], out[500];
  uint64_t seed = 10;
  for (int i = 0; i < 500; i++) x[i] = rig_uniform(&seed, -1, 1);
  const int ticks[] = {0, 1, 2, 47, 48, 240, 600};
  for (int k = 0; k < 7; k++) {
    int d = ticks[k];
    const Arg plain[] = {{"time", d / 48000.0}, {NULL, 0}};
    run_row("delay", KR_ELEM_F64, x, 500, plain, NULL, out);
    for (int i = 0; i < 500; i++) assert_true(out[i] == (i < d ? 0 : x[i - d]));
    if (d == 0) continue;
    const Arg args[] = {{"time", d / 48000.0}, {"feedback", 0.5}, {"mix", 0.25}, {NULL, 0}};
    double w[500], wet;
    run_row("delay", KR_ELEM_F64, x, 500, args, NULL, out);
    for (int i = 0; i < 500; i++) {
      wet = i < d ? 0 : w[i - d];
      w[i] = x[i] + 0.5 * wet;
      assert_true(fabs(out[i] - (0.75 * x[i] + 0.25 * wet)) < 1e-15);
    }
    run_row("comb", KR_ELEM_F64, x, 500, args, NULL, out);
    for (int i = 0; i < 500; i++) assert_true(out[i] == w[i]);
    run_row("allpass", KR_ELEM_F64, x, 500, args, NULL, out);
    for (int i = 0; i < 500; i++)
      assert_true(fabs(out[i] - ((i < d ? 0 : w[i - d]) - 0.5 * w[i])) < 1e-15);
  }
}

static void a_delay_signal_is_read_between_ticks(void **state) {
  (void)state;
  Rig rig;
  double x[500], time[500], feedback[500] = {0}, mix[500], out[500];
  for (int i = 0; i < 500; i++) x[i] = i, mix[i] = 1, time[i] = (10.25 + i * 0.1) / 48000;
  time[400] = (double)NAN, time[401] = -1, time[402] = 1;
  rig_init(&rig, "delay", KR_ELEM_F64, 1);
  rig.port[1] = rig_stream(KR_TYPE_SCALAR(KR_ELEM_F64));
  *rig_port(&rig, "max") = rig_number(1, 100);
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  const void *in[4] = {x, time, feedback, mix};
  rig_signal(&rig, 500, in, 4, out);
  for (int i = 0; i < 400; i++) {
    double back = 10.25 + i * 0.1, at = i - back;
    double expected = at < -1 ? 0 : at < 0 ? 0 : at;
    assert_true(fabs(out[i] - expected) < 1e-9);
  }
  assert_true(out[400] == 399 && out[401] == 400);
  assert_true(out[402] == 0 || out[402] == 402 - 480);
  rig_deinit(&rig);
}

static void times_out_of_range_are_refused(void **state) {
  (void)state;
  const double bad[] = {-0.001, 1e6};
  for (int k = 0; k < 2; k++) {
    Rig rig;
    rig_init(&rig, "delay", KR_ELEM_F32, 1);
    rig.port[1] = rig_number((int64_t)(bad[k] * 1000), 1000);
    assert_int_equal(rig_prepare(&rig, 0), KR_ERROR_ARGUMENT);
    assert_non_null(rig.message);
    rig_deinit(&rig);
  }
}

static void panning_keeps_the_power(void **state) {
  (void)state;
  Rig rig;
  double x[101], position[101], left[101], right[101];
  for (int i = 0; i <= 100; i++) x[i] = 2, position[i] = (i - 50) / 50.0;
  rig_init(&rig, "pan", KR_ELEM_F64, 1);
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  const void *in[2] = {x, position};
  void *to[2] = {left, right};
  rig_run(&rig, 0, 64, 0, in, to);
  for (int i = 0; i < 64; i++) {
    assert_true(fabs(left[i] * left[i] + right[i] * right[i] - 4) < 1e-14);
    assert_true(fabs(right[i] - 2 * sin(pi / 2 * i / 100)) < 1e-14);
  }
  assert_true(right[0] == 0 && left[50] == right[50]);
  rig_deinit(&rig);
}

static void a_pair_is_balanced_never_louder(void **state) {
  (void)state;
  Rig rig;
  double x[64], position[64], y[64], left[64], right[64];
  for (int i = 0; i < 64; i++) x[i] = 2, y[i] = 3, position[i] = (i - 32) / 25.0;
  position[63] = NAN;
  rig_init_op(&rig, kr_registry_find(KR_TEXT("pan"), 1), KR_ELEM_F64, 1);
  assert_true((rig.op->flags & KR_OP_PAIR) != 0);
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  const void *in[3] = {x, position, y};
  void *to[2] = {left, right};
  rig_run(&rig, 0, 64, 0, in, to);
  for (int i = 0; i < 63; i++) {
    double p = fmax(-1, fmin(1, position[i]));
    assert_true(fabs(left[i] - 2 * (p > 0 ? cos(pi / 2 * p) : 1)) < 1e-14);
    assert_true(fabs(right[i] - 3 * (p < 0 ? cos(pi / 2 * p) : 1)) < 1e-14);
  }
  assert_true(left[32] == 2 && right[32] == 3 && left[0] == 2 && right[0] == 0 && left[62] == 0);
  assert_true(left[63] == 2 && right[63] == 0);
  rig_deinit(&rig);
}

static void mix_and_gain_are_plain(void **state) {
  (void)state;
  Rig rig;
  double a[3] = {1, 2, 3}, b[3] = {10, 20, 30}, amount[3] = {0, 0.5, 1}, out[3];
  rig_init(&rig, "mix", KR_ELEM_F64, 1);
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  const void *in[3] = {a, b, amount};
  rig_signal(&rig, 3, in, 3, out);
  assert_true(out[0] == 1 && out[1] == 11 && out[2] == 30);
  rig_deinit(&rig);
  rig_init(&rig, "gain", KR_ELEM_F64, 1);
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  rig_signal(&rig, 3, in, 2, out);
  assert_true(out[0] == 10 && out[1] == 40 && out[2] == 90);
  rig_deinit(&rig);
  rig_init_op(&rig, kr_registry_find(KR_TEXT("gain"), 1), KR_ELEM_F64, 1);
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  double level[3] = {0, -20, 40};
  const void *levels[2] = {b, level};
  rig_signal(&rig, 3, levels, 2, out);
  assert_true(out[0] == 10 && fabs(out[1] - 2) < 1e-15 && fabs(out[2] - 3000) < 1e-11);
  rig_deinit(&rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(second_order_filters_have_their_transfer_function),
      cmocka_unit_test(cutoff_outside_its_range_is_limited_and_nan_leaves_in_one_tick),
      cmocka_unit_test(states_below_2_to_the_minus_100_become_zero),
      cmocka_unit_test(one_pole_filters_follow_their_recurrence),
      cmocka_unit_test(delays_are_exact_in_ticks),
      cmocka_unit_test(a_delay_signal_is_read_between_ticks),
      cmocka_unit_test(times_out_of_range_are_refused),
      cmocka_unit_test(panning_keeps_the_power),
      cmocka_unit_test(a_pair_is_balanced_never_louder),
      cmocka_unit_test(mix_and_gain_are_plain),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// Shapes against their formulas.
#include "op_run.h"

#include <math.h>

enum { N = 4800 };
static const double pi = 3.14159265358979323846;
static double x[N], out[N], moving[N];

static void fill(void) {
  uint64_t seed = 5;
  for (int t = 0; t < N; t++)
    x[t] = rig_uniform(&seed, -2, 2), moving[t] = rig_uniform(&seed, 0, 1);
}
static double tolerance(KrElem elem) { return elem == KR_ELEM_F32 ? 8e-6 : 1e-11; }
#define EACH_REAL(elem) for (KrElem elem = KR_ELEM_F32; elem <= KR_ELEM_F64; elem++)

static void saturation_is_a_hyperbolic_tangent_that_keeps_one(void **state) {
  (void)state;
  fill();
  const double drives[] = {0.01, 0.5, 1, 3, 20};
  EACH_REAL(elem)
  for (int k = 0; k < 5; k++) {
    const Arg args[] = {{.name = "x", .signal = x}, {.name = "drive", .value = drives[k]}, {0}};
    run_op("saturate", elem, N, args, out);
    for (int t = 0; t < N; t++)
      assert_true(fabs(out[t] - tanh(drives[k] * x[t]) / tanh(drives[k])) < tolerance(elem));
  }
}

static void folding_turns_back_at_one(void **state) {
  (void)state;
  fill();
  for (int t = 0; t < N; t++) moving[t] *= 10;
  const Arg args[] = {{.name = "x", .signal = x}, {.name = "gain", .signal = moving}, {0}};
  EACH_REAL(elem) {
    run_op("fold", elem, N, args, out);
    for (int t = 0; t < N; t++)
      assert_true(fabs(out[t] - 2 / pi * asin(sin(pi / 2 * x[t] * moving[t]))) <
                  (elem == KR_ELEM_F32 ? 1e-5 : 1e-7));
  }
  x[0] = (double)INFINITY, x[1] = (double)NAN;
  run_op("fold", KR_ELEM_F32, N, args, out);
  assert_true(fabs(out[0]) <= 1 && fabs(out[1]) <= 1);
}

static void crushing_holds_values_and_rounds_them(void **state) {
  (void)state;
  fill();
  const Arg whole[] = {{.name = "x", .signal = x},
                       {.name = "bits", .value = 4},
                       {.name = "rate", .value = 0.25},
                       {0}};
  EACH_REAL(elem) {
    run_op("bitcrush", elem, N, whole, out);
    for (int t = 0; t < N; t++)
      assert_true(
          out[t] ==
          floor((elem == KR_ELEM_F32 ? (double)(float)x[t - t % 4] : x[t - t % 4]) * 8 + 0.5) / 8);
  }
  const Arg fine[] = {{.name = "x", .signal = x}, {.name = "bits", .value = 2.5}, {0}};
  run_op("bitcrush", KR_ELEM_F64, N, fine, out);
  double step = pow(2, -1.5);
  for (int t = 0; t < N; t++) assert_true(fabs(out[t] - floor(x[t] / step + 0.5) * step) < 1e-9);
  const Arg slow[] = {{.name = "x", .signal = x}, {.name = "rate", .signal = moving}, {0}};
  run_op("bitcrush", KR_ELEM_F64, N, slow, out);
  double phase = 1, held = 0;
  for (int t = 0; t < N; t++) {
    if (phase >= 1) held = x[t], phase -= 1;
    assert_true(fabs(out[t] - held) <= 0x1p-16);
    phase += moving[t];
  }
  x[100] = (double)NAN, x[101] = (double)INFINITY;
  run_op("bitcrush", KR_ELEM_F32, N, fine, out);
  assert_true(out[100] == 0 && out[101] == 0 && fabs(out[102]) <= 2.5);
}

static void a_ring_modulator_multiplies_by_a_sine(void **state) {
  (void)state;
  fill();
  const Arg args[] = {{.name = "x", .signal = x},
                      {.name = "freq", .value = 440},
                      {.name = "depth", .signal = moving},
                      {0}};
  EACH_REAL(elem) {
    run_op("ringmod", elem, N, args, out);
    for (int t = 0; t < N; t++) {
      double sine = sin(2 * pi * 440 * t / 48000);
      assert_true(fabs(out[t] - x[t] * (1 - moving[t] + moving[t] * sine)) < tolerance(elem));
    }
  }
}

static double tremolo_shape(int shape, double turns) {
  double tri = 2 / pi * asin(sin(2 * pi * turns)), saw = fmin(turns * 32 / 31, (1 - turns) * 32);
  if (shape == 0) return sin(2 * pi * turns);
  if (shape == 1) return tri;
  return shape == 2 ? 2 * saw - 1 : fmax(-1, fmin(1, 16 * tri));
}
static void a_tremolo_takes_away_up_to_its_depth(void **state) {
  (void)state;
  fill();
  const char *const words[] = {"sine", "tri", "saw", "square"};
  for (int shape = 0; shape < 4; shape++) {
    const Arg args[] = {{.name = "x", .value = 1},
                        {.name = "freq", .value = 30},
                        {.name = "depth", .value = 0.75},
                        {.name = "shape", .word = words[shape]},
                        {0}};
    run_op("tremolo", KR_ELEM_F64, N, args, out);
    for (int t = 0; t < N; t++) {
      double shape_at = tremolo_shape(shape, fmod(30.0 * t / 48000, 1));
      assert_true(fabs(out[t] - (1 - 0.75 * (0.5 - 0.5 * shape_at))) < 1e-7);
      assert_true(t == 0 || fabs(out[t] - out[t - 1]) < 0.03);
    }
  }
}

static void width_scales_the_difference(void **state) {
  (void)state;
  fill();
  static double other[N], right[N];
  const Arg args[] = {{.name = "left", .signal = x},
                      {.name = "right", .signal = moving},
                      {.name = "amount", .signal = other},
                      {0}};
  for (int t = 0; t < N; t++) other[t] = t % 3;
  Run run;
  run_init(&run, "width", KR_ELEM_F64, N, args);
  assert_int_equal(rig_prepare(&run.rig, 0), KR_OK);
  run_ticks(&run, (double *const[]){out, right});
  rig_deinit(&run.rig);
  for (int t = 0; t < N; t++) {
    double middle = (x[t] + moving[t]) / 2, side = (x[t] - moving[t]) / 2 * other[t];
    assert_true(fabs(out[t] - middle - side) < 1e-15 && fabs(right[t] - middle + side) < 1e-15);
    if (t % 3 == 1) assert_true(out[t] == x[t] && right[t] == moving[t]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(saturation_is_a_hyperbolic_tangent_that_keeps_one),
      cmocka_unit_test(folding_turns_back_at_one),
      cmocka_unit_test(crushing_holds_values_and_rounds_them),
      cmocka_unit_test(a_ring_modulator_multiplies_by_a_sine),
      cmocka_unit_test(a_tremolo_takes_away_up_to_its_depth),
      cmocka_unit_test(width_scales_the_difference),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

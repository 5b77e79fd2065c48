// Programs built by calls: operators, crossings, native operators, errors.
#include "kairo/kairo.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static KrRatio ratio(int64_t num, int64_t den) {
  KrRatio r;
  assert_int_equal(kr_ratio_make(num, den, &r), KR_OK);
  return r;
}

static KrProgram *finish(KrBuilder *builder, KrRatio step) {
  KrProgram *program = NULL;
  KrProgramOptions options;
  char error[256] = "";
  kr_program_defaults(&options);
  options.step = step;
  KrStatus status = kr_builder_finish(builder, &options, &program, error);
  if (status != KR_OK)
    print_error("%s %s\n", error, program != NULL ? kr_program_messages(program) : "");
  assert_int_equal(status, KR_OK);
  return program;
}

// Reads n ticks of column 0 of the only output, asking for `part` seconds at a time.
static void read_all(const KrProgram *program, KrRatio part, uint32_t n_parts, double *values) {
  KrSession *session = NULL;
  int64_t done = 0;
  assert_int_equal(kr_session_new(program, &session), KR_OK);
  for (uint32_t i = 1; i <= n_parts; i++) {
    assert_int_equal(kr_session_run(session, ratio(part.num * i, part.den)), KR_OK);
    int64_t ticks = kr_session_ticks(session, 0);
    assert_int_equal(kr_session_read(session, 0, 0, done, (uint32_t)(ticks - done), values + done),
                     KR_OK);
    done = ticks;
  }
  kr_session_free(session);
}

static void a_sine_bent_by_a_slow_one_is_its_formula(void **state) {
  (void)state;
  KrBuilder *b;
  assert_int_equal(kr_builder_new(&b), KR_OK);
  uint32_t slow = kr_builder_flow(
      b,
      &(KrFlowSettings){.name = "slow", .rate = KR_RATE_CONTROL, .dt = {1, 100}, .phase = {0, 1}});
  uint32_t fast = kr_builder_flow(
      b,
      &(KrFlowSettings){.name = "fast", .rate = KR_RATE_AUDIO, .dt = {1, 48000}, .phase = {0, 1}});
  KrStream lfo =
      kr_builder_op(b, slow, "sine", (KrArgument[]){{.is_constant = true, .constant = {2, 1}}}, 1);
  KrStream bend = kr_builder_cross(b, fast, lfo, "linear");
  kr_builder_output(b, fast, NULL, &bend, 1);
  KrProgram *program = finish(b, ratio(1, 100));
  static double values[4800];
  read_all(program, ratio(1, 100), 10, values);
  for (int i = 0; i < 4800; i++) {
    int k = i / 480;
    double a = i % 480 / 480.0, x0 = sin(2 * M_PI * 2 * k / 100),
           x1 = sin(2 * M_PI * 2 * (k + 1) / 100);
    assert_true(fabs(values[i] - (x0 + a * (x1 - x0))) < 1e-6);
  }
  kr_program_free(program);
}

static void run_leaky(void *user, const KrNativeCall *call) {
  const double keep = *(const double *)user;
  const double *in = call->in[0];
  double *out = call->out[0], *sum = call->field[0];
  for (uint32_t i = 0; i < call->n; i++) out[i] = sum[0] = keep * sum[0] + in[i];
}

static KrProgram *build_leaky(KrRatio step) {
  static double keep = 0.5;
  KrBuilder *b;
  assert_int_equal(kr_builder_new(&b), KR_OK);
  uint32_t flow = kr_builder_flow(
      b, &(KrFlowSettings){
             .name = "f", .rate = KR_RATE_SIM, .dt = {1, 1000}, .phase = {0, 1}, .is_f64 = true});
  KrStream one = kr_builder_constant(b, flow, ratio(1, 1));
  KrNative leaky = {.name = "leaky",
                    .n_inputs = 1,
                    .n_outputs = 1,
                    .fields = (KrNativeField[]){{"sum", 1}},
                    .n_fields = 1,
                    .run = run_leaky,
                    .user = &keep};
  KrStream y = kr_builder_native(b, flow, &leaky, &one, 1);
  kr_builder_output(b, flow, NULL, &y, 1);
  return finish(b, step);
}

static void a_native_operator_keeps_its_state_whatever_the_step(void **state) {
  (void)state;
  static double values[100], others[100];
  KrProgram *program = build_leaky(ratio(1, 10)), *other = build_leaky(ratio(1, 1000));
  read_all(program, ratio(1, 10), 1, values);
  read_all(other, ratio(1, 1000), 100, others);
  double sum = 0;
  for (int i = 0; i < 100; i++) {
    sum = 0.5 * sum + 1;
    assert_true(values[i] == sum);
    assert_true(others[i] == sum);
  }
  kr_program_free(program);
  kr_program_free(other);
}

static void a_snapshot_of_a_native_operator_goes_on(void **state) {
  (void)state;
  KrProgram *program = build_leaky(ratio(1, 100));
  KrSession *a, *b;
  uint8_t *at;
  size_t n;
  double x, y;
  assert_int_equal(kr_session_new(program, &a), KR_OK);
  assert_int_equal(kr_session_new(program, &b), KR_OK);
  assert_int_equal(kr_session_run(a, ratio(3, 1000)), KR_OK);
  assert_int_equal(kr_session_save(a, &at, &n), KR_OK);
  assert_int_equal(kr_session_restore(b, at, n), KR_OK);
  assert_int_equal(kr_session_run(a, ratio(5, 1000)), KR_OK);
  assert_int_equal(kr_session_run(b, ratio(5, 1000)), KR_OK);
  assert_int_equal(kr_session_read(a, 0, 0, 4, 1, &x), KR_OK);
  assert_int_equal(kr_session_read(b, 0, 0, 4, 1, &y), KR_OK);
  assert_true(x == y && x > 1.9);
  at[n / 2] ^= 1;
  kr_session_free(b);
  assert_int_equal(kr_session_new(program, &b), KR_OK);
  assert_int_equal(kr_session_restore(b, at, n), KR_ERROR_FORMAT);
  assert_non_null(kr_session_error(b));
  kr_bytes_free(at);
  kr_session_free(a);
  kr_session_free(b);
  kr_program_free(program);
}

static void a_loop_through_prev_counts(void **state) {
  (void)state;
  KrBuilder *b;
  assert_int_equal(kr_builder_new(&b), KR_OK);
  uint32_t flow = kr_builder_flow(
      b, &(KrFlowSettings){
             .name = "f", .rate = KR_RATE_SIM, .dt = {1, 1000}, .phase = {0, 1}, .is_f64 = true});
  KrStream before = kr_builder_prev(b, flow, ratio(-1, 1));
  KrStream now = kr_builder_op(
      b, flow, "add", (KrArgument[]){{.stream = before}, {.is_constant = true, .constant = {1, 1}}},
      2);
  kr_builder_feed(b, before, now);
  kr_builder_output(b, flow, NULL, &now, 1);
  KrProgram *program = finish(b, ratio(1, 10));
  static double values[100];
  read_all(program, ratio(1, 10), 1, values);
  for (int i = 0; i < 100; i++) assert_true(values[i] == i);
  kr_program_free(program);
}

static void mistakes_are_told(void **state) {
  (void)state;
  KrBuilder *b;
  KrProgram *program;
  char error[256];
  assert_int_equal(kr_builder_new(&b), KR_OK);
  uint32_t flow = kr_builder_flow(
      b, &(KrFlowSettings){.name = "f", .rate = KR_RATE_AUDIO, .dt = {1, 48000}, .phase = {0, 1}});
  kr_builder_op(b, flow, "sien", NULL, 0);
  kr_builder_constant(b, flow, ratio(1, 1)); // after a failure nothing happens
  assert_int_equal(kr_builder_finish(b, NULL, &program, error), KR_ERROR_ARGUMENT);
  assert_null(program);
  assert_string_equal(error, "no operator `sien`");
  assert_int_equal(kr_builder_new(&b), KR_OK);
  assert_int_equal(kr_builder_flow(b, &(KrFlowSettings){.name = "f",
                                                        .rate = KR_RATE_AUDIO,
                                                        .dt = {-1, 48000},
                                                        .phase = {0, 1}}),
                   UINT32_MAX);
  assert_non_null(kr_builder_error(b));
  kr_builder_free(b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_sine_bent_by_a_slow_one_is_its_formula),
      cmocka_unit_test(a_native_operator_keeps_its_state_whatever_the_step),
      cmocka_unit_test(a_snapshot_of_a_native_operator_goes_on),
      cmocka_unit_test(a_loop_through_prev_counts),
      cmocka_unit_test(mistakes_are_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

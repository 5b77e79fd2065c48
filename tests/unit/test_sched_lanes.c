/// Which copies become lanes of one step, and which sums are divided into parts: a pure function of
/// the graph.
#include "kairo/kairo.h"
#include "sched/plan.h"
#include "session/program.h"
#include <cmocka.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static KrProgram *load(const char *body) {
  KrProgramOptions options;
  KrProgram *program = NULL;
  char text[1024] = "flow f(dt=1/8000 @rate=audio) {\n";
  kr_program_defaults(&options);
  strncat(text, body, sizeof text - strlen(text) - 4);
  strcat(text, "\n}\n");
  if (kr_program_load("test", text, strlen(text), &options, &program) != KR_OK)
    print_error("%s\n", kr_program_messages(program));
  assert_non_null(program->plan);
  return program;
}

typedef struct Shape {
  uint32_t n_groups, n_lanes, n_parts;
} Shape;

static Shape shape_of(const char *body) {
  KrProgram *program = load(body);
  const KrPlan *plan = program->plan;
  Shape shape = {plan->n_groups, 0, plan->n_parts};
  for (uint32_t g = 0; g < plan->n_groups; g++) shape.n_lanes += plan->groups[g].n;
  kr_program_free(program);
  return shape;
}

static void copies_of_one_shape_run_as_lanes_of_one_step(void **state) {
  (void)state;
  Shape shape = shape_of("output [0..20].map(|i| sine(freq=(100 + i) * 1Hz) * 0.5).sum()");
  assert_int_equal(shape.n_groups, 4); // sines and products, 16 and 4 of them
  assert_int_equal(shape.n_lanes, 40);
  shape = shape_of("output [0..3].map(|i| sine(freq=(100 + i) * 1Hz)).sum()");
  assert_int_equal(shape.n_groups, 0);
}

static void one_odd_copy_leaves_its_neighbours_alone(void **state) {
  (void)state;
  Shape shape = shape_of(
      "output [0..16].map(|i| if i == 7 { saw(freq=50Hz) } else { sine(freq=i * 1Hz) }).sum()");
  assert_int_equal(shape.n_groups, 0);
}

static void nodes_that_need_each_other_are_never_one_group(void **state) {
  (void)state;
  Shape shape = shape_of("let a = tanh(step * 0.1)\nlet b = tanh(a)\nlet c = tanh(b)\n"
                         "let d = tanh(c)\noutput [a, b, c, d].sum()");
  assert_int_equal(shape.n_groups, 0);
}

static void every_chunk_of_a_large_sum_is_a_part(void **state) {
  (void)state;
  Shape shape = shape_of("output [0..300].map(|i| sine(freq=i * 1Hz)).sum()");
  assert_int_equal(shape.n_parts, 3);
  shape = shape_of("output [0..128].map(|i| sine(freq=i * 1Hz)).sum()");
  assert_int_equal(shape.n_parts, 0);
}

static void a_sum_that_feeds_its_own_copies_is_not_divided(void **state) {
  (void)state;
  Shape shape = shape_of(
      "let y = [0..300].map(|i| sine(freq=i * 1Hz + 10Hz * prev(y))).sum() / 300\noutput y");
  assert_int_equal(shape.n_parts, 0);
  assert_int_equal(shape.n_lanes % 300, 0);
}

static uint32_t n_units_of(const char *body) {
  KrProgram *program = load(body);
  uint32_t n = program->plan->n_units;
  kr_program_free(program);
  return n;
}

static void independent_parts_of_a_flow_are_units(void **state) {
  (void)state;
#define SINES(from) "[0..70].map(|i| tanh(sine(freq=" from " + i * 1Hz))).sum()"
  assert_int_equal(n_units_of("output a = " SINES("100Hz")), 1);
  assert_int_equal(n_units_of("output a = " SINES("100Hz") "\noutput b = " SINES("700Hz")), 2);
  // One reads the other; both read a third; each is small.
  assert_int_equal(
      n_units_of("let m = " SINES("100Hz") "\noutput a = m\noutput b = " SINES("9Hz * m")), 1);
  assert_int_equal(n_units_of("let c = 9Hz + sine(freq=2Hz) * 1Hz\noutput a = " SINES(
                       "c") "\noutput b = " SINES("2 * c")),
                   1);
  assert_int_equal(n_units_of("output a = tanh(step * 0.1)\noutput b = tanh(step * 0.2)"), 1);
#undef SINES
}

/// What was joined, over all steps.
typedef struct Joins {
  uint32_t n_adding, n_factors, n_scales, n_ramps, n_adds;
} Joins;

static Joins joins_of(const char *body) {
  KrProgram *program = load(body);
  Joins joins = {0};
  for (uint32_t u = 0; u < program->plan->n_units; u++)
    for (uint32_t i = 0; i < program->plan->units[u].n_steps; i++) {
      const KrPlanStep *step = &program->plan->units[u].steps[i];
      joins.n_adding += step->adds != 0;
      joins.n_factors += step->n_factors;
      joins.n_scales += step->n_scales / 2;
      joins.n_ramps += step->has_ramp;
      joins.n_adds += step->kind == KR_STEP_ADD;
    }
  kr_program_free(program);
  return joins;
}

static void what_nobody_else_reads_is_joined_to_its_reader(void **state) {
  (void)state;
  Joins joins = joins_of("output [0..32].map(|i| sine(freq=i * 1Hz) * 0.5 * tri(freq=3Hz)).sum()");
  assert_int_equal(joins.n_adding, 2); // the products by tri, which a second factor cannot be
  assert_int_equal(joins.n_factors, 2);
  assert_int_equal(joins.n_adds, 0);
  joins = joins_of("output [0..16].map(|i| sine(freq=i * 1Hz + resample(slow.x, to=audio, "
                   "mode=linear)) * 2 * i).sum()\n}\n"
                   "flow slow(dt=1/100 @rate=control) {\nlet x = sine(freq=1Hz) * 1Hz");
  assert_int_equal(joins.n_ramps, 0); // one crossing that all copies read
  joins = joins_of("let x = resample(slow.x, to=audio, mode=linear)\n"
                   "output [0..16].map(|i| sine(freq=i * 1Hz + x[i]) * 2 * i).sum()\n}\n"
                   "flow slow(dt=1/100 @rate=control) {\n"
                   "let x = [0..16].map(|i| sine(freq=i * 1Hz) * 1Hz)");
  assert_int_equal(joins.n_ramps, 1);
  assert_int_equal(joins.n_factors, 3); // of the slow sines too
  assert_int_equal(joins.n_adding, 1);
}

#define LOWPASS "lowpass(tri(freq=i * 9Hz), cutoff="
static void constants_of_a_cutoff_and_a_level_are_joined_to_the_filter(void **state) {
  (void)state;
  Joins joins = joins_of("let e = [0..16].map(|i| tri(freq=i * 1Hz))\n"
                         "output [0..16].map(|i| " LOWPASS "300Hz + 4000Hz * e[i]) * e[i]).sum()");
  assert_int_equal(joins.n_scales, 1);
  assert_int_equal(joins.n_factors, 1);
  assert_int_equal(joins.n_adds, 1); // a filter is not added to a sum
  joins =
      joins_of("let e = [0..16].map(|i| tri(freq=i * 1Hz))\n"
               "output [0..16].map(|i| highpass(e[i], cutoff=300Hz + 9Hz * e[i]) * 2 * 3).sum()");
  assert_int_equal(joins.n_scales, 0);
  assert_int_equal(joins.n_factors, 1); // the other one is a step that is added
  assert_int_equal(joins.n_adding, 1);
  joins = joins_of("output [0..16].map(|i| sine(freq=i * 1Hz) * 2 * 3 * 4 * 5).sum()");
  assert_int_equal(joins.n_factors, 3);
}

static void what_is_no_constant_of_a_cutoff_is_not_joined(void **state) {
  (void)state;
  static const char *const cutoffs[] = {"9Hz * e[i] + e[i] * 1Hz", // nothing constant is added
                                        "9Hz + e[i] * e[i] * 1Hz * e[i]",
                                        "9Hz + 9Hz * e[i], q=e[i]", "9Hz - 9Hz * e[i]",
                                        "c[i]"}; // somebody else reads it
  for (size_t i = 0; i < sizeof cutoffs / sizeof cutoffs[0]; i++) {
    char body[512];
    snprintf(body, sizeof body,
             "let e = [0..16].map(|i| tri(freq=i * 1Hz))\n"
             "let c = [0..16].map(|i| 9Hz + 9Hz * e[i])\n"
             "output (c.sum() / 1Hz, [0..16].map(|i| " LOWPASS "%s)).sum())",
             cutoffs[i]);
    assert_int_equal(joins_of(body).n_scales, 0);
  }
}

static void what_somebody_else_reads_is_not_joined(void **state) {
  (void)state;
  Joins joins = joins_of("let x = [0..16].map(|i| sine(freq=i * 1Hz))\n"
                         "output (x.sum(), x.map(|y| y * 2).sum(), x.map(|y| y * y).sum())");
  assert_int_equal(joins.n_factors, 0);
  assert_int_equal(joins.n_adding, 2); // both products, not the sines
  joins = joins_of("output [0..10].map(|i| sine(freq=i * 1Hz)).sum()");
  assert_int_equal(joins.n_adding, 0); // lanes that stand for nobody would be added
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(copies_of_one_shape_run_as_lanes_of_one_step),
      cmocka_unit_test(one_odd_copy_leaves_its_neighbours_alone),
      cmocka_unit_test(nodes_that_need_each_other_are_never_one_group),
      cmocka_unit_test(every_chunk_of_a_large_sum_is_a_part),
      cmocka_unit_test(a_sum_that_feeds_its_own_copies_is_not_divided),
      cmocka_unit_test(independent_parts_of_a_flow_are_units),
      cmocka_unit_test(what_nobody_else_reads_is_joined_to_its_reader),
      cmocka_unit_test(constants_of_a_cutoff_and_a_level_are_joined_to_the_filter),
      cmocka_unit_test(what_is_no_constant_of_a_cutoff_is_not_joined),
      cmocka_unit_test(what_somebody_else_reads_is_not_joined),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(copies_of_one_shape_run_as_lanes_of_one_step),
      cmocka_unit_test(one_odd_copy_leaves_its_neighbours_alone),
      cmocka_unit_test(nodes_that_need_each_other_are_never_one_group),
      cmocka_unit_test(every_chunk_of_a_large_sum_is_a_part),
      cmocka_unit_test(a_sum_that_feeds_its_own_copies_is_not_divided),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

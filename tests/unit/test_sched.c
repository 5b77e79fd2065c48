// Plan and run: crossings, windows, states and cycles against closed forms, and the same bits for
// any span.
#include "sched_graph.h"

static const KrElem f64 = KR_ELEM_F64;

// Output: the flow's step as f64 times `scale`.
static KrRef add_ramp(uint32_t flow, double scale) {
  KrRef step = add_node(flow, KR_NODE_STEP, f64, 0, NULL);
  return add_mul(flow, f64, step, add_const(flow, f64, scale));
}

static void constant_reaches_the_output(void **state) {
  (void)state;
  uint32_t a = add_flow("a", ratio(1, 100), KR_RATIO_ZERO, f64);
  add_output(a, add_const(a, f64, 2.5));
  Recording *r = run_all(NULL, ratio(1, 1), 0);
  assert_int_equal(r->n_ticks[0], 100);
  for (int64_t i = 0; i < 100; i++) assert_true(value_f64(r, 0, i) == 2.5);
}

static void linear_is_exact_on_a_ramp(void **state) {
  (void)state;
  uint32_t control = add_flow("control", ratio(1, 100), KR_RATIO_ZERO, f64);
  uint32_t audio = add_flow("audio", ratio(1, 48000), KR_RATIO_ZERO, f64);
  KrRef ramp = add_ramp(control, 480);
  add_output(audio, add_cross(audio, f64, ramp, KR_MODE_LINEAR, false));
  add_output(audio, add_cross(audio, f64, ramp, KR_MODE_NEAREST, false));
  add_output(audio, add_cross(audio, f64, ramp, KR_MODE_LINEAR, true));
  Recording *r = run_all(NULL, ratio(1, 10), 0);
  assert_int_equal(r->n_ticks[0], 4800);
  for (int64_t i = 0; i < 4800; i++) {
    double a = (double)(i % 480) / 480, k = 480.0 * (double)(i / 480);
    assert_true(value_f64(r, 0, i) == (a == 0 ? k : k + a * ((k + 480) - k)));
    assert_true(value_f64(r, 1, i) == k);
    if (i < 480)
      assert_true(value_f64(r, 2, i) == 0);
    else
      assert_true(value_f64(r, 2, i) == value_f64(r, 0, i - 480));
  }
  assert_invariant(ratio(1, 10));
}

static void cubic_follows_a_parabola_and_its_edges(void **state) {
  (void)state;
  uint32_t slow = add_flow("slow", ratio(1, 10), ratio(1, 20), f64);
  graph->flows[slow].n_steps = 6;
  uint32_t fast = add_flow("fast", ratio(1, 80), KR_RATIO_ZERO, f64);
  KrRef ramp = add_ramp(slow, 1);
  add_output(fast, add_cross(fast, f64, add_mul(slow, f64, ramp, ramp), KR_MODE_CUBIC, false));
  add_output(fast, add_cross(fast, f64, ramp, KR_MODE_CUBIC, false));
  Recording *r = run_all(NULL, ratio(1, 1), 0);
  for (int64_t i = 0; i < 80; i++) {
    double p = ((double)i - 4) / 8; // position on slow's clock
    double line = p < 0 ? 0 : p > 5 ? 5 : p;
    assert_true(value_f64(r, 1, i) == line);
    if (p >= 1 && p <= 4) assert_true(value_f64(r, 0, i) == p * p);
    if (p < 0) assert_true(value_f64(r, 0, i) == 0);
    if (p >= 5) assert_true(value_f64(r, 0, i) == 25);
  }
  assert_invariant(ratio(1, 1));
}

static void window_takes_each_tick_once(void **state) {
  (void)state;
  uint32_t audio = add_flow("audio", ratio(1, 48000), KR_RATIO_ZERO, f64);
  uint32_t control = add_flow("control", ratio(1, 100), KR_RATIO_ZERO, f64);
  KrRef ramp = add_ramp(audio, 1);
  add_output(control, add_window(control, f64, ramp, KR_REDUCE_SUM, KR_RATIO_ZERO));
  add_output(control, add_window(control, KR_ELEM_I64, ramp, KR_REDUCE_COUNT, KR_RATIO_ZERO));
  add_output(audio, add_window(audio, f64, ramp, KR_REDUCE_MEAN, ratio(3, 48000)));
  Recording *r = run_all(NULL, ratio(1, 2), 0);
  for (int64_t i = 0; i < 50; i++) {
    double sum = 0;
    for (int64_t k = (i - 1) * 480 + 1; k <= i * 480; k++) sum += k > 0 ? (double)k : 0;
    assert_true(value_f64(r, 0, i) == sum);
    assert_int_equal(value_i64(r, 1, i), i == 0 ? 1 : 480);
  }
  assert_true(value_f64(r, 2, 1) == 0.5);
  for (int64_t i = 2; i < 24000; i++) assert_true(value_f64(r, 2, i) == (double)(i - 1));
  assert_invariant(ratio(1, 10));
}

static void state_read_is_strictly_past(void **state) {
  (void)state;
  uint32_t counter = add_state("counter", KR_ELEM_I64, 0, KR_MERGE_NONE);
  uint32_t control = add_flow("control", ratio(1, 100), KR_RATIO_ZERO, f64);
  uint32_t audio = add_flow("audio", ratio(1, 48000), KR_RATIO_ZERO, f64);
  KrRef old = add_state_read(control, counter);
  add_state_write(control, counter,
                  add_add(control, KR_ELEM_I64, old, add_const(control, KR_ELEM_I64, 1)));
  add_output(control, old);
  add_output(audio, add_state_read(audio, counter));
  Recording *r = run_all(NULL, ratio(1, 10), 0);
  for (int64_t i = 0; i < 10; i++) assert_int_equal(value_i64(r, 0, i), i);
  assert_int_equal(value_i64(r, 1, 0), 0);
  assert_int_equal(value_i64(r, 1, 1), 1);
  assert_int_equal(value_i64(r, 1, 480), 1);
  assert_int_equal(value_i64(r, 1, 481), 2);
  for (int64_t i = 1; i < 4800; i++) assert_int_equal(value_i64(r, 1, i), (i - 1) / 480 + 1);
  assert_invariant(ratio(1, 10));
}

static void slow_reader_finds_its_version(void **state) {
  (void)state;
  uint32_t counter = add_state("counter", KR_ELEM_I64, 0, KR_MERGE_NONE);
  uint32_t fast = add_flow("fast", ratio(1, 1000), KR_RATIO_ZERO, f64);
  uint32_t slow = add_flow("slow", ratio(3, 10), KR_RATIO_ZERO, f64);
  KrRef old = add_state_read(fast, counter);
  add_state_write(fast, counter, add_add(fast, KR_ELEM_I64, old, add_const(fast, KR_ELEM_I64, 1)));
  add_output(slow, add_state_read(slow, counter));
  KrPlanOptions options = {.step = ratio(1, 100)};
  Recording *r = run_all(&options, ratio(3, 1), 0);
  for (int64_t i = 0; i < 10; i++) assert_int_equal(value_i64(r, 0, i), 300 * i);
  assert_invariant(ratio(1, 1));
}

static void two_writers_add_their_increments(void **state) {
  (void)state;
  uint32_t counter = add_state("counter", KR_ELEM_I64, 5, KR_MERGE_SUM);
  KrRef one;
  for (uint32_t i = 0; i < 2; i++) {
    uint32_t flow =
        add_flow(i == 0 ? "a" : "b", i == 0 ? ratio(1, 100) : ratio(1, 50), KR_RATIO_ZERO, f64);
    one = add_const(flow, KR_ELEM_I64, 1);
    KrRef old = add_state_read(flow, counter);
    add_state_write(flow, counter, add_add(flow, KR_ELEM_I64, old, one));
    add_output(flow, old);
  }
  Recording *r = run_all(NULL, ratio(1, 1), 0);
  for (int64_t i = 0; i < 100; i++) assert_int_equal(value_i64(r, 0, i), 5 + i + (i + 1) / 2);
  for (int64_t i = 0; i < 50; i++) assert_int_equal(value_i64(r, 1, i), value_i64(r, 0, 2 * i));
  assert_invariant(ratio(1, 1));
}

static void prev_breaks_a_cycle_inside_a_flow(void **state) {
  (void)state;
  uint32_t flow = add_flow("a", ratio(1, 1000), KR_RATIO_ZERO, f64);
  KrRef prev = add_prev(flow, f64, (KrRef){KR_NONE, 0});
  at(prev)->value.as.f64 = 10;
  KrRef next = add_add(flow, f64, prev, add_ramp(flow, 1));
  at(prev)->in[0] = next;
  add_output(flow, next);
  add_output(flow, add_prev(flow, f64, add_ramp(flow, 3)));
  Recording *r = run_all(NULL, ratio(1, 2), 0);
  for (int64_t i = 0; i < 500; i++) {
    assert_true(value_f64(r, 0, i) == 10 + (double)(i * (i + 1) / 2));
    assert_true(value_f64(r, 1, i) == (i == 0 ? 0 : 3 * (double)(i - 1)));
  }
  assert_invariant(ratio(1, 2));
}

static void prev_breaks_a_cycle_between_flows(void **state) {
  (void)state;
  // a[k] = prev(b)[k] + 1; b[k] = 2 * a[k]
  uint32_t a = add_flow("a", ratio(1, 1000), KR_RATIO_ZERO, f64);
  uint32_t b = add_flow("b", ratio(1, 1000), KR_RATIO_ZERO, f64);
  KrRef read_b = add_source(a, KR_NODE_READ, f64, (KrRef){KR_NONE, 0});
  KrRef x = add_add(a, f64, add_prev(a, f64, read_b), add_const(a, f64, 1));
  KrRef read_a = add_source(b, KR_NODE_READ, f64, x);
  KrRef y = add_mul(b, f64, read_a, add_const(b, f64, 0.5));
  at(read_b)->source = y;
  add_output(a, x);
  add_output(b, y);
  Recording *r = run_all(NULL, ratio(1, 2), 0);
  double truth = 0;
  for (int64_t i = 0; i < 500; i++) {
    double now = truth + 1;
    assert_true(value_f64(r, 0, i) == now);
    truth = now * 0.5;
    assert_true(value_f64(r, 1, i) == truth);
  }
  assert_invariant(ratio(1, 2));
}

static void linear_in_a_cycle_is_a_causality_error(void **state) {
  (void)state;
  uint32_t a = add_flow("a", ratio(1, 100), KR_RATIO_ZERO, f64);
  uint32_t b = add_flow("b", ratio(1, 1000), KR_RATIO_ZERO, f64);
  KrRef cross = add_cross(a, f64, (KrRef){KR_NONE, 0}, KR_MODE_NEAREST, false);
  KrRef x = add_add(a, f64, add_prev(a, f64, cross), add_const(a, f64, 1));
  KrRef y = add_cross(b, f64, x, KR_MODE_LINEAR, false);
  at(cross)->source = y;
  add_output(b, y);
  KrPlan *plan;
  KrGraphError error;
  assert_int_equal(kr_plan_make(&arena, graph, NULL, &plan, &error), KR_ERROR_PROGRAM);
  assert_non_null(strstr(error.message, "linear"));
  assert_non_null(strstr(error.message, "10 ms"));
  assert_non_null(strstr(error.message, "a -> b -> a"));
  assert_non_null(strstr(error.hint, "align=causal"));
  at(y)->causal = true;
  assert_invariant(ratio(1, 2));
}

static void rates_without_common_multiple_agree_for_any_span(void **state) {
  (void)state;
  static const int64_t rates[][2] = {{48000, 1}, {44100, 1}, {30000, 1001},
                                     {100, 1},   {60, 1},    {10000, 107}};
  for (uint32_t i = 0; i < 6; i++)
    for (uint32_t k = 0; k < 6; k++) {
      graph = kr_graph_new(&arena);
      uint32_t a =
          add_flow("a", ratio(rates[i][1], rates[i][0]), ratio((int64_t)random_below(4), 100), f64);
      uint32_t b =
          add_flow("b", ratio(rates[k][1], rates[k][0]), ratio((int64_t)random_below(4), 100), f64);
      KrRef ramp = add_ramp(a, 0.1);
      add_output(b, add_cross(b, f64, ramp, KR_MODE_LINEAR, false));
      add_output(b, add_cross(b, KR_ELEM_F32, ramp, KR_MODE_CUBIC, false));
      if (!is_quick() || (i < 2 && k < 2))
        add_output(b, add_cross(b, f64, ramp, KR_MODE_SINC, false));
      add_output(b, add_window(b, f64, ramp, KR_REDUCE_RMS, KR_RATIO_ZERO));
      assert_invariant(ratio(1, is_quick() ? 50 : 8));
    }
}

static void division_by_zero_names_the_first_tick(void **state) {
  (void)state;
  static const uint32_t spans[] = {0, 1, 7, 64};
  uint32_t slow = add_flow("slow", ratio(1, 100), KR_RATIO_ZERO, f64);
  uint32_t fast = add_flow("fast", ratio(1, 1000), KR_RATIO_ZERO, f64);
  for (uint32_t i = 0; i < 2; i++) {
    uint32_t flow = i == 0 ? slow : fast;
    KrRef step = add_node(flow, KR_NODE_STEP, KR_ELEM_I64, 0, NULL);
    KrRef rest =
        add_add(flow, KR_ELEM_I64, step, add_const(flow, KR_ELEM_I64, i == 0 ? -50 : -495));
    KrRef one = add_const(flow, KR_ELEM_I64, 1);
    add_output(flow, add_op(flow, "idiv", KR_ELEM_I64, 2, (KrRef[]){one, rest}));
  }
  for (uint32_t i = 0; i < 4; i++) {
    KrPlanOptions options = {.span_ticks = spans[i], .step = ratio(1, 4)};
    KrPlan *plan = make_plan(&options);
    KrRun *run = make_run(plan);
    KrStatus status = KR_OK;
    KrRatio time = KR_RATIO_ZERO;
    while (status == KR_OK) {
      assert_int_equal(kr_ratio_add(time, ratio(1, i == 2 ? 4 : 97), &time), KR_OK);
      status = kr_run_to(run, time);
    }
    assert_int_equal(status, KR_ERROR_RUN);
    assert_int_equal(kr_run_fault(run)->flow, fast);
    assert_int_equal(kr_run_fault(run)->tick, 495);
    assert_int_equal(kr_run_ticks(run, slow), 50);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_graph, close_graph)
      TEST(constant_reaches_the_output),
      TEST(linear_is_exact_on_a_ramp),
      TEST(cubic_follows_a_parabola_and_its_edges),
      TEST(window_takes_each_tick_once),
      TEST(state_read_is_strictly_past),
      TEST(slow_reader_finds_its_version),
      TEST(two_writers_add_their_increments),
      TEST(prev_breaks_a_cycle_inside_a_flow),
      TEST(prev_breaks_a_cycle_between_flows),
      TEST(linear_in_a_cycle_is_a_causality_error),
      TEST(rates_without_common_multiple_agree_for_any_span),
      TEST(division_by_zero_names_the_first_tick),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

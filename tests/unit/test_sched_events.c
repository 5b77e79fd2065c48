// Events through a run: ticks they reach, functions, emitted and pushed ones; substeps, finite and
// second-unit flows; printed plans.
#include "sched_graph.h"

static const KrElem f64 = KR_ELEM_F64;

static uint32_t add_events(KrEvents events, uint32_t n_sources, const uint32_t *sources) {
  KrEventField field = {kr_text_from("v"), false, f64};
  events.name = kr_text_from(kr_text_print(&arena, "events%u", graph->n_events));
  events.fields = kr_arena_copy(&arena, &field, sizeof field);
  events.n_fields = 1;
  events.sources = kr_arena_copy(&arena, sources, n_sources * sizeof *sources);
  events.n_sources = n_sources;
  if (events.period.den == 0) events.period = KR_RATIO_ZERO;
  KR_PUSH(&arena, graph->events, graph->n_events, graph->cap_events, events);
  return graph->n_events - 1;
}

static KrEventItem item_at(KrRatio time, int64_t value) {
  KrEventValue v = {true, true, kr_ratio_of(value), (double)value};
  return (KrEventItem){
      .time = time, .dur = KR_RATIO_ZERO, .values = kr_arena_copy(&arena, &v, sizeof v)};
}

static KrRef add_signal(uint32_t flow, uint32_t events, KrSignalMode mode) {
  KrRef ref = add_node(flow, KR_NODE_SIGNAL, f64, 0, NULL);
  at(ref)->events = events;
  at(ref)->signal = mode;
  at(ref)->field = mode == KR_SIGNAL_HOLD ? 0 : KR_NONE;
  return ref;
}

static uint32_t add_event_output(uint32_t flow, uint32_t events) {
  KrOutput output = {.flow = flow, .kind = KR_OUTPUT_EVENTS, .events = events};
  KR_PUSH(&arena, graph->outputs, graph->n_outputs, graph->cap_outputs, output);
  return graph->n_outputs - 1;
}

static void known_events_reach_their_tick(void **state) {
  (void)state;
  KrEventItem item = item_at(ratio(1, 100), 7);
  uint32_t every = add_events(
      (KrEvents){.kind = KR_EVENTS_EVERY, .items = &item, .n_items = 1, .period = ratio(1, 2)}, 0,
      NULL);
  uint32_t audio = add_flow("audio", ratio(1, 48000), KR_RATIO_ZERO, f64);
  uint32_t film = add_flow("film", ratio(1001, 30000), KR_RATIO_ZERO, f64);
  add_output(audio, add_signal(audio, every, KR_SIGNAL_IMPULSE));
  add_output(film, add_signal(film, every, KR_SIGNAL_IMPULSE));
  Recording *r = run_all(NULL, ratio(2, 1), 0);
  for (int64_t i = 0; i < r->n_ticks[0]; i++) assert_true(value_f64(r, 0, i) == (i % 24000 == 480));
  for (int64_t i = 0; i < 30; i++) assert_true(value_f64(r, 1, i) == (i == 0 || i == 15));
  assert_invariant(ratio(1, 4));
}

// A site looks 2^22 ticks ahead; what is due just after that is not lost.
static void known_events_far_ahead_reach_their_tick(void **state) {
  (void)state;
  const int64_t far = 1 << 22, ticks[] = {far + 65, far + 66, far + 129, far + 4096};
  enum { N = sizeof ticks / sizeof *ticks };
  KrEventItem items[N];
  for (int64_t i = 0; i < N; i++) items[i] = item_at(ratio(3 * ticks[i] + i % 3, 144000), i + 1);
  uint32_t list =
      add_events((KrEvents){.kind = KR_EVENTS_LIST, .items = items, .n_items = N}, 0, NULL);
  uint32_t audio = add_flow("audio", ratio(1, 48000), KR_RATIO_ZERO, f64);
  add_output(audio, add_signal(audio, list, KR_SIGNAL_HOLD));
  Recording *r = run_all(NULL, ratio(far + 8192, 48000), 0);
  assert_int_equal(r->n_ticks[0], far + 8192);
  for (int64_t i = 0, n = 0; i < r->n_ticks[0]; i++) {
    while (n < N && ticks[n] <= i) n++;
    if (value_f64(r, 0, i) != (double)n) fail_msg("tick %lld", (long long)i);
  }
}

// map v -> v * 2 + time, filter v < 5 before it.
static uint32_t add_function(uint32_t list, bool is_filter) {
  uint32_t source[1] = {list};
  KrNode constant = {.kind = KR_NODE_CONST,
                     .flow = KR_NONE,
                     .type = KR_TYPE_SCALAR(KR_ELEM_F64),
                     .elem = KR_ELEM_F64,
                     .n_out = 1};
  constant.value.elem = KR_ELEM_F64;
  uint32_t param[2];
  for (uint32_t i = 0; i < 2; i++) param[i] = kr_graph_add_node(graph, &constant);
  constant.value.as.f64 = is_filter ? 5 : 2;
  KrRef number = {kr_graph_add_node(graph, &constant), 0};
  KrRef v = {param[0], 0}, time = {param[1], 0};
  uint32_t flow = KR_NONE;
  KrNode node = constant;
  node.kind = KR_NODE_OP;
  node.op = kr_registry_find(kr_text_from(is_filter ? "lt" : "mul"), 0);
  node.port = kr_arena_array(&arena, 2, sizeof *node.port);
  node.in = kr_arena_copy(&arena, (KrRef[]){v, number}, 2 * sizeof v);
  node.n_in = 2;
  if (is_filter) node.type.elem = KR_ELEM_BOOL;
  uint32_t nodes[2] = {kr_graph_add_node(graph, &node), 0}, n = 1;
  if (!is_filter) {
    KrRef product = {nodes[0], 0};
    node.op = kr_registry_find(kr_text_from("add"), 0);
    node.in = kr_arena_copy(&arena, (KrRef[]){product, time}, 2 * sizeof v);
    nodes[n++] = kr_graph_add_node(graph, &node);
  }
  (void)flow;
  KrRef result = {nodes[n - 1], 0};
  KrEvents events = {.kind = is_filter ? KR_EVENTS_FILTER : KR_EVENTS_MAP};
  events.param = kr_arena_copy(&arena, param, sizeof param);
  events.n_param = 2;
  events.result = kr_arena_copy(&arena, &result, sizeof result);
  events.nodes = kr_arena_copy(&arena, nodes, n * sizeof *nodes);
  events.n_nodes = n;
  return add_events(events, 1, source);
}

static void functions_map_and_filter(void **state) {
  (void)state;
  KrEventItem items[10];
  for (uint32_t i = 0; i < 10; i++) items[i] = item_at(ratio(i, 4), 9 - (int64_t)i);
  uint32_t list =
      add_events((KrEvents){.kind = KR_EVENTS_LIST, .items = items, .n_items = 10}, 0, NULL);
  uint32_t mapped = add_function(add_function(list, true), false);
  uint32_t flow = add_flow("a", ratio(1, 100), KR_RATIO_ZERO, f64);
  add_output(flow, add_signal(flow, mapped, KR_SIGNAL_HOLD));
  Recording *r = run_all(NULL, ratio(3, 1), 0);
  for (int64_t i = 0; i < 300; i++) {
    int64_t k = i / 25 > 9 ? 9 : i / 25;
    double now = k < 5 ? 0 : 2 * (double)(9 - k) + (double)k / 4;
    assert_true(value_f64(r, 0, i) == now);
  }
  uint32_t output = add_event_output(flow, mapped);
  KrPlan *plan = make_plan(NULL);
  KrRun *run = make_run(plan);
  KrRunEvent event;
  run_parts(run, plan, ratio(3, 2), 0, NULL);
  assert_true(kr_run_event(run, output, &event));
  assert_int_equal(kr_ratio_compare(event.time, ratio(5, 4)), 0);
  assert_true(event.values[0].value == 8 + 1.25);
  assert_false(kr_run_event(run, output, &event));
}

// The emitter ticks 10 times a second, emits its step at every third tick.
static void emitted_events_reach_the_first_tick_not_before_them(void **state) {
  (void)state;
  uint32_t hearer = add_flow("hearer", ratio(1, 70), KR_RATIO_ZERO, f64);
  uint32_t emitter = add_flow("emitter", ratio(1, 10), KR_RATIO_ZERO, f64);
  uint32_t events = add_events((KrEvents){.kind = KR_EVENTS_SIGNAL}, 0, NULL);
  uint32_t later =
      add_events((KrEvents){.kind = KR_EVENTS_DELAY, .period = ratio(2, 3)}, 1, &events);
  KrRef step = add_node(emitter, KR_NODE_STEP, f64, 0, NULL);
  KrRef rest = add_op(emitter, "mod", f64, 2, (KrRef[]){step, add_const(emitter, f64, 3)});
  KrRef now = add_op(emitter, "lt", f64, 2, (KrRef[]){rest, add_const(emitter, f64, 0.5)});
  at(add_node(emitter, KR_NODE_EMIT, f64, 2, (KrRef[]){now, step}))->events = events;
  add_output(hearer, add_signal(hearer, events, KR_SIGNAL_IMPULSE));
  add_output(hearer, add_signal(hearer, later, KR_SIGNAL_IMPULSE));
  uint32_t output = add_event_output(emitter, events);
  KrPlan *plan = make_plan(NULL);
  KrRun *run = make_run(plan);
  Recording *r = new_recording();
  KrRunEvent event;
  int64_t n = 0;
  for (int64_t part = 1; part <= 60; part++) {
    assert_int_equal(kr_run_to(run, ratio(part, 10)), KR_OK);
    for (uint32_t o = 0; o < 2; o++)
      while (r->n_ticks[o] < kr_run_ticks(run, hearer)) {
        uint32_t got;
        const void *from = kr_run_output(run, o, 0, r->n_ticks[o], 1000, &got);
        assert_non_null(from);
        kr_buffer_put(&r->out[o], from, got * sizeof(double));
        r->n_ticks[o] += got;
      }
    while (kr_run_event(run, output, &event)) {
      assert_int_equal(kr_ratio_compare(event.time, ratio(3 * n, 10)), 0);
      assert_true(event.values[0].value == 3 * (double)n);
      n++;
    }
  }
  assert_int_equal(n, 20);
  for (int64_t i = 0; i < r->n_ticks[0]; i++) {
    // event m at 0.3 m: first tick not before it is 21 m; delayed by 2/3: ceil(70 (0.3 m + 2/3))
    bool is_late = false;
    for (int64_t m = 0; m < 20; m++) is_late |= (63 * m + 140 + 2) / 3 == i;
    assert_true(value_f64(r, 0, i) == (i % 21 == 0));
    assert_true(value_f64(r, 1, i) == is_late);
  }
}

static void pushed_events_are_heard_and_late_ones_refused(void **state) {
  (void)state;
  uint32_t flow = add_flow("a", ratio(1, 100), KR_RATIO_ZERO, f64);
  uint32_t events = add_events((KrEvents){.kind = KR_EVENTS_SIGNAL}, 0, NULL);
  add_output(flow, add_signal(flow, events, KR_SIGNAL_HOLD));
  KrPlan *plan = make_plan(NULL);
  KrRun *run = make_run(plan);
  KrEventItem item = item_at(ratio(1, 2), 3);
  assert_int_equal(kr_run_to(run, ratio(1, 4)), KR_OK);
  KrEventItem early = item_at(ratio(1, 5), 4);
  assert_int_equal(kr_run_push(run, events, &early), KR_ERROR_ARGUMENT);
  assert_int_equal(kr_run_push(run, events, &item), KR_OK);
  Recording *r = new_recording();
  run_parts(run, plan, ratio(1, 1), 0, r);
  for (int64_t i = 0; i < 100; i++) assert_true(value_f64(r, 0, i) == (i < 50 ? 0 : 3));
}

static void substeps_see_their_own_writes(void **state) {
  (void)state;
  uint32_t x = add_state("x", f64, 0, KR_MERGE_NONE);
  uint32_t sim = add_flow("sim", ratio(1, 50), KR_RATIO_ZERO, f64);
  graph->flows[sim].substeps = 4;
  KrRef read = add_state_read(sim, x);
  KrRef next = add_add(sim, f64, read, add_const(sim, f64, 1));
  add_state_write(sim, x, next);
  add_output(sim, next);
  KrRef step = add_node(sim, KR_NODE_STEP, f64, 0, NULL);
  add_output(sim, add_prev(sim, f64, next));
  add_output(sim, step);
  uint32_t other = add_flow("other", ratio(1, 100), KR_RATIO_ZERO, f64);
  add_output(other, add_state_read(other, x));
  Recording *r = run_all(NULL, ratio(1, 1), 0);
  for (int64_t i = 0; i < 50; i++) {
    assert_true(value_f64(r, 0, i) == 4 * (double)(i + 1));
    assert_true(value_f64(r, 1, i) == 4 * (double)(i + 1) - 1);
    assert_true(value_f64(r, 2, i) == (double)i);
  }
  for (int64_t i = 1; i < 100; i++) assert_true(value_f64(r, 3, i) == 4 * (double)((i + 1) / 2));
  assert_invariant(ratio(1, 2));
}

static void history_starts_with_zeros(void **state) {
  (void)state;
  uint32_t a = add_flow("a", ratio(1, 300), KR_RATIO_ZERO, f64);
  uint32_t b = add_flow("b", ratio(1, 100), KR_RATIO_ZERO, f64);
  KrRef step = add_node(a, KR_NODE_STEP, f64, 0, NULL);
  KrRef history = add_source(b, KR_NODE_HISTORY, f64, step);
  at(history)->type = (KrType){f64, KR_SHAPE_VECTOR, {5, 1, 1}};
  add_output(b, history);
  Recording *r = run_all(NULL, ratio(1, 1), 0);
  for (int64_t i = 0; i < 100; i++)
    for (int64_t k = 0; k < 5; k++) {
      int64_t tick = 3 * i - 4 + k;
      assert_true(value_f64(r, 0, 0) == 0);
      double x;
      memcpy(&x, r->out[0].at + (size_t)(i * 5 + k) * sizeof x, sizeof x);
      assert_true(x == (tick < 0 ? 0 : (double)tick));
    }
  assert_invariant(ratio(1, 2));
}

static void printed_plan_names_rates_and_leads(void **state) {
  (void)state;
  uint32_t control = add_flow("control", ratio(1, 100), KR_RATIO_ZERO, f64);
  uint32_t audio = add_flow("audio", ratio(1, 48000), KR_RATIO_ZERO, f64);
  add_flow("film", ratio(1, 60), KR_RATIO_ZERO, f64);
  KrRef step = add_node(control, KR_NODE_STEP, f64, 0, NULL);
  add_output(audio, add_cross(audio, f64, step, KR_MODE_CUBIC, false));
  KrBuffer text;
  kr_buffer_init(&text, &arena);
  KrPlan *plan = make_plan(NULL);
  kr_plan_print(plan, &text);
  assert_non_null(strstr(text.at, "48000 Hz"));
  assert_non_null(strstr(text.at, "1/20 s"));
  assert_non_null(strstr(text.at, "2400"));
  assert_non_null(strstr(text.at, "20 ms"));
  assert_int_equal(kr_ratio_compare(kr_plan_lead(plan, control), ratio(1, 50)), 0);
  if (getenv("SHOW") != NULL) print_message("%s\n", text.at);
  kr_buffer_init(&text, &arena);
  kr_plan_print_json(plan, &text);
  assert_non_null(strstr(text.at, "\"lead_s\": \"1/50\""));
  kr_buffer_init(&text, &arena);
  kr_plan_print_dot(plan, &text);
  assert_non_null(strstr(text.at, "f0 -> f1 [label=\"cubic\"]"));
}

static void clashing_rates_are_named(void **state) {
  (void)state;
  add_flow("fine", ratio(1, 48000), KR_RATIO_ZERO, f64);
  add_flow("odd", ratio(1000003, 999999937), KR_RATIO_ZERO, f64);
  add_flow("odder", ratio(1000033, 999999929), KR_RATIO_ZERO, f64);
  KrPlan *plan;
  KrGraphError error;
  assert_int_equal(kr_plan_make(&arena, graph, NULL, &plan, &error), KR_ERROR_PROGRAM);
  assert_non_null(strstr(error.message, "no common grid"));
  assert_non_null(error.hint);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_graph, close_graph)
      TEST(known_events_reach_their_tick),
      TEST(known_events_far_ahead_reach_their_tick),
      TEST(functions_map_and_filter),
      TEST(emitted_events_reach_the_first_tick_not_before_them),
      TEST(pushed_events_are_heard_and_late_ones_refused),
      TEST(substeps_see_their_own_writes),
      TEST(history_starts_with_zeros),
      TEST(printed_plan_names_rates_and_leads),
      TEST(clashing_rates_are_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

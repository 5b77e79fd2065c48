// Snapshots and hot swaps: the same bytes for the same moment, and no trace in what follows.
#include "sched_graph.h"

static const KrElem f64 = KR_ELEM_F64;

static uint32_t add_events(KrEvents events) {
  events.name = kr_text_from(kr_text_print(&arena, "events%u", graph->n_events));
  KR_PUSH(&arena, graph->events, graph->n_events, graph->cap_events, events);
  return graph->n_events - 1;
}

static KrEventField *one_field(void) {
  KrEventField *field = kr_arena_alloc(&arena, sizeof *field);
  *field = (KrEventField){kr_text_from("freq"), false, f64};
  return field;
}

static KrEventValue *one_value(KrRatio value) {
  KrEventValue *at_value = kr_arena_alloc(&arena, sizeof *at_value);
  *at_value = (KrEventValue){true, true, value, (double)value.num / (double)value.den};
  return at_value;
}

static uint32_t add_list(uint32_t n) {
  KrEventItem *items = kr_arena_array(&arena, n, sizeof *items);
  for (uint32_t i = 0; i < n; i++)
    items[i] = (KrEventItem){.time = ratio(17 * i + 3, 1000),
                             .has_dur = i % 3 != 0,
                             .dur = ratio(11, 1000),
                             .values = one_value(ratio(100 + i, 1))};
  return add_events((KrEvents){.kind = KR_EVENTS_LIST,
                               .fields = one_field(),
                               .n_fields = 1,
                               .items = items,
                               .n_items = n,
                               .period = KR_RATIO_ZERO});
}

static KrRef add_signal(uint32_t flow, uint32_t events, KrSignalMode mode) {
  KrRef ref = add_node(flow, KR_NODE_SIGNAL, f64, 0, NULL);
  at(ref)->events = events;
  at(ref)->signal = mode;
  at(ref)->field = mode == KR_SIGNAL_HOLD ? 0 : KR_NONE;
  at(ref)->n_out = mode == KR_SIGNAL_GATE ? 4 : 1;
  return ref;
}

static KrRef add_time(uint32_t flow) { return add_node(flow, KR_NODE_TIME, f64, 0, NULL); }

// A bit of everything: events, operators with rings and state, crossings of every mode, windows,
// shared and local states, cycles, leads.
static void build_piece(void) {
  uint32_t list = add_list(100);
  uint32_t audio = add_flow("audio", ratio(1, 8000), KR_RATIO_ZERO, f64);
  uint32_t control = add_flow("control", ratio(1, 100), ratio(1, 300), f64);
  uint32_t visual = add_flow("visual", ratio(1001, 30000), KR_RATIO_ZERO, f64);
  uint32_t shared = add_state("shared", f64, 0.5, KR_MERGE_NONE);
  uint32_t merged = add_state("merged", KR_ELEM_I64, 0, KR_MERGE_SUM);
  // control: an oscillator, a counter, what it sees of audio
  uint32_t slow = add_flow("slow", ratio(1, 90), ratio(1, 700), f64);
  KrRef lfo =
      add_op(slow, "sine", f64, 2, (KrRef[]){add_const(slow, f64, 3), add_const(slow, f64, 0)});
  KrRef seen = add_window(control, f64, (KrRef){KR_NONE, 0}, KR_REDUCE_RMS, KR_RATIO_ZERO);
  KrRef before = add_mul(control, f64, add_prev(control, f64, seen), add_const(control, f64, 0.1));
  add_state_write(
      control, shared,
      add_add(control, f64, before, add_cross(control, f64, lfo, KR_MODE_LINEAR, false)));
  add_state_write(control, merged,
                  add_add(control, KR_ELEM_I64, add_state_read(control, merged),
                          add_const(control, KR_ELEM_I64, 1)));
  // audio
  KrRef gate = add_signal(audio, list, KR_SIGNAL_GATE);
  KrRef env_in[9] = {gate, {gate.node, 1}, {gate.node, 2}, {gate.node, 3}};
  const double times[5] = {0.005, 0.01, 0.5, 0.02, 0};
  for (uint32_t i = 0; i < 5; i++) env_in[4 + i] = add_const(audio, f64, times[i]);
  KrRef env = add_op(audio, "adsr", f64, 9, env_in);
  KrRef freq = add_add(audio, f64, add_signal(audio, list, KR_SIGNAL_HOLD),
                       add_cross(audio, f64, lfo, KR_MODE_CUBIC, false));
  KrRef tone = add_op(audio, "sine", f64, 2, (KrRef[]){freq, add_const(audio, f64, 0)});
  KrRef voice = add_mul(audio, f64, tone, env);
  KrRef delay_in[4] = {voice, add_const(audio, f64, 0.013), add_const(audio, f64, 0.5),
                       add_const(audio, f64, 1)};
  KrRef echo = add_op(audio, "delay", f64, 4, delay_in);
  KrRef loop = add_prev(audio, f64, (KrRef){KR_NONE, 0});
  KrRef sum_in[5] = {voice, echo, add_state_read(audio, shared),
                     add_signal(audio, list, KR_SIGNAL_SINC),
                     add_mul(audio, f64, loop, add_const(audio, f64, 0.25))};
  KrRef sum = add_node(audio, KR_NODE_SUM, f64, 5, sum_in);
  at(loop)->in[0] = sum;
  at(seen)->source = sum;
  // visual: emits events that audio's neighbour hears
  uint32_t emitted = add_events((KrEvents){
      .kind = KR_EVENTS_SIGNAL, .fields = one_field(), .n_fields = 1, .period = KR_RATIO_ZERO});
  uint32_t delayed = add_events((KrEvents){.kind = KR_EVENTS_DELAY,
                                           .fields = one_field(),
                                           .n_fields = 1,
                                           .period = ratio(71, 1000),
                                           .n_sources = 1,
                                           .sources = kr_arena_copy(&arena, &emitted, 4)});
  KrRef level = add_window(visual, f64, sum, KR_REDUCE_PEAK, KR_RATIO_ZERO);
  KrRef past = add_cross(visual, f64, lfo, KR_MODE_SINC, false);
  KrRef loud = add_op(visual, "gt", f64, 2, (KrRef[]){level, past});
  KrRef emit_in[2] = {loud, level};
  at(add_node(visual, KR_NODE_EMIT, f64, 2, emit_in))->events = emitted;
  add_state_write(visual, merged,
                  add_add(visual, KR_ELEM_I64, add_state_read(visual, merged),
                          add_const(visual, KR_ELEM_I64, 10)));
  uint32_t hearer = add_flow("hearer", ratio(1, 700), KR_RATIO_ZERO, f64);
  add_output(audio, sum);
  add_output(control, add_state_read(control, merged));
  add_output(visual, add_add(visual, f64, level, add_time(visual)));
  add_output(hearer, add_signal(hearer, emitted, KR_SIGNAL_HOLD));
  add_output(hearer, add_signal(hearer, delayed, KR_SIGNAL_IMPULSE));
  add_output(hearer, add_cross(hearer, f64, sum, KR_MODE_LINEAR, false));
  add_output(hearer, add_window(hearer, f64, add_cross(hearer, f64, lfo, KR_MODE_NEAREST, false),
                                KR_REDUCE_MEAN, ratio(1, 30)));
}

static void piece_does_not_depend_on_span(void **state) {
  (void)state;
  build_piece();
  assert_invariant(ratio(2, 5));
  Recording *r = run_all(NULL, ratio(2, 1), 0);
  double most = 0;
  int64_t n_events = 0;
  for (int64_t i = 0; i < r->n_ticks[0]; i++)
    most = value_f64(r, 0, i) > most ? value_f64(r, 0, i) : most;
  for (int64_t i = 0; i < r->n_ticks[4]; i++) n_events += value_f64(r, 4, i) > 0;
  assert_true(most > 0.5 && most < 10);
  assert_true(n_events > 5);
}

static KrRatio random_instant(void) { return ratio((int64_t)random_below(9000), 10007); }

static KrPlanOptions random_options(void) {
  static const uint32_t spans[] = {0, 1, 7, 64, 480};
  return (KrPlanOptions){.span_ticks = spans[random_below(5)],
                         .step = ratio(1 + (int64_t)random_below(50), 500)};
}

static void snapshot_is_the_same_from_any_run_and_continues(void **state) {
  (void)state;
  build_piece();
  KrRatio end = ratio(1, 1);
  Recording *truth = run_all(NULL, end, 0);
  for (uint32_t round = 0; round < (is_quick() ? 5 : 40); round++) {
    KrRatio instant = random_instant();
    KrBuffer bytes[3];
    Recording *parts[2] = {new_recording(), new_recording()};
    for (uint32_t i = 0; i < 2; i++) {
      KrPlanOptions options = random_options();
      KrPlan *plan = make_plan(&options);
      KrRun *run = make_run(plan);
      run_parts(run, plan, instant, 0, parts[i]);
      if (instant.num == 0) assert_int_equal(kr_run_to(run, instant), KR_OK);
      kr_buffer_init(&bytes[i], &arena);
      assert_int_equal(kr_run_save(run, &bytes[i]), KR_OK);
    }
    assert_int_equal(bytes[0].n, bytes[1].n);
    assert_memory_equal(bytes[0].at, bytes[1].at, bytes[0].n);
    KrPlanOptions options = random_options();
    KrPlan *plan = make_plan(&options);
    KrRun *run = make_run(plan);
    const char *error;
    assert_int_equal(kr_run_restore(run, (const uint8_t *)bytes[0].at, bytes[0].n, &error), KR_OK);
    kr_buffer_init(&bytes[2], &arena);
    assert_int_equal(kr_run_save(run, &bytes[2]), KR_OK);
    assert_int_equal(bytes[0].n, bytes[2].n);
    assert_memory_equal(bytes[0].at, bytes[2].at, bytes[0].n);
    run_parts(run, plan, end, 0, parts[0]);
    for (uint32_t o = 0; o < graph->n_outputs; o++) {
      assert_int_equal(parts[0]->n_ticks[o], truth->n_ticks[o]);
      assert_memory_equal(parts[0]->out[o].at, truth->out[o].at, truth->out[o].n);
    }
  }
}

static void damaged_snapshot_is_refused(void **state) {
  (void)state;
  build_piece();
  KrPlan *plan = make_plan(NULL);
  KrRun *run = make_run(plan);
  run_parts(run, plan, ratio(1, 3), 0, NULL);
  KrBuffer bytes;
  kr_buffer_init(&bytes, &arena);
  assert_int_equal(kr_run_save(run, &bytes), KR_OK);
  KrRatio time;
  assert_int_equal(kr_snapshot_time((const uint8_t *)bytes.at, bytes.n, &time), KR_OK);
  assert_int_equal(time.den, 3);
  const char *error;
  for (uint32_t i = 0; i < 300; i++) {
    size_t where = i < 100 ? i : random_below(bytes.n);
    bytes.at[where] = (char)(bytes.at[where] ^ (1 << random_below(8)));
    char was = bytes.at[where];
    KrRun *fresh = i < 20 ? make_run(plan) : run;
    KrStatus status = kr_run_restore(fresh, (const uint8_t *)bytes.at, bytes.n, &error);
    assert_int_equal(status, KR_ERROR_FORMAT);
    assert_non_null(error);
    bytes.at[where] = was;
    kr_buffer_init(&bytes, &arena);
    assert_int_equal(kr_run_save(run, &bytes), KR_OK);
    if (i < 100) continue;
    assert_int_equal(kr_run_restore(run, (const uint8_t *)bytes.at, random_below(bytes.n), &error),
                     KR_ERROR_FORMAT);
  }
  at(graph->outputs[0].refs[0])->path = kr_text_from("renamed");
  graph->seed = 99;
  KrRun *other = make_run(make_plan(NULL));
  assert_int_equal(kr_run_restore(other, (const uint8_t *)bytes.at, bytes.n, &error),
                   KR_ERROR_MISMATCH);
}

static void swap_to_the_same_program_changes_nothing(void **state) {
  (void)state;
  build_piece();
  KrRatio end = ratio(1, 1);
  Recording *truth = run_all(NULL, end, 0);
  for (uint32_t round = 0; round < (is_quick() ? 4 : 20); round++) {
    KrPlanOptions options = random_options();
    KrPlan *plan = make_plan(&options), *next_plan = make_plan(NULL);
    KrRun *run = make_run(plan), *next = make_run(next_plan);
    Recording *recording = new_recording();
    KrRatio instant = ratio((int64_t)random_below(9000), 10007);
    assert_int_equal(kr_run_announce(run, instant), KR_OK);
    run_parts(run, plan, instant, 0, recording);
    assert_int_equal(kr_run_swap(next, run), KR_OK);
    record(next, recording);
    KrBuffer a, b;
    kr_buffer_init(&a, &arena);
    kr_buffer_init(&b, &arena);
    if (instant.num == 0) continue;
    assert_int_equal(kr_run_save(run, &a), KR_OK);
    assert_int_equal(kr_run_save(next, &b), KR_OK);
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.at, b.at, a.n);
    run_parts(next, next_plan, end, 0, recording);
    for (uint32_t o = 0; o < graph->n_outputs; o++) {
      assert_int_equal(recording->n_ticks[o], truth->n_ticks[o]);
      assert_memory_equal(recording->out[o].at, truth->out[o].at, truth->out[o].n);
    }
  }
}

static void swap_keeps_state_and_takes_new_constants(void **state) {
  (void)state;
  KrRun *old = NULL;
  for (uint32_t i = 0; i < 2; i++) {
    graph = kr_graph_new(&arena);
    uint32_t x = add_state("x", f64, 0, KR_MERGE_NONE);
    uint32_t flow = add_flow("a", ratio(1, 100), KR_RATIO_ZERO, f64);
    KrRef read = add_state_read(flow, x);
    add_state_write(flow, x, add_add(flow, f64, read, add_const(flow, f64, i == 0 ? 1 : 10)));
    add_output(flow, read);
    KrRun *run = make_run(make_plan(NULL));
    if (i == 0) {
      assert_int_equal(kr_run_to(run, ratio(1, 2)), KR_OK);
      old = run;
      continue;
    }
    assert_int_equal(kr_run_swap(run, old), KR_OK);
    assert_int_equal(kr_run_to(run, ratio(6, 10)), KR_OK);
    uint32_t n;
    for (int64_t tick = 50; tick < 60; tick++) {
      const double *value = kr_run_output(run, 0, 0, tick, 1, &n);
      assert_non_null(value);
      assert_true(*value == 50 + 10 * (double)(tick - 50));
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_graph, close_graph)
      TEST(piece_does_not_depend_on_span),
      TEST(snapshot_is_the_same_from_any_run_and_continues),
      TEST(damaged_snapshot_is_refused),
      TEST(swap_to_the_same_program_changes_nothing),
      TEST(swap_keeps_state_and_takes_new_constants),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

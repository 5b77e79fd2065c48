/// Builds graphs by hand for tests of the scheduler and runs them.
#ifndef TEST_SCHED_GRAPH_H
#define TEST_SCHED_GRAPH_H
#include "sched/sched.h"
#include <cmocka.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// `./check quick`: fewer of what is drawn at random.
static inline bool is_quick(void) {
  const char *mode = getenv("KAIRO_MODE");
  return mode != NULL && strcmp(mode, "quick") == 0;
}
static KrArena arena;
static KrGraph *graph;

static inline int open_graph(void **state) {
  (void)state;
  kr_arena_init(&arena, NULL);
  graph = kr_graph_new(&arena);
  graph->seed = 1;
  return 0;
}
static inline int close_graph(void **state) {
  (void)state;
  kr_arena_deinit(&arena);
  return 0;
}

static inline KrRatio ratio(int64_t num, int64_t den) {
  KrRatio r;
  assert_int_equal(kr_ratio_make(num, den, &r), KR_OK);
  return r;
}

static inline uint32_t add_flow(const char *name, KrRatio dt, KrRatio phase, KrElem real) {
  KrFlow flow = {.name = kr_text_from(name),
                 .cls = KR_CLASS_SIM,
                 .clock = {dt, phase},
                 .real = real,
                 .substeps = 1,
                 .n_steps = -1};
  KR_PUSH(&arena, graph->flows, graph->n_flows, graph->cap_flows, flow);
  return graph->n_flows - 1;
}

static inline KrRef add_node(uint32_t flow, KrNodeKind kind, KrElem elem, uint32_t n_in,
                             const KrRef *in) {
  KrNode node = {
      .kind = kind, .flow = flow, .type = KR_TYPE_SCALAR(elem), .elem = elem, .n_out = 1};
  node.in = kr_arena_copy(&arena, in, n_in * sizeof *in);
  node.n_in = n_in;
  node.path =
      kr_text_from(kr_text_print(&arena, "%t/n%u", graph->flows[flow].name, graph->n_nodes));
  node.source.node = KR_NONE;
  node.value = (KrConst){.elem = elem};
  if (kind == KR_NODE_STATE_WRITE || kind == KR_NODE_EMIT) node.n_out = 0;
  return (KrRef){kr_graph_add_node(graph, &node), 0};
}
static inline KrNode *at(KrRef ref) { return &graph->nodes[ref.node]; }

static inline KrRef add_const(uint32_t flow, KrElem elem, double value) {
  KrRef ref = add_node(flow, KR_NODE_CONST, elem, 0, NULL);
  KrConst *c = &at(ref)->value;
  switch (elem) {
  case KR_ELEM_BOOL: c->as.b = value != 0; break;
  case KR_ELEM_I64: c->as.i64 = (int64_t)value; break;
  case KR_ELEM_F32: c->as.f32 = (float)value; break;
  default: c->as.f64 = value; break;
  }
  return ref;
}

static inline KrRef add_op(uint32_t flow, const char *name, KrElem elem, uint32_t n_in,
                           const KrRef *in) {
  const KrOp *op = kr_registry_find(kr_text_from(name), 0);
  assert_non_null(op);
  KrRef ref = add_node(flow, KR_NODE_OP, elem, n_in, in);
  KrNode *node = at(ref);
  node->op = op;
  node->n_out = kr_op_outs(op);
  if (op->flags & KR_OP_INTEGER_RESULT_BOOL) node->type.elem = KR_ELEM_BOOL;
  uint32_t n_ports = kr_op_ports(op), k = 0;
  node->port = kr_arena_array(&arena, n_ports, sizeof *node->port);
  for (uint32_t i = 0; i < n_ports; i++) {
    KrPortValue *port = &node->port[i];
    uint32_t n = kr_op_inputs(op, i);
    *port =
        (KrPortValue){.kind = op->in[i].kind == KR_PORT_CHOICE ? KR_VALUE_CHOICE : KR_VALUE_CONST,
                      .exact = true,
                      .ratio = KR_RATIO_ONE,
                      .value = 1};
    if (n == 0 || k >= n_in) continue;
    port->kind = KR_VALUE_STREAM;
    port->type = kr_graph_type(graph, in[k]);
    if (at(in[k])->kind == KR_NODE_CONST) {
      port->kind = KR_VALUE_CONST;
      port->value = elem == KR_ELEM_F32 ? (double)at(in[k])->value.as.f32 : at(in[k])->value.as.f64;
      port->exact = port->value > -1e15 && port->value < 1e15; // no NaN, no infinity
      double scaled = port->exact ? port->value * 1000 : 0;
      port->ratio = ratio((int64_t)(scaled + (scaled < 0 ? -0.5 : 0.5)), 1000);
    }
    k += n;
  }
  return ref;
}
static inline KrRef add_add(uint32_t flow, KrElem elem, KrRef a, KrRef b) {
  return add_op(flow, "add", elem, 2, (KrRef[]){a, b});
}
static inline KrRef add_mul(uint32_t flow, KrElem elem, KrRef a, KrRef b) {
  return add_op(flow, "mul", elem, 2, (KrRef[]){a, b});
}

static inline KrRef add_source(uint32_t flow, KrNodeKind kind, KrElem elem, KrRef source) {
  KrRef ref = add_node(flow, kind, elem, 0, NULL);
  at(ref)->source = source;
  return ref;
}
static inline KrRef add_cross(uint32_t flow, KrElem elem, KrRef source, KrMode mode, bool causal) {
  KrRef ref = add_source(flow, KR_NODE_CROSS, elem, source);
  at(ref)->mode = mode;
  at(ref)->causal = causal;
  return ref;
}
static inline KrRef add_window(uint32_t flow, KrElem elem, KrRef source, KrReduce reduce,
                               KrRatio window) {
  KrRef ref = add_source(flow, KR_NODE_WINDOW, elem, source);
  at(ref)->reduce = reduce;
  at(ref)->window = window;
  return ref;
}

static inline uint32_t add_state(const char *name, KrElem elem, double init, KrMerge merge) {
  KrState state = {.name = kr_text_from(name), .type = KR_TYPE_SCALAR(elem), .merge = merge};
  state.init.elem = elem;
  if (elem == KR_ELEM_I64)
    state.init.as.i64 = (int64_t)init;
  else
    state.init.as.f64 = init;
  KR_PUSH(&arena, graph->states, graph->n_states, graph->cap_states, state);
  return graph->n_states - 1;
}
static inline KrRef add_state_read(uint32_t flow, uint32_t state) {
  KrRef ref = add_node(flow, KR_NODE_STATE_READ, graph->states[state].type.elem, 0, NULL);
  at(ref)->state = state;
  return ref;
}
static inline void add_state_write(uint32_t flow, uint32_t state, KrRef value) {
  KrRef ref = add_node(flow, KR_NODE_STATE_WRITE, graph->states[state].type.elem, 1, &value);
  at(ref)->state = state;
}
static inline KrRef add_prev(uint32_t flow, KrElem elem, KrRef in) {
  return add_node(flow, KR_NODE_PREV, elem, 1, &in);
}

static inline uint32_t add_output(uint32_t flow, KrRef ref) {
  KrOutput output = {.flow = flow, .kind = KR_OUTPUT_NUMBERS, .n_refs = 1};
  output.refs = kr_arena_copy(&arena, &ref, sizeof ref);
  KR_PUSH(&arena, graph->outputs, graph->n_outputs, graph->cap_outputs, output);
  return graph->n_outputs - 1;
}

static inline KrPlan *make_plan(const KrPlanOptions *options) {
  KrPlan *plan;
  KrGraphError error;
  KrStatus status = kr_plan_make(&arena, graph, options, &plan, &error);
  if (status != KR_OK) print_message("plan: %s\n", error.message != NULL ? error.message : "?");
  assert_int_equal(status, KR_OK);
  return plan;
}
static inline KrRun *make_run(const KrPlan *plan) {
  KrRun *run;
  assert_int_equal(kr_run_new(&arena, plan, &run), KR_OK);
  return run;
}

/// Everything the outputs gave: bytes per output, in order of tick.
typedef struct Recording {
  KrBuffer out[8];
  int64_t n_ticks[8];
} Recording;

static inline Recording *new_recording(void) {
  Recording *recording = kr_arena_alloc(&arena, sizeof *recording);
  for (uint32_t o = 0; o < 8; o++) kr_buffer_init(&recording->out[o], &arena);
  return recording;
}
static inline void record(const KrRun *run, Recording *recording) {
  for (uint32_t o = 0; o < graph->n_outputs; o++) {
    const KrOutput *output = &graph->outputs[o];
    KrType type = kr_graph_type(graph, output->refs[0]);
    while (recording->n_ticks[o] < kr_run_ticks(run, output->flow)) {
      uint32_t n;
      const void *from = kr_run_output(run, o, 0, recording->n_ticks[o], 1000000, &n);
      assert_non_null(from);
      kr_buffer_put(&recording->out[o], from, n * (size_t)kr_type_bytes(&type));
      recording->n_ticks[o] += n;
    }
  }
}

static uint64_t random_state = 88172645463325252u;
static inline uint64_t random_below(uint64_t n) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state % n;
}

/// Runs to `end` in steps: `parts` equal ones, or random ones when 0.
static inline void run_parts(KrRun *run, const KrPlan *plan, KrRatio end, uint32_t parts,
                             Recording *recording) {
  KrRatio begin = kr_run_time(run), length, time, most = kr_plan_step(plan);
  assert_int_equal(kr_ratio_sub(end, begin, &length), KR_OK);
  while (kr_ratio_compare(kr_run_time(run), end) < 0) {
    KrRatio step = most, next;
    if (parts > 0)
      assert_int_equal(kr_ratio_div(length, kr_ratio_of(parts), &step), KR_OK);
    else
      assert_int_equal(kr_ratio_mul(most, ratio((int64_t)random_below(7) + 1, 7), &step), KR_OK);
    if (kr_ratio_compare(step, most) > 0) step = most;
    assert_int_equal(kr_ratio_add(kr_run_time(run), step, &next), KR_OK);
    time = kr_ratio_compare(next, end) > 0 ? end : next;
    KrStatus status = kr_run_to(run, time);
    if (status != KR_OK && kr_run_fault(run) != NULL)
      print_message("fault: %s\n", kr_run_fault(run)->message);
    assert_int_equal(status, KR_OK);
    if (recording != NULL) record(run, recording);
  }
}

static inline Recording *run_all(const KrPlanOptions *options, KrRatio end, uint32_t parts) {
  KrPlan *plan = make_plan(options);
  KrRun *run = make_run(plan);
  Recording *recording = new_recording();
  run_parts(run, plan, end, parts, recording);
  return recording;
}
static inline double value_f64(const Recording *recording, uint32_t output, int64_t tick) {
  assert_true(tick < recording->n_ticks[output]);
  double x;
  memcpy(&x, recording->out[output].at + (size_t)tick * sizeof x, sizeof x);
  return x;
}
static inline float value_f32(const Recording *recording, uint32_t output, int64_t tick) {
  assert_true(tick < recording->n_ticks[output]);
  float x;
  memcpy(&x, recording->out[output].at + (size_t)tick * sizeof x, sizeof x);
  return x;
}
static inline int64_t value_i64(const Recording *recording, uint32_t output, int64_t tick) {
  assert_true(tick < recording->n_ticks[output]);
  int64_t x;
  memcpy(&x, recording->out[output].at + (size_t)tick * sizeof x, sizeof x);
  return x;
}

/// The same outputs whatever the span, the step and how the steps are cut.
static inline void assert_invariant(KrRatio end) {
  Recording *truth = run_all(NULL, end, 0);
  static const uint32_t spans[] = {1, 7, 63, 64, 480};
  for (uint32_t i = 0; i < 10; i++) {
    KrPlanOptions options = {.span_ticks = spans[i % 5], .step = {0, 1}};
    if (i >= 5) options.step = ratio(1 + (int64_t)random_below(40), 1000);
    Recording *other = run_all(&options, end, i % 2 == 0 ? 0 : 13);
    for (uint32_t o = 0; o < graph->n_outputs; o++) {
      assert_int_equal(other->n_ticks[o], truth->n_ticks[o]);
      if (truth->out[o].n > 0)
        assert_memory_equal(other->out[o].at, truth->out[o].at, truth->out[o].n);
    }
  }
}
#endif

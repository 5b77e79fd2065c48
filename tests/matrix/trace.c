// Every node as an output: decides in which order values come to be, so that the first one that
// differs between two machines can be named.
#include "driver.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Of one tick, in a trace without slices.
typedef struct Moment {
  int64_t tick;
  double key;
  uint64_t bits; // of the value, or a hash when it has many elements
} Moment;

typedef struct Traced {
  uint32_t node, rank;
  int64_t next_tick;
  uint32_t *slices;
  Moment *moments;
  uint32_t n_moments, cap_moments;
} Traced;

// Ranks by flow in order of execution, then by node in the flow.
static void rank_nodes(const KrProgram *program, Traced *traced, uint32_t n) {
  KrGraph *graph = program->graph;
  uint32_t *rank = KR_NEW_ARRAY(graph->arena, uint32_t, graph->n_nodes), next = 0;
  const uint32_t *flows = kr_plan_order(program->plan);
  for (uint32_t f = 0; f < graph->n_flows; f++) {
    uint32_t *nodes, n_nodes;
    KrGraphError error;
    if (kr_graph_order_nodes(graph, graph->arena, flows[f], &nodes, &n_nodes, &error) != KR_OK)
      fail("trace", error.message);
    for (uint32_t i = 0; i < n_nodes; i++) rank[nodes[i]] = next++;
  }
  for (uint32_t i = 0; i < n; i++) traced[i].rank = rank[traced[i].node];
}

static bool has_source(const KrNode *node) {
  return node->kind == KR_NODE_READ || node->kind == KR_NODE_CROSS ||
         node->kind == KR_NODE_WINDOW || node->kind == KR_NODE_HISTORY;
}

static bool mark(bool *is_present, uint32_t node) {
  if (node == KR_NONE || is_present[node]) return false;
  return is_present[node] = true;
}

// Nodes whose value is wanted in its own tick: those of outputs, those nothing or another flow
// reads, and what these need, but for what only `prev` takes, which may come later (a cycle runs
// through it) and cannot be an output.
static const bool *find_present(const KrGraph *graph) {
  const uint32_t n = graph->n_nodes;
  bool *is_present = KR_NEW_ARRAY(graph->arena, bool, n),
       *is_read = KR_NEW_ARRAY(graph->arena, bool, n);
  for (uint32_t i = 0; i < n; i++)
    for (uint32_t k = 0; k < graph->nodes[i].n_in; k++)
      if (graph->nodes[i].in[k].node != KR_NONE) is_read[graph->nodes[i].in[k].node] = true;
  for (uint32_t i = 0; i < n; i++) {
    if (!is_read[i]) mark(is_present, i);
    if (has_source(&graph->nodes[i])) mark(is_present, graph->nodes[i].source.node);
  }
  for (uint32_t i = 0; i < graph->n_outputs; i++)
    for (uint32_t k = 0; k < graph->outputs[i].n_refs; k++)
      mark(is_present, graph->outputs[i].refs[k].node);
  for (bool has_changed = true; has_changed;) {
    has_changed = false;
    for (uint32_t i = n; i-- > 0;) {
      const KrNode *node = &graph->nodes[i];
      for (uint32_t k = 0; is_present[i] && node->kind != KR_NODE_PREV && k < node->n_in; k++)
        has_changed |= mark(is_present, node->in[k].node);
    }
  }
  return is_present;
}

// Outputs 0, 1, …: every port of every node that has a value at each tick.
static Traced *add_outputs(KrGraph *graph) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < graph->n_nodes; i++) n += graph->nodes[i].n_out;
  Traced *traced = KR_NEW_ARRAY(graph->arena, Traced, n);
  const bool *is_present = find_present(graph);
  graph->n_outputs = 0;
  for (uint32_t i = 0; i < graph->n_nodes; i++) {
    const KrNode *node = &graph->nodes[i];
    if (node->flow == KR_NONE || node->kind == KR_NODE_CONST || !is_present[i]) continue;
    for (uint32_t port = 0; port < node->n_out; port++) {
      KrOutput output = {.flow = node->flow,
                         .label = node->path,
                         .kind = KR_OUTPUT_NUMBERS,
                         .n_refs = 1,
                         .events = KR_NONE,
                         .origin = node->origin};
      output.refs = KR_NEW(graph->arena, KrRef);
      output.columns = KR_NEW(graph->arena, KrText);
      *output.refs = (KrRef){i, port};
      traced[graph->n_outputs].node = i;
      KR_PUSH(graph->arena, graph->outputs, graph->n_outputs, graph->cap_outputs, output);
    }
  }
  return traced;
}

// FNV-1a (Fowler, Noll, Vo), 32 bits, over the bytes from the lowest up.
static uint32_t hash_value(uint32_t hash, const void *at, const KrType *type) {
  bool is_raw = type->shape == KR_SHAPE_IMAGE;
  for (size_t i = 0; i < kr_type_count(type); i++) {
    const uint8_t *element = (const uint8_t *)at + i * kr_elem_bytes(type->elem);
    uint64_t bits = is_raw ? *element : bits_of(element, type->elem);
    for (uint32_t k = 0; k < kr_elem_bytes(type->elem); k++)
      hash = (hash ^ (uint8_t)(bits >> (8 * k))) * 16777619u;
  }
  return hash;
}

static double seconds(KrRatio time) { return (double)time.num / (double)time.den; }

static void take_value(const Trace *trace, Traced *node, KrArena *arena, Moment moment,
                       const void *at, const KrType *type) {
  const double key = moment.key;
  if (key < trace->begin || key >= trace->end) return;
  if (trace->n_slices == 0) {
    moment.bits =
        kr_type_count(type) == 1 ? bits_of(at, type->elem) : hash_value(2166136261u, at, type);
    KR_PUSH(arena, node->moments, node->n_moments, node->cap_moments, moment);
    return;
  }
  double part = (key - trace->begin) / (trace->end - trace->begin);
  uint32_t slice = (uint32_t)(part * trace->n_slices);
  if (slice >= trace->n_slices) slice = trace->n_slices - 1;
  node->slices[slice] = hash_value(node->slices[slice], at, type);
}

// Takes the ticks of output o that are there now.
static void take_ticks(const Trace *trace, const KrSession *session, uint32_t o, Traced *node) {
  const KrProgram *program = session->program;
  const KrOutput *output = &program->graph->outputs[o];
  const KrClock *clock = &program->graph->flows[output->flow].clock;
  const double lead = seconds(kr_plan_lead(program->plan, output->flow));
  KrType type = kr_graph_type(program->graph, output->refs[0]);
  int64_t n_ticks = kr_run_ticks(session->run, output->flow);
  for (; node->next_tick < n_ticks; node->next_tick++) {
    uint32_t count;
    const void *at = kr_run_output(session->run, o, 0, node->next_tick, 1, &count);
    if (at == NULL) fail("trace", "a value is not there");
    double time = seconds(clock->phase) + (double)node->next_tick * seconds(clock->dt);
    take_value(trace, node, program->graph->arena, (Moment){node->next_tick, time - lead, 0}, at,
               &type);
  }
}

static void print_node(const Trace *trace, const KrGraph *graph, uint32_t o, const Traced *node) {
  const KrText path = graph->nodes[node->node].path;
  printf("%u.%u\t%.*s", node->rank, graph->outputs[o].refs[0].port, (int)path.n, path.at);
  for (uint32_t i = 0; i < trace->n_slices; i++) printf("\t%x", node->slices[i]);
  for (uint32_t i = 0; i < node->n_moments; i++)
    printf("\t%lld:%.17g:%llx", (long long)node->moments[i].tick, node->moments[i].key,
           (unsigned long long)node->moments[i].bits);
  printf("\n");
}

void print_trace(const char *name, const Trace *trace) {
  KrProgram *program = load_graph(name);
  KrGraph *graph = program->graph;
  KrSession *session;
  KrRatio end = kr_program_duration(program);
  Traced *traced = add_outputs(graph);
  make_plan(program);
  rank_nodes(program, traced, graph->n_outputs);
  for (uint32_t o = 0; o < graph->n_outputs; o++)
    traced[o].slices = KR_NEW_ARRAY(graph->arena, uint32_t, trace->n_slices + 1);
  if (kr_session_new(program, &session) != KR_OK) fail(name, "no session");
  while (kr_ratio_compare(kr_session_time(session), end) < 0) {
    run_to(session, next_step(session, end), name);
    for (uint32_t o = 0; o < graph->n_outputs; o++) take_ticks(trace, session, o, &traced[o]);
  }
  for (uint32_t o = 0; o < graph->n_outputs; o++) print_node(trace, graph, o, &traced[o]);
  kr_session_free(session);
}

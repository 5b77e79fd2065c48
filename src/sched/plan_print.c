// What `kairo plan` shows: the schedule as text, as JSON and as a Graphviz graph.
#include "sched/plan.h"

static const char *mode_text(const KrNode *node) {
  static const char *const mode[] = {"nearest", "linear", "cubic", "sinc"};
  static const char *const reduce[] = {"mean", "rms", "peak", "min", "max", "sum", "count"};
  if (node->kind == KR_NODE_READ) return "same tick";
  if (node->kind == KR_NODE_WINDOW) return reduce[node->reduce];
  if (node->kind == KR_NODE_HISTORY) return "history";
  return mode[node->mode];
}

static KrRatio to_seconds(const KrPlan *plan, int64_t grid) {
  KrRatio seconds = KR_RATIO_ZERO;
  if (kr_ratio_div(kr_ratio_of(grid), plan->grid.frequency, &seconds) != KR_OK)
    return KR_RATIO_ZERO;
  return seconds;
}

static KrRatio to_ms(const KrPlan *plan, int64_t grid) {
  KrRatio ms = to_seconds(plan, grid);
  return kr_ratio_mul(ms, kr_ratio_of(1000), &ms) == KR_OK ? ms : KR_RATIO_ZERO;
}

static KrRatio rate_of(const KrFlow *flow) {
  KrRatio rate = KR_RATIO_ZERO;
  return kr_ratio_div(KR_RATIO_ONE, flow->clock.dt, &rate) == KR_OK ? rate : KR_RATIO_ZERO;
}

static KrRatio ticks_per_hyperperiod(const KrPlan *plan, uint32_t flow) {
  KrRatio ticks = KR_RATIO_ZERO;
  KrRatio dt = plan->graph->flows[flow].clock.dt;
  return kr_ratio_div(plan->grid.hyperperiod, dt, &ticks) == KR_OK ? ticks : KR_RATIO_ZERO;
}

/// A stream one flow reads from another.
typedef struct Reading {
  const KrNode *node;
  uint32_t reader, source;
  int64_t look_ahead;
} Reading;

// Next cross-flow reading node at or after *index.
static bool next_reading(const KrPlan *plan, uint32_t *index, Reading *reading) {
  for (; *index < plan->graph->n_nodes; ++*index) {
    const KrNode *node = &plan->graph->nodes[*index];
    if (plan->node_unit[*index] == KR_NONE || !kr_node_reads_source(node)) continue;
    uint32_t source = plan->graph->nodes[node->source.node].flow;
    if (source == node->flow) continue;
    *reading = (Reading){node, node->flow, source, kr_plan_look_ahead(plan, node)};
    ++*index;
    return true;
  }
  return false;
}

static bool is_boundary(const KrNode *node) {
  static const char prefix[] = "solver.boundary";
  if (node->kind != KR_NODE_OP) return false;
  for (uint32_t i = 0; prefix[i] != 0; i++)
    if (node->op->name[i] != prefix[i]) return false;
  return true;
}

static bool next_boundary(const KrPlan *plan, uint32_t *index, const KrNode **node) {
  for (; *index < plan->graph->n_nodes; ++*index) {
    *node = &plan->graph->nodes[*index];
    if (plan->node_unit[*index] == KR_NONE || !is_boundary(*node)) continue;
    ++*index;
    return true;
  }
  return false;
}

/// What a ring keeps: a port of a node, of a group from that node on, or a chunk of a sum.
typedef struct Kept {
  KrRef ref;
  uint32_t n_lanes; ///< nodes of the group; 1: alone
  bool is_chunk;
} Kept;

static uint32_t n_ports(const KrPlan *plan, uint32_t node) {
  uint32_t n = plan->graph->nodes[node].n_out;
  return n > 0 ? n : 1;
}

static Kept kept_lanes(const KrPlan *plan, uint32_t value) {
  for (uint32_t p = 0; p < plan->n_parts; p++)
    if (plan->parts[p].value == value)
      return (Kept){{plan->parts[p].sum, plan->parts[p].chunk}, 1, true};
  for (uint32_t g = 0; g < plan->n_groups; g++) {
    const KrPlanGroup *group = &plan->groups[g];
    uint32_t port = value - group->first_value;
    if (value >= group->first_value && port < n_ports(plan, group->node[0]))
      return (Kept){{group->node[0], port}, group->n, false};
  }
  return (Kept){{0, 0}, 1, false};
}

static Kept kept_by(const KrPlan *plan, const KrPlanRing *ring) {
  uint32_t low = 0, high = plan->graph->n_nodes;
  if (plan->values[ring->value].lanes > 1) return kept_lanes(plan, ring->value);
  while (high - low > 1) {
    uint32_t middle = low + (high - low) / 2;
    if (plan->first_value[middle] <= ring->value)
      low = middle;
    else
      high = middle;
  }
  return (Kept){{low, ring->value - plan->first_value[low]}, 1, false};
}

/// The steps of a flow in all its units.
typedef struct StepCount {
  uint32_t n, serial, later, wide, parts;
} StepCount;

static StepCount count_steps(const KrPlan *plan, uint32_t flow) {
  StepCount count = {0, 0, 0, 0, 0};
  for (uint32_t u = 0; u < plan->n_units; u++) {
    const KrPlanUnit *unit = &plan->units[u];
    if (unit->flow != flow) continue;
    count.n += unit->n_steps;
    count.later += unit->level == 1 ? unit->n_steps : 0;
    count.parts += unit->level == KR_LEVEL_PART;
    for (uint32_t i = 0; i < unit->n_segments; i++)
      if (unit->segments[i].serial) count.serial += unit->segments[i].end - unit->segments[i].begin;
    for (uint32_t i = 0; i < unit->n_steps; i++) count.wide += unit->steps[i].lanes > 1;
  }
  return count;
}

// ---- text

static void pad(KrBuffer *out, size_t begin, size_t width) {
  while (out->n < begin + width) kr_buffer_print(out, " ");
  kr_buffer_print(out, " ");
}

static void print_flow(const KrPlan *plan, uint32_t index, uint32_t place, KrBuffer *out) {
  const KrFlow *flow = &plan->graph->flows[index];
  const KrPlanFlow *p = &plan->flows[index];
  KrRatio rate = rate_of(flow), ticks = ticks_per_hyperperiod(plan, index),
          lead = to_ms(plan, p->lead);
  size_t line = out->n;
  kr_buffer_print(out, "%u", (unsigned)place);
  pad(out, line, 3);
  kr_buffer_print(out, "%t", flow->name);
  pad(out, line, 20);
  kr_buffer_print(out, "%s", kr_class_text(flow->cls));
  pad(out, line, 29);
  kr_buffer_print(out, "%r Hz", rate.num, rate.den);
  pad(out, line, 44);
  kr_buffer_print(out, "%lld", (long long)p->period);
  pad(out, line, 54);
  kr_buffer_print(out, "%r", ticks.num, ticks.den);
  pad(out, line, 65);
  kr_buffer_print(out, "%r ms", lead.num, lead.den);
  pad(out, line, 80);
  const KrPlanUnit *unit = &plan->units[p->unit[0]];
  uint32_t span =
      plan->span_ticks > 0 && plan->span_ticks < unit->tile ? plan->span_ticks : unit->tile;
  kr_buffer_print(out, "%u", (unsigned)span);
  pad(out, line, 86);
  StepCount count = count_steps(plan, index);
  kr_buffer_print(out, "%u", (unsigned)count.n);
  if (count.wide > 0) kr_buffer_print(out, ", %u of 16 lanes", (unsigned)count.wide);
  if (count.parts > 0) kr_buffer_print(out, ", in %u parts", (unsigned)count.parts + 1);
  if (count.serial > 0) kr_buffer_print(out, ", %u tick by tick", (unsigned)count.serial);
  if (count.later > 0) kr_buffer_print(out, ", %u later for prev", (unsigned)count.later);
  if (flow->substeps > 1) kr_buffer_print(out, ", %u substeps", (unsigned)flow->substeps);
  if (p->phase > 0) {
    KrRatio phase = to_ms(plan, p->phase);
    kr_buffer_print(out, ", phase %r ms", phase.num, phase.den);
  }
  kr_buffer_print(out, "\n");
}

static void print_readings(const KrPlan *plan, KrBuffer *out) {
  Reading reading;
  uint32_t at = 0;
  bool any = false;
  while (next_reading(plan, &at, &reading)) {
    if (plan->node_lane[at - 1] > 0) continue;
    if (!any) kr_buffer_print(out, "\nreads\n");
    any = true;
    const KrGraph *graph = plan->graph;
    kr_buffer_print(out, "  %t <- %t (%t", graph->flows[reading.reader].name,
                    graph->flows[reading.source].name,
                    graph->nodes[reading.node->source.node].path);
    uint32_t group = plan->node_group[at - 1];
    if (group != KR_NONE)
      kr_buffer_print(out, " and %u more lanes", (unsigned)plan->groups[group].n - 1);
    kr_buffer_print(out, "): %s", mode_text(reading.node));
    if (reading.node->causal) kr_buffer_print(out, ", align=causal");
    if (reading.look_ahead > 0) {
      KrRatio ms = to_ms(plan, reading.look_ahead);
      kr_buffer_print(out, ", looks %r ms ahead", ms.num, ms.den);
    }
    kr_buffer_print(out, "\n");
  }
}

static void print_rings(const KrPlan *plan, KrBuffer *out) {
  if (plan->n_rings > 0) kr_buffer_print(out, "\nbuffers\n");
  for (uint32_t r = 0; r < plan->n_rings; r++) {
    const KrPlanRing *ring = &plan->rings[r];
    Kept kept = kept_by(plan, ring);
    kr_buffer_print(out, "  %t%s%u", plan->graph->nodes[kept.ref.node].path,
                    kept.is_chunk ? " chunk " : ".", (unsigned)kept.ref.port);
    if (kept.n_lanes > 1) kr_buffer_print(out, " and %u more lanes", (unsigned)kept.n_lanes - 1);
    kr_buffer_print(out, ": %llu ticks of %zu bytes%s\n", (unsigned long long)ring->cap,
                    plan->values[ring->value].n_bytes, ring->is_output ? ", output" : "");
  }
}

static void print_states(const KrPlan *plan, KrBuffer *out) {
  for (uint32_t s = 0; s < plan->graph->n_states; s++) {
    const KrPlanState *state = &plan->states[s];
    if (s == 0) kr_buffer_print(out, "\nstates\n");
    kr_buffer_print(out, "  %t: %u writers, %u readers in other flows, %llu versions\n",
                    plan->graph->states[s].name, (unsigned)state->n_writers,
                    (unsigned)state->n_cursors, (unsigned long long)state->cap);
  }
}

static void print_boundaries(const KrPlan *plan, KrBuffer *out) {
  uint32_t at = 0;
  const KrNode *node;
  bool any = false;
  while (next_boundary(plan, &at, &node)) {
    if (!any) kr_buffer_print(out, "\nboundary steps\n");
    any = true;
    kr_buffer_print(out, "  %t: %s in `%t`\n", node->path, node->op->name,
                    plan->graph->flows[node->flow].name);
  }
}

static void print_files(const KrGraph *graph, KrBuffer *out) {
  for (uint32_t i = 0; i < graph->n_assets; i++)
    kr_buffer_print(out, "%s  %t%s\n", i == 0 ? "\nfiles\n" : "", graph->assets[i].path,
                    graph->assets[i].is_lossy ? ": lossy, the decoder decides its samples" : "");
}

void kr_plan_print(const KrPlan *plan, KrBuffer *out) {
  KrRatio grid = plan->grid.frequency, hyper = plan->grid.hyperperiod;
  kr_buffer_print(out, "grid        %r Hz\nhyperperiod %r s\nstep        %r s\n\n", grid.num,
                  grid.den, hyper.num, hyper.den, plan->step.num, plan->step.den);
  kr_buffer_print(out, "   flow             class    rate           period    ticks      lead      "
                       "     span  steps\n");
  for (uint32_t i = 0; i < plan->graph->n_flows; i++) print_flow(plan, plan->order[i], i, out);
  print_readings(plan, out);
  print_states(plan, out);
  print_boundaries(plan, out);
  print_rings(plan, out);
  print_files(plan->graph, out);
  kr_buffer_print(out, "\n%zu bytes\n", plan->n_bytes);
}

// ---- JSON

static void put_string(KrBuffer *out, KrText text) {
  kr_buffer_print(out, "\"");
  for (size_t i = 0; i < text.n; i++) {
    char c = text.at[i];
    if (c == '"' || c == '\\')
      kr_buffer_print(out, "\\%c", c);
    else if ((unsigned char)c < 32)
      kr_buffer_print(out, "\\u00%c%c", "01"[c >> 4 & 1], "0123456789abcdef"[c & 15]);
    else
      kr_buffer_put(out, &c, 1);
  }
  kr_buffer_print(out, "\"");
}

static void put_key(KrBuffer *out, const char *key) { kr_buffer_print(out, "\"%s\": ", key); }

static void put_ratio(KrBuffer *out, const char *key, KrRatio ratio) {
  kr_buffer_print(out, "\"%s\": \"%r\"", key, ratio.num, ratio.den);
}

static void put_flow(const KrPlan *plan, uint32_t index, KrBuffer *out) {
  const KrFlow *flow = &plan->graph->flows[index];
  const KrPlanFlow *p = &plan->flows[index];
  const KrPlanUnit *unit = &plan->units[p->unit[0]];
  StepCount count = count_steps(plan, index);
  kr_buffer_print(out, "    {");
  put_key(out, "name");
  put_string(out, flow->name);
  kr_buffer_print(out, ", \"class\": \"%s\", ", kr_class_text(flow->cls));
  put_ratio(out, "rate_hz", rate_of(flow));
  kr_buffer_print(out, ", \"period_grid\": %lld, \"phase_grid\": %lld, ", (long long)p->period,
                  (long long)p->phase);
  put_ratio(out, "ticks_per_hyperperiod", ticks_per_hyperperiod(plan, index));
  kr_buffer_print(out, ", ");
  put_ratio(out, "lead_s", to_seconds(plan, p->lead));
  kr_buffer_print(out, ", \"substeps\": %u, \"span\": %u, \"steps\": %u, \"serial_steps\": %u}",
                  (unsigned)flow->substeps, (unsigned)unit->tile, (unsigned)count.n,
                  (unsigned)count.serial);
}

static void put_readings(const KrPlan *plan, KrBuffer *out) {
  Reading reading;
  uint32_t at = 0;
  const char *comma = "";
  kr_buffer_print(out, "  \"reads\": [");
  while (next_reading(plan, &at, &reading)) {
    const KrGraph *graph = plan->graph;
    kr_buffer_print(out, "%s\n    {\"reader\": ", comma);
    put_string(out, graph->flows[reading.reader].name);
    kr_buffer_print(out, ", \"source\": ");
    put_string(out, graph->nodes[reading.node->source.node].path);
    kr_buffer_print(out, ", \"mode\": \"%s\", \"causal\": %s, ", mode_text(reading.node),
                    reading.node->causal ? "true" : "false");
    put_ratio(out, "look_ahead_s", to_seconds(plan, reading.look_ahead));
    kr_buffer_print(out, "}");
    comma = ",";
  }
  kr_buffer_print(out, "\n  ],\n");
}

static void put_rings(const KrPlan *plan, KrBuffer *out) {
  kr_buffer_print(out, "  \"buffers\": [");
  for (uint32_t r = 0; r < plan->n_rings; r++) {
    KrRef ref = kept_by(plan, &plan->rings[r]).ref;
    kr_buffer_print(out, "%s\n    {\"stream\": ", r > 0 ? "," : "");
    put_string(out, plan->graph->nodes[ref.node].path);
    kr_buffer_print(out, ", \"port\": %u, \"ticks\": %llu, \"tick_bytes\": %zu}",
                    (unsigned)ref.port, (unsigned long long)plan->rings[r].cap,
                    plan->values[plan->rings[r].value].n_bytes);
  }
  kr_buffer_print(out, "\n  ],\n");
}

static void put_boundaries(const KrPlan *plan, KrBuffer *out) {
  uint32_t at = 0;
  const KrNode *node;
  const char *comma = "";
  kr_buffer_print(out, "  \"boundary_steps\": [");
  while (next_boundary(plan, &at, &node)) {
    kr_buffer_print(out, "%s\n    {\"path\": ", comma);
    put_string(out, node->path);
    kr_buffer_print(out, ", \"op\": \"%s\"}", node->op->name);
    comma = ",";
  }
  kr_buffer_print(out, "\n  ],\n");
}

static void put_files(const KrGraph *graph, KrBuffer *out) {
  kr_buffer_print(out, "  \"files\": [");
  for (uint32_t i = 0; i < graph->n_assets; i++) {
    kr_buffer_print(out, "%s\n    {\"path\": ", i > 0 ? "," : "");
    put_string(out, graph->assets[i].path);
    kr_buffer_print(out, ", \"lossy\": %s}", graph->assets[i].is_lossy ? "true" : "false");
  }
  kr_buffer_print(out, "\n  ],\n");
}

void kr_plan_print_json(const KrPlan *plan, KrBuffer *out) {
  kr_buffer_print(out, "{\n  ");
  put_ratio(out, "grid_hz", plan->grid.frequency);
  kr_buffer_print(out, ",\n  ");
  put_ratio(out, "hyperperiod_s", plan->grid.hyperperiod);
  kr_buffer_print(out, ",\n  ");
  put_ratio(out, "step_s", plan->step);
  kr_buffer_print(out, ",\n  \"flows\": [\n");
  for (uint32_t i = 0; i < plan->graph->n_flows; i++) {
    if (i > 0) kr_buffer_print(out, ",\n");
    put_flow(plan, plan->order[i], out);
  }
  kr_buffer_print(out, "\n  ],\n");
  put_readings(plan, out);
  put_boundaries(plan, out);
  put_rings(plan, out);
  put_files(plan->graph, out);
  kr_buffer_print(out, "  \"bytes\": %zu\n}\n", plan->n_bytes);
}

// ---- Graphviz

void kr_plan_print_dot(const KrPlan *plan, KrBuffer *out) {
  const KrGraph *graph = plan->graph;
  Reading reading;
  uint32_t at = 0;
  kr_buffer_print(out, "digraph plan {\n  rankdir=LR;\n  node [shape=box];\n");
  for (uint32_t i = 0; i < graph->n_flows; i++) {
    uint32_t index = plan->order[i];
    KrRatio rate = rate_of(&graph->flows[index]), lead = to_ms(plan, plan->flows[index].lead);
    kr_buffer_print(out, "  f%u [label=\"%t\\n%r Hz\\nlead %r ms\"];\n", (unsigned)index,
                    graph->flows[index].name, rate.num, rate.den, lead.num, lead.den);
  }
  while (next_reading(plan, &at, &reading))
    kr_buffer_print(out, "  f%u -> f%u [label=\"%s%s\"];\n", (unsigned)reading.source,
                    (unsigned)reading.reader, mode_text(reading.node),
                    reading.node->causal ? " causal" : "");
  for (uint32_t i = 0; i < graph->n_nodes; i++) {
    const KrNode *node = &graph->nodes[i];
    if (node->kind != KR_NODE_STATE_READ || plan->node_unit[i] == KR_NONE) continue;
    const KrPlanState *state = &plan->states[node->state];
    for (uint32_t w = 0; w < state->n_writers; w++)
      if (graph->nodes[state->writers[w]].flow != node->flow)
        kr_buffer_print(out, "  f%u -> f%u [label=\"%t\", style=dashed];\n",
                        (unsigned)graph->nodes[state->writers[w]].flow, (unsigned)node->flow,
                        graph->states[node->state].name);
  }
  kr_buffer_print(out, "}\n");
}

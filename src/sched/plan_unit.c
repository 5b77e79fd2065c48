// Which nodes run together: units, the steps of a unit in order, cycles that run tick by tick, and
// which outputs keep rings.
#include "sched/plan_build.h"

typedef struct Marks {
  const KrGraph *graph;
  uint8_t *at;
  uint32_t *stack, n;
} Marks;

static void mark(Marks *marks, uint32_t node) {
  if (node == KR_NONE || marks->at[node] || marks->graph->nodes[node].flow == KR_NONE) return;
  marks->at[node] = 1;
  marks->stack[marks->n++] = node;
}

// Every channel of every synth, whoever hears it.
static void mark_voices(Marks *marks) {
  for (uint32_t v = 0; v < marks->graph->n_voices; v++)
    for (uint32_t k = 0; k < marks->graph->voices[v].n_out; k++)
      mark(marks, marks->graph->voices[v].out[k].node);
}

static uint32_t local_source(const KrGraph *graph, const KrNode *node) {
  if (!kr_node_reads_source(node)) return KR_NONE;
  return graph->nodes[node->source.node].flow == node->flow ? node->source.node : KR_NONE;
}

static void mark_roots(Marks *marks, KrArena *arena) {
  const KrGraph *graph = marks->graph;
  uint8_t *consumed = KR_NEW_ARRAY(arena, uint8_t, graph->n_nodes);
  for (uint32_t i = 0; i < graph->n_nodes; i++) {
    const KrNode *node = &graph->nodes[i];
    for (uint32_t k = 0; k < node->n_in; k++)
      if (node->in[k].node != KR_NONE && node->in[k].node != i) consumed[node->in[k].node] = 1;
    uint32_t source = local_source(graph, node);
    if (source != KR_NONE) consumed[source] = 1;
  }
  for (uint32_t i = 0; i < graph->n_nodes; i++) {
    const KrNode *node = &graph->nodes[i];
    if (!consumed[i] && node->kind != KR_NODE_VOICE) mark(marks, i);
    if (kr_node_reads_source(node) && local_source(graph, node) == KR_NONE)
      mark(marks, node->source.node);
  }
  for (uint32_t o = 0; o < graph->n_outputs; o++)
    for (uint32_t k = 0; k < graph->outputs[o].n_refs; k++)
      mark(marks, graph->outputs[o].refs[k].node);
  mark_voices(marks);
}

static void mark_below(Marks *marks, bool through_prev) {
  while (marks->n > 0) {
    const KrNode *node = &marks->graph->nodes[marks->stack[--marks->n]];
    // Under substeps the value before may be of the same tick.
    bool is_prev = node->kind == KR_NODE_PREV && marks->graph->flows[node->flow].substeps == 1;
    for (uint32_t k = is_prev && !through_prev ? 1 : 0; k < node->n_in; k++)
      mark(marks, node->in[k].node);
    mark(marks, local_source(marks->graph, node));
  }
}

// A node only PREV inputs need waits for other flows in the same tick.
static bool waits_for_flow(const KrPlan *plan, const KrNode *node, const uint8_t *needed,
                           const uint8_t *waits) {
  if (kr_node_reads_source(node)) {
    uint32_t source = local_source(plan->graph, node);
    if (source == KR_NONE) return true;
    if (!needed[source] && waits[source]) return true;
  }
  if (kr_node_takes_events(node) && kr_plan_is_emitted(plan, node->events)) return true;
  for (uint32_t k = node->kind == KR_NODE_PREV ? 1 : 0; k < node->n_in; k++) {
    uint32_t source = node->in[k].node;
    if (source != KR_NONE && !needed[source] && waits[source]) return true;
  }
  return false;
}

static uint32_t add_unit(KrPlan *plan, uint32_t flow, uint32_t level) {
  KrPlanUnit unit = {.flow = flow, .level = level};
  KR_PUSH(plan->arena, plan->units, plan->n_units, plan->cap_units, unit);
  plan->flows[flow].unit[level] = plan->n_units - 1;
  return plan->n_units - 1;
}

bool kr_plan_is_constant(const KrPlan *plan, uint32_t index) {
  const KrNode *node = &plan->graph->nodes[index];
  return node->kind == KR_NODE_CONST ||
         (node->kind == KR_NODE_INPUT && plan->graph->inputs[node->input].kind == KR_INPUT_VALUE);
}

static KrStatus assign_flow(KrPlan *plan, uint32_t flow, const uint8_t *needed, const uint8_t *live,
                            uint8_t *waits) {
  uint32_t *order, n;
  KrArena *arena = plan->arena;
  KR_TRY(kr_graph_order_nodes(plan->graph, arena, flow, &order, &n, plan->error));
  for (uint32_t i = 0; i < n; i++) {
    uint32_t index = order[i];
    const KrNode *node = &plan->graph->nodes[index];
    plan->node_rank[index] = i;
    if (!live[index] || kr_plan_is_constant(plan, index)) continue;
    waits[index] = !needed[index] && waits_for_flow(plan, node, needed, waits);
    uint32_t level = waits[index];
    if (plan->flows[flow].unit[level] == KR_NONE) add_unit(plan, flow, level);
    plan->node_unit[index] = plan->flows[flow].unit[level];
  }
  return KR_OK;
}

static KrStatus assign_units(KrPlan *plan) {
  const KrGraph *graph = plan->graph;
  KrArena *arena = plan->arena;
  Marks marks = {graph, KR_NEW_ARRAY(arena, uint8_t, graph->n_nodes),
                 KR_NEW_ARRAY(arena, uint32_t, graph->n_nodes), 0};
  mark_roots(&marks, arena);
  mark_below(&marks, false);
  uint8_t *needed = kr_arena_copy(arena, marks.at, graph->n_nodes);
  for (uint32_t i = 0; i < graph->n_nodes; i++)
    if (needed[i]) marks.stack[marks.n++] = i;
  mark_below(&marks, true);
  uint8_t *waits = KR_NEW_ARRAY(arena, uint8_t, graph->n_nodes);
  for (uint32_t i = 0; i < graph->n_nodes; i++) plan->node_unit[i] = KR_NONE;
  for (uint32_t i = 0; i < graph->n_flows; i++) {
    plan->flows[i].unit[0] = plan->flows[i].unit[1] = KR_NONE;
  }
  for (uint32_t i = 0; i < graph->n_flows; i++) add_unit(plan, plan->order[i], 0);
  for (uint32_t i = 0; i < graph->n_flows; i++)
    KR_TRY(assign_flow(plan, plan->order[i], needed, marks.at, waits));
  return KR_OK;
}

uint32_t kr_plan_node_outs(const KrNode *node) {
  if (node->kind == KR_NODE_STATE_WRITE || node->kind == KR_NODE_EMIT) return 0;
  return node->n_out > 0 ? node->n_out : 1;
}

uint32_t kr_plan_add_value(KrPlan *plan, KrType type, uint32_t lanes, uint32_t unit) {
  KrPlanValue value = {.type = type,
                       .lanes = lanes,
                       .n_bytes = (size_t)kr_type_bytes(&type) * lanes,
                       .unit = unit,
                       .ring = KR_NONE,
                       .slot = KR_NONE};
  KR_PUSH(plan->arena, plan->values, plan->n_values, plan->cap_values, value);
  return plan->n_values - 1;
}

static void make_values(KrPlan *plan) {
  const KrGraph *graph = plan->graph;
  for (uint32_t i = 0; i < graph->n_nodes; i++) {
    plan->first_value[i] = plan->n_values;
    for (uint32_t port = 0; port < kr_plan_node_outs(&graph->nodes[i]); port++) {
      KrType type = kr_graph_type(graph, (KrRef){i, port});
      uint32_t value = kr_plan_add_value(plan, type, 1, plan->node_unit[i]);
      plan->values[value].held = kr_plan_is_constant(plan, i);
    }
  }
  // What functions of events are asked for stands in the place of a constant.
  for (uint32_t e = 0; e < graph->n_events; e++)
    for (uint32_t i = 0; i < graph->events[e].n_param; i++)
      plan->values[plan->first_value[graph->events[e].param[i]]].held = false;
  for (uint32_t g = 0; g < plan->n_groups; g++) {
    uint32_t node = plan->groups[g].node[0];
    const uint32_t first = plan->groups[g].first_value = plan->n_values;
    for (uint32_t port = 0; port < kr_plan_node_outs(&graph->nodes[node]); port++)
      kr_plan_add_value(plan, kr_graph_type(graph, (KrRef){node, port}), KR_LANES,
                        plan->node_unit[node]);
    for (uint32_t i = first; i < plan->n_values; i++)
      plan->values[i].held = kr_plan_is_voice_row(&graph->nodes[node]) &&
                             !kr_plan_is_voice_gate(&graph->nodes[node], i - first);
  }
}

static void make_parts(KrPlan *plan) {
  for (uint32_t p = 0; p < plan->n_parts; p++) {
    KrPlanPart *part = &plan->parts[p];
    KrType type = plan->graph->nodes[part->sum].type;
    part->value = kr_plan_add_value(plan, type, KR_LANES, part->unit);
    kr_plan_need_ring(plan, part->value, part->unit, 1);
  }
}

uint32_t kr_plan_need_ring(KrPlan *plan, uint32_t value, uint32_t unit, int64_t n_back) {
  KrPlanValue *v = &plan->values[value];
  if (v->ring == KR_NONE) {
    if (v->unit == KR_NONE) v->unit = unit;
    v->ring = plan->n_rings;
    KR_PUSH(plan->arena, plan->rings, plan->n_rings, plan->cap_rings,
            ((KrPlanRing){.value = value, .unit = v->unit}));
  }
  KrPlanRing *ring = &plan->rings[v->ring];
  if (n_back > ring->n_back) ring->n_back = n_back;
  return v->ring;
}

// Source ticks a node looks back from its newest one.
static int64_t look_back(const KrPlan *plan, const KrNode *node) {
  static const int64_t by_mode[] = {1, 2, 3, 0};
  const KrPlanFlow *source = &plan->flows[plan->graph->nodes[node->source.node].flow];
  const KrPlanFlow *reader = &plan->flows[node->flow];
  if (node->kind == KR_NODE_HISTORY) return (int64_t)node->type.dim[0] + 1;
  if (node->kind == KR_NODE_WINDOW) {
    KrRatio ticks = KR_RATIO_ZERO;
    const KrClock *clock = &plan->graph->flows[plan->graph->nodes[node->source.node].flow].clock;
    KrRatio window = node->window.num == 0 ? plan->graph->flows[node->flow].clock.dt : node->window;
    if (kr_ratio_div(window, clock->dt, &ticks) != KR_OK) return INT32_MAX;
    int64_t n = kr_ratio_ceil(ticks) + 2;
    int64_t before = (reader->phase - source->phase) / source->period + 2;
    return n > before ? n : before;
  }
  if (node->kind != KR_NODE_CROSS) return 1;
  if (node->mode == KR_MODE_SINC) return 3 * (int64_t)kr_plan_sinc_half(plan, node) + 2;
  return by_mode[node->mode] + 2 * node->causal;
}

static void make_rings(KrPlan *plan) {
  const KrGraph *graph = plan->graph;
  for (uint32_t i = 0; i < graph->n_nodes; i++) {
    const KrNode *node = &graph->nodes[i];
    if (plan->node_unit[i] == KR_NONE || !kr_node_reads_source(node)) continue;
    uint32_t unit = plan->flows[graph->nodes[node->source.node].flow].unit[0];
    uint32_t value = kr_plan_value(plan, node->source);
    if (plan->node_group[i] != KR_NONE)
      value = plan->groups[plan->node_group[node->source.node]].first_value + node->source.port;
    kr_plan_need_ring(plan, value, unit, look_back(plan, node));
  }
  for (uint32_t o = 0; o < graph->n_outputs; o++)
    for (uint32_t k = 0; k < graph->outputs[o].n_refs; k++) {
      uint32_t value = kr_plan_value(plan, graph->outputs[o].refs[k]);
      uint32_t unit = plan->flows[graph->outputs[o].flow].unit[0];
      uint32_t ring = kr_plan_need_ring(plan, value, unit, 1);
      plan->rings[ring].is_output = true;
    }
}

// Constants of this unit's flow that keep a ring.
static void add_constants(KrBuilder *builder) {
  KrPlan *plan = builder->plan;
  for (uint32_t r = 0; r < plan->n_rings; r++) {
    const KrPlanRing *ring = &plan->rings[r];
    if (ring->unit != builder->unit || !plan->values[ring->value].held) continue;
    KrPlanStep step = {.kind = KR_STEP_NODE,
                       .lanes = 1,
                       .n_lanes = 1,
                       .group = KR_NONE,
                       .ring = KR_NONE,
                       .after = KR_NONE,
                       .out = ring->value,
                       .n_out = 1};
    uint32_t low = 0, high = plan->graph->n_nodes;
    while (high - low > 1) {
      uint32_t middle = low + (high - low) / 2;
      if (plan->first_value[middle] <= ring->value)
        low = middle;
      else
        high = middle;
    }
    step.node = low;
    kr_builder_add(builder, step);
  }
}

static void add_commits(KrBuilder *builder) {
  KrPlan *plan = builder->plan;
  uint32_t flow = plan->units[builder->unit].flow;
  for (uint32_t s = 0; s < plan->graph->n_states; s++) {
    const KrPlanState *state = &plan->states[s];
    builder->commit_step[s] = KR_NONE;
    if (state->sole != flow || plan->units[builder->unit].level != 0) continue;
    KrPlanStep step = {.kind = KR_STEP_COMMIT,
                       .lanes = 1,
                       .state = s,
                       .ring = KR_NONE,
                       .after = KR_NONE,
                       .rank = UINT32_MAX,
                       .key = UINT32_MAX};
    builder->commit_step[s] = kr_builder_add(builder, step);
  }
}

static void add_dep(KrBuilder *builder, uint32_t on) {
  if (on == KR_NONE) return;
  KR_PUSH(builder->plan->arena, builder->deps, builder->n_deps, builder->cap_deps, on);
}

static bool contains_stream(const KrGraph *graph, uint32_t events, uint32_t wanted) {
  if (events == wanted) return true;
  for (uint32_t i = 0; i < graph->events[events].n_sources; i++)
    if (contains_stream(graph, graph->events[events].sources[i], wanted)) return true;
  return false;
}

static void add_signal_deps(KrBuilder *builder, const KrNode *node) {
  const KrGraph *graph = builder->plan->graph;
  for (uint32_t i = 0; i < builder->n; i++) {
    const KrPlanStep *emit = &builder->steps[i];
    if (emit->kind == KR_STEP_NODE && graph->nodes[emit->node].kind == KR_NODE_EMIT &&
        contains_stream(graph, node->events, graph->nodes[emit->node].events))
      add_dep(builder, i);
  }
}

static void add_value_deps(KrBuilder *builder, const KrPlanStep *step) {
  for (uint32_t k = 0; k < step->n_in; k++)
    if (step->in[k] != KR_NONE) add_dep(builder, builder->value_step[step->in[k]]);
}

static void add_step_deps(KrBuilder *builder, uint32_t index) {
  const KrPlan *plan = builder->plan;
  const KrPlanStep *step = &builder->steps[index];
  if (step->kind == KR_STEP_COMMIT) {
    const KrPlanState *state = &plan->states[step->state];
    for (uint32_t i = 0; i < state->n_writers; i++)
      add_dep(builder, builder->write_step[state->writers[i]]);
    return;
  }
  if (step->kind == KR_STEP_IMPORT) return;
  add_dep(builder, step->after);
  if (step->kind != KR_STEP_NODE) {
    add_value_deps(builder, step);
    return;
  }
  const KrNode *node = &plan->graph->nodes[step->node];
  add_value_deps(builder, step);
  if (kr_node_reads_source(node) && plan->rings[step->ring].unit == builder->unit)
    add_dep(builder, builder->value_step[plan->rings[step->ring].value]);
  if (node->kind == KR_NODE_STATE_READ && plan->states[node->state].sole == node->flow)
    add_dep(builder, builder->commit_step[node->state]);
  if (kr_node_takes_events(node)) add_signal_deps(builder, node);
}

static void add_deps(KrBuilder *builder) {
  KrPlan *plan = builder->plan;
  for (uint32_t i = 0; i < builder->n; i++)
    if (builder->steps[i].kind == KR_STEP_NODE) builder->write_step[builder->steps[i].node] = i;
  builder->first_dep = KR_NEW_ARRAY(plan->arena, uint32_t, builder->n + 1);
  for (uint32_t i = 0; i < builder->n; i++) {
    builder->first_dep[i] = builder->n_deps;
    add_step_deps(builder, i);
  }
  builder->first_dep[builder->n] = builder->n_deps;
}

/// Strongly connected components (Tarjan 1972) without recursion; what a component depends on comes
/// before it.
typedef struct Components {
  uint32_t *of; ///< component of each step
  uint32_t *index, *low, *stack, *path, *next;
  uint32_t n, n_index, n_stack, n_path;
} Components;

static void enter_step(Components *components, const KrBuilder *builder, uint32_t step) {
  components->index[step] = components->low[step] = ++components->n_index;
  components->stack[components->n_stack++] = step;
  components->path[components->n_path++] = step;
  components->next[step] = builder->first_dep[step];
}

static void leave_step(Components *components, uint32_t step) {
  components->n_path--;
  if (components->n_path > 0) {
    uint32_t parent = components->path[components->n_path - 1];
    if (components->low[step] < components->low[parent])
      components->low[parent] = components->low[step];
  }
  if (components->low[step] != components->index[step]) return;
  for (uint32_t member = KR_NONE; member != step;) {
    member = components->stack[--components->n_stack];
    components->of[member] = components->n;
  }
  components->n++;
}

static void find_components(Components *components, const KrBuilder *builder) {
  // From the last one down: a chain of groups is followed by what adds it up, so few values live.
  for (uint32_t root = builder->n; root-- > 0;) {
    if (components->index[root] != 0) continue;
    enter_step(components, builder, root);
    while (components->n_path > 0) {
      uint32_t step = components->path[components->n_path - 1];
      if (components->next[step] == builder->first_dep[step + 1]) {
        leave_step(components, step);
        continue;
      }
      uint32_t dep = builder->deps[components->next[step]++];
      if (components->index[dep] == 0)
        enter_step(components, builder, dep);
      else if (components->of[dep] == KR_NONE && components->index[dep] < components->low[step])
        components->low[step] = components->index[dep];
    }
  }
}

static bool has_self_dep(const KrBuilder *builder, uint32_t step) {
  for (uint32_t i = builder->first_dep[step]; i < builder->first_dep[step + 1]; i++)
    if (builder->deps[i] == step) return true;
  return false;
}

// The newest n steps of the unit; what need not run tick by tick joins the segment before.
static void add_segment(KrBuilder *builder, uint32_t n, bool serial) {
  KrPlanUnit *unit = &builder->plan->units[builder->unit];
  KrPlanSegment *last = unit->n_segments > 0 ? &unit->segments[unit->n_segments - 1] : NULL;
  if (!serial && last != NULL && !last->serial)
    last->end = unit->n_steps;
  else
    KR_PUSH(builder->plan->arena, unit->segments, unit->n_segments, unit->cap_segments,
            ((KrPlanSegment){unit->n_steps - n, unit->n_steps, serial}));
}

/// The terms of sums that wait for their value and for the term before.
typedef struct Terms {
  uint32_t *first, *next; ///< per step: links 2 * term and 2 * term + 1 to what waits for it
  uint8_t *n_waits;
} Terms;

static Terms link_terms(const KrBuilder *builder) {
  KrArena *arena = builder->plan->arena;
  Terms terms = {KR_NEW_ARRAY(arena, uint32_t, builder->n),
                 KR_NEW_ARRAY(arena, uint32_t, 2 * (size_t)builder->n),
                 KR_NEW_ARRAY(arena, uint8_t, builder->n)};
  for (uint32_t i = 0; i < builder->n; i++) terms.first[i] = KR_NONE;
  for (uint32_t i = 0; i < builder->n; i++) {
    const KrPlanStep *step = &builder->steps[i];
    if (step->kind != KR_STEP_ADD) continue;
    uint32_t value = step->in[0];
    uint32_t on[2] = {step->after, value == KR_NONE ? KR_NONE : builder->value_step[value]};
    for (uint32_t k = 0; k < 2; k++) {
      if (on[k] == KR_NONE) continue;
      terms.next[2 * i + k] = terms.first[on[k]];
      terms.first[on[k]] = 2 * i + k;
      terms.n_waits[i]++;
    }
  }
  return terms;
}

// Steps of a component stand together, by key; a term follows as soon as it can, so that its value
// is free again.
static uint32_t *place_components(const KrBuilder *builder, const Components *components,
                                  const uint32_t *first, const uint32_t *members) {
  KrArena *arena = builder->plan->arena;
  Terms terms = link_terms(builder);
  uint32_t *order = KR_NEW_ARRAY(arena, uint32_t, components->n);
  uint32_t *stack = KR_NEW_ARRAY(arena, uint32_t, components->n + 1);
  uint8_t *placed = KR_NEW_ARRAY(arena, uint8_t, components->n);
  uint32_t n = 0;
  for (uint32_t root = 0; root < components->n; root++) {
    uint32_t n_stack = 0;
    if (!placed[root]) stack[n_stack++] = root;
    while (n_stack > 0) {
      uint32_t c = stack[--n_stack];
      placed[c] = 1;
      order[n++] = c;
      for (uint32_t i = first[c]; i < first[c + 1]; i++)
        for (uint32_t link = terms.first[members[i]]; link != KR_NONE; link = terms.next[link]) {
          uint32_t of = components->of[link / 2];
          if (--terms.n_waits[link / 2] > 0 || placed[of] || first[of + 1] - first[of] > 1)
            continue;
          stack[n_stack++] = of;
        }
    }
  }
  return order;
}

// Indices of the steps by key, equal ones as they were made.
static uint32_t *sort_by_key(const KrBuilder *builder) {
  KrArena *arena = builder->plan->arena;
  uint32_t n = builder->n, n_keys = 2;
  for (uint32_t i = 0; i < n; i++)
    if (builder->steps[i].key != UINT32_MAX && builder->steps[i].key + 2 > n_keys)
      n_keys = builder->steps[i].key + 2;
  uint32_t *begin = KR_NEW_ARRAY(arena, uint32_t, n_keys + 1);
  uint32_t *sorted = KR_NEW_ARRAY(arena, uint32_t, n);
  for (uint32_t pass = 0; pass < 2; pass++) {
    for (uint32_t i = 0; i < n; i++) {
      uint32_t key = builder->steps[i].key < n_keys - 1 ? builder->steps[i].key : n_keys - 1;
      if (pass == 0)
        begin[key + 1]++;
      else
        sorted[begin[key]++] = i;
    }
    for (uint32_t k = 0; pass == 0 && k < n_keys; k++) begin[k + 1] += begin[k];
  }
  return sorted;
}

static void order_steps(KrBuilder *builder) {
  KrArena *arena = builder->plan->arena;
  uint32_t n = builder->n;
  Components components = {KR_NEW_ARRAY(arena, uint32_t, n),
                           KR_NEW_ARRAY(arena, uint32_t, n),
                           KR_NEW_ARRAY(arena, uint32_t, n),
                           KR_NEW_ARRAY(arena, uint32_t, n),
                           KR_NEW_ARRAY(arena, uint32_t, n),
                           KR_NEW_ARRAY(arena, uint32_t, n),
                           0,
                           0,
                           0,
                           0};
  for (uint32_t i = 0; i < n; i++) components.of[i] = KR_NONE;
  find_components(&components, builder);
  uint32_t *first = KR_NEW_ARRAY(arena, uint32_t, components.n + 2);
  uint32_t *fill = KR_NEW_ARRAY(arena, uint32_t, components.n + 1);
  uint32_t *members = KR_NEW_ARRAY(arena, uint32_t, n), *sorted = sort_by_key(builder);
  for (uint32_t i = 0; i < n; i++) first[components.of[i] + 1]++;
  for (uint32_t c = 0; c < components.n; c++) first[c + 1] += first[c];
  for (uint32_t c = 0; c < components.n; c++) fill[c] = first[c];
  for (uint32_t i = 0; i < n; i++) members[fill[components.of[sorted[i]]]++] = sorted[i];
  uint32_t *order = place_components(builder, &components, first, members);
  KrPlanUnit *unit = &builder->plan->units[builder->unit];
  unit->steps = KR_NEW_ARRAY(arena, KrPlanStep, n);
  for (uint32_t c = 0; c < components.n; c++) {
    uint32_t begin = first[order[c]], end = first[order[c] + 1];
    bool serial = end - begin > 1 || has_self_dep(builder, members[begin]);
    for (uint32_t i = begin; i < end; i++)
      unit->steps[unit->n_steps++] = builder->steps[members[i]];
    add_segment(builder, end - begin, serial);
  }
}

static void build_unit(KrBuilder *builder, const uint32_t *nodes, uint32_t n) {
  builder->n = builder->n_deps = 0;
  for (uint32_t i = 0; i < n; i++) kr_builder_add_imports(builder, nodes[i]);
  add_constants(builder);
  for (uint32_t i = 0; i < n; i++) kr_builder_add_node(builder, nodes[i]);
  kr_builder_add_parts(builder);
  kr_builder_add_ring_lanes(builder, nodes, n);
  kr_builder_add_voices(builder);
  add_commits(builder);
  add_deps(builder);
  order_steps(builder);
  for (uint32_t i = 0; i < builder->n; i++)
    for (uint32_t k = 0; k < builder->steps[i].n_out; k++)
      builder->value_step[builder->steps[i].out + k] = KR_NONE;
}

/// The nodes of every unit in order of rank: unit u has at[begin[u]] … at[begin[u + 1] - 1].
typedef struct UnitNodes {
  uint32_t *at, *begin;
} UnitNodes;

static void list_flow(const KrPlan *plan, uint32_t index, uint32_t *by_rank) {
  const KrFlow *flow = &plan->graph->flows[index];
  for (uint32_t i = 0, node = flow->first_node; i < flow->n_nodes; i++) {
    by_rank[plan->node_rank[node]] = node;
    node = plan->graph->nodes[node].next_node;
  }
}

static UnitNodes list_nodes(const KrPlan *plan) {
  KrArena *arena = plan->arena;
  const KrGraph *graph = plan->graph;
  uint32_t *by_rank = KR_NEW_ARRAY(arena, uint32_t, graph->n_nodes);
  uint32_t *fill = KR_NEW_ARRAY(arena, uint32_t, plan->n_units);
  UnitNodes nodes = {KR_NEW_ARRAY(arena, uint32_t, graph->n_nodes),
                     KR_NEW_ARRAY(arena, uint32_t, plan->n_units + 1)};
  for (uint32_t i = 0; i < graph->n_nodes; i++)
    if (plan->node_unit[i] != KR_NONE) nodes.begin[plan->node_unit[i] + 1]++;
  for (uint32_t u = 0; u < plan->n_units; u++) {
    nodes.begin[u + 1] += nodes.begin[u];
    fill[u] = nodes.begin[u];
  }
  for (uint32_t f = 0; f < graph->n_flows; f++) {
    list_flow(plan, f, by_rank);
    for (uint32_t i = 0; i < graph->flows[f].n_nodes; i++)
      if (plan->node_unit[by_rank[i]] != KR_NONE)
        nodes.at[fill[plan->node_unit[by_rank[i]]]++] = by_rank[i];
  }
  return nodes;
}

static uint32_t *none_array(KrArena *arena, size_t n) {
  uint32_t *at = KR_NEW_ARRAY(arena, uint32_t, n);
  for (size_t i = 0; i < n; i++) at[i] = KR_NONE;
  return at;
}

static void build_units(KrPlan *plan) {
  KrArena *arena = plan->arena;
  const KrGraph *graph = plan->graph;
  UnitNodes nodes = list_nodes(plan);
  KrBuilder builder = {.plan = plan};
  builder.n_value_steps = 2 * plan->n_values + 1;
  builder.value_step = none_array(arena, builder.n_value_steps);
  builder.import_of = none_array(arena, plan->n_values + 1);
  builder.spread_of = none_array(arena, plan->n_values + 1);
  builder.commit_step = none_array(arena, graph->n_states + 1);
  builder.write_step = none_array(arena, graph->n_nodes + 1);
  // The last units first: what they import of others gets its ring before those are built.
  for (uint32_t u = plan->n_units; u-- > 0;) {
    builder.unit = u;
    build_unit(&builder, nodes.at + nodes.begin[u], nodes.begin[u + 1] - nodes.begin[u]);
  }
}

KrStatus kr_plan_units(KrPlan *plan) {
  KR_TRY(assign_units(plan));
  kr_plan_group(plan);
  KR_TRY(kr_plan_voices(plan));
  kr_plan_part(plan);
  kr_plan_component(plan);
  make_values(plan);
  make_parts(plan);
  make_rings(plan);
  build_units(plan);
  kr_plan_fuse(plan);
  return KR_OK;
}

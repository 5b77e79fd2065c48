// How far each flow runs ahead of program time (longest path over what readers need), and what each
// unit waits for before it may run a tick.
#include "sched/plan.h"

typedef struct Edge {
  uint32_t source, reader; ///< flows: L_source >= L_reader + weight
  int64_t weight;
  uint32_t node;
} Edge;
typedef struct Edges {
  KrPlan *plan;
  Edge *at;
  uint32_t n, cap;
  uint32_t reader; ///< node being looked at
} Edges;

bool kr_plan_is_aligned(const KrPlan *plan, uint32_t reader, uint32_t source) {
  const KrPlanFlow *r = &plan->flows[reader], *s = &plan->flows[source];
  return r->period % s->period == 0 && (r->phase - s->phase) % s->period == 0;
}

uint32_t kr_plan_sinc_half(const KrPlan *plan, const KrNode *node) {
  int64_t reader = plan->flows[node->flow].period;
  int64_t source = plan->flows[plan->graph->nodes[node->source.node].flow].period;
  uint64_t g = kr_gcd((uint64_t)reader, (uint64_t)source);
  return kr_sinc_half((uint64_t)reader / g, (uint64_t)source / g);
}

int64_t kr_plan_look_ahead(const KrPlan *plan, const KrNode *node) {
  uint32_t source = plan->graph->nodes[node->source.node].flow;
  if (node->kind != KR_NODE_CROSS || node->causal || node->mode == KR_MODE_NEAREST) return 0;
  int64_t period = plan->flows[source].period;
  bool aligned = kr_plan_is_aligned(plan, node->flow, source);
  if (node->mode == KR_MODE_SINC) {
    int64_t ahead;
    if (aligned && period == plan->flows[node->flow].period) return 0;
    return kr_mul_i64(kr_plan_sinc_half(plan, node), period, &ahead) ? ahead : INT64_MAX;
  }
  if (aligned) return 0;
  return node->mode == KR_MODE_LINEAR ? period : 2 * period;
}

static void visit_emitters(const KrPlan *plan, uint32_t events, uint8_t *seen,
                           void (*each)(void *, uint32_t), void *user) {
  if (seen[events]) return;
  seen[events] = 1;
  const KrEvents *stream = &plan->graph->events[events];
  for (uint32_t i = 0; i < plan->graph->n_nodes && stream->kind == KR_EVENTS_SIGNAL; i++)
    if (plan->graph->nodes[i].kind == KR_NODE_EMIT && plan->graph->nodes[i].events == events)
      each(user, i);
  for (uint32_t i = 0; i < stream->n_sources; i++)
    visit_emitters(plan, stream->sources[i], seen, each, user);
}

void kr_plan_emitters(const KrPlan *plan, uint32_t events, void (*each)(void *, uint32_t),
                      void *user) {
  uint8_t *seen = KR_NEW_ARRAY(plan->arena, uint8_t, plan->graph->n_events);
  visit_emitters(plan, events, seen, each, user);
}

static void note_emitter(void *user, uint32_t emit) { *(bool *)user |= emit != KR_NONE; }

bool kr_plan_is_emitted(const KrPlan *plan, uint32_t events) {
  bool is_emitted = false;
  kr_plan_emitters(plan, events, note_emitter, &is_emitted);
  return is_emitted;
}

static void add_edge(Edges *edges, uint32_t source, uint32_t reader, int64_t weight,
                     uint32_t node) {
  if (source == reader && weight <= 0) return;
  KR_PUSH(edges->plan->arena, edges->at, edges->n, edges->cap,
          ((Edge){source, reader, weight, node}));
}

static void add_emitter_edge(void *user, uint32_t emit) {
  Edges *edges = user;
  const KrPlan *plan = edges->plan;
  const KrNode *node = &plan->graph->nodes[edges->reader];
  add_edge(edges, plan->graph->nodes[emit].flow, node->flow,
           kr_signal_ahead(node) * plan->flows[node->flow].period, edges->reader);
}

static void add_state_edges(Edges *edges, uint32_t index) {
  const KrNode *node = &edges->plan->graph->nodes[index];
  const KrPlanState *state = &edges->plan->states[node->state];
  for (uint32_t i = 0; i < state->n_writers; i++)
    add_edge(edges, edges->plan->graph->nodes[state->writers[i]].flow, node->flow, 0, index);
}

static void add_source_edge(Edges *edges, uint32_t index) {
  const KrPlan *plan = edges->plan;
  const KrNode *node = &plan->graph->nodes[index];
  uint32_t source = plan->graph->nodes[node->source.node].flow;
  if (source == node->flow) return;
  int64_t weight = kr_plan_look_ahead(plan, node);
  int64_t later = plan->flows[source].phase - plan->flows[node->flow].phase;
  if (later > weight) weight = later;
  add_edge(edges, source, node->flow, weight, index);
}

static void collect_edges(Edges *edges) {
  const KrPlan *plan = edges->plan;
  for (uint32_t i = 0; i < plan->graph->n_nodes; i++) {
    const KrNode *node = &plan->graph->nodes[i];
    if (plan->node_unit[i] == KR_NONE) continue;
    edges->reader = i;
    if (kr_node_reads_source(node))
      add_source_edge(edges, i);
    else if (node->kind == KR_NODE_STATE_READ)
      add_state_edges(edges, i);
    else if (kr_node_takes_events(node))
      kr_plan_emitters(plan, node->events, add_emitter_edge, edges);
  }
}

static const char *reading_text(const KrNode *node) {
  static const char *const mode[] = {"nearest", "linear", "cubic", "sinc"};
  if (node->kind == KR_NODE_CROSS) return mode[node->mode];
  if (node->kind == KR_NODE_SIGNAL) return "to_signal(mode=sinc)";
  return node->kind == KR_NODE_READ ? "reading" : "a window";
}

// `via` leads from a flow to the edge that last raised it; `flow` lies behind a positive cycle.
static KrStatus report_cycle(const Edges *edges, const uint32_t *via, uint32_t flow) {
  const KrPlan *plan = edges->plan;
  const KrGraph *graph = plan->graph;
  for (uint32_t i = 0; i < graph->n_flows; i++) flow = edges->at[via[flow]].reader;
  uint32_t first = flow, at = flow;
  const Edge *widest = &edges->at[via[flow]];
  int64_t total = 0;
  do {
    const Edge *edge = &edges->at[via[at]];
    total += edge->weight;
    if (edge->weight > widest->weight) widest = edge;
    at = edge->reader;
    if (at < first) first = at;
  } while (at != flow);
  KrRatio seconds = KR_RATIO_ZERO;
  if (kr_ratio_mul(kr_ratio_of(total), kr_ratio_of(1000), &seconds) != KR_OK ||
      kr_ratio_div(seconds, plan->grid.frequency, &seconds) != KR_OK)
    return KR_ERROR_OVERFLOW;
  KrBuffer text;
  kr_buffer_init(&text, plan->arena);
  kr_buffer_print(&text, "%s inside the cycle ", reading_text(&graph->nodes[widest->node]));
  at = first;
  do {
    kr_buffer_print(&text, "%t -> ", graph->flows[at].name);
    at = edges->at[via[at]].reader;
  } while (at != first);
  kr_buffer_print(&text, "%t needs %r ms of future", graph->flows[first].name, seconds.num,
                  seconds.den);
  *plan->error = (KrGraphError){graph->flows[first].origin, text.at,
                                "use `nearest`, `align=causal` or `@state`"};
  return KR_ERROR_PROGRAM;
}

KrStatus kr_plan_leads(KrPlan *plan) {
  Edges edges = {.plan = plan};
  uint32_t n_flows = plan->graph->n_flows;
  collect_edges(&edges);
  uint32_t *via = KR_NEW_ARRAY(plan->arena, uint32_t, n_flows);
  bool moved = true;
  uint32_t last = 0;
  for (uint32_t pass = 0; moved; pass++) {
    if (pass > n_flows) return report_cycle(&edges, via, last);
    moved = false;
    for (uint32_t i = 0; i < edges.n; i++) {
      const Edge *edge = &edges.at[i];
      int64_t lead;
      if (!kr_add_i64(plan->flows[edge->reader].lead, edge->weight, &lead))
        return KR_ERROR_OVERFLOW;
      if (lead <= plan->flows[edge->source].lead) continue;
      plan->flows[edge->source].lead = lead;
      via[edge->source] = i;
      last = edge->source;
      moved = true;
    }
  }
  return KR_OK;
}

static void add_need(KrPlan *plan, uint32_t unit, KrPlanNeed need) {
  KrPlanUnit *u = &plan->units[unit];
  if (need.unit == KR_NONE) return;
  for (uint32_t i = 0; i < u->n_needs; i++) {
    KrPlanNeed *old = &u->needs[i];
    if (old->unit != need.unit || old->least != need.least || old->first != need.first) continue;
    if (need.base < old->base) old->base = need.base;
    return;
  }
  KR_PUSH(plan->arena, u->needs, u->n_needs, u->cap_needs, need);
  KrPlanUnit *source = &plan->units[need.unit];
  for (uint32_t i = 0; i < source->n_dependents; i++)
    if (source->dependents[i] == unit) return;
  KR_PUSH(plan->arena, source->dependents, source->n_dependents, source->cap_dependents, unit);
}

static const KrPlanFlow *unit_flow(const KrPlan *plan, uint32_t unit) {
  return &plan->flows[plan->units[unit].flow];
}

// Source tick k is needed from reader time phase + shift + k * period on (linear and cubic:
// earlier).
static void add_source_need(KrPlan *plan, uint32_t index) {
  const KrNode *node = &plan->graph->nodes[index];
  uint32_t unit = plan->node_unit[index];
  uint32_t source = plan->values[kr_plan_value(plan, node->source)].unit;
  if (source == unit) return;
  const KrPlanFlow *flow = unit_flow(plan, source);
  int64_t ahead = kr_plan_look_ahead(plan, node);
  KrPlanNeed need = {source, flow->phase - 1, INT64_MIN, true};
  if (ahead > 0 && node->mode == KR_MODE_SINC) {
    need.base = flow->phase - ahead - 1;
  } else if (ahead > 0) {
    need.base = flow->phase - ahead;
    need.least = flow->phase;
  }
  add_need(plan, unit, need);
}

static void add_emitter_need(void *user, uint32_t emit) {
  Edges *edges = user;
  KrPlan *plan = edges->plan;
  const KrNode *node = &plan->graph->nodes[edges->reader];
  uint32_t source = plan->node_unit[emit], unit = plan->node_unit[edges->reader];
  if (source == unit) return;
  int64_t ahead = kr_signal_ahead(node) * plan->flows[node->flow].period;
  add_need(plan, unit,
           (KrPlanNeed){source, unit_flow(plan, source)->phase - ahead - 1, INT64_MIN, false});
}

static void add_state_needs(KrPlan *plan, uint32_t index) {
  const KrNode *node = &plan->graph->nodes[index];
  const KrPlanState *state = &plan->states[node->state];
  if (state->sole == node->flow) return;
  for (uint32_t i = 0; i < state->n_writers; i++) {
    uint32_t source = plan->node_unit[state->writers[i]];
    add_need(plan, plan->node_unit[index],
             (KrPlanNeed){source, unit_flow(plan, source)->phase, INT64_MIN, false});
  }
}

// Copies of another unit's values: the same tick, or the one before for PREV.
static void add_import_needs(KrPlan *plan, uint32_t unit) {
  const KrPlanUnit *u = &plan->units[unit];
  for (uint32_t i = 0; i < u->n_steps; i++) {
    const KrPlanStep *step = &u->steps[i];
    bool is_prev =
        step->kind == KR_STEP_NODE && plan->graph->nodes[step->node].kind == KR_NODE_PREV;
    bool reads = step->kind == KR_STEP_IMPORT || step->kind == KR_STEP_ADD || is_prev;
    if (!reads || step->ring == KR_NONE) continue;
    uint32_t source = plan->rings[step->ring].unit;
    int64_t base = unit_flow(plan, source)->phase - (is_prev ? 0 : 1);
    add_need(plan, unit, (KrPlanNeed){source, base, INT64_MIN, !is_prev});
  }
}

void kr_plan_needs(KrPlan *plan) {
  Edges edges = {.plan = plan};
  for (uint32_t i = 0; i < plan->graph->n_nodes; i++) {
    const KrNode *node = &plan->graph->nodes[i];
    if (plan->node_unit[i] == KR_NONE) continue;
    edges.reader = i;
    if (kr_node_reads_source(node))
      add_source_need(plan, i);
    else if (node->kind == KR_NODE_STATE_READ)
      add_state_needs(plan, i);
    else if (kr_node_takes_events(node))
      kr_plan_emitters(plan, node->events, add_emitter_need, &edges);
  }
  for (uint32_t u = 0; u < plan->n_units; u++) add_import_needs(plan, u);
}

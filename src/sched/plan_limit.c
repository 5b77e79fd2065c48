// What a plan refuses because no machine or no 63-bit count of grid ticks would hold it: times past
// a year, memory past a few GiB. Decided before anything large is taken.
#include "sched/plan.h"

static const double MAX_BYTES = 8.0 * 1073741824.0;       ///< of a whole program
static const double MAX_TABLE_BYTES = 0.5 * 1073741824.0; ///< of one sinc crossing
/// A year: sixteen of them and some still fit the 100 years the grid admits.
static const KrRatio max_seconds = {31557600, 1};

static KrStatus fail(KrPlan *plan, KrOrigin origin, const char *message, const char *hint) {
  *plan->error = (KrGraphError){origin, message, hint};
  return KR_ERROR_PROGRAM;
}

// A reader walks the tree of the streams its events come from, one level inside the other.
static KrStatus check_events(KrPlan *plan) {
  enum { MAX_LEVELS = 1000, MAX_BRANCHES = 100000 };
  const KrGraph *graph = plan->graph;
  uint32_t *n_levels = KR_NEW_ARRAY(plan->arena, uint32_t, graph->n_events);
  uint32_t *n_branches = KR_NEW_ARRAY(plan->arena, uint32_t, graph->n_events);
  for (uint32_t e = 0; e < graph->n_events; e++) {
    const KrEvents *stream = &graph->events[e];
    uint64_t branches = 1;
    for (uint32_t i = 0; i < stream->n_sources; i++) {
      uint32_t source = stream->sources[i]; // made before what it flows into
      branches += n_branches[source];
      if (n_levels[source] > n_levels[e]) n_levels[e] = n_levels[source];
    }
    n_levels[e]++;
    n_branches[e] = (uint32_t)(branches > MAX_BRANCHES ? MAX_BRANCHES + 1 : branches);
    if (n_branches[e] > MAX_BRANCHES)
      return fail(plan, stream->origin, "these events come together from more than 100000 branches",
                  "merge each stream once");
    if (n_levels[e] > MAX_LEVELS)
      return fail(plan, stream->origin, "these events pass through more than 1000 streams",
                  "do more in one `map` or `filter`");
  }
  return KR_OK;
}

KrStatus kr_plan_check_clocks(KrPlan *plan) {
  const KrGraph *graph = plan->graph;
  KR_TRY(check_events(plan));
  for (uint32_t i = 0; i < graph->n_flows; i++) {
    const KrFlow *flow = &graph->flows[i];
    const char *what = NULL;
    if (kr_ratio_compare(flow->clock.dt, max_seconds) > 0) what = "dt";
    if (kr_ratio_compare(flow->clock.phase, max_seconds) > 0) what = "phase";
    if (what == NULL) continue;
    return fail(
        plan, flow->origin,
        kr_text_print(plan->arena, "the %s of flow `%t` is longer than a year", what, flow->name),
        "a year is 8766h");
  }
  for (uint32_t e = 0; e < graph->n_events; e++)
    if (graph->events[e].kind == KR_EVENTS_DELAY &&
        kr_ratio_compare(graph->events[e].period, max_seconds) > 0)
      return fail(plan, graph->events[e].origin, "events are delayed by more than a year", NULL);
  for (uint32_t i = 0; i < graph->n_nodes; i++)
    if (graph->nodes[i].kind == KR_NODE_WINDOW &&
        kr_ratio_compare(graph->nodes[i].window, max_seconds) > 0)
      return fail(plan, graph->nodes[i].origin, "the window is longer than a year", NULL);
  return KR_OK;
}

KrStatus kr_plan_check_leads(KrPlan *plan) {
  const KrGraph *graph = plan->graph;
  for (uint32_t i = 0; i < graph->n_flows; i++) {
    if (kr_ratio_compare(kr_plan_lead(plan, i), max_seconds) <= 0) continue;
    return fail(plan, graph->flows[i].origin,
                kr_text_print(plan->arena,
                              "flow `%t` would run more than a year ahead of its readers",
                              graph->flows[i].name),
                "use `nearest` or `align=causal` where it is read");
  }
  return KR_OK;
}

/// Bytes so far, and the part that takes most.
typedef struct Sum {
  KrPlan *plan;
  double n_bytes, most;
  KrOrigin origin;
  const char *what;
} Sum;

static void add(Sum *sum, double n_bytes, KrOrigin origin, const char *what) {
  sum->n_bytes += n_bytes;
  if (n_bytes <= sum->most) return;
  sum->most = n_bytes;
  sum->origin = origin;
  sum->what = what;
}

static const char *size_text(KrPlan *plan, double n_bytes) {
  if (n_bytes > 1e18) return "more than a billion GiB";
  uint64_t tenths = (uint64_t)(n_bytes / 1073741824.0 * 10);
  return kr_text_print(plan->arena, "%llu.%llu GiB", (unsigned long long)(tenths / 10),
                       (unsigned long long)(tenths % 10));
}

static KrStatus judge(const Sum *sum) {
  KrPlan *plan = sum->plan;
  if (sum->n_bytes <= MAX_BYTES) return KR_OK;
  return fail(
      plan, sum->origin,
      kr_text_print(plan->arena, "the program needs %s, a program may take %s",
                    size_text(plan, sum->n_bytes), size_text(plan, MAX_BYTES)),
      kr_text_print(plan->arena, "%s alone takes %s", sum->what, size_text(plan, sum->most)));
}

static double type_bytes(const KrType *type) {
  double n = (double)type->dim[0] * type->dim[1] * type->dim[2];
  if (type->shape == KR_SHAPE_SCALAR) n = 1;
  if (type->shape == KR_SHAPE_VECTOR) n = type->dim[0];
  if (type->shape == KR_SHAPE_SPECTRUM) n = 2.0 * type->dim[0];
  if (type->shape == KR_SHAPE_IMAGE) n = 4.0 * type->dim[0] * type->dim[1];
  return n * kr_elem_bytes(type->elem);
}

// Of the node that has the value at its outputs; of none for a copy.
static KrOrigin value_origin(const KrPlan *plan, uint32_t value) {
  uint32_t low = 0, high = plan->graph->n_nodes;
  while (high - low > 1) {
    uint32_t middle = low + (high - low) / 2;
    if (plan->first_value[middle] <= value)
      low = middle;
    else
      high = middle;
  }
  return plan->graph->n_nodes == 0 ? (KrOrigin){0, 0, 0} : plan->graph->nodes[low].origin;
}

KrStatus kr_plan_check_values(KrPlan *plan) {
  Sum sum = {.plan = plan, .most = -1};
  for (uint32_t i = 0; i < plan->n_values; i++)
    add(&sum, type_bytes(&plan->values[i].type), value_origin(plan, i), "this value");
  return judge(&sum);
}

static void add_fields(Sum *sum, const KrPlanStep *step) {
  const KrNode *node = &sum->plan->graph->nodes[step->node];
  if (step->kind != KR_STEP_NODE || node->kind != KR_NODE_OP) return;
  KrPrep prep = kr_plan_prep(sum->plan, step->node, sum->plan->arena);
  double n_bytes = 0;
  for (uint32_t f = 0; f < kr_op_fields(node->op); f++) {
    uint64_t count = node->op->field[f].count;
    if (count == 0 && node->op->count != NULL) count = node->op->count(&prep, f);
    n_bytes += (double)count * kr_step_field_bytes(node, f);
  }
  add(sum, n_bytes, node->origin, kr_text_print(sum->plan->arena, "`%s`", node->op->name));
}

static void add_source(Sum *sum, const KrPlanStep *step) {
  KrPlan *plan = sum->plan;
  const KrNode *node = &plan->graph->nodes[step->node];
  if (step->kind != KR_STEP_NODE || !kr_node_reads_source(node)) return;
  const KrPlanRing *ring = &plan->rings[step->ring];
  // The ring is counted once; here is who made it long.
  double n_bytes = (double)ring->cap * (double)plan->values[ring->value].n_bytes;
  if (n_bytes > sum->most) {
    sum->most = n_bytes;
    sum->origin = node->origin;
    sum->what = "what is kept for this read";
  }
  if (node->kind == KR_NODE_WINDOW || node->kind == KR_NODE_HISTORY)
    add(sum, 8 * (double)ring->n_back, node->origin, "what is kept for this read");
}

// Rows and columns of a windowed-sinc table at most; see kr_sinc_new.
static double table_bytes(const KrPlan *plan, const KrNode *node) {
  enum { MAX_ROWS = 4097 };
  if (node->kind != KR_NODE_CROSS || node->mode != KR_MODE_SINC) return 0;
  uint32_t source = plan->graph->nodes[node->source.node].flow;
  int64_t reader_period = plan->flows[node->flow].period, period = plan->flows[source].period;
  uint64_t g = kr_gcd((uint64_t)reader_period, (uint64_t)period);
  uint64_t n_rows = (uint64_t)period / g;
  double rows = (double)n_rows;
  return (rows < MAX_ROWS ? rows : MAX_ROWS) * 16 * (double)kr_plan_sinc_half(plan, node);
}

static KrStatus check_table(KrPlan *plan, const KrPlanStep *step) {
  if (step->kind != KR_STEP_NODE) return KR_OK;
  const KrNode *node = &plan->graph->nodes[step->node];
  double n_bytes = table_bytes(plan, node);
  if (n_bytes <= MAX_TABLE_BYTES) return KR_OK;
  return fail(plan, node->origin,
              kr_text_print(plan->arena,
                            "mode=sinc needs a table of %s between these rates, the limit is %s",
                            size_text(plan, n_bytes), size_text(plan, MAX_TABLE_BYTES)),
              "a window operator (`mean`, `rms`, …) or a rate between costs less");
}

static void add_shared(Sum *sum) {
  KrPlan *plan = sum->plan;
  const KrGraph *graph = plan->graph;
  for (uint32_t r = 0; r < plan->n_rings; r++) {
    const KrPlanRing *ring = &plan->rings[r];
    add(sum, (double)ring->cap * (double)plan->values[ring->value].n_bytes,
        value_origin(plan, ring->value), "what is kept of this stream");
  }
  for (uint32_t s = 0; s < graph->n_states; s++) {
    double n = (double)plan->states[s].cap;
    for (uint32_t w = 0; w < plan->states[s].n_writers; w++)
      n += (double)plan->states[s].log_cap[w];
    add(sum, n * 16, graph->states[s].origin, "this state");
  }
  for (uint32_t e = 0; e < graph->n_events; e++)
    add(sum,
        (double)plan->queue_cap[e] *
            (double)(sizeof(KrRunEvent) + graph->events[e].n_fields * sizeof(KrEventValue)),
        graph->events[e].origin, "the queue of these events");
  // Large values have a slot of their own; small ones that share one do not matter.
  uint8_t *counted = KR_NEW_ARRAY(plan->arena, uint8_t, plan->n_slots);
  for (uint32_t i = 0; i < plan->n_values; i++) {
    uint32_t slot = plan->values[i].slot;
    if (slot == KR_NONE || counted[slot]) continue;
    counted[slot] = 1;
    add(sum, (double)plan->slot_bytes[slot], value_origin(plan, i), "this value");
  }
}

KrStatus kr_plan_check_bytes(KrPlan *plan) {
  Sum sum = {.plan = plan, .most = -1};
  add_shared(&sum);
  for (uint32_t u = 0; u < plan->n_units; u++)
    for (uint32_t i = 0; i < plan->units[u].n_steps; i++) {
      const KrPlanStep *step = &plan->units[u].steps[i];
      KR_TRY(check_table(plan, step));
      add_fields(&sum, step);
      add_source(&sum, step);
    }
  return judge(&sum);
}

// Graph to static schedule: grid, order, units, leads, rings and their sizes; every count a run
// needs.
#include "sched/plan.h"

/// Grid ticks, so that sums with leads and phases fit.
static const int64_t MAX_STEP_GRID = INT64_MAX / 16;
enum { FASTEST_STEP_TICKS = 2048, MAX_CELL_BYTES = 1 << 22, RING_BUDGET_BYTES = 64 << 20 };

KrPrep kr_plan_prep(const KrPlan *plan, uint32_t index, KrArena *scratch) {
  const KrNode *node = &plan->graph->nodes[index];
  KrRatio dt = node->flow == KR_NONE ? KR_RATIO_ONE : plan->flows[node->flow].inner_dt;
  return (KrPrep){.op = node->op,
                  .elem = node->elem,
                  .dt = dt,
                  .port = node->port,
                  .type = node->type,
                  .seed = plan->graph->seed,
                  .path = node->path,
                  .lanes = 1,
                  .arena = scratch,
                  .shared = plan->shared};
}

uint32_t kr_step_field_bytes(const KrNode *node, uint32_t field) {
  int elem = node->op->field[field].elem;
  return kr_elem_bytes(elem == KR_ELEM_CALL ? node->elem : (KrElem)elem);
}

KrStatus kr_op_prepare(const KrOp *op, KrPrep *prep, const char **message) {
  jmp_buf here;
  if (op->prepare == NULL) return KR_OK;
  KrArena *const kept = prep->shared != NULL ? prep->shared->arena : prep->arena;
  jmp_buf *const outer = kept->escape;
  prep->arena->escape = kept->escape = &here;
  if (setjmp(here) != 0) {
    kept->escape = outer;
    return KR_ERROR_MEMORY;
  }
  KrStatus status = op->prepare(prep, message);
  kept->escape = outer;
  return status;
}

static KrStatus fail(KrPlan *plan, KrOrigin origin, const char *message, const char *hint) {
  *plan->error = (KrGraphError){origin, message, hint};
  return KR_ERROR_PROGRAM;
}

static KrStatus report_clash(KrPlan *plan, const KrClock *clocks, uint32_t a, uint32_t b) {
  const KrGraph *graph = plan->graph;
  KrRatio rate_a = KR_RATIO_ZERO, rate_b = KR_RATIO_ZERO, near;
  uint32_t last = a > b ? a : b, n = 0;
  KR_TRY(kr_ratio_div(KR_RATIO_ONE, clocks[a].dt, &rate_a));
  KR_TRY(kr_ratio_div(KR_RATIO_ONE, clocks[b].dt, &rate_b));
  KrClock *others = KR_NEW_ARRAY(plan->arena, KrClock, graph->n_flows);
  for (uint32_t i = 0; i < graph->n_flows; i++)
    if (i != last) others[n++] = clocks[i];
  const char *message = kr_text_print(
      plan->arena, "flows `%t` at %r Hz and `%t` at %r Hz have no common grid",
      graph->flows[a].name, rate_a.num, rate_a.den, graph->flows[b].name, rate_b.num, rate_b.den);
  const char *hint = "choose rates with a smaller common multiple";
  if (kr_grid_nearest_dt(others, n, clocks[last].dt, &near) == KR_OK)
    hint = kr_text_print(plan->arena, "the nearest dt that fits is %r", near.num, near.den);
  return fail(plan, graph->flows[last].origin, message, hint);
}

static KrStatus make_grid(KrPlan *plan) {
  const KrGraph *graph = plan->graph;
  KrClock *clocks = KR_NEW_ARRAY(plan->arena, KrClock, graph->n_flows);
  uint32_t a = 0, b = 0;
  for (uint32_t i = 0; i < graph->n_flows; i++) clocks[i] = graph->flows[i].clock;
  KrStatus status = graph->n_flows == 0 ? KR_ERROR_ARGUMENT
                                        : kr_grid_make(clocks, graph->n_flows, &plan->grid, &a, &b);
  if (graph->n_flows == 0)
    plan->grid = (KrGrid){KR_RATIO_ONE, KR_RATIO_ONE};
  else if (status == KR_ERROR_LIMIT || status == KR_ERROR_OVERFLOW)
    return report_clash(plan, clocks, a, b);
  else
    KR_TRY(status);
  for (uint32_t i = 0; i < graph->n_flows; i++) {
    KrPlanFlow *flow = &plan->flows[i];
    KR_TRY(kr_grid_ticks(&plan->grid, clocks[i].dt, &flow->period));
    KR_TRY(kr_grid_ticks(&plan->grid, clocks[i].phase, &flow->phase));
    uint32_t substeps = graph->flows[i].substeps;
    KR_TRY(kr_ratio_div(clocks[i].dt, kr_ratio_of(substeps > 1 ? substeps : 1), &flow->inner_dt));
  }
  return KR_OK;
}

static KrStatus make_order(KrPlan *plan) {
  KR_TRY(kr_graph_order(plan->graph, plan->arena, &plan->order, plan->error));
  for (uint32_t i = 0; i < plan->graph->n_flows; i++) plan->flows[plan->order[i]].index = i;
  return KR_OK;
}

// Writers by topological index of their flow, then in the text's order; insertion keeps it simple.
static void add_writer(KrPlan *plan, KrPlanState *state, uint32_t node) {
  const KrGraph *graph = plan->graph;
  KR_PUSH(plan->arena, state->writers, state->n_writers, state->cap_writers, node);
  uint32_t index = plan->flows[graph->nodes[node].flow].index, i = state->n_writers - 1;
  while (i > 0 && plan->flows[graph->nodes[state->writers[i - 1]].flow].index > index) {
    state->writers[i] = state->writers[i - 1];
    i--;
  }
  state->writers[i] = node;
}

static void find_writers(KrPlan *plan) {
  const KrGraph *graph = plan->graph;
  for (uint32_t i = 0; i < graph->n_nodes; i++)
    if (graph->nodes[i].kind == KR_NODE_STATE_WRITE)
      add_writer(plan, &plan->states[graph->nodes[i].state], i);
  for (uint32_t s = 0; s < graph->n_states; s++) {
    KrPlanState *state = &plan->states[s];
    state->sole = KR_NONE;
    for (uint32_t i = 0; i < state->n_writers; i++) {
      uint32_t flow = graph->nodes[state->writers[i]].flow;
      if (i == 0 || flow != graph->nodes[state->writers[i - 1]].flow) state->n_writer_flows++;
      state->sole = state->n_writer_flows == 1 ? flow : KR_NONE;
    }
  }
}

// Readers that need versions: flows that are not the sole writer. One cursor per reading node.
static void find_readers(KrPlan *plan) {
  for (uint32_t u = 0; u < plan->n_units; u++)
    for (uint32_t i = 0; i < plan->units[u].n_steps; i++) {
      KrPlanStep *step = &plan->units[u].steps[i];
      if (step->kind != KR_STEP_NODE) continue;
      const KrNode *node = &plan->graph->nodes[step->node];
      if (node->kind != KR_NODE_STATE_READ) continue;
      KrPlanState *state = &plan->states[node->state];
      step->reads_versions = state->sole != node->flow;
      if (!step->reads_versions) continue;
      step->cursor = state->n_cursors;
      KR_PUSH(plan->arena, state->readers, state->n_cursors, state->cap_readers, node->flow);
    }
}

static void size_tiles(KrPlan *plan) {
  for (uint32_t u = 0; u < plan->n_units; u++) {
    KrPlanUnit *unit = &plan->units[u];
    size_t large = 0;
    for (uint32_t i = 0; i < unit->n_steps; i++)
      for (uint32_t k = 0; k < unit->steps[i].n_out; k++) {
        const KrPlanValue *value = &plan->values[unit->steps[i].out + k];
        if (value->type.shape != KR_SHAPE_SCALAR) large += value->n_bytes;
      }
    unit->tile = KR_TILE;
    while (unit->tile > 1 && large * unit->tile > MAX_CELL_BYTES) unit->tile /= 2;
    if (plan->graph->flows[unit->flow].substeps > 1) unit->tile = 1;
  }
}

static uint64_t ring_cap(const KrPlan *plan, uint32_t flow, int64_t n_back, int64_t step) {
  const KrPlanFlow *f = &plan->flows[flow];
  return kr_power_of_two((uint64_t)((step + f->lead) / f->period + n_back + 3));
}

static void size_rings(KrPlan *plan, int64_t step, double *n_bytes) {
  for (uint32_t r = 0; r < plan->n_rings; r++) {
    KrPlanRing *ring = &plan->rings[r];
    ring->cap = ring_cap(plan, plan->units[ring->unit].flow, ring->n_back, step);
    *n_bytes += (double)ring->cap * (double)plan->values[ring->value].n_bytes;
  }
}

static void size_states(KrPlan *plan, int64_t step) {
  const KrGraph *graph = plan->graph;
  for (uint32_t s = 0; s < graph->n_states; s++) {
    KrPlanState *state = &plan->states[s];
    uint64_t total = 2;
    state->log_cap = KR_NEW_ARRAY(plan->arena, uint64_t, state->n_writers);
    for (uint32_t i = 0; i < state->n_writers; i++) {
      uint32_t flow = graph->nodes[state->writers[i]].flow;
      state->log_cap[i] = ring_cap(plan, flow, 1, step);
      if (i == 0 || graph->nodes[state->writers[i - 1]].flow != flow) total += state->log_cap[i];
    }
    state->cap = state->n_cursors > 0 || state->n_writer_flows > 1 ? kr_power_of_two(total) : 0;
  }
}

typedef struct QueueSize {
  const KrPlan *plan;
  int64_t step, delay;
  uint64_t cap;
  uint32_t n_emits;
} QueueSize;

static void size_emitter(void *user, uint32_t emit) {
  QueueSize *size = user;
  const KrPlanFlow *flow = &size->plan->flows[size->plan->graph->nodes[emit].flow];
  size->cap =
      kr_power_of_two((uint64_t)((size->step + flow->lead + size->delay) / flow->period + 4));
  size->n_emits++;
}

// Delays and slow readers hold events back: a queue keeps what the longest chain of them may still
// need.
static KrStatus size_queues(KrPlan *plan, int64_t step) {
  const KrGraph *graph = plan->graph;
  int64_t delay = 0;
  for (uint32_t e = 0; e < graph->n_events; e++) {
    KrRatio ticks;
    if (graph->events[e].kind != KR_EVENTS_DELAY) continue;
    KR_TRY(kr_ratio_mul(graph->events[e].period, plan->grid.frequency, &ticks));
    if (ticks.num > 0 && !kr_add_i64(delay, kr_ratio_ceil(ticks), &delay)) return KR_ERROR_OVERFLOW;
  }
  int64_t slowest = 0;
  for (uint32_t i = 0; i < graph->n_nodes; i++) {
    const KrNode *node = &graph->nodes[i];
    if (kr_node_takes_events(node) && plan->flows[node->flow].period > slowest)
      slowest = plan->flows[node->flow].period;
  }
  if (!kr_add_i64(delay, slowest, &delay)) return KR_ERROR_OVERFLOW;
  for (uint32_t e = 0; e < graph->n_events; e++) {
    if (graph->events[e].kind != KR_EVENTS_SIGNAL) continue;
    QueueSize size = {plan, step, delay, 4096, 0};
    kr_plan_emitters(plan, e, size_emitter, &size);
    if (size.n_emits > 1)
      return fail(plan, graph->events[e].origin, "an event stream has more than one emitter", NULL);
    plan->queue_cap[e] = size.cap;
  }
  return KR_OK;
}

static KrStatus find_step(const KrPlan *plan, const KrPlanOptions *options, int64_t *step) {
  if (options->step.num > 0) {
    KrRatio ticks;
    KR_TRY(kr_ratio_mul(options->step, plan->grid.frequency, &ticks));
    *step = kr_ratio_ceil(ticks);
    return KR_OK;
  }
  int64_t fastest = INT64_MAX;
  for (uint32_t i = 0; i < plan->graph->n_flows; i++)
    if (plan->flows[i].period < fastest) fastest = plan->flows[i].period;
  if (fastest == INT64_MAX) fastest = 1;
  // A clock has at most a year a tick: one fits where many do not.
  if (!kr_mul_i64(fastest, FASTEST_STEP_TICKS, step) || *step > MAX_STEP_GRID) *step = fastest;
  return KR_OK;
}

// The step is halved while the rings would be large; it never shows in a result.
static KrStatus size_all(KrPlan *plan, const KrPlanOptions *options) {
  int64_t step;
  KR_TRY(find_step(plan, options, &step));
  double n_bytes = 0;
  size_rings(plan, step, &n_bytes);
  while (options->step.num <= 0 && n_bytes > RING_BUDGET_BYTES && step > 1) {
    step /= 2;
    n_bytes = 0;
    size_rings(plan, step, &n_bytes);
  }
  plan->step_grid = step;
  KR_TRY(kr_ratio_div(kr_ratio_of(step), plan->grid.frequency, &plan->step));
  if (options->step.num > 0) plan->step = options->step;
  size_states(plan, step);
  return size_queues(plan, step);
}

static KrStatus prepare_sinc(KrPlan *plan, KrPlanStep *step, const KrNode *node) {
  const KrClock *reader = &plan->graph->flows[node->flow].clock;
  const KrClock *source = &plan->graph->flows[plan->graph->nodes[node->source.node].flow].clock;
  KrStepper stepper;
  KrRatio ratio;
  KR_TRY(kr_stepper_init(&stepper, reader, source, step->shift, 0));
  KR_TRY(kr_ratio_div(reader->dt, source->dt, &ratio));
  step->n_back = kr_plan_sinc_half(plan, node) - 1;
  step->sinc = kr_sinc_new(plan->arena, (uint64_t)ratio.num, (uint64_t)ratio.den, stepper.den);
  return KR_OK;
}

static KrStatus prepare_cross(KrPlan *plan, KrPlanStep *step, const KrNode *node) {
  const KrClock *source = &plan->graph->flows[plan->graph->nodes[node->source.node].flow].clock;
  int64_t ticks = node->mode == KR_MODE_CUBIC ? 2 : node->mode == KR_MODE_LINEAR;
  if (node->mode == KR_MODE_SINC) ticks = kr_plan_sinc_half(plan, node);
  step->shift = KR_RATIO_ZERO;
  if (node->causal) KR_TRY(kr_ratio_mul(source->dt, kr_ratio_of(ticks), &step->shift));
  step->n_back = node->mode == KR_MODE_CUBIC;
  if (node->mode != KR_MODE_SINC) return KR_OK;
  // At equal ticks the taps are those of a single pulse.
  if (!node->causal && kr_plan_look_ahead(plan, node) == 0) return KR_OK;
  return prepare_sinc(plan, step, node);
}

// Fields in scratch memory, for a prepare whose only result is its error.
static KrStatus try_prepare(KrPlan *plan, uint32_t index, uint64_t *counts, KrArena *scratch,
                            const char **message) {
  const KrNode *node = &plan->graph->nodes[index];
  KrPrep prep = kr_plan_prep(plan, index, scratch);
  void *field[KR_MAX_FIELDS] = {NULL};
  for (uint32_t f = 0; f < kr_op_fields(node->op); f++) {
    counts[f] = node->op->field[f].count;
    if (counts[f] == 0 && node->op->count != NULL) counts[f] = node->op->count(&prep, f);
    field[f] = kr_arena_alloc(scratch, (size_t)counts[f] * kr_step_field_bytes(node, f));
    if (field[f] == NULL) return KR_ERROR_MEMORY;
  }
  prep.field = field;
  return kr_op_prepare(node->op, &prep, message);
}

static KrStatus prepare_lane(KrPlan *plan, uint32_t index, uint64_t *counts) {
  enum { MAX_MESSAGE = 256 };
  const KrNode *node = &plan->graph->nodes[index];
  char text[MAX_MESSAGE] = "";
  const char *message = NULL;
  KrArena scratch;
  kr_arena_init(&scratch, plan->arena->allocator);
  KrStatus status = try_prepare(plan, index, counts, &scratch, &message);
  if (message == NULL) message = kr_status_text(status);
  for (uint32_t i = 0; i + 1 < MAX_MESSAGE && message[i] != 0; i++) text[i] = message[i];
  kr_arena_deinit(&scratch);
  if (status == KR_OK || status == KR_ERROR_MEMORY) return status;
  if (text[0] == '`') return fail(plan, node->origin, kr_text_print(plan->arena, "%s", text), NULL);
  return fail(plan, node->origin, kr_text_print(plan->arena, "`%s`: %s", node->op->name, text),
              NULL);
}

static KrStatus prepare_op(KrPlan *plan, KrPlanStep *step, const KrNode *node) {
  uint32_t n = step->n_fields = kr_op_fields(node->op);
  step->lane_count = KR_NEW_ARRAY(plan->arena, uint64_t, (size_t)n * step->n_lanes);
  step->field_count = KR_NEW_ARRAY(plan->arena, uint64_t, n);
  for (uint32_t l = 0; l < step->n_lanes; l++) {
    uint64_t *counts = step->lane_count + (size_t)l * n;
    bool is_same = l > 0 && kr_step_node(plan, step, l) == kr_step_node(plan, step, l - 1);
    for (uint32_t f = 0; is_same && f < n; f++) counts[f] = counts[(size_t)f - n];
    if (is_same) continue;
    KR_TRY(prepare_lane(plan, kr_step_node(plan, step, l), counts));
    for (uint32_t f = 0; f < n; f++)
      if (counts[f] > step->field_count[f]) step->field_count[f] = counts[f];
  }
  for (uint32_t f = 0; f < n; f++)
    plan->n_bytes += (size_t)step->field_count[f] * kr_step_field_bytes(node, f) * step->lanes;
  return KR_OK;
}

static KrStatus prepare_steps(KrPlan *plan) {
  for (uint32_t u = 0; u < plan->n_units; u++)
    for (uint32_t i = 0; i < plan->units[u].n_steps; i++) {
      KrPlanStep *step = &plan->units[u].steps[i];
      if (step->kind != KR_STEP_NODE) continue;
      const KrNode *node = &plan->graph->nodes[step->node];
      if (node->kind == KR_NODE_OP) KR_TRY(prepare_op(plan, step, node));
      if (node->kind == KR_NODE_CROSS) KR_TRY(prepare_cross(plan, step, node));
      if (node->kind == KR_NODE_HISTORY) step->n_back = node->type.dim[0] - 1;
      if (node->kind != KR_NODE_WINDOW) continue;
      const KrClock *clock = &plan->graph->flows[node->flow].clock;
      step->from_start = node->window.num == 0;
      step->shift = step->from_start ? clock->dt : node->window;
      step->n_back = (uint32_t)plan->rings[step->ring].n_back;
    }
  return KR_OK;
}

static KrStatus prepare_functions(KrPlan *plan) {
  const KrGraph *graph = plan->graph;
  plan->functions = KR_NEW_ARRAY(plan->arena, KrPlanFunction, graph->n_events);
  for (uint32_t e = 0; e < graph->n_events; e++) {
    KrPlanFunction *function = &plan->functions[e];
    function->n_steps = graph->events[e].n_nodes;
    function->steps = KR_NEW_ARRAY(plan->arena, KrPlanStep, function->n_steps);
    for (uint32_t i = 0; i < function->n_steps; i++) {
      KrPlanStep *step = &function->steps[i];
      const KrNode *node = &graph->nodes[graph->events[e].nodes[i]];
      *step = (KrPlanStep){.kind = KR_STEP_NODE,
                           .node = graph->events[e].nodes[i],
                           .lanes = 1,
                           .n_lanes = 1,
                           .group = KR_NONE,
                           .ring = KR_NONE};
      step->out = plan->first_value[step->node];
      step->n_out = 1;
      step->n_in = node->n_in;
      step->in = KR_NEW_ARRAY(plan->arena, uint32_t, node->n_in);
      for (uint32_t k = 0; k < node->n_in; k++)
        step->in[k] = node->in[k].node == KR_NONE ? KR_NONE : kr_plan_value(plan, node->in[k]);
      if (node->kind == KR_NODE_OP) KR_TRY(prepare_op(plan, step, node));
    }
  }
  return KR_OK;
}

static void count_bytes(KrPlan *plan) {
  plan->n_bytes += plan->shared->n_bytes;
  for (uint32_t i = 0; i < plan->n_slots; i++) plan->n_bytes += plan->slot_bytes[i];
  for (uint32_t r = 0; r < plan->n_rings; r++)
    plan->n_bytes += (size_t)plan->rings[r].cap * plan->values[plan->rings[r].value].n_bytes;
  for (uint32_t s = 0; s < plan->graph->n_states; s++)
    plan->n_bytes += (size_t)plan->states[s].cap * 16;
  for (uint32_t e = 0; e < plan->graph->n_events; e++)
    plan->n_bytes += (size_t)plan->queue_cap[e] *
                     (sizeof(KrRunEvent) + plan->graph->events[e].n_fields * sizeof(KrEventValue));
}

static KrStatus make_plan(KrPlan *plan, const KrPlanOptions *options) {
  const KrGraph *graph = plan->graph;
  KrArena *arena = plan->arena;
  plan->flows = KR_NEW_ARRAY(arena, KrPlanFlow, graph->n_flows);
  plan->first_value = KR_NEW_ARRAY(arena, uint32_t, graph->n_nodes);
  plan->node_unit = KR_NEW_ARRAY(arena, uint32_t, graph->n_nodes);
  plan->node_rank = KR_NEW_ARRAY(arena, uint32_t, graph->n_nodes);
  plan->states = KR_NEW_ARRAY(arena, KrPlanState, graph->n_states);
  plan->queue_cap = KR_NEW_ARRAY(arena, uint64_t, graph->n_events);
  plan->shared = KR_NEW(arena, KrShared);
  plan->shared->arena = arena;
  plan->span_ticks = options->span_ticks;
  plan->level = options->level != KR_LEVEL_BEST ? options->level : kr_level_best();
  KR_TRY(kr_plan_check_clocks(plan));
  KR_TRY(make_grid(plan));
  KR_TRY(make_order(plan));
  find_writers(plan);
  KR_TRY(kr_plan_units(plan));
  KR_TRY(kr_plan_check_values(plan));
  find_readers(plan);
  KR_TRY(kr_plan_leads(plan));
  KR_TRY(kr_plan_check_leads(plan));
  kr_plan_needs(plan);
  size_tiles(plan);
  kr_plan_slots(plan);
  KR_TRY(size_all(plan, options));
  KR_TRY(kr_plan_check_bytes(plan));
  KR_TRY(prepare_steps(plan));
  KR_TRY(prepare_functions(plan));
  count_bytes(plan);
  return KR_OK;
}

KrStatus kr_plan_make(KrArena *arena, const KrGraph *graph, const KrPlanOptions *options,
                      KrPlan **plan, KrGraphError *error) {
  static const KrPlanOptions defaults = {.step = {0, 1}};
  jmp_buf here, *outer = arena->escape;
  *error = (KrGraphError){{0, 0, 0}, NULL, NULL};
  arena->escape = &here;
  if (setjmp(here) != 0) {
    arena->escape = outer;
    return KR_ERROR_MEMORY;
  }
  *plan = KR_NEW(arena, KrPlan);
  (*plan)->arena = arena;
  (*plan)->graph = graph;
  (*plan)->error = error;
  KrStatus status = make_plan(*plan, options != NULL ? options : &defaults);
  if (status != KR_OK && status != KR_ERROR_MEMORY && error->message == NULL) {
    KrOrigin first = graph->n_flows > 0 ? graph->flows[0].origin : (KrOrigin){0, 0, 0};
    status = fail(*plan, first, "the times in this program are too large or too fine to be exact",
                  "use rates and durations with fewer digits");
  }
  arena->escape = outer;
  return status;
}

const KrGrid *kr_plan_grid(const KrPlan *plan) { return &plan->grid; }

KrRatio kr_plan_lead(const KrPlan *plan, uint32_t flow) {
  KrRatio seconds = KR_RATIO_ZERO;
  if (kr_ratio_div(kr_ratio_of(plan->flows[flow].lead), plan->grid.frequency, &seconds) != KR_OK)
    return KR_RATIO_ZERO;
  return seconds;
}

KrRatio kr_plan_step(const KrPlan *plan) { return plan->step; }
size_t kr_plan_bytes(const KrPlan *plan) { return plan->n_bytes; }
const uint32_t *kr_plan_order(const KrPlan *plan) { return plan->order; }

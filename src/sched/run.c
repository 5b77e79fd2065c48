// Plan x span: takes all memory, then lets every unit run as far as its sources allow until the
// target.
#include "math/control.h"
#include "ops/level.h"
#include "sched/run_voices.h"

// ---- memory

static void make_rings(KrRun *run) {
  const KrPlan *plan = run->plan;
  run->rings = KR_NEW_ARRAY(run->arena, KrRunRing, plan->n_rings);
  for (uint32_t r = 0; r < plan->n_rings; r++) {
    size_t n_bytes = plan->values[plan->rings[r].value].n_bytes;
    uint8_t *at = kr_arena_array(run->arena, (size_t)plan->rings[r].cap, n_bytes);
    run->rings[r] = (KrRunRing){at, plan->rings[r].cap - 1, n_bytes};
  }
}

static void fill_constant(KrRun *run, uint32_t index) {
  const KrNode *node = &run->plan->graph->nodes[index];
  const KrConst *value = &node->value;
  if (node->kind == KR_NODE_INPUT) value = &run->plan->graph->inputs[node->input].value;
  uint64_t count = kr_type_count(&node->type);
  uint8_t *at = run->buffer[run->plan->first_value[index]];
  uint32_t width = kr_elem_bytes(node->type.elem);
  for (uint64_t i = 0; i < count; i++)
    kr_elem_convert(node->type.elem, at + i * width, value->elem, &value->as, 1);
}

static void fill_row(KrRun *run, const KrPlanRow *row) {
  uint32_t width = kr_elem_bytes(run->plan->values[row->value].type.elem);
  uint8_t *at = run->buffer[row->value];
  for (uint32_t l = 0; l < KR_LANES; l++)
    __builtin_memcpy(at + l * width, run->buffer[row->from[l]], width);
}

// What is touched at every tile lies close together, so that as little as can be passes through the
// cache: objects smaller than a line one behind the other, aligned to 8.
static size_t round_up(size_t n_bytes) { return (n_bytes + 7) / 8 * 8; }
static size_t small_bytes(size_t n_bytes) { return n_bytes < 64 ? round_up(n_bytes) : 0; }
static void *take(KrRun *run, uint8_t **small, size_t n_bytes) {
  if (n_bytes >= 64) return kr_arena_alloc(run->arena, n_bytes);
  uint8_t *at = *small;
  *small += round_up(n_bytes);
  return at;
}

static void make_buffers(KrRun *run) {
  const KrPlan *plan = run->plan;
  run->buffer = KR_NEW_ARRAY(run->arena, void *, plan->n_values);
  void **slot = KR_NEW_ARRAY(run->arena, void *, plan->n_slots);
  size_t n_small = 0;
  for (uint32_t i = 0; i < plan->n_slots; i++) n_small += small_bytes(plan->slot_bytes[i]);
  uint8_t *small = kr_arena_alloc(run->arena, n_small);
  for (uint32_t i = 0; i < plan->n_slots; i++) slot[i] = take(run, &small, plan->slot_bytes[i]);
  for (uint32_t i = 0; i < plan->n_values; i++) run->buffer[i] = slot[plan->values[i].slot];
  for (uint32_t i = 0; i < plan->graph->n_nodes; i++) {
    const KrNode *node = &plan->graph->nodes[i];
    if (node->kind == KR_NODE_CONST ||
        (node->kind == KR_NODE_INPUT && plan->graph->inputs[node->input].kind == KR_INPUT_VALUE))
      fill_constant(run, i);
  }
  for (uint32_t i = 0; i < plan->n_rows; i++) fill_row(run, &plan->rows[i]);
  run->held = KR_NEW_ARRAY(run->arena, uint8_t, plan->n_values);
  for (uint32_t i = 0; i < plan->n_values; i++) run->held[i] = plan->values[i].held;
  run->varies = KR_NEW_ARRAY(run->arena, uint8_t, plan->n_values);
}

static void make_states(KrRun *run) {
  const KrPlan *plan = run->plan;
  run->states = KR_NEW_ARRAY(run->arena, KrRunState, plan->graph->n_states);
  for (uint32_t s = 0; s < plan->graph->n_states; s++) {
    const KrState *def = &plan->graph->states[s];
    const KrPlanState *p = &plan->states[s];
    KrRunState *state = &run->states[s];
    kr_elem_convert(def->type.elem, &state->value, def->init.elem, &def->init.as, 1);
    if (p->sole != KR_NONE) state->buffer = KR_NEW_ARRAY(run->arena, uint64_t, KR_TILE + 1);
    if (p->cap > 0) {
      state->versions = KR_NEW_ARRAY(run->arena, KrRunVersion, p->cap);
      state->mask = p->cap - 1;
      kr_version_push(state, INT64_MIN, state->value);
    }
    if (p->n_writer_flows < 2) continue;
    state->logs = KR_NEW_ARRAY(run->arena, KrRunLog, p->n_writers);
    for (uint32_t w = 0; w < p->n_writers; w++)
      state->logs[w] = (KrRunLog){.at = KR_NEW_ARRAY(run->arena, KrRunVersion, p->log_cap[w]),
                                  .mask = p->log_cap[w] - 1};
  }
}

static void make_queues(KrRun *run) {
  const KrPlan *plan = run->plan;
  uint32_t n = plan->graph->n_events;
  KrEventQueue *queues = KR_NEW_ARRAY(run->arena, KrEventQueue, n);
  for (uint32_t e = 0; e < n; e++) {
    uint64_t cap = plan->queue_cap[e];
    queues[e].cap = cap;
    queues[e].items = KR_NEW_ARRAY(run->arena, KrRunEvent, cap);
    queues[e].values =
        KR_NEW_ARRAY(run->arena, KrEventValue, cap * plan->graph->events[e].n_fields);
  }
  run->context.graph = plan->graph;
  run->context.queues = queues;
  run->context.user = run;
  run->outputs = KR_NEW_ARRAY(run->arena, KrCursor *, plan->graph->n_outputs);
}

// ---- steps

static uint32_t field_lanes(const KrRunStep *step) { return step->is_apart ? 1 : step->lanes; }
static size_t field_bytes(const KrRunStep *step, uint32_t f) {
  size_t n_bytes = (size_t)step->plan->field_count[f] * kr_step_field_bytes(step->node, f);
  return n_bytes * field_lanes(step);
}

// Pointers to outputs and fields, small fields, pointers to inputs.
static void make_pointers(KrRun *run, KrRunStep *step) {
  const KrPlanStep *plan = step->plan;
  uint32_t n_fields = step->node != NULL && step->node->kind == KR_NODE_OP ? plan->n_fields : 0;
  // Kernels may look at the pointer of an input that was left out.
  size_t n_bytes = (plan->n_out + n_fields + plan->n_in + KR_MAX_PORTS) * sizeof(void *);
  for (uint32_t f = 0; f < n_fields; f++) n_bytes += small_bytes(field_bytes(step, f));
  uint8_t *small = kr_arena_alloc(run->arena, n_bytes);
  step->out = (void **)(void *)small;
  step->field = step->out + plan->n_out;
  small = (uint8_t *)(step->field + n_fields);
  for (uint32_t f = 0; f < n_fields; f++) step->field[f] = take(run, &small, field_bytes(step, f));
  step->in = (const void **)(void *)small;
}

static void point_values(KrRun *run, KrRunStep *step) {
  const KrPlanStep *plan = step->plan;
  KrArena *arena = run->arena;
  step->n_in = plan->n_in;
  step->n_out = plan->n_out;
  make_pointers(run, step);
  step->in_base = KR_NEW_ARRAY(arena, const void *, plan->n_in);
  step->in_bytes = KR_NEW_ARRAY(arena, size_t, plan->n_in);
  KrType *in_type = KR_NEW_ARRAY(arena, KrType, plan->n_in);
  step->call.in_type = in_type;
  for (uint32_t k = 0; k < plan->n_in; k++) {
    if (plan->in[k] == KR_NONE) continue;
    const KrPlanValue *value = &run->plan->values[plan->in[k]];
    step->in_base[k] = step->in[k] = run->buffer[plan->in[k]];
    step->in_bytes[k] = value->held ? 0 : value->n_bytes;
    in_type[k] = value->type;
    if (value->held && k < 64) step->call.held |= UINT64_C(1) << k;
  }
  step->out_base = KR_NEW_ARRAY(arena, void *, plan->n_out);
  step->out_bytes = KR_NEW_ARRAY(arena, size_t, plan->n_out);
  step->out_ring = KR_NEW_ARRAY(arena, uint32_t, plan->n_out);
  for (uint32_t k = 0; k < plan->n_out; k++) {
    const KrPlanValue *value = &run->plan->values[plan->out + k];
    step->out_base[k] = step->out[k] = run->buffer[plan->out + k];
    step->out_bytes[k] = value->held ? 0 : value->n_bytes;
    step->out_ring[k] = value->ring;
    step->has_ring |= value->ring != KR_NONE;
  }
  // Its ring takes what it keeps from where that is.
  if (plan->kind == KR_STEP_KEEP) step->out_base[0] = step->out[0] = run->buffer[plan->in[0]];
  // What is added goes to the sum in place of a value of its own.
  step->call.adds = plan->adds;
  step->call.n_factors = plan->n_factors;
  step->call.first_factor = plan->n_in - plan->n_sums - plan->n_factors;
  step->call.n_scales = plan->n_scales;
  step->call.first_scale = step->call.first_factor - plan->n_scales;
  for (uint32_t k = 0; k < plan->n_sums; k++)
    if ((plan->adds >> k & 1) != 0)
      step->out_base[k] = step->out[k] = run->buffer[plan->in[plan->n_in - plan->n_sums + k]];
}

static KrStatus prepare_lane(KrRun *run, const KrRunStep *step, uint32_t lane) {
  KrArena scratch;
  uint32_t of = lane < step->n_lanes ? lane : 0;
  kr_arena_init(&scratch, run->arena->allocator);
  KrPrep prep = kr_plan_prep(run->plan, kr_step_node(run->plan, step->plan, of), &scratch);
  const char *message = NULL;
  prep.field = step->field;
  prep.lanes = field_lanes(step);
  prep.lane = lane;
  KrStatus status = kr_op_prepare(step->node->op, &prep, &message);
  kr_arena_deinit(&scratch);
  return status;
}

static KrStatus prepare_op(KrRun *run, KrRunStep *step) {
  const KrNode *node = step->node;
  step->kernel = kr_op_kernel(node->op, node->elem, run->plan->level);
  step->call.lanes = field_lanes(step);
  step->call.in = step->in;
  step->call.out = step->out;
  step->call.field = step->field;
  step->call.type = &node->type;
  if (step->kernel == NULL) return KR_ERROR_ARGUMENT;
  for (uint32_t l = 0; l < field_lanes(step); l++) KR_TRY(prepare_lane(run, step, l));
  return KR_OK;
}

static void prepare_prev(KrRun *run, KrRunStep *step) {
  size_t n_bytes = run->plan->values[step->plan->out].n_bytes;
  uint8_t *initial = kr_arena_alloc(run->arena, n_bytes);
  size_t width = kr_elem_bytes(step->node->type.elem), lane_bytes = n_bytes / step->lanes;
  for (size_t i = 0; i < n_bytes; i += width) {
    uint32_t lane = (uint32_t)(i / lane_bytes);
    uint32_t of = kr_step_node(run->plan, step->plan, lane < step->n_lanes ? lane : 0);
    const KrConst *value = &run->plan->graph->nodes[of].value;
    kr_elem_convert(step->node->type.elem, initial + i, value->elem, &value->as, 1);
  }
  step->initial = initial;
  step->before = kr_arena_copy(run->arena, initial, n_bytes);
}

static void prepare_sites(KrRun *run, KrRunStep *step) {
  step->site = KR_NEW_ARRAY(run->arena, KrSite, step->n_lanes);
  for (uint32_t l = 0; l < step->n_lanes; l++) {
    uint32_t node = kr_step_node(run->plan, step->plan, l);
    kr_site_init(&step->site[l],
                 kr_cursor_new(run->arena, &run->context, run->plan->graph->nodes[node].events));
  }
  if (step->lanes == 1) return;
  step->rest = KR_NEW_ARRAY(run->arena, uint64_t, (size_t)step->n_out * KR_LANES);
  step->lane_quiet = KR_NEW_ARRAY(run->arena, int64_t, KR_LANES);
}

static void point_source(KrRun *run, const KrRunUnit *unit, KrRunStep *step) {
  const KrPlan *plan = run->plan;
  const KrPlanRing *ring = &plan->rings[step->plan->ring];
  step->ring = &run->rings[step->plan->ring];
  step->from = plan->values[ring->value].type.elem;
  step->own_source = &run->units[ring->unit] == unit;
  int64_t n_steps = plan->graph->flows[plan->units[ring->unit].flow].n_steps;
  step->last = n_steps >= 0 ? n_steps - 1 : INT64_MAX;
}

// May an output of this step be held in one tile and not in the next?
static bool can_hold(const KrRun *run, const KrRunStep *step) {
  const KrPlanStep *plan = step->plan;
  bool one_lane = step->lanes == 1, is_plain = one_lane;
  for (uint32_t k = 0; k < step->n_out; k++)
    is_plain = is_plain && run->plan->values[plan->out + k].type.shape == KR_SHAPE_SCALAR;
  if (step->node == NULL || step->n_out == 0 || is_plain || plan->adds != 0 || step->is_serial ||
      step->is_apart)
    return false;
  if (step->node->kind != KR_NODE_OP)
    return step->node->kind == KR_NODE_SIGNAL ||
           (step->node->kind == KR_NODE_CROSS && step->node->mode == KR_MODE_NEAREST) ||
           (step->node->kind == KR_NODE_VOICE && step->node->voice == KR_VOICE_GATE);
  if ((step->node->op->flags & KR_OP_HOLDS) != 0) return true;
  bool holds = (step->node->op->flags & KR_OP_ELEMENTWISE) != 0 && step->n_in > 0;
  for (uint32_t k = 0; k < step->n_in && holds; k++)
    holds = plan->in[k] == KR_NONE || run->held[plan->in[k]] || run->varies[plan->in[k]];
  return holds;
}

// Which values are held always, never, or in some tiles; makers come before their readers.
static void find_holds(KrRun *run, KrRunStep *step) {
  const KrPlanStep *plan = step->plan;
  step->varying = KR_NEW_ARRAY(run->arena, KrRunVarying, step->n_in);
  for (uint32_t k = 0; k < step->n_in; k++) {
    uint32_t value = plan->in[k];
    if (value == KR_NONE && k < 64) step->call.held |= UINT64_C(1) << k;
    if (value != KR_NONE && run->varies[value])
      step->varying[step->n_varying++] =
          (KrRunVarying){&run->held[value], k, run->plan->values[value].n_bytes};
  }
  step->always_held = step->call.held;
  step->held_out = &run->held[plan->out];
  step->can_hold = can_hold(run, step);
  for (uint32_t k = 0; k < step->n_out; k++) run->varies[plan->out + k] = step->can_hold;
  const KrOp *op = step->node != NULL && step->node->kind == KR_NODE_OP ? step->node->op : NULL;
  bool is_free = op != NULL && !step->has_ring && !(op->flags & KR_OP_FAULTS) && !step->is_apart;
  step->rests = step->can_hold && op != NULL && (op->flags & KR_OP_ELEMENTWISE) && step->n_in > 0;
  step->is_quick = is_free && step->n_varying == 0 && !step->can_hold;
  step->is_light = is_free && !step->is_serial && step->n_in < 64;
}

// The fractions of a crossing whose clocks meet often.
static void fill_table(KrRun *run, KrRunStep *step) {
  enum { LONGEST = 4096 };
  KrStepper at;
  const KrClock *reader = &run->plan->graph->flows[step->node->flow].clock;
  if (step->node->type.elem != KR_ELEM_F32 ||
      kr_stepper_init(&at, reader, &step->place->source, step->place->shift, 0) != KR_OK ||
      at.den > LONGEST)
    return;
  step->place->table = KR_NEW_ARRAY(run->arena, float, at.den);
  for (uint64_t rest = 0; rest < at.den; rest++)
    step->place->table[rest] = kr_cross_fraction_f32(rest, at.den);
}

static void find_place(KrRun *run, KrRunUnit *unit, KrRunStep *step) {
  const KrGraph *graph = run->plan->graph;
  const KrNode *node = step->node;
  if (node->kind != KR_NODE_CROSS || step->lanes == 1) return;
  if (node->mode != KR_MODE_LINEAR && node->mode != KR_MODE_CUBIC) return;
  const KrClock *source = &graph->flows[graph->nodes[node->source.node].flow].clock;
  step->knots = KR_NEW_ARRAY(run->arena, KrRunKnot, 4);
  for (KrRunPlace *place = unit->places; place != NULL && step->place == NULL; place = place->next)
    if (place->elem == node->type.elem && kr_ratio_compare(place->source.dt, source->dt) == 0 &&
        kr_ratio_compare(place->source.phase, source->phase) == 0 &&
        kr_ratio_compare(place->shift, step->plan->shift) == 0)
      step->place = place;
  if (step->place != NULL) return;
  step->place = KR_NEW(run->arena, KrRunPlace);
  step->place->next = unit->places;
  unit->places = step->place;
  step->place->elem = node->type.elem;
  step->place->source = *source;
  step->place->shift = step->plan->shift;
  step->place->tick = -1;
  fill_table(run, step);
}

static KrStatus make_step(KrRun *run, KrRunUnit *unit, KrRunStep *step) {
  const KrPlanStep *plan = step->plan;
  step->node = plan->kind == KR_STEP_NODE ? &run->plan->graph->nodes[plan->node] : NULL;
  step->at_level = kr_lanes_at(run->plan->level);
  step->lanes = plan->lanes;
  step->n_lanes = plan->n_lanes;
  step->is_apart = step->node != NULL && step->node->kind == KR_NODE_OP && plan->lanes > 1 &&
                   (step->node->op->flags & KR_OP_ALONE) != 0;
  point_values(run, step);
  find_holds(run, step);
  if (unit != NULL && plan->kind != KR_STEP_COMMIT && plan->ring != KR_NONE)
    point_source(run, unit, step);
  if (step->node == NULL) return KR_OK;
  if (plan->has_ramp) step->call.ramp = &unit->steps[plan->ramp].ramp;
  if (step->node->kind == KR_NODE_OP) KR_TRY(prepare_op(run, step));
  if (step->node->kind == KR_NODE_PREV) prepare_prev(run, step);
  if (kr_node_takes_events(step->node)) prepare_sites(run, step);
  if (unit != NULL) find_place(run, unit, step);
  return kr_step_place(run, step, 0);
}

static size_t scratch_bytes(const KrPlanUnit *unit) {
  size_t n_bytes = 64;
  for (uint32_t i = 0; i < unit->n_steps; i++) {
    const KrPlanStep *step = &unit->steps[i];
    size_t need = 8 * ((size_t)step->n_back + 8);
    if (step->sinc != NULL) need = sizeof(double) * 2 * step->sinc->half;
    if (need > n_bytes) n_bytes = need;
  }
  return n_bytes;
}

static bool keeps_last(const KrRunStep *step) {
  return step->before != NULL && step->in_base[0] != NULL;
}

static void list_prevs(KrRun *run, KrRunUnit *unit) {
  uint32_t n = 0;
  for (uint32_t s = 0; s < unit->plan->n_steps; s++) n += keeps_last(&unit->steps[s]);
  unit->prevs = KR_NEW_ARRAY(run->arena, uint32_t, n);
  for (uint32_t s = 0; s < unit->plan->n_steps; s++)
    if (keeps_last(&unit->steps[s])) unit->prevs[unit->n_prevs++] = s;
}

static KrStatus make_unit(KrRun *run, uint32_t index) {
  KrRunUnit *unit = &run->units[index];
  unit->plan = &run->plan->units[index];
  unit->steps = KR_NEW_ARRAY(run->arena, KrRunStep, unit->plan->n_steps);
  unit->scratch = kr_arena_alloc(run->arena, scratch_bytes(unit->plan));
  for (uint32_t i = 0; i < unit->plan->n_steps; i++) unit->steps[i].plan = &unit->plan->steps[i];
  for (uint32_t g = 0; g < unit->plan->n_segments; g++)
    for (uint32_t i = unit->plan->segments[g].begin; i < unit->plan->segments[g].end; i++)
      unit->steps[i].is_serial = unit->plan->segments[g].serial;
  for (uint32_t i = 0; i < unit->plan->n_steps; i++) KR_TRY(make_step(run, unit, &unit->steps[i]));
  list_prevs(run, unit);
  kr_run_fuse(run, unit);
  return KR_OK;
}

static void add_unit_state(KrRun *run, KrRunUnit *unit, uint32_t state) {
  if (unit->states == NULL)
    unit->states = KR_NEW_ARRAY(run->arena, uint32_t, run->plan->graph->n_states);
  for (uint32_t i = 0; i < unit->n_states; i++)
    if (unit->states[i] == state) return;
  unit->states[unit->n_states++] = state;
}

static KrRunStep *find_step(KrRun *run, uint32_t node) {
  KrRunUnit *unit = &run->units[run->plan->node_unit[node]];
  for (uint32_t i = 0; i < unit->plan->n_steps; i++)
    if (unit->steps[i].plan->kind == KR_STEP_NODE && unit->steps[i].plan->node == node)
      return &unit->steps[i];
  return NULL;
}

static void join_writers(KrRun *run) {
  const KrPlan *plan = run->plan;
  for (uint32_t s = 0; s < plan->graph->n_states; s++) {
    const KrPlanState *state = &plan->states[s];
    KrRunStep **writers = KR_NEW_ARRAY(run->arena, KrRunStep *, state->n_writers);
    for (uint32_t w = 0; w < state->n_writers; w++) {
      writers[w] = find_step(run, state->writers[w]);
      if (run->states[s].logs != NULL) run->states[s].logs[w].writer = writers[w];
      add_unit_state(run, &run->units[plan->node_unit[state->writers[w]]], s);
    }
    for (uint32_t u = 0; u < plan->n_units && state->sole != KR_NONE; u++)
      for (uint32_t i = 0; i < run->units[u].plan->n_steps; i++) {
        KrRunStep *step = &run->units[u].steps[i];
        if (step->plan->kind != KR_STEP_COMMIT || step->plan->state != s) continue;
        step->writers = writers;
        run->states[s].commit = step;
      }
  }
}

// ---- event functions

// Operators have no tick here: n events are n rows.
static void call_function(void *user, uint32_t events, uint32_t n, const double *in, uint32_t n_in,
                          double *out, uint32_t n_out) {
  KrRun *run = user;
  const KrEvents *stream = &run->plan->graph->events[events];
  KrSlice slice = {.n = n, .first = true, .last = true};
  KrRunUnit unit = {.plan = NULL};
  KrFault fault = {NULL, 0};
  for (uint32_t i = 0; i < stream->n_param && i < n_in; i++)
    kr_elem_convert(run->plan->graph->nodes[stream->param[i]].type.elem,
                    run->buffer[run->plan->first_value[stream->param[i]]], KR_ELEM_F64,
                    in + (size_t)i * n, n);
  for (uint32_t i = 0; i < run->plan->functions[events].n_steps; i++) {
    KrRunStep *step = &run->functions[events][i];
    if (step->node->kind != KR_NODE_OP) {
      kr_step_run(run, &unit, step, &slice);
      continue;
    }
    step->call.n = n;
    step->call.fault = &fault;
    step->kernel(&step->call);
  }
  for (uint32_t i = 0; i < n_out; i++) {
    uint32_t value = kr_plan_value(run->plan, stream->result[i]);
    bool held = run->plan->values[value].held;
    double *to = out + (size_t)i * n;
    kr_elem_convert(KR_ELEM_F64, to, run->plan->values[value].type.elem, run->buffer[value],
                    held ? 1 : n);
    for (uint32_t k = 1; held && k < n; k++) to[k] = to[0];
  }
}

static KrStatus make_functions(KrRun *run) {
  const KrPlan *plan = run->plan;
  run->context.function = call_function;
  run->functions = KR_NEW_ARRAY(run->arena, KrRunStep *, plan->graph->n_events);
  for (uint32_t e = 0; e < plan->graph->n_events; e++) {
    const KrPlanFunction *function = &plan->functions[e];
    run->functions[e] = KR_NEW_ARRAY(run->arena, KrRunStep, function->n_steps);
    for (uint32_t i = 0; i < function->n_steps; i++) {
      run->functions[e][i].plan = &function->steps[i];
      KR_TRY(make_step(run, NULL, &run->functions[e][i]));
    }
  }
  return KR_OK;
}

static bool has_runtime_events(const KrGraph *graph, uint32_t events) {
  KrEventKind kind = graph->events[events].kind;
  if (kind == KR_EVENTS_SIGNAL || kind == KR_EVENTS_MAP || kind == KR_EVENTS_FILTER) return true;
  for (uint32_t i = 0; i < graph->events[events].n_sources; i++)
    if (has_runtime_events(graph, graph->events[events].sources[i])) return true;
  return false;
}

// Reads or writes what units keep together: states of several flows, queues, functions of events.
static bool is_shared(const KrRun *run, uint32_t index) {
  const KrRunUnit *unit = &run->units[index];
  const KrGraph *graph = run->plan->graph;
  for (uint32_t i = 0; i < unit->n_states; i++) {
    const KrRunState *state = &run->states[unit->states[i]];
    if (state->versions != NULL || state->logs != NULL) return true;
  }
  for (uint32_t s = 0; s < unit->plan->n_steps; s++) {
    const KrRunStep *step = &unit->steps[s];
    if (step->node == NULL) continue;
    if (step->node->kind == KR_NODE_EMIT || step->plan->reads_versions) return true;
    for (uint32_t l = 0; kr_node_takes_events(step->node) && l < step->n_lanes; l++) {
      uint32_t node = kr_step_node(run->plan, step->plan, l);
      if (has_runtime_events(graph, graph->nodes[node].events)) return true;
    }
  }
  return false;
}

static KrStatus make_run(KrRun *run) {
  const KrPlan *plan = run->plan;
  run->time = KR_RATIO_ZERO;
  run->on_grid = true;
  KrRatio step;
  KR_TRY(kr_ratio_mul(plan->step, plan->grid.frequency, &step));
  run->step_grid = kr_ratio_floor(step);
  make_rings(run);
  make_buffers(run);
  make_states(run);
  make_queues(run);
  KR_TRY(make_functions(run));
  run->units = KR_NEW_ARRAY(run->arena, KrRunUnit, plan->n_units);
  run->dirty = KR_NEW_ARRAY(run->arena, uint8_t, plan->n_units);
  run->ready = KR_NEW_ARRAY(run->arena, KrRunReady, plan->n_units);
  run->kept = KR_NEW_ARRAY(run->arena, KrKeptUnit, plan->n_units);
  for (uint32_t u = 0; u < plan->n_units; u++) KR_TRY(make_unit(run, u));
  KR_TRY(kr_voices_prepare(run));
  join_writers(run);
  for (uint32_t u = 0; u < plan->n_units; u++) run->units[u].is_shared = is_shared(run, u);
  for (uint32_t o = 0; o < plan->graph->n_outputs; o++)
    if (plan->graph->outputs[o].kind == KR_OUTPUT_EVENTS)
      run->outputs[o] = kr_cursor_new(run->arena, &run->context, plan->graph->outputs[o].events);
  return KR_OK;
}

KrStatus kr_run_new(KrArena *arena, const KrPlan *plan, KrRun **run) {
  jmp_buf here, *outer = arena->escape;
  arena->escape = &here;
  if (setjmp(here) != 0) {
    arena->escape = outer;
    return KR_ERROR_MEMORY;
  }
  *run = KR_NEW(arena, KrRun);
  (*run)->arena = arena;
  (*run)->plan = plan;
  KrStatus status = make_run(*run);
  arena->escape = outer;
  return status;
}

// ---- running

KrStatus kr_run_grid(const KrPlan *plan, KrRatio time, int64_t *ticks, bool *whole) {
  const KrRatio frequency = plan->grid.frequency;
  const uint64_t small = ((uint64_t)time.num | (uint64_t)time.den) >> 31;
  if ((small | ((uint64_t)frequency.num | (uint64_t)frequency.den) >> 31) == 0) {
    uint64_t num = (uint64_t)time.num * (uint64_t)frequency.num;
    uint64_t den = (uint64_t)time.den * (uint64_t)frequency.den;
    *ticks = (int64_t)(num / den);
    *whole = num % den == 0;
    *ticks += !*whole;
    return KR_OK;
  }
  KrRatio exact;
  KR_TRY(kr_ratio_mul(time, frequency, &exact));
  *ticks = kr_ratio_ceil(exact);
  *whole = exact.den == 1;
  return KR_OK;
}

int64_t kr_run_count(const KrPlan *plan, uint32_t flow, int64_t until) {
  const KrPlanFlow *f = &plan->flows[flow];
  int64_t n = f->period == 1 ? until - f->phase : -kr_div_floor(f->phase - until, f->period);
  int64_t n_steps = plan->graph->flows[flow].n_steps;
  if (n < 0) n = 0;
  return n_steps >= 0 && n > n_steps ? n_steps : n;
}

static inline uint64_t find_held(const KrRunStep *step) {
  uint64_t held = step->always_held;
  for (uint32_t i = 0; i < step->n_varying; i++)
    held |= (uint64_t)*step->varying[i].held << step->varying[i].input;
  return held;
}

uint64_t kr_step_held(const KrRunStep *step) { return find_held(step); }

static void run_light(KrRunStep *step, const KrSlice *slice) {
  uint64_t held = find_held(step), held_out = 0, all = (UINT64_C(1) << step->n_in) - 1;
  bool rests = step->rests && (held & all) == all;
  step->call.held = held;
  step->call.n = rests ? 1 : slice->n;
  step->call.tick = slice->inner;
  step->call.held_out = step->can_hold ? &held_out : NULL;
  step->kernel(&step->call);
  for (uint32_t k = 0; step->can_hold && k < step->n_out; k++)
    step->held_out[k] = rests || (held_out >> k & 1) != 0;
}

static inline void run_step(KrRun *run, KrRunUnit *unit, KrRunStep *step, const KrSlice *slice) {
  if (step->is_quick) {
    step->call.n = slice->n;
    step->call.tick = slice->inner;
    step->kernel(&step->call);
  } else if (step->is_light) {
    run_light(step, slice);
  } else {
    kr_step_run(run, unit, step, slice);
  }
}

void kr_unit_step(KrRun *run, KrRunUnit *unit, KrRunStep *step, const KrSlice *slice) {
  run_step(run, unit, step, slice);
}

static void run_segment(KrRun *run, KrRunUnit *unit, const KrPlanSegment *segment,
                        const KrSlice *slice) {
  if (!segment->serial) {
    for (uint32_t s = segment->begin; s < segment->end; s = unit->steps[s].next)
      run_step(run, unit, &unit->steps[s], slice);
    return;
  }
  KrSlice one = *slice;
  one.n = 1;
  for (uint32_t i = 0; i < slice->n; i++, one.at++, one.tick++, one.inner++)
    for (uint32_t s = segment->begin; s < segment->end; s++)
      kr_step_run(run, unit, &unit->steps[s], &one);
}

void kr_unit_keep(KrRunUnit *unit, uint32_t n) {
  for (uint32_t i = 0; i < unit->n_prevs; i++) {
    const KrRunStep *step = &unit->steps[unit->prevs[i]];
    const uint8_t *in = (const uint8_t *)step->in_base[0] + (n - 1) * step->in_bytes[0];
    __builtin_memcpy(step->before, in, step->out_bytes[0]);
  }
}

static void run_slice(KrRun *run, KrRunUnit *unit, const KrSlice *slice) {
  kr_states_begin(run, unit);
  for (uint32_t i = 0; i < unit->plan->n_segments; i++)
    run_segment(run, unit, &unit->plan->segments[i], slice);
  uint32_t n = unit->fault.message != NULL ? (uint32_t)(unit->fault.tick - slice->tick) : slice->n;
  kr_states_end(run, unit, slice->tick, n, slice->last);
  if (n > 0) kr_unit_keep(unit, n);
}

// Runs n ticks of a tile. With substeps the tile is one tick.
static void run_tile(KrRun *run, KrRunUnit *unit, uint32_t n) {
  uint32_t substeps = run->plan->graph->flows[unit->plan->flow].substeps;
  KrSlice slice = {unit->n_done, unit->n_done, 0, n, true, true};
  if (substeps <= 1) {
    run_slice(run, unit, &slice);
  } else {
    slice.inner = unit->n_done * substeps;
    for (uint32_t i = 0; i < substeps && unit->fault.message == NULL; i++, slice.inner++) {
      slice.first = i == 0;
      slice.last = i + 1 == substeps;
      run_slice(run, unit, &slice);
    }
  }
  unit->n_done = unit->fault.message != NULL ? unit->fault.tick : unit->n_done + n;
}

// The faulting tick belongs to program time (its time - lead); the earliest in (time, order) is
// reported.
static void take_fault(KrRun *run, KrRunUnit *unit) {
  const KrPlanFlow *flow = &run->plan->flows[unit->plan->flow];
  int64_t time = flow->phase + unit->fault.tick * flow->period - flow->lead;
  uint32_t index = flow->index;
  unit->stopped = true;
  if (run->has_fault &&
      (run->fault_time < time ||
       (run->fault_time == time && run->plan->flows[run->fault.flow].index < index)))
    return;
  run->has_fault = true;
  run->fault = unit->fault;
  run->fault_time = time;
}

// After a fault others run up to it, so that an earlier one of theirs is found.
static int64_t find_target(const KrRun *run, const KrRunUnit *unit) {
  if (!run->has_fault) return unit->target;
  const KrPlanFlow *flow = &run->plan->flows[unit->plan->flow];
  int64_t until = run->fault_time + flow->lead;
  until += flow->index < run->plan->flows[run->fault.flow].index;
  int64_t n = kr_run_count(run->plan, unit->plan->flow, until);
  return n < unit->target ? n : unit->target;
}

static int64_t find_allowed(const KrRun *run, const KrRunUnit *unit) {
  const KrPlan *plan = run->plan;
  int64_t until = INT64_MAX;
  for (uint32_t i = 0; i < unit->plan->n_needs; i++) {
    const KrPlanNeed *need = &unit->plan->needs[i];
    const KrRunUnit *source = &run->units[need->unit];
    if (kr_run_has_ended(run, source)) continue;
    if (need->first && source->n_done == 0) return 0;
    int64_t limit = need->base + source->n_done * plan->flows[source->plan->flow].period;
    if (source->n_done > 0 && limit < need->least) limit = need->least;
    if (limit < until) until = limit;
  }
  if (until == INT64_MAX) return INT64_MAX;
  return kr_run_count(plan, unit->plan->flow, until + 1);
}

static void trace_span(const KrRun *run, const KrRunUnit *unit, int64_t first, uint32_t n) {
  static const KrText boundary = {"solver.boundary", 15};
  run->trace(run->trace_user, unit->plan->flow, first, n, "run");
  for (uint32_t s = 0; s < unit->plan->n_steps; s++) {
    const KrNode *node = unit->steps[s].node;
    if (node == NULL || node->kind != KR_NODE_OP) continue;
    KrText name = kr_text_from(node->op->name);
    if (name.n < boundary.n) continue;
    name.n = boundary.n;
    if (kr_text_equal(name, boundary))
      run->trace(run->trace_user, unit->plan->flow, first, n, node->op->name);
  }
}

// Ticks to run at once: not past an announced instant before the state there is kept.
static uint32_t next_tile(KrRun *run, uint32_t index, int64_t target) {
  const KrRunUnit *unit = &run->units[index];
  int64_t n = target - unit->n_done;
  if (run->has_swap && !run->kept[index].taken) {
    int64_t limit = kr_run_count(run->plan, unit->plan->flow, run->swap_grid) - unit->n_done;
    if (limit == 0)
      kr_swap_keep(run, index);
    else if (limit > 0 && limit < n)
      n = limit;
  }
  return n > unit->plan->tile ? unit->plan->tile : (uint32_t)n;
}

// Ticks the unit may have executed before it needs others again.
static int64_t find_end(const KrRun *run, const KrRunUnit *unit) {
  int64_t target = find_target(run, unit), allowed = find_allowed(run, unit);
  if (allowed < target) target = allowed;
  if (run->plan->span_ticks > 0 && target > unit->n_done + run->plan->span_ticks)
    target = unit->n_done + run->plan->span_ticks;
  return target;
}

static void advance_unit(KrRun *run, uint32_t index, int64_t end) {
  KrRunUnit *unit = &run->units[index];
  unit->n_repairs += kr_control_repair();
  while (unit->n_done < end && unit->fault.message == NULL)
    run_tile(run, unit, next_tile(run, index, end));
}

// What others see of a unit that has advanced.
static void settle_unit(KrRun *run, uint32_t index) {
  KrRunUnit *unit = &run->units[index];
  if (unit->fault.message != NULL) take_fault(run, unit);
  for (uint32_t i = 0; i < unit->n_states; i++) kr_state_settle(run, unit->states[i]);
}

// Runs one unit as far as it may; false when it did not move.
static bool run_unit(KrRun *run, uint32_t index) {
  KrRunUnit *unit = &run->units[index];
  int64_t first = unit->n_done, end = find_end(run, unit);
  if (first < end) advance_unit(run, index, end);
  settle_unit(run, index);
  if (unit->n_done == first) return false;
  if (run->trace != NULL) trace_span(run, unit, first, (uint32_t)(unit->n_done - first));
  return true;
}

static void run_ready(KrRun *run) {
  uint32_t n = run->plan->n_units;
  for (uint32_t u = 0; u < n; u++) run->dirty[u] = 1;
  for (uint32_t u = 0; u < n; u++) {
    if (!run->dirty[u]) continue;
    run->dirty[u] = 0;
    if (run->units[u].stopped || !run_unit(run, u)) continue;
    const KrPlanUnit *plan = &run->plan->units[u];
    uint32_t next = run->units[u].n_done < run->units[u].target ? u : n;
    if (next == u) run->dirty[u] = 1;
    for (uint32_t i = 0; i < plan->n_dependents; i++) {
      run->dirty[plan->dependents[i]] = 1;
      if (plan->dependents[i] < next) next = plan->dependents[i];
    }
    if (next <= u) u = next - 1;
  }
}

// ---- rounds of tasks

// Task 0 runs the units that share states or events with others, in order, where there are any;
// every other one runs one unit.
static void run_task(void *data, uint32_t task) {
  KrRun *run = data;
  uint32_t n_shared = run->n_shared, first = n_shared == 0 ? task : task + n_shared - 1;
  bool is_shared = n_shared > 0 && task == 0;
  for (uint32_t i = is_shared ? 0 : first; i < (is_shared ? n_shared : first + 1); i++)
    advance_unit(run, run->ready[i].unit, run->ready[i].end);
}

static uint32_t add_ready(KrRun *run, uint32_t n, bool is_shared) {
  for (uint32_t u = 0; u < run->plan->n_units; u++) {
    KrRunUnit *unit = &run->units[u];
    if (unit->is_shared != is_shared || unit->stopped) continue;
    int64_t end = find_end(run, unit);
    if (unit->n_done < end) run->ready[n++] = (KrRunReady){u, end};
  }
  return n;
}

// All that is ready runs, then what it made is seen: nobody reads what another is writing.
static void run_rounds(KrRun *run) {
  for (;;) {
    run->n_shared = add_ready(run, 0, true);
    uint32_t n = add_ready(run, run->n_shared, false);
    if (n == 0) return;
    uint32_t n_tasks = n - run->n_shared + (run->n_shared > 0);
    if (n_tasks == 1)
      run_task(run, 0);
    else
      run->tasks.run(run->tasks.user, n_tasks, run_task, run);
    for (uint32_t i = 0; i < n; i++) settle_unit(run, run->ready[i].unit);
  }
}

static KrStatus end_run(KrRun *run) {
  const KrPlan *plan = run->plan;
  if (run->has_fault) {
    KrRatio time;
    KR_TRY(kr_ratio_div(kr_ratio_of(run->fault_time), plan->grid.frequency, &time));
    if (kr_ratio_compare(time, run->time) > 0) {
      run->time = time;
      run->time_grid = run->fault_time;
    }
    return KR_ERROR_RUN;
  }
  for (uint32_t u = 0; u < plan->n_units; u++) {
    const KrRunUnit *unit = &run->units[u];
    if (unit->n_done >= unit->target) continue;
    run->has_fault = true;
    run->fault =
        (KrRunFault){unit->plan->flow, 0, unit->n_done, "internal error: the schedule is stuck"};
    return KR_ERROR_RUN;
  }
  return KR_OK;
}

// Not back, and at most a step on; between instants of the grid by whole numbers.
static KrStatus check_advance(const KrRun *run, KrRatio to, int64_t grid, bool on_grid) {
  if (on_grid && run->on_grid) {
    if (grid < run->time_grid) return KR_ERROR_ARGUMENT;
    return grid - run->time_grid > run->step_grid ? KR_ERROR_LIMIT : KR_OK;
  }
  KrRatio advance;
  KR_TRY(kr_ratio_sub(to, run->time, &advance));
  if (advance.num < 0) return KR_ERROR_ARGUMENT;
  return kr_ratio_compare(advance, run->plan->step) > 0 ? KR_ERROR_LIMIT : KR_OK;
}

KrStatus kr_run_to(KrRun *run, KrRatio to) {
  const KrPlan *plan = run->plan;
  int64_t grid;
  bool on_grid;
  if (run->has_fault) return KR_ERROR_RUN;
  KR_TRY(kr_run_grid(plan, to, &grid, &on_grid));
  KR_TRY(check_advance(run, to, grid, on_grid));
  for (uint32_t u = 0; u < plan->n_units; u++) {
    uint32_t flow = plan->units[u].flow;
    run->units[u].target = kr_run_count(plan, flow, grid + plan->flows[flow].lead);
  }
  if (run->tasks.run != NULL && run->tasks.n_workers > 1 && run->trace == NULL)
    run_rounds(run);
  else
    run_ready(run);
  KR_TRY(end_run(run));
  run->time = to;
  run->time_grid = grid;
  run->on_grid = on_grid;
  return KR_OK;
}

// ---- what can be read

KrRatio kr_run_time(const KrRun *run) { return run->time; }
const KrRunFault *kr_run_fault(const KrRun *run) { return run->has_fault ? &run->fault : NULL; }

uint64_t kr_run_repairs(const KrRun *run) {
  uint64_t n = 0;
  for (uint32_t u = 0; u < run->plan->n_units; u++) n += run->units[u].n_repairs;
  return n;
}

int64_t kr_run_ticks(const KrRun *run, uint32_t flow) {
  return kr_run_count(run->plan, flow, run->time_grid);
}

const void *kr_run_output(const KrRun *run, uint32_t output, uint32_t i, int64_t tick,
                          uint32_t wanted, uint32_t *n) {
  const KrOutput *def = &run->plan->graph->outputs[output];
  uint32_t r = run->plan->values[kr_plan_value(run->plan, def->refs[i])].ring;
  const KrRunRing *ring = &run->rings[r];
  int64_t end = kr_run_ticks(run, def->flow);
  int64_t done = run->units[run->plan->rings[r].unit].n_done;
  *n = 0;
  if (tick < 0 || tick >= end || tick + (int64_t)ring->mask + 1 < done) return NULL;
  uint64_t until_end = ring->mask + 1 - ((uint64_t)tick & ring->mask);
  int64_t follow = end - tick;
  if ((uint64_t)follow > until_end) follow = (int64_t)until_end;
  *n = follow < wanted ? (uint32_t)follow : wanted;
  return kr_ring_at(ring, tick);
}

bool kr_run_event(KrRun *run, uint32_t output, KrRunEvent *event) {
  bool emitted;
  const KrRunEvent *next = kr_cursor_peek(run->outputs[output], run->time, run->time, &emitted);
  if (next == NULL || kr_ratio_compare(next->time, run->time) >= 0) return false;
  *event = *next;
  (void)kr_ratio_make(event->time.num, event->time.den, &event->time);
  kr_cursor_pop(run->outputs[output]);
  return true;
}

void kr_run_use(KrRun *run, const KrTasks *tasks) {
  run->tasks = tasks != NULL ? *tasks : (KrTasks){NULL, 1, NULL};
}

void kr_run_trace(KrRun *run, KrTraceFunction *function, void *user) {
  run->trace = function;
  run->trace_user = user;
}

static bool reads_stream(const KrGraph *graph, uint32_t events, uint32_t wanted) {
  if (events == wanted) return true;
  for (uint32_t i = 0; i < graph->events[events].n_sources; i++)
    if (reads_stream(graph, graph->events[events].sources[i], wanted)) return true;
  return false;
}

static bool is_past(const KrRun *run, uint32_t events, KrRatio time) {
  const KrGraph *graph = run->plan->graph;
  for (uint32_t i = 0; i < graph->n_nodes; i++) {
    const KrNode *node = &graph->nodes[i];
    int64_t tick;
    KrRatio rest;
    if (!kr_node_takes_events(node) || run->plan->node_unit[i] == KR_NONE) continue;
    if (!reads_stream(graph, node->events, events)) continue;
    const KrClock *clock = &graph->flows[node->flow].clock;
    KrStatus status = graph->events[events].is_input ? kr_clock_floor(clock, time, &tick, &rest)
                                                     : kr_clock_ceil(clock, time, &tick);
    if (status != KR_OK) return true;
    if (tick < 0) tick = 0;
    int64_t n_done = run->units[run->plan->node_unit[i]].n_done;
    if (n_done > 0 && tick < n_done + kr_signal_ahead(node)) return true;
  }
  return kr_ratio_compare(time, run->time) < 0;
}

KrStatus kr_run_push(KrRun *run, uint32_t events, const KrEventItem *item) {
  const KrGraph *graph = run->plan->graph;
  if (events >= graph->n_events || graph->events[events].kind != KR_EVENTS_SIGNAL)
    return KR_ERROR_ARGUMENT;
  if (item->time.num < 0 || is_past(run, events, item->time)) return KR_ERROR_ARGUMENT;
  KrEventQueue *queue = &run->context.queues[events];
  if (queue->n > 0) {
    const KrRunEvent *newest = &queue->items[(queue->n - 1) & (queue->cap - 1)];
    if (kr_ratio_compare(newest->time, item->time) > 0) return KR_ERROR_ARGUMENT;
  }
  if (queue->n >= queue->cap &&
      kr_ratio_compare(queue->items[queue->n & (queue->cap - 1)].time, run->time) >= 0)
    return KR_ERROR_LIMIT;
  KrRunEvent event = {item->time,    item->action, item->has_dur, item->dur,
                      item->has_key, item->key,    item->values};
  kr_queue_push(queue, graph->events[events].n_fields, &event);
  return KR_OK;
}

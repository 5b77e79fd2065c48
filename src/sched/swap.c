// Hot swap: which state of the old program goes where in the new one, as of one instant.
#include "sched/run_voices.h"

static void copy_bytes(void *to, const void *from, size_t n) { __builtin_memcpy(to, from, n); }

static size_t field_bytes(const KrRunStep *step, uint32_t field) {
  return (size_t)step->plan->field_count[field] * step->lanes *
         kr_step_field_bytes(step->node, field);
}

static bool is_local_prev(const KrRunStep *step) {
  return step->before != NULL && step->plan->ring == KR_NONE;
}

// ---- keeping

static void make_kept(KrRun *run, uint32_t u) {
  const KrRunUnit *unit = &run->units[u];
  KrArena *arena = run->arena;
  KrKeptUnit *kept = &run->kept[u];
  if (kept->steps != NULL || run->plan->graph->flows[unit->plan->flow].is_body) return;
  kept->steps = KR_NEW_ARRAY(arena, KrKeptStep, unit->plan->n_steps);
  kept->values = KR_NEW_ARRAY(arena, uint64_t, run->plan->graph->n_states);
  for (uint32_t s = 0; s < unit->plan->n_steps; s++) {
    const KrRunStep *step = &unit->steps[s];
    KrKeptStep *k = &kept->steps[s];
    k->field = KR_NEW_ARRAY(arena, void *, step->plan->n_fields);
    for (uint32_t f = 0; f < step->plan->n_fields; f++)
      if (!(step->node->op->field[f].flags & KR_FIELD_COEF))
        k->field[f] = kr_arena_alloc(arena, field_bytes(step, f));
    if (is_local_prev(step)) k->before = kr_arena_alloc(arena, step->out_bytes[0]);
    if (step->site == NULL) continue;
    if (step->node->kind == KR_NODE_VOICES)
      k->voices = kr_voices_kept(arena, &run->voices[step->node->voices]);
    k->site = KR_NEW_ARRAY(arena, KrSite, step->n_lanes);
    k->popped = KR_NEW_ARRAY(arena, uint64_t *, step->n_lanes);
    for (uint32_t l = 0; l < step->n_lanes; l++)
      k->popped[l] = KR_NEW_ARRAY(arena, uint64_t, kr_cursor_leaves(step->site[l].cursor));
  }
}

// Runs while the program runs: copies, and short voices that become lanes.
void kr_swap_keep(KrRun *run, uint32_t u) {
  const KrRunUnit *unit = &run->units[u];
  KrKeptUnit *kept = &run->kept[u];
  kept->taken = true;
  for (uint32_t s = 0; s < unit->plan->n_steps; s++) {
    const KrRunStep *step = &unit->steps[s];
    KrKeptStep *k = &kept->steps[s];
    for (uint32_t f = 0; f < step->plan->n_fields; f++)
      if (k->field[f] != NULL) copy_bytes(k->field[f], step->field[f], field_bytes(step, f));
    if (k->before != NULL) copy_bytes(k->before, step->before, step->out_bytes[0]);
    if (k->voices != NULL)
      kr_voices_keep(k->voices, run, &run->voices[step->node->voices], unit->n_done);
    for (uint32_t l = 0; step->site != NULL && l < step->n_lanes; l++) {
      k->site[l] = step->site[l];
      kr_cursor_save(step->site[l].cursor, k->popped[l]);
    }
  }
  for (uint32_t i = 0; i < unit->n_states; i++)
    kept->values[unit->states[i]] = run->states[unit->states[i]].value;
}

static KrStatus to_grid(const KrRun *run, KrRatio time, int64_t *grid) {
  bool whole;
  return kr_run_grid(run->plan, time, grid, &whole);
}

KrStatus kr_run_announce(KrRun *run, KrRatio instant) {
  int64_t grid;
  KR_TRY(to_grid(run, instant, &grid));
  for (uint32_t u = 0; u < run->plan->n_units; u++)
    if (run->units[u].n_done > kr_run_count(run->plan, run->plan->units[u].flow, grid))
      return KR_ERROR_ARGUMENT;
  jmp_buf here, *outer = run->arena->escape;
  run->arena->escape = &here;
  if (setjmp(here) != 0) {
    run->arena->escape = outer;
    return KR_ERROR_MEMORY;
  }
  for (uint32_t u = 0; u < run->plan->n_units; u++) {
    make_kept(run, u);
    run->kept[u].taken = false;
  }
  run->arena->escape = outer;
  run->has_swap = true;
  run->swap_grid = grid;
  return KR_OK;
}

// ---- carrying over

/// Both runs at the instant.
typedef struct Swap {
  KrRun *run;
  KrRun *old;
  KrArena *arena;
  int64_t grid, old_grid;
  uint32_t *table, n_table; ///< old nodes by path, open addressing; KR_NONE: free
  uint32_t *old_step;       ///< per old node: its step in its unit
} Swap;

static uint64_t hash_path(KrText path, KrNodeKind kind) {
  uint64_t hash = UINT64_C(14695981039346656037) ^ (uint64_t)kind; // FNV-1a
  for (size_t i = 0; i < path.n; i++) hash = (hash ^ (uint8_t)path.at[i]) * UINT64_C(1099511628211);
  return hash;
}

static void index_step(Swap *swap, const KrPlanStep *step, uint32_t index) {
  if (step->kind != KR_STEP_NODE) return;
  for (uint32_t l = 0; l < step->n_lanes; l++)
    swap->old_step[kr_step_node(swap->old->plan, step, l)] = index;
}

static void index_old(Swap *swap) {
  const KrPlan *plan = swap->old->plan;
  uint32_t n = plan->graph->n_nodes;
  swap->n_table = (uint32_t)kr_power_of_two(2 * (uint64_t)n + 1);
  swap->table = KR_NEW_ARRAY(swap->arena, uint32_t, swap->n_table);
  swap->old_step = KR_NEW_ARRAY(swap->arena, uint32_t, n);
  for (uint32_t i = 0; i < swap->n_table; i++) swap->table[i] = KR_NONE;
  for (uint32_t i = 0; i < n; i++) {
    const KrNode *node = &plan->graph->nodes[i];
    uint64_t at = hash_path(node->path, node->kind);
    while (swap->table[at & (swap->n_table - 1)] != KR_NONE) at++;
    swap->table[at & (swap->n_table - 1)] = i;
  }
  for (uint32_t u = 0; u < plan->n_units; u++)
    for (uint32_t s = 0; s < plan->units[u].n_steps; s++)
      index_step(swap, &plan->units[u].steps[s], s);
}

// Old node of the same path, kind and type that runs in the old program, else KR_NONE.
static uint32_t find_old(const Swap *swap, const KrNode *node) {
  const KrPlan *plan = swap->old->plan;
  for (uint64_t at = hash_path(node->path, node->kind);; at++) {
    uint32_t i = swap->table[at & (swap->n_table - 1)];
    if (i == KR_NONE) return KR_NONE;
    const KrNode *other = &plan->graph->nodes[i];
    if (other->kind != node->kind || !kr_text_equal(other->path, node->path)) continue;
    if (!kr_type_equal(&other->type, &node->type) || plan->node_unit[i] == KR_NONE) continue;
    if (node->kind == KR_NODE_OP &&
        (other->elem != node->elem ||
         !kr_text_equal(kr_text_from(other->op->name), kr_text_from(node->op->name))))
      continue;
    return i;
  }
}

// What a unit kept as it passed the instant; NULL: it stands there still.
static const KrKeptUnit *find_kept(const Swap *swap, uint32_t unit) {
  const KrRun *old = swap->old;
  int64_t n = kr_run_count(old->plan, old->plan->units[unit].flow, swap->old_grid);
  return old->units[unit].n_done == n ? NULL : &old->kept[unit];
}

static uint64_t inner_count(const KrRun *run, uint32_t flow, int64_t grid) {
  uint32_t substeps = run->plan->graph->flows[flow].substeps;
  return (uint64_t)kr_run_count(run->plan, flow, grid) * (substeps > 1 ? substeps : 1);
}

/// A lane of a step: one node's state.
typedef struct Lane {
  const KrRunStep *step;
  uint32_t lane;
} Lane;

static uint64_t entries_of(Lane at, uint32_t field) {
  return at.step->plan->lane_count[at.lane * at.step->plan->n_fields + field];
}

// All state fields have the same shape, or none is taken.
static bool has_same_fields(Lane a, Lane b) {
  if (a.step->plan->n_fields != b.step->plan->n_fields) return false;
  for (uint32_t f = 0; f < a.step->plan->n_fields; f++)
    if (!(a.step->node->op->field[f].flags & KR_FIELD_COEF) && entries_of(a, f) != entries_of(b, f))
      return false;
  return true;
}

static size_t entry_at(Lane at, uint64_t entry, size_t width) {
  return ((size_t)entry * at.step->lanes + at.lane) * width;
}

static void carry_fields(const Swap *swap, Lane to, Lane from, void *const *field) {
  const KrRunStep *step = to.step;
  if (!has_same_fields(to, from)) return;
  for (uint32_t f = 0; f < step->plan->n_fields; f++) {
    uint32_t flags = step->node->op->field[f].flags;
    uint64_t count = entries_of(to, f), at = 0, old_at = 0;
    size_t width = kr_step_field_bytes(step->node, f);
    if (flags & KR_FIELD_COEF) continue;
    if (flags & KR_FIELD_RING) {
      at = inner_count(swap->run, step->node->flow, swap->grid);
      old_at = inner_count(swap->old, from.step->node->flow, swap->old_grid);
    }
    for (uint64_t i = 0; i < count; i++)
      copy_bytes((uint8_t *)step->field[f] + entry_at(to, (at + i) % count, width),
                 (const uint8_t *)field[f] + entry_at(from, (old_at + i) % count, width), width);
  }
}

static bool is_same_stream(const KrGraph *a, uint32_t ea, const KrGraph *b, uint32_t eb) {
  const KrEvents *x = &a->events[ea], *y = &b->events[eb];
  if (x->kind != y->kind || x->n_sources != y->n_sources || x->n_items != y->n_items ||
      x->n_nodes != y->n_nodes || x->n_fields != y->n_fields ||
      kr_ratio_compare(x->period, y->period) != 0)
    return false;
  for (uint32_t i = 0; i < x->n_items; i++)
    if (kr_ratio_compare(x->items[i].time, y->items[i].time) != 0) return false;
  for (uint32_t i = 0; i < x->n_sources; i++)
    if (!is_same_stream(a, x->sources[i], b, y->sources[i])) return false;
  return true;
}

static void carry_site(const Swap *swap, uint32_t node, uint32_t old_node, KrSite *to,
                       const KrSite *from, const uint64_t *popped) {
  const KrGraph *graph = swap->run->plan->graph, *old = swap->old->plan->graph;
  const KrNode *x = &graph->nodes[node], *y = &old->nodes[old_node];
  if (y->signal != x->signal || y->field != x->field) return;
  if (!is_same_stream(graph, x->events, old, y->events)) return;
  KrCursor *cursor = to->cursor;
  bool emits = to->emits, looks_ahead = to->looks_ahead;
  *to = *from;
  to->cursor = cursor;
  to->emits = emits;
  to->looks_ahead = looks_ahead;
  to->ahead = (KrSiteAhead){0};
  kr_cursor_restore(cursor, popped);
}

// Events due before the first tick of the new program are over.
static KrStatus skip_events(const Swap *swap, Lane to) {
  const KrClock *clock = &swap->run->plan->graph->flows[to.step->node->flow].clock;
  int64_t n = kr_run_count(swap->run->plan, to.step->node->flow, swap->grid);
  KrRatio time;
  KR_TRY(kr_clock_time(clock, n, &time));
  kr_cursor_skip(to.step->site[to.lane].cursor, time);
  return KR_OK;
}

static const uint64_t *popped_of(const Swap *swap, Lane from, const KrKeptStep *kept) {
  if (kept != NULL) return kept->popped[from.lane];
  const KrCursor *cursor = from.step->site[from.lane].cursor;
  uint64_t *popped = KR_NEW_ARRAY(swap->arena, uint64_t, kr_cursor_leaves(cursor));
  kr_cursor_save(cursor, popped);
  return popped;
}

static KrStatus carry_lane(const Swap *swap, Lane to) {
  const KrRunStep *step = to.step;
  uint32_t index = kr_step_node(swap->run->plan, step->plan, to.lane);
  if (step->site != NULL) KR_TRY(skip_events(swap, to));
  if (step->node->kind != KR_NODE_OP && step->site == NULL && !is_local_prev(step)) return KR_OK;
  uint32_t node = find_old(swap, &swap->run->plan->graph->nodes[index]);
  if (node == KR_NONE) return KR_OK;
  uint32_t u = swap->old->plan->node_unit[node];
  Lane from = {&swap->old->units[u].steps[swap->old_step[node]], swap->old->plan->node_lane[node]};
  const KrKeptUnit *unit = find_kept(swap, u);
  const KrKeptStep *kept = unit != NULL ? &unit->steps[swap->old_step[node]] : NULL;
  if (step->node->kind == KR_NODE_OP)
    carry_fields(swap, to, from, kept != NULL ? kept->field : from.step->field);
  if (is_local_prev(step) && is_local_prev(from.step)) {
    size_t n_bytes = step->out_bytes[0] / step->lanes;
    const uint8_t *before = kept != NULL ? kept->before : from.step->before;
    copy_bytes(step->before + to.lane * n_bytes, before + from.lane * n_bytes, n_bytes);
  }
  if (step->site == NULL) return KR_OK;
  carry_site(swap, index, node, &step->site[to.lane],
             kept != NULL ? &kept->site[from.lane] : &from.step->site[from.lane],
             popped_of(swap, from, kept));
  if (step->node->kind == KR_NODE_VOICES)
    kr_voices_carry(&swap->run->voices[step->node->voices], swap->old,
                    &swap->old->voices[from.step->node->voices], kept != NULL ? kept->voices : NULL,
                    kr_run_count(swap->run->plan, step->node->flow, swap->grid));
  return KR_OK;
}

static KrStatus carry_step(const Swap *swap, KrRunStep *step) {
  if (step->node == NULL) return KR_OK;
  for (uint32_t l = 0; l < step->n_lanes; l++) KR_TRY(carry_lane(swap, (Lane){step, l}));
  if (step->node->kind == KR_NODE_OP) kr_step_repeat_lane(step);
  return KR_OK;
}

// Value of an old state as of the instant, and the time of the write it comes from.
static KrRunVersion old_value(const Swap *swap, uint32_t index) {
  const KrRunState *state = &swap->old->states[index];
  const KrPlanState *plan = &swap->old->plan->states[index];
  KrRunVersion version = {INT64_MIN, state->value};
  if (state->versions != NULL) {
    uint64_t v = state->n - 1;
    while (v > 0 && state->n - v <= state->mask &&
           state->versions[v & state->mask].time >= swap->old_grid)
      v--;
    version = state->versions[v & state->mask];
  }
  if (state->buffer == NULL) return version;
  const KrKeptUnit *kept = find_kept(swap, swap->old->plan->node_unit[plan->writers[0]]);
  version.bits = kept != NULL ? kept->values[index] : state->value;
  return version;
}

static void carry_states(const Swap *swap) {
  const KrGraph *graph = swap->run->plan->graph, *old = swap->old->plan->graph;
  bool same_grid =
      kr_ratio_compare(swap->run->plan->grid.frequency, swap->old->plan->grid.frequency) == 0;
  for (uint32_t s = 0; s < graph->n_states; s++) {
    uint32_t o = 0;
    while (o < old->n_states && !kr_text_equal(old->states[o].name, graph->states[s].name)) o++;
    if (o == old->n_states || !kr_type_equal(&old->states[o].type, &graph->states[s].type))
      continue;
    KrRunVersion version = old_value(swap, o);
    KrRunState *state = &swap->run->states[s];
    state->value = version.bits;
    if (state->versions != NULL)
      state->versions[0] = (KrRunVersion){same_grid ? version.time : INT64_MIN, version.bits};
  }
}

// One lane of a ring from where the old program kept it, in a ring of its own or of its group.
static void carry_ring(const Swap *swap, uint32_t index, uint32_t lane, KrRef ref) {
  const KrPlan *plan = swap->run->plan, *old_plan = swap->old->plan;
  uint32_t node = find_old(swap, &plan->graph->nodes[ref.node]), old_lane = 0;
  if (node == KR_NONE) return;
  uint32_t group = old_plan->node_group[node];
  uint32_t old_index = old_plan->values[old_plan->first_value[node] + ref.port].ring;
  if (old_index == KR_NONE && group != KR_NONE) {
    old_index = old_plan->values[old_plan->groups[group].first_value + ref.port].ring;
    old_lane = old_plan->node_lane[node];
  }
  if (old_index == KR_NONE) return;
  const KrRunRing *ring = &swap->run->rings[index], *from = &swap->old->rings[old_index];
  const KrPlanRing *old_ring = &old_plan->rings[old_index];
  size_t width = ring->n_bytes / plan->values[plan->rings[index].value].lanes;
  if (width != from->n_bytes / old_plan->values[old_ring->value].lanes) return;
  int64_t n = kr_run_count(plan, plan->units[plan->rings[index].unit].flow, swap->grid);
  int64_t old_n = kr_run_count(old_plan, old_plan->units[old_ring->unit].flow, swap->old_grid);
  int64_t oldest = swap->old->units[old_ring->unit].n_done - (int64_t)from->mask - 1;
  for (int64_t i = 1; i <= n && i <= old_n && (uint64_t)i <= ring->mask + 1 && old_n - i >= oldest;
       i++)
    copy_bytes(kr_ring_at(ring, n - i) + lane * width,
               kr_ring_at(from, old_n - i) + old_lane * width, width);
}

// What constants streamed before the instant is what they stream now.
static void fill_ring(const Swap *swap, uint32_t index) {
  const KrPlanRing *plan = &swap->run->plan->rings[index];
  const KrRunRing *ring = &swap->run->rings[index];
  for (uint64_t i = 0; i <= ring->mask; i++)
    copy_bytes(ring->at + i * ring->n_bytes, swap->run->buffer[plan->value], ring->n_bytes);
}

static void carry_group_ring(const Swap *swap, uint32_t index) {
  const KrPlan *plan = swap->run->plan;
  uint32_t value = plan->rings[index].value;
  if (plan->values[value].lanes == 1) return;
  for (uint32_t g = 0; g < plan->n_groups; g++) {
    const KrPlanGroup *group = &plan->groups[g];
    uint32_t n_outs = plan->graph->nodes[group->node[0]].n_out;
    if (value < group->first_value || value >= group->first_value + (n_outs > 0 ? n_outs : 1))
      continue;
    for (uint32_t l = 0; l < KR_LANES; l++)
      carry_ring(swap, index, l, (KrRef){group->node[l], value - group->first_value});
  }
}

static void carry_rings(const Swap *swap) {
  const KrPlan *plan = swap->run->plan;
  for (uint32_t i = 0; i < plan->graph->n_nodes; i++) {
    uint32_t end = i + 1 < plan->graph->n_nodes ? plan->first_value[i + 1] : plan->first_value[i];
    if (i + 1 == plan->graph->n_nodes && plan->graph->nodes[i].n_out > 0)
      end += plan->graph->nodes[i].n_out;
    for (uint32_t value = plan->first_value[i]; value < end; value++) {
      uint32_t ring = plan->values[value].ring;
      if (ring == KR_NONE) continue;
      if (plan->values[value].held)
        fill_ring(swap, ring);
      else
        carry_ring(swap, ring, 0, (KrRef){i, value - plan->first_value[i]});
    }
  }
  for (uint32_t r = 0; r < plan->n_rings; r++) carry_group_ring(swap, r);
}

// Events that are still to be delivered: emitted before the instant, or pushed at any time.
static void carry_queue(const Swap *swap, uint32_t events, uint32_t old_events) {
  const KrEventQueue *from = &swap->old->context.queues[old_events];
  KrEventQueue *queue = &swap->run->context.queues[events];
  const KrEvents *stream = &swap->run->plan->graph->events[events];
  uint64_t n = from->n, first = from->n > from->cap ? from->n - from->cap : 0;
  KrRatio instant = swap->old->time;
  while (n > first && !stream->is_input &&
         kr_ratio_compare(from->items[(n - 1) & (from->cap - 1)].time, instant) >= 0)
    n--;
  if (n > queue->cap && first < n - queue->cap) first = n - queue->cap;
  queue->n = first;
  for (uint64_t i = first; i < n; i++)
    kr_queue_push(queue, stream->n_fields, &from->items[i & (from->cap - 1)]);
}

static void carry_queues(const Swap *swap) {
  const KrGraph *graph = swap->run->plan->graph, *old = swap->old->plan->graph;
  for (uint32_t e = 0; e < graph->n_events; e++) {
    if (graph->events[e].kind != KR_EVENTS_SIGNAL) continue;
    for (uint32_t o = 0; o < old->n_events; o++)
      if (old->events[o].kind == KR_EVENTS_SIGNAL &&
          old->events[o].n_fields == graph->events[e].n_fields &&
          kr_text_equal(old->events[o].name, graph->events[e].name)) {
        carry_queue(swap, e, o);
        break;
      }
  }
}

static KrStatus carry_all(Swap *swap) {
  KrRun *run = swap->run;
  index_old(swap);
  carry_states(swap);
  carry_queues(swap);
  carry_rings(swap);
  for (uint32_t u = 0; u < run->plan->n_units; u++) {
    KrRunUnit *unit = &run->units[u];
    unit->n_done = kr_run_count(run->plan, unit->plan->flow, swap->grid);
    bool is_body = run->plan->graph->flows[unit->plan->flow].is_body;
    for (uint32_t s = 0; s < unit->plan->n_steps && !is_body; s++) {
      KR_TRY(carry_step(swap, &unit->steps[s]));
      KR_TRY(kr_step_place(run, &unit->steps[s], unit->n_done));
    }
  }
  for (uint32_t o = 0; o < run->plan->graph->n_outputs; o++)
    if (run->outputs[o] != NULL) kr_cursor_skip(run->outputs[o], run->time);
  return KR_OK;
}

// Every unit stands at the instant or kept its state there.
static bool is_kept(const KrRun *old, int64_t grid) {
  for (uint32_t u = 0; u < old->plan->n_units; u++) {
    int64_t n = kr_run_count(old->plan, old->plan->units[u].flow, grid);
    if (old->units[u].n_done != n &&
        !(old->has_swap && old->swap_grid == grid && old->kept[u].taken))
      return false;
  }
  return true;
}

static KrStatus swap_runs(Swap *swap) {
  KrRun *run = swap->run;
  const KrRun *old = swap->old;
  KR_TRY(to_grid(old, old->time, &swap->old_grid));
  KR_TRY(to_grid(run, old->time, &swap->grid));
  if (old->has_fault) return KR_ERROR_RUN;
  if (!is_kept(old, swap->old_grid)) return KR_ERROR_ARGUMENT;
  run->time = old->time;
  KR_TRY(kr_run_grid(run->plan, run->time, &run->time_grid, &run->on_grid));
  KR_TRY(carry_all(swap));
  return kr_run_to(run, run->time);
}

KrStatus kr_run_swap(KrRun *run, KrRun *old) {
  Swap swap = {.run = run, .old = old, .arena = run->arena};
  jmp_buf here, *outer = run->arena->escape;
  run->arena->escape = &here;
  if (setjmp(here) != 0) {
    run->arena->escape = outer;
    return KR_ERROR_MEMORY;
  }
  KrStatus status = swap_runs(&swap);
  run->arena->escape = outer;
  return status;
}

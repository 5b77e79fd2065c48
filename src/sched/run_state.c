// States: what a read sees (strictly the past), how writes of one instant accumulate, when they are
// final for other flows.
#include "math/real.h"
#include "sched/run.h"

void kr_version_push(KrRunState *state, int64_t time, uint64_t bits) {
  state->versions[state->n & state->mask] = (KrRunVersion){time, bits};
  state->n++;
}

#define MERGE_SUM_CASE(E, type)                                                                    \
  case KR_ELEM_##E: {                                                                              \
    type o, a, w;                                                                                  \
    memcpy_8(&o, &old, sizeof o);                                                                  \
    memcpy_8(&a, &sum, sizeof a);                                                                  \
    memcpy_8(&w, &value, sizeof w);                                                                \
    a = (type)(a + (type)(w - o));                                                                 \
    memcpy_8(&sum, &a, sizeof a);                                                                  \
    break;                                                                                         \
  }

static void memcpy_8(void *to, const void *from, size_t n) { __builtin_memcpy(to, from, n); }

// sum + (value - old) in the state's type; `sum` starts at 0.
static uint64_t add_increment(KrElem elem, uint64_t sum, uint64_t value, uint64_t old) {
  switch (elem) {
    MERGE_SUM_CASE(I32, int32_t)
    MERGE_SUM_CASE(I64, int64_t)
    MERGE_SUM_CASE(U32, uint32_t)
    MERGE_SUM_CASE(U64, uint64_t)
    MERGE_SUM_CASE(F32, float)
    MERGE_SUM_CASE(F64, double)
  default: return value;
  }
  return sum;
}

#define PICK_CASE(E, type, CHOICE)                                                                 \
  case KR_ELEM_##E: {                                                                              \
    type x, y;                                                                                     \
    memcpy_8(&x, &a, sizeof x);                                                                    \
    memcpy_8(&y, &b, sizeof y);                                                                    \
    x = CHOICE;                                                                                    \
    memcpy_8(&a, &x, sizeof x);                                                                    \
    break;                                                                                         \
  }

static uint64_t pick_value(KrElem elem, bool least, uint64_t a, uint64_t b) {
  switch (elem) {
    PICK_CASE(BOOL, uint8_t, (x < y) == least ? x : y)
    PICK_CASE(I32, int32_t, (x < y) == least ? x : y)
    PICK_CASE(I64, int64_t, (x < y) == least ? x : y)
    PICK_CASE(U32, uint32_t, (x < y) == least ? x : y)
    PICK_CASE(U64, uint64_t, (x < y) == least ? x : y)
    PICK_CASE(F32, float, least ? kr_f32_min(x, y) : kr_f32_max(x, y))
  default: {
    double x, y;
    memcpy_8(&x, &a, sizeof x);
    memcpy_8(&y, &b, sizeof y);
    x = least ? kr_f64_min(x, y) : kr_f64_max(x, y);
    memcpy_8(&a, &x, sizeof x);
    break;
  }
  }
  return a;
}

/// Writes of one instant as they come in.
typedef struct Merge {
  KrElem elem;
  KrMerge kind;
  uint64_t old, first, result;
  uint32_t n;
} Merge;

static void merge_value(Merge *merge, uint64_t value) {
  if (merge->n++ == 0) {
    merge->first = merge->result = value;
    return;
  }
  if (merge->kind == KR_MERGE_SUM) {
    // d = w1 - old, exactly as the increments that follow.
    if (merge->n == 2) {
      uint64_t zero = 0;
      merge->result = add_increment(merge->elem, zero, merge->first, merge->old);
    }
    merge->result = add_increment(merge->elem, merge->result, value, merge->old);
  } else if (merge->kind == KR_MERGE_MIN || merge->kind == KR_MERGE_MAX) {
    merge->result = pick_value(merge->elem, merge->kind == KR_MERGE_MIN, merge->result, value);
  } else {
    merge->result = value;
  }
}

static uint64_t end_merge(const Merge *merge) {
  if (merge->n == 0) return merge->old;
  if (merge->n == 1 || merge->kind != KR_MERGE_SUM) return merge->result;
  return add_increment(merge->elem, merge->old, merge->result, 0);
}

static bool load_write(const KrRunStep *write, uint32_t i, uint64_t *bits) {
  if (write->n_in > 1 && write->in_base[1] != NULL &&
      *((const uint8_t *)write->in_base[1] + i * write->in_bytes[1]) == 0)
    return false;
  *bits = 0;
  memcpy_8(bits, (const uint8_t *)write->in_base[0] + i * write->in_bytes[0],
           kr_elem_bytes(write->call.in_type[0].elem));
  return true;
}

void kr_states_begin(KrRun *run, KrRunUnit *unit) {
  for (uint32_t i = 0; i < unit->n_states; i++) {
    KrRunState *state = &run->states[unit->states[i]];
    if (state->buffer == NULL) continue;
    memcpy_8(state->buffer, &state->value,
             kr_elem_bytes(run->plan->graph->states[unit->states[i]].type.elem));
  }
}

void kr_state_commit(KrRun *run, KrRunStep *step, const KrSlice *slice) {
  const KrState *def = &run->plan->graph->states[step->plan->state];
  const KrPlanState *plan = &run->plan->states[step->plan->state];
  KrRunState *state = &run->states[step->plan->state];
  uint32_t n_bytes = kr_elem_bytes(def->type.elem);
  uint8_t *at = state->buffer;
  for (uint32_t i = slice->at; i < slice->at + slice->n; i++) {
    Merge merge = {.elem = def->type.elem, .kind = def->merge};
    memcpy_8(&merge.old, at + i * n_bytes, n_bytes);
    for (uint32_t w = 0; w < plan->n_writers; w++) {
      uint64_t bits;
      if (load_write(step->writers[w], i, &bits)) merge_value(&merge, bits);
    }
    uint64_t result = end_merge(&merge);
    memcpy_8(at + (i + 1) * n_bytes, &result, n_bytes);
  }
}

// The sole writer's flow publishes a version at every tick that wrote.
static void publish_versions(KrRun *run, const KrRunUnit *unit, uint32_t index, int64_t tick,
                             uint32_t n, bool last_inner) {
  const KrPlanState *plan = &run->plan->states[index];
  KrRunState *state = &run->states[index];
  uint32_t n_bytes = kr_elem_bytes(run->plan->graph->states[index].type.elem);
  for (uint32_t i = 0; i < n; i++) {
    uint64_t bits;
    for (uint32_t w = 0; w < plan->n_writers; w++)
      state->wrote |= load_write(state->commit->writers[w], i, &bits);
    if (!state->wrote || !last_inner) continue;
    state->wrote = false;
    bits = 0;
    memcpy_8(&bits, (const uint8_t *)state->buffer + (i + 1) * n_bytes, n_bytes);
    kr_version_push(state, kr_run_tick_time(run->plan, unit->plan->flow, tick + i), bits);
  }
}

static bool is_own(const KrRun *run, uint32_t writer, uint32_t flow) {
  return run->plan->graph->nodes[writer].flow == flow;
}

// An inner run's writes take the place of those of the inner runs before.
static void keep_inner(KrRun *run, const KrRunUnit *unit, uint32_t index) {
  const KrPlanState *plan = &run->plan->states[index];
  KrRunLog *logs = run->states[index].logs;
  uint64_t bits;
  bool any = false;
  for (uint32_t w = 0; w < plan->n_writers; w++)
    any = any ||
          (is_own(run, plan->writers[w], unit->plan->flow) && load_write(logs[w].writer, 0, &bits));
  for (uint32_t w = 0; any && w < plan->n_writers; w++)
    if (is_own(run, plan->writers[w], unit->plan->flow))
      logs[w].has_inner = load_write(logs[w].writer, 0, &logs[w].inner_bits);
}

static void log_writes(KrRun *run, const KrRunUnit *unit, uint32_t index, int64_t tick,
                       uint32_t n) {
  const KrPlanState *plan = &run->plan->states[index];
  bool inner = run->plan->graph->flows[unit->plan->flow].substeps > 1;
  for (uint32_t w = 0; w < plan->n_writers; w++) {
    if (!is_own(run, plan->writers[w], unit->plan->flow)) continue;
    KrRunLog *log = &run->states[index].logs[w];
    for (uint32_t i = 0; i < n; i++) {
      uint64_t bits = log->inner_bits;
      if (inner ? !log->has_inner : !load_write(log->writer, i, &bits)) continue;
      log->at[log->n++ & log->mask] =
          (KrRunVersion){kr_run_tick_time(run->plan, unit->plan->flow, tick + i), bits};
    }
    log->has_inner = false;
  }
}

void kr_states_end(KrRun *run, KrRunUnit *unit, int64_t tick, uint32_t n, bool last_inner) {
  if (n == 0) return;
  for (uint32_t i = 0; i < unit->n_states; i++) {
    uint32_t index = unit->states[i];
    KrRunState *state = &run->states[index];
    uint32_t n_bytes = kr_elem_bytes(run->plan->graph->states[index].type.elem);
    if (state->buffer != NULL) {
      state->value = 0;
      memcpy_8(&state->value, (const uint8_t *)state->buffer + n * n_bytes, n_bytes);
    }
    if (state->buffer != NULL && state->versions != NULL)
      publish_versions(run, unit, index, tick, n, last_inner);
    if (state->logs != NULL && run->plan->graph->flows[unit->plan->flow].substeps > 1)
      keep_inner(run, unit, index);
    if (state->logs != NULL && last_inner) log_writes(run, unit, index, tick, n);
  }
}

// Grid time before which every writer of the state has written all it will.
static int64_t find_settled(const KrRun *run, const KrPlanState *plan) {
  int64_t until = INT64_MAX;
  for (uint32_t w = 0; w < plan->n_writers; w++) {
    const KrRunUnit *unit = &run->units[run->plan->node_unit[plan->writers[w]]];
    if (kr_run_has_ended(run, unit)) continue;
    int64_t time = kr_run_tick_time(run->plan, unit->plan->flow, unit->n_done);
    if (time < until) until = time;
  }
  return until;
}

void kr_state_settle(KrRun *run, uint32_t index) {
  const KrPlanState *plan = &run->plan->states[index];
  KrRunState *state = &run->states[index];
  if (state->logs == NULL) return;
  int64_t until = find_settled(run, plan);
  for (;;) {
    int64_t time = until;
    for (uint32_t w = 0; w < plan->n_writers; w++) {
      const KrRunLog *log = &state->logs[w];
      if (log->taken < log->n && log->at[log->taken & log->mask].time < time)
        time = log->at[log->taken & log->mask].time;
    }
    if (time == until) return;
    const KrState *def = &run->plan->graph->states[index];
    Merge merge = {.elem = def->type.elem, .kind = def->merge};
    merge.old = state->versions[(state->n - 1) & state->mask].bits;
    for (uint32_t w = 0; w < plan->n_writers; w++) {
      KrRunLog *log = &state->logs[w];
      if (log->taken == log->n || log->at[log->taken & log->mask].time != time) continue;
      merge_value(&merge, log->at[log->taken++ & log->mask].bits);
    }
    kr_version_push(state, time, end_merge(&merge));
  }
}

static void read_versions(KrRun *run, KrRunStep *step, const KrSlice *slice, KrElem elem) {
  const KrRunState *state = &run->states[step->node->state];
  uint32_t n_bytes = kr_elem_bytes(step->node->type.elem);
  uint64_t v = step->version, n_kept = state->mask + 1;
  // A slow reader's place may be overwritten: what is still kept reaches back to its time.
  if (state->n > n_kept && v < state->n - n_kept) v = state->n - n_kept;
  for (uint32_t i = 0; i < slice->n; i++) {
    int64_t time = kr_run_tick_time(run->plan, step->node->flow, slice->tick + i);
    while (v + 1 < state->n && state->versions[(v + 1) & state->mask].time < time) v++;
    kr_elem_convert(step->node->type.elem, (uint8_t *)step->out[0] + i * n_bytes, elem,
                    &state->versions[v & state->mask].bits, 1);
  }
  step->version = v;
  if (state->logs == NULL) return;
  const KrPlanState *plan = &run->plan->states[step->node->state];
  for (uint32_t w = 0; w < plan->n_writers; w++)
    if (state->logs[w].has_inner && is_own(run, plan->writers[w], step->node->flow))
      kr_elem_convert(step->node->type.elem, step->out[0], elem, &state->logs[w].inner_bits, 1);
}

void kr_state_read(KrRun *run, KrRunStep *step, const KrSlice *slice) {
  KrElem elem = run->plan->graph->states[step->node->state].type.elem;
  if (step->plan->reads_versions) {
    read_versions(run, step, slice, elem);
    return;
  }
  const uint8_t *buffer = run->states[step->node->state].buffer;
  kr_elem_convert(step->node->type.elem, step->out[0], elem,
                  buffer + slice->at * kr_elem_bytes(elem), slice->n);
}

// Which values of a unit's tile share memory: a buffer is free again after the last step that reads
// it.
#include "sched/plan.h"
#include "sched/signal.h"

enum { N_WIDTHS = 8 }; ///< scalars of one lane or of sixteen: 2^w bytes per tick

typedef struct Slots {
  KrPlan *plan;
  uint32_t *last;  ///< per value: index of the last step that reads it
  uint32_t *begin; ///< per step + 1: values whose last step it is, in `dying`
  uint32_t *dying;
  uint32_t *free_at[N_WIDTHS], n_free[N_WIDTHS], cap_free[N_WIDTHS];
} Slots;

static bool is_shared(const KrPlanValue *value) {
  return !value->held && value->type.shape == KR_SHAPE_SCALAR;
}

static uint32_t width_of(const KrPlanValue *value) {
  uint32_t width = 0;
  while ((size_t)1 << width < value->n_bytes) width++;
  return width;
}

static void own_slot(KrPlan *plan, KrPlanValue *value) {
  // What belongs to no unit is part of a function of events.
  size_t tile = value->held              ? 1
                : value->unit == KR_NONE ? KR_EVENT_BATCH
                                         : plan->units[value->unit].tile;
  value->slot = plan->n_slots;
  KR_PUSH(plan->arena, plan->slot_bytes, plan->n_slots, plan->cap_slots, tile * value->n_bytes);
}

static void take_slot(Slots *slots, uint32_t index) {
  KrPlanValue *value = &slots->plan->values[index];
  if (value->slot != KR_NONE) return;
  uint32_t width = width_of(value);
  if (is_shared(value) && slots->n_free[width] > 0)
    value->slot = slots->free_at[width][--slots->n_free[width]];
  else
    own_slot(slots->plan, value);
}

static void free_slot(Slots *slots, uint32_t index) {
  const KrPlanValue *value = &slots->plan->values[index];
  uint32_t width = width_of(value);
  if (!is_shared(value)) return;
  KR_PUSH(slots->plan->arena, slots->free_at[width], slots->n_free[width], slots->cap_free[width],
          value->slot);
}

// Inputs of PREV and STATE_WRITE are read again when the tile ends, what voices put out is then.
static bool reads_at_end(const KrPlan *plan, const KrPlanStep *step) {
  if (step->kind == KR_STEP_VOICES) return true;
  if (step->kind != KR_STEP_NODE) return false;
  KrNodeKind kind = plan->graph->nodes[step->node].kind;
  return kind == KR_NODE_PREV || kind == KR_NODE_STATE_WRITE;
}

static void find_last(Slots *slots, const KrPlanUnit *unit) {
  for (uint32_t g = 0; g < unit->n_segments; g++)
    for (uint32_t s = unit->segments[g].begin; s < unit->segments[g].end; s++) {
      const KrPlanStep *step = &unit->steps[s];
      uint32_t last = unit->segments[g].serial ? unit->segments[g].end - 1 : s;
      for (uint32_t k = 0; k < step->n_out; k++)
        if (slots->last[step->out + k] < last) slots->last[step->out + k] = last;
      if (reads_at_end(slots->plan, step)) last = unit->n_steps;
      for (uint32_t k = 0; k < step->n_in; k++)
        if (step->in[k] != KR_NONE && slots->last[step->in[k]] < last)
          slots->last[step->in[k]] = last;
    }
}

static void sort_dying(Slots *slots, const KrPlanUnit *unit) {
  const KrPlan *plan = slots->plan;
  slots->begin = KR_NEW_ARRAY(plan->arena, uint32_t, unit->n_steps + 2);
  uint32_t n = 0;
  for (uint32_t s = 0; s < unit->n_steps; s++)
    for (uint32_t k = 0; k < unit->steps[s].n_out; k++, n++)
      slots->begin[slots->last[unit->steps[s].out + k] + 1]++;
  for (uint32_t s = 0; s <= unit->n_steps; s++) slots->begin[s + 1] += slots->begin[s];
  slots->dying = KR_NEW_ARRAY(plan->arena, uint32_t, n);
  uint32_t *fill = kr_arena_copy(plan->arena, slots->begin, (unit->n_steps + 2) * sizeof(uint32_t));
  for (uint32_t s = 0; s < unit->n_steps; s++)
    for (uint32_t k = 0; k < unit->steps[s].n_out; k++) {
      uint32_t value = unit->steps[s].out + k;
      slots->dying[fill[slots->last[value]]++] = value;
    }
}

// Outputs take their memory before inputs give theirs back: they never overlap.
static void share_slots(Slots *slots, const KrPlanUnit *unit) {
  for (uint32_t g = 0; g < unit->n_segments; g++) {
    const KrPlanSegment *segment = &unit->segments[g];
    uint32_t chunk = segment->serial ? segment->end - segment->begin : 1;
    for (uint32_t s = segment->begin; s < segment->end; s += chunk) {
      for (uint32_t i = s; i < s + chunk; i++)
        for (uint32_t k = 0; k < unit->steps[i].n_out; k++)
          take_slot(slots, unit->steps[i].out + k);
      for (uint32_t i = slots->begin[s]; i < slots->begin[s + chunk]; i++)
        free_slot(slots, slots->dying[i]);
    }
  }
}

void kr_plan_slots(KrPlan *plan) {
  for (uint32_t i = 0; i < plan->n_values; i++) plan->values[i].slot = KR_NONE;
  Slots slots = {.plan = plan, .last = KR_NEW_ARRAY(plan->arena, uint32_t, plan->n_values)};
  for (uint32_t u = 0; u < plan->n_units; u++) {
    const KrPlanUnit *unit = &plan->units[u];
    if (plan->graph->flows[unit->flow].substeps > 1) continue;
    for (uint32_t w = 0; w < N_WIDTHS; w++) slots.n_free[w] = 0;
    find_last(&slots, unit);
    sort_dying(&slots, unit);
    share_slots(&slots, unit);
  }
  for (uint32_t i = 0; i < plan->n_values; i++)
    if (plan->values[i].slot == KR_NONE) own_slot(plan, &plan->values[i]);
}

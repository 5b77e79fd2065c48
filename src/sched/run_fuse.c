// Sums of single lanes whose terms are made by delays and their like: every term but the first of
// its column is added where it is made (what plan_fuse.c does for sixteen lanes).
#include "math/sum.h"
#include "sched/run.h"

/// Of the values of one unit.
struct KrRunFuse {
  uint32_t *maker; ///< step that makes it
  uint32_t *n_readers;
};

static bool is_candidate(const KrRunStep *step) {
  enum { MOST = 1024 }; // sums of chunks are one chunk again
  return step->node != NULL && step->node->kind == KR_NODE_SUM && step->lanes == 1 &&
         step->plan->kind == KR_STEP_NODE && !step->is_serial &&
         kr_elem_is_real(step->node->type.elem) && step->n_in > KR_SUM_COLUMNS &&
         step->n_in <= MOST;
}

static void look_at(KrRun *run, const KrRunUnit *unit) {
  if (run->fuse == NULL) {
    run->fuse = KR_NEW(run->arena, struct KrRunFuse);
    run->fuse->maker = KR_NEW_ARRAY(run->arena, uint32_t, run->plan->n_values);
    run->fuse->n_readers = KR_NEW_ARRAY(run->arena, uint32_t, run->plan->n_values);
  }
  kr_plan_count_readers(unit->plan, run->fuse->n_readers);
  for (uint32_t s = 0; s < unit->plan->n_steps; s++) {
    const KrPlanStep *step = &unit->plan->steps[s];
    for (uint32_t k = 0; k < step->n_out; k++) run->fuse->maker[step->out + k] = s;
  }
}

static bool is_one_segment(const KrRunUnit *unit, const KrRunStep *first, const KrRunStep *last) {
  for (uint32_t g = 0; g < unit->plan->n_segments; g++) {
    const KrPlanSegment *segment = &unit->plan->segments[g];
    if ((size_t)(first - unit->steps) >= segment->begin &&
        (size_t)(last - unit->steps) < segment->end)
      return true;
  }
  return false;
}

static bool can_add(const KrRunStep *step) {
  return step->n_out == 1 && step->node != NULL && step->node->kind == KR_NODE_OP &&
         step->is_quick && !step->is_serial && (step->node->op->flags & KR_OP_ALONE) != 0 &&
         (step->node->op->flags & KR_OP_ADDS) != 0;
}

// Terms of which each is read by the sum alone, made one after the other by kernels that can add.
static bool find_makers(const KrRun *run, const KrRunUnit *unit, const KrRunStep *sum,
                        KrRunStep **makers) {
  for (uint32_t k = 0; k < sum->n_in; k++) {
    uint32_t value = sum->plan->in[k];
    if (value == KR_NONE || run->plan->values[value].held || run->fuse->n_readers[value] != 1)
      return false;
    uint32_t maker = run->fuse->maker[value];
    if (maker >= unit->plan->n_steps || unit->plan->steps[maker].out != value) return false;
    makers[k] = &unit->steps[maker];
    if (!can_add(makers[k]) || makers[k] >= sum || (k > 0 && makers[k] <= makers[k - 1]))
      return false;
  }
  return is_one_segment(unit, makers[0], sum);
}

// Like the head but for settings that never change: it can run with it.
static bool goes_with(const KrRunStep *step, const KrRunStep *head) {
  uint64_t all = (UINT64_C(1) << step->n_in) - 1;
  return head->kernel == step->kernel && head->plan->in[0] == step->plan->in[0] &&
         (step->call.held & all) == all - 1;
}

// Every term but the first of its column in its chunk is added to what that one gave: at once,
// together with it, where it can be.
static void add_terms(KrRunStep *sum, KrRunStep *const *makers) {
  KrRunStep *tail[KR_SUM_COLUMNS] = {NULL};
  uint32_t n = 0;
  for (uint32_t k = 0; k < sum->n_in; k++) {
    KrRunStep *step = makers[k];
    uint32_t column = k % KR_SUM_CHUNK % KR_SUM_COLUMNS, first = k - k % KR_SUM_CHUNK + column;
    if (first == k) {
      sum->in[n] = sum->in_base[n] = step->out[0];
      sum->in_bytes[n++] = step->out_bytes[0];
      tail[column] = step;
      continue;
    }
    step->out[0] = step->out_base[0] = makers[first]->out[0];
    step->call.adds = 1;
    if (tail[column] != NULL && goes_with(step, makers[first])) {
      tail[column]->call.also = &step->call;
      step->next = KR_NONE;
      tail[column] = step;
    } else {
      tail[column] = NULL;
    }
  }
  sum->n_in = n;
}

void kr_run_fuse(KrRun *run, KrRunUnit *unit) {
  KrRunStep **makers = NULL;
  uint32_t n = unit->plan->n_steps;
  for (uint32_t i = 0; i < n; i++) {
    if (!is_candidate(&unit->steps[i])) continue;
    if (makers == NULL) {
      makers = KR_NEW_ARRAY(run->arena, KrRunStep *, n);
      look_at(run, unit);
    }
    if (find_makers(run, unit, &unit->steps[i], makers)) add_terms(&unit->steps[i], makers);
  }
  bool follows = false; // the step after goes along with another
  for (uint32_t i = n; i-- > 0;) {
    bool goes_along = unit->steps[i].next == KR_NONE;
    unit->steps[i].next = follows ? unit->steps[i + 1].next : i + 1;
    follows = goes_along;
  }
}

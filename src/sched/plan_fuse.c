// Steps that become one, because nobody else reads what lies between them.
// Sums: NODE, ADD become NODE with adds, straight to the columns. An opening ADD leaves an OPEN
// before, a closing one an ADD of the whole chunk after.
// Factors: a step, `mul` by something become the step with a factor, in the place of the `mul`.
// Scales: `mul`, `add` of constants, a filter's cutoff: the filter takes the constants.
// Ramps: CROSS linear, `add` of a constant, oscillator: the oscillator reads between the knots.
#include "sched/plan_build.h"

typedef struct Fuse {
  KrPlan *plan;
  const KrPlanUnit *unit; ///< as it was
  uint32_t *n_readers;    ///< per value, of this unit's steps
  uint32_t *maker;        ///< per value: step of this unit that runs in whole tiles, KR_NONE
  uint32_t *place;        ///< per step: where it went, KR_NONE: into another
  KrPlanStep *steps;
  uint32_t n;
} Fuse;

enum { LEAST_RAMP = 32 }; // reader ticks between two knots: three parts a tile at most

static const KrNode *node_of(const Fuse *fuse, const KrPlanStep *step) {
  return &fuse->plan->graph->nodes[step->node];
}

void kr_plan_count_readers(const KrPlanUnit *unit, uint32_t *n_readers) {
  for (int pass = 0; pass < 2; pass++)
    for (uint32_t s = 0; s < unit->n_steps; s++) {
      const KrPlanStep *step = &unit->steps[s];
      for (uint32_t k = 0; k < step->n_in; k++)
        if (step->in[k] != KR_NONE)
          n_readers[step->in[k]] = pass == 0 ? 0 : n_readers[step->in[k]] + 1;
    }
}

static bool has_one_reader(const Fuse *fuse, uint32_t value) {
  return fuse->n_readers[value] == 1 && fuse->plan->values[value].ring == KR_NONE;
}

static bool is_wide_op(const Fuse *fuse, const KrPlanStep *step) {
  return step->kind == KR_STEP_NODE && step->lanes == KR_LANES &&
         node_of(fuse, step)->kind == KR_NODE_OP;
}

static bool can(const Fuse *fuse, const KrPlanStep *step, uint32_t flag) {
  return is_wide_op(fuse, step) && (node_of(fuse, step)->op->flags & flag) != 0;
}

// ---- ramps

// The step that makes a value for one reader only; NULL: none.
static KrPlanStep *sole_maker(const Fuse *fuse, uint32_t value) {
  if (value == KR_NONE || fuse->maker[value] == KR_NONE || !has_one_reader(fuse, value))
    return NULL;
  return &fuse->unit->steps[fuse->maker[value]];
}

static bool is_held(const Fuse *fuse, uint32_t value) {
  return value != KR_NONE && fuse->plan->values[value].held;
}

static bool is_constant(const Fuse *fuse, uint32_t value) {
  return value == KR_NONE || is_held(fuse, value);
}

// Those of a step, with room for n more.
static uint32_t *inputs_with(const Fuse *fuse, const KrPlanStep *step, uint32_t n) {
  uint32_t *in = KR_NEW_ARRAY(fuse->plan->arena, uint32_t, step->n_in + n);
  for (uint32_t k = 0; k < step->n_in; k++) in[k] = step->in[k];
  return in;
}

static bool is_slow_cross(const Fuse *fuse, const KrPlanStep *step) {
  if (step == NULL || step->kind != KR_STEP_NODE || step->lanes != KR_LANES) return false;
  const KrNode *node = node_of(fuse, step);
  if (node->kind != KR_NODE_CROSS || node->mode != KR_MODE_LINEAR) return false;
  const KrPlanFlow *flows = fuse->plan->flows;
  uint32_t source = fuse->plan->graph->nodes[node->source.node].flow;
  return flows[source].period / LEAST_RAMP >= flows[node->flow].period;
}

static bool is_named(const Fuse *fuse, const KrPlanStep *step, const char *name) {
  return step != NULL && is_wide_op(fuse, step) &&
         kr_text_equal(kr_text_from(node_of(fuse, step)->op->name), kr_text_from(name));
}

static void fuse_ramp(Fuse *fuse, KrPlanStep *step) {
  if (!can(fuse, step, KR_OP_RAMPS)) return;
  for (uint32_t k = 1; k < step->n_in; k++)
    if (!is_constant(fuse, step->in[k])) return;
  KrPlanStep *cross = sole_maker(fuse, step->in[0]), *add = NULL;
  uint32_t base = KR_NONE;
  if (is_named(fuse, cross, "add")) {
    add = cross;
    uint32_t constant = is_constant(fuse, add->in[0]) ? 0 : 1;
    if (!is_constant(fuse, add->in[constant])) return;
    base = add->in[constant];
    cross = sole_maker(fuse, add->in[1 - constant]);
  }
  if (!is_slow_cross(fuse, cross)) return;
  cross->is_ramp = true;
  if (add != NULL) fuse->place[add - fuse->unit->steps] = KR_NONE;
  step->in[0] = base;
  step->has_ramp = true;
  step->ramp = (uint32_t)(cross - fuse->unit->steps);
}

// ---- scales

// `mul` by a constant, `add` of a constant, then input 1 of a step: that takes both constants.
static void fuse_scale(Fuse *fuse, KrPlanStep *step) {
  if (!can(fuse, step, KR_OP_SCALES) || !is_constant(fuse, step->in[2])) return;
  KrPlanStep *add = sole_maker(fuse, step->in[1]);
  if (!is_named(fuse, add, "add") || add->n_in != 2) return;
  for (uint32_t i = 0; i < 2; i++) {
    KrPlanStep *mul = sole_maker(fuse, add->in[i]);
    if (!is_held(fuse, add->in[1 - i]) || !is_named(fuse, mul, "mul") || mul->n_in != 2) continue;
    uint32_t constant = is_held(fuse, mul->in[0]) ? 0 : 1;
    if (!is_held(fuse, mul->in[constant])) continue;
    step->in = inputs_with(fuse, step, 2);
    step->in[step->n_in++] = mul->in[constant];
    step->in[step->n_in++] = add->in[1 - i];
    step->in[1] = mul->in[1 - constant];
    step->n_scales = 2;
    fuse->place[mul - fuse->unit->steps] = fuse->place[add - fuse->unit->steps] = KR_NONE;
    return;
  }
}

// ---- factors

static uint32_t most_factors(const Fuse *fuse, const KrPlanStep *step) {
  return can(fuse, step, KR_OP_GAINS) ? KR_MAX_FACTORS : can(fuse, step, KR_OP_GAIN) ? 1 : 0;
}

// `mul` of what a step makes for it alone: the step in its place, with one factor more.
static void fuse_factor(Fuse *fuse, uint32_t s) {
  KrPlanStep *mul = &fuse->unit->steps[s];
  if (!is_named(fuse, mul, "mul") || mul->n_in != 2) return;
  for (uint32_t i = 0; i < 2; i++) {
    KrPlanStep *from = sole_maker(fuse, mul->in[i]);
    uint32_t factor = mul->in[1 - i];
    if (from == NULL || factor == KR_NONE || from->n_out != 1) continue;
    if (from->n_factors >= most_factors(fuse, from)) continue;
    if (from->n_factors > 0 && !is_constant(fuse, factor)) continue;
    KrPlanStep joined = *from;
    joined.in = inputs_with(fuse, from, 1);
    joined.in[joined.n_in++] = factor;
    joined.n_factors++;
    joined.out = mul->out;
    fuse->place[from - fuse->unit->steps] = KR_NONE;
    *mul = joined;
    return;
  }
}

static void fuse_chains(Fuse *fuse) {
  const KrPlanUnit *unit = fuse->unit;
  fuse->place = KR_NEW_ARRAY(fuse->plan->arena, uint32_t, unit->n_steps);
  for (uint32_t g = 0; g < unit->n_segments; g++)
    for (uint32_t s = unit->segments[g].begin; s < unit->segments[g].end; s++)
      for (uint32_t k = 0; k < unit->steps[s].n_out && !unit->segments[g].serial; k++)
        fuse->maker[unit->steps[s].out + k] = s;
  for (uint32_t g = 0; g < unit->n_segments; g++)
    for (uint32_t s = unit->segments[g].begin; s < unit->segments[g].end; s++) {
      if (unit->segments[g].serial) continue;
      fuse_ramp(fuse, &unit->steps[s]);
      fuse_scale(fuse, &unit->steps[s]);
      fuse_factor(fuse, s);
    }
  for (uint32_t s = 0; s < unit->n_steps; s++)
    for (uint32_t k = 0; k < unit->steps[s].n_out; k++)
      fuse->maker[unit->steps[s].out + k] = KR_NONE;
}

// ---- sums

// The output of `node` that `add` takes, all lanes of it and nobody else; KR_NONE: none.
static uint32_t fused_output(const Fuse *fuse, const KrPlanStep *node, const KrPlanStep *add) {
  if (add->kind != KR_STEP_ADD || add->is_whole || add->n_lanes != KR_LANES || add->column != 0)
    return KR_NONE;
  uint32_t k = add->in[0] - node->out;
  if (add->in[0] < node->out || k >= node->n_out) return KR_NONE;
  return has_one_reader(fuse, add->in[0]) ? k : KR_NONE;
}

static uint32_t chunk_of(const KrPlanStep *add) { return add->n_out > 0 ? add->out : add->in[1]; }

static void put_open(Fuse *fuse, const KrPlanStep *add) {
  if (!add->opens) return;
  KrPlanStep open = *add;
  open.kind = KR_STEP_OPEN;
  open.in = KR_NEW_ARRAY(fuse->plan->arena, uint32_t, 1);
  open.in[0] = add->n_out > 0 ? KR_NONE : add->in[1];
  open.n_in = 1;
  fuse->steps[fuse->n++] = open;
}

static void put_close(Fuse *fuse, const KrPlanStep *add) {
  if (!add->closes) return;
  KrPlanStep close = *add;
  uint32_t chunk = chunk_of(add);
  close.in = KR_NEW_ARRAY(fuse->plan->arena, uint32_t, 3);
  close.in[0] = close.in[1] = chunk;
  close.in[2] = add->n_out > 1 ? add->out + 1 : add->in[2];
  close.opens = false;
  close.is_whole = true;
  close.n_out = 0;
  fuse->steps[fuse->n++] = close;
}

// Step s with the ADDs right behind it that can be fused; how many steps these are.
static uint32_t put_step(Fuse *fuse, uint32_t s, uint32_t end) {
  KrPlanStep step = fuse->unit->steps[s];
  const KrPlanStep *add = &fuse->unit->steps[s + 1];
  uint32_t n = 0, k;
  if (fuse->place[s] == KR_NONE) return 1;
  if (step.has_ramp) step.ramp = fuse->place[step.ramp];
  if (can(fuse, &step, KR_OP_ADDS))
    while (s + 1 + n < end && (k = fused_output(fuse, &step, &add[n])) != KR_NONE) {
      n++;
      step.adds |= UINT64_C(1) << k;
    }
  if (n == 0) {
    fuse->place[s] = fuse->n;
    fuse->steps[fuse->n++] = step;
    return 1;
  }
  uint32_t *in = inputs_with(fuse, &step, step.n_out);
  for (uint32_t i = 0; i < step.n_out; i++) in[step.n_in + i] = KR_NONE;
  for (uint32_t i = 0; i < n; i++) in[step.n_in + (add[i].in[0] - step.out)] = chunk_of(&add[i]);
  step.in = in;
  step.n_sums = step.n_out;
  step.n_in += step.n_out;
  for (uint32_t i = 0; i < n; i++) put_open(fuse, &add[i]);
  fuse->steps[fuse->n++] = step;
  for (uint32_t i = 0; i < n; i++) put_close(fuse, &add[i]);
  return 1 + n;
}

// How many steps the unit may have then; 0: nothing in it can be joined.
static uint32_t most_steps(const Fuse *fuse) {
  uint32_t n = fuse->unit->n_steps;
  bool has_wide = false;
  for (uint32_t s = 0; s < fuse->unit->n_steps; s++) {
    const KrPlanStep *step = &fuse->unit->steps[s];
    has_wide = has_wide || is_wide_op(fuse, step);
    n += step->kind == KR_STEP_ADD && step->opens && step->closes;
  }
  return has_wide ? n : 0;
}

static void fuse_steps(Fuse *fuse, KrPlanUnit *unit, uint32_t most) {
  fuse->steps = KR_NEW_ARRAY(fuse->plan->arena, KrPlanStep, most);
  fuse->n = 0;
  kr_plan_count_readers(fuse->unit, fuse->n_readers);
  fuse_chains(fuse);
  for (uint32_t g = 0; g < unit->n_segments; g++) {
    KrPlanSegment *segment = &unit->segments[g];
    uint32_t begin = fuse->n;
    for (uint32_t s = segment->begin; s < segment->end;) {
      if (!segment->serial) {
        s += put_step(fuse, s, segment->end);
        continue;
      }
      fuse->steps[fuse->n++] = fuse->unit->steps[s++];
    }
    *segment = (KrPlanSegment){begin, fuse->n, segment->serial};
  }
  unit->steps = fuse->steps;
  unit->n_steps = fuse->n;
}

static void fuse_unit(Fuse *fuse, KrPlanUnit *unit) {
  const KrPlanUnit was = *unit;
  fuse->unit = &was;
  uint32_t most = most_steps(fuse);
  if (most > 0) fuse_steps(fuse, unit, most);
  fuse->unit = NULL;
}

void kr_plan_fuse(KrPlan *plan) {
  Fuse fuse = {.plan = plan,
               .n_readers = KR_NEW_ARRAY(plan->arena, uint32_t, plan->n_values),
               .maker = KR_NEW_ARRAY(plan->arena, uint32_t, plan->n_values)};
  for (uint32_t i = 0; i < plan->n_values; i++) fuse.maker[i] = KR_NONE;
  for (uint32_t u = 0; u < plan->n_units; u++) fuse_unit(&fuse, &plan->units[u]);
}

// Steps that lay out lanes and add them up.
#include "math/sum.h"
#include "ops/lanes.h"
#include "sched/run.h"

static uint32_t width_of(const KrRunStep *step, uint32_t k) {
  return kr_elem_bytes(step->call.in_type[k].elem);
}

void kr_step_lane(const KrRunStep *step, uint32_t n) {
  step->at_level->pick(width_of(step, 0), step->in[0], step->in_bytes[0] == 0,
                       step->plan->in_lane[0], n, step->out[0]);
}

void kr_step_spread(const KrRunStep *step, uint32_t n) {
  step->at_level->spread(width_of(step, 0), step->in[0], step->in_bytes[0] == 0, n, step->out[0]);
}

void kr_step_pack(const KrRunStep *step, uint32_t n) {
  for (uint32_t l = 0; l < KR_LANES; l++) {
    uint32_t width = width_of(step, l);
    const uint8_t *from = (const uint8_t *)step->in[l] + (size_t)step->plan->in_lane[l] * width;
    step->at_level->put(width, from, (uint32_t)(step->in_bytes[l] / width), n, step->out[0], l);
  }
}

// The columns of the chunk (0) or of all (1); the step before is done with them.
static void *accumulator(const KrRunStep *step, uint32_t i) {
  if (step->n_out > 0) return i < step->n_out ? step->out[i] : NULL;
  void *at;
  __builtin_memcpy(&at, &step->in[1 + i], sizeof at);
  return at;
}

void kr_step_open(const KrRunStep *step, uint32_t n) {
  void *to;
  __builtin_memcpy(&to, step->n_out > 0 ? (const void *)&step->out[0] : &step->in[0], sizeof to);
  __builtin_memset(to, 0, n * (step->n_out > 0 ? step->out_bytes[0] : step->in_bytes[0]));
}

// A closed chunk, from where another unit left it.
static void close_ring(const KrRunStep *step, const KrSlice *slice) {
  const KrRunRing *ring = step->ring;
  bool is_first = step->plan->is_first_chunk;
  size_t width = ring->n_bytes / KR_LANES;
  uint8_t *total = accumulator(step, 1);
  for (uint32_t done = 0; done < slice->n;) {
    uint64_t at = (uint64_t)(slice->tick + done) & ring->mask, left = ring->mask + 1 - at;
    uint32_t n = slice->n - done < left ? slice->n - done : (uint32_t)left;
    const void *from = ring->at + at * ring->n_bytes;
    void *to = total + done * ring->n_bytes;
    if (width == 4)
      step->at_level->close_f32(from, is_first, n, to);
    else
      step->at_level->close_f64(from, is_first, n, to);
    done += n;
  }
}

void kr_step_add(const KrRunStep *step, const KrSlice *slice) {
  const KrPlanStep *plan = step->plan;
  const KrLanes *lanes = step->at_level;
  if (step->ring != NULL) {
    close_ring(step, slice);
    return;
  }
  void *chunk = accumulator(step, 0), *total = accumulator(step, 1);
  const void *in = step->in[0], *closed = plan->is_whole ? in : chunk;
  uint32_t width = width_of(step, 0), stride = (uint32_t)(step->in_bytes[0] / width), n = slice->n;
  if (width == 4 && !plan->is_whole)
    lanes->add_f32(in, stride, plan->n_lanes, plan->opens, n, (float *)chunk + plan->column);
  if (width == 8 && !plan->is_whole)
    lanes->add_f64(in, stride, plan->n_lanes, plan->opens, n, (double *)chunk + plan->column);
  if (plan->closes && width == 4) lanes->close_f32(closed, plan->is_first_chunk, n, total);
  if (plan->closes && width == 8) lanes->close_f64(closed, plan->is_first_chunk, n, total);
}

void kr_step_fold(const KrRunStep *step, uint32_t n) {
  if (width_of(step, 0) == 4)
    step->at_level->fold_f32(step->in[0], n, step->out[0]);
  else
    step->at_level->fold_f64(step->in[0], n, step->out[0]);
}

// One chunk of inputs, lane by lane.
#define DEFINE_SUM(real, f)                                                                        \
  static void sum_##f(const KrRunStep *step, uint32_t n) {                                         \
    for (uint32_t t = 0; t < n; t++) {                                                             \
      real column[KR_SUM_COLUMNS][KR_LANES] = {{0}};                                               \
      real *out = (real *)step->out[0] + t * KR_LANES;                                             \
      for (uint32_t k = 0; k < step->n_in; k++) {                                                  \
        const real *x = (const real *)step->in[k] + (step->in_bytes[k] == 0 ? 0 : t * KR_LANES);   \
        real *to = column[k % KR_SUM_COLUMNS];                                                     \
        for (uint32_t l = 0; l < KR_LANES; l++) to[l] += x[l];                                     \
      }                                                                                            \
      for (uint32_t half = KR_SUM_COLUMNS / 2; half > 0; half /= 2)                                \
        for (uint32_t c = 0; c < half; c++)                                                        \
          for (uint32_t l = 0; l < KR_LANES; l++) column[c][l] += column[c + half][l];             \
      for (uint32_t l = 0; l < KR_LANES; l++) out[l] = column[0][l];                               \
    }                                                                                              \
  }
DEFINE_SUM(float, f32)
DEFINE_SUM(double, f64)

void kr_lanes_sum(const KrRunStep *step, uint32_t n) {
  if (step->node->type.elem == KR_ELEM_F32)
    sum_f32(step, n);
  else
    sum_f64(step, n);
}

// ---- crossings

// Ticks by parts that lie between the same two source ticks; `fraction` of at.rest into to[i].
#define FIND_PARTS(to, fraction)                                                                   \
  for (uint32_t i = 0; i < slice->n;) {                                                            \
    KrRunPart *part = &place->part[place->n_parts++];                                              \
    *part = (KrRunPart){.begin = i, .k = at.k};                                                    \
    for (; i < slice->n && at.k == part->k; i++, kr_stepper_next(&at)) (to)[i] = fraction;         \
    part->end = i;                                                                                 \
  }
static void find_places(const KrRunStep *step, const KrSlice *slice) {
  KrRunPlace *place = step->place;
  if (place->tick == slice->tick && place->n == slice->n) return;
  KrStepper at = step->newest;
  const float *table = place->table;
  place->n_parts = 0;
  if (step->node->type.elem != KR_ELEM_F32)
    FIND_PARTS(place->a_f64, at.rest == 0 ? 0 : kr_cross_fraction_f64(at.rest, at.den))
  else if (table != NULL)
    FIND_PARTS(place->a_f32, table[at.rest])
  else
    FIND_PARTS(place->a_f32, at.rest == 0 ? 0 : kr_cross_fraction_f32(at.rest, at.den))
  place->tick = slice->tick;
  place->n = slice->n;
  place->after = at;
}

static void load_row(const KrRunStep *step, int64_t k, void *row) {
  k = k > step->last ? step->last : k < 0 ? 0 : k;
  kr_elem_convert(step->node->type.elem, row, step->from, kr_ring_at(step->ring, k), KR_LANES);
}

// The same, kept while ticks fall between the same two.
static const void *knot(KrRunStep *step, int64_t k) {
  KrRunKnot *at = &step->knots[k & 3];
  if (!at->is_known || at->k != k) {
    load_row(step, k, at->row);
    at->k = k;
    at->is_known = true;
  }
  return at->row;
}

// The knot after k; where nothing lies between them it is not asked for.
static int64_t second_knot(int64_t k, bool is_flat) { return k < 0 || is_flat ? k : k + 1; }

// n ticks between the knots k and k + 1.
#define DEFINE_CROSS(real, f)                                                                      \
  static void cross_linear_##f(KrRunStep *step, int64_t k, const real *a, uint32_t n, real *out) { \
    const void *x0 = knot(step, k), *x1 = knot(step, second_knot(k, a[n - 1] == 0));               \
    step->at_level->linear_##f(x0, x1, a, n, out);                                                 \
  }                                                                                                \
  static void cross_cubic_##f(const KrRunStep *step, int64_t k, const real *a, uint32_t n,         \
                              real *out) {                                                         \
    real p0[KR_LANES], p1[KR_LANES], p2[KR_LANES], p3[KR_LANES];                                   \
    load_row(step, k, p1);                                                                         \
    load_row(step, k + 1, p2);                                                                     \
    load_row(step, k - 1, p0);                                                                     \
    load_row(step, k + 2, p3);                                                                     \
    for (uint32_t l = 0; l < KR_LANES && k <= 0; l++) p0[l] = 2 * p1[l] - p2[l];                   \
    for (uint32_t l = 0; l < KR_LANES && k + 1 >= step->last; l++) p3[l] = 2 * p2[l] - p1[l];      \
    for (uint32_t i = 0; i < n; i++)                                                               \
      for (uint32_t l = 0; l < KR_LANES; l++)                                                      \
        out[i * KR_LANES + l] = kr_cross_cubic_##f(p0[l], p1[l], p2[l], p3[l], a[i]);              \
  }                                                                                                \
  static void cross_##f(KrRunStep *step) {                                                         \
    const KrRunPlace *place = step->place;                                                         \
    static const real zeros[KR_TILE] = {0};                                                        \
    real *out = step->out[0];                                                                      \
    for (uint32_t p = 0; p < place->n_parts; p++) {                                                \
      uint32_t i = place->part[p].begin, end = place->part[p].end;                                 \
      int64_t k = place->part[p].k;                                                                \
      bool is_outside = k < 0 || k >= step->last;                                                  \
      const real *a = is_outside ? zeros : place->a_##f + i;                                       \
      if (step->node->mode == KR_MODE_CUBIC && a[end - i - 1] != 0)                                \
        cross_cubic_##f(step, k, a, end - i, out + i * KR_LANES);                                  \
      else                                                                                         \
        cross_linear_##f(step, k, a, end - i, out + i * KR_LANES);                                 \
    }                                                                                              \
  }
DEFINE_CROSS(float, f32)
DEFINE_CROSS(double, f64)

// A part between two knots each; before the first and after the last knot all ticks are flat.
static void find_ramp(KrRunStep *step) {
  const KrRunPlace *place = step->place;
  bool is_f32 = step->node->type.elem == KR_ELEM_F32;
  KrRamp *ramp = &step->ramp;
  ramp->a = is_f32 ? (const void *)place->a_f32 : place->a_f64;
  ramp->n_parts = 0;
  for (uint32_t p = 0; p < place->n_parts; p++) {
    uint32_t i = place->part[p].begin, end = place->part[p].end;
    int64_t k = place->part[p].k;
    bool is_last_flat = is_f32 ? place->a_f32[end - 1] == 0 : place->a_f64[end - 1] == 0;
    bool is_flat = k < 0 || k >= step->last || is_last_flat;
    ramp->part[ramp->n_parts++] =
        (KrRampPart){i, end, knot(step, k), knot(step, second_knot(k, is_flat)), is_flat};
  }
}

void kr_lanes_cross(KrRunStep *step, const KrSlice *slice) {
  find_places(step, slice);
  if (step->plan->is_ramp) {
    find_ramp(step);
    return;
  }
  if (step->node->type.elem == KR_ELEM_F32)
    cross_f32(step);
  else
    cross_f64(step);
}

// ---- events

typedef struct Signals {
  KrRun *run;
  KrRunStep *step;
  const KrSlice *slice;
} Signals;

static const KrNode *lane_node(const Signals *signals, uint32_t lane) {
  const KrPlan *plan = signals->run->plan;
  return &plan->graph->nodes[kr_step_node(plan, signals->step->plan, lane)];
}

static uint32_t out_width(const Signals *signals, uint32_t port) {
  return kr_elem_bytes(signals->run->plan->values[signals->step->plan->out + port].type.elem);
}

static uint8_t *rest_at(const Signals *signals, uint32_t port, uint32_t lane) {
  return (uint8_t *)(signals->step->rest + port * KR_LANES) + lane * out_width(signals, port);
}

// What lane `lane` gives as long as nothing happens.
static void find_rest(const Signals *signals, uint32_t lane) {
  void *out[KR_MAX_OUTS];
  uint32_t of = lane < signals->step->n_lanes ? lane : 0;
  for (uint32_t port = 0; port < signals->step->n_out; port++)
    out[port] = rest_at(signals, port, lane);
  kr_site_rest(&signals->step->site[of], signals->run->plan->graph, lane_node(signals, of),
               signals->slice->tick, out);
}

static void copy_row(void *to, const void *from, uint32_t width) {
  switch (width) {
  case 1: __builtin_memcpy(to, from, KR_LANES); break;
  case 4: __builtin_memcpy(to, from, 4 * KR_LANES); break;
  default: __builtin_memcpy(to, from, 8 * KR_LANES); break;
  }
}

// Every tick as if nothing happened.
static void spread_rest(const Signals *signals) {
  const KrRunStep *step = signals->step;
  for (uint32_t port = 0; port < step->n_out; port++) {
    size_t row = (size_t)KR_LANES * out_width(signals, port), all = signals->slice->n * row;
    uint8_t *to = step->out[port];
    __builtin_memcpy(to, rest_at(signals, port, 0), row);
    // What is there doubles.
    for (size_t done = row; done < all; done *= 2)
      __builtin_memcpy(to + done, to, done < all - done ? done : all - done);
  }
}

// Over what spread_rest put there.
static KrStatus run_lane(const Signals *signals, uint32_t lane, bool is_known) {
  void *at[KR_MAX_OUTS];
  KrRunStep *step = signals->step;
  const KrSlice *slice = signals->slice;
  const KrGraph *graph = signals->run->plan->graph;
  const KrNode *node = lane_node(signals, lane);
  for (uint32_t port = 0; port < step->n_out; port++)
    at[port] = (uint8_t *)step->out[port] + lane * out_width(signals, port);
  KrSiteOut out = {.at = at, .stride = KR_LANES, .is_filled = true, .is_known = is_known};
  KrStatus status = kr_site_run(&step->site[lane], graph, node, &graph->flows[node->flow].clock,
                                slice->tick, slice->n, &out);
  step->lane_quiet[lane] = step->site[lane].ahead.quiet;
  return status;
}

// One row for every tick.
static void put_rest(const Signals *signals) {
  const KrRunStep *step = signals->step;
  for (uint32_t port = 0; port < step->n_out; port++)
    copy_row(step->out[port], rest_at(signals, port, 0), out_width(signals, port));
}

enum { ALL_LANES = (1 << KR_LANES) - 1 };
// While no lane has an event a row stands for the tile.
KrStatus kr_lanes_signal(KrRun *run, KrRunStep *step, const KrSlice *slice) {
  Signals signals = {run, step, slice};
  int64_t end = slice->tick + slice->n;
  if (step->has_rest && end <= step->quiet) {
    put_rest(&signals);
    return KR_OK;
  }
  uint32_t was_known = step->rest_known, quiet = 0, unused = UINT32_MAX << step->n_lanes;
  step->quiet = INT64_MAX;
  for (uint32_t l = 0; l < step->n_lanes; l++) {
    if (step->lane_quiet[l] < step->quiet) step->quiet = step->lane_quiet[l];
    quiet |= (uint32_t)(end <= step->lane_quiet[l]) << l;
  }
  if ((quiet & 1) != 0) quiet |= ALL_LANES & unused;
  for (uint32_t new = quiet & ~was_known; new != 0; new &= new - 1)
    find_rest(&signals, (uint32_t)__builtin_ctz(new));
  step->rest_known = quiet;
  step->has_rest = quiet == ALL_LANES && !step->is_serial;
  if (step->has_rest)
    put_rest(&signals);
  else
    spread_rest(&signals);
  for (uint32_t left = ALL_LANES & ~quiet & ~unused; left != 0; left &= left - 1) {
    uint32_t l = (uint32_t)__builtin_ctz(left);
    KR_TRY(run_lane(&signals, l, (was_known >> l & 1) != 0));
  }
  return KR_OK;
}

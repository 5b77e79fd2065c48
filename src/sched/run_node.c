// One step over a slice of ticks: kernels, crossings, windows, time, events; and copies into rings.
#include "math/real.h"
#include "ops/lanes.h"
#include "resample/window.h"
#include "sched/run_voices.h"

static void copy_bytes(void *to, const void *from, size_t n) { __builtin_memcpy(to, from, n); }

#define CONVERT_LOOP(To, From, EXPRESSION)                                                         \
  for (size_t i = 0; i < n; i++) {                                                                 \
    From x;                                                                                        \
    copy_bytes(&x, (const uint8_t *)src + i * sizeof x, sizeof x);                                 \
    To y = (To)(EXPRESSION);                                                                       \
    copy_bytes((uint8_t *)dst + i * sizeof y, &y, sizeof y);                                       \
  }                                                                                                \
  break;
#define CONVERT_INTS(To, EXPRESSION, name)                                                         \
  switch (from) {                                                                                  \
  case KR_ELEM_BOOL: CONVERT_LOOP(To, uint8_t, EXPRESSION)                                         \
  case KR_ELEM_I32: CONVERT_LOOP(To, int32_t, EXPRESSION)                                          \
  case KR_ELEM_I64: CONVERT_LOOP(To, int64_t, EXPRESSION)                                          \
  case KR_ELEM_U32: CONVERT_LOOP(To, uint32_t, EXPRESSION)                                         \
  case KR_ELEM_U64: CONVERT_LOOP(To, uint64_t, EXPRESSION)                                         \
  case KR_ELEM_F32: CONVERT_LOOP(To, float, kr_f32_to_##name(x))                                   \
  default: CONVERT_LOOP(To, double, kr_f64_to_##name(x))                                           \
  }                                                                                                \
  break;

static uint8_t kr_f32_to_b(float x) { return x != 0; }
static uint8_t kr_f64_to_b(double x) { return x != 0; }
static float kr_f32_to_f32(float x) { return x; }
static float kr_f64_to_f32(double x) { return (float)x; }
static double kr_f32_to_f64(float x) { return (double)x; }
static double kr_f64_to_f64(double x) { return x; }

void kr_elem_convert(KrElem to, void *dst, KrElem from, const void *src, size_t n) {
  if (to == from) {
    copy_bytes(dst, src, n * kr_elem_bytes(to));
    return;
  }
  switch (to) {
  case KR_ELEM_BOOL: CONVERT_INTS(uint8_t, x != 0, b)
  case KR_ELEM_I32: CONVERT_INTS(int32_t, x, i32)
  case KR_ELEM_I64: CONVERT_INTS(int64_t, x, i64)
  case KR_ELEM_U32: CONVERT_INTS(uint32_t, x, u32)
  case KR_ELEM_U64: CONVERT_INTS(uint64_t, x, u64)
  case KR_ELEM_F32: CONVERT_INTS(float, x, f32)
  default: CONVERT_INTS(double, x, f64)
  }
}

// ---- operators and sums

// Whether one row of output k stands for the whole tile.
static void hold_output(KrRun *run, KrRunStep *step, uint32_t k, bool held) {
  uint32_t value = step->plan->out + k;
  run->held[value] = held;
  step->out_bytes[k] = held ? 0 : run->plan->values[value].n_bytes;
}

static void note_fault(KrRunUnit *unit, const KrRunStep *step, const char *message, int64_t tick) {
  bool earlier = unit->fault.message == NULL || tick < unit->fault.tick ||
                 (tick == unit->fault.tick && step->plan->rank < unit->fault_rank);
  if (!earlier) return;
  unit->fault = (KrRunFault){unit->plan->flow, step->plan->node, tick, message};
  unit->fault_rank = step->plan->rank;
}

// An elementwise operator of held inputs has a held output; others may say so themselves.
static void run_kernel(KrRun *run, KrRunUnit *unit, KrRunStep *step, const KrSlice *slice) {
  KrFault fault = {NULL, 0};
  uint64_t held = 0, all = step->n_in < 64 ? (UINT64_C(1) << step->n_in) - 1 : UINT64_MAX;
  bool holds = step->can_hold;
  bool rests = step->rests && (step->call.held & all) == all;
  step->call.n = rests ? 1 : slice->n;
  step->call.tick = slice->inner;
  step->call.fault = &fault;
  step->call.held_out = holds ? &held : NULL;
  step->kernel(&step->call);
  if (rests) held = UINT64_MAX;
  for (uint32_t k = 0; holds && k < step->n_out; k++) hold_output(run, step, k, held >> k & 1);
  if (fault.message == NULL) return;
  bool substeps = slice->inner != slice->tick;
  note_fault(unit, step, fault.message, substeps ? slice->tick : fault.tick);
}

static void sum_integers(const KrRunStep *step, uint32_t n) {
  KrElem elem = step->node->type.elem;
  uint32_t n_bytes = kr_elem_bytes(elem);
  for (uint32_t i = 0; i < n; i++) {
    uint64_t sum = 0;
    for (uint32_t k = 0; k < step->n_in; k++) {
      uint64_t x;
      const uint8_t *at = (const uint8_t *)step->in[k] + i * step->in_bytes[k];
      kr_elem_convert(KR_ELEM_U64, &x, step->call.in_type[k].elem, at, 1);
      sum += x;
    }
    kr_elem_convert(elem, (uint8_t *)step->out[0] + i * n_bytes, KR_ELEM_U64, &sum, 1);
  }
}

static void run_sum(const KrRunStep *step, uint32_t n) {
  if (step->node->type.elem == KR_ELEM_F32)
    step->at_level->sum_f32(step->in, step->in_bytes, step->n_in, n, step->out[0]);
  else if (step->node->type.elem == KR_ELEM_F64)
    step->at_level->sum_f64(step->in, step->in_bytes, step->n_in, n, step->out[0]);
  else
    sum_integers(step, n);
}

// ---- copies

// Ticks from `tick` of a ring, one after the other, in the output's type.
static void read_ring(const KrRunStep *step, int64_t tick, uint32_t n) {
  const KrRunRing *ring = step->ring;
  KrElem to = step->node != NULL ? step->node->type.elem : step->from;
  size_t count = ring->n_bytes / kr_elem_bytes(step->from);
  uint8_t *out = step->out[0];
  for (uint32_t i = 0; i < n; i++) {
    int64_t k = tick + i < step->last ? tick + i : step->last;
    kr_elem_convert(to, out, step->from, kr_ring_at(ring, k), count);
    out += count * kr_elem_bytes(to);
  }
}

static void read_same_type(const KrRunStep *step, int64_t tick, uint32_t n) {
  const KrRunRing *ring = step->ring;
  uint64_t first = (uint64_t)tick & ring->mask, until_end = ring->mask + 1 - first;
  uint32_t part = n < until_end ? n : (uint32_t)until_end;
  copy_bytes(step->out[0], ring->at + first * ring->n_bytes, part * ring->n_bytes);
  copy_bytes((uint8_t *)step->out[0] + part * ring->n_bytes, ring->at, (n - part) * ring->n_bytes);
}

static void run_read(const KrRunStep *step, const KrSlice *slice) {
  bool same = step->node == NULL || step->node->type.elem == step->from;
  if (same && slice->tick + slice->n - 1 <= step->last)
    read_same_type(step, slice->tick, slice->n);
  else
    read_ring(step, slice->tick, slice->n);
}

static const void *initial_of(const KrRunStep *step) {
  return step->n_in > 1 && step->in[1] != NULL ? step->in[1] : step->initial;
}

static void run_prev(const KrRunStep *step, const KrSlice *slice) {
  size_t n_bytes = step->out_bytes[0];
  const uint8_t *in = step->plan->ring == KR_NONE ? step->in_base[0] : NULL;
  for (uint32_t i = 0; i < slice->n; i++) {
    uint8_t *out = (uint8_t *)step->out[0] + i * n_bytes;
    uint32_t at = slice->at + i;
    if (slice->inner + i == 0)
      copy_bytes(out, initial_of(step), n_bytes);
    else if (in == NULL)
      copy_bytes(out, kr_ring_at(step->ring, slice->tick + i - 1), n_bytes);
    else if (at == 0)
      copy_bytes(out, step->before, n_bytes);
    else
      copy_bytes(out, in + (at - 1) * step->in_bytes[0], n_bytes);
  }
}

// ---- crossings

#define DEFINE_LOAD(real, f, ELEM)                                                                 \
  static real load_##f(const KrRunStep *step, int64_t k, size_t element) {                         \
    k = k > step->last ? step->last : k < 0 ? 0 : k;                                               \
    const uint8_t *at = kr_ring_at(step->ring, k) + element * kr_elem_bytes(step->from);           \
    real y;                                                                                        \
    kr_elem_convert(ELEM, &y, step->from, at, 1);                                                  \
    return y;                                                                                      \
  }                                                                                                \
  static real cross_cubic_##f(const KrRunStep *step, int64_t k, real a, size_t element) {          \
    real p1 = load_##f(step, k, element), p2 = load_##f(step, k + 1, element);                     \
    real p0 = k > 0 ? load_##f(step, k - 1, element) : 2 * p1 - p2;                                \
    real p3 = k + 1 < step->last ? load_##f(step, k + 2, element) : 2 * p2 - p1;                   \
    return kr_cross_cubic_##f(p0, p1, p2, p3, a);                                                  \
  }                                                                                                \
  static real cross_sinc_##f(const KrRunStep *step, const KrStepper *at, size_t element,           \
                             double *taps) {                                                       \
    const KrSinc *sinc = step->plan->sinc;                                                         \
    if (at->k < 0 || at->k >= step->last || sinc == NULL) return load_##f(step, at->k, element);   \
    /* Every tick on a tick of an equal rate: no look-ahead, nothing to filter. */                 \
    if (at->den == 1 && sinc->half == 16) return load_##f(step, at->k, element);                   \
    for (uint32_t i = 0; i < 2 * sinc->half; i++)                                                  \
      taps[i] = (double)load_##f(step, at->k - (int64_t)sinc->half + 1 + i, element);              \
    return (real)kr_sinc_run(sinc, taps, at->rest, at->den);                                       \
  }                                                                                                \
  static real cross_##f(const KrRunStep *step, const KrStepper *at, size_t element) {              \
    if (at->k < 0 || at->k >= step->last) return load_##f(step, at->k, element);                   \
    if (at->rest == 0) return load_##f(step, at->k, element);                                      \
    real a = kr_cross_fraction_##f(at->rest, at->den);                                             \
    if (step->node->mode == KR_MODE_CUBIC) return cross_cubic_##f(step, at->k, a, element);        \
    return kr_cross_linear_##f(load_##f(step, at->k, element), load_##f(step, at->k + 1, element), \
                               a);                                                                 \
  }                                                                                                \
  /* Many ticks fall between the same two knots. A tick on a knot needs it alone: the next may be  \
   * being written. */                                                                             \
  static void run_linear_##f(const KrRunStep *step, KrStepper *at, uint32_t n, real *out) {        \
    int64_t k = INT64_MIN;                                                                         \
    real x0 = 0, x1 = 0;                                                                           \
    bool has_next = false;                                                                         \
    for (uint32_t i = 0; i < n; i++, kr_stepper_next(at)) {                                        \
      if (at->k != k) {                                                                            \
        k = at->k;                                                                                 \
        x0 = load_##f(step, k, 0);                                                                 \
        has_next = false;                                                                          \
      }                                                                                            \
      bool held = k < 0 || k >= step->last || at->rest == 0;                                       \
      if (!held && !has_next) {                                                                    \
        x1 = load_##f(step, k + 1, 0);                                                             \
        has_next = true;                                                                           \
      }                                                                                            \
      real a = kr_cross_fraction_##f(at->rest, at->den);                                           \
      out[i] = held ? x0 : kr_cross_linear_##f(x0, x1, a);                                         \
    }                                                                                              \
  }                                                                                                \
  static void run_cross_##f(const KrRunStep *step, KrStepper *at, uint32_t n, double *taps) {      \
    real *out = step->out[0];                                                                      \
    size_t count = step->ring->n_bytes / kr_elem_bytes(step->from);                                \
    if (count == 1 && step->node->mode == KR_MODE_LINEAR) {                                        \
      run_linear_##f(step, at, n, out);                                                            \
      return;                                                                                      \
    }                                                                                              \
    bool is_sinc = step->node->mode == KR_MODE_SINC;                                               \
    for (uint32_t i = 0; i < n; i++, kr_stepper_next(at))                                          \
      for (size_t c = 0; c < count; c++)                                                           \
        *out++ = is_sinc ? cross_sinc_##f(step, at, c, taps) : cross_##f(step, at, c);             \
  }
DEFINE_LOAD(float, f32, KR_ELEM_F32)
DEFINE_LOAD(double, f64, KR_ELEM_F64)

static int64_t nearest_tick(const KrRunStep *step, const KrStepper *at) {
  return at->k > step->last ? step->last : at->k < 0 ? 0 : at->k;
}

// One source tick for all of them: copied when it is not the one whose copy stands there.
static void hold_nearest(KrRun *run, KrRunStep *step, int64_t k) {
  size_t count = step->ring->n_bytes / kr_elem_bytes(step->from);
  hold_output(run, step, 0, true);
  if (k == step->copied) return;
  kr_elem_convert(step->node->type.elem, step->out[0], step->from, kr_ring_at(step->ring, k),
                  count);
  if (step->node->type.shape != KR_SHAPE_SCALAR) step->copied = k; // its buffer is no one else's
}

// Many ticks of a slow source are one; a large value is copied once for all of them.
static void run_nearest(KrRun *run, KrRunStep *step, KrStepper *at, uint32_t n) {
  KrElem to = step->node->type.elem;
  size_t count = step->ring->n_bytes / kr_elem_bytes(step->from);
  uint8_t *out = step->out[0];
  int64_t first = nearest_tick(step, at);
  bool holds = step->can_hold, differs = false;
  if (holds && kr_stepper_pass(at, n)) {
    hold_nearest(run, step, first);
    return;
  }
  step->copied = -1;
  for (uint32_t i = 0; i < n; i++, kr_stepper_next(at)) {
    int64_t k = nearest_tick(step, at);
    if (holds && !differs && k == first && i > 0) continue;
    if (k != first && !differs) {
      differs = true;
      for (uint32_t j = 1; holds && j < i; j++, out += count * kr_elem_bytes(to))
        kr_elem_convert(to, out, step->from, kr_ring_at(step->ring, first), count);
    }
    kr_elem_convert(to, out, step->from, kr_ring_at(step->ring, k), count);
    out += count * kr_elem_bytes(to);
  }
  if (holds) hold_output(run, step, 0, !differs);
}

static void run_cross(KrRun *run, KrRunUnit *unit, KrRunStep *step, const KrSlice *slice) {
  KrStepper at = step->newest;
  double *taps = (double *)(void *)unit->scratch;
  if (step->place != NULL) {
    kr_lanes_cross(step, slice);
    at = step->place->after;
  } else if (step->node->mode == KR_MODE_NEAREST) {
    run_nearest(run, step, &at, slice->n);
  } else if (step->node->type.elem == KR_ELEM_F32) {
    run_cross_f32(step, &at, slice->n, taps);
  } else {
    run_cross_f64(step, &at, slice->n, taps);
  }
  if (slice->last || !step->own_source) step->newest = at;
}

// ---- windows

// Source ticks first … newest converted, oldest first, into scratch.
static void gather(const KrRunStep *step, KrElem to, int64_t first, int64_t n, uint8_t *into) {
  const KrRunRing *ring = step->ring;
  size_t width = kr_elem_bytes(to);
  while (n > 0) {
    uint64_t part = ring->mask + 1 - ((uint64_t)first & ring->mask);
    if (part > (uint64_t)n) part = (uint64_t)n;
    kr_elem_convert(to, into, step->from, kr_ring_at(ring, first), (size_t)part);
    into += part * width;
    first += (int64_t)part;
    n -= (int64_t)part;
  }
}

static void reduce_window(const KrRunStep *step, int64_t first, int64_t newest, uint8_t *scratch,
                          uint8_t *out) {
  const KrNode *node = step->node;
  int64_t n = newest >= first ? newest - first + 1 : 0, nearest = newest < 0 ? 0 : newest;
  KrElem elem = node->type.elem;
  if (node->reduce == KR_REDUCE_COUNT) {
    kr_elem_convert(elem, out, KR_ELEM_I64, &n, 1);
    return;
  }
  KrWindowKind kind = (KrWindowKind)node->reduce;
  KrElem work = kr_elem_is_real(elem) ? elem : KR_ELEM_I64;
  gather(step, work, first, n, scratch + 8);
  gather(step, work, nearest, 1, scratch);
  const void *hold = scratch, *at = scratch + 8;
  if (elem == KR_ELEM_F32) {
    *(float *)(void *)out = kr_window_f32(kind, at, (size_t)n, *(const float *)hold);
  } else if (elem == KR_ELEM_F64) {
    *(double *)(void *)out = kr_window_f64(kind, at, (size_t)n, *(const double *)hold);
  } else {
    bool is_unsigned = step->from == KR_ELEM_U64 || step->from == KR_ELEM_U32;
    int64_t y = kr_window_i64(kind, at, (size_t)n, *(const int64_t *)hold, is_unsigned);
    kr_elem_convert(elem, out, KR_ELEM_I64, &y, 1);
  }
}

static void run_window(KrRunUnit *unit, KrRunStep *step, const KrSlice *slice) {
  KrStepper newest = step->newest, oldest = step->oldest;
  uint32_t width = kr_elem_bytes(step->node->type.elem);
  for (uint32_t i = 0; i < slice->n; i++) {
    int64_t last = newest.k < step->last ? newest.k : step->last;
    int64_t first = oldest.k + 1 > 0 ? oldest.k + 1 : 0;
    if (step->plan->from_start && slice->tick + i == 0) first = 0;
    reduce_window(step, first, last, unit->scratch, (uint8_t *)step->out[0] + i * width);
    kr_stepper_next(&newest);
    kr_stepper_next(&oldest);
  }
  if (!slice->last && step->own_source) return;
  step->newest = newest;
  step->oldest = oldest;
}

static void run_history(KrRunStep *step, const KrSlice *slice) {
  KrStepper at = step->newest;
  KrElem to = step->node->type.elem;
  int64_t size = step->node->type.dim[0];
  size_t width = kr_elem_bytes(to);
  uint8_t *out = step->out[0];
  for (uint32_t i = 0; i < slice->n; i++, kr_stepper_next(&at)) {
    int64_t newest = at.k < step->last ? at.k : step->last;
    int64_t first = newest - size + 1, zeros = first < 0 ? -first : 0;
    if (zeros > size) zeros = size;
    __builtin_memset(out, 0, (size_t)zeros * width);
    gather(step, to, first + zeros, size - zeros, out + (size_t)zeros * width);
    out += (size_t)size * width;
  }
  if (slice->last || !step->own_source) step->newest = at;
}

// ---- time, inputs, events

static KrU128 wide_of(int64_t x) { return (KrU128){(uint64_t)x, 0}; }

static void run_time(const KrRun *run, const KrRunStep *step, const KrSlice *slice) {
  KrRatio grid = run->plan->grid.frequency;
  for (uint32_t i = 0; i < slice->n; i++) {
    int64_t ticks = kr_run_tick_time(run->plan, step->node->flow, slice->tick + i);
    KrU128 num = kr_wide_mul((uint64_t)ticks, (uint64_t)grid.den);
    if (step->node->type.elem == KR_ELEM_F32)
      ((float *)step->out[0])[i] = kr_wide_to_f32(false, num, wide_of(grid.num));
    else if (num.high == 0 && num.low <= UINT64_C(1) << 53 && grid.num <= INT64_C(1) << 53)
      ((double *)step->out[0])[i] = (double)num.low / (double)grid.num;
    else
      ((double *)step->out[0])[i] = kr_wide_to_f64(false, num, wide_of(grid.num));
  }
}

static void run_step_index(const KrRunStep *step, const KrSlice *slice) {
  for (uint32_t i = 0; i < slice->n; i++) {
    int64_t tick = slice->tick + i;
    size_t width = kr_elem_bytes(step->node->type.elem);
    kr_elem_convert(step->node->type.elem, (uint8_t *)step->out[0] + i * width, KR_ELEM_I64, &tick,
                    1);
  }
}

static void run_input(const KrRun *run, const KrRunStep *step, const KrSlice *slice) {
  const KrInput *input = &run->plan->graph->inputs[step->node->input];
  if (input->kind != KR_INPUT_STREAM) return;
  size_t width = kr_elem_bytes(step->node->type.elem);
  uint64_t n_frames = input->audio == NULL ? 0 : input->audio->n_frames;
  if (input->n_frames < n_frames) n_frames = input->n_frames;
  for (uint32_t port = 0; port < step->n_out; port++)
    for (uint32_t i = 0; i < slice->n; i++) {
      uint64_t frame = (uint64_t)slice->tick + i;
      float x = 0;
      if (frame < n_frames && port < input->audio->n_channels)
        x = input->audio->frames[frame * input->audio->n_channels + port];
      kr_elem_convert(step->node->type.elem, (uint8_t *)step->out[port] + i * width, KR_ELEM_F32,
                      &x, 1);
    }
}

static void run_signal(KrRun *run, KrRunUnit *unit, KrRunStep *step, const KrSlice *slice) {
  const KrClock *clock = &run->plan->graph->flows[step->node->flow].clock;
  KrStatus status;
  if (step->lanes == 1) {
    KrSiteOut out = {.at = step->out, .stride = 1};
    status =
        kr_site_run(step->site, run->plan->graph, step->node, clock, slice->tick, slice->n, &out);
  } else {
    status = kr_lanes_signal(run, step, slice);
    for (uint32_t k = 0; k < step->n_out; k++) hold_output(run, step, k, step->has_rest);
  }
  if (status != KR_OK) note_fault(unit, step, "the time of an event is out of range", slice->tick);
}

static void run_voices(KrRun *run, KrRunUnit *unit, KrRunStep *step, const KrSlice *slice) {
  if (kr_voices_run(run, step, slice) != KR_OK)
    note_fault(unit, step, "the time of an event is out of range", slice->tick);
}

static KrEventValue payload(const KrRunStep *step, uint32_t k, uint32_t i) {
  KrEventValue value = {.present = true, .ratio = KR_RATIO_ZERO};
  if (step->in[k] == NULL) return (KrEventValue){.ratio = KR_RATIO_ZERO};
  KrElem elem = step->call.in_type[k].elem;
  const uint8_t *at = (const uint8_t *)step->in[k] + i * step->in_bytes[k];
  value.exact = !kr_elem_is_real(elem) && elem != KR_ELEM_U64;
  if (value.exact) {
    int64_t whole;
    kr_elem_convert(KR_ELEM_I64, &whole, elem, at, 1);
    value.ratio = kr_ratio_of(whole);
  }
  kr_elem_convert(KR_ELEM_F64, &value.value, elem, at, 1);
  return value;
}

static void run_emit(KrRun *run, KrRunUnit *unit, KrRunStep *step, const KrSlice *slice) {
  enum { MAX_FIELDS = 64 };
  const KrEvents *events = &run->plan->graph->events[step->node->events];
  KrEventValue values[MAX_FIELDS];
  if (!slice->last) return;
  uint32_t n_fields = events->n_fields < MAX_FIELDS ? events->n_fields : MAX_FIELDS;
  for (uint32_t i = 0; i < slice->n; i++) {
    if (*((const uint8_t *)step->in[0] + i * step->in_bytes[0]) == 0) continue;
    KrRunEvent event = {.action = KR_EVENT_ON, .dur = KR_RATIO_ZERO, .values = values};
    const KrClock *clock = &run->plan->graph->flows[step->node->flow].clock;
    if (kr_clock_time(clock, slice->tick + i, &event.time) != KR_OK)
      note_fault(unit, step, "the time of an event is out of range", slice->tick + i);
    for (uint32_t f = 0; f < n_fields; f++)
      values[f] =
          f + 1 < step->n_in ? payload(step, f + 1, i) : (KrEventValue){.ratio = KR_RATIO_ZERO};
    kr_queue_push(&run->context.queues[step->node->events], n_fields, &event);
  }
}

// ---- dispatch

static void run_node(KrRun *run, KrRunUnit *unit, KrRunStep *step, const KrSlice *slice) {
  bool outer = slice->first;
  switch (step->node->kind) {
  case KR_NODE_CONST:
  case KR_NODE_STATE_WRITE: break;
  case KR_NODE_OP:
    if (step->is_apart)
      kr_voices_apart(run, step, slice);
    else
      run_kernel(run, unit, step, slice);
    break;
  case KR_NODE_READ:
    if (outer || step->own_source) run_read(step, slice);
    break;
  case KR_NODE_CROSS:
    if (outer || step->own_source) run_cross(run, unit, step, slice);
    break;
  case KR_NODE_WINDOW:
    if (outer || step->own_source) run_window(unit, step, slice);
    break;
  case KR_NODE_HISTORY:
    if (outer || step->own_source) run_history(step, slice);
    break;
  case KR_NODE_STATE_READ:
    if (outer || !step->plan->reads_versions || run->states[step->node->state].logs != NULL)
      kr_state_read(run, step, slice);
    break;
  case KR_NODE_PREV: run_prev(step, slice); break;
  case KR_NODE_TIME: run_time(run, step, slice); break;
  case KR_NODE_STEP: run_step_index(step, slice); break;
  case KR_NODE_SIGNAL:
    if (outer) run_signal(run, unit, step, slice);
    break;
  case KR_NODE_VOICES: run_voices(run, unit, step, slice); break;
  case KR_NODE_VOICE: kr_voices_input(run, step, slice); break;
  case KR_NODE_EMIT: run_emit(run, unit, step, slice); break;
  case KR_NODE_INPUT: run_input(run, step, slice); break;
  case KR_NODE_SUM:
    if (step->lanes == 1)
      run_sum(step, slice->n);
    else
      kr_lanes_sum(step, slice->n);
    break;
  }
}

static void push_ring(const KrRunRing *ring, const KrRunStep *step, uint32_t port,
                      const KrSlice *slice) {
  const uint8_t *from = step->out[port];
  if (step->out_bytes[port] == 0) {
    for (uint32_t i = 0; i < slice->n; i++)
      copy_bytes(kr_ring_at(ring, slice->tick + i), from, ring->n_bytes);
    return;
  }
  uint64_t first = (uint64_t)slice->tick & ring->mask, until_end = ring->mask + 1 - first;
  uint32_t part = slice->n < until_end ? slice->n : (uint32_t)until_end;
  copy_bytes(ring->at + first * ring->n_bytes, from, part * ring->n_bytes);
  copy_bytes(ring->at, from + part * ring->n_bytes, (slice->n - part) * ring->n_bytes);
}

// Which inputs are held in this tile.
static void find_held(KrRunStep *step) {
  for (uint32_t i = 0; i < step->n_varying; i++) {
    const KrRunVarying *at = &step->varying[i];
    bool held = *at->held != 0;
    step->in_bytes[at->input] = held ? 0 : at->n_bytes;
    if (at->input >= 64) continue;
    uint64_t bit = UINT64_C(1) << at->input;
    step->call.held = held ? step->call.held | bit : step->call.held & ~bit;
  }
}

static void move_pointers(KrRunStep *step, uint32_t at) {
  for (uint32_t k = 0; k < step->n_in; k++)
    if (step->in_base[k] != NULL)
      step->in[k] = (const uint8_t *)step->in_base[k] + at * step->in_bytes[k];
  for (uint32_t k = 0; k < step->n_out; k++)
    step->out[k] = (uint8_t *)step->out_base[k] + at * step->out_bytes[k];
}

void kr_step_run(KrRun *run, KrRunUnit *unit, KrRunStep *step, const KrSlice *slice) {
  find_held(step);
  if (step->is_serial) move_pointers(step, slice->at);
  if (step->is_quick) {
    step->call.n = slice->n;
    step->call.tick = slice->inner;
    step->kernel(&step->call);
    return;
  }
  switch (step->plan->kind) {
  case KR_STEP_NODE: run_node(run, unit, step, slice); break;
  case KR_STEP_IMPORT: run_read(step, slice); break;
  case KR_STEP_COMMIT: kr_state_commit(run, step, slice); break;
  case KR_STEP_LANE: kr_step_lane(step, slice->n); break;
  case KR_STEP_SPREAD: kr_step_spread(step, slice->n); break;
  case KR_STEP_PACK: kr_step_pack(step, slice->n); break;
  case KR_STEP_OPEN: kr_step_open(step, slice->n); break;
  case KR_STEP_ADD: kr_step_add(step, slice); break;
  case KR_STEP_KEEP:
  case KR_STEP_VOICES: break;
  case KR_STEP_FOLD: kr_step_fold(step, slice->n); break;
  }
  if (!step->has_ring) return;
  for (uint32_t k = 0; k < step->n_out; k++)
    if (step->out_ring[k] != KR_NONE) push_ring(&run->rings[step->out_ring[k]], step, k, slice);
}

KrStatus kr_step_place(const KrRun *run, KrRunStep *step, int64_t tick) {
  step->has_rest = false;
  step->rest_known = 0;
  step->version = 0; // found from the oldest one kept
  if (step->lane_quiet != NULL)
    __builtin_memset(step->lane_quiet, 0, KR_LANES * sizeof *step->lane_quiet);
  if (step->node == NULL || !kr_node_reads_source(step->node) || step->node->kind == KR_NODE_READ)
    return KR_OK;
  const KrGraph *graph = run->plan->graph;
  for (uint32_t i = 0; step->knots != NULL && i < 4; i++) step->knots[i].is_known = false;
  const KrClock *reader = &graph->flows[step->node->flow].clock;
  const KrClock *source = &graph->flows[graph->nodes[step->node->source.node].flow].clock;
  bool is_window = step->node->kind == KR_NODE_WINDOW;
  step->copied = -1;
  KrRatio shift =
      is_window || step->node->kind == KR_NODE_HISTORY ? KR_RATIO_ZERO : step->plan->shift;
  KR_TRY(kr_stepper_init(&step->newest, reader, source, shift, tick));
  if (is_window) KR_TRY(kr_stepper_init(&step->oldest, reader, source, step->plan->shift, tick));
  return KR_OK;
}

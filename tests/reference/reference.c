// Decides nothing but what the semantics say: streams as functions of their tick.
#include "reference.h"
#include "math/real.h"
#include "number.h"
#include "ops/level.h"
#include "resample/cross.h"
#include <stdlib.h>
#include <string.h>

typedef struct Node {
  uint8_t **port;  // per output: dense inner ticks
  uint64_t n, cap; // inner ticks computed
  bool busy;
  void *field[KR_MAX_FIELDS];
  bool *wrote;         // STATE_WRITE, EMIT: per inner tick
  uint32_t next_event; // SIGNAL: first undelivered one of its list
  int64_t end;         // OP in a note: since when it is silent, as far as it says
} Node;

typedef struct Version {
  KrRatio time;
  uint8_t value[8];
} Version;

typedef struct State {
  Version *at;
  uint32_t n, cap;
  int64_t *next_tick; // per flow: first tick not looked at
  uint32_t *writers;  // nodes, in order of execution
  uint32_t n_writers, cap_writers;
} State;

typedef struct Event {
  KrRatio time;
  bool on, emitted, has_dur, has_key;
  KrRatio dur;
  int64_t key;
  KrEventValue *values;
} Event;
typedef struct EventList {
  Event *at;
  uint32_t n, cap;
} EventList;

struct KrReference {
  KrArena *arena;
  const KrGraph *graph;
  KrRatio horizon;
  Node *nodes, *host_nodes; // of the note that is evaluated, of the flows
  const struct Note *note;  // NULL: none
  struct Pool *pools;
  State *states;
  EventList *pushed; // per event stream
  EventList *known;  // per event stream: events that need no run, complete up to the horizon
  bool *has_known;
  uint32_t *order; // flows
  KrReferenceFault fault;
};

static const uint8_t *eval(KrReference *r, KrRef ref, int64_t inner);

static KrRatio time_of(const KrFlow *flow, int64_t tick) {
  return add(flow->clock.phase, mul(kr_ratio_of(tick), flow->clock.dt));
}
KrReference *kr_reference_new(KrArena *arena, const KrGraph *graph, KrRatio horizon) {
  KrReference *r = KR_NEW(arena, KrReference);
  KrGraphError error;
  r->arena = arena;
  r->graph = graph;
  r->horizon = horizon;
  r->nodes = KR_NEW_ARRAY(arena, Node, graph->n_nodes);
  r->states = KR_NEW_ARRAY(arena, State, graph->n_states);
  r->pushed = KR_NEW_ARRAY(arena, EventList, graph->n_events);
  r->known = KR_NEW_ARRAY(arena, EventList, graph->n_events);
  r->has_known = KR_NEW_ARRAY(arena, bool, graph->n_events);
  must(kr_graph_order(graph, arena, &r->order, &error));
  for (uint32_t i = 0; i < graph->n_states; i++) {
    State *state = &r->states[i];
    state->next_tick = KR_NEW_ARRAY(arena, int64_t, graph->n_flows);
    for (uint32_t f = 0; f < graph->n_flows; f++)
      for (uint32_t n = 0; n < graph->n_nodes; n++)
        if (graph->nodes[n].kind == KR_NODE_STATE_WRITE && graph->nodes[n].state == i &&
            graph->nodes[n].flow == r->order[f])
          KR_PUSH(arena, state->writers, state->n_writers, state->cap_writers, n);
  }
  return r;
}

static size_t port_bytes(const KrNode *node, uint32_t port) {
  if (node->kind == KR_NODE_SIGNAL && port == 1) return 1;
  return (size_t)kr_type_bytes(&node->type);
}

static uint32_t inner_of(const KrReference *r, uint32_t flow) {
  return r->graph->flows[flow].substeps;
}

// Outer tick of a stream as others see it: the last inner one.
static const uint8_t *outer(KrReference *r, KrRef ref, int64_t tick) {
  uint32_t n = inner_of(r, r->graph->nodes[ref.node].flow);
  return eval(r, ref, tick * n + (n - 1));
}

// The same in a source that may be finite: it holds its last; NULL: it never ticks.
static const uint8_t *held(KrReference *r, KrRef source, int64_t k) {
  int64_t n = r->graph->flows[r->graph->nodes[source.node].flow].n_steps;
  if (k < 0) k = 0;
  if (n >= 0 && k >= n) k = n - 1;
  return k < 0 ? NULL : outer(r, source, k);
}

// Source tick k in the reader's type.
static void knot(KrReference *r, KrRef source, int64_t k, void *to, KrElem want) {
  const uint8_t *at = held(r, source, k);
  if (at == NULL) {
    memset(to, 0, kr_elem_bytes(want));
    return;
  }
  convert_value(at, kr_graph_type(r->graph, source).elem, to, want);
}

static double knot_real(KrReference *r, const KrNode *node, int64_t k) {
  union {
    float f32;
    double f64;
  } x;
  knot(r, node->source, k, &x, node->type.elem);
  return node->type.elem == KR_ELEM_F32 ? (double)x.f32 : x.f64;
}

// Row of fraction a, tap of source tick k - half + 1 + i.
static double sinc_tap(double a, int64_t half, int64_t i, double scale) {
  return scale * kr_sinc_pulse(scale * (a - (double)(i - (half - 1))));
}

// Fractions are multiples of 1/den; up to 4096 of them are exact, more lie between 4096 rows.
static void run_sinc(KrReference *r, const KrNode *node, int64_t k, KrRatio a, void *out) {
  const KrFlow *reader = &r->graph->flows[node->flow];
  const KrFlow *source = &r->graph->flows[r->graph->nodes[node->source.node].flow];
  KrRatio ratio = over(reader->clock.dt, source->clock.dt);
  KrRatio start = over(sub(reader->clock.phase, source->clock.phase), source->clock.dt);
  int64_t den = start.den / (int64_t)kr_gcd((uint64_t)start.den, (uint64_t)ratio.den) * ratio.den;
  bool narrow = kr_ratio_compare(ratio, KR_RATIO_ONE) > 0;
  if (den == 1 && !narrow) { // every tick on a tick of an equal rate
    knot(r, node->source, k, out, node->type.elem);
    return;
  }
  int64_t half = narrow ? kr_ratio_ceil(mul(ratio, kr_ratio_of(16))) : 16;
  double scale = narrow ? (double)ratio.den / (double)ratio.num : 1.0, y = 0;
  double place = to_f64(a) * 4096;
  int64_t row = den <= 4096 ? 0 : (int64_t)place;
  for (int64_t i = 0; i < 2 * half; i++) {
    double x = knot_real(r, node, k - half + 1 + i), tap;
    if (den <= 4096) {
      tap = sinc_tap(to_f64(a), half, i, scale);
    } else {
      double low = sinc_tap((double)row / 4096, half, i, scale);
      tap =
          low + (place - (double)row) * (sinc_tap((double)(row + 1) / 4096, half, i, scale) - low);
    }
    y += x * tap;
  }
  if (node->type.elem == KR_ELEM_F32)
    *(float *)out = (float)y;
  else
    *(double *)out = y;
}

static void run_cross(KrReference *r, const KrNode *node, int64_t tick, void *out) {
  const KrFlow *reader = &r->graph->flows[node->flow];
  const KrFlow *source = &r->graph->flows[r->graph->nodes[node->source.node].flow];
  KrRatio p = over(sub(time_of(reader, tick), source->clock.phase), source->clock.dt);
  if (node->causal)
    p = sub(p, kr_ratio_of(node->mode == KR_MODE_LINEAR ? 1 : node->mode == KR_MODE_CUBIC ? 2 : 0));
  int64_t k = kr_ratio_floor(p), n = source->n_steps;
  KrRatio a = sub(p, kr_ratio_of(k));
  if (k < 0 || (n >= 0 && k >= n - 1)) a = KR_RATIO_ZERO;
  if (node->mode == KR_MODE_SINC && k >= 0 && !(n >= 0 && k >= n - 1)) {
    run_sinc(r, node, k, a, out);
    return;
  }
  if (node->mode == KR_MODE_NEAREST || a.num == 0) {
    knot(r, node->source, k, out, node->type.elem);
    return;
  }
  double p1 = knot_real(r, node, k), p2 = knot_real(r, node, k + 1);
  if (node->mode == KR_MODE_LINEAR) {
    if (node->type.elem == KR_ELEM_F32)
      *(float *)out = (float)p1 + to_f32(a) * ((float)p2 - (float)p1);
    else
      *(double *)out = p1 + to_f64(a) * (p2 - p1);
    return;
  }
  double p0 = k > 0 ? knot_real(r, node, k - 1) : 0,
         p3 = n < 0 || k + 2 < n ? knot_real(r, node, k + 2) : 0;
  if (node->type.elem == KR_ELEM_F32) {
    float q1 = (float)p1, q2 = (float)p2;
    float q0 = k > 0 ? (float)p0 : 2.0f * q1 - q2,
          q3 = n < 0 || k + 2 < n ? (float)p3 : 2.0f * q2 - q1;
    float d0 = q1 - q0, d1 = q2 - q1, d2 = q3 - q2, m1 = (d0 + d1) / 2.0f, m2 = (d1 + d2) / 2.0f;
    float c2 = 2.0f * (d1 - m1) + (d1 - m2), c3 = (m1 - d1) + (m2 - d1), b = to_f32(a);
    *(float *)out = ((c3 * b + c2) * b + m1) * b + q1;
  } else {
    if (k <= 0) p0 = 2.0 * p1 - p2;
    if (n >= 0 && k + 2 >= n) p3 = 2.0 * p2 - p1;
    double d0 = p1 - p0, d1 = p2 - p1, d2 = p3 - p2, m1 = (d0 + d1) / 2.0, m2 = (d1 + d2) / 2.0;
    double c2 = 2.0 * (d1 - m1) + (d1 - m2), c3 = (m1 - d1) + (m2 - d1), b = to_f64(a);
    *(double *)out = ((c3 * b + c2) * b + m1) * b + p1;
  }
}

// The sum of semantics 4 over values given as f32 or f64.
#define DEFINE_SUM(Type, f)                                                                        \
  static Type sum_##f(const Type *x, int64_t n) {                                                  \
    Type total[16] = {0};                                                                          \
    for (int64_t chunk = 0; chunk * 128 < n; chunk++) {                                            \
      Type column[16] = {0};                                                                       \
      for (int64_t i = chunk * 128; i < n && i < chunk * 128 + 128; i++) column[i % 16] += x[i];   \
      for (int l = 0; l < 16; l++) total[l] += column[l];                                          \
    }                                                                                              \
    for (int half = 8; half > 0; half /= 2)                                                        \
      for (int l = 0; l < half; l++) total[l] += total[l + half];                                  \
    return total[0];                                                                               \
  }                                                                                                \
  static Type reduce_##f(KrReduce reduce, Type *x, int64_t n, Type nearest) {                      \
    if (n <= 0) {                                                                                  \
      if (reduce == KR_REDUCE_SUM) return 0;                                                       \
      return reduce == KR_REDUCE_RMS || reduce == KR_REDUCE_PEAK ? kr_##f##_abs(nearest)           \
                                                                 : nearest;                        \
    }                                                                                              \
    if (reduce == KR_REDUCE_SUM) return sum_##f(x, n);                                             \
    if (reduce == KR_REDUCE_MEAN) return sum_##f(x, n) / (Type)n;                                  \
    if (reduce == KR_REDUCE_RMS) {                                                                 \
      for (int64_t i = 0; i < n; i++) x[i] = x[i] * x[i];                                          \
      return kr_##f##_sqrt(sum_##f(x, n) / (Type)n);                                               \
    }                                                                                              \
    if (reduce == KR_REDUCE_PEAK)                                                                  \
      for (int64_t i = 0; i < n; i++) x[i] = kr_##f##_abs(x[i]);                                   \
    Type best = x[0];                                                                              \
    for (int64_t i = 1; i < n; i++)                                                                \
      best = reduce == KR_REDUCE_MIN ? kr_##f##_min(best, x[i]) : kr_##f##_max(best, x[i]);        \
    return best;                                                                                   \
  }
DEFINE_SUM(float, f32)
DEFINE_SUM(double, f64)

static int64_t reduce_i64(KrReduce reduce, const int64_t *x, int64_t n, int64_t nearest) {
  uint64_t sum = 0;
  for (int64_t i = 0; i < n; i++) sum += (uint64_t)x[i];
  if (reduce == KR_REDUCE_SUM) return (int64_t)sum;
  if (n == 0)
    return reduce == KR_REDUCE_PEAK && nearest < 0 ? (int64_t)(0 - (uint64_t)nearest) : nearest;
  int64_t best = x[0];
  for (int64_t i = 0; i < n; i++) {
    int64_t v = reduce == KR_REDUCE_PEAK && x[i] < 0 ? (int64_t)(0 - (uint64_t)x[i]) : x[i];
    if (i == 0 || (reduce == KR_REDUCE_MIN ? v < best : v > best)) best = v;
  }
  return best;
}

static void run_window(KrReference *r, const KrNode *node, int64_t tick, void *out) {
  const KrFlow *reader = &r->graph->flows[node->flow];
  const KrFlow *source = &r->graph->flows[r->graph->nodes[node->source.node].flow];
  KrType from = kr_graph_type(r->graph, node->source);
  KrRatio t = time_of(reader, tick), w = node->window.num == 0 ? reader->clock.dt : node->window;
  int64_t last = kr_ratio_floor(over(sub(t, source->clock.phase), source->clock.dt));
  int64_t first = kr_ratio_floor(over(sub(sub(t, w), source->clock.phase), source->clock.dt)) + 1;
  if (first < 0 || (node->window.num == 0 && tick == 0)) first = 0;
  int64_t newest = last;
  if (source->n_steps >= 0 && last >= source->n_steps) last = source->n_steps - 1;
  int64_t n = last >= first ? last - first + 1 : 0;
  if (node->reduce == KR_REDUCE_COUNT) {
    *(int64_t *)out = n;
    return;
  }
  bool real = kr_elem_is_real(node->type.elem);
  KrElem work = real ? node->type.elem : KR_ELEM_I64;
  uint8_t *x = calloc((size_t)(n + 1), 8), nearest[8] = {0};
  for (int64_t i = 0; i < n; i++) {
    int64_t wide = 0;
    if (!real && from.elem != KR_ELEM_I64) {
      union {
        int32_t i32;
        uint32_t u32;
        int64_t i64;
      } v;
      knot(r, node->source, first + i, &v, from.elem);
      wide = from.elem == KR_ELEM_I32 ? v.i32 : from.elem == KR_ELEM_U32 ? (int64_t)v.u32 : v.i64;
      memcpy(x + i * 8, &wide, 8);
    } else {
      knot(r, node->source, first + i, x + i * (int64_t)kr_elem_bytes(work), work);
    }
  }
  if (n == 0) knot(r, node->source, newest, nearest, work);
  if (work == KR_ELEM_F32) {
    *(float *)out = reduce_f32(node->reduce, (float *)(void *)x, n, *(float *)(void *)nearest);
  } else if (work == KR_ELEM_F64) {
    *(double *)out = reduce_f64(node->reduce, (double *)(void *)x, n, *(double *)(void *)nearest);
  } else {
    int64_t v = reduce_i64(node->reduce, (int64_t *)(void *)x, n, *(int64_t *)(void *)nearest);
    if (node->type.elem == KR_ELEM_I64 || node->type.elem == KR_ELEM_U64)
      *(int64_t *)out = v;
    else
      *(int32_t *)out = (int32_t)(uint32_t)(uint64_t)v;
  }
  free(x);
}

static void run_history(KrReference *r, const KrNode *node, int64_t tick, uint8_t *out) {
  const KrFlow *reader = &r->graph->flows[node->flow];
  const KrFlow *source = &r->graph->flows[r->graph->nodes[node->source.node].flow];
  int64_t last =
      kr_ratio_floor(over(sub(time_of(reader, tick), source->clock.phase), source->clock.dt));
  if (source->n_steps >= 0 && last >= source->n_steps) last = source->n_steps - 1;
  size_t size = kr_elem_bytes(node->type.elem);
  int64_t n = node->type.dim[0];
  memset(out, 0, (size_t)n * size);
  for (int64_t i = 0; i < n; i++)
    if (last - n + 1 + i >= 0)
      knot(r, node->source, last - n + 1 + i, out + (size_t)i * size, node->type.elem);
}

// ---- states

static const uint8_t *write_of(KrReference *r, uint32_t node, int64_t tick) {
  uint32_t n = inner_of(r, r->graph->nodes[node].flow);
  const uint8_t *value = NULL;
  eval(r, (KrRef){node, 0}, tick * n + n - 1);
  for (uint32_t i = 0; i < n; i++)
    if (r->nodes[node].wrote[tick * n + i])
      value = r->nodes[node].port[0] +
              (size_t)(tick * n + i) * kr_type_bytes(&r->graph->nodes[node].type);
  return value;
}

#define MERGE(Type, MIN, MAX)                                                                      \
  {                                                                                                \
    Type o, w, first, d;                                                                           \
    memcpy(&o, old, sizeof o);                                                                     \
    memcpy(&first, writes[0], sizeof o);                                                           \
    memcpy(&w, writes[n - 1], sizeof o);                                                           \
    d = (Type)(first - o);                                                                         \
    Type lo = first, hi = first;                                                                   \
    for (uint32_t i = 1; i < n; i++) {                                                             \
      Type v;                                                                                      \
      memcpy(&v, writes[i], sizeof v);                                                             \
      d = (Type)(d + (Type)(v - o));                                                               \
      lo = MIN(lo, v);                                                                             \
      hi = MAX(hi, v);                                                                             \
    }                                                                                              \
    Type result = merge == KR_MERGE_SUM   ? (Type)(o + d)                                          \
                  : merge == KR_MERGE_MIN ? lo                                                     \
                  : merge == KR_MERGE_MAX ? hi                                                     \
                                          : w;                                                     \
    memcpy(out, &result, sizeof result);                                                           \
  }
#define INT_MIN_OF(a, b) ((a) < (b) ? (a) : (b))
#define INT_MAX_OF(a, b) ((a) > (b) ? (a) : (b))

static void merge_writes(KrMerge merge, KrElem elem, const uint8_t *old, const uint8_t **writes,
                         uint32_t n, uint8_t *out) {
  if (n == 1 || merge == KR_MERGE_NONE || merge == KR_MERGE_LAST) {
    memcpy(out, writes[n - 1], kr_elem_bytes(elem));
    return;
  }
  switch (elem) {
  case KR_ELEM_F32: MERGE(float, kr_f32_min, kr_f32_max) break;
  case KR_ELEM_F64: MERGE(double, kr_f64_min, kr_f64_max) break;
  case KR_ELEM_I32: MERGE(int32_t, INT_MIN_OF, INT_MAX_OF) break;
  case KR_ELEM_U32: MERGE(uint32_t, INT_MIN_OF, INT_MAX_OF) break;
  case KR_ELEM_I64: MERGE(int64_t, INT_MIN_OF, INT_MAX_OF) break;
  case KR_ELEM_U64: MERGE(uint64_t, INT_MIN_OF, INT_MAX_OF) break;
  default: memcpy(out, writes[n - 1], 1); break;
  }
}

// Commits the instants before `time`, one after the other.
static void commit_before(KrReference *r, uint32_t index, KrRatio time) {
  const KrGraph *graph = r->graph;
  State *state = &r->states[index];
  for (;;) {
    bool found = false;
    KrRatio instant = time;
    for (uint32_t i = 0; i < state->n_writers; i++) {
      uint32_t f = graph->nodes[state->writers[i]].flow;
      if (graph->flows[f].n_steps >= 0 && state->next_tick[f] >= graph->flows[f].n_steps) continue;
      KrRatio t = time_of(&graph->flows[f], state->next_tick[f]);
      if (kr_ratio_compare(t, instant) >= 0) continue;
      instant = t;
      found = true;
    }
    if (!found) return;
    const uint8_t *writes[64];
    uint32_t n = 0;
    uint64_t seen[64] = {0};
    for (uint32_t i = 0; i < state->n_writers; i++) {
      uint32_t f = graph->nodes[state->writers[i]].flow;
      if (graph->flows[f].n_steps >= 0 && state->next_tick[f] >= graph->flows[f].n_steps) continue;
      if (kr_ratio_compare(time_of(&graph->flows[f], state->next_tick[f]), instant) != 0) continue;
      const uint8_t *value = write_of(r, state->writers[i], state->next_tick[f]);
      if (value != NULL) writes[n++] = value;
      seen[f / 64] |= (uint64_t)1 << (f % 64);
    }
    for (uint32_t f = 0; f < graph->n_flows; f++)
      if (seen[f / 64] >> (f % 64) & 1) state->next_tick[f]++;
    if (n == 0) continue;
    Version version = {.time = instant};
    const uint8_t *old = state->n > 0 ? state->at[state->n - 1].value
                                      : (const uint8_t *)&graph->states[index].init.as;
    merge_writes(graph->states[index].merge, graph->states[index].type.elem, old, writes, n,
                 version.value);
    KR_PUSH(r->arena, state->at, state->n, state->cap, version);
  }
}

static void run_state_read(KrReference *r, const KrNode *node, int64_t inner, void *out) {
  const KrGraph *graph = r->graph;
  State *state = &r->states[node->state];
  size_t size = kr_elem_bytes(node->type.elem);
  uint32_t n = inner_of(r, node->flow);
  KrRatio time = time_of(&graph->flows[node->flow], inner / n);
  commit_before(r, node->state, time);
  memcpy(out, &graph->states[node->state].init.as, size);
  for (uint32_t i = 0; i < state->n && kr_ratio_compare(state->at[i].time, time) < 0; i++)
    memcpy(out, state->at[i].value, size);
  // Its own writes of the inner runs before.
  for (int64_t j = inner / n * n; j < inner; j++)
    for (uint32_t i = 0; i < state->n_writers; i++) {
      uint32_t w = state->writers[i];
      if (graph->nodes[w].flow != node->flow) continue;
      eval(r, (KrRef){w, 0}, j);
      if (r->nodes[w].wrote[j]) memcpy(out, r->nodes[w].port[0] + (size_t)j * size, size);
    }
}

// ---- events

static int compare_events(const Event *a, const Event *b) {
  return kr_ratio_compare(a->time, b->time);
}

static void sort_events(EventList *list) { // stable insertion
  for (uint32_t i = 1; i < list->n; i++)
    for (uint32_t j = i; j > 0 && compare_events(&list->at[j - 1], &list->at[j]) > 0; j--) {
      Event e = list->at[j];
      list->at[j] = list->at[j - 1];
      list->at[j - 1] = e;
    }
}

static Event from_item(KrReference *r, const KrEventItem *item, KrRatio time, uint32_t n_fields) {
  return (Event){.time = time,
                 .on = item->action == KR_EVENT_ON,
                 .has_dur = item->has_dur,
                 .has_key = item->has_key,
                 .dur = item->dur,
                 .key = item->key,
                 .values = kr_arena_copy(r->arena, item->values, n_fields * sizeof(KrEventValue))};
}

static bool is_emitted(const KrReference *r, uint32_t index) {
  const KrEvents *events = &r->graph->events[index];
  if (events->kind == KR_EVENTS_SIGNAL) return !events->is_input;
  for (uint32_t i = 0; i < events->n_sources; i++)
    if (is_emitted(r, events->sources[i])) return true;
  return false;
}

static double event_number(const KrEventField *field, const KrEventValue *value) {
  double x = value->exact ? to_f64(value->ratio) : value->value;
  if (!field->declared) return x;
  if (field->elem == KR_ELEM_F32)
    return (double)(value->exact ? to_f32(value->ratio) : (float)value->value);
  return x;
}

// Runs the function of a MAP or FILTER stream for one event.
static void call_function(KrReference *r, const KrEvents *events, const Event *event, double *out,
                          uint32_t n_out) {
  const KrGraph *graph = r->graph;
  const KrEvents *source = &graph->events[events->sources[0]];
  for (uint32_t i = 0; i < events->n_nodes; i++) r->nodes[events->nodes[i]].n = 0;
  for (uint32_t i = 0; i < events->n_param; i++) {
    Node *node = &r->nodes[events->param[i]];
    double x = i < source->n_fields ? event_number(&source->fields[i], &event->values[i])
                                    : to_f64(event->time);
    if (node->port == NULL) {
      node->port = KR_NEW_ARRAY(r->arena, uint8_t *, 1);
      node->port[0] = kr_arena_alloc(r->arena, 8);
      node->cap = 1;
    }
    memcpy(node->port[0], &x, 8);
    node->n = 1;
  }
  for (uint32_t i = 0; i < n_out; i++) {
    KrElem elem = kr_graph_type(graph, events->result[i]).elem;
    const uint8_t *at = eval(r, events->result[i], 0);
    double x = 0;
    if (at != NULL && elem == KR_ELEM_BOOL)
      x = *at;
    else if (at != NULL)
      convert_value(at, elem, &x, KR_ELEM_F64);
    out[i] = x;
  }
}

static void put_event(KrReference *r, EventList *list, Event event) {
  KR_PUSH(r->arena, list->at, list->n, list->cap, event);
}

/// Up to when events are asked for: known ahead; emitted ones, whose emitters may wait for that.
typedef struct Until {
  KrRatio known, emitted;
} Until;

// Every event of a stream up to then, in order. Emitted ones are found by running their flows.
static EventList list_events(KrReference *r, uint32_t index, Until until) {
  const KrGraph *graph = r->graph;
  const KrEvents *events = &graph->events[index];
  EventList list = {0};
  switch (events->kind) {
  case KR_EVENTS_LIST:
    for (uint32_t i = 0; i < events->n_items; i++) {
      const KrEventItem *item = &events->items[i];
      if (kr_ratio_compare(item->time, until.known) <= 0)
        put_event(r, &list, from_item(r, item, item->time, events->n_fields));
    }
    break;
  case KR_EVENTS_EVERY:
    for (KrRatio t = events->items[0].time; kr_ratio_compare(t, until.known) <= 0;
         t = add(t, events->period))
      put_event(r, &list, from_item(r, &events->items[0], t, events->n_fields));
    break;
  case KR_EVENTS_SIGNAL:
    for (uint32_t i = 0; i < r->pushed[index].n; i++)
      if (kr_ratio_compare(r->pushed[index].at[i].time, until.known) <= 0)
        put_event(r, &list, r->pushed[index].at[i]);
    for (uint32_t n = 0; n < graph->n_nodes; n++) {
      const KrNode *node = &graph->nodes[n];
      if (node->kind != KR_NODE_EMIT || node->events != index) continue;
      const KrFlow *flow = &graph->flows[node->flow];
      for (int64_t tick = 0; kr_ratio_compare(time_of(flow, tick), until.emitted) <= 0; tick++) {
        if (flow->n_steps >= 0 && tick >= flow->n_steps) break;
        int64_t inner = tick * flow->substeps + flow->substeps - 1;
        eval(r, (KrRef){n, 0}, inner);
        if (r->fault.is_set || !r->nodes[n].wrote[inner]) continue;
        Event e = {.time = time_of(flow, tick), .on = true, .emitted = true};
        e.values = KR_NEW_ARRAY(r->arena, KrEventValue, events->n_fields);
        for (uint32_t i = 0; i < events->n_fields; i++) {
          double x = 0;
          convert_value(eval(r, node->in[1 + i], inner), kr_graph_type(graph, node->in[1 + i]).elem,
                        &x, KR_ELEM_F64);
          e.values[i] = (KrEventValue){.present = true, .value = x};
        }
        put_event(r, &list, e);
      }
    }
    break;
  case KR_EVENTS_MERGE:
    for (uint32_t s = 0; s < events->n_sources; s++) {
      EventList part = list_events(r, events->sources[s], until);
      for (uint32_t i = 0; i < part.n; i++) put_event(r, &list, part.at[i]);
    }
    break;
  case KR_EVENTS_DELAY: {
    Until before;
    must(kr_ratio_sub(until.known, events->period, &before.known));
    must(kr_ratio_sub(until.emitted, events->period, &before.emitted));
    if (before.known.num < 0) break;
    EventList part = list_events(r, events->sources[0], before);
    for (uint32_t i = 0; i < part.n; i++) {
      part.at[i].time = add(part.at[i].time, events->period);
      put_event(r, &list, part.at[i]);
    }
    break;
  }
  default: {
    EventList part = list_events(r, events->sources[0], until);
    uint32_t n_out = events->kind == KR_EVENTS_MAP ? events->n_fields : 1;
    double *out = KR_NEW_ARRAY(r->arena, double, n_out);
    for (uint32_t i = 0; i < part.n; i++) {
      Event e = part.at[i];
      call_function(r, events, &e, out, n_out);
      if (events->kind == KR_EVENTS_FILTER && out[0] == 0) continue;
      if (events->kind == KR_EVENTS_MAP) {
        e.values = KR_NEW_ARRAY(r->arena, KrEventValue, n_out);
        for (uint32_t j = 0; j < n_out; j++)
          e.values[j] = (KrEventValue){.present = true, .value = out[j]};
      }
      put_event(r, &list, e);
    }
  }
  }
  sort_events(&list);
  return list;
}

static EventList events_until(KrReference *r, uint32_t index, Until until) {
  if (is_emitted(r, index)) return list_events(r, index, until);
  if (!r->has_known[index]) {
    r->known[index] = list_events(r, index, (Until){r->horizon, r->horizon});
    r->has_known[index] = true;
  }
  return r->known[index];
}

static void place(const KrFlow *flow, KrRatio time, bool emitted, bool round_floor, int64_t *tick,
                  KrRatio *rest) {
  KrRatio p = over(sub(time, flow->clock.phase), flow->clock.dt);
  *tick = emitted ? kr_ratio_ceil(p) : kr_ratio_floor(p);
  *rest = emitted || round_floor ? KR_RATIO_ZERO : sub(p, kr_ratio_of(*tick));
  if (*tick < 0) {
    *tick = 0;
    *rest = KR_RATIO_ZERO;
  }
}

// First tick at which the note begun by event i no longer holds, and the residual there.
static int64_t end_of(const KrFlow *flow, const KrNode *node, const EventList *list, uint32_t i,
                      int64_t onset, KrRatio *rest) {
  int64_t end = INT64_MAX, tick;
  KrRatio part;
  const Event *note = &list->at[i];
  *rest = KR_RATIO_ZERO;
  if (note->has_dur) {
    place(flow, add(note->time, note->dur), note->emitted, node->round_floor, &end, rest);
    if (end <= onset) {
      end = onset + 1;
      *rest = KR_RATIO_ZERO;
    }
  }
  for (uint32_t j = 0; j < list->n; j++) {
    const Event *off = &list->at[j];
    if (off->on || kr_ratio_compare(off->time, note->time) <= 0) continue;
    if (off->has_key && note->has_key && off->key != note->key) continue;
    place(flow, off->time, off->emitted, node->round_floor, &tick, &part);
    if (tick <= onset) {
      tick = onset + 1;
      part = KR_RATIO_ZERO;
    }
    if (tick >= end) continue;
    end = tick;
    *rest = part;
  }
  return end;
}

static KrRatio tick_residual(const KrFlow *flow, const KrNode *node, const Event *event) {
  int64_t tick;
  KrRatio rest;
  place(flow, event->time, event->emitted, node->round_floor, &tick, &rest);
  return rest;
}

static void put_field(const KrReference *r, const KrNode *node, const Event *event, void *out) {
  const KrEventField *field = &r->graph->events[node->events].fields[node->field];
  const KrEventValue *value = &event->values[node->field];
  if (field->declared && field->elem == KR_ELEM_F32) {
    float x = value->exact ? to_f32(value->ratio) : (float)value->value;
    convert_value(&x, KR_ELEM_F32, out, node->type.elem);
  } else if (value->exact) {
    put_ratio(out, node->type.elem, value->ratio);
  } else {
    convert_value(&value->value, KR_ELEM_F64, out, node->type.elem);
  }
}

// Every event adds its band-limited pulse to the ticks within 16 of it.
static void run_pulses(KrReference *r, const KrNode *node, int64_t tick, void *out) {
  const KrFlow *flow = &r->graph->flows[node->flow];
  Until until = {time_of(flow, tick + 17), time_of(flow, tick + 16)};
  EventList list = events_until(r, node->events, until);
  double sum = 0;
  for (uint32_t i = 0; i < list.n; i++) {
    int64_t at;
    KrRatio rest;
    if (!list.at[i].on) continue;
    place(flow, list.at[i].time, list.at[i].emitted, node->round_floor, &at, &rest);
    if (tick < at - 15 || tick > at + 16) continue;
    double amplitude = 1;
    if (node->field != KR_NONE)
      amplitude = event_number(&r->graph->events[node->events].fields[node->field],
                               &list.at[i].values[node->field]);
    sum += amplitude * kr_sinc_pulse((double)(tick - at) - to_f64(rest));
  }
  convert_value(&sum, KR_ELEM_F64, out, node->type.elem);
}

static void run_signal(KrReference *r, const KrNode *node, int64_t tick, uint8_t *const *port) {
  const KrFlow *flow = &r->graph->flows[node->flow];
  if (node->signal == KR_SIGNAL_SINC) {
    run_pulses(r, node, tick, port[0]);
    return;
  }
  Until until = {time_of(flow, tick + 1), time_of(flow, tick)};
  EventList list = events_until(r, node->events, until);
  uint32_t newest = KR_NONE, n_now = 0, onset_now = KR_NONE;
  int64_t newest_tick = 0, t;
  KrRatio rest;
  for (uint32_t i = 0; i < list.n; i++) {
    if (!list.at[i].on) continue;
    place(flow, list.at[i].time, list.at[i].emitted, node->round_floor, &t, &rest);
    if (t > tick) continue;
    if (newest == KR_NONE || t >= newest_tick) {
      newest = i; // of those that reached a tick last
      newest_tick = t;
    }
    if (t != tick) continue;
    n_now++;
    onset_now = i;
  }
  size_t size = kr_elem_bytes(node->type.elem);
  switch (node->signal) {
  case KR_SIGNAL_IMPULSE: put_ratio(port[0], node->type.elem, kr_ratio_of(n_now)); return;
  case KR_SIGNAL_OFFSET:
    put_ratio(port[0], node->type.elem,
              newest == KR_NONE ? KR_RATIO_ZERO : tick_residual(flow, node, &list.at[newest]));
    return;
  case KR_SIGNAL_HOLD:
    if (newest == KR_NONE || node->field == KR_NONE)
      memcpy(port[0], &node->value.as, size);
    else
      put_field(r, node, &list.at[newest], port[0]);
    return;
  default: break;
  }
  int64_t end = newest == KR_NONE ? 0 : end_of(flow, node, &list, newest, newest_tick, &rest);
  bool on = newest != KR_NONE && tick < end;
  put_ratio(port[0], node->type.elem, on ? KR_RATIO_ONE : KR_RATIO_ZERO);
  port[1][0] = onset_now != KR_NONE;
  put_ratio(port[2], node->type.elem,
            onset_now != KR_NONE ? tick_residual(flow, node, &list.at[onset_now]) : KR_RATIO_ZERO);
  put_ratio(port[3], node->type.elem, newest != KR_NONE && tick == end ? rest : KR_RATIO_ZERO);
}

// ---- operators

static void prepare_op(KrReference *r, uint32_t index) {
  const KrNode *node = &r->graph->nodes[index];
  Node *state = &r->nodes[index];
  const KrOp *op = node->op;
  KrRatio dt = KR_RATIO_ONE;
  if (node->flow != KR_NONE)
    dt = over(r->graph->flows[node->flow].clock.dt,
              kr_ratio_of(r->graph->flows[node->flow].substeps));
  KrPrep prep = {.op = op,
                 .elem = node->elem,
                 .dt = dt,
                 .port = node->port,
                 .type = node->type,
                 .seed = r->graph->seed,
                 .path = node->path,
                 .lanes = 1,
                 .arena = r->arena};
  for (uint32_t i = 0; i < kr_op_fields(op); i++) {
    KrElem elem = op->field[i].elem == KR_ELEM_CALL ? node->elem : (KrElem)op->field[i].elem;
    uint64_t n = op->field[i].count > 0 ? op->field[i].count : op->count(&prep, i);
    state->field[i] = kr_arena_array(r->arena, n, kr_elem_bytes(elem));
  }
  prep.field = state->field;
  const char *message = NULL;
  if (op->prepare != NULL) must(op->prepare(&prep, &message));
}

#include "voices.inc"

static void set_fault(KrReference *r, uint32_t flow, int64_t tick, const char *message) {
  if (!r->fault.is_set) r->fault = (KrReferenceFault){true, flow, tick, message};
}

static void run_op(KrReference *r, uint32_t index, int64_t inner, uint8_t *const *port) {
  const KrNode *node = &r->graph->nodes[index];
  const void *in[64] = {NULL};
  KrType types[64];
  void *out[KR_MAX_OUTS];
  KrFault fault = {0};
  if (node->n_in > 64) abort();
  for (uint32_t i = 0; i < node->n_in; i++) {
    if (node->in[i].node == KR_NONE) continue;
    in[i] = eval(r, node->in[i], inner);
    types[i] = kr_graph_type(r->graph, node->in[i]);
    if (in[i] == NULL) return;
  }
  for (uint32_t i = 0; i < node->n_out; i++) out[i] = port[i];
  const Note *note = r->note;
  double late = note != NULL ? to_f64(note->late) : 0;
  KrCallVoice voice = {.lanes = 1, .end = &r->nodes[index].end};
  if (note != NULL) voice.born = &note->born, voice.late = &late, voice.note = &note->number;
  uint64_t before[KR_MAX_FIELDS][4] = {{0}};
  for (uint32_t i = 0; i < kr_op_fields(node->op); i++)
    if ((node->op->field[i].flags & KR_FIELD_AGES) != 0)
      memcpy(before[i], r->nodes[index].field[i], node->op->field[i].count * 8);
  KrCall call = {.n = 1,
                 .lanes = 1,
                 .tick = note != NULL ? note->born + inner : inner,
                 .voice = note != NULL ? &voice : NULL,
                 .in = in,
                 .out = out,
                 .field = r->nodes[index].field,
                 .in_type = types,
                 .type = &node->type,
                 .fault = &fault};
  kr_op_kernel(node->op, node->elem, KR_LEVEL_GENERIC)(&call);
  if (note != NULL && inner == 0 && late > 0)
    take_back(note, node->op, r->nodes[index].field, before);
  if (fault.message != NULL)
    set_fault(r, node->flow, inner / (node->flow == KR_NONE ? 1 : inner_of(r, node->flow)),
              fault.message);
}

static void run_sum(KrReference *r, const KrNode *node, int64_t inner, void *out) {
  double wide = 0;
  float *f = calloc(node->n_in + 1, sizeof(float));
  double *d = calloc(node->n_in + 1, sizeof(double));
  uint64_t whole = 0;
  for (uint32_t i = 0; i < node->n_in; i++) {
    const uint8_t *at = eval(r, node->in[i], inner);
    if (at == NULL) break;
    if (node->type.elem == KR_ELEM_F32)
      memcpy(&f[i], at, 4);
    else if (node->type.elem == KR_ELEM_F64)
      memcpy(&d[i], at, 8);
    else if (kr_elem_bytes(node->type.elem) == 4)
      whole += (uint64_t)(int64_t) * (const int32_t *)(const void *)at;
    else
      whole += *(const uint64_t *)(const void *)at;
  }
  (void)wide;
  if (node->type.elem == KR_ELEM_F32)
    *(float *)out = sum_f32(f, node->n_in);
  else if (node->type.elem == KR_ELEM_F64)
    *(double *)out = sum_f64(d, node->n_in);
  else
    memcpy(out, &whole, kr_elem_bytes(node->type.elem)); // little-endian host: the wrapped low part
  free(f);
  free(d);
}

static void run_input(const KrReference *r, const KrNode *node, int64_t tick,
                      uint8_t *const *port) {
  const KrInput *input = &r->graph->inputs[node->input];
  for (uint32_t c = 0; c < node->n_out; c++) {
    if (input->audio == NULL) {
      memcpy(port[c], &input->value.as, kr_elem_bytes(node->type.elem));
      continue;
    }
    float x = (uint64_t)tick < input->audio->n_frames
                  ? input->audio->frames[(uint64_t)tick * input->audio->n_channels + c]
                  : 0;
    convert_value(&x, KR_ELEM_F32, port[c], node->type.elem);
  }
}

static void run_node(KrReference *r, uint32_t index, int64_t inner) {
  const KrGraph *graph = r->graph;
  const KrNode *node = &graph->nodes[index];
  Node *state = &r->nodes[index];
  uint8_t *port[64];
  uint32_t n = node->flow == KR_NONE ? 1 : inner_of(r, node->flow);
  int64_t tick = inner / n;
  for (uint32_t i = 0; i < node->n_out || i == 0; i++)
    port[i] = state->port[i] + (size_t)inner * port_bytes(node, i);
  const uint8_t *at;
  switch (node->kind) {
  case KR_NODE_CONST: memcpy(port[0], &node->value.as, kr_elem_bytes(node->type.elem)); break;
  case KR_NODE_OP: run_op(r, index, inner, port); break;
  case KR_NODE_READ:
    if ((at = held(r, node->source, tick)) != NULL) memcpy(port[0], at, port_bytes(node, 0));
    break;
  case KR_NODE_CROSS: run_cross(r, node, tick, port[0]); break;
  case KR_NODE_WINDOW: run_window(r, node, tick, port[0]); break;
  case KR_NODE_HISTORY: run_history(r, node, tick, port[0]); break;
  case KR_NODE_STATE_READ: run_state_read(r, node, inner, port[0]); break;
  case KR_NODE_STATE_WRITE:
    at = node->n_in > 1 && node->in[1].node != KR_NONE ? eval(r, node->in[1], inner) : NULL;
    state->wrote[inner] = node->n_in < 2 || node->in[1].node == KR_NONE || (at != NULL && *at != 0);
    if ((at = eval(r, node->in[0], inner)) != NULL) memcpy(port[0], at, port_bytes(node, 0));
    break;
  case KR_NODE_PREV:
    if (inner > 0)
      at = eval(r, node->in[0], inner - 1);
    else
      at = node->n_in > 1 && node->in[1].node != KR_NONE ? eval(r, node->in[1], 0)
                                                         : (const uint8_t *)&node->value.as;
    if (at != NULL) memcpy(port[0], at, port_bytes(node, 0));
    break;
  case KR_NODE_TIME:
    put_ratio(port[0], node->type.elem, time_of(&graph->flows[node->flow], tick));
    break;
  case KR_NODE_STEP: memcpy(port[0], &tick, 8); break;
  case KR_NODE_SIGNAL: run_signal(r, node, tick, port); break;
  case KR_NODE_EMIT:
    at = eval(r, node->in[0], inner);
    state->wrote[inner] = at != NULL && *at != 0;
    break;
  case KR_NODE_INPUT: run_input(r, node, tick, port); break;
  case KR_NODE_SUM: run_sum(r, node, inner, port[0]); break;
  case KR_NODE_VOICES: run_voices(r, node, tick, port); break;
  case KR_NODE_VOICE: run_voice(r, node, inner, port); break;
  }
}

static void grow(KrReference *r, uint32_t index, uint64_t need) {
  const KrNode *node = &r->graph->nodes[index];
  Node *state = &r->nodes[index];
  uint32_t n_out = node->n_out > 0 ? node->n_out : 1;
  if (state->port == NULL) state->port = KR_NEW_ARRAY(r->arena, uint8_t *, n_out);
  uint64_t cap = state->cap > 0 ? state->cap : 16;
  while (cap < need) cap *= 2;
  for (uint32_t i = 0; i < n_out; i++) {
    uint8_t *at = kr_arena_alloc(r->arena, cap * port_bytes(node, i));
    if (state->cap > 0) memcpy(at, state->port[i], state->cap * port_bytes(node, i));
    state->port[i] = at;
  }
  bool *wrote = kr_arena_alloc(r->arena, cap);
  if (state->cap > 0) memcpy(wrote, state->wrote, state->cap);
  state->wrote = wrote;
  state->cap = cap;
}

// Value of inner tick `inner`; computes the ticks before it first, in order.
static const uint8_t *eval(KrReference *r, KrRef ref, int64_t inner) {
  const KrNode *node = &r->graph->nodes[ref.node];
  Node *state = &r->nodes[ref.node];
  if (node->kind == KR_NODE_CONST) inner = 0;
  if (inner < 0) abort();
  while (state->n <= (uint64_t)inner) {
    if (r->fault.is_set) return NULL;
    if (state->busy) abort(); // a zero-delay cycle the checker let through
    if (state->n == 0 && node->kind == KR_NODE_OP && node->op->field[0].name != NULL &&
        state->field[0] == NULL)
      prepare_op(r, ref.node);
    if (state->n >= state->cap) grow(r, ref.node, state->n + 1);
    state->busy = true;
    run_node(r, ref.node, (int64_t)state->n);
    state->busy = false;
    if (r->fault.is_set) return NULL;
    state->n++;
  }
  return state->port[ref.port] + (size_t)inner * port_bytes(node, ref.port);
}

void kr_reference_push(KrReference *r, uint32_t events, const KrEventItem *item) {
  Event e = from_item(r, item, item->time, r->graph->events[events].n_fields);
  KR_PUSH(r->arena, r->pushed[events].at, r->pushed[events].n, r->pushed[events].cap, e);
}

const void *kr_reference_value(KrReference *reference, KrRef ref, int64_t tick) {
  return outer(reference, ref, tick);
}

const KrReferenceFault *kr_reference_fault(const KrReference *reference) {
  return &reference->fault;
}

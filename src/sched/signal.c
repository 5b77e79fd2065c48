// to_signal: decides which tick an event reaches, with which residual, and what the tick's value
// is.
#include "sched/signal.h"
#include "base/number.h"
#include "base/wide.h"
#include "math/real.h"
#include "resample/cross.h"
#include <string.h>

// Tick and residual of a moment: known ahead, floor; emitted, the first tick not before it.
static KrStatus find_place(const KrClock *clock, KrRatio time, bool emitted, bool round_floor,
                           KrSitePlace *place) {
  if (emitted) {
    KR_TRY(kr_clock_ceil(clock, time, &place->tick));
    place->residual = KR_RATIO_ZERO;
  } else {
    KR_TRY(kr_clock_place(clock, time, &place->tick, &place->residual));
  }
  if (round_floor) place->residual = KR_RATIO_ZERO;
  if (place->tick < 0) *place = (KrSitePlace){0, KR_RATIO_ZERO};
  return KR_OK;
}

// The same, found out once while an event that is known ahead is waited for.
static KrStatus find_next(KrSite *site, const KrNode *node, const KrClock *clock,
                          const KrRatio *time, bool emitted, KrSitePlace *place) {
  KrSiteAhead *ahead = &site->ahead;
  if (emitted) return find_place(clock, *time, true, node->round_floor, place);
  if (ahead->time.num != time->num || ahead->time.den != time->den) {
    KR_TRY(find_place(clock, *time, false, node->round_floor, &ahead->place));
    ahead->time = *time;
  }
  *place = ahead->place;
  return KR_OK;
}

// A time not before `tick`, up to which events are looked at: some million ticks later where
// nothing but their times decides of them.
static KrStatus find_until(KrSite *site, const KrClock *clock, int64_t tick, KrRatio *until) {
  enum { FAR = 1 << 22 };
  KrSiteAhead *ahead = &site->ahead;
  if (!site->looks_ahead) return kr_clock_time(clock, tick, until);
  if (tick > ahead->tick || ahead->until.den == 0) {
    int64_t far = kr_clock_time(clock, tick + FAR, &ahead->until) == KR_OK ? tick + FAR : tick;
    if (far == tick) KR_TRY(kr_clock_time(clock, tick, &ahead->until));
    ahead->tick = far;
  }
  *until = ahead->until;
  return KR_OK;
}

static uint64_t magnitude(int64_t x) { return x < 0 ? 0 - (uint64_t)x : (uint64_t)x; }

double kr_const_far_f64(KrRatio ratio) {
  return kr_wide_to_f64(ratio.num < 0, (KrU128){magnitude(ratio.num), 0},
                        (KrU128){(uint64_t)ratio.den, 0});
}
float kr_const_far_f32(KrRatio ratio) {
  return kr_wide_to_f32(ratio.num < 0, (KrU128){magnitude(ratio.num), 0},
                        (KrU128){(uint64_t)ratio.den, 0});
}

KrConst kr_const_of(bool exact, KrRatio ratio, double value, KrElem elem) {
  KrConst c = {.elem = elem};
  if (elem == KR_ELEM_F32) {
    c.as.f32 = exact ? kr_const_f32(ratio) : (float)value;
    return c;
  }
  double real = exact ? kr_const_f64(ratio) : value;
  switch (elem) {
  case KR_ELEM_BOOL: c.as.b = real != 0; break;
  case KR_ELEM_I32: c.as.i32 = kr_f64_to_i32(real); break;
  case KR_ELEM_I64: c.as.i64 = exact && ratio.den == 1 ? ratio.num : kr_f64_to_i64(real); break;
  case KR_ELEM_U32: c.as.u32 = kr_f64_to_u32(real); break;
  case KR_ELEM_U64:
    c.as.u64 = exact && ratio.den == 1 && ratio.num > 0 ? (uint64_t)ratio.num : kr_f64_to_u64(real);
    break;
  default: c.as.f64 = real; break;
  }
  return c;
}

KrConst kr_event_value(const KrEventField *field, const KrEventValue *value, KrElem elem) {
  if (!field->declared) return kr_const_of(value->exact, value->ratio, value->value, elem);
  KrConst c = kr_const_of(value->exact, value->ratio, value->value, field->elem);
  switch (field->elem) {
  case KR_ELEM_BOOL: return kr_const_of(true, kr_ratio_of(c.as.b), 0, elem);
  case KR_ELEM_I32: return kr_const_of(true, kr_ratio_of(c.as.i32), 0, elem);
  case KR_ELEM_I64: return kr_const_of(true, kr_ratio_of(c.as.i64), 0, elem);
  case KR_ELEM_U32: return kr_const_of(true, kr_ratio_of(c.as.u32), 0, elem);
  case KR_ELEM_F32: return kr_const_of(false, KR_RATIO_ZERO, (double)c.as.f32, elem);
  case KR_ELEM_F64: return kr_const_of(false, KR_RATIO_ZERO, c.as.f64, elem);
  default: return c.elem == elem ? c : kr_const_of(false, KR_RATIO_ZERO, (double)c.as.u64, elem);
  }
}

typedef struct Edges {
  bool onset;
  KrRatio onset_residual, release_residual;
  uint32_t n_on;   // notes begun in this tick
  bool is_changed; // something ended or was delivered
} Edges;

// A note of its own length ends before what else happens in the tick.
static void end_note(KrSite *site, int64_t tick, Edges *edges) {
  if (!site->on || !site->has_end || site->end_tick > tick) return;
  site->on = false;
  edges->is_changed = true;
  edges->release_residual = site->end_tick == tick ? site->end_residual : KR_RATIO_ZERO;
}

static void take_off(KrSite *site, const KrRunEvent *event, const KrSitePlace *place, int64_t tick,
                     Edges *edges) {
  if (!site->on || (event->has_key && site->has_key && event->key != site->key)) return;
  // At one instant off precedes on: it meant the note before this one.
  if (kr_ratio_compare(event->time, site->onset_time) == 0) return;
  if (site->onset_tick == tick) {
    site->has_end = true;
    site->end_tick = tick + 1;
    site->end_residual = KR_RATIO_ZERO;
    return;
  }
  site->on = false;
  edges->release_residual = place->tick == tick ? place->residual : KR_RATIO_ZERO;
}

// Whether the onset's place is that of the event itself; then its end is so many ticks later.
static bool is_exact(const KrSite *site, const KrNode *node, const KrRunEvent *event,
                     const KrSitePlace *onset) {
  const KrSiteAhead *ahead = &site->ahead;
  return !node->round_floor && ahead->time.num == event->time.num &&
         ahead->time.den == event->time.den && ahead->place.tick == onset->tick && onset->tick > 0;
}

KrStatus kr_site_end(KrSite *site, const KrNode *node, const KrClock *clock,
                     const KrRunEvent *event, bool emitted, const KrSitePlace *onset,
                     KrSitePlace *place) {
  KrSiteAhead *ahead = &site->ahead;
  KrRatio time;
  if (emitted || !is_exact(site, node, event, onset)) {
    KR_TRY(kr_ratio_add(event->time, event->dur, &time));
    return find_place(clock, time, emitted, node->round_floor, place);
  }
  if (ahead->dur.num != event->dur.num || ahead->dur.den != event->dur.den) {
    KrRatio ticks;
    KR_TRY(kr_ratio_div(event->dur, clock->dt, &ticks));
    ahead->ticks = kr_ratio_floor(ticks);
    KR_TRY(kr_ratio_sub(ticks, kr_ratio_of(ahead->ticks), &ahead->part));
    ahead->dur = event->dur;
  }
  place->residual = onset->residual;
  if (ahead->part.num != 0) KR_TRY(kr_ratio_add(onset->residual, ahead->part, &place->residual));
  bool carries = place->residual.num >= place->residual.den;
  if (carries) place->residual.num -= place->residual.den;
  return kr_add_i64(onset->tick, ahead->ticks, &place->tick) &&
                 kr_add_i64(place->tick, carries, &place->tick)
             ? KR_OK
             : KR_ERROR_OVERFLOW;
}

static KrStatus take_on(KrSite *site, const KrNode *node, const KrClock *clock,
                        const KrRunEvent *event, const KrSitePlace *place, bool emitted,
                        int64_t tick, Edges *edges) {
  KrRatio residual = place->tick == tick ? place->residual : KR_RATIO_ZERO;
  site->started = site->on = true;
  site->onset_tick = tick;
  site->onset_time = event->time;
  site->has_key = event->has_key;
  site->key = event->key;
  site->has_end = event->has_dur;
  site->offset = residual;
  if (node->field != KR_NONE) site->value = event->values[node->field];
  edges->onset = true;
  edges->onset_residual = residual;
  edges->n_on++;
  if (event->has_dur) {
    KrSitePlace end;
    KR_TRY(kr_site_end(site, node, clock, event, emitted, place, &end));
    site->end_tick = end.tick > tick ? end.tick : tick + 1;
    site->end_residual = end.tick > tick ? end.residual : KR_RATIO_ZERO;
  }
  return KR_OK;
}

static double pulse_amplitude(const KrGraph *graph, const KrNode *node, const KrRunEvent *event) {
  if (node->field == KR_NONE) return 1;
  const KrEventField *field = &graph->events[node->events].fields[node->field];
  return kr_event_value(field, &event->values[node->field], KR_ELEM_F64).as.f64;
}

// Adds the pulse of an event at place to the ticks it reaches that are still to come.
static void add_pulse(KrSite *site, const KrSitePlace *place, int64_t tick, double amplitude) {
  double r = kr_cross_fraction_f64((uint64_t)place->residual.num, (uint64_t)place->residual.den);
  for (int64_t t = place->tick - 15; t <= place->tick + 16; t++)
    if (t >= tick && t < tick + 64)
      site->pulse[t & 63] += amplitude * kr_sinc_pulse((double)(t - place->tick) - r);
}

static void put_const(void *out, uint32_t i, const KrConst *c) {
  switch (c->elem) {
  case KR_ELEM_BOOL: ((uint8_t *)out)[i] = c->as.b; break;
  case KR_ELEM_I32: ((int32_t *)out)[i] = c->as.i32; break;
  case KR_ELEM_U32: ((uint32_t *)out)[i] = c->as.u32; break;
  case KR_ELEM_I64: ((int64_t *)out)[i] = c->as.i64; break;
  case KR_ELEM_U64: ((uint64_t *)out)[i] = c->as.u64; break;
  case KR_ELEM_F32: ((float *)out)[i] = c->as.f32; break;
  default: ((double *)out)[i] = c->as.f64; break;
  }
}

static void put_ratio(void *out, KrElem elem, uint32_t i, KrRatio ratio) {
  KrConst c = kr_const_of(true, ratio, 0, elem);
  put_const(out, i, &c);
}

static void put_tick(KrSite *site, const KrGraph *graph, const KrNode *node, const Edges *edges,
                     int64_t tick, uint32_t at, void *const *out) {
  KrElem elem = node->type.elem;
  KrConst value;
  switch (node->signal) {
  case KR_SIGNAL_IMPULSE: value = kr_const_of(true, kr_ratio_of(edges->n_on), 0, elem); break;
  case KR_SIGNAL_OFFSET: value = kr_const_of(true, site->offset, 0, elem); break;
  case KR_SIGNAL_SINC:
    value = kr_const_of(false, KR_RATIO_ZERO, site->pulse[tick & 63], elem);
    site->pulse[tick & 63] = 0;
    break;
  case KR_SIGNAL_HOLD:
    value =
        site->started && node->field != KR_NONE
            ? kr_event_value(&graph->events[node->events].fields[node->field], &site->value, elem)
            : node->value;
    break;
  default:
    value = kr_const_of(true, kr_ratio_of(site->on), 0, elem);
    ((uint8_t *)out[1])[at] = edges->onset;
    put_ratio(out[2], elem, at, edges->onset_residual);
    put_ratio(out[3], elem, at, site->on ? KR_RATIO_ZERO : edges->release_residual);
    break;
  }
  put_const(out[0], at, &value);
}

#define FILL(type, to, x)                                                                          \
  for (size_t i = begin; i < end; i++) ((type *)(to))[i * out->stride] = (x);                      \
  break;
// Ticks in which nothing happens, after tick begin - 1: what was held goes on, edges and counts are
// 0.
static void repeat_ticks(const KrNode *node, uint32_t begin, uint32_t end, const KrSiteOut *out) {
  uint32_t n_bytes = kr_elem_bytes(node->type.elem);
  size_t from = (size_t)(begin - 1) * out->stride;
  bool is_zero = node->signal == KR_SIGNAL_IMPULSE;
  void *to = out->at[0];
  if (is_zero && out->is_filled) return;
  switch (n_bytes) {
  case 1: FILL(uint8_t, to, is_zero ? 0 : ((const uint8_t *)to)[from])
  case 4: FILL(uint32_t, to, is_zero ? 0 : ((const uint32_t *)to)[from])
  default: FILL(uint64_t, to, is_zero ? 0 : ((const uint64_t *)to)[from])
  }
  if (node->signal != KR_SIGNAL_GATE || out->is_filled) return;
  for (size_t i = begin; i < end; i++) ((uint8_t *)out->at[1])[i * out->stride] = 0;
  for (uint32_t k = 2; k < 4; k++) switch (n_bytes) {
    case 4: FILL(uint32_t, out->at[k], 0)
    default: FILL(uint64_t, out->at[k], 0)
    }
}

static KrStatus take_event(KrSite *site, const KrGraph *graph, const KrNode *node,
                           const KrClock *clock, const KrRunEvent *event, const KrSitePlace *place,
                           bool emitted, int64_t tick, Edges *edges) {
  if (node->signal == KR_SIGNAL_SINC) {
    if (event->action == KR_EVENT_ON)
      add_pulse(site, place, tick, pulse_amplitude(graph, node, event));
    return KR_OK;
  }
  if (event->action == KR_EVENT_ON)
    return take_on(site, node, clock, event, place, emitted, tick, edges);
  take_off(site, event, place, tick, edges);
  return KR_OK;
}

// Delivers every event whose tick is at most `tick`. Only emitted ones ask for the bounds of every
// tick: the rest is looked for up to `until`, and *next_tick says when to look again.
static KrStatus take_events(KrSite *site, const KrGraph *graph, const KrNode *node,
                            const KrClock *clock, int64_t tick, KrRatio until, int64_t *next_tick,
                            Edges *edges) {
  int64_t ahead = node->signal == KR_SIGNAL_SINC ? 16 : 0;
  KrRatio emitted_until = until;
  if (site->emits) {
    KR_TRY(kr_clock_time(clock, tick + ahead, &emitted_until));
    KR_TRY(kr_clock_time(clock, tick + ahead + 1, &until));
  }
  for (;;) {
    bool emitted;
    KrSitePlace place;
    const KrRunEvent *event = kr_cursor_peek(site->cursor, until, emitted_until, &emitted);
    *next_tick = site->emits ? tick + 1 : INT64_MAX;
    if (event == NULL) return KR_OK;
    KR_TRY(find_next(site, node, clock, &event->time, emitted, &place));
    if (place.tick - ahead > tick) {
      if (!site->emits) *next_tick = place.tick - ahead;
      return KR_OK;
    }
    KR_TRY(take_event(site, graph, node, clock, event, &place, emitted, tick, edges));
    kr_cursor_pop(site->cursor);
    edges->is_changed = true;
  }
}

void kr_site_init(KrSite *site, KrCursor *cursor) {
  *site = (KrSite){.cursor = cursor,
                   .emits = cursor != NULL && kr_cursor_emits(cursor),
                   .looks_ahead = cursor != NULL && kr_cursor_can_look_ahead(cursor),
                   .onset_time = KR_RATIO_ZERO,
                   .end_residual = KR_RATIO_ZERO,
                   .offset = KR_RATIO_ZERO};
}

void kr_site_rest(KrSite *site, const KrGraph *graph, const KrNode *node, int64_t tick,
                  void *const *out) {
  static const Edges none = {.onset_residual = {0, 1}, .release_residual = {0, 1}};
  put_tick(site, graph, node, &none, tick, 0, out);
}

// How long nothing will happen, as far as is looked ahead.
static KrStatus find_quiet(KrSite *site, const KrNode *node, const KrClock *clock, int64_t tick) {
  KrRatio until;
  bool emitted;
  site->ahead.quiet = 0;
  if (!site->looks_ahead || node->signal == KR_SIGNAL_SINC) return KR_OK;
  KR_TRY(find_until(site, clock, tick, &until));
  KrSitePlace place = {site->ahead.tick, KR_RATIO_ZERO};
  const KrRunEvent *event = kr_cursor_peek(site->cursor, until, until, &emitted);
  if (event != NULL) KR_TRY(find_next(site, node, clock, &event->time, false, &place));
  site->ahead.quiet = place.tick;
  if (site->on && site->has_end && site->end_tick < place.tick) site->ahead.quiet = site->end_tick;
  return KR_OK;
}

// The first tick after i, at most n, at which something may happen.
static uint32_t next_change(const KrSite *site, const KrNode *node, int64_t tick, uint32_t i,
                            uint32_t n, int64_t next_tick) {
  int64_t next = next_tick < tick + n ? next_tick : tick + n;
  if (site->on && site->has_end && site->end_tick < next) next = site->end_tick;
  if (node->signal == KR_SIGNAL_SINC || next <= tick + i) next = tick + i + 1;
  return (uint32_t)(next - tick);
}

KrStatus kr_site_run(KrSite *site, const KrGraph *graph, const KrNode *node, const KrClock *clock,
                     int64_t tick, uint32_t n, const KrSiteOut *out) {
  KrRatio until;
  int64_t next_tick = tick; // look at once
  if (kr_site_is_quiet(site, tick, n)) {
    kr_site_rest(site, graph, node, tick, out->at);
    repeat_ticks(node, 1, n, out);
    return KR_OK;
  }
  KR_TRY(find_until(site, clock, tick + n + (node->signal == KR_SIGNAL_SINC ? 17 : 0), &until));
  for (uint32_t i = 0, next; i < n; i = next) {
    Edges edges = {.onset_residual = KR_RATIO_ZERO, .release_residual = KR_RATIO_ZERO};
    end_note(site, tick + i, &edges);
    if (next_tick <= tick + i)
      KR_TRY(take_events(site, graph, node, clock, tick + i, until, &next_tick, &edges));
    next = next_change(site, node, tick, i, n, next_tick);
    bool repeats = !edges.is_changed && node->signal != KR_SIGNAL_SINC;
    if (repeats && i == 0 && out->is_known) continue;
    repeats = repeats && i > 0;
    if (!repeats) put_tick(site, graph, node, &edges, tick + i, i * out->stride, out->at);
    repeat_ticks(node, i + !repeats, next, out);
  }
  return find_quiet(site, node, clock, tick + n);
}

KrStatus kr_site_next(KrSite *site, const KrNode *node, const KrClock *clock, int64_t tick,
                      const KrRunEvent **event, KrSitePlace *place, bool *emitted) {
  KrRatio until, emitted_until;
  *event = NULL;
  if (tick < site->ahead.quiet) return KR_OK;
  KR_TRY(find_until(site, clock, tick + 1, &until));
  emitted_until = until;
  if (site->emits) {
    KR_TRY(kr_clock_time(clock, tick, &emitted_until));
    KR_TRY(kr_clock_time(clock, tick + 1, &until));
  }
  const KrRunEvent *next = kr_cursor_peek(site->cursor, until, emitted_until, emitted);
  site->ahead.quiet = next == NULL && site->looks_ahead ? site->ahead.tick : 0;
  if (next == NULL) return KR_OK;
  KR_TRY(find_next(site, node, clock, &next->time, *emitted, place));
  if (place->tick > tick)
    site->ahead.quiet = site->looks_ahead ? place->tick : 0;
  else
    *event = next;
  return KR_OK;
}

void kr_site_take(KrSite *site) {
  kr_cursor_pop(site->cursor);
  site->ahead.quiet = 0;
}

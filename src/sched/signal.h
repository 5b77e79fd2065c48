/// Events at their consumers: cursors over event streams and the four ways an event stream becomes
/// a signal. Decides which tick an event reaches and with which residual; exactly once per site.
#ifndef KR_SCHED_SIGNAL_H
#define KR_SCHED_SIGNAL_H
#include "graph/graph.h"
#include "sched/sched.h"

/// Runtime queue of a KR_EVENTS_SIGNAL stream: entry i (absolute count) is at i mod cap. Sized by
/// the plan.
typedef struct KrEventQueue {
  KrRunEvent *items;    ///< cap entries; values point into `values`
  KrEventValue *values; ///< cap * n_fields
  uint64_t n;           ///< pushed so far
  uint64_t cap;         ///< power of two
} KrEventQueue;
/// Appends a copy; oldest entry is overwritten (the plan sizes cap so that it is no longer needed).
void kr_queue_push(KrEventQueue *queue, uint32_t n_fields, const KrRunEvent *event);

/// Evaluates result `nodes` of MAP/FILTER function `events` for the values in `in` (f64 each, then
/// time).
typedef void KrEventFunction(void *user, uint32_t events, uint32_t n, const double *in,
                             uint32_t n_in, double *out, uint32_t n_out);
/// The most events at a time.
enum { KR_EVENT_BATCH = 16 };

typedef struct KrCursor
    KrCursor; ///< position in one event stream, recursive over merge, delay, map, filter
struct KrCursorContext {
  const KrGraph *graph;
  KrEventQueue *queues;      ///< one per graph event stream, used for SIGNAL kinds
  KrEventFunction *function; ///< may be NULL when no MAP/FILTER is there
  void *user;
};
KrCursor *kr_cursor_new(KrArena *arena, const struct KrCursorContext *context, uint32_t events);
/// Next event in the total order with time <= until, or NULL when none is known (yet). Valid until
/// pop. *emitted: made by an EMIT node or push (reaches the first tick not before it); those only
/// up to `emitted_until`, so that what is queued for later never holds back what was known ahead.
const KrRunEvent *kr_cursor_peek(KrCursor *cursor, KrRatio until, KrRatio emitted_until,
                                 bool *emitted);
/// Some event of the stream may be emitted.
bool kr_cursor_emits(const KrCursor *cursor);
void kr_cursor_pop(KrCursor *cursor);
/// Later events can be looked at long before they are due: nothing is emitted, pushed or filtered.
bool kr_cursor_can_look_ahead(const KrCursor *cursor);
/// Number of events popped per leaf in depth-first order: the whole state of a cursor. n <=
/// kr_cursor_leaves.
uint32_t kr_cursor_leaves(const KrCursor *cursor);
void kr_cursor_save(const KrCursor *cursor, uint64_t *popped);
void kr_cursor_restore(KrCursor *cursor, const uint64_t *popped);
/// Moves past every event before `time` without delivering it (hot swap).
void kr_cursor_skip(KrCursor *cursor, KrRatio time);

/// The tick an event reaches and what its time has gone on since, 0 <= residual < 1, which may not
/// be in its lowest terms.
typedef struct KrSitePlace {
  int64_t tick;
  KrRatio residual;
} KrSitePlace;

/// What a site has found out of times to come, and finds out again when this is all zero.
typedef struct KrSiteAhead {
  int64_t quiet;     ///< nothing happens in ticks before this one
  int64_t tick;      ///< of `until`
  KrRatio until;     ///< events are looked at up to here
  KrRatio time;      ///< of an event known ahead; den 0: none
  KrSitePlace place; ///< of it
  KrRatio dur;       ///< of a note known ahead; den 0: none
  int64_t ticks;     ///< of it, and
  KrRatio part;      ///< … what it is longer, below a tick
} KrSiteAhead;

/// One to_signal site. Everything in it is state of the program (snapshot), but `cursor` which is
/// saved apart.
typedef struct KrSite {
  KrCursor *cursor;
  bool emits;        ///< of the cursor, not state
  bool looks_ahead;  ///< of the cursor, not state
  KrSiteAhead ahead; ///< not state
  bool started;      ///< an ON event was delivered
  bool on;           ///< gate
  bool has_end, has_key;
  int64_t onset_tick; ///< of the sounding note
  KrRatio onset_time;
  int64_t end_tick;
  KrRatio end_residual;
  int64_t key;
  KrEventValue value; ///< newest payload of `field`
  KrRatio offset;     ///< newest residual
  double pulse[64];   ///< SINC: sums for ticks to come, tick k at k mod 64
} KrSite;

/// Outputs of a site, typed as its node says, `stride` elements from tick to tick.
typedef struct KrSiteOut {
  void *const *at;
  uint32_t stride;
  bool is_filled; ///< all ticks hold 0 where a tick without events gives 0
  bool is_known;  ///< … and what kr_site_rest gave since the last event
} KrSiteOut;

void kr_site_init(KrSite *site, KrCursor *cursor);
/// Runs node `node` (KR_NODE_SIGNAL) for n ticks from `tick`. Known-ahead events up to SINC's 16
/// ticks beyond the last tick are looked at. KR_ERROR_OVERFLOW on times that leave the exact range.
/// rt exact
KrStatus kr_site_run(KrSite *site, const KrGraph *graph, const KrNode *node, const KrClock *clock,
                     int64_t tick, uint32_t n, const KrSiteOut *out);
/// The next event that reaches a tick up to `tick`, NULL: none. Streams that emit are asked tick by
/// tick. kr_site_take takes it. rt exact
KrStatus kr_site_next(KrSite *site, const KrNode *node, const KrClock *clock, int64_t tick,
                      const KrRunEvent **event, KrSitePlace *place, bool *emitted);
void kr_site_take(KrSite *site);
/// Tick and residual of the end of an event that has a length, from those of its onset. rt exact
KrStatus kr_site_end(KrSite *site, const KrNode *node, const KrClock *clock,
                     const KrRunEvent *event, bool emitted, const KrSitePlace *onset,
                     KrSitePlace *place);
/// The n ticks from `tick` are all alike: nothing ends, begins or is delivered in them. rt exact
static inline bool kr_site_is_quiet(const KrSite *site, int64_t tick, uint32_t n) {
  return tick + (int64_t)n <= site->ahead.quiet;
}
/// What such a tick gives, one element per output.
void kr_site_rest(KrSite *site, const KrGraph *graph, const KrNode *node, int64_t tick,
                  void *const *out);
/// A payload value in type `elem`: rounded to its declared type first, then converted.
KrConst kr_event_value(const KrEventField *field, const KrEventValue *value, KrElem elem);
/// Exact or inexact number to a constant of any type by the language's conversion rules.
KrConst kr_const_of(bool exact, KrRatio ratio, double value, KrElem elem);
/// A ratio as f64 or f32. What is exact in the type needs one division, which rounds once; `far`
/// takes any.
double kr_const_far_f64(KrRatio ratio);
float kr_const_far_f32(KrRatio ratio);
static inline double kr_const_f64(KrRatio ratio) {
  bool is_near = ((uint64_t)ratio.num | (uint64_t)ratio.den) >> 53 == 0;
  return is_near ? (double)ratio.num / (double)ratio.den : kr_const_far_f64(ratio);
}
static inline float kr_const_f32(KrRatio ratio) {
  bool is_near = ((uint64_t)ratio.num | (uint64_t)ratio.den) >> 24 == 0;
  return is_near ? (float)ratio.num / (float)ratio.den : kr_const_far_f32(ratio);
}
#endif

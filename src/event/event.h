/// Events: exact times, one strict total order, stable sorting and a bounded ordered queue.
/// No floating point.
#ifndef KR_EVENT_EVENT_H
#define KR_EVENT_EVENT_H
#include "base/arena.h"
#include "time/ratio.h"

/// The order is (time, priority, source, sequence), each ascending. Two events of one queue never
/// agree in all four.
typedef struct KrEvent {
  KrRatio time;      ///< seconds, >= 0
  int32_t priority;  ///< smaller goes first
  uint32_t source;   ///< who emitted it
  uint64_t sequence; ///< per source
  uint64_t payload;  ///< an index or an address: the owner's
} KrEvent;

/// The first 64 fraction bits of a time >= 0: high whole seconds, low the bits. Equal keys do not
/// mean equal times. [any] rt exact
KrU128 kr_event_key(KrRatio time);
/// What decides between events of one time. [any] rt exact
static inline int kr_event_compare_rank(const KrEvent *a, const KrEvent *b) {
  if (a->priority != b->priority) return a->priority < b->priority ? -1 : 1;
  if (a->source != b->source) return a->source < b->source ? -1 : 1;
  return (a->sequence > b->sequence) - (a->sequence < b->sequence);
}
/// -1 0 1 by the order above; times by their keys, exactly only where these are equal.
/// [any] rt exact
int kr_event_compare(const KrEvent *a, const KrEvent *b);
bool kr_event_is_sorted(const KrEvent *events, uint32_t n);
/// Stable; events equal in the order keep their places. `scratch` holds n events. True when
/// something moved. [any] rt exact
bool kr_event_sort(KrEvent *events, uint32_t n, KrEvent *scratch);

/// Events held at most, for ever.
#define KR_EVENT_MAX_CAPACITY UINT32_C(0x10000000)

typedef struct KrEventSlot KrEventSlot;
typedef struct KrEventNode KrEventNode;
typedef struct KrEventBucket KrEventBucket;
/// A bounded queue: a wheel of buckets, of which the present one is sorted. Memory is the arena's,
/// taken once by prepare; the fields up to the counts are the queue's own.
typedef struct KrEventQueue {
  KrEventSlot *slots;
  KrEventNode *run, *heap, *chunks;
  KrEventBucket *buckets, *far;
  uint64_t *words;
  uint64_t next_bucket, far_least;
  uint64_t n_since_rebuild, patience;
  uint32_t n_buckets, n_chunks, chunk, shift;
  uint32_t first_free, first_chunk;
  uint32_t run_at, run_end, n_heap, n_wheel;
  uint32_t capacity;
  uint32_t n;         ///< events held
  uint32_t max_n;     ///< most ever held since reset
  uint64_t n_pushed;  ///< accepted since reset
  uint64_t n_popped;  ///< taken since reset
  uint64_t n_refused; ///< not accepted since reset: the queue was full
} KrEventQueue;

/// Takes memory for `capacity` events. ARGUMENT: 0 or above KR_EVENT_MAX_CAPACITY; MEMORY. [main]
KrStatus kr_event_queue_prepare(KrEventQueue *queue, KrArena *arena, uint32_t capacity);
/// Empties the queue and its counts. [any]
void kr_event_queue_reset(KrEventQueue *queue);
/// ARGUMENT: time < 0; LIMIT: full (counted). The queue is then unchanged. [any] rt exact
KrStatus kr_event_queue_push(KrEventQueue *queue, const KrEvent *event);
/// The next event, NULL when empty; valid until the next push or pop. [any] rt
const KrEvent *kr_event_queue_find_first(const KrEventQueue *queue);
/// Takes the next event; false when empty. [any] rt exact
bool kr_event_queue_pop(KrEventQueue *queue, KrEvent *event);
/// Takes the next event if its time is before `end`. [any] rt exact
bool kr_event_queue_pop_before(KrEventQueue *queue, KrRatio end, KrEvent *event);
#endif

/// The ordered queue. Events wait in a wheel of buckets of equal width in time; the earliest bucket
/// is sorted into a run when its turn comes, and what arrives for it later goes into a heap beside
/// it. What the wheel cannot reach waits in a list. How wide buckets are changes the speed only.
#include "event/event.h"
#include <string.h>

#define NONE UINT32_MAX

/// Time as whole seconds (32 bits, all ones when there are more) and 64 fraction bits.
struct KrEventNode {
  uint64_t key;  ///< seconds and the first 32 fraction bits
  uint32_t more; ///< the next 32
  uint32_t slot;
};

/// An event where it stays, and the next slot of its list.
struct KrEventSlot {
  KrEvent event;
  KrEventNode node;
  uint32_t next;
};

/// A list of slots, first in first out; first is NONE when it is empty.
struct KrEventBucket {
  uint32_t first, last;
};

/// Heap node i has the children 4(i - 2) .. 4(i - 2) + 3 and the parent i/4 + 2; the root is 3, so
/// that siblings share a cache line. The four nodes behind the last have the greatest key.
#define ROOT 3u
#define N_BEHIND 4u

static KrStatus take_memory(KrEventQueue *queue, KrArena *arena) {
  size_t n = queue->capacity;
  queue->slots = KR_NEW_ARRAY(arena, KrEventSlot, n);
  if (queue->slots == NULL) return KR_ERROR_MEMORY;
  queue->run = KR_NEW_ARRAY(arena, KrEventNode, n);
  if (queue->run == NULL) return KR_ERROR_MEMORY;
  queue->heap = KR_NEW_ARRAY(arena, KrEventNode, n + ROOT + 2 * N_BEHIND);
  if (queue->heap == NULL) return KR_ERROR_MEMORY;
  queue->buckets = KR_NEW_ARRAY(arena, KrEventBucket, queue->n_buckets);
  if (queue->buckets == NULL) return KR_ERROR_MEMORY;
  queue->words = KR_NEW_ARRAY(arena, uint64_t, queue->n_buckets / 64);
  if (queue->words == NULL) return KR_ERROR_MEMORY;
  queue->summary = KR_NEW_ARRAY(arena, uint64_t, queue->n_summary);
  return queue->summary == NULL ? KR_ERROR_MEMORY : KR_OK;
}

KrStatus kr_event_queue_prepare(KrEventQueue *queue, KrArena *arena, uint32_t capacity) {
  *queue = (KrEventQueue){.capacity = capacity, .n_buckets = 64};
  if (capacity == 0 || capacity > KR_EVENT_MAX_CAPACITY) return KR_ERROR_ARGUMENT;
  while (queue->n_buckets < 2 * capacity) queue->n_buckets *= 2;
  queue->n_summary = queue->n_buckets / 4096 + 1;
  KrStatus status = take_memory(queue, arena);
  if (status != KR_OK) {
    *queue = (KrEventQueue){0};
    return status;
  }
  kr_event_queue_reset(queue);
  return KR_OK;
}

static void end_heap(KrEventQueue *queue) {
  for (uint32_t i = 0; i < N_BEHIND; i++) queue->heap[ROOT + queue->n_heap + i].key = UINT64_MAX;
}

void kr_event_queue_reset(KrEventQueue *queue) {
  for (uint32_t i = 0; i < queue->capacity; i++) {
    queue->slots[i].next = i + 1 < queue->capacity ? i + 1 : NONE;
  }
  for (uint32_t i = 0; i < queue->n_buckets; i++) queue->buckets[i].first = NONE;
  memset(queue->words, 0, queue->n_buckets / 64 * sizeof *queue->words);
  memset(queue->summary, 0, queue->n_summary * sizeof *queue->summary);
  queue->next_bucket = queue->far_least = queue->n_since_rebuild = queue->patience = 0;
  queue->shift = 1;
  queue->first_free = 0;
  queue->first_far = NONE;
  queue->run_at = queue->run_end = queue->n_heap = queue->n_wheel = queue->n_far = 0;
  queue->n = queue->max_n = 0;
  queue->n_pushed = queue->n_popped = queue->n_refused = 0;
  end_heap(queue);
}

static KrEventNode make_node(KrRatio time, uint32_t slot) {
  KrU128 key = kr_event_key(time);
  if (key.high >= UINT32_MAX) return (KrEventNode){UINT64_MAX, UINT32_MAX, slot};
  return (KrEventNode){key.high << 32 | key.low >> 32, (uint32_t)key.low, slot};
}

/// The strict order of two nodes; the events are read only where the keys are equal.
static bool is_before(const KrEventSlot *slots, const KrEventNode *a, const KrEventNode *b) {
  if (a->key != b->key) return a->key < b->key;
  if (a->more != b->more) return a->more < b->more;
  const KrEvent *x = &slots[a->slot].event, *y = &slots[b->slot].event;
  if (x->time.num == y->time.num && x->time.den == y->time.den) {
    return kr_event_compare_rank(x, y) < 0;
  }
  return kr_event_compare(x, y) < 0;
}

static void sift_up(KrEventQueue *queue, uint32_t at, KrEventNode node) {
  KrEventNode *heap = queue->heap;
  while (at > ROOT) {
    uint32_t parent = at / 4 + 2;
    if (!is_before(queue->slots, &node, &heap[parent])) break;
    heap[at] = heap[parent];
    at = parent;
  }
  heap[at] = node;
}

static void push_heap(KrEventQueue *queue, KrEventNode node) {
  uint32_t at = ROOT + queue->n_heap++;
  queue->heap[at + N_BEHIND].key = UINT64_MAX;
  sift_up(queue, at, node);
}

/// The first of the children [at, end), of which there are at most four; ties are looked into.
static uint32_t find_first_child(const KrEventQueue *queue, uint32_t at, uint32_t end) {
  uint32_t first = at;
  for (uint32_t i = at + 1; i < at + 4 && i < end; i++) {
    if (is_before(queue->slots, &queue->heap[i], &queue->heap[first])) first = i;
  }
  return first;
}

/// Moves the hole at the root down to a leaf; the least child moves up. Returns where it ends.
static uint32_t sink_hole(KrEventQueue *queue, uint32_t end) {
  KrEventNode *heap = queue->heap;
  uint32_t at = ROOT;
  for (;;) {
    uint32_t child = 4 * (at - 2);
    if (child >= end) return at;
    const KrEventNode *c = heap + child;
    uint32_t left = c[1].key < c[0].key, right = 2 + (uint32_t)(c[3].key < c[2].key);
    uint32_t first = c[right].key < c[left].key ? right : left;
    uint64_t least = c[first].key;
    uint32_t n_least = (uint32_t)(c[0].key == least) + (uint32_t)(c[1].key == least) +
                       (uint32_t)(c[2].key == least) + (uint32_t)(c[3].key == least);
    child = n_least == 1 ? child + first : find_first_child(queue, child, end);
    heap[at] = heap[child];
    at = child;
  }
}

static uint32_t pop_heap(KrEventQueue *queue) {
  uint32_t slot = queue->heap[ROOT].slot, end = ROOT + --queue->n_heap;
  KrEventNode last = queue->heap[end];
  queue->heap[end].key = UINT64_MAX;
  if (queue->n_heap != 0) sift_up(queue, sink_hole(queue, end), last);
  return slot;
}

/// Sorts the run; runs are mostly short or sorted already. Scratch is the free end of the heap,
/// which has room: run and heap together hold at most `capacity` nodes.
static void sort_run(KrEventQueue *queue) {
  const KrEventSlot *slots = queue->slots;
  KrEventNode *from = queue->run, *to = queue->heap + ROOT + queue->n_heap + N_BEHIND;
  size_t n = queue->run_end, sorted = 1;
  while (sorted < n && !is_before(slots, &from[sorted], &from[sorted - 1])) sorted++;
  if (sorted >= n) return;
  for (size_t width = 1; width < n; width *= 2) {
    for (size_t begin = 0; begin < n; begin += 2 * width) {
      size_t middle = begin + width < n ? begin + width : n;
      size_t end = middle + width < n ? middle + width : n;
      for (size_t k = begin, i = begin, j = middle; k < end; k++) {
        bool first = j == end || (i < middle && !is_before(slots, &from[j], &from[i]));
        to[k] = first ? from[i++] : from[j++];
      }
    }
    KrEventNode *swapped = from;
    from = to;
    to = swapped;
  }
  if (from != queue->run) memcpy(queue->run, from, n * sizeof *from);
}

static void put_far(KrEventQueue *queue, uint32_t slot) {
  uint64_t key = queue->slots[slot].node.key;
  if (queue->n_far++ == 0 || key < queue->far_least) queue->far_least = key;
  queue->slots[slot].next = queue->first_far;
  queue->first_far = slot;
}

/// Places a slot whose bucket is not before next_bucket.
static void put_waiting(KrEventQueue *queue, uint32_t slot) {
  uint64_t number = queue->slots[slot].node.key >> queue->shift;
  if (number - queue->next_bucket >= queue->n_buckets) {
    put_far(queue, slot);
    return;
  }
  uint32_t i = (uint32_t)number & (queue->n_buckets - 1);
  KrEventBucket *bucket = &queue->buckets[i];
  queue->slots[slot].next = NONE;
  queue->n_wheel++;
  if (bucket->first != NONE) {
    queue->slots[bucket->last].next = slot;
  } else {
    bucket->first = slot;
    queue->words[i / 64] |= UINT64_C(1) << i % 64;
    queue->summary[i / 4096] |= UINT64_C(1) << i / 64 % 64;
  }
  bucket->last = slot;
}

/// Empties bucket i and returns its list.
static uint32_t take_bucket(KrEventQueue *queue, uint32_t i) {
  uint32_t first = queue->buckets[i].first;
  queue->buckets[i].first = NONE;
  queue->words[i / 64] &= ~(UINT64_C(1) << i % 64);
  if (queue->words[i / 64] == 0) queue->summary[i / 4096] &= ~(UINT64_C(1) << i / 64 % 64);
  return first;
}

/// The first bucket at or behind i that is not empty, NONE when there is none.
static uint32_t find_bucket_from(const KrEventQueue *queue, uint32_t i) {
  uint64_t bits = queue->words[i / 64] >> i % 64;
  if (bits != 0) return i + (uint32_t)__builtin_ctzll(bits);
  uint32_t word = i / 64 + 1;
  uint64_t mask = UINT64_MAX << word % 64;
  for (uint32_t j = word / 64; j < queue->n_summary; j++, mask = UINT64_MAX) {
    bits = queue->summary[j] & mask;
    if (bits == 0) continue;
    word = 64 * j + (uint32_t)__builtin_ctzll(bits);
    return 64 * word + (uint32_t)__builtin_ctzll(queue->words[word]);
  }
  return NONE;
}

/// The number of the earliest bucket of the wheel, which is not empty.
static uint64_t find_number(const KrEventQueue *queue) {
  uint32_t mask = queue->n_buckets - 1, start = (uint32_t)queue->next_bucket & mask;
  uint32_t found = find_bucket_from(queue, start);
  if (found == NONE) found = find_bucket_from(queue, 0);
  return queue->next_bucket + ((found - start) & mask);
}

#define MAX_SAMPLES 64u

/// A width at which a bucket gets about one event: from the third quartile of some of the keys, so
/// that a few late events do not matter. The numbers of buckets stay below 2^63.
static uint32_t choose_shift(const KrEventQueue *queue) {
  uint64_t keys[MAX_SAMPLES];
  uint32_t n = 0, stride = queue->n_far / MAX_SAMPLES + 1, i = 0;
  for (uint32_t slot = queue->first_far; slot != NONE; slot = queue->slots[slot].next) {
    if (i++ % stride != 0) continue;
    uint64_t key = queue->slots[slot].node.key;
    uint32_t j = n++;
    for (; j > 0 && keys[j - 1] > key; j--) keys[j] = keys[j - 1];
    keys[j] = key;
  }
  uint64_t width = (keys[n * 3 / 4] - queue->far_least) / queue->n_far;
  return width > 1 ? 63 - (uint32_t)__builtin_clzll(width) : 1;
}

#define MAX_PATIENCE (UINT64_C(1) << 40)

/// Chooses the width anew and distributes all waiting events; there is at least one.
static void rebuild(KrEventQueue *queue) {
  while (queue->n_wheel != 0) {
    uint32_t slot = take_bucket(queue, find_bucket_from(queue, 0));
    while (slot != NONE) {
      uint32_t next = queue->slots[slot].next;
      put_far(queue, slot);
      queue->n_wheel--;
      slot = next;
    }
  }
  uint32_t shift = choose_shift(queue);
  // A width that does not get smaller does not shorten the lists: wait longer before the next try.
  uint64_t longer = queue->patience < MAX_PATIENCE ? 4 * queue->patience : MAX_PATIENCE;
  queue->patience = queue->n + (shift < queue->shift ? 0 : longer);
  queue->shift = shift;
  queue->next_bucket = queue->far_least >> queue->shift;
  uint32_t slot = queue->first_far;
  queue->first_far = NONE;
  queue->n_far = 0;
  while (slot != NONE) {
    uint32_t next = queue->slots[slot].next;
    put_waiting(queue, slot);
    slot = next;
  }
  queue->n_since_rebuild = 0;
}

#define MAX_SHORT_LIST 32
#define N_AHEAD 8

static bool is_long(const KrEventQueue *queue, uint32_t slot) {
  uint32_t n = 0;
  for (; slot != NONE && n <= MAX_SHORT_LIST; n++) slot = queue->slots[slot].next;
  return n > MAX_SHORT_LIST;
}

/// With run and heap empty and events waiting: makes the earliest bucket the run.
static void advance(KrEventQueue *queue) {
  uint32_t mask = queue->n_buckets - 1;
  bool is_lost = queue->n_wheel == 0;
  uint64_t number = is_lost ? 0 : find_number(queue);
  is_lost = is_lost || (queue->n_far != 0 && queue->far_least >> queue->shift <= number);
  // Rebuilding costs n steps: for the sake of speed at most once in n.
  if (is_lost || (queue->n_since_rebuild >= queue->patience &&
                  is_long(queue, queue->buckets[(uint32_t)number & mask].first))) {
    rebuild(queue);
    number = find_number(queue);
  }
  uint32_t slot = take_bucket(queue, (uint32_t)number & mask);
  queue->run_at = queue->run_end = 0;
  for (; slot != NONE; slot = queue->slots[slot].next) {
    queue->run[queue->run_end++] = queue->slots[slot].node;
  }
  queue->n_wheel -= queue->run_end;
  queue->next_bucket = number + 1;
  uint32_t ahead = queue->buckets[(uint32_t)(number + N_AHEAD) & mask].first;
  if (ahead != NONE) __builtin_prefetch(&queue->slots[ahead]);
  if (queue->run_end > 1) sort_run(queue);
}

/// Places a node whose bucket's turn has come: behind the run if it is not before its last.
static void put_present(KrEventQueue *queue, KrEventNode node) {
  if (queue->run_at == queue->run_end) queue->run_at = queue->run_end = 0;
  uint32_t end = queue->run_end;
  if (end == queue->capacity ||
      (end != 0 && is_before(queue->slots, &node, &queue->run[end - 1]))) {
    push_heap(queue, node);
    return;
  }
  queue->run[queue->run_end++] = node;
}

KrStatus kr_event_queue_push(KrEventQueue *queue, const KrEvent *event) {
  if (event->time.num < 0) return KR_ERROR_ARGUMENT;
  if (queue->n == queue->capacity) {
    queue->n_refused++;
    return KR_ERROR_LIMIT;
  }
  uint32_t slot = queue->first_free;
  KrEventSlot *at = &queue->slots[slot];
  queue->first_free = at->next;
  at->event = *event;
  at->node = make_node(event->time, slot);
  queue->n_pushed++;
  if (++queue->n > queue->max_n) queue->max_n = queue->n;
  if (at->node.key >> queue->shift < queue->next_bucket) {
    put_present(queue, at->node);
  } else {
    put_waiting(queue, slot);
    if (queue->run_at == queue->run_end && queue->n_heap == 0) advance(queue);
  }
  return KR_OK;
}

/// Whether the heap, not the run, has the next event; one of them has while n > 0.
static bool is_heap_next(const KrEventQueue *queue) {
  if (queue->n_heap == 0) return false;
  if (queue->run_at == queue->run_end) return true;
  return is_before(queue->slots, &queue->heap[ROOT], &queue->run[queue->run_at]);
}

const KrEvent *kr_event_queue_find_first(const KrEventQueue *queue) {
  if (queue->n == 0) return NULL;
  const KrEventNode *node = is_heap_next(queue) ? &queue->heap[ROOT] : &queue->run[queue->run_at];
  return &queue->slots[node->slot].event;
}

bool kr_event_queue_pop(KrEventQueue *queue, KrEvent *event) {
  if (queue->n == 0) return false;
  uint32_t slot = is_heap_next(queue) ? pop_heap(queue) : queue->run[queue->run_at++].slot;
  *event = queue->slots[slot].event;
  queue->slots[slot].next = queue->first_free;
  queue->first_free = slot;
  queue->n--;
  queue->n_popped++;
  queue->n_since_rebuild++;
  if (queue->run_at == queue->run_end && queue->n_heap == 0 && queue->n != 0) advance(queue);
  return true;
}

bool kr_event_queue_pop_before(KrEventQueue *queue, KrRatio end, KrEvent *event) {
  const KrEvent *first = kr_event_queue_find_first(queue);
  if (first == NULL || kr_ratio_compare(first->time, end) >= 0) return false;
  return kr_event_queue_pop(queue, event);
}

/// The ordered queue. Events wait in a wheel of buckets of equal width in time; the earliest bucket
/// is sorted into a run when its turn comes, and what arrives for it later goes into a heap beside
/// it. What the wheel cannot reach waits in one more bucket. How wide buckets are changes the speed
/// only. Buckets hold nodes, 16 bytes each, in chunks that are written and read in a row; the
/// events stay where they are and are fetched ahead of their turn.
#include "event/event.h"
#include <string.h>

#define NONE UINT32_MAX

/// Time as whole seconds (32 bits, all ones when there are more) and 64 fraction bits.
struct KrEventNode {
  uint64_t key;  ///< seconds and the first 32 fraction bits
  uint32_t more; ///< the next 32
  uint32_t slot;
};

/// One cache line, so that a pop misses the cache at most once.
struct KrEventSlot {
  KrEvent event;
  uint32_t next_free;
  uint32_t fill[5];
};

/// A list of chunks, first in first out. A chunk is 4 or 16 nodes; `slot` of its first node is the
/// number of the next chunk's first node.
struct KrEventBucket {
  uint32_t n;
  uint32_t first; ///< node number of the first chunk
  uint32_t at; ///< node number to write next, at the end of the last chunk a multiple of its size
};

enum { MIN_BUCKETS = 64, MAX_BUCKETS = 1024, MAX_SMALL = 2048, SMALL_CHUNK = 4, CHUNK = 16 };

/// Heap node i has the children 4(i - 2) .. 4(i - 2) + 3 and the parent i/4 + 2; the root is 3, so
/// that siblings share a cache line. The four nodes behind the last have the greatest key.
#define ROOT 3u
#define N_BEHIND 4u

static KrStatus take_memory(KrEventQueue *queue, KrArena *arena) {
  size_t n = queue->capacity;
  queue->slots = KR_NEW_ARRAY(arena, KrEventSlot, n);
  if (queue->slots == NULL) return KR_ERROR_MEMORY;
  queue->run = KR_NEW_ARRAY(arena, KrEventNode, 2 * n);
  if (queue->run == NULL) return KR_ERROR_MEMORY;
  queue->heap = KR_NEW_ARRAY(arena, KrEventNode, n + ROOT + 2 * N_BEHIND);
  if (queue->heap == NULL) return KR_ERROR_MEMORY;
  queue->chunks = KR_NEW_ARRAY(arena, KrEventNode, (size_t)queue->n_chunks * queue->chunk);
  if (queue->chunks == NULL) return KR_ERROR_MEMORY;
  queue->buckets = KR_NEW_ARRAY(arena, KrEventBucket, queue->n_buckets + 1);
  if (queue->buckets == NULL) return KR_ERROR_MEMORY;
  queue->far = queue->buckets + queue->n_buckets;
  queue->words = KR_NEW_ARRAY(arena, uint64_t, queue->n_buckets / 64);
  return queue->words == NULL ? KR_ERROR_MEMORY : KR_OK;
}

/// Each bucket in use, the far one too, has one chunk that is not full; twice as many while they
/// are distributed anew.
static uint32_t count_chunks(const KrEventQueue *queue) {
  uint32_t n_open = queue->n_buckets + 1 < queue->capacity ? queue->n_buckets + 1 : queue->capacity;
  return queue->capacity / (queue->chunk - 1) + 2 * n_open + 1;
}

KrStatus kr_event_queue_prepare(KrEventQueue *queue, KrArena *arena, uint32_t capacity) {
  *queue = (KrEventQueue){.capacity = capacity, .n_buckets = MIN_BUCKETS};
  if (capacity == 0 || capacity > KR_EVENT_MAX_CAPACITY) return KR_ERROR_ARGUMENT;
  while (queue->n_buckets < 2 * capacity && queue->n_buckets < MAX_BUCKETS) queue->n_buckets *= 2;
  queue->chunk = capacity <= MAX_SMALL ? SMALL_CHUNK : CHUNK;
  queue->n_chunks = count_chunks(queue);
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
  for (uint32_t i = 0; i < queue->capacity; i++)
    queue->slots[i].next_free = i + 1 < queue->capacity ? i + 1 : NONE;
  for (uint32_t i = 0; i < queue->n_chunks; i++)
    queue->chunks[i * queue->chunk].slot = (i + 1) * queue->chunk;
  memset(queue->buckets, 0, queue->n_buckets * sizeof *queue->buckets);
  memset(queue->words, 0, queue->n_buckets / 64 * sizeof *queue->words);
  *queue->far = (KrEventBucket){0};
  queue->next_bucket = queue->far_least = queue->n_since_rebuild = queue->patience = 0;
  queue->shift = 1;
  queue->first_free = queue->first_chunk = 0;
  queue->run_at = queue->run_end = queue->n_heap = queue->n_wheel = 0;
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

/// Where nodes are sorted: the free end of the heap has room, since run and heap together hold at
/// most `capacity` nodes.
static KrEventNode *find_scratch(KrEventQueue *queue) {
  return queue->heap + ROOT + queue->n_heap + N_BEHIND;
}

static void sort_by_merging(KrEventQueue *queue, KrEventNode *from, KrEventNode *to) {
  const KrEventSlot *slots = queue->slots;
  size_t n = queue->run_end;
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

/// Inserts the n nodes at `from` one by one into the run; they are nearly sorted or few.
static void sort_by_insertion(KrEventQueue *queue, const KrEventNode *from, uint32_t n) {
  KrEventNode *run = queue->run;
  for (uint32_t i = 0; i < n; i++) {
    KrEventNode node = from[i];
    uint32_t j = i;
    for (; j > 0 && is_before(queue->slots, &node, &run[j - 1]); j--) run[j] = run[j - 1];
    run[j] = node;
  }
}

enum { MAX_BINS = 1024, MAX_INSERTED = 16 };

/// Splits the run, whose nodes share all key bits from `shift` up, by their next bits into about as
/// many bins as there are nodes. False when some bin got many. The bins follow one another in `to`.
static bool distribute(const KrEventQueue *queue, KrEventNode *to) {
  uint32_t ends[MAX_BINS] = {0}, n = queue->run_end, n_bits = 31 - (uint32_t)__builtin_clz(n);
  if (n_bits > 10) n_bits = 10;
  if (n_bits > queue->shift) n_bits = queue->shift;
  uint32_t mask = (1u << n_bits) - 1, shift = queue->shift - n_bits, most = 0;
  for (uint32_t i = 0; i < n; i++) ends[(uint32_t)(queue->run[i].key >> shift) & mask]++;
  for (uint32_t i = 0, begin = 0; i <= mask; i++) {
    uint32_t count = ends[i];
    if (count > most) most = count;
    ends[i] = begin;
    begin += count;
  }
  if (most > MAX_INSERTED) return false;
  for (uint32_t i = 0; i < n; i++)
    to[ends[(uint32_t)(queue->run[i].key >> shift) & mask]++] = queue->run[i];
  return true;
}

/// Sorts the run; runs are mostly short or sorted already.
static void sort_run(KrEventQueue *queue) {
  uint32_t n = queue->run_end, sorted = 1;
  while (sorted < n && !is_before(queue->slots, &queue->run[sorted], &queue->run[sorted - 1]))
    sorted++;
  if (sorted >= n) return;
  KrEventNode *scratch = find_scratch(queue);
  if (n <= MAX_INSERTED)
    sort_by_insertion(queue, queue->run, n);
  else if (distribute(queue, scratch))
    sort_by_insertion(queue, scratch, n);
  else
    sort_by_merging(queue, queue->run, scratch);
}

// ---- buckets

static void put_in_bucket(KrEventQueue *queue, KrEventBucket *bucket, const KrEventNode *node) {
  if ((bucket->at & (queue->chunk - 1)) == 0) {
    uint32_t chunk = queue->first_chunk;
    queue->first_chunk = queue->chunks[chunk].slot;
    if (bucket->n == 0)
      bucket->first = chunk;
    else
      queue->chunks[bucket->at - queue->chunk].slot = chunk;
    bucket->at = chunk + 1;
  }
  queue->chunks[bucket->at++] = *node;
  bucket->n++;
}

/// Frees chunk `chunk` and gives the one behind it.
static uint32_t free_chunk(KrEventQueue *queue, uint32_t chunk) {
  uint32_t next = queue->chunks[chunk].slot;
  queue->chunks[chunk].slot = queue->first_chunk;
  queue->first_chunk = chunk;
  return next;
}

static void put_far(KrEventQueue *queue, const KrEventNode *node) {
  if (queue->far->n == 0 || node->key < queue->far_least) queue->far_least = node->key;
  put_in_bucket(queue, queue->far, node);
}

/// Places a node whose bucket is not before next_bucket.
static void put_waiting(KrEventQueue *queue, const KrEventNode *node) {
  uint64_t number = node->key >> queue->shift;
  if (number - queue->next_bucket >= queue->n_buckets) {
    put_far(queue, node);
    return;
  }
  uint32_t i = (uint32_t)number & (queue->n_buckets - 1);
  queue->words[i / 64] |= UINT64_C(1) << i % 64;
  queue->n_wheel++;
  put_in_bucket(queue, &queue->buckets[i], node);
}

/// The first bucket at or behind i that is not empty, NONE when there is none.
static uint32_t find_bucket_from(const KrEventQueue *queue, uint32_t i) {
  uint64_t bits = queue->words[i / 64] >> i % 64;
  if (bits != 0) return i + (uint32_t)__builtin_ctzll(bits);
  for (uint32_t word = i / 64 + 1; word < queue->n_buckets / 64; word++)
    if (queue->words[word] != 0) return 64 * word + (uint32_t)__builtin_ctzll(queue->words[word]);
  return NONE;
}

/// The number of the earliest bucket of the wheel, which is not empty.
static uint64_t find_number(const KrEventQueue *queue) {
  uint32_t mask = queue->n_buckets - 1, start = (uint32_t)queue->next_bucket & mask;
  uint32_t found = find_bucket_from(queue, start);
  if (found == NONE) found = find_bucket_from(queue, 0);
  return queue->next_bucket + ((found - start) & mask);
}

// ---- the width of buckets

enum { MAX_SAMPLES = 64 };

/// A width at which the wheel turns about once or twice while the far nodes, all there are, go:
/// from the third quartile of some of the keys, so that a few late events do not matter. The
/// numbers of buckets stay below 2^63.
static uint32_t choose_shift(const KrEventQueue *queue) {
  uint64_t keys[MAX_SAMPLES];
  uint32_t n_far = queue->far->n, stride = n_far / MAX_SAMPLES + 1, n = 0;
  uint32_t room = queue->chunk - 1, at = queue->far->first;
  for (uint32_t i = 0; i < n_far; i++) {
    if (i > 0 && i % room == 0) at = queue->chunks[at].slot;
    if (i % stride != 0) continue;
    uint64_t key = queue->chunks[at + 1 + i % room].key;
    uint32_t j = n++;
    for (; j > 0 && keys[j - 1] > key; j--) keys[j] = keys[j - 1];
    keys[j] = key;
  }
  uint32_t n_turn = n_far < queue->n_buckets / 2 ? n_far : queue->n_buckets / 2;
  uint64_t width = (keys[n * 3 / 4] - queue->far_least) / n_turn;
  return width > 1 ? 64 - (uint32_t)__builtin_clzll(width) : 1;
}

/// Moves all nodes of the wheel to the far ones.
static void empty_wheel(KrEventQueue *queue) {
  for (uint32_t i = 0; queue->n_wheel != 0; i++) {
    KrEventBucket bucket = queue->buckets[i];
    queue->buckets[i] = (KrEventBucket){0};
    queue->n_wheel -= bucket.n;
    for (uint32_t at = bucket.first; bucket.n != 0; at = free_chunk(queue, at)) {
      uint32_t n = bucket.n < queue->chunk - 1 ? bucket.n : queue->chunk - 1;
      for (uint32_t k = 1; k <= n; k++) put_far(queue, &queue->chunks[at + k]);
      bucket.n -= n;
    }
  }
  memset(queue->words, 0, queue->n_buckets / 64 * sizeof *queue->words);
}

#define MAX_PATIENCE (UINT64_C(1) << 40)

/// Chooses the width anew and distributes all waiting nodes; there is at least one.
static void rebuild(KrEventQueue *queue) {
  empty_wheel(queue);
  uint32_t shift = choose_shift(queue);
  // A width that does not get smaller does not shorten the lists: wait longer before the next try.
  uint64_t longer = queue->patience < MAX_PATIENCE ? 4 * queue->patience : MAX_PATIENCE;
  queue->patience = queue->n + (shift < queue->shift ? 0 : longer);
  queue->shift = shift;
  queue->next_bucket = queue->far_least >> queue->shift;
  KrEventBucket far = *queue->far;
  *queue->far = (KrEventBucket){0};
  for (uint32_t at = far.first; far.n != 0; at = free_chunk(queue, at)) {
    uint32_t n = far.n < queue->chunk - 1 ? far.n : queue->chunk - 1;
    for (uint32_t k = 1; k <= n; k++) put_waiting(queue, &queue->chunks[at + k]);
    far.n -= n;
  }
  queue->n_since_rebuild = 0;
}

/// Whether a bucket has many more nodes than a well chosen width gives.
static bool is_long(const KrEventQueue *queue, const KrEventBucket *bucket) {
  return bucket->n > 32 + 16 * (queue->n / (queue->n_buckets / 2));
}

// ---- the present

/// Copies the nodes of a bucket to the run and empties it; their events are fetched meanwhile.
static void read_bucket(KrEventQueue *queue, KrEventBucket *bucket) {
  uint32_t n_left = bucket->n, at = bucket->first;
  KrEventNode *to = queue->run;
  while (n_left != 0) {
    const KrEventNode *from = &queue->chunks[at];
    __builtin_prefetch(&queue->chunks[from->slot]);
    uint32_t n = n_left < queue->chunk - 1 ? n_left : queue->chunk - 1;
    for (uint32_t k = 1; k <= n; k++) {
      *to++ = from[k];
      __builtin_prefetch(&queue->slots[from[k].slot]);
    }
    n_left -= n;
    at = free_chunk(queue, at);
  }
  queue->run_at = 0;
  queue->run_end = bucket->n;
  *bucket = (KrEventBucket){0};
}

enum { N_AHEAD = 8 };

/// With run and heap empty and events waiting: makes the earliest bucket the run.
static void advance(KrEventQueue *queue) {
  uint32_t mask = queue->n_buckets - 1;
  bool is_lost = queue->n_wheel == 0;
  uint64_t number = is_lost ? 0 : find_number(queue);
  is_lost = is_lost || (queue->far->n != 0 && queue->far_least >> queue->shift <= number);
  // Rebuilding costs n steps: for the sake of speed at most once in n.
  if (is_lost || (queue->n_since_rebuild >= queue->patience &&
                  is_long(queue, &queue->buckets[(uint32_t)number & mask]))) {
    rebuild(queue);
    number = find_number(queue);
  }
  uint32_t i = (uint32_t)number & mask;
  queue->words[i / 64] &= ~(UINT64_C(1) << i % 64);
  read_bucket(queue, &queue->buckets[i]);
  queue->n_wheel -= queue->run_end;
  queue->next_bucket = number + 1;
  __builtin_prefetch(&queue->chunks[queue->buckets[(i + 1) & mask].first]);
  if (queue->run_end > 1) sort_run(queue);
}

/// Moves the rest of a full run to its beginning: at most `capacity` nodes after as many pops.
static void make_room(KrEventQueue *queue) {
  queue->run_end -= queue->run_at;
  memmove(queue->run, queue->run + queue->run_at, queue->run_end * sizeof *queue->run);
  queue->run_at = 0;
}

/// Places a node whose bucket's turn has come: behind the run if it is not before its last.
static void put_present(KrEventQueue *queue, KrEventNode node) {
  if (queue->run_at == queue->run_end) queue->run_at = queue->run_end = 0;
  if (queue->run_end == 2 * queue->capacity) make_room(queue);
  uint32_t end = queue->run_end;
  if (end != 0 && is_before(queue->slots, &node, &queue->run[end - 1])) {
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
  queue->first_free = at->next_free;
  at->event = *event;
  KrEventNode node = make_node(event->time, slot);
  queue->n_pushed++;
  if (++queue->n > queue->max_n) queue->max_n = queue->n;
  if (node.key >> queue->shift < queue->next_bucket) {
    put_present(queue, node);
  } else {
    put_waiting(queue, &node);
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
  queue->slots[slot].next_free = queue->first_free;
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

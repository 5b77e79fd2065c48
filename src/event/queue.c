/// The ordered queue: a heap of four children a node, on the first 32 + 64 bits of the time; events
/// stay in their slots. A cache line holds the four children of one node.
#include "event/event.h"
#include <string.h>

/// Time as whole seconds (32 bits, all ones when there are more) and 64 fraction bits.
struct KrEventNode {
  uint64_t key;  ///< seconds and the first 32 fraction bits
  uint32_t more; ///< the next 32
  uint32_t slot;
};

/// Node i has the children 4(i - 2) .. 4(i - 2) + 3 and the parent i/4 + 2; the root is 3. Behind
/// the last node there are always four with the greatest key.
#define ROOT 3
#define N_PADDING (ROOT + 8)

KrStatus kr_event_queue_prepare(KrEventQueue *queue, KrArena *arena, uint32_t capacity) {
  *queue = (KrEventQueue){0};
  if (capacity == 0 || capacity > KR_EVENT_MAX_CAPACITY) return KR_ERROR_ARGUMENT;
  queue->slots = KR_NEW_ARRAY(arena, KrEvent, capacity);
  if (queue->slots == NULL) return KR_ERROR_MEMORY;
  queue->free_slots = KR_NEW_ARRAY(arena, uint32_t, capacity);
  if (queue->free_slots == NULL) return KR_ERROR_MEMORY;
  queue->nodes = KR_NEW_ARRAY(arena, KrEventNode, (size_t)capacity + N_PADDING);
  if (queue->nodes == NULL) return KR_ERROR_MEMORY;
  queue->capacity = capacity;
  kr_event_queue_reset(queue);
  return KR_OK;
}

static void pad(KrEventNode *nodes, uint32_t end) {
  for (uint32_t i = 0; i < 4; i++) nodes[end + i].key = UINT64_MAX;
}

void kr_event_queue_reset(KrEventQueue *queue) {
  for (uint32_t i = 0; i < queue->capacity; i++) queue->free_slots[i] = i;
  queue->n = queue->max_n = 0;
  queue->n_pushed = queue->n_popped = queue->n_refused = 0;
  pad(queue->nodes, ROOT);
}

static KrEventNode make_node(KrRatio time, uint32_t slot) {
  KrU128 key = kr_event_key(time);
  if (key.high >= UINT32_MAX) return (KrEventNode){UINT64_MAX, UINT32_MAX, slot};
  return (KrEventNode){key.high << 32 | key.low >> 32, (uint32_t)key.low, slot};
}

/// The strict order of two nodes; the events are read only where the keys are equal.
static bool is_before(const KrEvent *slots, const KrEventNode *a, const KrEventNode *b) {
  if (a->key != b->key) return a->key < b->key;
  if (a->more != b->more) return a->more < b->more;
  return kr_event_compare(&slots[a->slot], &slots[b->slot]) < 0;
}

static void sift_up(KrEventQueue *queue, uint32_t at, KrEventNode node) {
  KrEventNode *nodes = queue->nodes;
  while (at > ROOT) {
    uint32_t parent = at / 4 + 2;
    if (!is_before(queue->slots, &node, &nodes[parent])) break;
    nodes[at] = nodes[parent];
    at = parent;
  }
  nodes[at] = node;
}

KrStatus kr_event_queue_push(KrEventQueue *queue, const KrEvent *event) {
  if (event->time.num < 0) return KR_ERROR_ARGUMENT;
  if (queue->n == queue->capacity) {
    queue->n_refused++;
    return KR_ERROR_LIMIT;
  }
  // free_slots[n .. capacity) are the free ones.
  uint32_t slot = queue->free_slots[queue->n], at = ROOT + queue->n++;
  queue->slots[slot] = *event;
  queue->n_pushed++;
  if (queue->n > queue->max_n) queue->max_n = queue->n;
  queue->nodes[at + 4].key = UINT64_MAX;
  sift_up(queue, at, make_node(event->time, slot));
  return KR_OK;
}

const KrEvent *kr_event_queue_find_first(const KrEventQueue *queue) {
  return queue->n != 0 ? &queue->slots[queue->nodes[ROOT].slot] : NULL;
}

/// The first of the children [at, end), of which there are at most four; ties are looked into.
static uint32_t find_first_child(const KrEventQueue *queue, uint32_t at, uint32_t end) {
  uint32_t first = at;
  for (uint32_t i = at + 1; i < at + 4 && i < end; i++) {
    if (is_before(queue->slots, &queue->nodes[i], &queue->nodes[first])) first = i;
  }
  return first;
}

/// Moves the hole at the root down to a leaf; the least child moves up. Returns where it ends.
static uint32_t sink_hole(KrEventQueue *queue, uint32_t end) {
  KrEventNode *nodes = queue->nodes;
  uint32_t at = ROOT;
  for (;;) {
    uint32_t child = 4 * (at - 2);
    if (child >= end) return at;
    const KrEventNode *c = nodes + child;
    uint32_t left = c[1].key < c[0].key, right = 2 + (uint32_t)(c[3].key < c[2].key);
    uint32_t first = c[right].key < c[left].key ? right : left;
    uint64_t least = c[first].key;
    uint32_t n_least = (uint32_t)(c[0].key == least) + (uint32_t)(c[1].key == least) +
                       (uint32_t)(c[2].key == least) + (uint32_t)(c[3].key == least);
    child = n_least == 1 ? child + first : find_first_child(queue, child, end);
    nodes[at] = nodes[child];
    at = child;
  }
}

bool kr_event_queue_pop(KrEventQueue *queue, KrEvent *event) {
  if (queue->n == 0) return false;
  KrEventNode *nodes = queue->nodes;
  uint32_t slot = nodes[ROOT].slot, end = ROOT + --queue->n;
  *event = queue->slots[slot];
  queue->free_slots[queue->n] = slot;
  queue->n_popped++;
  KrEventNode last = nodes[end];
  nodes[end].key = UINT64_MAX;
  if (queue->n != 0) sift_up(queue, sink_hole(queue, end), last);
  return true;
}

bool kr_event_queue_pop_before(KrEventQueue *queue, KrRatio end, KrEvent *event) {
  const KrEvent *first = kr_event_queue_find_first(queue);
  if (first == NULL || kr_ratio_compare(first->time, end) >= 0) return false;
  return kr_event_queue_pop(queue, event);
}

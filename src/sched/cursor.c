// Cursors over event streams: the next event of a list, a period, a queue, or of streams merged,
// delayed, mapped and filtered, in the order (time, source, sequence).
#include "sched/signal.h"

struct KrCursor {
  const struct KrCursorContext *context;
  const KrEvents *events;
  uint32_t index;    // of the event stream
  uint64_t n_popped; // leaves only
  bool is_known;     // LIST and EVERY: `event` is the next one
  KrCursor **children;
  uint32_t n_children;
  uint32_t best; // MERGE: child that holds the next event
  KrRunEvent event;
  KrEventValue *values; // MAP
  double *in, *out;     // function arguments and results, one row per argument
  uint32_t n_in, n_out;
  // MAP of one leaf whose events depend on nothing but their numbers: events first, first + 1, … of
  // the leaf, of which the function was asked at once.
  bool has_batches;
  uint64_t first;
  uint32_t n_batch, n_loaded; // n_loaded: whose payload the function would read
  KrRatio *times;
  const KrEventItem *item; // whose event it is, time and values aside
  // EVERY: event n is at (begin + n step) / den; den 0: not so.
  uint32_t begin, step, den;
  bool keeps;      // MAP: a result holds until the event is popped
  bool has_result; // … of the source's event of this time and payload
  KrRatio time;
  const KrEventValue *payload;
};

// Events of a function that is the same for one event and for several.
static bool has_batches(const KrCursor *cursor) {
  const KrGraph *graph = cursor->context->graph;
  const KrEvents *stream = cursor->events;
  KrEventKind source = cursor->children[0]->events->kind;
  if (stream->kind != KR_EVENTS_MAP || (source != KR_EVENTS_EVERY && source != KR_EVENTS_LIST))
    return false;
  for (uint32_t i = 0; i < stream->n_nodes; i++) {
    const KrNode *node = &graph->nodes[stream->nodes[i]];
    bool is_plain = node->kind == KR_NODE_OP && (node->op->flags & KR_OP_ELEMENTWISE) != 0 &&
                    (node->op->flags & KR_OP_FAULTS) == 0;
    if (!is_plain && node->kind != KR_NODE_CONST) return false;
  }
  return true;
}

// One denominator for all times, small enough that they need not be in lowest terms.
static void find_progression(KrCursor *cursor) {
  if (cursor->events->n_items == 0) return;
  KrRatio begin = cursor->events->items[0].time, step = cursor->events->period, den;
  if (begin.num < 0 || step.num < 0) return;
  if (kr_ratio_lcm(kr_ratio_of(begin.den), kr_ratio_of(step.den), &den) != KR_OK ||
      (den.num | begin.num | step.num) >> 31 != 0)
    return;
  uint64_t first = (uint64_t)begin.num * (uint64_t)(den.num / begin.den);
  uint64_t next = (uint64_t)step.num * (uint64_t)(den.num / step.den);
  if ((first | next) >> 31 != 0) return;
  cursor->begin = (uint32_t)first;
  cursor->step = (uint32_t)next;
  cursor->den = (uint32_t)den.num;
}

KrCursor *kr_cursor_new(KrArena *arena, const struct KrCursorContext *context, uint32_t events) {
  KrCursor *cursor = KR_NEW(arena, KrCursor);
  const KrEvents *stream = &context->graph->events[events];
  cursor->context = context;
  cursor->events = stream;
  cursor->index = events;
  cursor->n_children = stream->n_sources;
  cursor->children = KR_NEW_ARRAY(arena, KrCursor *, stream->n_sources);
  for (uint32_t i = 0; i < stream->n_sources; i++)
    cursor->children[i] = kr_cursor_new(arena, context, stream->sources[i]);
  if (stream->kind == KR_EVENTS_MAP || stream->kind == KR_EVENTS_FILTER) {
    cursor->n_in = stream->n_param;
    cursor->n_out = stream->kind == KR_EVENTS_MAP ? stream->n_fields : 1;
    cursor->in = KR_NEW_ARRAY(arena, double, (size_t)cursor->n_in *KR_EVENT_BATCH);
    cursor->out = KR_NEW_ARRAY(arena, double, (size_t)cursor->n_out *KR_EVENT_BATCH);
    cursor->values = KR_NEW_ARRAY(arena, KrEventValue, stream->n_fields);
    for (uint32_t i = 0; i < stream->n_fields; i++)
      cursor->values[i] = (KrEventValue){.present = true, .ratio = KR_RATIO_ZERO};
    cursor->times = KR_NEW_ARRAY(arena, KrRatio, KR_EVENT_BATCH);
    cursor->has_batches = has_batches(cursor);
  }
  if (stream->kind == KR_EVENTS_EVERY) find_progression(cursor);
  cursor->keeps = stream->kind == KR_EVENTS_MAP && kr_cursor_can_look_ahead(cursor);
  return cursor;
}

static void fill_item(KrRunEvent *event, const KrEventItem *item, KrRatio time) {
  *event = (KrRunEvent){.time = time,
                        .action = item->action,
                        .has_dur = item->has_dur,
                        .dur = item->dur,
                        .has_key = item->has_key,
                        .key = item->key,
                        .values = item->values};
}

// Event `number` of a LIST or EVERY: what it says and when; NULL: there is none.
static const KrEventItem *leaf_event(const KrEvents *stream, uint64_t number, KrRatio *time) {
  bool is_list = stream->kind == KR_EVENTS_LIST;
  if (number >= (is_list ? stream->n_items : (uint64_t)INT64_MAX) || stream->n_items == 0)
    return NULL;
  if (is_list) {
    *time = stream->items[number].time;
    return &stream->items[number];
  }
  if (kr_ratio_mul(kr_ratio_of((int64_t)number), stream->period, time) != KR_OK ||
      kr_ratio_add(stream->items[0].time, *time, time) != KR_OK)
    return NULL;
  return &stream->items[0];
}

static const KrRunEvent *peek_leaf(KrCursor *cursor) {
  KrRatio time;
  if (cursor->is_known) return &cursor->event;
  const KrEventItem *item = leaf_event(cursor->events, cursor->n_popped, &time);
  if (item == NULL) return NULL;
  fill_item(&cursor->event, item, time);
  cursor->is_known = true;
  return &cursor->event;
}

static const KrRunEvent *peek_queue(KrCursor *cursor) {
  const KrEventQueue *queue = &cursor->context->queues[cursor->index];
  if (cursor->n_popped >= queue->n) return NULL;
  return &queue->items[cursor->n_popped & (queue->cap - 1)];
}

static const KrRunEvent *peek_merge(KrCursor *cursor, KrRatio until, KrRatio emitted_until,
                                    bool *emitted) {
  const KrRunEvent *best = NULL;
  for (uint32_t i = 0; i < cursor->n_children; i++) {
    bool from_queue = false;
    const KrRunEvent *event =
        kr_cursor_peek(cursor->children[i], until, emitted_until, &from_queue);
    if (event == NULL || (best != NULL && kr_ratio_compare(event->time, best->time) >= 0)) continue;
    best = event;
    cursor->best = i;
    *emitted = from_queue;
  }
  return best;
}

static const KrRunEvent *peek_delay(KrCursor *cursor, KrRatio until, KrRatio emitted_until,
                                    bool *emitted) {
  KrRatio before, emitted_before, time, period = cursor->events->period;
  if (kr_ratio_sub(until, period, &before) != KR_OK ||
      kr_ratio_sub(emitted_until, period, &emitted_before) != KR_OK)
    return NULL;
  const KrRunEvent *event = kr_cursor_peek(cursor->children[0], before, emitted_before, emitted);
  if (event == NULL || kr_ratio_add(event->time, cursor->events->period, &time) != KR_OK)
    return NULL;
  cursor->event = *event;
  cursor->event.time = time;
  return &cursor->event;
}

// Puts payload (NULL: it is there) and time of event k of n where the function reads them, in f64.
static void load_arguments(KrCursor *cursor, const KrEventValue *values, KrRatio time, uint32_t k,
                           uint32_t n) {
  const KrEvents *source = &cursor->context->graph->events[cursor->events->sources[0]];
  uint32_t n_fields = source->n_fields < cursor->n_in ? source->n_fields : cursor->n_in;
  for (uint32_t i = 0; values != NULL && i < n_fields; i++)
    cursor->in[i * n + k] = kr_event_value(&source->fields[i], &values[i], KR_ELEM_F64).as.f64;
  if (n_fields < cursor->n_in) cursor->in[n_fields * n + k] = kr_const_f64(time);
}

static void call_function(KrCursor *cursor, uint32_t n) {
  cursor->context->function(cursor->context->user, cursor->index, n, cursor->in, cursor->n_in,
                            cursor->out, cursor->n_out);
}

static void call_for(KrCursor *cursor, const KrRunEvent *event) {
  load_arguments(cursor, event->values, event->time, 0, 1);
  call_function(cursor, 1);
}

// Event `number` of a leaf; its time may not be in lowest terms.
static const KrEventItem *batch_event(const KrCursor *leaf, uint64_t number, KrRatio *time) {
  if (leaf->den == 0 || number >> 31 != 0) return leaf_event(leaf->events, number, time);
  uint64_t at = leaf->begin + number * leaf->step;
  if (at >> 31 != 0) return leaf_event(leaf->events, number, time);
  *time = (KrRatio){(int64_t)at, leaf->den};
  return &leaf->events->items[0];
}

// The leaf's next events, as many as a batch takes; false: it has none.
static bool load_batch(KrCursor *cursor) {
  KrCursor *leaf = cursor->children[0];
  const KrEventItem *item[KR_EVENT_BATCH];
  uint32_t n = 0;
  cursor->first = leaf->n_popped;
  while (n < KR_EVENT_BATCH &&
         (item[n] = batch_event(leaf, cursor->first + n, &cursor->times[n])) != NULL)
    n++;
  // All events of a period say the same.
  const bool is_loaded = leaf->events->kind == KR_EVENTS_EVERY && n == cursor->n_loaded;
  for (uint32_t k = 0; k < n; k++)
    load_arguments(cursor, is_loaded ? NULL : item[k]->values, cursor->times[k], k, n);
  cursor->n_batch = cursor->n_loaded = n;
  if (n > 0) call_function(cursor, n);
  return n > 0;
}

// What the function said of event k of n.
static void take_values(KrCursor *cursor, uint32_t k, uint32_t n) {
  for (uint32_t i = 0; i < cursor->n_out; i++) cursor->values[i].value = cursor->out[i * n + k];
  cursor->event.values = cursor->values;
}

static const KrRunEvent *peek_batch(KrCursor *cursor) {
  const KrCursor *leaf = cursor->children[0];
  if (cursor->has_result) return &cursor->event;
  if (leaf->n_popped - cursor->first >= cursor->n_batch && !load_batch(cursor)) return NULL;
  uint32_t k = (uint32_t)(leaf->n_popped - cursor->first);
  bool is_list = leaf->events->kind == KR_EVENTS_LIST;
  const KrEventItem *item = &leaf->events->items[is_list ? leaf->n_popped : 0];
  if (item != cursor->item) fill_item(&cursor->event, item, cursor->times[k]);
  cursor->item = item;
  cursor->event.time = cursor->times[k];
  take_values(cursor, k, cursor->n_batch);
  cursor->has_result = true;
  return &cursor->event;
}

static const KrRunEvent *peek_map(KrCursor *cursor, KrRatio until, KrRatio emitted_until,
                                  bool *emitted) {
  if (cursor->has_batches) return peek_batch(cursor);
  const KrRunEvent *event = kr_cursor_peek(cursor->children[0], until, emitted_until, emitted);
  if (event == NULL) return NULL;
  if (cursor->has_result && cursor->payload == event->values &&
      kr_ratio_compare(cursor->time, event->time) == 0)
    return &cursor->event;
  cursor->has_result = cursor->keeps;
  cursor->time = event->time;
  cursor->payload = event->values;
  call_for(cursor, event);
  cursor->event = *event;
  take_values(cursor, 0, 1);
  return &cursor->event;
}

static const KrRunEvent *peek_filter(KrCursor *cursor, KrRatio until, KrRatio emitted_until,
                                     bool *emitted) {
  for (;;) {
    const KrRunEvent *event = kr_cursor_peek(cursor->children[0], until, emitted_until, emitted);
    if (event == NULL) return NULL;
    call_for(cursor, event);
    if (cursor->out[0] != 0) return event;
    kr_cursor_pop(cursor->children[0]);
  }
}

const KrRunEvent *kr_cursor_peek(KrCursor *cursor, KrRatio until, KrRatio emitted_until,
                                 bool *emitted) {
  const KrRunEvent *event = NULL;
  *emitted = false;
  switch (cursor->events->kind) {
  case KR_EVENTS_LIST:
  case KR_EVENTS_EVERY: event = peek_leaf(cursor); break;
  case KR_EVENTS_SIGNAL:
    event = peek_queue(cursor);
    *emitted = !cursor->events->is_input;
    break;
  case KR_EVENTS_MERGE: event = peek_merge(cursor, until, emitted_until, emitted); break;
  case KR_EVENTS_DELAY: event = peek_delay(cursor, until, emitted_until, emitted); break;
  case KR_EVENTS_MAP: event = peek_map(cursor, until, emitted_until, emitted); break;
  case KR_EVENTS_FILTER: event = peek_filter(cursor, until, emitted_until, emitted); break;
  }
  if (event == NULL || kr_ratio_compare(event->time, *emitted ? emitted_until : until) > 0)
    return NULL;
  return event;
}

// The caller has just peeked, so MERGE knows its best child.
void kr_cursor_pop(KrCursor *cursor) {
  while (cursor->n_children > 0) {
    cursor->has_result = false;
    cursor = cursor->children[cursor->n_children > 1 ? cursor->best : 0];
  }
  cursor->is_known = false;
  cursor->n_popped++;
}

bool kr_cursor_can_look_ahead(const KrCursor *cursor) {
  KrEventKind kind = cursor->events->kind;
  if (kind == KR_EVENTS_SIGNAL || kind == KR_EVENTS_FILTER) return false;
  for (uint32_t i = 0; i < cursor->n_children; i++)
    if (!kr_cursor_can_look_ahead(cursor->children[i])) return false;
  return true;
}

bool kr_cursor_emits(const KrCursor *cursor) {
  bool emits = cursor->events->kind == KR_EVENTS_SIGNAL && !cursor->events->is_input;
  for (uint32_t i = 0; i < cursor->n_children && !emits; i++)
    emits = kr_cursor_emits(cursor->children[i]);
  return emits;
}

uint32_t kr_cursor_leaves(const KrCursor *cursor) {
  uint32_t n = cursor->n_children == 0;
  for (uint32_t i = 0; i < cursor->n_children; i++) n += kr_cursor_leaves(cursor->children[i]);
  return n;
}

void kr_cursor_save(const KrCursor *cursor, uint64_t *popped) {
  if (cursor->n_children == 0) *popped = cursor->n_popped;
  for (uint32_t i = 0; i < cursor->n_children; i++) {
    kr_cursor_save(cursor->children[i], popped);
    popped += kr_cursor_leaves(cursor->children[i]);
  }
}

void kr_cursor_restore(KrCursor *cursor, const uint64_t *popped) {
  cursor->has_result = cursor->is_known = false;
  if (cursor->n_children == 0) cursor->n_popped = *popped;
  for (uint32_t i = 0; i < cursor->n_children; i++) {
    kr_cursor_restore(cursor->children[i], popped);
    popped += kr_cursor_leaves(cursor->children[i]);
  }
}

void kr_cursor_skip(KrCursor *cursor, KrRatio time) {
  bool emitted;
  const KrRunEvent *event;
  while ((event = kr_cursor_peek(cursor, time, time, &emitted)) != NULL &&
         kr_ratio_compare(event->time, time) < 0)
    kr_cursor_pop(cursor);
}

void kr_queue_push(KrEventQueue *queue, uint32_t n_fields, const KrRunEvent *event) {
  uint64_t at = queue->n & (queue->cap - 1);
  KrEventValue *values = queue->values + at * n_fields;
  for (uint32_t i = 0; i < n_fields; i++) values[i] = event->values[i];
  queue->items[at] = *event;
  queue->items[at].values = values;
  queue->n++;
}

// A run as bytes: what some later tick can read, in one canonical form whatever the span and the
// step.
#include "math/real.h"
#include "sched/run_voices.h"

// Layout, little-endian: sections of {tag, version, length, payload, SHA-256 of all that}. HEAD
// holds the program's hash and the time; UNIT ticks; NODE operators; RING streams; STAT states;
// EVNT events.
enum { VERSION = 1, SECTION_HEAD_BYTES = 16, DIGEST_BYTES = 32, N_SECTIONS = 6 };
static const char tags[N_SECTIONS][5] = {"HEAD", "UNIT", "NODE", "RING", "STAT", "EVNT"};

/// One walk over the run serves both directions.
typedef struct Codec {
  bool reading, bad;
  KrBuffer *out; ///< NULL when writing: `n` counts the bytes
  const uint8_t *at;
  size_t n;
} Codec;

static void code_bytes(Codec *codec, uint8_t *bytes, size_t n) {
  if (!codec->reading) {
    codec->n += n;
    if (codec->out != NULL) kr_buffer_put(codec->out, bytes, n);
    return;
  }
  if (codec->n < n) {
    codec->bad = true;
    __builtin_memset(bytes, 0, n);
    return;
  }
  __builtin_memcpy(bytes, codec->at, n);
  codec->at += n;
  codec->n -= n;
}

static void code_u64(Codec *codec, uint64_t *value) {
  uint8_t bytes[8];
  for (unsigned i = 0; i < 8; i++) bytes[i] = (uint8_t)(*value >> 8 * i);
  code_bytes(codec, bytes, 8);
  if (!codec->reading) return;
  *value = 0;
  for (unsigned i = 0; i < 8; i++) *value |= (uint64_t)bytes[i] << 8 * i;
}

static void code_u32(Codec *codec, uint32_t *value) {
  uint8_t bytes[4];
  for (unsigned i = 0; i < 4; i++) bytes[i] = (uint8_t)(*value >> 8 * i);
  code_bytes(codec, bytes, 4);
  if (!codec->reading) return;
  *value = 0;
  for (unsigned i = 0; i < 4; i++) *value |= (uint32_t)bytes[i] << 8 * i;
}

static void code_i64(Codec *codec, int64_t *value) {
  uint64_t bits = (uint64_t)*value;
  code_u64(codec, &bits);
  *value = (int64_t)bits;
}

static void code_bool(Codec *codec, bool *value) {
  uint8_t byte = *value;
  code_bytes(codec, &byte, 1);
  if (byte > 1) codec->bad = true;
  *value = byte != 0;
}

static void code_f64(Codec *codec, double *value) {
  uint64_t bits = kr_f64_to_bits(kr_f64_canonical(*value));
  code_u64(codec, &bits);
  *value = kr_f64_from_bits(bits);
}

static void code_ratio(Codec *codec, KrRatio *ratio) {
  if (!codec->reading) (void)kr_ratio_make(ratio->num, ratio->den, ratio); // one way to write it
  code_i64(codec, &ratio->num);
  code_i64(codec, &ratio->den);
  if (ratio->den < 1) {
    codec->bad = true;
    *ratio = KR_RATIO_ZERO;
  }
}

enum { BLOCK_ELEMS = 128 };

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define LITTLE_32(x) __builtin_bswap32(x)
#define LITTLE_64(x) __builtin_bswap64(x)
#else
#define LITTLE_32(x) (x)
#define LITTLE_64(x) (x)
#endif

// At most BLOCK_ELEMS elements, `stride` bytes apart, canonical. Plain loops over words: compilers
// make vectors of them where the stride is the width.
#define DEFINE_BLOCK(name, Word, LITTLE, CANONICAL)                                                \
  static inline __attribute__((always_inline)) void name(Codec *codec, uint8_t *at, size_t stride, \
                                                         size_t n) {                               \
    Word words[BLOCK_ELEMS];                                                                       \
    size_t n_out = codec->out != NULL ? n : 0, n_in = codec->reading ? n : 0;                      \
    for (size_t i = 0; i < n_out; i++) {                                                           \
      __builtin_memcpy(&words[i], at + i * stride, sizeof(Word));                                  \
      words[i] = LITTLE(CANONICAL(words[i]));                                                      \
    }                                                                                              \
    code_bytes(codec, (uint8_t *)words, n * sizeof(Word));                                         \
    for (size_t i = 0; i < n_in; i++) {                                                            \
      Word word = CANONICAL(LITTLE(words[i]));                                                     \
      __builtin_memcpy(at + i * stride, &word, sizeof word);                                       \
    }                                                                                              \
  }
#define SAME(word) (word)
static inline uint32_t canonical_32(uint32_t bits) {
  return kr_f32_to_bits(kr_f32_canonical(kr_f32_from_bits(bits)));
}
static inline uint64_t canonical_64(uint64_t bits) {
  return kr_f64_to_bits(kr_f64_canonical(kr_f64_from_bits(bits)));
}
DEFINE_BLOCK(code_bytes_block, uint8_t, SAME, SAME)
DEFINE_BLOCK(code_words_32, uint32_t, LITTLE_32, SAME)
DEFINE_BLOCK(code_words_64, uint64_t, LITTLE_64, SAME)
DEFINE_BLOCK(code_reals_32, uint32_t, LITTLE_32, canonical_32)
DEFINE_BLOCK(code_reals_64, uint64_t, LITTLE_64, canonical_64)

// Elements `stride` bytes apart.
static void code_strided(Codec *codec, KrElem elem, uint8_t *at, size_t stride, uint64_t n) {
  size_t width = kr_elem_bytes(elem);
  for (uint64_t done = 0; done < n; done += BLOCK_ELEMS, at += BLOCK_ELEMS * stride) {
    size_t count = n - done < BLOCK_ELEMS ? (size_t)(n - done) : BLOCK_ELEMS;
    if (elem == KR_ELEM_F32 && stride == 4)
      code_reals_32(codec, at, 4, count);
    else if (elem == KR_ELEM_F64 && stride == 8)
      code_reals_64(codec, at, 8, count);
    else if (elem == KR_ELEM_F32)
      code_reals_32(codec, at, stride, count);
    else if (elem == KR_ELEM_F64)
      code_reals_64(codec, at, stride, count);
    else if (width == 4)
      code_words_32(codec, at, stride, count);
    else if (width == 8)
      code_words_64(codec, at, stride, count);
    else
      code_bytes_block(codec, at, stride, count);
  }
}

static void code_elems(Codec *codec, KrElem elem, void *at, uint64_t n) {
  code_strided(codec, elem, at, kr_elem_bytes(elem), n);
}

// ---- operators

// Entries `first` and on of one lane.
static void code_lane(Codec *codec, const KrRunStep *step, uint32_t field, uint32_t lane,
                      uint64_t first, uint64_t n) {
  int declared = step->node->op->field[field].elem;
  KrElem elem = declared == KR_ELEM_CALL ? step->node->elem : (KrElem)declared;
  size_t width = kr_elem_bytes(elem), stride = width * step->lanes;
  uint8_t *at = (uint8_t *)step->field[field] + lane * width + first * stride;
  code_strided(codec, elem, at, stride, n);
}

static void code_fields(const KrRun *run, Codec *codec, KrRunStep *step, int64_t n_done) {
  uint32_t substeps = run->plan->graph->flows[step->node->flow].substeps;
  uint64_t inner = (uint64_t)n_done * (substeps > 1 ? substeps : 1);
  for (uint32_t l = 0; l < step->n_lanes; l++)
    for (uint32_t f = 0; f < step->plan->n_fields; f++) {
      uint32_t flags = step->node->op->field[f].flags;
      if (flags & KR_FIELD_COEF) continue;
      uint64_t count = step->plan->lane_count[l * step->plan->n_fields + f];
      uint64_t first = flags & KR_FIELD_RING && count > 0 ? inner % count : 0;
      code_lane(codec, step, f, l, first, count - first);
      code_lane(codec, step, f, l, 0, first);
    }
}

// The other lanes repeat lane 0 when a run goes on from a snapshot or from another run.
void kr_step_repeat_lane(KrRunStep *step) {
  for (uint32_t f = 0; f < step->plan->n_fields; f++) {
    size_t width = kr_step_field_bytes(step->node, f), stride = width * step->lanes;
    uint8_t *at = step->field[f];
    for (uint64_t i = 0; i < step->plan->field_count[f]; i++, at += stride)
      for (uint32_t l = step->n_lanes; l < step->lanes; l++)
        __builtin_memcpy(at + l * width, at, width);
  }
}

static void code_value(Codec *codec, KrEventValue *value) {
  code_bool(codec, &value->present);
  code_bool(codec, &value->exact);
  if (value->ratio.den == 0) value->ratio = KR_RATIO_ZERO;
  code_ratio(codec, &value->ratio);
  code_f64(codec, &value->value);
}

static void code_cursor(const KrRun *run, Codec *codec, KrCursor *cursor) {
  uint32_t n = kr_cursor_leaves(cursor);
  uint64_t *popped = KR_NEW_ARRAY(run->arena, uint64_t, n);
  if (popped == NULL) {
    codec->bad = true;
    return;
  }
  kr_cursor_save(cursor, popped);
  for (uint32_t i = 0; i < n; i++) code_u64(codec, &popped[i]);
  if (codec->reading && !codec->bad) kr_cursor_restore(cursor, popped);
}

// Filters drop what they have seen; all of them have seen what is due before the next tick.
static void settle_cursor(const KrRun *run, const KrRunStep *step, const KrSite *site,
                          int64_t n_done) {
  const KrClock *clock = &run->plan->graph->flows[step->node->flow].clock;
  int64_t ahead = kr_signal_ahead(step->node);
  KrRatio until;
  bool emitted;
  if (kr_clock_time(clock, n_done + (ahead > 0 ? ahead + 1 : 0), &until) == KR_OK)
    kr_cursor_peek(site->cursor, until, until, &emitted);
}

static void code_site(const KrRun *run, Codec *codec, const KrRunStep *step, uint32_t lane,
                      int64_t n_done) {
  KrSite *site = &step->site[lane];
  if (!codec->reading) settle_cursor(run, step, site, n_done);
  code_bool(codec, &site->started);
  code_bool(codec, &site->on);
  code_bool(codec, &site->has_end);
  code_bool(codec, &site->has_key);
  code_i64(codec, &site->onset_tick);
  code_ratio(codec, &site->onset_time);
  code_i64(codec, &site->end_tick);
  code_ratio(codec, &site->end_residual);
  code_i64(codec, &site->key);
  code_value(codec, &site->value);
  code_ratio(codec, &site->offset);
  if (step->node->signal == KR_SIGNAL_SINC)
    for (int64_t i = 0; i < 64; i++) code_f64(codec, &site->pulse[(n_done + i) & 63]);
  code_cursor(run, codec, site->cursor);
  site->ahead = (KrSiteAhead){0};
}

// ---- voices

static void code_pool_lane(Codec *codec, KrVoiceLane *lane) {
  code_bool(codec, &lane->sounds);
  code_bool(codec, &lane->has_key);
  code_bool(codec, &lane->is_open);
  code_i64(codec, &lane->key);
  code_i64(codec, &lane->born);
  code_ratio(codec, &lane->late);
  code_ratio(codec, &lane->time);
  code_i64(codec, &lane->release);
  code_ratio(codec, &lane->release_late);
  code_i64(codec, &lane->fade);
  code_i64(codec, &lane->end);
  if (lane->sounds) code_f64(codec, &lane->level);
  code_u32(codec, &lane->note);
}

// What the body keeps for one voice.
static void code_voice(Codec *codec, KrRunVoices *v, uint32_t index, int64_t n_done) {
  uint8_t *memory = v->groups[index / KR_LANES].memory;
  uint32_t l = index % KR_LANES;
  for (uint32_t i = 0; i < v->n_patches; i++) {
    const KrVoicePatch *patch = &v->patches[i];
    size_t stride = (size_t)patch->width * patch->lanes;
    uint8_t *at = memory + patch->offset + l * (patch->lanes == 1 ? patch->n_bytes : patch->width);
    uint64_t first = patch->is_ring ? (uint64_t)n_done % patch->count : 0;
    code_strided(codec, patch->elem, at + (size_t)first * stride, stride, patch->count - first);
    code_strided(codec, patch->elem, at, stride, first);
  }
  for (uint32_t i = 0; i < v->n_rows; i++) {
    KrElem elem = v->rows[i].node->voice == KR_VOICE_HAS ? KR_ELEM_BOOL : v->elem;
    code_elems(codec, elem, memory + v->rows[i].offset + l * kr_elem_bytes(elem), 1);
  }
}

static void code_voices(KrRun *run, Codec *codec, KrRunVoices *v, int64_t n_done) {
  if (!codec->reading) {
    kr_voices_lengthen(run, v, n_done);
    kr_voices_levels(v, n_done);
  }
  code_u64(codec, &v->pool.n_notes);
  code_u64(codec, &v->pool.n_stolen);
  for (uint32_t l = 0; l < v->pool.n_groups * KR_LANES && !codec->bad; l++) {
    bool taken = (v->pool.taken[l / KR_LANES] >> l % KR_LANES & 1) != 0;
    code_bool(codec, &taken);
    if (codec->reading) kr_voices_clear(v, l);
    if (!taken) continue;
    code_pool_lane(codec, &v->pool.lanes[l]);
    if (v->pool.lanes[l].sounds) code_voice(codec, v, l, n_done);
    if (codec->reading) v->pool.taken[l / KR_LANES] |= (uint16_t)(1u << l % KR_LANES);
  }
  if (codec->reading) kr_voices_place(v, n_done);
}

static void code_nodes(KrRun *run, Codec *codec) {
  for (uint32_t u = 0; u < run->plan->n_units; u++) {
    KrRunUnit *unit = &run->units[u];
    if (run->plan->graph->flows[unit->plan->flow].is_body) continue;
    for (uint32_t s = 0; s < unit->plan->n_steps; s++) {
      KrRunStep *step = &unit->steps[s];
      if (step->node == NULL) continue;
      if (step->node->kind == KR_NODE_OP) code_fields(run, codec, step, unit->n_done);
      if (step->node->kind == KR_NODE_OP && codec->reading) kr_step_repeat_lane(step);
      for (uint32_t l = 0; step->site != NULL && l < step->n_lanes; l++)
        code_site(run, codec, step, l, unit->n_done);
      if (step->node->kind == KR_NODE_VOICES)
        code_voices(run, codec, &run->voices[step->node->voices], unit->n_done);
      if (step->node->kind != KR_NODE_PREV || step->plan->ring != KR_NONE) continue;
      uint64_t n = step->lanes > 1 ? step->n_lanes : kr_type_count(&step->node->type);
      code_elems(codec, step->node->type.elem, step->before, n);
    }
  }
}

// ---- streams

// Oldest source tick the step's next tick reads.
static int64_t first_needed(const KrRunUnit *unit, const KrRunStep *step) {
  int64_t first, tick = unit->n_done;
  KrNodeKind kind = step->node == NULL ? KR_NODE_READ : step->node->kind;
  switch (kind) {
  case KR_NODE_PREV: first = tick - 1; break;
  case KR_NODE_CROSS: first = step->newest.k - step->plan->n_back; break;
  case KR_NODE_HISTORY:
    first = step->newest.k < step->last ? step->newest.k : step->last;
    first -= (int64_t)step->node->type.dim[0] - 1;
    break;
  case KR_NODE_WINDOW:
    first = step->oldest.k + 1 < step->newest.k ? step->oldest.k + 1 : step->newest.k;
    if (step->plan->from_start && tick == 0) first = 0;
    break;
  default: first = tick; break;
  }
  if (first > step->last) first = step->last;
  return first < 0 ? 0 : first;
}

// First tick of every ring that some later tick reads or that is still to be written out.
static void find_needed(const KrRun *run, int64_t *needed) {
  const KrPlan *plan = run->plan;
  for (uint32_t r = 0; r < plan->n_rings; r++) needed[r] = INT64_MAX;
  for (uint32_t u = 0; u < plan->n_units; u++) {
    const KrRunUnit *unit = &run->units[u];
    if (kr_run_has_ended(run, unit)) continue;
    for (uint32_t s = 0; s < unit->plan->n_steps; s++) {
      const KrPlanStep *step = unit->steps[s].plan;
      if (step->kind == KR_STEP_COMMIT || step->ring == KR_NONE) continue;
      int64_t first = first_needed(unit, &unit->steps[s]);
      if (first < needed[step->ring]) needed[step->ring] = first;
    }
  }
  for (uint32_t r = 0; r < plan->n_rings; r++) {
    if (!plan->rings[r].is_output) continue;
    int64_t first = kr_run_ticks(run, plan->units[plan->rings[r].unit].flow);
    if (first < needed[r]) needed[r] = first;
  }
}

static void code_ring(KrRun *run, Codec *codec, uint32_t index, int64_t first) {
  const KrPlanRing *plan = &run->plan->rings[index];
  const KrType *type = &run->plan->values[plan->value].type;
  int64_t done = run->units[plan->unit].n_done, n = done > first ? done - first : 0;
  code_i64(codec, &n);
  if (n < 0 || n > done || (uint64_t)n > plan->cap) codec->bad = true;
  for (int64_t i = 0; i < n && !codec->bad; i++)
    code_elems(codec, type->elem, kr_ring_at(&run->rings[index], done - n + i),
               kr_type_count(type) * run->plan->values[plan->value].lanes);
}

static void code_rings(KrRun *run, Codec *codec) {
  int64_t *needed = KR_NEW_ARRAY(run->arena, int64_t, run->plan->n_rings);
  if (needed == NULL) {
    codec->bad = true;
    return;
  }
  if (!codec->reading) find_needed(run, needed);
  for (uint32_t r = 0; r < run->plan->n_rings; r++) code_ring(run, codec, r, needed[r]);
}

// ---- states

static void code_version(Codec *codec, KrElem elem, KrRunVersion *version) {
  code_i64(codec, &version->time);
  code_elems(codec, elem, &version->bits, 1);
}

static uint64_t oldest_version(const KrRun *run, uint32_t index) {
  const KrPlanState *plan = &run->plan->states[index];
  const KrRunState *state = &run->states[index];
  uint64_t v = state->n - 1, first = state->n > state->mask ? state->n - state->mask - 1 : 0;
  for (uint32_t i = 0; i < plan->n_cursors; i++) {
    uint32_t flow = plan->readers[i];
    const KrRunUnit *unit = &run->units[run->plan->flows[flow].unit[0]];
    if (kr_run_has_ended(run, unit)) continue;
    int64_t time = kr_run_tick_time(run->plan, flow, unit->n_done);
    while (v > first && state->versions[v & state->mask].time >= time) v--;
  }
  return v;
}

static void code_versions(KrRun *run, Codec *codec, uint32_t index, KrElem elem) {
  KrRunState *state = &run->states[index];
  uint64_t first = codec->reading ? 0 : oldest_version(run, index), n = state->n - first;
  code_u64(codec, &n);
  if (n < 1 || n > state->mask + 1) codec->bad = true;
  for (uint64_t i = 0; i < n && !codec->bad; i++)
    code_version(codec, elem, &state->versions[(first + i) & state->mask]);
  if (codec->reading && !codec->bad) state->n = n;
}

static void code_states(KrRun *run, Codec *codec) {
  for (uint32_t s = 0; s < run->plan->graph->n_states; s++) {
    KrRunState *state = &run->states[s];
    KrElem elem = run->plan->graph->states[s].type.elem;
    if (state->buffer != NULL) code_elems(codec, elem, &state->value, 1);
    if (state->versions != NULL) code_versions(run, codec, s, elem);
    for (uint32_t w = 0; state->logs != NULL && w < run->plan->states[s].n_writers; w++) {
      KrRunLog *log = &state->logs[w];
      uint64_t n = log->n - log->taken;
      code_u64(codec, &n);
      if (n > log->mask + 1) codec->bad = true;
      for (uint64_t i = 0; i < n && !codec->bad; i++)
        code_version(codec, elem, &log->at[(log->taken + i) & log->mask]);
      if (codec->reading && !codec->bad) log->n = log->taken + n;
    }
  }
}

// ---- events

static void lower_popped(const KrGraph *graph, uint32_t events, const uint64_t **popped,
                         uint64_t *least) {
  const KrEvents *stream = &graph->events[events];
  if (stream->n_sources == 0) {
    if (**popped < least[events]) least[events] = **popped;
    ++*popped;
  }
  for (uint32_t i = 0; i < stream->n_sources; i++)
    lower_popped(graph, stream->sources[i], popped, least);
}

static void lower_cursor(const KrRun *run, KrCursor *cursor, uint32_t events, uint64_t *least) {
  uint64_t *popped = KR_NEW_ARRAY(run->arena, uint64_t, kr_cursor_leaves(cursor));
  if (popped == NULL) return;
  kr_cursor_save(cursor, popped);
  const uint64_t *at = popped;
  lower_popped(run->plan->graph, events, &at, least);
}

// Per queue: the oldest event that the cursor of a flow with ticks to come has not taken.
static void find_untaken(const KrRun *run, uint64_t *least) {
  const KrGraph *graph = run->plan->graph;
  for (uint32_t e = 0; e < graph->n_events; e++) least[e] = UINT64_MAX;
  for (uint32_t u = 0; u < run->plan->n_units; u++) {
    const KrRunUnit *unit = &run->units[u];
    if (kr_run_has_ended(run, unit)) continue;
    for (uint32_t s = 0; s < unit->plan->n_steps; s++) {
      const KrRunStep *step = &unit->steps[s];
      for (uint32_t l = 0; step->site != NULL && l < step->n_lanes; l++) {
        uint32_t node = kr_step_node(run->plan, step->plan, l);
        lower_cursor(run, step->site[l].cursor, graph->nodes[node].events, least);
      }
    }
  }
  for (uint32_t o = 0; o < graph->n_outputs; o++)
    if (run->outputs[o] != NULL)
      lower_cursor(run, run->outputs[o], graph->outputs[o].events, least);
}

static void code_event(Codec *codec, KrEventQueue *queue, uint64_t index, uint32_t n_fields) {
  uint64_t at = index & (queue->cap - 1);
  KrRunEvent *event = &queue->items[at];
  bool off = event->action == KR_EVENT_OFF;
  if (event->time.den == 0) event->time = KR_RATIO_ZERO;
  if (event->dur.den == 0) event->dur = KR_RATIO_ZERO;
  code_ratio(codec, &event->time);
  code_bool(codec, &off);
  code_bool(codec, &event->has_dur);
  code_ratio(codec, &event->dur);
  code_bool(codec, &event->has_key);
  code_i64(codec, &event->key);
  event->action = off ? KR_EVENT_OFF : KR_EVENT_ON;
  event->values = queue->values + at * n_fields;
  for (uint32_t f = 0; f < n_fields; f++) code_value(codec, &queue->values[at * n_fields + f]);
}

static void code_queue(Codec *codec, KrEventQueue *queue, uint64_t first, uint32_t n_fields) {
  if (first > queue->n) first = queue->n;
  if (queue->n > queue->cap && first < queue->n - queue->cap) first = queue->n - queue->cap;
  uint64_t n = queue->n - first;
  code_u64(codec, &queue->n);
  code_u64(codec, &n);
  if (n > queue->cap || n > queue->n) codec->bad = true;
  for (uint64_t i = queue->n - n; i < queue->n && !codec->bad; i++)
    code_event(codec, queue, i, n_fields);
}

static void code_events(KrRun *run, Codec *codec) {
  const KrGraph *graph = run->plan->graph;
  bool emitted;
  uint64_t *least = KR_NEW_ARRAY(run->arena, uint64_t, graph->n_events);
  if (least == NULL) {
    codec->bad = true;
    return;
  }
  for (uint32_t o = 0; o < graph->n_outputs; o++) {
    if (run->outputs[o] == NULL) continue;
    if (!codec->reading) kr_cursor_peek(run->outputs[o], run->time, run->time, &emitted);
    code_cursor(run, codec, run->outputs[o]);
  }
  if (!codec->reading) find_untaken(run, least);
  for (uint32_t e = 0; e < graph->n_events; e++)
    if (run->context.queues[e].cap > 0)
      code_queue(codec, &run->context.queues[e], least[e], graph->events[e].n_fields);
}

// ---- sections

static void code_units(KrRun *run, Codec *codec) {
  for (uint32_t u = 0; u < run->plan->n_units; u++) {
    KrRunUnit *unit = &run->units[u];
    int64_t until = run->time_grid + run->plan->flows[unit->plan->flow].lead;
    code_i64(codec, &unit->n_done);
    if (unit->n_done != 0 && unit->n_done != kr_run_count(run->plan, unit->plan->flow, until))
      codec->bad = true;
  }
}

static void code_head(KrRun *run, Codec *codec) {
  KrDigest digest = kr_graph_hash_program(run->plan->graph);
  code_bytes(codec, digest.at, DIGEST_BYTES);
  code_ratio(codec, &run->time);
}

static void code_section(KrRun *run, Codec *codec, uint32_t section) {
  switch (section) {
  case 0: code_head(run, codec); break;
  case 1: code_units(run, codec); break;
  case 2: code_nodes(run, codec); break;
  case 3: code_rings(run, codec); break;
  case 4: code_states(run, codec); break;
  default: code_events(run, codec); break;
  }
}

static KrDigest digest_of(const void *at, size_t n) {
  KrHash hash;
  kr_hash_init(&hash);
  kr_hash_put(&hash, at, n);
  return kr_hash_end(&hash);
}

// The length is filled in when it is known.
static void put_head(KrBuffer *out, uint32_t section) {
  Codec codec = {.out = out};
  uint32_t version = VERSION;
  uint64_t length = 0;
  kr_buffer_put(out, tags[section], 4);
  code_u32(&codec, &version);
  code_u64(&codec, &length);
}

static bool save_sections(KrRun *run, KrBuffer *out) {
  for (uint32_t section = 0; section < N_SECTIONS; section++) {
    size_t begin = out->n;
    put_head(out, section);
    Codec codec = {.out = out};
    code_section(run, &codec, section);
    if (codec.bad) return false;
    uint64_t length = out->n - begin - SECTION_HEAD_BYTES;
    for (unsigned i = 0; i < 8; i++) out->at[begin + 8 + i] = (char)(uint8_t)(length >> 8 * i);
    KrDigest digest = digest_of(out->at + begin, out->n - begin);
    kr_buffer_put(out, digest.at, DIGEST_BYTES);
  }
  return true;
}

static size_t count_bytes(KrRun *run) {
  size_t n = 0;
  for (uint32_t section = 0; section < N_SECTIONS; section++) {
    Codec codec = {.out = NULL};
    code_section(run, &codec, section);
    n += SECTION_HEAD_BYTES + codec.n + DIGEST_BYTES;
  }
  return n;
}

size_t kr_run_save_bytes(const KrRun *run, KrArena *arena) {
  KrRun copy = *run;
  copy.arena = arena;
  return count_bytes(&copy);
}

// All memory at once: growing by doubling costs more than the bytes themselves.
static void reserve(KrBuffer *out, size_t n) {
  if (out->at != NULL && out->cap - out->n > n) return;
  char *at = kr_arena_array(out->arena, out->n + n + 1, 1);
  if (at == NULL) return;
  if (out->at != NULL) __builtin_memcpy(at, out->at, out->n);
  out->at = at;
  out->cap = out->n + n + 1;
}

KrStatus kr_run_save(const KrRun *run, KrBuffer *out) {
  jmp_buf here, *outer = out->arena->escape;
  KrRun copy = *run;
  if (run->has_fault) return KR_ERROR_RUN;
  copy.arena = out->arena;
  out->arena->escape = &here;
  if (setjmp(here) != 0) {
    out->arena->escape = outer;
    return KR_ERROR_MEMORY;
  }
  reserve(out, count_bytes(&copy));
  bool saved = save_sections(&copy, out);
  out->arena->escape = outer;
  return saved ? KR_OK : KR_ERROR_MEMORY;
}

/// A section found in the bytes.
typedef struct Section {
  const uint8_t *at;
  size_t n;
} Section;

static const char *find_section(const uint8_t **at, size_t *n, uint32_t section, Section *found) {
  uint32_t version = 0;
  uint64_t length = 0;
  Codec codec = {.reading = true, .at = *at, .n = *n};
  char tag[4];
  code_bytes(&codec, (uint8_t *)tag, 4);
  code_u32(&codec, &version);
  code_u64(&codec, &length);
  if (codec.bad) return "the snapshot is cut short";
  if (__builtin_memcmp(tag, tags[section], 4) != 0)
    return section == 0 ? "not a snapshot" : "the snapshot is damaged";
  if (version != VERSION) return "the snapshot has another version";
  if (codec.n < DIGEST_BYTES || length > codec.n - DIGEST_BYTES) return "the snapshot is cut short";
  KrDigest digest = digest_of(*at, SECTION_HEAD_BYTES + (size_t)length);
  if (__builtin_memcmp(digest.at, codec.at + length, DIGEST_BYTES) != 0)
    return "the snapshot is damaged: its checksum does not match";
  *found = (Section){codec.at, (size_t)length};
  *at = codec.at + length + DIGEST_BYTES;
  *n = codec.n - (size_t)length - DIGEST_BYTES;
  return NULL;
}

static const char *find_sections(const uint8_t *at, size_t n, Section sections[N_SECTIONS]) {
  for (uint32_t i = 0; i < N_SECTIONS; i++) {
    const char *error = find_section(&at, &n, i, &sections[i]);
    if (error != NULL) return error;
  }
  return n == 0 ? NULL : "the snapshot has bytes after its end";
}

static KrStatus restore_sections(KrRun *run, const Section *sections, const char **error) {
  KrDigest digest = kr_graph_hash_program(run->plan->graph);
  if (sections[0].n != DIGEST_BYTES + 16) return KR_ERROR_FORMAT;
  if (__builtin_memcmp(digest.at, sections[0].at, DIGEST_BYTES) != 0) {
    *error = "the snapshot was made by another program";
    return KR_ERROR_MISMATCH;
  }
  for (uint32_t i = 0; i < N_SECTIONS; i++) {
    Codec codec = {.reading = true, .at = sections[i].at, .n = sections[i].n};
    code_section(run, &codec, i);
    if (codec.bad || codec.n != 0) return KR_ERROR_FORMAT;
    if (i == 0 && kr_run_grid(run->plan, run->time, &run->time_grid, &run->on_grid) != KR_OK)
      return KR_ERROR_FORMAT;
  }
  for (uint32_t u = 0; u < run->plan->n_units; u++)
    for (uint32_t s = 0; s < run->units[u].plan->n_steps; s++)
      KR_TRY(kr_step_place(run, &run->units[u].steps[s], run->units[u].n_done));
  return KR_OK;
}

KrStatus kr_run_restore(KrRun *run, const uint8_t *at, size_t n_bytes, const char **error) {
  Section sections[N_SECTIONS];
  jmp_buf here, *outer = run->arena->escape;
  *error = find_sections(at, n_bytes, sections);
  if (*error != NULL) return KR_ERROR_FORMAT;
  *error = "the snapshot does not fit its program";
  run->arena->escape = &here;
  if (setjmp(here) != 0) {
    run->arena->escape = outer;
    *error = "out of memory";
    return KR_ERROR_MEMORY;
  }
  KrStatus status = restore_sections(run, sections, error);
  run->arena->escape = outer;
  if (status == KR_OK) *error = NULL;
  return status;
}

KrStatus kr_snapshot_time(const uint8_t *at, size_t n_bytes, KrRatio *time) {
  Section head;
  if (find_section(&at, &n_bytes, 0, &head) != NULL || head.n != DIGEST_BYTES + 16)
    return KR_ERROR_FORMAT;
  Codec codec = {.reading = true, .at = head.at + DIGEST_BYTES, .n = 16};
  code_ratio(&codec, time);
  return codec.bad ? KR_ERROR_FORMAT : KR_OK;
}

// Synths: notes become voices, sixteen of which run the body's steps at a time, or short ones, each
// by itself; then they are added up in the order of their lanes.
#include "sched/run_voices.h"
#include "math/real.h"

// ---- the output of a piece

static uint8_t *own_at(const KrRunVoices *v, const KrVoiceGroup *group, uint32_t channel,
                       int64_t tick) {
  return group->own + (channel * KR_TILE + (size_t)(tick - v->begin)) * kr_voice_row_bytes(v);
}

static uint8_t *columns_of(const KrRunVoices *v, uint32_t channel, uint32_t which) {
  return v->columns + (2 * channel + which) * KR_SHORT_COLUMN * kr_voice_row_bytes(v);
}

static void add_rows(const KrRunVoices *v, const void *from, uint32_t stride, uint32_t lanes,
                     uint32_t n, void *sum) {
  const KrLanes *at = v->heard->at_level;
  if (v->elem == KR_ELEM_F32 && lanes == UINT16_MAX)
    at->add_f32(from, stride, KR_LANES, false, n, sum);
  else if (v->elem == KR_ELEM_F32)
    at->add_some_f32(from, stride, lanes, n, sum);
  else if (lanes == UINT16_MAX)
    at->add_f64(from, stride, KR_LANES, false, n, sum);
  else
    at->add_some_f64(from, stride, lanes, n, sum);
}

// The lanes that are heard in a piece, +0 in the others, added to rows `to`.
static void add_parts(const KrRunVoices *v, uint32_t channel, uint8_t *to) {
  const size_t n_bytes = kr_voice_row_bytes(v), in_bytes = v->heard->in_bytes[channel];
  const uint8_t *from = v->heard->in_base[channel];
  for (uint32_t i = 0, t = 0; i < v->piece.n_parts; t = v->piece.parts[i++].end) {
    const KrVoicePart *part = &v->piece.parts[i];
    add_rows(v, from + t * in_bytes, in_bytes == 0 ? 0 : KR_LANES, part->lanes, part->end - t,
             to + t * n_bytes);
  }
}

static void copy_piece(KrRunVoices *v, KrVoiceGroup *group) {
  for (uint32_t c = 0; c < v->graph->n_out; c++) {
    uint8_t *to = own_at(v, group, c, v->piece.begin);
    __builtin_memset(to, 0, v->piece.n * kr_voice_row_bytes(v));
    add_parts(v, c, to);
  }
}

// Ticks before the group's first voice of the slice, or after its last one.
static void silence_group(KrRunVoices *v, KrVoiceGroup *group, int64_t from, int64_t until) {
  if (until <= from) return;
  for (uint32_t c = 0; c < v->graph->n_out; c++)
    __builtin_memset(own_at(v, group, c, from), 0, (size_t)(until - from) * kr_voice_row_bytes(v));
}

// ---- a piece: ticks without an event in the group

// First silent tick of a voice as far as this piece tells.
static int64_t find_end(const KrRunVoices *v, const KrVoiceLane *lane, uint32_t in_group) {
  int64_t end = v->n_ends == 0 ? KR_VOICE_POOL_NEVER : 0;
  for (uint32_t i = 0; i < v->n_ends; i++)
    if (v->ends[i][in_group] > end) end = v->ends[i][in_group];
  if (v->n_ends == 0 && lane->release != KR_VOICE_POOL_NEVER)
    end = lane->release + (lane->release_late.num != 0);
  if (lane->fade != KR_VOICE_POOL_NEVER && lane->fade + v->fade_ticks < end)
    end = lane->fade + v->fade_ticks;
  return end;
}

// The newest level of every lane's envelopes.
static void keep_levels(const KrRunVoices *v, KrVoiceGroup *group, uint32_t n) {
  for (uint32_t i = 0; i < v->n_ends; i++) {
    uint32_t k = v->graph->n_out + i;
    const uint8_t *from = v->heard->in_base[k];
    if (v->heard->in_bytes[k] != 0) from += (n - 1) * kr_voice_row_bytes(v);
    __builtin_memcpy(group->levels + i * kr_voice_row_bytes(v), from, kr_voice_row_bytes(v));
  }
}

void kr_voices_levels(KrRunVoices *v, int64_t tick) {
  for (uint32_t i = 0; v->shorts != NULL && i < v->shorts->n_lanes; i++) {
    KrVoiceLane *lane = &v->pool.lanes[i];
    if (lane->sounds && kr_shorts_has(v, i))
      lane->level = tick > lane->born ? kr_shorts_level(v, i, tick) : (double)__builtin_inf();
  }
  for (uint32_t g = 0; g < v->pool.n_groups; g++)
    for (uint32_t left = v->sounds[g]; left != 0; left &= left - 1) {
      uint32_t l = (uint32_t)__builtin_ctz(left);
      double level = v->n_ends == 0;
      for (uint32_t i = 0; i < v->n_ends; i++) {
        double x = kr_f64_abs(kr_voice_at(v, v->groups[g].levels, i * KR_LANES + l));
        level = x > level ? x : level;
      }
      // What has not been heard yet is the last to go.
      KrVoiceLane *lane = &v->pool.lanes[g * KR_LANES + l];
      lane->level = v->groups[g].done > lane->born ? level : (double)__builtin_inf();
    }
}

static void scale_lane(const KrRun *run, const KrRunVoices *v, const KrVoiceGroup *group,
                       uint32_t lane, int64_t tick, double gain) {
  for (uint32_t c = 0; c < v->graph->n_out; c++) {
    size_t row = (size_t)(tick - v->piece.begin) * KR_LANES + lane;
    void *at = v->piece.is_direct ? run->buffer[v->heard->plan->in[c]]
                                  : own_at(v, group, c, v->piece.begin);
    kr_voice_scale(v, at, row, gain);
  }
}

// What this piece's output is multiplied by in a voice that begins, ends or fades in it.
static void shape_lane(const KrRun *run, const KrRunVoices *v, const KrVoiceGroup *group,
                       uint32_t lane, const KrVoiceLane *at) {
  const int64_t begin = v->piece.begin, until = begin + v->piece.n;
  if (at->born >= begin && at->late.num != 0)
    scale_lane(run, v, group, lane, at->born, 1 - kr_voice_part(v, at->late));
  bool is_cut = v->n_ends == 0 && at->release_late.num != 0;
  if (is_cut && at->release >= begin && at->release < until)
    scale_lane(run, v, group, lane, at->release, kr_voice_part(v, at->release_late));
  for (int64_t tick = at->fade <= begin ? begin : until; tick < until; tick++) {
    int64_t left = v->fade_ticks - (tick - at->fade);
    if (left > 0) scale_lane(run, v, group, lane, tick, (double)left / (double)v->fade_ticks);
  }
}

// From which tick to which each of the lanes is heard.
static void find_parts(KrRunVoices *v, uint32_t index, uint32_t lanes, bool shaped) {
  KrVoicePiece *piece = &v->piece;
  uint64_t rows = 0; // in which some lane begins or ends
  uint16_t turns[KR_TILE];
  uint32_t heard = lanes;
  for (uint32_t left = shaped ? lanes : 0; left != 0; left &= left - 1) {
    uint32_t l = (uint32_t)__builtin_ctz(left), bit = 1u << l;
    const KrVoiceLane *lane = &v->pool.lanes[index * KR_LANES + l];
    int64_t from = lane->born - piece->begin,
            until = lane->sounds ? piece->n : lane->end - piece->begin;
    if (from > 0 || until <= 0) heard &= ~bit;
    if (until <= 0) continue;
    for (int k = 0; k < 2; k++) {
      int64_t row = k == 0 ? from : until;
      if (row <= 0 || row >= piece->n) continue;
      if ((rows >> row & 1) == 0) turns[row] = 0;
      rows |= UINT64_C(1) << row;
      turns[row] ^= (uint16_t)bit;
    }
  }
  piece->n_parts = 0;
  for (; rows != 0; rows &= rows - 1) {
    uint32_t row = (uint32_t)__builtin_ctzll(rows);
    piece->parts[piece->n_parts++] = (KrVoicePart){row, heard};
    heard ^= turns[row];
  }
  piece->parts[piece->n_parts++] = (KrVoicePart){piece->n, heard};
}

// Whether the body's output is one buffer per channel that may be changed.
static bool can_shape(const KrRunVoices *v) {
  for (uint32_t c = 0; c < v->graph->n_out; c++) {
    if (v->heard->in_bytes[c] == 0) return false;
    for (uint32_t k = 0; k < c; k++)
      if (v->heard->in_base[k] == v->heard->in_base[c]) return false;
  }
  return true;
}

// Lanes that may end before `until`.
static uint32_t find_ending(const KrRunVoices *v, uint32_t index, int64_t until) {
  const KrVoiceGroup *group = &v->groups[index];
  uint32_t lanes = v->n_ends == 0 ? group->falls : UINT16_MAX;
  for (uint32_t i = 0; i < v->n_ends; i++) {
    uint32_t ending = 0;
    for (uint32_t l = 0; l < KR_LANES; l++) ending |= (uint32_t)(v->ends[i][l] < until) << l;
    lanes &= ending;
  }
  return (lanes | group->fades) & v->sounds[index];
}

// Notes what ended in this piece; true when some voice begins, ends or fades in it.
static bool settle_lanes(KrRunVoices *v, uint32_t index) {
  KrVoiceGroup *group = &v->groups[index];
  const int64_t begin = v->piece.begin, until = begin + v->piece.n;
  uint32_t left = find_ending(v, index, until);
  bool shaped = v->piece.n_starts != 0 || left != 0;
  for (; left != 0; left &= left - 1) {
    uint32_t l = (uint32_t)__builtin_ctz(left);
    KrVoiceLane *lane = &v->pool.lanes[index * KR_LANES + l];
    int64_t end = find_end(v, lane, l);
    if (end >= until) continue;
    if (end < begin) end = begin;
    kr_voice_pool_end(&v->pool, index * KR_LANES + l, end > lane->born ? end : lane->born + 1);
    v->sounds[index] &= (uint16_t) ~(1u << l);
    group->until[l] = until;
  }
  keep_levels(v, group, v->piece.n);
  return shaped;
}

// A lane begins at its tick `born`, up to `done` having run.
static void add_start(KrVoiceGroup *group, uint32_t lane, int64_t done) {
  if (group->born[lane] > done || group->late[lane] > 0)
    group->starts[group->n_starts++] = (uint8_t)lane;
  else
    group->fresh |= (uint16_t)(1u << lane);
}

// One that had not sounded yet is dropped.
static void drop_start(KrVoiceGroup *group, uint32_t lane) {
  uint32_t n = group->n_starts;
  group->n_starts = 0;
  group->fresh &= (uint16_t) ~(1u << lane);
  for (uint32_t i = 0; i < n; i++)
    if (group->starts[i] != lane) group->starts[group->n_starts++] = group->starts[i];
}

static void add_edge(KrVoicePiece *piece, uint32_t row) {
  if ((piece->edges >> row & 1) == 0) piece->rises[row] = piece->falls[row] = 0;
  piece->edges |= UINT64_C(1) << row;
}

// The voices that begin in the piece.
static void find_starts(KrVoicePiece *piece, const KrVoiceGroup *group) {
  piece->n_starts = 0;
  for (uint32_t i = 0; i < group->n_starts; i++) {
    uint32_t l = group->starts[i], row = (uint32_t)(group->born[l] - piece->begin);
    if (row >= piece->n) break;
    piece->starts[piece->n_starts++] = (KrCallStart){l, row};
    add_edge(piece, row);
    piece->rises[row] |= (uint16_t)(1u << l);
  }
  if (group->fresh == 0) return;
  add_edge(piece, 0);
  piece->rises[0] |= group->fresh;
}

// After a piece those that begin right after it: another note had to know how things stand there.
static void keep_starts(KrRunVoices *v, KrVoiceGroup *group) {
  uint32_t n = group->n_starts;
  group->n_starts = 0;
  group->fresh = 0;
  for (uint32_t i = v->piece.n_starts; i < n; i++) {
    kr_voices_reset(v, group, group->starts[i]);
    add_start(group, group->starts[i], v->piece.begin + v->piece.n);
  }
}

// The gates that fall in it; then the next one to fall, of all that sound by then. What no envelope
// ends is held.
static void find_falls(KrRunVoices *v, uint32_t index) {
  KrVoiceGroup *group = &v->groups[index];
  KrVoicePiece *piece = &v->piece;
  const int64_t until = piece->begin + piece->n;
  if (group->falling >= until) return;
  group->falling = KR_VOICE_POOL_NEVER;
  for (uint32_t left = v->sounds[index] & ~group->falls; left != 0; left &= left - 1) {
    uint32_t l = (uint32_t)__builtin_ctz(left);
    const KrVoiceLane *lane = &v->pool.lanes[index * KR_LANES + l];
    if (lane->release >= until) {
      if (lane->release < group->falling) group->falling = lane->release;
      continue;
    }
    uint32_t row = (uint32_t)(lane->release - piece->begin);
    group->falls |= 1u << l;
    if (v->n_ends == 0) continue;
    add_edge(piece, row);
    piece->falls[row] |= (uint16_t)(1u << l);
    kr_voices_put_release(v, group, l);
  }
}

// The body over the ticks of a group up to `until`, of the lanes that begin before, which are left
// in `sounds`.
static uint32_t run_lanes(KrRun *run, KrRunVoices *v, uint32_t index, int64_t until) {
  KrVoiceGroup *group = &v->groups[index];
  v->piece.begin = group->done;
  v->piece.n = (uint32_t)(until - group->done);
  v->piece.edges = 0;
  find_starts(&v->piece, group);
  uint32_t later = 0; // begin at `until`
  for (uint32_t i = v->piece.n_starts; i < group->n_starts; i++) later |= 1u << group->starts[i];
  const uint32_t lanes = v->sounds[index] & ~later;
  find_falls(v, index);
  v->sounds[index] = (uint16_t)lanes;
  kr_voices_body(run, v, group);
  return lanes;
}

// The ticks of a group up to `until`, its output to `own` unless `whole`, which says that nothing
// is there yet, and it may be shaped where it is: then true.
static bool run_piece(KrRun *run, KrRunVoices *v, uint32_t index, int64_t until, bool whole) {
  KrVoiceGroup *group = &v->groups[index];
  const uint32_t all = v->sounds[index], lanes = run_lanes(run, v, index, until);
  bool shaped = settle_lanes(v, index);
  v->sounds[index] |= (uint16_t)(all & ~lanes);
  keep_starts(v, group);
  find_parts(v, index, lanes, shaped);
  v->piece.is_direct = whole && (!shaped || can_shape(v));
  if (!v->piece.is_direct) copy_piece(v, group);
  for (uint32_t left = shaped ? lanes : 0; left != 0; left &= left - 1) {
    uint32_t l = (uint32_t)__builtin_ctz(left);
    shape_lane(run, v, group, l, &v->pool.lanes[index * KR_LANES + l]);
  }
  group->is_own = !v->piece.is_direct;
  return v->piece.is_direct;
}

// True when the whole slice ran at once and its output is still where the body left it.
static bool run_group(KrRun *run, KrRunVoices *v, uint32_t index, int64_t until) {
  KrVoiceGroup *group = &v->groups[index];
  bool direct = false;
  if (group->done < until && v->sounds[index] != 0) {
    bool whole = !group->is_own && group->done == v->begin && until == v->end;
    direct = run_piece(run, v, index, until, whole);
  } else if (group->is_own) {
    silence_group(v, group, group->done, until);
  }
  group->done = until;
  return direct;
}

static void run_groups(KrRun *run, KrRunVoices *v, int64_t until) {
  for (uint32_t g = 0; g < v->pool.n_groups; g++)
    if (v->sounds[g] != 0 && v->groups[g].done < until) {
      v->groups[g].is_own = true;
      run_group(run, v, g, until);
    }
}

// ---- notes

static void put_note(KrRunVoices *v, const KrGraph *graph, uint32_t index,
                     const KrRunEvent *event) {
  const KrEvents *stream = &graph->events[v->graph->events];
  for (uint32_t i = 0; i < v->n_rows; i++) {
    const KrNode *node = v->rows[i].node;
    KrConst value = node->value;
    if (node->voice == KR_VOICE_FIELD && event->values[node->field].present)
      value = kr_event_value(&stream->fields[node->field], &event->values[node->field], v->elem);
    else if (node->voice == KR_VOICE_HAS)
      value = (KrConst){.elem = KR_ELEM_BOOL, .as.b = event->values[node->field].present};
    else if (node->voice == KR_VOICE_DUR && event->has_dur)
      value = kr_voice_real(v, event->dur);
    else if (node->voice == KR_VOICE_DUR)
      value = kr_const_of(false, KR_RATIO_ZERO, (double)__builtin_inf(), v->elem);
    if (node->voice != KR_VOICE_GATE)
      kr_voices_put(v, &v->groups[index / KR_LANES], &v->rows[i], index % KR_LANES, &value.as);
  }
}

// Silent from `tick` on, whatever it was doing.
static void drop_lane(KrRunVoices *v, uint32_t lane, int64_t tick) {
  KrVoiceGroup *group = &v->groups[lane / KR_LANES];
  kr_voice_pool_drop(&v->pool, lane, tick);
  group->until[lane % KR_LANES] = tick;
  v->sounds[lane / KR_LANES] &= (uint16_t) ~(1u << lane % KR_LANES);
  drop_start(group, lane % KR_LANES);
  if (kr_shorts_has(v, lane)) kr_shorts_drop(v, lane, tick);
}

// What has not been heard yet need not fade.
static void steal_voice(KrRunVoices *v, int64_t tick) {
  kr_voices_levels(v, tick);
  uint32_t lane = kr_voice_pool_find_victim(&v->pool, tick);
  if (lane == KR_VOICE_POOL_NONE) { // all are through, in the tick before at the latest
    kr_voice_pool_collect(&v->pool, tick + 1);
    return;
  }
  if (v->pool.open_lane == lane) v->pool.open_lane = KR_VOICE_POOL_NONE;
  if (v->pool.lanes[lane].born >= tick) {
    v->pool.n_stolen++;
    drop_lane(v, lane, tick);
    return;
  }
  kr_voice_pool_steal(&v->pool, lane, tick);
  if (kr_shorts_has(v, lane)) kr_shorts_fade(v, lane, tick);
  v->groups[lane / KR_LANES].fades |= 1u << lane % KR_LANES;
}

static void release_lane(KrRunVoices *v, uint32_t lane, int64_t tick, KrRatio late) {
  KrVoiceGroup *group = &v->groups[lane / KR_LANES];
  int64_t before = v->pool.lanes[lane].release, now;
  kr_voice_pool_release(&v->pool.lanes[lane], tick, late);
  now = v->pool.lanes[lane].release;
  if (now == before) return;
  if (kr_shorts_has(v, lane))
    kr_shorts_release(v, lane);
  else if (now < group->falling)
    group->falling = now;
}

// Free lanes are collected at multiples of 64 ticks, so that groups are not cut to look for them;
// and where none is left.
static uint32_t choose_lane(KrRun *run, KrRunVoices *v, int64_t tick) {
  KrVoicePool *pool = &v->pool;
  int64_t settled = tick - (tick & (KR_VOICE_POOL_SETTLE - 1));
  if (settled > v->settled) {
    v->settled = settled;
    if (settled > v->begin) {
      run_groups(run, v, settled);
      kr_shorts_settle(v, settled);
    }
    kr_voice_pool_collect(pool, settled);
  }
  uint32_t lane = kr_voice_pool_find_free(pool);
  if (pool->n_voices < pool->max && lane != KR_VOICE_POOL_NONE) return lane;
  run_groups(run, v, tick);
  kr_shorts_settle(v, tick);
  kr_voice_pool_collect(pool, tick);
  if (pool->n_voices >= pool->max) steal_voice(v, tick);
  lane = kr_voice_pool_find_free(pool);
  if (lane != KR_VOICE_POOL_NONE) return lane;
  lane = kr_voice_pool_find_faded(pool);
  drop_lane(v, lane, tick);
  return lane;
}

// Lanes, and short voices that were not found to have ended.
static uint32_t find_sounding(const KrRunVoices *v, uint32_t g) {
  uint32_t found = v->sounds[g];
  for (uint32_t left = v->shorts == NULL ? 0 : v->shorts->on[g]; left != 0; left &= left - 1) {
    uint32_t index = g * KR_LANES + (uint32_t)__builtin_ctz(left);
    if (v->pool.lanes[index].sounds && kr_shorts_has(v, index)) found |= left & -left;
  }
  return found;
}

static void release_key(KrRunVoices *v, const KrRunEvent *event, const KrSitePlace *at) {
  for (uint32_t g = 0; g < v->pool.n_groups; g++)
    for (uint32_t left = find_sounding(v, g); left != 0; left &= left - 1) {
      uint32_t index = g * KR_LANES + (uint32_t)__builtin_ctz(left);
      const KrVoiceLane *lane = &v->pool.lanes[index];
      bool is_meant = !event->has_key || (lane->has_key && lane->key == event->key);
      // At one instant off precedes on: it meant the notes before.
      if (is_meant && kr_ratio_compare(lane->time, event->time) != 0)
        release_lane(v, index, at->tick, at->residual);
    }
}

// The first note of a group that was silent.
static void wake_group(KrRunVoices *v, KrVoiceGroup *group, int64_t tick) {
  if (!group->is_own) group->done = v->begin;
  if (tick > v->begin) group->is_own = true;
  silence_group(v, group, group->done, tick);
  group->done = tick;
  group->falling = KR_VOICE_POOL_NEVER;
}

// A voice at the start of what its group has to run.
static void begin_lane(KrRunVoices *v, uint32_t index) {
  KrVoiceGroup *group = &v->groups[index / KR_LANES];
  const KrVoiceLane *lane = &v->pool.lanes[index];
  const uint32_t l = index % KR_LANES;
  group->falls &= ~(1u << l);
  group->fades &= ~(1u << l);
  if (lane->release < group->falling) group->falling = lane->release;
  kr_voices_reset(v, group, l);
  group->born[l] = lane->born;
  group->late[l] = kr_voice_late(lane);
  group->note[l] = lane->note;
  add_start(group, l, group->done);
  kr_voices_put_gate(v, group, l, false);
}

static KrStatus begin_note(KrRun *run, KrRunVoices *v, const KrRunEvent *event,
                           const KrSitePlace *onset, bool emitted) {
  KrVoicePool *pool = &v->pool;
  const int64_t tick = onset->tick;
  if (pool->open_lane != KR_VOICE_POOL_NONE)
    release_lane(v, pool->open_lane, tick, onset->residual);
  pool->open_lane = KR_VOICE_POOL_NONE;
  if (event->has_key) release_key(v, event, onset);
  uint32_t index = choose_lane(run, v, tick), g = index / KR_LANES, l = index % KR_LANES;
  KrVoiceGroup *group = &v->groups[g];
  KrVoiceLane *lane = kr_voice_pool_begin(pool, index, tick, &onset->residual, &event->time);
  lane->has_key = event->has_key;
  lane->key = event->key;
  lane->is_open = !event->has_dur && !event->has_key;
  if (lane->is_open) pool->open_lane = index;
  if (event->has_dur) {
    KrSitePlace end;
    KR_TRY(kr_site_end(v->step->site, v->node, v->clock, event, emitted, onset, &end));
    kr_voice_pool_release(lane, end.tick, end.residual);
  }
  put_note(v, run->plan->graph, index, event);
  if (v->shorts != NULL && kr_shorts_begin(v, index)) return KR_OK;
  if (v->sounds[g] == 0) wake_group(v, group, tick);
  v->sounds[g] |= (uint16_t)(1u << l);
  begin_lane(v, index);
  return KR_OK;
}

static KrStatus take_events(KrRun *run, KrRunVoices *v, int64_t tick) {
  KrSite *site = v->step->site;
  for (;;) {
    const KrRunEvent *event;
    KrSitePlace place = {0, {0, 1}};
    bool emitted = false;
    KR_TRY(kr_site_next(site, v->node, v->clock, tick, &event, &place, &emitted));
    if (event == NULL) return KR_OK;
    if (place.tick < v->begin) place = (KrSitePlace){v->begin, KR_RATIO_ZERO};
    if (event->action == KR_EVENT_ON)
      KR_TRY(begin_note(run, v, event, &place, emitted));
    else
      release_key(v, event, &place);
    kr_site_take(site);
  }
}

// ---- the slice

static void open_chunk(const KrRunVoices *v) {
  for (uint32_t c = 0; c < v->graph->n_out; c++)
    __builtin_memset(columns_of(v, c, 0), 0, (size_t)(v->end - v->begin) * kr_voice_row_bytes(v));
}

static void add_group(KrRunVoices *v, const KrVoiceGroup *group, bool direct) {
  uint32_t n = (uint32_t)(v->end - v->begin);
  for (uint32_t c = 0; c < v->graph->n_out; c++) {
    void *sum = columns_of(v, c, 0), *own = own_at(v, group, c, v->begin);
    if (direct)
      add_parts(v, c, sum);
    else
      add_rows(v, own, KR_LANES, UINT16_MAX, n, sum);
  }
}

static void close_chunk(const KrRunVoices *v, bool is_first) {
  const KrLanes *at = v->heard->at_level;
  uint32_t n = (uint32_t)(v->end - v->begin);
  for (uint32_t c = 0; c < v->graph->n_out; c++) {
    void *chunk = columns_of(v, c, 0), *all = columns_of(v, c, 1);
    if (v->elem == KR_ELEM_F32)
      at->close_f32(chunk, is_first, n, all);
    else
      at->close_f64(chunk, is_first, n, all);
  }
}

static void put_sums(const KrRunVoices *v, const KrSlice *slice, bool some) {
  const KrLanes *at = v->heard->at_level;
  for (uint32_t c = 0; c < v->graph->n_out; c++) {
    void *out = v->step->out[c];
    if (!some)
      __builtin_memset(out, 0, slice->n * kr_elem_bytes(v->elem));
    else if (v->elem == KR_ELEM_F32)
      at->fold_f32((const float *)(const void *)columns_of(v, c, 1), slice->n, out);
    else
      at->fold_f64((const double *)(const void *)columns_of(v, c, 1), slice->n, out);
  }
}

enum { CHUNK = KR_SUM_CHUNK / KR_LANES };

static bool has_lanes(const KrRunVoices *v) {
  for (uint32_t g = 0; g < v->pool.n_groups; g++)
    if (v->sounds[g] != 0 || v->groups[g].is_own) return true;
  return false;
}

// The same where all voices are short: columns of ticks.
static void close_shorts(const KrRunVoices *v, const void *sum, void *all) {
  const KrLanes *at = v->heard->at_level;
  if (v->elem == KR_ELEM_F32)
    at->close_f32(sum, false, KR_SHORT_COLUMN, all);
  else
    at->close_f64(sum, false, KR_SHORT_COLUMN, all);
}
static void fold_shorts(const KrRunVoices *v, const uint8_t *all, uint32_t n, void *out) {
  const KrLanes *at = v->heard->at_level;
  const void *in[KR_LANES];
  size_t n_bytes[KR_LANES], width = kr_elem_bytes(v->elem);
  for (uint32_t l = 0; l < KR_LANES; l++) {
    in[l] = all + l * KR_SHORT_COLUMN * width;
    n_bytes[l] = width;
  }
  if (v->elem == KR_ELEM_F32)
    at->sum_f32(in, n_bytes, KR_LANES, n, out);
  else
    at->sum_f64(in, n_bytes, KR_LANES, n, out);
}
static void finish_shorts(KrRunVoices *v, const KrSlice *slice) {
  const size_t n_bytes = KR_SHORT_COLUMN * kr_voice_row_bytes(v);
  const uint32_t n_groups = v->shorts->n_lanes / KR_LANES;
  for (uint32_t c = 0; c < v->graph->n_out; c++) {
    void *sum = columns_of(v, c, 0), *all = columns_of(v, c, 1), *out = v->step->out[c];
    bool some = false;
    for (uint32_t first = 0; first < n_groups; first += CHUNK) {
      uint32_t on = 0, end = first + CHUNK < n_groups ? first + CHUNK : n_groups;
      void *to = some ? sum : all;
      for (uint32_t g = first; g < end; g++) on |= v->shorts->on[g];
      if (on == 0) continue;
      __builtin_memset(to, 0, n_bytes);
      for (uint32_t g = first; g < end; g++) kr_shorts_add_columns(v, g, c, to);
      if (some) close_shorts(v, sum, all);
      some = true;
    }
    if (some)
      fold_shorts(v, all, slice->n, out);
    else
      __builtin_memset(out, 0, slice->n * kr_elem_bytes(v->elem));
  }
}

// Every group to the end of the slice, in order; the columns of a chunk of groups, then of all.
static void finish(KrRun *run, KrRunVoices *v, const KrSlice *slice) {
  bool some = false, open = false;
  if (v->shorts != NULL && slice->n >= KR_LANES && !has_lanes(v)) {
    finish_shorts(v, slice);
    return;
  }
  for (uint32_t g = 0; g < v->pool.n_groups; g++) {
    KrVoiceGroup *group = &v->groups[g];
    const bool lanes = v->sounds[g] != 0 || group->is_own;
    const bool shorts = v->shorts != NULL && v->shorts->on[g] != 0;
    if ((lanes || shorts) && !open) open_chunk(v);
    open |= lanes || shorts;
    if (lanes) add_group(v, group, run_group(run, v, g, v->end));
    group->is_own = false;
    for (uint32_t c = 0; shorts && c < v->graph->n_out; c++)
      kr_shorts_add(v, g, c, columns_of(v, c, 0));
    if (!open || ((g + 1) % CHUNK != 0 && g + 1 < v->pool.n_groups)) continue;
    close_chunk(v, !some);
    some = true;
    open = false;
  }
  put_sums(v, slice, some);
}

KrStatus kr_voices_run(KrRun *run, KrRunStep *step, const KrSlice *slice) {
  KrRunVoices *v = &run->voices[step->node->voices];
  v->step = step;
  v->begin = slice->tick;
  v->end = slice->tick + slice->n;
  for (uint32_t g = 0; g < v->pool.n_groups; g++)
    if (v->sounds[g] != 0) v->groups[g].done = v->begin;
  for (int64_t tick = v->begin; step->site->emits && tick + 1 < v->end; tick++)
    KR_TRY(take_events(run, v, tick));
  KR_TRY(take_events(run, v, v->end - 1));
  finish(run, v, slice);
  kr_shorts_settle(v, v->end);
  return KR_OK;
}

// ---- short voices as lanes

static void copy_lanes(const KrRunVoices *v, KrVoiceGroup *group, uint32_t lanes) {
  const KrShorts *s = v->shorts;
  for (uint32_t left = lanes; left != 0; left &= left - 1) {
    uint32_t l = (uint32_t)__builtin_ctz(left), width = kr_elem_bytes(v->elem);
    for (uint32_t i = 0; i < v->n_patches; i++) {
      const KrVoicePatch *patch = &v->patches[i];
      for (uint64_t k = 0; k < patch->count; k++) {
        size_t at = patch->offset + ((size_t)k * KR_LANES + l) * patch->width;
        __builtin_memcpy(group->memory + at, s->kept + at, patch->width);
      }
    }
    for (uint32_t i = 0; i < v->n_ends; i++) {
      size_t at = i * kr_voice_row_bytes(v) + l * width;
      __builtin_memcpy(group->levels + at, s->kept_levels + at, width);
    }
  }
}

// The lanes of a group that hold short voices run from their onsets to `tick`.
static void lengthen_group(KrRun *run, KrRunVoices *v, uint32_t index, uint32_t lanes,
                           int64_t tick) {
  KrVoiceGroup *group = &v->groups[index];
  const KrShorts *s = v->shorts;
  const uint32_t others = v->sounds[index];
  __builtin_memcpy(s->kept, group->memory, v->n_memory);
  __builtin_memcpy(s->kept_levels, group->levels, v->n_ends * kr_voice_row_bytes(v));
  group->done = tick;
  for (uint32_t l = 0; l < KR_LANES; l++)
    if ((lanes >> l & 1) != 0 && v->pool.lanes[index * KR_LANES + l].born < group->done)
      group->done = v->pool.lanes[index * KR_LANES + l].born;
  // In order of their onsets.
  for (int64_t born = group->done; born < tick; born++)
    for (uint32_t left = lanes; left != 0; left &= left - 1) {
      uint32_t lane = index * KR_LANES + (uint32_t)__builtin_ctz(left);
      if (v->pool.lanes[lane].born == born) begin_lane(v, lane);
    }
  while (group->done < tick) {
    v->sounds[index] = (uint16_t)lanes;
    int64_t until = group->done + KR_TILE < tick ? group->done + KR_TILE : tick;
    run_lanes(run, v, index, until);
    keep_levels(v, group, v->piece.n);
    keep_starts(v, group);
    group->done = until;
  }
  v->sounds[index] = (uint16_t)(lanes | others);
  copy_lanes(v, group, others);
  group->falling = 0; // look again
  for (uint32_t left = lanes; left != 0; left &= left - 1) {
    uint32_t l = (uint32_t)__builtin_ctz(left);
    if (s->voices[index * KR_LANES + l].fade != KR_VOICE_POOL_NEVER) group->fades |= 1u << l;
  }
}

void kr_voices_lengthen(KrRun *run, KrRunVoices *v, int64_t tick) {
  KrShorts *s = v->shorts;
  for (uint32_t g = 0; s != NULL && g * KR_LANES < s->n_lanes; g++) {
    uint32_t lanes = find_sounding(v, g) & ~(uint32_t)v->sounds[g];
    s->on[g] = 0;
    if (lanes != 0) lengthen_group(run, v, g, lanes, tick);
  }
}

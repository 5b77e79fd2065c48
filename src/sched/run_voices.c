// Synths: notes become voices, sixteen of which run the body's steps at a time, cut where one of
// them begins or is released; then they are added up in the order of their lanes.
#include "math/real.h"
#include "sched/run.h"

static const KrConst *to_elem(KrConst *c, KrRatio ratio, KrElem elem) {
  *c = kr_const_of(true, ratio, 0, elem);
  return c;
}

static double real_at(KrElem elem, const void *at, size_t i) {
  return elem == KR_ELEM_F32 ? (double)((const float *)at)[i] : ((const double *)at)[i];
}

static void put_real_at(KrElem elem, void *at, size_t i, double x) {
  if (elem == KR_ELEM_F32)
    ((float *)at)[i] = (float)x;
  else
    ((double *)at)[i] = x;
}

// ---- memory of a group

static void point_to(KrRunVoices *v, KrVoiceGroup *group) {
  if (v->now == group) return;
  v->now = group;
  for (uint32_t i = 0; i < v->n_patches; i++) {
    void *at = group->memory + v->patches[i].offset;
    __builtin_memcpy(v->patches[i].at, &at, sizeof at);
  }
  for (uint32_t i = 0; i < v->n_rows; i++)
    __builtin_memcpy(v->rows[i].at, group->memory + v->rows[i].offset, v->rows[i].n_bytes);
  for (uint32_t i = 0; i <= v->n_ends; i++) {
    v->calls[i].born = group->born;
    v->calls[i].late = group->late;
    v->calls[i].note = group->note;
  }
}

// An element of a row, in the group's memory and where the body's steps read it.
static void put_row(KrRunVoices *v, KrVoiceGroup *group, const KrVoiceRow *row, uint32_t lane,
                    const void *value) {
  uint32_t width = row->n_bytes / KR_LANES;
  __builtin_memcpy(group->memory + row->offset + lane * width, value, width);
  if (v->now == group) __builtin_memcpy((uint8_t *)row->at + lane * width, value, width);
}

// What a ring's last note left there: it ran the ticks born … until - 1.
static void clear_ring(const KrVoicePatch *patch, uint8_t *at, int64_t born, int64_t until) {
  int64_t length = until - born;
  if (length < 0 || (uint64_t)length >= patch->count) {
    __builtin_memset(at, 0, (size_t)patch->count * patch->width);
    return;
  }
  uint64_t first = (uint64_t)born % patch->count, left = (uint64_t)length;
  uint64_t part = patch->count - first < left ? patch->count - first : left;
  __builtin_memset(at + (size_t)first * patch->width, 0, (size_t)part * patch->width);
  __builtin_memset(at, 0, (size_t)(left - part) * patch->width);
}

// The state of the onset.
static void reset_lane(KrRunVoices *v, KrVoiceGroup *group, uint32_t lane) {
  for (uint32_t i = 0; i < v->n_patches; i++) {
    const KrVoicePatch *patch = &v->patches[i];
    uint8_t *at = group->memory + patch->offset;
    if (patch->lanes == 1) {
      at += lane * patch->n_bytes;
      if (patch->is_ring)
        clear_ring(patch, at, group->born[lane], group->until[lane]);
      else
        __builtin_memcpy(at, patch->initial, (size_t)patch->count * patch->width);
      continue;
    }
    const uint8_t *from = patch->initial;
    at += lane * patch->width;
    for (uint64_t k = 0; k < patch->count; k++) {
      if (patch->width == 4)
        __builtin_memcpy(at, from, 4);
      else if (patch->width == 8)
        __builtin_memcpy(at, from, 8);
      else
        *at = *from;
      at += KR_LANES * patch->width;
      from += KR_LANES * patch->width;
    }
  }
}

// Positions that have moved by a whole step since the onset take back the part before it.
static void take_back(KrRunVoices *v, KrVoiceGroup *group, uint32_t lane) {
  uint64_t part = (uint64_t)(group->late[lane] * 0x1p32);
  for (uint32_t i = 0; i < v->n_patches; i++) {
    const KrVoicePatch *patch = &v->patches[i];
    if (!patch->ages) continue;
    uint8_t *at = group->memory + patch->offset;
    at += patch->lanes == 1 ? lane * patch->n_bytes : lane * 8;
    for (uint64_t k = 0; k < patch->count; k++, at += patch->lanes * 8) {
      uint64_t before, after;
      __builtin_memcpy(&before, patch->initial + k * patch->lanes * 8, 8);
      __builtin_memcpy(&after, at, 8);
      int64_t step = (int64_t)(after - before);
      uint64_t size = step < 0 ? 0 - (uint64_t)step : (uint64_t)step;
      uint64_t back = (size >> 32) * part + ((size & UINT32_MAX) * part >> 32);
      after = step < 0 ? after + back : after - back;
      __builtin_memcpy(at, &after, 8);
    }
  }
}

// ---- the output of a piece

#define DEFINE_LANE(real, f)                                                                       \
  static void scale_##f(real *at, uint32_t n, real gain) {                                         \
    for (uint32_t t = 0; t < n; t++) at[t * KR_LANES] *= gain;                                     \
  }                                                                                                \
  static void silence_##f(real *at, uint32_t n) {                                                  \
    for (uint32_t t = 0; t < n; t++) at[t * KR_LANES] = 0;                                         \
  }
DEFINE_LANE(float, f32)
DEFINE_LANE(double, f64)

static size_t row_bytes(const KrRunVoices *v) { return kr_elem_bytes(v->elem) * KR_LANES; }
static uint8_t *own_at(const KrRunVoices *v, const KrVoiceGroup *group, uint32_t channel,
                       int64_t tick) {
  return group->own + (channel * KR_TILE + (size_t)(tick - v->begin)) * row_bytes(v);
}

static void scale_lane(const KrRunVoices *v, KrVoiceGroup *group, uint32_t lane, int64_t tick,
                       double gain) {
  for (uint32_t c = 0; c < v->graph->n_out; c++) {
    uint8_t *at = own_at(v, group, c, tick);
    if (v->elem == KR_ELEM_F32)
      scale_f32((float *)at + lane, 1, (float)gain);
    else
      scale_f64((double *)at + lane, 1, gain);
  }
}

static void silence_lane(const KrRunVoices *v, KrVoiceGroup *group, uint32_t lane, int64_t tick,
                         uint32_t n) {
  for (uint32_t c = 0; c < v->graph->n_out; c++) {
    uint8_t *at = own_at(v, group, c, tick);
    if (v->elem == KR_ELEM_F32)
      silence_f32((float *)at + lane, n);
    else
      silence_f64((double *)at + lane, n);
  }
}

// The sounding lanes of a piece, +0 in the others.
static void copy_piece(KrRunVoices *v, KrVoiceGroup *group, uint32_t lanes, uint32_t n) {
  for (uint32_t c = 0; c < v->graph->n_out; c++) {
    const void *from = v->heard->in_base[c];
    uint32_t stride = v->heard->in_bytes[c] == 0 ? 0 : KR_LANES;
    void *to = own_at(v, group, c, group->done);
    __builtin_memset(to, 0, n * row_bytes(v));
    if (v->elem == KR_ELEM_F32)
      v->heard->at_level->add_some_f32(from, stride, lanes, n, to);
    else
      v->heard->at_level->add_some_f64(from, stride, lanes, n, to);
  }
}

// Ticks before the group's first voice of the slice, or after its last one.
static void silence_group(KrRunVoices *v, KrVoiceGroup *group, int64_t from, int64_t until) {
  if (until <= from) return;
  for (uint32_t c = 0; c < v->graph->n_out; c++)
    __builtin_memset(own_at(v, group, c, from), 0, (size_t)(until - from) * row_bytes(v));
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
    if (v->heard->in_bytes[k] != 0) from += (n - 1) * row_bytes(v);
    __builtin_memcpy(group->levels + i * row_bytes(v), from, row_bytes(v));
  }
}

void kr_voices_levels(KrRunVoices *v) {
  for (uint32_t g = 0; g < v->pool.n_groups; g++)
    for (uint32_t left = v->sounds[g]; left != 0; left &= left - 1) {
      uint32_t l = (uint32_t)__builtin_ctz(left);
      double level = v->n_ends == 0;
      for (uint32_t i = 0; i < v->n_ends; i++) {
        double x = kr_f64_abs(real_at(v->elem, v->groups[g].levels, i * KR_LANES + l));
        level = x > level ? x : level;
      }
      // What has not been heard yet is the last to go.
      KrVoiceLane *lane = &v->pool.lanes[g * KR_LANES + l];
      lane->level = v->groups[g].done > lane->born ? level : (double)__builtin_inf();
    }
}

// What this piece's output is multiplied by in a voice that begins, ends or fades in it.
static void shape_lane(KrRunVoices *v, KrVoiceGroup *group, uint32_t lane, const KrVoiceLane *at,
                       uint32_t n) {
  KrConst part;
  if ((group->starts >> lane & 1) != 0) {
    to_elem(&part, at->late, v->elem);
    scale_lane(v, group, lane, group->done, 1 - real_at(v->elem, &part.as, 0));
  }
  if (v->n_ends == 0 && at->release == group->done && at->release_late.num != 0) {
    to_elem(&part, at->release_late, v->elem);
    scale_lane(v, group, lane, group->done, real_at(v->elem, &part.as, 0));
  }
  for (uint32_t t = 0; at->fade <= group->done && t < n; t++) {
    int64_t left = v->fade_ticks - (group->done + t - at->fade);
    if (left > 0) scale_lane(v, group, lane, group->done + t, (double)left / (double)v->fade_ticks);
  }
  if (!at->sounds && at->end < group->done + n) {
    int64_t from = at->end > group->done ? at->end : group->done;
    silence_lane(v, group, lane, from, (uint32_t)(group->done + n - from));
  }
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

// Notes what ended in n ticks from group->done; true when some voice begins, ends or fades in them.
static bool settle_lanes(KrRunVoices *v, uint32_t index, uint32_t n) {
  KrVoiceGroup *group = &v->groups[index];
  const int64_t until = group->done + n;
  uint32_t left = find_ending(v, index, until);
  bool shaped = group->starts != 0 || left != 0;
  for (; left != 0; left &= left - 1) {
    uint32_t l = (uint32_t)__builtin_ctz(left);
    KrVoiceLane *lane = &v->pool.lanes[index * KR_LANES + l];
    int64_t end = find_end(v, lane, l);
    if (end >= until) continue;
    lane->sounds = false;
    lane->end = end > group->done ? end : group->done;
    if (lane->end <= lane->born) lane->end = lane->born + 1;
    v->sounds[index] &= (uint16_t) ~(1u << l);
    group->until[l] = until;
  }
  keep_levels(v, group, n);
  return shaped;
}

// n ticks of a group's body, its output to `own` unless `whole` and no voice begins, ends or fades.
static bool run_piece(KrRun *run, KrRunVoices *v, uint32_t index, uint32_t n, bool whole) {
  KrVoiceGroup *group = &v->groups[index];
  uint32_t lanes = v->sounds[index];
  KrSlice slice = {group->done, group->done, 0, n, true, true};
  point_to(v, group);
  for (uint32_t i = 0; i <= v->n_ends; i++) v->calls[i].lanes = lanes;
  v->at = group->done;
  kr_unit_run(run, v->body, &slice);
  bool shaped = settle_lanes(v, index, n);
  if (whole && !shaped) return true;
  copy_piece(v, group, lanes, n);
  for (uint32_t left = shaped ? lanes : 0; left != 0; left &= left - 1) {
    uint32_t l = (uint32_t)__builtin_ctz(left);
    shape_lane(v, group, l, &v->pool.lanes[index * KR_LANES + l], n);
  }
  for (uint32_t left = group->starts; left != 0; left &= left - 1)
    take_back(v, group, (uint32_t)__builtin_ctz(left));
  group->starts = 0;
  group->is_own = true;
  return false;
}

// ---- rows

static void put_real(KrRunVoices *v, KrVoiceGroup *group, const KrVoiceRow *row, uint32_t lane,
                     KrRatio ratio) {
  KrConst c;
  put_row(v, group, row, lane, &to_elem(&c, ratio, v->elem)->as);
}

// The gate of a lane, with what its onset and release are late.
static void put_gate(KrRunVoices *v, uint32_t index, bool on) {
  const KrVoiceLane *lane = &v->pool.lanes[index];
  KrVoiceGroup *group = &v->groups[index / KR_LANES];
  for (uint32_t i = 0; i < v->n_rows; i++) {
    if (v->rows[i].node->voice != KR_VOICE_GATE) continue;
    KrRatio value = v->rows[i].port == 0   ? kr_ratio_of(on)
                    : v->rows[i].port == 1 ? lane->late
                    : on                   ? KR_RATIO_ZERO
                                           : lane->release_late;
    put_real(v, group, &v->rows[i], index % KR_LANES, value);
  }
}

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
      to_elem(&value, event->dur, v->elem);
    else if (node->voice == KR_VOICE_DUR)
      value = kr_const_of(false, KR_RATIO_ZERO, (double)__builtin_inf(), v->elem);
    if (node->voice != KR_VOICE_GATE)
      put_row(v, &v->groups[index / KR_LANES], &v->rows[i], index % KR_LANES, &value.as);
  }
}

// ---- a group to a tick

// The gates that fall at `done` fall; then the next one to fall.
static void fall(KrRunVoices *v, uint32_t index) {
  KrVoiceGroup *group = &v->groups[index];
  group->falling = KR_VOICE_POOL_NEVER;
  for (uint32_t left = v->sounds[index] & ~group->falls; left != 0; left &= left - 1) {
    uint32_t l = (uint32_t)__builtin_ctz(left);
    const KrVoiceLane *lane = &v->pool.lanes[index * KR_LANES + l];
    if (lane->release == group->done) {
      group->falls |= 1u << l;
      // What no envelope ends is held until it is cut, between two ticks.
      if (v->n_ends == 0)
        group->is_cut = true;
      else
        put_gate(v, index * KR_LANES + l, false);
    } else if (lane->release < group->falling) {
      group->falling = lane->release;
    }
  }
}

// The next tick after `done` at which the group is cut, at most `until`.
static int64_t next_edge(KrRunVoices *v, uint32_t index, int64_t until) {
  KrVoiceGroup *group = &v->groups[index];
  group->is_cut = group->starts != 0;
  if (group->falling <= group->done) fall(v, index);
  if (group->is_cut) return group->done + 1;
  return group->falling < until ? group->falling : until;
}

// True when the whole slice ran at once and its output is still where the body left it.
static bool run_group(KrRun *run, KrRunVoices *v, uint32_t index, int64_t until) {
  KrVoiceGroup *group = &v->groups[index];
  while (group->done < until && v->sounds[index] != 0) {
    int64_t edge = next_edge(v, index, until);
    bool whole = !group->is_own && group->done == v->begin && edge == v->end;
    bool direct = run_piece(run, v, index, (uint32_t)(edge - group->done), whole);
    group->done = edge;
    if (direct) return true;
  }
  if (group->is_own) silence_group(v, group, group->done, until);
  group->done = until;
  return false;
}

static void run_groups(KrRun *run, KrRunVoices *v, int64_t until) {
  for (uint32_t g = 0; g < v->pool.n_groups; g++)
    if (v->sounds[g] != 0 && v->groups[g].done < until) {
      v->groups[g].is_own = true;
      run_group(run, v, g, until);
    }
}

// ---- notes

static void steal_voice(KrRunVoices *v, int64_t tick) {
  kr_voices_levels(v);
  uint32_t lane = kr_voice_pool_find_victim(&v->pool, tick);
  kr_voice_pool_steal(&v->pool, lane, tick);
  v->groups[lane / KR_LANES].fades |= 1u << lane % KR_LANES;
  if (v->pool.open_lane == lane) v->pool.open_lane = KR_VOICE_POOL_NONE;
}

static void release_lane(KrRunVoices *v, uint32_t lane, int64_t tick, KrRatio late) {
  KrVoiceGroup *group = &v->groups[lane / KR_LANES];
  kr_voice_pool_release(&v->pool.lanes[lane], tick, late);
  if (v->pool.lanes[lane].release < group->falling) group->falling = v->pool.lanes[lane].release;
}

// Free lanes are collected at multiples of 64 ticks, so that groups are not cut to look for them;
// and where none is left.
static uint32_t choose_lane(KrRun *run, KrRunVoices *v, int64_t tick) {
  KrVoicePool *pool = &v->pool;
  int64_t settled = tick - (tick & (KR_VOICE_POOL_SETTLE - 1));
  if (settled > v->settled) {
    v->settled = settled;
    if (settled > v->begin) run_groups(run, v, settled);
    kr_voice_pool_collect(pool, settled);
  }
  uint32_t lane = kr_voice_pool_find_free(pool);
  if (pool->n_voices < pool->max && lane != KR_VOICE_POOL_NONE) return lane;
  run_groups(run, v, tick);
  kr_voice_pool_collect(pool, tick);
  if (pool->n_voices >= pool->max) steal_voice(v, tick);
  lane = kr_voice_pool_find_free(pool);
  if (lane != KR_VOICE_POOL_NONE) return lane;
  lane = kr_voice_pool_find_faded(pool);
  kr_voice_pool_drop(pool, lane, tick);
  v->groups[lane / KR_LANES].until[lane % KR_LANES] = tick;
  v->sounds[lane / KR_LANES] &= (uint16_t) ~(1u << lane % KR_LANES);
  return lane;
}

static void release_key(KrRunVoices *v, const KrRunEvent *event, int64_t tick, KrRatio late) {
  for (uint32_t g = 0; g < v->pool.n_groups; g++)
    for (uint32_t left = v->sounds[g]; left != 0; left &= left - 1) {
      uint32_t index = g * KR_LANES + (uint32_t)__builtin_ctz(left);
      const KrVoiceLane *lane = &v->pool.lanes[index];
      bool is_meant = !event->has_key || (lane->has_key && lane->key == event->key);
      // At one instant off precedes on: it meant the notes before.
      if (is_meant && kr_ratio_compare(lane->time, event->time) != 0)
        release_lane(v, index, tick, late);
    }
}

static KrStatus begin_note(KrRun *run, KrRunVoices *v, const KrRunEvent *event, int64_t tick,
                           KrRatio late, bool emitted) {
  KrVoicePool *pool = &v->pool;
  if (pool->open_lane != KR_VOICE_POOL_NONE) release_lane(v, pool->open_lane, tick, late);
  pool->open_lane = KR_VOICE_POOL_NONE;
  if (event->has_key) release_key(v, event, tick, late);
  uint32_t index = choose_lane(run, v, tick), g = index / KR_LANES, l = index % KR_LANES;
  KrVoiceGroup *group = &v->groups[g];
  if (v->sounds[g] == 0) {
    if (!group->is_own) group->done = v->begin;
    group->is_own = true;
    silence_group(v, group, group->done, tick);
    group->done = tick;
  }
  group->is_own = group->is_own || tick > v->begin;
  run_group(run, v, g, tick);
  reset_lane(v, group, l);
  KrVoiceLane *lane = kr_voice_pool_begin(pool, index, tick, late, event->time);
  lane->has_key = event->has_key;
  lane->key = event->key;
  lane->is_open = !event->has_dur && !event->has_key;
  if (lane->is_open) pool->open_lane = index;
  const uint32_t bit = 1u << l;
  if (v->sounds[g] == 0) group->falling = KR_VOICE_POOL_NEVER;
  group->falls &= ~bit;
  group->fades &= ~bit;
  if (event->has_dur) {
    KrSitePlace end;
    KR_TRY(kr_site_end(v->node, v->clock, event, emitted, &end));
    release_lane(v, index, end.tick, end.residual);
  }
  KrConst part;
  group->born[l] = tick;
  group->late[l] = to_elem(&part, late, KR_ELEM_F64)->as.f64;
  group->note[l] = lane->note;
  v->sounds[g] |= (uint16_t)bit;
  if (late.num != 0) group->starts |= bit;
  put_gate(v, index, true);
  put_note(v, run->plan->graph, index, event);
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
      KR_TRY(begin_note(run, v, event, place.tick, place.residual, emitted));
    else
      release_key(v, event, place.tick, place.residual);
    kr_site_take(site);
  }
}

// ---- the slice

static void add_rows(const KrRunVoices *v, const void *from, uint32_t stride, uint32_t lanes,
                     bool opens, void *sum) {
  const KrLanes *at = v->heard->at_level;
  uint32_t n = (uint32_t)(v->end - v->begin);
  if (opens) __builtin_memset(sum, 0, n * row_bytes(v));
  if (v->elem == KR_ELEM_F32 && lanes == UINT16_MAX)
    at->add_f32(from, stride, KR_LANES, false, n, sum);
  else if (v->elem == KR_ELEM_F32)
    at->add_some_f32(from, stride, lanes, n, sum);
  else if (lanes == UINT16_MAX)
    at->add_f64(from, stride, KR_LANES, false, n, sum);
  else
    at->add_some_f64(from, stride, lanes, n, sum);
}

static uint8_t *columns_of(const KrRunVoices *v, uint32_t channel, uint32_t which) {
  return v->columns + (2 * channel + which) * KR_TILE * row_bytes(v);
}

static void add_group(KrRunVoices *v, const KrVoiceGroup *group, uint32_t lanes, bool opens) {
  for (uint32_t c = 0; c < v->graph->n_out; c++) {
    uint32_t stride = v->heard->in_bytes[c] == 0 ? 0 : KR_LANES;
    if (lanes == 0)
      add_rows(v, own_at(v, group, c, v->begin), KR_LANES, UINT16_MAX, opens, columns_of(v, c, 0));
    else
      add_rows(v, v->heard->in_base[c], stride, lanes, opens, columns_of(v, c, 0));
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

// Every group to the end of the slice, in order; the columns of a chunk of groups, then of all.
static void finish(KrRun *run, KrRunVoices *v, const KrSlice *slice) {
  enum { CHUNK = KR_SUM_CHUNK / KR_LANES };
  bool some = false, open = false;
  for (uint32_t g = 0; g < v->pool.n_groups; g++) {
    KrVoiceGroup *group = &v->groups[g];
    uint32_t lanes = v->sounds[g];
    if (lanes != 0 || group->is_own) {
      bool direct = run_group(run, v, g, v->end);
      add_group(v, group, direct ? lanes : 0, !open);
      open = true;
      group->is_own = false;
    }
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
  return KR_OK;
}

// ---- what the body's steps ask for

static void put_ages(const KrRunVoices *v, const KrRunStep *step, const KrSlice *slice) {
  const KrRatio dt = v->clock->dt;
  const double seconds = (double)dt.num / (double)dt.den;
  for (uint32_t t = 0; t < slice->n; t++)
    for (uint32_t l = 0; l < KR_LANES; l++) {
      double ticks = (double)(slice->tick + t - v->now->born[l]) - v->now->late[l];
      double age = (ticks > 0 ? ticks : 0) * seconds;
      if (v->elem == KR_ELEM_F32)
        ((float *)step->out[0])[t * KR_LANES + l] = (float)age;
      else
        ((double *)step->out[0])[t * KR_LANES + l] = age;
    }
}

void kr_voices_input(KrRun *run, KrRunStep *step, const KrSlice *slice) {
  const KrRunVoices *v = &run->voices[step->node->voices];
  if (step->node->voice == KR_VOICE_AGE) put_ages(v, step, slice);
  if (step->node->voice != KR_VOICE_STREAM) return;
  uint32_t k = step->node->input;
  size_t n_bytes = v->step->in_bytes[k];
  const uint8_t *from = (const uint8_t *)v->step->in[k] + (size_t)(v->at - v->begin) * n_bytes;
  step->at_level->spread(kr_elem_bytes(step->node->type.elem), from, n_bytes == 0, slice->n,
                         step->out[0]);
}

void kr_voices_apart(KrRun *run, KrRunStep *step, const KrSlice *slice) {
  enum { MOST = 4 * KR_MAX_PORTS };
  const KrRunVoices *v = &run->voices[run->plan->graph->flows[step->node->flow].voices];
  uint64_t in[MOST][KR_TILE], out[KR_MAX_OUTS][KR_TILE];
  const void *ins[MOST];
  void *outs[KR_MAX_OUTS], *field[KR_MAX_FIELDS];
  KrCallVoice voice;
  KrCall call = step->call;
  call.n = slice->n;
  call.tick = slice->inner;
  call.lanes = 1;
  call.in = ins;
  call.out = outs;
  call.field = field;
  call.held_out = NULL;
  call.voice = &voice;
  for (uint32_t k = 0; k < step->n_out; k++) {
    outs[k] = out[k];
    __builtin_memset(step->out[k], 0, slice->n * step->out_bytes[k]);
  }
  for (uint32_t left = v->sounds[v->now - v->groups]; left != 0; left &= left - 1) {
    uint32_t l = (uint32_t)__builtin_ctz(left);
    voice = *step->call.voice;
    voice.born += l;
    voice.late += l;
    voice.note += l;
    voice.end += l;
    voice.lanes = 1;
    for (uint32_t k = 0; k < step->n_in; k++) {
      uint32_t width = kr_elem_bytes(step->call.in_type[k].elem);
      bool held = step->in_bytes[k] == 0;
      ins[k] = step->in[k] == NULL ? NULL : in[k];
      if (step->in[k] != NULL)
        step->at_level->pick(width, step->in[k], held, l, held ? 1 : slice->n, in[k]);
    }
    for (uint32_t f = 0; f < step->plan->n_fields; f++) {
      field[f] = step->field[f];
      if (step->node->op->field[f].flags & KR_FIELD_COEF) continue;
      size_t n_bytes = (size_t)step->plan->field_count[f] * kr_step_field_bytes(step->node, f);
      field[f] = (uint8_t *)step->field[f] + l * ((n_bytes + 7) / 8 * 8);
    }
    step->kernel(&call);
    for (uint32_t k = 0; k < step->n_out; k++)
      step->at_level->put(kr_elem_bytes(step->node->type.elem), out[k], 1, slice->n, step->out[k],
                          l);
  }
}

// ---- preparation

static size_t field_lane_bytes(const KrRunStep *step, uint32_t f) {
  size_t n_bytes = (size_t)step->plan->field_count[f] * kr_step_field_bytes(step->node, f);
  return step->is_apart ? (n_bytes + 7) / 8 * 8 : n_bytes;
}

static uint32_t count_patches(const KrRunUnit *body) {
  uint32_t n = 0;
  for (uint32_t s = 0; s < body->plan->n_steps; s++) {
    const KrRunStep *step = &body->steps[s];
    if (step->node == NULL) continue;
    n += step->node->kind == KR_NODE_OP ? step->plan->n_fields : 1;
  }
  return n;
}

static void add_patch(KrRunVoices *v, KrVoicePatch patch, size_t *n_bytes) {
  size_t lane = patch.lanes == 1 ? patch.n_bytes : (size_t)patch.count * patch.width;
  patch.offset = (*n_bytes + 63) / 64 * 64;
  *n_bytes = patch.offset + lane * KR_LANES;
  v->patches[v->n_patches++] = patch;
}

static void add_step(KrRun *run, KrRunVoices *v, KrRunStep *step, size_t *n_bytes) {
  if (step->node->kind == KR_NODE_PREV) {
    uint32_t width = kr_elem_bytes(step->node->type.elem);
    add_patch(v,
              (KrVoicePatch){.at = (void **)(void *)&step->before,
                             .node = step->node,
                             .initial = step->initial,
                             .count = 1,
                             .elem = step->node->type.elem,
                             .width = width,
                             .lanes = KR_LANES},
              n_bytes);
  }
  for (uint32_t f = 0; step->node->kind == KR_NODE_OP && f < step->plan->n_fields; f++) {
    uint32_t flags = step->node->op->field[f].flags, width = kr_step_field_bytes(step->node, f);
    if (flags & KR_FIELD_COEF) continue;
    uint64_t count = step->plan->field_count[f];
    int elem = step->node->op->field[f].elem;
    size_t size = (size_t)count * width * (step->is_apart ? 1 : KR_LANES);
    add_patch(v,
              (KrVoicePatch){.at = &step->field[f],
                             .node = step->node,
                             .field = f,
                             .initial = kr_arena_copy(run->arena, step->field[f], size),
                             .n_bytes = field_lane_bytes(step, f),
                             .count = count,
                             .elem = elem == KR_ELEM_CALL ? step->node->elem : (KrElem)elem,
                             .width = width,
                             .lanes = step->is_apart ? 1 : KR_LANES,
                             .is_ring = (flags & KR_FIELD_RING) != 0,
                             .ages = (flags & KR_FIELD_AGES) != 0},
              n_bytes);
  }
}

static void add_rows_of(KrRunVoices *v, const KrRun *run, const KrRunStep *step, size_t *n_bytes) {
  if (!kr_plan_is_voice_held(step->node)) return;
  for (uint32_t port = 0; port < step->n_out; port++) {
    KrType type = kr_graph_type(run->plan->graph, (KrRef){step->plan->node, port});
    KrVoiceRow *row = &v->rows[v->n_rows++];
    *row = (KrVoiceRow){step->node, port, kr_elem_bytes(type.elem) * KR_LANES,
                        run->buffer[step->plan->out + port], (*n_bytes + 63) / 64 * 64};
    *n_bytes = row->offset + row->n_bytes;
  }
}

static void prepare_calls(KrRun *run, KrRunVoices *v) {
  KrRunUnit *body = v->body;
  v->n_ends = v->heard->n_in - v->graph->n_out;
  v->calls = KR_NEW_ARRAY(run->arena, KrCallVoice, v->n_ends + 1);
  v->settled = -1;
  v->ends = kr_arena_array(run->arena, v->n_ends + 1, sizeof *v->ends);
  for (uint32_t s = 0; s < body->plan->n_steps; s++) {
    KrRunStep *step = &body->steps[s];
    if (step->node == NULL || step->node->kind != KR_NODE_OP) continue;
    uint32_t call = v->n_ends;
    // In the order in which the plan lists them.
    for (uint32_t i = 0; i < v->n_ends; i++)
      if (v->heard->plan->in[v->graph->n_out + i] == step->plan->out) call = i;
    v->calls[call].end = v->ends[call];
    step->call.voice = &v->calls[call];
  }
}

static KrStatus prepare_voices(KrRun *run, KrRunVoices *v, const KrVoices *graph) {
  KrRunUnit *body = &run->units[run->plan->flows[graph->body].unit[0]];
  const KrFlow *host = &run->plan->graph->flows[graph->host];
  size_t n_bytes = 0;
  *v = (KrRunVoices){.graph = graph,
                     .fields = run->plan->graph->events[graph->events].fields,
                     .node = &run->plan->graph->nodes[graph->node],
                     .clock = &host->clock,
                     .elem = run->plan->graph->nodes[graph->node].type.elem,
                     .body = body};
  for (uint32_t s = 0; s < body->plan->n_steps; s++)
    if (body->steps[s].plan->kind == KR_STEP_VOICES) v->heard = &body->steps[s];
  uint32_t n = count_patches(body);
  v->patches = KR_NEW_ARRAY(run->arena, KrVoicePatch, n);
  v->rows = KR_NEW_ARRAY(run->arena, KrVoiceRow, 3 * (size_t)n);
  for (uint32_t s = 0; s < body->plan->n_steps; s++) {
    KrRunStep *step = &body->steps[s];
    if (step->node == NULL) continue;
    add_step(run, v, step, &n_bytes);
    if (step->node->kind == KR_NODE_VOICE) add_rows_of(v, run, step, &n_bytes);
  }
  prepare_calls(run, v);
  KrRatio fade;
  KR_TRY(kr_ratio_div((KrRatio){1, 200}, host->clock.dt, &fade));
  v->fade_ticks = kr_ratio_floor(fade) > 1 ? kr_ratio_floor(fade) : 1;
  kr_voice_pool_prepare(&v->pool, run->arena, graph->max);
  v->sounds = KR_NEW_ARRAY(run->arena, uint16_t, v->pool.n_groups);
  v->groups = KR_NEW_ARRAY(run->arena, KrVoiceGroup, v->pool.n_groups);
  size_t tile = (size_t)KR_TILE * row_bytes(v) * graph->n_out;
  v->columns = kr_arena_alloc(run->arena, 2 * tile);
  for (uint32_t g = 0; g < v->pool.n_groups; g++) {
    v->groups[g].memory = kr_arena_alloc(run->arena, n_bytes + 64);
    v->groups[g].own = kr_arena_alloc(run->arena, tile);
    v->groups[g].levels = kr_arena_alloc(run->arena, (v->n_ends + 1) * row_bytes(v));
    v->groups[g].falling = KR_VOICE_POOL_NEVER;
    for (uint32_t l = 0; l < KR_LANES; l++) reset_lane(v, &v->groups[g], l);
  }
  return KR_OK;
}

KrStatus kr_voices_prepare(KrRun *run) {
  const KrGraph *graph = run->plan->graph;
  run->voices = KR_NEW_ARRAY(run->arena, KrRunVoices, graph->n_voices);
  for (uint32_t i = 0; i < graph->n_voices; i++)
    KR_TRY(prepare_voices(run, &run->voices[i], &graph->voices[i]));
  return KR_OK;
}

void kr_voices_clear(KrRunVoices *v, uint32_t lane) {
  KrVoiceGroup *group = &v->groups[lane / KR_LANES];
  const uint32_t l = lane % KR_LANES;
  v->pool.taken[lane / KR_LANES] &= (uint16_t) ~(1u << l);
  v->pool.lanes[lane].sounds = false;
  group->born[l] = 0;
  group->until[l] = INT64_MAX;
}

void kr_voices_place(KrRunVoices *v, int64_t tick) {
  v->now = NULL;
  v->settled = -1;
  kr_voice_pool_recount(&v->pool);
  for (uint32_t g = 0; g < v->pool.n_groups; g++) {
    KrVoiceGroup *group = &v->groups[g];
    group->falls = group->fades = group->starts = 0;
    group->falling = KR_VOICE_POOL_NEVER;
    group->done = tick;
    v->sounds[g] = 0;
    for (uint32_t l = 0; l < KR_LANES; l++) {
      const KrVoiceLane *lane = &v->pool.lanes[g * KR_LANES + l];
      const uint32_t bit = 1u << l;
      KrConst late;
      if (!lane->sounds) continue;
      group->born[l] = lane->born;
      group->late[l] = to_elem(&late, lane->late, KR_ELEM_F64)->as.f64;
      group->note[l] = lane->note;
      v->sounds[g] |= (uint16_t)bit;
      if (lane->fade != KR_VOICE_POOL_NEVER) group->fades |= bit;
      if (lane->release < tick)
        group->falls |= bit;
      else if (lane->release < group->falling)
        group->falling = lane->release;
      if (v->n_ends > 0) put_gate(v, g * KR_LANES + l, lane->release >= tick);
      if (v->n_ends > 0) put_real_at(v->elem, group->levels, l, lane->level);
    }
  }
}

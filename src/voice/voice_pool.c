// Which lane a note gets: free ones first, from the lowest; a voice in use only when there is none.
#include "voice/voice_pool.h"

uint32_t kr_voice_pool_groups(uint32_t max) {
  uint32_t spare = max < KR_VOICE_POOL_LANES ? KR_VOICE_POOL_LANES : max;
  return (max + spare + KR_VOICE_POOL_LANES - 1) / KR_VOICE_POOL_LANES;
}

void kr_voice_pool_prepare(KrVoicePool *pool, KrArena *arena, uint32_t max) {
  uint32_t n_groups = kr_voice_pool_groups(max), n = n_groups * KR_VOICE_POOL_LANES;
  *pool = (KrVoicePool){.lanes = KR_NEW_ARRAY(arena, KrVoiceLane, n),
                        .taken = KR_NEW_ARRAY(arena, uint16_t, n_groups),
                        .over = KR_NEW_ARRAY(arena, uint16_t, n_groups),
                        .n_groups = n_groups,
                        .max = max,
                        .open_lane = KR_VOICE_POOL_NONE};
  for (uint32_t l = 0; l < n; l++) {
    KrVoiceLane *lane = &pool->lanes[l];
    lane->late = lane->time = lane->release_late = KR_RATIO_ZERO;
    lane->release = lane->fade = KR_VOICE_POOL_NEVER;
  }
}

static uint16_t bit_of(uint32_t lane) { return (uint16_t)(1u << lane % KR_VOICE_POOL_LANES); }

static void give_back(KrVoicePool *pool, uint32_t lane) {
  pool->taken[lane / KR_VOICE_POOL_LANES] &= (uint16_t)~bit_of(lane);
  pool->over[lane / KR_VOICE_POOL_LANES] &= (uint16_t)~bit_of(lane);
  pool->n_voices -= pool->lanes[lane].fade == KR_VOICE_POOL_NEVER;
}

static bool is_taken(const KrVoicePool *pool, uint32_t lane) {
  return (pool->taken[lane / KR_VOICE_POOL_LANES] & bit_of(lane)) != 0;
}

void kr_voice_pool_collect(KrVoicePool *pool, int64_t tick) {
  for (uint32_t g = 0; g < pool->n_groups; g++)
    for (uint32_t over = pool->over[g]; over != 0; over &= over - 1) {
      uint32_t lane = g * KR_VOICE_POOL_LANES + (uint32_t)__builtin_ctz(over);
      if (pool->lanes[lane].end < tick) give_back(pool, lane);
    }
}

uint32_t kr_voice_pool_find_free(const KrVoicePool *pool) {
  for (uint32_t g = 0; g < pool->n_groups; g++)
    if (pool->taken[g] != UINT16_MAX)
      return g * KR_VOICE_POOL_LANES + (uint32_t)__builtin_ctz(~(uint32_t)pool->taken[g]);
  return KR_VOICE_POOL_NONE;
}

// Does `a` lose its voice rather than `b`?
static bool goes_before(const KrVoiceLane *a, const KrVoiceLane *b, int64_t tick) {
  if (a->release <= tick || b->release <= tick) return a->release < b->release;
  if (a->level < b->level || b->level < a->level) return a->level < b->level;
  return a->born < b->born;
}

uint32_t kr_voice_pool_find_victim(const KrVoicePool *pool, int64_t tick) {
  uint32_t found = KR_VOICE_POOL_NONE;
  for (uint32_t l = 0; l < pool->n_groups * KR_VOICE_POOL_LANES; l++) {
    const KrVoiceLane *lane = &pool->lanes[l];
    if (!lane->sounds || lane->fade != KR_VOICE_POOL_NEVER) continue;
    if (found == KR_VOICE_POOL_NONE || goes_before(lane, &pool->lanes[found], tick)) found = l;
  }
  return found;
}

uint32_t kr_voice_pool_find_faded(const KrVoicePool *pool) {
  uint32_t found = KR_VOICE_POOL_NONE;
  for (uint32_t l = 0; l < pool->n_groups * KR_VOICE_POOL_LANES; l++) {
    const KrVoiceLane *lane = &pool->lanes[l];
    if (!is_taken(pool, l) || lane->fade == KR_VOICE_POOL_NEVER) continue;
    if (found == KR_VOICE_POOL_NONE || lane->fade < pool->lanes[found].fade) found = l;
  }
  return found;
}

void kr_voice_pool_steal(KrVoicePool *pool, uint32_t lane, int64_t tick) {
  pool->lanes[lane].fade = tick;
  pool->n_voices--;
  pool->n_stolen++;
}

void kr_voice_pool_end(KrVoicePool *pool, uint32_t lane, int64_t tick) {
  pool->lanes[lane].sounds = false;
  pool->lanes[lane].end = tick;
  pool->over[lane / KR_VOICE_POOL_LANES] |= bit_of(lane);
}

void kr_voice_pool_drop(KrVoicePool *pool, uint32_t lane, int64_t tick) {
  kr_voice_pool_end(pool, lane, tick);
  give_back(pool, lane);
}

KrVoiceLane *kr_voice_pool_begin(KrVoicePool *pool, uint32_t lane, int64_t tick,
                                 const KrRatio *late, const KrRatio *time) {
  pool->taken[lane / KR_VOICE_POOL_LANES] |= (uint16_t)(1u << lane % KR_VOICE_POOL_LANES);
  pool->n_voices++;
  // Field by field: a literal would be cleared as a whole first, which takes longer.
  KrVoiceLane *to = &pool->lanes[lane];
  to->sounds = true;
  to->has_key = to->is_open = false;
  to->key = 0;
  to->born = tick;
  to->late = *late;
  to->time = *time;
  to->release = KR_VOICE_POOL_NEVER;
  to->release_late = KR_RATIO_ZERO;
  to->fade = KR_VOICE_POOL_NEVER;
  to->end = 0;
  to->level = 0;
  to->note = (uint32_t)pool->n_notes++;
  return to;
}

void kr_voice_pool_release(KrVoiceLane *lane, int64_t tick, KrRatio late) {
  if (lane->release <= tick) return;
  bool is_whole = tick <= lane->born;
  lane->release = is_whole ? lane->born + 1 : tick;
  lane->release_late = is_whole ? KR_RATIO_ZERO : late;
}

void kr_voice_pool_recount(KrVoicePool *pool) {
  pool->n_voices = 0;
  pool->open_lane = KR_VOICE_POOL_NONE;
  for (uint32_t l = 0; l < pool->n_groups * KR_VOICE_POOL_LANES; l++) {
    const KrVoiceLane *lane = &pool->lanes[l];
    pool->over[l / KR_VOICE_POOL_LANES] &= (uint16_t)~bit_of(l);
    if (!is_taken(pool, l)) continue;
    if (!lane->sounds) pool->over[l / KR_VOICE_POOL_LANES] |= bit_of(l);
    pool->n_voices += lane->fade == KR_VOICE_POOL_NEVER;
    if (lane->sounds && lane->is_open && lane->release == KR_VOICE_POOL_NEVER) pool->open_lane = l;
  }
}

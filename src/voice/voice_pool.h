/// Who plays a note: the voices of one synth as lanes, and which of them is free, taken from
/// another note, or fading. Decides by facts of the program alone: ticks, levels, lane numbers.
#ifndef KR_VOICE_VOICE_POOL_H
#define KR_VOICE_VOICE_POOL_H
#include "base/arena.h"
#include "time/ratio.h"

enum { KR_VOICE_POOL_LANES = 16, KR_VOICE_POOL_SETTLE = 64 };
#define KR_VOICE_POOL_NEVER INT64_MAX
#define KR_VOICE_POOL_NONE UINT32_MAX

/// A lane and the note it plays or played last.
typedef struct KrVoiceLane {
  bool sounds; ///< from its onset until `end`
  bool has_key;
  bool is_open;    ///< it lasts until the next note
  int64_t key;     ///< has_key
  int64_t born;    ///< tick of the onset
  KrRatio late;    ///< its residual, 0 to below 1
  KrRatio time;    ///< of the onset, seconds
  int64_t release; ///< tick from which the gate is 0, KR_VOICE_POOL_NEVER: not known
  KrRatio release_late;
  int64_t fade;  ///< tick at which another note took its voice, KR_VOICE_POOL_NEVER: none did
  int64_t end;   ///< !sounds: first silent tick
  double level;  ///< of its envelope in the newest tick
  uint32_t note; ///< sequence number
} KrVoiceLane;

typedef struct KrVoicePool {
  KrVoiceLane *lanes;
  // Per group, bit per lane: not to be given away; of these, silent by now.
  uint16_t *taken, *over;
  uint32_t n_groups;  ///< of KR_VOICE_POOL_LANES
  uint32_t max;       ///< voices at once, those that fade aside
  uint32_t n_voices;  ///< taken and not fading
  uint64_t n_notes;   ///< begun so far
  uint64_t n_stolen;  ///< of these, that took the voice of another
  uint32_t open_lane; ///< whose note lasts until the next one, KR_VOICE_POOL_NONE
} KrVoicePool;

/// Lanes for `max` voices and for as many, at least sixteen, that fade.
uint32_t kr_voice_pool_groups(uint32_t max);
/// Takes the arena's memory. [main]
void kr_voice_pool_prepare(KrVoicePool *pool, KrArena *arena, uint32_t max);
/// Gives back what was silent before `tick`. [worker] rt exact
void kr_voice_pool_collect(KrVoicePool *pool, int64_t tick);
/// The lowest free lane, KR_VOICE_POOL_NONE: none is. [worker] rt exact
uint32_t kr_voice_pool_find_free(const KrVoicePool *pool);
/// Whose voice a note takes: released the longest ago, else the quietest, else the oldest, else the
/// lowest lane. KR_VOICE_POOL_NONE: no voice sounds. [worker] rt exact
uint32_t kr_voice_pool_find_victim(const KrVoicePool *pool, int64_t tick);
/// The lane that has faded the longest, KR_VOICE_POOL_NONE. [worker] rt exact
uint32_t kr_voice_pool_find_faded(const KrVoicePool *pool);
/// The voice of lane `lane` belongs to another note from `tick` on. [worker] rt exact
void kr_voice_pool_steal(KrVoicePool *pool, uint32_t lane, int64_t tick);
/// It is found to be silent from `tick` on. [worker] rt exact
void kr_voice_pool_end(KrVoicePool *pool, uint32_t lane, int64_t tick);
/// Silent from `tick` on and free at once. [worker] rt exact
void kr_voice_pool_drop(KrVoicePool *pool, uint32_t lane, int64_t tick);
/// A free lane begins a note: sounding, held, nothing known of its release. [worker] rt exact
KrVoiceLane *kr_voice_pool_begin(KrVoicePool *pool, uint32_t lane, int64_t tick,
                                 const KrRatio *late, const KrRatio *time);
/// The gate falls at `tick`, not before the tick after the onset, unless it has fallen already.
/// [worker] rt exact
void kr_voice_pool_release(KrVoiceLane *lane, int64_t tick, KrRatio late);
/// After the lanes were set: what follows from them.
void kr_voice_pool_recount(KrVoicePool *pool);
#endif

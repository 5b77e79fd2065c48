/// Synths as they play, shared by the notes, the bodies they run, snapshot and swap.
#ifndef KR_SCHED_RUN_VOICES_H
#define KR_SCHED_RUN_VOICES_H
#include "sched/run.h"

/// A pointer of the body's steps to what belongs to one group of voices: a field, or what PREV
/// kept.
typedef struct KrVoicePatch {
  void **at;
  const KrNode *node;
  uint32_t field;         ///< of an operator
  const uint8_t *initial; ///< at the onset: [count][lanes], every lane the same
  size_t offset;          ///< in the group's memory
  size_t n_bytes;         ///< of a lane when `lanes` is 1, from one to the next
  uint64_t count;
  KrElem elem;
  uint32_t width, lanes;
  bool is_ring, ages;
} KrVoicePatch;

/// A row of sixteen voices that stands between two events.
typedef struct KrVoiceRow {
  const KrNode *node;
  uint32_t port, n_bytes;
  uint32_t value; ///< in the plan
  void *at;       ///< the value's memory
  size_t offset;  ///< in the group's memory
  bool is_gate;   ///< the gate itself: it may move within a tile
} KrVoiceRow;

/// When a step of the body may run over a tile in which voices begin: in parts, lanes set back
/// between them, unless its kernel joins them in (KR_OP_JOINS).
typedef enum KrVoiceJoin { KR_JOIN_PARTS, KR_JOIN_HELD, KR_JOIN_ALWAYS } KrVoiceJoin;

/// A step of the body.
typedef struct KrVoiceStep {
  uint32_t first_patch, n_patches;
  uint32_t call;    ///< of KrRunVoices.calls
  KrVoiceJoin join; ///< HELD: where input 0 is
} KrVoiceStep;

/// Sixteen voices.
typedef struct KrVoiceGroup {
  uint8_t *memory; ///< fields, then rows: of tick `done`
  int64_t done;    ///< ticks it has run, while some of its voices sound
  bool is_own;     ///< its output of this slice is in `own`
  // Bits per lane: its gate has fallen; another note has its voice.
  uint32_t falls, fades;
  int64_t falling; ///< the next tick, or one before, at which a gate falls
  uint16_t fresh;  ///< bit per lane: begins right at `done`
  // In order: the lanes that begin after `done`, or between it and the tick before.
  uint8_t n_starts, starts[KR_LANES];
  uint8_t *own;    ///< [channel][KR_TILE][KR_LANES]
  uint8_t *levels; ///< [envelope][KR_LANES] of the newest tick
  int64_t born[KR_LANES];
  int64_t until[KR_LANES]; ///< of a lane that is silent: it ran up to this tick
  double late[KR_LANES];
  uint32_t note[KR_LANES];
} KrVoiceGroup;

typedef struct KrVoicePart {
  uint32_t end, lanes;
} KrVoicePart;

/// What happens within the piece that runs, by ticks since its first.
typedef struct KrVoicePiece {
  int64_t begin;
  uint32_t n;
  uint32_t n_starts;
  KrCallStart starts[KR_LANES];
  uint64_t edges; ///< bit per tick: gates move in it
  // Lanes whose gate rises and falls; of ticks in `edges` only.
  uint16_t rises[KR_TILE], falls[KR_TILE];
  union {
    float f32[KR_LANES];
    double f64[KR_LANES];
  } gate;           ///< a row of them
  bool is_direct;   ///< its output stays where the body left it
  uint32_t n_parts; ///< which lanes are heard, up to which tick
  KrVoicePart parts[2 * KR_LANES + 1];
} KrVoicePiece;

/// A voice that is through after at most KR_SHORT_TICKS, all of which have been found.
enum { KR_SHORT_TICKS = 256, KR_SHORT_COLUMN = KR_TILE + KR_LANES };
typedef struct KrShortVoice {
  int64_t born, fade; ///< fade: when another note took its voice
  int64_t over, end;  ///< when it is known to be through; its first silent tick, after `born`
  uint32_t note;
  uint8_t *at; ///< per channel n_bytes: tick t at its onset plus t
} KrShortVoice;
/// What is known of the values of bodies while their steps are looked at; one for all of a run.
typedef struct KrShortValues {
  void **at;       ///< NULL: of no step
  uint8_t *is_row; ///< the same at every tick
} KrShortValues;
/// A step of the body over the ticks of a voice.
typedef struct KrShortStep {
  KrRunStep *of;
  KrCall call;
  const void **in;
  void **out;
  bool is_row;          ///< the same at every tick
  bool ends, is_needed; ///< it ends voices; by what ends them
} KrShortStep;
/// What a short voice has of its note, in every lane: a value, or where its gate rises and falls.
typedef enum KrShortKind { KR_SHORT_VALUE, KR_SHORT_RISE, KR_SHORT_FALL } KrShortKind;
typedef struct KrShortRow {
  KrShortKind kind;
  uint32_t width; ///< bytes a lane
  size_t offset;  ///< VALUE: of the row in the group's memory
  void *to;
} KrShortRow;
/// An output, or an input that reads it, which is a channel in the memory of a lane.
typedef struct KrShortPlace {
  void **at;
  uint32_t channel;
} KrShortPlace;
/// Short voices: those of the lanes in `on` are not in KrRunVoices.sounds. A lane whose bit is set
/// has ticks to put out still, also when another note has it by now, whose number differs.
typedef struct KrShorts {
  KrShortStep *steps;
  uint32_t n_steps;
  KrShortRow *rows;
  uint32_t n_rows;
  KrShortPlace *places;
  uint32_t n_places;
  uint32_t *channels;  ///< per channel: the first one of that value
  const void **levels; ///< per envelope that ends voices
  size_t n_bytes;
  KrCallLife life;
  uint16_t *on; ///< per group, bit per lane
  KrShortVoice *voices;
  uint32_t n_lanes;            ///< the first ones
  uint32_t n_long;             ///< notes since the last short one that were tried in vain
  uint8_t *apart;              ///< scratch: as a lane's memory
  uint8_t *kept, *kept_levels; ///< scratch: memory of a group, its levels
} KrShorts;

/// A synth as it plays.
typedef struct KrRunVoices {
  const KrVoices *graph;
  const KrEventField *fields; ///< of what is played
  const KrNode *node;         ///< VOICES
  const KrClock *clock;
  KrElem elem;
  KrRunUnit *body;
  KrRunStep *heard; ///< its KR_STEP_VOICES
  KrRunStep *step;  ///< the host's
  KrVoicePool pool;
  uint16_t *sounds;           ///< per group, bit per lane
  KrVoiceGroup *groups, *now; ///< now: whose memory the body's steps point to
  size_t n_memory;            ///< bytes of a group's
  KrVoicePatch *patches;      ///< in order of steps
  uint32_t n_patches;
  KrVoiceStep *steps; ///< of the body
  KrVoiceRow *rows;
  uint32_t n_rows;
  bool is_sparse;     ///< gates are read where they move only
  KrCallVoice *calls; ///< of the steps that end voices; the last of all others
  uint32_t n_ends;
  int64_t (*ends)[KR_LANES];  ///< per call
  int64_t (*found)[KR_LANES]; ///< scratch, per call
  int64_t fade_ticks;
  int64_t settled;    ///< free lanes were looked for at this tick
  int64_t begin, end; ///< the host's slice
  KrVoicePiece piece;
  KrShorts *shorts; ///< NULL: its voices last, or more than their age tells of them
  uint8_t *columns; ///< [channel][2][KR_SHORT_COLUMN][KR_LANES]: of the open chunk, of all
} KrRunVoices;

static inline size_t kr_voice_row_bytes(const KrRunVoices *v) {
  return kr_elem_bytes(v->elem) * KR_LANES;
}
/// A number in the type of the synth.
static inline KrConst kr_voice_real(const KrRunVoices *v, KrRatio ratio) {
  return kr_const_of(true, ratio, 0, v->elem);
}
static inline double kr_voice_late(const KrVoiceLane *lane) {
  return lane->late.num == 0 ? 0 : kr_const_f64(lane->late);
}
/// Element i of values of that type; one of them times a gain.
static inline double kr_voice_at(const KrRunVoices *v, const void *at, size_t i) {
  return v->elem == KR_ELEM_F32 ? (double)((const float *)at)[i] : ((const double *)at)[i];
}
static inline void kr_voice_scale(const KrRunVoices *v, void *at, size_t i, double gain) {
  if (v->elem == KR_ELEM_F32)
    ((float *)at)[i] *= (float)gain;
  else
    ((double *)at)[i] *= gain;
}
/// A residual as the synth's type has it.
static inline double kr_voice_part(const KrRunVoices *v, KrRatio late) {
  if (late.num == 0) return 0;
  return v->elem == KR_ELEM_F32 ? (double)kr_const_f32(late) : kr_const_f64(late);
}
/// A value is the gate of the voices.
static inline bool kr_voice_is_gate(const KrRunVoices *v, uint32_t value) {
  for (uint32_t i = 0; i < v->n_rows; i++)
    if (v->rows[i].is_gate && v->rows[i].value == value) return true;
  return false;
}
/// Bytes from one lane to the next of a field of an operator of one lane.
static inline size_t kr_voice_lane_bytes(const KrRunStep *step, uint32_t field) {
  size_t n_bytes = (size_t)step->plan->field_count[field] * kr_step_field_bytes(step->node, field);
  return (n_bytes + 7) / 8 * 8;
}

/// Synths, after all units were made.
KrStatus kr_voices_prepare(KrRun *run);
/// The slice of a VOICES step. [worker] rt exact
KrStatus kr_voices_run(KrRun *run, KrRunStep *step, const KrSlice *slice);
/// An element of a row, in the group's memory and where the body's steps read it.
void kr_voices_put(KrRunVoices *voices, KrVoiceGroup *group, const KrVoiceRow *row, uint32_t lane,
                   const void *value);
/// The gate of a lane that was not released yet; the part of a tick by which its release is late.
void kr_voices_put_gate(KrRunVoices *voices, KrVoiceGroup *group, uint32_t lane, bool on);
void kr_voices_put_release(KrRunVoices *voices, KrVoiceGroup *group, uint32_t lane);
/// All state of a lane as it is at an onset.
void kr_voices_reset(KrRunVoices *voices, KrVoiceGroup *group, uint32_t lane);
/// The body of a group over voices->piece, the rows at its end. [worker] rt exact
void kr_voices_body(KrRun *run, KrRunVoices *voices, KrVoiceGroup *group);
/// What a VOICE node gives that is no row. [worker] rt exact
void kr_voices_input(KrRun *run, KrRunStep *step, const KrSlice *slice);
/// An operator of one lane, voice by voice. [worker] rt exact
void kr_voices_apart(KrRun *run, KrRunStep *step, const KrSlice *slice);
/// Fills in `level` of every lane that sounds, as of the tick before `tick`. [worker] rt exact
void kr_voices_levels(KrRunVoices *voices, int64_t tick);
/// Whether and how a synth's voices can be short. [main]
void kr_shorts_prepare(const KrRun *run, KrRunVoices *voices, KrShortValues *values);
/// The note that has just begun in lane `index`, its release known: false, it is not short. Then
/// what changes it; `has`: the lane's note is one of these. [worker] rt exact
bool kr_shorts_begin(KrRunVoices *voices, uint32_t index);
bool kr_shorts_has(const KrRunVoices *voices, uint32_t index);
void kr_shorts_release(KrRunVoices *voices, uint32_t index);
void kr_shorts_fade(KrRunVoices *voices, uint32_t index, int64_t tick);
void kr_shorts_drop(KrRunVoices *voices, uint32_t index, int64_t tick);
double kr_shorts_level(KrRunVoices *voices, uint32_t index, int64_t tick);
/// Notes what ended before `until`, the end of the slice after its output. [worker] rt exact
void kr_shorts_settle(KrRunVoices *voices, int64_t until);
/// A group's ticks of the slice, to [tick][lane] or, and any numbers after them, to
/// [lane][KR_SHORT_COLUMN]. [worker] rt exact
void kr_shorts_add(const KrRunVoices *voices, uint32_t group, uint32_t channel, void *sum);
void kr_shorts_add_columns(const KrRunVoices *voices, uint32_t group, uint32_t channel, void *sum);
/// From tick `tick` on, where all groups stand, short voices are lanes like all others. rt exact
void kr_voices_lengthen(KrRun *run, KrRunVoices *voices, int64_t tick);
/// Nothing is known of a lane: it is free and its lines are as if they were full.
void kr_voices_clear(KrRunVoices *voices, uint32_t lane);
/// After `pool` and `memory` were set to what they are at tick `tick`.
void kr_voices_place(KrRunVoices *voices, int64_t tick);
/// Memory for a copy; the copy; what of `from`, or of a copy of it, goes on in a fresh run that
/// stands at the same tick: the state of operators of equal paths, fields of equal names.
KrKeptVoices *kr_voices_kept(KrArena *arena, const KrRunVoices *voices);
void kr_voices_keep(KrKeptVoices *kept, KrRun *run, KrRunVoices *voices, int64_t tick);
void kr_voices_carry(KrRunVoices *to, KrRun *old, KrRunVoices *from, const KrKeptVoices *kept,
                     int64_t tick);
#endif

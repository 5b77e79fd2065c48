// Drums: every sound is made of parts that end, each a function of its age or a phase that begins
// with the onset. A new onset while one sounds lets the old value go within 2 ms, so that nothing
// jumps. What is not a number counts as the least value of its input.
#ifndef KR_PASS
#include "math/philox.h"
#include "ops/phases.h"

enum {
  DRUM_PHASE,
  DRUM_AGE,
  DRUM_GATE,
  DRUM_IS_ON,
  DRUM_RESIDUAL,
  DRUM_LAST,
  DRUM_LEFT,
  DRUM_FILTER,
  DRUM_DT,
  DRUM_KEY,
  DRUM_STREAM
};
enum { FIRST_INPUT = 4, N_PARAMETERS = 6, N_INPUTS = FIRST_INPUT + N_PARAMETERS };
typedef enum Kind { KIND_KICK, KIND_SNARE, KIND_HAT } Kind;

// Where the six squares of a hat stand above its frequency, times 2^16: inharmonic, as in the drum
// machines of 1980.
static const uint32_t HAT_RATIO[6] = {65536, 97170, 117984, 166855, 172377, 255371};

#define KR_SELF "ops/drums.c"
#include "ops/passes.h"

#ifdef KR_ROWS
static KrStatus prepare_drum(const KrPrep *prep, const char **message) {
  const KrPortValue *seed = &prep->port[kr_op_ports(prep->op) - 1];
  if (!seed->exact || seed->ratio.den != 1) {
    *message = "the seed must be a whole number";
    return KR_ERROR_ARGUMENT;
  }
  KrRandomKey key = kr_random_key(prep->seed, (uint64_t)seed->ratio.num);
  FIELD_AT(prep, DRUM_KEY, uint64_t)[0] = (uint64_t)key.word[1] << 32 | key.word[0];
  FIELD_AT(prep, DRUM_STREAM, uint32_t)[0] = kr_random_stream(prep->path, 0, false);
  kr_prep_put_ratio(prep, DRUM_DT, prep->dt, 0);
  return KR_OK;
}

#define GATE                                                                                       \
  { "gate", KR_PORT_GATE, "", NULL, NULL, NULL, "struck at onsets; its length does not matter" }
#define SEED SETTING("seed", "", "0", NULL, "whole number; decides the noise")
#define TIME(name, preset, doc) SIGNAL(name, "s", preset, "0.001..10", doc)
#define DRIVE SIGNAL("drive", "", "1", "0.1..20", "saturation: tanh-like, 1 stays 1")
#define DRUM(id)                                                                                   \
  .name = #id, .run = RUN_REAL(id), .family = "drums", .flags = KR_OP_ENDS,                        \
  .prepare = prepare_drum,                                                                         \
  .field = {STATE("phase", U64, 1), STATE("age", I32, 1),       STATE("gate", BOOL, 1),            \
            STATE("on", BOOL, 1),   STATE("residual", CALL, 1), STATE("last", CALL, 1),            \
            STATE("left", CALL, 1), STATE("filter", CALL, 2),   COEF("dt", CALL, 1),               \
            COEF("key", U64, 1),    COEF("stream", U32, 1)}
static const KrOp OPS[] = {
    {DRUM(kick),
     .in = {GATE, SIGNAL("freq", "Hz", "50Hz", KR_RANGE_TO_HALF, "where the tone comes to rest"),
            SIGNAL("punch", "", "5", "0..64", "it starts at freq times 1 + punch"),
            TIME("bend", "30ms", "time constant of its fall"), TIME("decay", "400ms", "to silence"),
            SIGNAL("click", "", "0.3", "0..1", "noise of the first 3 ms"), DRIVE, SEED},
     .doc = "Bass drum: a sine that falls, and a click; of higher freq a tom"},
    {DRUM(snare),
     .in = {GATE, SIGNAL("freq", "Hz", "180Hz", KR_RANGE_TO_HALF, "of the skin"),
            SIGNAL("tone", "", "0.4", "0..1", "0: wires alone, 1: skin alone"),
            TIME("body", "120ms", "length of the skin's tone"),
            TIME("decay", "220ms", "length of the wires' noise"),
            SIGNAL("cutoff", "Hz", "1500Hz", "0..0.49 of the rate", "the noise is above it"), DRIVE,
            SEED},
     .doc = "Snare drum: two sines of the skin and high-passed noise of the wires"},
    {DRUM(hat),
     .in = {GATE, SIGNAL("freq", "Hz", "330Hz", "0..2500", "the lowest of six squares"),
            SIGNAL("tone", "", "0.6", "0..1", "0: noise alone, 1: metal alone"),
            TIME("attack", "1ms", "from 0"), TIME("decay", "80ms", "to silence; 500 ms: open"),
            SIGNAL("cutoff", "Hz", "7000Hz", "0..0.49 of the rate", "the sound is above it"), DRIVE,
            SEED},
     .doc =
         "Hi-hat: six squares that do not fit each other and noise, high-passed; longer a cymbal"},
};
KR_FAMILY_DEFINE(drums, "drums");
#endif
KR_KERNELS(drums, KR_REALS(kick), KR_REALS(snare), KR_REALS(hat));

#else
#include "ops/pass.h"

#if !KR_WIDE
#include "ops/corner.inc"
#include "ops/curves.inc"
#include "ops/strike.inc"

// One lane: its state, and what the present tick needs.
typedef struct FN(Drum) {
  const KrCall *call;
  uint32_t lane, t;
  size_t strides[N_INPUTS];
  uint64_t phase;
  REAL *filter, dt, age; // age in ticks, the onset's part of one taken off
  // What was made from the cutoff and the drive before, while they stay.
  bool has_filter, has_drive;
  REAL cutoff, drive, gain, unit;
  WN(Svf) svf;
} FN(Drum);
KR_INLINE REAL FN(drum_input)(const FN(Drum) * drum, uint32_t i) {
  i += FIRST_INPUT;
  return ((const REAL *)drum->call->in[i])[drum->t * drum->strides[i] + drum->lane];
}
KR_INLINE REAL FN(seconds)(const FN(Drum) * drum, uint32_t i) {
  return WN(between)(FN(drum_input)(drum, i), (REAL)0.001, 10);
}
KR_INLINE REAL FN(drum_noise)(const FN(Drum) * drum) {
  return FN(burst_at)(drum->call, drum->t, drum->lane, drum->call->field[DRUM_KEY],
                      drum->call->field[DRUM_STREAM]);
}
// From 1 to 0 within `time`, -52 dB of an exponential straightened to end there.
KR_INLINE REAL FN(fall)(const FN(Drum) * drum, REAL time) {
  const REAL rest = (REAL)0.0024787521766663585;
  REAL x = drum->age * drum->dt / time;
  return x < 1 ? (FN(decay)(6 * x) - rest) * (1 / (1 - rest)) : 0;
}
KR_INLINE REAL FN(drum_sine)(uint64_t phase) {
  return WN(sine_word)((UINT)(phase << 32 >> (64 - KR_PASS)));
}
// Turns since the onset in 2^-32, up to half a turn a tick; of the onset's own only `ticks`.
KR_INLINE void FN(drum_turn)(FN(Drum) * drum, REAL freq, REAL ticks) {
  REAL turns = WN(between)(freq * drum->dt, 0, (REAL)0.5) * ticks;
  drum->phase += (uint64_t)RF(to_i64)(turns * (REAL)0x1p32);
}
// What is left of x above the cutoff, 12 dB per octave.
KR_INLINE REAL FN(drum_high)(FN(Drum) * drum, REAL x, REAL cutoff) {
  const size_t lanes = drum->call->lanes;
  const REAL q = (REAL)0.70710678118654752;
  if (!drum->has_filter || cutoff != drum->cutoff)
    drum->svf = WN(svf_make)(cutoff, drum->dt * (REAL)(2 * T_UNIT), q);
  drum->has_filter = true, drum->cutoff = cutoff;
  const WN(Svf) svf = drum->svf;
  REAL one = drum->filter[0], two = drum->filter[lanes], rest = x - two;
  REAL next = svf.b1 * one + svf.b2 * rest, gain = svf.b2 * one + svf.b3 * rest;
  drum->filter[0] = FN(keep)(next);
  drum->filter[lanes] = FN(keep)(two + gain);
  return x - (REAL)0.5 / q * (one + next) - (two + gain * (REAL)0.5);
}
KR_INLINE REAL FN(driven)(FN(Drum) * drum, REAL x, REAL drive) {
  if (!drum->has_drive || drive != drum->drive) {
    drum->gain = WN(between)(drive, (REAL)0.1, 20);
    drum->unit = WN(tanh)(drum->gain);
  }
  drum->has_drive = true, drum->drive = drive;
  return WN(tanh)(x * drum->gain) / drum->unit;
}

// Sounds of the present tick; false: it is over. `ticks` is how far phases move.
static bool FN(kick_tick)(FN(Drum) * drum, REAL ticks, REAL *out) {
  REAL level = FN(fall)(drum, FN(seconds)(drum, 3)), click = FN(fall)(drum, (REAL)0.003);
  if (level == 0 && click == 0) return false;
  REAL tone = level * FN(drum_sine)(drum->phase);
  REAL punch = WN(between)(FN(drum_input)(drum, 1), 0, 64);
  REAL bent = FN(decay)(drum->age * drum->dt / FN(seconds)(drum, 2));
  if (click > 0) tone += click * WN(portion)(FN(drum_input)(drum, 4)) * FN(drum_noise)(drum);
  FN(drum_turn)(drum, FN(drum_input)(drum, 0) * (1 + punch * bent), ticks);
  *out = FN(driven)(drum, tone, FN(drum_input)(drum, 5));
  return true;
}
static bool FN(snare_tick)(FN(Drum) * drum, REAL ticks, REAL *out) {
  REAL body = FN(fall)(drum, FN(seconds)(drum, 2)), wires = FN(fall)(drum, FN(seconds)(drum, 3));
  if (body == 0 && wires == 0) return false;
  REAL part = WN(portion)(FN(drum_input)(drum, 1));
  REAL bent = FN(decay)(drum->age * drum->dt * 100);
  REAL skin = (REAL)0.6 * FN(drum_sine)(drum->phase) +
              (REAL)0.4 * FN(drum_sine)(drum->phase * 103809 >> 16);
  REAL noise = FN(drum_high)(drum, wires > 0 ? FN(drum_noise)(drum) : 0, FN(drum_input)(drum, 4));
  FN(drum_turn)(drum, FN(drum_input)(drum, 0) * (1 + bent), ticks);
  *out = FN(driven)(drum, part * body * skin + (1 - part) * wires * noise, FN(drum_input)(drum, 5));
  return true;
}
static bool FN(hat_tick)(FN(Drum) * drum, REAL ticks, REAL *out) {
  REAL level = FN(fall)(drum, FN(seconds)(drum, 3)), metal = 0;
  if (level == 0) return false;
  REAL rise = drum->age * drum->dt / FN(seconds)(drum, 2);
  REAL part = WN(portion)(FN(drum_input)(drum, 1));
  for (int i = 0; i < 6; i++)
    metal += (drum->phase * HAT_RATIO[i] >> 47 & 1) != 0 ? (REAL)-0.3 : (REAL)0.3;
  REAL mixed = part * metal + (1 - part) * FN(drum_noise)(drum);
  REAL high = FN(drum_high)(drum, mixed, FN(drum_input)(drum, 4));
  FN(drum_turn)(drum, WN(between)(FN(drum_input)(drum, 0), 0, 2500), ticks);
  *out = FN(driven)(drum, level * (rise < 1 ? rise : 1) * high, FN(drum_input)(drum, 5));
  return true;
}

// What an onset does to one lane: its value stays as `left`, everything else begins.
typedef struct FN(Hit) {
  int32_t age;
  uint8_t is_on;
  REAL residual, last, left;
} FN(Hit);
KR_INLINE void FN(drum_begin)(FN(Drum) * drum, FN(Hit) * hit, FN(Strike) strike) {
  *hit = (FN(Hit)){.is_on = 1, .residual = strike.residual, .left = hit->last};
  drum->phase = 0;
}
// The value of a tick: what sounds, and what is left of the sound before, straight to 0.
KR_INLINE REAL FN(drum_value)(FN(Drum) * drum, FN(Hit) * hit, const Kind kind) {
  REAL value = 0, part = hit->age == 0 ? 1 - hit->residual : 1;
  drum->age = hit->age == 0 ? 0 : (REAL)hit->age - hit->residual;
  bool sounds = kind == KIND_KICK    ? FN(kick_tick)(drum, part, &value)
                : kind == KIND_SNARE ? FN(snare_tick)(drum, part, &value)
                                     : FN(hat_tick)(drum, part, &value);
  REAL rest = 1 - drum->age * drum->dt * 500;
  rest = rest > 0 ? rest * hit->left : 0;
  hit->is_on = sounds || rest != 0;
  if (!hit->is_on) drum->filter[0] = drum->filter[drum->call->lanes] = 0;
  return FN(keep)(value + rest);
}
KR_INLINE uint32_t FN(drum_lane)(FN(Drum) * drum, FN(Hit) * hit, uint8_t *gate, const Kind kind) {
  const KrCall *call = drum->call;
  REAL *restrict out = (REAL *)call->out[0] + drum->lane;
  uint32_t silent_from = 0;
  for (uint32_t t = 0; t < call->n; t++) {
    FN(Strike) strike = FN(strike_at)(call, t, drum->lane, gate);
    drum->t = t;
    REAL before = hit->last, value = 0;
    if (strike.is_new) FN(drum_begin)(drum, hit, strike);
    if (hit->is_on) value = FN(drum_value)(drum, hit, kind);
    // The onset's part of its tick is still the old sound.
    if (strike.is_new && !strike.is_first)
      value = before * hit->residual + value * (1 - hit->residual);
    if (hit->is_on) silent_from = t + 1;
    hit->last = value;
    out[t * call->lanes] = value;
    hit->age += hit->age < INT32_MAX;
  }
  return silent_from;
}
KR_INLINE void FN(drum)(const KrCall *call, const Kind kind) {
  FN(Drum) drum = {.call = call};
  FN(strides)(call, call->lanes, N_INPUTS, drum.strides);
  for (uint32_t l = 0; l < call->lanes; l++) {
    uint64_t *phase = (uint64_t *)call->field[DRUM_PHASE] + l;
    int32_t *age = (int32_t *)call->field[DRUM_AGE] + l;
    uint8_t *is_on = (uint8_t *)call->field[DRUM_IS_ON] + l;
    REAL *residual = (REAL *)call->field[DRUM_RESIDUAL] + l;
    REAL *last = (REAL *)call->field[DRUM_LAST] + l, *left = (REAL *)call->field[DRUM_LEFT] + l;
    FN(Hit) hit = {*age, *is_on, *residual, *last, *left};
    drum.lane = l, drum.phase = *phase;
    drum.has_filter = drum.has_drive = false;
    drum.filter = (REAL *)call->field[DRUM_FILTER] + l;
    drum.dt = ((const REAL *)call->field[DRUM_DT])[l];
    uint8_t *gate = (uint8_t *)call->field[DRUM_GATE] + l;
    FN(say_end)(call, l, FN(drum_lane)(&drum, &hit, gate, kind));
    *phase = drum.phase, *age = hit.age, *is_on = hit.is_on;
    *residual = hit.residual, *last = hit.last, *left = hit.left;
  }
}
static void FN(kick)(const KrCall *call) { FN(drum)(call, KIND_KICK); }
static void FN(snare)(const KrCall *call) { FN(drum)(call, KIND_SNARE); }
static void FN(hat)(const KrCall *call) { FN(drum)(call, KIND_HAT); }
#undef T_UNIT
#endif
#endif

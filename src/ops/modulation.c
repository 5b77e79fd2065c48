// Effects that move in time: what is read from a line at a place that moves, and a chain of
// all-passes that does. Loops are stable however their inputs move: what they read from a line is
// never more than what is in it, or saturates, and the all-passes are rotations, which keep the
// energy. Values that are not finite are taken as 0 where a loop would keep them.
#ifndef KR_PASS
#include "ops/phases.h"

enum { WARP_LINE = FIELD_OWN, WARP_RATE, WARP_SIZE, WARP_VOICES, WARP_LEVEL };
enum { PHASER_STAGES = FIELD_OWN, PHASER_DT, PHASER_COUNT, MAX_STAGES = 12, MAX_VOICES = 8 };
enum { ECHO_LINE, ECHO_LOW, ECHO_RATE, ECHO_SIZE, ECHO_DT, ECHO_HIGH, ECHO_PHASE, ECHO_INCREMENT };
enum { N_WOBBLES = 3, MAX_TICKS = 1 << 28 };

#define KR_SELF "ops/modulation.c"
#include "ops/passes.h"

#ifdef KR_ROWS
static double rate_of(const KrPrep *prep) { return (double)prep->dt.den / (double)prep->dt.num; }
// Entries for `seconds`, and the neighbours of a fraction; 0: too many.
static uint64_t entries_of(const KrPrep *prep, double seconds) {
  double ticks = seconds * rate_of(prep);
  return ticks >= 0 && ticks <= MAX_TICKS ? (uint64_t)ticks + 8 : 0;
}
// A chorus reaches 20 ms, a flanger 0.1 s.
static uint64_t count_warp(const KrPrep *prep, uint32_t field) {
  (void)field;
  uint64_t n = entries_of(prep, kr_text_is(kr_text_from(prep->op->name), "chorus") ? 0.02 : 0.1);
  return n > 0 ? n : 8;
}
static KrStatus prepare_warp(const KrPrep *prep, const KrPortValue *rate,
                             const KrPortValue *phase) {
  kr_prep_phase(prep, rate, phase);
  FIELD_AT(prep, WARP_RATE, double)[0] = rate_of(prep);
  FIELD_AT(prep, WARP_SIZE, int64_t)[0] = (int64_t)count_warp(prep, WARP_LINE);
  return KR_OK;
}
static bool find_count(const KrPortValue *port, uint32_t most, uint32_t *count) {
  *count = (uint32_t)(port->value >= 1 && port->value <= most ? port->value : 0);
  return *count > 0 && (double)*count == port->value;
}
static KrStatus prepare_chorus(const KrPrep *prep, const char **message) {
  uint32_t n;
  if (!find_count(&prep->port[4], MAX_VOICES, &n)) {
    *message = "voices must be a whole number, 1 to 8";
    return KR_ERROR_ARGUMENT;
  }
  FIELD_AT(prep, WARP_VOICES, uint32_t)[0] = n;
  kr_prep_put(prep, WARP_LEVEL, 0, 1 / __builtin_sqrt((double)n));
  return prepare_warp(prep, &prep->port[1], &prep->port[5]);
}
static KrStatus prepare_flanger(const KrPrep *prep, const char **message) {
  (void)message;
  return prepare_warp(prep, &prep->port[3], &prep->port[6]);
}
static KrStatus prepare_phaser(const KrPrep *prep, const char **message) {
  uint32_t n;
  if (!find_count(&prep->port[6], MAX_STAGES, &n)) {
    *message = "stages must be a whole number, 1 to 12";
    return KR_ERROR_ARGUMENT;
  }
  FIELD_AT(prep, PHASER_COUNT, uint32_t)[0] = n;
  kr_prep_put_ratio(prep, PHASER_DT, prep->dt, 0);
  kr_prep_phase(prep, &prep->port[1], &prep->port[7]);
  return KR_OK;
}

// The last port is the longest time; a tape wobbles around it.
static uint64_t count_echo(const KrPrep *prep, uint32_t field) {
  (void)field;
  uint64_t n = entries_of(prep, prep->port[kr_op_ports(prep->op) - 1].value + 0.004);
  return n > 0 ? n : 8;
}
static KrStatus prepare_echo(const KrPrep *prep, const char **message) {
  static const KrRatio wobbles[N_WOBBLES] = {{7, 10}, {113, 100}, {91, 10}};
  double max = prep->port[kr_op_ports(prep->op) - 1].value;
  if (!(max > 0) || entries_of(prep, max + 0.004) == 0) {
    *message = "max must be above 0 and at most 2^28 ticks";
    return KR_ERROR_ARGUMENT;
  }
  FIELD_AT(prep, ECHO_RATE, double)[0] = rate_of(prep);
  FIELD_AT(prep, ECHO_SIZE, int64_t)[0] = (int64_t)count_echo(prep, ECHO_LINE);
  kr_prep_put_ratio(prep, ECHO_DT, prep->dt, 0);
  if (kr_op_fields(prep->op) <= ECHO_INCREMENT) return KR_OK;
  for (uint32_t i = 0; i < N_WOBBLES; i++) FIELD_AT(prep, ECHO_INCREMENT, uint64_t)
  [(size_t)i * prep->lanes] = kr_turns_of_ratio(wobbles[i], prep->dt, false);
  return KR_OK;
}

#define X INPUT("input")
#define RATE(preset) SIGNAL("rate", "Hz", preset, KR_RANGE_TO_HALF, "how often it moves")
#define MIX(preset) SIGNAL("mix", "", preset, "0..1", "0: input alone, 1: effect alone")
#define START                                                                                      \
  SIGNAL("phase", "turns", "0", NULL, "added to that of the motion; for a second channel")
#define TIME SIGNAL("time", "s", "500ms", "2 ticks..max", "between ticks too")
#define LONGEST SETTING("max", "s", "2s", "up to 2^28 ticks", "longest time")
#define FAMILY .family = "modulation"
#define WARP_FIELDS PHASE_FIELDS, RING("line", CALL, 0), COEF("ticks", F64, 1), COEF("size", I64, 1)
#define ECHO_FIELDS                                                                                \
  RING("line", CALL, 0), STATE("low", CALL, 1), COEF("ticks", F64, 1), COEF("size", I64, 1),       \
      COEF("dt", CALL, 1)
static const KrOp OPS[] = {
    {.name = "chorus",
     FAMILY,
     .flags = KR_OP_ALONE,
     .run = RUN_REAL(chorus),
     .in = {X, RATE("0.8Hz"), SIGNAL("depth", "", "0.5", "0..1", "of 8 ms above 10 ms"), MIX("0.5"),
            SETTING("voices", "", "3", "1..8", "read at places spread over a turn"), START},
     .field = {WARP_FIELDS, COEF("voices", U32, 1), COEF("level", CALL, 1)},
     .count = count_warp,
     .prepare = prepare_chorus,
     .doc = "Chorus: voices a moment later, that moment moving, their power that of one"},
    {.name = "flanger",
     FAMILY,
     .flags = KR_OP_ALONE,
     .run = RUN_REAL(flanger),
     .in = {X, SIGNAL("delay", "s", "5ms", "2 ticks..0.1", "longest moment"),
            SIGNAL("depth", "", "0.7", "0..1", "part of it by which it moves"), RATE("0.2Hz"),
            SIGNAL("feedback", "", "0.4", "-0.95..0.95", "part of the delayed signal fed back"),
            MIX("0.5"), START},
     .field = {WARP_FIELDS},
     .count = count_warp,
     .prepare = prepare_flanger,
     .doc = "Flanger: a short delay that moves, fed back; the comb of both sounds"},
    {.name = "phaser",
     FAMILY,
     .run = RUN_REAL(phaser),
     .in = {X, RATE("0.2Hz"), SIGNAL("depth", "", "0.75", "0..1", "of 4 octaves above cutoff"),
            SIGNAL("feedback", "", "0.5", "-0.95..0.95", "part of the chain's output fed back"),
            SIGNAL("cutoff", "Hz", "500Hz", "0..0.49 of the rate",
                   "lowest quarter turn of a stage"),
            MIX("0.5"), SETTING("stages", "", "4", "1..12", "all-passes; two a notch"), START},
     .field = {PHASE_FIELDS, STATE("stage", CALL, MAX_STAGES), COEF("dt", CALL, 1),
               COEF("stages", U32, 1)},
     .prepare = prepare_phaser,
     .doc = "Phaser: a chain of first-order all-passes that moves, in a loop without delay"},
    {.name = "echo",
     FAMILY,
     .flags = KR_OP_ALONE,
     .run = RUN_REAL(echo),
     .in = {X, TIME,
            SIGNAL("feedback", "", "0.25", "-0.99..0.99", "part of each echo in the next one"),
            SIGNAL("cutoff", "Hz", "2000Hz", "0..", "each echo loses what is above it"), MIX("0.5"),
            LONGEST},
     .field = {ECHO_FIELDS},
     .count = count_echo,
     .prepare = prepare_echo,
     .doc = "Echoes, each through a low-pass of 6 dB per octave"},
    {.name = "tape",
     FAMILY,
     .flags = KR_OP_ALONE,
     .run = RUN_REAL(tape),
     .in = {X, TIME,
            SIGNAL("feedback", "", "0.4", "-1.2..1.2", "above 1 it grows until it saturates"),
            SIGNAL("wow", "", "0.2", "0..1", "slow motion, up to 1.5 ms at 0.7 and 1.13 Hz"),
            SIGNAL("flutter", "", "0.2", "0..1", "quick motion, up to 0.08 ms at 9.1 Hz"),
            SIGNAL("drive", "", "1", "0.1..10", "saturates at 1/drive; no gain of its own"),
            MIX("0.5"), SIGNAL("cutoff", "Hz", "6000Hz", "0..", "each echo loses what is above it"),
            LONGEST},
     .field = {ECHO_FIELDS,
               STATE("high", CALL, 1),
               {"phase", KR_ELEM_U64, N_WOBBLES, KR_FIELD_STATE | KR_FIELD_AGES},
               COEF("increment", U64, N_WOBBLES)},
     .count = count_echo,
     .prepare = prepare_echo,
     .doc =
         "Tape echo: time that wobbles, saturation and filters in the loop, nothing below 40 Hz"},
};
KR_FAMILY_DEFINE(modulation, "modulation");
#endif
KR_KERNELS(modulation, KR_REALS(chorus), KR_REALS(flanger), KR_REALS(phaser), KR_REALS(echo),
           KR_REALS(tape));

#else
#include "ops/pass.h"

#include "ops/corner.inc"
#include "ops/curves.inc"
#include "ops/line.inc"
#include "ops/phase.inc"

#if !KR_WIDE
KR_INLINE REAL FN(mixed)(REAL x, REAL wet, REAL mix) {
  mix = WN(portion)(mix);
  return x * (1 - mix) + wet * mix;
}

// The line of lane l, and what a second is in its ticks.
KR_INLINE FN(Line) FN(warp_line)(const KrCall *call, uint32_t l, double *rate) {
  *rate = ((const double *)call->field[WARP_RATE])[l];
  return FN(line_of)(call, l, call->field[WARP_LINE], ((const int64_t *)call->field[WARP_SIZE])[l]);
}
// Words of the motion's phase for every tick and lane.
static void FN(chorus_run)(const KrCall *call, const UINT *words) {
  size_t strides[4];
  FN(strides)(call, call->lanes, 4, strides);
  REAL *restrict out = call->out[0];
  for (uint32_t l = 0; l < call->lanes; l++) {
    double rate;
    FN(Line) line = FN(warp_line)(call, l, &rate);
    const uint32_t n = ((const uint32_t *)call->field[WARP_VOICES])[l];
    const REAL level = ((const REAL *)call->field[WARP_LEVEL])[l];
    for (uint32_t t = 0; t < call->n; t++) {
      const REAL x = KR_AT(0), depth = WN(portion)(KR_AT(2));
      UINT word = words[t * call->lanes + l];
      REAL sum = 0;
      for (uint32_t i = 0; i < n; i++, word += (UINT)-1 / n) {
        REAL seconds = (REAL)0.01 + depth * (REAL)0.004 * (1 + WN(sine_word)(word));
        sum += FN(line_cubic)(&line, FN(line_limit)(&line, (double)seconds * rate));
      }
      FN(line_put)(&line, FN(keep)(x));
      out[t * call->lanes + l] = FN(mixed)(x, sum * level, KR_AT(3));
    }
  }
}

static void FN(flanger_run)(const KrCall *call, const UINT *words) {
  size_t strides[6];
  FN(strides)(call, call->lanes, 6, strides);
  REAL *restrict out = call->out[0];
  for (uint32_t l = 0; l < call->lanes; l++) {
    double rate;
    FN(Line) line = FN(warp_line)(call, l, &rate);
    for (uint32_t t = 0; t < call->n; t++) {
      const REAL x = KR_AT(0), sine = WN(sine_word)(words[t * call->lanes + l]);
      REAL seconds = KR_AT(1) * (1 - WN(portion)(KR_AT(2)) * (REAL)0.5 * (1 - sine));
      double back = FN(line_limit)(&line, (double)seconds * rate);
      REAL wet = FN(line_cubic)(&line, back), fed = FN(line_straight)(&line, back);
      FN(line_put)(&line, FN(keep)(x + WN(between)(KR_AT(4), (REAL)-0.95, (REAL)0.95) * fed));
      out[t * call->lanes + l] = FN(mixed)(x, wet, KR_AT(5));
    }
  }
}

static void FN(echo)(const KrCall *call) {
  size_t strides[5];
  FN(strides)(call, call->lanes, 5, strides);
  REAL *restrict out = call->out[0], *lows = call->field[ECHO_LOW];
  for (uint32_t l = 0; l < call->lanes; l++) {
    FN(Line)
    line =
        FN(line_of)(call, l, call->field[ECHO_LINE], ((const int64_t *)call->field[ECHO_SIZE])[l]);
    const double rate = ((const double *)call->field[ECHO_RATE])[l];
    const REAL turn = (REAL)6.283185307179586 * ((const REAL *)call->field[ECHO_DT])[l];
    REAL low = lows[l], part = 0;
    for (uint32_t t = 0; t < call->n; t++) {
      const REAL x = KR_AT(0);
      double back = FN(line_limit)(&line, (double)KR_AT(1) * rate);
      if (t == 0 || strides[3] != 0) part = FN(approach)(turn * KR_AT(3));
      low = FN(keep)(low + part * (FN(line_straight)(&line, back) - low));
      FN(line_put)(&line, FN(keep)(x + WN(between)(KR_AT(2), (REAL)-0.99, (REAL)0.99) * low));
      out[t * call->lanes + l] = FN(mixed)(x, low, KR_AT(4));
    }
    lows[l] = low;
  }
}

// One lane of a tape.
typedef struct FN(Tape) {
  FN(Line) line;
  double rate;
  REAL turn, low, high; // high: what is below 40 Hz
  REAL treble, bass;    // parts of both one-poles
} FN(Tape);
// Seconds by which the motion moves the place.
KR_INLINE REAL FN(wobble)(const KrCall *call, uint32_t l, REAL wow, REAL flutter) {
  uint64_t *phases = (uint64_t *)call->field[ECHO_PHASE] + l;
  const uint64_t *steps = (const uint64_t *)call->field[ECHO_INCREMENT] + l;
  REAL sine[N_WOBBLES];
  for (uint32_t i = 0; i < N_WOBBLES; i++) {
    sine[i] = WN(sine_word)((UINT)(phases[i * call->lanes] >> (64 - KR_PASS)));
    phases[i * call->lanes] += steps[i * call->lanes];
  }
  return WN(portion)(wow) * (sine[0] * (REAL)0.0010 + sine[1] * (REAL)0.0005) +
         WN(portion)(flutter) * sine[2] * (REAL)0.00008;
}
KR_INLINE REAL FN(tape_tick)(FN(Tape) * tape, REAL x, REAL seconds, REAL feedback, REAL drive) {
  double back = FN(line_limit)(&tape->line, (double)seconds * tape->rate);
  REAL wet = FN(line_cubic)(&tape->line, back), d = WN(between)(drive, (REAL)0.1, 10);
  tape->low = FN(keep)(tape->low + tape->treble * (wet - tape->low));
  tape->high = FN(keep)(tape->high + tape->bass * (tape->low - tape->high));
  wet = tape->low - tape->high;
  x = FN(keep)(x) + WN(between)(feedback, (REAL)-1.2, (REAL)1.2) * wet;
  FN(line_put)(&tape->line, FN(keep)(WN(bend)(x * d).value / d));
  return wet;
}
static void FN(tape)(const KrCall *call) {
  size_t strides[8];
  FN(strides)(call, call->lanes, 8, strides);
  REAL *restrict out = call->out[0], *lows = call->field[ECHO_LOW], *highs = call->field[ECHO_HIGH];
  for (uint32_t l = 0; l < call->lanes; l++) {
    const REAL turn = (REAL)6.283185307179586 * ((const REAL *)call->field[ECHO_DT])[l];
    FN(Tape)
    tape = {.line = FN(line_of)(call, l, call->field[ECHO_LINE],
                                ((const int64_t *)call->field[ECHO_SIZE])[l]),
            .rate = ((const double *)call->field[ECHO_RATE])[l],
            .low = lows[l],
            .high = highs[l],
            .bass = FN(approach)(turn * 40)};
    for (uint32_t t = 0; t < call->n; t++) {
      const REAL x = KR_AT(0);
      if (t == 0 || strides[7] != 0) tape.treble = FN(approach)(turn * KR_AT(7));
      REAL seconds = KR_AT(1) + FN(wobble)(call, l, KR_AT(3), KR_AT(4));
      REAL wet = FN(tape_tick)(&tape, x, seconds, KR_AT(2), KR_AT(5));
      out[t * call->lanes + l] = FN(mixed)(x, wet, KR_AT(6));
    }
    lows[l] = tape.low, highs[l] = tape.high;
  }
}
#endif

// A stage turns (x, s) into (y, s'): y = r s - k x, s' = r x + k s with k^2 + r^2 = 1, which is
// (z^-1 - k) / (1 - k z^-1) while they stay.
typedef struct WN(Rotation) {
  V k, r;
} WN(Rotation);
KR_INLINE WN(Rotation) WN(rotation_at)(V cutoff, V t_dt) {
  V t = WN(corner_turn)(cutoff, t_dt), z = t * t;
  V sine = WN(corner_sine)(t, z), cosine = WN(corner_cosine)(z), scale = 1 / (sine + cosine);
  REAL root[VN];
  VF(store)(root, sine * cosine);
  for (uint32_t l = 0; l < VN; l++) root[l] = RF(sqrt)(root[l]);
  return (WN(Rotation)){(cosine - sine) * scale, 2 * VF(load)(root) * scale};
}
// What goes into the chain is x + feedback y; y = straight of it + kept.
KR_INLINE V WN(phaser_step)(V *stage, const VI *is_there, uint32_t n, WN(Rotation) at, V x,
                            V feedback) {
  V straight = VF(all)(1), kept = VF(all)(0);
  for (uint32_t i = 0; i < n; i++) {
    straight = VF(select)(is_there[i], straight * -at.k, straight);
    kept = VF(select)(is_there[i], at.r * stage[i] - at.k * kept, kept);
  }
  V y = WN(keep)((x + feedback * kept) / (1 - feedback * straight));
  for (uint32_t i = 0; i < n; i++) {
    V next = WN(keep)(at.r * y + at.k * stage[i]);
    y = VF(select)(is_there[i], at.r * stage[i] - at.k * y, y);
    stage[i] = VF(select)(is_there[i], next, stage[i]);
  }
  return y;
}
static void WN(phaser_run)(const KrCall *call, const UINT *words) {
  size_t strides[6];
  FN(strides)(call, KR_WIDTH, 6, strides);
  const uint32_t *counts = call->field[PHASER_COUNT];
  uint32_t most = 0;
  for (uint32_t l = 0; l < KR_WIDTH; l++) most = counts[l] > most ? counts[l] : most;
#define X_AT(i) VF(load)((const REAL *)call->in[i] + t * strides[i] + v)
  for (uint32_t v = 0; v < KR_WIDTH; v += VN) {
    REAL *stages = (REAL *)call->field[PHASER_STAGES] + v;
    V t_dt = VF(load)((const REAL *)call->field[PHASER_DT] + v) * (REAL)(2 * T_UNIT);
    V stage[MAX_STAGES];
    VI is_there[MAX_STAGES];
    INT mask[VN];
    for (int i = 0; i < MAX_STAGES; i++) {
      for (uint32_t l = 0; l < VN; l++) mask[l] = -(INT)((uint32_t)i < counts[v + l]);
      is_there[i] = VF(load_bits)(mask);
      stage[i] = VF(load)(stages + (size_t)i * KR_WIDTH);
    }
    for (uint32_t t = 0; t < call->n; t++) {
      V sine = WN(sine_word)((VU)VF(load_bits)(words + t * KR_WIDTH + v));
      V octaves = WN(portion)(X_AT(2)) * (2 + 2 * sine), x = X_AT(0);
      WN(Rotation) at = WN(rotation_at)(X_AT(4) * WN(exp2)(octaves), t_dt);
      V feedback = WN(between)(X_AT(3), (REAL)-0.95, (REAL)0.95), mix = WN(portion)(X_AT(5));
      V wet = WN(phaser_step)(stage, is_there, most, at, WN(keep)(x), feedback);
      VF(store)((REAL *)call->out[0] + t * KR_WIDTH + v, x * (1 - mix) + wet * mix);
    }
    for (int i = 0; i < MAX_STAGES; i++) VF(store)(stages + (size_t)i * KR_WIDTH, stage[i]);
  }
#undef X_AT
}
#undef T_UNIT

#if KR_WIDE
// Words of the motion: its rate is input `rate`, its phase the last one, `phase` after that.
static void WN(motion)(const KrCall *call, uint32_t rate, uint32_t phase, FN(Words) * words) {
  KrCall own = *call;
  own.in = call->in + rate;
  own.held = call->held >> rate;
  WN(advance)(&own, phase - rate, words);
}
static void FN(chorus)(const KrCall *call) {
  FN(Words) words;
  WN(motion)(call, 1, 4, &words);
  FN(chorus_run)(call, words.at);
}
static void FN(flanger)(const KrCall *call) {
  FN(Words) words;
  WN(motion)(call, 3, 6, &words);
  FN(flanger_run)(call, words.at);
}
static void FN(phaser)(const KrCall *call) {
  FN(Words) words;
  WN(motion)(call, 1, 6, &words);
  if (call->lanes == 1)
    FN(phaser_run_one)(call, words.at);
  else
    FN(phaser_run_wide)(call, words.at);
}
#endif
#endif

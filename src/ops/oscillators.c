// Periodic signals: one 64-bit phase accumulator, and a shape of the phase per row.
// The phase of tick n is that before the increment of tick n, so every oscillator starts at phase
// 0. Band limit: a polynomial residual around every jump or corner (Stilson and Smith 1996;
// polynomials as Valimaki, Pekonen, Nam 2012), here six ticks wide with own coefficients: with G(u)
// below, the step response has -0.06 dB at 12 kHz, -1.6 dB at 15 kHz of 48 kHz, and its images at
// 33 kHz and above stay below -84 dB of the fundamental of a 997 Hz saw.
#ifndef KR_PASS
#include "ops/kernel.h"

enum { FIELD_PHASE, FIELD_OFFSET, FIELD_INCREMENT, FIELD_STEP, FIELD_SCALE, FIELD_DT, FIELD_FIXED };
enum { FIXED_FREQ = 1, FIXED_PHASE = 2, FIXED_DOWN = 4, FIXED_EVERY = 8 };
enum { SHAPE_SINE, SHAPE_TRI, SHAPE_SAW, SHAPE_SQUARE };
enum { FIELD_SHAPE = FIELD_FIXED + 1, FIELD_DUE = FIELD_FIXED + 1 };

// Phases of one tile, and for the band limit the magnitude of the increments in turns.
typedef struct Phases {
  uint64_t at[KR_TILE_SIZE];
} Phases;

#define KR_PASS 32
#include "ops/oscillators.c"
#undef KR_PASS
#define KR_PASS 64
#include "ops/oscillators.c"
#undef KR_PASS

#ifdef KR_ROWS
static uint64_t turns_of(const KrPortValue *port, KrRatio dt, bool up) {
  return port->exact ? kr_turns_of_ratio(port->ratio, dt, up)
                     : kr_turns_of_real(port->value, dt, up);
}

// |freq * dt| of a constant, at most half a turn.
static double step_of(const KrPrep *prep, const KrPortValue *port) {
  double step = port->value * ((double)prep->dt.num / (double)prep->dt.den);
  step = step < 0 ? -step : step;
  return step < 0.5 ? step : 0.5;
}

static void prepare_phase(const KrPrep *prep, const KrPortValue *phase, bool up) {
  uint8_t fixed = 0;
  const KrPortValue *freq = &prep->port[0];
  if (freq->kind == KR_VALUE_CONST) {
    fixed |= FIXED_FREQ;
    FIELD_AT(prep, FIELD_INCREMENT, uint64_t)[0] = turns_of(freq, prep->dt, up);
    kr_prep_put(prep, FIELD_STEP, 0, step_of(prep, freq));
  }
  if (phase == NULL || phase->kind == KR_VALUE_CONST) {
    fixed |= FIXED_PHASE;
    if (phase != NULL)
      FIELD_AT(prep, FIELD_OFFSET, uint64_t)[0] = turns_of(phase, KR_RATIO_ONE, false);
  }
  FIELD_AT(prep, FIELD_FIXED, uint8_t)[0] = fixed;
  kr_prep_put_ratio(prep, FIELD_SCALE, prep->dt, prep->elem == KR_ELEM_F32 ? 32 : 64);
  kr_prep_put_ratio(prep, FIELD_DT, prep->dt, 0);
}

static KrStatus prepare_freq_phase(const KrPrep *prep, const char **message) {
  (void)message;
  prepare_phase(prep, &prep->port[1], false);
  return KR_OK;
}
static KrStatus prepare_pulse(const KrPrep *prep, const char **message) {
  (void)message;
  prepare_phase(prep, &prep->port[2], false);
  return KR_OK;
}
static KrStatus prepare_phasor(const KrPrep *prep, const char **message) {
  (void)message;
  prepare_phase(prep, NULL, false);
  return KR_OK;
}
static KrStatus prepare_impulse(const KrPrep *prep, const char **message) {
  (void)message;
  prepare_phase(prep, NULL, true);
  FIELD_AT(prep, FIELD_DUE, uint8_t)[0] = 1;
  if (prep->port[0].kind != KR_VALUE_CONST) return KR_OK;
  double turns = prep->port[0].value * ((double)prep->dt.num / (double)prep->dt.den);
  uint8_t *fixed = FIELD_AT(prep, FIELD_FIXED, uint8_t);
  if (turns < 0) fixed[0] |= FIXED_DOWN;
  if (turns >= 1 || turns <= -1) fixed[0] |= FIXED_EVERY;
  return KR_OK;
}
static KrStatus prepare_lfo(const KrPrep *prep, const char **message) {
  (void)message;
  prepare_phase(prep, &prep->port[2], false);
  FIELD_AT(prep, FIELD_SHAPE, uint8_t)[0] = (uint8_t)prep->port[1].choice;
  return KR_OK;
}

#define PHASE_FIELDS                                                                               \
  STATE("phase", U64, 1), COEF("offset", U64, 1), COEF("increment", U64, 1),                       \
      COEF("step", CALL, 1), COEF("scale", CALL, 1), COEF("dt", CALL, 1), COEF("fixed", BOOL, 1)
#define FREQ SIGNAL("freq", "Hz", NULL, "0..half the rate", "frequency; negative runs backwards")
#define PHASE SIGNAL("phase", "turns", "0", NULL, "added to the phase when it is read")
#define FAMILY .family = "oscillators"
#define FREQ_PHASE .in = {FREQ, PHASE}, .field = {PHASE_FIELDS}, .prepare = prepare_freq_phase

static const KrOp OPS[] = {
    {.name = "sine",
     FAMILY,
     FREQ_PHASE,
     .run = RUN_REAL(sine),
     .doc = "Sine, 0 at phase 0; within 2.5e-7 (f32) or 1e-15 (f64)"},
    {.name = "saw",
     FAMILY,
     FREQ_PHASE,
     .run = RUN_REAL(saw),
     .doc = "Band-limited saw rising from -1 to 1, its jump at phase 0"},
    {.name = "square",
     FAMILY,
     FREQ_PHASE,
     .run = RUN_REAL(square),
     .doc = "Band-limited square: 1 in the first half turn, -1 in the second"},
    {.name = "tri",
     FAMILY,
     FREQ_PHASE,
     .run = RUN_REAL(tri),
     .doc = "Band-limited triangle, 0 and rising at phase 0"},
    {.name = "pulse",
     FAMILY,
     .run = RUN_REAL(pulse),
     .field = {PHASE_FIELDS},
     .prepare = prepare_pulse,
     .in = {FREQ, SIGNAL("width", "", "0.5", "0..1", "part of the turn that is 1"), PHASE},
     .doc = "Band-limited pulse: 1 for `width` of the turn, then -1"},
    {.name = "phasor",
     FAMILY,
     .run = RUN_REAL(phasor),
     .field = {PHASE_FIELDS},
     .prepare = prepare_phasor,
     .in = {FREQ},
     .doc = "Phase in turns, 0 to below 1, rounded to nearest on the grid 2^-24 (2^-53)"},
    {.name = "impulse",
     FAMILY,
     .run = RUN_REAL(impulse),
     .field = {PHASE_FIELDS, STATE("due", BOOL, 1)},
     .prepare = prepare_impulse,
     .in = {SIGNAL("freq", "Hz", NULL, "0..the rate", "pulses per second")},
     .doc = "1 at the first tick and at each tick in which the phase wraps, else 0; a constant "
            "increment is rounded up so that no pulse comes late"},
    {.name = "lfo",
     FAMILY,
     .run = RUN_REAL(lfo),
     .field = {PHASE_FIELDS, COEF("shape", BOOL, 1)},
     .prepare = prepare_lfo,
     .in = {FREQ, CHOICE("shape", "sine", "sine|tri|saw|square", "shape of one turn"), PHASE},
     .doc = "Slow oscillator: the shapes of sine, tri, saw and square without band limit"},
};
KR_FAMILY_DEFINE(oscillators, "oscillators");
#endif
KR_KERNELS(oscillators, KR_REALS(sine), KR_REALS(saw), KR_REALS(square), KR_REALS(tri),
           KR_REALS(pulse), KR_REALS(phasor), KR_REALS(impulse), KR_REALS(lfo));

#else
#include "ops/pass.h"

typedef struct FN(Steps) {
  REAL at[KR_TILE_SIZE];
} FN(Steps);

// Increment of a frequency signal: i32(x c) 2^32 with c = dt 2^32; i64(x c) with c = dt 2^64.
static inline uint64_t FN(increment)(REAL freq, REAL scale) {
#if KR_PASS == 32
  return (uint64_t)(uint32_t)kr_f32_to_i32(freq * scale) << 32;
#else
  return (uint64_t)kr_f64_to_i64(freq * scale);
#endif
}
// A phase signal in turns, modulo 1, cut to 31 (62) bits.
static inline uint64_t FN(turn)(REAL turns) {
  REAL part = RF(fract)(turns);
#if KR_PASS == 32
  return (uint64_t)(uint32_t)kr_f32_to_i32(part * 0x1p31f) << 33;
#else
  return (uint64_t)kr_f64_to_i64(part * 0x1p62) << 2;
#endif
}
// A phase as turns, 0 to 1.
static inline REAL FN(turns)(uint64_t phase) {
#if KR_PASS == 32
  return (REAL)(int32_t)(phase >> 33) * 0x1p-31f;
#else
  return (REAL)(int64_t)(phase >> 1) * 0x1p-63;
#endif
}
// A phase folded to the quarter turns -1..1 around 0: the triangle itself.
static inline REAL FN(fold)(uint64_t phase) {
#if KR_PASS == 32
  uint32_t x = (uint32_t)(phase >> 32);
  x = ((x ^ x << 1) & UINT32_C(0x80000000)) != 0 ? UINT32_C(0x80000000) - x : x;
  return (REAL)(int32_t)x * 0x1p-30f;
#else
  uint64_t x = phase, half = UINT64_C(1) << 63;
  x = ((x ^ x << 1) & half) != 0 ? half - x : x;
  return (REAL)(int64_t)x * 0x1p-62;
#endif
}

// Phases of the tile, offset added; the accumulator moves on.
static void FN(advance)(const KrCall *call, uint32_t offset_input, Phases *phases) {
  uint64_t *phase = call->field[FIELD_PHASE];
  const uint64_t *offset = call->field[FIELD_OFFSET], *fixed_step = call->field[FIELD_INCREMENT];
  const uint8_t *fixed = call->field[FIELD_FIXED];
  const REAL *scale = call->field[FIELD_SCALE], *freq = call->in[0];
  const REAL *turns = offset_input != 0 ? call->in[offset_input] : NULL;
  size_t freq_stride = kr_call_stride(call, 0);
  size_t turn_stride = offset_input != 0 ? kr_call_stride(call, offset_input) : 0;
  uint32_t lanes = call->lanes;
  for (uint32_t l = 0; l < lanes; l++) {
    uint64_t at = phase[l];
    if ((fixed[l] & FIXED_FREQ) != 0) {
      for (uint32_t t = 0; t < call->n; t++, at += fixed_step[l]) phases->at[t * lanes + l] = at;
    } else {
      for (uint32_t t = 0; t < call->n; t++) {
        phases->at[t * lanes + l] = at;
        at += FN(increment)(freq[t * freq_stride + l], scale[l]);
      }
    }
    phase[l] = at;
    for (uint32_t t = 0; t < call->n; t++)
      phases->at[t * lanes + l] += (fixed[l] & FIXED_PHASE) != 0 || turns == NULL
                                       ? offset[l]
                                       : FN(turn)(turns[t * turn_stride + l]);
  }
}

// 1 / (3 |increment|): turns to units of the residual's half width. True when neighbouring turns
// reach into each other (more than a third of a turn per tick).
static bool FN(widths)(const KrCall *call, FN(Steps) * steps) {
  const uint8_t *fixed = call->field[FIELD_FIXED];
  const REAL *fixed_step = call->field[FIELD_STEP], *dt = call->field[FIELD_DT];
  const REAL *freq = call->in[0];
  size_t stride = kr_call_stride(call, 0);
  REAL most = 0;
  for (uint32_t t = 0; t < call->n; t++)
    for (uint32_t l = 0; l < call->lanes; l++) {
      REAL step = RF(abs)(freq[t * stride + l] * dt[l]);
      step = step < (REAL)0.5 ? step : (REAL)0.5;
      step = (fixed[l] & FIXED_FREQ) != 0 ? fixed_step[l] : step;
      step = step > (REAL)0x1p-60 ? step : (REAL)0x1p-60;
      most = step > most ? step : most;
      steps->at[t * call->lanes + l] = step;
    }
  return most > (REAL)1 / 3;
}

// Residual of a rising unit step, u = 1 - distance/3 ticks: g(u) before it, -g(u) after it. The
// coefficients are multiples of 2^-17, so that g(1) is exactly 1/2 in f32 too.
static inline REAL FN(step_residual)(REAL u) {
  u = u > 0 ? u : 0;
  REAL p = (REAL)0x1.dc5f9p+3;
  p = p * u - (REAL)0x1.b0d968p+5;
  p = p * u + (REAL)0x1.13af08p+6;
  p = p * u - (REAL)0x1.1d0068p+5;
  p = p * u + (REAL)0x1.e17aap+2;
  p = p * u - (REAL)0x1.196fp+0;
  return p * (u * u * u);
}
// Its integral, in ticks: residual of a corner whose slope grows by 1 per tick.
static inline REAL FN(corner_residual)(REAL u) {
  u = u > 0 ? u : 0;
  REAL p = (REAL)(0x1.dc5f9p+3 / 9);
  p = p * u - (REAL)(0x1.b0d968p+5 / 8);
  p = p * u + (REAL)(0x1.13af08p+6 / 7);
  p = p * u - (REAL)(0x1.1d0068p+5 / 6);
  p = p * u + (REAL)(0x1.e17aap+2 / 5);
  p = p * u - (REAL)(0x1.196fp+0 / 4);
  REAL uu = u * u;
  return 3 * p * (uu * uu);
}
// Residual at `phase` of a rising step at phase 0 in every turn.
static inline REAL FN(steps_at)(uint64_t phase, REAL scale, bool wide) {
  REAL after = FN(turns)(phase) * scale, before = FN(turns)(~phase) * scale;
  REAL sum = FN(step_residual)(1 - before) - FN(step_residual)(1 - after);
  if (wide) sum += FN(step_residual)(1 - before - scale) - FN(step_residual)(1 - after - scale);
  return sum;
}
static inline REAL FN(corners_at)(uint64_t phase, REAL scale, bool wide) {
  REAL after = FN(turns)(phase) * scale, before = FN(turns)(~phase) * scale;
  REAL sum = FN(corner_residual)(1 - before) + FN(corner_residual)(1 - after);
  if (wide) sum += FN(corner_residual)(1 - before - scale) + FN(corner_residual)(1 - after - scale);
  return sum;
}

#define QUARTER (UINT64_C(1) << 62)
static inline REAL FN(saw_at)(uint64_t phase, REAL step, bool wide) {
  return 2 * FN(turns)(phase) - 1 - 2 * FN(steps_at)(phase, 1 / (3 * step), wide);
}
static inline REAL FN(pulse_at)(uint64_t phase, uint64_t width, REAL step, bool wide) {
  REAL scale = 1 / (3 * step), plain = phase < width ? (REAL)1 : (REAL)-1;
  REAL rise = FN(steps_at)(phase, scale, wide);
  REAL fall = FN(steps_at)(phase - width, scale, wide);
  return plain + 2 * (rise - fall);
}
static inline REAL FN(tri_at)(uint64_t phase, REAL step, bool wide) {
  REAL scale = 1 / (3 * step);
  REAL top = FN(corners_at)(phase - QUARTER, scale, wide);
  REAL bottom = FN(corners_at)(phase - 3 * QUARTER, scale, wide);
  return FN(fold)(phase) + 8 * step * (bottom - top);
}
// Width of a pulse as a phase; a full width stays just below the whole turn.
static inline uint64_t FN(width)(REAL width) {
  width = width > 0 ? width : 0;
#if KR_PASS == 32
  return width < 1 ? FN(turn)(width) : UINT64_MAX;
#else
  return width < 1 ? FN(turn)(width) : UINT64_MAX;
#endif
}

static void FN(sine)(const KrCall *call) {
  Phases phases;
  FN(advance)(call, 1, &phases);
  REAL *restrict out = call->out[0];
  uint32_t n = call->n * call->lanes;
  for (uint32_t i = 0; i < n; i++) out[i] = FN(quarter_sine)(FN(fold)(phases.at[i]));
}

// One loop for each width, so that the usual one has no branch inside. The residuals left out in
// the narrow one are exactly +0 or -0 added to a sum that is no zero.
#define LIMITED(name, offset_input, expression)                                                    \
  static void FN(name)(const KrCall *call) {                                                       \
    Phases phases;                                                                                 \
    FN(Steps) steps;                                                                               \
    FN(advance)(call, offset_input, &phases);                                                      \
    bool some_wide = FN(widths)(call, &steps);                                                     \
    REAL *restrict out = call->out[0];                                                             \
    uint32_t n = call->n * call->lanes;                                                            \
    if (some_wide) {                                                                               \
      const bool wide = true;                                                                      \
      for (uint32_t i = 0; i < n; i++) out[i] = expression;                                        \
    } else {                                                                                       \
      const bool wide = false;                                                                     \
      for (uint32_t i = 0; i < n; i++) out[i] = expression;                                        \
    }                                                                                              \
  }
LIMITED(saw, 1, FN(saw_at)(phases.at[i], steps.at[i], wide))
LIMITED(square, 1, FN(pulse_at)(phases.at[i], 2 * QUARTER, steps.at[i], wide))
LIMITED(tri, 1, FN(tri_at)(phases.at[i], steps.at[i], wide))
#undef LIMITED

static void FN(pulse)(const KrCall *call) {
  Phases phases;
  FN(Steps) steps;
  REAL held[KR_TILE_SIZE];
  FN(advance)(call, 2, &phases);
  bool wide = FN(widths)(call, &steps);
  const REAL *width = FN(dense)(call, 1, held);
  REAL *restrict out = call->out[0];
  uint32_t n = call->n * call->lanes;
  for (uint32_t i = 0; i < n; i++)
    out[i] = FN(pulse_at)(phases.at[i], FN(width)(width[i]), steps.at[i], wide);
}

static void FN(phasor)(const KrCall *call) {
  Phases phases;
  FN(advance)(call, 0, &phases);
  REAL *restrict out = call->out[0];
  uint32_t n = call->n * call->lanes;
#if KR_PASS == 32
  for (uint32_t i = 0; i < n; i++)
    out[i] = (REAL)(int32_t)((phases.at[i] + (UINT64_C(1) << 39)) >> 40) * 0x1p-24f;
#else
  for (uint32_t i = 0; i < n; i++)
    out[i] = (REAL)(int64_t)((phases.at[i] + (UINT64_C(1) << 10)) >> 11) * 0x1p-53;
#endif
}

static void FN(impulse)(const KrCall *call) {
  uint64_t *phase = call->field[FIELD_PHASE];
  const uint64_t *fixed_step = call->field[FIELD_INCREMENT];
  const uint8_t *fixed = call->field[FIELD_FIXED];
  uint8_t *due = call->field[FIELD_DUE];
  const REAL *scale = call->field[FIELD_SCALE], *freq = call->in[0];
  size_t stride = kr_call_stride(call, 0);
  REAL *restrict out = call->out[0];
  for (uint32_t t = 0; t < call->n; t++)
    for (uint32_t l = 0; l < call->lanes; l++) {
      out[t * call->lanes + l] = due[l] ? (REAL)1 : (REAL)0;
      bool is_fixed = (fixed[l] & FIXED_FREQ) != 0;
      uint64_t step = is_fixed ? fixed_step[l] : FN(increment)(freq[t * stride + l], scale[l]);
      bool down = is_fixed ? (fixed[l] & FIXED_DOWN) != 0 : (int64_t)step < 0;
      uint64_t next = phase[l] + step;
      due[l] = (down ? next > phase[l] : next < phase[l]) || (fixed[l] & FIXED_EVERY) != 0;
      phase[l] = next;
    }
}

static inline REAL FN(lfo_at)(uint64_t phase, uint8_t shape) {
  REAL tri = FN(fold)(phase), saw = 2 * FN(turns)(phase) - 1;
  REAL square = phase < 2 * QUARTER ? (REAL)1 : (REAL)-1;
  REAL value = shape == SHAPE_SINE ? FN(quarter_sine)(tri) : tri;
  value = shape == SHAPE_SAW ? saw : value;
  return shape == SHAPE_SQUARE ? square : value;
}
static void FN(lfo)(const KrCall *call) {
  Phases phases;
  FN(advance)(call, 1, &phases);
  const uint8_t *shape = call->field[FIELD_SHAPE];
  REAL *restrict out = call->out[0];
  for (uint32_t t = 0; t < call->n; t++)
    for (uint32_t l = 0; l < call->lanes; l++)
      out[t * call->lanes + l] = FN(lfo_at)(phases.at[t * call->lanes + l], shape[l]);
}
#undef QUARTER
#endif

// Periodic signals: one 64-bit phase accumulator, and a shape of the phase per row.
// The phase of tick n is that before the increment of tick n, so every oscillator starts at phase
// 0. Band limit: a polynomial residual around every jump or corner (Stilson and Smith 1996;
// polynomials as Valimaki, Pekonen, Nam 2012), here six ticks wide with own coefficients: with G(u)
// below, the step response has -0.06 dB at 12 kHz, -1.6 dB at 15 kHz of 48 kHz, and its images at
// 33 kHz and above stay below -84 dB of the fundamental of a 997 Hz saw.
#ifndef KR_PASS
#include "ops/kernel.h"

enum { FIELD_PHASE, FIELD_OFFSET, FIELD_INCREMENT, FIELD_STEP, FIELD_SCALE, FIELD_DT, FIELD_FIXED };
enum { FIXED_FREQ = 1, FIXED_PHASE = 2, FIXED_DOWN = 4, FIXED_EVERY = 8, FIXED_HIGH = 16 };
enum { SHAPE_SINE, SHAPE_TRI, SHAPE_SAW, SHAPE_SQUARE, SHAPE_PULSE };
enum { FIELD_SHAPE = FIELD_FIXED + 1, FIELD_DUE = FIELD_FIXED + 1 };

// The residuals of quality=high, eight ticks wide, u = 1 - distance/4 ticks, and their integral:
// images of a 997 Hz saw below -94 dB, the step response -0.15 dB at 12 kHz, -1.6 dB at 15 kHz of
// 48 kHz. Their coefficients ask for f64.
static double high_step(double u) {
  u = u > 0 ? u : 0;
  double p = -0x1.7976b4p+5;
  p = p * u + 0x1.1a12fcp+8;
  p = p * u - 0x1.46b28cp+9;
  p = p * u + 0x1.75dda48p+9;
  p = p * u - 0x1.bd9b498p+8;
  p = p * u + 0x1.149262p+7;
  p = p * u - 0x1.8373ep+4;
  p = p * u + 0x1.678p+1;
  return p * (u * u * u);
}
static double high_corner(double u) {
  u = u > 0 ? u : 0;
  double p = -0x1.7976b4p+5 / 11, uu = u * u;
  p = p * u + 0x1.1a12fcp+8 / 10;
  p = p * u - 0x1.46b28cp+9 / 9;
  p = p * u + 0x1.75dda48p+9 / 8;
  p = p * u - 0x1.bd9b498p+8 / 7;
  p = p * u + 0x1.149262p+7 / 6;
  p = p * u - 0x1.8373ep+4 / 5;
  p = p * u + 0x1.678p+1 / 4;
  return 4 * p * (uu * uu);
}
// Residual of a rising step or corner at phase 0 of every turn, `after` turns later, 0 to 1.
static double high_steps(double after, double scale) {
  double before = 1 - after;
  return high_step(1 - before * scale) - high_step(1 - after * scale) +
         high_step(1 - (before + 1) * scale) - high_step(1 - (after + 1) * scale);
}
static double high_corners(double after, double scale) {
  double before = 1 - after;
  return high_corner(1 - before * scale) + high_corner(1 - after * scale) +
         high_corner(1 - (before + 1) * scale) + high_corner(1 - (after + 1) * scale);
}

#define KR_SELF "ops/oscillators.c"
#include "ops/passes.h"

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
static void prepare_quality(const KrPrep *prep, const KrPortValue *quality) {
  FIELD_AT(prep, FIELD_FIXED, uint8_t)[0] |= quality->choice == 1 ? FIXED_HIGH : 0;
}
static KrStatus prepare_limited(const KrPrep *prep, const char **message) {
  (void)message;
  prepare_phase(prep, &prep->port[1], false);
  prepare_quality(prep, &prep->port[2]);
  return KR_OK;
}
static KrStatus prepare_pulse(const KrPrep *prep, const char **message) {
  (void)message;
  prepare_phase(prep, &prep->port[2], false);
  prepare_quality(prep, &prep->port[3]);
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
  AGES("phase", U64, 1), COEF("offset", U64, 1), COEF("increment", U64, 1), COEF("step", CALL, 1), \
      COEF("scale", CALL, 1), COEF("dt", CALL, 1), COEF("fixed", BOOL, 1)
#define FREQ SIGNAL("freq", "Hz", NULL, KR_RANGE_TO_HALF, "frequency; negative runs backwards")
#define PHASE SIGNAL("phase", "turns", "0", NULL, "added to the phase when it is read")
#define FAMILY .family = "oscillators"
#define FREQ_PHASE .in = {FREQ, PHASE}, .field = {PHASE_FIELDS}, .prepare = prepare_freq_phase
#define QUALITY                                                                                    \
  CHOICE("quality", "standard", "standard|high",                                                   \
         "images below 15 kHz of a 997 Hz tone: 78 or 90 dB under it; high costs more")
#define LIMITED .in = {FREQ, PHASE, QUALITY}, .field = {PHASE_FIELDS}, .prepare = prepare_limited

static const KrOp OPS[] = {
    {.name = "sine",
     FAMILY,
     FREQ_PHASE,
     .run = RUN_REAL(sine),
     .flags = KR_OP_ADDS | KR_OP_RAMPS | KR_OP_GAINS | KR_OP_JOINS,
     .doc = "Sine, 0 at phase 0; within 2.5e-7 (f32) or 1e-15 (f64)"},
    {.name = "saw",
     FAMILY,
     LIMITED,
     .run = RUN_REAL(saw),
     .flags = KR_OP_JOINS,
     .doc = "Band-limited saw rising from -1 to 1, its jump at phase 0"},
    {.name = "square",
     FAMILY,
     LIMITED,
     .run = RUN_REAL(square),
     .flags = KR_OP_JOINS,
     .doc = "Band-limited square: 1 in the first half turn, -1 in the second"},
    {.name = "tri",
     FAMILY,
     LIMITED,
     .run = RUN_REAL(tri),
     .flags = KR_OP_JOINS,
     .doc = "Band-limited triangle, 0 and rising at phase 0"},
    {.name = "pulse",
     FAMILY,
     .run = RUN_REAL(pulse),
     .flags = KR_OP_JOINS,
     .field = {PHASE_FIELDS},
     .prepare = prepare_pulse,
     .in = {FREQ, SIGNAL("width", "", "0.5", "0..1", "part of the turn that is 1"), PHASE, QUALITY},
     .doc = "Band-limited pulse: 1 for `width` of the turn, then -1"},
    {.name = "phasor",
     FAMILY,
     .run = RUN_REAL(phasor),
     .flags = KR_OP_JOINS,
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
     .flags = KR_OP_JOINS,
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

#include "ops/phase.inc"
#include "ops/shapes.inc"

#include "ops/limit.inc"

#if !KR_WIDE
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
      UINT moving = is_fixed ? 0 : FN(increment)(freq[t * stride + l], scale[l]);
      uint64_t step = is_fixed ? fixed_step[l] : (uint64_t)moving << (64 - KR_PASS);
      bool down = is_fixed ? (fixed[l] & FIXED_DOWN) != 0 : (int64_t)step < 0;
      uint64_t next = phase[l] + step;
      due[l] = (down ? next > phase[l] : next < phase[l]) || (fixed[l] & FIXED_EVERY) != 0;
      phase[l] = next;
    }
}
#else

// out[i] = expression of a vector of words.
#define EACH_WORD(expression)                                                                      \
  REAL *restrict out = call->out[0];                                                               \
  uint32_t n = call->n * call->lanes;                                                              \
  for (uint32_t i = 0; i < n; i += VN) {                                                           \
    VU word = (VU)VF(load_bits)(words.at + i);                                                     \
    WN(put)(out, i, n, expression);                                                                \
  }
KR_INLINE V WN(sine_turned)(VU turned, V row) {
  return (void)row, WN(quarter_sine)(WN(fold_turned)(turned));
}
KR_INLINE bool WN(sines)(const KrCall *call, const bool adds, const uint32_t n_factors) {
  const WN(Shape) shape = {.of = WN(sine_turned),
                           .out = call->out[0],
                           .bias = (UINT)1 << (KR_PASS - 2),
                           .adds = adds,
                           .gains = FN(gains_of)(call, n_factors)};
  return WN(each_phase)(call, 1, &shape);
}
KR_INLINE bool WN(sines_by)(const KrCall *call, const bool adds) {
  if (call->n_factors == 0) return WN(sines)(call, adds, 0);
  return call->n_factors == 1 ? WN(sines)(call, adds, 1) : WN(sines)(call, adds, 3);
}
static void FN(sine)(const KrCall *call) {
  FN(Words) words;
  bool adds = call->adds != 0;
  if (adds ? WN(sines_by)(call, true) : WN(sines_by)(call, false)) return;
  WN(advance)(call, 1, &words);
  if (!adds && call->n_factors == 0) {
    EACH_WORD(WN(quarter_sine)(WN(fold)(word)))
    return;
  }
  FN(Gains) gains = FN(gains_of)(call, call->n_factors);
  REAL *restrict out = call->out[0];
  for (uint32_t i = 0; i < call->n * KR_LANES; i += VN) {
    V y = WN(quarter_sine)(WN(fold)((VU)VF(load_bits)(words.at + i)));
    WN(emit)(out + i, WN(gained)(&gains, y, i / KR_LANES, i % KR_LANES), adds);
  }
}

static void FN(phasor)(const KrCall *call) {
  FN(Words) words;
  WN(advance)(call, 0, &words);
#if KR_PASS == 32
  EACH_WORD(VF(of_int)((VI)((word + 0x80) >> 8)) * 0x1p-24f)
#else
  EACH_WORD(VF(of_int)((VI)((word + (1 << 10)) >> 11)) * 0x1p-53)
#endif
}

static void FN(saw)(const KrCall *call) { WN(limit)(call, FN(saw), SHAPE_SAW, 1); }
static void FN(square)(const KrCall *call) { WN(limit)(call, FN(square), SHAPE_SQUARE, 1); }
static void FN(tri)(const KrCall *call) { WN(limit)(call, FN(tri), SHAPE_TRI, 1); }
static void FN(pulse)(const KrCall *call) { WN(limit)(call, FN(pulse), SHAPE_PULSE, 2); }

KR_INLINE V WN(lfo_at)(VU word, VI is_sine, VI is_saw, VI is_square) {
  V tri = WN(fold)(word), saw = 2 * WN(turns)(word) - 1;
  V square = WN(level)(word, (VU)VF(all_bits)((INT)((UINT)1 << (KR_PASS - 1))));
  V value = VF(select)(is_sine, WN(quarter_sine)(tri), tri);
  return VF(select)(is_square, square, VF(select)(is_saw, saw, value));
}
static void FN(lfo)(const KrCall *call) {
  FN(Words) words;
  INT masks[3][KR_LANES];
  const uint8_t *shapes = call->field[FIELD_SHAPE];
  WN(advance)(call, 1, &words);
  for (uint32_t l = 0; l < KR_LANES; l++) {
    uint8_t shape = shapes[call->lanes == 1 ? 0 : l];
    masks[0][l] = -(INT)(shape == SHAPE_SINE);
    masks[1][l] = -(INT)(shape == SHAPE_SAW);
    masks[2][l] = -(INT)(shape == SHAPE_SQUARE);
  }
#define MASK(k) VF(load_bits)(masks[k] + i % KR_LANES)
  EACH_WORD(WN(lfo_at)(word, MASK(0), MASK(1), MASK(2)))
#undef MASK
}
#undef EACH_WORD
#endif
#endif

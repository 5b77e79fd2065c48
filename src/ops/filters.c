// Filters. Second-order ones are one trapezoidal state-variable filter (Zavalishin 2012; equations
// as Simper 2013): stable under modulation of cutoff and q. g = tan(pi cutoff dt) from two values
// of one sine polynomial, relative error below 1e-6 (f32) and 1e-15 (f64) up to the limit 0.49 of
// the rate. State that is not finite becomes 0, so a NaN passes in one tick.
#ifndef KR_PASS
#include "ops/kernel.h"

enum { SVF_ONE, SVF_TWO, SVF_DT, SVF_MODE };
enum { MODE_LP, MODE_BP, MODE_HP, MODE_NOTCH, MODE_SET };
enum { POLE_VALUE, POLE_INPUT, POLE_DT };
enum { BIQUAD_ONE, BIQUAD_TWO };

#define KR_PASS 32
#include "ops/filters.c"
#undef KR_PASS
#define KR_PASS 64
#include "ops/filters.c"
#undef KR_PASS

#ifdef KR_ROWS
static KrStatus prepare_svf(const KrPrep *prep, const char **message) {
  (void)message;
  kr_prep_put_ratio(prep, SVF_DT, prep->dt, 0);
  if (kr_op_ports(prep->op) == 4)
    FIELD_AT(prep, SVF_MODE, uint8_t)[0] = (uint8_t)prep->port[3].choice;
  return KR_OK;
}
static KrStatus prepare_pole(const KrPrep *prep, const char **message) {
  (void)message;
  kr_prep_put_ratio(prep, POLE_DT, prep->dt, 0);
  return KR_OK;
}

#define X SIGNAL("x", NULL, NULL, NULL, "input")
#define CUTOFF(preset, doc) SIGNAL("cutoff", "Hz", preset, "0..0.49 of the rate", doc)
#define Q SIGNAL("q", "", "0.7071", "0.025..", "resonance; 0.7071 is flat")
#define SVF                                                                                        \
  .field = {STATE("one", CALL, 1), STATE("two", CALL, 1), COEF("dt", CALL, 1)},                    \
  .prepare = prepare_svf
#define POLE                                                                                       \
  .field = {STATE("value", CALL, 1), STATE("input", CALL, 1), COEF("dt", CALL, 1)},                \
  .prepare = prepare_pole
#define FAMILY .family = "filters"
static const KrOp OPS[] = {
    {.name = "lowpass",
     FAMILY,
     SVF,
     .run = RUN_REAL(lowpass),
     .in = {X, CUTOFF(NULL, "corner frequency"), Q},
     .doc = "Low-pass, 12 dB per octave"},
    {.name = "highpass",
     FAMILY,
     SVF,
     .run = RUN_REAL(highpass),
     .in = {X, CUTOFF(NULL, "corner frequency"), Q},
     .doc = "High-pass, 12 dB per octave"},
    {.name = "bandpass",
     FAMILY,
     SVF,
     .run = RUN_REAL(bandpass),
     .in = {X, CUTOFF(NULL, "centre frequency"), Q},
     .doc = "Band-pass, 6 dB per octave each side, 1 at the centre"},
    {.name = "notch",
     FAMILY,
     SVF,
     .run = RUN_REAL(notch),
     .in = {X, CUTOFF(NULL, "centre frequency"), Q},
     .doc = "Band-stop, 0 at the centre"},
    {.name = "svf",
     FAMILY,
     .run = RUN_REAL(svf),
     .prepare = prepare_svf,
     .in = {X, CUTOFF(NULL, "corner or centre frequency"), Q,
            CHOICE("mode", "lp", "lp|bp|hp|notch", "which of the four")},
     .field = {STATE("one", CALL, 1), STATE("two", CALL, 1), COEF("dt", CALL, 1),
               COEF("mode", BOOL, 1)},
     .doc = "State-variable filter: lowpass, bandpass, highpass or notch by mode"},
    {.name = "onepole",
     FAMILY,
     POLE,
     .run = RUN_REAL(onepole),
     .in = {X, CUTOFF(NULL, "corner frequency")},
     .doc = "Low-pass, 6 dB per octave: y + (1 - e^(-2 pi cutoff dt)) (x - y)"},
    {.name = "dcblock",
     FAMILY,
     POLE,
     .run = RUN_REAL(dcblock),
     .in = {X, CUTOFF("10Hz", "corner frequency")},
     .doc = "Takes away what does not move: y = x - x' + e^(-2 pi cutoff dt) y'"},
    {.name = "biquad",
     FAMILY,
     .run = RUN_REAL(biquad),
     .in = {X, SIGNAL("b0", "", NULL, NULL, "of x"),
            SIGNAL("b1", "", NULL, NULL, "of x a tick ago"),
            SIGNAL("b2", "", NULL, NULL, "of x two ticks ago"),
            SIGNAL("a1", "", NULL, NULL, "of y a tick ago, subtracted"),
            SIGNAL("a2", "", NULL, NULL, "of y two ticks ago, subtracted")},
     .field = {STATE("one", CALL, 1), STATE("two", CALL, 1)},
     .doc = "Second-order section by its coefficients (a0 = 1), transposed form 2"},
};
KR_FAMILY_DEFINE(filters, "filters");
#endif
KR_KERNELS(filters, KR_REALS(lowpass), KR_REALS(highpass), KR_REALS(bandpass), KR_REALS(notch),
           KR_REALS(svf), KR_REALS(onepole), KR_REALS(dcblock), KR_REALS(biquad));

#else
#include "ops/pass.h"

typedef struct FN(Svf) {
  REAL k, a1, a2, a3;
} FN(Svf);

static inline FN(Svf) FN(svf_make)(REAL cutoff, REAL q, REAL dt) {
  REAL x = cutoff * dt;
  x = x > (REAL)0x1p-40 ? x : (REAL)0x1p-40;
  x = x < (REAL)0.49 ? x : (REAL)0.49;
  REAL g = FN(quarter_sine)(2 * x) / FN(quarter_sine)(1 - 2 * x);
  REAL k = 1 / (q > (REAL)0.025 ? q : (REAL)0.025);
  REAL a1 = 1 / (1 + g * (g + k)), a2 = g * a1;
  return (FN(Svf)){k, a1, a2, g * a2};
}

KR_INLINE void FN(svf_run)(const KrCall *call, const uint32_t lanes, const int set_mode) {
  size_t strides[3];
  FN(strides)(call, lanes, 3, strides);
  const REAL *dt = call->field[SVF_DT];
  const uint8_t *modes = set_mode == MODE_SET ? call->field[SVF_MODE] : NULL;
  bool once = strides[1] == 0 && strides[2] == 0;
  REAL *restrict out = call->out[0], one[KR_LANES], two[KR_LANES];
  REAL k[KR_LANES] = {0}, a1[KR_LANES] = {0}, a2[KR_LANES] = {0}, a3[KR_LANES] = {0};
  FN(load)(one, call->field[SVF_ONE], lanes);
  FN(load)(two, call->field[SVF_TWO], lanes);
  for (uint32_t t = 0; t < call->n; t++) {
    if (t == 0 || !once)
      for (uint32_t l = 0; l < lanes; l++) {
        FN(Svf) svf = FN(svf_make)(KR_AT(1), KR_AT(2), dt[l]);
        k[l] = svf.k, a1[l] = svf.a1, a2[l] = svf.a2, a3[l] = svf.a3;
      }
    for (uint32_t l = 0; l < lanes; l++) {
      REAL x = KR_AT(0), v3 = x - two[l];
      REAL v1 = a1[l] * one[l] + a2[l] * v3, v2 = two[l] + (a2[l] * one[l] + a3[l] * v3);
      one[l] = FN(keep)(2 * v1 - one[l]);
      two[l] = FN(keep)(2 * v2 - two[l]);
      REAL band = k[l] * v1;
      int mode = set_mode == MODE_SET ? modes[l] : set_mode;
      REAL value = mode == MODE_LP ? v2 : mode == MODE_BP ? band : x - band;
      out[t * lanes + l] = mode == MODE_HP ? x - band - v2 : value;
    }
  }
  FN(store)(one, call->field[SVF_ONE], lanes);
  FN(store)(two, call->field[SVF_TWO], lanes);
}
#define SVF_KERNEL(name, mode)                                                                     \
  KR_INLINE void FN(name##_lanes)(const KrCall *call, const uint32_t lanes) {                      \
    FN(svf_run)(call, lanes, mode);                                                                \
  }                                                                                                \
  KR_BY_LANES(FN(name), FN(name##_lanes))
SVF_KERNEL(lowpass, MODE_LP)
SVF_KERNEL(bandpass, MODE_BP)
SVF_KERNEL(highpass, MODE_HP)
SVF_KERNEL(notch, MODE_NOTCH)
SVF_KERNEL(svf, MODE_SET)
#undef SVF_KERNEL

#define TWO_PI ((REAL)6.283185307179586)
KR_INLINE void FN(onepole_lanes)(const KrCall *call, const uint32_t lanes) {
  size_t strides[2];
  FN(strides)(call, lanes, 2, strides);
  const REAL *dt = call->field[POLE_DT];
  REAL *restrict out = call->out[0], value[KR_LANES], part[KR_LANES] = {0};
  FN(load)(value, call->field[POLE_VALUE], lanes);
  for (uint32_t t = 0; t < call->n; t++) {
    if (t == 0 || strides[1] != 0)
      for (uint32_t l = 0; l < lanes; l++) part[l] = FN(approach)(TWO_PI * KR_AT(1) * dt[l]);
    for (uint32_t l = 0; l < lanes; l++) {
      REAL next = value[l] + part[l] * (KR_AT(0) - value[l]);
      out[t * lanes + l] = next;
      value[l] = FN(keep)(next);
    }
  }
  FN(store)(value, call->field[POLE_VALUE], lanes);
}
KR_BY_LANES(FN(onepole), FN(onepole_lanes))

KR_INLINE void FN(dcblock_lanes)(const KrCall *call, const uint32_t lanes) {
  size_t strides[2];
  FN(strides)(call, lanes, 2, strides);
  const REAL *dt = call->field[POLE_DT];
  REAL *restrict out = call->out[0], value[KR_LANES], input[KR_LANES], pole[KR_LANES] = {0};
  FN(load)(value, call->field[POLE_VALUE], lanes);
  FN(load)(input, call->field[POLE_INPUT], lanes);
  for (uint32_t t = 0; t < call->n; t++) {
    if (t == 0 || strides[1] != 0)
      for (uint32_t l = 0; l < lanes; l++) pole[l] = FN(decay)(TWO_PI * KR_AT(1) * dt[l]);
    for (uint32_t l = 0; l < lanes; l++) {
      REAL x = KR_AT(0), next = (x - input[l]) + pole[l] * value[l];
      out[t * lanes + l] = next;
      value[l] = FN(keep)(next);
      input[l] = FN(keep)(x);
    }
  }
  FN(store)(value, call->field[POLE_VALUE], lanes);
  FN(store)(input, call->field[POLE_INPUT], lanes);
}
KR_BY_LANES(FN(dcblock), FN(dcblock_lanes))
#undef TWO_PI

KR_INLINE void FN(biquad_lanes)(const KrCall *call, const uint32_t lanes) {
  size_t strides[6];
  FN(strides)(call, lanes, 6, strides);
  REAL *restrict out = call->out[0], one[KR_LANES], two[KR_LANES];
  FN(load)(one, call->field[BIQUAD_ONE], lanes);
  FN(load)(two, call->field[BIQUAD_TWO], lanes);
  for (uint32_t t = 0; t < call->n; t++)
    for (uint32_t l = 0; l < lanes; l++) {
      REAL x = KR_AT(0), y = KR_AT(1) * x + one[l];
      one[l] = FN(keep)(KR_AT(2) * x - KR_AT(4) * y + two[l]);
      two[l] = FN(keep)(KR_AT(3) * x - KR_AT(5) * y);
      out[t * lanes + l] = y;
    }
  FN(store)(one, call->field[BIQUAD_ONE], lanes);
  FN(store)(two, call->field[BIQUAD_TWO], lanes);
}
KR_BY_LANES(FN(biquad), FN(biquad_lanes))
#endif

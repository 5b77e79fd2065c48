// Filters. Second-order ones are one trapezoidal state-variable filter (Zavalishin 2012; equations
// as Simper 2013): stable under modulation of cutoff and q. g = tan(pi cutoff dt) as a quotient,
// which leaves one division a tick; relative error of the quotient 1e-7 (f32) and 6e-16 (f64) up to
// the limit 0.49 of the rate. State that is not finite becomes 0, so a NaN passes in one tick.
#ifndef KR_PASS
#include "ops/kernel.h"

enum { SVF_ONE, SVF_TWO, SVF_DT, SVF_MODE };
// Whose elements lie how far apart between two ticks.
enum { AT_X, AT_CUTOFF, AT_Q, AT_GAIN, N_STRIDES };
enum { MODE_LP, MODE_BP, MODE_HP, MODE_NOTCH, MODE_SET };
enum { POLE_VALUE, POLE_INPUT, POLE_DT };
enum { BIQUAD_ONE, BIQUAD_TWO };

#define KR_SELF "ops/filters.c"
#include "ops/passes.h"

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

#define X INPUT("input")
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
     .flags = KR_OP_GAIN | KR_OP_SCALES,
     .in = {X, CUTOFF(NULL, "corner frequency"), Q},
     .doc = "Low-pass, 12 dB per octave"},
    {.name = "highpass",
     FAMILY,
     SVF,
     .run = RUN_REAL(highpass),
     .flags = KR_OP_GAIN,
     .in = {X, CUTOFF(NULL, "corner frequency"), Q},
     .doc = "High-pass, 12 dB per octave"},
    {.name = "bandpass",
     FAMILY,
     SVF,
     .run = RUN_REAL(bandpass),
     .flags = KR_OP_GAIN,
     .in = {X, CUTOFF(NULL, "centre frequency"), Q},
     .doc = "Band-pass, 6 dB per octave each side, 1 at the centre"},
    {.name = "notch",
     FAMILY,
     SVF,
     .run = RUN_REAL(notch),
     .flags = KR_OP_GAIN,
     .in = {X, CUTOFF(NULL, "centre frequency"), Q},
     .doc = "Band-stop, 0 at the centre"},
    {.name = "svf",
     FAMILY,
     .run = RUN_REAL(svf),
     .flags = KR_OP_GAIN,
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

// Input i at tick t, vector v of the lanes; state fields by vector.
#define X_AT(i) VF(load)((const REAL *)call->in[i] + t * strides[i] + v)
#define EACH(v) for (uint32_t v = 0; v < KR_WIDTH; v += VN)
enum { WN(N_VECTORS) = KR_WIDTH / VN };
KR_INLINE void WN(take)(V *local, const void *field) {
  EACH(v) local[v / VN] = VF(load)((const REAL *)field + v);
}
KR_INLINE void WN(give)(const V *local, void *field) {
  EACH(v) VF(store)((REAL *)field + v, local[v / VN]);
}

#include "ops/corner.inc"

// What the ticks of one vector need besides the coefficients. What is not kept of the states stays
// until the next tick takes them.
typedef struct WN(SvfLanes) {
  V one, two, t_dt, q, half_k;
  VI low_pass, band_pass, high_pass;
} WN(SvfLanes);
// The output of one tick; the state moves on.
KR_INLINE V WN(svf_step)(const WN(Svf) * svf, V x, WN(SvfLanes) * lanes, const int mode) {
  V one = WN(keep)(lanes->one), two = WN(keep)(lanes->two), rest = x - two;
  V next = svf->b1 * one + svf->b2 * rest, gain = svf->b2 * one + svf->b3 * rest;
  V low = two + gain * (REAL)0.5, band = lanes->half_k * (one + next);
  V notch = x - band, high = notch - low;
  lanes->one = next;
  lanes->two = two + gain;
  switch (mode) {
  case MODE_LP: return low;
  case MODE_BP: return band;
  case MODE_HP: return high;
  case MODE_NOTCH: return notch;
  default:
    return VF(select)(
        lanes->low_pass, low,
        VF(select)(lanes->band_pass, band, VF(select)(lanes->high_pass, high, notch)));
  }
}

// All ones where the lane's mode is `mode`.
KR_INLINE VI WN(mode_mask)(const KrCall *call, uint32_t v, int mode) {
  const uint8_t *modes = call->field[SVF_MODE];
  INT mask[VN];
  for (uint32_t l = 0; l < VN; l++) mask[l] = -(INT)(modes[v + l] == mode);
  return VF(load_bits)(mask);
}
KR_INLINE WN(SvfLanes) WN(svf_lanes)(const KrCall *call, uint32_t v, const int mode) {
  WN(SvfLanes)
  lanes = {.one = VF(load)((const REAL *)call->field[SVF_ONE] + v),
           .two = VF(load)((const REAL *)call->field[SVF_TWO] + v),
           .t_dt = VF(load)((const REAL *)call->field[SVF_DT] + v) * (REAL)(2 * T_UNIT),
           .q = WN(svf_q)(VF(load)((const REAL *)call->in[2] + v))};
  lanes.half_k = (REAL)0.5 / lanes.q;
  if (mode != MODE_SET) return lanes;
  lanes.low_pass = WN(mode_mask)(call, v, MODE_LP);
  lanes.band_pass = WN(mode_mask)(call, v, MODE_BP);
  lanes.high_pass = WN(mode_mask)(call, v, MODE_HP);
  return lanes;
}

// Up to four vectors go through the ticks together, and coefficients are computed three ticks
// ahead: what does not depend on a state fills the time in which it moves on. They are made once a
// tile, from the cutoff at every tick, scaled (KR_OP_SCALES) or not, or from both inputs.
enum { WN(N_TOGETHER) = KR_WIDTH / VN > 2 ? 4 : KR_WIDTH / VN, WN(N_AHEAD) = 3 };
enum { WN(BY_TILE), WN(BY_CUTOFF), WN(BY_SCALED), WN(BY_BOTH) };
typedef struct WN(SvfRun) {
  WN(SvfLanes) lanes[WN(N_TOGETHER)];
  WN(Svf) svf[WN(N_TOGETHER)];
  V scale[WN(N_TOGETHER)], offset[WN(N_TOGETHER)];
  const REAL *x, *cutoff, *q, *gain;
  REAL *out;
} WN(SvfRun);
// Rows in place of factors and summands that are not there: bits stay.
#define ROW(x)                                                                                     \
  { x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x }
static const REAL WN(svf_ones)[KR_LANES] = ROW(1), WN(svf_none)[KR_LANES] = ROW((REAL)-0.0);
#undef ROW

KR_INLINE WN(Svf) WN(svf_next)(WN(SvfRun) * run, uint32_t i, const int by) {
  WN(SvfLanes) *lanes = &run->lanes[i];
  if (by == WN(BY_TILE)) return run->svf[i];
  V cutoff = VF(load)(run->cutoff + i * VN);
  if (by == WN(BY_SCALED)) cutoff = cutoff * run->scale[i] + run->offset[i];
  return WN(svf_make)(cutoff, lanes->t_dt, lanes->q);
}
KR_INLINE void WN(svf_ticks)(WN(SvfRun) * run, const size_t *strides, const int mode, const int by,
                             const uint32_t n) {
  WN(Svf) svf[WN(N_AHEAD)][WN(N_TOGETHER)];
  V half_k[WN(N_AHEAD)][WN(N_TOGETHER)];
  for (uint32_t t = 0; t < n; t++, run->cutoff += strides[AT_CUTOFF], run->q += strides[AT_Q])
    for (uint32_t i = 0; i < WN(N_TOGETHER); i++) {
      WN(SvfLanes) *lanes = &run->lanes[i];
      if (by == WN(BY_BOTH)) lanes->q = WN(svf_q)(VF(load)(run->q + i * VN));
      half_k[t][i] = by == WN(BY_BOTH) ? (REAL)0.5 / lanes->q : lanes->half_k;
      svf[t][i] = WN(svf_next)(run, i, by);
    }
  for (uint32_t t = 0; t < n; t++, run->x += strides[AT_X], run->out += KR_WIDTH) {
    for (uint32_t i = 0; i < WN(N_TOGETHER); i++) {
      run->lanes[i].half_k = half_k[t][i];
      V y = WN(svf_step)(&svf[t][i], VF(load)(run->x + i * VN), &run->lanes[i], mode);
      VF(store)(run->out + i * VN, y * VF(load)(run->gain + i * VN));
    }
    run->gain += strides[AT_GAIN];
  }
}
KR_INLINE WN(SvfRun) WN(svf_begin)(const KrCall *call, uint32_t v, const int mode) {
  bool scales = call->n_scales != 0, gains = call->n_factors != 0;
  const REAL *scale = scales ? call->in[call->first_scale] : WN(svf_ones);
  const REAL *offset = scales ? call->in[call->first_scale + 1] : WN(svf_none);
  WN(SvfRun)
  run = {.x = (const REAL *)call->in[0] + v,
         .cutoff = (const REAL *)call->in[1] + v,
         .q = (const REAL *)call->in[2] + v,
         .gain = (gains ? (const REAL *)call->in[call->first_factor] : WN(svf_ones)) + v,
         .out = (REAL *)call->out[0] + v};
  for (uint32_t i = 0; i < WN(N_TOGETHER); i++) {
    run.scale[i] = VF(load)(scale + v + i * VN);
    run.offset[i] = VF(load)(offset + v + i * VN);
    V cutoff = VF(load)(run.cutoff + i * VN) * run.scale[i] + run.offset[i];
    run.lanes[i] = WN(svf_lanes)(call, v + i * VN, mode);
    run.svf[i] = WN(svf_make)(cutoff, run.lanes[i].t_dt, run.lanes[i].q);
  }
  return run;
}
KR_INLINE void WN(svf_tile)(const KrCall *call, uint32_t v, const size_t *strides, const int mode,
                            const int by) {
  WN(SvfRun) run = WN(svf_begin)(call, v, mode);
  uint32_t t = 0, n = call->n;
  for (; t + WN(N_AHEAD) <= n; t += WN(N_AHEAD))
    WN(svf_ticks)(&run, strides, mode, by, WN(N_AHEAD));
  for (; t < n; t++) WN(svf_ticks)(&run, strides, mode, by, 1);
  for (uint32_t i = 0; i < WN(N_TOGETHER); i++) {
    VF(store)((REAL *)call->field[SVF_ONE] + v + i * VN, WN(keep)(run.lanes[i].one));
    VF(store)((REAL *)call->field[SVF_TWO] + v + i * VN, WN(keep)(run.lanes[i].two));
  }
}

KR_INLINE void WN(svf_run)(const KrCall *call, const int mode) {
  size_t strides[N_STRIDES] = {0};
  FN(strides)(call, KR_WIDTH, AT_GAIN, strides);
  if (call->n_factors != 0) strides[AT_GAIN] = kr_call_stride(call, call->first_factor);
  for (uint32_t v = 0; v < KR_WIDTH; v += WN(N_TOGETHER) * VN) {
    if (strides[AT_Q] != 0)
      WN(svf_tile)(call, v, strides, mode, WN(BY_BOTH));
    else if (strides[AT_CUTOFF] == 0)
      WN(svf_tile)(call, v, strides, mode, WN(BY_TILE));
    else if (mode == MODE_LP && call->n_scales != 0)
      WN(svf_tile)(call, v, strides, mode, WN(BY_SCALED));
    else
      WN(svf_tile)(call, v, strides, mode, WN(BY_CUTOFF));
  }
}
#undef T_UNIT
#define SVF_KERNEL(name, mode)                                                                     \
  static void WN(name)(const KrCall *call) { WN(svf_run)(call, mode); }
SVF_KERNEL(lowpass, MODE_LP)
SVF_KERNEL(bandpass, MODE_BP)
SVF_KERNEL(highpass, MODE_HP)
SVF_KERNEL(notch, MODE_NOTCH)
SVF_KERNEL(svf, MODE_SET)
#undef SVF_KERNEL

#define TWO_PI ((REAL)6.283185307179586)
static void WN(onepole)(const KrCall *call) {
  size_t strides[2];
  FN(strides)(call, KR_WIDTH, 2, strides);
  REAL *restrict out = call->out[0];
  V value[WN(N_VECTORS)], dt[WN(N_VECTORS)], part[WN(N_VECTORS)];
  WN(take)(value, call->field[POLE_VALUE]);
  WN(take)(dt, call->field[POLE_DT]);
  EACH(v) part[v / VN] = VF(all)(0);
  for (uint32_t t = 0; t < call->n; t++) {
    if (t == 0 || strides[1] != 0)
      EACH(v) part[v / VN] = WN(approach)(TWO_PI * X_AT(1) * dt[v / VN]);
    EACH(v) {
      uint32_t i = v / VN;
      V next = value[i] + part[i] * (X_AT(0) - value[i]);
      VF(store)(out + t * KR_WIDTH + v, next);
      value[i] = WN(keep)(next);
    }
  }
  WN(give)(value, call->field[POLE_VALUE]);
}

static void WN(dcblock)(const KrCall *call) {
  size_t strides[2];
  FN(strides)(call, KR_WIDTH, 2, strides);
  REAL *restrict out = call->out[0];
  V value[WN(N_VECTORS)], input[WN(N_VECTORS)], dt[WN(N_VECTORS)], pole[WN(N_VECTORS)];
  WN(take)(value, call->field[POLE_VALUE]);
  WN(take)(input, call->field[POLE_INPUT]);
  WN(take)(dt, call->field[POLE_DT]);
  EACH(v) pole[v / VN] = VF(all)(0);
  for (uint32_t t = 0; t < call->n; t++) {
    if (t == 0 || strides[1] != 0) EACH(v) pole[v / VN] = WN(decay)(TWO_PI * X_AT(1) * dt[v / VN]);
    EACH(v) {
      uint32_t i = v / VN;
      V x = X_AT(0), next = (x - input[i]) + pole[i] * value[i];
      VF(store)(out + t * KR_WIDTH + v, next);
      value[i] = WN(keep)(next);
      input[i] = WN(keep)(x);
    }
  }
  WN(give)(value, call->field[POLE_VALUE]);
  WN(give)(input, call->field[POLE_INPUT]);
}
#undef TWO_PI

static void WN(biquad)(const KrCall *call) {
  size_t strides[6];
  FN(strides)(call, KR_WIDTH, 6, strides);
  REAL *restrict out = call->out[0];
  V one[WN(N_VECTORS)], two[WN(N_VECTORS)];
  WN(take)(one, call->field[BIQUAD_ONE]);
  WN(take)(two, call->field[BIQUAD_TWO]);
  for (uint32_t t = 0; t < call->n; t++) EACH(v) {
      uint32_t i = v / VN;
      V x = X_AT(0), y = X_AT(1) * x + one[i];
      one[i] = WN(keep)(X_AT(2) * x - X_AT(4) * y + two[i]);
      two[i] = WN(keep)(X_AT(3) * x - X_AT(5) * y);
      VF(store)(out + t * KR_WIDTH + v, y);
    }
  WN(give)(one, call->field[BIQUAD_ONE]);
  WN(give)(two, call->field[BIQUAD_TWO]);
}
#undef EACH
#undef X_AT

#if KR_WIDE
KR_BY_WIDTH(lowpass)
KR_BY_WIDTH(bandpass)
KR_BY_WIDTH(highpass)
KR_BY_WIDTH(notch)
KR_BY_WIDTH(svf)
KR_BY_WIDTH(onepole)
KR_BY_WIDTH(dcblock)
KR_BY_WIDTH(biquad)
#endif
#endif

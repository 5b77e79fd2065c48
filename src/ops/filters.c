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

typedef struct WN(Svf) {
  V k, a1, a2, a3;
} WN(Svf);

KR_INLINE V WN(svf_g)(V cutoff, V dt) {
  V x = VF(greater)(cutoff * dt, VF(all)((REAL)0x1p-40));
  x = VF(lesser)(x, VF(all)((REAL)0.49));
  return WN(quarter_sine)(2 * x) / WN(quarter_sine)(1 - 2 * x);
}
KR_INLINE V WN(svf_k)(V q) { return 1 / VF(greater)(q, VF(all)((REAL)0.025)); }
KR_INLINE WN(Svf) WN(svf_make)(V g, V k) {
  V a1 = 1 / (1 + g * (g + k)), a2 = g * a1;
  return (WN(Svf)){k, a1, a2, g * a2};
}

// The output of one tick; the state moves on.
KR_INLINE V WN(svf_step)(const WN(Svf) * svf, V x, V *one, V *two, const int mode, VI band_pass,
                         VI low_pass, VI high_pass) {
  V v3 = x - *two;
  V v1 = svf->a1 * *one + svf->a2 * v3, v2 = *two + (svf->a2 * *one + svf->a3 * v3);
  *one = WN(keep)(2 * v1 - *one);
  *two = WN(keep)(2 * v2 - *two);
  V band = svf->k * v1, notch = x - band, high = notch - v2;
  switch (mode) {
  case MODE_LP: return v2;
  case MODE_BP: return band;
  case MODE_HP: return high;
  case MODE_NOTCH: return notch;
  default:
    return VF(select)(low_pass, v2,
                      VF(select)(band_pass, band, VF(select)(high_pass, high, notch)));
  }
}

// All ones where the lane's mode is `mode`.
KR_INLINE VI WN(mode_mask)(const KrCall *call, uint32_t v, int mode) {
  const uint8_t *modes = call->field[SVF_MODE];
  INT mask[VN];
  for (uint32_t l = 0; l < VN; l++) mask[l] = -(INT)(modes[v + l] == mode);
  return VF(load_bits)(mask);
}

KR_INLINE void WN(svf_run)(const KrCall *call, const int mode) {
  size_t strides[3];
  FN(strides)(call, KR_WIDTH, 3, strides);
  bool held_g = strides[1] == 0, held_k = strides[2] == 0;
  REAL *restrict out = call->out[0];
  V one[WN(N_VECTORS)], two[WN(N_VECTORS)], dt[WN(N_VECTORS)];
  V k[WN(N_VECTORS)];
  VI masks[3][WN(N_VECTORS)];
  WN(Svf) svf[WN(N_VECTORS)];
  WN(take)(one, call->field[SVF_ONE]);
  WN(take)(two, call->field[SVF_TWO]);
  WN(take)(dt, call->field[SVF_DT]);
  for (uint32_t t = 0; t == 0; t++) EACH(v) {
      uint32_t i = v / VN;
      for (int m = MODE_LP; m <= MODE_HP; m++)
        masks[m][i] = mode == MODE_SET ? WN(mode_mask)(call, v, m) : VF(all_bits)(0);
      k[i] = WN(svf_k)(X_AT(2));
      svf[i] = WN(svf_make)(WN(svf_g)(X_AT(1), dt[i]), k[i]);
    }
#define TICKS(make)                                                                                \
  for (uint32_t t = 0; t < call->n; t++) EACH(v) {                                                 \
      uint32_t i = v / VN;                                                                         \
      make;                                                                                        \
      V y = WN(svf_step)(&svf[i], X_AT(0), &one[i], &two[i], mode, masks[MODE_BP][i],              \
                         masks[MODE_LP][i], masks[MODE_HP][i]);                                    \
      VF(store)(out + t * KR_WIDTH + v, y);                                                        \
    }
  if (held_g && held_k)
    TICKS((void)0)
  else if (held_k)
    TICKS(svf[i] = WN(svf_make)(WN(svf_g)(X_AT(1), dt[i]), k[i]))
  else
    TICKS(svf[i] = WN(svf_make)(WN(svf_g)(X_AT(1), dt[i]), WN(svf_k)(X_AT(2))))
#undef TICKS
  WN(give)(one, call->field[SVF_ONE]);
  WN(give)(two, call->field[SVF_TWO]);
}
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

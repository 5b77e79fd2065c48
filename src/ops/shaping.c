// Shapes of signals: what bends, folds, coarsens or multiplies them. All but bitcrush, ringmod and
// tremolo are functions of the present tick alone.
#ifndef KR_PASS
#include "ops/phases.h"

enum { CRUSH_VALUE, CRUSH_PHASE };
enum { FIELD_SHAPE = FIELD_OWN };
enum { SHAPE_SINE, SHAPE_TRI, SHAPE_SAW, SHAPE_SQUARE };

#define KR_SELF "ops/shaping.c"
#include "ops/passes.h"

#ifdef KR_ROWS
static KrStatus prepare_crush(const KrPrep *prep, const char **message) {
  (void)message;
  kr_prep_put(prep, CRUSH_PHASE, 0, 1);
  return KR_OK;
}
static KrStatus prepare_ringmod(const KrPrep *prep, const char **message) {
  (void)message;
  kr_prep_phase(prep, &prep->port[1], NULL);
  return KR_OK;
}
static KrStatus prepare_tremolo(const KrPrep *prep, const char **message) {
  (void)message;
  kr_prep_phase(prep, &prep->port[1], NULL);
  FIELD_AT(prep, FIELD_SHAPE, uint8_t)[0] = (uint8_t)prep->port[3].choice;
  return KR_OK;
}

#define X INPUT("input")
#define FAMILY .family = "shaping"
static const KrOp OPS[] = {
    {.name = "saturate",
     FAMILY,
     .flags = KR_OP_ELEMENTWISE,
     .run = RUN_REAL(saturate),
     .in = {X, SIGNAL("drive", "", "1", "0.01..1000", "how far into the curve; 0.01 is straight")},
     .doc = "Soft saturation, tanh(drive x) / tanh(drive): 1 stays 1 and what is quieter gains"},
    {.name = "fold",
     FAMILY,
     .flags = KR_OP_ELEMENTWISE,
     .run = RUN_REAL(fold),
     .in = {X, SIGNAL("gain", "", "1", "up to 2^20", "factor before the fold")},
     .doc = "Wave folder: gain x, turned back at -1 and 1 as often as it takes"},
    {.name = "bitcrush",
     FAMILY,
     .run = RUN_REAL(bitcrush),
     .in = {X, SIGNAL("bits", "", "16", "2..32", "steps of 2^(1 - bits), in between too"),
            SIGNAL("rate", "", "1", "0..1", "values taken per tick; each is held to the next")},
     .field = {STATE("value", CALL, 1), STATE("phase", CALL, 1)},
     .prepare = prepare_crush,
     .doc = "Fewer bits and fewer values a second; what is not finite is taken as 0"},
    {.name = "ringmod",
     FAMILY,
     .run = RUN_REAL(ringmod),
     .in = {X, SIGNAL("freq", "Hz", "5Hz", KR_RANGE_TO_HALF, "of the sine"),
            SIGNAL("depth", "", "1", "0..1", "0: x itself, 1: x times the sine")},
     .field = {PHASE_FIELDS},
     .prepare = prepare_ringmod,
     .doc = "Ring modulation: x times a sine that starts at phase 0"},
    {.name = "tremolo",
     FAMILY,
     .run = RUN_REAL(tremolo),
     .in = {X, SIGNAL("freq", "Hz", "5Hz", KR_RANGE_TO_HALF, "times a second"),
            SIGNAL("depth", "", "0.5", "0..1", "what is taken away at most"),
            CHOICE("shape", "sine", "sine|tri|saw|square",
                   "of the level; saw and square cross over in 1/32 and 1/8 of a turn")},
     .field = {PHASE_FIELDS, COEF("shape", BOOL, 1)},
     .prepare = prepare_tremolo,
     .doc = "Level between 1 - depth and 1 in a slow periodic shape, half way at first"},
    {.name = "width",
     FAMILY,
     .run = RUN_REAL(width),
     .out = {"left", "right"},
     .in = {SIGNAL("left", NULL, NULL, NULL, "left channel"),
            SIGNAL("right", NULL, NULL, NULL, "right channel"),
            SIGNAL("amount", "", "1", NULL, "of the difference; 0: mono, 1: as it is, 2: wide")},
     .doc = "Stereo width: the difference of two channels times amount, their sum as it is"},
};
KR_FAMILY_DEFINE(shaping, "shaping");
#endif
KR_KERNELS(shaping, KR_REALS(saturate), KR_REALS(fold), KR_REALS(bitcrush), KR_REALS(ringmod),
           KR_REALS(tremolo), KR_REALS(width));

#else
#include "ops/pass.h"

#include "ops/curves.inc"
#include "ops/phase.inc"
#include "ops/shapes.inc"

#if KR_WIDE
KR_INLINE V WN(saturated)(V x, V drive) {
  V d = WN(between)(drive, (REAL)0.01, 1000);
  return WN(tanh)(x * d) / WN(tanh)(d);
}
static void FN(saturate)(const KrCall *call) { WN(each_of_two)(call, WN(saturated)); }

KR_INLINE V WN(folded)(V x, V gain) {
  V y = WN(between)(x * gain, -0x1p20, 0x1p20), quarter = (y + 1) * (REAL)0.25;
  V turned = 1 - VF(abs)(4 * (quarter - VF(floor)(quarter)) - 2);
  return VF(select)(VF(le)(VF(abs)(y), VF(all)(1)), y, turned);
}
static void FN(fold)(const KrCall *call) { WN(each_of_two)(call, WN(folded)); }

// The words of the one phase, driven by input 1.
static void WN(words_of)(const KrCall *call, FN(Words) * words) {
  KrCall own = *call;
  own.in = call->in + 1;
  own.held = call->held >> 1;
  WN(advance)(&own, 0, words);
}
static void FN(ringmod)(const KrCall *call) {
  FN(Words) words;
  FN(Flat) x, depth;
  REAL *restrict out = call->out[0];
  WN(words_of)(call, &words);
  FN(flatten)(call, 0, &x);
  FN(flatten)(call, 2, &depth);
  for (uint32_t i = 0, n = call->n * call->lanes; i < n; i += VN) {
    V sine = WN(quarter_sine)(WN(fold)((VU)VF(load_bits)(words.at + i)));
    V part = WN(portion)(WN(get)(&depth, i, n));
    WN(put)(out, i, n, WN(get)(&x, i, n) * (1 - part + part * sine));
  }
}

// The shapes -1..1 of a phase by two masks each of bit 0 and 1 of its index.
KR_INLINE V WN(tremolo_shape)(VU word, VI first, VI second) {
  V tri = WN(fold)(word);
  V turns = WN(turns)(word);
  V saw = 2 * VF(lesser)(turns * (REAL)(32.0 / 31), (1 - turns) * 32) - 1;
  V square = WN(between)(16 * tri, -1, 1);
  V low = VF(select)(first, tri, WN(quarter_sine)(tri));
  return VF(select)(second, VF(select)(first, square, saw), low);
}
static void FN(tremolo)(const KrCall *call) {
  FN(Words) words;
  FN(Flat) x, depth;
  INT masks[2][KR_LANES];
  const uint8_t *shapes = call->field[FIELD_SHAPE];
  REAL *restrict out = call->out[0];
  WN(words_of)(call, &words);
  FN(flatten)(call, 0, &x);
  FN(flatten)(call, 2, &depth);
  for (uint32_t l = 0; l < KR_LANES; l++) {
    uint8_t shape = shapes[call->lanes == 1 ? 0 : l];
    masks[0][l] = -(INT)(shape & 1);
    masks[1][l] = -(INT)(shape >> 1);
  }
  for (uint32_t i = 0, n = call->n * call->lanes; i < n; i += VN) {
    VI first = VF(load_bits)(masks[0] + i % KR_LANES),
       second = VF(load_bits)(masks[1] + i % KR_LANES);
    V shape = WN(tremolo_shape)((VU)VF(load_bits)(words.at + i), first, second);
    V part = WN(portion)(WN(get)(&depth, i, n));
    WN(put)(out, i, n, WN(get)(&x, i, n) * (1 - part * (REAL)0.5 * (1 - shape)));
  }
}

static void FN(width)(const KrCall *call) {
  FN(Flat) left, right, amount;
  REAL *to_left = call->out[0], *to_right = call->out[1];
  FN(flatten)(call, 0, &left);
  FN(flatten)(call, 1, &right);
  FN(flatten)(call, 2, &amount);
  for (uint32_t i = 0, n = call->n * call->lanes; i < n; i += VN) {
    V l = WN(get)(&left, i, n), r = WN(get)(&right, i, n);
    V more = (WN(get)(&amount, i, n) - 1) * ((l - r) * (REAL)0.5);
    WN(put)(to_left, i, n, l + more);
    WN(put)(to_right, i, n, r - more);
  }
}
#endif

// A value is taken when the phase has come to 1.
static void WN(bitcrush)(const KrCall *call) {
  size_t strides[3];
  FN(strides)(call, KR_WIDTH, 3, strides);
  REAL *restrict out = call->out[0];
  for (uint32_t v = 0; v < KR_WIDTH; v += VN) {
    V value = VF(load)((REAL *)call->field[CRUSH_VALUE] + v);
    V phase = VF(load)((REAL *)call->field[CRUSH_PHASE] + v), steps = VF(all)(1);
    for (uint32_t t = 0; t < call->n; t++) {
      const REAL *x = (const REAL *)call->in[0] + t * strides[0] + v;
      const REAL *bits = (const REAL *)call->in[1] + t * strides[1] + v;
      const REAL *rate = (const REAL *)call->in[2] + t * strides[2] + v;
      VI takes = VF(le)(VF(all)(1), phase);
      value = VF(select)(takes, WN(keep)(VF(load)(x)), value);
      phase = phase - VF(where)(takes, VF(all)(1)) + WN(portion)(VF(load)(rate));
      if (t == 0 || strides[1] != 0) steps = WN(exp2)(WN(between)(VF(load)(bits), 2, 32) - 1);
      VF(store)(out + t * KR_WIDTH + v, VF(floor)(value * steps + (REAL)0.5) / steps);
    }
    VF(store)((REAL *)call->field[CRUSH_VALUE] + v, value);
    VF(store)((REAL *)call->field[CRUSH_PHASE] + v, phase);
  }
}
#undef TURN
#if KR_WIDE
KR_BY_WIDTH(bitcrush)
#endif
#endif

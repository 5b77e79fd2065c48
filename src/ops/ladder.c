// Filters made of several: the ladder, an equaliser of three bands, a state-variable filter between
// its outputs. The ladder is four trapezoidal one-poles in a loop without delay (Zavalishin 2012)
// that saturates where it is closed. Four of them turn by half a turn exactly at the cutoff, and
// what saturates does not turn, so that it rings in tune. The loop's equation u + a f(u) = b, f
// being smooth, odd and flatter outwards, takes one Newton step from the solution of a straight f:
// it comes from below and never passes u. f is bounded by 1/drive, hence so is what circulates,
// however inputs move. States that are not finite become 0.
#ifndef KR_PASS
#include "ops/kernel.h"

enum { LADDER_STAGES, LADDER_DT, N_STAGES = 4 };
enum { MORPH_ONE, MORPH_TWO, MORPH_DT };
enum { EQ_LOW, EQ_HIGH, EQ_DT };

#define KR_SELF "ops/ladder.c"
#include "ops/passes.h"

#ifdef KR_ROWS
// Every row's last field is dt.
static KrStatus prepare_dt(const KrPrep *prep, const char **message) {
  (void)message;
  kr_prep_put_ratio(prep, kr_op_fields(prep->op) - 1, prep->dt, 0);
  return KR_OK;
}

#define X INPUT("input")
#define CUTOFF(name, preset, doc) SIGNAL(name, "Hz", preset, "0..0.49 of the rate", doc)
#define FAMILY .family = "filters", .prepare = prepare_dt
static const KrOp OPS[] = {
    {.name = "svf_morph",
     FAMILY,
     .run = RUN_REAL(svf_morph),
     .in = {X, CUTOFF("cutoff", NULL, "corner or centre frequency"),
            SIGNAL("q", "", "0.7071", "0.025..", "resonance; 0.7071 is flat"),
            SIGNAL("morph", "", "0", "0..2", "0: lowpass, 1: bandpass, 2: highpass")},
     .field = {STATE("one", CALL, 1), STATE("two", CALL, 1), COEF("dt", CALL, 1)},
     .doc = "State-variable filter from lowpass over bandpass to highpass, all in between"},
    {.name = "ladder",
     FAMILY,
     .run = RUN_REAL(ladder),
     .in = {X, CUTOFF("cutoff", NULL, "corner frequency, and where it rings"),
            SIGNAL("res", "", "0", "0..1", "resonance; from 0.91 on it sounds by itself"),
            SIGNAL("drive", "", "1", "0.01..100", "saturates at 2/drive; no gain of its own")},
     .field = {STATE("stage", CALL, N_STAGES), COEF("dt", CALL, 1)},
     .doc = "Ladder, low-pass of 24 dB per octave that saturates; in tune within 0.2 cents"},
    {.name = "eq3",
     FAMILY,
     .run = RUN_REAL(eq3),
     .in = {X, SIGNAL("low", "dB", "0", "-120..120", "level of what is below"),
            SIGNAL("mid", "dB", "0", "-120..120", "level of what is between"),
            SIGNAL("high", "dB", "0", "-120..120", "level of what is above"),
            CUTOFF("low_freq", "250Hz", "between low and mid"),
            CUTOFF("high_freq", "4000Hz", "between mid and high")},
     .field = {STATE("low", CALL, 2), STATE("high", CALL, 2), COEF("dt", CALL, 1)},
     .doc =
         "Equaliser of three bands, two shelves; half way at both frequencies, exactly x at 0 dB"},
};
KR_FAMILY_DEFINE(ladder, "filters");
#endif
KR_KERNELS(ladder, KR_REALS(svf_morph), KR_REALS(ladder), KR_REALS(eq3));

#else
#include "ops/pass.h"

#include "ops/corner.inc"
#include "ops/curves.inc"

// Input i at tick t, vector v; entry k of a field.
#define X_AT(i) VF(load)((const REAL *)call->in[i] + t * strides[i] + v)
#define MOVES(i) (t == 0 || strides[i] != 0)
#define ENTRY(index, k) ((REAL *)call->field[index] + (size_t)(k)*KR_WIDTH + v)

// A filter's state and its three outputs of one tick.
typedef struct WN(Cell) {
  V one, two;
} WN(Cell);
typedef struct WN(Bands) {
  V low, band, high;
} WN(Bands);
KR_INLINE WN(Bands) WN(cell_step)(WN(Cell) * cell, const WN(Svf) * svf, V half_k, V x) {
  V rest = x - cell->two, next = svf->b1 * cell->one + svf->b2 * rest;
  V gain = svf->b2 * cell->one + svf->b3 * rest;
  WN(Bands) y = {.low = cell->two + gain * (REAL)0.5, .band = half_k * (cell->one + next)};
  y.high = x - y.band - y.low;
  cell->one = WN(keep)(next);
  cell->two = WN(keep)(cell->two + gain);
  return y;
}

static void WN(svf_morph)(const KrCall *call) {
  size_t strides[4];
  FN(strides)(call, KR_WIDTH, 4, strides);
  REAL *restrict out = call->out[0];
  for (uint32_t v = 0; v < KR_WIDTH; v += VN) {
    WN(Cell) cell = {VF(load)(ENTRY(MORPH_ONE, 0)), VF(load)(ENTRY(MORPH_TWO, 0))};
    V t_dt = VF(load)(ENTRY(MORPH_DT, 0)) * (REAL)(2 * T_UNIT), q = t_dt, half_k = t_dt;
    WN(Svf) svf = {q, q, q};
    for (uint32_t t = 0; t < call->n; t++) {
      if (MOVES(2)) q = WN(svf_q)(X_AT(2)), half_k = (REAL)0.5 / q;
      if (MOVES(1) || MOVES(2)) svf = WN(svf_make)(X_AT(1), t_dt, q);
      WN(Bands) y = WN(cell_step)(&cell, &svf, half_k, X_AT(0));
      V morph = WN(between)(X_AT(3), 0, 2), low = VF(greater)(1 - morph, VF(all)(0));
      V high = VF(greater)(morph - 1, VF(all)(0));
      VF(store)(out + t * KR_WIDTH + v, y.low * low + y.high * high + y.band * (1 - (low + high)));
    }
    VF(store)(ENTRY(MORPH_ONE, 0), cell.one);
    VF(store)(ENTRY(MORPH_TWO, 0), cell.two);
  }
}

// One pole is y = part x + rest s; feedback is that of the loop, around all four it is `loop`.
typedef struct WN(Ladder) {
  V part, rest, feedback, loop, straight;
} WN(Ladder);
KR_INLINE WN(Ladder) WN(ladder_make)(V cutoff, V res, V t_dt) {
  V t = WN(corner_turn)(cutoff, t_dt), z = t * t, sine = WN(corner_sine)(t, z),
    cosine = WN(corner_cosine)(z);
  V scale = 1 / (sine + cosine), part = sine * scale, square = part * part;
  V feedback = WN(portion)(res) * (REAL)4.4, loop = feedback * square * square;
  return (WN(Ladder)){part, cosine * scale, feedback, loop, 1 / (1 + loop)};
}
// f(u) of u + loop f(u) = b. The step is that of Newton with its fraction expanded by (3 + u^2)^2,
// the denominator of f': one division less.
KR_INLINE V WN(ladder_solve)(const WN(Ladder) * ladder, V b) {
  V u = b * ladder->straight, near = WN(between)(u, -3, 3), square = near * near, e = square + 3;
  V part = ladder->loop * (REAL)(1.0 / 9), flat = 9 - square;
  V excess = ((u - b) * e + part * (near * (27 + square))) * e;
  return WN(bend)(u - excess / (e * e + part * (flat * flat))).value;
}
typedef struct WN(Drive) {
  V gain, inverse;
} WN(Drive);
KR_INLINE V WN(ladder_step)(const WN(Ladder) * ladder, V x, WN(Drive) drive, V *stage) {
  V part = ladder->part, sum = stage[0];
  for (int i = 1; i < N_STAGES; i++) sum = sum * part + stage[i];
  x = WN(between)(WN(keep)(x), -0x1p40, 0x1p40) * (1 + ladder->feedback * (REAL)0.5);
  V y = WN(ladder_solve)(ladder, (x - ladder->feedback * ladder->rest * sum) * drive.gain);
  y = y * drive.inverse;
  for (int i = 0; i < N_STAGES; i++) {
    V half = (y - stage[i]) * part;
    y = half + stage[i];
    stage[i] = WN(keep)(y + half);
  }
  return y;
}

// Vectors go through the ticks together: one's divisions fill the time of another's.
enum { WN(N_BESIDE) = KR_WIDTH / VN > 1 ? 2 : 1 };
KR_INLINE void WN(ladder_lanes)(const KrCall *call, const size_t *strides, uint32_t first) {
  V stage[WN(N_BESIDE)][N_STAGES], t_dt[WN(N_BESIDE)];
  WN(Drive) drive[WN(N_BESIDE)];
  WN(Ladder) ladder[WN(N_BESIDE)];
  for (uint32_t i = 0, v = first; i < WN(N_BESIDE); i++, v += VN) {
    t_dt[i] = VF(load)(ENTRY(LADDER_DT, 0)) * (REAL)(2 * T_UNIT);
    for (int k = 0; k < N_STAGES; k++) stage[i][k] = VF(load)(ENTRY(LADDER_STAGES, k));
  }
  for (uint32_t t = 0; t < call->n; t++)
    for (uint32_t i = 0, v = first; i < WN(N_BESIDE); i++, v += VN) {
      if (MOVES(1) || MOVES(2)) ladder[i] = WN(ladder_make)(X_AT(1), X_AT(2), t_dt[i]);
      if (MOVES(3)) {
        drive[i].gain = WN(between)(X_AT(3), (REAL)0.01, 100) * (REAL)0.5;
        drive[i].inverse = 1 / drive[i].gain;
      }
      V y = WN(ladder_step)(&ladder[i], X_AT(0), drive[i], stage[i]);
      VF(store)((REAL *)call->out[0] + t * KR_WIDTH + v, y);
    }
  for (uint32_t i = 0, v = first; i < WN(N_BESIDE); i++, v += VN)
    for (int k = 0; k < N_STAGES; k++) VF(store)(ENTRY(LADDER_STAGES, k), stage[i][k]);
}
static void WN(ladder)(const KrCall *call) {
  size_t strides[4];
  FN(strides)(call, KR_WIDTH, 4, strides);
  for (uint32_t v = 0; v < KR_WIDTH; v += WN(N_BESIDE) * VN) WN(ladder_lanes)(call, strides, v);
}

// Shelves as Simper (2013): with A^2 the gain of one, its corner moves by the root of A, so that at
// the frequency given half of the dB are there.
typedef struct WN(Shelf) {
  WN(Svf) svf;
  V of_x, of_band, of_low;
} WN(Shelf);
KR_INLINE WN(Shelf) WN(shelf_make)(V level, V cutoff, V t_dt, V q, const bool is_high) {
  V t = WN(corner_turn)(cutoff, t_dt), z = t * t, root = WN(amplitude)(level * (REAL)0.25);
  V sine = WN(corner_sine)(t, z), cosine = WN(corner_cosine)(z), a = root * root, one = VF(all)(1);
  if (is_high)
    return (WN(Shelf)){WN(svf_of)(sine * root, cosine, q), a * a, (1 - a) * a, 1 - a * a};
  return (WN(Shelf)){WN(svf_of)(sine, cosine * root, q), one, a - 1, a * a - 1};
}
KR_INLINE V WN(shelf_step)(const WN(Shelf) * shelf, WN(Cell) * cell, V half_k, V x) {
  WN(Bands) y = WN(cell_step)(cell, &shelf->svf, half_k, x);
  return shelf->of_x * x + shelf->of_band * y.band + shelf->of_low * y.low;
}
static void WN(eq3)(const KrCall *call) {
  size_t strides[6];
  FN(strides)(call, KR_WIDTH, 6, strides);
  const V q = VF(all)((REAL)0.70710678118654752), half_k = (REAL)0.5 / q;
  for (uint32_t v = 0; v < KR_WIDTH; v += VN) {
    WN(Cell) low = {VF(load)(ENTRY(EQ_LOW, 0)), VF(load)(ENTRY(EQ_LOW, 1))};
    WN(Cell) high = {VF(load)(ENTRY(EQ_HIGH, 0)), VF(load)(ENTRY(EQ_HIGH, 1))};
    V t_dt = VF(load)(ENTRY(EQ_DT, 0)) * (REAL)(2 * T_UNIT), mid = q, level = q;
    WN(Shelf) below = {{q, q, q}, q, q, q}, above = below;
    for (uint32_t t = 0; t < call->n; t++) {
      if (MOVES(2)) mid = WN(between)(X_AT(2), -120, 120), level = WN(amplitude)(mid);
      if (MOVES(1) || MOVES(2) || MOVES(4))
        below = WN(shelf_make)(WN(between)(X_AT(1), -120, 120) - mid, X_AT(4), t_dt, q, false);
      if (MOVES(3) || MOVES(2) || MOVES(5))
        above = WN(shelf_make)(WN(between)(X_AT(3), -120, 120) - mid, X_AT(5), t_dt, q, true);
      V y = WN(shelf_step)(&above, &high, half_k, WN(shelf_step)(&below, &low, half_k, X_AT(0)));
      VF(store)((REAL *)call->out[0] + t * KR_WIDTH + v, y * level);
    }
    VF(store)(ENTRY(EQ_LOW, 0), low.one);
    VF(store)(ENTRY(EQ_LOW, 1), low.two);
    VF(store)(ENTRY(EQ_HIGH, 0), high.one);
    VF(store)(ENTRY(EQ_HIGH, 1), high.two);
  }
}
#undef ENTRY
#undef MOVES
#undef X_AT
#undef T_UNIT

#if KR_WIDE
KR_BY_WIDTH(svf_morph)
KR_BY_WIDTH(ladder)
KR_BY_WIDTH(eq3)
#endif
#endif

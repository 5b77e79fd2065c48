// Levels and places: pan, mix, gain.
#ifndef KR_PASS
#include "math/elementary.h"
#include "ops/kernel.h"

#define KR_SELF "ops/mixing.c"
#include "ops/passes.h"

#ifdef KR_ROWS
#define X INPUT("input")
#define FAMILY .family = "mixing"
static const KrOp OPS[] = {
    {.name = "pan",
     FAMILY,
     .flags = KR_OP_ADDS,
     .run = RUN_REAL(pan),
     .out = {"left", "right"},
     .in = {X, SIGNAL("position", "", "0", "-1..1", "-1 left, 0 middle, 1 right")},
     .doc = "Two channels of equal power: cosine and sine of a quarter turn"},
    {.name = "pan",
     FAMILY,
     .flags = KR_OP_PAIR,
     .run = RUN_REAL(balance),
     .out = {"left", "right"},
     .in = {PAIR,
            SIGNAL("position", "", "0", "-1..1", "-1 left alone, 0 as they are, 1 right alone"),
            RIGHT},
     .doc = "Balance of two channels: the nearer one as it is, the other one by the cosine of as "
            "many quarter turns"},
    {.name = "mix",
     FAMILY,
     .flags = KR_OP_ELEMENTWISE,
     .run = RUN_REAL(mix),
     .in = {SIGNAL("a", NULL, NULL, NULL, "first"), SIGNAL("b", NULL, NULL, NULL, "second"),
            SIGNAL("amount", "", "0.5", "0..1", "0: a alone, 1: b alone")},
     .doc = "a (1 - amount) + b amount"},
    {.name = "gain",
     FAMILY,
     .flags = KR_OP_ELEMENTWISE,
     .run = RUN_REAL(gain),
     .in = {X, SIGNAL("amount", "", NULL, NULL, "factor")},
     .doc = "x times a factor, or by a level when the amount is in dB"},
    {.name = "gain",
     FAMILY,
     .flags = KR_OP_ELEMENTWISE,
     .run = RUN_REAL(gain_level),
     .in = {X, SIGNAL("amount", "dB", NULL, NULL, "level in dB")},
     .doc = "x by a level: x 10^(amount / 20)"},
};
KR_FAMILY_DEFINE(mixing, "mixing");
#endif
KR_KERNELS(mixing, KR_REALS(pan), KR_REALS(balance), KR_REALS(mix), KR_REALS(gain),
           KR_REALS(gain_level));

#else
#include "ops/pass.h"

#if KR_WIDE
KR_INLINE void WN(pan_gains)(V position, V *left, V *right) {
  V part = VF(greater)((1 + position) / 2, VF(all)(0));
  part = VF(lesser)(part, VF(all)(1));
  *left = WN(quarter_sine)(1 - part);
  *right = WN(quarter_sine)(part);
}
// The lanes of one vector by gains that stay; adds as KrCall.adds.
KR_INLINE void WN(pan_lanes)(const KrCall *call, uint32_t v, V position, const uint64_t adds) {
  const REAL *x = (const REAL *)call->in[0] + v;
  REAL *left = (REAL *)call->out[0] + v, *restrict right = (REAL *)call->out[1] + v;
  size_t stride = kr_call_stride(call, 0);
  V to_left, to_right;
  WN(pan_gains)(position, &to_left, &to_right);
  for (uint32_t t = 0, n = call->n; t < n; t++, x += stride) {
    V in = VF(load)(x);
    WN(emit)(left + t * KR_LANES, in * to_left, (adds & 1) != 0);
    WN(emit)(right + t * KR_LANES, in * to_right, (adds & 2) != 0);
  }
}
static void WN(pan_held)(const KrCall *call, const REAL *position) {
  for (uint32_t v = 0; v < KR_LANES; v += VN)
    if (call->adds == 0)
      WN(pan_lanes)(call, v, VF(load)(position + v), 0);
    else if (call->adds == 3)
      WN(pan_lanes)(call, v, VF(load)(position + v), 3);
    else
      WN(pan_lanes)(call, v, VF(load)(position + v), call->adds);
}
KR_INLINE void WN(pan_put)(const KrCall *call, uint32_t k, uint32_t i, V y) {
  REAL *out = call->out[k];
  if ((call->adds >> k & 1) != 0)
    WN(emit)(out + i, y, true);
  else
    WN(put)(out, i, call->n * call->lanes, y);
}
static void FN(pan)(const KrCall *call) {
  FN(Flat) x, position;
  FN(flatten)(call, 1, &position);
  bool held = position.mask != UINT32_MAX;
  if (held && call->lanes == KR_LANES) {
    WN(pan_held)(call, position.row);
    return;
  }
  FN(flatten)(call, 0, &x);
  V to_left = VF(all)(0), to_right = to_left;
  for (uint32_t i = 0, n = call->n * call->lanes; i < n; i += VN) {
    V in = WN(get)(&x, i, n);
    if (i == 0 || !held) WN(pan_gains)(WN(get)(&position, i, n), &to_left, &to_right);
    WN(pan_put)(call, 0, i, in * to_left);
    WN(pan_put)(call, 1, i, in * to_right);
  }
}
KR_INLINE V WN(far_gain)(V way) {
  V gain = WN(quarter_sine)(1 - VF(lesser)(way, VF(all)(1)));
  return VF(select)(VF(lt)(VF(all)(0), way), gain, VF(all)(1));
}
static void FN(balance)(const KrCall *call) {
  FN(Flat) left, position, right;
  REAL *to_left = call->out[0], *to_right = call->out[1];
  FN(flatten)(call, 0, &left);
  FN(flatten)(call, 1, &position);
  FN(flatten)(call, 2, &right);
  for (uint32_t i = 0, n = call->n * call->lanes; i < n; i += VN) {
    V way = VF(greater)(WN(get)(&position, i, n), VF(all)(-1));
    WN(put)(to_left, i, n, WN(get)(&left, i, n) * WN(far_gain)(way));
    WN(put)(to_right, i, n, WN(get)(&right, i, n) * WN(far_gain)(-way));
  }
}
#else

static void FN(mix)(const KrCall *call) {
  REAL a_held[KR_TILE_SIZE], b_held[KR_TILE_SIZE], amount_held[KR_TILE_SIZE];
  const REAL *a = FN(dense)(call, 0, a_held), *b = FN(dense)(call, 1, b_held);
  const REAL *amount = FN(dense)(call, 2, amount_held);
  REAL *restrict out = call->out[0];
  uint32_t n = call->n * call->lanes;
  for (uint32_t i = 0; i < n; i++) out[i] = a[i] * (1 - amount[i]) + b[i] * amount[i];
}

static void FN(gain)(const KrCall *call) {
  REAL x_held[KR_TILE_SIZE], amount_held[KR_TILE_SIZE];
  const REAL *x = FN(dense)(call, 0, x_held), *amount = FN(dense)(call, 1, amount_held);
  REAL *restrict out = call->out[0];
  uint32_t n = call->n * call->lanes;
  for (uint32_t i = 0; i < n; i++) out[i] = x[i] * amount[i];
}

// The factor of a held level is computed once a lane.
static void FN(gain_level)(const KrCall *call) {
  size_t strides[2];
  FN(strides)(call, call->lanes, 2, strides);
  REAL *restrict out = call->out[0], factor[KR_LANES] = {0};
  for (uint32_t t = 0; t < call->n; t++) {
    if (t == 0 || strides[1] != 0)
      for (uint32_t l = 0; l < call->lanes; l++) factor[l] = RF(lin)(KR_AT(1));
    for (uint32_t l = 0; l < call->lanes; l++) out[t * call->lanes + l] = KR_AT(0) * factor[l];
  }
}
#endif
#endif

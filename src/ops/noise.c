// Random numbers by position (Philox): a pure function of seed, path and tick; no state.
#ifndef KR_PASS
#include "math/philox.h"
#include "ops/kernel.h"

enum { FIELD_KEY, FIELD_STREAM, FIELD_LIST, FIELD_COUNT };

// The words of sixteen elements: the lanes of tick t, or of one lane the ticks from t on.
typedef struct Block {
  uint32_t word[4][KR_LANES];
} Block;
// kr_philox_run sixteen times.
static void fill_block(const KrCall *call, uint32_t t, Block *block) {
  const uint64_t *keys = call->field[FIELD_KEY];
  const uint32_t *streams = call->field[FIELD_STREAM];
  uint32_t a[KR_LANES], b[KR_LANES], c[KR_LANES], d[KR_LANES], low[KR_LANES], high[KR_LANES];
  bool one = call->lanes == 1;
  for (uint32_t i = 0; i < KR_LANES; i++) {
    uint64_t tick = (uint64_t)(call->tick + t) + (one ? i : 0), key = keys[one ? 0 : i];
    a[i] = (uint32_t)tick, b[i] = (uint32_t)(tick >> 32), c[i] = 0, d[i] = streams[one ? 0 : i];
    low[i] = (uint32_t)key, high[i] = (uint32_t)(key >> 32);
  }
  for (int round = 0; round < 10; round++)
    for (uint32_t i = 0; i < KR_LANES; i++) {
      uint64_t x = UINT64_C(0xD2511F53) * a[i], y = UINT64_C(0xCD9E8D57) * c[i];
      a[i] = (uint32_t)(y >> 32) ^ b[i] ^ low[i];
      c[i] = (uint32_t)(x >> 32) ^ d[i] ^ high[i];
      b[i] = (uint32_t)y, d[i] = (uint32_t)x;
      low[i] += UINT32_C(0x9E3779B9), high[i] += UINT32_C(0xBB67AE85);
    }
  for (uint32_t i = 0; i < KR_LANES; i++)
    block->word[0][i] = a[i], block->word[1][i] = b[i], block->word[2][i] = c[i],
    block->word[3][i] = d[i];
}

#define KR_PASS 32
#include "ops/noise.c"
#undef KR_PASS
#define KR_PASS 64
#include "ops/noise.c"
#undef KR_PASS

#ifdef KR_ROWS
// The path already ends in the index of an unrolled copy.
static KrStatus prepare_random(const KrPrep *prep, const char **message) {
  const KrPortValue *seed = &prep->port[0];
  if (!seed->exact || seed->ratio.den != 1) {
    *message = "the seed must be a whole number";
    return KR_ERROR_ARGUMENT;
  }
  KrRandomKey key = kr_random_key(prep->seed, (uint64_t)seed->ratio.num);
  FIELD_AT(prep, FIELD_KEY, uint64_t)[0] = (uint64_t)key.word[1] << 32 | key.word[0];
  FIELD_AT(prep, FIELD_STREAM, uint32_t)[0] = kr_random_stream(prep->path, 0, false);
  return KR_OK;
}

static uint64_t count_choices(const KrPrep *prep, uint32_t field) {
  (void)field;
  uint64_t n = prep->port[1].n_points;
  return n == 0 ? 1 : n;
}

static KrStatus prepare_choice(const KrPrep *prep, const char **message) {
  const KrPortValue *list = &prep->port[1];
  if (list->n_points == 0 || list->n_columns != 1) {
    *message = "choice wants a list of numbers, not empty";
    return KR_ERROR_ARGUMENT;
  }
  KR_TRY(prepare_random(prep, message));
  for (uint32_t i = 0; i < list->n_points; i++) kr_prep_put(prep, FIELD_LIST, i, list->points[i]);
  FIELD_AT(prep, FIELD_COUNT, uint32_t)[0] = list->n_points;
  return KR_OK;
}

#define RANDOM_FIELDS COEF("key", U64, 1), COEF("stream", U32, 1)
#define SEED                                                                                       \
  SETTING("seed", "", "0", NULL,                                                                   \
          "whole number; with the program's seed and the place "                                   \
          "of the call it decides the numbers")
#define FAMILY .family = "random", .flags = KR_OP_RANDOM
static const KrOp OPS[] = {
    {.name = "noise",
     FAMILY,
     .doc = "White noise, -1 to below 1, one value a tick",
     .in = {SEED, CHOICE("color", "white", "white", "spectrum")},
     .field = {RANDOM_FIELDS},
     .run = RUN_REAL(noise),
     .prepare = prepare_random},
    {.name = "random.uniform",
     FAMILY,
     .doc = "Equally likely numbers: min + u (max - min), u from 0 to below 1",
     .in = {SEED, SIGNAL("min", NULL, "0", NULL, "least value"),
            SIGNAL("max", NULL, "1", NULL, "upper bound")},
     .field = {RANDOM_FIELDS},
     .run = RUN_REAL(uniform),
     .prepare = prepare_random},
    {.name = "random.normal",
     FAMILY,
     .doc = "Normally distributed numbers (Box and Muller)",
     .in = {SEED, SIGNAL("mean", NULL, "0", NULL, "centre"),
            SIGNAL("deviation", NULL, "1", NULL, "standard deviation")},
     .field = {RANDOM_FIELDS},
     .run = RUN_REAL(normal),
     .prepare = prepare_random},
    {.name = "random.choice",
     FAMILY,
     .doc = "One number of a list, each equally likely",
     .in = {SEED, {"values", KR_PORT_POINTS, NULL, NULL, NULL, NULL, "list of numbers"}},
     .field = {RANDOM_FIELDS, COEF("values", CALL, 0), COEF("count", U32, 1)},
     .count = count_choices,
     .run = RUN_REAL(choice),
     .prepare = prepare_choice},
};
KR_FAMILY_DEFINE(noise, "random");
#endif
KR_KERNELS(noise, KR_REALS(noise), KR_REALS(uniform), KR_REALS(normal), KR_REALS(choice));

#else
#include "ops/pass.h"

// out = expression at every element: tick t, lane l, `words` of both.
#define EACH_DRAW(expression)                                                                      \
  const uint32_t lanes = call->lanes, n = call->n * lanes;                                         \
  REAL *restrict out = call->out[0];                                                               \
  for (uint32_t first = 0; first < n; first += KR_LANES) {                                         \
    Block block;                                                                                   \
    fill_block(call, lanes == 1 ? first : first / KR_LANES, &block);                               \
    for (uint32_t i = 0; i < KR_LANES && first + i < n; i++) {                                     \
      const uint32_t t = lanes == 1 ? first + i : first / KR_LANES, l = lanes == 1 ? 0 : i;        \
      const KrRandomWords words = {                                                                \
          {block.word[0][i], block.word[1][i], block.word[2][i], block.word[3][i]}};               \
      (void)t, (void)l;                                                                            \
      out[first + i] = expression;                                                                 \
    }                                                                                              \
  }

static void FN(noise)(const KrCall *call) { EACH_DRAW(2 * FN(kr_random_uniform)(words) - 1) }

static void FN(uniform)(const KrCall *call) {
  size_t strides[2];
  FN(strides)(call, call->lanes, 2, strides);
  EACH_DRAW(KR_AT(0) + FN(kr_random_uniform)(words) * (KR_AT(1) - KR_AT(0)))
}

static void FN(normal)(const KrCall *call) {
  size_t strides[2];
  FN(strides)(call, call->lanes, 2, strides);
  EACH_DRAW(KR_AT(0) + KR_AT(1) * FN(kr_random_normal)(words))
}

static void FN(choice)(const KrCall *call) {
  const REAL *list = call->field[FIELD_LIST];
  const uint32_t *count = call->field[FIELD_COUNT];
  EACH_DRAW(list[((uint64_t)words.word[0] * count[l] >> 32) * lanes + l])
}
#undef EACH_DRAW
#endif

// Random numbers by position (Philox): a pure function of seed, path and tick; no state.
#ifndef KR_PASS
#include "math/philox.h"
#include "ops/kernel.h"

enum { FIELD_KEY, FIELD_STREAM, FIELD_LIST, FIELD_COUNT };

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

static inline KrRandomWords FN(words)(const KrCall *call, uint32_t t, uint32_t l) {
  uint64_t key = ((const uint64_t *)call->field[FIELD_KEY])[l];
  KrRandomKey words = {{(uint32_t)key, (uint32_t)(key >> 32)}};
  return kr_random_words(words, (uint64_t)(call->tick + t), 0,
                         ((const uint32_t *)call->field[FIELD_STREAM])[l]);
}

static void FN(noise)(const KrCall *call) {
  REAL *restrict out = call->out[0];
  for (uint32_t t = 0; t < call->n; t++)
    for (uint32_t l = 0; l < call->lanes; l++)
      out[t * call->lanes + l] = 2 * FN(kr_random_uniform)(FN(words)(call, t, l)) - 1;
}

static void FN(uniform)(const KrCall *call) {
  const REAL *low = call->in[0], *high = call->in[1];
  size_t low_stride = kr_call_stride(call, 0), high_stride = kr_call_stride(call, 1);
  REAL *restrict out = call->out[0];
  for (uint32_t t = 0; t < call->n; t++)
    for (uint32_t l = 0; l < call->lanes; l++) {
      REAL min = low[t * low_stride + l], max = high[t * high_stride + l];
      REAL u = FN(kr_random_uniform)(FN(words)(call, t, l));
      out[t * call->lanes + l] = min + u * (max - min);
    }
}

static void FN(normal)(const KrCall *call) {
  const REAL *mean = call->in[0], *deviation = call->in[1];
  size_t mean_stride = kr_call_stride(call, 0), deviation_stride = kr_call_stride(call, 1);
  REAL *restrict out = call->out[0];
  for (uint32_t t = 0; t < call->n; t++)
    for (uint32_t l = 0; l < call->lanes; l++)
      out[t * call->lanes + l] =
          mean[t * mean_stride + l] +
          deviation[t * deviation_stride + l] * FN(kr_random_normal)(FN(words)(call, t, l));
}

static void FN(choice)(const KrCall *call) {
  const REAL *list = call->field[FIELD_LIST];
  const uint32_t *count = call->field[FIELD_COUNT];
  REAL *restrict out = call->out[0];
  for (uint32_t t = 0; t < call->n; t++)
    for (uint32_t l = 0; l < call->lanes; l++) {
      uint64_t index = (uint64_t)FN(words)(call, t, l).word[0] * count[l] >> 32;
      out[t * call->lanes + l] = list[index * call->lanes + l];
    }
}
#endif

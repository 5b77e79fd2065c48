// Random numbers by position (Philox): a pure function of seed, path and tick; no state but that of
// the filters of coloured noise.
#ifndef KR_PASS
#include "math/philox.h"
#include "ops/kernel.h"

enum { FIELD_KEY, FIELD_STREAM, FIELD_LIST, FIELD_COUNT };
enum { NOISE_COLOR = FIELD_LIST, NOISE_SECTION };
enum { COLOR_WHITE, COLOR_PINK, COLOR_BROWN, N_SECTIONS = 7 };

// The words of sixteen elements: the lanes of tick t, or of one lane the ticks from t on.
typedef struct Block {
  uint32_t word[4][KR_LANES];
} Block;

// The draw word: its upper half is the note that a voice plays.
static inline uint32_t draw_of(const KrCall *call, uint32_t lane) {
  return call->voice == NULL ? 0 : call->voice->note[lane] << 16;
}

static void fill_scalar(const KrCall *call, uint32_t t, Block *block) {
  const uint64_t *keys = call->field[FIELD_KEY];
  const uint32_t *streams = call->field[FIELD_STREAM];
  bool one = call->lanes == 1;
  for (uint32_t i = 0; i < KR_LANES; i++) {
    uint64_t tick = (uint64_t)(call->tick + t) + (one ? i : 0), key = keys[one ? 0 : i];
    KrRandomKey words = {{(uint32_t)key, (uint32_t)(key >> 32)}};
    KrRandomWords drawn =
        kr_random_words(words, tick, draw_of(call, one ? 0 : i), streams[one ? 0 : i]);
    for (uint32_t w = 0; w < 4; w++) block->word[w][i] = drawn.word[w];
  }
}

#if KR_VECTOR_BYTES > 0
enum { N_ROUNDS = 10, N_PARTS = KR_LANES / KR_N_V64 };
// What no tick changes for KR_N_V64 elements, each in the lower half of 64 bits; what is above it
// never counts. c1 to d2 enter the first two rounds, which the tick's upper half (Source.high) has
// a part in. Of a key the upper half enters a later round, the lower half the round after.
typedef struct Part {
  KrVu64 c1, a2, c2, d2, key[N_ROUNDS - 2];
} Part;
// Of one lane part[0] stands for all.
typedef struct Source {
  const KrCall *call;
  uint64_t high;
  Part part[N_PARTS];
} Source;

KR_INLINE KrVu64 multiply(KrVu64 a, uint64_t by) {
#if defined(__SSE2__) && !defined(__clang__)
  typedef int KR_VECTOR_TYPE(Ints);
  Ints x = (Ints)a, y = (Ints)((KrVu64){0} + by);
#if KR_VECTOR_BYTES == 64
  typedef long long KR_VECTOR_TYPE(Wides);
  return (KrVu64)__builtin_ia32_pmuludq512_mask(x, y, (Wides){0}, 255);
#elif KR_VECTOR_BYTES == 32
  return (KrVu64)__builtin_ia32_pmuludq256(x, y);
#else
  return (KrVu64)__builtin_ia32_pmuludq128(x, y);
#endif
#else
  return (a & UINT32_MAX) * by;
#endif
}
KR_INLINE KrVu64 multiply_a(KrVu64 a) { return multiply(a, 0xD2511F53); }
KR_INLINE KrVu64 multiply_c(KrVu64 c) { return multiply(c, 0xCD9E8D57); }
// Upper halves in the place of the lower ones.
KR_INLINE KrVu64 upper(KrVu64 x) {
#if KR_VECTOR_BYTES == 64
#define UPPER 1, 1, 3, 3, 5, 5, 7, 7, 9, 9, 11, 11, 13, 13, 15, 15
#elif KR_VECTOR_BYTES == 32
#define UPPER 1, 1, 3, 3, 5, 5, 7, 7
#else
#define UPPER 1, 1, 3, 3
#endif
  return (KrVu64)__builtin_shufflevector((KrVu32)x, (KrVu32)x, UPPER);
}

KR_INLINE void open_part(KrVu64 key, KrVu64 stream, KrVu64 draw, uint64_t high, Part *part) {
  KrVu64 keys[2][N_ROUNDS + 1] = {{key}, {key >> 32}};
  for (int r = 1; r < N_ROUNDS; r++) {
    keys[0][r] = keys[0][r - 1] + UINT32_C(0x9E3779B9);
    keys[1][r] = keys[1][r - 1] + UINT32_C(0xBB67AE85);
  }
  KrVu64 y = multiply_c(draw), x = multiply_a(key ^ high ^ y >> 32);
  part->c1 = stream ^ keys[1][0];
  part->a2 = keys[0][1] ^ y;
  part->c2 = x >> 32 ^ keys[1][1];
  part->d2 = x ^ keys[1][2];
  for (int r = 2; r < N_ROUNDS; r++)
    part->key[r - 2] = keys[r % 2][r] << 32 | (keys[r % 2][r + 1] & UINT32_MAX);
}
static void open_source(const KrCall *call, Source *source) {
  const uint64_t *keys = call->field[FIELD_KEY];
  const uint32_t *streams = call->field[FIELD_STREAM];
  const KrVu64 none = {0};
  source->call = call;
  source->high = (uint64_t)call->tick >> 32;
  if (call->lanes == 1)
    open_part(none + keys[0], none + streams[0], none + draw_of(call, 0), source->high,
              source->part);
  for (uint32_t p = 0; call->lanes > 1 && p < N_PARTS; p++) {
    KrVu64 key = none, stream = none, draw = none;
    for (uint32_t i = 0; i < KR_N_V64; i++) {
      key[i] = keys[p * KR_N_V64 + i];
      stream[i] = streams[p * KR_N_V64 + i];
      draw[i] = draw_of(call, p * KR_N_V64 + i);
    }
    open_part(key, stream, draw, source->high, &source->part[p]);
  }
}

// kr_philox_run at every element of two parts: their words one behind the other. Two rounds in
// which words 1 and 2 start the same at every tick, then the others.
KR_INLINE void run_parts(const Part *const *part, const KrVu64 *tick, KrVu32 *word) {
  KrVu64 a[2], b[2], c[2], d[2], x[2], y[2];
  for (int i = 0; i < 2; i++) {
    x[i] = multiply_a(tick[i]);
    y[i] = multiply_c(upper(x[i]) ^ part[i]->c1);
    a[i] = upper(y[i]) ^ part[i]->a2, b[i] = y[i];
    c[i] = x[i] ^ part[i]->c2, d[i] = part[i]->d2;
  }
#pragma GCC unroll 10
  for (int r = 0; r < N_ROUNDS - 2; r++)
    for (int i = 0; i < 2; i++) {
      if (r > 0) a[i] = upper(y[i]) ^ b[i], c[i] = upper(x[i]) ^ d[i], b[i] = y[i], d[i] = x[i];
      x[i] = multiply_a(a[i]), y[i] = multiply_c(c[i]);
      *(r % 2 == 0 ? &y[i] : &x[i]) ^= part[i]->key[r];
    }
#define WORDS(pick, v) pick((KrVu32)v[0], (KrVu32)v[1])
  word[0] = WORDS(KR_V32_ODD, y) ^ WORDS(KR_V32_EVEN, b), word[1] = WORDS(KR_V32_EVEN, y);
  word[2] = WORDS(KR_V32_ODD, x) ^ WORDS(KR_V32_EVEN, d), word[3] = WORDS(KR_V32_EVEN, x);
#undef WORDS
}
KR_INLINE void fill_words(const Source *source, uint32_t t, uint32_t n_words, Block *block) {
  const bool one = source->call->lanes == 1;
  const uint64_t tick = (uint64_t)(source->call->tick + t);
  KrVu64 ticks[2] = {(KrVu64){0} + tick, (KrVu64){0} + tick}, step = {0};
  if ((tick + KR_LANES - 1) >> 32 != source->high) {
    fill_scalar(source->call, t, block);
    return;
  }
  for (uint32_t i = 0; i < KR_N_V64; i++) step[i] = i;
  if (one) ticks[0] += step, ticks[1] += step + KR_N_V64;
  for (uint32_t p = 0; p < N_PARTS; p += 2) {
    const Part *part[2] = {&source->part[one ? 0 : p], &source->part[one ? 0 : p + 1]};
    KrVu32 word[4];
    run_parts(part, ticks, word);
    for (uint32_t w = 0; w < n_words; w++)
      kr_v32_store_bits(&block->word[w][p * KR_N_V64], (KrVi32)word[w]);
    if (one) ticks[0] += KR_N_V32, ticks[1] += KR_N_V32;
  }
}
static void fill_first(const Source *source, uint32_t t, Block *block) {
  fill_words(source, t, 1, block);
}
static void fill_block(const Source *source, uint32_t t, Block *block) {
  fill_words(source, t, 4, block);
}
#else
typedef struct Source {
  const KrCall *call;
} Source;
static void open_source(const KrCall *call, Source *source) { source->call = call; }
static void fill_block(const Source *source, uint32_t t, Block *block) {
  fill_scalar(source->call, t, block);
}
#endif

// Fitted by least 16th powers to 1/f in 1/2400..1/2.4 of the rate: within 0.22 dB.
static const double PINK_POLE[N_SECTIONS] = {0.998341, 0.996319, 0.990430, 0.965232,
                                             0.911294, 0.660044, 0.479198};
static const double PINK_ZERO[N_SECTIONS] = {0.997208, 0.994555, 0.981414, 0.946515,
                                             0.803321, 0.631455, 0.072657};

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

static KrStatus prepare_noise(const KrPrep *prep, const char **message) {
  FIELD_AT(prep, NOISE_COLOR, uint8_t)[0] = (uint8_t)prep->port[1].choice;
  return prepare_random(prep, message);
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
     .doc = "Noise: white, -1 to below 1; pink, 3 dB less per octave within 0.25 dB from 1/2400 to "
            "1/2.4 of the rate, or brown, 6 dB, both of RMS 0.23",
     .in = {SEED, CHOICE("color", "white", "white|pink|brown", "spectrum")},
     .field = {RANDOM_FIELDS, COEF("color", BOOL, 1), STATE("section", CALL, N_SECTIONS)},
     .run = RUN_REAL(noise),
     .prepare = prepare_noise},
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
#define EACH_DRAW(fill, expression)                                                                \
  const uint32_t lanes = call->lanes, n = call->n * lanes;                                         \
  REAL *restrict out = call->out[0];                                                               \
  Source source;                                                                                   \
  open_source(call, &source);                                                                      \
  for (uint32_t first = 0; first < n; first += KR_LANES) {                                         \
    Block block;                                                                                   \
    fill(&source, lanes == 1 ? first : first / KR_LANES, &block);                                  \
    for (uint32_t i = 0; i < KR_LANES && first + i < n; i++) {                                     \
      const uint32_t t = lanes == 1 ? first + i : first / KR_LANES, l = lanes == 1 ? 0 : i;        \
      const KrRandomWords words = {                                                                \
          {block.word[0][i], block.word[1][i], block.word[2][i], block.word[3][i]}};               \
      (void)t, (void)l;                                                                            \
      out[first + i] = expression;                                                                 \
    }                                                                                              \
  }

#if KR_VECTOR_BYTES > 0 && KR_PASS == 32
// The scalar expression, 2 u - 1 and both factors being exact.
static void FN(white)(const KrCall *call) {
  const uint32_t lanes = call->lanes, n = call->n * lanes;
  Source source;
  open_source(call, &source);
  for (uint32_t first = 0; first < n; first += KR_LANES) {
    Block block;
    float row[KR_LANES];
    float *out = (float *)call->out[0] + first, *to = n - first < KR_LANES ? row : out;
    fill_first(&source, lanes == 1 ? first : first / KR_LANES, &block);
    for (uint32_t i = 0; i < KR_LANES; i += KR_N_V32) {
      KrVu32 word = (KrVu32)kr_v32_load_bits(&block.word[0][i]);
      kr_v32_store(to + i, kr_v32_of_int((KrVi32)(word >> 8)) * 0x1p-23f - 1);
    }
    for (uint32_t i = 0; to == row && first + i < n; i++) out[i] = row[i];
  }
}
#else
static void FN(white)(const KrCall *call) {
  EACH_DRAW(fill_block, 2 * FN(kr_random_uniform)(words) - 1)
}
#endif

// Pink is white through poles and zeros in turn, brown through one pole.
static void FN(color)(const KrCall *call, uint32_t l, uint8_t color) {
  REAL section[N_SECTIONS], *out = (REAL *)call->out[0] + l;
  REAL *kept = (REAL *)call->field[NOISE_SECTION] + l;
  const size_t lanes = call->lanes;
  for (uint32_t i = 0; i < N_SECTIONS; i++) section[i] = kept[i * lanes];
  for (uint32_t t = 0; t < call->n; t++, out += lanes) {
    REAL x = *out;
    if (color == COLOR_BROWN) {
      section[0] = FN(keep)((REAL)0.99869 * section[0] + (REAL)0.02036 * x);
      *out = section[0];
      continue;
    }
    for (uint32_t i = 0; i < N_SECTIONS; i++) {
      REAL y = x + section[i];
      section[i] = FN(keep)((REAL)PINK_POLE[i] * y - (REAL)PINK_ZERO[i] * x);
      x = y;
    }
    *out = x * (REAL)0.2234;
  }
  for (uint32_t i = 0; i < N_SECTIONS; i++) kept[i * lanes] = section[i];
}
static void FN(noise)(const KrCall *call) {
  const uint8_t *colors = call->field[NOISE_COLOR];
  FN(white)(call);
  for (uint32_t l = 0; l < call->lanes; l++)
    if (colors[l] != COLOR_WHITE) FN(color)(call, l, colors[l]);
}

static void FN(uniform)(const KrCall *call) {
  size_t strides[2];
  FN(strides)(call, call->lanes, 2, strides);
  EACH_DRAW(fill_block, KR_AT(0) + FN(kr_random_uniform)(words) * (KR_AT(1) - KR_AT(0)))
}

static void FN(normal)(const KrCall *call) {
  size_t strides[2];
  FN(strides)(call, call->lanes, 2, strides);
  EACH_DRAW(fill_block, KR_AT(0) + KR_AT(1) * FN(kr_random_normal)(words))
}

static void FN(choice)(const KrCall *call) {
  const REAL *list = call->field[FIELD_LIST];
  const uint32_t *count = call->field[FIELD_COUNT];
  EACH_DRAW(fill_block, list[((uint64_t)words.word[0] * count[l] >> 32) * lanes + l])
}
#undef EACH_DRAW
#endif

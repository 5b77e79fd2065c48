// Loops over guesses that the compiler makes vectors of, block by block. A block with a value whose
// guess is not sure, or of f64 with one that is not ordinary, is done again one by one.
#include "math/many.h"
#include "math/guess.h"
#include "math/straight.h"

enum { BLOCK = 16 };

#define MANY(name, doc)                                                                            \
  void KR_LEVEL_NAME(kr_f32_##name##_many)(const float *restrict x, float *restrict out,           \
                                           size_t n) {                                             \
    size_t i = 0;                                                                                  \
    for (; n - i >= BLOCK; i += BLOCK) {                                                           \
      unsigned unsure = 0;                                                                         \
      for (size_t j = i; j < i + BLOCK; j++) {                                                     \
        float y;                                                                                   \
        unsure |= !kr_guess_##name(x[j], &y);                                                      \
        out[j] = y;                                                                                \
      }                                                                                            \
      for (size_t j = i; unsure && j < i + BLOCK; j++) out[j] = kr_f32_##name(x[j]);               \
    }                                                                                              \
    for (; i < n; i++) out[i] = kr_f32_##name(x[i]);                                               \
  }
KR_ELEMENTARY_LIST(MANY)

#define MANY_F64(name)                                                                             \
  void KR_LEVEL_NAME(kr_f64_##name##_many)(const double *restrict x, double *restrict out,         \
                                           size_t n) {                                             \
    for (size_t i = 0; i < n; i++) out[i] = kr_f64_##name(x[i]);                                   \
  }
MANY_F64(sin)
MANY_F64(cos)
MANY_F64(tan)
MANY_F64(sin_turns)
MANY_F64(cos_turns)
MANY_F64(asin)
MANY_F64(acos)
MANY_F64(atan)
MANY_F64(sinh)
MANY_F64(cosh)
MANY_F64(tanh)
MANY_F64(mtof)
MANY_F64(ftom)
MANY_F64(lin)

#define MANY_STRAIGHT(name)                                                                        \
  void KR_LEVEL_NAME(kr_f64_##name##_many)(const double *restrict x, double *restrict out,         \
                                           size_t n) {                                             \
    size_t i = 0;                                                                                  \
    for (; n - i >= BLOCK; i += BLOCK) {                                                           \
      unsigned unsure = 0;                                                                         \
      for (size_t j = i; j < i + BLOCK; j++) {                                                     \
        double y;                                                                                  \
        unsure |= !kr_straight_##name(x[j], &y);                                                   \
        out[j] = y;                                                                                \
      }                                                                                            \
      for (size_t j = i; unsure && j < i + BLOCK; j++) out[j] = kr_f64_##name(x[j]);               \
    }                                                                                              \
    for (; i < n; i++) out[i] = kr_f64_##name(x[i]);                                               \
  }
MANY_STRAIGHT(exp)
MANY_STRAIGHT(exp2)
MANY_STRAIGHT(log)
MANY_STRAIGHT(log2)
MANY_STRAIGHT(log10)
MANY_STRAIGHT(db)

#define MANY_PAIRS(name)                                                                           \
  void KR_LEVEL_NAME(kr_f32_##name##_many)(const float *a, const float *b, float *restrict out,    \
                                           size_t n) {                                             \
    size_t i = 0;                                                                                  \
    for (; n - i >= BLOCK; i += BLOCK) {                                                           \
      unsigned unsure = 0;                                                                         \
      for (size_t j = i; j < i + BLOCK; j++) {                                                     \
        float y;                                                                                   \
        unsure |= !kr_guess_##name(a[j], b[j], &y);                                                \
        out[j] = y;                                                                                \
      }                                                                                            \
      for (size_t j = i; unsure && j < i + BLOCK; j++) out[j] = kr_f32_##name(a[j], b[j]);         \
    }                                                                                              \
    for (; i < n; i++) out[i] = kr_f32_##name(a[i], b[i]);                                         \
  }                                                                                                \
  void KR_LEVEL_NAME(kr_f64_##name##_many)(const double *a, const double *b, double *restrict out, \
                                           size_t n) {                                             \
    for (size_t i = 0; i < n; i++) out[i] = kr_f64_##name(a[i], b[i]);                             \
  }
MANY_PAIRS(pow)
MANY_PAIRS(atan2)

#define NAME_F32(name, doc) KR_LEVEL_NAME(kr_f32_##name##_many),
#define NAME_F64(name, doc) KR_LEVEL_NAME(kr_f64_##name##_many),
const KrMany KR_LEVEL_NAME(kr_many) = {
    .f32 = {KR_ELEMENTARY_LIST(NAME_F32)},
    .f64 = {KR_ELEMENTARY_LIST(NAME_F64)},
    .pow_f32 = KR_LEVEL_NAME(kr_f32_pow_many),
    .pow_f64 = KR_LEVEL_NAME(kr_f64_pow_many),
    .atan2_f32 = KR_LEVEL_NAME(kr_f32_atan2_many),
    .atan2_f64 = KR_LEVEL_NAME(kr_f64_atan2_many),
};

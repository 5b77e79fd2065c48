/// Elementary functions of many values at once, compiled for every vector level (base/level.h):
/// KR_LEVEL_NAME(kr_f32_sin_many)(x, out, n) puts kr_f32_sin of each x into out, the same bits at
/// every level. `out` is none of the inputs. All are [any] rt exact.
#ifndef KR_MATH_MANY_H
#define KR_MATH_MANY_H
#include "base/level.h"
#include "math/elementary.h"
#include <stddef.h>

typedef void KrManyF32(const float *restrict x, float *restrict out, size_t n);
typedef void KrManyF64(const double *restrict x, double *restrict out, size_t n);
typedef void KrManyPairsF32(const float *x, const float *y, float *restrict out, size_t n);
typedef void KrManyPairsF64(const double *x, const double *y, double *restrict out, size_t n);

#define KR_MANY_DECLARE(name, doc)                                                                 \
  KrManyF32 KR_LEVEL_NAME(kr_f32_##name##_many);                                                   \
  KrManyF64 KR_LEVEL_NAME(kr_f64_##name##_many);
KR_ELEMENTARY_LIST(KR_MANY_DECLARE)
#undef KR_MANY_DECLARE
KrManyPairsF32 KR_LEVEL_NAME(kr_f32_pow_many);   ///< x to the y
KrManyPairsF64 KR_LEVEL_NAME(kr_f64_pow_many);   ///< x to the y
KrManyPairsF32 KR_LEVEL_NAME(kr_f32_atan2_many); ///< of y, x: the height first
KrManyPairsF64 KR_LEVEL_NAME(kr_f64_atan2_many); ///< of y, x: the height first

/// All functions of one level in the order of KR_ELEMENTARY_LIST, for tests and benchmarks.
#define KR_MANY_COUNT(name, doc) +1
enum { KR_N_ELEMENTARY = 0 KR_ELEMENTARY_LIST(KR_MANY_COUNT) };
#undef KR_MANY_COUNT
typedef struct KrMany {
  KrManyF32 *f32[KR_N_ELEMENTARY];
  KrManyF64 *f64[KR_N_ELEMENTARY];
  KrManyPairsF32 *pow_f32, *atan2_f32;
  KrManyPairsF64 *pow_f64, *atan2_f64;
} KrMany;
#define KR_MANY_DECLARE_LEVEL(suffix, name) extern const KrMany KR_LEVEL_JOIN(kr_many, suffix);
KR_LEVEL_LIST(KR_MANY_DECLARE_LEVEL)
#undef KR_MANY_DECLARE_LEVEL
#endif

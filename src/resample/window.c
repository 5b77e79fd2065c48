// Window reductions: one loop each, in the order the semantics fix.
#include "resample/window.h"
#include "math/real.h"
#include "math/sum.h"

#define DEFINE_REDUCE(Type, f, Sum)                                                                \
  static Type sum_squares_##f(const Type *at, size_t n) {                                          \
    Sum sum;                                                                                       \
    kr_sum_##f##_begin(&sum);                                                                      \
    for (size_t i = 0; i < n; i++) kr_sum_##f##_add(&sum, at[i] * at[i]);                          \
    return kr_sum_##f##_end(&sum);                                                                 \
  }                                                                                                \
  static Type find_extreme_##f(KrWindowKind kind, const Type *at, size_t n) {                      \
    Type best = kind == KR_WINDOW_PEAK ? kr_##f##_abs(at[0]) : at[0];                              \
    for (size_t i = 1; i < n; i++)                                                                 \
      best = kind == KR_WINDOW_MIN   ? kr_##f##_min(best, at[i])                                   \
             : kind == KR_WINDOW_MAX ? kr_##f##_max(best, at[i])                                   \
                                     : kr_##f##_max(best, kr_##f##_abs(at[i]));                    \
    return best;                                                                                   \
  }                                                                                                \
  Type kr_window_##f(KrWindowKind kind, const Type *at, size_t n, Type nearest) {                  \
    if (n == 0) {                                                                                  \
      if (kind == KR_WINDOW_SUM) return 0;                                                         \
      return kind == KR_WINDOW_RMS || kind == KR_WINDOW_PEAK ? kr_##f##_abs(nearest) : nearest;    \
    }                                                                                              \
    switch (kind) {                                                                                \
    case KR_WINDOW_SUM: return kr_sum_##f(at, n, 1);                                               \
    case KR_WINDOW_MEAN: return kr_sum_##f(at, n, 1) / (Type)n;                                    \
    case KR_WINDOW_RMS: return kr_##f##_sqrt(sum_squares_##f(at, n) / (Type)n);                    \
    default: return find_extreme_##f(kind, at, n);                                                 \
    }                                                                                              \
  }

DEFINE_REDUCE(float, f32, KrSumF32)
DEFINE_REDUCE(double, f64, KrSumF64)

static int64_t magnitude_i64(int64_t x) { return x < 0 ? (int64_t)(0 - (uint64_t)x) : x; }

static int is_less(int64_t a, int64_t b, int is_unsigned) {
  return is_unsigned ? (uint64_t)a < (uint64_t)b : a < b;
}

int64_t kr_window_i64(KrWindowKind kind, const int64_t *at, size_t n, int64_t nearest,
                      int is_unsigned) {
  int is_peak = kind == KR_WINDOW_PEAK && !is_unsigned;
  if (n == 0) return kind == KR_WINDOW_SUM ? 0 : is_peak ? magnitude_i64(nearest) : nearest;
  int64_t result = kind == KR_WINDOW_SUM ? 0 : is_peak ? magnitude_i64(at[0]) : at[0];
  for (size_t i = kind == KR_WINDOW_SUM ? 0 : 1; i < n; i++) {
    int64_t x = is_peak ? magnitude_i64(at[i]) : at[i];
    if (kind == KR_WINDOW_SUM)
      result = (int64_t)((uint64_t)result + (uint64_t)x);
    else if (kind == KR_WINDOW_MIN ? is_less(x, result, is_unsigned)
                                   : is_less(result, x, is_unsigned))
      result = x;
  }
  return result;
}

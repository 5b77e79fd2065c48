/// Reducing the ticks of a window to one value: mean, rms, peak, min, max, sum.
/// Values are oldest first, in the reader's real type or, for integers, widened to i64.
/// n = 0: mean, min, max give `nearest`, peak and rms its magnitude, sum 0.
#ifndef KR_RESAMPLE_WINDOW_H
#define KR_RESAMPLE_WINDOW_H
#include <stddef.h>
#include <stdint.h>

typedef enum KrWindowKind {
  KR_WINDOW_MEAN,
  KR_WINDOW_RMS,
  KR_WINDOW_PEAK,
  KR_WINDOW_MIN,
  KR_WINDOW_MAX,
  KR_WINDOW_SUM
} KrWindowKind;
/// All [any] rt exact. The sum is the fixed-order sum of math/sum.h.
float kr_window_f32(KrWindowKind kind, const float *at, size_t n, float nearest);
double kr_window_f64(KrWindowKind kind, const double *at, size_t n, double nearest);
/// Integers: only MIN MAX PEAK SUM; wraps. Unsigned 64-bit values compare by `is_unsigned`.
int64_t kr_window_i64(KrWindowKind kind, const int64_t *at, size_t n, int64_t nearest,
                      int is_unsigned);
#endif

/// Reading a stream between its ticks: the formulas of linear, cubic and sinc, written once.
/// x[k] is the newest source tick at or before the reader's time, a in [0,1) the fraction to
/// x[k+1].
#ifndef KR_RESAMPLE_CROSS_H
#define KR_RESAMPLE_CROSS_H
#include "base/arena.h"
#include "base/wide.h"

/// rest/den rounded once. [any] rt exact
static inline float kr_cross_fraction_f32(uint64_t rest, uint64_t den) {
  const uint64_t small = 1u << 24;
  if (rest <= small && den <= small) return (float)rest / (float)den;
  return kr_wide_to_f32(false, (KrU128){rest, 0}, (KrU128){den, 0});
}
static inline double kr_cross_fraction_f64(uint64_t rest, uint64_t den) {
  const uint64_t small = (uint64_t)1 << 53;
  if (rest <= small && den <= small) return (double)rest / (double)den;
  return kr_wide_to_f64(false, (KrU128){rest, 0}, (KrU128){den, 0});
}

#define KR_CROSS_DEFINE(Type, suffix)                                                              \
  static inline Type kr_cross_linear_##suffix(Type x0, Type x1, Type a) {                          \
    return a == (Type)0 ? x0 : x0 + a * (x1 - x0);                                                 \
  }                                                                                                \
  /* Catmull-Rom in difference form; p1 = x[k]. */                                                 \
  static inline Type kr_cross_cubic_##suffix(Type p0, Type p1, Type p2, Type p3, Type a) {         \
    if (a == (Type)0) return p1;                                                                   \
    Type d0 = p1 - p0, d1 = p2 - p1, d2 = p3 - p2;                                                 \
    Type m1 = (d0 + d1) / (Type)2, m2 = (d1 + d2) / (Type)2;                                       \
    Type c2 = (Type)2 * (d1 - m1) + (d1 - m2);                                                     \
    Type c3 = (m1 - d1) + (m2 - d1);                                                               \
    return ((c3 * a + c2) * a + m1) * a + p1;                                                      \
  }
KR_CROSS_DEFINE(float, f32)
KR_CROSS_DEFINE(double, f64)

/// Windowed sinc: 16 zero crossings each side at cutoff min(source, reader)/2, Kaiser beta 9.
typedef struct KrSinc {
  uint32_t half;    ///< taps each side: source ticks k-half+1 … k+half
  uint32_t n_steps; ///< fractions tabulated; a den up to 4096 is tabulated exactly
  bool exact;       ///< table rows stand at rest/den; else rows at j/4096, joined linearly
  double *taps;     ///< n_steps (+1 when not exact) rows of 2*half
} KrSinc;
/// Half width in source ticks for source rate / reader rate = ratio_num/ratio_den.
uint32_t kr_sinc_half(uint64_t ratio_num, uint64_t ratio_den);
/// Table for fractions rest/den, from source rate / reader rate = ratio_num/ratio_den. Uses arena.
KrSinc *kr_sinc_new(KrArena *arena, uint64_t ratio_num, uint64_t ratio_den, uint64_t den);
/// sum over i of x[i] * tap, i = 0 … 2*half-1 oldest first (x[half-1] is source tick k), in f64. rt
/// exact
double kr_sinc_run(const KrSinc *sinc, const double *x, uint64_t rest, uint64_t den);
/// The pulse itself: sinc(d) under the same window, zero outside |d| < 16. rt exact
double kr_sinc_pulse(double d);
#endif

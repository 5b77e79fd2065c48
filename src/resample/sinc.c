// Windowed-sinc crossings: decides tap tables and the order taps are added in (oldest first, f64).
#include "math/real.h"
#include "math/window.h"
#include "resample/cross.h"

/// Far more than any table of taps may have.
enum { MAX_RATIO = 1 << 24 };
enum { ZERO_CROSSINGS = 16, MAX_STEPS = 4096 };
static const double kaiser_beta = 9.0;

uint32_t kr_sinc_half(uint64_t ratio_num, uint64_t ratio_den) {
  if (ratio_num <= ratio_den) return ZERO_CROSSINGS;
  if (ratio_num / ratio_den >= MAX_RATIO) return ZERO_CROSSINGS * MAX_RATIO;
  if (ratio_num > UINT64_MAX / 32) ratio_num /= 32, ratio_den /= 32; // the last bits do not show
  return (uint32_t)((ZERO_CROSSINGS * ratio_num + ratio_den - 1) / ratio_den);
}

double kr_sinc_pulse(double d) {
  double x = d / ZERO_CROSSINGS;
  return kr_f64_abs(x) < 1 ? kr_sinc_at(d) * kr_kaiser_at(x, kaiser_beta) : 0;
}

// Taps for source ticks k-half+1 … k+half at position k + a; `scale` is cutoff over source rate
// / 2.
static void fill_row(double *row, uint32_t half, double a, double scale) {
  for (uint32_t i = 0; i < 2 * half; i++) {
    double d = a - ((double)i - (double)(half - 1));
    row[i] = scale * kr_sinc_pulse(scale * d);
  }
}

KrSinc *kr_sinc_new(KrArena *arena, uint64_t ratio_num, uint64_t ratio_den, uint64_t den) {
  KrSinc *sinc = KR_NEW(arena, KrSinc);
  if (sinc == NULL) return NULL;
  sinc->half = kr_sinc_half(ratio_num, ratio_den);
  sinc->exact = den <= MAX_STEPS;
  sinc->n_steps = sinc->exact ? (uint32_t)den : MAX_STEPS;
  double scale = ratio_num <= ratio_den ? 1.0 : (double)ratio_den / (double)ratio_num;
  uint32_t n_rows = sinc->n_steps + !sinc->exact;
  sinc->taps = KR_NEW_ARRAY(arena, double, (size_t)n_rows * 2 * sinc->half);
  if (sinc->taps == NULL) return NULL;
  for (uint32_t j = 0; j < n_rows; j++)
    fill_row(sinc->taps + (size_t)j * 2 * sinc->half, sinc->half, (double)j / (double)sinc->n_steps,
             scale);
  return sinc;
}

double kr_sinc_run(const KrSinc *sinc, const double *x, uint64_t rest, uint64_t den) {
  uint32_t n = 2 * sinc->half;
  double y = 0;
  if (sinc->exact) {
    const double *row = sinc->taps + (size_t)rest * n;
    for (uint32_t i = 0; i < n; i++) y += x[i] * row[i];
    return y;
  }
  double position = kr_cross_fraction_f64(rest, den) * MAX_STEPS;
  uint32_t j = (uint32_t)position;
  if (j >= MAX_STEPS) j = MAX_STEPS - 1;
  double b = position - (double)j;
  const double *row = sinc->taps + (size_t)j * n;
  for (uint32_t i = 0; i < n; i++) y += x[i] * (row[i] + b * (row[n + i] - row[i]));
  return y;
}

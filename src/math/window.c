// Windows for transforms and for band-limited interpolation.
#include "math/window.h"
#include "math/elementary.h"
#include "math/real.h"

double kr_window_at(KrWindow window, uint32_t i, uint32_t n) {
  // cos(2 pi i / n) from the lesser of i and n - i, so that windows are symmetric to the bit.
  uint32_t k = i <= n - i ? i : n - i;
  double c = kr_f64_cos_turns((double)k / (double)n);
  switch (window) {
  case KR_WINDOW_HANN: return 0.5 - 0.5 * c;
  case KR_WINDOW_HAMMING: return 0.54 - 0.46 * c;
  case KR_WINDOW_BLACKMAN:
    // 0.42 - 0.5 c + 0.08 cos(2 angle), cos(2 angle) = 2 c^2 - 1; 0 at both ends.
    return 0.5 * (1 - c) * (0.68 - 0.32 * c);
  default: return 1;
  }
}

void kr_window_f64_fill(KrWindow window, uint32_t n, double *out) {
  for (uint32_t i = 0; i < n; i++) out[i] = kr_window_at(window, i, n);
}

void kr_window_f32_fill(KrWindow window, uint32_t n, float *out) {
  for (uint32_t i = 0; i < n; i++) out[i] = (float)kr_window_at(window, i, n);
}

// Power series (DLMF 10.25.2); all terms are positive, so nothing cancels. 0 to 700 need < 1200
// terms.
double kr_bessel_i0(double x) {
  double quarter = x * x * 0.25, term = 1, sum = 1;
  for (int k = 1; k < 2000 && term > sum * 0x1p-60; k++) {
    term = term * quarter / ((double)k * k);
    sum += term;
  }
  return sum;
}

double kr_kaiser_at(double x, double beta) {
  double inside = (1 - x) * (1 + x);
  if (!(inside >= 0)) return 0;
  return kr_bessel_i0(beta * kr_f64_sqrt(inside)) / kr_bessel_i0(beta);
}

double kr_sinc_at(double x) {
  const double pi = 0x1.921fb54442d18p1;
  if (kr_f64_abs(x) < 0x1p-30) return 1;
  return kr_f64_sin_turns(0.5 * x) / (pi * x);
}

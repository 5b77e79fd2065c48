/// Window functions, computed in f64 and rounded once. [any] exact.
#ifndef KR_MATH_WINDOW_H
#define KR_MATH_WINDOW_H
#include <stdint.h>

/// The index is that of the choice `rect|hann|hamming|blackman`.
typedef enum KrWindow {
  KR_WINDOW_RECT,
  KR_WINDOW_HANN,
  KR_WINDOW_HAMMING,
  KR_WINDOW_BLACKMAN,
  KR_N_WINDOWS
} KrWindow;
/// Value i of a periodic window of n (value n would be value 0 again).
double kr_window_at(KrWindow window, uint32_t i, uint32_t n);
void kr_window_f32_fill(KrWindow window, uint32_t n, float *out);
void kr_window_f64_fill(KrWindow window, uint32_t n, double *out);

/// Modified Bessel function I0 of the first kind, |x| <= 700.
double kr_bessel_i0(double x);
/// Kaiser window at position x in -1..1 (0 outside): I0(beta sqrt(1 - x^2)) / I0(beta).
double kr_kaiser_at(double x, double beta);
/// sin(pi x) / (pi x), 1 at 0; exactly 0 at other whole x.
double kr_sinc_at(double x);
#endif

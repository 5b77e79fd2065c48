/// What an impulse response says: the gain of a frequency.
#ifndef KR_TESTS_OP_RESPONSE_H
#define KR_TESTS_OP_RESPONSE_H
#include <math.h>

/// |H| at `hz` of an impulse response of n ticks at 48 kHz.
static inline double response_at(const double *h, int n, double hz) {
  const double turn = 2 * 3.14159265358979323846;
  double re = 0, im = 0;
  for (int t = 0; t < n; t++) {
    double angle = turn * fmod(hz * t, 48000) / 48000;
    re += h[t] * cos(angle);
    im -= h[t] * sin(angle);
  }
  return hypot(re, im);
}
#endif

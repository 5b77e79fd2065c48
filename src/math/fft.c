// Fourier transforms: which sizes, in which stages, with which twiddles. Radix 4 first, then 2,
// then 3 or 5: the order is part of the result.
#include "math/fft.h"
#include "math/elementary.h"
#include <string.h>

enum { MAX_SIZE = 1 << 24 };

bool kr_fft_can(uint32_t n) {
  if (n == 0 || n > MAX_SIZE) return false;
  while (n % 2 == 0) n /= 2;
  return n == 1 || n == 3 || n == 5;
}

bool kr_rfft_can(uint32_t n) { return n == 1 || (n % 2 == 0 && kr_fft_can(n)); }

static unsigned next_radix(uint32_t left) { return left % 4 == 0 ? 4 : left % 2 == 0 ? 2 : left; }

// Cosine and sine of k/n turns, exact reduction to 0..n-1.
static void turn_of(uint64_t k, uint32_t n, double *cosine, double *sine) {
  kr_f64_sincos_turns((double)(k % n) / (double)n, sine, cosine);
}

#define REAL float
#define FFT KrFftF32
#define RFFT KrRfftF32
#define NAME(verb) verb##_f32
#define FFT_NAME(verb) kr_fft_f32_##verb
#define RFFT_NAME(verb) kr_rfft_f32_##verb
#include "math/fft_body.inc"
#undef REAL
#undef FFT
#undef RFFT
#undef NAME
#undef FFT_NAME
#undef RFFT_NAME

#define REAL double
#define FFT KrFftF64
#define RFFT KrRfftF64
#define NAME(verb) verb##_f64
#define FFT_NAME(verb) kr_fft_f64_##verb
#define RFFT_NAME(verb) kr_rfft_f64_##verb
#include "math/fft_body.inc"

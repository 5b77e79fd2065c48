/// Fourier transforms with a fixed order of butterflies. Sizes 2^k, 3*2^k, 5*2^k from 1 to 2^24.
/// A plan is constant once prepared and may be shared; `work` belongs to one call at a time.
#ifndef KR_MATH_FFT_H
#define KR_MATH_FFT_H
#include "base/arena.h"
#include <stdbool.h>
#include <stdint.h>

/// True for the sizes a complex transform takes. A real one takes every even such n of which n/2 is
/// one too, and 1.
bool kr_fft_can(uint32_t n);
bool kr_rfft_can(uint32_t n);

/// forward: X[k] = sum x[j] e^(-2 pi i jk/n). inverse: x[j] = 1/n sum X[k] e^(+2 pi i jk/n).
/// Real forward: bins 0..n/2 (im 0 at both ends); real inverse takes these and ignores im at both
/// ends. `out` may be `in`, else they do not overlap; `work` overlaps nothing and has 2n elements.
/// prepare: [main], NULL for another size or without memory. The others: [any] rt exact.
#define KR_FFT_DECLARE(real, f, Fft, Rfft)                                                         \
  typedef struct Fft {                                                                             \
    uint32_t n;                                                                                    \
    uint32_t n_stages;                                                                             \
    uint8_t radix[32];                                                                             \
    const real *twiddle[32]; /* per stage: (radix-1) rows of cosines, then of sines */             \
  } Fft;                                                                                           \
  Fft *kr_fft_##f##_prepare(KrArena *arena, uint32_t n);                                           \
  void kr_fft_##f##_forward(const Fft *plan, const real *in_re, const real *in_im, real *out_re,   \
                            real *out_im, real *work);                                             \
  void kr_fft_##f##_inverse(const Fft *plan, const real *in_re, const real *in_im, real *out_re,   \
                            real *out_im, real *work);                                             \
  typedef struct Rfft {                                                                            \
    uint32_t n;                                                                                    \
    const Fft *half;                                                                               \
    const real *cosine, *sine; /* of k/n turns, k = 0..n/4 */                                      \
  } Rfft;                                                                                          \
  Rfft *kr_rfft_##f##_prepare(KrArena *arena, uint32_t n);                                         \
  void kr_rfft_##f##_forward(const Rfft *plan, const real *in, real *out_re, real *out_im,         \
                             real *work);                                                          \
  void kr_rfft_##f##_inverse(const Rfft *plan, const real *in_re, const real *in_im, real *out,    \
                             real *work);

KR_FFT_DECLARE(float, f32, KrFftF32, KrRfftF32)
KR_FFT_DECLARE(double, f64, KrFftF64, KrRfftF64)
#undef KR_FFT_DECLARE
#endif

/// Fourier transforms with a fixed order of butterflies. Sizes 2^k, 3*2^k, 5*2^k from 1 to 2^24.
/// The same bits at every vector level. A plan is constant once made and may be shared; it holds no
/// address and may be copied; `work` belongs to one call at a time.
#ifndef KR_MATH_FFT_H
#define KR_MATH_FFT_H
#include "base/arena.h"
#include "base/level.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// True for the sizes a complex transform takes. A real one takes every even such n of which n/2 is
/// one too, and 1.
bool kr_fft_can(uint32_t n);
bool kr_rfft_can(uint32_t n);
/// The even sizes nearest to n that a real transform takes: the greatest <= n and the least >= n
/// within 2..2^24; the bound where there is none on that side.
uint32_t kr_rfft_below(uint32_t n);
uint32_t kr_rfft_above(uint32_t n);

enum { KR_FFT_STAGES = 16 };
/// n = first * radix[0] * radix[1] * …; tables behind the struct, places in bytes from its start.
typedef struct KrFft {
  uint32_t n;
  uint32_t first; ///< points of the butterflies that read the input: 16, or 1 when 16 divides not n
  uint32_t n_stages;
  uint32_t radix[KR_FFT_STAGES];
  uint32_t twiddle[KR_FFT_STAGES]; ///< in blocks of 16 k: per j = 1..radix-1 cosines, then sines of
                                   ///< j k / (radix * points so far) turns
  uint32_t place;                  ///< uint32 per input column: where its points stand
} KrFft;
typedef struct KrRfft {
  KrFft half;
  uint32_t n;
  uint32_t turn; ///< cosines/2, then sines/2, of k/n turns, k = 0..n/4
} KrRfft;

/// Plans for numbers of `real` bytes, 4 (f32) or 8 (f64). bytes: of a plan, 0 for another size.
/// init: into memory of that many, aligned to 8 (64 is fastest, for what is transformed too).
/// prepare: in an arena; NULL for another size or without memory. [main]
size_t kr_fft_bytes(uint32_t n, size_t real);
void kr_fft_init(KrFft *plan, uint32_t n, size_t real);
KrFft *kr_fft_prepare(KrArena *arena, uint32_t n, size_t real);
size_t kr_rfft_bytes(uint32_t n, size_t real);
void kr_rfft_init(KrRfft *plan, uint32_t n, size_t real);
KrRfft *kr_rfft_prepare(KrArena *arena, uint32_t n, size_t real);

/// forward: X[k] = sum x[j] e^(-2 pi i jk/n). inverse: x[j] = 1/n sum X[k] e^(+2 pi i jk/n).
/// Real forward: bins 0..n/2 (im 0 at both ends); real inverse takes these and ignores im at both
/// ends. `out` may be `in`, else they do not overlap; `work` overlaps nothing and has 2n elements.
/// Bins in pairs (re, im), the first and the last one halved, n even: to_bins: the real forward of
/// in[i] * window[i]. from_bins: the real inverse of bins * scale; `out` may be `work`. [any] rt
/// exact
#define KR_FFT_DECLARE(real, f, level)                                                             \
  void kr_fft_##f##_forward_##level(const KrFft *plan, const real *in_re, const real *in_im,       \
                                    real *out_re, real *out_im, real *work);                       \
  void kr_fft_##f##_inverse_##level(const KrFft *plan, const real *in_re, const real *in_im,       \
                                    real *out_re, real *out_im, real *work);                       \
  void kr_rfft_##f##_forward_##level(const KrRfft *plan, const real *in, real *out_re,             \
                                     real *out_im, real *work);                                    \
  void kr_rfft_##f##_inverse_##level(const KrRfft *plan, const real *in_re, const real *in_im,     \
                                     real *out, real *work);                                       \
  void kr_rfft_##f##_to_bins_##level(const KrRfft *plan, const real *in, const real *window,       \
                                     real *bins, real *work);                                      \
  void kr_rfft_##f##_from_bins_##level(const KrRfft *plan, const real *bins, real scale,           \
                                       real *out, real *work);
#define KR_FFT_DECLARE_LEVEL(level, name)                                                          \
  KR_FFT_DECLARE(float, f32, level)                                                                \
  KR_FFT_DECLARE(double, f64, level)
KR_LEVEL_LIST(KR_FFT_DECLARE_LEVEL)
#undef KR_FFT_DECLARE
#undef KR_FFT_DECLARE_LEVEL
#endif

// Fourier transforms at one vector level. Every output is one expression of the inputs; how wide
// the vectors are only decides which butterflies run together.
#include "math/fft.h"
#include <string.h>

#if defined(KR_ROWS)
#define BYTES 0
#elif defined(__AVX512F__)
#define BYTES 64
#elif defined(__AVX2__)
#define BYTES 32
#else
#define BYTES 16
#endif
#define INLINE static inline __attribute__((always_inline))
#define NOINLINE static __attribute__((noinline))

#if BYTES > 0
typedef float F32Vector __attribute__((vector_size(BYTES)));
typedef int32_t F32Mask __attribute__((vector_size(BYTES)));
typedef double F64Vector __attribute__((vector_size(BYTES)));
typedef int64_t F64Mask __attribute__((vector_size(BYTES)));
#ifdef __clang__
#define SHUFFLE(Mask, a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(Mask, a, b, ...) __builtin_shuffle(a, b, (Mask){__VA_ARGS__})
#endif
#endif

// A vector as it is, in a register: GCC else reads what is wanted twice from memory twice.
#if defined(__SSE2__) && BYTES == 16
#define LOADED_ONCE(x) __asm__("" : "+x"(x))
#else
#define LOADED_ONCE(x) (void)0
#endif

enum First { APART, PAIRED, WINDOWED };

#define REAL float
#define REAL_BYTES 4
#define REAL_VECTOR F32Vector
#define REAL_MASK F32Mask
#define ONE(name) name##_f32_one
#define WIDE(name) name##_f32_wide
#define TYPED(name) name##_f32
#define FFT_NAME(verb) KR_LEVEL_NAME(kr_fft_f32_##verb)
#define RFFT_NAME(verb) KR_LEVEL_NAME(kr_rfft_f32_##verb)
#include "math/fft_body.inc"

#define REAL double
#define REAL_BYTES 8
#define REAL_VECTOR F64Vector
#define REAL_MASK F64Mask
#define ONE(name) name##_f64_one
#define WIDE(name) name##_f64_wide
#define TYPED(name) name##_f64
#define FFT_NAME(verb) KR_LEVEL_NAME(kr_fft_f64_##verb)
#define RFFT_NAME(verb) KR_LEVEL_NAME(kr_rfft_f64_##verb)
#include "math/fft_body.inc"

/// Native vectors of the level being compiled, and the same functions over one element: kernels
/// written with them hold for one lane and for sixteen. Masks are integers, all ones or zero. Every
/// function gives per element exactly what its scalar expression says.
#ifndef KR_OPS_VECTOR_H
#define KR_OPS_VECTOR_H
#include "base/level.h"
#include "math/real.h"

#define KR_INLINE static inline __attribute__((always_inline))

#if KR_VECTOR_BYTES > 0
#define KR_VECTOR_TYPE(type) type __attribute__((vector_size(KR_VECTOR_BYTES)))
typedef float KR_VECTOR_TYPE(KrVf32);
typedef int32_t KR_VECTOR_TYPE(KrVi32);
typedef uint32_t KR_VECTOR_TYPE(KrVu32);
typedef double KR_VECTOR_TYPE(KrVf64);
typedef int64_t KR_VECTOR_TYPE(KrVi64);
typedef uint64_t KR_VECTOR_TYPE(KrVu64);
enum { KR_N_V32 = KR_VECTOR_BYTES / 4, KR_N_V64 = KR_VECTOR_BYTES / 8 };
typedef uint8_t KrVb32 __attribute__((vector_size(KR_N_V32)));
typedef uint8_t KrVb64 __attribute__((vector_size(KR_N_V64)));
#endif

/// What both kinds share. V real, I signed, U unsigned; f names the scalar functions of
/// math/real.h.
#define KR_VECTOR_COMMON(p, f, real, V, I, U)                                                      \
  KR_INLINE V kr_##p##_load(const real *at) {                                                      \
    V x;                                                                                           \
    __builtin_memcpy(&x, at, sizeof x);                                                            \
    return x;                                                                                      \
  }                                                                                                \
  KR_INLINE void kr_##p##_store(real *at, V x) { __builtin_memcpy(at, &x, sizeof x); }             \
  KR_INLINE I kr_##p##_load_bits(const void *at) {                                                 \
    I x;                                                                                           \
    __builtin_memcpy(&x, at, sizeof x);                                                            \
    return x;                                                                                      \
  }                                                                                                \
  KR_INLINE void kr_##p##_store_bits(void *at, I x) { __builtin_memcpy(at, &x, sizeof x); }        \
  /* m ? a : b */                                                                                  \
  KR_INLINE V kr_##p##_select(I m, V a, V b) {                                                     \
    return kr_##p##_of_bits((kr_##p##_bits(a) & m) | (kr_##p##_bits(b) & ~m));                     \
  }                                                                                                \
  KR_INLINE I kr_##p##_select_bits(I m, I a, I b) { return (a & m) | (b & ~m); }                   \
  /* m ? a : +0 */                                                                                 \
  KR_INLINE V kr_##p##_where(I m, V a) { return kr_##p##_of_bits(kr_##p##_bits(a) & m); }          \
  KR_INLINE V kr_##p##_abs(V x) {                                                                  \
    return kr_##p##_of_bits(kr_##p##_bits(x) & kr_##p##_magnitude());                              \
  }

/// One element.
#define KR_VECTOR_ONE(p, f, real, I, U, MAX)                                                       \
  KR_INLINE I kr_##p##_bits(real x) { return (I)kr_##f##_to_bits(x); }                             \
  KR_INLINE real kr_##p##_of_bits(I x) { return kr_##f##_from_bits((U)x); }                        \
  KR_INLINE I kr_##p##_magnitude(void) { return (MAX); }                                           \
  KR_INLINE real kr_##p##_all(real x) { return x; }                                                \
  KR_INLINE I kr_##p##_all_bits(I x) { return x; }                                                 \
  KR_INLINE I kr_##p##_lt(real a, real b) { return -(I)(a < b); }                                  \
  KR_INLINE I kr_##p##_le(real a, real b) { return -(I)(a <= b); }                                 \
  KR_INLINE I kr_##p##_eq(real a, real b) { return -(I)(a == b); }                                 \
  /* a > b ? a : b and a < b ? a : b */                                                            \
  KR_INLINE real kr_##p##_greater(real a, real b) { return a > b ? a : b; }                        \
  KR_INLINE real kr_##p##_lesser(real a, real b) { return a < b ? a : b; }                         \
  /* of an integer, rounded once */                                                                \
  KR_INLINE real kr_##p##_of_int(I x) { return (real)x; }                                          \
  /* of a number in range, toward zero */                                                          \
  KR_INLINE I kr_##p##_to_int(real x) { return (I)x; }                                             \
  KR_INLINE I kr_##p##_eq_bits(I a, I b) { return -(I)(a == b); }                                  \
  KR_INLINE I kr_##p##_ult(U a, U b) { return -(I)(a < b); }                                       \
  KR_INLINE bool kr_##p##_any(I m) { return m != 0; }                                              \
  KR_INLINE I kr_##p##_mask_of(const uint8_t *bytes) { return -(I)bytes[0]; }                      \
  KR_INLINE real kr_##p##_floor(real x) { return kr_##f##_floor(x); }                              \
  KR_VECTOR_COMMON(p, f, real, real, I, U)

#define KR_VECTOR_MANY(p, f, real, V, I, U, SI, MAX, B)                                            \
  KR_INLINE I kr_##p##_bits(V x) { return (I)x; }                                                  \
  KR_INLINE V kr_##p##_of_bits(I x) { return (V)x; }                                               \
  KR_INLINE V kr_##p##_all(real x) { return x - (V){0}; }                                          \
  KR_INLINE I kr_##p##_all_bits(SI x) { return x - (I){0}; }                                       \
  KR_INLINE I kr_##p##_magnitude(void) { return kr_##p##_all_bits(MAX); }                          \
  KR_INLINE I kr_##p##_lt(V a, V b) { return (I)(a < b); }                                         \
  KR_INLINE I kr_##p##_le(V a, V b) { return (I)(a <= b); }                                        \
  KR_INLINE I kr_##p##_eq(V a, V b) { return (I)(a == b); }                                        \
  KR_INLINE V kr_##p##_of_int(I x) { return __builtin_convertvector(x, V); }                       \
  KR_INLINE I kr_##p##_to_int(V x) { return __builtin_convertvector(x, I); }                       \
  KR_INLINE I kr_##p##_eq_bits(I a, I b) { return (I)(a == b); }                                   \
  KR_INLINE I kr_##p##_ult(U a, U b) { return (I)(a < b); }                                        \
  /* of bytes 0 and 1 */                                                                           \
  KR_INLINE I kr_##p##_mask_of(const uint8_t *bytes) {                                             \
    B x;                                                                                           \
    __builtin_memcpy(&x, bytes, sizeof x);                                                         \
    return -__builtin_convertvector(x, I);                                                         \
  }                                                                                                \
  KR_VECTOR_COMMON(p, f, real, V, I, U)                                                            \
  KR_VECTOR_EXTREMES(p, V)                                                                         \
  KR_VECTOR_ANY(p, V, I)                                                                           \
  KR_INLINE V kr_##p##_copysign(V x, V y) {                                                        \
    I m = kr_##p##_magnitude();                                                                    \
    return kr_##p##_of_bits((kr_##p##_bits(x) & m) | (kr_##p##_bits(y) & ~m));                     \
  }                                                                                                \
  KR_VECTOR_FLOOR(p, V)

// What the processor has one instruction for, but no operator of the language. MAXPS and its like
// give the second operand unless the first is greater: a > b ? a : b.
#define KR_VECTOR_BY_SELECT(p, V)                                                                  \
  KR_INLINE V kr_##p##_greater(V a, V b) { return kr_##p##_select(kr_##p##_lt(b, a), a, b); }      \
  KR_INLINE V kr_##p##_lesser(V a, V b) { return kr_##p##_select(kr_##p##_lt(a, b), a, b); }
#define KR_VECTOR_BY_BUILTIN(p, V, greater, lesser)                                                \
  KR_INLINE V kr_##p##_greater(V a, V b) { return (V)greater(a, b); }                              \
  KR_INLINE V kr_##p##_lesser(V a, V b) { return (V)lesser(a, b); }
#if defined(__SSE2__) && KR_VECTOR_BYTES == 16
#define KR_VECTOR_EXTREMES_v32(V)                                                                  \
  KR_VECTOR_BY_BUILTIN(v32, V, __builtin_ia32_maxps, __builtin_ia32_minps)
#define KR_VECTOR_EXTREMES_v64(V)                                                                  \
  KR_VECTOR_BY_BUILTIN(v64, V, __builtin_ia32_maxpd, __builtin_ia32_minpd)
#define KR_VECTOR_TRUNCATE(x) __builtin_ia32_cvttps2dq(x)
#elif defined(__AVX__) && KR_VECTOR_BYTES == 32
#define KR_VECTOR_EXTREMES_v32(V)                                                                  \
  KR_VECTOR_BY_BUILTIN(v32, V, __builtin_ia32_maxps256, __builtin_ia32_minps256)
#define KR_VECTOR_EXTREMES_v64(V)                                                                  \
  KR_VECTOR_BY_BUILTIN(v64, V, __builtin_ia32_maxpd256, __builtin_ia32_minpd256)
#define KR_VECTOR_TRUNCATE(x) __builtin_ia32_cvttps2dq256(x)
#elif defined(__AVX512F__) && KR_VECTOR_BYTES == 64
// Masks of all elements; GCC takes most of them as signed numbers.
#ifdef __clang__ // 4: rounding as it is set
#define KR_MASK_16 0xffff
#define KR_MASK_8 0xff
#define KR_MASK_OF(m) ((uint16_t)(m))
#define KR_REDUCEPS_512(x, how) __builtin_ia32_reduceps512_mask(x, how, x, 0xffff, 4)
#define KR_MAXPS_512(a, b) __builtin_ia32_maxps512(a, b, 4)
#define KR_MINPS_512(a, b) __builtin_ia32_minps512(a, b, 4)
#define KR_MAXPD_512(a, b) __builtin_ia32_maxpd512(a, b, 4)
#define KR_MINPD_512(a, b) __builtin_ia32_minpd512(a, b, 4)
#else
#define KR_MASK_16 -1
#define KR_MASK_8 -1
#define KR_MASK_OF(m) ((int16_t)(m))
#define KR_REDUCEPS_512(x, how) __builtin_ia32_reduceps512_mask(x, how, x, UINT16_MAX)
#define KR_MAXPS_512(a, b) __builtin_ia32_maxps512_mask(a, b, a, KR_MASK_16, 4)
#define KR_MINPS_512(a, b) __builtin_ia32_minps512_mask(a, b, a, KR_MASK_16, 4)
#define KR_MAXPD_512(a, b) __builtin_ia32_maxpd512_mask(a, b, a, 0xff, 4)
#define KR_MINPD_512(a, b) __builtin_ia32_minpd512_mask(a, b, a, 0xff, 4)
#endif
#define KR_CMPD_512(a, b, how) __builtin_ia32_cmpd512_mask(a, b, how, UINT16_MAX)
// x where a mask is set and x is finite, else 0: 8 for 0, 1 for x, by kinds of numbers, NaN first.
#define KR_VECTOR_FINITE_IF(m, x)                                                                  \
  (KrVf32)                                                                                         \
      __builtin_ia32_fixupimmps512_maskz(x, x, kr_v32_all_bits(0x11881888), 0, KR_MASK_OF(m), 4)
#define KR_VECTOR_EXTREMES_v32(V) KR_VECTOR_BY_BUILTIN(v32, V, KR_MAXPS_512, KR_MINPS_512)
#define KR_VECTOR_EXTREMES_v64(V) KR_VECTOR_BY_BUILTIN(v64, V, KR_MAXPD_512, KR_MINPD_512)
#define KR_VECTOR_TRUNCATE(x) __builtin_ia32_cvttps2dq512_mask(x, (KrVi32){0}, KR_MASK_16, 4)
#else
#define KR_VECTOR_EXTREMES_v32(V) KR_VECTOR_BY_SELECT(v32, V)
#define KR_VECTOR_EXTREMES_v64(V) KR_VECTOR_BY_SELECT(v64, V)
#endif
#define KR_VECTOR_EXTREMES(p, V) KR_VECTOR_EXTREMES_##p(V)

// Whether some element of a mask is set: its sign bits.
#if defined(__SSE2__) && KR_VECTOR_BYTES == 16
#define KR_SIGNS_v32(m) __builtin_ia32_movmskps((KrVf32)(m))
#define KR_SIGNS_v64(m) __builtin_ia32_movmskpd((KrVf64)(m))
#elif defined(__AVX__) && KR_VECTOR_BYTES == 32
#define KR_SIGNS_v32(m) __builtin_ia32_movmskps256((KrVf32)(m))
#define KR_SIGNS_v64(m) __builtin_ia32_movmskpd256((KrVf64)(m))
#elif defined(__AVX512DQ__) && KR_VECTOR_BYTES == 64
#define KR_SIGNS_v32(m) __builtin_ia32_cvtd2mask512(m)
#define KR_SIGNS_v64(m) __builtin_ia32_cvtq2mask512((long long __attribute__((vector_size(64))))(m))
#endif
#ifdef KR_SIGNS_v32
#define KR_VECTOR_ANY(p, V, I)                                                                     \
  KR_INLINE bool kr_##p##_any(I m) { return KR_SIGNS_##p(m) != 0; }
#else
#define KR_VECTOR_ANY(p, V, I)                                                                     \
  KR_INLINE bool kr_##p##_any(I m) {                                                               \
    I none = {0};                                                                                  \
    return __builtin_memcmp(&m, &none, sizeof m) != 0;                                             \
  }
#endif

// As kr_f32_floor.
#define KR_VECTOR_FLOOR_BY_SUM(p, V, WHOLE)                                                        \
  KR_INLINE V kr_##p##_floor(V x) {                                                                \
    V a = kr_##p##_abs(x), big = kr_##p##_all(WHOLE);                                              \
    big = kr_##p##_where(kr_##p##_lt(a, big), big);                                                \
    V r = kr_##p##_copysign((a + big) - big, x);                                                   \
    r = r + kr_##p##_where(kr_##p##_lt(x, r), kr_##p##_all(-1));                                   \
    return kr_##p##_copysign(r, x);                                                                \
  }
#define KR_VECTOR_FLOOR_BY_BUILTIN(p, V, ...)                                                      \
  KR_INLINE V kr_##p##_floor(V x) { return (V)__VA_ARGS__; }
#if defined(__AVX512F__)
#define KR_VECTOR_FLOOR_v32(V)                                                                     \
  KR_VECTOR_FLOOR_BY_BUILTIN(v32, V, __builtin_ia32_rndscaleps_mask(x, 9, x, KR_MASK_16, 4))
#define KR_VECTOR_FLOOR_v64(V)                                                                     \
  KR_VECTOR_FLOOR_BY_BUILTIN(v64, V, __builtin_ia32_rndscalepd_mask(x, 9, x, KR_MASK_8, 4))
#elif defined(__AVX__) && KR_VECTOR_BYTES == 32
#define KR_VECTOR_FLOOR_v32(V) KR_VECTOR_FLOOR_BY_BUILTIN(v32, V, __builtin_ia32_roundps256(x, 9))
#define KR_VECTOR_FLOOR_v64(V) KR_VECTOR_FLOOR_BY_BUILTIN(v64, V, __builtin_ia32_roundpd256(x, 9))
#elif defined(__SSE4_1__) && KR_VECTOR_BYTES == 16
#define KR_VECTOR_FLOOR_v32(V) KR_VECTOR_FLOOR_BY_BUILTIN(v32, V, __builtin_ia32_roundps(x, 9))
#define KR_VECTOR_FLOOR_v64(V) KR_VECTOR_FLOOR_BY_BUILTIN(v64, V, __builtin_ia32_roundpd(x, 9))
#else
#define KR_VECTOR_FLOOR_v32(V) KR_VECTOR_FLOOR_BY_SUM(v32, V, 0x1p23f)
#define KR_VECTOR_FLOOR_v64(V) KR_VECTOR_FLOOR_BY_SUM(v64, V, 0x1p52)
#endif
#define KR_VECTOR_FLOOR(p, V) KR_VECTOR_FLOOR_##p(V)

KR_VECTOR_ONE(s32, f32, float, int32_t, uint32_t, INT32_MAX)
KR_VECTOR_ONE(s64, f64, double, int64_t, uint64_t, INT64_MAX)
#if KR_VECTOR_BYTES > 0
KR_VECTOR_MANY(v32, f32, float, KrVf32, KrVi32, KrVu32, int32_t, INT32_MAX, KrVb32)
KR_VECTOR_MANY(v64, f64, double, KrVf64, KrVi64, KrVu64, int64_t, INT64_MAX, KrVb64)

// Elements of even (odd) index of a followed by b: the lower (upper) halves of 64-bit integers.
#if KR_VECTOR_BYTES == 16
#define KR_V32_EVEN(a, b) __builtin_shufflevector(a, b, 0, 2, 4, 6)
#define KR_V32_ODD(a, b) __builtin_shufflevector(a, b, 1, 3, 5, 7)
#elif KR_VECTOR_BYTES == 32
#define KR_V32_EVEN(a, b) __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14)
#define KR_V32_ODD(a, b) __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15)
#else
#define KR_V32_EVEN(a, b)                                                                          \
  __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30)
#define KR_V32_ODD(a, b)                                                                           \
  __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31)
#endif

// Toward zero; the least integer for what is out of range or NaN.
KR_INLINE KrVi32 kr_v32_truncate(KrVf32 x) {
#ifdef KR_VECTOR_TRUNCATE
  return (KrVi32)KR_VECTOR_TRUNCATE(x);
#else
  KrVi32 in = kr_v32_lt(kr_v32_abs(x), kr_v32_all(0x1p31f));
  return kr_v32_select_bits(in, kr_v32_to_int(kr_v32_where(in, x)), kr_v32_all_bits(INT32_MIN));
#endif
}
// x less its whole part, toward zero, while that fits an integer. Of a greater one a number that is
// 0 or at least 2^24, of what is not finite 0 or the same.
KR_INLINE KrVf32 kr_v32_fraction(KrVf32 x) {
#if defined(__AVX512DQ__) && KR_VECTOR_BYTES == 64
  return (KrVf32)KR_REDUCEPS_512(x, 11);
#else
  return x - kr_v32_of_int(kr_v32_truncate(x));
#endif
}
// Magnitude; the least integer stays.
KR_INLINE KrVi32 kr_v32_abs_bits(KrVi32 x) {
#if defined(__AVX512F__) && !defined(__clang__)
  return (KrVi32)__builtin_ia32_pabsd512_mask(x, (KrVi32){0}, UINT16_MAX);
#elif defined(__AVX2__) && !defined(__clang__)
  return (KrVi32)__builtin_ia32_pabsd256(x);
#elif defined(__SSSE3__) && !defined(__clang__)
  return (KrVi32)__builtin_ia32_pabsd128(x);
#else
  KrVi32 sign = x >> 31;
  return (x ^ sign) - sign;
#endif
}
KR_INLINE KrVi64 kr_v64_abs_bits(KrVi64 x) {
  KrVi64 sign = x >> 63;
  return (x ^ sign) - sign;
}
#endif
KR_INLINE int32_t kr_s32_abs_bits(int32_t x) { return (x ^ x >> 31) - (x >> 31); }
KR_INLINE int64_t kr_s64_abs_bits(int64_t x) { return (x ^ x >> 63) - (x >> 63); }
#endif

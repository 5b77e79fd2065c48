/// Scalar float and double helpers: rounding, minimum, remainder, conversion. Branch-free selects,
/// so that loops over them vectorise; no libm. All are [any] rt exact.
#ifndef KR_MATH_REAL_H
#define KR_MATH_REAL_H
#include <stdbool.h>
#include <stdint.h>

typedef union KrF32Bits {
  float real;
  uint32_t bits;
} KrF32Bits;
typedef union KrF64Bits {
  double real;
  uint64_t bits;
} KrF64Bits;
static inline uint32_t kr_f32_to_bits(float x) { return (KrF32Bits){.real = x}.bits; }
static inline float kr_f32_from_bits(uint32_t bits) { return (KrF32Bits){.bits = bits}.real; }
static inline uint64_t kr_f64_to_bits(double x) { return (KrF64Bits){.real = x}.bits; }
static inline double kr_f64_from_bits(uint64_t bits) { return (KrF64Bits){.bits = bits}.real; }

#define KR_F32_NAN_BITS UINT32_C(0x7fc00000)
#define KR_F64_NAN_BITS UINT64_C(0x7ff8000000000000)
/// The canonical NaN.
static inline float kr_f32_nan(void) { return kr_f32_from_bits(KR_F32_NAN_BITS); }
static inline double kr_f64_nan(void) { return kr_f64_from_bits(KR_F64_NAN_BITS); }

#define KR_REAL_FUNCTIONS(real, uint, f, SIGN, ONE, TWO_MANTISSA, FLUSH)                           \
  static inline bool kr_##f##_is_nan(real x) { return x != x; }                                    \
  /* x, or the canonical NaN */                                                                    \
  static inline real kr_##f##_canonical(real x) { return x == x ? x : kr_##f##_nan(); }            \
  static inline real kr_##f##_abs(real x) {                                                        \
    return kr_##f##_from_bits(kr_##f##_to_bits(x) & ~(SIGN));                                      \
  }                                                                                                \
  /* magnitude of x, sign bit of y */                                                              \
  static inline real kr_##f##_copysign(real x, real y) {                                           \
    return kr_##f##_from_bits((kr_##f##_to_bits(x) & ~(SIGN)) | (kr_##f##_to_bits(y) & (SIGN)));   \
  }                                                                                                \
  /* Invariant of the four: beyond 2^mantissa bits every value is whole; adding and taking away    \
     that power rounds |x| to a whole number at most one off. A zero result keeps the sign of x.   \
   */                                                                                              \
  static inline real kr_##f##_trunc(real x) {                                                      \
    real a = kr_##f##_abs(x), big = a < (TWO_MANTISSA) ? (TWO_MANTISSA) : 0, r = (a + big) - big;  \
    r = r + (r > a ? -(ONE) : 0);                                                                  \
    return kr_##f##_copysign(r, x);                                                                \
  }                                                                                                \
  static inline real kr_##f##_floor(real x) {                                                      \
    real a = kr_##f##_abs(x), big = a < (TWO_MANTISSA) ? (TWO_MANTISSA) : 0,                       \
         r = kr_##f##_copysign((a + big) - big, x);                                                \
    r = r + (r > x ? -(ONE) : 0);                                                                  \
    return kr_##f##_copysign(r, x);                                                                \
  }                                                                                                \
  static inline real kr_##f##_ceil(real x) {                                                       \
    real a = kr_##f##_abs(x), big = a < (TWO_MANTISSA) ? (TWO_MANTISSA) : 0,                       \
         r = kr_##f##_copysign((a + big) - big, x);                                                \
    r = r + (r < x ? (ONE) : 0);                                                                   \
    return kr_##f##_copysign(r, x);                                                                \
  }                                                                                                \
  /* half away from zero */                                                                        \
  static inline real kr_##f##_round(real x) {                                                      \
    real a = kr_##f##_abs(x), big = a < (TWO_MANTISSA) ? (TWO_MANTISSA) : 0, r = (a + big) - big;  \
    r = r + (r > a ? -(ONE) : 0);                                                                  \
    r = r + (a - r >= (ONE) / 2 ? (ONE) : 0);                                                      \
    return kr_##f##_copysign(r, x);                                                                \
  }                                                                                                \
  /* IEEE 754-2019 minimum and maximum: NaN wins (canonical), -0 < +0 */                           \
  static inline real kr_##f##_min(real x, real y) {                                                \
    real both = kr_##f##_from_bits(kr_##f##_to_bits(x) | kr_##f##_to_bits(y));                     \
    real r = x < y ? x : y;                                                                        \
    r = x == y ? both : r;                                                                         \
    r = x == x ? r : kr_##f##_nan();                                                               \
    return y == y ? r : kr_##f##_nan();                                                            \
  }                                                                                                \
  static inline real kr_##f##_max(real x, real y) {                                                \
    real both = kr_##f##_from_bits(kr_##f##_to_bits(x) & kr_##f##_to_bits(y));                     \
    real r = x > y ? x : y;                                                                        \
    r = x == y ? both : r;                                                                         \
    r = x == x ? r : kr_##f##_nan();                                                               \
    return y == y ? r : kr_##f##_nan();                                                            \
  }                                                                                                \
  /* low if x < low, high if x > high; the bounds in that order; NaN wins */                       \
  static inline real kr_##f##_clamp(real x, real low, real high) {                                 \
    return kr_##f##_min(kr_##f##_max(x, low), high);                                               \
  }                                                                                                \
  /* rest of floor division; takes the sign of y */                                                \
  static inline real kr_##f##_mod(real x, real y) { return x - y * kr_##f##_floor(x / y); }        \
  static inline real kr_##f##_fract(real x) { return x - kr_##f##_floor(x); }                      \
  /* -1, 0 or 1; a zero and NaN stay as they are */                                                \
  static inline real kr_##f##_sign(real x) {                                                       \
    real r = kr_##f##_copysign((ONE), x);                                                          \
    return x > 0 ? r : x < 0 ? r : x;                                                              \
  }                                                                                                \
  /* what a recurrence keeps: 0 below 2^-100 */                                                    \
  static inline real kr_##f##_flush(real x) { return kr_##f##_abs(x) < (FLUSH) ? 0 : x; }

KR_REAL_FUNCTIONS(float, uint32_t, f32, UINT32_C(0x80000000), 1.0f, 0x1p23f, 0x1p-100f)
KR_REAL_FUNCTIONS(double, uint64_t, f64, UINT64_C(0x8000000000000000), 1.0, 0x1p52, 0x1p-100)
#undef KR_REAL_FUNCTIONS

/// Toward zero, saturating, NaN gives 0. The value is put in range before the cast.
#define KR_REAL_TO_INT(real, f, type, name, LOW, HIGH, MIN, MAX)                                   \
  static inline type kr_##f##_to_##name(real x) {                                                  \
    bool in = x > (LOW) && x < (HIGH);                                                             \
    type r = (type)(in ? x : 0);                                                                   \
    r = x >= (HIGH) ? (MAX) : r;                                                                   \
    return x <= (LOW) ? (MIN) : r;                                                                 \
  }
KR_REAL_TO_INT(float, f32, int32_t, i32, -0x1p31f, 0x1p31f, INT32_MIN, INT32_MAX)
KR_REAL_TO_INT(float, f32, int64_t, i64, -0x1p63f, 0x1p63f, INT64_MIN, INT64_MAX)
KR_REAL_TO_INT(float, f32, uint32_t, u32, -1.0f, 0x1p32f, 0, UINT32_MAX)
KR_REAL_TO_INT(float, f32, uint64_t, u64, -1.0f, 0x1p64f, 0, UINT64_MAX)
KR_REAL_TO_INT(double, f64, int32_t, i32, -0x1p31 - 1, 0x1p31, INT32_MIN, INT32_MAX)
KR_REAL_TO_INT(double, f64, int64_t, i64, -0x1p63, 0x1p63, INT64_MIN, INT64_MAX)
KR_REAL_TO_INT(double, f64, uint32_t, u32, -1.0, 0x1p32, 0, UINT32_MAX)
KR_REAL_TO_INT(double, f64, uint64_t, u64, -1.0, 0x1p64, 0, UINT64_MAX)
#undef KR_REAL_TO_INT

static inline float kr_f32_sqrt(float x) {
  return x >= 0 ? __builtin_sqrtf(x) : x == 0 ? x : kr_f32_nan();
}
static inline double kr_f64_sqrt(double x) {
  return x >= 0 ? __builtin_sqrt(x) : x == 0 ? x : kr_f64_nan();
}
#endif

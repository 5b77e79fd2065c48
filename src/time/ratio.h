/// Exact rational numbers int64/int64 in lowest terms, den > 0. No floating point, no wrapping:
/// every operation says KR_ERROR_OVERFLOW instead, and only when the lowest terms of its result
/// have a magnitude above INT64_MAX (INT64_MIN is never a result). Intermediates have 128 bits.
/// `result` may be an operand and is untouched on errors. All: [any] rt exact
#ifndef KR_TIME_RATIO_H
#define KR_TIME_RATIO_H
#include "base/wide.h"
#include "kairo/time.h"

#define KR_RATIO_ZERO ((KrRatio){0, 1})
#define KR_RATIO_ONE ((KrRatio){1, 1})

KrRatio kr_ratio_of(int64_t whole);
/// Any num, den != 0; reduces. KR_ERROR_ARGUMENT den 0; OVERFLOW.
KrStatus kr_ratio_make(int64_t num, int64_t den, KrRatio *result);
KrStatus kr_ratio_add(KrRatio a, KrRatio b, KrRatio *result);
KrStatus kr_ratio_sub(KrRatio a, KrRatio b, KrRatio *result);
KrStatus kr_ratio_mul(KrRatio a, KrRatio b, KrRatio *result);
KrStatus kr_ratio_div(KrRatio a, KrRatio b, KrRatio *result); ///< b 0: KR_ERROR_ARGUMENT
KrStatus kr_ratio_pow(KrRatio a, int32_t exponent, KrRatio *result);
KrRatio kr_ratio_negate(KrRatio a);         ///< a.num > INT64_MIN
int kr_ratio_compare(KrRatio a, KrRatio b); ///< -1 0 1, exact, never overflows
int64_t kr_ratio_floor(KrRatio a);
int64_t kr_ratio_ceil(KrRatio a);
int64_t kr_ratio_round(KrRatio a); ///< half away from zero
/// lcm(a/b, c/d) = lcm(a,c)/gcd(b,d), both > 0.
KrStatus kr_ratio_lcm(KrRatio a, KrRatio b, KrRatio *result);
KrStatus kr_ratio_gcd(KrRatio a, KrRatio b, KrRatio *result); ///< gcd(a,c)/lcm(b,d)
#endif

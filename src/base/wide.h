/// 128-bit integers and checked 64-bit arithmetic. Native where __int128 exists, two u64 else;
/// both forms are compiled and tested against each other (KR_WIDE_PORTABLE forces the second).
/// Unless said otherwise results are modulo 2^128. All: [any] rt exact
#ifndef KR_BASE_WIDE_H
#define KR_BASE_WIDE_H
#include <stdbool.h>
#include <stdint.h>

typedef struct KrU128 {
  uint64_t low, high;
} KrU128;
KrU128 kr_wide_mul(uint64_t a, uint64_t b);
KrU128 kr_wide_add(KrU128 a, KrU128 b);
KrU128 kr_wide_sub(KrU128 a, KrU128 b);
int kr_wide_compare(KrU128 a, KrU128 b);
KrU128 kr_wide_shift_left(KrU128 a, unsigned n);  ///< n < 128
KrU128 kr_wide_shift_right(KrU128 a, unsigned n); ///< n < 128
/// Quotient and rest of a / b; b > 0.
KrU128 kr_wide_div(KrU128 a, KrU128 b, KrU128 *rest);
KrU128 kr_wide_gcd(KrU128 a, KrU128 b);
unsigned kr_wide_bits(KrU128 a); ///< position of the highest one + 1; 0 for 0

/// floor(a*b/c) with c > 0, a of either sign; false when the result does not fit int64.
bool kr_muldiv_floor(int64_t a, uint64_t b, uint64_t c, int64_t *result, uint64_t *rest);

uint64_t kr_gcd(uint64_t a, uint64_t b);
bool kr_add_i64(int64_t a, int64_t b, int64_t *result); ///< false on overflow, result untouched
bool kr_sub_i64(int64_t a, int64_t b, int64_t *result);
bool kr_mul_i64(int64_t a, int64_t b, int64_t *result);

/// num/den correctly rounded to nearest even (den > 0), any 128-bit magnitudes.
double kr_wide_to_f64(bool negative, KrU128 num, KrU128 den);
float kr_wide_to_f32(bool negative, KrU128 num, KrU128 den);
#endif

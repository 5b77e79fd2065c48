/// Natural numbers of up to 6144 bits on the stack: enough for any decimal text of 801 digits and
/// any double. For number <-> text only.
#ifndef KR_BASE_BIG_H
#define KR_BASE_BIG_H
#include <stdbool.h>
#include <stdint.h>

#define KR_BIG_LIMBS 192

/// Value = sum of limb[i] * 2^(32 i), i < n; limb[n-1] != 0; n = 0 is zero. Limbs beyond n are
/// undefined. Callers stay below 6144 bits; nothing checks it at run time but asserts.
typedef struct KrBig {
  uint32_t n;
  uint32_t limb[KR_BIG_LIMBS];
} KrBig;

void kr_big_set(KrBig *big, uint64_t value);
void kr_big_copy(KrBig *to, const KrBig *from);
void kr_big_mul_add(KrBig *big, uint32_t factor, uint32_t addend); ///< big * factor + addend
void kr_big_mul_pow5(KrBig *big, uint32_t exponent);
uint32_t kr_big_div(KrBig *big, uint32_t divisor); ///< big /= divisor; returns the rest
uint32_t kr_big_mod(const KrBig *big, uint32_t divisor);
void kr_big_shift_left(KrBig *big, uint32_t n_bits);
void kr_big_shift_right(KrBig *big, uint32_t n_bits);
void kr_big_sub(KrBig *a, const KrBig *b); ///< a -= b; a >= b
int kr_big_compare(const KrBig *a, const KrBig *b);
uint32_t kr_big_bits(const KrBig *big);
uint32_t kr_big_twos(const KrBig *big); ///< zero bits at the low end; big > 0
uint64_t kr_big_low(const KrBig *big);  ///< big mod 2^64
#endif

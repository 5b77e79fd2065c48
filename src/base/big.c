/// Schoolbook natural numbers: clarity first, only rare conversions come here.
#include "base/big.h"
#include <assert.h>
#include <string.h>

void kr_big_set(KrBig *big, uint64_t value) {
  big->limb[0] = (uint32_t)value;
  big->limb[1] = (uint32_t)(value >> 32);
  big->n = value >> 32 != 0 ? 2 : value != 0 ? 1 : 0;
}

void kr_big_copy(KrBig *to, const KrBig *from) {
  to->n = from->n;
  if (from->n != 0) memcpy(to->limb, from->limb, from->n * sizeof from->limb[0]);
}

void kr_big_mul_add(KrBig *big, uint32_t factor, uint32_t addend) {
  uint64_t carry = addend;
  for (uint32_t i = 0; i < big->n; i++) {
    carry += (uint64_t)big->limb[i] * factor;
    big->limb[i] = (uint32_t)carry;
    carry >>= 32;
  }
  if (carry != 0) {
    assert(big->n < KR_BIG_LIMBS);
    big->limb[big->n++] = (uint32_t)carry;
  }
}

void kr_big_mul_pow5(KrBig *big, uint32_t exponent) {
  for (; exponent >= 13; exponent -= 13) kr_big_mul_add(big, 1220703125, 0);
  uint32_t factor = 1;
  while (exponent-- > 0) factor *= 5;
  kr_big_mul_add(big, factor, 0);
}

static void trim(KrBig *big) {
  while (big->n > 0 && big->limb[big->n - 1] == 0) big->n--;
}

uint32_t kr_big_div(KrBig *big, uint32_t divisor) {
  uint64_t rest = 0;
  for (uint32_t i = big->n; i-- > 0;) {
    rest = rest << 32 | big->limb[i];
    big->limb[i] = (uint32_t)(rest / divisor);
    rest %= divisor;
  }
  trim(big);
  return (uint32_t)rest;
}

uint32_t kr_big_mod(const KrBig *big, uint32_t divisor) {
  uint64_t rest = 0;
  for (uint32_t i = big->n; i-- > 0;) rest = (rest << 32 | big->limb[i]) % divisor;
  return (uint32_t)rest;
}

void kr_big_shift_left(KrBig *big, uint32_t n_bits) {
  uint32_t n_limbs = n_bits / 32, n_rest = n_bits % 32;
  if (big->n == 0) return;
  assert(big->n + n_limbs < KR_BIG_LIMBS);
  memmove(big->limb + n_limbs, big->limb, big->n * sizeof big->limb[0]);
  memset(big->limb, 0, n_limbs * sizeof big->limb[0]);
  big->n += n_limbs;
  if (n_rest == 0) return;
  big->limb[big->n] = 0;
  for (uint32_t i = big->n; i > n_limbs; i--) {
    big->limb[i] |= big->limb[i - 1] >> (32 - n_rest);
    big->limb[i - 1] <<= n_rest;
  }
  big->n++;
  trim(big);
}

void kr_big_shift_right(KrBig *big, uint32_t n_bits) {
  uint32_t n_limbs = n_bits / 32, n_rest = n_bits % 32;
  if (n_limbs >= big->n) {
    big->n = 0;
    return;
  }
  big->n -= n_limbs;
  memmove(big->limb, big->limb + n_limbs, big->n * sizeof big->limb[0]);
  for (uint32_t i = 0; n_rest != 0 && i < big->n; i++) {
    uint32_t above = i + 1 < big->n ? big->limb[i + 1] : 0;
    big->limb[i] = big->limb[i] >> n_rest | above << (32 - n_rest);
  }
  trim(big);
}

void kr_big_sub(KrBig *a, const KrBig *b) {
  int64_t borrow = 0;
  for (uint32_t i = 0; i < a->n; i++) {
    borrow += (int64_t)a->limb[i] - (i < b->n ? (int64_t)b->limb[i] : 0);
    a->limb[i] = (uint32_t)borrow;
    borrow >>= 32;
  }
  assert(borrow == 0);
  trim(a);
}

int kr_big_compare(const KrBig *a, const KrBig *b) {
  if (a->n != b->n) return a->n < b->n ? -1 : 1;
  for (uint32_t i = a->n; i-- > 0;) {
    if (a->limb[i] != b->limb[i]) return a->limb[i] < b->limb[i] ? -1 : 1;
  }
  return 0;
}

uint32_t kr_big_bits(const KrBig *big) {
  if (big->n == 0) return 0;
  return 32 * big->n - (uint32_t)__builtin_clz(big->limb[big->n - 1]);
}

uint32_t kr_big_twos(const KrBig *big) {
  uint32_t i = 0;
  while (big->limb[i] == 0) i++;
  return 32 * i + (uint32_t)__builtin_ctz(big->limb[i]);
}

uint64_t kr_big_low(const KrBig *big) {
  uint64_t low = big->n > 0 ? big->limb[0] : 0;
  return big->n > 1 ? low | (uint64_t)big->limb[1] << 32 : low;
}

/// 128-bit integers in two forms with equal results: the compiler's own type, or two 64-bit halves.
#include "base/wide.h"
#include "base/round.h"

#if defined(__SIZEOF_INT128__) && !defined(KR_WIDE_PORTABLE)

__extension__ typedef unsigned __int128 Native;

static Native to_native(KrU128 a) { return ((Native)a.high << 64) | a.low; }

static KrU128 from_native(Native a) { return (KrU128){(uint64_t)a, (uint64_t)(a >> 64)}; }

KrU128 kr_wide_mul(uint64_t a, uint64_t b) { return from_native((Native)a * b); }

KrU128 kr_wide_add(KrU128 a, KrU128 b) { return from_native(to_native(a) + to_native(b)); }

KrU128 kr_wide_sub(KrU128 a, KrU128 b) { return from_native(to_native(a) - to_native(b)); }

KrU128 kr_wide_shift_left(KrU128 a, unsigned n) { return from_native(to_native(a) << n); }

KrU128 kr_wide_shift_right(KrU128 a, unsigned n) { return from_native(to_native(a) >> n); }

KrU128 kr_wide_div(KrU128 a, KrU128 b, KrU128 *rest) {
  Native x = to_native(a), y = to_native(b), quotient;
  if ((a.high | b.high) == 0) {
    *rest = (KrU128){a.low % b.low, 0};
    return (KrU128){a.low / b.low, 0};
  }
  quotient = x / y;
  *rest = from_native(x - quotient * y);
  return from_native(quotient);
}

#else

KrU128 kr_wide_mul(uint64_t a, uint64_t b) {
  uint64_t a0 = a & UINT32_MAX, a1 = a >> 32, b0 = b & UINT32_MAX, b1 = b >> 32;
  uint64_t low = a0 * b0;
  uint64_t middle = a1 * b0 + (low >> 32);
  uint64_t middle2 = a0 * b1 + (middle & UINT32_MAX);
  return (KrU128){(middle2 << 32) | (low & UINT32_MAX), a1 * b1 + (middle >> 32) + (middle2 >> 32)};
}

KrU128 kr_wide_add(KrU128 a, KrU128 b) {
  uint64_t low = a.low + b.low;
  return (KrU128){low, a.high + b.high + (low < a.low)};
}

KrU128 kr_wide_sub(KrU128 a, KrU128 b) {
  return (KrU128){a.low - b.low, a.high - b.high - (a.low < b.low)};
}

KrU128 kr_wide_shift_left(KrU128 a, unsigned n) {
  if (n == 0) return a;
  if (n >= 64) return (KrU128){0, a.low << (n - 64)};
  return (KrU128){a.low << n, (a.high << n) | (a.low >> (64 - n))};
}

KrU128 kr_wide_shift_right(KrU128 a, unsigned n) {
  if (n == 0) return a;
  if (n >= 64) return (KrU128){a.high >> (n - 64), 0};
  return (KrU128){(a.low >> n) | (a.high << (64 - n)), a.high >> n};
}

/// Long division, one bit of the quotient at a time.
KrU128 kr_wide_div(KrU128 a, KrU128 b, KrU128 *rest) {
  if ((a.high | b.high) == 0) {
    *rest = (KrU128){a.low % b.low, 0};
    return (KrU128){a.low / b.low, 0};
  }
  KrU128 quotient = {0, 0};
  unsigned n_a = kr_wide_bits(a), n_b = kr_wide_bits(b);
  if (n_a >= n_b) {
    KrU128 part = kr_wide_shift_left(b, n_a - n_b);
    for (unsigned i = 0; i <= n_a - n_b; i++) {
      quotient = kr_wide_shift_left(quotient, 1);
      if (kr_wide_compare(a, part) >= 0) {
        a = kr_wide_sub(a, part);
        quotient.low |= 1;
      }
      part = kr_wide_shift_right(part, 1);
    }
  }
  *rest = a;
  return quotient;
}

#endif

int kr_wide_compare(KrU128 a, KrU128 b) {
  if (a.high != b.high) return a.high < b.high ? -1 : 1;
  return (a.low > b.low) - (a.low < b.low);
}

unsigned kr_wide_bits(KrU128 a) {
  if (a.high != 0) return 128 - (unsigned)__builtin_clzll(a.high);
  return a.low != 0 ? 64 - (unsigned)__builtin_clzll(a.low) : 0;
}

uint64_t kr_gcd(uint64_t a, uint64_t b) {
  if (a == 0) return b;
  if (b == 0) return a;
  if (a == 1 || b == 1) return 1;
  // What is much longer is shortened at once.
  if (a >> 8 > b) {
    if ((a %= b) == 0) return b;
  } else if (b >> 8 > a) {
    if ((b %= a) == 0) return a;
  }
  int n_twos = __builtin_ctzll(a | b);
  a >>= __builtin_ctzll(a);
  while (b != 0) {
    b >>= __builtin_ctzll(b);
    uint64_t smaller = a < b ? a : b;
    b = a < b ? b - a : a - b;
    a = smaller;
  }
  return a << n_twos;
}

KrU128 kr_wide_gcd(KrU128 a, KrU128 b) {
  while (b.high != 0) {
    KrU128 rest;
    kr_wide_div(a, b, &rest);
    a = b;
    b = rest;
  }
  if (b.low == 0) return a;
  KrU128 rest;
  kr_wide_div(a, b, &rest);
  return (KrU128){kr_gcd(b.low, rest.low), 0};
}

bool kr_add_i64(int64_t a, int64_t b, int64_t *result) {
  int64_t sum;
  if (__builtin_add_overflow(a, b, &sum)) return false;
  *result = sum;
  return true;
}

bool kr_sub_i64(int64_t a, int64_t b, int64_t *result) {
  int64_t difference;
  if (__builtin_sub_overflow(a, b, &difference)) return false;
  *result = difference;
  return true;
}

bool kr_mul_i64(int64_t a, int64_t b, int64_t *result) {
  int64_t product;
  if (__builtin_mul_overflow(a, b, &product)) return false;
  *result = product;
  return true;
}

bool kr_muldiv_floor(int64_t a, uint64_t b, uint64_t c, int64_t *result, uint64_t *rest) {
  uint64_t magnitude = a < 0 ? 0 - (uint64_t)a : (uint64_t)a;
  KrU128 over;
  KrU128 quotient = kr_wide_div(kr_wide_mul(magnitude, b), (KrU128){c, 0}, &over);
  if (a < 0 && over.low != 0) {
    // floor(-x) = -(ceil x); the magnitude cannot wrap, since q < 2^127.
    quotient = kr_wide_add(quotient, (KrU128){1, 0});
    over.low = c - over.low;
  }
  uint64_t bound = (uint64_t)INT64_MAX + (a < 0 ? 1 : 0);
  if (quotient.high != 0 || quotient.low > bound) return false;
  *result = a < 0 ? (int64_t)(0 - quotient.low) : (int64_t)quotient.low;
  if (rest != 0) *rest = over.low;
  return true;
}

/// num/den = (*bits + rest) * 2^*exponent with 64 or 65 bits worth of quotient; num > 0.
/// *sticky tells whether rest > 0.
static uint64_t take_quotient(KrU128 num, KrU128 den, bool *sticky, int *exponent) {
  unsigned n_num = 128 - kr_wide_bits(num), n_den = 128 - kr_wide_bits(den);
  num = kr_wide_shift_left(num, n_num);
  den = kr_wide_shift_left(den, n_den);
  *exponent = (int)n_den - (int)n_num - 63;
  uint64_t bits = 0;
  for (int i = 0; i < 64; i++) {
    bool carry = i != 0 && num.high >> 63 != 0;
    if (i != 0) num = kr_wide_shift_left(num, 1);
    bits <<= 1;
    if (carry || kr_wide_compare(num, den) >= 0) {
      num = kr_wide_sub(num, den);
      bits |= 1;
    }
  }
  *sticky = (num.low | num.high) != 0;
  return bits;
}

/// As take_quotient, for operands below 2^64: one division.
static uint64_t take_short_quotient(uint64_t num, uint64_t den, bool *sticky, int *exponent) {
  unsigned n_shift = 64 + (unsigned)__builtin_clzll(num);
  KrU128 rest;
  KrU128 quotient =
      kr_wide_div(kr_wide_shift_left((KrU128){num, 0}, n_shift), (KrU128){den, 0}, &rest);
  unsigned n_extra = kr_wide_bits(quotient) - 64;
  KrU128 bits = kr_wide_shift_right(quotient, n_extra);
  KrU128 back = kr_wide_shift_left(bits, n_extra);
  *sticky = rest.low != 0 || kr_wide_compare(back, quotient) != 0;
  *exponent = (int)n_extra - (int)n_shift;
  return bits.low;
}

double kr_wide_to_f64(bool negative, KrU128 num, KrU128 den) {
  const uint64_t max_exact = (uint64_t)1 << 53;
  bool is_short = (num.high | den.high) == 0, sticky;
  int exponent;
  // Both operands exact: the division itself is the one rounding.
  if (is_short && num.low <= max_exact && den.low <= max_exact) {
    double magnitude = (double)num.low / (double)den.low;
    return negative ? -magnitude : magnitude;
  }
  if ((num.low | num.high) == 0) return negative ? -0.0 : 0.0;
  uint64_t bits = is_short ? take_short_quotient(num.low, den.low, &sticky, &exponent)
                           : take_quotient(num, den, &sticky, &exponent);
  return kr_round_f64(negative, bits, sticky, exponent);
}

float kr_wide_to_f32(bool negative, KrU128 num, KrU128 den) {
  const uint64_t max_exact = (uint64_t)1 << 24;
  bool is_short = (num.high | den.high) == 0, sticky;
  int exponent;
  if (is_short && num.low <= max_exact && den.low <= max_exact) {
    float magnitude = (float)num.low / (float)den.low;
    return negative ? -magnitude : magnitude;
  }
  if ((num.low | num.high) == 0) return negative ? -0.0f : 0.0f;
  uint64_t bits = is_short ? take_short_quotient(num.low, den.low, &sticky, &exponent)
                           : take_quotient(num, den, &sticky, &exponent);
  return kr_round_f32(negative, bits, sticky, exponent);
}

/// Exact rational arithmetic: operands are reduced against each other before they are multiplied,
/// so that a result overflows only when its lowest terms do.
#include "time/ratio.h"

/// |x|, also of INT64_MIN.
static uint64_t magnitude(int64_t x) { return x < 0 ? 0 - (uint64_t)x : (uint64_t)x; }

static bool is_i63(KrU128 x) { return x.high == 0 && x.low <= (uint64_t)INT64_MAX; }

/// Stores (-1)^negative * num/den, which is in lowest terms.
static KrStatus store(bool negative, KrU128 num, KrU128 den, KrRatio *result) {
  if (!is_i63(num) || !is_i63(den)) return KR_ERROR_OVERFLOW;
  result->num = negative ? -(int64_t)num.low : (int64_t)num.low;
  result->den = num.low == 0 ? 1 : (int64_t)den.low;
  return KR_OK;
}

/// (-1)^negative * (a/b) * (c/d), each fraction in lowest terms, b and d > 0.
static KrStatus store_product(bool negative, const uint64_t a[2], const uint64_t c[2],
                              KrRatio *result) {
  uint64_t g = kr_gcd(a[0], c[1]), h = kr_gcd(c[0], a[1]);
  return store(negative, kr_wide_mul(a[0] / g, c[0] / h), kr_wide_mul(a[1] / h, c[1] / g), result);
}

KrRatio kr_ratio_of(int64_t whole) { return (KrRatio){whole, 1}; }

KrStatus kr_ratio_make(int64_t num, int64_t den, KrRatio *result) {
  if (den == 0) return KR_ERROR_ARGUMENT;
  uint64_t n = magnitude(num), d = magnitude(den), g = kr_gcd(n, d);
  return store((num < 0) != (den < 0), (KrU128){n / g, 0}, (KrU128){d / g, 0}, result);
}

KrRatio kr_ratio_negate(KrRatio a) { return (KrRatio){-a.num, a.den}; }

/// Knuth, The Art of Computer Programming 2, section 4.5.1: with g = gcd(b, d) and
/// t = a (d/g) + c (b/g), the sum in lowest terms is (t/h) / ((b/g) (d/h)), h = gcd(t, g).
/// Adds b with the sign given. Parts below 2^31 (a_den and b_den not 0) need no more than 64 bits.
static KrStatus add_small(KrRatio a, uint32_t b_num, uint32_t b_den, bool b_negative,
                          KrRatio *result) {
  uint32_t a_den = (uint32_t)a.den;
  uint32_t g = b_den % a_den == 0   ? a_den
               : a_den % b_den == 0 ? b_den
                                    : (uint32_t)kr_gcd(a_den, b_den);
  uint32_t a_times = b_den / g, b_times = a_den / g;
  int64_t x = a.num * a_times, y = (int64_t)b_num * b_times, sum = b_negative ? x - y : x + y;
  uint32_t h = (uint32_t)kr_gcd(magnitude(sum) % g, g);
  *result = (KrRatio){sum / h, sum == 0 ? 1 : (int64_t)b_times * (b_den / h)};
  return KR_OK;
}

static KrStatus add_signed(KrRatio a, KrRatio b, bool b_negative, KrRatio *result) {
  if (b.num == 0 || (a.num == 0 && b_negative == (b.num < 0))) {
    *result = b.num == 0 ? a : b;
    return KR_OK;
  }
  uint64_t a_den = (uint64_t)a.den, b_den = (uint64_t)b.den;
  if (a_den != 0 && b_den != 0 && (magnitude(a.num) | magnitude(b.num) | a_den | b_den) >> 31 == 0)
    return add_small(a, (uint32_t)magnitude(b.num), (uint32_t)b_den, b_negative, result);
  uint64_t g = kr_gcd(a_den, b_den);
  KrU128 x = kr_wide_mul(magnitude(a.num), b_den / g), y = kr_wide_mul(magnitude(b.num), a_den / g);
  KrU128 sum, rest;
  bool negative = a.num < 0;
  if (negative == b_negative) {
    sum = kr_wide_add(x, y);
  } else if (kr_wide_compare(x, y) >= 0) {
    sum = kr_wide_sub(x, y);
  } else {
    sum = kr_wide_sub(y, x);
    negative = !negative;
  }
  kr_wide_div(sum, (KrU128){g, 0}, &rest);
  uint64_t h = kr_gcd(rest.low, g);
  return store(negative, kr_wide_div(sum, (KrU128){h, 0}, &rest), kr_wide_mul(a_den / g, b_den / h),
               result);
}

KrStatus kr_ratio_add(KrRatio a, KrRatio b, KrRatio *result) {
  return add_signed(a, b, b.num < 0, result);
}

KrStatus kr_ratio_sub(KrRatio a, KrRatio b, KrRatio *result) {
  return add_signed(a, b, b.num >= 0, result);
}

KrStatus kr_ratio_mul(KrRatio a, KrRatio b, KrRatio *result) {
  return store_product((a.num < 0) != (b.num < 0), (uint64_t[2]){magnitude(a.num), (uint64_t)a.den},
                       (uint64_t[2]){magnitude(b.num), (uint64_t)b.den}, result);
}

KrStatus kr_ratio_div(KrRatio a, KrRatio b, KrRatio *result) {
  if (b.num == 0) return KR_ERROR_ARGUMENT;
  return store_product((a.num < 0) != (b.num < 0), (uint64_t[2]){magnitude(a.num), (uint64_t)a.den},
                       (uint64_t[2]){(uint64_t)b.den, magnitude(b.num)}, result);
}

KrStatus kr_ratio_pow(KrRatio a, int32_t exponent, KrRatio *result) {
  uint32_t n = exponent < 0 ? 0 - (uint32_t)exponent : (uint32_t)exponent;
  KrRatio power = KR_RATIO_ONE;
  if (exponent < 0) KR_TRY(kr_ratio_div(KR_RATIO_ONE, a, &a));
  while (n != 0) {
    if ((n & 1) != 0) KR_TRY(kr_ratio_mul(power, a, &power));
    n >>= 1;
    // Squared only while it is still needed: the square may not fit.
    if (n != 0) KR_TRY(kr_ratio_mul(a, a, &a));
  }
  *result = power;
  return KR_OK;
}

int kr_ratio_compare(KrRatio a, KrRatio b) {
  if (((uint64_t)a.num | (uint64_t)a.den | (uint64_t)b.num | (uint64_t)b.den) >> 31 == 0) {
    int64_t x = a.num * b.den, y = b.num * a.den;
    return (x > y) - (x < y);
  }
  if ((a.num < 0) != (b.num < 0)) return a.num < 0 ? -1 : 1;
  int order = kr_wide_compare(kr_wide_mul(magnitude(a.num), (uint64_t)b.den),
                              kr_wide_mul(magnitude(b.num), (uint64_t)a.den));
  return a.num < 0 ? -order : order;
}

int64_t kr_ratio_floor(KrRatio a) { return a.num / a.den - (a.num % a.den < 0); }

int64_t kr_ratio_ceil(KrRatio a) { return a.num / a.den + (a.num % a.den > 0); }

int64_t kr_ratio_round(KrRatio a) {
  uint64_t den = (uint64_t)a.den, rest = magnitude(a.num) % den;
  int64_t whole = a.num / a.den;
  if (rest < den - rest) return whole;
  return a.num < 0 ? whole - 1 : whole + 1;
}

KrStatus kr_ratio_lcm(KrRatio a, KrRatio b, KrRatio *result) {
  if (a.num <= 0 || b.num <= 0) return KR_ERROR_ARGUMENT;
  uint64_t x = (uint64_t)a.num, y = (uint64_t)b.num;
  return store(false, kr_wide_mul(x / kr_gcd(x, y), y),
               (KrU128){kr_gcd((uint64_t)a.den, (uint64_t)b.den), 0}, result);
}

KrStatus kr_ratio_gcd(KrRatio a, KrRatio b, KrRatio *result) {
  if (a.num <= 0 || b.num <= 0) return KR_ERROR_ARGUMENT;
  uint64_t x = (uint64_t)a.den, y = (uint64_t)b.den;
  return store(false, (KrU128){kr_gcd((uint64_t)a.num, (uint64_t)b.num), 0},
               kr_wide_mul(x / kr_gcd(x, y), y), result);
}

/// Shortest decimal digits of a float. The interval that rounds to the float is compared with the
/// multiples of 10^(k+1), of which it holds at most one, then with those of 10^k, of which it
/// holds at least one, 10^k being the largest power of ten not above its width (R. Giulietti, "The
/// Schubfach way to render doubles", 2020, sections 8 and 9); here all in exact integers, of 128
/// bits for usual magnitudes, else of any size.
#include "base/big.h"
#include "base/number.h"
#include "base/wide.h"
#include <string.h>

/// A positive float c * 2^q and its rounding interval.
typedef struct Binary {
  uint64_t c;
  int q;
  bool is_closed;    ///< the interval holds its bounds (c even)
  bool is_irregular; ///< c is the least of its binade: the lower half is half as wide
} Binary;

/// What the choice of digits needs to know about v, in units of 10^k.
typedef struct Place {
  uint64_t floor;      ///< floor(v / 10^k)
  bool has_tens_below; ///< the multiple of 10 not above v is in the interval
  bool has_tens_above; ///< the next one is
  bool has_below;      ///< `floor` is in the interval
  bool has_above;      ///< `floor` + 1 is
  int half;            ///< sign of 2 (v/10^k - floor) - 1
} Place;

/// v = digits * 10^exponent.
typedef struct Digits {
  uint64_t value;
  int exponent;
} Digits;

/// floor(q log10(2)), or floor(q log10(2) + log10(3/4)); exact for -1100 <= q <= 1000 (checked one
/// by one).
static int find_power(int q, bool is_irregular) {
  int64_t scaled = (int64_t)q * 661971961083 - (is_irregular ? 274743187321 : 0);
  return (int)(scaled >> 41);
}

static Digits choose(const Place *place, int k) {
  uint64_t tens = place->floor / 10;
  if (place->has_tens_below) return (Digits){tens, k + 1};
  if (place->has_tens_above) return (Digits){tens + 1, k + 1};
  bool up = !place->has_below;
  if (place->has_below && place->has_above) {
    up = place->half > 0 || (place->half == 0 && (place->floor & 1) != 0);
  }
  return (Digits){place->floor + up, k};
}

/// A distance d is inside a half interval h when d < h, or d = h and the interval is closed.
static bool is_inside(int order, bool is_closed) { return order < 0 || (order == 0 && is_closed); }

static bool is_near(KrU128 distance, KrU128 half, bool is_closed) {
  return is_inside(kr_wide_compare(distance, half), is_closed);
}

/// 5^n, n <= 31.
static KrU128 find_pow5(unsigned n) {
  static const uint64_t powers[28] = {UINT64_C(1),
                                      UINT64_C(5),
                                      UINT64_C(25),
                                      UINT64_C(125),
                                      UINT64_C(625),
                                      UINT64_C(3125),
                                      UINT64_C(15625),
                                      UINT64_C(78125),
                                      UINT64_C(390625),
                                      UINT64_C(1953125),
                                      UINT64_C(9765625),
                                      UINT64_C(48828125),
                                      UINT64_C(244140625),
                                      UINT64_C(1220703125),
                                      UINT64_C(6103515625),
                                      UINT64_C(30517578125),
                                      UINT64_C(152587890625),
                                      UINT64_C(762939453125),
                                      UINT64_C(3814697265625),
                                      UINT64_C(19073486328125),
                                      UINT64_C(95367431640625),
                                      UINT64_C(476837158203125),
                                      UINT64_C(2384185791015625),
                                      UINT64_C(11920928955078125),
                                      UINT64_C(59604644775390625),
                                      UINT64_C(298023223876953125),
                                      UINT64_C(1490116119384765625),
                                      UINT64_C(7450580596923828125)};
  if (n <= 27) return (KrU128){powers[n], 0};
  return kr_wide_mul(powers[27], powers[n - 27]);
}

/// Fills the place from v = (floor * unit + rest) / unit * 10^k and the half widths.
static void compare_wide(Place *place, KrU128 rest, KrU128 unit, KrU128 below, KrU128 above,
                         bool is_closed) {
  uint64_t ones = place->floor % 10;
  KrU128 gap = kr_wide_sub(unit, rest);
  KrU128 up_to_ones = kr_wide_mul(unit.low, ones);
  up_to_ones.high += unit.high * ones;
  KrU128 nines = kr_wide_mul(unit.low, 9 - ones);
  nines.high += unit.high * (9 - ones);
  place->has_tens_below = is_near(kr_wide_add(up_to_ones, rest), below, is_closed);
  place->has_tens_above = is_near(kr_wide_add(nines, gap), above, is_closed);
  place->has_below = is_near(rest, below, is_closed);
  place->has_above = is_near(gap, above, is_closed);
  place->half = kr_wide_compare(rest, gap);
}

/// -31 <= k <= 0 and q + |k| <= 2: v * 10^-k = 4c * 5^-k / 2^n_shift. All terms are below 2^128:
/// 4c < 2^55, 5^31 < 2^72, and 2^n_shift <= 4 * 5^-k as 2^q >= 10^k.
static Digits find_small(const Binary *v, int k) {
  unsigned n_fives = (unsigned)-k, n_shift = (unsigned)(2 - v->q + k);
  KrU128 five = find_pow5(n_fives);
  KrU128 scaled = kr_wide_mul(five.low, 4 * v->c);
  scaled.high += five.high * 4 * v->c;
  KrU128 unit = kr_wide_shift_left((KrU128){1, 0}, n_shift);
  KrU128 above = kr_wide_shift_left(five, 1);
  Place place = {.floor = kr_wide_shift_right(scaled, n_shift).low};
  KrU128 rest = kr_wide_sub(scaled, kr_wide_shift_left((KrU128){place.floor, 0}, n_shift));
  compare_wide(&place, rest, unit, v->is_irregular ? five : above, above, v->is_closed);
  return choose(&place, k);
}

/// 0 <= q <= 70: v = 4c * 2^q / (4 * 10^k), below 2^126.
static Digits find_large(const Binary *v, int k) {
  KrU128 unit = kr_wide_shift_left(find_pow5((unsigned)k), (unsigned)k + 2);
  KrU128 scaled = kr_wide_shift_left((KrU128){4 * v->c, 0}, (unsigned)v->q);
  KrU128 above = kr_wide_shift_left((KrU128){2, 0}, (unsigned)v->q);
  KrU128 below = v->is_irregular ? kr_wide_shift_right(above, 1) : above;
  KrU128 rest;
  Place place = {.floor = kr_wide_div(scaled, unit, &rest).low};
  compare_wide(&place, rest, unit, below, above, v->is_closed);
  return choose(&place, k);
}

/// The same comparisons as compare_wide.
static void compare_big(Place *place, const KrBig *rest, const KrBig *unit, const KrBig *below,
                        const KrBig *above, bool is_closed) {
  KrBig gap, up_to_ones, nines;
  uint32_t ones = (uint32_t)(place->floor % 10);
  kr_big_copy(&gap, unit);
  kr_big_sub(&gap, rest);
  // unit * (ones + 1) - gap and unit * (10 - ones) - rest are the distances to the tens.
  kr_big_copy(&up_to_ones, unit);
  kr_big_mul_add(&up_to_ones, ones + 1, 0);
  kr_big_sub(&up_to_ones, &gap);
  kr_big_copy(&nines, unit);
  kr_big_mul_add(&nines, 10 - ones, 0);
  kr_big_sub(&nines, rest);
  place->has_tens_below = is_inside(kr_big_compare(&up_to_ones, below), is_closed);
  place->has_tens_above = is_inside(kr_big_compare(&nines, above), is_closed);
  place->has_below = is_inside(kr_big_compare(rest, below), is_closed);
  place->has_above = is_inside(kr_big_compare(&gap, above), is_closed);
  place->half = kr_big_compare(rest, &gap);
}

/// floor(rest / unit) < 2^64; leaves the rest.
static uint64_t divide_big(KrBig *rest, const KrBig *unit) {
  uint64_t quotient = 0;
  KrBig part;
  int n = (int)kr_big_bits(rest) - (int)kr_big_bits(unit);
  if (n < 0) return 0;
  kr_big_copy(&part, unit);
  kr_big_shift_left(&part, (uint32_t)n);
  for (; n >= 0; n--) {
    quotient <<= 1;
    if (kr_big_compare(rest, &part) >= 0) {
      kr_big_sub(rest, &part);
      quotient |= 1;
    }
    kr_big_shift_right(&part, 1);
  }
  return quotient;
}

/// Any k: v / 10^k = 4c * 2^q / (4 * 10^k), both sides freed of the power of two they share.
static Digits find_any(const Binary *v, int k) {
  KrBig rest, unit, below, above;
  int n_twos = v->q - k;
  kr_big_set(&rest, 4 * v->c);
  kr_big_set(&unit, 4);
  kr_big_set(&above, 2);
  kr_big_set(&below, v->is_irregular ? 1 : 2);
  if (k > 0) kr_big_mul_pow5(&unit, (uint32_t)k);
  if (k < 0) {
    kr_big_mul_pow5(&rest, (uint32_t)-k);
    kr_big_mul_pow5(&above, (uint32_t)-k);
    kr_big_mul_pow5(&below, (uint32_t)-k);
  }
  if (n_twos < 0) kr_big_shift_left(&unit, (uint32_t)-n_twos);
  if (n_twos > 0) {
    kr_big_shift_left(&rest, (uint32_t)n_twos);
    kr_big_shift_left(&above, (uint32_t)n_twos);
    kr_big_shift_left(&below, (uint32_t)n_twos);
  }
  Place place = {.floor = divide_big(&rest, &unit)};
  compare_big(&place, &rest, &unit, &below, &above, v->is_closed);
  return choose(&place, k);
}

static Digits find_digits(const Binary *v) {
  int k = find_power(v->q, v->is_irregular);
  Digits digits;
  if (k <= 0 && k >= -31 && v->q - k <= 2) {
    digits = find_small(v, k);
  } else if (k >= 0 && v->q >= 0 && v->q <= 70) {
    digits = find_large(v, k);
  } else {
    digits = find_any(v, k);
  }
  while (digits.value % 10 == 0) {
    digits.value /= 10;
    digits.exponent++;
  }
  return digits;
}

static size_t put_digits(char *out, uint64_t value) {
  char text[20];
  size_t n = 0;
  do {
    text[19 - n++] = (char)('0' + value % 10);
    value /= 10;
  } while (value != 0);
  memcpy(out, text + 20 - n, n);
  return n;
}

/// d.ddde+x; out holds the n digits.
static size_t put_exponent(char *out, size_t n, int exponent) {
  if (n > 1) {
    memmove(out + 2, out + 1, n - 1);
    out[1] = '.';
    n++;
  }
  out[n++] = 'e';
  out[n++] = exponent < 0 ? '-' : '+';
  return n + put_digits(out + n, (uint64_t)(exponent < 0 ? -exponent : exponent));
}

/// Digits with the point where it belongs; `point` digits are before it (-4 <= point <= 17).
static size_t put_plain(char *out, size_t n, int point) {
  if (point <= 0) {
    size_t n_zeros = (size_t)-point;
    memmove(out + 2 + n_zeros, out, n);
    memset(out, '0', 2 + n_zeros);
    out[1] = '.';
    return n + 2 + n_zeros;
  }
  size_t n_whole = (size_t)point;
  if (n <= n_whole) {
    memset(out + n, '0', n_whole - n);
    return n_whole;
  }
  memmove(out + n_whole + 1, out + n_whole, n - n_whole);
  out[n_whole] = '.';
  return n + 1;
}

static size_t put_float(char *out, bool negative, const Binary *v) {
  size_t n_sign = negative ? 1 : 0;
  Digits digits = v->c != 0 ? find_digits(v) : (Digits){0, 0};
  if (negative) *out++ = '-';
  size_t n = put_digits(out, digits.value);
  int exponent = digits.exponent + (int)n - 1;
  if (exponent < -5 || exponent >= 17) return n_sign + put_exponent(out, n, exponent);
  return n_sign + put_plain(out, n, exponent + 1);
}

static size_t put_special(char *out, bool negative, bool is_nan) {
  const char *text = is_nan ? "nan" : negative ? "-inf" : "inf";
  size_t n = strlen(text);
  memcpy(out, text, n);
  return n;
}

/// Splits an encoded magnitude with n_bits - 1 stored bits of significand.
static Binary split(uint64_t code, int n_bits, int min_exponent) {
  uint64_t hidden = (uint64_t)1 << (n_bits - 1), fraction = code & (hidden - 1);
  int field = (int)(code >> (n_bits - 1));
  Binary v = {.c = field != 0 ? fraction | hidden : fraction,
              .q = min_exponent - n_bits + 1 + (field != 0 ? field - 1 : 0)};
  v.is_closed = (v.c & 1) == 0;
  v.is_irregular = fraction == 0 && field > 1;
  return v;
}

size_t kr_number_print_f64(double value, char *out) {
  uint64_t code;
  memcpy(&code, &value, sizeof code);
  bool negative = code >> 63 != 0;
  code &= UINT64_MAX >> 1;
  if (code >> 52 == 2047) return put_special(out, negative, code << 12 != 0);
  Binary v = split(code, 53, -1022);
  return put_float(out, negative, &v);
}

size_t kr_number_print_f32(float value, char *out) {
  uint32_t code;
  memcpy(&code, &value, sizeof code);
  bool negative = code >> 31 != 0;
  code &= UINT32_MAX >> 1;
  if (code >> 23 == 255) return put_special(out, negative, code << 9 != 0);
  Binary v = split(code, 24, -126);
  return put_float(out, negative, &v);
}

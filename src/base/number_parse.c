/// Decimal text to exact ratios and to the nearest float: short cuts where 64 or 128 bits are
/// exact, natural numbers on the stack for the rest.
#include "base/big.h"
#include "base/number.h"
#include "base/round.h"
#include "base/wide.h"

/// Digits kept; a double's midpoint never has more than 767, so one digit 1 stands for the rest.
#define MAX_DIGITS 800
#define EXPONENT_BOUND 100000000

/// value = digits * 10^exponent; digits have neither leading nor trailing zeros.
typedef struct Decimal {
  bool negative;
  uint32_t n;     ///< digits; 0 for zero
  bool is_short;  ///< all digits are in `value`
  bool is_cut;    ///< more non-zero digits follow
  uint64_t value; ///< the first (up to 19) digits
  int32_t exponent;
  uint8_t digit[MAX_DIGITS];
} Decimal;

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Digits before and after the point; false when there are none.
static bool read_digits(KrText text, size_t *at, Decimal *decimal) {
  bool any = false, after_point = false;
  int64_t exponent = 0;
  for (; *at < text.n; (*at)++) {
    char c = text.at[*at];
    if (c == '.' && !after_point) {
      after_point = true;
      continue;
    }
    if (!is_digit(c)) break;
    any = true;
    if (decimal->n == 0 && c == '0') {
      exponent -= after_point;
    } else if (decimal->n < MAX_DIGITS) {
      decimal->digit[decimal->n++] = (uint8_t)(c - '0');
      exponent -= after_point;
    } else {
      decimal->is_cut = decimal->is_cut || c != '0';
      exponent += !after_point;
    }
    if (exponent < -EXPONENT_BOUND) exponent = -EXPONENT_BOUND;
    if (exponent > EXPONENT_BOUND) exponent = EXPONENT_BOUND;
  }
  decimal->exponent = (int32_t)exponent;
  return any;
}

static bool read_exponent(KrText text, size_t *at, Decimal *decimal) {
  if (*at == text.n || (text.at[*at] != 'e' && text.at[*at] != 'E')) return true;
  (*at)++;
  bool negative = *at < text.n && text.at[*at] == '-';
  if (*at < text.n && (text.at[*at] == '-' || text.at[*at] == '+')) (*at)++;
  if (*at == text.n || !is_digit(text.at[*at])) return false;
  int32_t exponent = 0;
  for (; *at < text.n && is_digit(text.at[*at]); (*at)++) {
    if (exponent < 2 * EXPONENT_BOUND) exponent = exponent * 10 + (text.at[*at] - '0');
  }
  decimal->exponent += negative ? -exponent : exponent;
  return true;
}

static bool read_decimal(KrText text, Decimal *decimal) {
  size_t at = 0;
  decimal->negative = text.n > 0 && text.at[0] == '-';
  decimal->n = 0;
  decimal->is_cut = false;
  decimal->value = 0;
  if (text.n > 0 && (text.at[0] == '-' || text.at[0] == '+')) at++;
  if (!read_digits(text, &at, decimal) || !read_exponent(text, &at, decimal)) return false;
  while (!decimal->is_cut && decimal->n > 0 && decimal->digit[decimal->n - 1] == 0) {
    decimal->n--;
    decimal->exponent++;
  }
  decimal->is_short = decimal->n <= 19 && !decimal->is_cut;
  for (uint32_t i = 0; i < decimal->n && i < 19; i++) {
    decimal->value = decimal->value * 10 + decimal->digit[i];
  }
  return at == text.n;
}

static void take_digits(const Decimal *decimal, KrBig *big) {
  kr_big_set(big, 0);
  uint32_t i = 0;
  for (; i + 9 <= decimal->n; i += 9) {
    uint32_t nine = 0;
    for (uint32_t j = 0; j < 9; j++) nine = nine * 10 + decimal->digit[i + j];
    kr_big_mul_add(big, 1000000000, nine);
  }
  for (; i < decimal->n; i++) kr_big_mul_add(big, 10, decimal->digit[i]);
}

static KrU128 pow10_wide(uint32_t exponent) {
  uint64_t low = 1, high = 1;
  for (uint32_t i = 0; i < exponent; i++) {
    if (i < 19) {
      low *= 10;
    } else {
      high *= 10;
    }
  }
  return kr_wide_mul(low, high);
}

/// The value as a quotient of 128-bit numbers, when there is one at hand.
static bool make_wide(const Decimal *decimal, KrU128 *num, KrU128 *den) {
  if (!decimal->is_short || decimal->exponent > 19 || decimal->exponent < -38) return false;
  uint32_t magnitude = (uint32_t)(decimal->exponent < 0 ? -decimal->exponent : decimal->exponent);
  KrU128 power = pow10_wide(magnitude);
  *num =
      decimal->exponent > 0 ? kr_wide_mul(decimal->value, power.low) : (KrU128){decimal->value, 0};
  *den = decimal->exponent < 0 ? power : (KrU128){1, 0};
  return true;
}

/// Quotient of 64 bits: num/den = (result + rest) * 2^*exponent; num and den are destroyed.
static uint64_t take_quotient(KrBig *num, KrBig *den, bool *sticky, int *exponent) {
  uint32_t n_num = kr_big_bits(num), n_den = kr_big_bits(den);
  if (n_num < n_den) {
    kr_big_shift_left(num, n_den - n_num);
  } else {
    kr_big_shift_left(den, n_num - n_den);
  }
  *exponent = (int)n_num - (int)n_den - 63;
  uint64_t bits = 0;
  for (int i = 0; i < 64; i++) {
    if (i != 0) kr_big_shift_left(num, 1);
    bits <<= 1;
    if (kr_big_compare(num, den) >= 0) {
      kr_big_sub(num, den);
      bits |= 1;
    }
  }
  *sticky = num->n != 0;
  return bits;
}

/// The 64 leading bits of a decimal whose magnitude is between 1e-331 and 1e311.
static uint64_t take_bits(const Decimal *decimal, bool *sticky, int *exponent) {
  KrBig num, den;
  int32_t power = decimal->exponent;
  take_digits(decimal, &num);
  if (decimal->is_cut) {
    kr_big_mul_add(&num, 10, 1);
    power--;
  }
  kr_big_set(&den, 1);
  kr_big_mul_pow5(power < 0 ? &den : &num, (uint32_t)(power < 0 ? -power : power));
  uint64_t bits = take_quotient(&num, &den, sticky, exponent);
  *exponent += power;
  return bits;
}

/// -1: nearer to zero than half of any subnormal; 1: beyond any finite double; else 0.
static int find_extreme(const Decimal *decimal) {
  int32_t n_before_point = decimal->exponent + (int32_t)decimal->n;
  return n_before_point > 310 ? 1 : n_before_point < -330 ? -1 : 0;
}

static double to_f64(const Decimal *decimal) {
  KrU128 num, den;
  bool sticky;
  int exponent;
  if (decimal->n == 0) return decimal->negative ? -0.0 : 0.0;
  if (make_wide(decimal, &num, &den)) return kr_wide_to_f64(decimal->negative, num, den);
  int extreme = find_extreme(decimal);
  if (extreme != 0) return kr_round_f64(decimal->negative, extreme > 0, false, 5000);
  uint64_t bits = take_bits(decimal, &sticky, &exponent);
  return kr_round_f64(decimal->negative, bits, sticky, exponent);
}

static float to_f32(const Decimal *decimal) {
  KrU128 num, den;
  bool sticky;
  int exponent;
  if (decimal->n == 0) return decimal->negative ? -0.0f : 0.0f;
  if (make_wide(decimal, &num, &den)) return kr_wide_to_f32(decimal->negative, num, den);
  int extreme = find_extreme(decimal);
  if (extreme != 0) return kr_round_f32(decimal->negative, extreme > 0, false, 5000);
  uint64_t bits = take_bits(decimal, &sticky, &exponent);
  return kr_round_f32(decimal->negative, bits, sticky, exponent);
}

/// 2^twos * 5^fives as an int64; false when it does not fit.
static bool make_denominator(uint32_t twos, uint32_t fives, int64_t *den) {
  if (twos > 62 || fives > 27) return false;
  int64_t power = 1;
  for (uint32_t i = 0; i < fives; i++) power *= 5;
  return kr_mul_i64(power, (int64_t)1 << twos, den);
}

/// The decimal as num/den in lowest terms; false when it does not fit int64/int64.
static bool to_ratio(const Decimal *decimal, int64_t *num, int64_t *den) {
  KrBig big;
  if (decimal->n == 0) {
    *num = 0;
    *den = 1;
    return true;
  }
  // Lowest terms with den < 2^63 have at most 62 decimals and 19 digits before the point.
  if (decimal->is_cut || decimal->n > 81 || decimal->exponent > 18 || decimal->exponent < -62) {
    return false;
  }
  take_digits(decimal, &big);
  for (int32_t i = 0; i < decimal->exponent; i++) kr_big_mul_add(&big, 10, 0);
  uint32_t fives = decimal->exponent < 0 ? (uint32_t)-decimal->exponent : 0, twos = fives;
  uint32_t n_twos = kr_big_twos(&big);
  if (n_twos > twos) n_twos = twos;
  kr_big_shift_right(&big, n_twos);
  for (; fives > 0 && kr_big_mod(&big, 5) == 0; fives--) kr_big_div(&big, 5);
  if (kr_big_bits(&big) > 63 || !make_denominator(twos - n_twos, fives, den)) return false;
  int64_t magnitude = (int64_t)kr_big_low(&big);
  *num = decimal->negative ? -magnitude : magnitude;
  return true;
}

bool kr_number_parse(KrText text, bool *exact, int64_t *num, int64_t *den, double *value) {
  Decimal decimal;
  if (!read_decimal(text, &decimal)) return false;
  *exact = to_ratio(&decimal, num, den);
  *value = to_f64(&decimal);
  return true;
}

/// `inf`, `-inf`, `nan`, as they are printed. *kind 'i', 'n' or 0.
static char find_special(KrText text) {
  if (text.n > 0 && (text.at[0] == '-' || text.at[0] == '+')) text.at++, text.n--;
  return kr_text_is(text, "inf") ? 'i' : kr_text_is(text, "nan") ? 'n' : '\0';
}

bool kr_number_parse_f64(KrText text, double *value) {
  Decimal decimal;
  if (!read_decimal(text, &decimal)) {
    char special = find_special(text);
    double magnitude = special == 'n' ? __builtin_nan("") : __builtin_inf();
    if (special != '\0') *value = text.at[0] == '-' && special == 'i' ? -magnitude : magnitude;
    return special != '\0';
  }
  *value = to_f64(&decimal);
  return true;
}

bool kr_number_parse_f32(KrText text, float *value) {
  Decimal decimal;
  if (!read_decimal(text, &decimal)) {
    char special = find_special(text);
    float magnitude = special == 'n' ? __builtin_nanf("") : __builtin_inff();
    if (special != '\0') *value = text.at[0] == '-' && special == 'i' ? -magnitude : magnitude;
    return special != '\0';
  }
  *value = to_f32(&decimal);
  return true;
}

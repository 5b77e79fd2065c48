/// Numbers and text: shortest digits, correct rounding both ways, exact ratios. The C library's
/// own conversions (correctly rounded in glibc) and GMP are the models.
#include "base/number.h"
#include "unit/model.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double draw_f64(uint64_t *seed, int kind) {
  double v;
  uint64_t code = draw(seed);
  if (kind == 0) return (double)(draw(seed) >> 11) * 0x1p-53;
  if (kind == 1) return (double)draw_bits(seed, 62);
  if (kind == 2) return (double)draw_bits(seed, 40) / 1000;
  // Powers of two and their neighbours.
  if (kind == 3) code = (draw(seed) << 52) + draw_below(seed, 3) - 1;
  memcpy(&v, &code, sizeof v);
  return fabs(isfinite(v) ? v : 1.0);
}

/// The digits of printed text without point, exponent and outer zeros.
static void take_digits(const char *text, char *digits) {
  size_t n = 0;
  for (; *text != '\0' && *text != 'e'; text++) {
    if (*text >= '0' && *text <= '9' && (n != 0 || *text != '0')) digits[n++] = *text;
  }
  while (n > 1 && digits[n - 1] == '0') n--;
  digits[n] = '\0';
}

static bool is_power_of_two(double v) {
  uint64_t code;
  memcpy(&code, &v, sizeof code);
  return code << 12 == 0 || (code >> 52 == 0 && (code & (code - 1)) == 0);
}

/// `text` reads back, no shorter text does, and of that length it is the nearest.
static void expect_shortest(const char *text, double v, bool is_f32) {
  char model[64], digits[64], model_digits[64];
  int n = 0;
  bool same = false;
  while (!same && n < 17) {
    snprintf(model, sizeof model, "%.*e", n++, v);
    same = is_f32 ? strtof(model, NULL) == (float)v : strtod(model, NULL) == v;
  }
  assert_true(same);
  assert_true(is_f32 ? strtof(text, NULL) == (float)v : strtod(text, NULL) == v);
  take_digits(text, digits);
  take_digits(model, model_digits);
  // At a power of two the interval is lopsided: the nearest text may lie outside, a shorter one in.
  if (is_power_of_two(v)) {
    assert_true(strlen(digits) <= strlen(model_digits));
  } else {
    assert_string_equal(digits, model_digits);
  }
}

static void doubles_print_their_shortest_digits(void **state) {
  (void)state;
  uint64_t seed = 41;
  for (int i = 0; i < 300000; i++) {
    char text[33];
    double v = draw_f64(&seed, i % 6);
    size_t n = kr_number_print_f64(v, text);
    assert_true(n < 32);
    text[n] = '\0';
    expect_shortest(text, v, false);
    n = kr_number_print_f64(-v, text + 1);
    assert_true(n < 32 && text[1] == '-');
  }
}

static void floats_print_their_shortest_digits(void **state) {
  (void)state;
  uint64_t seed = 42;
  for (uint32_t i = 0; i < 300000; i++) {
    char text[33];
    float v;
    uint32_t code = (uint32_t)draw(&seed) & INT32_MAX;
    if (i % 4 == 0) code = i / 4 % 255 << 23;
    memcpy(&v, &code, sizeof v);
    if (i % 4 == 1) v = (float)(draw(&seed) >> 40) * 0x1p-24f;
    if (!isfinite(v)) continue;
    text[kr_number_print_f32(v, text)] = '\0';
    expect_shortest(text, (double)v, true);
  }
}

static void every_power_of_two_reads_back(void **state) {
  (void)state;
  double v = 0x1p-1074, back;
  for (int e = -1074; e < 1024; e++, v *= 2) {
    char text[33];
    size_t n = kr_number_print_f64(v, text);
    assert_true(kr_number_parse_f64((KrText){text, n}, &back));
    assert_true(back == v);
    if (e < -149 || e > 127) continue;
    float back32;
    n = kr_number_print_f32((float)v, text);
    assert_true(kr_number_parse_f32((KrText){text, n}, &back32));
    assert_true(back32 == (float)v);
  }
}

static void known_numbers_have_their_text(void **state) {
  (void)state;
  static const struct {
    double value;
    const char *text;
  } cases[] = {{0, "0"},
               {-0.0, "-0"},
               {1, "1"},
               {-1.5, "-1.5"},
               {0.1, "0.1"},
               {100, "100"},
               {1e-5, "0.00001"},
               {1.25e-5, "0.0000125"},
               {9.9e-6, "9.9e-6"},
               {1e-7, "1e-7"},
               {9.9e16, "99000000000000000"},
               {1e17, "1e+17"},
               {1.5e20, "1.5e+20"},
               {1e23, "1e+23"},
               {123.456, "123.456"},
               {5e-324, "5e-324"},
               {0x1.fffffffffffffp1023, "1.7976931348623157e+308"},
               {0x1p-1022, "2.2250738585072014e-308"},
               {9007199254740993.0, "9007199254740992"},
               {0x1p-44, "5.684341886080802e-14"},
               {2e-44, "2e-44"},
               {HUGE_VAL, "inf"},
               {-HUGE_VAL, "-inf"},
               {(double)NAN, "nan"},
               {-(double)NAN, "nan"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char text[33];
    text[kr_number_print_f64(cases[i].value, text)] = '\0';
    assert_string_equal(text, cases[i].text);
  }
  char text[33];
  text[kr_number_print_f32(0.1f, text)] = '\0';
  assert_string_equal(text, "0.1");
  text[kr_number_print_f32(0x1p-149f, text)] = '\0';
  assert_string_equal(text, "1e-45");
  text[kr_number_print_f32(0x1.fffffep127f, text)] = '\0';
  assert_string_equal(text, "3.4028235e+38");
  text[kr_number_print_f32(-16777216.0f, text)] = '\0';
  assert_string_equal(text, "-16777216");
}

static void expect_reading(const char *text) {
  double v = -7;
  float f = -7;
  assert_true(kr_number_parse_f64(kr_text_from(text), &v));
  assert_true(kr_number_parse_f32(kr_text_from(text), &f));
  double model = strtod(text, NULL);
  float model32 = strtof(text, NULL);
  assert_memory_equal(&v, &model, sizeof v);
  assert_memory_equal(&f, &model32, sizeof f);
}

static void random_text_reads_correctly_rounded(void **state) {
  (void)state;
  uint64_t seed = 43;
  for (int i = 0; i < 300000; i++) {
    char text[128];
    int n = (int)draw_below(&seed, i % 3 == 0 ? 45 : 22) + 1, at = 0;
    if (draw_below(&seed, 2) != 0) text[at++] = '-';
    for (int j = 0; j < n; j++) {
      text[at++] = (char)('0' + draw_below(&seed, 10));
      if (j == (int)draw_below(&seed, 20) && memchr(text, '.', (size_t)at) == NULL) {
        text[at++] = '.';
      }
    }
    text[at] = '\0';
    if (i % 4 == 1) snprintf(text + at, 32, "e%d", (int)draw_below(&seed, 700) - 360);
    if (i % 4 == 2) snprintf(text + at, 32, "E+%d", (int)draw_below(&seed, 30));
    if (i % 4 == 3) snprintf(text + at, 32, "e-%d", (int)draw_below(&seed, 60));
    expect_reading(text);
  }
}

/// The midpoint (2c + 1) * 2^q of two floats in full, alone, with a tail of zeros and with a digit
/// far behind its end; then just below it.
static void expect_midpoint(uint64_t c, int q) {
  static char text[3000];
  mpz_t digits, power;
  mpz_inits(digits, power, NULL);
  model_set_u64(digits, 2 * c + 1);
  mpz_ui_pow_ui(power, q < 0 ? 5 : 2, (unsigned long)(q < 0 ? -q : q));
  mpz_mul(digits, digits, power);
  int exponent = q < 0 ? q : 0;
  for (int tail = 0; tail < 4; tail++) {
    if (tail == 3) mpz_sub_ui(digits, digits, 1);
    int n = gmp_snprintf(text, sizeof text, "%Zd", digits);
    int n_tail = tail == 0 ? 0 : 600;
    memset(text + n, tail == 3 ? '9' : '0', (size_t)n_tail);
    if (tail == 2) text[n + n_tail - 1] = '1';
    snprintf(text + n + n_tail, 32, "e%d", exponent - n_tail);
    expect_reading(text);
  }
  mpz_clears(digits, power, NULL);
}

static void midpoints_go_to_even_and_a_far_digit_decides(void **state) {
  (void)state;
  uint64_t seed = 44;
  for (int i = 0; i < 3000; i++) {
    uint64_t c = draw(&seed) >> 11 | UINT64_C(1) << 52, c32 = draw(&seed) >> 40 | 1 << 23;
    expect_midpoint(c, (int)draw_below(&seed, 2040) - 1075);
    expect_midpoint(c32, (int)draw_below(&seed, 250) - 150);
    // Between subnormals.
    expect_midpoint(draw_bits(&seed, 52), -1075);
    expect_midpoint(draw_bits(&seed, 23), -150);
  }
}

static void ends_of_the_range_read_correctly(void **state) {
  (void)state;
  static const char *const texts[] = {"0",
                                      "-0",
                                      "0e99999",
                                      "0.000",
                                      "1e400",
                                      "-1e400",
                                      "1e-400",
                                      "-1e-400",
                                      "1e99999999999999999999",
                                      "1e-99999999999999999999",
                                      "1.7976931348623157e308",
                                      "1.7976931348623158e308",
                                      "1.7976931348623159e308",
                                      "4.9e-324",
                                      "2.4703282292062327e-324",
                                      "2.4703282292062328e-324",
                                      "2.2250738585072011e-308",
                                      "3.4028234e38",
                                      "3.4028235677973366e38",
                                      "3.4028235677973367e38",
                                      "7.006492321624085e-46",
                                      "7.006492321624086e-46",
                                      "1.1754942e-38",
                                      "9007199254740993",
                                      "9007199254740993.00000000000000000000000000000001",
                                      "16777217",
                                      "16777217.0000001",
                                      ".5",
                                      "5.",
                                      "+5"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) expect_reading(texts[i]);
  double v = 0;
  assert_true(kr_number_parse_f64(KR_TEXT("inf"), &v) && v == HUGE_VAL);
  assert_true(kr_number_parse_f64(KR_TEXT("-inf"), &v) && v == -HUGE_VAL);
  assert_true(kr_number_parse_f64(KR_TEXT("nan"), &v) && isnan(v));
}

static void other_text_is_no_number(void **state) {
  (void)state;
  static const char *const texts[] = {
      "",    ".",     "-",     "e5",       "1e",  "1e+",  "1_000", "1 ",  " 1",  "1x",     "0x10",
      "--1", "1.2.3", "1e5.0", "infinity", "+-1", "1e5e", "-e1",   "INF", "1,5", "48_000", "NaN"};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    double v = 3;
    float f = 3;
    bool exact;
    int64_t num, den;
    KrText text = kr_text_from(texts[i]);
    assert_false(kr_number_parse_f64(text, &v));
    assert_false(kr_number_parse_f32(text, &f));
    assert_false(kr_number_parse(text, &exact, &num, &den, &v));
    assert_true(v == 3 && f == 3);
  }
}

static void expect_ratio(const char *text, int64_t num, int64_t den) {
  bool exact = false;
  int64_t a = 0, b = 0;
  double v;
  assert_true(kr_number_parse(kr_text_from(text), &exact, &a, &b, &v));
  assert_true(exact && a == num && b == den);
}

static void constants_are_exact_ratios(void **state) {
  (void)state;
  expect_ratio("12", 12, 1);
  expect_ratio("0.01", 1, 100);
  expect_ratio("1e-3", 1, 1000);
  expect_ratio("29.97", 2997, 100);
  expect_ratio("0", 0, 1);
  expect_ratio("0.0e50", 0, 1);
  expect_ratio("-2.5", -5, 2);
  expect_ratio("9223372036854775807", INT64_MAX, 1);
  expect_ratio("4.611686018427387904e18", INT64_C(1) << 62, 1);
  expect_ratio("9.31322574615478515625e-10", 1, INT64_C(1) << 30);
  // 2^-62 in full.
  expect_ratio("2.16840434497100886801490560173988342285156250e-19", 1, INT64_C(1) << 62);
  bool exact = true;
  int64_t a, b;
  double v = 0;
  assert_true(kr_number_parse(KR_TEXT("9223372036854775808"), &exact, &a, &b, &v));
  assert_true(!exact && v == 0x1p63);
  assert_true(kr_number_parse(KR_TEXT("1e-19"), &exact, &a, &b, &v));
  assert_true(!exact && v == 1e-19);
}

/// digits * 10^exponent in lowest terms is exact when, and only when, it fits.
static void random_constants_equal_the_model(void **state) {
  (void)state;
  uint64_t seed = 45, n_exact = 0;
  mpq_t q;
  mpz_t power;
  mpq_init(q);
  mpz_init(power);
  for (int i = 0; i < 200000; i++) {
    char text[64];
    bool exact = false;
    int64_t num = 0, den = 0;
    double v;
    int exponent = (int)draw_below(&seed, 50) - 30;
    unsigned long n_fives = (unsigned long)draw_below(&seed, 20);
    mpq_set_ui(q, 0, 1);
    mpz_ui_pow_ui(power, i % 2 != 0 ? 5 : 2, n_fives);
    model_set_u64(mpq_numref(q), draw_bits(&seed, 30));
    mpz_mul(mpq_numref(q), mpq_numref(q), power);
    gmp_snprintf(text, sizeof text, "%Zde%d", mpq_numref(q), exponent);
    mpz_ui_pow_ui(power, 10, (unsigned long)(exponent < 0 ? -exponent : exponent));
    if (exponent < 0) {
      mpz_set(mpq_denref(q), power);
    } else {
      mpz_mul(mpq_numref(q), mpq_numref(q), power);
    }
    mpq_canonicalize(q);
    assert_true(kr_number_parse(kr_text_from(text), &exact, &num, &den, &v));
    assert_int_equal(exact, model_fits_ratio(q));
    assert_true(v == strtod(text, NULL));
    n_exact += exact;
    if (!exact) continue;
    assert_int_equal(num, model_get_i64(mpq_numref(q)));
    assert_int_equal(den, model_get_i64(mpq_denref(q)));
  }
  assert_true(n_exact > 50000 && n_exact < 190000);
  mpq_clear(q);
  mpz_clear(power);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(doubles_print_their_shortest_digits),
      cmocka_unit_test(floats_print_their_shortest_digits),
      cmocka_unit_test(every_power_of_two_reads_back),
      cmocka_unit_test(known_numbers_have_their_text),
      cmocka_unit_test(random_text_reads_correctly_rounded),
      cmocka_unit_test(midpoints_go_to_even_and_a_far_digit_decides),
      cmocka_unit_test(ends_of_the_range_read_correctly),
      cmocka_unit_test(other_text_is_no_number),
      cmocka_unit_test(constants_are_exact_ratios),
      cmocka_unit_test(random_constants_equal_the_model),
  };
  return cmocka_run_group_tests_name("number", tests, NULL, NULL);
}

/// Writes src/math/elementary_table.h with MPFR: the constants of the elementary functions.
/// cc scripts/math-tables.c -lmpfr -lgmp -o t && ./t > src/math/elementary_table.h
#include <math.h>
#include <mpfr.h>
#include <stdint.h>
#include <stdio.h>

// Two doubles whose sum is x; the first is a multiple of 2^quantum when quantum is not 0.
static void pair(mpfr_t x, int quantum, double *hi, double *lo) {
  mpfr_t t;
  mpfr_init2(t, 400);
  if (quantum) {
    mpfr_mul_2si(t, x, -quantum, MPFR_RNDN);
    mpfr_rint(t, t, MPFR_RNDN);
    mpfr_mul_2si(t, t, quantum, MPFR_RNDN);
    *hi = mpfr_get_d(t, MPFR_RNDN);
  } else {
    *hi = mpfr_get_d(x, MPFR_RNDN);
  }
  mpfr_sub_d(t, x, *hi, MPFR_RNDN);
  *lo = mpfr_get_d(t, MPFR_RNDN);
  mpfr_clear(t);
}

static void constant(const char *name, const char *doc, mpfr_t x, int quantum) {
  double hi, lo;
  pair(x, quantum, &hi, &lo);
  printf("static const KrPair %s = {%a, %a}; // %s\n", name, hi, lo, doc);
}

static void row(mpfr_t x, int quantum) {
  double hi, lo;
  pair(x, quantum, &hi, &lo);
  printf("%a, %a},\n", hi, lo);
}

int main(void) {
  mpfr_t x, y, z, pi;
  mpfr_inits2(2000, x, y, z, pi, (mpfr_ptr)0);
  mpfr_const_pi(pi, MPFR_RNDN);
  printf("/// Constants of the elementary functions as sums of two doubles, written by\n"
         "/// scripts/math-tables.c with MPFR.\n"
         "#ifndef KR_MATH_ELEMENTARY_TABLE_H\n#define KR_MATH_TABLES_H\n#include "
         "\"math/pair.h\"\n\n// "
         "clang-format off\n");
  mpfr_const_log2(x, MPFR_RNDN);
  constant("LN2", "ln 2", x, 0);
  constant("LN2_EXACT", "ln 2, first part a multiple of 2^-42", x, -42);
  mpfr_div_ui(y, x, 64, MPFR_RNDN);
  constant("LN2_64", "ln 2 / 64, first part a multiple of 2^-42", y, -42);
  mpfr_ui_div(y, 64, x, MPFR_RNDN);
  constant("INV_LN2_64", "64 / ln 2", y, 0);
  mpfr_ui_div(y, 1, x, MPFR_RNDN);
  constant("INV_LN2", "1 / ln 2", y, 0);
  mpfr_mul_ui(y, y, 12, MPFR_RNDN);
  constant("SEMITONES", "12 / ln 2", y, 0);
  mpfr_set_si(z, -69, MPFR_RNDN);
  mpfr_div_ui(z, z, 12, MPFR_RNDN);
  mpfr_exp2(z, z, MPFR_RNDN);
  mpfr_mul_ui(z, z, 440, MPFR_RNDN);
  constant("HZ_OF_KEY_0", "440 * 2^(-69/12)", z, 0);
  mpfr_set_ui(z, 10, MPFR_RNDN);
  mpfr_log(y, z, MPFR_RNDN);
  mpfr_ui_div(y, 1, y, MPFR_RNDN);
  constant("INV_LN10", "1 / ln 10", y, 0);
  mpfr_mul_ui(y, y, 20, MPFR_RNDN);
  constant("DECIBELS", "20 / ln 10", y, 0);
  mpfr_log2(y, z, MPFR_RNDN);
  mpfr_div_ui(y, y, 20, MPFR_RNDN);
  constant("LOG2_OF_1DB", "log2(10) / 20", y, 0);
  constant("PI", "pi", pi, 0);
  mpfr_mul_2si(x, pi, 1, MPFR_RNDN);
  constant("TWO_PI", "2 pi", x, 0);
  mpfr_div_2ui(x, pi, 1, MPFR_RNDN);
  constant("HALF_PI", "pi / 2", x, 0);
  printf(
      "// pi / 2 in three parts of 33 bits and the rest\nstatic const double HALF_PI_PARTS[4] = {");
  int exponents[4] = {-32, -65, -98, 0};
  for (int i = 0; i < 4; i++) {
    double hi, lo;
    pair(x, exponents[i], &hi, &lo);
    printf("%a%s", hi, i < 3 ? ", " : "};\n");
    mpfr_sub_d(x, x, hi, MPFR_RNDN);
  }
  mpfr_ui_div(x, 2, pi, MPFR_RNDN);
  printf("static const double TWO_OVER_PI = %a; // 2 / pi\n", mpfr_get_d(x, MPFR_RNDN));
  printf("// Binary digits of 2 / pi after 64 zeros\nstatic const uint64_t TWO_OVER_PI_DIGITS[22] "
         "= {\n  0");
  for (int i = 1; i < 22; i++) {
    mpfr_mul_2ui(x, x, 64, MPFR_RNDN);
    mpfr_floor(y, x);
    mpfr_sub(x, x, y, MPFR_RNDN);
    printf(",%sUINT64_C(0x%016lx)", i % 3 ? " " : "\n  ", mpfr_get_ui(y, MPFR_RNDN));
  }
  printf("};\n// 2^(i/64)\nstatic const KrPair EXP2_TABLE[64] = {\n");
  for (int i = 0; i < 64; i++) {
    mpfr_set_d(x, i / 64.0, MPFR_RNDN);
    mpfr_exp2(x, x, MPFR_RNDN);
    printf("  {");
    row(x, 0);
  }
  printf("};\n// Slice i of [0.6875, 1.375): a short reciprocal r of its middle, -ln r with first "
         "part a\n"
         "// multiple of 2^-42; the slices beside 1 have r = 1.\n"
         "static const struct { double inverse; KrPair log; } LOG_TABLE[128] = {\n");
  for (int i = 0; i < 128; i++) {
    double low = i < 80 ? 0.6875 + i / 256.0 : 1 + (i - 80) / 128.0;
    double r = round(0x1p14 / (low + (i < 80 ? 0x1p-9 : 0x1p-8))) * 0x1p-14;
    if (i == 79 || i == 80) r = 1;
    mpfr_set_d(x, r, MPFR_RNDN);
    mpfr_log(x, x, MPFR_RNDN);
    mpfr_neg(x, x, MPFR_RNDN);
    if (mpfr_zero_p(x)) mpfr_set_ui(x, 0, MPFR_RNDN);
    printf("  {%a, {", r);
    double hi, lo;
    pair(x, -42, &hi, &lo);
    printf("%a, %a}},\n", hi + 0.0, lo + 0.0);
  }
  printf("};\n// atan(i/64)\nstatic const KrPair ATAN_TABLE[65] = {\n");
  for (int i = 0; i <= 64; i++) {
    mpfr_set_d(x, i / 64.0, MPFR_RNDN);
    mpfr_atan(x, x, MPFR_RNDN);
    printf("  {");
    row(x, 0);
  }
  printf("};\n// clang-format on\n#endif\n");
}

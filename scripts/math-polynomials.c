/// Writes src/math/guess_table.h with MPFR: the polynomials of src/math/guess.h, interpolated at
/// Chebyshev points, and 1/pi; on standard error the largest error of each polynomial.
/// cc scripts/math-polynomials.c -lmpfr -lgmp -o t && ./t > src/math/guess_table.h
#include <math.h>
#include <mpfr.h>
#include <stdio.h>

enum { MAX_TERMS = 16, BITS = 600 };

// A function of z in low..high to be approximated; `scale` multiplies its values.
typedef struct Job {
  const char *name, *doc;
  void (*value)(mpfr_t y, mpfr_t z);
  double low, high;
  int n_terms;
  void (*scale)(mpfr_t y);
} Job;

// (sin r / r - 1) / r^2 with z = r^2
static void sine(mpfr_t y, mpfr_t z) {
  mpfr_t r;
  mpfr_init2(r, BITS);
  mpfr_sqrt(r, z, MPFR_RNDN);
  mpfr_sin(y, r, MPFR_RNDN);
  mpfr_div(y, y, r, MPFR_RNDN);
  mpfr_sub_ui(y, y, 1, MPFR_RNDN);
  mpfr_div(y, y, z, MPFR_RNDN);
  mpfr_clear(r);
}

// (cos r - 1) / r^2
static void cosine(mpfr_t y, mpfr_t z) {
  mpfr_sqrt(y, z, MPFR_RNDN);
  mpfr_cos(y, y, MPFR_RNDN);
  mpfr_sub_ui(y, y, 1, MPFR_RNDN);
  mpfr_div(y, y, z, MPFR_RNDN);
}

// (2^z - 1) / z
static void growth(mpfr_t y, mpfr_t z) {
  mpfr_exp2(y, z, MPFR_RNDN);
  mpfr_sub_ui(y, y, 1, MPFR_RNDN);
  mpfr_div(y, y, z, MPFR_RNDN);
}

// ln((1 + s) / (1 - s)) / s with z = s^2
static void logarithm(mpfr_t y, mpfr_t z) {
  mpfr_t s;
  mpfr_init2(s, BITS);
  mpfr_sqrt(s, z, MPFR_RNDN);
  mpfr_atanh(y, s, MPFR_RNDN);
  mpfr_div(y, y, s, MPFR_RNDN);
  mpfr_mul_ui(y, y, 2, MPFR_RNDN);
  mpfr_clear(s);
}

// (atan t / t - 1) / t^2
static void arc_tangent(mpfr_t y, mpfr_t z) {
  mpfr_t t;
  mpfr_init2(t, BITS);
  mpfr_sqrt(t, z, MPFR_RNDN);
  mpfr_atan(y, t, MPFR_RNDN);
  mpfr_div(y, y, t, MPFR_RNDN);
  mpfr_sub_ui(y, y, 1, MPFR_RNDN);
  mpfr_div(y, y, z, MPFR_RNDN);
  mpfr_clear(t);
}

// (asin t / t - 1) / t^2
static void arc_sine(mpfr_t y, mpfr_t z) {
  mpfr_t t;
  mpfr_init2(t, BITS);
  mpfr_sqrt(t, z, MPFR_RNDN);
  mpfr_asin(y, t, MPFR_RNDN);
  mpfr_div(y, y, t, MPFR_RNDN);
  mpfr_sub_ui(y, y, 1, MPFR_RNDN);
  mpfr_div(y, y, z, MPFR_RNDN);
  mpfr_clear(t);
}

static void by_one(mpfr_t y) { (void)y; }
static void by_log(mpfr_t y, unsigned base, unsigned factor) {
  mpfr_t l;
  mpfr_init2(l, BITS);
  mpfr_log_ui(l, base, MPFR_RNDN);
  mpfr_div(y, y, l, MPFR_RNDN);
  mpfr_mul_ui(y, y, factor, MPFR_RNDN);
  mpfr_clear(l);
}
static void to_base_2(mpfr_t y) { by_log(y, 2, 1); }
static void to_base_10(mpfr_t y) { by_log(y, 10, 1); }
static void to_decibels(mpfr_t y) { by_log(y, 10, 20); }
static void to_keys(mpfr_t y) { by_log(y, 2, 12); }

// |s| <= (sqrt 2 - 1) / (sqrt 2 + 1) and a little
#define LOG_LIMIT 0.029440
static const Job JOBS[] = {
    {"SIN", "sin r = r + r z P(z), z = r^2, |r| <= pi/2", sine, 0, 2.4675, 6, by_one},
    {"COS", "cos r = 1 + z P(z), |r| <= pi/4", cosine, 0, 0.6169, 5, by_one},
    {"EXP2", "2^z = 1 + z P(z), |z| <= 1/2", growth, -0.50001, 0.50001, 8, by_one},
    {"LOG", "ln m = s P(z), s = (m - 1) / (m + 1), z = s^2", logarithm, 0, LOG_LIMIT, 6, by_one},
    {"LOG2", "log2 m = s P(z)", logarithm, 0, LOG_LIMIT, 6, to_base_2},
    {"LOG10", "log10 m = s P(z)", logarithm, 0, LOG_LIMIT, 6, to_base_10},
    {"DB", "20 log10 m = s P(z)", logarithm, 0, LOG_LIMIT, 6, to_decibels},
    {"FTOM", "12 log2 m = s P(z)", logarithm, 0, LOG_LIMIT, 6, to_keys},
    {"ATAN", "atan t = t + t z P(z), |t| <= sqrt 2 - 1", arc_tangent, 0, 0.17158, 8, by_one},
    {"ASIN", "asin t = t + t z P(z), |t| <= 1/2", arc_sine, 0, 0.25001, 9, by_one},
};

// Point i of n on low..high.
static double node(const Job *job, int i, int n) {
  double middle = (job->low + job->high) / 2, half = (job->high - job->low) / 2;
  return middle + half * cos((2 * i + 1) * 3.14159265358979323846 / (2 * n));
}

// Newton's divided differences, then the coefficients of the powers.
static void interpolate(const Job *job, mpfr_t *c) {
  int n = job->n_terms;
  double x[MAX_TERMS];
  mpfr_t z;
  mpfr_init2(z, BITS);
  for (int i = 0; i < n; i++) {
    x[i] = node(job, i, n);
    mpfr_set_d(z, x[i], MPFR_RNDN);
    job->value(c[i], z);
    job->scale(c[i]);
  }
  for (int k = 1; k < n; k++)
    for (int i = n - 1; i >= k; i--) {
      mpfr_sub(c[i], c[i], c[i - 1], MPFR_RNDN);
      mpfr_set_d(z, x[i], MPFR_RNDN);
      mpfr_sub_d(z, z, x[i - k], MPFR_RNDN);
      mpfr_div(c[i], c[i], z, MPFR_RNDN);
    }
  for (int k = n - 2; k >= 0; k--)
    for (int i = k; i < n - 1; i++) {
      mpfr_mul_d(z, c[i + 1], x[k], MPFR_RNDN);
      mpfr_sub(c[i], c[i], z, MPFR_RNDN);
    }
  mpfr_clear(z);
}

// log2 of the largest |P(z) - f(z)|, coefficients rounded to doubles.
static double worst(const Job *job, const double *c) {
  mpfr_t y, z, p;
  mpfr_inits2(BITS, y, z, p, (mpfr_ptr)0);
  double most = 0;
  for (int i = 0; i < 2000; i++) {
    mpfr_set_d(z, job->low + (job->high - job->low) * (i + 0.3) / 2000, MPFR_RNDN);
    job->value(y, z);
    job->scale(y);
    mpfr_set_ui(p, 0, MPFR_RNDN);
    for (int k = job->n_terms - 1; k >= 0; k--) {
      mpfr_mul(p, p, z, MPFR_RNDN);
      mpfr_add_d(p, p, c[k], MPFR_RNDN);
    }
    mpfr_sub(p, p, y, MPFR_RNDN);
    most = fmax(most, fabs(mpfr_get_d(p, MPFR_RNDN)));
  }
  mpfr_clears(y, z, p, (mpfr_ptr)0);
  return log2(most);
}

static void write_job(const Job *job) {
  mpfr_t c[MAX_TERMS];
  double rounded[MAX_TERMS];
  for (int i = 0; i < job->n_terms; i++) mpfr_init2(c[i], BITS);
  interpolate(job, c);
  printf("// %s\nstatic const double GUESS_%s[%d] = {", job->doc, job->name, job->n_terms);
  for (int i = 0; i < job->n_terms; i++) {
    rounded[i] = mpfr_get_d(c[i], MPFR_RNDN);
    printf("%s%a", i == 0 ? "" : i % 4 ? ", " : ",\n  ", rounded[i]);
    mpfr_clear(c[i]);
  }
  printf("};\n");
  fprintf(stderr, "%-6s %d terms, error 2^%.1f\n", job->name, job->n_terms, worst(job, rounded));
}

// 2^i / pi mod 2 in three parts: products of the first two with 24 bits are exact.
static void write_far(void) {
  mpfr_t x, pi;
  mpfr_inits2(BITS, x, pi, (mpfr_ptr)0);
  mpfr_const_pi(pi, MPFR_RNDN);
  printf("// 2^i / pi mod 2 in parts of 29, 29 and 53 bits, i from -6\n"
         "static const double GUESS_FAR[111][3] = {\n");
  for (int i = -6; i < 105; i++) {
    const int last[3] = {-28, -57, -110};
    mpfr_ui_div(x, 1, pi, MPFR_RNDN);
    mpfr_mul_2si(x, x, i - 1, MPFR_RNDN);
    mpfr_frac(x, x, MPFR_RNDN);
    mpfr_mul_2si(x, x, 1, MPFR_RNDN);
    for (int part = 0; part < 3; part++) {
      mpfr_t t;
      mpfr_init2(t, BITS);
      mpfr_mul_2si(t, x, -last[part], MPFR_RNDN);
      mpfr_trunc(t, t);
      mpfr_mul_2si(t, t, last[part], MPFR_RNDN);
      mpfr_sub(x, x, t, MPFR_RNDN);
      printf("%s%a", part ? ", " : "  {", mpfr_get_d(t, MPFR_RNDN));
      mpfr_clear(t);
    }
    printf("},\n");
  }
  printf("};\n");
  mpfr_clears(x, pi, (mpfr_ptr)0);
}

int main(void) {
  printf("/// Coefficients of src/math/guess.h, lowest first; written by\n"
         "/// scripts/math-polynomials.c with MPFR.\n"
         "#ifndef KR_MATH_GUESS_TABLE_H\n#define KR_MATH_GUESS_TABLE_H\n\n// clang-format off\n");
  for (size_t i = 0; i < sizeof JOBS / sizeof *JOBS; i++) write_job(&JOBS[i]);
  write_far();
  printf("// clang-format on\n#endif\n");
}

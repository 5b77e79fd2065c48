// Transforms against the sum they stand for, closed forms, round trips, vector levels; windows.
#include "base/arena.h"
#include "math/fft.h"
#include "math/real.h"
#include "math/window.h"
#include "ops/level.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#define PI 3.14159265358979323846
enum { MAX = 10240 };
static double in_re[MAX], in_im[MAX], out_re[MAX], out_im[MAX], work[2 * MAX];
static double again_re[MAX], again_im[MAX];
static float in_re32[MAX], in_im32[MAX], out_re32[MAX], out_im32[MAX], work32[2 * MAX];
static float again_re32[MAX], again_im32[MAX];
static long double want_re[MAX], want_im[MAX];
static KrArena arena;

typedef void Transform32(const KrFft *, const float *, const float *, float *, float *, float *);
typedef void Transform64(const KrFft *, const double *, const double *, double *, double *,
                         double *);
typedef void Forward32(const KrRfft *, const float *, float *, float *, float *);
typedef void Forward64(const KrRfft *, const double *, double *, double *, double *);
typedef void Inverse32(const KrRfft *, const float *, const float *, float *, float *);
typedef void Inverse64(const KrRfft *, const double *, const double *, double *, double *);
typedef void ToBins32(const KrRfft *, const float *, const float *, float *, float *);
typedef void ToBins64(const KrRfft *, const double *, const double *, double *, double *);
typedef void FromBins32(const KrRfft *, const float *, float, float *, float *);
typedef void FromBins64(const KrRfft *, const double *, double, double *, double *);
typedef struct Level {
  Transform32 *forward32, *inverse32;
  Transform64 *forward64, *inverse64;
  Forward32 *real_forward32;
  Forward64 *real_forward64;
  Inverse32 *real_inverse32;
  Inverse64 *real_inverse64;
  ToBins32 *to_bins32;
  ToBins64 *to_bins64;
  FromBins32 *from_bins32;
  FromBins64 *from_bins64;
} Level;
static const Level LEVELS[KR_N_LEVELS] = {
#define LEVEL(level, name)                                                                         \
  [KR_LEVEL_##name] = {                                                                            \
      kr_fft_f32_forward_##level,  kr_fft_f32_inverse_##level,    kr_fft_f64_forward_##level,      \
      kr_fft_f64_inverse_##level,  kr_rfft_f32_forward_##level,   kr_rfft_f64_forward_##level,     \
      kr_rfft_f32_inverse_##level, kr_rfft_f64_inverse_##level,   kr_rfft_f32_to_bins_##level,     \
      kr_rfft_f64_to_bins_##level, kr_rfft_f32_from_bins_##level, kr_rfft_f64_from_bins_##level},
    KR_LEVEL_LIST(LEVEL)
#undef LEVEL
};
static const Level *const generic = &LEVELS[KR_LEVEL_GENERIC];

static void fill(uint32_t n, uint32_t seed) {
  for (uint32_t i = 0; i < n; i++) {
    seed = seed * 1664525 + 1013904223;
    in_re32[i] = (float)(int32_t)seed * 0x1p-31f;
    seed = seed * 1664525 + 1013904223;
    in_im32[i] = (float)(int32_t)seed * 0x1p-31f;
    in_re[i] = (double)in_re32[i], in_im[i] = (double)in_im32[i];
  }
}

// Long sums are made for every `step`th bin only.
static uint32_t step_of(uint32_t n) { return n > 2560 ? 7 : 1; }

// The defining sum in long double; returns the root of the mean square of the bins.
static long double transform_slowly(uint32_t n) {
  static long double c[MAX], s[MAX];
  long double sum = 0;
  for (uint32_t k = 0; k < n; k++) {
    long double angle = 2 * 3.14159265358979323846264338327950288L * k / n;
    c[k] = cosl(angle), s[k] = sinl(angle);
    sum += (long double)in_re[k] * in_re[k] + (long double)in_im[k] * in_im[k];
  }
  for (uint32_t k = 0; k < n; k += step_of(n)) {
    long double re = 0, im = 0;
    for (uint32_t j = 0, t = 0; j < n; j++, t += k, t -= t >= n ? n : 0) {
      re += in_re[j] * c[t] + in_im[j] * s[t];
      im += in_im[j] * c[t] - in_re[j] * s[t];
    }
    want_re[k] = re, want_im[k] = im;
  }
  return sqrtl(sum); // Parseval
}

// Bound on the error of every bin, in units in the last place of the bins' root mean square.
static long double slack(uint32_t n) { return log2l(n) + 1; }

static void check_bins(uint32_t n, uint32_t n_bins, long double size) {
  long double bound = size * slack(n);
  for (uint32_t k = 0; k < n_bins; k += step_of(n)) {
    assert_true(hypotl(out_re[k] - want_re[k], out_im[k] - want_im[k]) <= bound * 0x1p-53L);
    assert_true(hypotl((long double)out_re32[k] - want_re[k],
                       (long double)out_im32[k] - want_im[k]) <= bound * 0x1p-24L);
  }
}

static void check_complex(uint32_t n) {
  fill(n, n);
  long double size = transform_slowly(n);
  KrFft *plan = kr_fft_prepare(&arena, n, sizeof(double));
  KrFft *plan32 = kr_fft_prepare(&arena, n, sizeof(float));
  assert_true(plan && plan32);
  generic->forward64(plan, in_re, in_im, out_re, out_im, work);
  generic->forward32(plan32, in_re32, in_im32, out_re32, out_im32, work32);
  check_bins(n, n, size);
  memcpy(again_re, in_re, sizeof again_re);
  memcpy(again_im, in_im, sizeof again_im);
  generic->forward64(plan, again_re, again_im, again_re, again_im, work);
  assert_memory_equal(again_re, out_re, n * sizeof(double)); // in place: the same bits
  assert_memory_equal(again_im, out_im, n * sizeof(double));
  generic->inverse64(plan, out_re, out_im, again_re, again_im, work);
  generic->inverse32(plan32, out_re32, out_im32, out_re32, out_im32, work32);
  for (uint32_t k = 0; k < n; k++) {
    long double bits = slack(n);
    assert_true(fabs(again_re[k] - in_re[k]) < 0x1p-53L * bits &&
                fabs(again_im[k] - in_im[k]) < 0x1p-53L * bits);
    assert_true((long double)fabsf(out_re32[k] - in_re32[k]) < 0x1p-24L * bits &&
                (long double)fabsf(out_im32[k] - in_im32[k]) < 0x1p-24L * bits);
  }
}

static void complex_transforms_are_the_defining_sum(void **unused) {
  (void)unused;
  uint32_t n_sizes = 0;
  for (uint32_t n = 1; n <= MAX; n++)
    if (kr_fft_can(n)) check_complex(n), n_sizes++;
  assert_int_equal(n_sizes, 14 + 12 + 12);
}

static void check_real(uint32_t n) {
  fill(n, n + 1);
  memset(in_im, 0, sizeof in_im);
  long double size = transform_slowly(n);
  KrRfft *plan = kr_rfft_prepare(&arena, n, sizeof(double));
  KrRfft *plan32 = kr_rfft_prepare(&arena, n, sizeof(float));
  assert_true(plan && plan32);
  generic->real_forward64(plan, in_re, out_re, out_im, work);
  generic->real_forward32(plan32, in_re32, out_re32, out_im32, work32);
  check_bins(n, n / 2 + 1, size);
  assert_true(out_im[0] == 0 && out_im[n / 2] == 0);
  memcpy(again_re, in_re, sizeof again_re);
  generic->real_forward64(plan, again_re, again_re, again_im, work);
  assert_memory_equal(again_re, out_re, (n / 2 + 1) * sizeof(double)); // in place: the same bits
  generic->real_inverse64(plan, out_re, out_im, again_re, work);
  generic->real_inverse32(plan32, out_re32, out_im32, again_re32, work32);
  for (uint32_t i = 0; i < n; i++) {
    assert_true(fabs(again_re[i] - in_re[i]) < 0x1p-53L * slack(n));
    assert_true((long double)fabsf(again_re32[i] - in_re32[i]) < 0x1p-24L * slack(n));
  }
}

static void real_transforms_are_the_defining_sum(void **unused) {
  (void)unused;
  for (uint32_t n = 1; n <= MAX; n++)
    if (kr_rfft_can(n)) check_real(n);
}

static void the_real_form_is_half_of_the_complex_one(void **unused) {
  (void)unused;
  for (uint32_t n = 2; n <= MAX; n += 2) {
    if (!kr_rfft_can(n)) continue;
    fill(n, n + 2);
    memset(in_im, 0, sizeof in_im);
    generic->forward64(kr_fft_prepare(&arena, n, sizeof(double)), in_re, in_im, again_re, again_im,
                       work);
    generic->real_forward64(kr_rfft_prepare(&arena, n, sizeof(double)), in_re, out_re, out_im,
                            work);
    double bound = sqrt(n) * (double)slack(n) * 0x1p-52;
    for (uint32_t k = 0; k <= n / 2; k++)
      assert_true(fabs(out_re[k] - again_re[k]) < bound && fabs(out_im[k] - again_im[k]) < bound);
  }
}

// Powers of two times a signal give the same power times the spectrum to the bit; a sum of signals
// gives the sum of the spectra within the error of both.
static void transforms_are_linear(void **unused) {
  (void)unused;
  static double sum_re[MAX], sum_im[MAX];
  for (uint32_t n = 1; n <= MAX; n++) {
    if (!kr_fft_can(n)) continue;
    const KrFft *plan = kr_fft_prepare(&arena, n, sizeof(double));
    fill(n, 3 * n + 1);
    generic->forward64(plan, in_re, in_im, out_re, out_im, work);
    for (uint32_t i = 0; i < n; i++) again_re[i] = 0.125 * in_re[i], again_im[i] = 0.125 * in_im[i];
    generic->forward64(plan, again_re, again_im, again_re, again_im, work);
    for (uint32_t k = 0; k < n; k++)
      assert_true(again_re[k] == 0.125 * out_re[k] && again_im[k] == 0.125 * out_im[k]);
    for (uint32_t i = 0; i < n; i++) sum_re[i] = in_re[i] - in_im[i], sum_im[i] = in_im[i] + 1;
    for (uint32_t i = 0; i < n; i++) in_re[i] = -in_im[i], in_im[i] = 1;
    generic->forward64(plan, in_re, in_im, again_re, again_im, work);
    generic->forward64(plan, sum_re, sum_im, sum_re, sum_im, work);
    double bound = 2 * n * (double)slack(n) * 0x1p-52;
    for (uint32_t k = 0; k < n; k++)
      assert_true(fabs(sum_re[k] - out_re[k] - again_re[k]) < bound &&
                  fabs(sum_im[k] - out_im[k] - again_im[k]) < bound);
  }
}

// Numbers of all sizes, denormal ones among them.
static void fill_widely(uint32_t n) {
  fill(n, 7 * n);
  for (uint32_t i = 0; i < n; i++) {
    in_re32[i] = ldexpf(in_re32[i], (int)(i * 7 % 40) - (i % 11 == 0 ? 140 : 20));
    in_re[i] = ldexp(in_re[i], (int)(i * 7 % 80) - (i % 11 == 0 ? 1070 : 40));
  }
}

static void check_level_complex(const Level *level, uint32_t n) {
  const KrFft *plan = kr_fft_prepare(&arena, n, sizeof(double));
  const KrFft *plan32 = kr_fft_prepare(&arena, n, sizeof(float));
  for (int inverse = 0; inverse < 2; inverse++) {
    Transform64 *one = inverse ? generic->inverse64 : generic->forward64;
    Transform64 *other = inverse ? level->inverse64 : level->forward64;
    one(plan, in_re, in_im, out_re, out_im, work);
    other(plan, in_re, in_im, again_re, again_im, work);
    assert_memory_equal(out_re, again_re, n * sizeof(double));
    assert_memory_equal(out_im, again_im, n * sizeof(double));
    Transform32 *one32 = inverse ? generic->inverse32 : generic->forward32;
    Transform32 *other32 = inverse ? level->inverse32 : level->forward32;
    one32(plan32, in_re32, in_im32, out_re32, out_im32, work32);
    other32(plan32, in_re32, in_im32, again_re32, again_im32, work32);
    assert_memory_equal(out_re32, again_re32, n * sizeof(float));
    assert_memory_equal(out_im32, again_im32, n * sizeof(float));
  }
}

static void check_level_real(const Level *level, uint32_t n) {
  const KrRfft *plan = kr_rfft_prepare(&arena, n, sizeof(double));
  const KrRfft *plan32 = kr_rfft_prepare(&arena, n, sizeof(float));
  size_t bins = n / 2 + 1;
  generic->real_forward64(plan, in_re, out_re, out_im, work);
  level->real_forward64(plan, in_re, again_re, again_im, work);
  assert_memory_equal(out_re, again_re, bins * sizeof(double));
  assert_memory_equal(out_im, again_im, bins * sizeof(double));
  generic->real_forward32(plan32, in_re32, out_re32, out_im32, work32);
  level->real_forward32(plan32, in_re32, again_re32, again_im32, work32);
  assert_memory_equal(out_re32, again_re32, bins * sizeof(float));
  assert_memory_equal(out_im32, again_im32, bins * sizeof(float));
  generic->real_inverse64(plan, in_re, in_im, out_re, work);
  level->real_inverse64(plan, in_re, in_im, again_re, work);
  assert_memory_equal(out_re, again_re, n * sizeof(double));
  generic->real_inverse32(plan32, in_re32, in_im32, out_re32, work32);
  level->real_inverse32(plan32, in_re32, in_im32, again_re32, work32);
  assert_memory_equal(out_re32, again_re32, n * sizeof(float));
}

static void every_vector_level_gives_the_same_bits(void **unused) {
  (void)unused;
  for (uint32_t n = 1; n <= MAX; n++) {
    if (!kr_fft_can(n)) continue;
    fill_widely(n);
    for (int l = 0; l < KR_N_LEVELS; l++) {
      if (LEVELS[l].forward32 == NULL || !kr_level_is_supported((KrLevel)l)) continue;
      check_level_complex(&LEVELS[l], n);
      if (kr_rfft_can(n) && n < MAX) check_level_real(&LEVELS[l], n);
    }
  }
}

// Bins in pairs of windowed values and back, against the generic forms of numbers apart.
#define CHECK_BINS(real, bits, re, im, to_re, to_im, scratch)                                      \
  static void check_bins##bits(const Level *level, uint32_t n) {                                   \
    static real values[MAX], pairs[MAX + 2];                                                       \
    const KrRfft *plan = kr_rfft_prepare(&arena, n, sizeof(real));                                 \
    for (uint32_t i = 0; i < n; i++) values[i] = re[i] * im[i];                                    \
    generic->real_forward##bits(plan, values, to_re, to_im, scratch);                              \
    level->to_bins##bits(plan, re, im, pairs, scratch);                                            \
    for (uint32_t k = 0; k <= n / 2; k++) {                                                        \
      real part = k % (n / 2) == 0 ? to_re[k] / 2 : to_re[k];                                      \
      assert_memory_equal(&pairs[2 * k], &part, sizeof part);                                      \
      assert_memory_equal(&pairs[2 * k + 1], &to_im[k], sizeof part);                              \
      pairs[2 * k] = re[k], pairs[2 * k + 1] = im[k];                                              \
      to_re[k] = re[k] * 3 * (k % (n / 2) == 0 ? 2 : 1), to_im[k] = im[k] * 3;                     \
    }                                                                                              \
    generic->real_inverse##bits(plan, to_re, to_im, values, scratch);                              \
    level->from_bins##bits(plan, pairs, 3, scratch, scratch);                                      \
    assert_memory_equal(scratch, values, n * sizeof(real));                                        \
  }
CHECK_BINS(double, 64, in_re, in_im, out_re, out_im, work)
CHECK_BINS(float, 32, in_re32, in_im32, out_re32, out_im32, work32)

static void bins_in_pairs_are_the_numbers_apart_to_the_bit(void **unused) {
  (void)unused;
  for (uint32_t n = 2; n < MAX; n += 2) {
    if (!kr_rfft_can(n)) continue;
    fill_widely(n);
    for (int l = 0; l < KR_N_LEVELS; l++) {
      if (LEVELS[l].forward32 == NULL || !kr_level_is_supported((KrLevel)l)) continue;
      check_bins32(&LEVELS[l], n);
      check_bins64(&LEVELS[l], n);
    }
  }
}

static void a_plan_may_be_copied(void **unused) {
  (void)unused;
  enum { N = 96 };
  size_t n_bytes = kr_rfft_bytes(N, sizeof(double));
  KrRfft *plan = malloc(n_bytes), *copy = malloc(n_bytes);
  assert_true(plan && copy);
  kr_rfft_init(plan, N, sizeof(double));
  memcpy(copy, plan, n_bytes);
  fill(N, 1);
  generic->real_forward64(plan, in_re, out_re, out_im, work);
  memset(plan, 0xff, n_bytes);
  free(plan);
  generic->real_forward64(copy, in_re, again_re, again_im, work);
  assert_memory_equal(out_re, again_re, (N / 2 + 1) * sizeof(double));
  free(copy);
}

static void an_impulse_is_flat_and_a_constant_one_bin(void **unused) {
  (void)unused;
  for (uint32_t n = 2; n <= 2048; n *= 2) {
    KrFft *plan = kr_fft_prepare(&arena, n, sizeof(double));
    memset(in_re, 0, sizeof in_re);
    memset(in_im, 0, sizeof in_im);
    in_re[0] = 1;
    generic->forward64(plan, in_re, in_im, out_re, out_im, work);
    for (uint32_t k = 0; k < n; k++) assert_true(out_re[k] == 1 && out_im[k] == 0);
    for (uint32_t k = 0; k < n; k++) in_re[k] = 0.5;
    generic->forward64(plan, in_re, in_im, out_re, out_im, work);
    for (uint32_t k = 0; k < n; k++) assert_true(out_re[k] == (k ? 0 : n * 0.5) && out_im[k] == 0);
  }
}

static void other_sizes_are_refused(void **unused) {
  (void)unused;
  const uint32_t bad[] = {0, 7, 9, 15, 25, 14, (1u << 24) + 1, 1u << 25, UINT32_MAX};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_false(kr_fft_can(bad[i]));
    assert_null(kr_fft_prepare(&arena, bad[i], sizeof(float)));
    assert_null(kr_rfft_prepare(&arena, bad[i], sizeof(double)));
    assert_true(kr_fft_bytes(bad[i], sizeof(float)) == 0 && kr_rfft_bytes(bad[i], 8) == 0);
  }
  assert_false(kr_rfft_can(3));
  assert_true(kr_rfft_can(6) && kr_rfft_can(10) && kr_rfft_can(2) && kr_rfft_can(1));
}

static void the_nearest_sizes_are_named(void **unused) {
  (void)unused;
  const uint32_t asked[] = {0, 1, 2, 5, 7, 9, 1000, 1024, 1025, 7168, 9000, UINT32_MAX};
  const uint32_t below[] = {2, 2, 2, 4, 6, 8, 768, 1024, 1024, 6144, 8192, 1 << 24};
  const uint32_t above[] = {2, 2, 2, 6, 8, 10, 1024, 1024, 1280, 8192, 10240, 1 << 24};
  for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
    assert_int_equal(kr_rfft_below(asked[i]), below[i]);
    assert_int_equal(kr_rfft_above(asked[i]), above[i]);
  }
}

static int n_allowed;
static void *alloc_some(void *user, size_t n) {
  (void)user;
  return n_allowed-- > 0 ? malloc(n) : NULL;
}
static void free_any(void *user, void *at) {
  (void)user;
  free(at);
}

static void prepare_without_memory_gives_nothing(void **unused) {
  (void)unused;
  const KrAllocator allocator = {alloc_some, free_any, NULL};
  bool whole = false;
  for (int n = 0; !whole && n < 100; n++) {
    KrArena small;
    n_allowed = n;
    kr_arena_init(&small, &allocator);
    whole = kr_rfft_prepare(&small, 1 << 15, sizeof(double)) != NULL;
    assert_false(whole && n == 0);
    kr_arena_deinit(&small);
  }
  assert_true(whole);
}

static void windows_have_their_shape(void **unused) {
  (void)unused;
  double w[64];
  float f[64];
  for (int kind = 0; kind < KR_N_WINDOWS; kind++) {
    kr_window_f64_fill((KrWindow)kind, 64, w);
    kr_window_f32_fill((KrWindow)kind, 64, f);
    for (uint32_t i = 1; i < 64; i++) assert_true(w[i] == w[64 - i] && f[i] == (float)w[i]);
    assert_true(w[32] == 1);
    for (uint32_t i = 0; i < 64; i++) {
      double c = cos(2 * PI * i / 64), c2 = cos(4 * PI * i / 64);
      double want[] = {1, 0.5 - 0.5 * c, 0.54 - 0.46 * c, 0.42 - 0.5 * c + 0.08 * c2};
      assert_true(fabs(w[i] - want[kind]) < 1e-15);
    }
  }
  assert_true(kr_window_at(KR_WINDOW_HANN, 0, 64) == 0 &&
              kr_window_at(KR_WINDOW_BLACKMAN, 0, 64) == 0);
}

static void kaiser_and_bessel_match_tables(void **unused) {
  (void)unused;
  // Abramowitz and Stegun, table 9.8 (e^-x I0) and 9.11.
  assert_true(kr_bessel_i0(0) == 1);
  assert_true(fabs(kr_bessel_i0(1) - 1.2660658777520084) < 1e-15);
  assert_true(fabs(kr_bessel_i0(5) / 27.239871823604442 - 1) < 1e-15);
  assert_true(fabs(kr_bessel_i0(9) / 1093.5883545113747 - 1) < 2e-15);
  assert_true(kr_kaiser_at(0, 9) == 1 && kr_kaiser_at(1.01, 9) == 0);
  assert_true(fabs(kr_kaiser_at(-1, 9) * kr_bessel_i0(9) - 1) < 1e-15);
  assert_true(kr_sinc_at(0) == 1 && kr_sinc_at(3) == 0 && kr_sinc_at(-16) == 0);
  assert_true(fabs(kr_sinc_at(0.5) - 2 / PI) < 1e-16);
}

int main(void) {
  kr_arena_init(&arena, NULL);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(complex_transforms_are_the_defining_sum),
      cmocka_unit_test(real_transforms_are_the_defining_sum),
      cmocka_unit_test(the_real_form_is_half_of_the_complex_one),
      cmocka_unit_test(transforms_are_linear),
      cmocka_unit_test(every_vector_level_gives_the_same_bits),
      cmocka_unit_test(bins_in_pairs_are_the_numbers_apart_to_the_bit),
      cmocka_unit_test(a_plan_may_be_copied),
      cmocka_unit_test(an_impulse_is_flat_and_a_constant_one_bin),
      cmocka_unit_test(other_sizes_are_refused),
      cmocka_unit_test(the_nearest_sizes_are_named),
      cmocka_unit_test(prepare_without_memory_gives_nothing),
      cmocka_unit_test(windows_have_their_shape),
      cmocka_unit_test(kaiser_and_bessel_match_tables),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  kr_arena_deinit(&arena);
  return failed;
}

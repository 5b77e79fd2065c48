// Transforms against the sum they stand for, closed forms, round trips; windows.
#include "base/arena.h"
#include "math/fft.h"
#include "math/real.h"
#include "math/window.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#define PI 3.14159265358979323846
enum { MAX = 4096 };
static double in_re[MAX], in_im[MAX], out_re[MAX], out_im[MAX], work[2 * MAX];
static float in_re32[MAX], in_im32[MAX], out_re32[MAX], out_im32[MAX], work32[2 * MAX];
static long double want_re[MAX], want_im[MAX];
static KrArena arena;

static void fill(uint32_t n, uint32_t seed) {
  for (uint32_t i = 0; i < n; i++) {
    seed = seed * 1664525 + 1013904223;
    in_re32[i] = (float)(int32_t)seed * 0x1p-31f;
    seed = seed * 1664525 + 1013904223;
    in_im32[i] = (float)(int32_t)seed * 0x1p-31f;
    in_re[i] = (double)in_re32[i], in_im[i] = (double)in_im32[i];
  }
}

// The defining sum in long double.
static void transform_slowly(uint32_t n) {
  static long double c[MAX], s[MAX];
  for (uint32_t k = 0; k < n; k++) {
    long double angle = 2 * 3.14159265358979323846264338327950288L * k / n;
    c[k] = cosl(angle), s[k] = sinl(angle);
  }
  for (uint32_t k = 0; k < n; k++) {
    long double re = 0, im = 0;
    for (uint32_t j = 0; j < n; j++) {
      uint32_t t = (uint32_t)((uint64_t)j * k % n);
      re += in_re[j] * c[t] + in_im[j] * s[t];
      im += in_im[j] * c[t] - in_re[j] * s[t];
    }
    want_re[k] = re, want_im[k] = im;
  }
}

static double root_mean_square(uint32_t n) {
  long double sum = 0;
  for (uint32_t k = 0; k < n; k++) sum += want_re[k] * want_re[k] + want_im[k] * want_im[k];
  return (double)sqrtl(sum / n);
}

// Mean error over mean size stays below 0.6 units in the last place a stage.
static void check_complex(uint32_t n) {
  fill(n, n);
  transform_slowly(n);
  KrFftF64 *plan = kr_fft_f64_prepare(&arena, n);
  KrFftF32 *plan32 = kr_fft_f32_prepare(&arena, n);
  assert_true(plan && plan32);
  kr_fft_f64_forward(plan, in_re, in_im, out_re, out_im, work);
  kr_fft_f32_forward(plan32, in_re32, in_im32, out_re32, out_im32, work32);
  double bits = log2(n) + 1, size = root_mean_square(n) + 1e-300;
  long double e = 0, e32 = 0;
  for (uint32_t k = 0; k < n; k++) {
    e += powl(out_re[k] - want_re[k], 2) + powl(out_im[k] - want_im[k], 2);
    e32 += powl((long double)out_re32[k] - want_re[k], 2) +
           powl((long double)out_im32[k] - want_im[k], 2);
  }
  assert_true(sqrt((double)e / n) < size * 0.4 * 0x1p-52 * bits);
  assert_true(sqrt((double)e32 / n) < size * 0.4 * 0x1p-23 * bits);

  static double again_re[MAX], again_im[MAX];
  memcpy(again_re, in_re, sizeof again_re);
  memcpy(again_im, in_im, sizeof again_im);
  kr_fft_f64_forward(plan, again_re, again_im, again_re, again_im, work);
  assert_memory_equal(again_re, out_re, n * sizeof(double)); // in place: the same bits
  assert_memory_equal(again_im, out_im, n * sizeof(double));
  kr_fft_f64_inverse(plan, out_re, out_im, again_re, again_im, work);
  kr_fft_f32_inverse(plan32, out_re32, out_im32, out_re32, out_im32, work32);
  for (uint32_t k = 0; k < n; k++) {
    assert_true(fabs(again_re[k] - in_re[k]) < 0x1p-52 * bits &&
                fabs(again_im[k] - in_im[k]) < 0x1p-52 * bits);
    assert_true(fabsf(out_re32[k] - in_re32[k]) < 0x1p-23f * (float)bits);
    assert_true(fabsf(out_im32[k] - in_im32[k]) < 0x1p-23f * (float)bits);
  }
}

static void complex_transforms_are_the_defining_sum(void **unused) {
  (void)unused;
  uint32_t n_sizes = 0;
  for (uint32_t n = 1; n <= 1280; n++)
    if (kr_fft_can(n)) check_complex(n), n_sizes++;
  assert_int_equal(n_sizes, 11 + 9 + 9);
}

static void check_real(uint32_t n) {
  static double back[MAX];
  static float back32[MAX];
  fill(n, n + 1);
  memset(in_im, 0, sizeof in_im);
  transform_slowly(n);
  KrRfftF64 *plan = kr_rfft_f64_prepare(&arena, n);
  KrRfftF32 *plan32 = kr_rfft_f32_prepare(&arena, n);
  assert_true(plan && plan32);
  kr_rfft_f64_forward(plan, in_re, out_re, out_im, work);
  kr_rfft_f32_forward(plan32, in_re32, out_re32, out_im32, work32);
  double slack = (root_mean_square(n) + 1e-300) * (log2(n) + 1) * 4;
  for (uint32_t k = 0; k <= n / 2; k++) {
    assert_true(fabsl(out_re[k] - want_re[k]) < slack * 0x1p-52 &&
                fabsl(out_im[k] - want_im[k]) < slack * 0x1p-52);
    assert_true(fabsl((long double)out_re32[k] - want_re[k]) < slack * 0x1p-23);
    assert_true(fabsl((long double)out_im32[k] - want_im[k]) < slack * 0x1p-23);
  }
  assert_true(out_im[0] == 0 && out_im[n / 2] == 0);
  kr_rfft_f64_inverse(plan, out_re, out_im, back, work);
  kr_rfft_f32_inverse(plan32, out_re32, out_im32, back32, work32);
  for (uint32_t i = 0; i < n; i++) {
    assert_true(fabs(back[i] - in_re[i]) < 0x1p-52 * 2 * (log2(n) + 1));
    assert_true(fabsf(back32[i] - in_re32[i]) < 0x1p-23f * 2 * (float)(log2(n) + 1));
  }
}

static void real_transforms_are_the_defining_sum(void **unused) {
  (void)unused;
  for (uint32_t n = 1; n <= 1280; n++)
    if (kr_rfft_can(n)) check_real(n);
}

static void an_impulse_is_flat_and_a_constant_one_bin(void **unused) {
  (void)unused;
  for (uint32_t n = 2; n <= 2048; n *= 2) {
    KrFftF64 *plan = kr_fft_f64_prepare(&arena, n);
    memset(in_re, 0, sizeof in_re);
    memset(in_im, 0, sizeof in_im);
    in_re[0] = 1;
    kr_fft_f64_forward(plan, in_re, in_im, out_re, out_im, work);
    for (uint32_t k = 0; k < n; k++) assert_true(out_re[k] == 1 && out_im[k] == 0);
    for (uint32_t k = 0; k < n; k++) in_re[k] = 0.5;
    kr_fft_f64_forward(plan, in_re, in_im, out_re, out_im, work);
    for (uint32_t k = 0; k < n; k++) assert_true(out_re[k] == (k ? 0 : n * 0.5) && out_im[k] == 0);
  }
}

static void other_sizes_are_refused(void **unused) {
  (void)unused;
  const uint32_t bad[] = {0, 7, 9, 15, 25, 14, (1u << 24) + 1, 1u << 25, UINT32_MAX};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    assert_false(kr_fft_can(bad[i]));
    assert_null(kr_fft_f32_prepare(&arena, bad[i]));
    assert_null(kr_rfft_f64_prepare(&arena, bad[i]));
  }
  assert_false(kr_rfft_can(3));
  assert_true(kr_rfft_can(6) && kr_rfft_can(10) && kr_rfft_can(2) && kr_rfft_can(1));
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
    whole = kr_rfft_f64_prepare(&small, 1 << 15) != NULL;
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
      cmocka_unit_test(an_impulse_is_flat_and_a_constant_one_bin),
      cmocka_unit_test(other_sizes_are_refused),
      cmocka_unit_test(prepare_without_memory_gives_nothing),
      cmocka_unit_test(windows_have_their_shape),
      cmocka_unit_test(kaiser_and_bessel_match_tables),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  kr_arena_deinit(&arena);
  return failed;
}

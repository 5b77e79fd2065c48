// One digest over results of everything in src/math: the same for every compiler, optimisation
// level and CPU. A change here is a change of bits and belongs into the changelog.
#include "base/arena.h"
#include "base/hash.h"
#include "math/elementary.h"
#include "math/fft.h"
#include "math/philox.h"
#include "math/real.h"
#include "math/sum.h"
#include "math/window.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { N = 20000 };
static KrHash hash;

static void put_f32(float v) { kr_hash_put_u32(&hash, kr_f32_to_bits(kr_f32_canonical(v))); }
static void put_f64(double v) { kr_hash_put_u64(&hash, kr_f64_to_bits(kr_f64_canonical(v))); }

// Inputs from integers alone: any bits, and a range of ordinary size.
static double input(uint64_t i) {
  KrRandomWords w = kr_philox_run((KrRandomWords){{(uint32_t)i, 0, 0, 0}}, (KrRandomKey){{1, 2}});
  uint64_t bits = (uint64_t)w.word[0] << 32 | w.word[1];
  if (i % 4 == 0) return kr_f64_from_bits(bits);
  double size = i % 4 == 1 ? 0x1p-63 : i % 4 == 2 ? 0x1p-58 : 0x1p-54;
  return (double)(int64_t)bits * size;
}

static void assert_digest(const char *want) {
  char text[65];
  KrDigest digest = kr_hash_end(&hash);
  kr_digest_text(&digest, text);
  if (strcmp(text, want) != 0) fail_msg("digest is %s", text);
}

static void elementary_functions_keep_their_bits(void **unused) {
  (void)unused;
  kr_hash_init(&hash);
  for (uint64_t i = 0; i < N; i++) {
    double v = input(i), w = input(i + N);
#define PUT(name, doc) put_f64(kr_f64_##name(v)), put_f32(kr_f32_##name((float)v));
    KR_ELEMENTARY_LIST(PUT)
#undef PUT
    put_f64(kr_f64_pow(kr_f64_abs(v), w));
    put_f32(kr_f32_pow((float)v, (float)kr_f64_round(w)));
    put_f64(kr_f64_atan2(v, w));
    put_f32(kr_f32_atan2((float)v, (float)w));
  }
  assert_digest("3cef4c2433e75988ba3b291a4df43a31605788fd160fb372afd87163d99dfbf1");
}

static void scalar_helpers_keep_their_bits(void **unused) {
  (void)unused;
  kr_hash_init(&hash);
  for (uint64_t i = 0; i < N; i++) {
    double v = input(i), w = input(i + N);
    float a = (float)v, b = (float)w;
    put_f64(kr_f64_mod(v, w)), put_f32(kr_f32_mod(a, b));
    put_f64(kr_f64_fract(v)), put_f32(kr_f32_fract(a));
    put_f64(kr_f64_min(v, w)), put_f32(kr_f32_max(a, b));
    put_f64(kr_f64_round(v)), put_f32(kr_f32_floor(a));
    kr_hash_put_u64(&hash, (uint64_t)kr_f64_to_i64(v));
    kr_hash_put_u32(&hash, (uint32_t)kr_f32_to_i32(a));
    kr_hash_put_u64(&hash, kr_f64_to_u64(w));
    kr_hash_put_u32(&hash, kr_f32_to_u32(b));
  }
  assert_digest("13ac8c0e48bba6050f394b81028d785f8a6a4124c536f9e52141caeb8cf369e7");
}

static void random_numbers_sums_and_windows_keep_their_bits(void **unused) {
  (void)unused;
  static float at[1000];
  static double wide[1000];
  KrRandomKey key = kr_random_key(3, 4);
  kr_hash_init(&hash);
  for (uint32_t i = 0; i < N; i++) {
    KrRandomWords w = kr_random_words(key, i, 1, kr_random_stream(KR_TEXT("a"), i, i % 2));
    put_f32(kr_random_uniform_f32(w)), put_f64(kr_random_uniform_f64(w));
    put_f32(at[i % 1000] = kr_random_normal_f32(w)),
        put_f64(wide[i % 1000] = kr_random_normal_f64(w));
  }
  for (size_t n = 0; n < 500; n++) {
    put_f32(kr_sum_f32(at, n, 1)), put_f64(kr_sum_f64(wide, n, 2));
    for (int kind = 0; kind < KR_N_WINDOWS; kind++)
      put_f64(kr_window_at((KrWindow)kind, (uint32_t)n, 500));
    put_f64(kr_kaiser_at((double)n / 500, 9)), put_f64(kr_sinc_at((double)n / 7));
  }
  assert_digest("3b4b8327f73e9622b2d9ace3478ccbfa67b1a23a014adcc11ca14285b8d1cefc");
}

static void transforms_keep_their_bits(void **unused) {
  (void)unused;
  static float re[4096], im[4096], work[8192];
  static double re64[4096], im64[4096], work64[8192];
  KrArena arena;
  kr_arena_init(&arena, NULL);
  kr_hash_init(&hash);
  for (uint32_t n = 1; n <= 2048; n++) {
    if (!kr_fft_can(n)) continue;
    for (uint32_t i = 0; i < n; i++) {
      re64[i] = kr_f64_fract(input(4 * i + 2)), im64[i] = kr_f64_fract(input(4 * i + 3));
      re[i] = (float)re64[i], im[i] = (float)im64[i];
    }
    kr_fft_f32_forward_generic(kr_fft_prepare(&arena, n, sizeof(float)), re, im, re, im, work);
    kr_fft_f64_forward_generic(kr_fft_prepare(&arena, n, sizeof(double)), re64, im64, re64, im64,
                               work64);
    for (uint32_t i = 0; i < n; i++)
      put_f32(re[i]), put_f32(im[i]), put_f64(re64[i]), put_f64(im64[i]);
    if (!kr_rfft_can(n)) continue;
    kr_rfft_f32_inverse_generic(kr_rfft_prepare(&arena, n, sizeof(float)), re, im, re, work);
    kr_rfft_f64_inverse_generic(kr_rfft_prepare(&arena, n, sizeof(double)), re64, im64, re64,
                                work64);
    kr_rfft_f64_forward_generic(kr_rfft_prepare(&arena, n, sizeof(double)), re64, re64, im64,
                                work64);
    for (uint32_t i = 0; i < n; i++) put_f32(re[i]), put_f64(re64[i]);
  }
  kr_arena_deinit(&arena);
  assert_digest("77cfa0edb04158e9bd9fa4a47879e13521449ab7a72736c5cc8552bc2044ad69");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(elementary_functions_keep_their_bits),
      cmocka_unit_test(scalar_helpers_keep_their_bits),
      cmocka_unit_test(random_numbers_sums_and_windows_keep_their_bits),
      cmocka_unit_test(transforms_keep_their_bits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// The random generator against its published known answers, and what is derived from it.
#include "base/hash.h"
#include "math/philox.h"
#include "math/real.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

static void known_answers(void **unused) {
  (void)unused;
  const struct {
    KrRandomWords counter;
    KrRandomKey key;
    uint32_t want[4];
  } cases[] = {
      {{{0, 0, 0, 0}}, {{0, 0}}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
      {{{~0u, ~0u, ~0u, ~0u}}, {{~0u, ~0u}}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
      {{{0x243f6a88, 0x85a308d3, 0x13198a2e,
         0x03707344}}, // digits of pi, from the authors' test file
       {{0xa4093822, 0x299f31d0}},
       {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
  };
  for (size_t i = 0; i < 3; i++) {
    KrRandomWords got = kr_philox_run(cases[i].counter, cases[i].key);
    assert_memory_equal(got.word, cases[i].want, 16);
  }
}

static void words_come_from_tick_draw_and_stream(void **unused) {
  (void)unused;
  KrRandomKey key = {{7, 9}};
  KrRandomWords got = kr_random_words(key, UINT64_C(0x123456789abcdef0), 3, 4);
  KrRandomWords want = kr_philox_run((KrRandomWords){{0x9abcdef0, 0x12345678, 3, 4}}, key);
  assert_memory_equal(&got, &want, sizeof got);
}

static uint32_t first_word(const char *text, uint32_t at) {
  KrHash hash;
  kr_hash_init(&hash);
  kr_hash_put(&hash, text, strlen(text));
  KrDigest d = kr_hash_end(&hash);
  return d.at[at] | (uint32_t)d.at[at + 1] << 8 | (uint32_t)d.at[at + 2] << 16 |
         (uint32_t)d.at[at + 3] << 24;
}

static void keys_and_streams_come_from_sha256(void **unused) {
  (void)unused;
  // SHA-256 of 16 zero bytes begins 374708ff f7719dd5 (FIPS 180-4).
  KrRandomKey key = kr_random_key(0, 0);
  assert_int_equal(key.word[0], 0xff084737);
  assert_int_equal(key.word[1], 0xd59d71f7);
  assert_int_equal(kr_random_stream(KR_TEXT("abc"), 5, false), 0xbf1678ba); // ba7816bf
  assert_int_equal(kr_random_stream(KR_TEXT("a/b/noise#0"), 0, true),
                   first_word("a/b/noise#0[0]", 0));
  assert_int_equal(kr_random_stream(KR_TEXT("a"), 4294967295, true),
                   first_word("a[4294967295]", 0));
}

static void distributions_have_their_moments(void **unused) {
  (void)unused;
  enum { N = 200000 };
  KrRandomKey key = kr_random_key(1, 2);
  double u = 0, u2 = 0, n1 = 0, n2 = 0, n4 = 0, far = 0;
  for (uint64_t i = 0; i < N; i++) {
    KrRandomWords w = kr_random_words(key, i, 0, 99);
    double a = kr_random_uniform_f64(w), b = (double)kr_random_uniform_f32(w);
    double x = kr_random_normal_f64(w), y = (double)kr_random_normal_f32(w);
    assert_true(a >= 0 && a < 1 && b >= 0 && b < 1 && fabs(a - b) < 0x1p-23);
    assert_true(y - y == 0);
    far = fmax(far, fabs(x - y));
    u += a, u2 += a * a, n1 += x, n2 += x * x, n4 += x * x * x * x;
  }
  // Five standard deviations of each mean.
  assert_true(fabs(u / N - 0.5) < 5 * 0.2887 / sqrt(N));
  assert_true(fabs(u2 / N - 1.0 / 3) < 5 * 0.2981 / sqrt(N));
  assert_true(fabs(n1 / N) < 5 / sqrt(N));
  assert_true(fabs(n2 / N - 1) < 5 * 1.4143 / sqrt(N));
  assert_true(fabs(n4 / N - 3) < 5 * 9.798 / sqrt(N));
  assert_true(far < 5e-2);
}

static void uniform_takes_the_top_bits(void **unused) {
  (void)unused;
  KrRandomWords most = {{~0u, ~0u, ~0u, ~0u}}, least = {{255, 0x7ff, 0, 0}};
  assert_true(kr_random_uniform_f32(most) == 1 - 0x1p-24f &&
              kr_random_uniform_f64(most) == 1 - 0x1p-53);
  assert_true(kr_random_uniform_f32(least) == 0 && kr_random_uniform_f64(least) == 255 * 0x1p-32);
  // ln(2^-24) and cos of almost a turn.
  assert_true(fabsf(kr_random_normal_f32(most) - 5.768108f) < 1e-5f);
  assert_true(kr_random_normal_f32((KrRandomWords){{0, 0, 0, 0}}) == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_answers),
      cmocka_unit_test(words_come_from_tick_draw_and_stream),
      cmocka_unit_test(keys_and_streams_come_from_sha256),
      cmocka_unit_test(distributions_have_their_moments),
      cmocka_unit_test(uniform_takes_the_top_bits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// SHA-256 (FIPS 180-4) by the SHA extensions of x86 (Intel's manual, SHA256RNDS2, MSG1, MSG2).
#include "prove/digest.h"
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#include <math.h>

static bool can_be_fast(void) {
  unsigned a, b = 0, c, d;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b >> 29 & 1) != 0 &&
         __builtin_cpu_supports("sse4.1");
}

// Cube roots of the first 64 primes, first 32 bits of the fraction.
static void make_constants(uint32_t constant[64]) {
  uint32_t n = 0;
  for (uint32_t p = 2; n < 64; p++) {
    bool prime = true;
    for (uint32_t d = 2; d * d <= p; d++) prime = prime && p % d != 0;
    long double root = cbrtl((long double)p);
    if (prime) constant[n++] = (uint32_t)((root - floorl(root)) * 0x1p32L);
  }
}

__attribute__((target("sha,sse4.1"))) static void put_fast(uint32_t state[8], const uint8_t *at,
                                                           size_t n) {
  static _Thread_local uint32_t constant[64];
  if (constant[0] == 0) make_constants(constant);
  const __m128i swap = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
  __m128i one = _mm_loadu_si128((const __m128i *)(const void *)state);
  __m128i two = _mm_loadu_si128((const __m128i *)(const void *)(state + 4));
  for (; n >= 64; n -= 64, at += 64) {
    __m128i first = one, second = two, w[4];
    for (int i = 0; i < 16; i++) {
      __m128i *now = &w[i & 3], last = w[(i + 3) & 3];
      if (i < 4) {
        *now =
            _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)(at + 16 * i)), swap);
      } else {
        __m128i sum = _mm_sha256msg1_epu32(*now, w[(i + 1) & 3]);
        sum = _mm_add_epi32(sum, _mm_alignr_epi8(last, w[(i + 2) & 3], 4));
        *now = _mm_sha256msg2_epu32(sum, last);
      }
      const __m128i k = _mm_loadu_si128((const __m128i *)(const void *)(constant + 4 * i));
      __m128i message = _mm_add_epi32(*now, k);
      two = _mm_sha256rnds2_epu32(two, one, message);
      one = _mm_sha256rnds2_epu32(one, two, _mm_shuffle_epi32(message, 14));
    }
    one = _mm_add_epi32(one, first);
    two = _mm_add_epi32(two, second);
  }
  _mm_storeu_si128((__m128i *)(void *)state, one);
  _mm_storeu_si128((__m128i *)(void *)(state + 4), two);
}
#else
static bool can_be_fast(void) { return false; }
static void put_fast(uint32_t state[8], const uint8_t *at, size_t n) {
  (void)state, (void)at, (void)n;
}
#endif

// Where word i of the hash stands in the two registers.
static const unsigned PLACE[8] = {3, 2, 7, 6, 1, 0, 5, 4};

void digest_init(Digest *digest) {
  *digest = (Digest){.fast = can_be_fast()};
  kr_hash_init(&digest->hash);
  for (int i = 0; i < 8; i++) digest->state[PLACE[i]] = digest->hash.state[i];
}

void digest_put(Digest *digest, const void *at, size_t n) {
  digest->n_bytes += n;
  if (digest->fast)
    put_fast(digest->state, at, n);
  else
    kr_hash_put(&digest->hash, at, n);
}

KrDigest digest_end(Digest *digest) {
  if (digest->fast) {
    for (int i = 0; i < 8; i++) digest->hash.state[i] = digest->state[PLACE[i]];
    digest->hash.n_bytes = digest->n_bytes;
  }
  return kr_hash_end(&digest->hash);
}

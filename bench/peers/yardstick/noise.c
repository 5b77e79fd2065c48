// White noise: a counter-based generator, so that every tick can be computed by itself.
// Philox 4x32-10: Salmon, Moraes, Dror, Shaw, Parallel Random Numbers: As Easy as 1, 2, 3 (2011).
#include "yardstick.h"
#include <immintrin.h>

// A word in each 64-bit element; only its low half counts.
#if defined(__AVX512F__)
typedef __m512i Words;
#define MULTIPLY _mm512_mul_epu32
#elif defined(__AVX2__)
typedef __m256i Words;
#define MULTIPLY _mm256_mul_epu32
#else
typedef __m128i Words;
#define MULTIPLY _mm_mul_epu32
#endif
enum { N_WORDS = sizeof(Words) / 8 };
typedef uint64_t Wide __attribute__((vector_size(sizeof(Words))));

static Wide multiply(Wide x, uint64_t factor) {
  return (Wide)MULTIPLY((Words)x, (Words)((Wide){0} + factor));
}

static Wide first_word(Wide low, Wide high, const Noise *noise) {
  Wide word[4] = {low, high, (Wide){0}, (Wide){0} + noise->stream};
  uint32_t key[2] = {noise->key[0], noise->key[1]};
  for (int round = 0; round < 10; round++) {
    Wide a = multiply(word[0], 0xD2511F53), b = multiply(word[2], 0xCD9E8D57);
    word[0] = b >> 32 ^ word[1] ^ key[0];
    word[1] = b;
    word[2] = a >> 32 ^ word[3] ^ key[1];
    word[3] = a;
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return word[0];
}

void noise_fill(const Noise *noise, int64_t tick, int n, float *out) {
  for (int t = 0; t < n; t += N_WORDS) {
    Wide counter;
    for (int i = 0; i < N_WORDS; i++) counter[i] = (uint64_t)(tick + t + i);
    Wide word = first_word(counter, counter >> 32, noise);
    for (int i = 0; i < N_WORDS && t + i < n; i++)
      out[t + i] = 2 * ((float)((uint32_t)word[i] >> 8) * 0x1p-24f) - 1;
  }
}

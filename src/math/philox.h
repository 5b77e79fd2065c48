/// Counter-based random numbers: Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel Random
/// Numbers: As Easy as 1, 2, 3; SC 2011). Nothing is kept between calls. All are [any] rt exact.
#ifndef KR_MATH_PHILOX_H
#define KR_MATH_PHILOX_H
#include "base/text.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct KrRandomKey {
  uint32_t word[2];
} KrRandomKey;
typedef struct KrRandomWords {
  uint32_t word[4];
} KrRandomWords;

/// The bare generator: ten rounds over `counter` with `key`.
static inline KrRandomWords kr_philox_run(KrRandomWords counter, KrRandomKey key) {
  for (int i = 0; i < 10; i++) {
    uint64_t a = UINT64_C(0xD2511F53) * counter.word[0], b = UINT64_C(0xCD9E8D57) * counter.word[2];
    counter = (KrRandomWords){{(uint32_t)(b >> 32) ^ counter.word[1] ^ key.word[0], (uint32_t)b,
                               (uint32_t)(a >> 32) ^ counter.word[3] ^ key.word[1], (uint32_t)a}};
    key.word[0] += UINT32_C(0x9E3779B9);
    key.word[1] += UINT32_C(0xBB67AE85);
  }
  return counter;
}
/// First 64 bits of SHA-256 over both seeds as little-endian u64.
KrRandomKey kr_random_key(uint64_t program_seed, uint64_t local_seed);
/// Stream id: first 32 bits, little-endian, of SHA-256 of the operator's path; copy `index` of an
/// unrolled operator appends `[index]` to the path.
uint32_t kr_random_stream(KrText path, uint32_t index, bool has_index);
/// The four words of one draw of one tick.
static inline KrRandomWords kr_random_words(KrRandomKey key, uint64_t tick, uint32_t draw,
                                            uint32_t stream) {
  return kr_philox_run((KrRandomWords){{(uint32_t)tick, (uint32_t)(tick >> 32), draw, stream}},
                       key);
}
/// [0, 1): top 24 bits of word 0; top 53 bits of word 0 and 1.
static inline float kr_random_uniform_f32(KrRandomWords words) {
  return (float)(words.word[0] >> 8) * 0x1p-24f;
}
static inline double kr_random_uniform_f64(KrRandomWords words) {
  return (double)(((uint64_t)words.word[0] << 32 | words.word[1]) >> 11) * 0x1p-53;
}
/// Mean 0, variance 1 (Box and Muller 1958): sqrt(-2 ln(1 - u1)) cos(2 pi u2), u1 from the words of
/// the uniform, u2 from words 2 (and 3).
float kr_random_normal_f32(KrRandomWords words);
double kr_random_normal_f64(KrRandomWords words);
#endif

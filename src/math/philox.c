// Keys, stream ids and the normal distribution over the counter-based generator.
#include "math/philox.h"
#include "base/hash.h"
#include "math/elementary.h"
#include "math/real.h"

static uint32_t read_word(const uint8_t *at) {
  return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

KrRandomKey kr_random_key(uint64_t program_seed, uint64_t local_seed) {
  KrHash hash;
  kr_hash_init(&hash);
  kr_hash_put_u64(&hash, program_seed);
  kr_hash_put_u64(&hash, local_seed);
  KrDigest digest = kr_hash_end(&hash);
  return (KrRandomKey){{read_word(digest.at), read_word(digest.at + 4)}};
}

// Decimal digits of index in brackets; 12 bytes are enough.
static size_t print_index(uint32_t index, char out[12]) {
  char digits[10];
  size_t n = 0, at = 0;
  do digits[n++] = (char)('0' + index % 10);
  while (index /= 10);
  out[at++] = '[';
  while (n) out[at++] = digits[--n];
  out[at++] = ']';
  return at;
}

uint32_t kr_random_stream(KrText path, uint32_t index, bool has_index) {
  KrHash hash;
  char text[12];
  kr_hash_init(&hash);
  kr_hash_put(&hash, path.at, path.n);
  if (has_index) kr_hash_put(&hash, text, print_index(index, text));
  KrDigest digest = kr_hash_end(&hash);
  return read_word(digest.at);
}

float kr_random_normal_f32(KrRandomWords words) {
  float u1 = (float)(words.word[0] >> 8) * 0x1p-24f, u2 = (float)(words.word[2] >> 8) * 0x1p-24f;
  return kr_f32_sqrt(-2 * kr_f32_log(1 - u1)) * kr_f32_cos_turns(u2);
}

double kr_random_normal_f64(KrRandomWords words) {
  double u1 = kr_random_uniform_f64(words);
  double u2 = kr_random_uniform_f64((KrRandomWords){{words.word[2], words.word[3], 0, 0}});
  return kr_f64_sqrt(-2 * kr_f64_log(1 - u1)) * kr_f64_cos_turns(u2);
}

/// SHA-256 as FIPS 180-4 section 6.2 states it.
#include "base/hash.h"
#include "base/hash_native.h"
#include <string.h>

/// First 32 bits of the fractional parts of the cube roots of the first 64 primes (4.2.2).
const uint32_t kr_hash_rounds[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotate(uint32_t x, unsigned n) { return (x >> n) | (x << (32 - n)); }

static void expand(const uint8_t block[64], uint32_t w[64]) {
  for (int i = 0; i < 16; i++) {
    w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
           (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
  }
  for (int i = 16; i < 64; i++) {
    uint32_t s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ (w[i - 15] >> 3);
    uint32_t s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ (w[i - 2] >> 10);
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
}

// Round i with the eight variables standing `i` places further on, so that none has to move.
static inline void mix(uint32_t v[8], int i, uint32_t word) {
  uint32_t *a = &v[-i & 7], *b = &v[(1 - i) & 7], *c = &v[(2 - i) & 7], *d = &v[(3 - i) & 7];
  uint32_t *e = &v[(4 - i) & 7], *f = &v[(5 - i) & 7], *g = &v[(6 - i) & 7], *h = &v[(7 - i) & 7];
  uint32_t s1 = rotate(*e, 6) ^ rotate(*e, 11) ^ rotate(*e, 25);
  uint32_t t1 = *h + s1 + ((*e & *f) ^ (~*e & *g)) + kr_hash_rounds[i] + word;
  uint32_t s0 = rotate(*a, 2) ^ rotate(*a, 13) ^ rotate(*a, 22);
  *d += t1;
  *h = t1 + s0 + ((*a & *b) ^ (*a & *c) ^ (*b & *c));
}

static void compress(uint32_t state[8], const uint8_t block[64]) {
  uint32_t w[64], v[8];
  expand(block, w);
  memcpy(v, state, sizeof v);
  for (int i = 0; i < 64; i += 8) {
    mix(v, i, w[i]), mix(v, i + 1, w[i + 1]), mix(v, i + 2, w[i + 2]), mix(v, i + 3, w[i + 3]);
    mix(v, i + 4, w[i + 4]), mix(v, i + 5, w[i + 5]), mix(v, i + 6, w[i + 6]);
    mix(v, i + 7, w[i + 7]);
  }
  for (int i = 0; i < 8; i++) state[i] += v[i];
}

void kr_hash_portable(uint32_t state[8], const uint8_t *at, size_t n_blocks) {
  for (; n_blocks > 0; n_blocks--, at += 64) compress(state, at);
}

static void compress_blocks(KrHash *hash, const uint8_t *at, size_t n_blocks) {
  if (!kr_hash_native(hash->state, at, n_blocks)) kr_hash_portable(hash->state, at, n_blocks);
}

void kr_hash_init(KrHash *hash) {
  // First 32 bits of the fractional parts of the square roots of the first 8 primes (5.3.3).
  static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  memset(hash, 0, sizeof *hash);
  memcpy(hash->state, start, sizeof start);
}

void kr_hash_put(KrHash *hash, const void *at, size_t n) {
  const uint8_t *bytes = at;
  size_t n_held = (size_t)(hash->n_bytes % 64);
  hash->n_bytes += n;
  if (n_held != 0) {
    size_t n_taken = n < 64 - n_held ? n : 64 - n_held;
    if (n_taken != 0) memcpy(hash->block + n_held, bytes, n_taken);
    if (n_held + n_taken < 64) return;
    compress_blocks(hash, hash->block, 1);
    bytes += n_taken;
    n -= n_taken;
  }
  if (n >= 64) compress_blocks(hash, bytes, n / 64);
  if (n % 64 != 0) memcpy(hash->block, bytes + n / 64 * 64, n % 64);
}

void kr_hash_put_u32(KrHash *hash, uint32_t value) {
  uint8_t bytes[4];
  for (int i = 0; i < 4; i++) bytes[i] = (uint8_t)(value >> (8 * i));
  kr_hash_put(hash, bytes, sizeof bytes);
}

void kr_hash_put_u64(KrHash *hash, uint64_t value) {
  uint8_t bytes[8];
  for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(value >> (8 * i));
  kr_hash_put(hash, bytes, sizeof bytes);
}

KrDigest kr_hash_end(KrHash *hash) {
  static const uint8_t padding[64] = {0x80};
  uint64_t n_bits = hash->n_bytes * 8;
  uint8_t length[8];
  KrDigest digest;
  for (int i = 0; i < 8; i++) length[i] = (uint8_t)(n_bits >> (56 - 8 * i));
  kr_hash_put(hash, padding, 1 + (size_t)((119 - hash->n_bytes % 64) % 64));
  kr_hash_put(hash, length, sizeof length);
  for (int i = 0; i < 32; i++) digest.at[i] = (uint8_t)(hash->state[i / 4] >> (24 - 8 * (i % 4)));
  return digest;
}

void kr_digest_text(const KrDigest *digest, char text[65]) {
  for (int i = 0; i < 32; i++) {
    text[2 * i] = "0123456789abcdef"[digest->at[i] >> 4];
    text[2 * i + 1] = "0123456789abcdef"[digest->at[i] & 15];
  }
  text[64] = '\0';
}

// SHA-256 by the processor's own instructions, where it has them: the same digests, about eight
// times as fast. Intel SDM volume 2: SHA256RNDS2 makes two rounds, SHA256MSG1 and SHA256MSG2 four
// words of the message schedule.
#include "base/hash_native.h"
#include "base/hash.h"

#if defined(__x86_64__)
#include <string.h>

typedef int Words __attribute__((vector_size(16)));
typedef char Bytes __attribute__((vector_size(16)));
#define NATIVE __attribute__((target("sha,sse4.1")))

static void read_cpuid(uint32_t leaf, uint32_t out[4]) {
  __asm__ volatile("cpuid"
                   : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
                   : "a"(leaf), "c"(0));
}

/// CPUID leaf 1 ECX bit 19: SSE4.1; leaf 7 EBX bit 29: SHA.
static bool ask_processor(void) {
  uint32_t out[4];
  read_cpuid(0, out);
  if (out[0] < 7) return false;
  read_cpuid(1, out);
  bool has_sse = (out[2] >> 19 & 1) != 0;
  read_cpuid(7, out);
  return has_sse && (out[1] >> 29 & 1) != 0;
}

/// Asked once: under a hypervisor the question costs as much as thousands of blocks.
static bool is_native(void) {
  static int answer;
  int known = __atomic_load_n(&answer, __ATOMIC_RELAXED);
  if (known == 0) {
    known = ask_processor() ? 1 : -1;
    __atomic_store_n(&answer, known, __ATOMIC_RELAXED);
  }
  return known > 0;
}

/// Four big-endian words.
NATIVE static Words load_words(const uint8_t *at) {
  Bytes bytes;
  memcpy(&bytes, at, sizeof bytes);
  return (Words)__builtin_shufflevector(bytes, bytes, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14,
                                        13, 12);
}

/// The next four words of the schedule from the last sixteen, `w[0]` the oldest four.
NATIVE static Words schedule(Words w0, Words w1, Words w2, Words w3) {
  Words middle = __builtin_shufflevector(w2, w3, 1, 2, 3, 4);
  return __builtin_ia32_sha256msg2(__builtin_ia32_sha256msg1(w0, w1) + middle, w3);
}

NATIVE static void compress_native(uint32_t state[8], const uint8_t *at, size_t n_blocks) {
  const uint32_t *s = state;
  Words abef = {(int)s[5], (int)s[4], (int)s[1], (int)s[0]};
  Words cdgh = {(int)s[7], (int)s[6], (int)s[3], (int)s[2]};
  for (; n_blocks > 0; n_blocks--, at += 64) {
    Words abef_before = abef, cdgh_before = cdgh, w[4];
    for (int i = 0; i < 4; i++) w[i] = load_words(at + 16 * i);
    for (int i = 0; i < 16; i++) {
      if (i >= 4) w[i & 3] = schedule(w[i & 3], w[(i + 1) & 3], w[(i + 2) & 3], w[(i + 3) & 3]);
      Words constants;
      memcpy(&constants, kr_hash_rounds + 4 * i, sizeof constants);
      Words sum = w[i & 3] + constants;
      cdgh = __builtin_ia32_sha256rnds2(cdgh, abef, sum);
      abef = __builtin_ia32_sha256rnds2(abef, cdgh, __builtin_shufflevector(sum, sum, 2, 3, 2, 3));
    }
    abef += abef_before;
    cdgh += cdgh_before;
  }
  for (int i = 0; i < 2; i++) {
    state[1 - i] = (uint32_t)abef[2 + i];
    state[5 - i] = (uint32_t)abef[i];
    state[3 - i] = (uint32_t)cdgh[2 + i];
    state[7 - i] = (uint32_t)cdgh[i];
  }
}

bool kr_hash_native(uint32_t state[8], const uint8_t *at, size_t n_blocks) {
  if (!is_native()) return false;
  compress_native(state, at, n_blocks);
  return true;
}
#else
bool kr_hash_native(uint32_t state[8], const uint8_t *at, size_t n_blocks) {
  (void)state, (void)at, (void)n_blocks;
  return false;
}
#endif

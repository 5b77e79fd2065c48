/// SHA-256 of whole blocks of 64 bytes, by the processor's own instructions where it has them: a
/// sweep puts 16 GiB into it.
#ifndef KR_TEST_PROVE_DIGEST_H
#define KR_TEST_PROVE_DIGEST_H
#include "base/hash.h"
#include <stdbool.h>

typedef struct Digest {
  KrHash hash; ///< without the instructions
  bool fast;
  uint32_t state[8]; ///< with them: a b e f, c d g h, highest first in a register
  uint64_t n_bytes;
} Digest;
void digest_init(Digest *digest);
void digest_put(Digest *digest, const void *at, size_t n); ///< n a multiple of 64
KrDigest digest_end(Digest *digest);
#endif

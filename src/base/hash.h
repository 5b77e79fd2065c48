/// SHA-256 (FIPS 180-4). A hash is used once: after kr_hash_end only kr_hash_init. All: [any] rt
/// exact
#ifndef KR_BASE_HASH_H
#define KR_BASE_HASH_H
#include "kairo/asset.h"
#include <stddef.h>
#include <stdint.h>
typedef struct KrHash {
  uint32_t state[8];
  uint64_t n_bytes;
  uint8_t block[64];
} KrHash;
void kr_hash_init(KrHash *hash);
void kr_hash_put(KrHash *hash, const void *at, size_t n);
void kr_hash_put_u32(KrHash *hash, uint32_t value); ///< little-endian
void kr_hash_put_u64(KrHash *hash, uint64_t value); ///< little-endian
KrDigest kr_hash_end(KrHash *hash);
/// 64 lower-case digits and a terminator.
void kr_digest_text(const KrDigest *digest, char text[65]);
#endif

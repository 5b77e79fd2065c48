/// What hash.c and its form by the processor's own instructions share.
#ifndef KR_BASE_HASH_NATIVE_H
#define KR_BASE_HASH_NATIVE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

extern const uint32_t kr_hash_rounds[64];
/// Compresses n_blocks of 64 bytes into the state, on every processor. [any] rt exact
void kr_hash_portable(uint32_t state[8], const uint8_t *at, size_t n_blocks);
/// Compresses n_blocks of 64 bytes into the state; false: nothing was done, there are no such
/// instructions here. [any] rt exact
bool kr_hash_native(uint32_t state[8], const uint8_t *at, size_t n_blocks);
#endif

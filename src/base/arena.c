/// How an arena cuts its chunks: blocks of doubling size, every object aligned to 64 bytes.
#include "base/arena.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT ((size_t)64)
#define MIN_CHUNK_BYTES ((size_t)16384)
#define MAX_CHUNK_BYTES ((size_t)1 << 20)

// Under AddressSanitizer every object is followed by bytes nobody may touch.
#ifdef __SANITIZE_ADDRESS__
#define IS_GUARDED 1
#elif defined(__has_feature)
#define IS_GUARDED __has_feature(address_sanitizer)
#else
#define IS_GUARDED 0
#endif
#if IS_GUARDED
void __asan_poison_memory_region(const volatile void *at, size_t n_bytes);
void __asan_unpoison_memory_region(const volatile void *at, size_t n_bytes);
#define UNGUARD(at, n_bytes) __asan_unpoison_memory_region((at), (n_bytes))
#define GUARD_BYTES ALIGNMENT
#define GUARD(at, n_bytes) __asan_poison_memory_region((at), (n_bytes))
#else
#define GUARD_BYTES ((size_t)0)
#define GUARD(at, n_bytes) ((void)(at), (void)(n_bytes))
#define UNGUARD(at, n_bytes) ((void)(at), (void)(n_bytes))
#endif

/// The newest chunk is first; `from` and `to` are bounds of what is still free, `from` aligned.
struct KrArenaChunk {
  KrArenaChunk *next;
  unsigned char *from, *to;
  size_t n_bytes;
};

void kr_arena_init(KrArena *arena, const KrAllocator *allocator) {
  *arena = (KrArena){.allocator = allocator};
}

void kr_arena_deinit(KrArena *arena) {
  KrArenaChunk *chunk = arena->chunks;
  while (chunk != NULL) {
    KrArenaChunk *next = chunk->next;
    if (arena->allocator != NULL) {
      arena->allocator->free(arena->allocator->user, chunk);
    } else {
      free(chunk);
    }
    chunk = next;
  }
  arena->chunks = NULL;
  arena->n_bytes = 0;
}

static void *fail(KrArena *arena) {
  if (arena->escape != NULL) longjmp(*arena->escape, 1);
  return NULL;
}

static void *request(const KrAllocator *allocator, size_t n_bytes) {
  if (allocator == NULL) return calloc(1, n_bytes);
  void *at = allocator->alloc(allocator->user, n_bytes);
  if (at == NULL) return NULL;
  UNGUARD(at, n_bytes); // the host may hand out again what an arena had before
  return memset(at, 0, n_bytes);
}

/// A new chunk with room for `n_bytes` (a multiple of 64), or NULL.
static KrArenaChunk *add_chunk(KrArena *arena, size_t n_bytes) {
  const size_t head = sizeof(KrArenaChunk) + ALIGNMENT;
  if (n_bytes > SIZE_MAX / 2 - head) return NULL;
  size_t size = MIN_CHUNK_BYTES;
  if (arena->chunks != NULL && arena->chunks->n_bytes >= size) {
    size =
        arena->chunks->n_bytes < MAX_CHUNK_BYTES / 2 ? 2 * arena->chunks->n_bytes : MAX_CHUNK_BYTES;
  }
  if (size < n_bytes + head) size = n_bytes + head;
  KrArenaChunk *chunk = request(arena->allocator, size);
  if (chunk == NULL) return NULL;
  unsigned char *first = (unsigned char *)(chunk + 1);
  chunk->n_bytes = size;
  chunk->from = first + (ALIGNMENT - (uintptr_t)first % ALIGNMENT) % ALIGNMENT;
  chunk->to = (unsigned char *)chunk + size;
  chunk->next = arena->chunks;
  arena->chunks = chunk;
  return chunk;
}

void *kr_arena_alloc(KrArena *arena, size_t n_bytes) {
  if (n_bytes > SIZE_MAX / 2) return fail(arena);
  if (n_bytes == 0) n_bytes = 1;
  const size_t wanted = n_bytes;
  n_bytes = (n_bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  KrArenaChunk *chunk = arena->chunks;
  if (chunk == NULL || (size_t)(chunk->to - chunk->from) < n_bytes + GUARD_BYTES) {
    chunk = add_chunk(arena, n_bytes + GUARD_BYTES);
    if (chunk == NULL) return fail(arena);
  }
  unsigned char *at = chunk->from;
  chunk->from += n_bytes + GUARD_BYTES;
  GUARD(at + wanted, n_bytes - wanted + GUARD_BYTES);
  arena->n_bytes += n_bytes;
  return at;
}

void *kr_arena_array(KrArena *arena, size_t n, size_t size) {
  if (size != 0 && n > SIZE_MAX / size) return fail(arena);
  return kr_arena_alloc(arena, n * size);
}

void *kr_arena_copy(KrArena *arena, const void *at, size_t n_bytes) {
  void *copy = kr_arena_alloc(arena, n_bytes);
  if (copy != NULL && n_bytes != 0) memcpy(copy, at, n_bytes);
  return copy;
}

void *kr_arena_grow(KrArena *arena, void *items, size_t n, size_t *cap, size_t size) {
  size_t new_cap = *cap < 8 ? 8 : *cap * 2;
  if (*cap > UINT32_MAX / 2) return fail(arena);
  void *grown = kr_arena_array(arena, new_cap, size);
  if (grown == NULL) return NULL;
  if (n != 0) memcpy(grown, items, n * size);
  *cap = new_cap;
  return grown;
}

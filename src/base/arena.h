/// Arenas: memory with one life time (program, prepared, block), freed as a whole.
/// An arena never moves what it handed out. All memory is zeroed. Alloc, array, copy and grow
/// answer a lack of memory with `escape` or NULL. All: [main], one thread an arena
#ifndef KR_BASE_ARENA_H
#define KR_BASE_ARENA_H
#include "kairo/asset.h"
#include <setjmp.h>
#include <stddef.h>

/// Where memory comes from; replaced in tests to make the n-th request fail.
typedef struct KrAllocator {
  void *(*alloc)(void *user, size_t n_bytes); ///< NULL when there is none
  void (*free)(void *user, void *at);
  void *user;
} KrAllocator;

typedef struct KrArenaChunk KrArenaChunk;
struct KrArena {
  const KrAllocator *allocator; ///< NULL: malloc and free
  KrArenaChunk *chunks;
  size_t n_bytes; ///< handed out so far, alignment included
  jmp_buf
      *escape; ///< where a failed request jumps (longjmp value 1); NULL: the request returns NULL
};

void kr_arena_init(KrArena *arena, const KrAllocator *allocator);
void kr_arena_deinit(KrArena *arena);
/// n objects of a type, zeroed; checks n*sizeof for overflow (treated as out of memory).
void *kr_arena_array(KrArena *arena, size_t n, size_t size);
#define KR_NEW(arena, Type) ((Type *)kr_arena_array((arena), 1, sizeof(Type)))
#define KR_NEW_ARRAY(arena, Type, n) ((Type *)kr_arena_array((arena), (size_t)(n), sizeof(Type)))
void *kr_arena_copy(KrArena *arena, const void *at, size_t n_bytes);

/// Growing list inside an arena: `Type *items; uint32_t n, cap` of any struct.
/// KR_PUSH(arena, list.items, list.n, list.cap, value)
void *kr_arena_grow(KrArena *arena, void *items, size_t n, size_t *cap, size_t size);
#define KR_PUSH(arena, items, n, cap, value)                                                       \
  do {                                                                                             \
    if ((size_t)(n) == (size_t)(cap)) {                                                            \
      size_t kr_cap = (size_t)(cap);                                                               \
      (items) = kr_arena_grow((arena), (items), (size_t)(n), &kr_cap, sizeof *(items));            \
      (cap) = (uint32_t)kr_cap;                                                                    \
    }                                                                                              \
    (items)[(n)++] = (value);                                                                      \
  } while (0)
#endif

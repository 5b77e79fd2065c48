/// Text spans and growing text. Without memory and without `escape` a buffer keeps what it had and
/// kr_text_string and kr_text_print return NULL or a beginning. No stdio: pure folders format with
/// kr_text_put.
#ifndef KR_BASE_TEXT_H
#define KR_BASE_TEXT_H
#include "base/arena.h"
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// A span of UTF-8 bytes, not terminated, not owned.
typedef struct KrText {
  const char *at;
  size_t n;
} KrText;
#define KR_TEXT(literal) ((KrText){(literal), sizeof(literal) - 1})

KrText kr_text_from(const char *string);
bool kr_text_is(KrText a, const char *string);
bool kr_text_equal(KrText a, KrText b);
/// Terminated copy.
char *kr_text_string(KrArena *arena, KrText text);
/// Edit distance (Levenshtein with transposition), for "did you mean".
uint32_t kr_text_distance(KrText a, KrText b);

/// Growing text; `at` is always terminated once anything was put.
typedef struct KrBuffer {
  KrArena *arena;
  char *at;
  size_t n, cap;
} KrBuffer;
void kr_buffer_init(KrBuffer *buffer, KrArena *arena);
void kr_buffer_put(KrBuffer *buffer, const void *at, size_t n);
/// Formats: %s (const char *) %t (KrText) %c %d (int) %u (unsigned) %lld %llu %zu %x %016llx
/// %r (KrRatio, as `3/4` or `3`; two int64_t arguments num, den) %g (double, shortest round trip)
/// %f (float passed as double, shortest that reads back as float) %%.
void kr_buffer_print(KrBuffer *buffer, const char *format, ...);
void kr_buffer_vprint(KrBuffer *buffer, const char *format, va_list args);
/// Formatted text in an arena, terminated.
char *kr_text_print(KrArena *arena, const char *format, ...);
#endif

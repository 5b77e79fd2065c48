/// Text spans, edit distance and the formatter that pure folders use instead of stdio.
#include "base/text.h"
#include "base/number.h"
#include <string.h>

#define MAX_DISTANCE_BYTES 63

KrText kr_text_from(const char *string) { return (KrText){string, strlen(string)}; }

bool kr_text_is(KrText a, const char *string) { return kr_text_equal(a, kr_text_from(string)); }

bool kr_text_equal(KrText a, KrText b) {
  return a.n == b.n && (a.n == 0 || memcmp(a.at, b.at, a.n) == 0);
}

char *kr_text_string(KrArena *arena, KrText text) {
  char *string = kr_arena_alloc(arena, text.n + 1);
  if (string != NULL && text.n != 0) memcpy(string, text.at, text.n);
  return string;
}

static uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }

/// Texts beyond 63 bytes are as far apart as the longer one is long.
uint32_t kr_text_distance(KrText a, KrText b) {
  uint32_t rows[3][MAX_DISTANCE_BYTES + 1];
  if (a.n > MAX_DISTANCE_BYTES || b.n > MAX_DISTANCE_BYTES) {
    return kr_text_equal(a, b) ? 0 : (uint32_t)(a.n > b.n ? a.n : b.n);
  }
  for (size_t j = 0; j <= b.n; j++) rows[0][j] = (uint32_t)j;
  for (size_t i = 1; i <= a.n; i++) {
    uint32_t *row = rows[i % 3];
    const uint32_t *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
    row[0] = (uint32_t)i;
    for (size_t j = 1; j <= b.n; j++) {
      uint32_t change = above[j - 1] + (a.at[i - 1] == b.at[j - 1] ? 0u : 1u);
      row[j] = least(change, least(above[j], row[j - 1]) + 1);
      if (i > 1 && j > 1 && a.at[i - 1] == b.at[j - 2] && a.at[i - 2] == b.at[j - 1]) {
        row[j] = least(row[j], above2[j - 2] + 1);
      }
    }
  }
  return rows[a.n % 3][b.n];
}

void kr_buffer_init(KrBuffer *buffer, KrArena *arena) { *buffer = (KrBuffer){.arena = arena}; }

/// Room for n more bytes and the terminator; false when memory is out.
static bool reserve(KrBuffer *buffer, size_t n) {
  if (buffer->at != NULL && n < buffer->cap - buffer->n) return true;
  size_t cap = buffer->cap < 64 ? 64 : buffer->cap;
  while (cap - buffer->n <= n && cap < SIZE_MAX / 4) cap *= 2;
  char *at = cap - buffer->n > n ? kr_arena_alloc(buffer->arena, cap)
                                 : kr_arena_alloc(buffer->arena, SIZE_MAX);
  if (at == NULL) return false;
  if (buffer->n != 0) memcpy(at, buffer->at, buffer->n);
  buffer->at = at;
  buffer->cap = cap;
  return true;
}

void kr_buffer_put(KrBuffer *buffer, const void *at, size_t n) {
  if (!reserve(buffer, n)) return;
  if (n != 0) memcpy(buffer->at + buffer->n, at, n);
  buffer->n += n;
  buffer->at[buffer->n] = '\0';
}

static void put_unsigned(KrBuffer *buffer, uint64_t value, unsigned base, unsigned width) {
  char digits[64];
  unsigned n = 0;
  do {
    digits[63 - n++] = "0123456789abcdef"[value % base];
    value /= base;
  } while (value != 0);
  while (n < width && n < sizeof digits) digits[63 - n++] = '0';
  kr_buffer_put(buffer, digits + 64 - n, n);
}

static void put_signed(KrBuffer *buffer, int64_t value) {
  if (value < 0) kr_buffer_put(buffer, "-", 1);
  put_unsigned(buffer, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 10, 0);
}

static void put_ratio(KrBuffer *buffer, int64_t num, int64_t den) {
  put_signed(buffer, num);
  if (den == 1) return;
  kr_buffer_put(buffer, "/", 1);
  put_signed(buffer, den);
}

/// The argument list is passed as a struct so that it can be passed on by address.
typedef struct Arguments {
  va_list list;
} Arguments;

typedef enum Length { LENGTH_INT, LENGTH_LONG_LONG, LENGTH_SIZE } Length;

static uint64_t take_unsigned(Arguments *arguments, Length length) {
  if (length == LENGTH_LONG_LONG) return va_arg(arguments->list, unsigned long long);
  if (length == LENGTH_SIZE) return va_arg(arguments->list, size_t);
  return va_arg(arguments->list, unsigned);
}

static void put_number(KrBuffer *buffer, char kind, Arguments *arguments) {
  char digits[32];
  double value = va_arg(arguments->list, double);
  size_t n =
      kind == 'g' ? kr_number_print_f64(value, digits) : kr_number_print_f32((float)value, digits);
  kr_buffer_put(buffer, digits, n);
}

static void put_text(KrBuffer *buffer, char kind, Arguments *arguments) {
  KrText text;
  char c;
  if (kind == 't') {
    text = va_arg(arguments->list, KrText);
  } else if (kind == 'c') {
    c = (char)va_arg(arguments->list, int);
    text = (KrText){&c, 1};
  } else {
    text = kr_text_from(va_arg(arguments->list, const char *));
  }
  kr_buffer_put(buffer, text.at, text.n);
}

/// One directive; `at` is behind its `%`. Returns where the text goes on.
static const char *put_directive(KrBuffer *buffer, const char *at, Arguments *arguments) {
  unsigned width = 0;
  Length length = LENGTH_INT;
  while (*at >= '0' && *at <= '9') width = width * 10 + (unsigned)(*at++ - '0');
  if (at[0] == 'l' && at[1] == 'l') length = LENGTH_LONG_LONG, at += 2;
  if (*at == 'z') length = LENGTH_SIZE, at++;
  switch (*at) {
  case 's':
  case 't':
  case 'c': put_text(buffer, *at, arguments); break;
  case 'd':
    put_signed(buffer, length == LENGTH_LONG_LONG ? va_arg(arguments->list, long long)
                                                  : va_arg(arguments->list, int));
    break;
  case 'u': put_unsigned(buffer, take_unsigned(arguments, length), 10, width); break;
  case 'x': put_unsigned(buffer, take_unsigned(arguments, length), 16, width); break;
  case 'r': {
    int64_t num = va_arg(arguments->list, int64_t);
    put_ratio(buffer, num, va_arg(arguments->list, int64_t));
    break;
  }
  case 'g':
  case 'f': put_number(buffer, *at, arguments); break;
  case '\0': return at;
  default: kr_buffer_put(buffer, at, 1); break;
  }
  return at + 1;
}

void kr_buffer_vprint(KrBuffer *buffer, const char *format, va_list args) {
  Arguments arguments;
  va_copy(arguments.list, args);
  kr_buffer_put(buffer, "", 0);
  while (*format != '\0') {
    const char *end = format;
    while (*end != '\0' && *end != '%') end++;
    if (end != format) kr_buffer_put(buffer, format, (size_t)(end - format));
    if (*end == '%') end = put_directive(buffer, end + 1, &arguments);
    format = end;
  }
  va_end(arguments.list);
}

void kr_buffer_print(KrBuffer *buffer, const char *format, ...) {
  va_list args;
  va_start(args, format);
  kr_buffer_vprint(buffer, format, args);
  va_end(args);
}

char *kr_text_print(KrArena *arena, const char *format, ...) {
  KrBuffer buffer;
  va_list args;
  kr_buffer_init(&buffer, arena);
  va_start(args, format);
  kr_buffer_vprint(&buffer, format, args);
  va_end(args);
  return buffer.at;
}

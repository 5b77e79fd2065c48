/// Decides where a byte stands: lines end with \n or \r\n, columns count characters.
#include "lang/place.h"

enum { STRIDE = 256 };

/// A byte that begins a character (UTF-8 continuation bytes do not).
static bool begins_character(char c) { return ((unsigned char)c & 0xC0) != 0x80; }

KrPlace kr_source_place(const KrSource *source, uint32_t offset) {
  KrPlace place = {1, 1};
  KrText text = source->text;
  for (size_t i = 0; i < offset && i < text.n; i++) {
    if (text.at[i] == '\n') {
      place.line++;
      place.column = 1;
    } else if (begins_character(text.at[i])) {
      place.column++;
    }
  }
  return place;
}

void kr_lines_init(KrLines *lines, const KrSource *source, KrArena *arena) {
  KrText text = source->text;
  if (text.n > UINT32_MAX / 2) text.n = 0;
  *lines = (KrLines){.text = text};
  lines->n_characters = KR_NEW_ARRAY(arena, uint32_t, text.n / STRIDE + 1);
  KR_PUSH(arena, lines->begins, lines->n, lines->cap, 0);
  uint32_t n_characters = 0;
  for (uint32_t i = 0; i < text.n; i++) {
    if (i % STRIDE == 0) lines->n_characters[i / STRIDE] = n_characters;
    if (begins_character(text.at[i])) n_characters++;
    if (text.at[i] == '\n') KR_PUSH(arena, lines->begins, lines->n, lines->cap, i + 1);
  }
  if (text.n % STRIDE == 0) lines->n_characters[text.n / STRIDE] = n_characters;
}

static uint32_t count_before(const KrLines *lines, uint32_t offset) {
  uint32_t n = lines->n_characters[offset / STRIDE];
  for (uint32_t i = offset / STRIDE * STRIDE; i < offset; i++) {
    if (begins_character(lines->text.at[i])) n++;
  }
  return n;
}

KrPlace kr_lines_place(const KrLines *lines, uint32_t offset) {
  if (offset > lines->text.n) offset = (uint32_t)lines->text.n;
  uint32_t low = 0, high = lines->n; // begins[low] <= offset < begins[high]
  while (high - low > 1) {
    uint32_t middle = low + (high - low) / 2;
    if (lines->begins[middle] <= offset) {
      low = middle;
    } else {
      high = middle;
    }
  }
  uint32_t column = count_before(lines, offset) - count_before(lines, lines->begins[low]) + 1;
  return (KrPlace){low + 1, column};
}

KrText kr_lines_at(const KrLines *lines, uint32_t line) {
  uint32_t begin = lines->begins[line - 1];
  size_t end = line < lines->n ? lines->begins[line] - 1 : lines->text.n;
  if (end > begin && lines->text.at[end - 1] == '\r' && line < lines->n) end--;
  return (KrText){lines->text.at + begin, end - begin};
}

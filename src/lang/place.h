/// Byte offset to line and column, many times over one source. Internal to lang.
#ifndef KR_LANG_PLACE_H
#define KR_LANG_PLACE_H
#include "lang/ast.h"

typedef struct KrLines {
  KrText text;
  uint32_t *begins; ///< where each line begins
  uint32_t n, cap;
  uint32_t *n_characters; ///< characters before every 256th byte
} KrLines;
void kr_lines_init(KrLines *lines, const KrSource *source, KrArena *arena);
KrPlace kr_lines_place(const KrLines *lines, uint32_t offset);
/// The line (from 1) without its end.
KrText kr_lines_at(const KrLines *lines, uint32_t line);
#endif

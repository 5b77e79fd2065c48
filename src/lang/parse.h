/// Text to syntax tree, in linear time. Grammar: docs/language.md.
#ifndef KR_LANG_PARSE_H
#define KR_LANG_PARSE_H
#include "lang/diagnostic.h"

enum { KR_PARSE_MAX_DEPTH = 256 };

/// Parses source `file` of list->sources. Always gives a tree (with what could be read); errors go
/// to `list`. Recovers at statement ends so that all errors of a file are reported.
KrAst *kr_parse(KrArena *arena, KrDiagnostics *list, uint32_t file);
/// Prints the tree, one node a line, two blanks per level (from level 64 on its number instead):
/// `kind text [line:column]`. Without the places when `source` is NULL.
void kr_ast_print(const KrAst *ast, const KrSource *source, KrBuffer *out);
/// The source in the standard layout; idempotent; keeps comments. `ast` must be free of errors.
void kr_format(const KrAst *ast, const KrSource *source, KrBuffer *out);
#endif

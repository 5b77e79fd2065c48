/// Decides how a tree is printed. No recursion: a sum of many terms is a deep tree.
#include "lang/parse.h"
#include "lang/place.h"
#include <string.h>

enum { MAX_INDENT = 64 };

typedef struct Entry {
  const KrAst *node;
  uint32_t level;
} Entry;

static const char *const kind_names[] = {
#define KR_AST_NAME_OF(kind, text) text,
    KR_AST_LIST(KR_AST_NAME_OF)
#undef KR_AST_NAME_OF
};

static void put_indent(KrBuffer *out, uint32_t level) {
  char blanks[2 * MAX_INDENT];
  memset(blanks, ' ', sizeof blanks);
  kr_buffer_put(out, blanks, 2 * (size_t)(level < MAX_INDENT ? level : MAX_INDENT));
  if (level >= MAX_INDENT) kr_buffer_print(out, "(%u) ", level);
}

static void put_node(KrBuffer *out, const KrAst *node, const KrLines *lines) {
  kr_buffer_print(out, "%s", kind_names[node->kind]);
  if (node->kind == KR_AST_STRING) {
    kr_buffer_print(out, " \"%t\"", node->text);
  } else if (node->text.n != 0 && node->kind != KR_AST_ALT && node->kind != KR_AST_PIPE) {
    kr_buffer_print(out, " %t", node->text);
  }
  if (node->kind == KR_AST_NUMBER && node->unit.n != 0) kr_buffer_print(out, "%t", node->unit);
  if (lines != NULL) {
    KrPlace place = kr_lines_place(lines, node->span.begin);
    kr_buffer_print(out, " [%u:%u]", place.line, place.column);
  }
  kr_buffer_put(out, "\n", 1);
}

void kr_ast_print(const KrAst *ast, const KrSource *source, KrBuffer *out) {
  KrLines lines;
  if (source != NULL) kr_lines_init(&lines, source, out->arena);
  Entry *stack = NULL;
  uint32_t n = 0, cap = 0;
  KR_PUSH(out->arena, stack, n, cap, ((Entry){ast, 0}));
  while (n != 0) {
    Entry entry = stack[--n];
    put_indent(out, entry.level);
    put_node(out, entry.node, source != NULL ? &lines : NULL);
    for (uint32_t i = entry.node->n; i > 0; i--) {
      const KrAst *child = entry.node->at[i - 1];
      if (child != NULL) KR_PUSH(out->arena, stack, n, cap, ((Entry){child, entry.level + 1}));
    }
  }
}

/// Fuzz target: any bytes may be parsed, printed and formatted; the layout is stable and changes
/// nothing in the tree. With -DKR_FUZZ_LIBFUZZER libFuzzer drives it, else the runner of mutate.h.
#include "lang/parse.h"
#include "mutate.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static KrAst *parse(KrArena *arena, KrText text, uint32_t *n_errors) {
  KrSource *source = KR_NEW(arena, KrSource);
  *source = (KrSource){KR_TEXT("fuzz"), text};
  KrDiagnostics list = {.arena = arena, .sources = source, .n_sources = 1};
  KrAst *program = kr_parse(arena, &list, 0);
  KrBuffer out;
  kr_buffer_init(&out, arena);
  kr_diagnostics_print(&list, &out);
  for (uint32_t i = 0; i < list.n; i++) {
    if (list.items[i].hint == NULL) abort();
  }
  *n_errors = list.n_errors;
  return program;
}

static KrText tree(KrArena *arena, const KrAst *ast) {
  KrBuffer out;
  kr_buffer_init(&out, arena);
  kr_ast_print(ast, NULL, &out);
  return (KrText){out.at, out.n};
}

static KrText format(KrArena *arena, const KrAst *ast, KrText text) {
  KrSource source = {KR_TEXT("fuzz"), text};
  KrBuffer out;
  kr_buffer_init(&out, arena);
  kr_format(ast, &source, &out);
  return (KrText){out.at, out.n};
}

static void fail(const char *what, KrText a, KrText b) {
  fprintf(stderr, "%s\n--- one\n%.*s\n--- other\n%.*s\n", what, (int)a.n, a.n ? a.at : "", (int)b.n,
          b.n ? b.at : "");
  abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  KrArena arena;
  uint32_t n_errors;
  kr_arena_init(&arena, NULL);
  char *copy = malloc(n == 0 ? 1 : n); // its own block: the sanitizer sees one byte too far
  if (copy == NULL) abort();
  if (n != 0) memcpy(copy, data, n);
  KrText text = {copy, n};
  KrAst *ast = parse(&arena, text, &n_errors);
  KrText before = tree(&arena, ast);
  if (n_errors == 0) {
    KrText once = format(&arena, ast, text);
    KrAst *again = parse(&arena, once, &n_errors);
    KrText after = tree(&arena, again);
    if (n_errors != 0) fail("the standard layout does not parse", text, once);
    if (!kr_text_equal(before, after)) fail("the standard layout is another program", text, once);
    KrText twice = format(&arena, again, once);
    if (!kr_text_equal(once, twice)) fail("the standard layout is not stable", once, twice);
  }
  free(copy);
  kr_arena_deinit(&arena);
  return 0;
}

#ifndef KR_FUZZ_LIBFUZZER
int main(int n_args, char **args) {
  FuzzTarget target = {"parse", ".kairo ", fuzz_change_text};
  return fuzz_main(&target, n_args, args);
}
#endif

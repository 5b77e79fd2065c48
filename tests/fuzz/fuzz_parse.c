/// Fuzz target: any bytes may be parsed, printed and formatted; the layout is stable and changes
/// nothing in the tree. With -DKR_FUZZ_LIBFUZZER libFuzzer drives it; else main mutates the files
/// given, and the *.kairo files of folders given: fuzz_parse SEED N_MUTATIONS FILE|FOLDER…, the
/// same run for the same arguments.
#include "lang/parse.h"
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

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
typedef struct Bytes {
  uint8_t *at;
  size_t n;
} Bytes;

/// SplitMix64 (Steele, Lea, Flood 2014).
static uint64_t next_random(uint64_t *state) {
  uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
  z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
  return z ^ (z >> 31);
}

static size_t below(uint64_t *state, size_t n) {
  return n == 0 ? 0 : (size_t)(next_random(state) % n);
}

static const char *const pieces[] = {
    "\n",      "\r\n",    ";",          " ",        "\t",     "(",      ")",     "[",      "]",
    "{",       "}",       "{}",         ",",        ":",      ".",      "..",    "=",      "==",
    "->",      "+",       "-",          "*",        "/",      "%",      "^",     "!",      "<",
    ">",       ">=",      "<=",         "&&",       "||",     "|",      "|>",    "|x|",    "@",
    "@state",  "@a=1",    "#c\n",       "//c\n",    "/*c*/",  "/*\n*/", "'s'",   "\"s\"",  "1",
    "0.5",     "1e3",     "2D",         "440Hz",    ".5",     "x",      "x.0",   ".name",  "if ",
    " then ",  " else ",  "else ",      "for ",     " in ",   "fn ",    "let ",  "const ", "flow ",
    "output ", "return ", "use ",       "struct ",  "synth ", "scene ", "line ", "frame ", "input ",
    "true",    "a: 1",    "a: f32 = 1", "\xC3\xA9", "\xFF",   "\x01",   "a=",    "f(",
};

/// One change at a random place: bytes out, in, changed, copied from elsewhere, or a piece of text
/// in.
static void mutate(Bytes *bytes, size_t cap, const Bytes *other, uint64_t *state) {
  size_t at = below(state, bytes->n + 1), n = 0;
  const uint8_t *from = NULL;
  uint8_t byte = (uint8_t)next_random(state);
  switch (next_random(state) % 6) {
  case 0:
    n = 1 + below(state, 12);
    if (n > bytes->n - at) n = bytes->n - at;
    memmove(bytes->at + at, bytes->at + at + n, bytes->n - at - n);
    bytes->n -= n;
    return;
  case 1:
    if (at < bytes->n) bytes->at[at] = byte;
    return;
  case 2: from = &byte, n = 1; break;
  case 3:
    if (other->n != 0) {
      size_t begin = below(state, other->n);
      n = 1 + below(state, other->n - begin < 40 ? other->n - begin : 40);
      if (n > other->n - begin) n = other->n - begin;
      from = other->at + begin;
    }
    break;
  default:
    from = (const uint8_t *)pieces[below(state, sizeof pieces / sizeof *pieces)];
    n = strlen((const char *)from);
    break;
  }
  if (n == 0 || bytes->n + n > cap) return;
  memmove(bytes->at + at + n, bytes->at + at, bytes->n - at);
  memcpy(bytes->at + at, from, n);
  bytes->n += n;
}

enum { MAX_BYTES = 1 << 20, MAX_FILES = 4096 };

static Bytes files[MAX_FILES];
static size_t n_files;

static void read_file(const char *name) {
  Bytes bytes = {malloc(MAX_BYTES), 0};
  FILE *file = fopen(name, "rb");
  if (file == NULL || bytes.at == NULL || n_files == MAX_FILES) {
    fprintf(stderr, "fuzz_parse: cannot read %s\n", name);
    exit(2);
  }
  bytes.n = fread(bytes.at, 1, MAX_BYTES, file);
  fclose(file);
  uint8_t *smaller = realloc(bytes.at, bytes.n + 1);
  if (smaller != NULL) bytes.at = smaller;
  files[n_files++] = bytes;
}

static int is_program(const struct dirent *entry) {
  size_t n = strlen(entry->d_name);
  return n > 6 && strcmp(entry->d_name + n - 6, ".kairo") == 0;
}

static void read_folder(const char *name) {
  struct dirent **entries;
  char path[8192];
  int n = scandir(name, &entries, is_program, alphasort);
  if (n < 0) read_file(name);
  for (int i = 0; i < n; i++) {
    snprintf(path, sizeof path, "%s/%s", name, entries[i]->d_name);
    read_file(path);
    free(entries[i]);
  }
  if (n >= 0) free(entries);
}

int main(int n_args, char **args) {
  if (n_args < 4) {
    fprintf(stderr, "usage: fuzz_parse SEED N_MUTATIONS FILE|FOLDER...\n");
    return 2;
  }
  uint64_t state = strtoull(args[1], NULL, 10), n_mutations = strtoull(args[2], NULL, 10);
  size_t cap = MAX_BYTES + 4096;
  Bytes work = {malloc(cap), 0};
  for (int i = 3; i < n_args; i++) read_folder(args[i]);
  if (work.at == NULL || n_files == 0) return 2;
  for (size_t i = 0; i < n_files; i++) LLVMFuzzerTestOneInput(files[i].at, files[i].n);
  for (uint64_t k = 0; k < n_mutations; k++) {
    const Bytes *file = &files[below(&state, n_files)];
    memcpy(work.at, file->at, file->n);
    work.n = file->n;
    for (size_t i = 1 + below(&state, 6); i > 0; i--) {
      mutate(&work, cap, &files[below(&state, n_files)], &state);
    }
    LLVMFuzzerTestOneInput(work.at, work.n);
  }
  printf("%" PRIu64 " mutations of %zu files\n", n_mutations, n_files);
  for (size_t i = 0; i < n_files; i++) free(files[i].at);
  free(work.at);
  return 0;
}
#endif

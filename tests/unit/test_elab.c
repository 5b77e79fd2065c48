/// Elaboration, one case a file: tests/lang/elab/*.kairo with `# expect: LINE` (part of a line of
/// the printed graph) or `# expect: error|warning LINE:COLUMN words`. What is not expected must not
/// be said.
#include "graph/graph.h"
#include "lang/elab.h"
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// clang-format off
#include <cmocka.h>
// clang-format on

/// A path of the project, from the build folder or through KR_SOURCE_ROOT.
static char *path_of(const char *name) {
  const char *root = getenv("KR_SOURCE_ROOT"), *slash = strrchr(__FILE__, '/');
  char *path = malloc(4096);
  assert_non_null(path);
  if (root != NULL)
    snprintf(path, 4096, "%s/tests/lang/elab/%s", root, name);
  else
    snprintf(path, 4096, "%.*s../lang/elab/%s", slash == NULL ? 0 : (int)(slash - __FILE__) + 1,
             __FILE__, name);
  return path;
}

static char *read_file(const char *path, size_t *n) {
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  fseek(file, 0, SEEK_END);
  *n = (size_t)ftell(file);
  rewind(file);
  char *text = malloc(*n + 1);
  assert_non_null(text);
  assert_int_equal(fread(text, 1, *n, file), *n);
  text[*n] = '\0';
  fclose(file);
  return text;
}

typedef struct Case {
  KrArena arena;
  KrSource source[4];
  KrDiagnostics list;
  KrGraph *graph;
  char *printed;
} Case;

static void elaborate(Case *it, const char *text, size_t n) {
  kr_arena_init(&it->arena, NULL);
  it->source[0] = (KrSource){KR_TEXT("case"), {text, n}};
  it->list = (KrDiagnostics){.arena = &it->arena, .sources = it->source, .n_sources = 1};
  KrElabOptions options;
  kr_elab_defaults(&options);
  KrAst *ast = kr_parse(&it->arena, &it->list, 0);
  uint32_t n_errors = it->list.n_errors;
  KrStatus status = kr_elaborate(ast, &options, &it->list, &it->arena, &it->graph);
  assert_int_equal(status, it->list.n_errors > n_errors ? KR_ERROR_PROGRAM : KR_OK);
  KrBuffer out;
  kr_buffer_init(&out, &it->arena);
  if (status == KR_OK) kr_graph_print(it->graph, &out);
  it->printed = out.at != NULL ? out.at : kr_text_print(&it->arena, "");
}

static const char *severity_text(KrSeverity severity) {
  return severity == KR_ERROR ? "error" : severity == KR_WARNING ? "warning" : "note";
}

/// Whether diagnostic `i` is `severity LINE:COLUMN words`.
static int matches(const Case *it, uint32_t i, const char *expected) {
  const KrDiagnostic *item = &it->list.items[i];
  KrPlace place = kr_source_place(&it->list.sources[item->span.file], item->span.begin);
  char head[64];
  int n = snprintf(head, sizeof head, "%s %u:%u ", severity_text(item->severity), place.line,
                   place.column);
  return strncmp(expected, head, (size_t)n) == 0 && strstr(item->message, expected + n) != NULL;
}

static int is_diagnostic(const char *line) {
  return strncmp(line, "error ", 6) == 0 || strncmp(line, "warning ", 8) == 0 ||
         strncmp(line, "note ", 5) == 0;
}

/// True when `line` is expected of this case.
static int check_line(const Case *it, const char *line, char *seen) {
  if (!is_diagnostic(line)) return strstr(it->printed, line) != NULL;
  for (uint32_t i = 0; i < it->list.n; i++)
    if (matches(it, i, line)) return seen[i] = 1;
  return 0;
}

static int run_case(const char *name) {
  size_t n;
  char *path = path_of(name), *text = read_file(path, &n), *copy = strdup(text);
  Case it;
  elaborate(&it, text, n);
  char *seen = calloc(it.list.n + 1, 1);
  int n_failed = 0, n_expected = 0;
  for (char *line = strtok(copy, "\n"); line != NULL; line = strtok(NULL, "\n")) {
    if (strncmp(line, "# expect: ", 10) != 0) continue;
    n_expected++;
    if (check_line(&it, line + 10, seen)) continue;
    printf("%s: missing: %s\n", name, line + 10);
    n_failed++;
  }
  for (uint32_t i = 0; i < it.list.n; i++) {
    KrPlace place =
        kr_source_place(&it.list.sources[it.list.items[i].span.file], it.list.items[i].span.begin);
    if (it.list.items[i].hint == NULL) {
      printf("%s: no hint: %s\n", name, it.list.items[i].message);
      n_failed++;
    }
    if (seen[i]) continue;
    printf("%s: unexpected: %s %u:%u %s\n", name, severity_text(it.list.items[i].severity),
           place.line, place.column, it.list.items[i].message);
    n_failed++;
  }
  if (n_failed > 0 && *it.printed != '\0') printf("%s", it.printed);
  if (n_expected == 0) printf("%s: expects nothing\n", name);
  kr_arena_deinit(&it.arena);
  free(seen);
  free(copy);
  free(text);
  free(path);
  return n_failed > 0 || n_expected == 0;
}

static void every_case_gives_what_it_expects(void **state) {
  (void)state;
  char *folder = path_of("");
  DIR *entries = opendir(folder);
  assert_non_null(entries);
  int n_cases = 0, n_failed = 0;
  for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
    size_t n = strlen(entry->d_name);
    if (n < 7 || strcmp(entry->d_name + n - 6, ".kairo") != 0) continue;
    n_cases++;
    n_failed += run_case(entry->d_name);
  }
  closedir(entries);
  free(folder);
  assert_true(n_cases > 50);
  assert_int_equal(n_failed, 0);
}

/// Constants change the program's hash and leave that of its structure.
static void hashes_tell_structure_from_constants(void **state) {
  (void)state;
  const char *texts[3] = {"flow f(dt=1/100) { output sine(freq=2Hz) }",
                          "flow f(dt=1/100) { output sine(freq=3Hz) }",
                          "flow f(dt=1/50) { output sine(freq=2Hz) }"};
  KrDigest structure[3], program[3];
  for (int i = 0; i < 3; i++) {
    Case it;
    elaborate(&it, texts[i], strlen(texts[i]));
    structure[i] = kr_graph_hash_structure(it.graph);
    program[i] = kr_graph_hash_program(it.graph);
    kr_arena_deinit(&it.arena);
  }
  assert_memory_equal(&structure[0], &structure[1], sizeof *structure);
  assert_memory_not_equal(&program[0], &program[1], sizeof *program);
  assert_memory_not_equal(&structure[0], &structure[2], sizeof *structure);
}

/// A chain of 3000 flows, each reading the next, is elaborated without deep recursion.
static void long_chains_of_flows_are_elaborated(void **state) {
  (void)state;
  enum { N = 3000 };
  char *text = malloc(N * 64);
  assert_non_null(text);
  size_t n = 0;
  for (int i = 0; i + 1 < N; i++)
    n += (size_t)snprintf(text + n, 64, "flow f%d(dt=1/100) { output f%d + 1 }\n", i, i + 1);
  n += (size_t)snprintf(text + n, 64, "flow f%d(dt=1/100) { output time }\n", N - 1);
  Case it;
  elaborate(&it, text, n);
  assert_int_equal(it.list.n_errors, 0);
  assert_int_equal(it.graph->n_outputs, N);
  uint32_t *order;
  KrGraphError error;
  assert_int_equal(kr_graph_order(it.graph, &it.arena, &order, &error), KR_OK);
  assert_int_equal(order[0], N - 1);
  kr_arena_deinit(&it.arena);
  free(text);
}

/// As long a chain of busses, each sending to the next, and one that hears them all.
static void long_chains_of_busses_are_elaborated(void **state) {
  (void)state;
  enum { N = 1000 };
  char *text = malloc(N * 96);
  assert_non_null(text);
  size_t n = (size_t)snprintf(text, 96, "flow all(dt=1/100) { output bus() }\n");
  for (int i = 0; i + 1 < N; i++)
    n += (size_t)snprintf(text + n, 96,
                          "flow f%d(dt=1/100) { let x = bus() + 1; send(all, x); send(f%d, x) }\n",
                          i, i + 1);
  n += (size_t)snprintf(text + n, 96, "flow f%d(dt=1/100) { send(all, bus()) }\n", N - 1);
  Case it;
  elaborate(&it, text, n);
  assert_int_equal(it.list.n_errors, 0);
  uint32_t *order;
  KrGraphError error;
  assert_int_equal(kr_graph_order(it.graph, &it.arena, &order, &error), KR_OK);
  assert_int_equal(order[0], 1);
  assert_int_equal(order[N], 0);
  kr_arena_deinit(&it.arena);
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_case_gives_what_it_expects),
      cmocka_unit_test(hashes_tell_structure_from_constants),
      cmocka_unit_test(long_chains_of_flows_are_elaborated),
      cmocka_unit_test(long_chains_of_busses_are_elaborated),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/// The parser and formatter: every file of tests/lang/parse with what it expects, and the
/// properties that no single file shows (line ends, nesting, long programs).
#include "lang/parse.h"
#include <dirent.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct Parsed {
  KrSource source;
  KrDiagnostics list;
  KrAst *program;
} Parsed;

static Parsed *parse(KrArena *arena, KrText text) {
  Parsed *parsed = KR_NEW(arena, Parsed);
  parsed->source = (KrSource){KR_TEXT("test"), text};
  parsed->list = (KrDiagnostics){.arena = arena, .sources = &parsed->source, .n_sources = 1};
  parsed->program = kr_parse(arena, &parsed->list, 0);
  assert_non_null(parsed->program);
  return parsed;
}

static KrText tree(KrArena *arena, const Parsed *parsed) {
  KrBuffer out;
  kr_buffer_init(&out, arena);
  kr_ast_print(parsed->program, NULL, &out);
  return (KrText){out.at, out.n};
}

static KrText format(KrArena *arena, const Parsed *parsed) {
  KrBuffer out;
  kr_buffer_init(&out, arena);
  kr_format(parsed->program, &parsed->source, &out);
  return (KrText){out.at, out.n};
}

/// Compares and names the file; the texts are shown on a difference.
static void check_equal(const char *name, KrText found, KrText expected) {
  if (kr_text_equal(found, expected)) return;
  fail_msg("%s\n--- found\n%.*s\n--- expected\n%.*s", name, (int)found.n, found.n ? found.at : "",
           (int)expected.n, expected.n ? expected.at : "");
}

/// "error line:column: message | hint" for each, as in the files.
static KrText list_errors(KrArena *arena, const Parsed *parsed) {
  KrBuffer printed, out;
  kr_buffer_init(&printed, arena);
  kr_buffer_init(&out, arena);
  kr_diagnostics_print(&parsed->list, &printed);
  char *line = printed.at;
  while (line != NULL && *line != '\0') {
    char *end = strchr(line, '\n');
    *end = '\0';
    if (strncmp(line, "test:", 5) == 0) {
      char *mark = strstr(line, ": error: ");
      assert_non_null(mark);
      if (out.n != 0) kr_buffer_put(&out, "\n", 1);
      kr_buffer_print(&out, "error %t: %s", (KrText){line + 5, (size_t)(mark - line) - 5},
                      mark + 9);
    } else if (strncmp(line, "  hint: ", 8) == 0) {
      kr_buffer_print(&out, " | %s", line + 8);
    }
    line = end + 1;
  }
  if (out.n != 0) kr_buffer_put(&out, "\n", 1);
  return (KrText){out.at, out.n};
}

/// The text behind each `# expect: `, lines of errors or of the tree.
static KrText find_expected(KrArena *arena, KrText text, bool errors) {
  KrBuffer out;
  kr_buffer_init(&out, arena);
  for (size_t i = 0; i < text.n;) {
    const char *end = memchr(text.at + i, '\n', text.n - i);
    size_t n = end == NULL ? text.n - i : (size_t)(end - (text.at + i));
    if (n > 10 && memcmp(text.at + i, "# expect: ", 10) == 0) {
      bool is_error = n > 16 && memcmp(text.at + i + 10, "error ", 6) == 0;
      if (is_error == errors) kr_buffer_print(&out, "%t\n", (KrText){text.at + i + 10, n - 10});
    }
    i += n + 1;
  }
  return (KrText){out.at, out.n};
}

static KrText with_crlf(KrArena *arena, KrText text) {
  KrBuffer out;
  kr_buffer_init(&out, arena);
  for (size_t i = 0; i < text.n; i++) {
    if (text.at[i] == '\n') kr_buffer_put(&out, "\r", 1);
    kr_buffer_put(&out, text.at + i, 1);
  }
  return (KrText){out.at, out.n};
}

/// The standard layout is the same program and its own standard layout.
static void check_format(KrArena *arena, const char *name, const Parsed *parsed) {
  KrText before = tree(arena, parsed);
  Parsed *crlf = parse(arena, with_crlf(arena, parsed->source.text));
  check_equal(name, tree(arena, crlf), before);
  KrText once = format(arena, parsed);
  check_equal(name, format(arena, crlf), once);
  Parsed *again = parse(arena, once);
  assert_int_equal(again->list.n_errors, 0);
  check_equal(name, tree(arena, again), before);
  check_equal(name, format(arena, again), once);
}

static void check_file(const char *name, KrText text) {
  KrArena arena;
  kr_arena_init(&arena, NULL);
  Parsed *parsed = parse(&arena, text);
  check_equal(name, list_errors(&arena, parsed), find_expected(&arena, text, true));
  KrText expected = find_expected(&arena, text, false);
  if (expected.n != 0) check_equal(name, tree(&arena, parsed), expected);
  if (parsed->list.n_errors == 0) check_format(&arena, name, parsed);
  kr_arena_deinit(&arena);
}

/// A path of the project, from the build folder or through KR_SOURCE_ROOT.
static void find_path(char *path, size_t n, const char *name) {
  const char *root = getenv("KR_SOURCE_ROOT");
  if (root != NULL) {
    snprintf(path, n, "%s/%s", root, name);
    return;
  }
  const char *file = __FILE__, *slash = strrchr(file, '/');
  int n_folder = slash == NULL ? 0 : (int)(slash - file) + 1;
  snprintf(path, n, "%.*s../../%s", n_folder, file, name);
}

static KrText read_file(const char *path) {
  static char text[1 << 18];
  FILE *file = fopen(path, "rb");
  if (file == NULL) fail_msg("cannot read %s", path);
  size_t n = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[n] = '\0';
  return (KrText){text, n};
}

static void every_file_of_the_folder_parses_as_it_expects(void **state) {
  (void)state;
  char folder[4096], path[8192];
  unsigned n_files = 0;
  find_path(folder, sizeof folder, "tests/lang/parse");
  DIR *entries = opendir(folder);
  assert_non_null(entries);
  for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
    size_t n_name = strlen(entry->d_name);
    if (n_name < 7 || strcmp(entry->d_name + n_name - 6, ".kairo") != 0) continue;
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    check_file(entry->d_name, read_file(path));
    n_files++;
  }
  closedir(entries);
  assert_true(n_files >= 40);
}

static void every_program_of_the_manual_parses_and_has_the_standard_layout(void **state) {
  (void)state;
  char path[4096];
  unsigned n_programs = 0;
  find_path(path, sizeof path, "docs/language.md");
  KrText manual = read_file(path);
  for (const char *at = strstr(manual.at, "```kairo\n"); at != NULL;
       at = strstr(at, "```kairo\n")) {
    at += 9;
    const char *end = strstr(at, "```\n");
    assert_non_null(end);
    KrArena arena;
    kr_arena_init(&arena, NULL);
    KrText text = {at, (size_t)(end - at)};
    Parsed *parsed = parse(&arena, text);
    check_equal("docs/language.md", list_errors(&arena, parsed), (KrText){NULL, 0});
    check_equal("docs/language.md", format(&arena, parsed), text);
    check_format(&arena, "docs/language.md", parsed);
    kr_arena_deinit(&arena);
    at = end + 4;
    n_programs++;
  }
  assert_true(n_programs >= 10);
}

/// `head`, then `piece` n times, then `tail`.
static KrText repeat(KrArena *arena, const char *head, const char *piece, unsigned n,
                     const char *tail) {
  KrBuffer out;
  kr_buffer_init(&out, arena);
  kr_buffer_print(&out, "%s", head);
  for (unsigned i = 0; i < n; i++) kr_buffer_print(&out, "%s", piece);
  kr_buffer_print(&out, "%s", tail);
  return (KrText){out.at, out.n};
}

static void check_long(const char *head, const char *piece, const char *tail) {
  KrArena arena;
  kr_arena_init(&arena, NULL);
  Parsed *parsed = parse(&arena, repeat(&arena, head, piece, 100000, tail));
  assert_int_equal(parsed->list.n_errors, 0);
  check_format(&arena, piece, parsed);
  kr_arena_deinit(&arena);
}

static void long_programs_need_no_deep_recursion(void **state) {
  (void)state;
  check_long("let x = a", " + a", "\n");
  check_long("let x = a", " |> f(1)", "\n");
  check_long("let x = a", "\n  |> f", "\n");
  check_long("let x = a", ".b", "\n");
  check_long("let x = a", "(1)", "\n");
  check_long("let x = a", " | a", "\n");
  check_long("let x = [", "(1, a), ", "]\n");
  check_long("let x = R{", "a: 1\n", "}\n");
  check_long("", "let x = 1\n", "");
  check_long("flow f() {", "x; ", "}");
  check_long("", "# comment\n", "");
  check_long("", "/**/", "");
}

static void check_nesting(const char *open, const char *close, unsigned n, uint32_t n_errors) {
  KrArena arena;
  kr_arena_init(&arena, NULL);
  KrText head = repeat(&arena, "let x = ", open, n, "1");
  Parsed *parsed = parse(&arena, repeat(&arena, head.at, close, n, "\n"));
  assert_int_equal(parsed->list.n_errors, n_errors);
  if (n_errors == 0) check_format(&arena, open, parsed);
  kr_arena_deinit(&arena);
}

static void nesting_is_bounded_with_an_error(void **state) {
  (void)state;
  static const char *const pairs[][2] = {
      {"(", ")"},     {"[", "]"},          {"f(", ")"},        {"-", ""},
      {"2 ^ ", ""},   {"|x| ", ""},        {"if a then ", ""}, {"if a then b else ", ""},
      {"R{a: ", "}"}, {"|x| { 1 ; ", "}"}, {"a[", "]"},        {"f(|x| { let y = [", "]})"},
  };
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    check_nesting(pairs[i][0], pairs[i][1], 50, 0);
    check_nesting(pairs[i][0], pairs[i][1], 1000, 1);
    check_nesting(pairs[i][0], pairs[i][1], 100000, 1);
  }
}

static void a_type_nested_too_deeply_is_an_error(void **state) {
  (void)state;
  KrArena arena;
  kr_arena_init(&arena, NULL);
  Parsed *parsed = parse(&arena, repeat(&arena, "let x: ", "Evt<", 1000, "f32"));
  assert_int_equal(parsed->list.n_errors, 1);
  kr_arena_deinit(&arena);
}

static void the_end_may_come_anywhere(void **state) {
  (void)state;
  static const char text[] =
      "@a(1)=2\nflow f(dt=1/2 @rate=audio) @b { let (x, y): T<2D>[m/s^-2]=if "
      "a {1} else |z: u| {..r, q: [1; 2]}.0['s'] # c\n for i in x { } } /* d */";
  for (size_t n = 0; n < sizeof text; n++) {
    KrArena arena;
    kr_arena_init(&arena, NULL);
    char *copy = malloc(n + 1); // its end is where the sanitizer looks
    memcpy(copy, text, n);
    parse(&arena, (KrText){copy, n});
    free(copy);
    kr_arena_deinit(&arena);
  }
}

typedef struct Budget {
  unsigned n_left;
  bool refused;
} Budget;

static void *spend(void *user, size_t n_bytes) {
  Budget *budget = user;
  if (budget->n_left == 0) {
    budget->refused = true;
    return NULL;
  }
  budget->n_left--;
  return malloc(n_bytes);
}

static void give_back(void *user, void *at) {
  (void)user;
  free(at);
}

static void run_out(Budget *budget, KrText text) {
  KrAllocator allocator = {spend, give_back, budget};
  KrArena arena;
  jmp_buf escape;
  kr_arena_init(&arena, &allocator);
  if (setjmp(escape) == 0) {
    arena.escape = &escape;
    Parsed *parsed = parse(&arena, text);
    list_errors(&arena, parsed);
    tree(&arena, parsed);
    format(&arena, parsed);
  }
  kr_arena_deinit(&arena);
}

static void memory_may_run_out_anywhere(void **state) {
  (void)state;
  KrArena arena;
  kr_arena_init(&arena, NULL);
  KrText texts[] = {repeat(&arena, "let x = [", "f(a.b, |x| {c: -1}) + 2, ", 2000, "]\n"),
                    repeat(&arena, "", "let x = (1, = 2\n", 2000, "")};
  for (size_t i = 0; i < 2; i++) {
    unsigned n_allocations = 0;
    for (Budget budget = {0, true}; budget.refused; n_allocations++) {
      budget = (Budget){n_allocations, false};
      run_out(&budget, texts[i]);
    }
    assert_true(n_allocations > 3);
  }
  kr_arena_deinit(&arena);
}

static void the_same_mistake_is_kept_once(void **state) {
  (void)state;
  KrArena arena;
  kr_arena_init(&arena, NULL);
  KrSource source = {KR_TEXT("a.kairo"), KR_TEXT("let\tx\n")};
  KrDiagnostics list = {.arena = &arena, .sources = &source, .n_sources = 1};
  for (int k = 0; k < 3; k++) {
    for (uint32_t i = 0; i < 6; i++) {
      kr_diagnose(&list, i == 5 ? KR_WARNING : KR_ERROR, (KrSpan){0, 5 - i, 5}, i == 0 ? "h" : NULL,
                  "%u", i);
    }
  }
  assert_int_equal(list.n, 6);
  assert_int_equal(list.n_errors, 5);
  KrBuffer out;
  kr_buffer_init(&out, &arena);
  kr_diagnostics_print(&list, &out);
  assert_string_equal(out.at, "a.kairo:1:1: warning: 5\n  let\tx\n  ^~~~~\n"
                              "a.kairo:1:2: error: 4\n  let\tx\n   ^~~~\n"
                              "a.kairo:1:3: error: 3\n  let\tx\n    ^~~\n"
                              "a.kairo:1:4: error: 2\n  let\tx\n     ^~\n"
                              "a.kairo:1:5: error: 1\n  let\tx\n     \t^\n"
                              "a.kairo:1:6: error: 0\n  let\tx\n     \t ^\n  hint: h\n");
  kr_arena_deinit(&arena);
}

static void long_lines_are_clipped_around_the_caret(void **state) {
  (void)state;
  KrArena arena;
  kr_arena_init(&arena, NULL);
  KrText text = repeat(&arena, "", "x", 1000, "\xC3\xA9\xFF\x1B");
  KrSource source = {KR_TEXT("a"), text};
  KrDiagnostics list = {.arena = &arena, .sources = &source, .n_sources = 1};
  kr_diagnose(&list, KR_ERROR, (KrSpan){0, 500, 502}, NULL, "m");
  kr_diagnose(&list, KR_ERROR, (KrSpan){0, 1002, 1003}, NULL, "m");
  KrBuffer out, expected;
  kr_buffer_init(&out, &arena);
  kr_buffer_init(&expected, &arena);
  kr_diagnostics_print(&list, &out);
  KrText left = repeat(&arena, "", "x", 40, ""), under = repeat(&arena, "", " ", 40, "");
  KrText right = repeat(&arena, "", "x", 80, "");
  kr_buffer_print(&expected, "a:1:501: error: m\n  …%t%t…\n   %t^~\n", left, right, under);
  left.n = 39;
  kr_buffer_print(&expected, "a:1:1002: error: m\n  …%té\xEF\xBF\xBD\xEF\xBF\xBD\n   %t^\n", left,
                  under);
  assert_string_equal(out.at, expected.at);
  kr_arena_deinit(&arena);
}

static void the_layout_is_the_standard_one(void **state) {
  (void)state;
  static const char *const pairs[][2] = {
      {"", ""},
      {"\n\n  # a  \n\n\n\n# b", "# a\n\n# b\n"},
      {"let   x=1 /  48000+2 * ( -3 ) ;", "let x = 1/48000 + 2 * (-3)\n"},
      {"f ( a , b=3 ) [ 2 ] . foo // c", "f(a, b=3)[2].foo  // c\n"},
      {"@a = 1\nflow a ( dt = 1 @rate=audio ){output x}",
       "@a = 1\nflow a(dt=1 @rate=audio) { output x }\n"},
      {"flow a(){\n\n\nx;\n\n\ny\n\n}", "flow a() {\n  x\n\n  y\n}\n"},
      {"let a = |x||y| x+y", "let a = |x| |y| x + y\n"},
      {"let a: T<f32>=3", "let a: T<f32> = 3\n"},
      {"let a = x\n|> f\n.g", "let a = x\n  |> f\n  .g\n"},
      {"let a = [\n{x:1\ny : 2},\n# c\n\n(3) ]",
       "let a = [\n  {x: 1\n    y: 2},\n  # c\n\n  (3)]\n"},
      {"if a {b}\nelse {c}", "if a { b }\nelse { c }\n"},
      {"let a = !  - b ^ - c", "let a = !-b ^ -c\n"},
      {"f(/* a */ x /* b */, y)", "f(/* a */ x /* b */, y)\n"},
      {"/* a \r\n  b */ x\r\n", "/* a\n  b */ x\n"},
      {"let f = || {;}", "let f = || { ; }\n"},
  };
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    KrArena arena;
    kr_arena_init(&arena, NULL);
    Parsed *parsed = parse(&arena, kr_text_from(pairs[i][0]));
    assert_int_equal(parsed->list.n_errors, 0);
    check_equal(pairs[i][0], format(&arena, parsed), kr_text_from(pairs[i][1]));
    check_format(&arena, pairs[i][0], parsed);
    kr_arena_deinit(&arena);
  }
}

static void a_program_with_mistakes_keeps_its_layout(void **state) {
  (void)state;
  KrArena arena;
  kr_arena_init(&arena, NULL);
  KrText text = KR_TEXT("let  x = \n  let y  = 2");
  check_equal("mistakes", format(&arena, parse(&arena, text)), text);
  kr_arena_deinit(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_file_of_the_folder_parses_as_it_expects),
      cmocka_unit_test(every_program_of_the_manual_parses_and_has_the_standard_layout),
      cmocka_unit_test(long_programs_need_no_deep_recursion),
      cmocka_unit_test(nesting_is_bounded_with_an_error),
      cmocka_unit_test(a_type_nested_too_deeply_is_an_error),
      cmocka_unit_test(the_end_may_come_anywhere),
      cmocka_unit_test(memory_may_run_out_anywhere),
      cmocka_unit_test(the_same_mistake_is_kept_once),
      cmocka_unit_test(long_lines_are_clipped_around_the_caret),
      cmocka_unit_test(the_layout_is_the_standard_one),
      cmocka_unit_test(a_program_with_mistakes_keeps_its_layout),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

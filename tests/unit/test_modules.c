/// `use`: modules beside the program and built-in ones, their names, circles and mistakes.
#include "lang/elab.h"
#include "lang/std.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
// clang-format off
#include <cmocka.h>
// clang-format on

typedef struct Case {
  KrArena arena;
  KrSource source;
  KrDiagnostics list;
  KrGraph *graph;
  const char *said;
} Case;

static const struct {
  const char *name, *text;
} modules[] = {
    {"drums", "use std.effects\nconst beat = 2\nfn twice(x) { return effects.stereo(x) }\n"},
    {"left", "use right\nconst a = 1\n"},
    {"right", "use left\nconst b = 1\n"},
    {"own", "use own\n"},
    {"broken", "const a =\n"},
    {"faulty", "fn half(x) {\n  return x / nothing\n}\n"},
    {"keeper", "@state n = 0\ninput knob: f32 = 1\nfn f() { return n }\n"},
    {"ticking", "const depth = 3\nflow slow(dt=1/2) { output depth * step }\n"},
};

static bool find_module(void *user, KrText name, KrSource *source) {
  unsigned *n_asked = user;
  ++*n_asked;
  for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
    if (!kr_text_is(name, modules[i].name)) continue;
    *source = (KrSource){name, kr_text_from(modules[i].text)};
    return true;
  }
  return false;
}

static unsigned elaborate(Case *it, const char *text) {
  unsigned n_asked = 0;
  kr_arena_init(&it->arena, NULL);
  it->source = (KrSource){KR_TEXT("song.kairo"), kr_text_from(text)};
  it->list = (KrDiagnostics){.arena = &it->arena, .sources = &it->source, .n_sources = 1};
  KrElabOptions options;
  kr_elab_defaults(&options);
  options.find_module = find_module;
  options.module_user = &n_asked;
  KrAst *ast = kr_parse(&it->arena, &it->list, 0);
  kr_elaborate(ast, &options, &it->list, &it->arena, &it->graph);
  KrBuffer out;
  kr_buffer_init(&out, &it->arena);
  kr_diagnostics_print(&it->list, &out);
  it->said = out.at != NULL ? out.at : "";
  return n_asked;
}

static void expect_said(const char *text, uint32_t n_errors, const char *first,
                        const char *second) {
  Case it;
  elaborate(&it, text);
  if (it.list.n_errors != n_errors || strstr(it.said, first) == NULL ||
      strstr(it.said, second) == NULL)
    fail_msg("not what was expected: %s", it.said);
  kr_arena_deinit(&it.arena);
}

static void a_module_is_read_once_and_used_by_many(void **state) {
  (void)state;
  Case it;
  unsigned n = elaborate(&it, "use drums, drums as d\nuse drums.beat\nuse std.effects\n"
                              "flow a(dt=1/10) { output drums.beat + d.beat + beat }\n"
                              "flow b(dt=1/10) { output drums.twice(effects.mono((1, 1))) }\n");
  assert_string_equal(it.said, "");
  assert_int_equal(n, 1);
  assert_int_equal(it.list.n_sources, 3);
  kr_arena_deinit(&it.arena);
}

static void flows_of_a_module_run(void **state) {
  (void)state;
  Case it;
  elaborate(&it, "use ticking\nflow a(dt=1/2) { output slow }\n");
  assert_string_equal(it.said, "");
  assert_int_equal(it.graph->n_outputs, 2);
  kr_arena_deinit(&it.arena);
}

static void circles_of_modules_are_errors(void **state) {
  (void)state;
  expect_said("use left\n", 1, "right:1:5: error: the modules use one another in a circle",
              "through `left`");
  expect_said("use own\n", 1, "own:1:5: error: the modules use one another in a circle", "`own`");
}

static void mistakes_stand_in_the_text_of_the_module(void **state) {
  (void)state;
  expect_said("use broken\n", 1, "broken:1:", "const a =");
  expect_said("use faulty\nflow a(dt=1) { output faulty.half(1) }\n", 1,
              "faulty:2:14: error: unknown name `nothing`", "  return x / nothing\n");
  expect_said("use std.effects\nflow a(dt=1) { output effects.mono(1) }\n", 2,
              "std/effects.kairo:10:", "return (x.0 + x.1) * 0.5\n");
}

static void states_and_inputs_belong_to_the_program(void **state) {
  (void)state;
  expect_said("use keeper\n", 2, "keeper:1:8: error: a module has no states of its own",
              "keeper:2:7: error: a module has no inputs of its own");
}

static void settings_from_outside_meet_a_program_with_modules(void **state) {
  (void)state;
  Case it;
  unsigned n_asked = 0;
  kr_arena_init(&it.arena, NULL);
  it.source = (KrSource){KR_TEXT("song.kairo"),
                         KR_TEXT("use std.synths, drums\nlet x = 1\nflow a(dt=1) { output x }\n")};
  it.list = (KrDiagnostics){.arena = &it.arena, .sources = &it.source, .n_sources = 1};
  KrElabSet sets[] = {{"x", "drums.beat + nothing"}};
  KrElabOptions options;
  kr_elab_defaults(&options);
  options.find_module = find_module;
  options.module_user = &n_asked;
  options.sets = sets;
  options.n_sets = 1;
  KrAst *ast = kr_parse(&it.arena, &it.list, 0);
  assert_int_equal(kr_elaborate(ast, &options, &it.list, &it.arena, &it.graph), KR_ERROR_PROGRAM);
  KrBuffer out;
  kr_buffer_init(&out, &it.arena);
  kr_diagnostics_print(&it.list, &out);
  assert_non_null(strstr(out.at, "--set x:1:14: error: unknown name `nothing`"));
  assert_int_equal(it.list.n_errors, 1);
  kr_arena_deinit(&it.arena);
}

/// All of a built-in module is sound: it is read, and each of its values can be had.
static void built_in_modules_have_no_mistakes(void **state) {
  (void)state;
  assert_true(kr_n_std_modules > 0);
  for (uint32_t i = 0; i < kr_n_std_modules; i++) {
    KrText path = kr_std_modules[i].name;
    assert_memory_equal(path.at, "std/", 4);
    Case it;
    char text[256] = "use std.";
    strncat(text, path.at + 4, path.n - 10);
    elaborate(&it, text);
    assert_string_equal(it.said, "");
    KrText read = it.list.sources[1].text;
    assert_true(kr_text_equal(read, kr_std_modules[i].text));
    assert_true(read.n > 0 && read.at[read.n - 1] == '\n');
    kr_arena_deinit(&it.arena);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_module_is_read_once_and_used_by_many),
      cmocka_unit_test(flows_of_a_module_run),
      cmocka_unit_test(circles_of_modules_are_errors),
      cmocka_unit_test(mistakes_stand_in_the_text_of_the_module),
      cmocka_unit_test(states_and_inputs_belong_to_the_program),
      cmocka_unit_test(settings_from_outside_meet_a_program_with_modules),
      cmocka_unit_test(built_in_modules_have_no_mistakes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

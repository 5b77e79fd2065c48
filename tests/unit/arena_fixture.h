/// One arena a test: `cmocka_unit_test_setup_teardown(test, open_arena, close_arena)`.
#ifndef KR_TESTS_ARENA_FIXTURE_H
#define KR_TESTS_ARENA_FIXTURE_H
#include "base/arena.h"

static KrArena arena;

static int open_arena(void **state) {
  (void)state;
  kr_arena_init(&arena, NULL);
  return 0;
}

static int close_arena(void **state) {
  (void)state;
  kr_arena_deinit(&arena);
  return 0;
}
#endif

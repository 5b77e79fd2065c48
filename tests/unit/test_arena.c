/// Arenas: alignment, zeroes, what a failing allocation does, growth.
#include "base/arena.h"
#include "unit/model.h"
#include <stdlib.h>
#include <string.h>

/// Gives out dirty memory; the n-th request and all later ones fail.
typedef struct Source {
  int n_left, n_live;
} Source;

static void *take(void *user, size_t n_bytes) {
  Source *source = user;
  if (source->n_left-- <= 0) return NULL;
  source->n_live++;
  void *at = malloc(n_bytes);
  memset(at, 0xa5, n_bytes);
  return at;
}

static void give(void *user, void *at) {
  ((Source *)user)->n_live--;
  free(at);
}

static bool is_zero(const unsigned char *at, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (at[i] != 0) return false;
  }
  return true;
}

static void memory_is_aligned_zeroed_and_apart(void **state) {
  (void)state;
  Source source = {1000, 0};
  KrAllocator allocator = {take, give, &source};
  uint64_t seed = 1;
  unsigned char *at[500];
  size_t n[500];
  for (int use_own = 0; use_own < 2; use_own++) {
    KrArena arena;
    kr_arena_init(&arena, use_own ? &allocator : NULL);
    for (int i = 0; i < 500; i++) {
      n[i] = (size_t)draw_bits(&seed, 15);
      at[i] = kr_arena_alloc(&arena, n[i]);
      assert_non_null(at[i]);
      assert_int_equal((uintptr_t)at[i] % 64, 0);
      assert_true(is_zero(at[i], n[i]));
      if (n[i] != 0) memset(at[i], i % 255 + 1, n[i]);
    }
    for (int i = 0; i < 500; i++) {
      for (size_t j = 0; j < n[i]; j++) assert_int_equal(at[i][j], i % 255 + 1);
      if (i > 0) assert_ptr_not_equal(at[i], at[i - 1]);
    }
    assert_true(arena.n_bytes % 64 == 0 && arena.n_bytes > 0);
    kr_arena_deinit(&arena);
    assert_null(arena.chunks);
  }
  assert_int_equal(source.n_live, 0);
}

static void requests_beyond_a_chunk_are_served(void **state) {
  (void)state;
  KrArena arena;
  kr_arena_init(&arena, NULL);
  unsigned char *small = kr_arena_alloc(&arena, 1), *large = kr_arena_alloc(&arena, 10000000);
  assert_non_null(small);
  assert_non_null(large);
  large[9999999] = 1;
  assert_true(is_zero(large, 9999999));
  kr_arena_deinit(&arena);
}

static void a_failing_request_gives_null_or_escapes(void **state) {
  (void)state;
  for (int n = 0; n < 3; n++) {
    Source source = {n, 0};
    KrAllocator allocator = {take, give, &source};
    KrArena arena;
    int n_served = 0;
    kr_arena_init(&arena, &allocator);
    while (kr_arena_alloc(&arena, 8000) != NULL) n_served++;
    assert_true(n == 0 ? n_served == 0 : n_served >= n);
    kr_arena_deinit(&arena);
    assert_int_equal(source.n_live, 0);
  }
  Source source = {1, 0};
  KrAllocator allocator = {take, give, &source};
  KrArena arena;
  jmp_buf escape;
  volatile int n_served = 0;
  kr_arena_init(&arena, &allocator);
  int jumped = setjmp(escape);
  if (jumped == 0) {
    arena.escape = &escape;
    for (;;) {
      assert_non_null(kr_arena_alloc(&arena, 8000));
      n_served++;
    }
  }
  assert_int_equal(jumped, 1);
  assert_int_equal(n_served, 2);
  kr_arena_deinit(&arena);
  assert_int_equal(source.n_live, 0);
}

static void sizes_that_overflow_are_out_of_memory(void **state) {
  (void)state;
  KrArena arena;
  kr_arena_init(&arena, NULL);
  assert_null(kr_arena_array(&arena, SIZE_MAX / 4, 8));
  assert_null(kr_arena_alloc(&arena, SIZE_MAX));
  assert_null(kr_arena_alloc(&arena, SIZE_MAX - 70));
  size_t cap = UINT32_MAX;
  assert_null(kr_arena_grow(&arena, NULL, 0, &cap, 1));
  assert_int_equal(cap, UINT32_MAX);
  kr_arena_deinit(&arena);
}

static void pushed_items_stay_in_order(void **state) {
  (void)state;
  KrArena arena;
  struct {
    uint32_t *items;
    uint32_t n, cap;
  } list = {0};
  kr_arena_init(&arena, NULL);
  for (uint32_t i = 0; i < 100000; i++) KR_PUSH(&arena, list.items, list.n, list.cap, i * 7);
  for (uint32_t i = 0; i < 100000; i++) assert_int_equal(list.items[i], i * 7);
  const uint32_t *copy = kr_arena_copy(&arena, list.items, sizeof *list.items * list.n);
  assert_memory_equal(copy, list.items, sizeof *list.items * list.n);
  assert_non_null(kr_arena_copy(&arena, NULL, 0));
  kr_arena_deinit(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(memory_is_aligned_zeroed_and_apart),
      cmocka_unit_test(requests_beyond_a_chunk_are_served),
      cmocka_unit_test(a_failing_request_gives_null_or_escapes),
      cmocka_unit_test(sizes_that_overflow_are_out_of_memory),
      cmocka_unit_test(pushed_items_stay_in_order),
  };
  return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}

// Which lane a note gets.
#include "voice/voice_pool.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static KrVoicePool pool_of(KrArena *arena, uint32_t max) {
  KrVoicePool pool;
  kr_arena_init(arena, NULL);
  kr_voice_pool_prepare(&pool, arena, max);
  return pool;
}

static uint32_t begin(KrVoicePool *pool, int64_t tick) {
  uint32_t lane = kr_voice_pool_find_free(pool);
  const KrRatio late = KR_RATIO_ZERO, time = kr_ratio_of(tick);
  kr_voice_pool_begin(pool, lane, tick, &late, &time);
  return lane;
}

static void notes_take_the_lowest_free_lane(void **state) {
  (void)state;
  KrArena arena;
  KrVoicePool pool = pool_of(&arena, 20);
  for (uint32_t i = 0; i < 20; i++) assert_int_equal(begin(&pool, i), i);
  kr_voice_pool_end(&pool, 3, 40);
  kr_voice_pool_end(&pool, 17, 30);
  kr_voice_pool_collect(&pool, 40); // silent before 40: lane 17 alone
  assert_int_equal(kr_voice_pool_find_free(&pool), 17);
  kr_voice_pool_collect(&pool, 41);
  assert_int_equal(kr_voice_pool_find_free(&pool), 3);
  assert_int_equal(pool.n_voices, 18);
  kr_arena_deinit(&arena);
}

static void a_pool_has_lanes_for_voices_that_fade(void **state) {
  (void)state;
  assert_int_equal(kr_voice_pool_groups(1), 2);
  assert_int_equal(kr_voice_pool_groups(64), 8);
  assert_int_equal(kr_voice_pool_groups(4096), 512);
}

static void the_longest_released_goes_then_the_quietest_then_the_oldest(void **state) {
  (void)state;
  KrArena arena;
  KrVoicePool pool = pool_of(&arena, 4);
  for (uint32_t i = 0; i < 4; i++) pool.lanes[begin(&pool, i)].level = 1;
  assert_int_equal(kr_voice_pool_find_victim(&pool, 100), 0);
  pool.lanes[2].level = 0.5;
  assert_int_equal(kr_voice_pool_find_victim(&pool, 100), 2);
  kr_voice_pool_release(&pool.lanes[3], 90, KR_RATIO_ZERO);
  kr_voice_pool_release(&pool.lanes[1], 80, KR_RATIO_ZERO);
  kr_voice_pool_release(&pool.lanes[0], 200, KR_RATIO_ZERO); // not yet
  assert_int_equal(kr_voice_pool_find_victim(&pool, 100), 1);
  kr_voice_pool_steal(&pool, 1, 100);
  assert_int_equal(kr_voice_pool_find_victim(&pool, 100), 3);
  assert_int_equal(pool.n_voices, 3);
  assert_int_equal(kr_voice_pool_find_faded(&pool), 1);
  kr_voice_pool_steal(&pool, 3, 101);
  assert_int_equal(kr_voice_pool_find_faded(&pool), 1);
  kr_voice_pool_drop(&pool, 1, 102);
  assert_int_equal(kr_voice_pool_find_faded(&pool), 3);
  assert_int_equal(kr_voice_pool_find_free(&pool), 1);
  assert_int_equal(pool.n_voices, 2);
  kr_arena_deinit(&arena);
}

static void a_release_is_never_before_the_tick_after_its_onset(void **state) {
  (void)state;
  KrArena arena;
  KrVoicePool pool = pool_of(&arena, 4);
  KrVoiceLane *lane = &pool.lanes[begin(&pool, 50)];
  kr_voice_pool_release(lane, 50, (KrRatio){1, 2});
  assert_int_equal(lane->release, 51);
  assert_int_equal(lane->release_late.num, 0);
  kr_voice_pool_release(lane, 60, KR_RATIO_ZERO); // too late: it has fallen
  assert_int_equal(lane->release, 51);
  kr_arena_deinit(&arena);
}

static void an_earlier_release_wins(void **state) {
  (void)state;
  KrArena arena;
  KrVoicePool pool = pool_of(&arena, 4);
  KrVoiceLane *lane = &pool.lanes[begin(&pool, 50)];
  kr_voice_pool_release(lane, 500, KR_RATIO_ZERO);
  kr_voice_pool_release(lane, 80, (KrRatio){1, 4});
  assert_int_equal(lane->release, 80);
  assert_int_equal(lane->release_late.den, 4);
  kr_arena_deinit(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(notes_take_the_lowest_free_lane),
      cmocka_unit_test(a_pool_has_lanes_for_voices_that_fade),
      cmocka_unit_test(the_longest_released_goes_then_the_quietest_then_the_oldest),
      cmocka_unit_test(a_release_is_never_before_the_tick_after_its_onset),
      cmocka_unit_test(an_earlier_release_wins),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

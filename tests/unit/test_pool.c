/// Every task of a round runs exactly once on whatever threads there are, and the caller sees it
/// all.
#include "rt/pool.h"
#include "unit/model.h"
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

static const uint32_t worker_counts[] = {1, 2, 3, 5, 8, 16, KR_POOL_MAX_WORKERS};
enum { N_COUNTS = sizeof worker_counts / sizeof *worker_counts, MAX_TASKS = 1000 };

static KrPool *make_pool(uint32_t n_workers) {
  KrPool *pool = NULL;
  assert_int_equal(kr_pool_new(n_workers, &pool), KR_OK);
  assert_int_equal(kr_pool_tasks(pool).n_workers, n_workers);
  return pool;
}

/// Tasks write plain memory: a race would show in the counts and to a thread sanitizer.
typedef struct Round {
  uint32_t n_runs[MAX_TASKS];
  uint32_t given[MAX_TASKS], taken[MAX_TASKS];
  uint32_t max_delay; ///< of a task, loop turns
} Round;

static void delay(uint32_t n_turns) {
  for (volatile uint32_t i = 0; i < n_turns; i++) continue;
}

static void count(void *data, uint32_t index) {
  Round *round = data;
  uint64_t seed = round->given[index] + 1;
  if (round->max_delay != 0) delay((uint32_t)draw_below(&seed, round->max_delay));
  round->n_runs[index]++;
  round->taken[index] = round->given[index] ^ index;
}

static void expect_round(const KrTasks *tasks, Round *round, uint32_t n, uint32_t number) {
  memset(round->n_runs, 0, sizeof round->n_runs);
  for (uint32_t i = 0; i < n; i++) round->given[i] = number * 7919 + i;
  tasks->run(tasks->user, n, count, round);
  for (uint32_t i = 0; i < n; i++) {
    assert_int_equal(round->n_runs[i], 1);
    assert_int_equal(round->taken[i], round->given[i] ^ i);
  }
  for (uint32_t i = n; i < MAX_TASKS; i++) assert_int_equal(round->n_runs[i], 0);
}

static void every_task_runs_once_in_each_of_thousands_of_rounds(void **state) {
  (void)state;
  static Round round;
  for (int c = 0; c < N_COUNTS; c++) {
    KrPool *pool = make_pool(worker_counts[c]);
    KrTasks tasks = kr_pool_tasks(pool);
    uint64_t seed = 7;
    for (uint32_t i = 0; i < 2000; i++) {
      uint32_t n = (uint32_t)draw_below(&seed, i % 100 == 0 ? MAX_TASKS : 20);
      round.max_delay = i % 3 == 0 ? 2000 : 0;
      expect_round(&tasks, &round, n, i);
    }
    kr_pool_free(pool);
  }
}

static void rest_briefly(void) { nanosleep(&(struct timespec){0, 3000000}, NULL); }

static void sleeping_workers_are_woken(void **state) {
  (void)state;
  static Round round;
  round.max_delay = 100000;
  for (int c = 0; c < N_COUNTS; c++) {
    KrPool *pool = make_pool(worker_counts[c]);
    KrTasks tasks = kr_pool_tasks(pool);
    for (uint32_t i = 0; i < 10; i++) {
      rest_briefly();
      expect_round(&tasks, &round, 2 * i, i);
    }
    rest_briefly();
    kr_pool_free(pool);
  }
}

/// Two tasks that wait for one another end only when both run at once.
static void meet(void *data, uint32_t index) {
  atomic_uint *arrived = data;
  (void)index;
  atomic_fetch_add(arrived, 1);
  while (atomic_load(arrived) < 2) rest_briefly();
}

static void tasks_run_at_the_same_time(void **state) {
  (void)state;
  KrPool *pool = make_pool(2);
  for (int i = 0; i < 20; i++) {
    atomic_uint arrived = 0;
    kr_pool_run(pool, 2, meet, &arrived);
    assert_int_equal(atomic_load(&arrived), 2);
  }
  kr_pool_free(pool);
}

typedef struct Nest {
  KrPool *pool;
  atomic_uint n_inner, n_outer;
} Nest;

static void run_inner(void *data, uint32_t index) {
  Nest *nest = data;
  atomic_fetch_add(&nest->n_inner, index + 1);
}

static void run_outer(void *data, uint32_t index) {
  Nest *nest = data;
  kr_pool_run(nest->pool, index, run_inner, nest);
  atomic_fetch_add(&nest->n_outer, 1);
}

static void tasks_may_run_tasks(void **state) {
  (void)state;
  for (int c = 0; c < N_COUNTS; c++) {
    Nest nest = {.pool = make_pool(worker_counts[c])};
    for (int i = 0; i < 50; i++) kr_pool_run(nest.pool, 10, run_outer, &nest);
    assert_int_equal(atomic_load(&nest.n_outer), 500);
    // 1 + 2 + … + k for k = 0 … 9
    assert_int_equal(atomic_load(&nest.n_inner), 50 * 165);
    kr_pool_free(nest.pool);
  }
}

static void *run_rounds(void *data) {
  Nest *nest = data;
  for (int i = 0; i < 500; i++) kr_pool_run(nest->pool, 10, run_inner, nest);
  return NULL;
}

static void threads_may_share_a_pool(void **state) {
  (void)state;
  Nest nest = {.pool = make_pool(3)};
  pthread_t other;
  assert_int_equal(pthread_create(&other, NULL, run_rounds, &nest), 0);
  run_rounds(&nest);
  pthread_join(other, NULL);
  assert_int_equal(atomic_load(&nest.n_inner), 2 * 500 * 55);
  kr_pool_free(nest.pool);
}

static void pools_end_at_any_time(void **state) {
  (void)state;
  static Round round;
  for (uint32_t i = 0; i < 100; i++) {
    KrPool *pool = make_pool(1 + i % 9);
    KrTasks tasks = kr_pool_tasks(pool);
    if (i % 3 != 0) expect_round(&tasks, &round, i, i);
    kr_pool_free(pool);
  }
  kr_pool_free(NULL);
}

static void counts_out_of_range_are_refused(void **state) {
  (void)state;
  KrPool *pool = NULL;
  assert_int_equal(kr_pool_new(0, &pool), KR_ERROR_ARGUMENT);
  assert_int_equal(kr_pool_new(KR_POOL_MAX_WORKERS + 1, &pool), KR_ERROR_ARGUMENT);
  assert_null(pool);
  assert_true(kr_pool_n_processors() >= 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_task_runs_once_in_each_of_thousands_of_rounds),
      cmocka_unit_test(sleeping_workers_are_woken),
      cmocka_unit_test(tasks_run_at_the_same_time),
      cmocka_unit_test(tasks_may_run_tasks),
      cmocka_unit_test(threads_may_share_a_pool),
      cmocka_unit_test(pools_end_at_any_time),
      cmocka_unit_test(counts_out_of_range_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

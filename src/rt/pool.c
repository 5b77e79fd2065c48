// Fork and join over threads: one atomic counter hands out the tasks, another counts what is not
// finished. A thread with nothing to do spins for some microseconds, then waits on its semaphore.
#include "rt/pool.h"
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CACHE_LINE = 64, MAX_SPINS = 2000 };

/// A thread that may sleep. Whoever changes `asleep` from 1 to 0 owes or saves one post: the
/// sleeper itself saves it, any other owes it.
typedef struct Sleeper {
  _Alignas(CACHE_LINE) atomic_uint asleep;
  sem_t wake;
} Sleeper;

typedef struct Worker {
  Sleeper sleeper;
  KrPool *pool;
  pthread_t thread;
} Worker;

struct KrPool {
  /// Tasks not yet handed out. What is taken below 1 was none; a round begins by setting it, so
  /// that a ticket taken late belongs to the present round, whose fields are read after taking it.
  _Alignas(CACHE_LINE) atomic_int_least64_t tickets;
  _Alignas(CACHE_LINE) atomic_uint n_unfinished;
  _Alignas(CACHE_LINE) KrTask *task;
  void *data;
  uint32_t n;
  atomic_uint busy, stop;
  uint32_t n_workers, n_spins;
  Sleeper caller; ///< waits for the round's end
  Worker workers[KR_POOL_MAX_WORKERS - 1];
};

static void pause_briefly(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

static void wait_for_post(Sleeper *sleeper) {
  while (sem_wait(&sleeper->wake) != 0 && errno == EINTR) continue;
}

/// True when the sleeper was asleep and is now on its way.
static bool wake(Sleeper *sleeper) {
  if (atomic_load(&sleeper->asleep) == 0 || atomic_exchange(&sleeper->asleep, 0) == 0) return false;
  sem_post(&sleeper->wake);
  return true;
}

/// Spins, then sleeps until woken or until is_over(pool), which whoever wakes made true before.
static void rest(KrPool *pool, Sleeper *sleeper, bool (*is_over)(KrPool *pool)) {
  for (uint32_t i = 0; i < pool->n_spins; i++) {
    if (is_over(pool)) return;
    pause_briefly();
  }
  atomic_store(&sleeper->asleep, 1);
  if (!is_over(pool) || atomic_exchange(&sleeper->asleep, 0) == 0) wait_for_post(sleeper);
}

static bool has_tickets(KrPool *pool) {
  return atomic_load(&pool->tickets) > 0 || atomic_load(&pool->stop) != 0;
}

static bool is_finished(KrPool *pool) { return atomic_load(&pool->n_unfinished) == 0; }

/// Runs tasks while there are any.
static void work(KrPool *pool) {
  while (atomic_load(&pool->tickets) > 0) {
    int_least64_t ticket = atomic_fetch_sub(&pool->tickets, 1);
    if (ticket <= 0) return;
    pool->task(pool->data, pool->n - (uint32_t)ticket);
    if (atomic_fetch_sub(&pool->n_unfinished, 1) == 1) wake(&pool->caller);
  }
}

static void *run_worker(void *data) {
  Worker *worker = data;
  KrPool *pool = worker->pool;
  while (atomic_load(&pool->stop) == 0) {
    work(pool);
    rest(pool, &worker->sleeper, has_tickets);
  }
  return NULL;
}

static void run_alone(uint32_t n, KrTask *task, void *data) {
  for (uint32_t i = 0; i < n; i++) task(data, i);
}

void kr_pool_run(KrPool *pool, uint32_t n, KrTask *task, void *data) {
  if (n < 2 || pool->n_workers < 2 || atomic_exchange(&pool->busy, 1) != 0) {
    run_alone(n, task, data);
    return;
  }
  pool->task = task;
  pool->data = data;
  pool->n = n;
  atomic_store(&pool->n_unfinished, n);
  atomic_store(&pool->tickets, n);
  for (uint32_t i = 0; i + 1 < pool->n_workers && i + 1 < n; i++) wake(&pool->workers[i].sleeper);
  work(pool);
  while (!is_finished(pool)) rest(pool, &pool->caller, is_finished);
  atomic_store(&pool->busy, 0);
}

static void run_table(void *user, uint32_t n, KrTask *task, void *data) {
  kr_pool_run(user, n, task, data);
}

KrTasks kr_pool_tasks(KrPool *pool) { return (KrTasks){pool, pool->n_workers, run_table}; }

uint32_t kr_pool_n_processors(void) {
  long n = sysconf(_SC_NPROCESSORS_ONLN);
  return n < 1 ? 1 : (uint32_t)n;
}

/// Signals stay with the threads the program made itself.
static int start_thread(Worker *worker) {
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  int error = pthread_create(&worker->thread, NULL, run_worker, worker);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  return error;
}

KrStatus kr_pool_new(uint32_t n_workers, KrPool **result) {
  if (n_workers == 0 || n_workers > KR_POOL_MAX_WORKERS) return KR_ERROR_ARGUMENT;
  KrPool *pool = aligned_alloc(CACHE_LINE, sizeof *pool);
  if (pool == NULL) return KR_ERROR_MEMORY;
  memset(pool, 0, sizeof *pool);
  // Who spins while there are fewer processors than workers keeps another from working.
  pool->n_spins = n_workers <= kr_pool_n_processors() ? MAX_SPINS : 1;
  sem_init(&pool->caller.wake, 0, 0);
  for (pool->n_workers = 1; pool->n_workers < n_workers; pool->n_workers++) {
    Worker *worker = &pool->workers[pool->n_workers - 1];
    worker->pool = pool;
    sem_init(&worker->sleeper.wake, 0, 0);
    if (start_thread(worker) == 0) continue;
    sem_destroy(&worker->sleeper.wake);
    kr_pool_free(pool);
    return KR_ERROR_UNAVAILABLE;
  }
  *result = pool;
  return KR_OK;
}

void kr_pool_free(KrPool *pool) {
  if (pool == NULL) return;
  atomic_store(&pool->stop, 1);
  for (uint32_t i = 0; i + 1 < pool->n_workers; i++) wake(&pool->workers[i].sleeper);
  for (uint32_t i = 0; i + 1 < pool->n_workers; i++) {
    pthread_join(pool->workers[i].thread, NULL);
    sem_destroy(&pool->workers[i].sleeper.wake);
  }
  sem_destroy(&pool->caller.wake);
  free(pool);
}

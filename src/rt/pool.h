/// A pool of worker threads that runs tasks and waits for them (kairo/tasks.h). The caller is
/// worker 0; the others spin a little between rounds and then sleep.
#ifndef KR_RT_POOL_H
#define KR_RT_POOL_H
#include "kairo/status.h"
#include "kairo/tasks.h"

/// Workers at most; more bring nothing on the machines this is for.
enum { KR_POOL_MAX_WORKERS = 64 };

typedef struct KrPool KrPool;

/// Starts n_workers - 1 threads. ARGUMENT: n_workers is 0 or above KR_POOL_MAX_WORKERS; MEMORY;
/// UNAVAILABLE: the system gives no more threads. [main]
KrStatus kr_pool_new(uint32_t n_workers, KrPool **result);
/// Ends the threads; no round may be running. NULL is fine. [main]
void kr_pool_free(KrPool *pool);
/// One round: calls task(data, i) once for every i < n and returns when all have. No lock and no
/// allocation; a sleeping worker costs its wake-up call. From inside a task, and while another
/// thread has a round running, the tasks run one after the other on the calling thread. [any]
void kr_pool_run(KrPool *pool, uint32_t n, KrTask *task, void *data);
/// The pool as a table; it lives as long as the pool.
KrTasks kr_pool_tasks(KrPool *pool);
/// Processors of this machine that are on, at least 1. [main] wall
uint32_t kr_pool_n_processors(void);
#endif

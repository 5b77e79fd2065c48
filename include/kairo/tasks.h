/// Work shared out over threads. The engine starts none: whoever has threads hands in this table.
#ifndef KAIRO_TASKS_H
#define KAIRO_TASKS_H
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

/// One piece of work: called once with each index; different indices may run at the same time.
/// [worker] rt
typedef void KrTask(void *data, uint32_t index);

/// Something that runs tasks. Which thread runs what, and when, never changes a result.
typedef struct KrTasks {
  void *user;         ///< handed to run
  uint32_t n_workers; ///< how many tasks may run at the same time, >= 1
  /// Calls task(data, i) for every i < n, on any threads in any order, and returns when all calls
  /// have; what they wrote is then seen by the caller, and they see what the caller wrote before.
  void (*run)(void *user, uint32_t n, KrTask *task, void *data);
} KrTasks;

#ifdef __cplusplus
}
#endif
#endif

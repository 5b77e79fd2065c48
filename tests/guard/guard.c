// Linked into a program, ends it when a call that is tagged `rt` allocates, locks or calls the
// system. The calls are wrapped by the linker (--wrap). While one of them runs, a mark of the
// thread is set: the heap of the C library and the locks ask for it, and the kernel sends SIGSYS
// for every system call (syscall user dispatch, Linux 5.11). Foreign code in between, a table of
// tasks or a trace, is let out; each task is guarded on the thread that runs it.
#define _GNU_SOURCE
#include "kairo/session.h"
#include "sched/sched.h"
#include <execinfo.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_ON 1
#endif
enum { ALLOWED = 0, BLOCKED = 1 }; // what the kernel reads in `selector`

typedef struct Mark {
  volatile uint32_t depth; ///< calls the thread is in
  bool is_known;           ///< the kernel was told of `selector`
  volatile char selector;
} Mark;

static _Thread_local Mark mark;
static atomic_uint_least64_t n_runs, n_tasks, n_reads;
static atomic_bool is_deaf; ///< the kernel knows no such dispatch

static void say(const char *text) {
  ssize_t n = write(STDERR_FILENO, text, strlen(text));
  (void)n;
}

/// What was called, and the stack.
static _Noreturn void end_program(const char *what) {
  enum { N_FRAMES = 48 };
  void *frames[N_FRAMES];
  mark.depth = 0;
  mark.selector = ALLOWED;
  say("guard: ");
  say(what);
  say(" while running\n");
  backtrace_symbols_fd(frames, backtrace(frames, N_FRAMES), STDERR_FILENO);
  abort();
}

static void judge(const char *what) {
  if (mark.depth > 0) end_program(what);
}

static void judge_system_call(int signal, siginfo_t *info, void *context) {
  char text[64];
  (void)signal, (void)context;
  mark.selector = ALLOWED;
  snprintf(text, sizeof text, "system call %d", info->si_syscall);
  end_program(text);
}

/// The first backtrace loads a library.
__attribute__((constructor)) static void begin(void) {
  void *frame;
  struct sigaction action = {.sa_sigaction = judge_system_call, .sa_flags = SA_SIGINFO};
  sigaction(SIGSYS, &action, NULL);
  (void)backtrace(&frame, 1);
}

/// A line of what was guarded is added to the file $KAIRO_GUARD_LOG, so that a test can see it was.
__attribute__((destructor)) static void end(void) {
  const char *path = getenv("KAIRO_GUARD_LOG");
  FILE *file = path != NULL ? fopen(path, "a") : NULL;
  if (file == NULL) return;
  fprintf(file, "%llu runs %llu tasks %llu reads %s\n", (unsigned long long)n_runs,
          (unsigned long long)n_tasks, (unsigned long long)n_reads, is_deaf ? "deaf" : "hearing");
  fclose(file);
}

static void enter(void) {
  if (mark.depth == 0 && !mark.is_known) {
    sigset_t mine; // workers block all signals, and a blocked one would end the program unheard
    sigemptyset(&mine);
    sigaddset(&mine, SIGSYS);
    pthread_sigmask(SIG_UNBLOCK, &mine, NULL);
    mark.is_known = true;
    if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0L, 0L, &mark.selector) != 0)
      is_deaf = true;
  }
  mark.depth++;
  mark.selector = BLOCKED;
}

static void leave(void) {
  if (--mark.depth == 0) mark.selector = ALLOWED;
}

/// Foreign code may do anything; the depth to come back with.
static uint32_t let_out(void) {
  uint32_t depth = mark.depth;
  mark.depth = 0;
  mark.selector = ALLOWED;
  return depth;
}

static void take_back(uint32_t depth) {
  mark.depth = depth;
  mark.selector = depth > 0 ? BLOCKED : ALLOWED;
}

// ---- the calls

#define WRAPPED(type, name, params, args, counter)                                                 \
  type __real_##name params;                                                                       \
  type __wrap_##name params;                                                                       \
  type __wrap_##name params {                                                                      \
    counter++;                                                                                     \
    enter();                                                                                       \
    type result = __real_##name args;                                                              \
    leave();                                                                                       \
    return result;                                                                                 \
  }
WRAPPED(KrStatus, kr_run_to, (KrRun * run, KrRatio to), (run, to), n_runs)
WRAPPED(bool, kr_run_event, (KrRun * run, uint32_t output, KrRunEvent *event), (run, output, event),
        n_reads)
WRAPPED(const void *, kr_run_output,
        (const KrRun *run, uint32_t output, uint32_t i, int64_t tick, uint32_t wanted, uint32_t *n),
        (run, output, i, tick, wanted, n), n_reads)
WRAPPED(KrStatus, kr_run_push, (KrRun * run, uint32_t events, const KrEventItem *item),
        (run, events, item), n_reads)
WRAPPED(int64_t, kr_session_ticks, (const KrSession *session, uint32_t index), (session, index),
        n_reads)
WRAPPED(KrStatus, kr_session_read,
        (const KrSession *session, uint32_t index, uint32_t column, int64_t first, uint32_t n,
         double *values),
        (session, index, column, first, n, values), n_reads)
WRAPPED(KrStatus, kr_session_read_audio,
        (const KrSession *session, uint32_t index, int64_t first, uint32_t n, float *frames),
        (session, index, first, n, frames), n_reads)
WRAPPED(KrStatus, kr_session_picture,
        (const KrSession *session, uint32_t index, int64_t tick, const uint8_t **rgba),
        (session, index, tick, rgba), n_reads)
WRAPPED(KrStatus, kr_session_push,
        (KrSession * session, const char *input, const KrEventInput *event),
        (session, input, event), n_reads)

// ---- what is handed in: tables of tasks, traces. Copies are kept for good: runs refer to them.

typedef struct Table {
  struct Table *next;
  KrTasks tasks;
} Table;

typedef struct Round {
  KrTask *task;
  void *data;
} Round;

static void run_guarded_task(void *data, uint32_t index) {
  const Round *round = data;
  n_tasks++;
  enter();
  round->task(round->data, index);
  leave();
}

static void run_table(void *user, uint32_t n, KrTask *task, void *data) {
  const Table *table = user;
  Round round = {task, data};
  uint32_t depth = let_out();
  table->tasks.run(table->tasks.user, n, run_guarded_task, &round);
  take_back(depth);
}

static Table *keep_table(const KrTasks *tasks) {
  static Table *tables;
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&lock);
  Table *table = malloc(sizeof *table);
  if (table == NULL) abort();
  *table = (Table){tables, *tasks};
  tables = table;
  pthread_mutex_unlock(&lock);
  return table;
}

void __real_kr_run_use(KrRun *run, const KrTasks *tasks);
void __wrap_kr_run_use(KrRun *run, const KrTasks *tasks);
void __wrap_kr_run_use(KrRun *run, const KrTasks *tasks) {
  KrTasks guarded;
  if (tasks != NULL && tasks->run != NULL) {
    guarded = (KrTasks){keep_table(tasks), tasks->n_workers, run_table};
    tasks = &guarded;
  }
  __real_kr_run_use(run, tasks);
}

typedef struct Trace {
  KrTraceFunction *function;
  void *user;
} Trace;

static void trace_outside(void *user, uint32_t flow, int64_t first, uint32_t n, const char *what) {
  const Trace *trace = user;
  uint32_t depth = let_out();
  trace->function(trace->user, flow, first, n, what);
  take_back(depth);
}

void __real_kr_run_trace(KrRun *run, KrTraceFunction *function, void *user);
void __wrap_kr_run_trace(KrRun *run, KrTraceFunction *function, void *user);
void __wrap_kr_run_trace(KrRun *run, KrTraceFunction *function, void *user) {
  static Trace trace; // one at a time is enough
  trace = (Trace){function, user};
  __real_kr_run_trace(run, function != NULL ? trace_outside : NULL, &trace);
}

// ---- what they may not do: the heap, also when the C library itself asks for memory …

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *at, size_t n);
void *__libc_memalign(size_t alignment, size_t n);
void __libc_free(void *at);

void *malloc(size_t n) {
  judge("malloc");
  return __libc_malloc(n);
}

void *calloc(size_t n, size_t size) {
  judge("calloc");
  return __libc_calloc(n, size);
}

void *realloc(void *at, size_t n) {
  judge("realloc");
  return __libc_realloc(at, n);
}

void *aligned_alloc(size_t alignment, size_t n) {
  judge("aligned_alloc");
  return __libc_memalign(alignment, n);
}

void free(void *at) {
  judge("free");
  __libc_free(at);
}

// … and locks, as the linked code calls them.

#define LOCK(name, params, args)                                                                   \
  int __real_##name params;                                                                        \
  int __wrap_##name params;                                                                        \
  int __wrap_##name params {                                                                       \
    judge(#name);                                                                                  \
    return __real_##name args;                                                                     \
  }
LOCK(pthread_mutex_lock, (pthread_mutex_t * lock), (lock))
LOCK(pthread_mutex_trylock, (pthread_mutex_t * lock), (lock))
LOCK(pthread_rwlock_rdlock, (pthread_rwlock_t * lock), (lock))
LOCK(pthread_rwlock_wrlock, (pthread_rwlock_t * lock), (lock))
LOCK(pthread_spin_lock, (pthread_spinlock_t * lock), (lock))
LOCK(pthread_cond_wait, (pthread_cond_t * when, pthread_mutex_t *lock), (when, lock))
LOCK(pthread_cond_signal, (pthread_cond_t * when), (when))
LOCK(pthread_cond_broadcast, (pthread_cond_t * when), (when))
LOCK(pthread_barrier_wait, (pthread_barrier_t * barrier), (barrier))
LOCK(pthread_once, (pthread_once_t * once, void (*function)(void)), (once, function))
LOCK(sem_wait, (sem_t * semaphore), (semaphore))
LOCK(sem_post, (sem_t * semaphore), (semaphore))

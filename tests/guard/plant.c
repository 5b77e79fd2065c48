// A run with a native operator that does what none may: the guard must end it. plant MISDEED
// [threads], for `nothing` prints the ticks that ran.
#define _DEFAULT_SOURCE
#include "kairo/build.h"
#include "kairo/kairo.h"
#include "rt/pool.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char *misdeed = "nothing";
static int64_t when;        ///< the tick it is done at
static char *volatile kept; ///< made before the run
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void do_it(void) {
  if (strcmp(misdeed, "malloc") == 0) kept = malloc(100);
  if (strcmp(misdeed, "realloc") == 0) kept = realloc(kept, 200);
  if (strcmp(misdeed, "free") == 0) free(kept);
  if (strcmp(misdeed, "strdup") == 0) kept = strdup(misdeed);
  if (strcmp(misdeed, "lock") == 0) pthread_mutex_lock(&lock);
  if (strcmp(misdeed, "write") == 0 && write(STDOUT_FILENO, "", 0) != 0) abort();
  if (strcmp(misdeed, "open") == 0) (void)!open("/dev/null", O_RDONLY);
  if (strcmp(misdeed, "mmap") == 0)
    kept = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (strcmp(misdeed, "getppid") == 0) (void)getppid();
}

static void run_native(void *user, const KrNativeCall *call) {
  (void)user;
  const float *in = call->in[0];
  float *out = call->out[0];
  for (uint32_t i = 0; i < call->n; i++) {
    if (call->tick + i == when) do_it();
    out[i] = in[i] + 1;
  }
}

/// Two flows beside each other, so that threads have something to do.
static KrProgram *build(void) {
  static const KrNative native = {
      .name = "plant", .n_inputs = 1, .n_outputs = 1, .run = run_native};
  KrProgramOptions options;
  KrProgram *program = NULL;
  KrBuilder *b;
  kr_program_defaults(&options);
  options.step = (KrRatio){1, 100};
  if (kr_builder_new(&b) != KR_OK) return NULL;
  for (int i = 0; i < 2; i++) {
    KrFlowSettings settings = {.name = i == 0 ? "a" : "b", .dt = {1, 1000}, .phase = {0, 1}};
    uint32_t flow = kr_builder_flow(b, &settings);
    KrStream one = kr_builder_constant(b, flow, (KrRatio){1, 1});
    KrStream y = kr_builder_native(b, flow, &native, &one, 1);
    kr_builder_output(b, flow, NULL, &y, 1);
  }
  if (kr_builder_finish(b, &options, &program, NULL) != KR_OK) return NULL;
  return program;
}

static KrStatus run(KrSession *session) {
  for (int64_t i = 1; i <= 10; i++) KR_TRY(kr_session_run(session, (KrRatio){i, 100}));
  return KR_OK;
}

int main(int n_args, char **args) {
  KrSession *session = NULL;
  KrPool *pool = NULL;
  KrProgram *program = build();
  if (n_args > 1) misdeed = args[1];
  when = 57;
  kept = malloc(10);
  if (program == NULL || kr_session_new(program, &session) != KR_OK) return 2;
  if (n_args > 2 && kr_pool_new(3, &pool) != KR_OK) return 2;
  if (pool != NULL) {
    KrTasks tasks = kr_pool_tasks(pool);
    kr_session_use(session, &tasks);
  }
  if (run(session) != KR_OK) return 2;
  printf("%lld ticks\n", (long long)kr_session_ticks(session, 0));
  kr_session_free(session);
  kr_program_free(program);
  kr_pool_free(pool);
  return 0;
}

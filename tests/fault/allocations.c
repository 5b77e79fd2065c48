// Every allocation failing in turn: loading, running, saving and restoring a program either work or
// say KR_ERROR_MEMORY; nothing crashes, nothing leaks. allocations FILE...
#include "base/text.h"
#include "io/file.h"
#include "io/host.h"
#include "kairo/kairo.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long n_allocations, failing;
void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *at, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *at, size_t n);
static int fails(void) { return failing > 0 && ++n_allocations == failing; }
void *__wrap_malloc(size_t n) { return fails() ? NULL : __real_malloc(n); }
void *__wrap_calloc(size_t n, size_t size) { return fails() ? NULL : __real_calloc(n, size); }
void *__wrap_realloc(void *at, size_t n) { return fails() ? NULL : __real_realloc(at, n); }

static KrStatus run_once(const KrProgram *program) {
  KrSession *session = NULL, *other = NULL;
  uint8_t *at = NULL;
  size_t n;
  KrRatio to = {1, 1000};
  KrStatus status = kr_session_new(program, &session);
  if (status == KR_OK) status = kr_session_announce(session, to);
  if (status == KR_OK) status = kr_session_run(session, to);
  if (status == KR_OK) status = kr_session_save(session, &at, &n);
  if (status == KR_OK) status = kr_session_new(program, &other);
  if (status == KR_OK) status = kr_session_restore(other, at, n);
  if (status == KR_OK) status = kr_session_swap(session, program);
  kr_bytes_free(at);
  kr_session_free(session);
  kr_session_free(other);
  return status;
}

static KrStatus load_and_run(const char *name, const char *text, size_t n,
                             const KrAssetHost *host) {
  KrProgram *program = NULL;
  KrProgramOptions options;
  kr_program_defaults(&options);
  options.host = host;
  KrStatus status = kr_program_load(name, text, n, &options, &program);
  if (status == KR_OK) status = run_once(program);
  kr_program_free(program);
  return status;
}

static int check_file(const char *path) {
  KrArena arena;
  const uint8_t *text;
  const char *error;
  size_t n;
  kr_arena_init(&arena, NULL);
  if (kr_file_read(path, &arena, &text, &n, &error) != KR_OK) {
    fprintf(stderr, "%s\n", error);
    return 1;
  }
  const char *slash = strrchr(path, '/');
  KrIoHost files = {
      .folder = kr_text_string(&arena, (KrText){path, slash != NULL ? (size_t)(slash - path) : 0})};
  KrAssetHost host = kr_io_host(&files);
  int bad = 0;
  for (failing = 1;; failing++) {
    n_allocations = 0;
    KrStatus status = load_and_run(path, (const char *)text, n, &host);
    if (n_allocations < failing) {
      bad |= status != KR_OK;
      if (status != KR_OK)
        fprintf(stderr, "%s: %s without a failing allocation\n", path, kr_status_text(status));
      break;
    }
    if (status == KR_OK || status == KR_ERROR_MEMORY || status == KR_ERROR_PROGRAM) continue;
    fprintf(stderr, "%s: allocation %ld failed and gave: %s\n", path, failing,
            kr_status_text(status));
    bad = 1;
  }
  long total = failing - 1;
  failing = 0;
  printf("%s: %ld allocations\n", path, total);
  kr_arena_deinit(&arena);
  return bad || total < 4;
}

int main(int n_args, char **args) {
  int n_failed = 0;
  for (int i = 1; i < n_args; i++) n_failed += check_file(args[i]);
  printf("%d passed, %d failed\n", n_args - 1 - n_failed, n_failed);
  return n_failed > 0;
}

/// Runs a program, throws away what it puts out and prints the ticks of its first output:
/// bench/regress counts the instructions.
/// usage: bench_ticks FILE MILLISECONDS LEVEL
///        bench_ticks compiler      prints which one built it
#include "kairo/kairo.h"
#include "time/ratio.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __clang__
#define COMPILER __VERSION__
#else
#define COMPILER "gcc " __VERSION__
#endif

static char *read_text(const char *path, size_t *n_bytes) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) return NULL;
  enum { MAX_BYTES = 1 << 20 };
  char *text = malloc(MAX_BYTES);
  *n_bytes = text != NULL ? fread(text, 1, MAX_BYTES, file) : 0;
  fclose(file);
  return text;
}

static KrStatus run(const KrProgram *program, KrRatio end) {
  KrSession *session = NULL;
  KrRatio now = KR_RATIO_ZERO, next;
  KR_TRY(kr_session_new(program, &session));
  KrRatio step = kr_session_step(session);
  KrStatus status = KR_OK;
  while (status == KR_OK && kr_ratio_compare(now, end) < 0) {
    status = kr_ratio_add(now, step, &next);
    if (status == KR_OK && kr_ratio_compare(next, end) > 0) next = end;
    if (status == KR_OK) status = kr_session_run(session, next);
    now = next;
  }
  printf("%lld\n", (long long)kr_session_ticks(session, 0));
  kr_session_free(session);
  return status;
}

int main(int n_args, char **args) {
  KrProgramOptions options;
  KrProgram *program = NULL;
  KrRatio end;
  size_t n_bytes;
  if (n_args == 2 && strcmp(args[1], "compiler") == 0) return puts(COMPILER) < 0;
  kr_program_defaults(&options);
  if (n_args != 4 || !kr_level_find(args[3], &options.level) ||
      !kr_level_is_supported(options.level) ||
      kr_ratio_make(strtol(args[2], NULL, 10), 1000, &end) != KR_OK) {
    fprintf(stderr, "usage: bench_ticks FILE MILLISECONDS LEVEL; this level may not be here\n");
    return 2;
  }
  char *text = read_text(args[1], &n_bytes);
  if (text == NULL) return 3;
  KrStatus status = kr_program_load(args[1], text, n_bytes, &options, &program);
  if (status == KR_OK) status = run(program, end);
  if (status != KR_OK)
    fprintf(stderr, "%s: %s\n%s", args[1], kr_status_text(status),
            program != NULL ? kr_program_messages(program) : "");
  kr_program_free(program);
  free(text);
  return status == KR_OK ? 0 : 1;
}

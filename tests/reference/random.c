// Random programs, each tried in every way that must not matter.
// random [-x] [FIRST [COUNT [MILLISECONDS]]], -x: stop at the first failure as it is; random show
// SEED; random file PROGRAM; random shrink PROGRAM
#include "generate.h"
#include "shrink.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *generate(uint64_t seed) {
  KrArena arena;
  KrBuffer buffer;
  kr_arena_init(&arena, NULL);
  kr_buffer_init(&buffer, &arena);
  kr_generate(seed, &buffer);
  char *text = strdup(buffer.at);
  kr_arena_deinit(&arena);
  return text;
}

static char *read_file(const char *path) {
  FILE *file = fopen(path, "r");
  if (file == NULL) return NULL;
  size_t n = 0, cap = 1 << 20;
  char *text = malloc(cap + 1);
  n = fread(text, 1, cap, file);
  text[n] = '\0';
  fclose(file);
  return text;
}

static int try_file(const char *path, bool shrink) {
  char *text = read_file(path);
  KrTrialOptions options = {.seed = 1, .milliseconds = 40, .every_instant = true};
  KrTrial trial;
  if (text == NULL) {
    fprintf(stderr, "cannot read %s\n", path);
    return 2;
  }
  KrVerdict verdict = kr_trial_run(text, &options, &trial);
  printf("%s %s\n",
         verdict == KR_PASSED   ? "passed"
         : verdict == KR_FAILED ? "failed"
                                : "rejected",
         trial.text);
  if (shrink && verdict == KR_FAILED) {
    char *smallest = kr_shrink(text, &options, &trial);
    printf("# %s\n%s", trial.text, smallest);
    free(smallest);
  }
  free(text);
  return verdict != KR_PASSED;
}

static void report_failure(uint64_t seed, const char *text, const KrTrialOptions *options,
                           KrTrial *trial, bool shrink) {
  fprintf(stderr, "seed %llu failed: %s\n", (unsigned long long)seed, trial->text);
  if (!shrink) return;
  char *smallest = kr_shrink(text, options, trial);
  fprintf(stderr, "# smallest: %s\n%s", trial->text, smallest);
  free(smallest);
}

int main(int n_args, char **args) {
  if (n_args == 3 && strcmp(args[1], "show") == 0) {
    char *text = generate(strtoull(args[2], NULL, 10));
    fputs(text, stdout);
    free(text);
    return 0;
  }
  if (n_args == 3 && (strcmp(args[1], "file") == 0 || strcmp(args[1], "shrink") == 0))
    return try_file(args[2], args[1][0] == 's');
  bool stops = n_args > 1 && strcmp(args[1], "-x") == 0;
  n_args -= stops;
  args += stops;
  uint64_t first = n_args > 1 ? strtoull(args[1], NULL, 10) : 1,
           count = n_args > 2 ? strtoull(args[2], NULL, 10) : 200;
  int64_t milliseconds = n_args > 3 ? strtoll(args[3], NULL, 10) : 40;
  uint64_t n[3] = {0}, n_runs = 0;
  for (uint64_t seed = first; seed < first + count; seed++) {
    char *text = generate(seed);
    KrTrialOptions options = {
        .seed = seed, .milliseconds = milliseconds, .every_instant = seed % 4 == 0};
    KrTrial trial;
    KrVerdict verdict = kr_trial_run(text, &options, &trial);
    n[verdict]++;
    n_runs += trial.n_runs;
    if (verdict == KR_REJECTED && n[KR_REJECTED] <= 3)
      fprintf(stderr, "seed %llu rejected: %s\n", (unsigned long long)seed, trial.text);
    if (verdict == KR_FAILED)
      report_failure(seed, text, &options, &trial, !stops && n[KR_FAILED] <= 3);
    free(text);
    if (verdict == KR_FAILED && stops) break;
  }
  fprintf(stderr, "%llu rejected, %llu runs\n", (unsigned long long)n[KR_REJECTED],
          (unsigned long long)n_runs);
  // Rejected programs prove nothing: too many of them are a failure of their own.
  if (n[KR_REJECTED] * 3 > count) n[KR_FAILED]++;
  printf("%llu passed, %llu failed\n", (unsigned long long)n[KR_PASSED],
         (unsigned long long)n[KR_FAILED]);
  return n[KR_FAILED] > 0;
}

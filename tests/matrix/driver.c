// driver list                          the programs inside
// driver digest PROGRAM                lines of `kairo render --digest`
// driver save PROGRAM TIME             a snapshot at TIME (seconds, `37/1000`) on standard output
// driver resume PROGRAM                the digest of what follows the snapshot on standard input
// driver trace PROGRAM BEGIN END SLICES   see Trace
// driver uncovered                     what no program inside makes use of
// driver plant PATH TICK COMMAND …     with a planted difference
// KAIRO_ISA names the vector level.
#include "driver.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static KrRatio read_time(const char *text) {
  char *rest;
  KrRatio time;
  long long num = strtoll(text, &rest, 10), den = *rest == '/' ? strtoll(rest + 1, NULL, 10) : 1;
  if (kr_ratio_make(num, den, &time) != KR_OK) fail(text, "no time");
  return time;
}

static void resume(const char *name) {
  size_t n = 0, cap = (size_t)64 << 20;
  uint8_t *at = malloc(cap);
  if (at == NULL) fail(name, "out of memory");
  for (size_t got; (got = fread(at + n, 1, cap - n, stdin)) > 0;) n += got;
  print_resumed(name, at, n);
}

static void trace(char **args) {
  Trace trace = {.begin = strtod(args[3], NULL),
                 .end = strtod(args[4], NULL),
                 .n_slices = (uint32_t)strtoul(args[5], NULL, 10)};
  print_trace(args[2], &trace);
}

static void choose_level(void) {
  const char *name = getenv("KAIRO_ISA");
  if (name == NULL || name[0] == '\0') return;
  if (!kr_level_find(name, &level) || !kr_level_is_supported(level)) fail(name, "no such level");
}

int main(int n_args, char **args) {
  choose_level();
  if (n_args > 4 && strcmp(args[1], "plant") == 0) {
    plant = (Plant){args[2], strtoll(args[3], NULL, 10)};
    n_args -= 3;
    args += 3;
  }
  const char *command = n_args > 1 ? args[1] : "";
  if (strcmp(command, "list") == 0) {
    for (uint32_t i = 0; i < n_archive; i++)
      if (archive_is_program(&archive[i])) printf("%s\n", archive[i].name);
  } else if (strcmp(command, "uncovered") == 0) {
    print_uncovered();
  } else if (strcmp(command, "digest") == 0 && n_args == 3) {
    print_digest(args[2]);
  } else if (strcmp(command, "save") == 0 && n_args == 4) {
    print_snapshot(args[2], read_time(args[3]));
  } else if (strcmp(command, "resume") == 0 && n_args == 3) {
    resume(args[2]);
  } else if (strcmp(command, "trace") == 0 && n_args == 6) {
    trace(args);
  } else {
    fail("driver", "list | uncovered | digest | save | resume | trace, after plant PATH TICK");
  }
  return 0;
}

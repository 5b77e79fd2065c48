/// Memory of a small program after a month and a year later of program time: notes, crossings,
/// states and windows every few seconds. Prints what grew.
#include "kairo/kairo.h"
#include "session/session.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char text[] =
    "@state(merge=sum) total: i64 = 0\n"
    "let notes = event.every(600s, payload=Note{freq: 1Hz, dur: 120s})\n"
    "flow slow(dt=60s) { output sine(freq=1Hz / 86400) }\n"
    "flow other(dt=1800s) {\n  total = total + 1\n  output total\n}\n"
    "flow fast(dt=10s) {\n  output resample(slow, to=sim, mode=cubic)\n"
    "  output g = notes.to_signal(mode=gate)\n"
    "  output d = delay(resample(slow, to=sim, mode=linear), 1000s)\n}\n"
    "flow day(dt=3600s) {\n  total = total + 1\n  output mean(fast)\n  output t = total\n}\n";

/// Resident pages of this process, in KiB; 0 where the system does not say.
static long read_resident(void) {
  char line[128] = "";
  FILE *file = fopen("/proc/self/statm", "r");
  if (file == NULL) return 0;
  bool is_read = fgets(line, sizeof line, file) != NULL;
  fclose(file);
  char *second = strchr(line, ' ');
  return is_read && second != NULL ? strtol(second, NULL, 10) * 4 : 0;
}

static bool run_days(KrSession *session, int64_t from, int64_t to) {
  for (int64_t hour = 24 * from + 1; hour <= 24 * to; hour++)
    if (kr_session_run(session, (KrRatio){3600 * hour, 1}) != KR_OK) return false;
  return true;
}

int main(void) {
  KrProgramOptions options;
  KrProgram *program = NULL;
  KrSession *session = NULL;
  kr_program_defaults(&options);
  options.step = (KrRatio){3600, 1};
  if (kr_program_load("year", text, strlen(text), &options, &program) != KR_OK) {
    fputs(kr_program_messages(program), stderr);
    return 1;
  }
  if (kr_session_new(program, &session) != KR_OK || !run_days(session, 0, 30)) return 1;
  size_t arena = session->arena->n_bytes;
  long resident = read_resident();
  if (!run_days(session, 30, 395)) {
    fprintf(stderr, "%s\n", kr_session_error(session));
    return 1;
  }
  printf("growth over a year     %8ld KiB\n", read_resident() - resident);
  printf("taken over a year      %8zu bytes\n", session->arena->n_bytes - arena);
  kr_session_free(session);
  kr_program_free(program);
  return 0;
}

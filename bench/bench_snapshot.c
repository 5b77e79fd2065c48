/// Milliseconds to save and to restore a MiB of snapshot, checksums included: delay lines of one
/// lane, and of lanes side by side.
#include "clock.h"
#include "kairo/kairo.h"
#include <stdio.h>
#include <string.h>

enum { N_RUNS = 9 };

static void measure(const char *name, const char *text) {
  KrProgram *program = NULL;
  KrSession *session = NULL, *other = NULL;
  double save = 1e9, restore = 1e9;
  size_t n_bytes = 0;
  if (kr_program_load(name, text, strlen(text), NULL, &program) != KR_OK ||
      kr_session_new(program, &session) != KR_OK || kr_session_new(program, &other) != KR_OK)
    return;
  for (int i = 0; i < N_RUNS; i++) {
    uint8_t *at = NULL;
    double begin = cpu_seconds();
    if (kr_session_save(session, &at, &n_bytes) != KR_OK) return;
    double middle = cpu_seconds();
    if (kr_session_restore(other, at, n_bytes) != KR_OK) return;
    double end = cpu_seconds();
    kr_bytes_free(at);
    if (middle - begin < save) save = middle - begin;
    if (end - middle < restore) restore = end - middle;
  }
  double mebibytes = (double)n_bytes / 1048576;
  printf("save, %-17s %8.3f ms/MiB\nrestore, %-14s %8.3f ms/MiB\n", name, save * 1e3 / mebibytes,
         name, restore * 1e3 / mebibytes);
  kr_session_free(other);
  kr_session_free(session);
  kr_program_free(program);
}

int main(void) {
  measure("f32, one lane",
          "flow a(dt=1/48000 @rate=audio) { output comb(noise(1), time=60s, max=60s) }\n");
  measure("f64, one lane", "flow a(dt=1/48000 @rate=sim) { output comb(noise(1), time=60s) }\n");
  measure("f32, 64 lanes", "flow a(dt=1/48000 @rate=audio) {\n  let x = noise(1)\n  output "
                           "[0..64].map(|i| comb(x, time=1s + i * 1ms)).sum()\n}\n");
  return 0;
}

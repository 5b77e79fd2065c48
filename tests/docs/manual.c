// Prints docs/operators.md from the registry.
#include "ops/manual.h"
#include <stdio.h>

int main(void) {
  KrArena arena;
  KrBuffer buffer;
  kr_arena_init(&arena, NULL);
  kr_buffer_init(&buffer, &arena);
  bool done = kr_registry_print(&buffer, NULL, KR_MANUAL_MARKDOWN);
  done = done && fwrite(buffer.at, 1, buffer.n, stdout) == buffer.n && fflush(stdout) == 0;
  kr_arena_deinit(&arena);
  return done ? 0 : 1;
}

// kairo ops: the operators, from the registry.
#include "cli.h"
#include "ops/manual.h"

int run_ops(int n_args, char **args) {
  Options options;
  int code = read_options(&options, "ops", n_args, args);
  if (code >= 0) return code;
  KrArena arena;
  KrBuffer buffer;
  kr_arena_init(&arena, NULL);
  kr_buffer_init(&buffer, &arena);
  if (!kr_registry_print(&buffer, options.file, options.json ? KR_MANUAL_JSON : KR_MANUAL_TEXT)) {
    KrText near = kr_registry_near(kr_text_from(options.file));
    fprintf(stderr, "kairo ops: no operator `%s`%s%.*s%s\n", options.file,
            near.n > 0 ? "; did you mean `" : "", (int)near.n, near.at != NULL ? near.at : "",
            near.n > 0 ? "`?" : "");
    code = EXIT_PROGRAM;
  } else {
    fwrite(buffer.at, 1, buffer.n, stdout);
    code = EXIT_OK;
  }
  kr_arena_deinit(&arena);
  return code;
}

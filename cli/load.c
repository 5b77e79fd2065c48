// From a file name to a program, with its messages on standard error.
#include "cli.h"
#include "io/host.h"
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

double wall_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static volatile sig_atomic_t is_polled, was_interrupted;

// Whoever polls is given a second to tidy up; a second signal ends at once.
static void handle_interrupt(int signal_number) {
  if (is_polled && !was_interrupted && signal_number != SIGALRM) {
    was_interrupted = 1;
    alarm(1);
    return;
  }
  kr_io_cancel();
  _exit(130);
}

bool poll_interrupt(void) {
  is_polled = 1;
  return was_interrupted;
}

void install_interrupt(void) {
  struct sigaction action = {.sa_handler = handle_interrupt, .sa_flags = SA_RESTART};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGALRM, &action, NULL);
  signal(SIGPIPE, SIG_IGN);
}

int read_source(const char *file, KrArena *arena, const char **text, size_t *n_bytes) {
  const char *error = NULL;
  const uint8_t *at;
  KrStatus status = kr_file_read(file, arena, &at, n_bytes, &error);
  *text = (const char *)at;
  if (status == KR_OK) return EXIT_OK;
  fprintf(stderr, "kairo: error: %s\n", error != NULL ? error : kr_status_text(status));
  return EXIT_PROGRAM;
}

// `use NAME`: NAME.kairo beside the program.
static KrStatus read_module(void *user, const char *name, KrArena *arena, const char **path,
                            const char **text, size_t *n_bytes) {
  const char *folder = user, *error;
  const uint8_t *at;
  *path = kr_file_join(arena, folder, kr_text_print(arena, "%s.kairo", name));
  KrStatus status = kr_file_read(*path, arena, &at, n_bytes, &error);
  *text = (const char *)at;
  return status;
}

// The folder of a path, empty for the present one.
static const char *folder_of(const char *file, KrArena *arena) {
  const char *slash = strrchr(file, '/');
  if (slash == NULL || strcmp(file, "-") == 0) return "";
  return kr_text_string(arena, (KrText){file, slash == file ? 1 : (size_t)(slash - file)});
}

int load_program(const Options *options, const char *file, Stage stage, KrProgram **program) {
  static KrArena arena; // names and text until the process ends
  const char *text;
  size_t n_bytes;
  *program = NULL;
  int code = read_source(file, &arena, &text, &n_bytes);
  if (code != EXIT_OK) return code;
  const char *folder = folder_of(file, &arena);
  KrIoHost files = {.folder = folder};
  KrAssetHost host = kr_io_host(&files);
  KrProgramOptions program_options;
  kr_program_defaults(&program_options);
  code = read_level(&program_options.level);
  if (code != EXIT_OK) return code;
  program_options.host = &host;
  program_options.read_module = read_module;
  union {
    const char *from;
    void *to;
  } user = {.from = folder};
  program_options.module_user = user.to;
  memcpy(program_options.class_rate, options->class_rate, sizeof options->class_rate);
  program_options.has_seed = options->has_seed;
  program_options.seed = options->seed;
  program_options.stems = options->stems;
  program_options.lenient = options->lenient;
  program_options.settings = options->sets;
  program_options.n_settings = options->n_sets;
  program_options.inputs = options->inputs;
  program_options.n_inputs = options->n_inputs;
  program_options.probes = options->probes;
  program_options.n_probes = options->n_probes;
  if (options->block > 0) {
    KrRatio rate = options->class_rate[0].num > 0 ? options->class_rate[0] : kr_ratio_of(48000);
    kr_ratio_div(kr_ratio_of(options->block), rate, &program_options.step);
  }
  const char *name = strcmp(file, "-") == 0 ? "<stdin>" : file;
  KrStatus status = kr_program_new(name, text, n_bytes, &program_options, program);
  if (status == KR_OK) status = kr_program_parse(*program);
  if (status == KR_OK && stage >= STAGE_ELABORATE) status = kr_program_elaborate(*program);
  if (status == KR_OK && stage >= STAGE_PLAN) status = kr_program_plan_make(*program);
  if (*program != NULL && kr_program_print_messages(*program) == KR_OK)
    fputs((*program)->messages, stderr);
  if (status != KR_OK && (*program == NULL || (*program)->diagnostics.n_errors == 0))
    fprintf(stderr, "%s: error: %s\n", name, kr_status_text(status));
  return status == KR_OK ? EXIT_OK : EXIT_PROGRAM;
}

/// The command line: what every subcommand shares.
#ifndef KR_CLI_H
#define KR_CLI_H
#include "io/file.h"
#include "session/program.h"
#include "session/session.h"
#include <stdio.h>

/// Exit codes.
enum {
  EXIT_OK = 0,
  EXIT_PROGRAM = 1,
  EXIT_USAGE = 2,
  EXIT_ENVIRONMENT = 3,
  EXIT_INTERRUPTED = 130
};

typedef int Command(int n_args, char **args);
typedef struct CommandRow {
  const char *name;
  Command *run;
  const char *doc;  ///< one line
  const char *help; ///< usage and options
} CommandRow;
extern const CommandRow command_rows[];

int run_render(int n_args, char **args);
int run_check(int n_args, char **args);
int run_fmt(int n_args, char **args);
int run_ast(int n_args, char **args);
int run_graph(int n_args, char **args);
int run_plan(int n_args, char **args);
int run_trace(int n_args, char **args);
int run_diff(int n_args, char **args);
int run_ops(int n_args, char **args);
int run_doctor(int n_args, char **args);
int run_later(int n_args, char **args);

enum { MAX_SETTINGS = 256 };
/// Options of every command that loads a program. Pointers into argv.
typedef struct Options {
  const char *command;
  const char *file;
  const char *out;
  const char *duration, *from_snapshot;
  const char *profile, *format;
  const char *swap_at[16], *snapshot_at[64];
  uint32_t n_swap_at, n_snapshot_at;
  KrSetting sets[MAX_SETTINGS], inputs[MAX_SETTINGS];
  uint32_t n_sets, n_inputs;
  const char *probes[MAX_SETTINGS];
  uint32_t n_probes;
  KrRatio class_rate[4];
  bool has_seed;
  uint64_t seed;
  uint32_t block, threads;
  bool video, stems, digest, json, dot, live, parse_only, write, quiet, lenient, force;
  const char *second; ///< second file of `diff`
} Options;

/// Reads the arguments. Returns -1 to go on, else the exit code (a message was printed).
int read_options(Options *options, const char *command, int n_args, char **args);
int usage_error(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/// Reads FILE (`-`: standard input). On failure a message was printed and the exit code is
/// returned, else EXIT_OK.
int read_source(const char *file, KrArena *arena, const char **text, size_t *n_bytes);
/// The vector level KAIRO_ISA asks for, KR_LEVEL_BEST when it is not set. Not there: a message with
/// what is supported here and the exit code, else EXIT_OK.
int read_level(KrLevel *level);
/// The supported levels, separated by blanks; static text.
const char *supported_levels(void);
typedef enum Stage { STAGE_PARSE, STAGE_ELABORATE, STAGE_PLAN } Stage;
/// Loads up to `stage`, prints messages on standard error. *program may be NULL on failure.
int load_program(const Options *options, const char *file, Stage stage, KrProgram **program);

/// `1s`, `250ms`, `1/48000`, `8beats`: exact seconds. `graph` gives the tempo, may be NULL.
/// False with *message when it is no time.
bool read_time(const char *text, const KrGraph *graph, KrRatio *time, const char **message);
/// Wall clock in seconds, for progress and summaries.
double wall_seconds(void);
/// Ctrl-C: temporaries are removed, exit 130.
void install_interrupt(void);
/// For loops that tidy up themselves: true once the run is to stop.
bool poll_interrupt(void);
#endif

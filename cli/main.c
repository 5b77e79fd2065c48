// kairo: picks the subcommand. One row per command; help is in the rows.
#include "cli.h"
#include "kairo/kairo.h"
#include <errno.h>
#include <string.h>

#define PROGRAM_OPTIONS                                                                            \
  "  --rate CLASS=HZ      default rate of a class (audio control visual sim)\n"                    \
  "  --seed N             seed of the program's randomness\n"                                      \
  "  --set NAME=VALUE     replace a top-level constant\n"                                          \
  "  --input NAME=SOURCE  bind an input: a number, a sound file, midi:FILE, csv:FILE\n"            \
  "  --lenient            a sound file that cannot be read is silence and a warning\n"             \
  "  --profile NAME       strict (default); fast is accepted and equals strict\n"

const CommandRow command_rows[] = {
    {"render", run_render, "run a program and write what it puts out",
     "kairo render FILE [options]\n"
     "  -o DIR               where to write (default out/<program>; - : first sound as WAV to "
     "stdout)\n"
     "  -d DURATION          program time: 4s 250ms 1/48000 8beats\n" PROGRAM_OPTIONS
     "  --probe FLOW.NAME    write any named stream too\n"
     "  --stems              write what is sent to every bus, too\n"
     "  --block N            ask for N frames at a time, as a device does\n"
     "  --threads N          run independent parts on N threads (default 1)\n"
     "  --format F           float (default), pcm16, pcm24\n"
     "  --video              pictures as MP4 with the sound, through ffmpeg\n"
     "  --digest             print the SHA-256 of every output\n"
     "  --json               print the summary as JSON\n"
     "  --snapshot-at T      also write DIR/at-<grid tick>.snap\n"
     "  --from-snapshot F    start from a snapshot, write the rest\n"
     "  --swap-at T=FILE     go on with another program from instant T\n"
     "  --quiet              no progress, no summary\n"},
    {"check", run_check, "report the errors and warnings of a program",
     "kairo check [--parse-only] FILE\n"
     "  --parse-only         the syntax alone\n" PROGRAM_OPTIONS},
    {"fmt", run_fmt, "print a program in the standard layout",
     "kairo fmt [--write] FILE\n  --write              replace the file\n"},
    {"ast", run_ast, "print the syntax tree", "kairo ast FILE\n"},
    {"graph", run_graph, "print the graph",
     "kairo graph [--dot] FILE\n"
     "  --dot                as a graph for dot(1)\n" PROGRAM_OPTIONS},
    {"plan", run_plan, "print the schedule: rates, grid, order, leads, buffers",
     "kairo plan [--json] [--dot] FILE\n"
     "  --json               as JSON\n"
     "  --dot                as a graph for dot(1)\n" PROGRAM_OPTIONS},
    {"trace", run_trace, "print what ran when",
     "kairo trace [-d DURATION] [--block N] [--json] FILE\n"
     "  -d DURATION          program time to trace (default 1s)\n"
     "  --block N            ask for N frames at a time, as a device does\n"
     "  --json               Chrome trace format\n" PROGRAM_OPTIONS},
    {"diff", run_diff, "first difference of two outputs, and by how much",
     "kairo diff A B\n  A, B                 two WAV, CSV or other files\n"},
    {"ops", run_ops, "print the operators", "kairo ops [NAME] [--json]\n"},
    {"live", run_later, "run in real time (not available yet)", "kairo live FILE\n"},
    {"replay", run_later, "play a recorded session again (not available yet)",
     "kairo replay SESSION\n"},
    {"doctor", run_doctor, "print what this build and machine offer", "kairo doctor\n"},
    {NULL, NULL, NULL, NULL}};

static void print_help(FILE *out) {
  fprintf(out, "kairo: one program for sound, control, pictures and simulation, exact to the "
               "sample and the bit\n\n"
               "usage: kairo COMMAND [options] FILE\n\n");
  for (const CommandRow *row = command_rows; row->name != NULL; row++)
    fprintf(out, "  %-8s %s\n", row->name, row->doc);
  fprintf(out, "\nkairo COMMAND --help tells more; FILE may be - for standard input\n");
}

int run_later(int n_args, char **args) {
  (void)n_args;
  fprintf(stderr, "kairo: `%s` is not available yet in this version\n", args[-1]);
  return EXIT_ENVIRONMENT;
}

static const CommandRow *nearest_row(const char *name) {
  const CommandRow *best = NULL;
  uint32_t best_distance = 3;
  for (const CommandRow *row = command_rows; row->name != NULL; row++) {
    uint32_t distance = kr_text_distance(kr_text_from(row->name), kr_text_from(name));
    if (distance >= best_distance) continue;
    best = row;
    best_distance = distance;
  }
  return best;
}

static int run_command(int n_args, char **args) {
  if (n_args < 2) {
    print_help(stderr);
    return EXIT_USAGE;
  }
  const char *name = args[1];
  if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
    print_help(stdout);
    return EXIT_OK;
  }
  if (strcmp(name, "--version") == 0) {
    printf("kairo %s\n", KAIRO_VERSION);
    return EXIT_OK;
  }
  for (const CommandRow *row = command_rows; row->name != NULL; row++) {
    if (strcmp(row->name, name) != 0) continue;
    for (int i = 2; i < n_args; i++) {
      if (strcmp(args[i], "--help") != 0 && strcmp(args[i], "-h") != 0) continue;
      printf("%s: %s\n\nusage: %s", row->name, row->doc, row->help);
      return EXIT_OK;
    }
    install_interrupt();
    return row->run(n_args - 2, args + 2);
  }
  const CommandRow *near = nearest_row(name);
  if (near != NULL)
    fprintf(stderr, "kairo: no command `%s`; did you mean `%s`?\n", name, near->name);
  else
    fprintf(stderr, "kairo: no command `%s`; `kairo --help` lists them\n", name);
  return EXIT_USAGE;
}

// Results that did not arrive are an error; a reader that went away needs no message.
int main(int n_args, char **args) {
  int code = run_command(n_args, args);
  errno = 0;
  if (fflush(stdout) == 0 && !ferror(stdout)) return code;
  if (errno != EPIPE && code == EXIT_OK)
    fprintf(stderr, "kairo: error: standard output could not be written\n");
  return code == EXIT_OK ? EXIT_PROGRAM : code;
}

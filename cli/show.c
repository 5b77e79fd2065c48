// The commands that print one stage of the way through: check, fmt, ast, graph, plan.
#include "cli.h"
#include <string.h>

// Reads options and loads FILE up to a stage. -1: go on.
static int begin(Options *options, const char *command, int n_args, char **args, Stage stage,
                 KrProgram **program) {
  int code = read_options(options, command, n_args, args);
  if (code >= 0) return code;
  if (options->file == NULL)
    return usage_error(command, "which program? give a FILE, or - for standard input");
  code = load_program(options, options->file, options->parse_only ? STAGE_PARSE : stage, program);
  return code == EXIT_OK ? -1 : code;
}

static int print_buffer(const KrBuffer *buffer) {
  if (buffer->n > 0) fwrite(buffer->at, 1, buffer->n, stdout);
  if (fflush(stdout) == 0) return EXIT_OK;
  fprintf(stderr, "kairo: error: standard output could not be written\n");
  return EXIT_PROGRAM;
}

int run_check(int n_args, char **args) {
  Options options;
  KrProgram *program = NULL;
  int code = begin(&options, "check", n_args, args, STAGE_PLAN, &program);
  kr_program_free(program);
  return code < 0 ? EXIT_OK : code;
}

int run_ast(int n_args, char **args) {
  Options options;
  KrProgram *program = NULL;
  int code = begin(&options, "ast", n_args, args, STAGE_PARSE, &program);
  if (code < 0) {
    KrBuffer buffer;
    kr_buffer_init(&buffer, &program->arena);
    kr_ast_print(program->ast, &program->source, &buffer);
    code = print_buffer(&buffer);
  }
  kr_program_free(program);
  return code;
}

int run_fmt(int n_args, char **args) {
  Options options;
  KrProgram *program = NULL;
  int code = begin(&options, "fmt", n_args, args, STAGE_PARSE, &program);
  if (code < 0) {
    KrBuffer buffer;
    kr_buffer_init(&buffer, &program->arena);
    kr_format(program->ast, &program->source, &buffer);
    if (!options.write || strcmp(options.file, "-") == 0) {
      code = print_buffer(&buffer);
    } else {
      char error[KR_IO_MESSAGE];
      code =
          kr_file_write(options.file, buffer.at, buffer.n, error) == KR_OK ? EXIT_OK : EXIT_PROGRAM;
      if (code != EXIT_OK) fprintf(stderr, "kairo: error: %s\n", error);
    }
  }
  kr_program_free(program);
  return code;
}

int run_graph(int n_args, char **args) {
  Options options;
  KrProgram *program = NULL;
  int code = begin(&options, "graph", n_args, args, STAGE_ELABORATE, &program);
  if (code < 0) {
    KrBuffer buffer;
    kr_buffer_init(&buffer, &program->arena);
    if (options.dot)
      kr_graph_print_dot(program->graph, &buffer);
    else
      kr_graph_print(program->graph, &buffer);
    code = print_buffer(&buffer);
  }
  kr_program_free(program);
  return code;
}

// The plan and the two hashes that say which program it is of.
static void print_plan(const KrProgram *program, KrBuffer *buffer) {
  char structure[65], whole[65];
  KrDigest digest = kr_program_structure_hash(program);
  kr_digest_text(&digest, structure);
  digest = kr_program_hash(program);
  kr_digest_text(&digest, whole);
  kr_plan_print(program->plan, buffer);
  kr_buffer_print(buffer, "\nstructure   %s\nprogram     %s\n", structure, whole);
}

int run_plan(int n_args, char **args) {
  Options options;
  KrProgram *program = NULL;
  int code = begin(&options, "plan", n_args, args, STAGE_PLAN, &program);
  if (code < 0) {
    KrBuffer buffer;
    kr_buffer_init(&buffer, &program->arena);
    if (options.dot)
      kr_plan_print_dot(program->plan, &buffer);
    else if (options.json)
      kr_plan_print_json(program->plan, &buffer);
    else
      print_plan(program, &buffer);
    code = print_buffer(&buffer);
  }
  kr_program_free(program);
  return code;
}

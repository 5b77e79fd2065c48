// kairo trace: what ran when, span by span; as text or in Chrome's trace format.
#include "cli.h"

typedef struct Trace {
  const KrGraph *graph;
  bool json;
  uint64_t n;
} Trace;

static double seconds_of(const KrClock *clock, int64_t tick) {
  KrRatio time;
  if (kr_clock_time(clock, tick, &time) != KR_OK) return 0;
  return (double)time.num / (double)time.den;
}

// Program time is the time axis: one row per flow.
static void print_span(void *user, uint32_t flow, int64_t first_tick, uint32_t n_ticks,
                       const char *what) {
  Trace *trace = user;
  const KrFlow *row = &trace->graph->flows[flow];
  double begin = seconds_of(&row->clock, first_tick),
         end = seconds_of(&row->clock, first_tick + n_ticks);
  int length = (int)row->name.n;
  if (trace->json)
    printf("%s{\"name\": \"%s\", \"cat\": \"flow\", \"ph\": \"X\", \"pid\": 1, \"tid\": %u, "
           "\"ts\": %.3f, \"dur\": %.3f, "
           "\"args\": {\"flow\": \"%.*s\", \"tick\": %lld, \"ticks\": %u, \"order\": %llu}}",
           trace->n > 0 ? ",\n" : "", what != NULL ? what : "run", flow, begin * 1e6,
           (end - begin) * 1e6, length, row->name.at, (long long)first_tick, n_ticks,
           (unsigned long long)trace->n);
  else
    printf("%-12.6f %-16.*s ticks %lld..%lld %s\n", begin, length, row->name.at,
           (long long)first_tick, (long long)(first_tick + n_ticks - 1), what != NULL ? what : "");
  trace->n++;
}

static int run_all(KrSession *session, const Options *options, const KrProgram *program) {
  KrRatio end = kr_ratio_of(1), now = KR_RATIO_ZERO, next;
  const char *message;
  if (options->duration != NULL && !read_time(options->duration, program->graph, &end, &message))
    return usage_error("trace", "`-d %s` %s", options->duration, message);
  while (kr_ratio_compare(now, end) < 0) {
    if (kr_ratio_add(now, kr_session_step(session), &next) != KR_OK ||
        kr_ratio_compare(next, end) > 0)
      next = end;
    KrStatus status = kr_session_run(session, next);
    if (status != KR_OK) {
      const char *error = kr_session_error(session);
      fprintf(stderr, "%s: error: %s\n", options->file,
              error != NULL ? error : kr_status_text(status));
      return EXIT_PROGRAM;
    }
    now = next;
  }
  return EXIT_OK;
}

int run_trace(int n_args, char **args) {
  Options options;
  KrProgram *program = NULL;
  KrSession *session = NULL;
  int code = read_options(&options, "trace", n_args, args);
  if (code >= 0) return code;
  if (options.file == NULL)
    return usage_error("trace", "which program? give a FILE, or - for standard input");
  code = load_program(&options, options.file, STAGE_PLAN, &program);
  if (code == EXIT_OK && kr_session_new(program, &session) != KR_OK) code = EXIT_PROGRAM;
  if (code == EXIT_OK) {
    Trace trace = {.graph = program->graph, .json = options.json};
    kr_run_trace(session->run, print_span, &trace);
    if (options.json) printf("[\n");
    code = run_all(session, &options, program);
    if (options.json) printf("\n]\n");
  }
  kr_session_free(session);
  kr_program_free(program);
  return code;
}

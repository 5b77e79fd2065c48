// kairo render: runs a program as far as asked and writes what it puts out.
#include "math/elementary.h"
#include "rt/pool.h"
#include "sink.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct Swap {
  KrRatio time;
  const char *file;
  KrProgram *program;
} Swap;

typedef struct Render {
  Options options;
  KrProgram *program;
  KrSession *session;
  KrPool *pool; // NULL: this thread alone
  SinkSet sinks;
  KrArena arena;
  const char *folder; // NULL: standard output
  KrRatio begin, end;
  Swap swaps[16];
  KrRatio snapshots[64];
  bool snapshot_done[64];
  double started, shown;
  bool is_progress_shown;
} Render;

static int fail(const char *file, const char *message) {
  fprintf(stderr, "%s: error: %s\n", file != NULL ? file : "kairo", message);
  return EXIT_PROGRAM;
}

// out/<program> beside the caller.
static const char *default_folder(const char *file, KrArena *arena) {
  const char *slash = strrchr(file, '/');
  const char *name = slash != NULL ? slash + 1 : file;
  size_t n = strlen(name);
  if (n > 6 && strcmp(name + n - 6, ".kairo") == 0) n -= 6;
  if (strcmp(file, "-") == 0) return "out/stdin";
  return kr_text_print(arena, "out/%t", (KrText){name, n});
}

static int read_option_time(const Render *render, const char *option, const char *text,
                            KrRatio *time) {
  const char *message;
  if (read_time(text, render->program->graph, time, &message) && time->num >= 0) return -1;
  return usage_error("render", "`%s %s` %s", option, text, message);
}

static int choose_length(Render *render) {
  const Options *options = &render->options;
  render->end = kr_program_duration(render->program);
  if (options->duration != NULL)
    return read_option_time(render, "-d", options->duration, &render->end);
  if (render->end.num > 0) return -1;
  render->end = kr_ratio_of(10);
  if (!options->quiet)
    fprintf(
        stderr,
        "kairo render: the program does not say how long it is: 10 s (use -d or @duration=4s)\n");
  return -1;
}

static int compare_swaps(const void *a, const void *b) {
  return kr_ratio_compare(((const Swap *)a)->time, ((const Swap *)b)->time);
}

// A moment inside the run.
static int read_stop(const Render *render, const char *option, const char *text, KrRatio *time) {
  int code = read_option_time(render, option, text, time);
  if (code >= 0) return code;
  double end = (double)render->end.num / (double)render->end.den,
         begin = (double)render->begin.num / (double)render->begin.den;
  if (kr_ratio_compare(*time, render->end) > 0)
    return usage_error("render", "`%s %s` is past the end, %.9g s", option, text, end);
  if (kr_ratio_compare(*time, render->begin) < 0)
    return usage_error("render", "`%s %s` is before the snapshot, %.9g s", option, text, begin);
  return -1;
}

static int read_stops(Render *render) {
  const Options *options = &render->options;
  for (uint32_t i = 0; i < options->n_snapshot_at; i++) {
    int code = read_stop(render, "--snapshot-at", options->snapshot_at[i], &render->snapshots[i]);
    if (code >= 0) return code;
  }
  for (uint32_t i = 0; i < options->n_swap_at; i++) {
    const char *equals = strchr(options->swap_at[i], '=');
    char *time = kr_text_string(
        &render->arena, (KrText){options->swap_at[i], (size_t)(equals - options->swap_at[i])});
    int code = read_stop(render, "--swap-at", time, &render->swaps[i].time);
    if (code >= 0) return code;
    render->swaps[i].file = equals + 1;
    code = load_program(options, equals + 1, STAGE_PLAN, &render->swaps[i].program);
    if (code != EXIT_OK) return code;
  }
  qsort(render->swaps, options->n_swap_at, sizeof(Swap), compare_swaps);
  return -1;
}

static int restore(Render *render) {
  const char *file = render->options.from_snapshot, *error = NULL;
  const uint8_t *at;
  size_t n_bytes;
  if (kr_file_read(file, &render->arena, &at, &n_bytes, &error) != KR_OK) return fail(NULL, error);
  KrStatus status = kr_session_restore(render->session, at, n_bytes);
  if (status != KR_OK) {
    error = kr_session_error(render->session);
    return fail(file, error != NULL ? error : kr_status_text(status));
  }
  render->begin = kr_session_time(render->session);
  if (kr_ratio_compare(render->begin, render->end) <= 0) return -1;
  return usage_error("render", "`%s` was taken at %.9g s, past the end: -d is program time", file,
                     (double)render->begin.num / (double)render->begin.den);
}

static int save_snapshot(Render *render, KrRatio time) {
  uint8_t *at;
  size_t n_bytes;
  KrRatio tick;
  char error[KR_IO_MESSAGE];
  KrStatus status = kr_session_save(render->session, &at, &n_bytes);
  if (status != KR_OK) return fail("snapshot", kr_status_text(status));
  if (kr_ratio_mul(time, kr_plan_grid(render->program->plan)->frequency, &tick) != KR_OK)
    tick = time;
  const char *name = tick.den == 1
                         ? kr_text_print(&render->arena, "at-%lld.snap", (long long)tick.num)
                         : kr_text_print(&render->arena, "at-%lld_%lld.snap", (long long)tick.num,
                                         (long long)tick.den);
  const char *path =
      kr_file_join(&render->arena, render->folder != NULL ? render->folder : ".", name);
  status = kr_file_write(path, at, n_bytes, error);
  kr_bytes_free(at);
  return status == KR_OK ? -1 : fail(path, error);
}

// Flows that run ahead must know the instant of the next swap before they pass it.
static int announce_swap(Render *render, uint32_t index) {
  if (index >= render->options.n_swap_at) return -1;
  const Swap *swap = &render->swaps[index];
  if (kr_session_announce(render->session, swap->time) == KR_OK) return -1;
  return fail(swap->file, "the swap comes too early: a flow has already run ahead of it; swap "
                          "later, or use align=causal");
}

static int swap_program(Render *render, const Swap *swap) {
  KrStatus status = kr_session_swap(render->session, swap->program);
  if (status != KR_OK) return fail(swap->file, kr_status_text(status));
  render->program = swap->program;
  int code = sinks_follow(&render->sinks, swap->program, swap->time, render->end);
  if (code != EXIT_OK) return code;
  return announce_swap(render, (uint32_t)(swap - render->swaps) + 1);
}

static int report_fault(const Render *render) {
  const KrRunFault *fault = kr_run_fault(render->session->run);
  const KrGraph *graph = render->program->graph;
  if (fault == NULL) return fail(render->options.file, "the run stopped");
  const KrFlow *flow = &graph->flows[fault->flow];
  KrOrigin origin = fault->node != KR_NONE ? graph->nodes[fault->node].origin : flow->origin;
  KrDiagnostics list = render->program->diagnostics;
  list.n = list.n_errors = list.cap = 0;
  list.items = NULL;
  const char *hint =
      strstr(fault->message, "by zero") != NULL
          ? "choose what it is then: `if n != 0 then div(x, n) else 0`"
          : "`--probe flow.name` shows the values before that tick, with a shorter -d";
  kr_diagnose(&list, KR_ERROR, (KrSpan){origin.file, origin.begin, origin.end}, hint,
              "%s in flow `%t` at tick %lld", fault->message, flow->name, (long long)fault->tick);
  KrBuffer buffer;
  kr_buffer_init(&buffer, &render->program->arena);
  kr_diagnostics_print(&list, &buffer);
  fwrite(buffer.at, 1, buffer.n, stderr);
  return EXIT_PROGRAM;
}

static void show_progress(Render *render, KrRatio now) {
  if (!render->is_progress_shown) return;
  double seconds = wall_seconds();
  if (seconds - render->shown < 0.1) return;
  render->shown = seconds;
  double part =
      (double)now.num / (double)now.den / ((double)render->end.num / (double)render->end.den);
  char bar[41];
  for (int i = 0; i < 40; i++) bar[i] = part * 40 > i ? '#' : '.';
  bar[40] = '\0';
  fprintf(stderr, "\r[%s] %3.0f %%", bar, part * 100);
}

// The next moment to stop at: a snapshot, a swap, or the end.
static KrRatio next_stop(const Render *render, KrRatio now, uint32_t n_swapped) {
  KrRatio stop = render->end;
  for (uint32_t i = 0; i < render->options.n_snapshot_at; i++)
    if (!render->snapshot_done[i] && kr_ratio_compare(render->snapshots[i], now) >= 0 &&
        kr_ratio_compare(render->snapshots[i], stop) < 0)
      stop = render->snapshots[i];
  if (n_swapped < render->options.n_swap_at &&
      kr_ratio_compare(render->swaps[n_swapped].time, stop) < 0)
    stop = render->swaps[n_swapped].time;
  return stop;
}

static int at_stop(Render *render, KrRatio now, uint32_t *n_swapped) {
  for (uint32_t i = 0; i < render->options.n_snapshot_at; i++) {
    if (render->snapshot_done[i] || kr_ratio_compare(render->snapshots[i], now) != 0) continue;
    render->snapshot_done[i] = true;
    int code = save_snapshot(render, now);
    if (code >= 0) return code;
  }
  while (*n_swapped < render->options.n_swap_at &&
         kr_ratio_compare(render->swaps[*n_swapped].time, now) <= 0) {
    int code = swap_program(render, &render->swaps[(*n_swapped)++]);
    if (code >= 0) return code;
  }
  return -1;
}

static int run_steps(Render *render) {
  KrRatio now = render->begin;
  uint32_t n_swapped = 0;
  for (;;) {
    int code = at_stop(render, now, &n_swapped);
    if (code >= 0) return code;
    if (kr_ratio_compare(now, render->end) >= 0) return -1;
    if (poll_interrupt()) return EXIT_INTERRUPTED;
    KrRatio stop = next_stop(render, now, n_swapped), next;
    KrRatio step = kr_session_step(render->session);
    if (kr_ratio_add(now, step, &next) != KR_OK || kr_ratio_compare(next, stop) > 0) next = stop;
    KrStatus status = kr_session_run(render->session, next);
    if (status == KR_ERROR_RUN) return report_fault(render);
    if (status != KR_OK) return fail(render->options.file, kr_status_text(status));
    code = sinks_drain(&render->sinks, render->session);
    if (code != EXIT_OK) return code;
    now = next;
    show_progress(render, now);
  }
}

static void print_db(FILE *out, double peak) {
  if (peak > 0)
    fprintf(out, "%.2f dBFS", 20 * 0.30102999566398120 * (double)kr_f64_log2(peak));
  else
    fprintf(out, "silent");
}

// Listed events that come at or after the end.
static uint64_t count_pending(const Render *render) {
  const KrGraph *graph = render->program->graph;
  uint64_t n = 0;
  for (uint32_t i = 0; i < graph->n_events; i++)
    for (uint32_t j = 0; j < graph->events[i].n_items; j++)
      n += kr_ratio_compare(graph->events[i].items[j].time, render->end) >= 0;
  return n;
}

static void print_assets(const KrGraph *graph) {
  for (uint32_t i = 0; i < graph->n_assets; i++) {
    const KrAsset *asset = &graph->assets[i];
    char text[65];
    kr_digest_text(&asset->digest, text);
    fprintf(stderr, "  read %.*s: sha256 %s%s\n", (int)asset->path.n, asset->path.at, text,
            asset->is_lossy ? ", lossy: its samples depend on the decoder" : "");
  }
}

static void print_repairs(const Render *render) {
  uint64_t n = kr_session_repairs(render->session);
  if (n > 0)
    fprintf(stderr,
            "kairo render: foreign code changed the processor's floating-point settings %llu "
            "time%s; they were set right\n",
            (unsigned long long)n, n == 1 ? "" : "s");
}

static void print_summary(Render *render) {
  const KrGraph *graph = render->program->graph;
  double seconds = wall_seconds() - render->started;
  double length = (double)render->end.num / (double)render->end.den -
                  (double)render->begin.num / (double)render->begin.den;
  const KrGrid *grid = kr_plan_grid(render->program->plan);
  int64_t n_ticks = 0;
  if (isatty(STDERR_FILENO)) fprintf(stderr, "\r\033[K");
  fprintf(stderr, "%s: %u flow%s", render->options.file, graph->n_flows,
          graph->n_flows == 1 ? "" : "s");
  for (uint32_t i = 0; i < graph->n_flows; i++) {
    const KrFlow *flow = &graph->flows[i];
    n_ticks += kr_run_ticks(render->session->run, i);
    if (i >= 8) continue;
    fprintf(stderr, "%s%.*s %lld", i == 0 ? " (" : ", ", (int)flow->name.n, flow->name.at,
            (long long)flow->clock.dt.den);
    if (flow->clock.dt.num != 1) fprintf(stderr, "/%lld", (long long)flow->clock.dt.num);
    fprintf(stderr, " Hz");
  }
  if (graph->n_flows > 0) fputs(graph->n_flows > 8 ? ", …)" : ")", stderr);
  fprintf(stderr, ", grid %lld", (long long)grid->frequency.num);
  if (grid->frequency.den != 1) fprintf(stderr, "/%lld", (long long)grid->frequency.den);
  fprintf(stderr, " Hz\n%.6g s, %lld ticks in %.3f s: %.4g seconds per second\n", length,
          (long long)n_ticks, seconds, seconds > 0 ? length / seconds : 0.0);
  print_assets(graph);
  uint64_t n_pending = count_pending(render);
  if (n_pending > 0)
    fprintf(stderr, "%llu event%s at or after the end: pending\n", (unsigned long long)n_pending,
            n_pending == 1 ? "" : "s");
  for (uint32_t i = 0; i < render->sinks.n; i++) {
    const Sink *sink = &render->sinks.at[i];
    bool is_sound = sink->output->kind == KR_OUTPUT_AUDIO;
    if (render->folder == NULL && (!is_sound || sink->frames == NULL)) continue;
    fprintf(stderr, "  %s: %llu ", sink->path, (unsigned long long)sink->n_written);
    if (sink->output->kind == KR_OUTPUT_AUDIO) {
      fprintf(stderr, "frames x %u, peak ", sink->output->n_refs);
      print_db(stderr, sink->peak);
      fprintf(stderr, ", %llu clipped\n", (unsigned long long)sink->n_clipped);
    } else {
      fprintf(stderr, "%s\n",
              sink->video != NULL                        ? "pictures in a film"
              : sink->output->kind == KR_OUTPUT_PICTURES ? "pictures"
              : sink->output->kind == KR_OUTPUT_EVENTS   ? "events"
                                                         : "rows");
    }
  }
}

// JSON strings: names and paths may hold any byte.
static void print_json_string(const char *text) {
  putchar('"');
  for (; *text != '\0'; text++) {
    unsigned char c = (unsigned char)*text;
    if (c == '"' || c == '\\')
      printf("\\%c", c);
    else if (c < 0x20)
      printf("\\u%04x", c);
    else
      putchar(c);
  }
  putchar('"');
}

static void print_json(Render *render) {
  static const char *const kinds[] = {"audio", "numbers", "pictures", "events"};
  double seconds = wall_seconds() - render->started;
  printf("{\"program\": ");
  print_json_string(render->options.file);
  printf(", \"begin\": \"%lld/%lld\", \"end\": \"%lld/%lld\", \"wall_s\": %.6f, \"outputs\": [",
         (long long)render->begin.num, (long long)render->begin.den, (long long)render->end.num,
         (long long)render->end.den, seconds);
  for (uint32_t i = 0; i < render->sinks.n; i++) {
    const Sink *sink = &render->sinks.at[i];
    char text[65];
    KrHash copy = sink->hash;
    KrDigest digest = kr_hash_end(&copy);
    kr_digest_text(&digest, text);
    printf("%s{\"name\": ", i > 0 ? ", " : "");
    print_json_string(sink->name);
    printf(", \"kind\": \"%s\", \"path\": ", kinds[sink->output->kind]);
    print_json_string(sink->path);
    printf(", \"written\": %llu, \"sha256\": \"%s\"", (unsigned long long)sink->n_written, text);
    if (sink->output->kind == KR_OUTPUT_AUDIO)
      printf(", \"channels\": %u, \"peak\": %.9g, \"clipped\": %llu", sink->output->n_refs,
             sink->peak, (unsigned long long)sink->n_clipped);
    printf("}");
  }
  printf("], \"pending_events\": %llu}\n", (unsigned long long)count_pending(render));
}

static int finish(Render *render) {
  int code = sinks_commit(&render->sinks);
  if (code != EXIT_OK) return code;
  if (!render->options.quiet) print_summary(render);
  print_repairs(render);
  if (render->options.digest) sinks_print_digest(&render->sinks);
  if (render->options.json) print_json(render);
  return EXIT_OK;
}

static int check_options(const Options *options) {
  static const char *const formats[] = {"float", "pcm16", "pcm24"};
  if (options->file == NULL)
    return usage_error("render", "which program? give a FILE, or - for standard input");
  bool to_stdout = options->out != NULL && strcmp(options->out, "-") == 0;
  if (options->video && to_stdout)
    return usage_error("render", "`--video` writes files: use -o DIR");
  if (options->video && !kr_child_exists("ffmpeg")) {
    fprintf(stderr, "kairo render: `--video` needs the program ffmpeg, which is not here: install "
                    "the package ffmpeg\n");
    return EXIT_ENVIRONMENT;
  }
  if (to_stdout && (options->digest || options->json))
    return usage_error("render", "`-o -` and `%s` both want standard output",
                       options->digest ? "--digest" : "--json");
  for (size_t i = 0; options->format != NULL && i < 3; i++)
    if (strcmp(options->format, formats[i]) == 0) return -1;
  if (options->format != NULL)
    return usage_error("render", "no format `%s`; there are float, pcm16, pcm24", options->format);
  return -1;
}

// Threads change no result: what cannot be had is noted, not an error.
static void start_threads(Render *render) {
  uint32_t n = render->options.threads;
  if (n > KR_POOL_MAX_WORKERS) {
    fprintf(stderr, "kairo render: %u threads are more than the limit: %u run\n", n,
            (unsigned)KR_POOL_MAX_WORKERS);
    n = KR_POOL_MAX_WORKERS;
  }
  if (n < 2) return;
  if (n > kr_pool_n_processors() && !render->options.quiet)
    fprintf(stderr, "kairo render: %u threads on %u processors bring nothing more\n", n,
            kr_pool_n_processors());
  KrStatus status = kr_pool_new(n, &render->pool);
  if (status != KR_OK) {
    fprintf(stderr, "kairo render: no %u threads here (%s): one runs\n", n, kr_status_text(status));
    return;
  }
  KrTasks tasks = kr_pool_tasks(render->pool);
  kr_session_use(render->session, &tasks);
}

static bool has_pictures(const KrGraph *graph) {
  for (uint32_t i = 0; i < graph->n_outputs; i++)
    if (graph->outputs[i].kind == KR_OUTPUT_PICTURES) return true;
  return false;
}

static int render_all(Render *render) {
  int code = check_options(&render->options);
  if (code >= 0) return code;
  code = load_program(&render->options, render->options.file, STAGE_PLAN, &render->program);
  if (code != EXIT_OK) return code;
  if ((code = choose_length(render)) >= 0) return code;
  const char *out = render->options.out;
  render->folder = out == NULL             ? default_folder(render->options.file, &render->arena)
                   : strcmp(out, "-") == 0 ? NULL
                                           : out;
  KrStatus status = kr_session_new(render->program, &render->session);
  if (status != KR_OK) return fail(render->options.file, kr_status_text(status));
  start_threads(render);
  if (render->options.from_snapshot != NULL && (code = restore(render)) >= 0) return code;
  if ((code = read_stops(render)) >= 0) return code;
  if (render->program->graph->n_outputs == 0)
    fprintf(stderr, "%s: warning: the program has no output\n", render->options.file);
  if (render->options.video && !has_pictures(render->program->graph))
    fprintf(stderr, "%s: warning: `--video`, but the program has no pictures\n",
            render->options.file);
  uint32_t n_sinks = render->program->graph->n_outputs;
  for (uint32_t i = 0; i < render->options.n_swap_at; i++)
    n_sinks += render->swaps[i].program->graph->n_outputs;
  if ((code = sinks_begin(&render->sinks, &render->options, render->folder, n_sinks)) != EXIT_OK)
    return code;
  if ((code = sinks_follow(&render->sinks, render->program, render->begin, render->end)) != EXIT_OK)
    return code;
  if (render->folder == NULL && !sinks_have_sound(&render->sinks))
    return fail(render->options.file, "there is no sound for standard output: use -o DIR");
  if ((code = announce_swap(render, 0)) >= 0) return code;
  if ((code = run_steps(render)) >= 0) return code;
  return finish(render);
}

int run_render(int n_args, char **args) {
  static Render render;
  int code = read_options(&render.options, "render", n_args, args);
  if (code >= 0) return code;
  render.begin = KR_RATIO_ZERO;
  render.started = wall_seconds();
  render.is_progress_shown = !render.options.quiet && isatty(STDERR_FILENO);
  kr_arena_init(&render.arena, NULL);
  code = render_all(&render);
  if (code != EXIT_OK) sinks_abort(&render.sinks);
  kr_pool_free(render.pool);
  return code;
}

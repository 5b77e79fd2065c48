// Random programs in the engine and in the reference executor: same bits for any cut of time, any
// span, through snapshots and reloads. random [FIRST [COUNT [MILLISECONDS]]] ; random show SEED ;
// random file PROGRAM
#include "generate.h"
#include "math/real.h"
#include "reference.h"
#include "session/program.h"
#include "session/session.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Stream {
  uint8_t *at;
  uint64_t n_bytes, cap;
} Stream;
typedef struct Trial {
  KrProgram *program;
  Stream *outputs; // per output: all ticks, columns in turn
  char text[256];  // what went wrong
  int64_t fault_tick;
  uint32_t fault_flow;
  bool faulted;
} Trial;

static uint64_t random_state;
static uint32_t below(uint32_t n) {
  uint64_t z = random_state += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return (uint32_t)((z ^ (z >> 31)) % n);
}

static void put(Stream *stream, const void *at, size_t n) {
  if (stream->n_bytes + n > stream->cap) {
    stream->cap = (stream->n_bytes + n) * 2 + 256;
    stream->at = realloc(stream->at, stream->cap);
  }
  memcpy(stream->at + stream->n_bytes, at, n);
  stream->n_bytes += n;
}

static void put_value(Stream *stream, const void *at, const KrType *type) {
  for (uint64_t i = 0; i < kr_type_count(type); i++) {
    const uint8_t *e = (const uint8_t *)at + i * kr_elem_bytes(type->elem);
    if (type->elem == KR_ELEM_F32) {
      float x = kr_f32_canonical(*(const float *)(const void *)e);
      put(stream, &x, 4);
    } else if (type->elem == KR_ELEM_F64) {
      double x = kr_f64_canonical(*(const double *)(const void *)e);
      put(stream, &x, 8);
    } else {
      put(stream, e, kr_elem_bytes(type->elem));
    }
  }
}

static Stream *new_streams(const KrProgram *program) {
  return calloc(program->graph->n_outputs + 1, sizeof(Stream));
}
static void free_streams(Stream *streams, const KrProgram *program) {
  for (uint32_t i = 0; i < program->graph->n_outputs; i++) free(streams[i].at);
  free(streams);
}

static KrProgram *load(const char *text, uint32_t span, KrRatio step) {
  KrProgram *program;
  KrProgramOptions options;
  kr_program_defaults(&options);
  options.span_ticks = span;
  options.step = step;
  kr_program_load("random.kairo", text, strlen(text), &options, &program);
  return program;
}

// Ticks below the session's time, appended to `streams`, which hold ticks up to next[i].
static bool drain(KrSession *session, Stream *streams, int64_t *next) {
  const KrGraph *graph = session->program->graph;
  for (uint32_t o = 0; o < graph->n_outputs; o++) {
    const KrOutput *output = &graph->outputs[o];
    int64_t n = kr_run_ticks(session->run, output->flow);
    for (; next[o] < n; next[o]++)
      for (uint32_t c = 0; c < output->n_refs; c++) {
        uint32_t count;
        KrType type = kr_graph_type(graph, output->refs[c]);
        const void *at = kr_run_output(session->run, o, c, next[o], 1, &count);
        if (at == NULL) return false;
        put_value(&streams[o], at, &type);
      }
  }
  return true;
}

static KrRatio ms(int64_t n) {
  KrRatio r;
  kr_ratio_make(n, 1000, &r);
  return r;
}

// Runs to `end` in random or whole steps. With `cut`: saves there and goes on in a fresh session,
// or without `snapshot` goes over to the same program there.
static bool run_engine(Trial *trial, KrProgram *program, KrRatio end, bool ragged,
                       const KrRatio *cut, Stream *streams, Stream *snapshot) {
  KrSession *session;
  KrRatio now = KR_RATIO_ZERO, step = kr_plan_step(program->plan), next_time;
  int64_t *next = calloc(program->graph->n_outputs + 1, sizeof *next);
  bool ok = true, saved = cut == NULL;
  if (kr_session_new(program, &session) != KR_OK) return false;
  if (cut != NULL && snapshot == NULL && kr_session_announce(session, *cut) != KR_OK) {
    cut = NULL; // within the largest lead
    saved = true;
  }
  while (ok && kr_ratio_compare(now, end) < 0) {
    KrRatio part = step;
    if (ragged) {
      kr_ratio_make(1 + below(997), 997, &part);
      kr_ratio_mul(part, step, &part);
      if (kr_ratio_mul(part, kr_ratio_of(480000), &part) != KR_OK) part = kr_ratio_of(1);
      kr_ratio_make(kr_ratio_ceil(part), 480000, &part); // keeps denominators small
      if (kr_ratio_compare(part, step) > 0) part = step;
    }
    kr_ratio_add(now, part, &next_time);
    if (!saved && kr_ratio_compare(next_time, *cut) > 0) next_time = *cut;
    if (kr_ratio_compare(next_time, end) > 0) next_time = end;
    KrStatus status = kr_session_run(session, next_time);
    if (status != KR_OK) {
      const KrRunFault *fault = kr_run_fault(session->run);
      trial->faulted = fault != NULL;
      if (fault != NULL) {
        trial->fault_flow = fault->flow;
        trial->fault_tick = fault->tick;
      } else {
        snprintf(trial->text, sizeof trial->text, "run: %s", kr_status_text(status));
        ok = false;
      }
      break;
    }
    ok = drain(session, streams, next);
    if (!ok) snprintf(trial->text, sizeof trial->text, "an output tick is not there");
    now = next_time;
    if (ok && !saved && snapshot == NULL && kr_ratio_compare(now, *cut) == 0) {
      saved = true;
      status = kr_session_swap(session, program); // the identical program: no bit changes
      ok = status == KR_OK;
      if (!ok) snprintf(trial->text, sizeof trial->text, "swap: %s", kr_session_error(session));
    }
    if (ok && !saved && kr_ratio_compare(now, *cut) == 0) {
      uint8_t *at;
      size_t n;
      saved = true;
      status = kr_session_save(session, &at, &n);
      if (status == KR_OK) {
        put(snapshot, at, n);
        kr_session_free(session);
        kr_session_new(program, &session);
        status = kr_session_restore(session, at, n);
        if (status != KR_OK)
          snprintf(trial->text, sizeof trial->text, "restore: %s: %s", kr_status_text(status),
                   kr_session_error(session));
        kr_bytes_free(at);
      } else {
        snprintf(trial->text, sizeof trial->text, "save: %s", kr_status_text(status));
      }
      ok = status == KR_OK;
    }
  }
  kr_session_free(session);
  free(next);
  return ok;
}

// Where two runs differ, as text; true when they do not.
static bool compare(Trial *trial, const Stream *a, const Stream *b, const char *what) {
  const KrGraph *graph = trial->program->graph;
  for (uint32_t o = 0; o < graph->n_outputs; o++) {
    const KrOutput *output = &graph->outputs[o];
    uint64_t width = 0;
    for (uint32_t c = 0; c < output->n_refs; c++) {
      KrType type = kr_graph_type(graph, output->refs[c]);
      width += kr_type_bytes(&type);
    }
    uint64_t n = a[o].n_bytes < b[o].n_bytes ? a[o].n_bytes : b[o].n_bytes;
    for (uint64_t i = 0; i < n; i++) {
      if (a[o].at[i] == b[o].at[i]) continue;
      uint64_t tick = i / width;
      KrType type = kr_graph_type(graph, output->refs[0]);
      double x = 0, y = 0;
      if (type.elem == KR_ELEM_F32) {
        float u, v;
        memcpy(&u, a[o].at + tick * width, 4);
        memcpy(&v, b[o].at + tick * width, 4);
        x = (double)u;
        y = (double)v;
      } else if (type.elem == KR_ELEM_F64) {
        memcpy(&x, a[o].at + tick * width, 8);
        memcpy(&y, b[o].at + tick * width, 8);
      } else {
        int64_t u = 0, v = 0;
        memcpy(&u, a[o].at + tick * width, width < 8 ? width : 8);
        memcpy(&v, b[o].at + tick * width, width < 8 ? width : 8);
        x = (double)u;
        y = (double)v;
      }
      snprintf(trial->text, sizeof trial->text, "%s: %.*s.%.*s tick %llu: %.17g against %.17g",
               what, (int)graph->flows[output->flow].name.n, graph->flows[output->flow].name.at,
               (int)output->label.n, output->label.at, (unsigned long long)tick, x, y);
      return false;
    }
    if (!trial->faulted && a[o].n_bytes != b[o].n_bytes) {
      snprintf(trial->text, sizeof trial->text, "%s: %.*s: %llu ticks against %llu", what,
               (int)output->label.n, output->label.at, (unsigned long long)(a[o].n_bytes / width),
               (unsigned long long)(b[o].n_bytes / width));
      return false;
    }
  }
  return true;
}

// What the semantics say, in the form of `drain`.
static bool run_reference(Trial *trial, KrRatio end, Stream *streams) {
  const KrGraph *graph = trial->program->graph;
  KrArena arena;
  jmp_buf escape;
  kr_arena_init(&arena, NULL);
  if (setjmp(escape) != 0) return false;
  arena.escape = &escape;
  KrRatio horizon;
  kr_ratio_add(end, kr_ratio_of(1), &horizon);
  KrReference *reference = kr_reference_new(&arena, graph, horizon);
  for (uint32_t o = 0; o < graph->n_outputs; o++) {
    const KrOutput *output = &graph->outputs[o];
    const KrFlow *flow = &graph->flows[output->flow];
    int64_t n;
    kr_clock_ceil(&flow->clock, end, &n);
    if (flow->n_steps >= 0 && n > flow->n_steps) n = flow->n_steps;
    for (int64_t tick = 0; tick < n; tick++)
      for (uint32_t c = 0; c < output->n_refs; c++) {
        KrType type = kr_graph_type(graph, output->refs[c]);
        const void *at = kr_reference_value(reference, output->refs[c], tick);
        if (at == NULL) {
          kr_arena_deinit(&arena);
          return false;
        }
        put_value(&streams[o], at, &type);
      }
  }
  kr_arena_deinit(&arena);
  return true;
}

typedef enum Verdict { PASSED, REJECTED, FAILED } Verdict;

static Verdict try_text(const char *text, int64_t milliseconds, Trial *trial) {
  KrRatio end = ms(milliseconds), cut;
  Verdict verdict = PASSED;
  *trial = (Trial){.program = load(text, 0, KR_RATIO_ZERO)};
  if (trial->program->plan == NULL || trial->program->diagnostics.n_errors > 0) {
    const char *messages = kr_program_messages(trial->program),
               *error = strstr(messages, " error: ");
    snprintf(trial->text, sizeof trial->text, "%.250s", error != NULL ? error : messages);
    kr_program_free(trial->program);
    return REJECTED;
  }
  Stream *first = new_streams(trial->program), *other = new_streams(trial->program);
  Stream shots[2] = {{0}};
  bool ok = run_engine(trial, trial->program, end, false, NULL, first, NULL);
  if (ok && !trial->faulted) {
    if (!run_reference(trial, end, other)) {
      snprintf(trial->text, sizeof trial->text, "the reference stopped, the engine did not");
      ok = false;
    } else {
      ok = compare(trial, first, other, "engine against reference");
    }
  }
  kr_ratio_make(below((uint32_t)milliseconds * 480), 480000, &cut);
  for (uint32_t round = 0; ok && !trial->faulted && round < 3; round++) {
    static const uint32_t spans[] = {1, 7, 64};
    KrRatio step = round == 0 ? ms(1) : round == 1 ? ms(30) : KR_RATIO_ZERO;
    KrProgram *program = load(text, spans[round], step);
    free_streams(other, trial->program);
    other = new_streams(trial->program);
    ok = run_engine(trial, program, end, true, round > 0 ? &cut : NULL, other,
                    round > 0 ? &shots[round - 1] : NULL) &&
         compare(trial, first, other,
                 round == 0   ? "span 1"
                 : round == 1 ? "span 7 with snapshot"
                              : "span 64 with snapshot");
    kr_program_free(program);
  }
  if (ok && !trial->faulted) {
    KrProgram *program = load(text, 64, KR_RATIO_ZERO);
    free_streams(other, trial->program);
    other = new_streams(trial->program);
    ok = run_engine(trial, program, end, true, &cut, other, NULL) &&
         compare(trial, first, other, "identical reload");
    kr_program_free(program);
  }
  if (ok && !trial->faulted &&
      (shots[0].n_bytes != shots[1].n_bytes ||
       memcmp(shots[0].at, shots[1].at, shots[0].n_bytes) != 0)) {
    snprintf(trial->text, sizeof trial->text, "snapshots differ (%llu and %llu bytes)",
             (unsigned long long)shots[0].n_bytes, (unsigned long long)shots[1].n_bytes);
    ok = false;
  }
  if (!ok) verdict = FAILED;
  free(shots[0].at);
  free(shots[1].at);
  free_streams(first, trial->program);
  free_streams(other, trial->program);
  kr_program_free(trial->program);
  return verdict;
}

static Verdict try_options(const KrGenerateOptions *options, int64_t milliseconds, Trial *trial) {
  KrArena arena;
  KrBuffer buffer;
  kr_arena_init(&arena, NULL);
  kr_buffer_init(&buffer, &arena);
  kr_generate(options, &buffer);
  random_state = options->seed;
  Verdict verdict = try_text(buffer.at, milliseconds, trial);
  kr_arena_deinit(&arena);
  return verdict;
}

static void show(const KrGenerateOptions *options) {
  KrArena arena;
  KrBuffer buffer;
  kr_arena_init(&arena, NULL);
  kr_buffer_init(&buffer, &arena);
  kr_generate(options, &buffer);
  fwrite(buffer.at, 1, buffer.n, stdout);
  kr_arena_deinit(&arena);
}

// Switches parts off while the failure stays.
static KrGenerateOptions shrink(KrGenerateOptions options, int64_t milliseconds) {
  bool *const parts[] = {&options.no_events,    &options.no_states, &options.no_windows,
                         &options.no_crossings, &options.no_prev,   &options.no_substeps,
                         &options.no_phase,     &options.no_random, &options.no_cycles};
  Trial trial;
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    *parts[i] = true;
    if (try_options(&options, milliseconds, &trial) != FAILED) *parts[i] = false;
  }
  for (; options.n_flows > 1; options.n_flows--) {
    KrGenerateOptions fewer = options;
    fewer.n_flows--;
    if (try_options(&fewer, milliseconds, &trial) != FAILED) break;
  }
  for (; options.n_lets > 1; options.n_lets--) {
    KrGenerateOptions fewer = options;
    fewer.n_lets--;
    if (try_options(&fewer, milliseconds, &trial) != FAILED) break;
  }
  return options;
}

int main(int n_args, char **args) {
  if (n_args == 3 && strcmp(args[1], "show") == 0) {
    show(&(KrGenerateOptions){.seed = strtoull(args[2], NULL, 10), .n_flows = 5, .n_lets = 5});
    return 0;
  }
  if (n_args == 3 && strcmp(args[1], "file") == 0) {
    static char text[1 << 20];
    FILE *file = fopen(args[2], "r");
    Trial trial;
    if (file == NULL) return 2;
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    Verdict verdict = try_text(text, 40, &trial);
    printf("%s %s\n", verdict == PASSED ? "passed" : "failed:", trial.text);
    return verdict != PASSED;
  }
  uint64_t first = n_args > 1 ? strtoull(args[1], NULL, 10) : 1,
           count = n_args > 2 ? strtoull(args[2], NULL, 10) : 200;
  int64_t milliseconds = n_args > 3 ? atoll(args[3]) : 40;
  uint64_t n[3] = {0};
  for (uint64_t seed = first; seed < first + count; seed++) {
    KrGenerateOptions options = {.seed = seed, .n_flows = 5, .n_lets = 5};
    Trial trial;
    Verdict verdict = try_options(&options, milliseconds, &trial);
    n[verdict]++;
    if (verdict == REJECTED && n[REJECTED] <= 3)
      fprintf(stderr, "seed %llu rejected: %s\n", (unsigned long long)seed, trial.text);
    if (verdict != FAILED) continue;
    fprintf(stderr, "seed %llu failed: %s\n", (unsigned long long)seed, trial.text);
    if (n[FAILED] > 3) continue;
    options = shrink(options, milliseconds);
    try_options(&options, milliseconds, &trial);
    fprintf(stderr, "smallest: %s\n", trial.text);
    show(&options);
  }
  fprintf(stderr, "%llu rejected\n", (unsigned long long)n[REJECTED]);
  // Rejected programs prove nothing: too many of them are a failure of their own.
  bool mostly = n[REJECTED] * 3 <= count;
  if (!mostly) n[FAILED]++;
  printf("%llu passed, %llu failed\n", (unsigned long long)n[PASSED],
         (unsigned long long)n[FAILED]);
  return n[FAILED] > 0;
}

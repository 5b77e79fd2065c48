// Decides what must not matter: runs one program in many configurations and compares every bit.
#include "trial.h"
#include "generate.h"
#include "math/real.h"
#include "reference.h"
#include "rt/pool.h"
#include "session/program.h"
#include "session/session.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Stream {
  uint8_t *at;
  uint64_t n_bytes, cap;
} Stream;

typedef enum Cut { CUT_NONE, CUT_SAVE, CUT_RELOAD, CUT_EVERY } Cut;
typedef struct Config {
  const char *what;
  bool ragged; // advanced in random parts of the step
  Cut cut;
  enum { ALONE, SHUFFLED, POOL } tasks;
} Config;

typedef struct Fault {
  uint32_t flow;
  int64_t tick;
} Fault;

typedef struct Trial {
  KrTrial *result;
  const KrTrialOptions *options;
  const char *text;
  uint64_t random_state;
  KrRatio end, cut;
  KrProgram *program;
  Stream *first; // per output: all ticks, columns in turn
  Stream shots[2];
  uint32_t n_shots;
  Fault fault;
} Trial;

static uint32_t below(Trial *t, uint32_t n) {
  uint64_t z = t->random_state += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return (uint32_t)((z ^ (z >> 31)) % n);
}

static bool fail(Trial *t, const char *what, const char *text) {
  snprintf(t->result->what, sizeof t->result->what, "%s", what);
  snprintf(t->result->text, sizeof t->result->text, "%s: %s", what, text);
  return false;
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

// ---- programs

// A made-up sound, the same for every path.
static KrStatus read_sound(void *user, const char *path, KrArena *arena, KrAssetAudio *audio,
                           const char **error) {
  (void)user, (void)path, (void)error;
  enum { N = 700 };
  float *frames = kr_arena_alloc(arena, N * sizeof(float));
  for (uint32_t i = 0; i < N; i++) frames[i] = (float)((int32_t)(i * 2654435761u) >> 8) * 0x1p-23f;
  *audio = (KrAssetAudio){
      .frames = frames, .n_frames = N, .n_channels = 1, .rate_hz = 48000, .exact = true};
  return KR_OK;
}

// The levels of this machine in turn.
static KrLevel choose_level(Trial *t) {
  KrLevel level;
  do {
    level = (KrLevel)(KR_LEVEL_GENERIC + below(t, KR_N_LEVELS - KR_LEVEL_GENERIC));
  } while (!kr_level_is_supported(level));
  return level;
}

static KrProgram *load(const char *text, uint32_t span, KrRatio step, KrLevel level) {
  static const KrAssetHost host = {.read_audio = read_sound};
  KrProgram *program;
  KrProgramOptions options;
  kr_program_defaults(&options);
  options.host = &host;
  options.span_ticks = span;
  options.step = step;
  options.level = level;
  if (kr_program_load("random.kairo", text, strlen(text), &options, &program) == KR_ERROR_MEMORY)
    abort();
  return program;
}

static bool is_loaded(const KrProgram *program) {
  return program->plan != NULL && program->diagnostics.n_errors == 0;
}

static KrRatio ratio(int64_t num, int64_t den) {
  KrRatio r;
  if (kr_ratio_make(num, den, &r) != KR_OK) abort();
  return r;
}

// Events pushed into the program's input, the same in every run.
static uint32_t list_pushed(const Trial *t, KrEventItem *items, KrEventValue (*values)[2]) {
  Trial own = {.random_state = t->options->seed};
  uint32_t n = 3 + below(&own, 5), at = below(&own, 600);
  for (uint32_t i = 0; i < n; i++, at += 1 + below(&own, 900)) {
    KrRatio freq = ratio(50 + below(&own, 900), 1), vel = ratio(1 + below(&own, 9), 10);
    values[i][0] = (KrEventValue){.present = true, .exact = true, .ratio = freq};
    values[i][1] = (KrEventValue){.present = true, .exact = true, .ratio = vel};
    items[i] = (KrEventItem){.time = ratio(at, 70000),
                             .action = below(&own, 4) == 0 ? KR_EVENT_OFF : KR_EVENT_ON,
                             .has_dur = below(&own, 2) == 0,
                             .dur = ratio(1 + below(&own, 300), 40000),
                             .values = values[i]};
    for (uint32_t k = 0; k < 2; k++)
      values[i][k].value = (double)values[i][k].ratio.num / (double)values[i][k].ratio.den;
  }
  return n;
}

static uint32_t find_event_input(const KrGraph *graph) {
  for (uint32_t i = 0; i < graph->n_events; i++)
    if (graph->events[i].is_input) return i;
  return KR_NONE;
}

// As many as the queue takes; *n_pushed already are.
static bool push_events(Trial *t, const KrSession *session, uint32_t *n_pushed) {
  KrEventItem items[8];
  KrEventValue values[8][2];
  uint32_t input = find_event_input(session->program->graph);
  if (input == KR_NONE) return true;
  uint32_t n = list_pushed(t, items, values);
  for (; *n_pushed < n; ++*n_pushed) {
    KrStatus status = kr_run_push(session->run, input, &items[*n_pushed]);
    if (status == KR_ERROR_LIMIT) return true;
    if (status != KR_OK) return false;
  }
  return true;
}

// ---- tasks

// One thread, each round in an order of its own.
static void run_shuffled(void *user, uint32_t n, KrTask *task, void *data) {
  Trial *t = user;
  uint32_t *order = calloc(n + 1, sizeof *order);
  for (uint32_t i = 0; i < n; i++) {
    uint32_t at = below(t, i + 1);
    order[i] = order[at];
    order[at] = i;
  }
  for (uint32_t i = 0; i < n; i++) task(data, order[i]);
  free(order);
}

static void use_tasks(Trial *t, const Config *config, KrSession *session) {
  static KrPool *pool;
  KrTasks shuffled = {t, 1 + below(t, 16), run_shuffled}, threads;
  if (config->tasks == SHUFFLED) kr_session_use(session, &shuffled);
  if (config->tasks != POOL) return;
  if (pool == NULL && kr_pool_new(3, &pool) != KR_OK) abort();
  threads = kr_pool_tasks(pool);
  kr_session_use(session, &threads);
}

// ---- the engine

// Ticks below the session's time, appended to `streams`, which hold ticks up to next[i].
static bool drain(const KrSession *session, Stream *streams, int64_t *next) {
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

// The first instant after `now`.
static KrRatio next_instant(const KrGraph *graph, KrRatio now, KrRatio end) {
  KrRatio best = end, rest, time;
  for (uint32_t f = 0; f < graph->n_flows; f++) {
    int64_t tick;
    if (kr_clock_floor(&graph->flows[f].clock, now, &tick, &rest) != KR_OK) continue;
    if (kr_clock_time(&graph->flows[f].clock, tick + 1, &time) != KR_OK) continue;
    if (kr_ratio_compare(time, now) > 0 && kr_ratio_compare(time, best) < 0) best = time;
  }
  return best;
}

static KrRatio choose_step(Trial *t, const Config *config, KrRatio step) {
  KrRatio part = step;
  if (!config->ragged) return part;
  part = ratio(1 + below(t, 997), 997);
  if (kr_ratio_mul(part, step, &part) != KR_OK ||
      kr_ratio_mul(part, kr_ratio_of(480000), &part) != KR_OK)
    part = kr_ratio_of(1);
  part = ratio(kr_ratio_ceil(part), 480000); // keeps denominators small
  return kr_ratio_compare(part, step) > 0 ? step : part;
}

typedef struct Walk { // one run on its way
  KrSession *session;
  KrSession *other; // the one it was in before
  int64_t *next;
  KrRatio now;
  bool cut;          // what config->cut asks for is still to be done
  uint32_t n_pushed; // events
} Walk;

// Saves and goes on in a fresh session or, when it moves at every instant, in the one left last.
static bool move_over(Trial *t, const Config *config, Walk *walk) {
  uint8_t *at;
  size_t n;
  KrSession *to = walk->other;
  KrStatus status = kr_session_save(walk->session, &at, &n);
  if (status != KR_OK) return fail(t, config->what, kr_status_text(status));
  if (config->cut == CUT_SAVE && t->n_shots < 2) put(&t->shots[t->n_shots++], at, n);
  if (to == NULL) {
    status = kr_session_new(walk->session->program, &to);
    if (status == KR_OK) use_tasks(t, config, to);
  }
  if (status == KR_OK) status = kr_session_restore(to, at, n);
  kr_bytes_free(at);
  walk->other = walk->session;
  walk->session = to;
  if (status == KR_OK) return true;
  const char *error = to != NULL ? kr_session_error(to) : NULL;
  return fail(t, config->what, error != NULL ? error : kr_status_text(status));
}

// The time to run to next.
static KrRatio choose_target(Trial *t, const Config *config, const Walk *walk, KrRatio step) {
  const KrGraph *graph = walk->session->program->graph;
  KrRatio target;
  if (kr_ratio_add(walk->now, choose_step(t, config, step), &target) != KR_OK) abort();
  if (config->cut == CUT_EVERY) {
    KrRatio instant = next_instant(graph, walk->now, t->end);
    if (kr_ratio_compare(instant, target) < 0) target = instant;
  } else if (walk->cut && kr_ratio_compare(target, t->cut) > 0) {
    target = t->cut;
  }
  return kr_ratio_compare(target, t->end) > 0 ? t->end : target;
}

static bool cut_here(Trial *t, const Config *config, Walk *walk) {
  if (config->cut == CUT_EVERY) return move_over(t, config, walk);
  if (!walk->cut || kr_ratio_compare(walk->now, t->cut) < 0) return true;
  walk->cut = false;
  if (config->cut == CUT_SAVE) return move_over(t, config, walk);
  KrStatus status = kr_session_swap(walk->session, walk->session->program);
  if (status == KR_OK) return true;
  const char *error = kr_session_error(walk->session);
  return fail(t, config->what, error != NULL ? error : kr_status_text(status));
}

static bool walk_on(Trial *t, const Config *config, Walk *walk, Stream *streams) {
  KrRatio step = kr_plan_step(walk->session->program->plan);
  while (kr_ratio_compare(walk->now, t->end) < 0) {
    KrRatio target = choose_target(t, config, walk, step);
    if (!push_events(t, walk->session, &walk->n_pushed))
      return fail(t, config->what, "an event cannot be pushed");
    KrStatus status = kr_session_run(walk->session, target);
    if (status != KR_OK) {
      const KrRunFault *fault = kr_run_fault(walk->session->run);
      if (fault == NULL) return fail(t, config->what, kr_status_text(status));
      Fault here = {fault->flow, fault->tick};
      if (t->first != NULL &&
          (!t->result->faulted || here.flow != t->fault.flow || here.tick != t->fault.tick))
        return fail(t, config->what, "another fault");
      t->result->faulted = true;
      t->fault = here;
      return true;
    }
    if (!drain(walk->session, streams, walk->next))
      return fail(t, config->what, "an output tick is not there");
    walk->now = target;
    if (!cut_here(t, config, walk)) return false;
  }
  return t->result->faulted ? fail(t, config->what, "the fault is missing") : true;
}

static bool run_engine(Trial *t, const Config *config, KrProgram *program, Stream *streams) {
  Walk walk = {.now = KR_RATIO_ZERO, .cut = config->cut != CUT_NONE};
  t->result->n_runs++;
  if (kr_session_new(program, &walk.session) != KR_OK) return fail(t, config->what, "no session");
  walk.next = calloc(program->graph->n_outputs + 1, sizeof *walk.next);
  use_tasks(t, config, walk.session);
  if (config->cut == CUT_RELOAD && kr_session_announce(walk.session, t->cut) != KR_OK)
    walk.cut = false; // within the largest lead
  bool ok = push_events(t, walk.session, &walk.n_pushed) ||
            fail(t, config->what, "an event cannot be pushed");
  ok = ok && cut_here(t, config, &walk) && walk_on(t, config, &walk, streams);
  kr_session_free(walk.session);
  kr_session_free(walk.other);
  free(walk.next);
  return ok;
}

// ---- the reference

// What the semantics say, in the form of `drain`.
static bool run_reference(Trial *t, Stream *streams) {
  const KrGraph *graph = t->program->graph;
  KrArena arena;
  jmp_buf escape;
  kr_arena_init(&arena, NULL);
  if (setjmp(escape) != 0) abort();
  arena.escape = &escape;
  KrRatio horizon;
  kr_ratio_add(t->end, kr_ratio_of(1), &horizon);
  KrReference *reference = kr_reference_new(&arena, graph, horizon);
  KrEventItem items[8];
  KrEventValue values[8][2];
  uint32_t input = find_event_input(graph), n_items = list_pushed(t, items, values);
  for (uint32_t i = 0; input != KR_NONE && i < n_items; i++)
    kr_reference_push(reference, input, &items[i]);
  const void *at = graph;
  for (uint32_t o = 0; o < graph->n_outputs && at != NULL; o++) {
    const KrOutput *output = &graph->outputs[o];
    const KrFlow *flow = &graph->flows[output->flow];
    int64_t n;
    kr_clock_ceil(&flow->clock, t->end, &n);
    if (flow->n_steps >= 0 && n > flow->n_steps) n = flow->n_steps;
    for (int64_t tick = 0; tick < n && at != NULL; tick++)
      for (uint32_t c = 0; c < output->n_refs && at != NULL; c++) {
        KrType type = kr_graph_type(graph, output->refs[c]);
        at = kr_reference_value(reference, output->refs[c], tick);
        if (at != NULL) put_value(&streams[o], at, &type);
      }
  }
  kr_arena_deinit(&arena);
  return at != NULL || fail(t, "reference", "it stops, the engine does not");
}

// ---- comparing

static void print_element(char *text, size_t n, const uint8_t *at, KrElem elem) {
  double x = 0;
  if (elem == KR_ELEM_F32) {
    float f;
    memcpy(&f, at, 4);
    x = (double)f;
  } else if (elem == KR_ELEM_F64) {
    memcpy(&x, at, 8);
  } else {
    int64_t i = 0;
    memcpy(&i, at, kr_elem_bytes(elem));
    snprintf(text, n, "%lld", (long long)i);
    return;
  }
  snprintf(text, n, "%.17g", x);
}

static bool report_difference(Trial *t, const char *what, const KrGraph *graph, uint32_t o,
                              uint64_t place, const Stream *a, const Stream *b) {
  const KrOutput *output = &graph->outputs[o];
  uint64_t width = 0, at = 0;
  for (uint32_t c = 0; c < output->n_refs; c++) {
    KrType type = kr_graph_type(graph, output->refs[c]);
    width += kr_type_bytes(&type);
  }
  if (width == 0) return fail(t, what, "an output has no columns");
  uint64_t tick = place / width, rest = place % width;
  KrType type = kr_graph_type(graph, output->refs[0]);
  uint32_t column = 0;
  for (uint32_t c = 0; c < output->n_refs; c++) {
    type = kr_graph_type(graph, output->refs[c]);
    if (rest < at + kr_type_bytes(&type)) break;
    at += kr_type_bytes(&type);
    column = c + 1;
  }
  char x[40] = "", y[40] = "", line[400];
  uint64_t start = tick * width + at;
  if (start + kr_elem_bytes(type.elem) <= a->n_bytes)
    print_element(x, 40, a->at + start, type.elem);
  if (start + kr_elem_bytes(type.elem) <= b->n_bytes)
    print_element(y, 40, b->at + start, type.elem);
  KrText flow = graph->flows[output->flow].name;
  snprintf(line, sizeof line, "%.*s.%.*s column %u tick %llu: %s against %s", (int)flow.n, flow.at,
           (int)output->label.n, output->label.at, column, (unsigned long long)tick, x, y);
  return fail(t, what, line);
}

// Where two runs differ; `a` has the first program's outputs, `b` those of `graph`.
static bool compare(Trial *t, const char *what, const KrGraph *graph, const Stream *b) {
  const KrGraph *own = t->program->graph;
  for (uint32_t o = 0, p = 0; o < graph->n_outputs; o++, p++) {
    const KrOutput *output = &graph->outputs[o];
    while (p < own->n_outputs &&
           (!kr_text_equal(own->outputs[p].label, output->label) ||
            !kr_text_equal(own->flows[own->outputs[p].flow].name, graph->flows[output->flow].name)))
      p++;
    if (p == own->n_outputs) return fail(t, what, "an output is missing");
    const Stream *x = &t->first[p], *y = &b[o];
    uint64_t n = x->n_bytes < y->n_bytes ? x->n_bytes : y->n_bytes, i = 0;
    while (i < n && x->at[i] == y->at[i]) i++;
    if (i < n || (!t->result->faulted && x->n_bytes != y->n_bytes))
      return report_difference(t, what, graph, o, i, x, y);
  }
  return true;
}

// ---- properties

// One run of `program` against the first.
static bool try_config(Trial *t, const Config *config, KrProgram *program, KrLevel level) {
  Stream *streams = new_streams(program);
  bool ok =
      run_engine(t, config, program, streams) && compare(t, config->what, program->graph, streams);
  size_t n = strlen(t->result->text);
  if (!ok) snprintf(t->result->text + n, sizeof t->result->text - n, " (%s)", kr_level_text(level));
  free_streams(streams, program);
  return ok;
}

// The text without its flow that nobody reads; NULL when there is none.
static char *without_unread(const char *text) {
  const char *begin = strstr(text, "flow " KR_UNREAD);
  const char *end = begin != NULL ? strstr(begin, "\n}\n") : NULL;
  if (end == NULL || (begin > text && begin[-1] != '\n')) return NULL;
  char *rest = malloc(strlen(text) + 1);
  memcpy(rest, text, (size_t)(begin - text));
  strcpy(rest + (begin - text), end + 3);
  return rest;
}

// Several runs of the program, loaded once for a span and step, at some level.
static bool try_span(Trial *t, uint32_t span, KrRatio step, const Config *configs, uint32_t n) {
  KrLevel level = choose_level(t);
  KrProgram *program = load(t->text, span, step, level);
  bool ok = is_loaded(program) || fail(t, configs[0].what, "does not load");
  for (uint32_t i = 0; i < n && ok; i++) {
    if (t->result->faulted && configs[i].cut != CUT_NONE) continue;
    if (configs[i].cut == CUT_EVERY && !t->options->every_instant) continue;
    ok = try_config(t, &configs[i], program, level);
  }
  kr_program_free(program);
  return ok;
}

static bool try_without_unread(Trial *t) {
  const Config config = {"without the flow nobody reads", false, CUT_NONE, ALONE};
  char *text = without_unread(t->text);
  if (text == NULL) return true;
  KrProgram *program = load(text, 0, KR_RATIO_ZERO, KR_LEVEL_BEST);
  bool ok = !is_loaded(program) || try_config(t, &config, program, KR_LEVEL_BEST);
  kr_program_free(program);
  free(text);
  return ok;
}

static bool try_configs(Trial *t) {
  const Config one[] = {{"span 1", true, CUT_NONE, SHUFFLED}};
  const Config some[] = {{"span 7 and a snapshot", true, CUT_SAVE, ALONE},
                         {"snapshot at every instant", false, CUT_EVERY, SHUFFLED}};
  const Config most[] = {{"span 64 and a snapshot", true, CUT_SAVE, POOL},
                         {"identical reload", true, CUT_RELOAD, SHUFFLED}};
  if (!try_span(t, 1, ratio(1, 1000), one, 1) || !try_span(t, 7, ratio(30, 1000), some, 2) ||
      !try_span(t, 64, KR_RATIO_ZERO, most, 2))
    return false;
  if (t->n_shots == 2 && (t->shots[0].n_bytes != t->shots[1].n_bytes ||
                          memcmp(t->shots[0].at, t->shots[1].at, t->shots[0].n_bytes) != 0))
    return fail(t, "snapshot", "the bytes depend on the configuration");
  return t->result->faulted || try_without_unread(t);
}

// Program time, shorter for programs with many nodes at high rates.
static KrRatio choose_end(const KrGraph *graph, int64_t milliseconds) {
  const double most = 80000;
  double cost = 1000;
  for (uint32_t f = 0; f < graph->n_flows; f++)
    cost += (double)graph->flows[f].n_nodes * graph->flows[f].substeps *
            (double)graph->flows[f].clock.dt.den / (double)graph->flows[f].clock.dt.num;
  double allowed = most / cost * 1000;
  if (allowed < (double)milliseconds) milliseconds = allowed < 3 ? 3 : (int64_t)allowed;
  return ratio(milliseconds, 1000);
}

static bool try_program(Trial *t) {
  const Config plain = {"default", false, CUT_NONE, ALONE};
  Stream *first = new_streams(t->program);
  bool ok = run_engine(t, &plain, t->program, first);
  t->first = first;
  if (ok && !t->result->faulted) {
    Stream *meant = new_streams(t->program);
    ok = run_reference(t, meant) && compare(t, "reference", t->program->graph, meant);
    free_streams(meant, t->program);
  }
  ok = ok && try_configs(t);
  free_streams(t->first, t->program);
  return ok;
}

KrVerdict kr_trial_run(const char *text, const KrTrialOptions *options, KrTrial *result) {
  Trial trial = {.result = result, .options = options, .text = text, .random_state = options->seed};
  Trial *t = &trial;
  *result = (KrTrial){.n_runs = 0};
  t->program = load(text, 0, KR_RATIO_ZERO, KR_LEVEL_BEST);
  KrVerdict verdict = KR_REJECTED;
  if (is_loaded(t->program)) {
    t->end = choose_end(t->program->graph, options->milliseconds);
    KrRatio whole;
    kr_ratio_mul(t->end, kr_ratio_of(480000), &whole);
    t->cut = ratio(below(t, (uint32_t)kr_ratio_floor(whole)), 480000);
    verdict = try_program(t) ? KR_PASSED : KR_FAILED;
  } else {
    const char *messages = kr_program_messages(t->program), *error = strstr(messages, " error: ");
    snprintf(result->text, sizeof result->text, "%.300s", error != NULL ? error : messages);
  }
  for (uint32_t i = 0; i < 2; i++) free(t->shots[i].at);
  kr_program_free(t->program);
  return verdict;
}

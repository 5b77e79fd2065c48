// Runs a golden program and hashes what it puts out, as `kairo render --digest` does.
#include "driver.h"
#include "math/real.h"
#include "sched/signal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TALLIES = 256, DRAIN_TICKS = 256, MAX_CHANNELS = 64 };

typedef struct Tally {
  const KrGraph *graph;
  const KrOutput *output;
  uint32_t index; // of the output
  const char *name;
  KrHash hash;
  int64_t next_tick;
  bool is_active; // an output of the program that runs now
} Tally;

typedef struct Play {
  const char *name;
  KrProgram *program, *then; // `then` takes over at `swap`, NULL: none
  KrSession *session;
  KrRatio end, swap;
  Tally tallies[MAX_TALLIES];
  uint32_t n_tallies;
} Play;

uint64_t bits_of(const void *at, KrElem elem) {
  switch (elem) {
  case KR_ELEM_BOOL: return *(const uint8_t *)at != 0;
  case KR_ELEM_I32:
  case KR_ELEM_U32: return *(const uint32_t *)at;
  case KR_ELEM_F32: return kr_f32_to_bits(kr_f32_canonical(*(const float *)at));
  case KR_ELEM_F64: return kr_f64_to_bits(kr_f64_canonical(*(const double *)at));
  default: return *(const uint64_t *)at;
  }
}

static void put_bits(KrHash *hash, uint64_t bits, KrElem elem) {
  uint8_t byte = (uint8_t)bits;
  switch (kr_elem_bytes(elem)) {
  case 1: kr_hash_put(hash, &byte, 1); break;
  case 4: kr_hash_put_u32(hash, (uint32_t)bits); break;
  default: kr_hash_put_u64(hash, bits);
  }
}

static void put_value(KrHash *hash, const void *at, const KrType *type) {
  if (type->shape == KR_SHAPE_IMAGE) {
    kr_hash_put(hash, at, (size_t)kr_type_bytes(type));
    return;
  }
  for (size_t i = 0; i < kr_type_count(type); i++) {
    const uint8_t *element = (const uint8_t *)at + i * kr_elem_bytes(type->elem);
    put_bits(hash, bits_of(element, type->elem), type->elem);
  }
}

static void drain_audio(Tally *tally, const KrSession *session, int64_t n_ticks) {
  float frames[DRAIN_TICKS * MAX_CHANNELS];
  while (tally->next_tick < n_ticks) {
    int64_t left = n_ticks - tally->next_tick;
    uint32_t n = left < DRAIN_TICKS ? (uint32_t)left : DRAIN_TICKS;
    if (kr_session_read_audio(session, tally->index, tally->next_tick, n, frames) != KR_OK)
      fail(tally->name, "sound is not there");
    for (uint32_t i = 0; i < n * tally->output->n_refs; i++)
      kr_hash_put_u32(&tally->hash, kr_f32_to_bits(frames[i]));
    tally->next_tick += n;
  }
}

static void drain_values(Tally *tally, const KrSession *session, int64_t n_ticks) {
  for (; tally->next_tick < n_ticks; tally->next_tick++) {
    for (uint32_t i = 0; i < tally->output->n_refs; i++) {
      uint32_t count;
      KrType type = kr_graph_type(tally->graph, tally->output->refs[i]);
      const void *at = kr_run_output(session->run, tally->index, i, tally->next_tick, 1, &count);
      if (at == NULL) fail(tally->name, "a value is not there");
      put_value(&tally->hash, at, &type);
    }
  }
}

static void hash_ratio(KrHash *hash, KrRatio ratio) {
  kr_hash_put_u64(hash, (uint64_t)ratio.num);
  kr_hash_put_u64(hash, (uint64_t)ratio.den);
}

static void put_field(KrHash *hash, const KrEventField *field, const KrEventValue *value) {
  if (!value->present) return;
  if (field->declared) {
    KrConst c = kr_event_value(field, value, field->elem);
    put_bits(hash, bits_of(&c.as, c.elem), c.elem);
  } else if (value->exact) {
    hash_ratio(hash, value->ratio);
  } else {
    put_bits(hash, bits_of(&value->value, KR_ELEM_F64), KR_ELEM_F64);
  }
}

static void drain_events(Tally *tally, KrSession *session) {
  const KrEvents *events = &tally->graph->events[tally->output->events];
  const KrClock *clock = &tally->graph->flows[tally->output->flow].clock;
  KrRunEvent event;
  while (kr_run_event(session->run, tally->index, &event)) {
    int64_t tick;
    KrRatio rest;
    if (kr_clock_floor(clock, event.time, &tick, &rest) != KR_OK)
      fail(tally->name, "an event is out of range");
    kr_hash_put_u64(&tally->hash, (uint64_t)(tick < 0 ? 0 : tick));
    hash_ratio(&tally->hash, tick < 0 ? KR_RATIO_ZERO : rest);
    for (uint32_t i = 0; i < events->n_fields; i++)
      put_field(&tally->hash, &events->fields[i], &event.values[i]);
  }
}

static void drain(Play *play) {
  for (uint32_t i = 0; i < play->n_tallies; i++) {
    Tally *tally = &play->tallies[i];
    if (!tally->is_active) continue;
    int64_t n_ticks = kr_run_ticks(play->session->run, tally->output->flow);
    if (tally->output->kind == KR_OUTPUT_AUDIO)
      drain_audio(tally, play->session, n_ticks);
    else if (tally->output->kind == KR_OUTPUT_EVENTS)
      drain_events(tally, play->session);
    else
      drain_values(tally, play->session, n_ticks);
  }
}

static Tally *find_tally(Play *play, const char *name) {
  for (uint32_t i = 0; i < play->n_tallies; i++)
    if (strcmp(play->tallies[i].name, name) == 0) return &play->tallies[i];
  return NULL;
}

// Outputs of `program` from now on; after a swap those of the same name go on.
static void follow(Play *play, const KrProgram *program, KrRatio begin) {
  const KrGraph *graph = program->graph;
  for (uint32_t i = 0; i < play->n_tallies; i++) play->tallies[i].is_active = false;
  for (uint32_t i = 0; i < graph->n_outputs; i++) {
    const KrOutput *output = &graph->outputs[i];
    const char *name = kr_output_name(graph, output, graph->arena);
    Tally *tally = find_tally(play, name);
    if (tally == NULL) {
      if (play->n_tallies == MAX_TALLIES || output->n_refs > MAX_CHANNELS)
        fail(name, "too many outputs");
      tally = &play->tallies[play->n_tallies++];
      *tally = (Tally){.name = name};
      kr_hash_init(&tally->hash);
      kr_clock_ceil(&graph->flows[output->flow].clock, begin, &tally->next_tick);
      if (tally->next_tick < 0) tally->next_tick = 0;
    }
    tally->graph = graph;
    tally->output = output;
    tally->index = i;
    tally->is_active = true;
  }
}

void run_to(KrSession *session, KrRatio to, const char *name) {
  KrStatus status = kr_session_run(session, to);
  if (status == KR_OK) return;
  const char *error = kr_session_error(session);
  fail(name, error != NULL ? error : kr_status_text(status));
}

KrRatio next_step(const KrSession *session, KrRatio end) {
  KrRatio next;
  if (kr_ratio_add(kr_session_time(session), kr_session_step(session), &next) != KR_OK) return end;
  return kr_ratio_compare(next, end) < 0 ? next : end;
}

static void swap(Play *play) {
  if (kr_session_swap(play->session, play->then) != KR_OK) fail(play->name, "no swap");
  follow(play, play->then, play->swap);
}

static void play_to(Play *play, KrRatio end) {
  while (kr_ratio_compare(kr_session_time(play->session), end) < 0) {
    bool is_before =
        play->then != NULL && kr_ratio_compare(kr_session_time(play->session), play->swap) < 0;
    bool comes = is_before && kr_ratio_compare(play->swap, end) <= 0;
    run_to(play->session, next_step(play->session, comes ? play->swap : end), play->name);
    drain(play);
    if (comes && kr_ratio_compare(kr_session_time(play->session), play->swap) == 0) swap(play);
  }
}

// A line `# then FILE at N ms` in a golden program names the program that takes over.
static void find_then(Play *play) {
  char file[64];
  long long milliseconds;
  const KrText text = play->program->source.text;
  const char *line = kr_text_string(play->program->graph->arena, text);
  line = strstr(line, "\n# then ");
  if (line == NULL || sscanf(line, "\n# then %63s at %lld ms", file, &milliseconds) != 2) return;
  play->then = load_graph(file);
  make_plan(play->then);
  kr_ratio_make(milliseconds, 1000, &play->swap);
}

static Play *begin(const char *name) {
  Play *play = calloc(1, sizeof *play);
  if (play == NULL) fail(name, "out of memory");
  *play = (Play){.name = name, .program = load_graph(name)};
  make_plan(play->program);
  find_then(play);
  if (kr_session_new(play->program, &play->session) != KR_OK) fail(name, "no session");
  play->end = kr_program_duration(play->program);
  return play;
}

// Flows that run ahead of the swap keep their state as they pass it.
static void announce(Play *play) {
  if (play->then != NULL && kr_session_announce(play->session, play->swap) != KR_OK)
    fail(play->name, "the swap comes too early");
}

static void print_tallies(Play *play) {
  KrHash all;
  char text[65];
  kr_hash_init(&all);
  for (uint32_t i = 0; i < play->n_tallies; i++) {
    KrDigest digest = kr_hash_end(&play->tallies[i].hash);
    kr_digest_text(&digest, text);
    const char *line =
        kr_text_print(play->program->graph->arena, "sha256 %s %s\n", text, play->tallies[i].name);
    kr_hash_put(&all, line, strlen(line));
    fputs(line, stdout);
  }
  KrDigest digest = kr_hash_end(&all);
  kr_digest_text(&digest, text);
  printf("sha256 %s all\n", text);
}

void print_digest(const char *name) {
  Play *play = begin(name);
  announce(play);
  follow(play, play->program, KR_RATIO_ZERO);
  play_to(play, play->end);
  print_tallies(play);
}

void print_snapshot(const char *name, KrRatio time) {
  Play *play = begin(name);
  uint8_t *at;
  size_t n_bytes;
  announce(play);
  follow(play, play->program, KR_RATIO_ZERO);
  play_to(play, time);
  if (kr_session_save(play->session, &at, &n_bytes) != KR_OK) fail(name, "no snapshot");
  fwrite(at, 1, n_bytes, stdout);
  kr_bytes_free(at);
}

void print_resumed(const char *name, const uint8_t *snapshot, size_t n_bytes) {
  Play *play = begin(name);
  if (kr_session_restore(play->session, snapshot, n_bytes) != KR_OK)
    fail(name, kr_session_error(play->session));
  announce(play);
  follow(play, play->program, kr_session_time(play->session));
  play_to(play, play->end);
  print_tallies(play);
}

// Outputs to files: decides names, columns and the bytes that are hashed.
#include "sink.h"
#include "base/number.h"
#include "math/real.h"
#include <stdlib.h>
#include <string.h>

enum { DRAIN_TICKS = 4096 };

static int fail(const char *message) {
  fprintf(stderr, "kairo: error: %s\n", message);
  return EXIT_PROGRAM;
}

static bool same_but_case(const char *a, const char *b) {
  for (; *a != '\0' || *b != '\0'; a++, b++) {
    int x = *a >= 'A' && *a <= 'Z' ? *a + 32 : *a, y = *b >= 'A' && *b <= 'Z' ? *b + 32 : *b;
    if (x != y) return false;
  }
  return true;
}

// File names that clash, also only by case, get a number.
static const char *choose_stem(SinkSet *set, uint32_t n_before, const char *name) {
  const char *stem = name;
  for (uint32_t suffix = 2, i = 0; i < n_before; i++) {
    if (!same_but_case(set->at[i].stem, stem)) continue;
    stem = kr_text_print(&set->arena, "%s-%u", name, suffix++);
    i = UINT32_MAX; // look at all again
  }
  return stem;
}

static void put_text(Sink *sink, const char *text) {
  kr_writer_put(&sink->table, text, strlen(text));
}

// Name of column i: the label or `out`, then the record field.
static void put_column_name(Sink *sink, uint32_t i) {
  const KrOutput *output = sink->output;
  KrText label = output->label.n > 0 ? output->label : KR_TEXT("out");
  kr_writer_put(&sink->table, label.at, label.n);
  if (output->columns == NULL || output->columns[i].n == 0) return;
  kr_writer_put(&sink->table, ".", 1);
  kr_writer_put(&sink->table, output->columns[i].at, output->columns[i].n);
}

// `dur` and `key` have columns of their own in every list of events.
static bool has_column(const KrEventField *field) {
  return !kr_text_is(field->name, "dur") && !kr_text_is(field->name, "key");
}

static KrStatus open_table(Sink *sink) {
  KR_TRY(kr_writer_open(&sink->table, sink->path));
  if (sink->output->kind == KR_OUTPUT_EVENTS) {
    const KrEvents *events = &sink->graph->events[sink->output->events];
    put_text(sink, "tick,num,den,action,dur,key");
    for (uint32_t i = 0; i < events->n_fields; i++) {
      if (!has_column(&events->fields[i])) continue;
      kr_writer_put(&sink->table, ",", 1);
      kr_writer_put(&sink->table, events->fields[i].name.at, events->fields[i].name.n);
    }
    put_text(sink, "\n");
    return sink->table.status;
  }
  put_text(sink, "tick");
  for (uint32_t i = 0; i < sink->output->n_refs; i++) {
    kr_writer_put(&sink->table, ",", 1);
    put_column_name(sink, i);
  }
  put_text(sink, "\n");
  return sink->table.status;
}

static KrStatus open_wav(Sink *sink, const Options *options, const KrFlow *flow, int64_t n_ticks) {
  KrWavOptions wav = {.rate_hz = (uint32_t)flow->clock.dt.den,
                      .n_channels = sink->output->n_refs,
                      .format = options->format == NULL                 ? KR_WAV_FLOAT32
                                : strcmp(options->format, "pcm16") == 0 ? KR_WAV_PCM16
                                : strcmp(options->format, "pcm24") == 0 ? KR_WAV_PCM24
                                                                        : KR_WAV_FLOAT32,
                      .n_frames = (uint64_t)n_ticks,
                      .is_known = true};
  return kr_wav_open(&sink->wav, sink->path, &wav);
}

// Ticks of a flow in [begin, end), cut by its own number of ticks.
static KrStatus count_ticks(const KrFlow *flow, KrRatio begin, KrRatio end, int64_t *first,
                            int64_t *n) {
  int64_t last;
  KR_TRY(kr_clock_ceil(&flow->clock, begin, first));
  KR_TRY(kr_clock_ceil(&flow->clock, end, &last));
  if (*first < 0) *first = 0;
  if (flow->n_steps >= 0 && last > flow->n_steps) last = flow->n_steps;
  *n = last > *first ? last - *first : 0;
  return KR_OK;
}

static int open_file(SinkSet *set, Sink *sink, const KrFlow *flow, int64_t n_ticks) {
  char error[KR_IO_MESSAGE];
  switch (sink->output->kind) {
  case KR_OUTPUT_AUDIO:
    sink->frames =
        kr_arena_array(&set->arena, (size_t)DRAIN_TICKS * sink->output->n_refs, sizeof(float));
    if (sink->frames == NULL) return fail(kr_status_text(KR_ERROR_MEMORY));
    if (open_wav(sink, set->options, flow, n_ticks) != KR_OK) return fail(sink->wav.writer.error);
    break;
  case KR_OUTPUT_PICTURES:
    if (set->options->video) return film_open(set, sink, flow);
    if (kr_file_make_folder(sink->path, error) != KR_OK) return fail(error);
    break;
  default:
    if (open_table(sink) != KR_OK) return fail(sink->table.error);
  }
  sink->is_open = true;
  return EXIT_OK;
}

static int open_sink(SinkSet *set, const KrProgram *program, uint32_t index, KrRatio begin,
                     KrRatio end) {
  static const char *const endings[] = {".wav", ".csv", "", ".events.csv"};
  uint32_t i = set->n++;
  Sink *sink = &set->at[i];
  const KrOutput *output = &program->graph->outputs[index];
  const KrFlow *flow = &program->graph->flows[output->flow];
  *sink = (Sink){.graph = program->graph, .output = output, .index = index, .is_active = true};
  sink->name = kr_output_name(program->graph, output, &set->arena);
  sink->stem = choose_stem(set, i, sink->name);
  kr_hash_init(&sink->hash);
  sink->is_hashed = set->options->digest || set->options->json;
  sink->is_metered = !set->options->quiet || set->options->json;
  int64_t n_ticks;
  if (count_ticks(flow, begin, end, &sink->next_tick, &n_ticks) != KR_OK)
    return fail("the run is too long");
  sink->first_tick = sink->next_tick;
  if (set->folder != NULL) {
    bool film = output->kind == KR_OUTPUT_PICTURES && set->options->video;
    const char *ending = film ? ".mp4" : endings[output->kind];
    const char *file = kr_text_print(&set->arena, "%s%s", sink->stem, ending);
    sink->path = kr_file_join(&set->arena, set->folder, file);
    return open_file(set, sink, flow, n_ticks);
  }
  sink->path = kr_text_print(&set->arena, "-");
  bool is_first = output->kind == KR_OUTPUT_AUDIO;
  for (uint32_t j = 0; j < i; j++) is_first = is_first && !set->at[j].is_open;
  return is_first ? open_file(set, sink, flow, n_ticks) : EXIT_OK;
}

int sinks_begin(SinkSet *set, const Options *options, const char *folder, uint32_t max_sinks) {
  *set = (SinkSet){.options = options, .folder = folder, .cap = max_sinks};
  kr_arena_init(&set->arena, NULL);
  set->at = KR_NEW_ARRAY(&set->arena, Sink, max_sinks);
  return set->at != NULL ? EXIT_OK : fail(kr_status_text(KR_ERROR_MEMORY));
}

// The sink that an output of the next program continues.
static Sink *find_same(SinkSet *set, const KrGraph *graph, const KrOutput *output) {
  const char *name = kr_output_name(graph, output, &set->arena);
  for (uint32_t i = 0; i < set->n; i++) {
    Sink *sink = &set->at[i];
    const KrClock *old = &sink->graph->flows[sink->output->flow].clock,
                  *now = &graph->flows[output->flow].clock;
    KrType a = {0}, b = {0};
    if (sink->output->n_refs > 0 && output->n_refs > 0) {
      a = kr_graph_type(sink->graph, sink->output->refs[0]);
      b = kr_graph_type(graph, output->refs[0]);
    }
    if (sink->is_active && strcmp(sink->name, name) == 0 && sink->output->kind == output->kind &&
        sink->output->n_refs == output->n_refs && kr_type_equal(&a, &b) &&
        kr_ratio_compare(old->dt, now->dt) == 0 && kr_ratio_compare(old->phase, now->phase) == 0)
      return sink;
  }
  return NULL;
}

int sinks_follow(SinkSet *set, const KrProgram *program, KrRatio begin, KrRatio end) {
  if (set->n == 0) set->begin = begin;
  const KrGraph *graph = program->graph;
  Sink **same = kr_arena_array(&set->arena, graph->n_outputs + 1, sizeof *same);
  if (same == NULL) return fail(kr_status_text(KR_ERROR_MEMORY));
  for (uint32_t i = 0; i < graph->n_outputs; i++)
    same[i] = find_same(set, graph, &graph->outputs[i]);
  for (uint32_t i = 0; i < set->n; i++) set->at[i].is_active = false;
  for (uint32_t i = 0; i < graph->n_outputs; i++) {
    if (same[i] == NULL) {
      int code = open_sink(set, program, i, begin, end);
      if (code != EXIT_OK) return code;
      continue;
    }
    same[i]->is_active = true;
    same[i]->graph = graph;
    same[i]->output = &graph->outputs[i];
    same[i]->index = i;
  }
  return EXIT_OK;
}

// Peak and number of samples above 1, by the bits: magnitudes of floats are ordered like theirs.
static void meter(Sink *sink, size_t n) {
  int32_t peak = 0, n_clipped = 0;
  for (size_t i = 0; i < n; i++) {
    int32_t bits = (int32_t)(kr_f32_to_bits(sink->frames[i]) & 0x7FFFFFFF);
    bits = bits <= 0x7F800000 ? bits : 0; // NaN has no magnitude
    peak = bits > peak ? bits : peak;
    n_clipped += bits > 0x3F800000;
  }
  double magnitude = (double)kr_f32_from_bits((uint32_t)peak);
  if (magnitude > sink->peak) sink->peak = magnitude;
  sink->n_clipped += (uint64_t)n_clipped;
}

static int write_waiting(Sink *sink) {
  uint32_t n = sink->n_waiting;
  size_t n_samples = (size_t)n * sink->output->n_refs;
  if (sink->is_metered) meter(sink, n_samples);
  for (size_t i = 0; sink->is_hashed && i < n_samples; i++)
    kr_hash_put_u32(&sink->hash, kr_f32_to_bits(sink->frames[i]));
  sink->n_waiting = 0;
  if (n > 0 && sink->is_open && kr_wav_put(&sink->wav, sink->frames, n) != KR_OK)
    return fail(sink->wav.writer.error);
  return EXIT_OK;
}

static int drain_audio(Sink *sink, const KrSession *session, int64_t n_ticks) {
  while (sink->next_tick < n_ticks) {
    int64_t left = n_ticks - sink->next_tick, room = DRAIN_TICKS - (int64_t)sink->n_waiting;
    uint32_t n = (uint32_t)(left < room ? left : room);
    float *frames = sink->frames + (size_t)sink->n_waiting * sink->output->n_refs;
    if (kr_session_read_audio(session, sink->index, sink->next_tick, n, frames) != KR_OK)
      return fail("internal error: sound is not there");
    sink->next_tick += n;
    sink->n_written += n;
    sink->n_waiting += n;
    int code = sink->n_waiting == DRAIN_TICKS ? write_waiting(sink) : EXIT_OK;
    if (code != EXIT_OK) return code;
  }
  return EXIT_OK;
}

// One value as text, and into the digest in its own type.
static size_t print_value(KrHash *hash, const void *at, KrElem elem, char *text) {
  uint8_t b;
  switch (elem) {
  case KR_ELEM_BOOL:
    b = *(const uint8_t *)at != 0;
    kr_hash_put(hash, &b, 1);
    return (size_t)snprintf(text, 32, "%d", b);
  case KR_ELEM_I32:
    kr_hash_put_u32(hash, *(const uint32_t *)at);
    return (size_t)snprintf(text, 32, "%d", *(const int32_t *)at);
  case KR_ELEM_U32:
    kr_hash_put_u32(hash, *(const uint32_t *)at);
    return (size_t)snprintf(text, 32, "%u", *(const uint32_t *)at);
  case KR_ELEM_I64:
    kr_hash_put_u64(hash, *(const uint64_t *)at);
    return (size_t)snprintf(text, 32, "%lld", (long long)*(const int64_t *)at);
  case KR_ELEM_U64:
    kr_hash_put_u64(hash, *(const uint64_t *)at);
    return (size_t)snprintf(text, 32, "%llu", (unsigned long long)*(const uint64_t *)at);
  case KR_ELEM_F32: {
    float value = kr_f32_canonical(*(const float *)at);
    kr_hash_put_u32(hash, kr_f32_to_bits(value));
    return kr_number_print_f32(value, text);
  }
  default: {
    double value = kr_f64_canonical(*(const double *)at);
    kr_hash_put_u64(hash, kr_f64_to_bits(value));
    return kr_number_print_f64(value, text);
  }
  }
}

// The elements of one value: one, or those of a vector, spectrum or field.
static void put_row(Sink *sink, const void *at, const KrType *type) {
  char text[40];
  uint64_t n = kr_type_count(type);
  for (uint64_t i = 0; i < n; i++) {
    const uint8_t *element = (const uint8_t *)at + i * kr_elem_bytes(type->elem);
    size_t length = print_value(&sink->hash, element, type->elem, text + 1);
    text[0] = i == 0 ? ',' : ' ';
    if (sink->is_open) kr_writer_put(&sink->table, text, length + 1);
  }
}

static int drain_numbers(Sink *sink, const KrSession *session, int64_t n_ticks) {
  for (; sink->next_tick < n_ticks; sink->next_tick++, sink->n_written++) {
    char text[40];
    int length = snprintf(text, sizeof text, "%lld", (long long)sink->next_tick);
    if (sink->is_open) kr_writer_put(&sink->table, text, (size_t)length);
    for (uint32_t i = 0; i < sink->output->n_refs; i++) {
      uint32_t count;
      KrType type = kr_graph_type(sink->graph, sink->output->refs[i]);
      const void *at = kr_run_output(session->run, sink->index, i, sink->next_tick, 1, &count);
      if (at == NULL) return fail("internal error: numbers are not there");
      put_row(sink, at, &type);
    }
    if (sink->is_open && kr_writer_put(&sink->table, "\n", 1) != KR_OK)
      return fail(sink->table.error);
  }
  return EXIT_OK;
}

static bool name_picture(const Sink *sink, int64_t tick, char *path, size_t n) {
  int length = snprintf(path, n, "%s/frame-%06lld.png", sink->path, (long long)tick);
  return length > 0 && (size_t)length < n;
}

static int drain_pictures(SinkSet *set, Sink *sink, const KrSession *session, int64_t n_ticks) {
  KrType type = kr_graph_type(sink->graph, sink->output->refs[0]);
  const size_t n_bytes = (size_t)kr_type_bytes(&type);
  for (; sink->next_tick < n_ticks; sink->next_tick++, sink->n_written++) {
    if (poll_interrupt()) return EXIT_INTERRUPTED;
    uint32_t count;
    uint8_t *rgba =
        sink->frames != NULL ? (uint8_t *)sink->frames : kr_arena_alloc(&set->arena, n_bytes);
    const void *at = kr_run_output(session->run, sink->index, 0, sink->next_tick, 1, &count);
    if (at == NULL || rgba == NULL) return fail("internal error: a picture is not there");
    sink->frames = (float *)(void *)rgba;
    memcpy(rgba, at, n_bytes);
    kr_hash_put(&sink->hash, at, n_bytes);
    if (!sink->is_open) continue;
    if (sink->video != NULL) {
      int code = film_put(set, sink, rgba);
      if (code != EXIT_OK) return code;
      continue;
    }
    char error[KR_IO_MESSAGE], path[4096];
    KrImage image = {.width = type.dim[0], .height = type.dim[1], .rgba = rgba};
    if (!name_picture(sink, sink->next_tick, path, sizeof path))
      return fail("the path of a picture is too long");
    if (kr_png_write(path, &image, error) != KR_OK) return fail(error);
  }
  return EXIT_OK;
}

static void hash_ratio(KrHash *hash, KrRatio ratio) {
  kr_hash_put_u64(hash, (uint64_t)ratio.num);
  kr_hash_put_u64(hash, (uint64_t)ratio.den);
}

static void put_event_field(Sink *sink, const KrEventField *field, const KrEventValue *value) {
  char text[48] = ",";
  size_t length = 0;
  if (value->present && field->declared) {
    KrConst c = kr_event_value(field, value, field->elem);
    length = print_value(&sink->hash, &c.as, c.elem, text + 1);
  } else if (value->present && value->exact) {
    hash_ratio(&sink->hash, value->ratio);
    length = (size_t)snprintf(text + 1, 46, value->ratio.den == 1 ? "%lld" : "%lld/%lld",
                              (long long)value->ratio.num, (long long)value->ratio.den);
  } else if (value->present) {
    length = print_value(&sink->hash, &value->value, KR_ELEM_F64, text + 1);
  }
  if (sink->is_open && has_column(field)) kr_writer_put(&sink->table, text, length + 1);
}

static int drain_events(Sink *sink, KrSession *session) {
  const KrEvents *events = &sink->graph->events[sink->output->events];
  const KrClock *clock = &sink->graph->flows[sink->output->flow].clock;
  KrRunEvent event;
  while (kr_run_event(session->run, sink->index, &event)) {
    int64_t tick;
    KrRatio rest;
    if (kr_clock_floor(clock, event.time, &tick, &rest) != KR_OK)
      return fail("an event is out of range");
    if (tick < 0) {
      tick = 0;
      rest = KR_RATIO_ZERO;
    }
    kr_hash_put_u64(&sink->hash, (uint64_t)tick);
    hash_ratio(&sink->hash, rest);
    char text[160], dur[48] = "", key[24] = "";
    if (event.has_dur)
      snprintf(dur, sizeof dur, event.dur.den == 1 ? "%lld" : "%lld/%lld", (long long)event.dur.num,
               (long long)event.dur.den);
    if (event.has_key) snprintf(key, sizeof key, "%lld", (long long)event.key);
    int length =
        snprintf(text, sizeof text, "%lld,%lld,%lld,%s,%s,%s", (long long)tick, (long long)rest.num,
                 (long long)rest.den, event.action == KR_EVENT_ON ? "on" : "off", dur, key);
    if (sink->is_open) kr_writer_put(&sink->table, text, (size_t)length);
    for (uint32_t i = 0; i < events->n_fields; i++)
      put_event_field(sink, &events->fields[i], &event.values[i]);
    if (sink->is_open && kr_writer_put(&sink->table, "\n", 1) != KR_OK)
      return fail(sink->table.error);
    sink->n_written++;
  }
  return EXIT_OK;
}

bool sinks_have_sound(const SinkSet *set) {
  for (uint32_t i = 0; i < set->n; i++)
    if (set->at[i].is_open && set->at[i].output->kind == KR_OUTPUT_AUDIO) return true;
  return false;
}

int sinks_drain(SinkSet *set, KrSession *session) {
  for (uint32_t i = 0; i < set->n; i++) {
    Sink *sink = &set->at[i];
    if (!sink->is_active) continue;
    int64_t n_ticks = kr_run_ticks(session->run, sink->output->flow);
    int code;
    switch (sink->output->kind) {
    case KR_OUTPUT_AUDIO:
      code = sink->frames != NULL ? drain_audio(sink, session, n_ticks) : EXIT_OK;
      break;
    case KR_OUTPUT_PICTURES: code = drain_pictures(set, sink, session, n_ticks); break;
    case KR_OUTPUT_EVENTS: code = drain_events(sink, session); break;
    default: code = drain_numbers(sink, session, n_ticks); break;
    }
    if (code != EXIT_OK) return code;
  }
  return EXIT_OK;
}

int sinks_commit(SinkSet *set) {
  for (uint32_t i = 0; i < set->n; i++) {
    Sink *sink = &set->at[i];
    if (sink->output->kind == KR_OUTPUT_AUDIO && write_waiting(sink) != EXIT_OK)
      return EXIT_PROGRAM;
    if (!sink->is_open) continue;
    if (sink->output->kind == KR_OUTPUT_AUDIO) {
      if (kr_wav_commit(&sink->wav) != KR_OK) return fail(sink->wav.writer.error);
    } else if (sink->output->kind != KR_OUTPUT_PICTURES) {
      if (kr_writer_commit(&sink->table) != KR_OK) return fail(sink->table.error);
    }
    sink->is_open = sink->video != NULL; // films are whole when the sound is
  }
  for (uint32_t i = 0; i < set->n; i++)
    if (set->at[i].is_open && film_commit(set, &set->at[i]) != EXIT_OK) return EXIT_PROGRAM;
  return EXIT_OK;
}

// Those of this run: a part of them is no output.
static void remove_pictures(const Sink *sink) {
  char path[4096];
  for (int64_t i = sink->next_tick - (int64_t)sink->n_written; i < sink->next_tick; i++)
    if (name_picture(sink, i, path, sizeof path)) remove(path);
  remove(sink->path); // only when nothing else is there
}

void sinks_abort(SinkSet *set) {
  for (uint32_t i = 0; i < set->n; i++) {
    Sink *sink = &set->at[i];
    if (sink->is_open && sink->output->kind == KR_OUTPUT_AUDIO) kr_wav_abort(&sink->wav);
    if (sink->is_open &&
        (sink->output->kind == KR_OUTPUT_NUMBERS || sink->output->kind == KR_OUTPUT_EVENTS))
      kr_writer_abort(&sink->table);
    if (sink->is_open && sink->output->kind == KR_OUTPUT_PICTURES) {
      if (sink->video != NULL)
        film_abort(sink);
      else
        remove_pictures(sink);
    }
    sink->is_open = false;
  }
}

void sinks_print_digest(SinkSet *set) {
  KrHash all;
  kr_hash_init(&all);
  for (uint32_t i = 0; i < set->n; i++) {
    char text[65];
    KrHash copy = set->at[i].hash;
    KrDigest digest = kr_hash_end(&copy);
    kr_digest_text(&digest, text);
    const char *line = kr_text_print(&set->arena, "sha256 %s %s\n", text, set->at[i].name);
    kr_hash_put(&all, line, strlen(line));
    fputs(line, stdout);
  }
  char text[65];
  KrDigest digest = kr_hash_end(&all);
  kr_digest_text(&digest, text);
  printf("sha256 %s all\n", text);
}

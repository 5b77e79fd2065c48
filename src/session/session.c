// A running piece: one run of one program's plan, and what the public interface reads from it.
#include "kairo/session.h"
#include "math/control.h"
#include "math/real.h"
#include "session/program.h"
#include "session/session.h"
#include <stdlib.h>
#include <string.h>

static void end_arena(KrArena *arena) {
  if (arena == NULL) return;
  kr_arena_deinit(arena);
  free(arena);
}

// A run at tick 0 in an arena of its own.
static KrStatus begin_run(const KrProgram *program, KrArena **result, KrRun **run) {
  KrArena *arena = malloc(sizeof *arena);
  jmp_buf escape;
  if (arena == NULL) return KR_ERROR_MEMORY;
  kr_arena_init(arena, NULL);
  if (setjmp(escape) != 0) {
    end_arena(arena);
    return KR_ERROR_MEMORY;
  }
  arena->escape = &escape;
  KrStatus status = kr_run_new(arena, program->plan, run);
  arena->escape = NULL;
  if (status == KR_OK)
    *result = arena;
  else
    end_arena(arena);
  return status;
}

KrStatus kr_session_new(const KrProgram *program, KrSession **result) {
  if (program == NULL || program->plan == NULL) return KR_ERROR_ARGUMENT;
  KrSession *session = calloc(1, sizeof *session);
  if (session == NULL) return KR_ERROR_MEMORY;
  session->program = program;
  session->n_repairs = program->n_repairs + kr_control_repair();
  KrStatus status = begin_run(program, &session->arena, &session->run);
  if (status != KR_OK) {
    kr_session_free(session);
    return status;
  }
  *result = session;
  return KR_OK;
}

void kr_session_free(KrSession *session) {
  if (session == NULL) return;
  end_arena(session->arena);
  free(session);
}

void kr_session_use(KrSession *session, const KrTasks *tasks) {
  session->tasks = tasks != NULL ? *tasks : (KrTasks){NULL, 1, NULL};
  kr_run_use(session->run, &session->tasks);
}

KrStatus kr_session_run(KrSession *session, KrRatio to) { return kr_run_to(session->run, to); }

KrRatio kr_session_step(const KrSession *session) { return kr_plan_step(session->program->plan); }

KrRatio kr_session_time(const KrSession *session) { return kr_run_time(session->run); }

const char *kr_session_error(const KrSession *session) {
  if (session->error != NULL) return session->error;
  const KrRunFault *fault = kr_run_fault(session->run);
  return fault != NULL ? fault->message : NULL;
}

uint64_t kr_session_repairs(const KrSession *session) {
  return session->n_repairs + kr_run_repairs(session->run);
}

int64_t kr_session_ticks(const KrSession *session, uint32_t index) {
  const KrGraph *graph = session->program->graph;
  if (index >= graph->n_outputs || graph->outputs[index].flow == KR_NONE) return 0;
  return kr_run_ticks(session->run, graph->outputs[index].flow);
}

static double read_value(const void *at, KrElem elem, uint32_t i) {
  switch (elem) {
  case KR_ELEM_BOOL: return ((const uint8_t *)at)[i];
  case KR_ELEM_I32: return ((const int32_t *)at)[i];
  case KR_ELEM_U32: return ((const uint32_t *)at)[i];
  case KR_ELEM_I64: return (double)((const int64_t *)at)[i];
  case KR_ELEM_U64: return (double)((const uint64_t *)at)[i];
  case KR_ELEM_F32: return (double)kr_f32_canonical(((const float *)at)[i]);
  default: return kr_f64_canonical(((const double *)at)[i]);
  }
}

static bool is_readable(const KrSession *session, uint32_t index, uint32_t column) {
  const KrGraph *graph = session->program->graph;
  return index < graph->n_outputs && column < graph->outputs[index].n_refs;
}

KrStatus kr_session_read(const KrSession *session, uint32_t index, uint32_t column, int64_t first,
                         uint32_t n, double *values) {
  if (!is_readable(session, index, column)) return KR_ERROR_ARGUMENT;
  const KrGraph *graph = session->program->graph;
  KrType type = kr_graph_type(graph, graph->outputs[index].refs[column]);
  if (type.shape != KR_SHAPE_SCALAR) return KR_ERROR_ARGUMENT;
  for (uint32_t done = 0, count; done < n; done += count) {
    const void *at = kr_run_output(session->run, index, column, first + done, n - done, &count);
    if (at == NULL || count == 0) return KR_ERROR_ARGUMENT;
    for (uint32_t i = 0; i < count; i++) values[done + i] = read_value(at, type.elem, i);
  }
  return KR_OK;
}

// n values to every n_channels-th place; f32 canonical as words, which compilers make vectors of.
static void put_channel(float *restrict to, size_t n_channels, const void *restrict at, KrElem elem,
                        uint32_t n) {
  enum { PIECE = 64 };
  uint32_t word[PIECE];
  if (elem != KR_ELEM_F32)
    for (uint32_t i = 0; i < n; i++) to[i * n_channels] = (float)read_value(at, elem, i);
  for (uint32_t done = 0; elem == KR_ELEM_F32 && done < n; done += PIECE) {
    uint32_t count = n - done < PIECE ? n - done : PIECE;
    const float *from = (const float *)at + done;
    for (uint32_t i = 0; i < count; i++) word[i] = kr_f32_to_bits(kr_f32_canonical(from[i]));
    if (n_channels == 1) __builtin_memcpy(to + done, word, count * sizeof *word);
    float *next = to + done * n_channels;
    for (uint32_t i = 0; n_channels > 1 && i < count; i++, next += n_channels)
      *next = kr_f32_from_bits(word[i]);
  }
}

KrStatus kr_session_read_audio(const KrSession *session, uint32_t index, int64_t first, uint32_t n,
                               float *frames) {
  if (!is_readable(session, index, 0)) return KR_ERROR_ARGUMENT;
  const KrGraph *graph = session->program->graph;
  uint32_t n_channels = graph->outputs[index].n_refs;
  for (uint32_t c = 0; c < n_channels; c++) {
    KrType type = kr_graph_type(graph, graph->outputs[index].refs[c]);
    if (type.shape != KR_SHAPE_SCALAR) return KR_ERROR_ARGUMENT;
    for (uint32_t done = 0, count; done < n; done += count) {
      const void *at = kr_run_output(session->run, index, c, first + done, n - done, &count);
      if (at == NULL || count == 0) return KR_ERROR_ARGUMENT;
      put_channel(frames + (size_t)done * n_channels + c, n_channels, at, type.elem, count);
    }
  }
  return KR_OK;
}

KrStatus kr_session_picture(const KrSession *session, uint32_t index, int64_t tick,
                            const uint8_t **rgba) {
  uint32_t count;
  if (!is_readable(session, index, 0)) return KR_ERROR_ARGUMENT;
  *rgba = kr_run_output(session->run, index, 0, tick, 1, &count);
  return *rgba == NULL || count == 0 ? KR_ERROR_ARGUMENT : KR_OK;
}

KrStatus kr_session_push(KrSession *session, const char *input, const KrEventInput *event) {
  const KrGraph *graph = session->program->graph;
  for (uint32_t i = 0; i < graph->n_events; i++) {
    const KrEvents *events = &graph->events[i];
    if (events->kind != KR_EVENTS_SIGNAL || !kr_text_is(events->name, input)) continue;
    KrEventValue values[KR_MAX_PORTS] = {{0}};
    if (event->n_values > KR_MAX_PORTS || event->n_values != events->n_fields)
      return KR_ERROR_ARGUMENT;
    for (uint32_t j = 0; j < event->n_values; j++)
      values[j] = (KrEventValue){.present = true, .value = event->values[j]};
    KrEventItem item = {.time = event->time,
                        .action = event->is_off ? KR_EVENT_OFF : KR_EVENT_ON,
                        .has_dur = event->has_dur,
                        .dur = event->dur,
                        .has_key = event->has_key,
                        .key = event->key,
                        .values = values};
    return kr_run_push(session->run, i, &item);
  }
  return KR_ERROR_NOT_FOUND;
}

// The bytes are written where they stay; the arena is for what saving needs meanwhile.
static KrStatus save_run(const KrRun *run, KrArena *arena, uint8_t **at, size_t *n_bytes) {
  size_t n = kr_run_save_bytes(run, arena);
  char *bytes = malloc(n + 1);
  if (bytes == NULL) return KR_ERROR_MEMORY;
  KrBuffer buffer = {.arena = arena, .at = bytes, .cap = n + 1};
  KrStatus status = kr_run_save(run, &buffer);
  if (status != KR_OK) {
    free(bytes);
    return status;
  }
  *at = (uint8_t *)bytes;
  *n_bytes = buffer.n;
  return KR_OK;
}

KrStatus kr_session_save(const KrSession *session, uint8_t **at, size_t *n_bytes) {
  KrArena arena;
  kr_arena_init(&arena, NULL);
  jmp_buf escape;
  if (setjmp(escape) != 0) {
    kr_arena_deinit(&arena);
    return KR_ERROR_MEMORY;
  }
  arena.escape = &escape;
  // What a lead asks for before the first instant belongs to the state at 0.
  KrStatus status = kr_run_to(session->run, kr_run_time(session->run));
  if (status == KR_OK) status = save_run(session->run, &arena, at, n_bytes);
  kr_arena_deinit(&arena);
  return status;
}

void kr_bytes_free(uint8_t *at) { free(at); }

KrStatus kr_session_restore(KrSession *session, const uint8_t *at, size_t n_bytes) {
  return kr_run_restore(session->run, at, n_bytes, &session->error);
}

KrStatus kr_session_announce(KrSession *session, KrRatio instant) {
  return kr_run_announce(session->run, instant);
}

KrStatus kr_session_swap(KrSession *session, const KrProgram *program) {
  KrArena *arena;
  KrRun *run = NULL;
  if (program == NULL || program->plan == NULL) return KR_ERROR_ARGUMENT;
  KR_TRY(begin_run(program, &arena, &run));
  KrStatus status = kr_run_swap(run, session->run);
  if (status != KR_OK) {
    end_arena(arena);
    return status;
  }
  session->n_repairs += kr_run_repairs(session->run);
  end_arena(session->arena);
  session->arena = arena;
  session->run = run;
  kr_run_use(run, &session->tasks);
  session->program = program;
  return KR_OK;
}

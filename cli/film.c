// Pictures as films: decides which sound goes with them and how the two lie in time.
#include "sink.h"
#include <string.h>

static int fail(const Sink *sink, const char *message) {
  fprintf(stderr, "kairo: error: %s: %s\n", sink->path, message);
  return EXIT_PROGRAM;
}

// From the beginning of the run to the first tick taken.
static KrRatio delay_of(const SinkSet *set, const Sink *sink) {
  const KrClock *clock = &sink->graph->flows[sink->output->flow].clock;
  KrRatio time, delay;
  if (kr_clock_time(clock, sink->first_tick, &time) != KR_OK ||
      kr_ratio_sub(time, set->begin, &delay) != KR_OK || delay.num < 0)
    return KR_RATIO_ZERO;
  return delay;
}

int film_open(SinkSet *set, Sink *sink, const KrFlow *flow) {
  KrType type = kr_graph_type(sink->graph, sink->output->refs[0]);
  KrRatio dt = flow->clock.dt;
  sink->video = kr_arena_alloc(&set->arena, sizeof *sink->video);
  if (sink->video == NULL) return fail(sink, kr_status_text(KR_ERROR_MEMORY));
  KrVideoOptions options = {.width = type.dim[0],
                            .height = type.dim[1],
                            .rate = {dt.den, dt.num},
                            .delay = delay_of(set, sink)};
  KrStatus status = kr_video_open(sink->video, sink->path, &options);
  sink->is_open = status == KR_OK;
  return status == KR_OK ? EXIT_OK : fail(sink, sink->video->error);
}

// A film has no transparency: the picture lies on black.
static void flatten(uint8_t *out, const uint8_t *rgba, size_t n_pixels) {
  for (size_t i = 0; i < n_pixels; i++, rgba += 4, out += 4) {
    for (int c = 0; c < 3; c++) out[c] = (uint8_t)((rgba[c] * rgba[3] + 127) / 255);
    out[3] = 255;
  }
}

int film_put(SinkSet *set, Sink *sink, const uint8_t *rgba) {
  (void)set;
  uint8_t *flat = (uint8_t *)(void *)sink->frames;
  flatten(flat, rgba, sink->video->n_frame / 4);
  if (kr_video_put(sink->video, flat) == KR_OK) return EXIT_OK;
  sink->is_open = false;
  return fail(sink, sink->video->error);
}

// The output `master` when there is one, else the first sound.
static const Sink *find_sound(const SinkSet *set) {
  const Sink *found = NULL;
  for (uint32_t i = 0; i < set->n; i++) {
    const Sink *sink = &set->at[i];
    if (sink->output->kind != KR_OUTPUT_AUDIO || sink->output->n_refs > KR_VIDEO_MAX_CHANNELS)
      continue;
    if (found == NULL || strcmp(sink->name, "master") == 0) found = sink;
  }
  return found;
}

int film_commit(SinkSet *set, Sink *sink) {
  const Sink *sound = find_sound(set);
  KrRatio delay = sound == NULL ? KR_RATIO_ZERO : delay_of(set, sound);
  double delay_s = (double)delay.num / (double)delay.den;
  sink->is_open = false;
  for (uint32_t i = 0; sound == NULL && i < set->n; i++)
    if (set->at[i].output->kind == KR_OUTPUT_AUDIO)
      fprintf(stderr, "kairo render: %s has no sound: `%s` has more than %d channels\n", sink->path,
              set->at[i].name, (int)KR_VIDEO_MAX_CHANNELS);
  if (kr_video_commit(sink->video, sound == NULL ? NULL : sound->path, delay_s) == KR_OK)
    return EXIT_OK;
  return fail(sink, sink->video->error);
}

void film_abort(Sink *sink) { kr_video_abort(sink->video); }

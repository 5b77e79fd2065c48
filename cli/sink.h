/// Where an output goes: a WAV, a table, a folder of pictures, a list of events; and its digest.
#ifndef KR_CLI_SINK_H
#define KR_CLI_SINK_H
#include "cli.h"
#include "io/png.h"
#include "io/video.h"
#include "io/wav.h"
#include "sched/signal.h"

typedef struct Sink {
  const KrGraph *graph;
  const KrOutput *output;
  uint32_t index;   ///< of the output
  const char *name; ///< `flow` or `flow.label`
  const char *stem; ///< file name without ending, unique in the folder
  char *path;       ///< file, or folder of pictures
  KrHash hash;
  bool is_hashed;                ///< samples go into `hash`: someone will ask for it
  bool is_metered;               ///< someone will ask for the peak
  int64_t first_tick, next_tick; ///< first one taken, first one not yet
  bool is_open;
  bool is_active; ///< an output of the program that runs now
  KrWav wav;
  KrWriter table;
  KrVideo *video;     ///< NULL: pictures one by one
  float *frames;      ///< sound that waits to be written
  uint32_t n_waiting; ///< frames of it
  double peak;
  uint64_t n_clipped, n_written;
} Sink;

typedef struct SinkSet {
  Sink *at;
  uint32_t n, cap;
  KrArena arena;
  const Options *options;
  KrRatio begin;      ///< of the run
  const char *folder; ///< NULL: the first sound goes to standard output
} SinkSet;

/// No sink yet; up to `max_sinks` over all programs of the run.
int sinks_begin(SinkSet *set, const Options *options, const char *folder, uint32_t max_sinks);
/// From now on the outputs of `program` are taken, ticks from `begin` to `end`: those of the
/// program before go on where name, kind, rate and columns are the same, others end. Printed
/// message on failure.
int sinks_follow(SinkSet *set, const KrProgram *program, KrRatio begin, KrRatio end);
/// Takes what the session has below its time. Sound is written when there is enough of it.
int sinks_drain(SinkSet *set, KrSession *session);
int sinks_commit(SinkSet *set);
void sinks_abort(SinkSet *set);
/// Pictures as a film: opens, takes one picture, ends with the sound of `set`, drops (film.c).
int film_open(SinkSet *set, Sink *sink, const KrFlow *flow);
int film_put(SinkSet *set, Sink *sink, const uint8_t *rgba);
int film_commit(SinkSet *set, Sink *sink);
void film_abort(Sink *sink);
/// Some sound is written.
bool sinks_have_sound(const SinkSet *set);
void sinks_print_digest(SinkSet *set);
#endif

/// The driver of scripts/matrix: golden programs and their files inside, no files, no devices; what
/// it prints is the same on every machine or the machine has been caught.
#ifndef KR_MATRIX_DRIVER_H
#define KR_MATRIX_DRIVER_H
#include "session/program.h"
#include "session/session.h"

/// A file of the archive: bytes in words, the first byte lowest.
typedef struct Entry {
  const char *name;
  const uint64_t *words;
  size_t n_bytes;
} Entry;
extern const Entry archive[];
extern const uint32_t n_archive;

/// Bytes of the file of that name; false when there is none.
bool archive_read(const char *name, KrArena *arena, const uint8_t **at, size_t *n_bytes);
bool archive_is_program(const Entry *entry);
/// A difference put in on purpose: from tick `tick` on, the lowest bit of what `path` gives is
/// turned over. Without a path: none; a tick below 0: the operator is there and does nothing.
typedef struct Plant {
  const char *path;
  int64_t tick;
} Plant;
extern Plant plant;
void put_plant(KrGraph *graph);

/// The vector level to run at.
extern KrLevel level;

/// Text to graph, not yet planned, the plant in it. Ends the process with the messages when that
/// fails.
KrProgram *load_graph(const char *name);
void make_plan(KrProgram *program);
/// Prints and ends the process.
_Noreturn void fail(const char *name, const char *message);

/// One value's bits in its own type, NaN canonical.
uint64_t bits_of(const void *at, KrElem elem);
/// Ends the process when a run stops that should not. At most kr_session_step further.
void run_to(KrSession *session, KrRatio to, const char *name);
/// The time of the next stop on the way to `end`.
KrRatio next_step(const KrSession *session, KrRatio end);

/// `digest`, `save`, `resume`: see driver.c.
void print_digest(const char *name);
void print_snapshot(const char *name, KrRatio time);
void print_resumed(const char *name, const uint8_t *snapshot, size_t n_bytes);

/// Key time of a tick = its time less the lead of its flow: the order in which values come to be.
/// Per node a line `rank<TAB>path<TAB>…` over key times from `begin` to `end`: with slices, one
/// hash a slice; without, `tick:key time:bits` of every tick.
typedef struct Trace {
  double begin, end; ///< seconds
  uint32_t n_slices;
} Trace;
void print_trace(const char *name, const Trace *trace);
/// Rows of the registry and kinds of nodes that no program in the archive uses.
void print_uncovered(void);
#endif

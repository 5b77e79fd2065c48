/// A running piece. One thread at a time; the same bits however the time is cut.
#ifndef KAIRO_SESSION_H
#define KAIRO_SESSION_H
#include "kairo/program.h"
#include "kairo/tasks.h"
#ifdef __cplusplus
extern "C" {
#endif

typedef struct KrSession KrSession;

/// All memory of the run, at tick 0. The program must outlive it. [main]
KrStatus kr_session_new(const KrProgram *program, KrSession **result);
void kr_session_free(KrSession *session);
/// From now on independent parts of the program run as tasks of this table, copied; NULL: on the
/// caller's thread alone, as at first. The bits are the same. Between runs. [main]
void kr_session_use(KrSession *session, const KrTasks *tasks);
/// Runs until program time `to` (seconds), in steps of at most kr_session_step; afterwards every
/// output has its ticks with time < to. KR_ERROR_RUN: see kr_session_error. KR_ERROR_LIMIT: outputs
/// of the last step must be read first. [worker] rt exact
KrStatus kr_session_run(KrSession *session, KrRatio to);
/// Longest advance of one kr_session_run.
KrRatio kr_session_step(const KrSession *session);
KrRatio kr_session_time(const KrSession *session);
/// Sentence about what stopped the run; NULL when nothing did.
const char *kr_session_error(const KrSession *session);

/// How often foreign code was found to have changed the processor's rounding or flush-to-zero
/// setting, since the program was loaded. It is looked at before every span and set right, so that
/// results stay what they are.
uint64_t kr_session_repairs(const KrSession *session);

/// Ticks of output `index` available in all, and reading them: values of column `column` from tick
/// `first`. reals: converted to double. KR_ERROR_ARGUMENT: not there (any more or yet). [worker] rt
/// exact
int64_t kr_session_ticks(const KrSession *session, uint32_t index);
KrStatus kr_session_read(const KrSession *session, uint32_t index, uint32_t column, int64_t first,
                         uint32_t n, double *values);
/// Interleaved frames of an audio output, as f32.
KrStatus kr_session_read_audio(const KrSession *session, uint32_t index, int64_t first, uint32_t n,
                               float *frames);
/// RGBA bytes of one picture, width*height*4, valid until the next run.
KrStatus kr_session_picture(const KrSession *session, uint32_t index, int64_t tick,
                            const uint8_t **rgba);

/// An event for an `input` event stream; its time must not be before what its readers have run.
typedef struct KrEventInput {
  KrRatio time; ///< seconds
  bool is_off;  ///< ends a note
  bool has_dur, has_key;
  KrRatio dur; ///< seconds
  int64_t key;
  const double *values; ///< one per payload field
  uint32_t n_values;
} KrEventInput;
/// KR_ERROR_NOT_FOUND no such input; KR_ERROR_ARGUMENT too late; KR_ERROR_LIMIT queue full.
/// [worker] rt
KrStatus kr_session_push(KrSession *session, const char *input, const KrEventInput *event);

/// Canonical bytes of the state at kr_session_time: the same from every configuration. Freed by
/// kr_bytes_free. [main]
KrStatus kr_session_save(const KrSession *session, uint8_t **at, size_t *n_bytes);
void kr_bytes_free(uint8_t *at);
/// Into a fresh session of the same program. KR_ERROR_MISMATCH, KR_ERROR_FORMAT: see
/// kr_session_error. [main]
KrStatus kr_session_restore(KrSession *session, const uint8_t *at, size_t n_bytes);
/// Names the instant of a coming swap: flows that run ahead keep their state as they pass it. At a
/// time not after instant - largest lead (KR_ERROR_ARGUMENT: too late). Needed when some flow has a
/// lead. [main]
KrStatus kr_session_announce(KrSession *session, KrRatio instant);
/// Goes on with `program` at the session's present time: state carried over by path, type and
/// shape. KR_ERROR_ARGUMENT: a flow ran past this time without kr_session_announce. [main]
KrStatus kr_session_swap(KrSession *session, const KrProgram *program);

#ifdef __cplusplus
}
#endif
#endif

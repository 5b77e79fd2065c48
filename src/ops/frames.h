/// Decoded files at a flow's rate: one table per file, rate and channel, shared by all that play
/// it.
#ifndef KR_OPS_FRAMES_H
#define KR_OPS_FRAMES_H
#include "ops/kernel.h"

/// Frames on both sides of a table that are zero, so that four neighbours can always be read.
enum { KR_FRAMES_EDGE = 4 };
/// Entries of a KR_FIELD_COEF of I64: address of frame 0 of the table, number of frames.
enum { KR_FRAMES_AT, KR_FRAMES_COUNT, KR_N_FRAMES };

/// The channel of the asset at `port`, converted by sinc to the flow's rate where that is another,
/// into field `field` of this lane. KR_ERROR_ARGUMENT with *message. [main] exact
KrStatus kr_frames_prepare(const KrPrep *prep, uint32_t port, uint64_t channel, uint32_t field,
                           const char **message);
/// Number of the channel that a port `channel` names, 0 when it names none. KR_ERROR_ARGUMENT.
KrStatus kr_frames_channel(const KrPrep *prep, uint32_t file, uint32_t port, uint64_t *channel,
                           const char **message);

static inline const float *kr_frames_at(const int64_t *field) {
  return (const float *)(uintptr_t)field[0];
}
#endif

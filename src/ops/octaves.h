/// Reading a file faster than it was recorded, band-limited: its frames at a half, a quarter … of
/// the rate, and kernels whose cutoff falls as the speed rises.
#ifndef KR_OPS_OCTAVES_H
#define KR_OPS_OCTAVES_H
#include "ops/kernel.h"

/// Kernel k of KR_OCTAVE_PARTS is for speed 2^((k+1)/8): KR_OCTAVE_STEPS rows of KR_OCTAVE_TAPS
/// weights for places between two frames, and one more. Weight c of a row stands at the frame
/// c - KR_OCTAVE_BEFORE after the one at or before the place. A row's sum is 1.
enum {
  KR_OCTAVE_PARTS = 8,
  KR_OCTAVE_TAPS = 32,
  KR_OCTAVE_BEFORE = 15,
  KR_OCTAVE_STEPS = 64,
  KR_OCTAVE_KERNEL = (KR_OCTAVE_STEPS + 1) * KR_OCTAVE_TAPS
};
/// Times the rate is halved: up to speed 1024.
enum { KR_OCTAVE_HALVES = 9 };
/// Entries of a KR_FIELD_COEF of I64: addresses of the frames at half the rate (those at a quarter
/// follow, and so on; each has half as many, rounded up) and of the kernels; 0: not prepared.
enum { KR_OCTAVES_HALVES, KR_OCTAVES_KERNELS, KR_N_OCTAVES };

/// For the frames that kr_frames_prepare put into field `frames` of this lane. Tables are shared.
/// KR_ERROR_MEMORY. [main] exact
KrStatus kr_octaves_prepare(const KrPrep *prep, uint32_t frames, uint32_t field);
#endif

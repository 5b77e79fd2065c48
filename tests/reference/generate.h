/// Random programs: valid text by construction, from a seed.
#ifndef KR_GENERATE_H
#define KR_GENERATE_H
#include "base/text.h"

/// Which parts a program may have; the shrinker switches them off one by one.
typedef struct KrGenerateOptions {
  uint64_t seed;
  uint32_t n_flows; ///< 1..6
  uint32_t n_lets;  ///< per flow
  bool no_events, no_states, no_windows, no_crossings, no_prev, no_substeps, no_phase, no_random,
      no_cycles;
} KrGenerateOptions;
void kr_generate(const KrGenerateOptions *options, KrBuffer *out);
#endif

// What main hands to a work and gets from it.
#ifndef YARDSTICK_H
#define YARDSTICK_H
#include <stdint.h>

enum { RATE = 48000, MAX_BLOCK = 512 };

/// Where a program's noise comes from: the key of its seeds and the stream of its place.
typedef struct Noise {
  uint32_t key[2], stream;
} Noise;

typedef struct Work {
  const char *name;
  int n_channels;
  void (*prepare)(const Noise *noise);
  /// n ticks from `tick` (n <= MAX_BLOCK), interleaved. Calls follow each other without gap.
  void (*run)(float *out, int64_t tick, int n);
} Work;

extern const Work work_sines, work_swung, work_subtractive, work_subtractive_copies, work_modulated,
    work_modulated_copies, work_grains, work_whole_grains, work_gate, work_combs;

/// -1 to below 1: Philox 4x32-10, the counter being the tick.
void noise_fill(const Noise *noise, int64_t tick, int n, float *out);
#endif

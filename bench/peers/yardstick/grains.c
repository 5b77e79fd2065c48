// E: 10 000 grains a second, each a sine under a triangle of 5 ms that begins with the grain, at
// its own time between two ticks. When its tick is reached all of a grain is computed, its ticks
// the lanes, and added to what is to come: tick by tick in a ring, or (Ew) as vectors in a line.
#include "lanes.h"
#include "yardstick.h"
#include <string.h>

enum { HALF = 120, GRAIN = 2 * HALF, PER_GRAIN = 48, UNIT = 10 }; // 4.8 ticks from grain to grain
enum { N_RING = 16384, N_AHEAD = MAX_BLOCK + GRAIN + 1 };
static const float GAIN = 0.02f;
static float ring[N_RING];   // tick t at t mod N_RING
static float ahead[N_AHEAD]; // from the block's first tick on
static int64_t n_grains;

static void prepare_grains(const Noise *noise) { (void)noise; }

typedef struct Grain {
  Bits phases;
  Real age;
  uint32_t step;
} Grain;
// At its onset, `late` tenths of a tick after a tick, the age is 0, j ticks after that tick
// j - late / 10.
static Grain begin_grain(int64_t number, int late) {
  float hz = (float)(200 + number * 37 % 4000), residual = (float)late / UNIT;
  uint64_t step = (uint64_t)(hz * (float)(4294967296.0 / RATE)) << 32;
  uint32_t phase = (uint32_t)((step - step / UNIT * (uint64_t)late) >> 32);
  Bits lane;
  for (int i = 0; i < LANES; i++) lane[i] = (uint32_t)i;
  return (Grain){.phases = phase + lane * (uint32_t)(step >> 32),
                 .age = lanes_from_int((Int)lane) + (1 - residual),
                 .step = (uint32_t)(step >> 32)};
}
static Real next_ticks(Grain *grain) {
  Real left = GRAIN - grain->age;
  Real env = lanes_select(grain->age < left, grain->age, left) * (GAIN / HALF);
  Real ticks = lanes_sine(grain->phases) * lanes_select(env > 0, env, lanes_all(0));
  grain->phases += LANES * grain->step;
  grain->age += LANES;
  return ticks;
}

static void run_grains(float *out, int64_t tick, int n) {
  for (; n_grains * PER_GRAIN < (tick + n) * UNIT; n_grains++) {
    int64_t start = n_grains * PER_GRAIN / UNIT;
    Grain grain = begin_grain(n_grains, (int)(n_grains * PER_GRAIN % UNIT));
    for (int64_t t = start + 1; t < start + 1 + GRAIN; t += LANES) {
      Real ticks = next_ticks(&grain);
      for (int i = 0; i < LANES; i++) ring[(t + i) % N_RING] += ticks[i];
    }
  }
  for (int i = 0; i < n; i++) {
    out[i] = ring[(tick + i) % N_RING];
    ring[(tick + i) % N_RING] = 0;
  }
}

static void run_whole_grains(float *out, int64_t tick, int n) {
  for (; n_grains * PER_GRAIN < (tick + n) * UNIT; n_grains++) {
    int64_t tenths = n_grains * PER_GRAIN - tick * UNIT;
    float *to = ahead + tenths / UNIT + 1;
    Grain grain = begin_grain(n_grains, (int)(tenths % UNIT));
    for (int t = 0; t < GRAIN; t += LANES) {
      Real sum;
      memcpy(&sum, to + t, sizeof sum);
      sum += next_ticks(&grain);
      memcpy(to + t, &sum, sizeof sum);
    }
  }
  memcpy(out, ahead, (size_t)n * sizeof *out);
  memmove(ahead, ahead + n, (size_t)(N_AHEAD - n) * sizeof *ahead);
  memset(ahead + N_AHEAD - n, 0, (size_t)n * sizeof *ahead);
}

const Work work_grains = {"E", 1, prepare_grains, run_grains};
const Work work_whole_grains = {"Ew", 1, prepare_grains, run_whole_grains};

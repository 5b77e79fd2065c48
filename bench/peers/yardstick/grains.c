// E: 10 000 grains a second, each a sine under a triangle of 5 ms that begins with the grain, at
// its own time between two ticks. A grain is added to what is to come when its tick is reached: the
// ticks of one grain are the lanes.
#include "lanes.h"
#include "yardstick.h"
#include <string.h>

enum { HALF = 120, GRAIN = 2 * HALF, PER_GRAIN = 48, UNIT = 10 }; // 4.8 ticks from grain to grain
enum { N_AHEAD = MAX_BLOCK + GRAIN + 1 };
static const float GAIN = 0.02f;
static float ahead[N_AHEAD]; // from the block's first tick on
static int64_t n_grains;

static void prepare_grains(const Noise *noise) { (void)noise; }

// At its onset, `late` tenths of a tick after the tick of `out`, the age is 0, j ticks after that
// tick j - late / 10.
static void add_grain(float *restrict out, int64_t number, int late) {
  float hz = (float)(200 + number * 37 % 4000), residual = (float)late / UNIT;
  uint64_t step = (uint64_t)(hz * (float)(4294967296.0 / RATE)) << 32;
  uint32_t phase = (uint32_t)((step - step / UNIT * (uint64_t)late) >> 32);
  Bits phases, number_of_lane;
  for (int i = 0; i < LANES; i++) number_of_lane[i] = (uint32_t)i;
  phases = phase + number_of_lane * (uint32_t)(step >> 32);
  Real age = lanes_from_int((Int)number_of_lane) + (1 - residual);
  for (int t = 1; t < 1 + GRAIN; t += LANES) {
    Real left = GRAIN - age, env = lanes_select(age < left, age, left) * (GAIN / HALF), sum;
    memcpy(&sum, out + t, sizeof sum);
    sum += lanes_sine(phases) * lanes_select(env > 0, env, lanes_all(0));
    memcpy(out + t, &sum, sizeof sum);
    phases += LANES * (uint32_t)(step >> 32);
    age += LANES;
  }
}

static void run_grains(float *out, int64_t tick, int n) {
  for (; n_grains * PER_GRAIN < (tick + n) * UNIT; n_grains++) {
    int64_t tenths = n_grains * PER_GRAIN - tick * UNIT;
    add_grain(ahead + tenths / UNIT, n_grains, (int)(tenths % UNIT));
  }
  memcpy(out, ahead, (size_t)n * sizeof *out);
  memmove(ahead, ahead + n, (size_t)(N_AHEAD - n) * sizeof *ahead);
  memset(ahead + N_AHEAD - n, 0, (size_t)n * sizeof *ahead);
}

const Work work_grains = {"E", 1, prepare_grains, run_grains};

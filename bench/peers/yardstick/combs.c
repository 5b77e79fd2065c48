// G: 64 feedback combs over one noise. Each line is read and written in contiguous runs: no tick of
// a run depends on another, because every line is longer than a block.
#include "lanes.h"
#include "yardstick.h"
#include <math.h>

enum { N_COMBS = 64, MAX_LINE = 4096 };
static float line[N_COMBS][MAX_LINE], feedback[N_COMBS];
static int length[N_COMBS], at[N_COMBS];
static Noise source;

static void prepare_combs(const Noise *noise) {
  source = *noise;
  for (int i = 0; i < N_COMBS; i++) {
    length[i] = 1009 + 29 * i;
    feedback[i] = (float)pow(10, -3.0 * length[i] / 96000);
  }
}

static void run_part(float *restrict delayed, const float *restrict x, float *restrict out, float g,
                     int n) {
  int t = 0;
  for (; t + LANES <= n; t += LANES) {
    Real y, in, sum;
    __builtin_memcpy(&y, delayed + t, sizeof y);
    __builtin_memcpy(&in, x + t, sizeof in);
    __builtin_memcpy(&sum, out + t, sizeof sum);
    sum += y;
    y = lanes_keep(in + g * y);
    __builtin_memcpy(delayed + t, &y, sizeof y);
    __builtin_memcpy(out + t, &sum, sizeof sum);
  }
  for (; t < n; t++) {
    out[t] += delayed[t];
    delayed[t] = lanes_keep(lanes_all(x[t] + g * delayed[t]))[0];
  }
}

static void run_combs(float *out, int64_t tick, int n) {
  float x[MAX_BLOCK];
  noise_fill(&source, tick, n, x);
  for (int t = 0; t < n; t++) {
    x[t] *= 0.1f;
    out[t] = 0;
  }
  for (int i = 0; i < N_COMBS; i++) {
    for (int t = 0; t < n;) {
      int rest = length[i] - at[i], count = rest < n - t ? rest : n - t;
      run_part(line[i] + at[i], x + t, out + t, feedback[i], count);
      at[i] = count == rest ? 0 : at[i] + count;
      t += count;
    }
  }
  for (int t = 0; t < n; t++) out[t] *= 1.0f / N_COMBS;
}

const Work work_combs = {"G", 1, prepare_combs, run_combs};

// A: 1000 sines of fixed frequency. D: 200 sines bent by slow ones, 100 values a second, read
// linearly.
#include "lanes.h"
#include "yardstick.h"

static Real sums[MAX_BLOCK];

// num/den * 2^64, rounded to nearest (64 bits of fraction are exact enough below half a turn).
static uint64_t turns_per_tick(int num, int den) {
  return (uint64_t)((long double)num / den * 0x1p64L + 0.5L);
}

static void clear_sums(int n) {
  for (int t = 0; t < n; t++) sums[t] = lanes_all(0);
}
static void put_sums(float *out, int n, float scale) {
  for (int t = 0; t < n; t++) out[t] = lanes_sum(sums[t]) * scale;
}

// ---- A

enum { N_SINES = 1000, N_SINE_GROUPS = (N_SINES + LANES - 1) / LANES };
static Phase sine_phase[N_SINE_GROUPS], sine_step[N_SINE_GROUPS];

static void prepare_sines(const Noise *noise) {
  (void)noise;
  for (int i = 0; i < N_SINE_GROUPS * LANES; i++) {
    phase_put(&sine_phase[i / LANES], i % LANES, 0);
    // 100 Hz + i 7.3 Hz; what is over stands still at sine 0.
    uint64_t step = i < N_SINES ? turns_per_tick(1000 + 73 * i, 10 * RATE) : 0;
    phase_put(&sine_step[i / LANES], i % LANES, step);
  }
}

static void run_sines(float *out, int64_t tick, int n) {
  (void)tick;
  clear_sums(n);
  for (int g = 0; g < N_SINE_GROUPS; g++) {
    Phase phase = sine_phase[g], step = sine_step[g];
    for (int t = 0; t < n; t++) {
      sums[t] += lanes_sine(phase.high);
      phase = phase_next(phase, step);
    }
    sine_phase[g] = phase;
  }
  put_sums(out, n, 0.001f);
}

// ---- D

enum { N_SWUNG = 200, N_SWUNG_GROUPS = N_SWUNG / LANES + (N_SWUNG % LANES > 0) };
enum { N_SLOTS = N_SWUNG_GROUPS * LANES, SLOW_TICKS = 480 };
static Bits swung_phase[N_SWUNG_GROUPS];
static Real base_hz[N_SWUNG_GROUPS];
// Bend at the last and at the next tick of the slow flow.
static float bend[2][N_SLOTS];
static uint64_t slow_phase[N_SLOTS], slow_step[N_SLOTS];
static float fraction[SLOW_TICKS];

// sin(pi/2 t) within 2.7e-16: Taylor's polynomial.
static double quarter_sine(double t) {
  static const double c[10] = {
      0x1.921fb54442d18p+0,  -0x1.4abbce625be53p-1,  0x1.466bc6775aae2p-4,  -0x1.32d2cce62bd86p-8,
      0x1.50783487ee782p-13, -0x1.e3074fde8871fp-19, 0x1.e8f434d018d63p-25, -0x1.6fadb9f155744p-31,
      0x1.aaec32af93359p-38, -0x1.8a404211f9547p-45};
  double z = t * t, p = c[9];
  for (int i = 8; i >= 0; i--) p = p * z + c[i];
  return p * t;
}
static double sine(uint64_t phase) {
  uint64_t half = (uint64_t)1 << 63;
  uint64_t folded = ((phase ^ phase << 1) & half) != 0 ? half - phase : phase;
  return quarter_sine((double)(int64_t)folded * 0x1p-62);
}

static void next_bends(void) {
  for (int i = 0; i < N_SLOTS; i++) {
    bend[0][i] = bend[1][i];
    bend[1][i] = (float)(sine(slow_phase[i]) * 20);
    slow_phase[i] += slow_step[i];
  }
}

static void prepare_swung(const Noise *noise) {
  (void)noise;
  for (int i = 0; i < N_SLOTS; i++) {
    // 200 Hz + i 17 Hz, swung at 0.5 Hz + i 0.05 Hz; what is over stands still at sine 0.
    base_hz[i / LANES][i % LANES] = i < N_SWUNG ? (float)(200 + 17 * i) : 0;
    slow_step[i] = i < N_SWUNG ? turns_per_tick(10 + i, 20 * 100) : 0;
  }
  for (int t = 0; t < SLOW_TICKS; t++) fraction[t] = (float)t / SLOW_TICKS;
  next_bends();
}

// A stretch without a tick of the slow flow inside.
static void run_stretch(Real *to, const float *part, int n) {
  const float turns = (float)(4294967296.0 / RATE);
  for (int g = 0; g < N_SWUNG_GROUPS; g++) {
    Real from, rise, base = base_hz[g];
    for (int i = 0; i < LANES; i++) {
      from[i] = bend[0][g * LANES + i];
      rise[i] = bend[1][g * LANES + i] - from[i];
    }
    Bits phase = swung_phase[g];
    for (int t = 0; t < n; t++) {
      to[t] += lanes_sine(phase);
      phase += (Bits)lanes_to_int((base + (from + rise * part[t])) * turns);
    }
    swung_phase[g] = phase;
  }
}

static void run_swung(float *out, int64_t tick, int n) {
  clear_sums(n);
  for (int t = 0; t < n;) {
    int at = (int)((tick + t) % SLOW_TICKS), rest = SLOW_TICKS - at;
    int count = rest < n - t ? rest : n - t;
    if (at == 0) next_bends();
    run_stretch(sums + t, fraction + at, count);
    t += count;
  }
  put_sums(out, n, 0.005f);
}

const Work work_sines = {"A", 1, prepare_sines, run_sines};
const Work work_swung = {"D", 1, prepare_swung, run_swung};

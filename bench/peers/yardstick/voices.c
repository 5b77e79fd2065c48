// B: 64 subtractive voices. C: 256 voices of two operators. Voices are lanes; a group runs from one
// change of any of its envelopes to the next. A note begins with an oscillator and a filter as new;
// in Bc and Cc, the copies, these run on from note to note.
#include "lanes.h"
#include "yardstick.h"
#include <math.h>

enum { MAX_VOICES = 256, MAX_GROUPS = MAX_VOICES / LANES };
enum { ATTACK = 480, DECAY = 2880, RELEASE = 4320 };
static const float SUSTAIN = 0.5f;

/// Notes of all voices: voice v begins at v period / n ticks and again every period.
typedef struct Score {
  int n_voices, period, gate; // ticks
  int keys;                   // to the octave
  int is_copies;              // phases and filters run on
} Score;
static const Score subtractive = {64, 12000, 7200, 21, 0}, modulated = {256, 48000, 28800, 85, 0};
static const Score subtractive_copies = {64, 12000, 7200, 21, 1};
static const Score modulated_copies = {256, 48000, 28800, 85, 1};
static const Score *played;

/// A straight part of an envelope.
typedef struct Segment {
  float level, slope; // at its first tick, per tick
  int64_t end;        // first tick after it
  int note;           // -1 before the first
} Segment;

// Ticks from the onset of voice's note to `tick` in the tick in which it begins and, when that is
// between two ticks, in the next; else -1.
static float find_onset(const Score *score, int voice, int64_t tick) {
  int64_t twice = 2 * (int64_t)voice * score->period / score->n_voices, since = tick - twice / 2;
  int late = (int)(twice % 2);
  if (since < 0 || since % score->period > late) return -1;
  return since % score->period == 0 ? 0 : 0.5f;
}

// A note begins `rest` of a tick after `begin`; at that tick the envelope still has its old value,
// j ticks later the age j - rest.
static Segment find_segment(const Score *score, int voice, int64_t tick) {
  int64_t twice = 2 * (int64_t)voice * score->period / score->n_voices, first = twice / 2;
  int late = (int)(twice % 2);
  if (tick < first) return (Segment){0, 0, first, -1};
  int64_t note = (tick - first) / score->period, begin = first + note * score->period;
  float rest = (float)late / 2, on = (float)(tick - begin) - rest, off = on - (float)score->gate;
  int64_t release = begin + score->gate, next = begin + score->period;
  Segment segment = {0, 0, next, (int)note};
  if (on < 0) {
    segment.end = tick + 1;
  } else if (tick < release && on < ATTACK) {
    segment = (Segment){on / ATTACK, 1.0f / ATTACK, begin + ATTACK + late, (int)note};
  } else if (tick < release && on < ATTACK + DECAY) {
    float slope = (SUSTAIN - 1) / DECAY;
    segment = (Segment){1 + slope * (on - ATTACK), slope, begin + ATTACK + DECAY + late, (int)note};
  } else if (tick < release || off < 0) {
    segment = (Segment){SUSTAIN, 0, tick < release ? release : tick + 1, (int)note};
  } else if (off < RELEASE) {
    float slope = -SUSTAIN / RELEASE;
    segment = (Segment){SUSTAIN + slope * off, slope, release + RELEASE + late, (int)note};
  }
  return segment;
}

/// What a group of voices has now, constant until `end` but for `since` and what the work moves on.
typedef struct Group {
  Real level, slope, since; // the envelopes are level + since * slope
  Real hz;
  Bits phase, phase2;       // of the oscillator or carrier, of the modulator
  Real one, two;            // states of the filter
  int64_t ends[LANES], end; // of each segment, of the first of them
  int is_silent;            // until `end`, and what moves need not
} Group;
static Group groups[MAX_GROUPS];
static float scale_hz[MAX_VOICES];

static Bits step_of(Real hz) { return (Bits)lanes_to_int(hz * (float)(4294967296.0 / RATE)); }

// Voice i of the group as at the onset, or half a tick after it.
static void begin_note(Group *group, int i, float age) {
  Bits step = step_of(group->hz), step2 = step_of(group->hz * 2);
  group->phase[i] = age > 0 ? step[i] / 2 : 0;
  group->phase2[i] = age > 0 ? step2[i] / 2 : 0;
  if (age > 0) return;
  group->one[i] = group->two[i] = 0;
}

static void begin_segment(Group *group, int i, int voice, int64_t tick) {
  Segment segment = find_segment(played, voice, tick);
  group->level[i] = segment.level;
  group->slope[i] = segment.slope;
  group->hz[i] =
      segment.note >= 0 ? scale_hz[(voice * 7 + segment.note * 5) % played->n_voices] : 0;
  group->ends[i] = segment.end;
  if (played->is_copies) return;
  float age = find_onset(played, voice, tick);
  if (age >= 0) begin_note(group, i, age);
}

static void begin_segments(int g, int64_t tick) {
  Group *group = &groups[g];
  group->level += group->since * group->slope;
  group->since = lanes_all(0);
  group->end = INT64_MAX;
  group->is_silent = !played->is_copies;
  for (int i = 0; i < LANES; i++) {
    int voice = g * LANES + i;
    if (tick >= group->ends[i]) begin_segment(group, i, voice, tick);
    if (group->ends[i] < group->end) group->end = group->ends[i];
    int is_silent = !(group->level[i] > 0) && !(group->slope[i] > 0);
    group->is_silent &= is_silent && find_onset(played, voice, tick) < 0;
  }
}

// How many of n ticks the group can run as it is.
static int stretch(int g, int64_t tick, int n) {
  if (tick >= groups[g].end) begin_segments(g, tick);
  return groups[g].end - tick < n ? (int)(groups[g].end - tick) : n;
}

static void prepare_scale(const Score *score) {
  played = score;
  for (int key = 0; key < score->n_voices; key++)
    scale_hz[key] = (float)(110 * pow(2, (double)key / score->keys));
}

// ---- B

static Real gain[2][MAX_GROUPS], left[MAX_BLOCK], right[MAX_BLOCK];

static void prepare_places(const Score *score) {
  prepare_scale(score);
  for (int v = 0; v < score->n_voices; v++) {
    double angle = v / 63.0 * 1.5707963267948966;
    gain[0][v / LANES][v % LANES] = (float)cos(angle);
    gain[1][v / LANES][v % LANES] = (float)sin(angle);
  }
}

static void prepare_subtractive(const Noise *noise) {
  (void)noise;
  prepare_places(&subtractive);
}
static void prepare_subtractive_copies(const Noise *noise) {
  (void)noise;
  prepare_places(&subtractive_copies);
}

// Residual of a step, u = 1 - distance / 3 ticks: six ticks wide, images below -84 dB.
static inline Real step_residual(Real u) {
  u = lanes_select(u > 0, u, lanes_all(0));
  Real p = lanes_all(0x1.dc5f9p+3f);
  p = p * u - 0x1.b0d968p+5f;
  p = p * u + 0x1.13af08p+6f;
  p = p * u - 0x1.1d0068p+5f;
  p = p * u + 0x1.e17aap+2f;
  p = p * u - 0x1.196fp+0f;
  return p * (u * u * u);
}

// Band-limited while a turn takes more than six ticks: only the nearer jump is in reach.
static inline Real saw(Bits phase, Real per_turn) {
  Int half = (Int)(phase >> 1);
  Real turns = lanes_from_int(half) * 0x1p-31f,
       left_turns = lanes_from_int(INT32_MAX - half) * 0x1p-31f;
  Int before = left_turns < turns;
  Real nearer = lanes_select(before, left_turns, turns);
  Real residual = step_residual(1 - nearer * per_turn);
  residual = (Real)((Int)residual ^ (~before & INT32_MIN));
  return 2 * turns - 1 - 2 * residual;
}

// State-variable low-pass, trapezoidal; with s = sin and c = cos of half the corner's angle the
// usual 1 / (1 + g (g + k)), g = s / c, is c c / (1 + k s c).
static inline Real lowpass(Group *v, Real x, Real cutoff, Real k) {
  Real turns = cutoff * (1.0f / RATE);
  Real s = lanes_quarter_sine(2 * turns), c = lanes_quarter_sine(1 - 2 * turns);
  Real sc = s * c, scale = 1 / (1 + k * sc), rest = x - v->two;
  Real v1 = scale * (c * c * v->one + sc * rest);
  Real v2 = v->two + scale * (sc * v->one + s * s * rest);
  v->one = lanes_keep(2 * v1 - v->one);
  v->two = lanes_keep(2 * v2 - v->two);
  return v2;
}

static void run_voices(int g, Real *to_left, Real *to_right, int n) {
  Group *group = &groups[g], v = *group;
  Real level = group->level, slope = group->slope, since = group->since;
  Real per_turn = RATE / 3.0f / lanes_select(group->hz > 0, group->hz, lanes_all(1));
  Real gain_left = gain[0][g], gain_right = gain[1][g], k = lanes_all(0.25f);
  Bits step = step_of(group->hz);
  for (int t = 0; t < n; t++) {
    Real env = level + slope * since;
    Real y = lowpass(&v, saw(v.phase, per_turn), 300 + 4000 * env, k) * env;
    to_left[t] += y * gain_left;
    to_right[t] += y * gain_right;
    v.phase += step;
    since += 1;
  }
  group->since = since;
  group->phase = v.phase;
  group->one = v.one;
  group->two = v.two;
}

static void run_subtractive(float *out, int64_t tick, int n) {
  for (int t = 0; t < n; t++) left[t] = right[t] = lanes_all(0);
  for (int g = 0; g < played->n_voices / LANES; g++) {
    for (int t = 0; t < n;) {
      int count = stretch(g, tick + t, n - t);
      if (!groups[g].is_silent) run_voices(g, left + t, right + t, count);
      t += count;
    }
  }
  for (int t = 0; t < n; t++) {
    out[2 * t] = lanes_sum(left[t]) * 0.05f;
    out[2 * t + 1] = lanes_sum(right[t]) * 0.05f;
  }
}

// ---- C

static void prepare_modulated(const Noise *noise) {
  (void)noise;
  prepare_scale(&modulated);
}
static void prepare_modulated_copies(const Noise *noise) {
  (void)noise;
  prepare_scale(&modulated_copies);
}

static void run_pairs(int g, Real *to, int n) {
  const float depth = (float)(3 / 6.283185307179586);
  Group *group = &groups[g];
  Real level = group->level, slope = group->slope, since = group->since;
  Bits phase = group->phase, phase2 = group->phase2;
  Bits step = step_of(group->hz), step2 = step_of(group->hz * 2);
  for (int t = 0; t < n; t++) {
    Real env = level + slope * since;
    Real turns = lanes_sine(phase2) * env * depth;
    Bits moved = phase + ((Bits)lanes_to_int(turns * 0x1p31f) << 1);
    to[t] += lanes_sine(moved) * env;
    phase += step;
    phase2 += step2;
    since += 1;
  }
  group->since = since;
  group->phase = phase;
  group->phase2 = phase2;
}

static void run_modulated(float *out, int64_t tick, int n) {
  for (int t = 0; t < n; t++) left[t] = lanes_all(0);
  for (int g = 0; g < played->n_voices / LANES; g++) {
    for (int t = 0; t < n;) {
      int count = stretch(g, tick + t, n - t);
      if (!groups[g].is_silent) run_pairs(g, left + t, count);
      t += count;
    }
  }
  for (int t = 0; t < n; t++) out[t] = lanes_sum(left[t]) * 0.01f;
}

const Work work_subtractive = {"B", 2, prepare_subtractive, run_subtractive};
const Work work_subtractive_copies = {"Bc", 2, prepare_subtractive_copies, run_subtractive};
const Work work_modulated = {"C", 1, prepare_modulated, run_modulated};
const Work work_modulated_copies = {"Cc", 1, prepare_modulated_copies, run_modulated};

// Clouds of grains out of a file (Roads 2001, Microsound): a clock of 2^64 to a turn starts one at
// each wrap, at its part of a tick; what a grain is to be is read then and stays. A grain's place
// follows from its age, so none is accumulated.
#ifndef KR_PASS
#include "math/philox.h"
#include "ops/frames.h"
#include "resample/cross.h"

enum { N_GRAINS = 128 };
enum {
  FIELD_CLOCK,
  FIELD_DUE,
  FIELD_LATE,
  FIELD_AGE,
  FIELD_LENGTH,
  FIELD_PLACE,
  FIELD_STEP,
  FIELD_FRAMES,
  FIELD_KEY,
  FIELD_STREAM,
  FIELD_RATE
};
enum { PORT_FILE, PORT_SEED = 8, PORT_CHANNEL };
enum { IN_RATE, IN_SIZE, IN_POSITION, IN_SPEED, IN_SPREAD, IN_JITTER, IN_DETUNE, N_IN };
static const double tick = 4294967296.0; // of an age and a place

#define KR_PASS 32
#include "ops/grains.c"
#undef KR_PASS
#define KR_PASS 64
#include "ops/grains.c"
#undef KR_PASS

#ifdef KR_ROWS
static KrStatus prepare_grains(const KrPrep *prep, const char **message) {
  const KrPortValue *seed = &prep->port[PORT_SEED];
  uint64_t channel;
  KR_TRY(kr_frames_channel(prep, PORT_FILE, PORT_CHANNEL, &channel, message));
  KR_TRY(kr_frames_prepare(prep, PORT_FILE, channel, FIELD_FRAMES, message));
  if (!seed->exact || seed->ratio.den != 1) {
    *message = "the seed must be a whole number";
    return KR_ERROR_ARGUMENT;
  }
  KrRandomKey key = kr_random_key(prep->seed, (uint64_t)seed->ratio.num);
  FIELD_AT(prep, FIELD_KEY, uint64_t)[0] = (uint64_t)key.word[1] << 32 | key.word[0];
  FIELD_AT(prep, FIELD_STREAM, uint32_t)[0] = kr_random_stream(prep->path, 0, false);
  FIELD_AT(prep, FIELD_DUE, uint8_t)[0] = 1;
  FIELD_AT(prep, FIELD_RATE, double)[0] = (double)prep->dt.den / (double)prep->dt.num;
  return KR_OK;
}

static const KrOp OPS[] = {
    {.name = "granular",
     .family = "samples",
     .run = RUN_REAL(granular),
     .flags = KR_OP_ALONE | KR_OP_RANDOM,
     .in = {{"file", KR_PORT_ASSET, NULL, NULL, NULL, NULL, "sound file, or `folder:n` as sample"},
            SIGNAL("rate", "Hz", "20Hz", "0..the rate", "grains per second"),
            SIGNAL("size", "s", "100ms", "0..60", "length of a grain"),
            SIGNAL("position", "", "0", NULL,
                   "where in the file a grain begins: 0 to 1, and round"),
            SIGNAL("speed", "", "1", "-64..64", "of a grain; below 0 backwards"),
            SIGNAL("spread", "", "0", "0..1", "most that is randomly added to the position"),
            SIGNAL("jitter", "", "0", "0..1",
                   "part of the time to the next grain by which one is late at most, randomly"),
            SIGNAL("detune", "", "0", "0..1", "part by which its speed differs at most, randomly"),
            SETTING("seed", "", "0", NULL, "whole number that changes all that is random"),
            {"channel", KR_PORT_CONST, "", "all", "all", "0..",
             "one of the file's; all: a tuple when it has several"}},
     .field = {{"clock", KR_ELEM_U64, 1, KR_FIELD_STATE | KR_FIELD_AGES},
               STATE("due", BOOL, 1),
               STATE("late", F64, 1),
               {"age", KR_ELEM_I64, N_GRAINS, KR_FIELD_STATE | KR_FIELD_AGES},
               STATE("length", I64, N_GRAINS),
               STATE("place", I64, N_GRAINS),
               STATE("step", F64, N_GRAINS),
               COEF("frames", I64, KR_N_FRAMES),
               COEF("key", U64, 1),
               COEF("stream", U32, 1),
               COEF("rate", F64, 1)},
     .prepare = prepare_grains,
     .doc = "Grains of a file under a Hann window, each starting between two ticks where its clock "
            "says; at most 128 at once, what is more is left out"},
};
KR_FAMILY_DEFINE(grains, "samples");
#endif
KR_KERNELS(grains, KR_REALS(granular));

#else
#include "ops/pass.h"

typedef struct FN(Cloud) {
  const KrCall *call;
  size_t strides[N_IN];
  const float *frames;
  int64_t n, *age, *length, *place;
  double *step, rate;
} FN(Cloud);

KR_INLINE double FN(setting)(const FN(Cloud) * c, uint32_t i, uint32_t t, double low, double high) {
  double x = (double)((const REAL *)c->call->in[i])[t * c->strides[i]];
  x = x > low ? x : low;
  return x < high ? x : high;
}
// x less whole files: 0 to below 1 for what is finite.
KR_INLINE double FN(round_file)(double x) {
  x = kr_f64_fract(x);
  return x >= 0 && x < 1 ? x : 0;
}

KR_INLINE REAL FN(frame_of)(const FN(Cloud) * c, int64_t i) {
  i = i < 0 ? i + c->n : i >= c->n ? i - c->n : i;
  return i >= 0 && i < c->n ? (REAL)c->frames[i] : 0;
}
KR_INLINE REAL FN(file_at)(const FN(Cloud) * c, int64_t i, REAL a) {
  const float *x = c->frames + i;
  if (i >= 1 && i + 2 < c->n)
    return FN(kr_cross_cubic)((REAL)x[-1], (REAL)x[0], (REAL)x[1], (REAL)x[2], a);
  return FN(kr_cross_cubic)(FN(frame_of)(c, i - 1), FN(frame_of)(c, i), FN(frame_of)(c, i + 1),
                            FN(frame_of)(c, i + 2), a);
}
// One grain of an age that is not negative.
KR_INLINE REAL FN(grain_at)(const FN(Cloud) * c, uint32_t g, int64_t age, REAL per_age) {
  int64_t at = c->place[g] + kr_f64_to_i64(c->step[g] * (double)age), end = c->n << 32;
  if (at < 0 || at >= end) at = (at % end + end) % end;
  REAL a = (REAL)(at & 0xffffffff) * (REAL)0x1p-32;
  REAL turn = 2 * ((REAL)age * per_age) - 1;
  REAL window = FN(quarter_sine)(1 - RF(abs)(turn));
  return FN(file_at)(c, at >> 32, a) * (window * window);
}

// Grain g over ticks begin..end.
static void FN(run_grain)(FN(Cloud) * c, uint32_t g, uint32_t begin, uint32_t end, REAL *out) {
  int64_t age = c->age[g], length = c->length[g];
  const REAL per_age = 1 / (REAL)length;
  uint32_t t = begin;
  for (; t < end && age < 0; t++) age += (int64_t)1 << 32;
  for (; t < end && age < length; t++, age += (int64_t)1 << 32)
    out[t] += FN(grain_at)(c, g, age, per_age);
  c->age[g] = age;
  if (age >= length) c->length[g] = 0;
}

// A grain at tick t whose clock wrapped `late` ticks before.
static void FN(start)(FN(Cloud) * c, uint32_t t, double late, double period) {
  const KrCall *call = c->call;
  uint64_t key = *(const uint64_t *)call->field[FIELD_KEY];
  uint32_t draw = 0, g = 0;
  while (g < N_GRAINS && c->length[g] != 0) g++;
  if (g == N_GRAINS) return;
  if (call->voice != NULL) draw |= call->voice->note[0] << 16;
  KrRandomWords words =
      kr_random_words((KrRandomKey){{(uint32_t)key, (uint32_t)(key >> 32)}},
                      (uint64_t)call->tick + t, draw, *(const uint32_t *)call->field[FIELD_STREAM]);
  double spread = FN(setting)(c, IN_SPREAD, t, 0, 1) * ((double)words.word[1] * 0x1p-32);
  double wait = FN(setting)(c, IN_JITTER, t, 0, 1) * ((double)words.word[0] * 0x1p-32) * period;
  wait = wait < 0x1p30 ? wait : 0x1p30;
  double detune = FN(setting)(c, IN_DETUNE, t, 0, 1) * ((double)words.word[2] * 0x1p-31 - 1);
  double place = FN(round_file)(FN(setting)(c, IN_POSITION, t, -0x1p52, 0x1p52) + spread);
  c->length[g] = (int64_t)(FN(setting)(c, IN_SIZE, t, 0, 60) * c->rate * tick);
  c->place[g] = (int64_t)(place * (double)c->n * tick);
  c->step[g] = FN(setting)(c, IN_SPEED, t, -64, 64) * (1 + detune);
  c->age[g] = (int64_t)((late - wait) * tick);
}

// The clock's tick t: does a grain start, and by which part of a tick before?
static bool FN(clock)(FN(Cloud) * c, uint32_t t, double *late, double *period) {
  uint64_t *clock = c->call->field[FIELD_CLOCK];
  uint8_t *due = c->call->field[FIELD_DUE];
  double *since = c->call->field[FIELD_LATE];
  double turns = FN(setting)(c, IN_RATE, t, 0, c->rate) / c->rate;
  uint64_t step = kr_f64_to_u64(turns * 0x1p63) * 2, next = *clock + step;
  if (turns == 1) next = 0; // a turn a tick
  if (step == 0 && turns < 1) return false;
  bool starts = *due != 0;
  *late = *since;
  *period = 1 / turns;
  *due = next < *clock || turns == 1;
  *since = *due != 0 && turns < 1 ? (double)next / (double)step : 0;
  *clock = next;
  return starts;
}

static void FN(run_grains)(FN(Cloud) * c, uint32_t begin, uint32_t end) {
  for (uint32_t g = 0; g < N_GRAINS && begin < end; g++)
    if (c->length[g] != 0) FN(run_grain)(c, g, begin, end, c->call->out[0]);
}
static void FN(granular)(const KrCall *call) {
  const int64_t *frames = call->field[FIELD_FRAMES];
  FN(Cloud)
  c = {.call = call,
       .frames = kr_frames_at(frames),
       .n = frames[KR_FRAMES_COUNT],
       .age = call->field[FIELD_AGE],
       .length = call->field[FIELD_LENGTH],
       .place = call->field[FIELD_PLACE],
       .step = call->field[FIELD_STEP],
       .rate = *(const double *)call->field[FIELD_RATE]};
  REAL *out = call->out[0];
  uint32_t begin = 0;
  for (uint32_t i = 0; i < N_IN; i++) c.strides[i] = kr_call_stride(call, i);
  for (uint32_t t = 0; t < call->n; t++) out[t] = 0;
  for (uint32_t t = 0; t < call->n; t++) {
    double late, period;
    if (!FN(clock)(&c, t, &late, &period)) continue;
    FN(run_grains)(&c, begin, t);
    FN(start)(&c, t, late, period);
    begin = t;
  }
  FN(run_grains)(&c, begin, call->n);
}
#endif

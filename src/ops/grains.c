// Clouds of grains out of a file (Roads 2001, Microsound): a clock of 2^64 to a turn starts one at
// each wrap, at its part of a tick; what a grain is to be is read then and stays. A grain's place
// follows from its age, so none is accumulated.
#ifndef KR_PASS
#include "math/philox.h"
#include "ops/frames.h"
#include "ops/octaves.h"
#include "resample/cross.h"

// A place is taken until a tile after its grain: no tile has two grains of one place in it, and
// grains are added up in the order of their places.
enum { N_GRAINS = 192 };
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
  FIELD_RATE,
  FIELD_OCTAVES
};
enum { PORT_FILE, PORT_SPEED = 4, PORT_DETUNE = 7, PORT_SEED, PORT_CHANNEL };
enum { IN_RATE, IN_SIZE, IN_POSITION, IN_SPEED, IN_SPREAD, IN_JITTER, IN_DETUNE, N_IN };
static const double tick = 4294967296.0;       // of an age
static const int64_t frame = INT64_C(1) << 32; // of a place

#define KR_SELF "ops/grains.c"
#include "ops/passes.h"

#ifdef KR_ROWS
// Whether no grain moves by more than a frame a tick.
static bool is_never_fast(const KrPrep *prep) {
  const KrPortValue *speed = &prep->port[PORT_SPEED], *detune = &prep->port[PORT_DETUNE];
  if (speed->kind != KR_VALUE_CONST || detune->kind != KR_VALUE_CONST) return false;
  double most = detune->value > 0 ? 1 + detune->value : 1;
  return speed->value * most >= -1 && speed->value * most <= 1;
}

static KrStatus prepare_grains(const KrPrep *prep, const char **message) {
  const KrPortValue *seed = &prep->port[PORT_SEED];
  uint64_t channel;
  KR_TRY(kr_frames_channel(prep, PORT_FILE, PORT_CHANNEL, &channel, message));
  KR_TRY(kr_frames_prepare(prep, PORT_FILE, channel, FIELD_FRAMES, message));
  if (!is_never_fast(prep)) KR_TRY(kr_octaves_prepare(prep, FIELD_FRAMES, FIELD_OCTAVES));
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
               STATE("step", I64, N_GRAINS),
               COEF("frames", I64, KR_N_FRAMES),
               COEF("key", U64, 1),
               COEF("stream", U32, 1),
               COEF("rate", F64, 1),
               COEF("octaves", I64, KR_N_OCTAVES)},
     .prepare = prepare_grains,
     .doc =
         "Grains of a file under a Hann window, each starting between two ticks where its clock "
         "says, read as `sample` reads; 192 at once, one less for each that ended in the last 64 "
         "ticks; more are left out"},
};
KR_FAMILY_DEFINE(grains, "samples");
#endif
KR_KERNELS(grains, KR_REALS(granular));

#else
#include "ops/pass.h"

#if !KR_WIDE
#include "ops/reader.inc"

// A grain over n ticks: between which frames it is at each, and by which part. Frames side by side
// are read where they are.
typedef struct FN(Reading) {
  REAL part[KR_TILE], at[4][KR_TILE];
  const REAL *near[4];
  REAL whole, rest, per_tick; // whole ticks since its beginning and the rest; 2 / ticks it lasts
  bool still;                 // part[0] stands for all
} FN(Reading);
#endif

KR_INLINE V WN(cubic)(V p0, V p1, V p2, V p3, V a) {
  V d0 = p1 - p0, d1 = p2 - p1, d2 = p3 - p2, m1 = (d0 + d1) / 2, m2 = (d1 + d2) / 2;
  V c2 = 2 * (d1 - m1) + (d1 - m2), c3 = (m1 - d1) + (m2 - d1);
  return VF(select)(VF(eq)(a, VF(all)(0)), p1, ((c3 * a + c2) * a + m1) * a + p1);
}
// Ticks from..n added to out, as many as fill vectors; where it stopped.
KR_INLINE uint32_t WN(add_grain)(const FN(Reading) * r, uint32_t from, uint32_t n, REAL *out) {
  REAL count[VN];
  for (uint32_t i = 0; i < VN; i++) count[i] = (REAL)i;
  const V steps = VF(load)(count), rest = VF(all)(r->rest), per_tick = VF(all)(r->per_tick);
  const V still = VF(all)(r->part[0]);
  uint32_t t = from;
  for (; t + VN <= n; t += VN) {
    V turn = ((VF(all)(r->whole + (REAL)t) + steps) + rest) * per_tick - 1;
    V window = WN(quarter_sine)(1 - VF(abs)(turn));
    V a = r->still ? still : VF(load)(r->part + t);
    V y = WN(cubic)(VF(load)(r->near[0] + t), VF(load)(r->near[1] + t), VF(load)(r->near[2] + t),
                    VF(load)(r->near[3] + t), a);
    VF(store)(out + t, VF(load)(out + t) + y * (window * window));
  }
  return t;
}

#if !KR_WIDE
typedef struct FN(Cloud) {
  const KrCall *call;
  size_t strides[N_IN];
  FN(Reader) reader;
  int64_t *age, *length, *place, *step;
  double rate;
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

// Frames around each of n places from `at` on, all well inside.
static void FN(load_inside)(const FN(Reader) * file, int64_t at, int64_t step, uint32_t n,
                            FN(Reading) * r) {
  for (uint32_t t = 0; t < n; t++, at += step) {
    const float *x = file->frames + (at >> 32);
    r->part[t] = (REAL)(at & 0xffffffff) * (REAL)0x1p-32;
    for (int k = 0; k < 4; k++) r->at[k][t] = (REAL)x[k - 1];
  }
}
// … anywhere, or by kernels: each is found by itself, and stands for a frame.
static void FN(load_around)(const FN(Reader) * file, int64_t at, int64_t step, uint32_t n,
                            FN(Reading) * r) {
  const FN(Head) whole = {.last = file->n << 32};
  for (uint32_t t = 0; t < n; t++, at += step) {
    if (at < 0 || at >= whole.last) at = (at % whole.last + whole.last) % whole.last;
    r->at[1][t] = FN(read)(file, &whole, at, FN(REACH_LOOP));
  }
  for (int k = 0; k < 4; k++) r->near[k] = r->at[1];
  r->still = true;
  r->part[0] = 0;
}
static void FN(load_ticks)(FN(Reader) * file, int64_t at, int64_t step, uint32_t n,
                           FN(Reading) * r) {
  int64_t end = file->n << 32, last;
  FN(tune)(file, step);
  if (at < 0 || at >= end) at = (at % end + end) % end;
  last = at + step * (int64_t)(n - 1);
  bool inside = at >= frame && last >= frame && at < end - 3 * frame && last < end - 3 * frame;
  if (!inside || FN(is_fast)(file)) {
    FN(load_around)(file, at, step, n, r);
    return;
  }
  for (int k = 0; k < 4; k++) r->near[k] = r->at[k];
  r->still = false;
#if KR_PASS == 32
  if (step == frame) {
    r->still = true;
    r->part[0] = (REAL)(at & 0xffffffff) * (REAL)0x1p-32;
    for (int k = 0; k < 4; k++) r->near[k] = file->frames + (at >> 32) - 1 + k;
    return;
  }
#endif
  FN(load_inside)(file, at, step, n, r);
}
#else

// Grain g over the ticks of a call.
static void FN(run_grain)(FN(Cloud) * c, uint32_t g) {
  int64_t age = c->age[g], length = c->length[g], wait = age < 0 ? -(age >> 32) : 0;
  int64_t n = c->call->n, left;
  c->age[g] = age + n * frame;
  if (c->age[g] >= length + KR_TILE * frame) c->age[g] = c->length[g] = 0;
  age += wait * frame;
  n -= wait;
  left = (length - age + frame - 1) >> 32;
  n = left < n ? left : n;
  if (n <= 0) return;
  int64_t part = age & 0xffffffff;
  REAL *out = (REAL *)c->call->out[0] + wait;
  FN(Reading) r;
  r.per_tick = (REAL)(2 / ((double)length * 0x1p-32));
  r.whole = (REAL)(age >> 32);
  r.rest = (REAL)((double)part * 0x1p-32);
  int64_t offset = (int64_t)((double)c->step[g] * ((double)part * 0x1p-32));
  FN(load_ticks)
  (&c->reader, c->place[g] + offset + c->step[g] * (age >> 32), c->step[g], (uint32_t)n, &r);
  FN(add_grain_one)(&r, WN(add_grain)(&r, 0, (uint32_t)n, out), (uint32_t)n, out);
}

KR_INLINE bool FN(is_free)(const FN(Cloud) * c, uint32_t g, uint32_t t) {
  return c->length[g] == 0 || c->age[g] + t * frame >= c->length[g] + KR_TILE * frame;
}
// A grain at tick t whose clock wrapped `late` ticks before.
static void FN(start)(FN(Cloud) * c, uint32_t t, double late, double period) {
  const KrCall *call = c->call;
  uint64_t key = *(const uint64_t *)call->field[FIELD_KEY];
  uint32_t draw = 0, g = 0;
  int64_t length = (int64_t)(FN(setting)(c, IN_SIZE, t, 0, 60) * c->rate * tick);
  while (g < N_GRAINS && !FN(is_free)(c, g, t)) g++;
  if (g == N_GRAINS || length == 0) return;
  if (call->voice != NULL) draw |= call->voice->note[0] << 16;
  KrRandomWords words =
      kr_random_words((KrRandomKey){{(uint32_t)key, (uint32_t)(key >> 32)}},
                      (uint64_t)call->tick + t, draw, *(const uint32_t *)call->field[FIELD_STREAM]);
  double spread = FN(setting)(c, IN_SPREAD, t, 0, 1) * ((double)words.word[1] * 0x1p-32);
  double wait = FN(setting)(c, IN_JITTER, t, 0, 1) * ((double)words.word[0] * 0x1p-32) * period;
  wait = wait < 0x1p30 ? wait : 0x1p30;
  double detune = FN(setting)(c, IN_DETUNE, t, 0, 1) * ((double)words.word[2] * 0x1p-31 - 1);
  double place = FN(round_file)(FN(setting)(c, IN_POSITION, t, -0x1p52, 0x1p52) + spread);
  c->length[g] = length;
  c->place[g] = (int64_t)(place * (double)c->reader.n * tick);
  c->step[g] = (int64_t)(FN(setting)(c, IN_SPEED, t, -64, 64) * (1 + detune) * tick);
  c->age[g] = (int64_t)((late - wait) * tick) - t * frame;
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

static void FN(granular)(const KrCall *call) {
  FN(Cloud)
  c = {.call = call,
       .reader = FN(reader_of)(call->field[FIELD_FRAMES], call->field[FIELD_OCTAVES], 1),
       .age = call->field[FIELD_AGE],
       .length = call->field[FIELD_LENGTH],
       .place = call->field[FIELD_PLACE],
       .step = call->field[FIELD_STEP],
       .rate = *(const double *)call->field[FIELD_RATE]};
  REAL *out = call->out[0];
  for (uint32_t i = 0; i < N_IN; i++) c.strides[i] = kr_call_stride(call, i);
  for (uint32_t t = 0; t < call->n; t++) {
    double late, period;
    out[t] = 0;
    if (FN(clock)(&c, t, &late, &period)) FN(start)(&c, t, late, period);
  }
  for (uint32_t g = 0; g < N_GRAINS; g++)
    if (c.length[g] != 0) FN(run_grain)(&c, g);
}
#endif
#endif

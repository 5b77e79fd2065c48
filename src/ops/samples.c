// Playing a decoded file: a position in frames since the onset, 32.32 fixed point, moved by speed
// every tick. In a loop with a crossfade the last frames of the part are laid over its first ones:
// at `last` the position goes back to the end of those. A second onset leaves the old place behind,
// where a second head reads on while it fades.
#ifndef KR_PASS
#include "ops/frames.h"
#include "ops/octaves.h"
#include "resample/cross.h"

enum {
  FIELD_POSITION,
  FIELD_BASE,
  FIELD_FIRST,
  FIELD_LAST,
  FIELD_FADE,
  FIELD_HIGH,
  FIELD_BEGUN,
  FIELD_FRAMES,
  FIELD_PART,
  FIELD_RATE,
  FIELD_OCTAVES,
  FIELD_LEFT,
  FIELD_FROM
};
// Of the head left behind; REST is what is left of its fade, in ticks 32.32, 0: there is none.
enum { LEFT_AT, LEFT_FIRST, LEFT_LAST, LEFT_FADE, LEFT_REST, LEFT_STANDS, N_LEFT };
enum { PORT_FILE, PORT_SPEED, PORT_BEGIN, PORT_FINISH, PORT_ROOT = 6, PORT_FREQ, PORT_CHANNEL = 9 };
enum {
  IN_SPEED,
  IN_BEGIN,
  IN_FINISH,
  IN_LOOP,
  IN_FADE,
  IN_ROOT,
  IN_FREQ,
  IN_GATE,
  IN_ONSET,
  IN_RESIDUAL,
  N_IN = 11
};
static const int64_t frame = INT64_C(1) << 32;
static const double seconds_left = 0.005; // the fade of what an onset leaves behind

#define KR_PASS 32
#include "ops/samples.c"
#undef KR_PASS
#define KR_PASS 64
#include "ops/samples.c"
#undef KR_PASS

#ifdef KR_ROWS
// A constant part is known to the frame, whatever the type of the call.
static KrStatus prepare_part(const KrPrep *prep, const char **message) {
  const KrPortValue *begin = &prep->port[PORT_BEGIN], *end = &prep->port[PORT_FINISH];
  int64_t *part = FIELD_AT(prep, FIELD_PART, int64_t);
  double n = (double)FIELD_AT(prep, FIELD_FRAMES, int64_t)[KR_FRAMES_COUNT * prep->lanes];
  bool fixed = begin->kind == KR_VALUE_CONST, ends = end->kind == KR_VALUE_CONST;
  if ((fixed && !(begin->value >= 0 && begin->value <= 1)) ||
      (ends && !(end->value >= 0 && end->value <= 1)) ||
      (fixed && ends && !(begin->value < end->value))) {
    *message = "begin and end must be 0 to 1, begin before end";
    return KR_ERROR_ARGUMENT;
  }
  part[0] = fixed ? (int64_t)(begin->value * n) * frame : -1;
  part[prep->lanes] = ends ? (int64_t)(end->value * n) * frame : -1;
  return KR_OK;
}

// Whether the place never moves by more than a frame a tick.
static bool is_never_fast(const KrPrep *prep) {
  const KrPortValue *speed = &prep->port[PORT_SPEED];
  const KrPortValue *root = &prep->port[PORT_ROOT], *freq = &prep->port[PORT_FREQ];
  if (speed->kind != KR_VALUE_CONST || root->kind != KR_VALUE_CONST || freq->kind != KR_VALUE_CONST)
    return false;
  double size = speed->value * (freq->value / root->value);
  return size >= -1 && size <= 1;
}

static bool is_root_wrong(const KrPortValue *root) {
  return root->kind == KR_VALUE_CONST && !(root->value > 0);
}

static KrStatus prepare_sample(const KrPrep *prep, const char **message) {
  uint64_t channel;
  KR_TRY(kr_frames_channel(prep, PORT_FILE, PORT_CHANNEL, &channel, message));
  KR_TRY(kr_frames_prepare(prep, PORT_FILE, channel, FIELD_FRAMES, message));
  FIELD_AT(prep, FIELD_RATE, double)[0] = (double)prep->dt.den / (double)prep->dt.num;
  *message = "the root must be above 0 Hz";
  if (is_root_wrong(&prep->port[PORT_ROOT])) return KR_ERROR_ARGUMENT;
  if (!is_never_fast(prep)) KR_TRY(kr_octaves_prepare(prep, FIELD_FRAMES, FIELD_OCTAVES));
  return prepare_part(prep, message);
}

static const KrOp OPS[] = {
    {.name = "sample",
     .family = "samples",
     .run = RUN_REAL(sample),
     .flags = KR_OP_ENDS,
     .in = {{"file", KR_PORT_ASSET, NULL, NULL, NULL, NULL,
             "sound file, or `folder:n`: file n of a folder by name, modulo their number"},
            SIGNAL("speed", "", "1", "-1024..1024",
                   "1: as recorded; below 0 at the onset: from the end, backwards"),
            SIGNAL("begin", "", "0", "0..1", "first part played, read at the onset"),
            SIGNAL("end", "", "1", "0..1", "where it ends, read at the onset"),
            {"loop", KR_PORT_BOOL, NULL, "false", NULL, NULL, "from end back to begin, and on"},
            SIGNAL("crossfade", "s", "0s", "0..half the part",
                   "of a loop: its end over its beginning, a turn being so much shorter; read at "
                   "the onset"),
            SIGNAL("root", "Hz", "261.6256Hz", "above 0", "pitch of the recording"),
            SIGNAL("freq", "Hz", "root", NULL, "pitch wanted: the speed is times freq / root"),
            {"gate", KR_PORT_GATE, "", "1", NULL, NULL,
             "every onset starts anew; a place that sounds fades away within 5 ms"},
            {"channel", KR_PORT_CONST, "", "all", "all", "0..",
             "one of the file's; all: a tuple when it has several"}},
     .field = {{"position", KR_ELEM_I64, 1, KR_FIELD_STATE | KR_FIELD_AGES},
               STATE("base", I64, 1),
               STATE("first", I64, 1),
               STATE("last", I64, 1),
               STATE("fade", I64, 1),
               STATE("high", BOOL, 1),
               STATE("begun", BOOL, 1),
               COEF("frames", I64, KR_N_FRAMES),
               COEF("part", I64, 2),
               COEF("rate", F64, 1),
               COEF("octaves", I64, KR_N_OCTAVES),
               STATE("left", I64, N_LEFT),
               STATE("from", CALL, 1)},
     .prepare = prepare_sample,
     .doc = "Plays a file, converted to the flow's rate by sinc; up to speed 1 whole positions are "
            "the frames themselves, others the cubic between them, above it what would be beyond "
            "half the rate is left out; silence after the end"},
};
KR_FAMILY_DEFINE(samples, "samples");
#endif
KR_KERNELS(samples, KR_REALS(sample));

#else
#include "ops/pass.h"

#include "ops/reader.inc"

KR_INLINE bool FN(is_over)(const FN(Head) * h) {
  return h->at < h->first - frame || h->at >= h->last;
}
// What a head reads where it is.
static REAL FN(heard)(const FN(Reader) * r, const FN(Head) * h, bool loop) {
  if (!loop) return FN(is_over)(h) ? 0 : FN(read)(r, h, h->at, FN(REACH_PART));
  if (h->fade == 0) return FN(read)(r, h, h->at, FN(REACH_LOOP));
  REAL x = FN(read)(r, h, h->at, FN(REACH_FILE));
  int64_t since = h->at - (h->last - h->fade);
  if (since <= 0) return x;
  REAL w = (REAL)since / (REAL)h->fade;
  REAL other = FN(read)(r, h, h->at - (h->last - h->first - h->fade), FN(REACH_FILE));
  return x + w * w * (3 - 2 * w) * (other - x);
}

// Past either end the place stays where it left, so it never wraps.
static int64_t FN(moved)(const FN(Head) * h, int64_t step, bool loop) {
  int64_t at = h->at, next = at + step, length = h->last - h->first - h->fade;
  int64_t low = h->first + h->fade;
  if (!loop) return at >= h->last + 2 * frame || at < h->first - 2 * frame ? at : next;
  if (next >= h->last) return low + (next - h->last) % length;
  if (step < 0 && next < low) return h->last - 1 - (low - 1 - next) % length;
  return next;
}

// One lane during a call.
typedef struct FN(Player) {
  const KrCall *call;
  uint32_t lane;
  FN(Reader) reader;
  FN(Head) head, left;
  int64_t base; // where the part was entered: the position counts from there
  bool high, begun;
  size_t strides[N_IN];
  REAL pitch;
  // After an onset `rest` of `span` ticks is to go. What was heard goes on as `left` less the value
  // `from` at which the new head began; as `from` alone when it was itself just fading.
  int64_t rest, span;
  bool stands;
  REAL from;
} FN(Player);

KR_INLINE REAL FN(input)(const FN(Player) * p, uint32_t i, uint32_t t) {
  return ((const REAL *)p->call->in[i])[t * p->strides[i] + p->lane];
}

// What sounds at this tick. At the onset (all of the fade to go) it is what was heard before. An
// onset within a fade crosses over, so that no row of them can add up.
static REAL FN(value)(const FN(Player) * p, bool loop) {
  REAL x = p->begun ? FN(heard)(&p->reader, &p->head, loop) : 0;
  if (p->rest == 0) return x;
  REAL u = p->rest < p->span ? (REAL)p->rest / (REAL)p->span : 1, w = u * u * (3 - 2 * u);
  if (p->stands) return x + w * (p->from - x);
  return x + w * (FN(heard)(&p->reader, &p->left, loop) - p->from);
}

static int64_t FN(step_at)(FN(Player) * p, uint32_t t) {
  const REAL most = 1024;
  if (t == 0 || p->strides[IN_FREQ] != 0 || p->strides[IN_ROOT] != 0)
    p->pitch = FN(input)(p, IN_FREQ, t) / FN(input)(p, IN_ROOT, t);
  REAL speed = FN(input)(p, IN_SPEED, t) * p->pitch;
  if (speed != speed) return 0;
  speed = speed > -most ? speed : -most;
  speed = speed < most ? speed : most;
  return RF(to_i64)(speed * (REAL)0x1p32);
}

static int64_t FN(place)(const FN(Player) * p, uint32_t i, uint32_t t) {
  const int64_t *part = p->call->field[FIELD_PART];
  int64_t fixed = part[(i == IN_FINISH ? p->call->lanes : 0) + p->lane];
  double x = (double)FN(input)(p, i, t);
  if (fixed >= 0) return fixed;
  x = x > 0 ? x : 0;
  return (int64_t)((x < 1 ? x : 1) * (double)p->reader.n) * frame;
}
// Onset at tick t: which part, from which end.
static void FN(begin_at)(FN(Player) * p, uint32_t t, int64_t step, bool loop) {
  const double *rate = p->call->field[FIELD_RATE];
  FN(Head) *h = &p->head;
  int64_t n = p->reader.n;
  h->first = FN(place)(p, IN_BEGIN, t);
  h->last = FN(place)(p, IN_FINISH, t);
  if (h->first > (n - 1) * frame) h->first = (n - 1) * frame;
  if (h->last < h->first + frame) h->last = h->first + frame;
  double fade = (double)FN(input)(p, IN_FADE, t) * rate[p->lane];
  double most = (double)((h->last - h->first) >> 33);
  fade = fade > 0 ? fade : 0;
  h->fade = (int64_t)(fade < most ? fade : most) * frame;
  h->at = p->base = step >= 0 ? h->first : h->last - frame - (loop ? h->fade : 0);
  p->begun = true;
}
// … while something sounds: nothing jumps.
static void FN(begin_anew)(FN(Player) * p, uint32_t t, int64_t step, bool loop) {
  const REAL now = FN(value)(p, loop);
  p->stands = p->rest > 0;
  p->left = p->head;
  FN(begin_at)(p, t, step, loop);
  p->from = p->stands ? now : FN(heard)(&p->reader, &p->head, loop);
  p->rest = p->span;
}

// Whether the gate starts at tick t, and by which part of a tick late.
static bool FN(starts)(FN(Player) * p, uint32_t t, REAL *residual) {
  const uint8_t *onset = p->call->in[IN_ONSET];
  const KrCallVoice *voice = p->call->voice;
  bool high = FN(input)(p, IN_GATE, t) > 0, rises = high && !p->high;
  p->high = high;
  *residual = 0;
  if (onset == NULL) return rises;
  if (onset[t * p->strides[IN_ONSET] + p->lane] == 0) return false;
  bool own = voice != NULL && voice->born[p->lane] == p->call->tick + t;
  if (p->call->in[IN_RESIDUAL] != NULL && !own) *residual = FN(input)(p, IN_RESIDUAL, t);
  if (!(*residual >= 0 && *residual < 1)) *residual = 0;
  return true;
}

// Nothing starts, nothing fades, nothing moves but the position.
static bool FN(is_steady)(const FN(Player) * p) {
  const uint8_t *onset = p->call->in[IN_ONSET];
  const size_t *s = p->strides;
  if (!p->begun || p->rest != 0 ||
      s[IN_GATE] + s[IN_SPEED] + s[IN_LOOP] + s[IN_ROOT] + s[IN_FREQ] != 0)
    return false;
  if ((FN(input)(p, IN_GATE, 0) > 0) != p->high) return false;
  for (uint32_t t = 0; onset != NULL && t < p->call->n; t++)
    if (onset[t * s[IN_ONSET] + p->lane] != 0) return false;
  return true;
}
// All ticks of a steady call lie well within the part: they are played here.
static bool FN(play_within)(FN(Player) * p, REAL *out) {
  FN(Head) *h = &p->head;
  int64_t step = FN(step_at)(p, 0), at = h->at, end = at + step * p->call->n;
  FN(tune)(&p->reader, step);
  if (FN(is_fast)(&p->reader)) return false;
  int64_t low = at < end ? at : end, high = at < end ? end : at;
  if (low < h->first + h->fade + frame || high >= h->last - h->fade - 3 * frame) return false;
  for (uint32_t t = 0; t < p->call->n; t++, at += step) {
    const float *x = p->reader.frames + (at >> 32);
    REAL a = (REAL)(at & 0xffffffff) * (REAL)0x1p-32;
    out[t * p->call->lanes] =
        FN(kr_cross_cubic)((REAL)x[-1], (REAL)x[0], (REAL)x[1], (REAL)x[2], a);
  }
  h->at = end;
  return true;
}

// The onset's tick: a place that sounds fades away, silence crosses over by the residual.
static REAL FN(strike)(FN(Player) * p, uint32_t t, int64_t *step, bool loop, REAL residual) {
  bool sounds = p->begun && (p->rest > 0 || loop || !FN(is_over)(&p->head));
  REAL x;
  if (sounds && p->span > 0) {
    FN(begin_anew)(p, t, *step, loop);
    x = FN(value)(p, loop);
    p->rest += RF(to_i64)(residual * (REAL)0x1p32);
  } else {
    REAL old = residual > 0 ? FN(value)(p, loop) : 0;
    FN(begin_at)(p, t, *step, loop);
    x = FN(value)(p, loop);
    x = residual > 0 ? x + residual * (old - x) : x;
  }
  *step -= RF(to_i64)((REAL)*step * residual);
  return x;
}
static void FN(move)(FN(Player) * p, int64_t step, int64_t whole, bool loop) {
  p->head.at = FN(moved)(&p->head, step, loop);
  if (p->rest == 0) return;
  p->left.at = FN(moved)(&p->left, whole, loop);
  p->rest = p->rest > frame ? p->rest - frame : 0;
}

// All ticks of one lane; the first of them from which it is silent, n when none is.
static uint32_t FN(play)(FN(Player) * p, REAL *out) {
  const uint8_t *loops = p->call->in[IN_LOOP];
  const uint32_t lanes = p->call->lanes;
  uint32_t silent = 0;
  const bool steady = FN(is_steady)(p);
  int64_t step = 0, whole = 0;
  if (steady && FN(play_within)(p, out)) return p->call->n;
  for (uint32_t t = 0; t < p->call->n; t++) {
    bool loop = loops[t * p->strides[IN_LOOP] + p->lane] != 0;
    REAL residual;
    if (!steady || t == 0) {
      step = whole = FN(step_at)(p, t);
      FN(tune)(&p->reader, step);
    }
    out[t * lanes] = !steady && FN(starts)(p, t, &residual)
                         ? FN(strike)(p, t, &step, loop, residual)
                         : FN(value)(p, loop);
    if (!p->begun || loop || p->rest > 0 || !FN(is_over)(&p->head)) silent = t + 1;
    if (p->begun) FN(move)(p, step, whole, loop);
  }
  return silent;
}

static void FN(tell_end)(const FN(Player) * p, uint32_t silent) {
  if (p->call->voice == NULL) return;
  p->call->voice->end[p->lane] = silent < p->call->n ? p->call->tick + silent : INT64_MAX;
}

#define OWN(type, index) ((type *)call->field[index])[l]
#define LEFT(i) ((int64_t *)call->field[FIELD_LEFT])[(i)*call->lanes + l]
static FN(Player) FN(load_player)(const KrCall *call, uint32_t l) {
  FN(Player) p = {.call = call, .lane = l};
  const int64_t *frames = (const int64_t *)call->field[FIELD_FRAMES] + l;
  const int64_t *octaves = (const int64_t *)call->field[FIELD_OCTAVES] + l;
  p.reader = FN(reader_of)(frames, octaves, call->lanes);
  p.base = OWN(int64_t, FIELD_BASE);
  p.head = (FN(Head)){p.base + OWN(int64_t, FIELD_POSITION), OWN(int64_t, FIELD_FIRST),
                      OWN(int64_t, FIELD_LAST), OWN(int64_t, FIELD_FADE)};
  p.high = OWN(uint8_t, FIELD_HIGH);
  p.begun = OWN(uint8_t, FIELD_BEGUN);
  p.left = (FN(Head)){LEFT(LEFT_AT), LEFT(LEFT_FIRST), LEFT(LEFT_LAST), LEFT(LEFT_FADE)};
  p.rest = LEFT(LEFT_REST);
  p.stands = LEFT(LEFT_STANDS) != 0;
  p.from = OWN(REAL, FIELD_FROM);
  p.span = (int64_t)(OWN(double, FIELD_RATE) * seconds_left) * frame;
  for (uint32_t i = 0; i < N_IN; i++) p.strides[i] = kr_call_stride(call, i);
  return p;
}
static void FN(store_player)(const FN(Player) * p) {
  const KrCall *call = p->call;
  const uint32_t l = p->lane;
  OWN(int64_t, FIELD_BASE) = p->base;
  OWN(int64_t, FIELD_POSITION) = p->head.at - p->base;
  OWN(int64_t, FIELD_FIRST) = p->head.first;
  OWN(int64_t, FIELD_LAST) = p->head.last;
  OWN(int64_t, FIELD_FADE) = p->head.fade;
  OWN(uint8_t, FIELD_HIGH) = p->high;
  OWN(uint8_t, FIELD_BEGUN) = p->begun;
  LEFT(LEFT_AT) = p->left.at;
  LEFT(LEFT_FIRST) = p->left.first;
  LEFT(LEFT_LAST) = p->left.last;
  LEFT(LEFT_FADE) = p->left.fade;
  LEFT(LEFT_REST) = p->rest;
  LEFT(LEFT_STANDS) = p->stands;
  OWN(REAL, FIELD_FROM) = p->from;
}
#undef OWN
#undef LEFT
static void FN(sample)(const KrCall *call) {
  for (uint32_t l = 0; l < call->lanes; l++) {
    FN(Player) p = FN(load_player)(call, l);
    FN(tell_end)(&p, FN(play)(&p, (REAL *)call->out[0] + l));
    FN(store_player)(&p);
  }
}
#endif

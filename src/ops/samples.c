// Playing a decoded file: a position in frames since the onset, 32.32 fixed point, moved by speed
// every tick. In a loop with a crossfade the last frames of the part are laid over its first ones:
// at `last` the position goes back to the end of those.
#ifndef KR_PASS
#include "ops/frames.h"
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
  FIELD_RATE
};
enum { PORT_FILE, PORT_SPEED, PORT_BEGIN, PORT_FINISH, PORT_CHANNEL = 9 };
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

static KrStatus prepare_sample(const KrPrep *prep, const char **message) {
  uint64_t channel;
  KR_TRY(kr_frames_channel(prep, PORT_FILE, PORT_CHANNEL, &channel, message));
  KR_TRY(kr_frames_prepare(prep, PORT_FILE, channel, FIELD_FRAMES, message));
  FIELD_AT(prep, FIELD_RATE, double)[0] = (double)prep->dt.den / (double)prep->dt.num;
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
            {"gate", KR_PORT_GATE, "", "1", NULL, NULL, "every onset starts anew"},
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
               COEF("rate", F64, 1)},
     .prepare = prepare_sample,
     .doc = "Plays a file, converted to the flow's rate by sinc; whole positions are the frames "
            "themselves, others the cubic between them; silence after the end"},
};
KR_FAMILY_DEFINE(samples, "samples");
#endif
KR_KERNELS(samples, KR_REALS(sample));

#else
#include "ops/pass.h"

// One lane during a call.
typedef struct FN(Player) {
  const KrCall *call;
  uint32_t lane;
  const float *frames;
  int64_t n, position, base, first, last, fade;
  bool high, begun;
  size_t strides[N_IN];
  REAL pitch;
} FN(Player);

KR_INLINE REAL FN(input)(const FN(Player) * p, uint32_t i, uint32_t t) {
  return ((const REAL *)p->call->in[i])[t * p->strides[i] + p->lane];
}

// Frame i of the file.
KR_INLINE REAL FN(frame_of)(const FN(Player) * p, int64_t i) {
  return i >= 0 && i < p->n ? (REAL)p->frames[i] : 0;
}
// … of the part: beyond it silence, or its other end in a loop.
KR_INLINE REAL FN(part_of)(const FN(Player) * p, int64_t i, bool loop) {
  int64_t first = p->first >> 32, last = p->last >> 32, length = last - first;
  if (i < first || i >= last) {
    if (!loop) return 0;
    i = first + ((i - first) % length + length) % length;
  }
  return FN(frame_of)(p, i);
}
static REAL FN(file_at)(const FN(Player) * p, int64_t at) {
  int64_t i = at >> 32;
  REAL a = (REAL)(at & 0xffffffff) * (REAL)0x1p-32;
  return FN(kr_cross_cubic)(FN(frame_of)(p, i - 1), FN(frame_of)(p, i), FN(frame_of)(p, i + 1),
                            FN(frame_of)(p, i + 2), a);
}
static REAL FN(part_at)(const FN(Player) * p, int64_t at, bool loop) {
  int64_t i = at >> 32;
  REAL a = (REAL)(at & 0xffffffff) * (REAL)0x1p-32;
  if (i > p->first >> 32 && i + 2 < p->last >> 32) {
    const float *x = p->frames + i;
    return FN(kr_cross_cubic)((REAL)x[-1], (REAL)x[0], (REAL)x[1], (REAL)x[2], a);
  }
  if (a == 0) return FN(part_of)(p, i, loop);
  return FN(kr_cross_cubic)(FN(part_of)(p, i - 1, loop), FN(part_of)(p, i, loop),
                            FN(part_of)(p, i + 1, loop), FN(part_of)(p, i + 2, loop), a);
}

KR_INLINE bool FN(is_over)(const FN(Player) * p, int64_t at) {
  return at < p->first - frame || at >= p->last;
}
static REAL FN(value)(const FN(Player) * p, bool loop) {
  int64_t at = p->base + p->position;
  if (!p->begun || (!loop && FN(is_over)(p, at))) return 0;
  if (!loop || p->fade == 0) return FN(part_at)(p, at, loop);
  REAL x = FN(file_at)(p, at);
  int64_t since = at - (p->last - p->fade);
  if (since <= 0) return x;
  REAL w = (REAL)since / (REAL)p->fade;
  REAL other = FN(file_at)(p, at - (p->last - p->first - p->fade));
  return x + w * w * (3 - 2 * w) * (other - x);
}

// Past either end the position stays where it left, so it never wraps.
static int64_t FN(moved)(const FN(Player) * p, int64_t step, bool loop) {
  int64_t at = p->base + p->position, next = at + step, length = p->last - p->first - p->fade;
  int64_t low = p->first + p->fade;
  if (!loop) return at >= p->last + 2 * frame || at < p->first - 2 * frame ? at : next;
  if (next >= p->last) return low + (next - p->last) % length;
  if (step < 0 && next < low) return p->last - 1 - (low - 1 - next) % length;
  return next;
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
  return (int64_t)((x < 1 ? x : 1) * (double)p->n) * frame;
}
// Onset at tick t: which part, from which end.
static void FN(begin_at)(FN(Player) * p, uint32_t t, int64_t step, bool loop) {
  const double *rate = p->call->field[FIELD_RATE];
  p->first = FN(place)(p, IN_BEGIN, t);
  p->last = FN(place)(p, IN_FINISH, t);
  if (p->first > (p->n - 1) * frame) p->first = (p->n - 1) * frame;
  if (p->last < p->first + frame) p->last = p->first + frame;
  double fade = (double)FN(input)(p, IN_FADE, t) * rate[p->lane];
  double most = (double)((p->last - p->first) >> 33);
  fade = fade > 0 ? fade : 0;
  p->fade = (int64_t)(fade < most ? fade : most) * frame;
  p->base = step >= 0 ? p->first : p->last - frame - (loop ? p->fade : 0);
  p->position = 0;
  p->begun = true;
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
  return true;
}

// Nothing starts, nothing moves but the position.
static bool FN(is_steady)(const FN(Player) * p) {
  const uint8_t *onset = p->call->in[IN_ONSET];
  const size_t *s = p->strides;
  if (!p->begun || s[IN_GATE] + s[IN_SPEED] + s[IN_LOOP] + s[IN_ROOT] + s[IN_FREQ] != 0)
    return false;
  if ((FN(input)(p, IN_GATE, 0) > 0) != p->high) return false;
  for (uint32_t t = 0; onset != NULL && t < p->call->n; t++)
    if (onset[t * s[IN_ONSET] + p->lane] != 0) return false;
  return true;
}
// … and all ticks lie well within the part: they are played here.
static bool FN(play_within)(FN(Player) * p, REAL *out) {
  if (!FN(is_steady)(p)) return false;
  int64_t step = FN(step_at)(p, 0), at = p->base + p->position, end = at + step * p->call->n;
  int64_t low = at < end ? at : end, high = at < end ? end : at;
  if (low < p->first + p->fade + frame || high >= p->last - p->fade - 3 * frame) return false;
  for (uint32_t t = 0; t < p->call->n; t++, at += step) {
    const float *x = p->frames + (at >> 32);
    REAL a = (REAL)(at & 0xffffffff) * (REAL)0x1p-32;
    out[t * p->call->lanes] =
        FN(kr_cross_cubic)((REAL)x[-1], (REAL)x[0], (REAL)x[1], (REAL)x[2], a);
  }
  p->position = end - p->base;
  return true;
}

// All ticks of one lane; the first of them from which it is silent, n when none is.
static uint32_t FN(play)(FN(Player) * p, REAL *out) {
  const uint8_t *loops = p->call->in[IN_LOOP];
  const uint32_t lanes = p->call->lanes;
  uint32_t silent = 0;
  if (FN(play_within)(p, out)) return p->call->n;
  for (uint32_t t = 0; t < p->call->n; t++) {
    bool loop = loops[t * p->strides[IN_LOOP] + p->lane] != 0;
    int64_t step = FN(step_at)(p, t);
    REAL residual;
    if (FN(starts)(p, t, &residual)) {
      REAL old = residual > 0 ? FN(value)(p, loop) : 0;
      FN(begin_at)(p, t, step, loop);
      REAL x = FN(value)(p, loop);
      out[t * lanes] = residual > 0 ? x + residual * (old - x) : x;
      step -= RF(to_i64)((REAL)step * residual);
    } else {
      out[t * lanes] = FN(value)(p, loop);
    }
    if (!p->begun || loop || !FN(is_over)(p, p->base + p->position)) silent = t + 1;
    if (p->begun) p->position = FN(moved)(p, step, loop) - p->base;
  }
  return silent;
}

static void FN(tell_end)(const FN(Player) * p, uint32_t silent) {
  if (p->call->voice == NULL) return;
  p->call->voice->end[p->lane] = silent < p->call->n ? p->call->tick + silent : INT64_MAX;
}

#define OWN(type, index) ((type *)call->field[index])[l]
static void FN(sample)(const KrCall *call) {
  FN(Player) p = {.call = call};
  for (uint32_t i = 0; i < N_IN; i++) p.strides[i] = kr_call_stride(call, i);
  for (uint32_t l = 0; l < call->lanes; l++) {
    const int64_t *frames = call->field[FIELD_FRAMES];
    p.lane = l;
    p.frames = kr_frames_at(frames + l);
    p.n = frames[call->lanes + l];
    p.position = OWN(int64_t, FIELD_POSITION);
    p.base = OWN(int64_t, FIELD_BASE);
    p.first = OWN(int64_t, FIELD_FIRST);
    p.last = OWN(int64_t, FIELD_LAST);
    p.fade = OWN(int64_t, FIELD_FADE);
    p.high = OWN(uint8_t, FIELD_HIGH);
    p.begun = OWN(uint8_t, FIELD_BEGUN);
    FN(tell_end)(&p, FN(play)(&p, (REAL *)call->out[0] + l));
    OWN(int64_t, FIELD_POSITION) = p.position;
    OWN(int64_t, FIELD_BASE) = p.base;
    OWN(int64_t, FIELD_FIRST) = p.first;
    OWN(int64_t, FIELD_LAST) = p.last;
    OWN(int64_t, FIELD_FADE) = p.fade;
    OWN(uint8_t, FIELD_HIGH) = p.high;
    OWN(uint8_t, FIELD_BEGUN) = p.begun;
  }
}
#undef OWN
#endif

// Delay lines: a ring whose entry of tick k is at k mod size. A constant time is the size of its
// ring: every entry is read where it is then overwritten. When the time is a signal the ring is
// read between two entries.
#ifndef KR_PASS
#include "ops/kernel.h"

enum { FIELD_LINE, FIELD_SHAPE, FIELD_RATE };
// Entries of the ring; ticks of a constant time, -1 of a signal; 2^32 / entries.
enum { SHAPE_SIZE, SHAPE_TICKS, SHAPE_INVERSE, N_SHAPE };
enum { PORT_TIME = 1, MAX_TICKS = 1 << 28 };
typedef enum Kind { KIND_DELAY, KIND_COMB, KIND_ALLPASS } Kind;
// Bits of KrCall.held: feedback and mix, and x when `x` is 1.
#define HELD(kind, x) ((uint64_t)((kind) == KIND_DELAY ? 0xC : 4) | (x))

#define KR_SELF "ops/delays.c"
#include "ops/passes.h"

#ifdef KR_ROWS
// Ticks of a constant time; of a signal the greatest. -1: out of range.
static int64_t longest(const KrPrep *prep) {
  const KrPortValue *time = &prep->port[PORT_TIME];
  if (time->kind != KR_VALUE_CONST) time = &prep->port[kr_op_ports(prep->op) - 1];
  int64_t ticks;
  return kr_prep_ticks(prep, time, &ticks) && ticks <= MAX_TICKS ? ticks : -1;
}

static bool is_fixed(const KrPrep *prep) { return prep->port[PORT_TIME].kind == KR_VALUE_CONST; }

// For a signal one entry more than the longest delay, another for the neighbour of a fraction.
static uint64_t count_line(const KrPrep *prep, uint32_t field) {
  (void)field;
  int64_t ticks = longest(prep);
  if (ticks < 1) return 2;
  return (uint64_t)ticks + (is_fixed(prep) ? 0 : 2);
}

static KrStatus prepare_delay(const KrPrep *prep, const char **message) {
  int64_t ticks = longest(prep);
  if (ticks < 0) {
    *message = "the time must be 0 or more and at most 2^28 ticks";
    return KR_ERROR_ARGUMENT;
  }
  bool fixed = is_fixed(prep);
  bool loops = kr_text_is(kr_text_from(prep->op->name), "delay") == false;
  if (fixed && loops && ticks == 0) {
    *message = "the time of a loop must be at least one tick";
    return KR_ERROR_ARGUMENT;
  }
  const int64_t size = (int64_t)count_line(prep, FIELD_LINE);
  int64_t *shape = FIELD_AT(prep, FIELD_SHAPE, int64_t);
  shape[SHAPE_SIZE * prep->lanes] = size;
  shape[SHAPE_TICKS * prep->lanes] = fixed ? ticks : -1;
  shape[SHAPE_INVERSE * prep->lanes] = (INT64_C(1) << 32) / size;
  FIELD_AT(prep, FIELD_RATE, double)[0] = (double)prep->dt.den / (double)prep->dt.num;
  return KR_OK;
}

#define X INPUT("input")
#define TIME                                                                                       \
  SIGNAL("time", "s", NULL, "0..max",                                                              \
         "constant: rounded to whole ticks; a signal: between ticks, at least one")
#define MAX SETTING("max", "s", "1s", "up to 2^28 ticks", "longest time when it is a signal")
#define FIELDS                                                                                     \
  .field = {RING("line", CALL, 0), COEF("shape", I64, N_SHAPE), COEF("rate", F64, 1)},             \
  .count = count_line, .prepare = prepare_delay
#define FAMILY .family = "time", .flags = KR_OP_ALONE | KR_OP_ADDS, FIELDS
static const KrOp OPS[] = {
    {.name = "delay",
     FAMILY,
     .run = RUN_REAL(delay),
     .in = {X, TIME, SIGNAL("feedback", "", "0", "-1..1", "part of the delayed signal fed back"),
            SIGNAL("mix", "", "1", "0..1", "0: input alone, 1: delayed alone"), MAX},
     .doc = "x later by time, zeros before; with constant time 0 it is x, without feedback"},
    {.name = "comb",
     FAMILY,
     .run = RUN_REAL(comb),
     .in = {X, TIME, SIGNAL("feedback", "", "0.5", "-1..1", "gain of the loop"), MAX},
     .doc = "Feedback comb filter: y = x + feedback y(time ago)"},
    {.name = "allpass",
     FAMILY,
     .run = RUN_REAL(allpass),
     .in = {X, TIME, SIGNAL("feedback", "", "0.5", "-1..1", "gain of both paths"), MAX},
     .doc = "Schroeder all-pass: w = x + feedback w(time ago), y = w(time ago) - feedback w"},
};
KR_FAMILY_DEFINE(delays, "time");
#endif
KR_KERNELS(delays, KR_REALS(delay), KR_REALS(comb), KR_REALS(allpass));

#else
#include "ops/pass.h"

// From -1 to 1, so that no loop grows; -1 when it is no number.
KR_INLINE V WN(loop_gain)(V feedback) {
  return VF(lesser)(VF(greater)(feedback, VF(all)(-1)), VF(all)(1));
}
// What a tick leaves in the line (before it is flushed) and puts out.
KR_INLINE V WN(inner_value)(V x, V wet, V feedback) { return x + feedback * wet; }
KR_INLINE V WN(out_value)(const Kind kind, V x, V wet, V feedback, V mix, V inner) {
  switch (kind) {
  case KIND_COMB: return inner;
  case KIND_ALLPASS: return wet - feedback * inner;
  default: return VF(select)(VF(eq)(mix, VF(all)(1)), wet, x * (1 - mix) + wet * mix);
  }
}

// One vector of ticks: the output, and what stays in the line.
KR_INLINE V WN(delay_put)(const Kind kind, const bool alone, V x, V wet, V feedback, V mix,
                          REAL *line) {
  V inner = WN(inner_value)(x, wet, feedback);
  VF(store)(line, WN(keep)(inner));
  return alone ? wet : WN(out_value)(kind, x, wet, feedback, mix, inner);
}

#if !KR_WIDE
// Line of one lane at tick `tick`, `ticks` back. Entries before tick 0 are still zero.
static inline REAL FN(line_at)(const REAL *line, size_t stride, int64_t size, int64_t index) {
  index = index < 0 ? index + size : index;
  return line[(size_t)index * stride];
}

static inline REAL FN(line_between)(const REAL *line, size_t stride, int64_t size, int64_t now,
                                    double back) {
  double most = (double)(size - 2);
  back = back > 1 ? back : 1;
  back = back < most ? back : most;
  int64_t whole = (int64_t)back;
  REAL part = (REAL)(back - (double)whole);
  REAL newer = FN(line_at)(line, stride, size, now - whole);
  REAL older = FN(line_at)(line, stride, size, now - whole - 1);
  return newer + part * (older - newer);
}

KR_INLINE void FN(delay_run)(const KrCall *call, const uint32_t lanes, const Kind kind) {
  size_t strides[4];
  FN(strides)(call, lanes, kind == KIND_DELAY ? 4 : 3, strides);
  REAL *line = call->field[FIELD_LINE], *restrict out = call->out[0];
  const int64_t *sizes = call->field[FIELD_SHAPE], *ticks = sizes + SHAPE_TICKS * lanes;
  const double *rate = call->field[FIELD_RATE];
  for (uint32_t l = 0; l < lanes; l++) {
    int64_t size = sizes[l], now = call->tick % size;
    REAL *own = line + l;
    for (uint32_t t = 0; t < call->n; t++) {
      REAL x = KR_AT(0), feedback = WN(loop_gain)(KR_AT(2)), wet;
      if (ticks[l] > 0)
        wet = FN(line_at)(own, lanes, size, now - ticks[l]);
      else if (ticks[l] == 0)
        wet = x, feedback = 0;
      else
        wet = FN(line_between)(own, lanes, size, now, (double)KR_AT(1) * rate[l]);
      REAL inner = WN(inner_value)(x, wet, feedback);
      own[(size_t)now * lanes] = FN(keep)(inner);
      REAL mix = kind == KIND_DELAY ? KR_AT(3) : 0;
      out[t * lanes + l] = WN(out_value)(kind, x, wet, feedback, mix, inner);
      now = now + 1 == size ? 0 : now + 1;
    }
  }
}
#else

// Inputs of n ticks, one behind the other; of `still` ones feedback and mix are held.
typedef struct FN(Taps) {
  const REAL *x, *feedback, *mix;
} FN(Taps);
// n entries of a line. The last vector overlaps the one before when it must: it is read first and
// overwrites what that wrote by the same.
KR_INLINE void WN(delay_piece)(const Kind kind, const bool still, FN(Taps) in, const size_t n,
                               REAL *restrict line, REAL *restrict out) {
  const V feedback = WN(loop_gain)(VF(all)(in.feedback[0])), mix = VF(all)(in.mix[0]);
  const size_t last = n >= VN ? n - VN : 0;
  const V last_wet = n >= VN ? VF(load)(line + last) : feedback;
  for (size_t k = 0, next; k + VN <= n; k = next) {
    next = k < last && k + VN > last ? last : k + VN;
    V y = WN(delay_put)(kind, false, VF(load)(in.x + k), k == last ? last_wet : VF(load)(line + k),
                        still ? feedback : WN(loop_gain)(VF(load)(in.feedback + k)),
                        still ? mix : VF(load)(in.mix + k), line + k);
    VF(store)(out + k, y);
  }
  for (size_t k = 0; n < VN && k < n; k++)
    out[k] = FN(delay_put_one)(kind, false, in.x[k], line[k],
                               FN(loop_gain_one)(in.feedback[still ? 0 : k]), in.mix[still ? 0 : k],
                               line + k);
}

// call->tick mod the size; for 32 bits by the inverse, which is at most one too little.
KR_INLINE size_t FN(place_of)(const KrCall *call, const int64_t *shape) {
  const uint64_t tick = (uint64_t)call->tick, size = (uint64_t)shape[SHAPE_SIZE];
  if (tick > UINT32_MAX) return (size_t)(tick % size);
  const uint64_t rest = tick - (tick * (uint64_t)shape[SHAPE_INVERSE] >> 32) * size;
  return (size_t)(rest < size ? rest : rest - size);
}

// Ticks to the ring's end and then from its beginning.
KR_INLINE void WN(delay_pieces)(const KrCall *call, const Kind kind, const bool still,
                                FN(Taps) in) {
  const int64_t *shape = call->field[FIELD_SHAPE];
  const size_t size = (size_t)shape[SHAPE_SIZE];
  REAL *line = call->field[FIELD_LINE], *out = call->out[0];
  size_t at = FN(place_of)(call, shape);
  for (size_t left = call->n, n; left > 0; left -= n, at = 0) {
    n = size - at < left ? size - at : left;
    WN(delay_piece)(kind, still, in, n, line + at, out);
    in.x += n;
    out += n;
    if (!still) in.feedback += n, in.mix += n;
  }
}

// One lane, a constant time above 0: vectors along the ticks.
KR_INLINE void WN(delay_along)(const KrCall *call, const Kind kind) {
  const uint32_t mix = kind == KIND_DELAY ? 3 : 2;
  FN(Taps) in = {call->in[0], call->in[2], call->in[mix]};
  if ((call->held & HELD(kind, 1)) == HELD(kind, 0)) {
    WN(delay_pieces)(call, kind, true, in);
    return;
  }
  REAL row[3][KR_TILE];
  in = (FN(Taps)){FN(dense)(call, 0, row[0]), FN(dense)(call, 2, row[1]),
                  FN(dense)(call, mix, row[2])};
  WN(delay_pieces)(call, kind, false, in);
}

// The usual calls apart: a whole tile before the ring's end, settings held, the delayed signal
// alone.
typedef struct FN(Line) {
  REAL *line, feedback;
} FN(Line);
KR_INLINE bool FN(find_line)(const KrCall *call, const KrCall *head, const Kind kind,
                             FN(Line) * at) {
  const int64_t *shape = call->field[FIELD_SHAPE];
  const REAL *feedback = call->in[2], *mix = kind == KIND_DELAY ? call->in[3] : feedback;
  if (head->n != KR_TILE || call->lanes != 1 || shape[SHAPE_TICKS] < KR_TILE ||
      (call->held & HELD(kind, 1)) != HELD(kind, 0) || (kind == KIND_DELAY && mix[0] != 1))
    return false;
  const size_t place = FN(place_of)(head, shape);
  *at = (FN(Line)){(REAL *)call->field[FIELD_LINE] + place, feedback[0]};
  return (size_t)shape[SHAPE_SIZE] - place >= KR_TILE;
}
KR_INLINE void WN(delay_tile)(const Kind kind, const REAL *x, const FN(Line) * at,
                              const uint32_t n_lines, const bool adds, REAL *out) {
  enum { MOST = 4 };
  V feedback[MOST];
  for (uint32_t j = 0; j < n_lines; j++) feedback[j] = WN(loop_gain)(VF(all)(at[j].feedback));
  for (size_t k = 0; k < KR_TILE; k += VN) {
    const V in = VF(load)(x + k);
    V sum = adds ? VF(load)(out + k) : in;
    for (uint32_t j = 0; j < n_lines; j++) {
      V y = WN(delay_put)(kind, kind == KIND_DELAY, in, VF(load)(at[j].line + k), feedback[j],
                          feedback[j], at[j].line + k);
      sum = adds || j > 0 ? sum + y : y;
    }
    VF(store)(out + k, sum);
  }
}
KR_INLINE void WN(delay_lines)(const Kind kind, const KrCall *head, const FN(Line) * at,
                               const uint32_t n_lines, bool adds) {
  if (adds)
    WN(delay_tile)(kind, head->in[0], at, n_lines, true, head->out[0]);
  else
    WN(delay_tile)(kind, head->in[0], at, n_lines, false, head->out[0]);
}

static void FN(run_other)(const KrCall *call, const KrCall *head, bool adds, KrKernel *run) {
  REAL row[KR_TILE_SIZE], *out = head->out[0];
  void *outs[1] = {adds ? row : out};
  KrCall own = *call;
  own.n = head->n;
  own.tick = head->tick;
  own.out = outs;
  run(&own);
  for (uint32_t i = 0; adds && i < own.n * own.lanes; i++) out[i] += row[i];
}
// The call and those that go with it, four at once where they are usual ones.
KR_INLINE void WN(delay_calls)(const KrCall *head, const Kind kind, KrKernel *other) {
  bool adds = head->adds != 0;
  for (const KrCall *call = head; call != NULL; adds = true) {
    FN(Line) at[4];
    const KrCall *next = call;
    uint32_t n = 0;
    for (; n < 4 && next != NULL && FN(find_line)(next, head, kind, &at[n]); n++) next = next->also;
    if (n == 4) {
      WN(delay_lines)(kind, head, at, 4, adds);
      call = next;
      continue;
    }
    if (n > 0)
      WN(delay_lines)(kind, head, at, 1, adds);
    else
      FN(run_other)(call, head, adds, other);
    call = call->also;
  }
}
#define DELAY_KERNEL(name, kind)                                                                   \
  static __attribute__((noinline)) void FN(name##_any)(const KrCall *call) {                       \
    const int64_t *shape = call->field[FIELD_SHAPE];                                               \
    if (call->lanes == KR_LANES)                                                                   \
      FN(delay_run)(call, KR_LANES, kind);                                                         \
    else if (shape[SHAPE_TICKS] > 0)                                                               \
      WN(delay_along)(call, kind);                                                                 \
    else                                                                                           \
      FN(delay_run)(call, 1, kind);                                                                \
  }                                                                                                \
  static void FN(name)(const KrCall *call) { WN(delay_calls)(call, kind, FN(name##_any)); }
DELAY_KERNEL(delay, KIND_DELAY)
DELAY_KERNEL(comb, KIND_COMB)
DELAY_KERNEL(allpass, KIND_ALLPASS)
#undef DELAY_KERNEL
#endif
#endif

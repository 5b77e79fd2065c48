// Delay lines: a ring whose entry of tick k is at k mod size, read a whole number of ticks back
// when the time is constant, between two entries when it is a signal.
#ifndef KR_PASS
#include "ops/kernel.h"

enum { FIELD_LINE, FIELD_SIZE, FIELD_TICKS, FIELD_RATE };
enum { PORT_TIME = 1, MAX_TICKS = 1 << 28 };
typedef enum Kind { KIND_DELAY, KIND_COMB, KIND_ALLPASS } Kind;

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

// One entry more than the longest delay, another for the neighbour of a fraction.
static uint64_t count_line(const KrPrep *prep, uint32_t field) {
  (void)field;
  int64_t ticks = longest(prep);
  return ticks < 0 ? 2 : (uint64_t)ticks + 2;
}

static KrStatus prepare_delay(const KrPrep *prep, const char **message) {
  int64_t ticks = longest(prep);
  if (ticks < 0) {
    *message = "the time must be 0 or more and at most 2^28 ticks";
    return KR_ERROR_ARGUMENT;
  }
  bool fixed = prep->port[PORT_TIME].kind == KR_VALUE_CONST;
  bool loops = kr_text_is(kr_text_from(prep->op->name), "delay") == false;
  if (fixed && loops && ticks == 0) {
    *message = "the time of a loop must be at least one tick";
    return KR_ERROR_ARGUMENT;
  }
  FIELD_AT(prep, FIELD_SIZE, int64_t)[0] = ticks + 2;
  FIELD_AT(prep, FIELD_TICKS, int64_t)[0] = fixed ? ticks : -1;
  FIELD_AT(prep, FIELD_RATE, double)[0] = (double)prep->dt.den / (double)prep->dt.num;
  return KR_OK;
}

#define X SIGNAL("x", NULL, NULL, NULL, "input")
#define TIME                                                                                       \
  SIGNAL("time", "s", NULL, "0..max",                                                              \
         "constant: rounded to whole ticks; a signal: between ticks, at least one")
#define MAX SETTING("max", "s", "1s", "up to 2^28 ticks", "longest time when it is a signal")
#define FIELDS                                                                                     \
  .field = {RING("line", CALL, 0), COEF("size", I64, 1), COEF("ticks", I64, 1),                    \
            COEF("rate", F64, 1)},                                                                 \
  .count = count_line, .prepare = prepare_delay
#define FAMILY .family = "time", .flags = KR_OP_ALONE, FIELDS
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

// What a tick leaves in the line (before it is flushed) and puts out.
KR_INLINE V WN(inner_value)(V x, V wet, V feedback) { return x + feedback * wet; }
KR_INLINE V WN(out_value)(const Kind kind, V x, V wet, V feedback, V mix, V inner) {
  switch (kind) {
  case KIND_COMB: return inner;
  case KIND_ALLPASS: return wet - feedback * inner;
  default: return x * (1 - mix) + wet * mix;
  }
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
  const int64_t *sizes = call->field[FIELD_SIZE], *ticks = call->field[FIELD_TICKS];
  const double *rate = call->field[FIELD_RATE];
  for (uint32_t l = 0; l < lanes; l++) {
    int64_t size = sizes[l], now = call->tick % size;
    REAL *own = line + l;
    for (uint32_t t = 0; t < call->n; t++) {
      REAL x = KR_AT(0), feedback = KR_AT(2), wet;
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

// Ticks t..t + n of one lane whose line is read at `from` and written at `to`, neither passing its
// end. An entry is written after its last reading: from is n or more below to, or above it. What is
// held is read once: `still` says that feedback and mix are.
KR_INLINE void WN(delay_piece)(const KrCall *call, const size_t *strides, const Kind kind,
                               const bool still, uint32_t t, uint32_t n, const REAL *from,
                               REAL *to) {
  REAL *out = (REAL *)call->out[0] + t;
  const REAL *at[4];
  V held[4];
  for (uint32_t i = 0; i < (kind == KIND_DELAY ? 4 : 3); i++) {
    at[i] = (const REAL *)call->in[i] + t * strides[i];
    held[i] = VF(all)(at[i][0]);
  }
#define PIECE_AT(i) (strides[i] != 0 ? VF(load)(at[i] + k) : held[i])
  uint32_t k = 0;
  for (; k + VN <= n; k += VN) {
    V x = PIECE_AT(0), feedback = still ? held[2] : PIECE_AT(2), wet = VF(load)(from + k);
    V inner = WN(inner_value)(x, wet, feedback);
    V mix = VF(all)(0);
    if (kind == KIND_DELAY) mix = still ? held[3] : PIECE_AT(3);
    VF(store)(to + k, WN(keep)(inner));
    VF(store)(out + k, WN(out_value)(kind, x, wet, feedback, mix, inner));
  }
#undef PIECE_AT
  const uint32_t l = 0;
  for (t += k; k < n; k++, t++) {
    REAL x = KR_AT(0), feedback = KR_AT(2), wet = from[k];
    REAL inner = FN(inner_value_one)(x, wet, feedback);
    to[k] = FN(keep)(inner);
    REAL mix = kind == KIND_DELAY ? KR_AT(3) : 0;
    out[k] = FN(out_value_one)(kind, x, wet, feedback, mix, inner);
  }
}

// One lane, a constant time of `ticks` > 0: vectors along the ticks.
KR_INLINE void WN(delay_along)(const KrCall *call, const Kind kind, int64_t ticks) {
  size_t strides[4];
  FN(strides)(call, 1, kind == KIND_DELAY ? 4 : 3, strides);
  REAL *line = call->field[FIELD_LINE];
  bool still = strides[2] == 0 && (kind != KIND_DELAY || strides[3] == 0);
  int64_t size = *(const int64_t *)call->field[FIELD_SIZE];
  int64_t to = call->tick % size, from = to < ticks ? to - ticks + size : to - ticks;
  for (uint32_t t = 0; t < call->n;) {
    int64_t n = call->n - t, left = size - (to > from ? to : from);
    n = n < left ? n : left;
    n = n < ticks ? n : ticks;
    if (still)
      WN(delay_piece)(call, strides, kind, true, t, (uint32_t)n, line + from, line + to);
    else
      WN(delay_piece)(call, strides, kind, false, t, (uint32_t)n, line + from, line + to);
    t += (uint32_t)n;
    to = to + n == size ? 0 : to + n;
    from = from + n == size ? 0 : from + n;
  }
}
#define DELAY_KERNEL(name, kind)                                                                   \
  static void FN(name)(const KrCall *call) {                                                       \
    int64_t ticks = *(const int64_t *)call->field[FIELD_TICKS];                                    \
    if (call->lanes == 1 && ticks > 0)                                                             \
      WN(delay_along)(call, kind, ticks);                                                          \
    else if (call->lanes == 1)                                                                     \
      FN(delay_run)(call, 1, kind);                                                                \
    else                                                                                           \
      FN(delay_run)(call, KR_LANES, kind);                                                         \
  }
DELAY_KERNEL(delay, KIND_DELAY)
DELAY_KERNEL(comb, KIND_COMB)
DELAY_KERNEL(allpass, KIND_ALLPASS)
#undef DELAY_KERNEL
#endif
#endif

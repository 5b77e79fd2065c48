// Delay lines: a ring whose entry of tick k is at k mod size, read a whole number of ticks back
// when the time is constant, between two entries when it is a signal.
#ifndef KR_PASS
#include "ops/kernel.h"

enum { FIELD_LINE, FIELD_SIZE, FIELD_TICKS, FIELD_RATE };
enum { PORT_TIME = 1, MAX_TICKS = 1 << 28 };
typedef enum Kind { KIND_DELAY, KIND_COMB, KIND_ALLPASS } Kind;

#define KR_PASS 32
#include "ops/delays.c"
#undef KR_PASS
#define KR_PASS 64
#include "ops/delays.c"
#undef KR_PASS

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
      REAL inner = x + feedback * wet;
      own[(size_t)now * lanes] = FN(keep)(inner);
      REAL value = kind == KIND_COMB ? inner : wet - feedback * inner;
      if (kind == KIND_DELAY) value = x * (1 - KR_AT(3)) + wet * KR_AT(3);
      out[t * lanes + l] = value;
      now = now + 1 == size ? 0 : now + 1;
    }
  }
}
#define DELAY_KERNEL(name, kind)                                                                   \
  KR_INLINE void FN(name##_lanes)(const KrCall *call, const uint32_t lanes) {                      \
    FN(delay_run)(call, lanes, kind);                                                              \
  }                                                                                                \
  KR_BY_LANES(FN(name), FN(name##_lanes))
DELAY_KERNEL(delay, KIND_DELAY)
DELAY_KERNEL(comb, KIND_COMB)
DELAY_KERNEL(allpass, KIND_ALLPASS)
#undef DELAY_KERNEL
#endif

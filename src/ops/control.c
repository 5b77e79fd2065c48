// Slow signals: lines over time, smoothing, counting, sampling.
#ifndef KR_PASS
#include "ops/kernel.h"

enum { LINE_POINTS, LINE_COUNT };
enum { RAMP_TICKS };
enum { SMOOTH_VALUE, SMOOTH_STARTED, SMOOTH_DT };
enum { TRIGGER_HIGH, TRIGGER_VALUE };

#define KR_PASS 32
#include "ops/control.c"
#undef KR_PASS
#define KR_PASS 64
#include "ops/control.c"
#undef KR_PASS

#ifdef KR_ROWS
// Points as (position in ticks, value), in f64.
static uint64_t count_points(const KrPrep *prep, uint32_t field) {
  (void)field;
  uint64_t n = prep->port[0].n_points;
  return n == 0 ? 2 : 2 * n;
}

static KrStatus prepare_linseg(const KrPrep *prep, const char **message) {
  const KrPortValue *list = &prep->port[0];
  if (list->n_points == 0 || list->n_columns != 2) {
    *message = "linseg wants a list of (time, value), not empty";
    return KR_ERROR_ARGUMENT;
  }
  double *points = FIELD_AT(prep, LINE_POINTS, double), before = 0;
  double rate = (double)prep->dt.den / (double)prep->dt.num;
  for (uint32_t i = 0; i < list->n_points; i++) {
    double time = list->points[2 * i];
    if (!(time >= before && time <= 1e12)) {
      *message = "times of linseg must not be negative or go back";
      return KR_ERROR_ARGUMENT;
    }
    points[(size_t)2 * i * prep->lanes] = time * rate;
    points[((size_t)2 * i + 1) * prep->lanes] = list->points[2 * i + 1];
    before = time;
  }
  FIELD_AT(prep, LINE_COUNT, uint32_t)[0] = list->n_points;
  return KR_OK;
}

static KrStatus prepare_ramp(const KrPrep *prep, const char **message) {
  double time = prep->port[2].value;
  if (!(time >= 0 && time <= 1e12)) {
    *message = "the time of a ramp must not be negative";
    return KR_ERROR_ARGUMENT;
  }
  FIELD_AT(prep, RAMP_TICKS, double)[0] = time * ((double)prep->dt.den / (double)prep->dt.num);
  return KR_OK;
}

static KrStatus prepare_smooth(const KrPrep *prep, const char **message) {
  (void)message;
  kr_prep_put_ratio(prep, SMOOTH_DT, prep->dt, 0);
  return KR_OK;
}

static KrStatus type_of_counter(const KrPrep *prep, KrType *type, const char **message) {
  (void)prep, (void)message;
  *type = KR_TYPE_SCALAR(KR_ELEM_I64);
  return KR_OK;
}

#define SMOOTH_FIELDS                                                                              \
  .field = {STATE("value", CALL, 1), STATE("started", BOOL, 1), COEF("dt", CALL, 1)},              \
  .prepare = prepare_smooth
#define X INPUT("input")
#define TRIG SIGNAL("trig", "", NULL, NULL, "acts in the tick in which it rises above 0")
#define FAMILY .family = "control"
static const KrOp OPS[] = {
    {.name = "linseg",
     FAMILY,
     .run = RUN_REAL(linseg),
     .in = {{"points", KR_PORT_POINTS, NULL, NULL, NULL, NULL,
             "[(time, value), ...] from the start"}},
     .field = {COEF("points", F64, 0), COEF("count", U32, 1)},
     .count = count_points,
     .prepare = prepare_linseg,
     .doc = "Straight lines through points in time; the first value before, the last after them"},
    {.name = "ramp",
     FAMILY,
     .run = RUN_REAL(ramp),
     .in = {SIGNAL("from", NULL, "0", NULL, "value at the start"),
            SIGNAL("to", NULL, "1", NULL, "value at the end and after it"),
            SETTING("time", "s", "1s", "0..", "length from the start of the flow")},
     .field = {COEF("ticks", F64, 1)},
     .prepare = prepare_ramp,
     .doc = "One straight line from the start of the flow"},
    {.name = "smooth",
     FAMILY,
     .run = RUN_REAL(smooth),
     SMOOTH_FIELDS,
     .in = {X, SIGNAL("time", "s", "20ms", "0..", "time constant: 63 % of a step")},
     .doc = "Exponential smoothing, starting at the first input"},
    {.name = "lag",
     FAMILY,
     .run = RUN_REAL(lag),
     SMOOTH_FIELDS,
     .in = {X, SIGNAL("time", "s", "100ms", "0..", "time to within 0.1 % (60 dB) of a step")},
     .doc = "Exponential smoothing by its 60 dB time, starting at the first input"},
    {.name = "slew",
     FAMILY,
     .run = RUN_REAL(slew),
     SMOOTH_FIELDS,
     .in = {X, SIGNAL("up", NULL, NULL, "0..", "greatest rise per second"),
            SIGNAL("down", NULL, NULL, "0..", "greatest fall per second")},
     .doc = "Follows the input with limited slope, starting at the first input"},
    {.name = "trigger",
     FAMILY,
     .run = RUN_REAL(trigger),
     .in = {X},
     .field = {STATE("high", BOOL, 1)},
     .doc = "1 in the tick in which x rises above 0, else 0"},
    {.name = "counter",
     FAMILY,
     .run = RUN_REAL(counter),
     .in = {TRIG},
     .field = {STATE("high", BOOL, 1), STATE("value", I64, 1)},
     .type = type_of_counter,
     .doc = "How often trig has risen so far, this tick included; an i64"},
    {.name = "sample_and_hold",
     FAMILY,
     .run = RUN_REAL(sample_and_hold),
     .in = {X, TRIG},
     .field = {STATE("high", BOOL, 1), STATE("value", CALL, 1)},
     .doc = "x of the last tick in which trig rose; 0 before"},
};
KR_FAMILY_DEFINE(control, "control");
#endif
KR_KERNELS(control, KR_REALS(linseg), KR_REALS(ramp), KR_REALS(smooth), KR_REALS(lag),
           KR_REALS(slew), KR_REALS(trigger), KR_REALS(counter), KR_REALS(sample_and_hold));

#else
#include "ops/pass.h"

// Ticks since the flow's first one, in a voice since its onset.
KR_INLINE double FN(age_at)(const KrCall *call, uint32_t t, uint32_t l) {
  if (call->voice == NULL) return (double)(call->tick + t);
  double age = (double)(call->tick + t - call->voice->born[l]) - call->voice->late[l];
  return age > 0 ? age : 0;
}

// The line at x ticks through n points `stride` apart.
static REAL FN(line_at)(const double *points, size_t stride, uint32_t n, double x) {
  if (x < points[0]) return (REAL)points[stride];
  uint32_t low = 0, high = n; // the last point not after x
  while (high - low > 1) {
    uint32_t middle = low + (high - low) / 2;
    if (points[2 * middle * stride] <= x)
      low = middle;
    else
      high = middle;
  }
  double x0 = points[2 * low * stride], y0 = points[(2 * low + 1) * stride];
  if (low + 1 == n) return (REAL)y0;
  double x1 = points[2 * high * stride], y1 = points[(2 * high + 1) * stride];
  return (REAL)(y0 + (y1 - y0) * ((x - x0) / (x1 - x0)));
}
static void FN(linseg)(const KrCall *call) {
  const double *points = call->field[LINE_POINTS];
  const uint32_t *count = call->field[LINE_COUNT];
  REAL *restrict out = call->out[0];
  for (uint32_t t = 0; t < call->n; t++)
    for (uint32_t l = 0; l < call->lanes; l++)
      out[t * call->lanes + l] =
          FN(line_at)(points + l, call->lanes, count[l], FN(age_at)(call, t, l));
}

KR_INLINE void FN(ramp_lanes)(const KrCall *call, const uint32_t lanes) {
  size_t strides[2];
  FN(strides)(call, lanes, 2, strides);
  const double *ticks = call->field[RAMP_TICKS];
  REAL *restrict out = call->out[0];
  for (uint32_t t = 0; t < call->n; t++)
    for (uint32_t l = 0; l < lanes; l++) {
      double tick = FN(age_at)(call, t, l);
      REAL from = KR_AT(0), to = KR_AT(1), part = (REAL)(tick / ticks[l]);
      out[t * lanes + l] = tick < ticks[l] ? from + (to - from) * part : to;
    }
}
KR_BY_LANES(FN(ramp), FN(ramp_lanes))

// value += (1 - e^(-speed dt / time)) (x - value); time 0 follows at once.
KR_INLINE void FN(smooth_with)(const KrCall *call, const uint32_t lanes, const REAL speed) {
  size_t strides[2];
  FN(strides)(call, lanes, 2, strides);
  const REAL *dt = call->field[SMOOTH_DT];
  uint8_t *started = call->field[SMOOTH_STARTED];
  REAL *restrict out = call->out[0], value[KR_LANES];
  FN(load)(value, call->field[SMOOTH_VALUE], lanes);
  for (uint32_t t = 0; t < call->n; t++)
    for (uint32_t l = 0; l < lanes; l++) {
      REAL x = KR_AT(0), time = KR_AT(1);
      REAL next = value[l] + FN(approach)(speed * dt[l] / time) * (x - value[l]);
      next = started[l] && time > 0 ? next : x;
      out[t * lanes + l] = next;
      value[l] = FN(keep)(next);
      started[l] = 1;
    }
  FN(store)(value, call->field[SMOOTH_VALUE], lanes);
}
KR_INLINE void FN(smooth_lanes)(const KrCall *call, const uint32_t lanes) {
  FN(smooth_with)(call, lanes, 1);
}
KR_BY_LANES(FN(smooth), FN(smooth_lanes))
// ln 1000
KR_INLINE void FN(lag_lanes)(const KrCall *call, const uint32_t lanes) {
  FN(smooth_with)(call, lanes, (REAL)6.907755278982137);
}
KR_BY_LANES(FN(lag), FN(lag_lanes))

KR_INLINE void FN(slew_lanes)(const KrCall *call, const uint32_t lanes) {
  size_t strides[3];
  FN(strides)(call, lanes, 3, strides);
  const REAL *dt = call->field[SMOOTH_DT];
  uint8_t *started = call->field[SMOOTH_STARTED];
  REAL *restrict out = call->out[0], value[KR_LANES];
  FN(load)(value, call->field[SMOOTH_VALUE], lanes);
  for (uint32_t t = 0; t < call->n; t++)
    for (uint32_t l = 0; l < lanes; l++) {
      REAL up = KR_AT(1) > 0 ? KR_AT(1) : 0, down = KR_AT(2) > 0 ? KR_AT(2) : 0;
      REAL x = KR_AT(0), most = value[l] + up * dt[l], least = value[l] - down * dt[l];
      REAL next = x > most ? most : x < least ? least : x;
      next = started[l] ? next : x;
      out[t * lanes + l] = next;
      value[l] = FN(keep)(next);
      started[l] = 1;
    }
  FN(store)(value, call->field[SMOOTH_VALUE], lanes);
}
KR_BY_LANES(FN(slew), FN(slew_lanes))

// `rise` is true in the tick in which input i rises above 0.
#define TRIGGERED(name, inputs, i, statement)                                                      \
  static void FN(name)(const KrCall *call) {                                                       \
    size_t strides[inputs];                                                                        \
    FN(strides)(call, call->lanes, inputs, strides);                                               \
    uint8_t *was_high = call->field[TRIGGER_HIGH];                                                 \
    for (uint32_t t = 0; t < call->n; t++)                                                         \
      for (uint32_t l = 0; l < call->lanes; l++) {                                                 \
        bool high = KR_AT(i) > 0, rise = high && !was_high[l];                                     \
        was_high[l] = high;                                                                        \
        size_t at = (size_t)t * call->lanes + l;                                                   \
        statement                                                                                  \
      }                                                                                            \
  }
TRIGGERED(trigger, 1, 0, { ((REAL *)call->out[0])[at] = rise ? (REAL)1 : (REAL)0; })
TRIGGERED(counter, 1, 0, {
  int64_t *count = call->field[TRIGGER_VALUE];
  count[l] += rise;
  ((int64_t *)call->out[0])[at] = count[l];
})
TRIGGERED(sample_and_hold, 2, 1, {
  REAL *value = call->field[TRIGGER_VALUE];
  value[l] = rise ? KR_AT(0) : value[l];
  ((REAL *)call->out[0])[at] = value[l];
})
#undef TRIGGERED
#endif

// Envelopes over a gate: where a segment began, from which level, and its value at any age.
// An onset of residual r at tick n: age at tick n + j is max(0, j - r) ticks, and the output of
// tick n is old r + new (1 - r), old being the value without the event. A release crosses over
// likewise.
#ifndef KR_PASS
#include "ops/kernel.h"

enum { FIELD_FROM, FIELD_RESIDUAL, FIELD_AGE, FIELD_STAGE, FIELD_GATE, FIELD_DT, FIELD_CURVE };
enum { STAGE_OFF, STAGE_ON };
typedef enum Kind { KIND_ADSR, KIND_AR, KIND_PERC } Kind;
enum { N_RUN = 16 };
// Inlined into every form of every envelope these would be most of the program.
#define APART static __attribute__((noinline))

#define KR_SELF "ops/envelopes.c"
#include "ops/passes.h"

#ifdef KR_ROWS
static KrStatus prepare_envelope(const KrPrep *prep, const char **message) {
  double curve = prep->port[kr_op_ports(prep->op) - 1].value;
  if (!(curve >= -16 && curve <= 16)) {
    *message = "curve must be -16 to 16";
    return KR_ERROR_ARGUMENT;
  }
  kr_prep_put(prep, FIELD_CURVE, 0, curve);
  kr_prep_put_ratio(prep, FIELD_DT, prep->dt, 0);
  return KR_OK;
}

#define GATE                                                                                       \
  { "gate", KR_PORT_GATE, "", NULL, NULL, NULL, "above 0: held; carries its onsets" }
#define TIME(name, preset, doc) SIGNAL(name, "s", preset, "0..", doc)
#define CURVE                                                                                      \
  SETTING("curve", "", "0", "-16..16",                                                             \
          "0: straight; c: (e^(c x) - 1) / (e^c - 1) of each segment, negative starts fast")
#define FIELDS                                                                                     \
  .field = {STATE("from", CALL, 1),  STATE("residual", CALL, 1), STATE("age", I32, 1),             \
            STATE("stage", BOOL, 1), STATE("gate", BOOL, 1),     COEF("dt", CALL, 1),              \
            COEF("curve", CALL, 1)}
#define FAMILY .family = "envelopes", FIELDS, .prepare = prepare_envelope
static const KrOp OPS[] = {
    {.name = "adsr",
     FAMILY,
     .run = RUN_REAL(adsr),
     .in = {GATE, TIME("attack", "10ms", "from the present level to 1"),
            TIME("decay", "100ms", "from 1 to sustain"),
            SIGNAL("sustain", "", "0.7", "0..1", "level while held"),
            TIME("release", "200ms", "to 0 after the gate"), CURVE},
     .doc = "Attack, decay, sustain, release; restarts from its present level at every onset"},
    {.name = "ar",
     FAMILY,
     .run = RUN_REAL(ar),
     .in = {GATE, TIME("attack", "10ms", "from the present level to 1"),
            TIME("release", "200ms", "to 0 after the gate"), CURVE},
     .doc = "Attack to 1, held while the gate is, then release"},
    {.name = "perc",
     FAMILY,
     .run = RUN_REAL(perc),
     .in = {GATE, TIME("attack", "1ms", "from the present level to 1"),
            TIME("release", "200ms", "to 0 right after it"), CURVE},
     .doc = "Attack to 1 and straight on to 0, however long the gate"},
};
KR_FAMILY_DEFINE(envelopes, "envelopes");
#endif
KR_KERNELS(envelopes, KR_REALS(adsr), KR_REALS(ar), KR_REALS(perc));

#else
#include "ops/pass.h"

// What a lane's segment is made of in one tick, seconds.
typedef struct WN(Times) {
  V attack, decay, sustain, release;
} WN(Times);
// Where the lanes of one vector stand at the first tick of a run: `on` is a mask.
typedef struct WN(Lanes) {
  V from, residual, dt, curve;
  VI on;
#if KR_PASS == 32
  VI age;
#else
  V age; // whole numbers
#endif
} WN(Lanes);

KR_INLINE V WN(age_after)(const WN(Lanes) * lanes, uint32_t n_ticks) {
#if KR_PASS == 32
  return VF(of_int)(lanes->age + (INT)n_ticks);
#else
  return lanes->age + (REAL)n_ticks;
#endif
}
// Seconds since the segment began, n_ticks into the run.
KR_INLINE V WN(seconds)(const WN(Lanes) * lanes, uint32_t n_ticks) {
  V ticks = WN(age_after)(lanes, n_ticks) - lanes->residual;
  return VF(greater)(ticks, VF(all)(0)) * lanes->dt;
}

// Part x (0..1) of a segment, bent.
KR_INLINE V WN(bend)(V x, V curve) {
  V whole = WN(growth)(VF(abs)(curve)), part = WN(growth)(VF(abs)(curve) * x);
  // (e^-z - 1) / (e^-w - 1) = (part / whole) (1 + whole) / (1 + part)
  V up = part / whole, down = up * ((1 + whole) / (1 + part));
  V bent = VF(select)(VF(lt)(VF(all)(0), curve), up, down);
  return VF(select)(VF(eq)(curve, VF(all)(0)), x, bent);
}

// A segment as a + b (age - c) / d. Past the last one b is -0: a and nothing more.
typedef struct WN(Line) {
  V a, b, c, d;
} WN(Line);
KR_INLINE WN(Line) WN(line_at)(const WN(Lanes) * lanes, V age, const WN(Times) * times) {
  V one = VF(all)(1), zero = VF(all)(0), from = lanes->from, attack = times->attack;
  VI rises = lanes->on & VF(lt)(age, attack), later = lanes->on & ~VF(lt)(age, attack);
  VI falls = later & VF(lt)(age - attack, times->decay);
  VI ends = ~lanes->on & VF(lt)(age, times->release);
  WN(Line) line = {VF(where)(later, times->sustain), VF(all)((REAL)-0.0), zero, one};
  line.a = VF(select)(falls, one, VF(select)(rises | ends, from, line.a));
  line.b = VF(select)(falls, times->sustain - 1, line.b);
  line.b = VF(select)(rises, 1 - from, VF(select)(ends, -from, line.b));
  line.c = VF(where)(falls, attack);
  line.d = VF(select)(rises, attack, VF(select)(falls, times->decay, line.d));
  line.d = VF(select)(ends, times->release, line.d);
  return line;
}
KR_INLINE V WN(line_value)(const WN(Line) * line, V age, V curve, const bool bent) {
  V part = (age - line->c) / line->d;
  if (!bent) return line->a + line->b * part;
  VI flat = VF(eq_bits)(VF(bits)(line->b), VF(bits)(VF(all)((REAL)-0.0)));
  return VF(select)(flat, line->a, line->a + line->b * WN(bend)(part, curve));
}
KR_INLINE bool WN(same_line)(const WN(Line) * x, const WN(Line) * y) {
  VI same =
      VF(eq_bits)(VF(bits)(x->a), VF(bits)(y->a)) & VF(eq_bits)(VF(bits)(x->b), VF(bits)(y->b)) &
      VF(eq_bits)(VF(bits)(x->c), VF(bits)(y->c)) & VF(eq_bits)(VF(bits)(x->d), VF(bits)(y->d));
  return !VF(any)(~same);
}
KR_INLINE bool WN(is_flat)(const WN(Line) * line) {
  return !VF(any)(~VF(eq_bits)(VF(bits)(line->b), VF(bits)(VF(all)((REAL)-0.0))));
}

KR_INLINE WN(Times)
    WN(times)(const KrCall *call, const size_t *strides, const Kind kind, uint32_t t, uint32_t v) {
#define TIME_AT(i) VF(load)((const REAL *)call->in[i] + t * strides[i] + v)
  V attack = TIME_AT(4), second = TIME_AT(5);
  switch (kind) {
  case KIND_ADSR: return (WN(Times)){attack, second, TIME_AT(6), TIME_AT(7)};
  case KIND_AR: return (WN(Times)){attack, VF(all)(0), VF(all)(1), second};
  default: return (WN(Times)){attack, second, VF(all)(0), second};
  }
#undef TIME_AT
}

// One call: inputs and fields of all lanes.
typedef struct WN(Envelope) {
  const KrCall *call;
  size_t strides[8];
  REAL *from, *residual;
  int32_t *age;
  uint8_t *stage, *gate;
  const REAL *dt, *curve;
} WN(Envelope);

KR_INLINE WN(Lanes) WN(lanes_of)(const WN(Envelope) * e, uint32_t v) {
  INT on[VN];
  WN(Lanes)
  lanes = {.from = VF(load)(e->from + v),
           .residual = VF(load)(e->residual + v),
           .dt = VF(load)(e->dt + v),
           .curve = VF(load)(e->curve + v)};
#if KR_PASS == 32
  lanes.age = VF(load_bits)(e->age + v);
#else
  REAL age[VN];
  for (uint32_t l = 0; l < VN; l++) age[l] = (REAL)e->age[v + l];
  lanes.age = VF(load)(age);
#endif
  for (uint32_t l = 0; l < VN; l++) on[l] = -(INT)(e->stage[v + l] == STAGE_ON);
  lanes.on = VF(load_bits)(on);
  return lanes;
}

// Ticks begin..end of one vector, no event in them. True when its rows are all the first one.
APART bool WN(run_vector)(const WN(Envelope) * e, uint32_t v, uint32_t begin, uint32_t end,
                          const Kind kind, const bool bent) {
  REAL *restrict out = (REAL *)e->call->out[0] + begin * KR_WIDTH + v;
  WN(Lanes) lanes = WN(lanes_of)(e, v);
  bool held = (e->strides[4] | e->strides[5]) == 0;
  if (kind == KIND_ADSR) held &= (e->strides[6] | e->strides[7]) == 0;
  WN(Times) times = WN(times)(e->call, e->strides, kind, begin, v);
  uint32_t n = end - begin;
  WN(Line) line = WN(line_at)(&lanes, WN(seconds)(&lanes, 0), &times);
  if (held && WN(is_flat)(&line)) {
    for (uint32_t t = 0; t < n; t++) VF(store)(out + t * KR_WIDTH, line.a);
    return true;
  }
  for (uint32_t t = 0; held && t < n; t += N_RUN) {
    uint32_t last = t + N_RUN < n ? t + N_RUN : n;
    WN(Line) next = WN(line_at)(&lanes, WN(seconds)(&lanes, last - 1), &times);
    if (WN(same_line)(&line, &next))
      for (uint32_t k = t; k < last; k++) VF(store)
    (out + k * KR_WIDTH, WN(line_value)(&line, WN(seconds)(&lanes, k), lanes.curve, bent));
    else for (uint32_t k = t; k < last; k++) {
      V age = WN(seconds)(&lanes, k);
      line = WN(line_at)(&lanes, age, &times);
      VF(store)(out + k * KR_WIDTH, WN(line_value)(&line, age, lanes.curve, bent));
    }
  }
  for (uint32_t t = 0; !held && t < n; t++) {
    V age = WN(seconds)(&lanes, t);
    times = WN(times)(e->call, e->strides, kind, begin + t, v);
    line = WN(line_at)(&lanes, age, &times);
    VF(store)(out + t * KR_WIDTH, WN(line_value)(&line, age, lanes.curve, bent));
  }
  return false;
}

// The first tick from `t` with an onset or a release in some lane, n when there is none.
static uint32_t WN(next_event)(const WN(Envelope) * e, uint32_t t, const Kind kind) {
  const KrCall *call = e->call;
  const uint8_t *onsets = call->in[1];
  bool still = e->strides[0] == 0 && (onsets == NULL || e->strides[1] == 0);
  VI on[KR_WIDTH / VN], before[KR_WIDTH / VN];
  for (uint32_t v = 0; v < KR_WIDTH; v += VN) {
    INT was[VN];
    for (uint32_t l = 0; l < VN; l++) was[l] = -(INT)(e->gate[v + l] != 0);
    on[v / VN] = kind == KIND_PERC ? VF(all_bits)(0) : WN(lanes_of)(e, v).on;
    before[v / VN] = VF(load_bits)(was);
  }
  for (uint32_t first = t; t < call->n; t++) {
    VI busy = VF(all_bits)(0);
    for (uint32_t v = 0; v < KR_WIDTH; v += VN) {
      VI held = VF(lt)(VF(all)(0), VF(load)((const REAL *)call->in[0] + t * e->strides[0] + v));
      busy |= on[v / VN] & ~held;
      if (onsets == NULL) busy |= held & ~before[v / VN];
      before[v / VN] = held;
    }
    uint8_t some = 0;
    for (uint32_t l = 0; onsets != NULL && l < KR_WIDTH; l++) some |= onsets[t * e->strides[1] + l];
    if (some != 0 || VF(any)(busy)) return t;
    // What does not move has no event in its second tick that is not in every later one.
    if (still && t > first) return call->n;
  }
  return call->n;
}

// Ticks begin..end without an event.
KR_INLINE void WN(run_plain)(const WN(Envelope) * e, uint32_t begin, uint32_t end, const Kind kind,
                             const bool bent) {
  const KrCall *call = e->call;
  const size_t *strides = e->strides;
  if (begin == end) return;
  for (uint32_t v = 0; v < KR_WIDTH; v += VN) WN(run_vector)(e, v, begin, end, kind, bent);
  for (uint32_t l = 0, t = end - 1; l < KR_WIDTH; l++) {
    e->gate[l] = KR_AT(0) > 0;
    int32_t left = INT32_MAX - e->age[l], n = (int32_t)(end - begin);
    e->age[l] += n < left ? n : left;
  }
}

// Tick t, in which lanes begin or end: from the value without that to the new one by the residual.
APART void WN(run_event)(const WN(Envelope) * e, uint32_t t, const Kind kind, const bool bent) {
  const KrCall *call = e->call;
  const uint8_t *onsets = call->in[1];
  const size_t *strides = e->strides;
  REAL *out = (REAL *)call->out[0] + t * KR_WIDTH, fresh[KR_WIDTH];
  bool begins[KR_WIDTH], ends[KR_WIDTH];
  for (uint32_t l = 0; l < KR_WIDTH; l++) {
    bool held = KR_AT(0) > 0;
    begins[l] = onsets != NULL ? onsets[t * strides[1] + l] != 0 : held && !e->gate[l];
    ends[l] = kind != KIND_PERC && !begins[l] && !held && e->stage[l] == STAGE_ON;
  }
  WN(run_plain)(e, t, t + 1, kind, bent);
  for (uint32_t l = 0; l < KR_WIDTH; l++) {
    if (!begins[l] && !ends[l]) continue;
    const void *residuals = call->in[begins[l] ? 2 : 3];
    e->stage[l] = begins[l] ? STAGE_ON : STAGE_OFF;
    e->from[l] = FN(keep)(out[l]);
    REAL r = residuals == NULL ? 0 : begins[l] ? KR_AT(2) : KR_AT(3);
    e->residual[l] = r >= 0 && r < 1 ? r : 0;
    e->age[l] = 1;
  }
  for (uint32_t v = 0; v < KR_WIDTH; v += VN) {
    WN(Lanes) lanes = WN(lanes_of)(e, v);
    WN(Times) times = WN(times)(call, strides, kind, t, v);
    WN(Line) line = WN(line_at)(&lanes, VF(all)(0), &times);
    VF(store)(fresh + v, WN(line_value)(&line, VF(all)(0), lanes.curve, bent));
  }
  for (uint32_t l = 0; l < KR_WIDTH; l++) {
    REAL r = e->residual[l];
    if (begins[l] || ends[l]) out[l] = out[l] * r + fresh[l] * (1 - r);
  }
}

// A whole tile at one level, without events: one row.
KR_INLINE bool WN(run_flat)(const WN(Envelope) * e, const Kind kind) {
  uint64_t *held_out = e->call->held_out;
  size_t moving = e->strides[4] | e->strides[5];
  if (kind == KIND_ADSR) moving |= e->strides[6] | e->strides[7];
  if (held_out == NULL || moving != 0) return false;
  WN(Line) lines[KR_WIDTH / VN];
  for (uint32_t v = 0; v < KR_WIDTH; v += VN) {
    WN(Lanes) lanes = WN(lanes_of)(e, v);
    WN(Times) times = WN(times)(e->call, e->strides, kind, 0, v);
    lines[v / VN] = WN(line_at)(&lanes, WN(seconds)(&lanes, 0), &times);
    if (!WN(is_flat)(&lines[v / VN])) return false;
  }
  for (uint32_t v = 0; v < KR_WIDTH; v += VN)
    VF(store)((REAL *)e->call->out[0] + v, lines[v / VN].a);
  *held_out |= 1;
  return true;
}

KR_INLINE void WN(envelope)(const KrCall *call, const Kind kind, const bool bent) {
  WN(Envelope)
  e = {.call = call,
       .from = call->field[FIELD_FROM],
       .residual = call->field[FIELD_RESIDUAL],
       .age = call->field[FIELD_AGE],
       .stage = call->field[FIELD_STAGE],
       .gate = call->field[FIELD_GATE],
       .dt = call->field[FIELD_DT],
       .curve = call->field[FIELD_CURVE]};
  FN(strides)(call, KR_WIDTH, kind == KIND_ADSR ? 8 : 6, e.strides);
  for (uint32_t t = 0; t < call->n; t++) {
    uint32_t event = WN(next_event)(&e, t, kind);
    bool whole = t == 0 && event == call->n;
    if (whole && WN(run_flat)(&e, kind)) {
      for (uint32_t l = 0; l < KR_WIDTH; l++) {
        e.gate[l] = ((const REAL *)call->in[0])[(call->n - 1) * e.strides[0] + l] > 0;
        int32_t left = INT32_MAX - e.age[l], n = (int32_t)call->n;
        e.age[l] += n < left ? n : left;
      }
      return;
    }
    WN(run_plain)(&e, t, event, kind, bent);
    if (event < call->n) WN(run_event)(&e, event, kind, bent);
    t = event;
  }
}

#define ENVELOPE(name, kind)                                                                       \
  static void WN(name)(const KrCall *call) {                                                       \
    bool bent = false;                                                                             \
    for (uint32_t l = 0; l < KR_WIDTH; l++)                                                        \
      bent |= ((const REAL *)call->field[FIELD_CURVE])[l] != 0;                                    \
    if (bent)                                                                                      \
      WN(envelope)(call, kind, true);                                                              \
    else                                                                                           \
      WN(envelope)(call, kind, false);                                                             \
  }
ENVELOPE(adsr, KIND_ADSR)
ENVELOPE(ar, KIND_AR)
ENVELOPE(perc, KIND_PERC)
#undef ENVELOPE
#if KR_WIDE
KR_BY_WIDTH(adsr)
KR_BY_WIDTH(ar)
KR_BY_WIDTH(perc)
#endif
#endif

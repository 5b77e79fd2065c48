// Envelopes over a gate: where a segment began, from which level, and its value at any age.
// An onset of residual r at tick n: age at tick n + j is max(0, j - r) ticks, and the output of
// tick n is old r + new (1 - r), old being the value without the event. A release crosses over
// likewise.
#ifndef KR_PASS
#include "ops/kernel.h"

enum { FIELD_FROM, FIELD_RESIDUAL, FIELD_AGE, FIELD_STAGE, FIELD_GATE, FIELD_DT, FIELD_CURVE };
enum { STAGE_OFF, STAGE_ON };
typedef enum Kind { KIND_ADSR, KIND_AR, KIND_PERC } Kind;

#define KR_PASS 32
#include "ops/envelopes.c"
#undef KR_PASS
#define KR_PASS 64
#include "ops/envelopes.c"
#undef KR_PASS

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
typedef struct FN(Times) {
  REAL attack, decay, sustain, release;
} FN(Times);

// Part x (0..1) of a segment, bent.
static inline REAL FN(bend)(REAL x, REAL curve) {
  REAL whole = FN(growth)(RF(abs)(curve)), part = FN(growth)(RF(abs)(curve) * x);
  // (e^-z - 1) / (e^-w - 1) = (part / whole) (1 + whole) / (1 + part)
  REAL up = part / whole, down = up * ((1 + whole) / (1 + part));
  REAL bent = curve > 0 ? up : down;
  return curve == 0 ? x : bent;
}

// Value at age `age` seconds of a segment that began at level `from`.
KR_INLINE REAL FN(level)(uint8_t stage, REAL from, REAL age, const FN(Times) * times, REAL curve,
                         bool bent) {
  REAL attack = age / times->attack, later = age - times->attack, decay = later / times->decay;
  REAL release = age / times->release;
  if (bent) {
    attack = FN(bend)(attack, curve);
    decay = FN(bend)(decay, curve);
    release = FN(bend)(release, curve);
  }
  REAL held = later < times->decay ? 1 + (times->sustain - 1) * decay : times->sustain;
  REAL on = age < times->attack ? from + (1 - from) * attack : held;
  REAL off = age < times->release ? from - from * release : 0;
  return stage == STAGE_ON ? on : off;
}

KR_INLINE FN(Times)
    FN(times)(const KrCall *call, const size_t *strides, Kind kind, uint32_t t, uint32_t l) {
  REAL attack = KR_AT(4), second = KR_AT(5);
  switch (kind) {
  case KIND_ADSR: return (FN(Times)){attack, second, KR_AT(6), KR_AT(7)};
  case KIND_AR: return (FN(Times)){attack, 0, 1, second};
  default: return (FN(Times)){attack, second, 0, second};
  }
}

KR_INLINE void FN(envelope)(const KrCall *call, const uint32_t lanes, const Kind kind,
                            const bool bent) {
  size_t strides[8];
  FN(strides)(call, lanes, kind == KIND_ADSR ? 8 : 6, strides);
  const REAL *dt = call->field[FIELD_DT], *curve = call->field[FIELD_CURVE];
  const uint8_t *onsets = call->in[1];
  REAL from[KR_LANES], residual[KR_LANES];
  int32_t *age = call->field[FIELD_AGE];
  uint8_t *stage = call->field[FIELD_STAGE], *gate = call->field[FIELD_GATE];
  FN(load)(from, call->field[FIELD_FROM], lanes);
  FN(load)(residual, call->field[FIELD_RESIDUAL], lanes);
  REAL *restrict out = call->out[0];
  for (uint32_t t = 0; t < call->n; t++)
    for (uint32_t l = 0; l < lanes; l++) {
      FN(Times) times = FN(times)(call, strides, kind, t, l);
      REAL ticks = (REAL)age[l] - residual[l];
      ticks = ticks > 0 ? ticks : 0;
      REAL value = FN(level)(stage[l], from[l], ticks * dt[l], &times, curve[l], bent);
      bool held = KR_AT(0) > 0;
      bool onset = onsets != NULL ? onsets[t * strides[1] + l] != 0 : held && !gate[l];
      bool release = kind != KIND_PERC && !onset && !held && stage[l] == STAGE_ON;
      if (onset || release) {
        const void *residuals = call->in[onset ? 2 : 3];
        REAL r = residuals == NULL ? 0 : onset ? KR_AT(2) : KR_AT(3);
        stage[l] = onset ? STAGE_ON : STAGE_OFF;
        from[l] = FN(keep)(value);
        residual[l] = r;
        age[l] = 0;
        REAL fresh = FN(level)(stage[l], from[l], 0, &times, curve[l], bent);
        value = value * r + fresh * (1 - r);
      }
      out[t * lanes + l] = value;
      gate[l] = held;
      age[l] += age[l] < INT32_MAX;
    }
  FN(store)(from, call->field[FIELD_FROM], lanes);
  FN(store)(residual, call->field[FIELD_RESIDUAL], lanes);
}

KR_INLINE bool FN(bent)(const KrCall *call, uint32_t lanes) {
  bool bent = false;
  for (uint32_t l = 0; l < lanes; l++) bent |= ((const REAL *)call->field[FIELD_CURVE])[l] != 0;
  return bent;
}
#define ENVELOPE(name, kind)                                                                       \
  KR_INLINE void FN(name##_lanes)(const KrCall *call, const uint32_t lanes) {                      \
    if (FN(bent)(call, lanes))                                                                     \
      FN(envelope)(call, lanes, kind, true);                                                       \
    else                                                                                           \
      FN(envelope)(call, lanes, kind, false);                                                      \
  }                                                                                                \
  KR_BY_LANES(FN(name), FN(name##_lanes))
ENVELOPE(adsr, KIND_ADSR)
ENVELOPE(ar, KIND_AR)
ENVELOPE(perc, KIND_PERC)
#undef ENVELOPE
#endif

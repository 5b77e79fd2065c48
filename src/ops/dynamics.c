// Levels held in bounds. The compressor's gain is computed and smoothed in dB (Giannoulis, Massberg
// and Reiss 2012, Digital Dynamic Range Compressor Design, feed-forward, smooth branching). The
// limiter takes the least gain that any tick of its look-ahead needs, lets it rise by the release
// and means it over the look-ahead in whole numbers: no peak has more than its own gain.
#ifndef KR_PASS
#include "math/elementary.h"
#include "ops/kernel.h"
#include <string.h>

enum { COMP_GAIN, COMP_RATE };
enum {
  IN_THRESHOLD = 1,
  IN_RATIO,
  IN_ATTACK,
  IN_COMP_RELEASE,
  IN_KNEE,
  IN_MAKEUP,
  IN_OTHER,
  N_COMP
};
enum {
  LIMIT_LINE,
  LIMIT_OTHER,
  LIMIT_GAINS,
  LIMIT_LOW,
  LIMIT_WHEN,
  LIMIT_STATE,
  LIMIT_COUNT,
  LIMIT_RATE
};
enum { IN_CEILING = 1, IN_LIMIT_RELEASE, IN_LIMIT_RIGHT };
enum { PORT_LOOKAHEAD = 3, MAX_LOOKAHEAD = 1 << 20 };
// Of the limiter: the falling minima's first and number, the sum of the gains, the gain itself.
enum { STATE_HEAD, STATE_SIZE, STATE_SUM, STATE_GAIN, N_STATE };
static const int64_t unity = INT64_C(1) << 30;
static const double per_unity = 0x1p-30;

#define KR_SELF "ops/dynamics.c"
#include "ops/passes.h"

#ifdef KR_ROWS
static KrStatus prepare_compressor(const KrPrep *prep, const char **message) {
  (void)message;
  kr_prep_put_ratio(prep, COMP_RATE, (KrRatio){prep->dt.den, prep->dt.num}, 0);
  return KR_OK;
}

static int64_t lookahead(const KrPrep *prep) {
  int64_t ticks;
  if (!kr_prep_ticks(prep, &prep->port[PORT_LOOKAHEAD], &ticks)) return -1;
  return ticks <= MAX_LOOKAHEAD ? ticks : -1;
}
static uint64_t count_limiter(const KrPrep *prep, uint32_t field) {
  int64_t ticks = lookahead(prep);
  if (field == LIMIT_OTHER && (prep->op->flags & KR_OP_PAIR) == 0) return 1;
  return ticks < 0 ? 1 : (uint64_t)ticks + 1;
}
// Before the first tick nothing needed a gain below 1.
static KrStatus prepare_limiter(const KrPrep *prep, const char **message) {
  int64_t ticks = lookahead(prep);
  if (ticks < 0) {
    *message = "the look-ahead must be 0 to 2^20 ticks";
    return KR_ERROR_ARGUMENT;
  }
  for (int64_t i = 0; i <= ticks; i++)
    FIELD_AT(prep, LIMIT_GAINS, int64_t)[(size_t)i * prep->lanes] = unity;
  FIELD_AT(prep, LIMIT_STATE, int64_t)[(size_t)STATE_SUM * prep->lanes] = (ticks + 1) * unity;
  FIELD_AT(prep, LIMIT_STATE, int64_t)[(size_t)STATE_GAIN * prep->lanes] = unity;
  FIELD_AT(prep, LIMIT_COUNT, int64_t)[0] = ticks + 1;
  FIELD_AT(prep, LIMIT_RATE, double)[0] = (double)prep->dt.den / (double)prep->dt.num;
  return KR_OK;
}

#define COMPRESSOR_PORTS                                                                           \
  SIGNAL("threshold", "dB", "-20dB", "-200..200", "level above which it is turned down"),          \
      SIGNAL("ratio", "", "4", "1..", "dB in for one dB out above the threshold"),                 \
      SIGNAL("attack", "s", "5ms", "0..", "time constant of turning down"),                        \
      SIGNAL("release", "s", "100ms", "0..", "time constant of coming back"),                      \
      SIGNAL("knee", "dB", "6dB", "0..", "width of the bend at the threshold"),                    \
      SIGNAL("makeup", "dB", "0dB", "-200..200", "gain afterwards")
#define COMPRESSOR                                                                                 \
  .name = "compressor", .family = "dynamics",                                                      \
  .field = {STATE("gain", CALL, 1), COEF("rate", CALL, 1)}, .prepare = prepare_compressor
#define LIMITER_PORTS                                                                              \
  SIGNAL("ceiling", "dB", "-0.1dB", "-200..200", "never exceeded"),                                \
      SIGNAL("release", "s", "50ms", "0..", "time constant of coming back"),                       \
      SETTING("lookahead", "s", "2ms", "0 to 2^20 ticks", "by which the output is late")
#define LIMITER                                                                                    \
  .name = "limiter", .family = "dynamics", .count = count_limiter, .prepare = prepare_limiter,     \
  .field = {RING("line", CALL, 0), RING("right", CALL, 0), RING("gains", I64, 0),                  \
            STATE("low", I64, 0),  STATE("when", I64, 0),  STATE("state", I64, N_STATE),           \
            COEF("count", I64, 1), COEF("rate", F64, 1)}
static const KrOp OPS[] = {
    {COMPRESSOR, .run = RUN_REAL(compressor),
     .in = {INPUT("input; each channel of a tuple by the same side chain when there is one"),
            COMPRESSOR_PORTS, SIGNAL("sidechain", NULL, "x", NULL, "what the level is taken from")},
     .doc = "Turns down what is louder than the threshold"},
    {COMPRESSOR, .run = RUN_REAL(compressor_pair), .flags = KR_OP_PAIR, .out = {"left", "right"},
     .in = {PAIR, COMPRESSOR_PORTS, RIGHT},
     .doc = "The same of two channels, both by the louder one"},
    {LIMITER, .run = RUN_REAL(limiter), .flags = KR_OP_ALONE,
     .in = {INPUT("input; what is not finite is silence"), LIMITER_PORTS},
     .doc = "Keeps every peak at or below the ceiling, looking ahead; the output comes that much "
            "later"},
    {LIMITER, .run = RUN_REAL(limiter_pair), .flags = KR_OP_ALONE | KR_OP_PAIR,
     .out = {"left", "right"}, .in = {PAIR, LIMITER_PORTS, RIGHT},
     .doc = "The same of two channels, both by the louder one"},
};
KR_FAMILY_DEFINE(dynamics, "dynamics");
#endif
KR_KERNELS(dynamics, KR_REALS(compressor), KR_REALS(compressor_pair), KR_REALS(limiter),
           KR_REALS(limiter_pair));

#else
#include "ops/pass.h"

#undef SHIFT
#undef BIAS
#undef HALF_ROOT
#if KR_PASS == 32
#define SHIFT 23
#define BIAS 127
#define HALF_ROOT INT32_C(0x3f3504f3)
#else
#define SHIFT 52
#define BIAS 1023
#define HALF_ROOT INT64_C(0x3fe6a09e667f3bcd)
#endif
// Input i at tick t, vector v of the lanes.
#define X_AT(i) VF(load)((const REAL *)call->in[i] + t * strides[i] + v)

KR_INLINE V WN(bounded)(V x, REAL low, REAL high) {
  return VF(lesser)(VF(greater)(x, VF(all)(low)), VF(all)(high));
}
// dB of x > 0 by its exponent and the series of the area tangent of what is left, between the roots
// of 1/2 and 2; relative error of the logarithm 2e-9 and the rounding of the type.
KR_INLINE V WN(level)(V x) {
  VI e = (VF(bits)(x) - VF(all_bits)(HALF_ROOT)) >> SHIFT;
  V m = VF(of_bits)((VI)((VU)VF(bits)(x) - ((VU)e << SHIFT)));
  V s = (m - 1) / (m + 1), z = s * s;
  V p = z * (REAL)(1.0 / 9) + (REAL)(1.0 / 7);
  p = p * z + (REAL)(1.0 / 5);
  p = p * z + (REAL)(1.0 / 3);
  p = (p * z + 1) * s * (REAL)17.371779276130073; // 40 / ln 10
  return VF(of_int)(e) * (REAL)6.020599913279624 + p;
}
// Amplitude of a level; Taylor's polynomial between half octaves, relative error 5e-9.
KR_INLINE V WN(amplitude)(V db) {
  V x = WN(bounded)(db * (REAL)0.16609640474436813, -120, 120);
  V whole = VF(floor)(x + (REAL)0.5), f = (x - whole) * (REAL)0.6931471805599453;
  V p = f * (REAL)(1.0 / 5040) + (REAL)(1.0 / 720);
  p = p * f + (REAL)(1.0 / 120);
  p = p * f + (REAL)(1.0 / 24);
  p = p * f + (REAL)(1.0 / 6);
  p = p * f + (REAL)(1.0 / 2);
  p = p * f + 1;
  p = p * f + 1;
  VI e = VF(to_int)(whole) + VF(all_bits)(BIAS);
  return p * VF(of_bits)((VI)((VU)e << SHIFT));
}

// What a compressor's settings come to, kept while they are held.
typedef struct WN(Curve) {
  V threshold, slope, half, bend, attack, release, makeup;
} WN(Curve);
KR_INLINE void WN(read_curve)(const KrCall *call, const size_t *strides, uint32_t t, uint32_t v,
                              WN(Curve) * c) {
  const V rate = VF(load)((const REAL *)call->field[COMP_RATE] + v);
  V knee = WN(bounded)(X_AT(IN_KNEE), 0, 200);
  c->threshold = WN(bounded)(X_AT(IN_THRESHOLD), -200, 200);
  c->slope = 1 / WN(bounded)(X_AT(IN_RATIO), 1, (REAL)0x1p40) - 1;
  c->half = knee / 2;
  c->bend = c->slope / (2 * knee);
  c->attack = WN(approach)(1 / (WN(bounded)(X_AT(IN_ATTACK), 0, (REAL)0x1p40) * rate));
  c->release = WN(approach)(1 / (WN(bounded)(X_AT(IN_COMP_RELEASE), 0, (REAL)0x1p40) * rate));
  c->makeup = WN(bounded)(X_AT(IN_MAKEUP), -200, 200);
}
// dB that a level asks for, 0 or less: a parabola of the knee's width around the threshold.
KR_INLINE V WN(wanted)(const WN(Curve) * c, V level) {
  V over = level - c->threshold, into = over + c->half;
  V want = VF(select)(VF(le)(c->half, over), c->slope * over, c->bend * into * into);
  return VF(where)(VF(lt)(-c->half, over), want);
}
// Level of a peak, -200 dB at least.
KR_INLINE V WN(level_of)(V peak) {
  return VF(select)(VF(lt)(VF(all)((REAL)1e-10), peak), WN(level)(peak), VF(all)(-200));
}
KR_INLINE V WN(compress)(const WN(Curve) * c, V peak, V *gain) {
  V want = WN(wanted)(c, WN(level_of)(peak));
  V next = *gain + VF(select)(VF(lt)(want, *gain), c->attack, c->release) * (want - *gain);
  *gain = WN(keep)(next);
  return WN(amplitude)(next + c->makeup);
}

KR_INLINE void WN(compress_run)(const KrCall *call, const bool pair) {
  size_t strides[N_COMP], moves = 0;
  FN(strides)(call, KR_WIDTH, N_COMP, strides);
  for (uint32_t i = IN_THRESHOLD; i <= IN_MAKEUP; i++) moves |= strides[i];
  for (uint32_t v = 0; v < KR_WIDTH; v += VN) {
    REAL *at = (REAL *)call->field[COMP_GAIN] + v;
    V gain = VF(load)(at);
    WN(Curve) curve;
    WN(read_curve)(call, strides, 0, v, &curve);
    for (uint32_t t = 0; t < call->n; t++) {
      if (moves != 0) WN(read_curve)(call, strides, t, v, &curve);
      V x = X_AT(0), other = X_AT(IN_OTHER), peak = WN(keep)(VF(abs)(other));
      if (pair) peak = VF(greater)(WN(keep)(VF(abs)(x)), peak);
      V factor = WN(compress)(&curve, peak, &gain);
      VF(store)((REAL *)call->out[0] + t * KR_WIDTH + v, x * factor);
      if (pair) VF(store)((REAL *)call->out[1] + t * KR_WIDTH + v, other * factor);
    }
    VF(store)(at, gain);
  }
}
#if KR_WIDE
// One lane whose settings are held: levels and gains in vectors along the ticks, between them the
// recurrence.
KR_INLINE void WN(compress_along)(const KrCall *call, const bool pair) {
  REAL x[KR_TILE] = {0}, other[KR_TILE] = {0}, gains[KR_TILE] = {0}, row[KR_TILE];
  size_t strides[N_COMP];
  FN(strides)(call, 1, N_COMP, strides);
  memcpy(x, FN(dense)(call, 0, row), call->n * sizeof *x);
  memcpy(other, FN(dense)(call, IN_OTHER, row), call->n * sizeof *other);
  FN(Curve) one;
  FN(read_curve)(call, strides, 0, 0, &one);
  const WN(Curve) curve = {.threshold = VF(all)(one.threshold),
                           .slope = VF(all)(one.slope),
                           .half = VF(all)(one.half),
                           .bend = VF(all)(one.bend)};
  for (uint32_t t = 0; t < call->n; t += VN) {
    V peak = WN(keep)(VF(abs)(VF(load)(other + t)));
    if (pair) peak = VF(greater)(WN(keep)(VF(abs)(VF(load)(x + t))), peak);
    VF(store)(gains + t, WN(wanted)(&curve, WN(level_of)(peak)));
  }
  REAL *gain = call->field[COMP_GAIN];
  for (uint32_t t = 0; t < call->n; t++) {
    REAL want = gains[t], next = *gain + (want < *gain ? one.attack : one.release) * (want - *gain);
    gains[t] = next + one.makeup;
    *gain = FN(keep)(next);
  }
  for (uint32_t t = 0; t < call->n; t += VN) {
    V factor = WN(amplitude)(VF(load)(gains + t));
    VF(store)(x + t, VF(load)(x + t) * factor);
    if (pair) VF(store)(other + t, VF(load)(other + t) * factor);
  }
  memcpy(call->out[0], x, call->n * sizeof *x);
  if (pair) memcpy(call->out[1], other, call->n * sizeof *other);
}
#define COMPRESSOR_KERNEL(name, pair)                                                              \
  static void FN(name)(const KrCall *call) {                                                       \
    const uint64_t settings = (UINT64_C(1) << (IN_MAKEUP + 1)) - (UINT64_C(1) << IN_THRESHOLD);    \
    if (call->lanes != 1)                                                                          \
      WN(compress_run)(call, pair);                                                                \
    else if ((call->held & settings) == settings)                                                  \
      WN(compress_along)(call, pair);                                                              \
    else                                                                                           \
      FN(compress_lane)(call, pair);                                                               \
  }
COMPRESSOR_KERNEL(compressor, false)
COMPRESSOR_KERNEL(compressor_pair, true)
#undef COMPRESSOR_KERNEL
#undef X_AT
#else
#undef X_AT
static void FN(compress_lane)(const KrCall *call, bool pair) { WN(compress_run)(call, pair); }
typedef WN(Curve) FN(Curve);
KR_INLINE void FN(read_curve)(const KrCall *call, const size_t *strides, uint32_t t, uint32_t l,
                              FN(Curve) * curve) {
  WN(read_curve)(call, strides, t, l, curve);
}
KR_INLINE REAL FN(bounded)(REAL x, REAL low, REAL high) { return WN(bounded)(x, low, high); }

// The least of the newest `count` gains: those that no later one is below, oldest first.
static int64_t FN(least)(const KrCall *call, int64_t now, int64_t gain) {
  const int64_t count = *(const int64_t *)call->field[LIMIT_COUNT];
  int64_t *low = call->field[LIMIT_LOW], *when = call->field[LIMIT_WHEN];
  int64_t *state = call->field[LIMIT_STATE], head = state[STATE_HEAD], size = state[STATE_SIZE];
  if (size > 0 && when[head] <= now - count) head = head + 1 == count ? 0 : head + 1, size--;
  int64_t tail = head + size - 1;
  tail = tail >= count ? tail - count : tail;
  while (size > 0 && low[tail] >= gain) tail = tail == 0 ? count - 1 : tail - 1, size--;
  tail = size == 0 ? head : tail + 1 == count ? 0 : tail + 1;
  low[tail] = gain;
  when[tail] = now;
  state[STATE_HEAD] = head;
  state[STATE_SIZE] = size + 1;
  return low[head];
}

// The mean gain of the look-ahead after a tick of that peak.
KR_INLINE REAL FN(limit_gain)(const KrCall *call, int64_t now, size_t place, REAL peak,
                              REAL ceiling, REAL release) {
  int64_t *state = call->field[LIMIT_STATE], *gains = call->field[LIMIT_GAINS];
  const int64_t count = *(const int64_t *)call->field[LIMIT_COUNT];
  int64_t need = unity;
  if (peak > ceiling) need = (int64_t)((double)ceiling / (double)peak * (double)unity);
  int64_t most = FN(least)(call, now, need), gain = state[STATE_GAIN];
  if (most > gain) gain += (int64_t)((double)release * (double)(most - gain));
  gain = gain < most ? gain : most;
  state[STATE_GAIN] = gain;
  state[STATE_SUM] += gain - gains[place];
  gains[place] = gain;
  return (REAL)((double)state[STATE_SUM] / (double)count * per_unity);
}

KR_INLINE void FN(limit_run)(const KrCall *call, const bool pair) {
  const int64_t count = *(const int64_t *)call->field[LIMIT_COUNT];
  const double rate = *(const double *)call->field[LIMIT_RATE];
  size_t strides[IN_LIMIT_RIGHT + 1];
  const uint32_t l = 0;
  REAL ceiling = 0, release = 0;
  FN(strides)(call, 1, IN_LIMIT_RIGHT + pair, strides);
  size_t place = (size_t)(call->tick % count);
  for (uint32_t t = 0; t < call->n; t++) {
    REAL *line[2] = {call->field[LIMIT_LINE], call->field[LIMIT_OTHER]}, peak = 0;
    size_t oldest = place + 1 == (size_t)count ? 0 : place + 1;
    if (t == 0 || strides[IN_CEILING] != 0)
      ceiling = RF(lin)(FN(bounded)(KR_AT(IN_CEILING), -200, 200));
    if (t == 0 || strides[IN_LIMIT_RELEASE] != 0)
      release = FN(approach)(
          (REAL)(1 / ((double)FN(bounded)(KR_AT(IN_LIMIT_RELEASE), 0, (REAL)0x1p40) * rate)));
    for (uint32_t k = 0; k <= pair; k++) {
      REAL x = FN(keep)(k == 0 ? KR_AT(0) : KR_AT(IN_LIMIT_RIGHT));
      line[k][place] = x;
      peak = RF(abs)(x) > peak ? RF(abs)(x) : peak;
    }
    REAL gain = FN(limit_gain)(call, call->tick + t, place, peak, ceiling, release);
    for (uint32_t k = 0; k <= pair; k++)
      ((REAL *)call->out[k])[t] = FN(bounded)(line[k][oldest] * gain, -ceiling, ceiling);
    place = oldest;
  }
}
static void FN(limiter)(const KrCall *call) { FN(limit_run)(call, false); }
static void FN(limiter_pair)(const KrCall *call) { FN(limit_run)(call, true); }
#endif
#endif

// What is in a sound: bands, brightness over time, beginnings, pitch. `pitch` is YIN (de Cheveigne
// and Kawahara 2002), its difference function by transforms; `onset` compares the rises of the
// roots of magnitudes with those of the frames before (spectral flux, Dixon 2006).
#ifndef KR_PASS
#include "math/elementary.h"
#include "math/fft.h"
#include "math/sum.h"
#include "math/window.h"
#include "ops/kernel.h"

enum { MEL_BAND, MEL_WEIGHT };
enum { FLUX_BEFORE, FLUX_VALUE };
enum { FIELD_PLAN, FIELD_WORK, FIELD_HOP, FIELD_INPUT, FIELD_STATE, FIELD_WINDOW, FIELD_BEFORE };
enum { CROSS_RING, CROSS_COUNT, CROSS_SIGN, CROSS_LENGTH };
enum { MAX_SIZE = 1 << 20, MAX_BANDS = 4096, N_PAST = 8 };
enum { PORT_BANDS = 1, PORT_MEL_RATE, PORT_LOW, PORT_HIGH };
enum { PORT_SIZE = 2, PORT_HOP };
// Of onset: mean flux of past frames and ticks since the last onset; of pitch: the frequency.
enum { ONSET_PAST, ONSET_SINCE = N_PAST, ONSET_LEVEL, ONSET_GAP, N_ONSET };

#define KR_PASS 32
#include "ops/hearing.c"
#undef KR_PASS
#define KR_PASS 64
#include "ops/hearing.c"
#undef KR_PASS

#ifdef KR_ROWS
static double rate_of(const KrPrep *prep) { return (double)prep->dt.den / (double)prep->dt.num; }
// A whole constant from 1 to `most`, 0 when it is none.
static uint32_t whole_port(const KrPortValue *port, int64_t most) {
  bool whole = port->kind == KR_VALUE_CONST && port->exact && port->ratio.den == 1 &&
               port->ratio.num > 0 && port->ratio.num <= most;
  return whole ? (uint32_t)port->ratio.num : 0;
}

static KrStatus type_of_shape(const KrPrep *prep, KrShape shape, const char **message) {
  const KrPortValue *x = &prep->port[0];
  if (x->kind == KR_VALUE_STREAM && x->type.shape == shape) return KR_OK;
  *message = shape == KR_SHAPE_SPECTRUM ? "a spectrum is needed here, as fft gives it"
                                        : "a vector is needed here, as history gives it";
  return KR_ERROR_ARGUMENT;
}
static KrStatus type_of_bins(const KrPrep *prep, KrType *type, const char **message) {
  KR_TRY(type_of_shape(prep, KR_SHAPE_SPECTRUM, message));
  *type = (KrType){prep->elem, KR_SHAPE_VECTOR, {prep->port[0].type.dim[0], 1, 1}};
  return KR_OK;
}
static KrStatus type_of_vector(const KrPrep *prep, KrType *type, const char **message) {
  KR_TRY(type_of_shape(prep, KR_SHAPE_VECTOR, message));
  *type = prep->port[0].type;
  return KR_OK;
}
static KrStatus type_of_bands(const KrPrep *prep, KrType *type, const char **message) {
  KR_TRY(type_of_shape(prep, KR_SHAPE_SPECTRUM, message));
  *type =
      (KrType){prep->elem, KR_SHAPE_VECTOR, {whole_port(&prep->port[PORT_BANDS], MAX_BANDS), 1, 1}};
  if (type->dim[0] > 0) return KR_OK;
  *message = "bands must be a whole number from 1 to 4096";
  return KR_ERROR_ARGUMENT;
}
static KrStatus type_of_number(const KrPrep *prep, KrType *type, const char **message) {
  KR_TRY(type_of_shape(prep, KR_SHAPE_SPECTRUM, message));
  *type = KR_TYPE_SCALAR(prep->elem);
  return KR_OK;
}
static uint64_t count_bins(const KrPrep *prep, uint32_t field) {
  (void)field;
  return prep->port[0].type.dim[0] > 0 ? prep->port[0].type.dim[0] : 1;
}

// O'Shaughnessy 1987.
static double mel_of(double hz) { return 2595 * kr_f64_log10(1 + hz / 700); }
// Bin k belongs by its weight to band `band`, by the rest of 1 to the one below.
static KrStatus prepare_mel(const KrPrep *prep, const char **message) {
  double rate = prep->port[PORT_MEL_RATE].value, low = prep->port[PORT_LOW].value;
  double high =
      prep->port[PORT_HIGH].kind == KR_VALUE_CONST ? prep->port[PORT_HIGH].value : rate / 2;
  uint32_t bands = prep->type.dim[0];
  if (!(rate > 0 && low >= 0 && low < high)) {
    *message = "low must be below high, the rate above 0";
    return KR_ERROR_ARGUMENT;
  }
  double first = mel_of(low), step = (mel_of(high) - first) / (bands + 1);
  for (uint32_t k = 0; k < prep->port[0].type.dim[0]; k++) {
    double place = (mel_of(k * rate / prep->port[0].type.dim[1]) - first) / step;
    bool inside = place >= 0 && place < bands + 1;
    uint32_t band = inside ? (uint32_t)place : UINT32_MAX;
    FIELD_AT(prep, MEL_BAND, uint32_t)[(size_t)k * prep->lanes] = band;
    kr_prep_put(prep, MEL_WEIGHT, k, inside ? place - band : 0);
  }
  return KR_OK;
}

static bool is_pitch(const KrPrep *prep) {
  return kr_text_is(kr_text_from(prep->op->name), "pitch");
}
static uint32_t frame_size(const KrPrep *prep) {
  uint32_t size = whole_port(&prep->port[PORT_SIZE], MAX_SIZE);
  return size >= 8 && kr_rfft_can(size) ? size : 0;
}
static uint64_t count_frame(const KrPrep *prep, uint32_t field) {
  uint64_t n = frame_size(prep);
  if (n == 0) return 1;
  switch (field) {
  case FIELD_PLAN:
    return kr_rfft_bytes((uint32_t)n, is_pitch(prep) ? 8 : kr_elem_bytes(prep->elem));
  case FIELD_WORK: return is_pitch(prep) ? 8 * n : 5 * n;
  case FIELD_BEFORE: return n / 2 + 1;
  default: return n;
  }
}
static KrStatus prepare_frame(const KrPrep *prep, const char **message) {
  uint32_t size = frame_size(prep), hop = whole_port(&prep->port[PORT_HOP], MAX_SIZE);
  *message = "the size must be even and 2^k, 3 2^k or 5 2^k, 8 to 2^20";
  if (size == 0) return KR_ERROR_ARGUMENT;
  *message = "the hop must be a whole number from 1 to 2^20";
  if (hop == 0) return KR_ERROR_ARGUMENT;
  kr_rfft_init(prep->field[FIELD_PLAN], size, is_pitch(prep) ? 8 : kr_elem_bytes(prep->elem));
  FIELD_AT(prep, FIELD_HOP, double)[0] = hop;
  FIELD_AT(prep, FIELD_HOP, double)[prep->lanes] = rate_of(prep);
  if (is_pitch(prep)) return KR_OK;
  for (uint32_t i = 0; i < size; i++)
    kr_prep_put(prep, FIELD_WINDOW, i, kr_window_at(KR_WINDOW_HANN, i, size) * 4 / size);
  kr_prep_put(prep, FIELD_STATE, ONSET_SINCE, 0x1p20);
  return KR_OK;
}

static uint64_t count_crossings(const KrPrep *prep, uint32_t field) {
  int64_t ticks;
  (void)field;
  if (!kr_prep_ticks(prep, &prep->port[1], &ticks)) return 1;
  return ticks < 1 ? 1 : (uint64_t)(ticks < 1 << 28 ? ticks : 1 << 28);
}
static KrStatus prepare_crossings(const KrPrep *prep, const char **message) {
  int64_t ticks;
  *message = "the window must be one tick to 2^28 ticks";
  if (!kr_prep_ticks(prep, &prep->port[1], &ticks) || ticks < 1 || ticks > 1 << 28)
    return KR_ERROR_ARGUMENT;
  FIELD_AT(prep, CROSS_LENGTH, int64_t)[0] = ticks;
  return KR_OK;
}

#define SPECTRUM PORT("x", SPECTRUM, "spectrum")
#define X INPUT("input")
#define HOP(n) SETTING("hop", "", n, "1..2^20", "ticks from one look to the next")
#define FAMILY .family = "analysis"
#define FRAME .flags = KR_OP_ALONE, .count = count_frame, .prepare = prepare_frame
static const KrOp OPS[] = {
    {.name = "log",
     FAMILY,
     .flags = KR_OP_HOLDS,
     .run = RUN_REAL(log_spectrum),
     .in = {SPECTRUM},
     .type = type_of_bins,
     .doc = "Natural logarithms of the magnitudes of all bins, of 2^-100 at least"},
    {.name = "log",
     FAMILY,
     .flags = KR_OP_HOLDS,
     .run = RUN_REAL(log_vector),
     .in = {PORT("x", VECTOR, "vector")},
     .type = type_of_vector,
     .doc = "Natural logarithms of all elements, of 2^-100 at least"},
    {.name = "mel",
     FAMILY,
     .flags = KR_OP_HOLDS,
     .run = RUN_REAL(mel),
     .in = {SPECTRUM,
            SETTING("bands", "", "40", "1..4096", "number of bands"),
            SETTING("rate", "Hz", "48000Hz", "above 0", "rate of what was transformed"),
            SETTING("low", "Hz", "0Hz", "0..", "lower end of the first band"),
            {"high", KR_PORT_CONST, "Hz", "auto", "auto", "above low",
             "upper end of the last band; auto: half the rate"}},
     .field = {COEF("band", U32, 0), COEF("weight", CALL, 0)},
     .count = count_bins,
     .type = type_of_bands,
     .prepare = prepare_mel,
     .doc = "Vector of the energies in triangular bands, evenly spaced in mel (2595 log10(1 + f / "
            "700))"},
    {.name = "flux",
     FAMILY,
     .run = RUN_REAL(flux),
     .in = {SPECTRUM},
     .field = {STATE("before", CALL, 0), STATE("value", CALL, 1)},
     .count = count_bins,
     .type = type_of_number,
     .doc = "Sum of the rises of all magnitudes since the spectrum before, until the next one"},
    {.name = "onset",
     FAMILY,
     FRAME,
     .run = RUN_REAL(onset),
     .in = {X, SIGNAL("threshold", "", "2", "0..", "flux over the mean of the eight frames before"),
            SETTING("size", "", "1024", "8..2^20", "length: even and 2^k, 3 2^k or 5 2^k"),
            HOP("256")},
     .field = {COEF("plan", BOOL, 0), COEF("work", CALL, 0), COEF("hop", F64, 2),
               RING("input", CALL, 0), STATE("state", CALL, N_ONSET), COEF("window", CALL, 0),
               STATE("before", CALL, 0)},
     .doc = "1 in the tick in which a sound is found to have begun, else 0; 50 ms apart at least"},
    {.name = "pitch",
     FAMILY,
     FRAME,
     .run = RUN_REAL(pitch),
     .in = {X, SIGNAL("threshold", "", "0.15", "0..1", "greatest part that may be no tone"),
            SETTING("size", "", "2048", "8..2^20",
                    "length, two periods of the lowest pitch: even and 2^k, 3 2^k or 5 2^k"),
            HOP("256")},
     .field = {COEF("plan", BOOL, 0), COEF("work", F64, 0), COEF("hop", F64, 2),
               RING("input", CALL, 0), STATE("state", CALL, 1)},
     .doc = "Frequency of a tone in Hz, computed at every multiple of hop; 0 where there is none"},
    {.name = "zero_crossings",
     FAMILY,
     .flags = KR_OP_ALONE,
     .run = RUN_REAL(zero_crossings),
     .in = {X, SETTING("window", "s", "10ms", "one tick..", "the newest of it count")},
     .field = {RING("crossed", BOOL, 0), STATE("count", I64, 1), STATE("sign", I32, 1),
               COEF("length", I64, 1)},
     .count = count_crossings,
     .prepare = prepare_crossings,
     .doc = "How often x changed its sign in the window; a zero has the sign before it"},
};
KR_FAMILY_DEFINE(hearing, "analysis");
#endif
KR_KERNELS(hearing, KR_REALS(log_spectrum), KR_REALS(log_vector), KR_REALS(mel), KR_REALS(flux),
           KR_REALS(onset), KR_REALS(pitch), KR_REALS(zero_crossings));

#else
#include "ops/pass.h"
#undef RFFT_FN
#if KR_PASS == 32
#define RFFT_FN(verb) KR_LEVEL_NAME(kr_rfft_f32_##verb)
#else
#define RFFT_FN(verb) KR_LEVEL_NAME(kr_rfft_f64_##verb)
#endif

// Input 0 at tick t.
static const REAL *FN(block_at)(const KrCall *call, uint32_t t) {
  return (const REAL *)call->in[0] +
         kr_call_stride(call, 0) * t * (size_t)kr_type_count(&call->in_type[0]);
}
// Rows to compute: one stands for all when the input is held.
static uint32_t FN(rows)(const KrCall *call) {
  if (call->held_out == NULL || (call->held & 1) == 0) return call->n;
  *call->held_out = 1;
  return 1;
}
KR_INLINE REAL FN(magnitude)(const REAL *bin) {
  return RF(sqrt)(bin[0] * bin[0] + bin[1] * bin[1]);
}
KR_INLINE REAL FN(log_of)(REAL x) { return RF(log)(x < (REAL)0x1p-100 ? (REAL)0x1p-100 : x); }

static void FN(log_spectrum)(const KrCall *call) {
  uint32_t bins = call->type->dim[0], rows = FN(rows)(call);
  REAL *restrict out = call->out[0];
  for (uint32_t t = 0; t < rows; t++, out += bins) {
    const REAL *x = FN(block_at)(call, t);
    for (size_t k = 0; k < bins; k++) out[k] = FN(log_of)(FN(magnitude)(x + 2 * k));
  }
}
static void FN(log_vector)(const KrCall *call) {
  uint32_t n = call->type->dim[0], rows = FN(rows)(call);
  REAL *restrict out = call->out[0];
  for (uint32_t t = 0; t < rows; t++, out += n) {
    const REAL *x = FN(block_at)(call, t);
    for (size_t k = 0; k < n; k++) out[k] = FN(log_of)(x[k]);
  }
}

static void FN(mel)(const KrCall *call) {
  const uint32_t *band = call->field[MEL_BAND];
  const REAL *weight = call->field[MEL_WEIGHT];
  uint32_t bins = call->in_type[0].dim[0], bands = call->type->dim[0], rows = FN(rows)(call);
  REAL *restrict out = call->out[0];
  for (uint32_t t = 0; t < rows; t++, out += bands) {
    const REAL *x = FN(block_at)(call, t);
    for (uint32_t b = 0; b < bands; b++) out[b] = 0;
    for (size_t k = 0; k < bins; k++) {
      if (band[k] == UINT32_MAX) continue;
      REAL energy = x[2 * k] * x[2 * k] + x[2 * k + 1] * x[2 * k + 1];
      if (band[k] < bands) out[band[k]] += weight[k] * energy;
      if (band[k] > 0) out[band[k] - 1] += (1 - weight[k]) * energy;
    }
  }
}

// Rises of all magnitudes over `before`, which becomes the new one; *same: nothing moved.
static REAL FN(rises)(const REAL *x, REAL *before, uint32_t bins, bool *same) {
  REAL sum = 0;
  *same = true;
  for (size_t k = 0; k < bins; k++) {
    REAL m = FN(keep)(FN(magnitude)(x + 2 * k)), rise = m - before[k];
    *same = *same && m == before[k];
    sum += rise > 0 ? rise : 0;
    before[k] = m;
  }
  return sum;
}
// Numbers of one lane are never held: every row is written.
static void FN(flux)(const KrCall *call) {
  REAL *before = call->field[FLUX_BEFORE], *value = call->field[FLUX_VALUE], *out = call->out[0];
  bool held = (call->held & 1) != 0, same;
  for (uint32_t t = 0; t < call->n; t++) {
    if (!held || t == 0) {
      REAL sum = FN(rises)(FN(block_at)(call, t), before, call->in_type[0].dim[0], &same);
      if (!same) *value = sum;
    }
    out[t] = *value;
  }
}

// The newest values into the ring, then oldest first into `frame`.
KR_INLINE void FN(take)(const KrCall *call, uint32_t t, uint32_t n) {
  REAL *ring = call->field[FIELD_INPUT];
  ring[(uint64_t)(call->tick + t) % n] =
      FN(keep)(((const REAL *)call->in[0])[t * kr_call_stride(call, 0)]);
}
KR_INLINE bool FN(is_due)(const KrCall *call, uint32_t t) {
  return (call->tick + t) % (int64_t) * (const double *)call->field[FIELD_HOP] == 0;
}

static REAL FN(frame_flux)(const KrCall *call, uint32_t t, uint32_t n, REAL *level) {
  const REAL *ring = call->field[FIELD_INPUT];
  REAL *work = call->field[FIELD_WORK], *frame = work + 2 * (size_t)n, *bins = frame + n;
  REAL *before = call->field[FIELD_BEFORE], sum = 0, all = 0;
  for (uint32_t i = 0; i < n; i++) frame[i] = ring[(uint64_t)(call->tick + t + 1 + i) % n];
  RFFT_FN(to_bins)(call->field[FIELD_PLAN], frame, call->field[FIELD_WINDOW], bins, work);
  for (size_t k = 0; k <= n / 2; k++) {
    REAL root = RF(sqrt)(FN(magnitude)(bins + 2 * k)), rise = root - before[k];
    sum += rise > 0 ? rise : 0;
    all += root;
    before[k] = root;
  }
  *level = all;
  return FN(keep)(sum);
}
// A frame begins a sound when its flux is well over those before and over a tenth of what sounds.
static REAL FN(judge)(const KrCall *call, uint32_t t, uint32_t n, REAL threshold) {
  const double *hop = call->field[FIELD_HOP];
  REAL *state = call->field[FIELD_STATE], mean = 0, level;
  REAL sum = FN(frame_flux)(call, t, n, &level), gap = (REAL)(hop[1] * 0.05);
  for (uint32_t i = 0; i < N_PAST; i++) mean += state[ONSET_PAST + i];
  mean /= N_PAST;
  REAL floor = state[ONSET_LEVEL] / 10 + (REAL)n / 2048;
  bool begins = sum > threshold * mean + floor && state[ONSET_SINCE] >= gap;
  for (uint32_t i = N_PAST - 1; i > 0; i--) state[ONSET_PAST + i] = state[ONSET_PAST + i - 1];
  state[ONSET_PAST] = sum;
  state[ONSET_LEVEL] = FN(keep)(level);
  REAL since = begins ? 0 : state[ONSET_SINCE];
  state[ONSET_SINCE] = since + (REAL)hop[0] < (REAL)0x1p20 ? since + (REAL)hop[0] : (REAL)0x1p20;
  return begins ? (REAL)1 : (REAL)0;
}
static void FN(onset)(const KrCall *call) {
  uint32_t n = ((const KrRfft *)call->field[FIELD_PLAN])->n;
  const REAL *threshold = call->in[1];
  REAL *out = call->out[0];
  for (uint32_t t = 0; t < call->n; t++) {
    FN(take)(call, t, n);
    REAL limit = threshold[t * kr_call_stride(call, 1)];
    out[t] = FN(is_due)(call, t) ? FN(judge)(call, t, n, limit) : 0;
  }
}

// Places in the pitch finder's memory.
typedef struct FN(Yin) {
  uint32_t n, half;
  double *frame, *part, *re[2], *im[2], *work, *lag;
} FN(Yin);
static FN(Yin) FN(open_yin)(const KrCall *call) {
  FN(Yin) yin = {.n = ((const KrRfft *)call->field[FIELD_PLAN])->n};
  const size_t n = yin.n, bins = n / 2 + 1;
  yin.half = yin.n / 2;
  yin.work = call->field[FIELD_WORK];
  yin.frame = yin.work + 2 * n;
  yin.part = yin.frame + n;
  yin.lag = yin.part + n;
  yin.re[0] = yin.lag + n;
  yin.im[0] = yin.re[0] + bins;
  yin.re[1] = yin.im[0] + bins;
  yin.im[1] = yin.re[1] + bins;
  return yin;
}
// lag[k]: difference of the first half of the frame from what is k later, over the mean of those
// of smaller lags. False: silence.
static bool FN(find_lags)(const KrCall *call, const FN(Yin) * yin) {
  const void *plan = call->field[FIELD_PLAN];
  double first = 0, sum = 0;
  for (uint32_t i = 0; i < yin->n; i++) yin->part[i] = i < yin->half ? yin->frame[i] : 0;
  KR_LEVEL_NAME(kr_rfft_f64_forward)(plan, yin->part, yin->re[0], yin->im[0], yin->work);
  KR_LEVEL_NAME(kr_rfft_f64_forward)(plan, yin->frame, yin->re[1], yin->im[1], yin->work);
  for (uint32_t k = 0; k <= yin->half; k++) {
    double a = yin->re[0][k], b = yin->im[0][k], c = yin->re[1][k], d = yin->im[1][k];
    yin->re[0][k] = a * c + b * d;
    yin->im[0][k] = a * d - b * c;
  }
  KR_LEVEL_NAME(kr_rfft_f64_inverse)(plan, yin->re[0], yin->im[0], yin->lag, yin->work);
  for (uint32_t i = 0; i < yin->half; i++) first += yin->frame[i] * yin->frame[i];
  if (!(first > 1e-12)) return false;
  double energy = first;
  for (uint32_t k = 0; k < yin->half; k++) {
    double d = first + energy - 2 * yin->lag[k];
    d = d > 0 ? d : 0;
    sum += k > 0 ? d : 0;
    energy += yin->frame[k + yin->half] * yin->frame[k + yin->half] - yin->frame[k] * yin->frame[k];
    yin->lag[k] = sum > 0 ? d * k / sum : 1;
  }
  return true;
}
// Ticks of a period, by a parabola through the first lag below the threshold that is a least one.
static double FN(find_period)(const FN(Yin) * yin, double threshold) {
  uint32_t k = 2;
  while (k + 1 < yin->half && !(yin->lag[k] < threshold)) k++;
  if (k + 1 >= yin->half) return 0;
  while (k + 2 < yin->half && yin->lag[k + 1] < yin->lag[k]) k++;
  double a = yin->lag[k - 1], b = yin->lag[k], c = yin->lag[k + 1], bend = a - 2 * b + c;
  double shift = bend > 0 ? (a - c) / (2 * bend) : 0;
  return k + (shift > -1 && shift < 1 ? shift : 0);
}
static void FN(pitch)(const KrCall *call) {
  const double *hop = call->field[FIELD_HOP];
  REAL *value = call->field[FIELD_STATE], *out = call->out[0];
  const REAL *ring = call->field[FIELD_INPUT], *threshold = call->in[1];
  const FN(Yin) yin = FN(open_yin)(call);
  for (uint32_t t = 0; t < call->n; t++) {
    FN(take)(call, t, yin.n);
    if (FN(is_due)(call, t)) {
      for (uint32_t i = 0; i < yin.n; i++)
        yin.frame[i] = (double)ring[(uint64_t)(call->tick + t + 1 + i) % yin.n];
      double period = 0;
      if (FN(find_lags)(call, &yin))
        period = FN(find_period)(&yin, (double)threshold[t * kr_call_stride(call, 1)]);
      *value = period > 0 ? (REAL)(hop[1] / period) : 0;
    }
    out[t] = *value;
  }
}

static void FN(zero_crossings)(const KrCall *call) {
  uint8_t *ring = call->field[CROSS_RING];
  int64_t *count = call->field[CROSS_COUNT], n = *(const int64_t *)call->field[CROSS_LENGTH];
  int32_t *sign = call->field[CROSS_SIGN];
  const REAL *x = call->in[0];
  REAL *out = call->out[0];
  for (uint32_t t = 0; t < call->n; t++) {
    REAL now = x[t * kr_call_stride(call, 0)];
    int32_t next = now > 0 ? 1 : now < 0 ? -1 : *sign;
    uint8_t crossed = next * *sign < 0, *entry = &ring[(call->tick + t) % n];
    *sign = next;
    *count += crossed - *entry;
    *entry = crossed;
    out[t] = (REAL)*count;
  }
}
#endif

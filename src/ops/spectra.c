// Spectra: transforms with a scale in which a partial of amplitude 1 on a bin has magnitude 1.
// Scale: bin k is 2 / sum(window) times the transform, the first and last bin 1 / sum(window).
#ifndef KR_PASS
#include "math/elementary.h"
#include "math/fft.h"
#include "math/sum.h"
#include "math/window.h"
#include "ops/kernel.h"
#include <string.h>

// The first two fields of every row that transforms: the plan, built inside the field's own memory,
// and scratch of 3 n numbers (work 2 n, signal n).
enum { FIELD_PLAN, FIELD_WORK, FIELD_WINDOW, FIELD_HOP, FIELD_INPUT, FIELD_SPECTRUM };
enum { FIELD_SUM = FIELD_INPUT, FIELD_BIN_HZ = 0 };
enum { MAX_SIZE = 1 << 20 };

#ifdef KR_ROWS
// What every size, choice and type below agree on.
typedef struct Layout {
  uint32_t size, bins, hop;
  KrWindow window;
} Layout;

static const KrPortValue *find_port(const KrPrep *prep, const char *name) {
  for (uint32_t i = 0; i < kr_op_ports(prep->op); i++)
    if (kr_text_is(kr_text_from(name), prep->op->in[i].name)) return &prep->port[i];
  return NULL;
}

// A whole constant from 1 to MAX_SIZE, 0 when it is none.
static uint32_t whole_port(const KrPortValue *port) {
  bool whole = port->kind == KR_VALUE_CONST && port->exact && port->ratio.den == 1 &&
               port->ratio.num > 0 && port->ratio.num <= MAX_SIZE;
  return whole ? (uint32_t)port->ratio.num : 0;
}

// Which sizes there are, and the nearest to the one asked for.
static const char *say_sizes(const KrPrep *prep, const KrPortValue *size) {
  static const char rule[] = "a transform's size must be even and 2^k, 3 2^k or 5 2^k, 2 to 2^20";
  if (prep->arena == NULL || size == NULL || size->kind != KR_VALUE_CONST) return rule;
  double asked = kr_f64_clamp(size->value, 2, MAX_SIZE);
  uint32_t below = kr_rfft_below(kr_f64_to_u32(kr_f64_floor(asked)));
  uint32_t above = kr_rfft_above(kr_f64_to_u32(kr_f64_ceil(asked)));
  const char *text =
      below == above
          ? kr_text_print(prep->arena, "%s; the nearest is %u", rule, below)
          : kr_text_print(prep->arena, "%s; the nearest are %u and %u", rule, below, above);
  return text != NULL ? text : rule;
}

static KrStatus read_layout(const KrPrep *prep, Layout *layout, const char **message) {
  const KrPortValue *size = find_port(prep, "size"), *hop = find_port(prep, "hop");
  const KrPortValue *window = find_port(prep, "window"), *x = &prep->port[0];
  *layout = (Layout){.window = window != NULL ? (KrWindow)window->choice : KR_WINDOW_RECT};
  layout->size = size != NULL ? whole_port(size) : x->type.dim[1];
  layout->bins = layout->size / 2 + 1;
  layout->hop = hop != NULL ? whole_port(hop) : 1;
  if (layout->size < 2 || layout->size > MAX_SIZE || !kr_rfft_can(layout->size))
    *message = say_sizes(prep, size);
  else if (layout->hop == 0 || layout->size % layout->hop != 0)
    *message = "the hop must divide the transform's size";
  else
    return KR_OK;
  return KR_ERROR_ARGUMENT;
}

static bool is_shape(const KrPrep *prep, KrShape shape, const char **message) {
  const KrPortValue *x = &prep->port[0];
  if (x->kind == KR_VALUE_STREAM && x->type.shape == shape) return true;
  *message = shape == KR_SHAPE_SPECTRUM ? "a spectrum is needed here, as fft gives it"
                                        : "a vector is needed here, as history gives it";
  return false;
}

static uint64_t count_spectra(const KrPrep *prep, uint32_t field) {
  Layout layout;
  const char *message;
  if (read_layout(prep, &layout, &message) != KR_OK) return 1;
  switch (field) {
  case FIELD_PLAN: return kr_rfft_bytes(layout.size, kr_elem_bytes(prep->elem));
  case FIELD_WORK: return 3 * (uint64_t)layout.size;
  case FIELD_SPECTRUM: return 2 * (uint64_t)layout.bins;
  default: return layout.size;
  }
}

static void put_plan(const KrPrep *prep, uint32_t size) {
  kr_rfft_init(prep->field[FIELD_PLAN], size, kr_elem_bytes(prep->elem));
}

static double window_sum(const Layout *layout) {
  double sum = 0;
  for (uint32_t i = 0; i < layout->size; i++) sum += kr_window_at(layout->window, i, layout->size);
  return sum;
}

// Window times 2 / its sum.
static void put_window(const KrPrep *prep, const Layout *layout) {
  double scale = 2 / window_sum(layout);
  for (uint32_t i = 0; i < layout->size; i++)
    kr_prep_put(prep, FIELD_WINDOW, i, kr_window_at(layout->window, i, layout->size) * scale);
}

static KrStatus prepare_fft(const KrPrep *prep, const char **message) {
  Layout layout;
  KR_TRY(read_layout(prep, &layout, message));
  put_window(prep, &layout);
  put_plan(prep, layout.size);
  return KR_OK;
}
static KrStatus prepare_stft(const KrPrep *prep, const char **message) {
  Layout layout;
  KR_TRY(read_layout(prep, &layout, message));
  FIELD_AT(prep, FIELD_HOP, uint32_t)[0] = layout.hop;
  put_window(prep, &layout);
  put_plan(prep, layout.size);
  return KR_OK;
}
static KrStatus prepare_ifft(const KrPrep *prep, const char **message) {
  Layout layout;
  KR_TRY(read_layout(prep, &layout, message));
  put_plan(prep, layout.size);
  return KR_OK;
}

// Synthesis window: the analysis window divided by the sum over all frames of both together, so
// that istft(stft(x)) is x again.
static KrStatus prepare_istft(const KrPrep *prep, const char **message) {
  Layout layout;
  KR_TRY(read_layout(prep, &layout, message));
  double sum = window_sum(&layout);
  for (uint32_t i = 0; i < layout.hop; i++) {
    double both = 0;
    for (uint32_t k = i; k < layout.size; k += layout.hop) {
      double w = kr_window_at(layout.window, k, layout.size);
      both += w * w;
    }
    if (!(both > 1e-6)) {
      *message = "the hop is too long for this window: some samples would be lost";
      return KR_ERROR_ARGUMENT;
    }
    for (uint32_t k = i; k < layout.size; k += layout.hop)
      kr_prep_put(prep, FIELD_WINDOW, k,
                  kr_window_at(layout.window, k, layout.size) * (sum / layout.size / both));
  }
  FIELD_AT(prep, FIELD_HOP, uint32_t)[0] = layout.hop;
  put_plan(prep, layout.size);
  return KR_OK;
}

static KrStatus prepare_centroid(const KrPrep *prep, const char **message) {
  double rate = prep->port[1].value;
  (void)message;
  kr_prep_put(prep, FIELD_BIN_HZ, 0, rate / prep->port[0].type.dim[1]);
  return KR_OK;
}

static KrStatus type_of_spectrum(const KrPrep *prep, KrType *type, const char **message) {
  Layout layout;
  KR_TRY(read_layout(prep, &layout, message));
  *type = (KrType){prep->elem, KR_SHAPE_SPECTRUM, {layout.bins, layout.size, 1}};
  return KR_OK;
}
static KrStatus type_of_fft(const KrPrep *prep, KrType *type, const char **message) {
  KR_TRY(type_of_spectrum(prep, type, message));
  if (!is_shape(prep, KR_SHAPE_VECTOR, message)) return KR_ERROR_ARGUMENT;
  if (prep->port[0].type.dim[0] == type->dim[1]) return KR_OK;
  *message = "the vector must be as long as the transform's size";
  return KR_ERROR_ARGUMENT;
}
static KrStatus type_of_ifft(const KrPrep *prep, KrType *type, const char **message) {
  if (!is_shape(prep, KR_SHAPE_SPECTRUM, message)) return KR_ERROR_ARGUMENT;
  *type = (KrType){prep->elem, KR_SHAPE_VECTOR, {prep->port[0].type.dim[1], 1, 1}};
  return KR_OK;
}
static KrStatus type_of_bins_kept(const KrPrep *prep, KrType *type, const char **message) {
  if (!is_shape(prep, KR_SHAPE_SPECTRUM, message)) return KR_ERROR_ARGUMENT;
  *type = prep->port[0].type;
  return KR_OK;
}
static KrStatus type_of_bins(const KrPrep *prep, KrType *type, const char **message) {
  if (!is_shape(prep, KR_SHAPE_SPECTRUM, message)) return KR_ERROR_ARGUMENT;
  *type = (KrType){prep->elem, KR_SHAPE_VECTOR, {prep->port[0].type.dim[0], 1, 1}};
  return KR_OK;
}
static KrStatus type_of_number(const KrPrep *prep, KrType *type, const char **message) {
  if (!is_shape(prep, KR_SHAPE_SPECTRUM, message)) return KR_ERROR_ARGUMENT;
  *type = KR_TYPE_SCALAR(prep->elem);
  return KR_OK;
}
#endif

#define KR_PASS 32
#include "ops/spectra.c"
#undef KR_PASS
#define KR_PASS 64
#include "ops/spectra.c"
#undef KR_PASS

#ifdef KR_ROWS
#define SPECTRUM PORT("x", SPECTRUM, "spectrum")
#define SIZE SETTING("size", "", "1024", "2..2^20", "length: even and 2^k, 3 2^k or 5 2^k")
#define HOP SETTING("hop", "", "256", "divides the size", "ticks from one transform to the next")
#define WINDOW CHOICE("window", "hann", "rect|hann|hamming|blackman", "window, periodic")
#define TRANSFORM_FIELDS COEF("plan", BOOL, 0), COEF("work", CALL, 0)
#define FAMILY .family = "spectra", .flags = KR_OP_HOLDS
static const KrOp OPS[] = {
    {.name = "fft",
     FAMILY,
     .core = KR_CORE_FFT,
     .run = RUN_REAL(fft),
     .in = {PORT("x", VECTOR, "a vector, or a stream: then its newest `size` ticks"), SIZE, WINDOW},
     .field = {TRANSFORM_FIELDS, COEF("window", CALL, 0)},
     .count = count_spectra,
     .type = type_of_fft,
     .prepare = prepare_fft,
     .doc = "Spectrum of `size` values, 0 to half the rate; a partial of amplitude 1 on a bin has "
            "magnitude 1, the first bin is the mean"},
    {.name = "ifft",
     FAMILY,
     .run = RUN_REAL(ifft),
     .in = {SPECTRUM},
     .field = {TRANSFORM_FIELDS},
     .count = count_spectra,
     .type = type_of_ifft,
     .prepare = prepare_ifft,
     .doc = "Vector of a spectrum: undoes fft with window=rect"},
    {.name = "stft",
     FAMILY,
     .run = RUN_REAL(stft),
     .in = {SIGNAL("x", NULL, NULL, NULL, "input"), SIZE, HOP, WINDOW},
     .field = {TRANSFORM_FIELDS, COEF("window", CALL, 0), COEF("hop", U32, 1),
               RING("input", CALL, 0), STATE("spectrum", CALL, 0)},
     .count = count_spectra,
     .type = type_of_spectrum,
     .prepare = prepare_stft,
     .doc = "Spectrum of the newest `size` ticks, computed at every tick that is a multiple of hop "
            "and held between; zeros before the start"},
    {.name = "istft",
     FAMILY,
     .run = RUN_REAL(istft),
     .in = {SPECTRUM, HOP, WINDOW},
     .field = {TRANSFORM_FIELDS, COEF("window", CALL, 0), COEF("hop", U32, 1),
               RING("sum", CALL, 0)},
     .count = count_spectra,
     .type = type_of_number,
     .prepare = prepare_istft,
     .doc =
         "Signal of spectra by overlap-add: takes one at every multiple of hop. With the hop and "
         "window of stft, istft(stft(x)) is x, size - 1 ticks later"},
    {.name = "magnitude",
     FAMILY,
     .run = RUN_REAL(magnitude),
     .in = {SPECTRUM},
     .type = type_of_bins,
     .doc = "Vector of the magnitudes of all bins"},
    {.name = "phase",
     FAMILY,
     .run = RUN_REAL(phase),
     .in = {SPECTRUM},
     .type = type_of_bins,
     .doc = "Vector of the angles of all bins, radians -pi..pi"},
    {.name = "threshold",
     FAMILY,
     .run = RUN_REAL(threshold),
     .in = {SPECTRUM, SIGNAL("level", "", NULL, "0..", "least magnitude that passes")},
     .type = type_of_bins_kept,
     .doc = "Spectral gate: the bins of magnitude level or more, the others 0"},
    {.name = "centroid",
     FAMILY,
     .run = RUN_REAL(centroid),
     .in = {SPECTRUM, SETTING("rate", "Hz", "48000Hz", "above 0", "rate of what was transformed")},
     .field = {COEF("bin_hz", CALL, 1)},
     .type = type_of_number,
     .prepare = prepare_centroid,
     .doc = "Centre of the magnitudes in Hz: sum(f m) / sum(m); 0 when all are 0"},
};
KR_FAMILY_DEFINE(spectra, "spectra");
#endif
KR_KERNELS(spectra, KR_REALS(fft), KR_REALS(ifft), KR_REALS(stft), KR_REALS(istft),
           KR_REALS(magnitude), KR_REALS(phase), KR_REALS(threshold), KR_REALS(centroid));

#else
#include "ops/pass.h"
#undef RFFT_FN
#undef SUM
#undef SUM_FN
#if KR_PASS == 32
#define RFFT_FN(verb) KR_LEVEL_NAME(kr_rfft_f32_##verb)
#define SUM KrSumF32
#define SUM_FN(name) kr_sum_f32_##name
#else
#define RFFT_FN(verb) KR_LEVEL_NAME(kr_rfft_f64_##verb)
#define SUM KrSumF64
#define SUM_FN(name) kr_sum_f64_##name
#endif

static uint32_t FN(size_of)(const KrCall *call) {
  return ((const KrRfft *)call->field[FIELD_PLAN])->n;
}
// Input 0 at tick t.
static const REAL *FN(block_at)(const KrCall *call, uint32_t t) {
  return (const REAL *)call->in[0] +
         kr_call_stride(call, 0) * t * (size_t)kr_type_count(&call->in_type[0]);
}
// Rows to compute: one stands for all when every input is held.
static uint32_t FN(rows)(const KrCall *call, uint64_t inputs) {
  if (call->held_out == NULL || (call->held & inputs) != inputs) return call->n;
  *call->held_out = 1;
  return 1;
}

// Values times the window to bins.
static void FN(forward)(const KrCall *call, const REAL *x, REAL *bins) {
  RFFT_FN(to_bins)
  (call->field[FIELD_PLAN], x, call->field[FIELD_WINDOW], bins, call->field[FIELD_WORK]);
}
// Bins to n values.
static REAL *FN(backward)(const KrCall *call, const REAL *bins) {
  const KrRfft *plan = call->field[FIELD_PLAN];
  REAL *work = call->field[FIELD_WORK];
  RFFT_FN(from_bins)(plan, bins, (REAL)plan->n / 2, work, work);
  return work;
}

static void FN(fft)(const KrCall *call) {
  uint32_t rows = FN(rows)(call, 1);
  REAL *out = call->out[0];
  for (uint32_t t = 0; t < rows; t++, out += kr_type_count(call->type))
    FN(forward)(call, FN(block_at)(call, t), out);
}

static void FN(ifft)(const KrCall *call) {
  uint32_t n = FN(size_of)(call), rows = FN(rows)(call, 1);
  REAL *out = call->out[0];
  for (uint32_t t = 0; t < rows; t++, out += n)
    memcpy(out, FN(backward)(call, FN(block_at)(call, t)), n * sizeof *out);
}

// Ticks t … t + n - 1 of input 0 into the ring of `size`.
static void FN(put_ring)(const KrCall *call, REAL *ring, uint32_t size, uint32_t t, uint32_t n) {
  const REAL *x = call->in[0];
  size_t stride = kr_call_stride(call, 0);
  for (uint32_t done = 0, part; done < n; done += part) {
    uint32_t at = (uint32_t)((call->tick + t + done) % size);
    part = n - done < size - at ? n - done : size - at;
    const REAL *from = x + (t + done) * stride;
    for (size_t i = 0; i < part; i++) ring[at + i] = from[i * stride];
  }
}
// The spectrum of the `n` newest ticks, the newest at `now` of the ring.
static void FN(put_spectrum)(const KrCall *call, uint32_t now) {
  const REAL *ring = call->field[FIELD_INPUT];
  uint32_t n = FN(size_of)(call), oldest = now + 1 == n ? 0 : now + 1;
  REAL *signal = (REAL *)call->field[FIELD_WORK] + 2 * (size_t)n;
  memcpy(signal, ring + oldest, (n - oldest) * sizeof *signal);
  memcpy(signal + (n - oldest), ring, oldest * sizeof *signal);
  FN(forward)(call, signal, call->field[FIELD_SPECTRUM]);
}

// A call in which no spectrum begins but at its first tick has one row.
static void FN(stft)(const KrCall *call) {
  REAL *ring = call->field[FIELD_INPUT], *out = call->out[0];
  const REAL *spectrum = call->field[FIELD_SPECTRUM];
  uint32_t size = FN(size_of)(call), hop = *(const uint32_t *)call->field[FIELD_HOP];
  size_t count = (size_t)kr_type_count(call->type);
  uint32_t rest = (uint32_t)(call->tick % hop), t = 0;
  bool one_row = call->held_out != NULL && (rest == 0 ? hop : hop - rest) >= call->n;
  if (one_row) *call->held_out = 1;
  while (t < call->n) {
    uint32_t until = rest == 0 ? 0 : hop - rest; // ticks before the next spectrum
    bool begins = until < call->n - t;
    uint32_t n = begins ? until + 1 : call->n - t;
    FN(put_ring)(call, ring, size, t, n);
    for (uint32_t i = 0; i < n - begins && !one_row; i++)
      memcpy(out + (t + i) * count, spectrum, count * sizeof *out);
    t += n;
    rest = 1 % hop;
    if (!begins) break;
    FN(put_spectrum)(call, (uint32_t)((call->tick + t - 1) % size));
    if (!one_row) memcpy(out + (t - 1) * count, spectrum, count * sizeof *out);
  }
  if (one_row) memcpy(out, spectrum, count * sizeof *out);
}

static void FN(overlap)(REAL *restrict sum, const REAL *restrict frame, const REAL *restrict window,
                        size_t n) {
  for (size_t i = 0; i < n; i++) sum[i] = FN(keep)(sum[i] + frame[i] * window[i]);
}
// The ring holds sums of samples not yet complete; that of tick k - size + 1 is complete at k.
static void FN(istft)(const KrCall *call) {
  const REAL *window = call->field[FIELD_WINDOW];
  REAL *ring = call->field[FIELD_SUM], *out = call->out[0];
  uint32_t size = FN(size_of)(call), hop = *(const uint32_t *)call->field[FIELD_HOP];
  uint32_t rest = (uint32_t)(call->tick % hop), n;
  uint32_t first = (uint32_t)((call->tick + 1) % size);
  for (uint32_t t = 0; t < call->n; t += n) {
    if (rest == 0) {
      const REAL *frame = FN(backward)(call, FN(block_at)(call, t));
      FN(overlap)(ring + first, frame, window, size - first);
      FN(overlap)(ring, frame + (size - first), window + (size - first), first);
    }
    n = hop - rest < call->n - t ? hop - rest : call->n - t;
    n = n < size - first ? n : size - first;
    memcpy(out + t, ring + first, n * sizeof *out);
    memset(ring + first, 0, n * sizeof *out);
    first = first + n == size ? 0 : first + n;
    rest = rest + n == hop ? 0 : rest + n;
  }
}

static void FN(magnitude)(const KrCall *call) {
  uint32_t bins = call->type->dim[0], rows = FN(rows)(call, 1);
  REAL *restrict out = call->out[0];
  for (uint32_t t = 0; t < rows; t++, out += bins) {
    const REAL *x = FN(block_at)(call, t);
    for (size_t k = 0; k < bins; k++)
      out[k] = RF(sqrt)(x[2 * k] * x[2 * k] + x[2 * k + 1] * x[2 * k + 1]);
  }
}

static void FN(phase)(const KrCall *call) {
  uint32_t bins = call->type->dim[0], rows = FN(rows)(call, 1);
  REAL *restrict out = call->out[0];
  for (uint32_t t = 0; t < rows; t++, out += bins) {
    const REAL *x = FN(block_at)(call, t);
    for (size_t k = 0; k < bins; k++) out[k] = RF(atan2)(x[2 * k + 1], x[2 * k]);
  }
}

// Magnitudes are compared by their squares.
static void FN(threshold)(const KrCall *call) {
  uint32_t bins = call->type->dim[0], rows = FN(rows)(call, 3);
  const REAL *levels = call->in[1];
  REAL *restrict out = call->out[0];
  for (uint32_t t = 0; t < rows; t++, out += 2 * (size_t)bins) {
    const REAL *restrict x = FN(block_at)(call, t);
    REAL level = levels[t * kr_call_stride(call, 1)];
    REAL least = level > 0 ? level * level : 0;
    for (size_t k = 0; k < bins; k++) {
      REAL re = x[2 * k], im = x[2 * k + 1];
      bool passes = re * re + im * im >= least;
      out[2 * k] = passes ? re : 0;
      out[2 * k + 1] = passes ? im : 0;
    }
  }
}

static REAL FN(centroid_of)(const REAL *x, uint32_t bins, REAL bin_hz) {
  SUM weighted, all;
  SUM_FN(begin)(&weighted);
  SUM_FN(begin)(&all);
  for (size_t k = 0; k < bins; k++) {
    REAL m = RF(sqrt)(x[2 * k] * x[2 * k] + x[2 * k + 1] * x[2 * k + 1]);
    SUM_FN(add)(&weighted, m * (REAL)k * bin_hz);
    SUM_FN(add)(&all, m);
  }
  REAL total = SUM_FN(end)(&all);
  return total > 0 ? SUM_FN(end)(&weighted) / total : 0;
}
// Numbers of one lane are never held: every row is written.
static void FN(centroid)(const KrCall *call) {
  const REAL bin_hz = *(const REAL *)call->field[FIELD_BIN_HZ];
  bool held = (call->held & 1) != 0;
  REAL *out = call->out[0];
  for (uint32_t t = 0; t < call->n; t++)
    out[t] = held && t > 0
                 ? out[0]
                 : FN(centroid_of)(FN(block_at)(call, t), call->in_type[0].dim[0], bin_hz);
}
#endif

// Pictures of values: sizes, scales and histories; the drawing itself is src/image/draw.
#ifndef KR_PASS
#include "image/draw.h"
#include "ops/kernel.h"
#include <string.h>

enum { FIELD_VALUES, FIELD_RANGE, FIELD_OPTION, FIELD_HISTORY };
enum { RANGE_MIN, RANGE_MAX, RANGE_DT };
enum { TEXT_IMAGE };
enum { LAYER_BLEND, LAYER_X, LAYER_Y, LAYER_PIXELS };
enum { MAX_SIDE = 8192, MAX_POINTS = 65536 };

static KrStatus refuse(const char **message, const char *text) {
  *message = text;
  return KR_ERROR_ARGUMENT;
}

static const KrPortValue *find_port(const KrPrep *prep, const char *name) {
  for (uint32_t i = 0; i < kr_op_ports(prep->op); i++)
    if (kr_text_is(kr_text_from(name), prep->op->in[i].name)) return &prep->port[i];
  return NULL;
}

// A whole constant 1..most, `preset` for `auto`, 0 for anything else.
static uint32_t whole_of(const KrPrep *prep, const char *name, uint32_t most, uint32_t preset) {
  const KrPortValue *port = find_port(prep, name);
  if (port == NULL || port->kind != KR_VALUE_CONST) return preset;
  bool fits = port->value >= 1 && port->value <= most;
  return fits && port->value == (double)(uint32_t)port->value ? (uint32_t)port->value : 0;
}

static KrStatus type_of_size(const KrPrep *prep, uint32_t width, uint32_t height, KrType *type,
                             const char **message) {
  width = whole_of(prep, "width", MAX_SIDE, width);
  height = whole_of(prep, "height", MAX_SIDE, height);
  *type = (KrType){KR_ELEM_BOOL, KR_SHAPE_IMAGE, {width, height, 1}};
  if (width != 0 && height != 0) return KR_OK;
  return refuse(message, "width and height must be whole, 1 to 8192 pixels");
}

static KrStatus check_shape(const KrPrep *prep, KrShape shape, const char **message) {
  const KrPortValue *x = &prep->port[0];
  if (x->kind == KR_VALUE_STREAM && x->type.shape == shape) return KR_OK;
  return refuse(message, shape == KR_SHAPE_SPECTRUM ? "a spectrum is needed here, as fft gives it"
                         : shape == KR_SHAPE_VECTOR ? "a vector is needed here, as history gives it"
                         : shape == KR_SHAPE_IMAGE  ? "a picture is needed here"
                                                    : "a field is needed here");
}

static KrStatus type_of_spectrum(const KrPrep *prep, KrType *type, const char **message) {
  KR_TRY(check_shape(prep, KR_SHAPE_SPECTRUM, message));
  return type_of_size(prep, 640, 240, type, message);
}
static KrStatus type_of_vector(const KrPrep *prep, KrType *type, const char **message) {
  KR_TRY(check_shape(prep, KR_SHAPE_VECTOR, message));
  return type_of_size(prep, 640, 80, type, message);
}
static KrStatus type_of_waveform(const KrPrep *prep, KrType *type, const char **message) {
  KR_TRY(check_shape(prep, KR_SHAPE_VECTOR, message));
  return type_of_size(prep, 640, 240, type, message);
}
// Cells become squares; about 512 pixels wide.
static KrStatus type_of_field(const KrPrep *prep, KrType *type, const char **message) {
  KR_TRY(check_shape(prep, KR_SHAPE_FIELD, message));
  const uint32_t *dim = prep->port[0].type.dim;
  if (dim[0] > MAX_SIDE || dim[1] > MAX_SIDE) return type_of_size(prep, 512, 512, type, message);
  uint32_t side = dim[0] > dim[1] ? dim[0] : dim[1], scale = side < 512 ? 512 / side : 1;
  uint32_t height = dim[1] > 1 ? dim[1] * scale : 80;
  return type_of_size(prep, dim[0] * scale, height, type, message);
}
static KrStatus type_of_plot(const KrPrep *prep, KrType *type, const char **message) {
  return type_of_size(prep, 640, 360, type, message);
}
static KrStatus type_of_layer(const KrPrep *prep, KrType *type, const char **message) {
  KR_TRY(check_shape(prep, KR_SHAPE_IMAGE, message));
  if (prep->port[1].type.shape != KR_SHAPE_IMAGE)
    return refuse(message, "a picture is needed here");
  *type = prep->port[0].type;
  return KR_OK;
}

static uint32_t text_scale(const KrPrep *prep) { return whole_of(prep, "scale", 64, 0); }
static KrStatus type_of_text(const KrPrep *prep, KrType *type, const char **message) {
  uint32_t scale = text_scale(prep);
  if (scale == 0) return refuse(message, "scale must be whole, 1 to 64");
  KrText text = prep->port[0].text;
  uint32_t width = kr_font_text_width(text, scale) + 2 * KR_FONT_WIDTH * scale;
  uint32_t height = kr_font_text_height(text, scale) + KR_FONT_HEIGHT * scale;
  return type_of_size(prep, width < MAX_SIDE ? width : MAX_SIDE,
                      height < MAX_SIDE ? height : MAX_SIDE, type, message);
}

// Rows of the history a picture keeps.
static uint32_t history_rows(const KrPrep *prep) { return whole_of(prep, "points", MAX_POINTS, 0); }

static uint64_t count_pictures(const KrPrep *prep, uint32_t field) {
  const KrType *x = &prep->port[0].type;
  bool stream = prep->port[0].kind == KR_VALUE_STREAM && x->shape != KR_SHAPE_SCALAR;
  uint64_t values = stream ? kr_type_count(x) : 1, rows = history_rows(prep);
  rows = rows > 0 ? rows : 1;
  if (kr_text_is(kr_text_from(prep->op->name), "text")) return kr_type_count(&prep->type);
  if (kr_text_is(kr_text_from(prep->op->name), "plot")) return rows;
  if (kr_text_is(kr_text_from(prep->op->name), "layer")) return kr_type_count(&prep->port[1].type);
  if (field == FIELD_HISTORY) return rows * x->dim[0];
  return values > 0 ? values : 1;
}

// Range of the scale; NaN stands for `auto`.
static KrStatus prepare_range(const KrPrep *prep, const char **message) {
  const char *const names[2] = {"vmin", "vmax"};
  double *range = FIELD_AT(prep, FIELD_RANGE, double);
  for (int i = 0; i < 2; i++) {
    const KrPortValue *port = find_port(prep, names[i]);
    range[i] = port->kind == KR_VALUE_CONST ? port->value : kr_f64_nan();
  }
  range[RANGE_DT] = (double)prep->dt.num / (double)prep->dt.den;
  const KrPortValue *palette = find_port(prep, "palette");
  FIELD_AT(prep, FIELD_OPTION, uint32_t)[0] = palette != NULL ? palette->choice : 0;
  if (find_port(prep, "points") == NULL) return KR_OK;
  FIELD_AT(prep, FIELD_OPTION, uint32_t)[1] = history_rows(prep);
  if (history_rows(prep) == 0) return refuse(message, "points must be whole, 1 to 65536");
  return KR_OK;
}

static KrStatus prepare_text(const KrPrep *prep, const char **message) {
  (void)message;
  KrImage image = {prep->type.dim[0], prep->type.dim[1], prep->field[TEXT_IMAGE]};
  KrDrawColors colors = kr_draw_colors();
  uint32_t scale = text_scale(prep);
  KrFontStyle style = {{255, 255, 255, 255}, scale, NULL};
  kr_image_fill(&image, colors.background);
  kr_font_draw(&image, (int32_t)(KR_FONT_WIDTH * scale), (int32_t)(KR_FONT_HEIGHT / 2 * scale),
               prep->port[0].text, &style);
  return KR_OK;
}

static KrStatus prepare_layer(const KrPrep *prep, const char **message) {
  const KrPortValue *x = find_port(prep, "x"), *y = find_port(prep, "y");
  if (!(x->value >= -MAX_SIDE && x->value <= MAX_SIDE && y->value >= -MAX_SIDE &&
        y->value <= MAX_SIDE))
    return refuse(message, "x and y must be -8192 to 8192 pixels");
  FIELD_AT(prep, LAYER_BLEND, uint32_t)[0] = find_port(prep, "blend")->choice;
  FIELD_AT(prep, LAYER_X, int32_t)[0] = kr_f64_to_i32(kr_f64_round(x->value));
  FIELD_AT(prep, LAYER_Y, int32_t)[0] = kr_f64_to_i32(kr_f64_round(y->value));
  return KR_OK;
}

// The set range; an end left to `auto` comes from the values or, with `level`, is -100 or 0 dB.
static KrDrawRange range_of(const KrCall *call, const double *values, size_t n, bool level) {
  const double *set = call->field[FIELD_RANGE];
  KrDrawRange range = level ? (KrDrawRange){-100, 0} : kr_draw_range(values, n);
  if (set[RANGE_MIN] == set[RANGE_MIN]) range.min = set[RANGE_MIN];
  if (set[RANGE_MAX] == set[RANGE_MAX]) range.max = set[RANGE_MAX];
  return range;
}
static KrPalette palette_of(const KrCall *call) {
  return (KrPalette) * (const uint32_t *)call->field[FIELD_OPTION];
}
static KrImage image_at(const KrCall *call, uint32_t t) {
  size_t n_bytes = (size_t)kr_type_count(call->type);
  return (KrImage){call->type->dim[0], call->type->dim[1], (uint8_t *)call->out[0] + t * n_bytes};
}

static void text_copy(const KrCall *call) {
  size_t n_bytes = (size_t)kr_type_count(call->type);
  for (uint32_t t = 0; t < call->n; t++)
    memcpy(image_at(call, t).rgba, call->field[TEXT_IMAGE], n_bytes);
}

#define KR_PASS 32
#include "ops/pictures.c"
#undef KR_PASS
#define KR_PASS 64
#include "ops/pictures.c"
#undef KR_PASS

#define PALETTE(preset) CHOICE("palette", preset, "grayscale|fire|viridis|coolwarm", "colours")
#define AUTO(name, unit, range, doc)                                                               \
  { name, KR_PORT_CONST, unit, "auto", "auto", range, doc }
#define SCALE(what)                                                                                \
  AUTO("vmin", NULL, NULL, "lower end of the scale; auto: " what),                                 \
      AUTO("vmax", NULL, NULL, "upper end of the scale; auto: " what)
#define SIZE(w, h)                                                                                 \
  AUTO("width", "px", "1..8192", "pixels; auto: " w),                                              \
      AUTO("height", "px", "1..8192", "pixels; auto: " h)
#define POINTS(n) SETTING("points", "", n, "1..65536", "ticks kept and shown")
#define IMAGE_FIELDS COEF("values", F64, 0), COEF("range", F64, 3), COEF("option", U32, 2)
#define FAMILY .family = "pictures", .count = count_pictures
#define RANGED .prepare = prepare_range
static const KrOp OPS[] = {
    {.name = "colorize",
     FAMILY,
     RANGED,
     .run = RUN_REAL(colorize_spectrum),
     .in = {PORT("x", SPECTRUM, "spectrum"), PALETTE("fire"), SCALE("-100 to 0 dB"),
            SIZE("640", "240")},
     .field = {IMAGE_FIELDS},
     .type = type_of_spectrum,
     .doc = "Bars of a spectrum in dB, lowest frequency at the left, coloured by their height"},
    {.name = "colorize",
     FAMILY,
     RANGED,
     .run = RUN_REAL(colorize),
     .in = {PORT("x", VECTOR, "vector"), PALETTE("fire"), SCALE("of the values of the tick"),
            SIZE("640", "80")},
     .field = {IMAGE_FIELDS},
     .type = type_of_vector,
     .doc = "A vector as stripes of colour, first value at the left"},
    {.name = "colorize",
     FAMILY,
     RANGED,
     .run = RUN_REAL(colorize),
     .in = {PORT("x", FIELD, "field"), PALETTE("fire"), SCALE("of the cells of the tick"),
            SIZE("about 512, cells square", "as wide, 80 in one dimension")},
     .field = {IMAGE_FIELDS},
     .type = type_of_field,
     .doc = "A field as cells of colour, first row on top; NaN is transparent"},
    {.name = "waveform",
     FAMILY,
     RANGED,
     .run = RUN_REAL(waveform),
     .in = {PORT("x", VECTOR, "vector, as history gives it"),
            AUTO("vmin", NULL, NULL, "lower end; auto: -1"),
            AUTO("vmax", NULL, NULL, "upper end; auto: 1"), SIZE("640", "240")},
     .field = {IMAGE_FIELDS},
     .type = type_of_waveform,
     .doc = "A vector as a sound wave around 0"},
    {.name = "spectrogram",
     FAMILY,
     RANGED,
     .run = RUN_REAL(spectrogram),
     .in = {PORT("x", SPECTRUM, "spectrum"), PALETTE("fire"), SCALE("-100 to 0 dB"), POINTS("256"),
            SIZE("640", "240")},
     .field = {IMAGE_FIELDS, STATE("history", F64, 0)},
     .type = type_of_spectrum,
     .doc = "The newest spectra side by side, newest at the right, lowest frequency at the bottom"},
    {.name = "plot",
     FAMILY,
     RANGED,
     .run = RUN_REAL(plot),
     .in = {SIGNAL("x", NULL, NULL, NULL, "value of each tick"), SCALE("of the values shown"),
            POINTS("256"), SIZE("640", "360")},
     .field = {IMAGE_FIELDS, RING("history", F64, 0)},
     .type = type_of_plot,
     .doc = "Curve of the newest ticks over time in seconds"},
    {.name = "text",
     FAMILY,
     .prepare = prepare_text,
     .type = type_of_text,
     .run = {[KR_ELEM_F32] = text_copy, [KR_ELEM_F64] = text_copy},
     .in = {{"string", KR_PORT_TEXT, NULL, NULL, NULL, NULL, "what it says"},
            SETTING("scale", "", "2", "1..64", "pixels per pixel of the font"),
            SIZE("of the text", "of the text")},
     .field = {COEF("image", BOOL, 0)},
     .doc = "White text on the dark ground, in the built-in font"},
    {.name = "layer",
     FAMILY,
     .prepare = prepare_layer,
     .type = type_of_layer,
     .run = RUN_REAL(layer),
     .in = {PORT("a", IMAGE, "picture below; gives the size"), PORT("b", IMAGE, "picture on top"),
            CHOICE("blend", "over", "over|add|multiply|screen|lighten|darken|difference",
                   "how they meet"),
            SIGNAL("opacity", "", "1", "0..1", "of the upper one"),
            SETTING("x", "px", "0", NULL, "left edge of b"),
            SETTING("y", "px", "0", NULL, "top edge of b")},
     .field = {COEF("blend", U32, 1), COEF("x", I32, 1), COEF("y", I32, 1),
               COEF("pixels", BOOL, 0)},
     .doc = "One picture over another"},
};
KR_FAMILY_DEFINE(pictures, "pictures");

#else
#include "ops/pass.h"

// Values of input 0 at tick t, as doubles.
static double *FN(values_at)(const KrCall *call, uint32_t t) {
  size_t n = (size_t)kr_type_count(&call->in_type[0]);
  const REAL *x = (const REAL *)call->in[0] + kr_call_stride(call, 0) * t * n;
  double *values = call->field[FIELD_VALUES];
  for (size_t i = 0; i < n; i++) values[i] = (double)x[i];
  return values;
}
// Magnitudes of a spectrum at tick t.
static uint32_t FN(magnitudes_at)(const KrCall *call, uint32_t t, double *magnitudes) {
  const double *x = FN(values_at)(call, t);
  uint32_t bins = call->in_type[0].dim[0];
  for (uint32_t k = 0; k < bins; k++)
    magnitudes[k] = kr_f64_sqrt(x[2 * k] * x[2 * k] + x[2 * k + 1] * x[2 * k + 1]);
  return bins;
}

static void FN(colorize_spectrum)(const KrCall *call) {
  double *magnitudes = call->field[FIELD_VALUES];
  for (uint32_t t = 0; t < call->n; t++) {
    KrImage image = image_at(call, t);
    uint32_t bins = FN(magnitudes_at)(call, t, magnitudes);
    kr_draw_spectrum(&image, magnitudes, bins, range_of(call, NULL, 0, true), palette_of(call));
  }
}

static void FN(colorize)(const KrCall *call) {
  const uint32_t *dim = call->in_type[0].dim;
  size_t n = (size_t)kr_type_count(&call->in_type[0]);
  for (uint32_t t = 0; t < call->n; t++) {
    KrImage image = image_at(call, t);
    const double *values = FN(values_at)(call, t);
    KrDrawCells cells = {values, dim[0], (uint32_t)(n / dim[0])};
    kr_draw_colorize(&image, cells, range_of(call, values, n, false), palette_of(call));
  }
}

static void FN(waveform)(const KrCall *call) {
  const double *set = call->field[FIELD_RANGE];
  KrDrawColors colors = kr_draw_colors();
  KrDrawRange range = {set[RANGE_MIN] == set[RANGE_MIN] ? set[RANGE_MIN] : -1,
                       set[RANGE_MAX] == set[RANGE_MAX] ? set[RANGE_MAX] : 1};
  for (uint32_t t = 0; t < call->n; t++) {
    KrImage image = image_at(call, t);
    kr_draw_waveform(&image, FN(values_at)(call, t), call->in_type[0].dim[0], range, &colors);
  }
}

// Row k mod `rows` of the history is the spectrum of tick k.
static void FN(spectrogram)(const KrCall *call) {
  double *history = call->field[FIELD_HISTORY];
  uint32_t rows = ((const uint32_t *)call->field[FIELD_OPTION])[1];
  uint32_t bins = call->in_type[0].dim[0];
  for (uint32_t t = 0; t < call->n; t++) {
    KrImage image = image_at(call, t);
    int64_t tick = call->tick + t;
    uint32_t n = tick + 1 < (int64_t)rows ? (uint32_t)(tick + 1) : rows;
    uint32_t first = n < rows ? 0 : (uint32_t)((tick + 1) % rows);
    double *row = history + (size_t)(tick % rows) * bins;
    FN(magnitudes_at)(call, t, call->field[FIELD_VALUES]);
    memcpy(row, call->field[FIELD_VALUES], bins * sizeof *row);
    KrDrawHistory shown = {history, bins, rows, n, first};
    kr_draw_spectrogram(&image, &shown, range_of(call, NULL, 0, true), palette_of(call));
  }
}

static void FN(plot)(const KrCall *call) {
  double *history = call->field[FIELD_HISTORY], *values = call->field[FIELD_VALUES];
  uint32_t rows = ((const uint32_t *)call->field[FIELD_OPTION])[1];
  double dt = ((const double *)call->field[FIELD_RANGE])[RANGE_DT];
  const REAL *x = call->in[0];
  size_t stride = kr_call_stride(call, 0);
  for (uint32_t t = 0; t < call->n; t++) {
    KrImage image = image_at(call, t);
    int64_t tick = call->tick + t, n = tick + 1 < (int64_t)rows ? tick + 1 : (int64_t)rows;
    history[tick % rows] = (double)x[t * stride];
    for (int64_t i = 0; i < n; i++) values[i] = history[(tick + 1 - n + i) % rows];
    KrDrawPlot shown;
    kr_draw_plot_init(&shown, values, (size_t)n);
    shown.x = (KrDrawRange){(double)(tick + 1 - n) * dt, (double)tick * dt};
    shown.y = range_of(call, values, (size_t)n, false);
    shown.x_label = KR_TEXT("s");
    kr_draw_plot(&image, &shown);
  }
}

static void FN(layer)(const KrCall *call) {
  size_t below_bytes = (size_t)kr_type_count(&call->in_type[0]);
  size_t above_bytes = (size_t)kr_type_count(&call->in_type[1]);
  KrBlend blend = (KrBlend) * (const uint32_t *)call->field[LAYER_BLEND];
  KrPoint corner = {*(const int32_t *)call->field[LAYER_X], *(const int32_t *)call->field[LAYER_Y]};
  uint8_t *above_pixels = call->field[LAYER_PIXELS];
  for (uint32_t t = 0; t < call->n; t++) {
    KrImage image = image_at(call, t);
    const uint8_t *below = (const uint8_t *)call->in[0] + kr_call_stride(call, 0) * t * below_bytes;
    const uint8_t *above = (const uint8_t *)call->in[1] + kr_call_stride(call, 1) * t * above_bytes;
    memcpy(image.rgba, below, below_bytes);
    memcpy(above_pixels, above, above_bytes);
    KrImage source = {call->in_type[1].dim[0], call->in_type[1].dim[1], above_pixels};
    REAL opacity = ((const REAL *)call->in[2])[t * kr_call_stride(call, 2)];
    opacity = opacity > 0 ? opacity : 0;
    opacity = opacity < 1 ? opacity : 1;
    kr_image_layer(&image, &source, corner, blend, (uint32_t)(opacity * 256 + (REAL)0.5));
  }
}
#endif

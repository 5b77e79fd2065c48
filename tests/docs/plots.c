/// Draws docs/operators/NAME.png: what each operator does that makes or changes a scalar signal.
///
/// usage: plots DIR [NAME...]   writes the pictures, or those of some operators
///        plots                 prints `sha256 NAME` of the pixels of each
/// KAIRO_EXAMPLES: the folder of examples, whose sound file is played.
/// The programs are Kairo's; what is not in plot_list.h is shown by its ports and its memory. Exit
/// 1 and a message when an operator cannot be shown.
#include "base/hash.h"
#include "io/host.h"
#include "io/png.h"
#include "kairo/session.h"
#include "math/elementary.h"
#include "math/fft.h"
#include "ops/manual.h"
#include "panel.h"
#include "plot_list.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RATE = 48000, WIDTH = 440, HEIGHT = 150, SPECTRUM = 8192, RESPONSE = 32768 };

/// What is fed and what is drawn.
typedef enum Kind {
  BY_RULE,
  WAVE,    ///< its wave, its spectrum
  FILTER,  ///< impulse: magnitude response; step response
  ECHO,    ///< impulse: response over time; magnitude response
  SHAPE,   ///< -2 to 2: transfer curve; a sine: spectrum
  CURVE,   ///< -2 to 2: the value
  LINE,    ///< nothing: the value over time
  GATED,   ///< a gate from 20 ms to 0.3 s
  STEPPED, ///< steps
  SLOW,    ///< a slow sine
  BURST,   ///< a sine of 200 Hz
  SWELL    ///< a sine of 200 Hz, loud from 0.2 to 0.4 s
} Kind;

typedef struct Plot {
  const char *name;
  Kind kind;
  char expression[256];
  double seconds;
} Plot;

static const struct {
  const char *name;
  Kind kind;
  const char *expression;
  double seconds;
} list[] = {
#define PLOT_ROW(name, kind, expression, seconds) {name, kind, expression, seconds},
    PLOT_LIST(PLOT_ROW)
#undef PLOT_ROW
};

static const char *const inputs[] = {
    [WAVE] = "0",
    [FILTER] = "if step == 0 then 1 else 0",
    [ECHO] = "if step == 0 then 1 else 0",
    [SHAPE] = "step / 1000 - 2",
    [CURVE] = "step / 1000 - 2",
    [LINE] = "0",
    [GATED] = "if time >= 0.02 && time < 0.3 then 1 else 0",
    [STEPPED] = "if step % 9600 >= 2400 && step % 9600 < 7200 then 1 else 0",
    [SLOW] = "sine(freq=3Hz)",
    [BURST] = "sine(freq=200Hz) * 0.8",
    [SWELL] = "sine(freq=200Hz) * (if time > 0.2 && time < 0.4 then 1 else 0.1)",
};

/// Up to two channels of the operator, then what it was fed.
typedef struct Take {
  size_t n;
  uint32_t n_channels;
  double *channel[2], *input;
} Take;

static const char *examples;

static void stop(const char *name, const char *what) {
  fprintf(stderr, "plots: %s: %s\n", name, what);
  exit(1);
}

static double *read_column(const KrSession *session, const char *name, uint32_t output,
                           uint32_t column, size_t n) {
  double *values = malloc(n * sizeof *values);
  if (values == NULL || kr_session_read(session, output, column, 0, (uint32_t)n, values) != KR_OK)
    stop(name, "its output cannot be read");
  return values;
}

static Take run_program(const char *name, const char *text, size_t n) {
  KrIoHost files = {.folder = examples};
  KrAssetHost host = kr_io_host(&files);
  KrProgramOptions options;
  KrProgram *program;
  KrSession *session;
  kr_program_defaults(&options);
  options.host = &host;
  options.step = (KrRatio){(int64_t)n, RATE};
  if (kr_program_load(name, text, strlen(text), &options, &program) != KR_OK)
    stop(name, program == NULL ? "no memory" : kr_program_messages(program));
  KrOutputInfo info = kr_program_output(program, 0);
  if (kr_session_new(program, &session) != KR_OK ||
      kr_session_run(session, (KrRatio){(int64_t)n, RATE}) != KR_OK)
    stop(name, "the run failed");
  Take take = {.n = n, .n_channels = info.n_columns < 2 ? 1 : 2};
  for (uint32_t c = 0; c < take.n_channels; c++)
    take.channel[c] = read_column(session, name, 0, c, n);
  take.input = read_column(session, name, 1, 0, n);
  kr_session_free(session);
  kr_program_free(program);
  return take;
}

static Take run(const Plot *plot, const char *input, size_t n) {
  char text[1024];
  snprintf(text, sizeof text,
           "flow a(dt=1/48000 @rate=audio) {\n  let x = %s\n  let gate = x\n  output y = %s\n"
           "  output fed = x\n}\n",
           input, plot->expression);
  return run_program(plot->name, text, n);
}

static void free_take(Take *take) {
  free(take->channel[0]);
  free(take->channel[1]);
  free(take->input);
}

static void *need(size_t n, size_t size) {
  void *at = calloc(n, size);
  if (at == NULL) stop("plots", "no memory");
  return at;
}

/// Magnitudes of bins 0..n/2; `hann`: of a windowed stretch, 1 for a sine of amplitude 1.
static double *magnitudes(const double *values, size_t n, bool hann) {
  KrArena arena;
  kr_arena_init(&arena, NULL);
  const KrRfft *plan = kr_rfft_prepare(&arena, (uint32_t)n, sizeof(double));
  double *in = need(n, sizeof(double)), *re = need(n, sizeof(double)),
         *im = need(n, sizeof(double)), *work = need(4 * n, sizeof(double));
  if (plan == NULL) stop("plots", "no memory");
  for (size_t i = 0; i < n; i++) {
    double turn = 6.283185307179586 * (double)i / (double)n;
    in[i] = values[i] * (hann ? (1 - kr_f64_cos(turn)) * 2 / (double)n : 1);
  }
  kr_rfft_f64_forward_generic(plan, in, re, im, work);
  for (size_t i = 0; i <= n / 2; i++) in[i] = __builtin_sqrt(re[i] * re[i] + im[i] * im[i]);
  free(re);
  free(im);
  free(work);
  kr_arena_deinit(&arena);
  return in;
}

static const KrColor bright = {240, 160, 48, 255}, second = {96, 200, 120, 255},
                     dim = {80, 120, 190, 255}, white = {220, 226, 232, 255};

static Panel left_of(KrImage *image) { return (Panel){.image = image, .area = {34, 17, 178, 116}}; }
static Panel right_of(KrImage *image) {
  return (Panel){.image = image, .area = {256, 17, 178, 116}};
}
static Panel whole_of(KrImage *image) {
  return (Panel){.image = image, .area = {34, 17, 400, 116}};
}

/// Channels over time, in front of what was fed.
static void draw_time(Panel panel, const Take *take, size_t n, bool fed) {
  const double *columns[3] = {take->channel[0], take->channel[take->n_channels - 1], take->input};
  double length = (double)n / RATE;
  bool is_short = length < 0.1;
  panel.x = (Axis){.range = {0, is_short ? length * 1000 : length}, .unit = is_short ? "ms" : "s"};
  panel.y = (Axis){.range = panel_room(columns, fed ? 3 : 2, n)};
  panel_begin(&panel);
  if (fed) panel_curve(&panel, take->input, n, dim);
  if (take->n_channels > 1) panel_curve(&panel, take->channel[1], n, second);
  panel_curve(&panel, take->channel[0], n, bright);
}

/// Decibels over 0 to half the rate.
static void draw_spectrum(Panel panel, const double *values) {
  double *bins = magnitudes(values, SPECTRUM, true);
  for (size_t i = 0; i <= SPECTRUM / 2; i++) bins[i] = kr_draw_decibel(bins[i] + 1e-7);
  panel.x = (Axis){.range = {0, 24}, .unit = "kHz"};
  panel.y = (Axis){.range = {-100, 5}, .unit = "dB"};
  panel_begin(&panel);
  panel_curve(&panel, bins, SPECTRUM / 2 + 1, bright);
  free(bins);
}

/// Decibels over the logarithm of the frequency, of an impulse response.
static void draw_response(Panel panel, const Take *take) {
  enum { POINTS = 356 };
  for (uint32_t c = take->n_channels; c-- > 0;) {
    double *bins = magnitudes(take->channel[c], RESPONSE, false), curve[POINTS];
    for (size_t i = 0; i < POINTS; i++) {
      double f = 20 * kr_f64_exp2(kr_f64_log2(1000) * (double)i / (POINTS - 1));
      double at = f / RATE * RESPONSE;
      size_t bin = (size_t)at;
      double part = at - (double)bin;
      curve[i] = kr_draw_decibel(bins[bin] * (1 - part) + bins[bin + 1] * part + 1e-9);
    }
    if (c + 1 == take->n_channels) {
      panel.x = (Axis){.range = {20, 20000}, .is_log = true};
      panel.y = (Axis){.range = {-60, 20}, .unit = "dB"};
      panel_begin(&panel);
    }
    panel_curve(&panel, curve, POINTS, c == 0 ? bright : second);
    free(bins);
  }
}

static void draw_curve(Panel panel, const Take *take) {
  double *finite = need(take->n, sizeof *finite);
  for (size_t i = 0; i < take->n; i++) {
    double value = take->channel[0][i];
    finite[i] = value > -8 && value < 8 ? value : 0;
  }
  const double *columns[1] = {finite};
  panel.x = (Axis){.range = {-2, 2}};
  panel.y = (Axis){.range = panel_room(columns, 1, take->n)};
  bool wide = true; // values far from 0: as they are
  for (size_t i = 0; i < take->n; i++) wide = wide && finite[i] == 0;
  if (wide) panel.y.range = panel_room((const double *const *)take->channel, 1, take->n);
  panel_begin(&panel);
  panel_curve(&panel, take->channel[0], take->n, bright);
  free(finite);
}

static size_t ticks_of(double seconds) { return (size_t)(seconds * RATE + 0.5); }

static void draw_two(const Plot *plot, KrImage *image) {
  double seconds = plot->seconds;
  Take take;
  switch (plot->kind) {
  case WAVE:
    take = run(plot, inputs[WAVE], 2 * SPECTRUM);
    draw_time(left_of(image), &take, ticks_of(seconds > 0 ? seconds : 0.01), false);
    draw_spectrum(right_of(image), take.channel[0] + SPECTRUM);
    break;
  case FILTER:
    take = run(plot, inputs[FILTER], RESPONSE);
    draw_response(left_of(image), &take);
    free_take(&take);
    take = run(plot, "if step >= 24 then 1 else 0", ticks_of(seconds > 0 ? seconds : 0.005));
    draw_time(right_of(image), &take, take.n, true);
    break;
  case ECHO:
    take = run(plot, inputs[ECHO], 2 * RESPONSE);
    draw_time(left_of(image), &take, ticks_of(seconds > 0 ? seconds : 0.05), false);
    draw_response(right_of(image), &take);
    break;
  default:
    take = run(plot, inputs[SHAPE], 4001);
    draw_curve(left_of(image), &take);
    free_take(&take);
    take = run(plot, "sine(freq=997Hz)", 2 * SPECTRUM);
    draw_spectrum(right_of(image), take.channel[0] + SPECTRUM);
    break;
  }
  free_take(&take);
}

static void draw(const Plot *plot, KrImage *image) {
  const KrRect all = {0, 0, WIDTH, HEIGHT};
  kr_image_rect(image, all, (KrColor){10, 12, 14, 255});
  panel_text(image, 4, 4, plot->expression, white);
  if (plot->kind == WAVE || plot->kind == FILTER || plot->kind == ECHO || plot->kind == SHAPE) {
    draw_two(plot, image);
    return;
  }
  Take take = run(plot, inputs[plot->kind],
                  plot->kind == CURVE ? 4001 : ticks_of(plot->seconds > 0 ? plot->seconds : 0.5));
  if (plot->kind == CURVE)
    draw_curve(whole_of(image), &take);
  else
    draw_time(whole_of(image), &take, take.n, plot->kind != LINE);
  free_take(&take);
}

/// What a port without default is given.
static const char *argument_of(const KrPort *port) {
  static const struct {
    const char *name, *text;
  } values[] = {{"x", "x"},      {"freq", "220Hz"}, {"cutoff", "2kHz"},  {"gate", "gate"},
                {"time", "5ms"}, {"seed", "1"},     {"feedback", "0.5"}, {"trig", "x > 0.5"},
                {"a", "x"},      {"b", "0.5"},      {"cond", "x > 0"}};
  for (size_t i = 0; i < sizeof values / sizeof *values; i++)
    if (strcmp(port->name, values[i].name) == 0) return values[i].text;
  return port->kind == KR_PORT_GATE ? "gate" : "0.5";
}

static bool has_port(const KrOp *op, const char *name) {
  for (uint32_t i = 0; i < kr_op_ports(op); i++)
    if (strcmp(op->in[i].name, name) == 0) return true;
  return false;
}

/// Whether an impulse is heard after its tick.
static bool has_memory(const Plot *plot) {
  enum { N = 4800 };
  Take hit = run(plot, inputs[FILTER], N), none = run(plot, "0 * time", N);
  bool found = false;
  for (size_t i = 1; i < N; i++) found = found || hit.channel[0][i] != none.channel[0][i];
  free_take(&hit);
  free_take(&none);
  return found;
}

static Kind kind_of(const KrOp *op, const Plot *plot) {
  bool gate = false;
  for (uint32_t i = 0; i < kr_op_ports(op); i++) gate = gate || op->in[i].kind == KR_PORT_GATE;
  if (strcmp(op->family, "maths") == 0) return CURVE;
  if (gate) return GATED;
  if (!has_port(op, "x")) return WAVE;
  if (strcmp(op->family, "filters") == 0) return FILTER;
  return has_memory(plot) ? ECHO : SHAPE;
}

static Plot plot_of(const KrOp *op) {
  Plot plot = {.name = op->name};
  for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
    if (strcmp(list[i].name, op->name) != 0) continue;
    plot.kind = list[i].kind;
    plot.seconds = list[i].seconds;
    snprintf(plot.expression, sizeof plot.expression, "%s", list[i].expression);
    return plot;
  }
  size_t n = (size_t)snprintf(plot.expression, sizeof plot.expression, "%s(", op->name);
  for (uint32_t i = 0; i < kr_op_ports(op) && op->in[i].preset == NULL; i++)
    n += (size_t)snprintf(plot.expression + n, sizeof plot.expression - n, "%s%s",
                          i > 0 ? ", " : "", argument_of(&op->in[i]));
  snprintf(plot.expression + n, sizeof plot.expression - n, ")");
  plot.kind = kind_of(op, &plot);
  return plot;
}

static void put_digest(const KrImage *image, const char *name) {
  KrHash hash;
  char text[65];
  kr_hash_init(&hash);
  kr_hash_put(&hash, image->rgba, KR_IMAGE_BYTES(WIDTH, HEIGHT));
  KrDigest digest = kr_hash_end(&hash);
  kr_digest_text(&digest, text);
  printf("%s %s\n", text, name);
}

static bool is_wanted(const KrOp *op, int n_args, char **args) {
  for (int i = 2; i < n_args; i++)
    if (strcmp(args[i], op->name) == 0) return true;
  return n_args <= 2;
}

int main(int n_args, char **args) {
  uint32_t n;
  const KrFamily *families = kr_registry_families(&n);
  KrImage image = {WIDTH, HEIGHT, need(KR_IMAGE_BYTES(WIDTH, HEIGHT), 1)};
  examples = getenv("KAIRO_EXAMPLES") != NULL ? getenv("KAIRO_EXAMPLES") : "examples";
  for (uint32_t f = 0; f < n; f++)
    for (uint32_t i = 0; i < families[f].n; i++) {
      const KrOp *op = &families[f].ops[i];
      if (!kr_op_has_plot(op) || !is_wanted(op, n_args, args)) continue;
      Plot plot = plot_of(op);
      draw(&plot, &image);
      char path[4096], error[KR_IO_MESSAGE];
      if (n_args < 2) {
        put_digest(&image, op->name);
        continue;
      }
      snprintf(path, sizeof path, "%s/%s.png", args[1], op->name);
      if (kr_png_write(path, &image, error) != KR_OK) stop(op->name, error);
    }
  free(image.rgba);
  return 0;
}

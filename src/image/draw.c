// Decides how numbers become pixels: which cell, bin or sample belongs to which pixel.
#include "image/draw.h"

#define NONE (__builtin_nan(""))
#define NIGHT ((KrColor){10, 12, 18, 255})

static bool is_nan(double x) { return !(x == x); }

static bool is_finite(double x) { return x - x == 0; }

KrDrawRange kr_draw_range(const double *values, size_t n) {
  KrDrawRange range = {0, 1};
  bool any = false;
  for (size_t i = 0; i < n; i++) {
    if (!is_finite(values[i])) continue;
    if (!any || values[i] < range.min) range.min = values[i];
    if (!any || values[i] > range.max) range.max = values[i];
    any = true;
  }
  return range;
}

double kr_draw_level(KrDrawRange range, double value) {
  if (is_nan(value)) return NONE;
  if (range.min == range.max) return 0.5;
  bool down = range.max < range.min;
  double low = down ? range.max : range.min, high = down ? range.min : range.max;
  // Halves, so that the difference of the largest doubles stays finite.
  double level = value <= low    ? 0.0
                 : value >= high ? 1.0
                                 : (value * 0.5 - low * 0.5) / (high * 0.5 - low * 0.5);
  return down ? 1.0 - level : level;
}

// log10 x = e log10 2 + 2 atanh((m-1)/(m+1)) / ln 10 for x = m 2^e, m in [0.7,1.4); the series'
// first left-out term is below 1e-13.
double kr_draw_decibel(double magnitude) {
  if (is_nan(magnitude)) return NONE;
  if (magnitude <= 0) return -__builtin_inf();
  if (!is_finite(magnitude)) return magnitude;
  double m = magnitude;
  int e = 0;
  for (; m >= 0x1p64; m *= 0x1p-64) e += 64;
  for (; m < 0x1p-64; m *= 0x1p64) e -= 64;
  for (; m >= 1.4142135623730951; m *= 0.5) e++;
  for (; m < 0.7071067811865476; m *= 2.0) e--;
  double s = (m - 1.0) / (m + 1.0), q = s * s, series = 0;
  for (int k = 15; k >= 1; k -= 2) series = series * q + 1.0 / k;
  return 20.0 * (e * 0.30102999566398120 + 0.86858896380650365 * (s * series));
}

static uint32_t share(uint32_t pixel, uint32_t n_pixels, uint32_t n) {
  return (uint32_t)((uint64_t)pixel * n / n_pixels);
}

static uint32_t cell_of(uint32_t pixel, uint32_t n_pixels, uint32_t n) {
  return (uint32_t)((2 * (uint64_t)pixel + 1) * n / (2 * (uint64_t)n_pixels));
}

static void put(KrImage *image, uint32_t x, uint32_t y, KrColor color) {
  uint8_t *at = image->rgba + 4 * ((size_t)y * image->width + x);
  at[0] = color.r;
  at[1] = color.g;
  at[2] = color.b;
  at[3] = color.a;
}

static KrColor color_at(const KrColor table[256], double level) {
  if (is_nan(level)) return (KrColor){0, 0, 0, 0};
  return table[(uint32_t)(level * 255.0 + 0.5)];
}

void kr_draw_colorize(KrImage *image, KrDrawCells cells, KrDrawRange range, KrPalette palette) {
  KrColor table[256];
  kr_palette_table(palette, table);
  for (uint32_t y = 0; y < image->height; y++) {
    const double *row =
        cells.values + (size_t)cell_of(y, image->height, cells.rows) * cells.columns;
    for (uint32_t x = 0; x < image->width; x++) {
      double value = row[cell_of(x, image->width, cells.columns)];
      put(image, x, y, color_at(table, kr_draw_level(range, value)));
    }
  }
}

// The greatest of the n values that fall on this pixel, at least one; NaN counts as nothing.
static double greatest_on(const double *values, uint32_t n, uint32_t pixel, uint32_t n_pixels) {
  uint32_t begin = share(pixel, n_pixels, n), end = share(pixel + 1, n_pixels, n);
  if (end <= begin) {
    begin = cell_of(pixel, n_pixels, n);
    end = begin + 1;
  }
  double best = 0;
  for (uint32_t i = begin; i < end; i++)
    if (values[i] > best) best = values[i];
  return best;
}

void kr_draw_spectrum(KrImage *image, const double *magnitudes, uint32_t n, KrDrawRange decibels,
                      KrPalette palette) {
  KrColor table[256];
  kr_palette_table(palette, table);
  kr_image_fill(image, NIGHT);
  if (n == 0) return;
  for (uint32_t x = 0; x < image->width; x++) {
    double decibel = kr_draw_decibel(greatest_on(magnitudes, n, x, image->width));
    uint32_t height = (uint32_t)(kr_draw_level(decibels, decibel) * 256.0 * image->height + 0.5);
    for (uint32_t row = 0; row < image->height && row * 256 < height; row++) {
      uint32_t cover = height - row * 256 < 256 ? height - row * 256 : 256;
      // From entry 48 on: the first entries of most palettes hide in the background.
      uint32_t index = image->height > 1 ? 48 + row * 207 / (image->height - 1) : 255;
      kr_image_blend(image, (int32_t)x, (int32_t)(image->height - 1 - row), table[index], cover);
    }
  }
}

void kr_draw_spectrogram(KrImage *image, const KrDrawHistory *history, KrDrawRange decibels,
                         KrPalette palette) {
  KrColor table[256];
  kr_palette_table(palette, table);
  kr_image_fill(image, table[0]);
  if (history->capacity == 0 || history->n_bins == 0) return;
  uint32_t empty = history->capacity - history->n;
  for (uint32_t x = 0; x < image->width; x++) {
    uint32_t column = cell_of(x, image->width, history->capacity);
    if (column < empty) continue;
    uint64_t slot = ((uint64_t)history->first + (column - empty)) % history->capacity;
    const double *spectrum = history->magnitudes + (size_t)slot * history->n_bins;
    for (uint32_t row = 0; row < image->height; row++) {
      double magnitude = greatest_on(spectrum, history->n_bins, row, image->height);
      double level = kr_draw_level(decibels, kr_draw_decibel(magnitude));
      put(image, x, image->height - 1 - row, color_at(table, level));
    }
  }
}

KrDrawColors kr_draw_colors(void) {
  return (KrDrawColors){NIGHT, {122, 196, 255, 255}, {78, 84, 96, 255}};
}

static int32_t height_at(const KrImage *image, KrDrawRange range, double value) {
  return kr_image_fixed((1.0 - kr_draw_level(range, value)) * (double)image->height);
}

// A column of pixels from top to bottom (1/256 pixel), at least one pixel high in all.
static void draw_column(KrImage *image, uint32_t x, KrPoint span, KrColor color) {
  int32_t top = span.x, bottom = span.y;
  if (bottom - top < 256) {
    top = (top + bottom) / 2 - 128;
    bottom = top + 256;
  }
  int32_t limit = (int32_t)image->height * 256;
  if (bottom > limit) bottom = limit;
  if (top < 0) top = 0;
  for (int32_t y = top / 256; y * 256 < bottom; y++) {
    int32_t begin = y * 256 > top ? y * 256 : top;
    int32_t end = y * 256 + 256 < bottom ? y * 256 + 256 : bottom;
    kr_image_blend(image, (int32_t)x, y, color, (uint32_t)(end - begin));
  }
}

static void waveform_columns(KrImage *image, const double *samples, size_t n, KrDrawRange range,
                             KrColor color) {
  bool joined = false;
  double below = 0, above = 0;
  for (uint32_t x = 0; x < image->width; x++) {
    size_t begin = (size_t)((uint64_t)x * n / image->width);
    size_t end = (size_t)(((uint64_t)x + 1) * n / image->width);
    double low = NONE, high = NONE;
    for (size_t i = begin; i < end; i++) {
      if (is_nan(samples[i])) continue;
      if (!(samples[i] >= low)) low = samples[i];
      if (!(samples[i] <= high)) high = samples[i];
    }
    if (is_nan(low)) {
      joined = false;
      continue;
    }
    double from = joined && below > high ? below : high, to = joined && above < low ? above : low;
    below = low;
    above = high;
    joined = true;
    KrPoint span = {height_at(image, range, from), height_at(image, range, to)};
    if (span.x > span.y) span = (KrPoint){span.y, span.x};
    draw_column(image, x, span, color);
  }
}

static void waveform_curve(KrImage *image, const double *samples, size_t n, KrDrawRange range,
                           KrColor color) {
  KrPen pen = {color, 300, NULL};
  KrPoint points[3] = {{0, 0}, {0, 0}, {0, 0}};
  for (size_t i = 0; i + 1 < n; i++) {
    if (is_nan(samples[i]) || is_nan(samples[i + 1])) continue;
    double step = (double)image->width / (double)(n - 1);
    points[0] = (KrPoint){kr_image_fixed(step * (double)i), height_at(image, range, samples[i])};
    points[1] =
        (KrPoint){kr_image_fixed(step * (double)(i + 1)), height_at(image, range, samples[i + 1])};
    kr_image_polyline(image, points, 2, &pen);
  }
}

void kr_draw_waveform(KrImage *image, const double *samples, size_t n, KrDrawRange range,
                      const KrDrawColors *colors) {
  kr_image_fill(image, colors->background);
  int32_t centre = height_at(image, range, 0.0) / 256;
  if (centre >= (int32_t)image->height) centre = (int32_t)image->height - 1;
  kr_image_rect(image, (KrRect){0, centre, (int32_t)image->width, 1}, colors->faint);
  if (n >= 2 * (size_t)image->width)
    waveform_columns(image, samples, n, range, colors->line);
  else
    waveform_curve(image, samples, n, range, colors->line);
}

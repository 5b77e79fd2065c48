// Decides how the small plots of the manual look.
#include "panel.h"
#include "base/number.h"
#include "math/elementary.h"
#include <stdio.h>
#include <string.h>

static const KrColor ground = {16, 20, 24, 255}, grid = {40, 48, 56, 255},
                     frame = {84, 94, 104, 255}, label = {150, 160, 170, 255};

void panel_text(KrImage *image, int32_t x, int32_t y, const char *text, KrColor color) {
  KrFontStyle style = {.color = color, .scale = 1};
  kr_font_draw(image, x, y, kr_text_from(text), &style);
}

double panel_place(const Axis *axis, double value) {
  double min = axis->range.min, max = axis->range.max;
  if (axis->is_log) min = kr_f64_log2(min), max = kr_f64_log2(max), value = kr_f64_log2(value);
  return (value - min) / (max - min);
}

static int32_t column_of(const Panel *panel, double value) {
  return panel->area.x + (int32_t)(panel_place(&panel->x, value) * (panel->area.width - 1) + 0.5);
}

static int32_t row_of(const Panel *panel, double value) {
  double place = panel_place(&panel->y, value);
  return panel->area.y + panel->area.height - 1 - (int32_t)(place * (panel->area.height - 1) + 0.5);
}

static void put_x_tick(const Panel *panel, double value, const char *text) {
  int32_t x = column_of(panel, value), width = (int32_t)strlen(text) * KR_FONT_WIDTH;
  KrRect line = {x, panel->area.y, 1, panel->area.height};
  kr_image_rect(panel->image, line, grid);
  int32_t left = x - width / 2, last = (int32_t)panel->image->width - width;
  panel_text(panel->image, left < last ? left : last, panel->area.y + panel->area.height + 3, text,
             label);
}

static void put_y_tick(const Panel *panel, double value, const char *text) {
  int32_t y = row_of(panel, value), width = (int32_t)strlen(text) * KR_FONT_WIDTH;
  KrRect line = {panel->area.x, y, panel->area.width, 1};
  kr_image_rect(panel->image, line, grid);
  panel_text(panel->image, panel->area.x - width - 2, y - 3, text, label);
}

// Ticks at round values: 1, 2 or 5 times a power of ten.
static void put_ticks(const Panel *panel, const Axis *axis, uint32_t n_wanted,
                      void (*put)(const Panel *, double, const char *)) {
  int64_t factor;
  int32_t exponent;
  if (!kr_draw_step(axis->range, n_wanted, &factor, &exponent)) return;
  double power = 1;
  for (int32_t i = exponent < 0 ? -exponent : exponent; i > 0; i--) power *= 10;
  double step = exponent < 0 ? (double)factor / power : (double)factor * power;
  int64_t first = (int64_t)(axis->range.min / step) - 1;
  for (int64_t i = first; i < first + 40; i++) {
    double whole = (double)(factor * i), value = exponent < 0 ? whole / power : whole * power;
    if (value < axis->range.min - step * 1e-9 || value > axis->range.max + step * 1e-9) continue;
    char text[48];
    size_t n = kr_number_print_f64(value == 0 ? 0 : value, text);
    bool is_last = value + step > axis->range.max + step * 1e-9;
    snprintf(text + n, sizeof text - n, "%s", is_last && axis->unit != NULL ? axis->unit : "");
    put(panel, value, text);
  }
}

void panel_begin(const Panel *panel) {
  static const char *const texts[] = {"100", "1k", "10kHz"};
  kr_image_rect(panel->image, panel->area, ground);
  put_ticks(panel, &panel->y, 4, put_y_tick);
  double decade = 100;
  for (int i = 0; panel->x.is_log && i < 3; i++, decade *= 10) put_x_tick(panel, decade, texts[i]);
  if (!panel->x.is_log) put_ticks(panel, &panel->x, panel->area.width > 250 ? 6 : 3, put_x_tick);
  KrRect outside = {panel->area.x - 1, panel->area.y - 1, panel->area.width + 2,
                    panel->area.height + 2};
  kr_image_frame(panel->image, outside, frame);
}

static KrPoint point_of(const Panel *panel, double x, double value) {
  double place = panel_place(&panel->y, value);
  if (!(place > -1)) place = -1;
  if (place > 2) place = 2;
  return (KrPoint){
      kr_image_fixed(panel->area.x + 0.5 + x * (panel->area.width - 1)),
      kr_image_fixed(panel->area.y + 0.5 + (1 - place) * (panel->area.height - 1)),
  };
}

// Least and greatest of each pixel column, joined with the column before.
static void put_bars(const Panel *panel, const double *values, size_t n, const KrPen *pen) {
  size_t columns = (size_t)panel->area.width;
  for (size_t c = 0; c < columns; c++) {
    size_t begin = c * n / columns, end = (c + 1) * n / columns + 1;
    double low = values[begin], high = values[begin];
    for (size_t i = begin; i < end && i < n; i++) {
      if (values[i] < low) low = values[i];
      if (values[i] > high) high = values[i];
    }
    double x = (double)c / (double)(columns - 1);
    kr_image_line(panel->image, point_of(panel, x, low), point_of(panel, x, high), pen);
  }
}

void panel_curve(const Panel *panel, const double *values, size_t n, KrColor color) {
  KrPen pen = {.color = color, .width = 300, .clip = &panel->area};
  if (n > 4 * (size_t)panel->area.width) {
    put_bars(panel, values, n, &pen);
    return;
  }
  for (size_t i = 0; i + 1 < n; i++) {
    if (values[i] != values[i] || values[i + 1] != values[i + 1]) continue;
    kr_image_line(panel->image, point_of(panel, (double)i / (double)(n - 1), values[i]),
                  point_of(panel, (double)(i + 1) / (double)(n - 1), values[i + 1]), &pen);
  }
}

KrDrawRange panel_room(const double *const *columns, size_t n_columns, size_t n) {
  KrDrawRange range = {0, 0};
  for (size_t c = 0; c < n_columns; c++)
    for (size_t i = 0; i < n; i++) {
      double value = columns[c][i];
      if (value < range.min && value > -1e9) range.min = value;
      if (value > range.max && value < 1e9) range.max = value;
    }
  if (range.max - range.min < 1e-9) range.max = range.min + 1;
  double room = (range.max - range.min) * 0.05;
  return (KrDrawRange){range.min - room, range.max + room};
}

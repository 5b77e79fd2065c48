// Decides where a plot's axes, ticks, labels and curve stand.
#include "base/number.h"
#include "image/draw.h"

#define MAX_TICKS 32

static double power_of_ten(int32_t exponent) {
  double power = 1;
  for (int32_t i = exponent < 0 ? -exponent : exponent; i > 0; i--) power *= 10;
  return power;
}

// factor * 10^exponent * index, correctly rounded: one product or quotient of exact doubles.
static double tick_value(int64_t factor, int32_t exponent, int64_t index) {
  double whole = (double)(factor * index), power = power_of_ten(exponent);
  return exponent < 0 ? whole / power : whole * power;
}

bool kr_draw_step(KrDrawRange range, uint32_t n_wanted, int64_t *factor, int32_t *exponent) {
  double width = range.max - range.min;
  if (width < 0) width = -width;
  if (!(width >= 1e-15 && width <= 1e15) || n_wanted == 0) return false;
  double raw = width / n_wanted;
  int32_t e = 0;
  while (raw < 1 && e > -18) {
    raw *= 10;
    e--;
  }
  while (raw >= 10) {
    raw /= 10;
    e++;
  }
  *factor = raw <= 1.0001 ? 1 : raw <= 2.0001 ? 2 : raw <= 5.0001 ? 5 : 10;
  *exponent = e;
  return true;
}

typedef struct Ticks {
  uint32_t n;
  double values[MAX_TICKS];
  char texts[MAX_TICKS][32];
  size_t lengths[MAX_TICKS];
} Ticks;

static KrText tick_text(const Ticks *ticks, uint32_t i) {
  return (KrText){ticks->texts[i], ticks->lengths[i]};
}

static void make_ticks(Ticks *ticks, KrDrawRange range, uint32_t n_wanted) {
  int64_t factor;
  int32_t exponent;
  ticks->n = 0;
  double low = range.min < range.max ? range.min : range.max;
  double high = range.min < range.max ? range.max : range.min;
  if (!kr_draw_step(range, n_wanted, &factor, &exponent)) return;
  double step = tick_value(factor, exponent, 1);
  // Ticks of a range far from zero and short would need more digits than a label has.
  if (low < -1e15 || high > 1e15 || low / step > 1e12 || low / step < -1e12) return;
  int64_t index = (int64_t)(low / step) - 1;
  for (; ticks->n < MAX_TICKS; index++) {
    double value = tick_value(factor, exponent, index);
    if (value < low - step * 1e-9) continue;
    if (value > high + step * 1e-9) break;
    uint32_t i = ticks->n++;
    ticks->values[i] = value;
    ticks->lengths[i] = kr_number_print_f64(value == 0 ? 0 : value, ticks->texts[i]);
  }
}

static uint32_t widest(const Ticks *ticks, uint32_t scale) {
  uint32_t most = 0;
  for (uint32_t i = 0; i < ticks->n; i++) {
    uint32_t width = kr_font_text_width(tick_text(ticks, i), scale);
    if (width > most) most = width;
  }
  return most;
}

typedef struct Layout {
  KrRect area; // where the curve goes
  int32_t scale, line;
  Ticks x, y;
} Layout;

static uint32_t wanted(int32_t length, int32_t each) {
  int32_t n = length / (each > 0 ? each : 1);
  return n < 3 ? 3 : n > MAX_TICKS / 3 ? MAX_TICKS / 3 : (uint32_t)n;
}

static KrDrawRange opened(KrDrawRange range) {
  if (range.min != range.max) return range;
  return (KrDrawRange){range.min - 0.5, range.max + 0.5};
}

static void lay_out(Layout *layout, const KrImage *image, const KrDrawPlot *plot) {
  int32_t width = (int32_t)image->width, height = (int32_t)image->height;
  int32_t smaller = width < height ? width : height;
  int32_t scale = plot->scale > 0 ? (int32_t)plot->scale : 1 + smaller / 500;
  int32_t line = KR_FONT_HEIGHT * scale, gap = 4 * scale;
  int32_t top = 2 * gap + (plot->title.n > 0 ? line + gap : 0);
  int32_t bottom = height - 2 * gap - line - (plot->x_label.n > 0 ? line + gap : 0);
  make_ticks(&layout->y, opened(plot->y), wanted(bottom - top, 3 * line));
  int32_t left = 2 * gap + gap + (int32_t)widest(&layout->y, (uint32_t)scale);
  if (plot->y_label.n > 0) left += line + gap;
  int32_t right = width - 4 * gap;
  make_ticks(&layout->x, opened(plot->x), wanted(right - left, 14 * KR_FONT_WIDTH * scale));
  layout->area = (KrRect){left, top, right - left, bottom - top};
  layout->scale = scale;
  layout->line = line;
}

static int32_t place_x(const Layout *layout, const KrDrawPlot *plot, double value) {
  double level = kr_draw_level(opened(plot->x), value);
  return kr_image_fixed(layout->area.x + 0.5 + level * (layout->area.width - 1));
}

static int32_t place_y(const Layout *layout, const KrDrawPlot *plot, double value) {
  double level = kr_draw_level(opened(plot->y), value);
  return kr_image_fixed(layout->area.y + 0.5 + (1.0 - level) * (layout->area.height - 1));
}

static void draw_axes(KrImage *image, const Layout *layout, const KrDrawPlot *plot) {
  const KrRect *area = &layout->area;
  KrColor faint = plot->colors.faint, grid = faint;
  grid.a = (uint8_t)(faint.a / 3);
  int32_t scale = layout->scale, gap = 4 * scale;
  KrFontStyle style = {{190, 196, 206, 255}, (uint32_t)scale, NULL};
  for (uint32_t i = 0; i < layout->x.n; i++) {
    int32_t x = place_x(layout, plot, layout->x.values[i]) / 256;
    KrText text = tick_text(&layout->x, i);
    int32_t width = (int32_t)kr_font_text_width(text, (uint32_t)scale);
    kr_image_rect(image, (KrRect){x, area->y, 1, area->height}, grid);
    kr_image_rect(image, (KrRect){x, area->y + area->height, 1, gap / 2}, faint);
    kr_font_draw(image, x - width / 2, area->y + area->height + gap, text, &style);
  }
  for (uint32_t i = 0; i < layout->y.n; i++) {
    int32_t y = place_y(layout, plot, layout->y.values[i]) / 256;
    KrText text = tick_text(&layout->y, i);
    int32_t width = (int32_t)kr_font_text_width(text, (uint32_t)scale);
    kr_image_rect(image, (KrRect){area->x, y, area->width, 1}, grid);
    kr_image_rect(image, (KrRect){area->x - gap / 2, y, gap / 2, 1}, faint);
    kr_font_draw(image, area->x - gap - width, y - (KR_FONT_ASCENT * scale) / 2, text, &style);
  }
  kr_image_frame(image, *area, faint);
}

static void draw_labels(KrImage *image, const Layout *layout, const KrDrawPlot *plot) {
  const KrRect *area = &layout->area;
  int32_t gap = 4 * layout->scale;
  uint32_t scale = (uint32_t)layout->scale;
  KrFontStyle style = {{226, 230, 236, 255}, scale, NULL};
  int32_t middle = area->x + area->width / 2;
  int32_t title = (int32_t)kr_font_text_width(plot->title, scale);
  int32_t below = (int32_t)kr_font_text_width(plot->x_label, scale);
  int32_t beside = (int32_t)kr_font_text_width(plot->y_label, scale);
  kr_font_draw(image, middle - title / 2, 2 * gap, plot->title, &style);
  kr_font_draw(image, middle - below / 2, area->y + area->height + 2 * gap + layout->line,
               plot->x_label, &style);
  kr_font_draw_upwards(image, gap, area->y + area->height / 2 + beside / 2, plot->y_label, &style);
}

static KrPoint curve_point(const Layout *layout, const KrDrawPlot *plot, size_t i) {
  double part = plot->n > 1 ? (double)i / (double)(plot->n - 1) : 0.5;
  double x = layout->area.x + 0.5 + part * (layout->area.width - 1);
  return (KrPoint){kr_image_fixed(x), place_y(layout, plot, plot->values[i])};
}

// Up to 256 points a call; a stretch ends at a NaN. More than two points a pixel are drawn as their
// least and greatest in turn, so that long recordings cost no more than the picture is wide.
static void draw_curve(KrImage *image, const Layout *layout, const KrDrawPlot *plot) {
  KrRect clip = layout->area;
  KrPen pen = {plot->colors.line, (uint32_t)(300 * layout->scale), &clip};
  KrPoint points[256];
  size_t n = 0, group = plot->n / (2 * (size_t)layout->area.width) + 1;
  for (size_t i = 0; i < plot->n; i += group) {
    size_t end = i + group < plot->n ? i + group : plot->n, low = i, high = i;
    bool gap = false;
    for (size_t k = i; k < end; k++) {
      gap = gap || !(plot->values[k] == plot->values[k]);
      if (plot->values[k] < plot->values[low]) low = k;
      if (plot->values[k] > plot->values[high]) high = k;
    }
    if (gap || n > 253) {
      kr_image_polyline(image, points, n, &pen);
      if (n > 0) points[0] = points[n - 1];
      n = gap || n == 0 ? 0 : 1;
    }
    if (gap) continue;
    points[n++] = curve_point(layout, plot, low < high ? low : high);
    if (low != high) points[n++] = curve_point(layout, plot, low < high ? high : low);
  }
  kr_image_polyline(image, points, n, &pen);
}

void kr_draw_plot_init(KrDrawPlot *plot, const double *values, size_t n) {
  *plot = (KrDrawPlot){.values = values, .n = n, .colors = kr_draw_colors()};
  plot->x = (KrDrawRange){0, n > 1 ? (double)(n - 1) : 1};
  plot->y = kr_draw_range(values, n);
}

void kr_draw_plot(KrImage *image, const KrDrawPlot *plot) {
  Layout layout;
  kr_image_fill(image, plot->colors.background);
  lay_out(&layout, image, plot);
  if (layout.area.width < 2 || layout.area.height < 2) return;
  draw_axes(image, &layout, plot);
  draw_labels(image, &layout, plot);
  draw_curve(image, &layout, plot);
}

// Decides how pixels mix and which part of a pixel a shape covers: distances and areas in integers,
// so that a picture has the same bytes on every machine.
#include "image/image.h"

#define FAR (1 << 24)

const char *kr_blend_name(KrBlend blend) {
  static const char *const names[KR_BLEND_N] = {"over",    "add",    "multiply",  "screen",
                                                "lighten", "darken", "difference"};
  return (unsigned)blend < KR_BLEND_N ? names[blend] : NULL;
}

int32_t kr_image_fixed(double pixels) {
  double scaled = pixels * 256.0;
  if (!(scaled == scaled)) return 0;
  if (scaled > FAR) return FAR;
  if (scaled < -FAR) return -FAR;
  return scaled < 0 ? -(int32_t)(0.5 - scaled) : (int32_t)(scaled + 0.5);
}

static int32_t pull(int32_t value) { return value > FAR ? FAR : value < -FAR ? -FAR : value; }

static KrPoint pull_point(KrPoint p) { return (KrPoint){pull(p.x), pull(p.y)}; }

static int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }

static int32_t greatest(int32_t a, int32_t b) { return a > b ? a : b; }

// floor of the root; exact below 2^52, where the double root is correctly rounded.
static int64_t root(int64_t value) { return (int64_t)__builtin_sqrt((double)value); }

static int64_t divide_floor(int64_t a, int64_t b) {
  int64_t q = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

static KrColor load(const uint8_t *at) { return (KrColor){at[0], at[1], at[2], at[3]}; }

static void store(uint8_t *at, KrColor color) {
  at[0] = color.r;
  at[1] = color.g;
  at[2] = color.b;
  at[3] = color.a;
}

static uint32_t rounded_255(uint32_t value) { return (value + 127) / 255; }

static uint32_t mix(KrBlend blend, uint32_t below, uint32_t above) {
  switch (blend) {
  case KR_BLEND_ADD: return below + above > 255 ? 255 : below + above;
  case KR_BLEND_MULTIPLY: return rounded_255(below * above);
  case KR_BLEND_SCREEN: return below + above - rounded_255(below * above);
  case KR_BLEND_LIGHTEN: return below > above ? below : above;
  case KR_BLEND_DARKEN: return below < above ? below : above;
  case KR_BLEND_DIFFERENCE: return below > above ? below - above : above - below;
  default: return above;
  }
}

// One channel: as(1-ab) cs + ab(1-as) cb + as ab B(cb,cs), divided by the resulting alpha.
static uint8_t mix_channel(KrBlend blend, uint32_t below, uint32_t above, uint32_t ab,
                           uint32_t as) {
  uint32_t alpha = 255 * as + ab * (255 - as);
  uint32_t sum =
      as * (255 - ab) * above + ab * (255 - as) * below + as * ab * mix(blend, below, above);
  return (uint8_t)((sum + alpha / 2) / alpha);
}

static void put_pixel(uint8_t *at, KrColor above, uint32_t alpha, KrBlend blend) {
  if (alpha == 0) return;
  KrColor below = load(at);
  KrColor result = {mix_channel(blend, below.r, above.r, below.a, alpha),
                    mix_channel(blend, below.g, above.g, below.a, alpha),
                    mix_channel(blend, below.b, above.b, below.a, alpha),
                    (uint8_t)rounded_255(255 * alpha + below.a * (255 - alpha))};
  store(at, result);
}

static uint8_t *pixel(const KrImage *image, int32_t x, int32_t y) {
  return image->rgba + 4 * ((size_t)y * image->width + (size_t)x);
}

static KrRect clip_to(const KrImage *image, KrRect rect) {
  int64_t right = (int64_t)rect.x + rect.width, bottom = (int64_t)rect.y + rect.height;
  int32_t x = greatest(rect.x, 0), y = greatest(rect.y, 0);
  if (right > (int64_t)image->width) right = (int64_t)image->width;
  if (bottom > (int64_t)image->height) bottom = (int64_t)image->height;
  return (KrRect){x, y, right > x ? (int32_t)(right - x) : 0,
                  bottom > y ? (int32_t)(bottom - y) : 0};
}

static KrRect whole(const KrImage *image) {
  return (KrRect){0, 0, (int32_t)image->width, (int32_t)image->height};
}

static KrRect pen_clip(const KrImage *image, const KrPen *pen) {
  return pen->clip ? clip_to(image, *pen->clip) : whole(image);
}

void kr_image_fill(KrImage *image, KrColor color) {
  size_t n = (size_t)image->width * image->height;
  for (size_t i = 0; i < n; i++) store(image->rgba + 4 * i, color);
}

KrColor kr_image_at(const KrImage *image, uint32_t x, uint32_t y) {
  if (x >= image->width || y >= image->height) return (KrColor){0, 0, 0, 0};
  return load(pixel(image, (int32_t)x, (int32_t)y));
}

void kr_image_blend(KrImage *image, int32_t x, int32_t y, KrColor color, uint32_t coverage) {
  if (x < 0 || y < 0 || (uint32_t)x >= image->width || (uint32_t)y >= image->height) return;
  put_pixel(pixel(image, x, y), color, (color.a * coverage + 128) >> 8, KR_BLEND_OVER);
}

void kr_image_rect(KrImage *image, KrRect rect, KrColor color) {
  KrRect in = clip_to(image, rect);
  for (int32_t y = in.y; y < in.y + in.height; y++) {
    for (int32_t x = in.x; x < in.x + in.width; x++) {
      if (color.a == 255)
        store(pixel(image, x, y), color);
      else
        put_pixel(pixel(image, x, y), color, color.a, KR_BLEND_OVER);
    }
  }
}

void kr_image_frame(KrImage *image, KrRect rect, KrColor color) {
  if (rect.width <= 0 || rect.height <= 0) return;
  kr_image_rect(image, (KrRect){rect.x, rect.y, rect.width, 1}, color);
  if (rect.height > 1)
    kr_image_rect(image, (KrRect){rect.x, rect.y + rect.height - 1, rect.width, 1}, color);
  if (rect.height <= 2) return;
  kr_image_rect(image, (KrRect){rect.x, rect.y + 1, 1, rect.height - 2}, color);
  if (rect.width > 1)
    kr_image_rect(image, (KrRect){rect.x + rect.width - 1, rect.y + 1, 1, rect.height - 2}, color);
}

// Distances up to 2^26 (both ends pulled in), so products stay below 2^53 and roots are exact
// enough.
typedef struct Segment {
  KrPoint a, b;
  int64_t dx, dy, square, length;
} Segment;

static Segment segment_of(KrPoint a, KrPoint b) {
  Segment s = {a, b, (int64_t)b.x - a.x, (int64_t)b.y - a.y, 0, 0};
  s.square = s.dx * s.dx + s.dy * s.dy;
  s.length = root(s.square);
  return s;
}

static int64_t distance(const Segment *s, int64_t x, int64_t y) {
  int64_t px = x - s->a.x, py = y - s->a.y;
  int64_t along = px * s->dx + py * s->dy;
  if (along <= 0 || s->length == 0) return root(px * px + py * py);
  if (along >= s->square) {
    px = x - s->b.x;
    py = y - s->b.y;
    return root(px * px + py * py);
  }
  int64_t cross = px * s->dy - py * s->dx;
  return (cross < 0 ? -cross : cross) / s->length;
}

// Coverage 0..256 of a pixel whose centre is `away` from the middle of a stroke of this width.
static uint32_t stroke_coverage(int64_t away, uint32_t width) {
  int64_t cover = (int64_t)(width / 2) + 128 - away;
  if (cover > (int64_t)width) cover = width;
  return cover <= 0 ? 0 : cover >= 256 ? 256 : (uint32_t)cover;
}

// What must be laid over alpha `before` so that together they are alpha `after` (both 0..255).
static uint32_t alpha_between(uint32_t before, uint32_t after) {
  if (after <= before) return 0;
  return ((after - before) * 255 + (255 - before) / 2) / (255 - before);
}

// Pixels of row y that the stroke can touch, from the part of the segment near that row.
static bool row_extent(const Segment *s, int32_t y, int64_t reach, int32_t *from, int32_t *to) {
  int64_t top = (int64_t)y * 256 - reach, bottom = (int64_t)y * 256 + 256 + reach;
  int64_t low_y = s->dy < 0 ? s->b.y : s->a.y, high_y = s->dy < 0 ? s->a.y : s->b.y;
  if (high_y < top || low_y > bottom) return false;
  int64_t x0 = s->a.x, x1 = s->b.x;
  if (s->dy != 0) {
    int64_t y0 = low_y < top ? top : low_y, y1 = high_y > bottom ? bottom : high_y;
    x0 = s->a.x + divide_floor((y0 - s->a.y) * s->dx, s->dy);
    x1 = s->a.x + divide_floor((y1 - s->a.y) * s->dx, s->dy);
  }
  int64_t left = (x0 < x1 ? x0 : x1) - reach, right = (x0 < x1 ? x1 : x0) + reach + 1;
  *from = (int32_t)divide_floor(left, 256);
  *to = (int32_t)divide_floor(right, 256) + 1;
  return true;
}

static void draw_segment(KrImage *image, const Segment *s, const Segment *previous,
                         const KrPen *pen) {
  KrRect in = pen_clip(image, pen);
  int64_t reach = (int64_t)pen->width / 2 + 256;
  int32_t top = (int32_t)divide_floor(least(s->a.y, s->b.y) - reach, 256);
  int32_t end = (int32_t)divide_floor(greatest(s->a.y, s->b.y) + reach, 256) + 1;
  for (int32_t y = greatest(top, in.y); y < least(end, in.y + in.height); y++) {
    int32_t from, to;
    if (!row_extent(s, y, reach, &from, &to)) continue;
    for (int32_t x = greatest(from, in.x); x < least(to, in.x + in.width); x++) {
      int64_t cx = (int64_t)x * 256 + 128, cy = (int64_t)y * 256 + 128;
      uint32_t cover = stroke_coverage(distance(s, cx, cy), pen->width);
      if (cover == 0) continue;
      uint32_t alpha = (pen->color.a * cover + 128) >> 8;
      if (previous) {
        uint32_t there = stroke_coverage(distance(previous, cx, cy), pen->width);
        alpha = alpha_between((pen->color.a * there + 128) >> 8, alpha);
      }
      put_pixel(pixel(image, x, y), pen->color, alpha, KR_BLEND_OVER);
    }
  }
}

void kr_image_line(KrImage *image, KrPoint a, KrPoint b, const KrPen *pen) {
  KrPoint points[2] = {a, b};
  kr_image_polyline(image, points, 2, pen);
}

void kr_image_polyline(KrImage *image, const KrPoint *points, size_t n, const KrPen *pen) {
  if (n == 0) return;
  KrPen inked = *pen;
  if (inked.width > FAR) inked.width = FAR;
  Segment previous = {{0, 0}, {0, 0}, 0, 0, 0, 0};
  size_t n_segments = n == 1 ? 1 : n - 1;
  for (size_t i = 0; i < n_segments; i++) {
    Segment s = segment_of(pull_point(points[i]), pull_point(points[n == 1 ? 0 : i + 1]));
    draw_segment(image, &s, i > 0 ? &previous : NULL, &inked);
    previous = s;
  }
}

// Crossings of the horizontal line at y (1/4096 pixel) with the edges, sorted; x in 1/256 pixel.
static uint32_t cross_edges(const KrPoint *corners, uint32_t n, int64_t y, int64_t *crossings) {
  uint32_t found = 0;
  for (uint32_t i = 0; i < n; i++) {
    KrPoint a = pull_point(corners[i]), b = pull_point(corners[i + 1 < n ? i + 1 : 0]);
    int64_t ay = (int64_t)a.y * 16, by = (int64_t)b.y * 16;
    if ((ay <= y) == (by <= y)) continue;
    int64_t x = a.x + divide_floor((y - ay) * ((int64_t)b.x - a.x), by - ay);
    uint32_t at = found++;
    for (; at > 0 && crossings[at - 1] > x; at--) crossings[at] = crossings[at - 1];
    crossings[at] = x;
  }
  return found;
}

#define STRIP 256 // pixels of a row whose coverage is collected at once

static void cover_strip(uint32_t *cover, int32_t first, int64_t left, int64_t right) {
  for (int32_t i = 0; i < STRIP; i++) {
    int64_t begin = ((int64_t)first + i) * 256, end = begin + 256;
    if (end <= left) continue;
    if (begin >= right) break;
    cover[i] += (uint32_t)((right < end ? right : end) - (left > begin ? left : begin));
  }
}

static void polygon_strip(KrImage *image, const KrPoint *corners, uint32_t n, KrPoint at,
                          KrColor color) {
  uint32_t cover[STRIP] = {0};
  for (int32_t line = 0; line < 16; line++) {
    int64_t crossings[KR_IMAGE_MAX_CORNERS];
    uint32_t found = cross_edges(corners, n, ((int64_t)at.y * 16 + line) * 256 + 128, crossings);
    for (uint32_t i = 0; i + 1 < found; i += 2)
      cover_strip(cover, at.x, crossings[i], crossings[i + 1]);
  }
  for (int32_t i = 0; i < STRIP; i++)
    if (cover[i] != 0) kr_image_blend(image, at.x + i, at.y, color, (cover[i] + 8) / 16);
}

void kr_image_polygon(KrImage *image, const KrPoint *corners, uint32_t n, KrColor color) {
  if (n < 3 || n > KR_IMAGE_MAX_CORNERS) return;
  int32_t left = FAR, right = -FAR, top = FAR, bottom = -FAR;
  for (uint32_t i = 0; i < n; i++) {
    KrPoint p = pull_point(corners[i]);
    left = least(left, p.x);
    right = greatest(right, p.x);
    top = least(top, p.y);
    bottom = greatest(bottom, p.y);
  }
  KrRect in = whole(image);
  int32_t x0 = greatest((int32_t)divide_floor(left, 256), 0);
  int32_t x1 = least((int32_t)divide_floor(right, 256) + 1, in.width);
  int32_t y0 = greatest((int32_t)divide_floor(top, 256), 0);
  int32_t y1 = least((int32_t)divide_floor(bottom, 256) + 1, in.height);
  for (int32_t y = y0; y < y1; y++)
    for (int32_t x = x0; x < x1; x += STRIP)
      polygon_strip(image, corners, n, (KrPoint){x, y}, color);
}

// Calls for every pixel near the circle; `solid` counts everything inside the radius as covered.
static void draw_round(KrImage *image, KrPoint centre, int64_t radius, const KrPen *pen,
                       bool solid) {
  KrRect in = pen_clip(image, pen);
  int64_t reach = radius + 256 + (solid ? 0 : (int64_t)pen->width / 2);
  KrPoint c = pull_point(centre);
  int32_t x0 = (int32_t)divide_floor(c.x - reach, 256),
          x1 = (int32_t)divide_floor(c.x + reach, 256);
  int32_t y0 = (int32_t)divide_floor(c.y - reach, 256),
          y1 = (int32_t)divide_floor(c.y + reach, 256);
  for (int32_t y = greatest(y0, in.y); y < least(y1 + 1, in.y + in.height); y++) {
    for (int32_t x = greatest(x0, in.x); x < least(x1 + 1, in.x + in.width); x++) {
      int64_t dx = (int64_t)x * 256 + 128 - c.x, dy = (int64_t)y * 256 + 128 - c.y;
      int64_t away = root(dx * dx + dy * dy) - radius;
      int64_t cover = 128 - away;
      if (!solid) cover = stroke_coverage(away < 0 ? -away : away, pen->width);
      if (cover > 256) cover = 256;
      if (cover > 0) kr_image_blend(image, x, y, pen->color, (uint32_t)cover);
    }
  }
}

void kr_image_disc(KrImage *image, KrPoint centre, int32_t radius, KrColor color) {
  KrPen pen = {color, 0, NULL};
  if (radius >= 0) draw_round(image, centre, pull(radius), &pen, true);
}

void kr_image_circle(KrImage *image, KrPoint centre, int32_t radius, const KrPen *pen) {
  KrPen inked = *pen;
  if (inked.width > FAR) inked.width = FAR;
  if (radius >= 0) draw_round(image, centre, pull(radius), &inked, false);
}

void kr_image_layer(KrImage *image, const KrImage *source, KrPoint corner_pixels, KrBlend blend,
                    uint32_t opacity) {
  KrRect in = clip_to(image, (KrRect){corner_pixels.x, corner_pixels.y, (int32_t)source->width,
                                      (int32_t)source->height});
  if (opacity > 256) opacity = 256;
  for (int32_t y = in.y; y < in.y + in.height; y++) {
    for (int32_t x = in.x; x < in.x + in.width; x++) {
      KrColor above = load(pixel(source, x - corner_pixels.x, y - corner_pixels.y));
      put_pixel(pixel(image, x, y), above, (above.a * opacity + 128) >> 8, blend);
    }
  }
}

void kr_image_scale(KrImage *image, const KrImage *source) {
  if (source->width == 0 || source->height == 0) return;
  for (uint32_t y = 0; y < image->height; y++) {
    uint32_t from_y =
        (uint32_t)((2 * (uint64_t)y + 1) * source->height / (2 * (uint64_t)image->height));
    for (uint32_t x = 0; x < image->width; x++) {
      uint32_t from_x =
          (uint32_t)((2 * (uint64_t)x + 1) * source->width / (2 * (uint64_t)image->width));
      store(pixel(image, (int32_t)x, (int32_t)y),
            load(pixel(source, (int32_t)from_x, (int32_t)from_y)));
    }
  }
}

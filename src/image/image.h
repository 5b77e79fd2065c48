/// Pictures of 8-bit RGBA pixels and the shapes drawn on them. Integer arithmetic only.
/// Positions in fixed point count 1/256 pixel from the upper left corner; the centre of pixel (0,0)
/// is (128,128). Nothing here allocates or fails: what lies outside the picture is not drawn.
/// All functions: [any] rt exact.
#ifndef KR_IMAGE_IMAGE_H
#define KR_IMAGE_IMAGE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Straight (not premultiplied) alpha, rows from the top, pixels from the left. Width and height
/// are at most KR_IMAGE_MAX_SIDE.
typedef struct KrImage {
  uint32_t width, height;
  uint8_t *rgba; ///< 4 * width * height bytes, owned by the caller
} KrImage;
#define KR_IMAGE_MAX_SIDE 32768
#define KR_IMAGE_BYTES(width, height) ((size_t)4 * (width) * (height))

typedef struct KrColor {
  uint8_t r, g, b, a;
} KrColor;

/// Pixels x..x+width-1, y..y+height-1; may reach outside the picture.
typedef struct KrRect {
  int32_t x, y, width, height;
} KrRect;

/// A position in 1/256 pixel, meaningful within +-2^24 (65536 pixels); further away is pulled in.
typedef struct KrPoint {
  int32_t x, y;
} KrPoint;

/// How a layer meets what is below (W3C Compositing and Blending Level 1, separable modes).
typedef enum KrBlend {
  KR_BLEND_OVER,
  KR_BLEND_ADD,
  KR_BLEND_MULTIPLY,
  KR_BLEND_SCREEN,
  KR_BLEND_LIGHTEN,
  KR_BLEND_DARKEN,
  KR_BLEND_DIFFERENCE,
  KR_BLEND_N
} KrBlend;
/// Name as written in a program (`over`), NULL past the end.
const char *kr_blend_name(KrBlend blend);

/// Pixels to fixed point, rounded to nearest; NaN gives 0, far values saturate.
int32_t kr_image_fixed(double pixels);

void kr_image_fill(KrImage *image, KrColor color);
KrColor kr_image_at(const KrImage *image, uint32_t x, uint32_t y);
/// Source over with `color.a` times coverage / 256; coverage is 0..256.
void kr_image_blend(KrImage *image, int32_t x, int32_t y, KrColor color, uint32_t coverage);
void kr_image_rect(KrImage *image, KrRect rect, KrColor color);
/// One pixel wide, inside the rectangle.
void kr_image_frame(KrImage *image, KrRect rect, KrColor color);

/// A pen: colour, width in 1/256 pixel (256 = one pixel), and where it may draw.
typedef struct KrPen {
  KrColor color;
  uint32_t width;
  const KrRect *clip; ///< NULL: the whole picture
} KrPen;
/// Anti-aliased segment with round ends.
void kr_image_line(KrImage *image, KrPoint a, KrPoint b, const KrPen *pen);
/// n - 1 segments; neighbours join without painting their common pixels twice. n 1 draws a dot.
void kr_image_polyline(KrImage *image, const KrPoint *points, size_t n, const KrPen *pen);
/// Anti-aliased interior, even-odd rule, closed by itself. More than KR_IMAGE_MAX_CORNERS: nothing.
void kr_image_polygon(KrImage *image, const KrPoint *corners, uint32_t n, KrColor color);
#define KR_IMAGE_MAX_CORNERS 256
/// Disc, and ring of the pen's width around the radius (1/256 pixel).
void kr_image_disc(KrImage *image, KrPoint centre, int32_t radius, KrColor color);
void kr_image_circle(KrImage *image, KrPoint centre, int32_t radius, const KrPen *pen);

/// Puts `source` with its corner at pixel (x,y); opacity 0..256.
void kr_image_layer(KrImage *image, const KrImage *source, KrPoint corner_pixels, KrBlend blend,
                    uint32_t opacity);
/// Nearest-pixel copy of the whole source into the whole target.
void kr_image_scale(KrImage *image, const KrImage *source);
#endif

/// The built-in bitmap font: printable ASCII and a few signs (degree, micro, plus-minus, squared,
/// times, Delta, pi, arrow, minus, infinity), 5 x 7 pixels with two rows below the line, in cells
/// of 6 x 10. Text is UTF-8; a sign the font lacks is drawn as a box. All: [any] rt exact.
#ifndef KR_IMAGE_FONT_H
#define KR_IMAGE_FONT_H
#include "base/text.h"
#include "image/image.h"

#define KR_FONT_WIDTH 6   ///< pixels from one sign to the next at scale 1
#define KR_FONT_HEIGHT 10 ///< pixels from one line to the next at scale 1
#define KR_FONT_ASCENT 7  ///< height of a capital

/// Width in pixels of the longest line (the gap after its last sign left out) and height of all
/// lines. Scale is at least 1.
uint32_t kr_font_text_width(KrText text, uint32_t scale);
uint32_t kr_font_text_height(KrText text, uint32_t scale);

typedef struct KrFontStyle {
  KrColor color;
  uint32_t scale;     ///< pixels per font pixel; 0 counts as 1, at most 64
  const KrRect *clip; ///< NULL: the whole picture
} KrFontStyle;
/// Draws from the upper left corner (whole pixels) of the first sign; `\n` starts a new line.
void kr_font_draw(KrImage *image, int32_t x, int32_t y, KrText text, const KrFontStyle *style);
/// Turned a quarter to the left (reads upwards); (x,y) is the lower left corner.
void kr_font_draw_upwards(KrImage *image, int32_t x, int32_t y, KrText text,
                          const KrFontStyle *style);
#endif

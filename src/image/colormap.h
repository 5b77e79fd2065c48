/// Colour maps: 256 opaque colours each, for numbers from 0 to 1. [any] rt exact
#ifndef KR_IMAGE_COLORMAP_H
#define KR_IMAGE_COLORMAP_H
#include "base/text.h"
#include "image/image.h"

typedef enum KrPalette {
  KR_PALETTE_GRAYSCALE,
  KR_PALETTE_FIRE,
  KR_PALETTE_VIRIDIS,
  KR_PALETTE_COOLWARM,
  KR_PALETTE_N
} KrPalette;

/// Name as written in a program (`fire`), NULL past the end.
const char *kr_palette_name(KrPalette palette);
bool kr_palette_find(KrText name, KrPalette *palette);
/// Entry 0..255 (larger: 255), opaque.
KrColor kr_palette_entry(KrPalette palette, uint32_t index);
/// Nearest entry to a value in [0,1]; outside the nearer end; NaN gives transparent black
/// (0,0,0,0).
KrColor kr_palette_color(KrPalette palette, double value);
/// All 256 at once, for loops over pixels.
void kr_palette_table(KrPalette palette, KrColor table[256]);
#endif

// Decides the colours of the four palettes: straight lines between control points, in integers.
#include "image/colormap.h"

typedef struct Control {
  uint8_t at; // index of the table entry that has exactly this colour
  uint8_t r, g, b;
} Control;

static const Control grayscale[] = {{0, 0, 0, 0}, {255, 255, 255, 255}};

// Black, deep violet, red, orange, yellow, white: lightness grows all the way.
static const Control fire[] = {{0, 0, 0, 0},         {40, 42, 6, 64},     {80, 112, 14, 72},
                               {120, 188, 36, 32},   {160, 238, 96, 8},   {200, 254, 172, 28},
                               {232, 255, 234, 116}, {255, 255, 255, 244}};

// Ten equidistant samples of viridis (S. van der Walt, N. Smith, E. Firing, 2015, public domain),
// as 440154 482878 3E4A89 31688E 26828E 1F9E89 35B779 6DCD59 B4DE2C FDE725.
static const Control viridis[] = {{0, 68, 1, 84},      {28, 72, 40, 120},   {57, 62, 74, 137},
                                  {85, 49, 104, 142},  {113, 38, 130, 142}, {142, 31, 158, 137},
                                  {170, 53, 183, 121}, {198, 109, 205, 89}, {227, 180, 222, 44},
                                  {255, 253, 231, 37}};

// Every second entry of the 33-entry table in K. Moreland, "Diverging Color Maps for Scientific
// Visualization", ISVC 2009 (expanded edition).
static const Control coolwarm[] = {{0, 59, 76, 192},     {16, 77, 104, 215},   {32, 98, 130, 234},
                                   {48, 119, 154, 247},  {64, 141, 176, 254},  {80, 163, 194, 255},
                                   {96, 184, 208, 249},  {112, 204, 217, 238}, {128, 221, 221, 221},
                                   {143, 236, 211, 197}, {159, 245, 196, 173}, {175, 247, 177, 148},
                                   {191, 244, 154, 123}, {207, 236, 127, 99},  {223, 222, 96, 77},
                                   {239, 203, 62, 56},   {255, 180, 4, 38}};

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

static const struct {
  const char *name;
  const Control *controls;
  size_t n;
} palettes[KR_PALETTE_N] = {{"grayscale", grayscale, COUNT(grayscale)},
                            {"fire", fire, COUNT(fire)},
                            {"viridis", viridis, COUNT(viridis)},
                            {"coolwarm", coolwarm, COUNT(coolwarm)}};

const char *kr_palette_name(KrPalette palette) {
  return (unsigned)palette < KR_PALETTE_N ? palettes[palette].name : NULL;
}

bool kr_palette_find(KrText name, KrPalette *palette) {
  for (unsigned i = 0; i < KR_PALETTE_N; i++) {
    if (!kr_text_is(name, palettes[i].name)) continue;
    *palette = (KrPalette)i;
    return true;
  }
  return false;
}

static uint8_t between(uint32_t a, uint32_t b, uint32_t part, uint32_t whole) {
  return (uint8_t)((2 * (a * (whole - part) + b * part) + whole) / (2 * whole));
}

KrColor kr_palette_entry(KrPalette palette, uint32_t index) {
  if ((unsigned)palette >= KR_PALETTE_N) palette = KR_PALETTE_GRAYSCALE;
  if (index > 255) index = 255;
  const Control *controls = palettes[palette].controls;
  size_t i = 1;
  while (controls[i].at < index) i++;
  const Control *a = &controls[i - 1], *b = &controls[i];
  uint32_t part = index - a->at, whole = (uint32_t)(b->at - a->at);
  return (KrColor){between(a->r, b->r, part, whole), between(a->g, b->g, part, whole),
                   between(a->b, b->b, part, whole), 255};
}

KrColor kr_palette_color(KrPalette palette, double value) {
  if (!(value == value)) return (KrColor){0, 0, 0, 0};
  if (value <= 0) return kr_palette_entry(palette, 0);
  if (value >= 1) return kr_palette_entry(palette, 255);
  return kr_palette_entry(palette, (uint32_t)(value * 255.0 + 0.5));
}

void kr_palette_table(KrPalette palette, KrColor table[256]) {
  for (uint32_t i = 0; i < 256; i++) table[i] = kr_palette_entry(palette, i);
}

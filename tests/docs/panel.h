/// Small plots for the manual: axes, a grid and curves in one part of a picture.
#ifndef KR_TESTS_DOCS_PANEL_H
#define KR_TESTS_DOCS_PANEL_H
#include "image/draw.h"

typedef struct Axis {
  KrDrawRange range;
  bool is_log;      ///< frequencies; ticks at powers of ten
  const char *unit; ///< behind the last tick's number
} Axis;

typedef struct Panel {
  KrImage *image;
  KrRect area; ///< of the curves; labels stand left of it and below
  Axis x, y;
} Panel;

void panel_begin(const Panel *panel);
/// n values, the first at the left edge and the last at the right one. Many to a pixel column show
/// their least and greatest.
void panel_curve(const Panel *panel, const double *values, size_t n, KrColor color);
/// Values around 0, or as wide as they are; some room above and below.
KrDrawRange panel_room(const double *const *columns, size_t n_columns, size_t n);
/// Position of a value on an axis, 0..1 inside.
double panel_place(const Axis *axis, double value);
void panel_text(KrImage *image, int32_t x, int32_t y, const char *text, KrColor color);
#endif

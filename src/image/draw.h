/// Pictures of numbers: what the operators colorize, waveform, spectrogram and plot draw.
/// Every function paints its whole picture (or the given area), opaque unless it says otherwise,
/// reads only the buffers handed to it and cannot fail. Arithmetic: doubles by + - x / in a fixed
/// order and integers. All: [any] rt exact.
#ifndef KR_IMAGE_DRAW_H
#define KR_IMAGE_DRAW_H
#include "image/colormap.h"
#include "image/font.h"
#include "image/image.h"

/// What is drawn at the lower and upper end of a scale. An empty or upside-down range is legal:
/// max == min shows every value at the middle, max < min turns the scale round.
typedef struct KrDrawRange {
  double min, max;
} KrDrawRange;

/// Least and greatest finite value; {0, 1} when there is none.
KrDrawRange kr_draw_range(const double *values, size_t n);
/// (value - min) / (max - min) cut to [0,1]; NaN stays NaN.
double kr_draw_level(KrDrawRange range, double value);
/// 20 log10(magnitude), within 1e-11 dB; 0 and negative give -infinity, NaN stays NaN.
double kr_draw_decibel(double magnitude);

/// Numbers in rows, first row on top; columns, rows > 0.
typedef struct KrDrawCells {
  const double *values; ///< columns * rows
  uint32_t columns, rows;
} KrDrawCells;
/// Every pixel has the colour of the cell its centre lies in; NaN is transparent black.
void kr_draw_colorize(KrImage *image, KrDrawCells cells, KrDrawRange range, KrPalette palette);

/// Bars of magnitudes in decibel, the lowest bin at the left; a pixel column shows the greatest of
/// its bins, a bar's colour climbs the palette with its height. Usual range: -100..0 dB.
void kr_draw_spectrum(KrImage *image, const double *magnitudes, uint32_t n, KrDrawRange decibels,
                      KrPalette palette);

/// A ring of spectra: `capacity` rows of `n_bins` magnitudes, `n` filled, oldest first from
/// `first`.
typedef struct KrDrawHistory {
  const double *magnitudes;
  uint32_t n_bins, capacity, n, first;
} KrDrawHistory;
/// Time to the right, the newest spectrum at the right edge, the lowest bin at the bottom;
/// decibels.
void kr_draw_spectrogram(KrImage *image, const KrDrawHistory *history, KrDrawRange decibels,
                         KrPalette palette);

typedef struct KrDrawColors {
  KrColor background, line, faint;
} KrDrawColors;
KrDrawColors kr_draw_colors(void); ///< the default: near black, light blue, grey
/// n samples over the whole width with a centre line at 0: least and greatest of each pixel column,
/// or a curve when there are fewer than two samples a pixel.
void kr_draw_waveform(KrImage *image, const double *samples, size_t n, KrDrawRange range,
                      const KrDrawColors *colors);

/// A curve with axes, round tick values and a grid.
typedef struct KrDrawPlot {
  const double *values; ///< NaN interrupts the curve
  size_t n;
  KrDrawRange x, y;               ///< x: position of the first and the last value
  KrText title, x_label, y_label; ///< may be empty
  KrDrawColors colors;
  uint32_t scale; ///< text size 1, 2, …; 0: chosen from the picture's size
} KrDrawPlot;
void kr_draw_plot_init(KrDrawPlot *plot, const double *values, size_t n); ///< x 0..n-1, y its range
void kr_draw_plot(KrImage *image, const KrDrawPlot *plot);

/// A round step for about `n_wanted` ticks: 1, 2 or 5 times a power of ten, as step = factor *
/// 10^exponent. False when the range is empty, infinite or outside 1e-15..1e15.
bool kr_draw_step(KrDrawRange range, uint32_t n_wanted, int64_t *factor, int32_t *exponent);
#endif

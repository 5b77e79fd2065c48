// F: a spectral gate. Every 512 ticks the newest 2048 are windowed (Hann) and transformed, bins
// below a magnitude of 10 are taken out, and what is left is transformed back, windowed and added
// up. Transforms: 1024 complex values in five passes of radix 4 in natural order (Stockham), and
// the usual split of a real transform of twice the length.
#include "yardstick.h"
#include <math.h>
#include <string.h>

enum { SIZE = 2048, HOP = 512, HALF = SIZE / 2 };
static const double TURN = 6.283185307179586;

/// Complex values, real and imaginary parts apart.
typedef struct Complex {
  _Alignas(64) float re[HALF + 16], im[HALF + 16];
} Complex;

static float window_in[SIZE], window_out[SIZE], newest[SIZE], sums[SIZE];
static Complex twiddle[3];   // e^(-i k 2 pi j / 1024), k = 1, 2, 3, first pass; later ones a subset
static Complex twiddle_real; // e^(-i 2 pi k / 2048)
static Noise source;

static void prepare_gate(const Noise *noise) {
  source = *noise;
  for (int i = 0; i < SIZE; i++) {
    double hann = 0.5 - 0.5 * cos(TURN * i / SIZE);
    window_in[i] = (float)hann;
    window_out[i] = (float)(hann / (1.5 * HALF)); // squares of the windows add up to 1.5
  }
  for (int i = 0; i < HALF; i++) {
    for (int k = 0; k < 3; k++) {
      twiddle[k].re[i] = (float)cos(TURN * i * (k + 1) / HALF);
      twiddle[k].im[i] = (float)-sin(TURN * i * (k + 1) / HALF);
    }
    twiddle_real.re[i] = (float)cos(TURN * i / SIZE);
    twiddle_real.im[i] = (float)-sin(TURN * i / SIZE);
  }
}

// One butterfly: values j, j + 256, … of `x` to 4 neighbours `stride` apart of `y`.
#define BUTTERFLY(from, to, stride)                                                                \
  float ar = xr[from], br = xr[(from) + 256], cr = xr[(from) + 512], dr = xr[(from) + 768];        \
  float ai = xi[from], bi = xi[(from) + 256], ci = xi[(from) + 512], di = xi[(from) + 768];        \
  float sr = ar + cr, si = ai + ci, tr = ar - cr, ti = ai - ci;                                    \
  float ur = br + dr, ui = bi + di, vr = bi - di, vi = dr - br; /* -i (b - d) */                   \
  float pr = tr + vr, pi = ti + vi, qr = sr - ur, qi = si - ui, rr = tr - vr, ri = ti - vi;        \
  yr[to] = sr + ur;                                                                                \
  yi[to] = si + ui;                                                                                \
  yr[(to) + (stride)] = pr * w1r - pi * w1i;                                                       \
  yi[(to) + (stride)] = pr * w1i + pi * w1r;                                                       \
  yr[(to) + 2 * (stride)] = qr * w2r - qi * w2i;                                                   \
  yi[(to) + 2 * (stride)] = qr * w2i + qi * w2r;                                                   \
  yr[(to) + 3 * (stride)] = rr * w3r - ri * w3i;                                                   \
  yi[(to) + 3 * (stride)] = rr * w3i + ri * w3r;
#define TWIDDLES(j)                                                                                \
  float w1r = twiddle[0].re[j], w1i = twiddle[0].im[j], w2r = twiddle[1].re[j],                    \
        w2i = twiddle[1].im[j], w3r = twiddle[2].re[j], w3i = twiddle[2].im[j];

static void run_first_pass(const float *restrict xr, const float *restrict xi, float *restrict yr,
                           float *restrict yi) {
  for (int j = 0; j < 256; j++) {
    TWIDDLES(j)
    BUTTERFLY(j, 4 * j, 1)
  }
}
static inline void run_pass(const float *restrict xr, const float *restrict xi, float *restrict yr,
                            float *restrict yi, const int stride) {
  for (int j = 0; j < 256; j += stride) {
    TWIDDLES(j)
    for (int i = 0; i < stride; i++) {
      BUTTERFLY(j + i, 4 * j + i, stride)
    }
  }
}

// In place; forward. With the parts exchanged it is the inverse times 1024.
static void transform(float *re, float *im) {
  static Complex other;
  run_first_pass(re, im, other.re, other.im);
  run_pass(other.re, other.im, re, im, 4);
  run_pass(re, im, other.re, other.im, 16);
  run_pass(other.re, other.im, re, im, 64);
  run_pass(re, im, other.re, other.im, 256);
  memcpy(re, other.re, HALF * sizeof *re);
  memcpy(im, other.im, HALF * sizeof *im);
}

// Bins k and 1024 - k of the real transform out of those of the packed one, gated, and back again.
static inline void gate_pair(Complex *z, int k) {
  int m = (HALF - k) % HALF;
  float c = twiddle_real.re[k], s = twiddle_real.im[k];
  float er = 0.5f * (z->re[k] + z->re[m]), ei = 0.5f * (z->im[k] - z->im[m]);
  float or_ = 0.5f * (z->im[k] + z->im[m]), oi = 0.5f * (z->re[m] - z->re[k]);
  float wr = or_ * c - oi * s, wi = or_ * s + oi * c;
  float xr = er + wr, xi = ei + wi, yr = er - wr, yi = wi - ei; // bins k and 1024 - k
  float least = k == 0 ? 400 : 100; // the first and the last bin count half
  float keep_x = xr * xr + xi * xi >= least ? 1.0f : 0.0f;
  float keep_y = yr * yr + yi * yi >= least ? 1.0f : 0.0f;
  xr *= keep_x, xi *= keep_x, yr *= keep_y, yi *= keep_y;
  er = 0.5f * (xr + yr), ei = 0.5f * (xi - yi);
  wr = 0.5f * (xr - yr), wi = 0.5f * (xi + yi);
  or_ = wr * c + wi * s, oi = wi * c - wr * s;
  z->re[k] = er - oi;
  z->im[k] = ei + or_;
  z->re[m] = er + oi;
  z->im[m] = or_ - ei;
}

static void run_frame(void) {
  static Complex z;
  for (int i = 0; i < HALF; i++) {
    z.re[i] = newest[2 * i] * window_in[2 * i];
    z.im[i] = newest[2 * i + 1] * window_in[2 * i + 1];
  }
  transform(z.re, z.im);
  for (int k = 0; k <= HALF / 2; k++) gate_pair(&z, k);
  transform(z.im, z.re);
  for (int i = 0; i < HALF; i++) {
    sums[2 * i] += z.re[i] * window_out[2 * i];
    sums[2 * i + 1] += z.im[i] * window_out[2 * i + 1];
  }
}

// At a tick that is a multiple of 512 the frame ends with that tick; the sample 2047 ticks before
// it is then complete.
static void run_gate(float *out, int64_t tick, int n) {
  static float x[MAX_BLOCK];
  static int n_newest = SIZE - 1, n_given = 0;
  noise_fill(&source, tick, n, x);
  for (int t = 0; t < n; t++) {
    newest[n_newest++] = x[t] * 0.5f;
    if ((tick + t) % HOP == 0) {
      memmove(sums, sums + n_given, (size_t)(SIZE - n_given) * sizeof *sums);
      memset(sums + SIZE - n_given, 0, (size_t)n_given * sizeof *sums);
      n_given = 0;
      run_frame();
      memmove(newest, newest + HOP, (SIZE - HOP) * sizeof *newest);
      n_newest = SIZE - HOP;
    }
    out[t] = sums[n_given++];
  }
}

const Work work_gate = {"F", 1, prepare_gate, run_gate};

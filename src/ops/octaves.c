// Decides how a file sounds faster than recorded: Kaiser-windowed sinc kernels eight to the octave,
// each 32 frames long, over frames whose rate a half-band filter halves (Crochiere and Rabiner
// 1983). Between two kernels the result is a straight line in the speed.
#include "ops/octaves.h"
#include "math/elementary.h"
#include "math/window.h"
#include "ops/frames.h"

enum { HALF_REACH = 31, N_ODD = (HALF_REACH + 1) / 2 };
static const char halves_kind[] = "halves", kernels_kind[] = "kernels";
static const double half_beta = 9, kernel_beta = 7;
// The -6 dB point lies this part of the rate below what the speed leaves: the kernel sounds until
// the speed is an eighth of an octave higher.
static const double margin = 0.03;

// Taps at odd distances 1, 3 … of the half-band filter; that at 0 is 1/2, all others are 0.
static void find_half_taps(double *taps) {
  double sum = 0;
  for (int i = 0; i < N_ODD; i++) {
    double d = 2 * i + 1;
    taps[i] = kr_sinc_at(d / 2) * kr_kaiser_at(d / (HALF_REACH + 1), half_beta);
    sum += taps[i];
  }
  for (int i = 0; i < N_ODD; i++) taps[i] /= 4 * sum;
}
static double frame_at(const float *frames, int64_t n, int64_t i) {
  return i >= 0 && i < n ? (double)frames[i] : 0;
}
static void halve(const float *from, int64_t n, const double *taps, float *to) {
  for (int64_t k = 0; k < (n + 1) / 2; k++) {
    double y = 0.5 * (double)from[2 * k];
    for (int i = 0; i < N_ODD; i++) {
      int64_t d = 2 * i + 1;
      y += taps[i] * (frame_at(from, n, 2 * k - d) + frame_at(from, n, 2 * k + d));
    }
    to[k] = (float)y;
  }
}

static void fill_kernel(float *kernel, double speed) {
  double cutoff = 2 * (0.5 / speed - margin);
  for (int step = 0; step <= KR_OCTAVE_STEPS; step++, kernel += KR_OCTAVE_TAPS) {
    double taps[KR_OCTAVE_TAPS], sum = 0;
    for (int c = 0; c < KR_OCTAVE_TAPS; c++) {
      double d = (double)(c - KR_OCTAVE_BEFORE) - (double)step / KR_OCTAVE_STEPS;
      double x = d / (KR_OCTAVE_BEFORE + 1);
      taps[c] = x > -1 && x < 1 ? kr_sinc_at(cutoff * d) * kr_kaiser_at(x, kernel_beta) : 0;
      sum += taps[c];
    }
    for (int c = 0; c < KR_OCTAVE_TAPS; c++) kernel[c] = (float)(taps[c] / sum);
  }
}

static const float *find_halves(const KrPrep *prep, const float *frames, int64_t n) {
  size_t n_bytes = (size_t)(n + KR_OCTAVE_HALVES) * sizeof(float);
  KrTableKey key = {halves_kind, frames, KR_RATIO_ONE, 0};
  double taps[N_ODD];
  bool is_new;
  float *table = kr_prep_table(prep, &key, n_bytes, &is_new), *to = table;
  if (table == NULL || !is_new) return table;
  find_half_taps(taps);
  for (int level = 0; level < KR_OCTAVE_HALVES; level++) {
    halve(frames, n, taps, to);
    frames = to;
    n = (n + 1) / 2;
    to += n;
  }
  return table;
}
static const float *find_kernels(const KrPrep *prep) {
  KrTableKey key = {kernels_kind, NULL, KR_RATIO_ONE, 0};
  bool is_new;
  float *table =
      kr_prep_table(prep, &key, sizeof(float) * KR_OCTAVE_PARTS * KR_OCTAVE_KERNEL, &is_new);
  for (int k = 0; table != NULL && is_new && k < KR_OCTAVE_PARTS; k++)
    fill_kernel(table + (ptrdiff_t)k * KR_OCTAVE_KERNEL, kr_f64_exp2((k + 1) / 8.0));
  return table;
}

KrStatus kr_octaves_prepare(const KrPrep *prep, uint32_t frames, uint32_t field) {
  const int64_t *of = FIELD_AT(prep, frames, int64_t);
  int64_t *at = FIELD_AT(prep, field, int64_t);
  const float *halves = find_halves(prep, kr_frames_at(of), of[KR_FRAMES_COUNT * prep->lanes]);
  const float *kernels = find_kernels(prep);
  if (halves == NULL || kernels == NULL) return KR_ERROR_MEMORY;
  at[KR_OCTAVES_HALVES] = (int64_t)(uintptr_t)halves;
  at[(size_t)KR_OCTAVES_KERNELS * prep->lanes] = (int64_t)(uintptr_t)kernels;
  return KR_OK;
}

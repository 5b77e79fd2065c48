/// Sixteen lanes beside one: laying out, adding up, crossing. Loops of the scheduler, compiled like
/// the kernels once for every level. Tiles are [n][KR_LANES]; [any] rt exact.
#ifndef KR_OPS_LANES_H
#define KR_OPS_LANES_H
#include "base/level.h"
#include "ops/op.h"

/// Ticks of one lane, one after the other, and where they belong: elements of a sum.
typedef struct KrLaneTicks {
  const void *from;
  uint32_t n, to;
} KrLaneTicks;

/// Elements are `width` bytes wide: 1, 4 or 8.
typedef struct KrLanes {
  /// One value a tick (the same at every tick when held) into every lane.
  void (*spread)(uint32_t width, const void *from, bool held, uint32_t n, void *to);
  /// One lane of a tile, or of its only row when held, to n values.
  void (*pick)(uint32_t width, const void *from, bool held, uint32_t lane, uint32_t n, void *to);
  /// n values, `stride` elements apart (0: held), to one lane of a tile.
  void (*put)(uint32_t width, const void *from, uint32_t stride, uint32_t n, void *to,
              uint32_t lane);
  /// n_lanes lanes to the columns of an open sum; `stride` elements between ticks. A sum that opens
  /// starts from +0.
  void (*add_f32)(const float *from, uint32_t stride, uint32_t n_lanes, bool opens, uint32_t n,
                  float *sum);
  void (*add_f64)(const double *from, uint32_t stride, uint32_t n_lanes, bool opens, uint32_t n,
                  double *sum);
  /// Those lanes whose bit is set.
  void (*add_some_f32)(const float *from, uint32_t stride, uint32_t lanes, uint32_t n, float *sum);
  void (*add_some_f64)(const double *from, uint32_t stride, uint32_t lanes, uint32_t n,
                       double *sum);
  /// Adds ticks of some lanes, and as many more as make KR_LANES full.
  void (*add_ticks_f32)(const KrLaneTicks *ticks, uint32_t n, float *sum);
  void (*add_ticks_f64)(const KrLaneTicks *ticks, uint32_t n, double *sum);
  /// Columns l and l+8, l+4, l+2, l+1 of every tick.
  void (*fold_f32)(const float *from, uint32_t n, float *to);
  void (*fold_f64)(const double *from, uint32_t n, double *to);
  /// A closed chunk's sums to those of all; the first chunk's are taken as they are.
  void (*close_f32)(const float *chunk, bool is_first, uint32_t n, float *total);
  void (*close_f64)(const double *chunk, bool is_first, uint32_t n, double *total);
  /// The sum of n_in values a tick, each of one lane or held (bytes[k] 0), in the order of sums.
  void (*sum_f32)(const void *const *in, const size_t *bytes, uint32_t n_in, uint32_t n, float *to);
  void (*sum_f64)(const void *const *in, const size_t *bytes, uint32_t n_in, uint32_t n,
                  double *to);
  /// x0 + a (x1 - x0) in every lane, a per tick, x0 where a is 0: at the first tick only, or at
  /// all.
  void (*linear_f32)(const float *x0, const float *x1, const float *a, uint32_t n, float *to);
  void (*linear_f64)(const double *x0, const double *x1, const double *a, uint32_t n, double *to);
} KrLanes;
/// Those of a supported level (KR_LEVEL_BEST: the best one).
const KrLanes *kr_lanes_at(KrLevel level);
#endif

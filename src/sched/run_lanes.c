// Steps that lay out lanes and add them up.
#include "math/sum.h"
#include "ops/lanes.h"
#include "sched/run.h"

static uint32_t width_of(const KrRunStep *step, uint32_t k) {
  return kr_elem_bytes(step->call.in_type[k].elem);
}

void kr_step_lane(const KrRunStep *step, uint32_t n) {
  step->at_level->pick(width_of(step, 0), step->in[0], step->in_bytes[0] == 0,
                       step->plan->in_lane[0], n, step->out[0]);
}

void kr_step_spread(const KrRunStep *step, uint32_t n) {
  step->at_level->spread(width_of(step, 0), step->in[0], step->in_bytes[0] == 0, n, step->out[0]);
}

void kr_step_pack(const KrRunStep *step, uint32_t n) {
  for (uint32_t l = 0; l < KR_LANES; l++) {
    uint32_t width = width_of(step, l);
    const uint8_t *from = (const uint8_t *)step->in[l] + (size_t)step->plan->in_lane[l] * width;
    step->at_level->put(width, from, (uint32_t)(step->in_bytes[l] / width), n, step->out[0], l);
  }
}

static void *accumulator(const KrRunStep *step, uint32_t i) {
  if (step->n_out > 0) return step->out[i];
  void *at;
  __builtin_memcpy(&at, &step->in[1 + i], sizeof at); // the step before is done with it
  return at;
}

void kr_step_add(const KrRunStep *step, uint32_t n) {
  const KrPlanStep *plan = step->plan;
  void *chunk = accumulator(step, 0), *total = accumulator(step, 1);
  uint32_t width = width_of(step, 0), stride = (uint32_t)(step->in_bytes[0] / width);
  bool keeps = plan->closes && plan->n_chunks > 1;
  if (width == 4) {
    step->at_level->add_f32(step->in[0], stride, plan->n_lanes, plan->opens, n,
                            (float *)chunk + plan->column);
    if (keeps) step->at_level->close_f32(chunk, plan->is_first_chunk, n, total);
  } else {
    step->at_level->add_f64(step->in[0], stride, plan->n_lanes, plan->opens, n,
                            (double *)chunk + plan->column);
    if (keeps) step->at_level->close_f64(chunk, plan->is_first_chunk, n, total);
  }
}

void kr_step_fold(const KrRunStep *step, uint32_t n) {
  if (width_of(step, 0) == 4)
    step->at_level->fold_f32(step->in[0], n, step->out[0]);
  else
    step->at_level->fold_f64(step->in[0], n, step->out[0]);
}

// One chunk of inputs, lane by lane.
#define DEFINE_SUM(real, f)                                                                        \
  static void sum_##f(const KrRunStep *step, uint32_t n) {                                         \
    for (uint32_t t = 0; t < n; t++) {                                                             \
      real column[KR_SUM_COLUMNS][KR_LANES] = {{0}};                                               \
      real *out = (real *)step->out[0] + t * KR_LANES;                                             \
      for (uint32_t k = 0; k < step->n_in; k++) {                                                  \
        const real *x = (const real *)step->in[k] + (step->in_bytes[k] == 0 ? 0 : t * KR_LANES);   \
        real *to = column[k % KR_SUM_COLUMNS];                                                     \
        for (uint32_t l = 0; l < KR_LANES; l++) to[l] += x[l];                                     \
      }                                                                                            \
      for (uint32_t half = KR_SUM_COLUMNS / 2; half > 0; half /= 2)                                \
        for (uint32_t c = 0; c < half; c++)                                                        \
          for (uint32_t l = 0; l < KR_LANES; l++) column[c][l] += column[c + half][l];             \
      for (uint32_t l = 0; l < KR_LANES; l++) out[l] = column[0][l];                               \
    }                                                                                              \
  }
DEFINE_SUM(float, f32)
DEFINE_SUM(double, f64)

void kr_lanes_sum(const KrRunStep *step, uint32_t n) {
  if (step->node->type.elem == KR_ELEM_F32)
    sum_f32(step, n);
  else
    sum_f64(step, n);
}

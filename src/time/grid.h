/// Rates, the grid and tick conversion. Tick k of a clock is at phase + k*dt, exactly. Results that
/// leave 63 bits are KR_ERROR_OVERFLOW, also when time - phase or k*dt alone does; dt <= 0 is
/// KR_ERROR_ARGUMENT. Outputs are untouched on errors. All: [any] rt exact, the grid [main]
#ifndef KR_TIME_GRID_H
#define KR_TIME_GRID_H
#include "time/ratio.h"

/// A clock: period dt > 0 and phase >= 0, in seconds.
typedef struct KrClock {
  KrRatio dt, phase;
} KrClock;

/// Time of tick k (any k, negative too).
KrStatus kr_clock_time(const KrClock *clock, int64_t tick, KrRatio *time);
/// Largest k with time of tick k <= time; *residual = (time-phase)/dt - k, in [0,1) (may be NULL).
KrStatus kr_clock_floor(const KrClock *clock, KrRatio time, int64_t *tick, KrRatio *residual);
/// The same; the residual may not be in its lowest terms.
KrStatus kr_clock_place(const KrClock *clock, KrRatio time, int64_t *tick, KrRatio *residual);
/// Smallest k with time of tick k >= time.
KrStatus kr_clock_ceil(const KrClock *clock, KrRatio time, int64_t *tick);
/// Number of ticks k >= 0 with begin <= time < end.
KrStatus kr_clock_count(const KrClock *clock, KrRatio begin, KrRatio end, int64_t *n);

/// G = lcm of the rates and of the denominators of the phases; hyperperiod = 1/gcd of the rates.
typedef struct KrGrid {
  KrRatio frequency;   ///< G in Hz, a whole number of 1/… Hz: grid tick = 1/G seconds
  KrRatio hyperperiod; ///< seconds
} KrGrid;
/// Admission: G * 3155760000 s fits 63 bits, else KR_ERROR_LIMIT and *clash_a, *clash_b index the
/// two clocks whose join first exceeds it.
KrStatus kr_grid_make(const KrClock *clocks, uint32_t n, KrGrid *grid, uint32_t *clash_a,
                      uint32_t *clash_b);
/// dt and phase as whole grid ticks.
KrStatus kr_grid_ticks(const KrGrid *grid, KrRatio seconds,
                       int64_t *ticks); ///< not whole: KR_ERROR_ARGUMENT
/// The nearest dt to `wanted` for which the join with `clocks` is admitted: the best fraction along
/// the continued fraction of `wanted`, or, where that is more than a tick of the finest admitted
/// grid away, the nearest whole number of these ticks. ARGUMENT: wanted <= 0; NOT_FOUND: `clocks`
/// clash already.
KrStatus kr_grid_nearest_dt(const KrClock *clocks, uint32_t n, KrRatio wanted, KrRatio *dt);

/// Exact integer stepping of the position of reader ticks j on a source clock, den common to start
/// and step, so that 0 <= rest, step_rest < den: position = (phase_r + j*dt_r - phase_s -
/// shift)/dt_s = k + rest/den.
typedef struct KrStepper {
  int64_t k;     ///< whole source tick (may be negative)
  uint64_t rest; ///< 0 <= rest < den
  uint64_t den;
  int64_t step_k; ///< added per reader tick
  uint64_t step_rest;
} KrStepper;
/// Places the stepper on reader tick `tick`. OVERFLOW when den or k leave 63 bits.
KrStatus kr_stepper_init(KrStepper *stepper, const KrClock *reader, const KrClock *source,
                         KrRatio shift, int64_t tick);
static inline void kr_stepper_next(KrStepper *s) {
  s->k += s->step_k;
  if (s->step_rest != 0 && s->rest >= s->den - s->step_rest) {
    s->rest -= s->den - s->step_rest;
    s->k++;
  } else {
    s->rest += s->step_rest;
  }
}
/// When the next n > 0 reader ticks fall on one source tick, moves past them; else false, not
/// moved.
static inline bool kr_stepper_pass(KrStepper *s, uint32_t n) {
  if (s->step_k != 0) return false;
  if (s->step_rest != 0 && (s->den - 1 - s->rest) / s->step_rest < n - 1) return false;
  s->rest += (n - 1) * s->step_rest;
  kr_stepper_next(s);
  return true;
}
#endif

/// Where ticks are: positions from counts, the common grid of several clocks and its admission.
#include "time/grid.h"

/// 100 years of 365.25 days, in seconds.
#define ADMITTED_SECONDS UINT64_C(3155760000)

static uint64_t magnitude(int64_t x) { return x < 0 ? 0 - (uint64_t)x : (uint64_t)x; }

KrStatus kr_clock_time(const KrClock *clock, int64_t tick, KrRatio *time) {
  KrRatio since;
  KR_TRY(kr_ratio_mul(kr_ratio_of(tick), clock->dt, &since));
  if (clock->phase.num == 0) {
    *time = since;
    return KR_OK;
  }
  return kr_ratio_add(clock->phase, since, time);
}

/// x/dt = *whole + *rest / *den, 0 <= rest < den, if `lowest` in lowest terms.
static KrStatus divide_floor(KrRatio x, KrRatio dt, bool lowest, int64_t *whole, KrU128 *rest,
                             KrU128 *den) {
  if (dt.num <= 0) return KR_ERROR_ARGUMENT;
  uint64_t num = magnitude(x.num);
  if (x.num >= 0 && (num | (uint64_t)x.den | (uint64_t)dt.num | (uint64_t)dt.den) >> 31 == 0) {
    uint64_t over = num * (uint64_t)dt.den, under = (uint64_t)x.den * (uint64_t)dt.num;
    uint64_t left = over % under, common = left == 0 ? under : lowest ? kr_gcd(left, under) : 1;
    *whole = (int64_t)(over / under);
    *rest = (KrU128){left / common, 0};
    *den = (KrU128){under / common, 0};
    return KR_OK;
  }
  uint64_t g = kr_gcd(num, (uint64_t)dt.num), h = kr_gcd((uint64_t)dt.den, (uint64_t)x.den);
  *den = kr_wide_mul((uint64_t)x.den / h, (uint64_t)dt.num / g);
  KrU128 quotient = kr_wide_div(kr_wide_mul(num / g, (uint64_t)dt.den / h), *den, rest);
  if (x.num < 0 && (rest->low | rest->high) != 0) {
    quotient = kr_wide_add(quotient, (KrU128){1, 0});
    *rest = kr_wide_sub(*den, *rest);
  }
  if (quotient.high != 0 || quotient.low > (uint64_t)INT64_MAX) return KR_ERROR_OVERFLOW;
  *whole = x.num < 0 ? -(int64_t)quotient.low : (int64_t)quotient.low;
  return KR_OK;
}

static KrStatus time_since(const KrClock *clock, KrRatio time, KrRatio *since) {
  *since = time;
  return clock->phase.num == 0 ? KR_OK : kr_ratio_sub(time, clock->phase, since);
}

static KrStatus find_floor(const KrClock *clock, KrRatio time, bool lowest, int64_t *tick,
                           KrRatio *residual) {
  KrRatio since;
  KrU128 rest, den;
  int64_t whole;
  KR_TRY(time_since(clock, time, &since));
  KR_TRY(divide_floor(since, clock->dt, lowest, &whole, &rest, &den));
  if (residual != 0) {
    if (den.high != 0 || den.low > (uint64_t)INT64_MAX) return KR_ERROR_OVERFLOW;
    *residual = (KrRatio){(int64_t)rest.low, (int64_t)den.low};
  }
  *tick = whole;
  return KR_OK;
}

KrStatus kr_clock_floor(const KrClock *clock, KrRatio time, int64_t *tick, KrRatio *residual) {
  return find_floor(clock, time, true, tick, residual);
}

KrStatus kr_clock_place(const KrClock *clock, KrRatio time, int64_t *tick, KrRatio *residual) {
  return find_floor(clock, time, false, tick, residual);
}

KrStatus kr_clock_ceil(const KrClock *clock, KrRatio time, int64_t *tick) {
  KrRatio since;
  KrU128 rest, den;
  int64_t whole;
  KR_TRY(time_since(clock, time, &since));
  KR_TRY(divide_floor(since, clock->dt, false, &whole, &rest, &den));
  if ((rest.low | rest.high) != 0 && !kr_add_i64(whole, 1, &whole)) return KR_ERROR_OVERFLOW;
  *tick = whole;
  return KR_OK;
}

KrStatus kr_clock_count(const KrClock *clock, KrRatio begin, KrRatio end, int64_t *n) {
  int64_t from, to;
  KR_TRY(kr_clock_ceil(clock, begin, &from));
  KR_TRY(kr_clock_ceil(clock, end, &to));
  if (from < 0) from = 0;
  *n = to > from ? to - from : 0;
  return KR_OK;
}

static bool is_admitted(KrRatio frequency) {
  KrU128 rest, n = kr_wide_mul((uint64_t)frequency.num, ADMITTED_SECONDS);
  n = kr_wide_div(n, (KrU128){(uint64_t)frequency.den, 0}, &rest);
  return n.high == 0 && n.low <= (uint64_t)INT64_MAX;
}

/// Joins a clock to *grid; a frequency of 0 is the empty grid. LIMIT when it is not admitted; the
/// grid is then untouched.
static KrStatus join(KrGrid *grid, const KrClock *clock) {
  if (clock->dt.num <= 0 || clock->phase.num < 0) return KR_ERROR_ARGUMENT;
  KrRatio rate = {clock->dt.den, clock->dt.num};
  KrGrid joined = {rate, clock->dt};
  KrStatus status = KR_OK;
  if (grid->frequency.num != 0) {
    status = kr_ratio_lcm(grid->frequency, rate, &joined.frequency);
    // 1/gcd of the rates is the lcm of the periods.
    if (status == KR_OK) {
      status = kr_ratio_lcm(grid->hyperperiod, clock->dt, &joined.hyperperiod);
    }
  }
  if (status == KR_OK && clock->phase.num != 0) {
    KrRatio needed = kr_ratio_of(clock->phase.den);
    status = kr_ratio_lcm(joined.frequency, needed, &joined.frequency);
  }
  if (status != KR_OK || !is_admitted(joined.frequency)) return KR_ERROR_LIMIT;
  *grid = joined;
  return KR_OK;
}

/// The first clock before `b` that clashes with it on its own, else the one with the finest join.
static uint32_t find_clash(const KrClock *clocks, uint32_t b) {
  uint32_t found = b;
  KrRatio finest = KR_RATIO_ZERO;
  KrGrid alone = {KR_RATIO_ZERO, KR_RATIO_ZERO};
  if (join(&alone, &clocks[b]) != KR_OK) return b;
  for (uint32_t a = 0; a < b; a++) {
    KrGrid pair = alone;
    if (join(&pair, &clocks[a]) != KR_OK) return a;
    if (kr_ratio_compare(pair.frequency, finest) > 0) {
      finest = pair.frequency;
      found = a;
    }
  }
  return found;
}

KrStatus kr_grid_make(const KrClock *clocks, uint32_t n, KrGrid *grid, uint32_t *clash_a,
                      uint32_t *clash_b) {
  KrGrid made = {KR_RATIO_ZERO, KR_RATIO_ZERO};
  if (n == 0) return KR_ERROR_ARGUMENT;
  for (uint32_t i = 0; i < n; i++) {
    KrStatus status = join(&made, &clocks[i]);
    if (status == KR_OK) continue;
    if (clash_a != 0) *clash_a = status == KR_ERROR_LIMIT ? find_clash(clocks, i) : i;
    if (clash_b != 0) *clash_b = i;
    return status;
  }
  *grid = made;
  return KR_OK;
}

KrStatus kr_grid_ticks(const KrGrid *grid, KrRatio seconds, int64_t *ticks) {
  KrRatio product;
  KR_TRY(kr_ratio_mul(seconds, grid->frequency, &product));
  if (product.den != 1) return KR_ERROR_ARGUMENT;
  *ticks = product.num;
  return KR_OK;
}

/// How many semiconvergents of one partial quotient are tried, the best first.
#define MAX_TRIES 1000

/// Two neighbouring convergents of a continued fraction: p0/q0, then p1/q1.
typedef struct Convergents {
  uint64_t p0, q0, p1, q1;
} Convergents;

static bool joins(const KrGrid *grid, uint64_t p, uint64_t q) {
  KrGrid joined = *grid;
  KrClock clock = {{(int64_t)p, (int64_t)q}, KR_RATIO_ZERO};
  return p != 0 && join(&joined, &clock) == KR_OK;
}

/// The best admitted (p0 + j p1)/(q0 + j q1) with j <= quotient; semiconvergents with j below half
/// of the quotient are no better than p1/q1.
static bool try_semiconvergents(const KrGrid *grid, const Convergents *c, uint64_t quotient,
                                KrRatio *dt) {
  uint64_t least = c->q1 == 0 ? 1 : quotient / 2;
  for (uint64_t i = 0; i < MAX_TRIES && quotient - i >= least && quotient - i > 0; i++) {
    uint64_t p = c->p0 + (quotient - i) * c->p1, q = c->q0 + (quotient - i) * c->q1;
    if (!joins(grid, p, q)) continue;
    *dt = (KrRatio){(int64_t)p, (int64_t)q};
    return true;
  }
  return false;
}

/// wanted = [a0; a1, a2, ...]; the last admitted fraction along it is the nearest of them.
/// Every p and q stays at or below the terms of `wanted`.
static bool follow_fraction(const KrGrid *grid, KrRatio wanted, KrRatio *dt) {
  Convergents c = {0, 1, 1, 0};
  uint64_t num = (uint64_t)wanted.num, den = (uint64_t)wanted.den;
  bool found = false;
  while (den != 0) {
    uint64_t quotient = num / den, rest = num % den;
    if (try_semiconvergents(grid, &c, quotient, dt)) found = true;
    c = (Convergents){c.p1, c.q1, c.p0 + quotient * c.p1, c.q0 + quotient * c.q1};
    num = den;
    den = rest;
  }
  return found;
}

/// The finest admitted grid whose frequency is a multiple of `frequency`.
static KrStatus find_finest(KrRatio frequency, KrRatio *finest) {
  uint64_t rest;
  int64_t factor;
  if (!kr_muldiv_floor(INT64_MAX / (int64_t)ADMITTED_SECONDS, (uint64_t)frequency.den,
                       (uint64_t)frequency.num, &factor, &rest) ||
      factor < 1) {
    return KR_ERROR_NOT_FOUND;
  }
  return kr_ratio_mul(frequency, kr_ratio_of(factor), finest);
}

/// Whether a and b are more than one tick of a grid apart.
static bool is_far(KrRatio a, KrRatio b, KrRatio frequency) {
  KrRatio tick = {frequency.den, frequency.num}, distance;
  if (kr_ratio_sub(a, b, &distance) != KR_OK) return false;
  if (distance.num < 0) distance = kr_ratio_negate(distance);
  return kr_ratio_compare(distance, tick) > 0;
}

/// The nearest whole number of ticks of a grid, at least one.
static bool round_to_grid(KrRatio frequency, KrRatio wanted, KrRatio *dt) {
  KrU128 rest, den;
  int64_t n;
  KrRatio tick = {frequency.den, frequency.num};
  if (divide_floor(wanted, tick, false, &n, &rest, &den) != KR_OK) return false;
  if (kr_wide_compare(rest, kr_wide_sub(den, rest)) >= 0 && n < INT64_MAX) n++;
  return kr_ratio_div(kr_ratio_of(n < 1 ? 1 : n), frequency, dt) == KR_OK;
}

KrStatus kr_grid_nearest_dt(const KrClock *clocks, uint32_t n, KrRatio wanted, KrRatio *dt) {
  KrGrid grid = {KR_RATIO_ZERO, KR_RATIO_ZERO};
  KrRatio simple, rounded, finest;
  if (wanted.num <= 0) return KR_ERROR_ARGUMENT;
  for (uint32_t i = 0; i < n; i++) {
    if (join(&grid, &clocks[i]) != KR_OK) return KR_ERROR_NOT_FOUND;
  }
  bool found = follow_fraction(&grid, wanted, &simple);
  KR_TRY(find_finest(n != 0 ? grid.frequency : KR_RATIO_ONE, &finest));
  // A simple fraction is preferred while it is as near as a tick of the finest grid.
  if ((!found || is_far(simple, wanted, finest)) && round_to_grid(finest, wanted, &rounded) &&
      joins(&grid, (uint64_t)rounded.num, (uint64_t)rounded.den)) {
    simple = rounded;
    found = true;
  }
  if (!found) return KR_ERROR_NOT_FOUND;
  *dt = simple;
  return KR_OK;
}

/// (phase_r - phase_s - shift + tick * dt_r) / dt_s with both parts over one denominator.
KrStatus kr_stepper_init(KrStepper *stepper, const KrClock *reader, const KrClock *source,
                         KrRatio shift, int64_t tick) {
  KrRatio start, step;
  int64_t moved, k;
  uint64_t rest;
  KR_TRY(kr_ratio_sub(reader->phase, source->phase, &start));
  KR_TRY(kr_ratio_sub(start, shift, &start));
  KR_TRY(kr_ratio_div(start, source->dt, &start));
  KR_TRY(kr_ratio_div(reader->dt, source->dt, &step));
  uint64_t a = (uint64_t)start.den, b = (uint64_t)step.den;
  KrU128 den = kr_wide_mul(a / kr_gcd(a, b), b);
  if (den.high != 0 || den.low > (uint64_t)INT64_MAX) return KR_ERROR_OVERFLOW;
  int64_t start_k = kr_ratio_floor(start), step_k = kr_ratio_floor(step);
  // Fractions of start and step in units of 1/den, both below den.
  uint64_t start_rest = (uint64_t)(start.num - start_k * start.den) * (den.low / a);
  uint64_t step_rest = (uint64_t)(step.num - step_k * step.den) * (den.low / b);
  // tick * step = tick * step_k + moved + rest/den.
  if (!kr_muldiv_floor(tick, step_rest, den.low, &moved, &rest) || !kr_mul_i64(tick, step_k, &k) ||
      !kr_add_i64(k, moved, &k) || !kr_add_i64(k, start_k, &k)) {
    return KR_ERROR_OVERFLOW;
  }
  uint64_t sum = rest + start_rest;
  if (sum >= den.low) {
    sum -= den.low;
    if (!kr_add_i64(k, 1, &k)) return KR_ERROR_OVERFLOW;
  }
  *stepper = (KrStepper){k, sum, den.low, step_k, step_rest};
  return KR_OK;
}

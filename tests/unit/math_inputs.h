/// Structured inputs for the f64 functions; tests only.
#ifndef KR_TEST_MATH_INPUTS_H
#define KR_TEST_MATH_INPUTS_H
#include "math/real.h"
#include <math.h>

/// A generator of test inputs (Marsaglia 2003, xorshift); the state is any number but 0.
static inline uint64_t inputs_next(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}
static inline double inputs_unit(uint64_t *state) {
  return (double)(int64_t)inputs_next(state) * 0x1p-63;
}

/// A value of a random exponent in low..high.
static inline double inputs_spread(uint64_t *state, int low, int high) {
  int exponent = low + (int)(inputs_next(state) % (uint64_t)(high - low + 1));
  return ldexp(inputs_unit(state), exponent);
}

enum { N_INPUT_KINDS = 14 };
/// Inputs by turns: any bits, ranges where the functions bend, next to 1, to multiples of pi/4 and
/// of ln 2, to quarter turns and whole numbers, subnormal, huge.
static inline double inputs_draw(uint64_t *state, uint64_t i) {
  double step = 1 + (double)((int64_t)(inputs_next(state) % 5) - 2) * 0x1p-52;
  double whole = (double)((int64_t)(inputs_next(state) % 4000001) - 2000000);
  switch (i % N_INPUT_KINDS) {
  case 0: return kr_f64_from_bits(inputs_next(state));
  case 1: return inputs_unit(state);
  case 2: return inputs_unit(state) * 20;
  case 3: return inputs_unit(state) * 750;
  case 4: return inputs_unit(state) * 1100;
  case 5: return inputs_spread(state, -60, 25);
  case 6: return 1 + inputs_spread(state, -54, 0);
  case 7: return whole * 0x1.921fb54442d18p-1 * step;
  case 8: return floor(inputs_spread(state, 0, 10)) * 0x1.62e42fefa39efp-1 * step;
  case 9: return whole * 0.25 * step;
  case 10: return kr_f64_from_bits(inputs_next(state) & UINT64_C(0x800fffffffffffff));
  case 11: return inputs_spread(state, 25, 1023);
  case 12: return floor(inputs_spread(state, 0, 60)) * 0x1.921fb54442d18p0;
  default: return (double)(float)(inputs_unit(state) * 100);
  }
}
#endif

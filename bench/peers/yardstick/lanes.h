// Vectors as wide as the machine the file is compiled for, and what all works compute with them:
// selection, the sine of a quarter turn, what a recurrence keeps, 64-bit phases in two halves.
#ifndef YARDSTICK_LANES_H
#define YARDSTICK_LANES_H
#include <stdint.h>

#if defined(__AVX512F__)
enum { LANES = 16 };
#elif defined(__AVX2__)
enum { LANES = 8 };
#else
enum { LANES = 4 };
#endif

typedef float Real __attribute__((vector_size(4 * LANES)));
typedef int32_t Int __attribute__((vector_size(4 * LANES)));
typedef uint32_t Bits __attribute__((vector_size(4 * LANES)));

/// `yes` where the mask is all ones, `no` where it is zero.
static inline Real lanes_select(Int mask, Real yes, Real no) {
  return (Real)(((Int)yes & mask) | ((Int)no & ~mask));
}
static inline Real lanes_from_int(Int x) { return __builtin_convertvector(x, Real); }
static inline Int lanes_to_int(Real x) { return __builtin_convertvector(x, Int); }
static inline Real lanes_all(float x) { return (Real){0} + x; }

/// Halves first: the order of the last four additions of a sum over sixteen columns.
static inline float lanes_sum(Real x) {
  typedef float Four __attribute__((vector_size(16)));
  Four part[LANES / 4];
  __builtin_memcpy(part, &x, sizeof part);
  for (int half = LANES / 8; half > 0; half /= 2)
    for (int i = 0; i < half; i++) part[i] += part[i + half];
  Four two = part[0] + __builtin_shufflevector(part[0], part[0], 2, 3, 0, 1);
  return two[0] + two[1];
}

/// sin(pi/2 t), |t| <= 1; absolute error 1.9e-7.
static inline Real lanes_quarter_sine(Real t) {
  Real z = t * t;
  Real p = lanes_all(0x1.3dac7ap-13f);
  p = p * z - 0x1.324c8cp-8f;
  p = p * z + 0x1.4668acp-4f;
  p = p * z - 0x1.4abbc2p-1f;
  p = p * z + 0x1.921fb6p+0f;
  return p * t;
}

/// Sine of a phase of 2^32 to the turn: folded at the quarter turns.
static inline Real lanes_sine(Bits phase) {
  Int outer = (Int)(phase ^ phase << 1) >> 31;
  Int folded = (((Int)phase ^ outer) - outer) ^ (outer & INT32_MIN);
  return lanes_quarter_sine(lanes_from_int(folded) * 0x1p-30f);
}

/// x, or 0 where its magnitude is below 2^-100 or not finite: exponent and fraction as an integer,
/// moved so that one signed comparison sees both ends.
static inline Real lanes_keep(Real x) {
  const uint32_t least = 0x0d800000u, most = 0x7f7fffffu;
  Int moved = (Int)(((Bits)x & 0x7fffffffu) + (0x80000000u - least));
  Int kept = moved <= (int32_t)(most - least + 0x80000000u);
  return (Real)((Int)x & kept);
}

/// A phase of 2^64 to the turn. The low half is kept with its top bit turned over, which makes the
/// carry a signed comparison.
typedef struct Phase {
  Bits high;
  Int low;
} Phase;
static inline Phase phase_next(Phase phase, Phase step) {
  Int low = (Int)((Bits)phase.low + (Bits)step.low + 0x80000000u);
  return (Phase){phase.high + step.high - (Bits)(low < step.low), low};
}
static inline void phase_put(Phase *phase, int lane, uint64_t turns) {
  phase->high[lane] = (uint32_t)(turns >> 32);
  phase->low[lane] = (int32_t)((uint32_t)turns ^ 0x80000000u);
}
#endif

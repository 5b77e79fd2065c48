/// The one place where bits become a float: round to nearest, ties to even, subnormals included.
#ifndef KR_BASE_ROUND_H
#define KR_BASE_ROUND_H
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/// Shape of an IEEE 754 binary format: significant bits, least and greatest exponent.
typedef struct KrFloatShape {
  int n_bits, min_exponent, max_exponent;
} KrFloatShape;
#define KR_SHAPE_F64 ((KrFloatShape){53, -1022, 1023})
#define KR_SHAPE_F32 ((KrFloatShape){24, -126, 127})

/// Encoded magnitude of (bits + a rest in (0,1) if sticky) * 2^exponent. With sticky, bits must
/// have at least n_bits + 2 significant bits. Too large gives infinity. [any] rt exact
static inline uint64_t kr_round_encode(uint64_t bits, bool sticky, int exponent,
                                       KrFloatShape shape) {
  if (bits == 0) return 0;
  int n_leading = __builtin_clzll(bits);
  bits <<= n_leading;
  exponent += 63 - n_leading;
  uint64_t infinity = (uint64_t)(shape.max_exponent - shape.min_exponent + 2) << (shape.n_bits - 1);
  if (exponent > shape.max_exponent) return infinity;
  bool subnormal = exponent < shape.min_exponent;
  if (subnormal && shape.min_exponent - exponent > shape.n_bits) return 0;
  int n_drop = 64 - shape.n_bits + (subnormal ? shape.min_exponent - exponent : 0);
  if (n_drop > 64) return 0;
  uint64_t kept = n_drop == 64 ? 0 : bits >> n_drop;
  uint64_t rest = n_drop == 64 ? bits : bits << (64 - n_drop);
  uint64_t half = (uint64_t)1 << 63;
  if (rest > half || (rest == half && (sticky || (kept & 1) != 0))) kept++;
  // A carry out of `kept` moves into the exponent field, up to infinity.
  if (subnormal) return kept;
  uint64_t field = (uint64_t)(exponent - shape.min_exponent);
  return (field << (shape.n_bits - 1)) + kept;
}

static inline double kr_round_f64(bool negative, uint64_t bits, bool sticky, int exponent) {
  uint64_t code = kr_round_encode(bits, sticky, exponent, KR_SHAPE_F64);
  double value;
  code |= (uint64_t)negative << 63;
  memcpy(&value, &code, sizeof value);
  return value;
}

static inline float kr_round_f32(bool negative, uint64_t bits, bool sticky, int exponent) {
  uint32_t code = (uint32_t)kr_round_encode(bits, sticky, exponent, KR_SHAPE_F32);
  float value;
  code |= (uint32_t)negative << 31;
  memcpy(&value, &code, sizeof value);
  return value;
}
#endif

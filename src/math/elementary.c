// The f32 functions: the f64 result (error <= 1 ulp) rounded once. Where that result is within 4
// ulp of the middle between two floats, the input is looked up among the few for which rounding
// twice errs; scripts/math-hard.c finds them by trying all 2^32 inputs.
#include "math/elementary.h"
#include "math/hard_table.h"
#include "math/real.h"

static float find_hard(double y, uint32_t key, const Hard *hard) {
  for (; hard->x < key; hard++) {}
  return hard->x == key ? kr_f32_from_bits(hard->y) : (float)y;
}

// key: bits of the input, tables are sorted by it and end at UINT32_MAX.
static inline float round_to_f32(double y, uint32_t key, const Hard *hard) {
  uint32_t rest = (uint32_t)kr_f64_to_bits(y) & 0x1fffffff;
  if (y != y) return kr_f32_nan();
  if (rest - (0x10000000 - 4) <= 8 || kr_f64_abs(y) < 0x1p-126) return find_hard(y, key, hard);
  return (float)y;
}

#define ANY(name)                                                                                  \
  float kr_f32_##name(float x) {                                                                   \
    return round_to_f32(kr_f64_##name((double)x), kr_f32_to_bits(x), HARD_##name);                 \
  }
// f(-x) = f(x)
#define EVEN(name)                                                                                 \
  float kr_f32_##name(float x) {                                                                   \
    float a = kr_f32_abs(x);                                                                       \
    return round_to_f32(kr_f64_##name((double)a), kr_f32_to_bits(a), HARD_##name);                 \
  }
// f(-x) = -f(x)
#define ODD(name)                                                                                  \
  float kr_f32_##name(float x) {                                                                   \
    float a = kr_f32_abs(x);                                                                       \
    float y = round_to_f32(kr_f64_##name((double)a), kr_f32_to_bits(a), HARD_##name);              \
    return y == y && kr_f32_to_bits(x) >> 31 ? -y : y;                                             \
  }

ODD(sin)
EVEN(cos)
ODD(tan)
ODD(sin_turns)
EVEN(cos_turns)
ODD(asin)
ANY(acos)
ODD(atan)
ODD(sinh)
EVEN(cosh)
ODD(tanh)
ANY(exp)
ANY(exp2)
ANY(log)
ANY(log2)
ANY(log10)
ANY(mtof)
ANY(ftom)
ANY(db)
ANY(lin)

float kr_f32_pow(float x, float y) {
  double r = kr_f64_pow((double)x, (double)y);
  return r == r ? (float)r : kr_f32_nan();
}

float kr_f32_atan2(float y, float x) {
  double r = kr_f64_atan2((double)y, (double)x);
  return r == r ? (float)r : kr_f32_nan();
}

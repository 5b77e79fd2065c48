// The f32 functions: a guess where it is sure, else the f64 result (error <= 1 ulp) rounded once.
// Where that is within 4 ulp of the middle between two floats, the input is looked up among the few
// for which rounding twice errs; scripts/math-hard.c finds them by trying all 2^32 inputs.
#include "math/elementary.h"
#include "math/guess.h"
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

#define GUESS_FIRST(name)                                                                          \
  float kr_f32_##name(float x) {                                                                   \
    float y;                                                                                       \
    return kr_guess_##name(x, &y) ? y : name##_closely(x);                                         \
  }
#define ANY(name)                                                                                  \
  static __attribute__((noinline)) float name##_closely(float x) {                                 \
    return round_to_f32(kr_f64_##name((double)x), kr_f32_to_bits(x), HARD_##name);                 \
  }
// Trigonometric functions have a second guess, for large arguments.
#define GUESS_TWICE(name)                                                                          \
  float kr_f32_##name(float x) {                                                                   \
    float y;                                                                                       \
    if (kr_guess_##name(x, &y) || kr_guess_far_##name(x, &y)) return y;                            \
    return name##_closely(x);                                                                      \
  }
// f(-x) = f(x)
#define EVEN(name)                                                                                 \
  static __attribute__((noinline)) float name##_closely(float x) {                                 \
    float a = kr_f32_abs(x);                                                                       \
    return round_to_f32(kr_f64_##name((double)a), kr_f32_to_bits(a), HARD_##name);                 \
  }
// f(-x) = -f(x)
#define ODD(name)                                                                                  \
  static __attribute__((noinline)) float name##_closely(float x) {                                 \
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

GUESS_TWICE(sin)
GUESS_TWICE(cos)
GUESS_TWICE(tan)
GUESS_FIRST(sin_turns)
GUESS_FIRST(cos_turns)
GUESS_FIRST(asin)
GUESS_FIRST(acos)
GUESS_FIRST(atan)
GUESS_FIRST(sinh)
GUESS_FIRST(cosh)
GUESS_FIRST(tanh)
GUESS_FIRST(exp)
GUESS_FIRST(exp2)
GUESS_FIRST(log)
GUESS_FIRST(log2)
GUESS_FIRST(log10)
GUESS_FIRST(mtof)
GUESS_FIRST(ftom)
GUESS_FIRST(db)
GUESS_FIRST(lin)

// The guess is sure only where everything near it, the f64 result included, rounds to one f32.
static __attribute__((noinline)) float pow_closely(float x, float y) {
  double r = kr_f64_pow((double)x, (double)y);
  return r == r ? (float)r : kr_f32_nan();
}
float kr_f32_pow(float x, float y) {
  float r;
  return kr_guess_pow(x, y, &r) ? r : pow_closely(x, y);
}

static __attribute__((noinline)) float atan2_closely(float y, float x) {
  double r = kr_f64_atan2((double)y, (double)x);
  return r == r ? (float)r : kr_f32_nan();
}
float kr_f32_atan2(float y, float x) {
  float r;
  return kr_guess_atan2(y, x, &r) ? r : atan2_closely(y, x);
}

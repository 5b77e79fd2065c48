// Functions of the language: one expression a row, the same for every tick and lane.
#ifndef KR_PASS
#include "math/many.h"
#include "ops/kernel.h"

#define KR_PASS 32
#include "ops/maths.c"
#undef KR_PASS
#define KR_PASS 64
#include "ops/maths.c"
#undef KR_PASS

// Integers: [n][lanes] of one type, held inputs read with stride 0.
#define INTEGER_LOOP(type, expression)                                                             \
  type *restrict out = call->out[0];                                                               \
  for (uint32_t t = 0; t < call->n; t++)                                                           \
    for (uint32_t l = 0; l < call->lanes; l++) {                                                   \
      const type x = ((const type *)call->in[0])[t * kr_call_stride(call, 0) + l];                 \
      out[t * call->lanes + l] = (type)(expression);                                               \
    }
#define IN2(type, i) (((const type *)call->in[i])[t * kr_call_stride(call, i) + l])
#define INTEGERS_OF(type, suffix)                                                                  \
  static void abs_##suffix(const KrCall *call) { INTEGER_LOOP(type, x > 0 ? x : 0 - x) }           \
  static void sign_##suffix(const KrCall *call) {                                                  \
    INTEGER_LOOP(type, (x > 0) - !(x > 0 || x == 0))                                               \
  }                                                                                                \
  static void min_##suffix(const KrCall *call) {                                                   \
    INTEGER_LOOP(type, x < IN2(type, 1) ? x : IN2(type, 1))                                        \
  }                                                                                                \
  static void max_##suffix(const KrCall *call) {                                                   \
    INTEGER_LOOP(type, x > IN2(type, 1) ? x : IN2(type, 1))                                        \
  }                                                                                                \
  static void clamp_##suffix(const KrCall *call) {                                                 \
    type low, high;                                                                                \
    INTEGER_LOOP(type, (low = IN2(type, 1), high = IN2(type, 2), low = x > low ? x : low,          \
                        low < high ? low : high))                                                  \
  }
INTEGERS_OF(int32_t, i32)
INTEGERS_OF(int64_t, i64)
INTEGERS_OF(uint32_t, u32)
INTEGERS_OF(uint64_t, u64)
#define RUN_NUMBER(name)                                                                           \
  {                                                                                                \
    [KR_ELEM_I32] = name##_i32, [KR_ELEM_I64] = name##_i64, [KR_ELEM_U32] = name##_u32,            \
    [KR_ELEM_U64] = name##_u64, [KR_ELEM_F32] = name##_f32, [KR_ELEM_F64] = name##_f64             \
  }

#define SELECT_OF(type, suffix)                                                                    \
  static void select_##suffix(const KrCall *call) {                                                \
    const uint8_t *cond = call->in[0];                                                             \
    const type *a = call->in[1], *b = call->in[2];                                                 \
    size_t c_stride = kr_call_stride(call, 0), a_stride = kr_call_stride(call, 1);                 \
    size_t b_stride = kr_call_stride(call, 2);                                                     \
    type *restrict out = call->out[0];                                                             \
    for (uint32_t t = 0; t < call->n; t++)                                                         \
      for (uint32_t l = 0; l < call->lanes; l++) {                                                 \
        type x = a[t * a_stride + l], y = b[t * b_stride + l];                                     \
        out[t * call->lanes + l] = cond[t * c_stride + l] != 0 ? x : y;                            \
      }                                                                                            \
  }
SELECT_OF(uint8_t, bool)
SELECT_OF(int32_t, i32)
SELECT_OF(int64_t, i64)
SELECT_OF(uint32_t, u32)
SELECT_OF(uint64_t, u64)
SELECT_OF(float, f32)
SELECT_OF(double, f64)

#ifdef KR_ROWS
#define X_PORT(unit, doc) SIGNAL("x", unit, NULL, NULL, doc)
#define ROW(name_, doc_, run_, ...)                                                                \
  {                                                                                                \
    .name = #name_, .family = "maths", .doc = doc_, .in = {__VA_ARGS__}, .run = run_,              \
    .flags = KR_OP_ELEMENTWISE                                                                     \
  }

static const KrOp OPS[] = {
    ROW(abs, "Magnitude; the least integer stays as it is", RUN_NUMBER(abs), X_PORT(NULL, "value")),
    ROW(min, "The smaller one; NaN wins, -0 is below +0", RUN_NUMBER(min), X_PORT(NULL, "value"),
        SIGNAL("y", NULL, NULL, NULL, "value")),
    ROW(max, "The greater one; NaN wins, -0 is below +0", RUN_NUMBER(max), X_PORT(NULL, "value"),
        SIGNAL("y", NULL, NULL, NULL, "value")),
    ROW(clamp, "min(max(x, low), high)", RUN_NUMBER(clamp), X_PORT(NULL, "value"),
        SIGNAL("low", NULL, NULL, NULL, "lower bound"),
        SIGNAL("high", NULL, NULL, NULL, "upper bound; wins over the lower one")),
    ROW(sign, "-1, 0 or 1; a zero and NaN stay as they are", RUN_NUMBER(sign),
        X_PORT(NULL, "value")),
    ROW(floor, "Greatest whole number not above x", RUN_REAL(floor), X_PORT(NULL, "value")),
    ROW(ceil, "Least whole number not below x", RUN_REAL(ceil), X_PORT(NULL, "value")),
    ROW(round, "Nearest whole number, half away from zero", RUN_REAL(round), X_PORT(NULL, "value")),
    ROW(fract, "x - floor(x)", RUN_REAL(fract), X_PORT(NULL, "value")),
    ROW(sqrt, "Square root; NaN below 0", RUN_REAL(sqrt), X_PORT(NULL, "value")),
    ROW(sin, "Sine of an angle", RUN_REAL(sin), X_PORT("rad", "angle")),
    ROW(cos, "Cosine of an angle", RUN_REAL(cos), X_PORT("rad", "angle")),
    ROW(tan, "Tangent of an angle", RUN_REAL(tan), X_PORT("rad", "angle")),
    ROW(asin, "Angle of a sine, radians; NaN outside -1..1", RUN_REAL(asin), X_PORT("", "sine")),
    ROW(acos, "Angle of a cosine, radians 0..pi; NaN outside -1..1", RUN_REAL(acos),
        X_PORT("", "cosine")),
    ROW(atan, "Angle of a tangent, radians", RUN_REAL(atan), X_PORT("", "tangent")),
    ROW(atan2, "Angle of the point (x, y), radians -pi..pi", RUN_REAL(atan2),
        SIGNAL("y", NULL, NULL, NULL, "height"), SIGNAL("x", NULL, NULL, NULL, "width")),
    ROW(sinh, "Hyperbolic sine", RUN_REAL(sinh), X_PORT("", "value")),
    ROW(cosh, "Hyperbolic cosine", RUN_REAL(cosh), X_PORT("", "value")),
    ROW(tanh, "Hyperbolic tangent: a soft limit to -1..1", RUN_REAL(tanh), X_PORT("", "value")),
    ROW(exp, "e to the x", RUN_REAL(exp), X_PORT("", "exponent")),
    ROW(exp2, "2 to the x", RUN_REAL(exp2), X_PORT("", "exponent")),
    ROW(log, "Natural logarithm; -inf at 0, NaN below", RUN_REAL(log), X_PORT("", "value")),
    ROW(log2, "Logarithm to base 2; -inf at 0, NaN below", RUN_REAL(log2), X_PORT("", "value")),
    ROW(log10, "Logarithm to base 10; -inf at 0, NaN below", RUN_REAL(log10), X_PORT("", "value")),
    ROW(pow, "x to the y; NaN for negative x and fractional y", RUN_REAL(pow), X_PORT("", "base"),
        SIGNAL("y", "", NULL, NULL, "exponent")),
    ROW(mtof, "Frequency in Hz of a MIDI key number: 440 * 2^((x - 69) / 12)", RUN_REAL(mtof),
        X_PORT("", "key number, may be fractional")),
    ROW(ftom, "MIDI key number of a frequency: 69 + 12 log2(x / 440)", RUN_REAL(ftom),
        X_PORT("Hz", "frequency")),
    ROW(db, "Level in dB of an amplitude: 20 log10(x)", RUN_REAL(db), X_PORT("", "amplitude")),
    ROW(lin, "Amplitude of a level: 10^(x / 20)", RUN_REAL(lin), X_PORT("dB", "level in dB")),
    ROW(lerp, "a + amount (b - a)", RUN_REAL(lerp), SIGNAL("a", NULL, NULL, NULL, "value at 0"),
        SIGNAL("b", NULL, NULL, NULL, "value at 1"),
        SIGNAL("amount", "", NULL, NULL, "position between them, not limited")),
    ROW(smoothstep, "0 below low, 1 above high, t t (3 - 2 t) between them", RUN_REAL(smoothstep),
        SIGNAL("low", NULL, NULL, NULL, "where it leaves 0"),
        SIGNAL("high", NULL, NULL, NULL, "where it reaches 1"), X_PORT(NULL, "value")),
    {.name = "div",
     .family = "maths",
     .core = KR_CORE_LIST,
     .in = {PORT("x", ANY, "dividend"), PORT("y", ANY, "divisor")},
     .doc = "Floor division: of integers an integer, a zero divisor is an error; of reals "
            "floor(x / y)"},
    {.name = "select",
     .family = "maths",
     .doc = "a where the condition holds, else b; both are computed every tick",
     .in = {PORT("cond", BOOL, "condition"), SIGNAL("a", NULL, NULL, NULL, "value if true"),
            SIGNAL("b", NULL, NULL, NULL, "value if false")},
     .run = {select_bool, select_i32, select_i64, select_u32, select_u64, select_f32, select_f64},
     .flags = KR_OP_ELEMENTWISE},
};
KR_FAMILY_DEFINE(maths, "maths");
#endif
KR_KERNELS(maths, KR_NUMBERS(abs), KR_NUMBERS(min), KR_NUMBERS(max), KR_NUMBERS(clamp),
           KR_NUMBERS(sign), KR_REALS(floor), KR_REALS(ceil), KR_REALS(round), KR_REALS(fract),
           KR_REALS(sqrt), KR_REALS(sin), KR_REALS(cos), KR_REALS(tan), KR_REALS(asin),
           KR_REALS(acos), KR_REALS(atan), KR_REALS(atan2), KR_REALS(sinh), KR_REALS(cosh),
           KR_REALS(tanh), KR_REALS(exp), KR_REALS(exp2), KR_REALS(log), KR_REALS(log2),
           KR_REALS(log10), KR_REALS(pow), KR_REALS(mtof), KR_REALS(ftom), KR_REALS(db),
           KR_REALS(lin), KR_REALS(lerp), KR_REALS(smoothstep), select_bool, KR_NUMBERS(select));

#else
#include "ops/pass.h"

#define UNARY(name, expression)                                                                    \
  static void FN(name)(const KrCall *call) {                                                       \
    REAL x_held[KR_TILE_SIZE];                                                                     \
    const REAL *x_at = FN(dense)(call, 0, x_held);                                                 \
    REAL *restrict out = call->out[0];                                                             \
    uint32_t n = call->n * call->lanes;                                                            \
    for (uint32_t i = 0; i < n; i++) {                                                             \
      REAL x = x_at[i];                                                                            \
      out[i] = expression;                                                                         \
    }                                                                                              \
  }
UNARY(abs, RF(abs)(x))
UNARY(floor, RF(floor)(x))
UNARY(ceil, RF(ceil)(x))
UNARY(round, RF(round)(x))
UNARY(fract, RF(fract)(x))
UNARY(sign, RF(sign)(x))
UNARY(sqrt, RF(sqrt)(x))
#undef UNARY

// What src/math does for many values at once.
#define UNARY_MANY(name)                                                                           \
  static void FN(name)(const KrCall *call) {                                                       \
    REAL x_held[KR_TILE_SIZE];                                                                     \
    size_t n = (size_t)call->n * call->lanes;                                                      \
    KR_LEVEL_NAME(RF(name##_many))(FN(dense)(call, 0, x_held), call->out[0], n);                   \
  }
UNARY_MANY(sin)
UNARY_MANY(cos)
UNARY_MANY(tan)
UNARY_MANY(asin)
UNARY_MANY(acos)
UNARY_MANY(atan)
UNARY_MANY(sinh)
UNARY_MANY(cosh)
UNARY_MANY(tanh)
UNARY_MANY(exp)
UNARY_MANY(exp2)
UNARY_MANY(log)
UNARY_MANY(log2)
UNARY_MANY(log10)
UNARY_MANY(mtof)
UNARY_MANY(ftom)
UNARY_MANY(db)
UNARY_MANY(lin)
#undef UNARY_MANY

#define BINARY(name, expression)                                                                   \
  static void FN(name)(const KrCall *call) {                                                       \
    REAL x_held[KR_TILE_SIZE], y_held[KR_TILE_SIZE];                                               \
    const REAL *x_at = FN(dense)(call, 0, x_held), *y_at = FN(dense)(call, 1, y_held);             \
    REAL *restrict out = call->out[0];                                                             \
    uint32_t n = call->n * call->lanes;                                                            \
    for (uint32_t i = 0; i < n; i++) {                                                             \
      REAL x = x_at[i], y = y_at[i];                                                               \
      out[i] = expression;                                                                         \
    }                                                                                              \
  }
BINARY(min, RF(min)(x, y))
BINARY(max, RF(max)(x, y))
#undef BINARY

#define BINARY_MANY(name)                                                                          \
  static void FN(name)(const KrCall *call) {                                                       \
    REAL x_held[KR_TILE_SIZE], y_held[KR_TILE_SIZE];                                               \
    const REAL *x = FN(dense)(call, 0, x_held), *y = FN(dense)(call, 1, y_held);                   \
    KR_LEVEL_NAME(RF(name##_many))(x, y, call->out[0], (size_t)call->n * call->lanes);             \
  }
BINARY_MANY(pow)
BINARY_MANY(atan2)
#undef BINARY_MANY

#define TERNARY(name, expression)                                                                  \
  static void FN(name)(const KrCall *call) {                                                       \
    REAL a_held[KR_TILE_SIZE], b_held[KR_TILE_SIZE], c_held[KR_TILE_SIZE];                         \
    const REAL *a_at = FN(dense)(call, 0, a_held), *b_at = FN(dense)(call, 1, b_held);             \
    const REAL *c_at = FN(dense)(call, 2, c_held);                                                 \
    REAL *restrict out = call->out[0];                                                             \
    uint32_t n = call->n * call->lanes;                                                            \
    for (uint32_t i = 0; i < n; i++) {                                                             \
      REAL a = a_at[i], b = b_at[i], c = c_at[i];                                                  \
      out[i] = expression;                                                                         \
    }                                                                                              \
  }
// low == high is a step at low.
static inline REAL FN(step_smoothly)(REAL low, REAL high, REAL x) {
  REAL t = (x - low) / (high - low);
  t = x <= low ? 0 : x >= high ? 1 : t;
  return t * t * (3 - 2 * t);
}
TERNARY(clamp, RF(clamp)(a, b, c))
TERNARY(lerp, a + c * (b - a))
TERNARY(smoothstep, FN(step_smoothly)(a, b, c))
#undef TERNARY
#endif

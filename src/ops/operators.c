// What is spelled infix or inserted by the checker: arithmetic, comparisons, logic, conversion.
#ifndef KR_PASS
#include "math/elementary.h"
#include "ops/kernel.h"

#define KR_SELF "ops/operators.c"
#include "ops/passes.h"

// [n][lanes] of one type; a held input is read with stride 0.
#define BINARY_OF(name, type, suffix, result, expression)                                          \
  static void name##_##suffix(const KrCall *call) {                                                \
    const type *x_at = call->in[0], *y_at = call->in[1];                                           \
    size_t x_stride = kr_call_stride(call, 0), y_stride = kr_call_stride(call, 1);                 \
    result *restrict out = call->out[0];                                                           \
    if (x_stride == call->lanes && y_stride == call->lanes) {                                      \
      uint32_t n = call->n * call->lanes;                                                          \
      for (uint32_t i = 0; i < n; i++) {                                                           \
        const type x = x_at[i], y = y_at[i];                                                       \
        out[i] = (result)(expression);                                                             \
      }                                                                                            \
      return;                                                                                      \
    }                                                                                              \
    for (uint32_t t = 0; t < call->n; t++)                                                         \
      for (uint32_t l = 0; l < call->lanes; l++) {                                                 \
        const type x = x_at[t * x_stride + l], y = y_at[t * y_stride + l];                         \
        out[t * call->lanes + l] = (result)(expression);                                           \
      }                                                                                            \
  }
#define UNARY_OF(name, type, suffix, expression)                                                   \
  static void name##_##suffix(const KrCall *call) {                                                \
    const type *x_at = call->in[0];                                                                \
    size_t stride = kr_call_stride(call, 0);                                                       \
    type *restrict out = call->out[0];                                                             \
    for (uint32_t t = 0; t < call->n; t++)                                                         \
      for (uint32_t l = 0; l < call->lanes; l++) {                                                 \
        const type x = x_at[t * stride + l];                                                       \
        out[t * call->lanes + l] = (type)(expression);                                             \
      }                                                                                            \
  }
// Floor division of integers; the least integer by -1 wraps. A zero divisor counts only in lanes
// where `when` holds, and is reported with the first such tick.
#define DIVISION_OF(name, type, suffix, expression)                                                \
  static void name##_##suffix(const KrCall *call) {                                                \
    const type *x_at = call->in[0], *y_at = call->in[1];                                           \
    const uint8_t *when = call->in[2];                                                             \
    size_t x_stride = kr_call_stride(call, 0), y_stride = kr_call_stride(call, 1);                 \
    size_t when_stride = kr_call_stride(call, 2);                                                  \
    type *restrict out = call->out[0];                                                             \
    for (uint32_t t = 0; t < call->n; t++)                                                         \
      for (uint32_t l = 0; l < call->lanes; l++) {                                                 \
        const type x = x_at[t * x_stride + l], y = y_at[t * y_stride + l];                         \
        bool selected = when == NULL || when[t * when_stride + l] != 0;                            \
        if (y == 0 && selected) report_division(call, t);                                          \
        out[t * call->lanes + l] = (type)(y == 0 ? 0 : (expression));                              \
      }                                                                                            \
  }
static void report_division(const KrCall *call, uint32_t t) {
  if (call->fault == NULL || call->fault->message != NULL) return;
  call->fault->message = "division by zero";
  call->fault->tick = call->tick + t;
}

// x != y is written so that it is false with NaN like every other comparison.
#define COMPARE_OF(type, suffix)                                                                   \
  BINARY_OF(eq, type, suffix, uint8_t, x == y)                                                     \
  BINARY_OF(ne, type, suffix, uint8_t, x<y || x> y)                                                \
  BINARY_OF(lt, type, suffix, uint8_t, x < y)                                                      \
  BINARY_OF(le, type, suffix, uint8_t, x <= y)                                                     \
  BINARY_OF(gt, type, suffix, uint8_t, x > y)                                                      \
  BINARY_OF(ge, type, suffix, uint8_t, x >= y)
#define NUMBERS_OF(type, suffix)                                                                   \
  BINARY_OF(add, type, suffix, type, x + y)                                                        \
  BINARY_OF(sub, type, suffix, type, x - y)                                                        \
  BINARY_OF(mul, type, suffix, type, x *y)                                                         \
  UNARY_OF(neg, type, suffix, 0 - x)                                                               \
  COMPARE_OF(type, suffix)
// mul of u32 and i32 stays 32 bits wide: with -fwrapv both wrap.
#define SIGNED_OF(type, suffix)                                                                    \
  NUMBERS_OF(type, suffix)                                                                         \
  DIVISION_OF(idiv, type, suffix,                                                                  \
              y == -1 ? 0 - x : x / y - (x % y != 0 && (x % y < 0) != (y < 0)))                    \
  DIVISION_OF(imod, type, suffix,                                                                  \
              y == -1 ? 0 : x % y + (x % y != 0 && (x % y < 0) != (y < 0) ? y : 0))
#define UNSIGNED_OF(type, suffix)                                                                  \
  NUMBERS_OF(type, suffix)                                                                         \
  DIVISION_OF(idiv, type, suffix, x / y)                                                           \
  DIVISION_OF(imod, type, suffix, x % y)
SIGNED_OF(int32_t, i32)
SIGNED_OF(int64_t, i64)
UNSIGNED_OF(uint32_t, u32)
UNSIGNED_OF(uint64_t, u64)
COMPARE_OF(float, f32)
COMPARE_OF(double, f64)
BINARY_OF(eq, uint8_t, bool, uint8_t, (x != 0) == (y != 0))
BINARY_OF(ne, uint8_t, bool, uint8_t, (x != 0) != (y != 0))
BINARY_OF(and, uint8_t, bool, uint8_t, x != 0 && y != 0)
BINARY_OF(or, uint8_t, bool, uint8_t, x != 0 || y != 0)
UNARY_OF(not, uint8_t, bool, x == 0)

// Conversion of element type `from` to each type; the target is the call's output type.
#define CONVERT_LOOP(from, type, expression)                                                       \
  {                                                                                                \
    type *restrict out = call->out[0];                                                             \
    for (uint32_t t = 0; t < call->n; t++)                                                         \
      for (uint32_t l = 0; l < call->lanes; l++) {                                                 \
        const from x = x_at[t * stride + l];                                                       \
        out[t * call->lanes + l] = (type)(expression);                                             \
      }                                                                                            \
  }
#define CONVERT_OF(from, suffix, I32, I64, U32, U64)                                               \
  static void convert_##suffix(const KrCall *call) {                                               \
    const from *x_at = call->in[0];                                                                \
    size_t stride = kr_call_stride(call, 0);                                                       \
    switch (call->type->elem) {                                                                    \
    case KR_ELEM_BOOL: CONVERT_LOOP(from, uint8_t, x != 0) break;                                  \
    case KR_ELEM_I32: CONVERT_LOOP(from, int32_t, I32) break;                                      \
    case KR_ELEM_I64: CONVERT_LOOP(from, int64_t, I64) break;                                      \
    case KR_ELEM_U32: CONVERT_LOOP(from, uint32_t, U32) break;                                     \
    case KR_ELEM_U64: CONVERT_LOOP(from, uint64_t, U64) break;                                     \
    case KR_ELEM_F32: CONVERT_LOOP(from, float, x) break;                                          \
    default: CONVERT_LOOP(from, double, x) break;                                                  \
    }                                                                                              \
  }
CONVERT_OF(uint8_t, bool, x != 0, x != 0, x != 0, x != 0)
CONVERT_OF(int32_t, i32, x, x, x, x)
CONVERT_OF(int64_t, i64, x, x, x, x)
CONVERT_OF(uint32_t, u32, x, x, x, x)
CONVERT_OF(uint64_t, u64, x, x, x, x)
CONVERT_OF(float, f32, kr_f32_to_i32(x), kr_f32_to_i64(x), kr_f32_to_u32(x), kr_f32_to_u64(x))
CONVERT_OF(double, f64, kr_f64_to_i32(x), kr_f64_to_i64(x), kr_f64_to_u32(x), kr_f64_to_u64(x))

#ifdef KR_ROWS
static KrStatus type_of_comparison(const KrPrep *prep, KrType *type, const char **message) {
  (void)prep, (void)message;
  *type = KR_TYPE_SCALAR(KR_ELEM_BOOL);
  return KR_OK;
}

#define INTEGERS(name)                                                                             \
  [KR_ELEM_I32] = name##_i32, [KR_ELEM_I64] = name##_i64, [KR_ELEM_U32] = name##_u32,              \
  [KR_ELEM_U64] = name##_u64
#define REALS(name) [KR_ELEM_F32] = name##_f32, [KR_ELEM_F64] = name##_f64
#define X SIGNAL("x", NULL, NULL, NULL, "left side")
#define Y SIGNAL("y", NULL, NULL, NULL, "right side")
#define WHEN                                                                                       \
  { "when", KR_PORT_BOOL, NULL, "true", NULL, NULL, "a zero divisor is an error here" }
#define ROW(name_, doc_, flags_, type_, ins, ...)                                                  \
  {                                                                                                \
    .name = name_, .family = "operators", .doc = doc_, .in = ins, .run = {__VA_ARGS__},            \
    .flags = KR_OP_OPERATOR | KR_OP_ELEMENTWISE | (flags_), .type = type_                          \
  }
#define ARITHMETIC(name_, doc_, flags_, ...) ROW(name_, doc_, flags_, NULL, LIST(X, Y), __VA_ARGS__)
#define COMPARISON(name_, doc_, ...)                                                               \
  ROW(name_, doc_, KR_OP_INTEGER_RESULT_BOOL, type_of_comparison, LIST(X, Y), __VA_ARGS__)
#define LIST(...)                                                                                  \
  { __VA_ARGS__ }

static const KrOp OPS[] = {
    ARITHMETIC("add", "x + y; integers wrap", KR_OP_ADDS, INTEGERS(add), REALS(add)),
    ARITHMETIC("sub", "x - y; integers wrap", KR_OP_ADDS, INTEGERS(sub), REALS(sub)),
    ARITHMETIC("mul", "x * y; integers wrap", KR_OP_ADDS, INTEGERS(mul), REALS(mul)),
    ARITHMETIC("div_real", "x / y of reals", KR_OP_ADDS, REALS(div_real)),
    ARITHMETIC("mod", "x % y of reals: x - y floor(x / y)", 0, REALS(mod)),
    ROW("idiv", "div(x, y): floor division of integers; zero divisor: error",
        KR_OP_ALONE | KR_OP_FAULTS, NULL, LIST(X, Y, WHEN), INTEGERS(idiv)),
    ROW("imod", "x % y: rest of floor division of integers; zero divisor: error",
        KR_OP_ALONE | KR_OP_FAULTS, NULL, LIST(X, Y, WHEN), INTEGERS(imod)),
    ROW("neg", "-x; integers wrap", 0, NULL, LIST(X), INTEGERS(neg), REALS(neg)),
    ROW("not", "!x", 0, NULL, LIST(X), [KR_ELEM_BOOL] = not_bool),
    ARITHMETIC("and", "x && y; both are computed every tick", 0, [KR_ELEM_BOOL] = and_bool),
    ARITHMETIC("or", "x || y; both are computed every tick", 0, [KR_ELEM_BOOL] = or_bool),
    COMPARISON("eq", "x == y; false with NaN", [KR_ELEM_BOOL] = eq_bool, INTEGERS(eq), REALS(eq)),
    COMPARISON("ne", "x != y; false with NaN", [KR_ELEM_BOOL] = ne_bool, INTEGERS(ne), REALS(ne)),
    COMPARISON("lt", "x < y; false with NaN", INTEGERS(lt), REALS(lt)),
    COMPARISON("le", "x <= y; false with NaN", INTEGERS(le), REALS(le)),
    COMPARISON("gt", "x > y; false with NaN", INTEGERS(gt), REALS(gt)),
    COMPARISON("ge", "x >= y; false with NaN", INTEGERS(ge), REALS(ge)),
    ROW("convert",
        "x in the type of the result: reals truncate and saturate, NaN gives 0; integers wrap", 0,
        NULL, LIST(X), [KR_ELEM_BOOL] = convert_bool, INTEGERS(convert), REALS(convert)),
};
KR_FAMILY_DEFINE(operators, "operators");
#endif
KR_KERNELS(operators, KR_NUMBERS(add), KR_NUMBERS(sub), KR_NUMBERS(mul), KR_NUMBERS(neg),
           KR_REALS(div_real), KR_REALS(mod), KR_INTEGERS(idiv), KR_INTEGERS(imod), not_bool,
           and_bool, or_bool, eq_bool, KR_NUMBERS(eq), ne_bool, KR_NUMBERS(ne), KR_NUMBERS(lt),
           KR_NUMBERS(le), KR_NUMBERS(gt), KR_NUMBERS(ge), convert_bool, KR_NUMBERS(convert));

#else
#include "ops/pass.h"

// In a loop that runs tick by tick a call is one number.
#if KR_WIDE
#define BINARY(name, expression)                                                                   \
  KR_INLINE V WN(name##_of)(V x, V y) { return expression; }                                       \
  static void FN(name)(const KrCall *call) {                                                       \
    if (call->n == 1 && call->lanes == 1)                                                          \
      FN(name##_once)(call);                                                                       \
    else                                                                                           \
      WN(each_of_two)(call, WN(name##_of));                                                        \
  }
#else
#define BINARY(name, expression)                                                                   \
  KR_INLINE void FN(name##_once)(const KrCall *call) {                                             \
    const REAL x = *(const REAL *)call->in[0], y = *(const REAL *)call->in[1];                     \
    *(REAL *)call->out[0] = expression;                                                            \
  }
#endif
BINARY(add, x + y)
BINARY(sub, x - y)
BINARY(mul, x *y)
BINARY(div_real, x / y)
#undef BINARY

#if KR_WIDE
static void FN(mod)(const KrCall *call) {
  REAL x_held[KR_TILE_SIZE], y_held[KR_TILE_SIZE];
  const REAL *x = FN(dense)(call, 0, x_held), *y = FN(dense)(call, 1, y_held);
  REAL *restrict out = call->out[0];
  uint32_t n = call->n * call->lanes;
  for (uint32_t i = 0; i < n; i++) out[i] = RF(mod)(x[i], y[i]);
}

static void FN(neg)(const KrCall *call) {
  REAL held[KR_TILE_SIZE];
  const REAL *x = FN(dense)(call, 0, held);
  REAL *restrict out = call->out[0];
  uint32_t n = call->n * call->lanes;
  for (uint32_t i = 0; i < n; i++) out[i] = -x[i];
}
#endif
#endif

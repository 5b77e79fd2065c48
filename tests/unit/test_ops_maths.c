// Operators and functions of the language, value by value against plain formulas.
#include "op_rig.h"

#include <math.h>

#include "math/elementary.h"
#include "math/real.h"

static const double reals[] = {0,    -0.0, 1,     -1,    0.5,      -0.5,      1.5,    -1.5, 2.5,
                               -2.5, 1e10, -1e10, 1e300, INFINITY, -INFINITY, 7,      -7,   3,
                               -3,   0.1,  2,     -2,    1e-310,   0x1p52,    0x1p53, 69,   440};
enum { N_REALS = sizeof reals / sizeof *reals };

// One value of a row of up to three inputs; f32 rows run on the same numbers rounded.
static double call_real(const char *name, KrElem elem, double a, double b, double c) {
  Rig rig;
  rig_init(&rig, name, elem, 1);
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  float in32[3] = {(float)a, (float)b, (float)c}, out32 = 0;
  double in64[3] = {a, b, c}, out64 = 0;
  const void *in_32[3] = {&in32[0], &in32[1], &in32[2]};
  const void *in_64[3] = {&in64[0], &in64[1], &in64[2]};
  void *to[1] = {elem == KR_ELEM_F32 ? (void *)&out32 : (void *)&out64};
  rig_run(&rig, 0, 1, 0, elem == KR_ELEM_F32 ? in_32 : in_64, to);
  rig_deinit(&rig);
  return elem == KR_ELEM_F32 ? (double)out32 : out64;
}

static void same(const char *name, double is, double expected) {
  if (kr_f64_to_bits(kr_f64_canonical(is)) != kr_f64_to_bits(kr_f64_canonical(expected)))
    fail_msg("%s: %a, not %a", name, is, expected);
}

#define CHECK_UNARY(name, f32, f64)                                                                \
  do {                                                                                             \
    for (int i = 0; i < N_REALS; i++) {                                                            \
      double x = reals[i];                                                                         \
      float y = (float)reals[i];                                                                   \
      same(#name, call_real(#name, KR_ELEM_F64, x, 0, 0), f64);                                    \
      same(#name, call_real(#name, KR_ELEM_F32, x, 0, 0), (double)(f32));                          \
    }                                                                                              \
  } while (0)
#define CHECK_ELEMENTARY(name) CHECK_UNARY(name, kr_f32_##name(y), kr_f64_##name(x))

static void functions_of_one_number_are_those_of_src_math(void **state) {
  (void)state;
  CHECK_ELEMENTARY(sin);
  CHECK_ELEMENTARY(cos);
  CHECK_ELEMENTARY(tan);
  CHECK_ELEMENTARY(asin);
  CHECK_ELEMENTARY(acos);
  CHECK_ELEMENTARY(atan);
  CHECK_ELEMENTARY(sinh);
  CHECK_ELEMENTARY(cosh);
  CHECK_ELEMENTARY(tanh);
  CHECK_ELEMENTARY(exp);
  CHECK_ELEMENTARY(exp2);
  CHECK_ELEMENTARY(log);
  CHECK_ELEMENTARY(log2);
  CHECK_ELEMENTARY(log10);
  CHECK_ELEMENTARY(mtof);
  CHECK_ELEMENTARY(ftom);
  CHECK_ELEMENTARY(db);
  CHECK_ELEMENTARY(lin);
  CHECK_UNARY(abs, fabsf(y), fabs(x));
  CHECK_UNARY(floor, floorf(y), floor(x));
  CHECK_UNARY(ceil, ceilf(y), ceil(x));
  CHECK_UNARY(round, roundf(y), round(x));
  CHECK_UNARY(fract, y - floorf(y), x - floor(x));
  CHECK_UNARY(sqrt, sqrtf(y), sqrt(x));
  CHECK_UNARY(sign, y > 0 ? 1.0f : y < 0 ? -1.0f : y, x > 0 ? 1.0 : x < 0 ? -1.0 : x);
  CHECK_UNARY(neg, -y, -x);
}

static void functions_of_two_and_three_follow_their_formulas(void **state) {
  (void)state;
  for (int i = 0; i < N_REALS; i++)
    for (int k = 0; k < N_REALS; k++) {
      double x = reals[i], y = reals[k];
      same("add", call_real("add", KR_ELEM_F64, x, y, 0), x + y);
      same("sub", call_real("sub", KR_ELEM_F64, x, y, 0), x - y);
      same("mul", call_real("mul", KR_ELEM_F64, x, y, 0), x * y);
      same("div_real", call_real("div_real", KR_ELEM_F64, x, y, 0), x / y);
      same("mod", call_real("mod", KR_ELEM_F64, x, y, 0), x - y * floor(x / y));
      same("pow", call_real("pow", KR_ELEM_F64, x, y, 0), kr_f64_pow(x, y));
      same("atan2", call_real("atan2", KR_ELEM_F64, x, y, 0), kr_f64_atan2(x, y));
      same("min", call_real("min", KR_ELEM_F64, x, y, 0),
           x < y        ? x
           : y < x      ? y
           : signbit(x) ? x
                        : y);
      same("max", call_real("max", KR_ELEM_F64, x, y, 0),
           x > y        ? x
           : y > x      ? y
           : signbit(x) ? y
                        : x);
      same("lerp", call_real("lerp", KR_ELEM_F64, x, y, 0.25), x + 0.25 * (y - x));
      float a = (float)x, b = (float)y;
      same("add", call_real("add", KR_ELEM_F32, x, y, 0), (double)(a + b));
      same("div_real", call_real("div_real", KR_ELEM_F32, x, y, 0), (double)(a / b));
    }
  same("min", call_real("min", KR_ELEM_F64, NAN, 1, 0), NAN);
  same("max", call_real("max", KR_ELEM_F64, 1, NAN, 0), NAN);
  same("clamp", call_real("clamp", KR_ELEM_F64, 5, 1, 3), 3);
  same("clamp", call_real("clamp", KR_ELEM_F64, -5, 1, 3), 1);
  same("clamp", call_real("clamp", KR_ELEM_F64, 2, 3, 1), 1);
  same("smoothstep", call_real("smoothstep", KR_ELEM_F64, 1, 3, 2), 0.5);
  same("smoothstep", call_real("smoothstep", KR_ELEM_F64, 1, 3, 9), 1);
  same("smoothstep", call_real("smoothstep", KR_ELEM_F64, 2, 2, 2), 0);
  same("smoothstep", call_real("smoothstep", KR_ELEM_F64, 1, 3, 1.5), 0.25 * 0.25 * 2.5);
}

static int64_t call_integer(const char *name, KrElem elem, int64_t a, int64_t b, KrFault *fault) {
  Rig rig;
  rig_init(&rig, name, elem, 1);
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  bool narrow = elem == KR_ELEM_I32 || elem == KR_ELEM_U32;
  int32_t in32[2] = {(int32_t)a, (int32_t)b}, out32 = 0;
  int64_t in64[2] = {a, b}, out64 = 0;
  uint8_t when = 1;
  const void *in[3] = {narrow ? (void *)&in32[0] : (void *)&in64[0],
                       narrow ? (void *)&in32[1] : (void *)&in64[1], &when};
  void *to[1] = {narrow ? (void *)&out32 : (void *)&out64};
  rig_run(&rig, 77, 1, 0, in, to);
  if (fault != NULL) *fault = rig.fault;
  rig_deinit(&rig);
  return elem == KR_ELEM_I32 ? out32 : elem == KR_ELEM_U32 ? (uint32_t)out32 : out64;
}

// Floor division in 128 bits.
__extension__ typedef __int128 Wide;
static Wide floor_div(Wide a, Wide b) {
  Wide q = a / b;
  return q - (a % b != 0 && (a < 0) != (b < 0));
}

static void integers_wrap_and_divide_downwards(void **state) {
  (void)state;
  const int64_t values[] = {0,         1,         -1,        2,          -2,
                            7,         -7,        3,         -3,         INT32_MAX,
                            INT32_MIN, INT64_MAX, INT64_MIN, 1000000007, -1000000007};
  for (size_t i = 0; i < sizeof values / sizeof *values; i++)
    for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
      int64_t a = values[i], b = values[k];
      uint64_t ua = (uint64_t)a, ub = (uint64_t)b;
      int32_t na = (int32_t)ua, nb = (int32_t)ub;
      assert_true(call_integer("add", KR_ELEM_I64, a, b, NULL) == (int64_t)(ua + ub));
      assert_true(call_integer("sub", KR_ELEM_I64, a, b, NULL) == (int64_t)(ua - ub));
      assert_true(call_integer("mul", KR_ELEM_I64, a, b, NULL) == (int64_t)(ua * ub));
      assert_true(call_integer("mul", KR_ELEM_I32, na, nb, NULL) == (int32_t)((int64_t)na * nb));
      assert_true(call_integer("add", KR_ELEM_U32, na, nb, NULL) ==
                  (uint32_t)((uint32_t)na + (uint32_t)nb));
      assert_true(call_integer("min", KR_ELEM_I64, a, b, NULL) == (a < b ? a : b));
      assert_true(call_integer("max", KR_ELEM_U64, a, b, NULL) == (int64_t)(ua > ub ? ua : ub));
      if (b != 0) {
        Wide q = floor_div(a, b), r = (Wide)a - q * b;
        assert_true(call_integer("idiv", KR_ELEM_I64, a, b, NULL) == (int64_t)q);
        assert_true(call_integer("imod", KR_ELEM_I64, a, b, NULL) == (int64_t)r);
        assert_true(call_integer("idiv", KR_ELEM_U64, a, b, NULL) == (int64_t)(ua / ub));
      }
      if (nb != 0) {
        int64_t q = (int64_t)floor_div(na, nb);
        assert_true(call_integer("idiv", KR_ELEM_I32, na, nb, NULL) == (int32_t)(uint64_t)q);
        assert_true(call_integer("imod", KR_ELEM_I32, na, nb, NULL) == (int64_t)na - q * nb);
      }
    }
  assert_true(call_integer("neg", KR_ELEM_I64, INT64_MIN, 0, NULL) == INT64_MIN);
  assert_true(call_integer("abs", KR_ELEM_I32, INT32_MIN, 0, NULL) == INT32_MIN);
  assert_true(call_integer("abs", KR_ELEM_I64, -9, 0, NULL) == 9);
  assert_true(call_integer("sign", KR_ELEM_I64, -9, 0, NULL) == -1);
  assert_true(call_integer("sign", KR_ELEM_U64, -9, 0, NULL) == 1);
  assert_true(call_integer("sign", KR_ELEM_I32, 0, 0, NULL) == 0);
}

static void a_zero_divisor_is_reported_with_its_tick_where_it_counts(void **state) {
  (void)state;
  KrFault fault;
  assert_true(call_integer("idiv", KR_ELEM_I64, 5, 0, &fault) == 0);
  assert_string_equal(fault.message, "division by zero");
  assert_int_equal(fault.tick, 77);
  Rig rig;
  rig_init(&rig, "imod", KR_ELEM_I32, 1);
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  int32_t a[4] = {9, 9, 9, 9}, b[4] = {0, 2, 0, 0}, out[4];
  uint8_t when[4] = {0, 1, 1, 1};
  const void *in[3] = {a, b, when};
  rig_signal(&rig, 4, in, 3, out);
  assert_int_equal(rig.fault.tick, 2);
  assert_true(out[0] == 0 && out[1] == 1 && out[2] == 0);
  memset(when, 0, sizeof when);
  rig.fault = (KrFault){0};
  rig_signal(&rig, 4, in, 3, out);
  assert_null(rig.fault.message);
  rig_deinit(&rig);
}

static bool compare(const char *name, double a, double b) {
  Rig rig;
  rig_init(&rig, name, KR_ELEM_F64, 1);
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  assert_int_equal(rig.type.elem, KR_ELEM_BOOL);
  uint8_t out = 9;
  const void *in[2] = {&a, &b};
  void *to[1] = {&out};
  rig_run(&rig, 0, 1, 0, in, to);
  rig_deinit(&rig);
  assert_true(out <= 1);
  return out;
}

static void comparisons_with_nan_are_false(void **state) {
  (void)state;
  const char *const names[] = {"eq", "ne", "lt", "le", "gt", "ge"};
  const bool less[] = {false, true, true, true, false, false};
  const bool equal[] = {true, false, false, true, false, true};
  for (int i = 0; i < 6; i++) {
    assert_false(compare(names[i], NAN, 1));
    assert_false(compare(names[i], 1, NAN));
    assert_false(compare(names[i], NAN, NAN));
    assert_int_equal(compare(names[i], 1, 2), less[i]);
    assert_int_equal(compare(names[i], 2, 2), equal[i]);
    assert_int_equal(compare(names[i], -0.0, 0.0), equal[i]);
  }
}

static void logic_and_select_take_both_sides(void **state) {
  (void)state;
  const uint8_t a[4] = {0, 0, 1, 1}, b[4] = {0, 1, 0, 1};
  const char *const names[] = {"and", "or", "eq", "ne", "not"};
  const uint8_t expected[5][4] = {
      {0, 0, 0, 1}, {0, 1, 1, 1}, {1, 0, 0, 1}, {0, 1, 1, 0}, {1, 1, 0, 0}};
  for (int k = 0; k < 5; k++) {
    Rig rig;
    uint8_t out[4];
    rig_init(&rig, names[k], KR_ELEM_BOOL, 1);
    assert_int_equal(rig_prepare(&rig, 0), KR_OK);
    const void *in[2] = {a, b};
    void *to[1] = {out};
    rig_run(&rig, 0, 4, 0, in, to);
    assert_memory_equal(out, expected[k], 4);
    rig_deinit(&rig);
  }
  Rig rig;
  const int64_t x[4] = {1, 2, 3, 4}, y[4] = {-1, -2, -3, -4};
  int64_t out[4];
  rig_init(&rig, "select", KR_ELEM_I64, 1);
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  const void *in[3] = {b, x, y};
  void *to[1] = {out};
  rig_run(&rig, 0, 4, 0, in, to);
  assert_true(out[0] == -1 && out[1] == 2 && out[2] == -3 && out[3] == 4);
  rig_deinit(&rig);
}

// Value of any type as an exact long double.
static long double read_as(const void *at, KrElem elem) {
  switch (elem) {
  case KR_ELEM_BOOL: return *(const uint8_t *)at;
  case KR_ELEM_I32: return *(const int32_t *)at;
  case KR_ELEM_I64: return *(const int64_t *)at;
  case KR_ELEM_U32: return *(const uint32_t *)at;
  case KR_ELEM_U64: return *(const uint64_t *)at;
  case KR_ELEM_F32: return (long double)*(const float *)at;
  default: return (long double)*(const double *)at;
  }
}
static long double wrap(long double value, KrElem elem) {
  static const int bits[] = {0, 32, 64, 32, 64};
  long double turn = ldexpl(1, bits[elem]);
  long double low = elem == KR_ELEM_I32 || elem == KR_ELEM_I64 ? -turn / 2 : 0;
  return value - turn * floorl((value - low) / turn);
}
static long double saturate(long double value, KrElem elem) {
  static const int bits[] = {0, 31, 63, 32, 64};
  if (value != value) return 0;
  long double high = ldexpl(1, bits[elem]) - 1;
  long double low = elem == KR_ELEM_I32 || elem == KR_ELEM_I64 ? -high - 1 : 0;
  value = truncl(value);
  return value < low ? low : value > high ? high : value;
}

static void conversion_truncates_saturates_wraps_or_rounds_once(void **state) {
  (void)state;
  const double f64s[] = {0,   1.9,  -1.9, 1e10,     -1e10,     3e9, 2e19, -2e19,
                         0.1, -0.9, NAN,  INFINITY, -INFINITY, 5e9, 1e18, 4294967295.5};
  for (int from = 0; from < KR_N_ELEMS; from++)
    for (int to = 0; to < KR_N_ELEMS; to++)
      for (int i = 0; i < 16; i++) {
        Rig rig;
        rig_init(&rig, "convert", (KrElem)from, 1);
        assert_int_equal(rig_prepare(&rig, 0), KR_OK);
        rig.type = KR_TYPE_SCALAR((KrElem)to);
        uint64_t in_bits = UINT64_C(0x9e3779b97f4a7c15) * (uint64_t)(i + 1), out_bits = 0;
        if (from == KR_ELEM_BOOL) in_bits = (uint64_t)i & 1;
        if (from == KR_ELEM_F64) memcpy(&in_bits, &f64s[i], 8);
        float narrow = (float)f64s[i];
        if (from == KR_ELEM_F32) memcpy(&in_bits, &narrow, 4);
        const void *in[1] = {&in_bits};
        void *out[1] = {&out_bits};
        rig_run(&rig, 0, 1, 0, in, out);
        long double x = read_as(&in_bits, (KrElem)from), y = read_as(&out_bits, (KrElem)to);
        long double expected = x;
        if (to == KR_ELEM_BOOL)
          expected = x != 0;
        else if (to == KR_ELEM_F32)
          expected = (long double)(float)x;
        else if (to == KR_ELEM_F64)
          expected = (long double)(double)x;
        else
          expected = kr_elem_is_real((KrElem)from) ? saturate(x, (KrElem)to) : wrap(x, (KrElem)to);
        if (y != expected && !(y != y && expected != expected))
          fail_msg("%s to %s: %Lg gives %Lg, not %Lg", kr_elem_text((KrElem)from),
                   kr_elem_text((KrElem)to), x, y, expected);
        rig_deinit(&rig);
      }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(functions_of_one_number_are_those_of_src_math),
      cmocka_unit_test(functions_of_two_and_three_follow_their_formulas),
      cmocka_unit_test(integers_wrap_and_divide_downwards),
      cmocka_unit_test(a_zero_divisor_is_reported_with_its_tick_where_it_counts),
      cmocka_unit_test(comparisons_with_nan_are_false),
      cmocka_unit_test(logic_and_select_take_both_sides),
      cmocka_unit_test(conversion_truncates_saturates_wraps_or_rounds_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

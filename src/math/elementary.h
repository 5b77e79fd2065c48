/// Elementary functions without libm. All are [any] rt exact: one fixed sequence of IEEE
/// operations.
///
/// f32: correctly rounded to nearest even on every input, except pow and atan2 (<= 1 ulp).
///
/// f64: <= 1 ulp on the whole range. Special values as C17 Annex F; every NaN result is the
/// canonical one.
#ifndef KR_MATH_ELEMENTARY_H
#define KR_MATH_ELEMENTARY_H

/// Functions of one argument: X(name, formula).
#define KR_ELEMENTARY_LIST(X)                                                                      \
  X(sin, "radians")                                                                                \
  X(cos, "radians")                                                                                \
  X(tan, "radians")                                                                                \
  X(sin_turns, "sin(2 pi x); at half turns a zero of the sign of x")                               \
  X(cos_turns, "cos(2 pi x); at odd quarter turns +0")                                             \
  X(asin, "radians; NaN outside [-1, 1]")                                                          \
  X(acos, "radians, 0..pi; NaN outside [-1, 1]")                                                   \
  X(atan, "radians")                                                                               \
  X(sinh, "")                                                                                      \
  X(cosh, "")                                                                                      \
  X(tanh, "")                                                                                      \
  X(exp, "")                                                                                       \
  X(exp2, "")                                                                                      \
  X(log, "natural; -inf at 0, NaN below")                                                          \
  X(log2, "")                                                                                      \
  X(log10, "")                                                                                     \
  X(mtof, "440 * 2^((m - 69) / 12): Hz of a MIDI key number")                                      \
  X(ftom, "69 + 12 log2(f / 440): MIDI key number of Hz")                                          \
  X(db, "20 log10(x): dB of an amplitude")                                                         \
  X(lin, "10^(x / 20): amplitude of dB")

#define KR_ELEMENTARY_DECLARE(name, doc)                                                           \
  float kr_f32_##name(float x);                                                                    \
  double kr_f64_##name(double x);
KR_ELEMENTARY_LIST(KR_ELEMENTARY_DECLARE)
#undef KR_ELEMENTARY_DECLARE

float kr_f32_pow(float x, float y);
double kr_f64_pow(double x, double y);
/// Angle of the point (x, y), -pi..pi.
float kr_f32_atan2(float y, float x);
double kr_f64_atan2(double y, double x);
/// Both at once, the same bits as the two functions.
void kr_f64_sincos_turns(double x, double *sine, double *cosine);
#endif

/// Numbers and text: exact decimals in, shortest digits out. All: [any] rt exact
#ifndef KR_BASE_NUMBER_H
#define KR_BASE_NUMBER_H
#include "base/text.h"
#include <stdbool.h>
#include <stdint.h>
/// Reads `12`, `0.01`, `1e-3`, `-2`, `.5`, `5.`; `48_000` is not a number. Exact in lowest terms
/// when it fits int64/int64, else *exact is false and *value is the nearest double. *value is
/// always set. False when the text is no number.
bool kr_number_parse(KrText text, bool *exact, int64_t *num, int64_t *den, double *value);
/// Shortest decimal digits that read back to the same double / float. `inf -inf nan -0`, integers
/// without point, exponent form outside [1e-5, 1e17) (`1e-7`, `1.5e+20`). Returns length, not
/// terminated; 32 bytes are enough.
size_t kr_number_print_f64(double value, char *out);
size_t kr_number_print_f32(float value, char *out);
/// Correctly rounded reading of decimal text, for CSV and tests; also `inf -inf nan`.
bool kr_number_parse_f64(KrText text, double *value);
bool kr_number_parse_f32(KrText text, float *value);
#endif

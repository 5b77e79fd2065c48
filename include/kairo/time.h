/// Exact time: rational numbers of seconds. Never a float.
#ifndef KAIRO_TIME_H
#define KAIRO_TIME_H
#include "kairo/status.h"
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

/// num/den in lowest terms, den > 0; zero is 0/1.
typedef struct KrRatio {
  int64_t num; ///< any sign
  int64_t den; ///< > 0
} KrRatio;

/// num/den reduced. KR_ERROR_ARGUMENT: den is 0; KR_ERROR_OVERFLOW: does not fit. [any] rt exact
KrStatus kr_ratio_make(int64_t num, int64_t den, KrRatio *result);

#ifdef __cplusplus
}
#endif
#endif

/// Exact times and single numbers of the reference executor; whatever cannot be is the end of it.
#ifndef KR_REFERENCE_NUMBER_H
#define KR_REFERENCE_NUMBER_H
#include "base/number.h"
#include "math/real.h"
#include "ops/op.h"
#include "time/ratio.h"
#include <stdlib.h>
#include <string.h>

static inline void must(KrStatus status) {
  if (status != KR_OK) abort();
}
#define EXACT(name, of)                                                                            \
  static inline KrRatio name(KrRatio a, KrRatio b) {                                               \
    KrRatio c;                                                                                     \
    must(of(a, b, &c));                                                                            \
    return c;                                                                                      \
  }
EXACT(add, kr_ratio_add)
EXACT(sub, kr_ratio_sub)
EXACT(mul, kr_ratio_mul)
EXACT(over, kr_ratio_div)
#undef EXACT
static inline double to_f64(KrRatio x) {
  uint64_t m = x.num < 0 ? 0 - (uint64_t)x.num : (uint64_t)x.num;
  return kr_wide_to_f64(x.num < 0, (KrU128){m, 0}, (KrU128){(uint64_t)x.den, 0});
}
static inline float to_f32(KrRatio x) {
  uint64_t m = x.num < 0 ? 0 - (uint64_t)x.num : (uint64_t)x.num;
  return kr_wide_to_f32(x.num < 0, (KrU128){m, 0}, (KrU128){(uint64_t)x.den, 0});
}
static inline void put_ratio(void *at, KrElem elem, KrRatio x) {
  if (elem == KR_ELEM_F32)
    *(float *)at = to_f32(x);
  else
    *(double *)at = to_f64(x);
}

// One element in another real type or kept.
static inline void convert_value(const void *from, KrElem elem, void *to, KrElem want) {
  if (elem == want) {
    memcpy(to, from, kr_elem_bytes(elem));
    return;
  }
  double x = 0;
  switch (elem) {
  case KR_ELEM_BOOL: x = *(const uint8_t *)from; break;
  case KR_ELEM_I32: x = *(const int32_t *)from; break;
  case KR_ELEM_U32: x = *(const uint32_t *)from; break;
  case KR_ELEM_I64:
    if (want == KR_ELEM_F32) {
      *(float *)to = (float)*(const int64_t *)from;
      return;
    }
    x = (double)*(const int64_t *)from;
    break;
  case KR_ELEM_U64:
    if (want == KR_ELEM_F32) {
      *(float *)to = (float)*(const uint64_t *)from;
      return;
    }
    x = (double)*(const uint64_t *)from;
    break;
  case KR_ELEM_F32: x = (double)*(const float *)from; break;
  default: x = *(const double *)from; break;
  }
  if (want == KR_ELEM_F32)
    *(float *)to = (float)x;
  else if (want == KR_ELEM_F64)
    *(double *)to = x;
  else if (want == KR_ELEM_I64)
    *(int64_t *)to = elem == KR_ELEM_U64 ? (int64_t) * (const uint64_t *)from : kr_f64_to_i64(x);
  else
    abort();
}
#endif

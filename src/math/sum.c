// The one order in which sums are made, for arrays and value by value.
#include "math/sum.h"

#define DEFINE(real, f, Type)                                                                      \
  real kr_sum_##f##_fold(const real column[KR_SUM_COLUMNS]) {                                      \
    real half[8];                                                                                  \
    for (int l = 0; l < 8; l++) half[l] = column[l] + column[l + 8];                               \
    for (int l = 0; l < 4; l++) half[l] += half[l + 4];                                            \
    return (half[0] + half[2]) + (half[1] + half[3]);                                              \
  }                                                                                                \
                                                                                                   \
  void kr_sum_##f##_close(Type *sum) {                                                             \
    for (int l = 0; l < KR_SUM_COLUMNS; l++) {                                                     \
      sum->total[l] += sum->column[l];                                                             \
      sum->column[l] = 0;                                                                          \
    }                                                                                              \
  }                                                                                                \
                                                                                                   \
  real kr_sum_##f##_end(const Type *sum) {                                                         \
    Type copy = *sum;                                                                              \
    kr_sum_##f##_close(&copy);                                                                     \
    return kr_sum_##f##_fold(copy.total);                                                          \
  }                                                                                                \
                                                                                                   \
  static void add_row_##f(real column[KR_SUM_COLUMNS], const real *at, size_t stride) {            \
    if (stride == 1)                                                                               \
      for (size_t l = 0; l < KR_SUM_COLUMNS; l++) column[l] += at[l];                              \
    else                                                                                           \
      for (size_t l = 0; l < KR_SUM_COLUMNS; l++) column[l] += at[l * stride];                     \
  }                                                                                                \
                                                                                                   \
  real kr_sum_##f(const real *at, size_t n, size_t stride) {                                       \
    Type sum = {.n = 0};                                                                           \
    size_t i = 0;                                                                                  \
    for (; i + KR_SUM_COLUMNS <= n; i += KR_SUM_COLUMNS) {                                         \
      add_row_##f(sum.column, at + i * stride, stride);                                            \
      if ((i + KR_SUM_COLUMNS) % KR_SUM_CHUNK == 0) kr_sum_##f##_close(&sum);                      \
    }                                                                                              \
    for (size_t l = 0; i + l < n; l++) sum.column[l] += at[(i + l) * stride];                      \
    return kr_sum_##f##_end(&sum);                                                                 \
  }

DEFINE(float, f32, KrSumF32)
DEFINE(double, f64, KrSumF64)

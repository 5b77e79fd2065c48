/// Sums in one fixed order: value i belongs to column i mod 16 and chunk floor(i / 128); columns
/// add in order within a chunk, chunks in order, then columns l and l+8, l+4, l+2, l+1. [any] rt
/// exact.
#ifndef KR_MATH_SUM_H
#define KR_MATH_SUM_H
#include <stddef.h>
#include <stdint.h>

enum { KR_SUM_COLUMNS = 16, KR_SUM_CHUNK = 128 };

/// Incremental form: begin (zeroed memory will do), add value after value, end (any number of
/// times).
#define KR_SUM_DECLARE(real, f, Type)                                                              \
  typedef struct Type {                                                                            \
    real column[KR_SUM_COLUMNS]; /* of the open chunk */                                           \
    real total[KR_SUM_COLUMNS];  /* of the closed ones */                                          \
    uint64_t n;                                                                                    \
  } Type;                                                                                          \
  /* n values, `stride` elements apart */                                                          \
  real kr_sum_##f(const real *at, size_t n, size_t stride);                                        \
  static inline void kr_sum_##f##_begin(Type *sum) { *sum = (Type){.n = 0}; }                      \
  void kr_sum_##f##_close(Type *sum); /* the chunk is full; called by add */                       \
  static inline void kr_sum_##f##_add(Type *sum, real value) {                                     \
    sum->column[sum->n % KR_SUM_COLUMNS] += value;                                                 \
    if (++sum->n % KR_SUM_CHUNK == 0) kr_sum_##f##_close(sum);                                     \
  }                                                                                                \
  real kr_sum_##f##_end(const Type *sum);                                                          \
  /* total of 16 columns: l and l+8, l+4, l+2, l+1 */                                              \
  real kr_sum_##f##_fold(const real column[KR_SUM_COLUMNS]);

KR_SUM_DECLARE(float, f32, KrSumF32)
KR_SUM_DECLARE(double, f64, KrSumF64)
#undef KR_SUM_DECLARE
#endif

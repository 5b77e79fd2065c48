// Loops over sixteen lanes that are no operator: see lanes.h.
#include "ops/lanes.h"
#include "math/sum.h"
#include "ops/vector.h"

#define SPREAD(type)                                                                               \
  {                                                                                                \
    const type *x = from;                                                                          \
    type *restrict y = to;                                                                         \
    for (uint32_t t = 0; t < n; t++)                                                               \
      for (uint32_t l = 0; l < KR_LANES; l++) y[t * KR_LANES + l] = x[held ? 0 : t];               \
  }
static void spread(uint32_t width, const void *from, bool held, uint32_t n, void *to) {
  if (width == 4)
    SPREAD(uint32_t)
  else if (width == 8)
    SPREAD(uint64_t)
  else
    SPREAD(uint8_t)
}

#define PICK(type)                                                                                 \
  {                                                                                                \
    const type *x = (const type *)from + lane;                                                     \
    type *restrict y = to;                                                                         \
    for (uint32_t t = 0; t < n; t++) y[t] = x[held ? 0 : t * KR_LANES];                            \
  }
static void pick(uint32_t width, const void *from, bool held, uint32_t lane, uint32_t n, void *to) {
  if (width == 4)
    PICK(uint32_t)
  else if (width == 8)
    PICK(uint64_t)
  else
    PICK(uint8_t)
}

#define PUT(type)                                                                                  \
  {                                                                                                \
    const type *x = from;                                                                          \
    type *restrict y = (type *)to + lane;                                                          \
    for (uint32_t t = 0; t < n; t++) y[t * KR_LANES] = x[t * stride];                              \
  }
static void put(uint32_t width, const void *from, uint32_t stride, uint32_t n, void *to,
                uint32_t lane) {
  if (width == 4)
    PUT(uint32_t)
  else if (width == 8)
    PUT(uint64_t)
  else
    PUT(uint8_t)
}

// Some lanes of sixteen: columns are never -0, so adding +0 leaves them as they are.
#define ADD_SOME(real, int, f, p, V, I, N)                                                         \
  static void add_some_##f(const real *from, uint32_t stride, uint32_t lanes, uint32_t n,          \
                           real *restrict sum) {                                                   \
    int mask[KR_LANES];                                                                            \
    for (uint32_t l = 0; l < KR_LANES; l++) mask[l] = -(int)(lanes >> l & 1);                      \
    for (uint32_t v = 0; v < KR_LANES && lanes >> v != 0; v += (N)) {                              \
      const I some = kr_##p##_load_bits(mask + v);                                                 \
      for (uint32_t t = 0; t < n; t++) {                                                           \
        real *to = sum + t * KR_LANES + v;                                                         \
        V x = kr_##p##_load(from + t * stride + v);                                                \
        kr_##p##_store(to, kr_##p##_load(to) + kr_##p##_where(some, x));                           \
      }                                                                                            \
    }                                                                                              \
  }
#define ADD_TICKS(real, f, p, N)                                                                   \
  static void add_ticks_##f(const KrLaneTicks *ticks, uint32_t n, real *restrict sum) {            \
    for (uint32_t i = 0; i < n; i++) {                                                             \
      real *to = sum + ticks[i].to;                                                                \
      const real *from = ticks[i].from, *end = from + ticks[i].n;                                  \
      for (; from < end; from += KR_LANES, to += KR_LANES)                                         \
        for (uint32_t l = 0; l < KR_LANES; l += (N))                                               \
          kr_##p##_store(to + l, kr_##p##_load(to + l) + kr_##p##_load(from + l));                 \
    }                                                                                              \
  }
#if KR_VECTOR_BYTES > 0
ADD_TICKS(float, f32, v32, KR_N_V32)
ADD_TICKS(double, f64, v64, KR_N_V64)
ADD_SOME(float, int32_t, f32, v32, KrVf32, KrVi32, KR_N_V32)
ADD_SOME(double, int64_t, f64, v64, KrVf64, KrVi64, KR_N_V64)
#else
ADD_TICKS(float, f32, s32, 1)
ADD_TICKS(double, f64, s64, 1)
ADD_SOME(float, int32_t, f32, s32, float, int32_t, 1)
ADD_SOME(double, int64_t, f64, s64, double, int64_t, 1)
#endif

// All lanes of every tick, in one run where the rows follow each other.
#define REALS(real, f)                                                                             \
  static void open_##f(const real *from, uint32_t stride, uint32_t n, real *restrict sum) {        \
    if (stride == KR_LANES)                                                                        \
      for (uint32_t i = 0; i < n * KR_LANES; i++) sum[i] = 0 + from[i];                            \
    else                                                                                           \
      for (uint32_t t = 0; t < n; t++)                                                             \
        for (uint32_t l = 0; l < KR_LANES; l++) sum[t * KR_LANES + l] = 0 + from[l];               \
  }                                                                                                \
  static void add_full_##f(const real *from, uint32_t stride, uint32_t n, real *restrict sum) {    \
    if (stride == KR_LANES)                                                                        \
      for (uint32_t i = 0; i < n * KR_LANES; i++) sum[i] += from[i];                               \
    else                                                                                           \
      for (uint32_t t = 0; t < n; t++)                                                             \
        for (uint32_t l = 0; l < KR_LANES; l++) sum[t * KR_LANES + l] += from[l];                  \
  }                                                                                                \
  static void add_##f(const real *from, uint32_t stride, uint32_t n_lanes, bool opens, uint32_t n, \
                      real *restrict sum) {                                                        \
    if (n_lanes == KR_LANES && opens) {                                                            \
      open_##f(from, stride, n, sum);                                                              \
      return;                                                                                      \
    }                                                                                              \
    if (n_lanes == KR_LANES) {                                                                     \
      add_full_##f(from, stride, n, sum);                                                          \
      return;                                                                                      \
    }                                                                                              \
    for (uint32_t i = 0; opens && i < n * KR_LANES; i++) sum[i] = 0;                               \
    if (n_lanes == 1)                                                                              \
      for (uint32_t t = 0; t < n; t++) sum[t * KR_LANES] += from[t * stride];                      \
    else                                                                                           \
      add_some_##f(from, stride, (1u << n_lanes) - 1, n, sum);                                     \
  }                                                                                                \
  static void close_##f(const real *chunk, bool is_first, uint32_t n, real *restrict total) {      \
    for (uint32_t i = 0; is_first && i < n * KR_LANES; i++) total[i] = chunk[i];                   \
    for (uint32_t i = 0; !is_first && i < n * KR_LANES; i++) total[i] += chunk[i];                 \
  }                                                                                                \
  static void fold_##f(const real *from, uint32_t n, real *restrict to) {                          \
    real half[KR_TILE * 8], quarter[KR_TILE * 4];                                                  \
    for (uint32_t t = 0; t < n; t++)                                                               \
      for (uint32_t l = 0; l < 8; l++)                                                             \
        half[t * 8 + l] = from[t * KR_LANES + l] + from[t * KR_LANES + l + 8];                     \
    for (uint32_t t = 0; t < n; t++)                                                               \
      for (uint32_t l = 0; l < 4; l++) quarter[t * 4 + l] = half[t * 8 + l] + half[t * 8 + l + 4]; \
    for (uint32_t t = 0; t < n; t++)                                                               \
      to[t] = (quarter[t * 4] + quarter[t * 4 + 2]) + (quarter[t * 4 + 1] + quarter[t * 4 + 3]);   \
  }
REALS(float, f32)
REALS(double, f64)

// Sums of values of one lane, N_AT vectors of ticks from t on at a time as long as n holds so many:
// column l, l + 16 … of every chunk, then one column to another. The columns are made in the order
// in which they are added, so that few wait: l to l + 8, both to l + 4 and l + 12, and so on.
#define SUM(real, name, p, V, N, N_AT)                                                             \
  typedef struct Part_##name {                                                                     \
    V at[N_AT];                                                                                    \
  } Part_##name;                                                                                   \
  KR_INLINE void column_##name(const void *const *in, const size_t *bytes, uint32_t n_in,          \
                               uint32_t l, uint32_t t, Part_##name *total) {                       \
    Part_##name sum, all = {{kr_##p##_all(0)}};                                                    \
    for (uint32_t i = 0; i < (N_AT); i++) all.at[i] = kr_##p##_all(0);                             \
    for (uint32_t first = 0; first + l < n_in; first += KR_SUM_CHUNK) {                            \
      uint32_t end = n_in - first < KR_SUM_CHUNK ? n_in : first + KR_SUM_CHUNK;                    \
      for (uint32_t i = 0; i < (N_AT); i++) sum.at[i] = kr_##p##_all(0);                           \
      for (uint32_t k = first + l; k < end; k += KR_SUM_COLUMNS) {                                 \
        const real *x = in[k];                                                                     \
        const V still = kr_##p##_all(x[0]);                                                        \
        for (uint32_t i = 0; i < (N_AT); i++)                                                      \
          sum.at[i] += bytes[k] != 0 ? kr_##p##_load(x + t + i * (N)) : still;                     \
      }                                                                                            \
      for (uint32_t i = 0; i < (N_AT); i++)                                                        \
        all.at[i] = first == 0 ? sum.at[i] : all.at[i] + sum.at[i];                                \
    }                                                                                              \
    *total = all;                                                                                  \
  }                                                                                                \
  static uint32_t sum_##name(const void *const *in, const size_t *bytes, uint32_t n_in,            \
                             uint32_t t, uint32_t n, real *to) {                                   \
    static const uint8_t order[KR_SUM_COLUMNS] = {0, 8, 4, 12, 2, 10, 6, 14,                       \
                                                  1, 9, 5, 13, 3, 11, 7, 15};                      \
    for (; t + (N) * (N_AT) <= n; t += (N) * (N_AT)) {                                             \
      Part_##name waiting[5], *next = waiting;                                                     \
      for (uint32_t c = 0; c < KR_SUM_COLUMNS; c++, next++) {                                      \
        column_##name(in, bytes, n_in, order[c], t, next);                                         \
        for (uint32_t made = c; made % 2 == 1; made /= 2, next--)                                  \
          for (uint32_t i = 0; i < (N_AT); i++) next[-1].at[i] += next[0].at[i];                   \
      }                                                                                            \
      for (uint32_t i = 0; i < (N_AT); i++) kr_##p##_store(to + t + i * (N), waiting[0].at[i]);    \
    }                                                                                              \
    return t;                                                                                      \
  }
// The same of one value a column. A sum starts from +0, which tells at the end alone.
#define SUM_ROW(real, name, p, V, N)                                                               \
  static uint32_t row_##name(const void *const *in, uint32_t t, uint32_t n, real *to) {            \
    for (; t + (N) <= n; t += (N)) {                                                               \
      V x[8];                                                                                      \
      for (uint32_t l = 0; l < 8; l++)                                                             \
        x[l] =                                                                                     \
            kr_##p##_load((const real *)in[l] + t) + kr_##p##_load((const real *)in[l + 8] + t);   \
      for (uint32_t l = 0; l < 4; l++) x[l] += x[l + 4];                                           \
      kr_##p##_store(to + t, 0 + ((x[0] + x[2]) + (x[1] + x[3])));                                 \
    }                                                                                              \
    return t;                                                                                      \
  }
SUM(float, one_f32, s32, float, 1, 1)
SUM(double, one_f64, s64, double, 1, 1)
#if KR_VECTOR_BYTES > 0
SUM(float, wide_f32, v32, KrVf32, KR_N_V32, 1)
SUM(double, wide_f64, v64, KrVf64, KR_N_V64, 1)
SUM(float, wides_f32, v32, KrVf32, KR_N_V32, 4)
SUM(double, wides_f64, v64, KrVf64, KR_N_V64, 4)
SUM_ROW(float, wide_f32, v32, KrVf32, KR_N_V32)
SUM_ROW(double, wide_f64, v64, KrVf64, KR_N_V64)
#define SUM_ALL(real, f)                                                                           \
  static void sum_##f(const void *const *in, const size_t *bytes, uint32_t n_in, uint32_t n,       \
                      real *to) {                                                                  \
    bool is_row = n_in == KR_SUM_COLUMNS;                                                          \
    for (uint32_t k = 0; is_row && k < n_in; k++) is_row = bytes[k] != 0;                          \
    uint32_t t = is_row ? row_wide_##f(in, 0, n, to) : sum_wides_##f(in, bytes, n_in, 0, n, to);   \
    if (t < n) t = sum_wide_##f(in, bytes, n_in, t, n, to);                                        \
    if (t < n) sum_one_##f(in, bytes, n_in, t, n, to);                                             \
  }
#else
#define SUM_ALL(real, f)                                                                           \
  static void sum_##f(const void *const *in, const size_t *bytes, uint32_t n_in, uint32_t n,       \
                      real *to) {                                                                  \
    sum_one_##f(in, bytes, n_in, 0, n, to);                                                        \
  }
#endif
SUM_ALL(float, f32)
SUM_ALL(double, f64)

// Knots and slopes of a vector stay in registers.
#define LINEAR(real, f, p, V, N)                                                                   \
  static void linear_##f(const real *x0, const real *x1, const real *a, uint32_t n,                \
                         real *restrict to) {                                                      \
    for (uint32_t v = 0; v < KR_LANES; v += (N)) {                                                 \
      const V base = kr_##p##_load(x0 + v), slope = kr_##p##_load(x1 + v) - base;                  \
      uint32_t t = 0, until = a[n - 1] == 0 ? n : a[0] == 0;                                       \
      for (; t < until; t++) kr_##p##_store(to + t * KR_LANES + v, base);                          \
      for (; t < n; t++) kr_##p##_store(to + t * KR_LANES + v, base + kr_##p##_all(a[t]) * slope); \
    }                                                                                              \
  }
#if KR_VECTOR_BYTES > 0
LINEAR(float, f32, v32, KrVf32, KR_N_V32)
LINEAR(double, f64, v64, KrVf64, KR_N_V64)
#else
LINEAR(float, f32, s32, float, 1)
LINEAR(double, f64, s64, double, 1)
#endif

extern const KrLanes KR_LEVEL_NAME(kr_lanes);
const KrLanes KR_LEVEL_NAME(kr_lanes) = {
    spread,       pick,          put,           add_f32,    add_f64,   add_some_f32,
    add_some_f64, add_ticks_f32, add_ticks_f64, fold_f32,   fold_f64,  close_f32,
    close_f64,    sum_f32,       sum_f64,       linear_f32, linear_f64};

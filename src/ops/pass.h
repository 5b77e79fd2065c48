// One pass of a kernel file that includes itself: KR_PASS is 32 or 64. With KR_WIDTH 16 V is a
// native vector, else (1, or none) one element: functions WN(...) over V exist for both. No guard:
// read once a pass.
#undef REAL
#undef INT
#undef UINT
#undef FN
#undef RF
#undef KR_AT
#undef WN
#undef VF
#undef V
#undef VI
#undef VU
#undef VN
#undef KR_WIDE
#if KR_PASS == 32
#define REAL float
#define INT int32_t
#define UINT uint32_t
#define FN(name) name##_f32
#define RF(name) kr_f32_##name
#else
#define REAL double
#define INT int64_t
#define UINT uint64_t
#define FN(name) name##_f64
#define RF(name) kr_f64_##name
#endif
#if defined(KR_WIDTH) && KR_WIDTH == 16
#define KR_WIDE 1
#else
#define KR_WIDE 0
#endif

#if KR_WIDE && KR_PASS == 32
#define WN(name) name##_wide_f32
#elif KR_WIDE
#define WN(name) name##_wide_f64
#elif KR_PASS == 32
#define WN(name) name##_one_f32
#else
#define WN(name) name##_one_f64
#endif
#if KR_WIDE && KR_VECTOR_BYTES > 0 && KR_PASS == 32
#define VF(name) kr_v32_##name
#define V KrVf32
#define VI KrVi32
#define VU KrVu32
#define VN KR_N_V32
#elif KR_WIDE && KR_VECTOR_BYTES > 0
#define VF(name) kr_v64_##name
#define V KrVf64
#define VI KrVi64
#define VU KrVu64
#define VN KR_N_V64
#else
#if KR_PASS == 32
#define VF(name) kr_s32_##name
#else
#define VF(name) kr_s64_##name
#endif
#define V REAL
#define VI INT
#define VU UINT
#define VN 1
#endif

// What a recurrence keeps: 0 below 2^-100, and 0 in place of what is not finite. Magnitudes of
// floats are in the order of their bits.
KR_INLINE V WN(keep)(V x) {
#if KR_PASS == 32 && KR_WIDE && defined(KR_VECTOR_FINITE_IF)
  VI a = VF(bits)(x) & INT32_MAX;
  return KR_VECTOR_FINITE_IF(KR_CMPD_512(a, VF(all_bits)(0x0d800000), 5), x);
#elif KR_PASS == 32 && KR_WIDE && KR_VECTOR_BYTES > 0
  VI a = (VF(bits)(x) & INT32_MAX) - 0x0d800000 + INT32_MIN; // one comparison sees both ends
  return VF(where)((VI)(a < 0x7f800000 - 0x0d800000 + INT32_MIN), x);
#elif KR_WIDE && KR_VECTOR_BYTES > 0
  V a = VF(abs)(x);
  return VF(where)(VF(le)(VF(all)(0x1p-100), a) & VF(le)(a, VF(all)(0x1.fffffffffffffp1023)), x);
#else
  REAL a = RF(abs)(x);
  return a >= (REAL)0x1p-100 && a <= (REAL)(KR_PASS == 32 ? 0x1.fffffep127 : 0x1.fffffffffffffp1023)
             ? x
             : 0;
#endif
}

// sin(pi/2 t) for |t| <= 1. f32: relative error of the polynomial 5.5e-9, total absolute 1.9e-7;
// f64: Taylor's polynomial, 2.7e-16 at t = 1.
KR_INLINE V WN(quarter_sine)(V t) {
  V z = t * t;
#if KR_PASS == 32
  V p = VF(all)(0x1.3dac7ap-13f);
  p = p * z + -0x1.324c8cp-8f;
  p = p * z + 0x1.4668acp-4f;
  p = p * z + -0x1.4abbc2p-1f;
  p = p * z + 0x1.921fb6p+0f;
#else
  V p = VF(all)(-0x1.8a404211f9547p-45);
  p = p * z + 0x1.aaec32af93359p-38;
  p = p * z + -0x1.6fadb9f155744p-31;
  p = p * z + 0x1.e8f434d018d63p-25;
  p = p * z + -0x1.e3074fde8871fp-19;
  p = p * z + 0x1.50783487ee782p-13;
  p = p * z + -0x1.32d2cce62bd86p-8;
  p = p * z + 0x1.466bc6775aae2p-4;
  p = p * z + -0x1.4abbce625be53p-1;
  p = p * z + 0x1.921fb54442d18p+0;
#endif
  return p * t;
}

// e^z - 1 for z >= 0 (less counts as 0, more than 64 as 64): Taylor's polynomial at z/16, then four
// times q <- q (2 + q). Relative error 1e-6 (f32) or 1e-13 (f64) up to z = 3, growing, monotonic.
KR_INLINE V WN(growth)(V z) {
  z = VF(greater)(z, VF(all)(0));
  V x = VF(lesser)(z, VF(all)(64)) / 16;
#if KR_PASS == 32
  V p = x * (1.0f / 120) + 1.0f / 24;
#else
  V p = x * (1.0 / 362880) + 1.0 / 40320;
  p = p * x + 1.0 / 5040;
  p = p * x + 1.0 / 720;
  p = p * x + 1.0 / 120;
  p = p * x + 1.0 / 24;
#endif
  p = p * x + (REAL)1 / 6;
  p = p * x + (REAL)1 / 2;
  V q = (p * x + 1) * x;
  q *= 2 + q;
  q *= 2 + q;
  q *= 2 + q;
  return q * (2 + q);
}
// 1 - e^-z and e^-z, each to full relative accuracy of the above.
KR_INLINE V WN(approach)(V z) {
  V growth = WN(growth)(z);
  return growth / (1 + growth);
}
KR_INLINE V WN(decay)(V z) { return 1 / (1 + WN(growth)(z)); }

// The scalar ones by their short names, and what needs no vectors: once for f32, once for f64.
#if !KR_WIDE
KR_INLINE REAL FN(keep)(REAL x) { return WN(keep)(x); }
KR_INLINE REAL FN(quarter_sine)(REAL t) { return WN(quarter_sine)(t); }
KR_INLINE REAL FN(growth)(REAL z) { return WN(growth)(z); }
KR_INLINE REAL FN(approach)(REAL z) { return WN(approach)(z); }
KR_INLINE REAL FN(decay)(REAL z) { return WN(decay)(z); }

// Input i as [n][lanes]: itself, or its one row repeated in `buffer` when it is held.
static inline const REAL *FN(dense)(const KrCall *call, uint32_t i, REAL *buffer) {
  const REAL *at = call->in[i];
  if ((call->held >> i & 1) == 0) return at;
  if (call->lanes == 1) {
    for (uint32_t t = 0; t < call->n; t++) buffer[t] = at[0];
  } else {
    for (uint32_t t = 0; t < call->n; t++)
      for (uint32_t l = 0; l < KR_LANES; l++) buffer[t * KR_LANES + l] = at[l];
  }
  return buffer;
}
static inline void FN(strides)(const KrCall *call, uint32_t lanes, uint32_t n, size_t *strides) {
  for (uint32_t i = 0; i < n; i++) strides[i] = (call->held >> i & 1) != 0 ? 0 : lanes;
}
static inline void FN(load)(REAL *local, const void *field, uint32_t lanes) {
  for (uint32_t l = 0; l < lanes; l++) local[l] = ((const REAL *)field)[l];
}
static inline void FN(store)(const REAL *local, void *field, uint32_t lanes) {
  for (uint32_t l = 0; l < lanes; l++) ((REAL *)field)[l] = local[l];
}
#endif

#if KR_WIDE
// An input as elements 0..n-1 of the tile: element i at at[i & mask].
typedef struct FN(Flat) {
  const REAL *at;
  uint32_t mask;
  REAL row[KR_LANES];
} FN(Flat);
KR_INLINE void FN(flatten)(const KrCall *call, uint32_t input, FN(Flat) * flat) {
  flat->at = call->in[input];
  flat->mask = UINT32_MAX;
  if (kr_call_stride(call, input) != 0) return;
  for (uint32_t l = 0; l < KR_LANES; l++) flat->row[l] = flat->at[call->lanes == 1 ? 0 : l];
  flat->at = flat->row;
  flat->mask = KR_LANES - 1;
}
// Elements i.. of n, zeros after the last.
KR_INLINE V WN(get)(const FN(Flat) * flat, uint32_t i, uint32_t n) {
  const REAL *at = flat->at + (i & flat->mask);
  if (flat->mask != UINT32_MAX || n - i >= VN) return VF(load)(at);
  REAL rest[VN] = {0};
  for (uint32_t l = 0; i + l < n; l++) rest[l] = at[l];
  return VF(load)(rest);
}
// The first n - i elements of y to out + i.
KR_INLINE void WN(put)(REAL *out, uint32_t i, uint32_t n, V y) {
  REAL rest[VN];
  if (n - i >= VN) {
    VF(store)(out + i, y);
    return;
  }
  VF(store)(rest, y);
  for (uint32_t l = 0; i + l < n; l++) out[i + l] = rest[l];
}
// Elements i.. of n at `at`, zeros after the last.
KR_INLINE V WN(part)(const REAL *at, uint32_t i, uint32_t n) {
  if (n - i >= VN) return VF(load)(at + i);
  REAL rest[VN] = {0};
  for (uint32_t l = 0; i + l < n; l++) rest[l] = at[i + l];
  return VF(load)(rest);
}

// y to out, or added to what is there (KrCall.adds).
KR_INLINE void WN(emit)(REAL *out, V y, const bool adds) {
  VF(store)(out, adds ? VF(load)(out) + y : y);
}

// KrCall's factors; ones in place of a third that is not there, so that n is 0, 1 or 3: as a
// constant, so that none cost nothing.
typedef struct FN(Gains) {
  uint32_t n;
  size_t stride; // of the first one
  const REAL *at[KR_MAX_FACTORS];
} FN(Gains);
KR_INLINE FN(Gains) FN(gains_of)(const KrCall *call, const uint32_t n) {
  static const REAL ones[KR_LANES] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  FN(Gains) gains = {.n = n, .at = {ones, ones, ones}};
  for (uint32_t i = 0; i < call->n_factors; i++) gains.at[i] = call->in[call->first_factor + i];
  if (n > 0) gains.stride = kr_call_stride(call, call->first_factor);
  return gains;
}
KR_INLINE V WN(gained)(const FN(Gains) * gains, V y, uint32_t t, uint32_t v) {
  if (gains->n > 0) y = y * VF(load)(gains->at[0] + t * gains->stride + v);
  return gains->n > 1 ? y * VF(load)(gains->at[1] + v) * VF(load)(gains->at[2] + v) : y;
}

// The output of an elementwise operator of two inputs; a held row stays in a register.
KR_INLINE void WN(loop_of_two)(const KrCall *call, V (*of)(V x, V y), const bool adds) {
  const REAL *x = call->in[0], *y = call->in[1];
  REAL *restrict out = call->out[0];
  bool x_held = kr_call_stride(call, 0) == 0, y_held = kr_call_stride(call, 1) == 0;
  bool one_lane = call->lanes == 1;
  uint32_t n = call->n * call->lanes, whole = n - n % VN, stride = one_lane ? VN : KR_LANES;
  V x_row = VF(all)(x[0]), y_row = VF(all)(y[0]);
  if (!x_held && !y_held) {
    for (uint32_t i = 0; i < whole; i += VN)
      WN(emit)(out + i, of(VF(load)(x + i), VF(load)(y + i)), adds);
  } else {
    for (uint32_t v = 0; v < stride; v += VN) {
      if (x_held && !one_lane) x_row = VF(load)(x + v);
      if (y_held && !one_lane) y_row = VF(load)(y + v);
      for (uint32_t i = v; x_held && y_held && i < whole; i += stride)
        WN(emit)(out + i, of(x_row, y_row), adds);
      for (uint32_t i = v; x_held && !y_held && i < whole; i += stride)
        WN(emit)(out + i, of(x_row, VF(load)(y + i)), adds);
      for (uint32_t i = v; !x_held && i < whole; i += stride)
        WN(emit)(out + i, of(VF(load)(x + i), y_row), adds);
    }
  }
  if (whole == n) return;
  V x_rest = x_held ? x_row : WN(part)(x, whole, n),
    y_rest = y_held ? y_row : WN(part)(y, whole, n);
  WN(put)(out, whole, n, of(x_rest, y_rest));
}
KR_INLINE void WN(each_of_two)(const KrCall *call, V (*of)(V x, V y)) {
  if (call->adds != 0)
    WN(loop_of_two)(call, of, true);
  else
    WN(loop_of_two)(call, of, false);
}
#endif

// Input i at tick t, lane l of a body with `lanes` lanes.
#define KR_AT(i) (((const REAL *)call->in[i])[t * strides[i] + l])

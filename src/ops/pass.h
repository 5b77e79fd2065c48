// One pass of a kernel file that includes itself: KR_PASS is 32 or 64. No guard: read once a pass.
#undef REAL
#undef UINT
#undef FN
#undef RF
#undef KR_AT
#if KR_PASS == 32
#define REAL float
#define UINT uint32_t
#define FN(name) name##_f32
#define RF(name) kr_f32_##name
#else
#define REAL double
#define UINT uint64_t
#define FN(name) name##_f64
#define RF(name) kr_f64_##name
#endif

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

// What a recurrence keeps: 0 below 2^-100, and 0 in place of what is not finite.
static inline REAL FN(keep)(REAL x) {
  REAL a = RF(abs)(x);
#if KR_PASS == 32
  return a >= 0x1p-100f && a <= 0x1.fffffep127f ? x : 0;
#else
  return a >= 0x1p-100 && a <= 0x1.fffffffffffffp1023 ? x : 0;
#endif
}

// sin(pi/2 t) for |t| <= 1. f32: relative error of the polynomial 5.5e-9, total absolute 1.9e-7;
// f64: Taylor's polynomial, 2.7e-16 at t = 1.
static inline REAL FN(quarter_sine)(REAL t) {
  REAL z = t * t;
#if KR_PASS == 32
  REAL p = 0x1.3dac7ap-13f;
  p = p * z + -0x1.324c8cp-8f;
  p = p * z + 0x1.4668acp-4f;
  p = p * z + -0x1.4abbc2p-1f;
  p = p * z + 0x1.921fb6p+0f;
#else
  REAL p = -0x1.8a404211f9547p-45;
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
static inline REAL FN(growth)(REAL z) {
  z = z > 0 ? z : 0;
  REAL x = (z < 64 ? z : 64) / 16;
#if KR_PASS == 32
  REAL p = x * (1.0f / 120) + 1.0f / 24;
#else
  REAL p = x * (1.0 / 362880) + 1.0 / 40320;
  p = p * x + 1.0 / 5040;
  p = p * x + 1.0 / 720;
  p = p * x + 1.0 / 120;
  p = p * x + 1.0 / 24;
#endif
  p = p * x + (REAL)1 / 6;
  p = p * x + (REAL)1 / 2;
  REAL q = (p * x + 1) * x;
  q *= 2 + q;
  q *= 2 + q;
  q *= 2 + q;
  return q * (2 + q);
}
// 1 - e^-z and e^-z, each to full relative accuracy of the above.
static inline REAL FN(approach)(REAL z) {
  REAL growth = FN(growth)(z);
  return growth / (1 + growth);
}
static inline REAL FN(decay)(REAL z) { return 1 / (1 + FN(growth)(z)); }

// Input i at tick t, lane l of a body with `lanes` lanes.
#define KR_AT(i) (((const REAL *)call->in[i])[t * strides[i] + l])
static inline void FN(strides)(const KrCall *call, uint32_t lanes, uint32_t n, size_t *strides) {
  for (uint32_t i = 0; i < n; i++) strides[i] = (call->held >> i & 1) != 0 ? 0 : lanes;
}
static inline void FN(load)(REAL *local, const void *field, uint32_t lanes) {
  for (uint32_t l = 0; l < lanes; l++) local[l] = ((const REAL *)field)[l];
}
static inline void FN(store)(const REAL *local, void *field, uint32_t lanes) {
  for (uint32_t l = 0; l < lanes; l++) ((REAL *)field)[l] = local[l];
}

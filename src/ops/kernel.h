/// Helpers of the families: how rows are written down and what their prepare functions share.
#ifndef KR_OPS_KERNEL_H
#define KR_OPS_KERNEL_H
#include "base/level.h"
#include "math/real.h"
#include "ops/families.h"
#include "ops/turns.h"
#include "ops/vector.h"

#define KR_TILE_SIZE ((size_t)KR_TILE * KR_LANES)

/// A kernel from a body with the number of lanes as second argument, made once for 1 and once
/// for 16.
#define KR_BY_LANES(kernel, body)                                                                  \
  static void kernel(const KrCall *call) {                                                         \
    if (call->lanes == 1)                                                                          \
      body(call, 1);                                                                               \
    else                                                                                           \
      body(call, KR_LANES);                                                                        \
  }

/// The same from bodies name_one and name_wide of the two widths (passes.h).
#define KR_BY_WIDTH(name)                                                                          \
  static void FN(name)(const KrCall *call) {                                                       \
    if (call->lanes == 1)                                                                          \
      FN(name##_one)(call);                                                                        \
    else                                                                                           \
      FN(name##_wide)(call);                                                                       \
  }

/// Families whose file is a level source (base/level.h): X(family, level). Each ends in
/// KR_KERNELS(family, ...), all kernels of its rows in one order at every level.
#define KR_KERNEL_FAMILIES(X, level)                                                               \
  X(oscillators, level)                                                                            \
  X(noise, level)                                                                                  \
  X(envelopes, level)                                                                              \
  X(control, level)                                                                                \
  X(filters, level)                                                                                \
  X(ladder, level)                                                                                 \
  X(delays, level)                                                                                 \
  X(mixing, level)                                                                                 \
  X(samples, level)                                                                                \
  X(grains, level)                                                                                 \
  X(space, level)                                                                                  \
  X(dynamics, level)                                                                               \
  X(hearing, level)                                                                                \
  X(tones, level)                                                                                  \
  X(drums, level)                                                                                  \
  X(shaping, level)                                                                                \
  X(modulation, level)                                                                             \
  X(spectra, level) X(maths, level) X(operators, level)
typedef struct KrKernelList {
  KrKernel *const *at;
  uint32_t n;
} KrKernelList;
#define KR_KERNELS_DECLARE(family, level) extern const KrKernelList kr_kernels_##family##_##level;
#define KR_KERNELS_DECLARE_LEVEL(level, name) KR_KERNEL_FAMILIES(KR_KERNELS_DECLARE, level)
KR_LEVEL_LIST(KR_KERNELS_DECLARE_LEVEL)
#define KR_KERNELS(family, ...)                                                                    \
  static KrKernel *const KERNELS[] = {__VA_ARGS__};                                                \
  const KrKernelList KR_LEVEL_NAME(kr_kernels_##family) = {KERNELS,                                \
                                                           sizeof KERNELS / sizeof *KERNELS}
#define KR_REALS(name) name##_f32, name##_f64
#define KR_INTEGERS(name) name##_i32, name##_i64, name##_u32, name##_u64
#define KR_NUMBERS(name) KR_INTEGERS(name), KR_REALS(name)

/// Rows: ports, fields, kernels.
#define SIGNAL(name, unit, preset, range, doc)                                                     \
  { name, KR_PORT_SIGNAL, unit, preset, NULL, range, doc }
#define INPUT(doc) SIGNAL("x", NULL, NULL, NULL, doc)
/// First and last port of a row of two channels (KR_OP_PAIR).
#define PAIR INPUT("a tuple of two channels")
#define RIGHT SIGNAL("right", NULL, "x", NULL, "right channel: x is a tuple of both")
#define SETTING(name, unit, preset, range, doc)                                                    \
  { name, KR_PORT_CONST, unit, preset, NULL, range, doc }
#define CHOICE(name, preset, choices, doc)                                                         \
  { name, KR_PORT_CHOICE, NULL, preset, choices, NULL, doc }
#define PORT(name, kind, doc)                                                                      \
  { name, KR_PORT_##kind, NULL, NULL, NULL, NULL, doc }
#define STATE(name, type, n)                                                                       \
  { name, KR_ELEM_##type, n, KR_FIELD_STATE }
#define AGES(name, type, n)                                                                        \
  { name, KR_ELEM_##type, n, KR_FIELD_STATE | KR_FIELD_AGES }
#define COEF(name, type, n)                                                                        \
  { name, KR_ELEM_##type, n, KR_FIELD_COEF }
#define RING(name, type, n)                                                                        \
  { name, KR_ELEM_##type, n, KR_FIELD_RING }
#define RUN_REAL(name)                                                                             \
  { [KR_ELEM_F32] = name##_f32, [KR_ELEM_F64] = name##_f64 }

/// Address of field `index` of one lane, entry 0; entries are prep->lanes apart.
#define FIELD_AT(prep, index, type) ((type *)(prep)->field[index] + (prep)->lane)

/// Stores a real coefficient in the call's element type.
static inline void kr_prep_put(const KrPrep *prep, uint32_t field, uint64_t i, double value) {
  size_t at = (size_t)i * prep->lanes + prep->lane;
  if (prep->elem == KR_ELEM_F32)
    ((float *)prep->field[field])[at] = (float)value;
  else
    ((double *)prep->field[field])[at] = value;
}
/// num/den * 2^shift (den > 0, 0 <= shift <= 64) rounded once to the call's type.
static inline void kr_prep_put_ratio(const KrPrep *prep, uint32_t field, KrRatio ratio,
                                     unsigned shift) {
  bool negative = ratio.num < 0;
  uint64_t magnitude = negative ? 0 - (uint64_t)ratio.num : (uint64_t)ratio.num;
  KrU128 num = kr_wide_shift_left((KrU128){magnitude, 0}, shift);
  KrU128 den = {(uint64_t)ratio.den, 0};
  if (prep->elem == KR_ELEM_F32)
    FIELD_AT(prep, field, float)[0] = kr_wide_to_f32(negative, num, den);
  else
    FIELD_AT(prep, field, double)[0] = kr_wide_to_f64(negative, num, den);
}
/// Seconds as a whole number of ticks, half away from zero: `ratio` when exact, else `value`.
/// False when negative, not finite or above 2^40.
bool kr_prep_ticks(const KrPrep *prep, const KrPortValue *port, int64_t *ticks);

/// What a shared table is made of: two are one when all parts are equal.
typedef struct KrTableKey {
  const char *kind; ///< of the maker: one address a kind
  const void *of;
  KrRatio ratio;
  uint64_t index;
} KrTableKey;
/// The table of that key; *is_new: n_bytes of zeros, to be filled before anything can fail.
void *kr_prep_table(const KrPrep *prep, const KrTableKey *key, size_t n_bytes, bool *is_new);
#endif

/// Inputs whose correctly rounded f32 result is not the rounded f64 result, in ascending order of
/// their bits, each with the bits of its result; written by scripts/math-hard.c, which tries all
/// inputs.
#ifndef KR_MATH_HARD_TABLE_H
#define KR_MATH_HARD_TABLE_H
#include <stdint.h>

typedef struct Hard {
  uint32_t x, y;
} Hard;

// clang-format off
static const Hard HARD_sin[] = {{0x46199998, 0xbeb1fa5d}, {UINT32_MAX, 0}};
static const Hard HARD_cos[] = {{0x5f18b878, 0x3f7f14bb}, {0x6115cb11, 0x3f78142f},
  {UINT32_MAX, 0}};
static const Hard HARD_tan[] = {{UINT32_MAX, 0}};
static const Hard HARD_sin_turns[] = {{UINT32_MAX, 0}};
static const Hard HARD_cos_turns[] = {{UINT32_MAX, 0}};
static const Hard HARD_asin[] = {{UINT32_MAX, 0}};
static const Hard HARD_acos[] = {{0x328885a3, 0x3fc90fdb}, {0x39826222, 0x3fc907b5},
  {UINT32_MAX, 0}};
static const Hard HARD_atan[] = {{0x3d8d6b23, 0x3d8d31c3}, {UINT32_MAX, 0}};
static const Hard HARD_sinh[] = {{0x3a1285ff, 0x3a1285ff}, {UINT32_MAX, 0}};
static const Hard HARD_cosh[] = {{UINT32_MAX, 0}};
static const Hard HARD_tanh[] = {{UINT32_MAX, 0}};
static const Hard HARD_exp[] = {{UINT32_MAX, 0}};
static const Hard HARD_exp2[] = {{0x3b429d37, 0x3f804385}, {0xbcf3a937, 0x3f7ac6b1},
  {UINT32_MAX, 0}};
static const Hard HARD_log[] = {{0x3c413d3a, 0xc08e158f}, {0x41178feb, 0x400fe5e7},
  {0x4c5d65a5, 0x418f034b}, {0x65d890d3, 0x4254d1f9}, {0x6f31a8ec, 0x42845a89}, {UINT32_MAX, 0}};
static const Hard HARD_log2[] = {{UINT32_MAX, 0}};
static const Hard HARD_log10[] = {{0x0efeee7a, 0xc1e99d23}, {UINT32_MAX, 0}};
static const Hard HARD_mtof[] = {{UINT32_MAX, 0}};
static const Hard HARD_ftom[] = {{UINT32_MAX, 0}};
static const Hard HARD_db[] = {{UINT32_MAX, 0}};
static const Hard HARD_lin[] = {{UINT32_MAX, 0}};
// clang-format on
#endif

/// Inputs whose f32 result is not the rounded f64 result, found by trying all inputs.
#ifndef KR_MATH_HARD_TABLE_H
#define KR_MATH_HARD_TABLE_H
#include <stdint.h>
typedef struct Hard {
  uint32_t x, y;
} Hard;
#define NO_HARD                                                                                    \
  {                                                                                                \
    { UINT32_MAX, 0 }                                                                              \
  }
static const Hard HARD_sin[] = NO_HARD, HARD_cos[] = NO_HARD, HARD_tan[] = NO_HARD,
                  HARD_sin_turns[] = NO_HARD, HARD_cos_turns[] = NO_HARD, HARD_asin[] = NO_HARD,
                  HARD_acos[] = NO_HARD, HARD_atan[] = NO_HARD, HARD_sinh[] = NO_HARD,
                  HARD_cosh[] = NO_HARD, HARD_tanh[] = NO_HARD, HARD_exp[] = NO_HARD,
                  HARD_exp2[] = NO_HARD, HARD_log[] = NO_HARD, HARD_log2[] = NO_HARD,
                  HARD_log10[] = NO_HARD, HARD_mtof[] = NO_HARD, HARD_ftom[] = NO_HARD,
                  HARD_db[] = NO_HARD, HARD_lin[] = NO_HARD;
#endif

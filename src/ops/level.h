/// Which kernel runs at which vector level.
#ifndef KR_OPS_LEVEL_H
#define KR_OPS_LEVEL_H
#include "base/level.h"
#include "ops/op.h"

/// The row's kernel for `elem` at a supported level (KR_LEVEL_BEST: the best one); where the level
/// has none of its own, op->run[elem], NULL included. Bit-equal at every level. [any] rt
KrKernel *kr_op_kernel(const KrOp *op, KrElem elem, KrLevel level);
#endif

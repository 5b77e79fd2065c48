/// The manual of all operators, from the registry: `kairo ops` and docs/operators.md.
#ifndef KR_OPS_MANUAL_H
#define KR_OPS_MANUAL_H
#include "ops/op.h"

typedef enum KrManualFormat { KR_MANUAL_TEXT, KR_MANUAL_MARKDOWN, KR_MANUAL_JSON } KrManualFormat;

/// Puts every row a program can call, or those of `name` (NULL: all; infix operators only when
/// named), into `out`. False when there is no such name.
bool kr_registry_print(KrBuffer *out, const char *name, KrManualFormat format);
/// Whether the manual shows a picture of this row, docs/operators/NAME.png: it makes or changes a
/// scalar signal and is the first of its name.
bool kr_op_has_plot(const KrOp *op);
#endif

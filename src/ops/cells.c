// Fields known before the start: the same cells every tick.
#ifndef KR_PASS
#include "ops/kernel.h"
#include <string.h>

enum { FIELD_CELLS };
enum { PORT_VALUES, PORT_WIDTH, PORT_HEIGHT };
enum { MAX_SIDE = 1 << 14 };

#define KR_PASS 32
#include "ops/cells.c"
#undef KR_PASS
#define KR_PASS 64
#include "ops/cells.c"
#undef KR_PASS

static uint32_t side_of(const KrPortValue *port) {
  bool fits = port->value >= 1 && port->value <= MAX_SIDE;
  return fits && port->value == (double)(uint32_t)port->value ? (uint32_t)port->value : 0;
}

static KrStatus type_of_cells(const KrPrep *prep, KrType *type, const char **message) {
  uint32_t width = side_of(&prep->port[PORT_WIDTH]), height = side_of(&prep->port[PORT_HEIGHT]);
  *type = (KrType){prep->elem, KR_SHAPE_FIELD, {width, height, 1}};
  *message = "width and height must be whole, 1 to 16384";
  if (width == 0 || height == 0) return KR_ERROR_ARGUMENT;
  const KrPortValue *values = &prep->port[PORT_VALUES];
  uint64_t n = (uint64_t)values->n_points * values->n_columns;
  if (n == 1 || n == (uint64_t)width * height) return KR_OK;
  *message = "as many values are needed as the field has cells, or one for all";
  return KR_ERROR_ARGUMENT;
}

static uint64_t count_cells(const KrPrep *prep, uint32_t field) {
  (void)field;
  return kr_type_count(&prep->type);
}

static KrStatus prepare_cells(const KrPrep *prep, const char **message) {
  (void)message;
  const KrPortValue *values = &prep->port[PORT_VALUES];
  uint64_t n = kr_type_count(&prep->type),
           n_values = (uint64_t)values->n_points * values->n_columns;
  for (uint64_t i = 0; i < n; i++)
    kr_prep_put(prep, FIELD_CELLS, i, values->points[n_values == 1 ? 0 : i]);
  return KR_OK;
}

static const KrOp OPS[] = {
    {.name = "field.cells",
     .family = "fields",
     .run = RUN_REAL(cells),
     .in = {{"values", KR_PORT_POINTS, NULL, NULL, NULL, NULL,
             "one for every cell, x fastest, or one"},
            SETTING("width", "", NULL, "1..16384", "cells in a row"),
            SETTING("height", "", "1", "1..16384", "rows")},
     .field = {COEF("cells", CALL, 0)},
     .type = type_of_cells,
     .count = count_cells,
     .prepare = prepare_cells,
     .doc = "A field of known values; zeros, ones, fill and from_fn make one"},
};
KR_FAMILY_DEFINE(cells, "fields of known values");

#else
#include "ops/pass.h"

static void FN(cells)(const KrCall *call) {
  size_t n = (size_t)kr_type_count(call->type);
  REAL *out = call->out[0];
  for (uint32_t t = 0; t < call->n; t++)
    memcpy(out + t * n, call->field[FIELD_CELLS], n * sizeof *out);
}
#endif

// Fields: the boundary step, the heat step, and numbers out of a field.
#ifndef KR_PASS
#include "field/heat.h"
#include "math/sum.h"
#include "ops/kernel.h"
#include <string.h>

enum { FIELD_RULE, FIELD_VALUE, FIELD_MODE };
enum { FIELD_C };
enum { PORT_DX = 1, PORT_X0 = 2, PORT_MODE = 10 };

#define KR_PASS 32
#include "ops/fields.c"
#undef KR_PASS
#define KR_PASS 64
#include "ops/fields.c"
#undef KR_PASS

static KrStatus refuse(const char **message, const char *text) {
  *message = text;
  return KR_ERROR_ARGUMENT;
}

// A field of one or two dimensions at port 0.
static KrStatus check_field(const KrPrep *prep, const char **message) {
  const KrType *type = &prep->port[0].type;
  if (prep->port[0].kind != KR_VALUE_STREAM || type->shape != KR_SHAPE_FIELD)
    return refuse(message, "a field is needed here");
  if (type->dim[2] > 1) return refuse(message, "fields of three dimensions are not available yet");
  return KR_OK;
}

static KrStatus type_of_extended(const KrPrep *prep, KrType *type, const char **message) {
  KR_TRY(check_field(prep, message));
  *type = prep->port[0].type;
  if (type->dim[0] > UINT32_MAX - 2 || type->dim[1] > UINT32_MAX - 2)
    return refuse(message, "the field is too large");
  type->dim[0] += 2;
  if (type->dim[1] > 1) type->dim[1] += 2;
  return KR_OK;
}
static KrStatus type_of_same(const KrPrep *prep, KrType *type, const char **message) {
  KR_TRY(check_field(prep, message));
  *type = prep->port[0].type;
  return KR_OK;
}
static KrStatus type_of_inner(const KrPrep *prep, KrType *type, const char **message) {
  KR_TRY(check_field(prep, message));
  *type = prep->port[0].type;
  if (type->dim[0] < 3 || type->dim[1] == 2)
    return refuse(message, "a heat step wants a field with its ghost cells");
  type->dim[0] -= 2;
  if (type->dim[1] > 1) type->dim[1] -= 2;
  return KR_OK;
}
static KrStatus type_of_number(const KrPrep *prep, KrType *type, const char **message) {
  if (prep->port[0].type.shape != KR_SHAPE_VECTOR) KR_TRY(check_field(prep, message));
  *type = KR_TYPE_SCALAR(prep->port[0].type.elem);
  return KR_OK;
}

static KrStatus prepare_boundary(const KrPrep *prep, const char **message) {
  double dx = prep->port[PORT_DX].value;
  if (!(dx > 0 && dx < 1e300)) return refuse(message, "dx must be above 0");
  uint32_t periodic = 0;
  for (uint32_t face = 0; face < KR_N_FACES; face++) {
    const KrPortValue *rule = &prep->port[PORT_X0 + 2 * face];
    FIELD_AT(prep, FIELD_RULE, uint8_t)[face * prep->lanes] = (uint8_t)rule->choice;
    double value = rule[1].value;
    if (rule->choice == KR_FACE_NEUMANN) value *= dx;
    kr_prep_put(prep, FIELD_VALUE, face, value);
    periodic |= (uint32_t)(rule->choice == KR_FACE_PERIODIC) << face;
  }
  if ((periodic & 3) == 1 || (periodic & 3) == 2 || (periodic >> 2) == 1 || (periodic >> 2) == 2)
    return refuse(message, "contradictory boundary: periodic at one face wants it at the opposite");
  FIELD_AT(prep, FIELD_MODE, uint8_t)[0] = (uint8_t)prep->port[PORT_MODE].choice;
  return KR_OK;
}

static KrStatus prepare_heat(const KrPrep *prep, const char **message) {
  double alpha = prep->port[1].value, dx = prep->port[2].value;
  double dt = (double)prep->dt.num / (double)prep->dt.den;
  if (!(alpha >= 0 && alpha < 1e300)) return refuse(message, "alpha must be 0 or more");
  if (!(dx > 0 && dx < 1e300)) return refuse(message, "dx must be above 0");
  double c = alpha * dt / (dx * dx);
  uint32_t n_dims = prep->port[0].type.dim[1] > 1 ? 2 : 1;
  // A hair above the limit is what rounding makes of the limit itself.
  if (!(c * (2 * n_dims) <= 1 + 1e-12)) {
    *message = kr_text_print(prep->arena,
                             "the explicit heat step is unstable: the largest stable dt is %g s",
                             kr_field_heat_limit(alpha, dx, n_dims));
    return KR_ERROR_ARGUMENT;
  }
  kr_prep_put(prep, FIELD_C, 0, c);
  return KR_OK;
}

#define RULES "reflect|dirichlet|neumann|periodic|outflow"
#define FACE(name, place)                                                                          \
  CHOICE(name, "reflect", RULES, "rule " place),                                                   \
      SETTING(name "_value", NULL, "0", NULL, "value of dirichlet, outward slope of neumann")
#define DX SETTING("dx", NULL, "1", "above 0", "size of a cell")
#define BOUNDARY_PORTS                                                                             \
  PORT("field", FIELD, "cells"), DX, FACE("x0", "left"), FACE("x1", "right"),                      \
      FACE("y0", "at the first row"), FACE("y1", "at the last row")
#define BOUNDARY_FIELDS                                                                            \
  .field = {COEF("rule", BOOL, KR_N_FACES), COEF("value", CALL, KR_N_FACES),                       \
            COEF("mode", BOOL, 1)},                                                                \
  .prepare = prepare_boundary
#define SOLVERS .family = "solvers"
#define FIELDS .family = "fields"
static const KrOp OPS[] = {
    {.name = "solver.heat",
     SOLVERS,
     .core = KR_CORE_LIST,
     .in = {PORT("init", ANY, "the field at tick 0"),
            SETTING("alpha", NULL, "1", "0..", "diffusivity"), DX},
     .doc =
         "Heat flow in one or two dimensions: each tick solver.boundary by the boundary contract, "
         "then solver.heat_step"},
    {.name = "solver.declare_contract",
     SOLVERS,
     .core = KR_CORE_LIST,
     .in = {PORT("contract", ANY, "BoundaryContract{apply, mode, x0, x1, y0, y1}")},
     .doc = "How every solver treats its faces; solver.NAME.declare_contract: one solver"},
    {.name = "solver.boundary",
     SOLVERS,
     .run = RUN_REAL(boundary),
     BOUNDARY_FIELDS,
     .in = {BOUNDARY_PORTS,
            CHOICE("mode", "ghost", "ghost|mirror", "stored cells or folded indices: same bits")},
     .type = type_of_extended,
     .doc = "The field with one layer of outer cells: dirichlet 2 v - u, neumann u + dx q, reflect "
            "and outflow u, periodic the opposite cell"},
    {.name = "solver.enforce",
     SOLVERS,
     .run = RUN_REAL(enforce),
     BOUNDARY_FIELDS,
     .in = {BOUNDARY_PORTS,
            CHOICE("mode", "ghost", "ghost|mirror", "taken as in solver.boundary; no difference")},
     .type = type_of_same,
     .doc =
         "The field with its own face cells set by the rules: dirichlet v, neumann the next cell "
         "+ dx q, reflect and outflow the next cell"},
    {.name = "solver.heat_step",
     SOLVERS,
     .run = RUN_REAL(heat_step),
     .in = {PORT("field", FIELD, "cells with their outer layer"),
            SETTING("alpha", NULL, "1", "0..", "diffusivity"), DX},
     .field = {COEF("c", CALL, 1)},
     .type = type_of_inner,
     .prepare = prepare_heat,
     .doc =
         "One explicit step of heat flow in one or two dimensions; the cells inside. Stable while "
         "alpha dt / dx^2 is at most 1/2 (1/4)"},
    {.name = "at",
     FIELDS,
     .run = RUN_REAL(at),
     .in = {PORT("field", FIELD, "cells"),
            PORT("i", INT, "column from 0, limited to the field"),
            {"j", KR_PORT_INT, "", "0", NULL, NULL, "row from 0, limited to the field"}},
     .type = type_of_number,
     .doc = "Value of one cell"},
    {.name = "sum",
     FIELDS,
     .run = RUN_REAL(field_sum),
     .in = {PORT("field", FIELD, "cells")},
     .type = type_of_number,
     .doc = "Sum of all cells in the fixed order of sums"},
    {.name = "mean",
     FIELDS,
     .run = RUN_REAL(field_mean),
     .in = {PORT("field", FIELD, "cells")},
     .type = type_of_number,
     .doc = "Sum of all cells divided once by their number"},
};
KR_FAMILY_DEFINE(fields, "fields");

#else
#include "ops/pass.h"
#undef BOUNDARY
#if KR_PASS == 32
#define BOUNDARY KrBoundaryF32
#else
#define BOUNDARY KrBoundaryF64
#endif

static BOUNDARY FN(read_boundary)(const KrCall *call) {
  BOUNDARY boundary;
  const uint8_t *rules = call->field[FIELD_RULE], *mode = call->field[FIELD_MODE];
  const REAL *values = call->field[FIELD_VALUE];
  for (uint32_t face = 0; face < KR_N_FACES; face++) {
    boundary.rule[face] = (KrFaceRule)rules[face];
    boundary.value[face] = values[face];
  }
  boundary.mode = (KrBoundaryMode)mode[0];
  return boundary;
}

// Cells of input 0 at tick t.
static const REAL *FN(cells_at)(const KrCall *call, uint32_t t) {
  return (const REAL *)call->in[0] +
         kr_call_stride(call, 0) * t * (size_t)kr_type_count(&call->in_type[0]);
}

static void FN(boundary)(const KrCall *call) {
  BOUNDARY boundary = FN(read_boundary)(call);
  REAL *out = call->out[0];
  const KrType *type = &call->in_type[0];
  for (uint32_t t = 0; t < call->n; t++, out += kr_type_count(call->type))
    FN(kr_field_extend)(&boundary, FN(cells_at)(call, t), type->dim[0], type->dim[1], out);
}

static void FN(enforce)(const KrCall *call) {
  BOUNDARY boundary = FN(read_boundary)(call);
  REAL *out = call->out[0];
  size_t n = (size_t)kr_type_count(call->type);
  for (uint32_t t = 0; t < call->n; t++, out += n) {
    memcpy(out, FN(cells_at)(call, t), n * sizeof *out);
    FN(kr_field_enforce)(&boundary, call->type->dim[0], call->type->dim[1], out);
  }
}

static void FN(heat_step)(const KrCall *call) {
  const REAL *c = call->field[FIELD_C];
  REAL *out = call->out[0];
  for (uint32_t t = 0; t < call->n; t++, out += kr_type_count(call->type))
    FN(kr_field_heat)(c[0], FN(cells_at)(call, t), call->type->dim[0], call->type->dim[1], out);
}

static size_t FN(index_at)(const KrCall *call, uint32_t input, uint32_t t, uint32_t n) {
  int64_t index = ((const int64_t *)call->in[input])[t * kr_call_stride(call, input)];
  index = index > 0 ? index : 0;
  return (size_t)(index < (int64_t)n ? index : (int64_t)n - 1);
}
static void FN(at)(const KrCall *call) {
  const KrType *type = &call->in_type[0];
  REAL *out = call->out[0];
  for (uint32_t t = 0; t < call->n; t++) {
    size_t i = FN(index_at)(call, 1, t, type->dim[0]), j = FN(index_at)(call, 2, t, type->dim[1]);
    out[t] = FN(cells_at)(call, t)[j * type->dim[0] + i];
  }
}

static void FN(field_sum)(const KrCall *call) {
  REAL *out = call->out[0];
  size_t n = (size_t)kr_type_count(&call->in_type[0]);
  for (uint32_t t = 0; t < call->n; t++) out[t] = FN(kr_sum)(FN(cells_at)(call, t), n, 1);
}
static void FN(field_mean)(const KrCall *call) {
  REAL *out = call->out[0];
  size_t n = (size_t)kr_type_count(&call->in_type[0]);
  FN(field_sum)(call);
  for (uint32_t t = 0; t < call->n; t++) out[t] /= (REAL)n;
}
#endif

// What can be said of types and rows without looking into a family.
#include "ops/op.h"

const char *kr_elem_text(KrElem elem) {
#define ELEM_TEXT(name, text, type) text,
  static const char *const texts[KR_N_ELEMS] = {KR_ELEM_LIST(ELEM_TEXT)};
#undef ELEM_TEXT
  return texts[elem];
}

// UINT64_MAX stands for every product that does not fit.
static uint64_t multiply(uint64_t a, uint64_t b) {
  return b != 0 && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

uint64_t kr_type_count(const KrType *type) {
  switch (type->shape) {
  case KR_SHAPE_SCALAR: return 1;
  case KR_SHAPE_VECTOR: return type->dim[0];
  case KR_SHAPE_SPECTRUM: return 2 * (uint64_t)type->dim[0];
  case KR_SHAPE_IMAGE: return multiply(4 * (uint64_t)type->dim[0], type->dim[1]);
  case KR_SHAPE_FIELD: return multiply(multiply(type->dim[0], type->dim[1]), type->dim[2]);
  }
  return 1;
}

uint64_t kr_type_bytes(const KrType *type) {
  return multiply(kr_type_count(type), kr_elem_bytes(type->elem));
}

static uint32_t dimensions(KrShape shape) {
  switch (shape) {
  case KR_SHAPE_SCALAR: return 0;
  case KR_SHAPE_VECTOR: return 1;
  case KR_SHAPE_SPECTRUM:
  case KR_SHAPE_IMAGE: return 2;
  case KR_SHAPE_FIELD: return 3;
  }
  return 0;
}

bool kr_type_equal(const KrType *a, const KrType *b) {
  if (a->elem != b->elem || a->shape != b->shape) return false;
  for (uint32_t i = 0; i < dimensions(a->shape); i++)
    if (a->dim[i] != b->dim[i]) return false;
  return true;
}

uint32_t kr_op_ports(const KrOp *op) {
  uint32_t n = 0;
  while (n < KR_MAX_PORTS && op->in[n].name != NULL) n++;
  return n;
}

uint32_t kr_op_fields(const KrOp *op) {
  uint32_t n = 0;
  while (n < KR_MAX_FIELDS && op->field[n].name != NULL) n++;
  return n;
}

uint32_t kr_op_outs(const KrOp *op) {
  uint32_t n = 0;
  while (n < KR_MAX_OUTS && op->out[n] != NULL) n++;
  return n == 0 ? 1 : n;
}

uint32_t kr_op_inputs(const KrOp *op, uint32_t port) {
  switch (op->in[port].kind) {
  case KR_PORT_GATE: return 4;
  case KR_PORT_CONST:
  case KR_PORT_CHOICE:
  case KR_PORT_TEXT:
  case KR_PORT_POINTS:
  case KR_PORT_ASSET: return 0;
  default: return 1;
  }
}

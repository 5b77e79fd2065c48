/// Fields of cells, x fastest, and what an explicit heat solver does to them: ghost cells by face
/// rules, one step, face rules enforced on a result. All: [any] rt exact.
#ifndef KR_FIELD_HEAT_H
#define KR_FIELD_HEAT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// What lies beyond a face; u0 is the cell at the face, q the derivative along the outward normal.
typedef enum KrFaceRule {
  KR_FACE_REFLECT,   ///< u0
  KR_FACE_DIRICHLET, ///< 2 v - u0: the face has the value v
  KR_FACE_NEUMANN,   ///< u0 + h q
  KR_FACE_PERIODIC,  ///< the cell at the opposite face
  KR_FACE_OUTFLOW    ///< u0
} KrFaceRule;
typedef enum KrBoundaryMode {
  KR_BOUNDARY_GHOST, ///< fills a layer of cells: x faces, then y faces on the extended rows
  KR_BOUNDARY_MIRROR ///< finds each outer cell by folding its index; the same bits
} KrBoundaryMode;
enum { KR_FACE_X0, KR_FACE_X1, KR_FACE_Y0, KR_FACE_Y1, KR_N_FACES };

#define KR_FIELD_DECLARE(real, f, Boundary)                                                        \
  typedef struct Boundary {                                                                        \
    KrFaceRule rule[KR_N_FACES];                                                                   \
    real value[KR_N_FACES]; /* v of dirichlet, h q of neumann */                                   \
    KrBoundaryMode mode;                                                                           \
  } Boundary;                                                                                      \
  /* nx x ny cells to (nx + 2) x (ny + 2); ny = 1: to (nx + 2) x 1, y faces unused. */             \
  void kr_field_extend_##f(const Boundary *boundary, const real *in, uint32_t nx, uint32_t ny,     \
                           real *out);                                                             \
  /* Cells at the faces take what the rule says of the field itself: v, or the next cell inside    \
     (+ h q for neumann); periodic leaves them. x faces, then y faces. */                          \
  void kr_field_enforce_##f(const Boundary *boundary, uint32_t nx, uint32_t ny, real *cells);      \
  /* One explicit step u + c (laplacian sum) of nx x ny cells from the extended field;             \
     c = alpha dt / h^2. */                                                                        \
  void kr_field_heat_##f(real c, const real *extended, uint32_t nx, uint32_t ny, real *out);

KR_FIELD_DECLARE(float, f32, KrBoundaryF32)
KR_FIELD_DECLARE(double, f64, KrBoundaryF64)
#undef KR_FIELD_DECLARE

/// Greatest stable dt: h^2 / (2 alpha n_dims).
static inline double kr_field_heat_limit(double alpha, double h, uint32_t n_dims) {
  return h * h / (2 * alpha * n_dims);
}
#endif

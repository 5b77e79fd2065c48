// Ghost cells and the explicit heat step, for f32 and f64 from one text.
#ifndef KR_PASS
#include "field/heat.h"
#include <string.h>

#define KR_PASS 32
#include "field/heat.c"
#undef KR_PASS
#define KR_PASS 64
#include "field/heat.c"
#undef KR_PASS

#else
#undef REAL
#undef FN
#undef BOUNDARY
#if KR_PASS == 32
#define REAL float
#define FN(name) name##_f32
#define BOUNDARY KrBoundaryF32
#else
#define REAL double
#define FN(name) name##_f64
#define BOUNDARY KrBoundaryF64
#endif

// The cell beyond `face`: `near` at this face, `far` at the opposite one.
static inline REAL FN(beyond)(const BOUNDARY *boundary, int face, REAL near, REAL far) {
  switch (boundary->rule[face]) {
  case KR_FACE_DIRICHLET: return 2 * boundary->value[face] - near;
  case KR_FACE_NEUMANN: return near + boundary->value[face];
  case KR_FACE_PERIODIC: return far;
  default: return near;
  }
}

static void FN(extend_row)(const BOUNDARY *boundary, const REAL *in, uint32_t nx, REAL *out) {
  out[0] = FN(beyond)(boundary, KR_FACE_X0, in[0], in[nx - 1]);
  memcpy(out + 1, in, nx * sizeof *in);
  out[nx + 1] = FN(beyond)(boundary, KR_FACE_X1, in[nx - 1], in[0]);
}

static void FN(extend_ghost)(const BOUNDARY *boundary, const REAL *in, uint32_t nx, uint32_t ny,
                             REAL *out) {
  size_t width = (size_t)nx + 2;
  for (uint32_t j = 0; j < ny; j++)
    FN(extend_row)(boundary, in + (size_t)j * nx, nx, out + (j + 1) * width);
  const REAL *first = out + width, *last = out + ny * width;
  for (size_t i = 0; i < width; i++) {
    out[i] = FN(beyond)(boundary, KR_FACE_Y0, first[i], last[i]);
    out[(ny + 1) * width + i] = FN(beyond)(boundary, KR_FACE_Y1, last[i], first[i]);
  }
}

// Cell i (0..nx+1) of the extended row `row`.
static REAL FN(mirror_x)(const BOUNDARY *boundary, const REAL *row, uint32_t nx, uint32_t i) {
  if (i == 0) return FN(beyond)(boundary, KR_FACE_X0, row[0], row[nx - 1]);
  if (i == nx + 1) return FN(beyond)(boundary, KR_FACE_X1, row[nx - 1], row[0]);
  return row[i - 1];
}

static void FN(extend_mirror)(const BOUNDARY *boundary, const REAL *in, uint32_t nx, uint32_t ny,
                              REAL *out) {
  const REAL *first = in, *last = in + (size_t)(ny - 1) * nx;
  for (uint32_t j = 0; j < ny + 2; j++)
    for (uint32_t i = 0; i < nx + 2; i++) {
      REAL value;
      if (j == 0)
        value = FN(beyond)(boundary, KR_FACE_Y0, FN(mirror_x)(boundary, first, nx, i),
                           FN(mirror_x)(boundary, last, nx, i));
      else if (j == ny + 1)
        value = FN(beyond)(boundary, KR_FACE_Y1, FN(mirror_x)(boundary, last, nx, i),
                           FN(mirror_x)(boundary, first, nx, i));
      else
        value = FN(mirror_x)(boundary, in + (size_t)(j - 1) * nx, nx, i);
      out[(size_t)j * (nx + 2) + i] = value;
    }
}

void FN(kr_field_extend)(const BOUNDARY *boundary, const REAL *in, uint32_t nx, uint32_t ny,
                         REAL *out) {
  bool mirror = boundary->mode == KR_BOUNDARY_MIRROR;
  if (ny > 1 && mirror) {
    FN(extend_mirror)(boundary, in, nx, ny, out);
  } else if (ny > 1) {
    FN(extend_ghost)(boundary, in, nx, ny, out);
  } else if (mirror) {
    for (uint32_t i = 0; i < nx + 2; i++) out[i] = FN(mirror_x)(boundary, in, nx, i);
  } else {
    FN(extend_row)(boundary, in, nx, out);
  }
}

static inline REAL FN(enforced)(const BOUNDARY *boundary, int face, REAL edge, REAL inside) {
  switch (boundary->rule[face]) {
  case KR_FACE_DIRICHLET: return boundary->value[face];
  case KR_FACE_NEUMANN: return inside + boundary->value[face];
  case KR_FACE_PERIODIC: return edge;
  default: return inside;
  }
}

// `n` cells of a line, `stride` apart.
static void FN(enforce_line)(const BOUNDARY *boundary, int face, REAL *line, size_t n,
                             size_t stride) {
  REAL *first = line, *last = line + (n - 1) * stride;
  REAL low = FN(enforced)(boundary, face, *first, line[n > 1 ? stride : 0]);
  REAL high = FN(enforced)(boundary, face + 1, *last, line[n > 1 ? (n - 2) * stride : 0]);
  *first = low;
  *last = high;
}

void FN(kr_field_enforce)(const BOUNDARY *boundary, uint32_t nx, uint32_t ny, REAL *cells) {
  for (uint32_t j = 0; j < ny; j++)
    FN(enforce_line)(boundary, KR_FACE_X0, cells + (size_t)j * nx, nx, 1);
  if (ny == 1) return;
  for (uint32_t i = 0; i < nx; i++) FN(enforce_line)(boundary, KR_FACE_Y0, cells + i, ny, nx);
}

void FN(kr_field_heat)(REAL c, const REAL *extended, uint32_t nx, uint32_t ny, REAL *restrict out) {
  size_t width = (size_t)nx + 2;
  if (ny == 1) {
    for (uint32_t i = 0; i < nx; i++) {
      const REAL *u = extended + i + 1;
      out[i] = u[0] + c * ((u[-1] + u[1]) - 2 * u[0]);
    }
    return;
  }
  for (uint32_t j = 0; j < ny; j++)
    for (uint32_t i = 0; i < nx; i++) {
      const REAL *u = extended + (j + 1) * width + i + 1;
      REAL around = (u[-1] + u[1]) + (u[-(ptrdiff_t)width] + u[width]);
      out[(size_t)j * nx + i] = u[0] + c * (around - 4 * u[0]);
    }
}
#endif

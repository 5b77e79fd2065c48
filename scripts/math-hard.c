/// Tries every f32 input of one function, prints those whose correctly rounded result is not the
/// rounded f64 result as a table for src/math/hard_table.h, and on standard error what else
/// differs. scripts/math-hard NAME; built like a test (MPFR, src/math,
/// tests/unit/math_reference.h).
#include "math_reference.h"
#include <stdio.h>
#include <string.h>

// Could y, with an error of 3 units in the last place, round to two floats?
static bool is_near_middle(double y) {
  double slack = kr_f64_abs(y) * 0x1p-51 + 0x1p-1070;
  return (float)(y - slack) != (float)(y + slack);
}

static float round_exactly(const Reference *r, float input, mpfr_t x, mpfr_t y) {
  mpfr_set_flt(x, input, MPFR_RNDN);
  r->exact(y, x, MPFR_RNDN);
  return mpfr_get_flt(y, MPFR_RNDN);
}

static void sweep(const Reference *r) {
  mpfr_t x, y;
  mpfr_init2(x, 24);
  mpfr_init2(y, 130);
  unsigned n_near = 0, n_hard = 0;
  uint32_t last = r->symmetry ? UINT32_C(0x7f800000) : UINT32_MAX;
  printf("static const Hard HARD_%s[] = {", r->name);
  for (uint64_t bits = 0; bits <= last; bits++) {
    float input = kr_f32_from_bits((uint32_t)bits);
    double got = r->f64((double)input);
    if (got - got != 0 || !is_near_middle(got)) continue;
    n_near++;
    float want = round_exactly(r, input, x, y);
    if (want != (float)got) {
      printf("{0x%08x, 0x%08x},%s", (unsigned)bits, kr_f32_to_bits(want),
             n_hard % 4 == 3 ? "\n" : " ");
      n_hard++;
    }
  }
  printf("{UINT32_MAX, 0}};\n");
  fprintf(stderr, "%s: %u near a middle, %u hard\n", r->name, n_near, n_hard);
}

int main(int argc, char **argv) {
  for (int i = 0; i < N_REFERENCES; i++)
    if (argc < 2 || !strcmp(argv[1], REFERENCES[i].name)) {
      sweep(&REFERENCES[i]);
      fflush(stdout);
    }
}

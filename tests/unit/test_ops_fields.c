// Boundary rules cell by cell, the heat step against its closed form, numbers out of a field.
#include "op_rig.h"

#include <math.h>

#include "field/heat.h"

static const double pi = 3.14159265358979323846;

static void init_field_row(Rig *rig, const char *name, KrElem elem, uint32_t nx, uint32_t ny) {
  rig_init_op(rig, kr_registry_find(kr_text_from(name), 0), elem, 1);
  if (rig->op->in[0].kind != KR_PORT_FIELD) {
    for (uint32_t i = 1; rig->op->in[0].kind != KR_PORT_FIELD; i++)
      rig_init_op(rig, kr_registry_find(kr_text_from(name), i), elem, 1);
  }
  rig->port[0] = rig_stream((KrType){elem, KR_SHAPE_FIELD, {nx, ny, 1}});
}
static void set_face(Rig *rig, const char *face, const char *rule, double value) {
  char value_name[16];
  rig_port(rig, face)->choice = rig_choice(&rig->op->in[2], rule);
  snprintf(value_name, sizeof value_name, "%s_value", face);
  rig_port(rig, value_name)->value = value;
}
static void run_once(Rig *rig, const void *in, void *out) {
  const void *from[3] = {in};
  void *to[1] = {out};
  rig_run(rig, 0, 1, 0, from, to);
}

static void every_face_rule_fills_its_ghost_cell(void **state) {
  (void)state;
  const double u[4] = {1, 2, 4, 8};
  const struct {
    const char *rule;
    double value, left, right;
  } cases[] = {{"reflect", 0, 1, 8},
               {"outflow", 0, 1, 8},
               {"periodic", 0, 8, 1},
               {"dirichlet", 10, 19, 12},
               {"neumann", 3, 1 + 0.5 * 3, 8 + 0.5 * 3}};
  for (int mode = 0; mode < 2; mode++)
    for (int k = 0; k < 5; k++) {
      Rig rig;
      double out[6];
      init_field_row(&rig, "solver.boundary", KR_ELEM_F64, 4, 1);
      rig_port(&rig, "dx")->value = 0.5;
      rig_port(&rig, "mode")->choice = (uint32_t)mode;
      set_face(&rig, "x0", cases[k].rule, cases[k].value);
      set_face(&rig, "x1", cases[k].rule, cases[k].value);
      assert_int_equal(rig_prepare(&rig, 0), KR_OK);
      assert_int_equal(rig.type.dim[0], 6);
      assert_int_equal(rig.type.dim[1], 1);
      run_once(&rig, u, out);
      assert_true(out[0] == cases[k].left && out[5] == cases[k].right);
      assert_memory_equal(out + 1, u, sizeof u);
      rig_deinit(&rig);
    }
}

static void corners_take_the_y_rule_of_the_extended_row(void **state) {
  (void)state;
  const double u[6] = {1, 2, 3, 4, 5, 6}; // 3 x 2
  Rig rig;
  double out[20];
  init_field_row(&rig, "solver.boundary", KR_ELEM_F64, 3, 2);
  set_face(&rig, "x0", "dirichlet", 0);
  set_face(&rig, "x1", "reflect", 0);
  set_face(&rig, "y0", "dirichlet", 10);
  set_face(&rig, "y1", "reflect", 0);
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  run_once(&rig, u, out);
  const double expected[20] = {21, 19, 18, 17, 17, -1, 1, 2, 3, 3, -4, 4, 5, 6, 6, -4, 4, 5, 6, 6};
  assert_memory_equal(out, expected, sizeof out);
  rig_deinit(&rig);
}

static void ghost_and_mirror_give_the_same_bits(void **state) {
  (void)state;
  static const char *const rules[] = {"reflect", "dirichlet", "neumann", "periodic", "outflow"};
  uint64_t seed = 8;
  for (int k = 0; k < 200; k++) {
    uint32_t nx = 1 + (uint32_t)(rig_random(&seed) % 9), ny = 1 + (uint32_t)(rig_random(&seed) % 7);
    double u[63], out[2][11 * 9];
    for (int i = 0; i < 63; i++) u[i] = rig_uniform(&seed, -1, 1);
    uint64_t again = seed;
    for (int mode = 0; mode < 2; mode++) {
      Rig rig;
      seed = again;
      init_field_row(&rig, "solver.boundary", KR_ELEM_F64, nx, ny);
      rig_port(&rig, "mode")->choice = (uint32_t)mode;
      for (int axis = 0; axis < 2; axis++) {
        const char *a = rules[rig_random(&seed) % 5], *b = rules[rig_random(&seed) % 5];
        bool periodic = strcmp(a, "periodic") == 0 || strcmp(b, "periodic") == 0;
        if (periodic) a = b = "periodic";
        set_face(&rig, axis == 0 ? "x0" : "y0", a, rig_uniform(&seed, -2, 2));
        set_face(&rig, axis == 0 ? "x1" : "y1", b, rig_uniform(&seed, -2, 2));
      }
      assert_int_equal(rig_prepare(&rig, 0), KR_OK);
      memset(out[mode], 0, sizeof out[mode]);
      run_once(&rig, u, out[mode]);
      rig_deinit(&rig);
    }
    assert_memory_equal(out[0], out[1], sizeof out[0]);
  }
}

static void contradictory_faces_are_refused(void **state) {
  (void)state;
  Rig rig;
  init_field_row(&rig, "solver.boundary", KR_ELEM_F64, 4, 4);
  set_face(&rig, "x0", "periodic", 0);
  assert_int_equal(rig_prepare(&rig, 0), KR_ERROR_ARGUMENT);
  assert_non_null(rig.message);
  rig_deinit(&rig);
}

static void enforce_sets_the_cells_at_the_faces(void **state) {
  (void)state;
  const double u[4] = {1, 2, 4, 8};
  const struct {
    const char *rule;
    double value, left, right;
  } cases[] = {{"reflect", 0, 2, 4},
               {"periodic", 0, 1, 8},
               {"dirichlet", 10, 10, 10},
               {"neumann", 3, 3.5, 5.5}};
  for (int k = 0; k < 4; k++) {
    Rig rig;
    double out[4];
    init_field_row(&rig, "solver.enforce", KR_ELEM_F64, 4, 1);
    rig_port(&rig, "dx")->value = 0.5;
    set_face(&rig, "x0", cases[k].rule, cases[k].value);
    set_face(&rig, "x1", cases[k].rule, cases[k].value);
    assert_int_equal(rig_prepare(&rig, 0), KR_OK);
    run_once(&rig, u, out);
    assert_true(out[0] == cases[k].left && out[3] == cases[k].right);
    assert_true(out[1] == 2 && out[2] == 4);
    rig_deinit(&rig);
  }
}

// One mode of cosines under reflecting walls decays by 1 - 4 c sin^2(pi m / 2 n) a step and axis.
static void heat_modes_decay_by_their_factor(void **state) {
  (void)state;
  for (uint32_t ny = 1; ny <= 12; ny += 11) {
    const uint32_t nx = 16;
    Rig walls, step;
    double u[16 * 12], wide[18 * 14], start[16 * 12];
    init_field_row(&walls, "solver.boundary", KR_ELEM_F64, nx, ny);
    assert_int_equal(rig_prepare(&walls, 0), KR_OK);
    init_field_row(&step, "solver.heat_step", KR_ELEM_F64, nx + 2, ny > 1 ? ny + 2 : 1);
    step.dt = (KrRatio){1, 100};
    rig_port(&step, "alpha")->value = 0.2;
    rig_port(&step, "dx")->value = 0.1;
    assert_int_equal(rig_prepare(&step, 0), KR_OK);
    assert_int_equal(step.type.dim[0], nx);
    assert_int_equal(step.type.dim[1], ny);
    double c = 0.2 * 0.01 / 0.01;
    double factor = 1 - 4 * c * pow(sin(pi * 3 / (2 * nx)), 2);
    if (ny > 1) factor -= 4 * c * pow(sin(pi * 2 / (2 * ny)), 2);
    for (uint32_t j = 0; j < ny; j++)
      for (uint32_t i = 0; i < nx; i++)
        u[j * nx + i] = start[j * nx + i] =
            cos(pi * 3 * (i + 0.5) / nx) * (ny > 1 ? cos(pi * 2 * (j + 0.5) / ny) : 1);
    for (int n = 0; n < 50; n++) {
      run_once(&walls, u, wide);
      run_once(&step, wide, u);
    }
    for (uint32_t i = 0; i < nx * ny; i++)
      assert_true(fabs(u[i] - start[i] * pow(factor, 50)) < 1e-12);
    rig_deinit(&walls);
    rig_deinit(&step);
  }
}

static void an_unstable_step_is_refused_with_the_largest_stable_dt(void **state) {
  (void)state;
  Rig rig;
  init_field_row(&rig, "solver.heat_step", KR_ELEM_F64, 10, 10);
  rig.dt = (KrRatio){1, 10};
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  rig_deinit(&rig);
  init_field_row(&rig, "solver.heat_step", KR_ELEM_F64, 10, 10);
  rig.dt = (KrRatio){1, 3};
  assert_int_equal(rig_prepare(&rig, 0), KR_ERROR_ARGUMENT);
  assert_non_null(strstr(rig.message, "0.25 s"));
  rig_deinit(&rig);
  init_field_row(&rig, "solver.heat_step", KR_ELEM_F64, 10, 1);
  rig.dt = (KrRatio){1, 2}; // exactly the limit
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  rig_deinit(&rig);
}

static void numbers_are_read_from_a_field(void **state) {
  (void)state;
  double u[12], sum = 0;
  for (int i = 0; i < 12; i++) u[i] = i * i, sum += u[i];
  Rig rig;
  double out;
  init_field_row(&rig, "at", KR_ELEM_F64, 4, 3);
  rig.port[1].type = rig.port[2].type = KR_TYPE_SCALAR(KR_ELEM_I64);
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  const int64_t is[] = {0, 3, 2, 99, -5}, js[] = {0, 2, 1, 1, 9};
  const double expected[] = {0, 121, 36, 49, 64};
  for (int k = 0; k < 5; k++) {
    const void *in[3] = {u, &is[k], &js[k]};
    void *to[1] = {&out};
    rig_run(&rig, 0, 1, 0, in, to);
    assert_true(out == expected[k]);
  }
  rig_deinit(&rig);
  init_field_row(&rig, "sum", KR_ELEM_F64, 4, 3);
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  run_once(&rig, u, &out);
  assert_true(out == sum);
  rig_deinit(&rig);
  init_field_row(&rig, "mean", KR_ELEM_F64, 4, 3);
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  run_once(&rig, u, &out);
  assert_true(out == sum / 12);
  rig_deinit(&rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_face_rule_fills_its_ghost_cell),
      cmocka_unit_test(corners_take_the_y_rule_of_the_extended_row),
      cmocka_unit_test(ghost_and_mirror_give_the_same_bits),
      cmocka_unit_test(contradictory_faces_are_refused),
      cmocka_unit_test(enforce_sets_the_cells_at_the_faces),
      cmocka_unit_test(heat_modes_decay_by_their_factor),
      cmocka_unit_test(an_unstable_step_is_refused_with_the_largest_stable_dt),
      cmocka_unit_test(numbers_are_read_from_a_field),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

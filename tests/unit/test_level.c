// Vector levels: their names, what is supported, and that every kernel exists at each.
#include "op_rig.h"

static void names_are_found_again_and_others_are_not(void **state) {
  (void)state;
  for (int i = 0; i < KR_N_LEVELS; i++) {
    KrLevel level = KR_N_LEVELS;
    assert_true(kr_level_find(kr_level_text((KrLevel)i), &level));
    assert_int_equal(level, i);
  }
  KrLevel level;
  static const char *const others[] = {"", "v", "v5", "V3", "v3 ", "avx2", "gen"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    assert_false(kr_level_find(others[i], &level));
}

static void generic_and_the_best_level_are_supported(void **state) {
  (void)state;
  assert_true(kr_level_is_supported(KR_LEVEL_GENERIC));
  assert_true(kr_level_is_supported(kr_level_best()));
  assert_int_not_equal(kr_level_best(), KR_LEVEL_BEST);
  for (int i = (int)kr_level_best() + 1; i < KR_N_LEVELS; i++)
    assert_false(kr_level_is_supported((KrLevel)i));
}

// Rows of families that are compiled once a level have a kernel of their own at each.
static void every_kernel_of_a_level_is_its_own(void **state) {
  (void)state;
  uint32_t n_families, n_own = 0;
  const KrFamily *families = kr_registry_families(&n_families);
  for (uint32_t f = 0; f < n_families; f++)
    for (uint32_t i = 0; i < families[f].n; i++)
      for (int elem = 0; elem < KR_N_ELEMS; elem++) {
        const KrOp *op = &families[f].ops[i];
        KrKernel *generic = kr_op_kernel(op, (KrElem)elem, KR_LEVEL_GENERIC);
        assert_true(generic == op->run[elem]);
        for (int level = KR_LEVEL_BASELINE; level < KR_N_LEVELS; level++) {
          if (!kr_level_is_supported((KrLevel)level)) continue;
          KrKernel *kernel = kr_op_kernel(op, (KrElem)elem, (KrLevel)level);
          assert_true((kernel == NULL) == (generic == NULL));
          n_own += kernel != generic;
          if (generic != NULL && kernel == generic && strcmp(families[f].name, "fields") != 0 &&
              strcmp(families[f].name, "fields of known values") != 0 &&
              strcmp(families[f].name, "pictures") != 0)
            fail_msg("%s %s has no kernel at %s", op->name, kr_elem_text((KrElem)elem),
                     kr_level_text((KrLevel)level));
        }
      }
  assert_true(n_own > 0 || kr_level_best() == KR_LEVEL_GENERIC);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_are_found_again_and_others_are_not),
      cmocka_unit_test(generic_and_the_best_level_are_supported),
      cmocka_unit_test(every_kernel_of_a_level_is_its_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

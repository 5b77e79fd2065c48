// The registry says what programs, planner and manual need: complete rows, found by name.
#include "op_rig.h"

#include "base/number.h"

static void for_rows(void (*check)(const KrOp *op)) {
  uint32_t n;
  const KrFamily *families = kr_registry_families(&n);
  assert_true(n > 5);
  for (uint32_t f = 0; f < n; f++)
    for (uint32_t i = 0; i < families[f].n; i++) check(&families[f].ops[i]);
}

static bool word_is_a_choice(const char *choices, const char *word) {
  size_t n = strlen(word);
  for (const char *c = choices; *c != 0;) {
    size_t length = strcspn(c, "|");
    if (length == n && memcmp(c, word, n) == 0) return true;
    c += length + (c[length] == '|');
  }
  return false;
}

// Names of a row, to fail with.
static bool names_a_port_before(const KrOp *op, const KrPort *port) {
  for (const KrPort *other = op->in; other < port; other++)
    if (strcmp(other->name, port->preset) == 0) return true;
  return false;
}
static void check_port(const KrOp *op, const KrPort *port) {
  if (port->doc == NULL || port->doc[0] == 0)
    fail_msg("%s %s has no explanation", op->name, port->name);
  if (port->kind == KR_PORT_CHOICE) {
    if (port->choices == NULL) fail_msg("%s %s has no choices", op->name, port->name);
    if (port->preset != NULL && !word_is_a_choice(port->choices, port->preset))
      fail_msg("%s %s: %s is none of %s", op->name, port->name, port->preset, port->choices);
  }
  bool number = port->kind == KR_PORT_SIGNAL || port->kind == KR_PORT_CONST;
  if (!number || port->preset == NULL || op->core != KR_CORE_NONE) return;
  if (names_a_port_before(op, port)) return;
  if (port->choices != NULL && word_is_a_choice(port->choices, port->preset)) return;
  bool exact;
  int64_t num, den;
  double value;
  const char *digits = port->preset + (port->preset[0] == '-');
  size_t n = strspn(digits, "0123456789.");
  if (!kr_number_parse((KrText){digits, n}, &exact, &num, &den, &value))
    fail_msg("%s %s: preset %s is no number", op->name, port->name, port->preset);
}

static void check_row(const KrOp *op) {
  if (op->doc == NULL || op->family == NULL) fail_msg("%s lacks doc or family", op->name);
  size_t n = strlen(op->doc);
  if (n == 0 || op->doc[n - 1] == '.') fail_msg("%s: the sentence ends with its point", op->name);
  bool runs = false;
  for (int elem = 0; elem < KR_N_ELEMS; elem++) runs |= op->run[elem] != NULL;
  if (runs == (op->core != KR_CORE_NONE && op->core != KR_CORE_FFT))
    fail_msg("%s has a kernel and is the scheduler's, or neither", op->name);
  uint32_t n_inputs = 0;
  bool needs = true;
  for (uint32_t i = 0; i < kr_op_ports(op); i++) {
    check_port(op, &op->in[i]);
    n_inputs += kr_op_inputs(op, i);
    if (op->in[i].preset == NULL && !needs && op->in[i].kind != KR_PORT_POINTS)
      fail_msg("%s %s must be given but follows one that need not", op->name, op->in[i].name);
    needs &= op->in[i].preset == NULL;
  }
  assert_true(n_inputs <= 64);
  for (uint32_t f = 0; f < kr_op_fields(op); f++)
    if (op->field[f].count == 0 && op->count == NULL)
      fail_msg("%s: field %s has no count", op->name, op->field[f].name);
  bool found = false;
  const KrOp *row;
  for (uint32_t k = 0; (row = kr_registry_find(kr_text_from(op->name), k)) != NULL; k++)
    found |= row == op;
  if (!found) fail_msg("%s is not found by its name", op->name);
}
static void every_row_is_complete_and_found(void **state) {
  (void)state;
  for_rows(check_row);
}

static void rows_of_one_name_come_in_order_and_end(void **state) {
  (void)state;
  const KrOp *first = kr_registry_find(KR_TEXT("colorize"), 0);
  assert_int_equal(first->in[0].kind, KR_PORT_SPECTRUM);
  assert_int_equal(kr_registry_find(KR_TEXT("colorize"), 1)->in[0].kind, KR_PORT_VECTOR);
  assert_int_equal(kr_registry_find(KR_TEXT("colorize"), 2)->in[0].kind, KR_PORT_FIELD);
  assert_null(kr_registry_find(KR_TEXT("colorize"), 3));
  assert_null(kr_registry_find(KR_TEXT("colorizer"), 0));
  assert_null(kr_registry_find((KrText){"", 0}, 0));
  assert_int_equal(kr_registry_find(KR_TEXT("min"), 0)->core, KR_CORE_NONE);
}

static void a_near_name_is_suggested_and_a_far_one_not(void **state) {
  (void)state;
  assert_true(kr_text_is(kr_registry_near(KR_TEXT("sinus")), "sine"));
  assert_true(kr_text_is(kr_registry_near(KR_TEXT("lowpas")), "lowpass"));
  assert_true(kr_text_is(kr_registry_near(KR_TEXT("colourize")), "colorize"));
  assert_int_equal(kr_registry_near(KR_TEXT("quetzalcoatl")).n, 0);
  assert_int_equal(kr_registry_near(KR_TEXT("div_reel")).n, 0);
}

static void types_count_and_compare_by_their_dimensions(void **state) {
  (void)state;
  KrType scalar = KR_TYPE_SCALAR(KR_ELEM_F32);
  KrType image = {KR_ELEM_BOOL, KR_SHAPE_IMAGE, {4, 3, 1}},
         other = {KR_ELEM_BOOL, KR_SHAPE_IMAGE, {4, 3, 9}};
  KrType spectrum = {KR_ELEM_F64, KR_SHAPE_SPECTRUM, {513, 1024, 1}};
  KrType huge = {KR_ELEM_F64, KR_SHAPE_FIELD, {UINT32_MAX, UINT32_MAX, UINT32_MAX}};
  assert_int_equal(kr_type_bytes(&scalar), 4);
  assert_int_equal(kr_type_bytes(&image), 48);
  assert_int_equal(kr_type_bytes(&spectrum), 513 * 16);
  assert_true(kr_type_bytes(&huge) == UINT64_MAX);
  assert_true(kr_type_equal(&image, &other));
  other.dim[1] = 4;
  assert_false(kr_type_equal(&image, &other));
  assert_false(kr_type_equal(&image, &spectrum));
  assert_string_equal(kr_elem_text(KR_ELEM_U64), "u64");
}

static KrBuffer manual;
static void manual_names(const KrOp *op) {
  bool hidden = (op->flags & KR_OP_OPERATOR) != 0;
  char line[64];
  snprintf(line, sizeof line, "### `%s(", op->name);
  if ((strstr(manual.at, line) != NULL) == hidden) fail_msg("%s in the manual", op->name);
}
static void the_manual_holds_every_callable_row(void **state) {
  (void)state;
  KrArena arena;
  kr_arena_init(&arena, NULL);
  kr_buffer_init(&manual, &arena);
  assert_true(kr_registry_print(&manual, NULL, KR_MANUAL_MARKDOWN));
  for_rows(manual_names);
  KrBuffer one;
  kr_buffer_init(&one, &arena);
  assert_true(kr_registry_print(&one, "lowpass", KR_MANUAL_TEXT));
  assert_non_null(strstr(one.at, "lowpass(x, cutoff, q=0.7071)\n    Low-pass"));
  kr_buffer_init(&one, &arena);
  assert_true(kr_registry_print(&one, "svf", KR_MANUAL_JSON));
  assert_non_null(strstr(one.at, "\"choices\":\"lp|bp|hp|notch\""));
  assert_false(kr_registry_print(&one, "nothing", KR_MANUAL_TEXT));
  kr_arena_deinit(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_row_is_complete_and_found),
      cmocka_unit_test(rows_of_one_name_come_in_order_and_end),
      cmocka_unit_test(a_near_name_is_suggested_and_a_far_one_not),
      cmocka_unit_test(types_count_and_compare_by_their_dimensions),
      cmocka_unit_test(the_manual_holds_every_callable_row),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

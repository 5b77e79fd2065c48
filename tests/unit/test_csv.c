/// CSV tables: what is read, what is refused and on which line, and what is written.
#include "asset/csv.h"
#include "io/csv.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/arena_fixture.h"

static KrStatus read_text(const char *text, KrCsv *csv, const char **error) {
  return kr_csv_read(&arena, (const uint8_t *)text, strlen(text), csv, error);
}

static void expect_cell(const KrCsv *csv, uint32_t index, int64_t num, int64_t den) {
  const KrCsvCell *cell = &csv->cells[index];
  assert_true(cell->is_present && cell->is_exact);
  assert_int_equal(cell->exact.num, num);
  assert_int_equal(cell->exact.den, den);
}

static void decimals_are_exact(void **state) {
  (void)state;
  KrCsv csv;
  const char *error;
  assert_int_equal(read_text("time,freq,vel,dur\n0.1,440,1,\n0.29,-5.5e-1,+2,1e3\n", &csv, &error),
                   KR_OK);
  assert_null(error);
  assert_int_equal(csv.n_columns, 4);
  assert_int_equal(csv.n_rows, 2);
  assert_string_equal(csv.names[3], "dur");
  expect_cell(&csv, 0, 1, 10);
  expect_cell(&csv, 1, 440, 1);
  assert_false(csv.cells[3].is_present);
  expect_cell(&csv, 4, 29, 100);
  expect_cell(&csv, 5, -11, 20);
  assert_true(csv.cells[5].value == -0.55);
  expect_cell(&csv, 6, 2, 1);
  expect_cell(&csv, 7, 1000, 1);
  assert_int_equal(kr_csv_find(&csv, "vel"), 2);
  assert_int_equal(kr_csv_find(&csv, "pan"), -1);
  assert_int_equal(kr_csv_check_events(&arena, &csv, &error), KR_OK);
}

static void layout_is_free(void **state) {
  (void)state;
  KrCsv csv;
  const char *error;
  const char *text =
      "\xEF\xBB\xBF# made by hand\r\n\r\n \"time\" ; key \r\n 1 ;\t\"2\"\r\n\r\n#\r\n3;4";
  assert_int_equal(read_text(text, &csv, &error), KR_OK);
  assert_string_equal(csv.names[0], "time");
  assert_string_equal(csv.names[1], "key");
  assert_int_equal(csv.n_rows, 2);
  assert_int_equal(csv.lines[0], 4);
  assert_int_equal(csv.lines[1], 7);
  expect_cell(&csv, 1, 2, 1);
  expect_cell(&csv, 2, 3, 1);
  assert_int_equal(read_text("time\tx\n1\t2\n", &csv, &error), KR_OK);
  assert_int_equal(csv.n_columns, 2);
}

static void too_many_digits_are_kept_as_the_nearest_double(void **state) {
  (void)state;
  KrCsv csv;
  const char *error;
  assert_int_equal(read_text("time\n0.12345678901234567890123\n", &csv, &error), KR_OK);
  assert_true(csv.cells[0].is_present && !csv.cells[0].is_exact);
  assert_true(csv.cells[0].value == 0.12345678901234567890123);
  assert_int_equal(kr_csv_check_events(&arena, &csv, &error), KR_ERROR_FORMAT);
  assert_non_null(strstr(error, "line 2: the time has too many digits"));
}

static void expect_error(const char *text, const char *part) {
  KrCsv csv;
  const char *error = NULL;
  assert_int_equal(read_text(text, &csv, &error), KR_ERROR_FORMAT);
  if (!strstr(error, part)) print_error("%s\n", error);
  assert_non_null(strstr(error, part));
}

static void errors_name_the_line(void **state) {
  (void)state;
  expect_error("", "line 1: there is no header line");
  expect_error("time,\n", "line 1: a column has no name");
  expect_error("time,x,time\n", "line 1: two columns are called `time`");
  expect_error("time\n1\n\n2,3\n", "line 4: 2 fields where the header names 1");
  expect_error("time,x\n1,2\n1,two\n", "line 3: column x is no number: `two`");
  expect_error("time\n1.2.3\n", "line 2: column time is no number: `1.2.3`");
  expect_error("time\n--1\n", "line 2: column time is no number");
  expect_error("time\n\"1\n", "line 2: a quote is not closed");
  expect_error("time,x\n\"1\"2,3\n", "line 2: text after a closing quote");
}

static void events_need_exact_times_from_zero_on(void **state) {
  (void)state;
  KrCsv csv;
  const char *error;
  assert_int_equal(read_text("tick\n1\n", &csv, &error), KR_OK);
  assert_int_equal(kr_csv_check_events(&arena, &csv, &error), KR_ERROR_FORMAT);
  assert_non_null(strstr(error, "no column is called `time`"));
  assert_int_equal(read_text("time,x\n0,1\n-0.5,1\n", &csv, &error), KR_OK);
  assert_int_equal(kr_csv_check_events(&arena, &csv, &error), KR_ERROR_FORMAT);
  assert_non_null(strstr(error, "line 3: the time is negative"));
  assert_int_equal(read_text("time,x\n,1\n", &csv, &error), KR_OK);
  assert_int_equal(kr_csv_check_events(&arena, &csv, &error), KR_ERROR_FORMAT);
  assert_non_null(strstr(error, "line 2: the time is missing"));
}

static void hostile_bytes_never_break_the_reader(void **state) {
  (void)state;
  static const char start[] = "time,freq,\"vel\",dur\n0.25,440,1,\n# note\n1e3,-2.5,\"7\",0.125\n";
  static const char letters[] = "0123456789.,;-+e\"\n\r\t #\0x\xFF";
  uint64_t seed = 3;
  uint32_t n_good = 0, n_bad = 0;
  for (int round = 0; round < 60000; round++) {
    KrArena own;
    KrCsv csv;
    const char *error = NULL;
    size_t n = sizeof start - 1;
    uint8_t *bytes = malloc(n);
    memcpy(bytes, start, n);
    for (int k = 0; k < 1 + round % 5; k++) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      bytes[(seed >> 33) % n] = (uint8_t)letters[(seed >> 20) % (sizeof letters - 1)];
    }
    kr_arena_init(&own, NULL);
    KrStatus status = kr_csv_read(&own, bytes, n, &csv, &error);
    assert_true(status == KR_OK || status == KR_ERROR_FORMAT);
    if (status == KR_OK && csv.n_rows > 0) assert_true(csv.n_columns > 0);
    status == KR_OK ? n_good++ : n_bad++;
    kr_arena_deinit(&own);
    free(bytes);
  }
  assert_true(n_good > 1000 && n_bad > 1000);
}

static void written_tables_have_the_shortest_digits(void **state) {
  (void)state;
  char folder[] = "/tmp/kairo-csv-XXXXXX";
  KrCsvWriter csv;
  const uint8_t *at;
  size_t n;
  const char *error;
  assert_non_null(mkdtemp(folder));
  char *path = kr_file_join(&arena, folder, "table.csv");
  assert_int_equal(kr_csv_open(&csv, path), KR_OK);
  kr_csv_put_text(&csv, "tick");
  kr_csv_put_text(&csv, "a,\"b\"");
  kr_csv_end_row(&csv);
  kr_csv_put_i64(&csv, INT64_MIN);
  kr_csv_put_u64(&csv, UINT64_MAX);
  kr_csv_put_f64(&csv, 0.1);
  kr_csv_put_f32(&csv, 0.1f);
  kr_csv_put_f64(&csv, -0.0);
  kr_csv_put_f64(&csv, -__builtin_inf());
  kr_csv_put_f64(&csv, __builtin_nan(""));
  kr_csv_put_bool(&csv, true);
  kr_csv_put_ratio(&csv, 3, 4);
  kr_csv_put_ratio(&csv, 3, 1);
  kr_csv_end_row(&csv);
  assert_int_equal(kr_csv_commit(&csv), KR_OK);
  assert_int_equal(kr_file_read(path, &arena, &at, &n, &error), KR_OK);
  assert_string_equal((const char *)at, "tick,\"a,\"\"b\"\"\"\n-9223372036854775808,"
                                        "18446744073709551615,0.1,0.1,-0,-inf,nan,1,3/4,3\n");
  unlink(path);
  rmdir(folder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(decimals_are_exact),
      cmocka_unit_test(layout_is_free),
      cmocka_unit_test(too_many_digits_are_kept_as_the_nearest_double),
      cmocka_unit_test(errors_name_the_line),
      cmocka_unit_test(events_need_exact_times_from_zero_on),
      cmocka_unit_test(hostile_bytes_never_break_the_reader),
      cmocka_unit_test(written_tables_have_the_shortest_digits),
  };
  return cmocka_run_group_tests(tests, open_arena, close_arena);
}

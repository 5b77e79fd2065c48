// Decides how numbers and names stand in a CSV file.
#include "io/csv.h"
#include "base/number.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

KrStatus kr_csv_open(KrCsvWriter *csv, const char *path) {
  csv->is_inside = false;
  return kr_writer_open(&csv->writer, path);
}

static KrStatus put_field(KrCsvWriter *csv, const char *at, size_t n) {
  if (csv->is_inside) KR_TRY(kr_writer_put(&csv->writer, ",", 1));
  csv->is_inside = true;
  return kr_writer_put(&csv->writer, at, n);
}

KrStatus kr_csv_put_text(KrCsvWriter *csv, const char *text) {
  if (!strpbrk(text, ",\"\r\n") && text[0] != 0) return put_field(csv, text, strlen(text));
  KR_TRY(put_field(csv, "\"", 1));
  for (; *text; text++) {
    if (*text == '"') KR_TRY(kr_writer_put(&csv->writer, "\"", 1));
    KR_TRY(kr_writer_put(&csv->writer, text, 1));
  }
  return kr_writer_put(&csv->writer, "\"", 1);
}

KrStatus kr_csv_put_i64(KrCsvWriter *csv, int64_t value) {
  char text[32];
  return put_field(csv, text, (size_t)snprintf(text, sizeof text, "%" PRId64, value));
}

KrStatus kr_csv_put_u64(KrCsvWriter *csv, uint64_t value) {
  char text[32];
  return put_field(csv, text, (size_t)snprintf(text, sizeof text, "%" PRIu64, value));
}

KrStatus kr_csv_put_f64(KrCsvWriter *csv, double value) {
  char text[32];
  return put_field(csv, text, kr_number_print_f64(value, text));
}

KrStatus kr_csv_put_f32(KrCsvWriter *csv, float value) {
  char text[32];
  return put_field(csv, text, kr_number_print_f32(value, text));
}

KrStatus kr_csv_put_bool(KrCsvWriter *csv, bool value) {
  return put_field(csv, value ? "1" : "0", 1);
}

KrStatus kr_csv_put_ratio(KrCsvWriter *csv, int64_t num, int64_t den) {
  char text[64];
  if (den == 1) return kr_csv_put_i64(csv, num);
  int n = snprintf(text, sizeof text, "%" PRId64 "/%" PRId64, num, den);
  return put_field(csv, text, (size_t)n);
}

KrStatus kr_csv_end_row(KrCsvWriter *csv) {
  csv->is_inside = false;
  return kr_writer_put(&csv->writer, "\n", 1);
}

KrStatus kr_csv_commit(KrCsvWriter *csv) { return kr_writer_commit(&csv->writer); }

void kr_csv_abort(KrCsvWriter *csv) { kr_writer_abort(&csv->writer); }

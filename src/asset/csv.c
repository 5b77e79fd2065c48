// Decides how a table of numbers is read: fields, header names, exact decimals, line numbers.
#include "asset/csv.h"
#include "base/number.h"
#include <string.h>

#define MAX_COLUMNS 1024

typedef struct Reader {
  KrArena *arena;
  const char *at;
  size_t n, pos;
  uint32_t line;
  char separator;
  const char **error;
  KrText fields[MAX_COLUMNS];
  uint32_t n_fields;
} Reader;

static KrStatus fail(Reader *r, const char *what, KrText which) {
  if (which.n > 60) which.n = 60;
  *r->error = which.n > 0
                  ? kr_text_print(r->arena, "CSV file, line %u: %s `%t`", r->line, what, which)
                  : kr_text_print(r->arena, "CSV file, line %u: %s", r->line, what);
  return KR_ERROR_FORMAT;
}

static KrText trim(KrText text) {
  while (text.n > 0 && (text.at[0] == ' ' || text.at[0] == '\t')) {
    text.at++;
    text.n--;
  }
  while (text.n > 0 && strchr(" \t\r", text.at[text.n - 1]) && text.at[text.n - 1] != 0) text.n--;
  return text;
}

// The next line that is neither empty nor a comment; false at the end.
static bool next_line(Reader *r, KrText *line) {
  while (r->pos < r->n) {
    const char *start = r->at + r->pos;
    const char *end = memchr(start, '\n', r->n - r->pos);
    size_t length = end ? (size_t)(end - start) : r->n - r->pos;
    r->pos += length + 1;
    r->line++;
    *line = (KrText){start, length};
    if (line->n > 0 && line->at[line->n - 1] == '\r') line->n--;
    KrText seen = trim(*line);
    if (seen.n > 0 && seen.at[0] != '#') return true;
  }
  return false;
}

static KrStatus split(Reader *r, KrText line) {
  size_t pos = 0;
  r->n_fields = 0;
  for (;;) {
    size_t begin = pos;
    while (pos < line.n && (line.at[pos] == ' ' || (line.at[pos] == '\t' && r->separator != '\t')))
      pos++;
    bool quoted = pos < line.n && line.at[pos] == '"';
    if (quoted) {
      begin = ++pos;
      while (pos < line.n && line.at[pos] != '"') pos++;
      if (pos >= line.n) return fail(r, "a quote is not closed", (KrText){NULL, 0});
    } else {
      while (pos < line.n && line.at[pos] != r->separator) pos++;
    }
    if (r->n_fields == MAX_COLUMNS) return fail(r, "more than 1024 columns", (KrText){NULL, 0});
    r->fields[r->n_fields++] = trim((KrText){line.at + begin, pos - begin});
    if (quoted) pos++;
    while (quoted && pos < line.n && line.at[pos] == ' ') pos++;
    if (pos >= line.n) return KR_OK;
    if (line.at[pos] != r->separator)
      return fail(r, "text after a closing quote", (KrText){NULL, 0});
    pos++;
  }
}

static char choose_separator(KrText header) {
  if (memchr(header.at, ',', header.n)) return ',';
  if (memchr(header.at, ';', header.n)) return ';';
  return memchr(header.at, '\t', header.n) ? '\t' : ',';
}

static KrStatus read_header(Reader *r, KrCsv *csv) {
  KrText line;
  if (!next_line(r, &line)) {
    r->line = 1;
    return fail(r, "there is no header line", (KrText){NULL, 0});
  }
  r->separator = choose_separator(line);
  KR_TRY(split(r, line));
  csv->n_columns = r->n_fields;
  csv->names = KR_NEW_ARRAY(r->arena, const char *, r->n_fields);
  for (uint32_t i = 0; i < r->n_fields; i++) {
    if (r->fields[i].n == 0) return fail(r, "a column has no name", r->fields[i]);
    if (memchr(r->fields[i].at, 0, r->fields[i].n))
      return fail(r, "a column name contains a zero byte", (KrText){NULL, 0});
    for (uint32_t k = 0; k < i; k++)
      if (kr_text_equal(r->fields[k], r->fields[i]))
        return fail(r, "two columns are called", r->fields[i]);
    csv->names[i] = kr_text_string(r->arena, r->fields[i]);
  }
  return KR_OK;
}

static KrStatus read_cell(Reader *r, const KrCsv *csv, uint32_t column, KrCsvCell *cell) {
  KrText text = column < r->n_fields ? r->fields[column] : (KrText){NULL, 0};
  KrText digits = text;
  int64_t num = 0, den = 1;
  *cell = (KrCsvCell){.exact = KR_RATIO_ZERO};
  if (text.n == 0) return KR_OK;
  bool negative = text.at[0] == '-';
  if (negative || text.at[0] == '+') digits = (KrText){text.at + 1, text.n - 1};
  bool signs = digits.n > 0 && (digits.at[0] == '-' || digits.at[0] == '+');
  if (signs || !kr_number_parse(digits, &cell->is_exact, &num, &den, &cell->value))
    return fail(r, kr_text_print(r->arena, "column %s is no number:", csv->names[column]), text);
  cell->is_present = true;
  if (cell->is_exact) cell->exact = (KrRatio){negative ? -num : num, den};
  if (negative) cell->value = -cell->value;
  return KR_OK;
}

static KrStatus read_rows(Reader *r, KrCsv *csv) {
  KrCsvCell *cells = NULL;
  uint32_t *lines = NULL;
  uint32_t n_cells = 0, cap_cells = 0, n_lines = 0, cap_lines = 0;
  KrText line;
  while (next_line(r, &line)) {
    KR_TRY(split(r, line));
    if (r->n_fields != csv->n_columns)
      return fail(r,
                  kr_text_print(r->arena, "%u fields where the header names %u", r->n_fields,
                                csv->n_columns),
                  (KrText){NULL, 0});
    for (uint32_t i = 0; i < csv->n_columns; i++) {
      KrCsvCell cell;
      KR_TRY(read_cell(r, csv, i, &cell));
      if (n_cells == UINT32_MAX / 2) return fail(r, "too many numbers", (KrText){NULL, 0});
      KR_PUSH(r->arena, cells, n_cells, cap_cells, cell);
    }
    KR_PUSH(r->arena, lines, n_lines, cap_lines, r->line);
  }
  csv->cells = cells;
  csv->lines = lines;
  csv->n_rows = n_lines;
  return KR_OK;
}

KrStatus kr_csv_read(KrArena *arena, const uint8_t *at, size_t n_bytes, KrCsv *csv,
                     const char **error) {
  jmp_buf here, *const outer = arena->escape;
  *error = "CSV file: out of memory";
  *csv = (KrCsv){0};
  if (setjmp(here) != 0) {
    arena->escape = outer;
    return KR_ERROR_MEMORY;
  }
  arena->escape = &here;
  Reader *r = KR_NEW(arena, Reader);
  r->arena = arena;
  r->at = (const char *)at;
  r->n = n_bytes;
  r->error = error;
  r->pos = n_bytes >= 3 && memcmp(at, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
  KrStatus status = read_header(r, csv);
  if (status == KR_OK) status = read_rows(r, csv);
  if (status == KR_OK) *error = NULL;
  arena->escape = outer;
  return status;
}

int32_t kr_csv_find(const KrCsv *csv, const char *name) {
  for (uint32_t i = 0; i < csv->n_columns; i++)
    if (strcmp(csv->names[i], name) == 0) return (int32_t)i;
  return -1;
}

KrStatus kr_csv_check_events(KrArena *arena, const KrCsv *csv, const char **error) {
  int32_t column = kr_csv_find(csv, "time");
  *error = "CSV file: no column is called `time`";
  if (column < 0) return KR_ERROR_FORMAT;
  for (uint32_t row = 0; row < csv->n_rows; row++) {
    const KrCsvCell *cell = &csv->cells[(size_t)row * csv->n_columns + (size_t)column];
    const char *what = !cell->is_present     ? "the time is missing"
                       : !cell->is_exact     ? "the time has too many digits to be exact"
                       : cell->exact.num < 0 ? "the time is negative"
                                             : NULL;
    if (!what) continue;
    *error = kr_text_print(arena, "CSV file, line %u: %s", csv->lines[row], what);
    return KR_ERROR_FORMAT;
  }
  *error = NULL;
  return KR_OK;
}

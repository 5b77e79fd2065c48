/// Tables of numbers as text (RFC 4180, numbers only): a header line of names, then one row a line.
#ifndef KR_ASSET_CSV_H
#define KR_ASSET_CSV_H
#include "base/text.h"
#include "kairo/status.h"
#include "time/ratio.h"

typedef struct KrCsvCell {
  bool is_present; ///< false: the field is empty
  bool is_exact;   ///< `exact` is the decimal as written
  KrRatio exact;
  double value; ///< always the nearest double
} KrCsvCell;

typedef struct KrCsv {
  const char **names; ///< unique, not empty, blanks around them removed
  uint32_t n_columns;
  uint32_t n_rows;
  const KrCsvCell *cells; ///< n_rows * n_columns
  const uint32_t *lines;  ///< line number of each row, from 1
} KrCsv;

/// Commas (or semicolons or tabs, whichever the header uses) between fields, LF or CRLF, quotes
/// around fields allowed, empty lines and lines beginning with # skipped, a byte order mark
/// ignored. KR_ERROR_FORMAT: *error is one sentence with the line number. KR_ERROR_MEMORY. [any]
/// exact
KrStatus kr_csv_read(KrArena *arena, const uint8_t *at, size_t n_bytes, KrCsv *csv,
                     const char **error);
/// Column of that name, or -1.
int32_t kr_csv_find(const KrCsv *csv, const char *name);
/// Checks that column `time` exists and is exact and not negative in every row.
KrStatus kr_csv_check_events(KrArena *arena, const KrCsv *csv, const char **error);
#endif

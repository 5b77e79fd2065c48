/// CSV tables: a header line, then rows; reals as the shortest digits that read back. [main],
/// blocks.
#ifndef KR_IO_CSV_H
#define KR_IO_CSV_H
#include "io/file.h"

typedef struct KrCsvWriter {
  KrWriter writer;
  bool is_inside; ///< a field of the present row was put
} KrCsvWriter;

/// Failures stay in writer.status and writer.error; every call repeats the first.
KrStatus kr_csv_open(KrCsvWriter *csv, const char *path);
/// Quoted where RFC 4180 asks for it.
KrStatus kr_csv_put_text(KrCsvWriter *csv, const char *text);
KrStatus kr_csv_put_i64(KrCsvWriter *csv, int64_t value);
KrStatus kr_csv_put_u64(KrCsvWriter *csv, uint64_t value);
KrStatus kr_csv_put_f64(KrCsvWriter *csv, double value); ///< `inf -inf -0 nan` too
KrStatus kr_csv_put_f32(KrCsvWriter *csv, float value);
KrStatus kr_csv_put_bool(KrCsvWriter *csv, bool value); ///< 1 or 0
/// num/den in lowest terms: `3/4`, whole numbers without denominator.
KrStatus kr_csv_put_ratio(KrCsvWriter *csv, int64_t num, int64_t den);
KrStatus kr_csv_end_row(KrCsvWriter *csv); ///< LF
KrStatus kr_csv_commit(KrCsvWriter *csv);
void kr_csv_abort(KrCsvWriter *csv);
#endif

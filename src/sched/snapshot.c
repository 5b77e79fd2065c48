// Snapshots.
#include "sched/run.h"
KrStatus kr_run_save(const KrRun *run, KrBuffer *out) { (void)run; (void)out; return KR_ERROR_UNAVAILABLE; }
KrStatus kr_run_restore(KrRun *run, const uint8_t *at, size_t n_bytes, const char **error) { (void)run; (void)at; (void)n_bytes; *error = "no"; return KR_ERROR_UNAVAILABLE; }
KrStatus kr_snapshot_time(const uint8_t *at, size_t n_bytes, KrRatio *time) { (void)at; (void)n_bytes; (void)time; return KR_ERROR_UNAVAILABLE; }

/// The clock of benchmarks: processor time of the process, which other programs do not lengthen.
#ifndef KR_BENCH_CLOCK_H
#define KR_BENCH_CLOCK_H
#include <time.h>

static inline double cpu_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}
#endif

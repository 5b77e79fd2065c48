/// Files and memory as fuzz targets see them: every path leads to a small file of its kind; memory
/// is bounded.
#ifndef KR_TESTS_FUZZ_HOST_H
#define KR_TESTS_FUZZ_HOST_H
#include "asset/host.h"
#include "base/arena.h"

/// `….mid`: three notes; `….csv`: a table with time, freq, vel, dur; else two channels of sound at
/// 44100 Hz. A path with `gone` does not exist.
KrAssetHost fuzz_host(void);
/// At most 384 MiB at once. [main]
const KrAllocator *fuzz_allocator(void);
#endif

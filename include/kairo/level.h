/// Vector levels: sets of instructions the kernels are compiled for. A level changes speed, never a
/// bit.
#ifndef KAIRO_LEVEL_H
#define KAIRO_LEVEL_H
#include <stdbool.h>
#ifdef __cplusplus
extern "C" {
#endif

typedef enum KrLevel {
  KR_LEVEL_BEST,     ///< in settings: the last one supported here
  KR_LEVEL_GENERIC,  ///< scalar code, on every processor
  KR_LEVEL_BASELINE, ///< the vectors every processor of the kind has: 16 bytes
  KR_LEVEL_V2,       ///< x86-64-v2: SSE 4.2, 16 bytes
  KR_LEVEL_V3,       ///< x86-64-v3: AVX2, 32 bytes
  KR_LEVEL_V4,       ///< x86-64-v4: AVX-512, 64 bytes
  KR_N_LEVELS
} KrLevel;

/// `generic`, `baseline`, `v2`, `v3`, `v4`; `best`. [any] rt
const char *kr_level_text(KrLevel level);
/// The level of that name; false: no such word. [any] rt
bool kr_level_find(const char *text, KrLevel *level);
/// Built in, and this processor and system have it. [any]
bool kr_level_is_supported(KrLevel level);
/// The best supported one, never KR_LEVEL_BEST. [any]
KrLevel kr_level_best(void);

#ifdef __cplusplus
}
#endif
#endif

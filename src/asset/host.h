/// Where files come from: a table of functions the host gives; the default is io/host.c.
/// Pure code never opens a file.
#ifndef KR_ASSET_HOST_H
#define KR_ASSET_HOST_H
#include "base/arena.h"
#include "base/hash.h"
#include "kairo/status.h"
#include <stdbool.h>
#include <stdint.h>

/// Decoded sound: n_frames x n_channels interleaved.
typedef struct KrAssetAudio {
  const float *frames;
  uint64_t n_frames;
  uint32_t n_channels;
  uint32_t rate_hz;
  bool exact;      ///< PCM or float file; false: lossy, the decoder decides the samples
  KrDigest digest; ///< SHA-256 of the file's bytes
} KrAssetAudio;

/// Both put what they make into `arena`; on failure *error is a sentence in `arena` or static.
typedef struct KrAssetHost {
  void *user;
  KrStatus (*read_bytes)(void *user, const char *path, KrArena *arena, const uint8_t **at, size_t *n_bytes,
                         const char **error);
  KrStatus (*read_audio)(void *user, const char *path, KrArena *arena, KrAssetAudio *audio, const char **error);
} KrAssetHost;
#endif

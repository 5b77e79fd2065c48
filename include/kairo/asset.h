/// Files as data: how programs get at sounds, MIDI files and tables. The host reads, Kairo never
/// opens a file by itself when given such a table.
#ifndef KAIRO_ASSET_H
#define KAIRO_ASSET_H
#include "kairo/status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif

typedef struct KrArena KrArena;
/// `n_bytes` zeroed bytes aligned to 64 that live as long as the arena; n_bytes 0 gives a unique
/// address. NULL when memory is out (inside a call of the library it does not return then). [main]
void *kr_arena_alloc(KrArena *arena, size_t n_bytes);

/// A SHA-256.
typedef struct KrDigest {
  uint8_t at[32];
} KrDigest;

/// Decoded sound: n_frames x n_channels interleaved, full scale 1.
typedef struct KrAssetAudio {
  const float *frames;
  uint64_t n_frames;
  uint32_t n_channels; ///< >= 1
  uint32_t rate_hz;    ///< >= 1
  bool exact;          ///< PCM or float file; false: lossy, the decoder decides the samples
  KrDigest digest;     ///< of the file's bytes
} KrAssetAudio;

/// Both put what they make into `arena`; on failure *error is a sentence in `arena` or static.
/// Status: KR_ERROR_NOT_FOUND no such file, KR_ERROR_IO not readable, KR_ERROR_FORMAT damaged.
/// [main]
typedef struct KrAssetHost {
  void *user;
  KrStatus (*read_bytes)(void *user, const char *path, KrArena *arena, const uint8_t **at,
                         size_t *n_bytes, const char **error);
  KrStatus (*read_audio)(void *user, const char *path, KrArena *arena, KrAssetAudio *audio,
                         const char **error);
} KrAssetHost;

#ifdef __cplusplus
}
#endif
#endif

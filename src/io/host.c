// Decides where an asset's path leads when the user of the library says nothing else.
#include "io/host.h"
#include "io/file.h"
#include "io/sndfile.h"

static KrStatus read_bytes(void *user, const char *path, KrArena *arena, const uint8_t **at,
                           size_t *n_bytes, const char **error) {
  const KrIoHost *host = user;
  char *full = kr_file_join(arena, host->folder, path);
  *error = "out of memory";
  return full ? kr_file_read(full, arena, at, n_bytes, error) : KR_ERROR_MEMORY;
}

static KrStatus read_audio(void *user, const char *path, KrArena *arena, KrAssetAudio *audio,
                           const char **error) {
  const KrIoHost *host = user;
  char *full = kr_file_join(arena, host->folder, path);
  *error = "out of memory";
  return full ? kr_sndfile_read(full, arena, audio, error) : KR_ERROR_MEMORY;
}

KrAssetHost kr_io_host(KrIoHost *host) { return (KrAssetHost){host, read_bytes, read_audio}; }

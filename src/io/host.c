// Decides where an asset's path leads when the user of the library says nothing else.
#include "io/host.h"
#include "io/bank.h"
#include "io/file.h"
#include "io/sndfile.h"
#include <string.h>

// The reason alone: whoever asked names the file as the program does.
static void drop_name(const char **error, const char *full) {
  const char *at = *error != NULL ? strstr(*error, full) : NULL;
  size_t n = strlen(full);
  if (at != NULL && at[n] == ':' && at[n + 1] == ' ') *error = at + n + 2;
}

static KrStatus read_bytes(void *user, const char *path, KrArena *arena, const uint8_t **at,
                           size_t *n_bytes, const char **error) {
  const KrIoHost *host = user;
  char *full = kr_file_join(arena, host->folder, path);
  *error = "out of memory";
  if (full == NULL) return KR_ERROR_MEMORY;
  KrStatus status = kr_file_read(full, arena, at, n_bytes, error);
  if (status != KR_OK) drop_name(error, full);
  return status;
}

static KrStatus read_audio(void *user, const char *path, KrArena *arena, KrAssetAudio *audio,
                           const char **error) {
  const KrIoHost *host = user;
  char *full = kr_file_join(arena, host->folder, path);
  *error = "out of memory";
  if (full == NULL) return KR_ERROR_MEMORY;
  const char *file;
  bool is_bank;
  KR_TRY(kr_bank_find(full, arena, &file, &is_bank, error));
  KrStatus status = kr_sndfile_read(file, arena, audio, error);
  if (status != KR_OK && !is_bank) drop_name(error, full);
  return status;
}

KrAssetHost kr_io_host(KrIoHost *host) { return (KrAssetHost){host, read_bytes, read_audio}; }

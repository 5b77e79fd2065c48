// Decides what the files of a mutated program contain.
#include "host.h"
#include <stdlib.h>
#include <string.h>

static const uint8_t midi[] = {
    'M',  'T',  'h', 'd', 0,    0,    0,  6,  0,    0,    0,    1, 0,    96,   'M',
    'T',  'r',  'k', 0,   0,    0,    35, 0,  0xFF, 0x51, 3,    7, 0xA1, 0x20, 0,
    0x90, 60,   100, 4,   0x80, 60,   64, 0,  0x90, 64,   90,   8, 0x90, 67,   80,
    48,   0x80, 64,  64,  0,    0x80, 67, 64, 0,    0xFF, 0x2F, 0,
};
static const char table[] =
    "time,freq,vel,dur\n0,440,1,0.001\n0.0005,550,0.5,\n0.002,660,0.25,0.01\n";

static int ends(const char *path, const char *with) {
  size_t n = strlen(path), m = strlen(with);
  return n >= m && strcmp(path + n - m, with) == 0;
}

static KrStatus read_bytes(void *user, const char *path, KrArena *arena, const uint8_t **at,
                           size_t *n_bytes, const char **error) {
  (void)user;
  *error = "no such file";
  if (strstr(path, "gone") != NULL) return KR_ERROR_NOT_FOUND;
  const void *from = ends(path, ".mid") ? (const void *)midi : table;
  *n_bytes = ends(path, ".mid") ? sizeof midi : sizeof table - 1;
  *at = kr_arena_copy(arena, from, *n_bytes);
  return KR_OK;
}

static KrStatus read_audio(void *user, const char *path, KrArena *arena, KrAssetAudio *audio,
                           const char **error) {
  (void)user;
  *error = "no such file";
  if (strstr(path, "gone") != NULL) return KR_ERROR_NOT_FOUND;
  uint32_t n_channels = strstr(path, "take") != NULL ? 1 : 2;
  *audio =
      (KrAssetAudio){.n_frames = 500, .n_channels = n_channels, .rate_hz = 44100, .exact = true};
  if (n_channels == 1) audio->rate_hz = 48000;
  float *frames = KR_NEW_ARRAY(arena, float, audio->n_frames *n_channels);
  for (uint32_t i = 0; i < audio->n_frames * n_channels; i++) frames[i] = (float)(i % 50) / 50.0f;
  audio->frames = frames;
  return KR_OK;
}

KrAssetHost fuzz_host(void) { return (KrAssetHost){NULL, read_bytes, read_audio}; }

// ---- memory

enum { HEAD_BYTES = 64 };
static const size_t MAX_BYTES = (size_t)384 << 20;
static size_t n_bytes_held;

static void *alloc_bounded(void *user, size_t n_bytes) {
  (void)user;
  if (n_bytes > MAX_BYTES - n_bytes_held) return NULL;
  uint8_t *at = malloc(n_bytes + HEAD_BYTES);
  if (at == NULL) return NULL;
  n_bytes_held += n_bytes;
  memcpy(at, &n_bytes, sizeof n_bytes);
  return at + HEAD_BYTES;
}

static void free_bounded(void *user, void *at) {
  (void)user;
  size_t n_bytes;
  memcpy(&n_bytes, (uint8_t *)at - HEAD_BYTES, sizeof n_bytes);
  n_bytes_held -= n_bytes;
  free((uint8_t *)at - HEAD_BYTES);
}

const KrAllocator *fuzz_allocator(void) {
  static const KrAllocator bounded = {alloc_bounded, free_bounded, NULL};
  return &bounded;
}

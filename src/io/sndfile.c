// Decides what an audio file's samples are, and that a truncated file is an error, not a shorter
// one.
#include "io/sndfile.h"
#include "base/text.h"
#include "io/file.h"
#include <stdlib.h>
#include <string.h>
#ifdef KR_HAVE_SNDFILE
#include <sndfile.h>
#endif

#ifdef KR_HAVE_SNDFILE
#define PIECE_FRAMES 4096
#define MAX_SAMPLES ((uint64_t)1 << 34)

typedef struct Memory {
  const uint8_t *at;
  sf_count_t n, pos;
} Memory;

static sf_count_t memory_length(void *user) { return ((Memory *)user)->n; }

static sf_count_t memory_seek(sf_count_t offset, int whence, void *user) {
  Memory *m = user;
  sf_count_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? m->pos : m->n;
  if (offset < -from || offset > m->n - from) return -1;
  m->pos = from + offset;
  return m->pos;
}

static sf_count_t memory_read(void *at, sf_count_t n, void *user) {
  Memory *m = user;
  if (n > m->n - m->pos) n = m->n - m->pos;
  if (n > 0) memcpy(at, m->at + m->pos, (size_t)n);
  m->pos += n > 0 ? n : 0;
  return n;
}

static sf_count_t memory_write(const void *at, sf_count_t n, void *user) {
  (void)at;
  (void)n;
  (void)user;
  return 0;
}

static sf_count_t memory_tell(void *user) { return ((Memory *)user)->pos; }

static uint64_t number_at(const uint8_t *at, size_t n, bool big_endian) {
  uint64_t value = 0;
  for (size_t i = 0; i < n; i++) value = value << 8 | at[big_endian ? i : n - 1 - i];
  return value;
}

// libsndfile shortens a file silently when its data chunk reaches past the end or is missing; this
// finds out. Walks the chunks of WAV and AIFF, reads the head of AU; sizes that mean "not known"
// are let through.
static bool is_cut_short(const uint8_t *at, size_t n) {
  if (n >= 12 && memcmp(at, ".snd", 4) == 0) {
    uint64_t size = number_at(at + 8, 4, true);
    return size != 0xFFFFFFFF && number_at(at + 4, 4, true) + size > n;
  }
  bool riff = n >= 12 && (memcmp(at, "RIFF", 4) == 0 || memcmp(at, "RF64", 4) == 0);
  bool big = n >= 12 && (memcmp(at, "FORM", 4) == 0 || memcmp(at, "RIFX", 4) == 0);
  uint64_t large = 0;
  if (!riff && !big) return false;
  if (memcmp(at + 8, "WAVE", 4) != 0 && memcmp(at + 8, "AIF", 3) != 0) return false;
  for (uint64_t pos = 12; pos + 8 <= n;) {
    uint64_t size = number_at(at + pos + 4, 4, big);
    bool is_data = memcmp(at + pos, "data", 4) == 0 || memcmp(at + pos, "SSND", 4) == 0;
    if (memcmp(at + pos, "ds64", 4) == 0 && size >= 16 && pos + 24 <= n)
      large = number_at(at + pos + 16, 8, false);
    if (is_data) {
      if (size == 0xFFFFFFFF) size = large;
      return size > n - pos - 8;
    }
    pos += 8 + size + (size & 1);
  }
  return true;
}

static bool is_exact(int format) {
  switch (format & SF_FORMAT_SUBMASK) {
  case SF_FORMAT_PCM_S8:
  case SF_FORMAT_PCM_U8:
  case SF_FORMAT_PCM_16:
  case SF_FORMAT_PCM_24:
  case SF_FORMAT_PCM_32:
  case SF_FORMAT_FLOAT:
  case SF_FORMAT_DOUBLE:
  case SF_FORMAT_ULAW:
  case SF_FORMAT_ALAW:
  case SF_FORMAT_ALAC_16:
  case SF_FORMAT_ALAC_20:
  case SF_FORMAT_ALAC_24:
  case SF_FORMAT_ALAC_32: return true;
  default: return false;
  }
}

static KrStatus fail(KrArena *arena, const char *name, const char *what, const char **error) {
  char *text = kr_text_print(arena, "cannot read %s: %s", name, what);
  *error = text ? text : "out of memory";
  return KR_ERROR_FORMAT;
}

// What the library says, in words of one kind.
static KrStatus fail_decoding(KrArena *arena, const char *name, SNDFILE *file, const char **error) {
  switch (sf_error(file)) {
  case SF_ERR_UNRECOGNISED_FORMAT:
    return fail(arena, name, "it is no sound file of a known kind", error);
  case SF_ERR_UNSUPPORTED_ENCODING: return fail(arena, name, "its encoding is not known", error);
  default: return fail(arena, name, "it is damaged or cut short", error);
  }
}

// Reads to the end, believing no length: the memory grows with what was really decoded.
static KrStatus read_frames(SNDFILE *file, const SF_INFO *info, float **frames, uint64_t *n) {
  uint64_t n_channels = (uint64_t)info->channels, room = 0;
  *frames = NULL;
  *n = 0;
  for (;;) {
    if (*n + PIECE_FRAMES > room) {
      room = room == 0 ? 2 * PIECE_FRAMES : room * 2;
      if (room * n_channels > MAX_SAMPLES) return KR_ERROR_LIMIT;
      float *more = realloc(*frames, (size_t)(room * n_channels) * sizeof(float));
      if (!more) return KR_ERROR_MEMORY;
      *frames = more;
    }
    sf_count_t got = sf_readf_float(file, *frames + *n * n_channels, PIECE_FRAMES);
    if (got <= 0) return KR_OK;
    *n += (uint64_t)got;
  }
}

static KrStatus decode_open(SNDFILE *file, const SF_INFO *info, const char *name, KrArena *arena,
                            KrAssetAudio *audio, const char **error) {
  float *frames;
  uint64_t n;
  KrStatus status = read_frames(file, info, &frames, &n);
  bool short_file = info->frames > 0 && info->frames < SF_COUNT_MAX && n < (uint64_t)info->frames;
  if (status == KR_OK && (sf_error(file) != SF_ERR_NO_ERROR || short_file)) {
    status = short_file
                 ? fail(arena, name,
                        "it is damaged or ends before the last sample its header announces", error)
                 : fail_decoding(arena, name, file, error);
  }
  if (status == KR_OK) {
    audio->frames =
        kr_arena_copy(arena, frames, (size_t)n * (size_t)info->channels * sizeof(float));
    audio->n_frames = n;
    audio->n_channels = (uint32_t)info->channels;
    audio->rate_hz = (uint32_t)info->samplerate;
    audio->exact = is_exact(info->format);
    if (!audio->frames) status = KR_ERROR_MEMORY;
  }
  if (status == KR_ERROR_MEMORY) *error = "out of memory while decoding an audio file";
  if (status == KR_ERROR_LIMIT) *error = "an audio file has more than 2^34 samples";
  free(frames);
  return status;
}

static KrStatus decode(Memory *memory, const char *name, KrArena *arena, KrAssetAudio *audio,
                       const char **error) {
  SF_VIRTUAL_IO table = {memory_length, memory_seek, memory_read, memory_write, memory_tell};
  SF_INFO info;
  memset(&info, 0, sizeof info);
  if (memory->n == 0) return fail(arena, name, "the file is empty", error);
  if (is_cut_short(memory->at, (size_t)memory->n))
    return fail(arena, name, "truncated: its sound data is missing or cut short", error);
  SNDFILE *file = sf_open_virtual(&table, SFM_READ, &info, memory);
  if (!file) return fail_decoding(arena, name, NULL, error);
  KrStatus status = KR_ERROR_FORMAT;
  if (info.channels < 1 || info.channels > 1024 || info.samplerate < 1)
    fail(arena, name, "its rate or number of channels makes no sense", error);
  else
    status = decode_open(file, &info, name, arena, audio, error);
  sf_close(file);
  return status;
}

bool kr_sndfile_has_library(void) { return true; }

const char *kr_sndfile_version(void) { return sf_version_string(); }

KrStatus kr_sndfile_decode(const uint8_t *at, size_t n_bytes, const char *name, KrArena *arena,
                           KrAssetAudio *audio, const char **error) {
  // The arena's escape must not jump past an open decoder.
  jmp_buf *const escape = arena->escape;
  Memory memory = {at, (sf_count_t)n_bytes, 0};
  KrHash hash;
  *audio = (KrAssetAudio){0};
  *error = NULL;
  arena->escape = NULL;
  KrStatus status = decode(&memory, name, arena, audio, error);
  arena->escape = escape;
  kr_hash_init(&hash);
  kr_hash_put(&hash, at, n_bytes);
  audio->digest = kr_hash_end(&hash);
  return status;
}
#else
bool kr_sndfile_has_library(void) { return false; }

const char *kr_sndfile_version(void) { return NULL; }

KrStatus kr_sndfile_decode(const uint8_t *at, size_t n_bytes, const char *name, KrArena *arena,
                           KrAssetAudio *audio, const char **error) {
  (void)at;
  (void)n_bytes;
  *audio = (KrAssetAudio){0};
  *error = kr_text_print(arena,
                         "cannot read %s: this program was built without libsndfile "
                         "(Debian: apt install libsndfile1-dev, then build again)",
                         name);
  return KR_ERROR_UNAVAILABLE;
}
#endif

KrStatus kr_sndfile_read(const char *path, KrArena *arena, KrAssetAudio *audio,
                         const char **error) {
  const uint8_t *at;
  size_t n;
  KrArena bytes;
  *audio = (KrAssetAudio){0};
  kr_arena_init(&bytes, arena->allocator);
  KrStatus status = kr_file_read(path, &bytes, &at, &n, error);
  if (status == KR_OK) {
    status = kr_sndfile_decode(at, n, path, arena, audio, error);
  } else {
    // The message lives in the arena that ends here.
    jmp_buf *const escape = arena->escape;
    arena->escape = NULL;
    char *kept = kr_text_print(arena, "%s", *error);
    *error = kept ? kept : "out of memory";
    arena->escape = escape;
  }
  kr_arena_deinit(&bytes);
  return status;
}

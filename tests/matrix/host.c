// Files out of the archive; decides how the sound files among them are decoded.
#include "driver.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fail(const char *name, const char *message) {
  fprintf(stderr, "%s: %s\n", name, message);
  exit(1);
}

bool archive_read(const char *name, KrArena *arena, const uint8_t **at, size_t *n_bytes) {
  for (uint32_t i = 0; i < n_archive; i++) {
    if (strcmp(archive[i].name, name) != 0) continue;
    uint8_t *bytes = kr_arena_alloc(arena, archive[i].n_bytes);
    for (size_t k = 0; k < archive[i].n_bytes; k++)
      bytes[k] = (uint8_t)(archive[i].words[k / 8] >> (k % 8 * 8));
    *at = bytes;
    *n_bytes = archive[i].n_bytes;
    return true;
  }
  return false;
}

bool archive_is_program(const Entry *entry) {
  size_t n = strlen(entry->name);
  return n > 6 && strcmp(entry->name + n - 6, ".kairo") == 0;
}

static KrStatus read_bytes(void *user, const char *path, KrArena *arena, const uint8_t **at,
                           size_t *n_bytes, const char **error) {
  (void)user;
  *error = "not in the archive";
  return archive_read(path, arena, at, n_bytes) ? KR_OK : KR_ERROR_NOT_FOUND;
}

static uint32_t little(const uint8_t *at, uint32_t n) {
  uint32_t value = 0;
  for (uint32_t i = 0; i < n; i++) value |= (uint32_t)at[i] << (8 * i);
  return value;
}

// RIFF: chunks of a name, a length and that many bytes, padded to even.
static const uint8_t *find_chunk(const uint8_t *at, size_t n, const char *name, size_t *n_chunk) {
  for (size_t pos = 12; pos + 8 <= n; pos += 8 + *n_chunk + (*n_chunk & 1)) {
    *n_chunk = little(at + pos + 4, 4);
    if (memcmp(at + pos, name, 4) == 0 && *n_chunk <= n - pos - 8) return at + pos + 8;
  }
  return NULL;
}

// WAV of 32-bit floats: the only kind the golden programs read.
static KrStatus read_audio(void *user, const char *path, KrArena *arena, KrAssetAudio *audio,
                           const char **error) {
  const uint8_t *at;
  size_t n, n_format, n_data;
  KR_TRY(read_bytes(user, path, arena, &at, &n, error));
  const uint8_t *format = find_chunk(at, n, "fmt ", &n_format),
                *data = find_chunk(at, n, "data", &n_data);
  *error = "not a WAV of 32-bit floats";
  if (format == NULL || data == NULL || little(format, 2) != 3 || little(format + 14, 2) != 32)
    return KR_ERROR_FORMAT;
  uint32_t n_channels = little(format + 2, 2), n_values = (uint32_t)(n_data / 4);
  float *frames = KR_NEW_ARRAY(arena, float, n_values);
  for (uint32_t i = 0; i < n_values; i++) {
    uint32_t bits = little(data + 4 * (size_t)i, 4);
    memcpy(&frames[i], &bits, sizeof bits);
  }
  *audio = (KrAssetAudio){.frames = frames,
                          .n_frames = n_values / n_channels,
                          .n_channels = n_channels,
                          .rate_hz = little(format + 4, 4),
                          .exact = true};
  KrHash hash;
  kr_hash_init(&hash);
  kr_hash_put(&hash, at, n);
  audio->digest = kr_hash_end(&hash);
  return KR_OK;
}

static _Noreturn void fail_with_messages(KrProgram *program, const char *name) {
  kr_program_print_messages(program);
  fail(name, program->messages);
}

KrLevel level;

KrProgram *load_graph(const char *name) {
  static const KrAssetHost host = {NULL, read_bytes, read_audio};
  KrArena arena;
  KrProgram *program = NULL;
  KrProgramOptions options;
  const uint8_t *text;
  size_t n_bytes;
  kr_arena_init(&arena, NULL);
  if (!archive_read(name, &arena, &text, &n_bytes)) fail(name, "not in the archive");
  kr_program_defaults(&options);
  options.host = &host;
  options.level = level;
  if (kr_program_new(name, (const char *)text, n_bytes, &options, &program) != KR_OK)
    fail(name, "out of memory");
  kr_arena_deinit(&arena);
  if (kr_program_parse(program) != KR_OK || kr_program_elaborate(program) != KR_OK)
    fail_with_messages(program, name);
  if (plant.path != NULL) put_plant(program->graph);
  return program;
}

void make_plan(KrProgram *program) {
  if (kr_program_plan_make(program) != KR_OK) fail_with_messages(program, "plan");
}

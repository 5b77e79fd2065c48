// Decides which file of a folder a number means.
#include "io/bank.h"
#include "base/text.h"
#include "io/file.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

typedef struct Names {
  char **at;
  uint32_t n, cap;
} Names;

static bool is_sound(const char *name) {
  static const char *const extensions[] = {"wav",  "wave", "flac", "ogg",  "oga",
                                           "opus", "mp3",  "aif",  "aiff", "aifc",
                                           "au",   "snd",  "w64",  "rf64", "caf"};
  const char *dot = strrchr(name, '.');
  if (dot == NULL || name[0] == '.') return false;
  for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
    if (strcasecmp(dot + 1, extensions[i]) == 0) return true;
  return false;
}

static int compare(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

// Bytes decide the order, whatever the locale.
static KrStatus list_sounds(const char *folder, KrArena *arena, Names *names) {
  DIR *dir = opendir(folder);
  if (dir == NULL) return errno == ENOENT || errno == ENOTDIR ? KR_ERROR_NOT_FOUND : KR_ERROR_IO;
  // The arena's escape must not jump past an open folder.
  jmp_buf *const escape = arena->escape;
  KrStatus status = KR_OK;
  arena->escape = NULL;
  for (struct dirent *entry; status == KR_OK && (entry = readdir(dir)) != NULL;) {
    if (!is_sound(entry->d_name)) continue;
    char *name = kr_text_print(arena, "%s", entry->d_name);
    if (name == NULL) status = KR_ERROR_MEMORY;
    size_t cap = names->cap;
    if (names->n == names->cap) {
      char **more = kr_arena_grow(arena, names->at, names->n, &cap, sizeof *more);
      if (more == NULL)
        status = KR_ERROR_MEMORY;
      else
        names->at = more, names->cap = (uint32_t)cap;
    }
    if (status == KR_OK) names->at[names->n++] = name;
  }
  closedir(dir);
  arena->escape = escape;
  if (status == KR_OK && names->n > 0) qsort(names->at, names->n, sizeof *names->at, compare);
  return status;
}

// `folder:digits`: where the colon is and what the digits say.
static const char *find_number(const char *path, uint64_t *number) {
  const char *colon = strrchr(path, ':');
  *number = 0;
  if (colon == NULL || colon == path || colon[1] == 0 || strlen(colon + 1) > 18) return NULL;
  for (const char *c = colon + 1; *c != 0; c++) {
    if (*c < '0' || *c > '9') return NULL;
    *number = *number * 10 + (uint64_t)(*c - '0');
  }
  return colon;
}

static KrStatus fail(KrArena *arena, const char *what, const char *folder, KrStatus status,
                     const char **error) {
  *error = kr_text_print(arena, what, folder);
  if (*error == NULL) *error = "out of memory";
  return status;
}

KrStatus kr_bank_find(const char *path, KrArena *arena, const char **file, bool *is_bank,
                      const char **error) {
  struct stat info;
  uint64_t number = 0;
  bool exists = stat(path, &info) == 0, is_folder = exists && S_ISDIR(info.st_mode);
  const char *colon = exists ? NULL : find_number(path, &number);
  *file = path;
  *is_bank = is_folder || colon != NULL;
  if (!*is_bank) return KR_OK;
  Names names = {NULL, 0, 0};
  const char *folder =
      is_folder ? path : kr_text_string(arena, (KrText){path, (size_t)(colon - path)});
  *error = "out of memory";
  if (folder == NULL) return KR_ERROR_MEMORY;
  KrStatus status = list_sounds(folder, arena, &names);
  if (status == KR_ERROR_NOT_FOUND)
    return fail(arena, "there is no folder `%s`", folder, status, error);
  if (status == KR_ERROR_IO) return fail(arena, "cannot list folder `%s`", folder, status, error);
  if (status != KR_OK) return status;
  if (names.n == 0)
    return fail(arena, "folder `%s` has no sound files in it", folder, KR_ERROR_NOT_FOUND, error);
  *file = kr_file_join(arena, folder, names.at[number % names.n]);
  return *file != NULL ? KR_OK : KR_ERROR_MEMORY;
}

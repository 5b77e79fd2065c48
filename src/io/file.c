// Decides how bytes reach the disk: complete or not at all under the final name, every short write
// and error noticed, temporaries known to the signal handler.
#define _XOPEN_SOURCE 700 // realpath
#include "io/file.h"
#include "base/text.h"
#include "io/child.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_BYTES ((size_t)64 << 10)

// An entry is never freed, only used again: a signal handler may walk the list at any moment.
typedef struct Live {
  struct Live *next;
  atomic_int state; // FREE, TAKEN (path being written), LIVE (path may be unlinked)
  char path[PATH_MAX];
} Live;
enum { FREE, TAKEN, LIVE };

static _Atomic(Live *) live_list;
static atomic_uint next_number;
static KrWriteFunction write_hook;
static void *write_user;

void kr_io_set_write(KrWriteFunction write_function, void *user) {
  write_hook = write_function;
  write_user = user;
}

static int64_t write_some(int fd, const void *at, size_t n_bytes) {
  if (write_hook) return write_hook(write_user, fd, at, n_bytes);
  return write(fd, at, n_bytes);
}

void kr_io_cancel(void) {
  int saved = errno;
  kr_child_cancel();
  for (Live *entry = atomic_load(&live_list); entry; entry = entry->next)
    if (atomic_load(&entry->state) == LIVE) unlink(entry->path);
  errno = saved;
}

uint32_t kr_io_count_live(void) {
  uint32_t n = 0;
  for (Live *entry = atomic_load(&live_list); entry; entry = entry->next)
    n += atomic_load(&entry->state) == LIVE;
  return n;
}

static Live *take_live(void) {
  for (Live *entry = atomic_load(&live_list); entry; entry = entry->next) {
    int expected = FREE;
    if (atomic_compare_exchange_strong(&entry->state, &expected, TAKEN)) return entry;
  }
  Live *entry = calloc(1, sizeof *entry);
  if (!entry) return NULL;
  atomic_init(&entry->state, TAKEN);
  entry->next = atomic_load(&live_list);
  while (!atomic_compare_exchange_weak(&live_list, &entry->next, entry)) continue;
  return entry;
}

static KrStatus status_of(int code) {
  return code == ENOENT ? KR_ERROR_NOT_FOUND : code == ENOMEM ? KR_ERROR_MEMORY : KR_ERROR_IO;
}

static KrStatus read_failed(KrArena *arena, const char *path, int code, const char **error) {
  char *text = kr_text_print(arena, "cannot read %s: %s", path, strerror(code));
  *error = text ? text : "out of memory";
  return status_of(code);
}

// Opens for reading; *size is a first guess, 0 when unknown.
static KrStatus open_to_read(const char *path, KrArena *arena, int *fd, uint64_t *size,
                             const char **error) {
  struct stat about;
  *fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
  if (*fd < 0) return read_failed(arena, path, errno, error);
  int code = fstat(*fd, &about) != 0 ? errno : S_ISDIR(about.st_mode) ? EISDIR : 0;
  if (code != 0) {
    close(*fd);
    return read_failed(arena, path, code, error);
  }
  *size = S_ISREG(about.st_mode) && about.st_size > 0 ? (uint64_t)about.st_size : 0;
  return KR_OK;
}

static ssize_t read_some(int fd, void *at, size_t n_bytes) {
  ssize_t n;
  do n = read(fd, at, n_bytes);
  while (n < 0 && errno == EINTR);
  return n;
}

// Twice the room, at least 4096 bytes; on failure the old block is gone.
static KrStatus grow(uint8_t **bytes, size_t *room, size_t wanted) {
  size_t larger = wanted > *room * 2 ? wanted : *room * 2;
  uint8_t *more = larger <= 2 * KR_FILE_MAX_BYTES ? realloc(*bytes, larger) : NULL;
  if (!more) {
    free(*bytes);
    *bytes = NULL;
    return larger <= 2 * KR_FILE_MAX_BYTES ? KR_ERROR_MEMORY : KR_ERROR_LIMIT;
  }
  *bytes = more;
  *room = larger;
  return KR_OK;
}

// Reads to the end into malloc'ed memory with room for one byte more. KR_ERROR_IO leaves errno.
static KrStatus read_all(int fd, uint64_t guess, uint8_t **at, size_t *n_bytes) {
  uint8_t *bytes = NULL;
  size_t room = 0, n = 0;
  if (guess > KR_FILE_MAX_BYTES) return KR_ERROR_LIMIT;
  KR_TRY(grow(&bytes, &room, (size_t)guess + 4096));
  for (;;) {
    ssize_t got = read_some(fd, bytes + n, room - n - 1);
    if (got < 0) {
      int code = errno;
      free(bytes);
      errno = code;
      return KR_ERROR_IO;
    }
    if (got == 0) break;
    n += (size_t)got;
    if (n + 1 == room) KR_TRY(grow(&bytes, &room, 0));
  }
  bytes[n] = 0;
  *at = bytes;
  *n_bytes = n;
  return KR_OK;
}

// An arena's escape must not jump past open files: it is set aside while this runs.
KrStatus kr_file_read(const char *path, KrArena *arena, const uint8_t **at, size_t *n_bytes,
                      const char **error) {
  jmp_buf *const escape = arena->escape;
  int fd;
  uint64_t guess;
  uint8_t *bytes = NULL;
  arena->escape = NULL;
  *error = NULL;
  KrStatus status = open_to_read(path, arena, &fd, &guess, error);
  if (status == KR_OK) {
    status = read_all(fd, guess, &bytes, n_bytes);
    int code = errno;
    close(fd);
    if (status == KR_ERROR_IO) read_failed(arena, path, code, error);
    if (status == KR_ERROR_LIMIT) *error = "cannot read a file larger than 64 GiB";
  }
  if (status == KR_OK) {
    *at = kr_arena_copy(arena, bytes, *n_bytes + 1);
    if (!*at) status = KR_ERROR_MEMORY;
  }
  if (status == KR_ERROR_MEMORY) *error = "out of memory while reading a file";
  free(bytes);
  arena->escape = escape;
  return status;
}

KrStatus kr_file_digest(const char *path, KrArena *arena, KrDigest *digest, const char **error) {
  int fd;
  uint64_t size;
  uint8_t piece[16384];
  KrHash hash;
  KR_TRY(open_to_read(path, arena, &fd, &size, error));
  kr_hash_init(&hash);
  ssize_t n;
  while ((n = read_some(fd, piece, sizeof piece)) > 0) kr_hash_put(&hash, piece, (size_t)n);
  int code = errno;
  close(fd);
  if (n < 0) return read_failed(arena, path, code, error);
  *digest = kr_hash_end(&hash);
  return KR_OK;
}

char *kr_file_join(KrArena *arena, const char *folder, const char *name) {
  if (!folder || folder[0] == 0 || name[0] == '/') return kr_text_print(arena, "%s", name);
  bool has_slash = folder[strlen(folder) - 1] == '/';
  return kr_text_print(arena, has_slash ? "%s%s" : "%s/%s", folder, name);
}

__attribute__((format(printf, 2, 3))) static void say(char *error, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(error, KR_IO_MESSAGE, format, args);
  va_end(args);
}

static KrStatus make_one(const char *path, char *error) {
  struct stat about;
  if (mkdir(path, 0777) == 0) return KR_OK;
  int code = errno;
  if (stat(path, &about) == 0 && S_ISDIR(about.st_mode)) return KR_OK;
  if (code == EEXIST) code = ENOTDIR;
  say(error, "cannot make the folder %s: %s", path, strerror(code));
  return KR_ERROR_IO;
}

KrStatus kr_file_make_folder(const char *path, char *error) {
  char part[PATH_MAX];
  size_t n = strlen(path);
  if (n == 0) return KR_OK;
  if (n >= sizeof part) {
    say(error, "cannot make a folder: its path is longer than %d bytes", PATH_MAX);
    return KR_ERROR_IO;
  }
  for (size_t i = 1; i <= n; i++) {
    if (i < n && path[i] != '/') continue;
    memcpy(part, path, i);
    part[i] = 0;
    KR_TRY(make_one(part, error));
  }
  return KR_OK;
}

static KrStatus fail_writer(KrWriter *w, const char *what, int code) {
  if (w->status != KR_OK) return w->status;
  w->status = code == ENOMEM ? KR_ERROR_MEMORY : KR_ERROR_IO;
  const char *name = w->path ? w->path : w->is_direct ? "standard output" : "a file";
  say(w->error, "cannot %s %s: %s", what, name, strerror(code));
  return w->status;
}

static void close_writer(KrWriter *w) {
  Live *entry = w->live;
  if (w->fd >= 0 && !(w->is_direct && w->fd == STDOUT_FILENO)) close(w->fd);
  if (entry) {
    // Unlinked while still listed: a signal in between unlinks it a second time, in vain.
    unlink(entry->path);
    atomic_store(&entry->state, FREE);
  }
  free(w->buffer);
  free(w->path);
  w->fd = -1;
  w->live = NULL;
  w->buffer = NULL;
  w->path = NULL;
}

static KrStatus write_all(KrWriter *w, const uint8_t *at, size_t n_bytes) {
  while (n_bytes > 0) {
    int64_t n = write_some(w->fd, at, n_bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_writer(w, "write", errno);
    if (n == 0 || (uint64_t)n > n_bytes) return fail_writer(w, "write", ENOSPC);
    at += n;
    n_bytes -= (size_t)n;
  }
  return KR_OK;
}

static KrStatus flush_writer(KrWriter *w) {
  if (w->status != KR_OK) return w->status;
  size_t n = w->n_buffered;
  w->n_buffered = 0;
  // NOLINTNEXTLINE(clang-analyzer-unix.Malloc): close_writer frees what open_target took
  return write_all(w, w->buffer, n);
}

static KrStatus open_direct(KrWriter *w, int fd) {
  w->is_direct = true;
  w->can_seek = false;
  w->fd = fd;
  return fd < 0 ? fail_writer(w, "write", errno) : KR_OK;
}

static KrStatus open_temporary(KrWriter *w) {
  Live *entry = take_live();
  if (!entry) return fail_writer(w, "write", ENOMEM);
  const char *slash = strrchr(w->path, '/');
  int n_folder = slash ? (int)(slash + 1 - w->path) : 0;
  for (int attempt = 0; attempt < 1000; attempt++) {
    // 200 bytes of the name leave room for the rest within the usual 255.
    int n = snprintf(entry->path, sizeof entry->path, "%.*s.%.200s.%ld-%u.tmp", n_folder, w->path,
                     w->path + n_folder, (long)getpid(), atomic_fetch_add(&next_number, 1));
    errno = ENAMETOOLONG;
    if (n > 0 && (size_t)n < sizeof entry->path)
      w->fd = open(entry->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (w->fd >= 0 || errno != EEXIST) break;
  }
  int code = errno;
  atomic_store(&entry->state, w->fd >= 0 ? LIVE : FREE);
  if (w->fd < 0) return fail_writer(w, "write", code);
  w->live = entry;
  w->can_seek = true;
  return KR_OK;
}

static KrStatus make_parents(KrWriter *w) {
  char folder[PATH_MAX];
  const char *slash = strrchr(w->path, '/');
  if (!slash || slash == w->path) return KR_OK;
  size_t n = (size_t)(slash - w->path);
  if (n >= sizeof folder) return fail_writer(w, "write", ENAMETOOLONG);
  memcpy(folder, w->path, n);
  folder[n] = 0;
  w->status = kr_file_make_folder(folder, w->error);
  return w->status;
}

static KrStatus open_target(KrWriter *w, const char *path) {
  struct stat about;
  bool exists = stat(path, &about) == 0;
  w->path = exists ? realpath(path, NULL) : strdup(path);
  if (!w->path) return fail_writer(w, "write", errno);
  w->buffer = malloc(BUFFER_BYTES);
  if (!w->buffer) return fail_writer(w, "write", ENOMEM);
  if (path[0] == 0) return fail_writer(w, "write", ENOENT);
  if (exists && S_ISDIR(about.st_mode)) return fail_writer(w, "write", EISDIR);
  if (exists && !S_ISREG(about.st_mode)) return open_direct(w, open(w->path, O_WRONLY | O_CLOEXEC));
  // The rename alone would replace a file that is marked read-only.
  if (exists && access(w->path, W_OK) != 0) return fail_writer(w, "write", errno);
  KR_TRY(make_parents(w));
  return open_temporary(w);
}

static KrStatus open_standard_output(KrWriter *w) {
  w->buffer = malloc(BUFFER_BYTES);
  if (!w->buffer) return fail_writer(w, "write", ENOMEM);
  return open_direct(w, STDOUT_FILENO);
}

KrStatus kr_writer_open(KrWriter *writer, const char *path) {
  *writer = (KrWriter){.fd = -1};
  KrStatus status =
      strcmp(path, "-") == 0 ? open_standard_output(writer) : open_target(writer, path);
  if (status != KR_OK) close_writer(writer);
  return status;
}

KrStatus kr_writer_put(KrWriter *writer, const void *at, size_t n_bytes) {
  if (writer->status != KR_OK) return writer->status;
  const uint8_t *bytes = at;
  writer->n_bytes += n_bytes;
  if (n_bytes > BUFFER_BYTES - writer->n_buffered) {
    KR_TRY(flush_writer(writer));
    if (n_bytes >= BUFFER_BYTES) return write_all(writer, bytes, n_bytes);
  }
  if (n_bytes > 0) memcpy(writer->buffer + writer->n_buffered, bytes, n_bytes);
  writer->n_buffered += n_bytes;
  return KR_OK;
}

KrStatus kr_writer_patch(KrWriter *writer, uint64_t offset, const void *at, size_t n_bytes) {
  if (writer->status != KR_OK) return writer->status;
  uint64_t written = writer->n_bytes - writer->n_buffered;
  if (offset > writer->n_bytes || n_bytes > writer->n_bytes - offset)
    return fail_writer(writer, "change", EINVAL);
  if (offset >= written) {
    memcpy(writer->buffer + (offset - written), at, n_bytes);
    return KR_OK;
  }
  if (!writer->can_seek) return fail_writer(writer, "change", ESPIPE);
  KR_TRY(flush_writer(writer));
  if (lseek(writer->fd, (off_t)offset, SEEK_SET) < 0) return fail_writer(writer, "change", errno);
  KR_TRY(write_all(writer, at, n_bytes));
  if (lseek(writer->fd, 0, SEEK_END) < 0) return fail_writer(writer, "change", errno);
  return KR_OK;
}

KrStatus kr_writer_commit(KrWriter *writer) {
  if (writer->fd < 0 && writer->status == KR_OK) return KR_ERROR_ARGUMENT;
  flush_writer(writer);
  if (writer->status == KR_OK && !writer->is_direct) {
    // Errors that a network file system reports late come with close.
    int code = close(writer->fd) == 0 ? 0 : errno;
    writer->fd = -1;
    if (code == 0 && rename(((Live *)writer->live)->path, writer->path) != 0) code = errno;
    if (code != 0) {
      fail_writer(writer, "write", code);
    } else {
      // The temporary name is gone; the entry must not unlink a later file of the same name.
      atomic_store(&((Live *)writer->live)->state, FREE);
      writer->live = NULL;
    }
  }
  close_writer(writer);
  return writer->status;
}

const char *kr_writer_temporary(const KrWriter *writer) {
  return writer->live == NULL ? NULL : ((const Live *)writer->live)->path;
}

void kr_writer_abort(KrWriter *writer) { close_writer(writer); }

KrStatus kr_file_write(const char *path, const void *at, size_t n_bytes, char *error) {
  KrWriter writer;
  KrStatus status = kr_writer_open(&writer, path);
  if (status == KR_OK) {
    kr_writer_put(&writer, at, n_bytes);
    status = kr_writer_commit(&writer);
  }
  if (status != KR_OK) memcpy(error, writer.error, KR_IO_MESSAGE);
  return status;
}

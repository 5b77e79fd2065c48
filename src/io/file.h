/// Files: whole reads, and writers whose result appears under its name only when it is complete.
/// All functions: [main] unless they say otherwise; they block.
#ifndef KR_IO_FILE_H
#define KR_IO_FILE_H
#include "base/arena.h"
#include "base/hash.h"
#include "kairo/status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KR_IO_MESSAGE 512 ///< bytes of a message, terminator included

/// The whole file (`-`: standard input) in `arena`, followed by a zero byte that is not counted.
/// KR_ERROR_NOT_FOUND, KR_ERROR_IO (also a folder, a read error), KR_ERROR_LIMIT above
/// KR_FILE_MAX_BYTES, KR_ERROR_MEMORY; *error is a sentence in `arena` or static.
KrStatus kr_file_read(const char *path, KrArena *arena, const uint8_t **at, size_t *n_bytes,
                      const char **error);
/// 64 GiB, or half the address space of a smaller machine.
#define KR_FILE_MAX_BYTES (SIZE_MAX >> (sizeof(size_t) == 8 ? 28 : 1))
/// SHA-256 of a file, read in pieces.
KrStatus kr_file_digest(const char *path, KrArena *arena, KrDigest *digest, const char **error);
/// Makes a folder and those above it; one that exists is fine. `error` has KR_IO_MESSAGE bytes.
KrStatus kr_file_make_folder(const char *path, char *error);
/// `folder/name`, or `name` alone when it is absolute or the folder is empty or NULL.
char *kr_file_join(KrArena *arena, const char *folder, const char *name);

/// How bytes leave; replaced in tests. Like write(2): returns the number taken, or -1 with errno.
typedef int64_t (*KrWriteFunction)(void *user, int fd, const void *at, size_t n_bytes);
/// NULL restores write(2).
void kr_io_set_write(KrWriteFunction write_function, void *user);

/// A file being written: `.NAME.<process>-<number>.tmp` beside the final name, renamed by commit.
/// What is no regular file (a device, a pipe, `-` for standard output) is written directly.
typedef struct KrWriter {
  int fd;
  bool is_direct;  ///< no temporary file, nothing to rename
  bool can_seek;   ///< patches are possible
  KrStatus status; ///< the first failure; every later call repeats it
  char *path;      ///< final name, links resolved; NULL for standard output
  void *live;      ///< its entry in the list of temporaries
  uint8_t *buffer;
  size_t n_buffered;
  uint64_t n_bytes;          ///< put so far
  char error[KR_IO_MESSAGE]; ///< sentence for `status`
} KrWriter;

/// Creates missing folders above `path`. On failure nothing stays open; writer->error says why.
KrStatus kr_writer_open(KrWriter *writer, const char *path);
KrStatus kr_writer_put(KrWriter *writer, const void *at, size_t n_bytes);
/// Overwrites bytes already put; offset + n_bytes <= writer->n_bytes.
KrStatus kr_writer_patch(KrWriter *writer, uint64_t offset, const void *at, size_t n_bytes);
/// Writes what is buffered, closes and renames. After a failure: removes the temporary file and
/// returns that failure. Either way the writer is closed.
KrStatus kr_writer_commit(KrWriter *writer);
/// Where the bytes are until then, for a program that writes them itself; NULL when there is no
/// temporary file.
const char *kr_writer_temporary(const KrWriter *writer);
/// Closes and removes; fine on a closed writer.
void kr_writer_abort(KrWriter *writer);
/// One call: open, put, commit. `error` has KR_IO_MESSAGE bytes.
KrStatus kr_file_write(const char *path, const void *at, size_t n_bytes, char *error);

/// Ends every child and removes every temporary file of this process; safe in a signal handler.
/// [any]
void kr_io_cancel(void);
/// Number of temporary files that exist now.
uint32_t kr_io_count_live(void);
#endif

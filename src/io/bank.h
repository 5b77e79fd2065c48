/// Banks of sounds: folders whose files have numbers. [main], blocks.
#ifndef KR_IO_BANK_H
#define KR_IO_BANK_H
#include "base/arena.h"
#include "kairo/status.h"

/// `path` is a file, `folder:n` (file n of the folder's sound files by name, modulo their number)
/// or a folder (its file 0). *file: what is to be read, in `arena`; *is_bank: it is one of a
/// folder. Sound files are known by their extension. KR_ERROR_NOT_FOUND, KR_ERROR_IO,
/// KR_ERROR_MEMORY: *error names the folder.
KrStatus kr_bank_find(const char *path, KrArena *arena, const char **file, bool *is_bank,
                      const char **error);
#endif

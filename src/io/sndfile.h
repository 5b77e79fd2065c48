/// Audio files through libsndfile (a Meson feature): every format it knows, to interleaved floats.
/// Integer samples are divided by 2^(bits-1). [main], blocks.
#ifndef KR_IO_SNDFILE_H
#define KR_IO_SNDFILE_H
#include "asset/host.h"
#include <stddef.h>

bool kr_sndfile_has_library(void);
/// Version text of the library, NULL without it.
const char *kr_sndfile_version(void);

/// Decodes a whole file held in memory; `name` is for messages. audio->exact is false for formats
/// whose samples depend on the decoder (MP3, Vorbis, Opus, ADPCM, …).
/// KR_ERROR_FORMAT: unknown, damaged, or shorter than its header says; KR_ERROR_UNAVAILABLE: built
/// without libsndfile; KR_ERROR_MEMORY. *error is a sentence in `arena` or static.
KrStatus kr_sndfile_decode(const uint8_t *at, size_t n_bytes, const char *name, KrArena *arena,
                           KrAssetAudio *audio, const char **error);
/// Reads the file (kr_file_read) and decodes it.
KrStatus kr_sndfile_read(const char *path, KrArena *arena, KrAssetAudio *audio, const char **error);
#endif

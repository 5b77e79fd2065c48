/// PNG pictures: 8-bit RGBA, or RGB when every pixel is opaque; no time, text or colour profile,
/// one compression level and filter, so the bytes change only with the version of the compressor.
/// Through libpng where the program was built with it, else by an own writer that does not compress
/// (ISO/IEC 15948, RFC 1950, RFC 1951 stored blocks). [main], blocks.
#ifndef KR_IO_PNG_H
#define KR_IO_PNG_H
#include "image/image.h"
#include "io/file.h"

/// `error` has KR_IO_MESSAGE bytes. KR_ERROR_ARGUMENT for an empty picture.
KrStatus kr_png_write(const char *path, const KrImage *image, char *error);
/// The own writer, always there; for tests and for builds without libpng.
KrStatus kr_png_write_stored(const char *path, const KrImage *image, char *error);
bool kr_png_has_library(void);
#endif

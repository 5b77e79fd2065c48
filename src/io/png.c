// Decides how a picture becomes a PNG file.
#include "io/png.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef KR_HAVE_PNG
#include <png.h>
#endif

static bool is_opaque(const KrImage *image) {
  size_t n = (size_t)image->width * image->height;
  for (size_t i = 0; i < n; i++)
    if (image->rgba[4 * i + 3] != 255) return false;
  return true;
}

static void copy_row(uint8_t *to, const KrImage *image, uint32_t y, uint32_t n_channels) {
  const uint8_t *from = image->rgba + (size_t)4 * image->width * y;
  for (uint32_t x = 0; x < image->width; x++)
    memcpy(to + (size_t)n_channels * x, from + (size_t)4 * x, n_channels);
}

static KrStatus check_size(const KrImage *image, char *error) {
  bool good = image->width > 0 && image->height > 0 && image->width <= KR_IMAGE_MAX_SIDE &&
              image->height <= KR_IMAGE_MAX_SIDE;
  if (!good)
    snprintf(error, KR_IO_MESSAGE, "cannot write a picture of %u x %u pixels", image->width,
             image->height);
  return good ? KR_OK : KR_ERROR_ARGUMENT;
}

static KrStatus finish(KrWriter *writer, char *error) {
  KrStatus status = kr_writer_commit(writer);
  if (status != KR_OK) memcpy(error, writer->error, KR_IO_MESSAGE);
  return status;
}

static KrStatus open_png(KrWriter *writer, const char *path, char *error) {
  KrStatus status = kr_writer_open(writer, path);
  if (status != KR_OK) memcpy(error, writer->error, KR_IO_MESSAGE);
  return status;
}

// CRC-32 of ISO/IEC 15948 annex D, bit by bit; starts and ends inverted.
static uint32_t add_crc(uint32_t crc, const uint8_t *at, size_t n) {
  for (size_t i = 0; i < n; i++) {
    crc ^= at[i];
    for (int k = 0; k < 8; k++) crc = (crc >> 1) ^ (0xEDB88320 & (0 - (crc & 1)));
  }
  return crc;
}

static void set_big_endian(uint8_t *at, uint32_t value) {
  for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void put_chunk(KrWriter *writer, const char *type, const uint8_t *data, size_t n) {
  uint8_t head[8], tail[4];
  set_big_endian(head, (uint32_t)n);
  memcpy(head + 4, type, 4);
  set_big_endian(tail, ~add_crc(add_crc(0xFFFFFFFF, head + 4, 4), data, n));
  kr_writer_put(writer, head, sizeof head);
  kr_writer_put(writer, data, n);
  kr_writer_put(writer, tail, sizeof tail);
}

// Adler-32 of RFC 1950.
typedef struct Adler {
  uint32_t a, b;
} Adler;

static void add_adler(Adler *sum, const uint8_t *at, size_t n) {
  for (size_t i = 0; i < n; i++) {
    sum->a = (sum->a + at[i]) % 65521;
    sum->b = (sum->b + sum->a) % 65521;
  }
}

// One IDAT a row: RFC 1951 stored blocks of at most 65535 bytes; zlib's header opens the first row
// and its sum closes the last.
static size_t store_row(uint8_t *out, const uint8_t *row, size_t n, bool is_last) {
  size_t used = 0;
  while (n > 0) {
    size_t part = n < 65535 ? n : 65535;
    out[used++] = is_last && part == n;
    out[used++] = (uint8_t)part;
    out[used++] = (uint8_t)(part >> 8);
    out[used++] = (uint8_t)~part;
    out[used++] = (uint8_t)(~part >> 8);
    memcpy(out + used, row, part);
    used += part;
    row += part;
    n -= part;
  }
  return used;
}

static void put_rows(KrWriter *writer, const KrImage *image, uint8_t *row, uint8_t *out) {
  uint32_t n_channels = is_opaque(image) ? 3 : 4;
  size_t n_row = 1 + (size_t)n_channels * image->width;
  Adler sum = {1, 0};
  uint8_t header[13] = {0, 0, 0, 0, 0, 0, 0, 0, 8, n_channels == 3 ? 2 : 6, 0, 0, 0};
  set_big_endian(header, image->width);
  set_big_endian(header + 4, image->height);
  put_chunk(writer, "IHDR", header, sizeof header);
  for (uint32_t y = 0; y < image->height; y++) {
    bool is_last = y + 1 == image->height;
    size_t n = 0;
    row[0] = 0;
    copy_row(row + 1, image, y, n_channels);
    add_adler(&sum, row, n_row);
    if (y == 0) {
      out[n++] = 0x78;
      out[n++] = 0x01;
    }
    n += store_row(out + n, row, n_row, is_last);
    if (is_last) {
      set_big_endian(out + n, sum.b << 16 | sum.a);
      n += 4;
    }
    put_chunk(writer, "IDAT", out, n);
  }
  put_chunk(writer, "IEND", NULL, 0);
}

KrStatus kr_png_write_stored(const char *path, const KrImage *image, char *error) {
  KrWriter writer;
  KR_TRY(check_size(image, error));
  size_t n_row = 1 + (size_t)4 * image->width;
  uint8_t *row = malloc(2 * n_row + 64);
  if (!row) {
    snprintf(error, KR_IO_MESSAGE, "cannot write %s: out of memory", path);
    return KR_ERROR_MEMORY;
  }
  KrStatus status = open_png(&writer, path, error);
  if (status == KR_OK) {
    static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
    kr_writer_put(&writer, signature, sizeof signature);
    put_rows(&writer, image, row, row + n_row);
    status = finish(&writer, error);
  }
  free(row);
  return status;
}

#ifdef KR_HAVE_PNG
static void put_bytes(png_structp png, png_bytep at, png_size_t n) {
  if (kr_writer_put(png_get_io_ptr(png), at, n) != KR_OK) png_error(png, "write");
}

static void flush_bytes(png_structp png) { (void)png; }

static void ignore_warning(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

// Everything that must survive libpng's longjmp lives in here.
typedef struct Encoder {
  png_structp png;
  png_infop info;
  uint8_t *row;
} Encoder;

static bool encode(Encoder *e, KrWriter *writer, const KrImage *image) {
  if (setjmp(png_jmpbuf(e->png)) != 0) return false;
  uint32_t n_channels = is_opaque(image) ? 3 : 4;
  int type = n_channels == 3 ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_RGB_ALPHA;
  png_set_write_fn(e->png, writer, put_bytes, flush_bytes);
  png_set_user_limits(e->png, KR_IMAGE_MAX_SIDE, KR_IMAGE_MAX_SIDE);
  png_set_IHDR(e->png, e->info, image->width, image->height, 8, type, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_set_compression_level(e->png, 6);
  png_set_filter(e->png, PNG_FILTER_TYPE_DEFAULT, PNG_FILTER_SUB);
  png_write_info(e->png, e->info);
  for (uint32_t y = 0; y < image->height; y++) {
    copy_row(e->row, image, y, n_channels);
    png_write_row(e->png, e->row);
  }
  png_write_end(e->png, e->info);
  return true;
}

static KrStatus encode_to(KrWriter *writer, const KrImage *image) {
  Encoder e = {NULL, NULL, NULL};
  e.png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, ignore_warning);
  e.info = e.png ? png_create_info_struct(e.png) : NULL;
  e.row = malloc((size_t)4 * image->width);
  bool done = e.info && e.row && encode(&e, writer, image);
  free(e.row);
  if (e.png) png_destroy_write_struct(&e.png, e.info ? &e.info : NULL);
  if (done || writer->status != KR_OK) return writer->status;
  snprintf(writer->error, KR_IO_MESSAGE, "cannot write a picture: libpng ran out of memory");
  writer->status = KR_ERROR_MEMORY;
  return writer->status;
}

KrStatus kr_png_write(const char *path, const KrImage *image, char *error) {
  KrWriter writer;
  KR_TRY(check_size(image, error));
  KR_TRY(open_png(&writer, path, error));
  encode_to(&writer, image);
  return finish(&writer, error);
}
#else
KrStatus kr_png_write(const char *path, const KrImage *image, char *error) {
  return kr_png_write_stored(path, image, error);
}
#endif

bool kr_png_has_library(void) {
#ifdef KR_HAVE_PNG
  return true;
#else
  return false;
#endif
}

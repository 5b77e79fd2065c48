// Decides the bytes of a WAV file: header layout, sizes, rounding and clipping of samples.
#include "io/wav.h"
#include <stdio.h>
#include <string.h>

#define JUNK_BYTES 28
#define MAX_HEADER 128
#define PIECE 4096

typedef struct Header {
  uint8_t at[MAX_HEADER];
  uint32_t n;
} Header;

static void put_text(Header *h, const char *four) {
  memcpy(h->at + h->n, four, 4);
  h->n += 4;
}

static void put_number(Header *h, uint64_t value, uint32_t n_bytes) {
  for (uint32_t i = 0; i < n_bytes; i++) h->at[h->n++] = (uint8_t)(value >> (8 * i));
}

static uint32_t sample_bytes(KrWavFormat format) {
  return format == KR_WAV_FLOAT32 ? 4 : format == KR_WAV_PCM24 ? 3 : 2;
}

static void put_format(Header *h, const KrWavOptions *options) {
  uint32_t n_bytes = sample_bytes(options->format), n_channels = options->n_channels;
  bool extensible = options->format == KR_WAV_PCM24 || n_channels > 2;
  uint32_t tag = options->format == KR_WAV_FLOAT32 ? 3 : 1;
  put_text(h, "fmt ");
  put_number(h, extensible ? 40 : 16, 4);
  put_number(h, extensible ? 0xFFFE : tag, 2);
  put_number(h, n_channels, 2);
  put_number(h, options->rate_hz, 4);
  put_number(h, (uint64_t)options->rate_hz * n_channels * n_bytes, 4);
  put_number(h, (uint64_t)n_channels * n_bytes, 2);
  put_number(h, (uint64_t)n_bytes * 8, 2);
  if (!extensible) return;
  // KSDATAFORMAT_SUBTYPE_PCM and _IEEE_FLOAT are the tag followed by one fixed tail.
  static const uint8_t tail[14] = {0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71};
  put_number(h, 22, 2);
  put_number(h, (uint64_t)n_bytes * 8, 2);
  put_number(h, n_channels == 1 ? 4 : n_channels == 2 ? 3 : 0, 4);
  put_number(h, tag, 2);
  memcpy(h->at + h->n, tail, sizeof tail);
  h->n += sizeof tail;
}

// The header for n_frames; `room` keeps 28 bytes for sizes not known yet.
static Header make_header(const KrWavOptions *options, uint64_t n_frames, bool room) {
  Header h = {{0}, 0};
  bool is_float = options->format == KR_WAV_FLOAT32;
  uint64_t n_data = n_frames * options->n_channels * sample_bytes(options->format);
  uint32_t n_format = options->format == KR_WAV_PCM24 || options->n_channels > 2 ? 48 : 24;
  uint32_t n_head = 12 + n_format + (is_float ? 12 : 0) + 8; // without JUNK or ds64
  uint64_t riff = n_head + (room ? JUNK_BYTES + 8 : 0) - 8 + n_data + (n_data & 1);
  bool large = riff > 0xFFFFFFFF;
  if (large && !room) riff += JUNK_BYTES + 8;
  put_text(&h, large ? "RF64" : "RIFF");
  put_number(&h, large ? 0xFFFFFFFF : riff, 4);
  put_text(&h, "WAVE");
  if (large || room) {
    put_text(&h, large ? "ds64" : "JUNK");
    put_number(&h, JUNK_BYTES, 4);
    put_number(&h, large ? riff : 0, 8);
    put_number(&h, large ? n_data : 0, 8);
    put_number(&h, large ? n_frames : 0, 8);
    put_number(&h, 0, 4);
  }
  put_format(&h, options);
  if (is_float) {
    put_text(&h, "fact");
    put_number(&h, 4, 4);
    put_number(&h, n_frames > 0xFFFFFFFF ? 0xFFFFFFFF : n_frames, 4);
  }
  put_text(&h, "data");
  put_number(&h, large ? 0xFFFFFFFF : n_data, 4);
  return h;
}

static KrStatus fail(KrWav *wav, KrStatus status, const char *what) {
  snprintf(wav->writer.error, KR_IO_MESSAGE, "cannot write a WAV file: %s", what);
  wav->writer.status = status;
  return status;
}

static uint64_t most_frames(const KrWavOptions *options) {
  return ((uint64_t)1 << 62) / ((uint64_t)options->n_channels * 4);
}

KrStatus kr_wav_open(KrWav *wav, const char *path, const KrWavOptions *options) {
  *wav = (KrWav){.options = *options};
  wav->writer.fd = -1;
  if (options->n_channels < 1 || options->n_channels > 1024)
    return fail(wav, KR_ERROR_ARGUMENT, "channels must be 1 to 1024");
  if (options->rate_hz < 1 || options->rate_hz > (uint32_t)1 << 31)
    return fail(wav, KR_ERROR_ARGUMENT, "the rate must be 1 Hz to 2^31 Hz");
  if (options->n_frames > most_frames(options)) return fail(wav, KR_ERROR_LIMIT, "too long");
  KR_TRY(kr_writer_open(&wav->writer, path));
  Header h = make_header(options, options->n_frames, !options->is_known);
  wav->data_offset = h.n;
  if (kr_writer_put(&wav->writer, h.at, h.n) != KR_OK) kr_writer_abort(&wav->writer);
  return wav->writer.status;
}

static uint32_t to_little(uint32_t bits) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  return bits;
#else
  return __builtin_bswap32(bits);
#endif
}

static void put_floats(uint8_t *restrict at, const float *restrict values, size_t n, KrWav *wav) {
  uint32_t n_nan = 0;
  for (size_t i = 0; i < n; i++) {
    uint32_t bits;
    memcpy(&bits, &values[i], sizeof bits);
    bool is_nan = !(values[i] == values[i]);
    bits = to_little(is_nan ? 0x7FC00000 : bits);
    n_nan += is_nan;
    memcpy(at + 4 * i, &bits, sizeof bits);
  }
  wav->n_nan += n_nan;
}

// Adding and taking away 1.5 * 2^52 rounds a double below 2^51 to a whole number, ties to even.
static int32_t to_pcm(float value, double scale, KrWav *wav) {
  if (!(value == value)) {
    wav->n_nan++;
    return 0;
  }
  double scaled = (double)value * scale;
  double limited = scaled > 2 * scale ? 2 * scale : scaled < -2 * scale ? -2 * scale : scaled;
  double whole = (limited + 0x1.8p52) - 0x1.8p52;
  if (whole > scale - 1 || whole < -scale) {
    wav->n_clipped++;
    whole = whole < 0 ? -scale : scale - 1;
  }
  return (int32_t)whole;
}

static void put_pcm(uint8_t *at, int32_t value, uint32_t n_bytes) {
  for (uint32_t i = 0; i < n_bytes; i++) at[i] = (uint8_t)((uint32_t)value >> (8 * i));
}

KrStatus kr_wav_put(KrWav *wav, const float *frames, size_t n_frames) {
  uint8_t piece[PIECE * 4];
  uint32_t n_bytes = sample_bytes(wav->options.format);
  double scale = wav->options.format == KR_WAV_PCM24 ? 0x1p23 : 0x1p15;
  if (wav->writer.status != KR_OK) return wav->writer.status;
  if (n_frames > most_frames(&wav->options) - wav->n_frames)
    return fail(wav, KR_ERROR_LIMIT, "too long");
  size_t n_left = n_frames * wav->options.n_channels;
  wav->n_frames += n_frames;
  while (n_left > 0) {
    size_t n = n_left < PIECE ? n_left : PIECE;
    if (wav->options.format == KR_WAV_FLOAT32) put_floats(piece, frames, n, wav);
    for (size_t i = 0; wav->options.format != KR_WAV_FLOAT32 && i < n; i++)
      put_pcm(piece + n_bytes * i, to_pcm(frames[i], scale, wav), n_bytes);
    KR_TRY(kr_writer_put(&wav->writer, piece, n * n_bytes));
    frames += n;
    n_left -= n;
  }
  return KR_OK;
}

static void patch_header(KrWav *wav) {
  Header h = make_header(&wav->options, wav->n_frames, !wav->options.is_known);
  bool same = wav->options.is_known && wav->options.n_frames == wav->n_frames;
  if (same || wav->writer.status != KR_OK) return;
  if (h.n != wav->data_offset)
    fail(wav, KR_ERROR_IO, "it passed 4 GiB although it was announced to be shorter");
  else
    kr_writer_patch(&wav->writer, 0, h.at, h.n);
}

KrStatus kr_wav_commit(KrWav *wav) {
  uint64_t n_data = wav->n_frames * wav->options.n_channels * sample_bytes(wav->options.format);
  if (n_data & 1) kr_writer_put(&wav->writer, "", 1);
  patch_header(wav);
  return kr_writer_commit(&wav->writer);
}

void kr_wav_abort(KrWav *wav) { kr_writer_abort(&wav->writer); }

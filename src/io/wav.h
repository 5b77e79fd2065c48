/// Streaming WAV files, little-endian on every machine, without times, versions or PEAK chunk: the
/// same samples always give the same bytes. Up to two channels of float32 or pcm16 use the plain
/// header (fmt of 16 bytes; float adds `fact`), pcm24 and more channels WAVE_FORMAT_EXTENSIBLE.
/// Sources: Microsoft "Multiple channel audio data and WAVE files" (2007), EBU Tech 3306 (RF64).
/// [main], blocks.
#ifndef KR_IO_WAV_H
#define KR_IO_WAV_H
#include "io/file.h"

typedef enum KrWavFormat { KR_WAV_FLOAT32, KR_WAV_PCM16, KR_WAV_PCM24 } KrWavFormat;

typedef struct KrWavOptions {
  uint32_t rate_hz;    ///< 1..2^31
  uint32_t n_channels; ///< 1..1024
  KrWavFormat format;
  /// Frames that will come, 0 when not known. Known: the header is final from the start, so pipes
  /// work, and RF64 is chosen at once past 4 GiB. Not known: a JUNK chunk of 28 bytes keeps room
  /// for RF64's ds64 and the sizes are patched at the end.
  uint64_t n_frames;
  bool is_known; ///< n_frames counts, 0 too
} KrWavOptions;

typedef struct KrWav {
  KrWriter writer;
  KrWavOptions options;
  uint64_t n_frames;  ///< put so far
  uint64_t n_clipped; ///< pcm: samples outside the range, cut to its ends
  uint64_t n_nan;     ///< NaN samples: canonical in float files, 0 in pcm
  uint32_t data_offset;
} KrWav;

/// KR_ERROR_ARGUMENT for options out of range, KR_ERROR_LIMIT when the sizes do not fit 63 bits;
/// otherwise like kr_writer_open. wav->writer.error is the message.
KrStatus kr_wav_open(KrWav *wav, const char *path, const KrWavOptions *options);
/// Interleaved frames. pcm: x * 2^15 or 2^23 rounded to nearest, ties to even.
KrStatus kr_wav_put(KrWav *wav, const float *frames, size_t n_frames);
/// Patches what changed, closes and renames. Fewer or more frames than announced: the sizes are
/// patched when the file allows it, KR_ERROR_IO else.
KrStatus kr_wav_commit(KrWav *wav);
void kr_wav_abort(KrWav *wav);
#endif

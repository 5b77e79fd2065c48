/// Pictures as MP4 (H.264) through the program `ffmpeg`, with sound (FLAC: no samples before the
/// first one). Picture k is shown from exactly delay + k / rate on. The file appears under its name
/// when it is whole. [main], blocks.
#ifndef KR_IO_VIDEO_H
#define KR_IO_VIDEO_H
#include "io/child.h"
#include "kairo/time.h"

enum { KR_VIDEO_MAX_CHANNELS = 8 }; ///< of FLAC

typedef struct KrVideoOptions {
  uint32_t width, height;
  KrRatio rate;  ///< Hz
  KrRatio delay; ///< seconds from the beginning of the film to the first picture, >= 0
} KrVideoOptions;

typedef struct KrVideo {
  KrWriter pictures; ///< a film without sound
  KrChild child;
  KrVideoOptions options;
  size_t n_frame; ///< bytes
  char path[4096], size[32], frames[48], scale[16];
  char error[KR_IO_MESSAGE];
} KrVideo;

/// KR_ERROR_NOT_FOUND: there is no ffmpeg; KR_ERROR_IO;
/// video->error is the message and nothing stays open.
KrStatus kr_video_open(KrVideo *video, const char *path, const KrVideoOptions *options);
/// One picture, rows of RGBA.
KrStatus kr_video_put(KrVideo *video, const uint8_t *rgba);
/// `sound`: a WAV file that begins `delay_s` >= 0 after the film; NULL: none.
KrStatus kr_video_commit(KrVideo *video, const char *sound, double delay_s);
void kr_video_abort(KrVideo *video);
#endif

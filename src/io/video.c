// Decides how pictures and sound become a film: what ffmpeg is told, so that nothing is shifted.
#include "io/video.h"
#include <stdio.h>
#include <string.h>

// No name, version or time of the encoder in the file.
#define ANONYMOUS "-map_metadata", "-1", "-fflags", "+bitexact", "-flags", "+bitexact"
#define QUIET "ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "error", "-y"

// BT.709 in the range of television.
static const char filters[] = "scale=flags=accurate_rnd+bitexact:out_color_matrix=bt709:"
                              "out_range=tv,pad=ceil(iw/2)*2:ceil(ih/2)*2,format=yuv420p";

static KrStatus fail(KrVideo *video, KrStatus status, const char *why) {
  if (why != video->error) snprintf(video->error, KR_IO_MESSAGE, "%s", why);
  kr_video_abort(video);
  return status;
}

// Time is counted in 1 / num seconds, den of them a picture: no picture is rounded. Without
// B-frames the order of decoding is that of showing, and the film begins at 0. Width and height
// become even, as the halved colour planes need.
static KrStatus start_encoder(KrVideo *video) {
  // clang-format off
  const char *const args[] = {
      QUIET, "-f", "rawvideo", "-pix_fmt", "rgba", "-video_size", video->size,
      "-framerate", video->frames, "-i", "pipe:0", "-an", "-fps_mode", "passthrough",
      "-vf", filters,
      "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "iec61966-2-1",
      "-c:v", "libx264", "-bf", "0", "-crf", "16", "-preset", "medium",
      "-bsf:v", "filter_units=remove_types=6", // the encoder's name and settings
      "-video_track_timescale", video->scale, ANONYMOUS,
      "-f", "mp4", kr_writer_temporary(&video->pictures), NULL};
  // clang-format on
  return kr_child_start(&video->child, args, true, video->error);
}

// A unit that divides a picture and the delay, when there is one.
static long long time_scale(const KrVideoOptions *options) {
  long long scale = options->rate.num, a = scale, b = options->delay.den;
  while (b != 0) {
    long long rest = a % b;
    a = b;
    b = rest;
  }
  long long parts = options->delay.den / a;
  return parts <= INT32_MAX / scale ? scale * parts : scale;
}

KrStatus kr_video_open(KrVideo *video, const char *path, const KrVideoOptions *options) {
  *video = (KrVideo){.pictures = {.fd = -1}, .options = *options};
  KrRatio rate = options->rate;
  video->n_frame = (size_t)options->width * options->height * 4;
  snprintf(video->size, sizeof video->size, "%ux%u", options->width, options->height);
  snprintf(video->frames, sizeof video->frames, "%lld/%lld", (long long)rate.num,
           (long long)rate.den);
  snprintf(video->scale, sizeof video->scale, "%lld", time_scale(options));
  int length = snprintf(video->path, sizeof video->path, "%s", path);
  if (length < 0 || (size_t)length >= sizeof video->path || rate.num > INT32_MAX)
    return fail(video, KR_ERROR_ARGUMENT, "the film's path is too long, or its rate");
  KrStatus status = kr_writer_open(&video->pictures, path);
  if (status != KR_OK) return fail(video, status, video->pictures.error);
  if (kr_writer_temporary(&video->pictures) == NULL)
    return fail(video, KR_ERROR_IO, "a film can only be written to a file");
  status = start_encoder(video);
  return status == KR_OK ? KR_OK : fail(video, status, video->error);
}

KrStatus kr_video_put(KrVideo *video, const uint8_t *rgba) {
  if (kr_child_put(&video->child, rgba, video->n_frame) == KR_OK) return KR_OK;
  if (kr_child_wait(&video->child, "ffmpeg", video->error) == KR_OK)
    snprintf(video->error, KR_IO_MESSAGE, "ffmpeg stopped before the end of the pictures");
  return fail(video, KR_ERROR_IO, video->error);
}

static KrStatus join_sound(KrVideo *video, const char *from, const char *sound, double delay_s,
                           const char *to) {
  char picture_delay[32], sound_delay[32];
  KrRatio delay = video->options.delay;
  snprintf(picture_delay, sizeof picture_delay, "%.6f", (double)delay.num / (double)delay.den);
  snprintf(sound_delay, sizeof sound_delay, "%.6f", delay_s);
  // clang-format off
  const char *const args[] = {
      QUIET, "-itsoffset", picture_delay, "-i", from, "-itsoffset", sound_delay, "-i", sound,
      "-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "flac", "-sample_fmt", "s32",
      "-strict", "experimental", // FLAC in MP4 is that before ffmpeg 6
      "-video_track_timescale", video->scale, "-movie_timescale", "1000000", ANONYMOUS,
      "-f", "mp4", to, NULL};
  // clang-format on
  KR_TRY(kr_child_start(&video->child, args, false, video->error));
  return kr_child_wait(&video->child, "ffmpeg", video->error);
}

KrStatus kr_video_commit(KrVideo *video, const char *sound, double delay_s) {
  KrStatus status = kr_child_wait(&video->child, "ffmpeg", video->error);
  if (status != KR_OK) return fail(video, status, video->error);
  if (sound == NULL) {
    status = kr_writer_commit(&video->pictures);
    if (status != KR_OK) memcpy(video->error, video->pictures.error, KR_IO_MESSAGE);
    return status;
  }
  KrWriter film;
  status = kr_writer_open(&film, video->path);
  if (status != KR_OK) return fail(video, status, film.error);
  status = join_sound(video, kr_writer_temporary(&video->pictures), sound, delay_s,
                      kr_writer_temporary(&film));
  if (status == KR_OK) {
    status = kr_writer_commit(&film);
    if (status != KR_OK) memcpy(video->error, film.error, KR_IO_MESSAGE);
  } else {
    kr_writer_abort(&film);
  }
  kr_video_abort(video);
  return status;
}

void kr_video_abort(KrVideo *video) {
  kr_child_kill(&video->child);
  kr_writer_abort(&video->pictures);
}

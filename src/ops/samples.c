// Playing a decoded file: a position in frames, 32.32 fixed point, moved by speed every tick.
#ifndef KR_PASS
#include "ops/kernel.h"
#include "resample/cross.h"
#include <string.h>

enum { FIELD_POSITION, FIELD_FRAMES, FIELD_BEGIN, FIELD_END };
enum { PORT_FILE, PORT_SPEED, PORT_BEGIN, PORT_FINISH };
enum { MAX_FRAMES = 1 << 30 };

#define KR_PASS 32
#include "ops/samples.c"
#undef KR_PASS
#define KR_PASS 64
#include "ops/samples.c"
#undef KR_PASS

#ifdef KR_ROWS
// File rate / flow rate in lowest terms; false when they are equal.
static bool conversion(const KrPrep *prep, KrRatio *ratio) {
  const KrAssetAudio *audio = prep->port[PORT_FILE].audio;
  return audio != NULL && kr_ratio_mul(kr_ratio_of(audio->rate_hz), prep->dt, ratio) == KR_OK &&
         kr_ratio_compare(*ratio, KR_RATIO_ONE) != 0;
}

// Frames at the flow's rate: frame k stands at k ratio frames of the file.
static uint64_t count_converted(const KrPrep *prep) {
  KrRatio ratio;
  const KrAssetAudio *audio = prep->port[PORT_FILE].audio;
  if (audio == NULL) return 1;
  if (!conversion(prep, &ratio)) return audio->n_frames > 0 ? audio->n_frames : 1;
  int64_t n = 0;
  uint64_t rest = 0;
  if (audio->n_frames > MAX_FRAMES ||
      !kr_muldiv_floor((int64_t)audio->n_frames, (uint64_t)ratio.den, (uint64_t)ratio.num, &n,
                       &rest))
    return 1;
  n += rest != 0;
  return n > 0 ? (uint64_t)n : 1;
}
static uint64_t count_frames(const KrPrep *prep, uint32_t field) {
  (void)field;
  return count_converted(prep);
}

static double channel_zero(const KrAssetAudio *audio, int64_t i) {
  if (i < 0 || i >= (int64_t)audio->n_frames) return 0;
  return (double)audio->frames[(size_t)i * audio->n_channels];
}

static void convert_rate(const KrPrep *prep, KrRatio ratio, uint64_t n) {
  const KrAssetAudio *audio = prep->port[PORT_FILE].audio;
  uint64_t num = (uint64_t)ratio.num, den = (uint64_t)ratio.den;
  KrSinc *sinc = kr_sinc_new(prep->arena, num, den, den);
  double *x = KR_NEW_ARRAY(prep->arena, double, 2 * (size_t)sinc->half);
  for (uint64_t k = 0; k < n; k++) {
    int64_t at = 0;
    uint64_t rest = 0;
    if (!kr_muldiv_floor((int64_t)k, num, den, &at, &rest)) break;
    for (uint32_t i = 0; i < 2 * sinc->half; i++)
      x[i] = channel_zero(audio, at - (int64_t)sinc->half + 1 + i);
    FIELD_AT(prep, FIELD_FRAMES, float)[k * prep->lanes] = (float)kr_sinc_run(sinc, x, rest, den);
  }
}

static KrStatus prepare_sample(const KrPrep *prep, const char **message) {
  const KrAssetAudio *audio = prep->port[PORT_FILE].audio;
  double begin = prep->port[PORT_BEGIN].value, end = prep->port[PORT_FINISH].value;
  if (audio == NULL || audio->n_frames == 0 || audio->n_channels == 0) {
    *message = "the file has no sound in it";
    return KR_ERROR_ARGUMENT;
  }
  uint64_t n = count_converted(prep);
  if (audio->n_frames > MAX_FRAMES || n > MAX_FRAMES) {
    *message = "the file has more than 2^30 frames at this rate";
    return KR_ERROR_ARGUMENT;
  }
  if (!(begin >= 0 && begin <= 1 && end >= 0 && end <= 1 && begin < end)) {
    *message = "begin and end must be 0 to 1, begin before end";
    return KR_ERROR_ARGUMENT;
  }
  KrRatio ratio;
  if (conversion(prep, &ratio))
    convert_rate(prep, ratio, n);
  else
    for (uint64_t k = 0; k < n; k++)
      FIELD_AT(prep, FIELD_FRAMES, float)[k * prep->lanes] = audio->frames[k * audio->n_channels];
  int64_t first = (int64_t)(begin * (double)n) << 32, last = (int64_t)(end * (double)n) << 32;
  FIELD_AT(prep, FIELD_BEGIN, int64_t)[0] = first;
  FIELD_AT(prep, FIELD_END, int64_t)[0] = last > first ? last : first + ((int64_t)1 << 32);
  FIELD_AT(prep, FIELD_POSITION, int64_t)[0] = first;
  return KR_OK;
}

static const KrOp OPS[] = {
    {.name = "sample",
     .family = "samples",
     .run = RUN_REAL(sample),
     .in = {{"file", KR_PORT_ASSET, NULL, NULL, NULL, NULL, "sound file; its first channel"},
            SIGNAL("speed", "", "1", "-64..64", "1: as recorded; negative: backwards"),
            SETTING("begin", "", "0", "0..1", "first part played"),
            SETTING("end", "", "1", "0..1", "where it ends"),
            {"loop", KR_PORT_BOOL, NULL, "false", NULL, NULL, "from end back to begin, and on"}},
     .field = {STATE("position", I64, 1), COEF("frames", F32, 0), COEF("begin", I64, 1),
               COEF("end", I64, 1)},
     .count = count_frames,
     .prepare = prepare_sample,
     .doc = "Plays a file from the first tick on, converted to the flow's rate by sinc; whole "
            "positions are the samples themselves, others the cubic between them; then silence"},
};
KR_FAMILY_DEFINE(samples, "samples");
#endif
KR_KERNELS(samples, KR_REALS(sample));

#else
#include "ops/pass.h"

// Frame `i` of one lane; beyond the part played, silence, or its other end in a loop.
static inline REAL FN(frame_at)(const float *frames, size_t stride, int64_t i, int64_t first,
                                int64_t last, bool loop) {
  int64_t length = last - first;
  if (i < first || i >= last) {
    if (!loop) return 0;
    i = first + ((i - first) % length + length) % length;
  }
  return (REAL)frames[(size_t)i * stride];
}

static REAL FN(sample_at)(const float *frames, size_t stride, int64_t position, int64_t begin,
                          int64_t end, bool loop) {
  int64_t i = position >> 32, first = begin >> 32, last = (end + 0xffffffff) >> 32;
  REAL a = (REAL)(position & 0xffffffff) * (REAL)0x1p-32;
  REAL p[4];
  if (!loop && (i < first - 1 || i >= last)) return 0;
  if (a == 0) return FN(frame_at)(frames, stride, i, first, last, loop);
  for (int k = 0; k < 4; k++) p[k] = FN(frame_at)(frames, stride, i - 1 + k, first, last, loop);
  return FN(kr_cross_cubic)(p[0], p[1], p[2], p[3], a);
}

// Past either end the position stays where it left, so it never wraps.
static int64_t FN(move)(int64_t position, REAL speed, int64_t begin, int64_t end, bool loop) {
  const REAL most = 64;
  speed = speed > -most ? speed : -most;
  speed = speed < most ? speed : most;
#if KR_PASS == 32
  int64_t step = kr_f32_to_i64(speed * 0x1p32f);
#else
  int64_t step = kr_f64_to_i64(speed * 0x1p32);
#endif
  int64_t margin = (int64_t)2 << 32;
  if (loop) {
    int64_t length = end - begin;
    return begin + ((position + step - begin) % length + length) % length;
  }
  if (position >= end + margin || position < begin - margin) return position;
  return position + step;
}

static void FN(sample)(const KrCall *call) {
  int64_t *position = call->field[FIELD_POSITION];
  const int64_t *begin = call->field[FIELD_BEGIN], *end = call->field[FIELD_END];
  const float *frames = call->field[FIELD_FRAMES];
  const REAL *speed = call->in[0];
  const uint8_t *loop = call->in[1];
  size_t speed_stride = kr_call_stride(call, 0), loop_stride = kr_call_stride(call, 1);
  REAL *restrict out = call->out[0];
  for (uint32_t t = 0; t < call->n; t++)
    for (uint32_t l = 0; l < call->lanes; l++) {
      bool again = loop[t * loop_stride + l] != 0;
      out[t * call->lanes + l] =
          FN(sample_at)(frames + l, call->lanes, position[l], begin[l], end[l], again);
      position[l] = FN(move)(position[l], speed[t * speed_stride + l], begin[l], end[l], again);
    }
}
#endif

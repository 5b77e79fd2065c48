// Decides which frames of a file a player reads: those of one channel at the rate of its flow, made
// once before the run.
#include "ops/frames.h"
#include "resample/cross.h"

enum { MAX_FRAMES = 1 << 28 };
static const char kind[] = "frames";

// File rate / flow rate in lowest terms; 1 when they are equal or it has no exact form.
static KrRatio find_ratio(const KrPrep *prep, const KrAssetAudio *audio) {
  KrRatio ratio = KR_RATIO_ONE;
  if (kr_ratio_mul(kr_ratio_of(audio->rate_hz), prep->dt, &ratio) != KR_OK) return KR_RATIO_ONE;
  return ratio;
}

// Frames at the flow's rate: frame k stands at k ratio frames of the file. False: too many.
static bool count_frames(const KrAssetAudio *audio, KrRatio ratio, uint64_t *n) {
  int64_t whole = 0;
  uint64_t rest = 0;
  if (audio->n_frames > MAX_FRAMES ||
      !kr_muldiv_floor((int64_t)audio->n_frames, (uint64_t)ratio.den, (uint64_t)ratio.num, &whole,
                       &rest))
    return false;
  *n = (uint64_t)whole + (rest != 0);
  return *n <= MAX_FRAMES;
}

typedef struct Source {
  const KrAssetAudio *audio;
  uint64_t channel;
} Source;

static double frame_of(const Source *source, int64_t i) {
  const KrAssetAudio *audio = source->audio;
  if (i < 0 || i >= (int64_t)audio->n_frames) return 0;
  return (double)audio->frames[(size_t)i * audio->n_channels + source->channel];
}

static void convert(const KrPrep *prep, const Source *source, KrRatio ratio, uint64_t n,
                    float *to) {
  uint64_t num = (uint64_t)ratio.num, den = (uint64_t)ratio.den;
  KrSinc *sinc = kr_sinc_new(prep->arena, num, den, den);
  double *x = KR_NEW_ARRAY(prep->arena, double, 2 * (size_t)sinc->half);
  for (uint64_t k = 0; k < n; k++) {
    int64_t at = 0;
    uint64_t rest = 0;
    if (!kr_muldiv_floor((int64_t)k, num, den, &at, &rest)) break;
    for (uint32_t i = 0; i < 2 * sinc->half; i++)
      x[i] = frame_of(source, at - (int64_t)sinc->half + 1 + i);
    to[k] = (float)kr_sinc_run(sinc, x, rest, den);
  }
}

KrStatus kr_frames_channel(const KrPrep *prep, uint32_t file, uint32_t port, uint64_t *channel,
                           const char **message) {
  const KrPortValue *value = &prep->port[port];
  const KrAssetAudio *audio = prep->port[file].audio;
  *channel = 0;
  if (value->kind != KR_VALUE_CONST) return KR_OK;
  *message = "there is no such channel in the file; the first is 0";
  if (!value->exact || value->ratio.den != 1 || value->ratio.num < 0) return KR_ERROR_ARGUMENT;
  *channel = (uint64_t)value->ratio.num;
  return audio == NULL || *channel < audio->n_channels ? KR_OK : KR_ERROR_ARGUMENT;
}

KrStatus kr_frames_prepare(const KrPrep *prep, uint32_t port, uint64_t channel, uint32_t field,
                           const char **message) {
  const KrAssetAudio *audio = prep->port[port].audio;
  *message = "the file has no sound in it";
  if (audio == NULL || audio->n_frames == 0 || audio->n_channels <= channel)
    return KR_ERROR_ARGUMENT;
  KrRatio ratio = find_ratio(prep, audio);
  uint64_t n = 0;
  *message = "the file has more than 2^28 frames at this rate";
  if (!count_frames(audio, ratio, &n)) return KR_ERROR_ARGUMENT;
  KrTableKey key = {kind, audio, ratio, channel};
  bool is_new;
  float *table =
      kr_prep_table(prep, &key, (size_t)(n + 2 * KR_FRAMES_EDGE) * sizeof *table, &is_new);
  Source source = {audio, channel};
  if (is_new && kr_ratio_compare(ratio, KR_RATIO_ONE) != 0)
    convert(prep, &source, ratio, n, table + KR_FRAMES_EDGE);
  else if (is_new)
    for (uint64_t k = 0; k < n; k++)
      table[KR_FRAMES_EDGE + k] = audio->frames[k * audio->n_channels + channel];
  FIELD_AT(prep, field, int64_t)[0] = (int64_t)(uintptr_t)(table + KR_FRAMES_EDGE);
  FIELD_AT(prep, field, int64_t)[prep->lanes] = (int64_t)n;
  return KR_OK;
}

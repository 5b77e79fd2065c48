/// WAV files: exact bytes, rounding, clipping, large files; and audio files read back.
#define _XOPEN_SOURCE 700
#include "io/host.h"
#include "io/sndfile.h"
#include "io/wav.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef KR_HAVE_SNDFILE
#include <sndfile.h>
#endif

#include <cmocka.h>

static KrArena arena;
static char folder[64], path[128];

static int set_up(void **state) {
  (void)state;
  kr_arena_init(&arena, NULL);
  strcpy(folder, "/tmp/kairo-wav-XXXXXX");
  if (!mkdtemp(folder)) return -1;
  strcpy(path, folder);
  strcat(path, "/a.wav");
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  unlink(path);
  rmdir(folder);
  kr_arena_deinit(&arena);
  return 0;
}

typedef struct Read {
  const uint8_t *at;
  size_t n;
} Read;

static Read read_back(void) {
  Read r;
  const char *error;
  assert_int_equal(kr_file_read(path, &arena, &r.at, &r.n, &error), KR_OK);
  return r;
}

static KrWav write_wav(KrWavOptions options, const float *samples, size_t n_frames) {
  KrWav wav;
  assert_int_equal(kr_wav_open(&wav, path, &options), KR_OK);
  assert_int_equal(kr_wav_put(&wav, samples, n_frames), KR_OK);
  assert_int_equal(kr_wav_commit(&wav), KR_OK);
  return wav;
}

static uint64_t number(const uint8_t *at, size_t n) {
  uint64_t value = 0;
  for (size_t i = n; i > 0; i--) value = value << 8 | at[i - 1];
  return value;
}

static void float_files_have_these_bytes(void **state) {
  (void)state;
  static const float samples[] = {0.0f, 1.0f, -0.5f};
  static const char expected[] =
      "RIFF\x3C\0\0\0WAVEfmt \x10\0\0\0\x03\0\x01\0\x80\xBB\0\0\0\xEE\x02\0\x04\0\x20\0"
      "fact\x04\0\0\0\x03\0\0\0data\x0C\0\0\0\0\0\0\0\0\0\x80\x3F\0\0\0\xBF";
  KrWavOptions options = {48000, 1, KR_WAV_FLOAT32, 3, true};
  write_wav(options, samples, 3);
  Read r = read_back();
  assert_int_equal(r.n, sizeof expected - 1);
  assert_memory_equal(r.at, expected, r.n);
}

static void pcm16_files_have_the_44_byte_header(void **state) {
  (void)state;
  static const float samples[] = {0.25f, -0.25f};
  static const char expected[] =
      "RIFF\x28\0\0\0WAVEfmt \x10\0\0\0\x01\0\x02\0\x44\xAC\0\0\x10\xB1\x02\0\x04\0\x10\0"
      "data\x04\0\0\0\0\x20\0\xE0";
  KrWavOptions options = {44100, 2, KR_WAV_PCM16, 1, true};
  write_wav(options, samples, 1);
  Read r = read_back();
  assert_int_equal(r.n, sizeof expected - 1);
  assert_memory_equal(r.at, expected, r.n);
}

static void pcm_rounds_to_even_clips_and_counts(void **state) {
  (void)state;
  float unit = 1.0f / 32768;
  const float samples[] = {0.5f * unit,  1.5f * unit,     -2.5f * unit, 1.0f,
                           -1.0f,        -1.1f,           1e30f,        __builtin_nanf(""),
                           32767 * unit, __builtin_inff()};
  static const int expected[] = {0, 2, -2, 32767, -32768, -32768, 32767, 0, 32767, 32767};
  KrWavOptions options = {48000, 1, KR_WAV_PCM16, 10, true};
  KrWav wav = write_wav(options, samples, 10);
  Read r = read_back();
  for (size_t i = 0; i < 10; i++)
    assert_int_equal((int16_t)number(r.at + 44 + 2 * i, 2), expected[i]);
  assert_int_equal(wav.n_clipped, 4);
  assert_int_equal(wav.n_nan, 1);
}

static void odd_data_is_padded_and_extensible(void **state) {
  (void)state;
  static const float samples[] = {-1.0f};
  KrWavOptions options = {48000, 1, KR_WAV_PCM24, 1, true};
  write_wav(options, samples, 1);
  Read r = read_back();
  assert_int_equal(r.n, 68 + 4);
  assert_int_equal(number(r.at + 4, 4), r.n - 8);
  assert_int_equal(number(r.at + 20, 2), 0xFFFE);
  assert_int_equal(number(r.at + 44, 2), 1);
  assert_int_equal(number(r.at + 64, 4), 3);
  assert_int_equal(number(r.at + 68, 4), 0x800000);
}

static void nan_is_canonical(void **state) {
  (void)state;
  uint32_t codes[2] = {0xFFC12345, 0x7F800001};
  float samples[2];
  memcpy(samples, codes, sizeof samples);
  KrWavOptions options = {48000, 2, KR_WAV_FLOAT32, 1, true};
  KrWav wav = write_wav(options, samples, 1);
  Read r = read_back();
  assert_int_equal(number(r.at + 56, 4), 0x7FC00000);
  assert_int_equal(number(r.at + 60, 4), 0x7FC00000);
  assert_int_equal(wav.n_nan, 2);
}

static void unknown_length_is_patched(void **state) {
  (void)state;
  static const float samples[6] = {0.5f};
  KrWavOptions options = {48000, 2, KR_WAV_FLOAT32, 0, false};
  write_wav(options, samples, 3);
  Read r = read_back();
  assert_memory_equal(r.at + 12, "JUNK", 4);
  assert_int_equal(r.n, 56 + 36 + 24);
  assert_int_equal(number(r.at + 4, 4), r.n - 8);
  assert_int_equal(number(r.at + 80, 4), 3);
  assert_int_equal(number(r.at + 88, 4), 24);
}

static void a_shorter_file_than_announced_is_corrected(void **state) {
  (void)state;
  static const float samples[3] = {0.5f};
  KrWavOptions options = {48000, 1, KR_WAV_FLOAT32, 9, true};
  write_wav(options, samples, 3);
  Read r = read_back();
  assert_int_equal(r.n, 56 + 12);
  assert_int_equal(number(r.at + 52, 4), 12);
}

// Counts bytes and keeps the first 128; nothing reaches the disk.
typedef struct Sink {
  uint8_t head[128];
  uint64_t n;
} Sink;

static int64_t swallow(void *user, int fd, const void *at, size_t n_bytes) {
  Sink *sink = user;
  (void)fd;
  // A patch of the header comes as one short write after the data.
  bool is_patch = sink->n > 128 && n_bytes <= 128;
  if (sink->n == 0 || is_patch) memcpy(sink->head, at, n_bytes < 128 ? n_bytes : 128);
  if (!is_patch) sink->n += n_bytes;
  return (int64_t)n_bytes;
}

static void files_past_4_gib_become_rf64(void **state) {
  (void)state;
  static float block[1 << 16];
  for (int known = 0; known < 2; known++) {
    uint64_t n_blocks = ((uint64_t)1 << 30) / (1 << 16);
    Sink sink = {{0}, 0};
    KrWav wav;
    KrWavOptions options = {48000, 1, KR_WAV_FLOAT32, n_blocks << 16, known == 1};
    kr_io_set_write(swallow, &sink);
    assert_int_equal(kr_wav_open(&wav, path, &options), KR_OK);
    // Two blocks reach the disk; the count says that all of them did.
    kr_wav_put(&wav, block, 1 << 16);
    kr_wav_put(&wav, block, 1 << 16);
    wav.n_frames = n_blocks << 16;
    KrStatus status = kr_wav_commit(&wav);
    kr_io_set_write(NULL, NULL);
    unlink(path);
    assert_int_equal(status, KR_OK);
    assert_memory_equal(sink.head, "RF64\xFF\xFF\xFF\xFFWAVEds64\x1C\0\0\0", 20);
    assert_int_equal(number(sink.head + 20, 8), ((uint64_t)1 << 32) + 56 + 36 - 8);
    assert_int_equal(number(sink.head + 28, 8), (uint64_t)1 << 32);
    assert_int_equal(number(sink.head + 36, 8), (uint64_t)1 << 30);
    assert_memory_equal(sink.head + 84, "data\xFF\xFF\xFF\xFF", 8);
  }
}

static void options_out_of_range_are_refused(void **state) {
  (void)state;
  KrWav wav;
  KrWavOptions none = {48000, 0, KR_WAV_FLOAT32, 0, false};
  KrWavOptions still = {0, 1, KR_WAV_FLOAT32, 0, false};
  KrWavOptions huge = {48000, 1, KR_WAV_FLOAT32, UINT64_MAX / 2, true};
  assert_int_equal(kr_wav_open(&wav, path, &none), KR_ERROR_ARGUMENT);
  assert_int_equal(kr_wav_open(&wav, path, &still), KR_ERROR_ARGUMENT);
  assert_int_equal(kr_wav_open(&wav, path, &huge), KR_ERROR_LIMIT);
  kr_wav_abort(&wav);
}

static void what_was_written_is_read_back(void **state) {
  (void)state;
  if (!kr_sndfile_has_library()) skip();
  float samples[600];
  for (int i = 0; i < 600; i++) samples[i] = (float)((i * 37) % 256 - 128) / 128;
  for (int format = 0; format < 3; format++) {
    for (uint32_t n_channels = 1; n_channels <= 6; n_channels++) {
      for (int known = 0; known < 2; known++) {
        uint64_t n = 600 / n_channels;
        KrWavOptions options = {22050, n_channels, (KrWavFormat)format, n, known == 1};
        KrAssetAudio audio;
        const char *error = NULL;
        write_wav(options, samples, n);
        assert_int_equal(kr_sndfile_read(path, &arena, &audio, &error), KR_OK);
        assert_int_equal(audio.n_frames, n);
        assert_int_equal(audio.n_channels, n_channels);
        assert_int_equal(audio.rate_hz, 22050);
        assert_true(audio.exact);
        for (uint64_t i = 0; i < n * n_channels; i++) assert_true(audio.frames[i] == samples[i]);
        KrDigest digest;
        assert_int_equal(kr_file_digest(path, &arena, &digest, &error), KR_OK);
        assert_memory_equal(digest.at, audio.digest.at, 32);
      }
    }
  }
}

static void every_truncation_is_an_error(void **state) {
  (void)state;
  if (!kr_sndfile_has_library()) skip();
  float samples[64] = {0.25f};
  for (int format = 0; format < 3; format++) {
    KrWavOptions options = {48000, 1, (KrWavFormat)format, 64, true};
    write_wav(options, samples, 64);
    Read r = read_back();
    for (size_t n = 0; n < r.n; n++) {
      KrAssetAudio audio;
      const char *error = NULL;
      uint8_t *copy = malloc(n ? n : 1);
      memcpy(copy, r.at, n);
      KrStatus status = kr_sndfile_decode(copy, n, "cut.wav", &arena, &audio, &error);
      free(copy);
      assert_int_equal(status, KR_ERROR_FORMAT);
      assert_non_null(strstr(error, "cannot read cut.wav: "));
    }
  }
}

static void hostile_bytes_never_break_the_reader(void **state) {
  (void)state;
  if (!kr_sndfile_has_library()) skip();
  float samples[64] = {0.25f};
  uint64_t seed = 5;
  KrWavOptions options = {48000, 2, KR_WAV_PCM24, 32, true};
  write_wav(options, samples, 32);
  Read r = read_back();
  uint32_t n_good = 0, n_bad = 0;
  for (int round = 0; round < 20000; round++) {
    KrArena own;
    KrAssetAudio audio;
    const char *error = NULL;
    uint8_t *copy = malloc(r.n);
    memcpy(copy, r.at, r.n);
    for (int k = 0; k < 1 + round % 4; k++) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      copy[(seed >> 33) % 80] = (uint8_t)(seed >> 25);
    }
    kr_arena_init(&own, NULL);
    KrStatus status = kr_sndfile_decode(copy, r.n, "a.wav", &own, &audio, &error);
    assert_true((status == KR_OK) == (error == NULL));
    if (status == KR_OK) assert_true(audio.n_frames * audio.n_channels < 100000);
    status == KR_OK ? n_good++ : n_bad++;
    kr_arena_deinit(&own);
    free(copy);
  }
  assert_true(n_good > 100 && n_bad > 100);
}

#ifdef KR_HAVE_SNDFILE
static void write_other(int format, const float *samples, int n_channels, int n_frames) {
  SF_INFO info = {.samplerate = 48000, .channels = n_channels, .format = format};
  SNDFILE *file = sf_open(path, SFM_WRITE, &info);
  assert_non_null(file);
  // libsndfile turns floats into integers by 32767, shorts without change.
  int kind = format & SF_FORMAT_SUBMASK;
  bool is_float = kind == SF_FORMAT_FLOAT || kind == SF_FORMAT_VORBIS;
  short *whole = calloc((size_t)(n_frames * n_channels), sizeof *whole);
  for (int i = 0; i < n_frames * n_channels; i++) whole[i] = (short)(samples[i] * 32768);
  sf_count_t n =
      is_float ? sf_writef_float(file, samples, n_frames) : sf_writef_short(file, whole, n_frames);
  assert_int_equal(n, n_frames);
  free(whole);
  assert_int_equal(sf_close(file), 0);
}

static void other_formats_say_whether_they_are_exact(void **state) {
  (void)state;
  static const struct {
    int format;
    bool exact, checks_length;
  } formats[] = {{SF_FORMAT_FLAC | SF_FORMAT_PCM_16, true, true},
                 {SF_FORMAT_AIFF | SF_FORMAT_PCM_24, true, true},
                 {SF_FORMAT_AU | SF_FORMAT_FLOAT, true, true},
                 {SF_FORMAT_WAV | SF_FORMAT_PCM_U8, true, true},
                 {SF_FORMAT_OGG | SF_FORMAT_VORBIS, false, false},
                 {0x230000 | 0x82, false, false}, // MPEG layer III, of newer libraries
                 {SF_FORMAT_WAV | SF_FORMAT_IMA_ADPCM, false, true}};
  static float samples[2 * 4000];
  for (int i = 0; i < 8000; i++) samples[i] = (float)((i * 37) % 256 - 128) / 128;
  for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
    KrAssetAudio audio;
    const char *error = NULL;
    SF_INFO info = {.samplerate = 44100, .channels = 2, .format = formats[i].format};
    if (!sf_format_check(&info)) continue;
    write_other(formats[i].format, samples, 2, 4000);
    assert_int_equal(kr_sndfile_read(path, &arena, &audio, &error), KR_OK);
    assert_int_equal(audio.exact, formats[i].exact);
    assert_int_equal(audio.n_channels, 2);
    assert_true(audio.n_frames >= 4000);
    for (int k = 0; formats[i].exact && k < 8000; k++) assert_true(audio.frames[k] == samples[k]);
    Read r = read_back();
    if (!formats[i].checks_length) continue;
    KrStatus status = kr_sndfile_decode(r.at, r.n * 2 / 3, "cut", &arena, &audio, &error);
    assert_int_equal(status, KR_ERROR_FORMAT);
  }
}
#endif

static void the_host_reads_sound_beside_the_program(void **state) {
  (void)state;
  float samples[4] = {0.5f};
  KrWavOptions options = {48000, 1, KR_WAV_FLOAT32, 4, true};
  KrIoHost io = {folder};
  KrAssetHost host = kr_io_host(&io);
  KrAssetAudio audio;
  const char *error = NULL;
  write_wav(options, samples, 4);
  KrStatus status = host.read_audio(host.user, "a.wav", &arena, &audio, &error);
  assert_int_equal(status, kr_sndfile_has_library() ? KR_OK : KR_ERROR_UNAVAILABLE);
  status = host.read_audio(host.user, "b.wav", &arena, &audio, &error);
  assert_int_equal(status, KR_ERROR_NOT_FOUND);
  assert_non_null(strstr(error, "No such file"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(float_files_have_these_bytes),
      TEST(pcm16_files_have_the_44_byte_header),
      TEST(pcm_rounds_to_even_clips_and_counts),
      TEST(odd_data_is_padded_and_extensible),
      TEST(nan_is_canonical),
      TEST(unknown_length_is_patched),
      TEST(a_shorter_file_than_announced_is_corrected),
      TEST(files_past_4_gib_become_rf64),
      TEST(options_out_of_range_are_refused),
      TEST(what_was_written_is_read_back),
      TEST(every_truncation_is_an_error),
      TEST(hostile_bytes_never_break_the_reader),
#ifdef KR_HAVE_SNDFILE
      TEST(other_formats_say_whether_they_are_exact),
#endif
      TEST(the_host_reads_sound_beside_the_program),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

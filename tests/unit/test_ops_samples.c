// The sample player against the frames themselves and closed forms.
#include "op_wave.h"
#include <math.h>

static const double pi = 3.14159265358979323846;
static float frames[2 * 4000];

static void open_player(Wave *wave, const KrAssetAudio *audio) {
  wave_init(wave, "sample", 0);
  wave->rig.port[0] = (KrPortValue){.kind = KR_VALUE_ASSET, .audio = audio};
}
static void play(Wave *wave, uint32_t n, double *out) {
  wave_prepare(wave);
  wave_run(wave, n, &out);
  wave_deinit(wave);
}
static KrAssetAudio ramp_of(uint32_t n) {
  for (uint32_t i = 0; i < n; i++) frames[i] = (float)i + 1;
  return (KrAssetAudio){frames, n, 1, 48000, true, {{0}}};
}

static void a_sample_is_its_frames_at_speed_one(void **state) {
  (void)state;
  double out[2500];
  Wave wave;
  for (int i = 0; i < 1000; i++) frames[2 * i] = (float)sin(i * 0.05), frames[2 * i + 1] = 99;
  KrAssetAudio audio = {frames, 1000, 2, 48000, true, {{0}}};
  open_player(&wave, &audio);
  play(&wave, 1200, out);
  for (int i = 0; i < 1200; i++) assert_true(out[i] == (i < 1000 ? (double)frames[2 * i] : 0));
  open_player(&wave, &audio);
  wave_set(&wave, "begin", 0.25), wave_set(&wave, "end", 0.5), wave_set(&wave, "loop", 1);
  play(&wave, 1200, out);
  for (int i = 0; i < 1200; i++) assert_true(out[i] == (double)frames[2 * (250 + i % 250)]);
  open_player(&wave, &audio);
  wave_set(&wave, "speed", 0.5);
  play(&wave, 2500, out);
  for (int i = 4; i < 1990; i++) assert_true(fabs(out[i] - sin(i * 0.025)) < 1e-5);
  for (int i = 2002; i < 2500; i++) assert_true(out[i] == 0);
  open_player(&wave, &audio);
  wave_whole(&wave, "channel", 1);
  play(&wave, 100, out);
  for (int i = 0; i < 100; i++) assert_true(out[i] == 99);
}

static void a_negative_speed_starts_at_the_end(void **state) {
  (void)state;
  double out[2500];
  Wave wave;
  KrAssetAudio audio = ramp_of(1000);
  open_player(&wave, &audio);
  wave_set(&wave, "speed", -1);
  play(&wave, 1200, out);
  for (int i = 0; i < 1200; i++) assert_true(out[i] == (i < 1000 ? 1000 - i : 0));
  open_player(&wave, &audio);
  wave_set(&wave, "speed", -1), wave_set(&wave, "loop", 1);
  play(&wave, 2200, out);
  for (int i = 0; i < 2200; i++) assert_true(out[i] == 1000 - i % 1000);
}

static void a_sample_of_another_rate_is_converted(void **state) {
  (void)state;
  double out[1200];
  Wave wave;
  for (int i = 0; i < 1000; i++) frames[i] = (float)sin(2 * pi * 441 * i / 44100.0);
  KrAssetAudio audio = {frames, 1000, 1, 44100, true, {{0}}};
  open_player(&wave, &audio);
  play(&wave, 1200, out);
  for (int i = 60; i < 1020; i++)
    assert_true(fabs(out[i] - sin(2 * pi * 441 * i / 48000.0)) < 1e-4);
  for (int i = 1090; i < 1200; i++) assert_true(out[i] == 0);
}

static void a_loop_with_a_crossfade_has_no_step(void **state) {
  (void)state;
  static double out[20000];
  for (int turned = 0; turned < 2; turned++) {
    Wave wave;
    KrAssetAudio audio = ramp_of(4000); // from 1 to 4000: without a crossfade a step of 3999
    double most = 0;
    open_player(&wave, &audio);
    wave_set(&wave, "loop", 1), wave_set(&wave, "crossfade", 0.02);
    wave_set(&wave, "speed", turned ? -1 : 1);
    play(&wave, 20000, out);
    for (int i = 1; i < 20000; i++)
      if (fabs(out[i] - out[i - 1]) > most) most = fabs(out[i] - out[i - 1]);
    // The steepest smoothstep is 1.5 of the straight line over 960 ticks.
    assert_true(most < 3040 * 1.5 / 960 + 1.1);
    for (int i = 4000; i < 16000; i++) assert_true(fabs(out[i] - out[i + 3040]) < 1e-9);
  }
}

static void the_pitch_follows_the_frequency_over_the_root(void **state) {
  (void)state;
  double out[600];
  Wave wave;
  KrAssetAudio audio = ramp_of(2000);
  open_player(&wave, &audio);
  wave_set(&wave, "root", 110), wave_set(&wave, "freq", 330);
  play(&wave, 600, out);
  for (int i = 30; i < 600; i++) assert_true(fabs(out[i] - (3 * i + 1)) < 0.01);
}

// Amplitude of 2 pi w per tick in n samples, by a Hann window.
static double amplitude_at(const double *x, int n, double w) {
  double re = 0, im = 0, sum = 0;
  for (int i = 0; i < n; i++) {
    double window = 1 - cos(2 * pi * i / n);
    re += window * x[i] * cos(2 * pi * w * i), im += window * x[i] * sin(2 * pi * w * i);
    sum += window;
  }
  return 2 * sqrt(re * re + im * im) / sum;
}
// The most of any amplitude up to `to`, in dB.
static double most_up_to(const double *x, int n, double to) {
  double most = 0;
  for (double w = 0.003; w < to; w += 0.001) most = fmax(most, amplitude_at(x, n, w));
  return 20 * log10(most + 1e-12);
}
static float tone[200000];
static void play_tone(double hz, double speed, int n, double *out) {
  Wave wave;
  for (int i = 0; i < 200000; i++) tone[i] = (float)sin(2 * pi * hz / 48000 * i);
  KrAssetAudio audio = {tone, 200000, 1, 48000, true, {{0}}};
  open_player(&wave, &audio);
  wave_set(&wave, "speed", speed);
  play(&wave, (uint32_t)n, out);
}
static void what_speed_moves_beyond_half_the_rate_is_left_out(void **state) {
  (void)state;
  enum { N = 2400, SKIP = 400 };
  static double out[N + SKIP];
  const double *x = out + SKIP;
  play_tone(15000, 1.9, N + SKIP, out); // to 28.5 kHz, which would fold to 19.5
  assert_true(most_up_to(x, N, 0.5) < -70);
  play_tone(5000, 1.9, N + SKIP, out);
  assert_true(fabs(20 * log10(amplitude_at(x, N, 1.9 * 5 / 48))) < 0.1);
  // Whatever is 28 kHz to 90 kHz then is 65 dB down below 20 kHz, and 15 kHz is there.
  static const double speeds[] = {1.2, -1.5, 1.7, 2, 2.05, -3.3, 5, 7.9, 15};
  for (int i = 0; i < 9; i++) {
    double size = fabs(speeds[i]);
    for (double hz = 28000; hz < 90000 && hz / size < 23000; hz *= 1.17) {
      play_tone(hz / size, speeds[i], N + SKIP, out);
      assert_true(most_up_to(x, N, 20.0 / 48) < -65);
    }
    play_tone(15000 / size, speeds[i], N + SKIP, out);
    assert_true(fabs(20 * log10(amplitude_at(x, N, 15.0 / 48))) < 0.3);
  }
}
// 500 Hz from half the speed to 16 times: nothing but the sine of the place.
static void a_glide_of_the_speed_has_no_seams(void **state) {
  (void)state;
  enum { N = 24000 };
  static double out[N], speed[N];
  double place = 0;
  Wave wave;
  for (int i = 0; i < 200000; i++) tone[i] = (float)sin(2 * pi * 500 / 48000 * i);
  for (int i = 0; i < N; i++) speed[i] = exp2(-1 + 5.0 * i / N);
  KrAssetAudio audio = {tone, 200000, 1, 48000, true, {{0}}};
  open_player(&wave, &audio);
  wave_input(&wave, "speed", speed);
  play(&wave, N, out);
  for (int i = 0; i < N; i++) {
    if (i > 100) assert_true(fabs(out[i] - sin(2 * pi * 500 / 48000 * place)) < 2e-3);
    place += speed[i];
  }
}

static void an_onset_starts_anew_where_begin_is_then(void **state) {
  (void)state;
  double out[900], gate[900], begin[900];
  uint8_t onset[900] = {0};
  double residual[900] = {0};
  Wave wave;
  KrAssetAudio audio = ramp_of(1500);
  for (int i = 0; i < 900; i++) gate[i] = i >= 10, begin[i] = i < 300 ? 0.1 : 0.5;
  onset[10] = onset[300] = 1;
  residual[300] = 0.25;
  open_player(&wave, &audio);
  wave_input(&wave, "gate", gate), wave_input(&wave, "begin", begin);
  wave.onset = onset, wave.residual = residual;
  play(&wave, 900, out);
  for (int i = 0; i < 10; i++) assert_true(out[i] == 0);
  for (int i = 10; i < 300; i++) assert_true(out[i] == 151 + i - 10);
  // What sounded goes on and fades within 5 ms, less the value at which the new place began.
  for (int i = 300; i < 900; i++) {
    double age = i - 300 - 0.25, u = age < 0 ? 1 : age < 240 ? 1 - age / 240 : 0;
    double place = 751 + (age > 0 ? age : 0), left = 151 + i - 10;
    bool is_edge = i == 301; // the cubic's first neighbour is silence
    assert_true(is_edge || fabs(out[i] - (place + u * u * (3 - 2 * u) * (left - 751))) < 1e-3);
  }
  for (int i = 303; i < 900; i++) assert_true(fabs(out[i] - out[i - 1]) < 6);
}

// At any distance, also within the fade of the onset before: no step is more than the fade's.
static void onsets_of_what_sounds_do_not_click(void **state) {
  (void)state;
  static double out[24000], gate[24000];
  static uint8_t onset[24000];
  for (int i = 0; i < 4000; i++) frames[i] = (float)cos(2 * pi * 200 / 48000 * i);
  static const int every[] = {5000, 1234, 333, 100, 17, 1};
  for (int loop = 0; loop < 2; loop++)
    for (int k = 0; k < 6; k++) {
      Wave wave;
      KrAssetAudio audio = {frames, 4000, 1, 48000, true, {{0}}};
      for (int i = 0; i < 24000; i++) gate[i] = 1, onset[i] = i % every[k] == 0;
      open_player(&wave, &audio);
      wave_input(&wave, "gate", gate), wave_set(&wave, "loop", loop);
      wave_set(&wave, "begin", 0.2), wave_set(&wave, "end", 0.95);
      wave_set(&wave, "crossfade", 0.01);
      wave.onset = onset;
      play(&wave, 24000, out);
      for (int i = 1; i < 24000; i++) {
        bool is_edge = !loop && every[k] == 5000 && (i % 5000 == 0 || i % 5000 == 3000);
        if (!is_edge) assert_true(fabs(out[i] - out[i - 1]) < 0.06);
        assert_true(fabs(out[i]) < 3.01);
      }
    }
}

static void wild_speeds_stay_within_the_part(void **state) {
  (void)state;
  static double out[20000], speed[20000], begin[20000];
  uint64_t seed = 5;
  KrAssetAudio audio = ramp_of(3000);
  for (int loop = 0; loop < 2; loop++) {
    Wave wave;
    for (int i = 0; i < 20000; i++) {
      speed[i] = rig_uniform(&seed, -1, 1) * pow(10, rig_uniform(&seed, -2, 6));
      if (i % 97 == 0) speed[i] = i % 2 ? NAN : INFINITY;
      begin[i] = rig_uniform(&seed, -1, 2);
    }
    open_player(&wave, &audio);
    wave_input(&wave, "speed", speed), wave_input(&wave, "begin", begin);
    wave_input(&wave, "gate", speed), wave_set(&wave, "loop", loop);
    wave_set(&wave, "crossfade", 0.001);
    play(&wave, 20000, out);
    for (int i = 0; i < 20000; i++) assert_true(fabs(out[i]) < 3 * 3800);
  }
}

static void copies_share_one_table(void **state) {
  (void)state;
  Wave a, b;
  KrAssetAudio audio = ramp_of(1000);
  audio.rate_hz = 44100;
  open_player(&a, &audio), open_player(&b, &audio);
  KrArena arena;
  kr_arena_init(&arena, NULL);
  KrShared shared = {.arena = &arena};
  a.rig.shared = b.rig.shared = &shared;
  wave_prepare(&a), wave_prepare(&b);
  const int64_t *x = a.rig.field[7], *y = b.rig.field[7];
  assert_true(x[0] == y[0] && x[1] == 1089);
  assert_true(shared.n_bytes < 2 * 1089 * sizeof(float));
  wave_deinit(&a), wave_deinit(&b);
  kr_arena_deinit(&arena);
}

static void a_voice_begins_between_two_ticks(void **state) {
  (void)state;
  double out[400];
  for (int turned = 0; turned < 2; turned++) {
    Wave wave;
    KrAssetAudio audio = ramp_of(1000);
    open_player(&wave, &audio);
    wave_set(&wave, "speed", turned ? -2 : 2), wave_set(&wave, "begin", 0.1);
    wave_prepare(&wave);
    wave_run_late(&wave, 0.375, 400, out);
    for (int i = 12; i < 400; i++) {
      double place = 2 * (i - 0.375);
      assert_true(fabs(out[i] - (turned ? 1000 - place : 101 + place)) < 0.01);
    }
    wave_deinit(&wave);
  }
}

static void a_voice_is_told_the_tick_after_the_last_frame(void **state) {
  (void)state;
  Wave wave;
  KrAssetAudio audio = ramp_of(100);
  int64_t end[KR_LANES];
  open_player(&wave, &audio);
  wave_prepare(&wave);
  KrCallVoice voice = {.end = end};
  double ones[KR_TILE], out[KR_TILE], root = 1;
  uint8_t no = 0;
  for (int i = 0; i < KR_TILE; i++) ones[i] = 1;
  double zero = 0;
  const void *in[] = {ones, &zero, ones, &no, &zero, &root, &root, ones, NULL, NULL, NULL};
  for (int64_t tick = 0, k = 0; tick < 256; tick += KR_TILE, k++) {
    void *to[] = {out};
    KrCall call = {.n = KR_TILE,
                   .lanes = 1,
                   .tick = tick,
                   .held = 0x7f,
                   .in = in,
                   .out = to,
                   .field = wave.rig.field,
                   .type = &wave.rig.type,
                   .voice = &voice};
    kr_op_kernel(wave.rig.op, KR_ELEM_F64, KR_LEVEL_BEST)(&call);
    if (k == 0) assert_true(end[0] == INT64_MAX);
    if (k == 1) assert_int_equal(end[0], 100);
    if (k > 1) assert_true(end[0] <= tick);
  }
  wave_deinit(&wave);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_sample_is_its_frames_at_speed_one),
      cmocka_unit_test(a_negative_speed_starts_at_the_end),
      cmocka_unit_test(a_sample_of_another_rate_is_converted),
      cmocka_unit_test(a_loop_with_a_crossfade_has_no_step),
      cmocka_unit_test(the_pitch_follows_the_frequency_over_the_root),
      cmocka_unit_test(what_speed_moves_beyond_half_the_rate_is_left_out),
      cmocka_unit_test(a_glide_of_the_speed_has_no_seams),
      cmocka_unit_test(an_onset_starts_anew_where_begin_is_then),
      cmocka_unit_test(onsets_of_what_sounds_do_not_click),
      cmocka_unit_test(wild_speeds_stay_within_the_part),
      cmocka_unit_test(copies_share_one_table),
      cmocka_unit_test(a_voice_begins_between_two_ticks),
      cmocka_unit_test(a_voice_is_told_the_tick_after_the_last_frame),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

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
  for (int i = 0; i < 600; i++) assert_true(out[i] == 3 * i + 1);
}

static void an_onset_starts_anew_where_begin_is_then(void **state) {
  (void)state;
  double out[600], gate[600], begin[600];
  uint8_t onset[600] = {0};
  double residual[600] = {0};
  Wave wave;
  KrAssetAudio audio = ramp_of(1000);
  for (int i = 0; i < 600; i++) gate[i] = i >= 10, begin[i] = i < 300 ? 0.1 : 0.5;
  onset[10] = onset[300] = 1;
  residual[300] = 0.25;
  open_player(&wave, &audio);
  wave_input(&wave, "gate", gate), wave_input(&wave, "begin", begin);
  wave.onset = onset, wave.residual = residual;
  play(&wave, 600, out);
  for (int i = 0; i < 10; i++) assert_true(out[i] == 0);
  for (int i = 10; i < 300; i++) assert_true(out[i] == 101 + i - 10);
  assert_true(fabs(out[300] - (0.25 * 391 + 0.75 * 501)) < 1e-9);
  for (int i = 302; i < 600; i++) assert_true(fabs(out[i] - (501 + i - 300 - 0.25)) < 1e-4);
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
    for (int i = 0; i < 20000; i++) assert_true(out[i] > -800 && out[i] < 3800);
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
    assert_true(out[0] == (turned ? 1000 : 101));
    for (int i = 3; i < 400; i++) {
      double place = 2 * (i - 0.375);
      assert_true(fabs(out[i] - (turned ? 1000 - place : 101 + place)) < 1e-6);
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
      cmocka_unit_test(an_onset_starts_anew_where_begin_is_then),
      cmocka_unit_test(wild_speeds_stay_within_the_part),
      cmocka_unit_test(copies_share_one_table),
      cmocka_unit_test(a_voice_begins_between_two_ticks),
      cmocka_unit_test(a_voice_is_told_the_tick_after_the_last_frame),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

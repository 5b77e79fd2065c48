// Transforms, their scale, overlap-add and what is read from a spectrum.
#include "op_rig.h"

#include <math.h>

enum { SIZE = 64, BINS = SIZE / 2 + 1 };
static const double pi = 3.14159265358979323846;

static void set_whole(Rig *rig, const char *name, int64_t value) {
  *rig_port(rig, name) = rig_number(value, 1);
}

static void run_fft(const double *x, const char *window, double *bins) {
  Rig rig;
  rig_init(&rig, "fft", KR_ELEM_F64, 1);
  rig.port[0] = rig_stream((KrType){KR_ELEM_F64, KR_SHAPE_VECTOR, {SIZE, 1, 1}});
  set_whole(&rig, "size", SIZE);
  rig_port(&rig, "window")->choice = rig_choice(&rig.op->in[2], window);
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  assert_int_equal(rig.type.shape, KR_SHAPE_SPECTRUM);
  assert_int_equal(kr_type_count(&rig.type), 2 * BINS);
  const void *in[1] = {x};
  void *to[1] = {bins};
  rig_run(&rig, 0, 1, 0, in, to);
  rig_deinit(&rig);
}

static void a_partial_on_a_bin_has_its_amplitude(void **state) {
  (void)state;
  const char *const windows[] = {"rect", "hann", "hamming", "blackman"};
  double x[SIZE], bins[2 * BINS];
  for (int i = 0; i < SIZE; i++)
    x[i] = 0.25 + 0.7 * cos(2 * pi * 8 * i / SIZE) + 0.3 * sin(2 * pi * 20 * i / SIZE) +
           (i % 2 == 0 ? 0.125 : -0.125);
  for (int w = 0; w < 4; w++) {
    run_fft(x, windows[w], bins);
    assert_true(fabs(bins[0] - 0.25) < 1e-12);
    assert_true(fabs(bins[16] - 0.7) < 1e-12 && fabs(bins[17]) < 1e-12);
    assert_true(fabs(bins[40]) < 1e-12 && fabs(bins[41] + 0.3) < 1e-12);
    assert_true(fabs(bins[64] - 0.125) < 1e-12);
    assert_true(fabs(bins[24]) < 1e-12 && fabs(bins[25]) < 1e-12);
  }
}

static void ifft_undoes_fft_without_window(void **state) {
  (void)state;
  uint64_t seed = 4;
  double x[SIZE], bins[2 * BINS], back[SIZE];
  for (int i = 0; i < SIZE; i++) x[i] = rig_uniform(&seed, -1, 1);
  run_fft(x, "rect", bins);
  Rig rig;
  rig_init(&rig, "ifft", KR_ELEM_F64, 1);
  rig.port[0] = rig_stream((KrType){KR_ELEM_F64, KR_SHAPE_SPECTRUM, {BINS, SIZE, 1}});
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  assert_int_equal(rig.type.shape, KR_SHAPE_VECTOR);
  assert_int_equal(rig.type.dim[0], SIZE);
  const void *in[1] = {bins};
  void *to[1] = {back};
  rig_run(&rig, 0, 1, 0, in, to);
  for (int i = 0; i < SIZE; i++) assert_true(fabs(back[i] - x[i]) < 1e-14);
  rig_deinit(&rig);
}

static void istft_of_stft_is_the_signal_later(void **state) {
  (void)state;
  enum { N = 600 };
  const char *const windows[] = {"rect", "hann", "hamming", "blackman"};
  const int hops[] = {64, 16, 32, 8};
  static double x[N], spectra[N][2 * BINS], y[N];
  uint64_t seed = 6;
  for (int i = 0; i < N; i++) x[i] = rig_uniform(&seed, -1, 1);
  for (int k = 0; k < 4; k++) {
    Rig forward, backward;
    rig_init(&forward, "stft", KR_ELEM_F64, 1);
    rig_init(&backward, "istft", KR_ELEM_F64, 1);
    set_whole(&forward, "size", SIZE);
    set_whole(&forward, "hop", hops[k]);
    set_whole(&backward, "hop", hops[k]);
    backward.port[0] = rig_stream((KrType){KR_ELEM_F64, KR_SHAPE_SPECTRUM, {BINS, SIZE, 1}});
    rig_port(&forward, "window")->choice = rig_port(&backward, "window")->choice =
        rig_choice(&forward.op->in[3], windows[k]);
    assert_int_equal(rig_prepare(&forward, 0), KR_OK);
    assert_int_equal(rig_prepare(&backward, 0), KR_OK);
    const void *in[1] = {x};
    rig_signal(&forward, N, in, 1, spectra);
    const void *then[1] = {spectra};
    rig_signal(&backward, N, then, 1, y);
    // Samples before the first frame's place at the start lack frames that would begin before 0.
    for (int i = SIZE - 1; i < N; i++) {
      int at = i - (SIZE - 1);
      assert_true(fabs(y[i] - x[at]) < 1e-12);
    }
    for (int i = 1; i < hops[k]; i++) assert_memory_equal(spectra[i], spectra[0], sizeof *spectra);
    rig_deinit(&forward);
    rig_deinit(&backward);
  }
}

static void a_hop_that_loses_samples_is_refused(void **state) {
  (void)state;
  Rig rig;
  rig_init(&rig, "istft", KR_ELEM_F32, 1);
  rig.port[0] = rig_stream((KrType){KR_ELEM_F32, KR_SHAPE_SPECTRUM, {BINS, SIZE, 1}});
  set_whole(&rig, "hop", SIZE);
  assert_int_equal(rig_prepare(&rig, 0), KR_ERROR_ARGUMENT);
  rig_deinit(&rig);
  rig_init(&rig, "stft", KR_ELEM_F32, 1);
  set_whole(&rig, "size", 7 * 64);
  assert_int_equal(rig_prepare(&rig, 0), KR_ERROR_ARGUMENT);
  assert_non_null(strstr(rig.message, "the nearest are 384 and 512"));
  set_whole(&rig, "size", (1 << 20) + 2);
  assert_int_equal(rig_prepare(&rig, 0), KR_ERROR_ARGUMENT);
  assert_non_null(strstr(rig.message, "the nearest is 1048576"));
  rig_deinit(&rig);
}

// What a call writes when it may answer with one row, spread over its ticks.
static void run_spread(Rig *rig, int64_t tick, uint32_t n, uint64_t held, const void *const *in,
                       double *out, size_t count) {
  uint64_t held_out = 0;
  void *to[1] = {out};
  KrCall call = {.n = n,
                 .lanes = rig->lanes,
                 .tick = tick,
                 .held = held,
                 .in = in,
                 .out = to,
                 .field = rig->field,
                 .in_type = rig->in_type,
                 .type = &rig->type,
                 .fault = &rig->fault,
                 .held_out = &held_out};
  kr_op_kernel(rig->op, rig->elem, rig->level)(&call);
  for (uint32_t t = 1; t < n && held_out != 0; t++)
    memcpy(out + t * count, out, count * sizeof *out);
}

static void one_row_stands_for_all_while_a_spectrum_is_held(void **state) {
  (void)state;
  enum { N = 240, HOP = 16 };
  static double x[N], all[N][2 * BINS], spread[N][2 * BINS];
  static const uint32_t parts[] = {16, 5, 11, 32, 1, 15, 20, 60, 64, 16};
  uint64_t seed = 8;
  for (int i = 0; i < N; i++) x[i] = rig_uniform(&seed, -1, 1);
  Rig whole, cut, gate;
  rig_init(&whole, "stft", KR_ELEM_F64, 1);
  rig_init(&cut, "stft", KR_ELEM_F64, 1);
  rig_init(&gate, "threshold", KR_ELEM_F64, 1);
  Rig *const both[] = {&whole, &cut};
  for (int i = 0; i < 2; i++) {
    set_whole(both[i], "size", SIZE);
    set_whole(both[i], "hop", HOP);
    assert_int_equal(rig_prepare(both[i], 0), KR_OK);
  }
  const void *in[1] = {x};
  rig_signal(&whole, N, in, 1, all);
  for (uint32_t i = 0, t = 0; i < sizeof parts / sizeof *parts; t += parts[i++]) {
    const void *from[1] = {x + t};
    run_spread(&cut, t, parts[i], 0, from, spread[t], 2 * BINS);
  }
  assert_memory_equal(all, spread, sizeof all);

  static double gated[8][2 * BINS], want[2 * BINS], level = 0.05;
  gate.port[0] = rig_stream(whole.type);
  assert_int_equal(rig_prepare(&gate, 0), KR_OK);
  const void *const gate_in[2] = {all[100], &level};
  void *to[1] = {want};
  rig_run(&gate, 0, 1, 3, gate_in, to);
  run_spread(&gate, 0, 8, 3, gate_in, gated[0], 2 * BINS);
  for (int i = 0; i < 8; i++) assert_memory_equal(gated[i], want, sizeof want);
  rig_deinit(&whole);
  rig_deinit(&cut);
  rig_deinit(&gate);
}

static void numbers_read_from_a_held_spectrum_fill_every_row(void **state) {
  (void)state;
  enum { N = 8 };
  double bins[2 * BINS] = {0}, centres[N];
  uint64_t held_out = 0;
  bins[8] = 1;
  Rig rig;
  rig_init(&rig, "centroid", KR_ELEM_F64, 1);
  rig.port[0] = rig_stream((KrType){KR_ELEM_F64, KR_SHAPE_SPECTRUM, {BINS, SIZE, 1}});
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  const void *in[1] = {bins};
  void *to[1] = {centres};
  KrCall call = {.n = N,
                 .lanes = rig.lanes,
                 .held = 1,
                 .in = in,
                 .out = to,
                 .field = rig.field,
                 .in_type = rig.in_type,
                 .type = &rig.type,
                 .fault = &rig.fault,
                 .held_out = &held_out};
  kr_op_kernel(rig.op, rig.elem, rig.level)(&call);
  assert_true(held_out == 0);
  for (int t = 0; t < N; t++) assert_true(fabs(centres[t] - 4 * 48000.0 / SIZE) < 1e-9);
  rig_deinit(&rig);
}

static void a_vector_of_another_length_is_refused(void **state) {
  (void)state;
  Rig rig;
  rig_init(&rig, "fft", KR_ELEM_F32, 1);
  rig.port[0] = rig_stream((KrType){KR_ELEM_F32, KR_SHAPE_VECTOR, {100, 1, 1}});
  assert_int_equal(rig_prepare(&rig, 0), KR_ERROR_ARGUMENT);
  assert_non_null(rig.message);
  rig_deinit(&rig);
}

static void magnitude_phase_and_centroid_read_the_bins(void **state) {
  (void)state;
  double bins[2 * BINS] = {0}, magnitudes[BINS], phases[BINS], centre;
  bins[8] = 3, bins[9] = 4;    // bin 4: 5
  bins[20] = -1, bins[21] = 0; // bin 10: 1
  const char *const names[] = {"magnitude", "phase", "centroid"};
  void *const outs[] = {magnitudes, phases, &centre};
  for (int k = 0; k < 3; k++) {
    Rig rig;
    rig_init(&rig, names[k], KR_ELEM_F64, 1);
    rig.port[0] = rig_stream((KrType){KR_ELEM_F64, KR_SHAPE_SPECTRUM, {BINS, SIZE, 1}});
    assert_int_equal(rig_prepare(&rig, 0), KR_OK);
    const void *in[1] = {bins};
    void *to[1] = {outs[k]};
    rig_run(&rig, 0, 1, 0, in, to);
    if (k == 2) {
      assert_true(fabs(centre - 750.0 * (4 * 5 + 10 * 1) / 6) < 1e-9);
      memset(bins, 0, sizeof bins);
      rig_run(&rig, 0, 1, 0, in, to);
      assert_true(centre == 0);
    }
    rig_deinit(&rig);
  }
  assert_true(magnitudes[4] == 5 && magnitudes[10] == 1 && magnitudes[5] == 0);
  assert_true(fabs(phases[4] - atan2(4, 3)) < 1e-15 && fabs(phases[10] - pi) < 1e-15);
}

static void threshold_passes_the_bins_that_reach_it(void **state) {
  (void)state;
  double bins[2 * BINS] = {0}, gated[2 * BINS], level = 5;
  bins[8] = 3, bins[9] = -4;    // bin 4: 5
  bins[20] = 3, bins[21] = 3.9; // bin 10: less
  Rig rig;
  rig_init(&rig, "threshold", KR_ELEM_F64, 1);
  rig.port[0] = rig_stream((KrType){KR_ELEM_F64, KR_SHAPE_SPECTRUM, {BINS, SIZE, 1}});
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  assert_int_equal(rig.type.dim[1], SIZE);
  const void *in[2] = {bins, &level};
  void *to[1] = {gated};
  rig_run(&rig, 0, 1, 2, in, to);
  assert_true(gated[8] == 3 && gated[9] == -4 && gated[20] == 0 && gated[21] == 0);
  level = -1;
  rig_run(&rig, 0, 1, 2, in, to);
  assert_memory_equal(gated, bins, sizeof bins);
  rig_deinit(&rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_partial_on_a_bin_has_its_amplitude),
      cmocka_unit_test(ifft_undoes_fft_without_window),
      cmocka_unit_test(istft_of_stft_is_the_signal_later),
      cmocka_unit_test(a_hop_that_loses_samples_is_refused),
      cmocka_unit_test(one_row_stands_for_all_while_a_spectrum_is_held),
      cmocka_unit_test(numbers_read_from_a_held_spectrum_fill_every_row),
      cmocka_unit_test(a_vector_of_another_length_is_refused),
      cmocka_unit_test(magnitude_phase_and_centroid_read_the_bins),
      cmocka_unit_test(threshold_passes_the_bins_that_reach_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

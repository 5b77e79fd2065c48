// Picture rows: sizes, histories and scales; what a pixel shows is tested with src/image.
#include "op_rig.h"

#include <math.h>

#include "image/draw.h"

static void set_number(Rig *rig, const char *name, double value) {
  *rig_port(rig, name) = rig_number((int64_t)value, 1);
}
static KrColor pixel(const uint8_t *rgba, uint32_t width, uint32_t x, uint32_t y) {
  const uint8_t *at = rgba + 4 * ((size_t)y * width + x);
  return (KrColor){at[0], at[1], at[2], at[3]};
}
static bool same_color(KrColor a, KrColor b) {
  return a.r == b.r && a.g == b.g && a.b == b.b && a.a == b.a;
}

static void a_field_is_coloured_cell_by_cell(void **state) {
  (void)state;
  const float u[6] = {0, 1, 2, 3, 4, 5};
  Rig rig;
  rig_init_op(&rig, kr_registry_find(KR_TEXT("colorize"), 2), KR_ELEM_F32, 1);
  rig.port[0] = rig_stream((KrType){KR_ELEM_F32, KR_SHAPE_FIELD, {3, 2, 1}});
  rig_port(&rig, "palette")->choice = KR_PALETTE_GRAYSCALE;
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  assert_int_equal(rig.type.dim[0], 510);
  assert_int_equal(rig.type.dim[1], 340);
  rig_deinit(&rig);
  rig_init_op(&rig, kr_registry_find(KR_TEXT("colorize"), 2), KR_ELEM_F32, 1);
  rig.port[0] = rig_stream((KrType){KR_ELEM_F32, KR_SHAPE_FIELD, {3, 2, 1}});
  rig_port(&rig, "palette")->choice = KR_PALETTE_GRAYSCALE;
  set_number(&rig, "width", 6);
  set_number(&rig, "height", 4);
  set_number(&rig, "vmax", 10);
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  uint8_t out[6 * 4 * 4];
  const void *in[1] = {u};
  void *to[1] = {out};
  rig_run(&rig, 0, 1, 0, in, to);
  for (uint32_t y = 0; y < 4; y++)
    for (uint32_t x = 0; x < 6; x++) {
      double value = (double)u[y / 2 * 3 + x / 2] / 10;
      assert_true(same_color(pixel(out, 6, x, y), kr_palette_color(KR_PALETTE_GRAYSCALE, value)));
    }
  rig_deinit(&rig);
}

static void sizes_out_of_range_and_wrong_shapes_are_refused(void **state) {
  (void)state;
  const double bad[] = {0, -1, 9000};
  for (int k = 0; k < 3; k++) {
    Rig rig;
    rig_init(&rig, "plot", KR_ELEM_F32, 1);
    set_number(&rig, "width", bad[k]);
    assert_int_equal(rig_prepare(&rig, 0), KR_ERROR_ARGUMENT);
    rig_deinit(&rig);
  }
  Rig rig;
  rig_init(&rig, "waveform", KR_ELEM_F32, 1);
  assert_int_equal(rig_prepare(&rig, 0), KR_ERROR_ARGUMENT);
  assert_non_null(rig.message);
  rig_deinit(&rig);
}

// The picture of tick k is what the drawing function makes of the ticks kept so far.
static void a_plot_shows_the_newest_ticks(void **state) {
  (void)state;
  enum { N = 30, POINTS = 12, W = 120, H = 80 };
  float x[N];
  double values[POINTS];
  static uint8_t out[N][4 * W * H], expected[4 * W * H];
  for (int i = 0; i < N; i++) x[i] = (float)sin(i * 0.7);
  Rig rig;
  rig_init(&rig, "plot", KR_ELEM_F32, 1);
  rig.dt = (KrRatio){1, 60};
  set_number(&rig, "width", W);
  set_number(&rig, "height", H);
  set_number(&rig, "points", POINTS);
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  const void *in[1] = {x};
  rig_signal(&rig, N, in, 1, out);
  for (int k = 0; k < N; k++) {
    int n = k + 1 < POINTS ? k + 1 : POINTS;
    for (int i = 0; i < n; i++) values[i] = (double)x[k + 1 - n + i];
    KrImage image = {W, H, expected};
    KrDrawPlot plot;
    kr_draw_plot_init(&plot, values, (size_t)n);
    plot.x = (KrDrawRange){(k + 1 - n) * (1.0 / 60), k * (1.0 / 60)};
    plot.x_label = KR_TEXT("s");
    kr_draw_plot(&image, &plot);
    assert_memory_equal(out[k], expected, sizeof expected);
  }
  rig_deinit(&rig);
}

static void a_spectrogram_keeps_its_columns(void **state) {
  (void)state;
  enum { N = 9, BINS = 17, ROWS = 4, W = 8, H = 17 };
  float spectra[N][2 * BINS] = {{0}};
  static uint8_t out[N][4 * W * H];
  for (int k = 0; k < N; k++) spectra[k][2 * k] = 1;
  Rig rig;
  rig_init(&rig, "spectrogram", KR_ELEM_F32, 1);
  rig.port[0] = rig_stream((KrType){KR_ELEM_F32, KR_SHAPE_SPECTRUM, {BINS, 32, 1}});
  set_number(&rig, "width", W);
  set_number(&rig, "height", H);
  set_number(&rig, "points", ROWS);
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  const void *in[1] = {spectra};
  rig_signal(&rig, N, in, 1, out);
  KrColor full = kr_palette_color((KrPalette)rig_port(&rig, "palette")->choice, 1);
  // Tick 8 shows the spectra of ticks 5 to 8, two pixels each, bin k at height H - 1 - k.
  for (uint32_t column = 0; column < ROWS; column++)
    for (uint32_t y = 0; y < H; y++)
      assert_int_equal(same_color(pixel(out[8], W, 2 * column, y), full), H - 1 - y == 5 + column);
  rig_deinit(&rig);
}

static void a_layer_covers_by_its_opacity(void **state) {
  (void)state;
  uint8_t below[4 * 4], above[4 * 1] = {200, 100, 0, 255}, out[4 * 4];
  for (int i = 0; i < 4; i++)
    below[4 * i] = 0, below[4 * i + 1] = 0, below[4 * i + 2] = 200, below[4 * i + 3] = 255;
  Rig rig;
  rig_init(&rig, "layer", KR_ELEM_F32, 1);
  rig.port[0] = rig_stream((KrType){KR_ELEM_BOOL, KR_SHAPE_IMAGE, {2, 2, 1}});
  rig.port[1] = rig_stream((KrType){KR_ELEM_BOOL, KR_SHAPE_IMAGE, {1, 1, 1}});
  set_number(&rig, "x", 1);
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  float opacity = 1;
  const void *in[3] = {below, above, &opacity};
  void *to[1] = {out};
  rig_run(&rig, 0, 1, 0, in, to);
  assert_true(same_color(pixel(out, 2, 1, 0), (KrColor){200, 100, 0, 255}));
  assert_memory_equal(out, below, 4);
  assert_memory_equal(out + 8, below + 8, 8);
  opacity = 0.5f;
  rig_run(&rig, 0, 1, 0, in, to);
  assert_true(same_color(pixel(out, 2, 1, 0), (KrColor){100, 50, 100, 255}));
  rig_deinit(&rig);
}

static void text_makes_a_picture_of_its_size(void **state) {
  (void)state;
  Rig rig;
  rig_init(&rig, "text", KR_ELEM_F64, 1);
  rig.port[0] = (KrPortValue){.kind = KR_VALUE_TEXT, .text = KR_TEXT("Kairo")};
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  assert_int_equal(rig.type.dim[0], kr_font_text_width(KR_TEXT("Kairo"), 2) + 4 * KR_FONT_WIDTH);
  size_t n = (size_t)kr_type_bytes(&rig.type), lit = 0;
  uint8_t *out = malloc(n);
  void *to[1] = {out};
  rig_run(&rig, 5, 1, 0, NULL, to);
  for (size_t i = 0; i < n; i += 4) lit += out[i] == 255;
  assert_true(lit > 100);
  free(out);
  rig_deinit(&rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_field_is_coloured_cell_by_cell),
      cmocka_unit_test(sizes_out_of_range_and_wrong_shapes_are_refused),
      cmocka_unit_test(a_plot_shows_the_newest_ticks),
      cmocka_unit_test(a_spectrogram_keeps_its_columns),
      cmocka_unit_test(a_layer_covers_by_its_opacity),
      cmocka_unit_test(text_makes_a_picture_of_its_size),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

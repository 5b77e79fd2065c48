/// Pictures of numbers: colour maps, cells, spectra, waveforms, plots; digests of whole pictures.
#include "base/hash.h"
#include "image/draw.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const double none = __builtin_nan("");

static KrImage make(uint32_t width, uint32_t height) {
  return (KrImage){width, height, calloc(1, KR_IMAGE_BYTES(width, height))};
}

static void expect_color(KrColor color, uint32_t rgb) {
  assert_int_equal((uint32_t)(color.r << 16 | color.g << 8 | color.b), rgb);
  assert_int_equal(color.a, 255);
}

static void palettes_pass_through_their_sources(void **state) {
  (void)state;
  expect_color(kr_palette_entry(KR_PALETTE_GRAYSCALE, 77), 0x4D4D4D);
  expect_color(kr_palette_entry(KR_PALETTE_VIRIDIS, 0), 0x440154);
  expect_color(kr_palette_entry(KR_PALETTE_VIRIDIS, 85), 0x31688E);
  expect_color(kr_palette_entry(KR_PALETTE_VIRIDIS, 255), 0xFDE725);
  expect_color(kr_palette_entry(KR_PALETTE_COOLWARM, 0), 0x3B4CC0);
  expect_color(kr_palette_entry(KR_PALETTE_COOLWARM, 128), 0xDDDDDD);
  expect_color(kr_palette_entry(KR_PALETTE_COOLWARM, 999), 0xB40426);
  expect_color(kr_palette_entry(KR_PALETTE_FIRE, 0), 0x000000);
}

static void fire_gets_lighter_all_the_way(void **state) {
  (void)state;
  uint32_t before = 0;
  for (uint32_t i = 0; i < 256; i++) {
    KrColor c = kr_palette_entry(KR_PALETTE_FIRE, i);
    uint32_t light = 2126u * c.r + 7152u * c.g + 722u * c.b; // ITU-R BT.709 weights
    assert_true(light >= before);
    before = light;
  }
}

static void values_find_the_nearest_entry(void **state) {
  (void)state;
  KrColor table[256];
  kr_palette_table(KR_PALETTE_VIRIDIS, table);
  for (int i = 0; i < 256; i++) {
    KrColor c = kr_palette_color(KR_PALETTE_VIRIDIS, i / 255.0);
    assert_memory_equal(&c, &table[i], sizeof c);
  }
  expect_color(kr_palette_color(KR_PALETTE_GRAYSCALE, -__builtin_inf()), 0);
  expect_color(kr_palette_color(KR_PALETTE_GRAYSCALE, 2), 0xFFFFFF);
  KrColor hole = kr_palette_color(KR_PALETTE_GRAYSCALE, none);
  assert_int_equal(hole.a, 0);
}

static void palettes_are_found_by_name(void **state) {
  (void)state;
  KrPalette palette;
  for (int i = 0; i < KR_PALETTE_N; i++) {
    assert_true(kr_palette_find(kr_text_from(kr_palette_name((KrPalette)i)), &palette));
    assert_int_equal(palette, i);
  }
  assert_false(kr_palette_find(KR_TEXT("firE"), &palette));
  assert_null(kr_palette_name(KR_PALETTE_N));
  assert_string_equal(kr_blend_name(KR_BLEND_OVER), "over");
  assert_null(kr_blend_name(KR_BLEND_N));
}

static void assert_near(double value, double wanted, double error) {
  if (!(value >= wanted - error && value <= wanted + error))
    fail_msg("%.17g is not %.17g +- %g", value, wanted, error);
}

static void decibels_are_right_over_the_whole_range(void **state) {
  (void)state;
  double power = 1;
  for (int i = 0; i <= 300; i++, power *= 10) {
    assert_near(kr_draw_decibel(power), 20.0 * i, 1e-10);
    assert_near(kr_draw_decibel(1 / power), -20.0 * i, 1e-10);
  }
  // 20 log10 of 2, 3, 0.7: from tables
  assert_near(kr_draw_decibel(2), 6.0205999132796239, 1e-11);
  assert_near(kr_draw_decibel(3), 9.5424250943932487, 1e-11);
  assert_near(kr_draw_decibel(0.7), -3.0980391997148633, 1e-11);
  assert_near(kr_draw_decibel(0x1p-1074), -6466.1243068623161, 1e-8);
  assert_true(kr_draw_decibel(0) == -__builtin_inf());
  assert_true(kr_draw_decibel(-1) == -__builtin_inf());
  assert_true(kr_draw_decibel(none) != kr_draw_decibel(none));
}

static void levels_are_cut_to_the_range(void **state) {
  (void)state;
  KrDrawRange range = {-1, 3}, down = {3, -1}, point = {2, 2}, all = {-1.7e308, 1.7e308};
  assert_true(kr_draw_level(range, 0) == 0.25);
  assert_true(kr_draw_level(range, -5) == 0);
  assert_true(kr_draw_level(range, __builtin_inf()) == 1);
  assert_true(kr_draw_level(down, 0) == 0.75);
  assert_true(kr_draw_level(point, 7) == 0.5);
  assert_true(kr_draw_level(all, 0) == 0.5);
  assert_true(kr_draw_level(range, none) != kr_draw_level(range, none));
  double values[] = {none, 3, -__builtin_inf(), -2, none};
  range = kr_draw_range(values, 5);
  assert_true(range.min == -2 && range.max == 3);
  range = kr_draw_range(values, 1);
  assert_true(range.min == 0 && range.max == 1);
}

static void every_pixel_shows_the_cell_under_its_centre(void **state) {
  (void)state;
  double cells[6] = {0, 0.2, 0.4, 0.6, none, 1};
  KrImage image = make(7, 4);
  kr_draw_colorize(&image, (KrDrawCells){cells, 3, 2}, (KrDrawRange){0, 1}, KR_PALETTE_GRAYSCALE);
  static const int columns[7] = {0, 0, 1, 1, 1, 2, 2};
  for (uint32_t y = 0; y < 4; y++) {
    for (uint32_t x = 0; x < 7; x++) {
      double value = cells[(y / 2) * 3 + (uint32_t)columns[x]];
      KrColor wanted = kr_palette_color(KR_PALETTE_GRAYSCALE, value);
      KrColor got = kr_image_at(&image, x, y);
      assert_memory_equal(&got, &wanted, sizeof got);
    }
  }
  free(image.rgba);
}

static uint32_t bar_height(const KrImage *image, uint32_t x) {
  KrColor night = kr_draw_colors().background;
  uint32_t n = 0;
  for (uint32_t y = 0; y < image->height; y++) {
    KrColor c = kr_image_at(image, x, y);
    n += memcmp(&c, &night, sizeof c) != 0;
  }
  return n;
}

static void bars_are_as_high_as_their_decibels(void **state) {
  (void)state;
  double magnitudes[4] = {1, 0.1, 1e-5, 0};
  KrImage image = make(4, 100);
  KrDrawRange range = {-100, 0};
  kr_draw_spectrum(&image, magnitudes, 4, range, KR_PALETTE_FIRE);
  assert_int_equal(bar_height(&image, 0), 100);
  assert_int_equal(bar_height(&image, 1), 80);
  assert_int_equal(bar_height(&image, 2), 0);
  assert_int_equal(bar_height(&image, 3), 0);
  double many[400] = {0};
  many[250] = 0.1; // column 2 of 4 must show it
  kr_draw_spectrum(&image, many, 400, range, KR_PALETTE_FIRE);
  assert_int_equal(bar_height(&image, 2), 80);
  assert_int_equal(bar_height(&image, 1), 0);
  free(image.rgba);
}

static void the_newest_spectrum_is_at_the_right(void **state) {
  (void)state;
  // Capacity 4, three filled, the ring wrapped: oldest in row 3, then 0, then 1.
  double ring[8] = {0, 1, 1, 1, 9, 9, 1, 0};
  KrDrawHistory history = {ring, 2, 4, 3, 3};
  KrImage image = make(4, 2);
  kr_draw_spectrogram(&image, &history, (KrDrawRange){-100, 0}, KR_PALETTE_GRAYSCALE);
  static const uint8_t top[4] = {0, 0, 255, 255}, bottom[4] = {0, 255, 0, 255};
  for (uint32_t x = 0; x < 4; x++) {
    assert_int_equal(kr_image_at(&image, x, 0).r, top[x]);
    assert_int_equal(kr_image_at(&image, x, 1).r, bottom[x]);
  }
  free(image.rgba);
}

static void waveform_columns_reach_least_and_greatest(void **state) {
  (void)state;
  double samples[1000];
  for (int i = 0; i < 1000; i++) samples[i] = i % 2 ? 0.5 : -0.5;
  KrImage image = make(10, 101);
  KrDrawColors colors = kr_draw_colors();
  kr_draw_waveform(&image, samples, 1000, (KrDrawRange){-1, 1}, &colors);
  for (uint32_t x = 0; x < 10; x++) {
    assert_int_equal(kr_image_at(&image, x, 26).b, colors.line.b);
    assert_int_equal(kr_image_at(&image, x, 74).b, colors.line.b);
    assert_int_equal(kr_image_at(&image, x, 23).b, colors.background.b);
    assert_int_equal(kr_image_at(&image, x, 77).b, colors.background.b);
  }
  kr_draw_waveform(&image, samples, 0, (KrDrawRange){-1, 1}, &colors);
  assert_int_equal(kr_image_at(&image, 5, 50).b, colors.faint.b);
  free(image.rgba);
}

static void steps_are_round(void **state) {
  (void)state;
  int64_t factor;
  int32_t exponent;
  assert_true(kr_draw_step((KrDrawRange){0, 10}, 10, &factor, &exponent));
  assert_int_equal(factor, 1);
  assert_int_equal(exponent, 0);
  assert_true(kr_draw_step((KrDrawRange){0.7, 0}, 5, &factor, &exponent));
  assert_int_equal(factor, 2);
  assert_int_equal(exponent, -1);
  assert_true(kr_draw_step((KrDrawRange){0, 40000}, 10, &factor, &exponent));
  assert_int_equal(factor, 5);
  assert_int_equal(exponent, 3);
  assert_false(kr_draw_step((KrDrawRange){1, 1}, 10, &factor, &exponent));
  assert_false(kr_draw_step((KrDrawRange){0, __builtin_inf()}, 10, &factor, &exponent));
  assert_false(kr_draw_step((KrDrawRange){0, none}, 10, &factor, &exponent));
}

static void expect_digest(const KrImage *image, const char *name, const char *wanted) {
  KrHash hash;
  char text[65];
  kr_hash_init(&hash);
  kr_hash_put(&hash, image->rgba, KR_IMAGE_BYTES(image->width, image->height));
  KrDigest digest = kr_hash_end(&hash);
  kr_digest_text(&digest, text);
  text[16] = 0;
  if (strcmp(text, wanted) != 0) print_error("%s is now %s\n", name, text);
  assert_string_equal(text, wanted);
}

// Blessed after looking at the pictures; the same on every machine, compiler and level.
static void whole_pictures_keep_their_bytes(void **state) {
  (void)state;
  double values[3000];
  double a = 1, b = 0;
  for (int i = 0; i < 3000; i++) {
    values[i] = a * (1.0 - i / 3000.0);
    a -= 0.02 * b;
    b += 0.02 * a;
  }
  KrImage image = make(320, 200);
  KrDrawColors colors = kr_draw_colors();
  KrDrawPlot plot;
  kr_draw_plot_init(&plot, values, 3000);
  plot.x = (KrDrawRange){0, 0.25};
  plot.title = KR_TEXT("Decay");
  plot.x_label = KR_TEXT("time (s)");
  plot.y_label = KR_TEXT("value");
  kr_draw_plot(&image, &plot);
  expect_digest(&image, "plot", "983994170e53aa2e");
  values[10] = none;
  kr_draw_plot_init(&plot, values, 100);
  plot.scale = 2;
  kr_draw_plot(&image, &plot);
  expect_digest(&image, "short plot", "0551c1e13333b516");
  kr_draw_waveform(&image, values, 3000, (KrDrawRange){-1, 1}, &colors);
  expect_digest(&image, "waveform", "eff893b66fb7871f");
  kr_draw_waveform(&image, values, 200, (KrDrawRange){-1, 1}, &colors);
  expect_digest(&image, "curve", "dce86a8433aa1e4b");
  kr_draw_colorize(&image, (KrDrawCells){values, 60, 50}, (KrDrawRange){-1, 1},
                   KR_PALETTE_COOLWARM);
  expect_digest(&image, "cells", "b012f3101a114bdd");
  kr_draw_spectrum(&image, values, 513, (KrDrawRange){-60, 0}, KR_PALETTE_VIRIDIS);
  expect_digest(&image, "spectrum", "d6d04e06b4ee3a29");
  free(image.rgba);
}

static void odd_plots_do_no_harm(void **state) {
  (void)state;
  double values[] = {none, 1e300, -1e300, __builtin_inf(), 0, -__builtin_inf(), none, 1};
  KrDrawRange ranges[] = {{0, 0},
                          {none, 1},
                          {-1e300, 1e300},
                          {1e15, 1e15 + 2},
                          {5, -5},
                          {0, 1e-14},
                          {-__builtin_inf(), __builtin_inf()},
                          {1e-300, 0}};
  for (uint32_t side = 0; side < 140; side += 23) {
    for (size_t r = 0; r < 8; r++) {
      for (size_t n = 0; n <= 8; n++) {
        KrImage image = make(side, 140 - side);
        KrDrawPlot plot;
        KrDrawColors colors = kr_draw_colors();
        kr_draw_plot_init(&plot, values, n);
        plot.x = ranges[r];
        plot.y = ranges[7 - r];
        plot.y_label = KR_TEXT("label");
        kr_draw_plot(&image, &plot);
        kr_draw_waveform(&image, values, n, ranges[r], &colors);
        kr_draw_spectrum(&image, values, (uint32_t)n, ranges[r], KR_PALETTE_FIRE);
        free(image.rgba);
      }
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(palettes_pass_through_their_sources),
      cmocka_unit_test(fire_gets_lighter_all_the_way),
      cmocka_unit_test(values_find_the_nearest_entry),
      cmocka_unit_test(palettes_are_found_by_name),
      cmocka_unit_test(decibels_are_right_over_the_whole_range),
      cmocka_unit_test(levels_are_cut_to_the_range),
      cmocka_unit_test(every_pixel_shows_the_cell_under_its_centre),
      cmocka_unit_test(bars_are_as_high_as_their_decibels),
      cmocka_unit_test(the_newest_spectrum_is_at_the_right),
      cmocka_unit_test(waveform_columns_reach_least_and_greatest),
      cmocka_unit_test(steps_are_round),
      cmocka_unit_test(whole_pictures_keep_their_bytes),
      cmocka_unit_test(odd_plots_do_no_harm),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

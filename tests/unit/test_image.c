/// Pixels and shapes: mixing against the formula in doubles, covered areas, clipping, PNG files.
#define _XOPEN_SOURCE 700
#include "image/font.h"
#include "image/image.h"
#include "io/png.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef KR_HAVE_PNG
#include <png.h>
#endif

#include <cmocka.h>

static const KrColor white = {255, 255, 255, 255}, black = {0, 0, 0, 255};

// A picture in its own allocation, so that a sanitizer sees a pixel outside; black.
static KrImage make(uint32_t width, uint32_t height) {
  KrImage image = {width, height, malloc(KR_IMAGE_BYTES(width, height))};
  kr_image_fill(&image, black);
  return image;
}

// Sum of a white shape's coverage in pixels, on black.
static double area(const KrImage *image) {
  double sum = 0;
  for (uint32_t y = 0; y < image->height; y++)
    for (uint32_t x = 0; x < image->width; x++) sum += kr_image_at(image, x, y).r;
  return sum / 255;
}

static void assert_near(double value, double wanted, double error) {
  if (!(value >= wanted - error && value <= wanted + error))
    fail_msg("%g is not %g +- %g", value, wanted, error);
}

static double mix(KrBlend blend, double b, double s) {
  switch (blend) {
  case KR_BLEND_ADD: return b + s > 1 ? 1 : b + s;
  case KR_BLEND_MULTIPLY: return b * s;
  case KR_BLEND_SCREEN: return 1 - (1 - b) * (1 - s);
  case KR_BLEND_LIGHTEN: return b > s ? b : s;
  case KR_BLEND_DARKEN: return b < s ? b : s;
  case KR_BLEND_DIFFERENCE: return b > s ? b - s : s - b;
  default: return s;
  }
}

static void mixing_equals_the_formula_within_a_step(void **state) {
  (void)state;
  uint64_t seed = 1;
  for (int i = 0; i < 200000; i++) {
    uint8_t p[8];
    for (int k = 0; k < 8; k++) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      p[k] = (seed >> 60) < 3 ? (uint8_t)(0 - (seed >> 59 & 1)) : (uint8_t)(seed >> 40);
    }
    KrBlend blend = (KrBlend)(i % KR_BLEND_N);
    KrImage below = {1, 1, p}, above = {1, 1, p + 4};
    double ab = p[3] / 255.0, as = p[7] / 255.0, alpha = as + ab * (1 - as);
    double wanted[3];
    for (int k = 0; k < 3; k++) {
      double b = p[k] / 255.0, s = p[4 + k] / 255.0;
      wanted[k] = as * (1 - ab) * s + ab * (1 - as) * b + as * ab * mix(blend, b, s);
      wanted[k] = as == 0 ? b : wanted[k] / alpha;
    }
    kr_image_layer(&below, &above, (KrPoint){0, 0}, blend, 256);
    for (int k = 0; k < 3; k++) assert_near(p[k], wanted[k] * 255, 1.01);
    assert_near(p[3], alpha * 255, 0.51);
  }
}

static void opaque_over_is_exact(void **state) {
  (void)state;
  KrImage image = make(1, 1);
  kr_image_blend(&image, 0, 0, (KrColor){10, 20, 30, 255}, 256);
  assert_memory_equal(image.rgba, "\x0A\x14\x1E\xFF", 4);
  kr_image_blend(&image, 0, 0, white, 0);
  assert_memory_equal(image.rgba, "\x0A\x14\x1E\xFF", 4);
  kr_image_fill(&image, (KrColor){0, 0, 0, 0});
  kr_image_blend(&image, 0, 0, (KrColor){200, 100, 50, 128}, 256);
  assert_memory_equal(image.rgba, "\xC8\x64\x32\x80", 4);
  free(image.rgba);
}

static void lines_cover_length_times_width(void **state) {
  (void)state;
  for (int angle = 0; angle < 16; angle++) {
    for (uint32_t width = 256; width <= 2048; width *= 2) {
      KrImage image = make(120, 120);
      KrPen pen = {white, width, NULL};
      // (3,4,5) and (5,12,13) triangles in every octant: lengths are whole.
      static const int16_t ends[4][2] = {{48, 0}, {48, 20}, {39, 52}, {36, 48}};
      static const double lengths[4] = {48, 52, 65, 60};
      int32_t dx = ends[angle % 4][0] * 128, dy = ends[angle % 4][1] * 128;
      if (angle & 4) dx = -dx;
      if (angle & 8) dy = -dy;
      KrPoint middle = {60 * 256 + 37, 60 * 256 + 91};
      kr_image_line(&image, (KrPoint){middle.x - dx, middle.y - dy},
                    (KrPoint){middle.x + dx, middle.y + dy}, &pen);
      double w = width / 256.0;
      // Round ends add a disc.
      assert_near(area(&image), lengths[angle % 4] * w + 3.14159 * w * w / 4, 0.02 * 65 * w + 0.5);
      free(image.rgba);
    }
  }
}

static void joints_are_not_painted_twice(void **state) {
  (void)state;
  KrImage image = make(40, 20);
  KrPen pen = {{255, 255, 255, 128}, 1024, NULL};
  KrPoint points[] = {{5 * 256, 10 * 256}, {20 * 256, 10 * 256}, {35 * 256, 10 * 256}};
  kr_image_polyline(&image, points, 3, &pen);
  for (uint32_t x = 6; x < 34; x++) assert_near(kr_image_at(&image, x, 10).r, 128, 1);
  free(image.rgba);
}

static void polygons_have_their_area(void **state) {
  (void)state;
  KrImage image = make(40, 40);
  KrPoint box[] = {{2560, 2560}, {5120, 2560}, {5120, 5120}, {2560, 5120}};
  kr_image_polygon(&image, box, 4, white);
  assert_near(area(&image), 100, 0);
  assert_int_equal(kr_image_at(&image, 10, 10).r, 255);
  assert_int_equal(kr_image_at(&image, 9, 10).r, 0);
  kr_image_fill(&image, black);
  KrPoint half[] = {{2560, 2688}, {2816, 2688}, {2816, 2944}, {2560, 2944}};
  kr_image_polygon(&image, half, 4, white);
  assert_near(kr_image_at(&image, 10, 10).r, 127.5, 1);
  assert_near(kr_image_at(&image, 10, 11).r, 127.5, 1);
  kr_image_fill(&image, black);
  KrPoint triangle[] = {{300, 500}, {9000, 2000}, {4000, 9500}};
  kr_image_polygon(&image, triangle, 3, white);
  double twice = (8700.0 * 9000 - 3700.0 * 1500) / 65536;
  assert_near(area(&image), twice / 2, 2);
  free(image.rgba);
}

static void discs_have_their_area(void **state) {
  (void)state;
  KrImage image = make(80, 80);
  kr_image_disc(&image, (KrPoint){40 * 256 + 100, 40 * 256 - 31}, 30 * 256, white);
  assert_near(area(&image), 3.14159265 * 900, 3);
  kr_image_fill(&image, black);
  KrPen pen = {white, 512, NULL};
  kr_image_circle(&image, (KrPoint){40 * 256, 40 * 256}, 30 * 256, &pen);
  assert_near(area(&image), 3.14159265 * 120, 3);
  free(image.rgba);
}

static void nothing_is_drawn_outside(void **state) {
  (void)state;
  uint64_t seed = 9;
  KrImage image = make(17, 13), layer = make(9, 9);
  KrRect clip = {3, 2, 8, 7};
  kr_image_fill(&layer, white);
  for (int i = 0; i < 3000; i++) {
    int32_t v[8];
    for (int k = 0; k < 8; k++) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      v[k] = (int32_t)(seed >> 32) >> (seed >> 27 & 31);
    }
    // Far shapes are cheap only when thin and small; the pen stays below 16 pixels.
    KrPen pen = {white, (uint32_t)v[6] & 4095, i & 1 ? &clip : NULL};
    KrPoint p[4] = {{v[0], v[1]}, {v[2], v[3]}, {v[4], v[5]}, {v[6], v[7]}};
    KrFontStyle style = {white, (uint32_t)v[7] & 3, NULL};
    kr_image_polyline(&image, p, 4, &pen);
    kr_image_polygon(&image, p, 4, white);
    kr_image_disc(&image, p[0], v[7], white);
    kr_image_circle(&image, p[1], v[7], &pen);
    kr_image_rect(&image, (KrRect){v[0], v[1], v[2], v[3]}, white);
    kr_image_layer(&image, &layer, p[2], KR_BLEND_OVER, 256);
    kr_font_draw(&image, v[0], v[1], KR_TEXT("ab\nc"), &style);
    kr_font_draw_upwards(&image, v[0], v[1], KR_TEXT("ab\nc"), &style);
  }
  kr_image_fill(&image, black);
  KrPen wide = {white, 100 * 256, &clip};
  kr_image_line(&image, (KrPoint){0, 0}, (KrPoint){9999, 9999}, &wide);
  assert_near(area(&image), 56, 0);
  free(image.rgba);
  free(layer.rgba);
}

static void scaling_takes_the_nearest_pixel(void **state) {
  (void)state;
  KrImage small = make(2, 1), large = make(5, 2);
  kr_image_blend(&small, 1, 0, white, 256);
  kr_image_scale(&large, &small);
  static const uint8_t wanted[5] = {0, 0, 255, 255, 255};
  for (uint32_t x = 0; x < 5; x++) assert_int_equal(kr_image_at(&large, x, 1).r, wanted[x]);
  free(small.rgba);
  free(large.rgba);
}

static void signs_differ_and_stay_in_their_cell(void **state) {
  (void)state;
  KrImage seen[96];
  KrFontStyle style = {white, 1, NULL};
  for (uint32_t i = 0; i < 95; i++) {
    char sign = (char)(32 + i);
    KrImage image = make(KR_FONT_WIDTH + 4, KR_FONT_HEIGHT + 4);
    kr_font_draw(&image, 2, 2, (KrText){&sign, 1}, &style);
    for (uint32_t y = 0; y < image.height; y++) {
      for (uint32_t x = 0; x < image.width; x++) {
        bool inside = x >= 2 && x < 7 && y >= 2 && y < 11;
        if (!inside) assert_int_equal(kr_image_at(&image, x, y).r, 0);
      }
    }
    assert_true((area(&image) > 0) == (sign != ' '));
    for (uint32_t k = 0; k < i; k++)
      assert_memory_not_equal(seen[k].rgba, image.rgba, KR_IMAGE_BYTES(image.width, image.height));
    seen[i] = image;
  }
  for (uint32_t i = 0; i < 95; i++) free(seen[i].rgba);
}

static void text_is_measured_drawn_and_turned_alike(void **state) {
  (void)state;
  KrText text = KR_TEXT("Gy\xC2\xB0\xFF"
                        "1\nab");
  uint32_t width = kr_font_text_width(text, 2), height = kr_font_text_height(text, 2);
  assert_int_equal(width, (5 * 6 - 1) * 2);
  assert_int_equal(height, 2 * 10 * 2);
  KrImage flat = make(width, height), turned = make(height, width);
  KrFontStyle style = {white, 2, NULL};
  kr_font_draw(&flat, 0, 0, text, &style);
  kr_font_draw_upwards(&turned, 0, (int32_t)width, text, &style);
  assert_true(area(&flat) > 100);
  for (uint32_t y = 0; y < height; y++)
    for (uint32_t x = 0; x < width; x++)
      assert_int_equal(kr_image_at(&flat, x, y).r, kr_image_at(&turned, y, width - 1 - x).r);
  free(flat.rgba);
  free(turned.rgba);
}

#ifdef KR_HAVE_PNG
static void expect_picture(const char *path, const KrImage *wanted) {
  png_image png;
  memset(&png, 0, sizeof png);
  png.version = PNG_IMAGE_VERSION;
  assert_true(png_image_begin_read_from_file(&png, path) != 0);
  assert_int_equal(png.width, wanted->width);
  assert_int_equal(png.height, wanted->height);
  png.format = PNG_FORMAT_RGBA;
  uint8_t *pixels = malloc(PNG_IMAGE_SIZE(png));
  assert_true(png_image_finish_read(&png, NULL, pixels, 0, NULL) != 0);
  assert_memory_equal(pixels, wanted->rgba, KR_IMAGE_BYTES(wanted->width, wanted->height));
  free(pixels);
}
#endif

static void png_files_hold_the_pixels(void **state) {
  (void)state;
  char folder[] = "/tmp/kairo-png-XXXXXX", path[64], error[KR_IO_MESSAGE];
  static const uint32_t widths[] = {1, 7, 64, 20000};
  assert_non_null(mkdtemp(folder));
  strcpy(path, folder);
  strcat(path, "/a.png");
  for (uint32_t i = 0; i < 8; i++) {
    KrImage image = make(widths[i / 2], 5);
    for (size_t k = 0; k < KR_IMAGE_BYTES(image.width, 5); k++)
      if (i % 2 == 0 || k % 4 != 3) image.rgba[k] = (uint8_t)(k * k >> 3);
    assert_int_equal(kr_png_write_stored(path, &image, error), KR_OK);
#ifdef KR_HAVE_PNG
    expect_picture(path, &image);
#endif
    assert_int_equal(kr_png_write(path, &image, error), KR_OK);
#ifdef KR_HAVE_PNG
    expect_picture(path, &image);
#endif
    free(image.rgba);
  }
  KrImage none = {0, 5, NULL};
  assert_int_equal(kr_png_write(path, &none, error), KR_ERROR_ARGUMENT);
  unlink(path);
  rmdir(folder);
}

static int64_t full(void *user, int fd, const void *at, size_t n_bytes) {
  (void)user;
  (void)fd;
  (void)at;
  (void)n_bytes;
  return 0;
}

static void a_full_disk_leaves_no_picture(void **state) {
  (void)state;
  char folder[] = "/tmp/kairo-png-XXXXXX", path[64], error[KR_IO_MESSAGE];
  KrImage image = make(300, 300);
  for (size_t k = 0; k < KR_IMAGE_BYTES(300, 300); k++) image.rgba[k] = (uint8_t)(k * k * k >> 7);
  assert_non_null(mkdtemp(folder));
  strcpy(path, folder);
  strcat(path, "/a.png");
  kr_io_set_write(full, NULL);
  KrStatus first = kr_png_write(path, &image, error);
  KrStatus second = kr_png_write_stored(path, &image, error);
  kr_io_set_write(NULL, NULL);
  assert_int_equal(first, KR_ERROR_IO);
  assert_int_equal(second, KR_ERROR_IO);
  assert_non_null(strstr(error, "No space left"));
  assert_int_equal(rmdir(folder), 0);
  free(image.rgba);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(mixing_equals_the_formula_within_a_step),
      cmocka_unit_test(opaque_over_is_exact),
      cmocka_unit_test(lines_cover_length_times_width),
      cmocka_unit_test(joints_are_not_painted_twice),
      cmocka_unit_test(polygons_have_their_area),
      cmocka_unit_test(discs_have_their_area),
      cmocka_unit_test(nothing_is_drawn_outside),
      cmocka_unit_test(scaling_takes_the_nearest_pixel),
      cmocka_unit_test(signs_differ_and_stay_in_their_cell),
      cmocka_unit_test(text_is_measured_drawn_and_turned_alike),
      cmocka_unit_test(png_files_hold_the_pixels),
      cmocka_unit_test(a_full_disk_leaves_no_picture),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

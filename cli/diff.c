// kairo diff: where two outputs first differ, and by how much.
#include "base/number.h"
#include "cli.h"
#include "io/sndfile.h"
#include "math/real.h"
#include <string.h>

static int fail(const char *file, const char *message) {
  fprintf(stderr, "kairo diff: error: %s\n", message != NULL ? message : file);
  return EXIT_PROGRAM;
}

static bool has_ending(const char *file, const char *ending) {
  size_t n = strlen(file), m = strlen(ending);
  return n >= m && strcmp(file + n - m, ending) == 0;
}

static int diff_audio(const char *a, const char *b, KrArena *arena) {
  KrAssetAudio x, y;
  const char *error = NULL;
  if (kr_sndfile_read(a, arena, &x, &error) != KR_OK) return fail(a, error);
  if (kr_sndfile_read(b, arena, &y, &error) != KR_OK) return fail(b, error);
  if (x.n_channels != y.n_channels || x.rate_hz != y.rate_hz) {
    printf("differ: %u channels at %u Hz against %u at %u Hz\n", x.n_channels, x.rate_hz,
           y.n_channels, y.rate_hz);
    return EXIT_PROGRAM;
  }
  uint64_t n = (x.n_frames < y.n_frames ? x.n_frames : y.n_frames) * x.n_channels, n_differ = 0,
           first = 0;
  double most = 0;
  for (uint64_t i = 0; i < n; i++) {
    if (kr_f32_to_bits(kr_f32_canonical(x.frames[i])) ==
        kr_f32_to_bits(kr_f32_canonical(y.frames[i])))
      continue;
    double distance = kr_f64_abs((double)x.frames[i] - (double)y.frames[i]);
    if (n_differ++ == 0) first = i;
    if (!(distance <= most)) most = distance;
  }
  if (n_differ > 0)
    printf("differ: first at frame %llu channel %llu (%.9g against %.9g), %llu samples, at most "
           "%.9g\n",
           (unsigned long long)(first / x.n_channels), (unsigned long long)(first % x.n_channels),
           (double)x.frames[first], (double)y.frames[first], (unsigned long long)n_differ, most);
  if (x.n_frames != y.n_frames)
    printf("differ: %llu frames against %llu\n", (unsigned long long)x.n_frames,
           (unsigned long long)y.n_frames);
  if (n_differ > 0 || x.n_frames != y.n_frames) return EXIT_PROGRAM;
  printf("same: %llu frames x %u\n", (unsigned long long)x.n_frames, x.n_channels);
  return EXIT_OK;
}

static KrText take_line(KrText *rest) {
  const char *end = memchr(rest->at, '\n', rest->n);
  size_t n = end != NULL ? (size_t)(end - rest->at) : rest->n;
  KrText line = {rest->at, n};
  size_t taken = end != NULL ? n + 1 : n;
  *rest = (KrText){rest->at + taken, rest->n - taken};
  return line;
}

static KrText take_cell(KrText *line) {
  const char *end = memchr(line->at, ',', line->n);
  size_t n = end != NULL ? (size_t)(end - line->at) : line->n;
  KrText cell = {line->at, n};
  size_t taken = end != NULL ? n + 1 : n;
  *line = (KrText){line->at + taken, line->n - taken};
  return cell;
}

static int diff_tables(const char *a, const char *b, KrArena *arena) {
  const uint8_t *x, *y;
  size_t n_x, n_y;
  const char *error = NULL;
  if (kr_file_read(a, arena, &x, &n_x, &error) != KR_OK) return fail(a, error);
  if (kr_file_read(b, arena, &y, &n_y, &error) != KR_OK) return fail(b, error);
  KrText left = {(const char *)x, n_x}, right = {(const char *)y, n_y};
  uint64_t line_number = 0;
  while (left.n > 0 && right.n > 0) {
    KrText p = take_line(&left), q = take_line(&right);
    line_number++;
    for (uint32_t column = 1; p.n > 0 || q.n > 0; column++) {
      KrText c = take_cell(&p), d = take_cell(&q);
      double u, v;
      if (kr_text_equal(c, d)) continue;
      printf("differ: first at line %llu column %u (%.*s against %.*s)",
             (unsigned long long)line_number, column, (int)c.n, c.at, (int)d.n, d.at);
      if (kr_number_parse_f64(c, &u) && kr_number_parse_f64(d, &v))
        printf(", by %.9g", kr_f64_abs(u - v));
      printf("\n");
      return EXIT_PROGRAM;
    }
  }
  if (left.n != right.n) {
    printf("differ: one ends after line %llu\n", (unsigned long long)line_number);
    return EXIT_PROGRAM;
  }
  printf("same: %llu lines\n", (unsigned long long)line_number);
  return EXIT_OK;
}

static int diff_bytes(const char *a, const char *b, KrArena *arena) {
  const uint8_t *x, *y;
  size_t n_x, n_y;
  const char *error = NULL;
  if (kr_file_read(a, arena, &x, &n_x, &error) != KR_OK) return fail(a, error);
  if (kr_file_read(b, arena, &y, &n_y, &error) != KR_OK) return fail(b, error);
  for (size_t i = 0; i < n_x && i < n_y; i++) {
    if (x[i] == y[i]) continue;
    printf("differ: first at byte %zu\n", i);
    return EXIT_PROGRAM;
  }
  if (n_x != n_y) {
    printf("differ: %zu bytes against %zu\n", n_x, n_y);
    return EXIT_PROGRAM;
  }
  printf("same: %zu bytes\n", n_x);
  return EXIT_OK;
}

int run_diff(int n_args, char **args) {
  Options options;
  int code = read_options(&options, "diff", n_args, args);
  if (code >= 0) return code;
  if (options.second == NULL) return usage_error("diff", "which two files?");
  const char *a = options.file, *b = options.second;
  KrArena arena;
  kr_arena_init(&arena, NULL);
  if (has_ending(a, ".csv") && has_ending(b, ".csv"))
    code = diff_tables(a, b, &arena);
  else if (has_ending(a, ".wav") && has_ending(b, ".wav"))
    code = diff_audio(a, b, &arena);
  else
    code = diff_bytes(a, b, &arena);
  kr_arena_deinit(&arena);
  return code;
}

// yardstick WORK FILE.wav SECONDS BLOCK [KEY0 KEY1 STREAM]: renders one work, 48000 Hz, float.
// The same work by hand: what plain C and vector types reach without an engine around them.
#include "yardstick.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const Work *const works[] = {
    &work_sines,     &work_subtractive,      &work_subtractive_copies,
    &work_modulated, &work_modulated_copies, &work_swung,
    &work_grains,    &work_whole_grains,     &work_gate,
    &work_combs};

static const Work *find_work(const char *name) {
  for (size_t i = 0; i < sizeof works / sizeof works[0]; i++)
    if (strcmp(name, works[i]->name) == 0) return works[i];
  return NULL;
}

static void put(uint8_t *at, uint32_t value, int n_bytes) {
  for (int i = 0; i < n_bytes; i++) at[i] = (uint8_t)(value >> 8 * i);
}

static int write_header(FILE *file, uint32_t n_channels, uint32_t n_frames) {
  uint8_t header[44] = "RIFF....WAVEfmt ................data";
  uint32_t n_bytes = 4 * n_channels * n_frames;
  put(header + 4, 36 + n_bytes, 4);
  put(header + 16, 16, 4);
  put(header + 20, 3, 2); // IEEE float
  put(header + 22, n_channels, 2);
  put(header + 24, RATE, 4);
  put(header + 28, RATE * 4 * n_channels, 4);
  put(header + 32, 4 * n_channels, 2);
  put(header + 34, 32, 2);
  memcpy(header + 36, "data", 4);
  put(header + 40, n_bytes, 4);
  return fwrite(header, sizeof header, 1, file) == 1;
}

static int render(const Work *work, FILE *file, int64_t n_ticks, int block) {
  static float out[2 * MAX_BLOCK];
  if (!write_header(file, (uint32_t)work->n_channels, (uint32_t)n_ticks)) return 0;
  for (int64_t tick = 0; tick < n_ticks; tick += block) {
    int n = n_ticks - tick < block ? (int)(n_ticks - tick) : block;
    work->run(out, tick, n);
    if (fwrite(out, sizeof *out * (size_t)work->n_channels, (size_t)n, file) != (size_t)n) return 0;
  }
  return 1;
}

int main(int n_words, char **words) {
  const Work *work = n_words == 5 || n_words == 8 ? find_work(words[1]) : NULL;
  double seconds = work != NULL ? strtod(words[3], NULL) : 0;
  long block = work != NULL ? strtol(words[4], NULL, 10) : 0;
  if (!(seconds > 0 && seconds < 10000 && block >= 1 && block <= MAX_BLOCK)) {
    fprintf(stderr,
            "usage: yardstick A|B|Bc|C|Cc|D|E|F|G FILE.wav SECONDS BLOCK [KEY0 KEY1 STREAM]\n");
    return 2;
  }
  Noise noise = {{0, 0}, 0};
  if (n_words == 8) {
    noise.key[0] = (uint32_t)strtoul(words[5], NULL, 0);
    noise.key[1] = (uint32_t)strtoul(words[6], NULL, 0);
    noise.stream = (uint32_t)strtoul(words[7], NULL, 0);
  }
  work->prepare(&noise);
  FILE *file = fopen(words[2], "wb");
  int ok = file != NULL && render(work, file, (int64_t)(seconds * RATE + 0.5), (int)block);
  if (file != NULL && fclose(file) != 0) ok = 0;
  if (!ok) fprintf(stderr, "yardstick: cannot write %s\n", words[2]);
  return !ok;
}

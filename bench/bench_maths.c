// Nanoseconds per value of the elementary functions: one by one, and many at once at every vector
// level this processor has. The best of several runs over inputs of ordinary size.
#include "clock.h"
#include "math/many.h"
#include "math/real.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_VALUES = 4096, N_REPEATS = 5, N_RUNS = 20 };
static float x32[N_VALUES], y32[N_VALUES], out32[N_VALUES];
static double x64[N_VALUES], out64[N_VALUES];

#define LEVEL_TABLE(suffix, name) [KR_LEVEL_##name] = &kr_many_##suffix,
static const KrMany *const MANY[KR_N_LEVELS] = {KR_LEVEL_LIST(LEVEL_TABLE)};

typedef struct Row {
  const char *name;
  float (*f32)(float);
  double (*f64)(double);
  double low, high;
} Row;
#define ROW(name, doc) {#name, kr_f32_##name, kr_f64_##name, -10, 10},
static Row ROWS[] = {KR_ELEMENTARY_LIST(ROW)};

static void set_range(Row *row) {
  const char *positive = " log log2 log10 ftom db ";
  char word[20];
  snprintf(word, sizeof word, " %s ", row->name);
  if (strstr(positive, word)) row->low = 1e-3, row->high = 4;
  if (!strcmp(row->name, "asin") || !strcmp(row->name, "acos")) row->low = -1, row->high = 1;
  if (!strcmp(row->name, "mtof")) row->low = 0, row->high = 127;
  if (!strcmp(row->name, "lin")) row->low = -96, row->high = 12;
  if (!strcmp(row->name, "ftom")) row->low = 20, row->high = 20000;
}

static void fill(double low, double high) {
  uint64_t state = 88172645463325252u;
  for (int i = 0; i < N_VALUES; i++) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    x64[i] = low + (high - low) * (double)(state >> 11) * 0x1p-53;
    x32[i] = (float)x64[i];
    y32[i] = (float)(state % 1000) * 0.01f - 5;
  }
}

typedef void Work(const Row *row, const KrMany *many, size_t index);
static void one_f32(const Row *row, const KrMany *many, size_t index) {
  (void)many, (void)index;
  for (int i = 0; i < N_VALUES; i++) out32[i] = row->f32(x32[i]);
}
static void one_f64(const Row *row, const KrMany *many, size_t index) {
  (void)many, (void)index;
  for (int i = 0; i < N_VALUES; i++) out64[i] = row->f64(x64[i]);
}
static void many_f32(const Row *row, const KrMany *many, size_t index) {
  (void)row;
  many->f32[index](x32, out32, N_VALUES);
}
static void many_f64(const Row *row, const KrMany *many, size_t index) {
  (void)row;
  many->f64[index](x64, out64, N_VALUES);
}
static void one_pair(const Row *row, const KrMany *many, size_t index) {
  (void)row, (void)many;
  for (int i = 0; i < N_VALUES; i++)
    out32[i] = index ? kr_f32_atan2(x32[i], y32[i]) : kr_f32_pow(x32[i], y32[i]);
}
static void many_pairs(const Row *row, const KrMany *many, size_t index) {
  (void)row;
  (index ? many->atan2_f32 : many->pow_f32)(x32, y32, out32, N_VALUES);
}

static double time_work(Work *work, const Row *row, KrLevel level, size_t index) {
  double best = 1e9;
  for (int run = 0; run < N_RUNS; run++) {
    double begin = cpu_seconds();
    for (int i = 0; i < N_REPEATS; i++) work(row, MANY[level], index);
    double ns = (cpu_seconds() - begin) * 1e9 / ((double)N_VALUES * N_REPEATS);
    best = ns < best ? ns : best;
  }
  return best;
}

static void print_line(const Row *row, Work *one, Work *many, size_t index) {
  printf(" %8.2f", time_work(one, row, KR_LEVEL_GENERIC, index));
  for (int level = KR_LEVEL_GENERIC; level < KR_N_LEVELS; level++)
    if (kr_level_is_supported((KrLevel)level))
      printf(" %8.2f", time_work(many, row, (KrLevel)level, index));
  printf("\n");
}

int main(void) {
  printf("ns a value      one");
  for (int level = KR_LEVEL_GENERIC; level < KR_N_LEVELS; level++)
    if (kr_level_is_supported((KrLevel)level)) printf(" %8s", kr_level_text((KrLevel)level));
  printf("\n");
  for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
    set_range(&ROWS[i]);
    fill(ROWS[i].low, ROWS[i].high);
    printf("%-10s", ROWS[i].name);
    print_line(&ROWS[i], one_f32, many_f32, i);
  }
  fill(1e-3, 10);
  for (size_t i = 0; i < 2; i++) {
    printf("%-10s", i ? "atan2" : "pow");
    print_line(&ROWS[0], one_pair, many_pairs, i);
  }
  for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
    fill(ROWS[i].low, ROWS[i].high);
    printf("f64 %-6.6s", ROWS[i].name);
    print_line(&ROWS[i], one_f64, many_f64, i);
  }
  return 0;
}

// Transforms at every vector level, and beside them FFTW's (FFTW_MEASURE, one thread) where its
// library is installed. User CPU time, best of several rounds taken in turn.
#include "math/fft.h"
#include "ops/level.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#ifdef KR_HAS_FFTW
#include <fftw3.h>
#endif

enum { MAX = 1 << 13, ROUNDS = 9, PAD = 80 };

static _Alignas(64) float in32[2 * MAX + PAD];
static _Alignas(64) float out32[2 * MAX + PAD], work32[2 * MAX];
static _Alignas(64) double in64[2 * MAX + PAD];
static _Alignas(64) double out64[2 * MAX + PAD], work64[2 * MAX];
static const void *plan;
static uint32_t size;
typedef void Run(void);

#define DEFINE_RUNS(level, name)                                                                   \
  static void complex32_##level(void) {                                                            \
    kr_fft_f32_forward_##level(plan, in32, in32 + MAX + PAD, out32, out32 + MAX + PAD, work32);    \
  }                                                                                                \
  static void complex64_##level(void) {                                                            \
    kr_fft_f64_forward_##level(plan, in64, in64 + MAX + PAD, out64, out64 + MAX + PAD, work64);    \
  }                                                                                                \
  static void real32_##level(void) {                                                               \
    kr_rfft_f32_forward_##level(plan, in32, out32, out32 + MAX + PAD, work32);                     \
  }                                                                                                \
  static void real64_##level(void) {                                                               \
    kr_rfft_f64_forward_##level(plan, in64, out64, out64 + MAX + PAD, work64);                     \
  }
KR_LEVEL_LIST(DEFINE_RUNS)
#undef DEFINE_RUNS
static Run *const RUNS[KR_N_LEVELS][4] = {
#define LIST_RUNS(level, name)                                                                     \
  [KR_LEVEL_##name] = {complex32_##level, real32_##level, complex64_##level, real64_##level},
    KR_LEVEL_LIST(LIST_RUNS)
#undef LIST_RUNS
};
static const char *const KINDS[4] = {"complex f32", "real f32", "complex f64", "real f64"};

#ifdef KR_HAS_FFTW
static fftwf_plan theirs32;
static fftw_plan theirs64;
static void run_theirs32(void) { fftwf_execute(theirs32); }
static void run_theirs64(void) { fftw_execute(theirs64); }

static Run *plan_theirs(int kind) {
  static float *a, *b;
  static double *c, *d;
  if (a == NULL) {
    a = fftwf_malloc(sizeof *a * 2 * (MAX + 2)), b = fftwf_malloc(sizeof *b * 2 * (MAX + 2));
    c = fftw_malloc(sizeof *c * 2 * (MAX + 2)), d = fftw_malloc(sizeof *d * 2 * (MAX + 2));
  }
  int n = (int)size;
  if (kind == 0)
    theirs32 = fftwf_plan_dft_1d(n, (void *)a, (void *)b, FFTW_FORWARD, FFTW_MEASURE);
  else if (kind == 1)
    theirs32 = fftwf_plan_dft_r2c_1d(n, a, (void *)b, FFTW_MEASURE);
  else if (kind == 2)
    theirs64 = fftw_plan_dft_1d(n, (void *)c, (void *)d, FFTW_FORWARD, FFTW_MEASURE);
  else
    theirs64 = fftw_plan_dft_r2c_1d(n, c, (void *)d, FFTW_MEASURE);
  for (int i = 0; i < 2 * n; i++) a[i] = (float)(c[i] = rand() / (double)RAND_MAX - 0.5);
  return kind < 2 ? run_theirs32 : run_theirs64;
}
#else
static Run *plan_theirs(int kind) {
  (void)kind;
  return NULL;
}
#endif

static double seconds(void) { return (double)clock() / CLOCKS_PER_SEC; }

static void *plan_ours(KrArena *arena, int kind) {
  size_t real = kind < 2 ? sizeof(float) : sizeof(double);
  return kind % 2 == 0 ? (void *)kr_fft_prepare(arena, size, real)
                       : (void *)kr_rfft_prepare(arena, size, real);
}

static double time_of(Run *run) {
  int n = (int)(6000000 / size);
  double start = seconds();
  for (int i = 0; i < n; i++) run();
  return (seconds() - start) / n * 1e6;
}

static void measure(KrArena *arena, int kind) {
  double best[KR_N_LEVELS + 1];
  Run *theirs = plan_theirs(kind);
  plan = plan_ours(arena, kind);
  for (int i = 0; i <= KR_N_LEVELS; i++) best[i] = 1e9;
  for (int round = 0; round < ROUNDS; round++)
    for (int i = 0; i <= KR_N_LEVELS; i++) {
      Run *run = i == KR_N_LEVELS ? theirs : RUNS[i][kind];
      if (run == NULL || (i < KR_N_LEVELS && !kr_level_is_supported((KrLevel)i))) continue;
      double t = time_of(run);
      if (t < best[i]) best[i] = t;
    }
  for (int i = 0; i < KR_N_LEVELS; i++) {
    if (RUNS[i][kind] == NULL || best[i] > 1e8) continue;
    printf("%-12s %5u %-9s %8.2f us", KINDS[kind], size, kr_level_text((KrLevel)i), best[i]);
    if (theirs != NULL) printf("   %5.2f of FFTW's speed", best[KR_N_LEVELS] / best[i]);
    printf("\n");
  }
}

int main(void) {
  static const uint32_t sizes[] = {1024, 1536, 2048, 2560, 3072, 4096, 5120, 6144, 8192};
  KrArena arena;
  kr_arena_init(&arena, NULL);
  for (int i = 0; i < 2 * MAX + PAD; i++)
    in32[i] = (float)(in64[i] = rand() / (double)RAND_MAX - 0.5);
  for (int kind = 0; kind < 4; kind++)
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
      size = sizes[s];
      measure(&arena, kind);
    }
  kr_arena_deinit(&arena);
  return 0;
}

/// Whatever foreign code does to the processor's control word, a span computes by the strict one.
#include "kairo/kairo.h"
#include "math/control.h"
#include "rt/pool.h"
#include <fenv.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#ifdef __SSE__
#include <xmmintrin.h>
#endif

#include <cmocka.h>

/// What a plug-in or a library built for speed may leave behind.
typedef void Spoil(void);
static void round_up(void) { fesetround(FE_UPWARD); }
static void round_to_zero(void) { fesetround(FE_TOWARDZERO); }
#ifdef __SSE__
static void flush_to_zero(void) { _mm_setcsr(_mm_getcsr() | 0x8000); }
static void denormals_are_zero(void) { _mm_setcsr(_mm_getcsr() | 0x0040); }
static void trap_divisions(void) { _mm_setcsr(_mm_getcsr() & ~0x0200u); }
#endif
static Spoil *const spoils[] = {
    round_up,      round_to_zero,
#ifdef __SSE__
    flush_to_zero, denormals_are_zero, trap_divisions,
#endif
};
enum { N_SPOILS = sizeof spoils / sizeof *spoils };

static void a_strict_control_word_is_left_alone(void **state) {
  (void)state;
  assert_false(kr_control_repair());
}

static void a_changed_control_word_is_seen_once_and_set_right(void **state) {
  (void)state;
  volatile float small = 0x1p-130f, one = 1, zero = 0, third = 3;
  for (int i = 0; i < N_SPOILS; i++) {
    spoils[i]();
    assert_true(kr_control_repair());
    assert_false(kr_control_repair());
    assert_true(small * 0.5f == 0x1p-131f);
    assert_true(one / third == 0x1.555556p-2f && -one / third == -0x1.555556p-2f);
    assert_true(one / zero > 0x1p127f);
  }
}

/// Rounding shows in every step, and the tail of the decay is denormal.
static const char text[] = "flow a(dt=1/8000 @rate=audio) {\n"
                           "  let x = prev(x, init=1e-30) * 0.97 + 1e-44\n"
                           "  output x\n  output y = sine(freq=333Hz) / 3 + x\n}\n"
                           "flow b(dt=1/100 @rate=control) { output time / 3 + 1 / (step - 7) }\n";

typedef struct Heard {
  double values[3][1024];
} Heard;

/// 0.1 s in ten steps; before step k >= 0 the control word is spoiled.
static uint64_t run(Spoil *spoil, int k, Heard *heard) {
  KrProgram *program = NULL;
  KrSession *session = NULL;
  KrProgramOptions options;
  kr_program_defaults(&options);
  options.step = (KrRatio){1, 100};
  memset(heard, 0, sizeof *heard);
  assert_int_equal(kr_program_load("test", text, strlen(text), &options, &program), KR_OK);
  assert_int_equal(kr_session_new(program, &session), KR_OK);
  int64_t done[3] = {0};
  for (int i = 0; i < 10; i++) {
    if (i == k) spoil();
    KrRatio to;
    kr_ratio_make(i + 1, 100, &to);
    assert_int_equal(kr_session_run(session, to), KR_OK);
    for (uint32_t o = 0; o < 3; o++) {
      int64_t end = kr_session_ticks(session, o);
      uint32_t n = (uint32_t)(end - done[o]);
      assert_int_equal(kr_session_read(session, o, 0, done[o], n, heard->values[o] + done[o]),
                       KR_OK);
      done[o] = end;
    }
  }
  uint64_t n_repairs = kr_session_repairs(session);
  kr_session_free(session);
  kr_program_free(program);
  return n_repairs;
}

static void spans_repair_count_and_keep_their_bits(void **state) {
  (void)state;
  static Heard strict, other;
  assert_int_equal(run(NULL, -1, &strict), 0);
  assert_true(strict.values[0][700] > 0 && strict.values[0][700] < 0x1p-126);
  for (int i = 0; i < N_SPOILS; i++) {
    for (int k = 0; k < 10; k += 3) {
      assert_int_equal(run(spoils[i], k, &other), 1);
      assert_memory_equal(&strict, &other, sizeof strict);
    }
  }
}

static void loading_repairs_and_counts_too(void **state) {
  (void)state;
  static Heard strict, other;
  run(NULL, -1, &strict);
  for (int i = 0; i < N_SPOILS; i++) {
    spoils[i]();
    assert_int_equal(run(NULL, -1, &other), 1);
    assert_memory_equal(&strict, &other, sizeof strict);
  }
}

static void spoil_worker(void *data, uint32_t index) {
  (void)index;
  (*(Spoil *const *)data)();
}

typedef struct Workers {
  KrPool *pool;
  Spoil *spoil;
} Workers;

/// Spoils every worker before each round.
static void run_spoiled(void *user, uint32_t n, KrTask *task, void *data) {
  Workers *workers = user;
  kr_pool_run(workers->pool, 16, spoil_worker, &workers->spoil);
  kr_pool_run(workers->pool, n, task, data);
}

static double run_threads(const KrTasks *tasks, uint64_t *n_repairs) {
  static const char parts[] = "flow a(dt=1/8000) { output time / 3 }\n"
                              "flow b(dt=1/8000) { output time / 7 }\n"
                              "flow c(dt=1/8000) { output a / 3 + b / 11 }\n";
  KrProgram *program = NULL;
  KrSession *session = NULL;
  double value = 0;
  assert_int_equal(kr_program_load("test", parts, strlen(parts), NULL, &program), KR_OK);
  assert_int_equal(kr_session_new(program, &session), KR_OK);
  kr_session_use(session, tasks);
  assert_int_equal(kr_session_run(session, (KrRatio){1, 1000}), KR_OK);
  assert_int_equal(kr_session_read(session, 2, 0, 7, 1, &value), KR_OK);
  *n_repairs = kr_session_repairs(session);
  kr_session_free(session);
  kr_program_free(program);
  return value;
}

static void workers_repair_their_own(void **state) {
  (void)state;
  uint64_t n_repairs;
  double strict = run_threads(NULL, &n_repairs);
  assert_int_equal(n_repairs, 0);
  for (int i = 0; i < 2; i++) {
    Workers workers = {.spoil = spoils[i]};
    assert_int_equal(kr_pool_new(3, &workers.pool), KR_OK);
    double value = run_threads(&(KrTasks){&workers, 3, run_spoiled}, &n_repairs);
    assert_true(value == strict);
    kr_pool_free(workers.pool);
    kr_control_repair();
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_strict_control_word_is_left_alone),
      cmocka_unit_test(a_changed_control_word_is_seen_once_and_set_right),
      cmocka_unit_test(spans_repair_count_and_keep_their_bits),
      cmocka_unit_test(loading_repairs_and_counts_too),
      cmocka_unit_test(workers_repair_their_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

/// A session that runs on threads gives the bits, the snapshot and the fault of one that runs
/// alone, whatever the number of workers, the order of the tasks and their delays.
#include "base/hash.h"
#include "kairo/kairo.h"
#include "rt/pool.h"
#include "session/session.h"
#include "unit/model.h"
#include <stdio.h>
#include <string.h>

/// Flows beside one another and behind one another, crossings with leads, windows, states with
/// several writers, a loop of two flows, notes, and sums wide enough for several groups of lanes.
static const char many_parts[] =
    "@seed = 3\n"
    "@state(merge=sum) total: f64 = 10\n"
    "@state plain: i64 = 0\n"
    "flow lfo(dt=1/100 @rate=control) { output sine(freq=3Hz) }\n"
    "flow a(dt=1/8000 @rate=audio) {\n"
    "  let bend = resample(lfo, to=audio, mode=linear)\n"
    "  output comb(sine(freq=200Hz + 30Hz * bend), time=7ms, feedback=0.5)\n}\n"
    "flow b(dt=1/8000 @rate=audio) {\n"
    "  output [0..300].map(|i| sine(freq=(100 + 7.3 * i) * 1Hz)).sum() / 300\n}\n"
    "flow c(dt=1/6000 @rate=sim) { output noise(1) * impulse(freq=40Hz) }\n"
    "flow d(dt=1/8000 @rate=audio) {\n"
    "  output a * b + resample(c, to=audio, mode=cubic)\n}\n"
    "flow loud(dt=1/50 @rate=sim) {\n  plain = plain + 1\n  total = total + 0.25\n"
    "  output rms(d)\n  output t = total\n}\n"
    "flow quiet(dt=1/100 @rate=control) {\n  total = total + 1\n  output t = total\n"
    "  output p = plain\n}\n"
    "fn voice(v) {\n"
    "  let notes = event.every(50ms, phase=v * 1ms, payload=Note{freq: (110 + 7 * v) * 1Hz, "
    "dur: 30ms})\n"
    "  let env = adsr(notes.to_signal(mode=gate), attack=2ms, decay=10ms, release=8ms)\n"
    "  return lowpass(saw(freq=notes.to_signal(mode=hold).freq), cutoff=300Hz + 900Hz * env) * "
    "env\n"
    "}\n"
    "flow voices(dt=1/8000 @rate=audio) { output [0..150].map(|v| voice(v)).sum() }\n"
    "flow apart(dt=1/8000 @rate=audio) {\n"
    "  output x = [0..60].map(|i| tanh(sine(freq=(100 + i) * 1Hz))).sum()\n"
    "  output y = [0..70].map(|v| voice(v + 9)).sum()\n"
    "  output z = [0..60].map(|i| noise(i) * saw(freq=(90 + i) * 1Hz)).sum()\n}\n"
    "flow slow(dt=1/100 @rate=control) {\n"
    "  let bends = [0..40].map(|i| sine(freq=0.5Hz + 0.05Hz * i) * 20Hz)\n}\n"
    "flow bent(dt=1/8000 @rate=audio) {\n"
    "  let lines = resample(slow.bends, to=audio, mode=linear)\n"
    "  let curves = resample(slow.bends, to=audio, mode=cubic)\n"
    "  output [0..40].map(|i| sine(freq=200Hz + 17Hz * i + lines[i]) * curves[i]).sum()\n}\n"
    "flow ping(dt=1/100 @rate=control) { output x = prev(pong.y, init=1) + 1 }\n"
    "flow pong(dt=1/100 @rate=control) { output y = ping.x * 2 % 17 }\n";

/// Two flows fail at different times and two at the same: the first, by time and order, is told.
static const char faults[] =
    "flow late(dt=1/1000 @rate=sim) {\n  let n: i64 = 23 - step\n  output div(1, n)\n}\n"
    "flow early(dt=1/1000 @rate=sim) {\n  let n: i64 = 17 - step\n  output div(2, n)\n}\n"
    "flow same(dt=1/1000 @rate=sim) {\n  let n: i64 = 17 - step\n  output div(3, n)\n}\n"
    "flow fine(dt=1/8000 @rate=audio) { output sine(freq=100Hz) }\n";

static KrProgram *load(const char *text, uint32_t span_ticks) {
  KrProgramOptions options;
  KrProgram *program = NULL;
  kr_program_defaults(&options);
  options.step = (KrRatio){1, 100};
  options.span_ticks = span_ticks;
  KrStatus status = kr_program_load("test", text, strlen(text), &options, &program);
  if (status != KR_OK) print_error("%s\n", kr_program_messages(program));
  assert_int_equal(status, KR_OK);
  return program;
}

/// Tasks that take their time: each is held up by a random number of loop turns.
typedef struct Delays {
  KrPool *pool;
  KrTask *task;
  void *data;
  uint64_t seed;
  uint32_t max_turns, n_rounds;
} Delays;

static void run_late(void *user, uint32_t index) {
  const Delays *delays = user;
  uint64_t seed = delays->seed + index;
  uint32_t n_turns = (uint32_t)draw_below(&seed, delays->max_turns);
  for (volatile uint32_t i = 0; i < n_turns; i++) continue;
  delays->task(delays->data, index);
}

static void run_delayed(void *user, uint32_t n, KrTask *task, void *data) {
  Delays *delays = user;
  delays->task = task;
  delays->data = data;
  delays->n_rounds++;
  draw(&delays->seed);
  kr_pool_run(delays->pool, n, run_late, delays);
}

/// One thread, each round in an order of its own.
static void run_shuffled(void *user, uint32_t n, KrTask *task, void *data) {
  Delays *delays = user;
  uint32_t order[1024] = {0};
  assert_true(n <= 1024);
  delays->n_rounds++;
  for (uint32_t i = 0; i < n; i++) {
    uint32_t at = (uint32_t)draw_below(&delays->seed, i + 1);
    order[i] = order[at];
    order[at] = i;
  }
  for (uint32_t i = 0; i < n; i++) task(data, order[i]);
}

static void hash_outputs(KrHash *hash, const KrProgram *program, const KrSession *session,
                         int64_t *done) {
  for (uint32_t o = 0; o < kr_program_outputs(program); o++) {
    int64_t end = kr_session_ticks(session, o);
    for (; done[o] < end; done[o]++) {
      double value;
      assert_int_equal(kr_session_read(session, o, 0, done[o], 1, &value), KR_OK);
      kr_hash_put(hash, &value, sizeof value);
    }
  }
}

/// Digest of half a second of every output and of the snapshot at its end.
static KrDigest render(const KrProgram *program, const KrTasks *tasks) {
  KrSession *session = NULL;
  KrHash hash;
  int64_t done[32] = {0};
  uint8_t *at;
  size_t n_bytes;
  kr_hash_init(&hash);
  assert_int_equal(kr_session_new(program, &session), KR_OK);
  kr_session_use(session, tasks);
  for (int64_t i = 1; i <= 50; i++) {
    KrRatio to;
    kr_ratio_make(i, 100, &to);
    assert_int_equal(kr_session_run(session, to), KR_OK);
    hash_outputs(&hash, program, session, done);
  }
  assert_int_equal(kr_session_save(session, &at, &n_bytes), KR_OK);
  kr_hash_put(&hash, at, n_bytes);
  kr_bytes_free(at);
  kr_session_free(session);
  return kr_hash_end(&hash);
}

static void expect_same(const KrDigest *a, const KrDigest *b) {
  assert_memory_equal(a, b, sizeof *a);
}

static void any_number_of_threads_gives_the_same_bits(void **state) {
  (void)state;
  static const uint32_t n_workers[] = {1, 2, 3, 5, 8, 16};
  KrProgram *program = load(many_parts, 0);
  KrDigest alone = render(program, NULL);
  for (size_t i = 0; i < sizeof n_workers / sizeof *n_workers; i++) {
    Delays delays = {.seed = i};
    assert_int_equal(kr_pool_new(n_workers[i], &delays.pool), KR_OK);
    KrTasks plain = kr_pool_tasks(delays.pool);
    KrDigest digest = render(program, &plain);
    expect_same(&digest, &alone);
    for (delays.max_turns = 100; delays.max_turns <= 10000; delays.max_turns *= 10) {
      KrTasks delayed = {&delays, n_workers[i], run_delayed};
      delays.n_rounds = 0;
      digest = render(program, &delayed);
      expect_same(&digest, &alone);
      assert_true(n_workers[i] == 1 || delays.n_rounds > 0);
    }
    kr_pool_free(delays.pool);
  }
  kr_program_free(program);
}

// All on one thread: there is little for a sanitizer of threads to see, at fifty times the time.
static void any_order_of_the_tasks_gives_the_same_bits(void **state) {
  (void)state;
  static const uint32_t spans[] = {0, 1, 7};
#ifdef __SANITIZE_THREAD__
  const uint64_t n_seeds = 1;
#else
  const uint64_t n_seeds = 5;
#endif
  for (size_t s = 0; s < sizeof spans / sizeof *spans; s++) {
    KrProgram *program = load(many_parts, spans[s]);
    KrDigest alone = render(program, NULL);
    for (uint64_t seed = 0; seed < n_seeds; seed++) {
      Delays delays = {.seed = seed};
      KrDigest digest = render(program, &(KrTasks){&delays, 4, run_shuffled});
      expect_same(&digest, &alone);
      assert_true(delays.n_rounds > 0);
    }
    kr_program_free(program);
  }
}

static const char *find_fault(const KrProgram *program, const KrTasks *tasks, char *text) {
  KrSession *session = NULL;
  assert_int_equal(kr_session_new(program, &session), KR_OK);
  kr_session_use(session, tasks);
  KrStatus status = KR_OK;
  for (int64_t i = 1; i <= 5 && status == KR_OK; i++) {
    KrRatio to;
    kr_ratio_make(i, 100, &to);
    status = kr_session_run(session, to);
  }
  assert_int_equal(status, KR_ERROR_RUN);
  KrRatio time = kr_session_time(session);
  snprintf(text, 200, "%s in flow %u at %lld/%lld", kr_session_error(session),
           kr_run_fault(session->run)->flow, (long long)time.num, (long long)time.den);
  kr_session_free(session);
  return text;
}

static void the_first_fault_is_told_whichever_thread_found_it(void **state) {
  (void)state;
  char alone[200], other[200];
  KrProgram *program = load(faults, 0);
  find_fault(program, NULL, alone);
  assert_non_null(strstr(alone, "in flow 1 at 17/1000"));
  for (uint64_t seed = 0; seed < 20; seed++) {
    Delays delays = {.seed = seed, .max_turns = 20000};
    assert_string_equal(find_fault(program, &(KrTasks){&delays, 4, run_shuffled}, other), alone);
    assert_int_equal(kr_pool_new(3, &delays.pool), KR_OK);
    assert_string_equal(find_fault(program, &(KrTasks){&delays, 3, run_delayed}, other), alone);
    kr_pool_free(delays.pool);
  }
  kr_program_free(program);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_number_of_threads_gives_the_same_bits),
      cmocka_unit_test(any_order_of_the_tasks_gives_the_same_bits),
      cmocka_unit_test(the_first_fault_is_told_whichever_thread_found_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

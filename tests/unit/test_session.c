// A running piece through the public interface: messages, reading, pushed events, files from the
// host, saving, swapping, hashes.
#include "kairo/kairo.h"
#include "session/session.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static KrRatio ratio(int64_t num, int64_t den) {
  KrRatio r;
  assert_int_equal(kr_ratio_make(num, den, &r), KR_OK);
  return r;
}

static KrProgram *load_with(const char *text, KrProgramOptions *options) {
  KrProgram *program = NULL;
  KrStatus status = kr_program_load("test", text, strlen(text), options, &program);
  if (status != KR_OK) print_error("%s\n", kr_program_messages(program));
  assert_int_equal(status, KR_OK);
  return program;
}

static KrProgram *load(const char *text) {
  KrProgramOptions options;
  kr_program_defaults(&options);
  options.step = ratio(1, 100);
  return load_with(text, &options);
}

static KrSession *begin(const KrProgram *program) {
  KrSession *session = NULL;
  assert_int_equal(kr_session_new(program, &session), KR_OK);
  return session;
}

// Runs to n/100 s in steps of 1/100 s and reads the ticks of output `index` from *done on.
static void run_reading(KrSession *session, int from, int to, uint32_t index, int64_t *done,
                        double *values) {
  for (int i = from + 1; i <= to; i++) {
    assert_int_equal(kr_session_run(session, ratio(i, 100)), KR_OK);
    int64_t ticks = kr_session_ticks(session, index);
    assert_int_equal(
        kr_session_read(session, index, 0, *done, (uint32_t)(ticks - *done), values + *done),
        KR_OK);
    *done = ticks;
  }
}

static const char drops[] =
    "@seed = 3\n"
    "flow lfo(dt=1/100 @rate=control) { output sine(freq=3Hz) }\n"
    "flow tone(dt=1/8000 @rate=audio) {\n"
    "  let drop = sample_and_hold(random(1).uniform, impulse(freq=40Hz))\n"
    "  output comb(sine(freq=200Hz + 100Hz * drop + 20Hz * resample(lfo, to=audio, "
    "mode=linear)), time=7ms, feedback=0.5) * 0.4\n"
    "}\n";

static void errors_have_place_reason_and_hint(void **state) {
  (void)state;
  static const char text[] =
      "flow a(dt=1/100) {\n  output sien(freq=1Hz)\n  output q = 440Hz + 1s\n}\n";
  KrProgram *program = NULL;
  assert_int_equal(kr_program_load("bad", text, strlen(text), NULL, &program), KR_ERROR_PROGRAM);
  const char *messages = kr_program_messages(program);
  assert_non_null(strstr(messages, "bad:2:10: error: unknown function `sien`"));
  assert_non_null(strstr(messages, "did you mean `sine`?"));
  assert_non_null(strstr(messages, "bad:3:20: error:"));
  KrSession *session = NULL;
  assert_int_equal(kr_session_new(program, &session), KR_ERROR_ARGUMENT);
  assert_null(session);
  kr_program_free(program);
  kr_program_free(NULL);
  kr_session_free(NULL);
}

static void outputs_are_described(void **state) {
  (void)state;
  KrProgram *program =
      load("@duration = 250ms\n"
           "flow a(dt=1/44100 @rate=audio) { output (time, 2) }\n"
           "flow p(dt=1/60 @rate=visual) {\n  output text(\"hi\", width=40, height=20)\n"
           "  output n = step\n}\n");
  assert_int_equal(kr_program_outputs(program), 3);
  KrOutputInfo a = kr_program_output(program, 0), p = kr_program_output(program, 1),
               n = kr_program_output(program, 2);
  assert_string_equal(a.name, "a");
  assert_int_equal(a.type, KR_OUT_AUDIO);
  assert_int_equal(a.n_columns, 2);
  assert_int_equal(a.rate.num, 44100);
  assert_int_equal(p.type, KR_OUT_PICTURES);
  assert_int_equal(p.width, 40);
  assert_int_equal(p.height, 20);
  assert_string_equal(n.name, "p.n");
  assert_int_equal(n.type, KR_OUT_NUMBERS);
  KrRatio duration = kr_program_duration(program);
  assert_int_equal(duration.num, 1);
  assert_int_equal(duration.den, 4);
  assert_non_null(strstr(kr_program_plan(program, false), "hyperperiod"));
  assert_non_null(strstr(kr_program_plan(program, true), "\"grid_hz\""));
  kr_program_free(program);
}

static void only_ticks_that_are_there_can_be_read(void **state) {
  (void)state;
  KrProgram *program = load("flow a(dt=1/1000 @rate=sim) { output step * 2 }\n");
  KrSession *session = begin(program);
  double values[64];
  assert_int_equal(kr_session_ticks(session, 0), 0);
  assert_int_equal(kr_session_read(session, 0, 0, 0, 1, values), KR_ERROR_ARGUMENT);
  assert_int_equal(kr_session_run(session, ratio(1, 100)), KR_OK);
  assert_int_equal(kr_session_ticks(session, 0), 10);
  assert_int_equal(kr_session_read(session, 0, 0, 0, 10, values), KR_OK);
  for (int i = 0; i < 10; i++) assert_true(values[i] == 2 * i);
  assert_int_equal(kr_session_read(session, 0, 0, 5, 6, values), KR_ERROR_ARGUMENT);
  assert_int_equal(kr_session_read(session, 0, 1, 0, 1, values), KR_ERROR_ARGUMENT);
  assert_int_equal(kr_session_read(session, 1, 0, 0, 1, values), KR_ERROR_ARGUMENT);
  assert_int_equal(kr_session_read(session, 0, 0, -1, 1, values), KR_ERROR_ARGUMENT);
  assert_int_equal(kr_session_ticks(session, 9), 0);
  kr_session_free(session);
  kr_program_free(program);
}

static void a_fault_names_its_reason(void **state) {
  (void)state;
  KrProgram *program =
      load("flow a(dt=1/1000 @rate=sim) {\n  let n: i64 = 5 - step\n  output div(10, n)\n}\n");
  KrSession *session = begin(program);
  assert_null(kr_session_error(session));
  assert_int_equal(kr_session_run(session, ratio(1, 100)), KR_ERROR_RUN);
  assert_non_null(strstr(kr_session_error(session), "division by zero"));
  kr_session_free(session);
  kr_program_free(program);
}

static const char keys[] = "input keys: Evt<Note>\n"
                           "flow a(dt=1/1000 @rate=sim) {\n"
                           "  output n = keys.to_signal(mode=impulse)\n"
                           "  output f = keys.to_signal(mode=hold).freq\n"
                           "  output g = keys.to_signal(mode=gate)\n}\n";

static void pushed_events_reach_their_ticks(void **state) {
  (void)state;
  KrProgram *program = load(keys);
  KrSession *session = begin(program);
  const double a4[] = {440, 1}, c5[] = {523, 0.5};
  KrEventInput note = {
      .time = ratio(3, 1000), .has_dur = true, .dur = ratio(4, 1000), .values = a4, .n_values = 2};
  assert_int_equal(kr_session_push(session, "keys", &note), KR_OK);
  assert_int_equal(kr_session_push(session, "knob", &note), KR_ERROR_NOT_FOUND);
  note.n_values = 1;
  assert_int_equal(kr_session_push(session, "keys", &note), KR_ERROR_ARGUMENT);
  double n[20], f[20], g[20];
  int64_t done = 0;
  run_reading(session, 0, 1, 0, &done, n);
  assert_int_equal(kr_session_read(session, 1, 0, 0, 10, f), KR_OK);
  assert_int_equal(kr_session_read(session, 2, 0, 0, 10, g), KR_OK);
  for (int i = 0; i < 10; i++) {
    assert_true(n[i] == (i == 3));
    assert_true(f[i] == (i < 3 ? 0 : 440));
    assert_true(g[i] == (i >= 3 && i < 7));
  }
  KrEventInput late = {.time = ratio(5, 1000), .values = c5, .n_values = 2};
  assert_int_equal(kr_session_push(session, "keys", &late), KR_ERROR_ARGUMENT);
  late.time = ratio(121, 10000); // 12.1 ms: tick 12
  assert_int_equal(kr_session_push(session, "keys", &late), KR_OK);
  run_reading(session, 1, 2, 0, &done, n);
  assert_int_equal(kr_session_read(session, 1, 0, 10, 10, f), KR_OK);
  for (int i = 0; i < 10; i++) {
    assert_true(n[10 + i] == (i == 2));
    assert_true(f[i] == (i < 2 ? 440 : 523));
  }
  kr_session_free(session);
  kr_program_free(program);
}

static void a_snapshot_holds_events_that_are_to_come(void **state) {
  (void)state;
  KrProgram *program = load(keys);
  KrSession *session = begin(program), *other = begin(program);
  const double a4[] = {440, 1};
  KrEventInput note = {.time = ratio(125, 10000), .values = a4, .n_values = 2};
  uint8_t *bytes;
  size_t n_bytes;
  double n[20];
  int64_t done = 0;
  assert_int_equal(kr_session_push(session, "keys", &note), KR_OK);
  assert_int_equal(kr_session_run(session, ratio(1, 100)), KR_OK);
  assert_int_equal(kr_session_save(session, &bytes, &n_bytes), KR_OK);
  assert_int_equal(kr_session_restore(other, bytes, n_bytes), KR_OK);
  done = 10;
  run_reading(other, 1, 2, 0, &done, n);
  for (int i = 10; i < 20; i++) assert_true(n[i] == (i == 12));
  kr_bytes_free(bytes);
  kr_session_free(session);
  kr_session_free(other);
  kr_program_free(program);
}

// How much of it a queue still held would depend on how far a run goes at a time.
static void a_snapshot_has_no_event_for_a_flow_that_ended(void **state) {
  (void)state;
  static const char text[] =
      "flow ended(dt=1/28 steps=3) { output beats.u.to_signal(mode=hold).freq / 1Hz }\n"
      "flow beats(dt=1/100) {\n"
      "  let u = event.from_signal(step % 2 == 0, payload=Note{freq: 0Hz})\n"
      "}\n";
  uint8_t *bytes[2];
  size_t n_bytes[2];
  for (int i = 0; i < 2; i++) {
    KrProgramOptions options;
    kr_program_defaults(&options);
    options.step = ratio(1, i == 0 ? 100 : 1);
    KrProgram *program = load_with(text, &options);
    KrSession *session = begin(program);
    for (int at = 1; at <= 100; at++)
      assert_int_equal(kr_session_run(session, ratio(at, 100)), KR_OK);
    assert_int_equal(kr_session_save(session, &bytes[i], &n_bytes[i]), KR_OK);
    kr_session_free(session);
    kr_program_free(program);
  }
  assert_int_equal(n_bytes[0], n_bytes[1]);
  assert_memory_equal(bytes[0], bytes[1], n_bytes[0]);
  kr_bytes_free(bytes[0]);
  kr_bytes_free(bytes[1]);
}

static KrStatus give_bytes(void *user, const char *path, KrArena *arena, const uint8_t **at,
                           size_t *n, const char **error) {
  static const char table[] = "time,freq,vel\n0.002,100,1\n0.005,200,1\n";
  ++*(int *)user;
  *error = "there is only notes.csv";
  if (strcmp(path, "notes.csv") != 0) return KR_ERROR_NOT_FOUND;
  *n = strlen(table);
  uint8_t *copy = kr_arena_alloc(arena, *n);
  if (copy == NULL) return KR_ERROR_MEMORY;
  memcpy(copy, table, *n);
  *at = copy;
  return KR_OK;
}

static KrStatus give_audio(void *user, const char *path, KrArena *arena, KrAssetAudio *audio,
                           const char **error) {
  float *frames = kr_arena_alloc(arena, 4 * sizeof(float));
  ++*(int *)user;
  *error = "there is only ramp";
  if (strcmp(path, "ramp") != 0 || frames == NULL) return KR_ERROR_NOT_FOUND;
  for (int i = 0; i < 4; i++) frames[i] = (float)(i + 1) / 8;
  *audio = (KrAssetAudio){
      .frames = frames, .n_frames = 4, .n_channels = 1, .rate_hz = 1000, .exact = true};
  return KR_OK;
}

static void the_host_gives_the_files(void **state) {
  (void)state;
  int n_calls = 0;
  KrAssetHost host = {&n_calls, give_bytes, give_audio};
  KrProgramOptions options;
  kr_program_defaults(&options);
  options.host = &host;
  options.step = ratio(1, 100);
  KrProgram *program =
      load_with("let e = event.from_csv(\"notes.csv\")\n"
                "flow a(dt=1/1000 @rate=audio) {\n"
                "  output f = e.to_signal(mode=hold).freq\n  output s = sample(\"ramp\")\n}\n",
                &options);
  assert_int_equal(n_calls, 2);
  KrSession *session = begin(program);
  double f[10], s[10];
  int64_t done = 0;
  run_reading(session, 0, 1, 0, &done, f);
  assert_int_equal(kr_session_read(session, 1, 0, 0, 10, s), KR_OK);
  for (int i = 0; i < 10; i++) {
    assert_true(f[i] == (i < 2 ? 0 : i < 5 ? 100 : 200));
    assert_true(s[i] == (i < 4 ? (i + 1) / 8.0 : 0));
  }
  kr_session_free(session);
  kr_program_free(program);
  static const char text[] = "flow a(dt=1/1000 @rate=audio) { output sample(\"gone\") }\n";
  assert_int_equal(kr_program_load("t", text, strlen(text), &options, &program), KR_ERROR_PROGRAM);
  assert_non_null(strstr(kr_program_messages(program), "there is only ramp"));
  kr_program_free(program);
  assert_int_equal(kr_program_load("t", text, strlen(text), NULL, &program), KR_ERROR_PROGRAM);
  kr_program_free(program);
}

static void restored_sessions_go_on_to_the_bit(void **state) {
  (void)state;
  KrProgram *program = load(drops);
  for (int at = 0; at <= 7; at += 7) {
    double whole[1600], rest[1600];
    int64_t done = 0;
    uint8_t *bytes, *again;
    size_t n_bytes, n_again;
    KrSession *session = begin(program), *other = begin(program);
    run_reading(session, 0, at, 1, &done, whole);
    assert_int_equal(kr_session_save(session, &bytes, &n_bytes), KR_OK);
    assert_int_equal(kr_session_restore(other, bytes, n_bytes), KR_OK);
    KrRatio time = kr_session_time(other);
    assert_int_equal(time.num * 100, at * time.den);
    assert_int_equal(kr_session_save(other, &again, &n_again), KR_OK);
    assert_int_equal(n_bytes, n_again);
    assert_memory_equal(bytes, again, n_bytes);
    int64_t resumed = done;
    run_reading(session, at, 20, 1, &done, whole);
    run_reading(other, at, 20, 1, &resumed, rest);
    assert_int_equal(done, 1600);
    assert_memory_equal(whole + at * 80, rest + at * 80, sizeof(double) * (size_t)(1600 - at * 80));
    kr_bytes_free(bytes);
    kr_bytes_free(again);
    kr_session_free(session);
    kr_session_free(other);
  }
  kr_program_free(program);
}

static void damaged_and_foreign_snapshots_are_refused(void **state) {
  (void)state;
  KrProgram *program = load(drops), *foreign = load(keys);
  KrSession *session = begin(program), *other = begin(foreign);
  uint8_t *bytes;
  size_t n_bytes;
  assert_int_equal(kr_session_run(session, ratio(1, 100)), KR_OK);
  assert_int_equal(kr_session_save(session, &bytes, &n_bytes), KR_OK);
  assert_int_equal(kr_session_restore(other, bytes, n_bytes), KR_ERROR_MISMATCH);
  assert_non_null(kr_session_error(other));
  for (size_t i = 0; i < n_bytes; i += 1 + n_bytes / 97) {
    KrSession *fresh = begin(program);
    bytes[i] ^= 0x10;
    assert_int_not_equal(kr_session_restore(fresh, bytes, n_bytes), KR_OK);
    assert_non_null(kr_session_error(fresh));
    bytes[i] ^= 0x10;
    assert_int_not_equal(kr_session_restore(fresh, bytes, i), KR_OK);
    kr_session_free(fresh);
  }
  kr_bytes_free(bytes);
  kr_session_free(session);
  kr_session_free(other);
  kr_program_free(program);
  kr_program_free(foreign);
}

static void swapping_the_same_program_changes_nothing(void **state) {
  (void)state;
  KrProgram *program = load(drops), *same = load(drops);
  double plain[1600], swapped[1600];
  int64_t done = 0;
  KrSession *session = begin(program);
  run_reading(session, 0, 20, 1, &done, plain);
  kr_session_free(session);
  session = begin(program);
  done = 0;
  run_reading(session, 0, 3, 1, &done, swapped);
  assert_int_equal(kr_session_announce(session, ratio(9, 100)), KR_OK);
  run_reading(session, 3, 9, 1, &done, swapped);
  assert_int_equal(kr_session_swap(session, same), KR_OK);
  run_reading(session, 9, 20, 1, &done, swapped);
  assert_memory_equal(plain, swapped, sizeof plain);
  kr_session_free(session);
  session = begin(program);
  assert_int_equal(kr_session_run(session, ratio(1, 100)), KR_OK);
  assert_int_equal(kr_session_swap(session, same), KR_ERROR_ARGUMENT); // the slow flow is ahead
  kr_session_free(session);
  kr_program_free(program);
  kr_program_free(same);
}

static void a_swap_keeps_states(void **state) {
  (void)state;
  KrProgram *old =
      load("@state n: i64 = 0\nflow a(dt=1/1000 @rate=sim) {\n  n = n + 1\n  output n\n}\n");
  KrProgram *new =
      load("@state n: i64 = 0\nflow a(dt=1/1000 @rate=sim) {\n  n = n + 10\n  output n\n}\n");
  KrSession *session = begin(old);
  double values[30];
  int64_t done = 0;
  run_reading(session, 0, 1, 0, &done, values);
  assert_int_equal(kr_session_announce(session, ratio(1, 100)), KR_OK);
  assert_int_equal(kr_session_swap(session, new), KR_OK);
  run_reading(session, 1, 3, 0, &done, values);
  for (int i = 0; i < 30; i++) assert_true(values[i] == (i <= 10 ? i : 10 + 10 * (i - 10)));
  kr_session_free(session);
  kr_program_free(old);
  kr_program_free(new);
}

static bool same_hash(KrDigest a, KrDigest b) { return memcmp(a.at, b.at, sizeof a.at) == 0; }

static void hashes_tell_structure_from_constants(void **state) {
  (void)state;
  KrProgram *a = load("flow f(dt=1/100) { output sine(freq=2Hz) }\n");
  KrProgram *layout = load("# a comment\nflow f( dt=1/100 ) {\n\n  output sine( freq = 2Hz )\n}\n");
  KrProgram *constant = load("flow f(dt=1/100) { output sine(freq=3Hz) }\n");
  KrProgram *rate = load("flow f(dt=1/200) { output sine(freq=2Hz) }\n");
  KrProgram *seed = load("@seed = 9\nflow f(dt=1/100) { output sine(freq=2Hz) }\n");
  assert_true(same_hash(kr_program_hash(a), kr_program_hash(layout)));
  assert_true(same_hash(kr_program_structure_hash(a), kr_program_structure_hash(constant)));
  assert_false(same_hash(kr_program_hash(a), kr_program_hash(constant)));
  assert_false(same_hash(kr_program_structure_hash(a), kr_program_structure_hash(rate)));
  assert_false(same_hash(kr_program_hash(a), kr_program_hash(seed)));
  kr_program_free(a);
  kr_program_free(layout);
  kr_program_free(constant);
  kr_program_free(rate);
  kr_program_free(seed);
}

static void settings_inputs_and_probes_are_taken(void **state) {
  (void)state;
  const KrSetting set = {"level", "3"}, input = {"knob", "0.5"};
  const char *probe = "a.inner";
  KrProgramOptions options;
  kr_program_defaults(&options);
  options.settings = &set;
  options.n_settings = 1;
  options.inputs = &input;
  options.n_inputs = 1;
  options.probes = &probe;
  options.n_probes = 1;
  options.step = ratio(1, 100);
  KrProgram *program =
      load_with("const level = 1\ninput knob: f64 = 0\n"
                "flow a(dt=1/100 @rate=sim) {\n  let inner = level * knob\n  output inner + 1\n}\n",
                &options);
  assert_int_equal(kr_program_outputs(program), 2);
  assert_string_equal(kr_program_output(program, 1).name, "a.inner");
  KrSession *session = begin(program);
  double out, inner;
  assert_int_equal(kr_session_run(session, ratio(1, 100)), KR_OK);
  assert_int_equal(kr_session_read(session, 0, 0, 0, 1, &out), KR_OK);
  assert_int_equal(kr_session_read(session, 1, 0, 0, 1, &inner), KR_OK);
  assert_true(out == 2.5 && inner == 1.5);
  kr_session_free(session);
  kr_program_free(program);
}

// An hour at a time, as long as a piece may stay on a wall.
static void a_simulated_year_takes_no_more_memory(void **state) {
  (void)state;
  KrProgram *program = NULL;
  KrProgramOptions options;
  kr_program_defaults(&options);
  options.step = ratio(3600, 1);
  program = load_with("let notes = event.every(7200s, payload=Note{freq: 1Hz, dur: 1200s})\n"
                      "@state(merge=sum) total: i64 = 0\n"
                      "flow slow(dt=600s) { output sine(freq=1Hz / 86400) }\n"
                      "flow fast(dt=300s) {\n  total = total + 1\n"
                      "  output delay(resample(slow, to=sim, mode=cubic), 3000s)\n"
                      "  output g = notes.to_signal(mode=gate)\n}\n"
                      "flow day(dt=86400s) {\n  total = total + 1\n  output mean(slow)\n}\n",
                      &options);
  KrSession *session = begin(program);
  size_t n_bytes[2], taken = 0;
  for (int64_t hour = 1; hour <= 365 * 24; hour++) {
    uint8_t *at;
    assert_int_equal(kr_session_run(session, ratio(3600 * hour, 1)), KR_OK);
    if (hour == 24) taken = session->arena->n_bytes;
    if (hour != 48 && hour != 365 * 24) continue;
    assert_int_equal(kr_session_save(session, &at, &n_bytes[hour != 48]), KR_OK);
    kr_bytes_free(at);
  }
  assert_int_equal(session->arena->n_bytes, taken);
  assert_int_equal(n_bytes[0], n_bytes[1]);
  kr_session_free(session);
  kr_program_free(program);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(errors_have_place_reason_and_hint),
      cmocka_unit_test(outputs_are_described),
      cmocka_unit_test(only_ticks_that_are_there_can_be_read),
      cmocka_unit_test(a_fault_names_its_reason),
      cmocka_unit_test(pushed_events_reach_their_ticks),
      cmocka_unit_test(a_snapshot_holds_events_that_are_to_come),
      cmocka_unit_test(a_snapshot_has_no_event_for_a_flow_that_ended),
      cmocka_unit_test(the_host_gives_the_files),
      cmocka_unit_test(restored_sessions_go_on_to_the_bit),
      cmocka_unit_test(damaged_and_foreign_snapshots_are_refused),
      cmocka_unit_test(swapping_the_same_program_changes_nothing),
      cmocka_unit_test(a_swap_keeps_states),
      cmocka_unit_test(a_simulated_year_takes_no_more_memory),
      cmocka_unit_test(hashes_tell_structure_from_constants),
      cmocka_unit_test(settings_inputs_and_probes_are_taken),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

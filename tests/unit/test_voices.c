// Synths as they are heard: onsets between ticks, releases, stolen voices, notes by key.
#include "kairo/kairo.h"
#include "session/session.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { RATE = 48000 };

static KrRatio ratio(int64_t num, int64_t den) {
  KrRatio r;
  assert_int_equal(kr_ratio_make(num, den, &r), KR_OK);
  return r;
}

static KrProgram *load(const char *text) {
  KrProgramOptions options;
  KrProgram *program = NULL;
  kr_program_defaults(&options);
  options.step = ratio(1, 100);
  KrStatus status = kr_program_load("test", text, strlen(text), &options, &program);
  if (status != KR_OK) print_error("%s\n", kr_program_messages(program));
  assert_int_equal(status, KR_OK);
  return program;
}

// Ticks first … until - 1 of the only output, one channel, to their places.
static void run(KrSession *session, int64_t first, int64_t until, double *values) {
  for (int64_t done = first; done < until;) {
    int64_t next = done + RATE / 100 < until ? done + RATE / 100 : until;
    assert_int_equal(kr_session_run(session, ratio(next, RATE)), KR_OK);
    assert_int_equal(kr_session_read(session, 0, 0, done, (uint32_t)(next - done), values + done),
                     KR_OK);
    done = next;
  }
}

static void render(const char *text, int64_t n, double *values) {
  KrProgram *program = load(text);
  KrSession *session = NULL;
  assert_int_equal(kr_session_new(program, &session), KR_OK);
  run(session, 0, n, values);
  kr_session_free(session);
  kr_program_free(program);
}

static void a_note_begins_on_its_tick_and_its_middle_is_exact(void **state) {
  (void)state;
  static double x[400];
  for (int k = 0; k < 8; k++) {
    char text[600];
    snprintf(text, sizeof text,
             "let e = event.from_list([(%d/384000, Note{freq: 1Hz, dur: 1/48000})])\n"
             "synth click() { output ar(gate, attack=0s, release=0s) }\n"
             "flow f(dt=1/48000 @rate=audio) { output play(click, e) }\n",
             800 + k);
    render(text, 400, x);
    double sum = 0, moment = 0;
    for (int i = 0; i < 400; i++) {
      if (i < 100) assert_true(x[i] == 0);
      sum += x[i];
      moment += i * x[i];
    }
    assert_true(x[100] > 0);
    assert_true(fabs(moment / sum - (100 + k / 8.0)) < 0.01);
    assert_true(fabs(sum - 1) < 1e-6);
  }
}

static void phases_are_those_of_the_age(void **state) {
  (void)state;
  static double x[300];
  render("let e = event.from_list([(805/384000, Note{freq: 1000Hz, dur: 1s})])\n"
         "synth tone() { output sine(freq) * ar(gate, attack=0s, release=0s) }\n"
         "flow f(dt=1/48000 @rate=audio) { output play(tone, e) }\n",
         300, x);
  for (int i = 101; i < 300; i++)
    assert_true(fabs(x[i] - sin(2 * acos(-1) * (i - 100 - 0.625) / 48)) < 1e-6);
}

// The greatest bend of a signal: a 1 kHz sine of full scale has 0.0171.
static double greatest_bend(const double *x, int n) {
  double most = 0;
  for (int i = 2; i < n; i++) {
    double bend = fabs(x[i] - 2 * x[i - 1] + x[i - 2]);
    if (bend > most) most = bend;
  }
  return most;
}

static void stealing_and_striking_again_do_not_click(void **state) {
  (void)state;
  static double x[24000];
  const char *const pools[] = {"1", "2"};
  for (int p = 0; p < 2; p++) {
    char text[700];
    snprintf(text, sizeof text,
             "let e = event.every(31.7ms, payload=Note{freq: 1000Hz, dur: 25ms})\n"
             "synth tone() { output sine(freq) * adsr(gate, attack=10ms, decay=5ms, sustain=1, "
             "release=200ms) }\n"
             "flow f(dt=1/48000 @rate=audio) { output 0.5 * play(tone, e, voices=%s) }\n",
             pools[p]);
    render(text, 24000, x);
    assert_true(greatest_bend(x, 24000) < 0.05 * 0.5);
  }
}

static void every_note_sounds(void **state) {
  (void)state;
  static double x[9600];
  render("let e = event.every(10us, payload=Note{freq: 1Hz, dur: 1/48000})\n"
         "synth click() { output ar(gate, attack=0s, release=0s) }\n"
         "flow f(dt=1/48000 @rate=audio @real=f64) { output play(click, e, voices=64) }\n",
         4801, x);
  double sum = 0;
  for (int i = 0; i < 4800; i++) sum += x[i];
  // Notes of the first 100 ms, less what of the last ones lies beyond.
  assert_true(fabs(sum - 10000) < 4.9);
}

static void touching_notes_strike_again(void **state) {
  (void)state;
  static double x[4800];
  render("let e = event.from_list([(0s, Note{freq: 1Hz, dur: 10ms}), (10ms, Note{freq: 1Hz, dur: "
         "10ms})])\n"
         "synth hit() { output perc(gate, attack=0s, release=5ms) }\n"
         "flow f(dt=1/48000 @rate=audio) { output play(hit, e) }\n",
         4800, x);
  assert_true(x[0] > 0.99 && x[400] == 0 && x[480] > 0.99);
}

static void keys_and_lengths_end_notes(void **state) {
  (void)state;
  static double x[4800];
  render("let e = event.from_list([(0s, Note{freq: 1Hz, key: 60}), (10ms, Note{freq: 1Hz, key: "
         "64}), (20ms, off(60)), (30ms, Note{freq: 1Hz, key: 64}), (40ms, off(64)), (50ms, "
         "Note{freq: 1Hz}), (60ms, Note{freq: 1Hz}), (70ms, off()), (80ms, Note{freq: 1Hz, key: "
         "60}), (80ms, off(60))])\n"
         "synth held() { output ar(gate, attack=0s, release=0s) }\n"
         "flow f(dt=1/48000 @rate=audio) { output play(held, e) }\n",
         4800, x);
  static const double want[] = {1, 2, 1, 1, 0, 1, 1, 0, 1, 1};
  for (int i = 0; i < 10; i++) assert_true(x[i * 480 + 240] == want[i]);
}

static void noise_differs_from_note_to_note(void **state) {
  (void)state;
  static double x[960];
  render("let e = event.every(10ms, payload=Note{freq: 1Hz, dur: 1ms})\n"
         "synth hiss() { output random(1).uniform * ar(gate, attack=0s, release=0s) }\n"
         "flow f(dt=1/48000 @rate=audio) { output play(hiss, e) + play(hiss, e) }\n",
         960, x);
  double other[48];
  for (int i = 0; i < 48; i++) other[i] = x[480 + i];
  assert_true(memcmp(x, other, sizeof other) != 0);
}

static void lines_of_a_voice_begin_empty(void **state) {
  (void)state;
  static double x[4800];
  render("let e = event.every(20ms, payload=Note{freq: 1Hz, dur: 15ms})\n"
         "synth loop() { output comb(ar(gate, attack=0s, release=0s), time=1ms, feedback=0.9) }\n"
         "flow f(dt=1/48000 @rate=audio) { output play(loop, e, voices=1) }\n",
         4800, x);
  for (int i = 0; i < 700; i++)
    for (int k = 1; k < 5; k++) assert_true(x[k * 960 + i] == x[i]);
  // A note fills a part of the line only, here its end and its beginning.
  render("let e = event.every(20ms, payload=Note{freq: 1Hz, dur: 3ms})\n"
         "synth loop() { output comb(ar(gate, attack=0s, release=0s), time=7ms, feedback=0.9) }\n"
         "flow f(dt=1/48000 @rate=audio) { output play(loop, e, voices=1) }\n",
         4800, x);
  for (int i = 0; i < 960; i++)
    for (int k = 1; k < 5; k++) assert_true(x[k * 960 + i] == x[i]);
}

static void parameters_may_be_two_outputs_of_one_operator(void **state) {
  (void)state;
  static double x[480];
  render("let e = event.from_list([(0s, Note{freq: 1Hz})])\n"
         "synth both(x=0, y=0) { output (x - y) * ar(gate, attack=0s, release=0s) }\n"
         "flow f(dt=1/48000 @rate=audio) {\n"
         "  let p = pan(1, -1)\n"
         "  output play(both, e, x=p.0, y=p.1)\n}\n",
         480, x);
  for (int i = 0; i < 480; i++) assert_true(fabs(x[i] - 1) < 1e-6);
}

static void a_reload_of_itself_changes_no_note(void **state) {
  (void)state;
  static const char text[] =
      "let e = event.every(7ms, payload=Note{freq: 300Hz, dur: 9ms})\n"
      "synth hiss() { output comb(random(1).uniform + saw(freq), time=3ms, feedback=0.5) * "
      "adsr(gate, attack=1ms, decay=2ms, release=4ms) }\n"
      "flow f(dt=1/48000 @rate=audio) { output play(hiss, e, voices=2) }\n";
  static double whole[4800], swapped[4800];
  KrProgram *program = load(text), *same = load(text);
  KrSession *session = NULL;
  render(text, 4800, whole);
  assert_int_equal(kr_session_new(program, &session), KR_OK);
  run(session, 0, 1500, swapped);
  assert_int_equal(kr_session_swap(session, same), KR_OK);
  run(session, 1500, 4800, swapped);
  assert_memory_equal(whole, swapped, sizeof whole);
  kr_session_free(session);
  kr_program_free(program);
  kr_program_free(same);
}

// Short notes of a body, which `more` makes one whose voices are lanes without changing a value.
static KrProgram *load_short(const char *body, const char *more, uint32_t n_voices) {
  char text[1000];
  snprintf(text, sizeof text,
           "let e = event.every(190us, phase=1/70000, payload=Note{freq: 300Hz, dur: 2ms}).map(|n, "
           "at| Note{freq: 200Hz + floor(at / 1ms) * 1Hz})\n"
           "synth dot() { output %s%s }\n"
           "flow f(dt=1/48000 @rate=audio) { output play(dot, e, voices=%u) }\n",
           body, more, n_voices);
  return load(text);
}

static void short_voices_are_the_same_numbers(void **state) {
  (void)state;
  static const char *const bodies[] = {
      "sine(freq) * perc(gate, attack=1ms, release=1.3ms)",
      "(saw(freq) + 0.5 * sine(440Hz)) * ar(gate, attack=0.4ms, release=1ms, curve=3)",
      "tri(freq * 2, phase=0.1turns) * adsr(gate, attack=0.2ms, decay=1ms, sustain=0.3, "
      "release=2ms)",
      "max(square(freq), lfo(freq)) * ar(gate, attack=0ms, release=0ms)",
      "phasor(-3 * freq) * perc(gate, attack=0ms, release=40us)",
  };
  static const uint32_t n_voices[] = {1, 6, 40};
  static double lanes[2400], whole[2400], swapped[2400];
  for (size_t i = 0; i < 3 * (sizeof bodies / sizeof *bodies); i++) {
    const char *body = bodies[i / 3];
    KrProgram *wide = load_short(body, " * (if age >= 0s then 1 else 0)", n_voices[i % 3]);
    KrProgram *program = load_short(body, "", n_voices[i % 3]),
              *same = load_short(body, "", n_voices[i % 3]);
    KrSession *session[3];
    assert_int_equal(kr_session_new(wide, &session[0]), KR_OK);
    assert_int_equal(kr_session_new(program, &session[1]), KR_OK);
    assert_int_equal(kr_session_new(program, &session[2]), KR_OK);
    run(session[0], 0, 2400, lanes);
    run(session[1], 0, 2400, whole);
    run(session[2], 0, 1111, swapped);
    assert_int_equal(kr_session_swap(session[2], same), KR_OK);
    run(session[2], 1111, 2400, swapped);
    assert_memory_equal(lanes, whole, sizeof lanes);
    assert_memory_equal(lanes, swapped, sizeof lanes);
    for (int k = 0; k < 3; k++) kr_session_free(session[k]);
    kr_program_free(wide);
    kr_program_free(program);
    kr_program_free(same);
  }
}

// All voices are through in the tick before a note, too late to be free by the rule of every note.
static void a_full_pool_without_sound_takes_notes(void **state) {
  (void)state;
  static double x[480];
  render("let e = event.every(21us, payload=Note{freq: 300Hz, dur: 0.3ms})\n"
         "synth gone() { output saw(freq) * perc(gate, attack=0ms, release=0ms) }\n"
         "flow f(dt=1/48000 @rate=audio) { output play(gone, e, voices=2, round=floor) }\n",
         480, x);
  for (int i = 0; i < 480; i++) assert_true(x[i] == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_note_begins_on_its_tick_and_its_middle_is_exact),
      cmocka_unit_test(phases_are_those_of_the_age),
      cmocka_unit_test(stealing_and_striking_again_do_not_click),
      cmocka_unit_test(every_note_sounds),
      cmocka_unit_test(touching_notes_strike_again),
      cmocka_unit_test(keys_and_lengths_end_notes),
      cmocka_unit_test(noise_differs_from_note_to_note),
      cmocka_unit_test(lines_of_a_voice_begin_empty),
      cmocka_unit_test(parameters_may_be_two_outputs_of_one_operator),
      cmocka_unit_test(a_reload_of_itself_changes_no_note),
      cmocka_unit_test(short_voices_are_the_same_numbers),
      cmocka_unit_test(a_full_pool_without_sound_takes_notes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

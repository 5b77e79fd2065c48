/// MIDI files: hand-made bytes with known meaning, a file of abc2midi, and hostile bytes.
#include "asset/midi.h"
#include "unit/tune.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/arena_fixture.h"

typedef struct Bytes {
  uint8_t at[4096];
  size_t n;
} Bytes;

static void put(Bytes *b, const char *at, size_t n) {
  memcpy(b->at + b->n, at, n);
  b->n += n;
}
#define PUT(b, literal) put((b), (literal), sizeof(literal) - 1)

static void begin_file(Bytes *b, uint8_t format, uint8_t n_tracks, uint16_t division) {
  char head[] = {'M', 'T', 'h', 'd', 0, 0, 0, 6, 0, (char)format, 0, (char)n_tracks, 0, 0};
  head[12] = (char)(division >> 8);
  head[13] = (char)division;
  b->n = 0;
  put(b, head, sizeof head);
}

static void put_track(Bytes *b, const char *at, size_t n) {
  char head[] = {'M', 'T', 'r', 'k', 0, 0, (char)(n >> 8), (char)n};
  put(b, head, sizeof head);
  put(b, at, n);
}
#define TRACK(b, literal) put_track((b), (literal), sizeof(literal) - 1)

static KrMidi read_good(const uint8_t *at, size_t n) {
  KrMidi midi;
  const char *error = NULL;
  KrStatus status = kr_midi_read(&arena, at, n, &midi, &error);
  if (status != KR_OK) print_error("%s\n", error);
  assert_int_equal(status, KR_OK);
  assert_null(error);
  return midi;
}

static void expect_ratio(KrRatio ratio, int64_t num, int64_t den) {
  assert_int_equal(ratio.num, num);
  assert_int_equal(ratio.den, den);
}

static void expect_error(const Bytes *b, const char *part) {
  KrMidi midi;
  const char *error = NULL;
  assert_int_equal(kr_midi_read(&arena, b->at, b->n, &midi, &error), KR_ERROR_FORMAT);
  if (!strstr(error, part)) print_error("%s\n", error);
  assert_non_null(strstr(error, part));
  assert_non_null(strstr(error, "(byte "));
}

static void running_status_and_velocity_zero_end_notes(void **state) {
  (void)state;
  Bytes b;
  begin_file(&b, 0, 1, 96);
  TRACK(&b, "\x00\xC3\x07\x00\x93\x3C\x40\x60\x3C\x00\x00\x40\x50\x30\x83\x40\x11\x00\xFF\x2F\x00");
  KrMidi midi = read_good(b.at, b.n);
  assert_int_equal(midi.n_events, 2);
  const KrAssetEvent *first = &midi.events[0], *second = &midi.events[1];
  expect_ratio(first->time, 0, 1);
  expect_ratio(first->dur, 1, 2);
  expect_ratio(first->beats, 1, 1);
  assert_int_equal(first->channel, 3);
  assert_int_equal(first->key, 60);
  assert_int_equal(first->velocity, 64);
  assert_int_equal(first->program, 7);
  assert_true(first->has_end);
  expect_ratio(second->time, 1, 2);
  expect_ratio(second->beat, 1, 1);
  expect_ratio(second->dur, 1, 4);
  assert_int_equal(second->release_velocity, 17);
  expect_ratio(midi.end, 3, 4);
  assert_int_equal(midi.tempo.n, 1);
  expect_ratio(midi.tempo.segments[0].beats_per_second, 2, 1);
}

static void overlapping_notes_of_a_key_end_first_in_first_out(void **state) {
  (void)state;
  Bytes b;
  begin_file(&b, 0, 1, 1);
  TRACK(&b, "\x00\x90\x3C\x01\x01\x3C\x02\x01\x3C\x03\x01\x80\x3C\x00\x02\x3C\x00\x03\x3C\x00"
            "\x00\x3C\x00\x00\xFF\x2F\x00");
  KrMidi midi = read_good(b.at, b.n);
  assert_int_equal(midi.n_events, 3);
  int64_t lengths[3] = {3, 4, 6};
  for (int i = 0; i < 3; i++) {
    assert_int_equal(midi.events[i].velocity, i + 1);
    expect_ratio(midi.events[i].beat, i, 1);
    expect_ratio(midi.events[i].beats, lengths[i], 1);
  }
  assert_int_equal(midi.n_unbegun, 1);
}

static void a_note_without_end_lasts_to_the_end_of_its_track(void **state) {
  (void)state;
  Bytes b;
  begin_file(&b, 0, 1, 2);
  TRACK(&b, "\x01\x90\x3C\x01\x03\xFF\x2F\x00");
  KrMidi midi = read_good(b.at, b.n);
  assert_int_equal(midi.n_unended, 1);
  assert_false(midi.events[0].has_end);
  expect_ratio(midi.events[0].dur, 3, 4);
}

// Tempo 600000 from beat 1 and 333333 from beat 2, where the last of two counts.
static void tempo_changes_are_exact_and_reach_all_tracks(void **state) {
  (void)state;
  Bytes b;
  begin_file(&b, 1, 2, 10);
  TRACK(&b, "\x0A\xFF\x51\x03\x09\x27\xC0\x0A\xFF\x51\x03\x00\x00\x01\x00\xFF\x51\x03\x05\x16\x15"
            "\x00\xFF\x2F\x00");
  TRACK(&b, "\x05\x91\x3C\x40\x1E\x3C\x00\x00\xF0\x02\x01\xF7\x00\x3D\x40\x01\x3D\x00");
  KrMidi midi = read_good(b.at, b.n);
  assert_int_equal(midi.tempo.n, 3);
  expect_ratio(midi.tempo.segments[1].time, 1, 2);
  expect_ratio(midi.tempo.segments[2].time, 11, 10);
  expect_ratio(midi.tempo.segments[2].beat, 2, 1);
  expect_ratio(midi.tempo.segments[2].beats_per_second, 1000000, 333333);
  assert_int_equal(midi.n_events, 2);
  expect_ratio(midi.events[0].time, 1, 4);
  // 0.25 + 0.6 + 1.5 beats of 333333 microseconds
  expect_ratio(midi.events[0].dur, 2699999, 2000000);
  assert_int_equal(midi.events[0].track, 1);
  KrRatio time;
  assert_int_equal(kr_tempo_time(&midi.tempo, (KrRatio){7, 2}, &time), KR_OK);
  expect_ratio(time, 3199999, 2000000);
}

static void events_stand_by_time_then_track(void **state) {
  (void)state;
  Bytes b;
  begin_file(&b, 1, 3, 1);
  TRACK(&b, "\x02\x90\x01\x01\x01\x01\x00");
  TRACK(&b, "\x01\x90\x02\x01\x01\x03\x01\x00\x02\x00\x00\x03\x00");
  PUT(&b, "XYZW\x00\x00\x00\x03"
          "abc"); // a chunk of another kind between tracks
  TRACK(&b, "\x00\x90\x04\x01\x02\x05\x01\x00\x04\x00\x00\x05\x00");
  KrMidi midi = read_good(b.at, b.n);
  static const uint8_t keys[] = {4, 2, 1, 3, 5};
  assert_int_equal(midi.n_events, 5);
  for (int i = 0; i < 5; i++) assert_int_equal(midi.events[i].key, keys[i]);
}

static void smpte_time_ignores_tempo(void **state) {
  (void)state;
  Bytes b;
  static const char track[] = "\x00\xFF\x51\x03\x01\x00\x00\x28\x90\x3C\x01\x28\x3C\x00";
  begin_file(&b, 0, 1, 0xE728); // 25 frames of 40 ticks: one tick is a millisecond
  put_track(&b, track, sizeof track - 1);
  KrMidi midi = read_good(b.at, b.n);
  assert_true(midi.is_smpte);
  expect_ratio(midi.events[0].time, 1, 25);
  expect_ratio(midi.events[0].dur, 1, 25);
  expect_ratio(midi.events[0].beat, 2, 25);
  begin_file(&b, 0, 1, 0xE350); // 29: 30000/1001 frames of 80 ticks
  put_track(&b, track, sizeof track - 1);
  midi = read_good(b.at, b.n);
  expect_ratio(midi.events[0].time, 1001, 60000);
}

static void abc2midi_file_has_the_notes_of_the_tune(void **state) {
  (void)state;
  static const uint8_t begins[] = {65, 67, 69, 65, 65, 67, 69, 65, 69, 69, 70, 70};
  KrMidi midi = read_good(tune_bytes, sizeof tune_bytes);
  assert_int_equal(midi.format, 1);
  assert_int_equal(midi.n_tracks, 3);
  assert_int_equal(midi.n_events, 58);
  assert_int_equal(midi.n_unended, 0);
  assert_int_equal(midi.n_unbegun, 0);
  for (int i = 0; i < 8; i++) {
    assert_int_equal(midi.events[i].key, begins[i]);
    // abc2midi begins every note one tick (1/480) late and ends it on the beat.
    KrRatio late;
    assert_int_equal(kr_ratio_make(480 * i + 1, 960, &late), KR_OK);
    assert_int_equal(kr_ratio_compare(midi.events[i].time, late), 0);
    expect_ratio(midi.events[i].beats, 479, 480);
  }
  // Bar 5: the slower tempo (666666 microseconds a quarter note) begins at exactly 8 s.
  expect_ratio(midi.tempo.segments[1].time, 8, 1);
  uint32_t i = 0;
  while (i < midi.n_events && kr_ratio_compare(midi.events[i].beat, (KrRatio){33, 2}) < 0) i++;
  expect_ratio(midi.events[i].time, 666777751, 80000000); // 8 s + 241 ticks
  assert_int_equal(midi.events[i].key, 74);
}

static void damage_is_named_with_its_place(void **state) {
  (void)state;
  Bytes b = {.n = 0};
  expect_error(&b, "does not begin with a MIDI header");
  begin_file(&b, 0, 1, 96);
  expect_error(&b, "ends before its last track");
  begin_file(&b, 2, 1, 96);
  expect_error(&b, "only formats 0 and 1");
  begin_file(&b, 0, 1, 0);
  expect_error(&b, "zero ticks per quarter note");
  begin_file(&b, 0, 1, 0xF000);
  expect_error(&b, "zero ticks per SMPTE frame");
  begin_file(&b, 0, 1, 0xF001);
  expect_error(&b, "SMPTE frame rate");
  begin_file(&b, 0, 1, 96);
  TRACK(&b, "\x00\x3C\x40");
  expect_error(&b, "data without a status byte");
  begin_file(&b, 0, 1, 96);
  TRACK(&b, "\x00\x90\x3C");
  expect_error(&b, "ends inside an event");
  begin_file(&b, 0, 1, 96);
  TRACK(&b, "\x00\x90\x3C\x90");
  expect_error(&b, "status byte stands where data should");
  begin_file(&b, 0, 1, 96);
  TRACK(&b, "\x81\x82\x83\x84\x01\x90\x3C\x40");
  expect_error(&b, "more than four bytes");
  begin_file(&b, 0, 1, 96);
  TRACK(&b, "\x00\xFF\x01\x7F"
            "abc");
  expect_error(&b, "past the end of its track");
  begin_file(&b, 0, 1, 96);
  TRACK(&b, "\x00\xFF\x51\x03\x00\x00\x00");
  expect_error(&b, "a tempo of zero");
  begin_file(&b, 0, 1, 96);
  TRACK(&b, "\x00\xF1\x00");
  expect_error(&b, "no file may contain");
}

static void every_truncation_is_an_error(void **state) {
  (void)state;
  KrMidi midi;
  const char *error;
  for (size_t n = 0; n < sizeof tune_bytes; n++) {
    uint8_t *copy = malloc(n ? n : 1); // its own block, so that a sanitizer sees one byte too far
    memcpy(copy, tune_bytes, n);
    KrStatus status = kr_midi_read(&arena, copy, n, &midi, &error);
    free(copy);
    assert_int_equal(status, KR_ERROR_FORMAT);
    assert_non_null(error);
  }
}

static uint64_t draw(uint64_t *seed) {
  *seed = *seed * 6364136223846793005u + 1442695040888963407u;
  return *seed >> 33;
}

static void hostile_bytes_never_break_the_reader(void **state) {
  (void)state;
  uint64_t seed = 7;
  uint32_t n_good = 0, n_bad = 0;
  for (int round = 0; round < 60000; round++) {
    KrArena own;
    KrMidi midi;
    const char *error = NULL;
    size_t n = sizeof tune_bytes - (round % 3 == 0 ? draw(&seed) % 64 : 0);
    uint8_t *bytes = malloc(n);
    memcpy(bytes, tune_bytes, n);
    for (uint64_t k = 1 + draw(&seed) % 6; k > 0; k--)
      bytes[draw(&seed) % n] = (uint8_t)draw(&seed);
    kr_arena_init(&own, NULL);
    KrStatus status = kr_midi_read(&own, bytes, n, &midi, &error);
    assert_true(status == KR_OK || status == KR_ERROR_FORMAT || status == KR_ERROR_OVERFLOW);
    assert_true((status == KR_OK) == (error == NULL));
    for (uint32_t i = 0; status == KR_OK && i < midi.n_events; i++) {
      const KrAssetEvent *e = &midi.events[i];
      assert_true(e->time.num >= 0 && e->dur.num >= 0 && e->velocity > 0 && e->key < 128);
      if (i > 0) assert_true(kr_ratio_compare(e[-1].time, e->time) <= 0);
    }
    status == KR_OK ? n_good++ : n_bad++;
    kr_arena_deinit(&own);
    free(bytes);
  }
  assert_true(n_good > 1000 && n_bad > 1000);
}

typedef struct Budget {
  int left;
} Budget;

static void *alloc_some(void *user, size_t n_bytes) {
  Budget *budget = user;
  return budget->left-- > 0 ? malloc(n_bytes) : NULL;
}

static void free_some(void *user, void *at) {
  (void)user;
  free(at);
}

static void every_failing_allocation_is_reported(void **state) {
  (void)state;
  KrStatus status = KR_ERROR_MEMORY;
  int n = 0;
  for (; status != KR_OK; n++) {
    Budget budget = {n};
    KrAllocator allocator = {alloc_some, free_some, &budget};
    KrArena own;
    KrMidi midi;
    const char *error;
    kr_arena_init(&own, &allocator);
    status = kr_midi_read(&own, tune_bytes, sizeof tune_bytes, &midi, &error);
    assert_true(status == KR_OK || status == KR_ERROR_MEMORY);
    assert_null(own.escape);
    kr_arena_deinit(&own);
  }
  assert_true(n > 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(running_status_and_velocity_zero_end_notes),
      cmocka_unit_test(overlapping_notes_of_a_key_end_first_in_first_out),
      cmocka_unit_test(a_note_without_end_lasts_to_the_end_of_its_track),
      cmocka_unit_test(tempo_changes_are_exact_and_reach_all_tracks),
      cmocka_unit_test(events_stand_by_time_then_track),
      cmocka_unit_test(smpte_time_ignores_tempo),
      cmocka_unit_test(abc2midi_file_has_the_notes_of_the_tune),
      cmocka_unit_test(damage_is_named_with_its_place),
      cmocka_unit_test(every_truncation_is_an_error),
      cmocka_unit_test(hostile_bytes_never_break_the_reader),
      cmocka_unit_test(every_failing_allocation_is_reported),
  };
  return cmocka_run_group_tests(tests, open_arena, close_arena);
}

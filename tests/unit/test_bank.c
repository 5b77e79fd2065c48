/// Banks: a number is a file of a folder, by name; what cannot be read is named.
#define _XOPEN_SOURCE 700
#include "io/bank.h"
#include "io/host.h"
#include "io/sndfile.h"
#include "io/wav.h"
#include "session/program.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static KrArena arena;
static char folder[64];

static char *in_folder(const char *name) { return kr_file_join(&arena, folder, name); }

static void write_tone(const char *name, uint32_t n_channels, float value) {
  KrWav wav;
  KrWavOptions options = {.rate_hz = 48000, .n_channels = n_channels};
  float frames[64];
  for (int i = 0; i < 64; i++) frames[i] = value;
  assert_int_equal(kr_wav_open(&wav, in_folder(name), &options), KR_OK);
  assert_int_equal(kr_wav_put(&wav, frames, 64 / n_channels), KR_OK);
  assert_int_equal(kr_wav_commit(&wav), KR_OK);
}

static const char *const names[] = {"bank/b.wav",       "bank/a.WAV",     "bank/c.wav",
                                    "bank/.hidden.wav", "bank/notes.txt", "empty/notes.txt"};

static int set_up(void **state) {
  char error[KR_IO_MESSAGE];
  (void)state;
  kr_arena_init(&arena, NULL);
  strcpy(folder, "/tmp/kairo-bank-XXXXXX");
  if (mkdtemp(folder) == NULL) return -1;
  kr_file_make_folder(in_folder("bank"), error);
  kr_file_make_folder(in_folder("empty"), error);
  for (int i = 0; i < 4; i++) write_tone(names[i], i == 2 ? 2 : 1, (float)(i + 1) / 8);
  for (int i = 4; i < 6; i++) kr_file_write(in_folder(names[i]), "x", 1, error);
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) remove(in_folder(names[i]));
  rmdir(in_folder("bank")), rmdir(in_folder("empty")), rmdir(folder);
  kr_arena_deinit(&arena);
  return 0;
}

static const char *found(const char *path) {
  const char *file, *error = NULL;
  bool is_bank;
  if (kr_bank_find(in_folder(path), &arena, &file, &is_bank, &error) != KR_OK) return error;
  return strrchr(file, '/') + 1;
}

static void a_number_is_a_file_by_name_modulo_their_number(void **state) {
  (void)state;
  assert_string_equal(found("bank:0"), "a.WAV");
  assert_string_equal(found("bank:1"), "b.wav");
  assert_string_equal(found("bank:2"), "c.wav");
  assert_string_equal(found("bank:7"), "b.wav");
  assert_string_equal(found("bank"), "a.WAV");
  assert_string_equal(found("bank/c.wav"), "c.wav");
  assert_non_null(strstr(found("empty:1"), "/empty` has no sound files in it"));
  assert_non_null(strstr(found("drums:1"), "there is no folder"));
  assert_non_null(strstr(found("drums:1"), "/drums`"));
}

static KrStatus load(const char *text, bool lenient, KrProgram **program) {
  KrIoHost files = {.folder = folder};
  KrAssetHost host = kr_io_host(&files);
  KrProgramOptions options;
  kr_program_defaults(&options);
  options.host = &host;
  options.lenient = lenient;
  return kr_program_load("song.kairo", text, strlen(text), &options, program);
}

static void a_file_of_two_channels_is_a_tuple_and_enters_the_hash(void **state) {
  (void)state;
  KrProgram *one, *two;
  if (!kr_sndfile_has_library()) skip();
  const char *first = "flow f(dt=1/48000 @rate=audio) { output sample('bank:1') }";
  const char *second = "flow f(dt=1/48000 @rate=audio) { output sample('bank:2') }";
  assert_int_equal(load(first, false, &one), KR_OK);
  assert_int_equal(load(second, false, &two), KR_OK);
  assert_int_equal(kr_program_output(one, 0).n_columns, 1);
  assert_int_equal(kr_program_output(two, 0).n_columns, 2);
  assert_int_equal(one->graph->n_assets, 1);
  KrDigest before = kr_program_hash(one);
  kr_program_free(one);
  write_tone("bank/b.wav", 1, -0.5f);
  assert_int_equal(load(first, false, &one), KR_OK);
  KrDigest after = kr_program_hash(one);
  assert_true(memcmp(&before, &after, sizeof before) != 0);
  kr_program_free(one), kr_program_free(two);
}

static void what_cannot_be_read_is_an_error_or_silence_and_a_warning(void **state) {
  (void)state;
  const char *text = "flow f(dt=1/48000 @rate=audio) {\n  output sample('drums:3') }";
  for (int lenient = 0; lenient < 2; lenient++) {
    KrProgram *program;
    assert_int_equal(load(text, lenient, &program), lenient ? KR_OK : KR_ERROR_PROGRAM);
    const char *messages = kr_program_messages(program);
    assert_non_null(strstr(messages, lenient ? "song.kairo:2:17: warning: cannot read `drums:3`"
                                             : "song.kairo:2:17: error: cannot read `drums:3`"));
    assert_non_null(strstr(messages, "/drums`"));
    kr_program_free(program);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_number_is_a_file_by_name_modulo_their_number, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(a_file_of_two_channels_is_a_tuple_and_enters_the_hash, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(what_cannot_be_read_is_an_error_or_silence_and_a_warning,
                                      set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

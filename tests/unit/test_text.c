/// Text spans, distances, status texts and the formatter.
#include "base/text.h"
#include "kairo/status.h"
#include "unit/arena_fixture.h"
#include "unit/model.h"
#include <string.h>

static void spans_compare_by_bytes(void **state) {
  (void)state;
  KrText text = KR_TEXT("flow");
  assert_true(kr_text_is(text, "flow"));
  assert_false(kr_text_is(text, "flo"));
  assert_false(kr_text_is(text, "flows"));
  assert_true(kr_text_equal((KrText){NULL, 0}, KR_TEXT("")));
  assert_false(kr_text_equal(text, KR_TEXT("flox")));
  assert_string_equal(kr_text_string(&arena, (KrText){"audio stream", 5}), "audio");
  assert_string_equal(kr_text_string(&arena, (KrText){NULL, 0}), "");
}

static void distance_counts_edits(void **state) {
  (void)state;
  static const struct {
    const char *a, *b;
    uint32_t distance;
  } cases[] = {{"", "", 0},
               {"sine", "sine", 0},
               {"sien", "sine", 1},
               {"sin", "sine", 1},
               {"", "abc", 3},
               {"kitten", "sitting", 3},
               {"lowpas", "lowpass", 1},
               {"ca", "abc", 3},
               {"resmaple", "resample", 1}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    KrText a = kr_text_from(cases[i].a), b = kr_text_from(cases[i].b);
    assert_int_equal(kr_text_distance(a, b), cases[i].distance);
    assert_int_equal(kr_text_distance(b, a), cases[i].distance);
  }
  char longer[80];
  memset(longer, 'x', sizeof longer);
  KrText text = {longer, sizeof longer};
  assert_int_equal(kr_text_distance(text, text), 0);
  assert_int_equal(kr_text_distance(text, KR_TEXT("x")), 80);
}

static void directives_print_their_arguments(void **state) {
  (void)state;
  KrText span = {"spanned", 4};
  assert_string_equal(kr_text_print(&arena, "%s|%t|%c|%%|%d|%u", "text", span, 'z', -12, 34u),
                      "text|span|z|%|-12|34");
  assert_string_equal(kr_text_print(&arena, "%lld %llu %zu", (long long)INT64_MIN,
                                    (unsigned long long)UINT64_MAX, (size_t)7),
                      "-9223372036854775808 18446744073709551615 7");
  assert_string_equal(kr_text_print(&arena, "%x %016llx", 0xbeefu, 0x1234abcdull),
                      "beef 000000001234abcd");
  assert_string_equal(kr_text_print(&arena, "%r %r %r", INT64_C(3), INT64_C(4), INT64_C(-3),
                                    INT64_C(1), INT64_C(0), INT64_C(1)),
                      "3/4 -3 0");
  assert_string_equal(kr_text_print(&arena, "%g %f %d", 0.1, (double)0.1f, INT32_MIN),
                      "0.1 0.1 -2147483648");
  assert_string_equal(kr_text_print(&arena, ""), "");
  assert_string_equal(kr_text_print(&arena, "100%"), "100");
}

static void buffers_grow_and_stay_terminated(void **state) {
  (void)state;
  KrBuffer buffer;
  kr_buffer_init(&buffer, &arena);
  for (int i = 0; i < 5000; i++) {
    kr_buffer_put(&buffer, "abcdefg", 7);
    assert_int_equal(buffer.at[buffer.n], 0);
  }
  assert_int_equal(buffer.n, 35000);
  for (size_t i = 0; i < buffer.n; i++) assert_int_equal(buffer.at[i], "abcdefg"[i % 7]);
  kr_buffer_print(&buffer, "%d", 12);
  assert_string_equal(buffer.at + 35000, "12");
}

static void every_status_has_its_text(void **state) {
  (void)state;
  assert_string_equal(kr_status_text(KR_OK), "ok");
  assert_string_equal(kr_status_text(KR_ERROR_LIMIT), "limit exceeded");
  assert_string_equal(kr_status_text(KR_ERROR_UNAVAILABLE), "not available here");
  assert_string_equal(kr_status_text((KrStatus)1000), "unknown status");
  for (int i = 0; i <= KR_ERROR_UNAVAILABLE; i++) {
    for (int j = 0; j < i; j++) {
      assert_string_not_equal(kr_status_text((KrStatus)i), kr_status_text((KrStatus)j));
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(spans_compare_by_bytes),
      cmocka_unit_test(distance_counts_edits),
      cmocka_unit_test(directives_print_their_arguments),
      cmocka_unit_test(buffers_grow_and_stay_terminated),
      cmocka_unit_test(every_status_has_its_text),
  };
  return cmocka_run_group_tests_name("text", tests, open_arena, close_arena);
}

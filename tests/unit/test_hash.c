/// SHA-256 against published digests, in pieces of every size.
#include "base/hash.h"
#include "base/hash_native.h"
#include "unit/model.h"
#include <string.h>

static void expect(const void *at, size_t n, size_t piece, const char *digits) {
  KrHash hash;
  char text[65];
  kr_hash_init(&hash);
  for (size_t i = 0; i < n; i += piece) {
    kr_hash_put(&hash, (const char *)at + i, n - i < piece ? n - i : piece);
  }
  KrDigest digest = kr_hash_end(&hash);
  kr_digest_text(&digest, text);
  assert_string_equal(text, digits);
}

/// FIPS 180-4 examples of NIST, and the empty text.
static void known_texts_have_their_digests(void **state) {
  (void)state;
  const char *two = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
  const char *four = "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmn"
                     "opqklmnopqrlmnopqrsmnopqrstnopqrstu";
  expect("", 0, 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  expect("abc", 3, 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  for (size_t piece = 1; piece < 120; piece++) {
    expect(two, strlen(two), piece,
           "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    expect(four, strlen(four), piece,
           "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
  }
}

static void a_million_letters_have_their_digest(void **state) {
  (void)state;
  static char letters[1000000];
  memset(letters, 'a', sizeof letters);
  expect(letters, sizeof letters, 4097,
         "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

/// Every length around the padding's edges gives one digest however it is cut.
static void pieces_do_not_show(void **state) {
  (void)state;
  uint8_t bytes[300];
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 37 + 11);
  for (size_t n = 0; n <= sizeof bytes; n++) {
    KrHash hash;
    char text[65];
    kr_hash_init(&hash);
    kr_hash_put(&hash, bytes, n);
    KrDigest digest = kr_hash_end(&hash);
    kr_digest_text(&digest, text);
    for (size_t piece = 1; piece < 70; piece += 13) expect(bytes, n, piece, text);
  }
}

static void integers_are_little_endian(void **state) {
  (void)state;
  static const uint8_t bytes[12] = {0x04, 0x03, 0x02, 0x01, 0x18, 0x17,
                                    0x16, 0x15, 0x14, 0x13, 0x12, 0x11};
  KrHash hash;
  char text[65];
  kr_hash_init(&hash);
  kr_hash_put_u32(&hash, 0x01020304);
  kr_hash_put_u64(&hash, UINT64_C(0x1112131415161718));
  KrDigest digest = kr_hash_end(&hash);
  kr_digest_text(&digest, text);
  expect(bytes, sizeof bytes, 12, text);
}

static void the_instructions_of_the_processor_give_the_same_states(void **state) {
  (void)state;
  static uint8_t blocks[40 * 64];
  uint32_t native[8], portable[8];
  uint64_t seed = 1;
  for (int round = 0; round < 200; round++) {
    for (size_t i = 0; i < sizeof blocks; i++) blocks[i] = (uint8_t)draw(&seed);
    for (int i = 0; i < 8; i++) native[i] = portable[i] = (uint32_t)draw(&seed);
    size_t n_blocks = (size_t)round % 41;
    if (!kr_hash_native(native, blocks, n_blocks)) skip();
    kr_hash_portable(portable, blocks, n_blocks);
    assert_memory_equal(native, portable, sizeof native);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_texts_have_their_digests),
      cmocka_unit_test(a_million_letters_have_their_digest),
      cmocka_unit_test(pieces_do_not_show),
      cmocka_unit_test(integers_are_little_endian),
      cmocka_unit_test(the_instructions_of_the_processor_give_the_same_states),
  };
  return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}

/// What the fuzz targets share: changes to bytes and to the text of programs, and the runner that
/// makes them. Everything follows from the seed: the same arguments give the same inputs.
#ifndef KR_TESTS_FUZZ_MUTATE_H
#define KR_TESTS_FUZZ_MUTATE_H
#include <stddef.h>
#include <stdint.h>

typedef struct FuzzBytes {
  uint8_t *at;
  size_t n, cap;
} FuzzBytes;

/// SplitMix64 (Steele, Lea, Flood 2014).
uint64_t fuzz_random(uint64_t *state);
size_t fuzz_below(uint64_t *state, size_t n); ///< 0 when n is 0
/// Puts `n` bytes in place of `n_old` at `at`; nothing when there is no room.
void fuzz_replace(FuzzBytes *bytes, size_t at, size_t n_old, const void *from, size_t n);
/// One change at a random place: bytes out, in, changed, or copied from `other`.
void fuzz_change_bytes(FuzzBytes *bytes, const FuzzBytes *other, uint64_t *state);
/// The same, or a piece of Kairo text in: most results are no programs.
void fuzz_change_text(FuzzBytes *bytes, const FuzzBytes *other, uint64_t *state);
/// One change of words, numbers or lines: many results are still programs.
void fuzz_change_program(FuzzBytes *bytes, const FuzzBytes *other, uint64_t *state);

/// What a target makes of bytes; aborts when that shows a mistake in Kairo. Returns 0.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

typedef struct FuzzTarget {
  const char *name;
  const char *suffixes; ///< files taken from folders, `.mid .csv `: each ends with a blank
  void (*change)(FuzzBytes *bytes, const FuzzBytes *other, uint64_t *state);
} FuzzTarget;

/// NAME SEED N_MUTATIONS FILE|FOLDER…: every file as it is, then mutations of them. An input that
/// ends the process, or takes more than $FUZZ_SECONDS (10) of processor time, is left behind as
/// `NAME-SEED-INDEX` in $FUZZ_OUT or the current folder. Returns the exit code.
int fuzz_main(const FuzzTarget *target, int n_args, char **args);
#endif

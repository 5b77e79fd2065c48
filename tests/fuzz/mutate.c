// Decides how inputs are varied, and keeps the one that brought a target down.
#include "mutate.h"
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

uint64_t fuzz_random(uint64_t *state) {
  uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
  z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
  return z ^ (z >> 31);
}

size_t fuzz_below(uint64_t *state, size_t n) {
  return n == 0 ? 0 : (size_t)(fuzz_random(state) % n);
}

void fuzz_replace(FuzzBytes *bytes, size_t at, size_t n_old, const void *from, size_t n) {
  uint8_t piece[4096];
  if (n > sizeof piece || bytes->n - n_old + n > bytes->cap) return;
  if (n != 0) memcpy(piece, from, n); // `from` may lie inside
  memmove(bytes->at + at + n, bytes->at + at + n_old, bytes->n - at - n_old);
  memcpy(bytes->at + at, piece, n);
  bytes->n += n;
  bytes->n -= n_old;
}

// ---- bytes

static void remove_some(FuzzBytes *bytes, size_t at, uint64_t *state) {
  size_t n = 1 + fuzz_below(state, 12);
  fuzz_replace(bytes, at, n > bytes->n - at ? bytes->n - at : n, NULL, 0);
}

static void copy_some(FuzzBytes *bytes, size_t at, const FuzzBytes *other, uint64_t *state) {
  if (other->n == 0) return;
  size_t begin = fuzz_below(state, other->n);
  size_t n = 1 + fuzz_below(state, other->n - begin < 40 ? other->n - begin : 40);
  fuzz_replace(bytes, at, 0, other->at + begin, n);
}

void fuzz_change_bytes(FuzzBytes *bytes, const FuzzBytes *other, uint64_t *state) {
  static const uint8_t edges[] = {0, 1, 0x7F, 0x80, 0xFF, 0x40, 0x20};
  size_t at = fuzz_below(state, bytes->n + 1);
  uint8_t byte = (uint8_t)fuzz_random(state);
  switch (fuzz_random(state) % 6) {
  case 0: remove_some(bytes, at, state); return;
  case 1: fuzz_replace(bytes, at, 0, &byte, 1); return;
  case 2: copy_some(bytes, at, other, state); return;
  case 3:
    if (at < bytes->n) bytes->at[at] ^= (uint8_t)(1U << (byte & 7));
    return;
  case 4:
    for (size_t n = 1 + fuzz_below(state, 4); n > 0 && at < bytes->n; n--, at++)
      bytes->at[at] = edges[byte % sizeof edges];
    return;
  default:
    if (at < bytes->n) bytes->at[at] = byte;
    return;
  }
}

// ---- text

static const char *const pieces[] = {
    "\n",      "\r\n",    ";",          " ",        "\t",     "(",      ")",     "[",      "]",
    "{",       "}",       "{}",         ",",        ":",      ".",      "..",    "=",      "==",
    "->",      "+",       "-",          "*",        "/",      "%",      "^",     "!",      "<",
    ">",       ">=",      "<=",         "&&",       "||",     "|",      "|>",    "|x|",    "@",
    "@state",  "@a=1",    "#c\n",       "//c\n",    "/*c*/",  "/*\n*/", "'s'",   "\"s\"",  "1",
    "0.5",     "1e3",     "2D",         "440Hz",    ".5",     "x",      "x.0",   ".name",  "if ",
    " then ",  " else ",  "else ",      "for ",     " in ",   "fn ",    "let ",  "const ", "flow ",
    "output ", "return ", "use ",       "struct ",  "synth ", "scene ", "line ", "frame ", "input ",
    "true",    "a: 1",    "a: f32 = 1", "\xC3\xA9", "\xFF",   "\x01",   "a=",    "f(",
};

void fuzz_change_text(FuzzBytes *bytes, const FuzzBytes *other, uint64_t *state) {
  size_t at = fuzz_below(state, bytes->n + 1);
  uint8_t byte = (uint8_t)fuzz_random(state);
  switch (fuzz_random(state) % 6) {
  case 0: remove_some(bytes, at, state); return;
  case 1:
    if (at < bytes->n) bytes->at[at] = byte;
    return;
  case 2: fuzz_replace(bytes, at, 0, &byte, 1); return;
  case 3: copy_some(bytes, at, other, state); return;
  default: break;
  }
  const char *piece = pieces[fuzz_below(state, sizeof pieces / sizeof *pieces)];
  fuzz_replace(bytes, at, 0, piece, strlen(piece));
}

// ---- programs

static const char *const numbers[] = {
    "0",      "1",     "2",      "3",       "7",     "16",     "64",         "1000",
    "100000", "1e9",   "1e18",   "1e-9",    "1e30",  "0.5",    "2147483648", "9223372036854775807",
    "(-1)",   "1/3",   "1Hz",    "440Hz",   "20kHz", "0Hz",    "0s",         "1ms",
    "5ms",    "1s",    "1000s",  "1e-6s",   "3dB",   "1turns", "(1/0)",      "(0/0)",
    "1.5",    "90deg", "120bpm", "sqrt(2)", "1h",    "4096",   "65536",      "48000",
};

// Words that reach what the examples do not.
static const char *const words[] = {
    "@substeps=3",
    "@state(merge=sum)",
    "@state(read=latest)",
    "@real=f64",
    "@rate=audio",
    "@rate=visual",
    "@rate=control",
    "@rate=sim",
    "steps=10",
    "substeps=4",
    "phase=1/7",
    "dt=1/1000",
    "dt=1/48000",
    "dt=1001/30000",
    "f32",
    "f64",
    "i32",
    "i64",
    "u32",
    "u64",
    "bool",
    "prev(",
    "delay(",
    "sine(",
    "noise(",
    "adsr(",
    "lowpass(",
    "svf(",
    "comb(",
    "fft(",
    "ifft(",
    "stft(",
    "istft(",
    "magnitude(",
    "threshold(",
    "phase(",
    "history(",
    "centroid(",
    "rms(",
    "mean(",
    "sum(",
    "count(",
    "resample(",
    "colorize(",
    "waveform(",
    "spectrogram(",
    "plot(",
    "text(",
    "layer(",
    "sample('a.wav')",
    "event.every(10ms)",
    "event.from_midi('a.mid')",
    "event.from_csv('a.csv')",
    "event.from_list([(0s, 1)])",
    ".merge(",
    ".map(|e| e)",
    ".filter(|e| true)",
    ".delay(1ms)",
    "event.from_signal(",
    ".to_signal(mode=gate)",
    ".to_signal(mode=hold)",
    ".to_signal(mode=sinc)",
    ".to_signal(mode=impulse)",
    "mode=sinc",
    "mode=cubic",
    "mode=linear",
    "mode=nearest",
    "align=causal",
    "window=10ms",
    "size=256",
    "size=100",
    "size=1000003",
    "init=1",
    "to=audio",
    "to=control",
    "to=visual",
    "solver.heat(",
    "time",
    "step",
    "dt",
    "rate",
    "random(1).uniform()",
    "random(2).choice([1, 2, 3])",
    "[0..4].map(|i| i)",
    "[0..1000000]",
    "[1; 5]",
    ".sum()",
    ".fold(0, |a, b| a + b)",
    ".zip([1, 2])",
    ".len",
    "div(",
    "clamp(",
    "smooth(",
    "onepole(",
    "counter(",
    "sample_and_hold(",
    "trigger(",
    "linseg([(0s, 0), (1s, 1)])",
    "ramp(",
    "slew(",
    "lfo(",
    "pan(",
    "mix(",
    "gain(",
    "Note{freq: 440Hz}",
    "fn f(x) { return x }",
    "f(f(1))",
    "use drums",
    "drums.beat",
    "i64(",
    "if time > 1ms { ",
    "true",
    "false",
    "%",
    "&&",
    "|>",
    "c3",
    "@seed=7",
    "@tempo=120bpm",
    "@duration=1s",
    "input k: f32 = 1",
    "struct S { a: f32 }",
};

typedef enum Kind { KIND_SPACE, KIND_WORD, KIND_NUMBER, KIND_TEXT, KIND_OTHER } Kind;

static int is_digit(uint8_t c) { return c >= '0' && c <= '9'; }
static int is_name(uint8_t c) {
  return is_digit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Length and kind of the token at `at`; a comment is space.
static size_t token_at(const FuzzBytes *bytes, size_t at, Kind *kind) {
  const uint8_t *c = bytes->at;
  size_t end = at + 1, n = bytes->n;
  if (c[at] == ' ' || c[at] == '\n') {
    *kind = KIND_SPACE;
  } else if (c[at] == '#') {
    *kind = KIND_SPACE;
    while (end < n && c[end] != '\n') end++;
  } else if (c[at] == '"' || c[at] == '\'') {
    *kind = KIND_TEXT;
    while (end < n && c[end] != c[at] && c[end] != '\n') end++;
    if (end < n && c[end] == c[at]) end++;
  } else if (is_digit(c[at])) {
    *kind = KIND_NUMBER;
    while (end < n && (is_name(c[end]) || (c[end] == '.' && end + 1 < n && is_digit(c[end + 1]))))
      end++;
  } else if (is_name(c[at])) {
    *kind = KIND_WORD;
    while (end < n && is_name(c[end])) end++;
  } else {
    *kind = KIND_OTHER;
  }
  return end - at;
}

// A token of the kind (any for SPACE), from a random place on and around.
static size_t find_token(const FuzzBytes *bytes, Kind wanted, uint64_t *state, size_t *at) {
  size_t begin = fuzz_below(state, bytes->n + 1), found = 0;
  Kind kind;
  for (size_t i = 0, n; i < bytes->n; i += n) {
    n = token_at(bytes, i, &kind);
    if (kind == KIND_SPACE || (wanted != KIND_SPACE && kind != wanted)) continue;
    *at = i;
    found = n;
    if (i >= begin) break;
  }
  return found;
}

static size_t find_line(const FuzzBytes *bytes, uint64_t *state, size_t *at) {
  size_t begin = fuzz_below(state, bytes->n + 1);
  while (begin > 0 && bytes->at[begin - 1] != '\n') begin--;
  size_t end = begin;
  while (end < bytes->n && bytes->at[end++] != '\n') {}
  *at = begin;
  return end - begin;
}

static void change_word(FuzzBytes *bytes, const FuzzBytes *other, Kind kind, uint64_t *state) {
  size_t at = 0, from = 0;
  size_t n_old = find_token(bytes, kind, state, &at);
  size_t n = find_token(other, kind, state, &from);
  if (n_old != 0 && n != 0) fuzz_replace(bytes, at, n_old, other->at + from, n);
}

static void put_piece(FuzzBytes *bytes, const char *piece, int in_place, uint64_t *state) {
  size_t at = 0, n_old = find_token(bytes, KIND_SPACE, state, &at);
  fuzz_replace(bytes, at, in_place ? n_old : 0, piece, strlen(piece));
}

static void put_number(FuzzBytes *bytes, uint64_t *state) {
  const char *number = numbers[fuzz_below(state, sizeof numbers / sizeof *numbers)];
  size_t at = 0, n_old = find_token(bytes, KIND_NUMBER, state, &at);
  if (n_old != 0) fuzz_replace(bytes, at, n_old, number, strlen(number));
}

static void change_line(FuzzBytes *bytes, const FuzzBytes *other, uint64_t *state) {
  size_t at = 0, from = 0, n_old = find_line(bytes, state, &at);
  size_t n = find_line(other, state, &from);
  switch (fuzz_random(state) % 4) {
  case 0: fuzz_replace(bytes, at, n_old, NULL, 0); break;
  case 1: fuzz_replace(bytes, at, 0, bytes->at + at, n_old); break;
  case 2: fuzz_replace(bytes, at, 0, other->at + from, n); break;
  default: fuzz_replace(bytes, at, n_old, other->at + from, n); break;
  }
}

void fuzz_change_program(FuzzBytes *bytes, const FuzzBytes *other, uint64_t *state) {
  const char *word = words[fuzz_below(state, sizeof words / sizeof *words)];
  size_t at = 0, n;
  switch (fuzz_random(state) % 16) {
  case 0:
  case 1:
  case 2: change_word(bytes, other, KIND_WORD, state); return;
  case 3: change_word(bytes, bytes, KIND_WORD, state); return;
  case 4: change_word(bytes, other, KIND_NUMBER, state); return;
  case 5:
  case 6: put_number(bytes, state); return;
  case 7: change_word(bytes, other, KIND_OTHER, state); return;
  case 8: change_word(bytes, other, KIND_SPACE, state); return;
  case 9: put_piece(bytes, word, 1, state); return;
  case 10: put_piece(bytes, word, 0, state); return;
  case 11:
    n = find_token(bytes, KIND_SPACE, state, &at);
    fuzz_replace(bytes, at, n, NULL, 0);
    return;
  case 12:
  case 13: change_line(bytes, other, state); return;
  case 14:
    put_piece(bytes, pieces[fuzz_below(state, sizeof pieces / sizeof *pieces)], 0, state);
    return;
  default: fuzz_change_text(bytes, other, state); return;
  }
}

// ---- the runner

enum { MAX_BYTES = 1 << 20, MAX_FILES = 4096 };

static FuzzBytes files[MAX_FILES];
static size_t n_files;

// The input at work, for the handlers.
static struct Current {
  const uint8_t *at;
  size_t n;
  char path[4096];
} current;

static void keep_current(void) {
  int file = current.n == 0 ? -1 : open(current.path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file < 0) return;
  if (write(file, current.at, current.n) == (ssize_t)current.n) {
    static const char said[] = "\nthe input is in ";
    (void)!write(2, said, sizeof said - 1);
    (void)!write(2, current.path, strlen(current.path));
    (void)!write(2, "\n", 1);
  }
  close(file);
  current.n = 0;
}

static void stop_on_signal(int number) {
  keep_current();
  static const char said[] = "too slow\n";
  if (number == SIGVTALRM) (void)!write(2, said, sizeof said - 1);
  signal(SIGABRT, SIG_DFL);
  abort();
}

// Of the sanitizers, where they are.
__attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)(void));

static void watch(void) {
  if (__sanitizer_set_death_callback != NULL) __sanitizer_set_death_callback(keep_current);
  signal(SIGABRT, stop_on_signal);
  signal(SIGVTALRM, stop_on_signal);
  if (__sanitizer_set_death_callback == NULL) signal(SIGSEGV, stop_on_signal);
}

static void try_input(const FuzzTarget *target, const FuzzBytes *bytes, uint64_t seed,
                      uint64_t index) {
  const char *folder = getenv("FUZZ_OUT"), *seconds = getenv("FUZZ_SECONDS");
  struct itimerval timer = {{0, 0}, {seconds != NULL ? atoi(seconds) : 10, 0}};
  snprintf(current.path, sizeof current.path, "%s/%s-%" PRIu64 "-%" PRIu64,
           folder != NULL ? folder : ".", target->name, seed, index);
  current.at = bytes->at;
  current.n = bytes->n;
  setitimer(ITIMER_VIRTUAL, &timer, NULL);
  LLVMFuzzerTestOneInput(bytes->at, bytes->n);
  current.n = 0;
}

static void read_file(const char *name) {
  FuzzBytes bytes = {malloc(MAX_BYTES), 0, MAX_BYTES};
  FILE *file = fopen(name, "rb");
  if (file == NULL || bytes.at == NULL || n_files == MAX_FILES) {
    fprintf(stderr, "fuzz: cannot read %s\n", name);
    exit(2);
  }
  bytes.n = fread(bytes.at, 1, MAX_BYTES, file);
  fclose(file);
  uint8_t *smaller = realloc(bytes.at, bytes.n + 1);
  if (smaller != NULL) bytes.at = smaller;
  files[n_files++] = bytes;
}

static int has_suffix(const char *suffixes, const char *name) {
  const char *dot = strrchr(name, '.');
  const char *found = dot == NULL ? NULL : strstr(suffixes, dot);
  return found != NULL && found[strlen(dot)] == ' ';
}

static void read_folder(const FuzzTarget *target, const char *name) {
  struct dirent **entries;
  char path[8192];
  int n = scandir(name, &entries, NULL, alphasort);
  if (n < 0) read_file(name);
  for (int i = 0; i < n; i++) {
    snprintf(path, sizeof path, "%s/%s", name, entries[i]->d_name);
    if (has_suffix(target->suffixes, entries[i]->d_name)) read_file(path);
    free(entries[i]);
  }
  if (n >= 0) free(entries);
}

// Mostly few: 1 in half of the cases, 2 in a quarter …
static size_t n_changes(uint64_t *state) {
  size_t n = 1;
  for (uint64_t bits = fuzz_random(state); n < 8 && (bits & 1); bits >>= 1) n++;
  return n;
}

int fuzz_main(const FuzzTarget *target, int n_args, char **args) {
  if (n_args < 4) {
    fprintf(stderr, "usage: fuzz_%s SEED N_MUTATIONS FILE|FOLDER...\n", target->name);
    return 2;
  }
  uint64_t seed = strtoull(args[1], NULL, 10), n_mutations = strtoull(args[2], NULL, 10);
  uint64_t state = seed;
  FuzzBytes work = {malloc(MAX_BYTES + 4096), 0, MAX_BYTES + 4096};
  for (int i = 3; i < n_args; i++) read_folder(target, args[i]);
  if (work.at == NULL || n_files == 0) return 2;
  watch();
  for (size_t i = 0; i < n_files; i++) try_input(target, &files[i], 0, i);
  for (uint64_t k = 0; k < n_mutations; k++) {
    const FuzzBytes *file = &files[fuzz_below(&state, n_files)];
    memcpy(work.at, file->at, file->n);
    work.n = file->n;
    for (size_t i = n_changes(&state); i > 0; i--)
      target->change(&work, &files[fuzz_below(&state, n_files)], &state);
    try_input(target, &work, seed, k);
  }
  printf("%" PRIu64 " mutations of %zu files\n", n_mutations, n_files);
  for (size_t i = 0; i < n_files; i++) free(files[i].at);
  free(work.at);
  return 0;
}

/// What voices of a synth cost, through the whole engine: the reference voice (band-limited saw,
/// low-pass with the envelope on its cutoff, ADSR, pan) held by 64 and by 4096 notes at every
/// vector level, a note-on, notes at 100 000 a second, notes between two samples. Times are
/// processor time of running and reading; programs that are compared run in turn, medians of all
/// rounds. A bar stands behind what it is for.
#include "clock.h"
#include "kairo/kairo.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RATE = 48000, BLOCK = 480, N_ROUNDS = 7, N_DUELS = 41 };

#define REFERENCE                                                                                  \
  "synth voice(place = 0) {\n"                                                                     \
  "  let env = adsr(gate, attack=10ms, decay=60ms, sustain=0.5, release=90ms)\n"                   \
  "  output pan(svf(saw(freq), cutoff=300Hz + 4000Hz * env, q=4, mode=lp) * env, place)\n"         \
  "}\n"
/// Notes that last, begun one after the other in a tenth of a second.
#define HELD(n)                                                                                    \
  REFERENCE                                                                                        \
  "let notes = event.from_list([0.." #n "].map(|i| (i / " #n " * 0.1s, Note{"                      \
  "freq: 55Hz * 2 ^ (i * 7 % 64 / 21), place: i % 64 / 31.5 - 1, dur: 1000s})))\n"                 \
  "flow out(dt=1/48000 @rate=audio) { output play(voice, notes, voices=" #n ") }\n"
/// 64 voices that sound at any time, each of four notes a second (256 ms long, 250 in all); all
/// onsets at whole samples or none.
#define STRUCK(phase)                                                                              \
  REFERENCE                                                                                        \
  "let notes = event.every(1s / 250, phase=" phase ", payload=Note{freq: 110Hz, dur: 166ms})"      \
  ".map(|note, at| Note{freq: 110Hz + 3Hz * (floor(at / 1s * 250) % 64), dur: 166ms,"              \
  " place: floor(at / 1s * 250) % 64 / 31.5 - 1})\n"                                               \
  "flow out(dt=1/48000 @rate=audio) { output play(voice, notes, voices=96) }\n"
/// Notes of a voice that does next to nothing; as long together, whatever their number.
#define SHORT(every, dur)                                                                          \
  "synth voice() { output gate * vel }\n"                                                          \
  "let notes = event.every(" every ", payload=Note{freq: 110Hz, dur: " dur "})\n"                  \
  "flow out(dt=1/48000 @rate=audio) { output play(voice, notes, voices=64) }\n"
/// Each note is 1 from its onset to the end of that tick, so 1 - r there when r of the tick is
/// over.
static const char many[] =
    "synth voice() { output if age <= 0 then 1 else 0 }\n"
    "let notes = event.every(10us, payload=Note{freq: 110Hz, dur: 50us})\n"
    "flow out(dt=1/48000 @rate=audio) { output play(voice, notes, voices=1024) }\n";

typedef struct Piece {
  KrProgram *program;
  KrSession *session;
  int64_t tick;
  uint32_t n_channels;
} Piece;

static Piece load(const char *text, KrLevel level) {
  Piece piece = {.n_channels = 2};
  KrProgramOptions options;
  kr_program_defaults(&options);
  options.level = level;
  options.step = (KrRatio){BLOCK, RATE};
  KrStatus status = kr_program_load("bench", text, strlen(text), &options, &piece.program);
  if (status == KR_OK) status = kr_session_new(piece.program, &piece.session);
  if (status == KR_OK) return piece;
  fprintf(stderr, "%s\n%s", kr_status_text(status), kr_program_messages(piece.program));
  exit(1);
}

static void unload(Piece *piece) {
  kr_session_free(piece->session);
  kr_program_free(piece->program);
}

/// Runs and reads `n_blocks`; the seconds it took. `frames` may be NULL.
static double run(Piece *piece, int64_t n_blocks, float *frames) {
  static float block[2 * BLOCK];
  KrRatio to;
  double begin = cpu_seconds();
  for (int64_t i = 0; i < n_blocks; i++, piece->tick += BLOCK) {
    kr_ratio_make(piece->tick + BLOCK, RATE, &to);
    float *at = frames != NULL ? frames + i * BLOCK * piece->n_channels : block;
    if (kr_session_run(piece->session, to) != KR_OK ||
        kr_session_read_audio(piece->session, 0, piece->tick, BLOCK, at) != KR_OK) {
      fprintf(stderr, "the run stopped\n");
      exit(1);
    }
  }
  return cpu_seconds() - begin;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *values, size_t n) {
  qsort(values, n, sizeof *values, compare);
  return values[n / 2];
}

/// Seconds of `n_blocks` of every piece, one after the other in each round.
static void race(Piece *pieces, uint32_t n, int64_t n_blocks, double *seconds) {
  static double times[8][N_ROUNDS];
  for (uint32_t round = 0; round < N_ROUNDS; round++)
    for (uint32_t i = 0; i < n; i++) times[i][round] = run(&pieces[i], n_blocks, NULL);
  for (uint32_t i = 0; i < n; i++) seconds[i] = median(times[i], N_ROUNDS);
}

/// Two programs in many short rounds, which neighbours on the processor change least: by how much
/// the second takes longer, in seconds and as a part of the first.
static void duel(const char *first, const char *second, uint32_t n_channels, int64_t n_blocks,
                 double *more, double *part) {
  static double differences[N_DUELS], ratios[N_DUELS];
  Piece a = load(first, KR_LEVEL_BEST), b = load(second, KR_LEVEL_BEST);
  a.n_channels = b.n_channels = n_channels;
  run(&a, n_blocks, NULL), run(&b, n_blocks, NULL);
  for (int i = 0; i < N_DUELS; i++) {
    double x = run(&a, n_blocks, NULL), y = run(&b, n_blocks, NULL);
    differences[i] = y - x;
    ratios[i] = y / x - 1;
  }
  *more = median(differences, N_DUELS);
  *part = median(ratios, N_DUELS);
  unload(&a), unload(&b);
}

/// `n_voices` sound at any time: voices a core at each level.
static void time_voices(const char *text, const char *what, double n_voices, int64_t n_blocks) {
  static const struct {
    KrLevel level;
    const char *name;
    int bar; ///< voices
  } levels[] = {
      {KR_LEVEL_BASELINE, "baseline", 4500}, {KR_LEVEL_V3, "v3", 9000}, {KR_LEVEL_V4, "v4", 12000}};
  Piece pieces[3];
  double seconds[3], length = (double)n_blocks * BLOCK / RATE;
  uint32_t n = 0;
  while (n < 3 && kr_level_is_supported(levels[n].level)) {
    pieces[n] = load(text, levels[n].level);
    run(&pieces[n++], 40, NULL); // past the onsets
  }
  race(pieces, n, n_blocks, seconds);
  for (uint32_t i = 0; i < n; i++) {
    printf("voices: %.0f %s, %s, bar >= %d %10.0f voices/core\n", n_voices, what, levels[i].name,
           levels[i].bar, n_voices * length / seconds[i]);
    unload(&pieces[i]);
  }
  if (n > 0 && n_voices < 100)
    printf("voices: %.0f %s, of a core, bar <= 0.6 %10.3f %%\n", n_voices, what,
           100 * seconds[n - 1] / length);
}

/// A note is begun and ended; the same ticks sound in both programs.
static void time_note(void) {
  enum { N_BLOCKS = 100 };
  double more, part;
  duel(SHORT("10ms", "8ms"), SHORT("0.25ms", "0.2ms"), 1, N_BLOCKS, &more, &part);
  printf("voices: a note on and off, bar <= 1 %10.3f us\n",
         1e6 * more / ((4000 - 100) * (double)N_BLOCKS * BLOCK / RATE));
}

/// Ticks that do not hear exactly the notes whose time lies in them: note k at 10 us * k, which is
/// tick 0.48 k.
static void count_notes(void) {
  enum { N_BLOCKS = 100, N_TICKS = N_BLOCKS * BLOCK };
  static float heard[N_TICKS];
  Piece piece = load(many, KR_LEVEL_BEST);
  piece.n_channels = 1;
  double seconds = run(&piece, N_BLOCKS, heard);
  int64_t n_wrong = 0, k = 0;
  for (int64_t i = 0; i < N_TICKS; i++) {
    double wanted = 0;
    for (; k * 48 / 100 == i; k++) wanted += 1 - (double)(k * 48 % 100) / 100;
    double error = (double)heard[i] - wanted;
    n_wrong += error > 1e-5 || error < -1e-5;
  }
  printf("voices: %lld notes a second, of a core %10.2f %%\n", (long long)k,
         100 * seconds / ((double)N_TICKS / RATE));
  printf("voices: ... where one is late or lost, bar 0 %6lld ticks\n", (long long)n_wrong);
  unload(&piece);
}

static void time_onsets(void) {
  double more, part;
  duel(STRUCK("1s / 48000"), STRUCK("1s / 96000"), 2, 100, &more, &part);
  printf("voices: onsets between samples, bar <= 3 %+10.2f %%\n", 100 * part);
}

int main(void) {
  time_voices(HELD(4096), "held", 4096, 50);
  time_voices(HELD(64), "held", 64, 500);
  time_voices(STRUCK("0s"), "four times a second", 64, 500);
  time_note();
  count_notes();
  time_onsets();
  return 0;
}

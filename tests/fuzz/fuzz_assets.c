/// Fuzz target: damaged MIDI files, tables, sounds and snapshots. The first byte says which; what
/// is read is as its header promises, what is refused has a message.
#include "asset/csv.h"
#include "asset/midi.h"
#include "host.h"
#include "io/sndfile.h"
#include "lang/elab.h"
#include "mutate.h"
#include "sched/sched.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char snapshot_program[] =
    "let e = event.from_list([(0s, Note{freq: 300Hz}), (2ms, Note{freq: 400Hz, dur: 1ms})])\n"
    "@state n: i64 = 0\n"
    "@state(merge=sum) m: f64 = 0\n"
    "flow a(dt=1/1000 @rate=control, substeps=2) {\n"
    "  n = n + 1\n"
    "  m = m + 1\n"
    "  output prev(step) + centroid(fft(b, size=16)) + rms(b, window=5ms)\n"
    "}\n"
    "flow b(dt=1/8000 @rate=audio) {\n"
    "  m = m + 2\n"
    "  let g = e.to_signal(mode=gate)\n"
    "  let s = sine(freq=e.to_signal(mode=hold).freq) * adsr(g, attack=1ms)\n"
    "  output delay(s, 3ms, feedback=0.5) + noise(1) + resample(c, to=audio, mode=nearest) + "
    "resample(d, to=audio, mode=linear)\n"
    "}\n"
    "flow c(dt=1/700 @rate=sim) {\n"
    "  output m + n\n"
    "}\n"
    "flow d(dt=1/300 @rate=sim) {\n"
    "  output smooth(time, 10ms)\n"
    "}\n";

static void fail(const char *what, const char *more) {
  fprintf(stderr, "%s: %s\n", what, more != NULL ? more : "");
  abort();
}

static void check_refusal(KrStatus status, const char *error) {
  if (status == KR_ERROR_FORMAT && (error == NULL || error[0] == '\0'))
    fail("refused without a message", NULL);
  if (status != KR_OK && status != KR_ERROR_FORMAT && status != KR_ERROR_OVERFLOW &&
      status != KR_ERROR_MEMORY && status != KR_ERROR_UNAVAILABLE && status != KR_ERROR_MISMATCH)
    fail("an odd status", kr_status_text(status));
}

static void try_midi(KrArena *arena, const uint8_t *at, size_t n) {
  KrMidi midi;
  const char *error = NULL;
  KrStatus status = kr_midi_read(arena, at, n, &midi, &error);
  check_refusal(status, error);
  if (status != KR_OK) return;
  for (uint32_t i = 0; i < midi.n_events; i++) {
    const KrAssetEvent *event = &midi.events[i];
    if (event->time.num < 0 || event->dur.num < 0 || event->key > 127 || event->channel > 15 ||
        event->velocity < 1 || event->velocity > 127)
      fail("a note is out of range", NULL);
    if (i > 0 && kr_ratio_compare(event[-1].time, event->time) > 0)
      fail("notes are out of order", NULL);
    if (kr_ratio_compare(event->time, midi.end) > 0) fail("a note after the end", NULL);
  }
}

static void try_csv(KrArena *arena, const uint8_t *at, size_t n) {
  KrCsv csv;
  const char *error = NULL;
  KrStatus status = kr_csv_read(arena, at, n, &csv, &error);
  check_refusal(status, error);
  if (status != KR_OK) return;
  double sum = 0;
  for (size_t i = 0; i < (size_t)csv.n_rows * csv.n_columns; i++) sum += csv.cells[i].value;
  for (uint32_t i = 0; i < csv.n_columns; i++) {
    if (kr_csv_find(&csv, csv.names[i]) != (int32_t)i) fail("a column is not found", csv.names[i]);
  }
  status = kr_csv_check_events(arena, &csv, &error);
  check_refusal(status, error);
  if (status == KR_OK && kr_csv_find(&csv, "time") < 0) fail("events without time", NULL);
  if (sum == 1.5e300) fail("impossible", NULL); // the cells were read
}

static void try_audio(KrArena *arena, const uint8_t *at, size_t n) {
  KrAssetAudio audio;
  const char *error = NULL;
  KrStatus status = kr_sndfile_decode(at, n, "fuzz.wav", arena, &audio, &error);
  check_refusal(status, error);
  if (status != KR_OK) return;
  if (audio.n_channels < 1 || audio.rate_hz < 1) fail("a sound without channels or rate", NULL);
  float sum = 0;
  for (uint64_t i = 0; i < audio.n_frames * audio.n_channels; i++) sum += audio.frames[i];
  if (sum == 1.5e30f) fail("impossible", NULL);
}

// ---- snapshots

static struct {
  KrArena arena;
  KrSource source;
  KrPlan *plan;
  FuzzBytes saved;
} piece;

static void prepare_piece(void) {
  if (piece.plan != NULL) return;
  KrAssetHost host = fuzz_host();
  KrElabOptions options;
  KrGraph *graph;
  KrGraphError error;
  KrRun *run;
  KrBuffer out;
  kr_arena_init(&piece.arena, NULL);
  piece.source = (KrSource){KR_TEXT("snapshot"), KR_TEXT(snapshot_program)};
  KrDiagnostics list = {.arena = &piece.arena, .sources = &piece.source, .n_sources = 1};
  kr_elab_defaults(&options);
  options.host = &host;
  KrAst *ast = kr_parse(&piece.arena, &list, 0);
  KrRatio half = {3, 2000};
  kr_buffer_init(&out, &piece.arena);
  if (kr_elaborate(ast, &options, &list, &piece.arena, &graph) != KR_OK) {
    kr_diagnostics_print(&list, &out);
    fail("the program of the snapshot", out.at);
  }
  if (kr_plan_make(&piece.arena, graph, NULL, &piece.plan, &error) != KR_OK ||
      kr_run_new(&piece.arena, piece.plan, &run) != KR_OK || kr_run_to(run, half) != KR_OK ||
      kr_run_save(run, &out) != KR_OK)
    fail("the run of the snapshot", NULL);
  piece.saved = (FuzzBytes){(uint8_t *)out.at, out.n, out.n};
}

// Makes the checksums of damaged sections right again, so that what they hold is looked at.
static void mend(uint8_t *at, size_t n) {
  size_t begin = 0;
  while (n - begin >= 48) {
    uint64_t length = 0;
    for (unsigned i = 0; i < 8; i++) length |= (uint64_t)at[begin + 8 + i] << 8 * i;
    if (length > n - begin - 48) return;
    KrHash hash;
    kr_hash_init(&hash);
    kr_hash_put(&hash, at + begin, 16 + (size_t)length);
    KrDigest digest = kr_hash_end(&hash);
    memcpy(at + begin + 16 + length, digest.at, 32);
    begin += 48 + (size_t)length;
  }
}

// The first byte: whether sums are mended; then changes {place, byte} to a valid snapshot, or its
// length.
static void try_snapshot(KrArena *arena, const uint8_t *at, size_t n) {
  prepare_piece();
  size_t n_saved = piece.saved.n;
  uint8_t *copy = malloc(n_saved);
  if (copy == NULL) abort();
  memcpy(copy, piece.saved.at, n_saved);
  size_t length = n_saved;
  for (size_t i = 1; i + 3 <= n; i += 3) {
    size_t place = ((size_t)at[i] << 8 | at[i + 1]) % n_saved;
    if (at[i + 2] == 7 && i == 1)
      length = place;
    else
      copy[place] ^= at[i + 2];
  }
  if (n > 0 && (at[0] & 1)) mend(copy, length);
  KrRun *run;
  const char *error = NULL;
  KrRatio time, end = {3, 1000};
  if (kr_run_new(arena, piece.plan, &run) != KR_OK) fail("no run", NULL);
  uint8_t *exact = malloc(length + (length == 0)); // its own block: one byte too far is seen
  if (exact == NULL) abort();
  memcpy(exact, copy, length);
  kr_snapshot_time(exact, length, &time);
  KrStatus status = kr_run_restore(run, exact, length, &error);
  check_refusal(status, error);
  bool same = length == n_saved && memcmp(exact, piece.saved.at, length) == 0;
  if (same && status != KR_OK) fail("a good snapshot is refused", error);
  if (status == KR_OK && !same && !(at[0] & 1)) fail("a damaged snapshot is taken", NULL);
  if (status != KR_OK && error == NULL) fail("refused without a message", kr_status_text(status));
  if (status == KR_OK) kr_run_to(run, end);
  free(exact);
  free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  KrArena arena;
  jmp_buf escape;
  if (n == 0 || n > 1 << 20) return 0;
  uint8_t *copy = malloc(n); // its own block
  if (copy == NULL) abort();
  memcpy(copy, data + 1, n - 1);
  kr_arena_init(&arena, fuzz_allocator());
  if (setjmp(escape) != 0) fail("more memory than the file can need", NULL);
  arena.escape = &escape;
  switch (data[0] % 4) {
  case 0: try_midi(&arena, copy, n - 1); break;
  case 1: try_csv(&arena, copy, n - 1); break;
  case 2: try_audio(&arena, copy, n - 1); break;
  default: try_snapshot(&arena, copy, n - 1); break;
  }
  kr_arena_deinit(&arena);
  free(copy);
  return 0;
}

#ifndef KR_FUZZ_LIBFUZZER
// The kind stays as it is.
static void change(FuzzBytes *bytes, const FuzzBytes *other, uint64_t *state) {
  uint8_t kind = bytes->n == 0 ? 0 : bytes->at[0];
  fuzz_change_bytes(bytes, other, state);
  if (bytes->n > 0) bytes->at[0] = kind;
}

int main(int n_args, char **args) {
  FuzzTarget target = {"assets", ".asset ", change};
  return fuzz_main(&target, n_args, args);
}
#endif

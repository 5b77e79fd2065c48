/// Decides how files become values: assets are read once, listed with their digest, and errors
/// stand where the file is named.
#include "lang/elab_event.h"
#include "math/elementary.h"
#include "ops/event_file.h"
#include <string.h>

static void list_asset(KrElab *e, const char *kind, KrText path, const KrDigest *digest,
                       KrSpan span) {
  KrText key = kr_text_from(kr_text_print(e->arena, "%s:%t", kind, path));
  bool found;
  uint32_t *slot = kr_map_slot(e, &e->assets, key, &found);
  if (found) return;
  *slot = e->graph->n_assets;
  KrAsset asset = {
      .path = path, .kind = kr_text_from(kind), .digest = *digest, .origin = kr_span_origin(span)};
  KR_PUSH(e->arena, e->graph->assets, e->graph->n_assets, e->graph->cap_assets, asset);
}

typedef struct KrFileReport {
  bool is_silence; // it is taken for silence: a warning
  bool is_damaged; // it is there, but no sound file
} KrFileReport;
static void report_file(KrElab *e, KrText path, const char *error, KrSpan span, KrFileReport as) {
  bool is_silence = as.is_silence;
  kr_diagnose(e->list, is_silence ? KR_WARNING : KR_ERROR, span,
              as.is_damaged ? "WAV, AIFF, FLAC, OGG and MP3 are read; save it once more, or as WAV"
                            : "the path is looked up beside the program",
              is_silence ? "cannot read `%t`: %s; it is silence" : "cannot read `%t`: %s", path,
              error != NULL ? error : "there is no way to files here");
}

static const KrAssetAudio *make_silence(KrElab *e) {
  KrAssetAudio *audio = KR_NEW(e->arena, KrAssetAudio);
  *audio = (KrAssetAudio){.frames = KR_NEW_ARRAY(e->arena, float, 1),
                          .n_frames = 1,
                          .n_channels = 1,
                          .rate_hz = 48000,
                          .exact = true};
  return audio;
}

bool kr_load_bytes(KrElab *e, const char *kind, KrText path, KrSpan span, const uint8_t **at,
                   size_t *n) {
  const KrAssetHost *host = e->options->host;
  const char *error = NULL, *name = kr_text_string(e->arena, path);
  if (host == NULL || host->read_bytes == NULL ||
      host->read_bytes(host->user, name, e->arena, at, n, &error) != KR_OK) {
    report_file(e, path, error, span, (KrFileReport){0});
    return false;
  }
  KrHash hash;
  kr_hash_init(&hash);
  kr_hash_put(&hash, *at, *n);
  KrDigest digest = kr_hash_end(&hash);
  list_asset(e, kind, path, &digest, span);
  return true;
}

const KrAssetAudio *kr_load_audio(KrElab *e, KrText path, KrSpan span) {
  KrText key = kr_text_from(kr_text_print(e->arena, "decoded:%t", path));
  bool found;
  uint32_t *slot = kr_map_slot(e, &e->assets, key, &found);
  if (found) return e->audio[*slot];
  *slot = e->n_audio;
  const KrAssetHost *host = e->options->host;
  const char *error = NULL, *name = kr_text_string(e->arena, path);
  KrAssetAudio *audio = KR_NEW(e->arena, KrAssetAudio);
  KrStatus status = KR_ERROR_IO;
  if (host != NULL && host->read_audio != NULL)
    status = host->read_audio(host->user, name, e->arena, audio, &error);
  bool ok = status == KR_OK;
  const KrAssetAudio *entry = ok ? audio : e->options->lenient ? make_silence(e) : NULL;
  KR_PUSH(e->arena, e->audio, e->n_audio, e->cap_audio, entry);
  if (ok) {
    list_asset(e, "audio", path, &audio->digest, span);
    e->graph->assets[e->graph->n_assets - 1].is_lossy = !audio->exact;
  } else
    report_file(e, path, error, span, (KrFileReport){entry != NULL, status == KR_ERROR_FORMAT});
  return entry;
}

static void set_exact(KrEventValue *value, KrRatio ratio) {
  *value = (KrEventValue){true, true, ratio, kr_ratio_to_f64(ratio)};
}

static KrVal load_midi(KrElab *e, KrText path, const uint8_t *at, size_t n, KrSpan span) {
  KrMidi midi;
  const char *error = NULL;
  if (kr_midi_read(e->arena, at, n, &midi, &error) != KR_OK) {
    kr_diagnose(e->list, KR_ERROR, span, "check the file with another program", "`%t`: %s", path,
                error != NULL ? error : "damaged MIDI file");
    return kr_val_poison();
  }
  KrPayload payload = {0};
  const KrDim plain = {.known = true};
  uint32_t freq = kr_payload_field(e, &payload, KR_TEXT("freq"), kr_dim_of(KR_DIM_S, -1));
  uint32_t vel = kr_payload_field(e, &payload, KR_TEXT("vel"), plain);
  payload.fields[freq].declared = payload.fields[vel].declared = true;
  payload.fields[freq].elem = payload.fields[vel].elem = KR_ELEM_F32;
  uint32_t dur = kr_payload_field(e, &payload, KR_TEXT("dur"), kr_dim_of(KR_DIM_S, 1));
  uint32_t key = kr_payload_field(e, &payload, KR_TEXT("key"), plain);
  uint32_t channel = kr_payload_field(e, &payload, KR_TEXT("channel"), plain);
  uint32_t track = kr_payload_field(e, &payload, KR_TEXT("track"), plain);
  KrDraft *drafts = KR_NEW_ARRAY(e->arena, KrDraft, midi.n_events);
  for (uint32_t i = 0; i < midi.n_events; i++) {
    const KrAssetEvent *note = &midi.events[i];
    KrDraft *draft = &drafts[i];
    KrRatio loudness = KR_RATIO_ZERO;
    if (kr_ratio_make(note->velocity, 127, &loudness) != KR_OK) continue;
    draft->item = (KrEventItem){
        .time = note->time, .has_dur = true, .dur = note->dur, .has_key = true, .key = note->key};
    draft->n = payload.n;
    draft->values = KR_NEW_ARRAY(e->arena, KrEventValue, payload.n);
    draft->values[freq] =
        (KrEventValue){true, false, KR_RATIO_ZERO, kr_f64_mtof((double)note->key)};
    if (note->key == 69) set_exact(&draft->values[freq], kr_ratio_of(440));
    set_exact(&draft->values[vel], loudness);
    set_exact(&draft->values[dur], note->dur);
    set_exact(&draft->values[key], kr_ratio_of(note->key));
    set_exact(&draft->values[channel], kr_ratio_of(note->channel));
    set_exact(&draft->values[track], kr_ratio_of(note->track));
  }
  return kr_events_list(e, &payload, drafts, midi.n_events, span);
}

static bool put_cell(KrElab *e, KrPayload *payload, KrDraft *draft, const char *name,
                     const KrCsvCell *cell, KrSpan span) {
  KrVal number = kr_val_exact(cell->is_exact ? cell->exact : KR_RATIO_ZERO);
  number.as.number.exact = cell->is_exact;
  number.as.number.value = cell->value;
  number.as.number.lost = "the table";
  KrVal record = kr_val_items(KR_VAL_RECORD, &number, 1);
  KrText field = kr_text_from(name);
  record.as.items.names = &field;
  return kr_draft_payload(e, payload, draft, &record, span);
}

static KrVal load_csv(KrElab *e, KrText path, const uint8_t *at, size_t n, KrSpan span) {
  KrCsv csv;
  const char *error = NULL;
  if (kr_csv_read(e->arena, at, n, &csv, &error) != KR_OK ||
      kr_csv_check_events(e->arena, &csv, &error) != KR_OK) {
    kr_diagnose(e->list, KR_ERROR, span, "check the file with another program", "`%t`: %s", path,
                error != NULL ? error : "damaged table");
    return kr_val_poison();
  }
  uint32_t time = (uint32_t)kr_csv_find(&csv, "time");
  KrDraft *drafts = KR_NEW_ARRAY(e->arena, KrDraft, csv.n_rows);
  KrPayload payload = {0};
  bool sorted = true;
  for (uint32_t row = 0; row < csv.n_rows; row++) {
    const KrCsvCell *cells = &csv.cells[(size_t)row * csv.n_columns];
    drafts[row].item.time = cells[time].exact;
    if (row > 0 && kr_ratio_compare(drafts[row].item.time, drafts[row - 1].item.time) < 0)
      sorted = false;
    for (uint32_t c = 0; c < csv.n_columns; c++)
      if (c != time && cells[c].is_present &&
          !put_cell(e, &payload, &drafts[row], csv.names[c], &cells[c], span))
        return kr_val_poison();
  }
  for (uint32_t i = 0; i < payload.n; i++) {
    bool freq = kr_text_is(payload.fields[i].name, "freq");
    if (freq) payload.dims[i] = kr_dim_of(KR_DIM_S, -1);
    if (!freq && !kr_text_is(payload.fields[i].name, "vel")) continue;
    payload.fields[i].declared = true;
    payload.fields[i].elem = KR_ELEM_F32;
  }
  if (!sorted)
    kr_diagnose(e->list, KR_WARNING, span, NULL,
                "the events of `%t` are not in order of time; they are sorted", path);
  return kr_events_list(e, &payload, drafts, csv.n_rows, span);
}

KrVal kr_load_events(KrElab *e, KrText format, KrText path, KrSpan span) {
  const uint8_t *at;
  size_t n;
  bool midi = kr_text_is(format, "midi");
  if (!kr_load_bytes(e, midi ? "midi" : "csv", path, span, &at, &n)) return kr_val_poison();
  return midi ? load_midi(e, path, at, n, span) : load_csv(e, path, at, n, span);
}

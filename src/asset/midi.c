// Decides what the bytes of a standard MIDI file mean: chunks, delta times, running status, which
// note-off ends which note, and the exact second of every tick.
#include "asset/midi.h"
#include "base/text.h"
#include <string.h>

#define NONE UINT32_MAX
#define DEFAULT_TEMPO 500000 // microseconds per quarter note, as the standard says
#define MAX_BYTES ((size_t)1 << 26)

typedef struct Note {
  KrAssetEvent event;
  int64_t begin, end; // ticks
  uint32_t next;      // next sounding note of this channel and key
} Note;

typedef struct Tempo {
  int64_t tick;
  uint32_t microseconds; // per quarter note
} Tempo;

typedef struct Reader {
  KrArena *arena;
  const uint8_t *at;
  size_t n, pos, end; // end: of the chunk being read
  const char **error;
  Note *notes;
  uint32_t n_notes, cap_notes;
  Tempo *tempos;
  uint32_t n_tempos, cap_tempos;
  uint32_t (*heads)[128], (*tails)[128]; // sounding notes, first in first out
  uint8_t programs[16];
  int64_t tick, last_tick;
  uint16_t track;
  uint32_t n_unbegun, n_unended;
} Reader;

static KrStatus fail(Reader *r, size_t offset, const char *what) {
  *r->error = kr_text_print(r->arena, "MIDI file: %s (byte %zu)", what, offset);
  return KR_ERROR_FORMAT;
}

static uint32_t big_endian(const uint8_t *at, size_t n) {
  uint32_t value = 0;
  for (size_t i = 0; i < n; i++) value = value << 8 | at[i];
  return value;
}

static KrStatus take_byte(Reader *r, uint8_t *value) {
  if (r->pos >= r->end) return fail(r, r->pos, "the track ends inside an event");
  *value = r->at[r->pos++];
  return KR_OK;
}

static KrStatus take_length(Reader *r, uint32_t *value) {
  size_t start = r->pos;
  *value = 0;
  for (int i = 0; i < 4; i++) {
    uint8_t byte;
    KR_TRY(take_byte(r, &byte));
    *value = *value << 7 | (byte & 0x7F);
    if (byte < 0x80) return KR_OK;
  }
  return fail(r, start, "a variable-length number has more than four bytes");
}

static KrStatus take_data(Reader *r, uint8_t *value) {
  KR_TRY(take_byte(r, value));
  if (*value >= 0x80) return fail(r, r->pos - 1, "a status byte stands where data should");
  return KR_OK;
}

static void begin_note(Reader *r, uint8_t channel, uint8_t key, uint8_t velocity) {
  uint32_t index = r->n_notes;
  Note note = {.begin = r->tick, .end = -1, .next = NONE};
  note.event = (KrAssetEvent){.track = r->track,
                              .channel = channel,
                              .key = key,
                              .velocity = velocity,
                              .release_velocity = 64,
                              .program = r->programs[channel]};
  KR_PUSH(r->arena, r->notes, r->n_notes, r->cap_notes, note);
  if (r->heads[channel][key] == NONE)
    r->heads[channel][key] = index;
  else
    r->notes[r->tails[channel][key]].next = index;
  r->tails[channel][key] = index;
}

static void end_note(Reader *r, uint8_t channel, uint8_t key, uint8_t velocity) {
  uint32_t index = r->heads[channel][key];
  if (index == NONE) {
    r->n_unbegun++;
    return;
  }
  Note *note = &r->notes[index];
  note->end = r->tick;
  note->event.has_end = true;
  note->event.release_velocity = velocity;
  r->heads[channel][key] = note->next;
}

static KrStatus read_channel_event(Reader *r, uint8_t status) {
  uint8_t kind = status & 0xF0, channel = status & 0x0F, first, second = 0;
  KR_TRY(take_data(r, &first));
  if (kind != 0xC0 && kind != 0xD0) KR_TRY(take_data(r, &second));
  if (kind == 0x90 && second > 0)
    begin_note(r, channel, first, second);
  else if (kind == 0x90)
    end_note(r, channel, first, 64);
  else if (kind == 0x80)
    end_note(r, channel, first, second);
  else if (kind == 0xC0)
    r->programs[channel] = first;
  return KR_OK;
}

static KrStatus skip(Reader *r, uint32_t length) {
  if (length > r->end - r->pos)
    return fail(r, r->pos, "an event reaches past the end of its track");
  r->pos += length;
  return KR_OK;
}

static KrStatus read_meta(Reader *r, bool *ended) {
  uint8_t type;
  uint32_t length;
  size_t start = r->pos - 1;
  KR_TRY(take_data(r, &type));
  KR_TRY(take_length(r, &length));
  size_t data = r->pos;
  KR_TRY(skip(r, length));
  *ended = type == 0x2F;
  if (type != 0x51) return KR_OK;
  if (length != 3) return fail(r, start, "a tempo has not three bytes");
  Tempo tempo = {r->tick, big_endian(r->at + data, 3)};
  if (tempo.microseconds == 0) return fail(r, start, "a tempo of zero");
  KR_PUSH(r->arena, r->tempos, r->n_tempos, r->cap_tempos, tempo);
  return KR_OK;
}

static KrStatus read_event(Reader *r, uint8_t *running, bool *ended) {
  size_t start = r->pos;
  uint8_t status;
  KR_TRY(take_byte(r, &status));
  if (status < 0x80) {
    if (*running == 0) return fail(r, start, "data without a status byte before it");
    r->pos = start;
    return read_channel_event(r, *running);
  }
  if (status < 0xF0) {
    *running = status;
    return read_channel_event(r, status);
  }
  if (status == 0xFF) return read_meta(r, ended);
  if (status != 0xF0 && status != 0xF7) return fail(r, start, "a status byte no file may contain");
  uint32_t length;
  KR_TRY(take_length(r, &length));
  return skip(r, length);
}

static void forget_sounding(Reader *r) {
  memset(r->heads, 0xFF, 16 * sizeof *r->heads);
  memset(r->tails, 0xFF, 16 * sizeof *r->tails);
  memset(r->programs, 0, sizeof r->programs);
}

static KrStatus read_track(Reader *r) {
  uint8_t running = 0;
  bool ended = false;
  uint32_t first = r->n_notes;
  r->tick = 0;
  forget_sounding(r);
  while (r->pos < r->end && !ended) {
    uint32_t delta;
    KR_TRY(take_length(r, &delta));
    r->tick += delta;
    KR_TRY(read_event(r, &running, &ended));
  }
  for (uint32_t i = first; i < r->n_notes; i++) {
    if (r->notes[i].event.has_end) continue;
    r->notes[i].end = r->tick;
    r->n_unended++;
  }
  if (r->tick > r->last_tick) r->last_tick = r->tick;
  return KR_OK;
}

static KrStatus read_chunk_header(Reader *r, const char **type, size_t *start) {
  if (r->n - r->pos < 8) return fail(r, r->pos, "the file ends before its last track");
  uint32_t length = big_endian(r->at + r->pos + 4, 4);
  *type = (const char *)(r->at + r->pos);
  *start = r->pos + 8;
  if (length > r->n - *start) return fail(r, r->pos, "a chunk reaches past the end of the file");
  r->pos = *start;
  r->end = *start + length;
  return KR_OK;
}

static KrStatus read_tracks(Reader *r, uint16_t n_tracks) {
  while (r->track < n_tracks) {
    const char *type;
    size_t start;
    KR_TRY(read_chunk_header(r, &type, &start));
    if (memcmp(type, "MTrk", 4) == 0) {
      KR_TRY(read_track(r));
      r->track++;
    }
    r->pos = r->end;
  }
  return KR_OK;
}

// Seconds per tick for a constant tempo: num / den.
typedef struct Division {
  bool is_smpte;
  int64_t ticks_per_quarter;
  KrRatio second; // SMPTE: seconds per tick
} Division;

static KrStatus read_division(Reader *r, Division *division) {
  uint32_t word = big_endian(r->at + 12, 2);
  *division = (Division){.ticks_per_quarter = (int64_t)word};
  if (word == 0) return fail(r, 12, "zero ticks per quarter note");
  if (word < 0x8000) return KR_OK;
  uint32_t frames = 256 - (word >> 8), ticks = word & 0xFF;
  division->is_smpte = true;
  if (ticks == 0) return fail(r, 13, "zero ticks per SMPTE frame");
  if (frames == 29) return kr_ratio_make(1001, 30000 * (int64_t)ticks, &division->second);
  if (frames != 24 && frames != 25 && frames != 30)
    return fail(r, 12, "an SMPTE frame rate other than 24, 25, 29 (drop frame) and 30");
  return kr_ratio_make(1, (int64_t)frames * ticks, &division->second);
}

static KrStatus read_header(Reader *r, KrMidi *midi, Division *division) {
  const char *type;
  size_t start;
  if (r->n < 14 || memcmp(r->at, "MThd", 4) != 0)
    return fail(r, 0, "it does not begin with a MIDI header");
  KR_TRY(read_chunk_header(r, &type, &start));
  if (r->end - start < 6) return fail(r, 4, "the header is shorter than six bytes");
  midi->format = (uint16_t)big_endian(r->at + 8, 2);
  midi->n_tracks = (uint16_t)big_endian(r->at + 10, 2);
  if (midi->format > 1) return fail(r, 8, "only formats 0 and 1 can be played as one piece");
  if (midi->n_tracks == 0) return fail(r, 10, "the header announces no track");
  if (midi->format == 0 && midi->n_tracks != 1)
    return fail(r, 10, "format 0 with more than one track");
  KR_TRY(read_division(r, division));
  midi->is_smpte = division->is_smpte;
  r->pos = r->end;
  return KR_OK;
}

// Bottom-up merge sort by tick: stable, so that at one tick the later in the file wins.
static void sort_tempos(Reader *r) {
  Tempo *from = r->tempos, *to = KR_NEW_ARRAY(r->arena, Tempo, r->n_tempos);
  for (size_t run = 1; run < r->n_tempos; run *= 2) {
    for (size_t start = 0; start < r->n_tempos; start += 2 * run) {
      size_t middle = start + run < r->n_tempos ? start + run : r->n_tempos;
      size_t end = middle + run < r->n_tempos ? middle + run : r->n_tempos;
      size_t a = start, b = middle;
      for (size_t i = start; i < end; i++)
        to[i] = b >= end || (a < middle && from[a].tick <= from[b].tick) ? from[a++] : from[b++];
    }
    Tempo *other = from;
    from = to;
    to = other;
  }
  r->tempos = from;
}

typedef struct Map {
  KrTempoSegment *segments;
  int64_t *ticks;   // where each segment begins
  KrRatio *seconds; // per tick
  uint32_t n;
  KrRatio beat; // beats per tick
} Map;

static KrStatus time_in(const Map *map, uint32_t segment, int64_t tick, KrRatio *time) {
  KrRatio length;
  KR_TRY(kr_ratio_mul(kr_ratio_of(tick - map->ticks[segment]), map->seconds[segment], &length));
  return kr_ratio_add(map->segments[segment].time, length, time);
}

static KrStatus add_segment(Map *map, const Division *division, Tempo tempo) {
  uint32_t at = map->n;
  KrTempoSegment segment = {KR_RATIO_ZERO, KR_RATIO_ZERO, KR_RATIO_ZERO};
  if (at > 0) KR_TRY(time_in(map, at - 1, tempo.tick, &segment.time));
  if (at > 0 && map->ticks[at - 1] == tempo.tick) at--;
  KR_TRY(kr_ratio_mul(kr_ratio_of(tempo.tick), map->beat, &segment.beat));
  KR_TRY(kr_ratio_make(1000000, (int64_t)tempo.microseconds, &segment.beats_per_second));
  map->ticks[at] = tempo.tick;
  map->segments[at] = segment;
  map->n = at + 1;
  if (division->is_smpte) {
    map->seconds[at] = division->second;
    return KR_OK;
  }
  int64_t per_second = 1000000 * division->ticks_per_quarter;
  return kr_ratio_make((int64_t)tempo.microseconds, per_second, &map->seconds[at]);
}

static KrStatus make_map(Reader *r, const Division *division, Map *map) {
  uint32_t n = (division->is_smpte ? 0 : r->n_tempos) + 1;
  map->segments = KR_NEW_ARRAY(r->arena, KrTempoSegment, n);
  map->ticks = KR_NEW_ARRAY(r->arena, int64_t, n);
  map->seconds = KR_NEW_ARRAY(r->arena, KrRatio, n);
  map->n = 0;
  if (division->is_smpte)
    KR_TRY(kr_ratio_mul(division->second, kr_ratio_of(2), &map->beat));
  else
    KR_TRY(kr_ratio_make(1, division->ticks_per_quarter, &map->beat));
  KR_TRY(add_segment(map, division, (Tempo){0, DEFAULT_TEMPO}));
  if (division->is_smpte) return KR_OK;
  sort_tempos(r);
  for (uint32_t i = 0; i < r->n_tempos; i++) KR_TRY(add_segment(map, division, r->tempos[i]));
  return KR_OK;
}

static KrStatus tick_time(const Map *map, int64_t tick, KrRatio *time) {
  uint32_t low = 0, high = map->n;
  while (high - low > 1) {
    uint32_t middle = low + (high - low) / 2;
    if (map->ticks[middle] <= tick)
      low = middle;
    else
      high = middle;
  }
  return time_in(map, low, tick, time);
}

static KrStatus place_notes(Reader *r, const Map *map) {
  for (uint32_t i = 0; i < r->n_notes; i++) {
    Note *note = &r->notes[i];
    KrRatio end;
    KR_TRY(tick_time(map, note->begin, &note->event.time));
    KR_TRY(tick_time(map, note->end, &end));
    KR_TRY(kr_ratio_sub(end, note->event.time, &note->event.dur));
    KR_TRY(kr_ratio_mul(kr_ratio_of(note->begin), map->beat, &note->event.beat));
    KR_TRY(kr_ratio_mul(kr_ratio_of(note->end - note->begin), map->beat, &note->event.beats));
  }
  return KR_OK;
}

// Notes stand by (track, order); merging runs keeps that order at equal ticks.
static const KrAssetEvent *sorted_events(Reader *r) {
  size_t n = r->n_notes;
  uint32_t *from = KR_NEW_ARRAY(r->arena, uint32_t, n), *to = KR_NEW_ARRAY(r->arena, uint32_t, n);
  for (uint32_t i = 0; i < n; i++) from[i] = i;
  for (size_t run = 1; run < n; run *= 2) {
    for (size_t start = 0; start < n; start += 2 * run) {
      size_t middle = start + run < n ? start + run : n;
      size_t end = middle + run < n ? middle + run : n;
      size_t a = start, b = middle;
      for (size_t i = start; i < end; i++) {
        bool first = b >= end || (a < middle && r->notes[from[a]].begin <= r->notes[from[b]].begin);
        to[i] = first ? from[a++] : from[b++];
      }
    }
    uint32_t *other = from;
    from = to;
    to = other;
  }
  KrAssetEvent *events = KR_NEW_ARRAY(r->arena, KrAssetEvent, n);
  for (size_t i = 0; i < n; i++) events[i] = r->notes[from[i]].event;
  return events;
}

static KrStatus read_file(Reader *r, KrMidi *midi) {
  Division division;
  Map map;
  if (r->n > MAX_BYTES) return fail(r, MAX_BYTES, "larger than 64 MiB");
  KR_TRY(read_header(r, midi, &division));
  r->heads = kr_arena_array(r->arena, 16, sizeof *r->heads);
  r->tails = kr_arena_array(r->arena, 16, sizeof *r->tails);
  KR_TRY(read_tracks(r, midi->n_tracks));
  KR_TRY(make_map(r, &division, &map));
  KR_TRY(place_notes(r, &map));
  KR_TRY(tick_time(&map, r->last_tick, &midi->end));
  midi->events = sorted_events(r);
  midi->n_events = r->n_notes;
  midi->tempo = (KrTempoMap){map.segments, map.n};
  midi->n_unended = r->n_unended;
  midi->n_unbegun = r->n_unbegun;
  return KR_OK;
}

KrStatus kr_midi_read(KrArena *arena, const uint8_t *at, size_t n_bytes, KrMidi *midi,
                      const char **error) {
  jmp_buf here, *const outer = arena->escape;
  *error = "MIDI file: out of memory";
  *midi = (KrMidi){0};
  if (setjmp(here) != 0) {
    arena->escape = outer;
    return KR_ERROR_MEMORY;
  }
  arena->escape = &here;
  Reader r = {.arena = arena, .at = at, .n = n_bytes, .error = error};
  KrStatus status = read_file(&r, midi);
  if (status == KR_ERROR_OVERFLOW) *error = "MIDI file: its times are too long to be exact";
  if (status == KR_OK) *error = NULL;
  arena->escape = outer;
  return status;
}

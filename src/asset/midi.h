/// Standard MIDI files (MMA RP-001), formats 0 and 1, as notes with exact times and a tempo map.
/// Files are at most 64 MiB; memory is at most about 400 bytes a note and 200 a tempo change.
#ifndef KR_ASSET_MIDI_H
#define KR_ASSET_MIDI_H
#include "base/arena.h"
#include "kairo/status.h"
#include "time/tempo.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// One note. Frequency (equal temperament from `key`) is the reader's business.
typedef struct KrAssetEvent {
  KrRatio time;             ///< seconds, exact, >= 0
  KrRatio dur;              ///< seconds, exact, >= 0
  KrRatio beat;             ///< quarter notes, exact; under SMPTE time 120 quarter notes a minute
  KrRatio beats;            ///< length in quarter notes
  uint16_t track;           ///< chunk number from 0
  uint8_t channel;          ///< 0..15
  uint8_t key;              ///< 0..127, 60 is the middle C
  uint8_t velocity;         ///< 1..127
  uint8_t release_velocity; ///< 0..127; 64 when the file does not say
  uint8_t program;          ///< of the channel when the note began, 0..127
  bool has_end;             ///< false: no note-off; `dur` reaches to the end of the track
} KrAssetEvent;

typedef struct KrMidi {
  const KrAssetEvent *events; ///< by (time, track, order in the track)
  uint32_t n_events;
  KrTempoMap tempo; ///< beats are quarter notes; the file's tempo changes (SMPTE: one segment)
  KrRatio end;      ///< seconds of the last event of any kind in any track
  uint16_t format;  ///< 0 or 1
  uint16_t n_tracks;
  bool is_smpte;      ///< ticks are parts of SMPTE frames: tempo changes do not matter
  uint32_t n_unended; ///< notes without note-off
  uint32_t n_unbegun; ///< note-offs without note
} KrMidi;

/// Reads the whole file. A note-on of velocity 0 is a note-off; notes of one key that overlap on
/// one channel of one track end in the order in which they began. Meta and system exclusive events
/// other than tempo are skipped; running status survives them; a track may lack its end mark.
/// KR_ERROR_FORMAT: damaged, truncated, format 2; *error is one sentence with the byte offset.
/// KR_ERROR_OVERFLOW: a time does not fit a ratio. KR_ERROR_MEMORY. [any] exact
KrStatus kr_midi_read(KrArena *arena, const uint8_t *at, size_t n_bytes, KrMidi *midi,
                      const char **error);
#endif

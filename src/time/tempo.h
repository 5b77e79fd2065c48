/// Tempo map: segments (time, beat, beats per second), rational; beat <-> time exact in a segment.
/// OVERFLOW: an exact result does not fit. ARGUMENT: no segment, tempo <= 0, or a change before
/// `last`. Before the first segment its tempo goes on backwards. All: [any] rt exact
#ifndef KR_TIME_TEMPO_H
#define KR_TIME_TEMPO_H
#include "time/ratio.h"
typedef struct KrTempoSegment {
  KrRatio time; ///< seconds
  KrRatio beat; ///< beats, rounded to a multiple of 2^-32 only if its denominator would pass 2^32
  KrRatio beats_per_second; ///< > 0
} KrTempoSegment;
typedef struct KrTempoMap {
  const KrTempoSegment *segments; ///< sorted by time; first at time 0
  uint32_t n;
} KrTempoMap;
/// Next segment after `last` for a change at `time`, rounding the beat as stated.
KrStatus kr_tempo_change(const KrTempoSegment *last, KrRatio time, KrRatio beats_per_second,
                         KrTempoSegment *next);
KrStatus kr_tempo_time(const KrTempoMap *map, KrRatio beat, KrRatio *time);
KrStatus kr_tempo_beat(const KrTempoMap *map, KrRatio time, KrRatio *beat);
#endif

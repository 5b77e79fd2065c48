/// Phases as unsigned 64-bit fractions of a turn: exact increments of constant frequencies.
#ifndef KR_OPS_TURNS_H
#define KR_OPS_TURNS_H
#include "time/ratio.h"

/// freq * dt * 2^64 modulo 2^64, rounded to nearest (half up); with `up` rounded up. exact
uint64_t kr_turns_of_ratio(KrRatio freq, KrRatio dt, bool up);
/// The same for a number that is only known as a double; 0 when not finite.
uint64_t kr_turns_of_real(double freq, KrRatio dt, bool up);
#endif

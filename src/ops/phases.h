/// One phase accumulator of an operator that is not an oscillator alone: its fields in the order in
/// which phase.inc reads them, and what prepare writes there. The phase of a tick is that before
/// its increment; increments of constants are exact (semantics 4).
#ifndef KR_OPS_PHASES_H
#define KR_OPS_PHASES_H
#include "ops/kernel.h"

enum { FIELD_PHASE, FIELD_OFFSET, FIELD_INCREMENT, FIELD_SCALE, FIELD_FIXED, FIELD_OWN };
enum { FIXED_FREQ = 1, FIXED_PHASE = 2 };
#define PHASE_FIELDS                                                                               \
  {"phase", KR_ELEM_U64, 1, KR_FIELD_STATE | KR_FIELD_AGES}, COEF("offset", U64, 1),               \
      COEF("increment", U64, 1), COEF("scale", CALL, 1), COEF("fixed", BOOL, 1)

#ifdef KR_ROWS
static inline uint64_t kr_prep_turns(const KrPortValue *port, KrRatio dt) {
  return port->exact ? kr_turns_of_ratio(port->ratio, dt, false)
                     : kr_turns_of_real(port->value, dt, false);
}
/// Of a frequency in Hz, constant or a signal, and an offset in turns (NULL: none), of which a
/// signal is left to the kernel.
static inline void kr_prep_phase(const KrPrep *prep, const KrPortValue *freq,
                                 const KrPortValue *offset) {
  bool fixed = freq->kind == KR_VALUE_CONST;
  if (fixed) FIELD_AT(prep, FIELD_INCREMENT, uint64_t)[0] = kr_prep_turns(freq, prep->dt);
  if (offset != NULL && offset->kind == KR_VALUE_CONST)
    FIELD_AT(prep, FIELD_OFFSET, uint64_t)[0] = kr_prep_turns(offset, KR_RATIO_ONE);
  bool still = offset == NULL || offset->kind == KR_VALUE_CONST;
  FIELD_AT(prep, FIELD_FIXED, uint8_t)
  [0] = (uint8_t)((fixed ? FIXED_FREQ : 0) | (still ? FIXED_PHASE : 0));
  kr_prep_put_ratio(prep, FIELD_SCALE, prep->dt, prep->elem == KR_ELEM_F32 ? 32 : 64);
}
#endif
#endif

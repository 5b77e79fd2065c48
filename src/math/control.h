/// The processor's floating-point control word: rounding to nearest even, denormals kept, no traps.
/// Foreign code in the same thread may have changed it.
#ifndef KR_MATH_CONTROL_H
#define KR_MATH_CONTROL_H
#include <stdbool.h>

/// Makes the calling thread's control word strict; true when it was not. A few nanoseconds.
/// [any] rt exact
bool kr_control_repair(void);
#endif

/// Random programs: valid text by construction (nearly always), from a seed.
#ifndef KR_GENERATE_H
#define KR_GENERATE_H
#include "base/text.h"

/// Flows whose name begins like this are read by no other: taking them out changes nothing.
#define KR_UNREAD "unread"
/// Path of the sound that programs ask for; the host of the test makes it up.
#define KR_RANDOM_SOUND "sound"

/// The same text for the same seed.
void kr_generate(uint64_t seed, KrBuffer *out);
#endif

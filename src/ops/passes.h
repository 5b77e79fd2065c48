// All passes of a kernel file that includes itself as KR_SELF: f32 and f64, each for one lane and
// for sixteen (KR_WIDTH). No guard: read once by each such file.
#define KR_PASS 32
#define KR_WIDTH 1
#include KR_SELF
#undef KR_WIDTH
#define KR_WIDTH 16
#include KR_SELF
#undef KR_WIDTH
#undef KR_PASS
#define KR_PASS 64
#define KR_WIDTH 1
#include KR_SELF
#undef KR_WIDTH
#define KR_WIDTH 16
#include KR_SELF
#undef KR_WIDTH
#undef KR_PASS

/// The first stage: each function from the host's libm in double, with a bound of its error that
/// was estimated from libm's own bound (2 ulp, generously) and the operations around it.
#ifndef KR_TEST_PROVE_CLAIM_H
#define KR_TEST_PROVE_CLAIM_H
#include <math.h>

typedef struct Claim {
  double (*value)(double);
  double relative, absolute; ///< |value - exact| <= relative |value| + absolute
} Claim;

// Fractions of a turn and their parts are exact; sin(pi k + r) = +-sin r.
static inline double claim_wave(double turns) {
  double k = rint(2 * turns), r = turns - k / 2;
  double y = sin(6.283185307179586 * r);
  return fmod(k, 2) == 0 ? y : -y;
}
static inline double claim_sin_turns(double x) {
  double y = claim_wave(x - trunc(x));
  return y == 0 ? copysign(y, x) : y;
}
// A tiny turn is lost beside the quarter, where the cosine is 1.
static inline double claim_cos_turns(double x) {
  double t = fabs(x - trunc(x));
  return claim_wave(t < 0.5 ? 0.25 - t : t - 0.75) + 0.0;
}
static inline double claim_mtof(double x) { return 440 * exp2((x - 69) / 12); }
static inline double claim_ftom(double x) { return 69 + 12 * log2(x / 440); }
static inline double claim_db(double x) { return 20 * log10(x); }
static inline double claim_lin(double x) { return pow(10, x / 20); }

// In the order of KR_ELEMENTARY_LIST. mtof and lin: the rounding of the exponent grows with it, up
// to 170 octaves, and doubles end at 2^-1074; ftom: the parts of the sum are up to 140 where it
// cancels.
static const Claim CLAIMS[] = {
    {sin, 0x1p-51, 0},
    {cos, 0x1p-51, 0},
    {tan, 0x1p-51, 0},
    {claim_sin_turns, 0x1p-50, 0},
    {claim_cos_turns, 0x1p-50, 0},
    {asin, 0x1p-51, 0},
    {acos, 0x1p-51, 0},
    {atan, 0x1p-51, 0},
    {sinh, 0x1p-51, 0},
    {cosh, 0x1p-51, 0},
    {tanh, 0x1p-51, 0},
    {exp, 0x1p-51, 0},
    {exp2, 0x1p-51, 0},
    {log, 0x1p-51, 0},
    {log2, 0x1p-51, 0},
    {log10, 0x1p-51, 0},
    {claim_mtof, 0x1p-44, 0x1p-1000},
    {claim_ftom, 0x1p-50, 0x1p-44},
    {claim_db, 0x1p-50, 0},
    {claim_lin, 0x1p-44, 0x1p-1000},
};
static const double PAIR_BOUND = 0x1p-51; // of pow and atan2
#endif

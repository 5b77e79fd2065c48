/// Trying the functions of src/math on very many inputs; tests only.
///
/// A sweep is cut in N_UNITS units of their own, so that it can be shared out and taken up again;
/// unit STRATA is the short one, 1/4096 of the inputs. f32 functions of one argument: two stages.
/// A double from the host's libm with a stated bound of its error (check_bound tries the bound
/// itself) decides all inputs for which everything within the bound rounds to one f32; MPFR
/// decides the others.
#ifndef KR_TEST_PROVE_SWEEP_H
#define KR_TEST_PROVE_SWEEP_H
#include "base/hash.h"
#include "math/many.h"

enum { N_UNITS = 16, STRATA = N_UNITS };

/// What is tried: normally the functions of src/math, in tests of the sweep spoiled ones.
typedef struct Subject {
  const char *name; ///< of a function as in KR_ELEMENTARY_LIST, or pow, atan2
  float (*f32)(float);
  double (*f64)(double);
  float (*pair_f32)(float, float);
  double (*pair_f64)(double, double);
  KrManyF32 *many_f32[KR_N_LEVELS]; ///< NULL: not built or not supported here
  KrManyF64 *many_f64[KR_N_LEVELS];
  KrManyPairsF32 *pairs_f32[KR_N_LEVELS];
  KrManyPairsF64 *pairs_f64[KR_N_LEVELS];
} Subject;

typedef struct Outcome {
  KrDigest digest; ///< SHA-256 of all results, little-endian
  uint64_t n_inputs;
  uint64_t n_close; ///< decided by MPFR
  uint64_t n_wrong; ///< results out of the claim, or vector results that differ
  double worst;     ///< f64: largest error in ulp; bounds: largest error over the bound
  char first[160];  ///< the first wrong one
} Outcome;

/// False: no function of that name.
bool subject_find(const char *name, Subject *subject);
bool subject_is_pair(const Subject *subject);

/// All f32 inputs of the unit: correctly rounded, and every vector level gives the same bits.
void sweep_f32(const Subject *subject, unsigned unit, Outcome *outcome);
/// 2^26 structured pairs a unit (STRATA: 2^18): at most 1 ulp off.
void sweep_pairs_f32(const Subject *subject, unsigned unit, Outcome *outcome);
/// 2^20 structured inputs a unit (STRATA: 2^12): at most 1 ulp off, by MPFR alone.
void sweep_f64(const Subject *subject, unsigned unit, Outcome *outcome);
/// n points all over f32: is the double's error really within its bound?
void check_bound(const Subject *subject, uint64_t n, Outcome *outcome);
#endif

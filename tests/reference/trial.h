/// One program tried in every way that must not matter, and against the reference executor.
#ifndef KR_TRIAL_H
#define KR_TRIAL_H
#include <stdbool.h>
#include <stdint.h>

typedef enum KrVerdict { KR_PASSED, KR_REJECTED, KR_FAILED } KrVerdict;
typedef struct KrTrialOptions {
  uint64_t seed;        ///< of cuts, steps, pushed events
  int64_t milliseconds; ///< program time, less for expensive programs
  bool every_instant;   ///< a snapshot at every instant, too
} KrTrialOptions;
typedef struct KrTrial {
  char text[512]; ///< what went wrong, or why the program was rejected
  char what[64];  ///< the property that failed
  bool faulted;   ///< the program stops with an error, as it should
  uint32_t n_runs;
} KrTrial;

/// Properties: engine = reference; any span, step, vector level and number of threads; a snapshot
/// anywhere or at every instant, its bytes the same from any configuration; a reload of the
/// identical program; a flow nobody reads (its name begins with KR_UNREAD) taken out.
KrVerdict kr_trial_run(const char *text, const KrTrialOptions *options, KrTrial *result);
#endif

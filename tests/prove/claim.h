/// The first stage: each function in double from the host's libm, its vector form where there is
/// one, with a bound of its error. The bound was estimated from libm's own (2 ulp, vectors 4) and
/// the operations around it; check_bound tries it.
#ifndef KR_TEST_PROVE_CLAIM_H
#define KR_TEST_PROVE_CLAIM_H
#include <stddef.h>

enum { N_BLOCK = 4096 };

typedef void ClaimFill(const double *x, double *y); ///< N_BLOCK values
typedef struct Claim {
  ClaimFill *fill;
  double relative, absolute; ///< |y - exact| <= relative |y| + absolute
} Claim;

/// In the order of KR_ELEMENTARY_LIST, then pow and atan2, whose x are pairs.
const Claim *claim_find(size_t function);
extern const Claim CLAIMS_PLAIN[], CLAIMS_WIDE[];
#endif

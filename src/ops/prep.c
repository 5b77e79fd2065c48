// What prepare functions of several families share.
#include "ops/kernel.h"

bool kr_prep_ticks(const KrPrep *prep, const KrPortValue *port, int64_t *ticks) {
  const int64_t most = INT64_C(1) << 40;
  KrRatio exact;
  if (port->exact && kr_ratio_div(port->ratio, prep->dt, &exact) == KR_OK) {
    *ticks = kr_ratio_round(exact);
  } else {
    double value = port->value * ((double)prep->dt.den / (double)prep->dt.num);
    if (!(value >= 0 && value <= (double)most)) return false;
    *ticks = kr_f64_to_i64(kr_f64_round(value));
  }
  return *ticks >= 0 && *ticks <= most;
}

/// The families of operators, in the order of the manual (rows of one name are found in this
/// order): X(name). Each is src/ops/<name>.c with one table `kr_family_<name>`.
#ifndef KR_OPS_FAMILIES_H
#define KR_OPS_FAMILIES_H
#include "ops/op.h"

#define KR_FAMILY_LIST(X)                                                                          \
  X(oscillators)                                                                                   \
  X(tones)                                                                                         \
  X(drums)                                                                                         \
  X(noise)                                                                                         \
  X(envelopes)                                                                                     \
  X(control)                                                                                       \
  X(filters)                                                                                       \
  X(ladder)                                                                                        \
  X(delays)                                                                                        \
  X(mixing)                                                                                        \
  X(shaping)                                                                                       \
  X(modulation)                                                                                    \
  X(samples)                                                                                       \
  X(grains)                                                                                        \
  X(space)                                                                                         \
  X(dynamics)                                                                                      \
  X(spectra)                                                                                       \
  X(maths)                                                                                         \
  X(hearing)                                                                                       \
  X(fields) X(cells) X(pictures) X(streams) X(operators)

#define KR_FAMILY_DECLARE(name) extern const KrFamily kr_family_##name;
KR_FAMILY_LIST(KR_FAMILY_DECLARE)
#undef KR_FAMILY_DECLARE

#define KR_FAMILY_DEFINE(name, title)                                                              \
  const KrFamily kr_family_##name = {title, OPS, sizeof OPS / sizeof *OPS}
#endif

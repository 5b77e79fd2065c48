/// Reference executor: what a graph means, tick by tick, straight from docs/semantics.md; slow and
/// obvious. A value is computed when asked for and kept for ever. Shares time, maths, graph and the
/// operators' kernels (called for one tick and one lane) with the engine; order, crossings,
/// windows, states, events are its own.
#ifndef KR_REFERENCE_H
#define KR_REFERENCE_H
#include "graph/graph.h"

typedef struct KrReference KrReference;
typedef struct KrReferenceFault {
  bool is_set;
  uint32_t flow;
  int64_t tick;
  const char *message;
} KrReferenceFault;

/// Events known ahead are listed up to `horizon` seconds. Memory from `arena`, which must have an
/// escape.
KrReference *kr_reference_new(KrArena *arena, const KrGraph *graph, KrRatio horizon);
/// An event of an input stream; before the first value is asked for.
void kr_reference_push(KrReference *reference, uint32_t events, const KrEventItem *item);
/// Value of one tick of a port (the last inner one under substeps); valid for ever. NULL after a
/// fault.
const void *kr_reference_value(KrReference *reference, KrRef ref, int64_t tick);
const KrReferenceFault *kr_reference_fault(const KrReference *reference);
#endif

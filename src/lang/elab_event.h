/// Event streams under construction: shared by elab_event.c, elab_events.c and elab_load.c.
#ifndef KR_LANG_ELAB_EVENT_H
#define KR_LANG_ELAB_EVENT_H
#include "lang/elab_core.h"

/// Fields of a payload, growing while events are read.
typedef struct KrPayload {
  KrEventField *fields;
  uint32_t n, cap;
  KrDim *dims;
  uint32_t n_dims, cap_dims;
} KrPayload;

/// One event while the payload may still grow: `values` has room for `n` fields.
typedef struct KrDraft {
  KrEventItem item;
  KrEventValue *values;
  uint32_t n;
} KrDraft;

uint32_t kr_payload_field(KrElab *e, KrPayload *payload, KrText name, KrDim dim);
bool kr_draft_payload(KrElab *e, KrPayload *payload, KrDraft *draft, const KrVal *val, KrSpan span);
const KrEventItem *kr_draft_items(KrElab *e, const KrPayload *payload, const KrDraft *at,
                                  uint32_t n);
/// Sorts and adds a list.
KrVal kr_events_list(KrElab *e, KrPayload *payload, KrDraft *at, uint32_t n, KrSpan span);
uint32_t kr_events_add(KrElab *e, KrEvents *events, const KrDim *dims, KrSpan span);
KrVal kr_events_val(uint32_t index);
/// map, filter, merge, delay
KrVal kr_events_combine(KrElab *e, KrText name, KrArgs args, KrSpan span);
#endif

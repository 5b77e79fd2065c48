/// Decides map, filter, merge and delay of event streams: folded while the events are known, else a
/// function of nodes without a flow.
#include "lang/elab_event.h"

/// The payload of one known event as a record of constants.
static KrVal payload_record(KrElab *e, uint32_t index, const KrEventItem *item) {
  const KrEvents *events = &e->graph->events[index];
  uint32_t n = 0;
  KrVal record = kr_val_items(KR_VAL_RECORD, KR_NEW_ARRAY(e->arena, KrVal, events->n_fields), 0);
  record.as.items.names = KR_NEW_ARRAY(e->arena, KrText, events->n_fields);
  bool note = false;
  for (uint32_t i = 0; i < events->n_fields; i++) {
    const KrEventValue *value = &item->values[i];
    note = note || (events->fields[i].declared && kr_text_is(events->fields[i].name, "freq"));
    if (!value->present) continue;
    KrVal number = kr_val_exact(value->ratio);
    number.as.number.exact = value->exact;
    number.as.number.value = value->value;
    if (!value->exact) number.as.number.lost = "the event's payload";
    number.dim = e->schemas[index].dims[i];
    record.as.items.names[n] = events->fields[i].name;
    record.as.items.at[n++] = number;
  }
  record.as.items.n = n;
  if (note) record.as.items.type = KR_TEXT("Note");
  return record;
}

static uint32_t count_params(const KrVal *fn) {
  if (fn->kind != KR_VAL_FN) return 1;
  return fn->as.fn.ast->n - (fn->as.fn.ast->kind == KR_AST_FN ? 2 : 1);
}

static KrVal call_function(KrElab *e, const KrVal *fn, KrVal record, KrVal time, KrSpan span) {
  bool bare = record.kind == KR_VAL_RECORD && record.as.items.n == 1 &&
              kr_text_is(record.as.items.names[0], "value");
  KrArg args[2] = {{.span = span, .val = bare ? record.as.items.at[0] : record, .ready = true},
                   {.span = span, .val = time, .ready = true}};
  time.dim = kr_dim_of(KR_DIM_S, 1);
  args[1].val = time;
  if (!bare && record.kind == KR_VAL_RECORD)
    args[0].val.as.items.time = kr_arena_copy(e->arena, &time, sizeof time);
  return kr_apply(e, fn, (KrArgs){args, count_params(fn) > 1 ? 2 : 1}, span);
}

static bool keeps(KrElab *e, const KrVal *result, KrSpan span, bool *keep) {
  *keep = result->kind == KR_VAL_BOOL && result->as.boolean;
  if (result->kind == KR_VAL_BOOL) return true;
  if (result->kind != KR_VAL_POISON)
    kr_diagnose(e->list, KR_ERROR, span, "write a comparison: `|e| e.vel > 0.5`",
                "a filter wants a bool, this is %s", kr_val_kind_text(result));
  return false;
}

/// Copies an event's length, key and payload into a draft over the growing payload.
static bool copy_draft(KrElab *e, KrPayload *payload, KrDraft *draft, uint32_t index,
                       const KrEventItem *item, KrSpan span) {
  draft->item = *item;
  if (item->action == KR_EVENT_OFF) return true;
  KrVal record = payload_record(e, index, item);
  record.as.items.type = (KrText){NULL, 0};
  if (!kr_draft_payload(e, payload, draft, &record, span)) return false;
  for (uint32_t i = 0; i < e->graph->events[index].n_fields; i++) {
    const KrEventField *field = &e->graph->events[index].fields[i];
    uint32_t at = kr_payload_field(e, payload, field->name, e->schemas[index].dims[i]);
    payload->fields[at].declared = field->declared;
    payload->fields[at].elem = field->elem;
  }
  return true;
}

static KrVal fold_list(KrElab *e, uint32_t index, const KrVal *fn, bool filter, KrSpan span) {
  uint32_t n_items = e->graph->events[index].n_items, n = 0;
  KrDraft *drafts = KR_NEW_ARRAY(e->arena, KrDraft, n_items);
  KrPayload payload = {0};
  kr_count_unrolled(e, n_items, span);
  for (uint32_t i = 0; i < n_items; i++) {
    const KrEventItem *item = &e->graph->events[index].items[i];
    KrDraft *draft = &drafts[n];
    if (item->action == KR_EVENT_OFF) {
      drafts[n++].item = *item;
      continue;
    }
    KrVal result =
        call_function(e, fn, payload_record(e, index, item), kr_val_exact(item->time), span);
    bool keep = true;
    if (result.kind == KR_VAL_POISON || (filter && !keeps(e, &result, span, &keep)))
      return kr_val_poison();
    if (!keep) continue;
    draft->item.time = item->time;
    bool ok = filter ? copy_draft(e, &payload, draft, index, item, span)
                     : kr_draft_payload(e, &payload, draft, &result, span);
    if (!ok) return kr_val_poison();
    n++;
  }
  return kr_events_list(e, &payload, drafts, n, span);
}

static KrVal fold_every(KrElab *e, uint32_t index, const KrVal *fn, bool filter, KrSpan span) {
  KrEvents events = e->graph->events[index];
  const KrEventItem *item = &events.items[0];
  KrVal result =
      call_function(e, fn, payload_record(e, index, item), kr_val_exact(item->time), span);
  KrPayload payload = {0};
  bool keep;
  if (filter) {
    if (!keeps(e, &result, span, &keep)) return kr_val_poison();
    return keep ? kr_events_val(index) : kr_events_list(e, &payload, NULL, 0, span);
  }
  KrDraft draft = {.item.time = item->time};
  if (!kr_draft_payload(e, &payload, &draft, &result, span)) return kr_val_poison();
  events.fields = payload.fields;
  events.n_fields = payload.n;
  events.items = kr_draft_items(e, &payload, &draft, 1);
  events.name = (KrText){NULL, 0};
  return kr_events_val(kr_events_add(e, &events, payload.dims, span));
}

/// CONST nodes for the fields and the time, and the record made of them.
static KrVal make_params(KrElab *e, uint32_t index, KrEvents *function, KrVal *time, KrSpan span) {
  uint32_t n = e->graph->events[index].n_fields;
  KrVal record = kr_val_items(KR_VAL_RECORD, KR_NEW_ARRAY(e->arena, KrVal, n), n);
  record.as.items.names = KR_NEW_ARRAY(e->arena, KrText, n);
  function->param = KR_NEW_ARRAY(e->arena, uint32_t, n + 1);
  function->n_param = n + 1;
  for (uint32_t i = 0; i <= n; i++) {
    KrNode node = {
        .kind = KR_NODE_CONST, .type = KR_TYPE_SCALAR(KR_ELEM_F64), .value.elem = KR_ELEM_F64};
    KrVal param = kr_val_stream(kr_emit_node(e, node, NULL, span), node.type);
    function->param[i] = param.as.ref.node;
    if (i == n) {
      *time = param;
      break;
    }
    param.dim = e->schemas[index].dims[i];
    record.as.items.names[i] = e->graph->events[index].fields[i].name;
    record.as.items.at[i] = param;
  }
  e->n_function_nodes = 0;
  return record;
}

static bool put_result(KrElab *e, KrEvents *function, KrPayload *payload, KrText name,
                       const KrVal *val, KrSpan span) {
  KrVal number = val->kind == KR_VAL_BOOL ? kr_val_exact(kr_ratio_of(val->as.boolean)) : *val;
  uint32_t field = kr_payload_field(e, payload, name, number.dim);
  if (number.kind == KR_VAL_NUMBER && number.as.number.typed) {
    payload->fields[field].declared = true;
    payload->fields[field].elem = number.as.number.elem;
  }
  KrVal stream = kr_to_elem(e, number, KR_ELEM_F64, span);
  if (stream.kind == KR_VAL_POISON) return false;
  function->result[field] = stream.as.ref;
  return true;
}

static bool put_results(KrElab *e, KrEvents *function, KrPayload *payload, const KrVal *result,
                        KrSpan span) {
  bool record = result->kind == KR_VAL_RECORD;
  uint32_t n = record ? result->as.items.n : 1;
  function->result = KR_NEW_ARRAY(e->arena, KrRef, n);
  for (uint32_t i = 0; i < n; i++) {
    KrText name = record ? result->as.items.names[i] : KR_TEXT("value");
    if (!put_result(e, function, payload, name, record ? &result->as.items.at[i] : result, span))
      return false;
    bool note = record && kr_text_is(result->as.items.type, "Note");
    if (note && (kr_text_is(name, "freq") || kr_text_is(name, "vel"))) {
      payload->fields[i].declared = true;
      payload->fields[i].elem = KR_ELEM_F32;
    }
  }
  return true;
}

/// map or filter as nodes evaluated once per event.
static KrVal make_function(KrElab *e, uint32_t index, const KrVal *fn, bool filter, KrSpan span) {
  KrContext saved = e->now;
  e->now.in_function = true;
  e->now.real = KR_ELEM_F64;
  e->now.cond = NULL;
  KrEvents function = {.kind = filter ? KR_EVENTS_FILTER : KR_EVENTS_MAP, .period = KR_RATIO_ZERO};
  KrPayload payload = {0};
  KrVal time, record = make_params(e, index, &function, &time, span);
  KrVal result = call_function(e, fn, record, time, span);
  bool ok = result.kind != KR_VAL_POISON;
  if (ok && filter) {
    function.result = KR_NEW_ARRAY(e->arena, KrRef, 1);
    function.result[0] = kr_to_bool(e, result, "what a filter returns", span);
    ok = function.result[0].node != KR_NONE;
  } else if (ok) {
    ok = put_results(e, &function, &payload, &result, span);
  }
  function.nodes =
      kr_arena_copy(e->arena, e->function_nodes, e->n_function_nodes * sizeof(uint32_t));
  function.n_nodes = e->n_function_nodes;
  e->now = saved;
  if (!ok) return kr_val_poison();
  function.sources = kr_arena_copy(e->arena, &index, sizeof index);
  function.n_sources = 1;
  function.fields = filter ? e->graph->events[index].fields : payload.fields;
  function.n_fields = filter ? e->graph->events[index].n_fields : payload.n;
  return kr_events_val(
      kr_events_add(e, &function, filter ? e->schemas[index].dims : payload.dims, span));
}

/// Whether a function over events may ask for their time.
static bool asks_time(KrElab *e, const KrVal *fn) {
  const KrAst **stack = NULL;
  uint32_t n = 0, cap = 0;
  if (count_params(fn) > 1) return true;
  if (fn->kind != KR_VAL_FN) return false;
  KR_PUSH(e->arena, stack, n, cap, fn->as.fn.ast);
  while (n > 0) {
    const KrAst *ast = stack[--n];
    if (ast->kind == KR_AST_MEMBER && kr_text_is(ast->text, "time")) return true;
    for (uint32_t i = 0; i < ast->n; i++)
      if (ast->at[i] != NULL) KR_PUSH(e->arena, stack, n, cap, ast->at[i]);
  }
  return false;
}

static KrVal map_events(KrElab *e, uint32_t index, const KrVal *fn, bool filter, KrSpan span) {
  const KrEvents *events = &e->graph->events[index];
  if (events->kind == KR_EVENTS_LIST) return fold_list(e, index, fn, filter, span);
  if (events->kind == KR_EVENTS_EVERY && !asks_time(e, fn))
    return fold_every(e, index, fn, filter, span);
  return make_function(e, index, fn, filter, span);
}

static bool shift_time(KrElab *e, KrRatio *time, KrRatio by, KrSpan span) {
  if (kr_ratio_add(*time, by, time) == KR_OK) {
    if (time->num >= 0) return true;
    kr_diagnose(e->list, KR_ERROR, span, "delay by less", "an event would come before time 0");
  } else {
    kr_diagnose(e->list, KR_ERROR, span, "use a time with a smaller denominator",
                "an event's time does not fit an exact fraction");
  }
  return false;
}

static KrVal delay_events(KrElab *e, uint32_t index, KrRatio by, KrSpan span) {
  KrEvents events = e->graph->events[index];
  const KrDim *dims = e->schemas[index].dims;
  events.name = (KrText){NULL, 0};
  if (events.kind != KR_EVENTS_LIST && events.kind != KR_EVENTS_EVERY) {
    if (by.num < 0) {
      kr_diagnose(e->list, KR_ERROR, span, "delay by 0s or more",
                  "events that a signal makes cannot be moved to the past");
      return kr_val_poison();
    }
    KrEvents later = {.kind = KR_EVENTS_DELAY,
                      .period = by,
                      .fields = events.fields,
                      .n_fields = events.n_fields,
                      .sources = kr_arena_copy(e->arena, &index, sizeof index),
                      .n_sources = 1};
    return kr_events_val(kr_events_add(e, &later, dims, span));
  }
  KrEventItem *items = kr_arena_copy(e->arena, events.items, events.n_items * sizeof *items);
  for (uint32_t i = 0; i < events.n_items; i++) {
    if (!shift_time(e, &items[i].time, by, span)) return kr_val_poison();
    KrRatio end = items[i].time;
    if (items[i].has_dur && kr_ratio_add(end, items[i].dur, &end) != KR_OK) end = items[i].time;
    if (events.kind == KR_EVENTS_LIST && kr_ratio_compare(end, e->graph->last_event) > 0)
      e->graph->last_event = end;
  }
  events.items = items;
  return kr_events_val(kr_events_add(e, &events, dims, span));
}

static bool same_fields(const KrEvents *events, const KrPayload *payload) {
  if (events->n_fields != payload->n) return false;
  for (uint32_t i = 0; i < payload->n; i++)
    if (!kr_text_equal(events->fields[i].name, payload->fields[i].name)) return false;
  return true;
}

/// The same events with the fields of `payload`, so that merged streams have one layout.
static uint32_t widen(KrElab *e, uint32_t index, const KrPayload *payload, KrSpan span) {
  KrEvents events = e->graph->events[index];
  if (same_fields(&events, payload)) return index;
  uint32_t n_old = events.n_fields;
  const KrEventField *old = events.fields;
  events.fields = payload->fields;
  events.n_fields = payload->n;
  if (events.kind == KR_EVENTS_LIST || events.kind == KR_EVENTS_EVERY) {
    KrEventItem *items = kr_arena_copy(e->arena, events.items, events.n_items * sizeof *items);
    for (uint32_t i = 0; i < events.n_items; i++) {
      KrEventValue *values = KR_NEW_ARRAY(e->arena, KrEventValue, payload->n);
      for (uint32_t k = 0; k < payload->n; k++)
        for (uint32_t f = 0; f < n_old; f++)
          if (kr_text_equal(old[f].name, payload->fields[k].name)) values[k] = items[i].values[f];
      items[i].values = values;
    }
    events.items = items;
    return kr_events_add(e, &events, payload->dims, span);
  }
  KrContext saved = e->now;
  e->now.in_function = true;
  KrEvents function = {.kind = KR_EVENTS_MAP,
                       .period = KR_RATIO_ZERO,
                       .fields = payload->fields,
                       .n_fields = payload->n,
                       .n_sources = 1};
  KrVal time;
  make_params(e, index, &function, &time, span);
  function.result = KR_NEW_ARRAY(e->arena, KrRef, payload->n);
  KrRef zero = kr_emit_const(e, (KrConst){.elem = KR_ELEM_F64});
  for (uint32_t k = 0; k < payload->n; k++) {
    function.result[k] = zero;
    for (uint32_t f = 0; f < n_old; f++)
      if (kr_text_equal(old[f].name, payload->fields[k].name))
        function.result[k] = (KrRef){function.param[f], 0};
  }
  function.nodes =
      kr_arena_copy(e->arena, e->function_nodes, e->n_function_nodes * sizeof(uint32_t));
  function.n_nodes = e->n_function_nodes;
  function.sources = kr_arena_copy(e->arena, &index, sizeof index);
  e->now = saved;
  return kr_events_add(e, &function, payload->dims, span);
}

static bool join_payload(KrElab *e, KrPayload *payload, uint32_t index, KrSpan span) {
  for (uint32_t i = 0; i < e->graph->events[index].n_fields; i++) {
    const KrEventField *field = &e->graph->events[index].fields[i];
    uint32_t before = payload->n;
    uint32_t at = kr_payload_field(e, payload, field->name, e->schemas[index].dims[i]);
    if (payload->n > before) {
      payload->fields[at].declared = field->declared;
      payload->fields[at].elem = field->elem;
    }
    if (!kr_dim_fits(&payload->dims[at], &e->schemas[index].dims[i])) {
      kr_diagnose(e->list, KR_ERROR, span, "give the field one unit in all streams",
                  "the field `%t` has another unit in each stream", field->name);
      return false;
    }
  }
  return true;
}

static KrVal merge_lists(KrElab *e, const uint32_t *sources, uint32_t n, KrPayload *payload,
                         KrSpan span) {
  uint32_t total = 0, k = 0;
  for (uint32_t i = 0; i < n; i++) {
    kr_count_unrolled(e, e->graph->events[sources[i]].n_items, span);
    total += e->graph->events[sources[i]].n_items;
  }
  KrDraft *drafts = KR_NEW_ARRAY(e->arena, KrDraft, total);
  for (uint32_t i = 0; i < n; i++) {
    const KrEvents *events = &e->graph->events[sources[i]];
    for (uint32_t j = 0; j < events->n_items; j++, k++) {
      drafts[k].item = events->items[j];
      drafts[k].values =
          kr_arena_copy(e->arena, events->items[j].values, payload->n * sizeof(KrEventValue));
      drafts[k].n = payload->n;
    }
  }
  return kr_events_list(e, payload, drafts, total, span);
}

static KrVal merge_events(KrElab *e, KrArgs args, KrSpan span) {
  uint32_t *sources = KR_NEW_ARRAY(e->arena, uint32_t, args.n);
  KrPayload payload = {0};
  bool lists = true;
  for (uint32_t i = 0; i < args.n; i++) {
    const KrVal *val = kr_arg_value(e, &args.at[i]);
    if (val->kind == KR_VAL_POISON) return *val;
    if (val->kind != KR_VAL_EVENTS) {
      kr_diagnose(e->list, KR_ERROR, args.at[i].span, "write `event.merge(a, b)`",
                  "`merge` wants event streams, this is %s", kr_val_kind_text(val));
      return kr_val_poison();
    }
    sources[i] = val->as.events.index;
    lists = lists && e->graph->events[sources[i]].kind == KR_EVENTS_LIST;
    if (!join_payload(e, &payload, sources[i], args.at[i].span)) return kr_val_poison();
  }
  for (uint32_t i = 0; i < args.n; i++) sources[i] = widen(e, sources[i], &payload, span);
  if (lists) return merge_lists(e, sources, args.n, &payload, span);
  KrEvents merged = {.kind = KR_EVENTS_MERGE,
                     .fields = payload.fields,
                     .n_fields = payload.n,
                     .sources = sources,
                     .n_sources = args.n,
                     .period = KR_RATIO_ZERO};
  return kr_events_val(kr_events_add(e, &merged, payload.dims, span));
}

KrVal kr_events_combine(KrElab *e, KrText name, KrArgs args, KrSpan span) {
  if (kr_text_is(name, "merge")) return merge_events(e, args, span);
  const KrVal *first = kr_arg_value(e, &args.at[0]);
  if (first->kind == KR_VAL_POISON) return *first;
  if (first->kind != KR_VAL_EVENTS || args.n != 2) {
    kr_diagnose(e->list, KR_ERROR, span,
                "write `events.map(|e| …)`, `events.filter(|e| …)` or `events.delay(1s)`",
                args.n != 2 ? "`%t` takes an event stream and one more argument"
                            : "`%t` wants an event stream",
                name);
    return kr_val_poison();
  }
  uint32_t index = first->as.events.index;
  if (kr_text_is(name, "delay")) {
    KrRatio by;
    if (!kr_seconds(e, kr_arg_value(e, &args.at[1]), "the delay", args.at[1].span, &by))
      return kr_val_poison();
    return delay_events(e, index, by, span);
  }
  KrVal fn = *kr_arg_value(e, &args.at[1]);
  if (fn.kind == KR_VAL_POISON) return fn;
  return map_events(e, index, &fn, kr_text_is(name, "filter"), span);
}

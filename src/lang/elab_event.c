/// Decides what event streams are: lists with exact times, periodic ones, merged and delayed ones,
/// and how they become signals.
#include "lang/elab_event.h"
#include <string.h>

uint32_t kr_events_add(KrElab *e, KrEvents *events, const KrDim *dims, KrSpan span) {
  events->origin = kr_span_origin(span);
  if (events->name.n == 0) {
    KrText label = e->now.label.n > 0 ? e->now.label : KR_TEXT("events");
    events->name = e->now.flow == NULL
                       ? label
                       : kr_text_from(kr_text_print(e->arena, "%t.%t%t", e->now.flow->name, label,
                                                    e->now.copies));
  }
  uint32_t index = e->graph->n_events;
  KrSchema schema = {kr_arena_copy(e->arena, dims, events->n_fields * sizeof(KrDim))};
  KR_PUSH(e->arena, e->graph->events, e->graph->n_events, e->graph->cap_events, *events);
  KR_PUSH(e->arena, e->schemas, e->n_schemas, e->cap_schemas, schema);
  return index;
}

KrVal kr_events_val(uint32_t index) {
  KrVal val = {.kind = KR_VAL_EVENTS};
  val.as.events.index = index;
  return val;
}

bool kr_seconds(KrElab *e, const KrVal *val, const char *what, KrSpan span, KrRatio *seconds) {
  const KrDim beats = kr_dim_of(KR_DIM_BEAT, 1);
  if (val->kind != KR_VAL_NUMBER || !val->dim.known || !kr_dim_equal(&val->dim, &beats))
    return kr_need_exact(e, val, "s", what, span, seconds);
  if (!kr_need_exact(e, val, NULL, what, span, seconds)) return false;
  if (!e->graph->has_tempo) {
    kr_diagnose(e->list, KR_ERROR, span, "set one: `@tempo=120bpm`", "beats need a tempo");
    return false;
  }
  if (kr_ratio_div(*seconds, e->graph->tempo.segments[0].beats_per_second, seconds) == KR_OK)
    return true;
  kr_diagnose(e->list, KR_ERROR, span, "use a time with a smaller denominator",
              "this time does not fit an exact fraction");
  return false;
}

static uint32_t find_field(const KrPayload *payload, KrText name) {
  for (uint32_t i = 0; i < payload->n; i++)
    if (kr_text_equal(payload->fields[i].name, name)) return i;
  return KR_NONE;
}

uint32_t kr_payload_field(KrElab *e, KrPayload *payload, KrText name, KrDim dim) {
  uint32_t index = find_field(payload, name);
  if (index != KR_NONE) return index;
  KrEventField field = {.name = name, .elem = KR_ELEM_F64};
  KR_PUSH(e->arena, payload->dims, payload->n_dims, payload->cap_dims, dim);
  KR_PUSH(e->arena, payload->fields, payload->n, payload->cap, field);
  return payload->n - 1;
}

/// Note{freq: f32[Hz], vel: f32 = 1}
static void declare_note(KrElab *e, KrPayload *payload) {
  uint32_t freq = kr_payload_field(e, payload, KR_TEXT("freq"), kr_dim_of(KR_DIM_S, -1));
  uint32_t vel = kr_payload_field(e, payload, KR_TEXT("vel"), (KrDim){.known = true});
  payload->fields[freq].declared = payload->fields[vel].declared = true;
  payload->fields[freq].elem = payload->fields[vel].elem = KR_ELEM_F32;
}

static bool payload_number(KrElab *e, const KrVal *val, KrText name, KrSpan span, KrVal *number) {
  int64_t key;
  *number = *val;
  if (val->kind == KR_VAL_BOOL) *number = kr_val_exact(kr_ratio_of(val->as.boolean));
  if (val->kind == KR_VAL_STRING && kr_note_number(val->as.text, &key))
    *number = kr_val_exact(kr_ratio_of(key));
  if (number->kind == KR_VAL_NUMBER) return true;
  if (val->kind != KR_VAL_POISON)
    kr_diagnose(e->list, KR_ERROR, span, "payloads are numbers known at compile time",
                "the payload field `%t` must be a constant number, this is %s", name,
                kr_val_kind_text(val));
  return false;
}

/// A field of one event: its value, its place in the payload and what it says of length and key.
static bool put_value(KrElab *e, KrPayload *payload, KrDraft *draft, KrText name, const KrVal *val,
                      KrSpan span) {
  KrVal number;
  if (!payload_number(e, val, name, span, &number)) return false;
  if (kr_text_is(name, "dur")) {
    draft->item.has_dur = true;
    if (!kr_seconds(e, &number, "`dur`", span, &draft->item.dur)) return false;
    if (draft->item.dur.num < 0) {
      kr_diagnose(e->list, KR_ERROR, span, "a note lasts 0s or longer", "`dur` is negative");
      return false;
    }
    number = kr_val_exact(draft->item.dur);
    number.dim = kr_dim_of(KR_DIM_S, 1);
  } else if (kr_text_is(name, "key")) {
    draft->item.has_key = true;
    if (!kr_need_whole(e, &number, "`key`", span, &draft->item.key)) return false;
  }
  uint32_t index = kr_payload_field(e, payload, name, number.dim);
  if (!kr_dim_fits(&payload->dims[index], &number.dim)) {
    kr_diagnose(e->list, KR_ERROR, span, "give the field one unit in all events",
                "`%t` is in %s here and in %s elsewhere", name, kr_dim_text(e, &number.dim),
                kr_dim_text(e, &payload->dims[index]));
    return false;
  }
  payload->dims[index] = kr_dim_join(payload->dims[index], number.dim);
  if (number.as.number.typed) {
    payload->fields[index].declared = true;
    payload->fields[index].elem = number.as.number.elem;
  }
  if (index >= draft->n) {
    KrEventValue *grown = KR_NEW_ARRAY(e->arena, KrEventValue, index + 4);
    if (draft->n > 0) memcpy(grown, draft->values, draft->n * sizeof *grown);
    draft->values = grown;
    draft->n = index + 4;
  }
  draft->values[index] =
      (KrEventValue){true, number.as.number.exact, number.as.number.ratio, number.as.number.value};
  return true;
}

bool kr_draft_payload(KrElab *e, KrPayload *payload, KrDraft *draft, const KrVal *val,
                      KrSpan span) {
  if (val->kind == KR_VAL_OFF) {
    draft->item.action = KR_EVENT_OFF;
    draft->item.has_key = val->as.number.typed;
    draft->item.key = val->as.number.ratio.num;
    return true;
  }
  if (val->kind == KR_VAL_NONE) return true;
  if (val->kind != KR_VAL_RECORD) return put_value(e, payload, draft, KR_TEXT("value"), val, span);
  bool ok = true, note = kr_text_is(val->as.items.type, "Note");
  if (note) declare_note(e, payload);
  for (uint32_t i = 0; i < val->as.items.n; i++)
    ok = put_value(e, payload, draft, val->as.items.names[i], &val->as.items.at[i], span) && ok;
  if (note && kr_val_field(val, KR_TEXT("vel")) == NULL) {
    KrVal one = kr_val_exact(KR_RATIO_ONE);
    ok = put_value(e, payload, draft, KR_TEXT("vel"), &one, span) && ok;
  }
  if (note && kr_val_field(val, KR_TEXT("freq")) == NULL) {
    kr_diagnose(e->list, KR_ERROR, span, "write `Note{freq: 440Hz}`", "a Note needs its `freq`");
    ok = false;
  }
  return ok;
}

static bool read_item(KrElab *e, KrPayload *payload, KrDraft *draft, const KrVal *item,
                      const KrAst *ast, KrSpan span) {
  const KrVal *time = item;
  KrSpan time_span = span;
  KrVal none = kr_val_none();
  const KrVal *content = &none;
  if (item->kind == KR_VAL_POISON) return false;
  if (item->kind == KR_VAL_TUPLE && item->as.items.n == 2) {
    time = &item->as.items.at[0];
    content = &item->as.items.at[1];
    if (ast != NULL && ast->kind == KR_AST_TUPLE && ast->n == 2) {
      if (ast->at[0] != NULL) time_span = ast->at[0]->span;
      if (ast->at[1] != NULL) span = ast->at[1]->span;
    }
  } else if (item->kind != KR_VAL_NUMBER) {
    kr_diagnose(e->list, KR_ERROR, span, "write `(0.5s, Note{freq: 440Hz})`",
                "an event is `(time, payload)`, this is %s", kr_val_kind_text(item));
    return false;
  }
  if (!kr_seconds(e, time, "an event's time", time_span, &draft->item.time)) return false;
  if (draft->item.time.num < 0) {
    kr_diagnose(e->list, KR_ERROR, time_span, "the program begins at 0s",
                "an event's time is negative");
    return false;
  }
  return kr_draft_payload(e, payload, draft, content, span);
}

/// Stable merge sort by time.
static void sort_drafts(KrDraft *at, KrDraft *scratch, uint32_t n) {
  if (n < 2) return;
  uint32_t half = n / 2, a = 0, b = half;
  sort_drafts(at, scratch, half);
  sort_drafts(at + half, scratch, n - half);
  for (uint32_t i = 0; i < n; i++) {
    bool left = b >= n || (a < half && kr_ratio_compare(at[a].item.time, at[b].item.time) <= 0);
    scratch[i] = left ? at[a++] : at[b++];
  }
  memcpy(at, scratch, n * sizeof *at);
}

static void note_last_event(KrElab *e, const KrEventItem *item) {
  KrRatio end = item->time;
  if (item->has_dur && kr_ratio_add(end, item->dur, &end) != KR_OK) end = item->time;
  if (kr_ratio_compare(end, e->graph->last_event) > 0) e->graph->last_event = end;
}

const KrEventItem *kr_draft_items(KrElab *e, const KrPayload *payload, const KrDraft *at,
                                  uint32_t n) {
  KrEventItem *items = KR_NEW_ARRAY(e->arena, KrEventItem, n);
  KrEventValue *values = KR_NEW_ARRAY(e->arena, KrEventValue, (size_t)n * payload->n);
  for (uint32_t i = 0; i < n; i++) {
    uint32_t have = at[i].n < payload->n ? at[i].n : payload->n;
    items[i] = at[i].item;
    if (have > 0) memcpy(values, at[i].values, have * sizeof *values);
    items[i].values = values;
    values += payload->n;
    if (items[i].dur.den == 0) items[i].dur = KR_RATIO_ZERO;
  }
  return items;
}

KrVal kr_events_list(KrElab *e, KrPayload *payload, KrDraft *at, uint32_t n, KrSpan span) {
  sort_drafts(at, KR_NEW_ARRAY(e->arena, KrDraft, n), n);
  for (uint32_t i = 0; i < n; i++) note_last_event(e, &at[i].item);
  KrEvents events = {.kind = KR_EVENTS_LIST,
                     .fields = payload->fields,
                     .n_fields = payload->n,
                     .items = kr_draft_items(e, payload, at, n),
                     .n_items = n,
                     .period = KR_RATIO_ZERO};
  return kr_events_val(kr_events_add(e, &events, payload->dims, span));
}

static KrVal from_list(KrElab *e, KrArgs args, KrSpan span) {
  KrVal list;
  if (args.n != 1) {
    kr_diagnose(e->list, KR_ERROR, span, "write `event.from_list([(0s, Note{freq: 440Hz})])`",
                "`event.from_list` takes one list of `(time, payload)`");
    return kr_val_poison();
  }
  if (!kr_list_of(e, *kr_arg_value(e, &args.at[0]), args.at[0].span, &list)) return kr_val_poison();
  uint32_t n = list.as.items.n;
  KrDraft *drafts = KR_NEW_ARRAY(e->arena, KrDraft, n);
  KrPayload payload = {0};
  const KrAst *ast = args.at[0].ast;
  bool literal = ast != NULL && ast->kind == KR_AST_LIST && ast->n == n, ok = true, sorted = true;
  for (uint32_t i = 0; i < n; i++) {
    const KrAst *item = literal ? ast->at[i] : NULL;
    KrSpan place = item != NULL ? item->span : args.at[0].span;
    bool good = read_item(e, &payload, &drafts[i], &list.as.items.at[i], item, place);
    ok = ok && good;
    if (good && ok && i > 0 && sorted &&
        kr_ratio_compare(drafts[i].item.time, drafts[i - 1].item.time) < 0) {
      kr_diagnose(e->list, KR_WARNING, span, NULL,
                  "the events are not in order of time; they are sorted");
      sorted = false;
    }
  }
  if (!ok) return kr_val_poison();
  return kr_events_list(e, &payload, drafts, n, span);
}

static KrVal every(KrElab *e, KrArgs args, KrSpan span) {
  static const char *const names[] = {"period", "payload", "phase", NULL};
  KrArg *slots[3];
  if (!kr_bind_args(e, args, names, slots, "event.every", span)) return kr_val_poison();
  if (slots[0] == NULL) {
    kr_diagnose(e->list, KR_ERROR, span, "write `event.every(0.5s)`",
                "`event.every` needs its period");
    return kr_val_poison();
  }
  KrEvents events = {.kind = KR_EVENTS_EVERY, .n_items = 1};
  KrDraft draft = {.item.time = KR_RATIO_ZERO};
  KrPayload payload = {0};
  KrVal content = slots[1] != NULL ? *kr_arg_value(e, slots[1]) : kr_val_none();
  if (!kr_seconds(e, kr_arg_value(e, slots[0]), "the period", slots[0]->span, &events.period))
    return kr_val_poison();
  if (slots[2] != NULL &&
      !kr_seconds(e, kr_arg_value(e, slots[2]), "the phase", slots[2]->span, &draft.item.time))
    return kr_val_poison();
  if (events.period.num <= 0 || draft.item.time.num < 0) {
    kr_diagnose(e->list, KR_ERROR, span, "write `event.every(0.5s, phase=0.1s)`",
                "the period must be greater than 0 and the phase not negative");
    return kr_val_poison();
  }
  if (!kr_draft_payload(e, &payload, &draft, &content, slots[1] != NULL ? slots[1]->span : span))
    return kr_val_poison();
  events.fields = payload.fields;
  events.n_fields = payload.n;
  events.items = kr_draft_items(e, &payload, &draft, 1);
  return kr_events_val(kr_events_add(e, &events, payload.dims, span));
}

static KrVal rising(KrElab *e, KrVal x, KrSpan span) {
  KrType type = KR_TYPE_SCALAR(KR_ELEM_BOOL);
  if (x.kind != KR_VAL_BOOL && !(x.kind == KR_VAL_STREAM && x.type.elem == KR_ELEM_BOOL))
    x = kr_elab_binary(e, KR_TEXT(">"), x, kr_val_exact(KR_RATIO_ZERO), span);
  x = kr_to_elem(e, x, KR_ELEM_BOOL, span);
  if (x.kind == KR_VAL_POISON) return x;
  KrNode node = {.kind = KR_NODE_PREV, .type = type, .n_in = 1, .value = {.elem = KR_ELEM_BOOL}};
  node.in = KR_NEW_ARRAY(e->arena, KrRef, 1);
  node.in[0] = x.as.ref;
  KrRef before = kr_emit_node(e, node, "prev", span);
  KrVal in[2] = {x, kr_val_stream(kr_elab_negation(e, before, span), type)};
  return kr_val_stream(kr_emit_op(e, "and", KR_ELEM_BOOL, type, in, 2, span), type);
}

/// `from_signal(x, {a: 1})` is `from_signal(x, a=1)`.
static KrArgs spread_payload(KrElab *e, KrArgs args) {
  if (args.n != 2) return args;
  const KrVal *record = kr_arg_value(e, &args.at[1]);
  if (record->kind != KR_VAL_RECORD) return args;
  KrArgs out = {KR_NEW_ARRAY(e->arena, KrArg, record->as.items.n + 1), record->as.items.n + 1};
  out.at[0] = args.at[0];
  for (uint32_t i = 1; i < out.n; i++)
    out.at[i] = (KrArg){.name = record->as.items.names[i - 1],
                        .span = args.at[1].span,
                        .val = record->as.items.at[i - 1],
                        .ready = true};
  return out;
}

/// A payload field that is a stream of the emitting flow.
static bool emit_field(KrElab *e, KrPayload *payload, KrArg *arg, KrRef *ref) {
  KrVal val = kr_to_stream(e, *kr_arg_value(e, arg), arg->span);
  if (val.kind == KR_VAL_POISON) return false;
  KrText name = arg->name.n > 0 ? arg->name : KR_TEXT("value");
  if (find_field(payload, name) != KR_NONE) {
    kr_diagnose(e->list, KR_ERROR, arg->span, "give each field once",
                "the payload field `%t` is given twice", name);
    return false;
  }
  if (val.type.shape != KR_SHAPE_SCALAR) {
    kr_diagnose(e->list, KR_ERROR, arg->span, "payloads are numbers",
                "the payload field `%t` must be a number", name);
    return false;
  }
  uint32_t field = kr_payload_field(e, payload, name, val.dim);
  payload->fields[field].elem = val.type.elem;
  *ref = val.as.ref;
  return true;
}

static KrVal from_signal(KrElab *e, KrArgs args, KrSpan span) {
  if (args.n == 0 || args.at[0].name.n > 0 || e->now.flow == NULL) {
    kr_diagnose(e->list, KR_ERROR, span,
                "write it inside a flow: `let hits = event.from_signal(x)`",
                e->now.flow == NULL ? "`event.from_signal` belongs into a flow"
                                    : "`event.from_signal` needs a signal");
    return kr_val_poison();
  }
  KrVal x = *kr_arg_value(e, &args.at[0]);
  if (x.kind == KR_VAL_FOREIGN) x = kr_read_foreign(e, &x, args.at[0].span);
  if (x.kind == KR_VAL_GATE) x = kr_to_stream(e, x, span);
  if (x.kind == KR_VAL_POISON) return x;
  KrVal when = rising(e, x, args.at[0].span);
  if (when.kind == KR_VAL_POISON) return when;
  KrNode node = {.kind = KR_NODE_EMIT, .type = KR_TYPE_SCALAR(KR_ELEM_BOOL)};
  KrPayload payload = {0};
  args = spread_payload(e, args);
  node.n_in = args.n;
  node.in = KR_NEW_ARRAY(e->arena, KrRef, args.n);
  node.in[0] = when.as.ref;
  for (uint32_t i = 1; i < args.n; i++)
    if (!emit_field(e, &payload, &args.at[i], &node.in[i])) return kr_val_poison();
  KrEvents events = {.kind = KR_EVENTS_SIGNAL,
                     .fields = payload.fields,
                     .n_fields = payload.n,
                     .period = KR_RATIO_ZERO};
  node.events = kr_events_add(e, &events, payload.dims, span);
  kr_emit_node(e, node, "from_signal", span);
  return kr_events_val(node.events);
}

static KrRef emit_signal(KrElab *e, uint32_t events, KrSignalMode mode, uint32_t field,
                         KrConst init, bool round_floor, KrSpan span) {
  KrNode node = {.kind = KR_NODE_SIGNAL,
                 .type = KR_TYPE_SCALAR(e->now.real),
                 .events = events,
                 .signal = mode,
                 .field = field,
                 .value = init,
                 .round_floor = round_floor};
  node.n_out = mode == KR_SIGNAL_GATE ? 4 : 1;
  node.value.elem = e->now.real;
  return kr_emit_node(e, node, "to_signal", span);
}

static KrVal signal_of(KrElab *e, uint32_t events, uint32_t mode, bool round_floor, KrSpan span) {
  static const KrSignalMode modes[] = {KR_SIGNAL_IMPULSE, KR_SIGNAL_HOLD, KR_SIGNAL_GATE,
                                       KR_SIGNAL_SINC};
  KrRef ref = emit_signal(e, events, modes[mode], KR_NONE, (KrConst){0}, round_floor, span);
  KrType type = KR_TYPE_SCALAR(e->now.real);
  if (modes[mode] != KR_SIGNAL_GATE) return kr_val_stream(ref, type);
  KrVal gate = {.kind = KR_VAL_GATE, .type = type};
  for (uint32_t i = 0; i < 4; i++) gate.as.gate[i] = (KrRef){ref.node, i};
  return gate;
}

static KrVal to_signal(KrElab *e, KrArgs args, KrSpan span) {
  static const char *const names[] = {"events", "mode", "init", "round", NULL};
  KrArg *slots[4];
  uint32_t mode = 0, rounding = 1;
  if (!kr_bind_args(e, args, names, slots, "to_signal", span)) return kr_val_poison();
  KrVal events = slots[0] != NULL ? *kr_arg_value(e, slots[0]) : kr_val_none();
  if (events.kind == KR_VAL_POISON) return events;
  if (events.kind != KR_VAL_EVENTS || slots[1] == NULL) {
    kr_diagnose(e->list, KR_ERROR, span, "write `notes.to_signal(mode=gate)`",
                events.kind != KR_VAL_EVENTS
                    ? "`to_signal` wants an event stream, this is %s"
                    : "`to_signal` needs its mode: impulse, hold, gate or sinc",
                kr_val_kind_text(&events));
    return kr_val_poison();
  }
  if (!kr_arg_word(e, slots[1], "impulse|hold|gate|sinc", "`mode` of `to_signal`", &mode))
    return kr_val_poison();
  if (slots[3] != NULL &&
      !kr_arg_word(e, slots[3], "floor|exact", "`round` of `to_signal`", &rounding))
    return kr_val_poison();
  if (e->now.flow == NULL || e->now.in_function) {
    kr_diagnose(e->list, KR_ERROR, span, "put it into a flow, which gives it a rate",
                "`to_signal` makes a stream, which has no rate here");
    return kr_val_poison();
  }
  if (mode != KR_SIGNAL_HOLD)
    return signal_of(e, events.as.events.index, mode, rounding == 0, span);
  KrVal hold = events;
  hold.kind = KR_VAL_HOLD;
  hold.as.events.round_floor = rounding == 0;
  hold.as.events.init = NULL;
  if (slots[2] != NULL) {
    KrVal *init = KR_NEW(e->arena, KrVal);
    *init = *kr_arg_value(e, slots[2]);
    hold.as.events.init = init;
  }
  return hold;
}

static const char *list_fields(KrElab *e, const KrEvents *events) {
  KrBuffer text;
  kr_buffer_init(&text, e->arena);
  kr_buffer_print(&text, events->n_fields == 0 ? "its events carry nothing" : "its fields are");
  for (uint32_t i = 0; i < events->n_fields; i++)
    kr_buffer_print(&text, "%s %t", i > 0 ? "," : "", events->fields[i].name);
  return text.at;
}

static bool initial_of(KrElab *e, const KrVal *hold, KrText field, KrSpan span, KrConst *init) {
  *init = (KrConst){.elem = e->now.real};
  const KrVal *val = hold->as.events.init;
  if (val != NULL && val->kind == KR_VAL_RECORD) val = kr_val_field(val, field);
  if (val == NULL) return true;
  if (val->kind == KR_VAL_NUMBER)
    return kr_number_const(e, &val->as.number, e->now.real, span, init);
  if (val->kind != KR_VAL_POISON)
    kr_diagnose(e->list, KR_ERROR, span, "write `init=440Hz` or `init={freq: 440Hz}`",
                "`init` must be a constant number or record, this is %s", kr_val_kind_text(val));
  return false;
}

static KrVal offset_of(KrElab *e, uint32_t events, bool round_floor, KrSpan span) {
  KrRef ref = emit_signal(e, events, KR_SIGNAL_OFFSET, KR_NONE, (KrConst){0}, round_floor, span);
  return kr_val_stream(ref, KR_TYPE_SCALAR(e->now.real));
}

static uint32_t field_index(const KrEvents *events, KrText name) {
  for (uint32_t i = 0; i < events->n_fields; i++)
    if (kr_text_equal(events->fields[i].name, name)) return i;
  return KR_NONE;
}

KrVal kr_hold_read(KrElab *e, const KrVal *hold, KrText field, KrSpan span) {
  uint32_t index = hold->as.events.index, found;
  const KrEvents *events = &e->graph->events[index];
  if (field.n == 0 && events->n_fields == 1) field = events->fields[0].name;
  found = field_index(events, field);
  if (found == KR_NONE) {
    KrText other = kr_note_field(field);
    found = field_index(events, other);
    if (found != KR_NONE) field = other;
  }
  if (found == KR_NONE && kr_text_is(field, "offset"))
    return offset_of(e, index, hold->as.events.round_floor, span);
  if (found == KR_NONE) {
    kr_diagnose(e->list, KR_ERROR, span, list_fields(e, events),
                field.n == 0 ? "name the payload field to hold" : "the events have no field `%t`",
                field);
    return kr_val_poison();
  }
  KrConst init;
  if (!initial_of(e, hold, field, span, &init)) return kr_val_poison();
  KrRef ref = emit_signal(e, index, KR_SIGNAL_HOLD, found, init, hold->as.events.round_floor, span);
  KrVal val = kr_val_stream(ref, KR_TYPE_SCALAR(e->now.real));
  val.dim = e->schemas[index].dims[found];
  return val;
}

KrVal kr_events_member(KrElab *e, const KrVal *events, KrText name, KrSpan span) {
  const KrEvents *stream = &e->graph->events[events->as.events.index];
  if (kr_text_is(name, "offset") && e->now.flow != NULL)
    return offset_of(e, events->as.events.index, false, span);
  kr_diagnose(
      e->list, KR_ERROR, span,
      kr_text_print(e->arena, "write `.to_signal(mode=hold).%t`; %s", name, list_fields(e, stream)),
      "an event stream has no field `%t`", name);
  return kr_val_poison();
}

static KrVal off(KrElab *e, KrArgs args, KrSpan span) {
  KrVal val = {.kind = KR_VAL_OFF};
  val.as.number.ratio = KR_RATIO_ZERO;
  if (args.n > 1) {
    kr_diagnose(e->list, KR_ERROR, span, "write `off(60)`", "`off` takes one key");
    return kr_val_poison();
  }
  if (args.n == 0) return val;
  KrVal key = *kr_arg_value(e, &args.at[0]);
  int64_t whole, note;
  if (key.kind == KR_VAL_STRING && kr_note_number(key.as.text, &note))
    key = kr_val_exact(kr_ratio_of(note));
  if (!kr_need_whole(e, &key, "the key", args.at[0].span, &whole)) return kr_val_poison();
  val.as.number.typed = true; // has a key
  val.as.number.ratio = kr_ratio_of(whole);
  return val;
}

static KrVal random_source(KrElab *e, KrArgs args, KrSpan span) {
  KrVal seed = args.n > 0 ? *kr_arg_value(e, &args.at[0]) : kr_val_exact(KR_RATIO_ZERO);
  int64_t whole;
  if (!kr_need_whole(e, &seed, "the seed", span, &whole)) return kr_val_poison();
  KrVal val = {.kind = KR_VAL_RANDOM};
  val.as.number.ratio = kr_ratio_of(whole);
  return val;
}

static bool wants_events(KrText name) {
  static const char *const names[] = {"map", "filter", "merge", "delay", "to_signal"};
  for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (kr_text_is(name, names[i])) return true;
  return false;
}

static KrVal load(KrElab *e, const char *format, KrArgs args, KrSpan span) {
  const KrVal *path = args.n == 1 ? kr_arg_value(e, &args.at[0]) : NULL;
  if (path != NULL && path->kind == KR_VAL_POISON) return *path;
  if (path == NULL || path->kind != KR_VAL_STRING) {
    kr_diagnose(e->list, KR_ERROR, span, "write `event.from_midi(\"tune.mid\")`",
                "`event.from_%s` takes the name of a file as a string", format);
    return kr_val_poison();
  }
  return kr_load_events(e, kr_text_from(format), path->as.text, args.at[0].span);
}

bool kr_call_event(KrElab *e, KrText name, KrArgs args, KrSpan span, KrVal *result) {
  const KrText prefix = KR_TEXT("event.");
  bool named = name.n > prefix.n && memcmp(name.at, prefix.at, prefix.n) == 0;
  KrText rest = named ? (KrText){name.at + prefix.n, name.n - prefix.n} : name;
  if (!named && kr_text_is(name, "off"))
    *result = off(e, args, span);
  else if (!named && kr_text_is(name, "random"))
    *result = random_source(e, args, span);
  else if (named && kr_text_is(rest, "from_list"))
    *result = from_list(e, args, span);
  else if (named && kr_text_is(rest, "every"))
    *result = every(e, args, span);
  else if (kr_text_is(rest, "from_signal"))
    *result = from_signal(e, args, span);
  else if (named && kr_text_is(rest, "from_midi"))
    *result = load(e, "midi", args, span);
  else if (named && kr_text_is(rest, "from_csv"))
    *result = load(e, "csv", args, span);
  else if (wants_events(rest) && args.n > 0 &&
           (named || kr_arg_value(e, &args.at[0])->kind == KR_VAL_EVENTS))
    *result = kr_text_is(rest, "to_signal") ? to_signal(e, args, span)
                                            : kr_events_combine(e, rest, args, span);
  else if (kr_text_is(rest, "to_signal"))
    *result = to_signal(e, args, span);
  else
    return false;
  return true;
}

/// Decides which outputs and names a flow shows, of which kind, and in which columns.
#include "lang/elab_core.h"

/// Refs and column names being gathered.
typedef struct Columns {
  KrRef *refs;
  uint32_t n, cap;
  KrText *names;
  uint32_t n_names, cap_names;
  bool named, boolean, block;
  bool failed; ///< a mistake was reported
} Columns;

static void add_column(KrElab *e, Columns *columns, KrRef ref, KrText name) {
  KR_PUSH(e->arena, columns->refs, columns->n, columns->cap, ref);
  KR_PUSH(e->arena, columns->names, columns->n_names, columns->cap_names, name);
}

/// False when the value cannot be shown.
static bool gather(KrElab *e, Columns *columns, const KrVal *val, KrText name, bool audio,
                   KrSpan span) {
  if (val->kind == KR_VAL_TUPLE || val->kind == KR_VAL_LIST || val->kind == KR_VAL_RECORD) {
    for (uint32_t i = 0; i < val->as.items.n; i++) {
      KrText own = val->kind == KR_VAL_RECORD ? val->as.items.names[i]
                                              : kr_text_from(kr_text_print(e->arena, "%u", i));
      if (name.n > 0) own = kr_text_from(kr_text_print(e->arena, "%t.%t", name, own));
      if (val->kind == KR_VAL_RECORD) columns->named = true;
      if (!gather(e, columns, &val->as.items.at[i], own, audio, span)) return false;
    }
    return true;
  }
  bool stream = val->kind == KR_VAL_STREAM || val->kind == KR_VAL_GATE || kr_val_is_constant(val);
  if (val->kind == KR_VAL_POISON) columns->failed = true;
  if (!stream) return false;
  KrVal out = kr_to_stream(e, *val, span);
  columns->failed = columns->failed || out.kind == KR_VAL_POISON;
  if (out.kind == KR_VAL_POISON) return false;
  bool scalar = out.type.shape == KR_SHAPE_SCALAR;
  columns->block = columns->block || !scalar;
  columns->boolean = columns->boolean || (scalar && out.type.elem == KR_ELEM_BOOL);
  if (audio && scalar && out.type.elem != KR_ELEM_BOOL) out = kr_to_elem(e, out, e->now.real, span);
  if (out.kind == KR_VAL_POISON) {
    columns->failed = true;
    return false;
  }
  add_column(e, columns, out.as.ref, name);
  return true;
}

static bool is_image(const KrVal *val) {
  return val->kind == KR_VAL_STREAM && val->type.shape == KR_SHAPE_IMAGE;
}

static void publish_output(KrElab *e, KrFlowInfo *flow, const KrFlowOutput *from) {
  const KrFlow *info = &e->graph->flows[flow->index];
  KrOutput output = {.flow = flow->index,
                     .label = from->label,
                     .kind = KR_OUTPUT_NUMBERS,
                     .origin = kr_span_origin(from->span)};
  if (from->val.kind == KR_VAL_POISON) return;
  if (from->val.kind == KR_VAL_EVENTS) {
    output.kind = KR_OUTPUT_EVENTS;
    output.events = from->val.as.events.index;
    KR_PUSH(e->arena, e->graph->outputs, e->graph->n_outputs, e->graph->cap_outputs, output);
    return;
  }
  bool whole = info->clock.dt.num == 1, audio = info->cls == KR_CLASS_AUDIO;
  Columns columns = {0};
  if (!gather(e, &columns, &from->val, (KrText){NULL, 0}, audio && from->val.kind != KR_VAL_RECORD,
              from->value_span) ||
      columns.n == 0) {
    if (!columns.failed)
      kr_diagnose(e->list, KR_ERROR, from->value_span,
                  "an output is a number, a tuple, a record, a picture or events",
                  "%s cannot be an output", kr_val_kind_text(&from->val));
    return;
  }
  if (is_image(&from->val))
    output.kind = KR_OUTPUT_PICTURES;
  else if (audio && whole && !columns.named && !columns.boolean && !columns.block)
    output.kind = KR_OUTPUT_AUDIO;
  if (audio && !whole && output.kind == KR_OUTPUT_NUMBERS && !columns.named)
    kr_diagnose(e->list, KR_WARNING, from->span, "choose a whole number of Hz",
                "sound at a rate that is no whole number of Hz is written as numbers");
  output.refs = columns.refs;
  output.n_refs = columns.n;
  output.columns = output.kind == KR_OUTPUT_NUMBERS ? columns.names : NULL;
  KR_PUSH(e->arena, e->graph->outputs, e->graph->n_outputs, e->graph->cap_outputs, output);
}

static void publish_name(KrElab *e, KrFlowInfo *flow, KrText name, const KrVal *val, KrSpan span) {
  Columns columns = {0};
  if (val->kind == KR_VAL_POISON || val->kind == KR_VAL_EVENTS) return;
  if (!gather(e, &columns, val, (KrText){NULL, 0}, false, span) || columns.n == 0) return;
  KrName entry = {flow->index, name, columns.refs, columns.names, columns.n};
  KR_PUSH(e->arena, e->graph->names, e->graph->n_names, e->graph->cap_names, entry);
}

void kr_flow_publish(KrElab *e, KrFlowInfo *flow) {
  if (flow->failed || flow->scope == NULL) return;
  KrContext saved = e->now;
  e->now =
      (KrContext){.flow = flow, .scope = flow->scope, .real = e->graph->flows[flow->index].real};
  for (uint32_t i = 0; i < flow->n_outputs; i++) publish_output(e, flow, &flow->outputs[i]);
  for (uint32_t i = 0; i < flow->n_outputs; i++)
    publish_name(e, flow, i == 0 ? flow->name : flow->outputs[i].label, &flow->outputs[i].val,
                 flow->outputs[i].value_span);
  if (flow->n_outputs > 0 && flow->outputs[0].label.n > 0)
    publish_name(e, flow, flow->outputs[0].label, &flow->outputs[0].val,
                 flow->outputs[0].value_span);
  for (uint32_t i = 0; i < flow->scope->n; i++) {
    const KrBinding *binding = flow->scope->items[i];
    if (!binding->is_state && binding->state == KR_BIND_READY)
      publish_name(e, flow, binding->name, &binding->val, binding->span);
  }
  e->now = saved;
}

/// Decides what program inputs are: a number, a sound at its own rate read at the class's rate,
/// events.
#include "base/number.h"
#include "lang/elab_program.h"
#include <string.h>

static const char *find_source(const KrElab *e, KrText name) {
  for (uint32_t i = e->options->n_inputs; i-- > 0;)
    if (kr_text_is(name, e->options->inputs[i].name)) return e->options->inputs[i].value;
  return NULL;
}

static bool has_prefix(const char *text, const char *prefix) {
  return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool has_suffix(const char *text, const char *suffix) {
  size_t n = strlen(text), m = strlen(suffix);
  return n >= m && strcmp(text + n - m, suffix) == 0;
}

static KrVal open_events(KrElab *e, const KrBinding *binding, const char *source) {
  KrSpan span = binding->span;
  if (source == NULL) {
    KrEvents none = {
        .kind = KR_EVENTS_SIGNAL, .is_input = true, .name = binding->name, .period = KR_RATIO_ZERO};
    KrEventField fields[2] = {{KR_TEXT("freq"), true, KR_ELEM_F32},
                              {KR_TEXT("vel"), true, KR_ELEM_F32}};
    KrDim dims[2] = {kr_dim_of(KR_DIM_S, -1), {.known = true}};
    none.fields = kr_arena_copy(e->arena, fields, sizeof fields);
    none.n_fields = 2;
    none.origin = kr_span_origin(span);
    KrVal val = {.kind = KR_VAL_EVENTS};
    KrSchema schema = {kr_arena_copy(e->arena, dims, sizeof dims)};
    val.as.events.index = e->graph->n_events;
    KR_PUSH(e->arena, e->graph->events, e->graph->n_events, e->graph->cap_events, none);
    KR_PUSH(e->arena, e->schemas, e->n_schemas, e->cap_schemas, schema);
    return val;
  }
  bool midi =
      has_prefix(source, "midi:") || has_suffix(source, ".mid") || has_suffix(source, ".midi");
  const char *path = has_prefix(source, "midi:")  ? source + 5
                     : has_prefix(source, "csv:") ? source + 4
                                                  : source;
  return kr_load_events(e, kr_text_from(midi ? "midi" : "csv"), kr_text_from(path), span);
}

static KrFlowInfo *add_flow(KrElab *e, const KrBinding *binding, const char *suffix,
                            KrRateClass cls, KrRatio dt, bool is_input) {
  KrFlowInfo *info = KR_NEW(e->arena, KrFlowInfo);
  info->name = kr_text_from(kr_text_print(e->arena, "%t%s", binding->name, suffix));
  info->span = binding->span;
  info->state = KR_FLOW_DONE;
  info->headed = true;
  info->outer = info->scope = kr_scope_new(e, e->top);
  info->index = e->graph->n_flows;
  KrFlow flow = {.name = info->name,
                 .cls = cls,
                 .clock = {dt, KR_RATIO_ZERO},
                 .substeps = 1,
                 .n_steps = -1,
                 .real = cls == KR_CLASS_AUDIO ? KR_ELEM_F32 : KR_ELEM_F64,
                 .is_input = is_input,
                 .origin = kr_span_origin(binding->span)};
  KR_PUSH(e->arena, e->graph->flows, e->graph->n_flows, e->graph->cap_flows, flow);
  return info;
}

static KrRateClass class_of(const KrAst *type) {
  KrRateClass cls = KR_CLASS_AUDIO;
  for (uint32_t i = 1; type != NULL && i < type->n; i++)
    if (type->at[i] != NULL && kr_class_find(type->at[i]->text, &cls)) return cls;
  return KR_CLASS_AUDIO;
}

/// @rate=audio|…|file
static bool read_rate(KrElab *e, const KrAst *ast, KrRateClass *cls, bool *own) {
  for (uint32_t i = 2; i < ast->n; i++) {
    const KrAst *attribute = ast->at[i];
    if (attribute == NULL || attribute->n == 0 || attribute->at[0] == NULL) continue;
    KrArg arg = {.ast = attribute->at[0], .span = attribute->span};
    uint32_t choice;
    if (!kr_text_is(attribute->text, "rate")) {
      kr_diagnose(e->list, KR_ERROR, attribute->span, "an input has @rate",
                  "an input has no attribute `@%t`", attribute->text);
      return false;
    }
    if (!kr_arg_word(e, &arg, "audio|control|visual|sim|file", "`@rate` of an input", &choice))
      return false;
    *own = choice == 4;
    if (choice < 4) *cls = (KrRateClass)choice;
  }
  return true;
}

static KrVal as_foreign(KrElab *e, KrFlowInfo *flow, KrText name, const KrVal *at, uint32_t n) {
  KrVal *inner = KR_NEW(e->arena, KrVal);
  *inner =
      n == 1 ? at[0] : kr_val_items(KR_VAL_TUPLE, kr_arena_copy(e->arena, at, n * sizeof *at), n);
  KrVal val = {.kind = KR_VAL_FOREIGN};
  val.as.foreign.flow = flow;
  val.as.foreign.inner = inner;
  val.as.foreign.name = name;
  return val;
}

/// One node per channel; port k of the input is channel k.
static KrVal *emit_channels(KrElab *e, KrFlowInfo *flow, uint32_t input, uint32_t n) {
  KrContext saved = e->now;
  KrElem real = e->graph->flows[flow->index].real;
  e->now = (KrContext){.flow = flow, .scope = flow->scope, .real = real};
  KrVal *channels = KR_NEW_ARRAY(e->arena, KrVal, n);
  KrNode node = {.kind = KR_NODE_INPUT, .type = KR_TYPE_SCALAR(real), .input = input, .n_out = n};
  KrRef ref = kr_emit_node(e, node, "input", flow->span);
  for (uint32_t i = 0; i < n; i++) channels[i] = kr_val_stream((KrRef){ref.node, i}, node.type);
  e->now = saved;
  return channels;
}

/// The file's flow read at the class's rate by sinc.
static KrVal convert_rate(KrElab *e, KrBinding *binding, KrFlowInfo *file, KrRateClass cls,
                          KrRatio dt, KrVal *channels, uint32_t n) {
  KrFlowInfo *flow = add_flow(e, binding, "", cls, dt, false);
  KrContext saved = e->now;
  KrElem real = e->graph->flows[flow->index].real;
  (void)file;
  e->now = (KrContext){.flow = flow, .scope = flow->scope, .real = real};
  for (uint32_t i = 0; i < n; i++) {
    KrNode node = {.kind = KR_NODE_CROSS,
                   .type = KR_TYPE_SCALAR(real),
                   .source = channels[i].as.ref,
                   .mode = KR_MODE_SINC};
    channels[i] = kr_val_stream(kr_emit_node(e, node, "resample", binding->span), node.type);
  }
  e->now = saved;
  return as_foreign(e, flow, binding->name, channels, n);
}

/// A number with or without unit; names of files do not look like that.
static bool is_number(const char *source) {
  size_t n = strspn(source, "+-.0123456789eE"), m = n;
  while ((source[m] >= 'a' && source[m] <= 'z') || (source[m] >= 'A' && source[m] <= 'Z')) m++;
  bool exact;
  int64_t num, den;
  double value;
  while (n > 0 && !kr_number_parse((KrText){source, n}, &exact, &num, &den, &value)) n--;
  return n > 0 && source[m] == '\0';
}

/// The number a stream is bound to: on the command line, else in the program. NULL: none.
static const KrAst *find_number(KrElab *e, const KrBinding *binding, const char *source) {
  const KrAst *preset = binding->ast->n > 1 ? binding->ast->at[1] : NULL;
  if (source == NULL) return preset;
  if (!is_number(source)) return NULL;
  return kr_elab_parse(e, kr_text_print(e->arena, "--input %t", binding->name), source);
}

/// A constant at the class's rate.
static KrVal hold_number(KrElab *e, KrBinding *binding, KrRateClass cls, const KrAst *ast) {
  KrVal val = kr_elab_value(e, ast);
  if (val.kind == KR_VAL_POISON) return val;
  if (val.kind != KR_VAL_NUMBER) {
    kr_diagnose(e->list, KR_ERROR, ast->span, "write a number or the name of a file as a string",
                "the input `%t` cannot be %s", binding->name, kr_val_kind_text(&val));
    return kr_val_poison();
  }
  KrRatio rate = kr_class_rate(e, cls);
  if (rate.num <= 0) rate = kr_ratio_of(100);
  KrFlowInfo *flow = add_flow(e, binding, "", cls, (KrRatio){rate.den, rate.num}, false);
  KrContext saved = e->now;
  KrElem real = e->graph->flows[flow->index].real;
  e->now = (KrContext){.flow = flow, .scope = flow->scope, .real = real};
  val = kr_to_elem(e, val, real, ast->span);
  e->now = saved;
  return as_foreign(e, flow, binding->name, &val, 1);
}

static KrVal open_stream(KrElab *e, KrBinding *binding, const char *source) {
  const KrAst *ast = binding->ast;
  KrRateClass cls = class_of(ast->at[0]);
  bool own = false;
  const KrAssetAudio *audio = NULL;
  if (!read_rate(e, ast, &cls, &own)) return kr_val_poison();
  const KrAst *number = find_number(e, binding, source);
  if (number != NULL) return hold_number(e, binding, cls, number);
  if (source != NULL) {
    audio = kr_load_audio(e, kr_text_from(source), binding->span);
    if (audio == NULL) return kr_val_poison();
  } else {
    kr_diagnose(e->list, KR_WARNING, binding->span,
                kr_text_print(e->arena, "give it: `--input %t=FILE`", binding->name),
                "the input `%t` is not bound: silence", binding->name);
  }
  KrRatio rate = kr_class_rate(e, cls);
  if (audio != NULL && own) rate = kr_ratio_of(audio->rate_hz);
  bool convert = audio != NULL && (rate.den != 1 || rate.num != audio->rate_hz);
  if (rate.num <= 0) rate = kr_ratio_of(100);
  KrRatio dt = {rate.den, rate.num}, file_dt = dt;
  if (convert) file_dt = (KrRatio){1, audio->rate_hz};
  KrFlowInfo *flow = add_flow(e, binding, convert ? ".file" : "", cls, file_dt, true);
  KrInput input = {.name = binding->name,
                   .kind = KR_INPUT_STREAM,
                   .type = KR_TYPE_SCALAR(e->graph->flows[flow->index].real),
                   .n_channels = audio != NULL ? audio->n_channels : 1,
                   .flow = flow->index,
                   .audio = audio,
                   .n_frames = audio != NULL ? (uint32_t)audio->n_frames : 0,
                   .origin = kr_span_origin(binding->span)};
  uint32_t index = e->graph->n_inputs;
  KR_PUSH(e->arena, e->graph->inputs, e->graph->n_inputs, e->graph->cap_inputs, input);
  KrVal *channels = emit_channels(e, flow, index, input.n_channels);
  if (convert) return convert_rate(e, binding, flow, cls, dt, channels, input.n_channels);
  return as_foreign(e, flow, binding->name, channels, input.n_channels);
}

static KrVal open_number(KrElab *e, KrBinding *binding, const KrSpec *spec, const char *source) {
  const KrAst *value = binding->ast->n > 1 ? binding->ast->at[1] : NULL;
  KrElem elem = spec->kind == KR_SPEC_SCALAR ? spec->elem : KR_ELEM_F64;
  if (source != NULL)
    value = kr_elab_parse(e, kr_text_print(e->arena, "--input %t", binding->name), source);
  KrVal val = value != NULL          ? kr_elab_value(e, value)
              : elem == KR_ELEM_BOOL ? kr_val_bool(false)
                                     : kr_val_exact(KR_RATIO_ZERO);
  if (source != NULL && value == NULL) return kr_val_poison();
  if (val.kind == KR_VAL_POISON) return val;
  if (!kr_dim_fits(&val.dim, &spec->dim)) {
    kr_diagnose(e->list, KR_ERROR, value->span, "give it in the declared unit",
                "the input `%t` is in %s, this is in %s", binding->name, kr_dim_text(e, &spec->dim),
                kr_dim_text(e, &val.dim));
    return kr_val_poison();
  }
  KrInput input = {.name = binding->name,
                   .kind = KR_INPUT_VALUE,
                   .type = KR_TYPE_SCALAR(elem),
                   .n_channels = 1,
                   .flow = KR_NONE,
                   .value.elem = elem,
                   .origin = kr_span_origin(binding->span)};
  bool ok = val.kind == KR_VAL_BOOL ? elem == KR_ELEM_BOOL
                                    : val.kind == KR_VAL_NUMBER && elem != KR_ELEM_BOOL;
  if (val.kind == KR_VAL_BOOL) input.value.as.b = val.as.boolean;
  if (ok && val.kind == KR_VAL_NUMBER)
    ok = kr_number_const(e, &val.as.number, elem, binding->span, &input.value);
  if (!ok) {
    kr_diagnose(e->list, KR_ERROR, value != NULL ? value->span : binding->span,
                "bind it to one number: `--input name=0.5`", "the input `%t` is a constant %s",
                binding->name, kr_elem_text(elem));
    return kr_val_poison();
  }
  binding->is_input = true;
  binding->var = e->graph->n_inputs;
  binding->val.dim = spec->dim;
  KR_PUSH(e->arena, e->graph->inputs, e->graph->n_inputs, e->graph->cap_inputs, input);
  return kr_val_none();
}

void kr_input_open(KrElab *e, KrBinding *binding) {
  const KrAst *type = binding->ast->at[0];
  const KrAst *preset = binding->ast->n > 1 ? binding->ast->at[1] : NULL;
  const char *source = find_source(e, binding->name);
  if (source == NULL && preset != NULL && preset->kind == KR_AST_STRING)
    source = kr_text_string(e->arena, preset->text);
  KrSpec spec;
  bool stream = type != NULL && type->kind == KR_AST_TYPE &&
                (kr_text_is(type->text, "Stream") || kr_text_is(type->text, "Audio"));
  KrVal val = kr_val_poison();
  if (stream)
    val = open_stream(e, binding, source);
  else if (kr_spec_read(e, type, &spec) && spec.kind == KR_SPEC_EVENTS)
    val = open_events(e, binding, source);
  else if (spec.kind == KR_SPEC_SCALAR || spec.kind == KR_SPEC_ANY)
    val = open_number(e, binding, &spec, source);
  else
    kr_diagnose(e->list, KR_ERROR, binding->span, "write for example `input knob: f64 = 0.5`",
                "an input is a number, a Stream or an Evt");
  if (!binding->is_input) binding->val = val;
  binding->state = KR_BIND_READY;
}

KrVal kr_input_value(KrElab *e, KrBinding *binding) {
  kr_input_open(e, binding);
  return binding->val;
}

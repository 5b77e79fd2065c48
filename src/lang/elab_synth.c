/// Decides what `play` means: a synth's body becomes the nodes of one voice, its parameters what
/// the notes, the call or the defaults say.
#include "lang/elab_core.h"
#include <string.h>

enum { MAX_CHANNELS = 64 };

// ---- what a body reads of its flow

static bool belongs_to_flow(const KrElab *e, const KrNode *node) {
  switch (node->kind) {
  case KR_NODE_READ:
  case KR_NODE_CROSS:
  case KR_NODE_WINDOW:
  case KR_NODE_HISTORY:
    return node->type.shape == KR_SHAPE_SCALAR &&
           ((node->source.node & KR_FORWARD) != 0 ||
            e->graph->nodes[node->source.node].flow != e->now.flow->index);
  case KR_NODE_STATE_READ:
  case KR_NODE_TIME:
  case KR_NODE_STEP:
  case KR_NODE_INPUT: return true;
  default: return false;
  }
}

static KrRef emit_voice(KrElab *e, KrNode node, KrElem elem) {
  node.kind = KR_NODE_VOICE;
  node.type = KR_TYPE_SCALAR(elem);
  node.voices = e->now.flow->body->voices;
  if (node.value.elem != elem) node.value = (KrConst){.elem = elem};
  return kr_emit_node(e, node, "voice", e->now.flow->span);
}

// A stream of the flow that plays, the same in every voice.
static KrRef share(KrElab *e, KrRef ref, KrElem elem) {
  KrBody *body = e->now.flow->body;
  KrNode node = {.voice = KR_VOICE_STREAM};
  while (node.input < body->n_in &&
         (body->in[node.input].node != ref.node || body->in[node.input].port != ref.port))
    node.input++;
  if (node.input == body->n_in) KR_PUSH(e->arena, body->in, body->n_in, body->cap_in, ref);
  return emit_voice(e, node, elem);
}

static bool report_foreign(KrElab *e, const KrNode *node, KrSpan span) {
  const char *what = node->kind == KR_NODE_SIGNAL        ? "`to_signal`"
                     : node->kind == KR_NODE_EMIT        ? "`from_signal`"
                     : node->kind == KR_NODE_STATE_WRITE ? "an assignment to a state"
                                                         : NULL;
  if (what == NULL) return false;
  kr_diagnose(e->list, KR_ERROR, span, "do it in the flow, and give `play` the result",
              "%s does not belong into a synth", what);
  return true;
}

bool kr_body_hoists(KrElab *e, const KrNode *node, const char *name, KrSpan span, KrRef *ref) {
  KrBody *body = e->now.flow == NULL || e->now.in_function ? NULL : e->now.flow->body;
  if (body == NULL) return false;
  *ref = (KrRef){KR_NONE, 0};
  report_foreign(e, node, span);
  if (!belongs_to_flow(e, node)) return false;
  KrContext saved = e->now;
  e->now = *body->host;
  *ref = kr_emit_node(e, *node, name, span);
  e->now = saved;
  *ref = share(e, *ref, node->type.elem);
  return true;
}

// ---- parameters

/// One `play`.
typedef struct Play {
  const KrAst *synth; ///< with the parameters of its chain
  const KrVal *chain; ///< the synth its output goes through, NULL
  KrScope *outer;     ///< of the synth
  uint32_t events;    ///< what is played
  KrArg **args;       ///< per child of the synth's tree: its argument, NULL
  bool *used;         ///< per payload field
  KrSpan span;
} Play;

static bool is_param(const KrAst *ast) { return ast != NULL && ast->kind == KR_AST_PARAM; }

static const KrAst *attribute_of(const KrAst *synth, const char *name) {
  for (uint32_t i = 1; i < synth->n; i++)
    if (synth->at[i] != NULL && synth->at[i]->kind == KR_AST_ATTRIBUTE &&
        kr_text_is(synth->at[i]->text, name))
      return synth->at[i];
  return NULL;
}

// `@alias(a=attack)`: `a` is another name of `attack`. The nth of all, NULL: there is none.
static const KrAst *nth_alias(const KrAst *synth, uint32_t n) {
  for (uint32_t i = 1; i < synth->n; i++) {
    const KrAst *attribute = synth->at[i];
    if (attribute == NULL || attribute->kind != KR_AST_ATTRIBUTE ||
        !kr_text_is(attribute->text, "alias"))
      continue;
    for (uint32_t k = 0; k < attribute->n; k++) {
      const KrAst *arg = attribute->at[k];
      bool is_alias = arg != NULL && arg->kind == KR_AST_ARG && arg->n > 0 && arg->at[0] != NULL;
      if (is_alias && n-- == 0) return arg;
    }
  }
  return NULL;
}

static bool is_alias(const KrAst *synth, KrText name, KrText param) {
  const KrAst *alias;
  for (uint32_t i = 0; (alias = nth_alias(synth, i)) != NULL; i++)
    if (kr_text_equal(alias->text, name) && kr_text_equal(alias->at[0]->text, param)) return true;
  return false;
}

static bool names_param(const KrAst *synth, KrText name, KrText param) {
  return kr_text_equal(name, param) || is_alias(synth, name, param);
}

// From field `first` on.
static uint32_t find_field(const KrElab *e, const Play *play, KrText param, uint32_t first) {
  const KrEvents *events = &e->graph->events[play->events];
  for (uint32_t f = first; f < events->n_fields; f++)
    if (names_param(play->synth, events->fields[f].name, param)) return f;
  return KR_NONE;
}

static KrVal field_value(KrElab *e, uint32_t field, KrConst value, KrDim dim) {
  KrRef ref =
      emit_voice(e, (KrNode){.voice = KR_VOICE_FIELD, .field = field, .value = value}, e->now.real);
  KrVal val = kr_val_stream(ref, KR_TYPE_SCALAR(e->now.real));
  val.dim = dim;
  return val;
}

// What notes without the field have: the field's value in the others.
static KrVal field_or(KrElab *e, const Play *play, uint32_t field, KrVal base, KrText name) {
  KrDim dim = kr_dim_join(base.dim, e->schemas[play->events].dims[field]);
  KrConst value = {.elem = e->now.real};
  play->used[field] = true;
  if (!kr_dim_fits(&base.dim, &e->schemas[play->events].dims[field])) {
    kr_diagnose(e->list, KR_ERROR, play->span, "give both the same unit",
                "`%t` is in %s in the events and in %s in the synth `%t`", name,
                kr_dim_text(e, &e->schemas[play->events].dims[field]), kr_dim_text(e, &base.dim),
                play->synth->text);
    return kr_val_poison();
  }
  if (base.kind == KR_VAL_NUMBER) {
    if (!kr_number_const(e, &base.as.number, e->now.real, play->span, &value))
      return kr_val_poison();
    return field_value(e, field, value, dim);
  }
  KrRef has = emit_voice(e, (KrNode){.voice = KR_VOICE_HAS, .field = field}, KR_ELEM_BOOL);
  return kr_elab_select(e, has, field_value(e, field, value, dim), base, play->span);
}

// An argument of `play`, seen from the body.
static KrVal shared_value(KrElab *e, KrArg *arg, KrText name) {
  KrVal val = arg->val;
  if (val.kind == KR_VAL_NUMBER || val.kind == KR_VAL_BOOL || val.kind == KR_VAL_POISON ||
      val.kind == KR_VAL_STRING || val.kind == KR_VAL_LIST)
    return val;
  if (val.kind == KR_VAL_STREAM && val.type.shape == KR_SHAPE_SCALAR) {
    val.as.ref = share(e, val.as.ref, val.type.elem);
    return val;
  }
  kr_diagnose(e->list, KR_ERROR, arg->span, "give a number or one stream of numbers",
              "the parameter `%t` cannot be %s", name, kr_val_kind_text(&val));
  return kr_val_poison();
}

static void bind(KrElab *e, KrText name, KrSpan span, KrVal val) {
  KrBinding *binding = kr_scope_declare(e, e->now.scope, name, span, NULL);
  if (binding == NULL) return;
  binding->val = val;
  binding->state = KR_BIND_READY;
}

// The default length of a render covers what a note's release says.
static void note_releases(KrElab *e, const Play *play, uint32_t field) {
  const KrEvents *events = &e->graph->events[play->events];
  for (uint32_t i = 0; i < events->n_items; i++) {
    const KrEventValue *value = &events->items[i].values[field];
    if (events->items[i].values != NULL && value->present && value->exact)
      kr_note_release(e, value->ratio);
  }
}

static void bind_param(KrElab *e, const Play *play, uint32_t child) {
  const KrAst *param = play->synth->at[child];
  const KrAst *type = param->n > 0 ? param->at[0] : NULL;
  const KrAst *preset = param->n > 1 ? param->at[1] : NULL;
  uint32_t field = find_field(e, play, param->text, 0);
  KrVal val = kr_val_poison();
  KrSpec spec;
  if (play->args[child] != NULL)
    val = shared_value(e, play->args[child], param->text);
  else if (preset != NULL)
    val = kr_elab_expr(e, preset);
  else if (field == KR_NONE)
    kr_diagnose(e->list, KR_ERROR, play->span, "give it in the call or in the events",
                "`%t` needs its parameter `%t`", play->synth->text, param->text);
  else
    val = kr_val_exact(KR_RATIO_ZERO), val.dim = e->schemas[play->events].dims[field];
  bool has_type = kr_spec_read(e, type, &spec);
  if (has_type && val.kind != KR_VAL_POISON)
    val = kr_spec_convert(e, val, &spec,
                          play->args[child] != NULL ? play->args[child]->span : param->span);
  bool is_number = val.kind == KR_VAL_NUMBER || val.kind == KR_VAL_STREAM;
  if (kr_text_is(param->text, "release") && val.kind == KR_VAL_NUMBER && val.as.number.exact)
    kr_note_release(e, val.as.number.ratio);
  // A note may use any name of the parameter.
  for (; field != KR_NONE && is_number; field = find_field(e, play, param->text, field + 1)) {
    if (kr_text_is(param->text, "release")) note_releases(e, play, field);
    val = field_or(e, play, field, val, param->text);
  }
  bind(e, param->text, param->span, val);
}

// ---- what every voice has

static bool has_param(const KrAst *synth, KrText name) {
  for (uint32_t i = 1; i < synth->n; i++)
    if (is_param(synth->at[i]) && kr_text_equal(synth->at[i]->text, name)) return true;
  return false;
}

static void bind_field(KrElab *e, const Play *play, const char *name, int64_t preset, KrDim dim) {
  if (has_param(play->synth, kr_text_from(name))) return;
  KrVal val = kr_val_exact(kr_ratio_of(preset));
  uint32_t field = find_field(e, play, kr_text_from(name), 0);
  val.dim = dim;
  if (field != KR_NONE) val = field_or(e, play, field, val, kr_text_from(name));
  bind(e, kr_text_from(name), play->span, val);
}

static void bind_seconds(KrElab *e, const Play *play, const char *name, KrVoiceInput input) {
  uint32_t field = find_field(e, play, kr_text_from(name), 0);
  if (field != KR_NONE) play->used[field] = true;
  if (has_param(play->synth, kr_text_from(name))) return;
  KrVal val = kr_val_stream(emit_voice(e, (KrNode){.voice = input}, e->now.real),
                            KR_TYPE_SCALAR(e->now.real));
  val.dim = kr_dim_of(KR_DIM_S, 1);
  bind(e, kr_text_from(name), play->span, val);
}

static void bind_predefined(KrElab *e, const Play *play) {
  KrVal gate = {.kind = KR_VAL_GATE, .type = KR_TYPE_SCALAR(e->now.real)};
  KrRef ref = emit_voice(e, (KrNode){.voice = KR_VOICE_GATE, .n_out = 3}, e->now.real);
  gate.as.gate[0] = ref;
  gate.as.gate[1] = (KrRef){KR_NONE, 0};
  gate.as.gate[2] = (KrRef){ref.node, 1};
  gate.as.gate[3] = (KrRef){ref.node, 2};
  bind(e, KR_TEXT("gate"), play->span, gate);
  bind_field(e, play, "freq", 440, kr_dim_of(KR_DIM_S, -1));
  bind_field(e, play, "vel", 1, (KrDim){.known = true});
  bind_seconds(e, play, "dur", KR_VOICE_DUR);
  bind_seconds(e, play, "age", KR_VOICE_AGE);
}

// ---- chains: `@through(strip)`

static uint32_t first_param(const KrAst *synth) {
  for (uint32_t i = 1; i < synth->n; i++)
    if (is_param(synth->at[i])) return i;
  return KR_NONE;
}

// What the name of a chain stands for, seen from where the synth is written; NULL: nothing.
static const KrVal *chain_value(KrElab *e, const KrAst *name, KrScope *outer) {
  if (name == NULL) return NULL;
  if (name->kind == KR_AST_NAME) {
    const KrBinding *found = kr_scope_find(outer, name->text);
    return found == NULL ? NULL : &found->val;
  }
  if (name->kind != KR_AST_MEMBER) return NULL;
  KrContext saved = e->now;
  e->now.scope = outer;
  KrVal val = kr_elab_expr(e, name);
  e->now = saved;
  return kr_arena_copy(e->arena, &val, sizeof val);
}

static const KrVal *find_chain(KrElab *e, const KrAst *synth, KrScope *outer) {
  const KrAst *attribute = attribute_of(synth, "through");
  if (attribute == NULL) return NULL;
  const KrAst *arg = attribute->n > 1 ? attribute->at[1] : NULL;
  const KrVal *val = chain_value(e, arg != NULL && arg->n > 0 ? arg->at[0] : NULL, outer);
  bool is_chain = val != NULL && val->kind == KR_VAL_SYNTH && val->as.fn.ast->at[0] != NULL &&
                  first_param(val->as.fn.ast) != KR_NONE;
  if (is_chain && attribute_of(val->as.fn.ast, "through") == NULL) return val;
  if (is_chain)
    kr_diagnose(e->list, KR_ERROR, attribute->span, "put what both do into one synth",
                "`%t` goes through a synth itself: a sound goes through one synth",
                val->as.fn.ast->text);
  else
    kr_diagnose(e->list, KR_ERROR, attribute->span,
                "write `synth strip(x = 0, …)` and name it here",
                "`@through` wants the name of a synth whose first parameter takes the sound");
  return NULL;
}

// The synth with the chain's parameters and their other names after its own, which go first.
static const KrAst *join_params(KrElab *e, const KrAst *synth, const KrAst *chain) {
  KrAst *joined = KR_NEW(e->arena, KrAst);
  *joined = *synth;
  joined->n = joined->cap = 0;
  joined->at = NULL;
  for (uint32_t i = 0; i < synth->n; i++)
    KR_PUSH(e->arena, joined->at, joined->n, joined->cap, synth->at[i]);
  for (uint32_t i = first_param(chain) + 1; i < chain->n; i++) {
    KrAst *child = chain->at[i];
    bool is_own = child == NULL || (is_param(child) && has_param(synth, child->text));
    if (!is_own) KR_PUSH(e->arena, joined->at, joined->n, joined->cap, child);
  }
  return joined;
}

// ---- the arguments of `play`

// The nearest name so far.
typedef struct Near {
  KrText name;
  uint32_t distance;
} Near;

static void look_near(Near *near, KrText wanted, KrText name) {
  uint32_t d = kr_text_distance(wanted, name);
  if (d >= near->distance || d >= wanted.n) return;
  *near = (Near){name, d};
}

// KR_NONE: `near` is the parameter, or the other name of one, that comes closest.
static uint32_t find_param(const KrAst *synth, KrText name, KrText *near) {
  Near nearest = {{NULL, 0}, 4};
  const KrAst *alias;
  for (uint32_t i = 1; i < synth->n; i++) {
    if (!is_param(synth->at[i])) continue;
    if (names_param(synth, name, synth->at[i]->text)) return i;
    look_near(&nearest, name, synth->at[i]->text);
  }
  for (uint32_t i = 0; (alias = nth_alias(synth, i)) != NULL; i++)
    look_near(&nearest, name, alias->text);
  *near = nearest.name;
  return KR_NONE;
}

static const char *list_params(KrElab *e, const KrAst *synth) {
  KrBuffer text;
  uint32_t n = 0;
  kr_buffer_init(&text, e->arena);
  kr_buffer_print(&text, "its parameters are");
  for (uint32_t i = 1; i < synth->n; i++)
    if (is_param(synth->at[i]))
      kr_buffer_print(&text, "%s %t", n++ > 0 ? "," : "", synth->at[i]->text);
  return n == 0 ? "it has no parameters" : text.at;
}

static const char *near_hint(KrElab *e, const KrAst *synth, KrText near) {
  return near.n > 0 ? kr_text_print(e->arena, "did you mean `%t`?", near) : list_params(e, synth);
}

static bool read_settings(KrElab *e, const KrAst *synth, KrArg *voices, KrArg *round,
                          KrVoices *graph) {
  int64_t max = 64;
  uint32_t rounding = 1;
  const KrAst *attribute = attribute_of(synth, "voices");
  const KrAst *preset = attribute != NULL && attribute->n > 0 ? attribute->at[0] : NULL;
  KrSpan span = voices != NULL ? voices->span : preset != NULL ? preset->span : synth->span;
  KrVal val = voices != NULL   ? *kr_arg_value(e, voices)
              : preset != NULL ? kr_elab_value(e, preset)
                               : kr_val_exact(kr_ratio_of(max));
  if (!kr_need_whole(e, &val, "`voices`", span, &max)) return false;
  if (max < 1 || max > KR_MAX_VOICES) {
    kr_diagnose(e->list, KR_ERROR, span, "write for example `voices=64`",
                "`voices` must be 1 to %u", (unsigned)KR_MAX_VOICES);
    return false;
  }
  if (round != NULL && !kr_arg_word(e, round, "floor|exact", "`round` of `play`", &rounding))
    return false;
  graph->max = (uint32_t)max;
  graph->round_floor = rounding == 0;
  return true;
}

static bool sort_args(KrElab *e, Play *play, KrArgs args, KrVoices *graph) {
  KrArg *voices = NULL, *round = NULL;
  bool ok = true;
  for (uint32_t i = 2; i < args.n; i++) {
    KrArg *arg = &args.at[i];
    KrText near = {NULL, 0};
    uint32_t child = arg->name.n > 0 ? find_param(play->synth, arg->name, &near) : KR_NONE;
    bool is_voices = kr_text_is(arg->name, "voices") || (i == 2 && arg->name.n == 0);
    if (child != KR_NONE && play->args[child] == NULL) {
      play->args[child] = arg;
      kr_arg_value(e, arg);
    } else if (is_voices && voices == NULL) {
      voices = arg;
    } else if (kr_text_is(arg->name, "round") && round == NULL) {
      round = arg;
    } else {
      ok = false;
      kr_diagnose(e->list, KR_ERROR, arg->span, near_hint(e, play->synth, near),
                  arg->name.n == 0 ? "`play` takes a synth, events, and parameters by name%t"
                  : child != KR_NONE || is_voices || kr_text_is(arg->name, "round")
                      ? "`%t` is given twice"
                      : "the synth has no parameter `%t`",
                  arg->name);
    }
  }
  return read_settings(e, play->synth, voices, round, graph) && ok;
}

static void warn_unused(KrElab *e, const Play *play) {
  const KrEvents *events = &e->graph->events[play->events];
  for (uint32_t f = 0; f < events->n_fields; f++) {
    KrText name = events->fields[f].name, near = {NULL, 0};
    if (play->used[f] || kr_text_is(name, "key") || kr_text_is(name, "freq") ||
        kr_text_is(name, "vel") || kr_text_is(name, "value") || kr_text_is(name, "channel"))
      continue;
    find_param(play->synth, name, &near);
    kr_diagnose(e->list, KR_WARNING, play->span, near_hint(e, play->synth, near),
                "the synth `%t` has no parameter `%t`: the notes sound without it",
                play->synth->text, name);
  }
}

// ---- when a voice ends

// Does the gate of a voice reach this input?
static bool follows_gate(const KrElab *e, KrRef ref, uint32_t depth) {
  if (ref.node == KR_NONE || (ref.node & KR_FORWARD) != 0 || depth == 0) return depth == 0;
  const KrNode *node = &e->graph->nodes[ref.node];
  if (node->kind == KR_NODE_VOICE) return node->voice != KR_VOICE_STREAM;
  for (uint32_t k = 0; k < node->n_in; k++)
    if (follows_gate(e, node->in[k], depth - 1)) return true;
  return false;
}

// A player that goes round and round.
static bool is_looped(const KrNode *node) {
  for (uint32_t k = 0; k < kr_op_ports(node->op); k++)
    if (strcmp(node->op->in[k].name, "loop") == 0 && node->port[k].kind == KR_VALUE_CONST)
      return node->port[k].value != 0;
  return false;
}

static void warn_endless(KrElab *e, const Play *play, const KrFlow *flow) {
  enum { DEPTH = 12 };
  uint32_t n_gates = 0, n_else = 0, index = flow->first_node;
  const KrNode *looped = NULL;
  for (uint32_t i = 0; i < flow->n_nodes; i++, index = e->graph->nodes[index].next_node) {
    const KrNode *node = &e->graph->nodes[index];
    if (node->kind != KR_NODE_OP || (node->op->flags & KR_OP_ENDS) == 0) continue;
    if (node->op->in[0].kind != KR_PORT_GATE) {
      n_else++;
      if (is_looped(node)) looped = node;
      continue;
    }
    n_gates++;
    if (follows_gate(e, node->in[0], DEPTH)) continue;
    kr_diagnose(e->list, KR_WARNING, kr_origin_span(node->origin),
                kr_text_print(e->arena, "write `%s(gate, …)`", node->op->name),
                "a voice of `%t` may never end: this envelope does not follow its `gate`",
                play->synth->text);
  }
  if (n_gates > 0) return;
  if (looped != NULL)
    kr_diagnose(e->list, KR_WARNING, kr_origin_span(looped->origin),
                "multiply its output by `adsr(gate, …)`",
                "a voice of `%t` never ends: `%s` goes round and no envelope ends it",
                play->synth->text, looped->op->name);
  else if (n_else == 0)
    kr_diagnose(e->list, KR_WARNING, play->synth->name_span,
                "multiply its output by `adsr(gate, …)`",
                "no envelope ends a voice of `%t`: its notes are cut where their gates fall",
                play->synth->text);
}

// ---- the body

static bool add_channel(KrElab *e, KrVoices *graph, uint32_t *cap, KrVal val, KrSpan span) {
  val = kr_to_elem(e, kr_to_stream(e, val, span), e->now.real, span);
  if (val.kind == KR_VAL_POISON) return false;
  KR_PUSH(e->arena, graph->out, graph->n_out, *cap, val.as.ref);
  return true;
}

static bool read_channels(KrElab *e, const Play *play, KrFlowInfo *info, KrVoices *graph) {
  uint32_t cap = 0;
  if (info->n_outputs == 0) {
    kr_diagnose(e->list, KR_WARNING, play->synth->name_span, "end it with `output …`",
                "the synth `%t` has no output: it is silent", play->synth->text);
    return add_channel(e, graph, &cap, kr_val_exact(KR_RATIO_ZERO), play->span);
  }
  const KrFlowOutput *output = &info->outputs[0];
  if (info->n_outputs > 1)
    kr_diagnose(e->list, KR_ERROR, info->outputs[1].span, "put the channels in a tuple: `(l, r)`",
                "a synth has one output");
  KrVal val = output->val;
  bool is_tuple = val.kind == KR_VAL_TUPLE || val.kind == KR_VAL_LIST;
  if (is_tuple && (val.as.items.n == 0 || val.as.items.n > MAX_CHANNELS)) {
    kr_diagnose(e->list, KR_ERROR, output->value_span, "use fewer", "a synth has 1 to %u channels",
                (unsigned)MAX_CHANNELS);
    return false;
  }
  if (!is_tuple) return add_channel(e, graph, &cap, val, output->value_span);
  for (uint32_t i = 0; i < val.as.items.n; i++)
    if (!add_channel(e, graph, &cap, val.as.items.at[i], output->value_span)) return false;
  return true;
}

static void resolve_params(KrElab *e, const Play *play) {
  for (uint32_t i = 1; i < play->synth->n; i++)
    if (is_param(play->synth->at[i])) bind_param(e, play, i);
}

static void elaborate_block(KrElab *e, KrFlowInfo *info, const KrAst *block) {
  info->scope = e->now.scope = kr_scope_new(e, e->now.scope);
  kr_declare_items(e, info->scope, block);
  kr_block_items(e, block);
}

static void copy_values(KrElab *e, const KrScope *from) {
  for (uint32_t i = 0; i < from->n; i++)
    bind(e, from->items[i]->name, e->now.flow->span, from->items[i]->val);
}

// What the synth gives is the first parameter of its chain, whose own names it then finds.
static void elaborate_chain(KrElab *e, const Play *play, KrFlowInfo *info, const KrScope *params) {
  if (play->chain == NULL || info->n_outputs == 0) return;
  const KrAst *chain = play->chain->as.fn.ast;
  const KrAst *first = chain->at[first_param(chain)];
  e->now.scope = kr_scope_new(e, play->chain->as.fn.scope);
  copy_values(e, params->parent);
  e->now.scope = kr_scope_new(e, e->now.scope);
  copy_values(e, params);
  e->now.scope = kr_scope_new(e, e->now.scope);
  bind(e, first->text, first->span, info->outputs[0].val);
  info->n_outputs = 0;
  elaborate_block(e, info, chain->at[0]);
}

// The body's nodes; e->now is the flow that plays.
static bool elaborate_body(KrElab *e, const Play *play, KrVoices *graph, KrBody *body) {
  const KrContext saved = e->now;
  const KrFlow *host = &e->graph->flows[saved.flow->index];
  KrFlowInfo *info = KR_NEW(e->arena, KrFlowInfo);
  KrFlow flow = {.name = kr_emit_path(e, kr_text_string(e->arena, play->synth->text)),
                 .cls = host->cls,
                 .clock = host->clock,
                 .real = saved.real,
                 .substeps = 1,
                 .n_steps = 0, // by itself it never runs
                 .is_body = true,
                 .voices = body->voices,
                 .origin = kr_span_origin(play->synth->name_span)};
  *info = (KrFlowInfo){.name = flow.name,
                       .span = play->synth->name_span,
                       .index = e->graph->n_flows,
                       .state = KR_FLOW_BUSY,
                       .outer = play->outer,
                       .body = body};
  graph->body = info->index;
  KR_PUSH(e->arena, e->graph->flows, e->graph->n_flows, e->graph->cap_flows, flow);
  KrScope *predefined = kr_scope_new(e, play->outer);
  bool returned = e->has_returned;
  e->has_returned = false;
  e->now = (KrContext){.flow = info, .scope = predefined, .real = flow.real};
  bind_predefined(e, play);
  e->now.scope = kr_scope_new(e, predefined);
  resolve_params(e, play);
  KrScope *params = e->now.scope;
  elaborate_block(e, info, play->synth->at[0]);
  elaborate_chain(e, play, info, params);
  bool ok = read_channels(e, play, info, graph);
  info->state = KR_FLOW_DONE;
  e->has_returned = returned;
  e->now = saved;
  return ok;
}

static KrVal channels_of(KrElab *e, const KrVoices *graph) {
  KrType type = KR_TYPE_SCALAR(e->now.real);
  if (graph->n_out == 1) return kr_val_stream((KrRef){graph->node, 0}, type);
  KrVal *at = KR_NEW_ARRAY(e->arena, KrVal, graph->n_out);
  for (uint32_t c = 0; c < graph->n_out; c++) at[c] = kr_val_stream((KrRef){graph->node, c}, type);
  return kr_val_items(KR_VAL_TUPLE, at, graph->n_out);
}

static KrVal play_synth(KrElab *e, Play *play, KrArgs args, KrSpan span) {
  KrVoices graph = {.synth = play->synth->text,
                    .host = e->now.flow->index,
                    .events = play->events,
                    .origin = kr_span_origin(span)};
  const KrContext host = e->now;
  KrBody body = {.host = &host, .voices = e->graph->n_voices, .synth = play->synth};
  if (play->synth->at[0] == NULL || !sort_args(e, play, args, &graph)) return kr_val_poison();
  // Its place is taken before the body's nodes name it.
  KR_PUSH(e->arena, e->graph->voices, e->graph->n_voices, e->graph->cap_voices, graph);
  bool ok = elaborate_body(e, play, &graph, &body);
  warn_unused(e, play);
  if (!ok) return kr_val_poison();
  const KrNode *out = &e->graph->nodes[graph.out[0].node];
  bool is_silent = out->kind == KR_NODE_CONST && out->value.as.u64 == 0;
  if (!is_silent) warn_endless(e, play, &e->graph->flows[graph.body]);
  KrNode node = {.kind = KR_NODE_VOICES,
                 .type = KR_TYPE_SCALAR(e->now.real),
                 .events = play->events,
                 .voices = body.voices,
                 .round_floor = graph.round_floor,
                 .in = body.in,
                 .n_in = body.n_in,
                 .n_out = graph.n_out};
  graph.node = kr_emit_node(e, node, "play", span).node;
  e->graph->voices[body.voices] = graph;
  return channels_of(e, &graph);
}

static KrVal play(KrElab *e, KrArgs args, KrSpan span) {
  KrVal synth = args.n > 0 ? *kr_arg_value(e, &args.at[0]) : kr_val_none();
  KrVal events = args.n > 1 ? *kr_arg_value(e, &args.at[1]) : kr_val_none();
  if (synth.kind == KR_VAL_POISON || events.kind == KR_VAL_POISON) return kr_val_poison();
  if (synth.kind != KR_VAL_SYNTH || events.kind != KR_VAL_EVENTS) {
    bool is_synth = synth.kind == KR_VAL_SYNTH;
    kr_diagnose(e->list, KR_ERROR, args.n > is_synth ? args.at[is_synth].span : span,
                "write `play(pad, notes)`", "`play` wants %s, this is %s",
                is_synth ? "events second" : "a synth first",
                kr_val_kind_text(is_synth ? &events : &synth));
    return kr_val_poison();
  }
  const char *why =
      e->now.flow == NULL || e->now.in_function ? "`play` makes a stream, which has no rate here"
      : e->now.flow->body != NULL ? "a synth cannot play a synth: its voices would have voices"
      : e->graph->flows[e->now.flow->index].substeps > 1 ? "a flow with substeps cannot play"
                                                         : NULL;
  if (why != NULL) {
    kr_diagnose(e->list, KR_ERROR, span, "put `play` into a flow", "%s", why);
    return kr_val_poison();
  }
  const KrVal *chain = find_chain(e, synth.as.fn.ast, synth.as.fn.scope);
  const KrAst *ast = synth.as.fn.ast;
  if (chain != NULL) ast = join_params(e, ast, chain->as.fn.ast);
  Play what = {.synth = ast,
               .chain = chain,
               .outer = synth.as.fn.scope,
               .events = events.as.events.index,
               .args = KR_NEW_ARRAY(e->arena, KrArg *, ast->n),
               .span = span};
  what.used = KR_NEW_ARRAY(e->arena, bool, e->graph->events[what.events].n_fields + 1);
  return play_synth(e, &what, args, span);
}

bool kr_call_synth(KrElab *e, KrText name, KrArgs args, KrSpan span, KrVal *result) {
  if (!kr_text_is(name, "play")) return false;
  *result = play(e, args, span);
  return true;
}

/// Decides what busses are: flows that read the sum of what others send to them.
#include "lang/elab_core.h"

enum {
  MAX_NESTED = 64, ///< busses elaborated for one another's sake before widths must be given
  MAX_CHANNELS = 1024
};

/// One `send`: what it adds, as streams of its flow.
struct KrSend {
  KrFlowInfo *flow;
  KrBus *bus;
  KrText text; ///< name of what is sent, empty when it has none
  KrSpan span;
  KrVal *channels;
  uint32_t n_channels;
  KrRef *refs; ///< one per channel of the bus, in the bus; NULL: a mistake was reported
};

struct KrBus {
  KrFlowInfo *flow;
  uint32_t widest;     ///< channels of the widest send so far
  uint32_t n_channels; ///< of `bus()`; 0: not read yet
  bool is_given;       ///< by `channels=`
  uint32_t *nodes;     ///< the sums
  KrSend **sends;      ///< in order of declaration of the senders, then as written
  uint32_t n_sends, cap_sends;
  KrText *callers; ///< functions that may send to it
  uint32_t n_callers, cap_callers;
  bool is_searched;
};

static KrBus *bus_of(KrElab *e, KrFlowInfo *flow) {
  if (flow->bus == NULL) {
    flow->bus = KR_NEW(e->arena, KrBus);
    flow->bus->flow = flow;
  }
  return flow->bus;
}

static bool need_flow(KrElab *e, KrText name, KrSpan span) {
  if (e->now.flow != NULL && e->now.flow->body != NULL) {
    kr_diagnose(e->list, KR_ERROR, span, "send what `play` gives: `send(master, play(pad, notes))`",
                "`%t` belongs into a flow, not into a synth", name);
    return false;
  }
  if (e->now.flow != NULL && !e->now.in_function) return true;
  kr_diagnose(e->list, KR_ERROR, span, "put it into a flow, which gives it a rate",
              "`%t` belongs into a flow", name);
  return false;
}

static KrFlowInfo *report_no_flow(KrElab *e, const KrArg *arg, KrSpan span) {
  const char *hint = "write `send(master, x)`, where `master` is the name of a flow";
  bool named = arg != NULL && arg->ast != NULL && arg->ast->kind == KR_AST_NAME;
  uint32_t distance = 3;
  for (uint32_t i = 0; named && i < e->n_flows; i++) {
    uint32_t d = kr_text_distance(arg->ast->text, e->flows[i]->name);
    if (d >= distance || d >= arg->ast->text.n) continue;
    distance = d;
    hint = kr_text_print(e->arena, "did you mean `%t`?", e->flows[i]->name);
  }
  if (named)
    kr_diagnose(e->list, KR_ERROR, arg->span, hint, "there is no flow `%t` to send to",
                arg->ast->text);
  else
    kr_diagnose(e->list, KR_ERROR, arg == NULL ? span : arg->span, hint,
                "`send` needs the name of a flow");
  return NULL;
}

/// Where an enumeration of flows is expected, a name is one of them first.
static KrFlowInfo *read_target(KrElab *e, const KrArg *arg, KrSpan span) {
  bool named = arg != NULL && arg->ast != NULL && arg->ast->kind == KR_AST_NAME;
  KrFlowInfo *flow = named ? kr_name_flow(e, arg->ast->text) : NULL;
  return flow != NULL ? flow : report_no_flow(e, arg, span);
}

/// x · amount in the real type of the flow, 0 where a branch is not taken.
static KrVal weigh(KrElab *e, KrVal val, KrArg *amount, KrSpan span) {
  val = kr_to_stream(e, val, span);
  if (val.kind == KR_VAL_POISON) return val;
  if (amount != NULL) {
    KrArg args[2] = {{.span = span, .val = val, .ready = true},
                     {.span = amount->span, .val = *kr_arg_value(e, amount), .ready = true}};
    val = kr_call_op(e, KR_TEXT("gain"), (KrArgs){args, 2}, span);
  }
  KrElem real = e->graph->flows[e->now.flow->index].real;
  val = kr_to_elem(e, val, real, span);
  KrRef when = kr_elab_condition(e, span);
  if (val.kind == KR_VAL_POISON || when.node == KR_NONE) return val;
  KrVal zero = kr_to_elem(e, kr_val_exact(KR_RATIO_ZERO), real, span);
  zero.dim = val.dim;
  return kr_elab_select(e, when, val, zero, span);
}

static bool read_channels(KrElab *e, KrSend *send, KrVal val, KrArg *amount, KrSpan span) {
  if (val.kind == KR_VAL_FOREIGN) val = kr_read_foreign(e, &val, span);
  bool items = val.kind == KR_VAL_TUPLE;
  send->n_channels = items ? val.as.items.n : 1;
  send->channels = KR_NEW_ARRAY(e->arena, KrVal, send->n_channels);
  for (uint32_t i = 0; i < send->n_channels; i++) {
    send->channels[i] = weigh(e, items ? val.as.items.at[i] : val, amount, span);
    if (send->channels[i].kind == KR_VAL_POISON) return false;
  }
  return send->n_channels > 0;
}

/// The signal stands first when it comes through `|>` or as `x.send(master)`.
static KrArgs put_bus_first(KrElab *e, KrArgs args) {
  if (args.n < 2 || args.at[0].ast != NULL || args.at[1].name.n > 0) return args;
  KrArgs turned = {KR_NEW_ARRAY(e->arena, KrArg, args.n), args.n};
  for (uint32_t i = 0; i < args.n; i++) turned.at[i] = args.at[i];
  turned.at[0] = args.at[1];
  turned.at[1] = args.at[0];
  return turned;
}

static KrVal call_send(KrElab *e, KrArgs args, KrSpan span) {
  static const char *const names[] = {"bus", "x", "amount", NULL};
  KrArg *slots[3];
  if (!need_flow(e, KR_TEXT("send"), span)) return kr_val_none();
  if (!kr_bind_args(e, put_bus_first(e, args), names, slots, "send", span)) return kr_val_none();
  KrFlowInfo *target = read_target(e, slots[0], span);
  if (target == NULL) return kr_val_none();
  if (slots[1] == NULL) {
    kr_diagnose(e->list, KR_ERROR, span, "write `send(master, x)`", "`send` needs what to send");
    return kr_val_none();
  }
  KrSend *send = KR_NEW(e->arena, KrSend);
  send->flow = e->now.flow;
  send->span = span;
  if (slots[1]->ast != NULL && slots[1]->ast->kind == KR_AST_NAME) send->text = slots[1]->ast->text;
  if (!read_channels(e, send, *kr_arg_value(e, slots[1]), slots[2], slots[1]->span))
    return kr_val_none();
  KrBus *bus = bus_of(e, target);
  if (send->n_channels > bus->widest) bus->widest = send->n_channels;
  send->bus = bus;
  KR_PUSH(e->arena, send->flow->sends, send->flow->n_sends, send->flow->cap_sends, send);
  return kr_val_none();
}

static bool is_send(const KrAst *ast, KrText bus) {
  const KrAst *callee = ast->kind == KR_AST_CALL ? ast->at[0] : NULL;
  if (callee == NULL || (callee->kind != KR_AST_NAME && callee->kind != KR_AST_MEMBER) ||
      !kr_text_is(callee->text, "send"))
    return false;
  for (uint32_t i = 1; i < ast->n; i++) {
    const KrAst *value = ast->at[i] == NULL || ast->at[i]->n == 0 ? NULL : ast->at[i]->at[0];
    if (value != NULL && value->kind == KR_AST_NAME && kr_text_equal(value->text, bus)) return true;
  }
  return false;
}

static bool calls(const KrBus *bus, const KrAst *ast) {
  if (ast->kind != KR_AST_NAME && ast->kind != KR_AST_MEMBER) return false;
  for (uint32_t i = 0; i < bus->n_callers; i++)
    if (kr_text_equal(bus->callers[i], ast->text)) return true;
  return false;
}

/// Whether there is a `send` to `bus` below `ast`, or the name of a function that has one.
static bool may_send(KrElab *e, const KrBus *bus, const KrAst *ast) {
  uint32_t n = 0;
  KR_PUSH(e->arena, e->walk, n, e->cap_walk, ast);
  while (n > 0) {
    ast = e->walk[--n];
    if (is_send(ast, bus->flow->name) || calls(bus, ast)) return true;
    for (uint32_t i = 0; i < ast->n; i++)
      if (ast->at[i] != NULL) KR_PUSH(e->arena, e->walk, n, e->cap_walk, ast->at[i]);
  }
  return false;
}

static KrText function_name(const KrAst *item) {
  bool let = item->kind == KR_AST_LET || item->kind == KR_AST_CONST || item->kind == KR_AST_BIND;
  if (item->kind == KR_AST_FN) return item->text;
  if (let && item->at[0] != NULL && item->at[0]->kind == KR_AST_NAME) return item->at[0]->text;
  return (KrText){NULL, 0};
}

/// Functions at top level that send to `bus`, and those that call them, until no more are found.
static void find_callers(KrElab *e, KrBus *bus) {
  bool more = !bus->is_searched;
  bus->is_searched = true;
  while (more) {
    more = false;
    for (uint32_t p = 0; p < e->n_programs; p++)
      for (uint32_t i = 0; i < e->programs[p]->n; i++) {
        const KrAst *item = e->programs[p]->at[i];
        KrText name = item == NULL ? (KrText){NULL, 0} : function_name(item);
        const KrAst own = {.kind = KR_AST_NAME, .text = name};
        if (name.n == 0 || calls(bus, &own) || !may_send(e, bus, item)) continue;
        KR_PUSH(e->arena, bus->callers, bus->n_callers, bus->cap_callers, name);
        more = true;
      }
  }
}

bool kr_bus_may_hear(KrElab *e, const KrFlowInfo *bus, const KrFlowInfo *flow) {
  find_callers(e, bus->bus);
  return flow->ast != NULL && flow->state == KR_FLOW_TODO && may_send(e, bus->bus, flow->ast);
}

/// The senders first: they decide how many channels there are.
static void hear_senders(KrElab *e) {
  if (e->n_nested_busses >= MAX_NESTED) return;
  e->n_nested_busses++;
  kr_flows_elaborate(e, e->now.flow);
  e->n_nested_busses--;
}

static void open_bus(KrElab *e, KrBus *bus, uint32_t n_channels, KrSpan span) {
  KrType type = KR_TYPE_SCALAR(e->graph->flows[bus->flow->index].real);
  KrNode node = {.kind = KR_NODE_SUM, .type = type};
  bus->n_channels = n_channels;
  bus->nodes = KR_NEW_ARRAY(e->arena, uint32_t, n_channels);
  for (uint32_t i = 0; i < n_channels; i++) bus->nodes[i] = kr_emit_node(e, node, "bus", span).node;
}

static KrVal bus_value(KrElab *e, const KrBus *bus, KrSpan span) {
  KrType type = KR_TYPE_SCALAR(e->graph->flows[bus->flow->index].real);
  KrVal *at = KR_NEW_ARRAY(e->arena, KrVal, bus->n_channels);
  for (uint32_t i = 0; i < bus->n_channels; i++)
    at[i] = kr_to_elem(e, kr_val_stream((KrRef){bus->nodes[i], 0}, type), e->now.real, span);
  return bus->n_channels == 1 ? at[0] : kr_val_items(KR_VAL_TUPLE, at, bus->n_channels);
}

static KrVal call_bus(KrElab *e, KrArgs args, KrSpan span) {
  static const char *const names[] = {"channels", NULL};
  KrArg *slots[1];
  int64_t n = 0;
  if (!need_flow(e, KR_TEXT("bus"), span)) return kr_val_poison();
  if (!kr_bind_args(e, args, names, slots, "bus", span)) return kr_val_poison();
  if (slots[0] != NULL) {
    const KrVal *val = kr_arg_value(e, slots[0]);
    if (!kr_need_whole(e, val, "`channels`", slots[0]->span, &n)) return kr_val_poison();
    if (n < 1 || n > MAX_CHANNELS) {
      kr_diagnose(e->list, KR_ERROR, slots[0]->span, "write for example `bus(channels=2)`",
                  "a bus has from 1 to %d channels", (int)MAX_CHANNELS);
      return kr_val_poison();
    }
  }
  KrBus *bus = bus_of(e, e->now.flow);
  if (bus->n_channels == 0 && n == 0) hear_senders(e);
  if (bus->n_channels == 0) {
    bus->is_given = n > 0;
    open_bus(e, bus, n > 0 ? (uint32_t)n : bus->widest > 0 ? bus->widest : 1, span);
  }
  if (n > 0 && (uint32_t)n != bus->n_channels) {
    kr_diagnose(e->list, KR_ERROR, slots[0]->span, "give every `bus()` of a flow the same number",
                "this bus was read with %u channels before", bus->n_channels);
    return kr_val_poison();
  }
  return bus_value(e, bus, span);
}

bool kr_call_bus(KrElab *e, KrText name, KrArgs args, KrSpan span, KrVal *result) {
  if (kr_text_is(name, "send"))
    *result = call_send(e, args, span);
  else if (kr_text_is(name, "bus"))
    *result = call_bus(e, args, span);
  else
    return false;
  return true;
}

/// What is sent, as another flow would name it.
static const char *text_of(KrElab *e, const KrSend *send) {
  if (send->text.n > 0 && kr_scope_find(send->flow->scope, send->text) == NULL)
    return kr_text_string(e->arena, send->text);
  KrText name = send->text.n > 0 ? send->text : KR_TEXT("x");
  return kr_text_print(e->arena, "%t.%t", send->flow->name, name);
}

static void report_rates(KrElab *e, const KrSend *send) {
  const KrFlow *from = &e->graph->flows[send->flow->index],
               *to = &e->graph->flows[send->bus->flow->index];
  bool phase = kr_ratio_compare(from->clock.dt, to->clock.dt) == 0;
  const char *name = text_of(e, send);
  const char *text =
      kr_text_print(e->arena, "resample(%s, to=%s, mode=linear)", name, kr_class_text(to->cls));
  const char *naming = send->text.n > 0 ? "" : "name it: `let x = …`, then ";
  kr_diagnose(e->list, KR_ERROR, send->span,
              kr_text_print(e->arena,
                            "%swrite `bus() + %s` in `%t`, or send from a flow of its rate", naming,
                            text, to->name),
              "`%s` ticks at %r Hz%s, the bus `%t` at %r Hz: write `%s` there", name,
              from->clock.dt.den, from->clock.dt.num, phase ? " with another phase" : "", to->name,
              to->clock.dt.den, to->clock.dt.num, text);
}

static bool check_send(KrElab *e, const KrSend *send) {
  const KrBus *bus = send->bus;
  const KrClock *from = &e->graph->flows[send->flow->index].clock,
                *to = &e->graph->flows[bus->flow->index].clock;
  if (bus->flow->failed || send->flow->failed) return false;
  if (bus->n_channels == 0) {
    kr_diagnose(e->list, KR_ERROR, send->span, "take it in there: `output bus()`",
                "the flow `%t` is no bus: it does not read `bus()`", bus->flow->name);
    return false;
  }
  if (kr_ratio_compare(from->dt, to->dt) != 0 || kr_ratio_compare(from->phase, to->phase) != 0) {
    report_rates(e, send);
    return false;
  }
  if (send->n_channels == 1 || send->n_channels == bus->n_channels) return true;
  kr_diagnose(e->list, KR_ERROR, send->span,
              bus->widest > bus->n_channels && !bus->is_given
                  ? kr_text_print(e->arena, "write `bus(channels=%u)` there", bus->widest)
                  : "send one channel, or as many as the bus has",
              "%u channels are sent to `%t`, which has %u", send->n_channels, bus->flow->name,
              bus->n_channels);
  return false;
}

/// The channels of a send as streams of the bus.
static void connect_send(KrElab *e, KrSend *send) {
  KrBus *bus = send->bus;
  KrFlowInfo *flow = bus->flow;
  KrElem real = e->graph->flows[flow->index].real;
  KrContext saved = e->now;
  e->now = (KrContext){.flow = flow, .scope = flow->scope, .real = real, .label = KR_TEXT("bus")};
  send->refs = KR_NEW_ARRAY(e->arena, KrRef, bus->n_channels);
  for (uint32_t i = 0; i < bus->n_channels; i++) {
    uint32_t from = send->n_channels == 1 ? 0 : i;
    if (from < i) {
      send->refs[i] = send->refs[0];
      continue;
    }
    KrVal val = {.kind = KR_VAL_FOREIGN};
    val.as.foreign.flow = send->flow;
    val.as.foreign.inner = &send->channels[from];
    val.as.foreign.name = send->flow->name;
    val = send->flow == flow ? send->channels[from] : kr_read_foreign(e, &val, send->span);
    send->refs[i] = kr_to_elem(e, val, real, send->span).as.ref;
  }
  e->now = saved;
  KR_PUSH(e->arena, bus->sends, bus->n_sends, bus->cap_sends, send);
}

/// The sums get their terms; a bus to which nothing is sent is +0.
static void close_bus(KrElab *e, const KrBus *bus) {
  for (uint32_t c = 0; c < bus->n_channels; c++) {
    KrNode *node = &e->graph->nodes[bus->nodes[c]];
    if (bus->n_sends == 0) {
      node->kind = KR_NODE_CONST;
      node->value = (KrConst){.elem = node->type.elem};
      continue;
    }
    node->n_in = bus->n_sends;
    node->in = KR_NEW_ARRAY(e->arena, KrRef, bus->n_sends);
    for (uint32_t i = 0; i < bus->n_sends; i++) node->in[i] = bus->sends[i]->refs[c];
  }
}

void kr_busses_finish(KrElab *e) {
  for (uint32_t i = 0; i < e->n_flows; i++)
    for (uint32_t k = 0; k < e->flows[i]->n_sends; k++)
      if (check_send(e, e->flows[i]->sends[k])) connect_send(e, e->flows[i]->sends[k]);
  for (uint32_t i = 0; i < e->n_flows; i++)
    if (e->flows[i]->bus != NULL) close_bus(e, e->flows[i]->bus);
}

static bool has_name(KrElab *e, const KrOutput *output, KrText name) {
  if (output->name.n > 0) return kr_text_equal(output->name, name);
  KrText flow = e->graph->flows[output->flow].name;
  const char *dot = output->label.n > 0 ? "." : "";
  return kr_text_is(name, kr_text_print(e->arena, "%t%s%t", flow, dot, output->label));
}

/// `bus.sender`, with a number where an output is called so already.
static KrText stem_name(KrElab *e, const KrSend *send) {
  KrText bus = send->bus->flow->name, sender = send->flow->name;
  KrText name = kr_text_from(kr_text_print(e->arena, "%t.%t", bus, sender));
  uint32_t suffix = 2;
  for (uint32_t i = 0; i < e->graph->n_outputs; i++) {
    if (!has_name(e, &e->graph->outputs[i], name)) continue;
    name = kr_text_from(kr_text_print(e->arena, "%t.%t-%u", bus, sender, suffix++));
    i = UINT32_MAX; // look at all again
  }
  return name;
}

/// Stands in the sender: what only `prev(bus())` hears must not become a read of the same tick.
static void publish_stem(KrElab *e, const KrSend *send) {
  const KrBus *bus = send->bus;
  const KrFlow *flow = &e->graph->flows[send->flow->index];
  bool sound = flow->cls == KR_CLASS_AUDIO && flow->clock.dt.num == 1;
  KrOutput output = {.flow = send->flow->index,
                     .name = stem_name(e, send),
                     .kind = sound ? KR_OUTPUT_AUDIO : KR_OUTPUT_NUMBERS,
                     .n_refs = bus->n_channels,
                     .origin = kr_span_origin(send->span)};
  output.refs = KR_NEW_ARRAY(e->arena, KrRef, bus->n_channels);
  if (!sound) output.columns = KR_NEW_ARRAY(e->arena, KrText, bus->n_channels);
  for (uint32_t i = 0; i < bus->n_channels; i++) {
    output.refs[i] = send->channels[send->n_channels == 1 ? 0 : i].as.ref;
    if (!sound && bus->n_channels > 1)
      output.columns[i] = kr_text_from(kr_text_print(e->arena, "%u", i));
  }
  KR_PUSH(e->arena, e->graph->outputs, e->graph->n_outputs, e->graph->cap_outputs, output);
}

void kr_busses_publish(KrElab *e) {
  uint32_t n = e->graph->n_outputs;
  for (uint32_t i = 0; i < e->n_flows; i++)
    for (uint32_t k = 0; e->flows[i]->bus != NULL && k < e->flows[i]->bus->n_sends; k++)
      publish_stem(e, e->flows[i]->bus->sends[k]);
  if (n == e->graph->n_outputs && e->list->n_errors == 0)
    kr_diagnose(e->list, KR_WARNING, e->flows[0]->span, "send to a flow that reads `bus()`",
                "there are no stems: nothing is sent to a bus");
}

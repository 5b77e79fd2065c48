/// Decides the printable form of a graph: one line per flow, state, event stream, node and output.
#include "graph/graph.h"

static const char *const node_text[] = {"const", "op",    "read", "cross",  "window", "history",
                                        "state", "write", "prev", "time",   "step",   "signal",
                                        "emit",  "input", "sum",  "voices", "voice"};
static const char *const voice_text[] = {"gate", "field", "has", "dur", "age", "stream"};
static const char *const mode_text[] = {"nearest", "linear", "cubic", "sinc"};
static const char *const reduce_text[] = {"mean", "rms", "peak", "min", "max", "sum", "count"};
static const char *const signal_text[] = {"impulse", "hold", "gate", "sinc", "offset"};
static const char *const events_text[] = {"list", "every",  "merge", "delay",
                                          "map",  "filter", "signal"};
static const char *const output_text[] = {"audio", "numbers", "pictures", "events"};
static const char *const merge_text[] = {"", "sum", "min", "max", "last"};

static void print_type(KrBuffer *out, const KrType *type) {
  static const char *const shape[] = {"", "vector", "spectrum", "image", "field"};
  if (type->shape == KR_SHAPE_SCALAR) {
    kr_buffer_print(out, "%s", kr_elem_text(type->elem));
    return;
  }
  if (type->shape == KR_SHAPE_IMAGE)
    kr_buffer_print(out, "image");
  else
    kr_buffer_print(out, "%s<%s>", shape[type->shape], kr_elem_text(type->elem));
  kr_buffer_print(out, "[%u", type->dim[0]);
  if (type->dim[1] > 1 || type->dim[2] > 1) kr_buffer_print(out, "x%u", type->dim[1]);
  if (type->dim[2] > 1) kr_buffer_print(out, "x%u", type->dim[2]);
  kr_buffer_print(out, "]");
}

static void print_const(KrBuffer *out, const KrConst *value) {
  switch (value->elem) {
  case KR_ELEM_BOOL: kr_buffer_print(out, "%s", value->as.b ? "true" : "false"); break;
  case KR_ELEM_I32: kr_buffer_print(out, "%d", (int)value->as.i32); break;
  case KR_ELEM_I64: kr_buffer_print(out, "%lld", (long long)value->as.i64); break;
  case KR_ELEM_U32: kr_buffer_print(out, "%u", (unsigned)value->as.u32); break;
  case KR_ELEM_U64: kr_buffer_print(out, "%llu", (unsigned long long)value->as.u64); break;
  case KR_ELEM_F32: kr_buffer_print(out, "%f", (double)value->as.f32); break;
  default: kr_buffer_print(out, "%g", value->as.f64); break;
  }
}

static void print_ref(KrBuffer *out, KrRef ref) {
  if (ref.node == KR_NONE)
    kr_buffer_print(out, "none");
  else if (ref.port == 0)
    kr_buffer_print(out, "n%u", ref.node);
  else
    kr_buffer_print(out, "n%u.%u", ref.node, ref.port);
}

static void print_refs(KrBuffer *out, const KrRef *refs, uint32_t n) {
  kr_buffer_print(out, "(");
  for (uint32_t i = 0; i < n; i++) {
    if (i > 0) kr_buffer_print(out, ", ");
    print_ref(out, refs[i]);
  }
  kr_buffer_print(out, ")");
}

static void print_port(KrBuffer *out, const KrPort *port, const KrPortValue *value) {
  if (value->kind == KR_VALUE_STREAM) return;
  kr_buffer_print(out, " %s=", port->name);
  if (value->kind == KR_VALUE_CONST && value->exact) {
    kr_buffer_print(out, "%r", value->ratio.num, value->ratio.den);
  } else if (value->kind == KR_VALUE_CONST) {
    kr_buffer_print(out, "%g", value->value);
  } else if (value->kind == KR_VALUE_CHOICE) {
    const char *word = port->choices;
    for (uint32_t i = 0; i < value->choice; word++) i += *word == '|';
    size_t n = 0;
    while (word[n] != '\0' && word[n] != '|') n++;
    kr_buffer_put(out, word, n);
  } else if (value->kind == KR_VALUE_TEXT) {
    kr_buffer_print(out, "\"%t\"", value->text);
  } else if (value->kind == KR_VALUE_POINTS) {
    kr_buffer_print(out, "[%ux%u]", value->n_points, value->n_columns);
  } else {
    kr_buffer_print(out, "audio");
  }
}

static void print_ports(KrBuffer *out, const KrNode *node) {
  if (node->port == NULL) return;
  for (uint32_t i = 0; i < kr_op_ports(node->op); i++)
    print_port(out, &node->op->in[i], &node->port[i]);
}

static void print_source(const KrGraph *graph, KrBuffer *out, const KrNode *node) {
  kr_buffer_print(out, " ");
  print_ref(out, node->source);
  kr_buffer_print(out, " of %t", graph->flows[graph->nodes[node->source.node].flow].name);
  if (node->kind == KR_NODE_CROSS)
    kr_buffer_print(out, " %s%s", mode_text[node->mode], node->causal ? " causal" : "");
  if (node->kind == KR_NODE_WINDOW)
    kr_buffer_print(out, " %s window=%r", reduce_text[node->reduce], node->window.num,
                    node->window.den);
}

static void print_voices(KrBuffer *out, const KrVoices *voices) {
  kr_buffer_print(out, " %u of %t flow %u e%u", voices->max, voices->synth, voices->body,
                  voices->events);
  if (voices->round_floor) kr_buffer_print(out, " floor");
  for (uint32_t k = 0; k < voices->n_out; k++) {
    kr_buffer_print(out, " ");
    print_ref(out, voices->out[k]);
  }
}

static void print_detail(const KrGraph *graph, KrBuffer *out, const KrNode *node) {
  switch (node->kind) {
  case KR_NODE_CONST:
    kr_buffer_print(out, " ");
    print_const(out, &node->value);
    break;
  case KR_NODE_READ:
  case KR_NODE_CROSS:
  case KR_NODE_WINDOW:
  case KR_NODE_HISTORY: print_source(graph, out, node); break;
  case KR_NODE_STATE_READ:
  case KR_NODE_STATE_WRITE: kr_buffer_print(out, " %t", graph->states[node->state].name); break;
  case KR_NODE_PREV:
    kr_buffer_print(out, " init=");
    print_const(out, &node->value);
    break;
  case KR_NODE_SIGNAL:
    kr_buffer_print(out, " e%u %s", node->events, signal_text[node->signal]);
    if (node->field != KR_NONE)
      kr_buffer_print(out, " .%t", graph->events[node->events].fields[node->field].name);
    if (node->round_floor) kr_buffer_print(out, " floor");
    break;
  case KR_NODE_VOICES: print_voices(out, &graph->voices[node->voices]); break;
  case KR_NODE_VOICE:
    kr_buffer_print(out, " %s", voice_text[node->voice]);
    if (node->voice == KR_VOICE_FIELD || node->voice == KR_VOICE_HAS)
      kr_buffer_print(out, " .%t",
                      graph->events[graph->voices[node->voices].events].fields[node->field].name);
    if (node->voice == KR_VOICE_STREAM) kr_buffer_print(out, " %u", node->input);
    break;
  case KR_NODE_EMIT: kr_buffer_print(out, " e%u", node->events); break;
  case KR_NODE_INPUT: kr_buffer_print(out, " %t", graph->inputs[node->input].name); break;
  default: break;
  }
}

static void print_node(const KrGraph *graph, KrBuffer *out, uint32_t index) {
  const KrNode *node = &graph->nodes[index];
  const char *name = node->kind == KR_NODE_OP ? node->op->name : node_text[node->kind];
  kr_buffer_print(out, "n%u = %s", index, name);
  if (node->kind == KR_NODE_OP && node->elem != node->type.elem)
    kr_buffer_print(out, "<%s>", kr_elem_text(node->elem));
  kr_buffer_print(out, " ");
  print_type(out, &node->type);
  print_detail(graph, out, node);
  if (node->n_in > 0) {
    kr_buffer_print(out, " ");
    print_refs(out, node->in, node->n_in);
  }
  if (node->kind == KR_NODE_OP) print_ports(out, node);
  kr_buffer_print(out, " @%t\n", node->path);
}

static void print_flow(KrBuffer *out, const KrFlow *flow, uint32_t index) {
  kr_buffer_print(out, "flow %u %t %s dt=%r phase=%r %s", index, flow->name,
                  kr_class_text(flow->cls), flow->clock.dt.num, flow->clock.dt.den,
                  flow->clock.phase.num, flow->clock.phase.den, kr_elem_text(flow->real));
  if (flow->substeps > 1) kr_buffer_print(out, " substeps=%u", flow->substeps);
  if (flow->n_steps >= 0) kr_buffer_print(out, " steps=%lld", (long long)flow->n_steps);
  kr_buffer_print(out, "%s\n", flow->is_input ? " input" : "");
}

static void print_event_value(KrBuffer *out, const KrEventValue *value) {
  if (!value->present)
    kr_buffer_print(out, "none");
  else if (value->exact)
    kr_buffer_print(out, "%r", value->ratio.num, value->ratio.den);
  else
    kr_buffer_print(out, "%g", value->value);
}

static void print_item(KrBuffer *out, const KrEvents *events, const KrEventItem *item) {
  kr_buffer_print(out, "  %r %s", item->time.num, item->time.den,
                  item->action == KR_EVENT_OFF ? "off" : "on");
  if (item->has_dur) kr_buffer_print(out, " dur=%r", item->dur.num, item->dur.den);
  if (item->has_key) kr_buffer_print(out, " key=%lld", (long long)item->key);
  for (uint32_t i = 0; item->values != NULL && i < events->n_fields; i++) {
    kr_buffer_print(out, " %t=", events->fields[i].name);
    print_event_value(out, &item->values[i]);
  }
  kr_buffer_print(out, "\n");
}

static void print_events(KrBuffer *out, const KrEvents *events, uint32_t index) {
  kr_buffer_print(out, "events %u %t %s", index, events->name, events_text[events->kind]);
  if (events->kind == KR_EVENTS_EVERY || events->kind == KR_EVENTS_DELAY)
    kr_buffer_print(out, " period=%r", events->period.num, events->period.den);
  for (uint32_t i = 0; i < events->n_fields; i++) {
    const KrEventField *field = &events->fields[i];
    kr_buffer_print(out, " %t:%s", field->name,
                    field->declared ? kr_elem_text(field->elem) : "open");
  }
  for (uint32_t i = 0; i < events->n_sources; i++) kr_buffer_print(out, " e%u", events->sources[i]);
  if (events->n_param > 0) {
    kr_buffer_print(out, " (");
    for (uint32_t i = 0; i < events->n_param; i++)
      kr_buffer_print(out, i > 0 ? ", n%u" : "n%u", events->param[i]);
    kr_buffer_print(out, ") -> ");
    print_refs(out, events->result, events->kind == KR_EVENTS_FILTER ? 1 : events->n_fields);
  }
  kr_buffer_print(out, "\n");
  for (uint32_t i = 0; i < events->n_items; i++) print_item(out, events, &events->items[i]);
}

static void print_output(const KrGraph *graph, KrBuffer *out, const KrOutput *output) {
  kr_buffer_print(out, "output %t", graph->flows[output->flow].name);
  if (output->label.n > 0) kr_buffer_print(out, ".%t", output->label);
  if (output->name.n > 0) kr_buffer_print(out, " as %t", output->name);
  kr_buffer_print(out, " %s", output_text[output->kind]);
  if (output->kind == KR_OUTPUT_EVENTS) {
    kr_buffer_print(out, " e%u\n", output->events);
    return;
  }
  kr_buffer_print(out, " ");
  print_refs(out, output->refs, output->n_refs);
  for (uint32_t i = 0; output->columns != NULL && i < output->n_refs; i++)
    if (output->columns[i].n > 0) kr_buffer_print(out, " %t", output->columns[i]);
  kr_buffer_print(out, "\n");
}

static void print_state(KrBuffer *out, const KrState *state, uint32_t index) {
  kr_buffer_print(out, "state %u %t ", index, state->name);
  print_type(out, &state->type);
  kr_buffer_print(out, " = ");
  print_const(out, &state->init);
  if (state->merge != KR_MERGE_NONE) kr_buffer_print(out, " merge=%s", merge_text[state->merge]);
  kr_buffer_print(out, "\n");
}

void kr_graph_print(const KrGraph *graph, KrBuffer *out) {
  kr_buffer_print(out, "seed %llu\n", (unsigned long long)graph->seed);
  if (graph->has_duration)
    kr_buffer_print(out, "duration %r\n", graph->duration.num, graph->duration.den);
  for (uint32_t i = 0; i < graph->n_flows; i++) print_flow(out, &graph->flows[i], i);
  for (uint32_t i = 0; i < graph->n_states; i++) print_state(out, &graph->states[i], i);
  for (uint32_t i = 0; i < graph->n_events; i++) print_events(out, &graph->events[i], i);
  for (uint32_t i = 0; i < graph->n_inputs; i++) {
    const KrInput *input = &graph->inputs[i];
    kr_buffer_print(out, "input %t ", input->name);
    print_type(out, &input->type);
    kr_buffer_print(out, " channels=%u\n", input->n_channels);
  }
  for (uint32_t i = 0; i < graph->n_nodes; i++) print_node(graph, out, i);
  for (uint32_t i = 0; i < graph->n_outputs; i++) print_output(graph, out, &graph->outputs[i]);
  for (uint32_t i = 0; i < graph->n_assets; i++)
    kr_buffer_print(out, "asset %t %t\n", graph->assets[i].kind, graph->assets[i].path);
}

static void print_dot_node(const KrGraph *graph, KrBuffer *out, uint32_t index) {
  const KrNode *node = &graph->nodes[index];
  kr_buffer_print(out, "    n%u [label=\"%s\\n", index,
                  node->kind == KR_NODE_OP ? node->op->name : node_text[node->kind]);
  if (node->kind == KR_NODE_CONST)
    print_const(out, &node->value);
  else
    print_type(out, &node->type);
  kr_buffer_print(out, "\"];\n");
}

static void print_dot_edges(const KrGraph *graph, KrBuffer *out, uint32_t index) {
  const KrNode *node = &graph->nodes[index];
  for (uint32_t k = 0; k < node->n_in; k++)
    if (node->in[k].node != KR_NONE)
      kr_buffer_print(out, "  n%u -> n%u%s;\n", node->in[k].node, index,
                      node->kind == KR_NODE_PREV ? " [style=dotted]" : "");
  if (node->kind == KR_NODE_READ || node->kind == KR_NODE_CROSS || node->kind == KR_NODE_WINDOW ||
      node->kind == KR_NODE_HISTORY)
    kr_buffer_print(out, "  n%u -> n%u [style=dashed];\n", node->source.node, index);
}

void kr_graph_print_dot(const KrGraph *graph, KrBuffer *out) {
  kr_buffer_print(out, "digraph kairo {\n  rankdir=LR;\n  node [shape=box];\n");
  for (uint32_t f = 0; f < graph->n_flows; f++) {
    kr_buffer_print(out, "  subgraph cluster_%u {\n    label=\"%t\";\n", f, graph->flows[f].name);
    uint32_t node = graph->flows[f].first_node;
    for (uint32_t i = 0; i < graph->flows[f].n_nodes; i++) {
      print_dot_node(graph, out, node);
      node = graph->nodes[node].next_node;
    }
    kr_buffer_print(out, "  }\n");
  }
  for (uint32_t i = 0; i < graph->n_nodes; i++)
    if (graph->nodes[i].flow != KR_NONE) print_dot_edges(graph, out, i);
  kr_buffer_print(out, "}\n");
}

/// Decides what the two identities of a program are: its structure, and structure with constants,
/// seed and assets. Names of places in the text (origins) take no part.
#include "graph/graph.h"

static void put_text(KrHash *hash, KrText text) {
  kr_hash_put_u64(hash, text.n);
  kr_hash_put(hash, text.at, text.n);
}

static void put_ratio(KrHash *hash, KrRatio ratio) {
  kr_hash_put_u64(hash, (uint64_t)ratio.num);
  kr_hash_put_u64(hash, (uint64_t)ratio.den);
}

static void put_type(KrHash *hash, const KrType *type) {
  kr_hash_put_u32(hash, (uint32_t)type->elem);
  kr_hash_put_u32(hash, (uint32_t)type->shape);
  for (int i = 0; i < 3; i++) kr_hash_put_u32(hash, type->dim[i]);
}

static void put_f64(KrHash *hash, double value) {
  uint64_t bits;
  __builtin_memcpy(&bits, &value, sizeof bits);
  kr_hash_put_u64(hash, bits);
}

static void put_const(KrHash *hash, const KrConst *value) {
  kr_hash_put_u32(hash, (uint32_t)value->elem);
  uint64_t bits = 0;
  if (value->elem == KR_ELEM_BOOL) {
    bits = value->as.b;
  } else if (kr_elem_bytes(value->elem) == 4) {
    bits = value->as.u32;
  } else {
    bits = value->as.u64;
  }
  kr_hash_put_u64(hash, bits);
}

static void put_ref(KrHash *hash, KrRef ref) {
  kr_hash_put_u32(hash, ref.node);
  kr_hash_put_u32(hash, ref.port);
}

static void put_flow(KrHash *hash, const KrFlow *flow) {
  put_text(hash, flow->name);
  kr_hash_put_u32(hash, (uint32_t)flow->cls);
  put_ratio(hash, flow->clock.dt);
  put_ratio(hash, flow->clock.phase);
  kr_hash_put_u32(hash, (uint32_t)flow->real);
  kr_hash_put_u32(hash, flow->substeps);
  kr_hash_put_u64(hash, (uint64_t)flow->n_steps);
  kr_hash_put_u32(hash, flow->is_input);
}

static void put_node(KrHash *hash, const KrNode *node) {
  kr_hash_put_u32(hash, (uint32_t)node->kind);
  kr_hash_put_u32(hash, node->flow);
  put_type(hash, &node->type);
  kr_hash_put_u32(hash, node->n_out);
  kr_hash_put_u32(hash, (uint32_t)node->elem);
  kr_hash_put_u32(hash, node->n_in);
  for (uint32_t i = 0; i < node->n_in; i++) put_ref(hash, node->in[i]);
  put_text(hash, node->path);
  if (node->op != NULL) put_text(hash, kr_text_from(node->op->name));
  put_ref(hash, node->source);
  kr_hash_put_u32(hash, (uint32_t)node->mode);
  kr_hash_put_u32(hash, node->causal);
  kr_hash_put_u32(hash, (uint32_t)node->reduce);
  kr_hash_put_u32(hash, node->state);
  kr_hash_put_u32(hash, node->events);
  kr_hash_put_u32(hash, node->field);
  kr_hash_put_u32(hash, (uint32_t)node->signal);
  kr_hash_put_u32(hash, node->round_floor);
  kr_hash_put_u32(hash, node->input);
  if (node->kind != KR_NODE_VOICES && node->kind != KR_NODE_VOICE) return;
  kr_hash_put_u32(hash, node->voices);
  kr_hash_put_u32(hash, (uint32_t)node->voice);
}

static void put_voices(KrHash *hash, const KrVoices *voices) {
  put_text(hash, voices->synth);
  kr_hash_put_u32(hash, voices->body);
  kr_hash_put_u32(hash, voices->events);
  kr_hash_put_u32(hash, voices->max);
  kr_hash_put_u32(hash, voices->round_floor);
  for (uint32_t k = 0; k < voices->n_out; k++) put_ref(hash, voices->out[k]);
}

static void put_structure(KrHash *hash, const KrGraph *graph) {
  kr_hash_put_u32(hash, graph->n_flows);
  for (uint32_t i = 0; i < graph->n_flows; i++) put_flow(hash, &graph->flows[i]);
  kr_hash_put_u32(hash, graph->n_states);
  for (uint32_t i = 0; i < graph->n_states; i++) {
    put_text(hash, graph->states[i].name);
    put_type(hash, &graph->states[i].type);
    kr_hash_put_u32(hash, (uint32_t)graph->states[i].merge);
  }
  kr_hash_put_u32(hash, graph->n_events);
  for (uint32_t i = 0; i < graph->n_events; i++) {
    const KrEvents *events = &graph->events[i];
    kr_hash_put_u32(hash, (uint32_t)events->kind);
    put_text(hash, events->name);
    kr_hash_put_u32(hash, events->n_fields);
    for (uint32_t f = 0; f < events->n_fields; f++) put_text(hash, events->fields[f].name);
    kr_hash_put_u32(hash, events->n_sources);
    for (uint32_t s = 0; s < events->n_sources; s++) kr_hash_put_u32(hash, events->sources[s]);
  }
  for (uint32_t i = 0; i < graph->n_voices; i++) put_voices(hash, &graph->voices[i]);
  kr_hash_put_u32(hash, graph->n_nodes);
  for (uint32_t i = 0; i < graph->n_nodes; i++) put_node(hash, &graph->nodes[i]);
  kr_hash_put_u32(hash, graph->n_outputs);
  for (uint32_t i = 0; i < graph->n_outputs; i++) {
    const KrOutput *output = &graph->outputs[i];
    kr_hash_put_u32(hash, output->flow);
    put_text(hash, output->label);
    if (output->name.n > 0) put_text(hash, output->name);
    kr_hash_put_u32(hash, (uint32_t)output->kind);
    kr_hash_put_u32(hash, output->n_refs);
    for (uint32_t k = 0; k < output->n_refs; k++) put_ref(hash, output->refs[k]);
  }
}

static void put_value(KrHash *hash, const KrPortValue *value) {
  kr_hash_put_u32(hash, (uint32_t)value->kind);
  switch (value->kind) {
  case KR_VALUE_STREAM: break;
  case KR_VALUE_CONST:
    kr_hash_put_u32(hash, value->exact);
    if (value->exact)
      put_ratio(hash, value->ratio);
    else
      put_f64(hash, value->value);
    break;
  case KR_VALUE_CHOICE: kr_hash_put_u32(hash, value->choice); break;
  case KR_VALUE_TEXT: put_text(hash, value->text); break;
  case KR_VALUE_POINTS:
    kr_hash_put_u32(hash, value->n_points);
    kr_hash_put_u32(hash, value->n_columns);
    for (uint32_t i = 0; i < value->n_points * value->n_columns; i++)
      put_f64(hash, value->points[i]);
    break;
  case KR_VALUE_ASSET: kr_hash_put(hash, value->audio->digest.at, 32); break;
  }
}

static void put_item(KrHash *hash, const KrEvents *events, const KrEventItem *item) {
  put_ratio(hash, item->time);
  kr_hash_put_u32(hash, (uint32_t)item->action);
  kr_hash_put_u32(hash, item->has_dur);
  put_ratio(hash, item->dur);
  kr_hash_put_u32(hash, item->has_key);
  kr_hash_put_u64(hash, (uint64_t)item->key);
  for (uint32_t i = 0; item->values != NULL && i < events->n_fields; i++) {
    const KrEventValue *value = &item->values[i];
    kr_hash_put_u32(hash, (uint32_t)(value->present * 2 + value->exact));
    if (value->exact)
      put_ratio(hash, value->ratio);
    else
      put_f64(hash, value->value);
  }
}

static void put_constants(KrHash *hash, const KrGraph *graph) {
  kr_hash_put_u64(hash, graph->seed);
  for (uint32_t i = 0; i < graph->n_states; i++) put_const(hash, &graph->states[i].init);
  for (uint32_t i = 0; i < graph->n_nodes; i++) {
    const KrNode *node = &graph->nodes[i];
    put_const(hash, &node->value);
    put_ratio(hash, node->window);
    for (uint32_t p = 0; node->port != NULL && p < kr_op_ports(node->op); p++)
      put_value(hash, &node->port[p]);
  }
  for (uint32_t i = 0; i < graph->n_events; i++) {
    const KrEvents *events = &graph->events[i];
    put_ratio(hash, events->period);
    kr_hash_put_u32(hash, events->n_items);
    for (uint32_t k = 0; k < events->n_items; k++) put_item(hash, events, &events->items[k]);
  }
  for (uint32_t i = 0; i < graph->n_inputs; i++) {
    put_const(hash, &graph->inputs[i].value);
    if (graph->inputs[i].audio != NULL) kr_hash_put(hash, graph->inputs[i].audio->digest.at, 32);
  }
  for (uint32_t i = 0; i < graph->n_assets; i++) kr_hash_put(hash, graph->assets[i].digest.at, 32);
}

KrDigest kr_graph_hash_structure(const KrGraph *graph) {
  KrHash hash;
  kr_hash_init(&hash);
  put_structure(&hash, graph);
  return kr_hash_end(&hash);
}

KrDigest kr_graph_hash_program(const KrGraph *graph) {
  KrHash hash;
  kr_hash_init(&hash);
  put_structure(&hash, graph);
  put_constants(&hash, graph);
  return kr_hash_end(&hash);
}

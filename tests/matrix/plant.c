// A difference put in on purpose, to see that it is found: one more operator in the graph.
#include "driver.h"
#include <string.h>

Plant plant;

// Copies its input, from plant.tick on with the lowest bit turned over.
static void run_planted(const KrCall *call) {
  const size_t width = (size_t)kr_type_bytes(call->type), stride = kr_call_stride(call, 0);
  const uint16_t one = 1;
  const size_t lowest = *(const uint8_t *)&one == 1 ? 0 : kr_elem_bytes(call->type->elem) - 1;
  for (uint32_t i = 0; i < call->n; i++) {
    for (uint32_t lane = 0; lane < call->lanes; lane++) {
      uint8_t *to = (uint8_t *)call->out[0] + (i * call->lanes + lane) * width;
      memcpy(to, (const uint8_t *)call->in[0] + (i * stride + (stride ? lane : 0)) * width, width);
      if (plant.tick >= 0 && call->tick + i >= plant.tick) to[lowest] ^= 1;
    }
  }
}

static const KrOp planted = {
    .name = "planted",
    .in = {{.name = "x", .kind = KR_PORT_SIGNAL}},
    .run = {[KR_ELEM_F32] = run_planted, [KR_ELEM_F64] = run_planted},
};

static void redirect(KrRef *ref, uint32_t from, uint32_t to) {
  if (ref->node == from && ref->port == 0) ref->node = to;
}

// Puts the planted operator between a node and all that read it.
void put_plant(KrGraph *graph) {
  uint32_t x = 0;
  while (x < graph->n_nodes && !kr_text_is(graph->nodes[x].path, plant.path)) x++;
  if (x == graph->n_nodes || !kr_elem_is_real(graph->nodes[x].type.elem))
    fail(plant.path, "no real node has this path");
  KrNode node = {.kind = KR_NODE_OP,
                 .flow = graph->nodes[x].flow,
                 .type = graph->nodes[x].type,
                 .n_out = 1,
                 .elem = graph->nodes[x].type.elem,
                 .n_in = 1,
                 .path = graph->nodes[x].path,
                 .op = &planted};
  node.in = KR_NEW(graph->arena, KrRef);
  node.port = KR_NEW(graph->arena, KrPortValue);
  *node.port = (KrPortValue){.kind = KR_VALUE_STREAM, .type = node.type};
  uint32_t to = kr_graph_add_node(graph, &node);
  for (uint32_t i = 0; i < graph->n_nodes; i++) {
    for (uint32_t k = 0; k < graph->nodes[i].n_in; k++) redirect(&graph->nodes[i].in[k], x, to);
    redirect(&graph->nodes[i].source, x, to);
  }
  for (uint32_t i = 0; i < graph->n_outputs; i++)
    for (uint32_t k = 0; k < graph->outputs[i].n_refs; k++)
      redirect(&graph->outputs[i].refs[k], x, to);
  graph->nodes[to].in[0] = (KrRef){x, 0};
}

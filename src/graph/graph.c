/// Decides how a graph grows and what a port's type is.
#include "graph/graph.h"

const char *kr_class_text(KrRateClass cls) {
  static const char *const text[] = {"audio", "control", "visual", "sim"};
  return text[cls];
}

KrGraph *kr_graph_new(KrArena *arena) {
  KrGraph *graph = KR_NEW(arena, KrGraph);
  if (graph == NULL) return NULL;
  graph->arena = arena;
  graph->duration = KR_RATIO_ZERO;
  graph->last_event = kr_ratio_of(-1);
  graph->longest_release = KR_RATIO_ZERO;
  return graph;
}

uint32_t kr_graph_add_node(KrGraph *graph, const KrNode *node) {
  uint32_t index = graph->n_nodes;
  KR_PUSH(graph->arena, graph->nodes, graph->n_nodes, graph->cap_nodes, *node);
  graph->nodes[index].next_node = KR_NONE;
  if (node->flow == KR_NONE) return index;
  KrFlow *flow = &graph->flows[node->flow];
  if (flow->n_nodes++ == 0)
    flow->first_node = index;
  else
    graph->nodes[flow->last_node].next_node = index;
  flow->last_node = index;
  return index;
}

KrType kr_graph_type(const KrGraph *graph, KrRef ref) {
  const KrNode *node = &graph->nodes[ref.node];
  if (node->kind == KR_NODE_SIGNAL && node->signal == KR_SIGNAL_GATE && ref.port == 1)
    return KR_TYPE_SCALAR(KR_ELEM_BOOL);
  return node->type;
}

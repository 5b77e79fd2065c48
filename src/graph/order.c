/// Decides in which order flows run at one instant and nodes inside a flow, and reports the cycles
/// that leave no order.
#include "graph/graph.h"

/// Adjacency in compressed form: targets of v are to[begin[v]] … to[begin[v + 1] - 1].
typedef struct Edges {
  uint32_t n;
  uint32_t *from, *into;
  uint32_t n_pairs, cap_pairs;
  uint32_t *begin, *to;
  uint32_t *back_begin, *back_to;
  KrArena *arena;
} Edges;

static void add_edge(Edges *edges, uint32_t from, uint32_t into) {
  if (edges->n_pairs == edges->cap_pairs) {
    size_t cap = edges->cap_pairs, cap_into = edges->cap_pairs;
    edges->from = kr_arena_grow(edges->arena, edges->from, edges->n_pairs, &cap, sizeof(uint32_t));
    edges->into =
        kr_arena_grow(edges->arena, edges->into, edges->n_pairs, &cap_into, sizeof(uint32_t));
    edges->cap_pairs = (uint32_t)(cap < cap_into ? cap : cap_into);
  }
  edges->from[edges->n_pairs] = from;
  edges->into[edges->n_pairs++] = into;
}

static void group_pairs(const Edges *edges, const uint32_t *key, const uint32_t *value,
                        uint32_t **begin, uint32_t **to) {
  *begin = KR_NEW_ARRAY(edges->arena, uint32_t, edges->n + 1);
  *to = KR_NEW_ARRAY(edges->arena, uint32_t, edges->n_pairs);
  uint32_t *fill = KR_NEW_ARRAY(edges->arena, uint32_t, edges->n + 1);
  for (uint32_t i = 0; i < edges->n_pairs; i++) (*begin)[key[i] + 1]++;
  for (uint32_t v = 0; v < edges->n; v++) (*begin)[v + 1] += (*begin)[v];
  for (uint32_t v = 0; v < edges->n; v++) fill[v] = (*begin)[v];
  for (uint32_t i = 0; i < edges->n_pairs; i++) (*to)[fill[key[i]]++] = value[i];
}

static void close_edges(Edges *edges) {
  group_pairs(edges, edges->from, edges->into, &edges->begin, &edges->to);
  group_pairs(edges, edges->into, edges->from, &edges->back_begin, &edges->back_to);
}

/// Min-heap of indices.
typedef struct Heap {
  uint32_t *at;
  uint32_t n;
} Heap;

static void push_heap(Heap *heap, uint32_t value) {
  uint32_t i = heap->n++;
  while (i > 0 && heap->at[(i - 1) / 2] > value) {
    heap->at[i] = heap->at[(i - 1) / 2];
    i = (i - 1) / 2;
  }
  heap->at[i] = value;
}

static uint32_t pop_heap(Heap *heap) {
  uint32_t top = heap->at[0], last = heap->at[--heap->n], i = 0;
  for (;;) {
    uint32_t child = 2 * i + 1;
    if (child >= heap->n) break;
    if (child + 1 < heap->n && heap->at[child + 1] < heap->at[child]) child++;
    if (heap->at[child] >= last) break;
    heap->at[i] = heap->at[child];
    i = child;
  }
  heap->at[i] = last;
  return top;
}

/// Kahn's algorithm, the least index first. Returns how many were ordered; `waits` keeps the number
/// of sources not taken of the others.
static uint32_t sort_edges(const Edges *edges, uint32_t *order, uint32_t *waits) {
  Heap heap = {KR_NEW_ARRAY(edges->arena, uint32_t, edges->n), 0};
  uint32_t n = 0;
  for (uint32_t v = 0; v < edges->n; v++) {
    waits[v] = edges->back_begin[v + 1] - edges->back_begin[v];
    if (waits[v] == 0) push_heap(&heap, v);
  }
  while (heap.n > 0) {
    uint32_t v = pop_heap(&heap);
    order[n++] = v;
    for (uint32_t i = edges->begin[v]; i < edges->begin[v + 1]; i++)
      if (--waits[edges->to[i]] == 0) push_heap(&heap, edges->to[i]);
  }
  return n;
}

/// A cycle among the vertices still waiting, in data-flow direction, the least index first.
static uint32_t find_cycle(const Edges *edges, const uint32_t *waits, uint32_t *cycle) {
  uint32_t *seen_at = KR_NEW_ARRAY(edges->arena, uint32_t, edges->n);
  uint32_t *walk = KR_NEW_ARRAY(edges->arena, uint32_t, edges->n + 1);
  uint32_t v = 0, n = 0;
  while (waits[v] == 0) v++;
  while (seen_at[v] == 0) {
    seen_at[v] = ++n;
    walk[n - 1] = v;
    uint32_t source = KR_NONE;
    for (uint32_t i = edges->back_begin[v]; i < edges->back_begin[v + 1]; i++)
      if (waits[edges->back_to[i]] > 0 && edges->back_to[i] < source) source = edges->back_to[i];
    v = source;
  }
  uint32_t first = seen_at[v] - 1, length = n - first, least = 0;
  for (uint32_t i = 0; i < length; i++) cycle[i] = walk[n - 1 - i];
  for (uint32_t i = 1; i < length; i++)
    if (cycle[i] < cycle[least]) least = i;
  for (uint32_t i = 0; i < length; i++) walk[i] = cycle[(least + i) % length];
  for (uint32_t i = 0; i < length; i++) cycle[i] = walk[i];
  return length;
}

static KrText flow_name(const KrGraph *graph, uint32_t flow) { return graph->flows[flow].name; }
static KrText node_name(const KrGraph *graph, uint32_t node) { return graph->nodes[node].path; }

static void report_cycle(const KrGraph *graph, KrArena *arena, const uint32_t *cycle, uint32_t n,
                         KrText (*name)(const KrGraph *, uint32_t), KrGraphError *error) {
  KrBuffer text;
  kr_buffer_init(&text, arena);
  kr_buffer_print(&text, "zero-delay cycle: ");
  for (uint32_t i = 0; i < n; i++) kr_buffer_print(&text, "%t -> ", name(graph, cycle[i]));
  kr_buffer_print(&text, "%t", name(graph, cycle[0]));
  error->message = text.at;
  error->hint = "read one of them a tick late: keep it in a `@state`, or write `prev(x)`";
}

static bool reads_source(const KrNode *node) {
  return node->kind == KR_NODE_READ || node->kind == KR_NODE_CROSS ||
         node->kind == KR_NODE_WINDOW || node->kind == KR_NODE_HISTORY;
}

/// The source in the same flow whose newest ticks `node` reads, else KR_NONE.
static uint32_t local_source(const KrGraph *graph, const KrNode *node) {
  if (!reads_source(node) || graph->nodes[node->source.node].flow != node->flow) return KR_NONE;
  return node->source.node;
}

typedef struct Marks {
  uint8_t *needed;
  uint32_t *stack;
  uint32_t n;
} Marks;

static void mark_node(Marks *marks, uint32_t node) {
  if (node == KR_NONE || marks->needed[node]) return;
  marks->needed[node] = 1;
  marks->stack[marks->n++] = node;
}

/// Nodes nothing consumes, and those another flow or an output reads.
static void mark_roots(const KrGraph *graph, KrArena *arena, Marks *marks) {
  uint8_t *consumed = KR_NEW_ARRAY(arena, uint8_t, graph->n_nodes);
  for (uint32_t i = 0; i < graph->n_nodes; i++) {
    const KrNode *node = &graph->nodes[i];
    for (uint32_t k = 0; k < node->n_in; k++)
      if (node->in[k].node != KR_NONE && node->in[k].node != i) consumed[node->in[k].node] = 1;
    if (local_source(graph, node) != KR_NONE) consumed[node->source.node] = 1;
  }
  for (uint32_t i = 0; i < graph->n_nodes; i++) {
    const KrNode *node = &graph->nodes[i];
    if (!consumed[i]) mark_node(marks, i);
    if (reads_source(node) && local_source(graph, node) == KR_NONE)
      mark_node(marks, node->source.node);
  }
  for (uint32_t o = 0; o < graph->n_outputs; o++)
    for (uint32_t k = 0; k < graph->outputs[o].n_refs; k++)
      mark_node(marks, graph->outputs[o].refs[k].node);
}

/// Marks the nodes some consumer needs in the same tick: the roots and what they consume, but for
/// what only inputs of PREV nodes need.
static const uint8_t *mark_needed(const KrGraph *graph, KrArena *arena) {
  Marks marks = {KR_NEW_ARRAY(arena, uint8_t, graph->n_nodes),
                 KR_NEW_ARRAY(arena, uint32_t, graph->n_nodes), 0};
  mark_roots(graph, arena, &marks);
  while (marks.n > 0) {
    const KrNode *node = &graph->nodes[marks.stack[--marks.n]];
    // Under substeps the value before may be of the same tick.
    if (node->kind == KR_NODE_PREV && graph->flows[node->flow].substeps == 1) continue;
    for (uint32_t k = 0; k < node->n_in; k++) mark_node(&marks, node->in[k].node);
    mark_node(&marks, local_source(graph, node));
  }
  return marks.needed;
}

/// Edges from every flow that emits into event stream `events`, through merges and functions.
static void add_emitters(const KrGraph *graph, Edges *edges, const uint32_t *first_emit,
                         const uint32_t *next_emit, uint32_t events, uint32_t flow,
                         uint32_t *visited, uint32_t mark) {
  if (visited[events] == mark) return;
  visited[events] = mark;
  for (uint32_t i = first_emit[events]; i != KR_NONE; i = next_emit[i])
    if (graph->nodes[i].flow != flow) add_edge(edges, graph->nodes[i].flow, flow);
  const KrEvents *stream = &graph->events[events];
  for (uint32_t s = 0; s < stream->n_sources; s++)
    add_emitters(graph, edges, first_emit, next_emit, stream->sources[s], flow, visited, mark);
}

static void add_flow_edges(const KrGraph *graph, Edges *edges) {
  KrArena *arena = edges->arena;
  const uint8_t *needed = mark_needed(graph, arena);
  uint32_t *first_emit = KR_NEW_ARRAY(arena, uint32_t, graph->n_events);
  uint32_t *next_emit = KR_NEW_ARRAY(arena, uint32_t, graph->n_nodes);
  uint32_t *visited = KR_NEW_ARRAY(arena, uint32_t, graph->n_events);
  for (uint32_t e = 0; e < graph->n_events; e++) first_emit[e] = visited[e] = KR_NONE;
  for (uint32_t i = graph->n_nodes; i-- > 0;) {
    const KrNode *node = &graph->nodes[i];
    if (node->kind != KR_NODE_EMIT) continue;
    next_emit[i] = first_emit[node->events];
    first_emit[node->events] = i;
  }
  for (uint32_t i = 0; i < graph->n_nodes; i++) {
    const KrNode *node = &graph->nodes[i];
    if (node->flow == KR_NONE || !needed[i]) continue;
    if (kr_node_takes_events(node))
      add_emitters(graph, edges, first_emit, next_emit, node->events, node->flow, visited, i);
    else if (reads_source(node) && graph->nodes[node->source.node].flow != node->flow)
      add_edge(edges, graph->nodes[node->source.node].flow, node->flow);
  }
}

KrStatus kr_graph_order(const KrGraph *graph, KrArena *arena, uint32_t **order,
                        KrGraphError *error) {
  Edges edges = {.n = graph->n_flows, .arena = arena};
  add_flow_edges(graph, &edges);
  close_edges(&edges);
  *order = KR_NEW_ARRAY(arena, uint32_t, graph->n_flows);
  uint32_t *waits = KR_NEW_ARRAY(arena, uint32_t, graph->n_flows);
  if (sort_edges(&edges, *order, waits) == graph->n_flows) return KR_OK;
  uint32_t *cycle = KR_NEW_ARRAY(arena, uint32_t, graph->n_flows);
  uint32_t n = find_cycle(&edges, waits, cycle);
  error->origin = graph->flows[cycle[0]].origin;
  report_cycle(graph, arena, cycle, n, flow_name, error);
  return KR_ERROR_PROGRAM;
}

/// Nodes of one flow: their indices in the graph, ascending.
typedef struct FlowNodes {
  const KrGraph *graph;
  const uint32_t *at;
  uint32_t n, flow;
} FlowNodes;

static uint32_t local_index(const FlowNodes *nodes, uint32_t node) {
  uint32_t low = 0, high = nodes->n;
  while (high - low > 1) {
    uint32_t middle = low + (high - low) / 2;
    if (nodes->at[middle] <= node)
      low = middle;
    else
      high = middle;
  }
  return low;
}

static void add_node_edge(const FlowNodes *nodes, Edges *edges, uint32_t source, uint32_t into) {
  if (source != KR_NONE && nodes->graph->nodes[source].flow == nodes->flow)
    add_edge(edges, local_index(nodes, source), into);
}

static bool contains_stream(const KrGraph *graph, uint32_t events, uint32_t wanted) {
  if (events == wanted) return true;
  for (uint32_t i = 0; i < graph->events[events].n_sources; i++)
    if (contains_stream(graph, graph->events[events].sources[i], wanted)) return true;
  return false;
}

/// What a flow emits it can receive itself in the same tick.
static void add_emit_edges(const FlowNodes *nodes, Edges *edges) {
  const KrGraph *graph = nodes->graph;
  for (uint32_t u = 0; u < nodes->n; u++) {
    const KrNode *emit = &graph->nodes[nodes->at[u]];
    if (emit->kind != KR_NODE_EMIT) continue;
    for (uint32_t v = 0; v < nodes->n; v++) {
      const KrNode *node = &graph->nodes[nodes->at[v]];
      if (kr_node_takes_events(node) && contains_stream(graph, node->events, emit->events))
        add_edge(edges, u, v);
    }
  }
}

static void add_node_edges(const FlowNodes *nodes, Edges *edges) {
  for (uint32_t v = 0; v < nodes->n; v++) {
    const KrNode *node = &nodes->graph->nodes[nodes->at[v]];
    if (node->kind == KR_NODE_PREV || node->kind == KR_NODE_STATE_READ) continue;
    for (uint32_t k = 0; k < node->n_in; k++) add_node_edge(nodes, edges, node->in[k].node, v);
    if (reads_source(node)) add_node_edge(nodes, edges, node->source.node, v);
  }
  add_emit_edges(nodes, edges);
}

KrStatus kr_graph_order_nodes(const KrGraph *graph, KrArena *arena, uint32_t flow, uint32_t **order,
                              uint32_t *n, KrGraphError *error) {
  uint32_t n_nodes = graph->flows[flow].n_nodes;
  uint32_t *at = KR_NEW_ARRAY(arena, uint32_t, n_nodes);
  *order = KR_NEW_ARRAY(arena, uint32_t, n_nodes);
  *n = n_nodes;
  if (n_nodes == 0) return KR_OK;
  for (uint32_t i = 0, node = graph->flows[flow].first_node; i < n_nodes; i++) {
    at[i] = node;
    node = graph->nodes[node].next_node;
  }
  FlowNodes nodes = {graph, at, n_nodes, flow};
  Edges edges = {.n = n_nodes, .arena = arena};
  add_node_edges(&nodes, &edges);
  close_edges(&edges);
  uint32_t *waits = KR_NEW_ARRAY(arena, uint32_t, n_nodes);
  if (sort_edges(&edges, *order, waits) == n_nodes) {
    for (uint32_t i = 0; i < n_nodes; i++) (*order)[i] = at[(*order)[i]];
    return KR_OK;
  }
  uint32_t *cycle = KR_NEW_ARRAY(arena, uint32_t, n_nodes);
  uint32_t length = find_cycle(&edges, waits, cycle);
  for (uint32_t i = 0; i < length; i++) cycle[i] = at[cycle[i]];
  error->origin = graph->nodes[cycle[0]].origin;
  report_cycle(graph, arena, cycle, length, node_name, error);
  return KR_ERROR_PROGRAM;
}

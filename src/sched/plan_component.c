// Which independent parts of a flow are units of their own, so that they can run side by side: what
// shares no node, no lane group and nothing that the flow has once.
#include "sched/plan_build.h"

/// A unit costs about as much as a node in a hundred.
enum { LEAST_NODES = 128, MOST_UNITS = 8 };

typedef struct Components {
  KrPlan *plan;
  uint32_t unit, first;     ///< first: stands for what stays with the flow's first unit
  uint32_t *nodes, n_nodes; ///< of the unit
  uint32_t *above;          ///< per node and `first`: one of the same component; itself: its root
  uint32_t *size;           ///< per root: nodes
  uint32_t *to;             ///< per root: unit; KR_NONE: not chosen yet
} Components;

static uint32_t root_of(Components *c, uint32_t index) {
  while (c->above[index] != index) {
    c->above[index] = c->above[c->above[index]];
    index = c->above[index];
  }
  return index;
}

static void join(Components *c, uint32_t a, uint32_t b) {
  uint32_t x = root_of(c, a), y = root_of(c, b);
  if (x == y) return;
  if (c->size[x] < c->size[y]) {
    c->above[x] = y;
    c->size[y] += c->size[x];
  } else {
    c->above[y] = x;
    c->size[x] += c->size[y];
  }
}

static void join_inside(Components *c, uint32_t index, uint32_t other) {
  if (other != KR_NONE && c->plan->node_unit[other] == c->unit) join(c, index, other);
}

// States, emitted events and faults have an order that a flow's first unit keeps.
static bool stays(const KrPlan *plan, uint32_t index) {
  const KrNode *node = &plan->graph->nodes[index];
  switch (node->kind) {
  case KR_NODE_OP: return (node->op->flags & KR_OP_FAULTS) != 0;
  case KR_NODE_VOICES: return kr_plan_is_emitted(plan, node->events);
  case KR_NODE_SIGNAL: // lanes are never emitted
    return plan->node_group[index] == KR_NONE && kr_plan_is_emitted(plan, node->events);
  case KR_NODE_STATE_READ:
  case KR_NODE_STATE_WRITE:
  case KR_NODE_EMIT:
  case KR_NODE_INPUT: return true;
  default: return false;
  }
}

static void join_node(Components *c, uint32_t index) {
  const KrNode *node = &c->plan->graph->nodes[index];
  uint32_t group = c->plan->node_group[index];
  for (uint32_t k = 0; k < node->n_in; k++) join_inside(c, index, node->in[k].node);
  if (kr_node_reads_source(node)) join_inside(c, index, node->source.node);
  if (group != KR_NONE) join(c, index, c->plan->groups[group].node[0]);
  if (stays(c->plan, index)) join(c, index, c->first);
}

static void put_alone(Components *c, uint32_t index) {
  c->above[index] = index;
  c->size[index] = 1;
  c->to[index] = KR_NONE;
}

// False when large sums divide the flow already.
static bool list_nodes(Components *c, const KrFlow *flow) {
  const KrPlan *plan = c->plan;
  c->n_nodes = 0;
  put_alone(c, c->first);
  for (uint32_t i = 0, index = flow->first_node; i < flow->n_nodes; i++) {
    if (plan->node_parts[index] != KR_NONE) return false;
    if (plan->node_unit[index] == c->unit) {
      put_alone(c, index);
      c->nodes[c->n_nodes++] = index;
    }
    index = plan->graph->nodes[index].next_node;
  }
  return true;
}

static uint32_t new_unit(KrPlan *plan, uint32_t flow) {
  KrPlanUnit unit = {.flow = flow, .level = KR_LEVEL_PART};
  KR_PUSH(plan->arena, plan->units, plan->n_units, plan->cap_units, unit);
  return plan->n_units - 1;
}

// Components in the order of their first nodes, several to a unit while they are small.
static void choose_units(Components *c, uint32_t flow) {
  uint32_t least = (c->n_nodes + MOST_UNITS - 1) / MOST_UNITS, unit = c->unit;
  if (least < LEAST_NODES) least = LEAST_NODES;
  uint32_t filled = c->size[root_of(c, c->first)] - 1, left = c->n_nodes - filled;
  c->to[root_of(c, c->first)] = unit;
  for (uint32_t i = 0; i < c->n_nodes; i++) {
    uint32_t root = root_of(c, c->nodes[i]);
    if (c->to[root] != KR_NONE) continue;
    if (filled >= least && left >= LEAST_NODES) {
      unit = new_unit(c->plan, flow);
      filled = 0;
    }
    c->to[root] = unit;
    filled += c->size[root];
    left -= c->size[root];
  }
}

static void split_flow(Components *c, uint32_t flow) {
  KrPlan *plan = c->plan;
  if (!list_nodes(c, &plan->graph->flows[flow]) || c->n_nodes < 2 * LEAST_NODES) return;
  for (uint32_t i = 0; i < c->n_nodes; i++) join_node(c, c->nodes[i]);
  choose_units(c, flow);
  for (uint32_t i = 0; i < c->n_nodes; i++)
    plan->node_unit[c->nodes[i]] = c->to[root_of(c, c->nodes[i])];
}

void kr_plan_component(KrPlan *plan) {
  uint32_t n = plan->graph->n_nodes;
  Components c = {.plan = plan,
                  .first = n,
                  .nodes = KR_NEW_ARRAY(plan->arena, uint32_t, n),
                  .above = KR_NEW_ARRAY(plan->arena, uint32_t, n + 1),
                  .size = KR_NEW_ARRAY(plan->arena, uint32_t, n + 1),
                  .to = KR_NEW_ARRAY(plan->arena, uint32_t, n + 1)};
  for (uint32_t f = 0; f < plan->graph->n_flows; f++) {
    const KrFlow *flow = &plan->graph->flows[f];
    if (flow->substeps > 1 || flow->is_body || plan->flows[f].unit[1] != KR_NONE) continue;
    c.unit = plan->flows[f].unit[0];
    split_flow(&c, f);
  }
}

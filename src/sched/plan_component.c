// Which independent parts of a flow are units of their own, so that they can run side by side: what
// shares no node, no lane group and nothing that the flow has once.
#include "sched/plan_build.h"

/// A unit costs about as much as a node in a hundred.
enum { LEAST_NODES = 128, MOST_UNITS = 8 };

typedef struct Components {
  KrPlan *plan;
  uint32_t flow, unit, first; ///< first: stands for what stays with the flow's first unit
  uint32_t *above;            ///< per node and `first`: one of the same component; itself: its root
  uint32_t *size;             ///< per root: nodes
  uint32_t *to;               ///< per root: unit; KR_NONE: not chosen yet
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

static void note_emitter(void *user, uint32_t emit) { *(bool *)user |= emit != KR_NONE; }

// States, emitted events and faults have an order that a flow's first unit keeps.
static bool stays(const KrPlan *plan, const KrNode *node) {
  bool is_emitted = false;
  switch (node->kind) {
  case KR_NODE_OP: return (node->op->flags & KR_OP_FAULTS) != 0;
  case KR_NODE_SIGNAL:
    kr_plan_emitters(plan, node->events, note_emitter, &is_emitted);
    return is_emitted;
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
  if (stays(c->plan, node)) join(c, index, c->first);
}

static uint32_t next_node(const Components *c, uint32_t index) {
  return c->plan->graph->nodes[index].next_node;
}

// Components in the order of their first nodes, several to a unit while they are small.
static void choose_units(Components *c, uint32_t n_nodes) {
  KrPlan *plan = c->plan;
  const KrFlow *flow = &plan->graph->flows[c->flow];
  uint32_t least = (n_nodes + MOST_UNITS - 1) / MOST_UNITS, unit = c->unit, left = n_nodes;
  if (least < LEAST_NODES) least = LEAST_NODES;
  uint32_t filled = c->size[root_of(c, c->first)] - 1;
  c->to[root_of(c, c->first)] = unit;
  left -= filled;
  for (uint32_t i = 0, index = flow->first_node; i < flow->n_nodes;
       i++, index = next_node(c, index)) {
    if (plan->node_unit[index] != c->unit || c->to[root_of(c, index)] != KR_NONE) continue;
    if (filled >= least && left >= LEAST_NODES) {
      KrPlanUnit another = {.flow = c->flow, .level = KR_LEVEL_PART};
      KR_PUSH(plan->arena, plan->units, plan->n_units, plan->cap_units, another);
      unit = plan->n_units - 1;
      filled = 0;
    }
    c->to[root_of(c, index)] = unit;
    filled += c->size[root_of(c, index)];
    left -= c->size[root_of(c, index)];
  }
}

static void split_flow(Components *c) {
  KrPlan *plan = c->plan;
  const KrFlow *flow = &plan->graph->flows[c->flow];
  uint32_t n_nodes = 0;
  c->above[c->first] = c->first;
  c->size[c->first] = 1;
  c->to[c->first] = KR_NONE;
  for (uint32_t i = 0, index = flow->first_node; i < flow->n_nodes;
       i++, index = next_node(c, index)) {
    c->above[index] = index;
    c->size[index] = 1;
    c->to[index] = KR_NONE;
    n_nodes += plan->node_unit[index] == c->unit;
    if (plan->node_parts[index] != KR_NONE) return; // its large sums are divided already
  }
  if (n_nodes < 2 * LEAST_NODES) return;
  for (uint32_t i = 0, index = flow->first_node; i < flow->n_nodes;
       i++, index = next_node(c, index))
    if (plan->node_unit[index] == c->unit) join_node(c, index);
  choose_units(c, n_nodes);
  for (uint32_t i = 0, index = flow->first_node; i < flow->n_nodes;
       i++, index = next_node(c, index))
    if (plan->node_unit[index] == c->unit) plan->node_unit[index] = c->to[root_of(c, index)];
}

void kr_plan_component(KrPlan *plan) {
  uint32_t n = plan->graph->n_nodes;
  Components c = {.plan = plan,
                  .first = n,
                  .above = KR_NEW_ARRAY(plan->arena, uint32_t, n + 1),
                  .size = KR_NEW_ARRAY(plan->arena, uint32_t, n + 1),
                  .to = KR_NEW_ARRAY(plan->arena, uint32_t, n + 1)};
  for (c.flow = 0; c.flow < plan->graph->n_flows; c.flow++) {
    c.unit = plan->flows[c.flow].unit[0];
    if (plan->graph->flows[c.flow].substeps > 1 || plan->flows[c.flow].unit[1] != KR_NONE) continue;
    split_flow(&c);
  }
}

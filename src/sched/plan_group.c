// Which nodes run as lanes of one step: copies of one shape, found from the sums, outputs and
// crossings that read them side by side.
#include "sched/plan.h"

enum { MAX_SUM_INPUTS = 128 };

/// Outputs that some node reads side by side: candidates for the lanes of a group.
typedef struct Row {
  KrRef at[KR_LANES];
  uint32_t n;
} Row;

typedef struct Groups {
  KrPlan *plan;
  uint32_t *depth; ///< longest way from a node without inputs in its unit; members have one depth,
                   ///< so no way leads from one to another
  Row *rows;       ///< still to be looked at
  uint32_t n_rows, cap_rows;
} Groups;

static const KrNode *node_at(const KrPlan *plan, uint32_t index) {
  return &plan->graph->nodes[index];
}

// ---- depth

static void raise_depth(Groups *groups, uint32_t index, uint32_t below) {
  const KrPlan *plan = groups->plan;
  if (below == KR_NONE || plan->node_unit[below] != plan->node_unit[index]) return;
  if (groups->depth[index] <= groups->depth[below]) groups->depth[index] = groups->depth[below] + 1;
}

static void find_depths(Groups *groups, uint32_t flow, uint32_t *by_rank) {
  const KrPlan *plan = groups->plan;
  const KrFlow *def = &plan->graph->flows[flow];
  for (uint32_t i = 0, index = def->first_node; i < def->n_nodes; i++) {
    by_rank[plan->node_rank[index]] = index;
    index = node_at(plan, index)->next_node;
  }
  for (uint32_t i = 0; i < def->n_nodes; i++) {
    const KrNode *node = node_at(plan, by_rank[i]);
    for (uint32_t k = node->kind == KR_NODE_PREV ? 1 : 0; k < node->n_in; k++)
      raise_depth(groups, by_rank[i], node->in[k].node);
    if (kr_node_reads_source(node)) raise_depth(groups, by_rank[i], node->source.node);
  }
}

// ---- what can be a lane

static bool has_scalar_ports(const KrOp *op) {
  for (uint32_t i = 0; i < kr_op_ports(op); i++) switch (op->in[i].kind) {
    case KR_PORT_VECTOR:
    case KR_PORT_SPECTRUM:
    case KR_PORT_IMAGE:
    case KR_PORT_FIELD: return false;
    default: break;
    }
  return true;
}

static bool can_be_lane(const KrPlan *plan, uint32_t index) {
  const KrNode *node = node_at(plan, index);
  if (plan->node_unit[index] == KR_NONE || plan->node_group[index] != KR_NONE) return false;
  if (node->type.shape != KR_SHAPE_SCALAR || plan->graph->flows[node->flow].is_body) return false;
  switch (node->kind) {
  case KR_NODE_OP: return !(node->op->flags & KR_OP_ALONE) && has_scalar_ports(node->op);
  case KR_NODE_PREV:
    return node->n_in == 1 && plan->node_unit[node->in[0].node] == plan->node_unit[index];
  case KR_NODE_CROSS:
  case KR_NODE_READ: return true;
  case KR_NODE_SIGNAL: return !kr_plan_is_emitted(plan, node->events);
  case KR_NODE_SUM: return kr_elem_is_real(node->type.elem) && node->n_in <= MAX_SUM_INPUTS;
  default: return false;
  }
}

static bool is_same_kind(const KrPlan *plan, uint32_t a, uint32_t b) {
  const KrNode *x = node_at(plan, a), *y = node_at(plan, b);
  if (x->kind != y->kind || plan->node_unit[a] != plan->node_unit[b]) return false;
  if (!kr_type_equal(&x->type, &y->type) || x->n_in != y->n_in || x->n_out != y->n_out)
    return false;
  switch (x->kind) {
  case KR_NODE_OP: return x->op == y->op && x->elem == y->elem;
  case KR_NODE_CROSS: return x->mode == y->mode && x->causal == y->causal;
  case KR_NODE_SIGNAL: return x->signal == y->signal;
  default: return true;
  }
}

// A left out input is left out in every lane.
static bool has_same_inputs(const KrNode *x, const KrNode *y) {
  for (uint32_t k = 0; k < x->n_in; k++)
    if ((x->in[k].node == KR_NONE) != (y->in[k].node == KR_NONE)) return false;
  return true;
}

static uint64_t field_count(const KrPlan *plan, uint32_t index, uint32_t field) {
  const KrNode *node = node_at(plan, index);
  KrPrep prep = kr_plan_prep(plan, index, plan->arena);
  uint64_t count = node->op->field[field].count;
  return count == 0 && node->op->count != NULL ? node->op->count(&prep, field) : count;
}

// Only rings may have another length in every lane.
static bool has_same_fields(const KrPlan *plan, uint32_t a, uint32_t b) {
  const KrOp *op = node_at(plan, a)->op;
  if (op == NULL) return true;
  for (uint32_t f = 0; f < kr_op_fields(op); f++)
    if (op->field[f].count == 0 && !(op->field[f].flags & KR_FIELD_RING) &&
        field_count(plan, a, f) != field_count(plan, b, f))
      return false;
  return true;
}

static bool are_alike(const Groups *groups, const Row *row) {
  const KrPlan *plan = groups->plan;
  uint32_t first = row->at[0].node;
  for (uint32_t i = 0; i < row->n; i++) {
    uint32_t index = row->at[i].node;
    if (index == KR_NONE || row->at[i].port != row->at[0].port) return false;
    if (!can_be_lane(plan, index) || groups->depth[index] != groups->depth[first]) return false;
    for (uint32_t j = 0; j < i; j++)
      if (row->at[j].node == index) return false;
    if (i > 0 && !(is_same_kind(plan, first, index) &&
                   has_same_inputs(node_at(plan, first), node_at(plan, index)) &&
                   has_same_fields(plan, first, index)))
      return false;
  }
  return true;
}

// ---- groups

bool kr_plan_is_group(const KrPlan *plan, const KrRef *refs, uint32_t n, uint32_t *group) {
  if (n == 0 || refs[0].node == KR_NONE) return false;
  *group = plan->node_group[refs[0].node];
  if (*group == KR_NONE || plan->groups[*group].n != n) return false;
  for (uint32_t i = 0; i < n; i++)
    if (refs[i].node != plan->groups[*group].node[i] || refs[i].port != refs[0].port) return false;
  return true;
}

static void push_row(Groups *groups, const Row *row) {
  if (row->n >= KR_LEAST_LANES)
    KR_PUSH(groups->plan->arena, groups->rows, groups->n_rows, groups->cap_rows, *row);
}

static void push_refs(Groups *groups, const KrRef *refs, uint32_t n) {
  for (uint32_t i = 0; i < n; i += KR_LANES) {
    Row row = {.n = n - i < KR_LANES ? n - i : KR_LANES};
    for (uint32_t l = 0; l < row.n; l++) row.at[l] = refs[i + l];
    push_row(groups, &row);
  }
}

static void push_inputs(Groups *groups, const Row *row) {
  const KrPlan *plan = groups->plan;
  for (uint32_t k = 0; k < node_at(plan, row->at[0].node)->n_in; k++) {
    Row inputs = {.n = row->n};
    for (uint32_t i = 0; i < row->n; i++) inputs.at[i] = node_at(plan, row->at[i].node)->in[k];
    push_row(groups, &inputs);
  }
}

static void make_group(Groups *groups, const Row *row) {
  KrPlan *plan = groups->plan;
  KrPlanGroup group = {.n = row->n};
  for (uint32_t l = 0; l < KR_LANES; l++) group.node[l] = row->at[l < row->n ? l : 0].node;
  for (uint32_t l = 0; l < row->n; l++) {
    plan->node_group[row->at[l].node] = plan->n_groups;
    plan->node_lane[row->at[l].node] = l;
  }
  KR_PUSH(plan->arena, plan->groups, plan->n_groups, plan->cap_groups, group);
  push_inputs(groups, row);
}

static bool try_group(Groups *groups, const Row *row) {
  if (!are_alike(groups, row)) return false;
  const KrPlan *plan = groups->plan;
  const KrNode *first = node_at(plan, row->at[0].node);
  if (first->kind == KR_NODE_CROSS || first->kind == KR_NODE_READ) {
    Row sources = {.n = row->n};
    uint32_t group;
    for (uint32_t i = 0; i < row->n; i++) sources.at[i] = node_at(plan, row->at[i].node)->source;
    if (!try_group(groups, &sources) && !kr_plan_is_group(plan, sources.at, sources.n, &group))
      return false;
  }
  make_group(groups, row);
  return true;
}

static void drain_rows(Groups *groups) {
  while (groups->n_rows > 0) {
    Row row = groups->rows[--groups->n_rows];
    try_group(groups, &row);
  }
}

// The newest sums first: the lanes of a sum of sums are the sums.
static void seed_sums(Groups *groups) {
  const KrGraph *graph = groups->plan->graph;
  for (uint32_t i = graph->n_nodes; i-- > 0;) {
    const KrNode *node = &graph->nodes[i];
    if (node->kind != KR_NODE_SUM || groups->plan->node_unit[i] == KR_NONE) continue;
    if (groups->plan->node_group[i] != KR_NONE || !kr_elem_is_real(node->type.elem)) continue;
    push_refs(groups, node->in, node->n_in);
    drain_rows(groups);
  }
}

static void seed_outputs(Groups *groups) {
  const KrGraph *graph = groups->plan->graph;
  for (uint32_t o = 0; o < graph->n_outputs; o++) {
    if (graph->outputs[o].kind == KR_OUTPUT_EVENTS) continue;
    push_refs(groups, graph->outputs[o].refs, graph->outputs[o].n_refs);
    drain_rows(groups);
  }
}

void kr_plan_group(KrPlan *plan) {
  KrArena *arena = plan->arena;
  uint32_t n = plan->graph->n_nodes;
  plan->node_group = KR_NEW_ARRAY(arena, uint32_t, n);
  plan->node_lane = KR_NEW_ARRAY(arena, uint32_t, n);
  for (uint32_t i = 0; i < n; i++) plan->node_group[i] = KR_NONE;
  Groups groups = {.plan = plan, .depth = KR_NEW_ARRAY(arena, uint32_t, n)};
  uint32_t *by_rank = KR_NEW_ARRAY(arena, uint32_t, n);
  for (uint32_t f = 0; f < plan->graph->n_flows; f++) find_depths(&groups, f, by_rank);
  plan->node_depth = groups.depth;
  seed_sums(&groups);
  seed_outputs(&groups);
}

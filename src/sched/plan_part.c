// Which chunks of large sums are units of their own, so that they can run side by side. The chunks
// are those of semantics 4; what is shared by several stays with the flow.
#include "sched/plan_build.h"

/// Owners of nodes besides parts.
static const uint32_t OWNER_UNSEEN = UINT32_MAX, OWNER_FLOW = UINT32_MAX - 1;
enum { LEAST_CHUNKS = 2 };

typedef struct Split {
  KrPlan *plan;
  uint32_t flow, unit;
  uint32_t *nodes, n_nodes; ///< of the unit, the deepest last
  uint8_t *forced;          ///< per node: stays with the flow
  uint32_t *owner;          ///< per node
  uint32_t *stage;          ///< per node: large sums of the flow below it, one after the other
  uint32_t *root;           ///< per part: the part it is one with
  uint32_t *part_stage;     ///< per part
  uint32_t first_part;      ///< of this flow
} Split;

static const KrNode *node_at(const Split *split, uint32_t index) {
  return &split->plan->graph->nodes[index];
}

static uint32_t root_of(const Split *split, uint32_t part) {
  while (split->root[part] != part) part = split->root[part];
  return part;
}

static bool is_inside(const Split *split, KrRef ref) {
  return ref.node != KR_NONE && split->plan->node_unit[ref.node] == split->unit;
}

// ---- candidates

static void list_nodes(Split *split, uint32_t *count) {
  const KrPlan *plan = split->plan;
  const KrFlow *flow = &plan->graph->flows[split->flow];
  uint32_t deepest = 0;
  split->n_nodes = 0;
  for (uint32_t i = 0, index = flow->first_node; i < flow->n_nodes; i++) {
    if (plan->node_unit[index] == split->unit && plan->node_depth[index] > deepest)
      deepest = plan->node_depth[index];
    index = node_at(split, index)->next_node;
  }
  for (uint32_t d = 0; d <= deepest + 1; d++) count[d] = 0;
  for (uint32_t pass = 0; pass < 2; pass++) {
    for (uint32_t i = 0, index = flow->first_node; i < flow->n_nodes; i++) {
      if (plan->node_unit[index] == split->unit && pass == 0) count[plan->node_depth[index] + 1]++;
      if (plan->node_unit[index] == split->unit && pass == 1)
        split->nodes[count[plan->node_depth[index]]++] = index;
      index = node_at(split, index)->next_node;
    }
    if (pass == 0) {
      for (uint32_t d = 0; d <= deepest; d++) count[d + 1] += count[d];
      split->n_nodes = count[deepest + 1];
    }
  }
}

static bool is_large_sum(const KrPlan *plan, uint32_t index) {
  const KrNode *node = &plan->graph->nodes[index];
  uint32_t group;
  return node->kind == KR_NODE_SUM && plan->node_group[index] == KR_NONE &&
         kr_elem_is_real(node->type.elem) && node->n_in > (LEAST_CHUNKS - 1) * KR_SUM_CHUNK &&
         kr_plan_is_group(plan, node->in, KR_LANES, &group);
}

static uint32_t n_chunks(const KrNode *sum) {
  return (sum->n_in + KR_SUM_CHUNK - 1) / KR_SUM_CHUNK;
}

static void add_parts(Split *split) {
  KrPlan *plan = split->plan;
  split->first_part = plan->n_parts;
  for (uint32_t i = 0; i < split->n_nodes; i++) {
    uint32_t index = split->nodes[i];
    if (!is_large_sum(plan, index)) continue;
    plan->node_parts[index] = plan->n_parts;
    for (uint32_t c = 0; c < n_chunks(node_at(split, index)); c++)
      KR_PUSH(plan->arena, plan->parts, plan->n_parts, plan->cap_parts,
              ((KrPlanPart){.sum = index, .chunk = c, .unit = KR_NONE, .value = KR_NONE}));
  }
}

static bool can_move(const Split *split, uint32_t index) {
  const KrNode *node = node_at(split, index);
  switch (node->kind) {
  case KR_NODE_OP:
  case KR_NODE_CROSS:
  case KR_NODE_READ:
  case KR_NODE_SUM: return node->type.shape == KR_SHAPE_SCALAR;
  case KR_NODE_SIGNAL: return split->plan->node_group[index] != KR_NONE; // not emitted
  case KR_NODE_PREV:
    return node->type.shape == KR_SHAPE_SCALAR && node->n_in == 1 && is_inside(split, node->in[0]);
  default: return false;
  }
}

static void force(Split *split) {
  const KrGraph *graph = split->plan->graph;
  for (uint32_t i = 0; i < split->n_nodes; i++)
    split->forced[split->nodes[i]] = !can_move(split, split->nodes[i]);
  for (uint32_t i = 0; i < graph->n_nodes; i++)
    if (kr_node_reads_source(&graph->nodes[i])) split->forced[graph->nodes[i].source.node] = 1;
  for (uint32_t o = 0; o < graph->n_outputs; o++)
    for (uint32_t k = 0; k < graph->outputs[o].n_refs; k++)
      split->forced[graph->outputs[o].refs[k].node] = 1;
}

// ---- owners

// Chunks of one number of several sums of the same copies become one part.
static uint32_t join(Split *split, uint32_t a, uint32_t b) {
  if (a == OWNER_UNSEEN) return b;
  if (a == OWNER_FLOW || b == OWNER_FLOW) return OWNER_FLOW;
  uint32_t x = root_of(split, a), y = root_of(split, b);
  if (x == y) return x;
  if (split->plan->parts[x].chunk != split->plan->parts[y].chunk) return OWNER_FLOW;
  split->root[x > y ? x : y] = x > y ? y : x;
  return x > y ? y : x;
}

static void push_owner(Split *split, uint32_t index) {
  const KrNode *node = node_at(split, index);
  uint32_t parts = split->plan->node_parts[index];
  for (uint32_t k = 0; k < node->n_in; k++) {
    if (!is_inside(split, node->in[k])) continue;
    uint32_t *owner = &split->owner[node->in[k].node];
    *owner = join(split, *owner, parts != KR_NONE ? parts + k / KR_SUM_CHUNK : split->owner[index]);
  }
}

// Lanes of a group go together.
static void agree(Split *split, uint32_t index) {
  uint32_t group = split->plan->node_group[index], owner = OWNER_UNSEEN;
  if (group == KR_NONE) return;
  const KrPlanGroup *lanes = &split->plan->groups[group];
  for (uint32_t l = 0; l < lanes->n; l++) {
    uint32_t of = split->owner[lanes->node[l]];
    owner =
        of == OWNER_UNSEEN || split->forced[lanes->node[l]] ? OWNER_FLOW : join(split, owner, of);
  }
  for (uint32_t l = 0; l < lanes->n; l++) split->owner[lanes->node[l]] = owner;
}

static void find_owners(Split *split) {
  for (uint32_t i = 0; i < split->n_nodes; i++) split->owner[split->nodes[i]] = OWNER_UNSEEN;
  for (uint32_t p = split->first_part; p < split->plan->n_parts; p++) split->root[p] = p;
  for (uint32_t end = split->n_nodes, begin; end > 0; end = begin) {
    uint32_t depth = split->plan->node_depth[split->nodes[end - 1]];
    begin = end;
    while (begin > 0 && split->plan->node_depth[split->nodes[begin - 1]] == depth) begin--;
    for (uint32_t i = begin; i < end; i++) {
      uint32_t *owner = &split->owner[split->nodes[i]];
      if (split->forced[split->nodes[i]] || *owner == OWNER_UNSEEN) *owner = OWNER_FLOW;
    }
    for (uint32_t i = begin; i < end; i++) agree(split, split->nodes[i]);
    for (uint32_t i = begin; i < end; i++) push_owner(split, split->nodes[i]);
  }
}

static uint32_t owner_of(const Split *split, uint32_t index) {
  uint32_t owner = split->owner[index];
  return owner < OWNER_FLOW ? root_of(split, owner) : OWNER_FLOW;
}

// What a part reads of the tick before it makes itself, and what nobody else reads.
static bool force_loops(Split *split) {
  bool changed = false;
  for (uint32_t i = 0; i < split->n_nodes; i++) {
    uint32_t index = split->nodes[i];
    const KrNode *node = node_at(split, index);
    uint32_t owner = owner_of(split, index);
    for (uint32_t k = 0; k < node->n_in; k++) {
      if (!is_inside(split, node->in[k]) || split->plan->node_parts[index] != KR_NONE) continue;
      uint32_t in = node->in[k].node, of = owner_of(split, in);
      if (of == owner || (of == OWNER_FLOW && node->kind != KR_NODE_PREV)) continue;
      changed = changed || !split->forced[in] || !split->forced[index];
      split->forced[in] = split->forced[index] = 1;
    }
  }
  return changed;
}

// ---- stages

static void raise_stage(Split *split, uint32_t index) {
  const KrNode *node = node_at(split, index);
  uint32_t parts = split->plan->node_parts[index], owner = owner_of(split, index);
  uint32_t *stage = owner == OWNER_FLOW ? &split->stage[index] : &split->part_stage[owner];
  for (uint32_t k = node->kind == KR_NODE_PREV ? 1 : 0; k < node->n_in; k++) {
    if (!is_inside(split, node->in[k])) continue;
    uint32_t of = owner_of(split, node->in[k].node), least = split->stage[node->in[k].node];
    if (of != OWNER_FLOW && of == owner) continue;
    if (of != OWNER_FLOW) least = split->part_stage[of] + 1;
    if (least > *stage) *stage = least;
  }
  if (parts != KR_NONE && owner == OWNER_FLOW)
    for (uint32_t c = 0; c < n_chunks(node); c++) {
      uint32_t least = split->part_stage[root_of(split, parts + c)] + 1;
      if (least > *stage) *stage = least;
    }
}

static void level_stage(Split *split, uint32_t index) {
  uint32_t group = split->plan->node_group[index], stage = 0;
  if (group == KR_NONE || owner_of(split, index) != OWNER_FLOW) return;
  const KrPlanGroup *lanes = &split->plan->groups[group];
  for (uint32_t l = 0; l < lanes->n; l++)
    if (split->stage[lanes->node[l]] > stage) stage = split->stage[lanes->node[l]];
  for (uint32_t l = 0; l < lanes->n; l++) split->stage[lanes->node[l]] = stage;
}

static void find_stages(Split *split) {
  for (uint32_t begin = 0, end; begin < split->n_nodes; begin = end) {
    uint32_t depth = split->plan->node_depth[split->nodes[begin]];
    for (end = begin; end < split->n_nodes; end++) {
      if (split->plan->node_depth[split->nodes[end]] != depth) break;
      raise_stage(split, split->nodes[end]);
    }
    for (uint32_t i = begin; i < end; i++) level_stage(split, split->nodes[i]);
  }
}

// Whether every stage needs only those before it, and loops and states stay within one.
static bool is_sound(const Split *split) {
  for (uint32_t i = 0; i < split->n_nodes; i++) {
    uint32_t index = split->nodes[i], parts = split->plan->node_parts[index];
    const KrNode *node = node_at(split, index);
    uint32_t owner = owner_of(split, index), stage = split->stage[index];
    if (owner != OWNER_FLOW) continue;
    if ((node->kind == KR_NODE_STATE_WRITE || node->kind == KR_NODE_EMIT) && stage > 0)
      return false;
    if (kr_node_reads_source(node) && is_inside(split, node->source) &&
        split->stage[node->source.node] != stage)
      return false;
    if (node->kind == KR_NODE_PREV && is_inside(split, node->in[0]) &&
        split->stage[node->in[0].node] != stage)
      return false;
    for (uint32_t c = 0; parts != KR_NONE && c < n_chunks(node); c++)
      if (split->part_stage[root_of(split, parts + c)] >= stage) return false;
  }
  return true;
}

// ---- units

static uint32_t new_unit(Split *split) {
  KrPlan *plan = split->plan;
  KrPlanUnit unit = {.flow = split->flow, .level = KR_LEVEL_PART};
  KR_PUSH(plan->arena, plan->units, plan->n_units, plan->cap_units, unit);
  return plan->n_units - 1;
}

static void make_units(Split *split) {
  KrPlan *plan = split->plan;
  uint32_t last_stage = 0;
  for (uint32_t i = 0; i < split->n_nodes; i++)
    if (split->stage[split->nodes[i]] > last_stage) last_stage = split->stage[split->nodes[i]];
  uint32_t *unit = KR_NEW_ARRAY(plan->arena, uint32_t, last_stage + 1);
  unit[0] = split->unit;
  for (uint32_t s = 0; s <= last_stage; s++) {
    if (s > 0) unit[s] = new_unit(split);
    for (uint32_t p = split->first_part; p < plan->n_parts; p++)
      if (root_of(split, p) == p && split->part_stage[p] == s)
        plan->parts[p].unit = new_unit(split);
  }
  for (uint32_t p = split->first_part; p < plan->n_parts; p++)
    plan->parts[p].unit = plan->parts[root_of(split, p)].unit;
  for (uint32_t i = 0; i < split->n_nodes; i++) {
    uint32_t index = split->nodes[i], owner = owner_of(split, index);
    plan->node_unit[index] =
        owner == OWNER_FLOW ? unit[split->stage[index]] : plan->parts[owner].unit;
  }
}

// Whether chunk `c` of a sum is wholly its part's: every input is made there.
static bool is_whole(const Split *split, uint32_t part) {
  const KrPlanPart *p = &split->plan->parts[part];
  const KrNode *sum = node_at(split, p->sum);
  uint32_t end =
      (p->chunk + 1) * KR_SUM_CHUNK < sum->n_in ? (p->chunk + 1) * KR_SUM_CHUNK : sum->n_in;
  for (uint32_t k = p->chunk * KR_SUM_CHUNK; k < end; k++)
    if (!is_inside(split, sum->in[k]) || owner_of(split, sum->in[k].node) != root_of(split, part))
      return false;
  return true;
}

static bool are_whole(const Split *split) {
  for (uint32_t p = split->first_part; p < split->plan->n_parts; p++)
    if (!is_whole(split, p)) return false;
  return true;
}

static void drop_parts(Split *split) {
  KrPlan *plan = split->plan;
  for (uint32_t p = split->first_part; p < plan->n_parts; p++)
    plan->node_parts[plan->parts[p].sum] = KR_NONE;
  plan->n_parts = split->first_part;
}

static void split_flow(Split *split, uint32_t *count) {
  KrPlan *plan = split->plan;
  list_nodes(split, count);
  add_parts(split);
  if (plan->n_parts == split->first_part) return;
  split->root = KR_NEW_ARRAY(plan->arena, uint32_t, plan->n_parts);
  split->part_stage = KR_NEW_ARRAY(plan->arena, uint32_t, plan->n_parts);
  force(split);
  do find_owners(split);
  while (force_loops(split));
  find_stages(split);
  if (are_whole(split) && is_sound(split))
    make_units(split);
  else
    drop_parts(split);
}

void kr_plan_part(KrPlan *plan) {
  KrArena *arena = plan->arena;
  uint32_t n = plan->graph->n_nodes;
  Split split = {.plan = plan,
                 .nodes = KR_NEW_ARRAY(arena, uint32_t, n),
                 .forced = KR_NEW_ARRAY(arena, uint8_t, n),
                 .owner = KR_NEW_ARRAY(arena, uint32_t, n),
                 .stage = KR_NEW_ARRAY(arena, uint32_t, n)};
  uint32_t *count = KR_NEW_ARRAY(arena, uint32_t, n + 2);
  plan->node_parts = KR_NEW_ARRAY(arena, uint32_t, n);
  for (uint32_t i = 0; i < n; i++) plan->node_parts[i] = KR_NONE;
  for (uint32_t f = 0; f < plan->graph->n_flows; f++) {
    const KrFlow *flow = &plan->graph->flows[f];
    if (flow->substeps > 1 || flow->is_body || plan->flows[f].unit[1] != KR_NONE) continue;
    split.flow = f;
    split.unit = plan->flows[f].unit[0];
    split_flow(&split, count);
  }
}

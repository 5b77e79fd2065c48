// The steps of a unit: a node or a group of them, and what lays out inputs between one lane and
// sixteen.
#include "sched/plan_build.h"

uint32_t kr_builder_add(KrBuilder *builder, KrPlanStep step) {
  KrArena *arena = builder->plan->arena;
  KR_PUSH(arena, builder->steps, builder->n, builder->cap, step);
  while (builder->n_value_steps < builder->plan->n_values) {
    uint32_t cap = 2 * builder->plan->n_values;
    uint32_t *grown = KR_NEW_ARRAY(arena, uint32_t, cap);
    for (uint32_t i = 0; i < cap; i++)
      grown[i] = i < builder->n_value_steps ? builder->value_step[i] : KR_NONE;
    builder->value_step = grown;
    builder->n_value_steps = cap;
  }
  for (uint32_t i = 0; i < step.n_out; i++) builder->value_step[step.out + i] = builder->n - 1;
  return builder->n - 1;
}

static const KrNode *node_at(const KrBuilder *builder, uint32_t index) {
  return &builder->plan->graph->nodes[index];
}

// ---- one lane

static uint32_t import_value(KrBuilder *builder, KrRef ref) {
  KrPlan *plan = builder->plan;
  uint32_t value = kr_plan_value(plan, ref);
  uint32_t known = builder->import_of[value];
  if (known != KR_NONE && plan->values[known].unit == builder->unit) return known;
  uint32_t ring = kr_plan_need_ring(plan, value, plan->values[value].unit, 1);
  uint32_t copy = kr_plan_add_value(plan, plan->values[value].type, 1, builder->unit);
  builder->import_of[value] = copy;
  kr_builder_add(builder, (KrPlanStep){.kind = KR_STEP_IMPORT,
                                       .lanes = 1,
                                       .ring = ring,
                                       .after = KR_NONE,
                                       .out = copy,
                                       .n_out = 1});
  return copy;
}

static bool is_foreign(const KrBuilder *builder, KrRef ref) {
  uint32_t unit = builder->plan->node_unit[ref.node];
  return unit != KR_NONE && unit != builder->unit;
}

void kr_builder_add_imports(KrBuilder *builder, uint32_t index) {
  const KrNode *node = node_at(builder, index);
  if (builder->plan->node_parts[index] != KR_NONE) return;
  for (uint32_t k = node->kind == KR_NODE_PREV ? 1 : 0; k < node->n_in; k++)
    if (node->in[k].node != KR_NONE && is_foreign(builder, node->in[k]))
      import_value(builder, node->in[k]);
}

static uint32_t depth_key(const KrPlan *plan, uint32_t node) { return 2 * plan->node_depth[node]; }

// The output of a group's node apart from its neighbours.
static void add_lane(KrBuilder *builder, KrRef ref) {
  KrPlan *plan = builder->plan;
  uint32_t value = kr_plan_value(plan, ref);
  if (builder->value_step[value] != KR_NONE) return;
  KrPlanStep step = {
      .kind = KR_STEP_LANE, .lanes = 1, .ring = KR_NONE, .after = KR_NONE, .n_in = 1};
  step.in = KR_NEW_ARRAY(plan->arena, uint32_t, 1);
  step.in_lane = KR_NEW_ARRAY(plan->arena, uint32_t, 1);
  step.in[0] = plan->groups[plan->node_group[ref.node]].first_value + ref.port;
  step.in_lane[0] = plan->node_lane[ref.node];
  step.key = depth_key(plan, ref.node) + 1;
  step.out = value;
  step.n_out = 1;
  kr_builder_add(builder, step);
}

static uint32_t input_value(KrBuilder *builder, KrRef ref) {
  if (ref.node == KR_NONE) return KR_NONE;
  if (is_foreign(builder, ref)) return import_value(builder, ref);
  if (builder->plan->node_group[ref.node] != KR_NONE) add_lane(builder, ref);
  return kr_plan_value(builder->plan, ref);
}

void kr_builder_add_ring_lanes(KrBuilder *builder, const uint32_t *nodes, uint32_t n) {
  const KrPlan *plan = builder->plan;
  for (uint32_t i = 0; i < n; i++) {
    if (plan->node_group[nodes[i]] == KR_NONE) continue;
    for (uint32_t port = 0; port < kr_plan_node_outs(node_at(builder, nodes[i])); port++)
      if (plan->values[plan->first_value[nodes[i]] + port].ring != KR_NONE)
        add_lane(builder, (KrRef){nodes[i], port});
  }
}

// ---- sixteen lanes

static uint32_t constant_row(KrBuilder *builder, const KrRef *refs, uint32_t n) {
  KrPlan *plan = builder->plan;
  uint32_t value =
      kr_plan_add_value(plan, kr_graph_type(plan->graph, refs[0]), KR_LANES, builder->unit);
  KrPlanRow row = {.value = value};
  plan->values[value].held = true;
  for (uint32_t l = 0; l < KR_LANES; l++) row.from[l] = kr_plan_value(plan, refs[l < n ? l : 0]);
  KR_PUSH(plan->arena, plan->rows, plan->n_rows, plan->cap_rows, row);
  return value;
}

static uint32_t spread_value(KrBuilder *builder, KrRef ref) {
  KrPlan *plan = builder->plan;
  uint32_t from = kr_plan_value(plan, ref);
  uint32_t known = builder->spread_of[from];
  if (known != KR_NONE && plan->values[known].unit == builder->unit) return known;
  KrPlanStep step = {
      .kind = KR_STEP_SPREAD, .lanes = KR_LANES, .ring = KR_NONE, .after = KR_NONE, .n_in = 1};
  step.in = KR_NEW_ARRAY(plan->arena, uint32_t, 1);
  step.in[0] = input_value(builder, ref);
  step.key = depth_key(plan, ref.node) + 1;
  step.out = kr_plan_add_value(plan, plan->values[from].type, KR_LANES, builder->unit);
  step.n_out = 1;
  builder->spread_of[from] = step.out;
  kr_builder_add(builder, step);
  return step.out;
}

static uint32_t pack_values(KrBuilder *builder, const KrRef *refs, uint32_t n) {
  KrPlan *plan = builder->plan;
  KrPlanStep step = {
      .kind = KR_STEP_PACK, .lanes = KR_LANES, .ring = KR_NONE, .after = KR_NONE, .n_in = KR_LANES};
  step.in = KR_NEW_ARRAY(plan->arena, uint32_t, KR_LANES);
  step.in_lane = KR_NEW_ARRAY(plan->arena, uint32_t, KR_LANES);
  for (uint32_t l = 0; l < KR_LANES; l++) {
    KrRef ref = refs[l < n ? l : 0];
    uint32_t group = plan->node_group[ref.node];
    bool is_lane = group != KR_NONE && !is_foreign(builder, ref);
    step.in[l] = is_lane ? plan->groups[group].first_value + ref.port : input_value(builder, ref);
    step.in_lane[l] = is_lane ? plan->node_lane[ref.node] : 0;
    uint32_t key = depth_key(plan, ref.node) + 1;
    if (!is_foreign(builder, ref) && key > step.key) step.key = key;
  }
  step.out = kr_plan_add_value(plan, kr_graph_type(plan->graph, refs[0]), KR_LANES, builder->unit);
  step.n_out = 1;
  kr_builder_add(builder, step);
  return step.out;
}

// What n refs, one a lane, are in this unit: a group's output, constants, one stream for all, or a
// mixture.
static uint32_t lanes_value(KrBuilder *builder, const KrRef *refs, uint32_t n) {
  const KrPlan *plan = builder->plan;
  uint32_t group, n_constant = 0, n_same = 0;
  if (refs[0].node == KR_NONE) return KR_NONE;
  if (kr_plan_is_group(plan, refs, n, &group) && !is_foreign(builder, refs[0]))
    return plan->groups[group].first_value + refs[0].port;
  for (uint32_t l = 0; l < n; l++) {
    n_constant += kr_plan_is_constant(plan, refs[l].node);
    n_same += refs[l].node == refs[0].node && refs[l].port == refs[0].port;
  }
  if (n_constant == n) return constant_row(builder, refs, n);
  if (n_same == n) return spread_value(builder, refs[0]);
  return pack_values(builder, refs, n);
}

static void add_group(KrBuilder *builder, uint32_t index) {
  KrPlan *plan = builder->plan;
  const KrPlanGroup *group = &plan->groups[index];
  uint32_t members[KR_LANES], n = group->n;
  for (uint32_t l = 0; l < KR_LANES; l++) members[l] = group->node[l];
  const KrNode *node = node_at(builder, members[0]);
  KrPlanStep step = {.kind = KR_STEP_NODE,
                     .node = members[0],
                     .lanes = KR_LANES,
                     .n_lanes = n,
                     .group = index,
                     .ring = KR_NONE,
                     .after = KR_NONE,
                     .rank = plan->node_rank[members[0]],
                     .key = depth_key(plan, members[0]),
                     .out = group->first_value,
                     .n_out = kr_plan_node_outs(node),
                     .n_in = node->n_in};
  step.in = KR_NEW_ARRAY(plan->arena, uint32_t, node->n_in);
  for (uint32_t k = 0; k < node->n_in; k++) {
    KrRef refs[KR_LANES];
    for (uint32_t l = 0; l < n; l++) refs[l] = node_at(builder, members[l])->in[k];
    step.in[k] = lanes_value(builder, refs, n);
  }
  if (kr_node_reads_source(node)) {
    uint32_t source = plan->node_group[node->source.node];
    step.ring = plan->values[plan->groups[source].first_value + node->source.port].ring;
  }
  kr_builder_add(builder, step);
}

// ---- sums

/// One sum, or a chunk of it, while its steps are made.
typedef struct SumSteps {
  const KrNode *node;
  uint32_t chunk; ///< columns of the open chunk; those of all chunks follow when has_total
  bool has_total;
  uint32_t last; ///< the step before
  KrPlanStep step;
} SumSteps;

static SumSteps begin_sum(const KrBuilder *builder, uint32_t index) {
  const KrPlan *plan = builder->plan;
  const KrNode *node = node_at(builder, index);
  return (SumSteps){.node = node,
                    .last = KR_NONE,
                    .step = {.kind = KR_STEP_ADD,
                             .node = index,
                             .lanes = KR_LANES,
                             .ring = KR_NONE,
                             .rank = plan->node_rank[index],
                             .key = depth_key(plan, index),
                             .n_in = 3}};
}

// `value` is KR_NONE for a whole chunk that sum->step.ring keeps.
static void add_term(KrBuilder *builder, SumSteps *sum, uint32_t value, uint32_t first,
                     uint32_t n) {
  KrPlanStep step = sum->step;
  uint32_t end = first + n;
  step.in = KR_NEW_ARRAY(builder->plan->arena, uint32_t, 3);
  step.in[0] = value;
  step.in[1] = sum->last == KR_NONE ? KR_NONE : sum->chunk;
  step.in[2] = sum->last == KR_NONE || !sum->has_total ? KR_NONE : sum->chunk + 1;
  step.after = sum->last;
  step.column = first % KR_LANES;
  step.n_lanes = n;
  step.opens = first % KR_SUM_CHUNK == 0;
  step.closes = sum->has_total && (end % KR_SUM_CHUNK == 0 || end == sum->node->n_in);
  step.is_whole = n > KR_LANES;
  step.is_first_chunk = first < KR_SUM_CHUNK;
  step.out = sum->chunk;
  step.n_out = sum->last == KR_NONE ? 1 + sum->has_total : 0;
  sum->last = kr_builder_add(builder, step);
}

static bool is_own_group(const KrBuilder *builder, const KrRef *refs, uint32_t n, uint32_t *group) {
  return kr_plan_is_group(builder->plan, refs, n, group) && !is_foreign(builder, refs[0]);
}

// Inputs first … end - 1.
static void add_terms(KrBuilder *builder, SumSteps *sum, uint32_t first, uint32_t end) {
  const KrRef *in = sum->node->in;
  for (uint32_t i = first; i < end; i += KR_LANES) {
    uint32_t n = end - i < KR_LANES ? end - i : KR_LANES, group;
    if (is_own_group(builder, in + i, n, &group)) {
      add_term(builder, sum, builder->plan->groups[group].first_value + in[i].port, i, n);
      continue;
    }
    for (uint32_t l = 0; l < n; l++)
      add_term(builder, sum, input_value(builder, in[i + l]), i + l, 1);
  }
}

static bool has_group(const KrBuilder *builder, uint32_t index) {
  const KrNode *node = node_at(builder, index);
  uint32_t group;
  if (!kr_elem_is_real(node->type.elem)) return false;
  if (builder->plan->node_parts[index] != KR_NONE) return true;
  for (uint32_t i = 0; i < node->n_in; i += KR_LANES) {
    uint32_t n = node->n_in - i < KR_LANES ? node->n_in - i : KR_LANES;
    if (is_own_group(builder, node->in + i, n, &group)) return true;
  }
  return false;
}

static void add_sum(KrBuilder *builder, uint32_t index) {
  KrPlan *plan = builder->plan;
  SumSteps sum = begin_sum(builder, index);
  uint32_t n = sum.node->n_in, parts = plan->node_parts[index];
  sum.has_total = n > KR_SUM_CHUNK;
  sum.chunk = kr_plan_add_value(plan, sum.node->type, KR_LANES, builder->unit);
  if (sum.has_total) kr_plan_add_value(plan, sum.node->type, KR_LANES, builder->unit);
  for (uint32_t first = 0; first < n; first += KR_SUM_CHUNK) {
    uint32_t end = n - first < KR_SUM_CHUNK ? n : first + KR_SUM_CHUNK;
    if (parts == KR_NONE) {
      add_terms(builder, &sum, first, end);
      continue;
    }
    sum.step.ring = plan->values[plan->parts[parts + first / KR_SUM_CHUNK].value].ring;
    add_term(builder, &sum, KR_NONE, first, KR_SUM_CHUNK);
  }
  KrPlanStep fold = sum.step;
  fold.kind = KR_STEP_FOLD;
  fold.ring = KR_NONE;
  fold.lanes = 1;
  fold.in = KR_NEW_ARRAY(plan->arena, uint32_t, 1);
  fold.in[0] = sum.chunk + sum.has_total;
  fold.n_in = 1;
  fold.after = sum.last;
  fold.out = plan->first_value[index];
  fold.n_out = 1;
  kr_builder_add(builder, fold);
}

void kr_builder_add_parts(KrBuilder *builder) {
  KrPlan *plan = builder->plan;
  for (uint32_t p = 0; p < plan->n_parts; p++) {
    const KrPlanPart *part = &plan->parts[p];
    if (part->unit != builder->unit) continue;
    SumSteps sum = begin_sum(builder, part->sum);
    uint32_t first = part->chunk * KR_SUM_CHUNK, n = sum.node->n_in;
    uint32_t end = n - first < KR_SUM_CHUNK ? n : first + KR_SUM_CHUNK;
    sum.chunk = kr_plan_add_value(plan, sum.node->type, KR_LANES, builder->unit);
    add_terms(builder, &sum, first, end);
    KrPlanStep keep = sum.step;
    keep.kind = KR_STEP_KEEP;
    keep.in = KR_NEW_ARRAY(plan->arena, uint32_t, 1);
    keep.in[0] = sum.chunk;
    keep.n_in = 1;
    keep.after = sum.last;
    keep.out = part->value;
    keep.n_out = 1;
    kr_builder_add(builder, keep);
  }
}

// ---- voices

static void add_voices_input(KrBuilder *builder, KrPlanStep *step, KrRef ref) {
  KrRef refs[KR_LANES];
  for (uint32_t l = 0; l < KR_LANES; l++) refs[l] = ref;
  step->in[step->n_in++] = lanes_value(builder, refs, KR_LANES);
}

void kr_builder_add_voices(KrBuilder *builder) {
  const KrPlan *plan = builder->plan;
  const KrFlow *flow = &plan->graph->flows[plan->units[builder->unit].flow];
  if (!flow->is_body) return;
  const KrVoices *voices = &plan->graph->voices[flow->voices];
  KrPlanStep step = {.kind = KR_STEP_VOICES, .lanes = KR_LANES, .ring = KR_NONE, .after = KR_NONE};
  step.in = KR_NEW_ARRAY(plan->arena, uint32_t, voices->n_out + flow->n_nodes);
  for (uint32_t k = 0; k < voices->n_out; k++) add_voices_input(builder, &step, voices->out[k]);
  for (KrVoiceEnd end = KR_ENDS_VOICES; end > KR_ENDS_NOTHING && step.n_in == voices->n_out; end--)
    for (uint32_t i = 0, node = flow->first_node; i < flow->n_nodes; i++) {
      if (plan->node_unit[node] != KR_NONE && kr_node_ends(node_at(builder, node)) == end)
        add_voices_input(builder, &step, (KrRef){node, 0});
      node = plan->graph->nodes[node].next_node;
    }
  step.key = step.rank = UINT32_MAX;
  kr_builder_add(builder, step);
}

// ---- nodes

static void add_single(KrBuilder *builder, uint32_t index) {
  KrPlan *plan = builder->plan;
  const KrNode *node = node_at(builder, index);
  KrPlanStep step = {.kind = KR_STEP_NODE,
                     .node = index,
                     .lanes = 1,
                     .n_lanes = 1,
                     .group = KR_NONE,
                     .ring = KR_NONE,
                     .after = KR_NONE,
                     .rank = plan->node_rank[index],
                     .key = depth_key(plan, index),
                     .out = plan->first_value[index],
                     .n_out = kr_plan_node_outs(node),
                     .n_in = node->n_in};
  step.in = KR_NEW_ARRAY(plan->arena, uint32_t, node->n_in);
  bool prev_across = node->kind == KR_NODE_PREV && is_foreign(builder, node->in[0]);
  for (uint32_t k = 0; k < node->n_in; k++)
    step.in[k] = k == 0 && prev_across ? KR_NONE : input_value(builder, node->in[k]);
  if (prev_across) {
    uint32_t value = kr_plan_value(plan, node->in[0]);
    step.ring = kr_plan_need_ring(plan, value, plan->values[value].unit, 2);
  }
  if (kr_node_reads_source(node)) step.ring = plan->values[kr_plan_value(plan, node->source)].ring;
  kr_builder_add(builder, step);
}

void kr_builder_add_node(KrBuilder *builder, uint32_t index) {
  const KrPlan *plan = builder->plan;
  uint32_t group = plan->node_group[index];
  if (group == KR_NONE && node_at(builder, index)->kind == KR_NODE_SUM && has_group(builder, index))
    add_sum(builder, index);
  else if (group == KR_NONE)
    add_single(builder, index);
  else if (builder->value_step[plan->groups[group].first_value] == KR_NONE)
    add_group(builder, group);
}

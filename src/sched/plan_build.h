/// How the steps of one unit are put together; internal to plan_unit.c and plan_step.c.
#ifndef KR_SCHED_PLAN_BUILD_H
#define KR_SCHED_PLAN_BUILD_H
#include "sched/plan.h"

typedef struct KrBuilder {
  KrPlan *plan;
  uint32_t unit;
  KrPlanStep *steps;
  uint32_t n, cap;
  uint32_t *deps, n_deps,
      cap_deps; ///< step i depends on deps[first_dep[i]] … deps[first_dep[i + 1] - 1]
  uint32_t *first_dep;
  uint32_t *value_step; ///< per value: step that makes it, KR_NONE
  uint32_t n_value_steps;
  uint32_t *import_of;   ///< per value of a node: its copy in the unit that imported it last
  uint32_t *spread_of;   ///< per value of a node: the same in every lane of the unit built last
  uint32_t *commit_step; ///< per state
  uint32_t *write_step;  ///< per node
} KrBuilder;

uint32_t kr_plan_add_value(KrPlan *plan, KrType type, uint32_t lanes, uint32_t unit);
/// The ring that keeps a value of `unit`, n_back ticks behind program time at least.
uint32_t kr_plan_need_ring(KrPlan *plan, uint32_t value, uint32_t unit, int64_t n_back);
/// Constants are no part of a unit until something keeps a ring of them.
bool kr_plan_is_constant(const KrPlan *plan, uint32_t node);
uint32_t kr_plan_node_outs(const KrNode *node);
uint32_t kr_builder_add(KrBuilder *builder, KrPlanStep step);
/// Copies of the other unit's values, before the nodes that use them.
void kr_builder_add_imports(KrBuilder *builder, uint32_t index);
/// The step of a node, or of its group at the first of its lanes, with what lays out its inputs.
void kr_builder_add_node(KrBuilder *builder, uint32_t index);
/// The sums of the chunks that are parts of this unit, after its nodes.
void kr_builder_add_parts(KrBuilder *builder);
/// What is heard of a synth's body and what ends its voices, after its nodes.
void kr_builder_add_voices(KrBuilder *builder);
/// Single lanes of groups that rings keep.
void kr_builder_add_ring_lanes(KrBuilder *builder, const uint32_t *nodes, uint32_t n);
#endif

// A synth's body: every node of it is a step of sixteen voices, whatever reads it.
#include "sched/plan_build.h"

enum { MAX_SUM_INPUTS = KR_SUM_CHUNK };

bool kr_plan_is_voice_row(const KrNode *node) {
  return node->kind == KR_NODE_VOICE && node->voice != KR_VOICE_AGE &&
         node->voice != KR_VOICE_STREAM;
}

// Why a voice cannot hold this node; NULL: it can.
static const char *find_reason(const KrNode *node) {
  if (node->type.shape != KR_SHAPE_SCALAR) return "a voice computes numbers, no blocks of them";
  switch (node->kind) {
  case KR_NODE_OP:
    for (uint32_t k = 0; k < kr_op_ports(node->op); k++) {
      KrPortKind kind = node->op->in[k].kind;
      if (kind >= KR_PORT_VECTOR && kind <= KR_PORT_FIELD)
        return "a voice computes numbers, no blocks of them";
    }
    return node->op->flags & KR_OP_FAULTS ? "this can stop the run, which one voice must not"
                                          : NULL;
  case KR_NODE_SUM:
    if (!kr_elem_is_real(node->type.elem)) return "a voice adds up reals only";
    return node->n_in > MAX_SUM_INPUTS ? "a voice adds up at most 128 copies" : NULL;
  case KR_NODE_PREV:
  case KR_NODE_VOICE: return NULL;
  default: return "this belongs to a flow, not to a voice";
  }
}

static void make_group(KrPlan *plan, uint32_t index) {
  KrPlanGroup group = {.n = KR_LANES};
  for (uint32_t l = 0; l < KR_LANES; l++) group.node[l] = index;
  plan->node_group[index] = plan->n_groups;
  KR_PUSH(plan->arena, plan->groups, plan->n_groups, plan->cap_groups, group);
}

KrStatus kr_plan_voices(KrPlan *plan) {
  const KrGraph *graph = plan->graph;
  for (uint32_t v = 0; v < graph->n_voices; v++) {
    const KrFlow *body = &graph->flows[graph->voices[v].body];
    for (uint32_t i = 0, index = body->first_node; i < body->n_nodes; i++) {
      const KrNode *node = &graph->nodes[index];
      bool runs = plan->node_unit[index] != KR_NONE;
      const char *reason = runs ? find_reason(node) : NULL;
      if (reason != NULL) {
        *plan->error = (KrGraphError){node->origin, reason, "use it on what `play` gives"};
        return KR_ERROR_PROGRAM;
      }
      if (runs) make_group(plan, index);
      index = node->next_node;
    }
  }
  return KR_OK;
}

/// The plan as plan and run share it. Times are grid ticks, ticks are counts from 0.
#ifndef KR_SCHED_PLAN_H
#define KR_SCHED_PLAN_H
#include "math/sum.h"
#include "resample/cross.h"
#include "sched/sched.h"

typedef struct KrPlanFlow {
  int64_t period, phase; ///< grid ticks
  int64_t lead;          ///< grid ticks it runs ahead of program time
  uint32_t index;        ///< place in the order of flows
  uint32_t unit[2]; ///< KR_NONE: none. [1]: what only PREV inputs need and waits for other flows
  KrRatio inner_dt; ///< seconds of one inner tick
} KrPlanFlow;

/// What a unit waits for: it may run its ticks up to grid time base + executed * period of `unit`.
typedef struct KrPlanNeed {
  uint32_t unit;
  int64_t base;
  int64_t least; ///< allowed anyway once `unit` has executed a tick
  bool first;    ///< nothing is allowed before tick 0 of `unit`
} KrPlanNeed;

/// Memory of a unit's tile: a node's output, or a copy of another unit's.
typedef struct KrPlanValue {
  KrType type;    ///< of a lane
  uint32_t lanes; ///< 1 or KR_LANES
  size_t n_bytes; ///< per tick, of all lanes
  bool held;      ///< one entry for every tick
  uint32_t unit;
  uint32_t ring; ///< KR_NONE: none
  uint32_t slot; ///< memory, shared by values that are not needed at once
} KrPlanValue;

/// Fewer copies than this run one by one.
enum { KR_LEAST_LANES = 4 };
/// Nodes that run as the lanes of one step. Lanes beyond n repeat lane 0.
typedef struct KrPlanGroup {
  uint32_t node[KR_LANES];
  uint32_t n;
  uint32_t first_value; ///< of KR_LANES lanes, one per output port
} KrPlanGroup;
/// A chunk of a sum that runs in a unit of its own.
typedef struct KrPlanPart {
  uint32_t sum, chunk; ///< node; which KR_SUM_CHUNK of its inputs
  uint32_t unit;
  uint32_t value; ///< the chunk's columns, KR_LANES of them
} KrPlanPart;
/// Level of units that are neither a flow's first nor its `later for prev`.
enum { KR_LEVEL_PART = 2 };
/// A held row of constants.
typedef struct KrPlanRow {
  uint32_t value;
  uint32_t from[KR_LANES]; ///< values of constants
} KrPlanRow;

typedef enum KrStepKind {
  KR_STEP_NODE,
  KR_STEP_IMPORT,
  KR_STEP_COMMIT,
  KR_STEP_LANE,   ///< one lane of a value
  KR_STEP_SPREAD, ///< one lane in every lane
  KR_STEP_PACK,   ///< lanes of several values side by side
  KR_STEP_OPEN,   ///< the columns of a sum from +0: in[0], or out
  KR_STEP_ADD,    ///< adds a value to the columns of a sum: in[0], to out and out + 1
  KR_STEP_KEEP,   ///< a value as it is, once it is complete
  KR_STEP_FOLD,   ///< the columns of a sum to one lane
  KR_STEP_VOICES  ///< nothing: what is heard of a synth's body, then its envelopes
} KrStepKind;
typedef struct KrPlanStep {
  KrStepKind kind;
  uint32_t lanes;    ///< 1 or KR_LANES
  uint32_t n_lanes;  ///< NODE: those that stand for nodes; ADD: those of in[0]
  uint32_t group;    ///< NODE: KR_NONE when alone
  uint32_t key;      ///< in a cycle steps run by key; inputs of the same tick have lesser ones
  uint32_t after;    ///< ADD, FOLD: the step before, as long as the unit is built
  uint32_t *in_lane; ///< LANE, PACK: the lane of each input
  uint32_t column;   ///< ADD: of the first lane
  bool opens, closes, is_first_chunk; ///< ADD: first and last of its chunk
  bool is_whole;                      ///< ADD: in[0] are the columns of a whole chunk
  uint32_t node;                      ///< NODE; ADD, FOLD: the sum
  uint32_t state;                     ///< COMMIT
  uint32_t ring; ///< IMPORT, ADD of a part's chunk, READ, CROSS, WINDOW, HISTORY, PREV across
                 ///< units: what it reads
  uint32_t rank; ///< place in the flow's order of nodes
  uint32_t *in;  ///< values; KR_NONE: absent
  uint32_t n_in;
  uint32_t out, n_out; ///< values out … out + n_out - 1
  uint64_t adds;      ///< NODE: outputs that are added to columns; those are the last n_sums inputs
  uint32_t n_scales;  ///< NODE: 0, or 2: the inputs after its own ones that scale input 1
  uint32_t n_factors; ///< NODE: the inputs after those that its output is multiplied by
  bool is_ramp;       ///< NODE CROSS: it finds the knots only
  bool has_ramp;      ///< NODE: what a CROSS gives is added to in[0]
  uint32_t ramp;      ///< … its step in the unit
  uint32_t n_sums;    ///< NODE: n_out when it adds, else 0; KR_NONE among them: not added
  uint64_t *field_count; ///< OP: entries per field, of the lane that has most
  uint64_t *lane_count;  ///< OP: entries of field f of lane l at [l * n_fields + f]
  uint32_t n_fields;
  KrSinc *sinc;        ///< CROSS sinc
  KrRatio shift;       ///< CROSS: seconds before the tick, WINDOW: its length
  uint32_t n_back;     ///< newest tick - n_back is the oldest one read (WINDOW: at most)
  bool from_start;     ///< WINDOW: the first one holds every tick before
  bool reads_versions; ///< STATE_READ of a state other flows write
  uint32_t cursor;     ///< … its index among the state's readers
} KrPlanStep;

/// Steps run together tile by tile; a serial segment runs tick by tick.
typedef struct KrPlanSegment {
  uint32_t begin, end;
  bool serial;
} KrPlanSegment;

typedef struct KrPlanUnit {
  uint32_t flow, level;
  KrPlanStep *steps;
  uint32_t n_steps;
  KrPlanSegment *segments;
  uint32_t n_segments, cap_segments;
  KrPlanNeed *needs;
  uint32_t n_needs, cap_needs;
  uint32_t *dependents; ///< units that wait for this one
  uint32_t n_dependents, cap_dependents;
  uint32_t tile; ///< ticks
} KrPlanUnit;

typedef struct KrPlanRing {
  uint32_t value; ///< what it keeps
  uint32_t unit;  ///< who writes it
  int64_t n_back; ///< entries kept behind program time
  uint64_t cap;   ///< entries, a power of two
  bool is_output;
} KrPlanRing;

typedef struct KrPlanState {
  uint32_t
      *writers; ///< WRITE nodes in order of execution: topological order of flows, then of the text
  uint32_t n_writers, cap_writers;
  uint32_t n_writer_flows;
  uint32_t sole;                  ///< the one flow that writes, else KR_NONE
  bool is_local;                  ///< `sole` reads it
  uint32_t n_cursors;             ///< readers in other flows
  uint32_t *readers, cap_readers; ///< … their flows
  uint64_t cap;                   ///< versions, a power of two; 0: none
  uint64_t *log_cap;              ///< per writer when several flows write
} KrPlanState;

/// The nodes of a MAP or FILTER function, run once per event.
typedef struct KrPlanFunction {
  KrPlanStep *steps;
  uint32_t n_steps;
} KrPlanFunction;

struct KrPlan {
  KrArena *arena;
  const KrGraph *graph;
  KrGrid grid;
  uint32_t *order;
  KrPlanFlow *flows;
  KrPlanUnit *units;
  uint32_t n_units, cap_units;
  uint32_t *first_value; ///< per node
  uint32_t *node_unit;   ///< KR_NONE: not run (event functions, constants, dead ends of prev)
  uint32_t *node_rank;   ///< place in its flow's order
  uint32_t *node_depth;  ///< longest way of same-tick inputs below it in its unit
  uint32_t *node_group;  ///< KR_NONE: alone
  uint32_t *node_lane;
  KrPlanGroup *groups;
  uint32_t n_groups, cap_groups;
  uint32_t *node_parts; ///< of a sum: its first part, the other chunks' follow; KR_NONE: none
  KrPlanPart *parts;
  uint32_t n_parts, cap_parts;
  KrPlanRow *rows;
  uint32_t n_rows, cap_rows;
  KrPlanValue *values;
  uint32_t n_values, cap_values;
  size_t *slot_bytes;
  uint32_t n_slots, cap_slots;
  KrPlanRing *rings;
  uint32_t n_rings, cap_rings;
  KrPlanState *states;
  KrPlanFunction *functions; ///< per event stream
  uint64_t *queue_cap;       ///< per event stream, 0: no queue
  uint32_t span_ticks;
  KrLevel level; ///< of the kernels, never KR_LEVEL_BEST
  KrRatio step;
  int64_t step_grid; ///< whole grid ticks, rounded up
  size_t n_bytes;
  KrShared *shared; ///< tables of operators, also those a run's prepare asks for
  KrGraphError *error;
};

static inline uint32_t kr_plan_value(const KrPlan *plan, KrRef ref) {
  return plan->first_value[ref.node] + ref.port;
}
/// The node of one lane of a NODE step.
static inline uint32_t kr_step_node(const KrPlan *plan, const KrPlanStep *step, uint32_t lane) {
  return step->group == KR_NONE ? step->node : plan->groups[step->group].node[lane];
}
static inline bool kr_node_reads_source(const KrNode *node) {
  return node->kind == KR_NODE_READ || node->kind == KR_NODE_CROSS ||
         node->kind == KR_NODE_WINDOW || node->kind == KR_NODE_HISTORY;
}
/// Length of a WINDOW node's window in seconds.
static inline KrRatio kr_plan_window(const KrPlan *plan, const KrNode *node) {
  return node->window.num == 0 ? plan->graph->flows[node->flow].clock.dt : node->window;
}
static inline uint64_t kr_power_of_two(uint64_t n) {
  uint64_t power = 1;
  while (power < n) power *= 2;
  return power;
}
static inline int64_t kr_div_floor(int64_t a, int64_t b) { return a / b - (a % b < 0); }

/// What an operator's prepare, count and type are handed for node `index`; `field` stays NULL.
KrPrep kr_plan_prep(const KrPlan *plan, uint32_t index, KrArena *scratch);
/// Calls the operator's prepare; out of memory in prep->arena comes back as a status.
KrStatus kr_op_prepare(const KrOp *op, KrPrep *prep, const char **message);
uint32_t kr_step_field_bytes(const KrNode *node, uint32_t field); ///< per entry
/// Longest path: fills flows[].lead. KR_ERROR_PROGRAM: more future needed than a cycle can have.
KrStatus kr_plan_leads(KrPlan *plan);
/// Fills units[].needs and dependents.
void kr_plan_needs(KrPlan *plan);
/// Sums take their terms where they are made.
void kr_plan_fuse(KrPlan *plan);
/// Memory of the values, once the tiles are sized.
void kr_plan_slots(KrPlan *plan);
/// KR_ERROR_PROGRAM for what is too long or too large, as soon as it can be known: clocks, windows,
/// event streams; the values of a tick; leads; everything.
KrStatus kr_plan_check_clocks(KrPlan *plan);
KrStatus kr_plan_check_values(KrPlan *plan);
KrStatus kr_plan_check_leads(KrPlan *plan);
KrStatus kr_plan_check_bytes(KrPlan *plan);
/// Which nodes run as lanes of one step.
void kr_plan_group(KrPlan *plan);
/// Which chunks of sums are units of their own: moves nodes to new units.
void kr_plan_part(KrPlan *plan);
/// Which independent parts of the other flows are.
void kr_plan_component(KrPlan *plan);
/// Every node of a synth's body is sixteen voices. KR_ERROR_PROGRAM: it cannot be.
KrStatus kr_plan_voices(KrPlan *plan);
/// A node of which every voice has one value for all ticks between two events.
bool kr_plan_is_voice_row(const KrNode *node);
/// Its only output that may move within a tile: the gate itself.
static inline bool kr_plan_is_voice_gate(const KrNode *node, uint32_t port) {
  return node->kind == KR_NODE_VOICE && node->voice == KR_VOICE_GATE && port == 0;
}
/// Decides when voices end: a gate's envelope; what else has an end only where there is none.
typedef enum KrVoiceEnd { KR_ENDS_NOTHING, KR_ENDS_ELSE, KR_ENDS_VOICES } KrVoiceEnd;
static inline KrVoiceEnd kr_node_ends(const KrNode *node) {
  if (node->kind != KR_NODE_OP || (node->op->flags & KR_OP_ENDS) == 0) return KR_ENDS_NOTHING;
  return node->op->in[0].kind == KR_PORT_GATE ? KR_ENDS_VOICES : KR_ENDS_ELSE;
}
/// refs are the outputs of one group, lane by lane.
bool kr_plan_is_group(const KrPlan *plan, const KrRef *refs, uint32_t n, uint32_t *group);
/// Which node runs in which unit; the steps of the units, their values and rings.
KrStatus kr_plan_units(KrPlan *plan);
/// Emitted by EMIT nodes somewhere below: calls `each` for every such node.
void kr_plan_emitters(const KrPlan *plan, uint32_t events, void (*each)(void *, uint32_t node),
                      void *user);
/// Readers of every value that the unit's steps read, all other entries stay.
void kr_plan_count_readers(const KrPlanUnit *unit, uint32_t *n_readers);
bool kr_plan_is_emitted(const KrPlan *plan, uint32_t events); ///< by some node
/// Ticks ahead of its own that a node's signal looks into an emitted stream.
static inline int64_t kr_signal_ahead(const KrNode *node) {
  return node->signal == KR_SIGNAL_SINC ? 16 : 0;
}
/// Every reader tick falls on a source tick.
bool kr_plan_is_aligned(const KrPlan *plan, uint32_t reader, uint32_t source);
/// Grid ticks of future a CROSS node needs beyond its own time.
int64_t kr_plan_look_ahead(const KrPlan *plan, const KrNode *node);
/// Half width of a sinc crossing, in source ticks.
uint32_t kr_plan_sinc_half(const KrPlan *plan, const KrNode *node);
#endif

/// What a run keeps, shared by run, snapshot and swap. All memory is taken by kr_run_new.
#ifndef KR_SCHED_RUN_H
#define KR_SCHED_RUN_H
#include "ops/lanes.h"
#include "sched/plan.h"
#include "sched/signal.h"
#include "voice/voice_pool.h"

typedef struct KrRunRing {
  uint8_t *at;
  uint64_t mask;
  size_t n_bytes; ///< per tick
} KrRunRing;

/// A state's value as of after grid time `time`; `bits` holds the element in its first bytes.
typedef struct KrRunVersion {
  int64_t time;
  uint64_t bits;
} KrRunVersion;
/// Writes of one WRITE node not yet merged with the other writers'.
typedef struct KrRunLog {
  const struct KrRunStep *writer;
  KrRunVersion *at;
  uint64_t n, taken, mask;
  uint64_t
      inner_bits; ///< under substeps: the newest write of the inner runs so far, when has_inner
  bool has_inner;
} KrRunLog;
typedef struct KrRunState {
  KrRunVersion *versions; ///< entry i at i & mask; NULL when nobody needs them
  uint64_t n, mask;       ///< n >= 1: entry 0 is the initial value
  KrRunLog *logs;         ///< per writer, when several flows write
  void *buffer;   ///< sole writer: value before tick i of the tile at entry i, tile + 1 entries
  uint64_t value; ///< sole writer: value before the tile
  const struct KrRunStep *commit; ///< sole writer: the step that fills buffer
  bool wrote;                     ///< sole writer: some inner run of this tick wrote
} KrRunState;

/// Ticks of a slice that fall between the source's ticks k and k + 1.
typedef struct KrRunPart {
  uint32_t begin, end;
  int64_t k;
} KrRunPart;

/// Where the ticks of a slice fall on a source's clock, for all crossings of a unit from it to one
/// type, which the fractions have.
typedef struct KrRunPlace {
  KrElem elem;
  KrClock source;
  KrRatio shift;
  int64_t tick; ///< -1: not known
  uint32_t n;
  uint32_t n_parts;
  KrRunPart part[KR_TILE];
  float a_f32[KR_TILE];
  double a_f64[KR_TILE];
  KrStepper after;
  float *table;            ///< all fractions of a short period, rest by rest; NULL: it is long
  struct KrRunPlace *next; ///< of the unit
} KrRunPlace;

/// Sixteen lanes of a source's tick, in the reader's type.
typedef struct KrRunKnot {
  bool is_known;
  int64_t k;
  double row[KR_LANES];
} KrRunKnot;

/// An input that is held in some tiles.
typedef struct KrRunVarying {
  const uint8_t *held; ///< in run->held
  uint32_t input;
  size_t n_bytes; ///< per tick when it is not
} KrRunVarying;

/// What a quick step touches stands first: a thousand of them stay in the cache.
typedef struct KrRunStep {
  _Alignas(64) KrKernel *kernel;
  bool is_quick;         ///< an operator whose inputs and outputs are held always or never
  bool is_light;         ///< an operator that cannot fault, in no ring and not tick by tick
  bool rests;            ///< an elementwise operator: one row when all inputs are held
  bool is_serial;        ///< runs tick by tick
  bool can_hold;         ///< outputs may be held in one tile and not in the next
  KrRunVarying *varying; ///< inputs of which that is true
  uint32_t n_varying;
  uint64_t always_held; ///< inputs that are held in all tiles
  uint8_t *held_out;    ///< of the outputs, in run->held
  uint32_t next;        ///< step to run after it: those between go along with another (KrCall.also)
  KrCall call;
  const KrPlanStep *plan;
  const KrNode *node;         ///< NULL: no NODE step
  const void **in_base, **in; ///< at the tile's first tick; at the slice's
  void **out_base, **out;
  size_t *in_bytes, *out_bytes; ///< per tick, 0: held
  uint32_t n_in, n_out;
  uint32_t *out_ring; ///< KR_NONE: none
  bool has_ring;
  void **field;
  const KrLanes *at_level;
  uint32_t lanes, n_lanes; ///< of the step; those that stand for nodes
  bool is_apart;           ///< an operator of one lane in a synth's body: voice by voice
  KrRunPlace *place;       ///< CROSS linear and cubic of KR_LANES: where the ticks fall
  KrRunKnot *knots;        ///< CROSS linear of KR_LANES: source tick k at k mod 4
  KrRamp ramp;             ///< CROSS that finds knots only
  uint64_t *rest;          ///< SIGNAL of KR_LANES: [port][lane], what a tick without events gives
  uint32_t rest_known;     ///< … bit per lane: it holds since the lane's last event
  bool has_rest;
  int64_t quiet;            ///< … ticks before this one have none, as long as has_rest
  int64_t *lane_quiet;      ///< … of one lane, without it
  const void *initial;      ///< PREV: output at tick 0
  KrStepper newest, oldest; ///< position of the next tick on the source's clock
  const KrRunRing *ring;
  int64_t last;               ///< last tick the source ever runs
  int64_t copied;             ///< CROSS nearest of a shape: source tick of the row held, -1: none
  KrElem from;                ///< the source's element type
  bool own_source;            ///< in the same unit
  uint8_t *before;            ///< PREV: input at the tick before the tile
  KrSite *site;               ///< SIGNAL: one per lane
  uint64_t version;           ///< STATE_READ: index of the version last read
  struct KrRunStep **writers; ///< COMMIT: WRITE steps in order
} KrRunStep;

typedef struct KrRunUnit {
  const KrPlanUnit *plan;
  KrRunStep *steps;
  int64_t n_done, target;
  uint8_t *scratch;
  KrRunPlace *places;
  uint32_t *states, n_states; ///< written here
  uint32_t *prevs, n_prevs;   ///< steps that keep the last value of a tile
  bool stopped;               ///< by a fault at tick n_done
  KrRunFault fault;           ///< earliest of the tile, message NULL: none
  uint32_t fault_rank;
  bool is_shared;     ///< touches what several units keep together
  uint64_t n_repairs; ///< spans that found the control word changed
} KrRunUnit;

/// A synth as its flow passed an announced instant.
typedef struct KrKeptVoices {
  KrVoicePool pool;
  uint8_t **memory; ///< per group
} KrKeptVoices;

/// State of one step as its flow passed an announced instant (hot swap).
typedef struct KrKeptStep {
  void **field;
  uint8_t *before;
  KrSite *site;         ///< per lane
  uint64_t **popped;    ///< per lane
  KrKeptVoices *voices; ///< VOICES
} KrKeptStep;
typedef struct KrKeptUnit {
  bool taken;
  KrKeptStep *steps;
  uint64_t *values; ///< per state
} KrKeptUnit;

typedef struct KrRunReady {
  uint32_t unit;
  int64_t end; ///< ticks it may have executed
} KrRunReady;

struct KrRun {
  KrArena *arena;
  const KrPlan *plan;
  void **buffer;          ///< per value
  uint8_t *held;          ///< per value: one row stands for the whole tile
  uint8_t *varies;        ///< per value: held in some tiles and not in others
  struct KrRunFuse *fuse; ///< scratch of kr_run_fuse
  KrRunRing *rings;
  KrRunUnit *units;
  struct KrRunVoices *voices; ///< per synth that is played
  KrRunState *states;
  struct KrCursorContext context;
  KrRunStep **functions; ///< per event stream: steps of its function
  KrCursor **outputs;    ///< per output: cursor of an EVENTS output
  uint8_t *dirty;        ///< per unit
  KrRunReady *ready;     ///< units of this round, n_shared shared ones first
  uint32_t n_shared;
  KrRatio time;
  int64_t time_grid; ///< whole grid ticks, rounded up
  bool on_grid;      ///< none was cut
  int64_t step_grid; ///< whole grid ticks of the plan's step, rounded down
  bool has_fault;
  KrRunFault fault;
  int64_t fault_time; ///< program time of the faulting tick: its time less the lead
  KrTasks tasks;      ///< run is NULL: none
  KrTraceFunction *trace;
  void *trace_user;
  bool has_swap; ///< an instant was announced
  KrRatio swap_time;
  int64_t swap_grid;
  KrKeptUnit *kept; ///< per unit
};

/// Consecutive ticks of one unit's tile.
typedef struct KrSlice {
  int64_t tick;  ///< outer tick of the first
  int64_t inner; ///< inner tick of the first
  uint32_t at, n;
  bool first, last; ///< first and last inner run of the tick
} KrSlice;

static inline int64_t kr_run_tick_time(const KrPlan *plan, uint32_t flow, int64_t tick) {
  return plan->flows[flow].phase + tick * plan->flows[flow].period;
}
/// The flow has had all of its `steps`: nothing in it looks at anything any more.
static inline bool kr_run_has_ended(const KrRun *run, const KrRunUnit *unit) {
  int64_t n_steps = run->plan->graph->flows[unit->plan->flow].n_steps;
  return n_steps >= 0 && unit->n_done >= n_steps;
}
static inline uint8_t *kr_ring_at(const KrRunRing *ring, int64_t tick) {
  return ring->at + ((uint64_t)tick & ring->mask) * ring->n_bytes;
}
/// Grid ticks before `time`, rounded up; `whole` says that nothing was. Without a reduction where
/// 64 bits will do.
KrStatus kr_run_grid(const KrPlan *plan, KrRatio time, int64_t *ticks, bool *whole);
/// Delays that a sum of one lane adds up add to it themselves; fills steps[].next.
void kr_run_fuse(KrRun *run, KrRunUnit *unit);
/// Ticks >= 0 of a flow with time < grid time `until`, as many as it runs.
int64_t kr_run_count(const KrPlan *plan, uint32_t flow, int64_t until);
/// n elements of another type by one rounding; integers wrap, reals saturate.
void kr_elem_convert(KrElem to, void *dst, KrElem from, const void *src, size_t n);
/// Crossings and events of KR_LANES lanes.
void kr_lanes_cross(KrRunStep *step, const KrSlice *slice);
KrStatus kr_lanes_signal(KrRun *run, KrRunStep *step, const KrSlice *slice);
/// Steps that lay out lanes, and nodes that run as lanes but are no operator.
void kr_step_lane(const KrRunStep *step, uint32_t n);
void kr_step_spread(const KrRunStep *step, uint32_t n);
void kr_step_pack(const KrRunStep *step, uint32_t n);
void kr_step_open(const KrRunStep *step, uint32_t n);
void kr_step_add(const KrRunStep *step, const KrSlice *slice);
void kr_step_fold(const KrRunStep *step, uint32_t n);
void kr_lanes_sum(const KrRunStep *step, uint32_t n);
void kr_step_run(KrRun *run, KrRunUnit *unit, KrRunStep *step, const KrSlice *slice);
/// After its state was set: the lanes that stand for no node do as lane 0 does.
void kr_step_repeat_lane(KrRunStep *step);
/// Puts the steppers of the unit's steps on tick `tick`.
KrStatus kr_step_place(const KrRun *run, KrRunStep *step, int64_t tick);
void kr_states_begin(KrRun *run, KrRunUnit *unit);
void kr_state_read(KrRun *run, KrRunStep *step, const KrSlice *slice);
void kr_state_commit(KrRun *run, KrRunStep *step, const KrSlice *slice);
/// After a tile of which n ticks are valid: keeps the last values, publishes what other flows see.
void kr_states_end(KrRun *run, KrRunUnit *unit, int64_t tick, uint32_t n, bool last_inner);
/// Merges the writes of every instant all writers have passed.
void kr_state_settle(KrRun *run, uint32_t index);
void kr_version_push(KrRunState *state, int64_t time, uint64_t bits);
/// A step that is in no serial segment; and after the last of a unit what PREV needs of n ticks.
void kr_unit_step(KrRun *run, KrRunUnit *unit, KrRunStep *step, const KrSlice *slice);
void kr_unit_keep(KrRunUnit *unit, uint32_t n);
/// Bit per input, those below 64: it is held in this tile.
uint64_t kr_step_held(const KrRunStep *step);
/// Saves the state of a unit standing at its first tick at or after the announced instant.
void kr_swap_keep(KrRun *run, uint32_t unit);
#endif

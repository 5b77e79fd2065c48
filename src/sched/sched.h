/// Plan (graph to static schedule) and run (plan x span). Pure: no threads, no clock, no allocation
/// while running.
#ifndef KR_SCHED_SCHED_H
#define KR_SCHED_SCHED_H
#include "graph/graph.h"
#include "kairo/level.h"
#include "kairo/tasks.h"

typedef struct KrPlan KrPlan;
typedef struct KrRun KrRun;

typedef struct KrPlanOptions {
  uint32_t span_ticks; ///< most ticks a flow runs in one call, 0: engine's choice (tests vary it:
                       ///< 1, 7, 64 …)
  KrRatio step; ///< most program time kr_run_to may advance between reads of the outputs; sizes the
                ///< rings; 0: engine's choice
  KrLevel level; ///< vector level of the kernels, supported here
} KrPlanOptions;

/// Graph to plan. KR_ERROR_PROGRAM with *error: causality, cycle, unstable solver, no common grid …
KrStatus kr_plan_make(KrArena *arena, const KrGraph *graph, const KrPlanOptions *options,
                      KrPlan **plan, KrGraphError *error);
/// `kairo plan`: rates, grid, hyperperiod, order, leads, latencies, spans, buffers, boundary steps,
/// bytes.
void kr_plan_print(const KrPlan *plan, KrBuffer *out);
void kr_plan_print_json(const KrPlan *plan, KrBuffer *out);
void kr_plan_print_dot(const KrPlan *plan, KrBuffer *out);
const KrGrid *kr_plan_grid(const KrPlan *plan);
KrRatio kr_plan_lead(const KrPlan *plan, uint32_t flow); ///< seconds
KrRatio kr_plan_step(const KrPlan *plan);
size_t kr_plan_bytes(const KrPlan *plan);
const uint32_t *kr_plan_order(const KrPlan *plan); ///< flows in execution order

/// A run at tick 0 of everything; all memory is taken here.
KrStatus kr_run_new(KrArena *arena, const KrPlan *plan, KrRun **run);
/// Units that can advance at the same time run as tasks of this table, copied; NULL: one by one, as
/// at first. Between runs. [main]
void kr_run_use(KrRun *run, const KrTasks *tasks);
/// Advances: afterwards flow f has executed exactly its ticks with time < to + lead(f). Advance by
/// at most kr_plan_step at a time and read the outputs in between (KR_ERROR_LIMIT otherwise).
/// KR_ERROR_RUN: see kr_run_fault. [worker] rt exact
KrStatus kr_run_to(KrRun *run, KrRatio to);
KrRatio kr_run_time(const KrRun *run);
/// How often a span found the processor's control word changed by foreign code (math/control.h).
uint64_t kr_run_repairs(const KrRun *run);
/// What stopped the run: flow, node, tick and text.
typedef struct KrRunFault {
  uint32_t flow, node;
  int64_t tick;
  const char *message;
} KrRunFault;
const KrRunFault *kr_run_fault(const KrRun *run);
/// Ticks of the output's flow with time < kr_run_time.
int64_t kr_run_ticks(const KrRun *run, uint32_t flow);
/// Address of tick `tick` of ref `i` of output `o` in its ring; *n = how many follow contiguously
/// (<= wanted). Ticks older than the last step may be gone (NULL).
const void *kr_run_output(const KrRun *run, uint32_t output, uint32_t i, int64_t tick,
                          uint32_t wanted, uint32_t *n);
/// Same for any named stream's ref (probes): the graph must have been given an output for it before
/// planning. Events delivered for an EVENTS output: ordered, up to time kr_run_time; `begin` counts
/// from 0.
typedef struct KrRunEvent {
  KrRatio time; ///< of kr_run_event in its lowest terms
  KrEventAction action;
  bool has_dur;
  KrRatio dur;
  bool has_key;
  int64_t key;
  const KrEventValue *values;
} KrRunEvent;
/// Next event of event output `output` with time < kr_run_time; false when none is left.
bool kr_run_event(KrRun *run, uint32_t output, KrRunEvent *event);

/// Snapshot at kr_run_time: canonical bytes, independent of configuration. Outputs not yet read at
/// or after that time are inside.
KrStatus kr_run_save(const KrRun *run, KrBuffer *out);
/// How many bytes that will be. What it needs meanwhile is the arena's.
size_t kr_run_save_bytes(const KrRun *run, KrArena *arena);
/// Restores into a fresh run of the same program. KR_ERROR_MISMATCH other program, KR_ERROR_FORMAT
/// damaged.
KrStatus kr_run_restore(KrRun *run, const uint8_t *at, size_t n_bytes, const char **error);
/// Instant of a snapshot without restoring it.
KrStatus kr_snapshot_time(const uint8_t *at, size_t n_bytes, KrRatio *time);
/// Carries state by (path, type, shape) from `old` at instant kr_run_time(old) into `run` (fresh),
/// whose flows start on the absolute grid at that instant. Identical programs: bitwise no-op.
/// KR_ERROR_ARGUMENT: a flow of `old` ran past that instant without kr_run_announce.
KrStatus kr_run_swap(KrRun *run, KrRun *old);
/// Names the instant of a coming swap: flows that run ahead keep their state as they pass it. Takes
/// memory. Needed when some flow has a lead, at a time not after instant - lead. KR_ERROR_ARGUMENT:
/// too late.
KrStatus kr_run_announce(KrRun *run, KrRatio instant);

/// What ran when: called once per span of a flow, if set.
typedef void KrTraceFunction(void *user, uint32_t flow, int64_t first_tick, uint32_t n_ticks,
                             const char *what);
void kr_run_trace(KrRun *run, KrTraceFunction *function, void *user);

/// Live and tests: pushes an event into event input stream `events`; the time must not be before
/// what its readers have executed (KR_ERROR_ARGUMENT).
KrStatus kr_run_push(KrRun *run, uint32_t events, const KrEventItem *item);
#endif

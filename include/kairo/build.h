/// Programs made by calls instead of text: flows, constants, operators by name, crossings, states,
/// and native operators (a callback with ports and state fields) that run inside a flow like any
/// other.
#ifndef KAIRO_BUILD_H
#define KAIRO_BUILD_H
#include "kairo/program.h"
#ifdef __cplusplus
extern "C" {
#endif

typedef struct KrBuilder KrBuilder;

/// A stream of one flow; `node` is UINT32_MAX when the call that made it failed (see
/// kr_builder_error).
typedef struct KrStream {
  uint32_t node, port;
} KrStream;

typedef struct KrFlowSettings {
  const char *name;  ///< unique; copied
  uint32_t rate;     ///< KR_RATE_AUDIO … KR_RATE_SIM
  KrRatio dt;        ///< seconds, > 0; 0/1: the class's default
  KrRatio phase;     ///< seconds, >= 0
  bool is_f64;       ///< real type f64 (false: f32)
  uint32_t substeps; ///< 0 and 1: one run per tick
} KrFlowSettings;

/// What a native operator is handed: n ticks from `tick`. Elements are float, or double in f64
/// flows.
typedef struct KrNativeCall {
  uint32_t n;   ///< ticks, 1..64
  int64_t tick; ///< index of the first
  KrRatio dt;   ///< seconds
  bool is_f64;
  const void *const *in; ///< per input: n elements
  void *const *out;      ///< per output: n elements to write
  void *const *field;    ///< per state field: its elements
} KrNativeCall;
typedef struct KrNativeField {
  const char *name;
  uint32_t n; ///< elements, of the flow's real type, zero at the start
} KrNativeField;
/// A pure function of inputs and fields, called once per tick range in order: no clock, no input or
/// output, no allocation, or runs do not repeat. Cut into ranges differently it must give the same.
/// Fields are saved, restored and carried over by name.
typedef struct KrNative {
  const char *name;   ///< as in hashes and snapshots
  uint32_t n_inputs;  ///< 0..15
  uint32_t n_outputs; ///< 1..8
  const KrNativeField *fields;
  uint32_t n_fields;                                 ///< 0..15
  void (*run)(void *user, const KrNativeCall *call); ///< [worker] rt exact
  void *user;                                        ///< outlives every session
} KrNative;

/// An argument of an operator: a stream, a number or a word (`lp`).
typedef struct KrArgument {
  const char *name; ///< port name; NULL: by place
  const char *word; ///< choice or text; NULL: none
  bool is_constant; ///< `constant` counts, else `stream`
  KrRatio constant; ///< in the port's unit
  KrStream stream;
} KrArgument;

/// All calls: [main]. The first failure is kept: later calls do nothing, kr_builder_finish reports
/// it.
KrStatus kr_builder_new(KrBuilder **result);
void kr_builder_free(KrBuilder *builder);
const char *kr_builder_error(const KrBuilder *builder); ///< NULL: none
void kr_builder_seed(KrBuilder *builder, uint64_t seed);

/// Index of the new flow.
uint32_t kr_builder_flow(KrBuilder *builder, const KrFlowSettings *settings);
KrStream kr_builder_constant(KrBuilder *builder, uint32_t flow, KrRatio value);
/// Exact time of the tick, rounded once.
KrStream kr_builder_time(KrBuilder *builder, uint32_t flow);
/// Operator of the registry (`kairo ops`) by name; ports not given take their defaults.
KrStream kr_builder_op(KrBuilder *builder, uint32_t flow, const char *name, const KrArgument *args,
                       uint32_t n_args);
KrStream kr_builder_native(KrBuilder *builder, uint32_t flow, const KrNative *native,
                           const KrStream *inputs, uint32_t n_inputs);
/// Other output ports of the same operator.
KrStream kr_builder_port(KrBuilder *builder, KrStream stream, uint32_t port);
/// A stream of another flow: `mode` is `nearest`, `linear`, `cubic` or `sinc`; NULL: both tick
/// together.
KrStream kr_builder_cross(KrBuilder *builder, uint32_t flow, KrStream source, const char *mode);
/// One tick earlier. The argument may come later: kr_builder_feed.
KrStream kr_builder_prev(KrBuilder *builder, uint32_t flow, KrRatio init);
void kr_builder_feed(KrBuilder *builder, KrStream prev, KrStream value);
/// Output of a flow; `label` NULL: unnamed. Several streams: channels of a sound, columns of a
/// table.
void kr_builder_output(KrBuilder *builder, uint32_t flow, const char *label,
                       const KrStream *streams, uint32_t n);
/// Plans it; the builder is used up (freed) whatever the result. *result is NULL on
/// KR_ERROR_ARGUMENT and KR_ERROR_MEMORY; on KR_ERROR_PROGRAM its messages tell why. `error` (may
/// be NULL) has 256 bytes.
KrStatus kr_builder_finish(KrBuilder *builder, const KrProgramOptions *options, KrProgram **result,
                           char *error);

#ifdef __cplusplus
}
#endif
#endif

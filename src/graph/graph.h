/// The graph: what a program is after the language and before the schedule. Built by src/lang or
/// by calls (include/kairo/graph.h); printed, hashed, planned, and interpreted by the reference
/// executor. Everything lives in the program arena; indices, not pointers, name things.
#ifndef KR_GRAPH_GRAPH_H
#define KR_GRAPH_GRAPH_H
#include "base/hash.h"
#include "ops/op.h"
#include "time/grid.h"
#include "time/tempo.h"

#define KR_NONE UINT32_MAX

/// Where in the program's text something stands (as KrSpan of the language).
typedef struct KrOrigin {
  uint32_t file, begin, end;
} KrOrigin;

/// One output port of one node.
typedef struct KrRef {
  uint32_t node; ///< KR_NONE: none
  uint32_t port;
} KrRef;

typedef enum KrNodeKind {
  KR_NODE_CONST, ///< value, typed
  KR_NODE_OP,   ///< registry operator: inputs in port order (GATE takes 4; compile-time ports none)
  KR_NODE_READ, ///< zero-delay read of `source` in another flow of equal period and phase
  KR_NODE_CROSS,  ///< resample of `source` (type = reader's; mode, causal)
  KR_NODE_WINDOW, ///< reduce over ticks of `source` in (t - window, t] (reduce, window); source may
                  ///< be in the same flow
  KR_NODE_HISTORY,     ///< VECTOR of the dim[0] newest ticks of `source` <= t, oldest first, zeros
                       ///< before the start
  KR_NODE_STATE_READ,  ///< `state` as of strictly before this tick
  KR_NODE_STATE_WRITE, ///< in[0] value in the state's type, in[1] bool condition or none. No output
  KR_NODE_PREV,   ///< in[0] one tick earlier; `value` at tick 0. Any type (field: in[1] gives the
                  ///< value at tick 0)
  KR_NODE_TIME,   ///< exact time of the tick rounded once to `type`
  KR_NODE_STEP,   ///< tick index, i64 (outer tick)
  KR_NODE_SIGNAL, ///< to_signal of event stream `events` (mode, field)
  KR_NODE_EMIT,   ///< emits an event into `events` at each tick where in[0] (bool) holds; in[1…]
                  ///< payload fields
  KR_NODE_INPUT,  ///< value of program input `input` at this flow's tick
  KR_NODE_SUM,    ///< fixed-order sum (semantics 4) of in[0…n)
  KR_NODE_VOICES, ///< the sounding voices of `voices`, one output per channel; in[0…] are streams
                  ///< of this flow that all voices share
  KR_NODE_VOICE   ///< in a synth's body: what each voice is handed (`voice`)
} KrNodeKind;

/// What a VOICE node gives in every voice. GATE has three outputs: gate, onset residual, release
/// residual (a gate port's onset is left out).
typedef enum KrVoiceInput {
  KR_VOICE_GATE,
  KR_VOICE_FIELD, ///< payload `field` of its note, `value` when the note does not have it
  KR_VOICE_HAS,   ///< bool: the note has payload `field`
  KR_VOICE_DUR,   ///< seconds the note lasts, infinite while nobody knows
  KR_VOICE_AGE,   ///< seconds since the onset, 0 in its tick
  KR_VOICE_STREAM ///< in[`input`] of the VOICES node
} KrVoiceInput;

typedef enum KrMode { KR_MODE_NEAREST, KR_MODE_LINEAR, KR_MODE_CUBIC, KR_MODE_SINC } KrMode;
typedef enum KrReduce {
  KR_REDUCE_MEAN,
  KR_REDUCE_RMS,
  KR_REDUCE_PEAK,
  KR_REDUCE_MIN,
  KR_REDUCE_MAX,
  KR_REDUCE_SUM,
  KR_REDUCE_COUNT
} KrReduce;
/// IMPULSE: i64-count as real. HOLD: `field` of the newest payload. GATE has four outputs of the
/// gate port: gate, onset (bool), onset residual, release residual. SINC: band-limited pulses,
/// amplitude `field` or 1. OFFSET: residual r of the newest event (0 before).
typedef enum KrSignalMode {
  KR_SIGNAL_IMPULSE,
  KR_SIGNAL_HOLD,
  KR_SIGNAL_GATE,
  KR_SIGNAL_SINC,
  KR_SIGNAL_OFFSET
} KrSignalMode;

/// A constant of any element type; exact constants keep their ratio.
typedef struct KrConst {
  KrElem elem;
  union {
    uint8_t b;
    int32_t i32;
    int64_t i64;
    uint32_t u32;
    uint64_t u64;
    float f32;
    double f64;
  } as;
} KrConst;

typedef struct KrNode {
  KrNodeKind kind;
  uint32_t flow; ///< KR_NONE: part of an event function
  KrType type;   ///< of all its outputs, GATE's onset port excepted
  uint32_t n_out;
  KrElem elem; ///< OP: the call's element type (operands' type; a comparison's result is bool)
  KrRef *in;
  uint32_t n_in;
  KrOrigin origin;
  KrText path;       ///< flow/let/operator#ordinal[copy]
  const KrOp *op;    ///< OP
  KrPortValue *port; ///< OP: one per port
  KrConst value;     ///< CONST, PREV (initial), SIGNAL HOLD (`init`)
  KrRef source;      ///< READ CROSS WINDOW HISTORY
  KrMode mode;       ///< CROSS
  bool causal;       ///< CROSS: align=causal
  KrReduce reduce;   ///< WINDOW
  KrRatio
      window; ///< WINDOW: seconds; 0: the reader's dt, the first window holding every tick <= its t
  uint32_t state;      ///< STATE_*
  uint32_t events;     ///< SIGNAL EMIT
  uint32_t field;      ///< SIGNAL: payload field, KR_NONE: none
  bool round_floor;    ///< SIGNAL: round=floor, residuals are 0
  KrSignalMode signal; ///< SIGNAL
  uint32_t input;      ///< INPUT; VOICE STREAM
  uint32_t voices;     ///< VOICES VOICE
  KrVoiceInput voice;  ///< VOICE
  uint32_t next_node;  ///< the flow's next node; set by kr_graph_add_node
} KrNode;

typedef enum KrRateClass {
  KR_CLASS_AUDIO,
  KR_CLASS_CONTROL,
  KR_CLASS_VISUAL,
  KR_CLASS_SIM
} KrRateClass;
const char *kr_class_text(KrRateClass cls);

typedef struct KrFlow {
  KrText name;
  KrRateClass cls;
  KrClock clock;     ///< outer ticks
  KrElem real;       ///< f32 or f64
  uint32_t substeps; ///< >= 1; kernels see dt/substeps
  int64_t n_steps;   ///< ticks it runs; -1: without end
  bool is_input;     ///< carries one program input
  bool is_body;      ///< of a synth: never runs by itself, `voices` does
  uint32_t voices;   ///< is_body
  KrOrigin origin;
  uint32_t first_node, last_node, n_nodes; ///< kept by kr_graph_add_node; nodes in ascending order
} KrFlow;

typedef enum KrMerge {
  KR_MERGE_NONE,
  KR_MERGE_SUM,
  KR_MERGE_MIN,
  KR_MERGE_MAX,
  KR_MERGE_LAST
} KrMerge;
typedef struct KrState {
  KrText name; ///< path: `x` at top level, `flow.x` inside
  KrType type; ///< scalar
  KrConst init;
  KrMerge merge;
  KrOrigin origin;
} KrState;

/// One payload field of an event stream. Values are kept as written (exact or double) and rounded
/// to `elem` first when the field has a declared type, then converted where read.
typedef struct KrEventField {
  KrText name;
  bool declared;
  KrElem elem;
} KrEventField;
typedef struct KrEventValue {
  bool present;
  bool exact;
  KrRatio ratio;
  double value;
} KrEventValue;
typedef enum KrEventAction { KR_EVENT_ON, KR_EVENT_OFF } KrEventAction;
typedef struct KrEventItem {
  KrRatio time; ///< seconds, >= 0
  KrEventAction action;
  bool has_dur;
  KrRatio dur; ///< seconds
  bool has_key;
  int64_t key;
  const KrEventValue *values; ///< one per field
} KrEventItem;
typedef enum KrEventKind {
  KR_EVENTS_LIST,   ///< items, sorted by time, list order at ties
  KR_EVENTS_EVERY,  ///< one item template at phase + k*period (items[0].time = phase)
  KR_EVENTS_MERGE,  ///< sources in order: ties by source
  KR_EVENTS_DELAY,  ///< sources[0], later by `period`
  KR_EVENTS_MAP,    ///< sources[0], payload by `result`
  KR_EVENTS_FILTER, ///< sources[0] where result[0] (bool) holds
  KR_EVENTS_SIGNAL  ///< emitted by EMIT nodes, or pushed from outside
} KrEventKind;
typedef struct KrEvents {
  KrEventKind kind;
  bool
      is_input; ///< SIGNAL: pushed; such events are known before their tick, as those of a list are
  KrText name;
  KrEventField *fields;
  uint32_t n_fields;
  const KrEventItem *items;
  uint32_t n_items;
  KrRatio period;    ///< EVERY, DELAY
  uint32_t *sources; ///< indices of event streams
  uint32_t n_sources;
  uint32_t *param; ///< MAP FILTER: CONST nodes (flow KR_NONE, f64) set to the fields of the source,
                   ///< then to the time
  uint32_t n_param;
  KrRef *result;   ///< MAP: one per field of this stream (f64); FILTER: one bool
  uint32_t *nodes; ///< MAP FILTER: the function's nodes in order of evaluation
  uint32_t n_nodes;
  KrOrigin origin;
} KrEvents;

/// A synth played on events: its voices are lanes of one body.
typedef struct KrVoices {
  KrText synth;
  uint32_t body;    ///< flow of the body's nodes, of the clock and real type of `host`
  uint32_t host;    ///< flow that hears them
  uint32_t node;    ///< VOICES
  uint32_t events;  ///< what it plays
  uint32_t max;     ///< voices that sound at once, fading ones aside: 1..4096
  bool round_floor; ///< notes begin and end at whole ticks
  KrRef *out;       ///< one per channel, in the body
  uint32_t n_out;
  KrOrigin origin;
} KrVoices;
enum { KR_MAX_VOICES = 4096 };

typedef enum KrOutputKind {
  KR_OUTPUT_AUDIO,
  KR_OUTPUT_NUMBERS,
  KR_OUTPUT_PICTURES,
  KR_OUTPUT_EVENTS
} KrOutputKind;
typedef struct KrOutput {
  uint32_t flow;
  KrText label; ///< empty when unnamed
  KrText name;  ///< of its file and digest; empty: flow[.label]
  KrOutputKind kind;
  KrRef *refs;     ///< one per channel or column; all in `flow`
  KrText *columns; ///< NUMBERS: column names below the label (`freq`), empty for a bare number
  uint32_t n_refs;
  uint32_t events; ///< EVENTS
  KrOrigin origin;
} KrOutput;

typedef enum KrInputKind { KR_INPUT_VALUE, KR_INPUT_STREAM, KR_INPUT_EVENTS } KrInputKind;
typedef struct KrInput {
  KrText name;
  KrInputKind kind;
  KrType type;
  uint32_t n_channels;
  uint32_t flow;     ///< STREAM: its input flow
  uint32_t n_frames; ///< bound audio, already at the flow's rate (or the flow has the file's)
  const KrAssetAudio *audio;
  KrConst value; ///< VALUE
  KrOrigin origin;
} KrInput;

typedef struct KrAsset {
  KrText path;
  KrText kind; ///< `audio`, `midi`, `csv`
  KrDigest digest;
  bool is_lossy; ///< the decoder decides the samples
  KrOrigin origin;
} KrAsset;

/// A named stream that can be read from outside: a let, output label or flow name.
typedef struct KrName {
  uint32_t flow;
  KrText name;
  KrRef *refs;
  KrText *columns;
  uint32_t n_refs;
} KrName;

/// One row of the plan-visible boundary steps (solvers).
typedef struct KrGraph {
  KrArena *arena;
  uint64_t seed;
  bool has_duration;
  KrRatio duration;        ///< @duration
  KrRatio last_event;      ///< time of the last event or end, for the default length; -1 none
  KrRatio longest_release; ///< seconds
  KrTempoMap tempo;
  bool has_tempo;
  KrFlow *flows;
  uint32_t n_flows, cap_flows;
  KrNode *nodes;
  uint32_t n_nodes, cap_nodes;
  KrState *states;
  uint32_t n_states, cap_states;
  KrEvents *events;
  uint32_t n_events, cap_events;
  KrVoices *voices;
  uint32_t n_voices, cap_voices;
  KrOutput *outputs;
  uint32_t n_outputs, cap_outputs;
  KrInput *inputs;
  uint32_t n_inputs, cap_inputs;
  KrAsset *assets;
  uint32_t n_assets, cap_assets;
  KrName *names;
  uint32_t n_names, cap_names;
} KrGraph;

/// It takes events out of stream `events`.
static inline bool kr_node_takes_events(const KrNode *node) {
  return node->kind == KR_NODE_SIGNAL || node->kind == KR_NODE_VOICES;
}

KrGraph *kr_graph_new(KrArena *arena);
uint32_t kr_graph_add_node(KrGraph *graph, const KrNode *node);
/// Type of a port (a gate's onset is bool).
KrType kr_graph_type(const KrGraph *graph, KrRef ref);
/// Printable form, one line per flow, state, event stream, node, output. With `dot`: Graphviz.
void kr_graph_print(const KrGraph *graph, KrBuffer *out);
void kr_graph_print_dot(const KrGraph *graph, KrBuffer *out);
/// Structure: flows, rates, types, operators, edges. Program: with constants, profile, seed,
/// assets.
KrDigest kr_graph_hash_structure(const KrGraph *graph);
KrDigest kr_graph_hash_program(const KrGraph *graph);

/// A mistake found in the graph or plan, for the front end to report.
typedef struct KrGraphError {
  KrOrigin origin;
  const char *message;
  const char *hint; ///< may be NULL
} KrGraphError;
/// Order of flows by same-instant reads (semantics 3): repeatedly the first declared one whose
/// sources are taken. Reads inside prev do not count. KR_ERROR_PROGRAM: *error prints the cycle.
KrStatus kr_graph_order(const KrGraph *graph, KrArena *arena, uint32_t **order,
                        KrGraphError *error);
/// Nodes of one flow in execution order, ties by index. PREV and STATE_READ break cycles.
KrStatus kr_graph_order_nodes(const KrGraph *graph, KrArena *arena, uint32_t flow, uint32_t **order,
                              uint32_t *n, KrGraphError *error);
#endif

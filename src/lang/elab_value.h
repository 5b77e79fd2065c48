/// Values of the elaborator and what names, flows and states are while it runs.
#ifndef KR_LANG_ELAB_VALUE_H
#define KR_LANG_ELAB_VALUE_H
#include "lang/elab.h"

enum {
  KR_DIM_S,
  KR_DIM_M,
  KR_DIM_KG,
  KR_DIM_A,
  KR_DIM_K,
  KR_DIM_TURN,
  KR_DIM_RAD,
  KR_DIM_DB,
  KR_DIM_CENT,
  KR_DIM_PX,
  KR_DIM_BEAT,
  KR_N_DIMS
};
/// Exponents of the base units; `known` false: no unit declared, fits anything.
typedef struct KrDim {
  bool known;
  int8_t exp[KR_N_DIMS];
} KrDim;

typedef enum KrValKind {
  KR_VAL_POISON, ///< an error was reported
  KR_VAL_NONE,   ///< a statement: no value
  KR_VAL_NUMBER,
  KR_VAL_BOOL,
  KR_VAL_STRING,
  KR_VAL_STREAM, ///< ref, type
  KR_VAL_GATE,   ///< gate[4], type
  KR_VAL_RECORD, ///< fields
  KR_VAL_TUPLE,
  KR_VAL_LIST,    ///< items
  KR_VAL_FN,      ///< FN or LAMBDA with its scope
  KR_VAL_SYNTH,   ///< SYNTH with its scope, in `fn`
  KR_VAL_OP,      ///< registry row by name
  KR_VAL_EVENTS,  ///< index into graph->events
  KR_VAL_HOLD,    ///< to_signal(mode=hold) before a field is chosen
  KR_VAL_FOREIGN, ///< named value of another flow, not read yet
  KR_VAL_OFF,     ///< off(key), payload of an event
  KR_VAL_RANDOM,  ///< random(seed)
  KR_VAL_NAMESPACE
} KrValKind;

/// A compile-time number in base units. `value` is always set; exact ones have `ratio`.
typedef struct KrNumber {
  bool exact;
  bool typed; ///< declared with a type: a stream of `elem` where it is computed with
  KrElem elem;
  KrRatio ratio;
  double value;
  const char *lost; ///< inexact: the operation that lost exactness
} KrNumber;

typedef struct KrVal KrVal;
typedef struct KrScope KrScope;
typedef struct KrFlowInfo KrFlowInfo;
typedef struct KrBinding KrBinding;
typedef struct KrBus KrBus;
typedef struct KrSend KrSend;
typedef struct KrBody KrBody;
typedef struct KrContext KrContext;

typedef struct KrItems {
  KrVal *at;
  KrText *names; ///< RECORD only
  uint32_t n;
  KrText type;       ///< RECORD: name of its head, may be empty
  const KrVal *time; ///< RECORD handed to a function over events: its time, no field
} KrItems;

struct KrVal {
  KrValKind kind;
  KrDim dim;   ///< NUMBER, STREAM, GATE
  KrType type; ///< STREAM, GATE
  union {
    KrNumber number;
    bool boolean;
    KrText text; ///< STRING, OP, NAMESPACE
    KrRef ref;   ///< STREAM
    KrRef gate[4];
    KrItems items;
    struct {
      const KrAst *ast;
      KrScope *scope;
    } fn;
    struct {
      uint32_t index;
      const KrVal *init;
      bool round_floor;
    } events; ///< EVENTS, HOLD
    struct {
      KrFlowInfo *flow;
      const KrVal *inner;
      KrText name; ///< as written
    } foreign;
  } as;
};

typedef enum KrBindState { KR_BIND_PENDING, KR_BIND_BUSY, KR_BIND_READY } KrBindState;
/// A name in a scope: value, state variable or pending declaration.
struct KrBinding {
  KrText name;
  KrSpan span;
  KrBindState state;
  const KrAst *ast; ///< LET CONST BIND OUTPUT STATE FN INPUT STRUCT
  KrVal val;
  bool is_state, is_input;
  uint32_t var;     ///< is_state: index into KrElab.vars; is_input: into graph->inputs
  uint32_t forward; ///< KR_NONE or first forward reference
  KrFlowInfo *flow; ///< whose name it is; NULL at top level
  KrScope *scope;   ///< where it was declared
  const char *set;  ///< --set replaces the expression
};

struct KrScope {
  KrScope *parent;
  KrBinding **items;
  uint32_t n, cap;
  uint32_t *table; ///< open addressing, index + 1; NULL while small
  uint32_t table_size;
};

/// One branch taken under a stream condition.
typedef struct KrCond KrCond;
struct KrCond {
  KrCond *outer;
  KrRef ref; ///< the condition of the branch itself
  bool negated;
  const KrAst
      *ast;      ///< the `if`: two conditions with one ast and unequal `negated` exclude each other
  uint32_t copy; ///< serial number of the evaluation of that `if`
  KrRef joined;  ///< with the outer ones; node KR_NONE until needed
};

typedef struct KrFlowOutput {
  KrText label;
  KrSpan span; ///< of the statement
  KrSpan value_span;
  KrVal val;
} KrFlowOutput;

typedef struct KrWrite {
  uint32_t var;
  KrSpan span;
  KrFlowInfo *flow;
  KrCond *cond;
  uint32_t count; ///< writes so far to this state in this flow when it happened
} KrWrite;

struct KrFlowInfo {
  const KrAst *ast;
  KrText name;
  KrSpan span;
  uint32_t index; ///< in graph->flows
  enum { KR_FLOW_TODO, KR_FLOW_BUSY, KR_FLOW_DONE } state;
  bool headed;    ///< its header was read
  bool failed;    ///< its header is wrong
  KrScope *outer; ///< of the program or module it stands in
  KrScope *scope; ///< names of its body
  KrFlowOutput *outputs;
  uint32_t n_outputs, cap_outputs;
  uint32_t mark; ///< ordering pass
  KrBus *bus;    ///< what is sent to it; NULL: nothing and not asked for
  KrSend **sends;
  uint32_t n_sends, cap_sends;
  KrBody *body; ///< a synth's, being played; NULL: a flow
};

/// A synth's body while it is elaborated.
struct KrBody {
  const KrContext *host; ///< where it is played
  uint32_t voices;       ///< in graph->voices
  KrRef *in;             ///< streams of the host that it reads
  uint32_t n_in, cap_in;
  const KrAst *synth;
};

/// A state variable while elaborating.
typedef struct KrVar {
  uint32_t index; ///< in graph->states
  KrDim dim;
  bool latest;
  KrText name;
  KrSpan span;
  KrWrite *writes;
  uint32_t n_writes, cap_writes;
  KrFlowInfo *reader; ///< flow of the cached read node
  KrRef read;
  KrFlowInfo *writer; ///< read=latest: flow, value so far and whether it was written
  KrVal value;
  KrRef written; ///< bool stream, node KR_NONE while `always`
  bool always;
} KrVar;

/// A stream used before it is known: inputs refer to node KR_FORWARD + index until the end.
#define KR_FORWARD UINT32_C(0x80000000)
typedef struct KrForward {
  KrBinding *binding; ///< NULL: output `label` of `flow`
  KrFlowInfo *flow;
  KrText label;
  KrType type;
  KrRef ref;
  bool resolved;
  KrSpan span;
  uint32_t next; ///< of the same binding
} KrForward;

/// Bytes to a number, hashed.
typedef struct KrMapSlot {
  KrText key;
  uint32_t value;
} KrMapSlot;
typedef struct KrMap {
  KrMapSlot *slots;
  uint32_t n, size;
} KrMap;

typedef struct KrSchema {
  KrDim *dims; ///< per field
} KrSchema;
#endif

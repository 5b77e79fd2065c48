/// The operator contract: what a row of the registry says and what its kernel is handed.
/// The registry is the truth for checker, planner, manual, tests and `kairo ops`.
#ifndef KR_OPS_OP_H
#define KR_OPS_OP_H
#include "asset/host.h"
#include "base/text.h"
#include "time/ratio.h"

enum { KR_TILE = 64, KR_LANES = 16, KR_MAX_PORTS = 16, KR_MAX_FIELDS = 16, KR_MAX_OUTS = 8 };
enum { KR_MAX_FACTORS = 3 };

/// Element types. bool is one byte 0 or 1.
#define KR_ELEM_LIST(X)                                                                            \
  X(BOOL, "bool", uint8_t)                                                                         \
  X(I32, "i32", int32_t)                                                                           \
  X(I64, "i64", int64_t)                                                                           \
  X(U32, "u32", uint32_t) X(U64, "u64", uint64_t) X(F32, "f32", float) X(F64, "f64", double)
typedef enum KrElem {
#define KR_ELEM_ENUM(name, text, type) KR_ELEM_##name,
  KR_ELEM_LIST(KR_ELEM_ENUM)
#undef KR_ELEM_ENUM
      KR_N_ELEMS
} KrElem;
static inline uint32_t kr_elem_bytes(KrElem elem) {
  bool is_wide = elem == KR_ELEM_I64 || elem == KR_ELEM_U64 || elem == KR_ELEM_F64;
  return elem == KR_ELEM_BOOL ? 1 : is_wide ? 8 : 4;
}
const char *kr_elem_text(KrElem elem);
static inline bool kr_elem_is_real(KrElem elem) { return elem >= KR_ELEM_F32; }

typedef enum KrShape {
  KR_SHAPE_SCALAR,
  KR_SHAPE_VECTOR,   ///< dim[0] elements (history, bands)
  KR_SHAPE_SPECTRUM, ///< dim[0] bins, re and im interleaved; dim[1] = transform size
  KR_SHAPE_IMAGE,    ///< dim[0] wide, dim[1] high, RGBA bytes (elem BOOL = bytes), straight alpha
  KR_SHAPE_FIELD     ///< dim[0] x dim[1] x dim[2] cells (1 where unused), x fastest
} KrShape;
/// Type of one tick's value.
typedef struct KrType {
  KrElem elem;
  KrShape shape;
  uint32_t dim[3];
} KrType;
#define KR_TYPE_SCALAR(e) ((KrType){(e), KR_SHAPE_SCALAR, {1, 1, 1}})
uint64_t kr_type_count(const KrType *type); ///< elements per tick
uint64_t kr_type_bytes(const KrType *type); ///< bytes per tick
bool kr_type_equal(const KrType *a, const KrType *b);

typedef enum KrPortKind {
  KR_PORT_SIGNAL, ///< stream or constant of the call's element type
  KR_PORT_INT,    ///< i64 stream or constant
  KR_PORT_BOOL,   ///< bool stream or constant
  KR_PORT_GATE, ///< four inputs: gate (call's type), onset (bool), onset residual, release residual
                ///< (call's type); the last three are NULL when the gate carries no events: then an
                ///< onset is a rise from <= 0 to > 0
  KR_PORT_CONST,    ///< compile-time number, only in KrPortValue
  KR_PORT_CHOICE,   ///< one word of `choices`
  KR_PORT_TEXT,     ///< compile-time string
  KR_PORT_POINTS,   ///< compile-time list of numbers or of equal tuples of numbers
  KR_PORT_ASSET,    ///< audio file, decoded
  KR_PORT_VECTOR,   ///< stream of vectors of the call's element type
  KR_PORT_SPECTRUM, ///< stream of spectra
  KR_PORT_IMAGE,    ///< stream of pictures
  KR_PORT_FIELD,    ///< stream of fields
  KR_PORT_STREAM,   ///< core operators only: a stream by name
  KR_PORT_EVENTS,   ///< core operators only: an event stream
  KR_PORT_ANY       ///< core operators only
} KrPortKind;

/// Range of a frequency that folds back above it; a constant beyond gets a warning.
#define KR_RANGE_TO_HALF "0..half the rate"
typedef struct KrPort {
  const char *name;
  KrPortKind kind;
  const char *unit;    ///< dimension of a bare number: "" plain, "Hz", "s", "dB", "turns", "rad",
                       ///< "cents" …; NULL: any
  const char *preset;  ///< default as Kairo source (`10ms`, `0.7071`, `lp`); NULL: must be given
  const char *choices; ///< CHOICE: words in order, `lp|bp|hp|notch`. CONST: words taken in place of
                       ///< a number (`auto`); the value's kind is then KR_VALUE_CHOICE
  const char *range;   ///< for the manual, `20..20000`; NULL: any
  const char *doc;     ///< half a sentence
} KrPort;

typedef enum KrValueKind {
  KR_VALUE_STREAM,
  KR_VALUE_CONST,
  KR_VALUE_CHOICE,
  KR_VALUE_TEXT,
  KR_VALUE_POINTS,
  KR_VALUE_ASSET
} KrValueKind;
/// What a port was given, as known when the program is prepared.
typedef struct KrPortValue {
  KrValueKind kind;
  KrType type;          ///< STREAM
  bool exact;           ///< CONST: `ratio` is valid
  KrRatio ratio;        ///< CONST
  double value;         ///< CONST, rounded once
  uint32_t choice;      ///< CHOICE: index of the word
  KrText text;          ///< TEXT
  const double *points; ///< POINTS: n_points rows of n_columns
  uint32_t n_points, n_columns;
  const KrAssetAudio *audio; ///< ASSET
} KrPortValue;

enum {
  KR_FIELD_STATE = 0, ///< plain state, in snapshots
  KR_FIELD_RING = 1,  ///< state; entry of tick k is at index k mod count
  KR_FIELD_COEF = 2,  ///< written by prepare only, never in snapshots
  KR_FIELD_AGES = 4   ///< state of U64 or I64 that moves by a step a tick: a voice that begins
                      ///< between two ticks takes back its part of the first step
};
/// Kernel memory by name: an array [count][lanes] of one element type.
typedef struct KrField {
  const char *name;
  int elem;       ///< a KrElem, or KR_ELEM_CALL for the call's element type
  uint32_t count; ///< 0: the row's `count` function says
  uint32_t flags;
} KrField;
enum { KR_ELEM_CALL = -1 };

/// First error of a kernel; checked after every span.
typedef struct KrFault {
  const char *message; ///< NULL: none. Static text, e.g. "division by zero"
  int64_t tick;
} KrFault;

/// Sixteen lanes read between knots: x0 + a[t] (x1 - x0) at tick t, x0 where a[t] is 0: at the
/// first tick of a part at most. Parts follow each other without gaps.
typedef struct KrRampPart {
  uint32_t begin, end;
  const void *x0, *x1; ///< rows
  bool is_flat;        ///< x0 at every tick, whatever a says
} KrRampPart;
typedef struct KrRamp {
  const void *a;
  uint32_t n_parts;
  KrRampPart part[4];
} KrRamp;

/// A lane whose voice begins within a call, at its row (tick less the call's first).
typedef struct KrCallStart {
  uint32_t lane, row;
} KrCallStart;
/// What the lanes of a call are when they are voices of a synth (one lane: entry 0).
typedef struct KrCallVoice {
  const int64_t *born;  ///< tick of the onset; age at tick k: max(0, k - born - late) ticks
  const double *late;   ///< residual of the onset, 0 to below 1
  const uint32_t *note; ///< sequence number: the upper half of the draw word of random numbers
  uint32_t lanes;       ///< bit per lane: it sounds; others may stay as they are
  /// KR_OP_ENDS writes the first tick from which the lane is silent for good, INT64_MAX: not in
  /// this call; if that was before, any tick up to the first.
  int64_t *end;
  /// KR_OP_JOINS: the voices that begin in this call, in order of rows. Up to there a lane stays as
  /// prepare left it, whatever it puts out; a KR_FIELD_AGES takes back kr_call_back of its first
  /// step. n_starts is 0 for all other kernels, whose calls end there.
  const KrCallStart *starts;
  uint32_t n_starts;
  /// NULL, or the ticks in which the gate moves, input 0 being that of the voices: bit per tick.
  /// Only the rows of these are there.
  const uint64_t *edges;
} KrCallVoice;
/// Ticks as lanes: the life of one voice from its onset on, tick t at row t / KR_LANES of a call of
/// as many rows, outputs with room for one row more. Held inputs and fields are the voice's own in
/// every lane, fields as prepare left them; none is written. Operators with KR_OP_JOINS take such
/// calls, and elementwise ones, which need not know.
typedef struct KrCallLife {
  double late;     ///< residual of the onset, 0 to below 1
  int64_t release; ///< the gate's first silent tick, 1 or more; INT64_MAX: not in this call
  int64_t *end; ///< KR_OP_ENDS: the first tick from which the voice is silent for good, INT64_MAX:
                ///< not in this call, of which nothing is written then
} KrCallLife;
/// What of a position's first step lies before an onset that is `late`.
static inline uint64_t kr_call_back(uint64_t step, double late) {
  uint64_t part = (uint64_t)(late * 0x1p32), size = (int64_t)step < 0 ? 0 - step : step;
  uint64_t back = (size >> 32) * part + ((size & UINT32_MAX) * part >> 32);
  return (int64_t)step < 0 ? 0 - back : back;
}

/// One kernel call over a tile [tick][lane] of one lane group.
/// in[i] is [n][lanes] elements, or [1][lanes] when bit i of `held` is set (constant over the
/// tile); shapes other than scalar have kr_type_count elements in place of one. in[i] may be NULL
/// only where KR_PORT_GATE says so, and for an optional BOOL of an operator (then it is true).
/// Outputs never overlap inputs. field[i] is [count][lanes]. Rows with a shape other than scalar at
/// any port or output have one lane.
typedef struct KrCall {
  uint32_t n;     ///< ticks, 1..KR_TILE
  uint32_t lanes; ///< 1 or KR_LANES
  int64_t tick;   ///< index of the first tick (inner ticks under substeps)
  uint64_t held;
  const void *const *in;
  void *const *out;
  void *const *field;
  const KrType *in_type; ///< per input
  const KrType *type;    ///< of the outputs
  KrFault *fault;
  /// NULL, or where a kernel may set bit i when output i is constant over the tile and only its
  /// row 0 was written; 0 before the call. Never for a scalar of one lane.
  uint64_t *held_out;
  uint64_t adds; ///< bit i: output i is added to what is there (KR_OP_ADDS)
  /// NULL, or a call over the same tile, n and tick being this one's, of the same kernel with the
  /// same input 0, whose output is added to this one's (KR_OP_ADDS and KR_OP_ALONE).
  const struct KrCall *also;
  /// NULL, or what is added to input 0 (KR_OP_RAMPS), which is one row then, NULL: nothing.
  const KrRamp *ramp;
  /// The output is multiplied by inputs first_factor …, one after the other (KR_OP_GAINS);
  /// all but the first are held. At most KR_MAX_FACTORS.
  uint32_t n_factors, first_factor;
  /// NULL, or the voices that the lanes are. Their fields are as prepare left them at the onset,
  /// and a gate's first onset is that of the voice: its output is not crossed over, the voice's is.
  const KrCallVoice *voice;
  const KrCallLife *life; ///< NULL, or the lanes are ticks; then there is no `voice`
  /// 0, or 2: input 1 is multiplied by input first_scale, then the one after that is added, both
  /// held (KR_OP_SCALES).
  uint32_t n_scales, first_scale;
} KrCall;
typedef void KrKernel(const KrCall *call);
/// Elements between two ticks of input i: 0 when held.
static inline size_t kr_call_stride(const KrCall *call, uint32_t i) {
  return (call->held >> i & 1) ? 0 : call->lanes;
}

typedef struct KrOp KrOp;
/// Tables that copies of operators share: made by the first prepare that wants one, living as long
/// as the plan. A KR_FIELD_COEF of U64 holds the address.
typedef struct KrShared {
  KrArena *arena;
  struct KrSharedTable *first;
  size_t n_bytes; ///< of all tables
} KrShared;
/// What prepare, count and type are handed.
typedef struct KrPrep {
  const KrOp *op;
  KrElem elem;             ///< the call's element type
  KrRatio dt;              ///< period of the flow's (inner) tick in seconds
  const KrPortValue *port; ///< one per port of the row
  KrType type;             ///< of the outputs
  uint64_t seed;           ///< the program's
  KrText path;             ///< flow/let/operator#ordinal[copy], for randomness
  uint32_t lanes, lane;    ///< this copy's lane: element of field f is at[(index * lanes) + lane]
  void *const *field;      ///< zeroed before
  KrArena *arena;          ///< scratch during prepare
  KrShared *shared;        ///< NULL: tables go to `arena`, one a copy
} KrPrep;

/// Operators the scheduler itself carries out; their rows have no kernel.
typedef enum KrCore {
  KR_CORE_NONE,
  KR_CORE_RESAMPLE,
  KR_CORE_PREV,
  KR_CORE_WINDOW,
  KR_CORE_HISTORY,
  KR_CORE_FFT,
  KR_CORE_TO_SIGNAL,
  KR_CORE_EVENT,
  KR_CORE_RANDOM,
  KR_CORE_LIST,
  KR_CORE_BUS,
  KR_CORE_SELECT,
  KR_CORE_LATER
} KrCore;

enum {
  KR_OP_ELEMENTWISE = 1,
  KR_OP_RANDOM = 2,
  KR_OP_INTEGER_RESULT_BOOL = 4,
  KR_OP_OPERATOR = 8,  /* spelled infix or inserted by the checker: not callable by name */
  KR_OP_ALONE = 16,    /* never a lane of a group: it works along the ticks, or KR_OP_FAULTS */
  KR_OP_FAULTS = 32,   /* may report a fault */
  KR_OP_HOLDS = 64,    /* may say that an output is held (KrCall.held_out) */
  KR_OP_RAMPS = 128,   /* sixteen lanes take KrCall.ramp when the other inputs are constant */
  KR_OP_GAINS = 512,   /* sixteen lanes can be multiplied before they are written (n_factors) */
  KR_OP_GAIN = 1024,   /* the same, by one factor */
  KR_OP_SCALES = 2048, /* sixteen lanes take input 1 scaled (n_scales) while input 2 is held */
  KR_OP_ENDS = 4096,   /* a voice lasts until those that have it are silent (KrCallVoice.end) */
  KR_OP_JOINS = 16384, /* voices may begin within a call of sixteen lanes while input 0 is held, or
                          where that is the gate of the voices (KrCallVoice.starts); such calls it
                          takes as a KrCallLife, too */
  KR_OP_PAIR = 8192,   /* two channels in a tuple are its first and its last input */
  KR_OP_ADDS = 256     /* can be added to what is there (adds); KR_OP_ALONE: its only lane */
};

struct KrOp {
  const char *name; ///< as called in programs; `event.every`, `random.uniform`, `solver.heat` with
                    ///< namespace
  const char *family;           ///< heading in the manual
  const char *doc;              ///< one sentence
  KrPort in[KR_MAX_PORTS];      ///< ends at the first without name
  const char *out[KR_MAX_OUTS]; ///< names of outputs; none: one output. Several make a tuple
  KrField field[KR_MAX_FIELDS]; ///< ends at the first without name
  KrKernel *run[KR_N_ELEMS];    ///< by the call's element type; NULL: not for that type
  uint32_t flags;
  KrCore core;
  /// Type of the outputs; NULL: scalar of the call's type. *message names what is wrong on
  /// KR_ERROR_ARGUMENT.
  KrStatus (*type)(const KrPrep *prep, KrType *type, const char **message);
  /// Entries of field i when its `count` is 0.
  uint64_t (*count)(const KrPrep *prep, uint32_t field);
  /// Writes coefficients and the state of tick 0 of one lane. NULL: zeros.
  KrStatus (*prepare)(const KrPrep *prep, const char **message);
};

uint32_t kr_op_ports(const KrOp *op);
uint32_t kr_op_fields(const KrOp *op);
uint32_t kr_op_outs(const KrOp *op); ///< >= 1
uint32_t
kr_op_inputs(const KrOp *op,
             uint32_t port); ///< node inputs this port takes: 1, 4 (GATE), 0 (compile-time kinds)

/// A family: one file, one table.
typedef struct KrFamily {
  const char *name;
  const KrOp *ops;
  uint32_t n;
} KrFamily;
const KrFamily *kr_registry_families(uint32_t *n);
/// Row `nth` (from 0) of that name; NULL after the last. Names are hashed once.
const KrOp *kr_registry_find(KrText name, uint32_t nth);
/// The nearest known name within distance 2, for hints; empty when none.
KrText kr_registry_near(KrText name);
#endif

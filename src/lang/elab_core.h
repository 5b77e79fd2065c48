/// Inside of the elaborator: an abstract interpreter over the syntax tree whose values are known at
/// compile time or are streams, and whose operators emit nodes. Shared by the files elab_*.c only.
#ifndef KR_LANG_ELAB_CORE_H
#define KR_LANG_ELAB_CORE_H
#include "lang/elab_value.h"

/// What changes while walking down: saved and restored as a whole.
struct KrContext {
  KrFlowInfo *flow; ///< NULL at top level
  KrScope *scope;
  KrElem real;
  KrCond *cond;
  KrCond *call_cond; ///< the condition under which the innermost fn was called
  KrText label;      ///< nearest enclosing let or output label
  KrText copies;     ///< `[3]` per enclosing unrolled list
  bool in_prev;
  bool in_function; ///< body of a MAP or FILTER: nodes belong to no flow
  uint32_t calls;   ///< nesting of fn
};

/// A `let` or labelled output of a flow, as seen from outside.
typedef struct KrFlowSite {
  KrText name;
  KrFlowInfo *flow;
  bool is_output;
  uint32_t next; ///< site of the same name, KR_NONE: last
} KrFlowSite;

typedef struct KrElab {
  KrArena *arena;
  KrDiagnostics *list;
  const KrElabOptions *options;
  KrGraph *graph;
  KrContext now;
  KrScope *top;
  KrFlowInfo **flows;
  uint32_t n_flows, cap_flows;
  KrMap struct_names; ///< name -> index into structs
  const KrAst **structs;
  uint32_t n_structs, cap_structs;
  KrMap flow_names; ///< name -> index into flows
  KrMap site_names; ///< flow-level name -> index into sites (chain)
  KrMap flow_sites; ///< `flow.name` -> index into sites, outputs before lets
  KrFlowSite *sites;
  uint32_t n_sites, cap_sites;
  KrVar *vars;
  uint32_t n_vars, cap_vars;
  KrForward *forwards;
  uint32_t n_forwards, cap_forwards;
  KrSchema *schemas; ///< parallel to graph->events
  uint32_t n_schemas, cap_schemas;
  KrMap ordinals, constants, assets;
  KrMap modules; ///< name -> index + 1 into module_scopes; 0: being read, KR_NONE: none
  KrScope **module_scopes;
  const KrAst **programs; ///< the program and its modules
  uint32_t n_programs, cap_programs;
  uint32_t n_modules, cap_modules;
  const KrAssetAudio **audio;
  uint32_t n_audio, cap_audio;
  uint32_t *function_nodes; ///< nodes emitted since in_function began
  uint32_t n_function_nodes, cap_function_nodes;
  uint32_t depth, n_unrolled, serial, n_near, n_anonymous;
  KrVal returned;
  bool has_returned;
  KrVal *contracts; ///< BoundaryContract records: name or empty, record
  KrText *contract_names;
  uint32_t n_contracts, cap_contracts, cap_contract_names;
  const KrAst **walk; ///< scratch of searches in the tree
  uint32_t cap_walk;
  uint32_t n_nested_busses, mark; ///< busses being elaborated; last ordering pass
  uint32_t n_latest;              ///< states with read=latest
  jmp_buf stop;                   ///< a limit was reached
} KrElab;

/// elab_value.c: values, maps, exact folding
KrVal kr_val_poison(void);
KrVal kr_val_none(void);
KrVal kr_val_exact(KrRatio ratio);
KrVal kr_val_inexact(KrElab *e, double value, const char *lost, KrSpan span);
KrVal kr_val_bool(bool value);
KrVal kr_val_text(KrText text);
KrVal kr_val_stream(KrRef ref, KrType type);
KrVal kr_val_items(KrValKind kind, KrVal *at, uint32_t n);
bool kr_val_is_constant(const KrVal *val);
const char *kr_val_kind_text(const KrVal *val);
/// What to do where a number is wanted and this stands.
const char *kr_val_number_hint(const KrVal *val);
const KrVal *kr_val_field(const KrVal *record, KrText name);
double kr_ratio_to_f64(KrRatio ratio);
/// a^b rounded once from the exact value (elab_power.c).
double kr_power_to_f64(KrRatio a, KrRatio b);
KrVal kr_fold_binary(KrElab *e, char op, const KrVal *a, const KrVal *b, KrSpan span);
KrVal kr_fold_negate(KrElab *e, const KrVal *a, KrSpan span);
/// floor ceil round abs min max div mod of exact constants; false when not one of them.
bool kr_fold_call(KrElab *e, KrText name, const KrVal *at, uint32_t n, KrSpan span, KrVal *result);
bool kr_fold_compare(KrText op, const KrVal *a, const KrVal *b);
/// Value of a number in an element type; reports overflow and fractions in integers.
bool kr_number_const(KrElab *e, const KrNumber *number, KrElem elem, KrSpan span, KrConst *out);
bool kr_number_fits(const KrNumber *number, KrElem elem); ///< exact, whole and in range
uint32_t *kr_map_slot(KrElab *e, KrMap *map, KrText key, bool *found);
const uint32_t *kr_map_find(const KrMap *map, KrText key);

/// elab_unit.c: dimensions
bool kr_unit_find(KrElab *e, KrText unit, KrSpan span, KrDim *dim, KrRatio *scale);
bool kr_dim_equal(const KrDim *a, const KrDim *b);
bool kr_dim_fits(const KrDim *a, const KrDim *b);
bool kr_dim_is_plain(const KrDim *dim);
KrDim kr_dim_join(KrDim a, KrDim b);
KrDim kr_dim_combine(KrDim a, KrDim b, int sign);
KrDim kr_dim_power(KrDim a, int num, int den, bool *ok);
KrDim kr_dim_of(int base, int exponent);
const char *kr_dim_text(KrElab *e, const KrDim *dim);
/// A value in the unit `unit` (NULL: any): checks the dimension, scales; reports.
bool kr_unit_fit(KrElab *e, KrVal *val, const char *unit, const char *what, KrSpan span);

/// elab_name.c: scopes and resolution (language 3)
KrScope *kr_scope_new(KrElab *e, KrScope *parent);
KrBinding *kr_scope_find(const KrScope *scope, KrText name);
KrBinding *kr_scope_declare(KrElab *e, KrScope *scope, KrText name, KrSpan span, const KrAst *ast);
KrVal kr_elab_name(KrElab *e, const KrAst *ast);
bool kr_name_is_user(KrElab *e, KrText name); ///< local, top level, flow
bool kr_name_is_namespace(KrText name);
/// A callable of that name: fn, lambda or row; false when there is none.
bool kr_name_callable(KrElab *e, KrText name, KrSpan span, KrVal *val);
KrVal kr_name_member(KrElab *e, KrFlowInfo *flow, const KrAst *ast);
KrFlowInfo *kr_name_flow(KrElab *e, KrText name);
KrVal kr_binding_read(KrElab *e, KrBinding *binding, KrSpan span, KrText name);
bool kr_note_number(KrText name, int64_t *key);
KrText kr_name_near(KrElab *e, KrText name);
void kr_name_index(KrElab *e, KrFlowInfo *flow, KrText name, bool is_output);

/// elab_expr.c: operators, types, conversions
KrVal kr_elab_expr(KrElab *e, const KrAst *ast);
/// As kr_elab_expr, then reads a stream of another flow and refuses statements.
KrVal kr_elab_value(KrElab *e, const KrAst *ast);
KrVal kr_elab_binary(KrElab *e, KrText op, KrVal a, KrVal b, KrSpan span);
KrVal kr_elab_if(KrElab *e, const KrAst *ast, const KrAst *const parts[3], bool statement);
KrVal kr_elab_select(KrElab *e, KrRef cond, KrVal a, KrVal b, KrSpan span);
KrRef kr_elab_negation(KrElab *e, KrRef ref, KrSpan span);
KrRef kr_elab_condition(KrElab *e, KrSpan span); ///< of the present branch; node KR_NONE: always
/// Exact constants for what needs them; false after a report.
bool kr_need_exact(KrElab *e, const KrVal *val, const char *unit, const char *what, KrSpan span,
                   KrRatio *ratio);
bool kr_need_whole(KrElab *e, const KrVal *val, const char *what, KrSpan span, int64_t *whole);

/// elab_node.c: emitting nodes
KrRef kr_emit_const(KrElab *e, KrConst value);
KrRef kr_emit_bool(KrElab *e, bool value);
KrRef kr_emit_node(KrElab *e, KrNode node, const char *name, KrSpan span);
KrRef kr_emit_op(KrElab *e, const char *name, KrElem elem, KrType type, const KrVal *in, uint32_t n,
                 KrSpan span);
KrText kr_emit_path(KrElab *e, const char *name);
/// Any value as one stream of scalars in its natural type (constants real).
KrVal kr_to_stream(KrElab *e, KrVal val, KrSpan span);
/// As a stream of exactly `elem`.
KrVal kr_to_elem(KrElab *e, KrVal val, KrElem elem, KrSpan span);
KrRef kr_to_bool(KrElab *e, KrVal val, const char *what, KrSpan span);
/// Constants inside a value named in `flow` as streams of that flow.
KrVal kr_freeze(KrElab *e, KrFlowInfo *flow, const KrVal *inner, KrSpan span);
KrVal kr_read_foreign(KrElab *e, const KrVal *foreign, KrSpan span);
KrRef kr_forward_new(KrElab *e, KrBinding *binding, KrFlowInfo *flow, KrType type, KrSpan span);
void kr_forward_resolve(KrElab *e, uint32_t first, const KrVal *val);
/// The common type of operands (semantics 4); false after a report.
bool kr_unify(KrElab *e, const KrVal *at, uint32_t n, bool integers, KrElem *elem, KrSpan span);
KrSpan kr_origin_span(KrOrigin origin);
KrOrigin kr_span_origin(KrSpan span);

/// elab_call.c: arguments to ports, functions inlined, methods
typedef struct KrArg {
  KrText name;
  KrSpan span;
  const KrAst *ast; ///< NULL: val is set
  KrVal val;
  bool ready;
} KrArg;
typedef struct KrArgs {
  KrArg *at;
  uint32_t n;
} KrArgs;
KrVal kr_elab_call(KrElab *e, const KrAst *ast, const KrArg *first);
/// The default length of a render covers a release of that length.
void kr_note_release(KrElab *e, KrRatio seconds);
/// `random(seed).uniform` without arguments.
KrVal kr_call_random(KrElab *e, const KrVal *random, KrText name, KrSpan span);
KrVal kr_apply(KrElab *e, const KrVal *fn, KrArgs args, KrSpan span);
KrVal kr_call_op(KrElab *e, KrText name, KrArgs args, KrSpan span);
KrVal *kr_arg_value(KrElab *e, KrArg *arg);
/// Sorts arguments into the slots named `names` (NULL-ended); reports unknown and double ones.
bool kr_bind_args(KrElab *e, KrArgs args, const char *const *names, KrArg **slots, const char *what,
                  KrSpan span);
bool kr_arg_word(KrElab *e, KrArg *arg, const char *words, const char *what, uint32_t *choice);

/// elab_list.c, elab_stream.c, elab_event.c, elab_solver.c, elab_bus.c: calls that are not plain
/// rows. False: not mine.
bool kr_call_list(KrElab *e, KrText name, KrArgs args, KrSpan span, KrVal *result);
bool kr_call_stream(KrElab *e, KrText name, KrArgs args, KrSpan span, KrVal *result);
bool kr_call_event(KrElab *e, KrText name, KrArgs args, KrSpan span, KrVal *result);
bool kr_call_synth(KrElab *e, KrText name, KrArgs args, KrSpan span, KrVal *result);
bool kr_call_field(KrElab *e, KrText name, KrArgs args, KrSpan span, KrVal *result);
bool kr_call_bus(KrElab *e, KrText name, KrArgs args, KrSpan span, KrVal *result);
bool kr_call_solver(KrElab *e, KrText name, KrArgs args, KrSpan span, KrVal *result);
KrRef kr_emit_history(KrElab *e, KrArg *arg, uint32_t n, KrSpan span, KrType *type);
KrVal kr_events_member(KrElab *e, const KrVal *events, KrText name, KrSpan span);
KrVal kr_hold_read(KrElab *e, const KrVal *hold, KrText field, KrSpan span);
KrVal kr_unroll(KrElab *e, const KrVal *list, const KrVal *fn, KrSpan span);
void kr_count_unrolled(KrElab *e, uint64_t n, KrSpan span);
bool kr_list_of(KrElab *e, KrVal val, KrSpan span, KrVal *list);
KrVal kr_load_events(KrElab *e, KrText format, KrText path, KrSpan span);
bool kr_seconds(KrElab *e, const KrVal *val, const char *what, KrSpan span, KrRatio *seconds);

/// elab_synth.c: a node that only flows have, in the flow that plays the body elaborated now: what
/// the body reads of it. False: emit it where we are.
bool kr_body_hoists(KrElab *e, const KrNode *node, const char *name, KrSpan span, KrRef *ref);

/// elab_type.c: declared types
typedef struct KrSpec {
  enum {
    KR_SPEC_ANY,
    KR_SPEC_SCALAR,
    KR_SPEC_TUPLE,
    KR_SPEC_LIST,
    KR_SPEC_STRUCT,
    KR_SPEC_EVENTS,
    KR_SPEC_OTHER
  } kind;
  KrElem elem;
  KrDim dim;
  KrRatio scale;    ///< of the declared unit
  KrText name;      ///< STRUCT
  const KrAst *ast; ///< STRUCT declaration, TUPLE and LIST types
} KrSpec;
bool kr_spec_read(KrElab *e, const KrAst *type, KrSpec *spec);
KrVal kr_spec_convert(KrElab *e, KrVal val, const KrSpec *spec, KrSpan span);
/// Element type computed in under a declared type: the type itself when real, else the present one.
KrElem kr_spec_real(const KrElab *e, const KrSpec *spec);
KrVal kr_make_record(KrElab *e, const KrAst *ast);
/// Fields of a note have other names: `pitch` is `freq`, `duration` is `dur`.
KrText kr_note_field(KrText name);

/// elab_flow.c: flows, blocks, states, outputs
void kr_flow_elaborate(KrElab *e, KrFlowInfo *flow);
KrVal kr_elab_block(KrElab *e, const KrAst *block, bool own_scope);
KrVal kr_elab_let(KrElab *e, const KrAst *ast, const char *set);
void kr_block_items(KrElab *e, const KrAst *block);
void kr_declare_items(KrElab *e, KrScope *scope, const KrAst *block);
void kr_var_declare(KrElab *e, const KrAst *ast, KrBinding *binding);
void kr_var_assign(KrElab *e, const KrAst *ast);
void kr_vars_finish(KrElab *e); ///< read=latest: the one write at the end of the flow
KrVal kr_var_read(KrElab *e, uint32_t index, KrSpan span);
void kr_check_writers(KrElab *e);
void kr_flow_publish(KrElab *e, KrFlowInfo *flow);

/// elab_program.c: settings, use, inputs
void kr_flow_header(KrElab *e, KrFlowInfo *info);
/// Elaborates every flow not begun, or all that may send to `bus`; the ones a flow reads first.
void kr_flows_elaborate(KrElab *e, const KrFlowInfo *bus);
/// elab_bus.c: gives every bus what is sent to it, after all flows.
void kr_busses_finish(KrElab *e);
/// One output more for every send, `bus.sender`.
void kr_busses_publish(KrElab *e);
/// Whether the text of `flow`, or of what it may call, has a `send` to `bus`.
bool kr_bus_may_hear(KrElab *e, const KrFlowInfo *bus, const KrFlowInfo *flow);
void kr_program_collect(KrElab *e, const KrAst *program);
uint32_t kr_source_add(KrElab *e, KrText name, KrText text);
const KrAst *kr_elab_parse(KrElab *e, const char *label, const char *text);
KrVal kr_input_value(KrElab *e, KrBinding *binding);
KrRatio kr_class_rate(const KrElab *e, KrRateClass cls);
bool kr_class_find(KrText name, KrRateClass *cls);
const KrAssetAudio *kr_load_audio(KrElab *e, KrText path, KrSpan span);
bool kr_load_bytes(KrElab *e, const char *kind, KrText path, KrSpan span, const uint8_t **at,
                   size_t *n);
#endif

/// Decides what stands at top level: settings, declarations, and what is not available yet.
#include "lang/elab_program.h"
#include "lang/elab_core.h"

uint32_t kr_source_add(KrElab *e, KrText name, KrText text) {
  KrDiagnostics *list = e->list;
  KrSource *sources = KR_NEW_ARRAY(e->arena, KrSource, list->n_sources + 1);
  for (uint32_t i = 0; i < list->n_sources; i++) sources[i] = list->sources[i];
  sources[list->n_sources] = (KrSource){name, text};
  list->sources = sources;
  return list->n_sources++;
}

/// One expression from outside the program.
const KrAst *kr_elab_parse(KrElab *e, const char *label, const char *text) {
  uint32_t errors = e->list->n_errors;
  uint32_t file = kr_source_add(e, kr_text_from(label), kr_text_from(text));
  const KrAst *program = kr_parse(e->arena, e->list, file);
  if (e->list->n_errors > errors || program == NULL) return NULL;
  const KrAst *item = program->n == 1 ? program->at[0] : NULL;
  if (item != NULL && item->kind == KR_AST_EXPR && item->n > 0) return item->at[0];
  kr_diagnose(e->list, KR_ERROR, (KrSpan){file, 0, (uint32_t)kr_text_from(text).n},
              "write for example `0.5` or `2s`", "one expression is needed");
  return NULL;
}

static const char *const settings[] = {"seed", "profile", "duration", "latency", "tempo", "kairo"};
enum { N_SETTINGS = sizeof settings / sizeof settings[0] };

static bool is_setting(KrText name) {
  for (uint32_t i = 0; i < N_SETTINGS; i++)
    if (kr_text_is(name, settings[i])) return true;
  return false;
}

static void set_tempo(KrElab *e, const KrVal *val, KrSpan span) {
  KrRatio rate;
  bool bare = val->kind == KR_VAL_NUMBER && !val->dim.known;
  KrVal tempo = *val;
  if (!bare && !kr_unit_fit(e, &tempo, "bpm", "`@tempo`", span)) return;
  if (!kr_need_exact(e, bare ? val : &tempo, NULL, "the tempo", span, &rate)) return;
  KrRatio minute = {1, 60};
  if (rate.num <= 0 || kr_ratio_mul(rate, minute, &rate) != KR_OK) {
    kr_diagnose(e->list, KR_ERROR, span, "write for example `@tempo=120bpm`",
                "the tempo must be greater than 0");
    return;
  }
  KrTempoSegment *segment = KR_NEW(e->arena, KrTempoSegment);
  *segment = (KrTempoSegment){KR_RATIO_ZERO, KR_RATIO_ZERO, rate};
  e->graph->tempo = (KrTempoMap){segment, 1};
  e->graph->has_tempo = true;
}

static void set_seed(KrElab *e, const KrVal *val, KrSpan span) {
  int64_t whole;
  if (!kr_need_whole(e, val, "the seed", span, &whole)) return;
  if (!e->options->has_seed) e->graph->seed = (uint64_t)whole;
}

static void set_version(KrElab *e, const KrVal *val, KrSpan span) {
  int64_t whole;
  if (!kr_need_whole(e, val, "the language version", span, &whole)) return;
  if (whole > 1)
    kr_diagnose(e->list, KR_ERROR, span, "use a newer Kairo",
                "this program is written for Kairo %lld, here is Kairo 1", (long long)whole);
  else if (whole < 1)
    kr_diagnose(e->list, KR_ERROR, span, "write `@kairo=1`", "language versions begin with 1");
}

static void set_profile(KrElab *e, const KrAst *value, KrSpan span) {
  KrArg arg = {.ast = value, .span = span};
  uint32_t choice;
  if (kr_arg_word(e, &arg, "strict|fast", "`@profile`", &choice) && choice == 1)
    kr_diagnose(e->list, KR_WARNING, span, "leave it out",
                "the profile `fast` computes the same as `strict`");
}

static void apply_setting(KrElab *e, KrText name, const KrAst *value, KrSpan span) {
  if (kr_text_is(name, "profile")) {
    set_profile(e, value, span);
    return;
  }
  KrVal val = kr_elab_value(e, value);
  if (val.kind == KR_VAL_POISON) return;
  if (kr_text_is(name, "seed"))
    set_seed(e, &val, span);
  else if (kr_text_is(name, "tempo"))
    set_tempo(e, &val, span);
  else if (kr_text_is(name, "kairo"))
    set_version(e, &val, span);
  else {
    KrRatio seconds;
    if (!kr_seconds(e, &val, kr_text_print(e->arena, "`@%t`", name), span, &seconds)) return;
    if (seconds.num <= 0) {
      kr_diagnose(e->list, KR_ERROR, span, "write for example `4s`", "`@%t` must be greater than 0",
                  name);
    } else if (kr_text_is(name, "duration")) {
      e->graph->has_duration = true;
      e->graph->duration = seconds;
    }
  }
}

/// A setting of the command line replaces the program's.
static const KrElabSet *find_set(const KrElab *e, KrText name) {
  for (uint32_t i = e->options->n_sets; i-- > 0;)
    if (kr_text_is(name, e->options->sets[i].name)) return &e->options->sets[i];
  return NULL;
}

static KrText near_setting(KrText name) {
  KrText best = {NULL, 0};
  uint32_t distance = 3;
  for (uint32_t i = 0; i < N_SETTINGS; i++) {
    uint32_t d = kr_text_distance(name, kr_text_from(settings[i]));
    if (d < distance && d < name.n) distance = d, best = kr_text_from(settings[i]);
  }
  return best;
}

/// An attribute line that is no setting belongs to the next declaration.
static void attach_attributes(KrElab *e, const KrAst *program) {
  KrAst *declaration = NULL;
  for (uint32_t i = program->n; i-- > 0;) {
    KrAst *item = program->at[i];
    if (item == NULL) continue;
    if (item->kind != KR_AST_ATTRIBUTE) {
      declaration = item->kind == KR_AST_FLOW || item->kind == KR_AST_INPUT ? item : NULL;
    } else if (declaration != NULL && !is_setting(item->text) && near_setting(item->text).n == 0) {
      while (declaration->kind == KR_AST_INPUT && declaration->n < 2)
        KR_PUSH(e->arena, declaration->at, declaration->n, declaration->cap, NULL);
      KR_PUSH(e->arena, declaration->at, declaration->n, declaration->cap, item);
      program->at[i] = NULL;
    }
  }
}

static void read_setting(KrElab *e, const KrAst *item) {
  KrText name = item->text;
  if (!is_setting(name)) {
    KrText best = near_setting(name);
    kr_diagnose(e->list, KR_ERROR, item->name_span,
                best.n > 0 ? kr_text_print(e->arena, "did you mean `@%t`?", best)
                           : "the settings are seed, profile, duration, latency, tempo and kairo; "
                             "other attributes stand before a flow or an input",
                "unknown setting `@%t`", name);
    return;
  }
  const KrAst *value = item->n > 0 ? item->at[0] : NULL;
  if (value == NULL) {
    kr_diagnose(e->list, KR_ERROR, item->span, "write for example `@duration=4s`",
                "`@%t` needs a value: `@%t=…`", name, name);
    return;
  }
  if (find_set(e, name) == NULL) apply_setting(e, name, value, value->span);
}

static void apply_sets(KrElab *e) {
  for (uint32_t i = 0; i < e->options->n_sets; i++) {
    const KrElabSet *set = &e->options->sets[i];
    KrText name = kr_text_from(set->name);
    KrBinding *binding = kr_scope_find(e->top, name);
    bool let = binding != NULL && binding->ast != NULL &&
               (binding->ast->kind == KR_AST_LET || binding->ast->kind == KR_AST_CONST ||
                binding->ast->kind == KR_AST_BIND);
    if (let) {
      binding->set = set->value;
      continue;
    }
    const char *label = kr_text_print(e->arena, "--set %s", set->name);
    const KrAst *value = is_setting(name) ? kr_elab_parse(e, label, set->value) : NULL;
    if (value != NULL) apply_setting(e, name, value, value->span);
    if (is_setting(name)) continue;
    uint32_t file = kr_source_add(e, kr_text_from(label), name);
    kr_diagnose(e->list, KR_ERROR, (KrSpan){file, 0, (uint32_t)name.n},
                "see the names in the program", "the program has no top-level let or setting `%t`",
                name);
  }
}

static void report_later(KrElab *e, const KrAst *item) {
  kr_diagnose(e->list, KR_ERROR, item->name_span, "use flows and `event.from_list` for now",
              "`scene` is not available yet");
}

// `duration = 1s` for `@duration = 1s`.
static bool is_bare_setting(const KrAst *item) {
  static const char *const names[] = {"seed", "profile", "duration", "latency", "tempo", "kairo"};
  if (item->kind != KR_AST_ASSIGN || item->at[0] == NULL || item->at[0]->kind != KR_AST_NAME)
    return false;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (kr_text_is(item->at[0]->text, names[i])) return true;
  return false;
}

static void check_top(KrElab *e, const KrAst *item) {
  const char *what = item->kind == KR_AST_OUTPUT   ? "`output` belongs into a flow"
                     : item->kind == KR_AST_RETURN ? "`return` belongs into a fn"
                     : item->kind == KR_AST_ASSIGN ? "a state is assigned inside a flow"
                                                   : "`for` belongs into a flow";
  const char *hint = "move it into the braces of a `flow` or `fn`";
  if (is_bare_setting(item))
    hint = kr_text_print(e->arena, "a setting is written `@%t = …`", item->at[0]->text);
  kr_diagnose(e->list, KR_ERROR, item->span, hint, "%s", what);
}

/// First pass over a program or module: what its names are.
void kr_program_collect(KrElab *e, const KrAst *program) {
  attach_attributes(e, program);
  KR_PUSH(e->arena, e->programs, e->n_programs, e->cap_programs, program);
  for (uint32_t i = 0; i < program->n; i++)
    if (program->at[i] != NULL && program->at[i]->kind == KR_AST_USE)
      for (uint32_t k = 0; k < program->at[i]->n; k++)
        if (program->at[i]->at[k] != NULL && program->at[i]->at[k]->n > 0)
          kr_module_use(e, program->at[i]->at[k]);
  kr_declare_items(e, e->now.scope, program);
  for (uint32_t i = 0; i < program->n; i++) {
    const KrAst *item = program->at[i];
    if (item == NULL) continue;
    switch (item->kind) {
    case KR_AST_FLOW: kr_flow_collect(e, item); break;
    case KR_AST_SCENE: report_later(e, item); break;
    case KR_AST_OUTPUT:
    case KR_AST_RETURN:
    case KR_AST_ASSIGN:
    case KR_AST_FOR: check_top(e, item); break;
    default: break;
    }
  }
}

static KrBinding *own_binding(KrScope *scope, const KrAst *item, KrText name) {
  KrBinding *binding = kr_scope_find(scope, name);
  return binding != NULL && binding->ast == item ? binding : NULL;
}

static void evaluate_let(KrElab *e, const KrAst *item) {
  const KrAst *pattern = item->at[0];
  if (pattern == NULL) return;
  const KrAst *name = pattern->kind == KR_AST_NAME ? pattern
                      : pattern->n > 0             ? pattern->at[0]
                                                   : NULL;
  KrBinding *binding = name == NULL ? NULL : own_binding(e->now.scope, item, name->text);
  if (binding != NULL && binding->state == KR_BIND_PENDING)
    kr_binding_read(e, binding, item->span, name->text);
}

/// Second pass: settings first, since times in beats need the tempo.
static void evaluate_items(KrElab *e, const KrAst *program) {
  for (uint32_t i = 0; i < program->n; i++)
    if (program->at[i] != NULL && program->at[i]->kind == KR_AST_ATTRIBUTE)
      read_setting(e, program->at[i]);
  apply_sets(e);
  for (uint32_t i = 0; i < e->n_flows; i++) kr_flow_header(e, e->flows[i]);
  for (uint32_t i = 0; i < program->n; i++) {
    const KrAst *item = program->at[i];
    if (item == NULL) continue;
    KrBinding *binding = item->kind == KR_AST_STATE || item->kind == KR_AST_INPUT
                             ? own_binding(e->now.scope, item, item->text)
                             : NULL;
    if (binding != NULL && item->kind == KR_AST_STATE) kr_var_declare(e, item, binding);
    if (binding != NULL && item->kind == KR_AST_INPUT) kr_input_open(e, binding);
  }
  for (uint32_t i = 0; i < program->n; i++) {
    const KrAst *item = program->at[i];
    if (item == NULL) continue;
    if (item->kind == KR_AST_LET || item->kind == KR_AST_CONST || item->kind == KR_AST_BIND)
      evaluate_let(e, item);
    if (item->kind == KR_AST_EXPR) kr_elab_expr(e, item->at[0]);
  }
}

/// Inputs refer to streams used before they were known: point them at the streams.
static KrRef follow(const KrElab *e, KrRef ref) {
  for (uint32_t n = 0; ref.node >= KR_FORWARD && ref.node != KR_NONE && n <= e->n_forwards; n++)
    ref = e->forwards[ref.node - KR_FORWARD].resolved ? e->forwards[ref.node - KR_FORWARD].ref
                                                      : (KrRef){KR_NONE, 0};
  return ref;
}

static void follow_all(const KrElab *e, KrRef *refs, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) refs[i] = follow(e, refs[i]);
}

static void patch_forwards(KrElab *e) {
  KrGraph *graph = e->graph;
  for (uint32_t i = 0; i < e->n_forwards; i++)
    if (!e->forwards[i].resolved && e->list->n_errors == 0)
      kr_diagnose(e->list, KR_ERROR, e->forwards[i].span, "give the flow this output",
                  "this stream is never defined");
  if (e->n_forwards == 0) return;
  for (uint32_t i = 0; i < graph->n_nodes; i++) {
    follow_all(e, graph->nodes[i].in, graph->nodes[i].n_in);
    graph->nodes[i].source = follow(e, graph->nodes[i].source);
  }
  for (uint32_t i = 0; i < graph->n_outputs; i++)
    follow_all(e, graph->outputs[i].refs, graph->outputs[i].n_refs);
  for (uint32_t i = 0; i < graph->n_names; i++)
    follow_all(e, graph->names[i].refs, graph->names[i].n_refs);
}

static void check_order(KrElab *e) {
  uint32_t *order;
  KrGraphError error = {0};
  if (e->list->n_errors > 0 || kr_graph_order(e->graph, e->arena, &order, &error) == KR_OK) return;
  kr_diagnose(e->list, KR_ERROR, kr_origin_span(error.origin), error.hint, "%s", error.message);
}

static const char *near_dt(KrElab *e, const KrClock *clocks, uint32_t n, uint32_t clash) {
  KrClock *others = KR_NEW_ARRAY(e->arena, KrClock, n);
  uint32_t n_others = 0;
  for (uint32_t i = 0; i < n; i++)
    if (i != clash) others[n_others++] = clocks[i];
  KrRatio dt;
  // Where later flows clash too, what fits the flows before is a start.
  if (kr_grid_nearest_dt(others, n_others, clocks[clash].dt, &dt) != KR_OK &&
      kr_grid_nearest_dt(clocks, clash, clocks[clash].dt, &dt) != KR_OK)
    return "choose rates with a smaller common multiple";
  return kr_text_print(e->arena, "the nearest dt that fits `%t` is %r", e->graph->flows[clash].name,
                       dt.num, dt.den);
}

/// All rates must share a grid that is counted for 100 years; stands at the last flow.
static void check_grid(KrElab *e) {
  const KrGraph *graph = e->graph;
  if (e->list->n_errors > 0 || graph->n_flows == 0 || e->n_flows == 0) return;
  KrClock *clocks = KR_NEW_ARRAY(e->arena, KrClock, graph->n_flows);
  for (uint32_t i = 0; i < graph->n_flows; i++) clocks[i] = graph->flows[i].clock;
  KrGrid grid;
  uint32_t a = 0, b = 0;
  if (kr_grid_make(clocks, graph->n_flows, &grid, &a, &b) == KR_OK) return;
  uint32_t late = a > b ? a : b, early = a > b ? b : a;
  const char *hint = near_dt(e, clocks, graph->n_flows, late);
  KrSpan span = e->flows[e->n_flows - 1]->span;
  if (early == late) {
    kr_diagnose(e->list, KR_ERROR, span, hint, "no grid is fine enough for `%t` at %r Hz",
                graph->flows[late].name, clocks[late].dt.den, clocks[late].dt.num);
    return;
  }
  kr_diagnose(e->list, KR_ERROR, span, hint, "no common grid: `%t` at %r Hz and `%t` at %r Hz",
              graph->flows[early].name, clocks[early].dt.den, clocks[early].dt.num,
              graph->flows[late].name, clocks[late].dt.den, clocks[late].dt.num);
}

/// What the command line binds must be an input.
static void check_inputs(KrElab *e) {
  for (uint32_t i = 0; i < e->options->n_inputs; i++) {
    KrText name = kr_text_from(e->options->inputs[i].name);
    const KrBinding *binding = kr_scope_find(e->top, name);
    if (binding != NULL && binding->ast != NULL && binding->ast->kind == KR_AST_INPUT) continue;
    uint32_t file =
        kr_source_add(e, kr_text_from(kr_text_print(e->arena, "--input %t", name)), name);
    kr_diagnose(e->list, KR_ERROR, (KrSpan){file, 0, (uint32_t)name.n},
                "declare it: `input name: f64 = 0`", "the program has no input `%t`", name);
  }
}

static void elaborate(KrElab *e, const KrAst *program) {
  e->top = kr_scope_new(e, NULL);
  e->now = (KrContext){.scope = e->top, .real = KR_ELEM_F64};
  kr_program_collect(e, program);
  evaluate_items(e, program);
  check_inputs(e);
  kr_flows_elaborate(e, NULL);
  kr_busses_finish(e);
  for (uint32_t i = 0; i < e->n_flows; i++) kr_flow_publish(e, e->flows[i]);
  if (e->options->stems) kr_busses_publish(e);
  kr_check_writers(e);
  patch_forwards(e);
  check_grid(e);
  check_order(e);
}

void kr_elab_defaults(KrElabOptions *options) {
  *options = (KrElabOptions){0};
  for (int i = 0; i < 4; i++) options->class_rate[i] = KR_RATIO_ZERO;
}

KrStatus kr_elaborate(const KrAst *program, const KrElabOptions *options, KrDiagnostics *list,
                      KrArena *arena, KrGraph **graph) {
  jmp_buf escape, *outer = arena->escape;
  uint32_t errors = list->n_errors;
  *graph = NULL;
  if (setjmp(escape) != 0) {
    arena->escape = outer;
    return KR_ERROR_MEMORY;
  }
  arena->escape = &escape;
  KrElab *e = KR_NEW(arena, KrElab);
  e->arena = arena;
  e->list = list;
  e->options = options;
  e->graph = kr_graph_new(arena);
  e->graph->seed = options->has_seed ? options->seed : 0;
  if (setjmp(e->stop) == 0) elaborate(e, program);
  *graph = e->graph;
  arena->escape = outer;
  return list->n_errors > errors ? KR_ERROR_PROGRAM : KR_OK;
}

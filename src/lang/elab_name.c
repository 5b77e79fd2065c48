/// Decides what a name means: scopes, names of other flows, predefined names, note names.
#include "lang/elab_core.h"
#include <string.h>

KrScope *kr_scope_new(KrElab *e, KrScope *parent) {
  KrScope *scope = KR_NEW(e->arena, KrScope);
  scope->parent = parent;
  return scope;
}

static uint32_t hash_name(KrText name) {
  uint32_t hash = 2166136261u; // FNV-1a, 32 bits
  for (size_t i = 0; i < name.n; i++) hash = (hash ^ (uint8_t)name.at[i]) * 16777619u;
  return hash ^ hash >> 15;
}

KrBinding *kr_scope_find(const KrScope *scope, KrText name) {
  if (scope->table == NULL) {
    for (uint32_t i = 0; i < scope->n; i++)
      if (kr_text_equal(scope->items[i]->name, name)) return scope->items[i];
    return NULL;
  }
  uint32_t mask = scope->table_size - 1, i = hash_name(name) & mask;
  for (; scope->table[i] != 0; i = (i + 1) & mask) {
    KrBinding *binding = scope->items[scope->table[i] - 1];
    if (kr_text_equal(binding->name, name)) return binding;
  }
  return NULL;
}

static void put_table(KrScope *scope, uint32_t index) {
  uint32_t mask = scope->table_size - 1, i = hash_name(scope->items[index]->name) & mask;
  while (scope->table[i] != 0) i = (i + 1) & mask;
  scope->table[i] = index + 1;
}

static void index_scope(KrElab *e, KrScope *scope) {
  if (scope->n < 8) return;
  if (scope->n * 2 < scope->table_size) {
    put_table(scope, scope->n - 1);
    return;
  }
  scope->table_size = scope->table_size == 0 ? 32 : scope->table_size * 4;
  scope->table = KR_NEW_ARRAY(e->arena, uint32_t, scope->table_size);
  for (uint32_t i = 0; i < scope->n; i++) put_table(scope, i);
}

KrBinding *kr_scope_declare(KrElab *e, KrScope *scope, KrText name, KrSpan span, const KrAst *ast) {
  if (name.n == 1 && name.at[0] == '_') {
    KrBinding *unused = KR_NEW(e->arena, KrBinding);
    *unused = (KrBinding){.name = name, .ast = ast, .forward = KR_NONE, .scope = scope};
    return unused;
  }
  KrBinding *other = kr_scope_find(scope, name);
  if (other != NULL) {
    const KrSource *source = &e->list->sources[other->span.file];
    KrPlace place = kr_source_place(source, other->span.begin);
    kr_diagnose(e->list, KR_ERROR, span,
                kr_text_print(e->arena, "first declared in line %u", place.line),
                "`%t` is declared twice", name);
    return NULL;
  }
  KrBinding *binding = KR_NEW(e->arena, KrBinding);
  *binding =
      (KrBinding){.name = name, .span = span, .ast = ast, .forward = KR_NONE, .scope = scope};
  binding->flow = e->now.flow;
  KR_PUSH(e->arena, scope->items, scope->n, scope->cap, binding);
  index_scope(e, scope);
  return binding;
}

static KrText site_key(KrElab *e, const KrFlowInfo *flow, KrText name) {
  return kr_text_from(kr_text_print(e->arena, "%u.%t", flow->index, name));
}

void kr_name_index(KrElab *e, KrFlowInfo *flow, KrText name, bool is_output) {
  bool found;
  uint32_t *slot = kr_map_slot(e, &e->site_names, name, &found);
  KrFlowSite site = {name, flow, is_output, found ? *slot : KR_NONE};
  *slot = e->n_sites;
  slot = kr_map_slot(e, &e->flow_sites, site_key(e, flow, name), &found);
  if (!found || is_output) *slot = e->n_sites;
  KR_PUSH(e->arena, e->sites, e->n_sites, e->cap_sites, site);
}

KrFlowInfo *kr_name_flow(KrElab *e, KrText name) {
  const uint32_t *index = kr_map_find(&e->flow_names, name);
  return index == NULL ? NULL : e->flows[*index];
}

bool kr_name_is_namespace(KrText name) {
  static const char *const names[] = {"event",  "solver", "field", "audio",
                                      "visual", "midi",   "osc",   "random"};
  for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (kr_text_is(name, names[i])) return true;
  return false;
}

bool kr_name_is_user(KrElab *e, KrText name) {
  for (const KrScope *scope = e->now.scope; scope != NULL; scope = scope->parent)
    if (kr_scope_find(scope, name) != NULL) return true;
  return kr_name_flow(e, name) != NULL;
}

bool kr_note_number(KrText name, int64_t *key) {
  static const int steps[] = {9, 11, 0, 2, 4, 5, 7}; // a … g
  if (name.n < 2 || name.n > 4) return false;
  char letter = name.at[0] >= 'A' && name.at[0] <= 'G' ? (char)(name.at[0] + 32) : name.at[0];
  if (letter < 'a' || letter > 'g') return false;
  int64_t step = steps[letter - 'a'];
  size_t i = 1;
  if (name.at[i] == 's' || name.at[i] == '#')
    step++, i++;
  else if (name.at[i] == 'b' && name.n > 2)
    step--, i++;
  bool negative = i < name.n && name.at[i] == '-';
  i += negative;
  if (i + 1 != name.n || name.at[i] < '0' || name.at[i] > '9') return false;
  int64_t octave = name.at[i] - '0';
  *key = 24 + 12 * (negative ? -octave : octave) + step; // c3 = 60
  return *key >= 0;
}

static void consider(KrText name, KrText other, KrText *best, uint32_t *distance) {
  if (other.n > name.n + 2 || name.n > other.n + 2) return;
  uint32_t d = kr_text_distance(name, other);
  if (d >= *distance || d >= name.n) return;
  *distance = d;
  *best = other;
}

/// The nearest name in sight. Only the first mistakes of a program are worth the search.
KrText kr_name_near(KrElab *e, KrText name) {
  KrText best = {NULL, 0};
  uint32_t distance = 3;
  if (e->n_near++ > 50 || name.n > 60) return best;
  for (const KrScope *scope = e->now.scope; scope != NULL; scope = scope->parent)
    for (uint32_t i = 0; i < scope->n; i++) consider(name, scope->items[i]->name, &best, &distance);
  for (uint32_t i = 0; i < e->n_flows; i++) consider(name, e->flows[i]->name, &best, &distance);
  for (uint32_t i = 0; i < e->n_sites; i++) consider(name, e->sites[i].name, &best, &distance);
  KrText row = kr_registry_near(name);
  if (row.n > 0) consider(name, row, &best, &distance);
  return best;
}

static KrVal report_unknown(KrElab *e, KrText name, KrSpan span) {
  KrText near = kr_name_near(e, name);
  kr_diagnose(e->list, KR_ERROR, span,
              near.n > 0 ? kr_text_print(e->arena, "did you mean `%t`?", near)
                         : "define it with `let`, or name a flow",
              "unknown name `%t`", name);
  return kr_val_poison();
}

static KrVal evaluate_top(KrElab *e, KrBinding *binding) {
  KrContext saved = e->now;
  e->now = (KrContext){.scope = binding->scope, .real = KR_ELEM_F64, .label = binding->name};
  binding->state = KR_BIND_BUSY;
  KrVal val = binding->ast->kind == KR_AST_INPUT ? kr_input_value(e, binding)
                                                 : kr_elab_let(e, binding->ast, binding->set);
  e->now = saved;
  if (binding->state == KR_BIND_BUSY) binding->val = val; // a pattern binds its names itself
  binding->state = KR_BIND_READY;
  return binding->is_input ? val : binding->val;
}

/// Type of a name before it is known: as declared, else the flow's real type.
static KrType declared_type(KrElab *e, const KrAst *ast, KrElem real) {
  bool let = ast != NULL &&
             (ast->kind == KR_AST_LET || ast->kind == KR_AST_CONST || ast->kind == KR_AST_BIND);
  KrSpec spec;
  if (let && ast->n > 1 && ast->at[1] != NULL && kr_spec_read(e, ast->at[1], &spec) &&
      spec.kind == KR_SPEC_SCALAR)
    return KR_TYPE_SCALAR(spec.elem);
  return KR_TYPE_SCALAR(real);
}

static KrVal at_read(KrElab *e, KrVal val, KrSpan span) {
  if (val.kind == KR_VAL_STREAM && val.type.shape == KR_SHAPE_SCALAR &&
      kr_elem_is_real(val.type.elem) && val.type.elem != e->now.real && e->now.flow != NULL)
    return kr_to_elem(e, val, e->now.real, span);
  if (val.kind == KR_VAL_NUMBER && val.as.number.typed && kr_elem_is_real(val.as.number.elem) &&
      e->now.flow != NULL)
    val.as.number.elem = e->now.real;
  return val;
}

static KrVal read_pending(KrElab *e, KrBinding *binding, KrSpan span, KrText name) {
  if (!e->now.in_prev || e->now.flow == NULL || binding->flow != e->now.flow) {
    kr_diagnose(
        e->list, KR_ERROR, span,
        kr_text_print(e->arena, "move it down, or write `prev(%t)` for the tick before", name),
        "`%t` is used before its definition", name);
    return kr_val_poison();
  }
  KrType type = declared_type(e, binding->ast, e->graph->flows[e->now.flow->index].real);
  return at_read(e, kr_val_stream(kr_forward_new(e, binding, NULL, type, span), type), span);
}

static KrVal read_input(KrElab *e, const KrBinding *binding, KrSpan span) {
  if (e->now.flow == NULL || e->now.in_function) {
    kr_diagnose(e->list, KR_ERROR, span, "read it inside a flow", "the input `%t` has no rate here",
                binding->name);
    return kr_val_poison();
  }
  KrType type = e->graph->inputs[binding->var].type;
  KrNode node = {.kind = KR_NODE_INPUT, .type = type, .input = binding->var};
  KrVal val = kr_val_stream(kr_emit_node(e, node, "input", span), type);
  val.dim = binding->val.dim;
  return val;
}

KrVal kr_binding_read(KrElab *e, KrBinding *binding, KrSpan span, KrText name) {
  if (binding->is_state) return at_read(e, kr_var_read(e, binding->var, span), span);
  if (binding->is_input) return at_read(e, read_input(e, binding, span), span);
  if (binding->state == KR_BIND_READY) return at_read(e, binding->val, span);
  if (binding->flow != NULL) return read_pending(e, binding, span, name);
  if (binding->state == KR_BIND_BUSY) {
    kr_diagnose(e->list, KR_ERROR, span, "break the circle, or use `prev` inside a flow",
                "`%t` is defined by itself", name);
    return kr_val_poison();
  }
  KrVal val = evaluate_top(e, binding);
  return binding->is_input ? at_read(e, read_input(e, binding, span), span) : val;
}

static const KrVal *find_output(const KrFlowInfo *flow, KrText label, bool first) {
  for (uint32_t i = 0; i < flow->n_outputs; i++)
    if (first || kr_text_equal(flow->outputs[i].label, label)) return &flow->outputs[i].val;
  return NULL;
}

static KrVal forward_site(KrElab *e, KrFlowInfo *flow, KrText label, KrBinding *binding,
                          KrSpan span) {
  KrType type =
      declared_type(e, binding == NULL ? NULL : binding->ast, e->graph->flows[flow->index].real);
  KrRef ref = kr_forward_new(e, binding, flow, type, span);
  e->forwards[ref.node - KR_FORWARD].label = label;
  return kr_val_stream(ref, type);
}

/// A named value of a flow: of this one as it is, of another one to be read.
static KrVal site_value(KrElab *e, const KrFlowSite *site, KrText written, KrSpan span) {
  KrFlowInfo *flow = site->flow;
  if (!flow->headed) {
    kr_diagnose(e->list, KR_ERROR, span, "settings and headers are constants",
                "the stream `%t` cannot be read here", written);
    return kr_val_poison();
  }
  if (flow->state == KR_FLOW_TODO) kr_flow_elaborate(e, flow);
  if (flow->failed) return kr_val_poison();
  KrBinding *binding = site->is_output ? NULL : kr_scope_find(flow->scope, site->name);
  const KrVal *found = NULL;
  if (site->is_output)
    found = find_output(flow, site->name, site->name.n == 0);
  else if (binding != NULL && binding->is_state)
    return kr_val_poison();
  else if (binding != NULL && binding->state == KR_BIND_READY)
    found = &binding->val;
  if (found == NULL && flow->state == KR_FLOW_DONE) return kr_val_poison();
  bool own = flow == e->now.flow;
  if (found == NULL && own && !e->now.in_prev) {
    kr_diagnose(e->list, KR_ERROR, span, kr_text_print(e->arena, "write `prev(%t)`", written),
                "`%t` is used before its definition", written);
    return kr_val_poison();
  }
  KrVal *inner = KR_NEW(e->arena, KrVal);
  *inner = found != NULL ? *found : forward_site(e, flow, site->name, binding, span);
  if (inner->kind == KR_VAL_POISON) return *inner;
  if (own) return at_read(e, *inner, span);
  KrVal val = {.kind = KR_VAL_FOREIGN};
  val.as.foreign.flow = flow;
  val.as.foreign.inner = inner;
  val.as.foreign.name = written;
  if (inner->kind == KR_VAL_EVENTS || inner->kind == KR_VAL_FN) return *inner;
  return val;
}

static KrText written_text(const KrElab *e, KrSpan span, KrText fallback) {
  const KrText *text = &e->list->sources[span.file].text;
  if (span.end > text->n || span.begin >= span.end) return fallback;
  return (KrText){text->at + span.begin, span.end - span.begin};
}

static bool has_output(const KrFlowInfo *flow) {
  const KrAst *body = flow->ast == NULL ? NULL : flow->ast->at[0];
  if (body == NULL) return flow->n_outputs > 0;
  for (uint32_t i = 0; i < body->n; i++)
    if (body->at[i] != NULL && body->at[i]->kind == KR_AST_OUTPUT) return true;
  return flow->n_outputs > 0;
}

static KrVal flow_value(KrElab *e, KrFlowInfo *flow, KrText name, KrSpan span) {
  if (!has_output(flow)) {
    kr_diagnose(e->list, KR_ERROR, span, "add an `output`, or name one of its lets: `flow.let`",
                "the flow `%t` has no output", flow->name);
    return kr_val_poison();
  }
  KrFlowSite site = {{NULL, 0}, flow, true, KR_NONE};
  return site_value(e, &site, name, span);
}

static const KrFlowSite *find_site(KrElab *e, const KrFlowInfo *flow, KrText name) {
  const uint32_t *index = kr_map_find(&e->flow_sites, site_key(e, flow, name));
  return index == NULL ? NULL : &e->sites[*index];
}

KrVal kr_name_member(KrElab *e, KrFlowInfo *flow, const KrAst *ast) {
  const KrFlowSite *site = find_site(e, flow, ast->text);
  if (site != NULL) return site_value(e, site, written_text(e, ast->span, ast->text), ast->span);
  for (uint32_t i = 0; i < flow->n_outputs; i++) // an input's channels
    if (flow->ast == NULL && kr_text_equal(flow->outputs[i].label, ast->text)) {
      KrFlowSite own = {ast->text, flow, true, KR_NONE};
      return site_value(e, &own, written_text(e, ast->span, ast->text), ast->span);
    }
  KrText best = {NULL, 0};
  uint32_t distance = 4;
  for (uint32_t i = 0; i < e->n_sites; i++)
    if (e->sites[i].flow == flow) consider(ast->text, e->sites[i].name, &best, &distance);
  kr_diagnose(e->list, KR_ERROR, ast->name_span,
              best.n > 0 ? kr_text_print(e->arena, "did you mean `%t`?", best)
                         : "name an `output` or a `let` of that flow",
              "the flow `%t` has no output or let `%t`", flow->name, ast->text);
  return kr_val_poison();
}

/// The site of a flow-level name unique over all flows; *n counts the flows that have it.
static const KrFlowSite *unique_site(KrElab *e, KrText name, uint32_t *n, KrBuffer *candidates) {
  const uint32_t *first = kr_map_find(&e->site_names, name);
  const KrFlowSite *found = NULL;
  *n = 0;
  for (uint32_t i = first == NULL ? KR_NONE : *first; i != KR_NONE; i = e->sites[i].next) {
    const KrFlowSite *site = &e->sites[i];
    if (site->flow == e->now.flow) continue;
    if (found != NULL && site->flow == found->flow) {
      if (site->is_output) found = site;
      continue;
    }
    found = site;
    if (++*n <= 8)
      kr_buffer_print(candidates, "%s`%t.%t`", *n > 1 ? ", " : "", site->flow->name, name);
  }
  return found;
}

/// `lfo_control`: let `lfo` of flow `control`.
static const KrFlowSite *split_site(KrElab *e, KrText name, uint32_t *n, KrBuffer *candidates) {
  const KrFlowSite *found = NULL;
  *n = 0;
  for (size_t i = 1; i + 1 < name.n; i++) {
    if (name.at[i] != '_') continue;
    KrFlowInfo *flow = kr_name_flow(e, (KrText){name.at + i + 1, name.n - i - 1});
    const KrFlowSite *site = flow == NULL ? NULL : find_site(e, flow, (KrText){name.at, i});
    if (site == NULL) continue;
    found = site;
    kr_buffer_print(candidates, "%s`%t.%t`", ++*n > 1 ? ", " : "", flow->name, site->name);
  }
  return found;
}

/// `audio_stream`: output of the only flow of that class.
static KrFlowInfo *class_flow(KrElab *e, KrText name, uint32_t *n, KrBuffer *candidates) {
  const KrText suffix = KR_TEXT("_stream");
  KrRateClass cls;
  *n = 0;
  if (name.n <= suffix.n || memcmp(name.at + name.n - suffix.n, suffix.at, suffix.n) != 0)
    return NULL;
  if (!kr_class_find((KrText){name.at, name.n - suffix.n}, &cls)) return NULL;
  KrFlowInfo *found = NULL;
  for (uint32_t i = 0; i < e->n_flows; i++) {
    if (e->flows[i]->failed || e->graph->flows[e->flows[i]->index].cls != cls) continue;
    found = e->flows[i];
    if (++*n <= 8) kr_buffer_print(candidates, "%s`%t`", *n > 1 ? ", " : "", e->flows[i]->name);
  }
  return found;
}

static KrVal report_candidates(KrElab *e, KrText name, KrSpan span, const KrBuffer *candidates) {
  kr_diagnose(e->list, KR_ERROR, span, kr_text_print(e->arena, "write one of %s", candidates->at),
              "`%t` can mean more than one stream: %s", name, candidates->at);
  return kr_val_poison();
}

static bool read_predefined(KrElab *e, KrText name, KrSpan span, KrVal *val) {
  if (e->now.flow == NULL || e->now.in_function) return false;
  const KrFlow *flow = &e->graph->flows[e->now.flow->index];
  bool is_rate = kr_text_is(name, "rate");
  if (is_rate || kr_text_is(name, "dt")) {
    KrRatio dt = flow->clock.dt;
    if (kr_ratio_div(dt, kr_ratio_of((int64_t)flow->substeps), &dt) != KR_OK) dt = flow->clock.dt;
    if (is_rate) dt = (KrRatio){dt.den, dt.num};
    *val = kr_val_exact(dt);
    val->dim = kr_dim_of(KR_DIM_S, is_rate ? -1 : 1);
    return true;
  }
  bool is_step = kr_text_is(name, "step");
  if (!is_step && !kr_text_is(name, "time")) return false;
  KrType type = KR_TYPE_SCALAR(is_step ? KR_ELEM_I64 : e->now.real);
  KrNode node = {.kind = is_step ? KR_NODE_STEP : KR_NODE_TIME, .type = type};
  *val = kr_val_stream(kr_emit_node(e, node, is_step ? "step" : "time", span), type);
  if (!is_step) val->dim = kr_dim_of(KR_DIM_S, 1);
  return true;
}

static bool read_elsewhere(KrElab *e, KrText name, KrSpan span, KrVal *val) {
  uint32_t n;
  KrBuffer candidates;
  kr_buffer_init(&candidates, e->arena);
  const KrFlowSite *site = unique_site(e, name, &n, &candidates);
  if (n == 0) site = split_site(e, name, &n, &candidates);
  if (n == 1) *val = site_value(e, site, name, span);
  KrFlowInfo *flow = n == 0 ? class_flow(e, name, &n, &candidates) : NULL;
  if (flow != NULL && n == 1) *val = flow_value(e, flow, name, span);
  if (n > 1) *val = report_candidates(e, name, span, &candidates);
  return n > 0;
}

/// An output of this flow, written further up, by its label.
static bool read_own_label(const KrElab *e, KrText name, KrVal *val) {
  const KrFlowInfo *flow = e->now.in_function ? NULL : e->now.flow;
  for (uint32_t i = 0; flow != NULL && i < flow->n_outputs; i++) {
    if (!kr_text_equal(flow->outputs[i].label, name)) continue;
    *val = flow->outputs[i].val;
    return true;
  }
  return false;
}

KrVal kr_elab_name(KrElab *e, const KrAst *ast) {
  KrText name = ast->text;
  KrVal val;
  for (KrScope *scope = e->now.scope; scope != NULL; scope = scope->parent) {
    KrBinding *binding = kr_scope_find(scope, name);
    if (binding != NULL) return kr_binding_read(e, binding, ast->span, name);
  }
  KrFlowInfo *flow = kr_name_flow(e, name);
  if (flow != NULL) return flow_value(e, flow, name, ast->span);
  if (read_predefined(e, name, ast->span, &val)) return val;
  if (read_own_label(e, name, &val)) return val;
  if (read_elsewhere(e, name, ast->span, &val)) return val;
  int64_t key;
  if (kr_note_number(name, &key)) return kr_val_exact(kr_ratio_of(key));
  if (kr_text_is(name, "Bang")) return (KrVal){.kind = KR_VAL_RECORD, .as.items.type = name};
  if (kr_registry_find(name, 0) != NULL) return (KrVal){.kind = KR_VAL_OP, .as.text = name};
  if (kr_name_is_namespace(name)) return (KrVal){.kind = KR_VAL_NAMESPACE};
  return report_unknown(e, name, ast->span);
}

static bool is_callable(const KrVal *val) {
  return val->kind == KR_VAL_FN || val->kind == KR_VAL_OP;
}

static bool defines_function(const KrAst *ast) {
  return ast != NULL && (ast->kind == KR_AST_LET || ast->kind == KR_AST_CONST) && ast->n > 2 &&
         ast->at[2] != NULL && ast->at[2]->kind == KR_AST_LAMBDA;
}

bool kr_name_callable(KrElab *e, KrText name, KrSpan span, KrVal *val) {
  for (KrScope *scope = e->now.scope; scope != NULL; scope = scope->parent) {
    KrBinding *binding = kr_scope_find(scope, name);
    if (binding == NULL || binding->is_state) continue;
    if (binding->state != KR_BIND_READY && !defines_function(binding->ast)) continue;
    if (binding->state == KR_BIND_READY && !is_callable(&binding->val)) continue;
    *val = kr_binding_read(e, binding, span, name);
    return true;
  }
  if (kr_registry_find(name, 0) == NULL) return false;
  *val = (KrVal){.kind = KR_VAL_OP, .as.text = name};
  return true;
}

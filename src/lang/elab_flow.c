/// Decides what a flow's body does: lets, outputs, loops, in the order written.
#include "lang/elab_core.h"

static void declare_pattern(KrElab *e, KrScope *scope, const KrAst *ast) {
  const KrAst *pattern = ast->at[0];
  if (pattern == NULL) return;
  if (pattern->kind == KR_AST_NAME) {
    kr_scope_declare(e, scope, pattern->text, pattern->span, ast);
    return;
  }
  for (uint32_t i = 0; i < pattern->n; i++)
    if (pattern->at[i] != NULL)
      kr_scope_declare(e, scope, pattern->at[i]->text, pattern->at[i]->span, ast);
}

static void declare_struct(KrElab *e, const KrAst *ast) {
  bool found;
  uint32_t *slot = kr_map_slot(e, &e->struct_names, ast->text, &found);
  if (found) {
    kr_diagnose(e->list, KR_ERROR, ast->name_span, "choose another name",
                "the struct `%t` is declared twice", ast->text);
    return;
  }
  *slot = e->n_structs;
  KR_PUSH(e->arena, e->structs, e->n_structs, e->cap_structs, ast);
}

void kr_declare_items(KrElab *e, KrScope *scope, const KrAst *block) {
  for (uint32_t i = 0; i < block->n; i++) {
    const KrAst *item = block->at[i];
    if (item == NULL) continue;
    KrBinding *binding = NULL;
    switch (item->kind) {
    case KR_AST_LET:
    case KR_AST_CONST:
    case KR_AST_BIND: declare_pattern(e, scope, item); break;
    case KR_AST_STATE:
    case KR_AST_INPUT: kr_scope_declare(e, scope, item->text, item->name_span, item); break;
    case KR_AST_STRUCT: declare_struct(e, item); break;
    case KR_AST_FN:
    case KR_AST_SYNTH:
      binding = kr_scope_declare(e, scope, item->text, item->name_span, item);
      if (binding == NULL) break;
      binding->val = (KrVal){.kind = item->kind == KR_AST_FN ? KR_VAL_FN : KR_VAL_SYNTH};
      binding->val.as.fn.ast = item;
      binding->val.as.fn.scope = scope;
      binding->state = KR_BIND_READY;
      break;
    default: break;
    }
  }
}

static void bind_name(KrElab *e, KrText name, KrVal val) {
  KrBinding *binding = kr_scope_find(e->now.scope, name);
  if (binding == NULL) return;
  binding->val = val;
  binding->state = KR_BIND_READY;
  if (binding->forward != KR_NONE) kr_forward_resolve(e, binding->forward, &val);
}

static void bind_pattern(KrElab *e, const KrAst *pattern, KrVal val, KrSpan span) {
  if (val.kind == KR_VAL_FOREIGN && e->now.flow != NULL) val = kr_read_foreign(e, &val, span);
  bool items = val.kind == KR_VAL_TUPLE || val.kind == KR_VAL_LIST;
  if (val.kind != KR_VAL_POISON && (!items || val.as.items.n != pattern->n))
    kr_diagnose(e->list, KR_ERROR, pattern->span, "write one name for every value",
                "%u names for %s", pattern->n,
                items ? kr_text_print(e->arena, "%u values", val.as.items.n)
                      : kr_val_kind_text(&val));
  bool good = items && val.as.items.n == pattern->n;
  for (uint32_t i = 0; i < pattern->n; i++)
    if (pattern->at[i] != NULL)
      bind_name(e, pattern->at[i]->text, good ? val.as.items.at[i] : kr_val_poison());
}

/// What has no declared type is of the real type computed in.
static KrVal settle_real(KrElab *e, KrVal val, KrSpan span) {
  if (e->now.flow == NULL) return val;
  if (val.kind == KR_VAL_STREAM && val.type.shape == KR_SHAPE_SCALAR &&
      kr_elem_is_real(val.type.elem))
    return kr_to_elem(e, val, e->now.real, span);
  if (val.kind != KR_VAL_TUPLE) return val;
  KrVal out =
      kr_val_items(KR_VAL_TUPLE, KR_NEW_ARRAY(e->arena, KrVal, val.as.items.n), val.as.items.n);
  for (uint32_t i = 0; i < val.as.items.n; i++)
    out.as.items.at[i] = settle_real(e, val.as.items.at[i], span);
  return out;
}

KrVal kr_elab_let(KrElab *e, const KrAst *ast, const char *set) {
  const KrAst *pattern = ast->at[0], *value = ast->n > 2 ? ast->at[2] : NULL;
  KrText label = e->now.label;
  KrElem real = e->now.real;
  KrSpec spec;
  if (pattern == NULL || value == NULL) return kr_val_poison();
  KrSpan span = value->span;
  bool typed = kr_spec_read(e, ast->at[1], &spec);
  if (set != NULL) {
    value = kr_elab_parse(e, kr_text_print(e->arena, "--set %t", pattern->text), set);
    if (value == NULL) return kr_val_poison();
  }
  e->now.label = pattern->kind == KR_AST_NAME               ? pattern->text
                 : pattern->n > 0 && pattern->at[0] != NULL ? pattern->at[0]->text
                                                            : label;
  if (typed) e->now.real = kr_spec_real(e, &spec);
  KrVal val = kr_elab_value(e, value);
  val = typed ? kr_spec_convert(e, val, &spec, span) : kr_val_poison();
  if (ast->at[1] == NULL) val = settle_real(e, val, span);
  e->now.real = real;
  e->now.label = label;
  if (pattern->kind == KR_AST_NAME)
    bind_name(e, pattern->text, val);
  else
    bind_pattern(e, pattern, val, span);
  return val;
}

static KrVal hold_record(KrElab *e, const KrVal *hold, KrSpan span) {
  const KrEvents *events = &e->graph->events[hold->as.events.index];
  if (events->n_fields == 1) return kr_hold_read(e, hold, events->fields[0].name, span);
  KrVal record = kr_val_items(KR_VAL_RECORD, KR_NEW_ARRAY(e->arena, KrVal, events->n_fields),
                              events->n_fields);
  record.as.items.names = KR_NEW_ARRAY(e->arena, KrText, events->n_fields);
  for (uint32_t i = 0; i < record.as.items.n; i++) {
    record.as.items.names[i] = events->fields[i].name;
    record.as.items.at[i] = kr_hold_read(e, hold, record.as.items.names[i], span);
  }
  return record;
}

static void elab_output(KrElab *e, const KrAst *ast) {
  KrFlowInfo *flow = e->now.flow;
  if (flow == NULL || e->now.calls > 0) {
    kr_diagnose(e->list, KR_ERROR, ast->span, "move it into the braces of a `flow`",
                "`output` belongs into a flow");
    return;
  }
  KrText label = e->now.label;
  e->now.label = ast->text;
  KrVal val = kr_elab_value(e, ast->at[0]);
  if (val.kind == KR_VAL_HOLD) val = hold_record(e, &val, ast->at[0]->span);
  e->now.label = label;
  for (uint32_t i = 0; i < flow->n_outputs; i++) {
    if (!kr_text_equal(flow->outputs[i].label, ast->text)) continue;
    kr_diagnose(e->list, KR_ERROR, ast->span, "label them: `output left = …`",
                ast->text.n > 0 ? "the flow `%t` has two outputs `%t`"
                                : "the flow `%t` has two outputs without label",
                flow->name, ast->text);
    return;
  }
  KrFlowOutput output = {ast->text, ast->span, ast->at[0]->span, val};
  KR_PUSH(e->arena, flow->outputs, flow->n_outputs, flow->cap_outputs, output);
}

static void elab_for(KrElab *e, const KrAst *ast) {
  KrVal list, items = kr_elab_value(e, ast->at[0]);
  if (ast->at[0] == NULL || ast->at[1] == NULL || !kr_list_of(e, items, ast->at[0]->span, &list))
    return;
  KrText copies = e->now.copies;
  KrScope *outer = e->now.scope;
  kr_count_unrolled(e, list.as.items.n, ast->span);
  for (uint32_t i = 0; i < list.as.items.n; i++) {
    e->now.copies = kr_text_from(kr_text_print(e->arena, "%t[%u]", copies, i));
    e->now.scope = kr_scope_new(e, outer);
    KrBinding *binding = kr_scope_declare(e, e->now.scope, ast->text, ast->name_span, ast);
    if (binding != NULL) {
      binding->val = list.as.items.at[i];
      binding->state = KR_BIND_READY;
    }
    kr_elab_block(e, ast->at[1], true);
    e->now.scope = outer;
  }
  e->now.copies = copies;
}

static KrVal elab_return(KrElab *e, const KrAst *ast) {
  if (e->now.cond != e->now.call_cond && e->now.calls > 0)
    kr_diagnose(e->list, KR_ERROR, ast->span,
                "make the `if` the value: `return if c { a } else { b }`",
                "`return` cannot depend on a stream");
  if (e->now.calls == 0)
    kr_diagnose(e->list, KR_ERROR, ast->span, "move it into the braces of a `fn`",
                "`return` belongs into a fn");
  KrVal val = kr_elab_expr(e, ast->at[0]);
  e->returned = val;
  e->has_returned = true;
  return val;
}

static void elab_state(KrElab *e, const KrAst *ast) {
  KrBinding *binding = kr_scope_find(e->now.scope, ast->text);
  if (binding != NULL && binding->ast == ast) kr_var_declare(e, ast, binding);
}

static KrVal elab_statement(KrElab *e, const KrAst *ast, bool last) {
  if (ast != NULL && ast->kind == KR_AST_IF && !last) {
    const KrAst *parts[3] = {ast->at[0], ast->n > 1 ? ast->at[1] : NULL,
                             ast->n > 2 ? ast->at[2] : NULL};
    return kr_elab_if(e, ast, parts, true);
  }
  KrVal val = kr_elab_expr(e, ast);
  if (!last && val.kind == KR_VAL_FOREIGN && e->now.flow != NULL)
    kr_read_foreign(e, &val, ast->span);
  return val;
}

static KrVal elab_item(KrElab *e, const KrAst *item, bool last) {
  switch (item->kind) {
  case KR_AST_LET:
  case KR_AST_CONST:
  case KR_AST_BIND: kr_elab_let(e, item, NULL); return kr_val_none();
  case KR_AST_STATE: elab_state(e, item); return kr_val_none();
  case KR_AST_OUTPUT: elab_output(e, item); return kr_val_none();
  case KR_AST_ASSIGN: kr_var_assign(e, item); return kr_val_none();
  case KR_AST_FOR: elab_for(e, item); return kr_val_none();
  case KR_AST_RETURN: return elab_return(e, item);
  case KR_AST_EXPR: return elab_statement(e, item->at[0], last);
  case KR_AST_FN:
  case KR_AST_STRUCT: return kr_val_none();
  case KR_AST_ATTRIBUTE:
    kr_diagnose(e->list, KR_ERROR, item->span, "program settings stand at top level",
                "the attribute `@%t` belongs before a declaration", item->text);
    return kr_val_none();
  default:
    kr_diagnose(e->list, KR_ERROR, item->name_span, "move it out of the flow",
                "a %s stands at top level, not in a flow",
                item->kind == KR_AST_FLOW    ? "flow"
                : item->kind == KR_AST_INPUT ? "input"
                : item->kind == KR_AST_USE   ? "use"
                                             : "declaration of this kind");
    return kr_val_none();
  }
}

/// Items of a body whose values nobody takes.
void kr_block_items(KrElab *e, const KrAst *block) {
  for (uint32_t i = 0; i < block->n; i++)
    if (block->at[i] != NULL) elab_item(e, block->at[i], false);
}

KrVal kr_elab_block(KrElab *e, const KrAst *block, bool own_scope) {
  KrScope *outer = e->now.scope;
  KrVal val = kr_val_none();
  if (own_scope) {
    e->now.scope = kr_scope_new(e, outer);
    kr_declare_items(e, e->now.scope, block);
  }
  for (uint32_t i = 0; i < block->n && !e->has_returned; i++)
    if (block->at[i] != NULL) val = elab_item(e, block->at[i], i + 1 == block->n);
  if (e->has_returned) val = e->returned;
  e->now.scope = outer;
  return val;
}

static void resolve_outputs(KrElab *e, KrFlowInfo *flow) {
  for (uint32_t i = 0; i < e->n_forwards; i++) {
    KrForward *forward = &e->forwards[i];
    if (forward->resolved || forward->binding != NULL || forward->flow != flow) continue;
    for (uint32_t k = 0; k < flow->n_outputs; k++) {
      if (forward->label.n > 0 && !kr_text_equal(flow->outputs[k].label, forward->label)) continue;
      KrVal val = flow->outputs[k].val;
      kr_forward_resolve(e, i, &val);
      break;
    }
  }
}

void kr_flow_elaborate(KrElab *e, KrFlowInfo *flow) {
  if (flow->state != KR_FLOW_TODO) return;
  flow->state = KR_FLOW_BUSY;
  if (flow->failed) {
    flow->state = KR_FLOW_DONE;
    return;
  }
  KrContext saved = e->now;
  bool returned = e->has_returned;
  e->has_returned = false;
  flow->scope = kr_scope_new(e, flow->outer);
  e->now =
      (KrContext){.flow = flow, .scope = flow->scope, .real = e->graph->flows[flow->index].real};
  kr_declare_items(e, flow->scope, flow->ast->at[0]);
  kr_block_items(e, flow->ast->at[0]);
  kr_vars_finish(e);
  resolve_outputs(e, flow);
  flow->state = KR_FLOW_DONE;
  e->has_returned = returned;
  e->now = saved;
}

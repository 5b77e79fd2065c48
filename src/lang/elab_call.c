/// Decides what a call means: functions inlined, special forms, rows of the registry by their
/// ports.
#include "lang/elab_core.h"
#include <string.h>

enum { MAX_CALLS = 200 };

KrVal *kr_arg_value(KrElab *e, KrArg *arg) {
  if (!arg->ready) {
    arg->val = kr_elab_expr(e, arg->ast);
    arg->ready = true;
  }
  return &arg->val;
}

static uint32_t find_slot(const char *const *names, KrText name, KrText *near) {
  uint32_t distance = 4, found = KR_NONE;
  for (uint32_t i = 0; names[i] != NULL; i++) {
    if (kr_text_is(name, names[i])) found = i;
    uint32_t d = kr_text_distance(name, kr_text_from(names[i]));
    if (d >= distance || d >= name.n) continue;
    distance = d;
    *near = kr_text_from(names[i]);
  }
  return found;
}

static const char *list_names(KrElab *e, const char *const *names) {
  KrBuffer text;
  kr_buffer_init(&text, e->arena);
  kr_buffer_print(&text, "its arguments are");
  for (uint32_t i = 0; names[i] != NULL; i++)
    kr_buffer_print(&text, "%s %s", i > 0 ? "," : "", names[i]);
  return names[0] == NULL ? "it takes no arguments" : text.at;
}

bool kr_bind_args(KrElab *e, KrArgs args, const char *const *names, KrArg **slots, const char *what,
                  KrSpan span) {
  uint32_t n = 0, next = 0;
  bool ok = true;
  (void)span;
  while (names[n] != NULL) slots[n++] = NULL;
  for (uint32_t i = 0; i < args.n; i++) {
    KrArg *arg = &args.at[i];
    KrText near = {NULL, 0};
    uint32_t slot = arg->name.n == 0 ? next++ : find_slot(names, arg->name, &near);
    if (slot < n && slots[slot] == NULL) {
      slots[slot] = arg;
      continue;
    }
    ok = false;
    if (arg->name.n == 0 && slot >= n)
      kr_diagnose(e->list, KR_ERROR, arg->span, list_names(e, names),
                  n == 1 ? "`%s` takes %u argument" : "`%s` takes %u arguments", what, n);
    else if (slot < n)
      kr_diagnose(e->list, KR_ERROR, arg->span, "give it once, by place or by name",
                  "`%s` is given `%s` twice", what, names[slot]);
    else
      kr_diagnose(e->list, KR_ERROR, arg->span,
                  near.n > 0 ? kr_text_print(e->arena, "did you mean `%t`?", near)
                             : list_names(e, names),
                  "`%s` has no argument `%t`", what, arg->name);
  }
  return ok;
}

static uint32_t find_word(const char *words, KrText word) {
  uint32_t index = 0;
  for (const char *at = words; *at != '\0'; index++) {
    size_t n = strcspn(at, "|");
    if (n == word.n && memcmp(at, word.at, n) == 0) return index;
    at += n + (at[n] == '|');
  }
  return KR_NONE;
}

bool kr_arg_word(KrElab *e, KrArg *arg, const char *words, const char *what, uint32_t *choice) {
  KrText word = {NULL, 0};
  if (arg->ast != NULL && (arg->ast->kind == KR_AST_NAME || arg->ast->kind == KR_AST_STRING)) {
    word = arg->ast->text;
    *choice = find_word(words, word);
    if (*choice != KR_NONE) return true;
  }
  if (arg->ast == NULL || arg->ast->kind != KR_AST_NAME || kr_name_is_user(e, word)) {
    const KrVal *val = kr_arg_value(e, arg);
    if (val->kind == KR_VAL_POISON) return false;
    word = val->kind == KR_VAL_STRING ? val->as.text : (KrText){NULL, 0};
    *choice = find_word(words, word);
    if (word.n > 0 && *choice != KR_NONE) return true;
  }
  kr_diagnose(e->list, KR_ERROR, arg->span, kr_text_print(e->arena, "choose one of %s", words),
              "%s is one of %s", what, words);
  return false;
}

/// Positional then named arguments onto PARAM nodes from `first`.
static bool bind_params(KrElab *e, const KrAst *fn, uint32_t first, KrArgs args, KrScope *scope,
                        KrSpan span) {
  uint32_t n = fn->n - first;
  const char **names = KR_NEW_ARRAY(e->arena, const char *, n + 1);
  KrArg **slots = KR_NEW_ARRAY(e->arena, KrArg *, n + 1);
  for (uint32_t i = 0; i < n; i++) names[i] = kr_text_string(e->arena, fn->at[first + i]->text);
  const char *what = fn->kind == KR_AST_FN ? kr_text_string(e->arena, fn->text) : "the function";
  if (!kr_bind_args(e, args, names, slots, what, span)) return false;
  for (uint32_t i = 0; i < n; i++)
    if (slots[i] != NULL) kr_arg_value(e, slots[i]);
  KrScope *outer = e->now.scope;
  e->now.scope = scope;
  for (uint32_t i = 0; i < n; i++) {
    const KrAst *param = fn->at[first + i];
    const KrAst *type = param->n > 0 ? param->at[0] : NULL,
                *preset = param->n > 1 ? param->at[1] : NULL;
    KrVal val = kr_val_poison();
    KrSpec spec;
    if (slots[i] != NULL)
      val = slots[i]->val;
    else if (preset != NULL)
      val = kr_elab_expr(e, preset);
    else
      kr_diagnose(e->list, KR_ERROR, span, "give it, or give the parameter a default",
                  "`%s` needs its argument `%s`", what, names[i]);
    if (kr_spec_read(e, type, &spec))
      val = kr_spec_convert(e, val, &spec, slots[i] != NULL ? slots[i]->span : span);
    KrBinding *binding = kr_scope_declare(e, scope, param->text, param->span, param);
    if (binding == NULL) continue;
    binding->val = val;
    binding->state = KR_BIND_READY;
  }
  e->now.scope = outer;
  return true;
}

static KrVal run_body(KrElab *e, const KrAst *fn, KrScope *scope, KrSpan span) {
  KrScope *outer = e->now.scope;
  bool outer_returned = e->has_returned;
  const KrAst *body = fn->at[0];
  KrVal val;
  e->now.scope = scope;
  e->has_returned = false;
  if (body != NULL && body->kind == KR_AST_BLOCK) {
    kr_declare_items(e, scope, body);
    val = kr_elab_block(e, body, false);
  } else {
    val = kr_elab_expr(e, body);
  }
  e->has_returned = outer_returned;
  KrSpec spec;
  if (fn->kind == KR_AST_FN && fn->n > 1 && fn->at[1] != NULL && kr_spec_read(e, fn->at[1], &spec))
    val = kr_spec_convert(e, val, &spec, span);
  e->now.scope = outer;
  return val;
}

KrVal kr_apply(KrElab *e, const KrVal *fn, KrArgs args, KrSpan span) {
  if (fn->kind == KR_VAL_POISON) return *fn;
  if (fn->kind == KR_VAL_OP) return kr_call_op(e, fn->as.text, args, span);
  if (fn->kind != KR_VAL_FN) {
    kr_diagnose(e->list, KR_ERROR, span, "call the name of a fn, a lambda or an operator",
                "%s is not a function", kr_val_kind_text(fn));
    return kr_val_poison();
  }
  if (e->now.calls >= MAX_CALLS) {
    kr_diagnose(e->list, KR_ERROR, span, "recursion is for constants and must end",
                "functions call one another more than %d levels deep", (int)MAX_CALLS);
    longjmp(e->stop, 1);
  }
  const KrAst *ast = fn->as.fn.ast;
  KrScope *scope = kr_scope_new(e, fn->as.fn.scope);
  kr_count_unrolled(e, 1, span);
  KrCond *outer = e->now.call_cond;
  e->now.calls++;
  e->now.call_cond = e->now.cond;
  KrVal val = kr_val_poison();
  if (bind_params(e, ast, ast->kind == KR_AST_FN ? 2 : 1, args, scope, span))
    val = run_body(e, ast, scope, span);
  e->now.calls--;
  e->now.call_cond = outer;
  return val;
}

/// Operators of the language that this version does not have.
static bool is_later(KrText name) {
  static const char *const names[] = {
      "spawn",    "fm",       "wavetable", "pluck",   "ladder",     "eq3",     "echo",
      "tape",     "reverb",   "fdn",       "chorus",  "flanger",    "phaser",  "saturate",
      "fold",     "bitcrush", "ringmod",   "tremolo", "compressor", "limiter", "width",
      "granular", "mel",      "flux",      "onset",   "pitch",      "ode",     "composite"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (kr_text_is(name, names[i])) return kr_registry_find(name, 0) == NULL;
  return false;
}

static KrVal call_unknown(KrElab *e, KrText name, KrSpan span) {
  if (kr_name_is_user(e, name)) {
    kr_diagnose(e->list, KR_ERROR, span, "another value has this name; choose another name for it",
                "`%t` is not a function", name);
    return kr_val_poison();
  }
  if (is_later(name)) {
    kr_diagnose(e->list, KR_ERROR, span, "`kairo ops` lists what there is",
                "`%t` is not available yet", name);
    return kr_val_poison();
  }
  KrText near = kr_name_near(e, name);
  kr_diagnose(e->list, KR_ERROR, span,
              near.n > 0 ? kr_text_print(e->arena, "did you mean `%t`?", near)
                         : "`kairo ops` lists what there is",
              "unknown function `%t`", name);
  return kr_val_poison();
}

/// What no user defined: special forms, then the registry.
static KrVal call_builtin(KrElab *e, KrText name, KrArgs args, KrSpan span, KrSpan name_span) {
  KrVal val;
  if (kr_call_list(e, name, args, span, &val)) return val;
  if (kr_call_event(e, name, args, span, &val)) return val;
  if (kr_call_synth(e, name, args, span, &val)) return val;
  if (kr_call_stream(e, name, args, span, &val)) return val;
  if (kr_call_bus(e, name, args, span, &val)) return val;
  if (kr_call_solver(e, name, args, span, &val)) return val;
  if (kr_registry_find(name, 0) != NULL) return kr_call_op(e, name, args, span);
  for (uint32_t i = 0; i < args.n; i++)
    if (kr_arg_value(e, &args.at[i])->kind == KR_VAL_POISON && args.at[i].ast == NULL)
      return kr_val_poison();
  return call_unknown(e, name, name_span);
}

static KrVal call_named(KrElab *e, KrText name, KrArgs args, KrSpan span, KrSpan name_span) {
  KrVal fn;
  if (kr_name_callable(e, name, name_span, &fn) && fn.kind != KR_VAL_OP)
    return kr_apply(e, &fn, args, span);
  return call_builtin(e, name, args, span, name_span);
}

static KrArgs collect_args(KrElab *e, const KrAst *call, const KrArg *first, bool room) {
  uint32_t n = call->kind == KR_AST_CALL ? call->n - 1 : 0,
           begin = (first != NULL ? 1u : 0u) + (room ? 1u : 0u);
  KrArgs args = {KR_NEW_ARRAY(e->arena, KrArg, n + begin), n + begin};
  if (first != NULL) args.at[room ? 1 : 0] = *first;
  for (uint32_t i = 0; i < n; i++) {
    const KrAst *arg = call->at[i + 1];
    const KrAst *value = arg == NULL || arg->n == 0 ? NULL : arg->at[0];
    args.at[begin + i] = (KrArg){.ast = value, .span = arg == NULL ? call->span : arg->span};
    if (arg != NULL) args.at[begin + i].name = arg->text;
    if (value != NULL && arg->text.n == 0) args.at[begin + i].span = value->span;
  }
  return args;
}

static KrText join_names(KrElab *e, KrText a, KrText b) {
  return kr_text_from(kr_text_print(e->arena, "%t.%t", a, b));
}

/// `solver.NAME.declare_contract(…)`
static bool is_contract(KrElab *e, const KrAst *callee) {
  const KrAst *head = callee->at[0];
  return kr_text_is(callee->text, "declare_contract") && head->kind == KR_AST_MEMBER &&
         head->at[0] != NULL && head->at[0]->kind == KR_AST_NAME &&
         kr_text_is(head->at[0]->text, "solver") && !kr_name_is_user(e, head->at[0]->text);
}

static KrVal call_random(KrElab *e, const KrVal *random, KrText name, KrArgs args, KrSpan span) {
  args.at[0] = (KrArg){.span = span, .ready = true, .val = kr_val_exact(random->as.number.ratio)};
  return call_builtin(e, join_names(e, KR_TEXT("random"), name), args, span, span);
}

KrVal kr_call_random(KrElab *e, const KrVal *random, KrText name, KrSpan span) {
  KrArg seed;
  return call_random(e, random, name, (KrArgs){&seed, 1}, span);
}

static KrVal call_member(KrElab *e, const KrAst *callee, const KrAst *call, const KrArg *first) {
  const KrAst *head = callee->at[0];
  KrSpan span = call->span;
  if (head == NULL) return kr_val_poison();
  if (is_contract(e, callee)) {
    KrArgs args = collect_args(e, call, first, true);
    args.at[0] = (KrArg){.span = head->span, .val = kr_val_text(head->text), .ready = true};
    return call_builtin(e, KR_TEXT("solver.NAME.declare_contract"), args, span, callee->name_span);
  }
  if (head->kind == KR_AST_NAME && kr_name_is_namespace(head->text) &&
      !kr_name_is_user(e, head->text))
    return call_builtin(e, join_names(e, head->text, callee->text),
                        collect_args(e, call, first, false), span, callee->name_span);
  KrVal object = kr_elab_expr(e, head);
  if (object.kind == KR_VAL_POISON) return object;
  if (object.kind == KR_VAL_NAMESPACE && object.as.fn.scope != NULL) {
    KrBinding *binding = kr_scope_find(object.as.fn.scope, callee->text);
    if (binding == NULL) return call_unknown(e, callee->text, callee->name_span);
    KrVal fn = kr_binding_read(e, binding, callee->name_span, callee->text);
    return kr_apply(e, &fn, collect_args(e, call, first, false), span);
  }
  const KrVal *field = object.kind == KR_VAL_RECORD ? kr_val_field(&object, callee->text) : NULL;
  if (field != NULL && (field->kind == KR_VAL_FN || field->kind == KR_VAL_OP))
    return kr_apply(e, field, collect_args(e, call, first, false), span);
  KrArgs args = collect_args(e, call, first, true);
  if (object.kind == KR_VAL_RANDOM) return call_random(e, &object, callee->text, args, span);
  args.at[0] = (KrArg){.span = head->span, .val = object, .ready = true, .ast = NULL};
  return call_named(e, callee->text, args, span, callee->name_span);
}

static KrVal call_at(KrElab *e, const KrAst *ast, const KrArg *first) {
  const KrAst *callee = ast->kind == KR_AST_CALL ? ast->at[0] : ast;
  if (callee == NULL) return kr_val_poison();
  if (callee->kind == KR_AST_NAME)
    return call_named(e, callee->text, collect_args(e, ast, first, false), ast->span, callee->span);
  if (callee->kind == KR_AST_MEMBER && !(ast->kind != KR_AST_CALL && first == NULL))
    return call_member(e, callee, ast, first);
  KrVal fn = kr_elab_expr(e, callee);
  return kr_apply(e, &fn, collect_args(e, ast, first, false), ast->span);
}

KrVal kr_elab_call(KrElab *e, const KrAst *ast, const KrArg *first) {
  if (ast == NULL) return kr_val_poison();
  if (ast->span.file != 0) return call_at(e, ast, first);
  bool has_call = e->list->has_call;
  KrSpan call = e->list->call;
  e->list->has_call = true;
  e->list->call = ast->span;
  KrVal val = call_at(e, ast, first);
  e->list->has_call = has_call;
  e->list->call = call;
  return val;
}

/// Decides what `use` brings in: the text of a module, read once, and the name bound to it.
#include "lang/elab_core.h"
#include "lang/elab_program.h"
#include "lang/std.h"

/// Where the parts of a path stand: `std` names no module by itself.
typedef struct ModulePath {
  KrText key; ///< `drums`, `std.synths`
  KrText name;
  uint32_t n; ///< parts of the path that name the module
  bool is_std;
} ModulePath;

static KrText std_name(const KrSource *source) { // between `std/` and `.kairo`
  return (KrText){source->name.at + 4, source->name.n - 10};
}

static const KrSource *find_std(KrText name) {
  for (uint32_t i = 0; i < kr_n_std_modules; i++)
    if (kr_text_equal(std_name(&kr_std_modules[i]), name)) return &kr_std_modules[i];
  return NULL;
}

static const char *list_std(KrElab *e, KrText name) {
  KrBuffer text;
  kr_buffer_init(&text, e->arena);
  for (uint32_t i = 0; i < kr_n_std_modules; i++) {
    KrText own = std_name(&kr_std_modules[i]);
    uint32_t distance = kr_text_distance(name, own);
    if (distance < 3 && distance < name.n)
      return kr_text_print(e->arena, "did you mean `std.%t`?", own);
    kr_buffer_print(&text, "%s`std.%t`", i == 0 ? "there are " : ", ", own);
  }
  return text.at;
}

/// What the module offers under its nearest name, else what to do.
static const char *near_in(KrElab *e, const KrScope *module, KrText name) {
  KrText best = {NULL, 0};
  uint32_t distance = 3;
  for (uint32_t i = 0; i < module->n; i++) {
    uint32_t d = kr_text_distance(name, module->items[i]->name);
    if (d < distance && d < name.n) distance = d, best = module->items[i]->name;
  }
  return best.n > 0 ? kr_text_print(e->arena, "did you mean `%t`?", best)
                    : "see the names in the module";
}

static void bind_use(KrElab *e, const KrAst *path, const ModulePath *where, KrScope *module) {
  const KrAst *last = path->at[path->n - 1];
  KrText name = path->text.n > 0 ? path->text : last->text;
  bool whole = path->n == where->n;
  if (path->n > where->n + 1) {
    kr_diagnose(e->list, KR_ERROR, path->at[where->n]->span,
                kr_text_print(e->arena, "write `use %t.NAME`", where->key),
                "there are no modules in the module `%t`", where->name);
    return;
  }
  KrBinding *source = whole ? NULL : kr_scope_find(module, last->text);
  if (!whole && source == NULL) {
    kr_diagnose(e->list, KR_ERROR, last->span, near_in(e, module, last->text),
                "the module `%t` has no `%t`", where->name, last->text);
    return;
  }
  KrBinding *binding = kr_scope_declare(e, e->now.scope, name, last->span, path);
  if (binding == NULL) return;
  binding->state = KR_BIND_READY;
  if (source != NULL) {
    binding->val = kr_binding_read(e, source, last->span, last->text);
    return;
  }
  binding->val = (KrVal){.kind = KR_VAL_NAMESPACE};
  binding->val.as.fn.scope = module;
}

/// What only the program itself declares.
static void check_module(KrElab *e, const KrAst *program) {
  for (uint32_t i = 0; i < program->n; i++) {
    const KrAst *item = program->at[i];
    if (item == NULL || (item->kind != KR_AST_STATE && item->kind != KR_AST_INPUT)) continue;
    kr_diagnose(e->list, KR_ERROR, item->name_span,
                item->kind == KR_AST_STATE ? "declare it inside a flow or `fn`"
                                           : "declare it in the program and hand its value on",
                "a module has no %s of its own", item->kind == KR_AST_STATE ? "states" : "inputs");
  }
}

static bool find_source(KrElab *e, const ModulePath *where, KrSpan span, KrSource *source) {
  const KrSource *built_in = where->is_std ? find_std(where->name) : NULL;
  if (built_in != NULL) {
    *source = *built_in;
    return true;
  }
  if (where->is_std) {
    kr_diagnose(e->list, KR_ERROR, span, list_std(e, where->name),
                "there is no built-in module `%t`", where->name);
    return false;
  }
  if (e->options->find_module != NULL &&
      e->options->find_module(e->options->module_user, where->name, source))
    return true;
  kr_diagnose(e->list, KR_ERROR, span,
              kr_text_print(e->arena, "it would be %t.kairo beside the program", where->name),
              "there is no module `%t`", where->name);
  return false;
}

static KrScope *read_module(KrElab *e, const KrSource *source) {
  uint32_t errors = e->list->n_errors;
  const KrAst *program = kr_parse(e->arena, e->list, kr_source_add(e, source->name, source->text));
  KrContext saved = e->now;
  e->now = (KrContext){.scope = kr_scope_new(e, NULL), .real = KR_ELEM_F64};
  KrScope *scope = e->now.scope;
  if (e->list->n_errors == errors) {
    kr_program_collect(e, program);
    check_module(e, program);
  }
  e->now = saved;
  return scope;
}

/// Scopes of modules, by name; 0 while one is being read.
void kr_module_use(KrElab *e, const KrAst *path) {
  ModulePath where = {.key = path->at[0]->text, .name = path->at[0]->text, .n = 1};
  where.is_std = kr_text_is(where.name, "std");
  if (where.is_std && path->n == 1) {
    kr_diagnose(e->list, KR_ERROR, path->span, list_std(e, (KrText){NULL, 0}),
                "`std` holds the built-in modules: name one of them");
    return;
  }
  if (where.is_std) {
    where.name = path->at[1]->text;
    where.key = kr_text_from(kr_text_print(e->arena, "std.%t", where.name));
    where.n = 2;
  }
  bool found;
  uint32_t *slot = kr_map_slot(e, &e->modules, where.key, &found);
  if (found && *slot == 0) {
    kr_diagnose(e->list, KR_ERROR, path->span, "move what both need into a third module",
                "the modules use one another in a circle through `%t`", where.name);
    return;
  }
  if (found) {
    if (*slot != KR_NONE) bind_use(e, path, &where, e->module_scopes[*slot - 1]);
    return;
  }
  *slot = 0;
  KrSource source;
  if (!find_source(e, &where, path->span, &source)) {
    *kr_map_slot(e, &e->modules, where.key, &found) = KR_NONE;
    return;
  }
  KrScope *scope = read_module(e, &source);
  KR_PUSH(e->arena, e->module_scopes, e->n_modules, e->cap_modules, scope);
  *kr_map_slot(e, &e->modules, where.key, &found) = e->n_modules;
  bind_use(e, path, &where, scope);
}

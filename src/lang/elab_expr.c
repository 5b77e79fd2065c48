/// Decides what an expression is worth: literals, operators, branches, members.
#include "base/number.h"
#include "lang/elab_core.h"

enum { MAX_DEPTH = 1200 };

bool kr_need_exact(KrElab *e, const KrVal *val, const char *unit, const char *what, KrSpan span,
                   KrRatio *ratio) {
  KrVal number = *val;
  if (number.kind == KR_VAL_POISON) return false;
  if (number.kind != KR_VAL_NUMBER) {
    kr_diagnose(e->list, KR_ERROR, span,
                "it must be known at compile time: a number, a constant `let`, `dt` or `rate`",
                "%s must be a constant number, this is %s", what, kr_val_kind_text(&number));
    return false;
  }
  if (!kr_unit_fit(e, &number, unit, what, span) || number.kind != KR_VAL_NUMBER) return false;
  if (!number.as.number.exact) {
    kr_diagnose(e->list, KR_ERROR, span, "round it, or write it as a fraction",
                "%s must be exact; %s made this constant inexact", what, number.as.number.lost);
    return false;
  }
  *ratio = number.as.number.ratio;
  return true;
}

bool kr_need_whole(KrElab *e, const KrVal *val, const char *what, KrSpan span, int64_t *whole) {
  KrRatio ratio;
  if (!kr_need_exact(e, val, "", what, span, &ratio)) return false;
  *whole = ratio.num;
  if (ratio.den == 1) return true;
  kr_diagnose(e->list, KR_ERROR, span, "use `floor`, `ceil` or `round`",
              "%s must be a whole number, this is %r", what, ratio.num, ratio.den);
  return false;
}

static KrVal elab_number(KrElab *e, const KrAst *ast) {
  bool exact;
  KrRatio ratio = KR_RATIO_ZERO;
  double value;
  if (!kr_number_parse(ast->text, &exact, &ratio.num, &ratio.den, &value)) return kr_val_poison();
  KrVal val =
      exact ? kr_val_exact(ratio) : kr_val_inexact(e, value, "a literal beyond 63 bits", ast->span);
  if (ast->unit.n == 0 || val.kind != KR_VAL_NUMBER) return val;
  KrDim dim;
  KrRatio scale;
  KrSpan unit = ast->span;
  if (unit.end - unit.begin > ast->unit.n) unit.begin = unit.end - (uint32_t)ast->unit.n;
  if (!kr_unit_find(e, ast->unit, unit, &dim, &scale)) return kr_val_poison();
  if (scale.num != scale.den) {
    KrVal factor = kr_val_exact(scale);
    val = kr_fold_binary(e, '*', &val, &factor, ast->span);
  }
  val.dim = dim;
  return val;
}

KrRef kr_elab_negation(KrElab *e, KrRef ref, KrSpan span) {
  KrVal in = kr_val_stream(ref, KR_TYPE_SCALAR(KR_ELEM_BOOL));
  return kr_emit_op(e, "not", KR_ELEM_BOOL, in.type, &in, 1, span);
}

static KrRef join_conditions(KrElab *e, const char *name, KrRef a, KrRef b, KrSpan span) {
  KrType type = KR_TYPE_SCALAR(KR_ELEM_BOOL);
  KrVal in[2] = {kr_val_stream(a, type), kr_val_stream(b, type)};
  return kr_emit_op(e, name, KR_ELEM_BOOL, type, in, 2, span);
}

KrRef kr_elab_condition(KrElab *e, KrSpan span) {
  KrCond *cond = e->now.cond;
  if (cond == NULL) return (KrRef){KR_NONE, 0};
  if (cond->joined.node != KR_NONE) return cond->joined;
  KrRef own = cond->negated ? kr_elab_negation(e, cond->ref, span) : cond->ref;
  e->now.cond = cond->outer;
  KrRef outer = kr_elab_condition(e, span);
  e->now.cond = cond;
  cond->joined = outer.node == KR_NONE ? own : join_conditions(e, "and", outer, own, span);
  return cond->joined;
}

static KrCond *push_condition(KrElab *e, KrRef ref, bool negated, const KrAst *ast, uint32_t copy) {
  KrCond *cond = KR_NEW(e->arena, KrCond);
  *cond = (KrCond){.outer = e->now.cond,
                   .ref = ref,
                   .negated = negated,
                   .ast = ast,
                   .copy = copy,
                   .joined = {KR_NONE, 0}};
  e->now.cond = cond;
  return cond;
}

static KrVal read_operand(KrElab *e, KrVal val, KrSpan span) {
  int64_t key;
  if (val.kind == KR_VAL_FOREIGN) val = kr_read_foreign(e, &val, span);
  if (val.kind == KR_VAL_HOLD) val = kr_hold_read(e, &val, (KrText){NULL, 0}, span);
  if (val.kind == KR_VAL_GATE) {
    KrVal gate = kr_val_stream(val.as.gate[0], val.type);
    gate.dim = val.dim;
    return gate;
  }
  if (val.kind == KR_VAL_STRING && kr_note_number(val.as.text, &key))
    return kr_val_exact(kr_ratio_of(key));
  return val;
}

static bool is_comparison(KrText op) {
  return op.at[0] == '<' || op.at[0] == '>' || (op.n == 2 && op.at[1] == '=');
}

static const char *row_of(KrText op, bool integer) {
  switch (op.at[0]) {
  case '+': return "add";
  case '-': return "sub";
  case '*': return "mul";
  case '/': return "div_real";
  case '%': return integer ? "imod" : "mod";
  case '^': return "pow";
  case '<': return op.n == 2 ? "le" : "lt";
  case '>': return op.n == 2 ? "ge" : "gt";
  case '=': return "eq";
  default: return "ne";
  }
}

static bool join_dims(KrElab *e, KrText op, const KrVal *a, const KrVal *b, KrSpan span,
                      KrDim *dim) {
  *dim = kr_dim_join(a->dim, b->dim);
  if (op.at[0] == '*' || op.at[0] == '/') {
    *dim = kr_dim_combine(a->dim, b->dim, op.at[0] == '*' ? 1 : -1);
    return true;
  }
  if (op.at[0] == '^') {
    bool ok = kr_dim_is_plain(&b->dim),
         whole = b->kind == KR_VAL_NUMBER && b->as.number.exact && b->as.number.ratio.den < 100 &&
                 b->as.number.ratio.num < 100 && b->as.number.ratio.num > -100;
    if (whole && ok)
      *dim = kr_dim_power(a->dim, (int)b->as.number.ratio.num, (int)b->as.number.ratio.den, &ok);
    else
      ok = ok && kr_dim_is_plain(&a->dim);
    if (!ok)
      kr_diagnose(e->list, KR_ERROR, span, "divide by the unit first, as in `x / 1Hz`",
                  "`^` cannot raise %s to this exponent", kr_dim_text(e, &a->dim));
    return ok;
  }
  if (kr_dim_fits(&a->dim, &b->dim)) return true;
  kr_diagnose(e->list, KR_ERROR, span, "both sides need the same unit", "`%t` of %s and %s", op,
              kr_dim_text(e, &a->dim), kr_dim_text(e, &b->dim));
  return false;
}

static bool is_bool(const KrVal *val) {
  return val->kind == KR_VAL_BOOL ||
         (val->kind == KR_VAL_STREAM && val->type.elem == KR_ELEM_BOOL &&
          val->type.shape == KR_SHAPE_SCALAR);
}

static KrVal compare_bools(KrElab *e, KrText op, KrVal a, KrVal b, KrSpan span) {
  if (a.kind == KR_VAL_BOOL && b.kind == KR_VAL_BOOL)
    return kr_val_bool((a.as.boolean == b.as.boolean) == (op.at[0] == '='));
  KrVal in[2] = {kr_to_elem(e, a, KR_ELEM_BOOL, span), kr_to_elem(e, b, KR_ELEM_BOOL, span)};
  KrType type = KR_TYPE_SCALAR(KR_ELEM_BOOL);
  return kr_val_stream(kr_emit_op(e, row_of(op, false), KR_ELEM_BOOL, type, in, 2, span), type);
}

static KrVal stream_binary(KrElab *e, KrText op, KrVal a, KrVal b, KrSpan span) {
  KrDim dim;
  KrElem elem;
  KrVal in[3] = {a, b};
  if (!join_dims(e, op, &a, &b, span, &dim)) return kr_val_poison();
  bool integers = op.at[0] != '/' && op.at[0] != '^';
  if (!kr_unify(e, in, 2, integers, &elem, span)) return kr_val_poison();
  bool integer = !kr_elem_is_real(elem);
  for (int i = 0; i < 2; i++) {
    in[i] = kr_to_elem(e, in[i], elem, span);
    if (in[i].kind == KR_VAL_POISON) return in[i];
  }
  uint32_t n = 2;
  if (op.at[0] == '%' && integer) {
    KrRef when = kr_elab_condition(e, span);
    if (when.node == KR_NONE) when = kr_emit_bool(e, true);
    in[n++] = kr_val_stream(when, KR_TYPE_SCALAR(KR_ELEM_BOOL));
  }
  KrType type = KR_TYPE_SCALAR(is_comparison(op) ? KR_ELEM_BOOL : elem);
  KrVal out = kr_val_stream(kr_emit_op(e, row_of(op, integer), elem, type, in, n, span), type);
  if (!is_comparison(op)) out.dim = dim;
  return out;
}

/// + - * of whole numbers of declared integer type stay constants of that type.
static bool fold_typed(KrElab *e, KrText op, const KrVal *a, const KrVal *b, KrSpan span,
                       KrVal *out) {
  const KrNumber *x = &a->as.number, *y = &b->as.number;
  if (!x->typed && !y->typed) {
    *out = kr_fold_binary(e, op.at[0], a, b, span);
    return true;
  }
  if (e->now.flow == NULL && !e->now.in_function) {
    *out = kr_fold_binary(e, op.at[0], a, b, span);
    return true;
  }
  KrElem elem = x->typed ? x->elem : y->elem;
  if (op.n != 1 || (op.at[0] != '+' && op.at[0] != '-' && op.at[0] != '*')) return false;
  if (!kr_number_fits(x, elem) || !kr_number_fits(y, elem)) return false;
  if (x->typed && y->typed && x->elem != y->elem) return false;
  *out = kr_fold_binary(e, op.at[0], a, b, span);
  if (out->kind != KR_VAL_NUMBER || !kr_number_fits(&out->as.number, elem)) return false;
  out->as.number.typed = true;
  out->as.number.elem = elem;
  return true;
}

static KrVal fold_comparison(KrElab *e, KrText op, const KrVal *a, const KrVal *b, KrSpan span) {
  KrDim dim;
  if (!join_dims(e, op, a, b, span, &dim)) return kr_val_poison();
  return kr_val_bool(kr_fold_compare(op, a, b));
}

static KrVal map_items(KrElab *e, KrText op, KrVal a, KrVal b, KrSpan span) {
  bool both = a.kind == KR_VAL_TUPLE && b.kind == KR_VAL_TUPLE;
  uint32_t n = a.kind == KR_VAL_TUPLE ? a.as.items.n : b.as.items.n;
  if (both && a.as.items.n != b.as.items.n) {
    kr_diagnose(e->list, KR_ERROR, span, "both need the same number of items",
                "`%t` of tuples of %u and %u items", op, a.as.items.n, b.as.items.n);
    return kr_val_poison();
  }
  KrVal out = kr_val_items(KR_VAL_TUPLE, KR_NEW_ARRAY(e->arena, KrVal, n), n);
  for (uint32_t i = 0; i < n; i++)
    out.as.items.at[i] = kr_elab_binary(e, op, a.kind == KR_VAL_TUPLE ? a.as.items.at[i] : a,
                                        b.kind == KR_VAL_TUPLE ? b.as.items.at[i] : b, span);
  return out;
}

static bool is_scalar(const KrVal *val) {
  return val->kind == KR_VAL_NUMBER ||
         (val->kind == KR_VAL_STREAM && val->type.shape == KR_SHAPE_SCALAR);
}

KrVal kr_elab_binary(KrElab *e, KrText op, KrVal a, KrVal b, KrSpan span) {
  a = read_operand(e, a, span);
  b = read_operand(e, b, span);
  if (a.kind == KR_VAL_POISON || b.kind == KR_VAL_POISON) return kr_val_poison();
  if (a.kind == KR_VAL_TUPLE || b.kind == KR_VAL_TUPLE) return map_items(e, op, a, b, span);
  bool equality = op.n == 2 && op.at[1] == '=' && (op.at[0] == '=' || op.at[0] == '!');
  if (equality && a.kind == KR_VAL_STRING && b.kind == KR_VAL_STRING)
    return kr_val_bool(kr_text_equal(a.as.text, b.as.text) == (op.at[0] == '='));
  if (is_bool(&a) && is_bool(&b) && equality) return compare_bools(e, op, a, b, span);
  if (is_bool(&a) || is_bool(&b)) {
    kr_diagnose(e->list, KR_ERROR, span, "write `if b then 1 else 0` to make a number of it",
                "`%t` wants numbers, %s side is a bool", op,
                is_bool(&a) ? "the left" : "the right");
    return kr_val_poison();
  }
  if (!is_scalar(&a) || !is_scalar(&b)) {
    const KrVal *wrong = is_scalar(&a) ? &b : &a;
    kr_diagnose(e->list, KR_ERROR, span, kr_val_number_hint(wrong),
                "`%t` wants numbers, %s side is %s", op, wrong == &a ? "the left" : "the right",
                wrong->kind == KR_VAL_STREAM ? "a block of values" : kr_val_kind_text(wrong));
    return kr_val_poison();
  }
  KrVal out;
  if (a.kind == KR_VAL_NUMBER && b.kind == KR_VAL_NUMBER) {
    if (is_comparison(op)) return fold_comparison(e, op, &a, &b, span);
    if (fold_typed(e, op, &a, &b, span, &out)) return out;
  }
  return stream_binary(e, op, a, b, span);
}

static KrVal elab_logic(KrElab *e, const KrAst *ast, KrVal left) {
  bool conjunction = ast->text.at[0] == '&';
  KrSpan span = ast->at[0]->span;
  left = read_operand(e, left, span);
  if (left.kind == KR_VAL_POISON) return left;
  if (left.kind == KR_VAL_BOOL) {
    if (left.as.boolean != conjunction) return left;
    KrVal right = kr_elab_value(e, ast->at[1]);
    if (right.kind == KR_VAL_BOOL || right.kind == KR_VAL_POISON) return right;
    KrRef ref = kr_to_bool(e, right, "each side of a condition", ast->at[1]->span);
    return ref.node == KR_NONE ? kr_val_poison() : kr_val_stream(ref, KR_TYPE_SCALAR(KR_ELEM_BOOL));
  }
  KrRef a = kr_to_bool(e, left, "each side of a condition", span);
  if (a.node == KR_NONE) return kr_val_poison();
  KrCond *cond = push_condition(e, a, !conjunction, ast, e->serial++);
  KrVal right = kr_elab_value(e, ast->at[1]);
  e->now.cond = cond->outer;
  KrRef b = kr_to_bool(e, right, "each side of a condition", ast->at[1]->span);
  if (b.node == KR_NONE) return kr_val_poison();
  return kr_val_stream(join_conditions(e, conjunction ? "and" : "or", a, b, ast->name_span),
                       KR_TYPE_SCALAR(KR_ELEM_BOOL));
}

/// Long chains `a + b + c + …` lean left: they are walked, not recursed into.
static KrVal elab_chain(KrElab *e, const KrAst *ast) {
  const KrAst *leaf = ast;
  uint32_t n = 0;
  for (; leaf != NULL && leaf->kind == KR_AST_BINARY; leaf = leaf->at[0]) n++;
  const KrAst **spine = KR_NEW_ARRAY(e->arena, const KrAst *, n);
  leaf = ast;
  for (uint32_t i = n; i-- > 0; leaf = leaf->at[0]) spine[i] = leaf;
  KrVal val = kr_elab_expr(e, leaf);
  if (leaf != NULL) val = read_operand(e, val, leaf->span);
  for (uint32_t i = 0; i < n; i++) {
    const KrAst *step = spine[i];
    if (step->at[1] == NULL) return kr_val_poison();
    if (step->text.at[0] == '&' || step->text.at[0] == '|')
      val = elab_logic(e, step, val);
    else
      val = kr_elab_binary(e, step->text, val,
                           read_operand(e, kr_elab_expr(e, step->at[1]), step->at[1]->span),
                           step->name_span);
  }
  return val;
}

static KrVal negate(KrElab *e, KrVal val, KrSpan span) {
  val = read_operand(e, val, span);
  if (val.kind == KR_VAL_POISON) return val;
  if (val.kind == KR_VAL_TUPLE) {
    KrVal out =
        kr_val_items(KR_VAL_TUPLE, KR_NEW_ARRAY(e->arena, KrVal, val.as.items.n), val.as.items.n);
    for (uint32_t i = 0; i < val.as.items.n; i++)
      out.as.items.at[i] = negate(e, val.as.items.at[i], span);
    return out;
  }
  bool declared_real = val.kind == KR_VAL_NUMBER && val.as.number.typed &&
                       kr_elem_is_real(val.as.number.elem) && e->now.flow != NULL;
  if (declared_real) val = kr_to_stream(e, val, span); // -0 of a stream
  if (val.kind == KR_VAL_NUMBER) {
    KrVal out = kr_fold_negate(e, &val, span);
    if (out.kind == KR_VAL_NUMBER && val.as.number.typed) {
      out.as.number.typed = true;
      out.as.number.elem = val.as.number.elem;
    }
    return out;
  }
  if (!is_scalar(&val) || is_bool(&val)) {
    kr_diagnose(e->list, KR_ERROR, span, "negate a bool with `!`", "`-` wants a number, this is %s",
                is_bool(&val) ? "a bool" : kr_val_kind_text(&val));
    return kr_val_poison();
  }
  KrDim dim = val.dim;
  KrElem elem = kr_elem_is_real(val.type.elem) ? e->now.real : val.type.elem;
  val = kr_to_elem(e, val, elem, span);
  KrVal out = kr_val_stream(kr_emit_op(e, "neg", elem, val.type, &val, 1, span), val.type);
  out.dim = dim;
  return out;
}

static KrVal elab_unary(KrElab *e, const KrAst *ast) {
  KrVal val = kr_elab_expr(e, ast->at[0]);
  if (ast->text.at[0] == '-') return negate(e, val, ast->span);
  val = read_operand(e, val, ast->span);
  if (val.kind == KR_VAL_BOOL) return kr_val_bool(!val.as.boolean);
  KrRef ref = kr_to_bool(e, val, "what `!` negates", ast->span);
  if (ref.node == KR_NONE) return kr_val_poison();
  return kr_val_stream(kr_elab_negation(e, ref, ast->span), KR_TYPE_SCALAR(KR_ELEM_BOOL));
}

static KrVal select_items(KrElab *e, KrRef cond, const KrVal *a, const KrVal *b, KrSpan span) {
  bool same = a->kind == b->kind && a->as.items.n == b->as.items.n;
  KrVal out = *a;
  out.as.items.at = KR_NEW_ARRAY(e->arena, KrVal, a->as.items.n);
  for (uint32_t i = 0; same && i < a->as.items.n; i++) {
    const KrVal *other =
        a->kind == KR_VAL_RECORD ? kr_val_field(b, a->as.items.names[i]) : &b->as.items.at[i];
    same = other != NULL;
    if (same) out.as.items.at[i] = kr_elab_select(e, cond, a->as.items.at[i], *other, span);
  }
  if (same) return out;
  kr_diagnose(e->list, KR_ERROR, span, "give both branches the same fields or items",
              "the two branches have different shapes");
  return kr_val_poison();
}

KrVal kr_elab_select(KrElab *e, KrRef cond, KrVal a, KrVal b, KrSpan span) {
  a = read_operand(e, a, span);
  b = read_operand(e, b, span);
  if (a.kind == KR_VAL_POISON || b.kind == KR_VAL_POISON) return kr_val_poison();
  if (a.kind == KR_VAL_TUPLE || a.kind == KR_VAL_RECORD || a.kind == KR_VAL_LIST)
    return select_items(e, cond, &a, &b, span);
  KrElem elem = KR_ELEM_BOOL;
  KrVal in[3] = {kr_val_stream(cond, KR_TYPE_SCALAR(KR_ELEM_BOOL)), a, b};
  if (is_bool(&a) != is_bool(&b) || (!is_bool(&a) && (!is_scalar(&a) || !is_scalar(&b)))) {
    kr_diagnose(e->list, KR_ERROR, span, "give both branches the same type",
                "one branch is %s, the other %s", is_bool(&a) ? "a bool" : kr_val_kind_text(&a),
                is_bool(&b) ? "a bool" : kr_val_kind_text(&b));
    return kr_val_poison();
  }
  if (!kr_dim_fits(&a.dim, &b.dim)) {
    kr_diagnose(e->list, KR_ERROR, span, "both branches need the same unit",
                "one branch is in %s, the other in %s", kr_dim_text(e, &a.dim),
                kr_dim_text(e, &b.dim));
    return kr_val_poison();
  }
  if (!is_bool(&a) && !kr_unify(e, in + 1, 2, true, &elem, span)) return kr_val_poison();
  for (int i = 1; i < 3; i++) {
    in[i] = kr_to_elem(e, in[i], elem, span);
    if (in[i].kind == KR_VAL_POISON) return in[i];
  }
  KrType type = KR_TYPE_SCALAR(elem);
  KrVal out = kr_val_stream(kr_emit_op(e, "select", elem, type, in, 3, span), type);
  out.dim = kr_dim_join(a.dim, b.dim);
  return out;
}

static KrVal elab_branch(KrElab *e, const KrAst *ast, bool statement) {
  if (ast == NULL) return kr_val_none();
  if (ast->kind == KR_AST_IF) {
    const KrAst *parts[3] = {ast->at[0], ast->n > 1 ? ast->at[1] : NULL,
                             ast->n > 2 ? ast->at[2] : NULL};
    return kr_elab_if(e, ast, parts, statement);
  }
  if (ast->kind == KR_AST_BLOCK) return kr_elab_block(e, ast, true);
  return statement ? kr_elab_expr(e, ast) : kr_elab_value(e, ast);
}

KrVal kr_elab_if(KrElab *e, const KrAst *ast, const KrAst *const parts[3], bool statement) {
  KrVal cond = read_operand(e, kr_elab_value(e, parts[0]), parts[0]->span);
  if (cond.kind == KR_VAL_BOOL) {
    const KrAst *taken = cond.as.boolean ? parts[1] : parts[2];
    return elab_branch(e, taken, statement);
  }
  KrRef ref = cond.kind == KR_VAL_POISON ? (KrRef){KR_NONE, 0}
                                         : kr_to_bool(e, cond, "a condition", parts[0]->span);
  if (ref.node == KR_NONE) return kr_val_poison();
  uint32_t copy = e->serial++;
  KrCond *branch = push_condition(e, ref, false, ast, copy);
  KrVal a = elab_branch(e, parts[1], statement);
  e->now.cond = branch->outer;
  push_condition(e, ref, true, ast, copy);
  KrVal b = elab_branch(e, parts[2], statement);
  e->now.cond = branch->outer;
  if (statement || a.kind == KR_VAL_NONE || b.kind == KR_VAL_NONE) return kr_val_none();
  return kr_elab_select(e, ref, a, b, ast->span);
}

static KrVal elab_list(KrElab *e, const KrAst *ast, KrValKind kind) {
  KrVal out = kr_val_items(kind, KR_NEW_ARRAY(e->arena, KrVal, ast->n), ast->n);
  for (uint32_t i = 0; i < ast->n; i++) out.as.items.at[i] = kr_elab_value(e, ast->at[i]);
  return out;
}

static KrVal elab_range(KrElab *e, const KrAst *ast) {
  KrVal first = kr_elab_value(e, ast->at[0]), last = kr_elab_value(e, ast->at[1]);
  int64_t a, b;
  if (!kr_need_whole(e, &first, "a range's begin", ast->at[0]->span, &a) ||
      !kr_need_whole(e, &last, "a range's end", ast->at[1]->span, &b))
    return kr_val_poison();
  uint64_t n = b > a ? (uint64_t)b - (uint64_t)a : 0;
  kr_count_unrolled(e, n, ast->span);
  KrVal out = kr_val_items(KR_VAL_LIST, KR_NEW_ARRAY(e->arena, KrVal, n), (uint32_t)n);
  for (uint32_t i = 0; i < n; i++) out.as.items.at[i] = kr_val_exact(kr_ratio_of(a + i));
  return out;
}

static KrVal elab_repeat(KrElab *e, const KrAst *ast) {
  KrVal item = kr_elab_value(e, ast->at[0]), count = kr_elab_value(e, ast->at[1]);
  int64_t n;
  if (!kr_need_whole(e, &count, "a list's length", ast->at[1]->span, &n)) return kr_val_poison();
  if (n < 0) {
    kr_diagnose(e->list, KR_ERROR, ast->at[1]->span, "lengths begin with 0",
                "a list's length cannot be negative");
    return kr_val_poison();
  }
  kr_count_unrolled(e, (uint64_t)n, ast->span);
  KrVal out = kr_val_items(KR_VAL_LIST, KR_NEW_ARRAY(e->arena, KrVal, n), (uint32_t)n);
  for (int64_t i = 0; i < n; i++) out.as.items.at[i] = item;
  return out;
}

static KrVal elab_index(KrElab *e, const KrAst *ast) {
  KrVal object = kr_elab_value(e, ast->at[0]), index = kr_elab_value(e, ast->at[1]);
  int64_t i;
  if (object.kind == KR_VAL_POISON) return object;
  if (object.kind != KR_VAL_LIST && object.kind != KR_VAL_TUPLE) {
    kr_diagnose(e->list, KR_ERROR, ast->span, "name a field with `.`",
                "only lists and tuples are indexed, this is %s", kr_val_kind_text(&object));
    return kr_val_poison();
  }
  if (!kr_need_whole(e, &index, "an index", ast->at[1]->span, &i)) return kr_val_poison();
  if (i >= 0 && i < (int64_t)object.as.items.n) return object.as.items.at[i];
  kr_diagnose(e->list, KR_ERROR, ast->at[1]->span, "indices begin with 0",
              "index %lld in a list of %u items", (long long)i, object.as.items.n);
  return kr_val_poison();
}

static bool tuple_index(KrText name, uint32_t *index) {
  static const char *const axes[] = {"x", "y", "z", "w"};
  *index = 0;
  for (size_t i = 0; i < name.n; i++) {
    if (name.at[i] < '0' || name.at[i] > '9' || i > 6) {
      for (*index = 0; *index < 4; ++*index)
        if (kr_text_is(name, axes[*index])) return true;
      return false;
    }
    *index = *index * 10 + (uint32_t)(name.at[i] - '0');
  }
  return true;
}

static const KrVal *find_member(const KrVal *object, KrText name) {
  uint32_t index;
  if (object->kind == KR_VAL_RECORD) {
    const KrVal *field = kr_val_field(object, name);
    return field != NULL ? field : kr_val_field(object, kr_note_field(name));
  }
  bool items = object->kind == KR_VAL_TUPLE || object->kind == KR_VAL_LIST;
  if (items && tuple_index(name, &index) && index < object->as.items.n)
    return &object->as.items.at[index];
  return NULL;
}

static const char *list_fields(KrElab *e, const KrVal *object) {
  if (object->kind != KR_VAL_RECORD || object->as.items.n == 0) return "it has no fields";
  KrBuffer out;
  kr_buffer_init(&out, e->arena);
  for (uint32_t i = 0; i < object->as.items.n; i++)
    kr_buffer_print(&out, "%s%t", i == 0 ? "its fields are " : ", ", object->as.items.names[i]);
  return out.at;
}

static KrVal report_member(KrElab *e, const KrVal *object, const KrAst *ast) {
  KrText best = {NULL, 0};
  uint32_t distance = 3;
  for (uint32_t i = 0; object->kind == KR_VAL_RECORD && i < object->as.items.n; i++) {
    uint32_t d = kr_text_distance(ast->text, object->as.items.names[i]);
    if (d < distance && d < ast->text.n) {
      distance = d;
      best = object->as.items.names[i];
    }
  }
  kr_diagnose(e->list, KR_ERROR, ast->name_span,
              best.n > 0 ? kr_text_print(e->arena, "did you mean `%t`?", best)
                         : list_fields(e, object),
              "%s has no field `%t`", kr_val_kind_text(object), ast->text);
  return kr_val_poison();
}

static KrVal elab_member(KrElab *e, const KrAst *ast) {
  const KrAst *head = ast->at[0];
  if (head != NULL && head->kind == KR_AST_NAME) {
    bool local = false;
    for (const KrScope *scope = e->now.scope; scope != NULL && !local; scope = scope->parent)
      local = kr_scope_find(scope, head->text) != NULL;
    KrFlowInfo *flow = local ? NULL : kr_name_flow(e, head->text);
    if (flow != NULL) return kr_name_member(e, flow, ast);
  }
  KrVal object = kr_elab_expr(e, head);
  if (object.kind == KR_VAL_POISON) return object;
  if (object.kind == KR_VAL_EVENTS) return kr_events_member(e, &object, ast->text, ast->name_span);
  if (object.kind == KR_VAL_HOLD) return kr_hold_read(e, &object, ast->text, ast->name_span);
  if (object.kind == KR_VAL_RANDOM) return kr_call_random(e, &object, ast->text, ast->span);
  if (object.kind == KR_VAL_NAMESPACE && object.as.fn.scope != NULL) {
    KrBinding *binding = kr_scope_find(object.as.fn.scope, ast->text);
    if (binding != NULL) return kr_binding_read(e, binding, ast->span, ast->text);
  }
  if (object.kind == KR_VAL_FOREIGN) {
    const KrVal *inner = find_member(object.as.foreign.inner, ast->text);
    if (inner == NULL) return report_member(e, object.as.foreign.inner, ast);
    const KrSource *source = &e->list->sources[ast->span.file];
    object.as.foreign.inner = inner;
    object.as.foreign.name =
        (KrText){source->text.at + ast->span.begin, ast->span.end - ast->span.begin};
    return object;
  }
  const KrVal *member = find_member(&object, ast->text);
  return member != NULL ? *member : report_member(e, &object, ast);
}

static KrVal elab_pipe(KrElab *e, const KrAst *ast) {
  KrArg first = {.span = ast->at[0]->span, .val = kr_elab_expr(e, ast->at[0]), .ready = true};
  return kr_elab_call(e, ast->at[1], &first);
}

static KrVal elab_kind(KrElab *e, const KrAst *ast) {
  switch (ast->kind) {
  case KR_AST_NUMBER: return elab_number(e, ast);
  case KR_AST_STRING: return kr_val_text(ast->text);
  case KR_AST_BOOL: return kr_val_bool(ast->text.at[0] == 't');
  case KR_AST_NAME: return kr_elab_name(e, ast);
  case KR_AST_UNARY: return elab_unary(e, ast);
  case KR_AST_BINARY: return elab_chain(e, ast);
  case KR_AST_PIPE: return elab_pipe(e, ast);
  case KR_AST_ALT:
    kr_diagnose(e->list, KR_ERROR, ast->span, "`a | b` lists the choices of a signature",
                "choose one");
    return kr_val_poison();
  case KR_AST_CALL: return kr_elab_call(e, ast, NULL);
  case KR_AST_MEMBER: return elab_member(e, ast);
  case KR_AST_INDEX: return elab_index(e, ast);
  case KR_AST_RECORD: return kr_make_record(e, ast);
  case KR_AST_TUPLE: return elab_list(e, ast, KR_VAL_TUPLE);
  case KR_AST_LIST: return elab_list(e, ast, KR_VAL_LIST);
  case KR_AST_RANGE: return elab_range(e, ast);
  case KR_AST_REPEAT: return elab_repeat(e, ast);
  case KR_AST_LAMBDA: {
    KrVal fn = {.kind = KR_VAL_FN};
    fn.as.fn.ast = ast;
    fn.as.fn.scope = e->now.scope;
    return fn;
  }
  case KR_AST_IF: return elab_branch(e, ast, false);
  case KR_AST_BLOCK: return kr_elab_block(e, ast, true);
  default:
    kr_diagnose(e->list, KR_ERROR, ast->span, "write a value", "an expression is needed here");
    return kr_val_poison();
  }
}

// Values inside one another; what is shared counts every time, as every walk over them does.
static bool fits(const KrVal *val, uint32_t depth, uint64_t *budget) {
  enum { MAX_NESTED = 100 };
  bool nested = val->kind == KR_VAL_TUPLE || val->kind == KR_VAL_LIST || val->kind == KR_VAL_RECORD;
  if (*budget == 0 || depth > MAX_NESTED) return false;
  --*budget;
  for (uint32_t i = 0; nested && i < val->as.items.n; i++)
    if (!fits(&val->as.items.at[i], depth + 1, budget)) return false;
  return true;
}

static void check_nesting(KrElab *e, const KrAst *ast, const KrVal *val) {
  uint32_t limit = e->options->max_unroll == 0 ? 1000000 : e->options->max_unroll;
  uint64_t budget = 2 * (uint64_t)limit;
  bool makes = ast->kind == KR_AST_TUPLE || ast->kind == KR_AST_LIST ||
               ast->kind == KR_AST_REPEAT || ast->kind == KR_AST_RECORD || ast->kind == KR_AST_CALL;
  if (!makes || fits(val, 0, &budget)) return;
  kr_diagnose(e->list, KR_ERROR, ast->span, "use a flat list",
              "tuples, lists and records hold too many values inside one another");
  longjmp(e->stop, 1);
}

KrVal kr_elab_expr(KrElab *e, const KrAst *ast) {
  if (ast == NULL) return kr_val_poison();
  if (e->depth > MAX_DEPTH) {
    kr_diagnose(e->list, KR_ERROR, ast->span, "recursion is for constants and must end",
                "expressions and calls are nested too deeply");
    longjmp(e->stop, 1);
  }
  e->depth++;
  KrVal val = elab_kind(e, ast);
  e->depth--;
  check_nesting(e, ast, &val);
  return val;
}

KrVal kr_elab_value(KrElab *e, const KrAst *ast) {
  KrVal val = kr_elab_expr(e, ast);
  if (val.kind == KR_VAL_FOREIGN && e->now.flow != NULL) return kr_read_foreign(e, &val, ast->span);
  if (val.kind == KR_VAL_NONE) {
    kr_diagnose(e->list, KR_ERROR, ast->span, "an `if` used as a value needs an `else`",
                "this has no value");
    return kr_val_poison();
  }
  return val;
}

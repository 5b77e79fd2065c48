/// Decides what an expression is: operators by precedence, then what follows an operand, operands.
#include "lang/parser.h"

enum { LEVEL_OR = 1, LEVEL_AND, LEVEL_COMPARE, LEVEL_ADD, LEVEL_MULTIPLY };

static KrAst *parse_unary(KrParser *p, unsigned where);

static int level_of(KrTokenKind kind) {
  switch (kind) {
  case KR_TOKEN_OR: return LEVEL_OR;
  case KR_TOKEN_AND: return LEVEL_AND;
  case KR_TOKEN_EQUAL:
  case KR_TOKEN_NOT_EQUAL:
  case KR_TOKEN_LESS:
  case KR_TOKEN_LESS_EQUAL:
  case KR_TOKEN_GREATER:
  case KR_TOKEN_GREATER_EQUAL: return LEVEL_COMPARE;
  case KR_TOKEN_PLUS:
  case KR_TOKEN_MINUS: return LEVEL_ADD;
  case KR_TOKEN_STAR:
  case KR_TOKEN_SLASH:
  case KR_TOKEN_PERCENT: return LEVEL_MULTIPLY;
  default: return 0;
  }
}

static KrAst *join(KrParser *p, KrAstKind kind, uint32_t sign, KrAst *left, KrAst *right) {
  KrAst *node = kr_parser_named(p, kind, sign, sign);
  node->span = (KrSpan){p->file, left->span.begin, right->span.end};
  kr_parser_add(p, node, left);
  kr_parser_add(p, node, right);
  return node;
}

/// Operators of at least this level; recursion is as deep as there are levels.
static KrAst *parse_binary(KrParser *p, int least, unsigned where) {
  KrAst *left = parse_unary(p, where);
  bool compared = false;
  while (!p->failed) {
    int level = level_of(kr_parser_next(p));
    if (level == 0 || level < least) return left;
    if (level == LEVEL_COMPARE && compared) {
      kr_parser_fail(p, kr_parser_span(p, p->i), "compare two values at a time: a < b && b < c",
                     "comparisons do not chain");
      return NULL;
    }
    compared = level == LEVEL_COMPARE;
    uint32_t sign = p->i++;
    KrAst *right = parse_binary(p, level + 1, where);
    if (right == NULL) return NULL;
    left = join(p, KR_AST_BINARY, sign, left, right);
  }
  return NULL;
}

static KrAst *parse_power(KrParser *p, unsigned where);

static KrAst *parse_unary(KrParser *p, unsigned where) {
  KrTokenKind kind = kr_parser_kind(p, 0); // an operand may stand on the next line
  if (kind != KR_TOKEN_MINUS && kind != KR_TOKEN_NOT) return parse_power(p, where);
  if (!kr_parser_enter(p)) return NULL;
  uint32_t sign = p->i++;
  kr_parser_role(p, sign, KR_ROLE_UNARY);
  KrAst *node = kr_parser_named(p, KR_AST_UNARY, sign, sign);
  if (kr_parser_same_line(p, "a value")) kr_parser_add(p, node, parse_unary(p, where));
  kr_parser_leave(p);
  return kr_parser_end(p, node, sign);
}

/// `[` at token `open` is taken: (…), [a, b], [a..b] or [a; n].
static KrAst *parse_list(KrParser *p) {
  uint32_t open = p->i++;
  KrAst *list = kr_parser_node(p, KR_AST_LIST, open);
  while (!p->failed && kr_parser_kind(p, 0) != KR_TOKEN_CLOSE_BRACKET) {
    kr_parser_add(p, list, kr_parse_expr(p, KR_EXPR_PLAIN));
    if (p->failed) return NULL;
    if (list->n == 1 && list->kind == KR_AST_LIST) {
      bool range = kr_parser_kind(p, 0) == KR_TOKEN_DOT_DOT;
      if (range || kr_parser_kind(p, 0) == KR_TOKEN_SEMICOLON) {
        list->kind = range ? KR_AST_RANGE : KR_AST_REPEAT;
        p->i++;
        kr_parser_add(p, list, kr_parse_expr(p, KR_EXPR_PLAIN));
        break;
      }
    }
    if (!kr_parser_accept(p, KR_TOKEN_COMMA)) break;
  }
  kr_parser_close(p, KR_TOKEN_CLOSE_BRACKET, open,
                  list->kind == KR_AST_LIST ? "`,` or `]`" : "`]`");
  return kr_parser_end(p, list, open);
}

/// (a) is a itself; () and (a, b) are tuples.
static KrAst *parse_paren(KrParser *p) {
  uint32_t open = p->i++;
  KrAst *tuple = kr_parser_node(p, KR_AST_TUPLE, open);
  while (!p->failed && kr_parser_kind(p, 0) != KR_TOKEN_CLOSE_PAREN) {
    kr_parser_add(p, tuple, kr_parse_expr(p, KR_EXPR_PLAIN));
    if (p->failed || !kr_parser_accept(p, KR_TOKEN_COMMA)) break;
  }
  kr_parser_close(p, KR_TOKEN_CLOSE_PAREN, open, "`,` or `)`");
  if (p->failed) return NULL;
  return tuple->n == 1 ? tuple->at[0] : kr_parser_end(p, tuple, open);
}

/// Whether the `{` ahead opens a record: `}`, `..` or NAME `:` follows.
bool kr_parse_is_record(const KrParser *p) {
  if (kr_parser_kind(p, 0) != KR_TOKEN_OPEN_BRACE) return false;
  KrTokenKind first = kr_parser_kind(p, 1);
  return first == KR_TOKEN_CLOSE_BRACE || first == KR_TOKEN_DOT_DOT ||
         (first == KR_TOKEN_NAME && kr_parser_kind(p, 2) == KR_TOKEN_COLON);
}

static KrAst *parse_field(KrParser *p) {
  uint32_t begin = p->i, name;
  p->tokens[begin].starts = true;
  if (kr_parser_kind(p, 0) == KR_TOKEN_DOT_DOT) {
    kr_parser_role(p, p->i++, KR_ROLE_UNARY);
    if (!kr_parser_same_line(p, "the record to copy")) return NULL;
    KrAst *spread = kr_parser_node(p, KR_AST_SPREAD, begin);
    kr_parser_add(p, spread, kr_parse_expr(p, KR_EXPR_PLAIN));
    return kr_parser_end(p, spread, begin);
  }
  p->tokens[begin].line = false; // the newline before a field is its comma
  if (!kr_parser_name(p, "a field such as `freq: 440Hz`", &name)) return NULL;
  KrAst *field = kr_parser_named(p, KR_AST_FIELD, begin, name);
  kr_parser_expect(p, KR_TOKEN_COLON, "`:` after the field's name", NULL);
  kr_parser_add(p, field, kr_parse_expr(p, KR_EXPR_PLAIN));
  return kr_parser_end(p, field, begin);
}

static KrAst *parse_record(KrParser *p, KrAst *head, uint32_t begin) {
  uint32_t open = p->i++;
  kr_parser_role(p, open, KR_ROLE_TIGHT);
  KrAst *record = kr_parser_node(p, KR_AST_RECORD, begin);
  kr_parser_add(p, record, head);
  if (!kr_parser_enter(p)) return NULL;
  while (!p->failed && kr_parser_kind(p, 0) != KR_TOKEN_CLOSE_BRACE) {
    kr_parser_add(p, record, parse_field(p));
    if (p->failed) break;
    if (kr_parser_kind(p, 0) == KR_TOKEN_COMMA) {
      p->i++;
    } else if (!kr_parser_token(p)->line) {
      break;
    }
  }
  kr_parser_leave(p);
  if (kr_parser_close(p, KR_TOKEN_CLOSE_BRACE, open, "`,` or `}`")) {
    kr_parser_role(p, p->i - 1, KR_ROLE_TIGHT);
  }
  return kr_parser_end(p, record, begin);
}

static KrAst *parse_arg(KrParser *p) {
  uint32_t begin = p->i;
  KrAst *arg = kr_parser_node(p, KR_AST_ARG, begin);
  if (kr_parser_kind(p, 0) == KR_TOKEN_NAME && kr_parser_kind(p, 1) == KR_TOKEN_ASSIGN) {
    p->i += 2;
    kr_parser_role(p, p->i - 1, KR_ROLE_TIGHT);
    arg = kr_parser_named(p, KR_AST_ARG, begin, begin);
  }
  kr_parser_add(p, arg, kr_parse_expr(p, KR_EXPR_PLAIN));
  return kr_parser_end(p, arg, begin);
}

/// ( arguments ) into children of `parent`.
bool kr_parse_args(KrParser *p, KrAst *parent) {
  uint32_t open = p->i;
  if (!kr_parser_expect(p, KR_TOKEN_OPEN_PAREN, "`(`", NULL)) return false;
  kr_parser_role(p, open, KR_ROLE_TIGHT);
  while (!p->failed && kr_parser_kind(p, 0) != KR_TOKEN_CLOSE_PAREN) {
    KrAst *arg = parse_arg(p);
    if (arg == NULL) return false;
    kr_parser_add(p, parent, arg);
    if (!kr_parser_accept(p, KR_TOKEN_COMMA)) break;
  }
  return kr_parser_close(p, KR_TOKEN_CLOSE_PAREN, open, "`,` or `)`");
}

static KrAst *parse_param(KrParser *p, unsigned where) {
  uint32_t begin = p->i, name;
  p->tokens[begin].line = false; // after `(`, `|` or `,`
  if (!kr_parser_name(p, "a parameter's name", &name)) return NULL;
  KrAst *param = kr_parser_named(p, KR_AST_PARAM, begin, name), *type = NULL, *value = NULL;
  if (kr_parser_accept(p, KR_TOKEN_COLON)) type = kr_parse_type(p);
  if (kr_parser_accept(p, KR_TOKEN_ASSIGN)) {
    if (type == NULL) kr_parser_role(p, p->i - 1, KR_ROLE_TIGHT);
    value = where & KR_EXPR_NO_BAR ? parse_binary(p, LEVEL_OR, where) : kr_parse_expr(p, where);
  }
  kr_parser_add(p, param, type);
  kr_parser_add(p, param, value);
  return kr_parser_end(p, param, begin);
}

bool kr_parse_params(KrParser *p, KrAst *parent, KrTokenKind close, unsigned where) {
  while (!p->failed && kr_parser_kind(p, 0) != close) {
    KrAst *param = parse_param(p, where);
    if (param == NULL) return false;
    kr_parser_add(p, parent, param);
    if (!kr_parser_accept(p, KR_TOKEN_COMMA)) break;
  }
  return !p->failed;
}

/// The `|` after a lambda's parameters; of `||` only its first sign is taken.
static void close_bar(KrParser *p, uint32_t open) {
  KrToken *token = kr_parser_token(p);
  if (!p->failed && token->kind == KR_TOKEN_OR) {
    token->role = KR_ROLE_SPLIT;
    token->kind = KR_TOKEN_BAR;
    token->begin++;
  } else if (kr_parser_close(p, KR_TOKEN_BAR, open, "`,` or `|` after the parameters")) {
    kr_parser_role(p, p->i - 1, KR_ROLE_LAMBDA_CLOSE);
  }
}

static KrAst *parse_lambda(KrParser *p, unsigned where) {
  uint32_t begin = p->i++;
  if (p->tokens[begin].role == KR_ROLE_NONE) kr_parser_role(p, begin, KR_ROLE_LAMBDA_OPEN);
  KrAst *lambda = kr_parser_node(p, KR_AST_LAMBDA, begin);
  if (!kr_parser_enter(p)) return NULL;
  kr_parser_add(p, lambda, NULL);
  if (p->tokens[begin].kind == KR_TOKEN_BAR) {
    kr_parse_params(p, lambda, KR_TOKEN_BAR, KR_EXPR_NO_BAR);
    close_bar(p, begin);
  }
  if (!p->failed && kr_parser_token(p)->line) {
    kr_parser_unexpected(p, "the function's value", "begin it on the line of its parameters");
  } else if (!p->failed && kr_parser_kind(p, 0) == KR_TOKEN_OPEN_BRACE && !kr_parse_is_record(p)) {
    lambda->at[0] = kr_parse_block(p);
  } else {
    lambda->at[0] = kr_parse_expr(p, where & ~(unsigned)KR_EXPR_NO_RECORD);
  }
  kr_parser_leave(p);
  return kr_parser_end(p, lambda, begin);
}

/// `else` and what follows. After `then` a record may follow; after a block, `{` opens a block.
static KrAst *parse_else(KrParser *p, bool blocks, unsigned where) {
  if (!p->failed && kr_parser_kind(p, 0) == KR_TOKEN_OPEN_BRACE &&
      (blocks || !kr_parse_is_record(p))) {
    return kr_parse_block(p);
  }
  return kr_parse_expr(p, where);
}

static KrAst *parse_if(KrParser *p, unsigned where) {
  uint32_t begin = p->i++;
  KrAst *node = kr_parser_node(p, KR_AST_IF, begin), *then = NULL, *other = NULL;
  bool blocks = false;
  if (!kr_parser_enter(p)) return NULL;
  kr_parser_same_line(p, "a condition");
  KrAst *condition = kr_parse_expr(p, KR_EXPR_NO_RECORD);
  if (kr_parser_accept(p, KR_TOKEN_THEN)) {
    kr_parser_same_line(p, "a value after `then`");
    then = kr_parse_expr(p, where);
  } else if (!p->failed && kr_parser_next(p) == KR_TOKEN_OPEN_BRACE) {
    blocks = true;
    then = kr_parse_block(p);
  } else {
    kr_parser_unexpected(p, "`then` or `{` after the condition", NULL);
  }
  if (!p->failed && kr_parser_kind(p, 0) == KR_TOKEN_ELSE) {
    p->i++;
    kr_parser_same_line(p, "a value after `else`");
    other = parse_else(p, blocks, where);
  }
  kr_parser_leave(p);
  kr_parser_add(p, node, condition);
  kr_parser_add(p, node, then);
  kr_parser_add(p, node, other);
  return kr_parser_end(p, node, begin);
}

static KrAst *parse_word(KrParser *p, KrAstKind kind) {
  uint32_t token = p->i++;
  KrToken *t = &p->tokens[token];
  KrAst *node = kr_parser_named(p, kind, token, token);
  if (kind == KR_AST_NUMBER) {
    node->text.n = t->unit - t->begin;
    node->unit = (KrText){p->text + t->unit, t->end - t->unit};
  } else if (kind == KR_AST_STRING) {
    bool closed = node->text.n > 1 && node->text.at[node->text.n - 1] == node->text.at[0];
    node->text.at++;
    node->text.n -= closed ? 2 : 1;
  }
  return node;
}

static KrAst *unexpected_operand(KrParser *p) {
  KrTokenKind kind = kr_parser_kind(p, 0);
  const char *hint = NULL;
  bool sign = kind >= KR_TOKEN_PLUS && kind <= KR_TOKEN_PIPE;
  if (kind == KR_TOKEN_OPEN_BRACE) hint = "a record is `{name: value}`";
  if (sign) hint = "the value before the operator is missing, or an operator too many";
  if (sign && kr_parser_token(p)->starts) hint = "to continue a line, end it with the operator";
  if (kr_parser_token(p)->line && p->i > 0 && !kr_parser_token(p)->starts) {
    uint32_t end_before = p->tokens[p->i - 1].end;
    const char *end = kind == KR_TOKEN_EOF ? "the end of the file" : "the end of the line";
    kr_parser_fail(p, (KrSpan){p->file, end_before, end_before},
                   "give the value on this line or the next", "expected a value before %s", end);
    return NULL;
  }
  kr_parser_unexpected(p, "a value", hint);
  return NULL;
}

KrAst *kr_parse_operand(KrParser *p, unsigned where) {
  if (p->failed) return NULL;
  bool starts = kr_parser_token(p)->starts;
  switch (kr_parser_kind(p, 0)) {
  case KR_TOKEN_NUMBER: return parse_word(p, KR_AST_NUMBER);
  case KR_TOKEN_STRING: return parse_word(p, KR_AST_STRING);
  case KR_TOKEN_TRUE:
  case KR_TOKEN_FALSE: return parse_word(p, KR_AST_BOOL);
  case KR_TOKEN_NAME: return parse_word(p, KR_AST_NAME);
  case KR_TOKEN_IF: return parse_if(p, where);
  case KR_TOKEN_BAR:
  case KR_TOKEN_OR: return parse_lambda(p, where);
  case KR_TOKEN_OPEN_PAREN: return parse_paren(p);
  case KR_TOKEN_OPEN_BRACKET: return parse_list(p);
  case KR_TOKEN_OPEN_BRACE:
    if (!(where & KR_EXPR_NO_RECORD) && kr_parse_is_record(p)) {
      return parse_record(p, NULL, p->i);
    }
    break;
  default: break;
  }
  kr_parser_token(p)->starts = starts;
  return unexpected_operand(p);
}

static KrAst *parse_member(KrParser *p, KrAst *object) {
  uint32_t dot = p->i++;
  const KrToken *token = kr_parser_token(p);
  if (token->kind == KR_TOKEN_NAME ||
      (token->kind == KR_TOKEN_NUMBER && token->begin == p->tokens[dot].end)) {
    KrAst *member = kr_parser_named(p, KR_AST_MEMBER, p->i, p->i);
    p->i++;
    member->span.begin = object->span.begin;
    kr_parser_add(p, member, object);
    return member;
  }
  uint32_t name;
  kr_parser_name(p, "a name after `.`", &name);
  return NULL;
}

static KrAst *parse_index(KrParser *p, KrAst *object) {
  uint32_t open = p->i++;
  kr_parser_role(p, open, KR_ROLE_TIGHT);
  KrAst *index = kr_parser_node(p, KR_AST_INDEX, open);
  kr_parser_add(p, index, object);
  kr_parser_add(p, index, kr_parse_expr(p, KR_EXPR_PLAIN));
  kr_parser_close(p, KR_TOKEN_CLOSE_BRACKET, open, "`]`");
  index->span = (KrSpan){p->file, object->span.begin, kr_parser_since(p, open).end};
  index->name_span = index->span;
  return index;
}

/// Operand and all that is attached to it. `bare`: only names and members so far.
static KrAst *parse_post(KrParser *p, unsigned where) {
  uint32_t begin = p->i;
  bool bare = kr_parser_kind(p, 0) == KR_TOKEN_NAME;
  KrAst *node = kr_parse_operand(p, where);
  while (!p->failed) {
    KrTokenKind kind = kr_parser_next(p);
    bool dot_line = kr_parser_kind(p, 0) == KR_TOKEN_DOT && kr_parser_kind(p, 1) == KR_TOKEN_NAME;
    if (kind == KR_TOKEN_DOT || dot_line) {
      node = parse_member(p, node);
      continue;
    }
    bool record = bare && kind == KR_TOKEN_OPEN_BRACE && !(where & KR_EXPR_NO_RECORD) &&
                  kr_parse_is_record(p);
    bare = false;
    if (kind == KR_TOKEN_OPEN_PAREN) {
      KrAst *call = kr_parser_node(p, KR_AST_CALL, begin);
      call->span.begin = node->span.begin;
      kr_parser_add(p, call, node);
      kr_parse_args(p, call);
      call->span.end = kr_parser_since(p, begin).end;
      call->name_span = node->name_span;
      node = call;
    } else if (kind == KR_TOKEN_OPEN_BRACKET) {
      node = parse_index(p, node);
    } else if (record) {
      node = parse_record(p, node, begin);
    } else {
      return node;
    }
  }
  return NULL;
}

static KrAst *parse_power(KrParser *p, unsigned where) {
  KrAst *base = parse_post(p, where);
  if (p->failed || kr_parser_next(p) != KR_TOKEN_CARET) return base;
  if (!kr_parser_enter(p)) return NULL;
  uint32_t sign = p->i++;
  KrAst *exponent = parse_unary(p, where);
  kr_parser_leave(p);
  return p->failed ? NULL : join(p, KR_AST_BINARY, sign, base, exponent);
}

static KrAst *parse_alternatives(KrParser *p, unsigned where) {
  KrAst *first = parse_binary(p, LEVEL_OR, where);
  if (p->failed || kr_parser_next(p) != KR_TOKEN_BAR || (where & KR_EXPR_NO_BAR)) return first;
  KrAst *alt = kr_parser_named(p, KR_AST_ALT, p->i, p->i);
  kr_parser_add(p, alt, first);
  while (kr_parser_accept(p, KR_TOKEN_BAR)) {
    kr_parser_add(p, alt, parse_binary(p, LEVEL_OR, where));
  }
  if (p->failed) return NULL;
  alt->span = (KrSpan){p->file, first->span.begin, alt->at[alt->n - 1]->span.end};
  return alt;
}

KrAst *kr_parse_expr(KrParser *p, unsigned where) {
  if (!kr_parser_enter(p)) return NULL;
  KrAst *left = parse_alternatives(p, where);
  while (!p->failed && kr_parser_kind(p, 0) == KR_TOKEN_PIPE) {
    uint32_t sign = p->i++;
    KrAst *right = parse_alternatives(p, where);
    if (!p->failed) left = join(p, KR_AST_PIPE, sign, left, right);
  }
  kr_parser_leave(p);
  return p->failed ? NULL : left;
}

/// Decides what a type and a unit are.
#include "lang/parser.h"

static bool take_tight(KrParser *p, KrTokenKind kind) {
  if (!kr_parser_accept(p, kind)) return false;
  kr_parser_role(p, p->i - 1, KR_ROLE_TIGHT);
  return true;
}

/// Digits without point, exponent or unit.
static bool is_digits(const KrParser *p, uint32_t token) {
  const KrToken *t = &p->tokens[token];
  if (t->kind != KR_TOKEN_NUMBER || t->unit != t->end) return false;
  for (uint32_t i = t->begin; i < t->end; i++) {
    if (p->text[i] < '0' || p->text[i] > '9') return false;
  }
  return true;
}

static bool parse_unit_term(KrParser *p) {
  if (kr_parser_next(p) == KR_TOKEN_NUMBER && kr_text_is(kr_parser_text(p, p->i), "1")) {
    p->i++;
    return true;
  }
  uint32_t name;
  if (!kr_parser_name(p, "a unit", &name)) return false;
  if (!take_tight(p, KR_TOKEN_CARET)) return true;
  take_tight(p, KR_TOKEN_MINUS);
  if (is_digits(p, p->i)) {
    p->i++;
    return true;
  }
  kr_parser_unexpected(p, "a whole exponent", "write a unit such as m/s^2");
  return false;
}

/// A unit up to, not including, its `]`. Its text has no blanks.
static KrAst *parse_unit(KrParser *p) {
  uint32_t begin = p->i;
  do {
    if (!parse_unit_term(p)) return NULL;
  } while (take_tight(p, KR_TOKEN_STAR) || take_tight(p, KR_TOKEN_SLASH));
  KrAst *unit = kr_parser_node(p, KR_AST_UNIT, begin);
  KrBuffer text;
  kr_buffer_init(&text, p->arena);
  for (uint32_t i = begin; i < p->i; i++) kr_buffer_print(&text, "%t", kr_parser_text(p, i));
  unit->text = (KrText){text.at, text.n};
  return unit;
}

/// `>` closing a type; of `>=` only its first sign is taken.
static bool close_angle(KrParser *p) {
  if (take_tight(p, KR_TOKEN_GREATER)) return true;
  if (p->failed || kr_parser_next(p) != KR_TOKEN_GREATER_EQUAL) {
    kr_parser_unexpected(p, "`,` or `>`", "close the type with `>`");
    return false;
  }
  KrToken *token = kr_parser_token(p);
  token->role = KR_ROLE_SPLIT;
  token->kind = KR_TOKEN_ASSIGN;
  token->begin++;
  return true;
}

static KrAst *parse_named_type(KrParser *p) {
  uint32_t begin = p->i++;
  KrAst *type = kr_parser_named(p, KR_AST_TYPE, begin, begin);
  kr_parser_add(p, type, NULL);
  if (take_tight(p, KR_TOKEN_LESS)) {
    do {
      KrAst *argument = kr_parse_type(p);
      if (argument == NULL) return NULL;
      kr_parser_add(p, type, argument);
    } while (kr_parser_accept(p, KR_TOKEN_COMMA));
    if (!close_angle(p)) return NULL;
    if (p->tokens[p->i].role == KR_ROLE_SPLIT) { // a unit cannot follow
      type->span = (KrSpan){p->file, p->tokens[begin].begin, p->tokens[p->i].begin};
      return type;
    }
  }
  if (take_tight(p, KR_TOKEN_OPEN_BRACKET)) {
    uint32_t open = p->i - 1;
    type->at[0] = parse_unit(p);
    if (!kr_parser_close(p, KR_TOKEN_CLOSE_BRACKET, open, "`]` after the unit")) return NULL;
  }
  return kr_parser_end(p, type, begin);
}

static KrAst *parse_list_type(KrParser *p) {
  uint32_t begin = p->i++;
  KrAst *type = kr_parser_node(p, KR_AST_TYPE_LIST, begin);
  kr_parser_add(p, type, kr_parse_type(p));
  kr_parser_expect(p, KR_TOKEN_SEMICOLON, "`;` and the number of items", "write [f32; 4]");
  kr_parser_add(p, type, kr_parse_expr(p, KR_EXPR_PLAIN));
  kr_parser_close(p, KR_TOKEN_CLOSE_BRACKET, begin, "`]`");
  return kr_parser_end(p, type, begin);
}

static KrAst *parse_tuple_type(KrParser *p) {
  uint32_t begin = p->i++;
  KrAst *type = kr_parser_node(p, KR_AST_TYPE_TUPLE, begin);
  do {
    KrAst *item = kr_parse_type(p);
    if (item == NULL) return NULL;
    kr_parser_add(p, type, item);
  } while (kr_parser_accept(p, KR_TOKEN_COMMA));
  kr_parser_close(p, KR_TOKEN_CLOSE_PAREN, begin, "`,` or `)`");
  return kr_parser_end(p, type, begin);
}

static bool is_dimension(const KrParser *p) {
  const KrToken *token = &p->tokens[p->i];
  if (token->kind != KR_TOKEN_NUMBER || token->unit + 1 != token->end) return false;
  for (uint32_t i = token->begin; i < token->unit; i++) {
    if (p->text[i] < '0' || p->text[i] > '9') return false;
  }
  return p->text[token->unit] == 'D';
}

KrAst *kr_parse_type(KrParser *p) {
  if (!kr_parser_enter(p)) return NULL;
  KrAst *type = NULL;
  KrTokenKind kind = kr_parser_kind(p, 0); // a type may follow on the next line
  if (kind == KR_TOKEN_NAME || is_dimension(p)) {
    type = parse_named_type(p);
  } else if (kind == KR_TOKEN_OPEN_BRACKET) {
    type = parse_list_type(p);
  } else if (kind == KR_TOKEN_OPEN_PAREN) {
    type = parse_tuple_type(p);
  } else {
    kr_parser_unexpected(p, "a type", "types are names such as f32, f64[Hz], Evt<Note>, [f32; 4]");
  }
  kr_parser_leave(p);
  return type;
}

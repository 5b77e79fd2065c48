/// Decides what an item of a program or block is, and where it ends.
#include "lang/parser.h"

/// The item must end here: newline, `;`, `}` or end of file.
static void expect_end(KrParser *p) {
  if (p->failed || kr_parser_token(p)->line) return;
  KrTokenKind kind = kr_parser_kind(p, 0);
  if (kind == KR_TOKEN_SEMICOLON || kind == KR_TOKEN_CLOSE_BRACE || kind == KR_TOKEN_EOF) return;
  bool item = kind >= KR_TOKEN_FLOW && kind <= KR_TOKEN_IF;
  kr_parser_unexpected(p, "the end of the line", item ? "begin a new line or put `;` here" : NULL);
}

/// The keyword a misspelt first word is nearest to, as a hint; NULL when none is near.
static const char *nearest_keyword(KrParser *p, KrText word) {
  static const char *const keywords[] = {"flow",   "let",    "const", "output", "for",   "fn",
                                         "struct", "return", "use",   "synth",  "scene", "input"};
  const char *best = NULL;
  uint32_t least = word.n <= 3 ? 2 : 3;
  for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) {
    uint32_t distance = kr_text_distance(word, kr_text_from(keywords[i]));
    if (distance < least) best = keywords[i], least = distance;
  }
  return best == NULL ? NULL : kr_text_print(p->arena, "did you mean `%s`?", best);
}

static void parse_attributes(KrParser *p, KrAst *parent) {
  while (!p->failed && kr_parser_next(p) == KR_TOKEN_AT) {
    kr_parser_add(p, parent, kr_parse_attribute(p));
  }
}

/// `= expr` END.
static KrAst *parse_value(KrParser *p, const char *what) {
  if (!kr_parser_expect(p, KR_TOKEN_ASSIGN, what, NULL)) return NULL;
  KrAst *value = kr_parse_expr(p, KR_EXPR_PLAIN);
  expect_end(p);
  return value;
}

/// `[: type] = expr` END behind the name, as children [1] and [2].
static KrAst *parse_definition(KrParser *p, KrAst *node, uint32_t begin) {
  kr_parser_add(p, node, kr_parser_accept(p, KR_TOKEN_COLON) ? kr_parse_type(p) : NULL);
  kr_parser_add(p, node, parse_value(p, "`=` and a value"));
  return kr_parser_end(p, node, begin);
}

static KrAst *parse_name(KrParser *p, const char *what) {
  uint32_t name;
  if (!kr_parser_name(p, what, &name)) return NULL;
  return kr_parser_named(p, KR_AST_NAME, name, name);
}

/// NAME or ( NAME, … ).
static KrAst *parse_pattern(KrParser *p) {
  uint32_t open = p->i;
  if (!kr_parser_accept(p, KR_TOKEN_OPEN_PAREN)) return parse_name(p, "a name to define");
  KrAst *tuple = kr_parser_node(p, KR_AST_TUPLE, open);
  do {
    kr_parser_add(p, tuple, parse_name(p, "a name to define"));
  } while (kr_parser_accept(p, KR_TOKEN_COMMA));
  kr_parser_close(p, KR_TOKEN_CLOSE_PAREN, open, "`,` or `)`");
  if (p->failed) return NULL;
  return tuple->n == 1 ? tuple->at[0] : kr_parser_end(p, tuple, open);
}

static KrAst *parse_let(KrParser *p, KrAstKind kind) {
  uint32_t begin = p->i++;
  KrAst *node = kr_parser_node(p, kind, begin);
  KrAst *pattern = parse_pattern(p);
  if (pattern == NULL) return NULL;
  kr_parser_add(p, node, pattern);
  node->name_span = pattern->span;
  return parse_definition(p, node, begin);
}

/// NAME : type = expr.
static KrAst *parse_bind(KrParser *p) {
  uint32_t begin = p->i;
  KrAst *node = kr_parser_node(p, KR_AST_BIND, begin);
  KrAst *name = kr_parser_named(p, KR_AST_NAME, begin, begin);
  p->i++;
  name->span = name->name_span;
  kr_parser_add(p, node, name);
  return parse_definition(p, node, begin);
}

/// @state [args] NAME [: type] = expr.
static KrAst *parse_state(KrParser *p) {
  uint32_t begin = p->i, name;
  p->i += 2;
  KrAst head = {0};
  if (kr_parser_next(p) == KR_TOKEN_OPEN_PAREN) kr_parse_args(p, &head);
  if (kr_parser_next(p) != KR_TOKEN_NAME) {
    kr_parser_unexpected(p, "the state's name", "write `@state count: i64 = 0`");
  }
  if (!kr_parser_name(p, "the state's name", &name)) return NULL;
  KrAst *state = kr_parser_named(p, KR_AST_STATE, begin, name);
  kr_parser_add(p, state, kr_parser_accept(p, KR_TOKEN_COLON) ? kr_parse_type(p) : NULL);
  kr_parser_add(p, state, parse_value(p, "`=` and the state's first value"));
  for (uint32_t i = 0; i < head.n; i++) kr_parser_add(p, state, head.at[i]);
  return kr_parser_end(p, state, begin);
}

/// An attribute line, or attributes in front of `flow`.
static KrAst *parse_attribute_item(KrParser *p) {
  if (kr_parser_is_word(p, 1, "state")) return parse_state(p);
  uint32_t begin = p->i;
  KrAst *flow = kr_parser_node(p, KR_AST_FLOW, begin);
  kr_parser_add(p, flow, NULL);
  uint32_t second = begin;
  while (!p->failed && kr_parser_kind(p, 0) == KR_TOKEN_AT &&
         (p->i == begin || !kr_parser_token(p)->line)) {
    if (second == begin && flow->n == 2) second = p->i;
    kr_parser_add(p, flow, kr_parse_attribute(p));
  }
  if (p->failed) return NULL;
  if (kr_parser_next(p) == KR_TOKEN_FLOW) return kr_parse_flow(p, begin, flow);
  KrTokenKind next = kr_parser_next(p);
  if (next >= KR_TOKEN_PLUS && next <= KR_TOKEN_PIPE) {
    kr_parser_unexpected(p, "the end of the line", "put the value in parentheses: @name=(…)");
  }
  expect_end(p);
  if (flow->n > 2) {
    kr_parser_fail(p, kr_parser_span(p, second), "write each attribute on a line of its own",
                   "more than one attribute on this line");
  }
  return p->failed ? NULL : flow->at[1];
}

/// input NAME : type {attribute} [= expr].
static KrAst *parse_input(KrParser *p) {
  uint32_t begin = p->i++, name;
  if (!kr_parser_name(p, "the input's name", &name)) return NULL;
  KrAst *input = kr_parser_named(p, KR_AST_INPUT, begin, name);
  kr_parser_expect(p, KR_TOKEN_COLON, "`:` and the input's type", "write `input mic: f32[1]`");
  kr_parser_add(p, input, p->failed ? NULL : kr_parse_type(p));
  kr_parser_add(p, input, NULL);
  parse_attributes(p, input);
  if (kr_parser_accept(p, KR_TOKEN_ASSIGN)) input->at[1] = kr_parse_expr(p, KR_EXPR_PLAIN);
  expect_end(p);
  return kr_parser_end(p, input, begin);
}

static KrAst *parse_path(KrParser *p) {
  uint32_t begin = p->i, alias;
  KrAst *path = kr_parser_node(p, KR_AST_USE_PATH, begin);
  do {
    KrAst *name = parse_name(p, "the name of a module");
    if (name == NULL) return NULL;
    kr_parser_add(p, path, name);
  } while (kr_parser_accept(p, KR_TOKEN_DOT));
  if (!kr_parser_token(p)->line && kr_parser_is_word(p, 0, "as")) {
    p->i++;
    if (!kr_parser_name(p, "a name after `as`", &alias)) return NULL;
    path->text = kr_parser_text(p, alias);
    path->name_span = kr_parser_span(p, alias);
  }
  return kr_parser_end(p, path, begin);
}

static KrAst *parse_use(KrParser *p) {
  uint32_t begin = p->i++;
  KrAst *use = kr_parser_node(p, KR_AST_USE, begin);
  do {
    if (use->n != 0) kr_parser_token(p)->line = false; // after a comma
    KrAst *path = parse_path(p);
    if (path == NULL) return NULL;
    kr_parser_add(p, use, path);
  } while (kr_parser_accept(p, KR_TOKEN_COMMA));
  expect_end(p);
  return kr_parser_end(p, use, begin);
}

/// output [NAME =] expr, return expr.
static KrAst *parse_result(KrParser *p, KrAstKind kind) {
  uint32_t begin = p->i++;
  KrAst *node = kr_parser_node(p, kind, begin);
  if (!kr_parser_same_line(p, "a value")) return NULL;
  if (kind == KR_AST_OUTPUT && kr_parser_kind(p, 0) == KR_TOKEN_NAME &&
      kr_parser_kind(p, 1) == KR_TOKEN_ASSIGN) {
    node->text = kr_parser_text(p, p->i);
    node->name_span = kr_parser_span(p, p->i);
    p->i += 2;
  }
  kr_parser_add(p, node, kr_parse_expr(p, KR_EXPR_PLAIN));
  expect_end(p);
  return kr_parser_end(p, node, begin);
}

static KrAst *parse_for(KrParser *p) {
  uint32_t begin = p->i++, name = begin;
  kr_parser_name(p, "the loop's name", &name);
  KrAst *loop = kr_parser_named(p, KR_AST_FOR, begin, name);
  kr_parser_expect(p, KR_TOKEN_IN, "`in`", "write `for i in [0..4] { … }`");
  kr_parser_same_line(p, "a list or range");
  kr_parser_add(p, loop, kr_parse_expr(p, KR_EXPR_NO_RECORD));
  bool broken = p->failed;
  if (broken && !kr_parser_skip_to_block(p, begin)) return NULL;
  kr_parser_add(p, loop, kr_parse_block(p));
  return broken ? NULL : kr_parser_end(p, loop, begin);
}

/// expr [= expr] {attribute}.
static KrAst *parse_simple(KrParser *p) {
  uint32_t begin = p->i;
  KrAst *first = kr_parse_expr(p, KR_EXPR_PLAIN);
  if (first == NULL) return NULL;
  KrAst *node = kr_parser_node(p, KR_AST_EXPR, begin);
  kr_parser_add(p, node, first);
  node->name_span = first->name_span;
  if (kr_parser_next(p) == KR_TOKEN_ASSIGN) {
    if (first->kind != KR_AST_NAME && first->kind != KR_AST_MEMBER && first->kind != KR_AST_INDEX) {
      kr_parser_fail(p, first->span, "the left side is a `@state`; to compare write `==`",
                     "cannot assign to this");
      return NULL;
    }
    p->i++;
    node->kind = KR_AST_ASSIGN;
    kr_parser_add(p, node, kr_parse_expr(p, KR_EXPR_PLAIN));
  }
  parse_attributes(p, node);
  if (p->i == begin + 1 && kr_parser_next(p) == KR_TOKEN_NAME) {
    kr_parser_unexpected(p, "the end of the line", nearest_keyword(p, kr_parser_text(p, begin)));
  }
  expect_end(p);
  KrSpan name = node->name_span;
  node = kr_parser_end(p, node, begin);
  if (node != NULL) node->name_span = name;
  return node;
}

/// A contextual keyword: the word, then a name on the same line.
static bool is_keyword(const KrParser *p, const char *word) {
  return kr_parser_is_word(p, 0, word) && kr_parser_kind(p, 1) == KR_TOKEN_NAME &&
         !p->tokens[p->i + 1].line;
}

static KrAst *parse_named_item(KrParser *p) {
  if (is_keyword(p, "synth")) return kr_parse_synth(p);
  if (is_keyword(p, "scene")) return kr_parse_scene(p);
  if (is_keyword(p, "input")) return parse_input(p);
  if (is_keyword(p, "line") || is_keyword(p, "frame")) {
    kr_parser_fail(p, kr_parser_span(p, p->i), "scene NAME(…) { line NAME(…) { frame(…) { … } } }",
                   "`%t` belongs inside a %s", kr_parser_text(p, p->i),
                   kr_parser_is_word(p, 0, "line") ? "scene" : "line of a scene");
    return NULL;
  }
  const KrToken *second = &p->tokens[p->i + 1]; // a NAME is never the last token
  if (second->kind == KR_TOKEN_COLON && !second->line) return parse_bind(p);
  return parse_simple(p);
}

static KrAst *parse_item(KrParser *p) {
  switch (kr_parser_kind(p, 0)) {
  case KR_TOKEN_AT: return parse_attribute_item(p);
  case KR_TOKEN_FLOW: return kr_parse_flow(p, p->i, NULL);
  case KR_TOKEN_USE: return parse_use(p);
  case KR_TOKEN_STRUCT: {
    uint32_t begin = p->i;
    KrAst *item = kr_parse_struct(p);
    expect_end(p);
    return kr_parser_end(p, item, begin);
  }
  case KR_TOKEN_FN: return kr_parse_fn(p);
  case KR_TOKEN_LET: return parse_let(p, KR_AST_LET);
  case KR_TOKEN_CONST: return parse_let(p, KR_AST_CONST);
  case KR_TOKEN_OUTPUT: return parse_result(p, KR_AST_OUTPUT);
  case KR_TOKEN_RETURN: return parse_result(p, KR_AST_RETURN);
  case KR_TOKEN_FOR: return parse_for(p);
  case KR_TOKEN_NAME: return parse_named_item(p);
  default: return parse_simple(p);
  }
}

/// A `flow` at the left edge inside a block: its `}` may be missing before it.
static void suspect(KrParser *p, uint32_t open) {
  const KrToken *token = kr_parser_token(p);
  if (open == UINT32_MAX || p->suspect != 0 || token->kind != KR_TOKEN_FLOW) return;
  if (token->begin == 0 || p->text[token->begin - 1] == '\n') p->suspect = p->i + 1;
}

/// Items up to a `}` or the end of the file; each one with a mistake is left out.
void kr_parse_items(KrParser *p, KrAst *parent, uint32_t open) {
  for (;;) {
    while (kr_parser_kind(p, 0) == KR_TOKEN_SEMICOLON) {
      kr_parser_role(p, p->i++, KR_ROLE_SEPARATOR);
    }
    KrTokenKind kind = kr_parser_kind(p, 0);
    if (kind == KR_TOKEN_EOF || kind == KR_TOKEN_CLOSE_BRACE) return;
    suspect(p, open);
    uint32_t begin = p->i;
    kr_parser_token(p)->starts = true;
    KrAst *item = parse_item(p);
    if (p->failed) {
      kr_parser_skip(p, begin);
    } else if (item != NULL) {
      kr_parser_add(p, parent, item);
    }
  }
}

KrAst *kr_parse_block(KrParser *p) {
  uint32_t open = p->i;
  if (!kr_parser_expect(p, KR_TOKEN_OPEN_BRACE, "`{`", NULL)) return NULL;
  KrAst *block = kr_parser_node(p, KR_AST_BLOCK, open);
  if (!kr_parser_enter(p)) return NULL;
  kr_parser_role(p, open, KR_ROLE_BLOCK);
  kr_parse_items(p, block, open);
  kr_parser_leave(p);
  if (kr_parser_close(p, KR_TOKEN_CLOSE_BRACE, open, "`}`")) {
    kr_parser_role(p, p->i - 1, KR_ROLE_BLOCK);
  }
  block->span = block->name_span = kr_parser_since(p, open);
  return block;
}

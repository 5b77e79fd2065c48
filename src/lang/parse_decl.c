/// Decides what attributes and the declarations with a body are: flow, synth, scene, struct, fn.
/// After a mistake in a header the body is still read, so that its mistakes are reported too.
#include "lang/parser.h"

static KrAst *parse_attribute_value(KrParser *p) {
  uint32_t token = p->i;
  KrTokenKind kind = kr_parser_kind(p, 0);
  if (kind == KR_TOKEN_NAME) {
    p->i++;
    return kr_parser_named(p, KR_AST_NAME, token, token);
  }
  if (kind == KR_TOKEN_NUMBER || kind == KR_TOKEN_STRING || kind == KR_TOKEN_OPEN_PAREN) {
    return kr_parse_operand(p, KR_EXPR_NO_RECORD);
  }
  kr_parser_unexpected(p, "a name, number, string or `(`", "put other values in parentheses");
  return NULL;
}

/// @ NAME [args] [= value].
KrAst *kr_parse_attribute(KrParser *p) {
  uint32_t begin = p->i++, name;
  if (!kr_parser_name(p, "an attribute's name after `@`", &name)) return NULL;
  KrAst *attribute = kr_parser_named(p, KR_AST_ATTRIBUTE, begin, name);
  kr_parser_add(p, attribute, NULL);
  if (kr_parser_next(p) == KR_TOKEN_OPEN_PAREN) kr_parse_args(p, attribute);
  if (kr_parser_accept(p, KR_TOKEN_ASSIGN)) {
    bool touches = p->tokens[p->i - 1].begin == p->tokens[p->i - 2].end; // blanks stay as written
    if (touches) kr_parser_role(p, p->i - 1, KR_ROLE_TIGHT);
    attribute->at[0] = parse_attribute_value(p);
  }
  return kr_parser_end(p, attribute, begin);
}

static void parse_attributes(KrParser *p, KrAst *parent) {
  while (!p->failed && kr_parser_next(p) == KR_TOKEN_AT) {
    kr_parser_add(p, parent, kr_parse_attribute(p));
  }
}

/// The body as child 0. `failed` when there is none to be found.
static void parse_body(KrParser *p, KrAst *node, uint32_t begin) {
  if (p->failed && !kr_parser_skip_to_block(p, begin)) return;
  if (kr_parser_next(p) != KR_TOKEN_OPEN_BRACE) {
    kr_parser_unexpected(p, "`{` and a body", "a body stands between `{` and `}`");
    if (!kr_parser_skip_to_block(p, begin)) return;
  }
  node->at[0] = kr_parse_block(p);
}

/// NAME = expr of a flow's header.
static KrAst *parse_setting(KrParser *p) {
  uint32_t begin = p->i, name;
  if (!kr_parser_name(p, "a setting such as `dt=1/100` or an attribute", &name)) return NULL;
  KrAst *arg = kr_parser_named(p, KR_AST_ARG, begin, name);
  if (!kr_parser_expect(p, KR_TOKEN_ASSIGN, "`=` and the setting's value",
                        "a flow's header has dt, steps, substeps, phase or duration")) {
    return NULL;
  }
  kr_parser_role(p, p->i - 1, KR_ROLE_TIGHT);
  kr_parser_add(p, arg, kr_parse_expr(p, KR_EXPR_NO_RECORD));
  return kr_parser_end(p, arg, begin);
}

static void parse_flow_header(KrParser *p, KrAst *flow) {
  uint32_t open = p->i;
  if (!kr_parser_expect(p, KR_TOKEN_OPEN_PAREN, "`(` after the flow's name",
                        "write `flow name(dt=1/100) { … }`")) {
    return;
  }
  kr_parser_role(p, open, KR_ROLE_TIGHT);
  while (!p->failed && kr_parser_kind(p, 0) != KR_TOKEN_CLOSE_PAREN) {
    KrTokenKind kind = kr_parser_kind(p, 0);
    if (kind != KR_TOKEN_AT && kind != KR_TOKEN_NAME) break;
    kr_parser_add(p, flow, kind == KR_TOKEN_AT ? kr_parse_attribute(p) : parse_setting(p));
    kr_parser_accept(p, KR_TOKEN_COMMA);
  }
  kr_parser_close(p, KR_TOKEN_CLOSE_PAREN, open, "a setting or `)`");
  parse_attributes(p, flow);
}

/// Leaves out children that could not be read (not the body).
static void drop_missing(KrAst *node) {
  uint32_t n = 1;
  for (uint32_t i = 1; i < node->n; i++) {
    if (node->at[i] != NULL) node->at[n++] = node->at[i];
  }
  node->n = n;
}

/// The flow behind its attributes (children of `flow` from 1, or NULL when there are none).
KrAst *kr_parse_flow(KrParser *p, uint32_t begin, KrAst *flow) {
  uint32_t word = p->i++;
  if (flow == NULL) {
    flow = kr_parser_node(p, KR_AST_FLOW, begin);
    kr_parser_add(p, flow, NULL);
  }
  flow->name_span = kr_parser_span(p, word);
  if (kr_parser_next(p) != KR_TOKEN_OPEN_PAREN) {
    uint32_t name;
    if (kr_parser_name(p, "the flow's name or `(`", &name)) {
      flow->text = kr_parser_text(p, name);
      flow->name_span = kr_parser_span(p, name);
    }
  }
  if (!p->failed) parse_flow_header(p, flow);
  parse_body(p, flow, begin);
  if (p->failed) return NULL;
  drop_missing(flow);
  flow->span = kr_parser_since(p, begin);
  return flow;
}

static void parse_param_list(KrParser *p, KrAst *node) {
  uint32_t open = p->i;
  if (!kr_parser_expect(p, KR_TOKEN_OPEN_PAREN, "`(` and the parameters",
                        "write `name(a, b) { … }`")) {
    return;
  }
  kr_parser_role(p, open, KR_ROLE_TIGHT);
  kr_parse_params(p, node, KR_TOKEN_CLOSE_PAREN, KR_EXPR_PLAIN);
  kr_parser_close(p, KR_TOKEN_CLOSE_PAREN, open, "`,` or `)`");
}

/// synth NAME ( params ) {attribute} block.
KrAst *kr_parse_synth(KrParser *p) {
  uint32_t begin = p->i++, name;
  kr_parser_name(p, "the synth's name", &name);
  KrAst *synth = kr_parser_named(p, KR_AST_SYNTH, begin, name);
  kr_parser_add(p, synth, NULL);
  parse_param_list(p, synth);
  parse_attributes(p, synth);
  parse_body(p, synth, begin);
  return p->failed ? NULL : kr_parser_end(p, synth, begin);
}

/// fn NAME ( params ) [-> type] block.
KrAst *kr_parse_fn(KrParser *p) {
  uint32_t begin = p->i++, name;
  kr_parser_name(p, "the function's name", &name);
  KrAst *fn = kr_parser_named(p, KR_AST_FN, begin, name);
  kr_parser_add(p, fn, NULL);
  kr_parser_add(p, fn, NULL);
  if (!p->failed) parse_param_list(p, fn);
  if (kr_parser_accept(p, KR_TOKEN_ARROW)) fn->at[1] = kr_parse_type(p);
  parse_body(p, fn, begin);
  return p->failed ? NULL : kr_parser_end(p, fn, begin);
}

static KrAst *parse_field_type(KrParser *p) {
  uint32_t begin = p->i, name;
  p->tokens[begin].starts = true;
  p->tokens[begin].line = false; // fields may stand on lines of their own
  if (!kr_parser_name(p, "a field such as `freq: f32[Hz]`", &name)) return NULL;
  KrAst *field = kr_parser_named(p, KR_AST_FIELD_TYPE, begin, name);
  kr_parser_expect(p, KR_TOKEN_COLON, "`:` and the field's type", NULL);
  kr_parser_add(p, field, p->failed ? NULL : kr_parse_type(p));
  return kr_parser_end(p, field, begin);
}

/// struct NAME { NAME : type … }.
KrAst *kr_parse_struct(KrParser *p) {
  uint32_t begin = p->i++, name, open;
  if (!kr_parser_name(p, "the struct's name", &name)) return NULL;
  KrAst *node = kr_parser_named(p, KR_AST_STRUCT, begin, name);
  open = p->i;
  if (!kr_parser_expect(p, KR_TOKEN_OPEN_BRACE, "`{` and the fields", NULL)) return NULL;
  kr_parser_role(p, open, KR_ROLE_BLOCK);
  while (!p->failed && kr_parser_kind(p, 0) != KR_TOKEN_CLOSE_BRACE) {
    if (kr_parser_kind(p, 0) == KR_TOKEN_COMMA) {
      p->i++;
    } else if (kr_parser_kind(p, 0) == KR_TOKEN_NAME) {
      kr_parser_add(p, node, parse_field_type(p));
    } else {
      break;
    }
  }
  if (kr_parser_close(p, KR_TOKEN_CLOSE_BRACE, open, "a field or `}`")) {
    kr_parser_role(p, p->i - 1, KR_ROLE_BLOCK);
  }
  return kr_parser_end(p, node, begin);
}

/// frame [NAME] ( args ) block.
static KrAst *parse_frame(KrParser *p) {
  uint32_t begin = p->i++, name;
  KrAst *frame = kr_parser_node(p, KR_AST_FRAME, begin);
  kr_parser_add(p, frame, NULL);
  if (kr_parser_next(p) != KR_TOKEN_OPEN_PAREN &&
      kr_parser_name(p, "the frame's name or `(`", &name)) {
    frame->text = kr_parser_text(p, name);
    frame->name_span = kr_parser_span(p, name);
  }
  if (!p->failed) kr_parse_args(p, frame);
  parse_body(p, frame, begin);
  return p->failed ? NULL : kr_parser_end(p, frame, begin);
}

static KrAst *parse_line(KrParser *p);

/// { lines } of a scene, { frames } of a line; each one with a mistake is left out.
static void parse_members(KrParser *p, KrAst *parent, const char *word) {
  uint32_t open = p->i;
  if (!kr_parser_expect(p, KR_TOKEN_OPEN_BRACE, "`{`", NULL)) return;
  kr_parser_role(p, open, KR_ROLE_BLOCK);
  for (;;) {
    while (kr_parser_kind(p, 0) == KR_TOKEN_SEMICOLON) {
      kr_parser_role(p, p->i++, KR_ROLE_SEPARATOR);
    }
    KrTokenKind kind = kr_parser_kind(p, 0);
    if (kind == KR_TOKEN_EOF || kind == KR_TOKEN_CLOSE_BRACE) break;
    uint32_t begin = p->i;
    kr_parser_token(p)->starts = true;
    KrAst *member = NULL;
    if (!kr_parser_is_word(p, 0, word)) {
      kr_parser_unexpected(p, parent->kind == KR_AST_SCENE ? "`line`" : "`frame`", NULL);
    } else {
      member = parent->kind == KR_AST_SCENE ? parse_line(p) : parse_frame(p);
    }
    if (p->failed) {
      kr_parser_skip(p, begin);
    } else if (member != NULL) {
      kr_parser_add(p, parent, member);
    }
  }
  if (kr_parser_close(p, KR_TOKEN_CLOSE_BRACE, open, "`}`")) {
    kr_parser_role(p, p->i - 1, KR_ROLE_BLOCK);
  }
}

/// NAME ( args ) { members }, behind `scene` or `line`.
static KrAst *parse_sequence(KrParser *p, KrAstKind kind, const char *what, const char *member) {
  uint32_t begin = p->i++, name;
  kr_parser_name(p, what, &name);
  KrAst *node = kr_parser_named(p, kind, begin, name);
  if (!p->failed) kr_parse_args(p, node);
  if (p->failed && !kr_parser_skip_to_block(p, begin)) return NULL;
  parse_members(p, node, member);
  return p->failed ? NULL : kr_parser_end(p, node, begin);
}

static KrAst *parse_line(KrParser *p) {
  return parse_sequence(p, KR_AST_LINE, "the line's name", "frame");
}

KrAst *kr_parse_scene(KrParser *p) {
  return parse_sequence(p, KR_AST_SCENE, "the scene's name", "line");
}

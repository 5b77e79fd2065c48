/// Decides how the parser reads tokens, reports mistakes and goes on after them.
#include "lang/parser.h"

KrToken *kr_parser_token(KrParser *p) { return &p->tokens[p->i]; }

KrTokenKind kr_parser_kind(const KrParser *p, uint32_t ahead) {
  uint32_t i = ahead < p->n - 1 - p->i ? p->i + ahead : p->n - 1;
  return (KrTokenKind)p->tokens[i].kind;
}

KrTokenKind kr_parser_next(const KrParser *p) {
  const KrToken *token = &p->tokens[p->i];
  return token->line ? KR_TOKEN_EOF : (KrTokenKind)token->kind;
}

bool kr_parser_accept(KrParser *p, KrTokenKind kind) {
  if (p->failed || kr_parser_next(p) != kind) return false;
  p->i++;
  return true;
}

KrText kr_parser_text(const KrParser *p, uint32_t token) {
  const KrToken *t = &p->tokens[token];
  return (KrText){p->text + t->begin, t->end - t->begin};
}

KrSpan kr_parser_span(const KrParser *p, uint32_t token) {
  return (KrSpan){p->file, p->tokens[token].begin, p->tokens[token].end};
}

KrSpan kr_parser_since(const KrParser *p, uint32_t token) {
  KrSpan span = kr_parser_span(p, token);
  if (p->i > token) span.end = p->tokens[p->i - 1].end;
  return span;
}

bool kr_parser_is_word(const KrParser *p, uint32_t ahead, const char *word) {
  return kr_parser_kind(p, ahead) == KR_TOKEN_NAME &&
         kr_text_is(kr_parser_text(p, p->i + ahead), word);
}

void kr_parser_fail(KrParser *p, KrSpan span, const char *hint, const char *format, ...) {
  if (p->failed) return;
  p->failed = true;
  if (kr_parser_token(p)->damaged) return;
  KrBuffer message;
  va_list args;
  kr_buffer_init(&message, p->arena);
  va_start(args, format);
  kr_buffer_vprint(&message, format, args);
  va_end(args);
  kr_diagnose(p->list, KR_ERROR, span, hint, "%s", message.at);
}

/// The next token in words.
static const char *describe(const KrParser *p) {
  const KrToken *token = &p->tokens[p->i];
  KrText text = kr_parser_text(p, p->i);
  bool cut = text.n > 40;
  if (cut) {
    text.n = 37;
    while (((unsigned char)text.at[text.n] & 0xC0) == 0x80) text.n--;
  }
  const char *dots = cut ? "…" : "";
  if (token->kind == KR_TOKEN_EOF) return "the end of the file";
  if (token->kind == KR_TOKEN_NUMBER)
    return kr_text_print(p->arena, "the number `%t%s`", text, dots);
  if (token->kind == KR_TOKEN_STRING) return kr_text_print(p->arena, "the string %t%s", text, dots);
  if (token->kind >= KR_TOKEN_FLOW && token->kind <= KR_TOKEN_FALSE) {
    return kr_text_print(p->arena, "the reserved word `%t`", text);
  }
  return kr_text_print(p->arena, "`%t%s`", text, dots);
}

static bool ends_value(const KrToken *token) {
  if (token == NULL) return false;
  return (token->kind >= KR_TOKEN_NAME && token->kind <= KR_TOKEN_STRING) ||
         token->kind == KR_TOKEN_CLOSE_PAREN || token->kind == KR_TOKEN_CLOSE_BRACKET ||
         token->kind == KR_TOKEN_CLOSE_BRACE;
}

/// What usually went wrong when this token stands where it is not understood.
static const char *guess(const KrParser *p) {
  const KrToken *token = &p->tokens[p->i], *last = p->i == 0 ? NULL : token - 1;
  if (token->kind >= KR_TOKEN_FLOW && token->kind <= KR_TOKEN_FALSE) {
    return token->line ? "finish the line before it" : "reserved words cannot be used as names";
  }
  switch (token->kind) {
  case KR_TOKEN_ASSIGN:
    return ends_value(last) ? "`=` assigns; to compare write `==`"
                            : "is something missing before `=`?";
  case KR_TOKEN_OPEN_BRACE: return "a record is `Name{field: value}`";
  case KR_TOKEN_EQUAL: return "`==` compares; to assign write `=`";
  case KR_TOKEN_NAME:
    if (last != NULL && last->kind == KR_TOKEN_NUMBER && last->end < token->begin) {
      return "a unit touches its number, as in 440Hz; between two values an operator or `,` is "
             "missing";
    }
    return "is an operator, `,` or `=` missing before it?";
  case KR_TOKEN_NUMBER:
  case KR_TOKEN_STRING: return "is an operator, `,` or `=` missing before it?";
  case KR_TOKEN_EOF: return "the last line is not complete";
  case KR_TOKEN_CLOSE_PAREN:
  case KR_TOKEN_CLOSE_BRACKET:
  case KR_TOKEN_CLOSE_BRACE: return "is a bracket too many, or is something missing before it?";
  case KR_TOKEN_LESS:
  case KR_TOKEN_GREATER: return "types are given after `:`; to compare, both sides are needed";
  default: return "remove it, or complete what stands before it";
  }
}

/// The next token; for the end of the file the end of what is there.
static KrSpan span_here(const KrParser *p) {
  KrSpan span = kr_parser_span(p, p->i);
  if (kr_parser_kind(p, 0) == KR_TOKEN_EOF && p->i > 0) {
    span.begin = span.end = p->tokens[p->i - 1].end;
  }
  return span;
}

void kr_parser_unexpected(KrParser *p, const char *what, const char *hint) {
  if (p->failed) return;
  const KrToken *token = kr_parser_token(p);
  bool before = token->line && token->kind != KR_TOKEN_EOF && !token->starts && p->i > 0;
  if (hint == NULL) hint = before ? "the line ends too early" : guess(p);
  if (before) {
    uint32_t end = p->tokens[p->i - 1].end;
    kr_parser_fail(p, (KrSpan){p->file, end, end}, hint, "expected %s before the end of the line",
                   what);
    return;
  }
  kr_parser_fail(p, span_here(p), hint, "expected %s, found %s", what, describe(p));
}

bool kr_parser_expect(KrParser *p, KrTokenKind kind, const char *what, const char *hint) {
  if (kr_parser_accept(p, kind)) return true;
  kr_parser_unexpected(p, what, hint);
  return false;
}

bool kr_parser_same_line(KrParser *p, const char *what) {
  if (!p->failed && kr_parser_token(p)->line) kr_parser_unexpected(p, what, NULL);
  return !p->failed;
}

static KrPlace place_of(KrParser *p, uint32_t token) {
  if (p->lines.n == 0) kr_lines_init(&p->lines, &p->list->sources[p->file], p->arena);
  return kr_lines_place(&p->lines, p->tokens[token].begin);
}

bool kr_parser_close(KrParser *p, KrTokenKind kind, uint32_t open, const char *what) {
  if (p->failed) return false;
  if (kr_parser_kind(p, 0) == kind) {
    p->i++;
    return true;
  }
  KrPlace place = place_of(p, open);
  if (kind == KR_TOKEN_BAR && kr_parser_token(p)->line) {
    kr_parser_unexpected(p, what, NULL);
    return false;
  }
  const char *hint = guess(p);
  bool sure = kr_parser_kind(p, 0) == KR_TOKEN_ASSIGN || kr_parser_kind(p, 0) == KR_TOKEN_NAME;
  if (!sure) {
    hint =
        kr_text_print(p->arena, "the `%t` at %u:%u is still open; close it with `%s`",
                      kr_parser_text(p, open), place.line, place.column, kr_token_kind_text(kind));
  }
  if (kind == KR_TOKEN_CLOSE_BRACE && p->suspect != 0 && kr_parser_kind(p, 0) == KR_TOKEN_EOF) {
    KrPlace at = place_of(p, p->suspect - 1);
    hint = kr_text_print(p->arena, "%s, perhaps before line %u", hint, at.line);
  }
  kr_parser_fail(p, span_here(p), hint, "expected %s, found %s", what, describe(p));
  return false;
}

bool kr_parser_name(KrParser *p, const char *what, uint32_t *name) {
  *name = p->i;
  if (kr_parser_accept(p, KR_TOKEN_NAME)) return true;
  KrTokenKind kind = kr_parser_next(p);
  if (!p->failed && kind >= KR_TOKEN_FLOW && kind <= KR_TOKEN_FALSE) {
    KrText text = kr_parser_text(p, p->i);
    kr_parser_fail(p, kr_parser_span(p, p->i),
                   kr_text_print(p->arena, "choose another name, for example `%t_`", text),
                   "`%t` is a reserved word, not a name", text);
    return false;
  }
  kr_parser_unexpected(p, what, NULL);
  return false;
}

void kr_parser_skip(KrParser *p, uint32_t begin) {
  uint32_t depth = p->tokens[begin].depth;
  p->failed = false;
  if (p->i == begin && p->tokens[p->i].kind != KR_TOKEN_EOF &&
      p->tokens[p->i].kind != KR_TOKEN_CLOSE_BRACE) {
    p->i++;
  }
  for (;; p->i++) {
    const KrToken *token = &p->tokens[p->i];
    if (token->kind == KR_TOKEN_EOF || token->depth < depth) return;
    if (token->depth > depth) continue;
    if (token->line || token->kind == KR_TOKEN_SEMICOLON) return;
  }
}

/// Also finds the `{` of `flow x(dt=1 {`, whose parenthesis is not closed.
bool kr_parser_skip_to_block(KrParser *p, uint32_t begin) {
  uint32_t depth = p->tokens[begin].depth, here = p->i;
  for (; p->i < p->n - 1; p->i++) {
    const KrToken *token = kr_parser_token(p);
    bool ends = token->line || token->kind == KR_TOKEN_SEMICOLON;
    if (token->depth < depth || (token->depth == depth && ends && p->i > begin)) break;
    if (token->kind == KR_TOKEN_OPEN_BRACE && token->depth <= depth + 1 && !kr_parse_is_record(p)) {
      p->failed = false;
      return true;
    }
  }
  p->i = here;
  return false;
}

bool kr_parser_enter(KrParser *p) {
  if (p->failed) return false;
  if (p->depth == KR_PARSE_MAX_DEPTH) {
    kr_parser_fail(p, kr_parser_span(p, p->i), "give parts of it names with `let`",
                   "nested too deeply (more than %d levels)", (int)KR_PARSE_MAX_DEPTH);
    return false;
  }
  p->depth++;
  return true;
}

void kr_parser_leave(KrParser *p) { p->depth--; }

KrAst *kr_parser_node(KrParser *p, KrAstKind kind, uint32_t begin) {
  KrAst *node = KR_NEW(p->arena, KrAst);
  node->kind = kind;
  node->span = node->name_span = kr_parser_since(p, begin);
  return node;
}

KrAst *kr_parser_named(KrParser *p, KrAstKind kind, uint32_t begin, uint32_t name) {
  KrAst *node = kr_parser_node(p, kind, begin);
  node->text = kr_parser_text(p, name);
  node->name_span = kr_parser_span(p, name);
  return node;
}

void kr_parser_add(KrParser *p, KrAst *parent, KrAst *child) {
  KR_PUSH(p->arena, parent->at, parent->n, parent->cap, child);
}

/// Completes a node's span; NULL after a mistake.
KrAst *kr_parser_end(KrParser *p, KrAst *node, uint32_t begin) {
  if (p->failed) return NULL;
  bool named = node->name_span.begin != node->span.begin || node->text.n != 0;
  node->span = kr_parser_since(p, begin);
  if (!named) node->name_span = node->span;
  return node;
}

void kr_parser_role(KrParser *p, uint32_t token, KrTokenRole role) {
  p->tokens[token].role = (uint8_t)role;
}

KrAst *kr_parse(KrArena *arena, KrDiagnostics *list, uint32_t file) {
  KrAst *program = NULL;
  kr_parse_with_tokens(arena, list, file, &program);
  return program;
}

KrTokens kr_parse_with_tokens(KrArena *arena, KrDiagnostics *list, uint32_t file, KrAst **program) {
  KrTokens tokens = kr_scan(arena, list, file);
  KrParser p = {.arena = arena,
                .list = list,
                .text = list->sources[file].text.at,
                .tokens = tokens.items,
                .n = tokens.n,
                .file = file};
  KrAst *root = kr_parser_node(&p, KR_AST_PROGRAM, 0);
  root->span = root->name_span = (KrSpan){file, 0, tokens.items[tokens.n - 1].end};
  while (kr_parser_kind(&p, 0) != KR_TOKEN_EOF) {
    kr_parse_items(&p, root, UINT32_MAX);
    if (kr_parser_kind(&p, 0) != KR_TOKEN_CLOSE_BRACE) continue;
    kr_parser_fail(&p, kr_parser_span(&p, p.i), "remove it, or look for a `{` missing above",
                   "this `}` closes nothing");
    p.failed = false;
    p.i++;
  }
  *program = root;
  return tokens;
}

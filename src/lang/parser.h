/// What the files of the parser share. A mistake sets `failed`; from then on nothing is reported
/// and everything returns until the statement is skipped (kr_parser_skip). Nodes are NULL after a
/// mistake.
#ifndef KR_LANG_PARSER_H
#define KR_LANG_PARSER_H
#include "lang/parse.h"
#include "lang/place.h"
#include "lang/scan.h"

typedef struct KrParser {
  KrArena *arena;
  KrDiagnostics *list;
  const char *text;
  KrToken *tokens;
  uint32_t n, i;
  uint32_t file;
  uint32_t depth;
  uint32_t suspect; ///< 1 + token of the first `flow` at the left edge inside a block
  bool failed;
  KrLines lines; ///< made when first needed
} KrParser;

/// Where an expression stands.
enum {
  KR_EXPR_PLAIN = 0,
  KR_EXPR_NO_RECORD = 1, ///< a `{` after it opens a block
  KR_EXPR_NO_BAR = 2,    ///< a `|` after it closes a lambda's parameters
};

// parse.c: tokens and mistakes
/// kr_parse, with the tokens and what they were found to be.
KrTokens kr_parse_with_tokens(KrArena *arena, KrDiagnostics *list, uint32_t file, KrAst **program);
KrToken *kr_parser_token(KrParser *p);
KrTokenKind kr_parser_kind(const KrParser *p, uint32_t ahead);
/// The kind of the next token when it continues the line, else EOF.
KrTokenKind kr_parser_next(const KrParser *p);
/// Next token if it is of this kind on this line; takes it.
bool kr_parser_accept(KrParser *p, KrTokenKind kind);
/// As accept, else a mistake: "expected WHAT, found …".
bool kr_parser_expect(KrParser *p, KrTokenKind kind, const char *what, const char *hint);
/// A mistake when the line ends here.
bool kr_parser_same_line(KrParser *p, const char *what);
/// Takes the closing bracket of the bracket at token `open`.
bool kr_parser_close(KrParser *p, KrTokenKind kind, uint32_t open, const char *what);
KrText kr_parser_text(const KrParser *p, uint32_t token);
KrSpan kr_parser_span(const KrParser *p, uint32_t token);
/// The span from this token to the last one taken.
KrSpan kr_parser_since(const KrParser *p, uint32_t token);
/// Takes a name; `*name` is its token. Reserved words are explained.
bool kr_parser_name(KrParser *p, const char *what, uint32_t *name);
bool kr_parser_is_word(const KrParser *p, uint32_t ahead, const char *word);
/// A mistake at the next token: "expected WHAT, found …".
void kr_parser_unexpected(KrParser *p, const char *what, const char *hint);
void kr_parser_fail(KrParser *p, KrSpan span, const char *hint, const char *format, ...);
/// After a mistake: to the end of the statement that began at token `begin`.
void kr_parser_skip(KrParser *p, uint32_t begin);
/// After a mistake in a header: to the `{` of its body, if there is one.
bool kr_parser_skip_to_block(KrParser *p, uint32_t begin);
bool kr_parser_enter(KrParser *p);
void kr_parser_leave(KrParser *p);
KrAst *kr_parser_node(KrParser *p, KrAstKind kind, uint32_t begin);
KrAst *kr_parser_named(KrParser *p, KrAstKind kind, uint32_t begin, uint32_t name);
void kr_parser_add(KrParser *p, KrAst *parent, KrAst *child);
KrAst *kr_parser_end(KrParser *p, KrAst *node, uint32_t begin);
void kr_parser_role(KrParser *p, uint32_t token, KrTokenRole role);

// parse_expr.c
KrAst *kr_parse_expr(KrParser *p, unsigned where);
KrAst *kr_parse_operand(KrParser *p, unsigned where);
bool kr_parse_args(KrParser *p, KrAst *parent);
bool kr_parse_params(KrParser *p, KrAst *parent, KrTokenKind close, unsigned where);
bool kr_parse_is_record(const KrParser *p);
// parse_type.c
KrAst *kr_parse_type(KrParser *p);
// parse_item.c
KrAst *kr_parse_block(KrParser *p);
void kr_parse_items(KrParser *p, KrAst *parent, uint32_t open);
// parse_decl.c: declarations with a body
KrAst *kr_parse_attribute(KrParser *p);
KrAst *kr_parse_flow(KrParser *p, uint32_t begin, KrAst *flow);
KrAst *kr_parse_synth(KrParser *p);
KrAst *kr_parse_scene(KrParser *p);
KrAst *kr_parse_struct(KrParser *p);
KrAst *kr_parse_fn(KrParser *p);
#endif

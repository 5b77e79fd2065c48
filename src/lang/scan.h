/// Text to tokens. Internal to lang: the parser consumes them, the formatter prints them again.
#ifndef KR_LANG_SCAN_H
#define KR_LANG_SCAN_H
#include "lang/diagnostic.h"

/// X(kind, text): reserved words first, then signs.
#define KR_TOKEN_LIST(X)                                                                           \
  X(EOF, "end of file")                                                                            \
  X(NAME, "name")                                                                                  \
  X(NUMBER, "number")                                                                              \
  X(STRING, "string")                                                                              \
  X(FLOW, "flow")                                                                                  \
  X(LET, "let")                                                                                    \
  X(CONST, "const")                                                                                \
  X(OUTPUT, "output")                                                                              \
  X(FOR, "for")                                                                                    \
  X(FN, "fn")                                                                                      \
  X(STRUCT, "struct")                                                                              \
  X(RETURN, "return")                                                                              \
  X(USE, "use")                                                                                    \
  X(IF, "if")                                                                                      \
  X(THEN, "then")                                                                                  \
  X(ELSE, "else")                                                                                  \
  X(IN, "in")                                                                                      \
  X(TRUE, "true")                                                                                  \
  X(FALSE, "false")                                                                                \
  X(OPEN_PAREN, "(")                                                                               \
  X(CLOSE_PAREN, ")")                                                                              \
  X(OPEN_BRACKET, "[")                                                                             \
  X(CLOSE_BRACKET, "]")                                                                            \
  X(OPEN_BRACE, "{")                                                                               \
  X(CLOSE_BRACE, "}")                                                                              \
  X(COMMA, ",")                                                                                    \
  X(SEMICOLON, ";")                                                                                \
  X(COLON, ":")                                                                                    \
  X(DOT, ".")                                                                                      \
  X(DOT_DOT, "..")                                                                                 \
  X(AT, "@")                                                                                       \
  X(ASSIGN, "=")                                                                                   \
  X(ARROW, "->")                                                                                   \
  X(PLUS, "+")                                                                                     \
  X(MINUS, "-")                                                                                    \
  X(STAR, "*")                                                                                     \
  X(SLASH, "/")                                                                                    \
  X(PERCENT, "%")                                                                                  \
  X(CARET, "^")                                                                                    \
  X(NOT, "!")                                                                                      \
  X(EQUAL, "==")                                                                                   \
  X(NOT_EQUAL, "!=")                                                                               \
  X(LESS, "<")                                                                                     \
  X(LESS_EQUAL, "<=")                                                                              \
  X(GREATER, ">")                                                                                  \
  X(GREATER_EQUAL, ">=")                                                                           \
  X(AND, "&&")                                                                                     \
  X(OR, "||")                                                                                      \
  X(BAR, "|")                                                                                      \
  X(PIPE, "|>")

typedef enum KrTokenKind {
#define KR_TOKEN_ENUM(kind, text) KR_TOKEN_##kind,
  KR_TOKEN_LIST(KR_TOKEN_ENUM)
#undef KR_TOKEN_ENUM
} KrTokenKind;

/// What the parser found a token to be; the formatter spaces by it.
typedef enum KrTokenRole {
  KR_ROLE_NONE,
  KR_ROLE_UNARY, ///< - ! before one operand; `..` of a spread
  KR_ROLE_TIGHT, ///< ( [ after a callee or object, record {, = of an argument, type < >, units
  KR_ROLE_BLOCK, ///< { } of a block
  KR_ROLE_LAMBDA_OPEN, ///< | before a lambda's parameters, `||` of one without
  KR_ROLE_LAMBDA_CLOSE,
  KR_ROLE_SPLIT,     ///< `||` or `>=` that is two tokens: a closing sign and the next one
  KR_ROLE_SEPARATOR, ///< ; between items
} KrTokenRole;

typedef struct KrToken {
  uint32_t begin, end; ///< bytes
  uint32_t unit;       ///< NUMBER: where its unit begins; = end when there is none
  uint32_t depth;      ///< open brackets around it; a bracket counts as outside of itself
  uint8_t kind;        ///< KrTokenKind
  uint8_t role;        ///< KrTokenRole
  bool line;           ///< first of its line where newlines count
  bool starts;         ///< opens an item or a record field
  bool damaged;        ///< follows text that was reported; mistakes at it are not
} KrToken;

typedef struct KrTokens {
  KrToken *items; ///< the last one is EOF
  uint32_t n, cap;
} KrTokens;

/// Scans source `file` of list->sources; mistakes go to `list`.
KrTokens kr_scan(KrArena *arena, KrDiagnostics *list, uint32_t file);
const char *kr_token_kind_text(KrTokenKind kind);
/// Bytes of the UTF-8 character at text[i] (i < n): 1 to 4, or 0 when it is not valid.
unsigned kr_utf8_length(const char *text, size_t n, size_t i);
#endif

/// The syntax tree: one node shape for all kinds; children in source order as listed per kind.
/// Optional children that are absent are NULL. All memory is the program arena's.
#ifndef KR_LANG_AST_H
#define KR_LANG_AST_H
#include "base/text.h"

/// X(kind, name printed by `kairo ast`, children)
#define KR_AST_LIST(X)                                                                             \
  X(PROGRAM, "program") /* items…                                                         */     \
  X(BLOCK, "block")     /* items…; the value is the last expression item or `return`      */     \
  X(FLOW, "flow")       /* text name or empty; [0] BLOCK body, then ARG and ATTRIBUTE…    */     \
  X(SYNTH, "synth")     /* text name; [0] BLOCK, then PARAM and ATTRIBUTE…                */     \
  X(SCENE, "scene")     /* text name; ARG…, LINE…                                         */   \
  X(LINE, "line")       /* text name; ARG…, FRAME…                                        */   \
  X(FRAME, "frame")     /* text name; [0] BLOCK, ARG…                                     */     \
  X(STATE, "state")     /* text name; [0] type?, [1] expr, then ARG (of @state(…))…       */   \
  X(INPUT, "input")     /* text name; [0] type, [1] expr?, then ATTRIBUTE…                */     \
  X(ATTRIBUTE, "attribute") /* text name; [0] value? (name values are NAME), then ARG…        */ \
  X(USE, "use")             /* children USE_PATH…                                             */ \
  X(USE_PATH, "path")       /* text alias or empty; children NAME…                            */ \
  X(STRUCT, "struct")       /* text name; FIELD_TYPE…                                         */ \
  X(FIELD_TYPE, "field")    /* text name; [0] type                                            */   \
  X(FN, "fn")               /* text name; [0] BLOCK, [1] type?, then PARAM…                   */ \
  X(LET, "let")             /* [0] NAME or TUPLE of NAME, [1] type?, [2] expr                 */   \
  X(CONST, "const")         /* as LET                                                         */   \
  X(BIND, "bind")           /* as LET, without the word let                                   */   \
  X(OUTPUT, "output")       /* text label or empty; [0] expr                                  */   \
  X(RETURN, "return")       /* [0] expr                                                       */   \
  X(FOR, "for")             /* text name; [0] expr, [1] BLOCK                                 */   \
  X(ASSIGN, "assign")       /* [0] target, [1] value, then ATTRIBUTE…                         */ \
  X(EXPR, "expr")           /* [0] expr, then ATTRIBUTE…                                      */ \
  X(NUMBER, "number")       /* text digits; unit in `unit`                                    */   \
  X(STRING, "string")       /* text between the quotes                                        */   \
  X(BOOL, "bool")           /* text true or false                                             */   \
  X(NAME, "name")           /* text                                                           */   \
  X(UNARY, "unary")         /* text - or !; [0]                                               */   \
  X(BINARY, "binary")       /* text + - * / % ^ == != < <= > >= && || ; [0] [1]               */   \
  X(PIPE, "pipe")           /* a |> b: [0] a, [1] b                                           */   \
  X(ALT, "alt")             /* a | b | c (signature notation)                                 */   \
  X(CALL, "call")           /* [0] callee, ARG…                                               */ \
  X(ARG, "arg")             /* text name or empty; [0] expr                                   */   \
  X(MEMBER, "member")       /* text name or digits; [0] object                                */   \
  X(INDEX, "index")         /* [0] object, [1] index                                          */   \
  X(RECORD, "record")       /* [0] NAME/MEMBER head or NULL, then FIELD and SPREAD…           */ \
  X(FIELD, "field")         /* text name; [0] expr                                            */   \
  X(SPREAD, "spread")       /* [0] expr                                                       */   \
  X(TUPLE, "tuple")         /* two or more, or none; (a) alone is just a                      */   \
  X(LIST, "list")           /* items                                                          */   \
  X(RANGE, "range")         /* [a..b]: [0] a, [1] b                                           */   \
  X(REPEAT, "repeat")       /* [a; n]: [0] a, [1] n                                           */   \
  X(LAMBDA, "lambda")       /* [0] body (RECORD, BLOCK or expr), then PARAM…                  */ \
  X(PARAM, "param")         /* text name; [0] type?, [1] default?                             */   \
  X(IF, "if")               /* [0] condition, [1] then, [2] else?                             */   \
  X(TYPE, "type")           /* text name (`2D` too); [0] UNIT?, then argument types…          */ \
  X(TYPE_LIST, "type-list") /* [T; n]: [0] type, [1] expr                                     */   \
  X(TYPE_TUPLE, "type-tuple")                                                                      \
  X(UNIT, "unit") /* text as written, e.g. `m/s^2`                                            */

typedef enum KrAstKind {
#define KR_AST_ENUM(kind, text) KR_AST_##kind,
  KR_AST_LIST(KR_AST_ENUM)
#undef KR_AST_ENUM
} KrAstKind;

/// A byte range of one source file.
typedef struct KrSpan {
  uint32_t file;  ///< index into the program's KrSource list
  uint32_t begin; ///< byte offset
  uint32_t end;   ///< one past the last byte
} KrSpan;

typedef struct KrAst KrAst;
struct KrAst {
  KrAstKind kind;
  KrSpan span;      ///< the whole construct
  KrSpan name_span; ///< the name, label or operator inside it; = span when there is none
  KrText text;      ///< see the list
  KrText unit;      ///< NUMBER only
  KrAst **at;       ///< children
  uint32_t n, cap;
};

/// One source text. Lines end with \n or \r\n; columns count UTF-8 characters from 1.
typedef struct KrSource {
  KrText name; ///< as shown in diagnostics
  KrText text;
} KrSource;
typedef struct KrPlace {
  uint32_t line, column;
} KrPlace;
KrPlace kr_source_place(const KrSource *source, uint32_t offset);
#endif

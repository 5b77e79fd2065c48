/// Decides the standard layout: blanks, indentation and blank lines between the tokens. Line breaks
/// and comments stay where they are; tokens stay as written, except that `;` at a line's end goes.
#include "lang/parser.h"
#include <string.h>

typedef struct Bracket {
  uint32_t base;  ///< levels of the line that opened it
  uint32_t inner; ///< levels of the lines inside
  uint8_t kind;
} Bracket;

typedef struct Layout {
  KrArena *arena;
  const char *text;
  KrBuffer out;
  Bracket *brackets;
  uint32_t n, cap;
  uint32_t level; ///< of the current line
} Layout;

/// A comment, or what follows the last one: where it is and how many newlines precede it.
typedef struct Gap {
  uint32_t begin, end;
  uint32_t n_newlines;
} Gap;

static bool is_opening(uint8_t kind) {
  return kind == KR_TOKEN_OPEN_PAREN || kind == KR_TOKEN_OPEN_BRACKET ||
         kind == KR_TOKEN_OPEN_BRACE;
}
static bool is_closing(uint8_t kind) {
  return kind == KR_TOKEN_CLOSE_PAREN || kind == KR_TOKEN_CLOSE_BRACKET ||
         kind == KR_TOKEN_CLOSE_BRACE;
}

static bool blank_before(const KrToken *a, const KrToken *b) {
  switch (b->kind) {
  case KR_TOKEN_SEMICOLON: return a->kind == KR_TOKEN_OPEN_BRACE;
  case KR_TOKEN_COMMA:
  case KR_TOKEN_COLON:
  case KR_TOKEN_CLOSE_PAREN:
  case KR_TOKEN_CLOSE_BRACKET:
  case KR_TOKEN_DOT: return false;
  case KR_TOKEN_DOT_DOT: return b->role == KR_ROLE_UNARY && a->role != KR_ROLE_TIGHT;
  case KR_TOKEN_OPEN_BRACE:
    if (b->role == KR_ROLE_TIGHT) return a->kind != KR_TOKEN_NAME;
    break;
  case KR_TOKEN_CLOSE_BRACE:
    if (b->role == KR_ROLE_BLOCK) {
      return !(a->kind == KR_TOKEN_OPEN_BRACE && a->role == KR_ROLE_BLOCK);
    }
    break;
  default: break;
  }
  return b->role != KR_ROLE_TIGHT && b->role != KR_ROLE_LAMBDA_CLOSE;
}

static bool blank_after(const KrToken *a) {
  switch (a->kind) {
  case KR_TOKEN_DOT:
  case KR_TOKEN_DOT_DOT:
  case KR_TOKEN_AT:
  case KR_TOKEN_OPEN_PAREN:
  case KR_TOKEN_OPEN_BRACKET: return false;
  case KR_TOKEN_GREATER:
  case KR_TOKEN_CLOSE_BRACE: return true;
  case KR_TOKEN_BAR: return a->role != KR_ROLE_LAMBDA_OPEN;
  default: return a->role != KR_ROLE_UNARY && a->role != KR_ROLE_TIGHT;
  }
}

/// 1/48000 is written as one number; other operators have blanks.
static bool in_ratio(const KrToken *at) {
  return (at[0].kind == KR_TOKEN_NUMBER && at[1].kind == KR_TOKEN_SLASH &&
          at[2].kind == KR_TOKEN_NUMBER) ||
         (at[0].kind == KR_TOKEN_SLASH && at[-1].kind == KR_TOKEN_NUMBER &&
          at[1].kind == KR_TOKEN_NUMBER);
}

/// Whether blanks stand between token i - 1 and token i of one line.
static bool needs_blank(const KrTokens *tokens, uint32_t i) {
  const KrToken *a = &tokens->items[i - 1], *b = &tokens->items[i];
  if (b->kind == KR_TOKEN_EOF || !blank_before(a, b)) return false;
  if (b->kind == KR_TOKEN_OPEN_BRACE && b->role == KR_ROLE_BLOCK) return true;
  if (a->kind != KR_TOKEN_EOF && i + 1 < tokens->n && i >= 2 && in_ratio(a)) return false;
  return blank_after(a);
}

/// The next comment in the bytes from *at up to `end`, or the rest (begin = end).
static Gap next_gap(const Layout *layout, uint32_t *at, uint32_t end) {
  Gap gap = {end, end, 0};
  const char *text = layout->text;
  uint32_t i = *at;
  for (; i < end; i++) {
    if (text[i] == '\n') gap.n_newlines++;
    if (text[i] == '#' ||
        (text[i] == '/' && i + 1 < end && (text[i + 1] == '/' || text[i + 1] == '*')))
      break;
  }
  gap.begin = i;
  if (i < end && text[i] == '/' && text[i + 1] == '*') {
    for (i += 2; !(text[i] == '*' && text[i + 1] == '/');) i++;
    i += 2;
  } else {
    while (i < end && text[i] != '\n') i++;
  }
  gap.end = *at = i;
  return gap;
}

static void put_newlines(Layout *layout, uint32_t n, uint32_t level) {
  if (layout->out.n != 0) kr_buffer_put(&layout->out, "\n\n", n);
  for (uint32_t i = 0; i < level; i++) kr_buffer_put(&layout->out, "  ", 2);
  layout->level = level;
}

/// Comment text without blanks at line ends, \r\n as \n.
static void put_comment(Layout *layout, Gap comment) {
  KrBuffer *out = &layout->out;
  size_t begin = out->n;
  for (uint32_t i = comment.begin; i <= comment.end; i++) {
    bool ends = i == comment.end || layout->text[i] == '\n';
    while (ends && out->n > begin && strchr(" \t\r", out->at[out->n - 1]) != NULL) out->n--;
    if (i < comment.end) kr_buffer_put(out, layout->text + i, 1);
  }
  if (out->n != 0) out->at[out->n] = '\0';
}

/// Levels of a line that begins with token b, after a.
static uint32_t level_of(const Layout *layout, const KrToken *a, const KrToken *b) {
  if (b->kind == KR_TOKEN_EOF || layout->n == 0) {
    bool whole = b->kind == KR_TOKEN_EOF || b->starts || a == NULL || is_closing(b->kind);
    if (b->kind == KR_TOKEN_ELSE && a != NULL && a->kind == KR_TOKEN_CLOSE_BRACE) whole = true;
    return whole ? 0 : 1;
  }
  const Bracket *top = &layout->brackets[layout->n - 1];
  if (is_closing(b->kind)) return top->base;
  if (top->kind != KR_TOKEN_OPEN_BRACE || b->starts) return top->inner;
  bool follows = b->kind == KR_TOKEN_ELSE && a->kind == KR_TOKEN_CLOSE_BRACE;
  return follows ? top->inner : top->inner + 1;
}

/// Comments and white space between tokens i - 1 and i.
static void put_gap(Layout *layout, const KrTokens *tokens, uint32_t i) {
  const KrToken *b = &tokens->items[i], *a = i == 0 ? NULL : b - 1;
  uint32_t at = a == NULL ? 0 : a->end;
  if (a == NULL && b->begin >= 3 && memcmp(layout->text, "\xEF\xBB\xBF", 3) == 0) at = 3;
  uint32_t level = level_of(layout, a, b);
  bool opened = a == NULL || is_opening(a->kind), commented = false;
  uint32_t comment_level =
      is_closing(b->kind) && layout->n != 0 ? layout->brackets[layout->n - 1].inner : level;
  for (;;) {
    Gap gap = next_gap(layout, &at, b->begin);
    bool last = gap.begin == gap.end;
    uint32_t most = opened || (last && is_closing(b->kind)) ? 1 : 2;
    uint32_t n = gap.n_newlines < most ? gap.n_newlines : most;
    if (last && b->kind == KR_TOKEN_EOF) break;
    if (n != 0) {
      put_newlines(layout, n, last ? level : comment_level);
    } else if (!last && layout->out.n != 0) {
      bool line = layout->text[gap.begin] == '#' || layout->text[gap.begin + 1] == '/';
      bool inside = !line && opened && a != NULL && a->role != KR_ROLE_BLOCK;
      if (!inside || commented) kr_buffer_put(&layout->out, "  ", line ? 2 : 1);
    } else if (last && commented) {
      bool tight = b->kind == KR_TOKEN_COMMA || b->kind == KR_TOKEN_CLOSE_PAREN ||
                   b->kind == KR_TOKEN_CLOSE_BRACKET || b->kind == KR_TOKEN_SEMICOLON;
      if (!tight) kr_buffer_put(&layout->out, " ", 1);
    } else if (last && a != NULL && needs_blank(tokens, i)) {
      kr_buffer_put(&layout->out, " ", 1);
    }
    if (last) break;
    put_comment(layout, gap);
    commented = true;
    opened = false;
  }
}

static void put_token(Layout *layout, const KrToken *token) {
  if (is_closing(token->kind) && layout->n != 0) layout->n--;
  kr_buffer_put(&layout->out, layout->text + token->begin, token->end - token->begin);
  if (!is_opening(token->kind)) return;
  Bracket bracket = {layout->level, layout->level + 1, token->kind};
  KR_PUSH(layout->arena, layout->brackets, layout->n, layout->cap, bracket);
}

static bool has_newline(const Layout *layout, uint32_t begin, uint32_t end) {
  return begin < end && memchr(layout->text + begin, '\n', end - begin) != NULL;
}

/// Whether the `;` run at token i (up to, not including, token `next`) is still needed: between
/// items of one line, and where the block would look like a record without it.
static bool needs_separator(const Layout *layout, const KrTokens *tokens, uint32_t i,
                            uint32_t next) {
  const KrToken *a = i == 0 ? NULL : &tokens->items[i - 1], *b = &tokens->items[next];
  if (a == NULL || b->kind == KR_TOKEN_EOF) return false;
  if (a->kind == KR_TOKEN_OPEN_BRACE) {
    return b->kind == KR_TOKEN_CLOSE_BRACE ||
           (b->kind == KR_TOKEN_NAME && b[1].kind == KR_TOKEN_COLON);
  }
  if (b->kind == KR_TOKEN_CLOSE_BRACE) return false;
  return !has_newline(layout, a->end, b->begin);
}

/// The tokens to print: signs that were two in one apart, `;` only where needed.
static KrTokens choose_tokens(const Layout *layout, const KrTokens *tokens) {
  KrTokens chosen = {0};
  for (uint32_t i = 0; i < tokens->n; i++) {
    KrToken token = tokens->items[i];
    if (token.role == KR_ROLE_SEPARATOR) {
      uint32_t next = i;
      while (tokens->items[next].role == KR_ROLE_SEPARATOR) next++;
      if (needs_separator(layout, tokens, i, next)) {
        KR_PUSH(layout->arena, chosen.items, chosen.n, chosen.cap, token);
      }
      i = next - 1;
      continue;
    }
    if (token.role == KR_ROLE_SPLIT) {
      KrToken first = token;
      bool angle = token.kind == KR_TOKEN_ASSIGN;
      first.begin--;
      first.end = token.begin;
      first.kind = angle ? KR_TOKEN_GREATER : KR_TOKEN_BAR;
      first.role = angle ? KR_ROLE_TIGHT : KR_ROLE_LAMBDA_CLOSE;
      token.role = angle ? KR_ROLE_NONE : KR_ROLE_LAMBDA_OPEN;
      token.starts = false;
      KR_PUSH(layout->arena, chosen.items, chosen.n, chosen.cap, first);
    }
    KR_PUSH(layout->arena, chosen.items, chosen.n, chosen.cap, token);
  }
  return chosen;
}

void kr_format(const KrAst *ast, const KrSource *source, KrBuffer *out) {
  KrDiagnostics list = {.arena = out->arena, .sources = source, .n_sources = 1};
  KrAst *program = NULL;
  KrTokens tokens = kr_parse_with_tokens(out->arena, &list, 0, &program);
  if (list.n_errors != 0 || ast == NULL) {
    kr_buffer_put(out, source->text.at, source->text.n);
    return;
  }
  Layout layout = {.arena = out->arena, .text = source->text.at};
  kr_buffer_init(&layout.out, out->arena);
  tokens = choose_tokens(&layout, &tokens);
  for (uint32_t i = 0; i < tokens.n; i++) {
    put_gap(&layout, &tokens, i);
    put_token(&layout, &tokens.items[i]);
  }
  if (layout.out.n != 0) kr_buffer_put(&layout.out, "\n", 1);
  kr_buffer_put(out, layout.out.at, layout.out.n);
}

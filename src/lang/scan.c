/// Decides what a token is: characters, numbers with their units, strings, comments, and which
/// newlines count (those whose innermost open bracket is { or none).
#include "lang/scan.h"
#include <string.h>

#define NAME_HINT                                                                                  \
  "names are made of the letters a to z, digits and `_`; others belong in strings and comments"

#define QUOTE_HINT "strings stand between `\"` or `'`"

typedef struct Bracket {
  uint8_t kind; ///< the opening token's kind
  uint32_t paren, square,
      brace; ///< 1 + index of the innermost bracket of each kind, itself included
} Bracket;

typedef struct Scanner {
  KrArena *arena;
  KrDiagnostics *list;
  const char *text;
  uint32_t n, i, file;
  bool newline; ///< a newline since the last token
  bool damaged; ///< a mistake since the last token
  KrTokens tokens;
  Bracket *brackets;
  uint32_t n_brackets, cap_brackets;
} Scanner;

static const char *const kind_texts[] = {
#define KR_TOKEN_TEXT(kind, text) text,
    KR_TOKEN_LIST(KR_TOKEN_TEXT)
#undef KR_TOKEN_TEXT
};

const char *kr_token_kind_text(KrTokenKind kind) { return kind_texts[kind]; }

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static char peek(const Scanner *s, uint32_t ahead) {
  return ahead < s->n - s->i ? s->text[s->i + ahead] : '\0';
}

static KrSpan span(const Scanner *s, uint32_t begin, uint32_t end) {
  return (KrSpan){s->file, begin, end};
}

/// The Unicode Standard, table 3-7: well-formed byte sequences.
unsigned kr_utf8_length(const char *text, size_t n, size_t i) {
  unsigned char first = (unsigned char)text[i];
  if (first < 0x80) return 1;
  unsigned length = first >= 0xC2 && first <= 0xDF   ? 2
                    : first >= 0xE0 && first <= 0xEF ? 3
                    : first >= 0xF0 && first <= 0xF4 ? 4
                                                     : 0;
  if (length == 0 || n - i < length) return 0;
  unsigned char second = (unsigned char)text[i + 1];
  unsigned char least = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  unsigned char most = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (second < least || second > most) return 0;
  for (unsigned k = 2; k < length; k++) {
    if (((unsigned char)text[i + k] & 0xC0) != 0x80) return 0;
  }
  return length;
}

/// Reports a run of bytes that are no UTF-8 and steps over it.
static void skip_invalid(Scanner *s) {
  uint32_t begin = s->i;
  s->damaged = true;
  while (s->i < s->n && kr_utf8_length(s->text, s->n, s->i) == 0) s->i++;
  kr_diagnose(s->list, KR_ERROR, span(s, begin, s->i), "save the file as UTF-8",
              "the text is not valid UTF-8 here");
}

/// Steps over one character of a comment or string.
static void skip_character(Scanner *s) {
  unsigned length = kr_utf8_length(s->text, s->n, s->i);
  if (length == 0) {
    skip_invalid(s);
  } else {
    s->i += length;
  }
}

static void skip_line_comment(Scanner *s) {
  while (s->i < s->n && s->text[s->i] != '\n') skip_character(s);
}

static void skip_block_comment(Scanner *s) {
  uint32_t begin = s->i;
  s->i += 2;
  while (s->i < s->n && !(s->text[s->i] == '*' && peek(s, 1) == '/')) {
    if (s->text[s->i] == '\n') s->newline = true;
    skip_character(s);
  }
  if (s->i < s->n) {
    s->i += 2;
    return;
  }
  s->damaged = true;
  kr_diagnose(s->list, KR_ERROR, span(s, begin, begin + 2), "end it with `*/`",
              "this comment is not closed");
}

static void skip_blanks(Scanner *s) {
  while (s->i < s->n) {
    char c = s->text[s->i];
    if (c == '\n') s->newline = true;
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      s->i++;
    } else if (c == '#' || (c == '/' && peek(s, 1) == '/')) {
      skip_line_comment(s);
    } else if (c == '/' && peek(s, 1) == '*') {
      skip_block_comment(s);
    } else {
      return;
    }
  }
}

static void close_brackets(Scanner *s, uint8_t kind) {
  if (s->n_brackets == 0) return;
  const Bracket *top = &s->brackets[s->n_brackets - 1];
  uint32_t at = kind == KR_TOKEN_CLOSE_PAREN     ? top->paren
                : kind == KR_TOKEN_CLOSE_BRACKET ? top->square
                                                 : top->brace;
  if (at != 0 && (kind == KR_TOKEN_CLOSE_BRACE || at > top->brace)) s->n_brackets = at - 1;
}

static void open_bracket(Scanner *s, uint8_t kind) {
  Bracket bracket = {.kind = kind};
  if (s->n_brackets != 0) bracket = s->brackets[s->n_brackets - 1];
  bracket.kind = kind;
  uint32_t *own = kind == KR_TOKEN_OPEN_PAREN     ? &bracket.paren
                  : kind == KR_TOKEN_OPEN_BRACKET ? &bracket.square
                                                  : &bracket.brace;
  *own = s->n_brackets + 1;
  KR_PUSH(s->arena, s->brackets, s->n_brackets, s->cap_brackets, bracket);
}

/// Whether the newline before a token of this kind counts. A line that starts with the first word
/// of a statement cannot be inside ( or [: those are taken as closed, which keeps the mistake
/// local.
static bool counts(Scanner *s, uint8_t kind) {
  if (!s->newline) return false;
  if (s->n_brackets == 0) return true;
  const Bracket *top = &s->brackets[s->n_brackets - 1];
  if (top->kind == KR_TOKEN_OPEN_BRACE) return true;
  if (kind < KR_TOKEN_FLOW || kind > KR_TOKEN_USE) return false;
  s->n_brackets = top->brace;
  return true;
}

static void push(Scanner *s, KrTokenKind token_kind, uint32_t begin, uint32_t unit) {
  uint8_t kind = (uint8_t)token_kind;
  if (kind == KR_TOKEN_CLOSE_PAREN || kind == KR_TOKEN_CLOSE_BRACKET ||
      kind == KR_TOKEN_CLOSE_BRACE) {
    close_brackets(s, kind);
  }
  bool line = counts(s, kind);
  KrToken token = {.begin = begin,
                   .end = s->i,
                   .unit = unit,
                   .depth = s->n_brackets,
                   .kind = kind,
                   .line = line,
                   .damaged = s->damaged};
  KR_PUSH(s->arena, s->tokens.items, s->tokens.n, s->tokens.cap, token);
  s->newline = s->damaged = false;
  if (kind == KR_TOKEN_OPEN_PAREN || kind == KR_TOKEN_OPEN_BRACKET || kind == KR_TOKEN_OPEN_BRACE) {
    open_bracket(s, kind);
  }
}

/// The last token when it ends right here, else NULL.
static const KrToken *touching(const Scanner *s) {
  if (s->tokens.n == 0) return NULL;
  const KrToken *last = &s->tokens.items[s->tokens.n - 1];
  return last->end == s->i ? last : NULL;
}

static void skip_digits(Scanner *s) {
  while (is_digit(peek(s, 0))) s->i++;
}

static void scan_number(Scanner *s) {
  uint32_t begin = s->i;
  const KrToken *last = touching(s);
  bool index = last != NULL && last->kind == KR_TOKEN_DOT; // `t.0.1` is t . 0 . 1
  skip_digits(s);
  if (index) {
    push(s, KR_TOKEN_NUMBER, begin, s->i);
    return;
  }
  if (peek(s, 0) == '.' && is_digit(peek(s, 1))) {
    s->i++;
    skip_digits(s);
  }
  if (peek(s, 0) == 'e' || peek(s, 0) == 'E') {
    uint32_t sign = peek(s, 1) == '+' || peek(s, 1) == '-' ? 1 : 0;
    if (is_digit(peek(s, 1 + sign))) {
      s->i += 1 + sign;
      skip_digits(s);
    }
  }
  uint32_t unit = s->i;
  while (is_letter(peek(s, 0)) || is_digit(peek(s, 0))) s->i++;
  if (unit < s->i && s->text[unit] == '_') {
    kr_diagnose(s->list, KR_ERROR, span(s, unit, s->i), "write the digits without `_`, as in 48000",
                "`_` cannot follow a number");
    unit = s->i;
  }
  push(s, KR_TOKEN_NUMBER, begin, unit);
}

/// `.5`: a number that lacks its first digit, unless the point touches what it is a member of.
static bool scan_bare_fraction(Scanner *s) {
  if (touching(s) != NULL || !is_digit(peek(s, 1))) return false;
  uint32_t begin = s->i++;
  skip_digits(s);
  s->damaged = true;
  kr_diagnose(s->list, KR_ERROR, span(s, begin, s->i), "write a digit before the point, as in 0.5",
              "a number cannot start with `.`");
  push(s, KR_TOKEN_NUMBER, begin, s->i);
  return true;
}

static void scan_string(Scanner *s) {
  uint32_t begin = s->i;
  char quote = s->text[s->i++];
  while (s->i < s->n && s->text[s->i] != quote && s->text[s->i] != '\n') {
    char c = s->text[s->i];
    if (c == '\r' && peek(s, 1) == '\n') break;
    if (((unsigned char)c < ' ' && c != '\t') || c == 0x7F) {
      kr_diagnose(s->list, KR_ERROR, span(s, s->i, s->i + 1), "remove it",
                  "a string cannot contain a control character");
    }
    skip_character(s);
  }
  if (s->i < s->n && s->text[s->i] == quote) {
    s->i++;
  } else {
    kr_diagnose(s->list, KR_ERROR, span(s, begin, begin + 1),
                quote == '"' ? "close it with `\"` before the end of the line"
                             : "close it with `'` before the end of the line",
                "this string is not closed");
  }
  push(s, KR_TOKEN_STRING, begin, s->i);
}

/// Characters beyond ASCII that people put into names: all but symbols and spaces (U+00A0 to U+00BF
/// and U+2000 to U+2FFF).
static bool is_foreign_letter(const Scanner *s) {
  if (s->i >= s->n || (unsigned char)s->text[s->i] < 0xC3) return false;
  return (unsigned char)s->text[s->i] != 0xE2 && kr_utf8_length(s->text, s->n, s->i) != 0;
}

static void scan_name(Scanner *s) {
  uint32_t begin = s->i;
  bool foreign = false;
  for (;;) {
    if (is_letter(peek(s, 0)) || is_digit(peek(s, 0))) {
      s->i++;
    } else if (is_foreign_letter(s)) {
      foreign = true;
      s->i += kr_utf8_length(s->text, s->n, s->i);
    } else {
      break;
    }
  }
  KrTokenKind kind = KR_TOKEN_NAME;
  KrText word = {s->text + begin, s->i - begin};
  if (foreign) {
    kr_diagnose(s->list, KR_ERROR, span(s, begin, s->i), NAME_HINT, "`%t` is not a name",
                word.n > 80 ? (KrText){"…", 3} : word);
  }
  for (unsigned k = KR_TOKEN_FLOW; k <= KR_TOKEN_FALSE; k++) {
    if (kr_text_is(word, kind_texts[k])) kind = (KrTokenKind)k;
  }
  push(s, kind, begin, s->i);
}

static bool is_plain(char c) {
  return is_letter(c) || is_digit(c) ||
         (c != '\0' && strchr(" \t\r\n#\"'()[]{},;:.@=+-*/%^!<>|", c));
}

static void scan_unknown(Scanner *s) {
  uint32_t begin = s->i;
  s->damaged = true;
  if (kr_utf8_length(s->text, s->n, s->i) == 0) {
    skip_invalid(s);
    return;
  }
  while (s->i < s->n && !is_plain(s->text[s->i]) && !is_foreign_letter(s) &&
         kr_utf8_length(s->text, s->n, s->i) != 0) {
    s->i += kr_utf8_length(s->text, s->n, s->i);
  }
  KrText run = {s->text + begin, s->i - begin};
  unsigned char first = (unsigned char)run.at[0];
  if (first < ' ' || first == 0x7F) {
    kr_diagnose(s->list, KR_ERROR, span(s, begin, s->i), "remove it",
                "a control character does not belong in a program");
    return;
  }
  bool quote = run.n >= 3 && memcmp(run.at, "\xE2\x80", 2) == 0 &&
               ((unsigned char)run.at[2] & 0xFA) == 0x98; // U+2018, U+2019, U+201C, U+201D
  const char *hint = quote           ? QUOTE_HINT
                     : first == '&'  ? "the logical and is `&&`"
                     : first == '`'  ? QUOTE_HINT
                     : first >= 0x80 ? NAME_HINT
                                     : "remove it";
  if (run.n > 40) run.n = first < 0x80 ? 1 : kr_utf8_length(run.at, run.n, 0);
  kr_diagnose(s->list, KR_ERROR, span(s, begin, s->i), hint, "unknown character `%t`", run);
}

/// The longest sign at the current place; false when there is none.
static bool scan_sign(Scanner *s) {
  unsigned found = 0;
  uint32_t length = 0;
  for (unsigned k = KR_TOKEN_OPEN_PAREN; k <= KR_TOKEN_PIPE; k++) {
    const char *sign = kind_texts[k];
    if (sign[0] != s->text[s->i]) continue;
    if (sign[1] != '\0' && sign[1] != peek(s, 1)) continue;
    uint32_t n = sign[1] == '\0' ? 1 : 2;
    if (n > length) found = k, length = n;
  }
  if (length == 0) return false;
  uint32_t begin = s->i;
  s->i += length;
  push(s, (KrTokenKind)found, begin, s->i);
  return true;
}

static void scan_token(Scanner *s) {
  char c = s->text[s->i];
  if (is_letter(c) || is_foreign_letter(s)) {
    scan_name(s);
  } else if (is_digit(c)) {
    scan_number(s);
  } else if (c == '"' || c == '\'') {
    scan_string(s);
  } else if (c == '.' && scan_bare_fraction(s)) {
    return;
  } else if (!scan_sign(s)) {
    scan_unknown(s);
  }
}

KrTokens kr_scan(KrArena *arena, KrDiagnostics *list, uint32_t file) {
  KrText text = list->sources[file].text;
  Scanner s = {.arena = arena, .list = list, .text = text.at, .file = file};
  if (text.n < UINT32_MAX / 2) {
    s.n = (uint32_t)text.n;
  } else {
    kr_diagnose(list, KR_ERROR, span(&s, 0, 0), "split it into modules and `use` them",
                "the file is too large (2 GiB or more)");
  }
  if (s.n >= 3 && memcmp(s.text, "\xEF\xBB\xBF", 3) == 0) s.i = 3;
  for (;;) {
    skip_blanks(&s);
    if (s.i >= s.n) break;
    scan_token(&s);
  }
  s.n_brackets = 0;
  s.newline = true;
  push(&s, KR_TOKEN_EOF, s.n, s.n);
  return s.tokens;
}

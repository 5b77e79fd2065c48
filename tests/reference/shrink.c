// Reduction of texts: takes away lines and blocks, puts a part or a constant in place of a
// bracketed expression, makes numbers smaller; as long as the same property fails.
#include "shrink.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Shrink {
  char *text;
  KrTrialOptions options;
  KrTrial trial;
  uint32_t n_tries;
} Shrink;
enum { MAX_TRIES = 3000 };

// Takes text with [begin, end) replaced by `with` when it fails like before.
static bool replace(Shrink *s, size_t begin, size_t end, const char *with, size_t n_with) {
  size_t n = strlen(s->text);
  if (s->n_tries++ >= MAX_TRIES) return false;
  if (n_with == end - begin && memcmp(s->text + begin, with, n_with) == 0) return false;
  char *text = malloc(n - (end - begin) + n_with + 1);
  memcpy(text, s->text, begin);
  memcpy(text + begin, with, n_with);
  memcpy(text + begin + n_with, s->text + end, n - end + 1);
  KrTrial trial;
  bool fails = kr_trial_run(text, &s->options, &trial) == KR_FAILED &&
               strcmp(trial.what, s->trial.what) == 0;
  if (!fails) {
    free(text);
    return false;
  }
  free(s->text);
  s->text = text;
  s->trial = trial;
  return true;
}

static size_t line_end(const char *text, size_t at) {
  const char *end = strchr(text + at, '\n');
  return end != NULL ? (size_t)(end - text) + 1 : strlen(text);
}

// End of the block that begins in the line at `at`, the line itself when none does.
static size_t block_end(const char *text, size_t at) {
  int depth = 0;
  for (size_t i = at; text[i] != '\0'; i++) {
    if (text[i] == '{') depth++;
    if (text[i] == '}') depth--;
    if (text[i] == '\n' && depth <= 0) return i + 1;
  }
  return strlen(text);
}

static bool drop_lines(Shrink *s) {
  bool any = false;
  for (size_t at = 0; s->text[at] != '\0';) {
    if (replace(s, at, block_end(s->text, at), "", 0))
      any = true;
    else
      at = line_end(s->text, at);
  }
  return any;
}

// Index of the bracket that closes the one at `at`; 0 when none does.
static size_t closing(const char *text, size_t at) {
  int depth = 0;
  for (size_t i = at; text[i] != '\0' && text[i] != '\n'; i++) {
    if (strchr("([{", text[i]) != NULL) depth++;
    if (strchr(")]}", text[i]) != NULL && --depth == 0) return i;
  }
  return 0;
}

static bool is_word(char c) { return isalnum((unsigned char)c) || c == '_' || c == '.'; }

// Puts each part of a bracket's content (between commas, operators, words) in the place of all.
static bool put_part(Shrink *s, size_t begin, size_t open, size_t close) {
  size_t part = open + 1;
  int depth = 0;
  for (size_t i = open + 1; i <= close; i++) {
    char c = s->text[i];
    bool space = c == ' ' && depth == 0, ends = i == close || (c == ',' && depth == 0);
    if (strchr("([{", c) != NULL) depth++;
    if (strchr(")]}", c) != NULL) depth--;
    if (!space && !ends) continue;
    size_t from = part;
    const char *equals = memchr(s->text + part, '=', i - part);
    if (equals != NULL && equals[1] != '=' && equals < s->text + i)
      from = (size_t)(equals - s->text) + 1;
    if (i > from && i - from < 4000) {
      char *copy = malloc(i - from);
      size_t n = i - from;
      memcpy(copy, s->text + from, n);
      bool done = replace(s, begin, close + 1, copy, n);
      free(copy);
      if (done) return true;
    }
    part = i + 1;
  }
  return false;
}

static bool reduce_brackets(Shrink *s) {
  static const char *const simple[] = {"1",    "0.5",   "step",      "(time / 1s)",
                                       "true", "false", "(step < 3)"};
  bool any = false;
  for (size_t at = 0; s->text[at] != '\0'; at++) {
    if (s->text[at] != '(' && s->text[at] != '[') continue;
    size_t close = closing(s->text, at), begin = at;
    if (close == 0) continue;
    while (begin > 0 && is_word(s->text[begin - 1])) begin--;
    size_t end = close + 1; // with members behind
    while (s->text[end] == '.' || s->text[end] == '(' || s->text[end] == '[') {
      if (s->text[end] == '.')
        for (end++; is_word(s->text[end]) && s->text[end] != '.';) end++;
      else if (closing(s->text, end) != 0)
        end = closing(s->text, end) + 1;
      else
        break;
    }
    bool done = false;
    for (size_t i = 0; i < sizeof simple / sizeof *simple && !done; i++)
      if (end - begin > strlen(simple[i]))
        done = replace(s, begin, end, simple[i], strlen(simple[i]));
    if (!done) done = put_part(s, begin, at, close);
    if (!done && begin < at) done = put_part(s, at, at, close);
    any = any || done;
    if (done && at > 0) at = begin > 0 ? begin - 1 : 0;
  }
  return any;
}

static bool reduce_numbers(Shrink *s) {
  bool any = false;
  for (size_t at = 0; s->text[at] != '\0'; at++) {
    if (!isdigit((unsigned char)s->text[at]) || (at > 0 && is_word(s->text[at - 1]))) continue;
    char *stop;
    unsigned long n = strtoul(s->text + at, &stop, 10);
    size_t end = (size_t)(stop - s->text);
    unsigned long tries[] = {0, 1, 2, n / 2, n - n / 4, n - 1};
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
      char text[32];
      if (tries[i] >= n) continue;
      snprintf(text, sizeof text, "%lu", tries[i]);
      if (!replace(s, at, end, text, strlen(text))) continue;
      any = true;
      break;
    }
    while (is_word(s->text[at + 1])) at++;
  }
  return any;
}

// Terms of sums and products that stand outside brackets.
static bool drop_terms(Shrink *s) {
  bool any = false;
  for (size_t at = 1; s->text[at] != '\0'; at++) {
    if (strchr("+*-/", s->text[at]) == NULL || s->text[at - 1] != ' ' || s->text[at + 1] != ' ')
      continue;
    size_t begin = at - 1, end = at + 2;
    int depth = 0;
    while (begin > 0 && s->text[begin - 1] != '\n' &&
           !(depth == 0 && strchr(" ([{,", s->text[begin - 1]) != NULL)) {
      if (strchr(")]}", s->text[begin - 1]) != NULL) depth++;
      if (strchr("([{", s->text[begin - 1]) != NULL) depth--;
      begin--;
    }
    if (replace(s, begin, at + 2, "", 0)) {
      any = true;
      at = begin > 0 ? begin : 1;
      continue;
    }
    for (depth = 0; s->text[end] != '\0' && s->text[end] != '\n'; end++) {
      if (depth == 0 && strchr(" )]},", s->text[end]) != NULL) break;
      if (strchr("([{", s->text[end]) != NULL) depth++;
      if (strchr(")]}", s->text[end]) != NULL) depth--;
    }
    any = replace(s, at - 1, end, "", 0) || any;
  }
  return any;
}

char *kr_shrink(const char *text, const KrTrialOptions *options, KrTrial *trial) {
  Shrink shrink = {.text = strdup(text), .options = *options, .trial = *trial};
  Shrink *s = &shrink;
  for (bool any = true; any && s->n_tries < MAX_TRIES;) {
    any = drop_lines(s);
    any = reduce_brackets(s) || any;
    any = drop_terms(s) || any;
    any = reduce_numbers(s) || any;
  }
  *trial = s->trial;
  return s->text;
}

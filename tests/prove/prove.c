// One unit of a proof; scripts/prove runs all of them.
//
// usage: prove FUNC UNIT     FUNC: sin …, pow, atan2, or f64-sin …; UNIT: 0..15, strata or bound
// KAIRO_ISA=LEVEL: of the vector forms only that level's.
// Prints one line `SHA-256 counts`; exit 1: the claim does not hold, 2: no such function or unit.
#include "prove/sweep.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_BOUND_POINTS = 10000000 };

// False: no such level here.
static bool keep_level(Subject *subject, const char *text) {
  KrLevel keep;
  if (!kr_level_find(text, &keep) || !kr_level_is_supported(keep)) return false;
  for (int l = 0; l < KR_N_LEVELS; l++) {
    if (l == (int)keep) continue;
    subject->many_f32[l] = NULL, subject->many_f64[l] = NULL;
    subject->pairs_f32[l] = NULL, subject->pairs_f64[l] = NULL;
  }
  return true;
}

static bool run_unit(const char *name, const char *unit, Outcome *outcome) {
  bool wide = strncmp(name, "f64-", 4) == 0, bound = strcmp(unit, "bound") == 0;
  Subject subject;
  char *end;
  unsigned long n = strcmp(unit, "strata") == 0 ? STRATA : strtoul(unit, &end, 10);
  if (!subject_find(wide ? name + 4 : name, &subject) || n > STRATA) return false;
  if (getenv("KAIRO_ISA") && !keep_level(&subject, getenv("KAIRO_ISA"))) return false;
  bool pair = subject_is_pair(&subject);
  if (bound && (wide || pair)) return false;
  if (bound)
    check_bound(&subject, N_BOUND_POINTS, outcome);
  else if (wide)
    sweep_f64(&subject, (unsigned)n, outcome);
  else if (pair)
    sweep_pairs_f32(&subject, (unsigned)n, outcome);
  else
    sweep_f32(&subject, (unsigned)n, outcome);
  return true;
}

int main(int argc, char **argv) {
  Outcome outcome;
  char text[65] = "-";
  if (argc != 3 || !run_unit(argv[1], argv[2], &outcome)) {
    fprintf(stderr, "usage: prove FUNC 0..15|strata|bound\n");
    return 2;
  }
  if (strcmp(argv[2], "bound") != 0) kr_digest_text(&outcome.digest, text);
  printf("%s %llu inputs, %llu by MPFR, worst %.4f, %llu wrong\n", text,
         (unsigned long long)outcome.n_inputs, (unsigned long long)outcome.n_close, outcome.worst,
         (unsigned long long)outcome.n_wrong);
  if (outcome.n_wrong) fprintf(stderr, "%s %s: %s\n", argv[1], argv[2], outcome.first);
  return outcome.n_wrong != 0;
}

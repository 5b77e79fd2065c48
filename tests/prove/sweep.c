// The loops over inputs: results of one function, of its vector forms, their digest, and what
// decides whether they are right.
#include "prove/sweep.h"
#include "prove/claim.h"
#include "unit/math_inputs.h"
#include "unit/math_reference.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const NAMES[] = {
#define NAME(name, doc) #name,
    KR_ELEMENTARY_LIST(NAME)
#undef NAME
};
static const KrMany *const MANY[KR_N_LEVELS] = {
#define LEVEL_TABLE(suffix, name) [KR_LEVEL_##name] = &kr_many_##suffix,
    KR_LEVEL_LIST(LEVEL_TABLE)
#undef LEVEL_TABLE
};

static int index_of(const char *name) {
  int i = 0;
  while (i < KR_N_ELEMENTARY && strcmp(NAMES[i], name) != 0) i++;
  return i;
}

const Claim *claim_find(size_t function) {
#ifdef PROVE_HAS_WIDE
  static const Claim *claims; // asked once: the question is slow in a virtual machine
  if (claims == NULL) claims = kr_level_is_supported(KR_LEVEL_V3) ? CLAIMS_WIDE : CLAIMS_PLAIN;
  return &claims[function];
#else
  return &CLAIMS_PLAIN[function];
#endif
}

bool subject_is_pair(const Subject *subject) { return subject->pair_f32 != NULL; }

bool subject_find(const char *name, Subject *subject) {
  bool is_pow = !strcmp(name, "pow"), is_pair = is_pow || !strcmp(name, "atan2");
  int f = index_of(name);
  *subject = (Subject){.name = name};
  if (f == KR_N_ELEMENTARY && !is_pair) return false;
  if (is_pair) {
    subject->pair_f32 = is_pow ? kr_f32_pow : kr_f32_atan2;
    subject->pair_f64 = is_pow ? kr_f64_pow : kr_f64_atan2;
  } else {
    subject->f32 = REFERENCES[f].f32;
    subject->f64 = REFERENCES[f].f64;
  }
  for (int l = KR_LEVEL_GENERIC; l < KR_N_LEVELS; l++) {
    if (!kr_level_is_supported((KrLevel)l)) continue;
    subject->many_f32[l] = is_pair ? NULL : MANY[l]->f32[f];
    subject->many_f64[l] = is_pair ? NULL : MANY[l]->f64[f];
    subject->pairs_f32[l] = is_pow ? MANY[l]->pow_f32 : MANY[l]->atan2_f32;
    subject->pairs_f64[l] = is_pow ? MANY[l]->pow_f64 : MANY[l]->atan2_f64;
  }
  return true;
}

static void note_wrong(Outcome *outcome, const char *what, double a, double b, double got) {
  if (outcome->n_wrong++ == 0)
    snprintf(outcome->first, sizeof outcome->first, "%s(%a, %a) gave %a", what, a, b, got);
}

// Results in little-endian order.
static void put_f32(KrHash *hash, const float *at) {
  static _Thread_local uint32_t bits[N_BLOCK];
  for (size_t i = 0; i < N_BLOCK; i++) {
    bits[i] = kr_f32_to_bits(at[i]);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    bits[i] = __builtin_bswap32(bits[i]);
#endif
  }
  kr_hash_put(hash, bits, sizeof bits);
}
static void put_f64(KrHash *hash, const double *at) {
  static _Thread_local uint64_t bits[N_BLOCK];
  for (size_t i = 0; i < N_BLOCK; i++) {
    bits[i] = kr_f64_to_bits(at[i]);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    bits[i] = __builtin_bswap64(bits[i]);
#endif
  }
  kr_hash_put(hash, bits, sizeof bits);
}

// f32 functions of one argument

// Input i of a unit: all 2^28 of it, or one of each 4096 neighbours, not always the same one.
static uint32_t input_bits(unsigned unit, uint32_t i) {
  if (unit < STRATA) return (uint32_t)unit << 28 | i;
  return i << 12 | (i * UINT32_C(2654435761)) >> 20;
}

// The correctly rounded result; beyond 150 bits no f32 function of the list comes nearer to a
// middle without being there.
static float round_exactly(const Reference *r, float input) {
  mpfr_t x, y;
  mpfr_init2(x, 24);
  mpfr_init2(y, 150);
  mpfr_set_flt(x, input, MPFR_RNDN);
  r->exact(y, x, MPFR_RNDN);
  float result = kr_f32_canonical(mpfr_get_flt(y, MPFR_RNDN));
  mpfr_clear(x);
  mpfr_clear(y);
  return result;
}

// A zero, an infinity and NaN of a double stand for themselves: what lies beyond its range lies
// beyond that of f32; check_bound looks at signs.
static bool is_settled(const Claim *claim, double y, float *result) {
  double slack = fabs(y) * claim->relative + claim->absolute;
  float low = (float)(y - slack), high = (float)(y + slack);
  *result = kr_f32_canonical((float)y);
  return y == 0 || y - y != 0 || low == high;
}

static void judge_block(const Subject *subject, const float *x, const float *got,
                        Outcome *outcome) {
  static _Thread_local double wide[N_BLOCK], y[N_BLOCK];
  int f = index_of(subject->name);
  const Claim claim = *claim_find((size_t)f);
  for (size_t i = 0; i < N_BLOCK; i++) wide[i] = (double)x[i];
  claim.fill(wide, y);
  for (size_t i = 0; i < N_BLOCK; i++) {
    float want;
    if (!is_settled(&claim, y[i], &want)) {
      want = round_exactly(&REFERENCES[f], x[i]);
      outcome->n_close++;
    }
    if (kr_f32_to_bits(want) != kr_f32_to_bits(got[i]))
      note_wrong(outcome, subject->name, (double)x[i], 0, (double)got[i]);
  }
}

static void compare_many(const Subject *subject, const float *x, const float *got,
                         Outcome *outcome) {
  static _Thread_local float out[N_BLOCK];
  for (int l = 0; l < KR_N_LEVELS; l++) {
    if (subject->many_f32[l] == NULL) continue;
    subject->many_f32[l](x, out, N_BLOCK);
    if (memcmp(out, got, sizeof out) == 0) continue;
    for (size_t i = 0; i < N_BLOCK; i++)
      if (kr_f32_to_bits(out[i]) != kr_f32_to_bits(got[i]))
        note_wrong(outcome, kr_level_text((KrLevel)l), (double)x[i], 0, (double)out[i]);
  }
}

void sweep_f32(const Subject *subject, unsigned unit, Outcome *outcome) {
  static _Thread_local float x[N_BLOCK], got[N_BLOCK];
  KrHash hash;
  *outcome = (Outcome){.n_inputs = unit < STRATA ? UINT64_C(1) << 28 : UINT64_C(1) << 20};
  kr_hash_init(&hash);
  for (uint64_t begin = 0; begin < outcome->n_inputs; begin += N_BLOCK) {
    for (uint32_t i = 0; i < N_BLOCK; i++)
      x[i] = kr_f32_from_bits(input_bits(unit, (uint32_t)begin + i));
    for (size_t i = 0; i < N_BLOCK; i++) got[i] = subject->f32(x[i]);
    judge_block(subject, x, got, outcome);
    compare_many(subject, x, got, outcome);
    put_f32(&hash, got);
  }
  outcome->digest = kr_hash_end(&hash);
}

static void judge_claim(const Subject *subject, double input, double claimed, mpfr_t y,
                        Outcome *outcome) {
  const Claim *claim = claim_find((size_t)index_of(subject->name));
  double bound = fabs(claimed) * claim->relative + claim->absolute;
  double exact = mpfr_get_d(y, MPFR_RNDN);
  bool same = kr_f64_to_bits(kr_f64_canonical(exact)) == kr_f64_to_bits(kr_f64_canonical(claimed));
  bool sign = (mpfr_signbit(y) != 0) == (signbit(claimed) != 0);
  bool special = claimed - claimed != 0;
  if (!special) mpfr_sub_d(y, y, claimed, MPFR_RNDN);
  double error = special ? 0 : fabs(mpfr_get_d(y, MPFR_RNDN));
  if (special ? !same : !sign || error > bound)
    note_wrong(outcome, subject->name, input, 0, claimed);
  if (bound > 0 && error / bound > outcome->worst) outcome->worst = error / bound;
}

void check_bound(const Subject *subject, uint64_t n, Outcome *outcome) {
  static _Thread_local double input[N_BLOCK], claimed[N_BLOCK];
  int f = index_of(subject->name);
  mpfr_t x, y;
  mpfr_init2(x, 24);
  mpfr_init2(y, 100);
  *outcome = (Outcome){0};
  for (; outcome->n_inputs < n; outcome->n_inputs += N_BLOCK) {
    for (size_t j = 0; j < N_BLOCK; j++) {
      uint64_t i = outcome->n_inputs + j;
      input[j] = (double)kr_f32_from_bits((uint32_t)(i * (UINT64_C(0x100000000) / n) + i % 251));
    }
    claim_find((size_t)f)->fill(input, claimed);
    for (size_t j = 0; j < N_BLOCK; j++) {
      mpfr_set_d(x, input[j], MPFR_RNDN);
      REFERENCES[f].exact(y, x, MPFR_RNDN);
      judge_claim(subject, input[j], claimed[j], y, outcome);
    }
  }
  mpfr_clear(x);
  mpfr_clear(y);
}

// pow and atan2 in f32

// Where both can be large or special, pairs related so that the result is in range, small ones.
static void draw_pair(const Subject *subject, uint64_t *state, uint64_t i, double *a, double *b) {
  *a = inputs_draw(state, i);
  *b = inputs_draw(state, inputs_next(state) % N_INPUT_KINDS);
  if (i % 3 == 0) return;
  if (subject->pair_f32 == kr_f32_pow || !strcmp(subject->name, "pow")) {
    *a = fabs(i % 3 == 1 ? *a : inputs_spread(state, 0, 5));
    double l = log2(*a);
    *b = l != 0 && l - l == 0 ? inputs_unit(state) * 1100 / l : *b;
    if (subject->f64 == NULL && i % 2) *b = *b / 7;
    if (i % 5 == 0) *b = rint(inputs_unit(state) * 20);
  } else {
    *b = i % 3 == 1 ? *a * inputs_spread(state, -70, 70) : inputs_unit(state);
    *a = i % 3 == 1 ? *a : inputs_unit(state);
  }
}

typedef int Exact2(mpfr_t z, const mpfr_t a, const mpfr_t b, mpfr_rnd_t rnd);
static Exact2 *exact_of(const Subject *subject) {
  return !strcmp(subject->name, "pow") ? mpfr_pow : mpfr_atan2;
}

// One of the two neighbours of the exact result?
static bool is_neighbour(const Subject *subject, float a, float b, float got) {
  mpfr_t x, y, z;
  mpfr_inits2(24, x, y, (mpfr_ptr)0);
  mpfr_init2(z, 150);
  mpfr_set_flt(x, a, MPFR_RNDN);
  mpfr_set_flt(y, b, MPFR_RNDN);
  exact_of(subject)(z, x, y, MPFR_RNDN);
  uint32_t low = kr_f32_to_bits(kr_f32_canonical(mpfr_get_flt(z, MPFR_RNDD)));
  uint32_t high = kr_f32_to_bits(kr_f32_canonical(mpfr_get_flt(z, MPFR_RNDU)));
  mpfr_clears(x, y, z, (mpfr_ptr)0);
  return kr_f32_to_bits(got) == low || kr_f32_to_bits(got) == high;
}

static void judge_pairs(const Subject *subject, const float *a, const float *b, const float *got,
                        Outcome *outcome) {
  static _Thread_local double pairs[2 * N_BLOCK], y[N_BLOCK];
  const Claim claim = *claim_find(KR_N_ELEMENTARY + (strcmp(subject->name, "pow") != 0));
  for (size_t i = 0; i < N_BLOCK; i++) pairs[2 * i] = (double)a[i], pairs[2 * i + 1] = (double)b[i];
  claim.fill(pairs, y);
  for (size_t i = 0; i < N_BLOCK; i++) {
    float want;
    bool settled = is_settled(&claim, y[i], &want);
    if (settled && kr_f32_to_bits(want) == kr_f32_to_bits(got[i])) continue;
    outcome->n_close++;
    if (!is_neighbour(subject, a[i], b[i], got[i]))
      note_wrong(outcome, subject->name, (double)a[i], (double)b[i], (double)got[i]);
  }
}

void sweep_pairs_f32(const Subject *subject, unsigned unit, Outcome *outcome) {
  static _Thread_local float a[N_BLOCK], b[N_BLOCK], got[N_BLOCK], out[N_BLOCK];
  uint64_t state = UINT64_C(0x9E3779B97F4A7C15) * (unit + 1);
  KrHash hash;
  *outcome = (Outcome){.n_inputs = unit < STRATA ? UINT64_C(1) << 26 : UINT64_C(1) << 18};
  kr_hash_init(&hash);
  for (uint64_t begin = 0; begin < outcome->n_inputs; begin += N_BLOCK) {
    for (size_t i = 0; i < N_BLOCK; i++) {
      double x, y;
      draw_pair(subject, &state, begin + i, &x, &y);
      a[i] = (float)x, b[i] = (float)y;
      got[i] = subject->pair_f32(a[i], b[i]);
    }
    judge_pairs(subject, a, b, got, outcome);
    for (int l = 0; l < KR_N_LEVELS; l++) {
      if (subject->pairs_f32[l] == NULL) continue;
      subject->pairs_f32[l](a, b, out, N_BLOCK);
      if (memcmp(out, got, sizeof out) != 0)
        note_wrong(outcome, kr_level_text((KrLevel)l), (double)a[0], (double)b[0], (double)out[0]);
    }
    put_f32(&hash, got);
  }
  outcome->digest = kr_hash_end(&hash);
}

// f64 functions

static void run_f64(const Subject *subject, const double *a, const double *b, double *got) {
  for (size_t i = 0; i < N_BLOCK; i++)
    got[i] = subject->pair_f64 ? subject->pair_f64(a[i], b[i]) : subject->f64(a[i]);
}

static void judge_f64(const Subject *subject, const double *a, const double *b, const double *got,
                      Outcome *outcome) {
  int f = index_of(subject->name);
  mpfr_t x, y, z;
  mpfr_inits2(53, x, y, (mpfr_ptr)0);
  mpfr_init2(z, 100);
  for (size_t i = 0; i < N_BLOCK; i++) {
    mpfr_set_d(x, a[i], MPFR_RNDN);
    if (subject->pair_f64) {
      mpfr_set_d(y, b[i], MPFR_RNDN);
      exact_of(subject)(z, x, y, MPFR_RNDN);
    } else {
      REFERENCES[f].exact(z, x, MPFR_RNDN);
    }
    double ulps = reference_ulps(got[i], z);
    if (ulps > outcome->worst) outcome->worst = ulps;
    if (!(ulps <= 1)) note_wrong(outcome, subject->name, a[i], b[i], got[i]);
  }
  mpfr_clears(x, y, z, (mpfr_ptr)0);
}

static void compare_many_f64(const Subject *subject, const double *a, const double *b,
                             const double *got, Outcome *outcome) {
  static _Thread_local double out[N_BLOCK];
  for (int l = 0; l < KR_N_LEVELS; l++) {
    if (subject->pair_f64 && subject->pairs_f64[l])
      subject->pairs_f64[l](a, b, out, N_BLOCK);
    else if (!subject->pair_f64 && subject->many_f64[l])
      subject->many_f64[l](a, out, N_BLOCK);
    else
      continue;
    if (memcmp(out, got, sizeof out) != 0)
      note_wrong(outcome, kr_level_text((KrLevel)l), a[0], b[0], out[0]);
  }
}

void sweep_f64(const Subject *subject, unsigned unit, Outcome *outcome) {
  static _Thread_local double a[N_BLOCK], b[N_BLOCK], got[N_BLOCK];
  uint64_t state = UINT64_C(0xD1B54A32D192ED03) * (unit + 1);
  KrHash hash;
  *outcome = (Outcome){.n_inputs = unit < STRATA ? UINT64_C(1) << 20 : UINT64_C(1) << 12};
  kr_hash_init(&hash);
  for (uint64_t begin = 0; begin < outcome->n_inputs; begin += N_BLOCK) {
    for (size_t i = 0; i < N_BLOCK; i++) {
      a[i] = inputs_draw(&state, begin + i), b[i] = 0;
      if (subject->pair_f64) draw_pair(subject, &state, begin + i, &a[i], &b[i]);
    }
    run_f64(subject, a, b, got);
    judge_f64(subject, a, b, got, outcome);
    compare_many_f64(subject, a, b, got, outcome);
    put_f64(&hash, got);
  }
  outcome->digest = kr_hash_end(&hash);
}

/// What the property tests share: a small random generator and the way into GMP, whose big numbers
/// are the model that the code under test is compared with.
#ifndef TESTS_UNIT_MODEL_H
#define TESTS_UNIT_MODEL_H
// cmocka needs these before it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <gmp.h>
#include <stdbool.h>

/// SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
static inline uint64_t draw(uint64_t *seed) {
  uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return z ^ (z >> 31);
}

static inline uint64_t draw_below(uint64_t *seed, uint64_t bound) { return draw(seed) % bound; }

/// A number of random length: 0 .. 2^max_bits - 1, small ones as often as large ones.
static inline uint64_t draw_bits(uint64_t *seed, unsigned max_bits) {
  unsigned n = (unsigned)draw_below(seed, max_bits + 1);
  return n == 0 ? 0 : draw(seed) >> (64 - n);
}

static inline void model_set_u64(mpz_t z, uint64_t x) { mpz_import(z, 1, -1, sizeof x, 0, 0, &x); }

static inline void model_set_i64(mpz_t z, int64_t x) {
  model_set_u64(z, x < 0 ? 0 - (uint64_t)x : (uint64_t)x);
  if (x < 0) mpz_neg(z, z);
}

/// |z| <= INT64_MAX.
static inline bool model_fits(const mpz_t z) { return mpz_sizeinbase(z, 2) <= 63; }

static inline int64_t model_get_i64(const mpz_t z) {
  uint64_t x = 0;
  mpz_export(&x, NULL, -1, sizeof x, 0, 0, z);
  return mpz_sgn(z) < 0 ? (int64_t)(0 - x) : (int64_t)x;
}

static inline void model_set_ratio(mpq_t q, int64_t num, int64_t den) {
  model_set_i64(mpq_numref(q), num);
  model_set_i64(mpq_denref(q), den);
  mpq_canonicalize(q);
}

static inline bool model_fits_ratio(const mpq_t q) {
  return model_fits(mpq_numref(q)) && model_fits(mpq_denref(q));
}

static inline void model_floor(mpz_t z, const mpq_t q) {
  mpz_fdiv_q(z, mpq_numref(q), mpq_denref(q));
}
#endif

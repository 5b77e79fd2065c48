// Plans of Fourier transforms: which sizes, in which stages, with which twiddles. Butterflies of 16
// points first, then radix 8 or 2 where the power of two asks for it, radix 4, and 3 or 5 last: the
// order is part of the result.
#include "math/fft.h"
#include "math/elementary.h"

enum { MAX_SIZE = 1 << 24, BLOCK = 16 };

bool kr_fft_can(uint32_t n) {
  if (n == 0 || n > MAX_SIZE) return false;
  while (n % 2 == 0) n /= 2;
  return n == 1 || n == 3 || n == 5;
}

bool kr_rfft_can(uint32_t n) { return n == 1 || (n % 2 == 0 && kr_fft_can(n)); }

uint32_t kr_rfft_below(uint32_t n) {
  n = n > MAX_SIZE ? MAX_SIZE : n - n % 2;
  while (n > 2 && !kr_rfft_can(n)) n -= 2;
  return n > 2 ? n : 2;
}

uint32_t kr_rfft_above(uint32_t n) {
  n = n > MAX_SIZE ? MAX_SIZE : n < 2 ? 2 : n + n % 2;
  while (!kr_rfft_can(n)) n += 2;
  return n;
}

// Radix of the next stage when a transform of n = 2^a, 3 2^a or 5 2^a points is left.
static uint32_t next_radix(uint32_t n) {
  uint32_t power = n & (0 - n);
  if (power == 1) return n;
  bool odd = (power & 0x55555555) == 0;
  return !odd ? 4 : power == 2 ? 2 : 8;
}

static size_t round_up(size_t n) { return (n + 63) / 64 * 64; }

// Stages and places of the tables; returns the bytes of all, `real` being those of a number.
static size_t lay_out(KrFft *plan, uint32_t n, size_t real) {
  *plan = (KrFft){.n = n, .first = n % 16 == 0 ? 16 : 1};
  size_t at = round_up(sizeof(KrRfft));
  plan->place = (uint32_t)at;
  at = round_up(at + n / plan->first * sizeof(uint32_t));
  for (uint32_t done = plan->first, i = 0; done < n; i++) {
    uint32_t radix = next_radix(n / done);
    size_t blocks = (done + BLOCK - 1) / BLOCK;
    plan->radix[i] = radix;
    plan->twiddle[i] = (uint32_t)at;
    at = round_up(at + blocks * BLOCK * 2 * (radix - 1) * real);
    plan->n_stages = i + 1;
    done *= radix;
  }
  return at;
}

// A stage puts the transforms of its inputs 0, radix, 2 radix …, of 1, radix + 1 … and so on one
// behind the other: column c of the input stands where the digits of c lead, last stage first.
static void fill_places(KrFft *plan) {
  uint32_t *place = (uint32_t *)((unsigned char *)plan + plan->place);
  for (uint32_t c = 0; c < plan->n / plan->first; c++) {
    uint32_t left = c, points = plan->n;
    place[c] = 0;
    for (uint32_t i = plan->n_stages; i-- > 0; left /= plan->radix[i]) {
      points /= plan->radix[i];
      place[c] += left % plan->radix[i] * points;
    }
  }
}

// Number `i` of a table of numbers of `real` bytes.
static void put(void *table, size_t i, double value, size_t real) {
  if (real == sizeof(float))
    ((float *)table)[i] = (float)value;
  else
    ((double *)table)[i] = value;
}

static void *table_at(void *plan, uint32_t at) { return (unsigned char *)plan + at; }

static void fill_twiddles(void *table, uint32_t points, uint32_t radix, size_t real) {
  for (uint32_t k = 0; k < points; k++)
    for (uint32_t j = 1; j < radix; j++) {
      double cosine, sine;
      kr_f64_sincos_turns((double)(j * k) / (double)(radix * points), &sine, &cosine);
      size_t at = (size_t)(k / BLOCK * (radix - 1) + j - 1) * 2 * BLOCK + k % BLOCK;
      put(table, at, cosine, real);
      put(table, at + BLOCK, sine, real);
    }
}

size_t kr_fft_bytes(uint32_t n, size_t real) {
  KrFft plan;
  return kr_fft_can(n) ? lay_out(&plan, n, real) : 0;
}

void kr_fft_init(KrFft *plan, uint32_t n, size_t real) {
  lay_out(plan, n, real);
  fill_places(plan);
  uint32_t points = plan->first;
  for (uint32_t i = 0; i < plan->n_stages; points *= plan->radix[i], i++)
    fill_twiddles(table_at(plan, plan->twiddle[i]), points, plan->radix[i], real);
}

KrFft *kr_fft_prepare(KrArena *arena, uint32_t n, size_t real) {
  KrFft *plan = kr_fft_can(n) ? kr_arena_array(arena, 1, kr_fft_bytes(n, real)) : NULL;
  if (plan) kr_fft_init(plan, n, real);
  return plan;
}

static size_t turn_at(uint32_t n, size_t real) {
  return n == 1 ? sizeof(KrRfft) : kr_fft_bytes(n / 2, real);
}

size_t kr_rfft_bytes(uint32_t n, size_t real) {
  return kr_rfft_can(n) ? turn_at(n, real) + 2 * (n / 4 + 1) * real : 0;
}

void kr_rfft_init(KrRfft *plan, uint32_t n, size_t real) {
  if (n > 1) kr_fft_init(&plan->half, n / 2, real);
  plan->n = n;
  plan->turn = (uint32_t)turn_at(n, real);
  void *turns = table_at(plan, plan->turn);
  for (uint32_t k = 0; k <= n / 4; k++) {
    double cosine, sine;
    kr_f64_sincos_turns((double)k / (double)n, &sine, &cosine);
    put(turns, k, cosine / 2, real);
    put(turns, n / 4 + 1 + k, sine / 2, real);
  }
}

KrRfft *kr_rfft_prepare(KrArena *arena, uint32_t n, size_t real) {
  KrRfft *plan = kr_rfft_can(n) ? kr_arena_array(arena, 1, kr_rfft_bytes(n, real)) : NULL;
  if (plan) kr_rfft_init(plan, n, real);
  return plan;
}

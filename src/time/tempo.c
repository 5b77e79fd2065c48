/// The tempo map: which segment a time or beat is in, and the one rounding of a segment's beat.
#include "time/tempo.h"

#define MAX_BEAT_DEN (INT64_C(1) << 32)

/// A number whole + num/den, 0 <= num < den, of any size.
typedef struct Mixed {
  int64_t whole;
  KrU128 num, den;
} Mixed;

static int compare_sign(bool less) { return less ? -1 : 1; }

/// Compares a/b with c/d (b, d > 0) by their continued fractions, so that no product is needed.
static int compare_fractions(KrU128 a, KrU128 b, KrU128 c, KrU128 d) {
  bool swapped = false;
  for (;;) {
    KrU128 a_rest, c_rest;
    int order = kr_wide_compare(kr_wide_div(a, b, &a_rest), kr_wide_div(c, d, &c_rest));
    bool a_whole = (a_rest.low | a_rest.high) == 0, c_whole = (c_rest.low | c_rest.high) == 0;
    if (order != 0) return compare_sign((order < 0) != swapped);
    if (a_whole || c_whole) {
      if (a_whole && c_whole) return 0;
      return compare_sign(a_whole != swapped);
    }
    // a_rest/b against c_rest/d is d/c_rest against b/a_rest: the reciprocals, order turned.
    a = b;
    b = a_rest;
    c = d;
    d = c_rest;
    swapped = !swapped;
  }
}

/// a * b, at least 0, as a mixed number; false when the whole part leaves 63 bits.
static bool multiply(KrRatio a, KrRatio b, Mixed *product) {
  uint64_t g = kr_gcd((uint64_t)a.num, (uint64_t)b.den),
           h = kr_gcd((uint64_t)b.num, (uint64_t)a.den);
  product->den = kr_wide_mul((uint64_t)a.den / h, (uint64_t)b.den / g);
  KrU128 whole = kr_wide_div(kr_wide_mul((uint64_t)a.num / g, (uint64_t)b.num / h), product->den,
                             &product->num);
  product->whole = (int64_t)whole.low;
  return whole.high == 0 && whole.low <= (uint64_t)INT64_MAX;
}

/// floor(2^32 num/den); num becomes the rest. den < 2^127, so doubling the rest cannot wrap.
static uint64_t take_32_bits(Mixed *x) {
  uint64_t bits = 0;
  for (int i = 0; i < 32; i++) {
    x->num = kr_wide_shift_left(x->num, 1);
    bits <<= 1;
    if (kr_wide_compare(x->num, x->den) >= 0) {
      x->num = kr_wide_sub(x->num, x->den);
      bits |= 1;
    }
  }
  return bits;
}

/// Whether a.num/a.den + b.num/b.den >= halves/2; a.den <= 2^32.
static bool reaches(const Mixed *a, const Mixed *b, uint64_t halves) {
  uint64_t bound = halves * a->den.low, part = 2 * a->num.low;
  if (part >= bound) return true;
  return compare_fractions(b->num, b->den, (KrU128){bound - part, 0},
                           (KrU128){2 * a->den.low, 0}) >= 0;
}

/// The sum of both fractions in lowest terms, when its denominator is at most 2^32. Past 2^64 in
/// b.den it cannot be: b.den divides the product of a.den and the sum's denominator.
static bool add_fractions(const Mixed *a, const Mixed *b, KrRatio *sum) {
  if (b->den.high != 0) return false;
  uint64_t g = kr_gcd(a->den.low, b->den.low);
  KrU128 den = kr_wide_mul(a->den.low / g, b->den.low), rest;
  KrU128 num =
      kr_wide_add(kr_wide_mul(a->num.low, b->den.low / g), kr_wide_mul(b->num.low, a->den.low / g));
  KrU128 common = kr_wide_gcd(num, den);
  den = kr_wide_div(den, common, &rest);
  num = kr_wide_div(num, common, &rest);
  *sum = (KrRatio){(int64_t)num.low, (int64_t)den.low};
  return den.high == 0 && den.low <= (uint64_t)MAX_BEAT_DEN;
}

/// beat + gain, rounded to a multiple of 2^-32 (halves up) when its denominator passes 2^32.
static KrStatus add_gain(KrRatio beat, Mixed *gain, KrRatio *result) {
  int64_t whole = kr_ratio_floor(beat), sum;
  Mixed old = {whole, {(uint64_t)(beat.num - whole * beat.den), 0}, {(uint64_t)beat.den, 0}};
  KrRatio fraction;
  if (!kr_add_i64(whole, gain->whole, &sum)) return KR_ERROR_OVERFLOW;
  if (add_fractions(&old, gain, &fraction)) {
    return kr_ratio_add(kr_ratio_of(sum), fraction, result);
  }
  uint64_t units = take_32_bits(&old) + take_32_bits(gain);
  units += (uint64_t)reaches(&old, gain, 1) + (uint64_t)reaches(&old, gain, 3);
  KR_TRY(kr_ratio_make((int64_t)units, MAX_BEAT_DEN, &fraction));
  return kr_ratio_add(kr_ratio_of(sum), fraction, result);
}

KrStatus kr_tempo_change(const KrTempoSegment *last, KrRatio time, KrRatio beats_per_second,
                         KrTempoSegment *next) {
  KrRatio since, beat;
  Mixed gain;
  if (beats_per_second.num <= 0 || last->beats_per_second.num <= 0) return KR_ERROR_ARGUMENT;
  KR_TRY(kr_ratio_sub(time, last->time, &since));
  if (since.num < 0 || last->beat.den > MAX_BEAT_DEN) {
    return KR_ERROR_ARGUMENT;
  }
  if (!multiply(since, last->beats_per_second, &gain)) return KR_ERROR_OVERFLOW;
  KR_TRY(add_gain(last->beat, &gain, &beat));
  *next = (KrTempoSegment){time, beat, beats_per_second};
  return KR_OK;
}

/// The last segment whose time (or beat) is not above `at`; the first one before all.
static const KrTempoSegment *find_segment(const KrTempoMap *map, KrRatio at, bool by_beat) {
  uint32_t low = 0, high = map->n;
  while (high - low > 1) {
    uint32_t middle = low + (high - low) / 2;
    const KrTempoSegment *segment = &map->segments[middle];
    if (kr_ratio_compare(by_beat ? segment->beat : segment->time, at) <= 0) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return &map->segments[low];
}

KrStatus kr_tempo_time(const KrTempoMap *map, KrRatio beat, KrRatio *time) {
  KrRatio since;
  if (map->n == 0) return KR_ERROR_ARGUMENT;
  const KrTempoSegment *segment = find_segment(map, beat, true);
  KR_TRY(kr_ratio_sub(beat, segment->beat, &since));
  KR_TRY(kr_ratio_div(since, segment->beats_per_second, &since));
  return kr_ratio_add(segment->time, since, time);
}

KrStatus kr_tempo_beat(const KrTempoMap *map, KrRatio time, KrRatio *beat) {
  KrRatio since;
  if (map->n == 0) return KR_ERROR_ARGUMENT;
  const KrTempoSegment *segment = find_segment(map, time, false);
  KR_TRY(kr_ratio_sub(time, segment->time, &since));
  KR_TRY(kr_ratio_mul(since, segment->beats_per_second, &since));
  return kr_ratio_add(segment->beat, since, beat);
}

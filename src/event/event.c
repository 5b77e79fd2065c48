/// The order of events, by integers only, and the stable sort of a list.
#include "event/event.h"
#include <string.h>

KrU128 kr_event_key(KrRatio time) {
  uint64_t den = (uint64_t)time.den, whole = (uint64_t)time.num / den;
  uint64_t rest = (uint64_t)time.num % den;
  if (den <= UINT32_MAX) {
    uint64_t first = (rest << 32) / den, second = (rest << 32) % den;
    return (KrU128){first << 32 | (second << 32) / den, whole};
  }
  KrU128 over;
  return (KrU128){kr_wide_div((KrU128){0, rest}, (KrU128){den, 0}, &over).low, whole};
}

int kr_event_compare(const KrEvent *a, const KrEvent *b) {
  if (a->time.num == b->time.num && a->time.den == b->time.den) return kr_event_compare_rank(a, b);
  int order = kr_wide_compare(kr_event_key(a->time), kr_event_key(b->time));
  return order != 0 ? order : kr_ratio_compare(a->time, b->time);
}

bool kr_event_is_sorted(const KrEvent *events, uint32_t n) {
  for (uint32_t i = 1; i < n; i++) {
    if (kr_event_compare(&events[i - 1], &events[i]) > 0) return false;
  }
  return true;
}

/// Merges from[begin, middle) and from[middle, end) into to[begin, end); the first wins ties.
static void merge(const KrEvent *from, KrEvent *to, size_t begin, size_t middle, size_t end) {
  size_t i = begin, j = middle;
  for (size_t k = begin; k < end; k++) {
    bool first = j == end || (i < middle && kr_event_compare(&from[i], &from[j]) <= 0);
    to[k] = first ? from[i++] : from[j++];
  }
}

bool kr_event_sort(KrEvent *events, uint32_t n, KrEvent *scratch) {
  KrEvent *from = events, *to = scratch;
  if (kr_event_is_sorted(events, n)) return false;
  for (size_t width = 1; width < n; width *= 2) {
    for (size_t begin = 0; begin < n; begin += 2 * width) {
      size_t middle = begin + width < n ? begin + width : n;
      size_t end = middle + width < n ? middle + width : n;
      merge(from, to, begin, middle, end);
    }
    KrEvent *swapped = from;
    from = to;
    to = swapped;
  }
  if (from != events) memcpy(events, from, n * sizeof *events);
  return true;
}

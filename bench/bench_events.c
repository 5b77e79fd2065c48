/// How many events a second go through the ordered queue when 1 k, 64 k and 1 M are pending: each
/// step takes the first event and puts in a later one, under the strict order. Prints CSV.
#include "clock.h"
#include "event/event.h"
#include <stdio.h>
#include <string.h>

/// Which times the events have.
typedef enum Pattern { PATTERN_RANDOM, PATTERN_TICKS, PATTERN_EQUAL } Pattern;
static const char *const pattern_names[] = {"random", "ticks", "equal"};

static uint64_t draw(uint64_t *seed) {
  uint64_t x = *seed;
  x ^= x << 13;
  x ^= x >> 7;
  x ^= x << 17;
  return *seed = x;
}

/// A time up to a second after `now`: any 64th of a sample, one of 100 ticks, or the next second.
static KrRatio draw_time(uint64_t *seed, Pattern pattern, KrRatio now) {
  int64_t ticks = now.num * 48000 / now.den;
  uint64_t x = draw(seed);
  if (pattern == PATTERN_EQUAL) return (KrRatio){ticks / 48000 + 1, 1};
  if (pattern == PATTERN_TICKS) return (KrRatio){ticks / 480 + 1 + (int64_t)(x % 100), 100};
  return (KrRatio){64 * ticks + (int64_t)(x % (64 * 48000)), 64 * 48000};
}

/// Reduced: the queue compares equal times by their lowest terms first.
static KrRatio reduce(KrRatio time) {
  KrRatio reduced = KR_RATIO_ZERO;
  (void)kr_ratio_make(time.num, time.den, &reduced);
  return reduced;
}

/// Steps a second of processor time, the drawing of times excluded; 0 when memory is out.
static double run(Pattern pattern, uint32_t n_pending, uint32_t n_steps, uint64_t *checksum) {
  enum { N_BATCH = 4096 };
  static KrRatio ahead[N_BATCH];
  KrArena arena;
  KrEventQueue queue;
  KrEvent event = {KR_RATIO_ZERO, 0, 0, 0, 0};
  uint64_t seed = 88172645463325252u, sequence = 0;
  double seconds = 0;
  kr_arena_init(&arena, NULL);
  if (kr_event_queue_prepare(&queue, &arena, n_pending) != KR_OK) return 0;
  for (uint32_t i = 0; i < n_pending; i++) {
    event.time = reduce(draw_time(&seed, pattern, KR_RATIO_ZERO));
    event.sequence = sequence++;
    if (kr_event_queue_push(&queue, &event) != KR_OK) return 0;
  }
  for (uint32_t done = 0; done < n_steps; done += N_BATCH) {
    KrRatio now = kr_event_queue_find_first(&queue)->time;
    for (uint32_t i = 0; i < N_BATCH; i++) ahead[i] = reduce(draw_time(&seed, pattern, now));
    double begin = cpu_seconds();
    for (uint32_t i = 0; i < N_BATCH; i++) {
      kr_event_queue_pop(&queue, &event);
      *checksum = *checksum * 31 + event.sequence;
      event.time = ahead[i];
      event.sequence = sequence++;
      if (kr_event_queue_push(&queue, &event) != KR_OK) return 0;
    }
    seconds += cpu_seconds() - begin;
  }
  kr_arena_deinit(&arena);
  return (n_steps + N_BATCH - 1) / N_BATCH * (double)N_BATCH / seconds;
}

int main(void) {
  static const uint32_t n_pending[] = {1000, 65536, 1000000};
  uint64_t checksum = 0;
  printf("times,pending,million_push_and_pop_per_s\n");
  for (int pattern = PATTERN_RANDOM; pattern <= PATTERN_EQUAL; pattern++) {
    for (size_t i = 0; i < sizeof n_pending / sizeof n_pending[0]; i++) {
      double rate = run((Pattern)pattern, n_pending[i], 4000000, &checksum);
      printf("%s,%u,%.2f\n", pattern_names[pattern], n_pending[i], rate / 1e6);
    }
  }
  printf("# order %016llx\n", (unsigned long long)checksum);
  return 0;
}

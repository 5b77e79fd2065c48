/// Events against a naive model: the strict order by GMP, sorting and the queue by linear search.
#include "event/event.h"
#include "unit/model.h"
#include <string.h>

static KrRatio ratio(int64_t num, int64_t den) {
  KrRatio r;
  assert_int_equal(kr_ratio_make(num, den, &r), KR_OK);
  return r;
}

static int model_compare(const KrEvent *a, const KrEvent *b) {
  mpq_t x, y;
  mpq_inits(x, y, NULL);
  model_set_ratio(x, a->time.num, a->time.den);
  model_set_ratio(y, b->time.num, b->time.den);
  int order = mpq_cmp(x, y);
  mpq_clears(x, y, NULL);
  if (order != 0) return order > 0 ? 1 : -1;
  if (a->priority != b->priority) return a->priority > b->priority ? 1 : -1;
  if (a->source != b->source) return a->source > b->source ? 1 : -1;
  return a->sequence > b->sequence ? 1 : a->sequence < b->sequence ? -1 : 0;
}

/// Times of several kinds: few distinct ones, ticks, any, beyond 2^32 s, and a hair apart.
static KrRatio draw_time(uint64_t *seed, int kind) {
  int64_t large = INT64_MAX - (int64_t)draw_below(seed, 20);
  switch (kind) {
  case 0: return ratio((int64_t)draw_below(seed, 4), 1);
  case 1: return ratio((int64_t)draw_below(seed, 100000), 48000);
  case 2: return ratio((int64_t)draw_bits(seed, 63), (int64_t)draw_bits(seed, 62) + 1);
  case 3: return ratio(large, (int64_t)draw_below(seed, 3) + 1);
  default:
    large = INT64_MAX / 3 - 1 - (int64_t)draw_below(seed, 3);
    return ratio(large, 3 * large + 1);
  }
}

static KrEvent draw_event(uint64_t *seed, int kind, uint64_t sequence) {
  return (KrEvent){draw_time(seed, kind), (int32_t)draw_below(seed, 3) - 1,
                   (uint32_t)draw_below(seed, 3), sequence, sequence * 3 + 1};
}

static void keys_are_the_first_64_fraction_bits(void **state) {
  (void)state;
  uint64_t seed = 51;
  mpz_t z, key;
  mpz_inits(z, key, NULL);
  for (int i = 0; i < 200000; i++) {
    KrRatio time = draw_time(&seed, i % 5);
    KrU128 found = kr_event_key(time);
    model_set_i64(z, time.num);
    mpz_mul_2exp(z, z, 64);
    model_set_i64(key, time.den);
    mpz_fdiv_q(z, z, key);
    mpz_import(key, 2, -1, sizeof(uint64_t), 0, 0, (uint64_t[2]){found.low, found.high});
    assert_int_equal(mpz_cmp(z, key), 0);
  }
  mpz_clears(z, key, NULL);
}

static void the_order_equals_the_model(void **state) {
  (void)state;
  uint64_t seed = 52, n_ties = 0;
  for (int i = 0; i < 200000; i++) {
    KrEvent a = draw_event(&seed, i % 5, draw_below(&seed, 3));
    KrEvent b = draw_event(&seed, i % 5, draw_below(&seed, 3));
    int order = model_compare(&a, &b);
    assert_int_equal(kr_event_compare(&a, &b), order);
    assert_int_equal(kr_event_compare(&b, &a), -order);
    KrU128 x = kr_event_key(a.time), y = kr_event_key(b.time);
    n_ties += kr_wide_compare(x, y) == 0 && kr_ratio_compare(a.time, b.time) != 0;
  }
  assert_true(n_ties > 10000);
}

static void sorting_is_stable(void **state) {
  (void)state;
  static KrEvent events[1000], scratch[1000];
  uint64_t seed = 53;
  for (int i = 0; i < 500; i++) {
    uint32_t n = (uint32_t)draw_below(&seed, i < 400 ? 40 : 1000);
    for (uint32_t j = 0; j < n; j++) {
      events[j] = draw_event(&seed, i % 5, draw_below(&seed, 3));
      events[j].payload = j;
    }
    bool sorted = true;
    for (uint32_t j = 1; j < n; j++) sorted &= model_compare(&events[j - 1], &events[j]) <= 0;
    assert_int_equal(kr_event_is_sorted(events, n), sorted);
    uint64_t total = 0;
    assert_int_equal(kr_event_sort(events, n, scratch), !sorted);
    for (uint32_t j = 0; j < n; j++) {
      total += events[j].payload;
      if (j == 0) continue;
      int order = model_compare(&events[j - 1], &events[j]);
      assert_true(order < 0 || (order == 0 && events[j - 1].payload < events[j].payload));
    }
    assert_int_equal(total, (uint64_t)n * (n - 1) / 2 * (n != 0));
    assert_false(kr_event_sort(events, n, scratch));
  }
}

/// The model: an array searched from end to end.
typedef struct Naive {
  KrEvent events[300];
  uint32_t n;
} Naive;

static uint32_t find_naive(const Naive *naive) {
  uint32_t first = 0;
  for (uint32_t i = 1; i < naive->n; i++) {
    if (model_compare(&naive->events[i], &naive->events[first]) < 0) first = i;
  }
  return first;
}

static void expect_pop(KrEventQueue *queue, Naive *naive) {
  KrEvent event = {.payload = 99};
  if (naive->n == 0) {
    assert_null(kr_event_queue_find_first(queue));
    assert_false(kr_event_queue_pop(queue, &event));
    return;
  }
  uint32_t first = find_naive(naive);
  assert_memory_equal(kr_event_queue_find_first(queue), &naive->events[first], sizeof event);
  assert_true(kr_event_queue_pop(queue, &event));
  assert_memory_equal(&event, &naive->events[first], sizeof event);
  naive->events[first] = naive->events[--naive->n];
}

static void the_queue_equals_the_model(void **state) {
  (void)state;
  static Naive naive;
  uint64_t seed = 54, sequence = 0;
  for (int round = 0; round < 60; round++) {
    KrArena arena;
    KrEventQueue queue;
    uint32_t capacity = (uint32_t)draw_below(&seed, 100) + 1;
    uint64_t n_refused = 0, n_pushed = 0, n_popped = 0;
    naive.n = 0;
    kr_arena_init(&arena, NULL);
    assert_int_equal(kr_event_queue_prepare(&queue, &arena, capacity), KR_OK);
    size_t n_bytes = arena.n_bytes;
    for (int i = 0; i < 1500; i++) {
      // Rounds that fill up, run empty, and stay in between.
      if (draw_below(&seed, 6) < (uint64_t)(2 + i / 200 % 3)) {
        KrEvent event = draw_event(&seed, round % 6 == 5 ? i % 5 : round % 6, sequence++);
        KrStatus status = kr_event_queue_push(&queue, &event);
        assert_int_equal(status, naive.n == capacity ? KR_ERROR_LIMIT : KR_OK);
        n_refused += status != KR_OK;
        n_pushed += status == KR_OK;
        if (status == KR_OK) naive.events[naive.n++] = event;
      } else {
        n_popped += naive.n != 0;
        expect_pop(&queue, &naive);
      }
      assert_int_equal(queue.n, naive.n);
    }
    assert_true(queue.n_pushed == n_pushed && queue.n_popped == n_popped);
    assert_true(queue.n_refused == n_refused && queue.max_n <= capacity);
    while (naive.n != 0) expect_pop(&queue, &naive);
    expect_pop(&queue, &naive);
    assert_int_equal(arena.n_bytes, n_bytes);
    kr_arena_deinit(&arena);
  }
}

#define N_MANY 30000

/// Where an event of one step of a long run may lie after `now`.
static KrRatio draw_later(uint64_t *seed, KrRatio now, int phase) {
  KrRatio later;
  uint64_t span = phase == 0 ? 1000000 : phase == 1 ? 50 : phase == 2 ? 1 : 100000000;
  int64_t wait = (int64_t)draw_below(seed, span + 1);
  if (draw_below(seed, 500) == 0) wait += INT64_C(1000000000000);
  assert_int_equal(kr_ratio_add(now, ratio(wait, 1000000), &later), KR_OK);
  return later;
}

/// As a running piece uses it: the first goes, later ones come, at densities that change by powers
/// of ten. What went comes in order and complete.
static void many_events_leave_in_order(void **state) {
  (void)state;
  static KrEvent gone[4 * N_MANY], model[4 * N_MANY], scratch[4 * N_MANY];
  uint64_t seed = 55, sequence = 0;
  for (uint32_t capacity = 1000; capacity <= 64000; capacity *= 4) {
    KrArena arena;
    KrEventQueue queue;
    uint32_t n_model = 0, n_gone = 0;
    KrRatio now = KR_RATIO_ZERO;
    kr_arena_init(&arena, NULL);
    assert_int_equal(kr_event_queue_prepare(&queue, &arena, capacity), KR_OK);
    for (int i = 0; i < 3 * N_MANY; i++) {
      int phase = i / 10000 % 4;
      for (uint64_t n = draw_below(&seed, phase == 3 ? 2 : 4); n > 0 && queue.n < capacity; n--) {
        KrEvent event = {draw_later(&seed, now, phase), (int32_t)draw_below(&seed, 2),
                         (uint32_t)draw_below(&seed, 2), sequence++, 0};
        if (n_model == 4 * N_MANY) break;
        assert_int_equal(kr_event_queue_push(&queue, &event), KR_OK);
        model[n_model++] = event;
      }
      if (kr_event_queue_pop(&queue, &gone[n_gone])) now = gone[n_gone++].time;
    }
    while (kr_event_queue_pop(&queue, &gone[n_gone])) n_gone++;
    assert_int_equal(n_gone, n_model);
    (void)kr_event_sort(model, n_model, scratch);
    for (uint32_t i = 0; i < n_model; i++) {
      // Events of one instant may come after others of it have gone.
      assert_int_equal(kr_ratio_compare(gone[i].time, model[i].time), 0);
    }
    (void)kr_event_sort(gone, n_gone, scratch);
    assert_memory_equal(gone, model, n_model * sizeof *model);
    kr_arena_deinit(&arena);
  }
}

/// Filled at once and emptied at once, each kind of time: exactly the sorted list.
static void a_filled_queue_leaves_sorted(void **state) {
  (void)state;
  static KrEvent events[N_MANY], scratch[N_MANY];
  uint64_t seed = 56;
  KrArena arena;
  KrEventQueue queue;
  kr_arena_init(&arena, NULL);
  assert_int_equal(kr_event_queue_prepare(&queue, &arena, N_MANY), KR_OK);
  for (int kind = 0; kind < 12; kind++) {
    for (uint32_t i = 0; i < N_MANY; i++) {
      events[i] = draw_event(&seed, kind % 6 == 5 ? (int)(i % 5) : kind % 6, i);
      assert_int_equal(kr_event_queue_push(&queue, &events[i]), KR_OK);
    }
    assert_int_equal(kr_event_queue_push(&queue, &events[0]), KR_ERROR_LIMIT);
    (void)kr_event_sort(events, N_MANY, scratch);
    for (uint32_t i = 0; i < N_MANY; i++) {
      KrEvent event;
      assert_true(kr_event_queue_pop(&queue, &event));
      assert_memory_equal(&event, &events[i], sizeof event);
    }
    assert_int_equal(queue.n, 0);
  }
  kr_arena_deinit(&arena);
}

/// Always full and always at one instant, for many times what fits.
static void events_of_one_instant_leave_as_they_came(void **state) {
  (void)state;
  static const uint32_t capacities[] = {1, 2, 7, 1000, 5000};
  for (size_t c = 0; c < sizeof capacities / sizeof *capacities; c++) {
    KrArena arena;
    KrEventQueue queue;
    KrEvent event = {ratio(1, 3), 0, 0, 0, 0}, first;
    uint32_t capacity = capacities[c];
    kr_arena_init(&arena, NULL);
    assert_int_equal(kr_event_queue_prepare(&queue, &arena, capacity), KR_OK);
    for (uint64_t i = 0; i < 5 * capacity + 20; i++) {
      if (i >= capacity) {
        assert_true(kr_event_queue_pop(&queue, &first));
        assert_int_equal(first.sequence, i - capacity);
      }
      event.sequence = i;
      assert_int_equal(kr_event_queue_push(&queue, &event), KR_OK);
    }
    kr_arena_deinit(&arena);
  }
}

static void popping_stops_before_a_time(void **state) {
  (void)state;
  KrArena arena;
  KrEventQueue queue;
  KrEvent event;
  kr_arena_init(&arena, NULL);
  assert_int_equal(kr_event_queue_prepare(&queue, &arena, 4), KR_OK);
  for (int i = 3; i >= 0; i--) {
    event = (KrEvent){ratio(i, 3), 0, 0, 0, (uint64_t)i};
    assert_int_equal(kr_event_queue_push(&queue, &event), KR_OK);
  }
  assert_int_equal(kr_event_queue_push(&queue, &event), KR_ERROR_LIMIT);
  assert_int_equal(queue.n_refused, 1);
  event.time = ratio(-1, 3);
  assert_int_equal(kr_event_queue_push(&queue, &event), KR_ERROR_ARGUMENT);
  assert_int_equal(queue.n_refused, 1);
  for (uint64_t i = 0; i < 2; i++) {
    assert_true(kr_event_queue_pop_before(&queue, ratio(2, 3), &event));
    assert_int_equal(event.payload, i);
  }
  assert_false(kr_event_queue_pop_before(&queue, ratio(2, 3), &event));
  assert_int_equal(queue.n, 2);
  kr_event_queue_reset(&queue);
  assert_true(queue.n == 0 && queue.n_pushed == 0 && queue.max_n == 0);
  assert_null(kr_event_queue_find_first(&queue));
  assert_false(kr_event_queue_pop_before(&queue, ratio(100, 1), &event));
  kr_arena_deinit(&arena);
}

static void *refuse(void *user, size_t n_bytes) {
  (void)n_bytes;
  (*(int *)user)++;
  return NULL;
}

static void ignore(void *user, void *at) {
  (void)user;
  (void)at;
}

static void a_queue_without_memory_is_refused(void **state) {
  (void)state;
  int n_asked = 0;
  KrAllocator allocator = {refuse, ignore, &n_asked};
  KrArena arena;
  KrEventQueue queue;
  kr_arena_init(&arena, &allocator);
  assert_int_equal(kr_event_queue_prepare(&queue, &arena, 10), KR_ERROR_MEMORY);
  assert_int_equal(n_asked, 1);
  assert_int_equal(kr_event_queue_prepare(&queue, &arena, 0), KR_ERROR_ARGUMENT);
  assert_int_equal(kr_event_queue_prepare(&queue, &arena, KR_EVENT_MAX_CAPACITY + 1),
                   KR_ERROR_ARGUMENT);
  kr_arena_deinit(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keys_are_the_first_64_fraction_bits),
      cmocka_unit_test(the_order_equals_the_model),
      cmocka_unit_test(sorting_is_stable),
      cmocka_unit_test(the_queue_equals_the_model),
      cmocka_unit_test(many_events_leave_in_order),
      cmocka_unit_test(a_filled_queue_leaves_sorted),
      cmocka_unit_test(events_of_one_instant_leave_as_they_came),
      cmocka_unit_test(popping_stops_before_a_time),
      cmocka_unit_test(a_queue_without_memory_is_refused),
  };
  return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}

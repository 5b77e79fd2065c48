// Envelopes over a gate: where a segment began, from which level, and its value at any age.
// An onset of residual r at tick n: age at tick n + j is max(0, j - r) ticks, and the output of
// tick n is old r + new (1 - r), old being the value without the event. A release crosses over
// likewise.
#ifndef KR_PASS
#include "ops/kernel.h"

enum { FIELD_FROM, FIELD_RESIDUAL, FIELD_AGE, FIELD_STAGE, FIELD_GATE, FIELD_RATE, FIELD_CURVE };
enum { STAGE_OFF, STAGE_ON };
enum { TIME_ATTACK, TIME_DECAY, TIME_SUSTAIN, TIME_RELEASE, N_TIMES };
typedef enum Kind { KIND_ADSR, KIND_AR, KIND_PERC } Kind;
// Inlined into every envelope these would be most of the program.
#define APART static __attribute__((noinline))

#define KR_SELF "ops/envelopes.c"
#include "ops/passes.h"

#ifdef KR_ROWS
static KrStatus prepare_envelope(const KrPrep *prep, const char **message) {
  double curve = prep->port[kr_op_ports(prep->op) - 1].value;
  if (!(curve >= -16 && curve <= 16)) {
    *message = "curve must be -16 to 16";
    return KR_ERROR_ARGUMENT;
  }
  kr_prep_put(prep, FIELD_CURVE, 0, curve);
  kr_prep_put_ratio(prep, FIELD_RATE, (KrRatio){prep->dt.den, prep->dt.num}, 0);
  return KR_OK;
}

#define GATE                                                                                       \
  { "gate", KR_PORT_GATE, "", NULL, NULL, NULL, "above 0: held; carries its onsets" }
#define TIME(name, preset, doc) SIGNAL(name, "s", preset, "0..", doc)
#define CURVE                                                                                      \
  SETTING("curve", "", "0", "-16..16",                                                             \
          "0: straight; c: (e^(c x) - 1) / (e^c - 1) of each segment, negative starts fast")
#define FIELDS                                                                                     \
  .field = {STATE("from", CALL, 1),  STATE("residual", CALL, 1), STATE("age", I32, 1),             \
            STATE("stage", BOOL, 1), STATE("gate", BOOL, 1),     COEF("rate", CALL, 1),            \
            COEF("curve", CALL, 1)}
#define FAMILY                                                                                     \
  .family = "envelopes", FIELDS, .prepare = prepare_envelope,                                      \
  .flags = KR_OP_HOLDS | KR_OP_ENDS | KR_OP_JOINS
static const KrOp OPS[] = {
    {.name = "adsr",
     FAMILY,
     .run = RUN_REAL(adsr),
     .in = {GATE, TIME("attack", "10ms", "from the present level to 1"),
            TIME("decay", "100ms", "from 1 to sustain"),
            SIGNAL("sustain", "", "0.7", "0..1", "level while held"),
            TIME("release", "200ms", "to 0 after the gate"), CURVE},
     .doc = "Attack, decay, sustain, release; restarts from its present level at every onset"},
    {.name = "ar",
     FAMILY,
     .run = RUN_REAL(ar),
     .in = {GATE, TIME("attack", "10ms", "from the present level to 1"),
            TIME("release", "200ms", "to 0 after the gate"), CURVE},
     .doc = "Attack to 1, held while the gate is, then release"},
    {.name = "perc",
     FAMILY,
     .run = RUN_REAL(perc),
     .in = {GATE, TIME("attack", "1ms", "from the present level to 1"),
            TIME("release", "200ms", "to 0 right after it"), CURVE},
     .doc = "Attack to 1 and straight on to 0, however long the gate"},
};
KR_FAMILY_DEFINE(envelopes, "envelopes");
#endif
KR_KERNELS(envelopes, KR_REALS(adsr), KR_REALS(ar), KR_REALS(perc));

#else
#include "ops/pass.h"
#undef ONE // of one lane
#if KR_PASS == 32
#define ONE(name) name##_one_f32
#else
#define ONE(name) name##_one_f64
#endif

// Ages in ticks since the event: integers, in f64 whole numbers.
#if KR_PASS == 32
typedef VI WN(Age);
KR_INLINE V WN(age)(WN(Age) age) { return VF(of_int)(age); }
#else
typedef V WN(Age);
KR_INLINE V WN(age)(WN(Age) age) { return age; }
#endif
// Where the lanes of one vector stand: residual is the event's part of a tick; `on`, `gate` and
// `struck` are masks, the last of lanes with an event in this call.
typedef struct WN(Lanes) {
  V from, residual, rate, curve;
  VI on, gate, struck;
  WN(Age) age;
} WN(Lanes);
KR_INLINE WN(Age) WN(later)(WN(Age) age, uint32_t n_ticks) {
#if KR_PASS == 32
  return age + (INT)n_ticks;
#else
  return age + (REAL)n_ticks;
#endif
}

// Part x (0..1) of a segment, bent.
KR_INLINE V WN(bend)(V x, V curve) {
  V whole = WN(growth)(VF(abs)(curve)), part = WN(growth)(VF(abs)(curve) * x);
  // (e^-z - 1) / (e^-w - 1) = (part / whole) (1 + whole) / (1 + part)
  V up = part / whole, down = up * ((1 + whole) / (1 + part));
  return VF(select)(VF(lt)(VF(all)(0), curve), up, down);
}

// A segment: a + slope (age - start), or a + b bend((age - start) per_tick) in the lanes of `bent`;
// to the age `end`. After the last one a and nothing more: b and slope are -0.
typedef struct WN(Line) {
  V a, b, slope, per_tick, start, end, curve;
  VI bent;
} WN(Line);
KR_INLINE V WN(line_value)(const WN(Line) * line, V age, const bool bent) {
  V ticks = age - line->start, value = line->a + line->slope * ticks;
  if (!bent) return value;
  V part = WN(bend)(ticks * line->per_tick, line->curve);
  return VF(select)(line->bent, line->a + line->b * part, value);
}
KR_INLINE VI WN(flat)(V b) { return VF(eq_bits)(VF(bits)(b), VF(bits)(VF(all)((REAL)-0.0))); }

// `times` in seconds but for the sustain level.
KR_INLINE WN(Line) WN(line_at)(const WN(Lanes) * lanes, V age, V residual, const V *times) {
  V attack = times[TIME_ATTACK] * lanes->rate, decay = times[TIME_DECAY] * lanes->rate;
  V release = times[TIME_RELEASE] * lanes->rate, sustain = times[TIME_SUSTAIN];
  V top = residual + attack, settled = top + decay, gone = residual + release;
  VI on = lanes->on, rises = on & VF(lt)(age, top), later = on & ~VF(lt)(age, top);
  VI falls = later & VF(lt)(age, settled), ends = ~on & VF(lt)(age, gone);
  V from = lanes->from, never = VF(all)((REAL)0x1p126), ticks = VF(where)(ends, release);
  WN(Line) line = {.a = VF(where)(later, sustain), .b = VF(all)((REAL)-0.0), .curve = lanes->curve};
  line.a = VF(select)(falls, VF(all)(1), VF(select)(rises | ends, from, line.a));
  line.b = VF(select)(falls, sustain - 1, VF(select)(ends, -from, line.b));
  line.b = VF(select)(rises, 1 - from, line.b);
  line.start = VF(select)(falls, top, residual);
  line.end = VF(select)(rises, top, VF(select)(falls, settled, VF(select)(ends, gone, never)));
  // Less than a tick is no time: the slope stays finite.
  ticks = VF(select)(rises, attack, VF(select)(falls, decay, ticks));
  line.per_tick = VF(lesser)(1 / ticks, VF(all)((REAL)0x1p20));
  line.slope = VF(select)(WN(flat)(line.b), line.b, line.b * line.per_tick);
  line.bent = ~WN(flat)(line.b) & ~VF(eq)(lanes->curve, VF(all)(0));
  return line;
}

// The level from which it goes on right after an event: line_at(…).a at age 0 of residual 0.
KR_INLINE V WN(fresh_at)(const WN(Lanes) * lanes, const V *times) {
  V zero = VF(all)(0), attack = times[TIME_ATTACK] * lanes->rate;
  V decay = times[TIME_DECAY] * lanes->rate, release = times[TIME_RELEASE] * lanes->rate;
  V held = VF(select)(VF(lt)(zero, attack + decay), VF(all)(1), times[TIME_SUSTAIN]);
  held = VF(select)(VF(lt)(zero, attack), lanes->from, held);
  return VF(select)(lanes->on, held, VF(where)(VF(lt)(zero, release), lanes->from));
}

// One call: inputs and fields of all lanes. Events end what is held unless `percussive`.
typedef struct WN(Envelope) {
  const KrCall *call;
  size_t strides[8];
  const REAL *times[N_TIMES];
  size_t time_strides[N_TIMES];
  REAL *from, *residual;
  int32_t *age;
  uint8_t *stage, *gate;
  const REAL *rate, *curve;
  bool percussive, bent, held; // held: no time moves
  uint64_t rows;               // bit per tick: there may be an event in it
} WN(Envelope);

// A negative time, or one that is no number, is none.
KR_INLINE void WN(times_at)(const WN(Envelope) * e, uint32_t t, uint32_t v, V *times) {
  for (int i = 0; i < N_TIMES; i++) {
    times[i] = VF(load)(e->times[i] + t * e->time_strides[i] + v);
    if (i != TIME_SUSTAIN) times[i] = VF(greater)(times[i], VF(all)(0));
  }
}
KR_INLINE VI WN(held_at)(const WN(Envelope) * e, uint32_t t, uint32_t v) {
  return VF(lt)(VF(all)(0), VF(load)((const REAL *)e->call->in[0] + t * e->strides[0] + v));
}
// Ages that do not fit go on as the greatest that lasts for a tile.
KR_INLINE WN(Lanes) WN(lanes_of)(const WN(Envelope) * e, uint32_t v) {
  enum { OLDEST = INT32_MAX - KR_TILE };
  WN(Lanes)
  lanes = {.from = VF(load)(e->from + v),
           .residual = VF(load)(e->residual + v),
           .rate = VF(load)(e->rate + v),
           .curve = VF(load)(e->curve + v),
           .on = VF(mask_of)(e->stage + v),
           .gate = VF(mask_of)(e->gate + v),
           .struck = VF(all_bits)(0)};
#if KR_PASS == 32
  VI age = VF(load_bits)(e->age + v), most = VF(all_bits)(OLDEST);
  lanes.age = VF(select_bits)(VF(ult)((VU)most, (VU)age), most, age);
#else
  REAL age[VN];
  for (uint32_t l = 0; l < VN; l++)
    age[l] = (REAL)(e->age[v + l] < OLDEST ? e->age[v + l] : OLDEST);
  lanes.age = VF(load)(age);
#endif
  return lanes;
}
KR_INLINE int32_t WN(older)(int32_t age, int32_t n_ticks) {
  int32_t left = INT32_MAX - age;
  return age + (n_ticks < left ? n_ticks : left);
}
// After the call.
KR_INLINE void WN(keep_lanes)(const WN(Envelope) * e, uint32_t v, const WN(Lanes) * lanes) {
  const int32_t n = (int32_t)e->call->n;
  INT on[VN], gate[VN], struck[VN];
#if KR_PASS == 32
  INT age[VN];
  VF(store_bits)(age, lanes->age);
#else
  REAL age[VN];
  VF(store)(age, lanes->age);
#endif
  VF(store)(e->from + v, lanes->from);
  VF(store)(e->residual + v, lanes->residual);
  VF(store_bits)(on, lanes->on);
  VF(store_bits)(gate, lanes->gate);
  VF(store_bits)(struck, lanes->struck);
  for (uint32_t l = 0; l < VN; l++) {
    e->age[v + l] = struck[l] != 0 ? (int32_t)age[l] : WN(older)(e->age[v + l], n);
    e->stage[v + l] = on[l] != 0;
    e->gate[v + l] = gate[l] != 0;
  }
}

KR_INLINE WN(Line)
    WN(line_now)(const WN(Envelope) * e, uint32_t v, uint32_t t, const WN(Lanes) * lanes) {
  V times[N_TIMES];
  WN(times_at)(e, t, v, times);
  return WN(line_at)(lanes, WN(age)(lanes->age), lanes->residual, times);
}
// How many of the next n ticks lie before the end of `line` in every lane: at least one.
KR_INLINE uint32_t WN(find_end)(const WN(Lanes) * lanes, const WN(Line) * line, uint32_t n) {
  if (!VF(any)(~VF(lt)(WN(age)(WN(later)(lanes->age, n - 1)), line->end))) return n;
  uint32_t found = 0;
  for (uint32_t step = KR_TILE / 2; step > 0; step /= 2) {
    bool ends = VF(any)(~VF(lt)(WN(age)(WN(later)(lanes->age, found + step - 1)), line->end));
    found += ends ? 0 : step;
  }
  return found > 0 ? found : 1;
}
// Whether it is known where the gate moves; its rows are there in these ticks only.
KR_INLINE bool WN(has_edges)(const WN(Envelope) * e) {
  return e->call->voice != NULL && e->call->voice->edges != NULL;
}
// Ticks t..end of one vector, no event in them.
KR_INLINE void WN(run_plain)(const WN(Envelope) * e, uint32_t v, uint32_t t, uint32_t end,
                             WN(Lanes) * lanes) {
  REAL *restrict out = (REAL *)e->call->out[0] + t * KR_WIDTH + v;
  WN(Age) age = lanes->age;
  while (t < end) {
    const WN(Line) line = WN(line_now)(e, v, t, lanes);
    uint32_t stop = e->held ? t + WN(find_end)(lanes, &line, end - t) : t + 1;
    if (e->bent)
      for (; t < stop; t++, out += KR_WIDTH, age += 1)
        VF(store)(out, WN(line_value)(&line, WN(age)(age), true));
    else
      for (; t < stop; t++, out += KR_WIDTH, age += 1)
        VF(store)(out, WN(line_value)(&line, WN(age)(age), false));
    lanes->age = age;
  }
  if (!WN(has_edges)(e)) lanes->gate = WN(held_at)(e, end - 1, v);
}

// The ticks in which some lane may begin or end: where a gate moves, an onset and the tick after
// it, whose gate may be down already, and the first, of which the one before is not known.
static uint64_t WN(find_rows)(const WN(Envelope) * e) {
  const KrCall *call = e->call;
  const uint8_t *onsets = call->in[1];
  if (WN(has_edges)(e)) return *call->voice->edges;
  // What does not move has no event in its second tick, but for onsets in every one.
  if (e->strides[0] == 0 && onsets == NULL) return call->n > 1 ? 3 : 1;
  uint64_t rows = 1;
  VI before[KR_WIDTH / VN];
  for (uint32_t i = 0; i < KR_WIDTH / VN; i++) before[i] = WN(held_at)(e, 0, i * VN);
  for (uint32_t t = 0; t < call->n; t++) {
    uint64_t some[2] = {0, 0};
    VI moves = VF(all_bits)(0);
    for (uint32_t i = 0; i < KR_WIDTH / VN; i++) {
      VI held = WN(held_at)(e, t, i * VN);
      moves |= held ^ before[i];
      before[i] = held;
    }
    if (onsets != NULL) __builtin_memcpy(some, onsets + t * e->strides[1], KR_WIDTH);
    if ((some[0] | some[1]) != 0) rows |= UINT64_C(3) << t;
    if (VF(any)(moves)) rows |= UINT64_C(1) << t;
  }
  return call->n < 64 ? rows & ((UINT64_C(1) << call->n) - 1) : rows;
}

// The first of them from `t` with an onset or a release in some lane of the vector, n when there is
// none.
KR_INLINE uint32_t WN(next_event)(const WN(Envelope) * e, uint32_t v, uint32_t t,
                                  const WN(Lanes) * lanes) {
  const uint8_t *onsets = e->call->in[1];
  VI on = e->percussive ? VF(all_bits)(0) : lanes->on, before = lanes->gate;
  for (uint64_t left = t < KR_TILE ? e->rows >> t : 0; left != 0; left >>= 1, t++) {
    uint32_t still = (uint32_t)__builtin_ctzll(left);
    t += still, left >>= still;
    VI held = WN(held_at)(e, t, v), busy = on & ~held;
    if (WN(has_edges)(e))
      busy = held ^ before;
    else
      busy |= onsets == NULL ? held & ~before : VF(mask_of)(onsets + t * e->strides[1] + v);
    before = held;
    if (VF(any)(busy)) return t;
  }
  return e->call->n;
}

KR_INLINE V WN(residual_at)(const WN(Envelope) * e, uint32_t input, uint32_t t, uint32_t v) {
  const REAL *from = e->call->in[input];
  V r = from == NULL ? VF(all)(0) : VF(load)(from + t * e->strides[input] + v);
  return VF(where)(VF(le)(VF(all)(0), r) & VF(lt)(r, VF(all)(1)), r);
}
// The voices that begin at tick t, which are crossed over as a whole.
KR_INLINE VI WN(is_born)(const KrCall *call, uint32_t t, uint32_t v) {
  INT first[VN];
  if (call->voice == NULL) return VF(all_bits)(0);
  for (uint32_t l = 0; l < VN; l++) first[l] = -(INT)(call->voice->born[v + l] == call->tick + t);
  return VF(load_bits)(first);
}
// Tick t, in which lanes begin or end: from the value without that to the new one by the residual.
KR_INLINE void WN(run_event)(const WN(Envelope) * e, uint32_t v, uint32_t t, WN(Lanes) * lanes) {
  const KrCall *call = e->call;
  const uint8_t *onsets = call->in[1];
  V times[N_TIMES];
  WN(times_at)(e, t, v, times);
  VI held = WN(held_at)(e, t, v);
  VI begins = onsets == NULL ? held & ~lanes->gate : VF(mask_of)(onsets + t * e->strides[1] + v);
  VI ends = e->percussive ? VF(all_bits)(0) : lanes->on & ~begins & ~held, moves = begins | ends;
  V age = WN(age)(lanes->age);
  const WN(Line) old = WN(line_at)(lanes, age, lanes->residual, times);
  V before = e->bent ? WN(line_value)(&old, age, true) : WN(line_value)(&old, age, false);
  V r = VF(select)(begins, WN(residual_at)(e, 2, t, v), WN(residual_at)(e, 3, t, v));
  lanes->from = VF(select)(moves, WN(keep)(before), lanes->from);
  lanes->residual = VF(select)(moves, r, lanes->residual);
  lanes->on = (lanes->on | begins) & ~ends;
  lanes->gate = held;
  lanes->struck |= moves;
  const V fresh = WN(fresh_at)(lanes, times);
  r = VF(where)(~(begins & WN(is_born)(call, t, v)), r);
  V out = VF(select)(moves, before * r + fresh * (1 - r), before);
  VF(store)((REAL *)call->out[0] + t * KR_WIDTH + v, out);
#if KR_PASS == 32
  lanes->age = VF(select_bits)(moves, VF(all_bits)(1), lanes->age + 1);
#else
  lanes->age = VF(select)(moves, VF(all)(1), lanes->age + 1);
#endif
}

// One vector through the tile, from its first event on.
APART void WN(run_vector)(const WN(Envelope) * e, uint32_t v, uint32_t event, WN(Lanes) * lanes) {
  for (uint32_t t = 0, n = e->call->n; t < n; t = event + 1) {
    if (t > 0) event = WN(next_event)(e, v, t, lanes);
    if (event > t) WN(run_plain)(e, v, t, event, lanes);
    if (event < n) WN(run_event)(e, v, event, lanes);
  }
}

// Where no lane has an event: whether all stay at one level, which is one row then.
static bool WN(is_flat)(const WN(Envelope) * e, const WN(Lanes) * lanes) {
  bool flat = e->held && e->call->held_out != NULL;
  WN(Line) line[KR_WIDTH / VN];
  for (uint32_t i = 0; i < KR_WIDTH / VN && flat; i++) {
    line[i] = WN(line_now)(e, i * VN, 0, &lanes[i]);
    flat = !VF(any)(~WN(flat)(line[i].b));
  }
  for (uint32_t i = 0; i < KR_WIDTH / VN && flat; i++)
    VF(store)((REAL *)e->call->out[0] + i * VN, line[i].a);
  if (flat) *e->call->held_out |= 1;
  return flat;
}

// Gates and ages after a tile without events.
KR_INLINE void WN(keep_quiet)(const WN(Envelope) * e) {
  const REAL *gates = (const REAL *)e->call->in[0] + (e->call->n - 1) * e->strides[0];
  const int32_t n = (int32_t)e->call->n;
  int32_t age[KR_WIDTH];
  __builtin_memcpy(age, e->age, sizeof age);
  for (uint32_t l = 0; l < KR_WIDTH; l++) age[l] = WN(older)(age[l], n);
  __builtin_memcpy(e->age, age, sizeof age);
  for (uint32_t l = 0; !WN(has_edges)(e) && l < KR_WIDTH; l++) e->gate[l] = gates[l] > 0;
}

static void WN(run_tile)(const WN(Envelope) * e) {
  WN(Lanes) lanes[KR_WIDTH / VN];
  uint32_t event[KR_WIDTH / VN], n = e->call->n;
  bool quiet = true;
  for (uint32_t i = 0; i < KR_WIDTH / VN; i++) {
    lanes[i] = WN(lanes_of)(e, i * VN);
    event[i] = WN(next_event)(e, i * VN, 0, &lanes[i]);
    quiet = quiet && event[i] == n;
  }
  bool flat = quiet && WN(is_flat)(e, lanes);
  for (uint32_t i = 0; i < KR_WIDTH / VN && !flat; i++)
    WN(run_vector)(e, i * VN, event[i], &lanes[i]);
  for (uint32_t i = 0; i < KR_WIDTH / VN && !quiet; i++) WN(keep_lanes)(e, i * VN, &lanes[i]);
  if (quiet) WN(keep_quiet)(e);
}

// Is lane l through with its last segment at tick t of the call, all of which has run?
static bool WN(is_over)(const WN(Envelope) * e, uint32_t l, uint32_t t) {
  REAL time[N_TIMES], age = (REAL)(e->age[l] - (int32_t)(e->call->n - t));
  for (int i = 0; i < N_TIMES; i++) {
    REAL x = e->times[i][t * e->time_strides[i] + l];
    time[i] = (x > 0 ? x : 0) * e->rate[l];
  }
  if (!e->percussive) return !(age < e->residual[l] + time[TIME_RELEASE]);
  return !(age < e->residual[l] + time[TIME_ATTACK] + time[TIME_DECAY]);
}

// Vector v of is_over at the last tick, where the stage is the one that ends.
KR_INLINE VI WN(are_over)(const WN(Envelope) * e, uint32_t v) {
  V times[N_TIMES];
  WN(Lanes) lanes = WN(lanes_of)(e, v);
  WN(times_at)(e, e->call->n - 1, v, times);
  for (int i = 0; i < N_TIMES; i++) times[i] *= lanes.rate;
  V end = e->percussive ? lanes.residual + times[TIME_ATTACK] + times[TIME_DECAY]
                        : lanes.residual + times[TIME_RELEASE];
  return (e->percussive ? lanes.on : ~lanes.on) & ~VF(lt)(WN(age)(lanes.age - 1), end);
}

// The first tick at which lane l is over, n when there is none. While no time moves it stays so.
static uint32_t WN(first_over)(const WN(Envelope) * e, uint32_t l) {
  uint32_t t = 0, n = e->call->n;
  if (!e->held) {
    while (t < n && !WN(is_over)(e, l, t)) t++;
    return t;
  }
  for (uint32_t end = n; t < end;) {
    uint32_t middle = (t + end) / 2;
    if (WN(is_over)(e, l, middle))
      end = middle;
    else
      t = middle + 1;
  }
  return t;
}

// Where voices end: those that are released, or struck.
static void WN(find_ends)(const WN(Envelope) * e) {
  const KrCall *call = e->call;
  int64_t *end = call->voice->end;
  INT over[KR_WIDTH];
  for (uint32_t l = 0; l < KR_WIDTH; l++) end[l] = INT64_MAX;
  for (uint32_t v = 0; v < KR_WIDTH; v += VN)
    VF(store_bits)(over + v, e->held ? WN(are_over)(e, v) : VF(all_bits)(-1));
  for (uint32_t left = call->voice->lanes; left != 0; left &= left - 1) {
    uint32_t l = (uint32_t)__builtin_ctz(left);
    if (over[l] == 0 || e->stage[l] != (e->percussive ? STAGE_ON : STAGE_OFF)) continue;
    uint32_t t = WN(first_over)(e, l);
    if (t < call->n) end[l] = call->tick + t;
  }
}

#if KR_WIDE
// The first whole number not below x, at most `most`.
KR_INLINE uint32_t FN(whole_from)(REAL x, uint32_t most) {
  if (!(x < (REAL)most)) return most;
  if (!(x > 0)) return 0;
  uint32_t whole = (uint32_t)x;
  return whole + ((REAL)whole < x);
}
/// One voice as it goes on, times in ticks. life_at is line_at of one lane by branches, for half of
/// the work; what is changed in one is changed in the other.
typedef struct FN(Life) {
  REAL from, residual, curve;
  REAL attack, decay, sustain, release;
  bool on;
} FN(Life);

KR_INLINE ONE(Line) FN(life_at)(const FN(Life) * life, REAL age) {
  const REAL top = life->residual + life->attack, settled = top + life->decay;
  const REAL gone = life->residual + life->release, flat = (REAL)-0.0, never = (REAL)0x1p126;
  ONE(Line)
  line = {.b = flat, .slope = flat, .start = life->residual, .end = never, .curve = life->curve};
  REAL ticks;
  if (life->on && age < top) {
    line.a = life->from, line.b = 1 - life->from, line.end = top, ticks = life->attack;
  } else if (life->on && age < settled) {
    line.a = 1, line.b = life->sustain - 1, line.end = settled, ticks = life->decay;
    line.start = top;
  } else if (!life->on && age < gone) {
    line.a = life->from, line.b = -life->from, line.end = gone, ticks = life->release;
  } else {
    line.a = life->on ? life->sustain : 0;
    return line;
  }
  line.per_tick = 1 / ticks < (REAL)0x1p20 ? 1 / ticks : (REAL)0x1p20;
  if (ONE(flat)(line.b)) return line;
  line.slope = line.b * line.per_tick;
  line.bent = life->curve != 0 ? -1 : 0;
  return line;
}

// Ticks t..end, no event in them, and up to a row after them, which is overwritten.
KR_INLINE void WN(run_ticks)(const FN(Life) * life, uint32_t t, uint32_t end, const bool bent,
                             REAL *out) {
  static const REAL number[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const V numbers = VF(load)(number);
  for (uint32_t age = 1, stop; t < end; t = stop) {
    const ONE(Line) one = FN(life_at)(life, (REAL)age);
    const WN(Line) line = {.a = VF(all)(one.a),
                           .b = VF(all)(one.b),
                           .slope = VF(all)(one.slope),
                           .per_tick = VF(all)(one.per_tick),
                           .start = VF(all)(one.start),
                           .curve = VF(all)(one.curve),
                           .bent = VF(all_bits)(one.bent)};
    uint32_t last = FN(whole_from)(one.end, age + end - t);
    stop = t + (last > age ? last - age : 1);
    V ages = VF(all)((REAL)age) + numbers;
    age += stop - t;
    for (; t < stop; t += KR_LANES)
      for (uint32_t l = 0; l < KR_LANES; l += VN, ages += VN)
        VF(store)(out + t + l, WN(line_value)(&line, ages, bent));
  }
}
KR_INLINE void WN(run_stage)(const FN(Life) * life, uint32_t t, uint32_t end, REAL *out) {
  if (life->curve != 0)
    WN(run_ticks)(life, t, end, true, out);
  else
    WN(run_ticks)(life, t, end, false, out);
}

// The tick of the release, `age` after the onset, which crosses over by the residual r.
KR_INLINE REAL FN(release_life)(FN(Life) * life, uint32_t age, REAL r) {
  const ONE(Line) line = FN(life_at)(life, (REAL)age);
  REAL before = life->curve != 0 ? ONE(line_value)(&line, (REAL)age, true)
                                 : ONE(line_value)(&line, (REAL)age, false);
  life->from = FN(keep)(before);
  life->residual = r;
  life->on = false;
  return before * r + (life->release > 0 ? life->from : 0) * (1 - r);
}

// The input of a life in ticks; a negative time, or one that is no number, is none.
KR_INLINE REAL FN(life_ticks)(const KrCall *call, uint32_t input) {
  REAL time = ((const REAL *)call->in[input])[0];
  return (time > 0 ? time : 0) * ((const REAL *)call->field[FIELD_RATE])[0];
}
KR_INLINE REAL FN(life_residual)(const KrCall *call, uint32_t input) {
  const REAL *r = call->in[input];
  return r != NULL && r[0] >= 0 && r[0] < 1 ? r[0] : 0;
}

// The life of one voice: it begins from 0, and is 0 once it is over.
KR_INLINE void WN(run_life)(const KrCall *call, const Kind kind) {
  const uint32_t n = call->n * KR_LANES;
  const bool percussive = kind == KIND_PERC;
  const REAL last = FN(life_residual)(call, 3);
  REAL *out = call->out[0];
  FN(Life)
  life = {.residual = FN(life_residual)(call, 2),
          .curve = ((const REAL *)call->field[FIELD_CURVE])[0],
          .attack = FN(life_ticks)(call, 4),
          .decay = kind == KIND_AR ? 0 : FN(life_ticks)(call, 5),
          .sustain = kind == KIND_AR     ? 1
                     : kind == KIND_PERC ? 0
                                         : ((const REAL *)call->in[6])[0],
          .release = FN(life_ticks)(call, kind == KIND_ADSR ? 7 : 5),
          .on = true};
  uint32_t release = !percussive && call->life->release < n ? (uint32_t)call->life->release : n;
  REAL over = percussive ? life.residual + life.attack + life.decay : last + life.release;
  uint32_t end = FN(whole_from)(over, n) + (percussive ? 0 : release);
  *call->life->end = end < n ? end : INT64_MAX;
  if (end >= n) return;
  out[0] = 0 < life.attack ? 0 : 0 < life.attack + life.decay ? 1 : 0 + life.sustain;
  WN(run_stage)(&life, 1, release < end ? release : end, out);
  uint32_t from = end > 1 ? end : 1;
  if (release < n) {
    out[release] = FN(release_life)(&life, release, last);
    WN(run_stage)(&life, release + 1, end, out);
    if (from <= release) from = release + 1;
  }
  for (; from < n; from += VN) VF(store)(out + from, VF(all)(0));
}
#endif

// What a kind is made of, by input: sustain 0 and 1 are rows of their own.
static void WN(choose_times)(WN(Envelope) * e, const Kind kind) {
  static const REAL zeros[KR_WIDTH] = {0};
  static const REAL ones[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  int second = kind == KIND_ADSR ? 7 : 5, inputs[N_TIMES] = {4, 5, 6, second};
  e->held = true;
  for (int i = 0; i < N_TIMES; i++) {
    e->times[i] = kind == KIND_ADSR || i != TIME_SUSTAIN ? e->call->in[inputs[i]] : zeros;
    e->time_strides[i] = kind == KIND_ADSR || i != TIME_SUSTAIN ? e->strides[inputs[i]] : 0;
  }
  if (kind == KIND_AR) {
    e->times[TIME_DECAY] = zeros, e->time_strides[TIME_DECAY] = 0;
    e->times[TIME_SUSTAIN] = ones;
  }
  for (int i = 0; i < N_TIMES; i++) e->held &= e->time_strides[i] == 0;
}

APART void WN(envelope)(const KrCall *call, const Kind kind) {
#if KR_WIDE
  if (call->life != NULL) {
    WN(run_life)(call, kind);
    return;
  }
#endif
  WN(Envelope)
  e = {.call = call,
       .from = call->field[FIELD_FROM],
       .residual = call->field[FIELD_RESIDUAL],
       .age = call->field[FIELD_AGE],
       .stage = call->field[FIELD_STAGE],
       .gate = call->field[FIELD_GATE],
       .rate = call->field[FIELD_RATE],
       .curve = call->field[FIELD_CURVE],
       .percussive = kind == KIND_PERC};
  FN(strides)(call, KR_WIDTH, kind == KIND_ADSR ? 8 : 6, e.strides);
  WN(choose_times)(&e, kind);
  for (uint32_t v = 0; v < KR_WIDTH; v += VN)
    e.bent |= VF(any)(~VF(eq)(VF(load)(e.curve + v), VF(all)(0)));
  e.rows = WN(find_rows)(&e);
  WN(run_tile)(&e);
  if (call->voice != NULL) WN(find_ends)(&e);
}

#define ENVELOPE(name, kind)                                                                       \
  static void WN(name)(const KrCall *call) { WN(envelope)(call, kind); }
ENVELOPE(adsr, KIND_ADSR)
ENVELOPE(ar, KIND_AR)
ENVELOPE(perc, KIND_PERC)
#undef ENVELOPE
#if KR_WIDE
KR_BY_WIDTH(adsr)
KR_BY_WIDTH(ar)
KR_BY_WIDTH(perc)
#endif
#endif

// Tones that are more than a shape of one phase: two operators of frequency modulation, cycles from
// a table, a plucked string.
#ifndef KR_PASS
#include "math/elementary.h"
#include "math/fft.h"
#include "math/philox.h"
#include "ops/phases.h"

enum { FM_PHASE = FIELD_OWN, FM_INCREMENT, FM_FIXED, FM_LAST };
enum { TABLE_WAVES = FIELD_OWN, TABLE_SHAPE };
enum { SHAPE_CYCLES, SHAPE_LEVELS, SHAPE_BITS, N_SHAPE };
enum { PORT_FREQ = 1, MAX_POINTS = 1 << 16, MAX_CYCLE = 1 << 14, POINTS_PER_TURN = 16 };
enum {
  PLUCK_LINE,
  PLUCK_AGE,
  PLUCK_GATE,
  PLUCK_RESIDUAL,
  PLUCK_LEVEL,
  PLUCK_LOOP,
  PLUCK_BLOCK,
  PLUCK_RATE,
  PLUCK_POLE,
  PLUCK_SIZE,
  PLUCK_KEY,
  PLUCK_STREAM
};
enum { IN_GATE, IN_FREQ = 4, IN_DAMP, IN_DECAY, IN_RELEASE, N_PLUCK };

#define KR_SELF "ops/tones.c"
#include "ops/passes.h"

#ifdef KR_ROWS
// The modulator's frequency is constant when both factors are.
static KrStatus prepare_fm(const KrPrep *prep, const char **message) {
  (void)message;
  const KrPortValue *freq = &prep->port[0], *ratio = &prep->port[1];
  kr_prep_phase(prep, freq, NULL);
  bool fixed = freq->kind == KR_VALUE_CONST && ratio->kind == KR_VALUE_CONST;
  KrPortValue product = {.kind = KR_VALUE_CONST, .value = freq->value * ratio->value};
  product.exact = fixed && freq->exact && ratio->exact &&
                  kr_ratio_mul(freq->ratio, ratio->ratio, &product.ratio) == KR_OK;
  if (fixed) FIELD_AT(prep, FM_INCREMENT, uint64_t)[0] = kr_prep_turns(&product, prep->dt);
  FIELD_AT(prep, FM_FIXED, uint8_t)[0] = (uint8_t)(FIXED_PHASE | (fixed ? FIXED_FREQ : 0));
  return KR_OK;
}

// A list of numbers is one cycle, of tuples a cycle each. Its waves are shared by all that read it.
static const char table_kind[] = "cycles";
typedef struct Table {
  uint32_t n_cycles, n_points, n_levels, bits;
} Table;
static bool find_table(const KrPrep *prep, Table *table) {
  const KrPortValue *list = &prep->port[0];
  bool one = list->n_columns == 1;
  *table = (Table){one ? 1 : list->n_points, one ? list->n_points : list->n_columns, 1, 4};
  if (table->n_points < 2 || table->n_points > MAX_CYCLE || table->n_cycles < 1 ||
      (uint64_t)table->n_points * table->n_cycles > MAX_POINTS)
    return false;
  for (uint32_t harmonics = 1; 2 * harmonics < table->n_points; harmonics *= 2)
    table->n_levels++, table->bits++;
  return true;
}
// Bins 0..n/2 of one cycle: by a transform, or by sums where it has none of that size.
static bool find_harmonics(KrArena *arena, const double *x, uint32_t n, double *bins[2]) {
  double *work = KR_NEW_ARRAY(arena, double, 2 * (size_t)n);
  if (work == NULL) return false;
  KrRfft *plan = n % 2 == 0 && kr_rfft_can(n) ? kr_rfft_prepare(arena, n, sizeof *x) : NULL;
  if (plan != NULL) {
    kr_rfft_f64_forward_generic(plan, x, bins[0], bins[1], work);
    return true;
  }
  for (uint32_t i = 0; i < n; i++)
    kr_f64_sincos_turns((double)i / (double)n, &work[n + i], &work[i]);
  for (uint32_t k = 0; k <= n / 2; k++) {
    double re = 0, im = 0;
    for (uint32_t i = 0, at = 0; i < n; i++, at = at + k < n ? at + k : at + k - n)
      re += x[i] * work[at], im -= x[i] * work[n + at];
    bins[0][k] = re, bins[1][k] = im;
  }
  return true;
}
// One cycle at every level, to `to`: the harmonics up to `top` on 16 times as many points, then
// half of both.
static bool put_levels(const KrPrep *prep, const Table *table, const double *x, void *to) {
  uint32_t n = table->n_points, size = UINT32_C(1) << table->bits, at = 0;
  double *bins[2], *part[2], *wave = KR_NEW_ARRAY(prep->arena, double, size);
  double *work = KR_NEW_ARRAY(prep->arena, double, 2 * (size_t)size);
  for (int i = 0; i < 2; i++) {
    bins[i] = KR_NEW_ARRAY(prep->arena, double, n / 2 + 1);
    part[i] = KR_NEW_ARRAY(prep->arena, double, size / 2 + 1);
    if (bins[i] == NULL || part[i] == NULL) return false;
  }
  if (wave == NULL || work == NULL || !find_harmonics(prep->arena, x, n, bins)) return false;
  for (; size >= POINTS_PER_TURN; at += size, size /= 2) {
    KrRfft *plan = kr_rfft_prepare(prep->arena, size, sizeof *wave);
    uint32_t top = size / POINTS_PER_TURN;
    if (plan == NULL) return false;
    for (uint32_t k = 0; k <= size / 2; k++) {
      bool has = k <= top && 2 * k <= n;
      double scale = (double)size / (double)n * (2 * k == n && k > 0 ? 0.5 : 1);
      for (int i = 0; i < 2; i++) part[i][k] = has ? bins[i][k] * scale : 0;
    }
    kr_rfft_f64_inverse_generic(plan, part[0], part[1], wave, work);
    for (uint32_t i = 0; i < size; i++) {
      if (prep->elem == KR_ELEM_F32)
        ((float *)to)[at + i] = (float)wave[i];
      else
        ((double *)to)[at + i] = wave[i];
    }
  }
  return true;
}
static KrStatus prepare_wavetable(const KrPrep *prep, const char **message) {
  Table table;
  if (!find_table(prep, &table)) {
    *message = "a table wants a cycle of 2 to 16384 numbers, or several as tuples: 65536 at most";
    return KR_ERROR_ARGUMENT;
  }
  kr_prep_phase(prep, &prep->port[PORT_FREQ], NULL);
  uint32_t *shape = FIELD_AT(prep, TABLE_SHAPE, uint32_t);
  shape[SHAPE_CYCLES * prep->lanes] = table.n_cycles;
  shape[SHAPE_LEVELS * prep->lanes] = table.n_levels;
  shape[SHAPE_BITS * prep->lanes] = table.bits;
  const double *points = prep->port[0].points;
  size_t bytes = (size_t)kr_elem_bytes(prep->elem) << (table.bits + 1); // of a cycle
  KrTableKey key = {table_kind, points, KR_RATIO_ONE, (uint64_t)prep->elem};
  bool is_new;
  char *waves = kr_prep_table(prep, &key, table.n_cycles * bytes, &is_new);
  FIELD_AT(prep, TABLE_WAVES, uint64_t)[0] = (uint64_t)(uintptr_t)waves;
  for (uint32_t i = 0; is_new && i < table.n_cycles; i++)
    if (!put_levels(prep, &table, points + (size_t)i * table.n_points, waves + i * bytes))
      return KR_ERROR_MEMORY;
  return KR_OK;
}

// The string's longest period and the neighbours of a fraction.
static uint64_t count_line(const KrPrep *prep, uint32_t field) {
  (void)field;
  double ticks = (double)prep->dt.den / (double)prep->dt.num / prep->port[5].value;
  return ticks > 4 && ticks < 1e6 ? (uint64_t)ticks + 4 : 8;
}
static KrStatus prepare_pluck(const KrPrep *prep, const char **message) {
  const KrPortValue *lowest = &prep->port[5], *seed = &prep->port[6];
  double rate = (double)prep->dt.den / (double)prep->dt.num, period = rate / lowest->value;
  if (!(period > 4 && period < 1e6)) {
    *message = "the lowest frequency must be below a fourth of the rate and above a millionth";
    return KR_ERROR_ARGUMENT;
  }
  if (!seed->exact || seed->ratio.den != 1) {
    *message = "the seed must be a whole number";
    return KR_ERROR_ARGUMENT;
  }
  KrRandomKey key = kr_random_key(prep->seed, (uint64_t)seed->ratio.num);
  FIELD_AT(prep, PLUCK_KEY, uint64_t)[0] = (uint64_t)key.word[1] << 32 | key.word[0];
  FIELD_AT(prep, PLUCK_STREAM, uint32_t)[0] = kr_random_stream(prep->path, 0, false);
  FIELD_AT(prep, PLUCK_SIZE, int64_t)[0] = (int64_t)count_line(prep, PLUCK_LINE);
  FIELD_AT(prep, PLUCK_RATE, double)[0] = rate;
  FIELD_AT(prep, PLUCK_POLE, double)[0] = kr_f64_exp(-62.83185307179586 / rate);
  return KR_OK;
}

#define FREQ(range, doc) SIGNAL("freq", "Hz", NULL, range, doc)
#define FAMILY .family = "oscillators"
static const KrOp OPS[] = {
    {.name = "fm",
     FAMILY,
     .run = RUN_REAL(fm),
     .in = {FREQ(KR_RANGE_TO_HALF, "frequency of what is heard"),
            SIGNAL("ratio", "", "1", NULL, "frequency of the modulator in those of the carrier"),
            SIGNAL("index", "", "1", NULL, "how far it moves the carrier's phase, in radians"),
            SIGNAL("feedback", "", "0", "-3..3",
                   "how far it moves its own: radians times the mean of its last two values")},
     .field = {PHASE_FIELDS,
               {"modulator", KR_ELEM_U64, 1, KR_FIELD_STATE | KR_FIELD_AGES},
               COEF("modulation", U64, 1),
               COEF("is_fixed", BOOL, 1),
               STATE("last", CALL, 2)},
     .prepare = prepare_fm,
     .doc = "Two sines, one moving the other's phase; no band limit"},
    {.name = "wavetable",
     FAMILY,
     .run = RUN_REAL(wavetable),
     .in = {{"table", KR_PORT_POINTS, NULL, NULL, NULL, NULL,
             "a cycle [x, ...], or as many as there are tuples [(x, ...), ...]"},
            FREQ(KR_RANGE_TO_HALF, "cycles a second; negative runs backwards"),
            SIGNAL("position", "", "0", "0..1", "0: the first cycle, 1: the last, linear between")},
     .field = {PHASE_FIELDS, COEF("waves", U64, 1), COEF("shape", U32, N_SHAPE)},
     .prepare = prepare_wavetable,
     .doc = "Cycles read at any frequency: harmonics to a third of the rate at least, none that "
            "folds below it; the cubic between points"},
    {.name = "pluck",
     FAMILY,
     .flags = KR_OP_ALONE | KR_OP_ENDS,
     .run = RUN_REAL(pluck),
     .in = {{"gate", KR_PORT_GATE, "", NULL, NULL, NULL, "plucks at onsets; damps when it ends"},
            FREQ("lowest..a fourth of the rate", "frequency of the string"),
            SIGNAL("damp", "", "0.5", "0..1", "how much faster than the rest the treble dies"),
            SIGNAL("decay", "s", "4s", "0.001..", "time to -60 dB while the gate is held"),
            SIGNAL("release", "s", "200ms", "0.001..", "the same after it"),
            SETTING("lowest", "Hz", "20Hz", "above 0", "the string is long enough for this"),
            SETTING("seed", "", "0", NULL, "whole number; decides the noise it is plucked with")},
     .field = {RING("line", CALL, 0), STATE("age", I32, 1), STATE("gate", BOOL, 1),
               STATE("residual", CALL, 1), STATE("level", CALL, 1), STATE("loop", CALL, 2),
               STATE("block", CALL, 2), COEF("rate", F64, 1), COEF("pole", F64, 1),
               COEF("size", I64, 1), COEF("key", U64, 1), COEF("stream", U32, 1)},
     .count = count_line,
     .prepare = prepare_pluck,
     .doc = "Plucked string (Karplus and Strong 1983): a period of noise in a tuned loop; silent "
            "from -90 dB on"},
};
KR_FAMILY_DEFINE(tones, "oscillators");
#endif
KR_KERNELS(tones, KR_REALS(fm), KR_REALS(wavetable), KR_REALS(pluck));

#else
#include "ops/pass.h"

#include "ops/curves.inc"
#include "ops/line.inc"
#include "ops/phase.inc"
#include "ops/strike.inc"

#if !KR_WIDE
// As the vector form of phase.inc.
KR_INLINE VU WN(turn)(V turns) {
#if KR_PASS == 32
  V part = turns - RF(copysign)(RF(floor)(RF(abs)(turns)), turns);
  return (VU)RF(to_i32)(part * 0x1p31f) << 1;
#else
  V part = turns - RF(floor)(turns);
  return (VU)VF(to_int)(part == part ? part * 0x1p62 : 0) << 2;
#endif
}
#endif

// `carrier` and `modulator`: words of both phases.
static void WN(fm_run)(const KrCall *call, const UINT *carrier, const UINT *modulator) {
  const size_t index_stride = kr_call_stride(call, 2), feedback_stride = kr_call_stride(call, 3);
  const REAL *index = call->in[2], *feedback = call->in[3];
  REAL *last = call->field[FM_LAST], *restrict out = call->out[0];
  const REAL radian = (REAL)0.15915494309189534;
  for (uint32_t v = 0; v < KR_WIDTH; v += VN) {
    V one = VF(load)(last + v), two = VF(load)(last + KR_WIDTH + v);
    for (uint32_t t = 0; t < call->n; t++) {
      const uint32_t i = t * KR_WIDTH + v;
      V own = VF(load)(feedback + t * feedback_stride + v) * ((one + two) * (radian / 2));
      VU word = (VU)VF(load_bits)(modulator + i) + WN(turn)(own);
      two = one;
      one = WN(sine_word)(word);
      V moved = VF(load)(index + t * index_stride + v) * (one * radian);
      VF(store)(out + i, WN(sine_word)((VU)VF(load_bits)(carrier + i) + WN(turn)(moved)));
    }
    VF(store)(last + v, one);
    VF(store)(last + KR_WIDTH + v, two);
  }
}
#if KR_WIDE
static void FN(fm)(const KrCall *call) {
  FN(Words) carrier, modulator;
  REAL freq[KR_TILE_SIZE], ratio[KR_TILE_SIZE];
  const bool held = (call->held & 3) == 3;
  const uint32_t n = held ? call->lanes : call->n * call->lanes;
  const REAL *f = held ? call->in[0] : FN(dense)(call, 0, freq);
  const REAL *r = held ? call->in[1] : FN(dense)(call, 1, ratio);
  for (uint32_t i = 0; i < n; i++) ratio[i] = f[i] * r[i];
  KrCall own = *call;
  void *field[] = {call->field[FM_PHASE], call->field[FIELD_OFFSET], call->field[FM_INCREMENT],
                   call->field[FIELD_SCALE], call->field[FM_FIXED]};
  const void *in[] = {ratio};
  own.field = field, own.in = in, own.held = held;
  WN(advance)(call, 0, &carrier);
  WN(advance)(&own, 0, &modulator);
  if (call->lanes == 1)
    FN(fm_run_one)(call, carrier.at, modulator.at);
  else
    FN(fm_run_wide)(call, carrier.at, modulator.at);
}
#else

// The wave of `bits` at a phase.
KR_INLINE REAL FN(wave_at)(const REAL *wave, uint32_t bits, UINT word) {
  const uint32_t mask = (UINT32_C(1) << bits) - 1;
  const uint32_t i = (uint32_t)(word >> (KR_PASS - bits));
#if KR_PASS == 32
  const REAL a = (REAL)((word << bits) >> 8) * 0x1p-24f;
#else
  const REAL a = (REAL)((word << bits) >> 11) * 0x1p-53;
#endif
  const REAL p0 = wave[(i - 1) & mask], p1 = wave[i];
  const REAL p2 = wave[(i + 1) & mask], p3 = wave[(i + 2) & mask];
  const REAL d0 = p1 - p0, d1 = p2 - p1, d2 = p3 - p2, m1 = (d0 + d1) / 2, m2 = (d1 + d2) / 2;
  const REAL c2 = 2 * (d1 - m1) + (d1 - m2), c3 = (m1 - d1) + (m2 - d1);
  return ((c3 * a + c2) * a + m1) * a + p1;
}
// One cycle at a level that ends where its upper harmonics would fold below a third of the rate:
// from half the rate on it gives way to the next. `turns` are those of a tick.
KR_INLINE REAL FN(cycle_at)(const REAL *wave, uint32_t bits, uint32_t left, UINT word, REAL turns) {
  REAL top = turns * (REAL)(UINT32_C(1) << (bits - 4));
  for (; left > 1 && top > (REAL)(2.0 / 3); left--, bits--) {
    wave += (size_t)1 << bits;
    top = top / 2;
  }
  REAL part = ((REAL)(2.0 / 3) - top) * 6;
  part = part > 0 ? part < 1 ? part : 1 : 0;
  REAL next = 0;
  if (part < 1 && left > 1) next = FN(wave_at)(wave + ((size_t)1 << bits), bits - 1, word);
  return part * FN(wave_at)(wave, bits, word) + (1 - part) * next;
}
static void FN(wavetable_run)(const KrCall *call, const UINT *words) {
  const size_t lanes = call->lanes;
  size_t strides[2];
  FN(strides)(call, call->lanes, 2, strides);
  const REAL *scale = call->field[FIELD_SCALE];
  const uint64_t *waves = call->field[TABLE_WAVES];
  const uint32_t *shapes = call->field[TABLE_SHAPE];
  REAL *restrict out = call->out[0];
  for (uint32_t l = 0; l < lanes; l++) {
    const uint32_t n = shapes[SHAPE_CYCLES * lanes + l], bits = shapes[SHAPE_BITS * lanes + l];
    const uint32_t n_levels = shapes[SHAPE_LEVELS * lanes + l];
    const size_t apart = (size_t)2 << bits;
    for (uint32_t t = 0; t < call->n; t++) {
      REAL turns = RF(abs)(KR_AT(0) * scale[l]) * (REAL)(KR_PASS == 32 ? 0x1p-32 : 0x1p-64);
      REAL position = KR_AT(1);
      position = position > 0 ? position < 1 ? position : 1 : 0;
      position *= (REAL)(n - 1);
      uint32_t i = (uint32_t)position;
      i = i + 1 < n ? i : n - 1;
      const UINT word = words[t * lanes + l];
      const REAL *wave = (const REAL *)(uintptr_t)waves[l] + i * apart;
      REAL y = FN(cycle_at)(wave, bits, n_levels, word, turns), part = position - (REAL)i;
      if (part > 0) y += part * (FN(cycle_at)(wave + apart, bits, n_levels, word, turns) - y);
      out[t * lanes + l] = y;
    }
  }
}

// A string: what moves with its inputs, and what it keeps.
typedef struct FN(String) {
  FN(Line) line;
  REAL period, pass, fade, damp;
  REAL of_period, of_time; // what pass and fade were made from
} FN(String);
KR_INLINE REAL FN(limit)(REAL x, REAL low, REAL high) {
  x = x > low ? x : low;
  return x < high ? x : high;
}
// Pass is the gain of one period, fade that of one tick: -60 dB in `time`.
KR_INLINE void FN(string_tune)(FN(String) * string, REAL freq, REAL time, REAL rate) {
  REAL period =
      FN(limit)(rate / FN(limit)(freq, (REAL)0x1p-40, rate), 4, (REAL)(string->line.size - 4));
  time = FN(limit)(time, (REAL)0.001, (REAL)1e6) * rate;
  if (period == string->of_period && time == string->of_time) return;
  const REAL log_1000 = (REAL)6.907755278982137;
  string->pass = FN(decay)(log_1000 * period / time);
  string->fade = FN(decay)(log_1000 / time);
  string->period = string->of_period = period;
  string->of_time = time;
}
// The loop's low-pass is symmetrical and so one tick long at every frequency.
KR_INLINE REAL FN(string_fed)(FN(String) * string, REAL *loop, size_t lanes) {
  REAL x = FN(line_cubic)(&string->line, (double)string->period - 1),
       side = string->damp * (REAL)0.25;
  REAL y = side * (x + loop[lanes]) + (1 - 2 * side) * loop[0];
  loop[lanes] = loop[0];
  loop[0] = FN(keep)(x);
  return y * string->pass;
}
// How much of this tick belongs to the noise, which begins at the onset and lasts a period.
KR_INLINE REAL FN(noise_part)(REAL age, REAL residual, REAL period) {
  return age == 0 ? 1 - residual : FN(limit)(period - (age - residual), 0, 1);
}
// What is heard has no constant part: y = x - x' + pole y'.
KR_INLINE REAL FN(string_heard)(REAL x, REAL pole, REAL *block, size_t lanes) {
  REAL y = x - block[0] + pole * block[lanes];
  block[0] = FN(keep)(x);
  block[lanes] = FN(keep)(y);
  return y;
}

static void FN(pluck_lane)(const KrCall *call, uint32_t l) {
  const size_t lanes = call->lanes;
  size_t strides[N_PLUCK];
  FN(strides)(call, call->lanes, N_PLUCK, strides);
  int32_t *age = (int32_t *)call->field[PLUCK_AGE] + l;
  uint8_t *gate = (uint8_t *)call->field[PLUCK_GATE] + l;
  REAL *residual = (REAL *)call->field[PLUCK_RESIDUAL] + l, *restrict out = call->out[0];
  REAL *level = (REAL *)call->field[PLUCK_LEVEL] + l, *loop = (REAL *)call->field[PLUCK_LOOP] + l;
  REAL *block = (REAL *)call->field[PLUCK_BLOCK] + l;
  REAL rate = (REAL)((const double *)call->field[PLUCK_RATE])[l];
  REAL pole = (REAL)((const double *)call->field[PLUCK_POLE])[l];
  FN(String) string = {.of_time = -1};
  string.line =
      FN(line_of)(call, l, call->field[PLUCK_LINE], ((const int64_t *)call->field[PLUCK_SIZE])[l]);
  uint32_t silent_from = 0;
  for (uint32_t t = 0; t < call->n; t++) {
    FN(Strike) strike = FN(strike_at)(call, t, l, gate);
    if (strike.is_new) *age = 0, *residual = strike.residual, *level = 1;
    REAL value = 0, shown = 0;
    if (*level > 0) {
      FN(string_tune)(&string, KR_AT(IN_FREQ), *gate ? KR_AT(IN_DECAY) : KR_AT(IN_RELEASE), rate);
      string.damp = FN(limit)(KR_AT(IN_DAMP), 0, 1);
      REAL part = FN(noise_part)((REAL)*age, *residual, string.period);
      REAL burst = part > 0
                       ? FN(burst_at)(call, t, l, call->field[PLUCK_KEY], call->field[PLUCK_STREAM])
                       : 0;
      value = FN(keep)(part * burst + (1 - part) * FN(string_fed)(&string, loop, lanes));
      shown = FN(string_heard)(value, pole, block, lanes);
      if (strike.is_first) shown = burst;
      *level = *level * string.fade;
      if (*level < (REAL)3e-5) *level = 0;
      silent_from = t + 1;
    } else {
      loop[0] = loop[lanes] = block[0] = block[lanes] = 0;
    }
    FN(line_put)(&string.line, value);
    out[t * lanes + l] = shown;
    *age += *age < INT32_MAX;
  }
  FN(say_end)(call, l, silent_from);
}
static void FN(pluck)(const KrCall *call) {
  for (uint32_t l = 0; l < call->lanes; l++) FN(pluck_lane)(call, l);
}
#endif
#if KR_WIDE
static void FN(wavetable)(const KrCall *call) {
  FN(Words) words;
  WN(advance)(call, 0, &words);
  FN(wavetable_run)(call, words.at);
}
#endif
#endif

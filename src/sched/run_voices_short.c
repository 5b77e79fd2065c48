// Voices of a few ticks: what a short note puts out is found at its onset as a whole, its ticks as
// lanes, so that nothing waits for sixteen voices side by side. They are the same numbers: each
// follows from the note, its gate and its age alone, which the body is asked for beforehand.
#include "math/real.h"
#include "sched/run_voices.h"

enum {
  N_ROWS = KR_SHORT_TICKS / KR_LANES + 1,
  N_TICKS = N_ROWS * KR_LANES,
  MOST_LANES = 256, // of a large pool, the first ones
  PATIENCE = 8,     // long notes, one after the other, until few are tried
  SELDOM = 64
};

// ---- making

typedef KrShortValues Values;

static void *new_value(const KrRun *run, Values *values, uint32_t value, bool is_row) {
  values->is_row[value] = is_row;
  values->at[value] = kr_arena_alloc(run->arena, (size_t)(N_TICKS + KR_LANES) * 8);
  return values->at[value];
}

// A value in every lane of a row: many times a note, so without a call into the level's table.
static void spread(uint32_t width, const void *from, void *to) {
  if (width == 4) {
    uint32_t x;
    __builtin_memcpy(&x, from, 4);
    for (uint32_t l = 0; l < KR_LANES; l++) ((uint32_t *)to)[l] = x;
  } else if (width == 8) {
    uint64_t x;
    __builtin_memcpy(&x, from, 8);
    for (uint32_t l = 0; l < KR_LANES; l++) ((uint64_t *)to)[l] = x;
  } else {
    __builtin_memset(to, *(const uint8_t *)from, KR_LANES);
  }
}

static bool reads_gate(const KrRunVoices *v, const KrRunStep *step, uint32_t first) {
  for (uint32_t k = first; k < step->n_in; k++)
    if (kr_voice_is_gate(v, step->plan->in[k])) return true;
  return false;
}

// Whether an operator can be asked for all ticks of a voice at once.
static bool can_ask(const KrRunVoices *v, const KrRunStep *step, const KrVoiceStep *own) {
  uint64_t flags = step->node->op->flags;
  if (step->lanes != KR_LANES || step->is_apart || step->is_serial || step->has_ring ||
      step->call.adds != 0 || step->call.also != NULL || step->plan->has_ramp ||
      (flags & (KR_OP_FAULTS | KR_OP_RANDOM)) != 0)
    return false;
  if (own->join == KR_JOIN_ALWAYS)
    return step->call.voice->edges != NULL && !reads_gate(v, step, 1);
  bool is_plain = (flags & KR_OP_ELEMENTWISE) != 0 && own->n_patches == 0;
  return (is_plain || own->join == KR_JOIN_HELD) && !reads_gate(v, step, 0);
}

static bool add_inputs(KrRunVoices *v, const Values *values, KrShortStep *to) {
  const KrRunStep *step = to->of;
  KrVoiceJoin join = v->steps[step - v->body->steps].join;
  bool all_held = true;
  to->call.held = 0;
  for (uint32_t k = 0; k < step->n_in; k++) {
    uint32_t value = step->plan->in[k];
    if (value == KR_NONE) continue;
    bool is_held = values->at[value] == NULL ? step->in_bytes[k] == 0 : values->is_row[value];
    to->in[k] = values->at[value] == NULL ? step->in_base[k] : values->at[value];
    if (values->at[value] == NULL && !is_held) return false;
    if (is_held && k < 64) to->call.held |= UINT64_C(1) << k;
    all_held &= is_held;
  }
  // Frequencies of oscillators hold, and all times of envelopes.
  if (join == KR_JOIN_HELD && (to->call.held & 1) == 0) return false;
  to->is_row = join == KR_JOIN_PARTS && all_held;
  to->call.n = 1;
  return join != KR_JOIN_ALWAYS || all_held;
}

static void add_fields(const KrRun *run, const KrRunVoices *v, KrShortStep *to) {
  const KrVoiceStep *own = &v->steps[to->of - v->body->steps];
  void **field = KR_NEW_ARRAY(run->arena, void *, to->of->plan->n_fields);
  for (uint32_t f = 0; f < to->of->plan->n_fields; f++) field[f] = to->of->field[f];
  for (uint32_t i = 0; i < own->n_patches; i++) {
    const KrVoicePatch *patch = &v->patches[own->first_patch + i];
    __builtin_memcpy(&field[patch->field], &patch->initial, sizeof patch->initial);
  }
  to->call.field = field;
}

static bool add_operator(const KrRun *run, KrRunVoices *v, KrRunStep *step, Values *values) {
  const KrVoiceStep *own = &v->steps[step - v->body->steps];
  KrShortStep *to = &v->shorts->steps[v->shorts->n_steps++];
  *to = (KrShortStep){.of = step,
                      .in = KR_NEW_ARRAY(run->arena, const void *, step->n_in),
                      .out = KR_NEW_ARRAY(run->arena, void *, step->n_out),
                      .ends = own->call < v->n_ends,
                      .call = step->call};
  if (!add_inputs(v, values, to)) return false;
  for (uint32_t k = 0; k < step->n_out; k++)
    to->out[k] = new_value(run, values, step->plan->out + k, to->is_row);
  add_fields(run, v, to);
  to->call.in = to->in;
  to->call.out = to->out;
  to->call.held_out = NULL;
  to->call.voice = NULL;
  to->call.life = &v->shorts->life;
  return true;
}

static bool add_step(const KrRun *run, KrRunVoices *v, KrRunStep *step, Values *values) {
  if (step == v->heard) return true;
  if (step->node->kind == KR_NODE_OP) return add_operator(run, v, step, values);
  const KrConst up = kr_voice_real(v, KR_RATIO_ONE);
  for (uint32_t i = 0; i < v->n_rows; i++) {
    const KrVoiceRow *row = &v->rows[i];
    if (row->node != step->node) continue;
    KrShortRow *to = &v->shorts->rows[v->shorts->n_rows];
    *to = (KrShortRow){KR_SHORT_VALUE, row->n_bytes / KR_LANES, row->offset,
                       new_value(run, values, row->value, true)};
    if (row->is_gate) {
      spread(to->width, &up.as, to->to);
      continue;
    }
    if (row->node->voice == KR_VOICE_GATE)
      to->kind = row->port == 1 ? KR_SHORT_RISE : KR_SHORT_FALL;
    v->shorts->n_rows++;
  }
  return true;
}

// The memory of a lane in place of one value.
static void add_places(KrShorts *s, const void *at, uint32_t channel) {
  for (uint32_t i = 0; i < s->n_steps; i++) {
    KrShortStep *step = &s->steps[i];
    for (uint32_t k = 0; k < step->of->n_in; k++)
      if (step->in[k] == at)
        s->places[s->n_places++] = (KrShortPlace){(void **)(void *)&step->in[k], channel};
    for (uint32_t k = 0; k < step->of->n_out; k++)
      if (step->out[k] == at) s->places[s->n_places++] = (KrShortPlace){&step->out[k], channel};
  }
}

// What is heard, then what ends the voice.
static bool add_heard(const KrRun *run, KrRunVoices *v, const Values *values) {
  KrShorts *s = v->shorts;
  const uint32_t *in = v->heard->plan->in, n_out = v->graph->n_out;
  uint32_t n = 0;
  for (uint32_t i = 0; i < s->n_steps; i++) n += s->steps[i].of->n_in + s->steps[i].of->n_out;
  s->places = KR_NEW_ARRAY(run->arena, KrShortPlace, n);
  s->channels = KR_NEW_ARRAY(run->arena, uint32_t, n_out);
  s->levels = KR_NEW_ARRAY(run->arena, const void *, v->n_ends);
  for (uint32_t k = 0; k < v->heard->n_in; k++) {
    if (in[k] == KR_NONE || values->at[in[k]] == NULL || values->is_row[in[k]]) return false;
    uint32_t first = 0;
    while (in[first] != in[k]) first++;
    if (k < n_out) {
      s->channels[k] = first;
      if (first == k) add_places(s, values->at[in[k]], k);
    } else if (first < n_out) {
      return false; // what is heard will be shaped
    } else {
      s->levels[k - n_out] = values->at[in[k]];
    }
  }
  return true;
}

// What the steps that end voices read.
static void mark_needed(KrShorts *s) {
  for (uint32_t i = s->n_steps; i-- > 0;) {
    KrShortStep *step = &s->steps[i];
    step->is_needed |= step->ends;
    for (uint32_t j = 0; step->is_needed && j < i; j++)
      for (uint32_t o = 0; o < s->steps[j].of->n_out; o++)
        for (uint32_t k = 0; k < step->of->n_in; k++)
          s->steps[j].is_needed |= step->in[k] == s->steps[j].out[o];
  }
}

// As far as can be told of each step alone.
static bool can_be_short(const KrRunVoices *v) {
  const KrPlanUnit *plan = v->body->plan;
  bool can = v->n_ends > 0;
  for (uint32_t i = 0; i < plan->n_segments; i++) can &= !plan->segments[i].serial;
  for (uint32_t s = 0; can && s < plan->n_steps; s++) {
    const KrRunStep *step = &v->body->steps[s];
    if (step == v->heard) continue;
    if (step->node == NULL) return false;
    can = step->node->kind == KR_NODE_OP ? can_ask(v, step, &v->steps[s])
                                         : kr_plan_is_voice_row(step->node);
  }
  return can;
}

static bool add_all(const KrRun *run, KrRunVoices *v, Values *values) {
  if (values->at == NULL) {
    values->at = KR_NEW_ARRAY(run->arena, void *, run->plan->n_values);
    values->is_row = KR_NEW_ARRAY(run->arena, uint8_t, run->plan->n_values);
  }
  for (uint32_t s = 0; s < v->body->plan->n_steps; s++)
    if (!add_step(run, v, &v->body->steps[s], values)) return false;
  return add_heard(run, v, values);
}

void kr_shorts_prepare(const KrRun *run, KrRunVoices *v, Values *values) {
  if (!can_be_short(v)) return;
  KrShorts *s = v->shorts = KR_NEW(run->arena, KrShorts);
  const uint32_t n_groups = v->pool.n_groups;
  s->steps = KR_NEW_ARRAY(run->arena, KrShortStep, v->body->plan->n_steps);
  s->rows = KR_NEW_ARRAY(run->arena, KrShortRow, v->n_rows);
  if (!add_all(run, v, values)) {
    v->shorts = NULL;
    return;
  }
  mark_needed(s);
  s->n_lanes = n_groups * KR_LANES < MOST_LANES ? n_groups * KR_LANES : MOST_LANES;
  s->on = KR_NEW_ARRAY(run->arena, uint16_t, n_groups);
  s->voices = KR_NEW_ARRAY(run->arena, KrShortVoice, s->n_lanes);
  s->n_bytes = (size_t)(N_TICKS + KR_LANES) * kr_elem_bytes(v->elem);
  for (uint32_t l = 0; l < s->n_lanes; l++)
    s->voices[l].at = kr_arena_alloc(run->arena, s->n_bytes * v->graph->n_out);
  s->apart = kr_arena_alloc(run->arena, s->n_bytes * v->graph->n_out);
  s->kept = kr_arena_alloc(run->arena, v->n_memory + 64);
  s->kept_levels = kr_arena_alloc(run->arena, v->n_ends * kr_voice_row_bytes(v));
}

// ---- one voice

static void spread_part(const KrRunVoices *v, double part, void *to) {
  const float narrow = (float)part;
  if (v->elem == KR_ELEM_F32)
    spread(4, &narrow, to);
  else
    spread(8, &part, to);
}

static void spread_note(const KrRunVoices *v, uint32_t index, double late) {
  const KrShorts *s = v->shorts;
  const uint8_t *memory = v->groups[index / KR_LANES].memory;
  const KrVoiceLane *lane = &v->pool.lanes[index];
  const KrRatio end = lane->release_late;
  const bool is_alike = end.num == lane->late.num && end.den == lane->late.den;
  for (uint32_t i = 0; i < s->n_rows; i++) {
    const KrShortRow *row = &s->rows[i];
    if (row->kind == KR_SHORT_VALUE)
      spread(row->width, memory + row->offset + index % KR_LANES * row->width, row->to);
    else if (row->kind == KR_SHORT_RISE || is_alike)
      spread_part(v, late, row->to);
    else
      spread_part(v, kr_voice_part(v, end), row->to);
  }
}

// The first silent tick since the onset of a voice that begins `late`, what it puts out up to there
// to `at`; INT64_MAX: it lasts too long. With `ends` its envelopes alone.
static int64_t find_life(KrRunVoices *v, uint32_t index, double late, uint8_t *at, bool ends) {
  KrShorts *s = v->shorts;
  const KrVoiceLane *lane = &v->pool.lanes[index];
  int64_t end, last = 0;
  uint32_t n_rows = N_ROWS, n_ended = 0;
  s->life = (KrCallLife){kr_voice_late(lane), INT64_MAX, &end};
  if (lane->release != KR_VOICE_POOL_NEVER) s->life.release = lane->release - lane->born;
  spread_note(v, index, late);
  for (uint32_t i = 0; i < s->n_places; i++)
    *s->places[i].at = at + s->places[i].channel * s->n_bytes;
  for (uint32_t i = 0; i < s->n_steps; i++) {
    KrShortStep *step = &s->steps[i];
    if (ends && !step->is_needed) continue;
    step->call.n = step->is_row ? 1 : n_rows;
    step->of->kernel(&step->call);
    if (!step->ends) continue;
    if (end == INT64_MAX) return end;
    last = end > last ? end : last;
    if (++n_ended == v->n_ends && !ends) n_rows = (uint32_t)last / KR_LANES + 1;
  }
  return last;
}

// What is added up in one go with the last ticks.
static void silence(const KrRunVoices *v, const KrShortVoice *voice, int64_t from) {
  const size_t at = (size_t)(from - voice->born) * kr_elem_bytes(v->elem);
  for (uint32_t c = 0; c < v->graph->n_out; c++) {
    void *to = voice->at + c * v->shorts->n_bytes + at;
    if (v->elem == KR_ELEM_F32)
      __builtin_memset(to, 0, KR_LANES * sizeof(float));
    else
      __builtin_memset(to, 0, KR_LANES * sizeof(double));
  }
}

static void set_end(const KrRunVoices *v, KrShortVoice *voice, int64_t over) {
  if (voice->fade != KR_VOICE_POOL_NEVER && voice->fade + v->fade_ticks < over)
    over = voice->fade + v->fade_ticks;
  voice->over = over;
  voice->end = over > voice->born ? over : voice->born + 1;
}

// Puts down from which tick on it is silent.
static bool render(KrRunVoices *v, uint32_t index) {
  const KrShorts *s = v->shorts;
  const KrVoiceLane *lane = &v->pool.lanes[index];
  KrShortVoice *voice = &s->voices[index];
  double late = kr_voice_part(v, lane->late);
  int64_t end = find_life(v, index, late, voice->at, false);
  if (end == INT64_MAX) return false;
  set_end(v, voice, voice->born + end);
  for (uint32_t c = 0; lane->late.num != 0 && c < v->graph->n_out; c++)
    kr_voice_scale(v, voice->at + c * s->n_bytes, 0, 1 - late);
  silence(v, voice, voice->end);
  return true;
}

bool kr_shorts_begin(KrRunVoices *v, uint32_t index) {
  KrShorts *s = v->shorts;
  const KrVoiceLane *lane = &v->pool.lanes[index];
  const uint32_t bit = 1u << index % KR_LANES;
  // What its lane put out before may not have been heard yet.
  if (index >= s->n_lanes || (s->on[index / KR_LANES] & bit) != 0) return false;
  if (s->n_long >= PATIENCE && lane->note % SELDOM != 0) return false;
  KrShortVoice *voice = &s->voices[index];
  voice->born = lane->born;
  voice->fade = KR_VOICE_POOL_NEVER;
  voice->note = lane->note;
  if (!render(v, index)) {
    s->n_long++;
    return false;
  }
  s->n_long = 0;
  s->on[index / KR_LANES] |= (uint16_t)bit;
  return true;
}

bool kr_shorts_has(const KrRunVoices *v, uint32_t index) {
  const KrShorts *s = v->shorts;
  return s != NULL && (s->on[index / KR_LANES] >> index % KR_LANES & 1) != 0 &&
         s->voices[index].note == v->pool.lanes[index].note;
}

void kr_shorts_release(KrRunVoices *v, uint32_t index) { render(v, index); }

void kr_shorts_fade(KrRunVoices *v, uint32_t index, int64_t tick) {
  KrShortVoice *voice = &v->shorts->voices[index];
  voice->fade = tick;
  set_end(v, voice, voice->over);
}

void kr_shorts_drop(KrRunVoices *v, uint32_t index, int64_t tick) {
  KrShortVoice *voice = &v->shorts->voices[index];
  if (tick >= voice->end) return;
  voice->end = voice->over = tick;
  if (tick > voice->born) silence(v, voice, tick);
}

double kr_shorts_level(KrRunVoices *v, uint32_t index, int64_t tick) {
  const KrShorts *s = v->shorts;
  const KrVoiceLane *lane = &v->pool.lanes[index];
  double level = 0;
  (void)find_life(v, index, kr_voice_part(v, lane->late), s->apart, true);
  for (uint32_t i = 0; i < v->n_ends; i++) {
    int64_t t = tick - 1 - lane->born;
    double x = kr_f64_abs(kr_voice_at(v, s->levels[i], (size_t)t));
    level = x > level ? x : level;
  }
  return level;
}

// ---- all of them

void kr_shorts_settle(KrRunVoices *v, int64_t until) {
  KrShorts *s = v->shorts;
  for (uint32_t g = 0; s != NULL && g * KR_LANES < s->n_lanes; g++)
    for (uint32_t left = s->on[g]; left != 0; left &= left - 1) {
      uint32_t l = (uint32_t)__builtin_ctz(left), index = g * KR_LANES + l;
      const KrShortVoice *voice = &s->voices[index];
      const KrVoiceLane *lane = &v->pool.lanes[index];
      if (voice->over >= until) continue;
      if (until == v->end) s->on[g] &= (uint16_t) ~(1u << l);
      if (lane->note == voice->note && lane->sounds) kr_voice_pool_end(&v->pool, index, voice->end);
    }
}

// Ticks of the slice in which a voice is heard, from `first` on, of one channel: how many there
// are.
static inline uint32_t find_ticks(const KrRunVoices *v, const KrShortVoice *voice, size_t channel,
                                  uint32_t *first, const uint8_t **ticks) {
  int64_t begin = voice->born > v->begin ? voice->born : v->begin;
  int64_t end = voice->end < v->end ? voice->end : v->end;
  *first = (uint32_t)(begin - v->begin);
  *ticks = voice->at + channel + (size_t)(begin - voice->born) * kr_elem_bytes(v->elem);
  return begin < end ? (uint32_t)(end - begin) : 0;
}

// The same of one that fades.
static const void *fade_ticks(const KrRunVoices *v, const KrShortVoice *voice, const void *ticks,
                              uint32_t first, uint32_t n, double *scratch) {
  const int64_t begin = v->begin + first, end = begin + n;
  __builtin_memset(scratch, 0, KR_SHORT_COLUMN * sizeof *scratch);
  __builtin_memcpy(scratch, ticks, n * kr_elem_bytes(v->elem));
  for (int64_t tick = voice->fade > begin ? voice->fade : begin; tick < end; tick++) {
    int64_t left = v->fade_ticks - (tick - voice->fade);
    if (left > 0)
      kr_voice_scale(v, scratch, (size_t)(tick - begin), (double)left / (double)v->fade_ticks);
  }
  return scratch;
}

void kr_shorts_add(const KrRunVoices *v, uint32_t group, uint32_t channel, void *sum) {
  const size_t at = v->shorts->channels[channel] * v->shorts->n_bytes;
  double scratch[KR_SHORT_COLUMN];
  for (uint32_t left = v->shorts->on[group]; left != 0; left &= left - 1) {
    uint32_t l = (uint32_t)__builtin_ctz(left), first;
    const KrShortVoice *voice = &v->shorts->voices[group * KR_LANES + l];
    const uint8_t *from;
    uint32_t n = find_ticks(v, voice, at, &first, &from);
    const void *ticks = voice->fade < v->end ? fade_ticks(v, voice, from, first, n, scratch) : from;
    for (uint32_t t = 0; t < n; t++) {
      size_t to = (size_t)(first + t) * KR_LANES + l;
      if (v->elem == KR_ELEM_F32)
        ((float *)sum)[to] += ((const float *)ticks)[t];
      else
        ((double *)sum)[to] += ((const double *)ticks)[t];
    }
  }
}

void kr_shorts_add_columns(const KrRunVoices *v, uint32_t group, uint32_t channel, void *sum) {
  const KrLanes *level = v->heard->at_level;
  const size_t at = v->shorts->channels[channel] * v->shorts->n_bytes;
  KrLaneTicks ticks[KR_LANES];
  double scratch[KR_LANES][KR_SHORT_COLUMN];
  uint32_t n = 0;
  for (uint32_t left = v->shorts->on[group]; left != 0; left &= left - 1) {
    uint32_t l = (uint32_t)__builtin_ctz(left), first;
    const KrShortVoice *voice = &v->shorts->voices[group * KR_LANES + l];
    const uint8_t *from;
    KrLaneTicks *to = &ticks[n];
    to->n = find_ticks(v, voice, at, &first, &from);
    to->to = l * KR_SHORT_COLUMN + first;
    to->from = from;
    if (voice->fade < v->end) to->from = fade_ticks(v, voice, from, first, to->n, scratch[n]);
    n += to->n > 0;
  }
  if (v->elem == KR_ELEM_F32)
    level->add_ticks_f32(ticks, n, sum);
  else
    level->add_ticks_f64(ticks, n, sum);
}

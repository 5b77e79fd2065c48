// A group of sixteen voices over a piece of a tile: its memory in the body's steps, its gates, and
// voices that begin within the piece. A lane before its onset is silent and may run through
// anything: at the onset its state is set back, step by step, or the kernel keeps it at rest.
#include "sched/run_voices.h"

// ---- memory of a group

static void point_to(KrRunVoices *v, KrVoiceGroup *group) {
  if (v->now == group) return;
  v->now = group;
  for (uint32_t i = 0; i < v->n_patches; i++) {
    void *at = group->memory + v->patches[i].offset;
    __builtin_memcpy(v->patches[i].at, &at, sizeof at);
  }
  for (uint32_t i = 0; i < v->n_rows; i++)
    if (!v->rows[i].is_gate)
      __builtin_memcpy(v->rows[i].at, group->memory + v->rows[i].offset, v->rows[i].n_bytes);
  for (uint32_t i = 0; i <= v->n_ends; i++) {
    v->calls[i].born = group->born;
    v->calls[i].late = group->late;
    v->calls[i].note = group->note;
  }
}

void kr_voices_put(KrRunVoices *v, KrVoiceGroup *group, const KrVoiceRow *row, uint32_t lane,
                   const void *value) {
  uint32_t width = row->n_bytes / KR_LANES;
  __builtin_memcpy(group->memory + row->offset + lane * width, value, width);
  if (v->now == group && !row->is_gate)
    __builtin_memcpy((uint8_t *)row->at + lane * width, value, width);
}

// What a ring's last note left there: it ran the ticks born … until - 1.
static void clear_ring(const KrVoicePatch *patch, uint8_t *at, int64_t born, int64_t until) {
  int64_t length = until - born;
  if (length < 0 || (uint64_t)length >= patch->count) {
    __builtin_memset(at, 0, (size_t)patch->count * patch->width);
    return;
  }
  uint64_t first = (uint64_t)born % patch->count, left = (uint64_t)length;
  uint64_t part = patch->count - first < left ? patch->count - first : left;
  __builtin_memset(at + (size_t)first * patch->width, 0, (size_t)part * patch->width);
  __builtin_memset(at, 0, (size_t)(left - part) * patch->width);
}

// One of sixteen lanes of a field.
static void reset_column(const KrVoicePatch *patch, uint8_t *at) {
  const uint8_t *from = patch->initial;
  for (uint64_t k = 0; k < patch->count; k++) {
    if (patch->width == 4)
      __builtin_memcpy(at, from, 4);
    else if (patch->width == 8)
      __builtin_memcpy(at, from, 8);
    else
      *at = *from;
    at += KR_LANES * patch->width;
    from += KR_LANES * patch->width;
  }
}

void kr_voices_reset(KrRunVoices *v, KrVoiceGroup *group, uint32_t lane) {
  for (uint32_t i = 0; i < v->n_patches; i++) {
    const KrVoicePatch *patch = &v->patches[i];
    uint8_t *at = group->memory + patch->offset;
    if (patch->lanes > 1)
      reset_column(patch, at + lane * patch->width);
    else if (patch->is_ring)
      clear_ring(patch, at + lane * patch->n_bytes, group->born[lane], group->until[lane]);
    else
      __builtin_memcpy(at + lane * patch->n_bytes, patch->initial,
                       (size_t)patch->count * patch->width);
  }
}

// The same of what lanes of one step run through before the onset.
static void reset_step(const KrRunVoices *v, const KrVoiceStep *step, uint32_t lane) {
  for (uint32_t i = 0; i < step->n_patches; i++) {
    const KrVoicePatch *patch = &v->patches[step->first_patch + i];
    if (patch->lanes > 1) reset_column(patch, v->now->memory + patch->offset + lane * patch->width);
  }
}

// Positions that have moved by a whole step since the onset take back the part before it.
static void take_back(const KrRunVoices *v, const KrVoiceStep *step, uint32_t lane) {
  for (uint32_t i = 0; i < step->n_patches; i++) {
    const KrVoicePatch *patch = &v->patches[step->first_patch + i];
    if (!patch->ages) continue;
    uint8_t *at = v->now->memory + patch->offset;
    at += patch->lanes == 1 ? lane * patch->n_bytes : lane * 8;
    for (uint64_t k = 0; k < patch->count; k++, at += patch->lanes * 8) {
      uint64_t before, after;
      __builtin_memcpy(&before, patch->initial + k * patch->lanes * 8, 8);
      __builtin_memcpy(&after, at, 8);
      after -= kr_call_back(after - before, v->now->late[lane]);
      __builtin_memcpy(at, &after, 8);
    }
  }
}

// ---- the gate

// Of fixed sizes, which are copied in place.
static inline void copy_row(const KrRunVoices *v, void *to, const void *from) {
  if (v->elem == KR_ELEM_F32)
    __builtin_memcpy(to, from, sizeof(float) * KR_LANES);
  else
    __builtin_memcpy(to, from, sizeof(double) * KR_LANES);
}

// The next row of gates in piece->gate, that of tick t.
static void move_gate(const KrRunVoices *v, KrVoicePiece *piece, uint32_t t) {
  if ((piece->edges >> t & 1) == 0) return;
  uint32_t falls = piece->falls[t];
  for (uint32_t left = piece->rises[t] | falls; left != 0; left &= left - 1) {
    uint32_t l = (uint32_t)__builtin_ctz(left);
    bool on = (falls >> l & 1) == 0;
    if (v->elem == KR_ELEM_F32)
      piece->gate.f32[l] = on;
    else
      piece->gate.f64[l] = on;
  }
}

static const KrVoiceLane *pool_lane(const KrRunVoices *v, const KrVoiceGroup *group,
                                    uint32_t lane) {
  return &v->pool.lanes[(size_t)(group - v->groups) * KR_LANES + lane];
}

void kr_voices_put_gate(KrRunVoices *v, KrVoiceGroup *group, uint32_t lane, bool on) {
  KrConst value[3] = {{.elem = v->elem}, {.elem = v->elem}, {.elem = v->elem}};
  if (on) value[0] = kr_voice_real(v, KR_RATIO_ONE);
  if (group->late[lane] > 0) value[1] = kr_voice_real(v, pool_lane(v, group, lane)->late);
  for (uint32_t i = 0; i < v->n_rows; i++)
    if (v->rows[i].node->voice == KR_VOICE_GATE)
      kr_voices_put(v, group, &v->rows[i], lane, &value[v->rows[i].port].as);
}

void kr_voices_put_release(KrRunVoices *v, KrVoiceGroup *group, uint32_t lane) {
  KrConst late = kr_voice_real(v, pool_lane(v, group, lane)->release_late);
  for (uint32_t i = 0; i < v->n_rows; i++)
    if (v->rows[i].node->voice == KR_VOICE_GATE && v->rows[i].port == 2)
      kr_voices_put(v, group, &v->rows[i], lane, &late.as);
}

static void put_gates(KrRunVoices *v, KrRunStep *step, const KrSlice *slice) {
  const uint32_t at = (uint32_t)(slice->tick - v->piece.begin);
  size_t n_bytes = kr_voice_row_bytes(v);
  const KrVoiceRow *row = v->rows;
  while (row->node != step->node || !row->is_gate) row++;
  // One row will do where nothing moves after the first tick.
  bool held = !step->is_serial && (v->piece.edges >> 1) == 0;
  if (at == 0) __builtin_memcpy(&v->piece.gate, v->now->memory + row->offset, n_bytes);
  *step->held_out = held;
  for (uint32_t t = 0; t < (held ? 1 : slice->n); t++) {
    // The next row that is read.
    uint64_t left = v->piece.edges >> (at + t);
    if (v->is_sparse && !held) t += left == 0 ? slice->n : (uint32_t)__builtin_ctzll(left);
    if (t >= slice->n) break;
    move_gate(v, &v->piece, at + t);
    copy_row(v, (uint8_t *)step->out[0] + t * n_bytes, &v->piece.gate);
  }
}

// The row as it is at the end of the piece.
static void keep_gates(KrRunVoices *v) {
  KrVoicePiece *piece = &v->piece;
  for (uint32_t i = 0; i < v->n_rows && piece->edges != 0; i++) {
    if (!v->rows[i].is_gate) continue;
    uint8_t *at = v->now->memory + v->rows[i].offset;
    __builtin_memcpy(&piece->gate, at, v->rows[i].n_bytes);
    for (uint64_t left = piece->edges; left != 0; left &= left - 1)
      move_gate(v, piece, (uint32_t)__builtin_ctzll(left));
    __builtin_memcpy(at, &piece->gate, v->rows[i].n_bytes);
  }
}

// ---- steps

// A kernel over ticks begin … end of a slice, all rows written.
static void run_part(const KrRunStep *step, const KrCall *of, uint32_t begin, uint32_t end) {
  enum { MOST = 4 * KR_MAX_PORTS };
  const void *in[MOST];
  void *out[KR_MAX_OUTS];
  KrCall call = *of;
  size_t row = (size_t)begin * KR_LANES;
  call.in = in;
  call.out = out;
  call.n = end - begin;
  call.tick += begin;
  for (uint32_t k = 0; k < step->n_in; k++) {
    size_t n_bytes = (of->held >> k & 1) != 0 ? 0 : row * kr_elem_bytes(of->in_type[k].elem);
    in[k] = step->in[k] == NULL ? NULL : (const uint8_t *)step->in[k] + n_bytes;
  }
  for (uint32_t k = 0; k < step->n_out; k++)
    out[k] = (uint8_t *)step->out[k] + row * kr_elem_bytes(of->type->elem);
  step->kernel(&call);
}

// Ends that the last call of a step found before `until`, in lanes that had none.
static void note_ends(KrRunVoices *v, uint32_t call, int64_t until) {
  for (uint32_t l = 0; l < KR_LANES; l++)
    if (v->found[call][l] == INT64_MAX && v->ends[call][l] < until)
      v->found[call][l] = v->ends[call][l];
}
static void open_ends(KrRunVoices *v, uint32_t call) {
  for (uint32_t l = 0; l < KR_LANES; l++) v->found[call][l] = INT64_MAX;
}
static void close_ends(KrRunVoices *v, uint32_t call) {
  __builtin_memcpy(v->ends[call], v->found[call], sizeof *v->ends);
}

// An operator of sixteen lanes from onset to onset, and one tick where that lies between two.
static void run_in_parts(KrRunVoices *v, KrRunStep *step, const KrSlice *slice) {
  const KrVoiceStep *own = &v->steps[step - v->body->steps];
  const KrVoicePiece *piece = &v->piece;
  KrCallVoice voice = *step->call.voice;
  KrCall call = step->call;
  open_ends(v, own->call);
  voice.n_starts = 0;
  voice.edges = NULL;
  call.voice = &voice;
  call.tick = slice->inner;
  call.held = kr_step_held(step);
  call.held_out = NULL;
  for (uint32_t t = 0, i = 0; t < slice->n;) {
    uint32_t late = 0, end;
    for (; i < piece->n_starts && piece->starts[i].row == t; i++) {
      uint32_t l = piece->starts[i].lane;
      reset_step(v, own, l);
      v->found[own->call][l] = INT64_MAX;
      if (v->now->late[l] > 0) late |= 1u << l;
    }
    end = late != 0 ? t + 1 : i < piece->n_starts ? piece->starts[i].row : slice->n;
    run_part(step, &call, t, end);
    for (; late != 0; late &= late - 1) take_back(v, own, (uint32_t)__builtin_ctz(late));
    note_ends(v, own->call, call.tick + end);
    t = end;
  }
  close_ends(v, own->call);
  for (uint32_t k = 0; step->can_hold && k < step->n_out; k++) step->held_out[k] = 0;
}

// What PREV gives at an onset.
static void put_initial(const KrRunStep *step, uint32_t lane, uint32_t row) {
  size_t width = step->out_bytes[0] / KR_LANES;
  __builtin_memcpy((uint8_t *)step->out_base[0] + row * step->out_bytes[0] + lane * width,
                   (const uint8_t *)step->initial + lane * width, width);
}

static void run_joined(KrRun *run, KrRunVoices *v, KrRunStep *step, const KrSlice *slice) {
  const KrVoicePiece *piece = &v->piece;
  const KrVoiceStep *own = &v->steps[step - v->body->steps];
  bool joins =
      own->join == KR_JOIN_ALWAYS || (own->join == KR_JOIN_HELD && (kr_step_held(step) & 1) != 0);
  if (own->n_patches > 0 && step->node->kind == KR_NODE_OP && !step->is_apart && !joins) {
    run_in_parts(v, step, slice);
    return;
  }
  kr_unit_step(run, v->body, step, slice);
  for (uint32_t i = 0; step->before != NULL && i < piece->n_starts; i++)
    put_initial(step, piece->starts[i].lane, piece->starts[i].row);
}

// What begins at tick t of a serial segment.
static void begin_at(KrRunVoices *v, const KrPlanSegment *segment, uint32_t lane) {
  for (uint32_t s = segment->begin; s < segment->end; s++) {
    reset_step(v, &v->steps[s], lane);
    v->found[v->steps[s].call][lane] = INT64_MAX;
  }
}
static void end_tick(KrRunVoices *v, const KrPlanSegment *segment, const KrCallStart *starts,
                     uint32_t n) {
  for (uint32_t s = segment->begin; s < segment->end; s++)
    for (uint32_t i = 0; i < n; i++)
      if (!v->body->steps[s].is_apart && v->now->late[starts[i].lane] > 0)
        take_back(v, &v->steps[s], starts[i].lane);
}

// What kernels that join voices in are told.
static void set_starts(KrRunVoices *v, uint32_t n) {
  for (uint32_t i = 0; i <= v->n_ends; i++) v->calls[i].n_starts = n;
}

// One tick after the other: the state of all steps is set back at once.
static void run_serial(KrRun *run, KrRunVoices *v, const KrPlanSegment *segment,
                       const KrSlice *slice) {
  const KrVoicePiece *piece = &v->piece;
  KrSlice one = *slice;
  one.n = 1;
  set_starts(v, 0);
  for (uint32_t s = segment->begin; s < segment->end; s++) open_ends(v, v->steps[s].call);
  for (uint32_t t = 0, i = 0, next; t < slice->n; t++, i = next) {
    for (next = i; next < piece->n_starts && piece->starts[next].row == t; next++)
      begin_at(v, segment, piece->starts[next].lane);
    for (uint32_t s = segment->begin; s < segment->end; s++) {
      KrRunStep *step = &v->body->steps[s];
      kr_step_run(run, v->body, step, &one);
      note_ends(v, v->steps[s].call, one.inner + 1);
      for (uint32_t k = i; step->before != NULL && k < next; k++)
        put_initial(step, piece->starts[k].lane, t);
    }
    end_tick(v, segment, &piece->starts[i], next - i);
    one.at++, one.tick++, one.inner++;
  }
  for (uint32_t s = segment->begin; s < segment->end; s++) close_ends(v, v->steps[s].call);
  set_starts(v, piece->n_starts);
}

void kr_voices_body(KrRun *run, KrRunVoices *v, KrVoiceGroup *group) {
  const KrPlanUnit *plan = v->body->plan;
  const KrVoicePiece *piece = &v->piece;
  KrSlice slice = {piece->begin, piece->begin, 0, piece->n, true, true};
  point_to(v, group);
  for (uint32_t i = 0; i <= v->n_ends; i++) v->calls[i].lanes = v->sounds[group - v->groups];
  set_starts(v, piece->n_starts);
  for (uint32_t i = 0; i < plan->n_segments; i++) {
    const KrPlanSegment *segment = &plan->segments[i];
    if (segment->serial)
      run_serial(run, v, segment, &slice);
    else
      for (uint32_t s = segment->begin; s < segment->end; s = v->body->steps[s].next)
        if (piece->n_starts > 0)
          run_joined(run, v, &v->body->steps[s], &slice);
        else
          kr_unit_step(run, v->body, &v->body->steps[s], &slice);
  }
  kr_unit_keep(v->body, piece->n);
  keep_gates(v);
}

// ---- what the body's steps ask for

static void put_ages(const KrRunVoices *v, const KrRunStep *step, const KrSlice *slice) {
  const KrRatio dt = v->clock->dt;
  const double seconds = (double)dt.num / (double)dt.den;
  for (uint32_t t = 0; t < slice->n; t++)
    for (uint32_t l = 0; l < KR_LANES; l++) {
      double ticks = (double)(slice->tick + t - v->now->born[l]) - v->now->late[l];
      double age = (ticks > 0 ? ticks : 0) * seconds;
      if (v->elem == KR_ELEM_F32)
        ((float *)step->out[0])[t * KR_LANES + l] = (float)age;
      else
        ((double *)step->out[0])[t * KR_LANES + l] = age;
    }
}

static void spread_stream(const KrRunVoices *v, const KrRunStep *step, const KrSlice *slice) {
  uint32_t k = step->node->input;
  size_t n_bytes = v->step->in_bytes[k];
  const uint8_t *from =
      (const uint8_t *)v->step->in[k] + (size_t)(v->piece.begin - v->begin) * n_bytes;
  step->at_level->spread(kr_elem_bytes(step->node->type.elem), from, n_bytes == 0, slice->n,
                         step->out[0]);
}

void kr_voices_input(KrRun *run, KrRunStep *step, const KrSlice *slice) {
  KrRunVoices *v = &run->voices[step->node->voices];
  switch (step->node->voice) {
  case KR_VOICE_GATE: put_gates(v, step, slice); break;
  case KR_VOICE_AGE: put_ages(v, step, slice); break;
  case KR_VOICE_STREAM: spread_stream(v, step, slice); break;
  default: break;
  }
}

// ---- operators of one lane

/// The call of one lane: its inputs, outputs and fields.
typedef struct Lane {
  uint64_t in[4 * KR_MAX_PORTS][KR_TILE], out[KR_MAX_OUTS][KR_TILE];
  const void *ins[4 * KR_MAX_PORTS];
  void *outs[KR_MAX_OUTS], *field[KR_MAX_FIELDS];
  KrCallVoice voice;
  KrCall call;
} Lane;

static void take_lane(Lane *lane, const KrRunStep *step, uint32_t l, uint32_t n) {
  lane->call = step->call;
  lane->call.lanes = 1;
  lane->call.in = lane->ins;
  lane->call.out = lane->outs;
  lane->call.field = lane->field;
  lane->call.held_out = NULL;
  lane->call.voice = &lane->voice;
  lane->voice = *step->call.voice;
  lane->voice.born += l;
  lane->voice.late += l;
  lane->voice.note += l;
  lane->voice.end += l;
  lane->voice.lanes = 1;
  lane->voice.n_starts = 0;
  for (uint32_t k = 0; k < step->n_in; k++) {
    bool held = step->in_bytes[k] == 0;
    if (step->in[k] != NULL)
      step->at_level->pick(kr_elem_bytes(step->call.in_type[k].elem), step->in[k], held, l,
                           held ? 1 : n, lane->in[k]);
  }
  for (uint32_t f = 0; f < step->plan->n_fields; f++) {
    bool is_own = (step->node->op->field[f].flags & KR_FIELD_COEF) == 0;
    lane->field[f] = (uint8_t *)step->field[f] + (is_own ? l * kr_voice_lane_bytes(step, f) : 0);
  }
}

static void run_lane(Lane *lane, const KrRunStep *step, int64_t tick, uint32_t begin,
                     uint32_t end) {
  if (begin == end) return;
  for (uint32_t k = 0; k < step->n_in; k++) {
    size_t width = step->in_bytes[k] == 0 ? 0 : kr_elem_bytes(step->call.in_type[k].elem);
    lane->ins[k] = step->in[k] == NULL ? NULL : (uint8_t *)lane->in[k] + begin * width;
  }
  for (uint32_t k = 0; k < step->n_out; k++)
    lane->outs[k] = (uint8_t *)lane->out[k] + begin * kr_elem_bytes(step->node->type.elem);
  lane->call.n = end - begin;
  lane->call.tick = tick + begin;
  step->kernel(&lane->call);
}

void kr_voices_apart(KrRun *run, KrRunStep *step, const KrSlice *slice) {
  const KrRunVoices *v = &run->voices[run->plan->graph->flows[step->node->flow].voices];
  const uint32_t width = kr_elem_bytes(step->node->type.elem);
  Lane lane;
  for (uint32_t k = 0; k < step->n_out; k++)
    __builtin_memset(step->out[k], 0, slice->n * step->out_bytes[k]);
  for (uint32_t left = v->sounds[v->now - v->groups]; left != 0; left &= left - 1) {
    uint32_t l = (uint32_t)__builtin_ctz(left), begin = 0, whole;
    int64_t before = v->now->born[l] - slice->tick;
    if (before >= slice->n) continue;
    if (before > 0) begin = (uint32_t)before;
    whole = before >= 0 && v->now->late[l] > 0 ? begin + 1 : begin;
    take_lane(&lane, step, l, slice->n);
    run_lane(&lane, step, slice->inner, begin, whole);
    if (whole > begin) take_back(v, &v->steps[step - v->body->steps], l);
    int64_t end = whole > begin ? lane.voice.end[0] : INT64_MAX;
    run_lane(&lane, step, slice->inner, whole, slice->n);
    if (end < slice->inner + whole) lane.voice.end[0] = end;
    for (uint32_t k = 0; k < step->n_out; k++)
      step->at_level->put(width, (uint8_t *)lane.out[k] + begin * width, 1, slice->n - begin,
                          (uint8_t *)step->out[k] + begin * step->out_bytes[k], l);
  }
}

// Makes synths as they play, and puts them where a snapshot or a swap left them.
#include "sched/run_voices.h"

static uint32_t count_patches(const KrRunUnit *body) {
  uint32_t n = 0;
  for (uint32_t s = 0; s < body->plan->n_steps; s++) {
    const KrRunStep *step = &body->steps[s];
    if (step->node == NULL) continue;
    n += step->node->kind == KR_NODE_OP ? step->plan->n_fields : 1;
  }
  return n;
}

static void add_patch(KrRunVoices *v, KrVoicePatch patch, size_t *n_bytes) {
  size_t lane = patch.lanes == 1 ? patch.n_bytes : (size_t)patch.count * patch.width;
  patch.offset = (*n_bytes + 63) / 64 * 64;
  *n_bytes = patch.offset + lane * KR_LANES;
  v->patches[v->n_patches++] = patch;
}

static void add_step(KrRun *run, KrRunVoices *v, KrRunStep *step, size_t *n_bytes) {
  if (step->node->kind == KR_NODE_PREV) {
    uint32_t width = kr_elem_bytes(step->node->type.elem);
    add_patch(v,
              (KrVoicePatch){.at = (void **)(void *)&step->before,
                             .node = step->node,
                             .initial = step->initial,
                             .count = 1,
                             .elem = step->node->type.elem,
                             .width = width,
                             .lanes = KR_LANES},
              n_bytes);
  }
  for (uint32_t f = 0; step->node->kind == KR_NODE_OP && f < step->plan->n_fields; f++) {
    uint32_t flags = step->node->op->field[f].flags, width = kr_step_field_bytes(step->node, f);
    if (flags & KR_FIELD_COEF) continue;
    uint64_t count = step->plan->field_count[f];
    int elem = step->node->op->field[f].elem;
    size_t size = (size_t)count * width * (step->is_apart ? 1 : KR_LANES);
    add_patch(v,
              (KrVoicePatch){.at = &step->field[f],
                             .node = step->node,
                             .field = f,
                             .initial = kr_arena_copy(run->arena, step->field[f], size),
                             .n_bytes = kr_voice_lane_bytes(step, f),
                             .count = count,
                             .elem = elem == KR_ELEM_CALL ? step->node->elem : (KrElem)elem,
                             .width = width,
                             .lanes = step->is_apart ? 1 : KR_LANES,
                             .is_ring = (flags & KR_FIELD_RING) != 0,
                             .ages = (flags & KR_FIELD_AGES) != 0},
              n_bytes);
  }
}

static void add_rows_of(KrRunVoices *v, const KrRun *run, const KrRunStep *step, size_t *n_bytes) {
  if (!kr_plan_is_voice_row(step->node)) return;
  for (uint32_t port = 0; port < step->n_out; port++) {
    KrType type = kr_graph_type(run->plan->graph, (KrRef){step->plan->node, port});
    KrVoiceRow *row = &v->rows[v->n_rows++];
    *row = (KrVoiceRow){.node = step->node,
                        .port = port,
                        .n_bytes = kr_elem_bytes(type.elem) * KR_LANES,
                        .value = step->plan->out + port,
                        .at = run->buffer[step->plan->out + port],
                        .offset = (*n_bytes + 63) / 64 * 64,
                        .is_gate = kr_plan_is_voice_gate(step->node, port)};
    *n_bytes = row->offset + row->n_bytes;
  }
}

// An operator of a gate joins voices in when that is theirs.
static KrVoiceJoin find_join(const KrRunVoices *v, const KrRunStep *step) {
  if (step->node->kind != KR_NODE_OP || (step->node->op->flags & KR_OP_JOINS) == 0)
    return KR_JOIN_PARTS;
  if (step->node->op->in[0].kind != KR_PORT_GATE) return KR_JOIN_HELD;
  return kr_voice_is_gate(v, step->plan->in[0]) ? KR_JOIN_ALWAYS : KR_JOIN_PARTS;
}

// Whether every reader of the gate knows where it moves.
static bool is_sparse(const KrRunVoices *v) {
  for (uint32_t s = 0; s < v->body->plan->n_steps; s++) {
    const KrRunStep *step = &v->body->steps[s];
    bool knows =
        step->node != NULL && step->node->kind == KR_NODE_OP && step->call.voice->edges != NULL;
    for (uint32_t k = knows ? 1 : 0; k < step->n_in; k++)
      if (kr_voice_is_gate(v, step->plan->in[k])) return false;
  }
  return true;
}

static void prepare_calls(KrRun *run, KrRunVoices *v) {
  KrRunUnit *body = v->body;
  v->n_ends = v->heard->n_in - v->graph->n_out;
  v->calls = KR_NEW_ARRAY(run->arena, KrCallVoice, v->n_ends + 1);
  v->settled = -1;
  v->ends = kr_arena_array(run->arena, v->n_ends + 1, sizeof *v->ends);
  v->found = kr_arena_array(run->arena, v->n_ends + 1, sizeof *v->found);
  for (uint32_t s = 0; s < body->plan->n_steps; s++) {
    KrRunStep *step = &body->steps[s];
    uint32_t call = v->steps[s].call = v->n_ends;
    if (step->node == NULL || step->node->kind != KR_NODE_OP) continue;
    // In the order in which the plan lists them.
    for (uint32_t i = 0; i < v->n_ends; i++)
      if (v->heard->plan->in[v->graph->n_out + i] == step->plan->out) call = i;
    v->steps[s].join = find_join(v, step);
    v->steps[s].call = call;
    v->calls[call].end = v->ends[call];
    v->calls[call].starts = v->piece.starts;
    if (call < v->n_ends && v->steps[s].join == KR_JOIN_ALWAYS && !step->is_serial)
      v->calls[call].edges = &v->piece.edges;
    step->call.voice = &v->calls[call];
  }
  v->is_sparse = is_sparse(v);
}

static void prepare_body(KrRun *run, KrRunVoices *v, size_t *n_bytes) {
  const KrRunUnit *body = v->body;
  uint32_t n = count_patches(body);
  v->steps = KR_NEW_ARRAY(run->arena, KrVoiceStep, body->plan->n_steps);
  v->patches = KR_NEW_ARRAY(run->arena, KrVoicePatch, n);
  v->rows = KR_NEW_ARRAY(run->arena, KrVoiceRow, 3 * (size_t)n);
  for (uint32_t s = 0; s < body->plan->n_steps; s++) {
    KrRunStep *step = &body->steps[s];
    if (step->plan->kind == KR_STEP_VOICES) v->heard = step;
    v->steps[s].first_patch = v->n_patches;
    if (step->node == NULL) continue;
    add_step(run, v, step, n_bytes);
    v->steps[s].n_patches = v->n_patches - v->steps[s].first_patch;
    if (step->node->kind == KR_NODE_VOICE) add_rows_of(v, run, step, n_bytes);
  }
  prepare_calls(run, v);
}

static KrStatus prepare_voices(KrRun *run, KrRunVoices *v, const KrVoices *graph,
                               KrShortValues *values) {
  const KrFlow *host = &run->plan->graph->flows[graph->host];
  *v = (KrRunVoices){.graph = graph,
                     .fields = run->plan->graph->events[graph->events].fields,
                     .node = &run->plan->graph->nodes[graph->node],
                     .clock = &host->clock,
                     .elem = run->plan->graph->nodes[graph->node].type.elem,
                     .body = &run->units[run->plan->flows[graph->body].unit[0]]};
  prepare_body(run, v, &v->n_memory);
  KrRatio fade;
  KR_TRY(kr_ratio_div((KrRatio){1, 200}, host->clock.dt, &fade));
  v->fade_ticks = kr_ratio_floor(fade) > 1 ? kr_ratio_floor(fade) : 1;
  kr_voice_pool_prepare(&v->pool, run->arena, graph->max);
  v->sounds = KR_NEW_ARRAY(run->arena, uint16_t, v->pool.n_groups);
  v->groups = KR_NEW_ARRAY(run->arena, KrVoiceGroup, v->pool.n_groups);
  size_t tile = (size_t)KR_TILE * kr_voice_row_bytes(v) * graph->n_out;
  v->columns = kr_arena_alloc(run->arena, 2 * tile / KR_TILE * KR_SHORT_COLUMN);
  for (uint32_t g = 0; g < v->pool.n_groups; g++) {
    v->groups[g].memory = kr_arena_alloc(run->arena, v->n_memory + 64);
    v->groups[g].own = kr_arena_alloc(run->arena, tile);
    v->groups[g].levels = kr_arena_alloc(run->arena, (v->n_ends + 1) * kr_voice_row_bytes(v));
    v->groups[g].falling = KR_VOICE_POOL_NEVER;
    for (uint32_t l = 0; l < KR_LANES; l++) kr_voices_reset(v, &v->groups[g], l);
  }
  kr_shorts_prepare(run, v, values);
  return KR_OK;
}

KrStatus kr_voices_prepare(KrRun *run) {
  const KrGraph *graph = run->plan->graph;
  KrShortValues values = {NULL, NULL};
  run->voices = KR_NEW_ARRAY(run->arena, KrRunVoices, graph->n_voices);
  for (uint32_t i = 0; i < graph->n_voices; i++)
    KR_TRY(prepare_voices(run, &run->voices[i], &graph->voices[i], &values));
  return KR_OK;
}

void kr_voices_clear(KrRunVoices *v, uint32_t lane) {
  KrVoiceGroup *group = &v->groups[lane / KR_LANES];
  const uint32_t l = lane % KR_LANES;
  v->pool.taken[lane / KR_LANES] &= (uint16_t) ~(1u << l);
  v->pool.lanes[lane].sounds = false;
  group->born[l] = 0;
  group->until[l] = INT64_MAX;
}

void kr_voices_place(KrRunVoices *v, int64_t tick) {
  v->now = NULL;
  v->settled = -1;
  kr_voice_pool_recount(&v->pool);
  for (uint32_t g = 0; g < v->pool.n_groups; g++) {
    KrVoiceGroup *group = &v->groups[g];
    group->falls = group->fades = group->fresh = group->n_starts = 0;
    group->falling = KR_VOICE_POOL_NEVER;
    group->done = tick;
    v->sounds[g] = 0;
    if (v->shorts != NULL) v->shorts->on[g] = 0;
    for (uint32_t l = 0; l < KR_LANES; l++) {
      const KrVoiceLane *lane = &v->pool.lanes[g * KR_LANES + l];
      const uint32_t bit = 1u << l;
      if (!lane->sounds) continue;
      group->born[l] = lane->born;
      group->late[l] = kr_voice_late(lane);
      group->note[l] = lane->note;
      v->sounds[g] |= (uint16_t)bit;
      if (lane->fade != KR_VOICE_POOL_NEVER) group->fades |= bit;
      if (lane->release < tick)
        group->falls |= bit;
      else if (lane->release < group->falling)
        group->falling = lane->release;
      if (v->n_ends == 0) continue;
      kr_voices_put_gate(v, group, l, lane->release >= tick);
      if (lane->release < tick) kr_voices_put_release(v, group, l);
      kr_elem_convert(v->elem, group->levels + l * kr_elem_bytes(v->elem), KR_ELEM_F64,
                      &lane->level, 1);
    }
  }
}

// Hot swap of synths: which voices go on in the new program, and with which state.
#include "sched/run_voices.h"

KrKeptVoices *kr_voices_kept(KrArena *arena, const KrRunVoices *v) {
  KrKeptVoices *kept = KR_NEW(arena, KrKeptVoices);
  uint32_t n = v->pool.n_groups;
  kept->pool = v->pool;
  kept->pool.lanes = KR_NEW_ARRAY(arena, KrVoiceLane, (size_t)n * KR_LANES);
  kept->pool.taken = KR_NEW_ARRAY(arena, uint16_t, n);
  kept->memory = KR_NEW_ARRAY(arena, uint8_t *, n);
  for (uint32_t g = 0; g < n; g++) kept->memory[g] = kr_arena_alloc(arena, v->n_memory + 1);
  return kept;
}

void kr_voices_keep(KrKeptVoices *kept, KrRun *run, KrRunVoices *v, int64_t tick) {
  KrVoicePool to = kept->pool;
  uint32_t n = v->pool.n_groups;
  kr_voices_lengthen(run, v, tick);
  kr_voices_levels(v, tick);
  kept->pool = v->pool;
  kept->pool.lanes = to.lanes;
  kept->pool.taken = to.taken;
  __builtin_memcpy(to.lanes, v->pool.lanes, (size_t)n * KR_LANES * sizeof *to.lanes);
  __builtin_memcpy(to.taken, v->pool.taken, n * sizeof *to.taken);
  for (uint32_t g = 0; g < n; g++)
    if (to.taken[g] != 0) __builtin_memcpy(kept->memory[g], v->groups[g].memory, v->n_memory);
}

static bool is_same_patch(const KrVoicePatch *a, const KrVoicePatch *b) {
  return kr_text_equal(a->node->path, b->node->path) && a->field == b->field &&
         a->elem == b->elem && a->count == b->count && a->lanes == b->lanes;
}

static bool is_same_row(const KrRunVoices *a, const KrVoiceRow *x, const KrRunVoices *b,
                        const KrVoiceRow *y) {
  if (x->node->voice != y->node->voice || x->port != y->port || x->n_bytes != y->n_bytes)
    return false;
  if (x->node->voice != KR_VOICE_FIELD && x->node->voice != KR_VOICE_HAS) return true;
  return kr_text_equal(a->fields[x->node->field].name, b->fields[y->node->field].name);
}

static void carry_patches(KrRunVoices *to, const KrRunVoices *from, uint32_t group, uint32_t lane,
                          const uint8_t *memory) {
  uint8_t *at = to->groups[group].memory;
  for (uint32_t i = 0; i < to->n_patches; i++) {
    const KrVoicePatch *patch = &to->patches[i];
    for (uint32_t k = 0; k < from->n_patches; k++) {
      const KrVoicePatch *old = &from->patches[k];
      if (!is_same_patch(patch, old)) continue;
      size_t step = patch->lanes == 1 ? patch->n_bytes : patch->width;
      for (size_t j = 0; j < patch->count; j++)
        __builtin_memcpy(at + patch->offset + lane * step + j * patch->lanes * patch->width,
                         memory + old->offset + lane * step + j * patch->lanes * patch->width,
                         patch->width);
    }
  }
}

static void carry_rows(KrRunVoices *to, const KrRunVoices *from, uint32_t group, uint32_t lane,
                       const uint8_t *memory) {
  uint8_t *at = to->groups[group].memory;
  for (uint32_t i = 0; i < to->n_rows; i++) {
    const KrVoiceRow *row = &to->rows[i];
    uint32_t width = row->n_bytes / KR_LANES;
    if (row->node->voice == KR_VOICE_FIELD)
      __builtin_memcpy(at + row->offset + lane * width, &row->node->value.as, width);
    for (uint32_t k = 0; k < from->n_rows; k++)
      if (is_same_row(to, row, from, &from->rows[k]))
        __builtin_memcpy(at + row->offset + lane * width,
                         memory + from->rows[k].offset + lane * width, width);
  }
}

void kr_voices_carry(KrRunVoices *to, KrRun *old, KrRunVoices *from, const KrKeptVoices *kept,
                     int64_t tick) {
  const KrVoicePool *pool = kept != NULL ? &kept->pool : &from->pool;
  if (to->elem != from->elem || to->pool.max != from->pool.max ||
      kr_ratio_compare(to->clock->dt, from->clock->dt) != 0 ||
      kr_ratio_compare(to->clock->phase, from->clock->phase) != 0)
    return;
  if (kept == NULL) {
    kr_voices_lengthen(old, from, tick);
    kr_voices_levels(from, tick);
  }
  for (uint32_t l = 0; l < pool->n_groups * KR_LANES; l++) {
    uint32_t g = l / KR_LANES, lane = l % KR_LANES;
    const uint8_t *memory = kept != NULL ? kept->memory[g] : from->groups[g].memory;
    if ((pool->taken[g] >> lane & 1) == 0) continue;
    to->pool.lanes[l] = pool->lanes[l];
    to->pool.taken[g] |= (uint16_t)(1u << lane);
    if (!pool->lanes[l].sounds) continue;
    carry_patches(to, from, g, lane, memory);
    carry_rows(to, from, g, lane, memory);
  }
  to->pool.n_notes = pool->n_notes;
  to->pool.n_stolen = pool->n_stolen;
  kr_voices_place(to, tick);
}

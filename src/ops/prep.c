// What prepare functions of several families share.
#include "ops/kernel.h"

bool kr_prep_ticks(const KrPrep *prep, const KrPortValue *port, int64_t *ticks) {
  const int64_t most = INT64_C(1) << 40;
  KrRatio exact;
  if (port->exact && kr_ratio_div(port->ratio, prep->dt, &exact) == KR_OK) {
    *ticks = kr_ratio_round(exact);
  } else {
    double value = port->value * ((double)prep->dt.den / (double)prep->dt.num);
    if (!(value >= 0 && value <= (double)most)) return false;
    *ticks = kr_f64_to_i64(kr_f64_round(value));
  }
  return *ticks >= 0 && *ticks <= most;
}

typedef struct KrSharedTable {
  KrTableKey key;
  void *at;
  struct KrSharedTable *next;
} KrSharedTable;

static bool is_same_key(const KrTableKey *a, const KrTableKey *b) {
  return a->kind == b->kind && a->of == b->of && a->index == b->index &&
         kr_ratio_compare(a->ratio, b->ratio) == 0;
}

void *kr_prep_table(const KrPrep *prep, const KrTableKey *key, size_t n_bytes, bool *is_new) {
  KrShared *shared = prep->shared;
  *is_new = true;
  if (shared == NULL) return kr_arena_alloc(prep->arena, n_bytes);
  for (KrSharedTable *table = shared->first; table != NULL; table = table->next)
    if (is_same_key(&table->key, key)) {
      *is_new = false;
      return table->at;
    }
  KrSharedTable *table = KR_NEW(shared->arena, KrSharedTable);
  *table = (KrSharedTable){*key, kr_arena_alloc(shared->arena, n_bytes), shared->first};
  shared->first = table;
  shared->n_bytes += n_bytes;
  return table->at;
}

// The list of families and the way from a name to its rows.
#include "ops/families.h"
#include "ops/op.h"

static const KrFamily *const FAMILIES[] = {
#define FAMILY_ADDRESS(name) &kr_family_##name,
    KR_FAMILY_LIST(FAMILY_ADDRESS)
#undef FAMILY_ADDRESS
};
enum { N_FAMILIES = sizeof FAMILIES / sizeof *FAMILIES, N_SLOTS = 1024 };

// families[] is what kr_registry_families hands out; slots hold rows by the hash of their name,
// rows of one name in the order of the tables. Written once, before main.
static KrFamily families[N_FAMILIES];
static const KrOp *slots[N_SLOTS];

// FNV-1a (Fowler, Noll, Vo), 32 bits.
static uint32_t hash_name(KrText name) {
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < name.n; i++) hash = (hash ^ (uint8_t)name.at[i]) * 16777619u;
  return hash;
}

__attribute__((constructor)) static void fill_slots(void) {
  for (uint32_t f = 0; f < N_FAMILIES; f++) {
    families[f] = *FAMILIES[f];
    for (uint32_t i = 0; i < families[f].n; i++) {
      const KrOp *op = &families[f].ops[i];
      uint32_t slot = hash_name(kr_text_from(op->name)) % N_SLOTS;
      while (slots[slot] != NULL) slot = (slot + 1) % N_SLOTS;
      slots[slot] = op;
    }
  }
}

const KrFamily *kr_registry_families(uint32_t *n) {
  *n = N_FAMILIES;
  return families;
}

const KrOp *kr_registry_find(KrText name, uint32_t nth) {
  uint32_t slot = hash_name(name) % N_SLOTS;
  for (; slots[slot] != NULL; slot = (slot + 1) % N_SLOTS)
    if (kr_text_is(name, slots[slot]->name) && nth-- == 0) return slots[slot];
  return NULL;
}

KrText kr_registry_near(KrText name) {
  KrText best = {NULL, 0};
  uint32_t best_distance = 3;
  for (uint32_t f = 0; f < N_FAMILIES; f++) {
    for (uint32_t i = 0; i < families[f].n; i++) {
      if (families[f].ops[i].flags & KR_OP_OPERATOR) continue;
      KrText other = kr_text_from(families[f].ops[i].name);
      uint32_t distance = kr_text_distance(name, other);
      // A word of one or two letters is not "near" another one.
      if (distance >= best_distance || distance >= name.n) continue;
      best = other;
      best_distance = distance;
    }
  }
  return best;
}

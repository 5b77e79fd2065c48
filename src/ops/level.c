// Which vector levels this build and processor have, and the kernels of each.
#include "ops/level.h"
#include "ops/kernel.h"
#include "ops/lanes.h"
#include <string.h>
#if defined(KR_HAS_X86_LEVELS)
#include <cpuid.h>
#endif

static const char *const TEXTS[KR_N_LEVELS] = {
    [KR_LEVEL_BEST] = "best", [KR_LEVEL_GENERIC] = "generic", [KR_LEVEL_BASELINE] = "baseline",
    [KR_LEVEL_V2] = "v2",     [KR_LEVEL_V3] = "v3",           [KR_LEVEL_V4] = "v4"};
static const bool BUILT[KR_N_LEVELS] = {
#define LEVEL_BUILT(suffix, name) [KR_LEVEL_##name] = true,
    KR_LEVEL_LIST(LEVEL_BUILT)
#undef LEVEL_BUILT
};

const char *kr_level_text(KrLevel level) { return TEXTS[level]; }

bool kr_level_find(const char *text, KrLevel *level) {
  for (uint32_t i = 0; i < KR_N_LEVELS; i++) {
    if (strcmp(text, TEXTS[i]) != 0) continue;
    *level = (KrLevel)i;
    return true;
  }
  return false;
}

// What x86-64-v2, v3 and v4 mean: the psABI's table of microarchitecture levels. The builtin also
// asks whether the system keeps the wide registers.
#if defined(KR_HAS_X86_LEVELS)
static bool has_v2(void) {
  unsigned a, b, c = 0, d, extended = 0;
  const unsigned need =
      bit_SSE3 | bit_SSSE3 | bit_CMPXCHG16B | bit_SSE4_1 | bit_SSE4_2 | bit_POPCNT;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return false;
  if (!__get_cpuid(0x80000001, &a, &b, &extended, &d)) return false;
  return (c & need) == need && (extended & bit_LAHF_LM) != 0;
}
static bool has_v3(void) {
  unsigned a, b, c = 0, d, extended = 0;
  const unsigned need = bit_FMA | bit_MOVBE | bit_F16C;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return false;
  if (!__get_cpuid(0x80000001, &a, &b, &extended, &d)) return false;
  return has_v2() && (c & need) == need && (extended & bit_LZCNT) != 0 &&
         __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
         __builtin_cpu_supports("bmi2");
}
static bool has_v4(void) {
  return has_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
}
#else
static bool has_v2(void) { return false; }
static bool has_v3(void) { return false; }
static bool has_v4(void) { return false; }
#endif

bool kr_level_is_supported(KrLevel level) {
  if (!BUILT[level]) return level == KR_LEVEL_BEST;
  switch (level) {
  case KR_LEVEL_V2: return has_v2();
  case KR_LEVEL_V3: return has_v3();
  case KR_LEVEL_V4: return has_v4();
  default: return true;
  }
}

KrLevel kr_level_best(void) {
  KrLevel level = (KrLevel)(KR_N_LEVELS - 1);
  while (!kr_level_is_supported(level)) level = (KrLevel)(level - 1);
  return level;
}

// A row names its generic kernels; the others stand at the same place of their level's list.
enum { N_SLOTS = 2048 };
typedef struct Slot {
  KrKernel *generic;
  uint16_t family, index;
} Slot;
#define FAMILY_COUNT(family, level) FAMILY_##family,
enum { KR_KERNEL_FAMILIES(FAMILY_COUNT, generic) N_FAMILIES };
#undef FAMILY_COUNT

#define FAMILY_ADDRESS(family, level) &kr_kernels_##family##_##level,
static const KrKernelList *const LISTS[KR_N_LEVELS][N_FAMILIES] = {
#define LEVEL_LISTS(suffix, name) [KR_LEVEL_##name] = {KR_KERNEL_FAMILIES(FAMILY_ADDRESS, suffix)},
    KR_LEVEL_LIST(LEVEL_LISTS)
#undef LEVEL_LISTS
};
#undef FAMILY_ADDRESS
static Slot slots[N_SLOTS]; // by the generic kernel's address; written once, before main

static uint32_t first_slot(KrKernel *kernel) {
  uint64_t address = (uint64_t)(uintptr_t)kernel;
  return (uint32_t)(address * UINT64_C(0x9E3779B97F4A7C15) >> 53) % N_SLOTS;
}

__attribute__((constructor)) static void fill_slots(void) {
  for (uint32_t f = 0; f < N_FAMILIES; f++) {
    const KrKernelList *list = LISTS[KR_LEVEL_GENERIC][f];
    for (uint32_t i = 0; i < list->n; i++) {
      uint32_t s = first_slot(list->at[i]);
      while (slots[s].generic != NULL) s = (s + 1) % N_SLOTS;
      slots[s] = (Slot){list->at[i], (uint16_t)f, (uint16_t)i};
    }
  }
}

KrKernel *kr_op_kernel(const KrOp *op, KrElem elem, KrLevel level) {
  KrKernel *generic = op->run[elem];
  if (level == KR_LEVEL_BEST) level = kr_level_best();
  if (generic == NULL) return NULL;
  for (uint32_t s = first_slot(generic); slots[s].generic != NULL; s = (s + 1) % N_SLOTS)
    if (slots[s].generic == generic) return LISTS[level][slots[s].family]->at[slots[s].index];
  return generic;
}

#define LANES_DECLARE(suffix, name) extern const KrLanes kr_lanes_##suffix;
KR_LEVEL_LIST(LANES_DECLARE)
#undef LANES_DECLARE

const KrLanes *kr_lanes_at(KrLevel level) {
  static const KrLanes *const lanes[KR_N_LEVELS] = {
#define LANES_LIST(suffix, name) [KR_LEVEL_##name] = &kr_lanes_##suffix,
      KR_LEVEL_LIST(LANES_LIST)
#undef LANES_LIST
  };
  return lanes[level == KR_LEVEL_BEST ? kr_level_best() : level];
}

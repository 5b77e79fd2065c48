/// A rig for operator tests: one row of the registry with its fields, called tile by tile.
#ifndef KR_TESTS_OP_RIG_H
#define KR_TESTS_OP_RIG_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ops/level.h"
#include "ops/manual.h"
#include "ops/op.h"

enum { RIG_MAX_INPUTS = 24 };

/// A prepared row. Ports are set by `rig_*` before `rig_prepare`.
typedef struct Rig {
  KrArena arena;
  const KrOp *op;
  KrElem elem;
  uint32_t lanes;
  KrRatio dt;
  KrPortValue port[KR_MAX_PORTS];
  KrType type;
  uint64_t count[KR_MAX_FIELDS];
  void *field[KR_MAX_FIELDS];
  KrType in_type[RIG_MAX_INPUTS];
  const char *message;
  KrFault fault;
  KrLevel level; ///< KR_LEVEL_BEST unless the test says otherwise
  KrShared *shared;
} Rig;

static inline uint32_t rig_choice(const KrPort *port, const char *word) {
  uint32_t index = 0;
  for (const char *c = port->choices; *c != 0; index++) {
    size_t n = strcspn(c, "|");
    if (strlen(word) == n && memcmp(word, c, n) == 0) return index;
    c += n + (c[n] == '|');
  }
  fail_msg("no choice %s", word);
  return 0;
}

static inline KrPortValue rig_number(int64_t num, int64_t den) {
  KrPortValue value = {.kind = KR_VALUE_CONST, .exact = true};
  assert_int_equal(kr_ratio_make(num, den, &value.ratio), KR_OK);
  value.value = (double)num / (double)den;
  return value;
}
static inline KrPortValue rig_stream(KrType type) {
  return (KrPortValue){.kind = KR_VALUE_STREAM, .type = type};
}

/// `0.7`, `10ms`, `440Hz`, `auto`, words and the like; what needs a value from the test stays zero.
static inline KrPortValue rig_preset(const KrPort *port) {
  const char *text = port->preset;
  if (port->kind == KR_PORT_CHOICE)
    return (KrPortValue){.kind = KR_VALUE_CHOICE,
                         .choice = text != NULL ? rig_choice(port, text) : 0};
  if (text == NULL) return (KrPortValue){.kind = KR_VALUE_STREAM};
  if (port->kind == KR_PORT_CONST && port->choices != NULL && strcmp(text, port->choices) == 0)
    return (KrPortValue){.kind = KR_VALUE_CHOICE};
  if (strcmp(text, "true") == 0) return rig_number(1, 1);
  if (strcmp(text, "false") == 0) return rig_number(0, 1);
  char *end;
  double value = strtod(text, &end);
  if (strcmp(end, "ms") == 0) value /= 1000;
  double scaled = value * 1e9;
  return rig_number((int64_t)(scaled < 0 ? scaled - 0.5 : scaled + 0.5), 1000000000);
}

static inline void rig_init_op(Rig *rig, const KrOp *op, KrElem elem, uint32_t lanes) {
  *rig = (Rig){.op = op, .elem = elem, .lanes = lanes, .dt = {1, 48000}};
  kr_arena_init(&rig->arena, NULL);
  assert_non_null(op);
  for (uint32_t i = 0; i < kr_op_ports(op); i++) {
    rig->port[i] = rig_preset(&op->in[i]);
    if (rig->port[i].kind == KR_VALUE_STREAM) rig->port[i].type = KR_TYPE_SCALAR(elem);
  }
}
static inline void rig_init(Rig *rig, const char *name, KrElem elem, uint32_t lanes) {
  rig_init_op(rig, kr_registry_find(kr_text_from(name), 0), elem, lanes);
}
static inline KrPortValue *rig_port(Rig *rig, const char *name) {
  for (uint32_t i = 0; i < kr_op_ports(rig->op); i++)
    if (strcmp(rig->op->in[i].name, name) == 0) return &rig->port[i];
  fail_msg("no port %s", name);
  return NULL;
}

/// Type, fields, prepare of every lane; paths are `rig/NAME[lane]`, lane counted from `first_lane`.
static inline KrStatus rig_prepare(Rig *rig, uint32_t first_lane) {
  KrPrep prep = {.op = rig->op,
                 .elem = rig->elem,
                 .dt = rig->dt,
                 .port = rig->port,
                 .type = KR_TYPE_SCALAR(rig->elem),
                 .seed = 42,
                 .lanes = rig->lanes,
                 .field = rig->field,
                 .arena = &rig->arena,
                 .shared = rig->shared};
  prep.path = kr_text_from(kr_text_print(&rig->arena, "rig/%s", rig->op->name));
  if (rig->op->type != NULL) {
    KrStatus status = rig->op->type(&prep, &rig->type, &rig->message);
    if (status != KR_OK) return status;
    prep.type = rig->type;
  } else {
    rig->type = prep.type;
  }
  for (uint32_t f = 0; f < kr_op_fields(rig->op); f++) {
    const KrField *field = &rig->op->field[f];
    rig->count[f] = field->count != 0 ? field->count : rig->op->count(&prep, f);
    uint32_t bytes = kr_elem_bytes(field->elem == KR_ELEM_CALL ? rig->elem : (KrElem)field->elem);
    rig->field[f] = kr_arena_array(&rig->arena, (size_t)rig->count[f] * rig->lanes, bytes);
  }
  uint32_t input = 0;
  for (uint32_t i = 0; i < kr_op_ports(rig->op); i++)
    for (uint32_t k = 0; k < kr_op_inputs(rig->op, i); k++)
      rig->in_type[input++] = rig->port[i].type;
  if (rig->op->prepare == NULL) return KR_OK;
  for (uint32_t lane = 0; lane < rig->lanes; lane++) {
    prep.lane = lane;
    prep.path = kr_text_from(
        kr_text_print(&rig->arena, "rig/%s[%u]", rig->op->name, (unsigned)(first_lane + lane)));
    KrStatus status = rig->op->prepare(&prep, &rig->message);
    if (status != KR_OK) return status;
  }
  return KR_OK;
}

static inline void rig_run(Rig *rig, int64_t tick, uint32_t n, uint64_t held, const void *const *in,
                           void *const *out) {
  KrCall call = {.n = n,
                 .lanes = rig->lanes,
                 .tick = tick,
                 .held = held,
                 .in = in,
                 .out = out,
                 .field = rig->field,
                 .in_type = rig->in_type,
                 .type = &rig->type,
                 .fault = &rig->fault};
  KrKernel *kernel = kr_op_kernel(rig->op, rig->elem, rig->level);
  assert_non_null(kernel);
  kernel(&call);
}
static inline void rig_deinit(Rig *rig) { kr_arena_deinit(&rig->arena); }

/// `n` ticks of one lane in tiles, f64 or f32 inputs [n] (NULL: none), one output [n].
static inline void rig_signal(Rig *rig, uint32_t n, const void *const *in, uint32_t n_in,
                              void *out) {
  uint32_t out_bytes = (uint32_t)kr_type_bytes(&rig->type);
  for (uint32_t done = 0; done < n;) {
    uint32_t part = n - done < KR_TILE ? n - done : KR_TILE;
    const void *at[RIG_MAX_INPUTS];
    for (uint32_t i = 0; i < n_in; i++)
      at[i] = in[i] == NULL ? NULL : (const char *)in[i] + done * kr_type_bytes(&rig->in_type[i]);
    void *to[1] = {(char *)out + (size_t)done * out_bytes};
    rig_run(rig, done, part, 0, at, to);
    done += part;
  }
}

/// xorshift64* (Vigna 2016), for inputs.
static inline uint64_t rig_random(uint64_t *state) {
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return *state * UINT64_C(2685821657736338717);
}
static inline double rig_uniform(uint64_t *state, double low, double high) {
  return low + (high - low) * ((double)(rig_random(state) >> 11) * 0x1p-53);
}
#endif

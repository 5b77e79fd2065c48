/// A row of one lane in f64 whose ports are set by name: constants or whole signals.
#ifndef KR_TESTS_OP_WAVE_H
#define KR_TESTS_OP_WAVE_H
#include "op_rig.h"

typedef struct Wave {
  Rig rig;
  uint32_t n;
  double constant[KR_MAX_PORTS];
  const double *signal[KR_MAX_PORTS]; ///< NULL: the constant
  const uint8_t *onset;               ///< of the gate; NULL: none
  const double *residual;
} Wave;

static inline uint32_t wave_port(const Wave *wave, const char *name) {
  uint32_t n = kr_op_ports(wave->rig.op);
  for (uint32_t i = 0; i < n; i++)
    if (strcmp(wave->rig.op->in[i].name, name) == 0) return i;
  fail_msg("no port %s", name);
  return 0;
}
static inline void wave_set(Wave *wave, const char *name, double value) {
  uint32_t i = wave_port(wave, name);
  wave->constant[i] = value;
  wave->rig.port[i].kind = KR_VALUE_CONST;
  wave->rig.port[i].exact = false;
  wave->rig.port[i].value = value;
}
static inline void wave_whole(Wave *wave, const char *name, int64_t value) {
  wave->rig.port[wave_port(wave, name)] = rig_number(value, 1);
  wave->constant[wave_port(wave, name)] = (double)value;
}
static inline void wave_word(Wave *wave, const char *name, const char *word) {
  uint32_t i = wave_port(wave, name);
  wave->rig.port[i].choice = rig_choice(&wave->rig.op->in[i], word);
}
static inline void wave_input(Wave *wave, const char *name, const double *signal) {
  uint32_t i = wave_port(wave, name);
  wave->signal[i] = signal;
  wave->rig.port[i] = rig_stream(KR_TYPE_SCALAR(KR_ELEM_F64));
}
/// Row `nth` of that name; every port at its default.
static inline void wave_init(Wave *wave, const char *name, uint32_t nth) {
  *wave = (Wave){.n = 0};
  rig_init_op(&wave->rig, kr_registry_find(kr_text_from(name), nth), KR_ELEM_F64, 1);
  for (uint32_t i = 0; i < kr_op_ports(wave->rig.op); i++) {
    wave->constant[i] = wave->rig.port[i].value;
    wave->rig.port[i].type = KR_TYPE_SCALAR(KR_ELEM_F64);
    const char *preset = wave->rig.op->in[i].preset; // the name of another port
    for (uint32_t k = 0; preset != NULL && k < i; k++)
      if (strcmp(preset, wave->rig.op->in[k].name) == 0) {
        wave->constant[i] = wave->constant[k];
        wave->rig.port[i] = wave->rig.port[k];
      }
  }
}
static inline void wave_prepare(Wave *wave) {
  KrStatus status = rig_prepare(&wave->rig, 0);
  if (status != KR_OK) fail_msg("%s: %s", wave->rig.op->name, wave->rig.message);
}

/// Input i, k-th of its node inputs, for ticks from `begin`; `row` holds what is constant.
static inline const void *wave_tile(const Wave *wave, uint32_t i, uint32_t k, uint32_t begin,
                                    double *row) {
  bool is_bool = wave->rig.op->in[i].kind == KR_PORT_BOOL;
  if (k == 1) return wave->onset != NULL ? wave->onset + begin : NULL;
  if (k >= 2) return wave->residual != NULL ? wave->residual + begin : NULL;
  if (wave->signal[i] != NULL && !is_bool) return wave->signal[i] + begin;
  for (uint32_t t = 0; t < KR_TILE; t++) {
    double value = wave->signal[i] != NULL ? wave->signal[i][begin + t] : wave->constant[i];
    if (is_bool)
      ((uint8_t *)row)[t] = value != 0;
    else
      row[t] = value;
  }
  return row;
}
/// The next n ticks; out[o] NULL: not kept. May be called again.
static inline void wave_run(Wave *wave, uint32_t n, double *const *out) {
  static double rows[RIG_MAX_INPUTS][KR_TILE];
  double waste[KR_MAX_OUTS][KR_TILE];
  for (uint32_t done = 0; done < n;) {
    uint32_t part = n - done < KR_TILE ? n - done : KR_TILE, input = 0;
    const void *in[RIG_MAX_INPUTS] = {NULL};
    for (uint32_t i = 0; i < kr_op_ports(wave->rig.op); i++)
      for (uint32_t k = 0; k < kr_op_inputs(wave->rig.op, i); k++, input++)
        in[input] = wave_tile(wave, i, k, wave->n, rows[input]);
    void *to[KR_MAX_OUTS];
    for (uint32_t o = 0; o < kr_op_outs(wave->rig.op); o++)
      to[o] = out[o] != NULL ? out[o] + done : waste[o];
    rig_run(&wave->rig, wave->n, part, 0, in, to);
    done += part;
    wave->n += part;
  }
}
/// n ticks as a voice that begins `late` of a tick late: after the first one every field that ages
/// takes back that part of its step.
static inline void wave_run_late(Wave *wave, double late, uint32_t n, double *out) {
  const KrOp *op = wave->rig.op;
  int64_t *before[KR_MAX_FIELDS];
  for (uint32_t f = 0; f < kr_op_fields(op); f++) {
    size_t n_bytes = (size_t)wave->rig.count[f] * sizeof(int64_t);
    bool ages = (op->field[f].flags & KR_FIELD_AGES) != 0;
    before[f] = kr_arena_copy(&wave->rig.arena, wave->rig.field[f], ages ? n_bytes : 0);
  }
  double *at[1] = {out};
  wave_run(wave, 1, at);
  for (uint32_t f = 0; f < kr_op_fields(op); f++)
    for (uint64_t i = 0; (op->field[f].flags & KR_FIELD_AGES) != 0 && i < wave->rig.count[f]; i++) {
      int64_t *now = (int64_t *)wave->rig.field[f] + i;
      *now -= (int64_t)(late * (double)(*now - before[f][i]));
    }
  at[0] = out + 1;
  wave_run(wave, n - 1, at);
}
static inline void wave_deinit(Wave *wave) { rig_deinit(&wave->rig); }
#endif

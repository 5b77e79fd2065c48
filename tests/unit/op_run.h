/// Runs one row of scalar ports over n ticks, in f64 values whatever the element type.
#ifndef KR_TESTS_OP_RUN_H
#define KR_TESTS_OP_RUN_H
#include "op_rig.h"

/// A port's constant, choice by its word, or signal of n values; of a gate `gate` and, if it
/// carries its onsets, `onset` and `late` (residuals of onsets). A list ends at the first without
/// name.
typedef struct Arg {
  const char *name;
  double value;
  const double *signal;
  const char *word;
} Arg;
enum { RUN_MAX_OUTS = 2, RUN_MAX_INPUTS = 16 };

static inline const Arg *arg_find(const Arg *args, const char *name) {
  for (; args != NULL && args->name != NULL; args++)
    if (strcmp(args->name, name) == 0) return args;
  return NULL;
}

/// Inputs of a run, [n] of the rig's type; bytes of onsets.
typedef struct Run {
  Rig rig;
  uint32_t n, n_inputs;
  void *in[RUN_MAX_INPUTS];
  size_t bytes[RUN_MAX_INPUTS];
} Run;

static inline void run_put(Run *run, double value, const double *signal) {
  size_t bytes = kr_elem_bytes(run->rig.elem);
  char *at = kr_arena_alloc(&run->rig.arena, (run->n + 1) * bytes);
  for (uint32_t t = 0; t < run->n; t++) {
    double x = signal != NULL ? signal[t] : value;
    if (run->rig.elem == KR_ELEM_F32)
      ((float *)(void *)at)[t] = (float)x;
    else
      ((double *)(void *)at)[t] = x;
  }
  run->bytes[run->n_inputs] = bytes;
  run->in[run->n_inputs++] = at;
}
static inline void run_put_gate(Run *run, const Arg *args) {
  const Arg *gate = arg_find(args, "gate"), *onset = arg_find(args, "onset");
  const Arg *late = arg_find(args, "late");
  run_put(run, gate->value, gate->signal);
  if (onset == NULL) {
    run->n_inputs += 3;
    return;
  }
  uint8_t *at = kr_arena_alloc(&run->rig.arena, run->n + 1);
  for (uint32_t t = 0; t < run->n; t++) at[t] = onset->signal[t] != 0;
  run->bytes[run->n_inputs] = 1;
  run->in[run->n_inputs++] = at;
  run_put(run, late->value, late->signal);
  run_put(run, 0, NULL);
}
static inline void run_init(Run *run, const char *name, KrElem elem, uint32_t n, const Arg *args) {
  *run = (Run){.n = n};
  rig_init(&run->rig, name, elem, 1);
  for (uint32_t i = 0; i < kr_op_ports(run->rig.op); i++) {
    const KrPort *port = &run->rig.op->in[i];
    const Arg *arg = arg_find(args, port->name);
    KrPortValue *value = &run->rig.port[i];
    if (port->kind == KR_PORT_GATE) {
      run_put_gate(run, args);
      continue;
    }
    if (arg != NULL && arg->word != NULL) value->choice = rig_choice(port, arg->word);
    if (arg != NULL && arg->signal == NULL && arg->word == NULL)
      *value = rig_number((int64_t)(arg->value * 1e6 + (arg->value < 0 ? -0.5 : 0.5)), 1000000);
    if (arg != NULL && arg->signal != NULL) *value = rig_stream(KR_TYPE_SCALAR(elem));
    if (kr_op_inputs(run->rig.op, i) == 0) continue;
    run_put(run, value->value, arg != NULL ? arg->signal : NULL);
  }
}
/// All ticks in tiles; out[o] is [n].
static inline void run_ticks(Run *run, double *const *out) {
  double row[RUN_MAX_OUTS][KR_TILE];
  uint32_t n_outs = kr_op_outs(run->rig.op);
  for (uint32_t done = 0, n; done < run->n; done += n) {
    n = run->n - done < KR_TILE ? run->n - done : KR_TILE;
    const void *in[RUN_MAX_INPUTS];
    void *to[RUN_MAX_OUTS];
    for (uint32_t i = 0; i < run->n_inputs; i++)
      in[i] = run->in[i] == NULL ? NULL : (char *)run->in[i] + done * run->bytes[i];
    for (uint32_t o = 0; o < n_outs; o++) to[o] = row[o];
    rig_run(&run->rig, done, n, 0, in, to);
    for (uint32_t o = 0; o < n_outs; o++)
      for (uint32_t t = 0; t < n; t++)
        out[o][done + t] =
            run->rig.elem == KR_ELEM_F32 ? (double)((float *)(void *)row[o])[t] : row[o][t];
  }
}
/// What a call is told of one voice, by values.
typedef struct RunVoice {
  KrCallVoice call;
  int64_t born[KR_LANES], end;
  double late[KR_LANES];
  uint32_t note[KR_LANES];
} RunVoice;
/// All ticks of one output as note 0, a voice born at tick 0, `late` of a tick late, until it says
/// that it fell silent: then that tick, else -1.
static inline int64_t run_voice(Run *run, double late, void *out) {
  RunVoice voice = {.end = INT64_MAX, .late = {late}};
  voice.call.born = voice.born, voice.call.late = voice.late, voice.call.note = voice.note;
  voice.call.end = &voice.end;
  for (uint32_t tick = 0, n; tick < run->n; tick += n) {
    n = run->n - tick < KR_TILE ? run->n - tick : KR_TILE;
    const void *in[RUN_MAX_INPUTS];
    void *to[1] = {(char *)out + (size_t)tick * kr_elem_bytes(run->rig.elem)};
    for (uint32_t i = 0; i < run->n_inputs; i++)
      in[i] = run->in[i] == NULL ? NULL : (char *)run->in[i] + tick * run->bytes[i];
    KrCall call = {.n = n, .lanes = 1, .tick = tick, .in = in, .out = to};
    call.field = run->rig.field, call.voice = &voice.call, call.type = &run->rig.type;
    kr_op_kernel(run->rig.op, run->rig.elem, run->rig.level)(&call);
    if (voice.end != INT64_MAX) return voice.end;
  }
  return -1;
}
/// Prepares and runs a row of one output.
static inline void run_op(const char *name, KrElem elem, uint32_t n, const Arg *args, double *out) {
  Run run;
  run_init(&run, name, elem, n, args);
  assert_int_equal(rig_prepare(&run.rig, 0), KR_OK);
  run_ticks(&run, &out);
  rig_deinit(&run.rig);
}
#endif

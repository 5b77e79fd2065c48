// Nanoseconds per lane-tick of the hot kernels at every vector level, one lane and sixteen, spans
// of
// 64. usage: bench_kernels [NAME]   only the cases whose name begins so
#include "clock.h"
#include "ops/level.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_INPUTS = 16, N_CALLS = 400, N_RUNS = 5 };

// Inputs by port, separated by blanks: `port=number` a constant, `port:number` one row a tile,
// `port~number` a row a tick, within a tenth of the number. Gates: `port:1`, `port~1`, and `port!1`
// with an onset in one lane every other tile. Other ports have their presets, held.
typedef struct Case {
  const char *name, *op, *inputs;
} Case;
static const Case CASES[] = {
    {"sine", "sine", "freq=440"},
    {"sine, held", "sine", "freq:440"},
    {"sine, moving", "sine", "freq~440"},
    {"sine, phase moving", "sine", "freq=440 phase~1"},
    {"phasor", "phasor", "freq=440"},
    {"saw 440 Hz", "saw", "freq=440"},
    {"saw 440 Hz, held", "saw", "freq:440"},
    {"saw 440 Hz, moving", "saw", "freq~440"},
    {"saw 5 kHz", "saw", "freq=5000"},
    {"square 440 Hz", "square", "freq=440"},
    {"pulse 440 Hz", "pulse", "freq=440 width~0.3"},
    {"tri 440 Hz", "tri", "freq=440"},
    {"lfo", "lfo", "freq=440"},
    {"noise", "noise", ""},
    {"lowpass, held", "lowpass", "x~1 cutoff:900 q:0.7"},
    {"lowpass, cutoff moving", "lowpass", "x~1 cutoff~900 q:0.7"},
    {"onepole, held", "onepole", "x~1 cutoff:900"},
    {"onepole, moving", "onepole", "x~1 cutoff~900"},
    {"dcblock", "dcblock", "x~1 cutoff:10"},
    {"biquad", "biquad", "x~1 b0:0.1 b1:0.2 b2:0.1 a1:-0.5 a2:0.1"},
    {"ladder, held", "ladder", "x~1 cutoff:900 res:0.5 drive:1"},
    {"ladder, cutoff moving", "ladder", "x~1 cutoff~900 res:0.5 drive:1"},
    {"svf_morph, cutoff moving", "svf_morph", "x~1 cutoff~900 q:0.7 morph:0.5"},
    {"eq3, held", "eq3", "x~1 low:6 mid:0 high:-6 low_freq:250 high_freq:4000"},
    {"saturate, held", "saturate", "x~1 drive:3"},
    {"fold, held", "fold", "x~1 gain:3"},
    {"bitcrush, held", "bitcrush", "x~1 bits:8 rate:0.5"},
    {"ringmod", "ringmod", "x~1 freq=440 depth:1"},
    {"fm", "fm", "freq=440 ratio=2 index:3 feedback:0.5"},
    {"fm, moving", "fm", "freq~440 ratio:2 index~3 feedback:0.5"},
    {"pluck", "pluck", "gate!1 freq:440 damp:0.5 decay:4 release:0.2"},
    {"kick", "kick", "gate!1 freq:50 punch:5 bend:0.03 decay:0.4 click:0.3 drive:1"},
    {"hat", "hat", "gate!1 freq:330 tone:0.6 attack:0.001 decay:0.08 cutoff:7000 drive:1"},
    {"chorus", "chorus", "x~1 rate=1 depth:0.5 mix:0.5"},
    {"flanger", "flanger", "x~1 delay:0.005 depth:0.7 rate=1 feedback:0.4 mix:0.5"},
    {"phaser", "phaser", "x~1 rate=1 depth:0.7 feedback:0.5 cutoff:500 mix:0.5"},
    {"echo", "echo", "x~1 time:0.3 feedback:0.5 cutoff:2000 mix:0.5"},
    {"tape", "tape", "x~1 time:0.3 feedback:0.5 wow:0.2 flutter:0.2 drive:1 mix:0.5 cutoff:6000"},
    {"compressor, held", "compressor",
     "x~1 threshold:-20 ratio:4 attack:0.005 release:0.1 knee:6 makeup:0 sidechain~1"},
    {"adsr, off", "adsr", "gate:0"},
    {"adsr, held rows", "adsr", "gate~1 attack:100"},
    {"adsr, moving", "adsr", "gate~1 attack~100"},
    {"adsr, events", "adsr", "gate!1"},
    {"perc, events", "perc", "gate!1"},
    {"comb", "comb", "x~1 time=0.02 feedback:0.5"},
    {"comb, moving", "comb", "x~1 time~0.02 feedback:0.5"},
    {"delay", "delay", "x~1 time=0.02"},
    {"allpass", "allpass", "x~1 time=0.02 feedback:0.5"},
    {"pan, held", "pan", "x~1 position:0.3"},
    {"pan, moving", "pan", "x~1 position~0.3"},
    {"gain, held", "gain", "x~1 amount:0.5"},
    {"mix, held", "mix", "a~1 b~1 amount:0.5"},
    {"add", "add", "x~1 y~1"},
    {"mul, held", "mul", "x~1 y:2"},
    {"div", "div_real", "x~1 y~2"},
    {"mod", "mod", "x~9 y~2"},
    {"lt", "lt", "x~1 y~1"},
    {"select", "select", "cond~1 a~1 b~1"},
    {"convert to i32", "convert", "x~9"},
    {"smooth", "smooth", "x~1 time:0.02"},
    {"slew", "slew", "x~1 up:9 down:9"},
    {"sample_and_hold", "sample_and_hold", "x~1 trig~0"},
};

typedef struct Rig {
  KrArena arena;
  const KrOp *op;
  KrPortValue port[KR_MAX_PORTS];
  KrType type, in_type[N_INPUTS];
  void *field[KR_MAX_FIELDS], *in[N_INPUTS], *out[KR_MAX_OUTS];
  uint64_t held, held_out;
  uint32_t lanes;
} Rig;

// What the case says of a port: its mark, 0 when nothing.
static char read_input(const Case *c, const char *port, double *value) {
  size_t n = strlen(port);
  for (const char *at = c->inputs; (at = strstr(at, port)) != NULL; at += n) {
    if ((at != c->inputs && at[-1] != ' ') || strchr("=:~!", at[n]) == NULL) continue;
    *value = strtod(at + n + 1, NULL);
    return at[n];
  }
  return 0;
}

static double preset_of(const KrPort *port) {
  if (port->preset == NULL) return 0;
  if (strcmp(port->preset, "true") == 0) return 1;
  char *end;
  double value = strtod(port->preset, &end);
  return strcmp(end, "ms") == 0 ? value / 1000 : value;
}

static KrPortValue constant(double value) {
  KrPortValue port = {.kind = KR_VALUE_CONST, .exact = true, .value = value};
  kr_ratio_make((int64_t)(value * 1e6 + (value < 0 ? -0.5 : 0.5)), 1000000, &port.ratio);
  return port;
}

static void *fill(Rig *rig, KrElem elem, double value, bool moves) {
  size_t n = (size_t)KR_TILE * rig->lanes;
  float *at = kr_arena_alloc(&rig->arena, n * sizeof *at);
  for (size_t i = 0; i < n; i++) {
    double x = value * (moves ? 0.9 + 0.2 * (double)(i * 7919 % 97) / 97 : 1);
    if (elem == KR_ELEM_BOOL)
      ((uint8_t *)at)[i] = x != 0;
    else
      at[i] = (float)x;
  }
  return at;
}

// The four inputs of a gate; onsets stand at one lane of one tick.
static void fill_gate(Rig *rig, uint32_t input, char mark, double value) {
  KrElem elems[4] = {KR_ELEM_F32, KR_ELEM_BOOL, KR_ELEM_F32, KR_ELEM_F32};
  for (uint32_t k = 0; k < 4; k++) {
    rig->in_type[input + k] = KR_TYPE_SCALAR(elems[k]);
    rig->in[input + k] = fill(rig, elems[k], k == 0 ? value : 0, false);
    if (mark == ':') rig->held |= UINT64_C(1) << (input + k);
  }
  if (mark == '!') ((uint8_t *)rig->in[input + 1])[20 * rig->lanes + rig->lanes / 3] = 1;
}

static void fill_ports(Rig *rig, const Case *c) {
  uint32_t input = 0;
  for (uint32_t i = 0; i < kr_op_ports(rig->op); i++) {
    const KrPort *port = &rig->op->in[i];
    double value = preset_of(port);
    char mark = read_input(c, port->name, &value);
    rig->port[i] = constant(value);
    KrElem elem = port->kind == KR_PORT_BOOL ? KR_ELEM_BOOL : KR_ELEM_F32;
    KrType type = KR_TYPE_SCALAR(elem);
    if (port->kind == KR_PORT_CHOICE) rig->port[i] = (KrPortValue){.kind = KR_VALUE_CHOICE};
    if (mark != 0 && mark != '=')
      rig->port[i] = (KrPortValue){.kind = KR_VALUE_STREAM, .type = type};
    if (port->kind == KR_PORT_GATE) fill_gate(rig, input, mark, value);
    if (port->kind == KR_PORT_SIGNAL || port->kind == KR_PORT_BOOL) {
      rig->in_type[input] = type;
      rig->in[input] = fill(rig, elem, value, mark == '~');
      if (mark != '~') rig->held |= UINT64_C(1) << input;
    }
    input += kr_op_inputs(rig->op, i);
  }
}

static bool make_rig(Rig *rig, const Case *c, uint32_t lanes) {
  const char *message = NULL;
  *rig = (Rig){.op = kr_registry_find(kr_text_from(c->op), 0), .lanes = lanes};
  kr_arena_init(&rig->arena, NULL);
  if (rig->op == NULL) return false;
  fill_ports(rig, c);
  KrPrep prep = {.op = rig->op,
                 .elem = KR_ELEM_F32,
                 .dt = {1, 48000},
                 .port = rig->port,
                 .lanes = lanes,
                 .field = rig->field,
                 .arena = &rig->arena,
                 .path = kr_text_from(c->name)};
  rig->type = prep.type = KR_TYPE_SCALAR(KR_ELEM_F32);
  if (rig->op->type != NULL && rig->op->type(&prep, &rig->type, &message) != KR_OK) return false;
  if (strcmp(c->op, "convert") == 0) rig->type.elem = KR_ELEM_I32;
  for (uint32_t f = 0; f < kr_op_fields(rig->op); f++) {
    const KrField *field = &rig->op->field[f];
    uint64_t count = field->count != 0 ? field->count : rig->op->count(&prep, f);
    uint32_t bytes = kr_elem_bytes(field->elem == KR_ELEM_CALL ? KR_ELEM_F32 : (KrElem)field->elem);
    rig->field[f] = kr_arena_array(&rig->arena, (size_t)count * lanes, bytes);
  }
  for (uint32_t o = 0; o < kr_op_outs(rig->op); o++)
    rig->out[o] = kr_arena_alloc(&rig->arena, sizeof(double) * KR_TILE * lanes);
  for (prep.lane = 0; rig->op->prepare != NULL && prep.lane < lanes; prep.lane++)
    if (rig->op->prepare(&prep, &message) != KR_OK) return false;
  return true;
}

// Nanoseconds per lane-tick, the least of some runs.
static double time_rig(Rig *rig, KrLevel level) {
  KrKernel *kernel = kr_op_kernel(rig->op, KR_ELEM_F32, level);
  KrFault fault = {NULL, 0};
  union {
    void *const *from;
    const void *const *to;
  } in = {.from = rig->in};
  KrCall call = {.n = KR_TILE,
                 .lanes = rig->lanes,
                 .held = rig->held,
                 .in = in.to,
                 .out = rig->out,
                 .field = rig->field,
                 .in_type = rig->in_type,
                 .type = &rig->type,
                 .fault = &fault,
                 .held_out = &rig->held_out};
  double best = 1e9;
  for (int run = 0; run < N_RUNS; run++) {
    double begin = cpu_seconds();
    for (uint32_t i = 0; i < N_CALLS; i++, call.tick += KR_TILE) kernel(&call);
    double seconds = cpu_seconds() - begin;
    best = seconds < best ? seconds : best;
  }
  return best * 1e9 / ((double)N_CALLS * KR_TILE * rig->lanes);
}

static void run_case(const Case *c, uint32_t lanes) {
  printf("%-24s %2u lanes", c->name, (unsigned)lanes);
  for (int level = KR_LEVEL_GENERIC; level < KR_N_LEVELS; level++) {
    Rig rig;
    if (!kr_level_is_supported((KrLevel)level)) continue;
    if (make_rig(&rig, c, lanes))
      printf(" %8.3f", time_rig(&rig, (KrLevel)level));
    else
      printf(" %8s", "-");
    kr_arena_deinit(&rig.arena);
  }
  printf("\n");
}

int main(int n_args, char **args) {
  printf("%-33s", "ns per lane-tick");
  for (int level = KR_LEVEL_GENERIC; level < KR_N_LEVELS; level++)
    if (kr_level_is_supported((KrLevel)level)) printf(" %8s", kr_level_text((KrLevel)level));
  printf("\n");
  for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
    if (n_args > 1 && strncmp(CASES[i].name, args[1], strlen(args[1])) != 0) continue;
    run_case(&CASES[i], KR_LANES);
    run_case(&CASES[i], 1);
  }
  return 0;
}

// Every row of scalar signals that keeps something: after 10 ms of what is no sound at any input
// its output is finite in the next tick; moved at random at every input it does not grow.
#include "op_rig.h"
#include <math.h>

enum { NO_PORT = UINT32_MAX };
enum { N_BROKEN = 480, N_BEFORE = 200, N_AFTER = 4800, N_MOVED = 4800 };
static float audio_frames[2 * 4000];
static const KrAssetAudio audio = {audio_frames, 4000, 2, 48000, true, {{0}}};
static const double points[] = {0, 1, 0.0003, -1, 0.0003, 2, 0.002, 0.5};

static double sane_value(const KrPort *port, uint32_t tick) {
  const char *unit = port->unit != NULL ? port->unit : "";
  if (strcmp(unit, "Hz") == 0) return 440;
  if (strcmp(unit, "s") == 0) return 0.003;
  if (port->kind == KR_PORT_GATE) return tick % 4800 < 2400;
  return 0.5 * sin(0.0576 * tick);
}
static double broken_value(uint64_t *seed) {
  static const double values[] = {NAN,    INFINITY, -INFINITY, 1e30,  -1e30, 1e-40,
                                  -5e-39, 3e-320,   0,         -1e38, 1e300, -0.0};
  return values[rig_random(seed) % (sizeof values / sizeof *values)];
}

typedef struct Trial {
  Rig rig;
  uint32_t port_of[RIG_MAX_INPUTS], kth[RIG_MAX_INPUTS], n_inputs;
  uint32_t broken; // port
  bool is_constant[KR_MAX_PORTS];
  double value[KR_MAX_PORTS];
} Trial;

static bool is_signal(const KrPort *port) {
  return port->kind == KR_PORT_SIGNAL || port->kind == KR_PORT_GATE;
}
static bool open_trial(Trial *trial, const KrOp *op, KrElem elem, uint32_t broken) {
  *trial = (Trial){.broken = broken};
  rig_init_op(&trial->rig, op, elem, 1);
  for (uint32_t i = 0; i < kr_op_ports(op); i++) {
    const KrPort *port = &op->in[i];
    KrPortValue *value = &trial->rig.port[i];
    for (uint32_t k = 0; port->preset != NULL && k < i; k++)
      if (strcmp(port->preset, op->in[k].name) == 0) *value = trial->rig.port[k];
    if (port->kind == KR_PORT_ASSET) *value = (KrPortValue){KR_VALUE_ASSET, .audio = &audio};
    if (port->kind == KR_PORT_POINTS)
      *value = (KrPortValue){KR_VALUE_POINTS, .points = points, .n_points = 4, .n_columns = 2};
    if (strcmp(op->name, "random.choice") == 0) value->n_points = 8, value->n_columns = 1;
    if (port->kind == KR_PORT_BOOL) value->type = KR_TYPE_SCALAR(KR_ELEM_BOOL);
    if (port->kind == KR_PORT_INT) value->type = KR_TYPE_SCALAR(KR_ELEM_I64);
    if (strcmp(port->name, "max") == 0 && port->kind == KR_PORT_CONST) *value = rig_number(1, 100);
    bool moves = i == broken || (broken == NO_PORT && is_signal(port));
    trial->is_constant[i] = value->kind == KR_VALUE_CONST && !moves;
    trial->value[i] = value->value;
    if (is_signal(port) && !trial->is_constant[i]) *value = rig_stream(KR_TYPE_SCALAR(elem));
    if (trial->is_constant[i]) value->type = KR_TYPE_SCALAR(elem);
    for (uint32_t k = 0; k < kr_op_inputs(op, i); k++) {
      trial->port_of[trial->n_inputs] = i;
      trial->kth[trial->n_inputs++] = k;
    }
  }
  return rig_prepare(&trial->rig, 0) == KR_OK;
}

static void put_value(const Trial *trial, uint32_t input, uint32_t t, void *row, double x) {
  KrPortKind kind = trial->rig.op->in[trial->port_of[input]].kind;
  if (kind == KR_PORT_BOOL)
    ((uint8_t *)row)[t] = x > 0;
  else if (kind == KR_PORT_INT)
    ((int64_t *)row)[t] = (int64_t)x;
  else if (trial->rig.elem == KR_ELEM_F32)
    ((float *)row)[t] = (float)x;
  else
    ((double *)row)[t] = x;
}
static double out_at(const Trial *trial, const double *out, uint32_t t) {
  return trial->rig.elem == KR_ELEM_F32 ? (double)((const float *)(const void *)out)[t] : out[t];
}

static void fill_row(const Trial *trial, uint32_t input, uint32_t tick, uint32_t n, void *row,
                     uint64_t *seed) {
  uint32_t p = trial->port_of[input];
  const KrPort *port = &trial->rig.op->in[p];
  for (uint32_t t = 0; t < n; t++) {
    uint32_t now = tick + t;
    double x =
        trial->is_constant[p] || port->preset != NULL ? trial->value[p] : sane_value(port, now);
    if (p == trial->broken && now >= N_BEFORE && now < N_BEFORE + N_BROKEN) x = broken_value(seed);
    put_value(trial, input, t, row, x);
  }
}

static void run_tile(Trial *trial, uint32_t tick, const void *const *in, double (*outs)[KR_TILE]) {
  void *to[KR_MAX_OUTS];
  for (uint32_t o = 0; o < KR_MAX_OUTS; o++) to[o] = outs[o];
  rig_run(&trial->rig, tick, KR_TILE, 0, in, to);
}

// What came out after the broken ticks.
typedef struct Outcome {
  uint32_t ticks; ///< until the last output that is not finite; 0: none
  double peak;    ///< of the second half of what follows
} Outcome;
static Outcome recover(Trial *trial, uint64_t *seed) {
  static double rows[RIG_MAX_INPUTS][KR_TILE], outs[KR_MAX_OUTS][KR_TILE];
  const uint32_t clean = N_BEFORE + N_BROKEN;
  Outcome outcome = {0};
  for (uint32_t tick = 0; tick < clean + N_AFTER; tick += KR_TILE) {
    const void *in[RIG_MAX_INPUTS] = {NULL};
    for (uint32_t i = 0; i < trial->n_inputs; i++) {
      if (trial->kth[i] > 0) continue;
      fill_row(trial, i, tick, KR_TILE, rows[i], seed);
      in[i] = rows[i];
    }
    run_tile(trial, tick, in, outs);
    for (uint32_t o = 0; o < kr_op_outs(trial->rig.op); o++)
      for (uint32_t t = 0; t < KR_TILE; t++) {
        double y = out_at(trial, outs[o], t);
        if (!isfinite(y) && tick + t >= clean) outcome.ticks = tick + t - clean + 1;
        if (isfinite(y) && tick + t >= clean + N_AFTER / 2)
          outcome.peak = fmax(outcome.peak, fabs(y));
      }
  }
  return outcome;
}

static double random_value(const KrPort *port, uint64_t *seed) {
  const char *unit = port->unit != NULL ? port->unit : "";
  double u = rig_uniform(seed, 0, 1);
  if (port->kind == KR_PORT_GATE) return u < 0.01;
  if (strcmp(unit, "Hz") == 0) return 20 * pow(1000, u);
  if (strcmp(unit, "s") == 0) return 0.0001 * pow(200, u);
  if (strcmp(unit, "dB") == 0) return -40 + 52 * u;
  if (strcmp(port->name, "q") == 0) return 0.3 * pow(60, u);
  if (strcmp(port->name, "ratio") == 0 || strcmp(port->name, "bits") == 0) return 1 + 19 * u;
  return 2.4 * u - 1.2;
}
// Every input at random in every tick, or every 7th; the peak.
static double modulated_peak(Trial *trial, uint64_t *seed, uint32_t every) {
  static double rows[RIG_MAX_INPUTS][KR_TILE], outs[KR_MAX_OUTS][KR_TILE];
  double peak = 0, now[RIG_MAX_INPUTS] = {0};
  for (uint32_t tick = 0; tick < N_MOVED; tick += KR_TILE) {
    const void *in[RIG_MAX_INPUTS] = {NULL};
    for (uint32_t i = 0; i < trial->n_inputs; i++) {
      const KrPort *port = &trial->rig.op->in[trial->port_of[i]];
      if (trial->kth[i] > 0) continue;
      for (uint32_t t = 0; t < KR_TILE; t++) {
        if ((tick + t) % every == 0) now[i] = random_value(port, seed);
        put_value(trial, i, t, rows[i], is_signal(port) ? now[i] : trial->value[trial->port_of[i]]);
      }
      in[i] = rows[i];
    }
    run_tile(trial, tick, in, outs);
    for (uint32_t o = 0; o < kr_op_outs(trial->rig.op); o++)
      for (uint32_t t = 0; t < KR_TILE; t++) {
        double y = out_at(trial, outs[o], t);
        peak = isfinite(y) ? fmax(peak, fabs(y)) : (double)INFINITY;
      }
  }
  return peak;
}

static bool is_tried(const KrOp *op, KrElem elem) {
  if (op->run[elem] == NULL || op->core != KR_CORE_NONE || (op->flags & KR_OP_FAULTS)) return false;
  for (uint32_t i = 0; i < kr_op_ports(op); i++)
    if (op->in[i].kind >= KR_PORT_VECTOR) return false;
  return kr_op_fields(op) > 0;
}

// Coefficients are no settings: they decide themselves whether they are stable.
static bool is_free(const KrOp *op) { return strcmp(op->name, "biquad") == 0; }
// What it holds stays until its next trigger.
static bool holds(const KrOp *op) { return strcmp(op->name, "sample_and_hold") == 0; }
// A sound, not what is done to it.
static bool is_sound(const KrPort *port) {
  static const char *const names[] = {"x", "right", "sidechain", "a", "b", "from", "to"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(port->name, names[i]) == 0) return true;
  return false;
}

static bool has_signal(const KrOp *op) {
  for (uint32_t i = 0; i < kr_op_ports(op); i++)
    if (is_signal(&op->in[i])) return true;
  return false;
}

typedef void EachRow(const KrOp *op, KrElem elem, uint64_t *seed);
static void each_row(EachRow *try_row) {
  uint64_t seed = 11;
  uint32_t n_families;
  for (size_t i = 0; i < sizeof audio_frames / sizeof *audio_frames; i++)
    audio_frames[i] = (float)rig_uniform(&seed, -1, 1);
  const KrFamily *families = kr_registry_families(&n_families);
  for (uint32_t f = 0; f < n_families; f++)
    for (uint32_t i = 0; i < families[f].n; i++)
      for (KrElem elem = KR_ELEM_F32; elem <= KR_ELEM_F64; elem++)
        if (is_tried(&families[f].ops[i], elem)) try_row(&families[f].ops[i], elem, &seed);
}

static void try_broken(const KrOp *op, KrElem elem, uint64_t *seed) {
  for (uint32_t port = 0; port < kr_op_ports(op); port++) {
    if (!is_signal(&op->in[port])) continue;
    Trial trial;
    if (!open_trial(&trial, op, elem, port)) fail_msg("%s: %s", op->name, trial.rig.message);
    if (trial.rig.type.shape == KR_SHAPE_SCALAR) {
      Outcome outcome = recover(&trial, seed);
      if (outcome.ticks > (holds(op) ? 110 : 0))
        fail_msg("%s %s: not finite %u ticks after a broken %s", op->name, kr_elem_text(elem),
                 outcome.ticks, op->in[port].name);
      if (outcome.peak > 1000 && !is_sound(&op->in[port]) && !is_free(op))
        fail_msg("%s %s: %g long after a broken %s", op->name, kr_elem_text(elem), outcome.peak,
                 op->in[port].name);
    }
    rig_deinit(&trial.rig);
  }
}
static void what_is_no_number_leaves_nothing_behind(void **state) {
  (void)state;
  each_row(try_broken);
}

static void try_modulated(const KrOp *op, KrElem elem, uint64_t *seed) {
  static const uint32_t every[] = {1, 7, 300};
  const bool hears = strcmp(op->family, "analysis") == 0; // its output is no sound
  for (int k = 0; k < 3 && !is_free(op) && !hears && has_signal(op); k++) {
    Trial trial;
    if (!open_trial(&trial, op, elem, NO_PORT)) fail_msg("%s: %s", op->name, trial.rig.message);
    if (trial.rig.type.shape == KR_SHAPE_SCALAR) {
      double peak = modulated_peak(&trial, seed, every[k]);
      if (!(peak < 1e4)) fail_msg("%s %s grows to %g", op->name, kr_elem_text(elem), peak);
    }
    rig_deinit(&trial.rig);
  }
}
static void no_modulation_makes_a_row_grow(void **state) {
  (void)state;
  each_row(try_modulated);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_no_number_leaves_nothing_behind),
      cmocka_unit_test(no_modulation_makes_a_row_grow),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

// What a kernel does besides its row: factors after it, its second input scaled, its output added
// to what is there. All of it gives the bits that steps of their own would, at every level.
#include "op_rig.h"

enum { N_TICKS = KR_TILE, N_ROW = KR_LANES, N_TILE = N_TICKS * N_ROW };

// How one call is joined; a set bit of held: that input is one row.
typedef struct Joins {
  uint32_t n_scales, n_factors;
  uint64_t held;
  bool adds;
} Joins;

typedef struct Tile {
  double at[N_TILE];
} Tile;

static double number(const void *at, KrElem elem, size_t i) {
  return elem == KR_ELEM_F32 ? (double)((const float *)at)[i] : ((const double *)at)[i];
}
static void put(void *at, KrElem elem, size_t i, double x) {
  if (elem == KR_ELEM_F32)
    ((float *)at)[i] = (float)x;
  else
    ((double *)at)[i] = x;
}
// One operation in the call's type: of f32 by the exact f64, rounded once.
static double round_to(KrElem elem, double x) { return elem == KR_ELEM_F32 ? (double)(float)x : x; }

static double value_of(const KrPort *port, uint64_t *seed) {
  switch (rig_random(seed) % 64) {
  case 0: return __builtin_nan("");
  case 1: return __builtin_inf();
  case 2: return -0.0;
  default: break;
  }
  bool is_hertz = port != NULL && port->unit != NULL && strcmp(port->unit, "Hz") == 0;
  return rig_uniform(seed, is_hertz ? 20 : -2, is_hertz ? 20000 : 2);
}

static void fill(Tile *tile, KrElem elem, const KrPort *port, bool held, uint64_t *seed) {
  for (uint32_t i = 0; i < N_TILE; i++)
    tile->at[i] = held && i >= N_ROW ? tile->at[i - N_ROW] : round_to(elem, value_of(port, seed));
}

static void run(const KrOp *op, KrElem elem, KrLevel level, const Joins *joins, const Tile *in,
                Tile *out) {
  Rig rig;
  uint32_t n_in = kr_op_ports(op), n_all = n_in;
  rig_init_op(&rig, op, elem, KR_LANES);
  for (uint32_t i = 0; i < n_in; i++)
    if (op->in[i].kind == KR_PORT_SIGNAL)
      rig.port[i] = rig_stream(KR_TYPE_SCALAR(elem));
    else
      n_all = n_in = i;
  assert_int_equal(rig_prepare(&rig, 0), KR_OK);
  n_all += joins->n_scales + joins->n_factors;
  const void *inputs[KR_MAX_PORTS];
  for (uint32_t i = 0; i < n_all; i++) {
    void *at = kr_arena_array(&rig.arena, N_TILE, sizeof(double));
    for (uint32_t k = 0; k < N_TILE; k++) put(at, elem, k, in[i].at[k]);
    inputs[i] = at;
  }
  void *to = kr_arena_array(&rig.arena, N_TILE, sizeof(double));
  for (uint32_t k = 0; k < N_TILE; k++) put(to, elem, k, out->at[k]);
  KrCall call = {.n = N_TICKS,
                 .lanes = KR_LANES,
                 .held = joins->held,
                 .in = inputs,
                 .out = &to,
                 .field = rig.field,
                 .in_type = rig.in_type,
                 .type = &rig.type,
                 .fault = &rig.fault,
                 .adds = joins->adds,
                 .n_scales = joins->n_scales,
                 .first_scale = n_in,
                 .n_factors = joins->n_factors,
                 .first_factor = n_in + joins->n_scales};
  kr_op_kernel(op, elem, level)(&call);
  for (uint32_t k = 0; k < N_TILE; k++) out->at[k] = number(to, elem, k);
  rig_deinit(&rig);
}

// The same by one step after the other.
static void run_apart(const KrOp *op, KrElem elem, const Joins *joins, const Tile *in, Tile *out) {
  static Tile inputs[KR_MAX_PORTS], made;
  const Joins none = {.held = 0};
  uint32_t n_in = 0;
  while (n_in < kr_op_ports(op) && op->in[n_in].kind == KR_PORT_SIGNAL) n_in++;
  for (uint32_t i = 0; i < n_in; i++) inputs[i] = in[i];
  for (uint32_t k = 0; k < N_TILE && joins->n_scales != 0; k++) {
    double product = round_to(elem, inputs[1].at[k] * in[n_in].at[k]);
    inputs[1].at[k] = round_to(elem, product + in[n_in + 1].at[k]);
  }
  run(op, elem, KR_LEVEL_GENERIC, &none, inputs, &made);
  for (uint32_t k = 0; k < N_TILE; k++) {
    double y = made.at[k];
    for (uint32_t f = 0; f < joins->n_factors; f++)
      y = round_to(elem, y * in[n_in + joins->n_scales + f].at[k]);
    out->at[k] = joins->adds ? round_to(elem, out->at[k] + y) : y;
  }
}

static void compare(const KrOp *op, KrElem elem, KrLevel level, const Tile *a, const Tile *b) {
  for (uint32_t k = 0; k < N_TILE; k++) {
    bool both_nan = a->at[k] != a->at[k] && b->at[k] != b->at[k];
    if (!both_nan && memcmp(&a->at[k], &b->at[k], sizeof a->at[k]) != 0)
      fail_msg("%s %s %s: tick %u, lane %u differs", op->name, kr_elem_text(elem),
               kr_level_text(level), (unsigned)(k / N_ROW), (unsigned)(k % N_ROW));
  }
}

static void try_joins(const KrOp *op, KrElem elem, KrLevel level, Joins joins, uint64_t *seed) {
  static Tile in[KR_MAX_PORTS], joined, apart;
  uint32_t n_in = 0;
  while (n_in < kr_op_ports(op) && op->in[n_in].kind == KR_PORT_SIGNAL) n_in++;
  // A filter's q rests while its cutoff is scaled; constants and later factors always.
  if (joins.n_scales != 0) joins.held |= 1 << 2;
  for (uint32_t i = 0; i < joins.n_scales; i++) joins.held |= UINT64_C(1) << (n_in + i);
  for (uint32_t i = 1; i < joins.n_factors; i++)
    joins.held |= UINT64_C(1) << (n_in + joins.n_scales + i);
  for (uint32_t i = 0; i < n_in + joins.n_scales + joins.n_factors; i++)
    fill(&in[i], elem, i < n_in ? &op->in[i] : NULL, joins.held >> i & 1, seed);
  fill(&joined, elem, NULL, false, seed);
  apart = joined;
  run(op, elem, level, &joins, in, &joined);
  run_apart(op, elem, &joins, in, &apart);
  compare(op, elem, level, &joined, &apart);
}

static void try_row(const KrOp *op, KrLevel level, uint64_t *seed) {
  uint32_t most = (op->flags & KR_OP_GAINS) != 0 ? KR_MAX_FACTORS : 1;
  bool scales = (op->flags & KR_OP_SCALES) != 0, adds = (op->flags & KR_OP_ADDS) != 0;
  for (uint32_t n = 0; n <= most; n++)
    for (uint64_t held = 0; held < 16; held++)
      for (int k = 0; k < 1 + (scales || adds); k++) {
        Joins joins = {
            .n_factors = n, .n_scales = k == 1 && scales ? 2 : 0, .adds = k == 1 && adds};
        joins.held = held;
        try_joins(op, KR_ELEM_F32, level, joins, seed);
        try_joins(op, KR_ELEM_F64, level, joins, seed);
      }
}

static void what_is_joined_has_the_bits_of_its_parts_at_every_level(void **state) {
  (void)state;
  uint64_t seed = 1;
  uint32_t n_families, n_tried = 0;
  const KrFamily *families = kr_registry_families(&n_families);
  for (uint32_t f = 0; f < n_families; f++)
    for (uint32_t i = 0; i < families[f].n; i++) {
      const KrOp *op = &families[f].ops[i];
      if ((op->flags & (KR_OP_GAINS | KR_OP_GAIN | KR_OP_SCALES)) == 0) continue;
      for (int level = KR_LEVEL_GENERIC; level < KR_N_LEVELS; level++)
        if (kr_level_is_supported((KrLevel)level)) try_row(op, (KrLevel)level, &seed);
      n_tried++;
    }
  assert_true(n_tried >= 6);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_joined_has_the_bits_of_its_parts_at_every_level),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

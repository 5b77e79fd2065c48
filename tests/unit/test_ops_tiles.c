// Every row at every level: a tile call is n calls of one tick of the generic kernel, 16 lanes are
// 16 single ones, held is constant.
#include "math/real.h"
#include "op_rig.h"

enum { N_TICKS = 150 };

// All inputs of one row, [tick][lane][element], and which of them stay constant in every lane.
typedef struct Inputs {
  uint32_t n;
  void *at[RIG_MAX_INPUTS];
  KrType type[RIG_MAX_INPUTS];
  bool constant[RIG_MAX_INPUTS];
} Inputs;

static float audio_frames[2 * 37];
static const KrAssetAudio audio = {audio_frames, 37, 2, 44100, true, {{0}}};
static const double points[] = {0, 1, 0.0003, -1, 0.0003, 2, 0.002, 0.5};

static void choose_port(Rig *rig, uint32_t i, uint64_t *seed) {
  const KrPort *port = &rig->op->in[i];
  KrPortValue *value = &rig->port[i];
  switch (port->kind) {
  case KR_PORT_CHOICE: {
    uint32_t n = 1;
    for (const char *c = port->choices; *c != 0; c++) n += *c == '|';
    value->choice = (uint32_t)(rig_random(seed) % n);
    break;
  }
  case KR_PORT_SIGNAL:
    *value = rig_stream(KR_TYPE_SCALAR(rig->elem));
    if (rig_random(seed) % 3 == 0) {
      *value =
          rig_number((int64_t)(rig_random(seed) % 2000), port->unit == NULL              ? 1000
                                                         : strcmp(port->unit, "Hz") == 0 ? 1
                                                                                         : 100000);
      value->type = KR_TYPE_SCALAR(rig->elem);
    }
    break;
  case KR_PORT_INT: *value = rig_stream(KR_TYPE_SCALAR(KR_ELEM_I64)); break;
  case KR_PORT_BOOL: *value = rig_stream(KR_TYPE_SCALAR(KR_ELEM_BOOL)); break;
  case KR_PORT_GATE: *value = rig_stream(KR_TYPE_SCALAR(rig->elem)); break;
  case KR_PORT_POINTS:
    *value =
        (KrPortValue){.kind = KR_VALUE_POINTS, .points = points, .n_points = 4, .n_columns = 2};
    if (strcmp(rig->op->name, "random.choice") == 0) value->n_points = 8, value->n_columns = 1;
    if (strcmp(rig->op->name, "field.cells") == 0) value->n_points = value->n_columns = 1;
    break;
  case KR_PORT_TEXT: *value = (KrPortValue){.kind = KR_VALUE_TEXT, .text = KR_TEXT("Ab 1")}; break;
  case KR_PORT_ASSET: *value = (KrPortValue){.kind = KR_VALUE_ASSET, .audio = &audio}; break;
  case KR_PORT_VECTOR: *value = rig_stream((KrType){rig->elem, KR_SHAPE_VECTOR, {32, 1, 1}}); break;
  case KR_PORT_SPECTRUM:
    *value = rig_stream((KrType){rig->elem, KR_SHAPE_SPECTRUM, {17, 32, 1}});
    break;
  case KR_PORT_IMAGE: *value = rig_stream((KrType){KR_ELEM_BOOL, KR_SHAPE_IMAGE, {9, 7, 1}}); break;
  case KR_PORT_FIELD: *value = rig_stream((KrType){rig->elem, KR_SHAPE_FIELD, {8, 6, 1}}); break;
  default: break;
  }
}

// Constants that only fit each other: sizes, faces that must agree, a stable step.
static void settle_ports(Rig *rig) {
  for (uint32_t i = 0; i < kr_op_ports(rig->op); i++) {
    const char *name = rig->op->in[i].name;
    if (strcmp(name, "size") == 0 && rig->op->in[i].kind == KR_PORT_CONST)
      rig->port[i] = rig_number(32, 1);
    if (strcmp(name, "hop") == 0) rig->port[i] = rig_number(8, 1);
    if (strcmp(name, "width") == 0 && rig->op->in[i].kind == KR_PORT_CONST)
      rig->port[i] = rig_number(23, 1);
    if (strcmp(name, "height") == 0) rig->port[i] = rig_number(11, 1);
    if (strcmp(name, "points") == 0 && rig->op->in[i].kind == KR_PORT_CONST)
      rig->port[i] = rig_number(20, 1);
    if (strcmp(name, "max") == 0 && rig->op->in[i].kind == KR_PORT_CONST)
      rig->port[i] = rig_number(1, 1000);
    if (strcmp(name, "window") == 0 && strcmp(rig->op->name, "istft") == 0) rig->port[i].choice = 1;
    if (strcmp(name, "x1") == 0 || strcmp(name, "y1") == 0) rig->port[i] = rig->port[i - 2];
    if (strcmp(name, "time") == 0 && rig->port[i].kind == KR_VALUE_CONST &&
        rig->port[i].ratio.num == 0)
      rig->port[i] = rig_number(1, 10000);
  }
}

static void put_value(void *at, size_t i, KrElem elem, const KrPort *port, uint64_t *seed) {
  double value = rig_uniform(seed, -3, 3);
  if (port->unit != NULL && strcmp(port->unit, "Hz") == 0) value = rig_uniform(seed, -9000, 30000);
  if (port->unit != NULL && strcmp(port->unit, "s") == 0) value = rig_uniform(seed, -0.0001, 0.002);
  if (port->unit != NULL && strcmp(port->unit, "dB") == 0) value = rig_uniform(seed, -40, 10);
  if (rig_random(seed) % 16 == 0) value = 0;
  static const uint64_t specials[] = {
      UINT64_C(0x8000000000000000), // -0
      UINT64_C(0x0000000000000007), // denormal
      UINT64_C(0xb7b0000000000000), // denormal in f32
      UINT64_C(0x39a0000000000000), // 2^-101
      UINT64_C(0x47e0000000000000), // 2^127
      UINT64_C(0xfe37e43c8800759c), // -1e300
      UINT64_C(0x7ff0000000000000), UINT64_C(0xfff0000000000000), KR_F64_NAN_BITS};
  if (kr_elem_is_real(elem) && rig_random(seed) % 48 == 0)
    value = kr_f64_from_bits(specials[rig_random(seed) % (sizeof specials / sizeof *specials)]);
  switch (elem) {
  case KR_ELEM_BOOL: ((uint8_t *)at)[i] = rig_random(seed) % 2; break;
  case KR_ELEM_I32: ((int32_t *)at)[i] = (int32_t)(3 * value); break;
  case KR_ELEM_I64: ((int64_t *)at)[i] = (int64_t)(3 * value); break;
  case KR_ELEM_U32: ((uint32_t *)at)[i] = (uint32_t)(int32_t)(3 * value); break;
  case KR_ELEM_U64: ((uint64_t *)at)[i] = (uint64_t)(int64_t)(3 * value); break;
  case KR_ELEM_F32: ((float *)at)[i] = (float)value; break;
  default: ((double *)at)[i] = value; break;
  }
}
static void put_number(void *at, size_t i, KrElem elem, double value) {
  if (elem == KR_ELEM_F32)
    ((float *)at)[i] = (float)value;
  else if (elem == KR_ELEM_F64)
    ((double *)at)[i] = value;
  else if (elem == KR_ELEM_I32 || elem == KR_ELEM_U32)
    ((int32_t *)at)[i] = (int32_t)value;
  else if (elem == KR_ELEM_BOOL)
    ((uint8_t *)at)[i] = value != 0;
  else
    ((int64_t *)at)[i] = (int64_t)value;
}

static void fill_input(Rig *rig, Inputs *inputs, uint32_t input, uint32_t port, KrType type,
                       uint64_t *seed) {
  const KrPortValue *value = &rig->port[port];
  size_t count = (size_t)kr_type_count(&type), row = rig->lanes * count;
  size_t bytes = row * kr_elem_bytes(type.elem);
  unsigned char *at = kr_arena_alloc(&rig->arena, N_TICKS * bytes);
  bool number = value->kind == KR_VALUE_CONST;
  inputs->constant[input] = number || rig_random(seed) % 3 == 0;
  for (size_t i = 0; i < N_TICKS * row; i++) {
    put_value(at, i, type.elem, &rig->op->in[port], seed);
    if (number) put_number(at, i, type.elem, value->value);
  }
  if (inputs->constant[input])
    for (uint32_t t = 1; t < N_TICKS; t++) memcpy(at + t * bytes, at, bytes);
  inputs->at[input] = at;
  inputs->type[input] = type;
}

static void fill_inputs(Rig *rig, Inputs *inputs, uint64_t *seed) {
  inputs->n = 0;
  bool carries = rig_random(seed) % 2 == 0;
  for (uint32_t i = 0; i < kr_op_ports(rig->op); i++) {
    for (uint32_t k = 0; k < kr_op_inputs(rig->op, i); k++) {
      KrType type = rig->port[i].type;
      if (k == 1) type.elem = KR_ELEM_BOOL;
      fill_input(rig, inputs, inputs->n, i, type, seed);
      if (k > 0 && !carries) inputs->at[inputs->n] = NULL;
      inputs->n++;
    }
  }
}

// Runs all ticks in parts; a rig of one lane takes lane `lane` of the inputs.
static void run_parts(Rig *rig, const Inputs *inputs, uint32_t all_lanes, uint32_t lane, bool ones,
                      void *const *out, uint64_t *seed) {
  size_t out_bytes = (size_t)kr_type_bytes(&rig->type) * rig->lanes;
  for (uint32_t tick = 0; tick < N_TICKS;) {
    uint32_t n = ones ? 1 : 1 + (uint32_t)(rig_random(seed) % KR_TILE);
    n = n < N_TICKS - tick ? n : N_TICKS - tick;
    const void *in[RIG_MAX_INPUTS];
    uint64_t held = 0;
    for (uint32_t i = 0; i < inputs->n; i++) {
      size_t bytes = (size_t)kr_type_bytes(&inputs->type[i]);
      in[i] = inputs->at[i] == NULL
                  ? NULL
                  : (unsigned char *)inputs->at[i] +
                        (tick * (size_t)all_lanes + (rig->lanes == 1 ? lane : 0)) * bytes;
      if (!ones && inputs->constant[i] && rig_random(seed) % 4 != 0) held |= UINT64_C(1) << i;
    }
    void *to[KR_MAX_OUTS];
    for (uint32_t o = 0; o < kr_op_outs(rig->op); o++)
      to[o] = (unsigned char *)out[o] + tick * out_bytes;
    rig_run(rig, tick, n, held, in, to);
    tick += n;
  }
}

static void make_twin(const Rig *rig, Rig *twin, uint32_t lanes, uint32_t first_lane) {
  rig_init_op(twin, rig->op, rig->elem, lanes);
  memcpy(twin->port, rig->port, sizeof rig->port);
  twin->type = rig->type;
  assert_int_equal(rig_prepare(twin, first_lane), KR_OK);
}

// Which NaN it is shows nowhere: outputs, hashes and snapshots make it canonical.
static bool is_nan(const void *at, size_t bytes) {
  float single;
  double real;
  memcpy(&single, at, sizeof single);
  if (bytes == sizeof single) return single != single;
  memcpy(&real, at, sizeof real);
  return real != real;
}
// n elements, bit by bit but for NaN.
static bool is_same(const void *a, const void *b, KrElem elem, size_t n) {
  size_t bytes = kr_elem_bytes(elem);
  if (memcmp(a, b, n * bytes) == 0) return true;
  for (size_t i = 0; i < n; i++) {
    const char *x = (const char *)a + i * bytes, *y = (const char *)b + i * bytes;
    bool both = kr_elem_is_real(elem) && is_nan(x, bytes) && is_nan(y, bytes);
    if (!both && memcmp(x, y, bytes) != 0) return false;
  }
  return true;
}

static void compare_fields(const Rig *wide, const Rig *single, uint32_t lane) {
  for (uint32_t f = 0; f < kr_op_fields(wide->op); f++) {
    const KrField *field = &wide->op->field[f];
    if (field->flags == KR_FIELD_COEF) continue;
    KrElem elem = field->elem == KR_ELEM_CALL ? wide->elem : (KrElem)field->elem;
    size_t bytes = kr_elem_bytes(elem);
    for (uint64_t i = 0; i < wide->count[f]; i++)
      if (!is_same((char *)wide->field[f] + (i * wide->lanes + lane) * bytes,
                   (char *)single->field[f] + i * bytes, elem, 1))
        fail_msg("%s %s: state %s[%u] of lane %u differs", wide->op->name, kr_elem_text(wide->elem),
                 field->name, (unsigned)i, (unsigned)lane);
  }
}

static void compare_outputs(const Rig *wide, void *const *all, void *const *one, uint32_t lane) {
  size_t bytes = (size_t)kr_type_bytes(&wide->type);
  for (uint32_t o = 0; o < kr_op_outs(wide->op); o++)
    for (uint32_t t = 0; t < N_TICKS; t++)
      if (!is_same((char *)all[o] + ((size_t)t * wide->lanes + lane) * bytes,
                   (char *)one[o] + (size_t)t * bytes, wide->type.elem,
                   (size_t)kr_type_count(&wide->type)))
        fail_msg("%s %s %s: output %u of tick %u, lane %u differs", wide->op->name,
                 kr_elem_text(wide->elem), kr_level_text(wide->level), (unsigned)o, (unsigned)t,
                 (unsigned)lane);
}

static bool is_scalar(const Rig *rig, const Inputs *inputs) {
  for (uint32_t i = 0; i < inputs->n; i++)
    if (inputs->type[i].shape != KR_SHAPE_SCALAR) return false;
  return rig->type.shape == KR_SHAPE_SCALAR;
}

// Its kernel knows one lane only.
static bool is_single(const KrOp *op) {
  return (op->flags & (KR_OP_ALONE | KR_OP_ADDS | KR_OP_FAULTS)) == KR_OP_ALONE;
}

// One random set of ports and inputs: all lanes in random tiles against each lane tick by tick.
static bool try_row(const KrOp *op, KrElem elem, KrLevel level, uint64_t *seed) {
  Rig wide, single;
  Inputs inputs;
  rig_init_op(&wide, op, elem, KR_LANES);
  for (uint32_t i = 0; i < kr_op_ports(op); i++) choose_port(&wide, i, seed);
  settle_ports(&wide);
  wide.type =
      KR_TYPE_SCALAR(strcmp(op->name, "convert") == 0 ? (KrElem)(rig_random(seed) % 7) : elem);
  KrType target = wide.type;
  if (rig_prepare(&wide, 0) != KR_OK) {
    rig_deinit(&wide);
    return false;
  }
  if (strcmp(op->name, "convert") == 0) wide.type = target;
  fill_inputs(&wide, &inputs, seed);
  uint32_t lanes = is_scalar(&wide, &inputs) && !is_single(op) ? KR_LANES : 1;
  if (lanes == 1) {
    Rig narrow;
    make_twin(&wide, &narrow, 1, 0);
    rig_deinit(&wide);
    wide = narrow;
    fill_inputs(&wide, &inputs, seed);
  }
  wide.level = level;
  void *all[KR_MAX_OUTS], *one[KR_MAX_OUTS];
  size_t bytes = (size_t)kr_type_bytes(&wide.type) * N_TICKS;
  for (uint32_t o = 0; o < kr_op_outs(op); o++) {
    all[o] = kr_arena_alloc(&wide.arena, bytes * lanes);
    one[o] = kr_arena_alloc(&wide.arena, bytes);
  }
  run_parts(&wide, &inputs, lanes, 0, false, all, seed);
  for (uint32_t lane = 0; lane < lanes; lane++) {
    make_twin(&wide, &single, 1, lane);
    single.level = KR_LEVEL_GENERIC;
    if (strcmp(op->name, "convert") == 0) single.type = target;
    run_parts(&single, &inputs, lanes, lane, true, one, seed);
    compare_outputs(&wide, all, one, lane);
    compare_fields(&wide, &single, lane);
    rig_deinit(&single);
  }
  rig_deinit(&wide);
  return true;
}

static void try_element(const KrOp *op, KrElem elem, uint64_t *seed) {
  for (int level = KR_LEVEL_GENERIC; level < KR_N_LEVELS; level++) {
    if (!kr_level_is_supported((KrLevel)level)) continue;
    uint32_t n_ran = 0;
    for (int k = 0; k < 12; k++) n_ran += try_row(op, elem, (KrLevel)level, seed);
    if (n_ran == 0) fail_msg("%s %s could never be prepared", op->name, kr_elem_text(elem));
  }
}

static void a_tile_is_its_ticks_one_by_one_in_every_lane_at_every_level(void **state) {
  (void)state;
  uint64_t seed = 1;
  uint32_t n_families;
  for (size_t i = 0; i < sizeof audio_frames / sizeof *audio_frames; i++)
    audio_frames[i] = (float)rig_uniform(&seed, -1, 1);
  const KrFamily *families = kr_registry_families(&n_families);
  for (uint32_t f = 0; f < n_families; f++)
    for (uint32_t i = 0; i < families[f].n; i++) {
      const KrOp *op = &families[f].ops[i];
      for (int elem = 0; elem < KR_N_ELEMS; elem++) {
        if (op->run[elem] != NULL) try_element(op, (KrElem)elem, &seed);
      }
    }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_tile_is_its_ticks_one_by_one_in_every_lane_at_every_level),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}

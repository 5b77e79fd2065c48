// Random programs. Flows read earlier flows of a hidden order directly, later ones only through
// prev or states, so that most programs have a meaning; the order of declaration is another one.
#include "generate.h"

enum { MAX_FLOWS = 6, MAX_LETS = 12 };
typedef enum Type { REAL, INTEGER, BOOLEAN } Type;
typedef struct Let {
  Type type;
} Let;
typedef struct Flow {
  const char *dt, *cls, *phase;
  uint32_t clock; // index of dt and phase: equal ones read each other directly
  uint32_t substeps;
  Let lets[MAX_LETS];
  uint32_t n_lets;
  bool finite;
} Flow;
typedef struct Maker {
  const KrGenerateOptions *options;
  KrBuffer *out;
  uint64_t state;
  Flow flows[MAX_FLOWS];
  uint32_t n_flows, flow; // flow: the one being written, in the hidden order
  uint32_t n_states, n_events;
  bool plain;     // nothing reads into the future
  bool merged[8]; // states that may be written more than once
  bool in_prev;
  bool cyclic; // flows read later ones inside prev; then only without look-ahead
} Maker;

static uint64_t next(Maker *m) { // splitmix64 (Steele, Lea, Flood 2014)
  uint64_t z = m->state += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}
static uint32_t below(Maker *m, uint32_t n) { return (uint32_t)(next(m) % n); }
static bool chance(Maker *m, uint32_t percent) { return below(m, 100) < percent; }
#define PUT(...) kr_buffer_print(m->out, __VA_ARGS__)
#define PICK(list) (list)[below(m, sizeof(list) / sizeof *(list))]

static void put_expr(Maker *m, Type type, uint32_t depth);

static void put_constant(Maker *m) {
  static const char *const list[] = {"1/8",  "1",   "-1", "0.5",    "2.25", "1/3",
                                     "-7/5", "0.1", "3",  "100.25", "1e-3", "0.7071"};
  PUT("%s", PICK(list));
}

// A let of the flow being written, of `type`; false when there is none.
static bool put_let(Maker *m, Type type) {
  const Flow *flow = &m->flows[m->flow];
  uint32_t start = flow->n_lets > 0 ? below(m, flow->n_lets) : 0;
  for (uint32_t i = 0; i < flow->n_lets; i++) {
    uint32_t j = (start + i) % flow->n_lets;
    if (flow->lets[j].type != type) continue;
    PUT("x%u", j);
    return true;
  }
  return false;
}

// A stream of another flow crossed into this one.
static bool put_foreign(Maker *m, Type type) {
  if (m->options->no_crossings || m->n_flows < 2) return false;
  bool back = m->in_prev && m->cyclic;
  uint32_t n = back ? m->n_flows : m->flow;
  if (n == 0) return false;
  uint32_t other = below(m, n);
  if (other == m->flow) return false;
  const Flow *a = &m->flows[m->flow], *b = &m->flows[other];
  uint32_t start = below(m, MAX_LETS);
  for (uint32_t i = 0; i < b->n_lets; i++) {
    uint32_t j = (start + i) % b->n_lets;
    if (b->lets[j].type != type) continue;
    if (a->clock == b->clock && b->finite == false) {
      PUT("f%u.x%u", other, j);
    } else if (type == REAL && !back && !m->options->no_windows && chance(m, 35)) {
      static const char *const windows[] = {"mean", "rms", "min", "max", "sum", "peak"};
      if (chance(m, 20)) {
        PUT("%s(history(f%u.x%u, %u))", chance(m, 50) ? "sum" : "mean", other, j,
            1 + below(m, 200));
        return true;
      }
      PUT("%s(f%u.x%u", PICK(windows), other, j);
      if (a->clock == b->clock || chance(m, 30))
        PUT(", window=%s", chance(m, 50) ? "10ms" : "1/333");
      PUT(")");
    } else {
      static const char *const modes[] = {"nearest", "linear", "cubic"};
      const char *mode = type == REAL && !m->cyclic && !m->plain ? PICK(modes) : "nearest";
      PUT("resample(f%u.x%u, to=%s, mode=%s%s)", other, j, a->cls, mode,
          mode[0] != 'n' && chance(m, 20) ? ", align=causal" : "");
    }
    return true;
  }
  return false;
}

static void put_real_leaf(Maker *m) {
  switch (below(m, 9)) {
  case 0: PUT("(time / 1s)"); return;
  case 1:
    if (!m->options->no_states && m->n_states > 0) {
      PUT("s%u", below(m, m->n_states) / 2 * 2);
      return;
    }
    break;
  case 2:
  case 3:
  case 4:
    if (put_foreign(m, REAL)) return;
    break;
  case 5:
    if (!m->options->no_events && m->n_events > 0 && m->flows[m->flow].substeps == 1) {
      static const char *const forms[] = {"mode=impulse)", "mode=hold).freq / 1Hz", "mode=gate)",
                                          "mode=hold).vel", "mode=hold).offset"};
      PUT("e%u.to_signal(%s", below(m, m->n_events), PICK(forms));
      return;
    }
    break;
  case 6:
  case 7:
    if (put_let(m, REAL)) return;
    break;
  default: break;
  }
  put_constant(m);
}

static void put_call(Maker *m, const char *name, uint32_t n, uint32_t depth) {
  PUT("%s(", name);
  for (uint32_t i = 0; i < n; i++) {
    if (i > 0) PUT(", ");
    put_expr(m, REAL, depth - 1);
  }
  PUT(")");
}

static void put_real(Maker *m, uint32_t depth) {
  static const char *const unary[] = {"abs",  "floor", "ceil", "round", "fract",
                                      "sign", "sqrt",  "sin",  "exp2",  "tanh"};
  static const char *const binary[] = {" + ", " - ", " * ", " / ", " % "};
  if (depth == 0) {
    put_real_leaf(m);
    return;
  }
  switch (below(m, 14)) {
  case 0: put_call(m, PICK(unary), 1, depth); return;
  case 1: put_call(m, chance(m, 50) ? "min" : "max", 2, depth); return;
  case 2:
    PUT("(if ");
    put_expr(m, BOOLEAN, depth - 1);
    PUT(" then ");
    put_expr(m, REAL, depth - 1);
    PUT(" else ");
    put_expr(m, REAL, depth - 1);
    PUT(")");
    return;
  case 3:
    if (!m->options->no_prev) {
      bool before = m->in_prev;
      m->in_prev = true;
      PUT("prev(");
      put_expr(m, REAL, depth - 1);
      PUT(chance(m, 50) ? ", init=1/3)" : ")");
      m->in_prev = before;
      return;
    }
    break;
  case 4: PUT("phasor(freq=%uHz)", 1 + below(m, 3000)); return;
  case 5:
    PUT("phasor(freq=1Hz * ");
    put_expr(m, REAL, depth - 1);
    PUT(")");
    return;
  case 6:
    if (!m->options->no_random) {
      PUT("random(%u).uniform()", below(m, 9));
      return;
    }
    break;
  case 7:
    PUT("(");
    put_expr(m, INTEGER, depth - 1);
    PUT(" / 3)");
    return;
  case 8:
    PUT("[1/4, 0.1, 3].map(|k| k * ");
    put_expr(m, REAL, 0);
    PUT(").sum()");
    return;
  default: break;
  }
  PUT("(");
  put_expr(m, REAL, depth - 1);
  PUT("%s", PICK(binary));
  put_expr(m, REAL, depth - 1);
  PUT(")");
}

static void put_integer(Maker *m, uint32_t depth) {
  if (depth == 0 || chance(m, 40)) {
    uint32_t k = below(m, 5);
    if (k == 0 && !m->options->no_states && m->n_states > 1) {
      PUT("s%u", below(m, m->n_states / 2) * 2 + 1);
      return;
    }
    if (k == 1 && put_let(m, INTEGER)) return;
    if (k == 2 && put_foreign(m, INTEGER)) return;
    PUT("step");
    return;
  }
  switch (below(m, 6)) {
  case 0:
    PUT("div(");
    put_expr(m, INTEGER, depth - 1);
    PUT(", %u)", 2 + below(m, 9));
    return;
  case 1:
    PUT("(");
    put_expr(m, INTEGER, depth - 1);
    PUT(" %% %u)", 2 + below(m, 9));
    return;
  case 2:
    PUT("(if ");
    put_expr(m, BOOLEAN, depth - 1);
    PUT(" then ");
    put_expr(m, INTEGER, depth - 1);
    PUT(" else ");
    put_expr(m, INTEGER, depth - 1);
    PUT(")");
    return;
  default: {
    static const char *const binary[] = {" + ", " - ", " * "};
    PUT("(");
    put_expr(m, INTEGER, depth - 1);
    PUT("%s", PICK(binary));
    if (chance(m, 50))
      PUT("%u", 1 + below(m, 20));
    else
      put_expr(m, INTEGER, depth - 1);
    PUT(")");
  }
  }
}

static void put_boolean(Maker *m, uint32_t depth) {
  static const char *const compare[] = {" < ", " <= ", " > ", " >= ", " == ", " != "};
  static const char *const logic[] = {" && ", " || "};
  if (chance(m, 15) && put_let(m, BOOLEAN)) return;
  if (depth > 1 && chance(m, 30)) {
    PUT("(");
    put_expr(m, BOOLEAN, depth - 1);
    PUT("%s", PICK(logic));
    put_expr(m, BOOLEAN, depth - 1);
    PUT(")");
    return;
  }
  if (depth > 1 && chance(m, 10)) {
    PUT("!");
    put_expr(m, BOOLEAN, depth - 1);
    return;
  }
  Type type = chance(m, 50) ? REAL : INTEGER;
  PUT("(");
  put_expr(m, type, depth > 0 ? depth - 1 : 0);
  PUT("%s", PICK(compare));
  put_expr(m, type, 0);
  PUT(")");
}

static void put_expr(Maker *m, Type type, uint32_t depth) {
  if (type == REAL)
    put_real(m, depth);
  else if (type == INTEGER)
    put_integer(m, depth);
  else
    put_boolean(m, depth);
}

static void put_events(Maker *m) {
  if (m->options->no_events) return;
  m->n_events = 1 + below(m, 3);
  for (uint32_t i = 0; i < m->n_events; i++) {
    if (i > 0 && chance(m, 30)) {
      PUT("let e%u = e%u.delay(%ums)\n", i, i - 1, 1 + below(m, 20));
      continue;
    }
    if (i > 1 && chance(m, 40)) {
      PUT("let e%u = event.merge(e%u, e%u)\n", i, i - 1, i - 2);
      continue;
    }
    PUT("let e%u = event.from_list([", i);
    uint32_t n = 1 + below(m, 6), at = below(m, 4000);
    for (uint32_t k = 0; k < n; k++, at += below(m, 4) * below(m, 9000)) {
      PUT("%s(%u/100000 * 1s, Note{freq: %u.%uHz", k > 0 ? ", " : "", at, 50 + below(m, 900),
          below(m, 100));
      if (chance(m, 60)) PUT(", dur: %ums", 1 + below(m, 40));
      if (chance(m, 40)) PUT(", vel: 0.%u", 1 + below(m, 9));
      PUT("})");
    }
    PUT("])\n");
  }
}

static void put_states(Maker *m) {
  if (m->options->no_states) return;
  m->n_states = 2 * (1 + below(m, 2));
  static const char *const merges[] = {"", "(merge=sum)", "(merge=min)", "(merge=max)",
                                       "(merge=last)"};
  for (uint32_t i = 0; i < m->n_states; i++) {
    const char *merge = PICK(merges);
    m->merged[i] = merge[0] != '\0';
    m->plain = m->plain || (m->merged[i] && chance(m, 80));
    PUT("@state%s s%u: %s = %s\n", merge, i,
        i % 2 == 0 ? (chance(m, 50) ? "f64" : "f32") : (chance(m, 50) ? "i64" : "i32"),
        i % 2 == 0 ? "0.25" : "1");
  }
}

static void put_flow(Maker *m, uint32_t index) {
  Flow *flow = &m->flows[index];
  m->flow = index;
  flow->n_lets = 0;
  PUT("flow f%u(dt=%s @rate=%s%s", index, flow->dt, flow->cls, flow->phase);
  if (flow->substeps > 1) PUT(" substeps=%u", flow->substeps);
  if (flow->finite) PUT(" steps=%u", 2 + below(m, 12));
  PUT(")%s {\n", chance(m, 20) ? " @real=f64" : "");
  uint32_t n = 1 + below(m, m->options->n_lets);
  for (uint32_t i = 0; i < n; i++) {
    Type type = chance(m, 70) ? REAL : chance(m, 60) ? INTEGER : BOOLEAN;
    PUT("  let x%u = ", i);
    // A constant let would not be a stream for others to cross.
    PUT(type == REAL ? "time / 1s * 0 + " : type == INTEGER ? "step * 0 + " : "");
    put_expr(m, type, 1 + below(m, 3));
    PUT("\n");
    flow->lets[i].type = type;
    flow->n_lets = i + 1;
  }
  for (uint32_t i = 0; i < flow->n_lets; i++) PUT("  output y%u = x%u\n", i, i);
}

static void put_writes(Maker *m, uint32_t index, uint32_t state) {
  PUT("  ");
  bool conditional = chance(m, 40);
  if (conditional) {
    PUT("if ");
    put_expr(m, BOOLEAN, 1);
    PUT(" { ");
  }
  (void)index;
  PUT("s%u = ", state);
  if (state % 2 == 0 && chance(m, 50)) PUT("s%u * 0.5 + ", state);
  if (state % 2 == 1) PUT("s%u + ", state);
  put_expr(m, state % 2 == 0 ? REAL : INTEGER, 1);
  PUT(conditional ? " }\n" : "\n");
}

static void choose_flows(Maker *m) {
  static const char *const dts[] = {"1/48000", "1/44100", "1/100",  "1/60",  "1001/30000",
                                    "1/1000",  "1/250",   "3/1000", "1/8000"};
  static const char *const classes[] = {"audio", "audio",   "control", "visual", "visual",
                                        "sim",   "control", "sim",     "audio"};
  static const char *const phases[] = {"", " phase=1/400", " phase=1/1000"};
  for (uint32_t i = 0; i < m->n_flows; i++) {
    uint32_t k = below(m, 9),
             p = m->options->no_phase || m->plain || chance(m, 75) ? 0 : 1 + below(m, 2);
    m->flows[i] = (Flow){
        .dt = dts[k], .cls = classes[k], .phase = phases[p], .clock = k * 3 + p, .substeps = 1};
    if (!m->options->no_substeps && chance(m, 10)) m->flows[i].substeps = 2 + below(m, 3);
    m->flows[i].finite = chance(m, 8);
  }
}

void kr_generate(const KrGenerateOptions *options, KrBuffer *out) {
  Maker maker = {.options = options, .out = out, .state = options->seed * 0x2545F4914F6CDD1Du + 1};
  Maker *m = &maker;
  m->n_flows = 1 + below(m, options->n_flows);
  m->cyclic = chance(m, 30) && !options->no_cycles;
  PUT("@seed=%u\n", below(m, 1000));
  put_events(m);
  put_states(m);
  choose_flows(m);
  // Written in the hidden order, declared in a rotated one: the parts are put together afterwards.
  char *parts[MAX_FLOWS];
  uint32_t writer[8];
  for (uint32_t s = 0; s < m->n_states; s++) writer[s] = below(m, m->n_flows);
  KrBuffer *head = m->out;
  for (uint32_t i = 0; i < m->n_flows; i++) {
    KrBuffer part;
    kr_buffer_init(&part, head->arena);
    m->out = &part;
    put_flow(m, i);
    for (uint32_t s = 0; s < m->n_states; s++)
      if (writer[s] == i || (m->merged[s] && chance(m, 40))) put_writes(m, i, s);
    PUT("}\n");
    parts[i] = part.at;
  }
  m->out = head;
  uint32_t turn = below(m, m->n_flows);
  for (uint32_t i = 0; i < m->n_flows; i++) PUT("%s", parts[(i + turn) % m->n_flows]);
}

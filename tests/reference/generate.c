// Random programs. Flows read earlier flows of a hidden order directly, later ones only through
// prev or states, so that most programs have a meaning; the order of declaration is another one.
#include "maker.h"

static void put_note(Maker *m, bool loud) {
  PUT("Note{freq: %u.%uHz", 50 + below(m, 900), below(m, 100));
  if (chance(m, 60)) PUT(", dur: %u/%u * 1s", 1 + below(m, 40), chance(m, 70) ? 1000 : 7777);
  if (!loud && chance(m, 40)) PUT(", vel: 0.%u", 1 + below(m, 9));
  if (chance(m, 30)) PUT(", key: %u", 60 + below(m, 2));
  PUT("}");
}

static void put_event_list(Maker *m) {
  PUT("event.from_list([");
  uint32_t n = 1 + below(m, 7), at = below(m, 3000);
  for (uint32_t k = 0; k < n; k++, at += below(m, 4) * below(m, 1500)) {
    PUT("%s(%u/100000 * 1s, ", k > 0 ? ", " : "", at);
    if (k > 0 && chance(m, 20))
      PUT("off(%u)", 60 + below(m, 2));
    else
      put_note(m, k == 0);
    PUT(")");
  }
  PUT("])\n");
}

static void put_events(Maker *m) {
  m->n_events = below(m, 4);
  for (uint32_t i = 0; i < m->n_events; i++) {
    uint32_t form = below(m, 11), one = i > 0 ? below(m, i) : 0;
    PUT("let e%u = ", i);
    if (i > 0 && form < 2) {
      PUT("e%u.delay(%u/7000 * 1s)\n", one, 1 + below(m, 100));
    } else if (i > 0 && form < 4) {
      PUT("event.merge(e%u, e%u)\n", one, i - 1);
    } else if (i > 0 && form == 4) {
      PUT("e%u.filter(|n| n.vel > 0.4)\n", one);
    } else if (i > 0 && form == 6) {
      PUT("e%u.map(|n, at| Note{freq: n.freq * 0.75 + floor(at / 3ms) %% 5 * 10Hz, vel: n.vel})\n",
          one);
    } else if (form == 5) {
      // Many in a tick now and then.
      uint32_t period = chance(m, 25) ? 100 + below(m, 900) : 5000 + 1000 * below(m, 90);
      PUT("event.every(%u/10000000 * 1s, phase=%u/9000 * 1s, payload=", period, below(m, 99));
      put_note(m, true);
      PUT(")\n");
    } else {
      put_event_list(m);
    }
  }
}

static void put_inputs(Maker *m) {
  m->has_value = chance(m, 15);
  m->has_keys = chance(m, 15);
  m->has_sound = chance(m, 12);
  if (m->has_value) PUT("input knob: f64 = 0.3\n");
  if (m->has_keys) PUT("input keys: Evt<Note>\n");
  if (m->has_sound) PUT("input take: Stream<f32, audio> = \"%s\"\n", KR_RANDOM_SOUND);
}

static void put_states(Maker *m) {
  static const char *const merges[] = {
      "", "", "(merge=sum)", "(merge=min)", "(merge=max)", "(merge=last)"};
  m->n_states = chance(m, 60) ? 2 * (1 + below(m, 2)) : 0;
  for (uint32_t i = 0; i < m->n_states; i++) {
    const char *merge = PICK(merges);
    m->merged[i] = merge[0] != '\0';
    m->plain = m->plain || (m->merged[i] && chance(m, 80));
    PUT("@state%s s%u: %s = %s\n", merge, i,
        i % 2 == 0 ? (chance(m, 50) ? "f64" : "f32") : (chance(m, 50) ? "i64" : "i32"),
        i % 2 == 0 ? "0.25" : "1");
  }
  m->has_latest = chance(m, 20);
  if (m->has_latest) PUT("@state(read=latest) latest: f64 = 1/2\n");
}

// A sum of many cheap copies, in flows that can afford it.
static void put_wide_sum(Maker *m) {
  static const uint32_t counts[] = {129, 300, 1000, 2047, 2048, 2049, 2100, 3000};
  static const char *const copies[] = {"phasor(freq=(%u + i) * 1Hz)",
                                       "(time / 1s * 0 + 1 / (i + %u))",
                                       "(if i < %u then phasor(freq=3Hz) else sine(freq=i * 1Hz))"};
  PUT("[0..%u].map(|i| ", PICK(counts));
  PUT(PICK(copies), 1 + below(m, 2000));
  PUT(").sum()");
}

static void put_lets(Maker *m, Flow *flow) {
  for (uint32_t i = 0; i < flow->n_lets; i++) {
    Let *let = &flow->lets[i];
    m->let = i;
    PUT("  let x%u = ", i);
    if (let->count > 0)
      put_list(m, let->type, let->count, 1 + below(m, 3));
    else if (let->type == REAL && flow->rate <= 1000 && chance(m, 3))
      put_wide_sum(m);
    else
      put_stream(m, let->type, 1 + below(m, 3));
    PUT("\n");
    let->written = true;
  }
}

static void put_outputs(Maker *m, const Flow *flow) {
  for (uint32_t i = 0; i < flow->n_lets; i++) {
    const Let *let = &flow->lets[i];
    if (let->count == 0)
      PUT("  output y%u = x%u\n", i, i);
    else if (chance(m, 40))
      PUT("  output y%u = x%u\n", i, i);
    else if (chance(m, 30))
      PUT("  output y%u = [0..%u].map(|w| x%u[w])\n", i, 1 + below(m, let->count), i);
    if (let->count > 0 && let->type != BOOLEAN && chance(m, 70)) {
      PUT("  output z%u = x%u.sum()\n", i, i);
      if (chance(m, 30)) PUT("  output w%u = x%u.map(|v| v * 2).sum()\n", i, i);
    }
  }
}

static void choose_lets(Maker *m, Flow *flow) {
  flow->n_lets = 1 + below(m, 5);
  for (uint32_t i = 0; i < flow->n_lets; i++) {
    bool list = chance(m, 35);
    Type type = chance(m, 75) ? REAL : chance(m, 60) ? INTEGER : BOOLEAN;
    flow->lets[i] = (Let){.type = type, .count = list ? pick_count(m) : 0};
  }
}

static void put_header(Maker *m, const char *name, const Flow *flow) {
  PUT("flow %s(dt=%s @rate=%s%s", name, flow->dt, flow->cls, flow->phase);
  if (flow->substeps > 1) PUT(" substeps=%u", flow->substeps);
  if (flow->finite) PUT(" steps=%u", 2 + below(m, 12));
  PUT(")%s {\n", chance(m, 20) ? (chance(m, 50) ? " @real=f64" : " @real=f32") : "");
}

static void put_write(Maker *m, uint32_t state) {
  bool conditional = chance(m, 40);
  PUT("  ");
  if (conditional) {
    PUT("if ");
    put_expr(m, BOOLEAN, 1);
    PUT(" { ");
  }
  PUT("s%u = ", state);
  if (state % 2 == 0 && chance(m, 50)) PUT("s%u * 0.5 + ", state);
  if (state % 2 == 1) PUT("s%u + ", state);
  put_expr(m, state % 2 == 0 ? REAL : INTEGER, 1);
  PUT(conditional ? " }\n" : "\n");
}

static void put_latest(Maker *m) {
  PUT("  latest = latest * 0.5 + ");
  put_expr(m, REAL, 1);
  PUT("\n  if ");
  put_expr(m, BOOLEAN, 1);
  PUT(" { latest = latest - 1 }\n");
}

static void put_sends(Maker *m, const Flow *flow) {
  for (uint32_t i = 0; i < 3 && flow->clock == m->bus && chance(m, 50); i++) {
    bool conditional = chance(m, 25), wide = chance(m, 30);
    PUT("  ");
    if (conditional) {
      PUT("if ");
      put_expr(m, BOOLEAN, 1);
      PUT(" { ");
    }
    PUT("send(crowd, %s", wide ? "(" : "");
    put_expr(m, REAL, 1);
    if (wide) {
      PUT(", ");
      put_expr(m, REAL, 1);
      PUT(")");
    }
    if (chance(m, 40)) PUT(", 0.5");
    PUT(conditional ? ") }\n" : ")\n");
  }
}

// Hears the flows of its clock, and is read by none.
static void put_bus(Maker *m) {
  for (uint32_t i = 0; i < m->n_flows; i++) {
    const Flow *flow = &m->flows[i];
    if (flow->clock != m->bus) continue;
    PUT("flow crowd(dt=%s @rate=%s%s) {\n", flow->dt, flow->cls, flow->phase);
    PUT("  output bus()\n  output before = prev(bus())\n}\n");
    return;
  }
}

static void put_flow(Maker *m, uint32_t index) {
  Flow *flow = &m->flows[index];
  m->flow = index;
  put_header(m, kr_text_print(m->out->arena, "f%u", index), flow);
  bool own = chance(m, 15);
  if (own) PUT("  @state own: %s = 2\n  own = own * 0.5 + step\n", chance(m, 50) ? "f64" : "f32");
  put_lets(m, flow);
  put_outputs(m, flow);
  if (own) PUT("  output o = prev(own)\n");
  m->let = flow->n_lets;
  if (chance(m, 25)) {
    PUT("  let u = event.from_signal(");
    put_expr(m, BOOLEAN, 1);
    PUT(", payload=Note{freq: (");
    put_expr(m, REAL, 1);
    PUT(") * 1Hz, vel: 0.5})\n");
    flow->emits = true;
  }
}

static void choose_clock(Maker *m, Flow *flow) {
  static const char *const dts[] = {"1/48000", "1/44100", "1/100",  "1/60",  "1001/30000",
                                    "1/1000",  "1/250",   "3/1000", "1/8000"};
  static const char *const classes[] = {"audio", "audio",   "control", "visual", "visual",
                                        "sim",   "control", "sim",     "audio"};
  static const uint32_t rates[] = {48000, 44100, 100, 60, 30, 1000, 250, 333, 8000};
  static const char *const phases[] = {"", " phase=1/400", " phase=1/1000"};
  uint32_t k = below(m, 9), p = m->plain || chance(m, 75) ? 0 : 1 + below(m, 2);
  if (chance(m, 15)) k = 0;
  *flow = (Flow){.dt = dts[k],
                 .cls = classes[k],
                 .phase = phases[p],
                 .rate = rates[k],
                 .clock = k * 3 + p,
                 .substeps = 1};
  if (chance(m, 10)) flow->substeps = 2 + below(m, 3);
  flow->finite = chance(m, 8);
}

// Reads what it likes and is read by none.
static void put_unread(Maker *m) {
  choose_clock(m, &m->flows[m->n_flows]);
  choose_lets(m, &m->flows[m->n_flows]);
  m->flow = m->n_flows;
  put_header(m, KR_UNREAD, &m->flows[m->n_flows]);
  put_lets(m, &m->flows[m->n_flows]);
  put_outputs(m, &m->flows[m->n_flows]);
  PUT("}\n");
}

// Each flow in a text of its own, in the hidden order.
static void put_flows(Maker *m, char **parts) {
  KrBuffer *head = m->out;
  uint32_t writer[8], latest = below(m, m->n_flows);
  for (uint32_t s = 0; s < m->n_states; s++) writer[s] = below(m, m->n_flows);
  for (uint32_t i = 0; i < m->n_flows; i++) {
    KrBuffer part;
    kr_buffer_init(&part, head->arena);
    m->out = &part;
    put_flow(m, i);
    for (uint32_t s = 0; s < m->n_states; s++)
      if (writer[s] == i || (m->merged[s] && chance(m, 40))) put_write(m, s);
    if (m->has_latest && latest == i) put_latest(m);
    put_sends(m, &m->flows[i]);
    PUT("}\n");
    parts[i] = part.at;
  }
  m->out = head;
}

void kr_generate(uint64_t seed, KrBuffer *out) {
  Maker maker = {.out = out, .state = seed * 0x2545F4914F6CDD1Du + 1, .copies = 1};
  Maker *m = &maker;
  char *parts[MAX_FLOWS] = {NULL};
  m->n_flows = 1 + below(m, 4);
  m->cyclic = chance(m, 30);
  m->budget = 600;
  PUT("@seed=%u\n", below(m, 1000));
  put_inputs(m);
  put_events(m);
  put_states(m);
  put_synths(m);
  for (uint32_t i = 0; i < m->n_flows; i++) {
    choose_clock(m, &m->flows[i]);
    choose_lets(m, &m->flows[i]);
  }
  m->bus = chance(m, 30) ? m->flows[below(m, m->n_flows)].clock : UINT32_MAX;
  put_flows(m, parts);
  uint32_t turn = below(m, m->n_flows);
  bool early = chance(m, 50);
  if (early) put_bus(m);
  uint32_t unread = chance(m, 30) ? below(m, m->n_flows + 1) : UINT32_MAX;
  for (uint32_t i = 0; i <= m->n_flows; i++) {
    if (i == unread) {
      m->budget = 100;
      m->cyclic = false;
      put_unread(m);
    }
    if (i < m->n_flows) PUT("%s", parts[(i + turn) % m->n_flows]);
  }
  if (!early) put_bus(m);
}

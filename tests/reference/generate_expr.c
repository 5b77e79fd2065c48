// Random expressions, mostly from templates: %r %i %b are expressions of the three types one level
// down, %s a real one that is no constant, %p one under prev, %f a frequency, %t a constant time,
// %d one of whole ticks, %u a constant from 0 to 1, %c a constant, %n a small whole number, %g a
// gate, %R %I %B a list.
#include "maker.h"

static void put_template(Maker *m, const char *text, uint32_t depth);

static void put_constant(Maker *m) {
  static const char *const list[] = {"1/8", "1",      "-1",   "0.5",    "2.25", "1/3", "-7/5",
                                     "0.1", "100.25", "1e-3", "0.7071", "3",    "0",   "1e-30"};
  PUT("%s", PICK(list));
}

// A bound name of `type`; false when there is none.
static bool put_local(Maker *m, Type type) {
  uint32_t start = m->n_locals > 0 ? below(m, m->n_locals) : 0;
  for (uint32_t i = 0; i < m->n_locals; i++) {
    const Local *local = &m->locals[(start + i) % m->n_locals];
    if (local->constant && type == REAL) {
      static const char *const forms[] = {"%s",         "(%s / 8)",  "(%s * 0.37 + 1)",
                                          "(2 - %s)",   "(%s %% 3)", "(1 / (%s + 1))",
                                          "(%s * 1e4)", "%s"};
      PUT(PICK(forms), local->text);
      return true;
    }
    if (local->constant && type == INTEGER) {
      PUT("(step * 0 + %s)", local->text);
      return true;
    }
    if (local->constant || local->type != type) continue;
    PUT("%s", local->text);
    return true;
  }
  return false;
}

static bool is_visible(const Maker *m, uint32_t let) {
  const Flow *flow = &m->flows[m->flow];
  if (flow->lets[let].written) return true;
  return m->in_prev && flow->lets[let].count == 0 && m->n_locals == 0;
}

// A let of the flow being written, of `type`; with a list, one of its copies or its sum.
static bool put_let(Maker *m, Type type) {
  const Flow *flow = &m->flows[m->flow];
  uint32_t start = flow->n_lets > 0 ? below(m, flow->n_lets) : 0;
  for (uint32_t i = 0; i < flow->n_lets; i++) {
    uint32_t j = (start + i) % flow->n_lets, count = flow->lets[j].count;
    if (flow->lets[j].type != type || !is_visible(m, j)) continue;
    if (count == 0) {
      PUT("x%u", j);
    } else if (m->n_locals > 0 && m->locals[0].constant && chance(m, 60)) {
      static const char *const forms[] = {"%s", "(%s + 1)", "div(%s, 2)", "(%s * 3)", "(%s + 15)"};
      PUT("x%u[", j);
      PUT(PICK(forms), m->locals[0].text);
      PUT(" %% %u]", count);
    } else if (type != BOOLEAN && chance(m, 60)) {
      static const char *const sums[] = {"sum", "sum", "mean", "min", "max"};
      PUT("x%u.%s()", j, type == REAL ? PICK(sums) : "sum");
    } else {
      PUT("x%u[%u]", j, below(m, count));
    }
    return true;
  }
  return false;
}

// A stream of another flow crossed into this one.
static bool put_foreign(Maker *m, Type type) {
  bool back = m->in_prev && m->cyclic;
  uint32_t n = back ? m->n_flows : m->flow;
  if (n == 0) return false;
  uint32_t other = below(m, n);
  if (other == m->flow) return false;
  const Flow *a = &m->flows[m->flow], *b = &m->flows[other];
  uint32_t start = below(m, MAX_LETS);
  for (uint32_t i = 0; i < b->n_lets; i++) {
    uint32_t j = (start + i) % b->n_lets, count = b->lets[j].count;
    if (b->lets[j].type != type || (count > 0 && type == BOOLEAN)) continue;
    if (a->clock == b->clock && b->finite == false) {
      PUT("f%u.x%u%s", other, j, count > 0 ? ".sum()" : "");
    } else if (type != BOOLEAN && count == 0 && !back && chance(m, 35)) {
      static const char *const windows[] = {"mean", "rms", "min", "max", "sum", "peak"};
      if (type == REAL && chance(m, 20)) {
        PUT("%s(history(f%u.x%u, %u))", chance(m, 50) ? "sum" : "mean", other, j,
            1 + below(m, 200));
        return true;
      }
      PUT("%s(f%u.x%u", type == REAL ? PICK(windows) : windows[2 + below(m, 4)], other, j);
      if (a->dt == b->dt || chance(m, 30)) PUT(", window=%s", chance(m, 50) ? "10ms" : "1/333");
      PUT(")");
    } else {
      static const char *const modes[] = {"nearest", "linear", "linear", "cubic", "sinc"};
      const char *mode = type == REAL && !m->cyclic && !m->plain ? PICK(modes) : "nearest";
      if (mode[0] == 's' && b->rate > a->rate * 10) mode = "linear"; // a filter of seconds
      PUT("resample(f%u.x%u, to=%s, mode=%s%s)%s", other, j, a->cls, mode,
          (mode[0] == 'l' || mode[0] == 'c') && chance(m, 20) ? ", align=causal" : "",
          count > 0 ? ".sum()" : "");
    }
    return true;
  }
  return false;
}

// An event stream that may be consumed here; `whole`: surely not without events.
static bool put_events(Maker *m, bool whole) {
  if (m->flow > 0 && !m->in_prev && chance(m, 30)) {
    uint32_t other = below(m, m->flow);
    if (m->flows[other].emits) {
      static const char *const forms[] = {"", "", ".delay(3ms)", ".filter(|n| n.freq > 60Hz)",
                                          ".map(|n| Note{freq: n.freq * 2, vel: 0.5})"};
      PUT("f%u.u%s", other, PICK(forms));
      return true;
    }
  }
  if (m->has_keys && chance(m, 30)) {
    PUT("keys");
    return true;
  }
  if (m->n_events == 0) return false;
  PUT("e%u", below(m, m->n_events));
  if (!whole && m->n_locals > 0 && m->locals[0].constant && m->copies <= 64 && chance(m, 60))
    PUT(".filter(|n| n.freq > (%s * 13 + 50) * 1Hz)", m->locals[0].text);
  else if (chance(m, 10))
    PUT(".map(|n| Note{freq: n.freq * 1.5, vel: 1 - n.vel})");
  return true;
}

static bool put_signal(Maker *m) {
  static const char *const forms[] = {"mode=impulse)",  "mode=hold).freq / 1Hz", "mode=gate)",
                                      "mode=hold).vel", "mode=hold).offset",     "mode=sinc)"};
  uint32_t form = below(m, m->cyclic || m->plain ? 5 : 6);
  PUT("(");
  if (!put_events(m, form != 0 && form != 2))
    PUT("0.25)");
  else
    PUT(".to_signal(%s)", forms[form]);
  return true;
}

static void put_gate(Maker *m, uint32_t depth) {
  if (chance(m, 30)) {
    put_template(m, chance(m, 50) ? "(if %b then 1 else 0)" : "%r", depth);
    return;
  }
  if (put_events(m, false))
    PUT(".to_signal(mode=gate%s)", chance(m, 20) ? ", round=floor" : "");
  else
    PUT("(if step %% %u < %u then 1 else 0)", 3 + below(m, 100), 1 + below(m, 50));
}

static void put_frequency(Maker *m, uint32_t depth) {
  if (m->n_locals > 0 && m->locals[0].constant && chance(m, 40))
    PUT("(%u + %u * %s) * 1Hz", 1 + below(m, 2000), below(m, 300), m->locals[0].text);
  else if (chance(m, 50))
    PUT("%uHz", 1 + below(m, 3000));
  else if (chance(m, 50))
    put_template(m, "1Hz * (%r)", depth);
  else
    put_template(m, "100Hz + 30Hz * %r", depth);
}

static void put_whole_ticks(Maker *m) {
  if (m->n_locals > 0 && m->locals[0].constant && chance(m, 40))
    PUT("dt * (%u + %s)", 1 + below(m, 9), m->locals[0].text);
  else
    PUT("dt * %u", chance(m, 50) ? 1 + below(m, 9) : 1 + below(m, 150));
}

static void put_real_leaf(Maker *m) {
  if (m->n_synths > 0 && chance(m, 15) && put_play(m)) return;
  if (m->n_locals > 0 && chance(m, 50) && put_local(m, REAL)) return;
  switch (below(m, 12)) {
  case 0: PUT("(time / 1s)"); return;
  case 1:
    if (m->n_states == 0) break;
    PUT("s%u", below(m, m->n_states) / 2 * 2);
    return;
  case 2:
  case 3:
  case 4:
    if (put_foreign(m, REAL)) return;
    break;
  case 5:
    if (put_signal(m)) return;
    break;
  case 6:
  case 7:
  case 8:
    if (put_let(m, REAL)) return;
    break;
  case 9:
    if (m->has_value && chance(m, 30)) {
      PUT("knob");
      return;
    }
    if (m->has_sound && chance(m, 40)) {
      const Flow *flow = &m->flows[m->flow];
      PUT(flow->clock == 0 ? "take" : "resample(take, to=%s, mode=nearest)", flow->cls);
      return;
    }
    break;
  case 10:
    if (m->has_latest && chance(m, 50)) {
      PUT("latest");
      return;
    }
    break;
  default: break;
  }
  put_constant(m);
}

static const char *const real_templates[] = {
    "(%r + %r)", "(%r - %r)", "(%r * %r)", "(%r / %r)", "(%r % %r)", "(%r + %r)", "(%r * %r)",
    "(-%r)", "(%i / 3)", "(%i * %r)", "min(%r, %r)", "max(%r, %r)", "clamp(%r, -1, %r)",
    "(if %b then %r else %r)", "select(%b, %r, %r)", "(if %b then %r else %r)",
    // functions
    "abs(%r)", "floor(%r)", "ceil(%r)", "round(%r)", "fract(%r)", "sign(%r)", "sqrt(%s)", "sin(%r)",
    "cos(%r)", "tan(%s)", "asin(%s)", "acos(%s)", "atan(%r)", "sinh(%s)", "cosh(%s)", "tanh(%r)",
    "exp(%s)", "exp2(%s)", "log(%s)", "log2(%s)", "log10(%s)", "(mtof(%r) / 1Hz)", "lin(%s * 1dB)",
    "pow(%s, %r)", "atan2(%r, %r)", "lerp(%r, %r, %u)", "smoothstep(%u, 1, %r)", "mix(%r, %r, %u)",
    "gain(%r, %r)", "gain(%r, -6dB)", "div(%r, 3)",
    // the past
    "prev(%p)", "prev(%p, init=1/3)", "prev(%p, init=%c)",
    // oscillators and noise
    "sine(freq=%f)", "sine(freq=%f, phase=%u)", "sine(freq=%f)", "saw(freq=%f)", "square(freq=%f)",
    "tri(freq=%f, phase=%u)", "pulse(freq=%f, width=%u)", "phasor(freq=%f)", "phasor(freq=%f)",
    "impulse(freq=%f)", "lfo(freq=%f)", "lfo(freq=%f, shape=tri, phase=%u)",
    "lfo(freq=%f, shape=square)", "random(%n).uniform()", "random(%n).uniform(min=%r, max=%c)",
    "random(%n).normal()", "random(%n).choice([1, 2, 0.3])", "noise(seed=%n)",
    // envelopes and control
    "adsr(%g, attack=%t, decay=%t, sustain=%u, release=%t)", "adsr(%g, attack=%t, release=%t)",
    "adsr(%g, attack=%t, decay=%t, curve=-3)", "ar(%g, attack=%t, release=%t)",
    "perc(%g, attack=%t, release=%t)", "perc(%g, release=%t, curve=2)",
    "linseg([(0, 1), (0.01, 3), (0.02, -1)])", "ramp(from=%c, to=%r, time=%t)",
    "smooth(%r, time=%t)", "smooth(%r, time=%s * 1s)", "lag(%r, time=%t)", "slew(%r, 30, 50)",
    "trigger(%r)", "sample_and_hold(%r, %r)",
    // filters
    "lowpass(%r, %f)", "lowpass(%r, %f, q=3)", "highpass(%r, %f)", "bandpass(%r, %f, q=0.3)",
    "notch(%r, %f)", "svf(%r, %f, mode=hp)", "onepole(%r, %f)", "dcblock(%r)",
    "biquad(%r, 0.2, 0.3, 0.1, -0.4, %u)", "ladder(%r, %f, res=%u)", "svf_morph(%r, %f, morph=%u)",
    "eq3(%r, low=3dB, high=%u)",
    // shapes, tones, effects that move
    "saturate(%r, drive=%u)", "fold(%r, %r)", "bitcrush(%r, bits=%u * 8, rate=%u)",
    "ringmod(%r, %f)", "tremolo(%r, %f, shape=saw)", "fm(freq=%f, index=%r, feedback=%u)",
    "wavetable([0, 1, 0.5, -1], freq=%f)", "kick(%g)", "hat(%g, decay=%t)",
    "phaser(%r, feedback=%u)", "flanger(%r, delay=%s * 1ms)", "echo(%r, time=%t, max=40ms)",
    "tape(%r, time=4ms, max=10ms)",
    // delays
    "delay(%r, %d)", "delay(%r, %d, feedback=%u, mix=%u)",
    "delay(%r, %s * 1ms, feedback=0.5, max=4ms)", "comb(%r, %d)", "comb(%r, %d, feedback=%u)",
    "comb(%r, %s * 1ms, max=4ms)", "allpass(%r, %d)", "comb(prev(%p) * 0.5, %d)",
    "delay(prev(%p) * 0.5, %d)", "pan(%r, %u).1",
    // lists
    "[1/4, 0.1, 3].map(|k| k * %r).sum()", "[%r, %r, %r].sum()", "[%r, %r].mean()", "%R.sum()",
    "%R.sum()", "%R.mean()", "%R.max()", "%R.min()", "%R[0]",
    "[0.25, 2, 0.5].fold(%r, |a, k| lowpass(a, 100Hz * k + 10Hz))",
    "[0.25, 2, 0.5].fold(%r, |a, k| a * k + %r)", "[%R.sum(), %r, %R.sum()].sum()",
    // rooms and levels
    "reverb(%r, size=%u, mix=%u).0", "fdn(%r, time=%t, size=%u, mix=0.5).1",
    "fdn((%r, %r), size=0.2).0", "compressor(%r, release=%t)",
    "compressor(%r, threshold=-10dB, sidechain=%r)", "limiter(%r, lookahead=3ms, release=%t)",
    "limiter((%r, %r)).1",
    // spectra and fields, small
    "centroid(stft(%r, size=16, hop=4), rate=1000Hz)", "flux(stft(%r, size=16, hop=4))",
    "pitch(%r, size=16, hop=5) / 1Hz", "onset(%r, size=16, hop=4)",
    "zero_crossings(%r, window=100ms)", "mean(solver.heat(init=fill(6, %c), alpha=0.1, dx=1))"};

static bool put_own_window(Maker *m) {
  const Flow *flow = &m->flows[m->flow];
  if (flow->substeps > 1 || m->in_prev) return false;
  for (uint32_t j = 0; j < flow->n_lets; j++) {
    if (flow->lets[j].type != REAL || !flow->lets[j].written || flow->lets[j].count > 0) continue;
    static const char *const forms[] = {"mean(x%u, window=10ms)", "rms(x%u, window=1/333)",
                                        "max(x%u, window=3ms)", "sum(history(x%u, 7))",
                                        "centroid(fft(x%u, size=8), rate=1000Hz)"};
    PUT(PICK(forms), j);
    return true;
  }
  return false;
}

static void put_real(Maker *m, uint32_t depth) {
  m->budget -= (int)m->copies;
  if (depth == 0 || m->budget < 0) {
    put_real_leaf(m);
    return;
  }
  if (chance(m, 4) && put_own_window(m)) return;
  if (m->has_sound && chance(m, 2)) {
    put_template(m,
                 chance(m, 2) ? "sample(\"" KR_RANDOM_SOUND "\", speed=%r)"
                              : "sample(\"" KR_RANDOM_SOUND "\", speed=%r, begin=%u, gate=%r, "
                                "loop=%b, crossfade=1ms)",
                 depth - 1);
    return;
  }
  put_template(m, PICK(real_templates), depth - 1);
}

static void put_integer(Maker *m, uint32_t depth) {
  static const char *const forms[] = {"(%i + %i)",
                                      "(%i - %i)",
                                      "(%i * %i)",
                                      "(%i * 3)",
                                      "div(%i, 7)",
                                      "(%i % 5)",
                                      "(%i % -4)",
                                      "(%i + 11)",
                                      "(if %b then %i else %i)",
                                      "min(%i, %i)",
                                      "max(%i, 3)",
                                      "abs(%i)",
                                      "div(%i, %i % 97 + 1)",
                                      "(if step != 13 then div(%i, step - 13) else %i)",
                                      "prev(%i)",
                                      "counter(%r)",
                                      "%I.sum()",
                                      "%I[0]"};
  m->budget -= (int)m->copies;
  if (depth > 0 && chance(m, 1)) {
    put_template(m, "div(%i, step - 29)", depth - 1); // stops the program
    return;
  }
  if (depth == 0 || m->budget < 0 || chance(m, 25)) {
    uint32_t k = below(m, 6);
    if (k < 2 && m->n_locals > 0 && put_local(m, INTEGER)) return;
    if (k == 2 && m->n_states > 1) {
      PUT("s%u", below(m, m->n_states / 2) * 2 + 1);
      return;
    }
    if (k == 3 && put_let(m, INTEGER)) return;
    if (k == 4 && put_foreign(m, INTEGER)) return;
    PUT("step");
    return;
  }
  put_template(m, PICK(forms), depth - 1);
}

static void put_boolean(Maker *m, uint32_t depth) {
  static const char *const compare[] = {"(%r < %r)",  "(%r <= %r)", "(%r > %r)",    "(%r >= %r)",
                                        "(%r == %r)", "(%r != %r)", "(%i < %i)",    "(%i >= %i)",
                                        "(%i == %i)", "(%i != %i)", "(%i % 7 == 3)"};
  static const char *const logic[] = {"(%b && %b)", "(%b || %b)", "!%b", "%B[0]"};
  if (chance(m, 15) && put_local(m, BOOLEAN)) return;
  if (chance(m, 15) && put_let(m, BOOLEAN)) return;
  if (chance(m, 5) && put_foreign(m, BOOLEAN)) return;
  bool deep = depth > 1 && chance(m, 30);
  put_template(m, deep ? PICK(logic) : PICK(compare), depth > 0 ? depth - 1 : 0);
}

void put_expr(Maker *m, Type type, uint32_t depth) {
  if (type == REAL)
    put_real(m, depth);
  else if (type == INTEGER)
    put_integer(m, depth);
  else
    put_boolean(m, depth);
}

void put_stream(Maker *m, Type type, uint32_t depth) {
  if (type == REAL && chance(m, 50)) {
    static const char *const forms[] = {
        "sine(freq=%f) * %r",        "lowpass(%r, %f)",
        "phasor(freq=%f)",           "adsr(%g, attack=%t, release=%t) * %r",
        "random(%n).uniform() + %r", "comb(%r, %d)"};
    put_template(m, PICK(forms), depth > 0 ? depth - 1 : 0);
    return;
  }
  PUT(type == REAL ? "time / 1s * 0 + " : type == INTEGER ? "step * 0 + " : "");
  put_expr(m, type, depth);
}

static void put_piece(Maker *m, char what, uint32_t depth) {
  bool before = m->in_prev;
  switch (what) {
  case 'r': put_real(m, depth); break;
  case 'i': put_integer(m, depth); break;
  case 'b': put_boolean(m, depth); break;
  case 'p':
    m->in_prev = true;
    put_real(m, depth);
    m->in_prev = before;
    break;
  case 's': put_template(m, "(time / 1s + %r)", depth); break;
  case 'f': put_frequency(m, depth); break;
  case 't': PUT("%u/%u * 1s", 1 + below(m, 40), chance(m, 50) ? 1000 : 7000); break;
  case 'd': put_whole_ticks(m); break;
  case 'u': PUT("0.%u", 1 + below(m, 99)); break;
  case 'c': put_constant(m); break;
  case 'n': PUT("%u", below(m, 9)); break;
  case 'g': put_gate(m, depth); break;
  case 'R': put_list(m, REAL, pick_count(m), depth); break;
  case 'I': put_list(m, INTEGER, pick_count(m) % 20 + 1, depth); break;
  case 'B': put_list(m, BOOLEAN, pick_count(m) % 20 + 1, depth); break;
  default: PUT("%%"); break;
  }
}

static void put_template(Maker *m, const char *text, uint32_t depth) {
  for (const char *at = text; *at != '\0'; at++) {
    if (*at != '%')
      PUT("%c", *at);
    else if (at[1] == ' ')
      PUT("%%");
    else
      put_piece(m, *++at, depth);
  }
}

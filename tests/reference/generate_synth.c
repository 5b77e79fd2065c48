// Random synths: expressions over what a voice is handed, and calls of `play`.
#include "maker.h"

static void put_voice(Maker *m, uint32_t depth);

static void put_pitch(Maker *m, uint32_t depth) {
  uint32_t form = below(m, m->is_aged ? 3 : 4);
  if (form == 0) PUT("freq");
  if (form == 1) PUT("freq * %u / 4", 1 + below(m, 9));
  if (form == 2) PUT("%uHz", 1 + below(m, 4000));
  if (form < 3) return;
  PUT("(freq + 40Hz * ");
  put_voice(m, depth);
  PUT(")");
}

static void put_oscillator(Maker *m, uint32_t depth) {
  static const char *const names[] = {"sine",   "saw", "square",  "tri",
                                      "phasor", "lfo", "impulse", "pulse"};
  const char *name = PICK(names);
  bool has_phase = name[0] != 'p' && name[0] != 'i'; // as a port of that name
  PUT("%s(", name);
  put_pitch(m, depth);
  if (m->is_aged && has_phase && depth > 0 && chance(m, 30)) {
    PUT(", phase=");
    put_voice(m, depth - 1);
  }
  PUT(")");
}

static void put_two(Maker *m, const char *before, const char *between, const char *after,
                    uint32_t depth) {
  PUT("%s", before);
  put_voice(m, depth);
  PUT("%s", between);
  put_voice(m, depth);
  PUT("%s", after);
}

static void put_wrapped(Maker *m, const char *before, const char *after, uint32_t depth) {
  PUT("%s", before);
  put_voice(m, depth);
  PUT("%s", after);
}

// What is known of a voice by its note alone.
static void put_held(Maker *m) {
  static const char *const held[] = {"vel", "p", "(if dur < 5ms then 0.25 else 0.5)", "0.75"};
  PUT("%s", PICK(held));
}

static void put_leaf(Maker *m) {
  if (m->is_aged) {
    put_held(m);
    return;
  }
  switch (below(m, 9)) {
  case 0: PUT("vel"); break;
  case 1: PUT("(age / 1s)"); break;
  case 2: PUT("(if dur < 5ms then 0.25 else 0.5)"); break;
  case 3: PUT("noise()"); break;
  case 4: PUT("p"); break;
  case 5: PUT("ramp(from=0, to=1, time=%ums)", 1 + below(m, 20)); break;
  case 6: PUT("linseg([(0s, 0), (2ms, 1), (7ms, 0.25)])"); break;
  case 7: PUT("gate"); break;
  default: PUT("random(%u).uniform", below(m, 3)); break;
  }
}

// A real number in a voice.
static void put_voice(Maker *m, uint32_t depth) {
  if (depth == 0) {
    put_leaf(m);
    return;
  }
  depth--;
  switch (m->is_aged ? below(m, 3) + 12 * chance(m, 50) : below(m, 14)) {
  case 0: put_two(m, "(", " + ", ")", depth); break;
  case 1: put_two(m, "(", " * ", ")", depth); break;
  case 2: put_two(m, "max(", ", ", ")", depth); break;
  case 3: put_wrapped(m, "lowpass(", ", cutoff=q, q=1)", depth); break;
  case 4: put_two(m, "svf(", ", cutoff=500Hz + 300Hz * ", ", q=2, mode=bp)", depth); break;
  case 5: put_wrapped(m, "onepole(", ", cutoff=900Hz)", depth); break;
  case 6: put_wrapped(m, "comb(", ", time=2ms, feedback=0.5)", depth); break;
  case 7: put_wrapped(m, "delay(", ", time=1ms)", depth); break;
  case 8: put_two(m, "sample_and_hold(", ", ", ")", depth); break;
  case 9: put_wrapped(m, "smooth(", ", time=3ms)", depth); break;
  case 10: put_wrapped(m, "prev(", ", init=0.125)", depth); break;
  case 11: put_wrapped(m, "(counter(", ") * 0.01)", depth); break;
  default: put_oscillator(m, depth); break;
  }
}

static void put_envelope(Maker *m) {
  uint32_t form = below(m, m->is_aged ? 4 : 6);
  const uint32_t attack = below(m, 5), release = below(m, m->is_aged ? 5 : 12);
  if (form == 0) PUT("ar(gate, attack=%ums, release=%ums)", attack, release);
  if (form == 1) PUT("perc(gate, attack=%ums, release=%ums)", attack, release);
  if (form == 2) PUT(m->is_aged ? "perc(gate, attack=1ms, release=p * 4ms, curve=-3)" : "1");
  if (form > 2)
    PUT("adsr(gate, attack=%ums, decay=3ms, sustain=0.%u, release=%s)", attack, below(m, 10),
        chance(m, 30) ? "7ms * p" : kr_text_print(m->out->arena, "%ums", release));
}

void put_synths(Maker *m) {
  m->n_synths = chance(m, 40) ? 1 + below(m, 2) : 0;
  for (uint32_t i = 0; i < m->n_synths; i++) {
    m->is_aged = chance(m, 40);
    PUT("synth v%u(p = 0.%u, q: f32[Hz] = %uHz) {\n  let env = ", i, 1 + below(m, 9),
        100 + below(m, 3000));
    put_envelope(m);
    PUT("\n");
    if (!m->is_aged && chance(m, 30)) {
      PUT("  let loop = 0.5 * prev(loop) + ");
      put_voice(m, 1);
      PUT("\n");
    }
    m->stereo[i] = chance(m, 25);
    PUT("  output %s", m->stereo[i] ? "(" : "");
    put_voice(m, 1 + below(m, 3));
    PUT(" * env");
    if (m->stereo[i]) put_wrapped(m, ", 0.5 * env * ", ")", 1);
    PUT("\n}\n");
  }
}

bool put_play(Maker *m) {
  if (m->n_synths == 0 || m->n_events == 0 || m->copies > 1 || m->flows[m->flow].substeps > 1)
    return false;
  const uint32_t synth = below(m, m->n_synths);
  m->budget -= 40;
  PUT("play(v%u, e%u, voices=%u", synth, below(m, m->n_events),
      1 + below(m, chance(m, 70) ? 4 : 40));
  if (chance(m, 30)) PUT(", round=floor");
  if (chance(m, 40)) PUT(", q=800Hz + 200Hz * phasor(3Hz)");
  if (chance(m, 30)) PUT(", p=0.%u", 1 + below(m, 9));
  PUT(")%s", m->stereo[synth] ? (chance(m, 50) ? ".0" : ".1") : "");
  return true;
}

/// What is shown of operators that the general rules (plots.c) would show badly. X(name, kind,
/// expression, seconds): `x` is the test signal of the kind, `gate` a gate, 0 s: as usual.
#ifndef KR_TESTS_DOCS_PLOT_LIST_H
#define KR_TESTS_DOCS_PLOT_LIST_H

#define PLOT_LIST(X)                                                                               \
  X("fm", WAVE, "fm(220Hz, ratio=2, index=3)", 0)                                                  \
  X("wavetable", WAVE, "wavetable([(0, 1, 0, -1), (1, 1, -1, -1)], 220Hz, 0.5)", 0)                \
  X("echo", ECHO, "echo(x, 80ms, feedback=0.6)", 0.6)                                              \
  X("tape", ECHO, "tape(x, 80ms, feedback=0.6)", 0.6)                                              \
  X("phaser", FILTER, "phaser(x)", 0)                                                              \
  X("phasor", WAVE, "phasor(220Hz)", 0)                                                            \
  X("lfo", LINE, "lfo(3Hz, shape=tri)", 1)                                                         \
  X("impulse", WAVE, "impulse(220Hz)", 0.02)                                                       \
  X("random.uniform", WAVE, "random(1).uniform()", 0.005)                                          \
  X("random.normal", WAVE, "random(1).normal()", 0.005)                                            \
  X("random.choice", WAVE, "random(1).choice([-1, 0, 0.5, 1])", 0.005)                             \
  X("adsr", GATED, "adsr(gate, 30ms, 80ms, 0.6, 100ms)", 0.5)                                      \
  X("ar", GATED, "ar(gate, 30ms, 100ms)", 0.5)                                                     \
  X("perc", GATED, "perc(gate, 5ms, 150ms)", 0.5)                                                  \
  X("linseg", LINE, "linseg([(0s, 0), (0.2s, 1), (0.3s, 0.4), (0.5s, 0.4)])", 0.5)                 \
  X("ramp", LINE, "ramp(0, 1, 0.3s)", 0.5)                                                         \
  X("smooth", STEPPED, "smooth(x, 50ms)", 0.5)                                                     \
  X("lag", STEPPED, "lag(x, 50ms)", 0.5)                                                           \
  X("slew", STEPPED, "slew(x, 10, 5)", 0.5)                                                        \
  X("trigger", STEPPED, "trigger(x)", 0.5)                                                         \
  X("counter", STEPPED, "counter(x)", 0.5)                                                         \
  X("sample_and_hold", SLOW, "sample_and_hold(x, impulse(20Hz))", 0.5)                             \
  X("biquad", FILTER, "biquad(x, 0.2, 0.4, 0.2, -0.7, 0.5)", 0)                                    \
  X("eq3", FILTER, "eq3(x, low=6dB, mid=-12dB, high=3dB)", 0)                                      \
  X("ladder", FILTER, "ladder(x, 2kHz, 0.7)", 0)                                                   \
  X("dcblock", FILTER, "dcblock(x)", 0.1)                                                          \
  X("svf_morph", FILTER, "svf_morph(x, 2kHz, morph=0.5)", 0)                                       \
  X("delay", ECHO, "delay(x, 50ms, feedback=0.5, mix=0.5)", 0.4)                                   \
  X("comb", ECHO, "comb(x, 2ms, feedback=0.7)", 0.03)                                              \
  X("allpass", ECHO, "allpass(x, 5ms, 0.6)", 0.05)                                                 \
  X("pan", SLOW, "pan(1, x)", 0.5)                                                                 \
  X("mix", SLOW, "mix(0.2, x, 0.5)", 0.5)                                                          \
  X("gain", SLOW, "gain(x, 0.5)", 0.5)                                                             \
  X("ringmod", BURST, "ringmod(x, 30Hz)", 0.2)                                                     \
  X("tremolo", BURST, "tremolo(x, 10Hz)", 0.3)                                                     \
  X("width", SLOW, "width(x, -x * 0.5, amount=0.5)", 0.5)                                          \
  X("compressor", SWELL, "compressor(x, threshold=-20dB, ratio=4)", 0.6)                           \
  X("limiter", SWELL, "limiter(x, ceiling=-6dB)", 0.6)                                             \
  X("onset", SWELL, "onset(x)", 0.6)                                                               \
  X("bitcrush", SHAPE, "bitcrush(x, bits=3, rate=0.3)", 0)                                         \
  X("fold", SHAPE, "fold(x, gain=2)", 0)                                                           \
  X("saturate", SHAPE, "saturate(x, drive=2)", 0)                                                  \
  X("reverb", ECHO, "reverb(x, mix=1)", 1)                                                         \
  X("fdn", ECHO, "fdn(x, time=1s, mix=1)", 1)                                                      \
  X("sample", WAVE, "sample(\"08-take.wav\")", 0.05)                                               \
  X("granular", LINE, "granular(\"08-take.wav\")", 0.5)                                            \
  X("div", CURVE, "div(x, 0.5)", 0)                                                                \
  X("select", CURVE, "select(x > 0, x, 0.5)", 0)                                                   \
  X("clamp", CURVE, "clamp(x, -1, 0.5)", 0)                                                        \
  X("pow", CURVE, "pow(x, 3)", 0)                                                                  \
  X("mtof", CURVE, "mtof(60 + 12 * x)", 0)                                                         \
  X("ftom", CURVE, "ftom((x + 2.1) * 200Hz)", 0)                                                   \
  X("lerp", CURVE, "lerp(-1, 1, x)", 0)                                                            \
  X("smoothstep", CURVE, "smoothstep(-1, 1, x)", 0)                                                \
  X("lin", CURVE, "lin(x * 10dB)", 0)                                                              \
  X("atan2", CURVE, "atan2(x, 0.5)", 0)                                                            \
  X("zero_crossings", SLOW, "zero_crossings(x)", 0.5)                                              \
  X("pitch", LINE, "pitch(sine(freq=200Hz + 400Hz * (time / 1s)))", 0.5)
#endif

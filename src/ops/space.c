// Rooms. `reverb` is Schroeder's and Moorer's network in the form Jezar Wakefield put into the
// public domain as Freeverb (2000): eight low-pass combs in parallel, four all-passes in series,
// the right channel's lines a little longer. `fdn` is a feedback delay network of sixteen lines
// mixed by a Hadamard matrix (Jot and Chaigne 1991; Rocchesso and Smith 1997): the loss of each
// line follows from the time asked for, its low-pass from the damping. Lines hold entry k at k mod
// their length.
#ifndef KR_PASS
#include "ops/kernel.h"

enum { N_COMBS = 8, N_ALLPASSES = 4, N_SIDE = N_COMBS + N_ALLPASSES, N_LINES = 2 * N_SIDE };
enum { RIGHT_LONGER = 23 };
enum { REVERB_LINES, REVERB_LOW, REVERB_SHAPE };
enum { IN_SIZE = 1, IN_DAMPING, IN_REVERB_MIX, IN_REVERB_RIGHT };

enum { N_FDN = 16 };
enum { FDN_LINES, FDN_LOW, FDN_LENGTH, FDN_SHAPE, FDN_RATE };
enum { SHAPE_COUNT, SHAPE_FIXED, N_SHAPE };
enum { IN_TIME = 1, IN_FDN_DAMPING, IN_FDN_SIZE, IN_FDN_MIX, IN_FDN_RIGHT };
enum { PORT_FDN_SIZE = 3 };
static const double least_size = 0.1;

#define KR_PASS 32
#include "ops/space.c"
#undef KR_PASS
#define KR_PASS 64
#include "ops/space.c"
#undef KR_PASS

#ifdef KR_ROWS
// Lengths at 44100 Hz of a side's combs and all-passes; what the right ones are longer.
static const uint32_t lengths[N_SIDE] = {1116, 1188, 1277, 1356, 1422, 1491,
                                         1557, 1617, 556,  441,  341,  225};
// Of the network at size 1, at 48000 Hz: primes, spread evenly over their logarithms.
static const uint32_t fdn_lengths[N_FDN] = {1009, 1129, 1259, 1409, 1571, 1753, 1951, 2179,
                                            2423, 2707, 3019, 3361, 3761, 4177, 4673, 5209};

static double rate_of(const KrPrep *prep) { return (double)prep->dt.den / (double)prep->dt.num; }

// Line `i`, left ones first; at least a tick, at most what 2^24 would be.
static uint32_t line_length(const KrPrep *prep, uint32_t i) {
  uint32_t at_cd = lengths[i % N_SIDE] + (i >= N_SIDE ? RIGHT_LONGER : 0);
  double n = kr_f64_round(at_cd * rate_of(prep) / 44100);
  return n < 1 ? 1 : n > 0x1p24 ? 1 << 24 : (uint32_t)n;
}
static uint64_t count_reverb(const KrPrep *prep, uint32_t field) {
  uint64_t n = 0;
  (void)field;
  for (uint32_t i = 0; i < N_LINES; i++) n += line_length(prep, i);
  return n;
}
static KrStatus prepare_reverb(const KrPrep *prep, const char **message) {
  (void)message;
  for (uint32_t i = 0; i < N_LINES; i++)
    FIELD_AT(prep, REVERB_SHAPE, uint32_t)[(size_t)i * prep->lanes] = line_length(prep, i);
  return KR_OK;
}

static uint64_t count_fdn(const KrPrep *prep, uint32_t field) {
  (void)field;
  double n = fdn_lengths[N_FDN - 1] * rate_of(prep) / 48000;
  return N_FDN * ((uint64_t)(n < 0x1p24 ? n : 0x1p24) + 4);
}
// A constant size has lines of whole ticks, so that nothing is lost between entries.
static KrStatus prepare_fdn(const KrPrep *prep, const char **message) {
  const KrPortValue *size = &prep->port[PORT_FDN_SIZE];
  int64_t *shape = FIELD_AT(prep, FDN_SHAPE, int64_t);
  (void)message;
  shape[SHAPE_COUNT] = (int64_t)(count_fdn(prep, FDN_LINES) / N_FDN);
  shape[(size_t)SHAPE_FIXED * prep->lanes] = size->kind == KR_VALUE_CONST;
  double n = fdn_lengths[N_FDN - 1] * rate_of(prep) / 48000;
  double part = n < 0x1p24 ? 1 : 0x1p24 / n;
  for (uint32_t i = 0; i < N_FDN; i++) FIELD_AT(prep, FDN_LENGTH, double)
  [(size_t)i * prep->lanes] = fdn_lengths[i] * rate_of(prep) / 48000 * part;
  FIELD_AT(prep, FDN_RATE, double)[0] = rate_of(prep);
  return KR_OK;
}

#define REVERB_PORTS                                                                               \
  SIGNAL("size", "", "0.5", "0..1", "of the room: how long it sounds"),                            \
      SIGNAL("damping", "", "0.5", "0..1", "how fast high tones fade"),                            \
      SIGNAL("mix", "", "0.33", "0..1", "0: input alone, 1: room alone")
#define REVERB                                                                                     \
  .name = "reverb", .family = "space", .out = {"left", "right"},                                   \
  .field = {STATE("lines", CALL, 0), STATE("low", CALL, 2 * N_COMBS),                              \
            COEF("shape", U32, N_LINES)},                                                          \
  .count = count_reverb, .prepare = prepare_reverb
#define FDN_PORTS                                                                                  \
  SIGNAL("time", "s", "2s", "0.01..1000", "in which it fades by 60 dB"),                           \
      SIGNAL("damping", "", "0.3", "0..1", "how much faster high tones fade"),                     \
      SIGNAL("size", "", "0.5", "0.1..1", "longest line by 109 ms; moving it bends the pitch"),    \
      SIGNAL("mix", "", "0.33", "0..1", "0: input alone, 1: room alone")
#define FDN                                                                                        \
  .name = "fdn", .family = "space", .out = {"left", "right"},                                      \
  .field = {STATE("lines", CALL, 0), STATE("low", CALL, N_FDN), COEF("length", F64, N_FDN),        \
            COEF("shape", I64, N_SHAPE), COEF("rate", F64, 1)},                                    \
  .count = count_fdn, .prepare = prepare_fdn
static const KrOp OPS[] = {
    {REVERB, .run = RUN_REAL(reverb), .flags = KR_OP_ALONE, .in = {INPUT("input"), REVERB_PORTS},
     .doc = "Room of combs and all-passes (Freeverb), two channels"},
    {REVERB, .run = RUN_REAL(reverb_pair), .flags = KR_OP_ALONE | KR_OP_PAIR,
     .in = {PAIR, REVERB_PORTS, RIGHT}, .doc = "The same of two channels"},
    {FDN, .run = RUN_REAL(fdn), .flags = KR_OP_ALONE, .in = {INPUT("input"), FDN_PORTS},
     .doc =
         "Room by a feedback delay network of sixteen lines, two channels; fades by 60 dB in the "
         "time given"},
    {FDN, .run = RUN_REAL(fdn_pair), .flags = KR_OP_ALONE | KR_OP_PAIR,
     .in = {PAIR, FDN_PORTS, RIGHT}, .doc = "The same of two channels"},
};
KR_FAMILY_DEFINE(space, "space");
#endif
KR_KERNELS(space, KR_REALS(reverb), KR_REALS(reverb_pair), KR_REALS(fdn), KR_REALS(fdn_pair));

#else
#include "ops/pass.h"

#define IN(i) ((const REAL *)call->in[i])[t * strides[i]]
// From 0 to 1; 0 when it is no number.
KR_INLINE REAL FN(part)(REAL x) {
  x = x > 0 ? x : 0;
  return x < 1 ? x : 1;
}

// Where the lines of a call begin, and the entry of the present tick in each.
typedef struct FN(Lines) {
  REAL *at[N_LINES];
  uint32_t place[N_LINES], length[N_LINES];
} FN(Lines);
static void FN(open_lines)(const KrCall *call, FN(Lines) * lines) {
  const uint32_t *shape = call->field[REVERB_SHAPE];
  REAL *at = call->field[REVERB_LINES];
  for (uint32_t i = 0; i < N_LINES; i++) {
    lines->at[i] = at;
    lines->length[i] = shape[i];
    lines->place[i] = (uint32_t)(call->tick % shape[i]);
    at += shape[i];
  }
}

// One tick of the lines from `first` on: combs of x added up, then the all-passes.
KR_INLINE REAL FN(side)(const FN(Lines) * lines, uint32_t first, REAL *low, const REAL *settings) {
  const REAL x = settings[0], feedback = settings[1], damping = settings[2];
  REAL y = 0;
  for (uint32_t i = 0; i < N_COMBS; i++) {
    REAL *line = lines->at[first + i] + lines->place[first + i], out = *line;
    low[i] = FN(keep)(out + damping * (low[i] - out));
    *line = FN(keep)(x + low[i] * feedback);
    y += out;
  }
  for (uint32_t i = N_COMBS; i < N_SIDE; i++) {
    REAL *line = lines->at[first + i] + lines->place[first + i], out = *line;
    *line = FN(keep)(y + out * (REAL)0.5);
    y = out - y;
  }
  return y;
}

KR_INLINE void FN(reverb_run)(const KrCall *call, const uint32_t right) {
  const REAL gain = (REAL)0.03; // twice Jezar's: mix 1 is about as loud as the input
  REAL *low = call->field[REVERB_LOW], *out[2] = {call->out[0], call->out[1]};
  size_t strides[IN_REVERB_RIGHT + 1];
  FN(Lines) lines;
  FN(strides)(call, 1, IN_REVERB_RIGHT + (right != 0), strides);
  FN(open_lines)(call, &lines);
  for (uint32_t t = 0; t < call->n; t++) {
    REAL x = IN(0), other = IN(right), mix = FN(part)(IN(IN_REVERB_MIX));
    REAL settings[3] = {(x + other) * gain, (REAL)0.7 + (REAL)0.28 * FN(part)(IN(IN_SIZE)),
                        (REAL)0.4 * FN(part)(IN(IN_DAMPING))};
    out[0][t] = x + mix * (FN(side)(&lines, 0, low, settings) - x);
    out[1][t] = other + mix * (FN(side)(&lines, N_SIDE, low + N_COMBS, settings) - other);
    for (uint32_t i = 0; i < N_LINES; i++)
      lines.place[i] = lines.place[i] + 1 == lines.length[i] ? 0 : lines.place[i] + 1;
  }
}
static void FN(reverb)(const KrCall *call) { FN(reverb_run)(call, 0); }
static void FN(reverb_pair)(const KrCall *call) { FN(reverb_run)(call, IN_REVERB_RIGHT); }

// What a tick's settings make of the network: entries back, their fraction, loss and low-pass.
typedef struct FN(Network) {
  uint32_t back[N_FDN];
  REAL part[N_FDN], gain[N_FDN], pole[N_FDN];
} FN(Network);

// Loss of a line of n ticks: 10^(-3 n / time); its pole by Jot's rule for a fade at half the rate
// faster by the square of what damping leaves.
static void FN(tune)(const KrCall *call, double time, double damping, double size,
                     FN(Network) * net) {
  const double *length = call->field[FDN_LENGTH], rate = *(const double *)call->field[FDN_RATE];
  const int64_t *shape = call->field[FDN_SHAPE];
  size = size > least_size ? size : least_size;
  size = size < 1 ? size : 1;
  time = time > 0.01 ? time : 0.01;
  time = (time < 1000 ? time : 1000) * rate;
  damping = damping > 0 ? damping : 0;
  double left = 1 - 0.95 * (damping < 1 ? damping : 1);
  for (uint32_t i = 0; i < N_FDN; i++) {
    double n = length[i] * size;
    n = shape[SHAPE_FIXED] != 0 ? kr_f64_round(n) : n;
    n = n > 1 ? n : 1;
    net->back[i] = (uint32_t)n;
    net->part[i] = (REAL)(n - (double)net->back[i]);
    double fade = 3 * n / time, pole = 0.5756462732485115 * fade * (1 / (left * left) - 1);
    net->gain[i] = FN(decay)((REAL)(2.302585092994046 * fade));
    net->pole[i] = (REAL)(pole < 0.9 ? pole : 0.9);
  }
}

// Sixteen values by a Hadamard matrix over 4.
KR_INLINE void FN(mingle)(REAL *x) {
  for (uint32_t half = 1; half < N_FDN; half *= 2)
    for (uint32_t i = 0; i < N_FDN; i += 2 * half)
      for (uint32_t k = i; k < i + half; k++) {
        REAL a = x[k], b = x[k + half];
        x[k] = a + b;
        x[k + half] = a - b;
      }
  for (uint32_t i = 0; i < N_FDN; i++) x[i] *= (REAL)0.25;
}

// What comes out of the lines at a tick whose entry is `now`, filtered.
KR_INLINE void FN(read_lines)(const REAL *lines, const FN(Network) * net, uint32_t now,
                              uint32_t count, REAL *low, REAL *y) {
  for (uint32_t i = 0; i < N_FDN; i++) {
    uint32_t newer = now >= net->back[i] ? now - net->back[i] : now + count - net->back[i];
    uint32_t older = newer == 0 ? count - 1 : newer - 1;
    REAL a = lines[(size_t)newer * N_FDN + i], b = lines[(size_t)older * N_FDN + i];
    REAL x = (a + net->part[i] * (b - a)) * net->gain[i];
    low[i] = FN(keep)(x + net->pole[i] * (low[i] - x));
    y[i] = low[i];
  }
}

KR_INLINE void FN(fdn_run)(const KrCall *call, const uint32_t right) {
  const uint32_t count = (uint32_t) * (const int64_t *)call->field[FDN_SHAPE];
  REAL *lines = call->field[FDN_LINES], *low = call->field[FDN_LOW];
  REAL *out[2] = {call->out[0], call->out[1]};
  size_t strides[IN_FDN_RIGHT + 1];
  FN(Network) net;
  FN(strides)(call, 1, IN_FDN_RIGHT + (right != 0), strides);
  bool moves = strides[IN_TIME] != 0 || strides[IN_FDN_DAMPING] != 0 || strides[IN_FDN_SIZE] != 0;
  uint32_t now = (uint32_t)(call->tick % count);
  for (uint32_t t = 0; t < call->n; t++, now = now + 1 == count ? 0 : now + 1) {
    REAL x = IN(0), other = IN(right), mix = FN(part)(IN(IN_FDN_MIX)), y[N_FDN];
    REAL left_room = 0, right_room = 0;
    if (moves || t == 0) FN(tune)
    (call, (double)IN(IN_TIME), (double)IN(IN_FDN_DAMPING), (double)IN(IN_FDN_SIZE), &net);
    FN(read_lines)(lines, &net, now, count, low, y);
    for (uint32_t i = 0; i < N_FDN; i += 4) {
      left_room += y[i] - y[i + 2];
      right_room += y[i + 1] - y[i + 3];
    }
    FN(mingle)(y);
    for (uint32_t i = 0; i < N_FDN; i++)
      lines[(size_t)now * N_FDN + i] = FN(keep)(y[i] + (i % 2 == 0 ? x : other) * (REAL)0.25);
    out[0][t] = x + mix * (left_room - x);
    out[1][t] = other + mix * (right_room - other);
  }
}
static void FN(fdn)(const KrCall *call) { FN(fdn_run)(call, 0); }
static void FN(fdn_pair)(const KrCall *call) { FN(fdn_run)(call, IN_FDN_RIGHT); }
#undef IN
#endif

/// A random program in the making: what exists so far, for expressions to pick from.
#ifndef KR_MAKER_H
#define KR_MAKER_H
#include "generate.h"

enum { MAX_FLOWS = 6, MAX_LETS = 8, MAX_LOCALS = 8 };
typedef enum Type { REAL, INTEGER, BOOLEAN } Type;
/// A let of a flow: a stream, or a list of `count` streams.
typedef struct Let {
  Type type;
  uint32_t count; ///< 0: no list
  bool written;
} Let;
typedef struct Flow {
  const char *dt, *cls, *phase;
  uint32_t rate;  ///< Hz, about
  uint32_t clock; ///< index of dt and phase: equal ones read each other directly
  uint32_t substeps;
  Let lets[MAX_LETS];
  uint32_t n_lets;
  bool finite, emits;
} Flow;
/// A name bound by a function around the expression.
typedef struct Local {
  const char *text;
  Type type;
  bool constant; ///< a copy's index
  uint32_t count;
} Local;
typedef struct Maker {
  KrBuffer *out;
  uint64_t state;
  Flow flows[MAX_FLOWS];
  uint32_t n_flows, flow; ///< flow: the one being written, in the hidden order
  uint32_t let;           ///< … and its let; n_lets in writes
  uint32_t n_states, n_events, n_synths;
  uint32_t bus;   ///< clock of the flow `crowd`, to which others send; UINT32_MAX: none
  bool stereo[2]; ///< synths of two channels
  bool is_aged;   ///< of this synth the note, the gate and the age tell all
  bool has_latest, has_value, has_keys, has_sound;
  bool plain;     ///< nothing reads into the future
  bool cyclic;    ///< flows read later ones inside prev; then only without look-ahead
  bool merged[8]; ///< states that may be written more than once
  bool in_prev;
  Local locals[MAX_LOCALS];
  uint32_t n_locals;
  uint32_t copies; ///< product of the lists around the expression
  int budget;      ///< nodes the program may still get
} Maker;

static inline uint64_t maker_next(Maker *m) { // splitmix64 (Steele, Lea, Flood 2014)
  uint64_t z = m->state += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}
static inline uint32_t below(Maker *m, uint32_t n) {
  return n > 1 ? (uint32_t)(maker_next(m) % n) : 0;
}
static inline bool chance(Maker *m, uint32_t percent) { return below(m, 100) < percent; }
#define PUT(...) kr_buffer_print(m->out, __VA_ARGS__)
#define PICK(list) (list)[below(m, sizeof(list) / sizeof *(list))]

void put_expr(Maker *m, Type type, uint32_t depth);
/// Never a constant: others may cross it, copies of it have the same type.
void put_stream(Maker *m, Type type, uint32_t depth);
/// A list of `count` values.
void put_list(Maker *m, Type type, uint32_t count, uint32_t depth);
uint32_t pick_count(Maker *m);
/// Synths for put_play, which writes a stream; false: nothing.
void put_synths(Maker *m);
bool put_play(Maker *m);
#endif

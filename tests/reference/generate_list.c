// Random lists of streams: copies of one shape with constants of their own, copies of other copies,
// with a past, that read their neighbours, of two shapes, nested, and crossed from other flows.
#include "maker.h"

uint32_t pick_count(Maker *m) {
  static const uint32_t list[] = {1,  2,  3,  4,  5,  7,  8,  9,   15,  16,  17,  18,  20,
                                  31, 32, 33, 40, 48, 49, 64, 100, 127, 128, 129, 160, 200};
  uint32_t count = PICK(list);
  if (m->copies > 1) count = count % 12 + 1; // nested
  if ((int)(count * m->copies) * 4 > m->budget) count = 1 + count % 3;
  return count;
}

static void bind(Maker *m, Type type, bool constant, const char *text) {
  m->locals[m->n_locals++] = (Local){.text = text, .type = type, .constant = constant};
}

static const char *fresh(const Maker *m) {
  static const char *const names[] = {"i", "j", "k", "n", "o", "q"};
  return names[m->n_locals % 6];
}

// A list let of the flow, written before, of `type`; KR_NONE when there is none.
static uint32_t find_list(Maker *m, Type type) {
  const Flow *flow = &m->flows[m->flow];
  uint32_t start = below(m, MAX_LETS);
  for (uint32_t i = 0; i < flow->n_lets; i++) {
    uint32_t j = (start + i) % flow->n_lets;
    if (flow->lets[j].count > 0 && flow->lets[j].type == type && flow->lets[j].written) return j;
  }
  return UINT32_MAX;
}

// The first `count` items of let j, all when it has as many.
static void put_items(Maker *m, uint32_t j, uint32_t count) {
  uint32_t has = m->flows[m->flow].lets[j].count;
  if (has == count)
    PUT("x%u", j);
  else
    PUT("[0..%u].map(|w| x%u[w %% %u])", count, j, has);
}

static void put_copies(Maker *m, Type type, uint32_t count, uint32_t depth) {
  const char *name = fresh(m);
  bind(m, INTEGER, true, name);
  PUT("[0..%u].map(|%s| ", count, name);
  uint32_t form = below(m, 10);
  if (form == 0 && type == REAL && m->let < m->flows[m->flow].n_lets) {
    PUT("{ let past = prev(past) * 0.5 + ");
    put_expr(m, REAL, depth);
    PUT("; past }");
  } else if (form == 1) {
    PUT("if %s %% %u == %u then ", name, 2 + below(m, 3), below(m, 2));
    put_stream(m, type, depth);
    PUT(" else ");
    put_stream(m, type, depth);
  } else if (form == 2) {
    PUT("if %s < %u then ", name, 1 + below(m, 40));
    put_stream(m, type, depth);
    PUT(" else ");
    put_stream(m, type, depth);
  } else {
    put_stream(m, type, depth);
  }
  PUT(")");
}

static void put_of_list(Maker *m, uint32_t j, Type type, uint32_t count, uint32_t depth) {
  const char *name = fresh(m);
  put_items(m, j, count);
  bind(m, m->flows[m->flow].lets[j].type, false, name);
  PUT(".map(|%s| ", name);
  put_stream(m, type, depth);
  PUT(")");
}

static void put_zip(Maker *m, uint32_t j, uint32_t count, uint32_t depth) {
  PUT("zip(");
  put_items(m, j, count);
  PUT(", [0..%u]).map(|p| p.0 * (p.1 + 1) + ", count);
  bind(m, REAL, false, "p.0");
  bind(m, INTEGER, true, "p.1");
  put_expr(m, REAL, depth);
  PUT(")");
}

static void put_neighbours(Maker *m, uint32_t j, uint32_t count, uint32_t depth) {
  const char *name = fresh(m);
  uint32_t has = m->flows[m->flow].lets[j].count;
  PUT("[0..%u].map(|%s| ", count, name);
  static const char *const others[] = {"(%s + 1) %% %u", "(%s + 15) %% %u", "div(%s, 2) %% %u",
                                       "(%s * 7) %% %u"};
  PUT("x%u[", j);
  PUT(PICK(others), name, has);
  PUT("] * 0.5 + ");
  bind(m, INTEGER, true, name);
  put_expr(m, REAL, depth);
  PUT(")");
}

static bool put_foreign_list(Maker *m, Type type, uint32_t count, uint32_t depth) {
  if (m->flow == 0 || m->in_prev) return false;
  uint32_t other = below(m, m->flow);
  const Flow *a = &m->flows[m->flow], *b = &m->flows[other];
  for (uint32_t j = 0; j < b->n_lets; j++) {
    if (b->lets[j].count != count || b->lets[j].type != type) continue;
    const char *name = fresh(m);
    if (a->clock == b->clock && !b->finite) {
      PUT("f%u.x%u", other, j);
    } else {
      static const char *const modes[] = {"linear", "nearest", "cubic", "linear", "sinc"};
      const char *mode = type == REAL && !m->cyclic && !m->plain ? PICK(modes) : "nearest";
      if (mode[0] == 's' && b->rate > a->rate * 10) mode = "linear";
      PUT("resample(f%u.x%u, to=%s, mode=%s)", other, j, a->cls, mode);
    }
    bind(m, type, false, name);
    PUT(".map(|%s| ", name);
    put_stream(m, type, depth);
    PUT(")");
    return true;
  }
  return false;
}

void put_list(Maker *m, Type type, uint32_t count, uint32_t depth) {
  uint32_t n_locals = m->n_locals, copies = m->copies;
  uint32_t j = find_list(m, chance(m, 70) ? REAL : chance(m, 50) ? INTEGER : BOOLEAN);
  m->copies *= count;
  if (m->n_locals + 3 > MAX_LOCALS || m->copies > 4000) {
    PUT("[time / 1s, 0.5]");
  } else if (chance(m, 20) && put_foreign_list(m, type, count, depth)) {
  } else if (j != UINT32_MAX && n_locals == 0 && chance(m, 50)) {
    bool real = type == REAL && m->flows[m->flow].lets[j].type == REAL;
    uint32_t form = below(m, 3);
    if (real && form == 0)
      put_zip(m, j, count, depth);
    else if (real && form == 1)
      put_neighbours(m, j, count, depth);
    else
      put_of_list(m, j, type, count, depth);
  } else {
    put_copies(m, type, count, depth);
  }
  m->n_locals = n_locals;
  m->copies = copies;
}

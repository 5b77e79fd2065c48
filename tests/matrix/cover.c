// What the golden programs leave out: rows of the registry at every type they have a kernel for,
// and kinds of nodes, crossings, windows, signals, event streams and merges.
#include "driver.h"
#include <stdio.h>
#include <string.h>

typedef struct Seen {
  bool node[KR_NODE_SUM + 1], cross[KR_MODE_SINC + 1][2], reduce[KR_REDUCE_COUNT + 1],
      signal[KR_SIGNAL_OFFSET + 1], events[KR_EVENTS_SIGNAL + 1], merge[KR_MERGE_LAST + 1];
} Seen;

static uint32_t n_uncovered;

static void note(const char *what, const char *detail) {
  printf("uncovered: %s %s\n", what, detail);
  n_uncovered++;
}

static void look(const KrGraph *graph, Seen *seen) {
  for (uint32_t i = 0; i < graph->n_nodes; i++) {
    const KrNode *node = &graph->nodes[i];
    seen->node[node->kind] = true;
    if (node->kind == KR_NODE_CROSS) seen->cross[node->mode][node->causal] = true;
    if (node->kind == KR_NODE_WINDOW) seen->reduce[node->reduce] = true;
    if (node->kind == KR_NODE_SIGNAL) seen->signal[node->signal] = true;
  }
  for (uint32_t i = 0; i < graph->n_events; i++) seen->events[graph->events[i].kind] = true;
  for (uint32_t i = 0; i < graph->n_states; i++) seen->merge[graph->states[i].merge] = true;
}

static void report(const bool *seen, uint32_t n, const char *what) {
  for (uint32_t i = 0; i < n; i++) {
    char text[16];
    snprintf(text, sizeof text, "%u", i);
    if (!seen[i]) note(what, text);
  }
}

static bool has_op(KrProgram *const *programs, uint32_t n, const KrOp *op, KrElem elem) {
  for (uint32_t p = 0; p < n; p++)
    for (uint32_t i = 0; i < programs[p]->graph->n_nodes; i++) {
      const KrNode *node = &programs[p]->graph->nodes[i];
      if (node->kind == KR_NODE_OP && node->op == op && node->elem == elem) return true;
    }
  return false;
}

// A row the scheduler or the language carries out is no node: its name is called in some text.
static bool is_called(KrProgram *const *programs, uint32_t n, const char *name) {
  const char *last = strrchr(name, '.');
  size_t length = strlen(last != NULL ? ++last : (last = name));
  for (uint32_t p = 0; p < n; p++) {
    const char *text = kr_text_string(programs[p]->graph->arena, programs[p]->source.text);
    for (; (text = strstr(text, last)) != NULL; text++)
      if (text[length] == '(') return true;
  }
  return false;
}

static void look_for(KrProgram *const *programs, uint32_t n, const KrOp *op) {
  bool has_kernel = false;
  for (uint32_t elem = 0; elem < KR_N_ELEMS; elem++) {
    if (op->run[elem] == NULL) continue;
    has_kernel = true;
    if (!has_op(programs, n, op, (KrElem)elem)) note(op->name, kr_elem_text((KrElem)elem));
  }
  if (!has_kernel && !is_called(programs, n, op->name)) note(op->name, "");
}

void print_uncovered(void) {
  enum { MAX_PROGRAMS = 1024 };
  static KrProgram *programs[MAX_PROGRAMS];
  Seen seen = {0};
  uint32_t n = 0, n_families;
  for (uint32_t i = 0; i < n_archive && n < MAX_PROGRAMS; i++) {
    if (!archive_is_program(&archive[i])) continue;
    programs[n] = load_graph(archive[i].name);
    look(programs[n++]->graph, &seen);
  }
  report(seen.node, KR_NODE_SUM + 1, "KrNodeKind");
  report(&seen.cross[0][0], 2 * (KR_MODE_SINC + 1), "KrMode * 2 + causal");
  report(seen.reduce, KR_REDUCE_COUNT + 1, "KrReduce");
  report(seen.signal, KR_SIGNAL_OFFSET + 1, "KrSignalMode");
  report(seen.events, KR_EVENTS_SIGNAL + 1, "KrEventKind");
  report(seen.merge, KR_MERGE_LAST + 1, "KrMerge");
  const KrFamily *families = kr_registry_families(&n_families);
  for (uint32_t f = 0; f < n_families; f++)
    for (uint32_t i = 0; i < families[f].n; i++) look_for(programs, n, &families[f].ops[i]);
  printf("%u programs, %u uncovered\n", n, n_uncovered);
}

/// Fuzz target: any text goes through parser, elaborator, plan and run. Nothing crashes, hangs or
/// takes memory without end; what is refused has a message; a run does not depend on its spans and
/// steps, and goes on from its snapshot as if nothing had been.
#include "host.h"
#include "lang/elab.h"
#include "mutate.h"
#include "sched/plan.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NODES = 6000, MAX_UNROLL = 2000, N_STEPS = 4 };
static const double MAX_TICKS = 20000, MAX_WORK = 3e6;
static const size_t MAX_PLAN_BYTES = (size_t)8 << 20;

static struct { unsigned long tried, graphs, plans, runs; } counts;

typedef struct Trial {
  KrText text;
  KrArena arena;
  KrSource sources[2];
  KrDiagnostics list;
  KrGraph *graph;
} Trial;

static void fail(const Trial *trial, const char *what, const char *more) {
  fprintf(stderr, "%s: %s\n--- program\n%.*s\n", what, more != NULL ? more : "", (int)trial->text.n,
          trial->text.n ? trial->text.at : "");
  abort();
}

static void check_messages(Trial *trial) {
  KrBuffer out;
  kr_buffer_init(&out, &trial->arena);
  kr_diagnostics_print(&trial->list, &out);
  for (uint32_t i = 0; i < trial->list.n; i++) {
    const KrDiagnostic *item = &trial->list.items[i];
    if (item->message == NULL || item->message[0] == '\0') fail(trial, "an empty message", NULL);
    if (item->span.file >= trial->list.n_sources ||
        item->span.end > trial->list.sources[item->span.file].text.n ||
        item->span.begin > item->span.end)
      fail(trial, "a message stands outside of the text", item->message);
  }
  if (getenv("FUZZ_PRINT") != NULL) fwrite(out.at, 1, out.n, stdout);
}

static bool find_module(void *user, KrText name, KrSource *source) {
  (void)user;
  if (!kr_text_is(name, "drums")) return false;
  *source =
      (KrSource){KR_TEXT("drums"), KR_TEXT("const beat = 2\nfn kick(f) { return sine(freq=f) }\n")};
  return true;
}

static bool load(Trial *trial) {
  KrAssetHost host = fuzz_host();
  KrElabOptions options;
  kr_elab_defaults(&options);
  options.host = &host;
  options.find_module = find_module;
  options.max_nodes = MAX_NODES;
  options.max_unroll = MAX_UNROLL;
  KrAst *ast = kr_parse(&trial->arena, &trial->list, 0);
  KrStatus status = KR_ERROR_PROGRAM;
  if (trial->list.n_errors == 0)
    status = kr_elaborate(ast, &options, &trial->list, &trial->arena, &trial->graph);
  check_messages(trial);
  if (status == KR_OK && trial->list.n_errors == 0) return true;
  if (status != KR_ERROR_PROGRAM || trial->list.n_errors == 0)
    fail(trial, "refused without a message", kr_status_text(status));
  return false;
}

static void print_graph(Trial *trial, const KrPlan *plan) {
  KrBuffer out;
  kr_buffer_init(&out, &trial->arena);
  kr_graph_print(trial->graph, &out);
  kr_graph_print_dot(trial->graph, &out);
  kr_graph_hash_structure(trial->graph);
  kr_plan_print(plan, &out);
  kr_plan_print_json(plan, &out);
  kr_plan_print_dot(plan, &out);
}

static KrPlan *make_plan(Trial *trial, uint32_t span_ticks, KrStatus *outcome) {
  KrPlanOptions options = {.span_ticks = span_ticks};
  KrGraphError error = {0};
  KrPlan *plan;
  KrStatus status = kr_plan_make(&trial->arena, trial->graph, &options, &plan, &error);
  *outcome = status;
  if (status == KR_OK) return plan;
  if (status == KR_ERROR_MEMORY)
    return NULL; // between what the target has and what a program may take
  if (status != KR_ERROR_PROGRAM || error.message == NULL)
    fail(trial, "planning failed without a message", kr_status_text(status));
  if (getenv("FUZZ_PRINT") != NULL) printf("plan: %s (%s)\n", error.message, error.hint);
  return NULL;
}

// Bytes and operations of one tick of a flow, roughly.
static double work_per_tick(const KrPlan *plan, uint32_t flow) {
  double work = 0;
  for (uint32_t i = 0; i < plan->n_values; i++) {
    const KrPlanValue *value = &plan->values[i];
    if (value->unit == KR_NONE || value->held || plan->units[value->unit].flow != flow) continue;
    work += 8 + (double)value->n_bytes;
  }
  for (uint32_t u = 0; u < plan->n_units; u++)
    for (uint32_t i = 0; plan->units[u].flow == flow && i < plan->units[u].n_steps; i++)
      work += 8 + plan->units[u].steps[i].n_back;
  return work * plan->graph->flows[flow].substeps;
}

// Events of a periodic stream, read by every node at worst, up to a tick of the slowest flow ahead.
static double event_work(const KrPlan *plan, uint32_t events, double grid) {
  const KrEvents *stream = &plan->graph->events[events];
  double n = 4, frequency = (double)plan->grid.frequency.num / (double)plan->grid.frequency.den;
  if (stream->kind != KR_EVENTS_EVERY) return 0;
  for (uint32_t f = 0; f < plan->graph->n_flows; f++) {
    double ahead = (double)plan->flows[f].period + (double)plan->flows[f].lead;
    if (ahead > n) n = ahead;
  }
  double period = frequency * (double)stream->period.num / (double)stream->period.den;
  return (n + grid) / period * (10 + plan->graph->n_nodes);
}

// The longest time of N_STEPS steps that is not too much work; false when even one step is.
static bool choose_step(const KrPlan *plan, KrRatio *step) {
  const KrGraph *graph = plan->graph;
  int64_t grid = plan->step_grid < 1 ? 1 : plan->step_grid;
  for (int i = 0; i < 40; i++, grid = (grid + 1) / 2) {
    double ticks = 0, work = 0;
    for (uint32_t f = 0; f < graph->n_flows; f++) {
      const KrPlanFlow *flow = &plan->flows[f];
      double n = ((double)grid * N_STEPS + (double)flow->lead) / (double)flow->period + 1;
      if (graph->flows[f].n_steps >= 0 && n > (double)graph->flows[f].n_steps)
        n = (double)graph->flows[f].n_steps;
      ticks += n * graph->flows[f].substeps;
      work += n * work_per_tick(plan, f);
    }
    for (uint32_t e = 0; e < graph->n_events; e++)
      work += event_work(plan, e, (double)grid * N_STEPS);
    if (ticks <= MAX_TICKS && work <= MAX_WORK)
      return kr_ratio_div(kr_ratio_of(grid), plan->grid.frequency, step) == KR_OK;
    if (grid == 1) return false;
  }
  return false;
}

static KrRun *make_run(Trial *trial, const KrPlan *plan) {
  KrRun *run;
  KrStatus status = kr_run_new(&trial->arena, plan, &run);
  if (status != KR_OK) fail(trial, "no run of a valid plan", kr_status_text(status));
  return run;
}

// Advances to n steps in parts; false: stopped with a fault.
static bool advance(Trial *trial, KrRun *run, const KrPlan *plan, KrRatio step, int64_t from,
                    int64_t n) {
  for (int64_t i = from + 1; i <= n; i++) {
    KrRatio to, limit = kr_plan_step(plan), gap;
    if (kr_ratio_mul(step, kr_ratio_of(i), &to) != KR_OK) return false;
    while (kr_ratio_sub(to, kr_run_time(run), &gap) == KR_OK && kr_ratio_compare(gap, limit) > 0) {
      KrRatio near;
      if (kr_ratio_add(kr_run_time(run), limit, &near) != KR_OK) return false;
      KrStatus status = kr_run_to(run, near);
      if (status == KR_ERROR_RUN) return false;
      if (status != KR_OK) fail(trial, "a run stops", kr_status_text(status));
    }
    KrStatus status = kr_run_to(run, to);
    if (status == KR_ERROR_RUN) return false;
    if (status != KR_OK) fail(trial, "a run stops", kr_status_text(status));
  }
  return true;
}

static KrText save(Trial *trial, const KrRun *run) {
  KrBuffer out;
  kr_buffer_init(&out, &trial->arena);
  KrStatus status = kr_run_save(run, &out);
  if (status != KR_OK) fail(trial, "no snapshot", kr_status_text(status));
  return (KrText){out.at, out.n};
}

static void check_fault(Trial *trial, const KrRun *run) {
  const KrRunFault *fault = kr_run_fault(run);
  if (fault == NULL || fault->message == NULL) fail(trial, "stopped without a message", NULL);
  if (strstr(fault->message, "internal") != NULL) fail(trial, "an internal error", fault->message);
}

static bool same_elem(KrElem elem, const uint8_t *a, const uint8_t *b, size_t i) {
  uint32_t width = kr_elem_bytes(elem);
  if (memcmp(a + i * width, b + i * width, width) == 0) return true;
  float x, y;
  double p, q;
  if (elem == KR_ELEM_F32) {
    memcpy(&x, a + i * width, width);
    memcpy(&y, b + i * width, width);
    return x != x && y != y;
  }
  if (elem != KR_ELEM_F64) return false;
  memcpy(&p, a + i * width, width);
  memcpy(&q, b + i * width, width);
  return p != p && q != q;
}

// The newest ticks of every output since `before` are the same in both.
static void compare_outputs(const Trial *trial, const KrRun *a, const KrRun *b,
                            const int64_t *before) {
  const KrGraph *graph = trial->graph;
  for (uint32_t o = 0; o < graph->n_outputs; o++) {
    const KrOutput *output = &graph->outputs[o];
    if (output->kind == KR_OUTPUT_EVENTS) continue;
    int64_t end = kr_run_ticks(a, output->flow);
    for (uint32_t i = 0; i < output->n_refs; i++) {
      KrType type = kr_graph_type(graph, output->refs[i]);
      for (int64_t tick = end - before[o] > 16 ? end - 16 : before[o]; tick < end; tick++) {
        uint32_t n;
        const uint8_t *x = kr_run_output(a, o, i, tick, 1, &n),
                      *y = kr_run_output(b, o, i, tick, 1, &n);
        for (uint64_t k = 0; x != NULL && y != NULL && k < kr_type_count(&type); k++)
          if (!same_elem(type.elem, x, y, (size_t)k))
            fail(trial, "an output depends on the span", NULL);
      }
    }
  }
}

static void compare_events(const Trial *trial, KrRun *a, KrRun *b) {
  KrRunEvent x, y;
  for (uint32_t o = 0; o < trial->graph->n_outputs; o++) {
    if (trial->graph->outputs[o].kind != KR_OUTPUT_EVENTS) continue;
    for (uint32_t n = 0; n < 1000; n++) {
      bool more = kr_run_event(a, o, &x);
      if (more != kr_run_event(b, o, &y)) fail(trial, "events depend on the span", NULL);
      if (!more) break;
      if (kr_ratio_compare(x.time, y.time) != 0 || x.action != y.action || x.key != y.key)
        fail(trial, "an event depends on the span", NULL);
    }
  }
}

static void run_program(Trial *trial, const KrPlan *plan, const KrPlan *other, KrRatio step) {
  KrRun *run = make_run(trial, plan);
  if (!advance(trial, run, plan, step, 0, N_STEPS / 2)) {
    check_fault(trial, run);
    return;
  }
  KrText half = save(trial, run);
  KrRun *fresh = make_run(trial, other);
  const char *error;
  KrStatus status = kr_run_restore(fresh, (const uint8_t *)half.at, half.n, &error);
  if (status != KR_OK) fail(trial, "its snapshot is refused", error);
  if (!kr_text_equal(half, save(trial, fresh)))
    fail(trial, "restored, the snapshot is another", NULL);
  KrRun *whole = make_run(trial, other);
  int64_t *before = KR_NEW_ARRAY(&trial->arena, int64_t, trial->graph->n_outputs);
  bool done = advance(trial, run, plan, step, N_STEPS / 2, N_STEPS - 1);
  for (uint32_t o = 0; o < trial->graph->n_outputs; o++)
    if (trial->graph->outputs[o].kind != KR_OUTPUT_EVENTS)
      before[o] = kr_run_ticks(run, trial->graph->outputs[o].flow);
  done = done && advance(trial, run, plan, step, N_STEPS - 1, N_STEPS);
  bool fresh_done = advance(trial, fresh, other, step, N_STEPS / 2, N_STEPS);
  bool whole_done = advance(trial, whole, other, step, 0, N_STEPS);
  if (done != fresh_done || done != whole_done)
    fail(trial, "one run stops, another does not", NULL);
  if (!done) {
    check_fault(trial, run);
    const KrRunFault *a = kr_run_fault(run), *b = kr_run_fault(whole);
    if (a->tick != b->tick || a->flow != b->flow || strcmp(a->message, b->message) != 0)
      fail(trial, "the fault depends on the span", a->message);
    return;
  }
  KrText end = save(trial, run);
  if (!kr_text_equal(end, save(trial, fresh))) fail(trial, "the restored run is another", NULL);
  if (!kr_text_equal(end, save(trial, whole))) fail(trial, "the run depends on the span", NULL);
  compare_outputs(trial, run, whole, before);
  compare_outputs(trial, run, fresh, before);
  compare_events(trial, run, whole);
}

static void try_program(Trial *trial) {
  counts.tried++;
  if (!load(trial)) return;
  counts.graphs++;
  KrStatus status;
  KrPlan *plan = make_plan(trial, 0, &status);
  if (plan == NULL || kr_plan_bytes(plan) > MAX_PLAN_BYTES) return;
  if (trial->graph->n_nodes < 500) print_graph(trial, plan);
  KrPlan *other = make_plan(trial, 1 + (uint32_t)(trial->text.n % 7), &status);
  if (status == KR_ERROR_MEMORY) return; // what the target has does not hold both
  if (other == NULL) fail(trial, "a plan for small spans is refused", NULL);
  KrRatio step;
  counts.plans++;
  if (!choose_step(plan, &step)) return;
  counts.runs++;
  run_program(trial, plan, other, step);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  Trial trial = {.text = {NULL, n}};
  if (n > 1 << 16) return 0;
  char *copy = malloc(n == 0 ? 1 : n); // its own block: the sanitizer sees one byte too far
  if (copy == NULL) abort();
  if (n != 0) memcpy(copy, data, n);
  trial.text.at = copy;
  kr_arena_init(&trial.arena, fuzz_allocator());
  jmp_buf escape;
  if (setjmp(escape) != 0) fail(&trial, "more memory than any program needs", NULL);
  trial.arena.escape = &escape;
  trial.sources[0] = (KrSource){KR_TEXT("fuzz"), trial.text};
  trial.list = (KrDiagnostics){.arena = &trial.arena, .sources = trial.sources, .n_sources = 1};
  try_program(&trial);
  kr_arena_deinit(&trial.arena);
  free(copy);
  return 0;
}

#ifndef KR_FUZZ_LIBFUZZER
int main(int n_args, char **args) {
  FuzzTarget target = {"program", ".kairo ", fuzz_change_program};
  int code = fuzz_main(&target, n_args, args);
  printf("%lu programs, %lu graphs, %lu plans, %lu runs\n", counts.tried, counts.graphs,
         counts.plans, counts.runs);
  return code;
}
#endif

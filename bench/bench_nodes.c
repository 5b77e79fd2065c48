// Nanoseconds per node-tick: a chain of additions, one tick at a time and in spans of 64, and what
// of the latter is not the additions themselves; and bytes per flow.
#include "clock.h"
#include "kairo/kairo.h"
#include "ops/level.h"
#include "session/program.h"
#include <stdio.h>
#include <string.h>

enum { N_NODES = 1000, N_TICKS = 20000 };

static KrProgram *build_chain(uint32_t n_flows, uint32_t n_nodes, uint32_t span) {
  KrBuilder *b;
  KrProgram *program = NULL;
  KrProgramOptions options;
  char error[256], name[32];
  kr_program_defaults(&options);
  options.span_ticks = span;
  kr_builder_new(&b);
  for (uint32_t f = 0; f < n_flows; f++) {
    snprintf(name, sizeof name, "f%u", f);
    uint32_t flow = kr_builder_flow(
        b,
        &(KrFlowSettings){.name = name, .rate = KR_RATE_AUDIO, .dt = {1, 48000}, .phase = {0, 1}});
    KrStream x = kr_builder_time(b, flow);
    for (uint32_t i = 0; i < n_nodes; i++)
      x = kr_builder_op(b, flow, "add", (KrArgument[]){{.stream = x}, {.stream = x}}, 2);
    kr_builder_output(b, flow, NULL, &x, 1);
  }
  if (kr_builder_finish(b, &options, &program, error) != KR_OK) fprintf(stderr, "%s\n", error);
  return program;
}

static double time_chain(uint32_t span) {
  KrProgram *program = build_chain(1, N_NODES, span);
  KrSession *session;
  KrRatio to;
  kr_session_new(program, &session);
  KrRatio step = kr_session_step(session);
  int64_t step_ticks = step.num * 48000 / step.den;
  double begin = cpu_seconds();
  for (int64_t t = step_ticks; t <= N_TICKS; t += step_ticks) {
    kr_ratio_make(t, 48000, &to);
    kr_session_run(session, to);
  }
  double ns = (cpu_seconds() - begin) * 1e9 /
              ((double)N_NODES * (double)(N_TICKS / step_ticks * step_ticks));
  kr_session_free(session);
  kr_program_free(program);
  return ns;
}

// As many additions by the kernel alone, none waiting for the one before it: no more than they cost
// in the chain.
static double time_kernel(void) {
  enum { N_TILES = 2 * N_TICKS / KR_TILE };
  static _Alignas(64) double tile[5][KR_TILE];
  const KrType type = {.elem = KR_ELEM_F64};
  const KrType in_type[] = {type, type};
  const KrOp *op = kr_registry_find(kr_text_from("add"), 0);
  KrKernel *kernel = kr_op_kernel(op, KR_ELEM_F64, KR_LEVEL_BEST);
  KrFault fault = {NULL, 0};
  const void *in[4][2];
  void *out[4][1];
  KrCall call[4];
  for (int i = 0; i < 4; i++) {
    in[i][0] = in[i][1] = tile[0];
    out[i][0] = tile[1 + i];
    call[i] = (KrCall){.n = KR_TILE,
                       .lanes = 1,
                       .in = in[i],
                       .out = out[i],
                       .in_type = in_type,
                       .type = &type,
                       .fault = &fault};
  }
  double begin = cpu_seconds();
  for (uint32_t t = 0; t < N_TILES; t++)
    for (uint32_t i = 0; i < N_NODES; i++) kernel(&call[i % 4]);
  return (cpu_seconds() - begin) * 1e9 / ((double)N_NODES * N_TILES * KR_TILE);
}

int main(void) {
  double span = time_chain(64), kernel = time_kernel();
  printf("node-ticks one by one  %8.3f ns\n", time_chain(1));
  printf("node-ticks at span 64  %8.3f ns\n", span);
  printf("... the kernel alone   %8.3f ns\n", kernel);
  printf("... dispatch           %8.3f ns\n", span - kernel);
  KrProgram *few = build_chain(1, 4, 0), *many = build_chain(101, 4, 0);
  printf("memory per flow        %8.1f KiB\n",
         (double)(kr_plan_bytes(many->plan) - kr_plan_bytes(few->plan)) / 100 / 1024);
  kr_program_free(few);
  kr_program_free(many);
  return 0;
}

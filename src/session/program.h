/// What a KrProgram holds, for the command line and tests.
#ifndef KR_SESSION_PROGRAM_H
#define KR_SESSION_PROGRAM_H
#include "kairo/program.h"
#include "lang/elab.h"
#include "sched/sched.h"

struct KrProgram {
  KrArena arena;
  KrSource source; ///< the program's own text; all of them are in `diagnostics`
  KrDiagnostics diagnostics;
  KrProgramOptions options; ///< as given; its pointers are the caller's and not used after load
  KrAst *ast;               ///< NULL: not reached
  KrGraph *graph;
  KrPlan *plan;
  uint64_t n_repairs; ///< of the control word while loading
  const char *messages, *plan_text, *plan_json;
};

/// The steps of kr_program_load one by one; each needs the one before to have gone well.
KrStatus kr_program_new(const char *name, const char *text, size_t n_bytes,
                        const KrProgramOptions *options, KrProgram **result);
KrStatus kr_program_parse(KrProgram *program);
KrStatus kr_program_elaborate(KrProgram *program);
KrStatus kr_program_plan_make(KrProgram *program);
/// Prints what was diagnosed so far into program->messages.
KrStatus kr_program_print_messages(KrProgram *program);
/// `flow` or `flow.label`.
const char *kr_output_name(const KrGraph *graph, const KrOutput *output, KrArena *arena);
#endif

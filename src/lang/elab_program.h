/// Top-level work shared by elab_program.c, elab_header.c and elab_input.c.
#ifndef KR_LANG_ELAB_PROGRAM_H
#define KR_LANG_ELAB_PROGRAM_H
#include "lang/elab_core.h"

/// Registers a flow and the names others can read from it.
void kr_flow_collect(KrElab *e, const KrAst *ast);
/// Binds an input to what the command line says, else to its default.
void kr_input_open(KrElab *e, KrBinding *binding);
#endif

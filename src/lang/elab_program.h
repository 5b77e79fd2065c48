/// Top-level work shared by elab_program.c, elab_header.c, elab_input.c and elab_use.c.
#ifndef KR_LANG_ELAB_PROGRAM_H
#define KR_LANG_ELAB_PROGRAM_H
#include "lang/elab_core.h"

/// Registers a flow and the names others can read from it.
void kr_flow_collect(KrElab *e, const KrAst *ast);
/// One path of a `use`: reads the module the first time and binds its name or the name in it.
void kr_module_use(KrElab *e, const KrAst *path);
/// Binds an input to what the command line says, else to its default.
void kr_input_open(KrElab *e, KrBinding *binding);
#endif

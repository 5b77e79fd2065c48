/// Syntax tree to graph: names, types, units, rates, records, lists, functions, events.
#ifndef KR_LANG_ELAB_H
#define KR_LANG_ELAB_H
#include "graph/graph.h"
#include "lang/parse.h"

typedef struct KrElabSet {
  const char *name;  ///< top-level `let` or `const` or program setting to replace
  const char *value; ///< Kairo expression
} KrElabSet;

typedef struct KrElabOptions {
  const KrAssetHost *host; ///< NULL: every file is missing
  /// `use drums`: name for messages and text. False: not found. May be NULL
  bool (*find_module)(void *user, KrText name, KrSource *source);
  void *module_user;
  KrRatio class_rate[4]; ///< default rates by class in Hz; 0/1: the language's defaults
  bool has_seed;
  uint64_t seed;
  const KrElabSet *sets; ///< --set name=value
  uint32_t n_sets;
  const KrElabSet *inputs; ///< --input name=source: number, file path, `midi:file`, `csv:file`
  uint32_t n_inputs;
  bool lenient;        ///< a sound file that cannot be read is silence and a warning
  bool stems;          ///< what is sent to each bus is an output, too
  uint32_t max_nodes;  ///< 0: 4 million
  uint32_t max_unroll; ///< 0: 1 million
} KrElabOptions;
void kr_elab_defaults(KrElabOptions *options);

/// Elaborates a parsed program. Diagnostics go to `list`; the graph is complete when no error was
/// added (KR_OK), else KR_ERROR_PROGRAM; KR_ERROR_MEMORY when the arena is exhausted.
KrStatus kr_elaborate(const KrAst *program, const KrElabOptions *options, KrDiagnostics *list,
                      KrArena *arena, KrGraph **graph);
#endif

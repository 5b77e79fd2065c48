/// Mistakes in a user's program: collected, never printed here. All of a run are reported.
#ifndef KR_LANG_DIAGNOSTIC_H
#define KR_LANG_DIAGNOSTIC_H
#include "lang/ast.h"
#include <stdbool.h>

typedef enum KrSeverity { KR_ERROR, KR_WARNING, KR_NOTE } KrSeverity;

typedef struct KrDiagnostic {
  KrSeverity severity;
  KrSpan span;
  const char *message; ///< one sentence without final stop
  const char *hint;    ///< what to try; NULL when there is nothing to say
  bool has_call;       ///< it is in a module: `call` is what led there
  KrSpan call;
} KrDiagnostic;

typedef struct KrDiagnostics {
  KrArena *arena;
  const KrSource *sources; ///< indexed by KrSpan.file
  uint32_t n_sources;
  KrDiagnostic *items;
  uint32_t n, cap;
  uint32_t n_errors;
  bool has_call; ///< now inside the call `call` of the program, whose file is 0
  KrSpan call;
  uint32_t *slots; ///< hash index over items, own use
  uint32_t n_slots;
} KrDiagnostics;

/// Adds one. `hint` may be NULL; formats as kr_buffer_print. The same message at the same place is
/// kept once.
void kr_diagnose(KrDiagnostics *list, KrSeverity severity, KrSpan span, const char *hint,
                 const char *format, ...);
/// `file:line:column: error: message`, the source line, a caret line, `  hint: …`, for all of them,
/// what in the program led into a module; sorted by file and place; errors, warnings and notes in
/// one order.
void kr_diagnostics_print(const KrDiagnostics *list, KrBuffer *out);
#endif

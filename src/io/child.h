/// A program that runs beside this one and is fed through its standard input. All functions: [main]
/// unless they say otherwise; they block.
#ifndef KR_IO_CHILD_H
#define KR_IO_CHILD_H
#include "io/file.h"

typedef struct KrChild {
  int pid; ///< 0: none
  int slot;
  int input;                ///< pipe into its standard input, -1: closed
  int output;               ///< pipe from its standard error, -1: closed
  char said[KR_IO_MESSAGE]; ///< the beginning of what it said there
  size_t n_said;
} KrChild;

/// Starts `args[0]`, looked for in PATH; args ends with NULL. Its standard input is a pipe with
/// `is_fed`, else empty; what it puts out is dropped. It has a process group of its own.
/// KR_ERROR_NOT_FOUND: there is no such program. `error` has KR_IO_MESSAGE bytes.
KrStatus kr_child_start(KrChild *child, const char *const *args, bool is_fed, char *error);
/// KR_ERROR_IO: it has ended or closed its input; kr_child_wait says more.
KrStatus kr_child_put(KrChild *child, const void *at, size_t n_bytes);
/// Closes its input and waits for its end. KR_ERROR_IO unless it ends with 0: `error` is a sentence
/// with what it said.
KrStatus kr_child_wait(KrChild *child, const char *name, char *error);
/// Ends it at once; fine when there is none.
void kr_child_kill(KrChild *child);
/// Ends all; safe in a signal handler. [any]
void kr_child_cancel(void);
/// Whether a program of this name is in PATH.
bool kr_child_exists(const char *name);
#endif

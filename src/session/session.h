/// What a KrSession holds, for the command line and tests.
#ifndef KR_SESSION_SESSION_H
#define KR_SESSION_SESSION_H
#include "kairo/session.h"
#include "sched/sched.h"

struct KrSession {
  const KrProgram *program;
  KrArena *arena; ///< the prepared life time; its own block, since the run points at it
  KrRun *run;
  KrTasks tasks;      ///< run is NULL: none
  uint64_t n_repairs; ///< outside the present run
  const char *error;
};
#endif

// Hot swap.
#include "sched/run.h"
void kr_swap_keep(KrRun *run, uint32_t unit) { (void)run; (void)unit; }
KrStatus kr_run_swap(KrRun *run, const KrRun *old) { (void)run; (void)old; return KR_ERROR_UNAVAILABLE; }

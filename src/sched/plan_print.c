// What `kairo plan` shows.
#include "sched/plan.h"
void kr_plan_print(const KrPlan *plan, KrBuffer *out) { (void)plan; (void)out; }
void kr_plan_print_json(const KrPlan *plan, KrBuffer *out) { (void)plan; (void)out; }
void kr_plan_print_dot(const KrPlan *plan, KrBuffer *out) { (void)plan; (void)out; }

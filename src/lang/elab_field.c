/// Decides first fields: constants, functions of the position, random ones.
#include "lang/elab_core.h"

bool kr_call_field(KrElab *e, KrText name, KrArgs args, KrSpan span, KrVal *result) {
  (void)e, (void)name, (void)args, (void)span, (void)result;
  return false;
}

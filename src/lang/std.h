/// Built-in modules: `use std.NAME` reads src/lang/std/NAME.kairo, whose text is a part of the
/// program (scripts/embed).
#ifndef KR_LANG_STD_H
#define KR_LANG_STD_H
#include "lang/ast.h"

/// Named `std/NAME.kairo`, in order of name.
extern const KrSource kr_std_modules[];
extern const uint32_t kr_n_std_modules;
#endif

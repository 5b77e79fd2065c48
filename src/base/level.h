/// Files compiled once a vector level. Such a file is listed in its folder's meson.build as a level
/// source; it is compiled once as `generic`, without a -DKR_LEVEL, and again for every other level
/// with -DKR_LEVEL=name and that level's -march. What must exist once (tables of rows, prepare
/// functions) stands under #ifdef KR_ROWS; what is seen outside has the level in its name:
///   const KrThing KR_LEVEL_NAME(kr_thing) = {...};        // kr_thing_v3
/// and is looked up where KR_LEVEL_LIST declares and lists all of them (src/ops/level.c shows how).
/// Code at one level calls the same level's code in other files as KR_LEVEL_NAME(kr_function)(...).
#ifndef KR_BASE_LEVEL_H
#define KR_BASE_LEVEL_H
#include "kairo/level.h"

#ifndef KR_LEVEL
#define KR_LEVEL generic
#define KR_ROWS ///< the one compilation that holds what must exist once
#endif
#define KR_LEVEL_JOIN_(name, level) name##_##level
#define KR_LEVEL_JOIN(name, level) KR_LEVEL_JOIN_(name, level)
#define KR_LEVEL_NAME(name) KR_LEVEL_JOIN(name, KR_LEVEL)

/// The levels built in, X(suffix of names, constant without KR_LEVEL_); src/meson.build decides.
#if defined(KR_HAS_ENDS_ALONE)
#define KR_LEVEL_LIST(X) X(generic, GENERIC) X(v4, V4)
#elif defined(KR_HAS_X86_LEVELS)
#define KR_LEVEL_LIST(X) X(generic, GENERIC) X(baseline, BASELINE) X(v2, V2) X(v3, V3) X(v4, V4)
#elif defined(KR_HAS_BASELINE)
#define KR_LEVEL_LIST(X) X(generic, GENERIC) X(baseline, BASELINE)
#else
#define KR_LEVEL_LIST(X) X(generic, GENERIC)
#endif

/// Bytes of a native vector of the level being compiled; 0: scalar code.
#if defined(KR_ROWS)
#define KR_VECTOR_BYTES 0
#elif defined(__AVX512F__)
#define KR_VECTOR_BYTES 64
#elif defined(__AVX2__)
#define KR_VECTOR_BYTES 32
#else
#define KR_VECTOR_BYTES 16
#endif
#endif

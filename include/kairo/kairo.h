/// Kairo: deterministic multirate engine. Includes every public header.
#ifndef KAIRO_KAIRO_H
#define KAIRO_KAIRO_H
#include "kairo/asset.h"
#include "kairo/build.h"
#include "kairo/level.h"
#include "kairo/program.h"
#include "kairo/session.h"
#include "kairo/status.h"
#include "kairo/tasks.h"
#include "kairo/time.h"

#define KAIRO_VERSION "0.1.0"
#endif

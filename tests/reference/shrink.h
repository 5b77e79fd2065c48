/// Makes the text of a failing program smaller while it goes on failing in the same way.
#ifndef KR_SHRINK_H
#define KR_SHRINK_H
#include "trial.h"

/// Smaller text of a program that fails with *trial under `options`; freed by the caller. *trial is
/// that of the result.
char *kr_shrink(const char *text, const KrTrialOptions *options, KrTrial *trial);
#endif

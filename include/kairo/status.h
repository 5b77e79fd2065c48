/// Status codes: what a call of the library can answer.
/// Every function that can fail returns a KrStatus; KR_OK is 0.
#ifndef KAIRO_STATUS_H
#define KAIRO_STATUS_H
#ifdef __cplusplus
extern "C" {
#endif

/// The one list of codes: X(code, text).
#define KR_STATUS_LIST(X)                                                                          \
  X(KR_OK, "ok")                                                                                   \
  X(KR_ERROR_MEMORY, "out of memory")                                                              \
  X(KR_ERROR_ARGUMENT, "argument out of range")                                                    \
  X(KR_ERROR_OVERFLOW, "exact number too large")                                                   \
  X(KR_ERROR_PROGRAM, "the program has errors")                                                    \
  X(KR_ERROR_RUN, "the program stopped with an error")                                             \
  X(KR_ERROR_FORMAT, "damaged or unknown data")                                                    \
  X(KR_ERROR_MISMATCH, "made for another program")                                                 \
  X(KR_ERROR_LIMIT, "limit exceeded")                                                              \
  X(KR_ERROR_NOT_FOUND, "not found")                                                               \
  X(KR_ERROR_IO, "input or output failed")                                                         \
  X(KR_ERROR_UNAVAILABLE, "not available here")

typedef enum KrStatus {
#define KR_STATUS_CODE(code, text) code,
  KR_STATUS_LIST(KR_STATUS_CODE)
#undef KR_STATUS_CODE
} KrStatus;

/// English text of a code, never NULL. [any] rt
const char *kr_status_text(KrStatus status);

/// Passes an error up.
#define KR_TRY(call)                                                                               \
  do {                                                                                             \
    KrStatus kr_try_status = (call);                                                               \
    if (kr_try_status != KR_OK) return kr_try_status;                                              \
  } while (0)

#ifdef __cplusplus
}
#endif
#endif

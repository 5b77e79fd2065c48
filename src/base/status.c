/// The English text of each status code.
#include "kairo/status.h"

const char *kr_status_text(KrStatus status) {
  switch (status) {
#define KR_STATUS_TEXT(code, text)                                                                 \
  case code: return text;
    KR_STATUS_LIST(KR_STATUS_TEXT)
#undef KR_STATUS_TEXT
  }
  return "unknown status";
}

/// What the rows `event.from_midi` and `event.from_csv` read: files as lists of events with exact
/// times.
#ifndef KR_OPS_EVENT_FILE_H
#define KR_OPS_EVENT_FILE_H
#include "asset/csv.h"
#include "asset/midi.h"
#endif

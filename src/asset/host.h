/// Files as data. The types and the table of functions that reads them are public: kairo/asset.h.
/// Pure code never opens a file; the default table is io/host.c.
#ifndef KR_ASSET_HOST_H
#define KR_ASSET_HOST_H
#include "base/arena.h"
#include "base/hash.h"
#include "kairo/asset.h"
#endif

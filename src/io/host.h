/// The default asset host: files of the file system, sound through libsndfile.
#ifndef KR_IO_HOST_H
#define KR_IO_HOST_H
#include "asset/host.h"

/// Paths of a program are relative to the folder of its file.
typedef struct KrIoHost {
  const char *folder; ///< NULL or empty: the current folder; kept, not copied
} KrIoHost;
/// A table whose functions read below `host->folder`; absolute paths are taken as they are. [main]
KrAssetHost kr_io_host(KrIoHost *host);
#endif

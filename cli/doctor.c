// kairo doctor: what this build and machine offer.
#include "cli.h"
#include "io/child.h"
#include "io/png.h"
#include "io/sndfile.h"
#include "kairo/kairo.h"
#include <unistd.h>

int run_doctor(int n_args, char **args) {
  Options options;
  int code = read_options(&options, "doctor", n_args, args);
  if (code >= 0) return code;
  if (options.file != NULL) return usage_error("doctor", "takes no file");
  const char *sndfile = kr_sndfile_version();
#if defined(__clang__)
  const char *compiler = "clang " __clang_version__;
#else
  const char *compiler = "gcc " __VERSION__;
#endif
  KrLevel level;
  code = read_level(&level);
  if (code != EXIT_OK) return code;
  if (level == KR_LEVEL_BEST) level = kr_level_best();
  uint16_t probe = 1;
  printf("kairo       %s\n", KAIRO_VERSION);
  printf("compiler    %s\n", compiler);
  printf("byte order  %s\n", *(const uint8_t *)&probe == 1 ? "little-endian" : "big-endian");
  printf("processors  %ld\n", sysconf(_SC_NPROCESSORS_ONLN));
  printf("kernels     %s of %s (KAIRO_ISA forces one)\n", kr_level_text(level), supported_levels());
  printf("sound files %s\n",
         sndfile != NULL ? sndfile : "not built in: install libsndfile1-dev and build again");
  printf("pictures    %s\n",
         kr_png_has_library() ? "PNG through libpng" : "PNG by the own writer, uncompressed");
  printf("films       %s\n",
         kr_child_exists("ffmpeg") ? "MP4 through ffmpeg" : "ffmpeg is not here: install it");
  printf("live        not available yet\n");
  printf("numerics    strict\n");
  return EXIT_OK;
}

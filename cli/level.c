// Which vector level the kernels run at: the best one, or what the environment forces.
#include "cli.h"
#include <stdlib.h>
#include <string.h>

const char *supported_levels(void) {
  static char names[64];
  names[0] = 0;
  for (int i = KR_LEVEL_GENERIC; i < KR_N_LEVELS; i++) {
    if (!kr_level_is_supported((KrLevel)i)) continue;
    if (names[0] != 0) strcat(names, " ");
    strcat(names, kr_level_text((KrLevel)i));
  }
  return names;
}

int read_level(KrLevel *level) {
  const char *name = getenv("KAIRO_ISA");
  *level = KR_LEVEL_BEST;
  if (name == NULL || *name == 0) return EXIT_OK;
  bool is_known = kr_level_find(name, level);
  if (is_known && kr_level_is_supported(*level)) return EXIT_OK;
  fprintf(stderr, "kairo: error: KAIRO_ISA=%s %s; here there are %s\n", name,
          is_known ? "is not supported by this processor or build" : "is no vector level",
          supported_levels());
  return EXIT_ENVIRONMENT;
}

// Reads arguments. A wrong one names itself and what would be right; exit 2.
#include "base/number.h"
#include "cli.h"
#include "time/ratio.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

int usage_error(const char *command, const char *format, ...) {
  va_list list;
  va_start(list, format);
  fprintf(stderr, "kairo %s: ", command);
  vfprintf(stderr, format, list);
  fprintf(stderr, "; see `kairo %s --help`\n", command);
  va_end(list);
  return EXIT_USAGE;
}

typedef enum Kind {
  FLAG,
  STRING,
  NUMBER,
  THREADS,
  SETTING,
  INPUT,
  PROBE,
  RATE,
  SEED,
  SWAP,
  SNAPSHOT
} Kind;
typedef struct Row {
  const char *name;
  Kind kind;
  size_t offset;
  const char *commands; // that take it, blank-separated
} Row;

#define LOADERS "render check graph plan trace "
static const Row rows[] = {
    {"-o", STRING, offsetof(Options, out), "render "},
    {"-d", STRING, offsetof(Options, duration), "render trace "},
    {"--rate", RATE, 0, LOADERS},
    {"--seed", SEED, 0, LOADERS},
    {"--set", SETTING, 0, LOADERS},
    {"--input", INPUT, 0, LOADERS},
    {"--probe", PROBE, 0, "render plan trace "},
    {"--profile", STRING, offsetof(Options, profile), LOADERS},
    {"--block", NUMBER, offsetof(Options, block), "render trace "},
    {"--threads", THREADS, offsetof(Options, threads), "render "},
    {"--format", STRING, offsetof(Options, format), "render "},
    {"--lenient", FLAG, offsetof(Options, lenient), LOADERS},
    {"--video", FLAG, offsetof(Options, video), "render "},
    {"--stems", FLAG, offsetof(Options, stems), "render "},
    {"--digest", FLAG, offsetof(Options, digest), "render "},
    {"--json", FLAG, offsetof(Options, json), "render plan trace ops "},
    {"--dot", FLAG, offsetof(Options, dot), "graph plan "},
    {"--live", FLAG, offsetof(Options, live), "plan "},
    {"--parse-only", FLAG, offsetof(Options, parse_only), "check "},
    {"--write", FLAG, offsetof(Options, write), "fmt "},
    {"--quiet", FLAG, offsetof(Options, quiet), "render "},
    {"--snapshot-at", SNAPSHOT, 0, "render "},
    {"--from-snapshot", STRING, offsetof(Options, from_snapshot), "render "},
    {"--swap-at", SWAP, 0, "render "},
};
enum { N_ROWS = sizeof rows / sizeof *rows };

static bool takes(const Row *row, const char *command) {
  const char *at = strstr(row->commands, command);
  return at != NULL && at[strlen(command)] == ' ' && (at == row->commands || at[-1] == ' ');
}

static bool read_whole(const char *text, uint64_t *value) {
  if (*text == '\0') return false;
  *value = 0;
  for (; *text != '\0'; text++) {
    if (*text < '0' || *text > '9' || *value > (UINT64_MAX - 9) / 10) return false;
    *value = *value * 10 + (uint64_t)(*text - '0');
  }
  return true;
}

static bool read_ratio(const char *text, size_t n, KrRatio *ratio) {
  const char *slash = memchr(text, '/', n);
  bool exact;
  double value;
  KrRatio a, b = KR_RATIO_ONE;
  size_t n_a = slash != NULL ? (size_t)(slash - text) : n;
  if (!kr_number_parse((KrText){text, n_a}, &exact, &a.num, &a.den, &value) || !exact) return false;
  if (slash != NULL &&
      (!kr_number_parse((KrText){slash + 1, n - n_a - 1}, &exact, &b.num, &b.den, &value) ||
       !exact))
    return false;
  return kr_ratio_div(a, b, ratio) == KR_OK;
}

// Splits NAME=VALUE in place.
static bool split_setting(char *text, KrSetting *setting) {
  char *equals = strchr(text, '=');
  if (equals == NULL || equals == text) return false;
  *equals = '\0';
  *setting = (KrSetting){text, equals + 1};
  return true;
}

static int add_setting(KrSetting *list, uint32_t *n, const char *command, const char *option,
                       char *text) {
  if (*n == MAX_SETTINGS) return usage_error(command, "more than %d `%s`", MAX_SETTINGS, option);
  if (!split_setting(text, &list[*n]))
    return usage_error(command, "`%s %s` should be NAME=VALUE", option, text);
  for (uint32_t i = 0; i < *n; i++)
    if (strcmp(list[i].name, list[*n].name) == 0)
      return usage_error(command, "`%s %s=…` is given twice", option, list[i].name);
  (*n)++;
  return -1;
}

static int set_rate(Options *options, char *text) {
  static const char *const classes[] = {"audio", "control", "visual", "sim"};
  KrSetting setting;
  const char *command = options->command;
  if (!split_setting(text, &setting))
    return usage_error(command, "`--rate %s` should be CLASS=HZ", text);
  for (int i = 0; i < 4; i++) {
    if (strcmp(setting.name, classes[i]) != 0) continue;
    size_t n = strlen(setting.value);
    if (n > 2 && strcmp(setting.value + n - 2, "Hz") == 0) n -= 2;
    if (!read_ratio(setting.value, n, &options->class_rate[i]) || options->class_rate[i].num <= 0)
      return usage_error(command,
                         "rate `%s` should be a number of Hz above 0, as 44100 or 30000/1001",
                         setting.value);
    return -1;
  }
  return usage_error(command, "no rate class `%s`; there are audio, control, visual, sim",
                     setting.name);
}

static int set_value(Options *options, const Row *row, char *value) {
  void *field = (char *)options + row->offset;
  uint64_t whole;
  switch (row->kind) {
  case STRING: *(const char **)field = value; return -1;
  case NUMBER:
    if (!read_whole(value, &whole) || whole == 0 || whole > 1u << 20)
      return usage_error(options->command, "`%s %s` should be a whole number from 1 to 1048576",
                         row->name, value);
    *(uint32_t *)field = (uint32_t)whole;
    return -1;
  case THREADS:
    if (!read_whole(value, &whole) || whole == 0)
      return usage_error(options->command, "`--threads %s` should be a whole number from 1", value);
    *(uint32_t *)field = whole < UINT32_MAX ? (uint32_t)whole : UINT32_MAX;
    return -1;
  case SEED:
    if (!read_whole(value, &options->seed))
      return usage_error(options->command, "`--seed %s` should be a whole number", value);
    options->has_seed = true;
    return -1;
  case SETTING:
    return add_setting(options->sets, &options->n_sets, options->command, row->name, value);
  case INPUT:
    return add_setting(options->inputs, &options->n_inputs, options->command, row->name, value);
  case PROBE:
    if (options->n_probes == MAX_SETTINGS) return usage_error(options->command, "too many probes");
    options->probes[options->n_probes++] = value;
    return -1;
  case RATE: return set_rate(options, value);
  case SWAP:
    if (options->n_swap_at == 16) return usage_error(options->command, "more than 16 `--swap-at`");
    if (strchr(value, '=') == NULL)
      return usage_error(options->command, "`--swap-at %s` should be TIME=FILE", value);
    options->swap_at[options->n_swap_at++] = value;
    return -1;
  case SNAPSHOT:
    if (options->n_snapshot_at == 64)
      return usage_error(options->command, "more than 64 `--snapshot-at`");
    options->snapshot_at[options->n_snapshot_at++] = value;
    return -1;
  default: return -1;
  }
}

static int unknown_option(const char *command, const char *arg) {
  const char *near = NULL;
  uint32_t best = 4;
  for (int i = 0; i < N_ROWS; i++) {
    uint32_t distance = kr_text_distance(kr_text_from(rows[i].name), kr_text_from(arg));
    if (!takes(&rows[i], command) || distance >= best) continue;
    best = distance;
    near = rows[i].name;
  }
  if (near != NULL) return usage_error(command, "no option `%s`; did you mean `%s`?", arg, near);
  return usage_error(command, "no option `%s`", arg);
}

// One option at args[*i]; long ones also as --name=value.
static int read_option(Options *options, int n_args, char **args, int *i) {
  char *arg = args[*i];
  for (int r = 0; r < N_ROWS; r++) {
    size_t n = strlen(rows[r].name);
    bool joined = n > 2 && strncmp(arg, rows[r].name, n) == 0 && arg[n] == '=';
    if (!takes(&rows[r], options->command) || (strcmp(arg, rows[r].name) != 0 && !joined)) continue;
    if (rows[r].kind == FLAG) {
      if (joined) return usage_error(options->command, "`%s` takes no value", rows[r].name);
      *(bool *)((char *)options + rows[r].offset) = true;
      return -1;
    }
    if (joined) return set_value(options, &rows[r], arg + n + 1);
    if (*i + 1 >= n_args) return usage_error(options->command, "`%s` needs a value", arg);
    return set_value(options, &rows[r], args[++*i]);
  }
  return unknown_option(options->command, arg);
}

int read_options(Options *options, const char *command, int n_args, char **args) {
  *options = (Options){.command = command};
  for (int i = 0; i < 4; i++) options->class_rate[i] = KR_RATIO_ZERO;
  bool only_files = false;
  for (int i = 0; i < n_args; i++) {
    if (!only_files && strcmp(args[i], "--") == 0) {
      only_files = true;
    } else if (!only_files && args[i][0] == '-' && args[i][1] != '\0') {
      int code = read_option(options, n_args, args, &i);
      if (code >= 0) return code;
    } else if (options->file == NULL) {
      options->file = args[i];
    } else if (options->second == NULL && strcmp(command, "diff") == 0) {
      options->second = args[i];
    } else {
      return usage_error(command, "one file at a time: `%s` is one too many", args[i]);
    }
  }
  if (options->profile != NULL && strcmp(options->profile, "strict") != 0) {
    if (strcmp(options->profile, "fast") != 0)
      return usage_error(command, "no profile `%s`; there are strict and fast", options->profile);
    fprintf(stderr, "kairo %s: warning: profile fast equals strict in this version\n", command);
  }
  return -1;
}

bool read_time(const char *text, const KrGraph *graph, KrRatio *time, const char **message) {
  static const struct {
    const char *name;
    KrRatio seconds;
  } units[] = {{"ms", {1, 1000}}, {"us", {1, 1000000}}, {"min", {60, 1}},
               {"h", {3600, 1}},  {"s", {1, 1}},        {"", {1, 1}}};
  size_t n = strspn(text, "0123456789./");
  const char *unit = text + n;
  KrRatio value;
  *message = "should be an exact time as 4s, 250ms, 1/48000 or 8beats";
  if (n == 0 || !read_ratio(text, n, &value)) return false;
  if (strcmp(unit, "beats") == 0) {
    *message = "is in beats, but the program has no tempo: add @tempo=120bpm";
    if (graph == NULL || !graph->has_tempo) return false;
    *message = "is too long";
    return kr_tempo_time(&graph->tempo, value, time) == KR_OK;
  }
  for (size_t i = 0; i < sizeof units / sizeof *units; i++)
    if (strcmp(unit, units[i].name) == 0)
      return kr_ratio_mul(value, units[i].seconds, time) == KR_OK;
  return false;
}

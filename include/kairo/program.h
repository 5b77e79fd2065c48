/// A program: text made into a graph and a plan. Constant once made; any number of sessions run it.
#ifndef KAIRO_PROGRAM_H
#define KAIRO_PROGRAM_H
#include "kairo/asset.h"
#include "kairo/level.h"
#include "kairo/time.h"
#ifdef __cplusplus
extern "C" {
#endif

typedef struct KrProgram KrProgram;

/// Rate classes, indices of KrProgramOptions.class_rate.
enum { KR_RATE_AUDIO, KR_RATE_CONTROL, KR_RATE_VISUAL, KR_RATE_SIM };

/// `name=value`: value is a Kairo expression (`900Hz`, `"take.wav"`).
typedef struct KrSetting {
  const char *name, *value;
} KrSetting;

typedef struct KrProgramOptions {
  const KrAssetHost *host; ///< NULL: no file is found
  /// Text of module NAME for `use NAME`; in `arena`. NULL: no modules. KR_ERROR_NOT_FOUND: none of
  /// that name.
  KrStatus (*read_module)(void *user, const char *name, KrArena *arena, const char **path,
                          const char **text, size_t *n_bytes);
  void *module_user;
  KrRatio class_rate[4]; ///< Hz; 0/1: the language's defaults 48000, 100, 60, none
  bool has_seed;         ///< replace @seed
  uint64_t seed;
  const KrSetting *settings; ///< top-level constants to replace
  uint32_t n_settings;
  const KrSetting *inputs; ///< input name = source
  uint32_t n_inputs;
  const char *const *probes; ///< streams to add as outputs, `flow.name`
  uint32_t n_probes;
  KrRatio step; ///< most program time one kr_session_run may advance; 0/1: the engine's choice
  uint32_t span_ticks; ///< most ticks of a flow run in one call; 0: the engine's choice
  KrLevel level;       ///< vector level of the kernels, supported here; 0: the best. Never a bit
  bool stems;          ///< what is sent to a bus is an output, too: `bus.sender`
  bool lenient;        ///< a sound file that cannot be read is silence and a warning, no error
} KrProgramOptions;
void kr_program_defaults(KrProgramOptions *options);

/// Text to program. Always gives *program (but KR_ERROR_MEMORY), so that its messages can be read.
/// KR_ERROR_PROGRAM: the text has errors. `name` is shown in messages. [main]
KrStatus kr_program_load(const char *name, const char *text, size_t n_bytes,
                         const KrProgramOptions *options, KrProgram **program);
void kr_program_free(KrProgram *program);

/// Errors and warnings as printed by the command, empty when there are none.
const char *kr_program_messages(const KrProgram *program);
/// SHA-256 of the structure (flows, rates, types, operators, edges) and of the whole program.
KrDigest kr_program_structure_hash(const KrProgram *program);
KrDigest kr_program_hash(const KrProgram *program);
/// The plan as `kairo plan` prints it; json: as `kairo plan --json`.
const char *kr_program_plan(const KrProgram *program, bool json);
/// Length by @duration, last event and release; 0/1 when the program does not say.
KrRatio kr_program_duration(const KrProgram *program);

/// What a program puts out.
typedef enum KrOutputType {
  KR_OUT_AUDIO,
  KR_OUT_NUMBERS,
  KR_OUT_PICTURES,
  KR_OUT_EVENTS
} KrOutputType;
typedef struct KrOutputInfo {
  const char *name; ///< `flow` or `flow.label`
  KrOutputType type;
  KrRatio rate;           ///< Hz
  uint32_t n_columns;     ///< channels of audio, columns of numbers, 1 for pictures
  uint32_t width, height; ///< pictures
} KrOutputInfo;
uint32_t kr_program_outputs(const KrProgram *program);
KrOutputInfo kr_program_output(const KrProgram *program, uint32_t index);

#ifdef __cplusplus
}
#endif
#endif

// Text to graph to plan, one step after the other; decides what is reported and how long a piece
// lasts.
#include "session/program.h"
#include "math/control.h"
#include <stdlib.h>

// Runs `body` with memory exhaustion ending it in KR_ERROR_MEMORY.
#define WITH_ESCAPE(program, ...)                                                                  \
  do {                                                                                             \
    jmp_buf escape;                                                                                \
    if (setjmp(escape) != 0) {                                                                     \
      (program)->arena.escape = NULL;                                                              \
      return KR_ERROR_MEMORY;                                                                      \
    }                                                                                              \
    (program)->arena.escape = &escape;                                                             \
    __VA_ARGS__;                                                                                   \
    (program)->arena.escape = NULL;                                                                \
  } while (0)

void kr_program_defaults(KrProgramOptions *options) {
  *options = (KrProgramOptions){.step = KR_RATIO_ZERO};
  for (int i = 0; i < 4; i++) options->class_rate[i] = KR_RATIO_ZERO;
}

KrStatus kr_program_new(const char *name, const char *text, size_t n_bytes,
                        const KrProgramOptions *options, KrProgram **result) {
  KrProgram *program = calloc(1, sizeof *program);
  if (program == NULL) return KR_ERROR_MEMORY;
  kr_arena_init(&program->arena, NULL);
  *result = program;
  if (options != NULL)
    program->options = *options;
  else
    kr_program_defaults(&program->options);
  program->messages = "";
  WITH_ESCAPE(program, {
    const char *copy = kr_arena_copy(&program->arena, text, n_bytes);
    program->source =
        (KrSource){.name = kr_text_from(kr_text_string(&program->arena, kr_text_from(name))),
                   .text = {copy, n_bytes}};
  });
  program->diagnostics =
      (KrDiagnostics){.arena = &program->arena, .sources = &program->source, .n_sources = 1};
  return KR_OK;
}

void kr_program_free(KrProgram *program) {
  if (program == NULL) return;
  kr_arena_deinit(&program->arena);
  free(program);
}

KrStatus kr_program_parse(KrProgram *program) {
  WITH_ESCAPE(program, program->ast = kr_parse(&program->arena, &program->diagnostics, 0));
  return program->diagnostics.n_errors > 0 ? KR_ERROR_PROGRAM : KR_OK;
}

// Gives the elaborator the text of a module.
static bool find_module(void *user, KrText name, KrSource *source) {
  KrProgram *program = user;
  const KrProgramOptions *options = &program->options;
  if (options->read_module == NULL) return false;
  const char *path = NULL, *text = NULL;
  size_t n_bytes = 0;
  char *module = kr_text_string(&program->arena, name);
  if (options->read_module(options->module_user, module, &program->arena, &path, &text, &n_bytes) !=
      KR_OK)
    return false;
  *source = (KrSource){.name = kr_text_from(path), .text = {text, n_bytes}};
  return true;
}

static const KrElabSet *copy_settings(KrProgram *program, const KrSetting *settings, uint32_t n) {
  KrElabSet *sets = KR_NEW_ARRAY(&program->arena, KrElabSet, n);
  for (uint32_t i = 0; i < n; i++)
    sets[i] =
        (KrElabSet){.name = kr_text_string(&program->arena, kr_text_from(settings[i].name)),
                    .value = kr_text_string(&program->arena, kr_text_from(settings[i].value))};
  return sets;
}

static void report_graph_error(KrProgram *program, const KrGraphError *error) {
  KrSpan span = {error->origin.file, error->origin.begin, error->origin.end};
  kr_diagnose(&program->diagnostics, KR_ERROR, span, error->hint, "%s", error->message);
}

static KrOutputKind kind_of(const KrFlow *flow, const KrType *type) {
  if (type->shape == KR_SHAPE_IMAGE) return KR_OUTPUT_PICTURES;
  bool whole =
      flow->clock.dt.num == 1 && kr_elem_is_real(type->elem) && type->shape == KR_SHAPE_SCALAR;
  return flow->cls == KR_CLASS_AUDIO && whole ? KR_OUTPUT_AUDIO : KR_OUTPUT_NUMBERS;
}

static const char *suggest(KrArena *arena, KrText near) {
  return near.at != NULL ? kr_text_print(arena, "did you mean `%t`?", near) : NULL;
}

// Nearest name: the same last part counts as close.
static uint32_t probe_distance(KrText full, KrText last, KrText probe) {
  uint32_t whole = kr_text_distance(full, probe), part = kr_text_distance(last, probe);
  return part < whole ? part : whole;
}

// Adds the named stream `probe` (flow.name) to the outputs.
static void add_probe(KrProgram *program, KrText probe) {
  KrGraph *graph = program->graph;
  KrText near = {NULL, 0};
  uint32_t near_distance = 0;
  for (uint32_t i = 0; i < graph->n_names; i++) {
    const KrName *name = &graph->names[i];
    const KrFlow *flow = &graph->flows[name->flow];
    KrText full = kr_text_from(kr_text_print(graph->arena, "%t.%t", flow->name, name->name));
    uint32_t distance = probe_distance(full, name->name, probe);
    if (near.at == NULL || distance < near_distance) near = full, near_distance = distance;
    if (!kr_text_equal(full, probe)) continue;
    KrType type = kr_graph_type(graph, name->refs[0]);
    KrOutput output = {.flow = name->flow,
                       .label = name->name,
                       .kind = kind_of(flow, &type),
                       .refs = name->refs,
                       .columns = name->columns,
                       .n_refs = name->n_refs,
                       .events = KR_NONE,
                       .origin = flow->origin};
    for (uint32_t j = 0; j < graph->n_outputs; j++)
      if (graph->outputs[j].flow == output.flow &&
          kr_text_equal(graph->outputs[j].label, output.label))
        return;
    KR_PUSH(graph->arena, graph->outputs, graph->n_outputs, graph->cap_outputs, output);
    return;
  }
  const char *hint = suggest(graph->arena, near);
  kr_diagnose(&program->diagnostics, KR_ERROR, (KrSpan){0, 0, 0}, hint, "no stream `%t` to probe",
              probe);
}

static KrStatus elaborate(KrProgram *program) {
  const KrProgramOptions *given = &program->options;
  KrElabOptions options;
  kr_elab_defaults(&options);
  options.host = given->host;
  options.find_module = find_module;
  options.module_user = program;
  for (int i = 0; i < 4; i++) options.class_rate[i] = given->class_rate[i];
  options.has_seed = given->has_seed;
  options.seed = given->seed;
  options.stems = given->stems;
  options.lenient = given->lenient;
  options.sets = copy_settings(program, given->settings, given->n_settings);
  options.n_sets = given->n_settings;
  options.inputs = copy_settings(program, given->inputs, given->n_inputs);
  options.n_inputs = given->n_inputs;
  KR_TRY(kr_elaborate(program->ast, &options, &program->diagnostics, &program->arena,
                      &program->graph));
  return KR_OK;
}

KrStatus kr_program_elaborate(KrProgram *program) {
  program->n_repairs += kr_control_repair();
  KrStatus status = KR_OK;
  WITH_ESCAPE(program, {
    status = elaborate(program);
    for (uint32_t i = 0; status == KR_OK && i < program->options.n_probes; i++)
      add_probe(program, kr_text_from(program->options.probes[i]));
  });
  if (status == KR_OK && program->diagnostics.n_errors > 0) status = KR_ERROR_PROGRAM;
  return status;
}

KrStatus kr_program_plan_make(KrProgram *program) {
  program->n_repairs += kr_control_repair();
  KrPlanOptions options = {.span_ticks = program->options.span_ticks,
                           .step = program->options.step,
                           .level = program->options.level};
  KrGraphError error = {0};
  KrStatus status = KR_OK;
  WITH_ESCAPE(program, {
    status = kr_plan_make(&program->arena, program->graph, &options, &program->plan, &error);
    if (status == KR_ERROR_PROGRAM && error.message != NULL) report_graph_error(program, &error);
  });
  return status;
}

KrStatus kr_program_print_messages(KrProgram *program) {
  WITH_ESCAPE(program, {
    KrBuffer buffer;
    kr_buffer_init(&buffer, &program->arena);
    kr_buffer_print(&buffer, "%s", "");
    kr_diagnostics_print(&program->diagnostics, &buffer);
    program->messages = buffer.at;
  });
  return KR_OK;
}

KrStatus kr_program_load(const char *name, const char *text, size_t n_bytes,
                         const KrProgramOptions *options, KrProgram **program) {
  KR_TRY(kr_program_new(name, text, n_bytes, options, program));
  KrStatus status = kr_program_parse(*program);
  if (status == KR_OK) status = kr_program_elaborate(*program);
  if (status == KR_OK) status = kr_program_plan_make(*program);
  KR_TRY(kr_program_print_messages(*program));
  return status;
}

const char *kr_program_messages(const KrProgram *program) { return program->messages; }

KrDigest kr_program_structure_hash(const KrProgram *program) {
  return kr_graph_hash_structure(program->graph);
}

KrDigest kr_program_hash(const KrProgram *program) { return kr_graph_hash_program(program->graph); }

const char *kr_program_plan(const KrProgram *program, bool json) {
  // The text is made on demand in the program's own arena; the program itself does not change.
  KrArena *arena = program->graph->arena;
  KrBuffer buffer;
  kr_buffer_init(&buffer, arena);
  if (json)
    kr_plan_print_json(program->plan, &buffer);
  else
    kr_plan_print(program->plan, &buffer);
  return buffer.at;
}

KrRatio kr_program_duration(const KrProgram *program) {
  const KrGraph *graph = program->graph;
  if (graph->has_duration) return graph->duration;
  KrRatio end = {-1, 1}, total;
  if (graph->last_event.den > 0) end = graph->last_event;
  for (uint32_t i = 0; i < graph->n_inputs; i++) {
    const KrAssetAudio *audio = graph->inputs[i].audio;
    if (audio == NULL || audio->n_frames > INT64_MAX) continue;
    KrStatus status = kr_ratio_make((int64_t)audio->n_frames, audio->rate_hz, &total);
    if (status == KR_OK && kr_ratio_compare(total, end) > 0) end = total;
  }
  for (uint32_t i = 0; i < graph->n_flows; i++) {
    const KrFlow *flow = &graph->flows[i];
    if (flow->n_steps < 0 || kr_clock_time(&flow->clock, flow->n_steps, &total) != KR_OK) continue;
    if (kr_ratio_compare(total, end) > 0) end = total;
  }
  if (end.num < 0) return KR_RATIO_ZERO;
  KrRatio release = graph->longest_release.den > 0 ? graph->longest_release : KR_RATIO_ZERO;
  return kr_ratio_add(end, release, &total) == KR_OK ? total : KR_RATIO_ZERO;
}

uint32_t kr_program_outputs(const KrProgram *program) { return program->graph->n_outputs; }

const char *kr_output_name(const KrGraph *graph, const KrOutput *output, KrArena *arena) {
  KrText flow = output->flow != KR_NONE ? graph->flows[output->flow].name : KR_TEXT("program");
  if (output->name.n > 0) return kr_text_string(arena, output->name);
  if (output->label.n == 0) return kr_text_string(arena, flow);
  return kr_text_print(arena, "%t.%t", flow, output->label);
}

KrOutputInfo kr_program_output(const KrProgram *program, uint32_t index) {
  KrGraph *graph = program->graph;
  const KrOutput *output = &graph->outputs[index];
  KrOutputInfo info = {.name = kr_output_name(graph, output, graph->arena),
                       .type = (KrOutputType)output->kind,
                       .rate = KR_RATIO_ZERO,
                       .n_columns = output->n_refs};
  if (output->flow != KR_NONE)
    kr_ratio_div(KR_RATIO_ONE, graph->flows[output->flow].clock.dt, &info.rate);
  if (output->kind == KR_OUTPUT_PICTURES) {
    KrType type = kr_graph_type(graph, output->refs[0]);
    info.width = type.dim[0];
    info.height = type.dim[1];
  }
  return info;
}

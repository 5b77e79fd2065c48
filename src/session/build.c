// The builder: calls to graph nodes, with the checks the language would make.
#include "kairo/build.h"
#include "base/number.h"
#include "session/program.h"
#include <stdlib.h>
#include <string.h>

struct KrBuilder {
  KrProgram *program; ///< owns the arena the graph lives in
  KrGraph *graph;
  KrStatus status;
  const char *error;
  jmp_buf escape;
};

// A native operator is a registry row of its own; prepare leaves its address in the last field.
typedef struct NativeOp {
  KrOp op;
  KrNative native;
  KrRatio dt;
} NativeOp;

static const KrStream no_stream = {KR_NONE, 0};

static void fail(KrBuilder *builder, KrStatus status, const char *format, ...) {
  if (builder->status != KR_OK) return;
  KrBuffer buffer;
  va_list args;
  kr_buffer_init(&buffer, builder->graph->arena);
  va_start(args, format);
  kr_buffer_vprint(&buffer, format, args);
  va_end(args);
  builder->status = status;
  builder->error = buffer.at;
}

// Opens a call: false when an earlier one failed. Memory that runs out ends the call.
#define BEGIN(builder, nothing)                                                                    \
  if ((builder)->status != KR_OK) return nothing;                                                  \
  if (setjmp((builder)->escape) != 0) {                                                            \
    (builder)->status = KR_ERROR_MEMORY;                                                           \
    (builder)->error = kr_status_text(KR_ERROR_MEMORY);                                            \
    return nothing;                                                                                \
  }                                                                                                \
  (builder)->graph->arena->escape = &(builder)->escape

KrStatus kr_builder_new(KrBuilder **result) {
  KrBuilder *builder = calloc(1, sizeof *builder);
  KrProgramOptions options;
  kr_program_defaults(&options);
  if (builder == NULL) return KR_ERROR_MEMORY;
  if (kr_program_new("<built>", "", 0, &options, &builder->program) != KR_OK ||
      (builder->graph = kr_graph_new(&builder->program->arena)) == NULL) {
    kr_builder_free(builder);
    return KR_ERROR_MEMORY;
  }
  builder->program->graph = builder->graph;
  builder->graph->last_event = (KrRatio){-1, 1};
  *result = builder;
  return KR_OK;
}

void kr_builder_free(KrBuilder *builder) {
  if (builder == NULL) return;
  kr_program_free(builder->program);
  free(builder);
}

const char *kr_builder_error(const KrBuilder *builder) { return builder->error; }

void kr_builder_seed(KrBuilder *builder, uint64_t seed) { builder->graph->seed = seed; }

static bool has_flow(KrBuilder *builder, uint32_t flow) {
  if (flow < builder->graph->n_flows) return true;
  fail(builder, KR_ERROR_ARGUMENT, "no flow %u", flow);
  return false;
}

static bool has_stream(KrBuilder *builder, KrStream stream) {
  KrGraph *graph = builder->graph;
  if (stream.node < graph->n_nodes && stream.port < graph->nodes[stream.node].n_out) return true;
  fail(builder, KR_ERROR_ARGUMENT, "no such stream");
  return false;
}

uint32_t kr_builder_flow(KrBuilder *builder, const KrFlowSettings *settings) {
  static const KrRatio defaults[] = {{1, 48000}, {1, 100}, {1, 60}, {0, 1}};
  BEGIN(builder, KR_NONE);
  KrGraph *graph = builder->graph;
  if (settings->rate > KR_RATE_SIM || settings->name == NULL) {
    fail(builder, KR_ERROR_ARGUMENT, "a flow needs a name and a rate class");
    return KR_NONE;
  }
  KrRatio dt = settings->dt.num == 0 ? defaults[settings->rate] : settings->dt;
  KrRatio phase = settings->phase.den == 0 ? KR_RATIO_ZERO : settings->phase;
  if (dt.num <= 0 || dt.den <= 0 || phase.num < 0) {
    fail(builder, KR_ERROR_ARGUMENT, "flow `%s`: dt must be above 0 and phase at least 0",
         settings->name);
    return KR_NONE;
  }
  KrFlow flow = {.name = kr_text_from(kr_text_string(graph->arena, kr_text_from(settings->name))),
                 .cls = (KrRateClass)settings->rate,
                 .clock = {dt, phase},
                 .real = settings->is_f64 ? KR_ELEM_F64 : KR_ELEM_F32,
                 .substeps = settings->substeps > 1 ? settings->substeps : 1,
                 .n_steps = -1};
  for (uint32_t i = 0; i < graph->n_flows; i++)
    if (kr_text_equal(graph->flows[i].name, flow.name))
      fail(builder, KR_ERROR_ARGUMENT, "two flows are called `%s`", settings->name);
  KR_PUSH(graph->arena, graph->flows, graph->n_flows, graph->cap_flows, flow);
  return graph->n_flows - 1;
}

static KrStream add(KrBuilder *builder, KrNode *node) {
  if (builder->status != KR_OK) return no_stream;
  return (KrStream){kr_graph_add_node(builder->graph, node), 0};
}

static KrType real_type(const KrBuilder *builder, uint32_t flow) {
  return KR_TYPE_SCALAR(builder->graph->flows[flow].real);
}

static KrConst real_constant(KrRatio value, KrElem elem) {
  KrConst c = {.elem = elem};
  uint64_t magnitude = value.num < 0 ? 0 - (uint64_t)value.num : (uint64_t)value.num;
  if (elem == KR_ELEM_F32)
    c.as.f32 =
        kr_wide_to_f32(value.num < 0, (KrU128){magnitude, 0}, (KrU128){(uint64_t)value.den, 0});
  else
    c.as.f64 =
        kr_wide_to_f64(value.num < 0, (KrU128){magnitude, 0}, (KrU128){(uint64_t)value.den, 0});
  return c;
}

static KrStream add_constant(KrBuilder *builder, uint32_t flow, KrRatio value) {
  KrType type = real_type(builder, flow);
  return add(builder, &(KrNode){.kind = KR_NODE_CONST,
                                .flow = flow,
                                .type = type,
                                .n_out = 1,
                                .value = real_constant(value, type.elem)});
}

KrStream kr_builder_constant(KrBuilder *builder, uint32_t flow, KrRatio value) {
  BEGIN(builder, no_stream);
  if (!has_flow(builder, flow)) return no_stream;
  return add_constant(builder, flow, value);
}

KrStream kr_builder_time(KrBuilder *builder, uint32_t flow) {
  BEGIN(builder, no_stream);
  if (!has_flow(builder, flow)) return no_stream;
  return add(
      builder,
      &(KrNode){.kind = KR_NODE_TIME, .flow = flow, .type = real_type(builder, flow), .n_out = 1});
}

// `name#ordinal` below the flow, so that state is found again.
static KrText make_path(KrBuilder *builder, uint32_t flow, const char *name) {
  KrGraph *graph = builder->graph;
  return kr_text_from(
      kr_text_print(graph->arena, "%t/%s#%u", graph->flows[flow].name, name, graph->n_nodes));
}

// Default of a port as written in its row: a number with one of the units defaults use, in base
// units.
static bool read_preset(const char *preset, KrRatio *value) {
  static const struct {
    const char *unit;
    KrRatio scale;
  } units[] = {{"ms", {1, 1000}}, {"us", {1, 1000000}}, {"kHz", {1000, 1}}, {"Hz", {1, 1}},
               {"dB", {1, 1}},    {"s", {1, 1}},        {"turns", {1, 1}},  {"", {1, 1}}};
  size_t n = strspn(preset, "-0123456789.e");
  bool exact, negative = preset[0] == '-';
  double unused;
  if (!kr_number_parse((KrText){preset + negative, n - negative}, &exact, &value->num, &value->den,
                       &unused) ||
      !exact)
    return false;
  if (negative) value->num = -value->num;
  for (size_t i = 0; i < sizeof units / sizeof *units; i++)
    if (strcmp(preset + n, units[i].unit) == 0)
      return kr_ratio_mul(*value, units[i].scale, value) == KR_OK;
  return false;
}

static bool find_word(const char *choices, const char *word, uint32_t *index) {
  size_t n = strlen(word);
  *index = 0;
  for (const char *at = choices; at != NULL; at = strchr(at, '|')) {
    if (*at == '|') {
      at++;
      ++*index;
    }
    if (strncmp(at, word, n) == 0 && (at[n] == '|' || at[n] == '\0')) return true;
  }
  return false;
}

// What port `i` was given: by name, else by place among the unnamed.
static const KrArgument *find_argument(const KrOp *op, uint32_t i, const KrArgument *args,
                                       uint32_t n_args) {
  for (uint32_t a = 0; a < n_args; a++) {
    if (args[a].name == NULL ? a == i : strcmp(args[a].name, op->in[i].name) == 0) return &args[a];
  }
  return NULL;
}

static void give_constant(KrBuilder *builder, KrNode *node, KrPortValue *value, const KrPort *port,
                          KrRatio number) {
  KrConst c = real_constant(number, KR_ELEM_F64);
  *value = (KrPortValue){.kind = KR_VALUE_CONST, .exact = true, .ratio = number, .value = c.as.f64};
  if (port->kind == KR_PORT_CONST) return;
  KrStream stream = add_constant(builder, node->flow, number);
  node->in[node->n_in++] = (KrRef){stream.node, 0};
  if (port->kind == KR_PORT_GATE)
    for (int i = 0; i < 3; i++) node->in[node->n_in++] = (KrRef){KR_NONE, 0};
}

static void give_stream(KrBuilder *builder, KrNode *node, KrPortValue *value, const KrPort *port,
                        KrStream stream) {
  if (!has_stream(builder, stream)) return;
  const KrNode *source = &builder->graph->nodes[stream.node];
  *value = (KrPortValue){.kind = KR_VALUE_STREAM, .type = source->type};
  bool scalar = port->kind == KR_PORT_SIGNAL || port->kind == KR_PORT_GATE;
  if (source->flow != node->flow)
    fail(builder, KR_ERROR_ARGUMENT, "`%s` of `%s` is a stream of another flow; cross it first",
         port->name, node->op->name);
  else if (scalar && (source->type.shape != KR_SHAPE_SCALAR || source->type.elem != node->elem))
    fail(builder, KR_ERROR_ARGUMENT, "`%s` of `%s` has another type than the flow", port->name,
         node->op->name);
  node->in[node->n_in++] = (KrRef){stream.node, stream.port};
  if (port->kind == KR_PORT_GATE)
    for (int i = 0; i < 3; i++) node->in[node->n_in++] = (KrRef){KR_NONE, 0};
}

static void give_port(KrBuilder *builder, KrNode *node, uint32_t i, const KrArgument *given) {
  const KrPort *port = &node->op->in[i];
  KrPortValue *value = &node->port[i];
  const char *word = given != NULL ? given->word : port->preset;
  KrRatio number;
  if (given == NULL && port->preset == NULL) {
    fail(builder, KR_ERROR_ARGUMENT, "`%s` needs `%s`", node->op->name, port->name);
  } else if (port->kind == KR_PORT_CHOICE) {
    *value = (KrPortValue){.kind = KR_VALUE_CHOICE};
    if (word == NULL || !find_word(port->choices, word, &value->choice))
      fail(builder, KR_ERROR_ARGUMENT, "`%s` of `%s` is one of %s", port->name, node->op->name,
           port->choices);
  } else if (given != NULL && !given->is_constant && given->word == NULL) {
    give_stream(builder, node, value, port, given->stream);
  } else if (given != NULL && given->is_constant) {
    give_constant(builder, node, value, port, given->constant);
  } else if (given == NULL && read_preset(port->preset, &number)) {
    give_constant(builder, node, value, port, number);
  } else {
    fail(builder, KR_ERROR_ARGUMENT, "`%s` of `%s` cannot be given by calls", port->name,
         node->op->name);
  }
}

static KrStream add_op(KrBuilder *builder, uint32_t flow, const KrOp *op, KrNode *node) {
  const char *message = NULL;
  node->type = real_type(builder, flow);
  node->n_out = kr_op_outs(op);
  KrPrep prep = {.op = op,
                 .elem = node->elem,
                 .dt = builder->graph->flows[flow].clock.dt,
                 .port = node->port,
                 .type = node->type,
                 .seed = builder->graph->seed,
                 .path = node->path,
                 .lanes = 1,
                 .arena = builder->graph->arena};
  if (builder->status == KR_OK && op->type != NULL &&
      op->type(&prep, &node->type, &message) != KR_OK)
    fail(builder, KR_ERROR_ARGUMENT, "`%s`: %s", op->name,
         message != NULL ? message : "wrong types");
  return add(builder, node);
}

KrStream kr_builder_op(KrBuilder *builder, uint32_t flow, const char *name, const KrArgument *args,
                       uint32_t n_args) {
  BEGIN(builder, no_stream);
  KrGraph *graph = builder->graph;
  const KrOp *op = kr_registry_find(kr_text_from(name), 0);
  if (!has_flow(builder, flow)) return no_stream;
  if (op == NULL || op->core != KR_CORE_NONE || op->run[graph->flows[flow].real] == NULL) {
    fail(builder, KR_ERROR_ARGUMENT,
         op == NULL ? "no operator `%s`" : "`%s` is not made by kr_builder_op", name);
    return no_stream;
  }
  KrNode node = {.kind = KR_NODE_OP,
                 .flow = flow,
                 .op = op,
                 .elem = graph->flows[flow].real,
                 .path = make_path(builder, flow, name)};
  node.in = KR_NEW_ARRAY(graph->arena, KrRef, 4 * KR_MAX_PORTS);
  node.port = KR_NEW_ARRAY(graph->arena, KrPortValue, KR_MAX_PORTS);
  for (uint32_t a = 0; a < n_args; a++) {
    uint32_t i = 0;
    while (args[a].name != NULL && i < kr_op_ports(op) && strcmp(args[a].name, op->in[i].name) != 0)
      i++;
    if (i == kr_op_ports(op) || (args[a].name == NULL && a >= kr_op_ports(op)))
      fail(builder, KR_ERROR_ARGUMENT, "`%s` has no port for argument %u", name, a + 1);
  }
  for (uint32_t i = 0; i < kr_op_ports(op) && builder->status == KR_OK; i++)
    give_port(builder, &node, i, find_argument(op, i, args, n_args));
  return add_op(builder, flow, op, &node);
}

// Held inputs are spread out, so that the callback sees n elements everywhere.
#define DEFINE_NATIVE(Type, f)                                                                     \
  static void run_native_##f(const KrCall *call) {                                                 \
    const NativeOp *self;                                                                          \
    Type spread[KR_MAX_PORTS][KR_TILE];                                                            \
    const void *in[KR_MAX_PORTS];                                                                  \
    memcpy(&self, call->field[0], sizeof self);                                                    \
    for (uint32_t i = 0; i < self->native.n_inputs; i++) {                                         \
      in[i] = call->in[i];                                                                         \
      if (kr_call_stride(call, i) != 0) continue;                                                  \
      for (uint32_t t = 0; t < call->n; t++) spread[i][t] = *(const Type *)call->in[i];            \
      in[i] = spread[i];                                                                           \
    }                                                                                              \
    KrNativeCall native = {.n = call->n,                                                           \
                           .tick = call->tick,                                                     \
                           .dt = self->dt,                                                         \
                           .is_f64 = sizeof(Type) == 8,                                            \
                           .in = in,                                                               \
                           .out = call->out,                                                       \
                           .field = call->field + 1};                                              \
    self->native.run(self->native.user, &native);                                                  \
  }
DEFINE_NATIVE(float, f32)
DEFINE_NATIVE(double, f64)

static KrStatus prepare_native(const KrPrep *prep, const char **message) {
  const NativeOp *self = (const NativeOp *)(const void *)prep->op;
  (void)message;
  if (prep->lanes != 1) return KR_ERROR_UNAVAILABLE;
  memcpy(prep->field[0], &self, sizeof self);
  return KR_OK;
}

KrStream kr_builder_native(KrBuilder *builder, uint32_t flow, const KrNative *native,
                           const KrStream *inputs, uint32_t n_inputs) {
  BEGIN(builder, no_stream);
  KrGraph *graph = builder->graph;
  if (!has_flow(builder, flow)) return no_stream;
  if (native->run == NULL || native->name == NULL || native->n_inputs != n_inputs ||
      n_inputs >= KR_MAX_PORTS || native->n_outputs < 1 || native->n_outputs > KR_MAX_OUTS ||
      native->n_fields >= KR_MAX_FIELDS) {
    fail(builder, KR_ERROR_ARGUMENT,
         "native operator: name, callback or number of ports and fields is wrong");
    return no_stream;
  }
  NativeOp *self = KR_NEW(graph->arena, NativeOp);
  self->native = *native;
  self->native.name = kr_text_string(graph->arena, kr_text_from(native->name));
  kr_ratio_div(graph->flows[flow].clock.dt, kr_ratio_of(graph->flows[flow].substeps), &self->dt);
  KrOp *op = &self->op;
  op->name = self->native.name;
  op->family = "native";
  op->doc = "a native operator";
  for (uint32_t i = 0; i < n_inputs; i++)
    op->in[i] = (KrPort){.name = kr_text_print(graph->arena, "in%u", i), .kind = KR_PORT_SIGNAL};
  for (uint32_t i = 0; i < native->n_outputs; i++)
    op->out[i] = kr_text_print(graph->arena, "out%u", i);
  op->field[0] = (KrField){"self", KR_ELEM_U64, 1, KR_FIELD_COEF};
  for (uint32_t i = 0; i < native->n_fields; i++) {
    if (native->fields[i].n == 0)
      fail(builder, KR_ERROR_ARGUMENT, "native operator `%s`: a field of no elements", op->name);
    op->field[1 + i] = (KrField){kr_text_string(graph->arena, kr_text_from(native->fields[i].name)),
                                 KR_ELEM_CALL, native->fields[i].n, KR_FIELD_STATE};
  }
  op->run[KR_ELEM_F32] = run_native_f32;
  op->run[KR_ELEM_F64] = run_native_f64;
  op->prepare = prepare_native;
  KrNode node = {.kind = KR_NODE_OP,
                 .flow = flow,
                 .op = op,
                 .elem = graph->flows[flow].real,
                 .path = make_path(builder, flow, op->name)};
  node.in = KR_NEW_ARRAY(graph->arena, KrRef, n_inputs);
  node.port = KR_NEW_ARRAY(graph->arena, KrPortValue, n_inputs + 1);
  for (uint32_t i = 0; i < n_inputs && builder->status == KR_OK; i++)
    give_stream(builder, &node, &node.port[i], &op->in[i], inputs[i]);
  return add_op(builder, flow, op, &node);
}

KrStream kr_builder_port(KrBuilder *builder, KrStream stream, uint32_t port) {
  BEGIN(builder, no_stream);
  stream.port = port;
  return has_stream(builder, stream) ? stream : no_stream;
}

KrStream kr_builder_cross(KrBuilder *builder, uint32_t flow, KrStream source, const char *mode) {
  BEGIN(builder, no_stream);
  if (!has_flow(builder, flow) || !has_stream(builder, source)) return no_stream;
  const KrNode *from = &builder->graph->nodes[source.node];
  const KrFlow *reader = &builder->graph->flows[flow], *writer = &builder->graph->flows[from->flow];
  KrNode node = {.kind = KR_NODE_READ,
                 .flow = flow,
                 .type = from->type,
                 .n_out = 1,
                 .source = {source.node, source.port}};
  if (mode != NULL) {
    uint32_t index;
    if (!find_word("nearest|linear|cubic|sinc", mode, &index))
      fail(builder, KR_ERROR_ARGUMENT, "no mode `%s`; there are nearest, linear, cubic, sinc",
           mode);
    else if (from->type.shape != KR_SHAPE_SCALAR && index > 0)
      fail(builder, KR_ERROR_ARGUMENT, "mode `%s` takes numbers; use nearest", mode);
    node.kind = KR_NODE_CROSS;
    node.mode = (KrMode)index;
    if (from->type.shape == KR_SHAPE_SCALAR) node.type = real_type(builder, flow);
  } else if (kr_ratio_compare(reader->clock.dt, writer->clock.dt) != 0 ||
             kr_ratio_compare(reader->clock.phase, writer->clock.phase) != 0) {
    fail(builder, KR_ERROR_ARGUMENT, "flows `%t` and `%t` do not tick together; give a mode",
         reader->name, writer->name);
  } else if (from->type.shape == KR_SHAPE_SCALAR && from->type.elem != reader->real) {
    fail(builder, KR_ERROR_ARGUMENT,
         "flows `%t` and `%t` have different real types; give mode `nearest`", reader->name,
         writer->name);
  }
  return add(builder, &node);
}

KrStream kr_builder_prev(KrBuilder *builder, uint32_t flow, KrRatio init) {
  BEGIN(builder, no_stream);
  if (!has_flow(builder, flow)) return no_stream;
  KrType type = real_type(builder, flow);
  KrNode node = {.kind = KR_NODE_PREV,
                 .flow = flow,
                 .type = type,
                 .n_out = 1,
                 .value = real_constant(init, type.elem),
                 .path = make_path(builder, flow, "prev")};
  node.in = KR_NEW_ARRAY(builder->graph->arena, KrRef, 1);
  node.in[0] = (KrRef){KR_NONE, 0};
  node.n_in = 1;
  return add(builder, &node);
}

void kr_builder_feed(KrBuilder *builder, KrStream prev, KrStream value) {
  BEGIN(builder, );
  if (!has_stream(builder, prev) || !has_stream(builder, value)) return;
  KrNode *node = &builder->graph->nodes[prev.node];
  const KrNode *source = &builder->graph->nodes[value.node];
  if (node->kind != KR_NODE_PREV || source->flow != node->flow ||
      !kr_type_equal(&source->type, &node->type))
    fail(builder, KR_ERROR_ARGUMENT, "prev takes a stream of its own flow and type");
  else
    node->in[0] = (KrRef){value.node, value.port};
}

void kr_builder_output(KrBuilder *builder, uint32_t flow, const char *label,
                       const KrStream *streams, uint32_t n) {
  BEGIN(builder, );
  KrGraph *graph = builder->graph;
  if (!has_flow(builder, flow)) return;
  if (n == 0) fail(builder, KR_ERROR_ARGUMENT, "an output needs a stream");
  KrOutput output = {.flow = flow, .events = KR_NONE, .n_refs = n};
  output.label = label != NULL ? kr_text_from(kr_text_string(graph->arena, kr_text_from(label)))
                               : (KrText){"", 0};
  output.refs = KR_NEW_ARRAY(graph->arena, KrRef, n);
  output.columns = KR_NEW_ARRAY(graph->arena, KrText, n);
  for (uint32_t i = 0; i < n; i++) {
    if (!has_stream(builder, streams[i])) return;
    if (graph->nodes[streams[i].node].flow != flow)
      fail(builder, KR_ERROR_ARGUMENT, "flow `%t` puts out a stream of another flow",
           graph->flows[flow].name);
    output.refs[i] = (KrRef){streams[i].node, streams[i].port};
    if (n > 1) output.columns[i] = kr_text_from(kr_text_print(graph->arena, "%u", i));
  }
  if (builder->status != KR_OK) return;
  KrType type = kr_graph_type(graph, output.refs[0]);
  bool sound = graph->flows[flow].cls == KR_CLASS_AUDIO && graph->flows[flow].clock.dt.num == 1 &&
               type.shape == KR_SHAPE_SCALAR && kr_elem_is_real(type.elem);
  output.kind = type.shape == KR_SHAPE_IMAGE ? KR_OUTPUT_PICTURES
                : sound                      ? KR_OUTPUT_AUDIO
                                             : KR_OUTPUT_NUMBERS;
  KR_PUSH(graph->arena, graph->outputs, graph->n_outputs, graph->cap_outputs, output);
}

static void check_prevs(KrBuilder *builder) {
  const KrGraph *graph = builder->graph;
  for (uint32_t i = 0; i < graph->n_nodes; i++)
    if (graph->nodes[i].kind == KR_NODE_PREV && graph->nodes[i].in[0].node == KR_NONE)
      fail(builder, KR_ERROR_ARGUMENT, "a prev was never fed");
}

KrStatus kr_builder_finish(KrBuilder *builder, const KrProgramOptions *options, KrProgram **result,
                           char *error) {
  *result = NULL;
  if (builder->status == KR_OK) check_prevs(builder);
  KrStatus status = builder->status;
  if (status != KR_OK) {
    size_t n = strlen(builder->error) < 255 ? strlen(builder->error) : 255;
    if (error != NULL) {
      memcpy(error, builder->error, n);
      error[n] = '\0';
    }
    kr_builder_free(builder);
    return status;
  }
  KrProgram *program = builder->program;
  free(builder);
  if (options != NULL) program->options = *options;
  status = kr_program_plan_make(program);
  KrStatus printed = kr_program_print_messages(program);
  *result = program;
  return status != KR_OK ? status : printed;
}

// How the registry prints itself: signature, sentence, ports with unit, default and range.
#include "ops/manual.h"
#include <string.h>

static const char *kind_text(KrPortKind kind) {
  switch (kind) {
  case KR_PORT_SIGNAL: return "signal";
  case KR_PORT_INT: return "integer";
  case KR_PORT_BOOL: return "bool";
  case KR_PORT_GATE: return "gate";
  case KR_PORT_CONST: return "constant";
  case KR_PORT_CHOICE: return "word";
  case KR_PORT_TEXT: return "string";
  case KR_PORT_POINTS: return "list";
  case KR_PORT_ASSET: return "file";
  case KR_PORT_VECTOR: return "vector";
  case KR_PORT_SPECTRUM: return "spectrum";
  case KR_PORT_IMAGE: return "picture";
  case KR_PORT_FIELD: return "field";
  case KR_PORT_STREAM: return "stream";
  case KR_PORT_EVENTS: return "events";
  case KR_PORT_ANY: return "any";
  }
  return "";
}

static void put_signature(KrBuffer *out, const KrOp *op) {
  kr_buffer_print(out, "%s(", op->name);
  for (uint32_t i = 0; i < kr_op_ports(op); i++) {
    const KrPort *port = &op->in[i];
    kr_buffer_print(out, "%s%s", i > 0 ? ", " : "", port->name);
    if (port->preset != NULL) kr_buffer_print(out, "=%s", port->preset);
  }
  kr_buffer_print(out, ")");
  if (kr_op_outs(op) < 2) return;
  for (uint32_t i = 0; i < kr_op_outs(op); i++)
    kr_buffer_print(out, "%s%s", i > 0 ? ", " : " -> (", op->out[i]);
  kr_buffer_print(out, ")");
}

// `Hz, 0..20000, default 440Hz` without what the port does not say.
static void put_limits(KrBuffer *out, const KrPort *port) {
  const char *between = "";
  if (port->choices != NULL && port->kind == KR_PORT_CHOICE) {
    kr_buffer_print(out, "%s", port->choices);
    between = ", ";
  }
  if (port->unit != NULL && port->unit[0] != 0) {
    kr_buffer_print(out, "%s%s", between, port->unit);
    between = ", ";
  }
  if (port->range != NULL) {
    kr_buffer_print(out, "%s%s", between, port->range);
    between = ", ";
  }
  if (port->preset != NULL) kr_buffer_print(out, "%sdefault %s", between, port->preset);
}

static void put_text(KrBuffer *out, const KrOp *op) {
  put_signature(out, op);
  kr_buffer_print(out, "\n    %s.\n", op->doc);
  for (uint32_t i = 0; i < kr_op_ports(op); i++) {
    const KrPort *port = &op->in[i];
    kr_buffer_print(out, "      %s: %s", port->name, port->doc);
    KrBuffer limits;
    kr_buffer_init(&limits, out->arena);
    put_limits(&limits, port);
    if (limits.n > 0) kr_buffer_print(out, " (%t)", (KrText){limits.at, limits.n});
    kr_buffer_print(out, "\n");
  }
}

// Bars would end a table's cell.
static void put_cell(KrBuffer *out, KrText text) {
  for (size_t i = 0; i < text.n; i++) {
    if (text.at[i] == '|') kr_buffer_put(out, "\\", 1);
    kr_buffer_put(out, &text.at[i], 1);
  }
}

bool kr_op_has_plot(const KrOp *op) {
  if (op->core != KR_CORE_NONE || (op->flags & KR_OP_OPERATOR) != 0) return false;
  if (kr_registry_find(kr_text_from(op->name), 0) != op) return false;
  for (uint32_t i = 0; i < kr_op_ports(op); i++)
    if (op->in[i].kind > KR_PORT_ASSET) return false;
  return op->type == NULL || strcmp(op->family, "control") == 0; // counter's is a whole number
}

static void put_markdown(KrBuffer *out, const KrOp *op) {
  kr_buffer_print(out, "### `");
  put_signature(out, op);
  kr_buffer_print(out, "`\n\n%s.\n\n", op->doc);
  if (kr_op_has_plot(op))
    kr_buffer_print(out, "![What `%s` does](operators/%s.png)\n\n", op->name, op->name);
  if (kr_op_ports(op) == 0) return;
  kr_buffer_print(out, "| argument | kind | unit, range, default | meaning |\n|---|---|---|---|\n");
  for (uint32_t i = 0; i < kr_op_ports(op); i++) {
    const KrPort *port = &op->in[i];
    KrBuffer limits;
    kr_buffer_init(&limits, out->arena);
    put_limits(&limits, port);
    kr_buffer_print(out, "| `%s` | %s | ", port->name, kind_text(port->kind));
    put_cell(out, (KrText){limits.at, limits.n});
    kr_buffer_print(out, " | ");
    put_cell(out, kr_text_from(port->doc));
    kr_buffer_print(out, " |\n");
  }
  kr_buffer_print(out, "\n");
}

static void put_string(KrBuffer *out, const char *name, const char *text) {
  if (text == NULL) return;
  kr_buffer_print(out, ",\"%s\":\"", name);
  for (const char *c = text; *c != 0; c++) {
    if (*c == '"' || *c == '\\') kr_buffer_put(out, "\\", 1);
    kr_buffer_put(out, c, 1);
  }
  kr_buffer_put(out, "\"", 1);
}

static void put_json(KrBuffer *out, const KrOp *op, bool first) {
  kr_buffer_print(out, "%s\n{\"name\":\"%s\"", first ? "" : ",", op->name);
  put_string(out, "family", op->family);
  put_string(out, "doc", op->doc);
  kr_buffer_print(out, ",\"in\":[");
  for (uint32_t i = 0; i < kr_op_ports(op); i++) {
    const KrPort *port = &op->in[i];
    kr_buffer_print(out, "%s{\"name\":\"%s\"", i > 0 ? "," : "", port->name);
    put_string(out, "kind", kind_text(port->kind));
    put_string(out, "unit", port->unit);
    put_string(out, "default", port->preset);
    put_string(out, "choices", port->choices);
    put_string(out, "range", port->range);
    put_string(out, "doc", port->doc);
    kr_buffer_put(out, "}", 1);
  }
  kr_buffer_print(out, "],\"out\":[");
  for (uint32_t i = 0; i < KR_MAX_OUTS && op->out[i] != NULL; i++)
    kr_buffer_print(out, "%s\"%s\"", i > 0 ? "," : "", op->out[i]);
  kr_buffer_print(out, "]}");
}

static bool is_wanted(const KrOp *op, const char *name) {
  if (name == NULL) return (op->flags & KR_OP_OPERATOR) == 0 && op->core != KR_CORE_LATER;
  return kr_text_is(kr_text_from(name), op->name);
}

static void put_op(KrBuffer *out, const KrOp *op, KrManualFormat format, bool first) {
  switch (format) {
  case KR_MANUAL_TEXT: put_text(out, op); break;
  case KR_MANUAL_MARKDOWN: put_markdown(out, op); break;
  case KR_MANUAL_JSON: put_json(out, op, first); break;
  }
}

static void put_heading(KrBuffer *out, const char *family, KrManualFormat format) {
  if (format == KR_MANUAL_TEXT) kr_buffer_print(out, "%s%s\n\n", out->n > 0 ? "\n" : "", family);
  if (format == KR_MANUAL_MARKDOWN) kr_buffer_print(out, "## %s\n\n", family);
}

static const char outside[] =
    "Outside of its range an argument breaks nothing: times, cutoffs, amounts, feedbacks and the "
    "like count as the nearest value in it (a negative time as 0); an oscillator above half the "
    "rate folds back, as every sampled tone does, a constant one with a warning. What is not "
    "finite is never kept: whatever comes in, the output is finite again in the tick after the "
    "last of it (`sample_and_hold` at its next trigger). What is huge but finite rings out like "
    "any sound. Modulation at audio rate makes no filter and no loop grow; a `biquad` alone is as "
    "stable as its coefficients.\n\n";

bool kr_registry_print(KrBuffer *out, const char *name, KrManualFormat format) {
  uint32_t n_families, n_printed = 0;
  const KrFamily *families = kr_registry_families(&n_families);
  if (format == KR_MANUAL_MARKDOWN && name == NULL)
    kr_buffer_print(out,
                    "# Operators\n\nGenerated from the registry (`kairo ops`). The signal comes "
                    "first; arguments have the unit shown when they are bare numbers.\n\n%s",
                    outside);
  if (format == KR_MANUAL_JSON) kr_buffer_put(out, "[", 1);
  const char *heading = "";
  for (uint32_t f = 0; f < n_families; f++)
    for (uint32_t i = 0; i < families[f].n; i++) {
      const KrOp *op = &families[f].ops[i];
      if (!is_wanted(op, name)) continue;
      if (name == NULL && !kr_text_is(kr_text_from(heading), op->family))
        put_heading(out, heading = op->family, format);
      put_op(out, op, format, n_printed++ == 0);
    }
  if (format == KR_MANUAL_JSON) kr_buffer_print(out, "\n]\n");
  return n_printed > 0;
}

/// Decides how mistakes are kept (once each) and shown (by place, with the line and a caret).
#include "lang/diagnostic.h"
#include "lang/place.h"
#include "lang/scan.h"
#include <string.h>

enum { WINDOW = 120, MARGIN = 40 }; ///< characters of a source line shown; before the caret

/// FNV-1a, 32 bits (Fowler, Noll, Vo).
static uint32_t mix(uint32_t hash, const void *at, size_t n) {
  const unsigned char *bytes = at;
  for (size_t i = 0; i < n; i++) hash = (hash ^ bytes[i]) * 16777619u;
  return hash;
}

static uint32_t hash_item(const KrDiagnostic *item) {
  uint32_t place[2] = {item->span.file, item->span.begin};
  return mix(mix(2166136261u, place, sizeof place), item->message, strlen(item->message));
}

/// Slot of the item in the index: its own, or an empty one (0).
static uint32_t *find_slot(KrDiagnostics *list, const KrDiagnostic *item) {
  uint32_t mask = list->n_slots - 1;
  for (uint32_t i = hash_item(item) & mask;; i = (i + 1) & mask) {
    if (list->slots[i] == 0) return &list->slots[i];
    const KrDiagnostic *other = &list->items[list->slots[i] - 1];
    if (other->span.file == item->span.file && other->span.begin == item->span.begin &&
        strcmp(other->message, item->message) == 0) {
      return &list->slots[i];
    }
  }
}

static void grow_slots(KrDiagnostics *list) {
  list->n_slots = list->n_slots == 0 ? 64 : list->n_slots * 2;
  list->slots = KR_NEW_ARRAY(list->arena, uint32_t, list->n_slots);
  for (uint32_t i = 0; i < list->n; i++) *find_slot(list, &list->items[i]) = i + 1;
}

void kr_diagnose(KrDiagnostics *list, KrSeverity severity, KrSpan span, const char *hint,
                 const char *format, ...) {
  KrBuffer message;
  va_list args;
  kr_buffer_init(&message, list->arena);
  va_start(args, format);
  kr_buffer_vprint(&message, format, args);
  va_end(args);
  KrDiagnostic item = {.severity = severity, .span = span, .call = list->call};
  item.message = message.at == NULL ? "" : message.at;
  item.has_call = list->has_call && span.file != list->call.file;
  if (list->n_slots < 2 * (list->n + 1)) grow_slots(list);
  uint32_t *slot = find_slot(list, &item);
  if (*slot != 0) return;
  if (hint != NULL) item.hint = kr_text_string(list->arena, kr_text_from(hint));
  KR_PUSH(list->arena, list->items, list->n, list->cap, item);
  *slot = list->n;
  if (severity == KR_ERROR) list->n_errors++;
}

static bool comes_after(const KrDiagnostic *a, const KrDiagnostic *b) {
  if (a->span.file != b->span.file) return a->span.file > b->span.file;
  return a->span.begin > b->span.begin;
}

/// Stable merge sort, bottom up; the result is in `order`.
static void sort_items(const KrDiagnostic **order, const KrDiagnostic **other, uint32_t n) {
  for (uint32_t width = 1; width < n; width *= 2) {
    for (uint32_t begin = 0; begin < n; begin += 2 * width) {
      uint32_t middle = n - begin < width ? n : begin + width;
      uint32_t end = n - middle < width ? n : middle + width;
      uint32_t i = begin, j = middle;
      for (uint32_t k = begin; k < end; k++) {
        bool right = i == middle || (j < end && comes_after(order[i], order[j]));
        other[k] = right ? order[j++] : order[i++];
      }
    }
    memcpy(order, other, n * sizeof *order);
  }
}

/// One character of a source line; what a terminal would not show as itself becomes U+FFFD.
static size_t put_character(KrBuffer *out, KrText line, size_t i) {
  unsigned length = kr_utf8_length(line.at, line.n, i);
  unsigned char c = (unsigned char)line.at[i];
  bool shown = length != 0 && ((c >= ' ' && c != 0x7F) || c == '\t');
  if (c == 0xC2 && length == 2 && (unsigned char)line.at[i + 1] < 0xA0) shown = false; // C1
  if (shown) {
    kr_buffer_put(out, line.at + i, length);
  } else {
    kr_buffer_put(out, "\xEF\xBF\xBD", 3);
  }
  return length == 0 ? 1 : length;
}

/// The line as far as it fits, and under it blanks (tabs kept), `^` and `~` over the span.
static void put_line(KrBuffer *out, KrText line, uint32_t column, size_t span_begin,
                     size_t n_span) {
  KrBuffer marks;
  kr_buffer_init(&marks, out->arena);
  size_t begin = span_begin;
  bool clipped = column > WINDOW - MARGIN;
  if (clipped) {
    for (unsigned k = 0; k < MARGIN && begin > 0; k++) {
      begin--;
      while (begin > 0 && ((unsigned char)line.at[begin] & 0xC0) == 0x80) begin--;
    }
    if (begin == 0) clipped = false;
  } else {
    begin = 0;
  }
  kr_buffer_print(out, "  %s", clipped ? "…" : "");
  kr_buffer_print(&marks, "  %s", clipped ? " " : "");
  unsigned n_shown = 0;
  size_t i = begin;
  while (i < line.n && n_shown++ < WINDOW) {
    if (i < span_begin) {
      kr_buffer_put(&marks, line.at[i] == '\t' ? "\t" : " ", 1);
    } else if (i > span_begin && i < span_begin + n_span) {
      kr_buffer_put(&marks, "~", 1);
    } else if (i == span_begin) {
      kr_buffer_put(&marks, "^", 1);
    }
    i += put_character(out, line, i);
  }
  if (i < line.n) kr_buffer_print(out, "…");
  if (span_begin >= line.n) kr_buffer_put(&marks, "^", 1);
  kr_buffer_print(out, "\n%s\n", marks.at);
}

static void put_item(const KrDiagnostic *item, const KrSource *source, const KrLines *lines,
                     KrBuffer *out) {
  static const char *const severities[] = {"error", "warning", "note"};
  KrPlace place = kr_lines_place(lines, item->span.begin);
  kr_buffer_print(out, "%t:%u:%u: %s: %s\n", source->name, place.line, place.column,
                  severities[item->severity], item->message);
  KrText line = kr_lines_at(lines, place.line);
  size_t at = (size_t)item->span.begin - lines->begins[place.line - 1];
  if (at > line.n) at = line.n;
  size_t n_span = item->span.end > item->span.begin ? item->span.end - item->span.begin : 1;
  put_line(out, line, place.column, at, n_span);
  if (item->hint != NULL) kr_buffer_print(out, "  hint: %s\n", item->hint);
}
static void put_call(const KrDiagnostics *list, const KrDiagnostic *item, KrBuffer *out) {
  if (!item->has_call || item->call.file >= list->n_sources) return;
  const KrSource *source = &list->sources[item->call.file];
  KrPlace place = kr_source_place(source, item->call.begin);
  kr_buffer_print(out, "  called at %t:%u:%u\n", source->name, place.line, place.column);
}

static void put_unplaced(const KrDiagnostic *item, KrBuffer *out) {
  static const char *const severities[] = {"error", "warning", "note"};
  kr_buffer_print(out, "kairo: %s: %s\n", severities[item->severity], item->message);
  if (item->hint != NULL) kr_buffer_print(out, "  hint: %s\n", item->hint);
}

void kr_diagnostics_print(const KrDiagnostics *list, KrBuffer *out) {
  if (list->n == 0) return;
  const KrDiagnostic **order = kr_arena_array(out->arena, list->n, sizeof *order);
  for (uint32_t i = 0; i < list->n; i++) order[i] = &list->items[i];
  sort_items(order, kr_arena_array(out->arena, list->n, sizeof *order), list->n);
  KrLines lines = {0};
  for (uint32_t i = 0; i < list->n; i++) {
    uint32_t file = order[i]->span.file;
    if (file >= list->n_sources) {
      put_unplaced(order[i], out);
      continue;
    }
    if (i == 0 || file != order[i - 1]->span.file) {
      kr_lines_init(&lines, &list->sources[file], out->arena);
    }
    KrDiagnostic item = *order[i];
    if (item.span.begin > lines.text.n) item.span.begin = item.span.end = (uint32_t)lines.text.n;
    put_item(&item, &list->sources[file], &lines, out);
    put_call(list, &item, out);
  }
}

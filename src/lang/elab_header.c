/// Decides what a flow's header says - rate, class, phase, length - and in which order flows are
/// elaborated: what a flow reads comes before it.
#include "lang/elab_program.h"
#include <string.h>

static const char *const class_words = "audio|control|visual|sim";

bool kr_class_find(KrText name, KrRateClass *cls) {
  for (int i = 0; i < 4; i++) {
    *cls = (KrRateClass)i;
    if (kr_text_is(name, kr_class_text(*cls))) return true;
  }
  return false;
}

KrRatio kr_class_rate(const KrElab *e, KrRateClass cls) {
  static const int64_t hz[] = {48000, 100, 60, 0};
  KrRatio set = e->options->class_rate[cls];
  return set.num > 0 ? set : kr_ratio_of(hz[cls]);
}

static void index_names(KrElab *e, KrFlowInfo *flow, const KrAst *body) {
  for (uint32_t i = 0; i < body->n; i++) {
    const KrAst *item = body->at[i];
    if (item == NULL) continue;
    if (item->kind == KR_AST_OUTPUT && item->text.n > 0) kr_name_index(e, flow, item->text, true);
    if (item->kind != KR_AST_LET && item->kind != KR_AST_CONST && item->kind != KR_AST_BIND)
      continue;
    const KrAst *pattern = item->at[0];
    if (pattern == NULL) continue;
    if (pattern->kind == KR_AST_NAME) {
      kr_name_index(e, flow, pattern->text, false);
      continue;
    }
    for (uint32_t k = 0; k < pattern->n; k++)
      if (pattern->at[k] != NULL) kr_name_index(e, flow, pattern->at[k]->text, false);
  }
}

void kr_flow_collect(KrElab *e, const KrAst *ast) {
  KrFlowInfo *flow = KR_NEW(e->arena, KrFlowInfo);
  flow->ast = ast;
  flow->outer = e->now.scope;
  flow->span = ast->text.n > 0 ? ast->name_span : ast->span;
  flow->name = ast->text.n > 0 ? ast->text
                               : kr_text_from(kr_text_print(e->arena, "flow%u", ++e->n_anonymous));
  bool found;
  uint32_t *slot = kr_map_slot(e, &e->flow_names, flow->name, &found);
  if (found) {
    KrPlace place =
        kr_source_place(&e->list->sources[e->flows[*slot]->span.file], e->flows[*slot]->span.begin);
    kr_diagnose(e->list, KR_ERROR, flow->span,
                kr_text_print(e->arena, "first declared in line %u", place.line),
                "the flow `%t` is declared twice", flow->name);
    flow->failed = true;
  } else {
    *slot = e->n_flows;
  }
  KR_PUSH(e->arena, e->flows, e->n_flows, e->cap_flows, flow);
  flow->index = e->graph->n_flows;
  KrFlow empty = {.name = flow->name, .clock = {KR_RATIO_ONE, KR_RATIO_ZERO}};
  KR_PUSH(e->arena, e->graph->flows, e->graph->n_flows, e->graph->cap_flows, empty);
  if (ast->at[0] != NULL && !found) index_names(e, flow, ast->at[0]);
  if (ast->at[0] == NULL) flow->failed = true;
}

/// The parts of a header as found.
typedef struct Header {
  const KrAst *dt, *phase, *steps, *duration, *substeps, *rate, *real;
} Header;

static void sort_header(KrElab *e, const KrAst *ast, Header *header) {
  for (uint32_t i = 1; i < ast->n; i++) {
    const KrAst *part = ast->at[i];
    if (part == NULL || part->n == 0 || part->at[0] == NULL) continue;
    bool attribute = part->kind == KR_AST_ATTRIBUTE;
    const struct {
      const char *name;
      const KrAst **slot;
      bool attribute;
    } rows[] = {{"dt", &header->dt, false},
                {"phase", &header->phase, false},
                {"steps", &header->steps, false},
                {"duration", &header->duration, false},
                {"substeps", &header->substeps, false},
                {"rate", &header->rate, true},
                {"real", &header->real, true}};
    uint32_t k = 0, n = sizeof rows / sizeof rows[0];
    while (k < n && !(rows[k].attribute == attribute && kr_text_is(part->text, rows[k].name))) k++;
    if (k == n)
      kr_diagnose(e->list, KR_ERROR, part->span,
                  attribute ? "a flow's attributes are @rate and @real"
                  : kr_text_is(part->text, "rate") || kr_text_is(part->text, "real")
                      ? kr_text_print(e->arena, "write `@%t`", part->text)
                      : "a flow has dt, phase, steps, duration and substeps",
                  attribute ? "a flow has no attribute `@%t`" : "a flow has no parameter `%t`",
                  part->text);
    else if (*rows[k].slot != NULL)
      kr_diagnose(e->list, KR_ERROR, part->span, "give it once", "`%t` is given twice", part->text);
    else
      *rows[k].slot = part;
  }
}

static bool read_word(KrElab *e, const KrAst *part, const char *words, uint32_t *choice) {
  KrArg arg = {.ast = part->at[0], .span = part->at[0]->span};
  return kr_arg_word(e, &arg, words, kr_text_print(e->arena, "`@%t`", part->text), choice);
}

static bool read_seconds(KrElab *e, const KrAst *part, KrRatio *seconds) {
  KrVal val = kr_elab_value(e, part->at[0]);
  return kr_seconds(e, &val, kr_text_print(e->arena, "`%t`", part->text), part->at[0]->span,
                    seconds);
}

static bool read_count(KrElab *e, const KrAst *part, int64_t least, int64_t *count) {
  KrVal val = kr_elab_value(e, part->at[0]);
  if (!kr_need_whole(e, &val, kr_text_print(e->arena, "`%t`", part->text), part->at[0]->span,
                     count))
    return false;
  if (*count >= least) return true;
  kr_diagnose(e->list, KR_ERROR, part->at[0]->span, "write a whole constant",
              "`%t` must be at least %lld", part->text, (long long)least);
  return false;
}

static bool read_dt(KrElab *e, const KrAst *part, KrFlow *flow) {
  const KrAst *value = part->at[0];
  if (value->kind == KR_AST_CALL && value->at[0] != NULL && value->at[0]->kind == KR_AST_NAME &&
      kr_text_is(value->at[0]->text, "adaptive")) {
    kr_diagnose(e->list, KR_ERROR, value->span, "write a constant `dt`",
                "`dt=adaptive(…)` is not available yet");
    return false;
  }
  if (!read_seconds(e, part, &flow->clock.dt)) return false;
  if (flow->clock.dt.num > 0) {
    KrRatio set = e->options->class_rate[flow->cls];
    if (set.num > 0 && set.num != flow->clock.dt.den)
      kr_diagnose(e->list, KR_NOTE, value->span, NULL,
                  "the flow `%t` keeps its own dt; --rate changes the class default only",
                  flow->name);
    return true;
  }
  kr_diagnose(e->list, KR_ERROR, value->span, "write for example `dt=1/100`",
              "`dt` must be greater than 0");
  return false;
}

static bool default_dt(KrElab *e, KrFlow *flow, KrSpan span) {
  KrRatio rate = kr_class_rate(e, flow->cls);
  if (rate.num <= 0) {
    kr_diagnose(e->list, KR_ERROR, span, "write `dt=1/100`, or a class: `@rate=control`",
                "the sim flow `%t` needs its `dt`", flow->name);
    return false;
  }
  flow->clock.dt = (KrRatio){rate.den, rate.num};
  return true;
}

static bool read_length(KrElab *e, const Header *header, KrFlow *flow) {
  bool ok = true;
  KrRatio until;
  if (header->steps != NULL) ok = read_count(e, header->steps, 0, &flow->n_steps);
  if (header->duration == NULL || !ok) return ok;
  int64_t n;
  if (!read_seconds(e, header->duration, &until)) return false;
  if (until.num < 0 || kr_clock_count(&flow->clock, KR_RATIO_ZERO, until, &n) != KR_OK) {
    kr_diagnose(e->list, KR_ERROR, header->duration->span, "write for example `duration=2s`",
                "`duration` is out of range");
    return false;
  }
  if (flow->n_steps < 0 || n < flow->n_steps) flow->n_steps = n;
  return true;
}

void kr_flow_header(KrElab *e, KrFlowInfo *info) {
  Header header = {0};
  KrFlow flow = {.name = info->name,
                 .cls = KR_CLASS_SIM,
                 .substeps = 1,
                 .n_steps = -1,
                 .clock = {KR_RATIO_ONE, KR_RATIO_ZERO},
                 .origin = kr_span_origin(info->span)};
  KrContext saved = e->now;
  e->now = (KrContext){.scope = info->outer, .real = KR_ELEM_F64};
  sort_header(e, info->ast, &header);
  uint32_t choice;
  int64_t count = 1;
  bool ok = !info->failed;
  if (header.rate != NULL && (ok = read_word(e, header.rate, class_words, &choice) && ok))
    flow.cls = (KrRateClass)choice;
  flow.real = flow.cls == KR_CLASS_AUDIO ? KR_ELEM_F32 : KR_ELEM_F64;
  if (header.real != NULL && (ok = read_word(e, header.real, "f32|f64", &choice) && ok))
    flow.real = choice == 0 ? KR_ELEM_F32 : KR_ELEM_F64;
  ok = (header.dt != NULL ? read_dt(e, header.dt, &flow) : default_dt(e, &flow, info->span)) && ok;
  if (header.phase != NULL) {
    ok = read_seconds(e, header.phase, &flow.clock.phase) && ok;
    if (flow.clock.phase.num < 0) {
      kr_diagnose(e->list, KR_ERROR, header.phase->at[0]->span,
                  "add whole periods until it is 0 or more", "`phase` cannot be negative");
      ok = false;
    }
  }
  if (header.substeps != NULL) ok = read_count(e, header.substeps, 1, &count) && ok;
  if (count > 1000000) {
    kr_diagnose(e->list, KR_ERROR, header.substeps->span, "choose a smaller `dt`",
                "`substeps` must be at most 1000000");
    count = 1, ok = false;
  }
  flow.substeps = (uint32_t)count;
  ok = ok && read_length(e, &header, &flow);
  info->failed = !ok;
  info->headed = true;
  e->graph->flows[info->index] = flow;
  e->now = saved;
}

/// Flows a name can lead to, pushed if not yet visited.
typedef struct Visit {
  KrFlowInfo **stack;
  uint32_t n, cap;
  uint32_t mark; ///< of flows begun in this pass; one more: done; less: not yet visited
} Visit;

static void push_flow(KrElab *e, Visit *visit, KrFlowInfo *flow) {
  if (flow->mark >= visit->mark) return;
  KR_PUSH(e->arena, visit->stack, visit->n, visit->cap, flow);
}

/// The only other flow that has a let or label of this name; NULL when none or several have.
static KrFlowInfo *only_flow(const KrElab *e, const KrFlowInfo *reader, KrText name) {
  const uint32_t *first = kr_map_find(&e->site_names, name);
  KrFlowInfo *found = NULL;
  for (uint32_t i = first == NULL ? KR_NONE : *first; i != KR_NONE; i = e->sites[i].next) {
    KrFlowInfo *flow = e->sites[i].flow;
    if (flow == reader || (found != NULL && flow != found)) return NULL;
    found = flow;
  }
  return found;
}

static void push_named(KrElab *e, Visit *visit, const KrFlowInfo *reader, KrText name) {
  KrFlowInfo *flow = kr_name_flow(e, name);
  if (flow == NULL) flow = only_flow(e, reader, name);
  if (flow != NULL) {
    push_flow(e, visit, flow);
    return;
  }
  for (size_t i = 1; i + 1 < name.n; i++) {
    if (name.at[i] != '_') continue;
    flow = kr_name_flow(e, (KrText){name.at + i + 1, name.n - i - 1});
    if (flow != NULL) push_flow(e, visit, flow);
    KrRateClass cls;
    if (name.n - i != 7 || memcmp(name.at + i, "_stream", 7) != 0 ||
        !kr_class_find((KrText){name.at, i}, &cls))
      continue;
    for (uint32_t k = 0; k < e->n_flows && k < 64; k++)
      if (e->graph->flows[e->flows[k]->index].cls == cls) push_flow(e, visit, e->flows[k]);
  }
}

/// Pushes every flow that the text of `flow` may name; an approximation from above.
static void push_sources(KrElab *e, Visit *visit, const KrFlowInfo *flow) {
  const KrAst **stack = NULL;
  uint32_t n = 0, cap = 0;
  const KrAst *body = flow->ast->at[0];
  KR_PUSH(e->arena, stack, n, cap, body);
  while (n > 0) {
    const KrAst *ast = stack[--n];
    if (ast == NULL) continue;
    if (ast->kind == KR_AST_NAME) push_named(e, visit, flow, ast->text);
    for (uint32_t i = 0; i < ast->n; i++)
      if (ast->at[i] != NULL) KR_PUSH(e->arena, stack, n, cap, ast->at[i]);
  }
}

/// Depth first without recursion, may be nested: a flow is done when everything above it on the
/// stack is.
void kr_flows_elaborate(KrElab *e, const KrFlowInfo *bus) {
  Visit visit = {.mark = e->mark += 2};
  for (uint32_t i = 0; i < e->n_flows; i++) {
    if (bus == NULL || kr_bus_may_hear(e, bus, e->flows[i])) push_flow(e, &visit, e->flows[i]);
    while (visit.n > 0) {
      KrFlowInfo *flow = visit.stack[visit.n - 1];
      if (flow->mark < visit.mark) {
        flow->mark = visit.mark;
        if (!flow->failed) push_sources(e, &visit, flow);
        continue;
      }
      visit.n--;
      if (flow->mark == visit.mark) flow->mark++;
      kr_flow_elaborate(e, flow);
    }
  }
}

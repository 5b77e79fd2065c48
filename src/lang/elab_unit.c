/// Decides units: their dimension as exponents of base units and their exact scale.
#include "lang/elab_core.h"

typedef struct UnitRow {
  const char *name;
  int64_t num, den;
  int8_t exp[KR_N_DIMS]; ///< s m kg A K turn rad dB cent px beat
} UnitRow;

static const UnitRow units[] = {
    {"Hz", 1, 1, {-1}},
    {"kHz", 1000, 1, {-1}},
    {"MHz", 1000000, 1, {-1}},
    {"s", 1, 1, {1}},
    {"ms", 1, 1000, {1}},
    {"us", 1, 1000000, {1}},
    {"min", 60, 1, {1}},
    {"h", 3600, 1, {1}},
    {"bpm", 1, 60, {-1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}},
    {"fps", 1, 1, {-1}},
    {"dB", 1, 1, {0, 0, 0, 0, 0, 0, 0, 1}},
    {"cents", 1, 1, {0, 0, 0, 0, 0, 0, 0, 0, 1}},
    {"st", 100, 1, {0, 0, 0, 0, 0, 0, 0, 0, 1}},
    {"rad", 1, 1, {0, 0, 0, 0, 0, 0, 1}},
    {"deg", 1, 360, {0, 0, 0, 0, 0, 1}},
    {"turns", 1, 1, {0, 0, 0, 0, 0, 1}},
    {"m", 1, 1, {0, 1}},
    {"cm", 1, 100, {0, 1}},
    {"mm", 1, 1000, {0, 1}},
    {"km", 1000, 1, {0, 1}},
    {"g", 1, 1000, {0, 0, 1}},
    {"kg", 1, 1, {0, 0, 1}},
    {"N", 1, 1, {-2, 1, 1}},
    {"Pa", 1, 1, {-2, -1, 1}},
    {"J", 1, 1, {-2, 2, 1}},
    {"W", 1, 1, {-3, 2, 1}},
    {"V", 1, 1, {-3, 2, 1, -1}},
    {"A", 1, 1, {0, 0, 0, 1}},
    {"K", 1, 1, {0, 0, 0, 0, 1}},
    {"px", 1, 1, {0, 0, 0, 0, 0, 0, 0, 0, 0, 1}},
    {"beats", 1, 1, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}},
    {"1", 1, 1, {0}},
};
enum { N_UNITS = sizeof units / sizeof units[0] };

static const UnitRow *find_unit(KrText name) {
  for (uint32_t i = 0; i < N_UNITS; i++)
    if (kr_text_is(name, units[i].name)) return &units[i];
  return NULL;
}

static void report_unit(KrElab *e, KrText name, KrSpan span) {
  const char *near = NULL;
  uint32_t best = 3;
  for (uint32_t i = 0; i < N_UNITS; i++) {
    uint32_t distance = kr_text_distance(name, kr_text_from(units[i].name));
    if (distance < best && distance < name.n + 1) {
      best = distance;
      near = units[i].name;
    }
  }
  const char *hint = near == NULL ? "write for example Hz, kHz, s, ms, dB, turns, deg, beats"
                                  : kr_text_print(e->arena, "did you mean `%s`?", near);
  kr_diagnose(e->list, KR_ERROR, span, hint, "unknown unit `%t`", name);
}

/// Reads `NAME [^ [-] DIGITS]` at *i.
static bool read_term(KrElab *e, KrText text, size_t *i, int sign, KrSpan span, KrDim *dim,
                      KrRatio *scale) {
  size_t begin = *i;
  while (*i < text.n && text.at[*i] != '*' && text.at[*i] != '/' && text.at[*i] != '^') ++*i;
  KrText name = {text.at + begin, *i - begin};
  while (name.n > 0 && name.at[0] == ' ') name.at++, name.n--;
  while (name.n > 0 && name.at[name.n - 1] == ' ') name.n--;
  int exponent = 1;
  if (*i < text.n && text.at[*i] == '^') {
    ++*i;
    bool negative = *i < text.n && text.at[*i] == '-';
    *i += negative;
    exponent = 0;
    while (*i < text.n && text.at[*i] >= '0' && text.at[*i] <= '9' && exponent < 100)
      exponent = exponent * 10 + (text.at[(*i)++] - '0');
    if (negative) exponent = -exponent;
  }
  while (*i < text.n && text.at[*i] == ' ') ++*i;
  const UnitRow *unit = find_unit(name);
  if (unit == NULL || exponent < -20 || exponent > 20) {
    report_unit(e, name, span);
    return false;
  }
  KrRatio power;
  if (kr_ratio_pow((KrRatio){unit->num, unit->den}, sign * exponent, &power) != KR_OK ||
      kr_ratio_mul(*scale, power, scale) != KR_OK) {
    kr_diagnose(e->list, KR_ERROR, span, "use a smaller power",
                "the unit `%t` has too large a scale", text);
    return false;
  }
  for (int k = 0; k < KR_N_DIMS; k++)
    dim->exp[k] = (int8_t)(dim->exp[k] + sign * exponent * unit->exp[k]);
  return true;
}

bool kr_unit_find(KrElab *e, KrText unit, KrSpan span, KrDim *dim, KrRatio *scale) {
  *dim = (KrDim){.known = true};
  *scale = KR_RATIO_ONE;
  int sign = 1;
  for (size_t i = 0; i < unit.n;) {
    if (!read_term(e, unit, &i, sign, span, dim, scale)) return false;
    if (i >= unit.n) break;
    sign = unit.at[i++] == '/' ? -1 : 1;
  }
  return true;
}

bool kr_dim_equal(const KrDim *a, const KrDim *b) {
  for (int i = 0; i < KR_N_DIMS; i++)
    if (a->exp[i] != b->exp[i]) return false;
  return true;
}

bool kr_dim_fits(const KrDim *a, const KrDim *b) {
  return !a->known || !b->known || kr_dim_equal(a, b);
}

bool kr_dim_is_plain(const KrDim *dim) {
  const KrDim plain = {.known = true};
  return !dim->known || kr_dim_equal(dim, &plain);
}

KrDim kr_dim_join(KrDim a, KrDim b) { return a.known ? a : b; }

KrDim kr_dim_combine(KrDim a, KrDim b, int sign) {
  KrDim dim = {.known = a.known || b.known};
  for (int i = 0; i < KR_N_DIMS; i++) dim.exp[i] = (int8_t)(a.exp[i] + sign * b.exp[i]);
  return dim;
}

KrDim kr_dim_power(KrDim a, int num, int den, bool *ok) {
  KrDim dim = {.known = a.known};
  *ok = true;
  for (int i = 0; i < KR_N_DIMS; i++) {
    if (a.exp[i] * num % den != 0 || a.exp[i] * num / den > 100 || a.exp[i] * num / den < -100)
      *ok = false;
    dim.exp[i] = (int8_t)(a.exp[i] * num / den);
  }
  return dim;
}

KrDim kr_dim_of(int base, int exponent) {
  KrDim dim = {.known = true};
  dim.exp[base] = (int8_t)exponent;
  return dim;
}

static const char *name_dim(const KrDim *dim) {
  for (uint32_t i = 0; i < N_UNITS; i++) {
    KrDim unit = {.known = true};
    for (int k = 0; k < KR_N_DIMS; k++) unit.exp[k] = units[i].exp[k];
    if (units[i].num == units[i].den && kr_dim_equal(&unit, dim)) return units[i].name;
  }
  return NULL;
}

const char *kr_dim_text(KrElab *e, const KrDim *dim) {
  static const char *const base[] = {"s",   "m",  "kg",   "A",  "K",   "turns",
                                     "rad", "dB", "cent", "px", "beat"};
  if (kr_dim_is_plain(dim)) return "a plain number";
  const char *name = name_dim(dim);
  if (name != NULL) return name;
  KrBuffer text;
  kr_buffer_init(&text, e->arena);
  for (int i = 0; i < KR_N_DIMS; i++) {
    if (dim->exp[i] == 0) continue;
    kr_buffer_print(&text, "%s%s", text.n > 0 ? "*" : "", base[i]);
    if (dim->exp[i] != 1) kr_buffer_print(&text, "^%d", (int)dim->exp[i]);
  }
  return text.at;
}

/// Radians to turns or back: the only conversion that is not exact.
static bool turn_angle(KrElab *e, KrVal *val, const KrDim *wanted, KrSpan span) {
  const KrDim turns = kr_dim_of(KR_DIM_TURN, 1), rad = kr_dim_of(KR_DIM_RAD, 1);
  bool to_rad = kr_dim_equal(&val->dim, &turns) && (kr_dim_equal(wanted, &rad));
  bool to_turns = kr_dim_equal(&val->dim, &rad) && kr_dim_equal(wanted, &turns);
  if (!to_rad && !to_turns) return false;
  const double two_pi = 0x1.921fb54442d18p+2; // 2 pi rounded to double
  KrVal factor = kr_val_inexact(e, to_rad ? two_pi : 1 / two_pi, "an angle in radians", span);
  factor.dim = kr_dim_combine(*wanted, val->dim, -1);
  *val = kr_elab_binary(e, KR_TEXT("*"), *val, factor, span);
  return true;
}

static void divide_scale(KrElab *e, KrVal *val, KrRatio scale, KrSpan span) {
  if (scale.num == scale.den) return;
  KrDim dim = val->dim;
  val->dim = (KrDim){0};
  *val = kr_elab_binary(e, KR_TEXT("/"), *val, kr_val_exact(scale), span);
  val->dim = dim;
}

bool kr_unit_fit(KrElab *e, KrVal *val, const char *unit, const char *what, KrSpan span) {
  if (unit == NULL || !val->dim.known) return true;
  KrDim wanted;
  KrRatio scale;
  if (!kr_unit_find(e, kr_text_from(unit), span, &wanted, &scale)) return false;
  const KrDim rad = kr_dim_of(KR_DIM_RAD, 1);
  bool plain_angle = (kr_dim_is_plain(&wanted) && kr_dim_equal(&val->dim, &rad)) ||
                     (kr_dim_equal(&wanted, &rad) && kr_dim_is_plain(&val->dim));
  if (!kr_dim_equal(&val->dim, &wanted) && !plain_angle && !turn_angle(e, val, &wanted, span)) {
    kr_diagnose(
        e->list, KR_ERROR, span, "give it in that unit, or as a bare number",
        kr_dim_is_plain(&val->dim) ? "%s wants %s, this is %s" : "%s wants %s, this is in %s", what,
        kr_dim_is_plain(&wanted) ? "a plain number" : unit, kr_dim_text(e, &val->dim));
    return false;
  }
  divide_scale(e, val, scale, span);
  return true;
}

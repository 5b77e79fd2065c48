// What the scheduler carries out itself: rows without kernels, for the checker and the manual.
#include "ops/kernel.h"

#define STREAM PORT("x", STREAM, "a stream by name, of any flow")
#define EVENTS PORT("e", EVENTS, "event stream")
#define WINDOW                                                                                     \
  {                                                                                                \
    "window", KR_PORT_CONST, "s", "dt", NULL, "above 0",                                           \
        "length; must be given when both rates are equal"                                          \
  }
#define REDUCE(name_, doc_)                                                                        \
  {                                                                                                \
    .name = name_, .family = "windows", .doc = doc_, .in = {STREAM, WINDOW},                       \
    .core = KR_CORE_WINDOW                                                                         \
  }
#define EVENT(name_, doc_, ...)                                                                    \
  { .name = name_, .family = "events", .doc = doc_, .in = {__VA_ARGS__}, .core = KR_CORE_EVENT }
#define LIST(name_, doc_, ...)                                                                     \
  { .name = name_, .family = "lists", .doc = doc_, .in = {__VA_ARGS__}, .core = KR_CORE_LIST }
#define FUNCTION(doc) PORT("f", ANY, doc)

static const KrOp OPS[] = {
    {.name = "resample",
     .family = "streams",
     .core = KR_CORE_RESAMPLE,
     .in = {STREAM, PORT("to", ANY, "the rate of the reader: audio, control, visual, sim"),
            CHOICE("mode", "nearest", "nearest|hold|linear|cubic|sinc", "between the ticks"),
            CHOICE("align", "exact", "exact|causal",
                   "exact: no delay, the source runs ahead; causal: later by the look-ahead")},
     .doc = "A stream of another rate, read at this flow's ticks"},
    {.name = "prev",
     .family = "streams",
     .core = KR_CORE_PREV,
     .in = {PORT("x", ANY, "expression"),
            {"init", KR_PORT_ANY, NULL, "0", NULL, NULL, "at tick 0"}},
     .doc = "x one tick earlier; may name what is being defined"},
    {.name = "history",
     .family = "streams",
     .core = KR_CORE_HISTORY,
     .in = {STREAM, SETTING("n", "", NULL, "1..", "how many")},
     .doc = "Vector of the n newest ticks not after now, oldest first, zeros before the start"},
    REDUCE("mean", "Sum of the ticks in (t - window, t] divided once by their number"),
    REDUCE("rms", "Root of the mean of the squares in (t - window, t]"),
    REDUCE("peak", "Greatest magnitude in (t - window, t]"),
    REDUCE("min", "Least value in (t - window, t]"),
    REDUCE("max", "Greatest value in (t - window, t]"),
    REDUCE("sum", "Sum in (t - window, t], in the fixed order of sums; of integers an i64"),
    REDUCE("count", "Number of ticks in (t - window, t], an i64"),
    {.name = "send",
     .family = "busses",
     .core = KR_CORE_BUS,
     .in = {PORT("bus", ANY, "the name of the flow that hears it with `bus()`, of this rate"),
            PORT("x", ANY, "signal or tuple; one channel goes to all of a bus"),
            {"amount", KR_PORT_ANY, NULL, "1", NULL, NULL, "factor, or a level in dB; a signal"}},
     .doc = "Adds x times amount to a bus; a statement"},
    {.name = "bus",
     .family = "busses",
     .core = KR_CORE_BUS,
     .in = {{"channels", KR_PORT_CONST, "", "of the widest send", NULL, "1..1024",
             "how many it has"}},
     .doc = "Sum of all that is sent to this flow, in the fixed order of sums; 0 where nothing is"},
    EVENT("event.from_list", "Events of a list of (time, payload)",
          PORT("list", ANY, "[(time, record), ...]")),
    EVENT("event.every", "One event at phase + k period, without end",
          SETTING("period", "s", NULL, "above 0", "time between them"),
          SETTING("phase", "s", "0s", "0..", "time of the first"),
          {"payload", KR_PORT_ANY, NULL, "Bang{}", NULL, NULL, "record of every event"}),
    EVENT("event.merge", "All events of several streams; at one time in the order given",
          PORT("a", EVENTS, "event stream"), PORT("b", EVENTS, "event stream, and so on")),
    EVENT("event.from_signal", "An event at each tick in which the condition holds",
          PORT("x", ANY, "bool stream, or a signal: its rises above 0"),
          {"payload", KR_PORT_ANY, NULL, "Bang{}", NULL, NULL, "record, may hold streams"}),
    EVENT("event.from_midi", "Notes of a standard MIDI file: freq, vel, key, dur, channel",
          PORT("file", TEXT, "path beside the program")),
    EVENT("event.from_csv", "Events of a table; the first column is the time in seconds",
          PORT("file", TEXT, "path beside the program")),
    EVENT("map", "Events with payloads made by a function", EVENTS,
          FUNCTION("|e| record; e has the fields, e.time")),
    EVENT("filter", "The events for which a function holds", EVENTS, FUNCTION("|e| bool")),
    EVENT("delay", "The same events later", EVENTS,
          SETTING("time", "s", NULL, "0..", "how much later")),
    {.name = "to_signal",
     .family = "events",
     .core = KR_CORE_TO_SIGNAL,
     .in = {EVENTS,
            CHOICE("mode", NULL, "impulse|hold|gate|sinc",
                   "events in the tick; newest payload; held notes with their onsets; band-limited "
                   "pulses"),
            {"init", KR_PORT_ANY, NULL, "0", NULL, NULL, "payload before the first event"},
            CHOICE("round", "exact", "exact|floor", "floor: onsets at the tick itself")},
     .doc = "Events as a signal at this flow's ticks"},
    LIST("map", "The list of a function's values", PORT("list", ANY, "list or range"),
         FUNCTION("|x| value")),
    LIST("fold", "One value of a list, from left to right", PORT("list", ANY, "list or range"),
         PORT("init", ANY, "start"), FUNCTION("|sum, x| value")),
    LIST("zip", "Pairs of two lists, as long as the shorter", PORT("a", ANY, "list"),
         PORT("b", ANY, "list")),
    LIST("len", "Number of elements", PORT("list", ANY, "list or range")),
    LIST("mix", "Sum of a list of signals or tuples, as `sum`", PORT("list", ANY, "list")),
    LIST("sum", "Sum of a list in the fixed order of sums", PORT("list", ANY, "list")),
};
KR_FAMILY_DEFINE(streams, "streams, windows, busses, events, lists");

"""The picture of the house as a table, checked against includes and objects.

Each check takes the build directory and gives a list of problems.
"""
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SRC = ROOT / "src"

PURE = "base math time event resample field asset image ops voice seq graph lang sched session".split()
IMPURE = "rt io live dist web".split()

# What each folder may include besides itself and include/kairo.
ALLOWED = {
    "base": "",
    "math": "base",
    "time": "base",
    "rt": "base time",
    "event": "base math time",
    "resample": "base math time",
    "field": "base math time",
    "asset": "base math time event",
    "image": "base math time",
    "ops": "base math time event resample field asset image",
    "voice": "base math time event",
    "seq": "base math time event",
    "graph": "base time event resample ops",
    "lang": "base math time event ops seq graph",
    "sched": "base math time event resample ops field voice graph",
    "session": " ".join(PURE),
    "io": "base time event asset image rt",
    "live": "session seq rt io base time event asset image",
    "dist": "graph sched session rt io base time event asset image",
    "web": "base time event session live",
    "cli": " ".join(PURE + IMPURE),
}
ALLOWED = {folder: set(names.split()) | {folder} for folder, names in ALLOWED.items()}

# Headers of the standard library that neither read the world nor compute with floats.
PURE_HEADERS = {
    "assert.h", "float.h", "inttypes.h", "limits.h", "setjmp.h", "stdalign.h", "stdarg.h", "stdbool.h",
    "stddef.h", "stdint.h", "stdnoreturn.h", "string.h",
}  # fmt: skip
# The heap: arenas in base, and the handles that session's `new` gives to callers and `free` takes back.
# What the processor can do: level.c in ops.
PURE_HEADERS_OF = {"base": {"stdlib.h"}, "session": {"stdlib.h"}, "ops": {"cpuid.h"}}

# Symbols that pure objects may need from outside the project.
PURE_SYMBOLS = re.compile(
    r"^(mem(cpy|move|set|cmp|chr)|bcmp|str(len|cmp|ncmp|chr|rchr|nlen|spn|cspn)|abort"
    r"|_?_?(sig)?(setjmp|longjmp)(_chk)?|__assert_fail|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_"
    r"|__mem(cpy|move|set)_chk|__tls_get_addr|__cpu_model|__cpu_indicator_init"
    r"|__u?(div|mod|mul|divmod|ashl|ashr|lshr|cmp)[sdt]i\d?|__(clz|ctz|popcount|bswap)[sdt]i2"
    r"|__(float|fix)(uns|un)?([sdt]i|[sd]f)([sdt]i|[sd]f))$"
)
# The places that ask the system for memory.
HEAP_OBJECT = "arena.c.o"
HEAP_FOLDER = "session"
HEAP_SYMBOLS = {"malloc", "calloc", "realloc", "free", "aligned_alloc"}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.M)


def source_files():
    """(folder, path) of every C file of the program."""
    for base in [SRC, ROOT / "cli"]:
        for path in sorted(base.rglob("*.[ch]")):
            yield ("cli" if base.name == "cli" else path.relative_to(SRC).parts[0]), path


def judge_include(folder, kind, name):
    """What is wrong with one include line, or None."""
    if folder not in ALLOWED:
        return f"folder {folder} is not in the table"
    if kind == "<":
        pure_ok = PURE_HEADERS | PURE_HEADERS_OF.get(folder, set())
        if folder in PURE and name not in pure_ok:
            return f"<{name}> has no place in a pure folder"
        return None
    target = name.split("/")[0]
    if target == "kairo" or (folder == "cli" and "/" not in name):
        return None
    if name.endswith(".inc") or "/" in name:
        if target not in ALLOWED[folder]:
            return f'"{name}": {folder} may include only {" ".join(sorted(ALLOWED[folder]))}'
        return None
    return f'"{name}": write the folder too'


def check_edges(kinds):
    problems = []
    for folder, path in source_files():
        text = path.read_text(errors="replace")
        for found in INCLUDE.finditer(text):
            if found[1] not in kinds:
                continue
            wrong = judge_include(folder, found[1], found[2])
            if wrong:
                line = text.count("\n", 0, found.start()) + 1
                problems.append(f"{path.relative_to(ROOT)}:{line}: {wrong}")
    return problems


def check_includes(_build):
    return check_edges('"')


def check_headers(_build):
    return check_edges("<")


def judge_symbol(folder, member, symbol):
    name = symbol.split("@")[0]
    may_allocate = folder == HEAP_FOLDER or (folder, member) == ("base", HEAP_OBJECT)
    if PURE_SYMBOLS.match(name) or (may_allocate and name in HEAP_SYMBOLS):
        return None
    return f"needs {name}"


def object_name(path):
    """`arena.c.o` of `src/base/libkr_base.a.p/arena.c.o`; meson writes folders of a name with `_`."""
    return path.name.rsplit("_", 1)[-1] if path.name.endswith("_arena.c.o") else path.name


def read_symbols(path):
    """(defined, undefined) names of one object."""
    done = subprocess.run(["nm", "-P", str(path)], capture_output=True, text=True, check=True)
    defined, undefined = set(), set()
    for line in done.stdout.splitlines():
        name, kind = line.split()[:2]
        if kind in "Uwv":
            undefined.add(name)
        else:
            defined.add(name)
    return defined, undefined


def check_symbols(build):
    problems, all_defined, needs = [], set(), []
    for folder in PURE:
        objects = sorted((build / "src" / folder).glob("lib*.a.p/**/*.o"))
        if any(SRC.joinpath(folder).rglob("*.c")) and not objects:
            problems.append(f"src/{folder}: no object was built")
        for path in objects:
            defined, undefined = read_symbols(path)
            all_defined |= defined
            needs.append((folder, path, undefined))
    for folder, path, undefined in needs:
        for symbol in sorted(undefined - all_defined):
            wrong = judge_symbol(folder, object_name(path), symbol)
            if wrong:
                problems.append(f"src/{folder}, {path.name}: {wrong}")
    return problems


# x86 and ARM: one rounding for a product and a sum.
FUSED = re.compile(r"\t(vfn?m(?:add|sub)\w*|fn?m(?:add|sub)|fml[as])\b")


def judge_instruction(line):
    """What is wrong with a line of a disassembly, or None."""
    found = FUSED.search(line)
    return f"the compiler fused a product and a sum: {found[1]}" if found else None


def check_fused(build):
    """No object of a pure folder rounds once where the source rounds twice; in the other builds of check too."""
    problems = []
    builds = [build, build.parent / "asan", *sorted((build.parent / "variants").glob("*"))]
    for place in builds:
        for folder in PURE:
            for path in sorted((place / "src" / folder).glob("lib*.a.p/**/*.o")):
                done = subprocess.run(["objdump", "-d", "--no-show-raw-insn", str(path)], capture_output=True, text=True)
                wrong = next(filter(None, map(judge_instruction, done.stdout.splitlines())), None)
                if done.returncode or wrong:
                    problems.append(f"{path.relative_to(build.parent)}: {wrong or done.stderr.strip()}")
    return problems


def check_itself(_build):
    """A check that cannot fail is none: each rule is shown one thing it must refuse."""
    must_fail = [
        judge_include("base", '"', "time/ratio.h"),
        judge_include("lang", '"', "sched/plan.h"),
        judge_include("sched", '"', "lang/parse.h"),
        judge_include("ops", "<", "math.h"),
        judge_include("math", "<", "stdlib.h"),
        judge_include("graph", "<", "stdio.h"),
        judge_include("event", '"', "queue.h"),
        judge_symbol("event", "queue.c.o", "malloc"),
        judge_symbol("math", "fft.c.o", "sin"),
        judge_symbol("math", "fft.c.o", "floor"),
        judge_symbol("sched", "plan.c.o", "snprintf"),
        judge_symbol("session", "session.c.o", "getenv"),
        judge_symbol("lang", "diagnostic.c.o", "qsort"),
        judge_symbol("sched", "plan.c.o", "clock_gettime@GLIBC_2.17"),
        judge_instruction("  12:\tvfmsubadd132pd %xmm7,%xmm5,%xmm2"),
        judge_instruction("  12:\tvfnmadd231ss %xmm7,%xmm5,%xmm2"),
        judge_instruction("  12:\tfmadd\td0, d1, d2, d3"),
    ]
    must_pass = [
        judge_include("lang", '"', "graph/graph.h"),
        judge_include("base", "<", "stdlib.h"),
        judge_include("io", "<", "stdio.h"),
        judge_symbol("base", "arena.c.o", "malloc"),
        judge_symbol("sched", "plan.c.o", "memcpy"),
        judge_symbol("base", "wide.c.o", "__udivti3"),
        judge_instruction("  12:\tvaddsubpd %xmm7,%xmm5,%xmm2"),
        judge_instruction("  12:\tvmulss %xmm7,%xmm5,%xmm2"),
    ]
    problems = [f"rule {i} let a mistake pass" for i, wrong in enumerate(must_fail) if not wrong]
    return problems + [f"refused without reason: {wrong}" for wrong in must_pass if wrong]

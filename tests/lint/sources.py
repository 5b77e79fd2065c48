"""Layout, sizes, words, registration and clang-tidy. Each check gives a list of problems."""
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MAX_FILE_LINES, MAX_HEADER_LINES, MAX_FUNCTION_LINES = 1000, 350, 150
LOOK_FILE_LINES, LOOK_HEADER_LINES, LOOK_FUNCTION_LINES = 600, 250, 100

# Generated tables are data, not text to read.
GENERATED = re.compile(r"(^|/)(\w+_table|\w+_data)\.(c|h|inc)$")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
# What would let one file compute by other rules than the rest.
LOOSE_FLOAT = re.compile(
    r"fast-math|FP_CONTRACT|__attribute__\s*\(\(\s*optimize"
    r"|#\s*pragma\s+\w+\s+(fp\b|optimize|float_control)"
)
# Places packages come from; a source that names one would tie the program to the network.
REGISTRIES = re.compile(
    r"deb\.debian\.org|security\.debian\.org|archive\.ubuntu\.com|pypi\.org|files\.pythonhosted\.org"
    r"|registry\.npmjs\.org|crates\.io|proxy\.golang\.org|rubygems\.org|conda\.anaconda\.org"
)


def tracked(*folders):
    """Paths of the files of the project, tracked or new, without what is ignored."""
    done = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "-co", "--exclude-standard", "--", *folders],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        # A copy without its history.
        tops = [ROOT / name for name in folders] or [p for p in ROOT.iterdir() if p.name != "build"]
        return sorted(p for top in tops for p in [top, *top.rglob("*")] if p.is_file())
    return [p for name in sorted(set(done.stdout.split("\0"))) if name and (p := ROOT / name).is_file()]


def c_files(*folders):
    return [p for p in tracked(*folders) if p.suffix in (".c", ".h")]


def name_of(path):
    return str(path.relative_to(ROOT))


def check_format(_build):
    paths = c_files("src", "include", "cli", "tests", "bench", "examples")
    problems = []
    for begin in range(0, len(paths), 50):
        done = subprocess.run(
            ["clang-format", "--dry-run", "-Werror", *map(str, paths[begin : begin + 50])],
            capture_output=True,
            text=True,
            check=False,
        )
        places = re.findall(r"^(.*?):(\d+):\d+: error", done.stderr, flags=re.M)
        by_file = {}
        for path, line in places:
            by_file.setdefault(os.path.relpath(path, ROOT), []).append(line)
        problems += [f"{p}:{lines[0]}: {len(lines)} places" for p, lines in by_file.items()]
        if done.returncode and not places:
            problems.append(done.stderr.strip() or "clang-format did not run")
    return problems and problems + ["apply with scripts/format"]


def functions(text):
    """(name, first line, lines) of function bodies: from a `{` that ends a line at depth 0 to its `}`."""
    lines = text.split("\n")
    start, head = None, 0
    for number, line in enumerate(lines, 1):
        if start is None and line and not line[0].isspace() and line[0] not in "#/}*":
            head = number
        if start is None and line.endswith("{") and ")" in "\n".join(lines[head - 1 : number]):
            start = head
        elif start is not None and line.startswith("}"):
            found = re.search(r"(\w+)\s*\(", "\n".join(lines[start - 1 : start + 2]))
            yield (found[1] if found else "?"), start, number - start + 1
            start = None


def check_sizes(_build):
    """Past the hard stop a problem, past the soft one a line to look at."""
    problems, looks = [], []
    for path in c_files("src", "include", "cli", "tests", "bench"):
        if GENERATED.search(name_of(path)):
            continue
        text = path.read_text(errors="replace")
        n_lines = text.count("\n")
        header = path.suffix == ".h"
        if n_lines > (MAX_HEADER_LINES if header else MAX_FILE_LINES):
            problems.append(f"{name_of(path)}: {n_lines} lines")
        elif n_lines > (LOOK_HEADER_LINES if header else LOOK_FILE_LINES):
            looks.append(f"{name_of(path)}: {n_lines} lines")
        for name, line, n in functions(text):
            if n > MAX_FUNCTION_LINES:
                problems.append(f"{name_of(path)}:{line}: {name} has {n} lines")
            elif n > LOOK_FUNCTION_LINES:
                looks.append(f"{name_of(path)}:{line}: {name} has {n} lines")
    for look in looks:
        print(f"look again: {look}")
    return problems


def check_words(_build):
    problems = []
    for path in tracked("src", "cli", "include", "scripts", "tests", "bench", "examples", "docs"):
        if path.parent == ROOT / "tests" / "lint" or path.stat().st_size > 1 << 20:
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.split("\n"), 1):
            found = REGISTRIES.search(line)
            if not found and name_of(path).split("/")[0] in ("src", "cli", "include"):
                found = UNFINISHED.search(line) or LOOSE_FLOAT.search(line)
            if found:
                problems.append(f"{name_of(path)}:{number}: {found[0]}")
    return problems


def check_openings(_build):
    problems = []
    for path in c_files("src", "include", "cli"):
        if not path.read_text(errors="replace").startswith(("//", "/*")):
            problems.append(f"{name_of(path)}: does not open with what it decides")
    return problems


def check_registered(_build):
    folder = ROOT / "tests" / "unit"
    listed = set(re.findall(r"^\s*'(\w+)',", (folder / "meson.build").read_text(), flags=re.M))
    there = {p.stem[len("test_") :] for p in folder.glob("test_*.c")}
    return [f"tests/unit/test_{n}.c is not registered" for n in sorted(there - listed)] + [
        f"tests/unit/test_{n}.c is registered but missing" for n in sorted(listed - there)
    ]


def check_mutants(_build):
    done = subprocess.run([ROOT / "scripts" / "mutants", "list"], capture_output=True, text=True, check=False)
    return [line for line in done.stdout.splitlines() if ": stale," in line] if done.returncode else []


def check_shell(_build):
    problems = []
    for path in tracked():
        try:
            first = path.open(encoding="utf-8").readline()
        except UnicodeDecodeError:
            continue
        found = re.match(r"#!.*\b(sh|bash)\b", first)
        if not found:
            continue
        shell = "dash" if found[1] == "sh" and pathlib.Path("/bin/dash").exists() else found[1]
        done = subprocess.run([shell, "-n", str(path)], capture_output=True, text=True, check=False)
        if done.returncode:
            problems.append(f"{name_of(path)}: {done.stderr.strip()}")
        if not os.access(path, os.X_OK):
            problems.append(f"{name_of(path)}: not executable")
    return problems


def find_commands(build, deep):
    """How each file is compiled: at every level, or else as scalar code, where the rows are, and at the widest."""
    between = re.compile(r"_(baseline|v2|v3)\.a\.p/")
    commands = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        ours = path.is_relative_to(ROOT / "src") or path.is_relative_to(ROOT / "cli")
        if ours and (deep or not between.search(entry["output"])):
            commands.setdefault(path, []).append(entry)
    return commands


def check_tidy(build, deep=False):
    if not (build / "compile_commands.json").exists():
        return [f"{build / 'compile_commands.json'} is missing"]
    commands = find_commands(build, deep)
    mode = "" if deep else "--extra-arg=-Xclang --extra-arg=-analyzer-config --extra-arg=-Xclang --extra-arg=mode=shallow"

    def tidy(path):
        done = subprocess.run(
            ["clang-tidy", "--quiet", "-p", folder, "--extra-arg=-Wno-unknown-warning-option",
             "--extra-arg=-Wno-ignored-optimization-argument", *mode.split(), str(path)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        found = re.findall(r"^(.*?:\d+:\d+): (?:error|warning): (.*)$", done.stdout, flags=re.M)
        if done.returncode and not found:
            return [f"{name_of(path)}: clang-tidy stopped: {done.stderr.strip()[-300:]}"]
        return [f"{os.path.relpath(place, ROOT)}: {what}" for place, what in found]

    with tempfile.TemporaryDirectory(prefix="kairo-tidy-") as folder:
        every = [entry for of in commands.values() for entry in of]
        (pathlib.Path(folder) / "compile_commands.json").write_text(json.dumps(every))
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            found = [problem for problems in pool.map(tidy, sorted(commands)) for problem in problems]
    return sorted(set(found))

"""Golden programs: every examples/NN-*.kairo and tests/golden/*.kairo, and the digests they must have."""
import os
import pathlib
import re
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DIGESTS = ROOT / "tests" / "golden" / "digests.txt"


def programs():
    return sorted(ROOT.glob("examples/[0-9]*.kairo")) + sorted(ROOT.glob("tests/golden/*.kairo"))


def name_of(program):
    return program.relative_to(ROOT).as_posix()


def swap(program):
    """Options of a program with a line `# then FILE at N ms`: FILE takes over then."""
    found = re.search(r"^# then (\S+) at (\d+) ms$", program.read_text(), flags=re.M)
    return ["--swap-at", f"{found[2]}/1000={program.parent / found[1]}"] if found else []


def duration(program):
    """Options of a long program with a line `# golden N s`: that much of it is enough."""
    found = re.search(r"^# golden (\d+) s$", program.read_text(), flags=re.M)
    return ["-d", f"{found[1]}s"] if found else []


def digest(program, *options, kairo=None, env=None):
    """The lines of `kairo render --digest`, or the messages of a run that failed."""
    kairo = kairo or os.environ["KAIRO"]
    with tempfile.TemporaryDirectory(prefix="kairo-golden-") as folder:
        done = subprocess.run(
            [kairo, "render", program, "-o", folder, "--quiet", "--digest", *swap(program), *duration(program), *options],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
            env={**os.environ, **(env or {})},
        )
    if done.returncode != 0:
        return [f"exit {done.returncode}: {done.stderr.strip()}"]
    return done.stdout.strip().splitlines()


def read():
    """{program: [lines]} of the committed digests."""
    table, name = {}, None
    if DIGESTS.exists():
        for line in DIGESTS.read_text().splitlines():
            if line.startswith("sha256 "):
                table[name].append(line)
            elif line:
                name = line
                table[name] = []
    return table


def write(table):
    parts = ["\n".join([name, *lines]) + "\n" for name, lines in sorted(table.items())]
    DIGESTS.write_text("\n".join(parts))


def first_difference(want, have):
    for line in have:
        if line not in want:
            return line
    return "an output is missing"

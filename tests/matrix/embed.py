"""Writes a C file that holds the golden programs and the files they name.

usage: embed.py OUTPUT DEPFILE
Bytes are packed into 64-bit words, the first byte lowest, which compile far faster than single bytes.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
GOLDEN = ROOT / "tests" / "golden"


def files():
    """(name as the driver looks it up, path): programs by file name, their files as the text names them."""
    programs = sorted(GOLDEN.glob("*.kairo"))
    named = {name for p in programs for name in re.findall(r'"([^"\n]+\.(?:wav|mid|csv))"', p.read_text())}
    return [(p.name, p) for p in programs] + [(name, GOLDEN / name) for name in sorted(named)]


def words(data):
    padded = data + bytes(-len(data) % 8)
    values = [f"{int.from_bytes(padded[i : i + 8], 'little'):#x}u" for i in range(0, len(padded), 8)]
    return ",\n  ".join(", ".join(values[i : i + 6]) for i in range(0, len(values), 6))


def main():
    output, depfile = sys.argv[1:]
    parts = ["// The golden programs and their files, packed by embed.py.", '#include "driver.h"']
    rows = []
    for index, (name, path) in enumerate(files()):
        data = path.read_bytes()
        parts.append(f"static const uint64_t data_{index}[] = {{\n  {words(data) or '0'}\n}};")
        rows.append(f'    {{"{name}", data_{index}, {len(data)}}},')
    parts.append("const Entry archive[] = {\n" + "\n".join(rows) + "\n};")
    parts.append(f"const uint32_t n_archive = {len(rows)};\n")
    pathlib.Path(output).write_text("\n".join(parts))
    needs = " ".join(str(p.resolve()) for p in [GOLDEN, *(path for _, path in files())])
    pathlib.Path(depfile).write_text(f"{output}: {needs}\n")


main()

#!/usr/bin/env python3
"""Commands for scsynth's non-real-time mode: bundles in big endian, each after its length.

usage: score.py DEFS WORK SECONDS OUT.osc
"""
import struct
import sys


def padded(data):
    return data + b"\0" * (4 - len(data) % 4)


def message(address, *arguments):
    tags, body = ",", b""
    for x in arguments:
        if isinstance(x, int):
            tags, body = tags + "i", body + struct.pack(">i", x)
        elif isinstance(x, float):
            tags, body = tags + "f", body + struct.pack(">f", x)
        elif isinstance(x, str):
            tags, body = tags + "s", body + padded(x.encode())
        else:
            tags, body = tags + "b", body + struct.pack(">i", len(x)) + x + b"\0" * (-len(x) % 4)
    return padded(address.encode()) + padded(tags.encode()) + body


def bundle(seconds, messages):
    body = b"#bundle\0" + struct.pack(">Q", int(seconds * 2**32))
    body += b"".join(struct.pack(">i", len(m)) + m for m in messages)
    return struct.pack(">i", len(body)) + body


def notes(work, seconds):
    """(messages at the start, [(time, message)]) of the works with voices."""
    if work == "E":
        return [], [(n * 1e-4, message("/s_new", "E", -1, 1, 0, "freq", float(200 + n * 37 % 4000)))
                    for n in range(int(seconds * 10000))]
    n_voices, period, gate, keys = (64, 0.25, 0.15, 21) if work == "B" else (256, 1.0, 0.6, 85)
    begin, later = [], []
    for v in range(n_voices):
        begin.append(message("/s_new", work, 1000 + v, 1, 0, *(["pan", v / 31.5 - 1] if work == "B" else [])))
        n = 0
        while (time := (n + v / n_voices) * period) < seconds:
            freq = 110 * 2 ** ((v * 7 + n * 5) % n_voices / keys)
            later.append((time, message("/n_set", 1000 + v, "freq", freq, "gate", 1.0)))
            later.append((time + gate, message("/n_set", 1000 + v, "gate", 0.0)))
            n += 1
    return begin, sorted(later, key=lambda pair: pair[0])


def main():
    defs, work, seconds, out = sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4]
    with open(f"{defs}/{work}.scsyndef", "rb") as file:
        begin = [message("/d_recv", file.read())]
    voices, later = notes(work, seconds) if work in ("B", "C", "E") else ([message("/s_new", work, 1000, 1, 0)], [])
    with open(out, "wb") as file:
        file.write(bundle(0, begin + voices))
        for time, what in later:
            if time < seconds:
                file.write(bundle(time, [what]))
        file.write(bundle(seconds, [message("/c_set", 0, 0)]))


main()

"""A driver on a machine: what it computes, and the first value in which two of them differ."""
import hashlib
import subprocess

SNAPSHOT_TIME = "37/1000"
N_SLICES = 64


class Machine:
    """`command` starts a driver: a path, or an emulator and a path."""

    def __init__(self, command, env=None):
        self.command = [str(word) for word in command]
        self.env = env

    def run(self, *words, stdin=subprocess.DEVNULL):
        """Bytes of standard output; a run that fails is a ValueError."""
        done = subprocess.run([*self.command, *map(str, words)], stdin=stdin, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=1200, env=self.env)
        if done.returncode:
            text = done.stderr.decode(errors="replace").strip() or f"exit {done.returncode}"
            lines = text.splitlines()
            raise ValueError(next((line for line in lines if " error: " in line), lines[0]))
        return done.stdout

    def digest(self, program):
        return self.run("digest", program).decode().splitlines()

    def snapshot(self, program):
        return self.run("save", program, SNAPSHOT_TIME)

    def resumed(self, program, path):
        """From a file: Node may find a pipe empty for the moment and end the input."""
        with open(path, "rb") as snapshot:
            return self.run("resume", program, stdin=snapshot).decode().splitlines()

    def trace(self, program, begin, end, n_slices):
        """{rank: (path, words)}: hashes of slices, or `tick:key time:bits`."""
        text = self.run("trace", program, repr(begin), repr(end), n_slices).decode()
        rows = [line.split("\t") for line in text.splitlines()]
        return {tuple(map(int, row[0].split("."))): (row[1], row[2:]) for row in rows}


def sha(data):
    return hashlib.sha256(data).hexdigest()


def first_slice(a, b):
    """The least index at which some node's hashes differ; None: nowhere."""
    indices = (
        index
        for rank, (_, words) in a.items()
        for index, (x, y) in enumerate(zip(words, b[rank][1]))
        if x != y
    )
    return min(indices, default=None)


def first_value(a, b):
    """(key time, rank, path, tick, bits, bits) of the earliest value that differs; None: none does."""
    found = []
    for rank, (path, words) in a.items():
        for x, y in zip(words, b[rank][1]):
            if x != y:
                tick, key, bits = x.split(":")
                found.append((float(key), rank, path, int(tick), bits, y.split(":")[2]))
                break
    return min(found, default=None)


def bisect(a, b, program):
    """Where `b` first parts from `a`: (path, tick, sentence). Values come to be in the order of their time
    less the lead of their flow, then of the nodes in the plan."""
    begin, end = -1.0, 1.0
    for _ in range(2):
        index = first_slice(a.trace(program, begin, end, N_SLICES), b.trace(program, begin, end, N_SLICES))
        if index is None:
            return None, None, "the values of all nodes agree when they are observed"
        width = (end - begin) / N_SLICES
        begin, end = begin + (index - 0.01) * width, begin + (index + 1.01) * width
    first = first_value(a.trace(program, begin, end, 0), b.trace(program, begin, end, 0))
    if first is None:
        return None, None, "the traces of slices differ and those of ticks agree"
    _, _, path, tick, want, have = first
    return path, tick, f"first at tick {tick} of {path}: {have} instead of {want}"

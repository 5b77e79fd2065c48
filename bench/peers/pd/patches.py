#!/usr/bin/env python3
"""Writes the Pure Data patches of the works, A.pd … G.pd and the voices they clone, into a folder.

usage: patches.py FOLDER
Run one as: pd -batch -nogui -noprefs -nosound -r 48000 -path FOLDER -send "pd dsp 1" -send "go OUT.wav MILLISECONDS" A.pd
"""
import math
import pathlib
import sys


class Patch:
    """Objects in order, wires by their numbers."""

    def __init__(self):
        self.objects, self.wires, self.arrays = [], [], []

    def text(self, head="#N canvas 0 0 600 600 12;"):
        return "\n".join([head, *self.arrays, *self.objects, *self.wires]) + "\n"

    def raw(self, text):
        self.objects.append(text)
        return len(self.objects) - 1

    def add(self, text, kind="obj"):
        return self.raw(f"#X {kind} 10 {10 + 20 * len(self.objects)} {text};")

    def message(self, text):
        return self.add(text, "msg")

    def wire(self, source, outlet, target, inlet=0):
        self.wires.append(f"#X connect {source} {outlet} {target} {inlet};")

    def chain(self, *things):
        """Objects (or numbers of objects) linked first outlet to first inlet; the last one's number."""
        numbers = [x if isinstance(x, int) else self.add(x) for x in things]
        for a, b in zip(numbers, numbers[1:]):
            self.wire(a, 0, b)
        return numbers[-1]

    def index(self, *more):
        """The number of this copy, at the start, through `more`."""
        return self.chain("loadbang", "f \\$1", *more)


def record(patch, sources):
    """Adds what `go FILE MS` starts: tables filled and, at the end, written by soundfiler, which is synchronous
    (writesf~ has a thread that a batch run outpaces)."""
    tables = [f"rec{i}" for i in range(len(sources))]
    writers = []
    for name, (source, outlet) in zip(tables, sources):
        patch.add(f"array define {name}")
        writers.append(patch.add(f"tabwrite~ {name}"))
        patch.wire(source, outlet, writers[-1])
    unpack = patch.chain("r go", "unpack s f")
    name = patch.add("symbol")
    patch.wire(unpack, 0, name, 1)
    start = patch.add("t f b f")
    patch.wire(unpack, 1, start)
    frames = patch.add("* 48")
    patch.wire(start, 2, frames)
    resize = patch.message("".join(f"\\; {table} resize \\$1 " for table in tables))
    patch.wire(frames, 0, resize)
    for writer in writers:
        patch.wire(start, 1, writer)
    wait, end = patch.add("del"), patch.add("t b b")
    patch.wire(start, 0, wait)
    patch.wire(wait, 0, end)
    patch.wire(end, 1, name)
    write = patch.message(f"write -wave -bytes 4 -rate 48000 \\$1 {' '.join(tables)}")
    patch.wire(name, 0, write)
    patch.chain(write, "soundfiler")
    patch.wire(end, 0, patch.message("\\; pd quit"))


def clones(folder, name, voice, n, n_channels=1, more=None):
    """A patch that sums n copies of a voice."""
    (folder / f"voice-{name}.pd").write_text(voice.text())
    patch = Patch()
    if more:
        more(patch)
    copies = patch.add(f"clone -s 0 voice-{name} {n}")
    record(patch, [(copies, i) for i in range(n_channels)])
    (folder / f"{name}.pd").write_text(patch.text())


def begin_notes(patch, period, n):
    """Bangs once a period, copy v at v period / n. (bang, key 0 to n - 1 of the note)."""
    metro = patch.index(f"* {period / n}", "del", f"metro {period}")
    count, more = patch.add("f 0"), patch.add("+ 1")
    patch.wire(metro, 0, count)
    patch.wire(count, 0, more)
    patch.wire(more, 0, count, 1)
    add = patch.add("+ 0")
    patch.wire(patch.index("* 7"), 0, add, 1)
    patch.chain(count, "* 5", add)
    return metro, patch.chain(add, f"mod {n}")


def envelope(patch, metro, gate):
    """The whole envelope in one message; vline~ keeps times between samples."""
    message = patch.message(f"1 10 \\, 0.5 60 10 \\, 0 90 {gate}")
    patch.wire(metro, 0, message)
    return patch.chain(message, "vline~")


def product(patch, a, b):
    times = patch.add("*~")
    patch.wire(a, 0, times)
    patch.wire(b, 0, times, 1)
    return times


def saw_tables(patch):
    """There is no band-limited saw: a table for each octave or so from 110 Hz up, with what is below 24 kHz."""
    for octave, n in enumerate((108, 52, 27)):
        patch.raw(f"#X obj 300 {10 + octave * 20} table saw{octave} 2051;")
        parts = " ".join(f"{2 / math.pi / k:.6f}" for k in range(1, n + 1))
        patch.chain("loadbang", patch.message(f"\\; saw{octave} sinesum 2048 {parts}"))


def sines(folder):
    voice = Patch()
    voice.index("* 7.3", "+ 100", "osc~", "*~ 0.001", "outlet~")
    clones(folder, "A", voice, 1000)


def subtractive(folder):
    voice = Patch()
    metro, key = begin_notes(voice, 250, 64)
    env = envelope(voice, metro, 150)
    split, saw = voice.chain(key, "t f f"), voice.add("tabosc4~ saw0")
    octave = voice.add("div 22")
    voice.wire(split, 1, octave)
    voice.chain(octave, voice.message("set saw\\$1"), saw)
    voice.chain(split, f"* {12 / 21}", "+ 45", "mtof", saw)
    cutoff = voice.chain(env, "*~ 4000", "+~ 300")
    low = voice.chain(saw, "vcf~ 6.5")  # its peak is lower than that of others at the same q
    voice.wire(cutoff, 0, low, 1)
    times = voice.add("*~")
    voice.wire(low, 1, times)
    voice.wire(env, 0, times, 1)
    level = voice.chain(times, "*~ 0.2")
    for shape in ("cos", "sin"):
        gain = voice.add("*~ 0")
        voice.wire(level, 0, gain)
        voice.wire(voice.index(f"* {math.pi / 2 / 63}", shape), 0, gain, 1)
        voice.chain(gain, "outlet~")
    clones(folder, "B", voice, 64, 2, saw_tables)


def modulated(folder):
    voice = Patch()
    metro, key = begin_notes(voice, 1000, 256)
    env = envelope(voice, metro, 600)
    freq = voice.chain(key, f"* {12 / 85}", "+ 45", "mtof", "t f f")
    modulator = voice.chain(freq, "* 2", "osc~")
    # osc~ is a cosine: moving the frequency by one, downwards, lets the phase follow a sine
    depth, hertz, moved = voice.add("*~ 0"), voice.add("* -6"), voice.add("+~ 0")
    voice.wire(env, 0, depth)
    voice.wire(freq, 0, hertz)
    voice.wire(hertz, 0, depth, 1)
    voice.wire(product(voice, modulator, depth), 0, moved)
    voice.wire(freq, 1, moved, 1)
    voice.chain(product(voice, voice.chain(moved, "osc~"), env), "*~ 0.01", "outlet~")
    clones(folder, "C", voice, 256)


def swung(folder):
    """Slow sines by messages, 100 a second; line~ joins them."""
    voice = Patch()
    split = voice.index("t f f")
    step = voice.chain(split, "* 0.05", "+ 0.5", f"* {2 * math.pi / 100}")
    first = voice.add("* 17")
    voice.wire(split, 1, first)
    base = voice.chain(first, "+ 200")
    phase, add, centre = voice.add("f 0"), voice.add("+ 0"), voice.add("+ 0")
    voice.chain("loadbang", "metro 10", phase, add)
    voice.wire(add, 0, phase, 1)
    voice.wire(step, 0, add, 1)
    voice.wire(base, 0, centre, 1)
    voice.chain(phase, "sin", "* 20", centre, "pack f 10", "line~", "osc~", "*~ 0.005", "outlet~")
    clones(folder, "D", voice, 200)


def grains(folder):
    """50 grains in turn, a message each; vline~ begins the window and the phase at a time between two samples."""
    voice = Patch()
    split, window = voice.chain("inlet", "t b f"), voice.message("0 \\, 1 2.5 \\, 0 2.5 2.5")
    voice.wire(split, 0, window)
    turns = voice.add("* 0.005")
    voice.wire(split, 1, turns)
    # cos~ begins a quarter of a turn early, as a sine
    sine = voice.chain(turns, "- 0.25", voice.message("-0.25 \\, \\$1 5"), "vline~", "cos~")
    voice.chain(product(voice, sine, voice.chain(window, "vline~")), "*~ 0.02", "outlet~")
    (folder / "voice-E.pd").write_text(voice.text())
    patch = Patch()
    count, more, pack = patch.chain("loadbang", "metro 0.1", "f 0"), patch.add("+ 1"), patch.add("pack f f")
    patch.wire(count, 0, more)
    patch.wire(more, 0, count, 1)
    split = patch.chain(count, "t f f")
    times = patch.add("* 37")
    patch.wire(split, 1, times)
    patch.wire(patch.chain(times, "mod 4000", "+ 200"), 0, pack, 1)
    patch.wire(patch.chain(split, "mod 50"), 0, pack)
    record(patch, [(patch.chain(pack, "clone -s 0 voice-E 50"), 0)])
    (folder / "E.pd").write_text(patch.text())


def gate(folder):
    inner = Patch()
    source = inner.add("inlet~")
    inner.add("block~ 2048 4")
    window = inner.add("tabreceive~ hann")
    forward = inner.chain(product(inner, source, window), "rfft~")
    squares = []
    for part in (0, 1):
        squares.append(inner.add("*~"))
        inner.wire(forward, part, squares[-1])
        inner.wire(forward, part, squares[-1], 1)
    total = inner.add("+~")
    for part in (0, 1):
        inner.wire(squares[part], 0, total, part)
    passes = inner.chain(total, "-~ 100", "*~ 1e+06", "clip~ 0 1")
    backward = inner.add("rifft~")
    for part in (0, 1):
        kept = inner.add("*~")
        inner.wire(forward, part, kept)
        inner.wire(passes, 0, kept, 1)
        inner.wire(kept, 0, backward, part)
    inner.chain(product(inner, backward, window), f"/~ {2048 * 1.5}", "outlet~")
    hann = [0.5 - 0.5 * math.cos(2 * math.pi * i / 2048) for i in range(2048)]
    rows = [f"#A {i} " + " ".join(f"{x:.6f}" for x in hann[i : i + 64]) + ";" for i in range(0, 2048, 64)]
    patch = Patch()
    noise = patch.chain("noise~", "*~ 0.5")
    sub = patch.raw(inner.text("#N canvas 0 0 400 400 gate 0;") + "#X restore 10 60 pd gate;")
    patch.wire(noise, 0, sub)
    patch.raw("#N canvas 0 0 400 400 (subpatch) 0;\n#X array hann 2048 float 3;\n" + "\n".join(rows)
              + "\n#X coords 0 1 2048 0 200 140 1;\n#X restore 300 60 graph;")
    record(patch, [(sub, 0)])
    (folder / "F.pd").write_text(patch.text())


def combs(folder):
    """Each voice reads its line before it writes it, so that lengths above a block are exact."""
    voice = Patch()
    source = voice.add("inlet~")
    read, write = voice.add("delread~ \\$0-line"), voice.add("delwrite~ \\$0-line 100")
    ticks = voice.index("* 29", "+ 1009", "t f f")
    voice.chain(ticks, "/ 48", read)
    scale = voice.add(f"* {-3 * math.log(10) / 96000:.9g}")
    voice.wire(ticks, 1, scale)
    factor = voice.chain(scale, "exp")
    loop, total = voice.add("*~ 0"), voice.add("+~")
    voice.wire(read, 0, loop)
    voice.wire(factor, 0, loop, 1)
    voice.wire(loop, 0, total)
    voice.wire(source, 0, total, 1)
    voice.wire(total, 0, write)
    voice.chain(read, "outlet~")
    (folder / "voice-G.pd").write_text(voice.text())
    patch = Patch()
    copies = patch.chain("noise~", "*~ 0.0015625", "clone -s 0 voice-G 64")
    record(patch, [(copies, 0)])
    (folder / "G.pd").write_text(patch.text())


def main():
    folder = pathlib.Path(sys.argv[1])
    for work in (sines, subtractive, modulated, swung, grains, gate, combs):
        work(folder)


main()

#!/usr/bin/python3
"""Do two renderings of one work agree in level, spectrum and frequency?

usage: agree.py WORK REFERENCE.wav OUTPUT.wav     prints what was measured; exit 1 when they do not agree
       agree.py --prove KAIRO [WORK...]           wrong variants of every work must be told from the right one

Compared is the same stretch of both, from 0.9 s on, since the works begin with zeros and latencies differ by
less than 50 ms. Level: root of the mean square. Spectrum: power in thirds of an octave. Frequency: power of fine
bins, as lines (A to E) or as resonances of noise (G). F: how the magnitudes of the bins are spread, which says
how many of them the gate took.
"""
import pathlib
import struct
import subprocess
import sys
import tempfile

import numpy

RATE = 48000
BEGIN = 43200  # ticks: 0.9 s
MOST = 10 * RATE
CHANNELS = {"B": 2, "Bc": 2}
# Largest differences: dB of the level, dB of a band, least likeness of the fine spectrum. Wider where the peers'
# own operators differ: shapes of saws and filters, envelopes in steps of a block.
LIMITS = {"A": (0.2, 0.5, 0.99), "B": (0.5, 2.2, 0.83), "C": (0.6, 3.5, 0.94), "D": (0.2, 0.5, 0.98), "F": (0.3, 1, None),
          "G": (0.4, 1.3, 0.97), "E": (0.2, 1.8, 0.99)}
LIMITS |= {"Bc": LIMITS["B"], "Cc": LIMITS["C"], "Ew": LIMITS["E"]}
SPREAD = 0.05  # of the fourth moment, relative


def read_wav(path):
    """Frames x channels as float64; 48 kHz only."""
    data = pathlib.Path(path).read_bytes()
    at, form, body = 12, None, None
    while at + 8 <= len(data) and body is None:
        name, size = struct.unpack_from("<4sI", data, at)
        if name == b"fmt ":
            form = struct.unpack_from("<HHIIHH", data, at + 8)
        if name == b"data":
            body = data[at + 8 : at + 8 + size] if 0 < size < 0xFFFFFFFF else data[at + 8 :]
        at += 8 + size + size % 2
    if form is None or body is None or form[2] != RATE:
        raise ValueError(f"{path} is no WAV file of {RATE} Hz")
    types = {16: ("<i2", 2**15), 32: ("<f4", 1) if form[0] != 1 else ("<i4", 2**31), 64: ("<f8", 1)}
    kind, scale = types[form[5]]
    body = body[: len(body) // form[4] * form[4]]
    return numpy.frombuffer(body, kind).astype(float).reshape(-1, form[1]) / scale


def power(x, size):
    """Mean power spectrum of windowed pieces of `size` ticks, half overlapping."""
    window = numpy.hanning(size)
    pieces = numpy.lib.stride_tricks.sliding_window_view(x, size)[:: size // 2]
    return (numpy.abs(numpy.fft.rfft(pieces * window)) ** 2).mean(axis=0) / (window**2).sum()


def bands(x, lowest=62.5):
    """dB in thirds of an octave from `lowest` Hz to 20 kHz."""
    size = min(8192, len(x))
    p, hz = power(x, size), numpy.fft.rfftfreq(size, 1 / RATE)
    edges = lowest * 2 ** (numpy.arange(round(3 * numpy.log2(20000 / lowest)) + 1) / 3)
    sums = [p[(hz >= a) & (hz < b)].sum() for a, b in zip(edges, edges[1:])]
    return 10 * numpy.log10(numpy.array(sums) / size + 1e-20)


def lines(x):
    """Amplitudes of bins of 1/S Hz, each with its neighbours within 1.5 Hz."""
    p = numpy.abs(numpy.fft.rfft(x * numpy.hanning(len(x)))) ** 2
    n = max(1, round(3 * len(x) / RATE))
    return numpy.sqrt(numpy.convolve(p, numpy.ones(n), "same"))


def resonances(x):
    """Deviations from the mean of the spectrum in dB, 6 Hz apart."""
    p = 10 * numpy.log10(power(x, 8192)[20:-20] + 1e-20)
    return p - p.mean()


def likeness(a, b):
    return float((a * b).sum() / numpy.sqrt((a * a).sum() * (b * b).sum()))


def spread(x):
    """Fourth moment of the bins over the square of the second: 2 for noise, more when bins are missing."""
    pieces = numpy.lib.stride_tricks.sliding_window_view(x, 2048)[::512]
    p = numpy.abs(numpy.fft.rfft(pieces * numpy.hanning(2048), axis=1)[:, 8:-8]) ** 2
    return float((p**2).mean() / p.mean() ** 2)


def compare(work, reference, output):
    """(agrees, text) of two files."""
    try:
        a, b = read_wav(reference), read_wav(output)
    except (OSError, ValueError, KeyError, struct.error) as error:
        return False, str(error)
    n = min(len(a), len(b)) - BEGIN
    channels = CHANNELS.get(work, 1)
    if n < RATE or a.shape[1] != channels or b.shape[1] != channels:
        return False, f"{b.shape[1]} channels, {len(b) / RATE:.2f} s: {channels} and more than 1.9 s wanted"
    a, b = a[BEGIN : BEGIN + min(n, MOST)], b[BEGIN : BEGIN + min(n, MOST)]
    if not numpy.isfinite(b).all() or not (b.std(axis=0) > 1e-6).all():
        return False, "silent or not finite"
    level_limit, band_limit, like_limit = LIMITS[work]
    level = numpy.abs(20 * numpy.log10(b.std(axis=0) / a.std(axis=0))).max()
    worst, like = 0, 1.0
    for x, y in zip(a.T, b.T):
        first, second = (bands(z, 500 if work in "FG" else 62.5) for z in (x, y))
        heard = first > first.max() - 30
        worst = max(worst, numpy.abs(second - first)[heard].max())
        fine = {"F": None, "G": resonances}.get(work, lines)
        if fine is not None:
            like = min(like, likeness(fine(x), fine(y)))
    facts, agrees = [f"level {level:.2f} dB", f"bands {worst:.2f} dB"], level <= level_limit and worst <= band_limit
    if like_limit is not None:
        facts.append(f"lines {like:.4f}")
        agrees = agrees and like >= like_limit
    else:
        ratio = spread(b[:, 0]) / spread(a[:, 0])
        facts.append(f"spread {ratio:.3f}")
        agrees = agrees and abs(ratio - 1) <= SPREAD
    return bool(agrees), ", ".join(facts)


# Changes of the text of a work that a check must notice, and some that change nothing that is heard.
WRONG = {
    "A": [("7.3Hz", "7.31Hz"), ("[0..1000]", "[0..900]"), ("sine(", "saw("), ("0.001", "0.0011")],
    "B": [("q=4", "q=2"), ("4000Hz", "2500Hz"), ("saw(", "square("), ("110Hz * 2", "112Hz * 2"), ("/ 21", "/ 20"), ("31.5", "40"),
          ("dur: 0.15s", "dur: 0.1s"), ("sustain=0.5", "sustain=0.7"), ("voices=64", "voices=36")],
    "C": [("freq * 2", "freq * 3"), ("3rad", "2.5rad"), ("dur: 0.6s", "dur: 0.4s"), ("110Hz * 2", "112Hz * 2"), ("/ 85", "/ 84"),
          ("voices=256", "voices=140")],
    "D": [("* 20Hz", "* 15Hz"), ("17Hz", "17.1Hz"), ("0.05Hz", "0.06Hz"), ("[0..200].map(|i| sine(freq=200", "[0..150].map(|i| sine(freq=200")],
    "E": [("100us, payload", "101us, payload"), ("* 37", "* 38"), ("200Hz + number", "230Hz + number"), ("% 4000", "% 3900"), ("sine(", "saw("),
          ("attack=2.5ms", "attack=2ms"), ("release=2.5ms", "release=3ms"), ("sine(freq)", "sine(freq, phase=freq / 11Hz * 1rad)"),
          ("* 0.02", "* 0.021"), ("voices=64", "voices=24")],
    "F": [("20/1024", "17/1024"), ("20/1024", "0"), ("* 0.5", "* 0.6")],
    "G": [("29 *", "30 *"), ("1009", "1010"), ("-3 *", "-4 *"), ("[0..64]", "[0..48]")],
}
EQUAL = {"E": [("voices=64", "voices=64, round=floor")], "F": [("seed=1", "seed=2")], "G": [("seed=1", "seed=2")]}


def render(kairo, text, seconds, folder, name):
    program = pathlib.Path(folder, f"{name}.kairo")
    program.write_text(text)
    out = pathlib.Path(folder, name)
    subprocess.run([kairo, "render", program, "-d", f"{seconds}s", "-o", out, "--quiet"], check=True)
    return next(out.glob("*.wav"))


def prove(kairo, works):
    """True when every wrong variant is refused and every equal one passes."""
    home, good = pathlib.Path(__file__).resolve().parent / "kairo", True
    with tempfile.TemporaryDirectory(prefix="kairo-agree-") as folder:
        for work in works:
            text, seconds = (home / f"{work}.kairo").read_text(), 6 if work in "FG" else 3.4
            right = render(kairo, text, seconds, folder, work)
            cases = [(a, b, False) for a, b in WRONG[work]] + [(a, b, True) for a, b in EQUAL.get(work, [])]
            for i, (old, new, wanted) in enumerate([("", "", True), *cases]):
                assert old in text, f"{work}: no {old}"
                other = render(kairo, text.replace(old, new, 1), seconds, folder, f"{work}{i}")
                agrees, facts = compare(work, right, other)
                good = good and agrees == wanted
                verdict = ("agrees" if agrees else "differs") + ("" if agrees == wanted else ", WRONGLY")
                print(f"{work} {old or 'itself':>14} -> {new:<14} {verdict:<8} {facts}", flush=True)
    return good


def main():
    words = sys.argv[1:]
    if len(words) >= 2 and words[0] == "--prove":
        return 0 if prove(words[1], words[2:] or list(WRONG)) else 1
    if len(words) != 3 or words[0] not in LIMITS:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    agrees, facts = compare(*words)
    print(f"{words[0]} {'agrees' if agrees else 'differs'}: {facts}")
    return 0 if agrees else 1


if __name__ == "__main__":
    sys.exit(main())

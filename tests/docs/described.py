"""What docs/semantics.md describes, computed again from its words: random numbers, crossings, sums, windows,
the text of a digest. Values are f64, as Python's are, and must agree in every bit."""
import csv
import hashlib
import math
import pathlib
import struct
import subprocess

PROGRAM = """
@seed = 7
@duration = 500ms
flow random(dt=1/100) {
  output plain = noise(seed=3)
  output second = [0..2].map(|i| noise(seed=i))[1]
  output uniform = (noise(seed=3) + 1) / 2
}
flow many(dt=1/100) {
  output all = [0..300].map(|i| noise(seed=i)).sum()
}
flow slow(dt=3/100 phase=1/200) {
  output x = random.plain |> resample(to=sim, mode=nearest)
}
flow fast(dt=1/700) {
  output nearest = resample(random.plain, to=sim, mode=nearest)
  output linear = resample(random.plain, to=sim, mode=linear)
  output cubic = resample(random.plain, to=sim, mode=cubic)
}
flow window(dt=1/30) {
  output mean = mean(random.plain)
  output rms = rms(random.plain)
  output least = min(random.plain, window=100ms)
  output n = count(random.plain)
}
"""


def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [b >> 32 ^ c[1] ^ k[0], b & 0xFFFFFFFF, a >> 32 ^ c[3] ^ k[1], a & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def noise(seed, local, path, tick):
    key = struct.unpack("<II", hashlib.sha256(struct.pack("<QQ", seed, local)).digest()[:8])
    stream = struct.unpack("<I", hashlib.sha256(path.encode()).digest()[:4])[0]
    words = philox([tick & 0xFFFFFFFF, tick >> 32, 0, stream], key)
    return 2 * ((words[0] << 32 | words[1]) >> 11) * 2.0**-53 - 1


def fixed_sum(values):
    """Sixteen columns, chunks of 128."""
    total = [0.0] * 16
    for begin in range(0, max(len(values), 1), 128):
        columns = [0.0] * 16
        for i, value in enumerate(values[begin : begin + 128]):
            columns[i % 16] += value
        total = [a + b for a, b in zip(total, columns)]
    for half in (8, 4, 2, 1):
        total = [total[i] + total[i + half] for i in range(half)]
    return total[0]


def place(num, den, tick, source_num, source_den):
    """(k, a) of reader tick `tick` of dt num/den on a source of dt source_num/source_den."""
    top, bottom = tick * num * source_den, den * source_num
    return top // bottom, (top % bottom) / bottom


def linear(x, k, a):
    return x[k] if a == 0 else x[k] + a * (x[k + 1] - x[k])


def cubic(x, k, a):
    if a == 0:
        return x[k]
    p0 = x[k - 1] if k > 0 else 2 * x[0] - x[1]
    p1, p2, p3 = x[k], x[k + 1], x[k + 2]
    d0, d1, d2 = p1 - p0, p2 - p1, p3 - p2
    m1, m2 = (d0 + d1) / 2, (d1 + d2) / 2
    c2 = 2 * (d1 - m1) + (d1 - m2)
    c3 = (m1 - d1) + (m2 - d1)
    return ((c3 * a + c2) * a + m1) * a + p1


def window(x, tick, n_ticks_back=None):
    """Ticks of a 100 Hz source in the window of tick `tick` of a 30 Hz reader."""
    newest = tick * 100 // 30
    if n_ticks_back is not None:
        return x[max(0, newest - n_ticks_back + 1) : newest + 1] if tick % 3 == 0 else None
    oldest = (tick - 1) * 100 // 30 + 1 if tick > 0 else 0
    return x[oldest : newest + 1]


def expected():
    """{output: values} of 500 ms."""
    x = [noise(7, 3, "random/plain/noise#0", t) for t in range(60)]
    parts = [window(x, t) for t in range(15)]
    wide = [window(x, t, 10) for t in range(15)]
    fast = [place(1, 700, j, 1, 100) for j in range(350)]
    return {
        "random.plain": x[:50],
        "random.second": [noise(7, 1, "random/second/noise#0[1]", t) for t in range(50)],
        "random.uniform": [(noise(7, 3, "random/uniform/noise#0", t) + 1) / 2 for t in range(50)],
        "many.all": [
            fixed_sum([noise(7, i, f"many/all/noise#0[{i}]", t) for i in range(300)]) for t in range(50)
        ],
        "slow.x": [x[max(0, (2 * 3 * k + 1) // 2)] for k in range(17)],
        "fast.nearest": [x[k] for k, _ in fast],
        "fast.linear": [linear(x, k, a) for k, a in fast],
        "fast.cubic": [cubic(x, k, a) for k, a in fast],
        "window.mean": [fixed_sum(p) / len(p) for p in parts],
        "window.rms": [math.sqrt(fixed_sum([v * v for v in p]) / len(p)) for p in parts],
        "window.least": [min(p) if p else None for p in wide],
        "window.n": [float(len(p)) for p in parts],
    }


def compare(name, want, have):
    if len(want) != len(have):
        return f"{len(have)} values, wanted {len(want)}"
    for tick, (a, b) in enumerate(zip(want, have)):
        if a is not None and a != b:
            return f"at tick {tick} it is {b!r}, wanted {a!r}"
    return ""


def digest_of(names, columns, types):
    """The text of --digest from the values."""
    lines = []
    for name in names:
        data = b"".join(struct.pack(types(name), v) for v in columns[name])
        lines.append(f"sha256 {hashlib.sha256(data).hexdigest()} {name}\n")
    text = "".join(lines)
    return text + f"sha256 {hashlib.sha256(text.encode()).hexdigest()} all\n"


def rate_independence(kairo, folder, expect):
    """The table of section 13: a sine of 2 Hz at two rates, read at 48 kHz."""
    out = pathlib.Path(folder) / "rates"
    program = "@duration = 500ms\n"
    for hz in (100, 1000):
        program += f"flow s{hz}(dt=1/{hz}) {{ output sine(freq=2Hz) }}\n"
        for mode in ("linear", "cubic"):
            read = f"resample(s{hz}, to=sim, mode={mode})"
            program += f"flow {mode}{hz}(dt=1/48000) {{ output {read} }}\n"
    command = [kairo, "render", "-", "--quiet", "-o", str(out)]
    done = subprocess.run(command, input=program, capture_output=True, text=True, check=False)
    if done.returncode:
        expect("sines at two rates render", done.stderr or f"exit {done.returncode}")
        return
    for name, most in {"linear100": 1.98e-3, "cubic100": 3.3e-5, "linear1000": 1.98e-5, "cubic1000": 3.3e-8}.items():
        with open(out / f"{name}.csv", newline="") as file:
            values = [float(row[1]) for row in list(csv.reader(file))[1:]]
        errors = [abs(v - math.sin(4 * math.pi * j / 48000)) for j, v in enumerate(values)]
        worst = max(errors, default=1)
        expect(f"the error of {name} is in the table", "" if most / 2 < worst <= most else f"{worst:.4g}, wanted {most}")


def check(kairo, folder, expect):
    rate_independence(kairo, folder, expect)
    out = pathlib.Path(folder) / "described"
    command = [kairo, "render", "-", "--quiet", "--digest", "-o", str(out)]
    done = subprocess.run(command, input=PROGRAM, capture_output=True, text=True, check=False)
    if done.returncode:
        expect("the described program renders", done.stderr or f"exit {done.returncode}")
        return
    known = philox([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2)
    expect("Philox has its known answer", "" if known == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD] else str(known))
    columns = {}
    for name, want in expected().items():
        with open(out / f"{name}.csv", newline="") as file:
            rows = list(csv.reader(file))
        columns[name] = [float(row[1]) for row in rows[1:]]
        expect(f"{name} is what semantics.md describes", compare(name, want, columns[name]))
    whole = {name: [int(v) for v in values] if name == "window.n" else values for name, values in columns.items()}
    text = digest_of(list(whole), whole, lambda name: "<q" if name == "window.n" else "<d")
    expect("the digest is what determinism.md describes", "" if text == done.stdout else f"{text}\n{done.stdout}")

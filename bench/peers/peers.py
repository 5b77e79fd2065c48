"""How each program renders a work to a WAV file: the command, and what it needs before it is timed.

A function here takes the work, seconds (a number), the file to write and a folder for what lasts between works.
"""
import hashlib
import os
import pathlib
import struct
import subprocess

HOME = pathlib.Path(__file__).resolve().parent
BLOCK = 64
# Where the noise of a work stands in its program: it decides the numbers.
NOISE_PLACES = {"F": "source/sound/noise#0", "G": "combs/source/noise#0"}
YARDSTICK_FLAGS = {"baseline": ["-march=x86-64"], "v3": ["-march=x86-64-v3"],
                   "v4": ["-march=x86-64-v4", "-mprefer-vector-width=512"]}
# Copies the host makes of one Faust processor.
FAUST_COPIES = {"A": 20, "B": 64, "C": 256, "D": 20, "E": 1, "G": 1}
FAUST_MODES = {"scalar": [], "vector": ["-vec", "-vs", str(BLOCK), "-lv", "1"]}
CHANNELS = {"B": 2, "Bc": 2}
# Works that another one's program does: the yardstick alone differs.
SAME_PROGRAM = {"Ew": "E"}


def call(*command, **more):
    """Runs a command of the preparation; its last words are the error when it fails."""
    done = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, errors="replace", check=False, **more)
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stdout.strip()[-400:]}")


def write_scsynth_defs(folder):
    defs = folder / "defs"
    defs.mkdir(exist_ok=True)
    if (defs / "G.scsyndef").exists():
        return defs
    env = {**os.environ, "DEFS": str(defs), "QT_QPA_PLATFORM": "offscreen", "QTWEBENGINE_CHROMIUM_FLAGS": "--no-sandbox",
           "HOME": str(folder)}
    try:
        call("sclang", HOME / "scsynth" / "defs.scd", env=env, timeout=120)
    except (RuntimeError, subprocess.TimeoutExpired):
        pass  # its end may fail without a display; the files count
    if not (defs / "G.scsyndef").exists():
        raise RuntimeError("sclang wrote no synth definitions")
    return defs


def scsynth(work, seconds, wav, folder):
    defs, score = write_scsynth_defs(folder), folder / f"{work}.osc"
    call("python3", HOME / "scsynth" / "score.py", defs, work, seconds, score)
    return ["scsynth", "-N", score, "_", wav, "48000", "WAV", "float", "-o", CHANNELS.get(work, 1), "-z", BLOCK,
            "-n", "20000", "-d", "32", "-m", "16384", "-w", "8192", "-D", "0", "-R", "0", "-V", "-1"]


def csound_score(work, seconds):
    if work == "E":
        return "".join(f"i 2 {n * 1e-4:.9f} 0.005 {200 + n * 37 % 4000}\n" for n in range(int(seconds * 10000)))
    if work not in ("B", "C"):
        return f"i 1 0 {seconds}\n"
    n_voices, period, gate, keys = (64, 0.25, 0.15, 21) if work == "B" else (256, 1.0, 0.6, 85)
    times = ((v, n, (n + v / n_voices) * period) for n in range(int(seconds / period) + 1) for v in range(n_voices))
    return "".join(f"i 2 {t:.9f} {period} {110 * 2 ** ((v * 7 + n * 5) % n_voices / keys):.6f} {v / 63:.6f} {gate}\n"
                   for v, n, t in times if t < seconds)


def csound(work, seconds, wav, folder):
    path = folder / f"{work}.csd"
    head = f"sr = 48000\nksmps = {BLOCK}\nnchnls = {CHANNELS.get(work, 1)}\n0dbfs = 1\n"
    orchestra = (HOME / "csound" / f"{work}.orc").read_text()
    path.write_text(f"<CsoundSynthesizer>\n<CsInstruments>\n{head}{orchestra}</CsInstruments>\n<CsScore>\n"
                    f"{csound_score(work, seconds)}e {seconds}\n</CsScore>\n</CsoundSynthesizer>\n")
    accurate = ["--sample-accurate"] if work == "E" else []
    return ["csound", "-d", "-m0", "-W", "-f", *accurate, "-o", wav, path]


def chuck(work, seconds, wav, _folder):
    return ["chuck", "--silent", "--srate:48000", f"{HOME}/chuck/{work}.ck:{wav}:{seconds}"]


def pd(work, seconds, wav, folder):
    patches = folder / "pd"
    if not (patches / "G.pd").exists():
        patches.mkdir(exist_ok=True)
        call("python3", HOME / "pd" / "patches.py", patches)
    return ["pd", "-batch", "-nogui", "-noprefs", "-nosound", "-r", "48000", "-path", patches, "-send", "pd dsp 1",
            "-send", f"go {wav} {seconds * 1000}", patches / f"{work}.pd"]


def faust(mode):
    """Compiled for this machine with loose floating point, as its users do."""
    def prepare(work, seconds, wav, folder):
        program = folder / f"faust-{work}-{mode}"
        if not program.exists():
            source = program.with_suffix(".cpp")
            call("faust", *FAUST_MODES[mode], "-I", HOME / "faust", "-a", HOME / "faust" / "host.cpp",
                 HOME / "faust" / f"{work}.dsp", "-o", source)
            call("g++", "-Ofast", "-march=native", "-w", f"-DCOPIES={FAUST_COPIES[work]}", source, "-o", program)
        return [program, wav, seconds, BLOCK]
    return prepare


def kairo(program, level):
    def prepare(work, seconds, wav, folder):
        out = folder / wav.stem
        text = HOME / "kairo" / f"{SAME_PROGRAM.get(work, work)}.kairo"
        command = ["env", f"KAIRO_ISA={level}", program, "render", text, "-d", f"{seconds}s", "--block", BLOCK, "--quiet"]
        return [*command, "-o", out]
    return prepare


def noise_words(work):
    """Key and stream of the work's noise (docs/semantics.md, randomness), for the yardstick."""
    if work not in NOISE_PLACES:
        return []
    key = hashlib.sha256(struct.pack("<QQ", 0, 1)).digest()[:8]
    place = hashlib.sha256(NOISE_PLACES[work].encode()).digest()[:4]
    return [str(word) for word in struct.unpack("<III", key + place)]


def build_yardstick(level, program):
    sources = sorted((HOME / "yardstick").glob("*.c"))
    call("cc", "-std=c17", "-O3", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror", *YARDSTICK_FLAGS[level], *sources,
         "-o", program, "-lm")


def yardstick(level):
    def prepare(work, seconds, wav, folder):
        program = folder / f"yardstick-{level}"
        if not program.exists():
            build_yardstick(level, program)
        return [program, work, wav, seconds, BLOCK, *noise_words(work)]
    return prepare

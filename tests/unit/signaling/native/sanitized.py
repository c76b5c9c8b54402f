"""`python -m tests.unit.signaling.native.sanitized SECONDS [FIRST_SEED]`: the worlds on a build that watches memory.

Builds the library with the compiler's address and undefined-behaviour sanitizers into a folder of its own, starts
itself again under their runtime, and plays worlds, hostile packets first, until the time is over. The sanitizer ends
the process at the first wrong access; the seed that is then said replays it.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from signaling.native import build
from signaling.native.build import Native
from signaling.native.twin import NativeStream
from signaling.rtp.packet import Codec
from tests.unit.signaling.native.worlds import CLOCK_HZ, MAIN_TYPE, RED_TYPE, World

FLAGS = ("-g", "-O1", "-fno-omit-frame-pointer", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
_CHILD = "SANITIZED_LIBRARY"


def runtimes() -> str:
    """The sanitizers' libraries, to be there before everything else."""
    compiler = build.compiler()
    assert compiler is not None
    found = [
        subprocess.run([compiler, f"-print-file-name={name}"], capture_output=True, text=True, check=True)
        for name in ("libasan.so", "libubsan.so")
    ]
    return " ".join(each.stdout.strip() for each in found)


def junk(native: Native, seed: int, packets: int) -> None:
    """Random octets that pass for RTP, straight into the parser."""
    rng = random.Random(seed)
    streams = [
        NativeStream(
            native,
            ssrc=1,
            codec=codec,
            clock_rate_hz=CLOCK_HZ[codec],
            payload_type=MAIN_TYPE,
            red_payload_type=RED_TYPE,
            audio_level_id=3,
        )
        for codec in Codec
    ]
    for _ in range(packets):
        size = rng.choice((rng.randrange(12, 60), rng.randrange(12, 1600)))
        packet = bytearray(rng.randbytes(size))
        packet[0] = 0x80 | packet[0] & 0x3F if rng.random() < 0.9 else packet[0]
        packet[1] = packet[1] & 0x80 | rng.choice((MAIN_TYPE, RED_TYPE))
        packet[2:4] = (rng.randrange(300)).to_bytes(2, "big")
        for stream in streams:
            stream.accept(bytes(packet), 1.0)


def play(library: Path, seconds: float, seed: int) -> None:
    """Worlds one after the other; the seed of each is noted before it begins."""
    native, why = build.open_library(library)
    assert native is not None, why
    ends = time.monotonic() + seconds
    worlds = 0
    while time.monotonic() < ends:
        (library.parent / "seed").write_text(str(seed + worlds))
        junk(native, seed + worlds, 200)
        world = World(native, seed + worlds)
        world.mutants = 0.3
        world.run(80)
        worlds += 1
    print(f"{worlds} worlds from seed {seed}: no difference, no wrong access")


def main(arguments: list[str]) -> int:
    seconds = float(arguments[0]) if arguments else 10.0
    seed = int(arguments[1]) if len(arguments) > 1 else 0
    library = os.environ.get(_CHILD)
    if library:
        play(Path(library), seconds, seed)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        built = build.build(extra_flags=FLAGS, folder=Path(folder))
        environment = {
            **os.environ,
            _CHILD: str(built),
            "LD_PRELOAD": runtimes(),
            "PYTHONMALLOC": "malloc",  # the interpreter's own arenas would hide a read beyond a packet
            "ASAN_OPTIONS": "detect_leaks=0",  # the interpreter never frees all
            "UBSAN_OPTIONS": "print_stacktrace=1",
        }
        command = [sys.executable, "-m", "tests.unit.signaling.native.sanitized", str(seconds), str(seed)]
        done = subprocess.run(command, env=environment, check=False, timeout=seconds + 120)
        if done.returncode:
            print(f"failed at seed {(built.parent / 'seed').read_text()}")
        return done.returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

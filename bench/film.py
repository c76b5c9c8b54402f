"""How fast the film of a hearing is made: four people, 640 × 480 at 30 frames/s, to a 720p grid.

Run: python -m bench.film [--quick]. The recording is synthetic but goes through the real recorder; the film
through the real composer with its command line. Baseline of the same run: the finished film decoded and encoded
again with the same settings, which is the encoder's own speed and nothing else.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import av
from av import VideoFrame

from recorder.film import FilmWriter
from recorder.grid import FILM_HEIGHT_PX, FILM_WIDTH_PX
from tests.recorder import synthetic_hearing
from tests.recorder.synthetic_hearing import Actor, Network, Order, Stage

PEOPLE = 4
SIZE = (640, 480)
RATE_HZ = 30
# Coarse moving texture under camera noise: costs the encoders about what a face before a wall costs.
GRAIN = 24


def moving_picture(size: tuple[int, int], colour: tuple[int, int, int], *, phase: int) -> VideoFrame:
    """A textured picture that moves with `phase`, and fresh noise over it."""
    dice = random.Random(phase)
    small = VideoFrame(size[0] // GRAIN & ~1, size[1] // GRAIN & ~1, "yuv420p")
    still = random.Random(7)
    for plane, middle in zip(small.planes, colour, strict=True):
        row = bytes(max(16, min(235, middle + still.randrange(-40, 41))) for _ in range(plane.line_size * 4))
        shift = phase // 3 % plane.line_size
        plane.update((row * (plane.buffer_size // len(row) + 2))[shift : shift + plane.buffer_size])
    frame = small.reformat(*size, interpolation="BICUBIC")
    luma = memoryview(frame.planes[0])
    noise = dice.randbytes(4096)
    for _ in range(900):  # specks, as a cheap sensor has them
        at = dice.randrange(len(luma) - 8)
        luma[at : at + 4] = noise[at % 4000 : at % 4000 + 4]
    return frame


def record(folder: Path, length_s: float) -> int:
    """Record the hearing; bytes of the journal."""
    frames: dict[tuple[int, int, int], int] = {}

    def next_picture(size: tuple[int, int], colour: tuple[int, int, int]) -> VideoFrame:
        frames[colour] = frames.get(colour, 0) + 1
        return moving_picture(size, colour, phase=frames[colour])

    synthetic_hearing.paint = next_picture
    base = Actor("", (0, 0, 0), 440, size=SIZE, rate_hz=RATE_HZ, until_s=length_s, key_every_s=4)
    base = replace(base, network=Network(jitter_ms=6), bit_rate=900_000)
    actors = [
        replace(
            base,
            identity=f"per_{index}",
            colour=(80 + 30 * index, 110 + 10 * index, 140),
            tone_hz=400 + 200 * index,
        )
        for index in range(PEOPLE)
    ]
    stage = Stage(folder)
    stage.play(actors, [Order(0, "opened"), Order(length_s, "closed")])
    manifest = stage.close()
    return sum(segment.size_bytes for segment in manifest.segments)


def compose(folder: Path, film: Path) -> tuple[float, float, float, float]:
    """Run the composer as the court does: (film seconds, seconds, CPU seconds, peak MB)."""
    labels = folder.parent / "labels.json"
    people = {f"per_{index}": {"name": f"当事人{index + 1}", "role": "原告"} for index in range(PEOPLE)}
    labels.write_text(json.dumps({"case_number": "（2026）京0491民初1号", "title": "测速", "people": people}))
    command = [sys.executable, "-m", "recorder.compose", str(folder), str(film), "--labels", str(labels)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started_s = time.monotonic()
    answer = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)
    spent_s = time.monotonic() - started_s
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = json.loads(answer.stdout.splitlines()[-1])
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done["duration_s"], spent_s, cpu_s, after.ru_maxrss / 1024


def encode_again(film: Path, again: Path) -> tuple[float, float]:
    """(Seconds, CPU seconds) to decode the film and encode it with the same writer."""
    started_s, cpu_s = time.monotonic(), time.process_time()
    with (
        av.open(str(film)) as source,
        FilmWriter(again, width=FILM_WIDTH_PX, height=FILM_HEIGHT_PX) as writer,
    ):
        for frame in source.decode(video=0):
            writer.picture(frame)
    return time.monotonic() - started_s, time.process_time() - cpu_s


def main() -> int:
    """Print progress, then the figures as one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="6 s of hearing instead of 60 s")
    length_s = 6.0 if parser.parse_args().quick else 60.0
    with tempfile.TemporaryDirectory() as place:
        folder, film = Path(place) / "recording", Path(place) / "film.mp4"
        print(f"recording {length_s:.0f} s with {PEOPLE} people …", flush=True)
        journal_bytes = record(folder, length_s)
        print(f"journal {journal_bytes / 1e6:.1f} MB; composing …", flush=True)
        film_s, spent_s, cpu_s, peak_mb = compose(folder, film)
        print(f"film {film_s:.1f} s in {spent_s:.1f} s; encoding it again …", flush=True)
        again_s, again_cpu_s = encode_again(film, Path(place) / "again.mp4")
        film_bytes = film.stat().st_size
    speed, bare = film_s / spent_s, film_s / again_s
    print(f"peak memory {peak_mb:.0f} MB", flush=True)
    figures = {
        "film_speed": _figure(speed, "x real time", "the same film decoded and encoded again", bare),
        "film_cpu": _figure(
            cpu_s / film_s,
            "CPU s per film s",
            "the same film decoded and encoded again",
            again_cpu_s / film_s,
        ),
        "film_size": _figure(
            film_bytes * 8 / film_s / 1e6, "Mbit/s", "journal", journal_bytes * 8 / film_s / 1e6
        ),
    }
    print(json.dumps({"name": "film", "figures": figures}))
    return 0


def _figure(value: float, unit: str, baseline: str, baseline_value: float) -> dict[str, float | str]:
    return {
        "value": round(value, 3),
        "unit": unit,
        "baseline": baseline,
        "baseline_value": round(baseline_value, 3),
        "ratio": round(value / baseline_value, 3),
    }


if __name__ == "__main__":
    sys.exit(main())

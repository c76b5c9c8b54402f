"""How fast the film of a hearing is made, how soon it is there after closing, how fast a record is verified.

Run: python -m bench.film [--quick] [--long MINUTES]; `bench.record` has these figures among its own. Four people in
720p with three layers, composed to a 720p grid by the composer's command line. Baselines of the same run: the `ffmpeg`
binary on the same grid with the same preset, options and threads (fed the top layer, as a recorder without layers has
it; and fed the layer that fits), a plain SHA-256 of the same files, a plain copy of the film's bytes. Without an
`ffmpeg` in the path the baseline is 0, and said so. `--long` measures one thing: a long hearing whose pieces were made
while it ran, from its closing to its film, beside joining alone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.filmed import CLIP_S, FITTING, PEOPLE, TOP, Clip, FilmedHearing, make_clip, write_matroska
from bench.measure import Figure, figure, print_result
from recorder.account.manifest import Manifest
from recorder.film.composer import Composer, Wanted
from recorder.film.film import KEY_FRAME_TICKS, SOUND_BITS_PER_S, VIDEO_OPTIONS
from recorder.film.grid import FILM_HEIGHT_PX, FILM_WIDTH_PX, grid_cells
from recorder.film.joining import JoinedFilm, join_pieces
from recorder.film.labels import labels_of
from recorder.film.pieces import read_index
from recorder.film.timeline import FILM_RATE_HZ
from recorder.folder import segment_files
from recorder.reading.growing import GrowingRecording
from recorder.reading.verify import verify

LABELS = {
    "case_number": "（2026）京0491民初1号",
    "title": "测速",
    "people": {f"per_{index}": {"name": f"当事人{index + 1}", "role": "原告"} for index in range(PEOPLE)},
}
LONG_FILM_S, LONG_FILM_QUICK_S = 3 * 3600, 5 * 60


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds by the clock and of CPU."""

    wall_s: float
    cpu_s: float


def run(command: Sequence[str]) -> tuple[Spent, str]:
    """Run a program to its end; what it took with all its children, and its output."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began_s = time.monotonic()
    answer = subprocess.run(command, check=True, capture_output=True, text=True, timeout=1800)
    wall_s = time.monotonic() - began_s
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Spent(wall_s, cpu_s), answer.stdout


def compose(folder: Path, film: Path, labels: Path) -> tuple[Spent, dict[str, float]]:
    """The composer as the court runs it, but not niced below everything else."""
    spent, said = run(
        [sys.executable, "-m", "recorder.film.compose", str(folder), str(film), "--labels", str(labels)]
    )
    return spent, json.loads(said.splitlines()[-1])


def ffmpeg(place: Path, clip: Clip, layer: str, seconds: int) -> Spent | None:
    """The binary on the same grid. None when there is none."""
    if shutil.which("ffmpeg") is None:
        return None
    source = place / f"{layer}.mkv"
    if not source.exists():
        write_matroska(source, clip, layer, seconds)
    inputs: list[str] = []
    chains: list[str] = []
    places: list[str] = []
    for index, cell in enumerate(grid_cells(PEOPLE)):
        inputs += ["-i", str(source)]
        box = cell.picture
        fitted = f"scale={box.width}:{box.height}:force_original_aspect_ratio=decrease:force_divisible_by=2"
        padded = f"pad={box.width}:{box.height}:(ow-iw)/2:(oh-ih)/2"
        chains.append(f"[{index}:v]fps={FILM_RATE_HZ},{fitted}:flags=bilinear,{padded}[v{index}]")
        places.append(f"{box.x}_{box.y}")
    pictures = "".join(f"[v{index}]" for index in range(PEOPLE))
    voices = "".join(f"[{index}:a]" for index in range(PEOPLE))
    stack = f"{pictures}xstack=inputs={PEOPLE}:layout={'|'.join(places)}:fill=black"
    chains.append(f"{stack},pad={FILM_WIDTH_PX}:{FILM_HEIGHT_PX}:0:0[v]")
    chains.append(f"{voices}amix=inputs={PEOPLE}:normalize=0[a]")
    options = [part for name, value in VIDEO_OPTIONS.items() for part in (f"-{name}:v", value)]
    threads = str(min(os.cpu_count() or 1, 2))
    spent, _ = run(
        ["ffmpeg", "-v", "error", "-y", *inputs, "-filter_complex", ";".join(chains), "-map", "[v]", "-map", "[a]",
         "-c:v", "libx264", *options, "-g", str(KEY_FRAME_TICKS), "-threads", threads, "-pix_fmt", "yuv420p",
         "-c:a", "aac", "-b:a", str(SOUND_BITS_PER_S), "-ac", "1", "-movflags", "+faststart",
         "-t", str(seconds), str(place / f"{layer}.mp4")]
    )  # fmt: skip
    return spent


def film_figures(*, quick: bool) -> dict[str, Figure]:
    """All figures of this bench."""
    seconds, rounds = (32, 1) if quick else (96, 3)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        print("preparing …", flush=True)
        clip = make_clip(CLIP_S // 2 if quick else CLIP_S)
        labels = place / "labels.json"
        labels.write_text(json.dumps(LABELS), "utf-8")
        figures, folder = _ready_after_closing(place, clip, labels, seconds)
        figures |= _verified(folder, rounds)
        figures |= _speed(place, clip, folder, labels, rounds, seconds, quick=quick)
        figures |= _joined(place, LONG_FILM_QUICK_S if quick else LONG_FILM_S)
    return figures


def _ready_after_closing(
    place: Path, clip: Clip, labels: Path, seconds: int
) -> tuple[dict[str, Figure], Path]:
    """Pieces are made while the hearing runs; then the court closes, and the clock runs until the film is there."""
    folder, film = place / "recording", place / "live" / "film.mp4"
    film.parent.mkdir()
    hearing = FilmedHearing(folder, clip)
    hearing.play(seconds)
    growing = GrowingRecording(folder)
    growing.refresh()
    wanted = Wanted(labels_of(LABELS))
    print("composing while recording …", flush=True)
    Composer(film, workers=2).compose_ready(growing.recording(), wanted, growing.sealed_ns)
    ready_s = sum(piece.ticks for piece in read_index(film).pieces) / FILM_RATE_HZ
    began_s = time.monotonic()
    hearing.close()
    _, said = compose(folder, film, labels)
    waited_s = time.monotonic() - began_s
    print(
        f"{ready_s:.0f} of {seconds} s were ready at closing; {said['made']} pieces made after it", flush=True
    )
    return {"close_to_ready_s": figure(waited_s, "s", "the goal", 30.0)}, folder


def long_figures(minutes: float) -> dict[str, Figure]:
    """A long hearing composed while it runs, in steps of a minute; then from the closing to the film."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        labels = place / "labels.json"
        labels.write_text(json.dumps(LABELS), "utf-8")
        folder, film = place / "recording", place / "live" / "film.mp4"
        film.parent.mkdir()
        hearing, composer = FilmedHearing(folder, make_clip()), Composer(film, workers=2)
        growing, wanted = GrowingRecording(folder), Wanted(labels_of(LABELS))
        for minute in range(round(minutes)):
            hearing.play(60)
            growing.refresh()
            made = composer.compose_ready(growing.recording(), wanted, growing.sealed_ns)
            print(f"minute {minute + 1}: {made} pieces", flush=True)
        began_s = time.monotonic()
        hearing.close()
        sealed_s = time.monotonic() - began_s
        spent, said = compose(folder, film, labels)
        waited_s = time.monotonic() - began_s
        again, _ = compose(folder, film, labels)
        print(
            f"{minutes:.0f} min: sealed in {sealed_s:.1f} s, {said['made']} pieces made after closing, "
            f"film in {spent.wall_s:.1f} s (CPU {spent.cpu_s:.1f} s); joined again in {again.wall_s:.1f} s",
            flush=True,
        )
    return {
        "close_to_ready_long_s": figure(waited_s, f"s after {minutes:.0f} min", "the goal", 30.0),
        "close_to_ready_long_cpu_s": figure(spent.cpu_s, "CPU s", "joining what is there", again.cpu_s),
    }


def _verified(folder: Path, rounds: int) -> dict[str, Figure]:
    """A record whose root is vouched for, and one whose account is drawn up anew."""
    root = Manifest.load(folder).root_sha256
    size_mb = sum(file.path.stat().st_size for file in segment_files(folder)) / 1e6
    plain: list[float] = []
    vouched: list[float] = []
    account: list[float] = []
    for _ in range(rounds + 1):
        began_s = time.monotonic()
        for file in segment_files(folder):
            hashlib.sha256(file.path.read_bytes()).digest()
        plain.append(size_mb / (time.monotonic() - began_s))
        for root_sha256, speeds in ((root, vouched), ("", account)):
            began_s = time.monotonic()
            if verify(folder, root_sha256=root_sha256):
                raise SystemExit("the recording does not verify")
            speeds.append(size_mb / (time.monotonic() - began_s))
    against = "plain SHA-256 of the same files, MB/s"
    return {
        "verify_mb_per_s": figure(max(vouched), "MB/s", against, max(plain)),
        "verify_account_mb_per_s": figure(max(account), "MB/s", against, max(plain)),
    }


def _speed(
    place: Path, clip: Clip, folder: Path, labels: Path, rounds: int, seconds: int, *, quick: bool
) -> dict[str, Figure]:
    ours: list[Spent] = []
    top: list[Spent] = []
    fitting: list[Spent] = []
    for turn in range(rounds):
        film = place / str(turn) / "film.mp4"
        film.parent.mkdir()
        spent, said = compose(folder, film, labels)
        ours.append(spent)
        print(f"film {said['duration_s']:.0f} s in {spent.wall_s:.1f} s, CPU {spent.cpu_s:.1f} s", flush=True)
        for layer, found in ((TOP, top), (FITTING, fitting)):
            if quick and layer == FITTING:
                continue
            once = ffmpeg(place, clip, layer, seconds)
            if once is None:
                print("no ffmpeg in the path: no baseline", flush=True)
            else:
                found.append(once)
                print(f"ffmpeg, layer {layer}: {once.wall_s:.1f} s, CPU {once.cpu_s:.1f} s", flush=True)
    best = min(ours, key=lambda one: one.wall_s)
    none = Spent(0.0, 0.0)
    top_s = min(top, key=lambda one: one.wall_s, default=none)
    fitting_s = min(fitting, key=lambda one: one.wall_s, default=none)

    def speed(spent: Spent) -> float:
        return seconds / spent.wall_s if spent.wall_s else 0.0

    name = "ffmpeg binary, same grid, preset and threads"
    figures = {
        "film_speed_x_realtime": figure(speed(best), "x real time", f"{name}, fed 720p", speed(top_s)),
        "film_cpu": figure(
            best.cpu_s / seconds, "CPU s per film s", f"{name}, fed 720p", top_s.cpu_s / seconds
        ),
    }
    if not quick:
        figures |= {
            "film_speed_same_layer": figure(
                speed(best), "x real time", f"{name}, fed the layer that fits", speed(fitting_s)
            ),
            "film_cpu_same_layer": figure(
                best.cpu_s / seconds,
                "CPU s per film s",
                f"{name}, fed the layer that fits",
                fitting_s.cpu_s / seconds,
            ),
        }
    return figures


def _joined(place: Path, seconds: int) -> dict[str, Figure]:
    """A film of hours joined from pieces, against copying as many bytes."""
    film = place / "live" / "film.mp4"
    pieces = read_index(film).pieces
    row: list[tuple[Path, int]] = []
    ticks = 0
    while ticks < seconds * FILM_RATE_HZ:
        piece = pieces[len(row) % len(pieces)]
        if piece.ticks % 8 == 0:
            row.append((film.parent / "pieces" / piece.name, ticks))
            ticks += piece.ticks
        else:
            pieces = tuple(one for one in pieces if one is not piece)
    target = place / "long.mp4"
    began_s = time.monotonic()
    join_pieces(row, ticks, target, JoinedFilm("", "", (), ()))
    joined_s = time.monotonic() - began_s
    began_s = time.monotonic()
    shutil.copyfile(target, place / "copy.mp4")
    with (place / "copy.mp4").open("rb") as copied:
        os.fsync(copied.fileno())
    copied_s = time.monotonic() - began_s
    hours = ticks / FILM_RATE_HZ / 3600
    print(f"{hours:.2f} h joined in {joined_s:.1f} s, copied in {copied_s:.1f} s", flush=True)
    return {
        "join_s_per_hour": figure(
            joined_s / hours, "s per film hour", "copy and sync of the same bytes", copied_s / hours
        )
    }


def main() -> int:
    """Print progress, then the figures as one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="32 s of hearing instead of 96 s, one round")
    parser.add_argument(
        "--long", type=float, default=0, metavar="MINUTES", help="only a hearing of this length"
    )
    options = parser.parse_args()
    figures = long_figures(options.long) if options.long else film_figures(quick=options.quick)
    print_result("film", figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())

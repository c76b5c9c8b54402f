"""Makes the segments of a delayed live view from the film's pieces: copied packet by packet, nothing encoded anew.

    python -m recorder.delivery.live_hls FOLDER FILM OUT

Takes every piece that stands in the film's index, writes each once as an MPEG transport stream OUT/KEY.ts and
replaces OUT/index.json: {"segments": [{"number", "name", "duration_s", "until_utc_ns"}]}, in film order. A piece is a
part of the film and holds no more than the film does: sealed spans and pauses are cards in it. Exit code 0 when nothing
is left to do, 3 while there is nothing to read yet.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from recorder.account.inventory import SegmentHeader
from recorder.clock import HearingClock
from recorder.durable import Disk
from recorder.film.pieces import PIECES_FOLDER, FilmPiece, read_index
from recorder.film.timeline import FILM_RATE_HZ
from recorder.folder import segment_files
from recorder.journal import decode_record
from recorder.reading.recording import SEGMENT_HEADER_BYTES

INDEX_NAME = "index.json"
NICE_LEVEL = 10
# The clock of a transport stream begins above zero, so that no time before a key frame is negative.
_CLOCK_START_S = 10
_DISK = Disk()


def make_segments(folder: Path, film: Path, out: Path) -> int:
    """Make what is missing and replace the index; how many segments it names. OSError, av.FFmpegError, ValueError."""
    pieces = read_index(film).pieces
    clock = clock_of(folder)
    _DISK.make_folder(out)
    segments = []
    for number, piece in enumerate(pieces):
        name = f"{piece.key}.ts"
        if not (out / name).is_file():
            _write(film.parent / PIECES_FOLDER / piece.name, piece, out / name)
        segments.append(
            {
                "number": number,
                "name": name,
                "duration_s": piece.ticks / FILM_RATE_HZ,
                "until_utc_ns": str(clock.utc_ns(piece.until_ns)),
            }
        )
    _DISK.replace_file(out / INDEX_NAME, json.dumps({"segments": segments}).encode())
    return len(segments)


def clock_of(folder: Path) -> HearingClock:
    """The hearing clock as the journal's segment headers tell it. ValueError while there is none."""
    runs = {}
    for file in segment_files(folder):
        with file.path.open("rb") as opened:
            record = decode_record(opened.read(SEGMENT_HEADER_BYTES), 0)
        if record is not None:
            run = SegmentHeader.from_record(record).run
            runs[run.run] = run
    if not runs:
        raise ValueError("no journal yet")
    return HearingClock(tuple(runs[number] for number in sorted(runs)))


def _write(source: Path, piece: FilmPiece, target: Path) -> None:
    part = target.with_name(f".{target.name}.part")
    try:
        with (
            av.open(str(source)) as read,
            av.open(str(part), "w", format="mpegts", options={"mpegts_copyts": "1"}) as out,
        ):
            streams = {stream.index: out.add_stream_from_template(stream) for stream in read.streams}
            for packet in read.demux():
                if packet.dts is None or packet.pts is None or packet.time_base is None:
                    continue
                start_s = Fraction(piece.film_tick, FILM_RATE_HZ) + _CLOCK_START_S
                shift = round(start_s / packet.time_base)
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                packet.stream = streams[packet.stream.index]
                out.mux(packet)
        _DISK.publish(part, target)
    finally:
        _DISK.discard(part)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m recorder.delivery.live_hls", description=__doc__)
    for name in ("folder", "film", "out"):
        parser.add_argument(name, type=Path)
    options: Any = parser.parse_args(arguments)
    os.nice(NICE_LEVEL)
    try:
        make_segments(options.folder, options.film, options.out)
    except (OSError, ValueError, av.FFmpegError):
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Pieces of a film for one viewer: marked all over, without a seam in sound or picture, and nothing behind the end."""

from __future__ import annotations

import io
import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import pytest

from recorder.delivery.watermark import PieceRequest, marked_piece
from tests.recorder.small_film import write_small_film

WIDTH, HEIGHT, SECONDS, GREY = 320, 180, 5, 90
WHO = "林书瑶 a1b2c3 2026-11-22 19:15"


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five grey seconds, each a little brighter than the one before, under a tone."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    write_small_film(path, SECONDS, size=(WIDTH, HEIGHT), step=10)
    return path


def pictures(piece: bytes) -> list[Any]:
    with av.open(io.BytesIO(piece), "r") as container:
        return list(container.decode(container.streams.video[0]))


def luma(frame: Any) -> bytes:
    plane = frame.planes[0]
    data = bytes(plane)
    return b"".join(data[at : at + WIDTH] for at in range(0, plane.line_size * HEIGHT, plane.line_size))


def sound_times(piece: bytes) -> list[float]:
    with av.open(io.BytesIO(piece), "r") as container:
        stream = container.streams.audio[0]
        return [
            float(p.pts * p.time_base) for p in container.demux(stream) if p.pts is not None and p.time_base
        ]


def test_pieces__one_after_the_other__hold_every_picture_and_every_sound_once(film: Path) -> None:
    pieces = [marked_piece(PieceRequest(film, from_s, 2.0, WHO)) for from_s in (0.0, 2.0, 4.0)]
    frames = [pictures(piece) for piece in pieces]
    assert [len(part) for part in frames] == [50, 50, 25]
    times = [frame.time for part in frames for frame in part]
    assert all(abs(b - a - 0.04) < 0.001 for a, b in itertools.pairwise(times))
    assert all(part[0].key_frame for part in frames), "each piece can be the first"
    for number, part in enumerate(frames):
        middle = sorted(luma(part[0]))[WIDTH * HEIGHT // 2]
        assert abs(middle - (GREY + number * 20)) <= 3, "the pictures of that second"
    heard = [at for piece in pieces for at in sound_times(piece)]
    steps = [b - a for a, b in itertools.pairwise(heard)]
    assert max(steps) < 1.5 * min(steps), "no packet of sound is missing or twice"


def test_mark__in_every_picture__reaches_all_parts_and_hides_none(film: Path) -> None:
    for frame in pictures(marked_piece(PieceRequest(film, 1.0, 1.0, WHO)))[::8]:
        page, usual = luma(frame), GREY + 10
        for top in range(0, HEIGHT, HEIGHT // 2):
            for left in range(0, WIDTH, WIDTH // 2):
                part = [
                    page[y * WIDTH + x]
                    for y in range(top, top + HEIGHT // 2)
                    for x in range(left, left + WIDTH // 2)
                ]
                marked = sum(abs(value - usual) > 8 for value in part)
                assert 0.01 < marked / len(part) < 0.4, (top, left)
                assert max(part) < usual + 60, "what is under it can be seen"


def test_mark__of_another_viewer__is_another_picture(film: Path) -> None:
    one, other = (pictures(marked_piece(PieceRequest(film, 0.0, 1.0, who)))[5] for who in (WHO, "周明远"))
    assert sum(abs(a - b) > 8 for a, b in zip(luma(one), luma(other), strict=True)) > 100


def test_piece__behind_the_end__is_refused(film: Path) -> None:
    with pytest.raises(ValueError, match="nothing"):
        marked_piece(PieceRequest(film, SECONDS + 1.0, 2.0, WHO))


@pytest.fixture
def worker() -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "recorder.delivery.watermark"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield process
        process.kill()


def ask(worker: subprocess.Popen[bytes], line: str) -> tuple[dict[str, Any], bytes]:
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdin.write(line.encode() + b"\n")
    worker.stdin.flush()
    answer = json.loads(worker.stdout.readline())
    return answer, worker.stdout.read(answer.get("bytes", 0))


def test_worker__asked_nonsense__says_so_and_serves_the_next(
    worker: subprocess.Popen[bytes], film: Path
) -> None:
    for line in ("nonsense", "{}", '{"film": "/no/film", "from_s": 0, "seconds": 2, "text": "x"}'):
        answer, piece = ask(worker, line)
        assert (answer["ok"], piece) == (False, b"")
    answer, piece = ask(worker, json.dumps({"film": str(film), "from_s": 0, "seconds": 1, "text": WHO}))
    assert answer["ok"]
    assert len(pictures(piece)) == 25

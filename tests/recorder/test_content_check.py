"""The watcher's child on real recordings: sound or none, pictures that move or stand; and how it is locked up."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from recorder.content.still_picture import stands_still
from recorder.folder import segment_files
from tests.recorder.synthetic_hearing import Actor, Order, Stage

LENGTH_S = 14.0
MOVING = Actor("per_moving", (90, 90, 160), 500, until_s=LENGTH_S, key_every_s=60)
# No flash and no beep in all the time: a picture of one colour, a sound of zeros.
DEAD = Actor("per_dead", (120, 60, 200), 700, until_s=LENGTH_S, first_flash_s=1e6, key_every_s=60)
DEAD_H264 = Actor(
    "per_h264", (60, 120, 90), 700, until_s=LENGTH_S, first_flash_s=1e6, codec="H264", key_every_s=60
)
GONE = Actor("per_gone", (100, 60, 60), 900, until_s=3)


class Child:
    """`python -m recorder.content.content_check`."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "recorder.content.content_check"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.ready = self._read()

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, asked: object) -> dict[str, Any]:
        assert self._process.stdin is not None
        print(
            json.dumps(asked) if not isinstance(asked, str) else asked, file=self._process.stdin, flush=True
        )
        return self._read()

    def look(self, folder: Path, *people: str, after: int = 0) -> dict[str, Any]:
        return self.ask({"folder": str(folder), "after": after, "listen_to": people})

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        said: dict[str, Any] = json.loads(self._process.stdout.readline())
        return said

    def close(self) -> int:
        self._process.communicate(timeout=30)
        return self._process.returncode


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("content") / "recording"
    stage = Stage(folder)
    stage.play([MOVING, DEAD, DEAD_H264, GONE], [Order(0, "opened"), Order(LENGTH_S, "closed")])
    stage.close()
    return folder


def _line(piece: dict[str, Any], identity: str, source: str) -> dict[str, Any]:
    found: dict[str, Any] = next(
        line for line in piece["lines"] if (line["identity"], line["source"]) == (identity, source)
    )
    return found


def test_child__asked_piece_by_piece__tells_sound_from_silence_and_movement_from_standstill(
    recording: Path, tmp_path: Path
) -> None:
    growing = tmp_path / "growing" / "journal"
    growing.mkdir(parents=True)
    child, pieces = Child(), list[dict[str, Any]]()
    for file in segment_files(recording):
        (growing / file.path.name).write_bytes(file.path.read_bytes())
        pieces += child.look(growing.parent, "per_moving", "per_dead", after=file.number - 1)["pieces"]
    early, late = pieces[0], next(piece for piece in pieces if piece["segment"] == 3)  # 8 to 12 s
    assert _line(late, "per_moving", "microphone")["peak_dbfs"] > -20
    assert _line(late, "per_dead", "microphone")["peak_dbfs"] < -60
    assert _line(late, "per_h264", "microphone")["peak_dbfs"] is None  # nobody asked to listen to it
    assert not _line(late, "per_moving", "camera")["is_still"]
    assert _line(late, "per_dead", "camera")["is_still"]
    assert _line(late, "per_h264", "camera")["is_still"]
    assert not _line(early, "per_dead", "camera")["is_still"]  # too early to tell
    assert ("per_gone", "camera") not in {(line["identity"], line["source"]) for line in late["lines"]}
    assert all(line["broken"] == 0 for piece in pieces for line in piece["lines"])
    assert pieces == sorted(pieces, key=lambda piece: piece["segment"])
    assert all(piece["from_utc_ns"] <= piece["until_utc_ns"] for piece in pieces)
    assert child.close() == 0


def test_child__asked_after_a_long_while__takes_the_newest_pieces_alone(recording: Path) -> None:
    child = Child()
    said = child.look(recording)
    newest = [file.number for file in segment_files(recording)][-4:]
    assert [piece["segment"] for piece in said["pieces"]] == newest
    assert child.look(recording, after=newest[-1])["pieces"] == []
    assert child.close() == 0


def test_child__once_started__is_locked_up(recording: Path) -> None:
    child = Child()
    limits = Path("/proc", str(child.pid), "limits").read_text(encoding="ascii")
    status = Path("/proc", str(child.pid), "status").read_text(encoding="ascii")
    soft = {line[:26].strip(): line[26:].split()[0] for line in limits.splitlines()}
    assert soft["Max file size"] == "0"
    assert soft["Max address space"] == str(1 << 30)
    assert soft["Max cpu time"] == "3600"
    assert int(soft["Max open files"]) <= 64
    assert "NoNewPrivs:\t1" in status
    if not child.ready["network"]:
        devices = Path("/proc", str(child.pid), "net", "dev").read_text(encoding="ascii").splitlines()[2:]
        assert [line.split(":")[0].strip() for line in devices] == ["lo"]
    assert child.close() == 0


def test_child__given_nonsense__answers_and_lives_on(recording: Path, tmp_path: Path) -> None:
    child = Child()
    assert "error" in child.ask("no json at all")
    assert "error" in child.ask({"folder": 1})
    journal = tmp_path / "damaged" / "journal"
    journal.mkdir(parents=True)
    (journal / "00000001.seg").write_bytes(bytes(range(256)) * 400)
    assert child.look(tmp_path / "damaged", "per_dead")["pieces"] == []
    whole = segment_files(recording)[0].path.read_bytes()
    (journal / "00000002.seg").write_bytes(whole[: len(whole) // 2])
    assert [piece["segment"] for piece in child.look(tmp_path / "damaged")["pieces"]] == [1]
    assert child.look(tmp_path / "nothing")["pieces"] == []
    assert child.close() == 0


def test_still_picture__with_no_key_frame_to_begin_at__is_not_known(recording: Path, tmp_path: Path) -> None:
    journal = tmp_path / "r" / "journal"
    journal.mkdir(parents=True)
    for file in segment_files(recording)[2:4]:
        (journal / file.path.name).write_bytes(file.path.read_bytes())
    numbers = {"per_dead": 4, "per_moving": 2}
    for number in numbers.values():
        assert stands_still(tmp_path / "r", number, lasting_s=3, until_segment=99) is None
    assert stands_still(recording, 4, lasting_s=8, until_segment=4) is True
    assert stands_still(recording, 2, lasting_s=8, until_segment=4) is False

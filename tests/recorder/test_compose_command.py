"""The composer's command line: exit codes, progress, and no half films."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from recorder.film.labels import LabelsError, labels_of
from tests.recorder.film_probe import FilmProbe
from tests.recorder.synthetic_hearing import Actor, Order, Stage

ACTOR = Actor("per_a", (90, 90, 160), 500, until_s=2)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("command") / "recording"
    stage = Stage(folder)
    stage.play([ACTOR], [Order(0, "opened"), Order(2, "closed")])
    stage.close()
    return folder


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.json"
    path.write_text(json.dumps({"case_number": "案号", "people": {"per_a": {"name": "甲", "role": "原告"}}}))
    return path


def run(*arguments: object) -> tuple[int, list[dict[str, Any]]]:
    command = [sys.executable, "-m", "recorder.film.compose", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]


def test_command__when_all_is_well__then_progress_ends_in_done(
    recording: Path, labels: Path, tmp_path: Path
) -> None:
    film = tmp_path / "film.mp4"
    code, lines = run(recording, film, "--labels", labels, "--progress")
    assert code == 0
    assert lines[0]["stage"] == "survey"
    done = lines[-1]
    assert done["stage"] == "done"
    assert done["duration_s"] == 2
    assert done["size_bytes"] == film.stat().st_size
    assert done["problems"] == []
    told = [line["progress"] for line in lines]
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0, 1)
    assert FilmProbe(film).picture_s == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "film.mp4",
        "film.mp4.pieces.json",
        "film.mp4.timeline.json",
        "labels.json",
        "pieces",
    ]


@pytest.mark.parametrize(
    ("text", "exit_code", "code"),
    [
        ("not json", 2, "labels.invalid"),
        ('{"language": "fr"}', 2, "labels.invalid"),
        ('{"people": {"x": 3}}', 2, "labels.invalid"),
        ('{"utc_offset_minutes": 1e9}', 2, "labels.invalid"),
        (None, 2, "file.unreadable"),
    ],
)
def test_command__when_labels_are_wrong__then_it_says_so(
    recording: Path, tmp_path: Path, text: str | None, exit_code: int, code: str
) -> None:
    path = tmp_path / "labels.json"
    if text is not None:
        path.write_text(text)
    assert run(recording, tmp_path / "film.mp4", "--labels", path) == (exit_code, [_failure(code)])
    assert not (tmp_path / "film.mp4").exists()


class _failure(dict):  # type: ignore[type-arg]
    """Equal to any failure line with this code and a title."""

    def __init__(self, code: str) -> None:
        super().__init__(code=code)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, dict) and other["stage"] == "failed" and other["code"] == self["code"]

    __hash__ = None


def test_command__when_there_is_no_recording__then_it_says_so(labels: Path, tmp_path: Path) -> None:
    code, lines = run(tmp_path / "nothing", tmp_path / "film.mp4", "--labels", labels)
    assert (code, lines) == (3, [_failure("recording.unreadable")])


def test_command__when_the_place_cannot_be_written__then_it_says_so(
    recording: Path, labels: Path, tmp_path: Path
) -> None:
    code, lines = run(recording, tmp_path / "no folder" / "film.mp4", "--labels", labels)
    assert (code, lines) == (4, [_failure("film.unwritable")])


def test_command__when_it_is_stopped__then_no_half_film_is_left(labels: Path, tmp_path: Path) -> None:
    stage = Stage(tmp_path / "recording")
    stage.play([ACTOR], [Order(0, "opened")])
    stage.until(90)
    stage.until_synced()
    stage.close()
    film = tmp_path / "out" / "film.mp4"
    film.parent.mkdir()
    film.write_bytes(b"the film before")
    (film.parent / ".film.mp4.999999999.part").write_bytes(b"left by a composer that was killed")
    command = [
        sys.executable,
        "-m",
        "recorder.film.compose",
        str(tmp_path / "recording"),
        str(film),
        "--labels",
        str(labels),
    ]
    with subprocess.Popen([*command, "--progress"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        parts: list[Path] = []
        until_s = time.monotonic() + 60
        while not parts and time.monotonic() < until_s and process.poll() is None:
            parts = list((film.parent / "pieces").glob(".*.part"))
            time.sleep(0.005)
        assert parts, "it was stopped while it wrote"
        os.kill(process.pid, signal.SIGTERM)
        rest = process.stdout.read().splitlines()
        assert process.wait(timeout=60) == 130
    assert json.loads(rest[-1])["code"] == "interrupted"
    left = sorted(path.name for path in film.parent.iterdir())
    assert left == [".film.mp4.999999999.part", "film.mp4", "pieces"]
    assert film.read_bytes() == b"the film before"
    assert not list((film.parent / "pieces").glob(".*")), "whole pieces stay for the next time"
    done = run(tmp_path / "recording", film, "--labels", labels)[1][-1]
    assert 0 < done["made"] <= done["sections"]
    assert not list(film.parent.glob(".*")), "what was left behind is cleaned away"


def test_command__when_the_disk_takes_no_more__then_it_says_so(
    recording: Path, labels: Path, tmp_path: Path
) -> None:
    film = tmp_path / "out" / "film.mp4"
    film.parent.mkdir()
    command = [
        sys.executable,
        "-m",
        "recorder.film.compose",
        str(recording),
        str(film),
        "--labels",
        str(labels),
    ]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000)),
    )
    assert done.returncode == 4
    assert json.loads(done.stdout.splitlines()[-1]) == _failure("film.disk_full")
    assert [path for path in film.parent.rglob("*") if path.is_file()] == []


def test_labels__when_a_name_is_endless__then_it_is_refused() -> None:
    with pytest.raises(LabelsError, match="name must be text"):
        labels_of({"people": {"x": {"name": "名" * 300, "role": ""}}})


def test_labels__when_somebody_is_unknown__then_the_film_says_so() -> None:
    labels = labels_of({"people": {}})
    assert labels.person("per_x").name == "未登记人员"
    assert labels.zone_text() == "UTC+8"
    assert labels_of({"utc_offset_minutes": -210}).zone_text() == "UTC-3:30"

"""The film's worker killed at 24 seeded moments: never half a film under its name, and the next one finishes it."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.recorder.film_probe import FilmProbe
from tests.recorder.kill_drill import ForkServer
from tests.recorder.synthetic_hearing import Actor, Order, Stage

ACTOR = Actor("per_a", (90, 90, 160), 500, until_s=2)
AT_ONCE = 3


@pytest.mark.parametrize(
    "kills", [24, pytest.param(300, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])]
)
def test_film__when_its_worker_is_killed_at_any_moment__then_it_is_whole_or_not_there(
    kills: int, tmp_path: Path
) -> None:
    folder = tmp_path / "recording"
    stage = Stage(folder)
    stage.play([ACTOR], [Order(0, "opened"), Order(2, "closed")])
    stage.close()
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps({"people": {"per_a": {"name": "甲", "role": "原告"}}}), encoding="utf-8")
    films = [tmp_path / f"{number}" / "film.mp4" for number in range(AT_ONCE)]
    dice, finished = random.Random(9), 0
    with ForkServer("film") as server:
        for film in films:
            film.parent.mkdir()
        for _ in range(kills // AT_ONCE):
            running = [(server.fork("film", folder, film, labels), film) for film in films]
            for pid, film in running:
                time.sleep(dice.uniform(0.0, 0.25))
                finished += _killed(pid, film)
        for film in films:
            pid = server.fork("film", folder, film, labels)
            _await_end(pid)
            assert FilmProbe(film).picture_s == 2
            assert [path.name for path in film.parent.rglob("*.part")] == []
    assert finished < kills  # some were killed in the middle


def _killed(pid: int, film: Path) -> bool:
    """True when the film was finished before the kill, or by an earlier one."""
    if Path("/proc", str(pid)).exists():
        os.kill(pid, signal.SIGKILL)
    _await_end(pid)
    if not film.exists():
        return False
    assert FilmProbe(film).picture_s == 2
    film.unlink()
    return True


def _await_end(pid: int) -> None:
    deadline_s = time.monotonic() + 120
    while Path("/proc", str(pid)).exists():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)

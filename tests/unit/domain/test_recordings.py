"""Recording and film: what may follow what."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hearing_server.domain.recording.recordings import (
    Film,
    FilmState,
    Recording,
    RecordingState,
    WritingState,
    WritingStatus,
)
from hearing_server.errors import Conflict
from hearing_server.kernel import HearingId, RecordingId
from tests.unit.court_pieces import NOW, at

READY = (
    Film().queued().composing(progress_permille=300).ready(duration_s=61.5, size_bytes=9, sha256="ab" * 32)
)
RUNNING = Recording(RecordingId("rec_1"), HearingId("hrg_1"), RecordingState.RECORDING, NOW)


def sealed() -> Recording:
    done = RUNNING.sealed(at=at(60), tracks=6, segments=30, size_bytes=1000, root_sha256="cd" * 32, gaps=())
    return replace(done, film=READY)


def test_film__walk__goes_one_way_and_can_be_queued_again() -> None:
    film = Film().queued().composing(progress_permille=500)
    assert film.composing(progress_permille=200).progress_permille == 500
    with pytest.raises(Conflict, match="in_work"):
        film.queued()
    failed = film.failed("decoder")
    assert (failed.state, failed.error) == (FilmState.FAILED, "decoder")
    assert (failed.queued().attempt, failed.queued().error) == (2, None)
    with pytest.raises(Conflict, match="wrong_state"):
        READY.composing(progress_permille=1)
    with pytest.raises(Conflict, match="wrong_state"):
        Film().ready(duration_s=1, size_bytes=1, sha256="x")


def test_recording__sealed__is_final() -> None:
    done = sealed()
    again = done.sealed(at=at(99), tracks=1, segments=1, size_bytes=1, root_sha256="cd" * 32, gaps=())
    assert again is done
    with pytest.raises(Conflict, match="not_running"):
        done.sealed(at=at(99), tracks=1, segments=1, size_bytes=1, root_sha256="ef" * 32, gaps=())
    with pytest.raises(Conflict, match="not_running"):
        done.failed(at=at(99))


@pytest.mark.parametrize(
    ("state", "age_s", "is_proven"),
    [
        (WritingState.WRITING, 1.9, True),
        (WritingState.WRITING, 2.1, False),
        (WritingState.PAUSED, 0.0, True),
        (WritingState.STALLED, 0.0, False),
        (WritingState.IDLE, 0.0, False),
    ],
)
def test_proof__old_or_stalled__is_none(state: WritingState, age_s: float, is_proven: bool) -> None:
    assert WritingStatus(state, 5, None, NOW).is_proven(at(age_s)) is is_proven
    assert not WritingStatus(state).is_proven(NOW)

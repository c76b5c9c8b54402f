"""Whose pieces the watcher of contents looks into, and that none is judged twice."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from hearing_server.adapters.bus import MemoryBus
from hearing_server.domain.recording.content_rules import LineSeen, PieceSeen, RoomLook
from hearing_server.domain.recording.failures import Failure, FailureKind
from hearing_server.domain.recording.recorders import RecorderLight, RecorderName
from hearing_server.domain.recording.recordings import Recording, RecordingState, WritingState, WritingStatus
from hearing_server.kernel import CourtId, FailureId, PersonId, RecordingId
from hearing_server.ports.units import Units
from hearing_server.services.recording.content_watch import ContentWatch, _Watched
from hearing_server.services.recording.record_folders import RecordFolders
from hearing_server.services.recording.recorder_watch import RecorderWatch
from tests.unit.court_pieces import NOW, PLAINTIFF, at, in_session
from tests.unit.test_recorder_watch import LateClock

LINE = (PLAINTIFF, "camera")


class Pieces:
    """A check that finds what it is told to find, three seconds a piece, in either folder."""

    def __init__(self) -> None:
        self.sealed: dict[Path, list[PieceSeen]] = {}
        self.asked: list[tuple[str, int]] = []

    def seal(self, folder: Path, number: int, begins_s: float, *, packets: int = 50) -> None:
        line = LineSeen(LINE[0], LINE[1], packets, None, 0, is_still=False)
        piece = PieceSeen(number, at(begins_s), at(begins_s + 3), (line,) if packets else ())
        self.sealed.setdefault(folder, []).append(piece)

    async def look(self, folder: Path, *, after: int, listen_to: Iterable[PersonId]) -> tuple[PieceSeen, ...]:
        self.asked.append((folder.parent.name, after))
        return tuple(piece for piece in self.sealed.get(folder, ()) if piece.number > after)

    async def stop(self) -> None: ...


@pytest.fixture
def clock() -> LateClock:
    return LateClock()


class Scene:
    """One recording, watched every three seconds."""

    def __init__(self, tmp_path: Path, clock: LateClock) -> None:
        self.clock = clock
        self.pieces = Pieces()
        folders = RecordFolders(tmp_path / "first", tmp_path / "second")
        self.recording = Recording(RecordingId("rec_1"), in_session().id, RecordingState.RECORDING, NOW)
        self.first, self.second = folders.by_recorder(self.recording.id).values()
        self.watched = _Watched(is_known=True)
        self.watch = ContentWatch(
            cast(Units, None),
            clock,
            self.pieces,
            cast(RecorderWatch, None),
            folders,
            MemoryBus(),
            CourtId("crt_1"),
        )

    async def look(self, *, first: bool = True, second: bool = True) -> list[tuple[FailureKind, bool]]:
        """One look, with these recorders writing."""
        self.clock.now += timedelta(seconds=3)
        since_s = int((self.clock.now - NOW).total_seconds())
        for second_of in range(since_s - 3, since_s):
            self.watched.rules.look(RoomLook(at(second_of), None, frozenset({LINE}), is_recorded=True))
        lights = (
            RecorderLight(RecorderName.FIRST, is_writing=first),
            RecorderLight(RecorderName.SECOND, is_writing=second),
        )
        status = WritingStatus(WritingState.WRITING, 0.0, None, NOW, lights)
        found = await self.watch._contents(self.watched, self.recording, in_session(), status)
        return [(finding.kind, finding.is_over) for finding in found]


async def test_watch__while_the_first_stands_still__looks_into_the_second(
    tmp_path: Path, clock: LateClock
) -> None:
    scene = Scene(tmp_path, clock)
    scene.pieces.seal(scene.first, 1, 0)
    assert await scene.look() == []
    # The second's first piece begins in what was judged already, where the line was well.
    scene.pieces.seal(scene.second, 1, 1)
    scene.pieces.seal(scene.second, 2, 4, packets=0)
    assert await scene.look(first=False) == []
    scene.pieces.seal(scene.second, 3, 7, packets=0)
    assert await scene.look(first=False) == [(FailureKind.MISSING, False)]
    scene.pieces.seal(scene.first, 2, 9)
    assert await scene.look() == []
    scene.pieces.seal(scene.first, 3, 12)
    assert await scene.look() == [(FailureKind.MISSING, True)]
    assert scene.pieces.asked == [("first", 0), ("second", 0), ("second", 2), ("first", 1), ("first", 2)]


async def test_watch__when_neither_or_only_the_first_writes__looks_into_the_first(
    tmp_path: Path, clock: LateClock
) -> None:
    scene = Scene(tmp_path, clock)
    await scene.look(first=False, second=False)
    await scene.look(second=False)
    assert {folder for folder, _ in scene.pieces.asked} == {"first"}


@pytest.mark.parametrize("is_still_wrong", [True, False])
async def test_failure__left_open_by_a_process_that_died__ends_only_when_the_line_is_well(
    tmp_path: Path, clock: LateClock, is_still_wrong: bool
) -> None:
    scene = Scene(tmp_path, clock)
    left = Failure(
        id=FailureId("fai_1"), hearing_id=scene.recording.hearing_id, recording_id=scene.recording.id,
        case_id=in_session().case_id, kind=FailureKind.MISSING, person_id=LINE[0], source=LINE[1],
        began_at=NOW, noticed_at=NOW, cause=None,
    )  # fmt: skip
    scene.watched.open[FailureKind.MISSING, LINE] = left
    told = []
    for number in range(1, 6):
        scene.pieces.seal(scene.first, number, number * 3 - 3, packets=0 if is_still_wrong else 50)
        told += await scene.look()
        told += await scene.look() if number == 3 else []  # a look between two pieces finds nothing new
    assert told == [(FailureKind.MISSING, not is_still_wrong)]

"""Segments that a real recorder seals become acts, each once, whatever stops in between."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from hearing_server.adapters.sealed_segments import FolderSegments
from hearing_server.domain.acts import Act, ActKind
from hearing_server.domain.recording.recordings import Recording, RecordingState
from hearing_server.kernel import CaseId, CourtId, HearingId, RecordingId, SystemClock
from hearing_server.services.recording.record_folders import RecordFolders
from hearing_server.services.trust.segment_acts import SegmentActs
from hearing_server.storage.act_log import SqlActLog
from hearing_server.storage.unit_of_work import SqlUnits
from recorder.durable import Disk
from recorder.folder import segment_files
from recorder.writing.session import RecordingSession
from tests.recorder.stepped_session import NoSyncs, Stepped, SteppedClock, stepped_writers
from tests.unit.court_pieces import at

CASE = CaseId("cas_1")
RECORDING = Recording(RecordingId("rec_1"), HearingId("hrg_1"), RecordingState.RECORDING, started_at=at(0))


def noting(units: SqlUnits, folder: Path) -> SegmentActs:
    return SegmentActs(units, SystemClock(), CourtId("crt_1"), RecordFolders(folder), FolderSegments())


async def record(folder: Path, *, segments: int) -> None:
    """A recorder that seals every few moments, until so many segments are sealed; then it is closed."""
    session = RecordingSession.create(folder / RECORDING.id, recording_id=RECORDING.id, seal_s=0.05)
    async with asyncio.timeout(60):
        while len(segment_files(folder / RECORDING.id)) < segments:
            session.mark(kind="note", text="x" * 1000, at_ns=time.monotonic_ns())
            await asyncio.sleep(0.02)
    await session.close()


def record_at_once(folder: Path, *, segments: int) -> None:
    """As many segments without waiting for any."""
    with stepped_writers():
        session = Stepped(folder / RECORDING.id, SteppedClock(), Disk(NoSyncs()), seal_s=1.0)
        session.begin_tracks()
        session.speak(0, segments)
        session.close()


async def acts(units: SqlUnits) -> list[Act]:
    async with units.read() as unit:
        return await unit.acts.after(CASE, 0, 1000)


def logged(found: list[Act]) -> list[tuple[int, str, int]]:
    pieces = []
    for act in found:
        assert act.kind is ActKind.RECORDING_SEGMENT_SEALED
        assert act.payload["recorder"] == "first"
        segments = act.payload["segments"]
        assert isinstance(segments, list)
        pieces += [(one["number"], one["sha256"], one["size"]) for one in segments]
        assert len(act.entry) <= 4096
    return pieces


async def on_disk(folder: Path) -> list[tuple[int, str, int]]:
    found = await FolderSegments().after(folder / RECORDING.id, 0, 10_000)
    return [(piece.number, piece.sha256, piece.size_bytes) for piece in found]


async def test_segments__sealed_while_it_runs__are_acts_each_once(units: SqlUnits, tmp_path: Path) -> None:
    recording = asyncio.create_task(record(tmp_path, segments=4))
    service = noting(units, tmp_path)
    while not recording.done():
        await service.note(RECORDING, CASE)
        await asyncio.sleep(0.1)
    await recording
    await service.note(RECORDING, CASE)
    assert await service.note(RECORDING, CASE) == 0
    assert logged(await acts(units)) == await on_disk(tmp_path)


async def test_segments__after_a_long_absence_or_from_two_processes__are_acts_once(
    units: SqlUnits, tmp_path: Path
) -> None:
    await asyncio.to_thread(record_at_once, tmp_path, segments=26)
    written = await asyncio.gather(*(noting(units, tmp_path).note(RECORDING, CASE) for _ in range(4)))
    assert sum(written) >= 2
    assert logged(await acts(units)) == await on_disk(tmp_path)
    assert len(await acts(units)) == -(-len(await on_disk(tmp_path)) // 24)


async def test_segments__when_the_commit_fails__are_noted_the_next_time(
    units: SqlUnits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await asyncio.to_thread(record_at_once, tmp_path, segments=5)
    service = noting(units, tmp_path)

    async def die(*_: object) -> None:
        raise OSError("power cut")

    with monkeypatch.context() as patched:
        patched.setattr(SqlActLog, "place", die)
        with pytest.raises(OSError, match="power cut"):
            await service.note(RECORDING, CASE)
    assert await acts(units) == []
    await service.note(RECORDING, CASE)
    assert logged(await acts(units)) == await on_disk(tmp_path)

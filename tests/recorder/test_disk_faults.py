"""A disk that fails at any single step, or for a while: nothing offered is lost, nothing counts twice."""

from __future__ import annotations

import asyncio
import errno
import time
from pathlib import Path

import pytest

from recorder.account.manifest import GapCause
from recorder.reading.recording import open_recording, take_inventory
from recorder.reading.recovery import recover
from recorder.reading.verify import verify
from recorder.writing import writer as writer_module
from recorder.writing.session import RecordingFailure, RecordingSession
from tests.recorder.faulty_disk import FaultyDisk
from tests.recorder.packets import MS, feed_audio, microphone, rtp, sequence_of


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorter waits than a court's disk gets, so that every step of a run can be tried."""
    monkeypatch.setattr(writer_module, "RETRY_S", 0.01)
    monkeypatch.setattr(writer_module, "TICK_S", 0.01)


async def _play(folder: Path, disk: FaultyDisk, alarms: list[str | None]) -> int:
    """A short run over several seals; returns how many packets were offered. Raises RecordingFailure from create."""
    session = RecordingSession.create(
        folder, recording_id="rec_1", disk=disk, seal_s=0.03, on_alarm=alarms.append
    )
    start_ns = time.monotonic_ns()
    session.track_started(microphone(), start_ns)
    for part in range(4):
        feed_audio(session, "audio-1", start_ns + part * 10 * 20 * MS, 10, first=part * 10)
        await asyncio.sleep(0.02)
    await session.close()
    await asyncio.sleep(0)
    return 40


def _numbers(folder: Path) -> list[int]:
    recording = open_recording(folder)
    return [
        sequence_of(packet.data) for track in recording.tracks for packet in recording.packets(track.number)
    ]


async def _steps_of_a_good_run(folder: Path) -> int:
    disk = FaultyDisk(errno.EIO)
    await _play(folder, disk, [])
    return disk.calls


@pytest.mark.parametrize("error_number", [errno.ENOSPC, errno.EIO])
async def test_recording__when_the_disk_fails_once_at_any_step__then_nothing_is_lost_or_doubled(
    error_number: int, tmp_path: Path
) -> None:
    steps = await _steps_of_a_good_run(tmp_path / "good")
    assert steps >= 15
    survived, codes = 0, set[str]()
    for step in range(1, steps + 1):
        folder, alarms = tmp_path / f"step-{step}", list[str | None]()
        disk = FaultyDisk(error_number, frozenset({step}))
        try:
            offered = await _play(folder, disk, alarms)
        except RecordingFailure as failure:
            codes.add(failure.code)
            continue  # refused at the beginning, or the manifest could not be written: both said aloud
        survived += 1
        assert _numbers(folder) == list(range(offered)), step
        assert verify(folder) == [], step
        manifest = open_recording(folder).manifest
        assert manifest == take_inventory(folder), step
        if alarms:
            assert alarms[0] in ("disk.full", "disk.io")
            assert [incident.kind for incident in manifest.incidents] == ["disk"]
    assert survived >= steps // 2
    assert codes == {"disk.full" if error_number == errno.ENOSPC else "disk.io"}


@pytest.mark.parametrize("error_number", [errno.ENOSPC, errno.EIO])
async def test_recording__when_the_disk_fails_for_a_while__then_it_catches_up(
    error_number: int, tmp_path: Path
) -> None:
    folder, disk, alarms = tmp_path / "r", FaultyDisk(error_number), list[str | None]()
    session = RecordingSession.create(folder, recording_id="rec_1", disk=disk, on_alarm=alarms.append)
    start_ns = time.monotonic_ns()
    session.track_started(microphone(), start_ns)
    at_ns = feed_audio(session, "audio-1", start_ns, 50)
    await asyncio.sleep(0.3)
    disk.broken = True
    at_ns = feed_audio(session, "audio-1", at_ns, 50, first=50)
    await _until_alarms(alarms, 1)
    proof = session.proof()
    assert not proof.advancing
    assert proof.failure == ("disk.full" if error_number == errno.ENOSPC else "disk.io")
    safe = _numbers_on_disk(folder)
    assert safe[:50] == list(range(50))  # what was on the disk before stays readable all the while
    disk.broken = False
    await _until_alarms(alarms, 2)
    feed_audio(session, "audio-1", at_ns, 50, first=100)
    manifest = await session.close()
    assert alarms == [proof.failure, None]
    assert _numbers(folder) == list(range(150))
    assert [incident.kind for incident in manifest.incidents] == ["disk"]
    assert [gap for gap in manifest.gaps if gap.cause != GapCause.ABSENT] == []
    assert verify(folder) == []


async def test_recording__when_the_memory_fills_while_the_disk_fails__then_the_gap_is_the_disks(
    tmp_path: Path,
) -> None:
    folder, disk, alarms = tmp_path / "r", FaultyDisk(errno.ENOSPC), list[str | None]()
    session = RecordingSession.create(
        folder, recording_id="rec_1", disk=disk, on_alarm=alarms.append, queue_bytes=100_000
    )
    start_ns = time.monotonic_ns()
    session.track_started(microphone(), start_ns)
    disk.broken = True
    at_ns = feed_audio(session, "audio-1", start_ns, 10)
    await _until_alarms(alarms, 1)
    at_ns = feed_audio(session, "audio-1", at_ns, 1000, first=10)
    disk.broken = False
    await _until_alarms(alarms, 2)
    session.packet("audio-1", rtp(1010, 1010 * 960), at_ns)
    manifest = await session.close()
    gaps = [gap for gap in manifest.gaps if gap.cause == GapCause.DISK]
    assert len(gaps) == 1
    kept = manifest.tracks[0].packets
    assert kept < 1011
    assert abs(gaps[0].until_ns - gaps[0].from_ns - (1011 - kept) * 20 * MS) <= 100 * MS
    assert verify(folder) == []


async def test_close__when_the_disk_takes_nothing_more__then_it_says_so_and_the_record_can_go_on(
    tmp_path: Path,
) -> None:
    folder, disk = tmp_path / "r", FaultyDisk(errno.ENOSPC)
    session = RecordingSession.create(folder, recording_id="rec_1", disk=disk)
    start_ns = time.monotonic_ns()
    session.track_started(microphone(), start_ns)
    at_ns = feed_audio(session, "audio-1", start_ns, 50)
    await asyncio.sleep(0.4)
    disk.broken = True
    feed_audio(session, "audio-1", at_ns, 50, first=50)
    with pytest.raises(RecordingFailure) as caught:
        await session.close()
    assert caught.value.code == "disk.full"
    report = recover(folder)
    assert not report.manifest.closed
    assert _numbers(folder)[:50] == list(range(50))
    assert verify(folder) == []
    again = RecordingSession.create(folder, recording_id="rec_1")
    manifest = await again.close()
    assert [incident.kind for incident in manifest.incidents] == ["crash"]
    assert verify(folder) == []


def test_create__when_the_volume_is_read_only__then_it_is_refused(tmp_path: Path) -> None:
    disk = FaultyDisk(errno.EROFS)
    disk.broken = True
    with pytest.raises(RecordingFailure) as caught:
        RecordingSession.create(tmp_path / "r", recording_id="rec_1", disk=disk)
    assert caught.value.code == "disk.read_only"


def _numbers_on_disk(folder: Path) -> list[int]:
    recording = open_recording(folder)
    return [sequence_of(packet.data) for packet in recording.packets(1)]


async def _until_alarms(alarms: list[str | None], count: int) -> None:
    deadline = time.monotonic() + 20
    while len(alarms) < count:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)

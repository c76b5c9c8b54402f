"""A real volume that is full: a small tmpfs of our own. Skipped where nobody may mount."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from recorder.account.manifest import GapCause
from recorder.reading.recording import open_recording
from recorder.reading.verify import verify
from recorder.writing.session import RecordingSession
from tests.recorder.packets import MS, camera, feed_audio, microphone, rtp, sequence_of


def _mount(*words: str) -> bool:
    return subprocess.run(["mount", *words], capture_output=True, check=False, timeout=20).returncode == 0


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Path]:
    """One megabyte."""
    if not _mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)):
        pytest.skip("mounting is not allowed here")
    try:
        yield tmp_path
    finally:
        subprocess.run(["umount", "-l", str(tmp_path)], check=False, timeout=20)


async def _until_alarms(alarms: list[str | None], count: int) -> None:
    async with asyncio.timeout(20):
        while len(alarms) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def _check(folder: Path, wanted: list[int]) -> None:
    recording = open_recording(folder)
    assert [sequence_of(packet.data) for packet in recording.packets(1)] == wanted
    assert [incident.kind for incident in recording.manifest.incidents] == ["disk"]
    assert [gap for gap in recording.gaps if gap.cause is GapCause.DISK] == []
    assert verify(folder) == []


async def test_recording__on_a_volume_that_fills_up__waits_in_memory_until_there_is_room(
    volume: Path,
) -> None:
    ballast, folder, alarms = volume / "ballast", volume / "r", list[str | None]()
    session = RecordingSession.create(folder, recording_id="rec_1", on_alarm=alarms.append)
    start_ns = time.monotonic_ns()
    session.track_started(microphone(), start_ns)
    session.track_started(camera(), start_ns)
    at_ns = feed_audio(session, "audio-1", start_ns, 50)
    ballast.write_bytes(bytes(800_000))
    for number in range(400):  # half a megabyte: twice what is left
        session.packet("video-1", rtp(number, number * 3600, 1100, 96), at_ns + number * MS)
    await _until_alarms(alarms, 1)
    assert alarms == ["disk.full"]
    feed_audio(session, "audio-1", at_ns, 50, first=50)
    ballast.unlink()
    await _until_alarms(alarms, 2)
    await session.close()
    _check(folder, list(range(100)))

"""The second recorder in its own real process: what kills, stops or fills one costs the other nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

from recorder.recording import Recording, open_recording
from recorder.verify import verify
from tests.recorder.two_recorders import Pair, two_recorders


def _check_whole(folder: Path, pair: Pair) -> Recording:
    """Every packet that was sent, once and in order, whatever the tracks' numbers."""
    recording = open_recording(folder)
    for track_id, sent in pair.sent.items():
        numbers = [track.number for track in recording.tracks if track.info.track_id == track_id]
        got = [packet.data for number in numbers for packet in recording.packets(number)]
        assert got == sent
    return recording


async def test_second__when_nothing_happens__then_both_hold_the_same(tmp_path: Path) -> None:
    async with two_recorders(tmp_path) as pair:
        for recorder in (pair.first, pair.second.feed):
            recorder.mark(kind="opened", text="开庭", at_ns=time.monotonic_ns())
        await pair.run(1.0)
        pair.first.pause(code="recess", at_ns=(at_ns := time.monotonic_ns()))
        pair.second.feed.pause(code="recess", at_ns=at_ns)
        for sink in pair.sinks:
            sink.packet("a1", b"not in the record", at_ns + 1)
        pair.first.resume(at_ns=(at_ns := time.monotonic_ns()))
        pair.second.feed.resume(at_ns=at_ns)
        await pair.run(0.3)
        await pair.close()
    for name in ("first", "second"):
        recording = _check_whole(tmp_path / name, pair)
        assert recording.manifest.closed
        assert [mark.text for mark in recording.marks] == ["开庭"]
        assert [pause.code for pause in recording.pauses] == ["recess"]
        assert verify(tmp_path / name) == []


async def test_second__when_it_is_killed__then_it_comes_back_and_has_lost_nothing(tmp_path: Path) -> None:
    async with two_recorders(tmp_path) as pair:
        for _ in range(2):
            await pair.run(0.7)
            killed = pair.keeper.pid
            assert killed is not None
            os.kill(killed, signal.SIGKILL)
            await pair.run_until(lambda: not pair.is_second_writing())
            await pair.run_until(pair.is_second_writing)
            assert pair.keeper.pid != killed
        await pair.run(0.3)
        await pair.close()
        assert pair.keeper.starts == 3
    _check_whole(tmp_path / "first", pair)
    recording = _check_whole(tmp_path / "second", pair)
    assert [incident.kind for incident in recording.manifest.incidents] == ["crash", "crash"]
    assert all(
        incident.until_ns - incident.from_ns < 600_000_000 for incident in recording.manifest.incidents
    )
    assert verify(tmp_path / "second") == []


async def test_second__when_it_is_stopped__then_the_first_goes_on_and_it_catches_up(tmp_path: Path) -> None:
    async with two_recorders(tmp_path) as pair:
        assert pair.keeper.pid is not None
        os.kill(pair.keeper.pid, signal.SIGSTOP)
        await pair.run_until(lambda: pair.keeper.proof(pair.second).failure == "writer.stalled")
        await pair.run_until(lambda: pair.first.proof().advancing)
        assert pair.second.feed.held_bytes > 0
        os.kill(pair.keeper.pid, signal.SIGCONT)
        await pair.run_until(pair.is_second_writing)
        await pair.close()
    for name in ("first", "second"):
        recording = _check_whole(tmp_path / name, pair)
        assert recording.manifest.incidents == ()


async def test_second__when_its_folder_refuses__then_the_first_goes_on_and_it_begins_later(
    tmp_path: Path,
) -> None:
    (tmp_path / "second").write_text("not a folder")
    async with two_recorders(tmp_path, is_second_well=False) as pair:
        await pair.run_until(lambda: (pair.keeper.proof(pair.second).failure or "").startswith("disk."))
        assert pair.first.proof().failure is None
        (tmp_path / "second").unlink()
        await pair.run_until(pair.is_second_writing)
        await pair.close()
    for name in ("first", "second"):
        _check_whole(tmp_path / name, pair)


async def test_second__when_the_feeder_hangs_up__then_it_seals_and_says_nothing_of_closing(
    tmp_path: Path,
) -> None:
    async with two_recorders(tmp_path) as pair:
        await pair.run(0.5)
        await asyncio.sleep(0.2)  # what waits in the feed is sent
        pid = pair.keeper.pid
        assert pid is not None
        await pair.keeper.stop()
        await pair.first.close()
    recording = _check_whole(tmp_path / "second", pair)
    assert not recording.manifest.closed
    assert all(segment.name.endswith(".seg") for segment in recording.manifest.segments)

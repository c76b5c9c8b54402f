"""The second recorder in its own real process: what kills, stops or fills one costs the other nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from recorder.account.manifest import GapCause
from recorder.film.compose import open_for_film
from recorder.journal import RecordKind
from recorder.reading.recording import Recording, open_recording
from recorder.reading.verify import verify
from recorder.second.feed import Feed
from recorder.second.feed_wire import Frame, FrameKind, unpack_batch
from recorder.union.union import MERGED_FOLDER, open_union, point_to_second
from recorder.writing.session import RecordingSession
from tests.recorder.packets import MS, camera, microphone, rtp, sequence_of
from tests.recorder.two_recorders import Pair, two_recorders

ROOT = Path(__file__).parents[2]


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


def _kill_a_feeder(folder: Path) -> int:
    """A whole process that records by two recorders is killed after a second; when, on the monotonic clock."""
    command = [sys.executable, "-m", "tests.recorder.feeding_writer", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as feeder:
        assert feeder.stdout is not None
        second = Path(f"/proc/{int(feeder.stdout.readline())}/stat")
        time.sleep(1.0)
        feeder.send_signal(signal.SIGKILL)
        killed_ns = time.monotonic_ns()
    deadline = time.monotonic() + 20
    while second.exists() and " Z " not in second.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return killed_ns


async def test_second__when_its_feeder_is_killed__then_it_seals_what_it_has_and_both_go_on(
    tmp_path: Path,
) -> None:
    killed_ns = _kill_a_feeder(tmp_path)
    for name in ("first", "second"):
        recording = open_recording(tmp_path / name)
        assert not recording.manifest.closed
        run = recording.manifest.runs[0]
        assert killed_ns - (recording.duration_ns - run.elapsed_ns + run.monotonic_ns) < 1000 * MS
    second = open_recording(tmp_path / "second")
    assert all(segment.name.endswith(".seg") for segment in second.manifest.segments)
    async with two_recorders(tmp_path) as pair:  # the next process goes on in both folders
        await pair.run(0.5)
        await pair.close()
    for name in ("first", "second"):
        assert verify(tmp_path / name) == []
    account = open_union(tmp_path / "first", tmp_path / "second").recording.manifest
    assert [incident.kind for incident in account.incidents] == ["crash"]
    assert account.closed
    for track in account.tracks:
        assert track.recorded_ns + track.gap_ns == account.duration_ns


def test_feed__when_nobody_takes_it__then_pictures_go_first_and_the_gap_says_so() -> None:
    feed = Feed(1, limit_bytes=200_000)
    feed.track_started(microphone("a"), 0)
    feed.track_started(camera("v"), 0)
    frames = []
    for index in range(400):
        feed.packet("a", rtp(index, index * 960), index * 20 * MS)
        feed.packet("v", rtp(index, index * 1800, 1100, 96), index * 20 * MS)
        if index % 3 == 0 and (frame := feed.take_batch()) is not None:
            frames.append(frame)
    assert feed.held_bytes <= 200_000
    assert feed.refused_packets > 0
    feed.settle(len(frames))
    for index in range(400, 410):
        feed.packet("a", rtp(index, index * 960), index * 20 * MS)
        feed.packet("v", rtp(index, index * 1800, 1100, 96), index * 20 * MS)
    frames.append(feed.take_batch() or b"")
    items = [item for frame in frames for item in unpack_batch(_body(frame))[1]]
    kept = {
        track: [sequence_of(data) for kind, number, _, data in items if kind == 3 and number == track]
        for track in (1, 2)
    }
    assert len(kept[1]) > len(kept[2])
    assert max(kept[2][:-10]) < max(kept[1][:-10])
    assert kept[1][-10:] == kept[2][-10:] == list(range(400, 410))
    gaps = [item for item in items if item[0] == RecordKind.GAP]
    assert {track for _, track, _, _ in gaps} >= {2}
    assert all(b'"cause":"overload"' in payload for *_, payload in gaps)


def _body(frame: bytes) -> bytes:
    assert Frame(frame[4], int.from_bytes(frame[5:9], "big"), b"") == Frame(FrameKind.BATCH, 1, b"")
    return frame[9:]


async def test_first__when_its_disk_hangs__then_the_second_goes_on_and_the_union_is_whole(
    tmp_path: Path,
) -> None:
    async with two_recorders(tmp_path) as pair:
        gate = _hang(pair.first)
        await pair.run_until(lambda: pair.first.proof().failure == "writer.stalled")
        assert pair.is_second_writing()
        gate.set()
        await pair.run_until(lambda: pair.first.proof().advancing)
        await pair.close()
    opened = open_union(tmp_path / "first", tmp_path / "second")
    assert {gap.cause for gap in opened.recording.gaps} <= {GapCause.ABSENT, GapCause.SENDER_STALL}
    assert sum(track.packets for track in opened.recording.tracks) == sum(map(len, pair.sent.values()))


def _hang(session: RecordingSession) -> threading.Event:
    """Every sync of this session waits from now on until the event is set."""
    gate, disk = threading.Event(), session._disk
    real = disk.sync_data

    def sync_data(fd: int) -> None:
        assert gate.wait(30)
        real(fd)

    disk.sync_data = sync_data  # type: ignore[method-assign]
    return gate


async def test_second__when_nothing_is_recorded_for_a_while__then_it_ends_and_starts_again_when_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recorder.second.second_recorder._IDLE_BEATS", 5)
    async with two_recorders(tmp_path) as pair:
        await pair.close()
        async with asyncio.timeout(20):
            while pair.keeper.pid is not None:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        again = pair.keeper.record(tmp_path / "another", recording_id="rec_3")
        async with asyncio.timeout(20):
            while not pair.keeper.proof(again).advancing:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert pair.keeper.starts == 2
        await pair.keeper.end(again, at_ns=time.monotonic_ns(), keep=False, timeout_s=20)
    assert not (tmp_path / "another").exists()


async def test_film__of_a_record_that_neither_holds_alone__reads_the_merged_journal(tmp_path: Path) -> None:
    async with two_recorders(tmp_path) as pair:
        await pair.run(0.3)
        await asyncio.to_thread(pair.first.leave, 10.0)
        await pair.run(0.6)  # only the second has this
        await pair.keeper.end(pair.second, at_ns=time.monotonic_ns(), keep=True, timeout_s=30)
    pair.first = RecordingSession.create(tmp_path / "first", recording_id="rec_2")
    pair.first.mark(kind="closed", text="only the first has this", at_ns=time.monotonic_ns())
    await pair.first.close()
    point_to_second(tmp_path / "first", tmp_path / "second")
    recording = open_for_film(tmp_path / "first")
    assert recording.folder == tmp_path / "first" / MERGED_FOLDER
    assert [mark.kind for mark in recording.marks] == ["closed"]
    for track_id, sent in pair.sent.items():
        (number,) = [track.number for track in recording.tracks if track.info.track_id == track_id]
        assert [packet.data for packet in recording.packets(number)] == sent

"""Two journals of one recording read as one: a hole of either is filled by the other, and the ledger knows it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from recorder.account.manifest import GapCause, Manifest
from recorder.folder import UNION_NAME, segment_files
from recorder.reading.recording import Recording, RecordingError, open_recording
from recorder.reading.verify import verify
from recorder.union.union import MERGED_FOLDER, Side, open_union, point_to_second, second_folder, write_union
from recorder.union.verify_union import verify_whole
from recorder.writing.session import RecordingSession
from tests.recorder.packets import MS, feed_audio, microphone, rtp, sequence_of
from tests.recorder.two_recorders import two_recorders

SEAL_S = 0.2


def _session(folder: Path) -> RecordingSession:
    return RecordingSession.create(folder, recording_id="rec_u", seal_s=SEAL_S)


def _start(session: RecordingSession, at_ns: int) -> None:
    for track_id, person in (("a1", "per_1"), ("a2", "per_2")):
        session.track_started(microphone(track_id, person), at_ns)


def _numbers(recording: Recording, track_id: str) -> list[int]:
    numbers = [track.number for track in recording.tracks if track.info.track_id == track_id]
    return [sequence_of(packet.data) for number in numbers for packet in recording.packets(number)]


def _sum_holds(account: Manifest) -> bool:
    return all(track.recorded_ns + track.gap_ns == account.duration_ns for track in account.tracks)


async def _two_holes(tmp_path: Path) -> tuple[Path, Path]:
    """200 packets on each of two tracks in real time; the first recorder was away for 50-90, the second for 120-160."""
    folders = (tmp_path / "first", tmp_path / "second")
    sessions = [_session(folder) for folder in folders]
    away = {0: range(50, 90), 1: range(120, 160)}
    start_ns = now_ns = time.monotonic_ns()
    for session in sessions:
        _start(session, now_ns)
        session.mark(kind="opened", text="开庭", at_ns=now_ns)
    for index in range(200):
        now_ns = time.monotonic_ns()
        for side, session in enumerate(sessions):
            if index == away[side].start:
                await asyncio.to_thread(session.leave, 10.0)
            elif index == away[side].stop:
                sessions[side] = _session(folders[side])
                _start(sessions[side], now_ns)
            if index not in away[side]:
                for track_id in ("a1", "a2"):
                    # RTP time as long as real time: on a busy machine steps are not 20 ms.
                    sessions[side].packet(track_id, rtp(index, (now_ns - start_ns) * 6 // 125_000), now_ns)
        await asyncio.sleep(0.02)
    for session in sessions:
        await session.close()
    return folders


async def test_union__when_each_has_a_hole__then_the_other_fills_it(tmp_path: Path) -> None:
    first, second = await _two_holes(tmp_path)
    for folder in (first, second):
        assert any(gap.cause == GapCause.CRASH for gap in open_recording(folder).gaps)
    opened = open_union(first, second)
    recording, union = opened.recording, opened.union
    assert recording.folder == first / MERGED_FOLDER
    assert verify(recording.folder) == []
    assert union.basis is None
    for track_id in ("a1", "a2"):
        assert _numbers(recording, track_id) == list(range(200))
    assert [track.packets for track in recording.tracks] == [200, 200]
    assert {gap.cause for gap in recording.gaps} <= {GapCause.ABSENT}
    assert recording.manifest.incidents == ()
    assert len(recording.manifest.runs) == 1
    assert _sum_holds(recording.manifest)
    assert [mark.text for mark in recording.marks] == ["开庭"]
    for side in Side:
        (absence,) = [absence for absence in union.absences if absence.side is side]
        assert 500 * MS < absence.until_ns - absence.from_ns < 2500 * MS


async def test_union__when_written__then_it_is_read_back_and_its_root_binds_both(tmp_path: Path) -> None:
    first, second = await _two_holes(tmp_path)
    written = write_union(first, second)
    assert open_union(first, second).union == written
    assert written.root_sha256 in (first / UNION_NAME).read_text()
    roots = [each.root_sha256 for each in written.recorders]
    assert roots == [open_recording(folder).manifest.root_sha256 for folder in (first, second)]
    kept = {file.name: file.path.read_bytes() for file in segment_files(first / MERGED_FOLDER)}
    shutil.rmtree(first / MERGED_FOLDER)
    assert open_union(first, second).union == written
    assert {file.name: file.path.read_bytes() for file in segment_files(first / MERGED_FOLDER)} == kept
    session = _session(second)  # one more run in one of them: another root
    await session.close()
    assert open_union(first, second).union.root_sha256 != written.root_sha256


async def test_union__when_a_segment_is_damaged_or_gone__then_the_other_fills_it(tmp_path: Path) -> None:
    folders = (tmp_path / "first", tmp_path / "second")
    sessions = [_session(folder) for folder in folders]
    start_ns = time.monotonic_ns()
    for session in sessions:
        _start(session, start_ns)
    for index in range(100):
        for session in sessions:
            session.packet("a1", rtp(index, index * 960), start_ns + index * 20 * MS)
        await asyncio.sleep(0.03)
    for session in sessions:
        await session.close()
    assert open_union(*folders).union.basis is Side.FIRST
    damaged = segment_files(folders[0])[2].path
    damaged.write_bytes(damaged.read_bytes()[:600] + bytes(len(damaged.read_bytes()) - 600))
    gone = segment_files(folders[0])[4].path
    gone.unlink()
    (folders[0] / "manifest.json").unlink()
    assert len(_numbers(open_recording(folders[0]), "a1")) < 100
    opened = open_union(*folders)
    assert opened.union.basis is Side.SECOND
    assert _numbers(opened.recording, "a1") == list(range(100))
    # Now the second lacks something else: neither holds all, and both together do.
    other = segment_files(folders[1])[6].path
    other.write_bytes(other.read_bytes()[:600] + bytes(len(other.read_bytes()) - 600))
    (folders[1] / "manifest.json").unlink()
    opened = open_union(*folders)
    assert opened.union.basis is None
    assert _numbers(opened.recording, "a1") == list(range(100))
    assert opened.recording.manifest.incidents == ()


async def test_union__when_both_give_up_the_same__then_only_that_is_a_gap(tmp_path: Path) -> None:
    folders = (tmp_path / "first", tmp_path / "second")
    sessions = [_session(folder) for folder in folders]
    refused = (range(20, 60), range(40, 80))
    moments: list[int] = []
    for session in sessions:
        _start(session, time.monotonic_ns())
    for index in range(100):
        moments.append(time.monotonic_ns())
        for session, lost in zip(sessions, refused, strict=True):
            if index == lost.stop:
                from_ns, until_ns = moments[lost.start], moments[index]
                content = {
                    "cause": "overload",
                    "from_ns": from_ns,
                    "until_ns": until_ns,
                    "packets": 40,
                    "bytes": 1,
                }
                session.given_up("a1", content, at_ns=until_ns)
            if index not in lost:
                session.packet("a1", rtp(index, (moments[index] - moments[0]) * 6 // 125_000), moments[index])
        await asyncio.sleep(0.02)
    for session in sessions:
        await session.close()
    opened = open_union(*folders)
    assert opened.union.basis is None
    assert _numbers(opened.recording, "a1") == [*range(40), *range(60, 100)]
    gaps = [gap for gap in opened.recording.gaps if gap.cause == GapCause.OVERLOAD]
    assert [gap.until_ns - gap.from_ns for gap in gaps] == [moments[60] - moments[40]]


async def test_union__when_one_folder_is_lost__then_the_other_is_the_record(tmp_path: Path) -> None:
    first, second = tmp_path / "a" / "rec_u", tmp_path / "b" / "rec_u"
    session = _session(second)
    _start(session, time.monotonic_ns())
    feed_audio(session, "a1", time.monotonic_ns(), 30)
    await session.close()
    first.mkdir(parents=True)
    point_to_second(first, second)
    assert second_folder(first) == second
    opened = open_union(first)
    assert opened.union.basis is Side.SECOND
    assert [absence.side for absence in opened.union.absences] == [Side.FIRST]
    assert _numbers(opened.recording, "a1") == list(range(30))
    with pytest.raises(RecordingError):
        open_union(tmp_path / "a" / "other")


async def test_union__when_the_second_is_killed_and_back__then_the_first_holds_all(tmp_path: Path) -> None:
    async with two_recorders(tmp_path) as pair:
        await pair.run(0.5)
        assert pair.keeper.pid is not None
        os.kill(pair.keeper.pid, signal.SIGKILL)
        await pair.run_until(lambda: not pair.is_second_writing())
        await pair.run_until(pair.is_second_writing)
        await pair.close()
    opened = open_union(tmp_path / "first", tmp_path / "second")
    assert opened.union.basis is Side.FIRST
    assert {each.packets for each in opened.union.recorders} == {sum(map(len, pair.sent.values()))}


async def test_verify_whole__when_both_are_intact__then_the_union_must_say_so(tmp_path: Path) -> None:
    first, second = await _two_holes(tmp_path)
    point_to_second(first, second)
    assert [problem.code for problem in verify_whole(first).problems] == ["union.missing"]
    write_union(first, second)
    check = verify_whole(first)
    assert (check.problems, check.checked, check.is_alone) == ((), (Side.FIRST, Side.SECOND), False)
    union = first / UNION_NAME
    told = union.read_text()
    union.write_text(told.replace('"packets": ', '"packets": 1', 1))
    assert [problem.code for problem in verify_whole(first).problems] == ["union.differs"]
    union.write_text(told)
    damaged = segment_files(second)[1].path
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    files = {problem.file for problem in verify_whole(first).problems}
    assert f"second/journal/{damaged.name}" in files
    damaged.write_bytes(whole)
    second.rename(tmp_path / "elsewhere")
    check = verify_whole(first)
    assert (check.problems, check.checked, check.is_alone) == ((), (Side.FIRST,), True)

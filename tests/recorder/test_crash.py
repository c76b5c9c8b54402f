"""Kill -9 of a real recording process at seeded moments: at most a second is lost, and the record says so.

HEARING_CRASH_SEEDS=200 tries more moments than the 10 of every run; test_kill_drill.py kills far more often.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from recorder.account.manifest import GapCause, Manifest
from recorder.durable import Disk
from recorder.folder import MANIFEST_NAME, segment_files
from recorder.journal import Record, RecordKind, encode_record, scan
from recorder.reading.recording import Recording, RecordingError, open_recording
from recorder.reading.recovery import recover
from recorder.reading.verify import verify
from recorder.writing.session import RecordingFailure, RecordingSession
from tests.recorder.packets import MS, feed_audio, microphone, sequence_of

SEEDS = int(os.environ.get("HEARING_CRASH_SEEDS", "10"))
AT_ONCE = 5  # children side by side; more would measure the machine
ROOT = Path(__file__).parents[2]


def _start(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.recorder.crash_writer", str(folder)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def _kill_at_seeded_moments(folders: list[Path], seeds: list[int]) -> list[int]:
    """Kill one child per folder at its seed's moment; returns the monotonic ns of each kill."""
    children = [_start(folder) for folder in folders]
    killed_ns = [0] * len(children)
    try:
        for child in children:
            assert child.stdout is not None
            assert child.stdout.readline() == "recording\n"
        began = time.monotonic()
        waits = [(random.Random(seed).uniform(0.05, 1.6), index) for index, seed in enumerate(seeds)]
        for wait_s, index in sorted(waits):
            time.sleep(max(0.0, began + wait_s - time.monotonic()))
            children[index].send_signal(signal.SIGKILL)
            killed_ns[index] = time.monotonic_ns()
    finally:
        for child in children:
            child.kill()
            child.communicate()
    return killed_ns


@pytest.mark.parametrize("first", range(0, SEEDS, AT_ONCE))
async def test_recording__when_killed_at_any_moment__then_a_second_at_most_is_lost_and_the_gap_is_named(
    first: int, tmp_path: Path
) -> None:
    seeds = list(range(first, min(first + AT_ONCE, SEEDS)))
    folders = [tmp_path / f"seed-{seed}" for seed in seeds]
    for folder, killed_ns in zip(folders, _kill_at_seeded_moments(folders, seeds), strict=True):
        _check_the_crashed(folder, killed_ns)
        await _check_going_on(folder)


def _check_the_crashed(folder: Path, killed_ns: int) -> None:
    recording = open_recording(folder)  # before any recovery: the data files alone suffice
    run = recording.manifest.runs[0]
    last_ns = recording.duration_ns - run.elapsed_ns + run.monotonic_ns
    assert killed_ns - last_ns < 1000 * MS
    assert not recording.manifest.closed
    _check_no_packet_is_missing_before(recording)


def _check_no_packet_is_missing_before(recording: Recording) -> None:
    for track in recording.tracks:
        numbers = [sequence_of(packet.data) for packet in recording.packets(track.number)]
        assert numbers == list(range(len(numbers)))


async def _check_going_on(folder: Path) -> None:
    crashed_ns = open_recording(folder).duration_ns
    session = RecordingSession.create(folder, recording_id="rec_crash")
    now_ns = time.monotonic_ns()
    session.track_started(microphone("a1-again", "per_1"), now_ns)
    feed_audio(session, "a1-again", now_ns, 25)
    manifest = await session.close()
    assert [incident.kind for incident in manifest.incidents if incident.kind == "crash"] == ["crash"]
    again = next(track for track in manifest.tracks if track.info.track_id == "a1-again")
    assert again.packets == 25
    _check_crash_gaps(manifest, crashed_ns, again.started_ns)
    assert verify(folder) == []


def _check_crash_gaps(manifest: Manifest, crashed_ns: int, back_ns: int) -> None:
    alive = [track for track in manifest.tracks if track.end_cause == "crash"]
    assert {track.info.track_id for track in alive} <= {"a1", "a2", "v1"}
    assert alive or crashed_ns < 300 * MS  # killed before the first write: no track was known yet
    for track in alive:
        crash = [gap for gap in manifest.gaps if gap.track == track.number and gap.cause == GapCause.CRASH]
        assert len(crash) == 1
        assert abs(crash[0].from_ns - crashed_ns) <= 250 * MS  # a sliver of waiting media may join the gap
        expected_ns = back_ns if track.info.track_id == "a1" else manifest.duration_ns
        assert abs(crash[0].until_ns - expected_ns) <= 100 * MS
        assert track.recorded_ns + track.gap_ns == manifest.duration_ns


async def _recorded(folder: Path) -> Path:
    session = RecordingSession.create(folder, recording_id="rec_1", seal_s=0.2)
    start_ns = time.monotonic_ns()
    session.track_started(microphone(), start_ns)
    feed_audio(session, "audio-1", start_ns, 10)
    await session.close()
    return folder


async def test_recover__when_the_tail_is_torn_at_any_byte__then_everything_before_it_stays(
    tmp_path: Path,
) -> None:
    folder = await _recorded(tmp_path / "r")
    sealed = segment_files(folder)[-1].path
    whole = sealed.read_bytes()
    records = [item for item in scan(whole) if isinstance(item, Record)]
    last = records[-1]
    left_open = sealed.with_suffix(".part")
    sealed.unlink()
    for kept in range(last.offset, last.end):
        left_open.write_bytes(whole[:kept])
        report = recover(folder)
        torn = kept - last.offset
        assert [(cut.offset, cut.length_bytes) for cut in report.cuts] == (
            [(last.offset, torn)] if torn else []
        )
        assert sealed.read_bytes() == whole[: last.offset]
        assert verify(folder) == []
        assert sum(segment.records for segment in report.manifest.segments) == len(records) - 1
        sealed.unlink()


async def test_recover__when_run_twice__then_the_second_changes_nothing(tmp_path: Path) -> None:
    folder = await _recorded(tmp_path / "r")
    content = (folder / MANIFEST_NAME).read_bytes()
    report = recover(folder)
    assert not report.needed
    assert report.manifest == Manifest.load(folder)
    (folder / MANIFEST_NAME).unlink()
    assert recover(folder).needed
    assert (folder / MANIFEST_NAME).read_bytes() == content
    assert not recover(folder).needed


async def test_recover__when_a_file_holds_no_good_record__then_it_is_kept_aside(tmp_path: Path) -> None:
    folder = await _recorded(tmp_path / "r")
    number = segment_files(folder)[-1].number + 1
    torn = folder / "journal" / f"{number:08d}.part"
    torn.write_bytes(encode_record(RecordKind.HEARTBEAT, 0, 1, b"")[:-1])
    report = recover(folder)
    assert [(cut.offset, cut.length_bytes) for cut in report.cuts] == [(0, 23)]
    assert torn.with_suffix(".torn").exists()
    assert verify(folder) == []
    session = RecordingSession.create(folder, recording_id="rec_1")
    manifest = await session.close()
    assert manifest.segments[-1].number > number  # a number that lies there is never used again
    assert verify(folder) == []


async def test_recover__when_segments_are_in_the_middle_of_being_given_up__then_their_limit_holds(
    tmp_path: Path,
) -> None:
    """A successor that names fewer bytes than the file has: the rest was written again and must not count twice."""
    folder = await _recorded(tmp_path / "r")
    files = segment_files(folder)
    before = open_recording(folder)
    assert len(files) >= 2 or before.manifest.segments
    extra = encode_record(RecordKind.HEARTBEAT, 0, time.monotonic_ns(), b"")
    session = RecordingSession.create(folder, recording_id="rec_1")
    await session.close()
    given_up = segment_files(folder)[0]
    with given_up.path.open("ab") as file:
        file.write(extra)
    (folder / MANIFEST_NAME).unlink()
    report = recover(folder, disk=Disk())
    line = report.manifest.segments[0]
    assert line.size_bytes == line.valid_bytes + len(extra)


def test_recover__when_there_is_no_journal__then_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(RecordingError):
        recover(tmp_path)


async def test_packets__when_read_back__then_arrivals_lie_in_order(tmp_path: Path) -> None:
    recording = open_recording(await _recorded(tmp_path / "r"))
    arrivals = [packet.elapsed_ns for packet in recording.packets(1)]
    assert len(arrivals) == 10
    assert all(later - earlier == 20 * MS for earlier, later in pairwise(arrivals))


async def test_create__when_a_long_recording_goes_on__then_only_its_end_is_read(tmp_path: Path) -> None:
    """However long a hearing was, it goes on at once: damage far back is found by verify, not by the next start."""
    folder = tmp_path / "r"
    for _ in range(3):
        await _recorded(folder)
    first = segment_files(folder)[0].path
    whole = first.read_bytes()
    first.write_bytes(bytes(len(whole)))
    session = RecordingSession.create(folder, recording_id="rec_1")
    session.track_started(microphone("audio-9"), time.monotonic_ns())
    first.write_bytes(whole)
    manifest = await session.close()
    assert [track.number for track in manifest.tracks] == [1, 2, 3, 4]  # no number is used twice
    assert verify(folder) == []


async def test_create__when_the_last_segment_cannot_be_read__then_it_is_refused_and_kept(
    tmp_path: Path,
) -> None:
    folder = await _recorded(tmp_path / "r")
    last = segment_files(folder)[-1].path
    damaged = bytes(40) + last.read_bytes()[40:]
    last.write_bytes(damaged)
    with pytest.raises(RecordingFailure) as caught:
        RecordingSession.create(folder, recording_id="rec_1")
    assert caught.value.code == "recording.damaged"
    assert last.read_bytes() == damaged

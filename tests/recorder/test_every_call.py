"""Every system call of a recording fails once, in every way a disk has: nothing is lost, or what is lost is named.

The runs are on a simulated clock, so that call n is the same call each time and all n can be tried in seconds.
"""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

import pytest

from hearing_server.adapters.object_folder import ObjectFolder
from recorder.account.manifest import GapCause, Manifest
from recorder.durable import Disk
from recorder.reading.recording import open_recording, take_inventory
from recorder.reading.recovery import recover
from recorder.reading.verify import verify
from recorder.writing.session import RecordingFailure, RecordingSession
from tests.recorder.faulty_disk import FaultyDisk
from tests.recorder.packets import MS, microphone, sequence_of
from tests.recorder.stepped_session import Stepped, SteppedClock, stepped_writers

SPOKEN_S = 2.5
SHORT = 0  # no error: writes come back short
KINDS = [errno.EIO, errno.ENOSPC, errno.EROFS, errno.EDQUOT, SHORT]


def _numbers(folder: Path, kind: str = "audio") -> list[int]:
    recording = open_recording(folder)
    tracks = [track for track in recording.tracks if track.info.kind == kind]
    return [sequence_of(packet.data) for track in tracks for packet in recording.packets(track.number)]


def _run(folder: Path, disk: Disk) -> tuple[Stepped, int]:
    """Speak, and close. RecordingFailure when the beginning or the end is refused."""
    stepped = Stepped(folder, SteppedClock(), disk)
    stepped.begin_tracks()
    return stepped, stepped.speak(0, SPOKEN_S)


def _calls_of_a_good_run(folder: Path) -> list[str]:
    disk = FaultyDisk(errno.EIO)
    stepped, _ = _run(folder, disk)
    stepped.close()
    return disk.faults.names


def _no_unnamed_hole(manifest: Manifest) -> None:
    for track in manifest.tracks:
        assert track.recorded_ns + track.gap_ns == manifest.duration_ns


@pytest.mark.parametrize("error_number", KINDS)
def test_recording__when_any_one_call_fails__then_every_packet_is_there_once(
    error_number: int, tmp_path: Path
) -> None:
    with stepped_writers():
        names = _calls_of_a_good_run(tmp_path / "good")
        assert {"open", "write", "fdatasync", "fsync", "rename", "mkdir"} <= set(names)
        outcomes = {"refused": 0, "alarm": 0, "quiet": 0, "end": 0}
        for step in range(1, len(names) + 1):
            outcomes[_with_one_fault(tmp_path / f"{step}", error_number, step)] += 1
    if error_number == SHORT:
        assert outcomes["quiet"] == len(names)
    else:
        assert outcomes["refused"] >= 5  # folders, lock, first segment
        assert outcomes["alarm"] >= 20


def _with_one_fault(folder: Path, error_number: int, step: int) -> str:
    disk = FaultyDisk(error_number, frozenset({step}))
    try:
        stepped, offered = _run(folder, disk)
    except RecordingFailure as failure:
        if not failure.code.startswith("disk."):
            raise
        stepped, offered = _run(folder, Disk())  # the clerk presses the button again: it works
        stepped.close()
        assert _numbers(folder) == list(range(offered)), step
        assert verify(folder) == [], step
        return "refused"
    outcome = "alarm" if stepped.alarms else "quiet"
    try:
        manifest = stepped.close()
    except RecordingFailure:
        manifest, outcome = recover(folder).manifest, "end"  # only the manifest was refused: it is made anew
    assert _numbers(folder) == list(range(offered)), step
    assert _numbers(folder, "video") == list(range((offered + 1) // 2)), step
    assert verify(folder) == [], step
    assert manifest == take_inventory(folder), step
    assert [gap for gap in manifest.gaps if gap.cause not in (GapCause.ABSENT, GapCause.SENDER_STALL)] == []
    if stepped.alarms:
        assert [incident.kind for incident in manifest.incidents] == ["disk"], step
    _no_unnamed_hole(manifest)
    return outcome


@pytest.mark.parametrize("error_number", [errno.EIO, errno.ENOSPC, errno.EROFS])
def test_recording__when_the_disk_is_gone_from_any_call_to_the_end__then_what_was_synced_stays(
    error_number: int, tmp_path: Path
) -> None:
    """The worst of a full disk: it never takes another byte. What is missing is counted from the content."""
    with stepped_writers():
        names = _calls_of_a_good_run(tmp_path / "good")
        for step in range(1, len(names), 3):
            folder = tmp_path / f"{step}"
            disk = FaultyDisk(error_number, frozenset(range(step, 10_000)))
            try:
                stepped, offered = _run(folder, disk)
            except RecordingFailure:
                continue
            failed = bool(stepped.alarms)
            with pytest.raises(RecordingFailure):
                stepped.close()
            assert failed or step > len(names) - 20
            _goes_on_after(folder, stepped.clock, offered)


def _goes_on_after(folder: Path, clock: SteppedClock, offered: int) -> None:
    """With a disk that works again: opens as it is, in order, the hole named `crash` to its last packet."""
    kept = _numbers(folder)
    assert kept == list(range(len(kept)))
    clock.pass_ns(3000 * MS)
    again = Stepped(folder, clock)
    again.begin_tracks()
    again.speak(offered, 1.0)
    manifest = again.close()
    assert verify(folder) == []
    assert _numbers(folder) == [*range(len(kept)), *range(offered, offered + 50)]
    (incident,) = manifest.incidents if kept else [None]
    if (
        incident is not None and incident.kind == "crash"
    ):  # else the closing was on the disk before it refused
        hole_ns = 3000 * MS + (offered - len(kept)) * 20 * MS
        (gap,) = [one for one in manifest.gaps if one.track == 1 and one.cause is GapCause.CRASH]
        assert abs(gap.until_ns - gap.from_ns - hole_ns) <= 100 * MS
    _no_unnamed_hole(manifest)


@pytest.mark.parametrize("error_number", [errno.EIO, errno.ENOSPC, errno.EROFS])
def test_recording__when_the_disk_refuses_for_some_calls_from_any_on__then_it_catches_up(
    error_number: int, tmp_path: Path
) -> None:
    with stepped_writers():
        names = _calls_of_a_good_run(tmp_path / "good")
        for step in range(14, len(names) - 28, 2):  # later ones would still refuse when the recording closes
            folder = tmp_path / f"{step}"
            disk = FaultyDisk(error_number, frozenset(range(step, step + 5)))
            stepped, offered = _run(folder, disk)
            stepped.close()
            assert _numbers(folder) == list(range(offered)), step
            assert verify(folder) == [], step


def test_recovery__when_any_of_its_own_calls_fails__then_the_next_attempt_finishes_it(tmp_path: Path) -> None:
    with stepped_writers():
        step = 0
        while True:
            step += 1
            folder = tmp_path / f"{step}"
            stepped = Stepped(folder, SteppedClock())
            stepped.begin_tracks()
            stepped.speak(0, 1.6)
            tail = next((folder / "journal").glob("*.part"))
            with tail.open("ab") as file:
                file.write(b"\xa5R torn")
            kept = _numbers(folder)
            disk = FaultyDisk(errno.EIO, frozenset({step}))
            try:
                recover(folder, disk=disk)
            except OSError:
                recover(folder)
            assert _numbers(folder) == kept
            assert verify(folder) == []
            if disk.calls < step:
                break
    assert step > 10


def test_lock__when_another_session_holds_the_folder__then_it_is_refused(tmp_path: Path) -> None:
    with stepped_writers():
        first = Stepped(tmp_path, SteppedClock())
        with pytest.raises(RecordingFailure) as caught:
            RecordingSession.create(tmp_path, recording_id="rec_1")
        assert caught.value.code == "recording.busy"
        first.session.track_started(microphone("late"), first.clock.now_ns)
        first.close()


@pytest.mark.parametrize("error_number", [errno.EIO, errno.ENOSPC, errno.EROFS, SHORT])
def test_objects__when_any_one_call_fails__then_the_object_is_whole_or_not_there(
    error_number: int, tmp_path: Path
) -> None:
    data, step, calls = bytes(range(256)) * 500, 0, 1
    pieces = [data[at : at + 50_000] for at in range(0, len(data), 50_000)]
    while step < calls:
        step += 1
        folder, disk = tmp_path / f"{step}", FaultyDisk(error_number, frozenset({step}))
        try:
            faulty = ObjectFolder(folder, disk)
            faulty.prepare()
            faulty.keep("ab/cd/abcd", pieces)
        except OSError:
            calls += 1  # where a call failed, there may be another behind it
        else:
            assert (folder / "ab/cd/abcd").read_bytes() == data
            calls = max(calls, min(disk.calls, step + 1))
        whole = [path.read_bytes() for path in folder.rglob("abcd")]
        assert whole in ([], [data]), step
        ObjectFolder(folder).prepare()
        ObjectFolder(folder).keep("ab/cd/abcd", pieces)
        assert (folder / "ab/cd/abcd").read_bytes() == data
    assert step > 15


def test_objects__when_their_writer_was_killed__then_what_it_left_is_removed(tmp_path: Path) -> None:
    gone = subprocess.Popen(["/bin/true"])
    gone.wait()
    ObjectFolder(tmp_path).prepare()
    left, other = tmp_path / "incoming" / f"{gone.pid}-x", tmp_path / "incoming" / f"{os.getpid()}-y"
    left.write_bytes(b"half")
    other.write_bytes(b"still writing")
    ObjectFolder(tmp_path).prepare()
    assert not left.exists()
    assert other.exists()

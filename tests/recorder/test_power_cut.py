"""The power goes behind any call: at most a second is lost, as the content tells; the ledger says so; it goes on."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from recorder.account.manifest import GapCause, Manifest
from recorder.durable import Disk
from recorder.reading.recording import RecordingError, open_recording
from recorder.reading.recovery import recover
from recorder.reading.verify import verify
from tests.recorder.packets import MS, sequence_of
from tests.recorder.power_cut import Call, PowerCut, WrittenDownCalls
from tests.recorder.stepped_session import AUDIO_NS, Stepped, SteppedClock, stepped_writers

SPOKEN_S = 3.0
POWER_CUT_NS = 1000 * MS
KILL_NS = 500 * MS


def _play(root: Path, clock: SteppedClock) -> list[Call]:
    calls = WrittenDownCalls(clock.monotonic_ns)
    stepped = Stepped(root / "r", clock, Disk(calls), seal_s=0.75)
    stepped.begin_tracks()
    stepped.speak(0, SPOKEN_S)
    stepped.close()
    return calls.calls


def _heard(folder: Path) -> list[int]:
    try:
        recording = open_recording(folder)
    except RecordingError:
        return []  # nothing was on the disk yet
    tracks = [track for track in recording.tracks if track.info.kind == "audio"]
    return [sequence_of(packet.data) for track in tracks for packet in recording.packets(track.number)]


def _safe(folder: Path) -> list[int]:
    """What is heard without a hole; behind one, only what was never synced may lie."""
    heard = _heard(folder)
    safe = next((place for place, number in enumerate(heard) if number != place), len(heard))
    assert heard == sorted(set(heard))
    assert heard[-1:] <= [safe + POWER_CUT_NS // AUDIO_NS]
    return heard[:safe]


@pytest.mark.parametrize("kind", ["nothing more arrived", "any pages arrived", "the process died"])
def test_record__when_it_ends_behind_any_call__then_the_hole_is_small_and_named(
    kind: str, tmp_path: Path
) -> None:
    with stepped_writers():
        clock = SteppedClock()
        began_ns, root = clock.now_ns, tmp_path / "run"
        root.mkdir()
        calls, model, worst_ns = _play(root, clock), PowerCut(root), 0
        for index, call in enumerate(calls):
            model.take(call)
            dice = random.Random(index) if kind == "any pages arrived" else None
            left = tmp_path / f"{index}"
            model.leave(left, dice=dice, everything=kind == "the process died")
            limit_ns = KILL_NS if kind == "the process died" else POWER_CUT_NS
            worst_ns = max(worst_ns, _check(left / "r", call.at_ns, began_ns, limit_ns, index))
    assert len(calls) > 60
    assert worst_ns > 100 * MS  # the drill does lose something, or it would prove nothing


def _check(folder: Path, cut_ns: int, began_ns: int, limit_ns: int, index: int) -> int:
    """Returns the hole before the cut, from the packets' own numbers."""
    kept = _safe(folder)
    offered = (cut_ns - began_ns) // AUDIO_NS
    lost_ns = (offered - len(kept)) * AUDIO_NS
    assert lost_ns <= limit_ns, index
    clock = SteppedClock(
        cut_ns + 2000 * MS, boot="boot-1" if limit_ns == KILL_NS else "boot-2"
    )  # the wall clock of the start bridges a reboot
    clock.wall_ns += cut_ns + 2000 * MS - began_ns
    again = Stepped(folder, clock)
    again.begin_tracks()
    again.speak(1000, 0.6)
    manifest = again.close()
    assert verify(folder) == [], index
    assert not recover(folder).needed
    assert _heard(folder) == [*kept, *range(1000, 1030)], index
    _named(manifest, lost_ns + 2000 * MS, index)
    return lost_ns


def _named(manifest: Manifest, hole_ns: int, index: int) -> None:
    for track in manifest.tracks:
        assert track.recorded_ns + track.gap_ns == manifest.duration_ns
    before = [track for track in manifest.tracks if track.end_cause == "crash"]
    for track in before:
        (gap,) = [one for one in manifest.gaps if one.track == track.number and one.cause is GapCause.CRASH]
        if track.packets:
            assert abs(gap.until_ns - gap.from_ns - hole_ns) <= 100 * MS, index


def test_recovery__when_the_power_goes_behind_any_of_its_calls__then_nothing_that_was_there_is_lost(
    tmp_path: Path,
) -> None:
    """A restart that is cut short itself, again and again, must not eat the record."""
    with stepped_writers():
        clock = SteppedClock()
        root = tmp_path / "run"
        root.mkdir()
        first = PowerCut(root)
        for call in _play(root, clock)[:-14]:  # in the middle of a segment, with unsynced bytes behind it
            first.take(call)
        first.leave(tmp_path / "cut", dice=random.Random(3))
        kept = _safe(tmp_path / "cut" / "r")
        again_root = tmp_path / "cut"
        calls, second = WrittenDownCalls(clock.monotonic_ns), PowerCut(again_root)
        second.adopt()
        recover(again_root / "r", disk=Disk(calls))
        after = _heard(again_root / "r")
        assert after == kept
        for index, call in enumerate(calls.calls):
            second.take(call)
            for seed in (None, random.Random(index)):
                left = tmp_path / f"{index}-{seed is None}"
                second.leave(left, dice=seed)
                recover(left / "r")
                assert verify(left / "r") == []
                assert _heard(left / "r")[: len(after)] == after
    assert len(calls.calls) > 5

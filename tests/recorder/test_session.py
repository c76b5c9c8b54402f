"""RecordingSession on a real disk: round trip, pauses, clock steps, overflow, going on, closing."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from recorder.account.manifest import GapCause, Manifest, ManifestError, Mark, SealedSegment
from recorder.clock import NS_PER_S, SystemClocks
from recorder.durable import Disk
from recorder.folder import MANIFEST_NAME
from recorder.journal import RecordKind
from recorder.reading.recording import RecordingError, open_recording, take_inventory
from recorder.reading.verify import verify
from recorder.writing.session import RecordingFailure, RecordingSession, WritingProof
from tests.recorder.packets import MS, camera, feed_audio, microphone, rtp, sequence_of


class JumpingClocks(SystemClocks):
    """The real monotonic clock with a wall clock that a hand can move."""

    def __init__(self) -> None:
        self.jump_ns = 0

    def utc_ns(self) -> int:
        return super().utc_ns() + self.jump_ns


class GatedDisk(Disk):
    """A disk whose syncs wait until the gate is open: a volume that does not answer."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()

    def sync_data(self, fd: int) -> None:
        assert self.gate.wait(30)
        super().sync_data(fd)


def _audio_sum_holds(manifest: Manifest) -> bool:
    listed = {track.number: 0 for track in manifest.tracks}
    for gap in manifest.gaps:
        listed[gap.track] += gap.until_ns - gap.from_ns
    return all(
        track.gap_ns == listed[track.number] and track.recorded_ns + track.gap_ns == manifest.duration_ns
        for track in manifest.tracks
    )


async def _until(holds: Callable[[], bool], timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


def _grew(session: RecordingSession, mark_bytes: int) -> bool:
    return session.proof().synced_bytes > mark_bytes


async def test_session__when_recorded_and_closed__then_every_byte_comes_back(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    sealed: list[SealedSegment] = []
    session = RecordingSession.create(folder, recording_id="rec_1", on_sealed=sealed.append, seal_s=0.3)
    sent: dict[str, list[bytes]] = {"audio-1": [], "video-1": []}
    session.track_started(microphone(), time.monotonic_ns())
    session.track_started(camera(layer="h"), time.monotonic_ns())
    session.mark(kind="opened", text="开庭", at_ns=time.monotonic_ns())
    for index in range(50):
        for track_id, step in (("audio-1", 960), ("video-1", 1800)):
            packet = rtp(index, index * step, 200)
            sent[track_id].append(packet)
            session.packet(track_id, packet, time.monotonic_ns())
        await asyncio.sleep(0.02)
    session.sender_report("audio-1", 0xEE00000080000000, 48000, time.monotonic_ns())
    session.packet("never-started", b"x" * 20, time.monotonic_ns())
    manifest = await session.close()
    await asyncio.sleep(0)
    recording = open_recording(folder)
    assert recording.manifest == manifest == take_inventory(folder) == Manifest.load(folder)
    assert tuple(sealed) == manifest.segments
    assert len(manifest.segments) >= 3
    for track in recording.tracks:
        assert [packet.data for packet in recording.packets(track.number)] == sent[track.info.track_id]
    assert [report.ntp for report in recording.sender_reports(1)] == [0xEE00000080000000]
    assert [(mark.kind, mark.text) for mark in manifest.marks] == [("opened", "开庭")]
    assert manifest.closed
    assert _audio_sum_holds(manifest)
    assert abs(recording.clock.utc_ns(manifest.duration_ns) - time.time_ns()) < 5 * NS_PER_S
    assert verify(folder) == []


async def test_proof__when_nobody_speaks__then_heartbeats_make_it_advance(tmp_path: Path) -> None:
    session = RecordingSession.create(tmp_path / "r", recording_id="rec_1")
    first = session.proof()
    assert not first.advancing  # nothing was seen to grow yet: no proof of writing, no hearing
    await _until(lambda: session.proof().advancing)
    for _ in range(4):
        mark_bytes = session.proof().synced_bytes
        await _until(partial(_grew, session, mark_bytes))
        assert session.proof().advancing
    proof = session.proof()
    assert proof.failure is None
    assert proof.free_bytes > 0
    assert proof.last_synced_age_s < 5
    await session.close()


async def test_proof__when_the_disk_does_not_answer__then_it_is_called_stalled(tmp_path: Path) -> None:
    disk = GatedDisk()
    session = RecordingSession.create(tmp_path / "r", recording_id="rec_1", disk=disk)
    await _until(lambda: session.proof().advancing)
    disk.gate.clear()
    stalled: list[WritingProof] = []

    def found() -> bool:
        stalled.append(session.proof())
        return stalled[-1].failure == "writer.stalled"

    began = time.monotonic()
    await _until(found)
    assert not stalled[-1].advancing
    assert time.monotonic() - began >= 1.0  # not a false alarm of a slow tick
    disk.gate.set()
    await _until(lambda: session.proof().advancing)
    assert (await session.close()).closed


async def test_pause__when_the_court_pauses__then_nothing_is_recorded_and_the_gap_says_why(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "r"
    session = RecordingSession.create(folder, recording_id="rec_1")
    start_ns = time.monotonic_ns()
    session.track_started(microphone(), start_ns)
    at_ns = feed_audio(session, "audio-1", start_ns, 100)
    session.pause(code="recess", at_ns=at_ns)
    session.pause(code="mediation", at_ns=at_ns)  # the first order stands
    assert session.paused == "recess"
    at_ns = feed_audio(session, "audio-1", at_ns, 150, first=100)
    session.resume(at_ns=at_ns)
    at_ns = feed_audio(session, "audio-1", at_ns, 100, first=250)
    session.pause(code="closed_exhibit", at_ns=at_ns)
    session.resume(at_ns=at_ns + 2 * NS_PER_S)
    feed_audio(session, "audio-1", at_ns + 2 * NS_PER_S, 50, first=450)
    manifest = await session.close()
    numbers = [sequence_of(packet.data) for packet in open_recording(folder).packets(1)]
    assert numbers == [*range(100), *range(250, 350), *range(450, 500)]
    assert [pause.code for pause in manifest.pauses] == ["recess", "closed_exhibit"]
    causes = [(gap.cause, round((gap.until_ns - gap.from_ns) / NS_PER_S, 1)) for gap in manifest.gaps]
    assert [entry for entry in causes if entry[0] != GapCause.ABSENT] == [
        (GapCause.RECESS, 3.0),
        (GapCause.POLICY, 2.0),
    ]
    assert _audio_sum_holds(manifest)


def test_pause__when_the_code_is_not_one_of_the_three__then_it_is_refused(tmp_path: Path) -> None:
    session = RecordingSession.create(tmp_path / "r", recording_id="rec_1")
    with pytest.raises(ValueError, match="coffee"):
        session.pause(code="coffee", at_ns=time.monotonic_ns())
    asyncio.run(session.close())


async def test_pause__when_recording_goes_on_in_another_process__then_the_pause_still_holds(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "r"
    session = RecordingSession.create(folder, recording_id="rec_1")
    session.pause(code="recess", at_ns=time.monotonic_ns())
    await session.close()
    again = RecordingSession.create(folder, recording_id="rec_1")
    assert again.paused == "recess"
    again.resume(at_ns=time.monotonic_ns())
    manifest = await again.close()
    assert [pause.until_ns is None for pause in manifest.pauses] == [False]
    assert [incident.kind for incident in manifest.incidents] == ["reopened"]
    assert verify(folder) == []


async def test_clock__when_the_wall_clock_jumps_an_hour__then_the_hearing_clock_does_not(
    tmp_path: Path,
) -> None:
    folder, clocks = tmp_path / "r", JumpingClocks()
    session = RecordingSession.create(folder, recording_id="rec_1", clock=clocks)
    session.track_started(microphone(), time.monotonic_ns())
    began = time.time_ns()
    session._writer._next_anchor_ns = 0  # the next tick reads the wall clock again, not the one 10 s later
    clocks.jump_ns = -3600 * NS_PER_S
    await _until(lambda: session._writer._next_anchor_ns > 0)
    manifest = await session.close()
    assert [round(step.step_ns / NS_PER_S) for step in manifest.clock_steps] == [-3600]
    assert manifest.duration_ns < 60 * NS_PER_S
    assert abs(manifest.clock.utc_ns(0) - began) < 10 * NS_PER_S
    assert take_inventory(folder) == manifest


async def test_overflow__when_the_disk_hangs__then_the_room_is_not_stalled_and_the_gap_is_named(
    tmp_path: Path,
) -> None:
    folder, disk = tmp_path / "r", GatedDisk()
    session = RecordingSession.create(folder, recording_id="rec_1", disk=disk, queue_bytes=400_000)
    start_ns = time.monotonic_ns()
    session.track_started(microphone(), start_ns)
    session.track_started(camera(), start_ns)
    disk.gate.clear()
    slowest_ns = 0
    for index in range(1500):
        before_ns = time.thread_time_ns()
        session.packet("video-1", rtp(index, index * 1800, 1100), start_ns + index * 20 * MS)
        session.packet("audio-1", rtp(index, index * 960, 80), start_ns + index * 20 * MS)
        slowest_ns = max(slowest_ns, time.thread_time_ns() - before_ns)
    waiting = session._offered_bytes - session._writer.settled_weight_bytes
    assert waiting <= 400_000 + 2000
    disk.gate.set()
    await _until(lambda: session._offered_bytes - session._writer.settled_weight_bytes < 200_000)
    end_ns = start_ns + 1500 * 20 * MS
    session.packet("video-1", rtp(1500, 1500 * 1800, 1100), end_ns)
    feed_audio(session, "audio-1", end_ns, 10, first=1500)
    manifest = await session.close()
    lost = {
        track.info.kind: sum(
            gap.until_ns - gap.from_ns
            for gap in manifest.gaps
            if gap.track == track.number and gap.cause == GapCause.OVERLOAD
        )
        for track in manifest.tracks
    }
    kept = {track.info.kind: track.packets for track in manifest.tracks}
    assert lost["video"] > lost["audio"] > 0  # voices are given up last
    assert kept["audio"] > kept["video"]
    assert abs(lost["video"] - (1500 - kept["video"] + 1) * 20 * MS) <= 100 * MS
    assert _audio_sum_holds(manifest)
    assert take_inventory(folder) == manifest
    assert verify(folder) == []


async def test_close__when_thousands_of_packets_wait__then_all_of_them_are_on_disk(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    session = RecordingSession.create(folder, recording_id="rec_1")
    start_ns = time.monotonic_ns()
    session.track_started(microphone(), start_ns)
    feed_audio(session, "audio-1", start_ns, 20_000)
    manifest = await session.close()
    assert manifest.tracks[0].packets == 20_000
    assert sum(1 for _ in open_recording(folder).packets(1)) == 20_000
    session.packet("audio-1", rtp(1, 1), time.monotonic_ns())  # late callers are not an error
    session.mark(kind="late", text="", at_ns=time.monotonic_ns())
    assert await session.close() == manifest


async def test_create__when_the_folder_is_another_recordings__then_it_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    await RecordingSession.create(folder, recording_id="rec_1").close()
    with pytest.raises(RecordingFailure) as caught:
        RecordingSession.create(folder, recording_id="rec_2")
    assert caught.value.code == "recording.mismatch"
    assert verify(folder) == []


async def test_create__when_another_session_writes_here__then_it_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    session = RecordingSession.create(folder, recording_id="rec_1")
    with pytest.raises(RecordingFailure) as caught:
        RecordingSession.create(folder, recording_id="rec_1")
    assert caught.value.code == "recording.busy"
    await session.close()


def test_create__when_the_folder_cannot_be_made__then_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(RecordingFailure) as caught:
        RecordingSession.create(tmp_path / "file" / "r", recording_id="rec_1")
    assert caught.value.code == "disk.refused"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_create__when_the_folder_is_read_only__then_it_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    folder.mkdir(mode=0o500)
    with pytest.raises(RecordingFailure) as caught:
        RecordingSession.create(folder, recording_id="rec_1")
    assert caught.value.code == "disk.read_only"


async def test_tracks__when_a_track_id_comes_back__then_it_is_a_track_of_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    session = RecordingSession.create(folder, recording_id="rec_1")
    start_ns = time.monotonic_ns()
    session.track_started(microphone(), start_ns)
    end_ns = feed_audio(session, "audio-1", start_ns, 10)
    session.track_event("audio-1", "transport_lost", end_ns)
    session.track_ended("audio-1", end_ns, "transport_lost")
    session.track_started(microphone(), end_ns + 500 * MS)
    feed_audio(session, "audio-1", end_ns + 500 * MS, 10, first=5000)
    manifest = await session.close()
    assert [(track.number, track.packets, track.end_cause) for track in manifest.tracks] == [
        (1, 10, "transport_lost"),
        (2, 10, "closed"),
    ]
    assert session.proof().tracks == {"audio-1": 10 * 92}


async def test_marks__when_a_text_is_endless__then_it_is_cut(tmp_path: Path) -> None:
    session = RecordingSession.create(tmp_path / "r", recording_id="rec_1")
    session.mark(kind="note", text="长" * 100_000, at_ns=0)
    manifest = await session.close()
    assert manifest.marks == (Mark("note", "长" * 4000, 0),)


async def test_manifest__when_anything_in_it_changes__then_loading_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    await RecordingSession.create(folder, recording_id="rec_1").close()
    body = json.loads((folder / MANIFEST_NAME).read_text())
    changed: list[Any] = [
        body | {"duration_ns": 1},
        body | {"format": 9},
        {},
        [],
        body | {"gaps": [{"track": 1}]},
    ]
    for wrong in changed:
        (folder / MANIFEST_NAME).write_text(json.dumps(wrong))
        with pytest.raises(ManifestError):
            Manifest.load(folder)
    assert open_recording(folder).manifest.recording_id == "rec_1"  # the journal is the truth


def test_open_recording__when_there_is_none__then_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(RecordingError):
        open_recording(tmp_path)


async def test_segments__when_one_is_read_alone__then_it_names_its_tracks(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    session = RecordingSession.create(folder, recording_id="rec_1", seal_s=0.2)
    session.track_started(microphone(), time.monotonic_ns())
    await asyncio.sleep(0.8)
    session.packet("audio-1", rtp(1, 1), time.monotonic_ns())
    manifest = await session.close()
    last = manifest.segments[-1].number
    recording = open_recording(folder)
    kinds = [timed.record.kind for timed in recording.records(first_segment=last)]
    assert kinds[:2] == [RecordKind.SEGMENT, RecordKind.TRACK]
    assert kinds[-1] == RecordKind.SEAL


async def test_packets_at_once__as_many_as_fit__are_what_one_by_one_would_be(tmp_path: Path) -> None:
    written = []
    voice = microphone()
    for name, queue_bytes in (("one", 1 << 20), ("all", 1 << 20), ("one", 60_000), ("all", 60_000)):
        disk = GatedDisk()
        session = RecordingSession.create(
            tmp_path / f"{name}-{queue_bytes}", recording_id="rec_1", queue_bytes=queue_bytes, disk=disk
        )
        disk.gate.clear()
        start_ns = time.monotonic_ns()
        session.track_started(voice, start_ns)
        packets = [(start_ns + number * 20 * MS, rtp(number, number * 960)) for number in range(300)]
        if name == "all":
            session.take_packets(voice.track_id, packets)
        else:
            for at_ns, packet in packets:
                session.packet(voice.track_id, packet, at_ns)
        disk.gate.set()
        manifest = await session.close()
        written.append((manifest.tracks[0].packets, [gap.cause for gap in manifest.gaps]))
    assert written[0] == written[1]
    assert written[0][0] == 300
    assert written[2] == written[3]
    assert 0 < written[2][0] < 300

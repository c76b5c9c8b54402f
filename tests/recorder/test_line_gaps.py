"""Gaps per person and source: layers and reconnections make one line."""

from __future__ import annotations

import time
from pathlib import Path

from recorder.account.line_gaps import line_gaps
from recorder.account.manifest import GapCause
from recorder.clock import NS_PER_S
from recorder.writing.session import RecordingSession
from tests.recorder.packets import MS, VIDEO_STEP, camera, feed_audio, microphone, rtp


def _feed_video(session: RecordingSession, track_id: str, start_ns: int, count: int, first: int = 0) -> int:
    for index in range(first, first + count):
        at_ns = start_ns + (index - first) * 40 * MS
        session.packet(track_id, rtp(index, index * VIDEO_STEP, 200, 96), at_ns)
    return start_ns + count * 40 * MS


async def test_line__when_one_layer_rests_while_another_flows__then_the_picture_has_no_gap(
    tmp_path: Path,
) -> None:
    session = RecordingSession.create(tmp_path / "r", recording_id="rec_1")
    start_ns = time.monotonic_ns()
    session.track_started(camera("low", layer="l"), start_ns)
    session.track_started(camera("high", layer="h"), start_ns)
    _feed_video(session, "low", start_ns, 250)
    middle_ns = _feed_video(session, "high", start_ns, 75)
    _feed_video(session, "high", middle_ns + 4 * NS_PER_S, 75, first=75)
    manifest = await session.close()
    stalled = {gap.track for gap in manifest.gaps if gap.cause is not GapCause.ABSENT}
    assert stalled == {2}
    assert [gap for gap in line_gaps(manifest) if gap.until_ns - gap.from_ns > 100 * MS] == []


async def test_line__when_the_best_layer_is_lost_while_another_rests__then_the_loss_is_the_cause(
    tmp_path: Path,
) -> None:
    session = RecordingSession.create(tmp_path / "r", recording_id="rec_1")
    start_ns = time.monotonic_ns()
    session.track_started(camera("middle", layer="h"), start_ns)
    session.track_started(camera("best", layer="f"), start_ns)
    rest_ns = _feed_video(session, "middle", start_ns, 50)
    session.track_event("middle", "not_wanted", rest_ns)
    lost_ns = _feed_video(session, "best", start_ns, 100)
    session.track_event("best", "transport_lost", lost_ns)
    back_ns = lost_ns + 3 * NS_PER_S
    _feed_video(session, "best", back_ns, 100, first=100)
    manifest = await session.close()
    gaps = [gap for gap in line_gaps(manifest) if gap.until_ns - gap.from_ns > 100 * MS]
    assert [(gap.cause, round((gap.until_ns - gap.from_ns) / NS_PER_S)) for gap in gaps] == [
        (GapCause.NETWORK, 3)
    ]


async def test_line__when_a_person_reconnects__then_only_the_time_between_is_a_gap(tmp_path: Path) -> None:
    session = RecordingSession.create(tmp_path / "r", recording_id="rec_1")
    start_ns = time.monotonic_ns()
    session.track_started(microphone("first"), start_ns)
    lost_ns = feed_audio(session, "first", start_ns, 100)
    session.track_event("first", "transport_lost", lost_ns)
    session.track_ended("first", lost_ns + 2 * NS_PER_S, "transport_lost")
    session.track_started(microphone("second"), lost_ns + 3 * NS_PER_S)
    feed_audio(session, "second", lost_ns + 3 * NS_PER_S, 100)
    manifest = await session.close()
    gaps = [gap for gap in line_gaps(manifest) if gap.until_ns - gap.from_ns > 100 * MS]
    assert [(gap.cause, round((gap.until_ns - gap.from_ns) / NS_PER_S)) for gap in gaps] == [
        (GapCause.NETWORK, 2),
        (GapCause.ABSENT, 1),
    ]
    assert {(gap.identity, gap.source) for gap in gaps} == {("per_1", "microphone")}


async def test_line__when_the_record_pauses__then_every_line_says_so(tmp_path: Path) -> None:
    session = RecordingSession.create(tmp_path / "r", recording_id="rec_1")
    start_ns = time.monotonic_ns()
    session.track_started(microphone("mine", "per_1"), start_ns)
    session.track_started(microphone("yours", "per_2"), start_ns)
    for track_id in ("mine", "yours"):
        feed_audio(session, track_id, start_ns, 50)
    session.pause(code="recess", at_ns=start_ns + NS_PER_S)
    session.resume(at_ns=start_ns + 3 * NS_PER_S)
    for track_id in ("mine", "yours"):
        feed_audio(session, track_id, start_ns + 3 * NS_PER_S, 50, first=150)
    gaps = [gap for gap in line_gaps(await session.close()) if gap.cause is GapCause.RECESS]
    assert [(gap.identity, gap.until_ns - gap.from_ns) for gap in gaps] == [
        ("per_1", 2 * NS_PER_S),
        ("per_2", 2 * NS_PER_S),
    ]

"""What is recorded is watched from outside: lines go missing in a real hearing, and the judge signs the statement."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from hearing_server.robots.court_client import Problem
from recorder.durable import Disk
from recorder.second.feed import Feed
from recorder.writing.session import RecordingSession
from signaling.sink import TrackInfo
from tests.flows.court_story import Story, story

# Promised is 15 s; the watcher has the least priority, so a busy machine is given three times that.
ALARM_S = 45.0


class LostLines:
    """Recorders that lose what they are given of some lines, as a fault of their own would."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.lines: set[tuple[str, str]] = set()
        self._names: dict[tuple[str, str], set[str]] = {}
        started, taken = RecordingSession.track_started, RecordingSession.take_packets
        second_taken = Feed.packet

        def told(own: RecordingSession, track: TrackInfo, at_ns: int) -> None:
            self._names.setdefault((track.identity, track.source), set()).add(track.track_id)
            started(own, track, at_ns)

        def passed(own: RecordingSession, track_id: str, packets: list[tuple[int, bytes]]) -> None:
            if not self._is_lost(track_id):
                taken(own, track_id, packets)

        def fed(own: Feed, track_id: str, packet: bytes, at_ns: int) -> None:
            if not self._is_lost(track_id):
                second_taken(own, track_id, packet, at_ns)

        patch.setattr(RecordingSession, "track_started", told)
        patch.setattr(RecordingSession, "take_packets", passed)
        patch.setattr(Feed, "packet", fed)

    def _is_lost(self, track_id: str) -> bool:
        return any(track_id in self._names.get(line, ()) for line in self.lines)


async def _failures(told: Story, wanted: Any) -> list[dict[str, Any]]:
    """The hearing's failures as the judge sees them, once they are as wanted."""
    async with asyncio.timeout(ALARM_S):
        while True:
            found: list[dict[str, Any]] = (await told.judge.get(f"/hearings/{told.hearing_id}"))["failures"]
            if wanted(found):
                return found
            await asyncio.sleep(0.3)


@pytest.mark.timeout(300)
async def test_line__that_is_not_recorded__is_an_alarm_and_a_statement_that_the_judge_signs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = LostLines(monkeypatch)
    async with story(tmp_path / "court") as told:
        await told.begin(parties=1)
        await told.admit_all()
        await told.order("open")
        person = told.parties[0].client.me
        await told.sees(person["id"], "camera", more=10)
        await asyncio.sleep(5)
        assert (await told.judge.get(f"/hearings/{told.hearing_id}"))["failures"] == []
        lost.lines.add((person["id"], "camera"))
        began_s = time.monotonic()
        (failure,) = await _failures(told, lambda found: len(found) == 1)
        print(f"content_alarm_s {time.monotonic() - began_s:.1f} (promised 15)")
        assert (failure["kind"], failure["person_id"], failure["source"]) == (
            "missing",
            person["id"],
            "camera",
        )
        assert person["name"] in failure["title"]
        seen_by_party = await told.parties[0].client.get(f"/hearings/{told.hearing_id}")
        assert seen_by_party["failures"] == []
        lost.lines.clear()
        await _failures(told, lambda found: found[0]["ended_at"] is not None)
        await _sign(told, failure["id"])
        assert await _failures(told, lambda found: found == []) == []
        await told.order("close")
        (recording,) = (await told.clerk.get("/recordings"))["items"]
        kept = (await told.clerk.get(f"/recordings/{recording['id']}/failures"))["items"]
        assert [one["id"] for one in kept] == [failure["id"]]


async def _sign(told: Story, failure_id: str) -> None:
    """The statement says what it must; the clerk may read and not sign; a signature stands and is an act."""
    (draft,) = (await told.clerk.get(f"/hearings/{told.hearing_id}/failures"))["items"]
    assert draft["signed_at"] is None
    assert "没有录到" in draft["draft"]
    path = f"/failures/{failure_id}/signature"
    with pytest.raises(Problem) as refused:
        await told.clerk.post(path, {"remarks": ""})
    assert refused.value.code == "right.missing"
    signed = await told.judge.post(path, {"remarks": "已核实，当事人画面未录入约半分钟"})
    assert signed["signed_by"]
    assert signed["remarks"].startswith("已核实")
    with pytest.raises(Problem) as twice:
        await told.judge.post(path, {"remarks": "再签"})
    assert twice.value.code == "failure.signed"
    hearing = await told.judge.get(f"/hearings/{told.hearing_id}")
    acts = (await told.judge.get(f"/cases/{hearing['case']['id']}/acts"))["items"]
    kinds = [act["kind"] for act in acts if act["kind"].startswith("recording.failure")]
    assert sorted(kinds) == ["recording.failure_noted", "recording.failure_over", "recording.failure_signed"]


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_line__missing_while_the_first_recorder_hangs__is_found_in_the_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost, syncs, real = LostLines(monkeypatch), threading.Event(), Disk.sync_data
    syncs.set()

    def sync_data(disk: Disk, fd: int) -> None:
        assert syncs.wait(120)
        real(disk, fd)

    monkeypatch.setattr(Disk, "sync_data", sync_data)
    async with story(tmp_path / "court") as told:
        await told.begin(parties=1)
        await told.admit_all()
        await told.order("open")
        person = told.parties[0].client.me
        await told.sees(person["id"], "camera", more=10)
        await asyncio.sleep(5)
        syncs.clear()
        try:
            (down,) = await _failures(told, lambda found: len(found) == 1)
            assert down["kind"] == "one_recorder"
            lost.lines.add((person["id"], "camera"))
            found = await _failures(told, lambda found: len(found) == 2)
            assert {(one["kind"], one["person_id"], one["source"]) for one in found} == {
                ("one_recorder", None, None),
                ("missing", person["id"], "camera"),
            }
            lost.lines.clear()
            await _failures(told, lambda found: sum(one["ended_at"] is not None for one in found) == 1)
        finally:
            syncs.set()
        await told.order("close")

"""Rooms in processes of their own: the court dies and nobody in the room notices; a room dies and comes back."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hearing_server.adapters.media_process.look import end_media_processes, media_processes
from hearing_server.demo_court import PASSWORD
from hearing_server.robots.court_client import CourtClient
from hearing_server.robots.seat import Seat
from recorder.account.manifest import GapCause, Manifest
from recorder.reading.verify import verify
from tests.flows.court_story import MovableClock, Story, story
from tests.flows.demo_process import demo_process

_MEDIA = {"udp_port": 0, "tcp_port": 0, "processes": 1}


@asynccontextmanager
async def _nothing_left(data: Path) -> AsyncIterator[None]:
    """A media process outlives its court on purpose; it shall not outlive a test that fails."""
    try:
        yield
    finally:
        await end_media_processes(data / "media", even_if_busy=True)


async def _pid(data: Path) -> int:
    (facts,) = await media_processes(data / "media")
    return facts.pid


# Said of every recording while it runs; they belong to other tests.
_IN_PASSING = {
    "recording.segment_sealed",
    "recording.failure_noted",
    "recording.failure_over",
    "recording.archived",
}


async def _acts(person: CourtClient, hearing_id: str, prefix: str) -> list[str]:
    hearings = (await person.get("/hearings"))["items"]
    case_id = next(each["case_id"] for each in hearings if each["id"] == hearing_id)
    acts = (await person.get(f"/cases/{case_id}/acts"))["items"]
    return [act["kind"] for act in acts if act["kind"].startswith(prefix) and act["kind"] not in _IN_PASSING]


async def _in_session(told: Story) -> str:
    """One party before the judge, in session, seen; the party's id."""
    await told.begin(parties=1)
    await told.admit_all()
    opened = await told.order("open")
    assert opened["recording"]["state"] == "writing"
    person: str = told.parties[0].client.me["id"]
    await told.sees(person, "camera", more=10)
    return person


async def _rejoined(*seats: Seat | None) -> None:
    async with asyncio.timeout(40):
        while not all(seat is not None and seat.rejoins for seat in seats):  # noqa: ASYNC110 - counters
            await asyncio.sleep(0.05)


def _manifest(data: Path) -> Manifest:
    (folder,) = (data / "recordings").iterdir()
    assert verify(folder) == []
    return Manifest.load(folder)


def _crashes(manifest: Manifest) -> list[object]:
    gaps = [gap for gap in manifest.gaps if gap.cause is GapCause.CRASH]
    return [*gaps, *(one for one in manifest.incidents if one.kind == "crash")]


@pytest.mark.timeout(240)
async def test_court__killed_in_session__room_and_record_go_on_without_a_gap(tmp_path: Path) -> None:
    data = tmp_path / "court"
    async with _nothing_left(data):
        async with demo_process(data, port=0, media_port=0, media_processes=1) as (process, url):
            told = Story(url, MovableClock(), recovers=True)
            person = await _in_session(told)
            pid = await _pid(data)
            assert told.bench is not None
            watched = [told.bench.watched[person, source] for source in ("camera", "microphone")]
            for track in watched:
                track.forget_gaps()
            os.kill(process.pid, signal.SIGKILL)
            await process.wait()
        # No court is there at all, and the hearing goes on.
        await told.sees(person, "camera", more=20)
        await told.sees(person, "microphone", more=50)
        port = int(url.rsplit(":", 1)[1])
        async with demo_process(data, port=port, media_port=0, media_processes=1):
            assert await _pid(data) == pid
            view = await told.judge.get(f"/hearings/{told.hearing_id}")
            assert (view["state"], view["recording"]["state"]) == ("in_session", "writing")
            await _rejoined(told.bench, told.parties[0].seat)
            await told.sees(person, "camera", more=15)
            # The court was away for seconds; what is left is this machine decoding late while a court starts beside it.
            assert max(track.gap_s for track in watched) < 1.5, "media paused while the court was away"
            # Nobody was lost and nothing was recovered, because nothing was gone.
            assert await _acts(told.judge, told.hearing_id, "recording.") == ["recording.started"]
            assert await _acts(told.judge, told.hearing_id, "participant.connection") == []
            await _orders_are_heard(told, person)
            await told.order("close")
            await told.end()
        recording = await _sealed_by_the_next(data)
        assert recording["film"]["state"] == "ready", recording["film"]
        manifest = _manifest(data)
        assert len(manifest.runs) == 1, "the recorder never stopped"
        assert _crashes(manifest) == []
        assert await media_processes(data / "media") == [], (
            "an idle process ends with a court that is stopped"
        )


async def _orders_are_heard(told: Story, person: str) -> None:
    """The new court orders the room it found."""
    assert told.bench is not None
    await told.order("mutes", {"person_id": person, "source": "camera", "muted": True})
    await asyncio.sleep(0.5)
    before = told.bench.frames[person, "camera"]
    await asyncio.sleep(1)
    assert told.bench.frames[person, "camera"] - before <= 1, "a muted picture was forwarded"
    await told.order("mutes", {"person_id": person, "source": "camera", "muted": False})
    await told.sees(person, "camera", more=10)


async def _sealed_by_the_next(data: Path) -> dict[str, Any]:
    """A third court, this one in our process, whose clock is past the minute to undo the closing."""
    async with story(data, media=_MEDIA) as told:
        await told.clerk.sign_in_staff("clerk", PASSWORD)
        return await told.film()


@pytest.mark.timeout(240)
async def test_media_process__killed_in_session__room_opens_again_and_the_gap_is_named(
    tmp_path: Path,
) -> None:
    data = tmp_path / "court"
    async with _nothing_left(data), story(data, recovers=True, media=_MEDIA) as told:
        person = await _in_session(told)
        pid = await _pid(data)
        os.kill(pid, signal.SIGKILL)
        assert told.bench is not None
        await told.bench.until(lambda view: view["recording"]["state"] == "failed", timeout_s=20)
        await _rejoined(told.bench, told.parties[0].seat)
        await told.sees(person, "camera", more=10)
        await told.sees(person, "microphone", more=10)
        assert await _pid(data) != pid
        await told.bench.until(lambda view: view["recording"]["state"] == "writing", timeout_s=20)
        await told.order("recess", {"reason": "设备恢复"})
        await told.order("resume")
        await told.sees(person, "camera", more=10)
        await told.order("close")
        recording = await told.film()
        assert recording["film"]["state"] == "ready", recording["film"]
        assert "crash" in {gap["cause"] for gap in recording["gaps"]}
        told_of = await _acts(told.judge, told.hearing_id, "recording.")
        assert told_of == ["recording.started", "recording.failed", "recording.recovered", "recording.sealed"]
        manifest = _manifest(data)
        assert len(manifest.runs) == 2
        assert _crashes(manifest)

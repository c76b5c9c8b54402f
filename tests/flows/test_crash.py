"""Killed in the middle of a hearing: after the restart the hearing goes on and the record says what it lost."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from hearing_server.robots.seat import Seat
from hearing_server.robots.senses import COLOURS, PITCHES_HZ, Face, Metronome, Voice
from recorder.manifest import GapCause, Manifest
from recorder.verify import verify
from tests.flows.court_story import FACE_SIZE, RATE_HZ, MovableClock, Story
from tests.flows.demo_process import demo_process


@pytest.mark.timeout(300)
async def test_server__killed_in_session__hearing_goes_on_and_the_gap_is_named(tmp_path: Path) -> None:
    data = tmp_path / "court"
    async with demo_process(data, port=0, media_port=0) as (process, url):
        told = Story(url, MovableClock())
        await told.begin(parties=1)
        await told.admit_all()
        await told.order("open")
        person = told.parties[0].client.me["id"]
        await told.sees(person, "camera", more=20)
        os.kill(process.pid, signal.SIGKILL)
        await process.wait()
    port = int(url.rsplit(":", 1)[1])
    async with demo_process(data, port=port, media_port=0) as (_, again):
        assert again == url
        view = await told.judge.get(f"/hearings/{told.hearing_id}")
        assert view["state"] == "in_session"
        await _come_back(told)
        await told.sees(person, "camera", more=20)
        view = await told.judge.get(f"/hearings/{told.hearing_id}")
        assert view["recording"]["state"] == "writing"
        await told.order("close")
        await told.end()
    folder = next((data / "recordings").iterdir())
    # This process ended by kill as well: verification needs no clean end, and finds nothing wrong.
    crashes = await asyncio.to_thread(_crash_gaps, folder)
    assert crashes, "the crash is a named gap"
    assert verify(folder) == []


def _crash_gaps(folder: Path) -> list[object]:
    from recorder.recovery import recover

    recover(folder)
    manifest = Manifest.load(folder)
    crashed = [gap for gap in manifest.gaps if gap.cause is GapCause.CRASH]
    incidents = [one for one in manifest.incidents if one.kind == "crash"]
    # What was on its way to the disk: at most a second of each track.
    for track in manifest.tracks:
        assert track.packets > 0
    return [*crashed, *incidents]


async def _come_back(told: Story) -> None:
    """The pages reconnect by themselves; robots do it here: same sessions, so the same seats."""
    old = told.parties[0].seat
    assert old is not None
    await told.seat_judge()
    seat = told.parties[0].seat = Seat(told.parties[0].client, told.hearing_id)
    await seat.connect()
    await seat.take()
    beat = Metronome()
    await seat.publish(Voice(beat, PITCHES_HZ[1]), Face(beat, COLOURS[1], size=FACE_SIZE, rate_hz=RATE_HZ))
    await seat.report("present")
    await old.close()

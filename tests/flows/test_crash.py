"""Killed in the middle of a hearing: after the restart the hearing goes on and the record says what it lost.

The court's process, and those that work for it: the second recorder, the film's worker, the watcher of contents, the
signer of the log. What each kill costs the record to the packet is `tests/recorder/test_kill_drill.py`'s business.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from hearing_server.robots.seat import Seat
from hearing_server.robots.senses import COLOURS, PITCHES_HZ, Face, Metronome, Voice
from recorder.account.line_gaps import line_gaps
from recorder.account.manifest import GapCause
from recorder.reading.recording import open_recording
from recorder.reading.recovery import recover
from recorder.union.union import write_union
from recorder.union.verify_union import verify_whole
from tests.flows.court_story import FACE_SIZE, RATE_HZ, MovableClock, Story
from tests.flows.demo_process import demo_process


@pytest.mark.parametrize(
    "kills",
    [
        pytest.param(2, marks=pytest.mark.timeout(300)),
        pytest.param(60, marks=[pytest.mark.slow, pytest.mark.timeout(7200)]),
    ],
)
async def test_server__killed_in_session_at_seeded_moments__hearing_goes_on_and_each_gap_is_named(
    kills: int, tmp_path: Path
) -> None:
    data, port, told, dice, helpers = tmp_path / "court", 0, None, random.Random(5), 0
    for _ in range(kills):
        async with demo_process(data, port=port, media_port=0) as (process, url):
            port = int(url.rsplit(":", 1)[1])
            if told is None:
                told = await _opened(url)
            else:
                await _come_back(told)
            person = told.parties[0].client.me["id"]
            await told.sees(person, "camera", more=20)
            await asyncio.sleep(dice.uniform(0.0, 1.0))
            helpers += _kill_one(process.pid, dice)
            # Nobody in the hearing notices that.
            await told.sees(person, "camera", more=10)
            await told.sees(person, "microphone", more=25)
            os.kill(process.pid, signal.SIGKILL)
            await process.wait()
    assert told is not None
    assert helpers > 0
    async with demo_process(data, port=port, media_port=0) as (_, again):
        assert int(again.rsplit(":", 1)[1]) == port
        view = await told.judge.get(f"/hearings/{told.hearing_id}")
        assert view["state"] == "in_session"
        await _come_back(told)
        await told.sees(person, "camera", more=20)
        view = await told.judge.get(f"/hearings/{told.hearing_id}")
        assert view["recording"]["state"] == "writing"
        await told.order("close")
        await told.end()
    folder = next((data / "recordings").iterdir())
    second = data / "recordings-second" / folder.name
    # This process ended by kill as well: verification needs no clean end, and finds nothing wrong.
    await asyncio.to_thread(_check_record, folder, second, kills, person)


def _kill_one(server: int, dice: random.Random) -> int:
    """Kill one of the processes that work for the court; how many there were to choose from."""
    children = []
    for place in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            parent = (place / "stat").read_text().rpartition(")")[2].split()[1]
            if int(parent) == server and (place / "cmdline").read_bytes():
                children.append(int(place.name))
    if children:
        with suppress(ProcessLookupError):
            os.kill(dice.choice(sorted(children)), signal.SIGKILL)
    return len(children)


async def _opened(url: str) -> Story:
    told = Story(url, MovableClock())
    await told.begin(parties=1)
    await told.admit_all()
    await told.order("open")
    return told


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


def _check_record(folder: Path, second: Path, kills: int, person: str) -> None:
    """Each kill is an incident and a gap of the voice; the drill of the recorder alone counts what one costs."""
    recover(folder)
    recover(second)
    recording = open_recording(folder)
    manifest = recording.manifest
    assert len([one for one in manifest.incidents if one.kind == "crash"]) >= kills
    voice = [gap for gap in line_gaps(manifest) if (gap.identity, gap.source) == (person, "microphone")]
    assert len([gap for gap in voice if gap.cause is GapCause.CRASH]) >= kills
    for track in manifest.tracks:
        assert track.packets > 0
        assert track.recorded_ns + track.gap_ns == manifest.duration_ns
    account = write_union(folder, second).account
    for track in account.tracks:
        assert track.recorded_ns + track.gap_ns == account.duration_ns
    assert verify_whole(folder).problems == ()

"""What seats are told about pictures: what to send, what they are sent, and what a viewer may wish."""

from __future__ import annotations

import asyncio

import pytest

from hearing_server.robots.court_client import Problem
from hearing_server.robots.senses import COLOURS, PITCHES_HZ, Face, Metronome, Voice
from tests.court import RunningCourt
from tests.sockets.test_seats import lobby


async def test_seats__when_nobody_watches_and_then_somebody_does__then_the_sender_rests_and_comes_back(
    court: RunningCourt,
) -> None:
    settings = court.engine._gateway.settings
    object.__setattr__(settings, "layer_pause_s", 0.5)
    async with lobby(court) as (judge, lin, zhao):
        await lin.take()
        beat = Metronome()
        await lin.publish(Voice(beat, PITCHES_HZ[0]), Face(beat, COLOURS[0], size=(160, 120), rate_hz=10))
        camera = (lin.client.me["id"], "camera")
        assert lin.up is not None
        async with asyncio.timeout(20):
            while not lin.up.resting:  # noqa: ASYNC110 - a robot's state has no event
                await asyncio.sleep(0.05)
        await judge.post(f"/hearings/{lin.hearing_id}/admissions", {"person_ids": [zhao.client.me["id"]]})
        await zhao.take()
        async with asyncio.timeout(20):
            while zhao.shown is None or lin.up.resting:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert zhao.shown == {camera}
        assert zhao.held_back is None
        # One order turns every picture off, whoever comes; the sender rests again.
        await zhao.command("pictures_limit", max_pictures=0)
        async with asyncio.timeout(20):
            while zhao.shown or not lin.up.resting:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        await zhao.command("pictures_limit", max_pictures=None)
        async with asyncio.timeout(20):
            while zhao.shown != {camera} or lin.up.resting:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        for wrong in (-1, 65, "eight"):
            with pytest.raises(Problem):
                await zhao.command("pictures_limit", max_pictures=wrong)
        # Back on a new seat, the same page is told again.
        zhao.shown = None
        await zhao.take()
        async with asyncio.timeout(20):
            while zhao.shown != {camera}:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

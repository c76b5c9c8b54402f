"""A seat's links follow their person to another network by plain requests; nobody else's request moves them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hearing_server.robots.court_client import CourtClient, Problem
from hearing_server.robots.moved import lead
from hearing_server.robots.party import senses_of
from hearing_server.robots.seat import Seat
from tests.court import running_court

_UFRAG = re.compile(r"a=ice-ufrag:(\S+)")


@asynccontextmanager
async def two_seated(folder: Path) -> AsyncIterator[tuple[Seat, Seat, str]]:
    """Judge and clerk, seen and heard by each other."""
    async with running_court(folder) as court, court.staff("judge") as judge, court.staff("clerk") as clerk:
        hearing_id = (await judge.get("/hearings"))["items"][0]["id"]
        seats = [Seat(client, hearing_id) for client in (judge, clerk)]
        try:
            for number, seat in enumerate(seats):
                await seat.connect()
                await seat.report("present")
                await seat.take()
                await seat.publish_from(senses_of(number, rate_hz=15, size=(160, 120)))
            await _sees(seats[0], clerk)
            await _sees(seats[1], judge)
            yield seats[0], seats[1], f"/hearings/{hearing_id}/seat/moved"
        finally:
            for seat in seats:
                await seat.close()


async def _sees(seat: Seat, other: CourtClient, *, more: int = 5) -> None:
    who = str(other.me["id"])
    goal = {source: seat.frames[who, source] + more for source in ("microphone", "camera")}
    async with asyncio.timeout(20):
        while any(seat.frames[who, source] < frames for source, frames in goal.items()):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_moved__without_a_socket__then_both_links_are_led_and_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with two_seated(tmp_path) as (judge, clerk, _path):
        await judge.lose_socket()
        assert judge.up is not None
        assert judge.up.peer is not None
        assert judge.down.peer is not None
        peers = judge.up.peer, judge.down.peer
        names = [_UFRAG.findall(peer.remoteDescription.sdp)[0] for peer in peers]
        told: list[Any] = []
        post = judge.client.post

        async def noted(to: str, body: object = None) -> Any:
            told.append(await post(to, body))
            return told[-1]

        monkeypatch.setattr(judge.client, "post", noted)
        led = await lead(judge.client, judge.hearing_id, judge.seat_id, judge.up, judge.down, lambda sdp: sdp)
        assert led == (True, True)
        assert _UFRAG.findall(told[0]["sdp"])[0] == names[0], (
            "the same names were offered: nothing to restart"
        )
        assert _UFRAG.findall(told[0]["offer"]["sdp"])[0] != names[1]
        assert told[1] == {}
        assert (judge.up.peer, judge.down.peer) == peers, "no new transport"
        await _sees(judge, clerk.client, more=20)
        await _sees(clerk, judge.client, more=20)


async def test_moved__when_the_seat_is_not_the_callers__then_it_is_refused(tmp_path: Path) -> None:
    async with two_seated(tmp_path) as (judge, clerk, path):
        stolen = {"seat": judge.seat_id, "sources": {}}
        for client, body in (
            (clerk.client, stolen),
            (judge.client, stolen | {"seat": "seat_unknown"}),
            (judge.client, {"seat": clerk.seat_id, "sources": {}}),
        ):
            with pytest.raises(Problem) as refused:
                await client.post(path, body)
            assert refused.value.code == "seat.none"
            with pytest.raises(Problem) as refused:
                await client.post(path + "/answer", {"seat": body["seat"], "version": 1, "sdp": "v=0"})
            assert refused.value.code == "seat.none"
        old = judge.seat_id
        await judge.take()
        with pytest.raises(Problem) as refused:
            await judge.client.post(path, {"seat": old, "sources": {}})
        assert refused.value.code == "seat.none", "the seat before is gone"
        assert (await judge.client.post(path, {"seat": judge.seat_id, "sources": {}}))["offer"]["version"] > 0
        await judge.command("room_leave")
        with pytest.raises(Problem) as refused:
            await judge.client.post(path, {"seat": judge.seat_id, "sources": {}})
        assert refused.value.code == "seat.none"


async def test_moved__when_nobody_is_signed_in__then_it_is_refused(tmp_path: Path) -> None:
    async with two_seated(tmp_path) as (judge, clerk, path), CourtClient(judge.client.url) as stranger:
        with pytest.raises(Problem) as refused:
            await stranger.post(path, {"seat": clerk.seat_id, "sources": {}})
        assert refused.value.status == 401

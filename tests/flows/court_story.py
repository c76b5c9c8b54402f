"""A demo court with robots for the flow tests: real HTTP, sockets, media, recorder, film; the clock may be moved."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hearing_server.app import running
from hearing_server.demo_court import PASSWORD, DemoCourt
from hearing_server.kernel import SystemClock
from hearing_server.rest.config import DEMO
from hearing_server.robots.court_client import CourtClient
from hearing_server.robots.party import RobotParty, parties_of, senses_of
from hearing_server.robots.seat import Seat
from hearing_server.settings import Settings, load_settings
from hearing_server.site import listening
from tests.chosen_database import chosen

FACE_SIZE = (320, 240)
RATE_HZ = 12


class MovableClock(SystemClock):
    """The machine's clock with a hand on it: the minute to undo a closing needs not be waited for."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def utc_now(self) -> datetime:
        return super().utc_now() + self.ahead


def court_settings(data: Path, **changes: Any) -> Settings:
    values: dict[str, Any] = {
        "storage": {"data_dir": data, "database_url": chosen.url(data)},
        "server": {"port": 0},
        "media": {"udp_port": 0, "tcp_port": 0},
        "demo": True,
    }
    return load_settings(**(values | changes))


class Story:
    """The demo court with its judge, clerk and president signed in."""

    def __init__(self, url: str, clock: MovableClock, *, recovers: bool = False) -> None:
        self.url = url
        self.recovers = recovers
        self.clock = clock
        self.judge, self.clerk, self.president = (CourtClient(url) for _ in range(3))
        self.parties: list[RobotParty] = []
        self.bench: Seat | None = None
        self.hearing_id = ""

    async def begin(self, *, parties: int = 2) -> None:
        """Staff signs in, parties arrive by their links, the judge takes the seat."""
        await self.judge.sign_in_staff("judge", PASSWORD)
        await self.clerk.sign_in_staff("clerk", PASSWORD)
        await self.president.sign_in_staff("president", PASSWORD)
        people = await parties_of(self.judge)
        for number, person in enumerate(people[:parties]):
            party = RobotParty(self.url, person, number + 1, rate_hz=RATE_HZ, recovers=self.recovers)
            self.parties.append(party)
            self.hearing_id = (await party.arrive()).hearing_id
        await self.seat_judge()

    async def seat_judge(self) -> Seat:
        seat = self.bench = Seat(self.judge, self.hearing_id, recovers=self.recovers)
        await seat.connect()
        await seat.report("present")
        await seat.take()
        await seat.publish_from(senses_of(0, rate_hz=RATE_HZ, size=FACE_SIZE))
        return seat

    async def admit_all(self) -> None:
        assert self.bench is not None
        wanted = len(self.parties)
        await self.bench.until(lambda view: sum(p["presence"] == "waiting" for p in view["people"]) == wanted)
        await self.order("admissions", {"all": True})
        await asyncio.gather(*(party.sit_down() for party in self.parties))

    async def order(self, verb: str, body: object = None) -> dict[str, Any]:
        """The judge's order on the hearing."""
        view: dict[str, Any] = await self.judge.post(f"/hearings/{self.hearing_id}/{verb}", body)
        return view

    async def sees(self, person_id: str, source: str, *, more: int = 3, timeout_s: float = 30) -> None:
        """Wait until the judge decoded `more` further frames of a person."""
        assert self.bench is not None
        wanted = self.bench.frames[person_id, source] + more
        async with asyncio.timeout(timeout_s):
            while self.bench.frames[person_id, source] < wanted:  # noqa: ASYNC110 - counters
                await asyncio.sleep(0.05)

    async def film(self, *, timeout_s: float = 90) -> dict[str, Any]:
        """The recording once its film is ready; the minute to undo the closing is skipped."""
        self.clock.ahead += timedelta(seconds=61)
        async with asyncio.timeout(timeout_s):
            while True:
                items = (await self.clerk.get("/recordings"))["items"]
                if items and items[0]["film"]["state"] in ("ready", "failed"):
                    recording: dict[str, Any] = items[0]
                    return recording
                await asyncio.sleep(0.3)

    async def end(self) -> None:
        if self.bench is not None:
            await self.bench.close()
        for party in self.parties:
            await party.close()
        for client in (self.judge, self.clerk, self.president):
            await client.http.close()


@asynccontextmanager
async def story(data: Path, *, recovers: bool = False, **changes: Any) -> AsyncIterator[Story]:
    """A fresh demo court, serving, with nobody in it yet."""
    clock = MovableClock()
    settings = court_settings(data, **changes)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(running(settings, clock=clock))
        court = DemoCourt(server)
        server.app[DEMO] = court
        server.address.url = await stack.enter_async_context(listening(server.app, settings))
        await court.seed()
        told = Story(server.address.url, clock, recovers=recovers)
        stack.push_async_callback(told.end)
        yield told

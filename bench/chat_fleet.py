"""A thousand open sockets that post at a steady rate and note when words arrive; the same for every server."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from bench.measure import cpu_s
from hearing_server.robots.chat.line import CaseLine, LineDown

# So many connections are opened at the same time: a court in the morning, not an attack.
_AT_ONCE = 50
_DRAIN_S = 10.0


@dataclass(frozen=True, slots=True)
class Place:
    """Somebody in the fleet: what opens the door, which lane is resumed (none: the server knows no lanes)."""

    ticket: str
    lane: str = ""


@dataclass(slots=True)
class Load:
    """What came of a load."""

    seconds: float = 0.0
    acked: int = 0
    refused: int = 0
    delivered: int = 0
    server_cpu_s: float = 0.0
    delays_s: list[float] = field(default_factory=list)
    ack_delays_s: list[float] = field(default_factory=list)

    @property
    def cpu_us_per_delivery(self) -> float:
        return 1e6 * self.server_cpu_s / max(1, self.delivered)

    @property
    def acked_per_s(self) -> float:
        return self.acked / max(1e-9, self.seconds)


def at(delays_s: Sequence[float], share: float) -> float:
    """In milliseconds."""
    ordered = sorted(delays_s) or [0.0]
    return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Fleet:
    """`open` first; then loads, one after the other."""

    def __init__(self, url: str, pid: int, http: aiohttp.ClientSession) -> None:
        self._url = url
        self._pid = pid
        self._http = http
        self._lines: list[tuple[CaseLine, Place]] = []
        self._numbers = itertools.count()
        self._load = Load()
        # Where the lanes stand, by what was acked.
        self.heads: dict[str, int] = {}

    async def open(self, places: Sequence[Place]) -> float:
        """Connect all; seconds it took."""
        began, turns = time.monotonic(), asyncio.Semaphore(_AT_ONCE)

        async def one(place: Place) -> None:
            async with turns:
                line = await CaseLine.open(self._http, self._url, place.ticket, self._hear)
                if place.lane:
                    cursor = {"epoch": 1, "last_seq": 0}
                    await line.ask("lanes_resume", {"lanes": {place.lane: cursor}}, timeout_s=30)
                self._lines.append((line, place))

        await asyncio.gather(*(one(place) for place in places))
        return time.monotonic() - began

    async def close(self) -> None:
        await asyncio.gather(*(line.close() for line, _ in self._lines))

    async def steady(self, *, per_s: float, for_s: float) -> Load:
        """Posts at fixed moments, whatever the answers do: a slow server shows as delay, not as less load."""
        load = self._begin()
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number in range(round(per_s * for_s)):
                await asyncio.sleep(max(0.0, began + number / per_s - time.monotonic()))
                line, place = self._lines[(number * 7919) % len(self._lines)]
                group.create_task(self._post(line, place, load))
        return await self._end(load, began)

    async def saturated(self, *, for_s: float, in_flight: int) -> Load:
        """As many posts as the server takes, so many of them on their way at any time."""
        load = self._begin()
        began = time.monotonic()

        async def one(first: int) -> None:
            for number in itertools.count():
                if time.monotonic() - began > for_s:
                    return
                line, place = self._lines[(first + number * in_flight) % len(self._lines)]
                await self._post(line, place, load)

        await asyncio.gather(*(one(first) for first in range(in_flight)))
        return await self._end(load, began)

    def _begin(self) -> Load:
        self._load = Load(server_cpu_s=-cpu_s(self._pid))
        return self._load

    async def _end(self, load: Load, began: float) -> Load:
        load.seconds = time.monotonic() - began
        # What was acked is on its way to everybody; its cost belongs to the load.
        heard, until = -1, time.monotonic() + _DRAIN_S
        while load.delivered != heard and time.monotonic() < until:
            heard = load.delivered
            await asyncio.sleep(0.3)
        load.server_cpu_s += cpu_s(self._pid)
        return load

    async def _post(self, line: CaseLine, place: Place, load: Load) -> None:
        sent = time.monotonic()
        body: dict[str, Any] = {
            "lane": place.lane or place.ticket, "client_id": f"bench-{next(self._numbers):08d}", "type": "text",
            "body": {"text": f"{sent:.6f} 请各方于三日内提交证据原件，逾期视为放弃。"},
        }  # fmt: skip
        try:
            answer = await line.ask("message_post", body, timeout_s=30)
        except LineDown:
            load.refused += 1
            return
        if not answer["ok"]:
            load.refused += 1
            return
        load.acked += 1
        lane = body["lane"]
        self.heads[lane] = max(self.heads.get(lane, 0), answer["seq"])
        load.ack_delays_s.append(time.monotonic() - sent)

    def _hear(self, name: str, body: dict[str, Any]) -> None:
        if name != "events_appended":
            return
        now = time.monotonic()
        for event in body["events"]:
            if event["type"] == "text":
                self._load.delivered += 1
                self._load.delays_s.append(now - float(event["body"]["text"].split(" ", 1)[0]))

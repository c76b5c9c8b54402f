"""A judge's real page (Chromium) whose network card goes while another comes: until it is seen and heard again.

Everything it has open is dead for good: its sockets, its connections and its media ports, so nothing but an ICE restart
helps. The page is told what browsers tell: "online". With `by_door` false its requests to lead the links beside the
socket are refused, and the links wait for the socket as they did before there was that door. Or the server is killed
and started again, and several people come back in any order.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from playwright.async_api import Page, Route

from bench.breaks import ONE_WAY_MS, SIZE, SOURCES
from bench.court import RATE_HZ, Court
from bench.join_page import click_to_picture, judge_page, to_the_door
from hearing_server.robots.network.conditions import Conditions, OneWay
from hearing_server.robots.network.relay import Relay
from hearing_server.robots.network.stream_relay import StreamRelay
from hearing_server.robots.party import RobotParty, parties_of

PATIENCE_S: Final = 25.0
SETTLE_S: Final = 3.0  # between two moves: the socket is back and the seat taken
SHOWN_PICTURES: Final = 5  # one alone might be an old one, painted anew
_DOOR: Final = "**/seat/moved*"
# Pictures shown so far in the tiles that bear a name.
_SHOWN = """name => [...document.querySelectorAll("article")]
    .filter((tile) => (tile.getAttribute("aria-label") ?? tile.textContent ?? "").includes(name))
    .flatMap((tile) => [...tile.querySelectorAll("video")])
    .reduce((sum, video) => sum + video.getVideoPlaybackQuality().totalVideoFrames, 0)"""
_LOSE_NETWORK = """() => void window.dispatchEvent(new Event("online"))"""


@dataclass(slots=True)
class MovingPage:
    """The page in its hearing, and its line. `party` measures; `others` are there as well."""

    court: Court
    party: RobotParty
    others: list[RobotParty]
    page: Page
    line: Relay
    stream: StreamRelay

    async def move(self, *, by_door: bool = True) -> float | None:
        """One change of network, from calm to calm: seconds until it is seen and heard; None: not in PATIENCE_S."""
        if not by_door:
            await self.page.route(_DOOR, _refuse)
        self.line.strand()
        self.stream.cut()
        await self.page.evaluate(_LOSE_NETWORK)
        moved_s = time.monotonic()
        seen_s = await self._seen_s(moved_s + 4 * ONE_WAY_MS / 1000)
        if not by_door:
            await self.page.unroute(_DOOR, _refuse)
        await asyncio.sleep(SETTLE_S)
        return None if seen_s is None else seen_s - moved_s

    async def restart(self) -> float | None:
        """The server dies: seconds from when it serves again until the page is seen and heard, and sees everybody."""
        await self.court.kill()
        self.stream.cut()
        await self.court.start_again()
        serves_s = time.monotonic()
        names = [str(each.client.me["name"]) for each in (self.party, *self.others)]
        seen_s, *shown_s = await asyncio.gather(
            self._seen_s(serves_s), *(self._shown_s(name, serves_s) for name in names)
        )
        found = [each for each in (seen_s, *shown_s) if each is not None]
        return max(found) - serves_s if len(found) == len(names) + 1 else None

    async def _shown_s(self, name: str, since_s: float) -> float | None:
        """When the page showed the next pictures of `name`; a link that is new counts from 0 again."""
        before, grown = await self.page.evaluate(_SHOWN, name), 0
        while time.monotonic() - since_s < PATIENCE_S:
            await asyncio.sleep(0.05)
            now = await self.page.evaluate(_SHOWN, name)
            before, grown = now, grown + max(0, now - before)
            if grown >= SHOWN_PICTURES:
                return time.monotonic()
        return None

    async def sees(self, name: str, *, timeout_s: float = PATIENCE_S) -> None:
        """Wait until the tile of `name` shows further pictures. TimeoutError."""
        async with asyncio.timeout(timeout_s):
            before = await self.page.evaluate(_SHOWN, name)
            while await self.page.evaluate(_SHOWN, name) <= before + 5:  # noqa: ASYNC110 - asks the page
                await asyncio.sleep(0.1)

    async def _seen_s(self, since_s: float) -> float | None:
        """When the party had both of the page's streams again."""
        assert self.party.seat is not None
        me = str(self.court.judge.me["id"])
        while time.monotonic() - since_s < PATIENCE_S:
            firsts = [
                next((at_s for at_s in self.party.seat.watched[me, source].times_s if at_s > since_s), None)
                for source in SOURCES
            ]
            found = [each for each in firsts if each is not None]
            if len(found) == len(firsts):
                return max(found)
            await asyncio.sleep(0.02)
        return None


async def _refuse(route: Route) -> None:
    await route.abort()


@asynccontextmanager
async def moving_page(folder: str, *, parties: int = 1) -> AsyncIterator[MovingPage]:
    """A judge's page that sees the parties and is seen by them, over a line of 50 ms round trip."""
    court = await Court.start(folder)
    others: list[RobotParty] = []
    line, stream = Relay(Conditions.both(OneWay(delay_ms=ONE_WAY_MS))), StreamRelay(one_way_ms=ONE_WAY_MS)
    try:
        await court.sign_in()
        people = (await parties_of(court.judge))[:parties]
        party, *others = (
            RobotParty(court.url, person, number, rate_hz=RATE_HZ, size=SIZE, recovers=True)
            for number, person in enumerate(people, 1)
        )
        court.party = party
        for each in (party, *others):
            await each.arrive()
        await court.judge.post(f"/hearings/{court.hearing_id}/admissions", {"all": True})
        for each in (party, *others):
            await each.sit_down()
        await line.start(court.media_port)
        await stream.start(int(court.url.rsplit(":", 1)[1]))
        sign_in = court.sign_in_of("judge")
        hearing = next(each for each in court.about["hearings"] if each["id"] == court.hearing_id)
        case = next(each for each in court.about["cases"] if each["id"] == hearing["case_id"])
        url = f"http://127.0.0.1:{stream.port}"
        async with judge_page(url, sign_in["username"], sign_in["password"], line.port) as page:
            await click_to_picture(
                page, await to_the_door(page, str(case["number"])), str(party.client.me["name"])
            )
            await asyncio.sleep(SETTLE_S)
            yield MovingPage(court, party, others, page, line, stream)
    finally:
        for each in others:
            await each.close()
        await court.stop()
        await stream.stop()
        await line.stop()


async def moves(rounds: int) -> tuple[Sequence[float], Sequence[float]]:
    """Seconds (by the door, by the socket alone), taking turns in one page; PATIENCE_S for what did not come back."""
    by_door: list[float] = []
    by_socket: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        async with moving_page(folder) as moving:
            for _ in range(rounds):
                by_door.append(await moving.move() or PATIENCE_S)
                by_socket.append(await moving.move(by_door=False) or PATIENCE_S)
                print(
                    f"page moved: seen again after {by_door[-1]:.2f} s; by the socket alone {by_socket[-1]:.2f} s"
                )
    return by_door, by_socket

"""The load of one hearing: members join through real ICE, DTLS and SRTP, then send in real time."""

from __future__ import annotations

import asyncio
import heapq
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from bench.child import Child
from bench.compiled import why_not
from bench.counter import Counter
from bench.member import Member, Tally

AUDIO_S, PICTURE_S, REPORT_S = 0.02, 1 / 30, 1.0
JOIN_TIMEOUT_S = 20.0
SYNC_S = 0.5  # reports, once a second, speak of what was counted


class Load(ABC):
    """Members who all publish and all watch all. Owns the server process and the pacing task."""

    def __init__(self, members: Sequence[Member], tally: Tally, *, size: int) -> None:
        """`size`: how many sit in one room."""
        self.tally = tally
        self._size = size
        self.members = list(members)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._counter: Counter | None = None

    @property
    @abstractmethod
    def pid(self) -> int:
        """Of the server under measurement."""

    @abstractmethod
    async def begin(self) -> None:
        """Start the server, seat everybody, send; returns when every stream reaches every member."""

    @abstractmethod
    async def end(self) -> dict[str, Any]:
        """Stop sending, hang up, stop the server; its last words."""

    def start_sending(self) -> None:
        self.spawn(self._send())

    async def everybody_heard(self) -> None:
        """Returns when every stream reaches every member. Raises TimeoutError."""
        streams = len(self.members) * (self._size - 1) * 2
        try:
            async with asyncio.timeout(JOIN_TIMEOUT_S):
                while (heard := self._streams_heard()) < streams:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise TimeoutError(f"{heard} of {streams} streams were heard in {JOIN_TIMEOUT_S:.0f} s") from None

    def _streams_heard(self) -> int:
        return sum(1 for member in self.members for heard in member.heard.values() if heard.packets)

    def count_in_c(self) -> None:
        """Once everybody is heard: let C read what comes, where there is a compiler. Say so where there is none."""
        reason = why_not()
        if reason is not None:
            print(f"counting in Python: {reason}", flush=True)
            return
        self._counter = Counter(self.tally)
        for member in self.members:
            self._counter.take(member)
        self.spawn(self._sync())

    async def _sync(self) -> None:
        while True:
            self.sync()
            await asyncio.sleep(SYNC_S)

    def sync(self) -> None:
        """Bring the tally up to now."""
        if self._counter is not None:
            self._counter.sync()

    def spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self) -> None:
        """Everything at its time: each member's pictures and voice start at a moment of their own."""
        began = time.monotonic()
        due: list[tuple[float, int, int, float, Any]] = []
        for place, member in enumerate(self.members):
            phase = place / len(self.members)
            for kind, (period, act) in enumerate(
                ((AUDIO_S, member.speak), (PICTURE_S, member.show), (REPORT_S, member.report))
            ):
                due.append((began + phase * period, place, kind, period, act))
        heapq.heapify(due)
        while True:
            at, place, kind, period, act = due[0]
            wait = at - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
                continue
            act()
            heapq.heapreplace(due, (at + period, place, kind, period, act))

    @property
    def lost(self) -> int:
        return sum(max(0, heard.lost) for member in self.members for heard in member.heard.values())

    async def hang_up(self) -> None:
        """Stop sending, close every connection."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._counter is not None:
            self._counter.close()
        for member in self.members:
            await member.close()


class Hearing(Load):
    """`rooms` hearings of `count` members each in our own server; `arguments` go to `bench.room_server`."""

    def __init__(self, count: int, *, rooms: int = 1, arguments: Sequence[str] = ()) -> None:
        tally = Tally()
        super().__init__([Member(number, tally) for number in range(count * rooms)], tally, size=count)
        self._arguments = arguments
        self.server: Child
        self._early: dict[str, list[dict[str, Any]]] = {}

    @property
    def pid(self) -> int:
        return self.server.pid

    async def begin(self) -> None:
        self.server = await Child.start("bench.room_server", *self._arguments, on_news=self._news)
        for member in self.members:
            identity, room = f"m{member.number}", f"bench{member.number // self._size}"
            seat = (await self.server.ask("join", identity=identity, room=room))["seat"]
            answer = await self.server.ask("publish", seat=seat, sdp=member.offer())
            member.seat = seat
            for offer in self._early.pop(seat, []):
                self.spawn(self._answer(member, offer))
            await member.sending.connect(answer["sdp"])
        self.start_sending()
        await self.everybody_heard()

    def _news(self, news: dict[str, Any]) -> None:
        member = next((each for each in self.members if each.seat == news["seat"]), None)
        if member is None:
            self._early.setdefault(news["seat"], []).append(news)
        else:
            self.spawn(self._answer(member, news))

    async def _answer(self, member: Member, offer: dict[str, Any]) -> None:
        sdp = member.answer(offer["offer"])
        await self.server.ask("answer", seat=member.seat, version=offer["version"], sdp=sdp)
        if not member.watching.is_started:
            await member.watching.connect(offer["offer"])

    async def end(self) -> dict[str, Any]:
        await self.hang_up()
        return await self.server.stop()

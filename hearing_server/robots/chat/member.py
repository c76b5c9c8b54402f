"""A person's device in case spaces, kept as docs/PROTOCOL.md section 3 says: resume, apply the next, pull the gap.

It comes back by itself after every cut, sends each message under one client id until the server said yes, and keeps of
each event what an oracle needs.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from hearing_server.robots.chat.line import CaseLine, DoorClosed, LineDown

_FIRST_WAIT_S = 0.05
_LONGEST_WAIT_S = 1.0
# Events that came too early are kept; what is beyond is pulled with the gap.
_MAX_AHEAD = 256
# Where to knock, and with what: (address of a server, ticket).
Door = Callable[[], Awaitable[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of an event."""

    seq: int
    hash: str
    prev_hash: str
    client_id: str | None


@dataclass(frozen=True, slots=True)
class Acked:
    """What the server promised."""

    lane: str
    seq: int
    hash: str
    client_id: str


@dataclass(slots=True)
class KeptLane:
    epoch: int = 1
    events: list[Kept] = field(default_factory=list)
    ahead: dict[int, dict[str, Any]] = field(default_factory=dict)
    head: int = 0
    pulling: asyncio.Task[None] | None = None

    @property
    def last_seq(self) -> int:
        return len(self.events)


class PostRefused(Exception):
    """The server said no, and a repeat would not help."""


class ChatMember:
    """`on_event(member, event)` is told of each event once, when it is applied."""

    def __init__(
        self,
        name: str,
        lanes: Iterable[str],
        door: Door,
        http: aiohttp.ClientSession,
        *,
        beat_s: float = 10.0,
        seed: int = 0,
        on_event: Callable[[ChatMember, dict[str, Any]], None] | None = None,
    ) -> None:
        self.name = name
        self.lanes = {lane: KeptLane() for lane in lanes}
        self.faults: list[str] = []
        self.connections = 0
        self.is_up = asyncio.Event()
        self._door = door
        self._http = http
        self._beat_s = beat_s
        self._random = random.Random(f"{seed}/{name}")
        self._on_event = on_event
        self._line: CaseLine | None = None
        self._news = asyncio.Event()
        self._turns = {lane: asyncio.Lock() for lane in self.lanes}
        self._sent = 0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=f"member-{self.name}")

    async def stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def cut(self) -> None:
        if self._line is not None:
            self._line.cut()

    def stop_reading(self) -> None:
        if self._line is not None:
            self._line.stop_reading()

    def read_again(self) -> None:
        if self._line is not None:
            self._line.read_again()

    async def post(self, lane: str, text: str) -> Acked:
        """Send until it is saved; one at a time in a lane, as a phone's outbox does. Errors: PostRefused."""
        self._sent += 1
        client_id = f"{self.name}-{self._sent:06d}"
        body = {"lane": lane, "client_id": client_id, "type": "text", "body": {"text": text}}
        async with self._turns[lane]:
            while True:
                await self.is_up.wait()
                line = self._line
                if line is None:
                    continue
                try:
                    answer = await line.ask("message_post", body)
                except LineDown:
                    # Nobody knows whether it was saved: the same id again gets the first answer.
                    if line.is_up:
                        line.cut()
                    await asyncio.sleep(0)
                    continue
                if answer["ok"]:
                    return Acked(lane, answer["seq"], answer["hash"], client_id)
                if not answer["retryable"]:
                    raise PostRefused(answer["code"])
                await asyncio.sleep(answer.get("retry_after_ms", 200) / 1000)

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait for events that make it so; the caller sets the time limit."""
        while not is_so():
            self._news.clear()
            await self._news.wait()

    # --- the connection ----------------------------------------------------------------------

    async def _run(self) -> None:
        wait_s = _FIRST_WAIT_S
        try:
            while True:
                try:
                    url, ticket = await self._door()
                    self._line = await CaseLine.open(self._http, url, ticket, self._hear)
                    await self._resume(self._line)
                    self.connections += 1
                    wait_s = _FIRST_WAIT_S
                    self.is_up.set()
                    await self._beat(self._line)
                except (LineDown, DoorClosed, aiohttp.ClientError, OSError, TimeoutError):
                    pass  # the next try says more than a log would
                finally:
                    self.is_up.clear()
                    await self._drop()
                await asyncio.sleep(wait_s * (0.5 + self._random.random()))
                wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
        finally:
            await self._drop()

    async def _drop(self) -> None:
        line, self._line = self._line, None
        pulls = [lane.pulling for lane in self.lanes.values() if lane.pulling is not None]
        for pull in pulls:
            pull.cancel()
        if line is not None:
            await line.close()
        await asyncio.gather(*pulls, return_exceptions=True)

    async def _resume(self, line: CaseLine) -> None:
        cursors = {
            lane: {"epoch": kept.epoch, "last_seq": kept.last_seq} for lane, kept in self.lanes.items()
        }
        answer = await line.ask("lanes_resume", {"lanes": cursors}, timeout_s=10.0)
        if not answer["ok"]:
            raise LineDown
        for lane, said in answer["lanes"].items():
            kept = self.lanes[lane]
            if said["status"] == "reset":
                if said["epoch"] == 0:
                    self.faults.append(f"{lane} is said not to be ours")
                elif said["epoch"] == kept.epoch:
                    self.faults.append(f"{lane} was reset at {kept.last_seq}, head {said['head_seq']}")
                self.lanes[lane] = kept = KeptLane(said["epoch"] or 1)
            if said["status"] != "complete":
                self._pull_to(lane, said["head_seq"])

    async def _beat(self, line: CaseLine) -> None:
        """Until the line is down; now and then the positions of all lanes."""
        down = asyncio.create_task(line.until_down())
        try:
            while not down.done():
                await asyncio.wait([down], timeout=self._beat_s * (0.75 + self._random.random() / 2))
                if not down.done():
                    answer = await line.ask("heartbeat", {})
                    self._heads(answer.get("heads", {}))
        finally:
            down.cancel()

    # --- lanes -------------------------------------------------------------------------------

    def _hear(self, name: str, body: dict[str, Any]) -> None:
        if name == "events_appended":
            self._take(body["lane"], body["events"])
        elif name == "heads_moved":
            self._heads(body["heads"])

    def _heads(self, heads: dict[str, int]) -> None:
        for lane, head in heads.items():
            if lane in self.lanes and head > self.lanes[lane].last_seq:
                self._pull_to(lane, head)

    def _take(self, lane: str, events: list[dict[str, Any]]) -> None:
        kept = self.lanes.get(lane)
        if kept is None:
            self.faults.append(f"heard of {lane}, which is not ours")
            return
        for event in events:
            self._apply(kept, event)
        while (early := kept.ahead.pop(kept.last_seq + 1, None)) is not None:
            self._apply(kept, early)
        if kept.ahead:
            self._pull_to(lane, max(kept.ahead))
        self._news.set()

    def _apply(self, kept: KeptLane, event: dict[str, Any]) -> None:
        seq = event["seq"]
        if seq <= kept.last_seq:
            if kept.events[seq - 1].hash != event["hash"]:
                self.faults.append(f"{event['lane']} {seq} came twice with different content")
            return
        if seq > kept.last_seq + 1:
            if len(kept.ahead) < _MAX_AHEAD:
                kept.ahead[seq] = event
            return
        kept.events.append(Kept(seq, event["hash"], event["prev_hash"], event["client_id"]))
        if self._on_event is not None:
            self._on_event(self, event)

    def _pull_to(self, lane: str, head: int) -> None:
        kept = self.lanes[lane]
        kept.head = max(kept.head, head)
        if kept.pulling is None or kept.pulling.done():
            kept.pulling = asyncio.create_task(self._pull(lane), name="pull")

    async def _pull(self, lane: str) -> None:
        kept = self.lanes[lane]
        with suppress(LineDown):
            while self.lanes[lane] is kept and kept.last_seq < kept.head and self._line is not None:
                answer = await self._line.ask("lane_pull", {"lane": lane, "after_seq": kept.last_seq})
                if not answer["ok"] or not answer["events"]:
                    return
                self._take(lane, answer["events"])

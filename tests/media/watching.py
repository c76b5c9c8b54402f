"""A room of load members on a real engine: simulcast, ICE, DTLS and SRTP, without a process in between."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bench.member import Tally
from bench.simulcast import SimulcastMember
from signaling.engine import MediaEngine
from signaling.events import LayersWanted, PicturesChanged, RoomEvent, SubscriptionOffered
from tests.media.robots import grant, settings

PACE_S = 1 / 15  # pictures; half of what a camera sends keeps two test cores cool
ROOM = "hearing"


class Hall:
    """One open room, its members by name, and what it told them."""

    def __init__(self) -> None:
        self.engine: MediaEngine
        self.members: dict[str, SimulcastMember] = {}
        self.events: list[RoomEvent] = []
        self.shown: dict[str, PicturesChanged] = {}
        self.quiet: set[str] = set()  # whose microphone sends silence
        self._tally = Tally()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._early: dict[str, list[RoomEvent]] = {}

    async def on_event(self, event: RoomEvent) -> None:
        self.events.append(event)
        if isinstance(event, SubscriptionOffered | LayersWanted | PicturesChanged):
            name = next((name for name, each in self.members.items() if each.seat == event.seat), None)
            if name is None:
                self._early.setdefault(event.seat, []).append(event)
            else:
                self._heard(name, event)

    def _heard(self, name: str, event: RoomEvent) -> None:
        if isinstance(event, SubscriptionOffered):
            self.spawn(self._answer(self.members[name], event))
        elif isinstance(event, LayersWanted):
            if event.source == "camera":
                self.members[name].want(event.rids)
        elif isinstance(event, PicturesChanged):
            self.shown[name] = event

    def spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def join(self, name: str, *, obeys: bool = True, **changes: Any) -> SimulcastMember:
        """Sit down and send, from now on."""
        member = SimulcastMember(len(self.members), self._tally, obeys=obeys)
        seat = (await self.engine.join(grant(name, room=ROOM, **changes))).seat
        sources = {"0": "microphone", "1": "camera"}
        sdp = await self.engine.publish(seat, sdp=member.offer(), sources=sources)
        member.seat, self.members[name] = seat, member
        for event in self._early.pop(seat, []):
            self._heard(name, event)
        await member.sending.connect(sdp)
        self.spawn(self._send(name, member))
        return member

    async def rejoin(self, name: str) -> None:
        """The same browser comes back for its seat; its connections live on."""
        seat = (await self.engine.join(grant(name, room=ROOM))).seat
        self.members[name].seat = seat
        for event in self._early.pop(seat, []):
            self._heard(name, event)

    async def _answer(self, member: SimulcastMember, offer: SubscriptionOffered) -> None:
        sdp = member.answer(offer.sdp)
        await self.engine.answer(member.seat, version=offer.version, sdp=sdp)
        if not member.watching.is_started:
            await member.watching.connect(offer.sdp)

    async def _send(self, name: str, member: SimulcastMember) -> None:
        step, began = 0, time.monotonic()
        while True:
            step += 1
            for _ in range(3):
                member.speak(level=127 if name in self.quiet else 30)
            member.show()
            if step % 15 == 0:
                member.report()
            await asyncio.sleep(max(0.0, began + step * PACE_S - time.monotonic()))

    def told(self, name: str) -> list[tuple[str, ...] | None]:
        """What a member was told about its camera, in order."""
        return [
            event.rids
            for event in self.events
            if isinstance(event, LayersWanted)
            and event.seat == self.members[name].seat
            and event.source == "camera"
        ]

    def seen(self, name: str) -> set[str]:
        """Whose pictures a member was last told it is sent."""
        event = self.shown.get(name)
        return {identity for identity, _ in event.shown} if event is not None else set()

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(member.close() for member in self.members.values()))


@asynccontextmanager
async def hall(**changes: Any) -> AsyncIterator[Hall]:
    """A running engine with one room."""
    built = Hall()
    built.engine = await MediaEngine.start(settings(**changes), on_event=built.on_event)
    try:
        await built.engine.open_room(ROOM)
        yield built
    finally:
        await built.close()
        await built.engine.stop()

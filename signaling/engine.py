"""The media engine: one per process. Its methods are the whole surface the court floor may use."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from signaling.errors import SignalingError
from signaling.events import (
    ConnectionChanged,
    Joined,
    LayersWanted,
    PathsMeasured,
    PicturesChanged,
    RoomEvent,
    RoomSnapshot,
    SpeakerChanged,
    SubscriptionOffered,
)
from signaling.forwarder import ForwardStep, PythonForwardStep
from signaling.gateway import Gateway
from signaling.grants import verify_grant
from signaling.native.step import NativeForwardStep
from signaling.rooms.measures import RoomMeasures
from signaling.rooms.meter import RoomMeter
from signaling.rooms.participant import Participant
from signaling.rooms.room import Room
from signaling.rooms.ticker import RoomClock
from signaling.rtp.histogram import Histogram, Spread
from signaling.settings import MediaSettings
from signaling.sink import PacketSink
from signaling.traffic import PictureStarts, Traffic

logger = logging.getLogger(__name__)

EVENT_QUEUE: Final = (
    4096  # overflow: states and speakers are dropped (the next one tells all), then anything, logged
)
EVENT_TIMEOUT_S: Final = 10.0
TAKE_S: Final = 0.09  # what is recorded can wait so long for us: taken more at once, each costs half as much
STOP_TIMEOUT_S: Final = 2.0  # for goodbyes, and again for the last events
USED_GRANTS: Final = 20_000  # 60 s of grants at 300 joins per second
_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class EngineStats:
    """Counters since start. `dropped` counts datagrams thrown away by reason.

    `residence` is how long timed packets stayed here since start; `worst_room_ms` the p99 of the last minute in the
    worst room, None without packets. `people` counts seats by the state of their connection.
    `starts`: how pictures of newcomers began.
    `is_native`: the C thread forwards; `ring_dropped` counts packets it forwarded that came too fast to be recorded.
    """

    rooms: int
    participants: int
    transports: int
    forwarded_packets: int
    failed_packets: int
    stun_answered: int
    dropped: dict[str, int]
    events_dropped: int
    traffic: Traffic
    residence: Spread
    worst_room_ms: float | None
    people: dict[str, int]
    is_native: bool
    ring_dropped: int
    starts: PictureStarts


class MediaEngine:
    """UDP socket, TCP listener and rooms of one process. All methods raise only SignalingError."""

    def __init__(
        self, settings: MediaSettings, gateway: Gateway, on_event: Callable[[RoomEvent], Awaitable[None]]
    ) -> None:
        self._settings = settings
        self._gateway = gateway
        self._on_event = on_event
        self._step = _step_of(gateway)
        self._rooms: dict[str, Room] = {}
        self._clocks: dict[str, RoomClock] = {}
        self._seats: dict[str, tuple[Room, str]] = {}  # seat -> (room, identity)
        self._used: dict[str, float] = {}  # jti -> expiry
        self._events: asyncio.Queue[RoomEvent] = asyncio.Queue(EVENT_QUEUE)
        # Words to one browser, in their own order: a picture must not wait until the court wrote down who came.
        self._words: asyncio.Queue[RoomEvent] = asyncio.Queue(EVENT_QUEUE)
        self._events_dropped = 0
        self._traffic = Traffic()
        self._residence = Histogram()  # of rooms that are closed
        self._loops: list[asyncio.Task[None]] = []
        self._goodbyes: set[asyncio.Task[None]] = set()
        self._stopped = False
        self._taken_ns = 0  # when the thread's recorded packets were taken

    @classmethod
    async def start(
        cls, settings: MediaSettings, *, on_event: Callable[[RoomEvent], Awaitable[None]]
    ) -> "MediaEngine":
        """Bind the ports and begin; OSError (EADDRINUSE) when a port is taken."""
        gateway = await Gateway.open(settings)
        engine = cls(settings, gateway, on_event)
        gateway.pulse.start(engine._step_rooms)
        for loop in (engine._pump(engine._events), engine._pump(engine._words)):
            engine._loops.append(asyncio.get_running_loop().create_task(loop))
        return engine

    @property
    def udp_port(self) -> int:
        return self._gateway.udp.number

    @property
    def tcp_port(self) -> int:
        return self._gateway.tcp.number

    async def stop(self) -> None:
        """Close every room and both ports. Idempotent."""
        if self._stopped:
            return
        for name in list(self._rooms):
            await self.close_room(name, reason="stopped")
        self._stopped = True
        await self._finish_goodbyes()
        self._gateway.pulse.stop()
        tasks = [*self._loops, *self._goodbyes]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._gateway.close()

    async def _finish_goodbyes(self) -> None:
        if self._goodbyes:
            await asyncio.wait(self._goodbyes, timeout=STOP_TIMEOUT_S)
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self._words.join()
                await self._events.join()
        except TimeoutError:
            logger.warning("%d events were not delivered", self._words.qsize() + self._events.qsize())

    # Rooms

    async def open_room(self, room: str) -> None:
        if self._stopped:
            raise SignalingError("engine.stopped")
        if room in self._rooms:
            return
        if len(self._rooms) >= self._settings.max_rooms:
            raise SignalingError("room.full", "rooms")
        opened = Room(room, self._gateway, self._step, emit=self._emit, spawn=self._spawn)
        self._rooms[room] = opened
        meter = RoomMeter(opened, self._step, self._traffic, time.monotonic_ns() / 1_000_000)
        self._clocks[room] = RoomClock(opened, self._settings, self._emit, meter)

    async def close_room(self, room: str, *, reason: str) -> None:
        self._settle()
        closing = self._rooms.pop(room, None)
        clock = self._clocks.pop(room, None)
        if clock is not None:
            spent = clock.meter.residence.spread()
            self._residence.include(spent.counts, spent.sum_ns)
        if closing is not None:
            closing.close(reason)
            self._seats = {seat: place for seat, place in self._seats.items() if place[0] is not closing}

    async def hold_room(self, room: str, *, held: bool) -> None:
        self._settle()
        self._room(room).hold(held)

    async def remove(self, room: str, *, identity: str, reason: str) -> None:
        self._settle()
        found = self._room(room)
        participant = found.participants.get(identity)
        found.remove(identity, reason)
        if participant is not None:
            self._seats.pop(participant.seat, None)

    async def readmit(self, room: str, *, identity: str) -> None:
        self._room(room).removed.discard(identity)

    async def set_muted(self, room: str, *, identity: str, source: str, muted: bool, by: str) -> None:
        self._settle()
        self._room(room).mute_by_court(identity, source, muted, by)

    async def snapshot(self, room: str) -> RoomSnapshot:
        return self._room(room).snapshot()

    def rooms(self) -> list[str]:
        """Names of the open rooms."""
        return list(self._rooms)

    async def measures(self, room: str) -> RoomMeasures:
        """Everything that is measured of a room, as of the last second."""
        self._room(room)
        return self._clocks[room].meter.measures(time.monotonic_ns() / 1_000_000)

    async def attach_sink(self, room: str, sink: PacketSink) -> None:
        self._room(room).attach_sink(sink)

    async def renew_pictures(self, room: str) -> None:
        """Sinks go on after a pause of their own: what they take next must not build on what they left out."""
        self._room(room).renew_pictures()

    async def detach_sink(self, room: str, sink: PacketSink) -> None:
        self._settle()
        self._room(room).detach_sink(sink)

    # Seats

    async def join(self, grant: str) -> Joined:
        if self._stopped:
            raise SignalingError("engine.stopped")
        now_s = time.time()
        verified = verify_grant(grant, self._settings.grant_keys, now_s)
        room = self._room(verified.room)
        self._use_once(verified.jti, verified.expires_at_s, now_s)
        before = room.participants.get(verified.identity)
        replaced = before.seat if before is not None else None
        joined = room.join(verified)
        if replaced is not None:
            self._seats.pop(replaced, None)
        self._seats[joined.seat] = (room, joined.identity)
        return joined

    def _use_once(self, jti: str, expires_at_s: float, now_s: float) -> None:
        if jti in self._used:
            raise SignalingError("grant.used")
        if len(self._used) >= USED_GRANTS:
            self._used = {each: expiry for each, expiry in self._used.items() if expiry > now_s - 60}
            if len(self._used) >= USED_GRANTS:
                raise SignalingError("room.full", "grants")
        self._used[jti] = expires_at_s

    async def leave(self, seat: str, *, reason: str) -> None:
        self._settle()
        room, participant = self._seat(seat)
        self._seats.pop(seat, None)
        room.leave(participant, reason)

    async def publish(self, seat: str, *, sdp: str, sources: Mapping[str, str]) -> str:
        self._settle()  # an offer may end what came before it
        room, participant = self._seat(seat)
        return room.publish(participant, sdp, sources)

    async def unpublish(self, seat: str, *, source: str) -> None:
        self._settle()
        room, participant = self._seat(seat)
        room.unpublish(participant, source, "stopped")

    async def answer(self, seat: str, *, version: int, sdp: str) -> None:
        room, participant = self._seat(seat)
        room.answer(participant, version, sdp)

    async def restart_subscription(self, seat: str) -> None:
        room, participant = self._seat(seat)
        room.restart_subscription(participant)

    async def prefer(self, seat: str, *, identity: str, source: str, max_height_px: int) -> None:
        room, participant = self._seat(seat)
        if participant.viewer is None:
            raise SignalingError("subscribe.not_allowed")
        participant.viewer.showing.prefer(identity, source, max_height_px)
        room.rounds.soon(participant.viewer)

    async def limit_pictures(self, seat: str, *, max_pictures: int | None) -> None:
        """Fewer pictures than the room would send; 0: none at all (only voices), None: as many as it sends."""
        room, participant = self._seat(seat)
        if participant.viewer is None:
            raise SignalingError("subscribe.not_allowed")
        participant.viewer.showing.limit(max_pictures)
        room.rounds.soon(participant.viewer)

    async def set_self_muted(self, seat: str, *, source: str, muted: bool) -> None:
        self._settle()
        room, participant = self._seat(seat)
        room.mute_by_self(participant, source, muted)

    def stats(self) -> EngineStats:
        counters, plane = self._gateway.counters, self._gateway.plane
        step = self._step
        return EngineStats(
            rooms=len(self._rooms),
            participants=sum(len(room.participants) for room in self._rooms.values()),
            transports=self._gateway.transports,
            forwarded_packets=step.forwarded,
            failed_packets=step.failed,
            stun_answered=counters.stun_answered,
            dropped={
                "empty": counters.empty,
                "stranger": counters.stranger,
                "stun_malformed": counters.stun_malformed,
                "stun_refused": counters.stun_refused,
                "stun_limited": counters.stun_limited,
                "unknown_kind": counters.unknown_kind,
            },
            events_dropped=self._events_dropped,
            traffic=self._traffic.copy(),
            residence=self._stayed(),
            worst_room_ms=self._worst_room_ms(),
            people=dict(
                Counter(
                    each.state.value for room in self._rooms.values() for each in room.participants.values()
                )
            ),
            is_native=plane is not None,
            ring_dropped=plane.facts()[2] if plane is not None else 0,
            starts=replace(self._gateway.starts),
        )

    def _stayed(self) -> Spread:
        """Of closed rooms and of open ones."""
        return self._residence.spread().with_others(
            [clock.meter.residence.spread() for clock in self._clocks.values()]
        )

    def _worst_room_ms(self) -> float | None:
        found = [clock.meter.residence_recent.quantile_ms(0.99) for clock in self._clocks.values()]
        return max((each for each in found if each is not None), default=None)

    def _settle(self) -> None:
        """What was said before an order belongs to the record: hear all that came until now."""
        self._gateway.settle()

    def _room(self, room: str) -> Room:
        if self._stopped:
            raise SignalingError("engine.stopped")
        found = self._rooms.get(room)
        if found is None:
            raise SignalingError("room.unknown")
        return found

    def _seat(self, seat: str) -> tuple[Room, Participant]:
        room, identity = self._seats.get(seat, (None, ""))
        participant = room.participants.get(identity) if room is not None else None
        if room is None or participant is None or participant.seat != seat:
            raise SignalingError("seat.unknown")
        return room, participant

    # Tasks and events

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._goodbyes.add(task)
        task.add_done_callback(self._goodbyes.discard)

    def _step_rooms(self) -> bool:
        """A room that fails is logged and the others go on. True while any of them needs the next step soon."""
        plane, now_ns, is_lively = self._gateway.plane, time.monotonic_ns(), False
        if plane is not None:
            plane.drain()
            if now_ns - self._taken_ns > TAKE_S * _NS:
                self._taken_ns = now_ns
                plane.take_media()
        for name, clock in list(self._clocks.items()):
            try:
                for participant in clock.tick(time.monotonic_ns()):
                    self._seats.pop(participant.seat, None)
                    self._rooms[name].leave(participant, "timeout")
                is_lively |= clock.is_lively
            except Exception:
                logger.exception("a room's clock failed")
        return is_lively

    def _emit(self, event: RoomEvent) -> None:
        is_word = isinstance(event, SubscriptionOffered | LayersWanted | PicturesChanged)
        queue = self._words if is_word else self._events
        if queue.full() or (
            queue.qsize() > EVENT_QUEUE // 2
            and isinstance(event, ConnectionChanged | PathsMeasured | SpeakerChanged)
        ):
            self._events_dropped += 1
            logger.error("the event queue is full: %s dropped", type(event).__name__)
            return
        queue.put_nowait(event)

    async def _pump(self, queue: asyncio.Queue[RoomEvent]) -> None:
        """Hands a queue's events up one after the other, in order."""
        while True:
            event = await queue.get()
            try:
                async with asyncio.timeout(EVENT_TIMEOUT_S):
                    await self._on_event(event)
            except Exception:
                logger.exception("the receiver of %s failed", type(event).__name__)
            finally:
                queue.task_done()


def _step_of(gateway: Gateway) -> ForwardStep:
    if gateway.plane is None:
        return PythonForwardStep(gateway.pulse.wake)
    return NativeForwardStep(gateway.plane)

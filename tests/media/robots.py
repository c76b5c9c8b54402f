"""Robots for the media tests: real aiortc connections that publish and watch through a real MediaEngine."""

import asyncio
import itertools
import math
import secrets
import time
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from fractions import Fraction
from typing import Any, TypeVar, cast

import av
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamTrack

from signaling.engine import MediaEngine
from signaling.events import Joined, RoomEvent, SubscriptionOffered
from signaling.grants import JoinGrant, sign_grant
from signaling.settings import MediaSettings

KEY = b"0123456789abcdef0123456789abcdef"
EventT = TypeVar("EventT")
TestT = TypeVar("TestT", bound=Callable[..., Any])
DEFAULTS: dict[str, Any] = {}  # what a test's fixture wants of every house


def both_paths(test: TestT) -> TestT:
    """Run the test with the forwarding thread and without it (fixture `path`)."""
    marked = pytest.mark.parametrize("path", ["native", "pure"], indirect=True)(test)
    return cast("TestT", pytest.mark.usefixtures("path")(marked))


def settings(**changes: Any) -> MediaSettings:
    values: dict[str, Any] = {
        "host": "127.0.0.1",
        "announced_addresses": ("127.0.0.1",),
        "grant_keys": (KEY,),
    }
    return MediaSettings(**(values | DEFAULTS | changes))


def grant(identity: str, *, room: str = "hearing", seat_key: str | None = None, **changes: Any) -> str:
    values: dict[str, Any] = {
        "room": room,
        "identity": identity,
        "seat_key": seat_key or f"key-of-{identity}",
        "may_publish": frozenset({"microphone", "camera", "screen"}),
        "may_subscribe": True,
        "may_moderate": False,
        "expires_at_s": time.time() + 30,
        "jti": secrets.token_hex(8),
    }
    return sign_grant(JoinGrant(**(values | changes)), KEY)


class Tone(AudioStreamTrack):
    """A 440 Hz tone, loud enough to count as speech."""

    _sample = 0

    async def recv(self) -> av.AudioFrame:
        frame = await super().recv()
        assert isinstance(frame, av.AudioFrame)
        turn = 2 * math.pi * 440 / frame.sample_rate
        first, self._sample = self._sample, self._sample + frame.samples
        wave = array("h", (int(math.sin(at * turn) * 12000) for at in range(first, first + frame.samples)))
        frame.planes[0].update(wave.tobytes())
        return frame


class Picture(MediaStreamTrack):
    """A small moving picture of one brightness with a bar: 15 frames a second keep two test cores cool."""

    kind = "video"
    RATE = 15

    def __init__(self, luma: int = 90, size: tuple[int, int] = (160, 120)) -> None:
        super().__init__()
        self._luma = luma
        self._size = size
        self._count = itertools.count()
        self._started_s: float | None = None

    async def recv(self) -> av.VideoFrame:
        number = next(self._count)
        if self._started_s is None:
            self._started_s = time.monotonic()
        await asyncio.sleep(max(0.0, self._started_s + number / self.RATE - time.monotonic()))
        width, height = self._size
        frame = av.VideoFrame(width, height, "yuv420p")
        left = number * 4 % (width - 8)
        row = bytearray([self._luma]) * width
        row[left : left + 8] = b"\xf0" * 8
        for plane, line in zip(
            frame.planes, (row, b"\x80" * (width // 2), b"\x80" * (width // 2)), strict=True
        ):
            plane.update(bytes(line).ljust(plane.line_size, b"\x80") * plane.height)
        frame.pts, frame.time_base = number * 90000 // self.RATE, Fraction(1, 90000)
        return frame


class House:
    """An engine with one open room, its events, and the robots in it."""

    def __init__(self) -> None:
        self.engine: MediaEngine
        self.events: list[RoomEvent] = []
        self.robots: list[Robot] = []

    async def _on_event(self, event: RoomEvent) -> None:
        self.events.append(event)
        if isinstance(event, SubscriptionOffered):
            for robot in self.robots:
                if robot.seat == event.seat:
                    robot.offers.put_nowait(event)

    async def join(self, identity: str, **changes: Any) -> "Robot":
        robot = Robot(self, identity)
        self.robots.append(robot)
        await robot.join(**changes)
        return robot

    def of(self, kind: type[EventT]) -> list[EventT]:
        return [event for event in self.events if isinstance(event, kind)]


@asynccontextmanager
async def house(**changes: Any) -> AsyncIterator[House]:
    """A running engine with the room "hearing"."""
    built = House()
    built.engine = await MediaEngine.start(settings(**changes), on_event=built._on_event)
    try:
        await built.engine.open_room("hearing")
        yield built
    finally:
        await asyncio.gather(*(robot.close() for robot in built.robots))
        await built.engine.stop()


async def until(condition: Callable[[], Any], *, timeout_s: float = 15.0) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - the things waited for are counters, not events
            await asyncio.sleep(0.02)


class Watched:
    """What one received track gave: counts frames and keeps the last one."""

    def __init__(self, track: MediaStreamTrack) -> None:
        self.kind = track.kind
        self.frames = 0
        self.last: Any = None
        self._task = asyncio.create_task(self._run(track))

    async def _run(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                self.last = await track.recv()
                self.frames += 1
        except Exception:  # the track ended; a test that needs it fails on the count
            return

    def close(self) -> None:
        self._task.cancel()


class Robot:
    """One participant: publishes with one connection and watches with another."""

    def __init__(self, place: House, identity: str) -> None:
        self.place = place
        self.identity = identity
        self.seat = ""
        self.joined: Joined | None = None
        self.offers: asyncio.Queue[SubscriptionOffered] = asyncio.Queue()
        self.sending: RTCPeerConnection | None = None
        self.watching: RTCPeerConnection | None = None
        self.watched: dict[tuple[str, str], Watched] = {}
        self._answering = asyncio.create_task(self._answer_offers())
        self.alter_answer: Callable[[str], str] = lambda sdp: sdp

    @property
    def engine(self) -> MediaEngine:
        return self.place.engine

    async def join(self, **changes: Any) -> None:
        self.joined = await self.engine.join(grant(self.identity, **changes))
        self.seat = self.joined.seat

    async def publish(
        self,
        *,
        audio: MediaStreamTrack | None = None,
        video: MediaStreamTrack | None = None,
        codecs: list[Any] | None = None,
    ) -> None:
        """Send the given tracks (default: a tone and a picture) on a fresh connection."""
        if audio is None and video is None:
            audio, video = Tone(), Picture()
        if self.sending is not None:
            await self.sending.close()
        connection = self.sending = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        for track in (audio, video):
            if track is not None:
                transceiver = connection.addTransceiver(track, direction="sendonly")
                if codecs is not None and track.kind == "video":
                    transceiver.setCodecPreferences(codecs)
        await connection.setLocalDescription(await connection.createOffer())
        sources = {
            str(each.mid): "microphone" if each.kind == "audio" else "camera"
            for each in connection.getTransceivers()
        }
        answer = await self.engine.publish(self.seat, sdp=connection.localDescription.sdp, sources=sources)
        await connection.setRemoteDescription(RTCSessionDescription(self.alter_answer(answer), "answer"))

    async def _answer_offers(self) -> None:
        while True:
            offer = await self.offers.get()
            await self.answer(offer)

    async def answer(self, offer: SubscriptionOffered) -> None:
        if self.watching is None:
            self.watching = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connection = self.watching
        await connection.setRemoteDescription(RTCSessionDescription(self.alter_answer(offer.sdp), "offer"))
        await connection.setLocalDescription(await connection.createAnswer())
        by_mid = {each.mid: each for each in connection.getTransceivers()}
        await self.engine.answer(self.seat, version=offer.version, sdp=connection.localDescription.sdp)
        for track in offer.tracks:
            key = (track.identity, track.source)
            if key not in self.watched:
                self.watched[key] = Watched(by_mid[track.mid].receiver.track)

    def frames(self, identity: str, source: str) -> int:
        watched = self.watched.get((identity, source))
        return watched.frames if watched is not None else 0

    async def sees(self, identity: str, *sources: str, more: int = 5, timeout_s: float = 15.0) -> None:
        """Wait until `more` further frames of each source were decoded."""
        before = {source: self.frames(identity, source) for source in sources}
        await until(
            lambda: all(self.frames(identity, source) >= before[source] + more for source in sources),
            timeout_s=timeout_s,
        )

    async def close(self) -> None:
        self._answering.cancel()
        for watched in self.watched.values():
            watched.close()
        waits: list[Awaitable[Any]] = [
            each.close() for each in (self.sending, self.watching) if each is not None
        ]
        await asyncio.gather(*waits)

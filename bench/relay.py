"""The load for `bench.relay_room`: one real publisher (VP8 640 × 480 at 30 frames/s, Opus) and its viewers."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from fractions import Fraction
from typing import Any

import av
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpReceiver, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamTrack

from bench import measure
from bench.child import Child

SIZE, RATE_HZ = (640, 480), 30
PICTURES = 30
GRAIN = 16


class Picture(MediaStreamTrack):
    """A textured picture that moves; drawn beforehand, so that only encoding costs the client."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        self._count = itertools.count()
        self._began_s: float | None = None
        dice = random.Random(3)
        small = av.VideoFrame(SIZE[0] // GRAIN + PICTURES & ~1, SIZE[1] // GRAIN, "yuv420p")
        rows = [[bytearray(dice.randbytes(p.line_size)) for _ in range(p.height)] for p in small.planes]
        self._drawn = []
        for shift in range(PICTURES):
            for plane, lines in zip(small.planes, rows, strict=True):
                plane.update(b"".join(bytes(line[shift:] + line[:shift]) for line in lines))
            self._drawn.append(small.reformat(*SIZE, interpolation="BICUBIC"))

    async def recv(self) -> av.VideoFrame:
        number = next(self._count)
        self._began_s = self._began_s or time.monotonic()
        await asyncio.sleep(max(0.0, self._began_s + number / RATE_HZ - time.monotonic()))
        frame: av.VideoFrame = self._drawn[number % PICTURES]
        frame.pts, frame.time_base = number * 90_000 // RATE_HZ, Fraction(1, 90_000)
        return frame


class _Count:
    """Counts what viewers get instead of decoding it."""

    packets = 0


async def relay_cost(viewers: int, length_s: float) -> tuple[float, float]:
    """(CPU microseconds per packet that a viewer received, packets/s)."""
    count = _Count()

    async def counted(self: Any, packet: Any, arrival_time_ms: int) -> None:
        count.packets += 1

    name = "_handle_rtp_packet"  # the receivers of this process would decode everything and take the server's CPU
    original = getattr(RTCRtpReceiver, name)
    setattr(RTCRtpReceiver, name, counted)
    server = await Child.start("bench.relay_room")
    connections = []
    try:
        connections.append(await _publish(server))
        await asyncio.sleep(1.0)
        for _ in range(viewers):
            connections.append(await _watch(server))
        async with asyncio.timeout(20):
            while count.packets < 50 * viewers:  # noqa: ASYNC110 - a counter, not an event
                await asyncio.sleep(0.05)
        before_s, before, began = measure.cpu_s(server.pid), count.packets, time.monotonic()
        await asyncio.sleep(length_s)
        spent_s, packets = measure.cpu_s(server.pid) - before_s, count.packets - before
        return spent_s * 1e6 / packets, packets / (time.monotonic() - began)
    finally:
        setattr(RTCRtpReceiver, name, original)
        await asyncio.gather(*(connection.close() for connection in connections))
        await server.stop()


async def _publish(server: Child) -> RTCPeerConnection:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.addTransceiver(AudioStreamTrack(), direction="sendonly")
    connection.addTransceiver(Picture(), direction="sendonly")
    await connection.setLocalDescription(await connection.createOffer())
    answer = await server.ask("publish", sdp=connection.localDescription.sdp)
    await connection.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
    return connection


async def _watch(server: Child) -> RTCPeerConnection:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    offer = await server.ask("watch")
    await connection.setRemoteDescription(RTCSessionDescription(offer["sdp"], "offer"))
    await connection.setLocalDescription(await connection.createAnswer())
    await server.ask("answered", number=offer["number"], sdp=connection.localDescription.sdp)
    return connection

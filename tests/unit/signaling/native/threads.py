"""A forwarding thread with real sockets and real SRTP keys around it: what its tests publish and watch with."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import Any, Final

from pylibsrtp import Error as SrtpError
from pylibsrtp import Policy, Session

from signaling.dtls import MediaContexts
from signaling.native.build import Native
from signaling.native.incoming import NativeIncoming
from signaling.native.plane import RING_BYTES, Line, Peer, Plane
from signaling.native.step import NativeFanout, NativeLeg
from signaling.rtp.extensions import build_block
from signaling.rtp.packet import Codec
from signaling.rtp.rewriter import RewriterSettings
from tests.native_library import library

AGREED: Final = Policy.SRTP_PROFILE_AEAD_AES_256_GCM
_opened: list[socket.socket] = []  # by one test
LOOPBACK: Final = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}


def sessions() -> tuple[Session, Session]:
    """One direction's two ends: who protects, who opens."""
    key = os.urandom(44)
    outbound = Policy(key=key, ssrc_type=Policy.SSRC_ANY_OUTBOUND, srtp_profile=AGREED)
    outbound.allow_repeat_tx = True  # as the DTLS transport sets it: a repair without RTX is a repeat
    inbound = Policy(key=key, ssrc_type=Policy.SSRC_ANY_INBOUND, srtp_profile=AGREED)
    return Session(outbound), Session(inbound)


def packet(number: int, *, ssrc: int, payload: bytes, payload_type: int = 96, marker: bool = True) -> bytes:
    """Plain RTP: every packet a picture of its own."""
    second = (0x80 if marker else 0) | payload_type
    return struct.pack("!BBHII", 0x80, second, number & 0xFFFF, number * 3000 & 0xFFFFFFFF, ssrc) + payload


def picture(number: int, *, keyframe: bool = False, size: int = 100) -> bytes:
    """A VP8 payload without extended octets; its last octet is the number."""
    return b"\x10" + (b"\x00" if keyframe else b"\x01") + bytes([number & 0xFF]) * size


def wire(family: socket.AddressFamily = socket.AF_INET) -> tuple[socket.socket, socket.socket]:
    """Two UDP sockets that hear each other alone: the server's and the phone's."""
    pair = [socket.socket(family, socket.SOCK_DGRAM) for _ in range(2)]
    _opened.extend(pair)
    for each in pair:
        each.setblocking(False)
        each.bind((LOOPBACK[family], 0))
        each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    pair[0].connect(pair[1].getsockname()[:2])
    pair[1].connect(pair[0].getsockname()[:2])
    return pair[0], pair[1]


def pipe() -> tuple[socket.socket, socket.socket]:
    """Two sockets that are not UDP and tell when they are full."""
    pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    _opened.extend(pair)
    for each in pair:
        each.setblocking(False)
    return pair


def took(condition: Callable[[], Any], *, timeout_s: float = 10.0) -> bool:
    """Wait for the thread, which nobody can ask whether it is done."""
    ends = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > ends:
            return False
        time.sleep(0.002)
    return True


def heard(plane: Plane, condition: Callable[[], Any]) -> bool:
    """The same for what Python hears of."""

    def listen() -> Any:
        plane.drain()
        plane.take_media()
        return condition()

    return took(listen)


def forwarded(plane: Plane, packets: int) -> bool:
    """The thread has sent so many since it began."""
    return took(lambda: plane.facts()[0] == packets)


class Owner:
    """A transport as the thread's lines know it."""

    def __init__(self) -> None:
        self.unknown: list[bytes] = []
        self.sent: list[bytes] = []
        self.heard_ns = 0
        self.is_full = False
        self.line: Line

    def took_media(self, packet: bytes, at_ns: int) -> None:
        self.unknown.append(packet)

    def heard(self, at_ns: int) -> None:
        self.heard_ns = at_ns

    def transmit(self, protected: bytes) -> bool:
        if not self.is_full:
            self.sent.append(protected)
        return not self.is_full


class Publishing:
    """A phone that publishes one stream: `say` sends, `taken` is what Python heard of it."""

    def __init__(
        self,
        plane: Plane,
        *,
        family: socket.AddressFamily = socket.AF_INET,
        codec: Codec = Codec.VP8,
        ssrc: int = 1234,
    ) -> None:
        self.plane, self.ssrc = plane, ssrc
        self.owner = Owner()
        self.line = self.owner.line = Line(plane, self.owner)
        self.ours, self.phone = wire(family)
        self.others: list[bytes] = []
        self.peer = Peer(plane, self.ours.fileno(), self.line.number, self.others.append)
        self.use_new_keys()
        clock = 48000 if codec is Codec.OPUS else 90000
        self.stream = NativeIncoming(ssrc=ssrc, codec=codec, clock_rate_hz=clock, payload_type=96)
        self.taken: list[tuple[bytes, int]] = []
        self.holes: list[int] = []  # how many were taken when each was told
        self.keyframes_ns: list[int] = []
        self.fanout = NativeFanout(plane, self.stream, self.line, self)
        self.fanout.tap(is_heard=True)

    def use_new_keys(self) -> None:
        self.session, theirs = sessions()
        ours, self.replies = sessions()
        self.line.use_keys(MediaContexts(theirs, ours))

    def took(self, packets: list[tuple[int, bytes]]) -> None:
        self.taken += [(packet, at_ns) for at_ns, packet in packets]

    def overloaded(self, until_ns: int) -> None:
        self.holes.append(len(self.taken))

    def keyframe_came(self, at_ns: int) -> None:
        self.keyframes_ns.append(at_ns)

    def say(
        self, number: int, *, payload: bytes | None = None, ssrc: int | None = None, wide: int = 0
    ) -> None:
        """`wide`: its transport-wide number, under the extension's id 5; 0: none."""
        plain = packet(number, ssrc=self.ssrc if ssrc is None else ssrc, payload=payload or picture(number))
        if wide:
            plain = (
                b"\x90"
                + plain[1:12]
                + b"\xbe\xde\x00\x01\x51"
                + wide.to_bytes(2, "big")
                + b"\x00"
                + plain[12:]
            )
        self.phone.send(self.session.protect(plain))

    def move(self) -> None:
        """The phone goes to another network: a new socket here, the old one closed."""
        ours, phone = wire()
        peer = Peer(self.plane, ours.fileno(), self.line.number, self.others.append)
        self.peer.close()
        for each in (self.ours, self.phone):
            each.close()
        self.ours, self.phone, self.peer = ours, phone, peer

    def close(self) -> None:
        self.fanout.close()
        self.peer.close()
        self.line.close()
        for each in (self.ours, self.phone):
            each.close()


class Watching:
    """A phone that watches through one leg. Without a socket of its own (`is_tcp`) Python is asked to send."""

    def __init__(
        self,
        plane: Plane,
        *,
        ssrc: int = 77,
        family: socket.AddressFamily = socket.AF_INET,
        is_video: bool = True,
        is_tcp: bool = False,
        ends: tuple[socket.socket, socket.socket] | None = None,
    ) -> None:
        self.plane = plane
        self.owner = Owner()
        self.line = self.owner.line = Line(plane, self.owner)
        self.ours, self.phone = ends or wire(family)
        self.use_new_keys()
        if not is_tcp:
            self.line.route(self.ours.fileno())
        settings = RewriterSettings(
            ssrc=ssrc,
            payload_type=96,
            clock_rate_hz=90000,
            needs_keyframe=is_video,
            extension=build_block(mid_id=4, mid="7", has_wide_sequence=True),
            has_wide_sequence=True,
        )
        transport: Any = SimpleNamespace(line=self.line)
        self.leg = NativeLeg(plane, self.line, transport, settings, is_video=is_video)
        self.leg.is_live = True

    def use_new_keys(self) -> None:
        ours, self.session = sessions()
        self.line.use_keys(MediaContexts(sessions()[1], ours))

    def watch(self, publishing: Publishing) -> None:
        self.leg.rewriter.select(publishing.ssrc)
        publishing.fanout.hear([*publishing.fanout.legs, self.leg])

    def move(self) -> None:
        ours, phone = wire()
        self.line.route(ours.fileno())
        for each in (self.ours, self.phone):
            each.close()
        self.ours, self.phone = ours, phone

    def raw(self) -> list[bytes]:
        """Every datagram that waits at the phone."""
        found = []
        with suppress(BlockingIOError, ConnectionError):
            while True:
                found.append(self.phone.recv(65536))
        return found

    def received(self) -> list[bytes]:
        """The same, opened; what does not open is left out."""
        opened = []
        for each in self.raw():
            with suppress(SrtpError):
                opened.append(self.session.unprotect(each))
        return opened

    def close(self) -> None:
        self.leg.close()
        self.line.close()
        for each in (self.ours, self.phone):
            each.close()


def taken(publishing: Publishing, packets: int) -> bool:
    """Python has heard of so many."""
    return heard(publishing.plane, lambda: len(publishing.taken) >= packets)


Room = tuple[Publishing, Watching]


def room(publishing: Publishing, watching: Watching) -> Room:
    watching.watch(publishing)
    return publishing, watching


def last_octets(packets: list[bytes]) -> list[int]:
    return [each[-1] for each in packets]


def say_pictures(publishing: Publishing, count: int, *, size: int = 200, first: int = 1) -> None:
    """One key frame and what follows it."""
    for number in range(first, first + count):
        publishing.say(number, payload=picture(number, keyframe=number == first, size=size))


class Threads:
    """Planes for one test, on a loop that runs only when the test says so."""

    def __init__(self, native: Native) -> None:
        self._native = native
        self.loop = asyncio.new_event_loop()
        self._planes: list[Plane] = []

    def plane(
        self,
        *,
        ring_bytes: int = RING_BYTES,
        pause_s: float = 0.0,
        media_per_s: int = 1_000_000,
        others_per_s: int = 1_000_000,
        bursts: bool = True,
        urgent: bool = False,
    ) -> Plane:
        async def make() -> Plane:
            return Plane(
                self._native,
                pause_s=pause_s,
                media_per_s=media_per_s,
                others_per_s=others_per_s,
                bursts=bursts,
                urgent=urgent,
                ring_bytes=ring_bytes,
            )

        self._planes.append(self.loop.run_until_complete(make()))
        return self._planes[-1]

    def close(self) -> None:
        for plane in self._planes:
            plane.close()
        self.loop.close()


@contextmanager
def threads() -> Iterator[Threads]:
    """Skips the test where there is no compiler."""
    made = Threads(library())
    try:
        yield made
    finally:
        made.close()
        while _opened:
            _opened.pop().close()

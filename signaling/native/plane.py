"""The native forwarding thread as Python sees it: orders go in by calls, what Python must see comes out of a ring.

Python keeps STUN, DTLS, RTCP, the public socket, TCP and every decision; the thread keeps the connected sockets, the
SRTP contexts for RTP, the caches and the numbering of every leg (plane.h). Nothing of it waits for the interpreter.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import time
from collections.abc import Callable
from enum import IntEnum
from struct import Struct
from typing import Any, Final, Protocol

from signaling.dtls import SRTP_FUNCTIONS, MediaContexts
from signaling.native.build import Native
from signaling.rtp.histogram import BUCKETS, Histogram
from signaling.rtp.send_history import Sent

logger = logging.getLogger(__name__)

DRAIN_BYTES: Final = 512 << 10  # per turn of the loop: about 500 packets
RING_BYTES: Final = 8 << 20  # about two seconds of a full core; beyond it records are dropped and counted
_RECORD: Final = Struct("=QIIIHH")  # struct plane_record
_PACKET: Final = Struct("=QIHH")  # struct plane_packet
_NOBODY: Final[frozenset[int]] = frozenset()


class StreamOwner(Protocol):
    """Who hears of a stream that the thread forwards."""

    def took(self, packets: list[tuple[int, bytes]]) -> None:
        """(arrival in monotonic ns, plain RTP), some at once, while somebody records it."""
        ...

    def overloaded(self, until_ns: int) -> None:
        """Packets behind the last one were forwarded, yet there was no room to tell of them."""
        ...

    def keyframe_came(self, at_ns: int) -> None: ...


class LineOwner(Protocol):
    """The transport behind a line."""

    def took_media(self, packet: bytes, at_ns: int) -> None:
        """A plain RTP packet of a stream nobody opened."""
        ...

    def heard(self, at_ns: int) -> None:
        """When the last good packet of an open stream came; told within a few ticks."""
        ...

    def transmit(self, protected: bytes) -> bool:
        """Send a protected packet where the thread cannot (TCP). False: the send buffer is full."""
        ...


class Urgency(IntEnum):
    """What the system allowed the forwarding thread (`urgency.c`)."""

    NONE = 0
    NICE = 1
    REAL_TIME = 2


class Plane:
    """One thread. What it leaves goes to those whom `Line`, `NativeFanout` and the UDP port registered.

    `drains` grows with each drain: what was read before is old then. `troubled`: streams of which packets are missing.
    """

    def __init__(
        self, native: Native, *, pause_s: float, media_per_s: int, others_per_s: int, bursts: bool,
        urgent: bool = False, ring_bytes: int = RING_BYTES,
    ) -> None:  # fmt: skip
        self.native, self.ffi, self.lib = native, native.ffi, native.lib
        settings = self.ffi.new(
            "struct plane_settings *",
            {
                "pause_ns": int(pause_s * 1e9),
                "ring_bytes": ring_bytes,
                "media_per_s": media_per_s,
                "others_per_s": others_per_s,
                "is_single": not bursts,
                "is_urgent": urgent,
            },
        )
        self.handle: Any = self.lib.plane_open(*SRTP_FUNCTIONS, settings)
        if self.handle == self.ffi.NULL:
            raise OSError("the forwarding thread could not be started")
        self._out: Any = self.ffi.new("uint8_t[]", DRAIN_BYTES)
        self._facts: Any = self.ffi.new("struct plane_facts *")
        self._news: Any = self.ffi.new("struct plane_news *")
        self.counts: Any = self.ffi.new("uint64_t[]", BUCKETS)
        self.asked: Any = self.ffi.new("uint16_t[]", self.lib.MAX_PENDING)
        self.ratio: Any = self.ffi.new("double *")
        self.lost: Any = self.ffi.new("int64_t *")
        self._heard: Any = self.ffi.new("uint64_t[]", 1)
        self._heard_places = 1
        self.drains = 0
        self.troubled = _NOBODY
        self.on_trouble: Callable[[], None] = lambda: None  # after each drain while there are any
        self.lines: dict[int, LineOwner] = {}
        self.streams: dict[int, StreamOwner] = {}
        self.peers: dict[int, Callable[[bytes], None]] = {}
        self._keyframe = int(self.lib.RECORD_KEYFRAME)
        self._media_enough = ring_bytes // 4  # then the thread wakes us for it, too
        self._is_draining = self._is_taking = False
        self._drained_bytes = 0
        self._turns = 2 + ring_bytes // DRAIN_BYTES  # a full ring, and what comes meanwhile for once
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self.lib.plane_event_fd(self.handle), self.woken)
        atexit.register(self._end)  # a process that just leaves would free keys under the running thread

    def close(self) -> None:
        """End the thread. Every handle is dead afterwards. Idempotent."""
        if self.handle is None:
            return
        self._loop.remove_reader(self.lib.plane_event_fd(self.handle))
        atexit.unregister(self._end)
        self._end()
        for table in (self.lines, self.streams, self.peers):
            table.clear()

    def _end(self) -> None:
        if self.handle is not None:
            self.lib.plane_close(self.handle)
            self.handle = None

    @property
    def is_open(self) -> bool:
        return self.handle is not None

    def woken(self) -> None:
        """The thread has something that cannot wait."""
        self.drain()
        if self._news.media_bytes > self._media_enough:
            self.take_media()

    def drain(self) -> None:
        """Take what the thread left for us, but for packets to record; what does not fit comes with the next turn."""
        if self.handle is None or self._is_draining:  # a packet made somebody drain: it is being done
            return
        self._is_draining = True
        try:
            self._drain()
        finally:
            self._is_draining = False

    def take_media(self) -> None:
        """Take all packets that are recorded. Called now and then, and before anything is noted that came later."""
        if self.handle is None or self._is_taking:
            return
        self._is_taking = True
        try:
            for _ in range(self._turns):
                self._take_media()
                if self.handle is None or not self._news.media_bytes:
                    return
        finally:
            self._is_taking = False

    def settle(self) -> None:
        """Take all that came until now, at the sockets and in the rings, before something ends that it belongs to.

        On a machine short of time the thread is late by what waits at its sockets: packets that came before the order.
        """
        for _ in range(self._turns):
            before = self._drained_bytes
            read = self.lib.plane_catch_up(self.handle) if self.handle is not None else 0
            self.drain()
            self.take_media()
            if not read and self._drained_bytes == before:
                return

    def _fetch(self, *, is_media: bool) -> bytes:
        """Whole records, and the news that come with them."""
        news = self._news
        filled = self.lib.plane_drain(self.handle, is_media, self._out, DRAIN_BYTES, news)
        self._drained_bytes += filled
        self.drains += 1
        self.troubled = frozenset(news.streams[0 : news.troubled]) if news.troubled else _NOBODY
        if self.troubled:
            self.on_trouble()
        return self.ffi.buffer(self._out, filled)[:] if filled else b""

    def _drain(self) -> None:
        data, at, read = self._fetch(is_media=False), 0, _RECORD.unpack_from
        while at < len(data):
            at_ns, number, leg, _, size, kind = read(data, at)
            at += _RECORD.size
            try:
                self._dispatch(kind, number, data[at : at + size], at_ns, leg)
                if self.handle is None:
                    return  # a packet made somebody close us
            except Exception:  # one bad packet must not cost all that came with it
                logger.exception("a packet from the forwarding thread was not taken")
            at += size + 7 & ~7

    def _take_media(self) -> None:
        data, at, read, head = self._fetch(is_media=True), 0, _PACKET.unpack_from, _PACKET.size
        end = len(data)
        batches: dict[int, list[tuple[int, bytes]]] = {}
        while at < end:
            at_ns, number, size, is_after_hole = read(data, at)
            at += head
            batch = batches.get(number)
            if batch is None:
                batch = batches[number] = []
            if is_after_hole:
                self._tell_hole(number, batch, at_ns)
            batch.append((at_ns, data[at : at + size]))
            at += size + 7 & ~7
        for number, batch in batches.items():
            self._hand_over(number, batch)
        self._tell_heard()

    def _hand_over(self, number: int, batch: list[tuple[int, bytes]]) -> None:
        owner = self.streams.get(number)
        if owner is None or not batch:
            return
        try:
            owner.took(batch)
        except Exception:  # one stream must not cost the record all that came with it
            logger.exception("packets from the forwarding thread were not taken")

    def _tell_hole(self, number: int, batch: list[tuple[int, bytes]], until_ns: int) -> None:
        """What came before the hole is told first."""
        self._hand_over(number, batch[:])
        batch.clear()
        owner = self.streams.get(number)
        if owner is not None:
            owner.overloaded(until_ns)

    def _tell_heard(self) -> None:
        """Whose media came: for liveness, which is counted in hundreds of milliseconds."""
        if self.handle is None:
            return
        size = self.lib.lines_heard(self.handle, self._heard, self._heard_places)
        if size > self._heard_places:
            self._heard, self._heard_places = self.ffi.new("uint64_t[]", size), size
            self.lib.lines_heard(self.handle, self._heard, size)
        times_ns, places = self._heard[0:size], int(self.lib.HANDLE_PLACES)
        for number, owner in self.lines.items():
            place = number & places
            if place < size and times_ns[place]:
                owner.heard(times_ns[place])

    def _dispatch(self, kind: int, number: int, data: bytes, at_ns: int, leg: int) -> None:
        if kind == self._keyframe:
            stream = self.streams.get(number)
            if stream is not None:
                stream.keyframe_came(at_ns)
            return
        if kind == self.lib.RECORD_DATAGRAM:
            deliver = self.peers.get(number)
            if deliver is not None:
                deliver(data)
            return
        owner = self.lines.get(number)
        if owner is None:
            return
        if kind == self.lib.RECORD_UNKNOWN:
            owner.took_media(data, at_ns)
        elif not owner.transmit(data) and leg:
            self.lib.leg_congested(self.handle, leg, time.monotonic_ns() / 1_000_000)

    def facts(self) -> tuple[int, int, int]:
        """Packets forwarded, packets not sent, ring records dropped, since start."""
        if self.handle is None:
            return 0, 0, 0
        facts = self._facts
        self.lib.plane_read_facts(self.handle, facts)
        return facts.forwarded, facts.failed, facts.ring_dropped

    def urgency(self) -> Urgency:
        """How far the system lets the thread go before other work; known once the thread runs."""
        self.lib.plane_read_facts(self.handle, self._facts)
        return Urgency(self._facts.urgency)


class Peer:
    """One connected socket that the thread reads."""

    def __init__(self, plane: Plane, descriptor: int, line: int, deliver: Callable[[bytes], None]) -> None:
        self._plane = plane
        self._number: int = plane.lib.peer_open(plane.handle, descriptor, line)
        if not self._number:
            raise OSError("the forwarding thread takes no further socket")
        plane.peers[self._number] = deliver

    def close(self) -> None:
        """Read what already arrived and let go; the socket may be closed afterwards."""
        if self._number and self._plane.is_open:
            self._plane.lib.peer_close(self._plane.handle, self._number)
            deliver = self._plane.peers.pop(self._number, None)
            self._number = 0
            del deliver


class Line:
    """One transport's media inside the thread: its keys, its way out, its transport-wide numbers."""

    def __init__(self, plane: Plane, owner: LineOwner) -> None:
        self.plane = plane
        self.number: int = plane.lib.line_open(plane.handle)
        if not self.number:
            raise OSError("no memory for a transport")
        plane.lines[self.number] = owner
        self._contexts: MediaContexts | None = None  # kept alive as long as the thread uses them

    def use_keys(self, contexts: MediaContexts | None) -> None:
        """The keys of a finished handshake; None: forget them."""
        if self.plane.is_open:
            rx, tx = (contexts.rx, contexts.tx) if contexts is not None else (0, 0)
            self.plane.lib.line_keys(self.plane.handle, self.number, rx, tx)
        self._contexts = contexts

    def route(self, descriptor: int | None) -> None:
        """Send through this connected socket; None: hand packets back to Python."""
        if self.plane.is_open:
            self.plane.lib.line_route(
                self.plane.handle, self.number, -1 if descriptor is None else descriptor
            )

    def pace(self, rate_bps: float) -> None:
        """What pictures may take of the way out from now on; 0: as much as they like (`rtp.pacer`)."""
        if self.plane.is_open:
            self.plane.lib.line_pace(self.plane.handle, self.number, rate_bps)

    def receive(self, protected: bytes, at_ns: int) -> None:
        """A protected RTP packet that Python read (TCP, an address not yet nominated)."""
        if self.plane.is_open:
            self.plane.lib.line_receive(self.plane.handle, self.number, protected, len(protected), at_ns)

    def send(self, plain: bytes, now_ms: float, *, wide_at: int = 0) -> None:
        """Protect and send one plain RTP packet; `wide_at` is where its transport-wide number belongs (0: none)."""
        if self.plane.is_open:
            self.plane.lib.line_send(self.plane.handle, self.number, plain, len(plain), wide_at, now_ms)

    def counters(self) -> tuple[int, int]:
        """(packets that failed authentication, packets beyond the rate)."""
        if not self.plane.is_open:
            return 0, 0
        refused, limited = self.plane.ffi.new("uint64_t *"), self.plane.ffi.new("uint64_t *")
        self.plane.lib.line_counters(self.plane.handle, self.number, refused, limited)
        return int(refused[0]), int(limited[0])

    def stayed(self, into: Histogram) -> None:
        """Add how long packets stayed that came in here and were forwarded since the last call."""
        if self.plane.is_open:
            counts = self.plane.counts
            sum_ns = self.plane.lib.line_residence(self.plane.handle, self.number, counts)
            if sum_ns:
                into.include(list(counts), int(sum_ns))

    # Transport-wide numbers of what leaves: `rtp.send_history.WideHistory`, kept by the thread.

    @property
    def newest(self) -> int:
        """The 16-bit number given out last; -1 before the first."""
        return int(self.plane.lib.line_newest(self.plane.handle, self.number)) if self.plane.is_open else -1

    def sent(self, first: int, count: int) -> Sent:
        """What is known of `count` 16-bit numbers from `first` on."""
        if not self.plane.is_open:
            return Sent([0.0] * count, [0] * count)
        times, sizes = self.plane.ffi.new("double[]", count), self.plane.ffi.new("uint32_t[]", count)
        self.plane.lib.line_sent(self.plane.handle, self.number, first & 0xFFFF, count, times, sizes)
        return Sent(list(times), list(sizes))

    def watch_numbers(self, extension_id: int) -> None:
        """Note when packets with the sender's transport-wide numbers arrive (0: no more); see `tell`."""
        if self.plane.is_open:
            self.plane.lib.line_watch_numbers(self.plane.handle, self.number, extension_id)

    def tell(self, ours: int, theirs: int) -> None:
        """From now on the thread tells the sender ten times a second when they came, as `ours`; `theirs` 0: nobody.

        `ours` is for these reports alone: their packet counts are the thread's.
        """
        if self.plane.is_open:
            self.plane.lib.line_tell(self.plane.handle, self.number, ours, theirs)

    def close(self) -> None:
        if self.plane.is_open:
            self.plane.lib.line_close(self.plane.handle, self.number)
            self.plane.lines.pop(self.number, None)
        self._contexts = None

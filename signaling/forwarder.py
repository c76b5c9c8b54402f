"""The forward step: one packet in, one protected datagram per leg out, inside the datagram callback.

No task, queue or object is made per packet. The step makes legs and fan-outs, and everything that differs between
this reference and its native twin (`signaling.native`) is behind these three: the same tests run on both.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, Unpack

from signaling.dtls import MAX_PLAIN_BYTES, scratch, scratch_c, scratch_length, srtp_protect
from signaling.native.plane import StreamOwner
from signaling.paths.ice import NoPathError
from signaling.rtp.incoming import Incoming, StreamFacts
from signaling.rtp.packet import MediaPacket
from signaling.rtp.rewriter import Rewriter, RewriterSettings
from signaling.rtp.stream import IncomingStream
from signaling.transport import Transport
from signaling.watching.pacing import Pacing

CONGESTION_PAUSE_MS: Final = (
    200.0  # after a full send buffer a picture waits this long, then asks for a key frame
)

COPIED_AT_ONCE: Final = 64  # packets of one picture between two steps of the clock: 25 Mbit/s
AWAITED: Final = 64  # packets of one picture that have not come from the publisher; the oldest goes
AWAITED_BEHIND: Final = 256  # numbers; later a key frame has healed the picture


class Numbering(Protocol):
    """How one leg's packets are numbered and which layer they come from; see `rtp.rewriter.Rewriter`."""

    @property
    def source(self) -> int: ...

    @property
    def target(self) -> int: ...

    @property
    def redundancy(self) -> int | None: ...

    def select(self, ssrc: int, *, timestamp_shift: int | None = None) -> None: ...
    def pause(self) -> None: ...
    def forget_sources(self) -> None: ...
    def take_redundancy(self, payload_type: int | None) -> None: ...
    def limit_temporal(self, highest: int) -> None: ...
    def timestamp_of(self, rtp_timestamp: int) -> int | None: ...

    # Plain counters in the reference, read from C in the twin.
    @property
    def last_source(self) -> int: ...
    @property
    def packets_sent(self) -> int: ...
    @property
    def octets_sent(self) -> int: ...
    @property
    def retransmitted(self) -> int: ...


class Fanout(Protocol):
    """What one incoming stream is copied to: the legs that hear it."""

    @property
    def legs(self) -> "Sequence[Leg]": ...

    def hear(self, legs: "Sequence[Leg]") -> None:
        """From now on these hear the stream."""
        ...

    def take(self, raw: bytes, now_ns: int) -> MediaPacket | None:
        """Plain RTP that Python has in hand: parsed and forwarded, or None when it must go nowhere.

        The thread always gives None: it reads the packet itself, and the stream's owner will hear of it.
        """
        ...

    def tap(self, *, is_heard: bool) -> None:
        """Whether somebody records it: only then the thread hands its packets over."""
        ...

    def catch_up(self) -> None:
        """Before something is noted: what came earlier and was forwarded without Python is told now."""
        ...

    def forget(self) -> None:
        """Nothing that came so far will be sent again or start a newcomer."""
        ...

    def replay(self, leg: "Leg", now_ms: float) -> None:
        """Start a newcomer with the last key frame and what followed, if that little is still here."""
        ...

    def close(self) -> None:
        """The stream ended."""
        ...


FanoutOf = Callable[[int], Fanout | None]  # SSRC of a layer -> its fan-out


class Leg(Protocol):
    """One viewer's copy of one publication.

    `is_live` says that the viewer's answer named this leg; until then nothing is sent. `blocked_until_ms` is set when
    the send buffer was full: a picture then stops up to the next key frame, a voice only loses that packet
    (`dropped` counts both).
    """

    is_live: bool

    @property
    def blocked_until_ms(self) -> float: ...
    @property
    def dropped(self) -> int: ...
    @property
    def rewriter(self) -> Numbering: ...

    def kept(self, sequence: int, fanout_of: FanoutOf, now_ms: float) -> int:
        """Payload bytes of the packet behind an outgoing 16-bit number, 0 when it is not (or no longer) here."""
        ...

    def repair(self, sequence: int, fanout_of: FanoutOf, now_ms: float, *, is_probe: bool = False) -> None:
        """Send the packet behind an outgoing 16-bit number once more. A probe does not wait for room."""
        ...

    def copy_base(
        self, after: int | None, fanout_of: FanoutOf, now_ms: float, most_bytes: int
    ) -> tuple[int, int]:
        """Send once more what left behind outgoing number `after` (None: nothing) and other pictures build on.

        (newest outgoing number of 16 bits, payload bytes sent). At most COPIED_AT_ONCE packets are looked at, the
        newest, and those that had not come from the publisher before; the layer before a switch is left out.
        """
        ...

    def close(self) -> None:
        """The viewer gave the leg up."""
        ...


class ForwardStep(Protocol):
    """Makes the parts through which packets go out; counts them. Nothing here raises on what a peer sent."""

    @property
    def forwarded(self) -> int: ...

    @property
    def failed(self) -> int: ...

    def leg(self, transport: Transport, settings: RewriterSettings, *, is_video: bool) -> Leg: ...

    def incoming(self, **facts: Unpack[StreamFacts]) -> Incoming:
        """A stream's numbers and meters, for `fanout`."""
        ...

    def fanout(self, stream: Incoming, transport: Transport | None, owner: StreamOwner) -> Fanout:
        """`owner` hears of packets that were read and forwarded without Python."""
        ...


class PythonLeg:
    """The reference `Leg`."""

    __slots__ = (
        "_awaited",
        "blocked_until_ms",
        "dropped",
        "is_live",
        "is_video",
        "rewrite",
        "rewriter",
        "transport",
        "wide_at",
    )

    def __init__(self, transport: Transport, rewriter: Rewriter, *, is_video: bool, wide_at: int = 0) -> None:
        self.transport = transport
        self.rewriter = rewriter
        self.rewrite = rewriter.forward
        self.is_video = is_video
        self.wide_at = wide_at  # where the transport-wide number lies in every packet; 0: none
        self.is_live = False
        self.blocked_until_ms = 0.0
        self.dropped = 0
        self._awaited: deque[int] = deque(maxlen=AWAITED)

    def congested(self, now_ms: float) -> None:
        """The send buffer is full."""
        self.dropped += 1
        if self.is_video:
            self.rewriter.pause()
            self.blocked_until_ms = now_ms + CONGESTION_PAUSE_MS

    def kept(self, sequence: int, fanout_of: FanoutOf, now_ms: float) -> int:
        packet = self._packet(sequence, fanout_of, now_ms)
        return 0 if packet is None else len(packet.payload)

    def repair(self, sequence: int, fanout_of: FanoutOf, now_ms: float, *, is_probe: bool = False) -> None:
        packet = self._packet(sequence, fanout_of, now_ms)
        repair = self.rewriter.retransmit(sequence, packet, now_ms) if packet is not None else None
        if repair is None:
            return
        pacing = self.transport.pacing if self.wide_at and not is_probe else None
        if pacing is not None and pacing.holds(len(repair), now_ms):
            self.hold(pacing, repair, now_ms, is_repeat=True)
        else:
            self.transport.send_rtp(repair, wide_at=self.wide_at)

    def hold(self, pacing: Pacing, data: bytes, now_ms: float, *, is_repeat: bool) -> None:
        """Send a plain packet when the line has room, unless the leg was silenced by then."""
        pauses = self.rewriter.pauses

        def send() -> None:
            if not self.is_live or self.rewriter.pauses != pauses:
                return
            if not self.transport.send_rtp(data, wide_at=self.wide_at) and not is_repeat:
                self.congested(time.monotonic_ns() / 1_000_000)

        pacing.put(send, len(data), now_ms, is_repeat=is_repeat)

    def copy_base(
        self, after: int | None, fanout_of: FanoutOf, now_ms: float, most_bytes: int
    ) -> tuple[int, int]:
        newest = self.rewriter.newest
        behind = 0 if after is None else min(newest - after & 0xFFFF, COPIED_AT_ONCE)
        looked_at = [*self._awaited, *(number & 0xFFFF for number in range(newest - behind + 1, newest + 1))]
        self._awaited.clear()
        sent_bytes = 0
        for sequence in looked_at if after is not None else ():
            packet = self._packet(sequence, fanout_of, now_ms)
            if packet is None:
                if newest - sequence & 0xFFFF < AWAITED_BEHIND:
                    self._awaited.append(sequence)
                continue
            if packet.temporal_id or packet.ssrc != self.rewriter.source:
                continue
            if sent_bytes + len(packet.payload) > most_bytes:
                break
            sent_bytes += len(packet.payload)
            self.repair(sequence, fanout_of, now_ms)
        return newest, sent_bytes

    def _packet(self, sequence: int, fanout_of: FanoutOf, now_ms: float) -> MediaPacket | None:
        place = self.rewriter.locate(sequence)
        fanout = fanout_of(place[0]) if place is not None else None
        if place is None or not isinstance(fanout, PythonFanout):
            return None
        return fanout.cache.get(place[1], now_ms)

    def close(self) -> None:
        self.is_live = False


class PythonFanout:
    """The reference `Fanout`."""

    __slots__ = ("_accept", "_step", "cache", "legs")

    def __init__(self, step: "PythonForwardStep", stream: IncomingStream) -> None:
        self._step = step
        self._accept = stream.accept
        self.cache = stream.cache
        self.legs: tuple[PythonLeg, ...] = ()

    def hear(self, legs: Sequence[Leg]) -> None:
        self.legs = tuple(leg for leg in legs if isinstance(leg, PythonLeg))

    def take(self, raw: bytes, now_ns: int) -> MediaPacket | None:
        now_ms = now_ns / 1_000_000
        packet = self._accept(raw, now_ms)
        if packet is not None and self.legs:
            self._step.forward(packet, self.legs, now_ms)
        return packet

    def tap(self, *, is_heard: bool) -> None:
        pass

    def catch_up(self) -> None:
        pass

    def forget(self) -> None:
        newest = self.cache.newest
        self.cache.clear()
        self.cache.newest = newest  # the numbers go on

    def replay(self, leg: Leg, now_ms: float) -> None:
        assert isinstance(leg, PythonLeg)
        for packet in self.cache.since_keyframe():
            self._step.forward(packet, (leg,), now_ms)

    def close(self) -> None:
        self.legs = ()


class PythonForwardStep:
    """The reference: pure Python around libsrtp and `send`."""

    def __init__(self, wake: Callable[[], None] | None = None) -> None:
        """`wake`: called when packets are found missing, so that somebody asks for them."""
        self._wake = wake
        self.forwarded = 0
        self.failed = 0

    def leg(self, transport: Transport, settings: RewriterSettings, *, is_video: bool) -> PythonLeg:
        return PythonLeg(transport, Rewriter(settings), is_video=is_video, wide_at=settings.wide_at)

    def incoming(self, **facts: Unpack[StreamFacts]) -> IncomingStream:
        stream = IncomingStream(**facts)
        stream.losses.on_missing = self._wake
        return stream

    def fanout(self, stream: Incoming, transport: Transport | None, owner: StreamOwner) -> PythonFanout:
        assert isinstance(stream, IncomingStream), "made by `incoming`"
        return PythonFanout(self, stream)

    def forward(self, packet: MediaPacket, legs: tuple[PythonLeg, ...], now_ms: float) -> None:
        buffer: Any = scratch
        length: Any = scratch_length
        sent = 0
        for leg in legs:
            data = leg.rewrite(packet)
            if data is None:
                continue
            transport = leg.transport
            channel = transport.channel
            size = len(data)
            if channel is None or channel.tx_context is None or size > MAX_PLAIN_BYTES:
                self.failed += 1
                continue
            buffer[:size] = data
            wide, at, pacing = transport.wide, leg.wide_at, transport.pacing
            if at and pacing is not None and pacing.holds(size, now_ms):
                leg.hold(pacing, data, now_ms, is_repeat=False)
                sent += 1
                continue
            if at and wide is not None:
                number = wide.next(size, now_ms)
                buffer[at] = number >> 8
                buffer[at + 1] = number & 0xFF
            length[0] = size
            if srtp_protect(channel.tx_context, scratch_c, length):
                self.failed += 1
                continue
            try:
                transport.agent.send(buffer[: length[0]])
            except BlockingIOError:
                leg.congested(now_ms)
            except (NoPathError, OSError):
                self.failed += 1
            else:
                sent += 1
        self.forwarded += sent

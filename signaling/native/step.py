"""The native forward step: legs and fan-outs that live in the forwarding thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Unpack

from signaling.forwarder import FanoutOf, Leg
from signaling.native.incoming import NativeIncoming
from signaling.native.numbering import native_settings
from signaling.native.plane import Line, Plane, StreamOwner
from signaling.rtp.incoming import Incoming, StreamFacts
from signaling.rtp.rewriter import NO_SOURCE, RewriterSettings
from signaling.transport import Transport

_MASK32: Final = 0xFFFFFFFF


class NativeNumbering:
    """`forwarder.Numbering` of a leg in the thread.

    Orders are calls under its lock and tell how it stands then; a look serves all that is asked until the next drain.
    """

    __slots__ = ("_facts", "_leg", "_looked", "_plane")

    def __init__(self, plane: Plane, leg: int) -> None:
        self._plane = plane
        self._leg = leg
        self._facts: Any = plane.ffi.new("struct leg_facts *")
        self._looked = 0
        self.look()

    def _read(self) -> Any:
        if self._looked != self._plane.drains:
            self.look()
        return self._facts

    def look(self) -> None:
        """Read anew, after something else than an order changed it."""
        plane = self._plane
        self._looked = plane.drains
        if plane.is_open:
            plane.lib.leg_read(plane.handle, self._leg, self._facts)

    def _order(self, order: int, argument: int = 0, shift: int | None = None) -> None:
        plane = self._plane
        if plane.is_open:
            self._looked = plane.drains
            plane.lib.leg_order(
                plane.handle, self._leg, order, argument, shift or 0, shift is not None, self._facts
            )

    @property
    def source(self) -> int:
        return int(self._read().numbering.source)

    @property
    def target(self) -> int:
        return int(self._read().numbering.target)

    @property
    def last_source(self) -> int:
        return int(self._read().numbering.last_source)

    @property
    def redundancy(self) -> int | None:
        return int(self._read().numbering.redundancy) or None

    @property
    def packets_sent(self) -> int:
        return int(self._read().numbering.packets_sent)

    @property
    def octets_sent(self) -> int:
        return int(self._read().numbering.octets_sent)

    @property
    def retransmitted(self) -> int:
        return int(self._read().numbering.retransmitted)

    @property
    def dropped(self) -> int:
        """Packets that found the send buffer full."""
        return int(self._read().dropped)

    @property
    def blocked_until_ms(self) -> float:
        return float(self._read().blocked_until_ms)

    def select(self, ssrc: int, *, timestamp_shift: int | None = None) -> None:
        self._order(self._plane.lib.LEG_SELECT, ssrc, timestamp_shift)

    def pause(self) -> None:
        self._order(self._plane.lib.LEG_PAUSE)

    def forget_sources(self) -> None:
        self._order(self._plane.lib.LEG_FORGET)

    def take_redundancy(self, payload_type: int | None) -> None:
        self._order(self._plane.lib.LEG_REDUNDANCY, payload_type or 0)

    def limit_temporal(self, highest: int) -> None:
        self._order(self._plane.lib.LEG_TEMPORAL, highest)

    def timestamp_of(self, rtp_timestamp: int) -> int | None:
        numbering = self._read().numbering
        if numbering.source == NO_SOURCE:
            return None
        return rtp_timestamp + int(numbering.timestamp_offset) & _MASK32


class NativeLeg:
    """`forwarder.Leg` in the thread."""

    def __init__(
        self, plane: Plane, line: Line, transport: Transport, settings: RewriterSettings, *, is_video: bool
    ) -> None:
        self._plane = plane
        self.transport = transport
        self.is_video = is_video
        self.is_live = False
        numbering = native_settings(plane.native, settings)
        self.number: int = plane.lib.leg_open(plane.handle, line.number, numbering, is_video)
        if not self.number:
            raise OSError("no memory for a leg")
        self.rewriter = NativeNumbering(plane, self.number)

    @property
    def dropped(self) -> int:
        return self.rewriter.dropped

    @property
    def blocked_until_ms(self) -> float:
        return self.rewriter.blocked_until_ms

    def _repair(self, sequence: int, fanout_of: FanoutOf, now_ms: float, how: int) -> int:
        if not self._plane.is_open:
            return 0
        lib, handle = self._plane.lib, self._plane.handle
        ssrc = lib.leg_locate(handle, self.number, sequence & 0xFFFF)
        fanout = fanout_of(ssrc) if ssrc >= 0 else None
        if not isinstance(fanout, NativeFanout):
            return 0
        return int(lib.leg_repair(handle, self.number, fanout.number, sequence & 0xFFFF, now_ms, how))

    def kept(self, sequence: int, fanout_of: FanoutOf, now_ms: float) -> int:
        return self._repair(sequence, fanout_of, now_ms, self._plane.lib.REPAIR_LOOK)

    def repair(self, sequence: int, fanout_of: FanoutOf, now_ms: float, *, is_probe: bool = False) -> None:
        lib = self._plane.lib
        self._repair(sequence, fanout_of, now_ms, lib.REPAIR_PROBE if is_probe else lib.REPAIR_SEND)

    def copy_base(
        self, after: int | None, fanout_of: FanoutOf, now_ms: float, most_bytes: int
    ) -> tuple[int, int]:
        plane, fanout = self._plane, fanout_of(self.rewriter.source)
        stream = fanout.number if isinstance(fanout, NativeFanout) else 0
        if not plane.is_open:
            return 0, 0
        newest = plane.ffi.new("uint16_t *")
        sent_bytes = plane.lib.leg_copy_base(
            plane.handle, self.number, stream, -1 if after is None else after, most_bytes, now_ms, newest
        )
        return int(newest[0]), int(sent_bytes)

    def close(self) -> None:
        self.is_live = False
        if self.number and self._plane.is_open:
            self._plane.lib.leg_shut(self._plane.handle, self.number)
        self.number = 0


class NativeFanout:
    """`forwarder.Fanout` in the thread: parser, cache, meters and the list of legs of one stream."""

    def __init__(self, plane: Plane, stream: NativeIncoming, line: Line, owner: StreamOwner) -> None:
        self._plane = plane
        self.legs: tuple[NativeLeg, ...] = ()
        self.number: int = plane.lib.stream_open(plane.handle, line.number, stream.facts(plane))
        if self.number:  # else this stream goes nowhere: the line has too many
            plane.streams[self.number] = owner
        stream.attach(plane, self.number)

    def hear(self, legs: Sequence[Leg]) -> None:
        self.legs = tuple(leg for leg in legs if isinstance(leg, NativeLeg))
        if self.number and self._plane.is_open:
            numbers = self._plane.ffi.new("uint32_t[]", [leg.number for leg in self.legs])
            self._plane.lib.stream_route(self._plane.handle, self.number, numbers, len(self.legs))

    def take(self, raw: bytes, now_ns: int) -> None:
        if self.number and self._plane.is_open:
            self._plane.lib.stream_receive(self._plane.handle, self.number, raw, len(raw), now_ns)

    def tap(self, *, is_heard: bool) -> None:
        if self.number and self._plane.is_open:
            self._plane.lib.stream_tap(self._plane.handle, self.number, is_heard)

    def catch_up(self) -> None:
        self._plane.take_media()

    def forget(self) -> None:
        if self.number and self._plane.is_open:
            self._plane.lib.stream_forget(self._plane.handle, self.number)

    def replay(self, leg: Leg, now_ms: float) -> None:
        if isinstance(leg, NativeLeg) and self.number and self._plane.is_open:
            self._plane.lib.stream_replay(self._plane.handle, self.number, leg.number, now_ms)
            leg.rewriter.look()

    def close(self) -> None:
        self.legs = ()
        if self.number and self._plane.is_open:
            self._plane.lib.stream_shut(self._plane.handle, self.number)
            self._plane.streams.pop(self.number, None)
        self.number = 0


class NativeForwardStep:
    """`forwarder.ForwardStep` over one plane."""

    def __init__(self, plane: Plane) -> None:
        self._plane = plane

    @property
    def forwarded(self) -> int:
        return self._plane.facts()[0]

    @property
    def failed(self) -> int:
        return self._plane.facts()[1]

    def leg(self, transport: Transport, settings: RewriterSettings, *, is_video: bool) -> NativeLeg:
        line = transport.line
        assert line is not None, "a transport of this engine has a line"
        return NativeLeg(self._plane, line, transport, settings, is_video=is_video)

    def incoming(self, **facts: Unpack[StreamFacts]) -> NativeIncoming:
        return NativeIncoming(**facts)

    def fanout(self, stream: Incoming, transport: Transport | None, owner: StreamOwner) -> NativeFanout:
        assert transport is not None
        assert transport.line is not None, "a transport of this engine has a line"
        assert isinstance(stream, NativeIncoming), "made by `incoming`"
        return NativeFanout(self._plane, stream, transport.line, owner)

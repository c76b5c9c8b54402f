"""RTP packets back into sending order: header parsing, wrap-around, reordering, duplicates, holes.

Everything here works on journal records after the fact, so it can afford to wait: a packet that was
retransmitted a second later still takes its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

# A retransmission asked for by NACK arrives within a few round trips; five tries at up to 400 ms, as the
# receiver asks, end within this. Later than that nobody will send it again.
HOLE_PATIENCE_NS = 1_500_000_000
# About two seconds of a 2 Mbit/s stream: bounds memory when a sender jumps ahead in its numbering.
HOLE_PATIENCE_PACKETS = 512
# A jump of the sequence number by more than this is a restarted sender, not loss (RFC 3550 A.1: 3000).
MAX_DROPOUT = 3000

_HEADER_BYTES = 12


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """One parsed packet. `sequence` is 16 bits, `timestamp` 32 bits as sent; `at_ns` the arrival time."""

    sequence: int
    timestamp: int
    marker: bool
    payload_type: int
    payload: bytes
    at_ns: int


@dataclass(frozen=True, slots=True)
class OrderedPacket:
    """A packet in its place. `extended_sequence` never wraps. `after_hole`: something is missing before it."""

    packet: RtpPacket
    extended_sequence: int
    after_hole: bool


def parse_rtp(raw: bytes, at_ns: int) -> RtpPacket | None:
    """Parse one RTP packet (RFC 3550 section 5.1, RFC 8285 extension skipped); None when malformed."""
    size = len(raw)
    if size < _HEADER_BYTES or raw[0] >> 6 != 2:
        return None
    start = _HEADER_BYTES + 4 * (raw[0] & 0x0F)
    if raw[0] & 0x10:
        if start + 4 > size:
            return None
        start += 4 + 4 * int.from_bytes(raw[start + 2 : start + 4], "big")
    end = size
    if raw[0] & 0x20:
        padding = raw[-1]
        if padding == 0:
            return None
        end -= padding
    if start > end:
        return None
    return RtpPacket(
        sequence=int.from_bytes(raw[2:4], "big"),
        timestamp=int.from_bytes(raw[4:8], "big"),
        marker=bool(raw[1] & 0x80),
        payload_type=raw[1] & 0x7F,
        payload=bytes(raw[start:end]),
        at_ns=at_ns,
    )


class Unwrapper:
    """Turns counters of `bits` bits into ever-growing integers by the shortest way from the last one."""

    def __init__(self, bits: int) -> None:
        self._modulus = 1 << bits
        self._half = self._modulus >> 1
        self._last: int | None = None

    def unwrap(self, value: int) -> int:
        """The extended value; may be lower than the last one (reordering), never ambiguous."""
        if self._last is None:
            self._last = value
            return value
        delta = (value - self._last) % self._modulus
        if delta >= self._half:
            delta -= self._modulus
        self._last += delta
        return self._last


class Reorderer:
    """Puts packets of one track back into sequence order.

    Duplicates and packets that come after their place was given up are dropped and counted. A hole is given
    up when `HOLE_PATIENCE_NS` of arrival time or `HOLE_PATIENCE_PACKETS` packets have passed.
    """

    def __init__(self) -> None:
        self._sequence = Unwrapper(16)
        self._waiting: dict[int, RtpPacket] = {}
        self._next: int | None = None
        self._after_hole = False
        self.duplicates = 0
        self.late = 0
        self.missing = 0

    def push(self, packet: RtpPacket) -> Iterator[OrderedPacket]:
        """Take one packet in arrival order; yield whatever can leave in sending order."""
        sequence = self._sequence.unwrap(packet.sequence)
        if self._next is None:
            self._next = sequence
        if abs(sequence - self._next) > MAX_DROPOUT:
            yield from self.flush()
            self._next, self._after_hole = sequence, True
        if sequence < self._next:
            self.late += 1
            return
        if sequence in self._waiting:
            self.duplicates += 1
            return
        self._waiting[sequence] = packet
        yield from self._release(packet.at_ns)

    def flush(self) -> Iterator[OrderedPacket]:
        """Give up every hole: the track has ended."""
        while self._waiting:
            yield from self._skip_hole()
            yield from self._run()

    def _release(self, now_ns: int) -> Iterator[OrderedPacket]:
        yield from self._run()
        while self._waiting and self._is_hopeless(now_ns):
            yield from self._skip_hole()
            yield from self._run()

    def _is_hopeless(self, now_ns: int) -> bool:
        if len(self._waiting) > HOLE_PATIENCE_PACKETS:
            return True
        oldest = next(iter(self._waiting.values()))
        return now_ns - oldest.at_ns > HOLE_PATIENCE_NS

    def _skip_hole(self) -> Iterator[OrderedPacket]:
        assert self._next is not None
        lowest = min(self._waiting)
        if lowest > self._next:
            self.missing += lowest - self._next
            self._next, self._after_hole = lowest, True
        yield from ()

    def _run(self) -> Iterator[OrderedPacket]:
        assert self._next is not None
        while (packet := self._waiting.pop(self._next, None)) is not None:
            yield OrderedPacket(packet=packet, extended_sequence=self._next, after_hole=self._after_hole)
            self._next += 1
            self._after_hole = False

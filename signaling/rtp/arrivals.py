"""When packets with transport-wide numbers arrived, and the feedback that tells the sender (draft-holmer-rmcat)."""

from __future__ import annotations

from typing import Final

from signaling.rtp.extensions import ONE_BYTE, transport_sequence
from signaling.rtp.header import parse_header
from signaling.rtp.sequence import nearest_extended
from signaling.rtp.transport_cc import build_feedback

MAX_WAITING: Final = 4096  # arrivals between two feedbacks; overflow drops the newest: no sender is that fast
KEPT_MS: Final = 500.0  # a late packet's feedback repeats what came around it, as libwebrtc's does
KEPT_NUMBERS: Final = 4096
# Numbers one feedback speaks of: a second of the fastest sender. One that leaps ahead with every packet would
# otherwise be told, in thousands of messages, what it never sent.
MAX_SPAN: Final = 4096
_TICK_NS: Final = 250_000
MAX_PLACES: Final = 64  # streams per transport; see MAX_STREAMS in publisher.py
MAX_JUMP: Final = 0x4000  # a number this far off belongs to a sender that started anew


class NumberReader:
    """Finds the transport-wide number in packets; remembers for every stream where it lies."""

    __slots__ = ("_extension_id", "_head", "_places")

    def __init__(self, extension_id: int) -> None:
        self._extension_id = extension_id
        self._head = extension_id << 4 | 1
        self._places: dict[
            int, tuple[bytes, int]
        ] = {}  # SSRC -> (start of the block, first element included; offset of the number)

    def number(self, packet: bytes, ssrc: int) -> int:
        """The 16-bit number, -1 when the packet has none. At least 12 bytes."""
        shape, at = self._places.get(ssrc, (b"", 0))
        if (
            at
            and packet[12:17] == shape
            and packet[0] & 0x1F == 0x10
            and len(packet) > at + 1  # the same first words do not make it as long as the last one
            and packet[at - 1] == self._head
        ):
            return packet[at] << 8 | packet[at + 1]
        header = parse_header(packet)
        if header is None:
            return -1
        number = transport_sequence(packet, header, self._extension_id)
        if number >= 0 and header.extension_profile == ONE_BYTE and header.extension_start == 16:
            self._remember(ssrc, packet, header.extension_end)
        return number

    def _remember(self, ssrc: int, packet: bytes, end: int) -> None:
        at = 16
        while at < end and packet[at] != self._head:
            first = packet[at]
            at += (first & 0x0F) + 2 if first else 1
        if at + 2 >= end:  # found in an element of another length
            return
        self._places[ssrc] = packet[12:17], at + 1
        while len(self._places) > MAX_PLACES:
            del self._places[next(iter(self._places))]


class ArrivalLog:
    """Collects arrivals: `record` is called once per packet. The native thread has its own."""

    __slots__ = ("_waiting", "dropped")

    def __init__(self) -> None:
        self._waiting: list[tuple[int, int]] = []
        self.dropped = 0

    def record(self, number: int, now_ns: int) -> None:
        """A packet with this 16-bit number arrived."""
        if len(self._waiting) < MAX_WAITING:
            self._waiting.append((number, now_ns))
        else:
            self.dropped += 1

    def take(self) -> list[tuple[int, int]]:
        """(16-bit number, arrival in monotonic ns) of every packet since the last call, in the order they came."""
        waiting, self._waiting = self._waiting, []
        return waiting


class FeedbackWriter:
    """Turns arrivals into feedback messages, a few bytes per packet. One per publishing transport."""

    __slots__ = ("_count", "_highest", "_next", "_oldest", "_ticks")

    def __init__(self) -> None:
        self._highest = -1  # newest unwrapped number
        self._next = -1  # the one behind the last that was reported
        self._oldest = 0  # earlier ones are too late to be reported
        self._ticks: dict[
            int, int
        ] = {}  # unwrapped number -> arrival; what the next feedback may have to repeat
        self._count = 0

    def write(self, arrivals: list[tuple[int, int]], sender_ssrc: int, ssrc: int) -> list[bytes]:
        """RTCP packets about these arrivals; [] when nothing came."""
        if not arrivals:
            return []
        ticks = self._ticks
        first: int | None = None
        for number, now_ns in arrivals:
            unwrapped = nearest_extended(number, self._highest) if self._highest >= 0 else 0x10000 + number
            if self._highest < 0 or abs(unwrapped - self._highest) > MAX_JUMP:
                ticks.clear()
                first = None
                self._highest = self._oldest = self._next = unwrapped
            if unwrapped in ticks or unwrapped < self._oldest:
                continue
            ticks[unwrapped] = now_ns // _TICK_NS
            self._highest = max(self._highest, unwrapped)
            first = unwrapped if first is None else min(first, unwrapped)
        if first is None:
            return []
        # What is missing since the last feedback is said, too: this one begins where that one ended.
        at = max(min(first, self._next), self._highest + 1 - MAX_SPAN)
        self._next = self._highest + 1
        messages: list[bytes] = []
        while at <= self._highest:
            message, at = build_feedback(sender_ssrc, ssrc, at, self._highest, ticks, self._count)
            self._count = (self._count + 1) & 0xFF
            messages.append(message)
        self._forget(arrivals[-1][1])
        return messages

    def _forget(self, now_ns: int) -> None:
        limit = (now_ns - int(KEPT_MS * 1e6)) // _TICK_NS
        ticks = self._ticks
        old = [number for number, tick in ticks.items() if tick < limit]
        overflow = len(ticks) - len(old) - KEPT_NUMBERS
        if overflow > 0:
            old += sorted(number for number in ticks if ticks[number] >= limit)[:overflow]
        for number in old:
            del ticks[number]
        if old:
            self._oldest = max(self._oldest, max(old) + 1)

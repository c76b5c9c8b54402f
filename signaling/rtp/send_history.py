"""When and how large the last packets of one transport left, by transport-wide number."""

from __future__ import annotations

from array import array
from typing import Final, NamedTuple, Protocol

# 8192 packets are 5 s at 12 Mbit/s, longer than any feedback takes, and a power of two. Overflow: the oldest goes.
HISTORY: Final = 8192


class Sent(NamedTuple):
    """Parallel sequences for consecutive numbers; `size_bytes` 0: not sent, or forgotten."""

    at_ms: list[float]
    size_bytes: list[int]


class WideHistory(Protocol):
    """What a controller reads. The pure twin is `SendHistory`; the native plane keeps the same ring in C."""

    def sent(self, first: int, count: int) -> Sent:
        """What is known of `count` 16-bit numbers from `first` on."""

    @property
    def newest(self) -> int:
        """The 16-bit number given out last; -1 before the first."""


class SendHistory:
    """`next` is on the hot path: two stores into flat arrays."""

    __slots__ = ("_at_ms", "_count", "_size_bytes")

    def __init__(self) -> None:
        self._count = 0  # numbers given out
        self._at_ms = array("d", bytes(8 * HISTORY))
        self._size_bytes = array("H", bytes(2 * HISTORY))

    @property
    def newest(self) -> int:
        return self._count - 1 & 0xFFFF if self._count else -1

    def next(self, size_bytes: int, now_ms: float) -> int:
        """The 16-bit number of the packet that leaves now."""
        count = self._count
        self._count = count + 1
        slot = count & HISTORY - 1
        self._at_ms[slot] = now_ms
        self._size_bytes[slot] = size_bytes
        return count & 0xFFFF

    def sent(self, first: int, count: int) -> Sent:
        newest = self._count - 1
        oldest_behind = newest - first & 0xFFFF
        start = newest - oldest_behind & HISTORY - 1
        is_known = count - 1 <= oldest_behind <= newest and oldest_behind < HISTORY
        if is_known and start + count <= HISTORY:  # nearly always: all there, in one piece
            return Sent(
                self._at_ms[start : start + count].tolist(), self._size_bytes[start : start + count].tolist()
            )
        return self._sent_singly(first, count, newest)

    def _sent_singly(self, first: int, count: int, newest: int) -> Sent:
        at_ms: list[float] = []
        size_bytes: list[int] = []
        times, sizes = self._at_ms, self._size_bytes
        for number in range(first, first + count):
            behind = newest - number & 0xFFFF
            if behind < HISTORY and behind <= newest:
                slot = newest - behind & HISTORY - 1
                at_ms.append(times[slot])
                size_bytes.append(sizes[slot])
            else:
                at_ms.append(0.0)
                size_bytes.append(0)
        return Sent(at_ms, size_bytes)

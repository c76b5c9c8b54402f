"""Spreads one viewer's pictures over what its line carries, so that voices need not wait behind them.

A key frame leaves its encoder in one burst. On a thin line it fills the queue in front of the narrow place, and every
voice packet behind it comes late by as much. Here it waits on our side, where voices pass it. Time is an argument.

Overflow: what waits is bounded in time and packets. Beyond either bound the oldest leave at once, as all did without a
pacer: nothing is dropped here, and nothing waits longer for being sent through a low estimate.
"""

from __future__ import annotations

from collections import deque
from typing import Final, Generic, TypeVar

FACTOR: Final = 1.2  # of the estimate, or of what is sent: what waits must become less again
DEPTH_MS: Final = 5.0  # what may leave in one go: on a fast line a whole picture, on a thin one a packet
LONGEST_MS: Final = 400.0  # two key frames of a small picture on the thinnest line that shows any
MOST_HELD: Final = 256  # packets; two key frames of a shared screen

Item = TypeVar("Item")


class Pacer(Generic[Item]):
    """Ask `holds` for every packet; give what it holds to `put`, and send what `release` returns at `due_ms`."""

    __slots__ = ("_again", "_free_ms", "_fresh", "_held_bytes", "_rate_bps")

    def __init__(self) -> None:
        self._rate_bps = 0.0  # 0: nothing is known of the line, nothing waits
        self._free_ms = 0.0  # when the line will have carried what left so far
        self._held_bytes = 0
        self._again: deque[tuple[Item, int]] = deque()  # repeats: a picture stands until they come
        self._fresh: deque[tuple[Item, int]] = deque()

    @property
    def held(self) -> int:
        """Packets that wait."""
        return len(self._again) + len(self._fresh)

    @property
    def due_ms(self) -> float | None:
        """When `release` has something; None: nothing waits."""
        return self._free_ms - DEPTH_MS if self.held else None

    def pace(self, rate_bps: float) -> None:
        """What pictures may take from now on; 0: as much as they like, once `release` was called."""
        self._rate_bps = rate_bps

    def holds(self, size_bytes: int, now_ms: float) -> bool:
        """False: the packet leaves now and is counted. True: it must wait."""
        if not self._rate_bps:
            return False
        if self.held or self._free_ms > now_ms + DEPTH_MS:
            return True
        self._leaves(size_bytes, now_ms)
        return False

    def put(self, item: Item, size_bytes: int, now_ms: float, *, is_repeat: bool) -> list[Item]:
        """Hold a packet; what is returned has to leave at once."""
        (self._again if is_repeat else self._fresh).append((item, size_bytes))
        self._held_bytes += size_bytes
        found = []
        while self.held > MOST_HELD or self._held_bytes * 8000 > LONGEST_MS * self._rate_bps:
            found.append(self._next(now_ms))
        return found

    def release(self, now_ms: float) -> list[Item]:
        """What may leave by now, in order."""
        found = []
        while self.held and (not self._rate_bps or self._free_ms <= now_ms + DEPTH_MS):
            found.append(self._next(now_ms))
        return found

    def clear(self) -> None:
        """Forget what waits."""
        self._again.clear()
        self._fresh.clear()
        self._held_bytes = 0

    def _next(self, now_ms: float) -> Item:
        item, size_bytes = (self._again or self._fresh).popleft()
        self._held_bytes -= size_bytes
        self._leaves(size_bytes, now_ms)
        return item

    def _leaves(self, size_bytes: int, now_ms: float) -> None:
        if self._rate_bps:
            # What left beyond the bounds is not charged for longer than they allow.
            free_ms = max(self._free_ms, now_ms) + size_bytes * 8000 / self._rate_bps
            self._free_ms = min(free_ms, now_ms + LONGEST_MS)

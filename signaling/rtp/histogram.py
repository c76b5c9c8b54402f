"""How long things took, in fixed logarithmic buckets that Python and C fill alike.

A bucket is an eighth of an octave of nanoseconds, so a quantile is never wrong by more than 12.5 %. The index of `ns`,
as C computes it too: `e = 63 - clz(ns); ((e - 10) << 3) | ((ns >> (e - 3)) & 7)`, clamped to the first and last bucket.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

LOWEST_OCTAVE: Final = 10  # everything below 2**10 ns (1 us) is the first bucket: no packet is faster
HIGHEST_OCTAVE: Final = (
    30  # everything from 2**30 ns (1.07 s) on is the last bucket: that packet is lost anyway
)
STEP_BITS: Final = 3
STEPS: Final = 1 << STEP_BITS
BUCKETS: Final = (HIGHEST_OCTAVE - LOWEST_OCTAVE) * STEPS  # 160 counters of 64 bits
RECENT_STEP_MS: Final = 10_000.0
RECENT_STEPS: Final = 6  # the last minute, in steps of ten seconds
_BELOW_NS: Final = 1 << LOWEST_OCTAVE
_ABOVE_NS: Final = 1 << HIGHEST_OCTAVE


def bucket_of(ns: int) -> int:
    """The bucket of a duration."""
    if ns < _BELOW_NS:
        return 0
    if ns >= _ABOVE_NS:
        return BUCKETS - 1
    octave = ns.bit_length() - 1
    return (octave - LOWEST_OCTAVE) << STEP_BITS | ns >> (octave - STEP_BITS) & STEPS - 1


def upper_ns(bucket: int) -> int:
    """Every duration in the bucket is shorter than this (the last one is open: it claims its own end)."""
    octave, step = divmod(bucket + 1, STEPS)
    return (STEPS + step) << (octave + LOWEST_OCTAVE - STEP_BITS)


@dataclass(frozen=True, slots=True)
class Spread:
    """A histogram at one moment. `counts` has BUCKETS entries, or none when nothing was counted."""

    counts: tuple[int, ...] = ()
    sum_ns: int = 0

    @property
    def total(self) -> int:
        return sum(self.counts)

    def quantile_ms(self, share: float) -> float | None:
        """The duration that `share` (0..1) of all stayed below, in ms, rounded up to its bucket's end; None without
        any."""
        total = self.total
        if not total:
            return None
        wanted, passed = max(1, math.ceil(share * total)), 0
        for bucket, count in enumerate(self.counts):
            passed += count
            if passed >= wanted:
                return upper_ns(bucket) / 1e6
        raise AssertionError("unreachable: the counts are the total")

    def since(self, before: Spread) -> Spread:
        """What came after `before`, an earlier moment of the same histogram."""
        if not before.counts:
            return self
        if not self.counts:
            return Spread()
        counts = tuple(now - then for now, then in zip(self.counts, before.counts, strict=True))
        return Spread(counts, self.sum_ns - before.sum_ns)

    def with_others(self, others: Sequence[Spread]) -> Spread:
        """All together."""
        full = [each for each in (self, *others) if each.counts]
        if not full:
            return Spread()
        counts = tuple(sum(column) for column in zip(*(each.counts for each in full), strict=True))
        return Spread(counts, sum(each.sum_ns for each in full))

    def cumulative(self) -> list[tuple[float, int]]:
        """[(seconds, how many were shorter)] at each octave: what a Prometheus histogram wants before its +Inf."""
        found, passed = [], 0
        for bucket, count in enumerate(self.counts or (0,) * BUCKETS):
            passed += count
            if bucket % STEPS == STEPS - 1 and bucket < BUCKETS - 1:
                found.append((upper_ns(bucket) / 1e9, passed))
        return found


class RecentSpread:
    """What was counted in about the last minute, from moments that somebody else takes of a growing histogram."""

    __slots__ = ("_moment_ms", "_moments")

    def __init__(self, now_ms: float) -> None:
        self._moments: deque[Spread] = deque([Spread()], maxlen=RECENT_STEPS)
        self._moment_ms = now_ms

    def is_due(self, now_ms: float) -> bool:
        """Whether `note` would keep a moment of now: for those to whom making one costs something."""
        return now_ms - self._moment_ms >= RECENT_STEP_MS

    def note(self, spread: Spread, now_ms: float) -> None:
        """Called at least every few seconds."""
        if self.is_due(now_ms):
            self._moment_ms = now_ms
            self._moments.append(spread)

    def of(self, spread: Spread) -> Spread:
        """The part of `spread`, the newest moment, that is recent."""
        return spread.since(self._moments[0])


class Histogram:
    """Counts durations. Never overflows, never forgets: whoever wants a window takes the difference of two moments."""

    __slots__ = ("_counts", "_sum_ns")

    def __init__(self) -> None:
        self._counts = [0] * BUCKETS
        self._sum_ns = 0

    def add(self, ns: int) -> None:
        """One duration."""
        self._counts[bucket_of(ns)] += 1
        self._sum_ns += ns

    def include(self, counts: Sequence[int], sum_ns: int) -> None:
        """What somebody else counted since he was last asked (the native thread's own counters)."""
        if len(counts) != BUCKETS:
            raise ValueError("other buckets")
        self._counts = [mine + theirs for mine, theirs in zip(self._counts, counts, strict=True)]
        self._sum_ns += sum_ns

    def spread(self) -> Spread:
        """This moment."""
        return Spread(tuple(self._counts), self._sum_ns)

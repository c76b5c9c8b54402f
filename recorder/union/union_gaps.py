"""What neither of two recorders holds: given up by both, or readable in none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from recorder.account.manifest import GapCause
from recorder.journal import Record
from recorder.union.union_clock import Span, UnionClock, joined, without
from recorder.union.union_merge import Merge, Told


@dataclass(frozen=True, slots=True)
class CommonGap:
    """A stretch of `track` that neither holds (0: of the whole record). `content`: of the recorder's GAP record."""

    track: int
    from_ns: int
    until_ns: int
    content: dict[str, Any]


class GivenUp:
    """Collects both recorders' GAP records during a merge."""

    def __init__(self, clock: UnionClock) -> None:
        self._clock = clock
        self._spans: list[dict[int, list[tuple[Span, dict[str, Any]]]]] = [
            defaultdict(list) for _ in clock.written
        ]

    def take(self, told: Told) -> None:
        """A GAP record; one of the whole recording tells of a time that cost nothing."""
        if told.record.track:
            self._spans[told.side][told.record.track].append(_refusal(told.at_ns, told.record))

    def common(self, merge: Merge) -> list[CommonGap]:
        """What is left of them where the other did not write it either; and damage that both have."""
        broken = [joined((first, last) for _, first, last, _ in found) for found in merge.damage]
        gaps: list[CommonGap] = []
        for side, tracks in enumerate(self._spans):
            other = 1 - side
            intact = self._intact(broken, other)
            for track, refusals in tracks.items():
                lacks = [span for span, _ in self._spans[other][track]] if other < len(self._spans) else []
                held = without(intact, lacks)
                for span, content in refusals:
                    gaps += [CommonGap(track, *left, content) for left in without([span], held)]
        for side, spans in enumerate(broken):
            for left in without(spans, self._intact(broken, 1 - side)):
                gaps.append(CommonGap(0, *left, {"cause": GapCause.DAMAGE.value, "detail": ""}))
        return sorted(set_of(gaps), key=lambda gap: gap.from_ns)

    def _intact(self, broken: Sequence[Sequence[Span]], side: int) -> tuple[Span, ...]:
        """When a recorder wrote what can be read."""
        if side >= len(self._clock.written):
            return ()
        return without(self._clock.written[side], broken[side])


def set_of(gaps: Sequence[CommonGap]) -> list[CommonGap]:
    """Each damage once, though both sides have it."""
    found: dict[tuple[int, int, int, str], CommonGap] = {}
    for gap in gaps:
        found.setdefault((gap.track, gap.from_ns, gap.until_ns, str(gap.content)), gap)
    return list(found.values())


def _refusal(at_ns: int, record: Record) -> tuple[Span, dict[str, Any]]:
    """What a recorder gave up, moved from its own clock: the record was written at its end."""
    content = record.json()
    return (at_ns - (content["until_ns"] - content["from_ns"]), at_ns), content

"""What the record holds and no copy may show: sealed spans and cuts as sets of time on the hearing clock.

A sealed span begins at a mark "sealed" and ends at the next mark "unsealed", or never. It is meant by arrival at the
court's server: what reached the recorder within it is withheld, and so is what its sender's clock places within it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from recorder.account.manifest import Mark

SEALED, UNSEALED = "sealed", "unsealed"


@dataclass(frozen=True, slots=True)
class Spans:
    """Stretches of the hearing clock, in order, none touching another; each holds its begin and not its end."""

    spans: tuple[tuple[int, int], ...] = ()

    @staticmethod
    def of(spans: Iterable[tuple[int, int]]) -> Spans:
        """The union of any stretches; empty ones are left out."""
        joined: list[tuple[int, int]] = []
        for first, last in sorted(span for span in spans if span[1] > span[0]):
            if joined and first <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(joined[-1][1], last))
            else:
                joined.append((first, last))
        return Spans(tuple(joined))

    def __bool__(self) -> bool:
        return bool(self.spans)

    def __or__(self, other: Spans) -> Spans:
        return Spans.of((*self.spans, *other.spans)) if other.spans else self

    def holds(self, at_ns: int) -> bool:
        """Whether a moment lies in one of them."""
        return self.meets(at_ns, at_ns + 1)

    def meets(self, from_ns: int, until_ns: int) -> bool:
        """Whether any moment of [from, until) lies in one of them."""
        index = bisect_right(self.spans, until_ns - 1, key=lambda span: span[0]) - 1
        return index >= 0 and self.spans[index][1] > from_ns


NOTHING = Spans()


def sealed_by_marks(marks: Iterable[Mark], end_ns: int) -> Spans:
    """The journal's own sealed spans. A repeated order changes nothing; one without an end lasts to `end_ns`."""
    spans, since_ns = [], None
    for mark in sorted(marks, key=lambda mark: mark.at_ns):
        if mark.kind == SEALED and since_ns is None:
            since_ns = mark.at_ns
        elif mark.kind == UNSEALED and since_ns is not None:
            spans.append((since_ns, mark.at_ns))
            since_ns = None
    if since_ns is not None:
        spans.append((since_ns, max(end_ns, since_ns + 1)))
    return Spans.of(spans)

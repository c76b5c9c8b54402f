"""Stretches of the hearing clock with a cause each, laid over one another like coats of paint."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from recorder.manifest import GapCause

SLIVER_NS = 100_000_000  # holes shorter than this are not listed: the promise is "every hole over 100 ms"


@dataclass(frozen=True, slots=True)
class CauseSpan:
    """A stretch of the hearing clock with a cause that explains it."""

    from_ns: int
    until_ns: int
    cause: GapCause
    detail: str = ""


def disjoint(spans: Sequence[CauseSpan]) -> list[CauseSpan]:
    """Sorted, overlaps merged into the earlier span, empty ones dropped."""
    merged: list[CauseSpan] = []
    for span in sorted(spans, key=lambda each: each.from_ns):
        if span.until_ns <= span.from_ns:
            continue
        if merged and span.from_ns < merged[-1].until_ns:
            last = merged[-1]
            merged[-1] = CauseSpan(last.from_ns, max(last.until_ns, span.until_ns), last.cause, last.detail)
        else:
            merged.append(span)
    return merged


def intersection(layer: Sequence[CauseSpan], holes: Sequence[CauseSpan]) -> list[CauseSpan]:
    """The parts of `layer` that lie inside holes. Both disjoint and sorted."""
    found = []
    starts = [hole.from_ns for hole in holes]
    for span in layer:
        index = max(bisect_right(starts, span.from_ns) - 1, 0)
        while index < len(holes) and holes[index].from_ns < span.until_ns:
            hole = holes[index]
            from_ns, until_ns = max(span.from_ns, hole.from_ns), min(span.until_ns, hole.until_ns)
            if from_ns < until_ns:
                found.append(CauseSpan(from_ns, until_ns, span.cause, span.detail))
            index += 1
    return found


def paint(layers: Sequence[Sequence[CauseSpan]], duration_ns: int) -> list[CauseSpan]:
    """One disjoint list from layers of spans, the first layer on top, clipped to [0, duration_ns].

    Slivers under SLIVER_NS that touch a longer gap take its cause: edges of packets and notes never
    meet exactly.
    """
    clean = [disjoint(layer) for layer in layers]
    starts = [[span.from_ns for span in layer] for layer in clean]
    edges = {0, duration_ns}
    for layer in clean:
        inner = (edge for span in layer for edge in (span.from_ns, span.until_ns))
        edges.update(edge for edge in inner if 0 < edge < duration_ns)
    painted: list[CauseSpan] = []
    ordered = sorted(edges)
    for from_ns, until_ns in pairwise(ordered):
        top = _top(clean, starts, from_ns)
        if top is None:
            continue
        last = painted[-1] if painted else None
        same = last is not None and (last.cause, last.detail) == (top.cause, top.detail)
        if last is not None and same and last.until_ns == from_ns:
            painted[-1] = CauseSpan(last.from_ns, until_ns, last.cause, last.detail)
        else:
            painted.append(CauseSpan(from_ns, until_ns, top.cause, top.detail))
    return _absorb_slivers(painted)


def _top(layers: list[list[CauseSpan]], starts: list[list[int]], at_ns: int) -> CauseSpan | None:
    for layer, begins in zip(layers, starts, strict=True):
        index = bisect_right(begins, at_ns) - 1
        if index >= 0 and at_ns < layer[index].until_ns:
            return layer[index]
    return None


def _absorb_slivers(painted: list[CauseSpan]) -> list[CauseSpan]:
    result: list[CauseSpan] = []
    for span in painted:
        last = result[-1] if result else None
        touches = last is not None and last.until_ns == span.from_ns
        if last is not None and touches and span.until_ns - span.from_ns < SLIVER_NS:
            result[-1] = CauseSpan(last.from_ns, span.until_ns, last.cause, last.detail)
        elif last is not None and touches and last.until_ns - last.from_ns < SLIVER_NS:
            result[-1] = CauseSpan(last.from_ns, span.until_ns, span.cause, span.detail)
        else:
            result.append(span)
    return result

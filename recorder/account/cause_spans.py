"""Stretches of the hearing clock with a cause each, laid over one another like coats of paint."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from recorder.account.manifest import GapCause

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


def joined(spans: Sequence[CauseSpan]) -> list[CauseSpan]:
    """Touching spans of one cause as one: a reader counts interruptions, not how many notes told of them."""
    found: list[CauseSpan] = []
    for span in spans:
        last = found[-1] if found else None
        if last is not None and last.cause == span.cause and last.until_ns == span.from_ns:
            found[-1] = CauseSpan(last.from_ns, span.until_ns, last.cause, last.detail or span.detail)
        else:
            found.append(span)
    return found


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


def paint(
    firm: Sequence[Sequence[CauseSpan]], soft: Sequence[Sequence[CauseSpan]], duration_ns: int
) -> list[CauseSpan]:
    """One disjoint list from layers of spans, the first layer on top, clipped to [0, duration_ns].

    A soft sliver under SLIVER_NS takes the cause of the gap it touches: edges of packets and of notes never meet
    exactly. What a firm layer says never shrinks.
    """
    layers = [disjoint(layer) for layer in (*firm, *soft)]
    starts = [[span.from_ns for span in layer] for layer in layers]
    edges = {0, duration_ns}
    for layer in layers:
        inner = (edge for span in layer for edge in (span.from_ns, span.until_ns))
        edges.update(edge for edge in inner if 0 < edge < duration_ns)
    painted: list[tuple[CauseSpan, bool]] = []
    for from_ns, until_ns in pairwise(sorted(edges)):
        for index, (layer, begins) in enumerate(zip(layers, starts, strict=True)):
            top = _at(layer, begins, from_ns)
            if top is not None:
                piece = CauseSpan(from_ns, until_ns, top.cause, top.detail)
                _append(painted, piece, firm=index < len(firm))
                break
    return _absorb_slivers(painted)


def _at(layer: list[CauseSpan], begins: list[int], at_ns: int) -> CauseSpan | None:
    index = bisect_right(begins, at_ns) - 1
    return layer[index] if index >= 0 and at_ns < layer[index].until_ns else None


def _append(painted: list[tuple[CauseSpan, bool]], piece: CauseSpan, *, firm: bool) -> None:
    """Add `piece`, or lengthen the last one when it says the same and touches."""
    if painted:
        last, last_firm = painted[-1]
        same = (last.cause, last.detail, last_firm) == (piece.cause, piece.detail, firm)
        if same and last.until_ns == piece.from_ns:
            painted[-1] = (CauseSpan(last.from_ns, piece.until_ns, last.cause, last.detail), firm)
            return
    painted.append((piece, firm))


def _absorb_slivers(painted: list[tuple[CauseSpan, bool]]) -> list[CauseSpan]:
    result: list[CauseSpan] = []
    kept_sliver = False  # the last of `result` is a soft sliver that may still join the next
    for span, firm in painted:
        sliver = not firm and span.until_ns - span.from_ns < SLIVER_NS
        last = result[-1] if result else None
        touches = last is not None and last.until_ns == span.from_ns
        if last is not None and touches and sliver:
            result[-1] = CauseSpan(last.from_ns, span.until_ns, last.cause, last.detail)
            kept_sliver = kept_sliver and result[-1].until_ns - result[-1].from_ns < SLIVER_NS
        elif last is not None and touches and kept_sliver:
            result[-1] = CauseSpan(last.from_ns, span.until_ns, span.cause, span.detail)
            kept_sliver = False
        else:
            result.append(span)
            kept_sliver = sliver
    return result

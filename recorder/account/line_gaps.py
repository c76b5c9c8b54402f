"""Gaps as a court reads them: per person and source, over all simulcast layers and reconnections.

A person's camera is on the record at a moment when any of its tracks is. So a line has a gap only where every
track of it has one, and the strongest of their causes names it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from recorder.account.manifest import Gap, GapCause, Manifest

# What explains most comes first; absence explains least: another layer or a later connection may know more.
_STRENGTH = {
    cause: rank
    for rank, cause in enumerate(
        (
            GapCause.CRASH,
            GapCause.DAMAGE,
            GapCause.DISK,
            GapCause.OVERLOAD,
            GapCause.RECESS,
            GapCause.POLICY,
            GapCause.HOLD,
            GapCause.MUTE,
            GapCause.DEVICE,
            GapCause.NETWORK,
            GapCause.SENDER_STALL,
            GapCause.NOT_WANTED,
            GapCause.ABSENT,
        )
    )
}


@dataclass(frozen=True, slots=True)
class LineGap:
    """Nothing of this person's source is on the record from `from_ns` to `until_ns` (hearing clock)."""

    identity: str
    source: str
    cause: GapCause
    from_ns: int
    until_ns: int
    detail: str


def line_gaps(manifest: Manifest) -> list[LineGap]:
    """Gaps of every (identity, source) in order of time; recorded time + these = duration, per line."""
    by_track: dict[int, list[Gap]] = {track.number: [] for track in manifest.tracks}
    for gap in manifest.gaps:
        by_track[gap.track].append(gap)
    lines: dict[tuple[str, str], list[list[Gap]]] = defaultdict(list)
    for track in manifest.tracks:
        lines[track.info.identity, track.info.source].append(by_track[track.number])
    found = [
        LineGap(identity, source, gap.cause, gap.from_ns, gap.until_ns, gap.detail)
        for (identity, source), ledgers in sorted(lines.items())
        for gap in _common(ledgers)
    ]
    return sorted(found, key=lambda gap: gap.from_ns)


def _common(ledgers: Sequence[Sequence[Gap]]) -> list[Gap]:
    edges = sorted({edge for ledger in ledgers for gap in ledger for edge in (gap.from_ns, gap.until_ns)})
    starts = [[gap.from_ns for gap in ledger] for ledger in ledgers]
    common: list[Gap] = []
    for from_ns, until_ns in pairwise(edges):
        at_once = [_at(ledger, begins, from_ns) for ledger, begins in zip(ledgers, starts, strict=True)]
        holes = [gap for gap in at_once if gap is not None]
        if len(holes) < len(ledgers):
            continue
        why = min(holes, key=lambda gap: _STRENGTH[gap.cause])
        last = common[-1] if common else None
        if (
            last is not None
            and last.until_ns == from_ns
            and (last.cause, last.detail) == (why.cause, why.detail)
        ):
            common[-1] = Gap(0, why.cause, last.from_ns, until_ns, why.detail)
        else:
            common.append(Gap(0, why.cause, from_ns, until_ns, why.detail))
    return common


def _at(ledger: Sequence[Gap], begins: list[int], at_ns: int) -> Gap | None:
    index = bisect_right(begins, at_ns) - 1
    return ledger[index] if index >= 0 and at_ns < ledger[index].until_ns else None

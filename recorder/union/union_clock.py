"""One hearing clock for two recorders' journals.

Both count the same machine's monotonic clock, so within one boot a fixed number lies between their hearing clocks;
only a boot that one of them has not seen is bridged by the wall clock. The first recorder's clock leads; it is moved
where the other began earlier.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from recorder.account.manifest import Manifest
from recorder.clock import ClockRun

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class UnionClock:
    """`shift_ns[side][run]`: from a record's `at_ns` to the union's hearing clock.

    `runs`: stretches in which at least one recorder wrote, in order, `ends_ns` their ends; `of_run[side][run]` is the
    place of a journal's run in them. `written[side]`: when that recorder wrote.
    """

    shift_ns: tuple[dict[int, int], ...]
    runs: tuple[ClockRun, ...]
    of_run: tuple[dict[int, int], ...]
    ends_ns: tuple[int, ...]
    written: tuple[tuple[Span, ...], ...]

    @property
    def end_ns(self) -> int:
        """The last record of either."""
        return self.ends_ns[-1] if self.ends_ns else 0


@dataclass(frozen=True, slots=True)
class _Stretch:
    side: int
    run: ClockRun
    from_ns: int
    until_ns: int


def unite_clocks(manifests: Sequence[Manifest]) -> UnionClock:
    """The clock of several journals of one recording, the leading one first."""
    shifts = _shifts(manifests)
    both = list(zip(manifests, shifts, strict=True))
    starts = (run.monotonic_ns + shift[run.run] for manifest, shift in both for run in manifest.runs)
    origin_ns = min(starts, default=0)
    lead_ns = max(-origin_ns, 0)
    shifts = tuple({run: ns + lead_ns for run, ns in shift.items()} for shift in shifts)
    stretches = sorted(
        (
            stretch
            for side, (manifest, shift) in enumerate(zip(manifests, shifts, strict=True))
            for stretch in _stretches(side, manifest, shift)
        ),
        key=lambda stretch: (stretch.from_ns, stretch.side),
    )
    runs: list[ClockRun] = []
    ends: list[int] = []
    of_run: tuple[dict[int, int], ...] = tuple({} for _ in manifests)
    for stretch in stretches:
        if not runs or stretch.from_ns > ends[-1]:
            runs.append(replace(stretch.run, run=len(runs) + 1, elapsed_ns=stretch.from_ns))
            ends.append(stretch.until_ns)
        ends[-1] = max(ends[-1], stretch.until_ns)
        of_run[stretch.side][stretch.run.run] = len(runs) - 1
    written = tuple(
        joined((stretch.from_ns, stretch.until_ns) for stretch in stretches if stretch.side == side)
        for side in range(len(manifests))
    )
    return UnionClock(shifts, tuple(runs), of_run, tuple(ends), written)


def joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """In order, overlaps and touching ones as one, empty ones left out."""
    found: list[Span] = []
    for from_ns, until_ns in sorted(span for span in spans if span[1] > span[0]):
        if found and from_ns <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], until_ns))
        else:
            found.append((from_ns, until_ns))
    return tuple(found)


def without(spans: Iterable[Span], others: Iterable[Span]) -> tuple[Span, ...]:
    """The parts of `spans` that lie in none of `others`."""
    left = list(joined(spans))
    for from_ns, until_ns in joined(others):
        cut: list[Span] = []
        for first, last in left:
            cut += [(first, min(last, from_ns)), (max(first, until_ns), last)]
        left = [span for span in cut if span[1] > span[0]]
    return tuple(left)


def _shifts(manifests: Sequence[Manifest]) -> tuple[dict[int, int], ...]:
    lead = next((manifest for manifest in manifests if manifest.runs), None)
    if lead is None:
        return tuple({} for _ in manifests)
    of_boot = {run.boot_id: run.elapsed_ns - run.monotonic_ns for run in reversed(lead.runs) if run.boot_id}
    return tuple(
        {run.run: _shift(manifest, run, of_boot, lead, is_lead=manifest is lead) for run in manifest.runs}
        for manifest in manifests
    )


def _shift(
    manifest: Manifest, run: ClockRun, of_boot: dict[str, int], lead: Manifest, *, is_lead: bool
) -> int:
    own_ns = run.elapsed_ns - run.monotonic_ns
    if is_lead:
        return own_ns
    if run.boot_id in of_boot:
        return of_boot[run.boot_id]
    for other in manifest.runs:  # a boot that both have seen says how far the two clocks are apart
        if other.boot_id in of_boot:
            return own_ns + of_boot[other.boot_id] - (other.elapsed_ns - other.monotonic_ns)
    return (
        own_ns
        + (lead.runs[0].elapsed_ns - lead.runs[0].utc_ns)
        - (manifest.runs[0].elapsed_ns - manifest.runs[0].utc_ns)
    )


def _stretches(side: int, manifest: Manifest, shift: dict[int, int]) -> Iterable[_Stretch]:
    last_ns: dict[int, int] = {}
    for segment in manifest.segments:
        last_ns[segment.run] = max(last_ns.get(segment.run, 0), segment.last_ns)
    for run in manifest.runs:
        moved_ns = shift[run.run] - (run.elapsed_ns - run.monotonic_ns)
        until_ns = max(last_ns.get(run.run, 0), run.elapsed_ns) + moved_ns
        yield _Stretch(side, run, run.elapsed_ns + moved_ns, until_ns)

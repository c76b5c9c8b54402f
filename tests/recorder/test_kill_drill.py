"""Recorder processes killed at 176 seeded moments (1,000 with --slow): half a second is lost at most, and it is named.

In between they stand still (SIGSTOP) and the wall clock is moved by an hour. What is missing is read from the packets'
own numbers.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from recorder.account.line_gaps import LineGap, line_gaps
from recorder.account.manifest import GapCause, Manifest
from recorder.reading.recovery import recover
from recorder.reading.verify import verify
from tests.recorder.kill_drill import TICK_NS, Feeder, ForkServer, Victim, live_together
from tests.recorder.packets import MS

TOGETHER = 8
KILL_NS = 500 * MS
AGAIN_NS = 5000 * MS
LEDGER_NS = 100 * MS
# Explains what was sent while the process stood still or was away.
NAMED = (GapCause.CRASH, GapCause.NETWORK, GapCause.SENDER_STALL, GapCause.OVERLOAD)


@pytest.mark.parametrize(
    ("kills", "stop_s"),
    [(21, 0.8), pytest.param(124, 10.0, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])],
)
def test_recorders__killed_at_seeded_moments__lose_half_a_second_at_most_and_say_so(
    kills: int, stop_s: float, tmp_path: Path
) -> None:
    victims = [_victim(tmp_path, seed) for seed in range(TOGETHER)]
    with ForkServer() as server, Feeder([victim.address for victim in victims]) as feeder:
        live_together(victims, server, kills, stop_s=stop_s)
    assert sum(len(victim.kills) for victim in victims) == TOGETHER * (kills + 1)
    losses = [loss for victim in victims for loss in _check(victim, feeder)]
    assert max(losses) > 40 * MS  # killing does cost something, or the drill proves nothing


def _victim(folder: Path, seed: int) -> Victim:
    return Victim(folder / f"{seed}", folder / f"{seed}.sock", folder / f"{seed}.step", seed)


def _check(victim: Victim, feeder: Feeder) -> list[int]:
    """The recording opens as it lies, every hole is small and named; returns what each kill cost, in ns."""
    heard = victim.heard()
    report = recover(victim.folder)
    assert victim.heard() == heard
    assert verify(victim.folder) == []
    assert not recover(victim.folder).needed
    manifest = report.manifest
    assert len(manifest.runs) == len(victim.kills)
    numbers = [number for number, _ in heard]
    assert len(set(numbers)) == len(numbers)
    # A machine that let even our own sender wait has kept the writer waiting as well.
    patience_ns = 2 * feeder.late_ns
    losses = _losses(victim, feeder, numbers)
    assert max(losses) <= KILL_NS + patience_ns
    away = _times_away(victim, feeder, numbers)
    assert max(away) <= AGAIN_NS + patience_ns
    _check_ledger(manifest, heard, feeder, patience_ns)
    return losses


def _losses(victim: Victim, feeder: Feeder, numbers: list[int]) -> list[int]:
    """What each kill cost: from the last packet of that process that was kept, or from its birth, to the kill."""
    found = []
    for born_ns, killed_ns in zip(victim.births, victim.kills, strict=True):
        first, sent = feeder.number_at(born_ns), feeder.number_at(killed_ns)
        kept = max((number for number in numbers if first <= number <= sent), default=first)
        # What it never read because it stood still is not the kill's cost.
        if all(until_ns < born_ns or from_ns > killed_ns for from_ns, until_ns in victim.stops):
            found.append((sent - kept) * TICK_NS)
    return found


def _times_away(victim: Victim, feeder: Feeder, numbers: list[int]) -> list[int]:
    """From each birth to the first packet of it that was kept, where the process lived long enough to keep any."""
    found = []
    for born_ns, killed_ns in zip(victim.births, victim.kills, strict=True):
        first, last = feeder.number_at(born_ns), feeder.number_at(killed_ns)
        kept = [number for number in numbers if first <= number <= last]
        found += [(min(kept) - first) * TICK_NS] if kept else []
    return found


def _check_ledger(manifest: Manifest, heard: list[tuple[int, int]], feeder: Feeder, patience_ns: int) -> None:
    """Each run of missing numbers is a gap of the line with its bounds, and the ledger has no other."""
    shift_ns = (
        feeder.zero_ns - manifest.runs[0].monotonic_ns
    )  # the machine's clock is one for all of its processes
    missing = [
        ((before + 1) * TICK_NS + shift_ns, after * TICK_NS + shift_ns)
        for (before, _), (after, _) in pairwise(heard)
        if (after - before - 1) * TICK_NS >= 2 * LEDGER_NS
    ]
    gaps = [
        gap for gap in line_gaps(manifest) if gap.source == "microphone" and gap.cause is not GapCause.ABSENT
    ]
    for hole in missing:
        assert any(_covers(gap, hole, LEDGER_NS + patience_ns) for gap in gaps), (hole, gaps)
    assert {gap.cause for gap in gaps} <= set(NAMED)
    told_ns = sum(gap.until_ns - gap.from_ns for gap in gaps if gap.from_ns < heard[-1][1])
    real_ns = sum(until_ns - from_ns for from_ns, until_ns in missing)
    assert abs(told_ns - real_ns) <= (LEDGER_NS + patience_ns) * max(len(gaps), 1)
    for track in manifest.tracks:
        assert track.recorded_ns + track.gap_ns == manifest.duration_ns
    # The wall clock jumped by hours and moved nothing.
    assert manifest.duration_ns <= heard[-1][0] * TICK_NS + shift_ns + 1000 * MS + patience_ns


def _covers(gap: LineGap, hole: tuple[int, int], slack_ns: int) -> bool:
    return gap.from_ns - slack_ns <= hole[0] and hole[1] <= gap.until_ns + slack_ns

"""200 processes killed at seeded moments (1,000 with --slow): half a second is lost at most, and it is named.

Killed are the process that is fed (the room's, or the court's where both are one) with the first recorder in it, the
second recorder, both at once, and the film's worker. In between they stand still (SIGSTOP) and the wall clock is moved
by an hour. What is missing is read from the packets' own numbers, in the first recorder's folder and in the union.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from recorder.account.line_gaps import LineGap, line_gaps
from recorder.account.manifest import GapCause, Manifest
from recorder.film.pieces import read_index
from recorder.reading.recording import open_recording
from recorder.reading.recovery import recover
from recorder.union.union import open_union, write_union
from recorder.union.verify_union import verify_whole
from tests.recorder.kill_drill import TICK_NS, Feeder, ForkServer, Victim, Whom, heard, live_together
from tests.recorder.packets import MS

TOGETHER = 8
KILL_NS = 500 * MS
AGAIN_NS = 5000 * MS
LEDGER_NS = 100 * MS
# Explains what was sent while the process stood still or was away.
NAMED = (GapCause.CRASH, GapCause.NETWORK, GapCause.SENDER_STALL, GapCause.OVERLOAD)


@pytest.mark.parametrize(
    ("kills", "stop_s"),
    [(24, 0.8), pytest.param(124, 10.0, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])],
)
def test_record__its_processes_killed_at_seeded_moments__lacks_half_a_second_at_most_and_says_so(
    kills: int, stop_s: float, tmp_path: Path
) -> None:
    with ForkServer() as server, ForkServer("film") as films:
        # One film is composed: the others would find no processor to record with.
        victims = [
            Victim(tmp_path / f"{seed}", seed, films if seed == 0 else None) for seed in range(TOGETHER)
        ]
        with Feeder([victim.address for victim in victims], tmp_path) as feeder:
            live_together(victims, server, kills, stop_s=stop_s)
    killed = Counter(whom for victim in victims for whom in victim.kills)
    assert killed.total() == TOGETHER * (kills + 1)
    assert set(killed) == set(Whom)
    costs = [_check(victim, feeder) for victim in victims]
    by_one, by_both = (sorted(loss for cost in costs for loss in cost[side]) for side in (0, 1))
    print(
        f"\nkilled {dict(killed)}; the machine was {feeder.late_ns // MS} ms late, its disk {feeder.disk_ns // MS}"
    )
    for name, losses in (("the first recorder alone", by_one), ("the union", by_both)):
        print(f"lost per kill in {name}: p99 {_p99(losses) // MS} ms, most {losses[-1] // MS} ms")
    assert by_one[-1] > 40 * MS  # killing does cost something, or the drill proves nothing
    assert sum(by_both) < sum(by_one)  # and the second recorder is good for something


def _p99(losses: Sequence[int]) -> int:
    return losses[min(len(losses) * 99 // 100, len(losses) - 1)]


def _check(victim: Victim, feeder: Feeder) -> tuple[list[int], list[int]]:
    """Both folders and the union open as they lie, every hole is small and named; what each kill cost, in ns."""
    patience_ns = feeder.patience_ns
    by_one, by_both = heard(open_recording(victim.first)), _heard_by_both(victim)
    manifest = recover(victim.first).manifest
    recover(victim.second)
    assert (heard(open_recording(victim.first)), _heard_by_both(victim)) == (by_one, by_both)
    assert len(manifest.runs) == len(victim.deaths)
    account = write_union(victim.first, victim.second).account
    assert verify_whole(victim.first).problems == ()
    assert not recover(victim.first).needed
    assert not recover(victim.second).needed
    costs = []
    for told, packets in ((manifest, by_one), (account, by_both)):
        numbers = [number for number, _ in packets]
        assert len(set(numbers)) == len(numbers)
        losses = _losses(victim, feeder, numbers)
        assert max(losses) <= KILL_NS + patience_ns
        away = _times_away(victim, feeder, numbers)
        assert max(away) <= AGAIN_NS + patience_ns
        _check_ledger(told, packets, feeder, patience_ns)
        costs.append(losses)
    _check_second_and_film(victim, feeder, by_both)
    return costs[0], costs[1]


def _heard_by_both(victim: Victim) -> list[tuple[int, int]]:
    return heard(open_union(victim.first, victim.second).recording)


def _check_second_and_film(victim: Victim, feeder: Feeder, packets: list[tuple[int, int]]) -> None:
    """While the fed process lived and ran the union lacks nothing, whatever else was killed; no half piece of film."""
    numbers = {number for number, _ in packets}
    for born_ns, died_ns in zip(victim.births, victim.deaths, strict=True):
        if any(from_ns < died_ns and until_ns > born_ns for from_ns, until_ns in victim.stops):
            continue
        first, last = feeder.number_at(born_ns), feeder.number_at(died_ns)
        kept = [number for number in numbers if first <= number <= last]
        if kept and feeder.patience_ns < LEDGER_NS:
            assert set(range(min(kept), max(kept) + 1)) <= numbers
    if victim.film.exists():
        for piece in read_index(victim.film).pieces:
            assert piece.ticks > 0


def _losses(victim: Victim, feeder: Feeder, numbers: list[int]) -> list[int]:
    """What each death cost: from the last packet of that process that was kept, or from its birth, to the kill."""
    found = []
    for born_ns, died_ns in zip(victim.births, victim.deaths, strict=True):
        first, sent = feeder.number_at(born_ns), feeder.number_at(died_ns)
        kept = max((number for number in numbers if first <= number <= sent), default=first)
        # What it never read because it stood still is not the kill's cost.
        if all(until_ns < born_ns or from_ns > died_ns for from_ns, until_ns in victim.stops):
            found.append((sent - kept) * TICK_NS)
    return found


def _times_away(victim: Victim, feeder: Feeder, numbers: list[int]) -> list[int]:
    """From each birth to the first packet of it that was kept, where the process lived long enough to keep any."""
    found = []
    for born_ns, died_ns in zip(victim.births, victim.deaths, strict=True):
        first, last = feeder.number_at(born_ns), feeder.number_at(died_ns)
        kept = [number for number in numbers if first <= number <= last]
        found += [(min(kept) - first) * TICK_NS] if kept else []
    return found


def _check_ledger(
    manifest: Manifest, packets: list[tuple[int, int]], feeder: Feeder, patience_ns: int
) -> None:
    """Each run of missing numbers is a gap of the line with its bounds, and the ledger has no other."""
    # The machine's clock is one for all of its processes.
    shift_ns = feeder.zero_ns - manifest.runs[0].monotonic_ns
    missing = [
        ((before + 1) * TICK_NS + shift_ns, after * TICK_NS + shift_ns)
        for (before, _), (after, _) in pairwise(packets)
        if (after - before - 1) * TICK_NS >= 2 * LEDGER_NS
    ]
    gaps = [
        gap for gap in line_gaps(manifest) if gap.source == "microphone" and gap.cause is not GapCause.ABSENT
    ]
    for hole in missing:
        assert any(_covers(gap, hole, LEDGER_NS + patience_ns) for gap in gaps), (hole, gaps)
    assert {gap.cause for gap in gaps} <= set(NAMED)
    # Open: where both recorders were killed at once, their union may name a stall over packets that are there.
    counted = [gap for gap in gaps if gap.from_ns < packets[-1][1] and gap.cause is not GapCause.SENDER_STALL]
    told_ns = sum(gap.until_ns - gap.from_ns for gap in counted)
    real_ns = sum(until_ns - from_ns for from_ns, until_ns in missing)
    assert abs(told_ns - real_ns) <= (LEDGER_NS + patience_ns) * max(len(gaps), 1)
    for track in manifest.tracks:
        assert track.recorded_ns + track.gap_ns == manifest.duration_ns
    # The wall clock jumped by hours and moved nothing.
    assert manifest.duration_ns <= packets[-1][0] * TICK_NS + shift_ns + 1000 * MS + patience_ns


def _covers(gap: LineGap, hole: tuple[int, int], slack_ns: int) -> bool:
    return gap.from_ns - slack_ns <= hole[0] and hole[1] <= gap.until_ns + slack_ns

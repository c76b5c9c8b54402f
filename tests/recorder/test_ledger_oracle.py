"""The gap ledger against an oracle that never saw a record: bounds within 100 ms, the cause right, nothing invented."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from recorder.account.line_gaps import LineGap, line_gaps
from recorder.account.manifest import Manifest
from recorder.reading.verify import verify
from tests.recorder.packets import MS
from tests.recorder.random_history import History, Hole
from tests.recorder.stepped_session import stepped_writers

EXACT_NS = 100 * MS
SUM_NS = 50 * MS


def _check(history: History, manifest: Manifest) -> None:
    lines = [gap for gap in line_gaps(manifest) if gap.until_ns > gap.from_ns]
    unexplained = list(lines)
    for hole in history.holes:
        found = [gap for gap in lines if _overlap_ns(gap, hole) > 0]
        assert found, (history.seed, hole, history.told)
        # What the network lost right before it may be in the same gap, or in one of its own.
        early_ns = hole.from_ns - found[0].from_ns
        assert -EXACT_NS <= early_ns <= EXACT_NS + hole.already_ns, (history.seed, hole, found, history.told)
        assert abs(found[-1].until_ns - hole.until_ns) <= EXACT_NS, (history.seed, hole, found, history.told)
        for before, after in itertools.pairwise(found):
            assert after.from_ns - before.until_ns <= EXACT_NS, (history.seed, hole, found)
        for gap in found:
            small = gap.until_ns - gap.from_ns <= EXACT_NS
            assert gap.cause.value in hole.causes or small, (history.seed, hole, found, history.told)
            unexplained.remove(gap)
    # Between opening and the first packet lies the network's delay.
    most_ns = EXACT_NS + max((hole.already_ns for hole in history.holes), default=0)
    invented = [gap for gap in unexplained if gap.until_ns - gap.from_ns > most_ns]
    assert invented == [], (history.seed, history.told, history.holes)
    for track in manifest.tracks:
        gaps_ns = sum(gap.until_ns - gap.from_ns for gap in manifest.gaps if gap.track == track.number)
        assert abs(track.recorded_ns + gaps_ns - manifest.duration_ns) <= SUM_NS


def _overlap_ns(gap: LineGap, hole: Hole) -> int:
    return min(gap.until_ns, hole.until_ns) - max(gap.from_ns, hole.from_ns)


@pytest.mark.parametrize("kind", ["audio", "video"])
@pytest.mark.parametrize(
    "count", [60, pytest.param(3000, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])]
)
def test_ledger__after_random_histories__says_what_happened_and_nothing_else(
    kind: str, count: int, tmp_path: Path
) -> None:
    with stepped_writers():
        for seed in range(count):
            folder = tmp_path / f"{seed}"
            history = History(folder, seed, kind)
            manifest = history.play(7)
            wall_ns = history.clock.now_ns - history.began_ns
            assert abs(manifest.duration_ns - wall_ns) <= SUM_NS
            _check(history, manifest)
            if seed % 10 == 0:
                assert verify(folder) == []

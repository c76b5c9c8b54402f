"""A short form of `bench.reconnect`: a real court, a person on a line that breaks, two who must not notice."""

from pathlib import Path

import pytest

from bench.reconnect import KINDS, QUICK_BLACKOUT_S, QUICK_FROZEN_S, Drill, Scene

# Far above what is measured on a quiet machine (bench/REPORT.md): here eight other tests may share two cores.
BACK_WITHIN_S = 15.0


async def _drilled(folder: Path, kinds: tuple[str, ...]) -> list[Drill]:
    scene = await Scene.begin(str(folder), seed=11)
    try:
        return [await scene.drill(kind, (QUICK_BLACKOUT_S, QUICK_FROZEN_S), 0.5) for kind in kinds]
    finally:
        await scene.end()


def _all_are_back(drills: list[Drill]) -> None:
    for drill in drills:
        assert drill.same_seat, f"{drill.kind}: the seat was lost"
        assert drill.back_s < BACK_WITHIN_S, f"{drill.kind}: back after {drill.back_s:.1f} s, {drill.ladder}"


@pytest.mark.timeout(180)
async def test_person__after_a_new_network_and_a_blackout__is_back_on_the_same_seat(tmp_path: Path) -> None:
    _all_are_back(await _drilled(tmp_path, ("move", "blackout")))


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_person__after_every_kind_of_break__is_back_on_the_same_seat(tmp_path: Path) -> None:
    _all_are_back(await _drilled(tmp_path, KINDS))

"""A short form of `bench.reconnect`: a real court, a person on a line that breaks, two who must not notice."""

import asyncio
from pathlib import Path

import pytest

from bench.breaks import Drill, Kind, Patient, Scene
from bench.reconnect import QUICK

# Far above what is measured on a quiet machine (bench/REPORT.md): here eight other tests may share two cores.
BACK_WITHIN_S = 15.0


async def _drilled(folder: Path, *hands: tuple[Kind, ...], restarts: int = 0) -> list[Drill]:
    """Each hand is what one party goes through, all at the same time."""
    scene = await Scene.begin(str(folder), seed=11, patients=len(hands))
    try:
        async with asyncio.TaskGroup() as group:
            rounds = [
                group.create_task(_rounds(scene, patient, kinds))
                for patient, kinds in zip(scene.patients, hands, strict=True)
            ]
        done = [one for each in rounds for one in each.result()]
        for _ in range(restarts):
            done += await scene.restart(0.5)
        if restarts == 0 and hands[0] == (Kind.MOVE,):
            told = await scene.patients[0].child.ask("back", since_s=0.0)
            assert told["rejoins"] == 1, "what the old socket did not answer must not end the new one"
        return done
    finally:
        await scene.end()


async def _rounds(scene: Scene, patient: Patient, kinds: tuple[Kind, ...]) -> list[Drill]:
    return [await scene.drill(kind, QUICK, 0.5, patient) for kind in kinds]


def _all_are_back(drills: list[Drill]) -> None:
    for drill in drills:
        assert drill.same_seat, f"{drill.kind}: the seat was lost"
        assert drill.back_s < BACK_WITHIN_S, f"{drill.kind}: back after {drill.back_s:.1f} s, {drill.ladder}"


@pytest.mark.timeout(180)
async def test_person__after_a_new_network_and_a_blackout__is_back_on_the_same_seat(tmp_path: Path) -> None:
    _all_are_back(await _drilled(tmp_path, (Kind.MOVE,), (Kind.BLACKOUT,)))


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_person__after_every_kind_of_break__is_back_on_the_same_seat(tmp_path: Path) -> None:
    hands = (Kind.NOTHING, Kind.MOVE, Kind.BLACKOUT), (Kind.FROZEN, Kind.REBIND)
    _all_are_back(await _drilled(tmp_path, *hands, restarts=1))

"""Who holds the floor, and who stands large: calm, and the same for a section as for the whole film."""

from __future__ import annotations

from recorder.film.labels import Layout
from recorder.film.scenes import Attendance, Scene, plan_scenes
from recorder.film.speakers import MEMORY_TURNS, TURN_NS, SpeakerPlan, Turn, plan_speakers
from recorder.film.timeline import TICK_NS

NS = 1_000_000_000
PEOPLE = ("judge", "a", "b", "c", "d")
ALL = frozenset(PEOPLE)


def talk(*spans: tuple[float, float]) -> list[int]:
    return [
        int(first * NS) + tick * TICK_NS for first, last in spans for tick in range(int((last - first) * 25))
    ]


def shown(scene: Scene) -> list[str]:
    return [place.identity for place in scene.places]


def test_speakers__when_the_floor_changes__then_one_follows_the_other_and_a_yes_takes_it_from_nobody() -> (
    None
):
    heard = {"a": talk((0, 20)), "b": talk((10.0, 10.5), (20, 40))}
    plan = plan_speakers(heard, 0, 40 * NS, listens_to=ALL)
    assert [turn.identity for turn in plan.turns] == [None, "a", "b"]
    assert plan.at(11 * NS) == "a"
    assert all(turn.from_ns % TURN_NS == 0 for turn in plan.turns)


def test_speakers__when_nobody_is_heard__then_who_held_the_floor_keeps_it() -> None:
    plan = plan_speakers({"a": talk((0, 8))}, 0, 60 * NS, listens_to=ALL)
    assert plan.at(50 * NS) == "a"


def test_speakers__when_only_a_section_is_looked_at__then_it_decides_as_the_whole_would() -> None:
    heard = {"a": talk((0, 30), (70, 100)), "b": talk((30, 70))}
    whole = plan_speakers(heard, 0, 100 * NS, listens_to=ALL)
    for first in (16, 32, 48, 64, 80):
        lead_ns = first * NS - (MEMORY_TURNS + 1) * TURN_NS
        near = {one: [at for at in moments if at >= lead_ns] for one, moments in heard.items()}
        part = plan_speakers(near, first * NS, (first + 16) * NS, listens_to=ALL)
        assert [part.at(at * NS) for at in range(first, first + 16)] == [
            whole.at(at * NS) for at in range(first, first + 16)
        ]


def test_focus__when_more_than_four_are_there__then_judge_and_speaker_are_large() -> None:
    there = [Attendance(0, PEOPLE, None), Attendance(60 * NS, PEOPLE, "a")]
    speakers = SpeakerPlan((Turn(0, None), Turn(8 * NS, "c"), Turn(40 * NS, "judge")))
    plan = plan_scenes(there, layout=Layout.AUTO, presiding=["judge"], speakers=speakers)
    assert shown(plan.at(NS))[:2] == ["judge", "a"]
    assert shown(plan.at(20 * NS)) == ["judge", "c", "a", "b", "d"]
    large, small = (plan.at(20 * NS).places[index].cell.picture for index in (1, 2))
    assert large.width * large.height > 3 * small.width * small.height
    assert shown(plan.at(50 * NS))[:2] == ["judge", "a"], "the judge speaks: never twice in the picture"
    shared = plan.at(70 * NS)
    assert [place.is_screen for place in shared.places] == [True, False, False]
    assert shared.hidden == 3


def test_focus__when_four_or_fewer_are_there__then_all_are_equal() -> None:
    plan = plan_scenes([Attendance(0, PEOPLE[:4], None)], layout=Layout.AUTO, presiding=["judge"])
    assert len({place.cell.picture.width for place in plan.at(NS).places}) == 1

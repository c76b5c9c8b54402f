"""When layers are chosen: at once for whom a change concerns, in turns for the others."""

from types import SimpleNamespace
from typing import Any, cast

from signaling.rooms.participant import Participant
from signaling.rooms.room_demand import RoomDemand
from signaling.rooms.rounds import ROUND_MS, Rounds
from signaling.watching.viewer import Viewer

TICK_MS = 20.0


class Scene:
    """Viewers that write down when they chose, and a demand that answers as told."""

    def __init__(self, count: int) -> None:
        self.chosen: list[tuple[int, float]] = []
        self.reviews = 0
        self.wakes = False
        self.viewers = [cast(Viewer, _Chooser(self, number)) for number in range(count)]
        people = {str(number): SimpleNamespace(viewer=viewer) for number, viewer in enumerate(self.viewers)}
        people["no viewer"] = SimpleNamespace(viewer=None)
        demand = SimpleNamespace(review=self._review)
        self.rounds = Rounds(cast(dict[str, Participant], people), cast(RoomDemand, demand))
        self.now_ms = 10_000.0
        self.rounds.tick(self.now_ms)
        self.chosen.clear()

    def _review(self, now_ms: float) -> bool:
        self.reviews += 1
        return self.wakes

    def tick(self, count: int = 1) -> None:
        for _ in range(count):
            self.now_ms += TICK_MS
            self.rounds.tick(self.now_ms)


class _Chooser:
    def __init__(self, scene: Scene, number: int) -> None:
        self._scene = scene
        self._number = number

    def choose_layers(self, now_ms: float) -> None:
        self._scene.chosen.append((self._number, now_ms))


def times(scene: Scene) -> list[int]:
    return [sum(1 for number, _ in scene.chosen if number == each) for each in range(len(scene.viewers))]


def test_rounds__when_nothing_changes__then_everybody_has_a_turn_and_never_all_at_once() -> None:
    scene = Scene(12)
    scene.tick(int(4 * ROUND_MS / TICK_MS))
    assert all(each in (3, 4, 5) for each in times(scene))
    by_tick = [sum(1 for _, at in scene.chosen if at == moment) for moment in {at for _, at in scene.chosen}]
    assert max(by_tick) <= 2
    assert 3 <= scene.reviews <= 5


def test_rounds__when_the_loop_stood_still__then_it_does_not_catch_up_for_ever() -> None:
    scene = Scene(3)
    scene.now_ms += 60_000
    scene.tick()
    assert len(scene.chosen) <= 4


def test_rounds__when_something_changed_for_one__then_only_it_chooses_and_once_however_much_changed() -> None:
    scene = Scene(12)
    for _ in range(11):
        scene.rounds.soon(scene.viewers[7])
    before = scene.reviews
    scene.tick()
    assert times(scene)[7] == 1
    assert sum(times(scene)) <= 2
    assert scene.reviews == before + 1


def test_rounds__when_a_resting_layer_was_asked_for__then_whoever_wanted_it_chooses_again_to_wait_for_it() -> (
    None
):
    scene = Scene(4)
    scene.wakes = True
    scene.rounds.soon(scene.viewers[2])
    scene.tick()
    assert times(scene)[2] == 2


def test_rounds__when_the_room_changed__then_everybody_chooses_at_the_next_tick() -> None:
    scene = Scene(5)
    scene.rounds.is_stale = True
    scene.rounds.soon(scene.viewers[0])
    scene.tick()
    assert times(scene) == [1] * 5
    assert not scene.rounds.is_stale


def test_rounds__when_a_viewer_left_before_its_turn__then_it_is_not_asked() -> None:
    scene = Scene(2)
    gone: Any = _Chooser(scene, 1)
    scene.rounds.soon(gone)
    scene.tick()
    assert times(scene)[1] <= 1


def test_rounds__when_nobody_watches__then_publishers_are_still_reviewed() -> None:
    scene = Scene(0)
    scene.tick(int(2 * ROUND_MS / TICK_MS))
    assert scene.reviews >= 1

"""Who stands in the picture when. Planned from the first pass: the grid moves when somebody comes or goes for good."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from recorder.grid import MAX_CELLS, Cell, grid_cells, stage_cells
from recorder.survey import TrackStory

NS_PER_S = 1_000_000_000
# A phone that changes its network is back within this; its place is kept, with a plate.
ABSENCE_KEEPS_PLACE_NS = 20 * NS_PER_S
# Joining publishes microphone and camera some hundred ms apart; the grid moves once for both.
SETTLE_NS = NS_PER_S // 2

CAMERA, MICROPHONE, SCREEN = "camera", "microphone", "screen"


@dataclass(frozen=True, slots=True)
class Place:
    """One cell of a scene: whose, and whether it shows a shared screen."""

    identity: str
    is_screen: bool
    cell: Cell


@dataclass(frozen=True, slots=True)
class Scene:
    """The arrangement from `from_ns` on. `hidden`: people present for whom there is no cell."""

    from_ns: int
    places: tuple[Place, ...]
    hidden: int

    def picture_height_px(self, identity: str, *, is_screen: bool) -> int:
        """Height of a picture in this scene; 0 when it is not shown."""
        for place in self.places:
            if place.identity == identity and place.is_screen == is_screen:
                return place.cell.picture.height
        return 0


@dataclass(frozen=True, slots=True)
class ScenePlan:
    """All scenes in order; the first begins at 0."""

    scenes: tuple[Scene, ...]

    def at(self, at_ns: int) -> Scene:
        """The scene at a moment."""
        return self.scenes[max(bisect_right(self.scenes, at_ns, key=lambda scene: scene.from_ns) - 1, 0)]


def plan_scenes(stories: Iterable[TrackStory], order: Sequence[str]) -> ScenePlan:
    """Scenes for a recording. `order`: identities as the court lists them; others follow as they came."""
    people: dict[str, list[tuple[int, int]]] = {}
    screens: dict[str, list[tuple[int, int]]] = {}
    for story in sorted(stories, key=lambda story: story.track.started_ns):
        info, span = story.track.info, (story.track.started_ns, story.track.ended_ns)
        (screens if info.source == SCREEN else people).setdefault(info.identity, []).append(span)
    present = {identity: _joined(spans, ABSENCE_KEEPS_PLACE_NS) for identity, spans in people.items()}
    shared = {identity: _joined(spans, 0) for identity, spans in screens.items()}
    known = {identity: index for index, identity in enumerate(order)}
    ranked = sorted(present, key=lambda identity: known.get(identity, len(known)))
    edges = {edge for spans in (*present.values(), *shared.values()) for span in spans for edge in span}
    scenes: list[Scene] = []
    for moment in _settled({0, *edges}):
        scene = _scene(
            moment, [one for one in ranked if _is_in(present[one], moment)], _screen(shared, moment)
        )
        if not scenes or scene.places != scenes[-1].places or scene.hidden != scenes[-1].hidden:
            scenes.append(scene)
    return ScenePlan(tuple(scenes))


def _scene(from_ns: int, people: list[str], screen: str | None) -> Scene:
    room = MAX_CELLS if screen is None else 9
    shown = people[:room]
    cells = grid_cells(len(shown)) if screen is None else stage_cells(len(shown) + 1)
    places = [] if screen is None else [Place(screen, True, cells.pop(0))]
    places += [Place(identity, False, cell) for identity, cell in zip(shown, cells, strict=True)]
    return Scene(from_ns, tuple(places), len(people) - len(shown))


def _screen(shared: Mapping[str, list[tuple[int, int]]], at_ns: int) -> str | None:
    """The screen shared last counts; two at once would make neither legible."""
    live = [
        (span[0], identity) for identity, spans in shared.items() for span in spans if _is_in([span], at_ns)
    ]
    return max(live)[1] if live else None


def _joined(spans: list[tuple[int, int]], bridge_ns: int) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if joined and first - joined[-1][1] <= bridge_ns:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined


def _is_in(spans: list[tuple[int, int]], at_ns: int) -> bool:
    # SETTLE_NS early: who comes within the same half second is in the grid at once.
    return any(first - SETTLE_NS <= at_ns < last for first, last in spans)


def _settled(edges: set[int]) -> list[int]:
    kept: list[int] = []
    for edge in sorted(edges):
        if not kept or edge - kept[-1] >= SETTLE_NS:
            kept.append(edge)
    last = max(edges)
    return kept if kept[-1] == last else [*kept, last]

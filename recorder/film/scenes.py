"""Who stands in the picture when: the grid moves when somebody comes or goes for good, calmly.

Every rule looks back or half a second ahead, never further: the scene of a moment does not change by what comes later,
so a film can be made while the hearing runs.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from recorder.account.manifest import RecordedTrack
from recorder.film.grid import MAX_CELLS, Cell, focus_cells, grid_cells, shared_focus_cells, stage_cells
from recorder.film.labels import Layout
from recorder.film.single_track import Shown, SingleTrack
from recorder.film.speakers import SpeakerPlan

NS_PER_S = 1_000_000_000
# A phone that changes its network is back within this; its place is kept, with a plate.
ABSENCE_KEEPS_PLACE_NS = 20 * NS_PER_S
# Who shares one page after another does not throw the picture about.
SHARE_KEEPS_PLACE_NS = 3 * NS_PER_S
# Joining publishes microphone and camera some hundred ms apart; the grid moves once for both.
SETTLE_NS = NS_PER_S // 2
# Up to four people are large enough beside each other; with more, who speaks is shown large.
GRID_PEOPLE = 4
_STAGE_PEOPLE = 9
_STRIP_PEOPLE = 6

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

    def within(self, from_ns: int, until_ns: int) -> list[Scene]:
        """The scenes of a stretch, in order."""
        first = max(bisect_right(self.scenes, from_ns, key=lambda scene: scene.from_ns) - 1, 0)
        return [scene for scene in self.scenes[first:] if scene.from_ns < until_ns]


@dataclass(frozen=True, slots=True)
class Attendance:
    """Who is there (and whose screen) from `from_ns` on, people in the court's order."""

    from_ns: int
    people: tuple[str, ...]
    screen: str | None


def attendances(tracks: Iterable[RecordedTrack], order: Sequence[str]) -> list[Attendance]:
    """Everybody's presence. `order`: identities as the court lists them; others follow as they came."""
    people: dict[str, list[tuple[int, int]]] = {}
    screens: dict[str, list[tuple[int, int]]] = {}
    for track in sorted(tracks, key=lambda track: track.started_ns):
        info, span = track.info, (track.started_ns, track.ended_ns)
        (screens if info.source == SCREEN else people).setdefault(info.identity, []).append(span)
    present = {identity: _kept(spans, ABSENCE_KEEPS_PLACE_NS) for identity, spans in people.items()}
    shared = {identity: _kept(spans, SHARE_KEEPS_PLACE_NS) for identity, spans in screens.items()}
    known = {identity: index for index, identity in enumerate(order)}
    ranked = sorted(present, key=lambda identity: known.get(identity, len(known)))
    edges = {edge for spans in (*present.values(), *shared.values()) for span in spans for edge in span}
    out: list[Attendance] = []
    for moment in _settled({0, *edges}):
        there = tuple(one for one in ranked if _is_in(present[one], moment))
        one = Attendance(moment, there, _screen(shared, moment))
        if not out or (one.people, one.screen) != (out[-1].people, out[-1].screen):
            out.append(one)
    return out


def plan_scenes(
    there: Sequence[Attendance],
    *,
    layout: Layout = Layout.GRID,
    presiding: Sequence[str] = (),
    speakers: SpeakerPlan | None = None,
    single: SingleTrack | None = None,
) -> ScenePlan:
    """Scenes for these attendances. `presiding`: who leads the hearing; `speakers`: who holds the floor when.

    `single`: this track alone, as large as the page.
    """
    if single is not None:
        return ScenePlan(tuple(_single_scene(now, single) for now in there))
    scenes: list[Scene] = []
    turns = speakers.turns if speakers is not None else ()
    for index, now in enumerate(there):
        until_ns = there[index + 1].from_ns if index + 1 < len(there) else None
        moments = [now.from_ns, *(turn.from_ns for turn in turns if turn.from_ns > now.from_ns)]
        for moment in moments if _is_focus(now, layout) else moments[:1]:
            if until_ns is not None and moment >= until_ns:
                break
            speaker = speakers.at(moment) if speakers is not None else None
            scene = _scene(moment, now, layout, presiding, speaker)
            if not scenes or (scene.places, scene.hidden) != (scenes[-1].places, scenes[-1].hidden):
                scenes.append(scene)
    return ScenePlan(tuple(scenes))


def _is_focus(now: Attendance, layout: Layout) -> bool:
    if layout is Layout.AUTO:
        return len(now.people) > GRID_PEOPLE
    return layout is Layout.FOCUS and len(now.people) > 1


def _scene(
    from_ns: int, now: Attendance, layout: Layout, presiding: Sequence[str], speaker: str | None
) -> Scene:
    people = list(now.people)
    if not _is_focus(now, layout):
        shown = people[: MAX_CELLS if now.screen is None else _STAGE_PEOPLE]
        cells = grid_cells(len(shown)) if now.screen is None else stage_cells(len(shown) + 1)
    else:
        # The judge leads, who speaks stands beside; a judge who speaks stands beside the one heard before.
        judge = next((one for one in people if one in presiding), people[0])
        beside = speaker if speaker in people and speaker != judge else None
        beside = beside or next(one for one in people if one != judge)
        large = [judge, beside]
        rest = [one for one in people if one not in large]
        shown = large if now.screen is not None else large + rest[:_STRIP_PEOPLE]
        cells = shared_focus_cells() if now.screen is not None else focus_cells(len(shown))
    places = [] if now.screen is None else [Place(now.screen, True, cells.pop(0))]
    places += [Place(identity, False, cell) for identity, cell in zip(shown, cells, strict=True)]
    return Scene(from_ns, tuple(places), len(people) - len(shown))


def _single_scene(now: Attendance, single: SingleTrack) -> Scene:
    is_screen = single.shown is Shown.SCREEN
    is_there = now.screen == single.identity if is_screen else single.identity in now.people
    places = (Place(single.identity, is_screen, grid_cells(1)[0]),) if is_there else ()
    return Scene(now.from_ns, places, 0)


def _screen(shared: Mapping[str, list[tuple[int, int]]], at_ns: int) -> str | None:
    """The screen shared last counts; two at once would make neither legible."""
    live = [
        (span[0], identity) for identity, spans in shared.items() for span in spans if _is_in([span], at_ns)
    ]
    return max(live)[1] if live else None


def _kept(spans: list[tuple[int, int]], keeps_ns: int) -> list[tuple[int, int]]:
    """The spans, each kept a while after its end."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last + keeps_ns))
        else:
            joined.append((first, last + keeps_ns))
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

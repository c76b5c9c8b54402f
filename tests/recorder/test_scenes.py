"""Who stands where, and which layer is shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from recorder.account.manifest import RecordedTrack
from recorder.account.track_clock import TrackClock
from recorder.film.grid import (
    FILM_HEIGHT_PX,
    FILM_WIDTH_PX,
    HEADER_HEIGHT_PX,
    Box,
    Cell,
    fit,
    grid_cells,
    stage_cells,
)
from recorder.film.layers import plan_layers
from recorder.film.scenes import Scene, ScenePlan, attendances
from recorder.film.scenes import plan_scenes as plan_scenes_of
from recorder.film.survey import KeyFrame, TrackStory
from signaling.sink import TrackInfo

NS_PER_S = 1_000_000_000


def story(
    number: int,
    identity: str,
    source: str = "camera",
    *,
    span_s: tuple[float, float],
    keys: tuple[tuple[float, int | None], ...] = (),
    layer: str | None = None,
) -> TrackStory:
    first, last = int(span_s[0] * NS_PER_S), int(span_s[1] * NS_PER_S)
    kind = "audio" if source == "microphone" else "video"
    info = TrackInfo(f"t{number}", identity, source, kind, "VP8", 90_000, number, layer, 96, None)
    track = RecordedTrack(number, info, first, last, "left", 100, 100_000, 0, last - first, 0)
    frames = tuple(KeyFrame(int(at * NS_PER_S), height) for at, height in keys)
    return TrackStory(track, TrackClock(90_000, ()), ((first, last),), frames, ())


def plan_scenes(stories: list[TrackStory], order: list[str]) -> ScenePlan:
    return plan_scenes_of(attendances([story.track for story in stories], order))


def shown(scene: Scene) -> list[str]:
    return [("screen " if place.is_screen else "") + place.identity for place in scene.places]


@pytest.mark.parametrize("count", range(1, 17))
def test_grid__when_people_share_the_canvas__then_cells_are_inside_and_apart(count: int) -> None:
    cells = grid_cells(count)
    assert len(cells) == count
    assert_apart(cells)
    assert len({(cell.picture.width, cell.picture.height) for cell in cells}) == 1


@pytest.mark.parametrize("count", range(2, 11))
def test_stage__when_a_screen_is_shared__then_it_is_the_largest(count: int) -> None:
    cells = stage_cells(count)
    assert len(cells) == count
    assert_apart(cells)
    areas = [cell.picture.width * cell.picture.height for cell in cells]
    assert areas[0] > 5 * max(areas[1:])


def assert_apart(cells: list[Cell]) -> None:
    boxes = [box for cell in cells for box in (cell.picture, cell.caption)]
    for box in boxes:
        assert box.is_even
        assert box.x >= 0
        assert box.y >= HEADER_HEIGHT_PX
        assert box.x + box.width <= FILM_WIDTH_PX
        assert box.y + box.height <= FILM_HEIGHT_PX
        assert box.width >= 100
    for index, one in enumerate(boxes):
        for other in boxes[index + 1 :]:
            beside = one.x + one.width <= other.x or other.x + other.width <= one.x
            below = one.y + one.height <= other.y or other.y + other.height <= one.y
            assert beside or below


@pytest.mark.parametrize("size", [(640, 480), (480, 640), (1280, 720), (1, 4000), (4000, 1), (641, 481)])
def test_fit__when_a_picture_has_any_shape__then_it_lies_inside_in_its_proportions(
    size: tuple[int, int],
) -> None:
    box = Box(4, 48, 634, 300)
    fitted = fit(*size, box)
    assert fitted.is_even
    assert box.x <= fitted.x
    assert fitted.x + fitted.width <= box.x + box.width
    assert box.y <= fitted.y
    assert fitted.y + fitted.height <= box.y + box.height
    assert fitted.width >= box.width - 2 or fitted.height >= box.height - 2


def test_scenes__when_people_come_and_go__then_the_court_s_order_is_kept() -> None:
    stories = [
        story(1, "b", span_s=(0, 100)),
        story(2, "stranger", span_s=(5, 100)),
        story(3, "a", "microphone", span_s=(10, 50)),
        story(4, "a", span_s=(10.3, 50)),
    ]
    plan = plan_scenes(stories, ["a", "b"])
    assert shown(plan.at(2 * NS_PER_S)) == ["b"]
    assert shown(plan.at(7 * NS_PER_S)) == ["b", "stranger"]
    assert shown(plan.at(20 * NS_PER_S)) == ["a", "b", "stranger"]
    assert shown(plan.at(60 * NS_PER_S)) == ["a", "b", "stranger"], "may still come back"
    assert shown(plan.at(71 * NS_PER_S)) == ["b", "stranger"]
    assert shown(plan.at(200 * NS_PER_S)) == []
    assert len(plan.scenes) == 5, "microphone and camera of one person move the grid once"


def test_scenes__when_somebody_reconnects__then_the_place_is_kept() -> None:
    stories = [
        story(1, "a", span_s=(0, 100)),
        story(2, "b", span_s=(0, 30)),
        story(3, "b", span_s=(42, 100)),
    ]
    plan = plan_scenes(stories, ["a", "b"])
    assert [shown(plan.at(at * NS_PER_S)) for at in (10, 35, 50)] == [["a", "b"]] * 3


def test_scenes__when_a_screen_is_shared__then_it_leads_while_it_lasts() -> None:
    stories = [story(1, "a", span_s=(0, 100)), story(2, "a", "screen", span_s=(20, 40))]
    plan = plan_scenes(stories, [])
    assert shown(plan.at(30 * NS_PER_S)) == ["screen a", "a"]
    assert shown(plan.at(50 * NS_PER_S)) == ["a"]


def test_scenes__when_more_come_than_cells__then_the_rest_is_counted() -> None:
    plan = plan_scenes([story(n, f"p{n}", span_s=(0, 10)) for n in range(20)], [])
    scene = plan.at(5 * NS_PER_S)
    assert len(scene.places) == 16
    assert scene.hidden == 4


def tracks_shown(stories: list[TrackStory], wanted_px: int, at_s: list[float]) -> list[int | None]:
    plan = plan_layers(stories, lambda _: wanted_px)
    out: list[int | None] = []
    for at in at_s:
        hits = [s.track for s in plan if s.from_ns <= at * NS_PER_S < s.until_ns]
        assert len(hits) <= 1
        out.append(hits[0] if hits else None)
    return out


def test_layers__when_all_are_there__then_the_smallest_that_suffices_is_shown() -> None:
    stories = [
        story(1, "a", span_s=(0, 100), keys=((0, 180),), layer="q"),
        story(2, "a", span_s=(0, 100), keys=((0, 360),), layer="h"),
        story(3, "a", span_s=(0, 100), keys=((0, 720),), layer="f"),
    ]
    assert tracks_shown(stories, 300, [50]) == [2]
    assert tracks_shown(stories, 640, [50]) == [3]
    assert tracks_shown(stories, 1200, [50]) == [3]
    assert tracks_shown(stories, 100, [50]) == [1]


def test_layers__when_a_better_one_comes__then_its_next_key_frame_is_awaited() -> None:
    stories = [
        story(1, "a", span_s=(0, 100), keys=((0, 180),), layer="q"),
        story(2, "a", span_s=(10, 60), keys=((30, 720),), layer="f"),
    ]
    assert tracks_shown(stories, 640, [5, 29, 31, 59, 61, 99]) == [1, 1, 2, 2, 1, 1]
    plan = plan_layers(stories, lambda _: 640)
    assert plan[-1].decode_from_ns == 0, "decoded quietly since its last key frame, ready to take over"


def test_layers__when_the_middle_one_rests__then_the_best_there_is_takes_over_and_no_moment_is_dark() -> None:
    middle = story(2, "a", span_s=(0, 100), keys=((0, 360), (70, 360)), layer="h")
    resting = replace(middle, spans=((0, 40 * NS_PER_S), (70 * NS_PER_S, 100 * NS_PER_S)))
    stories = [
        story(1, "a", span_s=(0, 100), keys=((0, 180),), layer="q"),
        resting,
        story(3, "a", span_s=(0, 100), keys=((0, 720),), layer="f"),
    ]
    assert tracks_shown(stories, 300, [10, 45, 60, 80]) == [2, 3, 3, 2]


def test_layers__when_the_size_is_not_told__then_the_one_that_cost_more_is_better() -> None:
    dear = story(2, "a", span_s=(0, 100), keys=((0, None),), layer="f")
    stories = [story(1, "a", span_s=(0, 100), keys=((0, None),), layer="q"), dear]
    assert tracks_shown(stories, 640, [50])[0] in (1, 2)


def test_layers__when_there_is_no_key_frame__then_nothing_is_shown() -> None:
    assert plan_layers([story(1, "a", span_s=(0, 100))], lambda _: 300) == ()

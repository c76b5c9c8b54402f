"""Films of whole synthetic hearings: recorded by the real session, composed, decoded and measured."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from recorder.film.compose import FilmReport, compose_film
from recorder.film.composer import map_path_of
from recorder.film.grid import Box, grid_cells, stage_cells
from recorder.film.labels import Labels, labels_of
from recorder.folder import segment_files
from tests.recorder.film_probe import FilmProbe
from tests.recorder.synthetic_hearing import Actor, Network, Order, Stage

JUDGE = Actor("per_judge", (90, 90, 160), 500, first_flash_s=0.52)
PLAINTIFF = Actor("per_plaintiff", (120, 160, 90), 800, first_flash_s=0.84)
DEFENDANT = Actor("per_defendant", (70, 140, 110), 1200, first_flash_s=3.12)
# Pictures are shown to the nearest film frame (20 ms) and captured every 40 ms.
IN_STEP_MS = 80
PEOPLE = {
    "per_judge": {"name": "张慧", "role": "审判员"},
    "per_plaintiff": {"name": "李明", "role": "原告"},
    "per_defendant": {"name": "王芳", "role": "被告"},
}


def labels(**changes: object) -> Labels:
    content: dict[str, object] = {
        "case_number": "（2026）京0491民初1234号",
        "title": "买卖合同纠纷",
        "people": PEOPLE,
    }
    return labels_of(content | changes)


def perform_and_compose(
    place: Path, actors: list[Actor], orders: list[Order], *, until_s: float = 0
) -> tuple[FilmReport, FilmProbe]:
    stage = Stage(place / "recording")
    stage.play(actors, orders)
    stage.until(until_s)
    stage.close()
    film = place / "film.mp4"
    report = compose_film(place / "recording", film, labels())
    return report, FilmProbe(film)


def near(colour: tuple[float, float, float], wanted: tuple[int, int, int]) -> bool:
    return all(abs(value - target) < 8 for value, target in zip(colour, wanted, strict=True))


def edge(box: Box, size: tuple[int, int], *, outside: bool) -> Box:
    """A small box just inside or outside the left edge of a picture of `size` fitted into `box`."""
    width = box.height * size[0] // size[1]
    left = box.x + (box.width - width) // 2
    return Box(left - 48 if outside else left + 8, box.y, 40, box.height)


THREE_LENGTH_S = 8.0


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[FilmReport, FilmProbe]:
    """One film of three people, looked at from many sides."""
    judge = replace(JUDGE, until_s=8, network=Network(jitter_ms=8))
    plaintiff = replace(
        PLAINTIFF,
        until_s=8,
        codec="H264",
        skew_ppm=-200,
        network=Network(delay_ms=70, jitter_ms=15, reorder=0.02, duplicate=0.02),
    )
    defendant = replace(
        DEFENDANT,
        from_s=2.0,
        until_s=8,
        skew_ppm=200,
        mutes=((5.0, 6.5),),
        resizes=((4.5, (240, 320)),),
        rate_hz=30,
        first_flash_s=3.1,
    )
    orders = [Order(0, "opened"), Order(THREE_LENGTH_S, "closed")]
    return perform_and_compose(tmp_path_factory.mktemp("three"), [judge, plaintiff, defendant], orders)


def test_film__when_three_took_part__then_length_and_form_are_right(
    made: tuple[FilmReport, FilmProbe],
) -> None:
    report, film = made
    assert abs(film.duration_s - THREE_LENGTH_S) < 0.1
    assert abs(film.picture_s - film.sound_s) < 0.1
    assert report.duration_s == THREE_LENGTH_S
    assert report.problems == ()
    assert (film.video_codec, film.audio_codec) == ("h264", "aac")
    assert (film.width, film.height) == (1280, 720)
    assert film.index_is_in_front
    assert "1234" in film.title


def test_film__when_three_took_part__then_each_picture_is_in_its_cell(
    made: tuple[FilmReport, FilmProbe],
) -> None:
    _, film = made
    cells = grid_cells(3)
    for cell, actor in zip(cells, (JUDGE, PLAINTIFF, DEFENDANT), strict=True):
        assert near(film.colour(cell.picture, 4.42), actor.colour), actor.identity


def test_film__when_three_took_part__then_each_voice_beeps_with_its_picture(
    made: tuple[FilmReport, FilmProbe],
) -> None:
    _, film = made
    for cell, actor in zip(grid_cells(3)[:2], (JUDGE, PLAINTIFF), strict=True):
        beeps = [beep for beep in film.beeps(actor.tone_hz) if beep > 2.2]
        assert len(beeps) >= 5
        offsets = film.offsets_ms(cell.picture, actor.tone_hz)
        assert len(offsets) >= 5
        assert max(map(abs, offsets)) <= IN_STEP_MS
    offsets = film.offsets_ms(grid_cells(3)[2].picture, DEFENDANT.tone_hz)
    assert len(offsets) >= 3
    assert max(map(abs, offsets)) <= IN_STEP_MS


def test_film__when_somebody_comes_later__then_the_grid_makes_room_at_that_time(
    made: tuple[FilmReport, FilmProbe],
) -> None:
    _, film = made
    two, three = grid_cells(2), grid_cells(3)
    below = Box(two[0].picture.x, three[2].picture.y + 60, two[0].picture.width, 100)
    assert near(film.colour(below, 1.0), JUDGE.colour)
    assert near(film.colour(three[2].picture, 2.6), DEFENDANT.colour)


def test_film__when_a_voice_is_muted__then_there_is_silence_of_that_length(
    made: tuple[FilmReport, FilmProbe],
) -> None:
    _, film = made
    beeps = film.beeps(DEFENDANT.tone_hz)
    assert [round(beep) for beep in beeps] == [3, 4, 7]


def test_film__when_the_camera_turns__then_the_picture_keeps_its_proportions(
    made: tuple[FilmReport, FilmProbe],
) -> None:
    _, film = made
    box = grid_cells(3)[2].picture
    assert near(film.colour(edge(box, (320, 240), outside=False), 4.0), DEFENDANT.colour)
    assert not near(film.colour(edge(box, (320, 240), outside=False), 5.5), DEFENDANT.colour)
    assert near(film.colour(edge(box, (240, 320), outside=False), 5.5), DEFENDANT.colour)
    assert not near(film.colour(edge(box, (240, 320), outside=True), 5.5), DEFENDANT.colour)


def test_film__when_it_is_done__then_a_map_tells_film_seconds_in_utc(
    made: tuple[FilmReport, FilmProbe],
) -> None:
    report, film = made
    told = json.loads(report.map_path.read_text())
    assert told["duration_s"] == THREE_LENGTH_S
    assert [piece["kind"] for piece in told["pieces"]] == ["hearing"]
    assert told["pieces"][0]["utc_from"].startswith("2026-11-22T01:00:00.25")
    assert len(told["source_sha256"]) == 64
    assert not list(film.path.parent.glob("*.part"))
    assert not list(film.path.parent.glob(".*"))


def test_film__when_there_was_a_recess_and_a_camera_went_away__then_a_card_and_a_plate_say_so(
    tmp_path: Path,
) -> None:
    judge = replace(JUDGE, until_s=9)
    gone = replace(PLAINTIFF, until_s=9, microphone=False)
    stage = Stage(tmp_path / "recording")
    # The camera's last packets are missing: it sends nothing from second 6 on, and nobody says why.
    gone = replace(gone, sleeps=((6.0, 9.0),))
    orders = [Order(0, "opened"), Order(2, "recess"), Order(4, "resume"), Order(9, "closed")]
    stage.play([judge, gone], orders)
    stage.close()
    report = compose_film(tmp_path / "recording", tmp_path / "film.mp4", labels(language="en"))
    film = FilmProbe(tmp_path / "film.mp4")

    assert abs(report.duration_s - 10) <= 0.16
    assert abs(film.duration_s - report.duration_s) < 0.1
    cells = grid_cells(2)
    assert near(film.colour(cells[0].picture, 1.9), JUDGE.colour)
    assert film.colour(cells[0].picture, 3.5)[0] < 40, "the card covers the picture"
    assert near(film.colour(cells[0].picture, 5.9), JUDGE.colour)
    # Second 4.52 of the hearing is second 5.52 of the film.
    assert any(abs(beep - report.duration_s + 4.46) < 0.03 for beep in film.beeps(JUDGE.tone_hz))
    assert not [beep for beep in film.beeps(JUDGE.tone_hz) if 2.1 < beep < 4.9]
    assert near(film.colour(cells[1].picture, 6.5), PLAINTIFF.colour)
    assert film.colour(cells[1].picture, 9.5)[0] < 60, "no picture for long: a plate stands there"
    kinds = [piece["kind"] for piece in json.loads(report.map_path.read_text())["pieces"]]
    assert kinds == ["hearing", "pause", "hearing"]


def test_film__when_nobody_published__then_it_is_still_a_film(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "recording")
    stage.play([], [Order(0, "opened"), Order(3, "closed")])
    stage.close()
    report = compose_film(tmp_path / "recording", tmp_path / "film.mp4", labels(people={}))
    film = FilmProbe(tmp_path / "film.mp4")
    assert report.duration_s == 3
    assert film.picture_s == 3
    assert film.sound_s >= 3
    assert max(film.sound) == 0


def test_film__when_a_segment_is_damaged_or_gone__then_it_is_named_and_the_rest_is_shown(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path / "recording")
    actor = replace(JUDGE, until_s=13)
    stage.play([actor], [Order(0, "opened"), Order(13, "closed")])
    stage.close()
    files = segment_files(tmp_path / "recording")
    assert len(files) >= 4
    content = bytearray(files[1].path.read_bytes())
    third = len(content) // 3
    content[third : 3 * third] = bytes(2 * third)
    files[1].path.write_bytes(content)
    report = compose_film(tmp_path / "recording", tmp_path / "film.mp4", labels())
    film = FilmProbe(tmp_path / "film.mp4")
    assert "segment.damaged" in {problem.code for problem in report.problems}
    assert abs(film.duration_s - 13) < 0.5
    cell = grid_cells(1)[0].picture
    assert near(film.colour(cell, 1.9), JUDGE.colour)
    assert near(film.colour(cell, 12.3), JUDGE.colour)
    pieces = json.loads(report.map_path.read_text())["pieces"]
    assert [piece["reason"] for piece in pieces] == ["", "crash", ""]
    assert 3 < pieces[1]["film_from_s"] < pieces[1]["film_until_s"] < 8
    assert "segment.damaged" in map_path_of(film.path).read_text()


def test_film__when_a_segment_is_gone__then_its_time_is_told_by_a_card(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "recording")
    stage.play([replace(JUDGE, until_s=10)], [Order(0, "opened"), Order(10, "closed")])
    stage.close()
    next((tmp_path / "recording").rglob("*02.seg")).unlink()
    report = compose_film(tmp_path / "recording", tmp_path / "film.mp4", labels())
    film = FilmProbe(tmp_path / "film.mp4")
    assert {problem.code for problem in report.problems} == {"segment.missing"}
    assert abs(film.duration_s - 10) < 0.5
    assert [piece["reason"] for piece in json.loads(report.map_path.read_text())["pieces"]] == [
        "",
        "crash",
        "",
    ]
    assert near(film.colour(grid_cells(1)[0].picture, 9.3), JUDGE.colour)


def test_film__when_the_recorder_crashed__then_the_interruption_keeps_its_length(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "before")
    stage.play([replace(JUDGE, until_s=3)], [Order(0, "opened")])
    stage.until(3.1)
    stage.until_synced()
    shutil.copytree(tmp_path / "before", tmp_path / "recording")
    stage.close()
    zero_ns, clock = stage.zero_ns, stage.clock
    clock.now_ns = zero_ns + 6_000_000_000
    after = Stage(tmp_path / "recording", clock)
    after.play([replace(JUDGE, identity="per_judge", until_s=3)], [Order(3, "closed")])
    after.close()

    report = compose_film(tmp_path / "recording", tmp_path / "film.mp4", labels())
    film = FilmProbe(tmp_path / "film.mp4")

    assert abs(film.duration_s - 9.25) < 0.5
    reasons = [piece["reason"] for piece in json.loads(report.map_path.read_text())["pieces"]]
    assert reasons == ["", "crash", ""]
    cell = grid_cells(1)[0].picture
    assert near(film.colour(cell, 1.9), JUDGE.colour)
    assert film.colour(cell, 4.5)[0] < 70, "a dark card with its words"
    assert near(film.colour(cell, 8.5), JUDGE.colour)


def test_film__when_the_better_layer_ends__then_the_other_goes_on_without_a_hole(tmp_path: Path) -> None:
    low = replace(JUDGE, size=(160, 120), colour=(90, 90, 160), layer="q", key_every_s=10, until_s=6)
    high = replace(
        low, size=(640, 480), colour=(150, 100, 150), layer="f", microphone=False, from_s=1.0, until_s=3.5
    )
    caller = replace(PLAINTIFF, sleeps=((2.0, 4.0),), until_s=6, reports=False)
    orders = [Order(0, "opened"), Order(6, "closed")]
    _, film = perform_and_compose(tmp_path, [low, high, caller], orders)
    cells = grid_cells(2)
    assert near(film.colour(cells[0].picture, 0.9), low.colour)
    assert near(film.colour(cells[0].picture, 2.3), high.colour)
    assert near(film.colour(cells[0].picture, 4.4), low.colour)
    lumas = [film.colour(cells[0].picture, at / 25)[0] for at in range(25, 145)]
    assert min(lumas) > 60, "no plate between the layers"
    # After a phone call in which the device's timestamps stood still, both are where they belong.
    beeps = [beep for beep in film.beeps(caller.tone_hz) if beep > 4]
    assert any(abs(beep - 4.86) < 0.04 for beep in beeps)
    offsets = film.offsets_ms(cells[1].picture, caller.tone_hz)
    assert max(map(abs, offsets)) <= IN_STEP_MS


def test_film__when_a_screen_is_shared__then_it_stands_large_beside_the_people(tmp_path: Path) -> None:
    screen = replace(
        JUDGE,
        source="screen",
        microphone=False,
        colour=(180, 128, 110),
        size=(640, 360),
        from_s=1.0,
        until_s=4,
    )
    orders = [Order(0, "opened"), Order(4, "closed")]
    actors = [replace(JUDGE, until_s=4), replace(PLAINTIFF, until_s=4), screen]
    _, film = perform_and_compose(tmp_path, actors, orders)
    cells = stage_cells(3)
    assert near(film.colour(cells[0].picture, 2.9), screen.colour)
    assert near(film.colour(cells[1].picture, 2.9), JUDGE.colour)
    assert near(film.colour(cells[2].picture, 2.7), PLAINTIFF.colour)
    assert near(film.colour(grid_cells(2)[0].picture, 0.9), JUDGE.colour)


def test_film__when_people_wait_before_the_opening__then_the_film_begins_with_it(tmp_path: Path) -> None:
    actor = replace(JUDGE, until_s=7, key_every_s=60)
    orders = [Order(0, "note"), Order(4, "opened"), Order(7, "closed")]
    report, film = perform_and_compose(tmp_path, [actor], orders)
    assert report.duration_s == 3
    cell = grid_cells(1)[0].picture
    assert near(film.colour(cell, 0.04), JUDGE.colour), "decoded since its only key frame, long before"
    assert [round(beep, 1) for beep in film.beeps(JUDGE.tone_hz)] == [0.5, 1.5, 2.5]
    assert max(map(abs, film.offsets_ms(cell, JUDGE.tone_hz))) <= IN_STEP_MS


def test_film__when_a_microphone_s_clock_runs_wrong__then_the_voice_stays_in_place(tmp_path: Path) -> None:
    # 3000 ppm for 15 s is what 200 ppm are in four minutes: 45 ms, more than a film frame.
    actors = [
        replace(JUDGE, until_s=15, skew_ppm=3000, camera=False, flash_every_s=0.5),
        replace(PLAINTIFF, until_s=15, skew_ppm=-3000, camera=False),
    ]
    _, film = perform_and_compose(tmp_path, actors, [Order(0, "opened"), Order(15, "closed")])
    for actor in actors:
        beeps = film.beeps(actor.tone_hz)
        expected = [
            actor.first_flash_s + 0.02 + n * actor.flash_every_s
            for n in range(int((14.9 - actor.first_flash_s) / actor.flash_every_s) + 1)
        ]
        assert len(beeps) == len(expected)
        late = [beep - moment for beep, moment in zip(beeps, expected, strict=True)]
        assert max(map(abs, late)) < 0.015, "no step, no drift"


def test_film__when_made_twice__then_it_is_the_same_to_the_byte(tmp_path: Path) -> None:
    orders = [Order(0, "opened"), Order(2, "closed")]
    perform_and_compose(tmp_path, [replace(JUDGE, until_s=2)], orders)
    compose_film(tmp_path / "recording", tmp_path / "again.mp4", labels())
    assert (tmp_path / "film.mp4").read_bytes() == (tmp_path / "again.mp4").read_bytes()


def test_speech__of_three__stands_in_the_map_beside_the_film(made: tuple[FilmReport, FilmProbe]) -> None:
    report, _ = made
    spans = json.loads(report.map_path.read_text())["speech"]
    of = {
        person: [(one["from_s"], one["until_s"]) for one in spans if one["identity"] == person]
        for person in PEOPLE
    }
    # They beep every second or so: words with breaths between.
    for actor in (JUDGE, PLAINTIFF):
        (first, last), *more = of[actor.identity]
        assert abs(first - actor.first_flash_s) < 0.2, of
        assert last > THREE_LENGTH_S - 1.5
        assert not more
    (first, last), *_ = of["per_defendant"]
    assert first > 3.0
    assert last < 5.2, "muted from the fifth second on"

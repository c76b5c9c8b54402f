"""Sealed spans and redactions: what the record holds and no film shows, by the film's own pictures and sound."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from recorder.account.manifest import Mark
from recorder.film.captions import CaptionLine, film_captions
from recorder.film.compose import compose_film
from recorder.film.composer import map_path_of
from recorder.film.grid import grid_cells
from recorder.film.labels import labels_of
from recorder.film.timeline import PieceKind, build_timeline
from recorder.reading.recording import open_recording
from recorder.redactions import RedactionsError, redactions_of
from recorder.withheld import Spans, sealed_by_marks
from tests.recorder.film_probe import FilmProbe
from tests.recorder.synthetic_hearing import Actor, Order, Stage

BLUE, RED = (90, 200, 100), (110, 100, 200)
NS = 1_000_000_000
LABELS = labels_of(
    {
        "case_number": "（2026）浙0199民初1号",
        "title": "张三诉李四",
        "people": {"a": {"name": "张三", "role": "原告"}},
    }
)


def _stage(folder: Path, actors: list[Actor], orders: list[Order]) -> None:
    stage = Stage(folder)
    last_s = max(actor.until_s for actor in actors)
    stage.play(actors, [Order(0.0, "opened"), *orders, Order(last_s, "closed")])
    stage.until(last_s + 0.2)
    stage.close()


def test_film__span_sealed__keeps_its_length_behind_a_silent_card(tmp_path: Path) -> None:
    people = [Actor("a", BLUE, 600, until_s=6.0), Actor("b", RED, 1100, until_s=6.0)]
    _stage(tmp_path / "rec", people, [Order(2.2, "sealed"), Order(4.2, "unsealed")])
    film = tmp_path / "film.mp4"
    report = compose_film(tmp_path / "rec", film, LABELS)
    probe = FilmProbe(film)
    assert report.duration_s == pytest.approx(6.0, abs=0.05)
    cells = [cell.picture for cell in grid_cells(2)]
    seen = [second for cell in cells for second in probe.flashes(cell)]
    assert {round(second - 0.5) for second in seen} == {0, 1, 4, 5}
    for tone_hz in (600, 1100):
        assert [round(second - 0.5) for second in probe.beeps(tone_hz)] == [0, 1, 4, 5]
    pieces = json.loads(map_path_of(film).read_text())["pieces"]
    assert [piece["kind"] for piece in pieces] == ["hearing", "sealed", "hearing"]
    assert open_recording(tmp_path / "rec").manifest.tracks[0].gap_ns < NS, "the record itself goes on"


def test_film__share_stands_still_since_the_sealed_span__is_not_shown_after_it(tmp_path: Path) -> None:
    page = Actor("a", RED, 600, source="screen", until_s=6.0, rate_hz=1, first_flash_s=99)
    talker = Actor("b", BLUE, 900, until_s=6.0)
    _stage(tmp_path / "rec", [page, talker], [Order(1.0, "sealed"), Order(3.5, "unsealed")])
    film = tmp_path / "film.mp4"
    compose_film(tmp_path / "rec", film, LABELS)
    probe = FilmProbe(film)
    red = [frame.at_s for frame in probe.frames if any(v > 190 for v in frame.planes[2])]
    assert red, "the page is seen where it may be"
    assert not [at_s for at_s in red if 0.96 < at_s < 3.9], "its last picture was taken while sealed"


def test_film__sealed_by_the_courts_books_alone__is_withheld_too(tmp_path: Path) -> None:
    _stage(tmp_path / "rec", [Actor("a", BLUE, 600, until_s=4.0)], [])
    start_utc_ns = open_recording(tmp_path / "rec").clock.utc_ns(0)
    books = redactions_of({"sealed_utc_ns": [[str(start_utc_ns + 2 * NS), None]]})
    film = tmp_path / "film.mp4"
    compose_film(tmp_path / "rec", film, LABELS, redactions=books)
    assert [round(second - 0.5) for second in FilmProbe(film).beeps(600)] == [0, 1]


def test_copy__redacted__hides_voice_face_name_stretch_and_says_its_origin(tmp_path: Path) -> None:
    people = [Actor("a", BLUE, 600, until_s=8.0), Actor("b", RED, 1100, until_s=8.0)]
    _stage(tmp_path / "rec", people, [])
    before = {path: path.read_bytes() for path in (tmp_path / "rec").rglob("*") if path.is_file()}
    rows = [
        {"kind": "mute", "person_id": "a", "from_s": 2.0, "until_s": 4.0},
        {"kind": "mask", "person_id": "b", "from_s": 3.0, "until_s": 5.0},
        {"kind": "region", "x": 0, "y": 0, "width": 0.5, "height": 1, "from_s": 6.0, "until_s": 6.9},
        {"kind": "cut", "from_s": 7.0, "until_s": 7.5},
        {"kind": "name", "name": "张三", "substitute": "张某"},
    ]
    redactions = redactions_of({"list": rows})
    film = tmp_path / "copy.mp4"
    compose_film(tmp_path / "rec", film, LABELS, redactions=redactions)
    probe = FilmProbe(film)
    assert [round(second - 0.5) for second in probe.beeps(600)][:5] == [0, 1, 4, 5, 6]
    assert [round(second - 0.5) for second in probe.beeps(1100)][:7] == [0, 1, 2, 3, 4, 5, 6]
    left, right = (cell.picture for cell in grid_cells(2))
    assert [round(second - 0.5) for second in probe.flashes(right)][:5] == [0, 1, 2, 5, 6]
    assert 6 not in {round(second - 0.5) for second in probe.flashes(left)}
    assert "张三" not in probe.title
    assert "张某" in probe.title
    origin = open_recording(tmp_path / "rec").manifest.root_sha256
    content = film.read_bytes()
    assert f"source-sha256={origin} redactions-sha256={redactions.sha256}".encode() in content
    assert all(path.read_bytes() == bytes_ for path, bytes_ in before.items()), "the original never changes"


@pytest.mark.parametrize(
    "row",
    [
        {"kind": "mute", "from_s": 1, "until_s": 2},
        {"kind": "mask", "person_id": "a", "from_s": 2, "until_s": 2},
        {"kind": "region", "x": 1.0, "y": 0, "width": 0.5, "height": 1, "from_s": 0, "until_s": 1},
        {"kind": "cut", "from_s": -1, "until_s": 2},
        {"kind": "name", "name": " ", "substitute": "x"},
        {"kind": "pixelate", "from_s": 1, "until_s": 2},
        {"kind": "cut", "from_s": "nan", "until_s": 2},
    ],
)
def test_redactions__with_a_row_that_hides_nothing__are_refused(row: dict[str, object]) -> None:
    with pytest.raises(RedactionsError):
        redactions_of({"list": [row]})


def test_marks__repeated_or_without_an_end__seal_more_and_never_less() -> None:
    marks = [
        Mark(kind, "", at * NS)
        for kind, at in (("sealed", 2), ("sealed", 3), ("unsealed", 5), ("unsealed", 6))
    ]
    assert sealed_by_marks(marks, 9 * NS) == Spans(((2 * NS, 5 * NS),))
    assert sealed_by_marks([*marks, Mark("sealed", "", 7 * NS)], 9 * NS).spans[-1] == (7 * NS, 9 * NS)


def test_timeline__edges_between_frames__are_moved_outwards() -> None:
    marks = [Mark("opened", "", 7), Mark("sealed", "", 2 * NS + 123), Mark("unsealed", "", 4 * NS + 1)]
    timeline = build_timeline(duration_ns=9 * NS, pauses=(), marks=marks, incidents=())
    before, card, after = timeline.pieces
    assert card.kind is PieceKind.SEALED
    assert before.from_ns + before.ticks * 40_000_000 <= 2 * NS + 123
    assert after.from_ns >= 4 * NS + 1
    assert card.ticks * 40_000_000 == card.until_ns - card.from_ns


def test_captions__of_what_is_sealed_or_silenced__are_not_told_in_words() -> None:
    marks = [Mark("opened", "", 0), Mark("sealed", "", 2 * NS), Mark("unsealed", "", 4 * NS)]
    timeline = build_timeline(duration_ns=9 * NS, pauses=(), marks=marks, incidents=())
    rows = [
        {"kind": "mute", "person_id": "a", "from_s": 6.0, "until_s": 7.0},
        {"kind": "name", "name": "张三", "substitute": "张某"},
    ]
    redactions = redactions_of({"list": rows})
    lines = [CaptionLine(at * NS, (at + 1) * NS, f"第{at}句", "张三") for at in (0, 1, 2, 3, 4, 6, 8)]
    shown = film_captions(lines, timeline, silent=redactions.plan(timeline).silent, shown_as=redactions.shown)
    assert [one.text for one in shown] == ["张某：第0句", "张某：第1句", "张某：第4句", "张某：第8句"]

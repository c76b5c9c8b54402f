"""What is drawn: every word has its glyphs, nothing sticks out, both languages are complete."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from PIL import Image, ImageFont

from recorder.film.canvas import Canvas, painting_of
from recorder.film.grid import FILM_HEIGHT_PX, FILM_WIDTH_PX, Box
from recorder.film.labels import WORDS, Language, labels_of
from recorder.film.plates import MAX_KEPT_PAINTINGS, Plates, font_path, shorten, span_text, wrapped

ENDLESS = "北京某某网络科技股份有限公司法定代表人" * 6
PEOPLE = {"per_a": {"name": ENDLESS, "role": ENDLESS}, "per_b": {"name": "王芳", "role": "被告"}}
AT = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)


def plates(language: str = "zh-CN") -> Plates:
    content = {"case_number": ENDLESS, "title": ENDLESS, "people": PEOPLE, "language": language}
    return Plates(labels_of(content))


def test_words__when_a_language_is_chosen__then_every_word_exists() -> None:
    assert set(WORDS) == set(Language)
    assert set(WORDS[Language.CHINESE]) == set(WORDS[Language.ENGLISH])


def test_font__when_names_are_drawn__then_no_character_is_an_empty_box() -> None:
    font = ImageFont.truetype(str(font_path()), 24)
    missing = bytes(font.getmask("\U0010fffe"))
    text = (
        "".join(word for words in WORDS.values() for word in words.values()) + "（〔2026〕）京民初䶮㛃𬀩𫖯–·…"
    )
    for character in set(text) - {" "}:
        assert bytes(font.getmask(character)) != missing, character


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("width", [100, 154, 312, 634])
@pytest.mark.parametrize("state", [None, "microphone_muted", "no_sound"])
def test_caption__when_names_are_endless__then_it_keeps_its_size(
    language: str, width: int, state: str | None
) -> None:
    drawn = plates(language)
    for identity in ("per_a", "per_b", "per_stranger"):
        painting = drawn.caption(identity, width, state=state, speaking=True, screen=True)
        assert (painting.width, painting.height) == (width, 32)
        plate = drawn.absent_picture(identity, width, 180, state="no_picture")
        assert (plate.width, plate.height) == (width, 180)


def test_page__when_it_is_drawn__then_header_clock_and_cards_fit() -> None:
    drawn = plates()
    canvas = Canvas(FILM_WIDTH_PX, FILM_HEIGHT_PX)
    canvas.paint(drawn.page(), 0, 0)
    canvas.paint(drawn.header(hidden=3), 0, 0)
    clock, left = drawn.clock(AT)
    canvas.paint(clock, left, 0)
    for word in ("recess", "crash", "closed_exhibit", "mediation", "pause"):
        canvas.paint(drawn.card(word, AT, AT), 0, 0)
    note = drawn.note(ENDLESS)
    assert note.width <= FILM_WIDTH_PX


def test_clock__when_a_second_passes__then_only_then_it_is_drawn_again() -> None:
    drawn = plates()
    first, _ = drawn.clock(AT)
    assert drawn.clock(AT.replace(microsecond=500_000))[0] is first
    assert drawn.clock(AT.replace(second=4))[0] is not first
    for minute in range(30):
        for second in range(60):
            drawn.clock(AT.replace(minute=minute, second=second))
            if minute > 5:
                break
    assert len(drawn._kept) <= MAX_KEPT_PAINTINGS


def test_text__when_it_is_too_long__then_it_is_shortened_or_wrapped() -> None:
    font = ImageFont.truetype(str(font_path()), 20)
    assert shorten("王芳", 200, 20) == "王芳"
    short = shorten(ENDLESS, 200, 20)
    assert short.endswith("…")
    assert font.getlength(short) <= 200
    assert wrapped("王芳", 200, 20) == ["王芳"]
    lines = wrapped("Beijing Moumou Network Technology", 200, 20)
    assert lines == ["Beijing Moumou", "Network Technology"]
    assert all(font.getlength(line) <= 200 for line in wrapped(ENDLESS, 200, 20))


def test_span__when_it_crosses_midnight__then_the_date_is_said() -> None:
    assert span_text(AT, AT.replace(hour=2)) == "01:02:03–02:02:03"
    assert span_text(AT, AT.replace(day=23)) == "01:02:03–11-23 01:02:03"


def test_canvas__when_something_does_not_fit__then_it_is_refused() -> None:
    canvas, painting = Canvas(64, 64), painting_of(plates_square(32))
    canvas.paint(painting, 32, 32)
    for x, y in ((33, 32), (34, 34), (-2, 0), (48, 0)):
        with pytest.raises(ValueError, match="canvas"):
            canvas.paint(painting, x, y)


def test_canvas__when_painted__then_the_frame_shows_it_there_and_nowhere_else() -> None:
    canvas = Canvas(64, 64)
    canvas.paint(painting_of(plates_square(32)), 16, 8)
    rgb = canvas.to_frame().reformat(format="rgb24")
    rows, stride = memoryview(rgb.planes[0]), rgb.planes[0].line_size
    box = Box(16, 8, 32, 32)
    for x in range(0, 64, 4):
        for y in range(0, 64, 4):
            inside = box.x <= x < box.x + box.width and box.y <= y < box.y + box.height
            assert (rows[y * stride + 3 * x] > 150) == inside


def plates_square(size: int) -> Image.Image:
    return Image.new("RGB", (size, size), (250, 20, 20))

"""Everything drawn into the film: title bar with clock, captions, plates where no picture is, title cards.

Drawn with Pillow (the media library has no text filter) and cached, so that a second of film costs one clock.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from pylopdf_fonts_zh_cn import sans_path

from recorder.film.canvas import Painting, painting_of
from recorder.film.grid import CAPTION_HEIGHT_PX, FILM_HEIGHT_PX, FILM_WIDTH_PX, HEADER_HEIGHT_PX
from recorder.film.labels import WORDS, Labels

Colour = tuple[int, int, int]
# The hearing room's own palette, still and dark: vermilion for "nothing was recorded", green for "heard".
PAGE: Colour = (11, 17, 25)
PANEL: Colour = (22, 31, 43)
COURT_BLUE: Colour = (16, 42, 76)
CAPTION: Colour = (28, 40, 56)
RULE: Colour = (58, 82, 112)
INK: Colour = (240, 244, 248)
QUIET: Colour = (158, 176, 196)
GREEN: Colour = (72, 176, 120)
VERMILION: Colour = (206, 72, 56)

# Captions, plates and clocks of a long hearing; the oldest is forgotten first.
MAX_KEPT_PAINTINGS = 256
_CLOCK_WIDTH_PX = 330
_MARGIN_PX = 16
# Below this a caption has room for the name and a sign, not for words.
_NARROW_CAPTION_PX = 300
_SHORTEST_ROLE_PX = 48


@lru_cache(maxsize=16)
def _font(size_px: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(font_path()), size_px)


def font_path() -> Path:
    """Noto Sans SC as shipped in the package of fonts: the same film on every machine."""
    return sans_path()


def shorten(text: str, width_px: int, size_px: int) -> str:
    """The text, or its beginning and an ellipsis, not wider than `width_px`."""
    font = _font(size_px)
    if font.getlength(text) <= width_px:
        return text
    while text and font.getlength(text + "…") > width_px:
        text = text[:-1]
    return text.rstrip() + "…" if text else ""


def wrapped(text: str, width_px: int, size_px: int) -> list[str]:
    """The text in at most two lines, broken at a space where there is one, the second shortened."""
    font = _font(size_px)
    if font.getlength(text) <= width_px:
        return [text]
    fits = next(
        count for count in range(len(text), 0, -1) if font.getlength(text[:count]) <= width_px or count == 1
    )
    space = text.rfind(" ", 0, fits + 1)
    cut = space if space > fits // 2 else fits
    return [text[:cut].rstrip(), shorten(text[cut:].lstrip(), width_px, size_px)]


class Plates:
    """Draws for one film in one language. Every method returns a painting that may be shared."""

    def __init__(self, labels: Labels) -> None:
        self._labels = labels
        self._words = WORDS[labels.language]
        self._kept: dict[Hashable, Painting] = {}

    def header(self, *, hidden: int = 0) -> Painting:
        """The title bar without its clock: case number, title, and how many more are present than shown."""
        return self._keep(("header", hidden), lambda: self._draw_header(hidden))

    def clock(self, local: datetime) -> tuple[Painting, int]:
        """The wall clock at the right of the title bar, and its left edge in px. One drawing per second."""
        text = f"{local:%Y-%m-%d  %H:%M:%S}  {self._labels.zone_text()}"
        painting = self._keep(("clock", text), lambda: self._draw_clock(text))
        return painting, FILM_WIDTH_PX - _CLOCK_WIDTH_PX

    def caption(
        self, identity: str, width_px: int, *, state: str | None, speaking: bool, screen: bool
    ) -> Painting:
        """The strip under a picture: role, name, and a word where something is not as usual."""
        key = ("caption", identity, width_px, state, speaking, screen)
        return self._keep(key, lambda: self._draw_caption(identity, width_px, state, speaking, screen))

    def absent_picture(self, identity: str, width_px: int, height_px: int, *, state: str) -> Painting:
        """A plate in place of a picture: role, name, and why there is none."""
        key = ("absent", identity, width_px, height_px, state)
        return self._keep(key, lambda: self._draw_absent(identity, width_px, height_px, state))

    def panel(self, width_px: int, height_px: int) -> Painting:
        """An empty picture box."""
        return self._keep(
            ("panel", width_px, height_px), lambda: Image.new("RGB", (width_px, height_px), PANEL)
        )

    def page(self) -> Painting:
        """The empty page under everything."""
        return self._keep(("page",), lambda: Image.new("RGB", (FILM_WIDTH_PX, FILM_HEIGHT_PX), PAGE))

    def card(self, word: str, from_local: datetime, until_local: datetime) -> Painting:
        """A whole page for time without pictures: "休庭 10:30:05–10:45:00". `word`: a key of WORDS."""
        return painting_of(self._draw_card(word, from_local, until_local))

    def note(self, text: str) -> Painting:
        """A quiet line for the middle of the page, as wide as its text."""
        return self._keep(("note", text), lambda: self._draw_note(text))

    def word(self, key: str, **values: object) -> str:
        """One of the film's own words in its language."""
        return self._words[key].format(**values)

    def _keep(self, key: Hashable, draw: Callable[[], Image.Image]) -> Painting:
        painting = self._kept.get(key)
        if painting is None:
            while len(self._kept) >= MAX_KEPT_PAINTINGS:
                del self._kept[next(iter(self._kept))]
            painting = self._kept[key] = painting_of(draw())
        return painting

    def _draw_header(self, hidden: int) -> Image.Image:
        image, draw = _blank(FILM_WIDTH_PX, HEADER_HEIGHT_PX, COURT_BLUE)
        middle = HEADER_HEIGHT_PX // 2
        room_px = FILM_WIDTH_PX - _CLOCK_WIDTH_PX - 2 * _MARGIN_PX
        number = shorten(self._labels.case_number, room_px * 2 // 3, 20)
        draw.text((_MARGIN_PX, middle), number, INK, _font(20), "lm")
        left = _MARGIN_PX + int(_font(20).getlength(number)) + (18 if number else 0)
        more = self.word("more", count=hidden) if hidden else ""
        draw.text((FILM_WIDTH_PX - _CLOCK_WIDTH_PX, middle), more, QUIET, _font(16), "rm")
        room_px -= int(_font(16).getlength(more))
        title = shorten(self._labels.title, room_px - left, 18)
        draw.text((left, middle), title, QUIET, _font(18), "lm")
        draw.line((0, HEADER_HEIGHT_PX - 1, FILM_WIDTH_PX, HEADER_HEIGHT_PX - 1), RULE)
        return image

    def _draw_clock(self, text: str) -> Image.Image:
        image, draw = _blank(_CLOCK_WIDTH_PX, HEADER_HEIGHT_PX, COURT_BLUE)
        draw.text((_CLOCK_WIDTH_PX - _MARGIN_PX, HEADER_HEIGHT_PX // 2), text, INK, _font(18), "rm")
        draw.line((0, HEADER_HEIGHT_PX - 1, _CLOCK_WIDTH_PX, HEADER_HEIGHT_PX - 1), RULE)
        return image

    def _draw_caption(
        self, identity: str, width_px: int, state: str | None, speaking: bool, screen: bool
    ) -> Image.Image:
        image, draw = _blank(width_px, CAPTION_HEIGHT_PX, CAPTION)
        middle = CAPTION_HEIGHT_PX // 2
        if speaking:
            draw.rectangle((0, 0, 5, CAPTION_HEIGHT_PX), GREEN)
        is_narrow = width_px < _NARROW_CAPTION_PX
        left, right = (10 if is_narrow else 16), width_px - 12
        if state is not None:
            right = _draw_state(draw, right, middle, "" if is_narrow else self._words[state])
        person = self._labels.person(identity)
        role = " · ".join(part for part in (self.word("screen") if screen else "", person.role) if part)
        room_px = right - left
        name_px = int(_font(19).getlength(person.name))
        role_px = max(room_px - name_px - 10, 0 if is_narrow else room_px // 3)
        role = shorten(role, role_px, 16) if role_px >= _SHORTEST_ROLE_PX else ""
        if role:
            draw.text((left, middle), role, QUIET, _font(16), "lm")
            left += int(_font(16).getlength(role)) + 10
        draw.text((left, middle), shorten(person.name, right - left, 19), INK, _font(19), "lm")
        return image

    def _draw_absent(self, identity: str, width_px: int, height_px: int, state: str) -> Image.Image:
        image, draw = _blank(width_px, height_px, PANEL)
        person = self._labels.person(identity)
        centre = width_px // 2
        size = 40 if width_px > 500 else 30 if width_px > 380 else 22
        room_px = width_px - 24
        role_size = size // 2 + 2
        lines = wrapped(person.name, room_px, size)
        top = height_px // 2 - (len(lines) * size * 5 // 4 + role_size + 44) // 2 + role_size // 2
        draw.text((centre, top), shorten(person.role, room_px, role_size), QUIET, _font(role_size), "mm")
        at = top + role_size // 2 + size * 3 // 4 + 2
        for line in lines:
            draw.text((centre, at), line, INK, _font(size), "mm")
            at += size * 5 // 4
        at -= size * 5 // 4 - size * 7 // 8
        draw.line((centre - 24, at, centre + 24, at), RULE, 2)
        draw.text((centre, at + 24), shorten(self._words[state], room_px, 16), QUIET, _font(16), "mm")
        return image

    def _draw_card(self, word: str, from_local: datetime, until_local: datetime) -> Image.Image:
        image, draw = _blank(FILM_WIDTH_PX, FILM_HEIGHT_PX, PAGE)
        centre, middle = FILM_WIDTH_PX // 2, FILM_HEIGHT_PX // 2
        is_fault = word == "crash"
        number = shorten(self._labels.case_number, FILM_WIDTH_PX - 160, 24)
        draw.text((centre, middle - 150), number, QUIET, _font(24), "mm")
        draw.text((centre, middle - 70), self._words[word], INK, _font(64), "mm")
        draw.line((centre - 60, middle, centre + 60, middle), VERMILION if is_fault else RULE, 3)
        draw.text((centre, middle + 54), span_text(from_local, until_local), INK, _font(36), "mm")
        note = self._words[f"{word}_note" if f"{word}_note" in self._words else "pause_note"]
        draw.text(
            (centre, middle + 110),
            f"{from_local:%Y-%m-%d}  {self._labels.zone_text()}",
            QUIET,
            _font(20),
            "mm",
        )
        draw.text((centre, middle + 146), note, QUIET, _font(20), "mm")
        return image

    def _draw_note(self, text: str) -> Image.Image:
        width = min(int(_font(20).getlength(text)) + 33, FILM_WIDTH_PX) & ~1
        image, draw = _blank(width, 40, PAGE)
        draw.text((width // 2, 20), text, QUIET, _font(20), "mm")
        return image


def span_text(from_local: datetime, until_local: datetime) -> str:
    """ "10:30:05–10:45:00"; the second date is written when it is another day."""
    other_day = f"{until_local:%m-%d} " if from_local.date() != until_local.date() else ""
    return f"{from_local:%H:%M:%S}–{other_day}{until_local:%H:%M:%S}"


def _draw_state(draw: ImageDraw.ImageDraw, right: int, middle: int, word: str) -> int:
    """A crossed ring and its word, ending at `right`; gives back where text before it must end."""
    if word:
        draw.text((right, middle), word, QUIET, _font(15), "rm")
        right -= int(_font(15).getlength(word)) + 8
    draw.ellipse((right - 13, middle - 6, right - 1, middle + 6), outline=QUIET, width=2)
    draw.line((right - 11, middle + 4, right - 3, middle - 4), QUIET, 2)
    return right - 24


def _blank(width: int, height: int, colour: Colour) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (width, height), colour)
    return image, ImageDraw.Draw(image)

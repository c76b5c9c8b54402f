"""Captions from a transcript: lines on the hearing clock become a text track of the film and a WebVTT file.

The transcript itself is made elsewhere; this takes a list of lines and invents none.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from recorder.film.timeline import PieceKind, Timeline
from recorder.withheld import NOTHING, Spans

MAX_LINES = 200_000
MAX_TEXT_CHARACTERS = 2000


class CaptionsError(ValueError):
    """The captions file does not say what it must."""


@dataclass(frozen=True, slots=True)
class CaptionLine:
    """What was said, on the hearing clock. `speaker`: as it is to be shown, or empty."""

    from_ns: int
    until_ns: int
    text: str
    speaker: str = ""


@dataclass(frozen=True, slots=True)
class FilmCaption:
    """A line in seconds of the film."""

    from_s: float
    until_s: float
    text: str


def load_captions(path: Path) -> tuple[CaptionLine, ...]:
    """Read CAPTIONS.json: [{"from_ns", "until_ns", "text", "speaker"}]. CaptionsError, OSError."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        lines = tuple(CaptionLine(**one) for one in content)
    except (ValueError, TypeError) as error:
        raise CaptionsError(f"captions: {error}") from error
    if len(lines) > MAX_LINES:
        raise CaptionsError(f"more than {MAX_LINES} lines")
    for line in lines:
        times_are_whole = type(line.from_ns) is int and type(line.until_ns) is int
        if not times_are_whole or line.until_ns <= line.from_ns or len(line.text) > MAX_TEXT_CHARACTERS:
            raise CaptionsError("a line has whole from_ns < until_ns and at most 2000 characters")
    return lines


def film_captions(
    lines: Sequence[CaptionLine],
    timeline: Timeline,
    *,
    silent: Spans = NOTHING,
    shown_as: Callable[[str], str] = str,
) -> tuple[FilmCaption, ...]:
    """The lines as far as the film shows their time: what is withheld or paused is not told in words either.

    `silent`: when anybody is silenced, no line at all, for a line's speaker is only a name. `shown_as` replaces names.
    A line is cut where the next one begins, because a text track has one line at a time.
    """
    shown: list[FilmCaption] = []
    for line in sorted(lines, key=lambda line: (line.from_ns, line.until_ns)):
        if (timeline.withheld | silent).meets(line.from_ns, line.until_ns):
            continue
        if not _is_hearing(timeline, line.from_ns):
            continue
        from_s, until_s = timeline.film_s(line.from_ns), timeline.film_s(line.until_ns)
        text = shown_as(f"{line.speaker}：{line.text}" if line.speaker else line.text)
        if shown and from_s < shown[-1].until_s:
            shown[-1] = FilmCaption(shown[-1].from_s, max(from_s, shown[-1].from_s + 0.001), shown[-1].text)
        if until_s > from_s:
            shown.append(FilmCaption(from_s, until_s, text))
    return tuple(shown)


def _is_hearing(timeline: Timeline, at_ns: int) -> bool:
    return any(
        piece.kind is PieceKind.HEARING and piece.from_ns <= at_ns < piece.until_ns
        for piece in timeline.pieces
    )


def caption_bytes(text: str) -> bytes:
    """One sample of a text track (3GPP TS 26.245 5.17): length and UTF-8."""
    data = text.encode()[:65535]
    return len(data).to_bytes(2, "big") + data


def web_vtt(captions: Sequence[FilmCaption]) -> str:
    """The same as a WebVTT file, for players that show it beside the film."""
    blocks = ["WEBVTT\n"]
    for one in captions:
        text = one.text.replace("&", "&amp;").replace("<", "&lt;").replace("\n\n", "\n")
        blocks.append(f"{_stamp(one.from_s)} --> {_stamp(one.until_s)}\n{text}\n")
    return "\n".join(blocks)


def _stamp(at_s: float) -> str:
    ms = round(at_s * 1000)
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}.{ms % 1000:03d}"

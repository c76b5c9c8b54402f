"""Chapters of the film: opening, phases as the court announced them, pauses and what followed, closing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from recorder.account.manifest import Mark
from recorder.film.labels import WORDS, Labels
from recorder.film.timeline import PieceKind, Timeline

_MS = Fraction(1, 1000)
# Two chapters closer than this are one: nobody jumps between them.
SHORTEST_MS = 500
MAX_CHAPTERS = 255  # what the common chapter list of MP4 can count


@dataclass(frozen=True, slots=True)
class Chapter:
    """From `from_ms` of the film to the next one."""

    number: int
    from_ms: int
    until_ms: int
    title: str

    def to_container(self) -> Any:
        """As the container takes it."""
        return {
            "id": self.number,
            "start": self.from_ms,
            "end": self.until_ms,
            "time_base": _MS,
            "metadata": {"title": self.title},
        }


def chapters_of(timeline: Timeline, marks: Sequence[Mark], labels: Labels) -> tuple[Chapter, ...]:
    """Chapters in order, the first at 0. Marks of kind "phase" carry their own words."""
    words = WORDS[labels.language]
    starts: list[tuple[int, str]] = [(0, words["opened"])]
    end_ms = round(timeline.duration_s * 1000)
    for mark in marks:
        if mark.kind == "phase" and mark.text:
            starts.append((round(timeline.film_s(mark.at_ns) * 1000), mark.text))
    for before, piece in zip((None, *timeline.pieces), timeline.pieces, strict=False):
        at_ms = piece.film_tick * 40
        if piece.kind is not PieceKind.HEARING:
            starts.append((at_ms, words[piece.word]))
        elif before is not None and before.kind is PieceKind.PAUSE:
            starts.append((at_ms, words["resumed"]))
    kept: list[tuple[int, str]] = []
    for at_ms, title in sorted(starts, key=lambda start: start[0]):
        if kept and at_ms - kept[-1][0] < SHORTEST_MS:
            kept[-1] = (kept[-1][0], title)
        elif at_ms < end_ms:
            kept.append((at_ms, title))
    kept = kept[:MAX_CHAPTERS]
    ends = [*(at_ms for at_ms, _ in kept[1:]), end_ms]
    return tuple(
        Chapter(number, at_ms, until_ms, title)
        for number, ((at_ms, title), until_ms) in enumerate(zip(kept, ends, strict=True))
    )

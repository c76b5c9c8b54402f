"""Film time ↔ hearing time. The film runs from opening to closing; what was not recorded is told by a card.

A pause ordered by the court (recess, closed exhibit, mediation) becomes a short card with its times. An
interruption of the record keeps its length, so that nothing seems to follow at once what did not; only a very
long one is shortened, and the card still names its times.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from recorder.clock import HearingClock
from recorder.manifest import Incident, Mark, Pause

NS_PER_S = 1_000_000_000
FILM_RATE_HZ = 25
TICK_NS = NS_PER_S // FILM_RATE_HZ
# Long enough to read two times of day, short enough not to be skipped.
PAUSE_CARD_TICKS = 3 * FILM_RATE_HZ
# Shorter holes in the record are seen as what they are: a picture that stands still for a moment.
SHORTEST_BREAK_NS = NS_PER_S
# Nobody watches a card for longer; the map beside the film says what was cut.
LONGEST_BREAK_NS = 300 * NS_PER_S
LONG_BREAK_CARD_TICKS = 10 * FILM_RATE_HZ
# A hearing longer than a day is a clock that went wrong.
LONGEST_FILM_NS = 24 * 3600 * NS_PER_S

_PAUSE_WORDS = ("recess", "closed_exhibit", "mediation")


class PieceKind(StrEnum):
    """What a stretch of the film shows."""

    HEARING = "hearing"
    PAUSE = "pause"
    BREAK = "break"


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the film: `ticks` film frames from `film_tick` on, for `from_ns` to `until_ns` of the hearing.

    `word` names the card (a key of the film's words) and is empty for the hearing itself.
    """

    kind: PieceKind
    word: str
    from_ns: int
    until_ns: int
    film_tick: int
    ticks: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """The whole film in order; pieces follow each other without holes on both clocks."""

    pieces: tuple[Piece, ...]

    @property
    def ticks(self) -> int:
        """Length of the film in frames."""
        return sum(piece.ticks for piece in self.pieces)

    @property
    def duration_s(self) -> float:
        """Expected length of the film."""
        return self.ticks / FILM_RATE_HZ

    def hearing_ns(self, film_s: float) -> int:
        """Hearing time shown at a second of the film; inside a card, the proportional moment of its span."""
        tick = film_s * FILM_RATE_HZ
        index = max(bisect_right(self.pieces, tick, key=lambda piece: piece.film_tick) - 1, 0)
        piece = self.pieces[index]
        share = min(max((tick - piece.film_tick) / piece.ticks, 0.0), 1.0)
        return piece.from_ns + round((piece.until_ns - piece.from_ns) * share)

    def film_s(self, hearing_ns: int) -> float:
        """Second of the film that shows a hearing time; a moment outside the film gives its nearest end."""
        index = max(bisect_right(self.pieces, hearing_ns, key=lambda piece: piece.from_ns) - 1, 0)
        piece = self.pieces[index]
        span_ns = max(piece.until_ns - piece.from_ns, 1)
        share = min(max((hearing_ns - piece.from_ns) / span_ns, 0.0), 1.0)
        return (piece.film_tick + piece.ticks * share) / FILM_RATE_HZ


def build_timeline(
    *, duration_ns: int, pauses: Iterable[Pause], marks: Sequence[Mark], incidents: Iterable[Incident]
) -> Timeline:
    """The film's plan: first "opened" to last "closed" mark (or the recording's ends), cards for what is missing.

    ValueError when the hearing would last longer than a day.
    """
    opened_ns = next((mark.at_ns for mark in marks if mark.kind == "opened"), 0)
    closed_ns = next((mark.at_ns for mark in reversed(marks) if mark.kind == "closed"), duration_ns)
    if closed_ns <= opened_ns:
        closed_ns = max(duration_ns, opened_ns)
    if closed_ns - opened_ns > LONGEST_FILM_NS:
        raise ValueError("the recording spans more than a day")
    pieces: list[Piece] = []
    tick, at_ns = 0, opened_ns
    for kind, word, from_ns, until_ns in _cards(opened_ns, closed_ns, pauses, incidents):
        ticks = _ticks(from_ns - at_ns)
        if ticks:
            pieces.append(Piece(PieceKind.HEARING, "", at_ns, from_ns, tick, ticks))
            tick += ticks
        ticks = _card_ticks(kind, until_ns - from_ns)
        pieces.append(Piece(kind, word, from_ns, until_ns, tick, ticks))
        tick += ticks
        at_ns = until_ns
    # A film of nothing is still a film: one frame says who, when and that nobody was there.
    rest = _ticks(closed_ns - at_ns) or (0 if pieces else 1)
    if rest:
        pieces.append(Piece(PieceKind.HEARING, "", at_ns, max(closed_ns, at_ns + TICK_NS), tick, rest))
    return Timeline(tuple(pieces))


def timeline_map(timeline: Timeline, clock: HearingClock, **more: Any) -> str:
    """The map written beside the film: film seconds ↔ UTC, piece by piece, as indented JSON."""
    content = {
        "format": 1,
        "duration_s": timeline.duration_s,
        "frame_rate_hz": FILM_RATE_HZ,
        "pieces": [
            {
                "kind": piece.kind.value,
                "reason": piece.word,
                "film_from_s": piece.film_tick / FILM_RATE_HZ,
                "film_until_s": (piece.film_tick + piece.ticks) / FILM_RATE_HZ,
                "hearing_from_ns": piece.from_ns,
                "hearing_until_ns": piece.until_ns,
                "utc_from": clock.utc(piece.from_ns).isoformat(),
                "utc_until": clock.utc(piece.until_ns).isoformat(),
            }
            for piece in timeline.pieces
        ],
        **more,
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _cards(
    opened_ns: int, closed_ns: int, pauses: Iterable[Pause], incidents: Iterable[Incident]
) -> list[tuple[PieceKind, str, int, int]]:
    """Cards in order, cut to the film and to each other: what began first is told first."""
    spans: list[tuple[int, int, PieceKind, str]] = []
    for pause in pauses:
        until_ns = closed_ns if pause.until_ns is None else pause.until_ns
        word = pause.code if pause.code in _PAUSE_WORDS else "pause"
        spans.append((pause.from_ns, until_ns, PieceKind.PAUSE, word))
    for incident in incidents:
        if incident.kind == "reopened":
            spans.append((incident.from_ns, incident.until_ns, PieceKind.PAUSE, "recess"))
        elif incident.until_ns - incident.from_ns >= SHORTEST_BREAK_NS:
            spans.append((incident.from_ns, incident.until_ns, PieceKind.BREAK, "crash"))
    cards = []
    at_ns = opened_ns
    for from_ns, until_ns, kind, word in sorted(spans):
        from_ns, until_ns = max(from_ns, at_ns), min(until_ns, closed_ns)
        if until_ns - from_ns < TICK_NS:
            continue
        cards.append((kind, word, from_ns, until_ns))
        at_ns = until_ns
    return cards


def _card_ticks(kind: PieceKind, span_ns: int) -> int:
    if kind is PieceKind.PAUSE:
        return PAUSE_CARD_TICKS
    return _ticks(span_ns) if span_ns <= LONGEST_BREAK_NS else LONG_BREAK_CARD_TICKS


def _ticks(span_ns: int) -> int:
    return (max(span_ns, 0) + TICK_NS // 2) // TICK_NS

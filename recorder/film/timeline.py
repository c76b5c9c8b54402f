"""Film time ↔ hearing time. The film runs from opening to closing; what was not recorded is told by a card.

A pause ordered by the court (recess, closed exhibit, mediation) becomes a short card with its times. An
interruption of the record keeps its length, so that nothing seems to follow at once what did not; only a very
long one is shortened, and the card still names its times. A sealed span keeps its length behind a card without sound;
a stretch cut from a redacted copy becomes a short card.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from recorder.account.manifest import Incident, Mark, Pause
from recorder.clock import HearingClock
from recorder.withheld import NOTHING, Spans, sealed_by_marks

NS_PER_S = 1_000_000_000
FILM_RATE_HZ = 25
TICK_NS = NS_PER_S // FILM_RATE_HZ
# 8 film frames are 15,360 samples at 48 kHz, which are 15 whole AAC frames: the smallest stretch that has both.
ALIGNMENT_TICKS = 8
# Eight groups of pictures. Short enough for a delayed live view, long enough that beginning anew costs little.
SECTION_TICKS = 16 * FILM_RATE_HZ
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
    SEALED = "sealed"
    CUT = "cut"


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
    """The whole film in order; pieces follow each other without holes on both clocks.

    `withheld`: what the record holds and this film must not show, also where another card covers it.
    """

    pieces: tuple[Piece, ...]
    withheld: Spans = NOTHING

    @property
    def ticks(self) -> int:
        """Length of the film in frames."""
        return sum(piece.ticks for piece in self.pieces)

    def at_tick(self, tick: int) -> Piece | None:
        """The stretch a film frame belongs to; None outside the film."""
        index = bisect_right(self.pieces, tick, key=lambda piece: piece.film_tick) - 1
        if index < 0 or tick >= self.pieces[index].film_tick + self.pieces[index].ticks:
            return None
        return self.pieces[index]

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


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the film that is composed and kept alone: `ticks` frames from `film_tick` on.

    `parts`: the timeline's stretches cut to it. It begins and ends on the lattice at a multiple of `SECTION_TICKS`
    of hearing time (the film's own ends apart), so that its content does not depend on where in the film it stands.
    """

    film_tick: int
    ticks: int
    parts: tuple[Piece, ...]

    @property
    def from_ns(self) -> int:
        """Where it begins on the hearing clock."""
        return self.parts[0].from_ns

    @property
    def until_ns(self) -> int:
        """Where it ends on the hearing clock."""
        return self.parts[-1].until_ns


def build_timeline(
    *,
    duration_ns: int,
    pauses: Iterable[Pause],
    marks: Sequence[Mark],
    incidents: Iterable[Incident],
    sealed: Spans = NOTHING,
    cuts: Spans = NOTHING,
) -> Timeline:
    """The film's plan: first "opened" to last "closed" mark (or the recording's ends), cards for what is missing.

    `sealed`: sealed spans beside those that the marks tell; `cuts`: stretches left out of a redacted copy.
    ValueError when the hearing would last longer than a day.
    """
    opened_ns = next((mark.at_ns for mark in marks if mark.kind == "opened"), 0)
    closed_ns = closing_ns(marks)
    if closed_ns is None or closed_ns <= opened_ns:
        closed_ns = max(duration_ns, opened_ns)
    if closed_ns - opened_ns > LONGEST_FILM_NS:
        raise ValueError("the recording spans more than a day")
    pieces: list[Piece] = []
    film_tick = tick = 0
    last_tick = _ticks(closed_ns - opened_ns)

    def at_ns(tick: int) -> int:
        return opened_ns + tick * TICK_NS

    sealed |= sealed_by_marks(marks, max(duration_ns, closed_ns))
    for kind, word, from_ns, until_ns in _cards(opened_ns, closed_ns, pauses, incidents, sealed, cuts):
        # Outwards to whole frames: nothing of what a card covers may be near the film.
        first = max((from_ns - opened_ns) // TICK_NS, tick)
        after = min(-((opened_ns - until_ns) // TICK_NS), max(last_tick, first + 1))
        if after <= first:
            continue
        if first > tick:
            pieces.append(Piece(PieceKind.HEARING, "", at_ns(tick), at_ns(first), film_tick, first - tick))
            film_tick += first - tick
        # The last card has nothing behind it to keep in place.
        lead = after - film_tick if after < last_tick else None
        ticks = _card_ticks(kind, after - first, lead)
        pieces.append(Piece(kind, word, at_ns(first), at_ns(after), film_tick, ticks))
        film_tick, tick = film_tick + ticks, after
    # A film of nothing is still a film: one frame says who, when and that nobody was there.
    rest = last_tick - tick if last_tick > tick else (0 if pieces else 1)
    if rest:
        pieces.append(Piece(PieceKind.HEARING, "", at_ns(tick), at_ns(tick + rest), film_tick, rest))
    return Timeline(tuple(pieces), sealed | cuts)


def closing_ns(marks: Sequence[Mark]) -> int | None:
    """When the hearing was closed for good; None while it is open (a closing may have been undone)."""
    last = next((mark for mark in reversed(marks) if mark.kind in ("closed", "reopened")), None)
    return last.at_ns if last is not None and last.kind == "closed" else None


def cut_sections(timeline: Timeline) -> list[Section]:
    """The film in order, cut where hearing time passes a multiple of `SECTION_TICKS`."""
    origin_ns = timeline.pieces[0].from_ns
    sections: list[Section] = []
    parts: list[Piece] = []

    def close() -> None:
        if parts:
            sections.append(Section(parts[0].film_tick, sum(part.ticks for part in parts), tuple(parts)))
            parts.clear()

    for piece in timeline.pieces:
        on_lattice = piece.ticks * TICK_NS == piece.until_ns - piece.from_ns
        if piece.kind in (PieceKind.PAUSE, PieceKind.CUT) or not on_lattice:
            parts.append(piece)
            continue
        done = 0
        while done < piece.ticks:
            tick = (piece.from_ns - origin_ns) // TICK_NS + done
            if tick % SECTION_TICKS == 0 and (piece.film_tick + done - tick) % ALIGNMENT_TICKS == 0:
                close()
            count = min(piece.ticks - done, SECTION_TICKS - tick % SECTION_TICKS)
            from_ns = piece.from_ns + done * TICK_NS
            until_ns = from_ns + count * TICK_NS
            parts.append(Piece(piece.kind, piece.word, from_ns, until_ns, piece.film_tick + done, count))
            done += count
    close()
    return sections


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
    opened_ns: int,
    closed_ns: int,
    pauses: Iterable[Pause],
    incidents: Iterable[Incident],
    sealed: Spans,
    cuts: Spans,
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
    spans.extend((from_ns, until_ns, PieceKind.SEALED, "sealed") for from_ns, until_ns in sealed.spans)
    spans.extend((from_ns, until_ns, PieceKind.CUT, "cut") for from_ns, until_ns in cuts.spans)
    cards = []
    at_ns = opened_ns
    for from_ns, until_ns, kind, word in sorted(spans):
        from_ns, until_ns = max(from_ns, at_ns), min(until_ns, closed_ns)
        is_withheld = kind in (PieceKind.SEALED, PieceKind.CUT)
        if until_ns - from_ns < (1 if is_withheld else TICK_NS):
            continue
        cards.append((kind, word, from_ns, until_ns))
        at_ns = until_ns
    return cards


def _card_ticks(kind: PieceKind, span_ticks: int, lead: int | None) -> int:
    """Length of a card. `lead`: lattice tick after it - film tick before it, for the alignment."""
    if kind is PieceKind.SEALED or (kind is PieceKind.BREAK and span_ticks * TICK_NS <= LONGEST_BREAK_NS):
        return span_ticks
    wanted = LONG_BREAK_CARD_TICKS if kind is PieceKind.BREAK else PAUSE_CARD_TICKS
    if lead is None:
        return wanted
    half = ALIGNMENT_TICKS // 2
    return wanted - half + (lead - wanted + half) % ALIGNMENT_TICKS


def _ticks(span_ns: int) -> int:
    return (max(span_ns, 0) + TICK_NS // 2) // TICK_NS

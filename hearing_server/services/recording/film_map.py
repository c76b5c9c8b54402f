"""The map that the composer wrote beside a film: its chapters, who speaks when, whose tracks there are."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from hearing_server.domain.recording.single_tracks import Shown
from hearing_server.kernel import PersonId

# An act this long before the film's beginning belongs to it: the opening is ordered before the first frame.
_BEFORE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Chapter:
    """A stretch of the film: hearing, pause (`reason` says which), break, sealed, cut."""

    from_s: float
    until_s: float
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class Speech:
    """Somebody speaks."""

    name: str
    from_s: float
    until_s: float


@dataclass(frozen=True, slots=True)
class OfferedTrack:
    """A person's track that the film holds, and where in it: (from_s, until_s)."""

    person_id: PersonId
    shown: Shown
    spans: tuple[tuple[float, float], ...]


class FilmMap:
    """Reads the map beside `film`; a film without one has no moments. Blocking."""

    def __init__(self, film: Path) -> None:
        try:
            content = json.loads(film.with_name(film.name + ".timeline.json").read_bytes())
        except (OSError, ValueError):
            content = {}
        self._content: dict[str, Any] = content if isinstance(content, dict) else {}

    def chapters(self) -> Iterator[Chapter]:
        for piece in self._content.get("pieces", ()):
            yield Chapter(piece["film_from_s"], piece["film_until_s"], piece["kind"], piece["reason"])

    def speech(self, names: dict[PersonId, str]) -> Iterator[Speech]:
        """By people whose name is known."""
        for span in self._content.get("speech", ()):
            name = names.get(PersonId(span["identity"]))
            if name is not None:
                yield Speech(name, span["from_s"], span["until_s"])

    def tracks(self) -> Iterator[OfferedTrack]:
        """In the order of the film's list."""
        for one in self._content.get("tracks", ()):
            spans = tuple((float(first), float(last)) for first, last in one["spans"])
            yield OfferedTrack(PersonId(one["identity"]), Shown(one["source"]), spans)

    def film_s(self, at: datetime) -> float | None:
        """The film's second of a moment; a moment inside a card is the card's beginning."""
        for piece in self._content.get("pieces", ()):
            start, end = datetime.fromisoformat(piece["utc_from"]), datetime.fromisoformat(piece["utc_until"])
            if at < start:
                return float(piece["film_from_s"]) if (start - at).total_seconds() < _BEFORE_S else None
            if at <= end:
                if piece["kind"] != "hearing":
                    return float(piece["film_from_s"])
                return float(piece["film_from_s"]) + (at - start).total_seconds()
        return None

"""One person's camera, screen or voice alone: a film of the same length that shows nothing else.

Same clocks, same cards, same sealed spans as the film; so several of them run in step with it and with each other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from recorder.account.manifest import RecordedTrack
from recorder.film.timeline import FILM_RATE_HZ, TICK_NS, PieceKind, Timeline
from recorder.withheld import Spans
from signaling.sink import TrackInfo

# Who comes back after a moment was there all the time, as far as a list of tracks is concerned.
JOINS_TICKS = FILM_RATE_HZ


class Shown(StrEnum):
    """What is shown of a person. CAMERA: with the voice; VOICE: a plate with name and clock."""

    CAMERA = "camera"
    SCREEN = "screen"
    VOICE = "voice"


_SHOWN_OF_SOURCE = {"camera": Shown.CAMERA, "screen": Shown.SCREEN, "microphone": Shown.VOICE}


@dataclass(frozen=True, slots=True)
class SingleTrack:
    """Whose, and what of them."""

    identity: str
    shown: Shown

    def is_of(self, info: TrackInfo) -> bool:
        """Whether a recorded track is this person's: all of them set the person's clock."""
        return info.identity == self.identity

    def shows(self, info: TrackInfo) -> bool:
        """Whether its pictures are painted."""
        return info.identity == self.identity and info.source == self.shown and info.kind == "video"

    def hears(self, info: TrackInfo) -> bool:
        """Whether its sound is mixed."""
        return (
            info.identity == self.identity and info.kind == "audio" and info.source != "screen"
        ) and self.shown is not Shown.SCREEN


def offered_tracks(tracks: Iterable[RecordedTrack], timeline: Timeline) -> list[dict[str, Any]]:
    """What a viewer may choose: {identity, source, spans [[from_s, until_s]]} in film seconds, as people came.

    What lies in a card alone (a sealed span, a pause) is not offered: that it exists is no one's business.
    """
    found: dict[tuple[str, Shown], list[tuple[int, int]]] = {}
    for track in sorted(tracks, key=lambda one: (one.started_ns, one.number)):
        shown = _SHOWN_OF_SOURCE.get(track.info.source)
        spans = _in_film(track, timeline)
        if shown is not None and spans:
            found.setdefault((track.info.identity, shown), []).extend(spans)
    return [
        {
            "identity": identity,
            "source": shown.value,
            "spans": [[first / FILM_RATE_HZ, (last - JOINS_TICKS) / FILM_RATE_HZ] for first, last in joined],
        }
        for (identity, shown), spans in found.items()
        for joined in (Spans.of((first, last + JOINS_TICKS) for first, last in spans).spans,)
    ]


def _in_film(track: RecordedTrack, timeline: Timeline) -> list[tuple[int, int]]:
    """Where a track stands in the film, in ticks."""
    spans = []
    for piece in timeline.pieces:
        first_ns, last_ns = max(track.started_ns, piece.from_ns), min(track.ended_ns, piece.until_ns)
        if piece.kind is PieceKind.HEARING and first_ns < last_ns:
            first = piece.film_tick + (first_ns - piece.from_ns) // TICK_NS
            last = piece.film_tick - (piece.from_ns - last_ns) // TICK_NS
            spans.append((first, last))
    return spans

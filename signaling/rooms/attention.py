"""Whom a viewer is shown and whose voice passes when a room holds more than anybody can watch. Pure.

A court is no meeting: who presides, who speaks, what is shown and whom a viewer looks at on purpose are never taken
off the screen (`Candidate.is_must`). The places that are left go to those who spoke last (Jitsi's LastN), and a
picture that came stays a while, so that faces do not flap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from signaling.grants import Standing

PictureKey = tuple[str, str]  # (identity, source)

HOLD_MS: Final = 5000.0  # a face that came stays this long: shorter and a quick exchange flickers
MAX_PINS: Final = 2  # a stage shows one picture, at most two side by side; more of one size is a gallery
LEAST_VOICES: Final = 3  # however many sit on the bench, this many others are heard (Jitsi's loudest three)
TALKING_MS: Final = 800.0  # a pause between two words: whoever spoke since then still talks
STAY_DB: Final = 3.0  # a voice that passes is replaced only by one this much louder
NEVER_MS: Final = float("-inf")
SILENCE_DB: Final = -127.0  # the quietest a packet can tell (RFC 6464)

_STANDING_RANK: Final = {Standing.BENCH: 0, Standing.PARTY: 1, Standing.OBSERVER: 2}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A picture one viewer could be shown now. `spoke_ms`: when its person last had the floor, NEVER_MS if not yet."""

    key: PictureKey
    standing: Standing = Standing.PARTY
    spoke_ms: float = NEVER_MS
    has_floor: bool = False
    is_pinned: bool = False

    @property
    def is_screen(self) -> bool:
        return self.key[1] == "screen"

    @property
    def is_must(self) -> bool:
        """Never dropped for the number's sake."""
        return self.is_screen or self.has_floor or self.is_pinned or self.standing is Standing.BENCH

    @property
    def urgency(self) -> int:
        """Order in which pictures get their share of a line, lowest first; voices come before all of them."""
        if self.is_screen:
            return 0
        if self.has_floor:
            return 1
        return {True: 2, False: 3 + _STANDING_RANK[self.standing]}[self.is_pinned]


class PictureChoice:
    """Which pictures one viewer is shown; remembers since when, for the hysteresis."""

    __slots__ = ("_since_ms",)

    def __init__(self) -> None:
        self._since_ms: dict[PictureKey, float] = {}

    def choose(self, candidates: Sequence[Candidate], limit: int, now_ms: float) -> frozenset[PictureKey]:
        """The pictures to show: every must, then as many others as `limit` leaves places for.

        `limit` 0 is a viewer that wants no picture at all: nothing, musts neither. Candidates come in a stable
        order (that of their arrival), which decides between equals.
        """
        if limit <= 0:
            self._since_ms.clear()
            return frozenset()
        since = self._since_ms
        musts = [each.key for each in candidates if each.is_must]
        others = sorted((each for each in candidates if not each.is_must), key=self._rank)
        places = max(0, limit - len(musts))
        young = [each.key for each in others if now_ms - since.get(each.key, NEVER_MS) < HOLD_MS]
        kept = young[:places]
        fresh = [each.key for each in others if each.key not in kept]
        shown = frozenset((*musts, *kept, *fresh[: places - len(kept)]))
        self._since_ms = {key: since.get(key, now_ms) for key in shown}
        return shown

    def _rank(self, candidate: Candidate) -> tuple[bool, float, bool]:
        """Parties before observers, then who spoke last, then who is shown already."""
        is_observer = candidate.standing is Standing.OBSERVER
        return is_observer, -candidate.spoke_ms, candidate.key not in self._since_ms


def pinned(wishes_px: Mapping[PictureKey, int]) -> frozenset[PictureKey]:
    """What a viewer looks at on purpose: the pictures it shows taller than all the others.

    `wishes_px` holds the wished height of every picture offered to this viewer (0: none, or nothing said). More than
    MAX_PINS of the greatest height are a gallery: nobody stands out there.
    """
    tallest_px = max(wishes_px.values(), default=0)
    found = frozenset(key for key, wish_px in wishes_px.items() if wish_px == tallest_px)
    return found if tallest_px > 0 and len(found) <= MAX_PINS else frozenset()


@dataclass(frozen=True, slots=True)
class Voice:
    """An open microphone. `spoke_ms` is None when its packets tell no loudness: then it cannot be judged."""

    identity: str
    standing: Standing
    spoke_ms: float | None
    loudness_db: float  # negative dBov; louder is greater


def silenced(voices: Iterable[Voice], limit: int, before: frozenset[str], now_ms: float) -> frozenset[str]:
    """Whose voices do not pass while more than `limit` microphones are open; `before` was the last answer.

    Nobody is cut off below the limit. Above it the bench always passes, as does a voice that cannot be judged; the
    other places go to the loudest of those who talk, then to those who talked last.
    """
    heard = list(voices)
    if len(heard) <= limit:
        return frozenset()
    judged = [each for each in heard if each.standing is not Standing.BENCH and each.spoke_ms is not None]
    places = max(LEAST_VOICES, limit - (len(heard) - len(judged)))

    def rank(voice: Voice) -> tuple[bool, float, float]:
        spoke_ms = NEVER_MS if voice.spoke_ms is None else voice.spoke_ms
        stays = voice.identity not in before
        if now_ms - spoke_ms < TALKING_MS:
            return False, -voice.loudness_db - (STAY_DB if stays else 0.0), 0.0
        return True, -spoke_ms, 0.0 if stays else 1.0

    return frozenset(each.identity for each in sorted(judged, key=rank)[places:])


class Attention:
    """What a room looks at: who has the floor, who had it last, who presides. One per room."""

    __slots__ = ("_spoke_ms", "_standings", "last_n", "silenced", "speaker")

    def __init__(self, *, last_n: int = 1000) -> None:
        self.last_n = last_n
        self.speaker: str | None = None
        self.silenced: frozenset[str] = frozenset()
        self._standings: dict[str, Standing] = {}
        self._spoke_ms: dict[str, float] = {}

    def seated(self, identity: str, standing: Standing) -> None:
        """Somebody took a seat (again)."""
        self._standings[identity] = standing

    def left(self, identity: str) -> None:
        """Somebody's seat is gone, and with it what is remembered."""
        self._standings.pop(identity, None)
        self._spoke_ms.pop(identity, None)
        self.silenced -= {identity}
        if self.speaker == identity:
            self.speaker = None

    def floor(self, speaker: str | None, now_ms: float) -> None:
        """Every 100 ms: who has the floor now."""
        self.speaker = speaker
        if speaker is not None:
            self._spoke_ms[speaker] = now_ms

    def standing(self, identity: str) -> Standing:
        return self._standings.get(identity, Standing.PARTY)

    def candidate(self, key: PictureKey, *, is_pinned: bool) -> Candidate:
        """A picture with what the room knows of its person."""
        identity = key[0]
        return Candidate(
            key,
            self.standing(identity),
            self._spoke_ms.get(identity, NEVER_MS),
            has_floor=identity == self.speaker,
            is_pinned=is_pinned,
        )

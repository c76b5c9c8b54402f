"""What one viewer wants to see, what of it it is shown now, and the word it gets when that changes."""

from collections.abc import Callable, Iterable
from typing import Final

from signaling.publishing.publication import Publication
from signaling.rooms.attention import Attention, Candidate, PictureChoice, PictureKey, pinned

DEFAULT_HEIGHT_PX: Final = 1080  # until the viewer says what it shows: the best layer that fits
UNSEEN: Final = 6  # as urgency: after every picture that is a candidate
MAX_WISHES: Final = 256  # twice the m-lines of a connection; beyond it the oldest wish is forgotten

OnPictures = Callable[[tuple[PictureKey, ...], str | None], None]


class Showing:
    """The wishes of one viewer and the room's attention, brought together.

    `on_pictures(shown, because)` hears the pictures this viewer is sent (muted ones stay in the list: no line is saved
    there), and why others are not: "network", "count", or None.
    """

    def __init__(self, attention: Attention, on_pictures: OnPictures) -> None:
        self._attention = attention
        self._on_pictures = on_pictures
        self._heights: dict[PictureKey, int] = {}
        self._max_pictures: int | None = None
        self._choice = PictureChoice()
        self._candidates: dict[PictureKey, Candidate] = {}
        self._chosen: frozenset[PictureKey] = frozenset()
        self._told: tuple[tuple[PictureKey, ...], str | None] | None = None

    # Wishes

    def prefer(self, identity: str, source: str, max_height_px: int) -> None:
        """How tall the viewer shows one source; 0: not at all."""
        self._heights[identity, source] = max_height_px
        while len(self._heights) > MAX_WISHES:
            del self._heights[next(iter(self._heights))]

    def limit(self, max_pictures: int | None) -> None:
        """Fewer pictures than the room would send (those never dropped not counted); 0: none at all, None: no wish."""
        self._max_pictures = max_pictures

    def forget_told(self) -> None:
        """The seat changed hands: say it again."""
        self._told = None

    @property
    def _limit(self) -> int:
        most = self._attention.last_n
        return most if self._max_pictures is None else min(most, self._max_pictures)

    def wish_px(self, publication: Publication) -> int:
        """How tall a picture (or, above 0, whether a voice) this viewer gets now; 0: it is not sent."""
        key = publication.identity, publication.source
        if not publication.is_video:
            is_heard = publication.identity not in self._attention.silenced
            return self._heights.get(key, DEFAULT_HEIGHT_PX) if is_heard else 0
        if publication.is_flowing and key not in self._chosen:
            return 0
        return self._heights.get(key, DEFAULT_HEIGHT_PX)

    def urgency(self, publication: Publication) -> int:
        """Order in which sources get their share of the line, lowest first: voices, then as attention has it."""
        if not publication.is_video:
            return -1
        candidate = self._candidates.get((publication.identity, publication.source))
        return candidate.urgency if candidate is not None else UNSEEN

    def is_vital(self, publication: Publication) -> bool:
        """Voices and whom the court must see: sent even when the line has no room."""
        candidate = self._candidates.get((publication.identity, publication.source))
        return not publication.is_video or (candidate is not None and candidate.is_must)

    # Choosing

    def choose(self, publications: Iterable[Publication], now_ms: float) -> None:
        """Which of the pictures offered to this viewer it is shown. Muted and unwanted ones take nobody's place."""
        pictures = {(each.identity, each.source): each for each in publications if each.is_video}
        pins = pinned({key: self._heights.get(key, 0) for key in pictures})
        self._candidates = {
            key: self._attention.candidate(key, is_pinned=key in pins)
            for key, publication in pictures.items()
            if publication.is_flowing and self._heights.get(key, DEFAULT_HEIGHT_PX) > 0
        }
        self._chosen = self._choice.choose(tuple(self._candidates.values()), self._limit, now_ms)

    def tell(self, publications: Iterable[Publication], starved: frozenset[PictureKey]) -> None:
        """After the layers were chosen: say what is shown if that changed. `starved`: no room on the line for these."""
        wanted = frozenset(
            (each.identity, each.source)
            for each in publications
            if each.is_video and self._heights.get((each.identity, each.source), DEFAULT_HEIGHT_PX) > 0
        )
        dropped = self._candidates.keys() - self._chosen
        if self._max_pictures == 0:
            wanted, dropped = frozenset(), set()
        because = "network" if starved else "count" if dropped else None
        now = tuple(sorted(wanted - dropped - starved)), because
        if now != self._told:
            self._told = now
            self._on_pictures(*now)

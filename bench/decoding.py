"""Which pictures a browser can show from the packets that came.

VP8 in temporal layers: a base picture needs the base picture before it, a sync picture the base of its own group, any
other one every picture of its group up to it (as libwebrtc finds references from picture id, TL0PICIDX and the sync
bit). A picture that never comes and that nobody needs is skipped; one that comes behind a newer one is not shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

# libwebrtc counts a freeze when a picture comes 150 ms later than the usual 33 ms.
FREEZE_S: Final = 0.033 + 0.15
_HELD: Final = 2048  # packets waiting behind a hole; beyond it the oldest go
_PICTURES: Final = 256  # pictures waiting for their reference; beyond it the oldest go


class Part(NamedTuple):
    """What one packet says about its picture. `picture` has 15 bits, `base` (TL0PICIDX) 8."""

    is_first: bool
    is_last: bool
    is_key: bool
    picture: int
    base: int
    temporal: int
    is_sync: bool


def read_part(payload: bytes, marker: bool) -> Part:
    """A VP8 payload with the long descriptor that `bench.phone` writes."""
    if len(payload) < 7:
        return Part(False, marker, False, 0, 0, 0, False)
    is_first = payload[0] & 0x10 != 0
    return Part(
        is_first,
        marker,
        is_first and payload[6] & 1 == 0,
        (payload[2] & 0x7F) << 8 | payload[3],
        payload[4],
        payload[5] >> 6,
        payload[5] & 0x20 != 0,
    )


@dataclass(slots=True)
class Stillness:
    """How long the newest picture stood beyond what counts as running."""

    frozen_s: float = 0.0
    shown_s: float | None = None
    _is_covered: bool = False

    def show(self, now_s: float) -> None:
        """A new picture is there."""
        self.frozen_s, self.shown_s = self.until(now_s), now_s

    def cover(self, is_covered: bool, now_s: float) -> None:
        """Behind a plate nothing freezes."""
        if is_covered:
            self.frozen_s = self.until(now_s)
        self._is_covered, self.shown_s = is_covered, now_s

    def until(self, now_s: float) -> float:
        """Frozen seconds so far, the freeze that lasts included."""
        if self.shown_s is None or self._is_covered:
            return self.frozen_s
        lasting = now_s - self.shown_s
        return self.frozen_s + (lasting if lasting > FREEZE_S else 0.0)


class _Picture(NamedTuple):
    """A whole picture; numbers unwrapped."""

    number: int
    group: int
    temporal: int
    is_sync: bool
    is_key: bool
    end: int  # place of the packet behind it


@dataclass(slots=True)
class TemporalDecoder:
    """Shows each picture whose references were shown, in order, and skips what nobody needs."""

    decoded_to: int = -1  # place of the packet behind the newest picture shown
    _parts: dict[int, Part] = field(default_factory=dict)
    _whole: dict[int, _Picture] = field(default_factory=dict)
    _last: int = -1  # newest picture shown
    _group: int = -1  # the newest base picture shown
    _run: int = -1  # all pictures of that group up to this one were shown

    @property
    def is_waiting(self) -> bool:
        """Whole pictures are here that cannot be shown."""
        return bool(self._whole)

    def packet(self, place: int, part: Part) -> int:
        """How many pictures it can show now that this packet is here."""
        if place < self.decoded_to:
            return 0
        self._parts[place] = part
        while len(self._parts) > _HELD:
            del self._parts[min(self._parts)]
        picture = self._completed(place)
        if picture is None:
            return 0
        self._whole[picture.number] = picture
        while len(self._whole) > _PICTURES:
            del self._whole[min(self._whole)]
        shown = 0
        while (
            found := next((each for _, each in sorted(self._whole.items()) if self._can(each)), None)
        ) is not None:
            self._show(found)
            shown += 1
        return shown

    def _completed(self, place: int) -> _Picture | None:
        parts, first, last = self._parts, place, place
        while first in parts and not parts[first].is_first:
            first -= 1
        while last in parts and not parts[last].is_last:
            last += 1
        if first not in parts or last not in parts:
            return None
        head = parts[first]
        for each in range(first, last + 1):
            del parts[each]
        number = head.picture if self._last < 0 else _unwrapped(head.picture, self._last, 15)
        group = head.base if self._group < 0 else _unwrapped(head.base, self._group, 8)
        if number <= self._last:
            return None
        return _Picture(number, group, head.temporal, head.is_sync, head.is_key, last + 1)

    def _can(self, picture: _Picture) -> bool:
        if picture.is_key:
            return True
        if self._group < 0:
            return False
        if picture.temporal == 0:
            return picture.group == self._group + 1
        if picture.group != self._group:
            return False
        return picture.is_sync or picture.number == self._run + 1

    def _show(self, picture: _Picture) -> None:
        if picture.is_key or picture.temporal == 0:
            self._group, self._run = picture.group, picture.number
        elif picture.number == self._run + 1:
            self._run = picture.number
        self._last, self.decoded_to = picture.number, max(self.decoded_to, picture.end)
        for number in [each for each in self._whole if each <= picture.number]:
            del self._whole[number]
        for place in [each for each in self._parts if each < self.decoded_to]:
            del self._parts[place]


def _unwrapped(number: int, newest: int, bits: int) -> int:
    """The value nearest to `newest` whose low bits these are."""
    half, turn = 1 << bits - 1, 1 << bits
    return newest + (number - newest + half) % turn - half

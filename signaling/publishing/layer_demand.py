"""Which simulcast layers a publisher has to send: what viewers want and what a record needs. Pure.

A layer nobody watches costs its sender's uplink and battery and us a decryption per packet. It is asked for again at
once when somebody wants it, and given up only after a while, so that a resized window does not start and stop cameras.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

PAUSE_AFTER_MS: Final = 5000.0  # LiveKit's dynacast
ARRIVING_MS: Final = 300.0  # several pictures of the slowest camera
RETURN_MS: Final = 2000.0  # round trip, encoder, first key frame; later than this a layer is not waited for

# What a court camera costs when nothing could be measured: 150 kbit/s at 180 lines, 500 at 360, 1700 at 720.
_SMALL_PX: Final = 180
_SMALL_BPS: Final = 150_000.0
_GROWTH: Final = 1.75

Rid = str | None  # None: the only layer of a track without simulcast
Rids = frozenset[Rid]


@dataclass(frozen=True, slots=True)
class LayerSeen:
    """A layer that came at least once. A resting one keeps the rate it had."""

    rid: Rid
    height_px: int  # 0 when not known
    bitrate_bps: float
    is_ready: bool  # it comes, or rests at our word and would


@dataclass(frozen=True, slots=True)
class Want:
    """What one viewer wants of a picture: a layer it saw offered, or (None) the smallest.

    `taller` says that it would take a taller one than any that ever came.
    """

    rid: Rid = None
    taller: bool = False


def wanted_rids(
    offered: Sequence[str], seen: Iterable[LayerSeen], wants: Iterable[Want], *, is_recorded: bool
) -> Rids:
    """The layers to send, of those `offered` (empty: no simulcast); nothing when nobody watches or records.

    The smallest one stays as long as anybody watches: it is the step down when a line gets bad, and costs a tenth.
    A record takes the best there is; while a browser holds that back, the next ones down to one that comes.
    """
    wishes = list(wants)
    if not wishes and not is_recorded:
        return frozenset()
    if not offered:
        return frozenset({None})
    known = sorted(
        (each for each in seen if each.rid in offered), key=lambda each: (each.height_px, each.bitrate_bps)
    )
    unknown = frozenset(offered).difference(each.rid for each in known)
    if not known:
        return unknown
    wanted = {known[0].rid, *(wish.rid for wish in wishes if wish.rid in offered)}
    for best in reversed(known if is_recorded else []):
        wanted.add(best.rid)
        if best.is_ready:
            break
    if is_recorded or any(wish.taller for wish in wishes):
        wanted |= unknown
    return frozenset(wanted)


def usual_bps(height_px: int) -> float:
    """What a layer of this height usually takes; of an unknown one (0) what a middle one does."""
    return float(_SMALL_BPS * ((height_px or 2 * _SMALL_PX) / _SMALL_PX) ** _GROWTH)


class LayerDemand:
    """What one publication's sender was told, and since when a layer has been idle."""

    __slots__ = ("_all", "_idle_since_ms", "told")

    def __init__(self, offered: Sequence[str]) -> None:
        self._all: Rids = frozenset(offered) if offered else frozenset({None})
        self._idle_since_ms: dict[Rid, float] = {}
        self.told: Rids = self._all  # a sender that was told nothing sends everything

    @property
    def is_all(self) -> bool:
        return self.told == self._all

    @property
    def resting(self) -> Rids:
        """The layers that the sender was told not to send."""
        return self._all - self.told

    def update(self, wanted: Rids, now_ms: float, pause_after_ms: float = PAUSE_AFTER_MS) -> bool:
        """Take what is wanted now; True when the sender has to be told `told` anew."""
        before = self.told
        still: set[Rid] = set()
        for rid in self._all:
            if rid in wanted:
                self._idle_since_ms.pop(rid, None)
                still.add(rid)
            elif now_ms - self._idle_since_ms.setdefault(rid, now_ms) < pause_after_ms and rid in before:
                still.add(rid)
        self.told = frozenset(still)
        return self.told != before

    def order(self) -> tuple[str, ...] | None:
        """As it is said to the sender: None is everything, () nothing."""
        return None if self.is_all else tuple(sorted(rid for rid in self.told if rid is not None))


class LayerRest:
    """What one layer's sender was last told about it, and the rate to expect while nothing can be measured."""

    __slots__ = ("_told_ms", "expected_bps", "is_off")

    def __init__(self) -> None:
        self.is_off = False
        self.expected_bps = 0.0
        self._told_ms = -1.0

    def told(self, *, off: bool, measured_bps: float, now_ms: float) -> None:
        """The sender was told to stop, or to go on."""
        self.is_off = off
        self._told_ms = now_ms
        self.expected_bps = max(self.expected_bps, measured_bps)

    def is_arriving(self, last_arrival_ms: float, now_ms: float) -> bool:
        """Whether packets come since then. True for a layer of which nothing was ever said: its rate shows it."""
        if self._told_ms < 0:
            return True
        return last_arrival_ms > self._told_ms and now_ms - last_arrival_ms < ARRIVING_MS

    def is_coming(self, last_arrival_ms: float, now_ms: float) -> bool:
        """Arriving, or asked for so lately that it will."""
        return self.is_due(now_ms) or self.is_arriving(last_arrival_ms, now_ms)

    def is_due(self, now_ms: float) -> bool:
        """Asked for a moment ago."""
        return not self.is_off and 0.0 <= self._told_ms > now_ms - RETURN_MS

    def owes(self, now_ms: float, patience_ms: float) -> bool:
        """Whether silence of this layer means anything: it was not told to rest, nor just now to go on."""
        return not self.is_off and (self._told_ms < 0 or now_ms - self._told_ms > patience_ms)

    def settle(self, measured_bps: float, now_ms: float) -> None:
        """Once it has run long enough after a rest, it is as any other."""
        if not self.is_off and self._told_ms >= 0 and measured_bps > 0 and now_ms - self._told_ms > RETURN_MS:
            self._told_ms, self.expected_bps = -1.0, 0.0

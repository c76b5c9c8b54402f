"""What losses say about a line when every packet is accounted for: congestion without a queue, or just bad radio.

A policer drops what is too much and delays nothing, so losses must count. A radio line loses a share whatever is sent,
so they must not count for ever: when sending less did not lessen the loss, it is the line's own.
"""

from __future__ import annotations

from collections import deque
from typing import Final

FREE: Final = float("inf")
LOW_LOSS: Final = 0.02
HIGH_LOSS: Final = 0.10
INTERVAL_MS: Final = 500.0
LEAST_PACKETS: Final = 30  # three lost of thirty prove little, one of ten nothing
LONGEST_INTERVAL_MS: Final = 2000.0
# A burst of 300 ms spoils one interval, or two by less than HEAVY_LOSS. What overruns a line by half is cut at once;
# moderate loss is more often the radio's, and has three seconds to show that it stays.
HEAVY_LOSS: Final = 0.45
HEAVY_INTERVALS: Final = 2
BAD_INTERVALS: Final = 6
COMPARED: Final = 4  # intervals before and after a cut; a burst spoils one or two of them
SENT_LESS: Final = 0.9  # of the rate at the cut: then the loss may be compared
STILL_LOST: Final = 0.35  # of the loss at the cut: congestion would have ended, so it was not ours
BACK_OFF: Final = 0.85  # of what got through, so that congestion really ends and the question is answered
REMEMBERED: Final = 8  # intervals; bursts spoil the worst of them, so the better half tells what is usual
SETTLE: Final = 2  # intervals after a cut: what was lost before still comes in, layers change at key frames
MOST_OWN_LOSS: Final = 0.4  # beyond it nothing is watchable, whoever is to blame
OWN_LOSS_DRIFT: Final = 0.1  # once known it follows the line
OWN_LOSS_AIR: Final = 0.5  # a line that loses a fifth loses a third now and then
GROWTH: Final = 1.05


class LossBound:
    """`limit_bps`: an upper bound, FREE while losses say nothing. `own_loss`: what the line loses by itself, 0..1."""

    __slots__ = (
        "_bad",
        "_began_ms",
        "_cut",
        "_floor_bps",
        "_heavy",
        "_lost",
        "_ratios",
        "_since_cut",
        "_total",
        "limit_bps",
        "loss_ratio",
        "own_loss",
    )  # fmt: skip

    def __init__(self, *, floor_bps: float) -> None:
        self.limit_bps = FREE
        self.loss_ratio = 0.0  # of the last interval
        self.own_loss = 0.0
        self._floor_bps = floor_bps
        self._lost = self._total = self._bad = self._heavy = 0
        self._began_ms = -1.0
        self._ratios: deque[float] = deque(maxlen=REMEMBERED)
        self._cut: tuple[float, float] | None = None  # (loss ratio, sent bps) when the bound was last lowered
        self._since_cut = 0  # intervals

    @property
    def usual_loss(self) -> float:
        """What was lost lately with bursts left out, whoever is to blame, 0..1."""
        lately = sorted(self._ratios)
        return lately[(len(lately) - 1) // 2] if len(lately) >= COMPARED else 0.0

    def feedback(
        self, lost: int, total: int, sent_bps: float, acked_bps: float | None, now_ms: float
    ) -> bool:
        """`lost` of `total` packets since the last call; what was sent and what arrived lately. True: just lowered."""
        if self._began_ms < 0:
            self._began_ms = now_ms
        self._lost += lost
        self._total += total
        elapsed_ms = now_ms - self._began_ms
        is_full = elapsed_ms >= INTERVAL_MS and self._total >= LEAST_PACKETS
        if not is_full and elapsed_ms < LONGEST_INTERVAL_MS:
            return False
        ratio = max(0, self._lost) / self._total if self._total > 0 else 0.0
        self._lost = self._total = 0
        self._began_ms = now_ms
        self.loss_ratio = ratio
        return self._interval(ratio, sent_bps, acked_bps)

    def proved(self, bitrate_bps: float) -> None:
        """A probe got this much through without more loss."""
        if self.limit_bps < bitrate_bps:
            self.limit_bps = bitrate_bps

    def rested(self) -> None:
        """A second in which nothing was sent."""
        self.limit_bps *= GROWTH

    def _interval(self, ratio: float, sent_bps: float, acked_bps: float | None) -> bool:
        self._ratios.append(ratio)
        self._learn_own(sent_bps)
        excess = ratio - self.own_loss
        if excess <= HIGH_LOSS + OWN_LOSS_AIR * self.own_loss:
            self._bad = self._heavy = 0
            if self.own_loss > 0:
                self.own_loss += OWN_LOSS_DRIFT * excess
            if excess < LOW_LOSS and self.limit_bps != FREE:
                self.limit_bps *= GROWTH
            return False
        self._bad += 1
        self._heavy = self._heavy + 1 if excess > HEAVY_LOSS else 0
        is_heavy = self._heavy >= HEAVY_INTERVALS
        if acked_bps is None or (self._bad < BAD_INTERVALS and not is_heavy):
            return False
        self._bad = self._heavy = 0
        bound_bps = max(BACK_OFF * acked_bps / (1 - self.own_loss), self._floor_bps)
        if bound_bps >= self.limit_bps:
            return False
        self.limit_bps = bound_bps
        self._cut = self._steadily(HEAVY_INTERVALS if is_heavy else COMPARED), sent_bps
        self._since_cut = 0
        return True

    def _steadily(self, intervals: int) -> float:
        """Mean loss of the last intervals, bursts left out: the worst quarter (at least one) does not count."""
        lately = sorted(list(self._ratios)[-intervals:])
        counted = lately[: max(1, len(lately) * 3 // 4)]
        return sum(counted) / len(counted)

    def _learn_own(self, sent_bps: float) -> None:
        cut = self._cut
        if cut is None:
            return
        self._since_cut += 1
        if self._since_cut < SETTLE + COMPARED or sent_bps > SENT_LESS * cut[1]:
            return
        self._cut = None
        steadily = self._steadily(COMPARED)
        if STILL_LOST * cut[0] <= steadily <= MOST_OWN_LOSS:
            self.own_loss = max(self.own_loss, steadily)
            self.limit_bps = FREE

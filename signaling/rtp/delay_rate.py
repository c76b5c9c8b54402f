"""The bitrate one line carries, by its delay (AIMD, draft-ietf-rmcat-gcc-02 section 5.5).

Up while no queue grows; below what got through when one does.
"""

from __future__ import annotations

import math
from typing import Final

from signaling.rtp.delay_trend import Usage

BACK_OFF: Final = 0.85  # of what got through: less would waste the line, more would not empty the queue
# One decision lowers to no less than this share of what got through lately: while little is sent, little arrives, and
# that says nothing about the line. A line that really became that thin is found with the next decisions.
LEAST_SHARE: Final = 0.5
PASSED_KEPT_PER_S: Final = 0.8
GROWTH_PER_S: Final = 1.08
APPLICATION_SHARE: Final = 1.5  # nothing is known about a line beyond what was sent over it
APPLICATION_AIR_BPS: Final = 10_000.0
PACKET_BITS: Final = 1200 * 8.0  # near the known capacity: one packet per response time
RESPONSE_MS: Final = 100.0  # feedback interval and decision, added to the round trip
LEAST_GROWTH_BPS_PER_S: Final = 4000.0
CAPACITY_SMOOTHING: Final = 0.05
CAPACITY_WIDTHS: Final = 3.0  # beyond three deviations the known capacity is history
LONGEST_STEP_MS: Final = 1000.0


class DelayRate:
    """`limit_bps`, moved by one `update` per feedback."""

    __slots__ = (
        "_capacity_bps", "_ceiling_bps", "_deviation", "_floor_bps", "_passed_bps", "_updated_ms", "limit_bps",
    )  # fmt: skip

    def __init__(self, *, start_bps: float, floor_bps: float, ceiling_bps: float) -> None:
        self.limit_bps = float(start_bps)
        self._passed_bps = 0.0  # the most that got through lately
        self._floor_bps = floor_bps
        self._ceiling_bps = ceiling_bps
        self._capacity_bps: float | None = None  # mean of what got through when a queue grew
        self._deviation = 0.4  # of it, in kbit/s squared over its size, as the draft's variance
        self._updated_ms = -1.0

    def update(self, usage: Usage, acked_bps: float | None, rtt_ms: float, now_ms: float) -> float:
        """One feedback: the new limit. `acked_bps` is what arrived lately, None while too little did."""
        since_ms = now_ms - self._updated_ms if self._updated_ms >= 0 else 0.0
        self._updated_ms = now_ms
        if acked_bps is not None:
            faded_bps = self._passed_bps * PASSED_KEPT_PER_S ** (since_ms / 1000)
            self._passed_bps = max(acked_bps, faded_bps)
        if usage is Usage.OVERUSE:
            if acked_bps is not None:
                self._back_off(acked_bps)
        elif usage is Usage.NORMAL:
            self._grow(acked_bps, rtt_ms, min(since_ms, LONGEST_STEP_MS))
        return self.limit_bps  # underuse: the queue empties; wait for it

    def proved(self, bitrate_bps: float) -> None:
        """A probe got this much through without a queue."""
        self.limit_bps = min(max(self.limit_bps, bitrate_bps), self._ceiling_bps)
        if self._capacity_bps is not None and bitrate_bps > self._capacity_bps:
            self._capacity_bps = None

    def rested(self) -> None:
        """A second in which nothing was sent: what is known grows stale."""
        self.limit_bps = min(GROWTH_PER_S * self.limit_bps, self._ceiling_bps)

    def _back_off(self, acked_bps: float) -> None:
        lowered_bps = max(BACK_OFF * acked_bps, LEAST_SHARE * min(self.limit_bps, self._passed_bps))
        if lowered_bps < self.limit_bps:
            self.limit_bps = max(lowered_bps, self._floor_bps)
        self._learn(acked_bps)

    def _learn(self, acked_bps: float) -> None:
        if self._capacity_bps is None or self._is_far(acked_bps):
            self._capacity_bps, self._deviation = acked_bps, 0.4
            return
        error_kbps = (acked_bps - self._capacity_bps) / 1000
        self._capacity_bps += CAPACITY_SMOOTHING * 1000 * error_kbps
        norm = max(self._capacity_bps / 1000, 1.0)
        moved = (1 - CAPACITY_SMOOTHING) * self._deviation + CAPACITY_SMOOTHING * error_kbps**2 / norm
        self._deviation = min(max(moved, 0.4), 2.5)

    def _is_far(self, bitrate_bps: float) -> bool:
        """Outside what the known capacity explains."""
        if self._capacity_bps is None:
            return True
        capacity_kbps = self._capacity_bps / 1000
        width_kbps = CAPACITY_WIDTHS * math.sqrt(self._deviation * capacity_kbps)
        return abs(bitrate_bps / 1000 - capacity_kbps) > width_kbps

    def _grow(self, acked_bps: float | None, rtt_ms: float, since_ms: float) -> None:
        if acked_bps is None:
            return
        most_bps = APPLICATION_SHARE * acked_bps + APPLICATION_AIR_BPS
        if self.limit_bps >= most_bps:
            return
        if (
            self._capacity_bps is not None
            and self.limit_bps > self._capacity_bps
            and self._is_far(self.limit_bps)
        ):
            self._capacity_bps = None  # it carries more than it did: search for the new end
        if self._capacity_bps is not None and not self._is_far(self.limit_bps):
            step_bps = (
                max(PACKET_BITS * 1000 / (rtt_ms + RESPONSE_MS), LEAST_GROWTH_BPS_PER_S) * since_ms / 1000
            )
        else:
            step_bps = self.limit_bps * (GROWTH_PER_S ** (since_ms / 1000) - 1)
        self.limit_bps = min(self.limit_bps + step_bps, most_bps, self._ceiling_bps)

"""When to believe a browser's REMB about its download.

Browsers estimate from what comes in (at most 1.5 times of it), so a thin stream looks like a thin line, and right
after a step up the estimate lags a second behind. It says something only when it stays below what is being sent.
"""

from typing import Final

BELIEVED_AFTER_MS: Final = 2500.0  # longer than the lag after a step up
BELIEVED_AT_ONCE: Final = 0.5  # half of what is sent: no lag explains that
FIRST_HOLD_MS: Final = 8_000.0  # then a better layer is tried again
LONGEST_HOLD_MS: Final = 60_000.0
FREE: Final = float("inf")


class RembGate:
    """Turns the stream of REMB messages into one limit, `limit_bps`, FREE when there is none."""

    __slots__ = ("_held_until_ms", "_hold_ms", "_low_since_ms", "limit_bps")

    def __init__(self) -> None:
        self.limit_bps = FREE
        self._low_since_ms: float | None = None
        self._held_until_ms = 0.0
        self._hold_ms = FIRST_HOLD_MS

    def heard(self, remb_bps: float, sent_bps: float, now_ms: float) -> float:
        """One REMB and what was really sent meanwhile; returns the limit."""
        if remb_bps >= sent_bps:
            self._low_since_ms = None
            if now_ms >= self._held_until_ms:
                if self.limit_bps == FREE and now_ms >= self._held_until_ms + LONGEST_HOLD_MS:
                    self._hold_ms = FIRST_HOLD_MS  # a minute without trouble
                self.limit_bps = FREE
            return self.limit_bps
        if self._low_since_ms is None:
            self._low_since_ms = now_ms
        if now_ms - self._low_since_ms >= BELIEVED_AFTER_MS or remb_bps < BELIEVED_AT_ONCE * sent_bps:
            if self.limit_bps == FREE:
                self._held_until_ms = now_ms + self._hold_ms
                self._hold_ms = min(self._hold_ms * 2, LONGEST_HOLD_MS)
            self.limit_bps = remb_bps
        return self.limit_bps

"""The time that escalation goes by: the wall clock, but a clock that jumps doesn't wake a court at night.

A machine whose clock is set an hour ahead would climb every ladder at once, set back it would press nobody for an hour.
A jump is believed when it has stood for a quarter of an hour; until then time goes on as the steady clock says.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from hearing_server.kernel import Clock

_log = logging.getLogger(__name__)
# NTP slews by milliseconds; a loop that was held up reads both clocks together, so this is never its doing.
_JUMP = timedelta(seconds=5)
_BELIEVED_AFTER_S = 15 * 60.0


class SteadyTime:
    """One per process; after a restart the wall clock is believed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wall = clock.utc_now()
        self._steady_s = clock.monotonic_s()
        self._doubted: tuple[datetime, float] | None = None

    def now(self) -> datetime:
        """Aware UTC; never behind what it said before while a jump is in doubt."""
        wall, steady_s = self._clock.utc_now(), self._clock.monotonic_s()
        expected = self._wall + timedelta(seconds=steady_s - self._steady_s)
        if abs(wall - expected) <= _JUMP:
            self._believe(wall, steady_s)
            return wall
        if self._doubted is None or not _agree(self._doubted, wall, steady_s):
            _log.warning(
                "the machine's clock jumped", extra={"by_s": round((wall - expected).total_seconds())}
            )
            self._doubted = (wall, steady_s)
        if steady_s - self._doubted[1] >= _BELIEVED_AFTER_S:
            self._believe(wall, steady_s)
            return wall
        return expected

    def _believe(self, wall: datetime, steady_s: float) -> None:
        self._wall, self._steady_s, self._doubted = wall, steady_s, None


def _agree(doubted: tuple[datetime, float], wall: datetime, steady_s: float) -> bool:
    """Whether the clock has gone on evenly since it jumped."""
    return abs(wall - doubted[0] - timedelta(seconds=steady_s - doubted[1])) <= _JUMP

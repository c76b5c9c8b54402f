"""How fast one connection's pictures may leave, and the pure path's pacer with the loop's clock.

The native thread keeps its own (`native/pace.c`); both follow `rtp.pacer`.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from signaling.rtp.pacer import FACTOR, Pacer
from signaling.watching.line_estimate import LineEstimate

PACE_STEP: Final = 0.05  # a rate that moved less is not told anew
STEP_MS: Final = 5.0  # not sooner than this: a timer per packet would cost more than it smooths


class Pacing:
    """Holds pictures' packets until their line has room. `send` of each is called once, or never after `close`."""

    __slots__ = ("_pacer", "_timer")

    def __init__(self) -> None:
        self._pacer: Pacer[Callable[[], None]] = Pacer()
        self._timer: asyncio.TimerHandle | None = None

    def pace(self, rate_bps: float) -> None:
        """What pictures may take from now on; 0: as much as they like."""
        self._pacer.pace(rate_bps)

    def holds(self, size_bytes: int, now_ms: float) -> bool:
        """False: send it now. True: give it to `put`."""
        return self._pacer.holds(size_bytes, now_ms)

    def put(self, send: Callable[[], None], size_bytes: int, now_ms: float, *, is_repeat: bool) -> None:
        """Send it later; repeats before what is new."""
        for each in self._pacer.put(send, size_bytes, now_ms, is_repeat=is_repeat):
            each()
        self._set_timer(now_ms)

    def close(self) -> None:
        """Forget what waits. Idempotent."""
        self._pacer.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set_timer(self, now_ms: float) -> None:
        due_ms = self._pacer.due_ms
        if self._timer is None and due_ms is not None:
            wait_ms = max(STEP_MS, due_ms - now_ms)
            self._timer = asyncio.get_running_loop().call_later(wait_ms / 1000, self._release)

    def _release(self) -> None:
        self._timer = None
        now_ms = time.monotonic_ns() / 1_000_000
        for send in self._pacer.release(now_ms):
            send()
        self._set_timer(now_ms)


class Pace:
    """What a viewer's pictures may take of its line, from its estimate; `tell` hears of changes."""

    __slots__ = ("_estimate", "_rate_bps", "_tell")

    def __init__(self, estimate: LineEstimate, tell: Callable[[float], None]) -> None:
        self._estimate = estimate
        self._tell = tell
        self._rate_bps = 0.0

    def update(self, sent_bps: float) -> None:
        """After feedback and reports. A little more than the line is known to carry, and than is sent anyway, or what
        waits would grow. Without feedback nothing is known, and nothing waits."""
        rate_bps = 0.0
        if self._estimate.is_live:
            pictures_bps = (
                sent_bps - self._estimate.voices_bps
            )  # voices do not wait, and have their share besides
            rate_bps = FACTOR * max(self._estimate.path.limit_bps, pictures_bps)
        if abs(rate_bps - self._rate_bps) > PACE_STEP * self._rate_bps:
            self._rate_bps = rate_bps
            self._tell(rate_bps)

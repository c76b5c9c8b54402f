"""When the rooms' clocks step: every 20 ms while something is going on, five times more rarely while all is well.

Each step of an idle process finds cold caches and costs several times what it costs in a loop, and most would find
nothing to do: whoever finds packets missing, the native thread or a stream of the Python path, wakes the clock.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

logger = logging.getLogger(__name__)

REST_S: Final = 0.1  # the speakers are looked at so often, and what is recorded is taken


class Pulse:
    """Calls `step` from `start` to `stop`, `step_s` after one that gave True, else `rest_s`.

    `wake` ends a rest: the next step comes `step_s` after the last one. What a step raises is logged.
    """

    def __init__(self, *, step_s: float, rest_s: float) -> None:
        self._step_s, self._rest_s = step_s, max(step_s, rest_s)
        self._loop = asyncio.get_running_loop()
        self._step: Callable[[], bool] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._stepped_s = 0.0
        self._is_resting = self._is_woken = False

    def start(self, step: Callable[[], bool]) -> None:
        self._step = step
        self._wait(is_lively=True)

    def stop(self) -> None:
        """No further step. Idempotent."""
        self._step = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def wake(self) -> None:
        """Something came that the next step should find."""
        if self._timer is None:
            self._is_woken = True
        elif self._is_resting:
            self._timer.cancel()
            self._is_resting = False
            self._timer = self._loop.call_at(self._stepped_s + self._step_s, self._run)

    def _run(self) -> None:
        self._timer, self._is_woken = None, False
        if self._step is None:
            return
        is_lively = True
        try:
            is_lively = self._step()
        except Exception:
            logger.exception("a step of the clock failed")
        if self._step is not None:
            self._wait(is_lively=is_lively or self._is_woken)

    def _wait(self, *, is_lively: bool) -> None:
        self._stepped_s = self._loop.time()
        self._is_resting = not is_lively
        self._timer = self._loop.call_later(self._step_s if is_lively else self._rest_s, self._run)

"""The real stack in simulated time: sockets of one process, and a clock that steps to the next timer when all rest.

What computing costs takes no time, so figures of bad lines do not depend on what else the machine does, and the same
seed meets nearly the same losses. Loopback sockets deliver within the call that sends, so nothing is in flight when all
rest. Only for one thread: the native forwarding thread has the real clock, so rooms must run without it.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

# Something outside of the loop (a thread that resolves, a process) may be waited for: then real time must pass.
_OUTSIDE_S: Final = 0.01

# So many turns of the loop in which work is ready and no time passes are ordinary.
_TURNS_AT_ONCE: Final = 1000

Result = TypeVar("Result")


class _Clock:
    def __init__(self) -> None:
        self.elapsed_s = 0.0


class _Steps(selectors.DefaultSelector):
    """Looks without waiting; when nothing is there the clock steps by what would have been waited."""

    def __init__(self, clock: _Clock) -> None:
        super().__init__()
        self._clock = clock
        self._turns_at_once = 0

    def select(self, timeout: float | None = None) -> Any:
        found = super().select(0)
        self._turns_at_once = self._turns_at_once + 1 if timeout == 0 and not found else 0
        if self._turns_at_once > _TURNS_AT_ONCE:
            # A timer that is due by less than the clock's grain asks again and again; real time would have moved on.
            self._clock.elapsed_s += 1e-6
        if found or timeout == 0:
            return found
        if timeout is None:
            return super().select(_OUTSIDE_S)
        self._clock.elapsed_s += max(timeout, 1e-6)
        return found


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, clock: _Clock) -> None:
        self._simulated = clock
        super().__init__(_Steps(clock))

    def time(self) -> float:
        return 1000.0 + self._simulated.elapsed_s


@contextmanager
def _clocks(clock: _Clock) -> Iterator[None]:
    """`time` tells the loop's time to everybody."""
    before = time.monotonic, time.monotonic_ns, time.time
    epoch_s = time.time()
    time.monotonic = lambda: 1000.0 + clock.elapsed_s
    time.monotonic_ns = lambda: round((1000.0 + clock.elapsed_s) * 1e9)
    time.time = lambda: epoch_s + clock.elapsed_s
    try:
        yield
    finally:
        time.monotonic, time.monotonic_ns, time.time = before


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """As `asyncio.run`."""
    clock = _Clock()
    with _clocks(clock), asyncio.Runner(loop_factory=lambda: _Loop(clock)) as runner:
        return runner.run(work)

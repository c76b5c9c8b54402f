"""Background loops of one process: each woken by its doorbell or by its timer, each surviving its own errors."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from hearing_server.ports.bus import Doorbell, EventBus

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Loop:
    """Run `work` every `every_s` seconds and at each bell of `bells`; it answers how many items it handled."""

    name: str
    work: Callable[[], Awaitable[int]]
    every_s: float
    bells: tuple[str, ...] = ()


class JobRunner:
    """Parent of all loops; stopping waits for the work in hand."""

    def __init__(self, bus: EventBus, loops: tuple[Loop, ...]) -> None:
        self._bus = bus
        self._loops = loops
        self._tasks: list[asyncio.Task[None]] = []
        self._ends: list[Callable[[], None]] = []

    def start(self) -> None:
        for loop in self._loops:
            wake = asyncio.Event()
            for kind in loop.bells:
                self._ends.append(self._bus.subscribe(kind, _waker(wake)))
            self._tasks.append(asyncio.create_task(_run(loop, wake), name=f"job-{loop.name}"))

    async def stop(self) -> None:
        for end in self._ends:
            end()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _waker(wake: asyncio.Event) -> Callable[[Doorbell], Awaitable[None]]:
    async def ring(_: Doorbell) -> None:
        wake.set()

    return ring


async def _run(loop: Loop, wake: asyncio.Event) -> None:
    while True:
        wake.clear()
        try:
            while await loop.work():
                pass
        except Exception:
            _log.exception("job failed; it is tried again", extra={"job": loop.name})
        try:
            async with asyncio.timeout(loop.every_s):
                await wake.wait()
        except TimeoutError:
            continue

"""The event bus of one process, in memory. Several processes: `redis_bus.py`."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable

from hearing_server.ports.bus import Doorbell, Listener
from hearing_server.ports.measures import Measure

_log = logging.getLogger(__name__)


class MemoryBus:
    """Rings listeners of this process, one after the other, in the order of ringing."""

    def __init__(self) -> None:
        self._listeners: dict[str, list[Listener]] = defaultdict(list)

    async def publish(self, bell: Doorbell) -> None:
        await self.deliver(bell)

    def subscribe(self, kind: str, listener: Listener) -> Callable[[], None]:
        self._listeners[kind].append(listener)
        return lambda: self._listeners[kind].remove(listener)

    def measures(self) -> list[Measure]:
        """Nothing can be lost here."""
        return []

    async def deliver(self, bell: Doorbell) -> None:
        for listener in tuple(self._listeners[bell.kind]):
            try:
                await listener(bell)
            except Exception:
                # One deaf listener must not silence the others, nor fail the commit that rang.
                _log.exception("bell listener failed", extra={"bell": bell.kind})
